//! What is declared, and what is made of it.

use crate::altitude::{AltitudeBand, Band, Heights};
use crate::error::InputError;
use crate::geodesy::{self, Cut};
use crate::motion::{self, Leg, Waypoint};
use crate::shape::{self, Part, VERTICES_MAX};
use crate::units::{GeoBox, LonLat, Window, snap};

/// How far coordinates without a stated datum may be from WGS 84, metres: the Pulkovo 1942 (SK-42) shift in the Levant is 104–138 m.
pub const UNSTATED_DATUM_M: f64 = 150.0;
/// Smallest radius or half-width, metres.
pub const RADIUS_M_MIN: f64 = 0.1;
/// Largest radius of a circle, metres.
pub const CIRCLE_RADIUS_M_MAX: f64 = 500_000.0;
/// Largest half-width of a corridor and largest radius of a moving disc, metres.
pub const CORRIDOR_HALF_WIDTH_M_MAX: f64 = 50_000.0;
/// Longest piece of a leg, metres: the local frame is right to millimetres over it.
pub(crate) const PIECE_M: f64 = 10_000.0;

/// What is straight between two vertices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edges {
    /// Straight in longitude and latitude (GeoJSON).
    Planar,
    /// Shortest on the ellipsoid (F3548); densified to a centimetre.
    Geodesic,
}

/// What a ring that crosses itself means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fill {
    /// It is an error, which names the crossing.
    #[default]
    Simple,
    /// Every place the ring goes round is inside. Only ever by a person's decision.
    Nonzero,
}

/// The frame that coordinates were given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HorizontalDatum {
    /// WGS 84. Anything else is transformed before it comes here.
    Wgs84,
    /// Not stated: everything grows by [`UNSTATED_DATUM_M`] and no meeting is more than indeterminate.
    Unstated,
}

/// A polygon with holes. Rings may be closed or not, and may run either way.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    /// Outer ring.
    pub shell: Vec<LonLat>,
    /// Holes.
    pub holes: Vec<Vec<LonLat>>,
    /// What its edges are.
    pub edges: Edges,
    /// What a self-crossing means.
    pub fill: Fill,
}

impl Polygon {
    /// A polygon without holes, with planar edges, that must not cross itself.
    #[must_use]
    pub fn planar(shell: Vec<LonLat>) -> Self {
        Self {
            shell,
            holes: Vec::new(),
            edges: Edges::Planar,
            fill: Fill::Simple,
        }
    }

    /// A polygon without holes, with geodesic edges, that must not cross itself.
    #[must_use]
    pub fn geodesic(shell: Vec<LonLat>) -> Self {
        Self {
            edges: Edges::Geodesic,
            ..Self::planar(shell)
        }
    }

    /// The same with holes.
    #[must_use]
    pub fn with_holes(mut self, holes: Vec<Vec<LonLat>>) -> Self {
        self.holes = holes;
        self
    }
}

/// The ground that a volume stands on.
#[derive(Debug, Clone, PartialEq)]
pub enum Footprint {
    /// One polygon.
    Polygon(Polygon),
    /// One place. It grows by one unit of the grid (1.1 mm) each way, so that it has an inside.
    Point(LonLat),
    /// Several; they may overlap, the union counts.
    MultiPolygon(Vec<Polygon>),
    /// Everything within a radius of a place. Circumscribed: no part of the circle is left out.
    Circle {
        /// Centre.
        centre: LonLat,
        /// Radius, metres.
        radius_m: f64,
    },
    /// Everything within a distance of a line, with round ends and round bends. Circumscribed.
    Corridor {
        /// The line; a single place is a circle.
        line: Vec<LonLat>,
        /// Half of the width, metres.
        half_width_m: f64,
        /// What is straight between the places of the line.
        edges: Edges,
    },
    /// A box of longitudes and latitudes.
    Box(GeoBox),
}

/// A volume: an area or a movement, heights above the ellipsoid, a window. Immutable and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    pub(crate) parts: Vec<Part>,
    pub(crate) legs: Vec<Leg>,
    pub(crate) band: Band,
    pub(crate) window: Window,
    pub(crate) datum_known: bool,
}

