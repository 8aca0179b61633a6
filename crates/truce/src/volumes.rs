//! Volumes as they stand in bodies: an area, a circle, a corridor or timed legs, with a band of heights and a half-open window.
//! Plain data: whether two of them meet is for whoever has the geometry. Coordinates are 1e-7 degree, heights centimetres, radii
//! metres, all whole numbers, so that any engine that works at that grid or finer takes them without rounding.

use crate::values::{Int, Label, List, Metres, Polygon, Position, Slug, Time};
use crate::wire::{Broken, body, rule, words};
use record::time::UtcMs;

/// Most legs of a movement.
pub const LEGS_MAX: usize = 64;
/// Furthest that a leg may be off its line, in metres. What covers more is an area and no way.
pub const LEG_RADIUS_M_MAX: i64 = 10_000;
/// Most places of a corridor's line.
pub const LINE_MAX: usize = 256;

/// A height in centimetres, from below the Dead Sea to the edge of space.
pub type HeightCm = Int<-100_000, 10_000_000>;

/// A leg's radius in metres.
pub type LegRadius = Int<0, LEG_RADIUS_M_MAX>;

words! {
    /// The surface from which heights are measured.
    HeightDatum {
        /// Mean sea level.
        Amsl = "amsl",
        /// The ground below.
        Agl = "agl",
        /// The WGS 84 ellipsoid.
        Ellipsoid = "ellipsoid",
        /// Not stated: it is widened and never guessed.
        Unstated = "unstated",
    }
}

words! {
    /// The frame in which coordinates were taken.
    PlaceDatum {
        /// WGS 84.
        Wgs84 = "wgs84",
        /// Not stated: places may be 150 m off, and everything grows by that.
        Unstated = "unstated",
    }
}

body! {
    /// A band of heights.
    Altitude {
        /// From where; left out, from the ground.
        floor_cm: Option<HeightCm>,
        /// To where; left out, without end.
        ceiling_cm: Option<HeightCm>,
        /// Measured from what.
        datum: HeightDatum,
    }
    sense: floor_below_ceiling;
}

fn floor_below_ceiling(band: &Altitude) -> Result<(), Broken> {
    let upright = band
        .floor_cm
        .zip(band.ceiling_cm)
        .is_none_or(|(floor, ceiling)| floor <= ceiling);
    rule(upright, "ceiling_cm", "is not below floor_cm")
}

body! {
    /// Everything within a radius of a place.
    Circle {
        /// Its centre.
        centre: Position,
        /// Its radius.
        radius_m: Metres,
    }
}

body! {
    /// Everything within a distance of a line. A line that comes back over the same place is given as two corridors.
    Corridor {
        /// The line.
        line: List<Position, 2, LINE_MAX>,
        /// Half of its width.
        half_width_m: Metres,
    }
}

body! {
    /// One leg: from a place at a time to a place at a later one, at even speed. A stop is a leg whose two places are the same.
    Leg {
        /// From where.
        from: Position,
        /// From when.
        from_at: Time,
        /// To where.
        to: Position,
        /// At the latest when.
        to_at: Time,
        /// What the leg's end is called.
        to_name: Option<Label>,
        /// How far it may be off the straight line.
        radius_m: Option<LegRadius>,
        /// Heights, when it flies.
        altitude: Option<Altitude>,
    }
    sense: leg_runs_forward;
}

fn leg_runs_forward(leg: &Leg) -> Result<(), Broken> {
    rule(
        leg.from_at.utc() < leg.to_at.utc(),
        "to_at",
        "is after from_at",
    )
}

/// The legs of a movement in their order.
pub type Legs = List<Leg, 1, LEGS_MAX>;

/// Whether each leg begins where and not before the one before it ends.
#[must_use]
pub fn legs_join(legs: &[Leg]) -> bool {
    legs.windows(2).all(|two| {
        let (before, after) = (&two[0], &two[1]);
        before.to == after.from && before.to_at.utc() <= after.from_at.utc()
    })
}

body! {
    /// Where something is: exactly one of area, circle and corridor, with heights and a half-open window.
    Volume {
        /// Corners of an area; the last is joined to the first, edges are straight in longitude and latitude.
        area: Option<Polygon>,
        /// Holes in the area.
        holes: List<Polygon, 0, 16>,
        /// A circle.
        circle: Option<Circle>,
        /// A corridor.
        corridor: Option<Corridor>,
        /// Heights; left out, all of them.
        altitude: Option<Altitude>,
        /// The frame of the coordinates.
        datum: PlaceDatum,
        /// From when, this instant included.
        from: Time,
        /// Until when, this instant not included; left out, without end.
        until: Option<Time>,
    }
    sense: volume_has_one_shape;
}

