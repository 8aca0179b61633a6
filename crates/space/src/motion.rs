//! Movements: discs that run along legs.
//!
//! A leg is cut into pieces of at most 10 km. In a local frame about a piece the centre runs straight, the distance to a border is convex in time and the radius is linear, so that the closest approach is the minimum of a convex function. The frame is right to millimetres; what falls inside its stated error is indeterminate, never clear.

use crate::altitude::{AltitudeBand, Band, Heights};
use crate::error::InputError;
use crate::geodesy::{self, Cut, Enu};
use crate::shape::{self, DENSIFIED_VERTICES_MAX, PartRef, PointLocus, VERTICES_MAX};
use crate::units::{E8, GeoBox, LonLat, TURN, UtcMs, Window};
use crate::volume::{
    CORRIDOR_HALF_WIDTH_M_MAX, Edges, HorizontalDatum, PIECE_M, UNSTATED_DATUM_M, check_radius,
    to_grid,
};

/// Where a movement is at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waypoint {
    /// When, UTC.
    pub at: UtcMs,
    /// Where.
    pub place: LonLat,
    /// How far the movement may be from the place, metres. It may grow with the uncertainty of the schedule.
    pub radius_m: f64,
    /// Heights here, when they are not those of the whole movement.
    pub altitude: Option<AltitudeBand>,
}

impl Waypoint {
    /// A waypoint at the heights of the whole movement.
    #[must_use]
    pub const fn new(at: UtcMs, place: LonLat, radius_m: f64) -> Self {
        Self {
            at,
            place,
            radius_m,
            altitude: None,
        }
    }
}

/// One straight piece of a movement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leg {
    /// First and last instant, milliseconds UTC.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// First and last place, grid of 1e-8 degree, unrolled.
    pub(crate) from: [i64; 2],
    pub(crate) to: [i64; 2],
    /// First and last radius, millimetres.
    pub(crate) radius: [i64; 2],
    pub(crate) band: Band,
    /// Box around it with its radius; west in −180…180°.
    pub(crate) bounds: [i64; 4],
}

/// How a leg meets something during a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LegMeet {
    Overlap { at_ms: i64, place: [i64; 2] },
    Doubtful { at_ms: i64, place: [i64; 2] },
    Clear,
}

/// Legs and window of a movement.
pub(crate) fn legs(
    waypoints: &[Waypoint],
    edges: Edges,
    datum: HorizontalDatum,
    altitude: AltitudeBand,
    heights: &dyn Heights,
) -> Result<(Vec<Leg>, Window), InputError> {
    if waypoints.len() > VERTICES_MAX {
        return Err(InputError::TooManyVertices {
            got: waypoints.len(),
            limit: VERTICES_MAX,
        });
    }
    let slack = if datum == HorizontalDatum::Unstated {
        UNSTATED_DATUM_M
    } else {
        0.0
    };
    let (Some(first), Some(last)) = (waypoints.first(), waypoints.last()) else {
        return Err(InputError::Empty { what: "movement" });
    };
    let mut out = Vec::with_capacity(waypoints.len());
    let mut at = first.place.fine()?;
    let mut budget = DENSIFIED_VERTICES_MAX;
    let radius = |w: &Waypoint| {
        check_radius("radius", w.radius_m, CORRIDOR_HALF_WIDTH_M_MAX).map(|r| r + slack)
    };
    radius(first)?;
    for (i, pair) in waypoints.windows(2).enumerate() {
        let (a, b) = (&pair[0], &pair[1]);
        let to = b.place.fine()?;
        let next = shape::unroll_next(at, to)?;
        let radii = [radius(a)?, radius(b)?];
        if b.at < a.at {
            return Err(InputError::TimeGoesBack { index: i + 1 });
        }
        if b.at == a.at {
            if to_grid(at) != to_grid(next) {
                return Err(InputError::TwoPlacesAtOnce {
                    at_ms: a.at.0,
                    first: shape::place(to_grid(at)),
                    second: shape::place(to_grid(next)),
                });
            }
            continue;
        }
        let cut = Cut::new(at, next, edges, PIECE_M, budget)?;
        budget -= (cut.pieces as usize).min(budget);
        let duration = b.at.0 - a.at.0;
        let radius_at = |t: i64| {
            let grown = (radii[1] - radii[0]) * (t as f64 / duration as f64);
            libm::ceil((radii[0] + grown) * 1000.0) as i64
        };
        let declared = [
            a.altitude.unwrap_or(altitude),
            b.altitude.unwrap_or(altitude),
        ];
        let (mut t, mut from) = (0, at);
        for k in 1..=cut.pieces {
            // Whole milliseconds, and the place that belongs to them.
            let until = (i128::from(duration) * i128::from(k) / i128::from(cut.pieces)) as i64;
            if until == t {
                continue;
            }
            let to = cut.at(until, duration);
            let leg = Leg::new(
                [a.at.0 + t, a.at.0 + until],
                [from, to],
                [radius_at(t), radius_at(until)],
            );
            let area = GeoBox {
                west: leg.bounds[0],
                south: leg.bounds[1],
                east: leg.bounds[2],
                north: leg.bounds[3],
            };
            let band = declared[0].resolve(&area, heights)?;
            let band = if declared[1] == declared[0] {
                band
            } else {
                band.hull(&declared[1].resolve(&area, heights)?)
            };
            out.push(Leg { band, ..leg });
            (t, from) = (until, to);
        }
        at = next;
    }
    if out.is_empty() {
        return Err(InputError::Empty { what: "movement" });
    }
    Ok((out, Window::new(first.at, Some(last.at))?))
}

