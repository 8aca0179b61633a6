//! Reads of exact places: every answer that tells where a notified site or movement is, is counted, by account, day and notice.
//! A list of protected places becomes a list of targets in wrong hands; so whoever reads many of others' places within an hour
//! (`lately`), or asks again and again about one ground (`probes`), is told of to his own side. It stops nobody: a duty officer has
//! to be able to read at three in the morning.
//!
//! `reads.db` is about acts of accounts, and is apart from the record and from the accounts. It has days and numbers and no times:
//! anything finer would be a diary. One transaction an answer, not synced at each commit: a kill loses nothing, a power cut at most
//! what was counted since the last checkpoint of the write-ahead log. An alert is synced.

mod lately;
mod probes;

pub use lately::NOTICES_AN_HOUR_MAX;
pub use probes::{CHECKS_KEPT_MAX, OVERLAPS_MIN, Probe};

use crate::accounts::AccountId;
use crate::accounts::store::for_owner_alone;
use crate::database;
use lately::Lately;
use probes::Probes;
use record::name::{CallSign, Origin};
use record::time::UtcMs;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The file.
pub const READS: &str = "reads.db";
/// How many days a count is kept. Owners look at their sites again about every half year; who read a place is asked for then.
pub const READS_KEPT_DAYS: i64 = 190;
/// How many days an alert is kept.
pub const ALERTS_KEPT_DAYS: i64 = 366;
/// Over which time reads and checks are added up, and how long one account raises no second alert of the same sort.
pub const WINDOW_MS: i64 = 3_600_000;
/// Accounts of which the last hour is remembered; beyond, an arbitrary one is forgotten.
const ACCOUNTS_MAX: usize = 4_096;
/// How long an answer waits for another process that writes, before it goes out uncounted.
const BUSY_WAIT: Duration = Duration::from_millis(500);
const DAY_MS: i64 = 86_400_000;
/// The layout's version, kept in `user_version`.
const LAYOUT: i64 = 1;

const TABLES: &str = "
CREATE TABLE notice (id INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE);
CREATE TABLE read (participant TEXT NOT NULL, day INTEGER NOT NULL, notice INTEGER NOT NULL, account BLOB NOT NULL,
  times INTEGER NOT NULL, PRIMARY KEY (participant, day, notice, account)) WITHOUT ROWID;
CREATE TABLE alert (id INTEGER PRIMARY KEY AUTOINCREMENT, participant TEXT NOT NULL, account BLOB NOT NULL, what TEXT NOT NULL,
  number INTEGER NOT NULL, raised_at INTEGER NOT NULL);
CREATE INDEX alert_of ON alert (participant, id);
CREATE INDEX alert_last ON alert (account, what, raised_at);
";

/// What can go wrong with counting.
#[derive(Debug, thiserror::Error)]
pub enum ReadsError {
    /// The database.
    #[error("{READS}: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file.
    #[error("{READS}: {0}")]
    File(#[from] std::io::Error),
    /// The file was made by a newer program.
    #[error(
        "{READS} has layout {0}, which this program does not know; use the program that made it, or a newer one"
    )]
    Layout(i64),
}

/// Whoever reads: an account, of which participant, and whose log is that participant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The account, also when it reads by a token.
    pub account: AccountId,
    /// For whom it acts.
    pub participant: CallSign,
    /// The participant's own log, when this node keeps it: reading one's own notices finds out nothing.
    pub own: Option<Origin>,
}

/// What is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// One account read the exact places of many notices of others.
    Enumeration,
    /// One account checked one ground many times.
    OverlappingProbes,
}

impl What {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Enumeration, Self::OverlappingProbes];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enumeration => "enumeration",
            Self::OverlappingProbes => "overlapping_probes",
        }
    }
}

/// Something out of the ordinary that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number, in the order of raising.
    pub id: i64,
    /// Who did it.
    pub account: AccountId,
    /// What.
    pub what: What,
    /// Of how many notices, or of how many checks, within [`WINDOW_MS`].
    pub number: u64,
    /// When it was noticed.
    pub raised_at: UtcMs,
}

/// How often one account read the exact place of one notice on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// In days since 1970, UTC.
    pub day: i64,
    /// The first notice of the site or movement: full reference.
    pub notice: String,
    /// Who.
    pub account: AccountId,
    /// In how many answers.
    pub times: u64,
    /// Where it stands in the list.
    pub position: Position,
}

