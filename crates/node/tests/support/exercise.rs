//! An exercise for tests: participants with real keys, logs and views, on a clock that stands until it is moved.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which each test uses a part"
)]

use node::home::Founded;
use node::{Node, Running, Settings};
use record::audience::Audience;
use record::encoding::Hash;
use record::name::{CallSign, Reference};
use record::statement::Draft;
use record::time::{ManualClock, UtcMs};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use truce::participants::Office;

pub fn utc(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

pub fn sign(text: &str) -> CallSign {
    text.parse().unwrap()
}

pub fn text_hash() -> String {
    Hash([0; 32]).to_base64url()
}

pub struct Exercise {
    pub dir: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub node: Option<Running>,
    /// The verifier keys of the participants' logs.
    pub pins: Vec<String>,
    clerk: bool,
}

const START: &str = "2016-02-22T18:00:00Z";

impl Exercise {
    pub fn of(names: &[&str]) -> Self {
        Self::with(names, true)
    }

    /// With or without receipts that are given by machines.
    pub fn with(names: &[&str], clerk: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(utc(START)));
        let founded: Vec<Founded> = names.iter().map(|name| founded(dir.path(), name)).collect();
        let made = Node::found_exercise(&dir.path().join("store"), &founded, &*clock).unwrap();
        let mut exercise = Self {
            pins: made.into_iter().map(|made| made.verifier).collect(),
            dir,
            clock,
            node: None,
            clerk,
        };
        exercise.start();
        exercise
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn start(&mut self) {
        let settings = Settings {
            clock: Arc::clone(&self.clock) as _,
            clerk: self.clerk,
            ..Settings::default()
        };
        self.node = Some(Node::open(&self.store(), settings).unwrap());
    }

    pub fn stop(&mut self) {
        self.node = None;
    }

    pub fn node(&self) -> &Arc<Node> {
        self.node.as_ref().unwrap()
    }

    pub fn at(&self, text: &str) {
        self.clock.set(utc(text));
    }

    pub fn draft(&self, kind: &str, about: &[&Reference], aud: &[&str], body: Value) -> Draft {
        let at = self.node().now().to_string();
        let aud = Audience::of(aud.iter().map(|name| name.parse().unwrap()));
        let draft = Draft::new(kind, &at)
            .unwrap()
            .group("body", aud, body)
            .unwrap();
        draft.about(about.iter().map(|about| (*about).clone()).collect())
    }

    pub fn try_say(
        &self,
        who: &str,
        office: Office,
        draft: Draft,
    ) -> Result<Reference, node::NodeError> {
        let receipt = self.node().say_draft(&sign(who), office, None, draft)?;
        Ok(receipt.reference)
    }

    /// The duty officer says it to the parties and the mission.
    pub fn say(&self, who: &str, kind: &str, about: &[&Reference], body: Value) -> Reference {
        self.say_to(who, kind, about, &["parties", "MISSION"], body)
    }

    pub fn say_to(
        &self,
        who: &str,
        kind: &str,
        about: &[&Reference],
        aud: &[&str],
        body: Value,
    ) -> Reference {
        let draft = self.draft(kind, about, aud, body);
        let office = office_for(kind);
        self.try_say(who, office, draft)
            .unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
    }

    /// RU and US bound since 27 Feb 2016, MISSION neutral.
    pub fn bind(&self) -> Reference {
        self.at("2016-02-22T18:00:00Z");
        let instrument = self.say_to("RU", "instrument.table/1", &[], &["public"], instrument());
        self.at("2016-02-23T09:00:00Z");
        let accept = json!({"text_sha256": text_hash()});
        self.say_to(
            "US",
            "instrument.accept/1",
            &[&instrument],
            &["public"],
            accept,
        );
        self.at("2016-03-01T09:00:00Z");
        instrument
    }
}

fn founded(dir: &Path, name: &str) -> Founded {
    let all = Office::ALL.to_vec();
    Founded {
        call_sign: sign(name),
        origin: format!("truce.example/{}", name.to_lowercase())
            .parse()
            .unwrap(),
        recovery: dir.join(format!("{name}-recovery.key")),
        desks: vec![(all.clone(), vec!["en".into()]), (all, vec!["en".into()])],
    }
}

pub fn office_for(kind: &str) -> Office {
    let name = kind.split('/').next().unwrap();
    let known = truce::kinds::Name::ALL
        .iter()
        .find(|known| known.as_str() == name);
    known
        .and_then(|known| known.offices().first())
        .copied()
        .unwrap_or(Office::DutyOfficer)
}

pub fn instrument() -> Value {
    let member = |name: &str, role: &str| json!({"call_sign": name, "origin": format!("truce.example/{}", name.to_lowercase()), "role": role});
    json!({
        "name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1, "text_sha256": text_hash(),
        "text_public": true, "needed": ["RU", "US"], "accept_by": "2016-02-26T12:00:00+02:00",
        "in_force_from": "2016-02-27T00:00:00+02:00",
        "provisions": [{"id": "art-1", "title": "Groups not covered", "text_sha256": text_hash()}],
        "participants": [member("RU", "guarantor"), member("US", "guarantor"), member("MISSION", "mission")],
        "neutrals": ["MISSION"], "flash_recipients": ["RU", "US", "MISSION"],
        "excluded": [{"id": "nusra", "name": "Nusra Front", "provision": "art-1"}],
        "lines": [{"id": "ru-us", "a": "RU", "b": "US", "primary": "telephone", "alternate": "satellite",
            "tests": {"first": "2016-03-01T09:00:00Z", "every_s": 86400, "within_s": 900}}],
    })
}

pub fn flash(to: &[&str]) -> Value {
    json!({"precedence": "FLASH", "to": to, "happening": "still_happening",
        "place": {"lat_e7": 333_500_000, "lon_e7": 386_700_000}})
}

/// A report, filed by MISSION for everybody.
pub fn report(from: &str, until: &str, area: &str, sides: &[&str], more: Value) -> Value {
    let mut body = json!({"category": "shelling", "from": from, "until": until, "date_precision": 1, "means": ["heard"],
        "admin_names": [area], "place_precision": 3});
    if !sides.is_empty() {
        body["sides"] = sides.into();
    }
    let members = more.as_object().cloned().unwrap_or_default();
    body.as_object_mut().unwrap().extend(members);
    body
}

/// The morning of 21 June 2016 at the desks of RU, US and MISSION, in an exercise whose machines give no receipts: everything on
/// its board was said by somebody. It ends at 09:00Z. Returns the FLASH.
pub fn the_morning(exercise: &Exercise) -> Reference {
    exercise.bind();
    let at = |time: &str| exercise.at(time);
    let receipt =
        |who: &str, about: &Reference| exercise.say(who, "receipt/1", &[about], json!({}));
    at("2016-03-20T10:00:00Z");
    let area = json!({"name": "North", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": ["US"], "polygon": [
        {"lat_e7": 362_000_000, "lon_e7": 372_000_000}, {"lat_e7": 364_000_000, "lon_e7": 372_000_000},
        {"lat_e7": 364_000_000, "lon_e7": 374_000_000}, {"lat_e7": 362_000_000, "lon_e7": 374_000_000}],
        "basis": "Own", "valid_from": "2016-03-20T00:00:00Z", "valid_until": "2016-04-10T00:00:00Z"});
    let area = exercise.say_to("RU", "area.designate/1", &[], &["US", "MISSION"], area);
    at("2016-03-20T10:02:00Z");
    receipt("US", &area);
    at("2016-06-20T08:00:00Z");
    let words = |to: &str, grade: &str, words: &str| json!({"precedence": grade, "to": [to], "words": words, "language": "en", "subject": words});
    let road = exercise.say(
        "US",
        "message.send/1",
        &[],
        words("RU", "ROUTINE", "Which road tomorrow"),
    );
    at("2016-06-20T08:01:00Z");
    receipt("RU", &road);
    at("2016-06-20T09:05:00Z");
    for (who, tested) in [
        ("RU", "2016-06-20T09:02:00Z"),
        ("US", "2016-06-20T09:03:00Z"),
    ] {
        let test =
            json!({"line": "ru-us", "means": "primary", "tested_at": tested, "result": "heard"});
        exercise.say(who, "line.test/1", &[], test);
    }
    at("2016-06-21T05:00:00Z");
    let day = ("2016-06-20T00:00:00+03:00", "2016-06-21T00:00:00+03:00");
    let file = |body: Value| exercise.say_to("MISSION", "report.file/1", &[], &["public"], body);
    file(report(
        day.0,
        day.1,
        "Aleppo",
        &["US", "insurgents"],
        json!({}),
    ));
    file(report(
        "2016-06-21T03:00:00Z",
        "2016-06-21T04:00:00Z",
        "Aleppo",
        &["US", "RU"],
        json!({}),
    ));
    file(report(
        "2016-06-14T00:00:00+03:00",
        "2016-06-15T00:00:00+03:00",
        "Aleppo",
        &[],
        json!({}),
    ));
    file(report(
        day.0,
        day.1,
        "Idlib",
        &["RU", "Nusra Front"],
        json!({"category": "air_strike"}),
    ));
    file(report(
        "2016-06-15T09:00:00Z",
        "2016-06-15T10:00:00Z",
        "Homs",
        &[],
        json!({"category": "access_denied"}),
    ));
    file(report(
        "2016-06-01T00:00:00Z",
        "2016-07-01T00:00:00Z",
        "Homs",
        &[],
        json!({"date_precision": 4}),
    ));
    at("2016-06-21T06:00:00Z");
    let watch = |officer: &str, until: &str, languages: &[&str]| json!({"officer": officer, "until": until, "languages": languages});
    exercise.say(
        "RU",
        "shift.open/1",
        &[],
        watch("day watch", "2016-06-21T18:00:00Z", &["ru", "en"]),
    );
    exercise.say(
        "US",
        "shift.open/1",
        &[],
        watch("night watch", "2016-06-21T08:30:00Z", &["en"]),
    );
    at("2016-06-21T07:10:00Z");
    let fault = json!({"line": "ru-us", "means": "alternate", "since": "2016-06-21T07:00:00Z", "words": "No carrier"});
    exercise.say("US", "line.fault/1", &[], fault);
    at("2016-06-21T08:40:00Z");
    let convoy = exercise.say(
        "RU",
        "message.send/1",
        &[],
        words("US", "PRIORITY", "Convoy to Homs"),
    );
    at("2016-06-21T08:41:00Z");
    receipt("US", &convoy);
    at("2016-06-21T08:50:00Z");
    let mut call = flash(&["RU", "MISSION"]);
    call["place_name"] = "At Tanf".into();
    let flash = exercise.say("US", "message.send/1", &[], call.clone());
    at("2016-06-21T08:50:30Z");
    receipt("MISSION", &flash);
    at("2016-06-21T08:51:00Z");
    exercise.say("MISSION", "acknowledge/1", &[&flash], json!({}));
    receipt("RU", &flash);
    at("2016-06-21T08:52:00Z");
    exercise.say(
        "MISSION",
        "answer/1",
        &[&flash],
        json!({"reply": "not_ours"}),
    );
    at("2016-06-21T08:57:00Z");
    exercise.say("US", "message.send/1", &[&flash], call);
    at("2016-06-21T09:00:00Z");
    exercise.node().settle();
    flash
}

/// Copies a directory with everything in it; a store, while nobody has it open.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
