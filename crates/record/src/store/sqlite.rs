//! The store in SQLite: one writing connection to each database, any number of readers.

use super::seal::{self, SealKey, Sealed};
use super::{NewEntry, NewTile, ObjectKey, SLOTS, Store, StoreError, attachment, file_error};
use crate::c2sp::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::c2sp::cosignature::stated_time;
use crate::c2sp::note::MAX_SIGNATURES;
use crate::encoding::Hash;
use crate::statement::{Claims, Disclosure, Leaf, Statement};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The database of leaves and ciphertext.
pub const RECORD: &str = "record.db";
/// The database of keys.
pub const KEYS: &str = "keys.db";

/// The layout's version, kept in each database's `user_version`.
const LAYOUT: i64 = 2;
/// How long a checkpoint of the write-ahead log waits for readers.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Pages in the write-ahead log after which the writer copies it back: 32 MiB.
const WAL_PAGES: i64 = 4096;
/// Idle reading connections that are kept open.
const READERS_KEPT_MAX: usize = 16;

const RECORD_SCHEMA: &str = "
    CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL);
    CREATE TABLE said (minute INTEGER, signing BLOB, idx INTEGER NOT NULL, PRIMARY KEY (minute, signing)) WITHOUT ROWID;
    CREATE TABLE object (object INTEGER, leaf BLOB, idx INTEGER, PRIMARY KEY (object, leaf, idx)) WITHOUT ROWID;
    CREATE TABLE control (idx INTEGER PRIMARY KEY);
    CREATE TABLE tile (level INTEGER, n INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, n));
    CREATE TABLE disclosure (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
    CREATE TABLE attachment (name BLOB PRIMARY KEY, id INTEGER) WITHOUT ROWID;
    CREATE INDEX attachment_of ON attachment (id);
    CREATE TABLE erased (id INTEGER PRIMARY KEY, by INTEGER);
    CREATE TABLE erasing (statement TEXT PRIMARY KEY, idx INTEGER NOT NULL, slots INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE head (size INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, note TEXT NOT NULL);
    CREATE TABLE cosigned (size INTEGER, witness TEXT, key INTEGER, PRIMARY KEY (size, witness, key)) WITHOUT ROWID;
";
const KEYS_SCHEMA: &str = "
    CREATE TABLE key (id INTEGER PRIMARY KEY, key BLOB NOT NULL);
    CREATE TABLE attachment_key (name BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
";

/// Where the files lie, and through which VFS they are written (only tests that lose writes name one).
#[derive(Debug, Clone)]
pub struct Place {
    /// The log's directory.
    pub dir: PathBuf,
    /// A VFS that is registered with SQLite.
    pub vfs: Option<&'static str>,
}

impl Place {
    /// Files in `dir`, written through the system's own VFS.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            vfs: None,
        }
    }
}

fn database(file: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + Copy {
    move |error| StoreError::Database { file, error }
}

fn in_record(error: rusqlite::Error) -> StoreError {
    database(RECORD)(error)
}

fn in_keys(error: rusqlite::Error) -> StoreError {
    database(KEYS)(error)
}

fn connect(place: &Place, file: &'static str, flags: OpenFlags) -> Result<Connection, StoreError> {
    let path = place.dir.join(file);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match place.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    };
    let connection = connection.map_err(database(file))?;
    connection.busy_timeout(BUSY_WAIT).map_err(database(file))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn connect_writer(
    place: &Place,
    file: &'static str,
    create: Option<&str>,
) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if create.is_some() {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = connect(place, file, flags)?;
    let set = |name: &str, value: &dyn rusqlite::ToSql| connection.pragma_update(None, name, value);
    (|| {
        if create.is_some() {
            set("page_size", &8192)?;
        }
        set("secure_delete", &"ON")?; // protects: erased_bytes_are_gone_from_every_file
        set("journal_mode", &"WAL")?;
        // SQLite's default too, said because everything rests on it: with NORMAL, power cuts lose what was acknowledged.
        set("synchronous", &"FULL")?;
        set("wal_autocheckpoint", &WAL_PAGES)?;
        set("cell_size_check", &"ON")?;
        set("temp_store", &"MEMORY")?;
        if let Some(schema) = create {
            connection.execute_batch(&format!(
                "BEGIN; {schema} PRAGMA user_version = {LAYOUT}; COMMIT;"
            ))?;
        }
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    })()
    .map_err(database(file))
    .and_then(|version| {
        (version == LAYOUT).then_some(()).ok_or_else(|| {
            StoreError::Damaged(format!(
                "{file} has layout {version}; this program writes layout {LAYOUT}"
            ))
        })
    })?;
    // A killed process may have left entries in the page cache that no sync reached. Every commit syncs the whole write-ahead
    // log, so after this one nothing is read, and then signed, that a power cut could still take away.
    set("user_version", &LAYOUT).map_err(database(file))?; // protects: what_a_killed_process_left_unsynced_is_synced_before_it_is_signed
    Ok(connection)
}

fn row_id(index: u64, slot: u64) -> i64 {
    signed(index * SLOTS + slot)
}

/// SQLite's integers are signed; indices stay below 2^53.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The writing side.
pub struct SqliteStore {
    place: Place,
    record: Connection,
    keys: KeyWriter,
}

impl SqliteStore {
    /// Makes empty databases in `place`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create(place: &Place) -> Result<Self, StoreError> {
        for file in [RECORD, KEYS] {
            if place.dir.join(file).exists() {
                return Err(StoreError::Damaged(format!("{file} is there already")));
            }
        }
        Self::connect(place, true)
    }

    /// Opens the databases in `place` for writing. The caller holds the head file's lock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        Self::connect(place, false)
    }

    fn connect(place: &Place, create: bool) -> Result<Self, StoreError> {
        let keys = connect_writer(place, KEYS, create.then_some(KEYS_SCHEMA))?;
        Ok(Self {
            record: connect_writer(place, RECORD, create.then_some(RECORD_SCHEMA))?,
            keys: KeyWriter::start(keys),
            place: place.clone(),
        })
    }

    /// Entries in the database, whether or not a signed head covers them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn len(&self) -> Result<u64, StoreError> {
        let last: Option<i64> = self
            .record
            .query_row("SELECT max(idx) FROM entry", [], |row| row.get(0))
            .map_err(in_record)?;
        Ok(last.map_or(0, |last| unsigned(last) + 1))
    }

    /// Whether the log is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.len()? == 0)
    }

    /// Drops all entries from `size` on, which no head ever covered, and keys of entries that were never stored.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn truncate(&mut self, size: u64) -> Result<(), StoreError> {
        let (from, id) = (signed(size), row_id(size, 0));
        let transaction = self.record.transaction().map_err(in_record)?;
        (|| {
            for (statement, bound) in [
                ("DELETE FROM entry WHERE idx >= ?1", from),
                ("DELETE FROM control WHERE idx >= ?1", from),
                ("DELETE FROM said WHERE idx >= ?1", from),
                ("DELETE FROM object WHERE idx >= ?1", from),
                ("DELETE FROM head WHERE size > ?1", from),
                ("DELETE FROM cosigned WHERE size > ?1", from),
                ("DELETE FROM disclosure WHERE id >= ?1", id),
                ("UPDATE attachment SET id = NULL WHERE id >= ?1", id),
                ("DELETE FROM tile WHERE level = 0 AND n >= ?1 / 256", from),
            ] {
                transaction.execute(statement, [bound])?;
            }
            for level in 1..8_u32 {
                let hashes = size >> (8 * level);
                let (row, kept) = (signed(hashes / 256), signed(hashes % 256 * 32));
                transaction.execute(
                    "DELETE FROM tile WHERE level = ?1 AND n > ?2",
                    params![level, row],
                )?;
                transaction.execute(
                    "UPDATE tile SET hashes = substr(hashes, 1, ?3) WHERE level = ?1 AND n = ?2",
                    params![level, row, kept],
                )?;
            }
            transaction.commit()
        })()
        .map_err(in_record)?;
        self.keys.call(KeyJob::Truncate(id))
    }

    /// Finishes erasures that a crash interrupted: the bytes are destroyed here, the statements that say so are returned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unfinished_erasures(&mut self) -> Result<Vec<String>, StoreError> {
        let pending: Vec<(String, i64, i64)> = self
            .record
            .prepare("SELECT statement, idx, slots FROM erasing ORDER BY idx, statement")
            .and_then(|mut select| {
                select
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect()
            })
            .map_err(in_record)?;
        for (statement, index, slots) in &pending {
            let slots: Vec<u64> = (0..SLOTS).filter(|slot| slots >> slot & 1 == 1).collect();
            self.erase(unsigned(*index), &slots, statement)?;
        }
        Ok(pending
            .into_iter()
            .map(|(statement, ..)| statement)
            .collect())
    }

    /// Adds disclosures, each of a slot of an entry, that arrived after the entries. What was erased stays erased, and what is
    /// there stays as it is. All of them cost the syncs of one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn disclose(
        &mut self,
        disclosures: &[(u64, u64, Sealed, SealKey)],
    ) -> Result<u64, StoreError> {
        const HELD: &str = "SELECT EXISTS (SELECT 1 FROM erased WHERE id = ?1) OR EXISTS (SELECT 1 FROM disclosure WHERE id = ?1)";
        let mut new = Vec::new();
        let mut slots = BTreeSet::new();
        for (index, slot, sealed, key) in disclosures {
            let id = row_id(*index, *slot);
            let held: bool = self
                .record
                .prepare_cached(HELD)
                .and_then(|mut select| select.query_row([id], |row| row.get(0)))
                .map_err(in_record)?;
            // Delivered twice at once: the key must be that of the ciphertext that stays.
            if !held && slots.insert(id) {
                new.push((id, sealed, key));
            }
        }
        if new.is_empty() {
            return Ok(0);
        }
        let keys = new.iter().map(|(id, _, key)| (*id, (*key).clone()));
        self.keys.call(KeyJob::Insert(keys.collect()))?;
        let transaction = self.record.transaction().map_err(in_record)?;
        (|| {
            for (id, sealed, _) in &new {
                transaction
                    .prepare_cached("INSERT INTO disclosure (id, sealed) VALUES (?1, ?2)")?
                    .execute(params![id, sealed.0])?;
            }
            Ok(())
        })()
        .and_then(|()| transaction.commit())
        .map_err(in_record)?;
        Ok(new.len() as u64)
    }

    /// Links attachments, whose keys came with a disclosure, to the slot that names them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn link_attachment(
        &mut self,
        name: &Hash,
        index: u64,
        slot: u64,
    ) -> Result<(), StoreError> {
        self.record
            .execute(
                "INSERT INTO attachment (name, id) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET id = ?2 WHERE id IS NULL",
                params![name.0, row_id(index, slot)],
            )
            .map_err(in_record)?;
        Ok(())
    }

    /// Copies the write-ahead logs back and empties them, so that no deleted byte is left in them.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when a reader holds an old view for longer than five seconds.
    pub fn flush_logs(&mut self) -> Result<(), StoreError> {
        self.keys.call(KeyJob::Flush)?;
        flush_log(&self.record, RECORD)
    }
}

