//! A room for tests: participants with keys and offices who say real, signed statements.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which each test uses a part"
)]

use record::encoding::Hash;
use record::key::{Algorithm, SecretKey};
use record::name::{CallSign, LogId, Reference};
use record::statement::{Draft, Kid, Statement};
use record::time::UtcMs;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use truce::{OwnLog, Refusal, Statements, Truce, admit};

pub const OFFICES: [&str; 8] = [
    "duty_officer",
    "field_monitor",
    "verification_analyst",
    "do_no_harm_officer",
    "notification_officer",
    "head_of_mission",
    "auditor",
    "administrator",
];

pub fn sha() -> String {
    "A".repeat(43)
}

pub fn utc(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

pub fn sign(text: &str) -> CallSign {
    text.parse().unwrap()
}

/// One participant: its log, the keys of its desk (all offices), of the relief (all offices), and of one that has none.
pub struct Side {
    pub name: String,
    pub log: LogId,
    pub own: OwnLog,
    next: u64,
    seed: u8,
}

pub const DESK: u64 = 1;
pub const RELIEF: u64 = 2;
pub const NOBODY: u64 = 3;

fn key(seed: u8, which: u64) -> SecretKey {
    let mut bytes = [seed; 32];
    bytes[0] = u8::try_from(which).unwrap();
    SecretKey::from_seed(Algorithm::EdDsa, &bytes).unwrap()
}

#[derive(Default)]
pub struct Room {
    pub sides: BTreeMap<String, Side>,
    /// Everything that was said, in the order of saying.
    pub said: Vec<(u64, Statement)>,
}

/// What is said.
pub struct Words<'a> {
    pub kid: u64,
    pub kind: &'a str,
    pub at: &'a str,
    pub about: Vec<Reference>,
    pub groups: Value,
}

impl Room {
    pub fn of(names: &[&str]) -> Self {
        let mut room = Self::default();
        for name in names {
            room.join(name);
        }
        room
    }

    pub fn join(&mut self, name: &str) {
        let seed = u8::try_from(self.sides.len()).unwrap() + 1;
        let origin: LogId = format!("truce.example/{}", name.to_lowercase())
            .parse()
            .unwrap();
        let declare = json!({"callsign": name, "admin": key(seed, 200).public().to_jwk(),
            "recovery": key(seed, 201).public().to_jwk(), "log_key": "declared"});
        let mut side = Side {
            name: name.into(),
            own: OwnLog::new(origin.origin.clone()),
            log: origin,
            next: 0,
            seed,
        };
        let entry0 = side.control("participant.declare/1", declare);
        side.log = LogId::new(side.log.origin.clone(), entry0.1.leaf().hash());
        let mut all = vec![entry0];
        for which in [DESK, RELIEF, NOBODY] {
            let grant = json!({"role": "office", "key": key(seed, which).public().to_jwk()});
            all.push(side.control("key.grant/1", grant));
        }
        for which in [DESK, RELIEF] {
            for office in OFFICES {
                all.push(side.control(
                    "office.grant/1",
                    json!({"kid": which.to_string(), "office": office}),
                ));
            }
        }
        self.said.extend(all);
        self.sides.insert(name.into(), side);
    }

    pub fn control(&mut self, name: &str, kind: &str, body: Value) -> Reference {
        let said = self.sides.get_mut(name).unwrap().control(kind, body);
        self.push(said)
    }

    fn push(&mut self, said: (u64, Statement)) -> Reference {
        let leaf = said.1.leaf();
        let reference = Reference {
            origin: leaf.log.origin.clone(),
            index: said.0,
            leaf: leaf.hash(),
        };
        self.said.push(said);
        reference
    }

    /// Says it after admission.
    pub fn try_say(&mut self, name: &str, words: &Words<'_>) -> Result<Reference, Refusal> {
        let side = self.sides.get_mut(name).unwrap();
        let statement = side.sign(words);
        let head = statement.head().unwrap();
        let contents = head
            .groups
            .keys()
            .map(|g| (g.clone(), statement.content(g).unwrap().clone()))
            .collect();
        let body = truce::parse(&head.kind, &contents)?;
        admit(&body, Kid::Index(words.kid), Some(head), &side.own)?;
        let said = side.take(statement);
        Ok(self.push(said))
    }