impl Leg {
    fn new(time: [i64; 2], fine: [[i64; 2]; 2], radius: [i64; 2]) -> Self {
        let (mut from, mut to) = (to_grid(fine[0]), to_grid(fine[1]));
        let widest = radius[0].max(radius[1]) as f64 / 1000.0 + 1.0;
        let highest = from[1].abs().max(to[1].abs()) as f64 / E8 as f64;
        let [dlon, dlat] = geodesy::reach_degrees(highest, widest);
        let e8 = |d: f64| libm::ceil(d * E8 as f64) as i64;
        let mut bounds = [
            from[0].min(to[0]) - e8(dlon),
            (from[1].min(to[1]) - e8(dlat)).max(-90 * E8),
            from[0].max(to[0]) + e8(dlon),
            (from[1].max(to[1]) + e8(dlat)).min(90 * E8),
        ];
        let home = (bounds[0] + TURN / 2).rem_euclid(TURN) - TURN / 2 - bounds[0];
        bounds[0] += home;
        bounds[2] += home;
        from[0] += home;
        to[0] += home;
        Self {
            start: time[0],
            end: time[1],
            from,
            to,
            radius,
            band: Band::ALL,
            bounds,
        }
    }

    fn frame(&self) -> Enu {
        Enu::at(geodesy::degrees_of([
            self.from[0] + (self.to[0] - self.from[0]) / 2,
            self.from[1] + (self.to[1] - self.from[1]) / 2,
        ]))
    }

    fn fraction(&self, t: f64) -> f64 {
        (t - self.start as f64) / (self.end - self.start) as f64
    }

    fn radius_m(&self, t: f64) -> f64 {
        let [a, b] = [
            self.radius[0] as f64 / 1000.0,
            self.radius[1] as f64 / 1000.0,
        ];
        a + (b - a) * self.fraction(t)
    }

    fn widest_m(&self) -> f64 {
        self.radius[0].max(self.radius[1]) as f64 / 1000.0
    }

    /// Where the centre is at an instant, grid, unrolled as the leg is.
    pub(crate) fn centre(&self, t: i64) -> [i64; 2] {
        let span = i128::from(self.end - self.start);
        let done = i128::from(t.clamp(self.start, self.end) - self.start);
        [0, 1].map(|k| self.from[k] + (i128::from(self.to[k] - self.from[k]) * done / span) as i64)
    }

    /// Radius at an instant, metres.
    pub(crate) fn radius_at_m(&self, t: i64) -> f64 {
        self.radius_m(t as f64)
    }
}

