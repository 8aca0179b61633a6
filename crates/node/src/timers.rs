//! Alarms: deadlines that pass become events that everybody who may know sees. They are no statements: whether something is
//! overdue follows from the record and the time. What was raised is kept, so that a restart neither loses nor repeats it; it
//! follows the node's clock, also when that jumps.

use crate::authority::Eyes;
use crate::views::{Alarm, Mark, ViewError, Views};
use record::name::Reference;
use record::time::{Clock, UtcMs};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use utoipa::ToSchema;

/// Alarms that are raised in one go.
const RAISED_MAX: u32 = 1000;
/// The file's name.
pub(crate) const FILE: &str = "node.db";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS alarm (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  eyes TEXT NOT NULL,
  about TEXT NOT NULL,
  what TEXT NOT NULL,
  part TEXT NOT NULL,
  by_sign TEXT NOT NULL,
  to_sign TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  raised_at INTEGER NOT NULL,
  UNIQUE (eyes, about, what, part, by_sign, due_at)
);
CREATE TABLE IF NOT EXISTS silenced (eyes TEXT NOT NULL, about TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (eyes, about)) WITHOUT ROWID;
";

/// What can go wrong with alarms.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// The database.
    #[error("node.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The views.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// An alarm that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlarmRow {
    /// Its number, in the order of raising.
    #[serde(skip)]
    pub id: i64,
    /// What it is about.
    pub about: String,
    /// What is owed.
    pub what: String,
    /// Which part of it.
    pub part: Option<String>,
    /// Who owes it.
    pub by: String,
    /// Who waits.
    pub to: String,
    /// When it was due.
    #[schema(format = DateTime)]
    pub due_at: String,
    /// When it was raised, by the node's clock.
    #[schema(format = DateTime)]
    pub raised_at: String,
}

/// Raises alarms, and keeps them.
pub struct Timers {
    db: Mutex<Connection>,
    /// Until when the deadlines of each reader were looked through. After a start they are looked through from the beginning:
    /// what was written just before the last end may not have been looked at.
    looked_until: Mutex<BTreeMap<Eyes, UtcMs>>,
    raised: watch::Sender<i64>,
}

/// Whose an alarm is.
pub(crate) fn spell(eyes: &Eyes) -> String {
    match eyes {
        Eyes::Node => "node".into(),
        Eyes::Public => "public".into(),
        Eyes::Participant(origin) => format!("of {origin}"),
    }
}

