//! Whether the truce covers somebody at a place and time, and what instruments are at a time.

use super::api::{self, Asker, read};
use super::problem::Problem;
use super::strict::{Json, Query};
use crate::views::agreement::CitedRow;
use crate::views::contact::word;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use truce::agreement::{Actor, InstrumentState};
use truce::values::{Position, Slug};
use truce::wire::{Place, Wire};
use utoipa::{IntoParams, ToSchema};

/// Who, where and when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Who {
    /// Latitude in 1e-7 degree.
    #[param(minimum = -900_000_000, maximum = 900_000_000)]
    lat_e7: i64,
    /// Longitude in 1e-7 degree.
    #[param(minimum = -1_800_000_000, maximum = 1_800_000_000)]
    lon_e7: i64,
    /// A participant, by call sign.
    #[param(max_length = 16)]
    participant: Option<String>,
    /// A formation, by its short name.
    #[param(max_length = 64)]
    formation: Option<String>,
    /// A group, by its short name.
    #[param(max_length = 64)]
    group: Option<String>,
    /// When; left out, now.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// Whether the truce covers somebody at a place and time. It is no clearance to use force.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageRow {
    /// `covered`, `covered_inside_excluded_area`, `undetermined` or `excluded`.
    pub answer: &'static str,
    /// The provisions that say so.
    pub provisions: Vec<CitedRow>,
    /// Designated areas in which the place lies: full references.
    pub areas: Vec<String>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What the answer is not.
    pub caution: &'static str,
    /// The time that it was asked for.
    #[schema(format = DateTime)]
    pub at: String,
}

/// Whether the truce covers somebody at a place and time
#[utoipa::path(get, path = "/api/v1/coverage", tag = "agreement", params(Who), responses((status = 200, body = CoverageRow)))]
pub async fn coverage(asker: Asker, Query(who): Query<Who>) -> Result<Json<CoverageRow>, Problem> {
    let place = Position::new(who.lat_e7, who.lon_e7)
        .ok_or_else(|| Problem::bad_request("lat_e7", "and lon_e7 are no place on earth"))?;
    let at = api::time("at", who.at.as_deref())?.unwrap_or_else(|| asker.node.now());
    let actor = actor(&who)?;
    let views = asker.views;
    let coverage = read(move || views.covered(&place, &actor, at)).await?;
    Ok(Json(CoverageRow {
        answer: coverage.answer.as_str(),
        provisions: coverage.provisions.iter().map(CitedRow::of).collect(),
        areas: coverage.areas.iter().map(ToString::to_string).collect(),
        reasons: coverage.reasons,
        caution: coverage.caution,
        at: at.to_string(),
    }))
}

fn actor(who: &Who) -> Result<Actor, Problem> {
    let slug = |name: &'static str, text: &str| {
        Slug::read(&text.into(), &Place::Top)
            .map_err(|error| Problem::bad_request(name, error.rule()))
    };
    match (&who.participant, &who.formation, &who.group) {
        (None, None, None) => Ok(Actor::Unknown),
        (Some(sign), None, None) => {
            sign.parse()
                .map(Actor::Participant)
                .map_err(|error: record::name::NameError| {
                    Problem::bad_request("participant", error.to_string())
                })
        }
        (None, Some(id), None) => Ok(Actor::Formation(slug("formation", id)?)),
        (None, None, Some(id)) => Ok(Actor::Group(slug("group", id)?)),
        _ => Err(Problem::bad_request(
            "participant",
            "names one of participant, formation and group",
        )),
    }
}

/// What an instrument is at a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateRow {
    /// The instrument: full reference.
    pub instrument: String,
    /// Its name.
    pub name: String,
    /// What it calls itself.
    pub formality: String,
    /// `tabled`, `lapsed`, `accepted`, `in_force`, `suspended`, `amended` or `ended`.
    pub state: &'static str,
    /// Since when, or for `tabled` until when it can be accepted, for `accepted` when it begins.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who has not spoken, who suspended it, or who ended it.
    pub participants: Vec<String>,
    /// Whom it binds.
    pub bound: BTreeMap<String, bool>,
}

/// When.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct When {
    /// Left out, now.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// What each instrument is at a time
#[utoipa::path(get, path = "/api/v1/agreement", tag = "agreement", params(When), responses((status = 200, body = Vec<StateRow>)))]
pub async fn agreement(
    asker: Asker,
    Query(when): Query<When>,
) -> Result<Json<Vec<StateRow>>, Problem> {
    let at = api::time("at", when.at.as_deref())?.unwrap_or_else(|| asker.node.now());
    let context = asker.views.context();
    let known = context
        .agreement
        .instruments
        .values()
        .filter(|i| i.tabled_at <= at);
    let rows = known.map(|instrument| {
        let (state, since, participants) = match instrument.at(at) {
            InstrumentState::Tabled { accept_by, silent } => ("tabled", accept_by, silent),
            InstrumentState::Lapsed { at } => ("lapsed", at, vec![]),
            InstrumentState::Accepted { in_force_from } => ("accepted", in_force_from, vec![]),
            InstrumentState::InForce { since } => ("in_force", since, vec![]),
            InstrumentState::Suspended { since, by } => ("suspended", since, by),
            InstrumentState::Amended { at, .. } => ("amended", at, vec![]),
            InstrumentState::Ended { at, by } => ("ended", at, by),
        };
        let asked = instrument
            .table
            .needed
            .iter()
            .chain(&instrument.table.invited);
        StateRow {
            instrument: instrument.reference.to_string(),
            name: instrument.table.name.to_string(),
            formality: word(&instrument.table.formality),
            state,
            at: since.to_string(),
            participants: participants.iter().map(ToString::to_string).collect(),
            bound: asked
                .map(|party| (party.to_string(), instrument.binds(party, at)))
                .collect(),
        }
    });
    Ok(Json(rows.collect()))
}
