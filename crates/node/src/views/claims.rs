//! Claims and tallies: what somebody said, and how other claims stand to it. Never merged into findings.

use super::contact::word;
use super::objects::{Object, json};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::claims::{Arithmetic, Recorded, RecordedTally};
use truce::wire::Wire;
use utoipa::ToSchema;

/// A claim and how others stand to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimRow {
    /// Where it was recorded.
    pub reference: String,
    /// By whom it was recorded; the speaker is another matter.
    pub by: String,
    /// The claim, as in `claim.record/1`.
    #[schema(value_type = Object)]
    pub claim: Value,
    /// The correction of the record, if there is one.
    pub corrected_by: Option<String>,
    /// Claims that deny, confirm, correct or repeat this one.
    pub related: BTreeMap<String, Vec<String>>,
}

/// What somebody counted, and whether it adds up.
#[derive(Debug, Serialize, ToSchema)]
pub struct TallyRow {
    /// Where it was recorded.
    pub reference: String,
    /// By whom it was recorded.
    pub by: String,
    /// The tally, as in `tally.record/1`.
    #[schema(value_type = Object)]
    pub tally: Value,
    /// `adds_up`, `does_not_add_up`, `total_alone` or `lines_alone`.
    pub arithmetic: &'static str,
    /// The total that is stated.
    pub stated: Option<i64>,
    /// What the lines add up to.
    pub lines: Option<i64>,
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    let claims = part.claims.claims.values().map(|recorded| Object {
        reference: recorded.reference.clone(),
        capability: "claim",
        at: recorded.claim.said_at.utc(),
        end: recorded.claim.said_at.utc(),
        by: recorded.by.clone(),
        place: String::new(),
        tag: word(&recorded.claim.claim),
        title: None,
        open: false,
        body: json(&claim(recorded)),
    });
    let tallies = part.claims.tallies.values().map(|recorded| Object {
        reference: recorded.reference.clone(),
        capability: "tally",
        at: recorded.tally.from.utc(),
        end: recorded.tally.from.utc(),
        by: recorded.by.clone(),
        place: String::new(),
        tag: recorded.tally.counted.to_string(),
        title: None,
        open: false,
        body: json(&tally(recorded)),
    });
    claims.chain(tallies).collect()
}

fn claim(recorded: &Recorded) -> ClaimRow {
    let related = recorded.related.iter().map(|(relation, claims)| {
        let claims = claims.iter().map(ToString::to_string).collect();
        (word(relation), claims)
    });
    ClaimRow {
        reference: recorded.reference.to_string(),
        by: recorded.by.to_string(),
        claim: recorded.claim.write(),
        corrected_by: recorded.corrected_by.as_ref().map(ToString::to_string),
        related: related.collect(),
    }
}

fn tally(recorded: &RecordedTally) -> TallyRow {
    let (arithmetic, stated, lines) = match recorded.arithmetic {
        Arithmetic::AddsUp(total) => ("adds_up", Some(total), Some(total)),
        Arithmetic::DoesNotAddUp { stated, lines } => {
            ("does_not_add_up", Some(stated), Some(lines))
        }
        Arithmetic::TotalAlone(total) => ("total_alone", Some(total), None),
        Arithmetic::LinesAlone(lines) => ("lines_alone", None, Some(lines)),
    };
    TallyRow {
        reference: recorded.reference.to_string(),
        by: recorded.by.to_string(),
        tally: recorded.tally.write(),
        arithmetic,
        stated,
        lines,
    }
}
