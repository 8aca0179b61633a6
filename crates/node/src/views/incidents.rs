//! Reports of what was observed. A report is no incident, and no finding.

use super::contact::word;
use super::objects::{Object, json};
use serde::Serialize;
use serde_json::Value;
use truce::Truce;
use truce::incidents::ReportFile;
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