impl Volume {
    /// A volume that stays where it is.
    ///
    /// # Errors
    /// Everything that [`InputError`] lists for shapes and heights.
    pub fn still(
        footprint: &Footprint,
        datum: HorizontalDatum,
        altitude: AltitudeBand,
        window: Window,
        heights: &dyn Heights,
    ) -> Result<Self, InputError> {
        let parts = parts(footprint, datum)?;
        let band = altitude.resolve(&bounds(parts.iter().map(|p| p.bounds)), heights)?;
        Ok(Self {
            parts,
            legs: Vec::new(),
            band,
            window,
            datum_known: datum == HorizontalDatum::Wgs84,
        })
    }

    /// A volume that moves: a disc whose centre runs from waypoint to waypoint at even speed, and whose radius changes evenly. Its window is from the first waypoint to the last.
    ///
    /// # Errors
    /// Fewer than two waypoints, times that go back, two places at one instant, radii out of range.
    pub fn moving(
        waypoints: &[Waypoint],
        edges: Edges,
        datum: HorizontalDatum,
        altitude: AltitudeBand,
        heights: &dyn Heights,
    ) -> Result<Self, InputError> {
        let (legs, window) = motion::legs(waypoints, edges, datum, altitude, heights)?;
        let band = legs
            .iter()
            .skip(1)
            .fold(legs[0].band, |band, leg| band.hull(&leg.band));
        Ok(Self {
            parts: Vec::new(),
            legs,
            band,
            window,
            datum_known: datum == HorizontalDatum::Wgs84,
        })
    }

    /// Heights above the ellipsoid.
    #[must_use]
    pub const fn band(&self) -> Band {
        self.band
    }

    /// When it is active.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Whether it moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        !self.legs.is_empty()
    }

    /// The smallest box around it, movements with their radius.
    #[must_use]
    pub fn bounds(&self) -> GeoBox {
        bounds(
            self.parts
                .iter()
                .map(|p| p.bounds)
                .chain(self.legs.iter().map(|l| l.bounds)),
        )
    }

    /// How many vertices its areas have on the grid, after densification.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.parts
            .iter()
            .map(|p| match &p.points {
                shape::Points::Narrow(v) => v.len(),
                shape::Points::Wide(v) => v.len(),
            })
            .sum()
    }
}

fn bounds(all: impl Iterator<Item = [i64; 4]>) -> GeoBox {
    let b = all
        .reduce(|a, b| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        })
        .unwrap_or_default();
    GeoBox {
        west: b[0],
        south: b[1],
        east: b[2],
        north: b[3],
    }
}

pub(crate) fn check_radius(what: &'static str, metres: f64, max: f64) -> Result<f64, InputError> {
    if !metres.is_finite() {
        return Err(InputError::NotANumber { what });
    }
    if !(RADIUS_M_MIN..=max).contains(&metres) {
        return Err(InputError::SizeOutOfRange {
            what,
            metres,
            min: RADIUS_M_MIN,
            max,
        });
    }
    Ok(metres)
}