impl Timers {
    /// Opens the alarms in `dir`.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn open(dir: &Path) -> Result<Self, TimerError> {
        let db = Connection::open(dir.join(FILE))?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.execute_batch(TABLES)?;
        let last: Option<i64> = db.query_row("SELECT max(id) FROM alarm", [], |row| row.get(0))?;
        Ok(Self {
            db: Mutex::new(db),
            looked_until: Mutex::default(),
            raised: watch::Sender::new(last.unwrap_or(0)),
        })
    }

    /// Opens the alarms in `dir` to read them, beside the process that raises them. None were raised where there is no file.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn open_to_read(dir: &Path) -> Result<Self, TimerError> {
        let path = dir.join(FILE);
        let db = if path.exists() {
            crate::database::reader(&path)?
        } else {
            let db = Connection::open_in_memory()?;
            db.execute_batch(TABLES)?;
            db
        };
        Ok(Self {
            db: Mutex::new(db),
            looked_until: Mutex::default(),
            raised: watch::Sender::new(0),
        })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises what has come due for one reader: each deadline once, wherever the clock was meanwhile. Nothing is raised when the
    /// clock is set back while deadlines are read: what is said then is not judged by the time before.
    ///
    /// # Errors
    /// [`TimerError`]; what was not raised is raised the next time.
    pub fn raise(&self, views: &Views, clock: &dyn Clock) -> Result<usize, TimerError> {
        let mut looked = self
            .looked_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Until this is over it counts as not looked through at all.
        let before = looked.remove(views.eyes());
        let now = clock.now();
        let written = views.earliest_written();
        let from = before.unwrap_or(UtcMs(i64::MIN));
        let mut place = match written {
            Some(written) if written <= from => Mark::before(written),
            _ => Mark::after(from),
        };
        let mut due = views.standing_alarms(now)?;
        let mut raised = 0;
        let whole = loop {
            let (more, next) = views.alarms(&place, now, RAISED_MAX)?;
            due.extend(more);
            if clock.now() < now {
                break false;
            }
            raised += self.note(views, &std::mem::take(&mut due), now)?;
            match next {
                Some(next) => place = next,
                None => break true,
            }
        };
        // A clock that was set back looks through the same time again, and finds its alarms raised.
        if whole {
            looked.insert(views.eyes().clone(), now);
        }
        drop(looked);
        if raised > 0 {
            let last: Option<i64> =
                self.db()
                    .query_row("SELECT max(id) FROM alarm", [], |row| row.get(0))?;
            self.raised.send_replace(last.unwrap_or(0));
        }
        Ok(raised)
    }

    /// Keeps those of `alarms` that are not kept already; how many these are.
    fn note(&self, views: &Views, alarms: &[Alarm], now: UtcMs) -> Result<usize, TimerError> {
        const SQL: &str = "INSERT OR IGNORE INTO alarm (eyes, about, what, part, by_sign, to_sign, due_at, raised_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        if alarms.is_empty() {
            return Ok(0);
        }
        let eyes = spell(views.eyes());
        let mut db = self.db();
        let write = db.transaction()?;
        let mut raised = 0;
        for alarm in alarms {
            raised += write.prepare_cached(SQL)?.execute(params![
                eyes,
                alarm.about.to_string(),
                alarm.what,
                alarm.part.as_deref().unwrap_or(""),
                alarm.by,
                alarm.to,
                alarm.due_at.0,
                now.0
            ])?;
        }
        write.commit()?;
        Ok(raised)
    }

    /// Tells of each alarm that is raised: its number.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.raised.subscribe()
    }

    /// Alarms of `eyes` after number `after`, in the order of raising.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn since(&self, eyes: &Eyes, after: i64, max: u32) -> Result<Vec<AlarmRow>, TimerError> {
        const SQL: &str = "SELECT id, about, what, part, by_sign, to_sign, due_at, raised_at FROM alarm WHERE eyes = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let db = self.db();
        let mut select = db.prepare_cached(SQL)?;
        let rows = select.query_map(params![spell(eyes), after, max], |row| {
            Ok(AlarmRow {
                id: row.get(0)?,
                about: row.get(1)?,
                what: row.get(2)?,
                part: Some(row.get::<_, String>(3)?).filter(|part| !part.is_empty()),
                by: row.get(4)?,
                to: row.get(5)?,
                due_at: UtcMs(row.get(6)?).to_string(),
                raised_at: UtcMs(row.get(7)?).to_string(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A hand on a switch: the alarm of this object is quiet until something new happens. It acknowledges nothing.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn silence(&self, eyes: &Eyes, about: &Reference, now: UtcMs) -> Result<(), TimerError> {
        self.db().execute(
            "INSERT INTO silenced VALUES (?1, ?2, ?3) ON CONFLICT (eyes, about) DO UPDATE SET at_ms = ?3",
            params![spell(eyes), about.to_string(), now.0],
        )?;
        Ok(())
    }

    /// When the alarm of this object was silenced last.
    ///
    /// # Errors
    /// [`TimerError`].
    pub fn silenced_at(&self, eyes: &Eyes, about: &str) -> Result<Option<UtcMs>, TimerError> {
        let at = self
            .db()
            .prepare_cached("SELECT at_ms FROM silenced WHERE eyes = ?1 AND about = ?2")?
            .query_row(params![spell(eyes), about], |row| row.get(0))
            .optional()?;
        Ok(at.map(UtcMs))
    }
}
