//! Conflicts that were found, each once: a pair of versions that meet. They are no statements: whether two notices meet follows
//! from what they say. What was found is kept, so that a restart neither loses nor repeats it.

use super::index::Found;
use crate::authority::Eyes;
use crate::timers::{FILE, TimerError, spell};
use record::time::UtcMs;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS conflict (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  eyes TEXT NOT NULL,
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  one_first TEXT NOT NULL,
  other_first TEXT NOT NULL,
  one_by TEXT NOT NULL,
  other_by TEXT NOT NULL,
  found_at INTEGER NOT NULL,
  UNIQUE (eyes, one, other)
);
CREATE INDEX IF NOT EXISTS conflict_id ON conflict (eyes, id);
";

/// A conflict that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its number, in the order of finding.
    pub id: i64,
    /// The versions that meet.
    pub versions: [String; 2],
    /// The first notices of these.
    pub notices: [String; 2],
    /// Whose notices they are, by call sign.
    pub by: [String; 2],
    /// When it was found, by the node's clock.
    pub found_at: UtcMs,
}

/// Keeps what was found.
pub struct Events {
    db: Mutex<Connection>,
    found: watch::Sender<i64>,
}

impl Events {
    /// Opens what was found, in `dir`.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn open(dir: &Path) -> Result<Self, TimerError> {
        let db = Connection::open(dir.join(FILE))?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        // What a power cut takes is found and told again: the pairs are computed anew at each start.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.execute_batch(TABLES)?;
        let last: Option<i64> =
            db.query_row("SELECT max(id) FROM conflict", [], |row| row.get(0))?;
        Ok(Self {
            db: Mutex::new(db),
            found: watch::Sender::new(last.unwrap_or(0)),
        })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps those of `found` that are not kept already.
    ///
    /// # Errors
    /// [`TimerError`]; then none is kept.
    pub(crate) fn keep(&self, eyes: &Eyes, found: &[Found], now: UtcMs) -> Result<(), TimerError> {
        const SQL: &str = "INSERT OR IGNORE INTO conflict (eyes, one, other, one_first, other_first, one_by, other_by, found_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let eyes = spell(eyes);
        let mut db = self.db();
        let write = db.transaction()?;
        for Found { one, other } in found {
            write.prepare_cached(SQL)?.execute(params![
                eyes,
                one.version,
                other.version,
                one.reference.to_string(),
                other.reference.to_string(),
                one.by,
                other.by,
                now.0
            ])?;
        }
        let last: Option<i64> =
            write.query_row("SELECT max(id) FROM conflict", [], |row| row.get(0))?;
        write.commit()?;
        let last = last.unwrap_or(0);
        self.found
            .send_if_modified(|known| std::mem::replace(known, last) != last);
        Ok(())
    }

    /// Tells of each conflict that is found: its number.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.found.subscribe()
    }

    /// Conflicts of `eyes` after number `after`, in the order of finding.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn since(&self, eyes: &Eyes, after: i64, max: u32) -> Result<Vec<Conflict>, TimerError> {
        const SQL: &str = "SELECT id, one, other, one_first, other_first, one_by, other_by, found_at FROM conflict WHERE eyes = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let db = self.db();
        let mut select = db.prepare_cached(SQL)?;
        let rows = select.query_map(params![spell(eyes), after, max], |row| {
            Ok(Conflict {
                id: row.get(0)?,
                versions: [row.get(1)?, row.get(2)?],
                notices: [row.get(3)?, row.get(4)?],
                by: [row.get(5)?, row.get(6)?],
                found_at: UtcMs(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
