//! What the trees hold: one item for each part of an area and each leg of a movement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::VolumeId;
use super::block::{BLOCK_BYTES_USUAL, BLOCK_UNIT, Block};
use super::tree::{Box4, Candidate, PLACE, Tree};
use crate::altitude::Band;
use crate::motion::Leg;
use crate::shape::{Part, PartRef, Points, PointsRef};
use crate::simd;
use crate::units::{E8, Window};
use crate::verdict::{Body, Piece};
use crate::volume::Volume;

/// Latitude beyond which outward rounding could reach a pole: such parts are kept as they are, units of 1e-8 degree.
const NEAR_POLE: i64 = 8_999 * E8 / 100;

/// Set in the place of an item that is kept by itself, beside its index among those.
const ODD: u32 = 1 << 31;
/// Lines of 64 bytes of a block that are asked for ahead: what an ordinary one has.
const PREFETCHED_LINES: usize = 3;

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

    /// Whether the box of the tree and a block say all there is; the vertices, from the anchor.
    fn is_plain(&self) -> Option<(&Part, &[[i32; 2]])> {
        let Owned::Part(part) = &self.body else {
            return None;
        };
        let Points::Narrow(offsets) = &part.points else {
            return None;
        };
        let plain = offsets.len() <= usize::from(u16::MAX)
            && part.ends.is_empty()
            && part.simple
            && self.datum_known
            && self.band.is_sure()
            && part.bounds[1] > -NEAR_POLE
            && part.bounds[3] < NEAR_POLE
            && part.bounds[0] > -super::HALF_TURN
            && part.bounds[2] < super::HALF_TURN;
        plain.then_some((part, offsets))
    }
}

/// A tree with its items, packed: blocks in the order of the tree, so that those of neighbours lie beside each other. See [`Block`].
#[derive(Debug, Default)]
pub(crate) struct Packed {
    pub(crate) tree: Tree,
    blocks: Vec<u8>,
    odd: Vec<Arc<Item>>,
    /// A bit an item: whether it has ended. Small enough to stay near the processor.
    ended: Vec<AtomicU64>,
    /// Where it ended, see [`Item::until`].
    until: Vec<AtomicU64>,
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
        let mut sources: Vec<(Box4, Source<'_>)> = Vec::with_capacity(old.len() + items.len());
        for i in 0..old.len() {
            let (box4, at) = old.tree.item(i);
            if old.window(&box4, at).end > ended_before {
                sources.push((box4, Source::Old(old, i as u32)));
            }
        }
        for item in items.iter().filter(|item| item.window.end > ended_before) {
            sources.extend(item.boxes().map(|b| (b, Source::New(item))));
        }
        let boxes: Vec<Box4> = sources.iter().map(|s| s.0).collect();
        let order = Tree::order(&boxes);
        drop(boxes);
        let mut new = Self {
            blocks: Vec::with_capacity(old.blocks.len() + items.len() * BLOCK_BYTES_USUAL),
            ..Self::default()
        };
        let ats: Vec<u32> = order
            .iter()
            .map(|&i| new.take(&sources[i as usize]))
            .collect();
        new.blocks.shrink_to_fit();
        new.tree = Tree::pack(
            order
                .iter()
                .zip(&ats)
                .map(|(&i, &at)| (sources[i as usize].0, at)),
        );
        new.ended = (0..ats.len().div_ceil(64))
            .map(|_| AtomicU64::new(0))
            .collect();
        for (i, until) in new.until.iter_mut().enumerate() {
            let bit = u64::from(*until.get_mut() != u64::MAX) << (i % 64);
            *new.ended[i / 64].get_mut() |= bit;
        }
        new.by_id = (0..ats.len() as u32).collect();
        let mut by_id = std::mem::take(&mut new.by_id);
        by_id.sort_unstable_by_key(|&i| new.id(ats[i as usize]));
        new.by_id = by_id;
        new
    }

