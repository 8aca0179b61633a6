//! Notified, then hit: which reports tell of something in or near what had been notified before, of all that one reader reads. The rule
//! is `truce::notified`; here is what is looked at, and in which order, so that a month of reports beside all notices is no work.

use super::compute::count;
use super::fold::{Fold, reference};
use super::group::{Group, Logs};
use super::query::{Change, held};
use super::schema::OPEN;
use super::snapshot::Snapshot;
use super::{Context, ViewError};
use crate::deconfliction::nearness::{Around, Protected, boxes_meet};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use truce::Truce;
use truce::notified::{self, Cases, Counting, Happened, Nearness, Steps};
use truce::values::Position;
use truce::wire::{Place, Wire};

/// Most versions of notices that are looked at in one question.
pub const NOTICES_MAX: usize = 50_000;
/// Most reports that are looked at in one question.
pub const REPORTS_MAX: usize = 10_000;
/// Most pairs of a report and a notice that are measured in one question.
pub const MEASURED_MAX: usize = 200_000;
/// Most candidates in one answer.
pub const CANDIDATES_MAX: usize = 5_000;
/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateQuery {
    /// Reports of what happened from then on.
    pub from: UtcMs,
    /// Until before then.
    pub until: UtcMs,
    /// Only notices of this participant.
    pub by: Option<CallSign>,
    /// Only this site or movement: any statement that belongs to it.
    pub notice: Option<Reference>,
    /// Only this report.
    pub report: Option<Reference>,
}

impl CandidateQuery {
    /// All reports of a time, beside all notices.
    #[must_use]
    pub fn all(from: UtcMs, until: UtcMs) -> Self {
        Self {
            from,
            until,
            by: None,
            notice: None,
            report: None,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidatesFound {
    /// Reports of what began from the one until before the other time were looked at.
    pub period: (UtcMs, UtcMs),
    /// Candidates, beside what was looked at.
    pub cases: Cases,
    /// Of each candidate, in their order, whose notice it is.
    pub of: Vec<NoticeOf>,
    /// Notices that the engine does not take, and why: nobody knows whether anything happened near them.
    pub not_compared: BTreeMap<Reference, String>,
}

/// Whose notice a candidate is about, and what counted as near it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeOf {
    /// `site` or `movement`.
    pub capability: String,
    /// Whose it is.
    pub by: String,
    /// How many metres away was near.
    pub near_m: i64,
}

/// There is more than is looked at in one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// Notices.
    #[error(
        "there are more than {NOTICES_MAX} versions of notices to look at; ask for one participant's notices (`by`) or one notice"
    )]
    Notices,
    /// Reports.
    #[error("there are more than {REPORTS_MAX} reports to look at; ask for a shorter time")]
    Reports,
    /// Pairs of both.
    #[error(
        "more than {MEASURED_MAX} times a report may be near a notice; ask for a shorter time, or for one participant's notices (`by`)"
    )]
    Measured,
    /// Candidates.
    #[error(
        "there are more than {CANDIDATES_MAX} candidates; ask for a shorter time, or for one participant's notices (`by`)"
    )]
    Candidates,
}

impl TooMuch {
    /// By which part of the question it is narrowed best.
    #[must_use]
    pub fn narrowed_by(self) -> &'static str {
        match self {
            Self::Notices => "by",
            Self::Reports | Self::Measured | Self::Candidates => "from",
        }
    }
}

/// A version of a notice, as its row has it.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    times: Vec<(i64, Option<i64>)>,
    /// By call sign: when it got there, was acknowledged, was passed down.
    steps: BTreeMap<String, (i64, Option<i64>, Option<i64>)>,
    placed: bool,
    not_compared: Option<String>,
}

impl Fold {
    /// The versions of the notices of this group that counted at some time.
    pub(super) fn put_countings(&mut self, group: &Group, part: &Truce) -> Result<(), ViewError> {
        let sites = part
            .sites
            .values()
            .map(|site| (&site.reference, &site.by, notified::of_site(site)));
        let movements = part.movements.values();
        let movements = movements.map(|movement| {
            (
                &movement.reference,
                &movement.by,
                notified::of_movement(movement),
            )
        });
        for (notice, by, counting) in sites.chain(movements) {
            let id = self.id_of(notice)?;
            if !group.members.contains_key(&id) {
                continue;
            }
            for (n, counting) in counting.iter().enumerate() {
                self.put_counting((id, count(n)), by, counting, protected(part, counting))?;
            }
            self.drop_countings(id, count(counting.len()))?;
        }
        Ok(())
    }

