//! Rings as integers: checking, unrolling over the antimeridian and the poles, snapping, and the exact meeting of two areas.

use std::cmp::Ordering;

use crate::edges::{Borders, Pair};
use crate::error::InputError;
use crate::geodesy::{self, Cut};
use crate::predicate::{
    self, Contact, Locus, Narrow, Wide, Width, contact, crossing, minus, on_segment, side, winding,
};
use crate::simd::{self, BoxOf, Path};
use crate::units::{E8, FINE, GeoBox, LonLat, Position, TURN, snap};
use crate::verdict::{Body, Piece};
use crate::volume::{Edges, Fill, Polygon};

/// Most vertices of one volume as declared, all rings and parts together (the limit of ASTM F3548-21).
pub const VERTICES_MAX: usize = 10_000;
/// Most vertices of one volume after densification.
pub const DENSIFIED_VERTICES_MAX: usize = 50_000;
/// Widest part whose offsets and products fit 32 and 64 bits, units of 1e-8 degree.
const NARROW: i64 = 10 * E8;

/// Vertices relative to the anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Points {
    Narrow(Box<[[i32; 2]]>),
    Wide(Box<[[i64; 2]]>),
}

/// One polygon with holes: ring 0 is the shell, counter-clockwise; holes are clockwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) anchor: [i64; 2],
    pub(crate) points: Points,
    /// Where each ring ends; empty for a single ring.
    pub(crate) ends: Box<[u32]>,
    /// West, south, east, north; west in −180…180°, east may go beyond.
    pub(crate) bounds: [i64; 4],
    /// Whether the rings on the grid are free of contacts with themselves.
    pub(crate) simple: bool,
}

/// A part that is borrowed from wherever it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartRef<'a> {
    pub(crate) anchor: [i64; 2],
    pub(crate) points: PointsRef<'a>,
    pub(crate) ends: &'a [u32],
    pub(crate) bounds: [i64; 4],
    pub(crate) simple: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum PointsRef<'a> {
    Narrow(&'a [[i32; 2]]),
    Wide(&'a [[i64; 2]]),
}

impl<'a> PartRef<'a> {
    /// Its vertices, if it is a single ring of ordinary size.
    #[inline(always)]
    fn narrow_ring(&self) -> Option<&'a [[i32; 2]]> {
        match self.points {
            PointsRef::Narrow(points) if self.ends.is_empty() => Some(points),
            _ => None,
        }
    }
}

impl Part {
    /// From absolute rings on the grid, shell first, already oriented.
    pub(crate) fn from_rings(rings: &[Vec<[i64; 2]>], simple: bool) -> Self {
        let all = || rings.iter().flatten();
        let mut bounds = all().fold([i64::MAX, i64::MAX, i64::MIN, i64::MIN], |b, p| {
            [
                b[0].min(p[0]),
                b[1].min(p[1]),
                b[2].max(p[0]),
                b[3].max(p[1]),
            ]
        });
        // West into −180…180°.
        let home = (bounds[0] + TURN / 2).rem_euclid(TURN) - TURN / 2 - bounds[0];
        bounds[0] += home;
        bounds[2] += home;
        let anchor = [bounds[0], bounds[1]];
        let relative = || all().map(|p| minus([p[0] + home, p[1]], anchor));
        let narrow = bounds[2] - bounds[0] <= NARROW && bounds[3] - bounds[1] <= NARROW;
        let points = if narrow {
            Points::Narrow(relative().map(|p| [p[0] as i32, p[1] as i32]).collect())
        } else {
            Points::Wide(relative().collect())
        };
        let ends = if rings.len() == 1 {
            Box::default()
        } else {
            rings
                .iter()
                .scan(0u32, |sum, ring| {
                    *sum += ring.len() as u32;
                    Some(*sum)
                })
                .collect()
        };
        Self {
            anchor,
            points,
            ends,
            bounds,
            simple,
        }
    }

    /// A rectangle, which unlike a ring may be as wide as the world.
    pub(crate) fn rectangle(area: &GeoBox) -> Self {
        // A box without extent is a point or a line: it grows by one unit, so that it has an inside.
        let (mut w, mut s, mut e, mut n) = (area.west, area.south, area.east, area.north);
        if w == e {
            (w, e) = (w - 1, e + 1);
        }
        if s == n {
            (s, n) = ((s - 1).max(-90 * E8), (n + 1).min(90 * E8));
        }
        Self::from_rings(&[vec![[w, s], [e, s], [e, n], [w, n]]], true)
    }

