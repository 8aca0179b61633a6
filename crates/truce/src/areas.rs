//! Areas: one side designates, those whom it asks agree, dispute or consult. Coarse by rule: an area is no aim point.

use crate::Body;
use crate::agreement::{Agreement, Precedence};
use crate::responses::{Hold, Refuse};
use crate::standing::{Directory, Effective};
use crate::values::{Label, List, Polygon, Position, Slug, Time, Words};
use crate::wire::{Broken, body, rule, words};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;

/// Smallest area, in square metres: 100 km².
pub const AREA_M2_MIN: i128 = 100_000_000;
/// Corners lie on a grid of so many 1e-7 degrees: 0.05°.
pub const GRID_E7: i64 = 500_000;
/// Longest validity, in milliseconds: 30 days.
pub const VALIDITY_MS_MAX: i64 = 30 * 24 * 3600 * 1000;
/// Largest extent of an area in each direction, in 1e-7 degrees: 10°.
pub const EXTENT_E7_MAX: i64 = 100_000_000;

words! {
    /// What an area is designated for.
    Purpose {
        /// It is held by a group that the instrument excludes.
        HeldByExcludedGroup = "held_by_excluded_group",
        /// Forces are to be kept apart there.
        Disengagement = "disengagement",
        /// Where the instrument's own zones lie.
        SecurityZone = "security_zone",
    }
}

body! {
    /// `area.designate/1`: one side's word on an area. A revision is a designation about the earlier own one.
    ///
    /// ```json
    /// {"name": "North-east of Aleppo", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": ["US"],
    ///  "polygon": [{"lat_e7": 362000000, "lon_e7": 372000000}, {"lat_e7": 364000000, "lon_e7": 372000000},
    ///    {"lat_e7": 364000000, "lon_e7": 374000000}, {"lat_e7": 362000000, "lon_e7": 374000000}],
    ///  "basis": "Own reconnaissance", "valid_from": "2016-03-20T00:00:00Z", "valid_until": "2016-04-19T00:00:00Z"}
    /// ```
    Designate {
        /// Its name.
        name: Label,
        /// What for.
        purpose: Purpose,
        /// The excluded group that holds it, by the instrument's short name.
        held_by: Option<Slug>,
        /// Who is asked.
        to: List<CallSign, 1, 16>,
        /// The corners, on a grid of 0.05°, at least 100 km² together.
        polygon: Polygon,
        /// On what the designation rests.
        basis: Words,
        /// From when.
        valid_from: Time,
        /// Until when: at most 30 days.
        valid_until: Time,
    }
    sense: designation_is_coarse;
}

fn designation_is_coarse(area: &Designate) -> Result<(), Broken> {
    let held = area.purpose == Purpose::HeldByExcludedGroup;
    rule(
        area.held_by.is_some() == held,
        "held_by",
        "names the group when the area is held by an excluded one, and only then",
    )?;
    let on_grid = |n: i64| n % GRID_E7 == 0;
    let rounded = area
        .polygon
        .iter()
        .all(|p| on_grid(p.lat_e7.get()) && on_grid(p.lon_e7.get()));
    rule(
        rounded,
        "polygon",
        "has its corners on a grid of 0.05 degrees (500000 in 1e-7 degree)",
    )?;
    rule(is_simple(&area.polygon), "polygon", "does not cross itself")?;
    let ((south, north), (west, east)) = extent(&area.polygon);
    let fits = north - south <= EXTENT_E7_MAX && east - west <= EXTENT_E7_MAX;
    rule(fits, "polygon", "is at most 10 degrees wide and high")?;
    rule(
        area_m2(&area.polygon) >= AREA_M2_MIN,
        "polygon",
        "has at least 100 square kilometres",
    )?;
    let valid_ms = area.valid_until.utc().0 - area.valid_from.utc().0;
    rule(
        (1..=VALIDITY_MS_MAX).contains(&valid_ms),
        "valid_until",
        "is after valid_from by at most 30 days",
    )
}