/// A place in the list of counts: day, local number of the notice, account.
pub type Position = (i64, i64, AccountId);

/// Which counts are asked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of one notice, by its full reference.
    pub notice: Option<String>,
    /// Of one account.
    pub account: Option<AccountId>,
    /// Of one day.
    pub day: Option<i64>,
    /// After this row.
    pub after: Option<Position>,
    /// Rows at most.
    pub limit: usize,
}

/// Counts reads, and keeps what was counted.
pub struct Reads {
    db: Mutex<Connection>,
    /// Whoever looks through the counts holds up nobody who reads a place.
    reading: Mutex<Connection>,
    lately: Mutex<HashMap<AccountId, Lately>>,
    probes: Mutex<HashMap<AccountId, Probes>>,
    raised: watch::Sender<i64>,
    /// The day on which what is old was deleted last.
    cleared_day: AtomicI64,
    /// The last answer could not be counted.
    failing: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `at` lies within the window that ends at `now`. A clock that was set back makes neither an hour of a year nor a year of
/// an hour.
fn within(at: UtcMs, now: UtcMs) -> bool {
    now.0.abs_diff(at.0) < WINDOW_MS.unsigned_abs()
}

/// Makes room for one account more.
fn make_room<K: Copy + Eq + Hash, V>(of: &mut HashMap<K, V>, more: &K) {
    if of.len() >= ACCOUNTS_MAX && !of.contains_key(more) {
        let any = of.keys().next().copied();
        any.and_then(|any| of.remove(&any));
    }
}

impl Reads {
    /// Opens the counts in `dir`.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub fn open(dir: &Path) -> Result<Self, ReadsError> {
        let path = dir.join(READS);
        for_owner_alone(&path)?;
        let db = Connection::open(&path)?;
        db.busy_timeout(BUSY_WAIT)?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        match db.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => db.execute_batch(&format!(
                "BEGIN; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;"
            ))?,
            LAYOUT => {}
            other => return Err(ReadsError::Layout(other)),
        }
        let last: Option<i64> = db.query_row("SELECT max(id) FROM alert", [], |row| row.get(0))?;
        Ok(Self {
            reading: Mutex::new(database::reader(&path)?),
            db: Mutex::new(db),
            lately: Mutex::default(),
            probes: Mutex::default(),
            raised: watch::Sender::new(last.unwrap_or(0)),
            cleared_day: AtomicI64::new(i64::MIN),
            failing: AtomicBool::new(false),
        })
    }

    /// Counts one answer that tells `reader` the exact places of these notices, each by its first notice. It is called before the
    /// answer goes out.
    ///
    /// # Errors
    /// [`ReadsError`]; the answer is not counted then.
    pub fn count(
        &self,
        reader: &Reader,
        notices: &BTreeSet<String>,
        now: UtcMs,
    ) -> Result<(), ReadsError> {
        if notices.is_empty() {
            return Ok(());
        }
        let ids = self.write(reader, notices, now);
        self.failing.store(ids.is_err(), Ordering::Relaxed);
        let own = reader.own.as_ref().map(|own| format!("{own}#"));
        let is_own = |notice: &str| own.as_ref().is_some_and(|own| notice.starts_with(own));
        let others = ids?.into_iter().filter(|(notice, _)| !is_own(notice));
        let distinct = {
            let mut lately = lock(&self.lately);
            make_room(&mut lately, &reader.account);
            let of_account = lately.entry(reader.account).or_default();
            of_account.read(others.map(|(_, id)| id), now)
        };
        if distinct > NOTICES_AN_HOUR_MAX {
            self.raise(reader, What::Enumeration, distinct, now)?;
        }
        Ok(())
    }

    fn write<'n>(
        &self,
        reader: &Reader,
        notices: &'n BTreeSet<String>,
        now: UtcMs,
    ) -> Result<Vec<(&'n str, i64)>, ReadsError> {
        const KNOWN: &str = "SELECT id FROM notice WHERE reference = ?1";
        const NEW: &str = "INSERT INTO notice (reference) VALUES (?1)";
        const ONCE_MORE: &str = "INSERT INTO read VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT DO UPDATE SET times = times + 1";
        let day = now.0.div_euclid(DAY_MS);
        let mut db = lock(&self.db);
        let write = db.transaction()?;
        let mut ids = Vec::with_capacity(notices.len());
        for notice in notices {
            let known: Option<i64> = write
                .prepare_cached(KNOWN)?
                .query_row([notice], |row| row.get(0))
                .optional()?;
            let id = match known {
                Some(id) => id,
                None => write.prepare_cached(NEW)?.insert([notice])?,
            };
            write.prepare_cached(ONCE_MORE)?.execute(params![
                reader.participant.as_str(),
                day,
                id,
                reader.account
            ])?;
            ids.push((notice.as_str(), id));
        }
        write.commit()?;
        Ok(ids)
    }

    /// Remembers which ground `reader` checked, for an hour and in memory alone.
    ///
    /// # Errors
    /// [`ReadsError`] when an alert cannot be kept.
    pub fn checked(&self, reader: &Reader, probe: Probe, now: UtcMs) -> Result<(), ReadsError> {
        let overlaps = {
            let mut probes = lock(&self.probes);
            make_room(&mut probes, &reader.account);
            let of_account = probes.entry(reader.account).or_default();
            of_account.add(probe, now)
        };
        if overlaps >= OVERLAPS_MIN {
            self.raise(reader, What::OverlappingProbes, overlaps, now)?;
        }
        Ok(())
    }

    /// Raises an alert, unless the same account raised the same within the hour.
    fn raise(
        &self,
        reader: &Reader,
        what: What,
        number: usize,
        now: UtcMs,
    ) -> Result<(), ReadsError> {
        const LAST: &str = "SELECT count(*) FROM alert WHERE account = ?1 AND what = ?2 AND raised_at > ?3 AND raised_at < ?4";
        const NEW: &str = "INSERT INTO alert (participant, account, what, number, raised_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let db = lock(&self.db);
        let (account, word) = (reader.account, what.as_str());
        let lately: i64 = db.prepare_cached(LAST)?.query_row(
            params![account, word, now.0 - WINDOW_MS, now.0 + WINDOW_MS],
            |row| row.get(0),
        )?;
        if lately > 0 {
            return Ok(());
        }
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let sign = reader.participant.as_str();
        db.pragma_update(None, "synchronous", "FULL")?;
        let raised = db.execute(NEW, params![sign, account, word, number, now.0]);
        db.pragma_update(None, "synchronous", "NORMAL")?;
        raised?;
        let id = db.last_insert_rowid();
        drop(db);
        tracing::warn!(what = word, participant = sign, "an alert was raised");
        self.raised.send_replace(id);
        Ok(())
    }

    /// Tells of each alert that is raised: its number.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.raised.subscribe()
    }

    /// Alerts about accounts of `participant` after number `after`, in the order of raising.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub fn alerts(
        &self,
        participant: &CallSign,
        after: i64,
        max: u32,
    ) -> Result<Vec<Alert>, ReadsError> {
        const SQL: &str = "SELECT id, account, what, number, raised_at FROM alert WHERE participant = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let db = lock(&self.reading);
        let mut select = db.prepare_cached(SQL)?;
        let rows = select.query_map(params![participant.as_str(), after, max], alert)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts of reads by accounts of `participant`, the newest day first, and how many there are in all.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub fn counts(
        &self,
        participant: &CallSign,
        query: &Query,
    ) -> Result<(Vec<Count>, u64), ReadsError> {
        const WHICH: &str = "FROM read r JOIN notice n ON n.id = r.notice WHERE r.participant = ?1 AND (?2 IS NULL OR n.reference = ?2) AND (?3 IS NULL OR r.account = ?3) AND (?4 IS NULL OR r.day = ?4)";
        let db = lock(&self.reading);
        let sign = participant.as_str();
        let total: i64 = db
            .prepare_cached(&format!("SELECT count(*) {WHICH}"))?
            .query_row(
                params![sign, query.notice, query.account, query.day],
                |row| row.get(0),
            )?;
        let sql = format!(
            "SELECT r.day, r.notice, r.account, n.reference, r.times {WHICH} AND (?5 IS NULL OR (r.day, r.notice, r.account) < (?5, ?6, ?7)) ORDER BY r.day DESC, r.notice DESC, r.account DESC LIMIT ?8"
        );
        let (day, notice, account) = match query.after {
            Some((day, notice, account)) => (Some(day), Some(notice), Some(account)),
            None => (None, None, None),
        };
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let mut select = db.prepare_cached(&sql)?;
        let rows = select.query_map(
            params![
                sign,
                query.notice,
                query.account,
                query.day,
                day,
                notice,
                account,
                limit
            ],
            |row| {
                let position = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Count {
                    day: position.0,
                    account: position.2,
                    notice: row.get(3)?,
                    times: unsigned(row.get(4)?),
                    position,
                })
            },
        )?;
        Ok((rows.collect::<Result<_, _>>()?, unsigned(total)))
    }

    /// Forgets what is older than an hour in memory, and once a day what is too old in the file.
    ///
    /// # Errors
    /// [`ReadsError`].
    pub fn upkeep(&self, now: UtcMs) -> Result<(), ReadsError> {
        lock(&self.lately).retain(|_, lately| lately.is_alive(now));
        lock(&self.probes).retain(|_, probes| probes.is_alive(now));
        let today = now.0.div_euclid(DAY_MS);
        if self.cleared_day.swap(today, Ordering::Relaxed) == today {
            return Ok(());
        }
        let mut db = lock(&self.db);
        let write = db.transaction()?;
        let gone = write.execute("DELETE FROM read WHERE day < ?1", [today - READS_KEPT_DAYS])?;
        if gone > 0 {
            write.execute(
                "DELETE FROM notice WHERE id NOT IN (SELECT notice FROM read)",
                [],
            )?;
        }
        write.execute(
            "DELETE FROM alert WHERE raised_at < ?1",
            [now.0 - ALERTS_KEPT_DAYS * DAY_MS],
        )?;
        Ok(write.commit()?)
    }

    /// Whether the last answer could be counted.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }
}

