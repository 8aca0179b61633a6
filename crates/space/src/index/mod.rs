//! The index: which volumes meet this one, and which hold this place, at any position of the log.
//!
//! One [`Writer`] applies operations in log order; any number of readers take a [`Snapshot`] without a lock. A snapshot is a large packed tree, a small tree of what came since, and a short tail that is scanned. Versions of a volume carry the log positions from which and until which they stood, so that a question can be put as of any earlier position.

mod block;
mod items;
mod query;
pub(crate) mod tree;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;

pub use query::{Answer, Ask, Conflict, Holder, NEAREST_M_MAX, Near};

use crate::error::IndexError;
use crate::simd::{self, Path};
use crate::units::{TURN, UtcMs};
use crate::volume::Volume;
use items::{Item, Packed, Shared};

pub(crate) const HALF_TURN: i64 = TURN / 2;
/// Most items of the tail.
pub const TAIL_MAX: usize = 128;
/// Items of the small tree from which on the large one wants to be rebuilt.
pub const DELTA_MAX: usize = 4_096;
/// Items of the small tree at which the writer rebuilds the large one itself.
pub const DELTA_LIMIT: usize = 4 * DELTA_MAX;

/// The name of a volume, given by whoever keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeId(pub u64);

/// Where in the log an operation stands, and when the log took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Position in the log. Never goes back.
    pub position: u64,
    /// When the log took it, UTC. Going back counts as standing still.
    pub heard: UtcMs,
}

/// Until when what position had been heard.
type Heard = (i64, u64);

/// Pairs of (heard, position), in full chunks that are shared and one that grows.
#[derive(Debug, Clone, Default)]
struct Timeline {
    full: Arc<Vec<Arc<[Heard]>>>,
    last: Vec<Heard>,
}

/// Entries of one chunk.
const CHUNK: usize = 128;

impl Timeline {
    fn push(&mut self, stamp: Stamp) {
        let before = self
            .last
            .last()
            .or_else(|| self.full.last().and_then(|c| c.last()))
            .map_or(i64::MIN, |e| e.0);
        let heard = stamp.heard.0.max(before);
        match self.last.last_mut() {
            Some(entry) if entry.0 == heard => entry.1 = stamp.position,
            _ => self.last.push((heard, stamp.position)),
        }
        if self.last.len() == CHUNK {
            let chunk: Arc<[Heard]> = std::mem::take(&mut self.last).into();
            Arc::make_mut(&mut self.full).push(chunk);
        }
    }

    fn position_at(&self, heard: i64) -> Option<u64> {
        let within = |entries: &[Heard]| {
            let n = entries.partition_point(|e| e.0 <= heard);
            n.checked_sub(1).map(|i| entries[i].1)
        };
        within(&self.last).or_else(|| {
            let n = self.full.partition_point(|chunk| chunk[0].0 <= heard);
            n.checked_sub(1).and_then(|i| within(&self.full[i]))
        })
    }

    fn bytes(&self) -> usize {
        (self.full.len() * CHUNK + self.last.len()) * size_of::<Heard>()
    }
}

/// The state of the index at one position of the log. Immutable; reading takes no lock.
#[derive(Debug, Clone)]
pub struct Snapshot {
    main: Arc<Packed>,
    delta: Arc<Shared>,
    tail: Shared,
    timeline: Timeline,
    position: u64,
    /// Volumes that ended before this may be gone.
    horizon: i64,
    path: Path,
}

impl Snapshot {
    fn empty(path: Path) -> Self {
        Self {
            main: Arc::default(),
            delta: Arc::default(),
            tail: Shared::default(),
            timeline: Timeline::default(),
            position: 0,
            horizon: i64::MIN,
            path: simd::checked(path),
        }
    }

    /// The log position this state belongs to.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The last log position that had been heard at an instant: "what was known at 10:42" is a question as of this position. `None` when nothing had been heard.
    #[must_use]
    pub fn position_at(&self, heard: UtcMs) -> Option<u64> {
        self.timeline.position_at(heard.0)
    }

