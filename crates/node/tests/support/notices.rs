//! Sites and movements, to be notified.

use super::{Exercise, copy, office_for};
use node::{Node, Running, Settings};
use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn place(lat_e7: i64, lon_e7: i64) -> Value {
    json!({"lat_e7": lat_e7, "lon_e7": lon_e7})
}

pub fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

/// A notice: who reads that it is there, who reads its place, and what stands in it.
pub struct Notice<'n> {
    pub known_to: &'n [&'n str],
    pub to: &'n [&'n str],
    pub about: Option<&'n Reference>,
    pub through: Option<&'n str>,
}

pub const EVERYBODY: &[&str] = &["parties", "MISSION", "HUM"];

impl<'n> Notice<'n> {
    pub fn to(to: &'n [&'n str]) -> Self {
        Self {
            known_to: EVERYBODY,
            to,
            about: None,
            through: None,
        }
    }

    pub fn again(about: &'n Reference, to: &'n [&'n str]) -> Self {
        Self {
            about: Some(about),
            ..Self::to(to)
        }
    }

    /// The same, with a notification cell.
    pub fn through(self, cell: &'n str) -> Self {
        Self {
            through: Some(cell),
            ..self
        }
    }

    pub fn hidden(to: &'n [&'n str]) -> Self {
        Self {
            known_to: to,
            ..Self::to(to)
        }
    }

    pub fn draft(&self, kind: &str, body: Value, exact: Value) -> Draft {
        let draft = Draft::new(kind, "2016-03-01T09:00:00Z").unwrap();
        let draft = draft.about(self.about.into_iter().cloned().collect());
        let mut body = body;
        if let Some(cell) = self.through {
            body["through"] = cell.into();
        }
        let draft = draft.group("body", aud(self.known_to), body).unwrap();
        let readers: Vec<&str> = self.to.iter().copied().chain(self.through).collect();
        draft.group("exact", aud(&readers), exact).unwrap()
    }
}

pub fn site(notice: &Notice<'_>, exact: Value) -> Draft {
    let consents: Vec<Value> = notice
        .to
        .iter()
        .map(|recipient| {
            json!({"recipient": recipient, "given_by": "director", "given_at": "2016-03-01T00:00:00Z",
                "told": "delivered_copy_cannot_be_watched_or_recalled"})
        })
        .collect();
    let body = json!({"category": "clinic", "admin_names": ["Aleppo"], "consents": consents,
        "valid_from": "2016-03-01T00:00:00Z", "review_by": "2016-03-10T00:00:00Z", "protection": "unchanged"});
    let mut whole = json!({"name": "Clinic", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": place(362_000_000, 371_600_000)});
    let more = exact.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(more);
    notice.draft("site.notify/1", body, whole)
}

/// A convoy that passes the clinic between 08:00 and 10:00.
pub fn legs() -> Value {
    json!([{"from": place(362_000_000, 370_600_000), "from_at": "2016-03-02T08:00:00Z", "to": place(362_000_000, 372_600_000),
        "to_at": "2016-03-02T10:00:00Z", "radius_m": 100}])
}

pub fn movement(notice: &Notice<'_>, legs: Value) -> Draft {
    let kind = match notice.about {
        Some(_) => "movement.revise/1",
        None => "movement.notify/1",
    };
    let body = json!({"purpose": "relief", "mode": "road", "to": notice.to, "persons": 3, "from": "2016-03-02T08:00:00Z",
        "until": "2016-03-02T20:00:00Z", "protection": "unchanged"});
    notice.draft(kind, body, json!({"datum": "wgs84", "legs": legs}))
}

pub fn say(exercise: &Exercise, who: &str, draft: Draft) -> Reference {
    let kind = draft.head().kind.to_string();
    let said = exercise.try_say(who, office_for(&kind), draft);
    said.unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
}

pub fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    exercise
}

/// Two stores with one past: that of the exercise, in which more can be said now, and another one.
pub fn two_stores(exercise: &mut Exercise) -> (Running, PathBuf) {
    exercise.node().settle();
    exercise.stop();
    let other = exercise.dir.path().join("other");
    copy(&exercise.store(), &other);
    let without = open(exercise, &other);
    exercise.start();
    (without, other)
}

fn open(exercise: &Exercise, dir: &Path) -> Running {
    let settings = Settings {
        clock: Arc::clone(&exercise.clock) as _,
        clerk: false,
        ..Settings::default()
    };
    Node::open(dir, settings).unwrap()
}