    fn put_counting(
        &self,
        (id, n): (i64, i64),
        by: &CallSign,
        counting: &Counting,
        protected: Option<Result<Protected, String>>,
    ) -> Result<(), ViewError> {
        const SQL: &str = "INSERT INTO counting (id, n, from_ms, until_ms, by_sign, south, north, west, east, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id, n) DO UPDATE SET from_ms = ?3, until_ms = ?4, by_sign = ?5, south = ?6, north = ?7, west = ?8, east = ?9, body = ?10 WHERE body <> ?10 OR by_sign <> ?5";
        let (extent, not_compared) = match protected {
            Some(Ok(protected)) => (protected.extent_e7().map(Some), None),
            Some(Err(why)) => ([None; 4], Some(why)),
            None => ([None; 4], None),
        };
        let ms = |at: Option<UtcMs>| at.map(|at| at.0);
        let times = counting.times.iter();
        let steps = counting.steps.iter().map(|(sign, steps)| {
            let at = (
                steps.delivered_at.0,
                ms(steps.acknowledged_at),
                ms(steps.passed_down_at),
            );
            (sign.to_string(), at)
        });
        let kept = Kept {
            version: counting.version.to_string(),
            times: times.map(|(from, until)| (from.0, ms(*until))).collect(),
            steps: steps.collect(),
            placed: counting.placed,
            not_compared,
        };
        let [south, north, west, east] = extent;
        self.db.prepare_cached(SQL)?.execute(params![
            id,
            n,
            counting.from().0,
            counting.until().map_or(OPEN, |until| until.0),
            by.as_str(),
            south,
            north,
            west,
            east,
            super::objects::json(&kept)
        ])?;
        Ok(())
    }

    /// Forgets the versions of a notice from the `n`th on.
    pub(super) fn drop_countings(&self, id: i64, n: i64) -> Result<(), ViewError> {
        self.db
            .prepare_cached("DELETE FROM counting WHERE id = ?1 AND n >= ?2")?
            .execute([id, n])?;
        Ok(())
    }
}

/// Where the version is, as far as that can lie; `None` where its exact place is not read here.
fn protected(part: &Truce, counting: &Counting) -> Option<Result<Protected, String>> {
    let site = part.sites.get(&counting.notice);
    let mut versions = site.into_iter().flat_map(|site| &site.versions);
    let protected = if let Some(version) = versions.find(|v| v.reference == counting.version) {
        let exact = version.notice.exact.as_ref()?;
        Protected::site(
            exact,
            version.notice.body.valid_from.utc(),
            notified::NEAR_M_DEFAULT,
        )
    } else {
        let movement = part.movements.get(&counting.notice)?;
        let mut versions = movement.versions.iter();
        let version = versions.find(|v| v.reference == counting.version)?;
        Protected::movement(version.notice.exact.as_ref()?)
    };
    Some(protected.map_err(|error| error.to_string()))
}

/// A version of a notice that is looked at.
struct Looked {
    id: i64,
    extent: Option<[i64; 4]>,
    body: String,
}

/// A report that is looked at.
struct Told {
    report: Reference,
    from: UtcMs,
    around: Option<Around>,
}

/// Which reports are read.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    One(i64),
    Placed,
}

