//! Requests that are carried out once: what a client sends again because the line broke, after a time-out or a restart, is answered
//! as the first time. The signed statement is kept before it is said; said again it stands there once.

use super::problem::Problem;
use axum::http::StatusCode;
use record::encoding::Hash;
use record::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const FILE: &str = "once.db";
/// How long an answer is kept, in milliseconds: a day.
pub const KEPT_MS: i64 = 24 * 3600 * 1000;
/// Longest key.
pub const KEY_CHARACTERS_MAX: usize = 128;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS once (
  account TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, statement TEXT, answer TEXT, at_ms INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS once_at ON once (at_ms);
";

/// What is known of a request.
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// It was signed, and may have been said.
    Signed(String),
    /// It was answered so.
    Answered(String),
}

/// Requests that are carried out once.
pub struct Once {
    db: Mutex<Connection>,
    under_way: Mutex<HashSet<(String, String)>>,
}

/// A request that is under way; another with its key is refused meanwhile.
pub(super) struct Turn<'o> {
    once: &'o Once,
    of: (String, String),
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.once.under_way).remove(&self.of);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(error: rusqlite::Error) -> Problem {
    tracing::error!(%error, "once.db could not be used");
    Problem::failed()
}

impl Once {
    /// Opens what is kept in `dir`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open(dir: &Path) -> Result<Self, rusqlite::Error> {
        let db = Connection::open(dir.join(FILE))?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.execute_batch(TABLES)?;
        Ok(Self {
            db: Mutex::new(db),
            under_way: Mutex::default(),
        })
    }

    /// Takes the turn of a key.
    pub(super) fn turn(&self, account: &str, key: &str) -> Result<Turn<'_>, Problem> {
        let visible = key.bytes().all(|b| (0x20..0x7f).contains(&b));
        if key.is_empty() || key.len() > KEY_CHARACTERS_MAX || !visible {
            let rule = format!("is 1 to {KEY_CHARACTERS_MAX} visible ASCII characters");
            return Err(Problem::parameter("Idempotency-Key", rule));
        }
        let of = (account.to_owned(), key.to_owned());
        if !lock(&self.under_way).insert(of.clone()) {
            return Err(Problem {
                retry_after_s: Some(1),
                ..Problem::new(
                    StatusCode::CONFLICT,
                    "under-way",
                    "The same request is under way",
                    "a request with this Idempotency-Key is being carried out; ask again in a moment",
                )
            });
        }
        Ok(Turn { once: self, of })
    }
}

impl Turn<'_> {
    pub(super) fn before(&self, request: &Hash, now: UtcMs) -> Result<Before, Problem> {
        const SQL: &str =
            "SELECT request, statement, answer FROM once WHERE account = ?1 AND key = ?2";
        let db = lock(&self.once.db);
        db.execute("DELETE FROM once WHERE at_ms < ?1", [now.0 - KEPT_MS])
            .map_err(failed)?;
        let found: Option<([u8; 32], Option<String>, Option<String>)> = db
            .prepare_cached(SQL)
            .and_then(|mut select| {
                select
                    .query_row(params![self.of.0, self.of.1], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()
            })
            .map_err(failed)?;
        match found {
            None => Ok(Before::Nothing),
            Some((known, ..)) if known != request.0 => Err(Problem {
                field: Some("Idempotency-Key".into()),
                ..Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "other-request",
                    "The key stands for another request",
                    "this Idempotency-Key was sent with another request; use a new one",
                )
            }),
            Some((_, _, Some(answer))) => Ok(Before::Answered(answer)),
            Some((_, Some(statement), None)) => Ok(Before::Signed(statement)),
            Some((_, None, None)) => Ok(Before::Nothing),
        }
    }

    pub(super) fn signed(
        &self,
        request: &Hash,
        statement: &str,
        now: UtcMs,
    ) -> Result<(), Problem> {
        lock(&self.once.db)
            .execute(
                "INSERT OR REPLACE INTO once (account, key, request, statement, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![self.of.0, self.of.1, request.0, statement, now.0],
            )
            .map(|_| ())
            .map_err(failed)
    }

    /// The answer; the statement is in the record now and not kept here.
    pub(super) fn answered(&self, answer: &str) -> Result<(), Problem> {
        lock(&self.once.db)
            .execute(
                "UPDATE once SET answer = ?3, statement = NULL WHERE account = ?1 AND key = ?2",
                params![self.of.0, self.of.1, answer],
            )
            .map(|_| ())
            .map_err(failed)
    }

    /// It was refused: whoever mends it may use the key again.
    pub(super) fn refused(&self) -> Result<(), Problem> {
        lock(&self.once.db)
            .execute(
                "DELETE FROM once WHERE account = ?1 AND key = ?2",
                params![self.of.0, self.of.1],
            )
            .map(|_| ())
            .map_err(failed)
    }
}