    pub(crate) fn view(&self) -> PartRef<'_> {
        PartRef {
            anchor: self.anchor,
            points: match &self.points {
                Points::Narrow(p) => PointsRef::Narrow(p),
                Points::Wide(p) => PointsRef::Wide(p),
            },
            ends: &self.ends,
            bounds: self.bounds,
            simple: self.simple,
        }
    }
}

/// Parts of a polygon: one, or none when it is empty.
pub(crate) fn polygon(declared: &Polygon) -> Result<Part, InputError> {
    let mut budget = DENSIFIED_VERTICES_MAX;
    let mut rings: Vec<Vec<[i64; 2]>> = Vec::with_capacity(1 + declared.holes.len());
    let (shell, turns) = unrolled(&declared.shell, declared.edges, &mut budget)?;
    rings.push(if turns == 0 {
        shell
    } else {
        closed_over_pole(shell)
    });
    let west = rings[0].iter().map(|p| p[0]).min().unwrap_or(0);
    for hole in &declared.holes {
        let (mut hole, turns) = unrolled(hole, declared.edges, &mut budget)?;
        if turns != 0 {
            return Err(InputError::HoleAroundPole);
        }
        let hole_west = hole.iter().map(|p| p[0]).min().unwrap_or(0);
        let turn = TURN * FINE;
        let shift = (hole_west - west).rem_euclid(turn) - (hole_west - west);
        hole.iter_mut().for_each(|p| p[0] += shift);
        rings.push(hole);
    }
    if declared.fill == Fill::Simple {
        check_rings(&rings)?;
    }
    for (i, ring) in rings.iter_mut().enumerate() {
        let ccw = area2(ring) >= 0;
        if ccw != (i == 0) {
            ring.reverse();
        }
    }
    check_holes(&rings)?;
    let mut snapped: Vec<Vec<[i64; 2]>> = Vec::with_capacity(rings.len());
    for (i, ring) in rings.iter().enumerate() {
        let ring = snapped_ring(ring);
        let collapsed = ring.len() < 3 || area2(&ring) == 0;
        match (i, collapsed) {
            (0, true) => snapped.push(thickened(&ring)),
            // A hole without area hides nothing: what it left out counts as inside.
            (_, true) => {}
            (_, false) => snapped.push(ring),
        }
    }
    let shell = &snapped[0];
    if shell.iter().map(|p| p[0]).max() > shell.iter().map(|p| p[0] + TURN).min()
        || geodesy::hemispheres(shell).abs() > 1.0
    {
        return Err(InputError::MoreThanAHemisphere);
    }
    let simple = declared.fill == Fill::Simple && self_contact(&snapped).is_none();
    Ok(Part::from_rings(&snapped, simple))
}

/// A part from a ring that this crate made itself (fine grid).
pub(crate) fn made(fine: &[[i64; 2]]) -> Part {
    let mut ring = snapped_ring(fine);
    if ring.len() < 3 || area2(&ring) == 0 {
        ring = thickened(&ring);
    } else if area2(&ring) < 0 {
        ring.reverse();
    }
    Part::from_rings(&[ring], true)
}

/// The box of longitudes and latitudes around a disc near a pole.
pub(crate) fn polar_box(centre: [i64; 2], radius_m: f64) -> Part {
    let c = geodesy::degrees_of_fine(centre);
    let [dlon, dlat] = geodesy::reach_degrees(c[1], radius_m);
    let e8 = |d: f64| libm::ceil(d * E8 as f64) as i64 + 1;
    let (x, y) = (snap(centre[0]), snap(centre[1]));
    let half = e8(dlon).min(TURN / 2);
    Part::rectangle(&GeoBox {
        west: x - half,
        east: x + half,
        south: (y - e8(dlat)).max(-90 * E8),
        north: (y + e8(dlat)).min(90 * E8),
    })
}