impl Snapshot<'_> {
    /// Which reports tell of something in or near what had been notified before.
    ///
    /// # Errors
    /// [`ViewError`]; [`TooMuch`] when there is more than is looked at in one question. `None` when there is no such notice or report
    /// that the reader reads.
    pub fn candidates(
        &self,
        asked: &CandidateQuery,
    ) -> Result<Option<Result<CandidatesFound, TooMuch>>, ViewError> {
        let (db, logs) = (self.db(), self.logs());
        let notice = match &asked.notice {
            Some(notice) => match notice_id(db, logs, notice)? {
                Some(id) => Some(id),
                None => return Ok(None),
            },
            None => None,
        };
        let report = match &asked.report {
            Some(report) => match report_id(db, logs, report)? {
                Some(found) => Some(found),
                None => return Ok(None),
            },
            None => None,
        };
        let mut asked = asked.clone();
        if let Some((_, from)) = report {
            (asked.from, asked.until) = (from, UtcMs(from.0 + 1));
        }
        let which = report.map_or(Which::All, |(id, _)| Which::One(id));
        let told = told(db, logs, &asked, which, self.context())?;
        let looked = looked(db, &asked, notice)?;
        find(db, logs, &asked, &told, &looked).map(Some)
    }

    /// Of each log the last entry of which the reader reads anything.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn last_entries(&self) -> Result<Vec<(Origin, u64)>, ViewError> {
        super::notified::last_read(self.db())
    }

    /// How many candidates there are of a time. Whoever reads no exact place of any report is told of none, at no cost.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn candidates_count(
        &self,
        from: UtcMs,
        until: UtcMs,
    ) -> Result<Result<usize, TooMuch>, ViewError> {
        let asked = CandidateQuery::all(from, until);
        let mut told = told(
            self.db(),
            self.logs(),
            &asked,
            Which::Placed,
            self.context(),
        )?;
        let found = self.near_ones(&asked, &mut told, None)?;
        Ok(found.map(|found| found.len()))
    }

    /// Candidates among reports and notices that changed: each changed report beside all notices, and each changed notice beside the
    /// reports of what began after `since`. By report and notice.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn candidates_among(
        &self,
        changed: &[Change],
        since: UtcMs,
    ) -> Result<Result<BTreeSet<(Reference, Reference)>, TooMuch>, ViewError> {
        let (db, logs) = (self.db(), self.logs());
        let (mut of_reports, mut notices) = (Vec::new(), Vec::new());
        for change in changed.iter().filter(|change| !change.gone) {
            let Ok(reference) = change.reference.parse::<Reference>() else {
                continue;
            };
            match change.of.as_str() {
                "report" => {
                    if let Some((id, from)) = report_id(db, logs, &reference)? {
                        let asked = CandidateQuery::all(from, UtcMs(from.0 + 1));
                        of_reports.extend(told(db, logs, &asked, Which::One(id), self.context())?);
                    }
                }
                "site" | "movement" => notices.extend(held(db, logs, &reference)?),
                _ => {}
            }
        }
        let span = |told: &[Told]| {
            let from = told.iter().map(|told| told.from.0);
            (from.clone().min().unwrap_or(0), from.max().unwrap_or(0))
        };
        let (first, last) = span(&of_reports);
        let asked = CandidateQuery::all(UtcMs(first), UtcMs(last + 1));
        let mut all = match self.near_ones(&asked, &mut of_reports, None)? {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        if !notices.is_empty() {
            let asked = CandidateQuery::all(since, UtcMs(i64::MAX));
            let mut told = told(db, logs, &asked, Which::Placed, self.context())?;
            match self.near_ones(&asked, &mut told, Some(&notices))? {
                Ok(found) => all.extend(found),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(all))
    }

    /// Candidates alone, without what they are beside: nothing is read of notices that are near nothing.
    fn near_ones(
        &self,
        asked: &CandidateQuery,
        told: &mut Vec<Told>,
        only: Option<&[i64]>,
    ) -> Result<Result<BTreeSet<(Reference, Reference)>, TooMuch>, ViewError> {
        told.retain(|told| told.around.is_some());
        if told.is_empty() {
            return Ok(Ok(BTreeSet::new()));
        }
        let mut near = Vec::new();
        match only {
            None => near = looked(self.db(), asked, None)?,
            Some(ids) => {
                for id in ids {
                    near.extend(looked(self.db(), asked, Some(*id))?);
                }
            }
        }
        let around = told.iter().filter_map(|told| told.around.as_ref());
        let extents: Vec<[i64; 4]> = around.map(Around::extent_e7).collect();
        near.retain(|version| {
            let of = version.extent.as_ref();
            of.is_some_and(|of| extents.iter().any(|extent| boxes_meet(of, extent)))
        });
        let found = find(self.db(), self.logs(), asked, told, &near)?;
        Ok(found.map(|found| {
            let candidates = found.cases.candidates.into_iter();
            candidates.map(|one| (one.report, one.notice)).collect()
        }))
    }
}

/// The notice to which a statement belongs.
fn notice_id(db: &Connection, logs: &Logs, of: &Reference) -> Result<Option<i64>, ViewError> {
    const SQL: &str = "SELECT o.id FROM statement s JOIN object o ON o.id = s.root WHERE s.id = ?1 AND o.capability IN ('site', 'movement')";
    let Some(id) = held(db, logs, of)? else {
        return Ok(None);
    };
    let found = db.prepare_cached(SQL)?.query_row([id], |row| row.get(0));
    Ok(found.optional()?)
}

/// A report, and when what it tells of began.
fn report_id(
    db: &Connection,
    logs: &Logs,
    of: &Reference,
) -> Result<Option<(i64, UtcMs)>, ViewError> {
    const SQL: &str = "SELECT id, from_ms FROM report INDEXED BY report_id WHERE id = ?1";
    let Some(id) = held(db, logs, of)? else {
        return Ok(None);
    };
    let found = db
        .prepare_cached(SQL)?
        .query_row([id], |row| Ok((row.get(0)?, UtcMs(row.get(1)?))));
    Ok(found.optional()?)
}

/// Reports of the time that is asked for: all, one, or only those whose exact place is read.
fn told(
    db: &Connection,
    logs: &Logs,
    asked: &CandidateQuery,
    which: Which,
    context: &Context,
) -> Result<Vec<Told>, ViewError> {
    const SQL: &str = "SELECT id, from_ms, until_ms, lat_e7, lon_e7, uncertain_m FROM report WHERE from_ms >= ?1 AND from_ms < ?2 AND (?3 IS NULL OR id = ?3) AND (?5 = 0 OR lat_e7 IS NOT NULL) ORDER BY from_ms, id LIMIT ?4";
    let max = count(REPORTS_MAX + 1);
    let mut select = db.prepare_cached(SQL)?;
    let only = match which {
        Which::One(id) => Some(id),
        Which::All | Which::Placed => None,
    };
    let placed = matches!(which, Which::Placed);
    let (from, until) = (asked.from.0, asked.until.0);
    let mut rows = select.query(params![from, until, only, max, placed])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        let (from, until) = (UtcMs(row.get(1)?), UtcMs(row.get(2)?));
        let place = row.get::<_, Option<i64>>(3)?.zip(row.get(4)?);
        let place = place.and_then(|(lat, lon)| Position::new(lat, lon));
        let near_m = notified::near_m(&context.agreement, from);
        let uncertain_m = row.get(5)?;
        if let Some(report) = reference(db, logs, row.get(0)?)? {
            told.push(Told {
                report,
                from,
                around: place.map(|place| Around::new(place, uncertain_m, (from, until), near_m)),
            });
        }
    }
    Ok(told)
}

