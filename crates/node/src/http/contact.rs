//! Lines and watches.

use super::api::{Asker, read};
use super::problem::Problem;
use super::strict::Json;
use crate::views::contact::word;
use serde::Serialize;
use std::collections::BTreeMap;
use truce::wire::Wire;
use utoipa::ToSchema;

/// A line, as both ends tell of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineRow {
    /// The instrument: full reference.
    pub instrument: String,
    /// Its terms, as in the instrument.
    #[schema(value_type = Object)]
    pub line: serde_json::Value,
    /// The last time at which both ends heard each other.
    #[schema(format = DateTime)]
    pub last_two_way_at: Option<String>,
    /// Over which means.
    pub last_two_way_over: Option<String>,
    /// The last test of each end.
    pub last_tests: BTreeMap<String, TestRow>,
    /// Faults that no later two-way test ended.
    pub faults: Vec<FaultRow>,
}

/// One end's word on a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestRow {
    /// Where it stands.
    pub reference: String,
    /// When it was tested.
    #[schema(format = DateTime)]
    pub tested_at: String,
    /// Over which means.
    pub means: String,
    /// `heard`, `not_heard` or `fault`.
    pub result: String,
    /// Languages that were spoken.
    pub languages: Vec<String>,
}

/// A fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultRow {
    /// Where it stands.
    pub reference: String,
    /// Who says so.
    pub by: String,
    /// Of which means.
    pub means: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
}

/// Lines with their tests and faults
#[utoipa::path(get, path = "/api/v1/lines", tag = "contact", responses((status = 200, body = Vec<LineRow>)))]
pub async fn lines(asker: Asker) -> Result<Json<Vec<LineRow>>, Problem> {
    let (views, now) = (asker.views, asker.node.now());
    let lines = read(move || views.lines()).await?;
    let rows = lines.into_iter().map(|((instrument, _), state)| {
        let last = [&state.line.a, &state.line.b]
            .into_iter()
            .filter_map(|end| {
                let test = state.last_of(end, now)?;
                let row = TestRow {
                    reference: test.reference.to_string(),
                    tested_at: test.tested_at.to_string(),
                    means: word(&test.means),
                    result: word(&test.result),
                    languages: test.languages.iter().map(ToString::to_string).collect(),
                };
                Some((end.to_string(), row))
            });
        let faults = state.faults.iter().flat_map(|(means, faults)| {
            faults.iter().map(|(reference, by, since)| FaultRow {
                reference: reference.to_string(),
                by: by.to_string(),
                means: word(means),
                since: since.to_string(),
            })
        });
        LineRow {
            instrument: instrument.to_string(),
            last_tests: last.collect(),
            faults: faults.collect(),
            last_two_way_at: state.last_two_way.map(|(at, _)| at.to_string()),
            last_two_way_over: state.last_two_way.map(|(_, means)| word(&means)),
            line: state.line.write(),
        }
    });
    Ok(Json(rows.collect()))
}

/// A watch.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftRow {
    /// Whose.
    pub participant: String,
    /// The statement with which it began.
    pub reference: String,
    /// Which officer, by office.
    pub officer: String,
    /// Languages on this watch.
    pub languages: Vec<String>,
    /// When it began.
    #[schema(format = DateTime)]
    pub began_at: String,
    /// When relief is due.
    #[schema(format = DateTime)]
    pub until: String,
    /// Why it was taken over without a hand-over.
    pub takeover_reason: Option<String>,
    /// How often relief did not come.
    pub unrelieved: usize,
    /// The hand-over that is offered and not yet taken, and what was not ticked in it.
    pub offered: Option<OfferRow>,
}

/// A hand-over that is offered.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferRow {
    /// The off-going officer's half.
    pub reference: String,
    /// Open FLASH and overdue items that were not gone through: while there are any, responsibility has not moved.
    pub missing: Vec<String>,
}

/// Who has the duty now
#[utoipa::path(get, path = "/api/v1/shifts", tag = "contact", responses((status = 200, body = Vec<ShiftRow>)))]
pub async fn shifts(asker: Asker) -> Result<Json<Vec<ShiftRow>>, Problem> {
    let (context, now) = (asker.views.context(), asker.node.now());
    let rows = context.shifts.iter().filter_map(|(origin, shifts)| {
        let shift = shifts.on_duty(now)?;
        Some(ShiftRow {
            participant: context.directory.call_sign(origin)?.to_string(),
            reference: shift.reference.to_string(),
            officer: shift.officer.to_string(),
            languages: shift.languages.iter().map(ToString::to_string).collect(),
            began_at: shift.began_at.to_string(),
            until: shift.until.to_string(),
            takeover_reason: shift.takeover_reason.clone(),
            unrelieved: shift.unrelieved.len(),
            offered: shift.offered.as_ref().map(|offer| OfferRow {
                reference: offer.reference.to_string(),
                missing: offer.missing.iter().map(ToString::to_string).collect(),
            }),
        })
    });
    Ok(Json(rows.collect()))
}