words! {
    /// What is said to a designation.
    AreaAnswer {
        /// Agreed.
        Agree = "agree",
        /// Disputed.
        Dispute = "dispute",
        /// It is being considered. It holds and does not stop the clock.
        UnderConsultation = "under_consultation",
    }
}

body! {
    /// `area.respond/1`: to another's designation.
    ///
    /// ```json
    /// {"response": "dispute", "reason": "Covered groups hold its western half"}
    /// ```
    Respond {
        /// What.
        response: AreaAnswer,
        /// Why; it must stand there with a dispute.
        reason: Option<Words>,
        /// New date of the answer, when it is being considered.
        answer_by: Option<Time>,
    }
    sense: dispute_has_a_reason;
}

fn dispute_has_a_reason(respond: &Respond) -> Result<(), Broken> {
    rule(
        respond.response != AreaAnswer::Dispute || respond.reason.is_some(),
        "reason",
        "must stand there with a dispute",
    )
}

body! {
    /// `separation.ask/1`: that formations move apart from excluded groups.
    ///
    /// ```json
    /// {"to": ["US"], "formations": ["first-brigade"], "words": "Leave the area held by the excluded group"}
    /// ```
    SeparationAsk {
        /// Who is asked.
        to: List<CallSign, 1, 16>,
        /// Which formations.
        formations: List<Slug, 0, 32>,
        /// What is asked.
        words: Words,
        /// By when.
        until: Option<Time>,
    }
}

/// Whether those who were asked agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// All of them.
    ByAll,
    /// Somebody disputes it.
    Disputed,
    /// Nobody disputes it, and not all have answered. Silence is never consent.
    Open,
}

impl Agreed {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByAll => "agreed",
            Self::Disputed => "disputed",
            Self::Open => "open",
        }
    }
}

/// The last word of one who was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaWord {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// Which.
    pub response: AreaAnswer,
}

/// A designated area and what those who were asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// The designation, in its latest revision.
    pub reference: Reference,
    /// The first designation: the clock started there.
    pub first: Reference,
    /// All of its revisions, the first one first.
    pub revisions: Vec<Reference>,
    /// Who designates.
    pub by: CallSign,
    /// Its name.
    pub name: Label,
    /// What for.
    pub purpose: Purpose,
    /// The excluded group that holds it.
    pub held_by: Option<Slug>,
    /// The corners.
    pub polygon: Polygon,
    /// When it was first designated.
    pub designated_at: UtcMs,
    /// From when it is valid.
    pub valid_from: UtcMs,
    /// Until when it is valid.
    pub valid_until: UtcMs,
    /// Who is asked.
    pub to: Vec<CallSign>,
    /// Agreement or dispute of each; a revision must be answered anew.
    pub answers: BTreeMap<CallSign, AreaWord>,
    /// The last holding reply of each, with the new date.
    pub holds: BTreeMap<CallSign, (Reference, Option<UtcMs>)>,
}

impl Area {
    /// Whether all who were asked agree.
    #[must_use]
    pub fn agreed(&self) -> Agreed {
        if self
            .answers
            .values()
            .any(|word| word.response == AreaAnswer::Dispute)
        {
            return Agreed::Disputed;
        }
        let agrees = |party: &CallSign| self.answers.contains_key(party);
        if self.to.iter().all(agrees) {
            Agreed::ByAll
        } else {
            Agreed::Open
        }
    }

    /// Whether it is valid at `at`.
    #[must_use]
    pub fn is_valid(&self, at: UtcMs) -> bool {
        self.valid_from <= at && at < self.valid_until
    }
}

/// A request that formations move apart, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separation {
    /// Where it stands.
    pub reference: Reference,
    /// Who asks.
    pub by: CallSign,
    /// When.
    pub at: UtcMs,
    /// What is asked.
    pub ask: SeparationAsk,
    /// Answer or refusal of each, with its reason's statement.
    pub answers: BTreeMap<CallSign, SeparationWord>,
    /// The last holding reply of each, with the new date.
    pub holds: BTreeMap<CallSign, (Reference, Option<UtcMs>)>,
}

