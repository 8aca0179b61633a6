//! What the trees hold: one item for each part of an area and each leg of a movement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::VolumeId;
use super::tree::{Box4, Candidate, PLACE, Tree};
use crate::altitude::Band;
use crate::motion::Leg;
use crate::shape::{Part, PartRef, Points, PointsRef};
use crate::units::{E8, Window};
use crate::verdict::{Body, Piece};
use crate::volume::Volume;

/// Latitude beyond which outward rounding could reach a pole: such parts are kept as they are, units of 1e-8 degree.
const NEAR_POLE: i64 = 8_999 * E8 / 100;

/// What a version of a volume is, and from which to which log position it holds.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: VolumeId,
    pub(crate) from: u64,
    /// Position of its withdrawal or replacement, not included; `u64::MAX` while it stands. Only ever lowered once, by the writer, to a position after every published one: older snapshots go on seeing it.
    pub(crate) until: AtomicU64,
    /// Order of arrival in the writer.
    pub(crate) serial: u64,
    /// Which part or leg of its volume.
    pub(crate) part: u32,
    pub(crate) window: Window,
    pub(crate) band: Band,
    pub(crate) datum_known: bool,
    pub(crate) body: Owned,
}

#[derive(Debug)]
pub(crate) enum Owned {
    Part(Part),
    Leg(Leg),
}

impl Item {
    pub(crate) fn all_of(volume: &Volume, id: VolumeId, from: u64, serial: u64) -> Vec<Arc<Self>> {
        let parts = volume
            .parts
            .iter()
            .map(|p| (volume.window, volume.band, Owned::Part(p.clone())));
        let legs = volume.legs.iter().map(|l| {
            (
                Window {
                    start: l.start,
                    end: l.end,
                },
                l.band,
                Owned::Leg(*l),
            )
        });
        (0..)
            .zip(parts.chain(legs))
            .map(|(part, (window, band, body))| {
                Arc::new(Self {
                    id,
                    from,
                    until: AtomicU64::new(u64::MAX),
                    serial,
                    part,
                    window,
                    band,
                    datum_known: volume.datum_known,
                    body,
                })
            })
            .collect()
    }

    fn bounds(&self) -> [i64; 4] {
        match &self.body {
            Owned::Part(part) => part.bounds,
            Owned::Leg(leg) => leg.bounds,
        }
    }

    pub(crate) fn boxes(&self) -> impl Iterator<Item = Box4> + use<> {
        let (first, second) = Box4::outward(
            self.bounds(),
            self.window.start,
            self.window.end,
            self.band.low,
            self.band.high,
        );
        std::iter::once(first).chain(second)
    }

    pub(crate) fn piece(&self) -> Piece<'_> {
        Piece {
            body: match &self.body {
                Owned::Part(part) => Body::Part(part.view()),
                Owned::Leg(leg) => Body::Leg(leg),
            },
            window: self.window,
            band: self.band,
            datum_known: self.datum_known,
        }
    }

    /// Whether the box of the tree and a run of offsets say all there is.
    fn is_plain(&self) -> Option<&Part> {
        let Owned::Part(part) = &self.body else {
            return None;
        };
        let plain = matches!(part.points, Points::Narrow(_))
            && part.ends.is_empty()
            && part.simple
            && self.datum_known
            && self.band.is_sure()
            && part.bounds[1] > -NEAR_POLE
            && part.bounds[3] < NEAR_POLE
            && part.bounds[0] > -super::HALF_TURN
            && part.bounds[2] < super::HALF_TURN;
        plain.then_some(part)
    }
}

/// Head of a packed item. The rest is in the box of the tree (heights exactly, place as anchor) and in the vertices.
#[derive(Debug)]
struct Head {
    id: VolumeId,
    from: u64,
    until: AtomicU64,
    start: i64,
    end: i64,
    /// First vertex, or index among the odd items.
    at: u32,
    /// Vertices; 0 for an odd item.
    count: u32,
}

