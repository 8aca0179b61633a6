//! A packed tree of four-dimensional boxes with a fan-out of sixteen.

use crate::simd::{self, BoxOf, LANES, Lanes};

/// Children of a node.
pub(crate) const FAN: usize = LANES;
/// Milliseconds in one unit of time of a box.
pub(crate) const TICK_MS: i64 = 4096;
/// Units of 1e-8 degree in one unit of place of a box.
pub(crate) const PLACE: i64 = 10;

/// A box: longitude and latitude in 1e-7 degree, time in units of 4.096 s, height in centimetres; all rounded outward, both ends included.
pub(crate) type Box4 = BoxOf<4>;
/// Sixteen boxes, and in a leaf where their items lie. What a query reads of a node is in one piece.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(crate) struct Node {
    pub(crate) boxes: Lanes<4>,
    at: [u32; FAN],
}

impl Box4 {
    const NOWHERE: Self = Self {
        low: [i32::MAX; 4],
        high: [i32::MIN; 4],
    };

    /// From exact bounds on the grid (west in −180…180°, east may go beyond), a half-open window in milliseconds and heights. A box that crosses the antimeridian becomes two.
    pub(crate) fn outward(
        bounds: [i64; 4],
        start: i64,
        end: i64,
        low: i32,
        high: i32,
    ) -> (Self, Option<Self>) {
        let floor = |v: i64| v.div_euclid(PLACE) as i32;
        let ceil = |v: i64| (v + PLACE - 1).div_euclid(PLACE) as i32;
        let half = super::HALF_TURN;
        let last = if end == i64::MAX {
            i32::MAX
        } else {
            tick(end - 1)
        };
        let make = |west: i64, east: i64| Self {
            low: [floor(west), floor(bounds[1]), tick(start), low],
            high: [ceil(east), ceil(bounds[3]), last, high],
        };
        let [west, _, east, _] = bounds;
        let pole = bounds[1] <= -90 * crate::units::E8 || bounds[3] >= 90 * crate::units::E8;
        if pole || east - west >= 2 * half {
            (make(-half, half), None)
        } else if east >= half {
            (make(west, half), Some(make(-half, east - 2 * half)))
        } else if west == -half {
            // The same meridian from the other side.
            (make(west, east), Some(make(half, half)))
        } else {
            (make(west, east), None)
        }
    }

    fn grow(&mut self, other: &Self) {
        for d in 0..4 {
            self.low[d] = self.low[d].min(other.low[d]);
            self.high[d] = self.high[d].max(other.high[d]);
        }
    }

    #[cfg(test)]
    pub(crate) fn meets(&self, other: &Self) -> bool {
        (0..4).all(|d| self.low[d] <= other.high[d] && other.low[d] <= self.high[d])
    }
}

fn tick(ms: i64) -> i32 {
    ms.div_euclid(TICK_MS)
        .clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

impl Node {
    const EMPTY: Self = Self {
        boxes: Lanes::EMPTY,
        at: [0; FAN],
    };

    /// Asks the processor to fetch all of it.
    #[inline(always)]
    fn prefetch(&self) {
        for lanes in self.boxes.low.iter().chain(&self.boxes.high) {
            simd::prefetch(lanes);
        }
        simd::prefetch(&self.at);
    }

    fn hull(&self) -> Box4 {
        let mut all = Box4::NOWHERE;
        for lane in 0..FAN {
            all.grow(&self.boxes.lane(lane));
        }
        all
    }
}

/// An item whose box meets the query's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) item: u32,
    /// Where the item lies.
    pub(crate) at: u32,
    pub(crate) box4: Box4,
}

/// Levels of nodes, leaves first. Item `i` is lane `i % 16` of leaf `i / 16`; node `i` of a level is lane `i % 16` of node `i / 16` above.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    levels: Vec<Vec<Node>>,
}

/// Deepest tree: 16⁸ items are more than a `u32` counts.
const DEPTH: usize = 9;

impl Tree {
    /// The order in which items have to be kept so that near ones share a leaf.
    pub(crate) fn order(boxes: &[Box4]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..boxes.len() as u32).collect();
        if boxes.is_empty() {
            return order;
        }
        let split = Split::new(boxes);
        split.run(&mut order);
        order
    }

    /// Packs boxes that are in order, with where their items lie.
    pub(crate) fn pack(boxes: impl ExactSizeIterator<Item = (Box4, u32)>) -> Self {
        let mut leaves: Vec<Node> = Vec::with_capacity(boxes.len().div_ceil(FAN));
        for (i, (b, at)) in boxes.enumerate() {
            if i % FAN == 0 {
                leaves.push(Node::EMPTY);
            }
            if let Some(leaf) = leaves.last_mut() {
                leaf.boxes.set(i % FAN, &b);
                leaf.at[i % FAN] = at;
            }
        }
        let mut levels = Vec::new();
        while leaves.len() > 1 {
            let above: Vec<Node> = leaves
                .chunks(FAN)
                .map(|below| {
                    let mut node = Node::EMPTY;
                    for (lane, child) in below.iter().enumerate() {
                        node.boxes.set(lane, &child.hull());
                    }
                    node
                })
                .collect();
            levels.push(std::mem::replace(&mut leaves, above));
        }
        levels.push(leaves);
        Self { levels }
    }

    /// Adds one box at the end of a tree that has leaves only.
    pub(crate) fn push_flat(&mut self, count: usize, b: &Box4) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        let leaves = &mut self.levels[0];
        if count.is_multiple_of(FAN) {
            leaves.push(Node::EMPTY);
        }
        leaves[count / FAN].boxes.set(count % FAN, b);
    }

    /// The box of an item, and where it lies.
    pub(crate) fn item(&self, item: usize) -> (Box4, u32) {
        let leaf = &self.levels[0][item / FAN];
        (leaf.boxes.lane(item % FAN), leaf.at[item % FAN])
    }

    /// Bytes of its nodes.
    pub(crate) fn bytes(&self) -> usize {
        self.levels
            .iter()
            .map(|l| l.capacity() * size_of::<Node>())
            .sum()
    }
}