    /// Takes an item in behind the others; gives where it lies.
    fn take(&mut self, (box4, source): &(Box4, Source<'_>)) -> u32 {
        let (until, at) = match source {
            Source::Old(old, i) => {
                let (_, at) = old.tree.item(*i as usize);
                let at = if let Some(odd) = old.odd(at) {
                    self.take_odd(odd)
                } else {
                    let block = old.block(at);
                    let start = self.blocks.len();
                    self.blocks.extend_from_slice(block.bytes);
                    (start / BLOCK_UNIT) as u32
                };
                (&old.until[*i as usize], at)
            }
            Source::New(item) => {
                let at = match item.is_plain() {
                    Some((part, offsets)) => {
                        Block::write(item, part, offsets, box4, &mut self.blocks)
                    }
                    None => self.take_odd(item),
                };
                (&item.until, at)
            }
        };
        self.until
            .push(AtomicU64::new(until.load(Ordering::Relaxed)));
        at
    }

    fn take_odd(&mut self, item: &Arc<Item>) -> u32 {
        self.odd.push(Arc::clone(item));
        ODD | (self.odd.len() - 1) as u32
    }

    pub(crate) fn len(&self) -> usize {
        self.until.len()
    }

    #[inline(always)]
    fn odd(&self, at: u32) -> Option<&Arc<Item>> {
        (at & ODD != 0).then(|| &self.odd[(at & !ODD) as usize])
    }

    #[inline(always)]
    fn block(&self, at: u32) -> Block<'_> {
        Block::at(&self.blocks, at as usize * BLOCK_UNIT)
    }

    #[inline(always)]
    fn id(&self, at: u32) -> VolumeId {
        self.odd(at)
            .map_or_else(|| self.block(at).id(), |odd| odd.id)
    }

    fn window(&self, box4: &Box4, at: u32) -> Window {
        self.odd(at)
            .map_or_else(|| self.block(at).window(box4), |odd| odd.window)
    }

    /// The items of one volume, all versions.
    fn of(&self, id: VolumeId) -> impl Iterator<Item = usize> {
        let id_of = |i: u32| self.id(self.tree.item(i as usize).1);
        let start = self.by_id.partition_point(|&i| id_of(i) < id);
        self.by_id[start..]
            .iter()
            .take_while(move |&&i| id_of(i) == id)
            .map(|&i| i as usize)
    }

    pub(crate) fn stands(&self, id: VolumeId) -> bool {
        self.of(id)
            .any(|i| self.until[i].load(Ordering::Relaxed) == u64::MAX)
    }

    /// Ends the standing version of a volume at a position.
    pub(crate) fn end(&self, id: VolumeId, position: u64) {
        for i in self.of(id) {
            if self.until[i].load(Ordering::Relaxed) == u64::MAX {
                self.until[i].store(position, Ordering::Relaxed);
                self.ended[i / 64].fetch_or(1 << (i % 64), Ordering::Release);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn prefetch(&self, at: u32) {
        if at & ODD == 0 {
            let at = at as usize * BLOCK_UNIT;
            for line in 0..PREFETCHED_LINES {
                if let Some(byte) = self.blocks.get(at + line * 64) {
                    simd::prefetch(byte);
                }
            }
        }
    }

    /// The volume of an item, if it stands at a position.
    #[inline(always)]
    pub(crate) fn standing(&self, candidate: &Candidate, position: u64) -> Option<VolumeId> {
        let i = candidate.item as usize;
        if self.ended[i / 64].load(Ordering::Acquire) >> (i % 64) & 1 == 1
            && self.until[i].load(Ordering::Relaxed) <= position
        {
            return None;
        }
        let (id, from) = match self.odd(candidate.at) {
            Some(odd) => (odd.id, odd.from),
            None => {
                let block = self.block(candidate.at);
                (block.id(), block.from())
            }
        };
        (from <= position).then_some(id)
    }

    /// An item, its vertices in the given buffer.
    #[inline(always)]
    pub(crate) fn piece<'a>(
        &'a self,
        candidate: &Candidate,
        vertices: &'a mut Vec<[i32; 2]>,
    ) -> Piece<'a> {
        if let Some(odd) = self.odd(candidate.at) {
            return odd.piece();
        }
        let (b, block) = (&candidate.box4, self.block(candidate.at));
        block.vertices(vertices);
        let e8 = |v: i32| i64::from(v) * PLACE;
        Piece {
            body: Body::Part(PartRef {
                anchor: [e8(b.low[0]), e8(b.low[1])],
                points: PointsRef::Narrow(vertices),
                ends: &[],
                bounds: [e8(b.low[0]), e8(b.low[1]), e8(b.high[0]), e8(b.high[1])],
                simple: true,
            }),
            window: block.window(b),
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
            + self.blocks.capacity()
            + (self.until.capacity() + self.ended.capacity()) * 8
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
            tree: Tree::pack(order.iter().map(|&i| (boxes[i as usize], 0))),
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