    /// Before this instant the picture may lack volumes that had ended and were let go; `None` while none were.
    #[must_use]
    pub const fn horizon(&self) -> Option<UtcMs> {
        if self.horizon == i64::MIN {
            None
        } else {
            Some(UtcMs(self.horizon))
        }
    }

    /// How many items (parts of areas and legs of movements, all versions) it holds.
    #[must_use]
    pub fn items(&self) -> usize {
        self.main.len() + self.delta.items.len() + self.tail.items.len()
    }

    /// Bytes of the packed tree with its shapes, and of the table of positions.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.main.bytes() + self.timeline.bytes()
    }

    /// The same state, read by another path. A path that the processor lacks becomes [`Path::Scalar`].
    #[must_use]
    pub fn with_path(mut self, path: Path) -> Self {
        self.path = simd::checked(path);
        self
    }
}

/// The readers' side: hands out snapshots.
#[derive(Debug, Clone)]
pub struct Space {
    current: Arc<ArcSwap<Snapshot>>,
}

impl Space {
    /// The latest state. Wait-free; hold it for as long as one answer takes.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Runs a question on the latest state without counting a reference.
    pub fn read<T>(&self, question: impl FnOnce(&Snapshot) -> T) -> T {
        question(&self.current.load())
    }
}

/// The one writer. Operations come in log order and are visible to the next snapshot.
#[derive(Debug)]
pub struct Writer {
    current: Arc<ArcSwap<Snapshot>>,
    state: Snapshot,
    /// What is in the small tree and the tail, by volume.
    recent: HashMap<VolumeId, Vec<Arc<Item>>>,
    serial: u64,
    /// Ends of volumes since a rebuild was started.
    ended: Option<Vec<(VolumeId, u64)>>,
    /// Number of the last rebuild that was started; an older one is stale.
    job: u64,
}

/// A rebuild of the large tree that can run on any thread.
#[derive(Debug)]
pub struct Rebuild {
    main: Arc<Packed>,
    delta: Arc<Shared>,
    /// Items with a serial below this are in it.
    serial: u64,
    ended_before: i64,
    job: u64,
}

/// A large tree that was rebuilt.
#[derive(Debug)]
pub struct Rebuilt {
    from: Arc<Packed>,
    main: Packed,
    serial: u64,
    ended_before: i64,
    job: u64,
}

impl Rebuild {
    /// Does the work.
    #[must_use]
    pub fn run(self) -> Rebuilt {
        let items = distinct(&self.delta.items);
        let main = Packed::build(&self.main, &items, self.ended_before);
        Rebuilt {
            from: self.main,
            main,
            serial: self.serial,
            ended_before: self.ended_before,
            job: self.job,
        }
    }
}

/// Each item once: one that crosses the antimeridian is listed twice.
fn distinct(items: &[Arc<Item>]) -> Vec<Arc<Item>> {
    let mut all: Vec<Arc<Item>> = items.to_vec();
    all.sort_by_key(|item| (item.serial, item.part));
    all.dedup_by(|a, b| Arc::ptr_eq(a, b));
    all
}

impl Writer {
    /// An empty index, read by the fastest path this processor has.
    #[must_use]
    pub fn new() -> (Self, Space) {
        let state = Snapshot::empty(Path::best());
        let current = Arc::new(ArcSwap::from_pointee(state.clone()));
        let space = Space {
            current: Arc::clone(&current),
        };
        (
            Self {
                current,
                state,
                recent: HashMap::new(),
                serial: 0,
                ended: None,
                job: 0,
            },
            space,
        )
    }