    /// Says a draft of its own readers, after admission.
    pub fn try_draft(&mut self, name: &str, draft: Draft) -> Result<Reference, Refusal> {
        let side = self.sides.get_mut(name).unwrap();
        let (key, at) = (key(side.seed, DESK), utc("2016-06-20T09:00:00Z"));
        let statement = draft.sign(&key, Kid::Index(DESK), &side.log, at).unwrap();
        let head = statement.head().unwrap();
        let contents = head
            .groups
            .keys()
            .map(|g| (g.clone(), statement.content(g).unwrap().clone()))
            .collect();
        let body = truce::parse(&head.kind, &contents)?;
        admit(&body, Kid::Index(DESK), Some(head), &side.own)?;
        let said = side.take(statement);
        Ok(self.push(said))
    }

    /// Says it, as another's log may, without admission.
    pub fn force(&mut self, name: &str, words: &Words<'_>) -> Reference {
        let side = self.sides.get_mut(name).unwrap();
        let statement = side.sign(words);
        let said = side.take(statement);
        self.push(said)
    }

    pub fn say(
        &mut self,
        name: &str,
        at: &str,
        kind: &str,
        about: &[&Reference],
        body: Value,
    ) -> Reference {
        let about = about.iter().map(|r| (*r).clone()).collect();
        let words = Words {
            kid: DESK,
            kind,
            at,
            about,
            groups: json!({"body": body}),
        };
        self.try_say(name, &words)
            .unwrap_or_else(|refusal| panic!("{name} {kind}: {refusal}"))
    }

    pub fn refusal(
        &mut self,
        name: &str,
        kid: u64,
        kind: &str,
        about: &[&Reference],
        body: Value,
    ) -> Refusal {
        let about = about.iter().map(|r| (*r).clone()).collect();
        let words = Words {
            kid,
            kind,
            at: "2016-06-20T09:00:00Z",
            about,
            groups: json!({"body": body}),
        };
        self.try_say(name, &words).expect_err("it was admitted")
    }

    pub fn statements(&self) -> Statements {
        let mut statements = Statements::default();
        for (index, statement) in &self.said {
            statements.hold(*index, statement);
        }
        statements
    }

    pub fn truce(&self) -> Truce {
        Truce::of(&self.statements())
    }

    /// RU and US bound since 27 Feb 2016, MISSION neutral, `nusra` excluded, a line that is tested daily at 09:00.
    pub fn bind(&mut self) -> Reference {
        let origin = |name: &str| format!("truce.example/{}", name.to_lowercase());
        let member = |name: &str, role: &str| json!({"call_sign": name, "origin": origin(name), "role": role});
        let corner = |lat: i64, lon: i64| json!({"lat_e7": lat, "lon_e7": lon});
        let names: Vec<String> = self.sides.keys().cloned().collect();
        let roles = names.iter().map(|name| match name.as_str() {
            "MISSION" => member(name, "mission"),
            _ => member(name, "guarantor"),
        });
        let (a, b) = self.pair();
        let body = json!({
            "name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1, "text_sha256": sha(),
            "text_public": true, "needed": [a, b], "accept_by": "2016-02-26T12:00:00+02:00",
            "in_force_from": "2016-02-27T00:00:00+02:00",
            "provisions": [{"id": "art-1", "title": "Territory", "text_sha256": sha()},
                {"id": "art-2", "title": "Groups not covered", "text_sha256": sha()}],
            "territory": {"provision": "art-1", "polygons": [[corner(320_000_000, 350_000_000), corner(380_000_000, 350_000_000),
                corner(380_000_000, 430_000_000), corner(320_000_000, 430_000_000)]]},
            "participants": roles.collect::<Vec<_>>(), "neutrals": ["MISSION"],
            "flash_recipients": [a, b],
            "excluded": [{"id": "nusra", "name": "Nusra Front", "also_known_as": ["Later Name of Nusra"], "provision": "art-2"}],
            "lines": [{"id": "line-1", "a": a, "b": b, "primary": "telephone", "alternate": "satellite",
                "tests": {"first": "2016-03-01T09:00:00Z", "every_s": 86400, "within_s": 900}}],
        });
        let instrument = self.say(&a, "2016-02-22T18:00:00Z", "instrument.table/1", &[], body);
        self.say(
            &b,
            "2016-02-23T09:00:00Z",
            "instrument.accept/1",
            &[&instrument],
            json!({"text_sha256": sha()}),
        );
        instrument
    }

