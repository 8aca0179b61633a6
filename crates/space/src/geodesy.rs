//! The WGS 84 ellipsoid, the same on every machine.
//!
//! Only `libm` (pure Rust, fixed order of operations) and the basic IEEE operations are used, so that a shape that is densified on one node has the same integers on every other.

use crate::error::InputError;
use crate::units::{E8, FINE, Position, snap};
use crate::volume::Edges;

/// Semi-major axis, metres.
const A: f64 = 6_378_137.0;
/// Flattening.
const F: f64 = 1.0 / 298.257_223_563;
/// Semi-minor axis, metres.
const B: f64 = A * (1.0 - F);
/// First eccentricity squared.
const E2: f64 = F * (2.0 - F);
/// Smallest radius of curvature on the ellipsoid, metres.
const R_MIN: f64 = 6_335_000.0;
/// Mean radius, metres.
const R: f64 = 6_371_000.0;
const RAD: f64 = std::f64::consts::PI / 180.0;

/// Longest geodesic edge or leg, kilometres. Longer ones come too near to the antipodes to be unique.
pub const EDGE_KM_MAX: u32 = 10_000;
/// Furthest that a sampled geodesic may lie from its straight pieces, metres.
const SAGITTA_M: f64 = 0.009;

/// Solution of the inverse problem by Vincenty's series: distance in metres, azimuth at the start in radians. `None` near the antipodes.
pub(crate) fn inverse(from: [f64; 2], to: [f64; 2]) -> Option<(f64, f64)> {
    let l = (to[0] - from[0]) * RAD;
    let u1 = libm::atan((1.0 - F) * libm::tan(from[1] * RAD));
    let u2 = libm::atan((1.0 - F) * libm::tan(to[1] * RAD));
    let (su1, cu1) = (libm::sin(u1), libm::cos(u1));
    let (su2, cu2) = (libm::sin(u2), libm::cos(u2));
    let mut lambda = l;
    for _ in 0..200 {
        let (sl, cl) = (libm::sin(lambda), libm::cos(lambda));
        let x = cu2 * sl;
        let y = cu1 * su2 - su1 * cu2 * cl;
        let sin_sigma = libm::sqrt(x * x + y * y);
        if sin_sigma == 0.0 {
            return Some((0.0, 0.0));
        }
        let cos_sigma = su1 * su2 + cu1 * cu2 * cl;
        let sigma = libm::atan2(sin_sigma, cos_sigma);
        let sin_alpha = cu1 * cu2 * sl / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let cos_2sm = if cos2_alpha > 1e-15 {
            cos_sigma - 2.0 * su1 * su2 / cos2_alpha
        } else {
            0.0
        };
        let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
        let next = l
            + (1.0 - c)
                * F
                * sin_alpha
                * (sigma
                    + c * sin_sigma * (cos_2sm + c * cos_sigma * (2.0 * cos_2sm * cos_2sm - 1.0)));
        let done = (next - lambda).abs() < 1e-13;
        lambda = next;
        if lambda.abs() > 4.0 {
            return None;
        }
        if done {
            let u_sq = cos2_alpha * (A * A - B * B) / (B * B);
            let (k1, k2) = series(u_sq);
            let delta = delta_sigma(k2, sin_sigma, cos_sigma, cos_2sm);
            let azimuth = libm::atan2(
                cu2 * libm::sin(lambda),
                cu1 * su2 - su1 * cu2 * libm::cos(lambda),
            );
            return Some((B * k1 * (sigma - delta), azimuth));
        }
    }
    None
}

/// Vincenty's A and B.
fn series(u_sq: f64) -> (f64, f64) {
    (
        1.0 + u_sq / 16384.0 * (4096.0 + u_sq * (-768.0 + u_sq * (320.0 - 175.0 * u_sq))),
        u_sq / 1024.0 * (256.0 + u_sq * (-128.0 + u_sq * (74.0 - 47.0 * u_sq))),
    )
}

fn delta_sigma(k2: f64, sin_sigma: f64, cos_sigma: f64, cos_2sm: f64) -> f64 {
    let c2 = cos_2sm * cos_2sm;
    let tail = k2 / 6.0 * cos_2sm * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * c2 - 3.0);
    k2 * sin_sigma * (cos_2sm + k2 / 4.0 * (cos_sigma * (2.0 * c2 - 1.0) - tail))
}

