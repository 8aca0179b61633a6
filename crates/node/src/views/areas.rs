//! Designated areas and separation requests, and what those who were asked said.

use super::contact::word;
use super::objects::{Holding, Object, Ref, json};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::agreement::CAUTION;
use truce::areas::{Agreed, Area, Said, Separation};
use truce::wire::Wire;
use utoipa::ToSchema;

/// As long as a label may be.
const TITLE_CHARACTERS_MAX: usize = 120;

/// A designated area. It is coarse by rule, and no aim point.
#[derive(Debug, Serialize, ToSchema)]
pub struct AreaRow {
    /// The designation, in its latest revision.
    pub reference: String,
    /// The first designation: the clock started there.
    pub first: String,
    /// All of its revisions, the first one first.
    pub revisions: Vec<String>,
    /// Who designates.
    pub by: String,
    /// Its name.
    pub name: String,
    /// What for.
    pub purpose: String,
    /// The excluded group that holds it.
    pub held_by: Option<String>,
    /// The corners.
    #[schema(value_type = Vec<Object>)]
    pub polygon: Value,
    /// When it was first designated.
    #[schema(format = DateTime)]
    pub designated_at: String,
    /// From when it is valid.
    #[schema(format = DateTime)]
    pub valid_from: String,
    /// Until when it is valid.
    #[schema(format = DateTime)]
    pub valid_until: String,
    /// Who is asked.
    pub to: Vec<String>,
    /// `agreed`, `disputed` or `open`. Silence is never consent.
    pub agreed: &'static str,
    /// The last word of each.
    pub answers: BTreeMap<String, AreaAnswerRow>,
    /// The last holding reply of each.
    pub holding: BTreeMap<String, Holding>,
    /// What no area ever is, in fixed words.
    pub caution: &'static str,
}

/// What one who was asked said of an area.
#[derive(Debug, Serialize, ToSchema)]
pub struct AreaAnswerRow {
    /// Where and when.
    #[serde(flatten)]
    pub said: Ref,
    /// `agree` or `dispute`.
    pub response: String,
}

/// A request that formations move apart from excluded groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeparationRow {
    /// Where and when it was asked.
    #[serde(flatten)]
    pub said: Ref,
    /// Who asks.
    pub by: String,
    /// As in `separation.ask/1`.
    #[schema(value_type = Object)]
    pub ask: Value,
    /// The last word of each.
    pub answers: BTreeMap<String, SeparationAnswerRow>,
    /// The last holding reply of each.
    pub holding: BTreeMap<String, Holding>,
}

/// What one who was asked said to a separation request.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeparationAnswerRow {
    /// Where and when.
    #[serde(flatten)]
    pub said: Ref,
    /// `answered` or `refused`.
    pub answer: &'static str,
    /// Why it was refused.
    pub reason: Option<String>,
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    let areas = part.areas.areas.values().map(|area| Object {
        reference: area.first.clone(),
        capability: "area",
        at: area.designated_at,
        end: area.designated_at,
        by: area.by.clone(),
        place: String::new(),
        tag: word(&area.purpose),
        title: Some(area.name.to_string()),
        open: area.agreed() == Agreed::Open,
        body: json(&row(area)),
    });
    let separations = part.areas.separations.values();
    let separations = separations.map(|separation| Object {
        reference: separation.reference.clone(),
        capability: "separation",
        at: separation.at,
        end: separation.at,
        by: separation.by.clone(),
        place: String::new(),
        tag: String::new(),
        title: Some(beginning(separation.ask.words.as_str())),
        open: separation.answers.len() < separation.ask.to.len(),
        body: json(&separation_row(separation)),
    });
    areas.chain(separations).collect()
}

/// As much of a text as fits on a list.
fn beginning(text: &str) -> String {
    text.chars().take(TITLE_CHARACTERS_MAX).collect()
}

fn row(area: &Area) -> AreaRow {
    AreaRow {
        reference: area.reference.to_string(),
        first: area.first.to_string(),
        revisions: area.revisions.iter().map(ToString::to_string).collect(),
        by: area.by.to_string(),
        name: area.name.to_string(),
        purpose: word(&area.purpose),
        held_by: area.held_by.as_ref().map(ToString::to_string),
        polygon: area.polygon.write(),
        designated_at: area.designated_at.to_string(),
        valid_from: area.valid_from.to_string(),
        valid_until: area.valid_until.to_string(),
        to: area.to.iter().map(ToString::to_string).collect(),
        agreed: area.agreed().as_str(),
        answers: area
            .answers
            .iter()
            .map(|(party, answer)| {
                let row = AreaAnswerRow {
                    said: Ref::new(&answer.reference, answer.at),
                    response: word(&answer.response),
                };
                (party.to_string(), row)
            })
            .collect(),
        holding: area
            .holds
            .iter()
            .map(|(party, holding)| (party.to_string(), Holding::new(holding)))
            .collect(),
        caution: CAUTION,
    }
}

fn separation_row(separation: &Separation) -> SeparationRow {
    SeparationRow {
        said: Ref::new(&separation.reference, separation.at),
        by: separation.by.to_string(),
        ask: separation.ask.write(),
        answers: separation
            .answers
            .iter()
            .map(|(party, answer)| {
                let (said, reason) = match &answer.said {
                    Said::Answered => ("answered", None),
                    Said::Refused(reason) => ("refused", Some(reason.clone())),
                };
                let row = SeparationAnswerRow {
                    said: Ref::new(&answer.reference, answer.at),
                    answer: said,
                    reason,
                };
                (party.to_string(), row)
            })
            .collect(),
        holding: separation
            .holds
            .iter()
            .map(|(party, holding)| (party.to_string(), Holding::new(holding)))
            .collect(),
    }
}