fn flush_log(connection: &Connection, file: &'static str) -> Result<(), StoreError> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(database(file))?;
    if busy == 0 {
        Ok(())
    } else {
        Err(StoreError::Busy(file))
    }
}

impl Store for SqliteStore {
    fn find(&self, minute_s: i64, signing: &Hash) -> Result<Option<u64>, StoreError> {
        let mut select = self
            .record
            .prepare_cached("SELECT idx FROM said WHERE minute = ?1 AND signing = ?2")
            .map_err(in_record)?;
        let found: Option<i64> = select
            .query_row(params![minute_s, &signing.0[..16]], |row| row.get(0))
            .optional()
            .map_err(in_record)?;
        Ok(found.map(unsigned))
    }

    fn last_about(&self, object: ObjectKey) -> Result<Option<u64>, StoreError> {
        let mut select = self
            .record
            .prepare_cached("SELECT max(idx) FROM object WHERE object = ?1 AND leaf = ?2")
            .map_err(in_record)?;
        let last: Option<i64> = select
            .query_row(params![signed(object.index), object.leaf], |row| row.get(0))
            .map_err(in_record)?;
        Ok(last.map(unsigned))
    }

    fn append(
        &mut self,
        first: u64,
        entries: &[NewEntry],
        tiles: &[NewTile],
    ) -> Result<(), StoreError> {
        // The two databases are synced at the same time. A crash may leave keys without entries, which are dropped at the
        // next start, or entries without keys, which no head covers and which are dropped too.
        let ids = (first..).zip(entries);
        let keys = ids.flat_map(|(index, entry)| {
            entry
                .disclosures
                .iter()
                .map(move |(slot, _, key)| (row_id(index, *slot), key.clone()))
        });
        self.keys.send(KeyJob::Insert(keys.collect()))?;
        let stored = append_record(&mut self.record, first, entries, tiles).map_err(in_record);
        self.keys.done()?; // protects: what_has_no_key_on_the_disk_is_not_acknowledged
        stored
    }

