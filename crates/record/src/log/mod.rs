//! A participant's own log: the one place where `say` writes.
//!
//! What is promised when, in these words everywhere: a statement is *received* when its signature was checked, *logged* when
//! its receipt is given (it is on the disk and under a signed checkpoint), *witnessed* when others cosigned such a checkpoint,
//! *applied* when the views have folded it.

mod admission;
mod open;
mod sequencer;

pub use admission::{Lane, Reading, Refused, Rules, SayError};
pub use open::{
    FatalHandler, Founding, HEAD, OpenError, Options, ReadOnly, create, own_heads, secret_file,
};
pub use sequencer::Edge;

use crate::audience;
use crate::c2sp::checkpoint::SignedCheckpoint;
use crate::c2sp::proof::Receipt as Proof;
use crate::c2sp::tile::TileHashes;
use crate::door::StoreTiles;
use crate::encoding::Hash;
use crate::keyring::KeyRing;
use crate::name::{LogId, Reference};
use crate::statement::Statement;
use crate::store::attachment::{self, AttachmentError};
use crate::store::sqlite::Reader;
use crate::store::{Store, StoreError};
use crate::time::{Clock, UtcMs};
pub(crate) use admission::attachment_names;
use sequencer::{Item, Queue};
use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

/// What a log takes on at once. Over a limit a statement is refused before its signature is checked.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Statements received and not yet logged, all keys together.
    pub in_flight_max: usize,
    /// The same, of one key: one flooding key leaves room for the others.
    pub in_flight_per_key_max: usize,
    /// Places kept free for the flash lane, of one key.
    pub flash_per_key_max: usize,
    /// Statements per commit.
    pub batch_max: usize,
    /// Bytes per attachment.
    pub attachment_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight_max: 4096,
            in_flight_per_key_max: 512,
            flash_per_key_max: 32,
            batch_max: 512,
            attachment_bytes_max: attachment::ATTACHMENT_BYTES_MAX,
        }
    }
}

/// What the author gets when a statement is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where it stands.
    pub reference: Reference,
    /// Size of the signed checkpoint that covers it.
    pub size: u64,
    /// Whether it stood there before: the same statement was sent again.
    pub already: bool,
}

/// The signed head of the log.
#[derive(Debug, Clone)]
pub struct Head {
    /// The checkpoint with the log's signatures.
    pub checkpoint: SignedCheckpoint,
    /// When it was signed.
    pub at: UtcMs,
}

impl Head {
    /// Entries under this head.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size()
    }
}

/// What all threads of a log share.
struct Shared {
    id: LogId,
    limits: Limits,
    clock: Arc<dyn Clock>,
    rules: Option<Arc<dyn Rules>>,
    reader: Reader,
    head: RwLock<Option<Arc<Head>>>,
    ring: RwLock<Arc<KeyRing>>,
    queue: Mutex<Queue>,
    wake: Condvar,
    in_flight: Mutex<InFlight>,
    read_only: RwLock<Option<ReadOnly>>,
}

#[derive(Default)]
struct InFlight {
    total: usize,
    by_key: HashMap<(Lane, crate::statement::Kid), usize>,
    signatures_checked: u64,
}

/// An open log.
pub struct Log {
    shared: Arc<Shared>,
    sequencer: Option<JoinHandle<()>>,
    /// Erase statements that a crash kept from being logged.
    unfinished: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T: Clone>(value: &RwLock<T>) -> T {
    value.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write<T>(value: &RwLock<T>, new: T) {
    *value.write().unwrap_or_else(PoisonError::into_inner) = new;
}

impl Log {
    /// Opens the log in `dir`. When its files contradict each other it opens read-only and [`Log::read_only`] says why.
    ///
    /// # Errors
    /// [`OpenError`] when another process has it or it cannot even be read.
    pub fn open(dir: &std::path::Path, options: Options) -> Result<Self, OpenError> {
        open::open(dir, options)
    }

    /// Opens the log in `dir` for reading, beside the process that writes it if there is one.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_to_read(dir: &std::path::Path, options: &Options) -> Result<Self, OpenError> {
        open::open_read_only(dir, ReadOnly::Asked, options)
    }

    /// Logs the erase statements whose bytes were destroyed just before a crash. Opening a log does it, unless it has
    /// [`Rules`]: these have to fold the log first, so whoever opens it asks for this when they have, before anything is said.
    pub fn finish_erasures(&self) {
        for statement in std::mem::take(&mut *lock(&self.unfinished)) {
            match self.say(&statement) {
                Ok(receipt) => {
                    tracing::info!(reference = %receipt.reference, "finished an erasure that a crash had interrupted")
                }
                Err(error) => {
                    tracing::error!(%error, "an erasure was carried out, but its statement cannot be logged any more")
                }
            }
        }
    }

    /// The log's identity.
    #[must_use]
    pub fn id(&self) -> &LogId {
        &self.shared.id
    }

    /// The time by this log's clock.
    #[must_use]
    pub fn now(&self) -> UtcMs {
        self.shared.clock.now()
    }

    /// Why nothing can be said here, if so.
    #[must_use]
    pub fn read_only(&self) -> Option<ReadOnly> {
        read(&self.shared.read_only)
    }

    /// The newest signed head; `None` only in a log that is read-only.
    #[must_use]
    pub fn head(&self) -> Option<Arc<Head>> {
        read(&self.shared.head)
    }

    /// The keys as of the newest head.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        read(&self.shared.ring)
    }

    /// The reading side of the store.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// How many signatures were checked since the log was opened: what is over a limit must not be among them.
    #[must_use]
    pub fn signatures_checked(&self) -> u64 {
        lock(&self.shared.in_flight).signatures_checked
    }

