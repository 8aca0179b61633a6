//! Founding a log, and opening one: deciding from the head file, the database and what peers saw whether this node may sign.

use super::sequencer::{Edge, Queue, Sequencer};
use super::{Head, InFlight, Limits, Log, Rules, Shared, lock, write};
use crate::c2sp::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::c2sp::note::{SignerKey, VerifierKey};
use crate::c2sp::tile::load_tree;
use crate::c2sp::tree::{Tree, leaf_hash};
use crate::door::StoreTiles;
use crate::key::{PublicKey, SecretKey};
use crate::keyring::{ControlError, KeyRing};
use crate::name::{CallSign, LogId, Origin};
use crate::statement::{Kid, Leaf, Statement, StatementError};
use crate::store::head::{HeadError, HeadFile, Medium};
use crate::store::sqlite::{KEYS, Place, RECORD, Reader, SqliteStore};
use crate::store::{NewEntry, Store, StoreError, attachment, file_error};
use crate::time::{Clock, SystemClock};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, RwLock};

/// The head file's name.
pub const HEAD: &str = "head";

/// Called when the store failed. It must end the process: what is on the disk is unknown until it is read again.
pub type FatalHandler = Box<dyn Fn(&StoreError) + Send>;

/// How to open a log.
pub struct Options {
    /// The private log keys that this node holds. Without one that is valid the log is read-only.
    pub signers: Vec<SignerKey>,
    /// What the log takes on at once.
    pub limits: Limits,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What may be said in this log; without rules, whatever the record itself allows. With them, ask for
    /// [`Log::finish_erasures`] when they know the log.
    pub rules: Option<Arc<dyn Rules>>,
    /// What to do when the store failed.
    pub on_fatal: FatalHandler,
    /// Heads of this log that peers hold: none may be larger than ours, or differ.
    pub peer_heads: Vec<SignedCheckpoint>,
    /// How often a head is kept that may become public, in milliseconds: the cadence at which outsiders see the log grow.
    pub keep_heads_every_ms: i64,
    /// The VFS that SQLite writes through; only tests that lose writes name one.
    pub vfs: Option<&'static str>,
    /// What lies under the head file; only tests that lose writes give one.
    pub head_medium: Option<fn(File) -> Box<dyn Medium>>,
}

impl Options {
    /// The usual way: the system's clock, default limits; a failed store ends the process.
    #[must_use]
    pub fn new(signers: Vec<SignerKey>) -> Self {
        Self {
            signers,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            rules: None,
            on_fatal: Box::new(end_the_process),
            peer_heads: Vec::new(),
            keep_heads_every_ms: 1000,
            vfs: None,
            head_medium: None,
        }
    }
}

/// Exit status after a failed write or sync (`EX_IOERR`).
const EXIT_IO: i32 = 74;

fn end_the_process(error: &StoreError) {
    tracing::error!(%error, "the store failed; the process ends and nothing more is acknowledged");
    let _ = writeln!(
        std::io::stderr(),
        "truceline: the disk failed: {error}\n  Nothing more is acknowledged. What has a receipt is safe; say the rest again after the restart."
    );
    std::process::exit(EXIT_IO);
}

/// Why a log takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadOnly {
    /// No head file.
    #[error(
        "read-only: the head file is missing. Restore it, or run `truceline log repair --from MIRROR` with the newest head that a peer holds"
    )]
    HeadMissing,
    /// The head file holds no whole note.
    #[error(
        "read-only: the head file is damaged. Restore it, or run `truceline log repair --from MIRROR` with the newest head that a peer holds"
    )]
    HeadDamaged,
    /// The database lost entries that were acknowledged.
    #[error(
        "read-only: the database ends at entry {database}, but {size} entries were signed. Restore a newer copy, or run `truceline log repair --from MIRROR`"
    )]
    DatabaseBehind {
        /// Entries in the database.
        database: u64,
        /// Entries signed.
        size: u64,
    },
    /// The database holds other entries than were signed.
    #[error(
        "read-only: the database does not hash to the signed head of {size} entries. Run `truceline audit` to find the bad entry and `truceline log repair --from MIRROR`"
    )]
    OtherRoot {
        /// Entries signed.
        size: u64,
    },
    /// Entries that no head covers are incomplete, and a newer head may have been lost.
    #[error(
        "read-only: entry {0} has lost its keys and one slot of the head file is damaged, so it may have been acknowledged. Restore keys.db"
    )]
    TailDamaged(u64),
    /// A peer saw more of this log than is here: this machine was set back.
    #[error(
        "read-only: a peer holds a signed head of this log with {seen} entries, here are {size}: this machine was set back. Run `truceline log repair --from MIRROR` before anything is signed"
    )]
    PeerAhead {
        /// What the peer saw.
        seen: u64,
        /// What is here.
        size: u64,
    },
    /// A peer holds a signed head of this log with other entries.
    #[error(
        "read-only: a peer holds a signed head of {size} entries that is not a part of this log: the log was forked. Keep both heads as evidence and found a new log"
    )]
    Forked {
        /// The size of the peer's head.
        size: u64,
    },
    /// This node holds no log key that is valid now.
    #[error("read-only: this node holds no valid log key")]
    NoLogKey,
    /// Opened so on purpose.
    #[error("read-only: the log was opened for reading")]
    Asked,
    /// A write or sync failed while it ran.
    #[error(
        "the log has stopped because the disk failed: {0}. Restart it when the disk is sound; what has a receipt is safe"
    )]
    Failed(String),
}

