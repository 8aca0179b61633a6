//! Incidents as they are reported: how many, where, and what is not known about them. Areas are compared with themselves a week
//! before; parties are not counted at all.

use super::{AREAS_MAX, BoardUnread, Moment};
use crate::views::{ReportCounted, ViewError};
use record::time::UtcMs;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use truce::agreement::{Agreement, Answer};
use truce::incidents::NamedActors;
use utoipa::ToSchema;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Days before the last one that are compared with.
const DAYS_BEFORE: i64 = 7;

/// What is said beside the counts, always.
const REMARK: &str = "Reports are what somebody says; none of them is verified by being counted. A report that is known to the day and \
     no better counts with its whole day, so the last 24 hours take in every day that they touch.";

/// Incidents as they are reported.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardIncidents {
    /// When the last 24 hours began.
    #[schema(format = DateTime)]
    pub last_24_h_from: String,
    /// When the 7 days before them began.
    #[schema(format = DateTime)]
    pub days_before_from: String,
    /// All areas together.
    pub total: BoardArea,
    /// Those with most reports in the last 24 hours first.
    pub areas: Vec<BoardArea>,
    /// How many further areas there are; they are in the total.
    pub areas_not_shown: usize,
    /// Reports that are known to no single day, and are in no column.
    pub known_to_no_day: u64,
    /// Reports among those counted that are known to the day and no better.
    pub known_to_the_day: u64,
    /// Whether anything was verified.
    pub verification: BoardUnread,
    /// Hours that were observed.
    pub effort: BoardUnread,
    /// What the numbers are and are not.
    pub remark: &'static str,
}

/// One area.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardArea {
    /// The widest area that the reports name, by name or code; empty for those that name none.
    pub area: String,
    /// The last 24 hours.
    pub last_24_h: BoardCounts,
    /// The 7 days before them.
    pub days_before: BoardCounts,
}

/// What was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
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
    pub(super) fn incidents(&self) -> Result<BoardIncidents, ViewError> {
        let last_day = UtcMs(self.now.0 - DAY_MS);
        let before = UtcMs(last_day.0 - DAYS_BEFORE * DAY_MS);
        let context = self.moment.context();
        let mut covers = Covers::of(&context.agreement);
        let mut areas: BTreeMap<String, BoardArea> = BTreeMap::new();
        let mut total = BoardArea::default();
        let mut known_to_the_day = 0;
        let known_to_no_day = self.moment.reports(before, self.now, &mut |report| {
            known_to_the_day += u64::from(report.to_the_day);
            let answer = report.alleges.then(|| covers.answer(&report));
            let area = areas.entry(report.area.clone()).or_default();
            for row in [area, &mut total] {
                row.count(&report, answer, last_day);
            }
        })?;
        let areas = ordered(areas);
        Ok(BoardIncidents {
            last_24_h_from: last_day.to_string(),
            days_before_from: before.to_string(),
            total,
            areas_not_shown: areas.len().saturating_sub(AREAS_MAX),
            areas: areas.into_iter().take(AREAS_MAX).collect(),
            known_to_no_day,
            known_to_the_day,
            verification: self.unread(
                "incident.",
                "There is no verification yet.",
                "Incidents are verified here; this version does not read that yet.",
            )?,
            effort: self.unread(
                "effort.",
                "Hours of observation are not logged: fewer reports may mean fewer observers.",
                "Hours of observation are logged here; this version does not read them yet.",
            )?,
            remark: REMARK,
        })
    }
}

fn ordered(areas: BTreeMap<String, BoardArea>) -> Vec<BoardArea> {
    let rows = areas
        .into_iter()
        .map(|(area, row)| BoardArea { area, ..row });
    let mut rows: Vec<BoardArea> = rows.collect();
    let weight = |row: &BoardArea| {
        let counts = [row.last_24_h, row.days_before];
        Reverse(counts.map(|counts| (counts.alleged, counts.access_denied)))
    };
    rows.sort_by(|a, b| (weight(a), &a.area).cmp(&(weight(b), &b.area)));
    rows
}

impl BoardArea {
    fn count(&mut self, report: &ReportCounted, answer: Option<Answer>, last_day: UtcMs) {
        // Each report counts once: in the last day when it may have been then.
        let counts = if report.until > last_day || report.from >= last_day {
            &mut self.last_24_h
        } else {
            &mut self.days_before
        };
        let one = |holds: bool| u64::from(holds);
        counts.alleged += one(report.alleges);
        counts.coverage_undetermined += one(answer == Some(Answer::Undetermined));
        counts.excluded_named += one(answer == Some(Answer::Excluded));
        counts.access_denied += one(report.access.as_deref() == Some("denied"));
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