/// Vertices on the fine grid, densified, without repeats, each reached the shorter way round; and how many times the ring goes round the Earth eastward.
fn unrolled(
    ring: &[LonLat],
    edges: Edges,
    budget: &mut usize,
) -> Result<(Vec<[i64; 2]>, i64), InputError> {
    let mut points: Vec<[i64; 2]> = Vec::with_capacity(ring.len());
    for place in ring {
        let p = place.fine()?;
        if points.last() != Some(&p) {
            points.push(p);
        }
    }
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    if points.len() < 3 {
        return Err(InputError::TooFewVertices { got: points.len() });
    }
    let mut out = Vec::with_capacity(points.len());
    let mut at = points[0];
    for i in 0..points.len() {
        let next = unroll_next(at, points[(i + 1) % points.len()])?;
        out.push(at);
        if edges == Edges::Geodesic {
            out.extend(Cut::new(at, next, edges, f64::MAX, *budget)?.between());
        }
        at = next;
        if out.len() > *budget {
            return Err(InputError::TooManyVertices {
                got: out.len(),
                limit: DENSIFIED_VERTICES_MAX,
            });
        }
    }
    *budget -= out.len();
    let turns = (at[0] - out[0][0]) / (TURN * FINE);
    if turns.abs() > 1 {
        return Err(InputError::SelfCrossing {
            at: place(snap_point(at)),
            first: 0,
            second: points.len() - 1,
        });
    }
    Ok((out, turns))
}

/// The next vertex, moved by whole turns so that it is reached the shorter way.
pub(crate) fn unroll_next(at: [i64; 2], to: [i64; 2]) -> Result<[i64; 2], InputError> {
    let turn = TURN * FINE;
    let mut dx = (to[0] - at[0]).rem_euclid(turn);
    if dx == turn / 2 && at[1].abs() != 90 * E8 * FINE && to[1].abs() != 90 * E8 * FINE {
        return Err(InputError::AmbiguousEdge {
            from: place(snap_point(at)),
        });
    }
    if dx > turn / 2 {
        dx -= turn;
    }
    Ok([at[0] + dx, to[1]])
}

/// A ring around a pole becomes a strip that ends at the nearer pole.
fn closed_over_pole(mut ring: Vec<[i64; 2]>) -> Vec<[i64; 2]> {
    let north = ring.iter().map(|p| i128::from(p[1])).sum::<i128>() >= 0;
    let first = ring[0];
    let last = ring[ring.len() - 1];
    let turn = TURN * FINE;
    let end = if last[0] >= first[0] {
        first[0] + turn
    } else {
        first[0] - turn
    };
    let pole = if north {
        90 * E8 * FINE
    } else {
        -90 * E8 * FINE
    };
    ring.push([end, first[1]]);
    for corner in [[end, pole], [first[0], pole]] {
        if ring.last() != Some(&corner) && first != corner {
            ring.push(corner);
        }
    }
    ring
}

fn snap_point(p: [i64; 2]) -> [i64; 2] {
    [snap(p[0]), snap(p[1])]
}

pub(crate) fn place(p: [i64; 2]) -> Position {
    Position::wrapped(p[0], p[1])
}

fn snapped_ring(fine: &[[i64; 2]]) -> Vec<[i64; 2]> {
    let mut out: Vec<[i64; 2]> = Vec::with_capacity(fine.len());
    for &p in fine {
        let p = snap_point(p);
        if out.last() != Some(&p) {
            out.push(p);
        }
    }
    while out.len() > 1 && out.first() == out.last() {
        out.pop();
    }
    out
}

