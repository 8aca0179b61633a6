//! Instruments, and what each party said to them.

use super::contact::word;
use super::objects::{Holding, Object, Ref, json};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::agreement::{Cited, Instrument};
use truce::wire::Wire;
use utoipa::ToSchema;

/// An instrument, and what each party said to it. What it is at a time is asked with a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentRow {
    /// Where it was tabled.
    pub reference: String,
    /// By whom.
    pub by: String,
    /// When.
    #[schema(format = DateTime)]
    pub tabled_at: String,
    /// Its terms, as in `instrument.table/1`.
    #[schema(value_type = Object)]
    pub terms: Value,
    /// The instrument that it amends.
    pub amends: Option<String>,
    /// Who accepted in time.
    pub accepted: BTreeMap<String, Ref>,
    /// Who refused.
    pub refused: BTreeMap<String, Ref>,
    /// Who suspended, resumed or ended its acceptance.
    pub departures: BTreeMap<String, Vec<DepartureRow>>,
    /// Formations that joined.
    pub formations: Vec<FormationRow>,
    /// The last holding reply of each.
    pub holding: BTreeMap<String, Holding>,
    /// When the last acceptance that its rule needs was said.
    #[schema(format = DateTime)]
    pub adopted_at: Option<String>,
    /// When it begins to bind, if it was adopted.
    #[schema(format = DateTime)]
    pub begins_at: Option<String>,
}

/// A provision.
#[derive(Debug, Serialize, ToSchema)]
pub struct CitedRow {
    /// The instrument: full reference.
    pub instrument: String,
    /// The provision's short name.
    pub provision: String,
    /// Its title.
    pub title: String,
}

impl CitedRow {
    /// As it is given out.
    #[must_use]
    pub fn of(cited: &Cited) -> Self {
        Self {
            instrument: cited.instrument.to_string(),
            provision: cited.provision.to_string(),
            title: cited.title.clone(),
        }
    }
}

/// One party's suspension, resumption or end.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartureRow {
    /// Where it stands.
    pub reference: String,
    /// `suspend`, `resume` or `end`.
    pub leaving: String,
    /// From when it counts.
    #[schema(format = DateTime)]
    pub from: String,
}

/// A formation that joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormationRow {
    /// Where and when it was said.
    #[serde(flatten)]
    pub said: Ref,
    /// Under whose log.
    pub by: String,
    /// As in `formation.join/1`.
    #[schema(value_type = Object)]
    pub formation: Value,
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    let instruments = part.agreement.instruments.values();
    instruments
        .map(|instrument| Object {
            reference: instrument.reference.clone(),
            capability: "instrument",
            at: instrument.tabled_at,
            end: instrument.tabled_at,
            by: instrument.by.clone(),
            place: String::new(),
            tag: word(&instrument.table.formality),
            title: Some(instrument.table.name.to_string()),
            open: instrument.adopted_at().is_none(),
            body: json(&row(instrument)),
        })
        .collect()
}

/// The row of an instrument.
#[must_use]
pub fn row(instrument: &Instrument) -> InstrumentRow {
    InstrumentRow {
        reference: instrument.reference.to_string(),
        by: instrument.by.to_string(),
        tabled_at: instrument.tabled_at.to_string(),
        terms: instrument.table.write(),
        amends: instrument.amends.as_ref().map(ToString::to_string),
        accepted: instrument
            .accepted
            .iter()
            .map(|(party, a)| (party.to_string(), Ref::new(&a.reference, a.at)))
            .collect(),
        refused: instrument
            .refused
            .iter()
            .map(|(party, refused)| (party.to_string(), Ref::pair(refused)))
            .collect(),
        departures: instrument
            .departures
            .iter()
            .map(|(party, all)| {
                let rows = all.iter().map(|departure| DepartureRow {
                    reference: departure.reference.to_string(),
                    leaving: word(&departure.leaving),
                    from: departure.from.to_string(),
                });
                (party.to_string(), rows.collect())
            })
            .collect(),
        formations: instrument
            .formations
            .iter()
            .map(|formation| FormationRow {
                said: Ref::new(&formation.reference, formation.at),
                by: formation.by.to_string(),
                formation: formation.join.write(),
            })
            .collect(),
        holding: instrument
            .holds
            .iter()
            .map(|(party, (reference, until))| {
                let holding = (reference.clone(), Some(*until));
                (party.to_string(), Holding::new(&holding))
            })
            .collect(),
        adopted_at: instrument.adopted_at().map(|at| at.to_string()),
        begins_at: instrument.begins_at().map(|at| at.to_string()),
    }
}