/// The last word of one who was asked to move apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeparationWord {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// Which.
    pub said: Said,
}

/// What was said to a separation request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Answered,
    /// No, for this reason.
    Refused(String),
}

/// Areas and separation requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Areas {
    /// By their latest revision.
    pub areas: BTreeMap<Reference, Area>,
    /// Requests.
    pub separations: BTreeMap<Reference, Separation>,
}

/// Folds what was said about areas.
#[must_use]
pub fn fold(said: &[Effective<'_>], directory: &Directory) -> Areas {
    let mut areas: BTreeMap<Reference, Area> = BTreeMap::new();
    let mut separations = BTreeMap::new();
    // Statements stand in the order of their logs, so that a revision always comes after what it revises.
    for entry in said {
        match &*entry.body {
            Body::AreaDesignate(body) => {
                let earlier = entry.object().and_then(|object| areas.remove(object));
                areas.insert(entry.reference.clone(), designated(entry, body, earlier));
            }
            Body::SeparationAsk(ask) => {
                let (reference, by, at) = (entry.reference.clone(), entry.by.clone(), entry.at());
                let ask = ask.clone();
                let asked = Separation {
                    reference,
                    by,
                    at,
                    ask,
                    answers: BTreeMap::new(),
                    holds: BTreeMap::new(),
                };
                separations.insert(entry.reference.clone(), asked);
            }
            _ => {}
        }
    }
    for entry in said {
        let (Some(object), Some(by)) =
            (entry.object(), directory.call_sign(&entry.reference.origin))
        else {
            continue;
        };
        if let Some(area) = areas
            .values_mut()
            .find(|area| area.revisions.contains(object))
        {
            hear(area, entry, object, by);
        } else if let Some(separation) = separations.get_mut(object) {
            hear_separation(separation, entry, by);
        }
    }
    Areas { areas, separations }
}

fn designated(entry: &Effective<'_>, body: &Designate, earlier: Option<Area>) -> Area {
    let (mut revisions, designated_at) = earlier.map_or((vec![], entry.at()), |area| {
        (area.revisions, area.designated_at)
    });
    revisions.push(entry.reference.clone());
    Area {
        reference: entry.reference.clone(),
        first: revisions[0].clone(),
        revisions,
        by: entry.by.clone(),
        name: body.name.clone(),
        purpose: body.purpose,
        held_by: body.held_by.clone(),
        polygon: body.polygon.clone(),
        designated_at,
        valid_from: body.valid_from.utc(),
        valid_until: body.valid_until.utc(),
        to: body.to.to_vec(),
        answers: BTreeMap::new(),
        holds: BTreeMap::new(),
    }
}

fn hear(area: &mut Area, entry: &Effective<'_>, object: &Reference, by: CallSign) {
    let latest = *object == area.reference;
    match &*entry.body {
        Body::AreaRespond(respond) if area.to.contains(&by) => match respond.response {
            AreaAnswer::UnderConsultation => {
                area.holds.insert(
                    by,
                    (
                        entry.reference.clone(),
                        respond.answer_by.as_ref().map(Time::utc),
                    ),
                );
            }
            // A word on an earlier outline says nothing about this one.
            response if latest => {
                let word = AreaWord {
                    reference: entry.reference.clone(),
                    at: entry.at(),
                    response,
                };
                area.answers.insert(by, word);
            }
            _ => {}
        },
        Body::Hold(Hold { answer_by, .. }) if area.to.contains(&by) => {
            area.holds
                .insert(by, (entry.reference.clone(), Some(answer_by.utc())));
        }
        _ => {}
    }
}

fn hear_separation(separation: &mut Separation, entry: &Effective<'_>, by: CallSign) {
    if !separation.ask.to.contains(&by) {
        return;
    }
    let word = |said| SeparationWord {
        reference: entry.reference.clone(),
        at: entry.at(),
        said,
    };
    match &*entry.body {
        Body::Answer(answer) if answer.reply.holds() => {
            separation.holds.insert(by, (entry.reference.clone(), None));
        }
        Body::Answer(_) => {
            separation.answers.insert(by, word(Said::Answered));
        }
        Body::Refuse(Refuse { reason, .. }) => {
            separation
                .answers
                .insert(by, word(Said::Refused(reason.to_string())));
        }
        Body::Hold(Hold { answer_by, .. }) => {
            separation
                .holds
                .insert(by, (entry.reference.clone(), Some(answer_by.utc())));
        }
        _ => {}
    }
}

/// Milliseconds in which an area is answered, by what is in force at `at`; where nothing names it, as ROUTINE.
#[must_use]
pub fn answer_within_ms(agreement: &Agreement, at: UtcMs) -> i64 {
    let named = agreement.newest(at, |instrument| instrument.table.area_answer_within_s);
    let routine = agreement.clock(Precedence::Routine, at).answer_within_s;
    named.unwrap_or(routine).get() * 1000
}

/// What is wrong with an outline that could be subtracted from one that the same participant designated before, in whichever area.
pub(crate) const TOO_CLOSE: &str = "divides it and an earlier outline of your own into a part of less than 100 square kilometres, so that the \
     one could be subtracted from the other to find a place; use that outline as it is, or change it by more";
/// A designation can be revised once; what comes after revises the revision.
pub(crate) const REVISED: &str = "was revised already; revise the latest";

/// An outline that was designated, with the box around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    polygon: Polygon,
    /// South and north, in 1e-7 degrees.
    lat: (i64, i64),
    /// West and east.
    lon: (i64, i64),
}

