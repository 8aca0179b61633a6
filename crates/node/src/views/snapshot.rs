//! One moment of the views: whatever is read through it fits together. It is what the board is made of, so each question has an
//! index of its own and answers with the first rows and the number of all.

use super::group::{Logs, index};
use super::incidents::KnownTo;
use super::query::{OBJECT, OWED, OwedRow, line_at, owed_row};
use super::schema::{NOT_BY_ITSELF, OPEN_THEN, SPAN};
use super::{Context, ViewError, Views};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use truce::agreement::InstrumentState;
use truce::contact::LineState;
use truce::due::Item;
use truce::values::Slug;

/// How often a moment is looked for in which the tables and what every object depends on are of one batch.
const TRIES_MAX: usize = 4;
/// Longest day: a report that is known to the day begins at most so long before its end.
const DAY_MS_MAX: i64 = 25 * 3600 * 1000;

/// One moment of the views of one reader.
pub struct Snapshot<'s> {
    db: &'s Connection,
    logs: Logs,
    context: Arc<Context>,
}

/// The first rows, and how many there are.
#[derive(Debug, Clone)]
pub struct First<T> {
    /// The first of them.
    pub first: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

/// From which side debts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What it owes.
    Owes,
    /// What is owed to it.
    IsOwed,
}

/// Open debts of one side.
#[derive(Debug, Clone, Default)]
pub struct Debts {
    /// The first of them: what is overdue, then by deadline, then what has none.
    /// Each with the item by which it is ordered.
    pub first: Vec<(Item, OwedRow)>,
    /// How many there are.
    pub total: u64,
    /// How many of them are overdue.
    pub overdue: u64,
}

/// A report as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCounted {
    /// The earliest time that is possible.
    pub from: UtcMs,
    /// The latest time that is possible.
    pub until: UtcMs,
    /// Whether it is known to the day and no better.
    pub to_the_day: bool,
    /// The widest area that it names; empty when it names none.
    pub area: String,
    /// Whether it tells of something that the truce may forbid.
    pub alleges: bool,
    /// `denied`, `delayed` or `jammed`.
    pub access: Option<String>,
    /// Who is said to take part, a side a line.
    pub sides: String,
}

impl Views {
    /// Reads one moment.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn snapshot<T>(
        &self,
        read: impl Fn(&Snapshot<'_>) -> Result<T, ViewError>,
    ) -> Result<T, ViewError> {
        for tried in 1..=TRIES_MAX {
            let context = self.context();
            let last = tried == TRIES_MAX;
            let result = self.read(|db| {
                let sql = "SELECT value FROM state WHERE name = 'seq'";
                let seq: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
                if seq != context.seq && !last {
                    return Ok(None);
                }
                let logs = Logs::load(db)?;
                let snapshot = Snapshot { db, logs, context };
                read(&snapshot).map(Some)
            })?;
            if let Some(result) = result {
                return Ok(result);
            }
            if self.reading {
                self.reload()?;
            } else {
                std::thread::yield_now(); // the batch is committed and about to be told
            }
        }
        unreachable!("the last try reads whatever there is")
    }
}