/// Where one arrives from `from` (degrees) after `s` metres at `azimuth` (radians). The longitude continues beyond ±180°.
pub(crate) fn direct(from: [f64; 2], azimuth: f64, s: f64) -> [f64; 2] {
    let (sa, ca) = (libm::sin(azimuth), libm::cos(azimuth));
    let tan_u1 = (1.0 - F) * libm::tan(from[1] * RAD);
    let cu1 = 1.0 / libm::sqrt(1.0 + tan_u1 * tan_u1);
    let su1 = tan_u1 * cu1;
    let sigma1 = libm::atan2(tan_u1, ca);
    let sin_alpha = cu1 * sa;
    let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
    let (k1, k2) = series(cos2_alpha * (A * A - B * B) / (B * B));
    let first = s / (B * k1);
    let mut sigma = first;
    for _ in 0..100 {
        let cos_2sm = libm::cos(2.0 * sigma1 + sigma);
        let next = first + delta_sigma(k2, libm::sin(sigma), libm::cos(sigma), cos_2sm);
        let done = (next - sigma).abs() < 1e-13;
        sigma = next;
        if done {
            break;
        }
    }
    let (ss, cs) = (libm::sin(sigma), libm::cos(sigma));
    let cos_2sm = libm::cos(2.0 * sigma1 + sigma);
    let t = su1 * ss - cu1 * cs * ca;
    let lat = libm::atan2(
        su1 * cs + cu1 * ss * ca,
        (1.0 - F) * libm::sqrt(sin_alpha * sin_alpha + t * t),
    );
    let lambda = libm::atan2(ss * sa, cu1 * cs - su1 * ss * ca);
    let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
    let l = lambda
        - (1.0 - c)
            * F
            * sin_alpha
            * (sigma + c * ss * (cos_2sm + c * cs * (2.0 * cos_2sm * cos_2sm - 1.0)));
    [from[0] + l / RAD, lat / RAD]
}

pub(crate) fn degrees_of_fine(p: [i64; 2]) -> [f64; 2] {
    [
        p[0] as f64 / (E8 * FINE) as f64,
        p[1] as f64 / (E8 * FINE) as f64,
    ]
}

pub(crate) fn degrees_of(p: [i64; 2]) -> [f64; 2] {
    [p[0] as f64 / E8 as f64, p[1] as f64 / E8 as f64]
}

pub(crate) fn fine_of_degrees(p: [f64; 2]) -> [i64; 2] {
    let scale = (E8 * FINE) as f64;
    [
        libm::round(p[0] * scale) as i64,
        libm::round(p[1] * scale) as i64,
    ]
}

pub(crate) fn snap_point(fine: [i64; 2]) -> [i64; 2] {
    [snap(fine[0]), snap(fine[1])]
}

/// Geodesic distance between two places on the 1e-8 degree grid, metres. Near the antipodes, where the series fails, half of the meridian ellipse.
pub(crate) fn distance_m(from: [i64; 2], to: [i64; 2]) -> f64 {
    let (mut a, b) = (degrees_of(from), degrees_of(to));
    a[0] += 360.0 * libm::round((b[0] - a[0]) / 360.0);
    inverse(a, b).map_or(20_003_931.0, |(s, _)| s)
}

pub(crate) fn bearing_deg(from: [i64; 2], to: [i64; 2]) -> Option<f64> {
    let (mut a, b) = (degrees_of(from), degrees_of(to));
    a[0] += 360.0 * libm::round((b[0] - a[0]) / 360.0);
    let (metres, azimuth) = inverse(a, b)?;
    let degrees = azimuth / RAD;
    (metres > 0.0).then_some(if degrees < 0.0 {
        degrees + 360.0
    } else {
        degrees
    })
}

/// One edge or leg, cut into pieces.
pub(crate) struct Cut {
    from: [i64; 2],
    to: [i64; 2],
    edges: Edges,
    azimuth: f64,
    length_m: f64,
    /// How many pieces.
    pub(crate) pieces: i64,
}