impl Outline {
    /// The outline of an area.
    #[must_use]
    pub fn of(polygon: &Polygon) -> Self {
        let (lat, lon) = extent(polygon);
        Self {
            polygon: polygon.clone(),
            lat,
            lon,
        }
    }

    /// Whether this outline may stand beside another one of the same participant: it is the same; or each of the three parts into
    /// which they divide each other is nothing, or at least the smallest area, and so is what they differ by. What was published once
    /// stays known, so it does not matter which of them came first, nor when they are valid.
    ///
    /// Parts are counted in cells of the grid: a cell counts where a point beside its centre lies, which is on no line between
    /// corners of the grid.
    #[must_use]
    pub fn may_stand_beside(&self, other: &Self) -> bool {
        let apart = self.lat.1 <= other.lat.0
            || other.lat.1 <= self.lat.0
            || self.lon.1 <= other.lon.0
            || other.lon.1 <= self.lon.0;
        if apart || self.polygon == other.polygon {
            return true;
        }
        let (south, north) = (self.lat.0.min(other.lat.0), self.lat.1.max(other.lat.1));
        // Square metres of only this one, only the other, and both.
        let mut parts = [0_i128; 3];
        for row in 0..(north - south) / GRID_E7 {
            let lat_e7 = south + row * GRID_E7;
            let (mine, others) = (
                row_of(&self.polygon, lat_e7),
                row_of(&other.polygon, lat_e7),
            );
            let both = common(&mine, &others);
            let cell_m2 = square_m2(
                i128::from(GRID_E7) * i128::from(GRID_E7) * 2,
                lat_e7.abs().max((lat_e7 + GRID_E7).abs()),
            );
            let cells = [cells(&mine) - both, cells(&others) - both, both];
            for (part, cells) in parts.iter_mut().zip(cells) {
                *part += i128::from(cells) * cell_m2;
            }
        }
        let [mine, others, _] = parts;
        parts.iter().all(|part| *part == 0 || *part >= AREA_M2_MIN) && mine + others >= AREA_M2_MIN
    }
}

/// A cell is counted at this point, in 1e-7 degrees from its south-west corner: beside the centre, on no line between two corners of
/// the grid that are not further apart than an area is wide.
const SAMPLE_E7: (i64, i64) = (GRID_E7 / 2 + 1, GRID_E7 / 2 + 2);

