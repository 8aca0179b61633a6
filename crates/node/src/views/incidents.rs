//! Reports of what was observed. A report is no incident, and no finding.

use super::contact::word;
use super::objects::{Object, json};
use record::time::UtcMs;
use serde::Serialize;
use serde_json::Value;
use truce::Truce;
use truce::incidents::{Category, Report, ReportFile};
use truce::standing::Directory;
use truce::wire::Wire;
use utoipa::ToSchema;

/// A report, with as much of it as the reader may read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportRow {
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
        let row = ReportRow {
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