/// Why a log cannot be opened or founded at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The head file.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Entry 0 is not the founding of a log.
    #[error("entry 0: {0}")]
    Founding(#[from] ControlError),
    /// Entry 0 or another control statement is malformed.
    #[error("a control statement is malformed: {0}")]
    Statement(#[from] StatementError),
    /// A head is malformed.
    #[error("the head: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// There is something already where a log should be founded.
    #[error("{}: there is a log already; found another one in a new directory", .0.display())]
    NotEmpty(PathBuf),
    /// Founding was interrupted.
    #[error("{}: founding this log was interrupted before anything could be said; delete the directory and found it again", .0.display())]
    NotFounded(PathBuf),
}

/// What entry 0 declares.
pub struct Founding<'k> {
    /// The participant's call sign.
    pub call_sign: CallSign,
    /// The log's origin.
    pub origin: Origin,
    /// Signs control statements.
    pub admin: &'k SecretKey,
    /// Kept offline.
    pub recovery: PublicKey,
    /// Signs heads.
    pub log_key: &'k SignerKey,
    /// Further members of the declaration, such as the participant's names in its languages.
    pub more: Map<String, Value>,
}

/// Founds a log in `dir`, where none may be yet, and returns its identity.
///
/// # Errors
/// [`OpenError`].
pub fn create(dir: &Path, founding: &Founding<'_>, clock: &dyn Clock) -> Result<LogId, OpenError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(file_error(dir))?;
    if [HEAD, RECORD, KEYS, "attachments"]
        .iter()
        .any(|name| dir.join(name).exists())
    {
        return Err(OpenError::NotEmpty(dir.to_owned()));
    }
    let mut body = founding.more.clone();
    body.insert("callsign".into(), founding.call_sign.to_string().into());
    body.insert("admin".into(), founding.admin.public().to_jwk());
    body.insert("recovery".into(), founding.recovery.to_jwk());
    body.insert(
        "log_key".into(),
        founding.log_key.verifier().to_string().into(),
    );
    let unfounded = LogId {
        origin: founding.origin.clone(),
        entry0: None,
    };
    let kind = "participant.declare/1"
        .parse()
        .map_err(|_| ControlError::Place("kind"))?;
    let entry0 = Statement::sign_control(
        kind,
        body,
        founding.admin,
        Kid::Index(0),
        &unfounded,
        clock.now(),
    )?;
    KeyRing::declare(entry0.leaf())?;

    let attachments = dir.join("attachments");
    std::fs::create_dir(&attachments).map_err(file_error(&attachments))?;
    let place = Place::new(dir);
    let mut store = SqliteStore::create(&place)?;
    let mut head_file = HeadFile::create(&dir.join(HEAD))?;
    let leaf = entry0.leaf();
    let entry = NewEntry {
        leaf: leaf.text().into(),
        minute_s: leaf.minute_s,
        signing: leaf.signing_hash(),
        disclosures: Vec::new(),
        object: None,
        control: true,
        attachments: Vec::new(),
    };
    store.append(0, &[entry], &[])?;
    let mut tree = Tree::new();
    tree.append(leaf.hash());
    let head = Checkpoint::new(founding.origin.as_str(), 1, tree.root())?;
    head_file.write(&SignedCheckpoint::sign(head, &[founding.log_key])?.to_string())?;
    Ok(LogId::new(founding.origin.clone(), leaf.hash()))
}

fn shared(
    id: &LogId,
    reader: &Reader,
    ring: &KeyRing,
    head: Option<Head>,
    options: &Options,
) -> Shared {
    Shared {
        id: id.clone(),
        limits: options.limits.clone(),
        clock: Arc::clone(&options.clock),
        rules: options.rules.clone(),
        reader: reader.clone(),
        head: RwLock::new(head.map(Arc::new)),
        ring: RwLock::new(Arc::new(ring.clone())),
        queue: Mutex::new(Queue::default()),
        wake: Condvar::new(),
        in_flight: Mutex::new(InFlight::default()),
        read_only: RwLock::new(None),
    }
}