fn volume_has_one_shape(volume: &Volume) -> Result<(), Broken> {
    let shapes = [
        volume.area.is_some(),
        volume.circle.is_some(),
        volume.corridor.is_some(),
    ];
    let one = shapes.into_iter().filter(|shape| *shape).count() == 1;
    rule(one, "area", "circle or corridor: exactly one of them")?;
    rule(
        volume.holes.is_empty() || volume.area.is_some(),
        "holes",
        "lie in an area",
    )?;
    let simple = volume.area.iter().chain(&volume.holes);
    rule(
        simple.into_iter().all(crate::areas::is_simple),
        "area",
        "and its holes do not cross themselves",
    )?;
    let ends = volume
        .until
        .as_ref()
        .is_none_or(|until| volume.from.utc() < until.utc());
    rule(ends, "until", "is after from")
}

/// The ground that a volume stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground<'v> {
    /// An area and its holes.
    Area(&'v Polygon, &'v [Polygon]),
    /// A circle.
    Circle(&'v Circle),
    /// A corridor.
    Corridor(&'v Corridor),
    /// A place by itself.
    Place(&'v Position),
    /// Timed legs.
    Legs(&'v [Leg]),
}

/// What was notified, as an engine takes it: ground, heights, window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notified<'v> {
    /// The ground.
    pub ground: Ground<'v>,
    /// Heights of all of it; legs have their own.
    pub altitude: Option<&'v Altitude>,
    /// The frame of the coordinates.
    pub datum: PlaceDatum,
    /// From when, this instant included.
    pub from: UtcMs,
    /// Until when, this instant not included; `None`: without end.
    pub until: Option<UtcMs>,
}

impl Volume {
    /// As an engine takes it.
    #[must_use]
    pub fn notified(&self) -> Option<Notified<'_>> {
        let area = self
            .area
            .as_ref()
            .map(|area| Ground::Area(area, &self.holes));
        let circle = self.circle.as_ref().map(Ground::Circle);
        let corridor = self.corridor.as_ref().map(Ground::Corridor);
        Some(Notified {
            ground: area.or(circle).or(corridor)?,
            altitude: self.altitude.as_ref(),
            datum: self.datum,
            from: self.from.utc(),
            until: self.until.as_ref().map(Time::utc),
        })
    }
}

/// Legs as an engine takes them; `None` when there are none.
#[must_use]
pub fn of_legs(legs: &[Leg], datum: PlaceDatum) -> Option<Notified<'_>> {
    Some(Notified {
        ground: Ground::Legs(legs),
        altitude: None,
        datum,
        from: legs.first()?.from_at.utc(),
        until: Some(legs.last()?.to_at.utc()),
    })
}

body! {
    /// What may meet something that was notified: a volume, or a route.
    Asked {
        /// A volume, as the ground of a site.
        volume: Option<Volume>,
        /// A route, leg by leg, as in the notice of a movement.
        legs: List<Leg, 0, LEGS_MAX>,
        /// The frame of the route's coordinates; a volume has its own.
        datum: Option<PlaceDatum>,
    }
    sense: one_thing_is_asked;
}

fn one_thing_is_asked(asked: &Asked) -> Result<(), Broken> {
    let routed = !asked.legs.is_empty();
    rule(
        asked.volume.is_some() != routed,
        "volume",
        "or legs: exactly one of them",
    )?;
    rule(
        asked.datum.is_some() == routed,
        "datum",
        "stands with legs, and with nothing else",
    )?;
    rule(
        legs_join(&asked.legs),
        "legs",
        "begin each where the one before ends, and not before it does",
    )
}

impl Asked {
    /// As an engine takes it.
    #[must_use]
    pub fn notified(&self) -> Option<Notified<'_>> {
        match &self.volume {
            Some(volume) => volume.notified(),
            None => of_legs(&self.legs, self.datum?),
        }
    }
}

body! {
    /// A time at which somebody on the way says that all is well.
    CheckPoint {
        /// Its short name.
        id: Slug,
        /// At the latest when.
        due_at: Time,
    }
}