/// A ring that has collapsed on the grid, grown by one unit each way: it still conflicts.
fn thickened(ring: &[[i64; 2]]) -> Vec<[i64; 2]> {
    let mut corners: Vec<[i64; 2]> = ring
        .iter()
        .flat_map(|p| [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(|d| [p[0] + d[0], p[1] + d[1]]))
        .collect();
    corners.sort_unstable();
    corners.dedup();
    // Andrew's monotone chain, exact.
    let half = |points: &mut dyn Iterator<Item = [i64; 2]>| {
        let mut chain: Vec<[i64; 2]> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..] {
                if side::<Wide>(a, b, p) == Ordering::Greater {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut corners.iter().copied());
    hull.extend(half(&mut corners.iter().rev().copied()));
    hull
}

/// Twice the signed area.
fn area2(ring: &[[i64; 2]]) -> i128 {
    let Some(&o) = ring.first() else { return 0 };
    ring.windows(2)
        .map(|w| {
            let (a, b) = (minus(w[0], o), minus(w[1], o));
            i128::from(a[0]) * i128::from(b[1]) - i128::from(a[1]) * i128::from(b[0])
        })
        .sum()
}

/// An edge of some ring, for the sweep.
struct Edge {
    from: [i64; 2],
    to: [i64; 2],
    ring: usize,
    index: usize,
}

enum Found {
    Crossing,
    Touching([i64; 2]),
    /// Two rings meet in one place.
    RingsMeet,
    /// Two rings run along each other.
    RingsAlong([i64; 2]),
}

/// Visits every pair of edges that meet where neighbours need not, in order of longitude; stops at the first that `f` keeps.
fn sweep<T>(
    rings: &[Vec<[i64; 2]>],
    mut f: impl FnMut(&Edge, &Edge, Found) -> Option<T>,
) -> Option<T> {
    let mut edges: Vec<Edge> = Vec::with_capacity(rings.iter().map(Vec::len).sum());
    for (ring, points) in rings.iter().enumerate() {
        for (index, &from) in points.iter().enumerate() {
            edges.push(Edge {
                from,
                to: points[(index + 1) % points.len()],
                ring,
                index,
            });
        }
    }
    edges.sort_unstable_by_key(|e| (e.from[0].min(e.to[0]), e.ring, e.index));
    for (i, a) in edges.iter().enumerate() {
        let east = a.from[0].max(a.to[0]);
        let (low, high) = (a.from[1].min(a.to[1]), a.from[1].max(a.to[1]));
        for b in edges[i + 1..]
            .iter()
            .take_while(|b| b.from[0].min(b.to[0]) <= east)
        {
            if b.from[1].min(b.to[1]) > high || b.from[1].max(b.to[1]) < low {
                continue;
            }
            let (first, second) = if (a.ring, a.index) <= (b.ring, b.index) {
                (a, b)
            } else {
                (b, a)
            };
            let n = rings[a.ring].len();
            let found = if a.ring != b.ring {
                match contact::<Wide>(a.from, a.to, b.from, b.to) {
                    Contact::None => None,
                    Contact::Cross => Some(Found::Crossing),
                    Contact::Touch(at) => Some(
                        along_each_other(a, b).map_or(Found::RingsMeet, |()| Found::RingsAlong(at)),
                    ),
                }
            } else if second.index == first.index + 1 || (first.index == 0 && second.index == n - 1)
            {
                // Neighbours share a vertex; a spike shares more.
                let (tip, ends) = if second.index == first.index + 1 {
                    (first.to, [first.from, second.to])
                } else {
                    (first.from, [first.to, second.from])
                };
                let back = |p: [i64; 2]| [0, 1].map(|k| i128::from(p[k] - tip[k]));
                let (u, v) = (back(ends[0]), back(ends[1]));
                let spike = side::<Wide>(ends[0], tip, ends[1]) == Ordering::Equal
                    && u[0] * v[0] + u[1] * v[1] > 0;
                spike.then_some(Found::Touching(tip))
            } else {
                match contact::<Wide>(a.from, a.to, b.from, b.to) {
                    Contact::None => None,
                    Contact::Cross => Some(Found::Crossing),
                    Contact::Touch(at) => Some(Found::Touching(at)),
                }
            };
            if let Some(result) = found.and_then(|found| f(first, second, found)) {
                return Some(result);
            }
        }
    }
    None
}

/// Whether two edges that touch share more than a point.
fn along_each_other(a: &Edge, b: &Edge) -> Option<()> {
    let (u, v) = (minus(a.to, a.from), minus(b.to, b.from));
    if Wide::cross(u, v) != Ordering::Equal {
        return None;
    }
    // Parallel and touching: on one line. Compare the ends along the longer axis.
    let k = usize::from(u[1].abs() > u[0].abs());
    let span = |e: &Edge| (e.from[k].min(e.to[k]), e.from[k].max(e.to[k]));
    let ((p, q), (r, s)) = (span(a), span(b));
    (p.max(r) < q.min(s)).then_some(())
}

fn check_rings(rings: &[Vec<[i64; 2]>]) -> Result<(), InputError> {
    let problem = sweep(rings, |a, b, found| {
        let at = || {
            let ends = [a.from, a.to, b.from, b.to].map(snap_point);
            place(crossing(ends[0], ends[1], ends[2], ends[3]))
        };
        match found {
            Found::Crossing if a.ring == b.ring => Some(InputError::SelfCrossing {
                at: at(),
                first: a.index,
                second: b.index,
            }),
            Found::Crossing => Some(InputError::RingsCross { at: at() }),
            Found::Touching(p) => Some(InputError::SelfTouching {
                at: place(snap_point(p)),
                first: a.index,
                second: b.index,
            }),
            Found::RingsAlong(p) => Some(InputError::RingsShareBorder {
                at: place(snap_point(p)),
            }),
            Found::RingsMeet => None,
        }
    });
    problem.map_or(Ok(()), Err)
}

/// Whether rings on the grid meet themselves or share a stretch.
fn self_contact(rings: &[Vec<[i64; 2]>]) -> Option<()> {
    sweep(rings, |_, _, found| match found {
        Found::RingsMeet => None,
        Found::RingsAlong(_) | Found::Crossing | Found::Touching(_) => Some(()),
    })
}

/// Holes lie in the shell and not in each other.
fn check_holes(rings: &[Vec<[i64; 2]>]) -> Result<(), InputError> {
    let alone = |points| Rings {
        points,
        ends: &[],
        shift: [0, 0],
    };
    for (i, hole) in rings.iter().enumerate().skip(1) {
        for (j, other) in rings.iter().enumerate().filter(|(j, _)| i != *j) {
            let wrong = if j == 0 {
                Locus::Outside
            } else {
                Locus::Inside
            };
            if let Some(at) = stretch(alone(hole), alone(other), |locus, _| locus == wrong) {
                return Err(InputError::HoleOutside {
                    at: place(snap_point(at)),
                });
            }
        }
    }
    Ok(())
}

/// How two areas meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AreaMeet {
    /// A common place, on the grid, unwrapped.
    Overlap([i64; 2]),
    Touch([i64; 2]),
    Clear,
    /// They touch, and one of them is not simple on the grid.
    Doubtful([i64; 2]),
}

/// Reused buffers of edges.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    a: Vec<[[i64; 2]; 2]>,
    b: Vec<[[i64; 2]; 2]>,
    pair: Pair,
}