/// Opens the log in `dir` for reading only, beside whoever writes it.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open_read_only(
    dir: &Path,
    reason: ReadOnly,
    options: &Options,
) -> Result<Log, OpenError> {
    let place = Place {
        dir: dir.to_owned(),
        vfs: options.vfs,
    };
    let reader = Reader::open(&place)?;
    let (id, ring) = identity(&reader, dir, u64::MAX)?;
    let note = HeadFile::peek(&dir.join(HEAD));
    let head = match note {
        Some(note) => Some(Head {
            checkpoint: SignedCheckpoint::parse(note.as_bytes())?,
            at: options.clock.now(),
        }),
        None => None,
    };
    // In a log whose files contradict each other no head is shown: nothing of it can be vouched for.
    let shown = head.filter(|_| reason == ReadOnly::Asked);
    let shared = shared(&id, &reader, &ring, shown, options);
    write(&shared.read_only, Some(reason));
    lock(&shared.queue).close();
    Ok(Log {
        shared: Arc::new(shared),
        sequencer: None,
        unfinished: Mutex::default(),
    })
}

/// The log's identity and keys from its control statements.
fn identity(reader: &Reader, dir: &Path, size: u64) -> Result<(LogId, KeyRing), OpenError> {
    let mut indices = reader.control_indices(size)?.into_iter();
    let founded = indices.next() == Some(0);
    let entry0 = reader.leaf(0)?.filter(|_| founded);
    let entry0 = entry0.ok_or_else(|| OpenError::NotFounded(dir.to_owned()))?;
    let leaf0 = Leaf::from_bytes(&entry0)?;
    let mut ring = KeyRing::declare(&leaf0)?;
    for index in indices {
        let text = reader.leaf(index)?;
        let text = text.ok_or_else(|| StoreError::Damaged(format!("entry {index} is missing")))?;
        ring.observe(&Leaf::from_bytes(&text)?, index);
    }
    Ok((
        LogId::new(leaf0.log.origin.clone(), leaf_hash(&entry0)),
        ring,
    ))
}

pub(super) fn open(dir: &Path, options: Options) -> Result<Log, OpenError> {
    let path = dir.join(HEAD);
    let head_file = match HeadFile::open(&path) {
        Err(HeadError::Missing(_)) => return open_read_only(dir, ReadOnly::HeadMissing, &options), // protects: a_missing_or_damaged_head_makes_the_log_read_only
        other => other?,
    };
    let head_file = match options.head_medium {
        Some(medium) => head_file.under(medium)?,
        None => head_file,
    };
    let Some(note) = head_file.note().map(str::to_owned) else {
        return without_note(dir, &head_file, &options);
    };
    let place = Place {
        dir: dir.to_owned(),
        vfs: options.vfs,
    };
    let mut store = SqliteStore::open(&place)?;
    let reader = Reader::open(&place)?;
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())?;
    let size = checkpoint.checkpoint().size();
    let opened = decide(&mut store, &reader, &checkpoint, &head_file, &options)?;
    if let Some(reason) = opened {
        drop((store, head_file));
        return open_read_only(dir, reason, &options);
    }
    let left = attachment::remove_partial(dir)?;
    if left > 0 {
        tracing::info!(
            left,
            "removed attachments that a killed process left half written"
        );
    }
    let database = store.len()?;
    let (id, ring) = identity(&reader, dir, u64::MAX)?;
    let tiles = StoreTiles::new(reader.clone(), database);
    let damaged = |error: crate::c2sp::tile::TileError| StoreError::Damaged(error.to_string());
    let tree = load_tree(&tiles, database).map_err(damaged)?;
    let edge = Edge::load(&tiles, database).map_err(damaged)?;
    if !holds_valid_signer(&ring, &options.signers, database) {
        drop((store, head_file));
        return open_read_only(dir, ReadOnly::NoLogKey, &options);
    }
    let at = options.clock.now();
    let shared = Arc::new(shared(
        &id,
        &reader,
        &ring,
        Some(Head { checkpoint, at }),
        &options,
    ));
    let unfinished = store.unfinished_erasures()?;
    let ruled = options.rules.is_some();
    let mut sequencer = Sequencer {
        shared: Arc::clone(&shared),
        store: Box::new(store),
        head_file,
        tree,
        edge,
        ring,
        signers: options.signers,
        on_fatal: options.on_fatal,
        keep_heads_every_ms: options.keep_heads_every_ms,
        last_kept_ms: i64::MIN / 2,
    };
    if database > size {
        sequencer.sign_head()?; // the tail was on the disk but under no head: it is whole, so it is kept
    }
    let thread = std::thread::Builder::new().name("sequencer".into());
    let running = thread
        .spawn(move || sequencer.run())
        .map_err(file_error(dir))?;
    let log = Log {
        shared,
        sequencer: Some(running),
        unfinished: Mutex::new(unfinished),
    };
    if !ruled {
        log.finish_erasures();
    }
    Ok(log)
}

