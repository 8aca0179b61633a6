//! In which districts formations are, by the day, and which of these lie in areas that are said to be held by an excluded group. The
//! second is told when it is read: where districts lie says the gazetteer, which is no part of the record.

use super::objects::{Object, json};
use super::query::held_areas;
use super::snapshot::Snapshot;
use super::{Context, ViewError};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use serde::Serialize;
use serde_json::Value;
use truce::Truce;
use truce::areas::Area;
use truce::presence::{COUNTS_MS, District, Presence, Present, counting};
use truce::standing::Directory;
use truce::values::Slug;
use truce::wire::{Place, Wire};
use utoipa::ToSchema;

/// In which districts a formation is, as its own side says.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresenceRow {
    /// Where it was said.
    pub reference: String,
    /// By whom.
    pub by: String,
    /// As in `formation.presence/1`.
    #[schema(value_type = Object)]
    pub presence: Value,
}

pub(super) fn objects(part: &Truce, directory: &Directory) -> Vec<Object> {
    let presences = part.presences.iter().filter_map(|(reference, presence)| {
        let by = directory.call_sign(&reference.origin)?;
        let row = PresenceRow {
            reference: reference.to_string(),
            by: by.to_string(),
            presence: presence.write(),
        };
        let first = presence.districts.iter().next();
        Some(Object {
            reference: reference.clone(),
            capability: "presence",
            at: presence.as_of.utc(),
            end: presence.as_of.utc(),
            by,
            place: first.map(called).unwrap_or_default(),
            tag: presence.formation.to_string(),
            title: Some(presence.formation.to_string()),
            open: false,
            body: json(&row),
        })
    });
    presences.collect()
}

/// By its code, or its name where it has none.
fn called(district: &District) -> String {
    let code = district.pcode.as_ref().map(ToString::to_string);
    let name = district.name.as_ref().map(ToString::to_string);
    code.or(name).unwrap_or_default()
}

/// What is known of who is where.
pub struct Whereabouts {
    /// Areas that are said to be held by an excluded group, and are valid.
    pub areas: Vec<Area>,
    /// Where formations are, as far as it counts.
    pub present: Vec<Present>,
}

impl Snapshot<'_> {
    /// Areas that are said to be held by an excluded group and are valid at `at`, and what counts then of where formations are.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn whereabouts(&self, at: UtcMs) -> Result<Whereabouts, ViewError> {
        // Of each formation the last word alone: there are as many as formations, however often they are told of.
        const SQL: &str = "SELECT body FROM object o INDEXED BY object_list WHERE capability = 'presence' AND at_ms BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM object n INDEXED BY object_tag WHERE n.capability = 'presence' AND n.tag = o.tag AND n.by_sign = o.by_sign AND n.at_ms <= ?2 AND (n.at_ms, n.id) > (o.at_ms, o.id))";
        let areas = held_areas(self.db(), self.context(), at, at)?;
        let mut present = Vec::new();
        let mut select = self.db().prepare_cached(SQL)?;
        let mut rows = select.query([at.0.saturating_sub(COUNTS_MS), at.0])?;
        while let Some(row) = rows.next()? {
            let body: String = row.get(0)?;
            present.push(read(&body)?);
        }
        Ok(Whereabouts {
            areas: areas
                .into_values()
                .filter(|area| area.is_valid(at))
                .collect(),
            present: counting(present, at),
        })
    }
}

fn read(body: &str) -> Result<Present, ViewError> {
    let damaged = |what: String| ViewError::Damaged(format!("a word on presence: {what}"));
    let row: Value = serde_json::from_str(body).map_err(|error| damaged(error.to_string()))?;
    let presence = Presence::read(&row["presence"], &Place::Top);
    let text = |member: &str| row[member].as_str().unwrap_or_default();
    let reference: Result<Reference, _> = text("reference").parse();
    let by: Result<CallSign, _> = text("by").parse();
    Ok(Present {
        reference: reference.map_err(|_| damaged("has no reference".into()))?,
        by: by.map_err(|_| damaged("has no call sign".into()))?,
        presence: presence.map_err(|error| damaged(error.to_string()))?,
    })
}

/// The name under which a formation joined under a participant's log; `None` when it is not known to have.
#[must_use]
pub fn joined_as(context: &Context, by: &CallSign, formation: &Slug) -> Option<String> {
    let instruments = context.agreement.instruments.values();
    let mut formations = instruments.flat_map(|instrument| &instrument.formations);
    let joined = formations.find(|joined| joined.by == *by && joined.join.id == *formation);
    joined.map(|joined| joined.join.name.to_string())
}