/// The walk, for any way to compare sixteen boxes. A tree of leaves only is scanned.
#[inline(always)]
pub(crate) fn body(tree: &Tree, out: &mut Vec<Candidate>, mask: impl Fn(&Lanes<4>) -> u16) {
    let Some(top) = tree.levels.len().checked_sub(1) else {
        return;
    };
    let leaf = |out: &mut Vec<Candidate>, index: usize| {
        let node = &tree.levels[0][index];
        for lane in simd::lanes(mask(&node.boxes)) {
            out.push(Candidate {
                item: (index * FAN + lane) as u32,
                at: node.at[lane],
                box4: node.boxes.lane(lane),
            });
        }
    };
    if top == 0 {
        for index in 0..tree.levels[0].len() {
            leaf(out, index);
        }
        return;
    }
    let mut pending = [(0usize, 0u16); DEPTH];
    let mut level = top;
    pending[level] = (0, mask(&tree.levels[level][0].boxes));
    loop {
        let (index, lanes) = pending[level];
        if lanes == 0 {
            if level == top {
                return;
            }
            level += 1;
            continue;
        }
        let child = index * FAN + lanes.trailing_zeros() as usize;
        pending[level].1 = lanes & (lanes - 1);
        if level == 1 {
            leaf(out, child);
        } else {
            level -= 1;
            let lanes = mask(&tree.levels[level][child].boxes);
            if level == 1 {
                // The leaves are what is far away: all of this node's at once.
                for lane in simd::lanes(lanes) {
                    tree.levels[0][child * FAN + lane].prefetch();
                }
            }
            pending[level] = (child, lanes);
        }
    }
}

/// Top-down splitting: each split is along the dimension after which the two halves are the least likely to meet a query of ordinary size.
struct Split<'a> {
    boxes: &'a [Box4],
    /// Extent of an ordinary query in each dimension.
    query: [f64; 4],
    /// Latest finite tick, which stands for "for ever" when sizes are compared; the same for heights.
    ceiling: [i32; 4],
    floor: [i32; 4],
    sample: usize,
}

/// How many boxes a split looks at to choose its dimension.
const SAMPLE: usize = 512;
/// The same in a small tree, which is made anew every few inserts and walked in no time.
const SAMPLE_SMALL: usize = 32;

impl<'a> Split<'a> {
    fn new(boxes: &'a [Box4]) -> Self {
        let mut ceiling = [i32::MIN; 4];
        let mut floor = [i32::MAX; 4];
        for b in boxes {
            for d in 0..4 {
                for v in [b.low[d], b.high[d]] {
                    if v != i32::MAX && v != i32::MIN {
                        ceiling[d] = ceiling[d].max(v);
                        floor[d] = floor[d].min(v);
                    }
                }
            }
        }
        let mut split = Self {
            boxes,
            query: [1.0; 4],
            ceiling,
            floor,
            sample: if boxes.len() > super::DELTA_LIMIT {
                SAMPLE
            } else {
                SAMPLE_SMALL
            },
        };
        let step = boxes.len().div_ceil(4096);
        let sample = boxes.len().div_ceil(step) as f64;
        for d in 0..4 {
            let sum: f64 = boxes
                .iter()
                .step_by(step)
                .map(|b| {
                    let (low, high) = split.side(b, d);
                    high - low
                })
                .sum();
            split.query[d] = sum / sample + 1.0;
        }
        split
    }

    fn side(&self, b: &Box4, d: usize) -> (f64, f64) {
        if self.floor[d] > self.ceiling[d] {
            return (0.0, 0.0);
        }
        let clamp = |v: i32| f64::from(v.clamp(self.floor[d], self.ceiling[d]));
        (clamp(b.low[d]), clamp(b.high[d]))
    }

    fn centre(&self, item: u32, d: usize) -> i64 {
        let b = &self.boxes[item as usize];
        let clamp = |v: i32| {
            i64::from(v.clamp(
                self.floor[d].min(self.ceiling[d]),
                self.ceiling[d].max(self.floor[d]),
            ))
        };
        clamp(b.low[d]) + clamp(b.high[d])
    }