impl Cut {
    /// Cuts an edge (fine grid, unrolled) so that geodesic and straight pieces between neighbours are within a centimetre of each other and no piece is longer than `piece_m`.
    pub(crate) fn new(
        from: [i64; 2],
        to: [i64; 2],
        edges: Edges,
        piece_m: f64,
        limit: usize,
    ) -> Result<Self, InputError> {
        let (a, b) = (degrees_of_fine(from), degrees_of_fine(to));
        let too_long = || {
            let at = snap_point(from);
            InputError::EdgeTooLong {
                from: Position::wrapped(at[0], at[1]),
                limit_km: EDGE_KM_MAX,
            }
        };
        let (s, azimuth) = inverse(a, b).ok_or_else(too_long)?;
        if s > f64::from(EDGE_KM_MAX) * 1000.0 {
            return Err(too_long());
        }
        // The highest latitude that the geodesic can reach, by Clairaut.
        let top = libm::acos((libm::cos(a[1] * RAD) * libm::sin(azimuth)).abs().min(1.0));
        let highest = top
            .max(a[1].abs() * RAD)
            .max(b[1].abs() * RAD)
            .min(89.9 * RAD);
        let bend = s * libm::sqrt(1.1 * libm::tan(highest) / (8.0 * R_MIN * SAGITTA_M));
        let pieces = libm::ceil(bend.max(s / piece_m)).max(1.0);
        if pieces > limit as f64 {
            return Err(InputError::TooManyVertices {
                got: pieces as usize,
                limit,
            });
        }
        Ok(Self {
            from,
            to,
            edges,
            azimuth,
            length_m: s,
            pieces: pieces as i64,
        })
    }

    /// Its whole length, metres.
    pub(crate) fn length_m(&self) -> f64 {
        self.length_m
    }

    /// The place at a fraction of the edge, fine grid.
    pub(crate) fn at(&self, numerator: i64, denominator: i64) -> [i64; 2] {
        if numerator == 0 {
            return self.from;
        }
        if numerator == denominator {
            return self.to;
        }
        match self.edges {
            Edges::Geodesic => {
                let s = self.length_m * (numerator as f64 / denominator as f64);
                fine_of_degrees(direct(degrees_of_fine(self.from), self.azimuth, s))
            }
            Edges::Planar => [0, 1].map(|k| {
                let span = i128::from(self.to[k] - self.from[k]);
                self.from[k] + (span * i128::from(numerator) / i128::from(denominator)) as i64
            }),
        }
    }

    /// The places between the ends, neither included, fine grid.
    pub(crate) fn between(&self) -> impl Iterator<Item = [i64; 2]> + '_ {
        (1..self.pieces).map(|i| self.at(i, self.pieces))
    }
}

/// Into how many straight pieces an edge that is straight in longitude and latitude has to be cut to be straight in a local frame as well.
pub(crate) fn planar_pieces(length_m: f64, lat: f64) -> f64 {
    let lat = lat.abs().min(89.0) * RAD;
    libm::ceil(length_m * libm::sqrt(1.1 * libm::tan(lat) / (8.0 * R_MIN * SAGITTA_M))).max(1.0)
}

/// How far a straight piece of `length_m` in longitude and latitude may lie from the geodesic, metres, below 85° of latitude.
fn planar_error_m(length_m: f64, lat: f64) -> f64 {
    1.2 * length_m * length_m * libm::tan(lat.abs().min(85.0) * RAD) / (8.0 * R_MIN)
}

/// How many sides a circle gets, so that its corners stand out by at most one metre (never fewer than 32 sides, never more than 720).
fn sides(radius_m: f64) -> usize {
    let n = std::f64::consts::PI / libm::sqrt(2.0 / radius_m.max(1.0));
    (libm::ceil(n) as usize).clamp(32, 720)
}

/// An arc of the polygon that is circumscribed about a circle: corners at `start`, `start + step`, … (radians, clockwise from north).
fn arc(
    centre: [f64; 2],
    radius_m: f64,
    start: f64,
    step: f64,
    corners: usize,
    out: &mut Vec<[i64; 2]>,
) {
    let half = step.abs() / 2.0;
    let edge_m = 2.0 * radius_m * libm::tan(half);
    let reach_lat = centre[1].abs() + radius_m / R_MIN / RAD;
    let clearance = radius_m * (1.0 + 1e-6) + planar_error_m(edge_m, reach_lat) + 0.003;
    let corner_m = R * libm::atan(libm::tan(clearance / R) / libm::cos(half));
    for i in 0..corners {
        out.push(fine_of_degrees(direct(
            centre,
            start + step * i as f64,
            corner_m,
        )));
    }
}

/// Whether a disc comes so near to a pole that longitudes no longer describe it well.
pub(crate) fn near_pole(lat: f64, radius_m: f64) -> bool {
    lat.abs() + radius_m / R_MIN / RAD > 85.0
}

