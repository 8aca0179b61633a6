//! What is wrong with an input, said to the person who gave it.

use crate::units::Position;

/// Why a volume was refused. Nothing is repaired silently: each refusal says where and what to do next.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A coordinate is NaN or infinite.
    #[error("{what} is not a number")]
    NotANumber {
        /// Which value, as the sender named it.
        what: &'static str,
    },
    /// A latitude outside −90…90°.
    #[error("latitude {degrees} is outside -90 to 90: are longitude and latitude swapped?")]
    LatitudeOutOfRange {
        /// The latitude as given, degrees.
        degrees: f64,
    },
    /// A longitude outside −180…180°.
    #[error("longitude {degrees} is outside -180 to 180")]
    LongitudeOutOfRange {
        /// The longitude as given, degrees.
        degrees: f64,
    },
    /// The place is not where the named place beside it is.
    #[error(
        "{at} is {distance_km:.1} km from {name}, more than the {within_km} km stated{}",
        if *.swapped_fits { "; with longitude and latitude swapped it would fit" } else { "" }
    )]
    FarFromNamedPlace {
        /// The place as given.
        at: Position,
        /// The named place that it was checked against.
        name: String,
        /// How far the two are apart, kilometres.
        distance_km: f64,
        /// How far was allowed, kilometres.
        within_km: f64,
        /// Whether the same numbers, swapped, would have been near enough.
        swapped_fits: bool,
    },
    /// Two edges of one ring cross.
    #[error(
        "ring crosses itself at {at} (edges {first} and {second}): draw it without the crossing"
    )]
    SelfCrossing {
        /// The crossing.
        at: Position,
        /// Index of the earlier edge; edge `i` starts at vertex `i` of the ring as it was checked.
        first: usize,
        /// Index of the later edge.
        second: usize,
    },
    /// A ring meets itself without crossing: a spike, a repeated vertex, a figure of eight through one vertex.
    #[error("ring touches itself at {at} (edges {first} and {second})")]
    SelfTouching {
        /// Where it touches.
        at: Position,
        /// Index of the earlier edge.
        first: usize,
        /// Index of the later edge.
        second: usize,
    },
    /// A hole crosses the outer ring or another hole.
    #[error("two rings of one polygon cross at {at}")]
    RingsCross {
        /// The crossing.
        at: Position,
    },
    /// A hole shares a stretch of border with the outer ring or another hole.
    #[error("two rings of one polygon run along each other at {at}: draw the hole as a notch")]
    RingsShareBorder {
        /// A place on the shared stretch.
        at: Position,
    },
    /// A hole lies outside its outer ring, or inside another hole.
    #[error("a hole with a vertex at {at} does not lie inside its polygon")]
    HoleOutside {
        /// A vertex of the hole.
        at: Position,
    },
    /// A hole that goes round a pole. Declare two polygons instead.
    #[error("a hole goes round a pole: declare the area as two polygons")]
    HoleAroundPole,
    /// Fewer than three distinct vertices in a ring.
    #[error("a ring needs three distinct vertices, this one has {got}")]
    TooFewVertices {
        /// How many distinct vertices there were.
        got: usize,
    },
    /// More vertices than the named limit.
    #[error("{got} vertices, the limit is {limit}")]
    TooManyVertices {
        /// How many there were.
        got: usize,
        /// The limit: [`crate::VERTICES_MAX`] as declared or [`crate::DENSIFIED_VERTICES_MAX`] after densification.
        limit: usize,
    },
    /// More than half of the Earth.
    #[error(
        "the area is larger than a hemisphere: is the ring the border of what was meant to be outside?"
    )]
    MoreThanAHemisphere,
    /// An edge spans exactly half of the globe, so that it has no shorter way.
    #[error("the edge from {from} spans half of the globe: add a vertex in between")]
    AmbiguousEdge {
        /// Where the edge starts.
        from: Position,
    },
    /// An edge or leg too long for a geodesic.
    #[error("the edge from {from} is longer than {limit_km} km: add vertices")]
    EdgeTooLong {
        /// Where the edge starts.
        from: Position,
        /// The limit, kilometres.
        limit_km: u32,
    },
    /// No shape at all.
    #[error("the {what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// A radius or width that is not positive, or above the limit.
    #[error("{what} of {metres} m is not between {min} and {max} m")]
    SizeOutOfRange {
        /// Which size.
        what: &'static str,
        /// As given, metres.
        metres: f64,
        /// Smallest accepted, metres.
        min: f64,
        /// Largest accepted, metres.
        max: f64,
    },
    /// A height without the surface it is measured from.
    #[error(
        "a height of {metres} m without a datum: say ellipsoid, mean sea level, above ground or flight level"
    )]
    NoVerticalDatum {
        /// The number as given, metres.
        metres: f64,
    },
    /// A datum name that this crate does not know.
    #[error("unknown datum {name}")]
    UnknownDatum {
        /// As given.
        name: String,
    },
    /// Upper limit below the lower.
    #[error("the upper limit is below the lower by {by_cm} cm")]
    UpperBelowLower {
        /// By how much, centimetres.
        by_cm: i64,
    },
    /// A height beyond ±1,000 km.
    #[error("height {metres} m is out of range")]
    HeightOutOfRange {
        /// As given, metres.
        metres: f64,
    },
    /// The window ends before it starts, or when it starts.
    #[error("the window ends at {end_ms} ms, not after its start at {start_ms} ms (UTC)")]
    EndNotAfterStart {
        /// Start, milliseconds UTC.
        start_ms: i64,
        /// End, milliseconds UTC.
        end_ms: i64,
    },
    /// A plan for a window that has ended.
    #[error(
        "the window ended at {end_ms} ms; it is {now_ms} ms now (UTC): nothing is left to plan"
    )]
    AlreadyEnded {
        /// End, milliseconds UTC.
        end_ms: i64,
        /// When it was checked, milliseconds UTC.
        now_ms: i64,
    },
    /// A plan for a window that is too far ahead.
    #[error(
        "the window starts at {start_ms} ms, more than {} days after now, {now_ms} ms (UTC): plan it later",
        crate::units::PLAN_AHEAD_MS_MAX / 86_400_000
    )]
    TooFarAhead {
        /// Start, milliseconds UTC.
        start_ms: i64,
        /// When it was checked, milliseconds UTC.
        now_ms: i64,
    },
    /// A time outside of what this crate stores (years 1700 to 2230).
    #[error("time {ms} ms UTC is out of range")]
    TimeOutOfRange {
        /// As given, milliseconds UTC.
        ms: i64,
    },
    /// A date and time without its offset from UTC.
    #[error("\"{text}\" has no offset from UTC: local times repeat and skip an hour twice a year")]
    NoOffset {
        /// As given.
        text: String,
    },
    /// Not an RFC 3339 date and time.
    #[error("\"{text}\" is not an RFC 3339 date and time")]
    NotATime {
        /// As given.
        text: String,
    },
    /// A movement that is at two places at one instant.
    #[error("two places at one instant, {at_ms} ms UTC: {first} and {second}")]
    TwoPlacesAtOnce {
        /// The instant, milliseconds UTC.
        at_ms: i64,
        /// The first place.
        first: Position,
        /// The second place.
        second: Position,
    },
    /// A movement whose times go back.
    #[error("waypoint {index} is earlier than the one before it")]
    TimeGoesBack {
        /// Index of the waypoint.
        index: usize,
    },
}

/// Why the index refused an operation. The index is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Operations arrive in log order.
    #[error("log position {got} comes after {last}: the index is fed in log order")]
    OutOfOrder {
        /// Position of the operation.
        got: u64,
        /// Last position applied.
        last: u64,
    },
    /// The volume is there already.
    #[error("volume {0} is there already: replace it instead")]
    AlreadyThere(u64),
    /// No such volume, or withdrawn already.
    #[error("volume {0} is not there")]
    NotThere(u64),
    /// A rebuilt tree that belongs to another state of the index.
    #[error("the rebuilt tree was started from another main tree")]
    StaleRebuild,
}