/// Which columns of the grid a polygon holds in the row that begins at `lat_e7`: from the one, before the other, from west to east.
fn row_of(polygon: &Polygon, lat_e7: i64) -> Vec<(i64, i64)> {
    let at = i128::from(lat_e7 + SAMPLE_E7.1);
    let mut crossed: Vec<i64> = edges(&points(polygon))
        .filter(|(a, b)| (a.1 > at) != (b.1 > at))
        .map(|(a, b)| {
            // The first column whose point lies east of where the edge crosses: lon = a.0 + (b.0 - a.0) (at - a.1) / (b.1 - a.1).
            let (over, mut under) = ((b.0 - a.0) * (at - a.1), b.1 - a.1);
            let mut east = a.0 * under + over - i128::from(SAMPLE_E7.0) * under;
            if under < 0 {
                (east, under) = (-east, -under);
            }
            let column = east.div_euclid(under * i128::from(GRID_E7)) + 1;
            i64::try_from(column).expect("a column of the grid on earth")
        })
        .collect();
    crossed.sort_unstable();
    crossed
        .chunks_exact(2)
        .map(|two| (two[0], two[1]))
        .collect()
}

fn cells(row: &[(i64, i64)]) -> i64 {
    row.iter().map(|(from, before)| before - from).sum()
}

/// How many columns both rows hold.
fn common(mine: &[(i64, i64)], others: &[(i64, i64)]) -> i64 {
    let pairs = mine.iter().flat_map(|a| others.iter().map(move |b| (a, b)));
    pairs
        .map(|(a, b)| (a.1.min(b.1) - a.0.max(b.0)).max(0))
        .sum()
}

type Point = (i128, i128);

fn points(polygon: &Polygon) -> Vec<Point> {
    polygon
        .iter()
        .map(|p| (i128::from(p.lon_e7.get()), i128::from(p.lat_e7.get())))
        .collect()
}

fn edges(points: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    (0..points.len()).map(|i| (points[i], points[(i + 1) % points.len()]))
}

/// South and north, west and east, in 1e-7 degrees.
fn extent(polygon: &Polygon) -> ((i64, i64), (i64, i64)) {
    let range = |values: &mut dyn Iterator<Item = i64>| {
        values.fold((i64::MAX, i64::MIN), |(low, high), v| {
            (low.min(v), high.max(v))
        })
    };
    (
        range(&mut polygon.iter().map(|p| p.lat_e7.get())),
        range(&mut polygon.iter().map(|p| p.lon_e7.get())),
    )
}

/// On which side of the line from `a` to `b` the point `p` lies: above 0 on the left, 0 on the line.
fn side((ax, ay): Point, (bx, by): Point, (px, py): Point) -> i128 {
    (bx - ax) * (py - ay) - (by - ay) * (px - ax)
}

fn on_edge(a: Point, b: Point, p: Point) -> bool {
    let within = |v: i128, a: i128, b: i128| a.min(b) <= v && v <= a.max(b);
    side(a, b, p) == 0 && within(p.0, a.0, b.0) && within(p.1, a.1, b.1)
}

/// Whether `polygon` contains `place`; its border belongs to it. Plane and exact, in whole 1e-7 degrees; a polygon that crosses
/// longitude 180 has to be given as two.
#[must_use]
pub fn contains(polygon: &Polygon, place: &Position) -> bool {
    let p = (
        i128::from(place.lon_e7.get()),
        i128::from(place.lat_e7.get()),
    );
    let mut inside = false;
    for (a, b) in edges(&points(polygon)) {
        if on_edge(a, b, p) {
            return true;
        }
        if (a.1 > p.1) != (b.1 > p.1) {
            let left = side(a, b, p) > 0;
            inside ^= left == (b.1 > a.1);
        }
    }
    inside
}

