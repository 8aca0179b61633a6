//! Movements: convoys, flights and patrols with what became of their notice at each recipient, and their way.

use super::contact::word;
use super::objects::{Object, Ref, json};
use super::reception::{BY_NOW, GapRow, ReceptionRow, Told, gaps};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::movements::{Awaited, Event, Movement, Stage, Version};
use truce::protection::UNCHANGED;
use truce::wire::Wire;
use utoipa::ToSchema;

/// A movement. A notice informs and asks nobody's permission.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementRow {
    /// Its first notice.
    pub reference: String,
    /// Whose it is.
    pub by: String,
    /// `notified`, `aborted`, `underway`, `holding`, `denied`, `turned_back`, `arrived` or `closed`, by everything that was said.
    pub stage: &'static str,
    /// What a notice never does, in a sentence.
    pub protection: &'static str,
    /// Its versions, the first one first.
    pub versions: Vec<MovementVersionRow>,
    /// What became of the newest version at each of those to whom it is notified, and at the cell.
    pub recipients: BTreeMap<String, ReceptionRow>,
    /// Of each of those to whom it is notified what is missing of the newest version.
    pub gaps: Vec<GapRow>,
    /// The same as it was when it left.
    pub gaps_at_departure: Option<Vec<GapRow>>,
    /// Parties to the agreement to whom it is not notified.
    pub not_told: Vec<String>,
    /// What its own side said of its way, in the order of its log.
    pub events: Vec<EventRow>,
    /// The check-in that is awaited; when it is missed it climbs.
    pub awaited: Option<AwaitedRow>,
    /// The last live place that somebody pressed for; only for who reads it.
    pub live: Option<LiveRow>,
    /// Milliseconds from a missed check-in to uncertainty, alert and distress.
    pub climbs_after_ms: [i64; 3],
}

/// One version of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementVersionRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// What all its readers see, as the group `body` of `movement.notify/1`.
    #[schema(value_type = Object)]
    pub notice: Value,
    /// Its route, as the group `exact`; only for who reads it.
    #[schema(value_type = Option<Object>)]
    pub exact: Option<Value>,
    /// Who is on board, as the group `people`; for the own side.
    #[schema(value_type = Option<Object>)]
    pub people: Option<Value>,
    /// To whom its route was sent.
    pub sent_to: Vec<String>,
    /// That it was said later than the agreement asks. It is flagged and never refused.
    pub late: Option<LateRow>,
}

/// Late notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct LateRow {
    /// So many seconds before departure it should have been said.
    pub owed_s: i64,
    /// So many seconds before departure it was said; below 0 after it.
    pub given_s: i64,
}

/// One word of its own side.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// Its kind.
    #[schema(example = "movement.depart")]
    pub kind: &'static str,
    /// Where the movement is after it; absent when that could not be said then, and it counts for nothing.
    pub stage: Option<&'static str>,
}

/// A check-in that is awaited.
#[derive(Debug, Serialize, ToSchema)]
pub struct AwaitedRow {
    /// At which check-point.
    pub point: Option<String>,
    /// At the latest when.
    #[schema(format = DateTime)]
    pub due_at: String,
    /// The statement that set it.
    pub set_in: String,
}

/// A live place.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveRow {
    /// Where.
    #[schema(value_type = Object)]
    pub place: Value,
    /// When it was there.
    #[schema(format = DateTime)]
    pub at: String,
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    let movements = part.movements.values().map(|movement| {
        let notice = &movement.current().notice.body;
        let code = notice.pcodes.first().map(ToString::to_string);
        let name = notice.admin_names.first().map(ToString::to_string);
        let over = movement.over_at();
        Object {
            reference: movement.reference.clone(),
            capability: "movement",
            at: notice.from.utc(),
            end: notice.until.utc(),
            by: movement.by.clone(),
            place: code.or(name).unwrap_or_default(),
            tag: word(&notice.purpose),
            title: Some(format!("{}, {}", word(&notice.purpose), word(&notice.mode))),
            open: over.is_none(),
            body: json(&row(movement)),
        }
    });
    movements.collect()
}

/// Everything that was sent to somebody.
pub(super) fn told(part: &Truce) -> Vec<Told<'_>> {
    let versions = part.movements.values().flat_map(|movement| {
        let versions = movement.versions.iter();
        versions.map(move |version| (movement, version))
    });
    let told = versions.flat_map(|(movement, version)| {
        version.receptions.iter().map(|(to, reception)| Told {
            about: &movement.reference,
            version: &version.reference,
            at: version.at,
            by: &movement.by,
            to,
            delivery: reception.delivery,
        })
    });
    told.collect()
}

fn row(movement: &Movement) -> MovementRow {
    let clocks = &movement.clocks;
    MovementRow {
        reference: movement.reference.to_string(),
        by: movement.by.to_string(),
        stage: stage(movement.state(BY_NOW).stage),
        protection: UNCHANGED,
        versions: movement
            .versions
            .iter()
            .map(|of| version(movement, of))
            .collect(),
        recipients: movement
            .current()
            .receptions
            .iter()
            .map(|(sign, reception)| (sign.to_string(), ReceptionRow::of(reception)))
            .collect(),
        gaps: gaps(&movement.gaps(BY_NOW)),
        gaps_at_departure: movement.gaps_at_departure().as_ref().map(gaps),
        not_told: movement.not_told.iter().map(ToString::to_string).collect(),
        events: movement.way.events.iter().map(event).collect(),
        awaited: movement.way.awaited(BY_NOW).map(awaited),
        live: movement.way.live.last().map(|(_, place, at)| LiveRow {
            place: place.write(),
            at: at.to_string(),
        }),
        climbs_after_ms: [
            clocks.uncertainty_after_ms,
            clocks.alert_after_ms,
            clocks.distress_after_ms,
        ],
    }
}

fn version(movement: &Movement, version: &Version) -> MovementVersionRow {
    MovementVersionRow {
        said: Ref::new(&version.reference, version.at),
        notice: version.notice.body.write(),
        exact: version.notice.exact.as_ref().map(Wire::write),
        people: version.notice.people.as_ref().map(Wire::write),
        sent_to: version.sent_to.iter().map(ToString::to_string).collect(),
        late: movement.late(version).map(|late| LateRow {
            owed_s: late.owed_ms / 1000,
            given_s: late.given_ms / 1000,
        }),
    }
}

fn event(event: &Event) -> EventRow {
    EventRow {
        said: Ref::new(&event.reference, event.at),
        kind: event.said.as_str(),
        stage: event.stage.map(stage),
    }
}

fn awaited(awaited: &Awaited) -> AwaitedRow {
    AwaitedRow {
        point: awaited.point.as_ref().map(ToString::to_string),
        due_at: awaited.due_at.to_string(),
        set_in: awaited.set_in.to_string(),
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Notified => "notified",
        Stage::Aborted => "aborted",
        Stage::Underway => "underway",
        Stage::Holding => "holding",
        Stage::Denied => "denied",
        Stage::TurnedBack => "turned_back",
        Stage::Arrived => "arrived",
        Stage::Closed => "closed",
    }
}