fn sub(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// Distance from a point to a segment.
pub(crate) fn to_segment(p: [f64; 2], s: [[f64; 2]; 2]) -> f64 {
    let d = sub(s[1], s[0]);
    let length2 = dot(d, d);
    let u = if length2 > 0.0 {
        (dot(sub(p, s[0]), d) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let gap = sub(p, [s[0][0] + d[0] * u, s[0][1] + d[1] * u]);
    libm::sqrt(dot(gap, gap))
}

/// Distance between two segments: 0 when they cross.
fn between_segments(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> f64 {
    let side = |s: [[f64; 2]; 2], p: [f64; 2]| {
        let (u, v) = (sub(s[1], s[0]), sub(p, s[0]));
        u[0] * v[1] - u[1] * v[0]
    };
    if side(a, b[0]) * side(a, b[1]) < 0.0 && side(b, a[0]) * side(b, a[1]) < 0.0 {
        return 0.0;
    }
    to_segment(a[0], b)
        .min(to_segment(a[1], b))
        .min(to_segment(b[0], a))
        .min(to_segment(b[1], a))
}

/// Minimum of a convex function on an interval, by golden section with a fixed number of steps: where, and how low.
fn minimum(low: f64, high: f64, f: impl Fn(f64) -> f64) -> (f64, f64) {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (low, high);
    let mut best = {
        let (fa, fb) = (f(a), f(b));
        if fb < fa { (b, fb) } else { (a, fa) }
    };
    let (mut c, mut d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut fc, mut fd) = (f(c), f(d));
    for _ in 0..60 {
        if fc < best.1 {
            best = (c, fc);
        }
        if fd < best.1 {
            best = (d, fd);
        }
        if fc <= fd {
            b = d;
            (d, fd) = (c, fc);
            c = b - GOLDEN * (b - a);
            fc = f(c);
        } else {
            a = c;
            (c, fc) = (d, fd);
            d = a + GOLDEN * (b - a);
            fd = f(d);
        }
    }
    best
}

/// Turns by which a second box has to be moved to come near a first.
fn turns(a: [i64; 4], b: [i64; 4]) -> impl Iterator<Item = i64> {
    [0, TURN, -TURN].into_iter().filter(move |turn| {
        a[0] <= b[2] + turn && b[0] + turn <= a[2] && a[1] <= b[3] && b[1] <= a[3]
    })
}

/// How a leg meets an area that does not move, between two instants (both inside the leg).
pub(crate) fn leg_and_part(
    leg: &Leg,
    part: &PartRef<'_>,
    from_ms: i64,
    until_ms: i64,
    edges: &mut Vec<[[i64; 2]; 2]>,
) -> LegMeet {
    let mut best = LegMeet::Clear;
    for turn in turns(leg.bounds, part.bounds) {
        // The leg moves to the part rather than the part to the leg.
        shape::edges_in(part, turn, leg.bounds, edges);
        let frame = leg.frame();
        let path = [
            frame.of(geodesy::degrees_of(leg.from)),
            frame.of(geodesy::degrees_of(leg.to)),
        ];
        let centre = |t: f64| {
            let u = leg.fraction(t);
            [
                path[0][0] + (path[1][0] - path[0][0]) * u,
                path[0][1] + (path[1][1] - path[0][1]) * u,
            ]
        };
        let length = libm::sqrt(dot(sub(path[1], path[0]), sub(path[1], path[0])));
        let error = Enu::error_m(length / 2.0 + leg.widest_m() + 1_000.0) + 0.02;
        let (start, end) = (from_ms as f64, until_ms as f64);
        let mut closest = (start, f64::INFINITY);
        for &[p, q] in edges.iter() {
            for_each_straight(p, q, leg.bounds, &frame, |segment| {
                // Cheap bound first: the closest that the whole path can be.
                let bound =
                    between_segments([centre(start), centre(end)], segment) - leg.widest_m();
                if bound > error || bound >= closest.1 {
                    return;
                }
                let found = minimum(start, end, |t| {
                    to_segment(centre(t), segment) - leg.radius_m(t)
                });
                if found.1 < closest.1 {
                    closest = found;
                }
            });
        }
        let begin = leg.centre(from_ms);
        let inside = shape::locate(part, [begin[0] - turn, begin[1]]) == PointLocus::Inside;
        let at_ms = if inside {
            from_ms
        } else {
            libm::round(closest.0) as i64
        };
        let place = leg.centre(at_ms);
        if closest.1 < -error || (inside && closest.1 > error) {
            return LegMeet::Overlap { at_ms, place };
        }
        if inside || closest.1 <= error {
            best = LegMeet::Doubtful { at_ms, place };
        }
    }
    best
}

/// Cuts an edge (straight in longitude and latitude) to what lies in a box, and into pieces that are straight in the frame.
fn for_each_straight(
    p: [i64; 2],
    q: [i64; 2],
    area: [i64; 4],
    frame: &Enu,
    mut f: impl FnMut([[f64; 2]; 2]),
) {
    let mut span = [0.0f64, 1.0];
    for k in 0..2 {
        let (from, d) = (p[k] as f64, (q[k] - p[k]) as f64);
        if d == 0.0 {
            continue;
        }
        // One unit outward: what is cut away lies outside of the box for certain.
        let (u, v) = (
            (area[k] as f64 - 1.0 - from) / d,
            (area[k + 2] as f64 + 1.0 - from) / d,
        );
        span = [span[0].max(u.min(v)), span[1].min(u.max(v))];
    }
    if span[0] > span[1] {
        return;
    }
    let at = |u: f64| [0, 1].map(|k| (p[k] as f64 + (q[k] - p[k]) as f64 * u) / E8 as f64);
    let (a, b) = (at(span[0]), at(span[1]));
    let (mut last, end) = (frame.of(a), frame.of(b));
    let length = libm::sqrt(dot(sub(end, last), sub(end, last)));
    let pieces = geodesy::planar_pieces(length, a[1].abs().max(b[1].abs())).min(10_000.0) as i64;
    for i in 1..=pieces {
        let u = span[0] + (span[1] - span[0]) * (i as f64 / pieces as f64);
        let next = frame.of(at(u));
        f([last, next]);
        last = next;
    }
}

/// How two legs meet when their clocks differ by at most `clock_ms`; 0 for one clock.
pub(crate) fn leg_and_leg(a: &Leg, b: &Leg, clock_ms: i64) -> LegMeet {
    let (low, high) = (a.start.max(b.start - clock_ms), a.end.min(b.end + clock_ms));
    if low > high || (clock_ms == 0 && low == high) {
        return LegMeet::Clear;
    }
    for turn in turns(a.bounds, b.bounds) {
        let frame = a.frame();
        let of = |p: [i64; 2], turn: i64| frame.of(geodesy::degrees_of([p[0] + turn, p[1]]));
        let (p, q) = (
            [of(a.from, 0), of(a.to, 0)],
            [of(b.from, turn), of(b.to, turn)],
        );
        let gap = |t: f64, u: f64| {
            let at = |path: &[[f64; 2]; 2], f: f64| {
                [0, 1].map(|k| path[0][k] + (path[1][k] - path[0][k]) * f)
            };
            let d = sub(at(&p, a.fraction(t)), at(&q, b.fraction(u)));
            libm::sqrt(dot(d, d)) - a.radius_m(t) - b.radius_m(u)
        };
        let norm = |v: [f64; 2]| libm::sqrt(dot(v, v));
        let reach = norm(p[0]).max(norm(p[1])).max(norm(q[0])).max(norm(q[1]));
        let error = Enu::error_m(reach + a.widest_m().min(b.widest_m())) + 0.02;
        if between_segments(p, q) - a.widest_m() - b.widest_m() > error {
            continue;
        }
        let (t, found) = if clock_ms == 0 {
            minimum(low as f64, high as f64, |t| gap(t, t))
        } else {
            // Jointly convex in both times: the inner minimum is convex in the outer.
            let (start, end, clock) = (b.start as f64, b.end as f64, clock_ms as f64);
            minimum(low as f64, high as f64, |t| {
                minimum(start.max(t - clock), end.min(t + clock), |u| gap(t, u)).1
            })
        };
        let at_ms = libm::round(t) as i64;
        let place = a.centre(at_ms);
        if found < -error {
            return LegMeet::Overlap { at_ms, place };
        }
        if found <= error {
            return LegMeet::Doubtful { at_ms, place };
        }
    }
    LegMeet::Clear
}

/// Distance from a place to an area, metres: 0 inside. Refined on the ellipsoid.
pub(crate) fn distance_to_part(
    place: [i64; 2],
    part: &PartRef<'_>,
    within_m: f64,
) -> Option<(f64, [i64; 2])> {
    if shape::locate(part, place) != PointLocus::Outside {
        return Some((0.0, place));
    }
    let lat = place[1] as f64 / E8 as f64;
    let [dlon, dlat] = geodesy::reach_degrees(lat, within_m + 1.0);
    let e8 = |d: f64| libm::ceil(d * E8 as f64) as i64;
    let area = [
        place[0] - e8(dlon),
        place[1] - e8(dlat),
        place[0] + e8(dlon),
        place[1] + e8(dlat),
    ];
    let mut edges = Vec::new();
    let mut best: Option<(f64, [i64; 2])> = None;
    for turn in turns(area, part.bounds) {
        shape::edges_in(part, turn, area, &mut edges);
        for &[p, q] in &edges {
            let at = |u: f64| [0, 1].map(|k| p[k] + libm::round((q[k] - p[k]) as f64 * u) as i64);
            // Along an edge the distance falls and rises once, near enough for edges below a hemisphere.
            let (u, s) = minimum(0.0, 1.0, |u| geodesy::distance_m(place, at(u)));
            if best.is_none_or(|(found, _)| s < found) {
                best = Some((s, at(u)));
            }
        }
    }
    best.filter(|(s, _)| *s <= within_m)
}

/// Whether a leg's disc holds a place at an instant.
pub(crate) fn leg_holds(leg: &Leg, place: [i64; 2], at_ms: i64) -> LegMeet {
    if at_ms < leg.start || at_ms > leg.end {
        return LegMeet::Clear;
    }
    let outside = geodesy::distance_m(leg.centre(at_ms), place) - leg.radius_at_m(at_ms);
    // A sampled piece is within a centimetre of the leg, the grid within two millimetres.
    if outside > 0.03 {
        LegMeet::Clear
    } else if outside < -0.03 {
        LegMeet::Overlap { at_ms, place }
    } else {
        LegMeet::Doubtful { at_ms, place }
    }
}