/// Half-extent of a disc in degrees of longitude and latitude, rounded outward. Longitude saturates at 180°.
pub(crate) fn reach_degrees(lat: f64, radius_m: f64) -> [f64; 2] {
    let angle = radius_m * 1.001 / R_MIN;
    let dlat = angle / RAD + 2e-8;
    if lat.abs() + dlat >= 89.999 {
        return [180.0, dlat];
    }
    let ratio = libm::sin(angle.min(1.5)) / libm::cos(lat * RAD);
    if ratio >= 1.0 {
        return [180.0, dlat];
    }
    [libm::asin(ratio) / RAD * 1.001 + 2e-8, dlat]
}

/// The polygon circumscribed about a circle on the ellipsoid, counter-clockwise, fine grid. `None` near a pole.
pub(crate) fn circle(centre: [i64; 2], radius_m: f64) -> Option<Vec<[i64; 2]>> {
    let c = degrees_of_fine(centre);
    if near_pole(c[1], radius_m) {
        return None;
    }
    let n = sides(radius_m);
    let mut out = Vec::with_capacity(n);
    arc(
        c,
        radius_m,
        0.0,
        -2.0 * std::f64::consts::PI / n as f64,
        n,
        &mut out,
    );
    Some(out)
}

/// The polygon that contains every place within `radius_m` of the sampled leg, counter-clockwise, fine grid. `None` near a pole.
pub(crate) fn capsule(axis: &[[i64; 2]], radius_m: f64) -> Option<Vec<[i64; 2]>> {
    let points: Vec<[f64; 2]> = axis.iter().map(|&p| degrees_of_fine(p)).collect();
    if points.iter().any(|p| near_pole(p[1], radius_m)) {
        return None;
    }
    let (first, last) = (*points.first()?, *points.last()?);
    let headings: Vec<f64> = points
        .windows(2)
        .map(|w| inverse(w[0], w[1]).map(|(_, az)| az))
        .collect::<Option<_>>()?;
    let (Some(&leave), Some(&arrive)) = (headings.first(), headings.last()) else {
        return circle(axis[0], radius_m);
    };
    let pi = std::f64::consts::PI;
    // Half of the sides of a circle at each end, and the sides of the leg pushed out by 5 cm for what the samples leave out.
    let n = sides(radius_m) / 2 + 1;
    let step = pi / n as f64;
    let wide = radius_m * (1.0 + 1e-6) + 0.05;
    let mut out = Vec::new();
    // Right-hand side forward, round the end to the left, left-hand side back, round the start.
    for (i, p) in points
        .iter()
        .enumerate()
        .skip(1)
        .take(points.len().saturating_sub(2))
    {
        let heading = mean_heading(headings[i - 1], headings[i]);
        out.push(fine_of_degrees(direct(*p, heading + pi / 2.0, wide)));
    }
    arc(
        last,
        wide,
        arrive + pi / 2.0 - step / 2.0,
        -step,
        n,
        &mut out,
    );
    for (i, p) in points
        .iter()
        .enumerate()
        .rev()
        .skip(1)
        .take(points.len().saturating_sub(2))
    {
        let heading = mean_heading(headings[i - 1], headings[i]);
        out.push(fine_of_degrees(direct(*p, heading - pi / 2.0, wide)));
    }
    arc(
        first,
        wide,
        leave - pi / 2.0 - step / 2.0,
        -step,
        n,
        &mut out,
    );
    Some(out)
}

fn mean_heading(a: f64, b: f64) -> f64 {
    let pi = std::f64::consts::PI;
    let mut d = b - a;
    if d > pi {
        d -= 2.0 * pi;
    }
    if d < -pi {
        d += 2.0 * pi;
    }
    a + d / 2.0
}

/// Share of the sphere's half that a ring covers (1 = hemisphere), signed by its direction; `points` on the 1e-8 degree grid, unrolled.
pub(crate) fn hemispheres(points: &[[i64; 2]]) -> f64 {
    let mut sum = 0.0;
    for (i, p) in points.iter().enumerate() {
        let q = points[(i + 1) % points.len()];
        let (a, b) = (degrees_of(*p), degrees_of(q));
        let (s1, s2) = (libm::sin(a[1] * RAD), libm::sin(b[1] * RAD));
        sum += (b[0] - a[0]) * RAD * (s1 + s2) / 2.0;
    }
    -sum / (2.0 * std::f64::consts::PI)
}

/// A local frame: east and north in metres on the plane that touches the ellipsoid at its origin.
///
/// Within 10 km of the origin distances are right to 8 mm, at 20 km to 6 cm, at 50 km to 1 m.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enu {
    ecef: [f64; 3],
    lon: [f64; 2],
    lat: [f64; 2],
}