    fn erase(&mut self, index: u64, slots: &[u64], statement: &str) -> Result<(), StoreError> {
        let ids: Vec<i64> = slots.iter().map(|slot| row_id(index, *slot)).collect();
        let bits: i64 = slots.iter().fold(0, |bits, slot| bits | 1 << slot);
        let transaction = self.record.transaction().map_err(in_record)?;
        let attachments = (|| {
            transaction.execute(
                "INSERT OR IGNORE INTO erasing (statement, idx, slots) VALUES (?1, ?2, ?3)",
                params![statement, signed(index), bits],
            )?;
            let mut attachments: Vec<[u8; 32]> = Vec::new();
            for id in &ids {
                transaction.execute("INSERT OR IGNORE INTO erased (id) VALUES (?1)", [id])?;
                transaction.execute("DELETE FROM disclosure WHERE id = ?1", [id])?;
                let mut select =
                    transaction.prepare_cached("SELECT name FROM attachment WHERE id = ?1")?;
                for name in select.query_map([id], |row| row.get(0))? {
                    attachments.push(name?);
                }
            }
            transaction.commit()?;
            Ok(attachments)
        })()
        .map_err(in_record)?;
        let names: Vec<Hash> = attachments.into_iter().map(Hash).collect();
        self.keys.call(KeyJob::Delete(ids.clone(), names.clone()))?; // protects: erased_bytes_are_gone_from_every_file
        for name in &names {
            attachment::remove(&self.place.dir, name)?;
        }
        for id in ids {
            self.record
                .execute("DELETE FROM attachment WHERE id = ?1", [id])
                .map_err(in_record)?;
        }
        self.flush_logs() // protects: erased_bytes_are_gone_from_every_file
    }

