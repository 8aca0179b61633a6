//! The one thread that gives indices: it commits when it is idle, and what came in meanwhile is the next batch. No timer.
//!
//! Order of a commit, which is the order of its promises: database sync, signature, head file sync, publish, receipts.

use super::admission::{Erase, Lane, Prepared, SayError};
use super::open::{FatalHandler, ReadOnly};
use super::{Head, Receipt, Shared, lock, write};
use crate::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::c2sp::note::SignerKey;
use crate::c2sp::tile::{self, Content, TileId};
use crate::c2sp::tree::Tree;
use crate::encoding::Hash;
use crate::keyring::KeyRing;
use crate::name::Reference;
use crate::store::head::HeadFile;
use crate::store::{NewEntry, NewTile, ObjectKey, Store, StoreError};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

pub(super) type Done = Box<dyn FnOnce(Result<Receipt, SayError>) + Send>;
pub(super) type Task = Box<dyn FnOnce(&mut dyn Store) -> Result<(), StoreError> + Send>;

pub(super) enum Item {
    Say(Box<Prepared>, Done),
    Task(Task),
}

impl Item {
    /// Answers what cannot be taken any more.
    pub(super) fn refuse(self, shared: &Shared) {
        if let Self::Say(_, done) = self {
            done(Err(
                super::read(&shared.read_only).map_or(SayError::Stopped, SayError::ReadOnly)
            ));
        }
    }
}

/// What waits to be committed. Its length is bounded by the permits that each statement holds.
#[derive(Default)]
pub(super) struct Queue {
    flash: VecDeque<Item>,
    routine: VecDeque<Item>,
    closed: bool,
}

impl Queue {
    pub(super) fn push(&mut self, item: Item, lane: Lane) -> Option<Item> {
        if self.closed {
            return Some(item);
        }
        match lane {
            Lane::Flash => self.flash.push_back(item),
            Lane::Routine => self.routine.push_back(item),
        }
        None
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    fn is_empty(&self) -> bool {
        self.flash.is_empty() && self.routine.is_empty()
    }

    fn take(&mut self, max: usize) -> Vec<Item> {
        let flash = self.flash.len().min(max);
        let routine = self.routine.len().min(max - flash);
        self.flash
            .drain(..flash)
            .chain(self.routine.drain(..routine))
            .collect()
    }

    fn take_all(&mut self) -> Vec<Item> {
        self.flash.drain(..).chain(self.routine.drain(..)).collect()
    }
}

/// The edge of the tree: per level the tile that is not full yet.
#[derive(Default)]
pub struct Edge(HashMap<u8, (u64, Vec<u8>)>);

impl Edge {
    /// Reads the edge of a tree of `size` entries.
    ///
    /// # Errors
    /// [`tile::TileError`] names the tile that is missing.
    pub fn load(tiles: &impl tile::TileReader, size: u64) -> Result<Self, tile::TileError> {
        let mut edge = Self::default();
        for level in 0..8_u8 {
            let hashes = size >> (8 * u32::from(level));
            let width = u16::try_from(hashes % 256).unwrap_or(0);
            if width > 0 {
                let id = TileId::hashes(level, hashes / 256, width)?;
                let bytes = tiles.tile(id).ok_or(tile::TileError::Missing { id })?;
                edge.0.insert(level, (hashes / 256, bytes));
            }
        }
        Ok(edge)
    }