impl Enu {
    /// Frame with its origin at a place on the 1e-8 degree grid.
    pub(crate) fn at(origin: [f64; 2]) -> Self {
        let (lon, lat) = (origin[0] * RAD, origin[1] * RAD);
        Self {
            ecef: ecef(origin),
            lon: [libm::sin(lon), libm::cos(lon)],
            lat: [libm::sin(lat), libm::cos(lat)],
        }
    }

    /// East and north of a place (degrees), metres.
    pub(crate) fn of(&self, p: [f64; 2]) -> [f64; 2] {
        let q = ecef(p);
        let d = [
            q[0] - self.ecef[0],
            q[1] - self.ecef[1],
            q[2] - self.ecef[2],
        ];
        let [sl, cl] = self.lon;
        let [sp, cp] = self.lat;
        [
            -sl * d[0] + cl * d[1],
            -sp * cl * d[0] - sp * sl * d[1] + cp * d[2],
        ]
    }

    /// How far distances in this frame may be wrong, metres, when everything lies within `reach_m` of the origin.
    pub(crate) fn error_m(reach_m: f64) -> f64 {
        0.02 + reach_m * reach_m * reach_m / (2.0 * R_MIN * R_MIN)
    }
}

fn ecef(p: [f64; 2]) -> [f64; 3] {
    let (lon, lat) = (p[0] * RAD, p[1] * RAD);
    let (sp, cp) = (libm::sin(lat), libm::cos(lat));
    let n = A / libm::sqrt(1.0 - E2 * sp * sp);
    [
        n * cp * libm::cos(lon),
        n * cp * libm::sin(lon),
        n * (1.0 - E2) * sp,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};

    #[test]
    fn distances_and_arrivals_agree_with_karney_to_a_tenth_of_a_millimetre() {
        let karney = Geodesic::wgs84();
        let mut seed = 7u64;
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        for _ in 0..2000 {
            let from = [next() * 360.0 - 180.0, next() * 170.0 - 85.0];
            let (azimuth, s) = (next() * 360.0 - 180.0, next() * 3_000_000.0);
            let (lat, lon): (f64, f64) = karney.direct(from[1], from[0], azimuth, s);
            let got = direct(from, azimuth * RAD, s);
            let miss: f64 = karney.inverse(got[1], got[0], lat, lon);
            assert!(miss < 1e-4, "direct is {miss} m off");
            let mut to = [lon, lat];
            to[0] += 360.0 * ((from[0] - to[0]) / 360.0).round();
            let back = inverse(from, to).map_or(f64::NAN, |(s, _)| s);
            assert!((back - s).abs() < 1e-4, "inverse {back} for {s}");
        }
    }

    #[test]
    fn a_circle_polygon_contains_its_circle_and_stands_out_by_metres_at_most() {
        for lat in [0.0, 36.2, -55.0, 80.0] {
            for radius in [0.5, 50.0, 1_000.0, 10_000.0, 200_000.0] {
                let centre = [37.16, lat];
                if near_pole(lat, radius) {
                    continue;
                }
                let ring = circle(fine_of_degrees(centre), radius).expect("not near a pole");
                for (i, p) in ring.iter().enumerate() {
                    let q = ring[(i + 1) % ring.len()];
                    for k in 0..8 {
                        let at = |j: usize| {
                            snap(p[j]) as f64
                                + (snap(q[j]) - snap(p[j])) as f64 * f64::from(k) / 8.0
                        };
                        let place = [at(0) / E8 as f64, at(1) / E8 as f64];
                        let (s, _) = inverse(centre, place).expect("near");
                        assert!(s >= radius, "{s} < {radius} at {lat}");
                        assert!(
                            s <= radius * 1.006 + 0.2 + if radius > 1e5 { 20.0 } else { 0.0 },
                            "{s} {radius} {lat}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_local_frame_is_within_its_stated_error() {
        let frame = Enu::at([37.16, 36.2]);
        for (i, s) in [100.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0]
            .into_iter()
            .enumerate()
        {
            let azimuth = 0.7 + i as f64;
            let [e, n] = frame.of(direct([37.16, 36.2], azimuth, s));
            let miss = (libm::sqrt(e * e + n * n) - s).abs();
            assert!(miss < Enu::error_m(s), "{miss} m at {s} m");
        }
    }
}