/// The head file holds no note: it was damaged, or founding the log was interrupted just before its first head.
fn without_note(dir: &Path, head_file: &HeadFile, options: &Options) -> Result<Log, OpenError> {
    if !head_file.torn() {
        let place = Place {
            dir: dir.to_owned(),
            vfs: options.vfs,
        };
        if Reader::open(&place)?.leaf(1)?.is_none() {
            return Err(OpenError::NotFounded(dir.to_owned()));
        }
    }
    open_read_only(dir, ReadOnly::HeadDamaged, options)
}

fn holds_valid_signer(ring: &KeyRing, signers: &[SignerKey], size: u64) -> bool {
    let valid = ring.log_keys(size);
    signers
        .iter()
        .any(|signer| valid.contains(&signer.verifier().to_string().as_str()))
}

/// Whether the head is a prefix of the database, and no peer knows better. `None`: this node may sign.
fn decide(
    store: &mut SqliteStore,
    reader: &Reader,
    checkpoint: &SignedCheckpoint,
    head_file: &HeadFile,
    options: &Options,
) -> Result<Option<ReadOnly>, OpenError> {
    let (size, root) = (
        checkpoint.checkpoint().size(),
        *checkpoint.checkpoint().root(),
    );
    let database = store.len()?;
    let (id, ring) = identity(reader, reader.dir(), size)?;
    if own_heads(&ring, &id, &[checkpoint.to_string().into_bytes()]).is_empty() {
        return Ok(Some(ReadOnly::HeadDamaged)); // protects: a_head_that_our_keys_did_not_sign_is_not_believed
    }
    if database < size {
        return Ok(Some(ReadOnly::DatabaseBehind { database, size })); // protects: a_database_that_was_set_back_makes_the_log_read_only
    }
    if root_at(reader, size) != Some(root) {
        return Ok(Some(ReadOnly::OtherRoot { size })); // protects: a_database_with_another_root_makes_the_log_read_only
    }
    let first_bad = first_incomplete(reader, size, database)?;
    if let Some(first_bad) = first_bad.filter(|_| head_file.torn()) {
        return Ok(Some(ReadOnly::TailDamaged(first_bad)));
    } // protects: nothing_is_dropped_while_a_newer_head_may_have_been_lost
    // Peers are asked before anything is dropped: what one of them saw signed is kept for the repair.
    let database = first_bad.unwrap_or(database);
    for peer in &options.peer_heads {
        let seen = peer.checkpoint().size();
        if seen > database {
            return Ok(Some(ReadOnly::PeerAhead {
                seen,
                size: database,
            })); // protects: a_machine_that_was_set_back_signs_nothing
        }
        if root_at(reader, seen) != Some(*peer.checkpoint().root()) {
            return Ok(Some(ReadOnly::Forked { size: seen })); // protects: a_fork_of_the_own_log_stops_it
        }
    }
    store.truncate(database)?; // protects: entries_without_keys_are_dropped_when_no_head_covers_them
    Ok(None)
}

fn root_at(reader: &Reader, size: u64) -> Option<crate::encoding::Hash> {
    let tiles = StoreTiles::new(reader.clone(), size);
    load_tree(&tiles, size).ok().map(|tree| tree.root())
}

/// The first entry of the tail whose disclosures cannot all be opened.
fn first_incomplete(reader: &Reader, from: u64, to: u64) -> Result<Option<u64>, StoreError> {
    for index in from..to {
        match reader.statement(index) {
            Ok(Some(statement)) if statement.is_complete() => {}
            Ok(_) | Err(StoreError::Damaged(_)) => return Ok(Some(index)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Makes the file of a private key, readable by its owner alone. Never overwrites one.
///
/// # Errors
/// [`StoreError`].
pub fn secret_file(path: &Path, text: &str) -> Result<(), StoreError> {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(file_error(path))?;
    file.write_all(text.as_bytes()).map_err(file_error(path))?;
    file.sync_all().map_err(file_error(path))?;
    crate::store::head::sync_directory_of(path)
}

/// The heads of this log in `notes` that are signed by one of its keys.
#[must_use]
pub fn own_heads(ring: &KeyRing, id: &LogId, notes: &[Vec<u8>]) -> Vec<SignedCheckpoint> {
    let keys: Vec<VerifierKey> = ring
        .all_log_keys()
        .iter()
        .filter_map(|key| VerifierKey::parse(key).ok())
        .collect();
    notes
        .iter()
        .filter_map(|note| SignedCheckpoint::parse(note).ok())
        .filter(|head| head.verify(id.origin.as_str(), &keys).is_ok())
        .collect()
}