fn alert(row: &Row<'_>) -> Result<Alert, rusqlite::Error> {
    let word: String = row.get(2)?;
    let what = What::ALL.iter().find(|what| what.as_str() == word);
    Ok(Alert {
        id: row.get(0)?,
        account: row.get(1)?,
        what: *what.ok_or_else(|| {
            let error = format!("{word} is no alert that this program knows");
            rusqlite::Error::FromSqlConversionFailure(2, Type::Text, error.into())
        })?,
        number: unsigned(row.get(3)?),
        raised_at: UtcMs(row.get(4)?),
    })
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use space::{
        AltitudeBand, Footprint, HorizontalDatum, LonLat, NoHeights, UtcMs as At, Volume, Window,
    };

    const HOUR: i64 = WINDOW_MS;
    const NOON: UtcMs = UtcMs(1_456_833_600_000); // 2016-03-01T12:00:00Z

    fn reader(n: u8) -> Reader {
        Reader {
            account: AccountId([n; 16]),
            participant: "US".parse().unwrap(),
            own: Some("truce.example/us".parse().unwrap()),
        }
    }

    fn notices(of: &str, numbers: std::ops::Range<usize>) -> BTreeSet<String> {
        numbers.map(|n| format!("{of}#{n}:hash")).collect()
    }

    fn others(numbers: std::ops::Range<usize>) -> BTreeSet<String> {
        notices("truce.example/hum", numbers)
    }

    fn raised(reads: &Reads) -> Vec<Alert> {
        reads.alerts(&"US".parse().unwrap(), 0, 100).unwrap()
    }

    #[test]
    fn what_is_too_old_is_deleted_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let reads = Reads::open(dir.path()).unwrap();
        let sign = "US".parse().unwrap();
        let query = Query {
            limit: 10,
            ..Query::default()
        };
        reads.upkeep(NOON).unwrap();
        reads.count(&reader(1), &others(0..60), NOON).unwrap();
        let later = UtcMs(NOON.0 + READS_KEPT_DAYS * DAY_MS);
        reads.count(&reader(1), &others(0..1), later).unwrap();
        reads.upkeep(later).unwrap();
        assert_eq!(reads.counts(&sign, &query).unwrap().1, 61);
        let day = UtcMs(later.0 + DAY_MS);
        reads.upkeep(day).unwrap();
        assert_eq!(reads.counts(&sign, &query).unwrap().1, 1);
        assert_eq!(raised(&reads).len(), 1);
        let much_later = UtcMs(later.0 + (READS_KEPT_DAYS + 1) * DAY_MS);
        reads.upkeep(much_later).unwrap();
        assert!(raised(&reads).is_empty());
        let notices: i64 = lock(&reads.db)
            .query_row("SELECT count(*) FROM notice", [], |row| row.get(0))
            .unwrap();
        assert_eq!(notices, 0, "no name of a notice stays that nobody read");
    }

    #[test]
    fn a_clock_that_is_set_back_neither_hides_an_alert_for_long_nor_repeats_it() {
        let dir = tempfile::tempdir().unwrap();
        let reads = Reads::open(dir.path()).unwrap();
        reads.count(&reader(1), &others(0..51), NOON).unwrap();
        let back = UtcMs(NOON.0 - HOUR / 2);
        reads.count(&reader(1), &others(0..51), back).unwrap();
        assert_eq!(raised(&reads).len(), 1);
        let day_before = UtcMs(NOON.0 - DAY_MS);
        reads.count(&reader(1), &others(0..51), day_before).unwrap();
        assert_eq!(raised(&reads).len(), 2);
    }

    #[test]
    fn only_notices_of_others_by_one_account_add_up() {
        let dir = tempfile::tempdir().unwrap();
        let reads = Reads::open(dir.path()).unwrap();
        let own = notices("truce.example/us", 0..500);
        reads.count(&reader(1), &own, NOON).unwrap();
        // The log of somebody whose name begins alike is not one's own.
        let alike = notices("truce.example/us2", 0..25);
        reads.count(&reader(1), &alike, NOON).unwrap();
        reads.count(&reader(1), &others(0..25), NOON).unwrap();
        reads.count(&reader(2), &others(25..75), NOON).unwrap();
        assert!(raised(&reads).is_empty());
        reads.count(&reader(1), &others(25..26), NOON).unwrap();
        let raised = raised(&reads);
        assert_eq!((raised.len(), raised[0].number), (1, 51));
        assert_eq!(raised[0].account, reader(1).account);
    }

    #[test]
    fn what_is_remembered_of_accounts_has_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let reads = Reads::open(dir.path()).unwrap();
        for n in 0..ACCOUNTS_MAX + 10 {
            let mut one = reader(0);
            one.account.0[..8].copy_from_slice(&(n as u64).to_be_bytes());
            reads.checked(&one, circle(37.0, 0.0), NOON).unwrap();
        }
        assert_eq!(lock(&reads.probes).len(), ACCOUNTS_MAX);
        reads.upkeep(UtcMs(NOON.0 + HOUR)).unwrap();
        assert!(lock(&reads.probes).is_empty());
        let mut probes = Probes::default();
        for n in 0..CHECKS_KEPT_MAX + 10 {
            assert_eq!(probes.add(circle(37.0, 0.0), NOON), n.min(CHECKS_KEPT_MAX));
        }
    }

    fn circle(lon: f64, lat: f64) -> Probe {
        let footprint = Footprint::Circle {
            centre: LonLat::new(lon, lat),
            radius_m: 1_000.0,
        };
        let window = Window::new(At(0), None).unwrap();
        let volume = Volume::still(
            &footprint,
            HorizontalDatum::Wgs84,
            AltitudeBand::ALL,
            window,
            &NoHeights,
        );
        Probe::of(&[volume.unwrap()])
    }

    #[test]
    fn checks_overlap_by_their_ground_also_where_longitudes_begin_anew() {
        let count = |places: &[(f64, f64)]| {
            let mut probes = Probes::default();
            let mut last = 0;
            for (lon, lat) in places {
                last = probes.add(circle(*lon, *lat), NOON);
            }
            last
        };
        assert_eq!(count(&[(37.0, 36.0), (37.005, 36.005)]), 1);
        assert_eq!(count(&[(37.0, 36.0), (37.1, 36.0)]), 0);
        assert_eq!(count(&[(179.999, 10.0), (-179.999, 10.0)]), 1);
        assert_eq!(count(&[(-179.999, 10.0), (179.999, 10.0)]), 1);
        assert_eq!(count(&[(180.0, 10.0), (0.0, 10.0)]), 0);
    }

    #[test]
    fn another_layout_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        drop(Reads::open(dir.path()).unwrap());
        let db = Connection::open(dir.path().join(READS)).unwrap();
        db.pragma_update(None, "user_version", 7).unwrap();
        assert!(matches!(
            Reads::open(dir.path()),
            Err(ReadsError::Layout(7))
        ));
    }
}
