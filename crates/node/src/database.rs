//! How the databases are opened that can be thrown away: one writer each, and any number of readers.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a reader or writer waits for another, at most.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Pages that each reader keeps in memory, in KiB.
const READER_CACHE_KIB: i64 = 8_192;
/// Statements that a connection keeps prepared.
const PREPARED_MAX: usize = 128;

/// The writing connection to the database at `path`, with so many KiB of its pages in memory.
pub fn writer(path: &Path, cache_kib: i64) -> Result<Connection, rusqlite::Error> {
    let db = set_up(Connection::open(path)?)?;
    db.pragma_update(None, "page_size", 8192)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // What can be thrown away may lose its last batches to a power cut: they are read again.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "secure_delete", "ON")?; // protects: what_was_erased_stands_in_no_file_of_the_store
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}

/// A reading connection to the database at `path`.
pub fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = set_up(Connection::open_with_flags(path, flags)?)?;
    db.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(db)
}

/// Empties the write-ahead log, in which what was deleted still stands; whether it could: not while somebody reads.
pub fn empty_log(db: &Connection) -> Result<bool, rusqlite::Error> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

fn set_up(db: Connection) -> Result<Connection, rusqlite::Error> {
    db.busy_timeout(BUSY_WAIT)?;
    db.set_prepared_statement_cache_capacity(PREPARED_MAX);
    // Otherwise SQLite plans a prepared statement anew for each value, in case that value lets it use a partial index.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}