    /// Loads many volumes at once and packs them.
    ///
    /// # Errors
    /// Positions that go back, or a volume that is there already. What came before it stays.
    pub fn load(
        &mut self,
        volumes: impl IntoIterator<Item = (Stamp, VolumeId, Volume)>,
    ) -> Result<(), IndexError> {
        let mut items = Vec::new();
        let mut result = Ok(());
        for (stamp, id, volume) in volumes {
            if let Err(error) = self.check(stamp).and_then(|()| {
                if self.stands(id) {
                    Err(IndexError::AlreadyThere(id.0))
                } else {
                    Ok(())
                }
            }) {
                result = Err(error);
                break;
            }
            let new = Item::all_of(&volume, id, stamp.position, self.serial);
            self.serial += 1;
            self.recent.insert(id, new.clone());
            items.extend(new);
            self.heard(stamp);
        }
        items.extend(distinct(&self.state.delta.items));
        items.extend(distinct(&self.state.tail.items));
        self.pack(&items, self.state.horizon);
        self.publish();
        result
    }

    /// Adds a volume.
    ///
    /// # Errors
    /// A position that goes back, or a volume of that name that stands.
    pub fn insert(
        &mut self,
        stamp: Stamp,
        id: VolumeId,
        volume: &Volume,
    ) -> Result<(), IndexError> {
        self.check(stamp)?;
        if self.stands(id) {
            return Err(IndexError::AlreadyThere(id.0));
        }
        self.heard(stamp);
        self.add(stamp.position, id, volume);
        self.publish();
        Ok(())
    }

    /// Puts a new version in the place of the one that stands.
    ///
    /// # Errors
    /// A position that goes back, or no volume of that name.
    pub fn replace(
        &mut self,
        stamp: Stamp,
        id: VolumeId,
        volume: &Volume,
    ) -> Result<(), IndexError> {
        self.check(stamp)?;
        if !self.stands(id) {
            return Err(IndexError::NotThere(id.0));
        }
        self.heard(stamp);
        self.end(id, stamp.position);
        self.add(stamp.position, id, volume);
        self.publish();
        Ok(())
    }

    /// Ends a volume. Questions as of earlier positions go on seeing it.
    ///
    /// # Errors
    /// A position that goes back, or no volume of that name.
    pub fn withdraw(&mut self, stamp: Stamp, id: VolumeId) -> Result<(), IndexError> {
        self.check(stamp)?;
        if !self.stands(id) {
            return Err(IndexError::NotThere(id.0));
        }
        self.heard(stamp);
        self.end(id, stamp.position);
        self.publish();
        Ok(())
    }

    /// Takes note of a position that changes no volume, so that answers cite it.
    ///
    /// # Errors
    /// A position that goes back.
    pub fn advance(&mut self, stamp: Stamp) -> Result<(), IndexError> {
        self.check(stamp)?;
        self.heard(stamp);
        self.publish();
        Ok(())
    }

    /// The work of rebuilding the large tree, when it is due and not under way. Run it on another thread and hand the result to [`Writer::adopt`]; without that the writer does it itself at [`DELTA_LIMIT`].
    pub fn rebuild_due(&mut self) -> Option<Rebuild> {
        (self.state.delta.items.len() + self.state.tail.items.len() >= DELTA_MAX
            && self.ended.is_none())
        .then(|| self.start_rebuild(self.state.horizon))
    }

    /// The work of rebuilding without the volumes that ended before an instant. Afterwards answers about earlier times say that they are not complete.
    pub fn let_go(&mut self, ended_before: UtcMs) -> Rebuild {
        self.start_rebuild(ended_before.0.max(self.state.horizon))
    }