    /// Reads `compact` and submits it.
    pub fn submit(
        &self,
        compact: &str,
        lane: Lane,
        done: impl FnOnce(Result<Receipt, SayError>) + Send + 'static,
    ) {
        match Statement::parse(compact) {
            Ok(statement) => self.submit_read(&statement, lane, done),
            Err(error) => done(Err(error.into())),
        }
    }

    /// Checks `statement` in this thread, queues it, and calls `done` when it is logged or refused. Never waits for the disk.
    pub fn submit_read(
        &self,
        statement: &Statement,
        lane: Lane,
        done: impl FnOnce(Result<Receipt, SayError>) + Send + 'static,
    ) {
        match admission::prepare(&self.shared, statement, lane) {
            Ok(prepared) => self.enqueue(Item::Say(Box::new(prepared), Box::new(done)), lane),
            Err(error) => done(Err(error)),
        }
    }

    /// Says `compact` and waits for the receipt.
    ///
    /// # Errors
    /// [`SayError`] says what is wrong; nothing was written then.
    pub fn say(&self, compact: &str) -> Result<Receipt, SayError> {
        let (sender, receiver) = sync_channel(1);
        self.submit(compact, Lane::Routine, move |result| {
            let _ = sender.send(result);
        });
        receiver.recv().unwrap_or(Err(SayError::Stopped))
    }

    /// Encrypts an attachment into the store; a statement's content then names it in `attachments`.
    ///
    /// # Errors
    /// [`AttachmentError`]; [`AttachmentError::Store`] too when the log is read-only.
    pub fn attach(&self, source: &mut dyn Read) -> Result<Hash, AttachmentError> {
        if let Some(reason) = self.read_only() {
            return Err(StoreError::Damaged(reason.to_string()).into());
        }
        let (name, key) = attachment::write(
            self.shared.reader.dir(),
            source,
            self.shared.limits.attachment_bytes_max,
        )?;
        self.on_writer(move |store| store.stage_attachment(&name, &key))?;
        Ok(name)
    }

    /// Decrypts attachment `name` into `target`.
    ///
    /// # Errors
    /// [`AttachmentError`].
    pub fn attachment(
        &self,
        name: &Hash,
        target: &mut dyn std::io::Write,
    ) -> Result<(), AttachmentError> {
        let key = self
            .shared
            .reader
            .attachment_key(name)?
            .ok_or(AttachmentError::Absent(*name))?;
        attachment::read(self.shared.reader.dir(), name, &key, target)
    }

    /// Keeps the newest head, so that it can become public later. Returns its size.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_head(&self) -> Result<u64, StoreError> {
        let head = self
            .head()
            .ok_or(StoreError::Damaged("the log has no signed head".into()))?;
        self.keep(&head.checkpoint, head.at)?;
        Ok(head.size())
    }

    /// Adds witnesses' cosignatures to the kept head that they are for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_cosigned(&self, cosigned: &SignedCheckpoint, at: UtcMs) -> Result<(), StoreError> {
        self.keep(cosigned, at)
    }

    fn keep(&self, checkpoint: &SignedCheckpoint, at: UtcMs) -> Result<(), StoreError> {
        let head = checkpoint.clone();
        self.on_writer(move |store| store.keep_head(at.0, &head))
    }

    /// The statement at `index` with all that is held of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement(&self, index: u64) -> Result<Option<Statement>, StoreError> {
        match self.head() {
            Some(head) if index >= head.size() => Ok(None),
            _ => self.shared.reader.statement(index),
        }
    }

    /// The statement at `index` with only what `reader` may read of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement_for(
        &self,
        index: u64,
        reader: &audience::Reader,
    ) -> Result<Option<Statement>, StoreError> {
        let statement = self.statement(index)?;
        Ok(statement.map(|statement| statement.reduced(|_, group| group.audience.admits(reader))))
    }

    /// The proof that entry `index` stands under the newest head, for anybody to check offline.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when there is no such entry or its tiles are damaged.
    pub fn prove(&self, index: u64) -> Result<Proof, StoreError> {
        let head = self
            .head()
            .ok_or(StoreError::Damaged("the log has no signed head".into()))?;
        let tiles = StoreTiles::new(self.shared.reader.clone(), head.size());
        let hashes = TileHashes::new(&tiles, head.size());
        Proof::new(index, head.checkpoint.clone(), &hashes)
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// The root of this log's tree as of `size` entries.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a tile is missing.
    pub fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        let tiles = StoreTiles::new(self.shared.reader.clone(), size);
        let tree = crate::c2sp::tile::load_tree(&tiles, size);
        tree.map(|tree| tree.root())
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Runs `work` on the writing thread, between commits, and waits for it. When the store fails, the log stops.
    fn on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = sync_channel(1);
        let task = move |store: &mut dyn Store| {
            let _ = sender.send(work(store)?);
            Ok(())
        };
        self.enqueue(Item::Task(Box::new(task)), Lane::Routine);
        receiver
            .recv()
            .map_err(|_| StoreError::Damaged("the log has stopped".into()))
    }

    fn enqueue(&self, item: Item, lane: Lane) {
        let refused = lock(&self.shared.queue).push(item, lane);
        match refused {
            None => self.shared.wake.notify_one(),
            Some(item) => item.refuse(&self.shared),
        }
    }
}

impl Drop for Log {
    /// Waits until what is queued is logged.
    fn drop(&mut self) {
        lock(&self.shared.queue).close();
        self.shared.wake.notify_one();
        let sequencer = self.sequencer.take();
        // A receipt may be what held the log last: then this is its own thread, which ends by itself.
        let own = std::thread::current().id();
        if let Some(sequencer) = sequencer.filter(|other| other.thread().id() != own) {
            let _ = sequencer.join();
        }
    }
}