fn parts(footprint: &Footprint, datum: HorizontalDatum) -> Result<Vec<Part>, InputError> {
    let slack = if datum == HorizontalDatum::Unstated {
        UNSTATED_DATUM_M
    } else {
        0.0
    };
    let count: usize = match footprint {
        Footprint::Polygon(p) => vertices(p),
        Footprint::MultiPolygon(all) => all.iter().map(vertices).sum(),
        Footprint::Corridor { line, .. } => line.len(),
        Footprint::Point(_) | Footprint::Circle { .. } | Footprint::Box(_) => 0,
    };
    if count > VERTICES_MAX {
        return Err(InputError::TooManyVertices {
            got: count,
            limit: VERTICES_MAX,
        });
    }
    match footprint {
        Footprint::Polygon(p) => {
            let mut parts = vec![shape::polygon(p)?];
            widen(p, slack, &mut parts)?;
            Ok(parts)
        }
        Footprint::MultiPolygon(all) => {
            let mut parts = all
                .iter()
                .map(shape::polygon)
                .collect::<Result<Vec<_>, _>>()?;
            if parts.is_empty() {
                return Err(InputError::Empty {
                    what: "multipolygon",
                });
            }
            for p in all {
                widen(p, slack, &mut parts)?;
            }
            Ok(parts)
        }
        Footprint::Point(p) if slack > 0.0 => Ok(vec![disc(p.fine()?, slack)]),
        Footprint::Point(p) => Ok(vec![shape::made(&[p.fine()?])]),
        Footprint::Circle { centre, radius_m } => {
            let radius = check_radius("radius", *radius_m, CIRCLE_RADIUS_M_MAX)? + slack;
            Ok(vec![disc(centre.fine()?, radius)])
        }
        Footprint::Corridor {
            line,
            half_width_m,
            edges,
        } => {
            let half =
                check_radius("half-width", *half_width_m, CORRIDOR_HALF_WIDTH_M_MAX)? + slack;
            corridor(line, half, *edges)
        }
        Footprint::Box(area) => {
            let mut part = Part::rectangle(area);
            if slack > 0.0 {
                let [_, dlat] = geodesy::reach_degrees(0.0, slack);
                let highest =
                    area.south.abs().max(area.north.abs()) as f64 / crate::units::E8 as f64;
                let [dlon, _] = geodesy::reach_degrees(highest, slack);
                let e8 = |d: f64| libm::ceil(d * crate::units::E8 as f64) as i64;
                part = Part::rectangle(&GeoBox {
                    west: area.west - e8(dlon),
                    south: (area.south - e8(dlat)).max(-90 * crate::units::E8),
                    east: area.east + e8(dlon),
                    north: (area.north + e8(dlat)).min(90 * crate::units::E8),
                });
            }
            Ok(vec![part])
        }
    }
}

fn vertices(p: &Polygon) -> usize {
    p.shell.len() + p.holes.iter().map(Vec::len).sum::<usize>()
}

/// Adds a corridor along every border, for coordinates of which nobody knows the frame.
fn widen(p: &Polygon, slack: f64, parts: &mut Vec<Part>) -> Result<(), InputError> {
    if slack > 0.0 {
        for ring in std::iter::once(&p.shell).chain(&p.holes) {
            let closed: Vec<LonLat> = ring.iter().chain(ring.first()).copied().collect();
            parts.extend(corridor(&closed, slack, p.edges)?);
        }
    }
    Ok(())
}

fn disc(centre: [i64; 2], radius_m: f64) -> Part {
    geodesy::circle(centre, radius_m).map_or_else(
        || shape::polar_box(centre, radius_m),
        |ring| shape::made(&ring),
    )
}

fn corridor(line: &[LonLat], half_m: f64, edges: Edges) -> Result<Vec<Part>, InputError> {
    let places = line
        .iter()
        .map(|p| p.fine())
        .collect::<Result<Vec<_>, _>>()?;
    let Some(&first) = places.first() else {
        return Err(InputError::Empty { what: "line" });
    };
    let mut parts = Vec::new();
    let mut at = first;
    let mut budget = shape::DENSIFIED_VERTICES_MAX;
    for &to in &places[1..] {
        let next = shape::unroll_next(at, to)?;
        if next == at {
            continue;
        }
        let cut = Cut::new(at, next, edges, PIECE_M, budget)?;
        budget -= (cut.pieces as usize).min(budget);
        let axis: Vec<[i64; 2]> = std::iter::once(at)
            .chain(cut.between())
            .chain([next])
            .collect();
        // Pieces of about ten kilometres, so that boxes stay tight.
        let per_part =
            ((axis.len() - 1) as f64 * PIECE_M / cut.length_m().max(1.0)).max(1.0) as usize;
        let mut start = 0;
        while start + 1 < axis.len() {
            let end = (start + per_part).min(axis.len() - 1);
            let piece = &axis[start..=end];
            match geodesy::capsule(piece, half_m) {
                Some(ring) => parts.push(shape::made(&ring)),
                None => parts.extend(
                    piece
                        .iter()
                        .map(|&p| shape::polar_box(p, half_m + 2.0 * PIECE_M)),
                ),
            }
            start = end;
        }
        at = next;
    }
    if parts.is_empty() {
        parts.push(disc(first, half_m));
    }
    Ok(parts)
}

/// Fine grid to the grid of 1e-8 degree.
pub(crate) fn to_grid(p: [i64; 2]) -> [i64; 2] {
    [snap(p[0]), snap(p[1])]
}