    /// The two parties: the first two sides that are not the mission, in the order in which they joined.
    pub fn pair(&self) -> (String, String) {
        let mut sides: Vec<&Side> = self
            .sides
            .values()
            .filter(|side| side.name != "MISSION")
            .collect();
        sides.sort_by_key(|side| side.seed);
        (sides[0].name.clone(), sides[1].name.clone())
    }
}

impl Side {
    fn control(&mut self, kind: &str, body: Value) -> (u64, Statement) {
        let body: Map<String, Value> = body.as_object().unwrap().clone();
        let admin = key(self.seed, 200);
        let statement = Statement::sign_control(
            kind.parse().unwrap(),
            body,
            &admin,
            Kid::Index(0),
            &self.log,
            UtcMs(0),
        )
        .unwrap();
        let control = truce::participants::control_body(statement.leaf());
        self.own.apply(Kid::Index(0), None, control.as_ref());
        self.next += 1;
        (self.next - 1, statement)
    }

    fn sign(&self, words: &Words<'_>) -> Statement {
        let mut draft = Draft::new(words.kind, words.at)
            .unwrap()
            .about(words.about.clone());
        for (name, content) in words.groups.as_object().unwrap() {
            let aud = readers(words, name);
            draft = draft.group(name, aud, content.clone()).unwrap();
        }
        draft
            .sign(
                &key(self.seed, words.kid),
                Kid::Index(words.kid),
                &self.log,
                utc(words.at),
            )
            .unwrap()
    }

    fn take(&mut self, statement: Statement) -> (u64, Statement) {
        let head = statement.head().unwrap();
        let contents = head
            .groups
            .keys()
            .map(|g| (g.clone(), statement.content(g).unwrap().clone()))
            .collect();
        let body = truce::parse(&head.kind, &contents).ok();
        self.own
            .apply(statement.leaf().kid, Some(head), body.as_ref());
        self.next += 1;
        (self.next - 1, statement)
    }
}

/// Everybody who is a party, but for exact places and what is contested: these are for those whom the notice names.
fn readers(words: &Words<'_>, group: &str) -> record::audience::Audience {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let body = &words.groups["body"];
    let listed = |member: &str| body[member].as_array().cloned().unwrap_or_default();
    let through = text(&body["through"]);
    let named: Vec<String> = match (words.kind, group) {
        ("site.notify/1", "exact") => listed("consents")
            .iter()
            .filter_map(|consent| text(&consent["recipient"]))
            .chain(through)
            .collect(),
        ("movement.notify/1" | "movement.revise/1", "exact") => listed("to")
            .iter()
            .filter_map(text)
            .chain(through)
            .collect(),
        ("movement.check_in/1", "exact") => vec!["own".into()],
        ("site.contest/1", _) => vec!["MISSION".into()],
        _ => vec!["parties".into()],
    };
    record::audience::Audience::of(named.iter().map(|name| name.parse().unwrap()))
}

/// Something that stands in no log.
pub fn nowhere(name: &str) -> Reference {
    Reference {
        origin: format!("truce.example/{}", name.to_lowercase())
            .parse()
            .unwrap(),
        index: 999,
        leaf: Hash([9; 32]),
    }
}
