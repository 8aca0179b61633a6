//! A generator with fixed seeds, and a slow oracle in rational arithmetic that shares no code and no idea with the crate.
#![allow(dead_code)]

use std::cmp::Ordering;

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub type Point = [i64; 2];

/// Rings of one polygon, shell first, any direction.
#[derive(Debug, Clone)]
pub struct Shape {
    pub rings: Vec<Vec<Point>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Overlap,
    Touch,
    Clear,
}

/// A fraction with a positive denominator.
#[derive(Debug, Clone, Copy)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(n: i128, d: i128) -> Self {
        if d < 0 { Self(-n, -d) } else { Self(n, d) }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        (self.0 * other.1).cmp(&(other.0 * self.1))
    }
}

impl Shape {
    fn edges(&self) -> impl Iterator<Item = (Point, Point)> + '_ {
        self.rings.iter().enumerate().flat_map(|(i, ring)| {
            let area: i128 = (0..ring.len())
                .map(|k| {
                    let (a, b) = (ring[k], ring[(k + 1) % ring.len()]);
                    i128::from(a[0]) * i128::from(b[1]) - i128::from(a[1]) * i128::from(b[0])
                })
                .sum();
            let backwards = (area < 0) != (i > 0);
            (0..ring.len()).map(move |k| {
                let (a, b) = (ring[k], ring[(k + 1) % ring.len()]);
                if backwards { (b, a) } else { (a, b) }
            })
        })
    }
}

/// The x at which two segments meet, both ends included; for a shared stretch, that of one of its ends.
fn meeting_x(p: Point, q: Point, r: Point, s: Point) -> Option<Fraction> {
    let w = |v: Point| [i128::from(v[0]), i128::from(v[1])];
    let (p, q, r, s) = (w(p), w(q), w(r), w(s));
    let (d, e) = ([q[0] - p[0], q[1] - p[1]], [s[0] - r[0], s[1] - r[1]]);
    let den = d[0] * e[1] - d[1] * e[0];
    let f = [r[0] - p[0], r[1] - p[1]];
    if den != 0 {
        // p + t d = r + u e
        let (t, u) = (f[0] * e[1] - f[1] * e[0], f[0] * d[1] - f[1] * d[0]);
        let within = |n: i128| {
            if den > 0 {
                0 <= n && n <= den
            } else {
                den <= n && n <= 0
            }
        };
        return (within(t) && within(u)).then(|| Fraction::new(p[0] * den + d[0] * t, den));
    }
    if f[0] * d[1] - f[1] * d[0] != 0 {
        return None;
    }
    // On one line: compare along it.
    let along = |v: [i128; 2]| (v[0] - p[0]) * d[0] + (v[1] - p[1]) * d[1];
    let (low, high) = (along(r).min(along(s)), along(r).max(along(s)));
    (low <= along(q) && high >= 0).then(|| {
        let at = if low >= 0 && along(r) == low {
            r
        } else if low >= 0 {
            s
        } else {
            p
        };
        Fraction::new(at[0], 1)
    })
}

/// Whether a ring meets itself only where neighbours share a vertex.
pub fn is_simple(ring: &[Point]) -> bool {
    let n = ring.len();
    for i in 0..n {
        for j in i + 1..n {
            let (p, q) = (ring[i], ring[(i + 1) % n]);
            let (r, s) = (ring[j], ring[(j + 1) % n]);
            let shared = if j == i + 1 {
                Some((q, p, s))
            } else if i == 0 && j == n - 1 {
                Some((p, q, r))
            } else {
                None
            };
            match shared {
                None if meeting_x(p, q, r, s).is_some() => return false,
                Some((tip, a, b)) => {
                    let (u, v) = (
                        [a[0] - tip[0], a[1] - tip[1]],
                        [b[0] - tip[0], b[1] - tip[1]],
                    );
                    if u[0] * v[1] == u[1] * v[0] && u[0] * v[0] + u[1] * v[1] > 0 {
                        return false;
                    }
                }
                None => {}
            }
        }
    }
    true
}

/// How two shapes meet, by vertical slabs: between two neighbouring xs of vertices and meetings no two edges cross, so that the order at the middle tells which cells both cover. Coordinates below 512.
pub fn truth(a: &Shape, b: &Shape) -> Truth {
    let edges: Vec<(Point, Point, usize)> = a
        .edges()
        .map(|(p, q)| (p, q, 0))
        .chain(b.edges().map(|(p, q)| (p, q, 1)))
        .collect();
    let mut xs: Vec<Fraction> = edges
        .iter()
        .map(|e| Fraction::new(i128::from(e.0[0]), 1))
        .collect();
    let mut contact = false;
    for (i, &(p, q, which)) in edges.iter().enumerate() {
        for &(r, s, other) in &edges[i + 1..] {
            if which != other
                && let Some(x) = meeting_x(p, q, r, s)
            {
                contact = true;
                xs.push(x);
            }
        }
    }
    xs.sort_by(Fraction::cmp);
    xs.dedup_by(|a, b| a.cmp(b) == Ordering::Equal);
    let mut column: Vec<(Fraction, i32, usize)> = Vec::new();
    for pair in xs.windows(2) {
        let middle = Fraction::new(
            pair[0].0 * pair[1].1 + pair[1].0 * pair[0].1,
            2 * pair[0].1 * pair[1].1,
        );
        column.clear();
        for &(p, q, which) in &edges {
            let (west, east) = if p[0] < q[0] { (p, q) } else { (q, p) };
            let x = |v: Point| Fraction::new(i128::from(v[0]), 1);
            if x(west).cmp(&middle) == Ordering::Less && middle.cmp(&x(east)) == Ordering::Less {
                let (dx, dy) = (i128::from(east[0] - west[0]), i128::from(east[1] - west[1]));
                let y = Fraction::new(
                    i128::from(west[1]) * dx * middle.1
                        + dy * (middle.0 - i128::from(west[0]) * middle.1),
                    dx * middle.1,
                );
                column.push((y, if p[0] < q[0] { 1 } else { -1 }, which));
            }
        }
        column.sort_by(|a, b| a.0.cmp(&b.0));
        let mut turns = [0, 0];
        for (i, (y, direction, which)) in column.iter().enumerate() {
            turns[*which] += direction;
            let next = column.get(i + 1);
            if turns[0] != 0 && turns[1] != 0 && next.is_some_and(|n| n.0.cmp(y) != Ordering::Equal)
            {
                return Truth::Overlap;
            }
        }
    }
    if contact { Truth::Touch } else { Truth::Clear }
}

/// A ring of the given number of corners around a middle, in the order of their angles; often simple.
pub fn star(dice: &mut Dice, middle: Point, reach: i64, corners: usize) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    while points.len() < corners {
        let d = [dice.between(-reach, reach), dice.between(-reach, reach)];
        if d != [0, 0] {
            points.push(d);
        }
    }
    let half = |d: &Point| i32::from(d[1] < 0 || (d[1] == 0 && d[0] < 0));
    points.sort_by(|a, b| {
        half(a)
            .cmp(&half(b))
            .then_with(|| (b[0] * a[1]).cmp(&(a[0] * b[1])))
    });
    points.dedup_by(|a, b| a[0] * b[1] == a[1] * b[0] && a[0] * b[0] + a[1] * b[1] > 0);
    points
        .iter()
        .map(|d| [middle[0] + d[0], middle[1] + d[1]])
        .collect()
}
