//! A ring of ordinary size, sixteen edges at a time, and the exact meeting of two such rings.
//!
//! Boxes of edges are compared in lanes; only edges whose boxes meet are compared exactly, in the order in which a plain walk would come to them, so that every path finds the same witness.

use crate::predicate::{Contact, Narrow, contact, side};
use crate::simd::{self, BoxOf, LANES, Lanes, Path};
use std::cmp::Ordering;
use std::ops::ControlFlow;

type Point = [i64; 2];

/// One ring, in a frame in which its coordinates and those of the ring that it is compared with fit 32 bits. Buffers only ever grow: what lies beyond `count` is left from before.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    count: usize,
    /// The last vertex, then all vertices: edge `i` runs from entry `i` to entry `i + 1`.
    x: Vec<i32>,
    y: Vec<i32>,
    boxes: Vec<Lanes<2>>,
}

/// How two rings meet, without what needs more than a look at their edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Borders {
    /// Two edges cross.
    Cross([Point; 4]),
    /// They touch, here among other places, and cross nowhere.
    Touch(Point),
    /// They have nothing in common, and this vertex of one lies inside the other.
    Inside(Point),
    Apart,
}

impl Edges {
    /// Takes the vertices of a ring in.
    #[inline(always)]
    pub(crate) fn fill(&mut self, vertices: impl ExactSizeIterator<Item = [i32; 2]>) {
        let count = vertices.len();
        let chunks = count.div_ceil(LANES);
        if self.boxes.len() < chunks {
            self.grow(chunks);
        }
        self.count = count;
        for ((x, y), p) in self.x[1..].iter_mut().zip(&mut self.y[1..]).zip(vertices) {
            (*x, *y) = (p[0], p[1]);
        }
        (self.x[0], self.y[0]) = (self.x[count], self.y[count]);
        for (i, lanes) in self.boxes[..chunks].iter_mut().enumerate() {
            for (d, all) in [&self.x, &self.y].into_iter().enumerate() {
                let (from, to) = (&all[i * LANES..][..LANES], &all[i * LANES + 1..][..LANES]);
                for lane in 0..LANES {
                    lanes.low[d][lane] = from[lane].min(to[lane]);
                    lanes.high[d][lane] = from[lane].max(to[lane]);
                }
            }
        }
    }

    #[cold]
    fn grow(&mut self, chunks: usize) {
        self.x.resize(chunks * LANES + 1, 0);
        self.y.resize(chunks * LANES + 1, 0);
        self.boxes.resize(chunks, Lanes::EMPTY);
    }

    /// The edges whose boxes meet a box, in order.
    #[inline(always)]
    fn near(
        &self,
        around: &BoxOf<2>,
        mask: impl Fn(&Lanes<2>, &BoxOf<2>) -> u16,
        mut visit: impl FnMut(usize) -> ControlFlow<Borders>,
    ) -> ControlFlow<Borders> {
        let chunks = self.count.div_ceil(LANES);
        for (i, boxes) in self.boxes[..chunks].iter().enumerate() {
            let left = self.count - i * LANES;
            let used = if left < LANES {
                (1 << left) - 1
            } else {
                u16::MAX
            };
            for lane in simd::lanes(mask(boxes, around) & used) {
                visit(i * LANES + lane)?;
            }
        }
        ControlFlow::Continue(())
    }

    #[inline(always)]
    fn box_of(&self, i: usize) -> BoxOf<2> {
        self.boxes[i / LANES].lane(i % LANES)
    }

    #[inline(always)]
    fn edge(&self, i: usize) -> (Point, Point) {
        let vertex = |i: usize| [i64::from(self.x[i]), i64::from(self.y[i])];
        (vertex(i), vertex(i + 1))
    }
}

/// How the borders of two rings meet; `common` is the box that theirs have in common.
#[inline(always)]
pub(crate) fn borders(
    a: &Edges,
    b: &Edges,
    common: &BoxOf<2>,
    mask: impl Fn(&Lanes<2>, &BoxOf<2>) -> u16,
) -> Borders {
    let mut touch = None;
    let found = a.near(common, &mask, |i| {
        let (p, q) = a.edge(i);
        b.near(&a.box_of(i), &mask, |j| {
            let (r, s) = b.edge(j);
            match contact::<Narrow>(p, q, r, s) {
                Contact::None => {}
                Contact::Cross => return ControlFlow::Break(Borders::Cross([p, q, r, s])),
                Contact::Touch(at) => touch = Some(at),
            }
            ControlFlow::Continue(())
        })
    });
    if let ControlFlow::Break(cross) = found {
        return cross;
    }
    if let Some(at) = touch {
        return Borders::Touch(at);
    }
    // One lies wholly in the other, or they are apart.
    let (p, q) = (a.edge(0).1, b.edge(0).1);
    if goes_round(b, p, &mask) {
        Borders::Inside(p)
    } else if goes_round(a, q, &mask) {
        Borders::Inside(q)
    } else {
        Borders::Apart
    }
}

/// Whether a ring goes round a point that is not on it: by the edges that pass the point on its east.
#[inline(always)]
fn goes_round(ring: &Edges, p: Point, mask: impl Fn(&Lanes<2>, &BoxOf<2>) -> u16) -> bool {
    let [x, y] = [p[0] as i32, p[1] as i32];
    // From at or below the point to above it: half-open, so that a vertex counts once.
    let passing = BoxOf {
        low: [x, y.saturating_add(1)],
        high: [i32::MAX, y],
    };
    let mut turns = 0;
    let _ = ring.near(&passing, mask, |i| {
        let (r, s) = ring.edge(i);
        match (side::<Narrow>(r, s, p), s[1] > r[1]) {
            (Ordering::Greater, true) => turns += 1,
            (Ordering::Less, false) => turns -= 1,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    turns != 0
}

/// Two rings of which the first was taken in once and the second comes anew each time.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) path: Path,
    pub(crate) asked: Edges,
    pub(crate) other: Edges,
}

impl Default for Pair {
    fn default() -> Self {
        Self {
            path: Path::best(),
            asked: Edges::default(),
            other: Edges::default(),
        }
    }
}
