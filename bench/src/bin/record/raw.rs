//! A log of leaves that nobody signed: what the sequencer does to the disk, without what it checks of a statement.

use bench::flow::Places;
use bench::{Failure, Outcome};
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::note::SignerKey;
use record::c2sp::tile::load_tree;
use record::c2sp::tree::{Tree, leaf_hash};
use record::door::StoreTiles;
use record::encoding::Hash;
use record::log::Edge;
use record::store::head::HeadFile;
use record::store::sqlite::{Place, Reader, SqliteStore};
use record::store::{NewEntry, Store};
use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Bytes per leaf: what the goals are about.
pub const LEAF_BYTES: usize = 1024;

/// A leaf, ready to be stored.
pub struct Raw {
    entry: NewEntry,
    hash: Hash,
}

impl Raw {
    /// Hashes `leaf` as the thread does that brings a statement.
    pub fn new(leaf: String, minute_s: i64) -> Self {
        Self {
            hash: leaf_hash(leaf.as_bytes()),
            entry: NewEntry {
                signing: Hash::of(&[leaf.as_bytes()]),
                leaf: leaf.into_bytes(),
                minute_s,
                disclosures: Vec::new(),
                object: None,
                control: false,
                attachments: Vec::new(),
            },
        }
    }
}

/// Texts of [`LEAF_BYTES`] characters that do not repeat themselves (xorshift).
pub struct Texts(u64);

impl Texts {
    /// The series that `seed` begins.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number of the series.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

impl Iterator for Texts {
    type Item = String;
    fn next(&mut self) -> Option<String> {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::with_capacity(LEAF_BYTES);
        while text.len() < LEAF_BYTES {
            for byte in self.number().to_le_bytes() {
                text.push(char::from(ALPHABET[usize::from(byte % 64)]));
            }
        }
        Some(text)
    }
}

/// An open log: the sequencer's files and tree.
pub struct RawLog {
    store: SqliteStore,
    head_file: HeadFile,
    tree: Tree,
    edge: Edge,
    origin: String,
    signer: SignerKey,
}

impl RawLog {
    /// Opens the founded log in `dir`.
    pub fn open(dir: &Path, origin: &str, signer: SignerKey) -> Outcome<Self> {
        let place = Place {
            dir: dir.to_owned(),
            vfs: None,
        };
        let head_file = HeadFile::open(&dir.join("head"))?;
        let store = SqliteStore::open(&place)?;
        let size = store.len()?;
        let tiles = StoreTiles::new(Reader::open(&place)?, size);
        Ok(Self {
            tree: load_tree(&tiles, size)?,
            edge: Edge::load(&tiles, size)?,
            store,
            head_file,
            origin: origin.to_owned(),
            signer,
        })
    }

    /// Entries.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Appends in the sequencer's order: refuse what is there already, store, sync, sign the head, sync the head file.
    pub fn append(&mut self, batch: Vec<Raw>) -> Outcome {
        let mut fresh = HashSet::with_capacity(batch.len());
        let (mut entries, mut hashes) = (
            Vec::with_capacity(batch.len()),
            Vec::with_capacity(batch.len()),
        );
        for Raw { entry, hash } in batch {
            let known = self.store.find(entry.minute_s, &entry.signing)?;
            if known.is_some() || !fresh.insert(entry.signing) {
                return Err("a leaf repeats itself".into());
            }
            entries.push(entry);
            hashes.push(hash);
        }
        let first = self.tree.size();
        let tiles = self.edge.grow(first, &hashes)?;
        self.store.append(first, &entries, &tiles)?;
        for hash in hashes {
            self.tree.append(hash);
        }
        let head = Checkpoint::new(&self.origin, self.tree.size(), self.tree.root())?;
        let head = SignedCheckpoint::sign(head, &[&self.signer])?;
        self.head_file.write(&head.to_string())?;
        Ok(())
    }

    /// Empties the write-ahead logs into the databases.
    pub fn flush(&mut self) -> Outcome {
        Ok(self.store.flush_logs()?)
    }

    /// Appends `leaves` with `writers` of them in flight, brought by `threads` threads. How many in a second.
    pub fn flood(
        &mut self,
        leaves: Vec<String>,
        minute_s: i64,
        writers: usize,
        threads: usize,
        batch_max: usize,
    ) -> Outcome<f64> {
        let count = leaves.len();
        let queue = Queue::default();
        let places = Places::new(writers);
        let source = Mutex::new(leaves.into_iter());
        let next = || source.lock().unwrap_or_else(PoisonError::into_inner).next();
        let from = Instant::now();
        std::thread::scope(|scope| -> Outcome {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(leaf) = next() {
                        places.enter();
                        queue.push(Raw::new(leaf, minute_s));
                    }
                });
            }
            let mut logged = 0;
            let mut failed: Option<Failure> = None;
            while logged < count {
                let batch = queue.take(batch_max);
                let size = batch.len();
                if failed.is_none() {
                    failed = self.append(batch).err();
                }
                logged += size;
                for _ in 0..size {
                    places.leave();
                }
            }
            failed.map_or(Ok(()), Err)
        })?;
        Ok(count as f64 / from.elapsed().as_secs_f64())
    }
}

/// What waits for the next batch.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Raw>>,
    wake: Condvar,
}

impl Queue {
    fn push(&self, raw: Raw) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(raw);
        self.wake.notify_one();
    }

    fn take(&self, max: usize) -> Vec<Raw> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.is_empty() {
            waiting = self
                .wake
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let size = waiting.len().min(max);
        waiting.drain(..size).collect()
    }
}