    fn erased(&mut self, statement: &str, by: u64) -> Result<(), StoreError> {
        let transaction = self.record.transaction().map_err(in_record)?;
        (|| {
            let pending: Option<(i64, i64)> = transaction
                .query_row(
                    "SELECT idx, slots FROM erasing WHERE statement = ?1",
                    [statement],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if let Some((index, slots)) = pending {
                for slot in (0..SLOTS).filter(|slot| slots >> slot & 1 == 1) {
                    let id = row_id(unsigned(index), slot);
                    transaction.execute(
                        "UPDATE erased SET by = ?2 WHERE id = ?1 AND by IS NULL",
                        params![id, signed(by)],
                    )?;
                }
                transaction.execute("DELETE FROM erasing WHERE statement = ?1", [statement])?;
            }
            transaction.commit()
        })()
        .map_err(in_record)
    }

    fn stage_attachment(&mut self, name: &Hash, key: &SealKey) -> Result<(), StoreError> {
        self.keys.call(KeyJob::Attachment(*name, key.clone()))?;
        self.record
            .execute(
                "INSERT OR IGNORE INTO attachment (name) VALUES (?1)",
                [name.0],
            )
            .map_err(in_record)?;
        Ok(())
    }

    fn keep_head(&mut self, at_ms: i64, head: &SignedCheckpoint) -> Result<(), StoreError> {
        let size = signed(head.checkpoint().size());
        let transaction = self.record.transaction().map_err(in_record)?;
        let held: Option<String> =
            select_one(&transaction, "SELECT note FROM head WHERE size = ?1", size)
                .map_err(in_record)?;
        let kept = match held {
            Some(held) => with_more_signatures(&held, head)?,
            None => head.clone(),
        };
        let witnesses = kept.note().signatures().iter();
        let witnesses = witnesses.filter(|s| stated_time(s.bytes()).is_some());
        (|| {
            transaction.execute(
                "INSERT INTO head (size, at_ms, note) VALUES (?1, ?2, ?3)
                 ON CONFLICT (size) DO UPDATE SET note = ?3",
                params![size, at_ms, kept.to_string()],
            )?;
            for witness in witnesses {
                transaction.execute(
                    "INSERT OR IGNORE INTO cosigned (size, witness, key) VALUES (?1, ?2, ?3)",
                    params![size, witness.name(), witness.id()],
                )?;
            }
            transaction.commit()
        })()
        .map_err(in_record)
    }
}

/// The head that is kept with the signatures of the same head as it came now: each witness may bring only his own. As many as
/// a note holds.
fn with_more_signatures(
    held: &str,
    came: &SignedCheckpoint,
) -> Result<SignedCheckpoint, StoreError> {
    let damaged = |error: CheckpointError| StoreError::Damaged(format!("a kept head: {error}"));
    let mut kept = SignedCheckpoint::parse(held.as_bytes()).map_err(damaged)?;
    if kept.note().text() != came.note().text() {
        return Ok(kept); // not the head that we signed: a signature of it would not be one of ours
    }
    for signature in came.note().signatures() {
        let known = kept.note().signatures().contains(signature);
        if !known && kept.note().signatures().len() < MAX_SIGNATURES {
            kept.add(signature.clone()).map_err(damaged)?;
        }
    }
    Ok(kept)
}

fn append_record(
    record: &mut Connection,
    first: u64,
    entries: &[NewEntry],
    tiles: &[NewTile],
) -> Result<(), rusqlite::Error> {
    let transaction = record.transaction()?;
    {
        let mut entry_row =
            transaction.prepare_cached("INSERT INTO entry (idx, leaf) VALUES (?1, ?2)")?;
        // A mirrored log may repeat a statement; the first one stands. In the own log `find` was asked before.
        let mut said_row = transaction.prepare_cached(
            "INSERT OR IGNORE INTO said (minute, signing, idx) VALUES (?1, ?2, ?3)",
        )?;
        let mut object_row = transaction
            .prepare_cached("INSERT INTO object (object, leaf, idx) VALUES (?1, ?2, ?3)")?;
        let mut disclosure_row =
            transaction.prepare_cached("INSERT INTO disclosure (id, sealed) VALUES (?1, ?2)")?;
        for (index, entry) in (first..).zip(entries) {
            let idx = signed(index);
            entry_row.execute(params![idx, entry.leaf])?;
            said_row.execute(params![entry.minute_s, &entry.signing.0[..16], idx])?;
            if let Some(object) = entry.object {
                object_row.execute(params![signed(object.index), object.leaf, idx])?;
            }
            if entry.control {
                transaction.execute("INSERT INTO control (idx) VALUES (?1)", [idx])?;
            }
            for (slot, sealed, _) in &entry.disclosures {
                disclosure_row.execute(params![row_id(index, *slot), sealed.0])?;
            }
            for (slot, name) in &entry.attachments {
                transaction.execute(
                    "UPDATE attachment SET id = ?2 WHERE name = ?1",
                    params![name.0, row_id(index, *slot)],
                )?;
            }
        }
        for tile in tiles {
            transaction.execute(
                "INSERT OR REPLACE INTO tile (level, n, hashes) VALUES (?1, ?2, ?3)",
                params![tile.level, signed(tile.index), tile.hashes],
            )?;
        }
    }
    transaction.commit()
}

/// Makes a new `record.db` in `into` of `size` entries out of the damaged one in `dir`. `entry` is given what stands at an
/// index, if it can be read, and returns what must stand there. All else is copied as far as it can be read; returned is how
/// many disclosures were kept, and how many reads failed.
///
/// # Errors
/// What `entry` says, or [`StoreError`] of the new database.
pub fn salvage<E: From<StoreError>>(
    dir: &Path,
    into: &Path,
    size: u64,
    mut entry: impl FnMut(u64, Option<Vec<u8>>) -> Result<Vec<u8>, E>,
) -> Result<(u64, u64), E> {
    let old = connect(&Place::new(dir), RECORD, OpenFlags::SQLITE_OPEN_READ_ONLY).ok();
    let mut new = connect_writer(&Place::new(into), RECORD, Some(RECORD_SCHEMA))?;
    let mut edge = crate::log::Edge::default();
    for first in (0..size).step_by(256) {
        let mut entries = Vec::with_capacity(256);
        for index in first..size.min(first + 256) {
            let held = old.as_ref().and_then(|old| {
                select_one(old, "SELECT leaf FROM entry WHERE idx = ?1", signed(index))
                    .ok()
                    .flatten()
            });
            entries.push(crate::mirror::verbatim(entry(index, held)?));
        }
        let hashes: Vec<Hash> = entries
            .iter()
            .map(|e| crate::c2sp::tree::leaf_hash(&e.leaf))
            .collect();
        let tiles = edge.grow(first, &hashes)?;
        append_record(&mut new, first, &entries, &tiles).map_err(in_record)?;
    }
    let (mut kept, mut lost) = (0, 0);
    let Some(old) = old else {
        return Ok((kept, lost));
    };
    new.execute_batch("BEGIN").map_err(in_record)?;
    for id in 0..row_id(size, 0) {
        match select_one::<Vec<u8>>(&old, "SELECT sealed FROM disclosure WHERE id = ?1", id) {
            Ok(Some(sealed)) => {
                new.execute(
                    "INSERT INTO disclosure (id, sealed) VALUES (?1, ?2)",
                    params![id, sealed],
                )
                .map_err(in_record)?;
                kept += 1;
            }
            Ok(None) => {}
            Err(_) => lost += 1,
        }
    }
    for (table, bound) in [
        ("object", "idx < ?1"),
        ("erased", "?1 >= 0"),
        ("erasing", "?1 >= 0"),
        ("attachment", "?1 >= 0"),
        ("head", "size <= ?1"),
        ("cosigned", "size <= ?1"),
    ] {
        if copy_rows(&old, &new, table, bound, signed(size)).is_err() {
            lost += 1;
        }
    }
    new.execute_batch("COMMIT").map_err(in_record)?;
    flush_log(&new, RECORD)?;
    Ok((kept, lost))
}

fn copy_rows(
    old: &Connection,
    new: &Connection,
    table: &str,
    bound: &str,
    size: i64,
) -> Result<(), rusqlite::Error> {
    let mut select = old.prepare(&format!("SELECT * FROM {table} WHERE {bound}"))?;
    let columns = select.column_count();
    let marks = vec!["?"; columns].join(", ");
    let mut insert = new.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({marks})"))?;
    let mut rows = select.query([size])?;
    while let Some(row) = rows.next()? {
        let values: Vec<rusqlite::types::Value> =
            (0..columns).map(|i| row.get(i)).collect::<Result<_, _>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}

enum KeyJob {
    Insert(Vec<(i64, SealKey)>),
    Attachment(Hash, SealKey),
    Delete(Vec<i64>, Vec<Hash>),
    Truncate(i64),
    Flush,
}

/// The writing connection of `keys.db`, on a thread of its own so that both databases sync at the same time.
struct KeyWriter {
    jobs: Option<SyncSender<KeyJob>>,
    results: Receiver<Result<(), StoreError>>,
    thread: Option<JoinHandle<()>>,
}

impl KeyWriter {
    fn start(mut keys: Connection) -> Self {
        let (jobs, inbox) = sync_channel::<KeyJob>(1);
        // Never longer than one, since every job's result is waited for.
        let (outbox, results) = channel();
        let thread = std::thread::Builder::new()
            .name("keys".into())
            .spawn(move || {
                for job in inbox {
                    if outbox.send(run(&mut keys, job)).is_err() {
                        return;
                    }
                }
            });
        Self {
            jobs: Some(jobs),
            results,
            thread: thread.ok(),
        }
    }

    fn send(&self, job: KeyJob) -> Result<(), StoreError> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(StoreError::Damaged(
                "the thread that writes keys.db has ended".into(),
            )),
        }
    }

