//! Truces that are drawn at random: some participants say real, signed statements of every kind about each other's, to different
//! readers, early and late, in order and not, and now and then against the rules, as another's log may.

use super::logs::{DESK, FOUNDED, MemoryLog, NOBODY};
use proptest::prelude::*;
use record::audience::Audience;
use record::encoding::Hash;
use record::name::Reference;
use record::statement::Draft;
use record::time::UtcMs;
use serde_json::{Value, json};

pub const NAMES: [&str; 6] = ["RU", "US", "MISSION", "HUM", "TR", "UN"];
const START: &str = "2016-03-02T00:00:00Z";

/// One step of a generated truce.
#[derive(Debug, Clone)]
pub struct Step {
    pub who: usize,
    pub what: usize,
    pub about: usize,
    pub readers: usize,
    pub minutes: i64,
    pub n: usize,
}

pub fn step() -> impl Strategy<Value = Step> {
    let places = (0..60usize, 0..WHAT.len() * 2, 0..4000usize);
    // Most come one after the other; some are entered late, with the time at which they were said.
    let minutes = prop_oneof![6 => 0..400i64, 1 => -600..0i64, 1 => 400..6000i64];
    (places, 0..12usize, minutes, 0..24usize).prop_map(
        |((who, what, about), readers, minutes, n)| Step {
            who,
            what,
            about,
            readers,
            minutes,
            n,
        },
    )
}

/// What can happen, by name; those that happen more often come first, and the first half twice as often.
const WHAT: [&str; 79] = [
    "flash",
    "flash again",
    "receipt",
    "receipt",
    "acknowledge",
    "answer",
    "answer",
    "answer part",
    "message",
    "message",
    "continue",
    "claim",
    "relate",
    "relate",
    "retract",
    "correct",
    "erase",
    "shift",
    "hand over",
    "take over",
    "designate",
    "area respond",
    "head seen",
    "head seen",
    "hand over",
    "line test",
    "table",
    "keys",
    "revise",
    "stopped",
    "hold",
    "refuse",
    "withdraw",
    "comment",
    "read back",
    "pass down",
    "regrade",
    "escalate",
    "separation",
    "line test",
    "line fault",
    "unrelieved",
    "report",
    "tally",
    "toll",
    "erase done",
    "table",
    "accept",
    "leave",
    "join",
    "presence",
    "unknown",
    "keys",
    "site",
    "site",
    "site version",
    "validate",
    "site review",
    "stop sharing",
    "site withdraw",
    "deletion",
    "contest",
    "exposure",
    "exposure",
    "movement",
    "movement",
    "revise movement",
    "depart",
    "depart",
    "check in",
    "move on",
    "move on",
    "move on",
    "move on",
    "move on",
    "arrive",
    "arrive",
    "validate",
    "validate",
];

/// A statement that stands in a log.
#[derive(Debug, Clone)]
struct Stands {
    side: usize,
    reference: Reference,
    kind: &'static str,
}

/// A generated truce.
pub struct World {
    pub logs: Vec<MemoryLog>,
    /// The time of the last statement.
    pub now: UtcMs,
    stands: Vec<Stands>,
}

fn sha(n: usize) -> String {
    Hash([u8::try_from(n).unwrap(); 32]).to_base64url()
}

fn member(name: &str, origin: &str) -> Value {
    json!({"call_sign": name, "origin": format!("truce.example/{}", origin.to_lowercase()),
        "role": if name == "MISSION" { "mission" } else { "party" }})
}

