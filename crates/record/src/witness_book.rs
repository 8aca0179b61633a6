//! What this node witnesses: for every log the largest head it cosigned, kept before the cosignature is given out, and the
//! evidence of forks.

use crate::c2sp::checkpoint::SignedCheckpoint;
use crate::c2sp::cosignature::CosignerKey;
use crate::c2sp::note::VerifierKey;
use crate::c2sp::witness::{Accepted, AddCheckpoint, Evidence, Refused, Witness};
use crate::store::StoreError;
use crate::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

/// The witness's database.
pub const WITNESS: &str = "witness.db";
/// Pieces of evidence kept per log; anybody can send heads that do not fit together, so their number is bounded.
pub const EVIDENCE_PER_LOG_MAX: i64 = 100;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS watched (origin TEXT PRIMARY KEY, keys TEXT NOT NULL, head TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS evidence (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, at_ms INTEGER NOT NULL, text TEXT NOT NULL UNIQUE);
";

/// A witness with its memory on disk.
pub struct WitnessBook {
    db: Connection,
    witness: Witness,
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Database {
        file: WITNESS,
        error,
    }
}

impl WitnessBook {
    /// Opens the witness's memory in `dir`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: &Path, key: CosignerKey) -> Result<Self, StoreError> {
        let db = Connection::open(dir.join(WITNESS)).map_err(failed)?;
        (|| {
            db.busy_timeout(std::time::Duration::from_secs(5))?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.execute_batch(SCHEMA)
        })()
        .map_err(failed)?;
        let mut book = Self {
            db,
            witness: Witness::new(key),
        };
        book.load()?;
        Ok(book)
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let rows: Vec<(String, String, Option<String>)> = self
            .db
            .prepare("SELECT origin, keys, head FROM watched")
            .and_then(|mut select| {
                select
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect()
            })
            .map_err(failed)?;
        let damaged = |error: String| StoreError::Damaged(format!("{WITNESS}: {error}"));
        for (origin, keys, head) in rows {
            let keys = keys
                .lines()
                .map(VerifierKey::parse)
                .collect::<Result<Vec<_>, _>>();
            let keys = keys.map_err(|error| damaged(error.to_string()))?;
            let head = head
                .map(|note| SignedCheckpoint::parse(note.as_bytes()))
                .transpose();
            let head = head.map_err(|error| damaged(error.to_string()))?;
            self.witness
                .watch(&origin, keys, head)
                .map_err(|error| damaged(error.to_string()))?;
        }
        Ok(())
    }

    /// This witness's verifier key.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.witness.verifier()
    }

    /// The largest head of log `origin` that was cosigned here.
    #[must_use]
    pub fn head(&self, origin: &str) -> Option<&SignedCheckpoint> {
        self.witness.head(origin)
    }

    /// Watches log `origin`, whose heads these keys sign. What was cosigned of it stays known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn watch(&mut self, origin: &str, keys: Vec<VerifierKey>) -> Result<(), StoreError> {
        let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
        self.db
            .execute(
                "INSERT INTO watched (origin, keys) VALUES (?1, ?2) ON CONFLICT (origin) DO UPDATE SET keys = ?2",
                params![origin, texts.join("\n")],
            )
            .map_err(failed)?;
        let head = self.witness.head(origin).cloned();
        let watched = self.witness.watch(origin, keys, head);
        watched.map_err(|error| StoreError::Damaged(format!("{WITNESS}: {error}")))
    }

    /// Judges a head, remembers it and only then gives the cosignature. Evidence of a fork is kept.
    ///
    /// # Errors
    /// The outer one is the store's; the inner one is the answer.
    pub fn add(
        &mut self,
        request: AddCheckpoint,
        now: UtcMs,
    ) -> Result<Result<Accepted, Refused>, StoreError> {
        let now_s = u64::try_from(now.seconds()).unwrap_or(0);
        let pending = match self.witness.add(request, now_s) {
            Ok(pending) => pending,
            Err(refused) => {
                if let Some(evidence) = refused.evidence() {
                    keep_evidence(&self.db, evidence, now)?; // protects: a_fork_is_kept_as_evidence
                }
                return Ok(Err(refused));
            }
        };
        let (origin, note) = (
            pending.head().checkpoint().origin().to_owned(),
            pending.head().to_string(),
        );
        self.db
            .execute(
                "UPDATE watched SET head = ?2 WHERE origin = ?1",
                params![origin, note],
            )
            .map_err(failed)?; // protects: a_witness_never_forgets_what_it_cosigned
        Ok(Ok(pending.persisted()))
    }

    /// Keeps evidence that was found elsewhere, for example by a mirror.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep(&mut self, evidence: &Evidence, now: UtcMs) -> Result<(), StoreError> {
        keep_evidence(&self.db, evidence, now)
    }

    /// The evidence kept of log `origin`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn evidence(&self, origin: &str) -> Result<Vec<String>, StoreError> {
        self.db
            .prepare("SELECT text FROM evidence WHERE origin = ?1 ORDER BY id")
            .and_then(|mut select| select.query_map([origin], |row| row.get(0))?.collect())
            .map_err(failed)
    }
}

fn keep_evidence(db: &Connection, evidence: &Evidence, now: UtcMs) -> Result<(), StoreError> {
    let origin = evidence.first().checkpoint().origin();
    let kept: i64 = db
        .query_row(
            "SELECT count(*) FROM evidence WHERE origin = ?1",
            [origin],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed)?
        .unwrap_or(0);
    if kept < EVIDENCE_PER_LOG_MAX {
        db.execute(
            "INSERT OR IGNORE INTO evidence (origin, at_ms, text) VALUES (?1, ?2, ?3)",
            params![origin, now.0, evidence.to_string()],
        )
        .map_err(failed)?;
    }
    Ok(())
}