    fn done(&self) -> Result<(), StoreError> {
        self.results
            .recv()
            .map_err(|_| StoreError::Damaged("the thread that writes keys.db has ended".into()))?
    }

    fn call(&self, job: KeyJob) -> Result<(), StoreError> {
        self.send(job)?;
        self.done()
    }
}

impl Drop for KeyWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(keys: &mut Connection, job: KeyJob) -> Result<(), StoreError> {
    if matches!(job, KeyJob::Flush) {
        return flush_log(keys, KEYS);
    }
    let transaction = keys.transaction().map_err(in_keys)?;
    (|| {
        match job {
            KeyJob::Insert(rows) => {
                let mut insert = transaction
                    .prepare_cached("INSERT OR REPLACE INTO key (id, key) VALUES (?1, ?2)")?;
                for (id, key) in rows {
                    insert.execute(params![id, key.0])?;
                }
            }
            KeyJob::Attachment(name, key) => {
                transaction.execute(
                    "INSERT OR REPLACE INTO attachment_key (name, key) VALUES (?1, ?2)",
                    params![name.0, key.0],
                )?;
            }
            KeyJob::Delete(ids, names) => {
                for id in ids {
                    transaction.execute("DELETE FROM key WHERE id = ?1", [id])?;
                }
                for name in names {
                    transaction.execute("DELETE FROM attachment_key WHERE name = ?1", [name.0])?;
                }
            }
            KeyJob::Truncate(from) => {
                transaction.execute("DELETE FROM key WHERE id >= ?1", [from])?;
            }
            KeyJob::Flush => {}
        }
        transaction.commit()
    })()
    .map_err(in_keys)
}

