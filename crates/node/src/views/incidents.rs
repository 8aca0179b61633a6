//! Reports of what was observed. A report is no incident, and no finding.

use super::agreement::CitedRow;
use super::contact::word;
use super::objects::{Object, json};
use super::{Context, ViewError};
use record::name::Reference;
use record::time::UtcMs;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::areas::Area;
use truce::incidents::{
    Category, Exact, NameCoverage, NamedActors, Report, ReportFile, SidesCoverage,
};
use truce::standing::Directory;
use truce::values::Position;
use truce::wire::{Place, Wire};
use utoipa::ToSchema;

/// A report, and whether the truce covers those whom it names.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportRow {
    /// The report.
    #[serde(flatten)]
    pub filed: FiledReport,
    /// Whether the truce covers those whom it names. It is computed when it is read, from the instruments and areas that the
    /// reader sees then.
    pub coverage: SidesRow,
}

/// A report, with as much of it as the reader may read.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiledReport {
    /// Where it was filed.
    pub reference: String,
    /// By whom.
    pub by: String,
    /// What all its readers see, as the group `body` of `report.file/1`.
    #[schema(value_type = Object)]
    pub report: Value,
    /// Exact places, as the group `exact`.
    #[schema(value_type = Option<Object>)]
    pub exact: Option<Value>,
    /// What the observer tells, as the group `narrative`.
    #[schema(value_type = Option<Object>)]
    pub narrative: Option<Value>,
}

/// Whether the truce covers those whom a report names. It attributes nothing, and it is no clearance to use force.
#[derive(Debug, Serialize, ToSchema)]
pub struct SidesRow {
    /// `excluded` when somebody excluded is named; `covered` when all on two sides or more are, and `covered_inside_excluded_area`
    /// when that holds for any of them; otherwise `undetermined`.
    pub answer: &'static str,
    /// Each name by itself, in the order of the report.
    pub names: Vec<NameRow>,
    /// What the answer is not.
    pub caution: &'static str,
}

/// Whether the truce covers whoever has this name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NameRow {
    /// On which side of the report, from 0.
    pub side: usize,
    /// The name, as the report has it.
    pub name: String,
    /// `covered`; `covered_inside_excluded_area` where the exact place lies in an area that all who were asked agree is held by an
    /// excluded group; `undetermined`; or `excluded`.
    pub answer: &'static str,
    /// The short name of the excluded group.
    pub excluded: Option<String>,
    /// The instruments that exclude or bind it: full references.
    pub instruments: Vec<String>,
    /// The provisions that say so.
    pub provisions: Vec<CitedRow>,
    /// Why, in a sentence.
    pub reason: String,
}

impl SidesRow {
    fn of(coverage: &SidesCoverage) -> Self {
        Self {
            answer: coverage.answer.as_str(),
            names: coverage.names.iter().map(NameRow::of).collect(),
            caution: coverage.caution,
        }
    }
}

impl NameRow {
    fn of(name: &NameCoverage) -> Self {
        Self {
            side: name.side,
            name: name.name.clone(),
            answer: name.answer.as_str(),
            excluded: name.excluded.as_ref().map(ToString::to_string),
            instruments: name.instruments.iter().map(ToString::to_string).collect(),
            provisions: name.provisions.iter().map(CitedRow::of).collect(),
            reason: name.reason.clone(),
        }
    }
}

/// Of a row as it is kept, what coverage depends on.
#[derive(Deserialize)]
struct Kept {
    report: Value,
    exact: Option<Value>,
}

/// Says of each row of reports whether the truce covers those whom it names. It is not kept in the rows: an instrument that is
/// accepted or left changes it for all of them.
pub(super) fn with_coverage(
    db: &Connection,
    rows: &mut [String],
    context: &Context,
) -> Result<(), ViewError> {
    if rows.is_empty() {
        return Ok(());
    }
    let actors = NamedActors::of(&context.agreement);
    let mut judged = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let damaged = |error: String| ViewError::Damaged(format!("a report: {error}"));
        let kept: Kept = serde_json::from_str(row).map_err(|error| damaged(error.to_string()))?;
        let report = Report::read(&kept.report, &Place::Top);
        let report = report.map_err(|error| damaged(error.to_string()))?;
        let exact = kept
            .exact
            .and_then(|exact| Exact::read(&exact, &Place::Top).ok());
        let coverage = actors.coverage(&report);
        judged.push((report, exact.and_then(|exact| exact.place), coverage));
    }
    on_the_ground(db, &actors, &mut judged, context)?;
    for (row, (_, _, coverage)) in rows.iter_mut().zip(&judged) {
        // A row stays as it was written: this stands behind it.
        let coverage = json(&SidesRow::of(coverage));
        row.pop();
        *row += &format!(",\"coverage\":{coverage}}}");
    }
    Ok(())
}

