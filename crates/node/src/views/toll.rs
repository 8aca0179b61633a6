//! Tolls: ranges with their source, never one number.

use super::contact::word;
use super::objects::{Object, json};
use serde::Serialize;
use serde_json::Value;
use truce::Truce;
use truce::standing::Directory;
use truce::wire::Wire;
use utoipa::ToSchema;

/// A number of persons, as somebody gave it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TollRow {
    /// Where it was recorded.
    pub reference: String,
    /// By whom it was recorded.
    pub by: String,
    /// As in `toll.record/1`.
    #[schema(value_type = Object)]
    pub toll: Value,
}

pub(super) fn objects(part: &Truce, directory: &Directory) -> Vec<Object> {
    let tolls = part.tolls.iter().filter_map(|(reference, toll)| {
        let by = directory.call_sign(&reference.origin)?;
        let row = TollRow {
            reference: reference.to_string(),
            by: by.to_string(),
            toll: toll.write(),
        };
        Some(Object {
            reference: reference.clone(),
            capability: "toll",
            at: toll.until.utc(),
            end: toll.until.utc(),
            by,
            place: toll
                .pcodes
                .last()
                .map(ToString::to_string)
                .unwrap_or_default(),
            tag: word(&toll.harm),
            title: None,
            open: false,
            body: json(&row),
        })
    });
    tolls.collect()
}