impl Scratch {
    /// Takes in the piece that the next ones are compared with, all of them.
    pub(crate) fn ask(&mut self, piece: &Piece<'_>, path: Path) {
        self.pair.path = path;
        if let Body::Part(part) = &piece.body
            && let Some(ring) = part.narrow_ring()
        {
            self.pair.ask(ring.iter().copied());
        }
    }
}

/// A coordinate that is stored in 32 or 64 bits.
pub(crate) trait Coord: Copy {
    fn wide(self) -> i64;
}
impl Coord for i32 {
    #[inline(always)]
    fn wide(self) -> i64 {
        i64::from(self)
    }
}
impl Coord for i64 {
    #[inline(always)]
    fn wide(self) -> i64 {
        self
    }
}

/// Rings in a frame of our choice.
#[derive(Clone, Copy)]
struct Rings<'a, T> {
    points: &'a [[T; 2]],
    ends: &'a [u32],
    shift: [i64; 2],
}

impl<'a, T: Coord> Rings<'a, T> {
    #[inline(always)]
    fn point(&self, i: usize) -> [i64; 2] {
        let p = self.points[i];
        [p[0].wide() + self.shift[0], p[1].wide() + self.shift[1]]
    }

    fn spans(self) -> impl Iterator<Item = (usize, usize)> + 'a {
        let whole = self.points.len();
        (0..self.ends.len().max(1)).map(move |i| {
            if self.ends.is_empty() {
                (0, whole)
            } else {
                (
                    if i == 0 { 0 } else { self.ends[i - 1] as usize },
                    self.ends[i] as usize,
                )
            }
        })
    }

    #[inline(always)]
    fn edges(self, span: (usize, usize)) -> impl Iterator<Item = ([i64; 2], [i64; 2])> + 'a {
        let mut prev = self.point(span.1 - 1);
        (span.0..span.1).map(move |i| {
            let p = self.point(i);
            (std::mem::replace(&mut prev, p), p)
        })
    }

    #[inline(always)]
    fn locate<W: Width>(self, p: [i64; 2]) -> Locus {
        for (i, span) in self.spans().enumerate() {
            match winding::<W>(self.edges(span), p) {
                None => return Locus::Edge,
                Some(w) if (w != 0) != (i == 0) => return Locus::Outside,
                Some(_) => {}
            }
        }
        Locus::Inside
    }

    #[inline(always)]
    fn clipped(self, b: [i64; 4], out: &mut Vec<[[i64; 2]; 2]>) {
        out.clear();
        for span in self.spans() {
            for (p, q) in self.edges(span) {
                let apart = (p[0].max(q[0]) < b[0])
                    | (p[0].min(q[0]) > b[2])
                    | (p[1].max(q[1]) < b[1])
                    | (p[1].min(q[1]) > b[3]);
                if !apart {
                    out.push([p, q]);
                }
            }
        }
    }
}