type Judged = (Report, Option<Position>, SidesCoverage);

/// Judges anew those who are covered by name where the exact place is known. Areas are read for these alone.
fn on_the_ground(
    db: &Connection,
    actors: &NamedActors<'_>,
    judged: &mut [Judged],
    context: &Context,
) -> Result<(), ViewError> {
    let by_place = |(report, place, coverage): &Judged| {
        let covered = coverage.names.iter().any(|name| name.answer.covers());
        (place.is_some() && covered).then(|| (report.from.utc(), report.until.utc()))
    };
    let times: Vec<(UtcMs, UtcMs)> = judged.iter().filter_map(by_place).collect();
    let from = times.iter().map(|(from, _)| *from).min();
    let until = times.iter().map(|(_, until)| *until).max();
    let (Some(from), Some(until)) = (from, until) else {
        return Ok(());
    };
    let areas: BTreeMap<Reference, Area> = super::query::held_areas(db, context, from, until)?;
    for (report, place, coverage) in judged {
        if let Some(place) = place {
            *coverage = actors.coverage_at(report, place, &areas);
        }
    }
    Ok(())
}

/// To what precision it is known when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownTo {
    /// To less than a day.
    Hours = 0,
    /// To the day: events of one day have no order.
    Day = 1,
    /// To no single day.
    Longer = 2,
}

/// What is counted of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The earliest time that is possible.
    pub from: UtcMs,
    /// The latest time that is possible.
    pub until: UtcMs,
    /// How exactly that is known.
    pub known_to: KnownTo,
    /// The widest area that it names: by name, by code, or the place itself; empty when it names none.
    pub area: String,
    /// Whether it tells of something that the truce may forbid. Denied access is counted apart, and so is announced training fire.
    pub alleges: bool,
    /// `denied`, `delayed` or `jammed`.
    pub access: Option<String>,
    /// Who is said to take part, a side a line.
    pub sides: String,
}

/// A day has between 23 and 25 hours, where clocks are changed.
const DAY_MS_MIN: i64 = 23 * 3600 * 1000;
const DAY_MS_MAX: i64 = 25 * 3600 * 1000;

/// What is counted of a report.
#[must_use]
pub fn counted(report: &Report) -> Counted {
    let (from, until) = (report.from.utc(), report.until.utc());
    let span = until.0 - from.0;
    let known_to = if report.date_precision.get() > 1 || span > DAY_MS_MAX {
        KnownTo::Longer
    } else if span >= DAY_MS_MIN {
        KnownTo::Day
    } else {
        KnownTo::Hours
    };
    let names = report.admin_names.iter().map(ToString::to_string);
    let codes = report.pcodes.iter().map(ToString::to_string);
    let place = report.place_name.iter().map(ToString::to_string);
    let denied = report.category == Category::AccessDenied;
    let restriction = report.restriction.as_ref().map(word);
    let sides: Vec<&str> = report.sides.iter().map(|side| side.as_str()).collect();
    Counted {
        from,
        until,
        known_to,
        area: names.chain(codes).chain(place).next().unwrap_or_default(),
        alleges: !denied && report.training_fire != Some(true),
        access: restriction.or_else(|| denied.then(|| "denied".to_owned())),
        sides: sides.join("\n"),
    }
}

pub(super) fn objects(part: &Truce, directory: &Directory) -> Vec<Object> {
    let reports = part.reports.iter().filter_map(|(reference, file)| {
        let by = directory.call_sign(&reference.origin)?;
        let ReportFile {
            body,
            exact,
            narrative,
            ..
        } = file;
        let row = FiledReport {
            reference: reference.to_string(),
            by: by.to_string(),
            report: body.write(),
            exact: exact.as_ref().map(Wire::write),
            narrative: narrative.as_ref().map(Wire::write),
        };
        let name = || body.place_name.as_ref().map(ToString::to_string);
        let code = body.pcodes.last().map(ToString::to_string);
        Some(Object {
            reference: reference.clone(),
            capability: "report",
            at: body.from.utc(),
            end: body.until.utc(),
            by,
            place: code.or_else(name).unwrap_or_default(),
            tag: word(&body.category),
            title: None,
            open: false,
            body: json(&row),
        })
    });
    reports.collect()
}
