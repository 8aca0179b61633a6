//! Incidents as they are reported: how many, where, and what is not known about them. Places are compared with themselves a week
//! before; parties are not counted at all.

use super::{Moment, PLACES_MAX};
use crate::views::{ReportCounted, ViewError};
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use truce::agreement::{Agreement, Answer};
use truce::incidents::NamedActors;
use utoipa::ToSchema;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Days before the last one that are compared with.
const DAYS_BEFORE: i64 = 7;

/// What was reported, of all places together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardReports {
    /// The last 24 hours.
    pub last_24_h: BoardCounts,
    /// The 7 days before them.
    pub days_before: BoardCounts,
    /// How many further places there are; they are counted here.
    pub places_not_shown: usize,
    /// Reports among those counted that are known to the day and no better.
    pub known_to_the_day: u64,
    /// Reports that are known to no single day, and are counted nowhere.
    pub known_to_no_day: u64,
}

/// One place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardPlace {
    /// The widest area that the reports name, by name or code; empty for those that name none.
    pub place: String,
    /// What the gazetteer calls it, where it is a code.
    pub name: Option<String>,
    /// The last 24 hours.
    pub last_24_h: BoardCounts,
    /// The 7 days before them.
    pub days_before: BoardCounts,
    /// Alleged in the last 24 hours.
    pub day_alleged: u64,
    /// Access denied in the last 24 hours.
    pub day_access_denied: u64,
    /// Alleged in the last 7 days, to now.
    pub week_alleged: u64,
    /// Access denied in the last 7 days, to now.
    pub week_access_denied: u64,
}

/// What was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardCounts {
    /// Reports of what the truce may forbid.
    pub alleged: u64,
    /// Verified among them: none, until verification exists.
    pub verified: u64,
    /// Of the alleged: whether the truce covers those whom they name is undetermined.
    pub coverage_undetermined: u64,
    /// Of the alleged: they name a group that the truce does not cover.
    pub excluded_named: u64,
    /// Access that was denied.
    pub access_denied: u64,
    /// Hours observed; absent, because they are not logged.
    pub hours_observed: Option<u64>,
}

impl Moment<'_> {
    pub(super) fn reports(&self) -> Result<(Vec<BoardPlace>, BoardReports), ViewError> {
        let last_day = UtcMs(self.now.0 - DAY_MS);
        let before = UtcMs(last_day.0 - DAYS_BEFORE * DAY_MS);
        let mut covers = Covers::of(&self.moment.context().agreement);
        let mut places: BTreeMap<String, BoardPlace> = BTreeMap::new();
        let mut all = BoardPlace::default();
        let mut known_to_the_day = 0;
        let known_to_no_day = self.moment.reports(before, self.now, &mut |report| {
            known_to_the_day += u64::from(report.to_the_day);
            let answer = report.alleges.then(|| covers.answer(&report));
            let place = places.entry(report.area.clone()).or_default();
            for row in [place, &mut all] {
                row.count(&report, answer, last_day);
            }
        })?;
        let mut rows = ordered(places);
        let reports = BoardReports {
            last_24_h: all.last_24_h,
            days_before: all.days_before,
            places_not_shown: rows.len().saturating_sub(PLACES_MAX),
            known_to_the_day,
            known_to_no_day,
        };
        rows.truncate(PLACES_MAX);
        for row in &mut rows {
            row.name = self.scene.places.name_of_code(&row.place, "en")?;
        }
        Ok((rows, reports))
    }
}

impl Moment<'_> {
    /// That reports of the last days tell of something in or near what had been notified: for those alone who read the exact places
    /// of both.
    pub(super) fn notified_then_hit(&self) -> Result<Option<String>, ViewError> {
        let from = UtcMs(self.now.0 - DAYS_BEFORE * DAY_MS);
        let found = self.moment.candidates_count(from, UtcMs(self.now.0 + 1))?;
        let count = match found {
            Ok(0) => return Ok(None),
            Ok(count) => count.to_string(),
            Err(_) => "more than can be counted here".to_owned(),
        };
        Ok(Some(format!(
            "Notified, then hit: {count} to be looked at, of the last {DAYS_BEFORE} days. Each is a question to those who had the notice, and no finding."
        )))
    }
}

fn ordered(places: BTreeMap<String, BoardPlace>) -> Vec<BoardPlace> {
    let rows = places
        .into_iter()
        .map(|(place, row)| BoardPlace { place, ..row });
    let mut rows: Vec<BoardPlace> = rows.collect();
    let weight = |row: &BoardPlace| {
        let counts = [row.last_24_h, row.days_before];
        Reverse(counts.map(|counts| (counts.alleged, counts.access_denied)))
    };
    rows.sort_by(|a, b| (weight(a), &a.place).cmp(&(weight(b), &b.place)));
    rows
}

impl BoardPlace {
    fn count(&mut self, report: &ReportCounted, answer: Option<Answer>, last_day: UtcMs) {
        let touches = |from: UtcMs| report.until > from || report.from >= from;
        let one = |holds: bool| u64::from(holds);
        let (alleged, denied) = (
            one(report.alleges),
            one(report.access.as_deref() == Some("denied")),
        );
        if touches(UtcMs(last_day.0 - (DAYS_BEFORE - 1) * DAY_MS)) {
            self.week_alleged += alleged;
            self.week_access_denied += denied;
        }
        // Each report counts once: in the last day when it may have been then.
        let counts = if touches(last_day) {
            self.day_alleged += alleged;
            self.day_access_denied += denied;
            &mut self.last_24_h
        } else {
            &mut self.days_before
        };
        counts.alleged += alleged;
        counts.coverage_undetermined += one(answer == Some(Answer::Undetermined));
        counts.excluded_named += one(answer == Some(Answer::Excluded));
        counts.access_denied += denied;
    }
}

/// Whether the truce covers those whom reports name. It is asked once for the same names under the same instruments.
struct Covers<'a> {
    actors: NamedActors<'a>,
    /// When anything changes in who is covered.
    changes: Vec<UtcMs>,
    known: HashMap<(String, usize, usize), Answer>,
}

impl<'a> Covers<'a> {
    fn of(agreement: &'a Agreement) -> Self {
        let mut changes: Vec<UtcMs> = Vec::new();
        for instrument in agreement.instruments.values() {
            let table = &instrument.table;
            changes.extend(instrument.begins_at());
            changes.extend(table.ends_at.as_ref().map(|ends| ends.utc()));
            changes.extend(instrument.amended.as_ref().map(|(_, at)| *at));
            changes.extend(instrument.accepted.values().map(|accepted| accepted.at));
            changes.extend(
                instrument
                    .departures
                    .values()
                    .flatten()
                    .map(|left| left.from),
            );
            changes.extend(instrument.formations.iter().map(|formation| formation.at));
        }
        changes.sort_unstable();
        changes.dedup();
        Self {
            actors: NamedActors::of(agreement),
            changes,
            known: HashMap::new(),
        }
    }

    fn answer(&mut self, report: &ReportCounted) -> Answer {
        let last = UtcMs(report.until.0 - 1).max(report.from);
        let changed_until = |at: UtcMs| self.changes.partition_point(|change| *change <= at);
        let key = (
            report.sides.clone(),
            changed_until(report.from),
            changed_until(last),
        );
        if let Some(answer) = self.known.get(&key) {
            return *answer;
        }
        let sides: Vec<&str> = report.sides.lines().collect();
        let covered = self.actors.coverage_of(&sides, report.from, report.until);
        self.known.insert(key, covered.answer);
        covered.answer
    }
}