fn looked(
    db: &Connection,
    asked: &CandidateQuery,
    only: Option<i64>,
) -> Result<Vec<Looked>, ViewError> {
    const OF_TIME: &str = "SELECT id, south, north, west, east, body FROM counting INDEXED BY counting_until WHERE until_ms > ?1 AND from_ms < ?2 AND (?3 IS NULL OR by_sign = ?3) LIMIT ?4";
    const OF_ONE: &str = "SELECT id, south, north, west, east, body FROM counting WHERE id = ?5 AND until_ms > ?1 AND from_ms < ?2 AND (?3 IS NULL OR by_sign = ?3) LIMIT ?4";
    let read = |row: &Row<'_>| {
        let edge = |at| row.get::<_, Option<i64>>(at);
        let edges = [edge(1)?, edge(2)?, edge(3)?, edge(4)?];
        Ok(Looked {
            id: row.get(0)?,
            extent: match edges {
                [Some(south), Some(north), Some(west), Some(east)] => {
                    Some([south, north, west, east])
                }
                _ => None,
            },
            body: row.get(5)?,
        })
    };
    let by = asked.by.as_ref().map(CallSign::as_str);
    let max = count(NOTICES_MAX + 1);
    let rows = match only {
        Some(id) => db
            .prepare_cached(OF_ONE)?
            .query_map(params![asked.from.0, asked.until.0, by, max, id], read)?
            .collect::<Result<_, _>>()?,
        None => db
            .prepare_cached(OF_TIME)?
            .query_map(params![asked.from.0, asked.until.0, by, max], read)?
            .collect::<Result<_, _>>()?,
    };
    Ok(rows)
}