impl Snapshot<'_> {
    /// What every object depends on.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn db(&self) -> &Connection {
        self.db
    }

    pub(super) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// FLASH that is open at `now`, the oldest first: the rows of its matters.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn open_flash(&self, now: UtcMs, max: u32) -> Result<First<String>, ViewError> {
        const OF: &str = "FROM owed INDEXED BY owed_flash JOIN object o ON o.id = owed.about WHERE what = 'flash' AND settled_at > ?1 AND said_at <= ?1";
        let total: i64 = self
            .db
            .prepare_cached(&format!("SELECT count(*) {OF}"))?
            .query_row([now.0], |row| row.get(0))?;
        let sql = format!("SELECT o.body {OF} ORDER BY said_at, owed.about LIMIT ?2");
        let first = self
            .db
            .prepare_cached(&sql)?
            .query_map(params![now.0, max], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(First {
            first,
            total: unsigned(total),
        })
    }

    /// Check-ins of movements that were missed at `now`, the longest missed first.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn not_heard_from(&self, now: UtcMs, max: u32) -> Result<First<OwedRow>, ViewError> {
        const OF: &str =
            "w.what = 'check_in' AND w.due_at <= ?1 AND w.settled_at > ?1 AND w.said_at <= ?1";
        let count = format!("SELECT count(*) FROM owed w INDEXED BY owed_check_in WHERE {OF}");
        let total: i64 = self
            .db
            .prepare_cached(&count)?
            .query_row([now.0], |row| row.get(0))?;
        let sql = format!(
            "{OWED} FROM owed w {OBJECT} WHERE {OF} ORDER BY w.due_at, w.about, w.n LIMIT ?2"
        );
        let mut select = self.db.prepare_cached(&sql)?;
        let mut rows = select.query(params![now.0, max])?;
        let mut first = Vec::new();
        while let Some(row) = rows.next()? {
            first.push(owed_row(self.db, &self.context, &self.logs, row, now)?.1);
        }
        Ok(First {
            first,
            total: unsigned(total),
        })
    }

    /// The lines of the instruments that are in force or suspended at `now`, as they were known then.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn lines(&self, now: UtcMs) -> Result<BTreeMap<(Reference, Slug), LineState>, ViewError> {
        let stands = |state| {
            matches!(
                state,
                InstrumentState::InForce { .. } | InstrumentState::Suspended { .. }
            )
        };
        let all = self.context.agreement.instruments.values();
        let mut lines = BTreeMap::new();
        for instrument in all.filter(|instrument| stands(instrument.at(now))) {
            for line in &instrument.table.lines {
                let state = line_at(self.db, &self.logs, line, now)?;
                lines.insert((instrument.reference.clone(), line.id.clone()), state);
            }
        }
        Ok(lines)
    }

    /// What `own` owes to others at `now`, or what others owe to it. Line tests and reliefs are not among it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn debts(
        &self,
        own: &CallSign,
        side: Side,
        now: UtcMs,
        max: usize,
    ) -> Result<Debts, ViewError> {
        let (of, other) = match side {
            Side::Owes => ("by_sign", "to_sign"),
            Side::IsOwed => ("to_sign", "by_sign"),
        };
        let sql = format!(
            "SELECT due_at, started_at, said_at, root, n FROM owed WHERE {of} = ?1 AND settled_at > ?2 AND said_at <= ?2 AND {other} <> ?1"
        );
        let mut select = self.db.prepare_cached(&sql)?;
        let mut rows = select.query(params![own.as_str(), now.0])?;
        let mut open: Vec<(i64, i64, i64, i64)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (due, started): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
            let runs = started.is_some_and(|at| at <= now.0);
            let due = due.filter(|_| runs).unwrap_or(i64::MAX);
            open.push((due, row.get(2)?, row.get(3)?, row.get(4)?));
        }
        let overdue = open.iter().filter(|(due, ..)| *due <= now.0).count() as u64;
        let total = open.len() as u64;
        if open.len() > max {
            open.select_nth_unstable(max);
            open.truncate(max);
        }
        open.sort_unstable();
        let first = open
            .into_iter()
            .map(|(_, _, object, n)| self.owed(object, n, now));
        Ok(Debts {
            first: first
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?,
            total,
            overdue,
        })
    }

    fn owed(&self, object: i64, n: i64, now: UtcMs) -> Result<Option<(Item, OwedRow)>, ViewError> {
        let sql = format!("{OWED} FROM owed w {OBJECT} WHERE w.root = ?1 AND w.n = ?2");
        let mut select = self.db.prepare_cached(&sql)?;
        let mut rows = select.query([object, n])?;
        let row = rows.next()?;
        row.map(|row| owed_row(self.db, &self.context, &self.logs, row, now))
            .transpose()
    }

    /// The oldest open item in each direction between two participants, the oldest first.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn oldest_by_direction(&self, now: UtcMs, max: usize) -> Result<First<OwedRow>, ViewError> {
        let sql = format!(
            "SELECT min(w.said_at), w.root, w.n {OPEN_THEN} WHERE w.by_sign <> w.to_sign GROUP BY w.by_sign, w.to_sign"
        );
        let mut select = self.db.prepare_cached(&sql)?;
        let rows = select.query_map([now.0], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?;
        let mut all: Vec<(i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
        all.sort_unstable();
        let total = all.len() as u64;
        let first = all
            .into_iter()
            .take(max)
            .map(|(_, root, n)| Ok::<_, ViewError>(self.owed(root, n, now)?.map(|(_, row)| row)));
        Ok(First {
            first: first
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?,
            total,
        })
    }

    /// Reports of what may have happened between two times and that were filed until the second one. Those that are known to no
    /// single day are counted apart.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn reports(
        &self,
        from: UtcMs,
        now: UtcMs,
        each: &mut dyn FnMut(ReportCounted),
    ) -> Result<u64, ViewError> {
        const SQL: &str = "SELECT from_ms, until_ms, known_to, area, alleges, access, sides FROM report WHERE from_ms > ?1 AND from_ms < ?3 AND until_ms > ?2 AND said_ms <= ?3 AND known_to < 2";
        const VAGUE: &str = "SELECT count(*) FROM report INDEXED BY report_vague WHERE known_to = 2 AND until_ms > ?1 AND from_ms < ?2 AND said_ms <= ?2";
        let mut select = self.db.prepare_cached(SQL)?;
        let mut rows = select.query([from.0 - DAY_MS_MAX, from.0, now.0])?;
        while let Some(row) = rows.next()? {
            each(ReportCounted {
                from: UtcMs(row.get(0)?),
                until: UtcMs(row.get(1)?),
                to_the_day: row.get::<_, i64>(2)? == KnownTo::Day as i64,
                area: row.get(3)?,
                alleges: row.get(4)?,
                access: row.get(5)?,
                sides: row.get(6)?,
            });
        }
        let vague: i64 = self
            .db
            .prepare_cached(VAGUE)?
            .query_row([from.0, now.0], |row| row.get(0))?;
        Ok(unsigned(vague))
    }

    /// Whether any statement of a kind that begins with `prefix` is held: `movement.`, `effort.`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn holds_kind(&self, prefix: &str) -> Result<bool, ViewError> {
        // The next text after all that begin so: a dot is followed by a slash.
        let until = format!("{}/", prefix.trim_end_matches('.'));
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM statement WHERE kind >= ?1 AND kind < ?2)";
        Ok(self
            .db
            .prepare_cached(SQL)?
            .query_row([prefix, &until], |row| row.get(0))?)
    }

    /// The index of the last entry of a log that the reader reads.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn last_read(&self, origin: &Origin) -> Result<Option<u64>, ViewError> {
        const SQL: &str = "SELECT max(id) FROM statement WHERE id BETWEEN ?1 AND ?2";
        let last = self.of_log(SQL, origin)?;
        Ok(last.map(index))
    }

    /// When somebody last said something in a log that the reader reads. What machines say by themselves is nobody's word.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn last_said(&self, origin: &Origin) -> Result<Option<UtcMs>, ViewError> {
        let sql = format!(
            "SELECT at_ms FROM statement WHERE id BETWEEN ?1 AND ?2 AND {NOT_BY_ITSELF} ORDER BY id DESC LIMIT 1"
        );
        Ok(self.of_log(&sql, origin)?.map(UtcMs))
    }

    fn of_log(&self, sql: &str, origin: &Origin) -> Result<Option<i64>, ViewError> {
        let Some(log) = self.logs.known(origin) else {
            return Ok(None);
        };
        let (first, last) = (log * SPAN, (log + 1) * SPAN - 1);
        let found: Option<Option<i64>> = self
            .db
            .prepare_cached(sql)?
            .query_row([first, last], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