/// A tree with its items, packed: heads in the order of the tree, vertices of neighbours beside each other.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    pub(crate) tree: Tree,
    heads: Vec<Head>,
    points: Vec<[i32; 2]>,
    odd: Vec<Arc<Item>>,
    /// Items in order of their volume.
    by_id: Vec<u32>,
}

/// A tree whose items are kept one by one.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shared {
    pub(crate) tree: Tree,
    pub(crate) items: Vec<Arc<Item>>,
}

/// An item on its way into a packed tree.
enum Source<'a> {
    Old(&'a Packed, u32),
    New(&'a Arc<Item>),
}

impl Packed {
    /// Packs what stands in an older packed tree and in single items, without what has ended or was withdrawn before the given limits.
    pub(crate) fn build(old: &Self, items: &[Arc<Item>], ended_before: i64) -> Self {
        let mut sources: Vec<(Box4, Source<'_>)> =
            Vec::with_capacity(old.heads.len() + items.len());
        for (i, head) in old.heads.iter().enumerate() {
            if head.end > ended_before {
                sources.push((old.tree.box_of(i), Source::Old(old, i as u32)));
            }
        }
        for item in items.iter().filter(|item| item.window.end > ended_before) {
            sources.extend(item.boxes().map(|b| (b, Source::New(item))));
        }
        let boxes: Vec<Box4> = sources.iter().map(|s| s.0).collect();
        let order = Tree::order(&boxes);
        let tree = Tree::pack(
            order
                .iter()
                .map(|&i| boxes[i as usize])
                .collect::<Vec<_>>()
                .into_iter(),
        );
        drop(boxes);
        let mut points = Vec::with_capacity(old.points.len() + items.len() * 16);
        let mut odd: Vec<Arc<Item>> = Vec::new();
        let heads: Vec<Head> = order
            .iter()
            .map(|&i| {
                let (box4, source) = &sources[i as usize];
                match source {
                    Source::Old(old, i) => {
                        let head = &old.heads[*i as usize];
                        let at = if head.count == 0 {
                            odd.push(Arc::clone(&old.odd[head.at as usize]));
                            odd.len() - 1
                        } else {
                            let at = points.len();
                            points.extend_from_slice(
                                &old.points[head.at as usize..][..head.count as usize],
                            );
                            at
                        };
                        let until = AtomicU64::new(head.until.load(Ordering::Relaxed));
                        Head {
                            until,
                            at: at as u32,
                            ..*head
                        }
                    }
                    Source::New(item) => {
                        let (at, count) = if let Some(part) = item.is_plain()
                            && let Points::Narrow(offsets) = &part.points
                        {
                            // Offsets from the corner of the box instead of the anchor.
                            let shift = [0, 1]
                                .map(|k| (part.anchor[k] - i64::from(box4.low[k]) * PLACE) as i32);
                            let at = points.len();
                            points
                                .extend(offsets.iter().map(|p| [p[0] + shift[0], p[1] + shift[1]]));
                            (at, offsets.len())
                        } else {
                            odd.push(Arc::clone(item));
                            (odd.len() - 1, 0)
                        };
                        Head {
                            id: item.id,
                            from: item.from,
                            until: AtomicU64::new(item.until.load(Ordering::Relaxed)),
                            start: item.window.start,
                            end: item.window.end,
                            at: at as u32,
                            count: count as u32,
                        }
                    }
                }
            })
            .collect();
        points.shrink_to_fit();
        let mut by_id: Vec<u32> = (0..heads.len() as u32).collect();
        by_id.sort_unstable_by_key(|&i| heads[i as usize].id);
        Self {
            tree,
            heads,
            points,
            odd,
            by_id,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The heads of one volume, all versions.
    fn of(&self, id: VolumeId) -> impl Iterator<Item = &Head> {
        let start = self
            .by_id
            .partition_point(|&i| self.heads[i as usize].id < id);
        self.by_id[start..]
            .iter()
            .map(|&i| &self.heads[i as usize])
            .take_while(move |h| h.id == id)
    }

    pub(crate) fn stands(&self, id: VolumeId) -> bool {
        self.of(id)
            .any(|h| h.until.load(Ordering::Relaxed) == u64::MAX)
    }

    /// Ends the standing version of a volume at a position.
    pub(crate) fn end(&self, id: VolumeId, position: u64) {
        for head in self
            .of(id)
            .filter(|h| h.until.load(Ordering::Relaxed) == u64::MAX)
        {
            head.until.store(position, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(crate) fn prefetch_head(&self, item: u32) {
        super::simd::prefetch(&self.heads[item as usize]);
    }

    #[inline(always)]
    pub(crate) fn prefetch_points(&self, item: u32) {
        let head = &self.heads[item as usize];
        if head.count > 0 {
            let at = head.at as usize;
            super::simd::prefetch(&self.points[at]);
            super::simd::prefetch(&self.points[(at + 8).min(self.points.len() - 1)]);
        }
    }

    /// The volume of an item, if it stands at a position.
    #[inline(always)]
    pub(crate) fn standing(&self, item: u32, position: u64) -> Option<VolumeId> {
        let head = &self.heads[item as usize];
        (head.from <= position && position < head.until.load(Ordering::Relaxed)).then_some(head.id)
    }

    #[inline(always)]
    pub(crate) fn piece(&self, candidate: &Candidate) -> Piece<'_> {
        let head = &self.heads[candidate.item as usize];
        if head.count == 0 {
            return self.odd[head.at as usize].piece();
        }
        let b = &candidate.box4;
        let e8 = |v: i32| i64::from(v) * PLACE;
        Piece {
            body: Body::Part(PartRef {
                anchor: [e8(b.low[0]), e8(b.low[1])],
                points: PointsRef::Narrow(&self.points[head.at as usize..][..head.count as usize]),
                ends: &[],
                bounds: [e8(b.low[0]), e8(b.low[1]), e8(b.high[0]), e8(b.high[1])],
                simple: true,
            }),
            window: Window {
                start: head.start,
                end: head.end,
            },
            band: Band::known(b.low[3], b.high[3]),
            datum_known: true,
        }
    }

    /// Bytes of everything it holds, shapes that are not packed included.
    pub(crate) fn bytes(&self) -> usize {
        let odd: usize = self
            .odd
            .iter()
            .map(|item| {
                size_of::<Arc<Item>>()
                    + size_of::<Item>()
                    + match &item.body {
                        Owned::Part(part) => match &part.points {
                            Points::Narrow(p) => p.len() * 8,
                            Points::Wide(p) => p.len() * 16,
                        },
                        Owned::Leg(_) => 0,
                    }
            })
            .sum();
        self.tree.bytes()
            + self.heads.capacity() * size_of::<Head>()
            + self.points.capacity() * 8
            + self.by_id.capacity() * 4
            + odd
    }
}

impl Shared {
    pub(crate) fn build(items: impl Iterator<Item = Arc<Item>>) -> Self {
        let sources: Vec<(Box4, Arc<Item>)> = items
            .flat_map(|item| {
                item.boxes()
                    .map(move |b| (b, Arc::clone(&item)))
                    .collect::<Vec<_>>()
            })
            .collect();
        let boxes: Vec<Box4> = sources.iter().map(|s| s.0).collect();
        let order = Tree::order(&boxes);
        Self {
            tree: Tree::pack(
                order
                    .iter()
                    .map(|&i| boxes[i as usize])
                    .collect::<Vec<_>>()
                    .into_iter(),
            ),
            items: order
                .iter()
                .map(|&i| Arc::clone(&sources[i as usize].1))
                .collect(),
        }
    }

    /// Adds an item behind the others, for a tail that is scanned.
    pub(crate) fn push(&mut self, item: &Arc<Item>) {
        for b in item.boxes() {
            self.tree.push_flat(self.items.len(), &b);
            self.items.push(Arc::clone(item));
        }
    }

    #[inline(always)]
    pub(crate) fn standing(&self, item: u32, position: u64) -> Option<VolumeId> {
        let item = &self.items[item as usize];
        (item.from <= position && position < item.until.load(Ordering::Relaxed)).then_some(item.id)
    }
}