/// How two parts meet, all turns of the Earth considered. Exact.
pub(crate) fn meet(a: &PartRef<'_>, b: &PartRef<'_>, scratch: &mut Scratch) -> AreaMeet {
    let mut best = AreaMeet::Clear;
    for turn in [0, TURN, -TURN] {
        let shifted = [
            b.bounds[0] + turn,
            b.bounds[1],
            b.bounds[2] + turn,
            b.bounds[3],
        ];
        let common = [
            a.bounds[0].max(shifted[0]),
            a.bounds[1].max(shifted[1]),
            a.bounds[2].min(shifted[2]),
            a.bounds[3].min(shifted[3]),
        ];
        if common[0] > common[2] || common[1] > common[3] {
            continue;
        }
        let anchored = [
            common[0] - a.anchor[0],
            common[1] - a.anchor[1],
            common[2] - a.anchor[0],
            common[3] - a.anchor[1],
        ];
        let shift = [b.anchor[0] + turn - a.anchor[0], b.anchor[1] - a.anchor[1]];
        let still = [0, 0];
        let found = match (a.points, b.points) {
            (PointsRef::Narrow(p), PointsRef::Narrow(q))
                if a.ends.is_empty() && b.ends.is_empty() =>
            {
                meet_narrow(p, q, shift, anchored, &mut scratch.pair)
            }
            (PointsRef::Narrow(p), PointsRef::Narrow(q)) => meet_rings::<Narrow, _, _>(
                Rings {
                    points: p,
                    ends: a.ends,
                    shift: still,
                },
                Rings {
                    points: q,
                    ends: b.ends,
                    shift,
                },
                anchored,
                scratch,
            ),
            (PointsRef::Narrow(p), PointsRef::Wide(q)) => meet_rings::<Wide, _, _>(
                Rings {
                    points: p,
                    ends: a.ends,
                    shift: still,
                },
                Rings {
                    points: q,
                    ends: b.ends,
                    shift,
                },
                anchored,
                scratch,
            ),
            (PointsRef::Wide(p), PointsRef::Narrow(q)) => meet_rings::<Wide, _, _>(
                Rings {
                    points: p,
                    ends: a.ends,
                    shift: still,
                },
                Rings {
                    points: q,
                    ends: b.ends,
                    shift,
                },
                anchored,
                scratch,
            ),
            (PointsRef::Wide(p), PointsRef::Wide(q)) => meet_rings::<Wide, _, _>(
                Rings {
                    points: p,
                    ends: a.ends,
                    shift: still,
                },
                Rings {
                    points: q,
                    ends: b.ends,
                    shift,
                },
                anchored,
                scratch,
            ),
        };
        let home = |p: [i64; 2]| [p[0] + a.anchor[0], p[1] + a.anchor[1]];
        match found {
            AreaMeet::Overlap(p) => return AreaMeet::Overlap(home(p)),
            AreaMeet::Touch(p) if a.simple && b.simple => best = AreaMeet::Touch(home(p)),
            AreaMeet::Touch(p) | AreaMeet::Doubtful(p) => best = AreaMeet::Doubtful(home(p)),
            AreaMeet::Clear => {}
        }
    }
    // A pole is one place, whatever the longitude.
    for (edge, pole) in [(1, -90 * E8), (3, 90 * E8)] {
        if best == AreaMeet::Clear && a.bounds[edge] == pole && b.bounds[edge] == pole {
            best = AreaMeet::Touch([0, pole]);
        }
    }
    best
}

