//! A ring of ordinary size, sixteen edges at a time, and the exact meeting of two such rings.
//!
//! Boxes of edges are compared in lanes; only edges whose boxes meet are compared exactly, in the order in which a plain walk would come to them, so that every path finds the same witness.

use crate::predicate::{Contact, Narrow, contact, side};
use crate::simd::{self, BoxOf, LANES, Lanes, Path};
use std::cmp::Ordering;
use std::ops::ControlFlow;

type Point = [i64; 2];

/// A mask of the boxes of sixteen that meet one.
pub(crate) trait Mask: Fn(&Lanes<2>, &BoxOf<2>) -> u16 {}
impl<F: Fn(&Lanes<2>, &BoxOf<2>) -> u16> Mask for F {}

/// The vertices of one ring, in a frame in which they and those of the ring that it is compared with fit 32 bits. Buffers only ever grow: what lies beyond `count` is left from before.
#[derive(Debug, Default)]
struct Ring {
    count: usize,
    /// The last vertex, then all vertices: edge `i` runs from entry `i` to entry `i + 1`.
    x: Vec<i32>,
    y: Vec<i32>,
}

/// Boxes of edges, sixteen at a time, and how many there are.
#[derive(Debug, Default)]
struct Boxes {
    count: usize,
    lanes: Vec<Lanes<2>>,
}

/// Two rings of which the first was taken in once and the second comes anew each time.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) path: Path,
    asked: Ring,
    /// Those of all edges of the first.
    asked_boxes: Boxes,
    other: Ring,
    /// The edges of the second that come within the common box, and their boxes.
    near: Vec<u32>,
    near_boxes: Boxes,
}

impl Default for Pair {
    fn default() -> Self {
        Self {
            path: Path::best(),
            asked: Ring::default(),
            asked_boxes: Boxes::default(),
            other: Ring::default(),
            near: Vec::new(),
            near_boxes: Boxes::default(),
        }
    }
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

impl Ring {
    /// Takes the vertices in.
    #[inline(always)]
    fn fill(&mut self, vertices: impl ExactSizeIterator<Item = [i32; 2]>) {
        self.count = vertices.len();
        let room = self.count.next_multiple_of(LANES) + 1;
        if self.x.len() < room {
            self.x.resize(room, 0);
            self.y.resize(room, 0);
        }
        for ((x, y), p) in self.x[1..].iter_mut().zip(&mut self.y[1..]).zip(vertices) {
            (*x, *y) = (p[0], p[1]);
        }
        (self.x[0], self.y[0]) = (self.x[self.count], self.y[self.count]);
    }

    #[inline(always)]
    fn edge(&self, i: usize) -> (Point, Point) {
        let vertex = |i: usize| [i64::from(self.x[i]), i64::from(self.y[i])];
        (vertex(i), vertex(i + 1))
    }

    /// The boxes of sixteen edges, and the mask of those that there are.
    #[inline(always)]
    fn sixteen(&self, chunk: usize) -> (Lanes<2>, u16) {
        let at = chunk * LANES;
        let mut lanes = Lanes::EMPTY;
        for (d, all) in [&self.x, &self.y].into_iter().enumerate() {
            let (from, to) = (&all[at..][..LANES], &all[at + 1..][..LANES]);
            for lane in 0..LANES {
                lanes.low[d][lane] = from[lane].min(to[lane]);
                lanes.high[d][lane] = from[lane].max(to[lane]);
            }
        }
        (lanes, first(self.count - at))
    }

    fn chunks(&self) -> usize {
        self.count.div_ceil(LANES)
    }

    /// Whether it goes round a point that is not on it: by the edges that pass the point on its east. Half-open in latitude, so that a vertex counts once.
    #[inline(always)]
    fn goes_round(&self, p: Point) -> bool {
        let (x, y) = (p[0] as i32, p[1] as i32);
        let mut turns = 0;
        for i in 0..self.count {
            let ([x0, x1], [y0, y1]) = ([self.x[i], self.x[i + 1]], [self.y[i], self.y[i + 1]]);
            if (y0 > y) != (y1 > y) && x0.max(x1) >= x {
                let (r, s) = self.edge(i);
                match (side::<Narrow>(r, s, p), y1 > y0) {
                    (Ordering::Greater, true) => turns += 1,
                    (Ordering::Less, false) => turns -= 1,
                    _ => {}
                }
            }
        }
        turns != 0
    }
}

/// The mask of the first lanes.
#[inline(always)]
fn first(count: usize) -> u16 {
    if count < LANES {
        (1 << count) - 1
    } else {
        u16::MAX
    }
}

impl Boxes {
    #[inline(always)]
    fn clear(&mut self) {
        self.count = 0;
    }