/// Whether no two edges touch but neighbours in their common corner.
#[must_use]
pub fn is_simple(polygon: &Polygon) -> bool {
    let edges: Vec<(Point, Point)> = edges(&points(polygon)).collect();
    let n = edges.len();
    (0..n).all(|i| {
        let (a, b) = edges[i];
        let (next_a, next_b) = edges[(i + 1) % n];
        let spike = on_edge(a, b, next_b) || on_edge(next_a, next_b, a);
        let others = (i + 2..n).filter(|j| (j + 1) % n != i);
        !(spike && n > 2)
            && others
                .into_iter()
                .all(|j| !cross(a, b, edges[j].0, edges[j].1))
    })
}

fn cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let straddle = |a, b, c, d| side(a, b, c).signum() * side(a, b, d).signum() < 0;
    let touch = on_edge(a, b, c) || on_edge(a, b, d) || on_edge(c, d, a) || on_edge(c, d, b);
    touch || (straddle(a, b, c, d) && straddle(c, d, a, b))
}

/// A lower bound of the polygon's size in square metres: east-west distances are measured at its corner farthest from the
/// equator, so that an area is never taken for larger than it is.
#[must_use]
pub fn area_m2(polygon: &Polygon) -> i128 {
    let twice: i128 = edges(&points(polygon))
        .map(|((ax, ay), (bx, by))| ax * by - bx * ay)
        .sum();
    let ((south, north), _) = extent(polygon);
    square_m2(twice.abs(), south.abs().max(north.abs()))
}

/// Square metres of half of `twice` squares of 1e-7 degree at a latitude. One degree is 111.195 km.
fn square_m2(twice: i128, lat_e7: i64) -> i128 {
    const METRES_SQUARED_E14: i128 = 111_195 * 111_195;
    let degree_up = usize::try_from((lat_e7 + 9_999_999) / 10_000_000)
        .unwrap_or(90)
        .min(90);
    twice * METRES_SQUARED_E14 / 100_000_000_000_000 * COSINE_E9[degree_up] / 2_000_000_000
}