fn full(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
            let left = members.iter().filter(|(_, value)| !empty(value));
            left.map(|(name, value)| (name.clone(), full(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(full).collect(),
        other => other.clone(),
    }
}

fn later(at: UtcMs, minutes: i64) -> String {
    UtcMs(at.0 + minutes * 60_000).to_string()
}

impl World {
    /// What stands in the logs, a line an entry, for whoever has to find out why a test failed.
    pub fn tell(&self) -> String {
        let mut told = String::new();
        for log in &self.logs {
            for (index, said) in log.said.iter().enumerate() {
                let kind = said.kind().map(ToString::to_string).unwrap_or_default();
                let head = said.head();
                let about: Vec<String> = head
                    .into_iter()
                    .flat_map(|head| &head.about)
                    .map(|about| format!("{}#{}", about.origin, about.index))
                    .collect();
                let groups: Vec<String> = head
                    .into_iter()
                    .flat_map(|head| &head.groups)
                    .map(|(name, group)| {
                        let aud: Vec<String> =
                            group.audience.names().map(ToString::to_string).collect();
                        let content = said
                            .content(name)
                            .map(ToString::to_string)
                            .unwrap_or_default();
                        format!("{name} for {aud:?}: {content:.300}")
                    })
                    .collect();
                let body = said
                    .leaf()
                    .control()
                    .map(|(_, body)| json!(body).to_string())
                    .unwrap_or_default();
                let at = head.map(|head| head.at.clone()).unwrap_or_default();
                told += &format!(
                    "{}#{index} {kind} by {} at {at} about {about:?} {groups:?} {body:.120}\n",
                    log.name,
                    said.leaf().kid
                );
            }
        }
        told
    }

    /// Plays `steps` among the first `sides` names. Bound from the beginning by one instrument, or by none.
    pub fn play(sides: usize, bound: bool, steps: &[Step]) -> Self {
        let logs = NAMES[..sides]
            .iter()
            .zip(1..)
            .map(|(name, seed)| MemoryLog::found(name, seed));
        let mut world = Self {
            logs: logs.collect(),
            now: UtcMs::parse(START).unwrap(),
            stands: Vec::new(),
        };
        if bound {
            world.bind();
        }
        for step in steps {
            world.take(step);
        }
        world
    }

    fn bind(&mut self) {
        self.now = UtcMs::parse("2016-02-22T18:00:00Z").unwrap();
        let table = self.table(0, 0);
        let drafted = self.draft("instrument.table/1", &[], &[("body", &["public"], table)]);
        let instrument = self.said(0, "instrument.table", DESK, drafted);
        let accept = json!({"text_sha256": sha(0)});
        let drafted = self.draft(
            "instrument.accept/1",
            &[&instrument],
            &[("body", &["public"], accept)],
        );
        self.said(1, "instrument.accept", DESK, drafted);
        self.now = UtcMs::parse(START).unwrap();
    }

    /// A word that stands nowhere but in one group of the statement that is said next.
    fn token(&self, group: &str) -> String {
        format!("q{}{group}z", 1000 + self.stands.len())
    }

    /// Groups without lists that are empty: those are left out.
    fn draft(&self, kind: &str, about: &[&Reference], groups: &[(&str, &[&str], Value)]) -> Draft {
        let mut draft = Draft::new(kind, &self.now.to_string())
            .unwrap()
            .about(about.iter().map(|about| (*about).clone()).collect());
        for (name, readers, content) in groups {
            let readers = Audience::of(readers.iter().map(|name| name.parse().unwrap()));
            draft = draft.group(name, readers, full(content)).unwrap();
        }
        draft
    }

    fn said(&mut self, side: usize, kind: &'static str, kid: u64, draft: Draft) -> Reference {
        let reference = self.logs[side].say(kid, draft, self.now);
        self.stands.push(Stands {
            side,
            reference: reference.clone(),
            kind,
        });
        reference
    }

    /// The terms of an instrument. From the first, `n` changes who is needed, who is neutral, and who goes by which call sign.
    fn table(&self, n: usize, version: usize) -> Value {
        let names: Vec<&str> = self.logs.iter().map(|log| log.name.as_str()).collect();
        let mut members: Vec<Value> = names.iter().map(|name| member(name, name)).collect();
        if n % 6 == 5 {
            // The first two exchange their call signs.
            members[0] = member(names[0], names[1]);
            members[1] = member(names[1], names[0]);
        }
        if n % 6 == 4 {
            let last = names.len() - 1;
            members[last] = member("ZZ", names[last]);
        }
        let signs: Vec<String> = members
            .iter()
            .map(|member| member["call_sign"].as_str().unwrap().to_owned())
            .collect();
        let needed = if n.is_multiple_of(2) {
            vec![&signs[0], &signs[1]]
        } else {
            vec![&signs[n % 3 % signs.len()]]
        };
        let free: Vec<&String> = signs.iter().filter(|sign| !needed.contains(sign)).collect();
        let (neutrals, invited) = free.split_at(1.min(free.len()));
        json!({
            "name": format!("Text {version} {}", self.token("b")), "formality": if n % 4 == 3 { "joint_procedure" } else { "ceasefire" },
            "version": version + 1, "text_sha256": sha(version), "text_public": true,
            "needed": needed, "invited": if n.is_multiple_of(3) { invited } else { &[] },
            "accept_by": later(self.now, 3000), "in_force_from": later(self.now, if n.is_multiple_of(5) { -60 } else { 120 }),
            "provisions": [{"id": "art-1", "title": "Groups", "text_sha256": sha(0)}],
            "participants": members, "neutrals": neutrals, "flash_recipients": [&signs[0], &signs[1]],
            "clocks": if n.is_multiple_of(2) { json!([]) } else { json!([{"precedence": "FLASH", "answer_within_s": 60 * (1 + n),
                "read_back": true, "pass_down": false}]) },
            "excluded": [{"id": "nusra", "name": "Nusra Front", "provision": "art-1"}],
            "lines": [{"id": "line-1", "a": &signs[0], "b": &signs[1], "primary": "telephone", "alternate": "satellite",
                "tests": {"first": "2016-03-01T09:00:00Z", "every_s": 86400, "within_s": 900}}],
        })
    }

    /// A statement of one of these kinds that stands already, by a number; now and then one of any kind, or with another leaf.
    fn pick(
        &self,
        kinds: &[&str],
        step: &Step,
        whose: impl Fn(usize) -> bool,
    ) -> Option<Reference> {
        if step.n == 23 && step.about.is_multiple_of(2) {
            let log = &self.logs[step.about % self.logs.len()];
            let ahead = u64::try_from(step.about % 7).unwrap();
            return Some(Reference {
                origin: log.origin().clone(),
                index: log.size() + ahead,
                leaf: Hash([9; 32]),
            });
        }
        let fits = |stands: &&Stands| {
            (step.n == 22 || kinds.is_empty() || kinds.contains(&stands.kind)) && whose(stands.side)
        };
        let fitting: Vec<&Stands> = self.stands.iter().filter(fits).collect();
        // The last ones are what is talked about.
        let recent = fitting
            .len()
            .saturating_sub(if step.about.is_multiple_of(3) { 3 } else { 40 });
        let fitting = &fitting[recent..];
        let picked = fitting.get(step.about % fitting.len().max(1))?;
        Some(picked.reference.clone())
    }

    fn take(&mut self, step: &Step) {
        let who = step.who % self.logs.len();
        let what = WHAT[if step.what < WHAT.len() {
            step.what
        } else {
            (step.what - WHAT.len()) / 2
        }];
        let before = self.now;
        self.now = UtcMs(self.now.0 + step.minutes * 60_000 + i64::try_from(step.n).unwrap() * 37);
        if what == "keys" {
            self.keys(who, step);
        } else {
            self.speak(who, what, step);
        }
        // What was entered late does not set the others' clocks back.
        self.now = self.now.max(before);
    }

    /// Keys and offices change; sometimes what they did before no longer counts.
    fn keys(&mut self, who: usize, step: &Step) {
        let log = &mut self.logs[who];
        let size = log.size();
        let kid = log.kids[step.about % log.kids.len()];
        let reach = u64::try_from(step.about % 12).unwrap();
        match step.n % 8 {
            0 | 1 => {
                let from = size.saturating_sub(reach).max(FOUNDED);
                log.control(
                    "key.compromise/1",
                    json!({"kid": kid.to_string(), "from": from.min(size)}),
                );
                let new = log.grant_key();
                log.grant_offices(new);
            }
            2 => log.recover_admin(size.saturating_sub(reach).max(FOUNDED).min(size)),
            3 => {
                // A thief at the admin's desk takes back what the desk said from the beginning, and is shut out.
                let stolen = log.size();
                log.control(
                    "key.compromise/1",
                    json!({"kid": kid.to_string(), "from": FOUNDED.min(size)}),
                );
                if step.about.is_multiple_of(2) {
                    log.recover_admin(stolen);
                }
            }
            4 => drop(log.control("key.revoke/1", json!({"kid": kid.to_string()}))),
            5 => drop(log.control(
                "office.revoke/1",
                json!({"kid": kid.to_string(), "office": "duty_officer"}),
            )),
            _ => {
                let new = log.grant_key();
                log.grant_offices(new);
            }
        }
    }

    /// Whoever has a site or movement says what becomes of it.
    fn owner(&self, what: &str, step: &Step) -> Option<usize> {
        let kinds = match what {
            "site version" | "site review" | "stop sharing" | "site withdraw" => SITE,
            "revise movement" | "depart" | "check in" | "move on" | "arrive" => MOVEMENT,
            _ => return None,
        };
        let own = self.pick(kinds, step, |_| true)?;
        self.logs.iter().position(|log| *log.origin() == own.origin)
    }

    fn speak(&mut self, who: usize, what: &str, step: &Step) {
        let who = self.owner(what, step).unwrap_or(who);
        let n = step.n;
        let names: Vec<String> = self.logs.iter().map(|log| log.name.clone()).collect();
        let others: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| *name != names[who])
            .collect();
        let one = others[step.about % others.len()];
        let to: Vec<&str> = if n.is_multiple_of(3) {
            others.clone()
        } else {
            vec![one]
        };
        let mut addressed: Vec<&str> = to.clone();
        addressed.push("MISSION");
        let readers: Vec<&str> = match step.readers {
            0 | 1 => vec!["public"],
            2..=5 => vec!["parties", "MISSION"],
            6 | 7 => addressed,
            8 => vec![one],
            9 => vec!["own"],
            10 => vec!["parties"],
            _ => vec![],
        };
        let Some((kind, about, body)) = self.words(who, what, step, &to) else {
            return;
        };
        let mut groups: Vec<(&str, &[&str], Value)> = match kind {
            "report.file/1" | "correct/1" => {
                let mut groups: Vec<(&str, &[&str], Value)> = Vec::new();
                for (name, content) in body.as_object().unwrap() {
                    let narrow: &[&str] = if step.about.is_multiple_of(2) {
                        &[]
                    } else {
                        &["MISSION"]
                    };
                    let aud = if name == "body" { &readers[..] } else { narrow };
                    groups.push((name, aud, content.clone()));
                }
                groups
            }
            "site.notify/1" | "movement.notify/1" | "movement.revise/1" => {
                // Exact places are for whom the notice names; now and then somebody says it otherwise.
                let named: &[&str] = match step.about % 4 {
                    0 => &[],
                    3 if n == 19 => &["parties"],
                    _ => &to,
                };
                vec![
                    ("body", &readers, body["body"].clone()),
                    ("exact", named, body["exact"].clone()),
                ]
            }
            "site.contest/1" => vec![("body", &["MISSION"], body)],
            _ => vec![("body", &readers, body)],
        };
        if n.is_multiple_of(5) && kind != "filler/1" {
            groups.push(("person", &[], json!({"name": self.token("p")})));
        }
        let about: Vec<&Reference> = about.iter().collect();
        let draft = self.draft(kind, &about, &groups);
        let kids = &self.logs[who].kids;
        let kid = match (n, what) {
            (21, _) => NOBODY,
            (_, "take over") => kids[(step.about + 1) % kids.len()],
            _ => {
                kids[if n.is_multiple_of(4) {
                    step.about % kids.len()
                } else {
                    kids.len() - 1
                }]
            }
        };
        let name = kind.split('/').next().unwrap();
        let name = truce::kinds::Name::ALL
            .iter()
            .map(|known| known.as_str())
            .find(|known| *known == name)
            .unwrap_or("unknown");
        let said = self.said(who, name, kid, draft);
        match what {
            "hand over" if !n.is_multiple_of(4) => self.relieve(who, kid, &said, step),
            "table" if !n.is_multiple_of(4) => self.agree(who, &said, step),
            "line test" if !n.is_multiple_of(3) => self.test_back(who),
            _ => {}
        }
    }

    /// Somebody else takes the watch over, a little later.
    fn relieve(&mut self, who: usize, kid: u64, offered: &Reference, step: &Step) {
        self.now = UtcMs(self.now.0 + 600_000 * i64::try_from(step.n).unwrap());
        let kids = &self.logs[who].kids;
        let other = kids.iter().copied().rfind(|other| *other != kid);
        let accept =
            json!({"officer": "relief", "languages": ["ar"], "until": later(self.now, 480)});
        let readers: &[&str] = if step.readers.is_multiple_of(2) {
            &["public"]
        } else {
            &["parties", "MISSION"]
        };
        let draft = self.draft("shift.accept/1", &[offered], &[("body", readers, accept)]);
        self.said(who, "shift.accept", other.unwrap_or(kid), draft);
    }

    /// The other end says that it heard.
    fn test_back(&mut self, who: usize) {
        self.now = UtcMs(self.now.0 + 60_000);
        let mut test = json!({"line": "line-1", "means": "primary", "result": "heard"});
        test["tested_at"] = self.now.to_string().into();
        let draft = self.draft("line.test/1", &[], &[("body", &["public"], test)]);
        let other = usize::from(who == 0);
        let kid = *self.logs[other].kids.last().unwrap();
        self.said(other, "line.test", kid, draft);
    }

    /// Others accept a text, one after the other; not always all of them.
    fn agree(&mut self, who: usize, tabled: &Reference, step: &Step) {
        let version = self
            .stands
            .iter()
            .filter(|s| s.kind == "instrument.table")
            .count()
            - 1;
        for other in (0..self.logs.len()).filter(|other| *other != who && step.n % 5 != *other) {
            self.now = UtcMs(self.now.0 + 1_800_000);
            let accept = json!({"text_sha256": sha(version.min(200))});
            let draft = self.draft(
                "instrument.accept/1",
                &[tabled],
                &[("body", &["public"], accept)],
            );
            let kid = *self.logs[other].kids.last().unwrap();
            self.said(other, "instrument.accept", kid, draft);
        }
    }

    /// Kind, what it is about, and body (of kinds with several groups: all of them).
    #[allow(clippy::too_many_lines, reason = "one line a kind")]
    fn words(
        &self,
        who: usize,
        what: &str,
        step: &Step,
        to: &[&str],
    ) -> Option<(&'static str, Vec<Reference>, Value)> {
        let n = step.n;
        let token = |group: &str| self.token(group);
        let at = self.now.to_string();
        let mine = |kinds: &[&str]| self.pick(kinds, step, |side| side == who);
        let theirs = |kinds: &[&str]| self.pick(kinds, step, |side| side != who);
        let any = |kinds: &[&str]| self.pick(kinds, step, |_| true);
        let place = json!({"lat_e7": 350_000_000 + n / 3, "lon_e7": 380_000_000});
        let flash = |happening: &str| json!({"precedence": "FLASH", "to": to, "place": place, "happening": happening});
        let grade = ["IMMEDIATE", "PRIORITY", "ROUTINE"][n % 3];
        let parts = if n.is_multiple_of(2) {
            json!([{"id": "a", "ask": "?"}, {"id": "b", "ask": "?"}])
        } else {
            json!([])
        };
        let mut text = json!({"precedence": grade, "to": to, "words": token("b"), "language": "en", "parts": parts});
        if n == 20 {
            text["informs"] = true.into();
        }
        let claim = json!({"claim": "allegation", "speaker": token("b"), "said_at": at, "precision": "day",
            "form": "paraphrase", "language": "en", "words": token("b"), "source": {"title": "Press"}});
        let sides = [
            ["RU", "RU, US", "US", "MISSION"][n % 4],
            ["US", "Nusra Front", "RU", "Insurgents"][n / 2 % 4],
        ];
        let report = json!({"category": "shelling", "from": at, "until": at, "date_precision": 1, "means": ["heard"],
            "pcodes": [format!("SY0{}", n % 4)], "place_precision": 3, "external_id": token("b"),
            "sides": sides});
        let tally = json!({"counted": "violations", "issued_by": "RU", "from": later(self.now, -60), "until": at, "total": n,
            "lines": [{"label": "Aleppo", "count": n / 2}], "source": {"title": "Bulletin"}});
        let toll = json!({"harm": "killed", "population": "everybody", "low": n, "from": later(self.now, -60), "until": at,
            "area": "there", "pcodes": ["SY02"], "given_by": token("b"), "official": false, "source": {"title": "Register"}});
        let line = |extra: Value| {
            let mut body = json!({"line": "line-1", "means": if n.is_multiple_of(4) { "alternate" } else { "primary" }});
            for (name, value) in extra.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        let test = line(
            json!({"tested_at": at, "result": if n.is_multiple_of(5) { "not_heard" } else { "heard" }}),
        );
        let corner =
            |lat: i64, lon: i64| json!({"lat_e7": 360_000_000 + lat, "lon_e7": 370_000_000 + lon});
        // Some of these differ by so little that they cannot stand beside each other.
        let wide = 4_000_000 + i64::try_from(n % 4).unwrap() * 500_000;
        let mut area = json!({"name": token("b"), "purpose": "disengagement", "to": to, "basis": "x",
            "polygon": [corner(0, 0), corner(wide, 0), corner(wide, 4_000_000), corner(0, 4_000_000)],
            "valid_from": at, "valid_until": later(self.now, 20_000)});
        if !n.is_multiple_of(3) {
            area["purpose"] = "held_by_excluded_group".into();
            area["held_by"] = "nusra".into();
        }
        let officer =
            json!({"officer": token("b"), "languages": ["en"], "until": later(self.now, 480)});
        let reason = json!({"reason": token("b")});
        let (told, same) = ("delivered_copy_cannot_be_watched_or_recalled", "unchanged");
        let through = self.logs[n % self.logs.len()].name.as_str();
        let site = || {
            let consents = to.iter().map(
                |to| json!({"recipient": to, "given_by": token("b"), "given_at": at, "told": told}),
            );
            json!({"body": {"category": "clinic", "pcodes": ["SY0200"], "through": through, "valid_from": at,
                "consents": consents.collect::<Vec<_>>(), "review_by": later(self.now, 60 * i64::try_from(n + 1).unwrap()),
                "protection": same},
                "exact": {"name": token("e"), "function": token("e"), "place": place, "datum": "wgs84", "uncertainty_m": 10,
                    "method": "map"}})
        };
        let movement = || {
            let (from, until) = (later(self.now, 20), later(self.now, 900));
            let leg = json!({"from": place, "from_at": from, "to": place, "to_at": until, "to_name": token("e")});
            json!({"body": {"purpose": "relief", "mode": "road", "to": to, "through": through, "from": from, "until": until,
                "persons": n, "emergency": n.is_multiple_of(2), "protection": same, "cargo": token("b"),
                "check_ins": [{"id": "a", "due_at": later(self.now, 60)}, {"id": "b", "due_at": later(self.now, 200)}]},
                "exact": {"legs": [leg], "datum": "wgs84"}})
        };
        let one = |target: Option<Reference>| target.map(|target| vec![target]);
        Some(match what {
            "flash" => ("message.send/1", vec![], flash("still_happening")),
            "flash again" => (
                "message.send/1",
                one(mine(&["message.send"]))?,
                flash("still_happening"),
            ),
            "stopped" => (
                "message.send/1",
                one(mine(&["message.send"]))?,
                flash("stopped"),
            ),
            "message" => ("message.send/1", vec![], text),
            "continue" => ("message.send/1", one(mine(&["message.send"]))?, text),
            "receipt" => ("receipt/1", one(theirs(ASKED))?, json!({})),
            "acknowledge" => ("acknowledge/1", one(theirs(ASKED))?, json!({})),
            "answer" => {
                let reply = ["checking", "stop_passed", "not_ours", "refused"][n % 4];
                ("answer/1", one(theirs(ASKED))?, json!({"reply": reply}))
            }
            "answer part" => {
                let part = ["a", "b", "c"][n % 3];
                (
                    "answer/1",
                    one(theirs(&["message.send"]))?,
                    json!({"reply": "agreed", "part": part}),
                )
            }
            "hold" => (
                "hold/1",
                one(theirs(ASKED))?,
                json!({"officer": "duty officer", "answer_by": later(self.now, 90)}),
            ),
            "refuse" => ("refuse/1", one(theirs(ASKED))?, reason),
            "withdraw" => {
                let said = mine(&["answer", "refuse", "acknowledge", "area.respond"])?;
                let said = &self.logs[who]
                    .said
                    .get(usize::try_from(said.index).unwrap())?;
                let head = said.head()?;
                let object = head
                    .about
                    .first()
                    .filter(|about| about.origin != *self.logs[who].origin());
                (
                    "withdraw/1",
                    one(object.cloned())?,
                    json!({"response": head.kind.name, "reason": "x"}),
                )
            }
            "comment" => ("comment/1", one(theirs(&[]))?, json!({"words": token("b")})),
            "read back" => (
                "read_back/1",
                one(theirs(READ_BACK))?,
                json!({"words": token("b"), "place": place}),
            ),
            "pass down" => (
                "pass_down/1",
                one(theirs(READ_BACK))?,
                json!({"step": if n.is_multiple_of(2) { "sent_down" } else { "confirmed_below" }, "to": token("b")}),
            ),
            "regrade" => (
                "message.regrade/1",
                one(theirs(&["message.send"]))?,
                json!({"precedence": "IMMEDIATE", "reason": "x"}),
            ),
            "escalate" => (
                "message.escalate/1",
                one(any(&["message.send"]))?,
                json!({"to_office": "head_of_mission", "reason": "x"}),
            ),
            "designate" => ("area.designate/1", vec![], area),
            "revise" => ("area.designate/1", one(mine(&["area.designate"]))?, area),
            "area respond" => {
                let response = ["agree", "under_consultation"][n % 2];
                (
                    "area.respond/1",
                    one(theirs(&["area.designate"]))?,
                    json!({"response": response}),
                )
            }
            "separation" => (
                "separation.ask/1",
                vec![],
                json!({"to": to, "formations": [], "words": token("b")}),
            ),
            "line test" => ("line.test/1", vec![], test),
            "line fault" => (
                "line.fault/1",
                vec![],
                line(json!({"since": at, "words": token("b")})),
            ),
            "shift" => {
                let mut open = officer;
                if !n.is_multiple_of(3) {
                    open["takeover_reason"] = "Fell ill".into();
                }
                ("shift.open/1", vec![], open)
            }
            "hand over" => {
                let ticked = self.open_messages(n);
                (
                    "shift.hand_over/1",
                    one(mine(&["shift.open", "shift.accept"]))?,
                    json!({"to": token("b"), "ticked": ticked}),
                )
            }
            "take over" => ("shift.accept/1", one(mine(&["shift.hand_over"]))?, officer),
            "unrelieved" => (
                "shift.unrelieved/1",
                one(mine(&["shift.open", "shift.accept"]))?,
                json!({"until": later(self.now, 200)}),
            ),
            "report" => {
                let mut groups = json!({"body": report});
                if n.is_multiple_of(2) {
                    // In the middle of every area.
                    groups["exact"] = json!({"place": {"lat_e7": 362_000_000, "lon_e7": 372_000_000}, "uncertainty_m": 500});
                }
                if n.is_multiple_of(3) {
                    groups["narrative"] = json!({"words": token("n"), "language": "en"});
                }
                ("report.file/1", vec![], groups)
            }
            "claim" => ("claim.record/1", vec![], claim),
            "relate" => {
                let first = any(&["claim.record"])?;
                let other = Step {
                    about: step.about / 7 + 1,
                    ..step.clone()
                };
                let second = self.pick(&["claim.record"], &other, |_| true)?;
                (
                    "claim.relate/1",
                    vec![first, second],
                    json!({"relation": if n.is_multiple_of(2) { "denies" } else { "confirms" }}),
                )
            }
            "tally" => ("tally.record/1", vec![], tally),
            "toll" => ("toll.record/1", vec![], toll),
            "correct" => {
                let kinds = ["message.send", "claim.record", "report.file", "line.test"];
                let target = mine(&kinds[..])?;
                let kind = self.stands.iter().find(|s| s.reference == target)?.kind;
                let body = match kind {
                    "claim.record" => claim,
                    "report.file" => report,
                    "line.test" => test,
                    _ => text,
                };
                let mut groups = json!({"body": {"reason": token("r")}, "corrected": body});
                if kind == "report.file" && n.is_multiple_of(2) {
                    groups["corrected_narrative"] = json!({"words": token("c"), "language": "en"});
                }
                ("correct/1", vec![target], groups)
            }
            "retract" => ("retract/1", one(mine(RETRACTED))?, reason),
            "erase" => {
                let group = if n.is_multiple_of(6) {
                    "narrative"
                } else {
                    "body"
                };
                ("erase/1", one(mine(&[]))?, json!({"groups": [group]}))
            }
            "erase done" => ("erase.done/1", one(theirs(&["erase"]))?, json!({})),
            "head seen" => {
                let heads = self
                    .logs
                    .iter()
                    .filter(|log| log.origin() != self.logs[who].origin());
                let back = u64::try_from(n % 5).unwrap();
                let mut heads: Vec<Value> = heads
                    .map(|log| json!({"origin": log.origin().as_str(), "size": log.size() - back, "root": sha(1)}))
                    .collect();
                if n == 11 {
                    // One log twice, with a smaller head after a larger one.
                    let mut again = heads[0].clone();
                    again["size"] = 3.into();
                    heads.push(again);
                }
                ("head.seen/1", vec![], json!({"heads": heads}))
            }
            "table" => {
                let amended = any(&["instrument.table"]).filter(|_| n.is_multiple_of(2));
                let version = self
                    .stands
                    .iter()
                    .filter(|s| s.kind == "instrument.table")
                    .count();
                (
                    "instrument.table/1",
                    amended.into_iter().collect(),
                    self.table(n, version.min(200)),
                )
            }
            "accept" => {
                let target = theirs(&["instrument.table"])?;
                let version = self
                    .stands
                    .iter()
                    .filter(|s| s.kind == "instrument.table")
                    .position(|s| s.reference == target)
                    .unwrap_or(0);
                (
                    "instrument.accept/1",
                    vec![target],
                    json!({"text_sha256": sha(version.min(200))}),
                )
            }
            "leave" => {
                let leaving = ["suspend", "resume", "end"][n % 3];
                (
                    "instrument.leave/1",
                    one(any(&["instrument.table"]))?,
                    json!({"leaving": leaving, "from": later(self.now, if n.is_multiple_of(2) { 0 } else { 500 }), "reason": "x"}),
                )
            }
            "join" => (
                "formation.join/1",
                one(any(&["instrument.table"]))?,
                json!({"id": format!("unit-{n}"), "name": token("b")}),
            ),
            "presence" => (
                "formation.presence/1",
                vec![],
                json!({"formation": format!("unit-{n}"), "as_of": "2016-03-02T00:00:00Z", "districts": [{"name": token("b")}]}),
            ),
            "site" => ("site.notify/1", vec![], site()),
            "site version" => ("site.notify/1", one(mine(SITE))?, site()),
            "validate" if n.is_multiple_of(2) => (
                "site.return/1",
                one(theirs(SITE))?,
                json!({"faults": ["incomplete"], "words": token("b"), "protection": same}),
            ),
            "validate" => (
                "site.validate/1",
                one(theirs(SITE))?,
                json!({"checks": ["call"], "checked_at": at}),
            ),
            "site review" => (
                "site.review/1",
                one(mine(SITE))?,
                json!({"reviewed_at": at, "review_by": later(self.now, 900), "consents_stand": true, "protection": same}),
            ),
            "stop sharing" => (
                "site.stop_sharing/1",
                one(mine(SITE))?,
                json!({"asked_by_site": true, "protection": same}),
            ),
            "site withdraw" => {
                let recipients = if n.is_multiple_of(3) { &[] } else { to };
                (
                    "site.withdraw/1",
                    one(mine(SITE))?,
                    json!({"recipients": recipients, "asked_by_site": true, "told": told, "protection": same}),
                )
            }
            "deletion" => (
                "site.deletion_attest/1",
                one(theirs(&["site.notify", "site.withdraw", "site.withdraw"]))?,
                json!({"passed_down_recalled": true, "remains": token("b")}),
            ),
            "contest" => (
                "site.contest/1",
                one(theirs(SITE))?,
                json!({"contention": "gone", "words": token("b"), "protection": same}),
            ),
            "exposure" => {
                let mut all = one(any(SITE))?;
                all.extend(mine(SITE).filter(|other| !all.contains(other)));
                (
                    "exposure.declare/1",
                    all,
                    json!({"discovery": "told", "since": at, "unknown": token("b"), "protection": same}),
                )
            }
            "movement" => ("movement.notify/1", vec![], movement()),
            "revise movement" => ("movement.revise/1", one(mine(MOVEMENT))?, movement()),
            "depart" => (
                "movement.depart/1",
                one(mine(MOVEMENT))?,
                json!({"departed_at": at, "persons": n}),
            ),
            "check in" => {
                let mut body = json!({"at": at});
                if n.is_multiple_of(2) {
                    body["point"] = "a".into();
                }
                ("movement.check_in/1", one(mine(MOVEMENT))?, body)
            }
            "move on" => {
                let next = later(self.now, 30 + 60 * i64::try_from(n % 4).unwrap());
                let (kind, body) = match n % 6 {
                    0 => (
                        "movement.hold/1",
                        json!({"since": at, "reason": token("b"), "next_check_in": next}),
                    ),
                    1 => (
                        "movement.denied/1",
                        json!({"at": at, "where_words": token("b"), "next_check_in": next}),
                    ),
                    2 => (
                        "movement.divert/1",
                        json!({"at": at, "words": token("b"), "next_check_in": next}),
                    ),
                    3 => (
                        "movement.resume/1",
                        json!({"at": at, "next_check_in": next}),
                    ),
                    4 => (
                        "movement.turn_back/1",
                        json!({"at": at, "reason": token("b"), "next_check_in": next}),
                    ),
                    _ => (
                        "movement.abort/1",
                        json!({"reason": token("b"), "protection": same}),
                    ),
                };
                (kind, one(mine(MOVEMENT))?, body)
            }
            "arrive" if n.is_multiple_of(2) => (
                "movement.close/1",
                one(mine(MOVEMENT))?,
                json!({"at": at, "persons": n, "accounted_for": n}),
            ),
            "arrive" => (
                "movement.arrive/1",
                one(mine(MOVEMENT))?,
                json!({"at": at, "delivered": true}),
            ),
            _ if n.is_multiple_of(2) => ("filler/1", vec![], json!({"x": token("b")})),
            _ => (
                "incident.open/1",
                any(&[]).into_iter().collect(),
                json!({"anything": token("b")}),
            ),
        })
    }

    /// What a hand-over ticks: all messages, or some.
    fn open_messages(&self, n: usize) -> Vec<String> {
        let messages = self.stands.iter().filter(|s| s.kind == "message.send");
        let ticked =
            messages.filter(|s| !n.is_multiple_of(3) || s.reference.index.is_multiple_of(4));
        ticked.take(128).map(|s| s.reference.to_string()).collect()
    }
}

const SITE: &[&str] = &["site.notify"];
const MOVEMENT: &[&str] = &["movement.notify"];
const READ_BACK: &[&str] = &["message.send", "site.notify", "movement.notify"];
const ASKED: &[&str] = &[
    "site.notify",
    "site.notify",
    "movement.notify",
    "movement.revise",
    "exposure.declare",
    "site.contest",
    "site.withdraw",
    "message.send",
    "message.send",
    "area.designate",
    "separation.ask",
    "instrument.table",
];
const RETRACTED: &[&str] = &[
    "message.send",
    "claim.record",
    "claim.relate",
    "report.file",
    "tally.record",
    "area.designate",
    "line.test",
    "comment",
    "formation.join",
    "message.regrade",
];