struct Connections {
    record: Connection,
    keys: Connection,
}

/// The reading side: cheap to clone, for any thread. It sees what is committed; callers ask only below a signed head.
#[derive(Clone)]
pub struct Reader {
    place: Place,
    idle: Arc<Mutex<Vec<Connections>>>,
}

/// An entry as it is stored, with what is held of it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it stands.
    pub index: u64,
    /// Its leaf, which need be no statement in a mirror.
    pub leaf: Vec<u8>,
    /// By slot, in their order; without a key when it was erased just now.
    held: Vec<(u64, Sealed, Option<SealKey>)>,
}

impl Stored {
    /// The statement that the leaf is, with all that is held of it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when ciphertext or key were altered.
    pub fn statement(&self, leaf: Leaf) -> Result<Statement, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| {
            StoreError::Damaged(format!("entry {}: {error}", self.index))
        };
        let mut disclosures = Vec::new();
        if let Claims::Sealed(digest) = leaf.claims
            && let Some(head) = self.open(0, digest)?
        {
            let parsed = crate::statement::Head::parse(head.value()).map_err(|e| damaged(&e))?;
            disclosures.push(head);
            for (slot, group) in (1..).zip(parsed.groups.values()) {
                disclosures.extend(self.open(slot, group.digest)?);
            }
        }
        Statement::assemble(leaf, disclosures).map_err(|error| damaged(&error))
    }

    fn open(&self, slot: u64, digest: Hash) -> Result<Option<Disclosure>, StoreError> {
        let held = self.held.iter().find(|(of, ..)| *of == slot);
        let Some((_, sealed, Some(key))) = held else {
            return Ok(None);
        };
        let opened = seal::open(sealed, key, digest);
        opened.map(Some).map_err(|error| {
            StoreError::Damaged(format!("entry {}, slot {slot}: {error}", self.index))
        })
    }
}

fn no_key(index: u64, slot: u64) -> StoreError {
    StoreError::Damaged(format!("keys.db has no key for entry {index}, slot {slot}"))
}

/// The ciphertexts of slots `first..end` that were not erased.
fn held_between(
    record: &Connection,
    first: i64,
    end: i64,
) -> Result<Vec<(i64, Sealed)>, rusqlite::Error> {
    const SQL: &str = "SELECT id, sealed FROM disclosure WHERE id >= ?1 AND id < ?2 AND NOT EXISTS (SELECT 1 FROM erased e WHERE e.id = disclosure.id) ORDER BY id";
    record
        .prepare_cached(SQL)?
        .query_map([first, end], |row| Ok((row.get(0)?, Sealed(row.get(1)?))))?
        .collect()
}

fn keys_between(
    keys: &Connection,
    first: i64,
    end: i64,
) -> Result<HashMap<i64, SealKey>, rusqlite::Error> {
    keys.prepare_cached("SELECT id, key FROM key WHERE id >= ?1 AND id < ?2")?
        .query_map([first, end], |row| Ok((row.get(0)?, SealKey(row.get(1)?))))?
        .collect()
}

/// How a slot of a stored statement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Here it is.
    Open(Disclosure),
    /// Destroyed; the index of the statement that says so, once it stands in the log.
    Erased(Option<u64>),
    /// Never received.
    Absent,
}