    /// Takes over a rebuilt tree.
    ///
    /// # Errors
    /// [`IndexError::StaleRebuild`] when the large tree has changed since, or another rebuild was started; the rebuilt one is dropped.
    pub fn adopt(&mut self, rebuilt: Rebuilt) -> Result<(), IndexError> {
        if rebuilt.job != self.job || !Arc::ptr_eq(&rebuilt.from, &self.state.main) {
            return Err(IndexError::StaleRebuild);
        }
        for (id, position) in self.ended.take().unwrap_or_default() {
            // A later version of the same volume came after the rebuild began and is not in it.
            rebuilt.main.end(id, position);
        }
        let since = |items: &[Arc<Item>]| {
            distinct(items)
                .into_iter()
                .filter(|item| item.serial >= rebuilt.serial)
                .collect::<Vec<_>>()
        };
        let mut left = since(&self.state.delta.items);
        left.extend(since(&self.state.tail.items));
        self.state.main = Arc::new(rebuilt.main);
        self.state.horizon = rebuilt.ended_before;
        self.state.delta = Arc::new(Shared::build(left.into_iter()));
        self.state.tail = Shared::default();
        self.recent.retain(|_, items| {
            items.retain(|item| item.serial >= rebuilt.serial);
            !items.is_empty()
        });
        self.publish();
        Ok(())
    }

    fn start_rebuild(&mut self, ended_before: i64) -> Rebuild {
        self.merge_tail();
        self.ended = Some(Vec::new());
        self.job += 1;
        Rebuild {
            main: Arc::clone(&self.state.main),
            delta: Arc::clone(&self.state.delta),
            serial: self.serial,
            ended_before,
            job: self.job,
        }
    }

    fn check(&self, stamp: Stamp) -> Result<(), IndexError> {
        if stamp.position < self.state.position {
            return Err(IndexError::OutOfOrder {
                got: stamp.position,
                last: self.state.position,
            });
        }
        Ok(())
    }

    fn heard(&mut self, stamp: Stamp) {
        self.state.position = stamp.position;
        self.state.timeline.push(stamp);
    }

    fn stands(&self, id: VolumeId) -> bool {
        let recent = |items: &Vec<Arc<Item>>| {
            items
                .iter()
                .any(|i| i.until.load(Ordering::Relaxed) == u64::MAX)
        };
        self.recent.get(&id).is_some_and(recent) || self.state.main.stands(id)
    }

    fn end(&mut self, id: VolumeId, position: u64) {
        for item in self.recent.get(&id).into_iter().flatten() {
            if item.until.load(Ordering::Relaxed) == u64::MAX {
                item.until.store(position, Ordering::Relaxed);
            }
        }
        self.state.main.end(id, position);
        if let Some(ended) = &mut self.ended {
            ended.push((id, position));
        }
    }

    fn add(&mut self, position: u64, id: VolumeId, volume: &Volume) {
        let items = Item::all_of(volume, id, position, self.serial);
        self.serial += 1;
        if self.state.tail.items.len() + 2 * items.len() > TAIL_MAX {
            self.merge_tail();
        }
        if items.len() * 2 > TAIL_MAX {
            let all = self.state.delta.items.iter().chain(&items);
            self.state.delta = Arc::new(Shared::build(distinct_of(all).into_iter()));
        } else {
            for item in &items {
                self.state.tail.push(item);
            }
        }
        self.recent.entry(id).or_default().extend(items);
    }

    fn merge_tail(&mut self) {
        if self.state.tail.items.is_empty() {
            return;
        }
        let all = distinct_of(self.state.delta.items.iter().chain(&self.state.tail.items));
        self.state.tail = Shared::default();
        if all.len() >= DELTA_LIMIT {
            self.pack(&all, self.state.horizon);
        } else {
            self.state.delta = Arc::new(Shared::build(all.into_iter()));
        }
    }

    /// Packs everything into the large tree, here and now. A rebuild under way becomes stale.
    fn pack(&mut self, items: &[Arc<Item>], ended_before: i64) {
        self.state.main = Arc::new(Packed::build(&self.state.main, items, ended_before));
        self.state.delta = Arc::default();
        self.state.tail = Shared::default();
        self.recent.clear();
        self.recent.shrink_to_fit();
        self.ended = None;
    }

    fn publish(&mut self) {
        self.current.store(Arc::new(self.state.clone()));
    }
}

fn distinct_of<'a>(items: impl Iterator<Item = &'a Arc<Item>>) -> Vec<Arc<Item>> {
    distinct(&items.cloned().collect::<Vec<_>>())
}