/// The cosine of each whole degree, times 1e9: from the two first by cos(n+1) = 2 cos(1) cos(n) - cos(n-1), in integers.
const COSINE_E9: [i128; 91] = {
    const UNIT: i128 = 1_000_000_000_000_000_000;
    const ONE_DEGREE: i128 = 999_847_695_156_391_239;
    let mut cosine = [1_000_000_000; 91];
    let (mut before, mut here, mut degree) = (UNIT, ONE_DEGREE, 1);
    while degree < 91 {
        cosine[degree] = here / 1_000_000_000;
        (before, here) = (here, 2 * ONE_DEGREE * here / UNIT - before);
        degree += 1;
    }
    cosine
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners in units of 0.05°, as (longitude, latitude).
    fn polygon(corners: &[(i64, i64)]) -> Polygon {
        let corners = corners
            .iter()
            .map(|(x, y)| Position::new(y * GRID_E7, x * GRID_E7).unwrap());
        List::new(corners.collect()).unwrap()
    }

    #[test]
    fn a_border_belongs_to_its_area_and_a_notch_does_not() {
        let notched = polygon(&[(0, 0), (8, 0), (8, 8), (4, 4), (0, 8)]);
        let at = |x, y| contains(&notched, &Position::new(y * GRID_E7, x * GRID_E7).unwrap());
        assert!(at(0, 0) && at(8, 4) && at(4, 4) && at(2, 6) && at(1, 1) && at(6, 5));
        assert!(!at(4, 6) && !at(9, 4) && !at(-1, 0) && !at(4, 9));
    }

    #[test]
    fn a_polygon_that_crosses_itself_is_none() {
        assert!(is_simple(&polygon(&[(0, 0), (4, 0), (4, 4), (0, 4)])));
        assert!(!is_simple(&polygon(&[(0, 0), (4, 4), (4, 0), (0, 4)])));
        assert!(!is_simple(&polygon(&[(0, 0), (4, 0), (2, 0)])));
        assert!(!is_simple(&polygon(&[
            (0, 0),
            (4, 0),
            (4, 4),
            (2, 0),
            (0, 4)
        ])));
    }

    #[test]
    fn size_is_a_lower_bound() {
        // One degree square at the equator has 12,364 km²; at 60° north half of it.
        let equator = area_m2(&polygon(&[(0, 0), (20, 0), (20, 20), (0, 20)]));
        assert!(
            (12_300_000_000..12_364_400_000).contains(&equator),
            "{equator}"
        );
        let north = area_m2(&polygon(&[(0, 1180), (20, 1180), (20, 1200), (0, 1200)]));
        assert!((6_150_000_000..6_200_000_000).contains(&north), "{north}");
        assert!((499_999_999..=500_000_001).contains(&COSINE_E9[60]));
        assert!(COSINE_E9[90].abs() <= 1);
    }

    fn may_stand(earlier: &[(i64, i64)], later: &[(i64, i64)]) -> bool {
        let (earlier, later) = (Outline::of(&polygon(earlier)), Outline::of(&polygon(later)));
        let may = later.may_stand_beside(&earlier);
        assert_eq!(may, earlier.may_stand_beside(&later), "in either order");
        may
    }

    const SQUARE: &[(i64, i64)] = &[(0, 0), (8, 0), (8, 8), (0, 8)];

    #[test]
    fn two_outlines_of_one_participant_cannot_be_subtracted() {
        assert!(may_stand(SQUARE, SQUARE));
        let corner_off: &[_] = &[(0, 0), (8, 0), (8, 7), (7, 8), (0, 8)];
        assert!(!may_stand(SQUARE, corner_off));
        let cell_more: &[_] = &[
            (0, 0),
            (8, 0),
            (8, 8),
            (2, 8),
            (2, 9),
            (1, 9),
            (1, 8),
            (0, 8),
        ];
        assert!(!may_stand(SQUARE, cell_more));
        assert!(
            may_stand(SQUARE, &[(0, 0), (9, 0), (9, 8), (0, 8)]),
            "a strip of eight cells"
        );
        assert!(
            may_stand(SQUARE, &[(20, 0), (28, 0), (28, 8), (20, 8)]),
            "elsewhere"
        );
        assert!(
            may_stand(SQUARE, &[(8, 0), (16, 0), (16, 8), (8, 8)]),
            "side by side"
        );
        assert!(
            may_stand(SQUARE, &[(2, 2), (5, 2), (5, 5), (2, 5)]),
            "much smaller, inside"
        );
    }

    #[test]
    fn neither_what_one_alone_has_nor_what_both_have_is_a_small_part() {
        // One cell is left out, and much is added elsewhere.
        let elsewhere: &[_] = &[(0, 0), (16, 0), (16, 8), (1, 8), (1, 7), (0, 7)];
        assert!(
            !may_stand(SQUARE, elsewhere),
            "the corner is what the first one alone has"
        );
        assert!(
            !may_stand(SQUARE, &[(7, 7), (12, 7), (12, 12), (7, 12)]),
            "they share one cell"
        );
        assert!(
            may_stand(SQUARE, &[(5, 5), (12, 5), (12, 12), (5, 12)]),
            "they share nine"
        );
        // A slope that both have in common is no part.
        let (below, above): (&[_], &[_]) = (&[(0, 0), (8, 0), (8, 8)], &[(0, 0), (8, 8), (0, 8)]);
        assert!(may_stand(below, above));
    }

    #[test]
    fn a_row_of_cells_is_what_the_polygon_holds() {
        let notched = polygon(&[(0, 0), (8, 0), (8, 8), (4, 4), (0, 8)]);
        for row in -1..9 {
            let held = row_of(&notched, row * GRID_E7);
            for column in -1..9 {
                let beside = |n: i64, sample: i64| n * GRID_E7 + sample;
                let (lat, lon) = (beside(row, SAMPLE_E7.1), beside(column, SAMPLE_E7.0));
                let place = Position::new(lat, lon).unwrap();
                let within = held
                    .iter()
                    .any(|(from, before)| (*from..*before).contains(&column));
                assert_eq!(within, contains(&notched, &place), "{row} {column}");
            }
        }
    }
}