/// The same for two single rings of ordinary size, the first of which the buffers hold.
#[inline(always)]
fn meet_narrow(
    p: &[[i32; 2]],
    q: &[[i32; 2]],
    shift: [i64; 2],
    common: [i64; 4],
    pair: &mut Pair,
) -> AreaMeet {
    // The two are at most ten degrees wide and have a box in common: all of this is below 2³¹.
    let small = |v: i64| v as i32;
    let [dx, dy] = shift.map(small);
    let common = BoxOf {
        low: [small(common[0]), small(common[1])],
        high: [small(common[2]), small(common[3])],
    };
    match simd::borders(pair, q.iter().map(|v| [v[0] + dx, v[1] + dy]), &common) {
        Borders::Cross([p, q, r, s]) => AreaMeet::Overlap(crossing(p, q, r, s)),
        Borders::Inside(at) => AreaMeet::Overlap(at),
        Borders::Apart => AreaMeet::Clear,
        Borders::Touch(at) => {
            let rings = |points, shift| Rings {
                points,
                ends: &[],
                shift,
            };
            touching(rings(p, [0, 0]), rings(q, shift), at)
        }
    }
}

/// Borders that touch without crossing: every contact is at a vertex, so that stretches between contacts have ends on the grid and their middles lie on the grid of halves.
fn touching<T: Coord, U: Coord>(a: Rings<'_, T>, b: Rings<'_, U>, at: [i64; 2]) -> AreaMeet {
    inside_stretch(a, b)
        .or_else(|| inside_stretch(b, a))
        .map_or(AreaMeet::Touch(at), AreaMeet::Overlap)
}

#[inline(always)]
fn meet_rings<W: Width, T: Coord, U: Coord>(
    a: Rings<'_, T>,
    b: Rings<'_, U>,
    common: [i64; 4],
    scratch: &mut Scratch,
) -> AreaMeet {
    a.clipped(common, &mut scratch.a);
    let mut touch = None;
    if !scratch.a.is_empty() {
        b.clipped(common, &mut scratch.b);
        for &[p, q] in &scratch.a {
            let (west, east) = (p[0].min(q[0]), p[0].max(q[0]));
            let (south, north) = (p[1].min(q[1]), p[1].max(q[1]));
            for &[r, s] in &scratch.b {
                let apart = (r[0].max(s[0]) < west)
                    | (r[0].min(s[0]) > east)
                    | (r[1].max(s[1]) < south)
                    | (r[1].min(s[1]) > north);
                if apart {
                    continue;
                }
                match contact::<W>(p, q, r, s) {
                    Contact::None => {}
                    Contact::Cross => return AreaMeet::Overlap(crossing(p, q, r, s)),
                    Contact::Touch(at) => touch = Some(at),
                }
            }
        }
    }
    let Some(touch) = touch else {
        // Borders apart: one lies wholly in the other, or they are apart.
        let (p, q) = (a.point(0), b.point(0));
        if b.locate::<W>(p) == Locus::Inside {
            return AreaMeet::Overlap(p);
        }
        if a.locate::<W>(q) == Locus::Inside {
            return AreaMeet::Overlap(q);
        }
        return AreaMeet::Clear;
    };
    touching(a, b, touch)
}

/// A place where the border of `a` runs inside `b`, or along the border of `b` with both insides on the same side.
fn inside_stretch<T: Coord, U: Coord>(a: Rings<'_, T>, b: Rings<'_, U>) -> Option<[i64; 2]> {
    stretch(a, b, |locus, same_way| {
        locus == Locus::Inside || (locus == Locus::Edge && same_way)
    })
}