    #[inline(always)]
    fn push(&mut self, b: &BoxOf<2>) {
        if self.count == self.lanes.len() * LANES {
            self.lanes.push(Lanes::EMPTY);
        }
        self.lanes[self.count / LANES].set(self.count % LANES, b);
        self.count += 1;
    }

    /// Calls with the number of each box that meets one, in order.
    #[inline(always)]
    fn meeting(
        &self,
        around: &BoxOf<2>,
        mask: impl Mask,
        mut visit: impl FnMut(usize) -> ControlFlow<Borders>,
    ) -> ControlFlow<Borders> {
        let chunks = self.count.div_ceil(LANES);
        for (i, lanes) in self.lanes[..chunks].iter().enumerate() {
            let there = first(self.count - i * LANES);
            for lane in simd::lanes(mask(lanes, around) & there) {
                visit(i * LANES + lane)?;
            }
        }
        ControlFlow::Continue(())
    }

    #[inline(always)]
    fn get(&self, i: usize) -> BoxOf<2> {
        self.lanes[i / LANES].lane(i % LANES)
    }
}

impl Pair {
    /// Takes the first ring in.
    pub(crate) fn ask(&mut self, vertices: impl ExactSizeIterator<Item = [i32; 2]>) {
        self.asked.fill(vertices);
        self.asked_boxes.clear();
        for chunk in 0..self.asked.chunks() {
            let (lanes, there) = self.asked.sixteen(chunk);
            for lane in simd::lanes(there) {
                self.asked_boxes.push(&lanes.lane(lane));
            }
        }
    }

    /// How the borders of the first ring and of this one meet; `common` is the box that theirs have in common.
    #[inline(always)]
    pub(crate) fn borders(
        &mut self,
        vertices: impl ExactSizeIterator<Item = [i32; 2]>,
        common: &BoxOf<2>,
        mask: impl Mask,
    ) -> Borders {
        self.other.fill(vertices);
        self.near.clear();
        self.near_boxes.clear();
        for chunk in 0..self.other.chunks() {
            let (lanes, there) = self.other.sixteen(chunk);
            for lane in simd::lanes(mask(&lanes, common) & there) {
                self.near.push((chunk * LANES + lane) as u32);
                self.near_boxes.push(&lanes.lane(lane));
            }
        }
        match self.contact(common, &mask) {
            Some(found) => found,
            None => self.around(),
        }
    }

    #[inline(always)]
    fn contact(&self, common: &BoxOf<2>, mask: impl Mask) -> Option<Borders> {
        let mut touch = None;
        let found = self.asked_boxes.meeting(common, &mask, |i| {
            let (p, q) = self.asked.edge(i);
            self.near_boxes
                .meeting(&self.asked_boxes.get(i), &mask, |j| {
                    let (r, s) = self.other.edge(self.near[j] as usize);
                    match contact::<Narrow>(p, q, r, s) {
                        Contact::None => {}
                        Contact::Cross => return ControlFlow::Break(Borders::Cross([p, q, r, s])),
                        Contact::Touch(at) => touch = Some(at),
                    }
                    ControlFlow::Continue(())
                })
        });
        match found {
            ControlFlow::Break(cross) => Some(cross),
            ControlFlow::Continue(()) => touch.map(Borders::Touch),
        }
    }

    /// Borders apart: one lies wholly in the other, or they are apart.
    #[inline(always)]
    fn around(&self) -> Borders {
        let (p, q) = (self.asked.edge(0).1, self.other.edge(0).1);
        if self.other.goes_round(p) {
            Borders::Inside(p)
        } else if self.asked.goes_round(q) {
            Borders::Inside(q)
        } else {
            Borders::Apart
        }
    }
}