/// Notices that are looked at, as they were read.
struct Noticed {
    counting: Vec<Counting>,
    not_compared: BTreeMap<Reference, String>,
    ids: BTreeMap<Reference, i64>,
}

impl Noticed {
    fn read(db: &Connection, logs: &Logs, looked: &[Looked]) -> Result<Self, ViewError> {
        let mut references: HashMap<i64, Reference> = HashMap::new();
        let mut counting = Vec::with_capacity(looked.len());
        let mut not_compared = BTreeMap::new();
        for version in looked {
            let notice = match references.entry(version.id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let found = reference(db, logs, version.id)?;
                    new.insert(found.ok_or_else(|| damaged("has no statement"))?)
                }
            };
            let (read, why) = read_kept(notice, &version.body)?;
            not_compared.extend(why.map(|why| (notice.clone(), why)));
            counting.push(read);
        }
        Ok(Self {
            counting,
            not_compared,
            ids: references.into_iter().map(|(id, of)| (of, id)).collect(),
        })
    }
}

fn find(
    db: &Connection,
    logs: &Logs,
    asked: &CandidateQuery,
    told: &[Told],
    looked: &[Looked],
) -> Result<Result<CandidatesFound, TooMuch>, ViewError> {
    if told.len() > REPORTS_MAX {
        return Ok(Err(TooMuch::Reports));
    }
    if looked.len() > NOTICES_MAX {
        return Ok(Err(TooMuch::Notices));
    }
    let noticed = Noticed::read(db, logs, looked)?;
    let happened = match measure(db, told, looked, &noticed.counting)? {
        Ok(happened) => happened,
        Err(too_much) => return Ok(Err(too_much)),
    };
    let cases = notified::cases(&noticed.counting, &happened, (asked.from, asked.until));
    if cases.candidates.len() > CANDIDATES_MAX {
        return Ok(Err(TooMuch::Candidates));
    }
    let around = told
        .iter()
        .filter_map(|told| Some((&told.report, told.around.as_ref()?.near_m())));
    let near_m: BTreeMap<&Reference, i64> = around.collect();
    let of = cases.candidates.iter().map(|candidate| {
        let id = noticed.ids.get(&candidate.notice).copied().unwrap_or(-1);
        let near_m = near_m.get(&candidate.report).copied().unwrap_or(0);
        notice_of(db, id, near_m)
    });
    let of = of.collect::<Result<_, _>>()?;
    Ok(Ok(CandidatesFound {
        period: (asked.from, asked.until),
        cases,
        of,
        not_compared: noticed.not_compared,
    }))
}

/// Of each report the notices that it is near: by their boxes first, and only what these leave by measuring.
fn measure(
    db: &Connection,
    told: &[Told],
    looked: &[Looked],
    counting: &[Counting],
) -> Result<Result<Vec<Happened>, TooMuch>, ViewError> {
    let (mut notices, mut measured) = (Notices::new(db), 0);
    let mut happened = Vec::with_capacity(told.len());
    for told in told {
        let Some(around) = &told.around else {
            happened.push(told.happened(None));
            continue;
        };
        let extent = around.extent_e7();
        let mut near = Vec::new();
        for (n, (version, counting)) in looked.iter().zip(counting).enumerate() {
            let meets = version.extent.is_some_and(|of| boxes_meet(&of, &extent));
            if !meets || !counting.was_had(told.from) {
                continue;
            }
            measured += 1;
            if measured > MEASURED_MAX {
                return Ok(Err(TooMuch::Measured));
            }
            let nearness = notices.nearness(version, counting, around)?;
            if nearness != Nearness::Clear {
                near.push((n, nearness));
            }
        }
        happened.push(told.happened(Some(near)));
    }
    Ok(Ok(happened))
}