    fn cost(&self, items: &[u32]) -> f64 {
        let mut all = [(f64::MAX, f64::MIN); 4];
        for &i in items {
            for (d, span) in all.iter_mut().enumerate() {
                let (low, high) = self.side(&self.boxes[i as usize], d);
                *span = (span.0.min(low), span.1.max(high));
            }
        }
        (0..4)
            .map(|d| all[d].1 - all[d].0 + self.query[d])
            .product()
    }

    fn run(&self, items: &mut [u32]) {
        if items.len() <= FAN {
            return;
        }
        let mut capacity = FAN;
        while capacity * FAN < items.len() {
            capacity *= FAN;
        }
        let middle = items.len().div_ceil(capacity) / 2 * capacity;
        let d = self.dimension(items, middle);
        items.select_nth_unstable_by_key(middle, |&i| (self.centre(i, d), i));
        let (left, right) = items.split_at_mut(middle);
        self.run(left);
        self.run(right);
    }

    fn dimension(&self, items: &[u32], middle: usize) -> usize {
        let step = items.len().div_ceil(self.sample);
        let mut sample: Vec<u32> = items.iter().step_by(step).copied().collect();
        let at = (sample.len() * middle / items.len()).clamp(1, sample.len() - 1);
        let mut best = (f64::INFINITY, 0);
        for d in 0..4 {
            if self.floor[d] >= self.ceiling[d] {
                continue;
            }
            sample.select_nth_unstable_by_key(at, |&i| (self.centre(i, d), i));
            let share = middle as f64 / items.len() as f64;
            let cost = self.cost(&sample[..at]) * share + self.cost(&sample[at..]) * (1.0 - share);
            if cost < best.0 {
                best = (cost, d);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Path, collect};

    fn dice(seed: &mut u64) -> i64 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as i64
    }

    fn boxes(n: usize, seed: &mut u64) -> Vec<Box4> {
        (0..n)
            .map(|_| {
                let mut low = [0; 4];
                let mut high = [0; 4];
                for d in 0..4 {
                    low[d] = (dice(seed) % 1000) as i32;
                    high[d] = low[d] + (dice(seed) % 200) as i32;
                }
                if dice(seed) % 20 == 0 {
                    high[2] = i32::MAX;
                }
                if dice(seed) % 5 == 0 {
                    (low[3], high[3]) = (i32::MIN, i32::MAX);
                }
                Box4 { low, high }
            })
            .collect()
    }

    #[test]
    fn every_path_finds_exactly_what_a_scan_finds() {
        let mut seed = 3;
        for n in [0, 1, 15, 16, 17, 255, 256, 257, 5_000] {
            let all = boxes(n, &mut seed);
            let order = Tree::order(&all);
            let tree = Tree::pack(order.iter().map(|&i| (all[i as usize], 0)));
            for query in boxes(200, &mut seed) {
                let mut expected: Vec<u32> = (0..n as u32)
                    .filter(|&i| all[i as usize].meets(&query))
                    .collect();
                expected.sort_unstable();
                let mut found = Vec::new();
                for path in Path::available() {
                    found.clear();
                    collect(path, &tree, &query, &mut found);
                    let mut got: Vec<u32> = found.iter().map(|c| order[c.item as usize]).collect();
                    got.sort_unstable();
                    assert_eq!(got, expected, "{path:?} with {n} boxes");
                    assert!(
                        found
                            .iter()
                            .all(|c| c.box4 == all[order[c.item as usize] as usize])
                    );
                }
            }
        }
    }

    /// Trap 20: coarse units only ever make a box larger.
    #[test]
    fn boxes_are_rounded_outward() {
        let mut seed = 11;
        for _ in 0..10_000 {
            let west = dice(&mut seed) * 7 % 17_000_000_000 - 8_000_000_000;
            let south = dice(&mut seed) * 3 % 8_000_000_000 - 4_000_000_000;
            let bounds = [
                west,
                south,
                west + dice(&mut seed) % 99,
                south + dice(&mut seed) % 99,
            ];
            let start = 1_473_638_400_000 + dice(&mut seed);
            let end = start + 1 + dice(&mut seed) % 10_000;
            let (b, _) = Box4::outward(bounds, start, end, -5, 5);
            for (d, exact) in [(0, [bounds[0], bounds[2]]), (1, [bounds[1], bounds[3]])] {
                assert!(
                    i64::from(b.low[d]) * PLACE <= exact[0]
                        && exact[0] < i64::from(b.low[d] + 1) * PLACE
                );
                assert!(
                    i64::from(b.high[d]) * PLACE >= exact[1]
                        && exact[1] > i64::from(b.high[d] - 1) * PLACE
                );
            }
            assert!(i64::from(b.low[2]) * TICK_MS <= start);
            assert!((i64::from(b.high[2]) + 1) * TICK_MS >= end);
        }
    }
}