/// The first stretch of the border of `a` between contacts with the border of `b` that is wanted, by where it lies in `b` and, on its border, whether both run the same way. The borders do not cross.
fn stretch<T: Coord, U: Coord>(
    a: Rings<'_, T>,
    b: Rings<'_, U>,
    wanted: impl Fn(Locus, bool) -> bool,
) -> Option<[i64; 2]> {
    let mut cuts: Vec<[i64; 2]> = Vec::new();
    for (p, q) in a.spans().flat_map(|span| a.edges(span)) {
        // Ends of this edge on the border of `b` are cuts already: only vertices of `b` add to them.
        cuts.clear();
        cuts.extend([p, q]);
        let corners = b
            .spans()
            .flat_map(|span| b.edges(span))
            .map(|(_, corner)| corner);
        cuts.extend(corners.filter(|&corner| on_segment::<Wide>(p, q, corner)));
        let along = minus(q, p);
        let dot = |d: [i64; 2]| {
            i128::from(d[0]) * i128::from(along[0]) + i128::from(d[1]) * i128::from(along[1])
        };
        cuts.sort_unstable_by_key(|c| dot(minus(*c, p)));
        cuts.dedup();
        for pair in cuts.windows(2) {
            let middle = [pair[0][0] + pair[1][0], pair[0][1] + pair[1][1]];
            let (locus, edge) = locate_doubled(b, middle);
            if wanted(locus, edge.is_some_and(|(r, s)| dot(minus(s, r)) > 0)) {
                return Some(pair[0]);
            }
        }
    }
    None
}

type Segment = ([i64; 2], [i64; 2]);

/// Where a point on the grid of halves lies, and on which edge (doubled) if on one.
fn locate_doubled<U: Coord>(b: Rings<'_, U>, p: [i64; 2]) -> (Locus, Option<Segment>) {
    let double = |q: [i64; 2]| [2 * q[0], 2 * q[1]];
    let mut locus = Locus::Inside;
    for (i, span) in b.spans().enumerate() {
        match winding::<Wide>(b.edges(span).map(|(r, s)| (double(r), double(s))), p) {
            None => {
                let edge = b
                    .edges(span)
                    .map(|(r, s)| (double(r), double(s)))
                    .find(|&(r, s)| on_segment::<Wide>(r, s, p));
                return (Locus::Edge, edge);
            }
            Some(w) if (w != 0) != (i == 0) => locus = Locus::Outside,
            Some(_) => {}
        }
    }
    (locus, None)
}

/// Where a place lies in a part. Exact.
pub(crate) fn locate(part: &PartRef<'_>, p: [i64; 2]) -> Locus {
    let mut best = Locus::Outside;
    let pole = p[1].abs() == 90 * E8;
    if pole && (part.bounds[1] == p[1] || part.bounds[3] == p[1]) {
        best = Locus::Edge;
    }
    for turn in [0, TURN, -TURN] {
        let q = [p[0] + turn, p[1]];
        if q[0] < part.bounds[0]
            || q[0] > part.bounds[2]
            || q[1] < part.bounds[1]
            || q[1] > part.bounds[3]
        {
            continue;
        }
        let shift = minus([0, 0], minus(q, part.anchor));
        let locus = match part.points {
            PointsRef::Narrow(points) => Rings {
                points,
                ends: part.ends,
                shift,
            }
            .locate::<Narrow>([0, 0]),
            PointsRef::Wide(points) => Rings {
                points,
                ends: part.ends,
                shift,
            }
            .locate::<Wide>([0, 0]),
        };
        match locus {
            Locus::Inside => return Locus::Inside,
            Locus::Edge => best = Locus::Edge,
            Locus::Outside => {}
        }
    }
    best
}

/// Visits the edges of a part that come within a box, moved by the given turn; absolute grid coordinates.
pub(crate) fn edges_in(
    part: &PartRef<'_>,
    turn: i64,
    area: [i64; 4],
    out: &mut Vec<[[i64; 2]; 2]>,
) {
    let shift = [part.anchor[0] + turn, part.anchor[1]];
    match part.points {
        PointsRef::Narrow(points) => Rings {
            points,
            ends: part.ends,
            shift,
        }
        .clipped(area, out),
        PointsRef::Wide(points) => Rings {
            points,
            ends: part.ends,
            shift,
        }
        .clipped(area, out),
    }
}

pub(crate) use predicate::Locus as PointLocus;