impl Reader {
    /// A reader of the databases in `place`.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be opened.
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        let reader = Self {
            place: place.clone(),
            idle: Arc::default(),
        };
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }

    fn with<T>(
        &self,
        read: impl FnOnce(&Connections) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connections = match idle {
            Some(connections) => connections,
            None => Connections {
                record: self.connect(RECORD)?,
                keys: self.connect(KEYS)?,
            },
        };
        let result = read(&connections);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_KEPT_MAX {
            idle.push(connections);
        }
        result
    }

    fn connect(&self, file: &'static str) -> Result<Connection, StoreError> {
        let path = self.place.dir.join(file);
        std::fs::metadata(&path).map_err(file_error(&path))?;
        let connection = connect(&self.place, file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(database(file))?;
        Ok(connection)
    }

    /// The leaves of entries `from..to`, in order; fewer when the database ends before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|c| {
            let mut select = c
                .record
                .prepare_cached(
                    "SELECT idx, leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
                )
                .map_err(in_record)?;
            let rows = select
                .query_map(params![signed(from), signed(to)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .map_err(in_record)?;
            let mut leaves = Vec::new();
            for row in rows {
                let (idx, leaf): (i64, Vec<u8>) = row.map_err(in_record)?;
                let expected = from + leaves.len() as u64;
                if unsigned(idx) != expected {
                    return Err(StoreError::Damaged(format!("entry {expected} is missing")));
                }
                leaves.push(leaf);
            }
            Ok(leaves)
        })
    }

    /// One leaf.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.leaves(index, index + 1)?.pop())
    }

    /// The hashes stored of a tile: all 256, or as many as there are above level 0.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|c| {
            c.record
                .prepare_cached("SELECT hashes FROM tile WHERE level = ?1 AND n = ?2")
                .and_then(|mut select| {
                    select
                        .query_row(params![level, signed(index)], |row| row.get(0))
                        .optional()
                })
                .map_err(in_record)
        })
    }

    /// The control statements' indices below `size`, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn control_indices(&self, size: u64) -> Result<Vec<u64>, StoreError> {
        self.with(|c| {
            c.record
                .prepare_cached("SELECT idx FROM control WHERE idx < ?1 ORDER BY idx")
                .and_then(|mut select| {
                    select
                        .query_map([signed(size)], |row| row.get(0))?
                        .collect::<Result<Vec<i64>, _>>()
                })
                .map(|indices| indices.into_iter().map(unsigned).collect())
                .map_err(in_record)
        })
    }

    /// How slot `slot` of entry `index` stands, given the digest that it must have.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when ciphertext or key were altered, or the key alone is gone.
    pub fn held(&self, index: u64, slot: u64, digest: Hash) -> Result<Held, StoreError> {
        let id = row_id(index, slot);
        self.with(|c| {
            let erased: Option<Option<i64>> =
                select_one(&c.record, "SELECT by FROM erased WHERE id = ?1", id)
                    .map_err(in_record)?;
            if let Some(by) = erased {
                return Ok(Held::Erased(by.map(unsigned)));
            }
            let sealed: Option<Vec<u8>> =
                select_one(&c.record, "SELECT sealed FROM disclosure WHERE id = ?1", id)
                    .map_err(in_record)?;
            let Some(sealed) = sealed else {
                return Ok(Held::Absent);
            };
            let key: Option<[u8; 32]> =
                select_one(&c.keys, "SELECT key FROM key WHERE id = ?1", id).map_err(in_keys)?;
            let Some(key) = key else {
                return Err(no_key(index, slot));
            };
            seal::open(&Sealed(sealed), &SealKey(key), digest)
                .map(Held::Open)
                .map_err(|error| {
                    StoreError::Damaged(format!("entry {index}, slot {slot}: {error}"))
                })
        })
    }

    /// The entries `from..to` in their order, each with what is held of it, still sealed; fewer when the database ends before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn entries(&self, from: u64, to: u64) -> Result<Vec<Stored>, StoreError> {
        let mut entries: Vec<Stored> = (from..)
            .zip(self.leaves(from, to)?)
            .map(|(index, leaf)| Stored {
                index,
                leaf,
                held: Vec::new(),
            })
            .collect();
        let (first, end) = (row_id(from, 0), row_id(from + entries.len() as u64, 0));
        let (sealed, mut keys) = self.with(|c| {
            let sealed = held_between(&c.record, first, end).map_err(in_record)?;
            Ok((sealed, keys_between(&c.keys, first, end).map_err(in_keys)?))
        })?;
        for (id, sealed) in sealed {
            let (index, slot) = (unsigned(id) / SLOTS, unsigned(id) % SLOTS);
            let key = match keys.remove(&id) {
                Some(key) => Some(key),
                // It came, or was erased, after the one was read and before the other.
                None => self.key(id)?,
            };
            let at = usize::try_from(index - from).unwrap_or(usize::MAX);
            if let Some(entry) = entries.get_mut(at) {
                entry.held.push((slot, sealed, key));
            }
        }
        Ok(entries)
    }

    /// A key that was not found with the others. `None` when what it opens was erased.
    fn key(&self, id: i64) -> Result<Option<SealKey>, StoreError> {
        self.with(|c| {
            let key = select_one(&c.keys, "SELECT key FROM key WHERE id = ?1", id);
            if let Some(key) = key.map_err(in_keys)? {
                return Ok(Some(SealKey(key)));
            }
            let erased: Option<i64> =
                select_one(&c.record, "SELECT id FROM erased WHERE id = ?1", id)
                    .map_err(in_record)?;
            match erased {
                Some(_) => Ok(None),
                None => Err(no_key(unsigned(id) / SLOTS, unsigned(id) % SLOTS)),
            }
        })
    }

    /// The statement at `index` with all that is held of it. `None` beyond the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement(&self, index: u64) -> Result<Option<Statement>, StoreError> {
        let Some(entry) = self.entries(index, index + 1)?.pop() else {
            return Ok(None);
        };
        let leaf = Leaf::from_bytes(&entry.leaf)
            .map_err(|error| StoreError::Damaged(format!("entry {index}: {error}")))?;
        entry.statement(leaf).map(Some)
    }

    /// The slots of entry `index` that were erased, each with the index of the statement that says so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn erased_slots(&self, index: u64) -> Result<Vec<(u64, Option<u64>)>, StoreError> {
        self.with(|c| {
            c.record
                .prepare_cached("SELECT id, by FROM erased WHERE id >= ?1 AND id < ?2 ORDER BY id")
                .and_then(|mut select| {
                    select
                        .query_map(params![row_id(index, 0), row_id(index + 1, 0)], |row| {
                            Ok((
                                unsigned(row.get(0)?) % SLOTS,
                                row.get::<_, Option<i64>>(1)?.map(unsigned),
                            ))
                        })?
                        .collect()
                })
                .map_err(in_record)
        })
    }

    /// The key of attachment `name`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn attachment_key(&self, name: &Hash) -> Result<Option<SealKey>, StoreError> {
        self.with(|c| {
            c.keys
                .prepare_cached("SELECT key FROM attachment_key WHERE name = ?1")
                .and_then(|mut select| select.query_row([name.0], |row| row.get(0)).optional())
                .map(|key| key.map(SealKey))
                .map_err(in_keys)
        })
    }

    /// The attachments that slot `slot` of entry `index` names and that are held here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn attachments(&self, index: u64, slot: u64) -> Result<Vec<Hash>, StoreError> {
        self.with(|c| {
            c.record
                .prepare_cached("SELECT name FROM attachment WHERE id = ?1 ORDER BY name")
                .and_then(|mut select| {
                    select
                        .query_map([row_id(index, slot)], |row| Ok(Hash(row.get(0)?)))?
                        .collect()
                })
                .map_err(in_record)
        })
    }

    /// The newest kept head below `below` entries that was signed at `until_ms` or before: its size and note.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept_head(
        &self,
        until_ms: i64,
        below: u64,
    ) -> Result<Option<(u64, String)>, StoreError> {
        self.with(|c| {
            c.record
                .prepare_cached("SELECT size, note FROM head WHERE at_ms <= ?1 AND size < ?2 ORDER BY size DESC LIMIT 1")
                .and_then(|mut select| {
                    select
                        .query_row(params![until_ms, signed(below)], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))
                        .optional()
                })
                .map_err(in_record)
        })
    }

    /// The newest kept head below `below` entries that was signed at `until_ms` or before and that carries cosignatures with
    /// the key ids `keys` under at least `threshold` names: its size and note. Whether they are right is not looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cosigned_head(
        &self,
        until_ms: i64,
        below: u64,
        keys: &[u32],
        threshold: usize,
    ) -> Result<Option<(u64, String)>, StoreError> {
        // Straight down the index of cosigned heads: heads that nobody cosigned are not in it, however many there are.
        const SQL: &str = "SELECT cosigned.size, note FROM cosigned JOIN head USING (size)
            WHERE cosigned.size < ?2 AND at_ms <= ?1 AND key IN (SELECT value FROM json_each(?3))
            GROUP BY cosigned.size HAVING count(DISTINCT witness) >= ?4
            ORDER BY cosigned.size DESC LIMIT 1";
        let keys = serde_json::Value::from(keys).to_string();
        let threshold = i64::try_from(threshold).unwrap_or(i64::MAX);
        self.with(|c| {
            c.record
                .prepare_cached(SQL)
                .and_then(|mut select| {
                    select
                        .query_row(params![until_ms, signed(below), keys, threshold], |row| {
                            Ok((unsigned(row.get(0)?), row.get(1)?))
                        })
                        .optional()
                })
                .map_err(in_record)
        })
    }

    /// The kept head of exactly `size` entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn kept_head_of(&self, size: u64) -> Result<Option<String>, StoreError> {
        self.with(|c| {
            select_one(
                &c.record,
                "SELECT note FROM head WHERE size = ?1",
                signed(size),
            )
            .map_err(in_record)
        })
    }
}

fn select_one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
    key: i64,
) -> Result<Option<T>, rusqlite::Error> {
    connection
        .prepare_cached(sql)?
        .query_row([key], |row| row.get(0))
        .optional()
}