    /// Appends leaf hashes to the tree of `size` entries and returns the tiles to store.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when this is not the edge of a tree of `size` entries.
    pub fn grow(&mut self, size: u64, leaves: &[Hash]) -> Result<Vec<NewTile>, StoreError> {
        let partial = |id: TileId| match id.content() {
            Content::Hashes(level) => self.0.get(&level).map(|(_, bytes)| bytes.clone()),
            Content::Entries => None,
        };
        let grown = tile::grow(&partial, size, leaves)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut stored = Vec::new();
        for (id, hashes) in grown {
            let Content::Hashes(level) = id.content() else {
                continue;
            };
            if id.is_partial() {
                self.0.insert(level, (id.index(), hashes.clone()));
            } else {
                self.0.remove(&level);
            }
            // A partial tile of leaf hashes is made from the leaves when it is asked for; above, it would cost too much.
            if level > 0 || !id.is_partial() {
                let index = id.index();
                stored.push(NewTile {
                    level,
                    index,
                    hashes,
                });
            }
        }
        Ok(stored)
    }
}

pub(super) struct Sequencer {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Box<dyn Store>,
    pub(super) head_file: HeadFile,
    pub(super) tree: Tree,
    pub(super) edge: Edge,
    pub(super) ring: KeyRing,
    pub(super) signers: Vec<SignerKey>,
    pub(super) on_fatal: FatalHandler,
    pub(super) keep_heads_every_ms: i64,
    pub(super) last_kept_ms: i64,
}

/// A statement that has its index in the batch.
struct Placed {
    prepared: Prepared,
    done: Done,
    index: u64,
}

/// An answer that waits for the batch's commit: a statement that was sent twice within one batch.
struct Repeated {
    done: Done,
    reference: Reference,
}

impl Sequencer {
    pub(super) fn run(mut self) {
        loop {
            let batch = {
                let mut queue = lock(&self.shared.queue);
                while queue.is_empty() && !queue.closed {
                    queue = self
                        .shared
                        .wake
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                queue.take(self.shared.limits.batch_max)
            };
            if batch.is_empty() {
                return;
            }
            if let Err(error) = self.commit(batch) {
                self.stop(&error);
                return;
            }
        }
    }

    /// Nothing is known of the disk any more: acknowledge nothing, and end.
    fn stop(&self, error: &StoreError) {
        let reason = ReadOnly::Failed(error.to_string());
        write(&self.shared.read_only, Some(reason));
        let left = {
            let mut queue = lock(&self.shared.queue);
            queue.close();
            queue.take_all()
        };
        for item in left {
            item.refuse(&self.shared);
        }
        (self.on_fatal)(error);
    }

    fn commit(&mut self, batch: Vec<Item>) -> Result<(), StoreError> {
        let mut placed: Vec<Placed> = Vec::with_capacity(batch.len());
        let mut repeated = Vec::new();
        for item in batch {
            match item {
                Item::Task(task) => {
                    task(self.store.as_mut())?; // protects: a_day_on_a_failing_disk_ends_at_the_first_fault
                }
                Item::Say(mut prepared, done) => {
                    if let Some(erase) = prepared.erase.take() {
                        self.append(std::mem::take(&mut placed), std::mem::take(&mut repeated))?;
                        self.erase(*prepared, done, &erase)?;
                    } else {
                        self.place(*prepared, done, &mut placed, &mut repeated)?;
                    }
                }
            }
        }
        self.append(placed, repeated)
    }

    /// Gives the statement its index, or answers it.
    fn place(
        &mut self,
        mut prepared: Prepared,
        done: Done,
        placed: &mut Vec<Placed>,
        repeated: &mut Vec<Repeated>,
    ) -> Result<(), StoreError> {
        if let Some(index) = self
            .store
            .find(prepared.entry.minute_s, &prepared.entry.signing)?
        {
            let reference = self.reference(index, self.logged_hash(index)?);
            drop(prepared); // its place is free before its author can use it again
            done(Ok(self.receipt(reference, true)));
            return Ok(());
        }
        let same = |p: &&Placed| p.prepared.entry.signing == prepared.entry.signing;
        if let Some(earlier) = placed.iter().find(same) {
            let reference = self.reference(earlier.index, earlier.prepared.leaf_hash);
            repeated.push(Repeated { done, reference });
            return Ok(());
        }
        let index = self.tree.size() + placed.len() as u64;
        match self.admit(&mut prepared, index, placed)? {
            Ok(()) => placed.push(Placed {
                prepared,
                done,
                index,
            }),
            Err(error) => {
                drop(prepared);
                done(Err(error));
            }
        }
        Ok(())
    }

    /// The rules that need the exact index. The outer error is the store's.
    fn admit(
        &mut self,
        prepared: &mut Prepared,
        index: u64,
        placed: &[Placed],
    ) -> Result<Result<(), SayError>, StoreError> {
        if let Err(error) = self.follows(prepared, placed)? {
            return Ok(Err(error));
        }
        if let Err(why) = self.ring.judge(&prepared.leaf, index) {
            return Ok(Err(why.into()));
        }
        let before = prepared.leaf.control().map(|_| self.ring.clone());
        if before.is_some()
            && let Err(why) = self.ring.admit(&prepared.leaf, index)
        {
            return Ok(Err(why.into()));
        }
        let admitted = if before.is_some() && self.valid_signers(index + 1).is_empty() {
            Err(SayError::LastLogKey)
        } else {
            let reading = prepared.reading.take();
            reading.map_or(Ok(()), |reading| {
                reading.admit(index).map_err(SayError::from)
            })
        };
        if let (Err(_), Some(before)) = (&admitted, before) {
            self.ring = before;
        }
        Ok(admitted)
    }

    /// Whether `prev` is what the author last said about the object.
    fn follows(
        &self,
        prepared: &Prepared,
        placed: &[Placed],
    ) -> Result<Result<(), SayError>, StoreError> {
        let (Some(prev), Some(object)) = (&prepared.prev, &prepared.object) else {
            return Ok(Ok(()));
        };
        let last = self.last_about(object, placed)?;
        let matches = last.as_ref().is_some_and(|last| last == prev);
        if matches {
            return Ok(Ok(()));
        }
        Ok(Err(SayError::Prev {
            named: prev.index,
            last: last.map_or_else(|| "none of this log".into(), |last| last.to_string()),
        }))
    }

    /// This log's last statement about `object`; the object itself when it is of this log and nothing followed.
    fn last_about(
        &self,
        object: &Reference,
        placed: &[Placed],
    ) -> Result<Option<Reference>, StoreError> {
        let in_batch = placed
            .iter()
            .rev()
            .find(|p| p.prepared.object.as_ref() == Some(object));
        if let Some(last) = in_batch {
            return Ok(Some(self.reference(last.index, last.prepared.leaf_hash)));
        }
        if let Some(index) = self.store.last_about(ObjectKey::from(object))? {
            return Ok(Some(self.reference(index, self.logged_hash(index)?)));
        }
        Ok((object.origin == self.shared.id.origin).then(|| object.clone()))
    }

    fn erase(&mut self, prepared: Prepared, done: Done, erase: &Erase) -> Result<(), StoreError> {
        let (minute_s, signing) = (prepared.entry.minute_s, prepared.entry.signing);
        let (mut placed, mut repeated) = (Vec::new(), Vec::new());
        self.place(prepared, done, &mut placed, &mut repeated)?;
        let Some(one) = placed.pop() else {
            // It was refused, or it stood there before a crash that came before this was noted.
            if let Some(by) = self.store.find(minute_s, &signing)? {
                self.store.erased(&erase.statement, by)?; // protects: an_interrupted_erasure_is_finished_at_the_next_start
            }
            return Ok(());
        };
        match self
            .store
            .erase(erase.index, &erase.slots, &erase.statement)
        {
            Err(error @ StoreError::Busy(_)) => {
                (one.done)(Err(SayError::Store(error)));
                return Ok(());
            }
            other => other?,
        }
        let by = one.index;
        self.append(vec![one], Vec::new())?;
        self.store.erased(&erase.statement, by)
    }

    fn append(&mut self, placed: Vec<Placed>, repeated: Vec<Repeated>) -> Result<(), StoreError> {
        if placed.is_empty() {
            return Ok(());
        }
        let first = self.tree.size();
        let (mut entries, mut answers) = (
            Vec::with_capacity(placed.len()),
            Vec::with_capacity(placed.len()),
        );
        let mut permits = Vec::with_capacity(placed.len());
        let mut hashes = Vec::with_capacity(placed.len());
        let mut control = false;
        for Placed {
            prepared,
            done,
            index,
        } in placed
        {
            control |= prepared.entry.control;
            hashes.push(prepared.leaf_hash);
            answers.push((done, self.reference(index, prepared.leaf_hash)));
            let (entry, permit) = prepared.into_entry();
            entries.push(entry);
            permits.push(permit);
        }
        self.store_and_sign(first, &entries, &hashes)?;
        if control {
            write(&self.shared.ring, Arc::new(self.ring.clone()));
        }
        drop(permits);
        for (done, reference) in answers {
            done(Ok(self.receipt(reference, false)));
        }
        for Repeated { done, reference } in repeated {
            done(Ok(self.receipt(reference, true)));
        }
        self.keep_head_when_due()
    }

    fn store_and_sign(
        &mut self,
        first: u64,
        entries: &[NewEntry],
        hashes: &[Hash],
    ) -> Result<(), StoreError> {
        let tiles = self.edge.grow(first, hashes)?;
        self.store.append(first, entries, &tiles)?; // protects: kill_9_at_any_write_or_sync_loses_nothing_acknowledged
        for hash in hashes {
            self.tree.append(*hash);
        }
        self.sign_head()
    }

    /// Signs the tree as it is, makes that durable, and publishes it.
    pub(super) fn sign_head(&mut self) -> Result<(), StoreError> {
        let size = self.tree.size();
        let damaged = |error: crate::c2sp::checkpoint::CheckpointError| {
            StoreError::Damaged(error.to_string())
        };
        let checkpoint = Checkpoint::new(self.shared.id.origin.as_str(), size, self.tree.root())
            .map_err(damaged)?;
        let checkpoint =
            SignedCheckpoint::sign(checkpoint, &self.valid_signers(size)).map_err(damaged)?;
        self.head_file.write(&checkpoint.to_string())?; // protects: kill_9_at_any_write_or_sync_loses_nothing_acknowledged
        let at = self.shared.clock.now();
        write(&self.shared.head, Some(Arc::new(Head { checkpoint, at })));
        Ok(())
    }

    /// The signers that this node holds and that count for a checkpoint of `size`.
    fn valid_signers(&self, size: u64) -> Vec<&SignerKey> {
        let valid = self.ring.log_keys(size);
        self.signers
            .iter()
            .filter(|signer| valid.contains(&signer.verifier().to_string().as_str()))
            .collect()
    }

    fn keep_head_when_due(&mut self) -> Result<(), StoreError> {
        let Some(head) = super::read(&self.shared.head) else {
            return Ok(());
        };
        // A clock that was set back makes the next head due at once rather than never.
        if (head.at.0 - self.last_kept_ms).unsigned_abs() < self.keep_heads_every_ms.unsigned_abs()
        {
            return Ok(());
        }
        self.last_kept_ms = head.at.0;
        self.store.keep_head(head.at.0, &head.checkpoint)
    }

    fn logged_hash(&self, index: u64) -> Result<Hash, StoreError> {
        let leaf = self.shared.reader.leaf(index)?;
        let leaf = leaf.ok_or_else(|| StoreError::Damaged(format!("entry {index} is missing")))?;
        Ok(crate::c2sp::tree::leaf_hash(&leaf))
    }

    fn reference(&self, index: u64, leaf: Hash) -> Reference {
        Reference {
            origin: self.shared.id.origin.clone(),
            index,
            leaf,
        }
    }

    fn receipt(&self, reference: Reference, already: bool) -> Receipt {
        Receipt {
            reference,
            size: self.tree.size(),
            already,
        }
    }
}