fn notice_of(db: &Connection, id: i64, near_m: i64) -> Result<NoticeOf, ViewError> {
    const SQL: &str = "SELECT capability, by_sign FROM object WHERE id = ?1";
    let of = db.prepare_cached(SQL)?.query_row([id], |row| {
        Ok(NoticeOf {
            capability: row.get(0)?,
            by: row.get(1)?,
            near_m,
        })
    });
    Ok(of?)
}

impl Told {
    fn happened(&self, near: Option<Vec<(usize, Nearness)>>) -> Happened {
        Happened {
            report: self.report.clone(),
            from: self.from,
            near,
        }
    }
}

fn damaged(what: &str) -> ViewError {
    ViewError::Damaged(format!("a version of a notice {what}"))
}

fn read_kept(notice: &Reference, body: &str) -> Result<(Counting, Option<String>), ViewError> {
    let kept: Kept = serde_json::from_str(body).map_err(|error| damaged(&error.to_string()))?;
    let at = |ms: Option<i64>| ms.map(UtcMs);
    let mut steps = BTreeMap::new();
    for (sign, (delivered, acknowledged, passed_down)) in kept.steps {
        let sign: CallSign = sign.parse().map_err(|_| damaged("has no call sign"))?;
        let of_one = Steps {
            delivered_at: UtcMs(delivered),
            acknowledged_at: at(acknowledged),
            passed_down_at: at(passed_down),
        };
        steps.insert(sign, of_one);
    }
    let times = kept.times.into_iter();
    let counting = Counting {
        notice: notice.clone(),
        version: kept
            .version
            .parse()
            .map_err(|_| damaged("has no reference"))?,
        times: times
            .map(|(from, until)| (UtcMs(from), at(until)))
            .collect(),
        steps,
        placed: kept.placed,
    };
    Ok((counting, kept.not_compared))
}

/// Places of notices, each read once for the distance that is near.
struct Notices<'d> {
    db: &'d Connection,
    rows: HashMap<i64, Value>,
    made: HashMap<(Reference, i64), Option<Protected>>,
}

impl<'d> Notices<'d> {
    fn new(db: &'d Connection) -> Self {
        Self {
            db,
            rows: HashMap::new(),
            made: HashMap::new(),
        }
    }

    fn nearness(
        &mut self,
        version: &Looked,
        counting: &Counting,
        around: &Around,
    ) -> Result<Nearness, ViewError> {
        let key = (counting.version.clone(), around.near_m());
        if !self.made.contains_key(&key) {
            let made = self.read(version.id, &key.0, key.1)?;
            self.made.insert(key.clone(), made);
        }
        let protected = self.made.get(&key).and_then(Option::as_ref);
        // What is known of its place was taken when it was folded; if it no longer is, nothing is decided.
        Ok(protected.map_or(Nearness::Indeterminate, |protected| {
            around.nearness(protected)
        }))
    }

    fn read(
        &mut self,
        id: i64,
        version: &Reference,
        near_m: i64,
    ) -> Result<Option<Protected>, ViewError> {
        const SQL: &str = "SELECT body FROM object WHERE id = ?1";
        if !self.rows.contains_key(&id) {
            let body: String = self
                .db
                .prepare_cached(SQL)?
                .query_row([id], |row| row.get(0))?;
            let row = serde_json::from_str(&body).map_err(|error| damaged(&error.to_string()))?;
            self.rows.insert(id, row);
        }
        let name = version.to_string();
        let mut versions = self.rows[&id]["versions"].as_array().into_iter().flatten();
        let row = versions.find(|row| row["reference"] == name.as_str());
        let Some(row) = row else { return Ok(None) };
        let (exact, from) = (&row["exact"], row["notice"]["valid_from"].as_str());
        let place = Place::Top;
        let protected = match from.and_then(|from| UtcMs::parse(from).ok()) {
            Some(from) => truce::sites::Exact::read(exact, &place)
                .ok()
                .map(|exact| Protected::site(&exact, from, near_m)),
            None => truce::movements::Exact::read(exact, &place)
                .ok()
                .map(|exact| Protected::movement(&exact)),
        };
        Ok(protected.and_then(Result::ok))
    }
}
