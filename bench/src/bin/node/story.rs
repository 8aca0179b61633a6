//! What is said in the made-up mission, in the order of its days: a fixed seed gives the same events. Messages are received,
//! acknowledged, read back, answered or left open; watches are handed over; areas are disputed. What is still to come when the
//! story ends stays open.

use crate::cast::{IN_FLIGHT, Side, Words, origin};
use crate::words::{SPOTS, Spot, Tongue};
use bench::Outcome;
use record::encoding::Hash;
use record::name::Reference;
use record::time::{ManualClock, UtcMs};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Events a day that begin something: with what follows from them some 10,000 statements, as the house is designed for.
const BEGUN_PER_DAY: f64 = 5_450.0;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Own statements that are remembered to be corrected or commented on.
const REMEMBERED_MAX: usize = 8_000;

type Readers = &'static [&'static str];
const PUBLIC: Readers = &["public"];
const ALL: Readers = &["parties", "MISSION"];
const CELL: Readers = &["MISSION"];
const OWN: Readers = &["own"];

/// Who may read what is said between two of the three.
fn between(a: usize, b: usize) -> Readers {
    match a.min(b) * 3 + a.max(b) {
        1 => &["MISSION", "RU"],
        2 => &["MISSION", "US"],
        _ => ALL,
    }
}

/// What is drawn for the story.
pub struct Dice(bench::dice::Dice);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(bench::dice::Dice::new(seed))
    }

    pub fn number(&mut self) -> u64 {
        self.0.number()
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0.below(end)
    }

    /// True `percent` times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn part(&mut self) -> f64 {
        self.0.part()
    }

    /// Milliseconds from `low` to `high`, in whole seconds.
    fn wait(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(((high - low) / 1000).unsigned_abs() + 1) as i64 * 1000
    }

    pub fn one<'o, T>(&mut self, of: &'o [T]) -> &'o T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// The first places of the list often, the last ones seldom.
    pub fn spot(&mut self) -> &'static Spot {
        let skewed = self.part() * self.part();
        &SPOTS[(skewed * SPOTS.len() as f64) as usize % SPOTS.len()]
    }

    pub fn tongue(&mut self, of: usize) -> Tongue {
        match (of, self.below(10)) {
            (1, 0..7) => Tongue::Russian,
            (_, 7..9) => Tongue::Arabic,
            (0, 4..7) => Tongue::Arabic,
            _ => Tongue::English,
        }
    }

    /// A surname: some are in many statements, most in few.
    pub fn surname(&mut self, tongue: Tongue) -> String {
        let rare = self.part();
        tongue.surname((rare * rare * rare * 1728.0) as u64)
    }
}

/// What is to be said later.
enum Next {
    Begin,
    Receipt(usize, usize),
    Acknowledge(usize, usize),
    ReadBack(usize, usize),
    PassDown(usize, usize, &'static str),
    Hold(usize, usize),
    Answer(usize, usize),
    Withdraw(usize, usize),
    Regrade(usize, usize),
    Escalate(usize),
    Again(usize),
    Stopped(usize),
    Watch(usize),
    TakeWatch(usize, Reference),
    LineTest(usize, usize),
    Area(usize, Reference, Readers),
    Separation(usize, Reference),
    HeadSeen(usize),
    Relate(usize, Reference),
}

struct Later {
    at: i64,
    number: u64,
    next: Next,
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Later {}
impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

struct Matter {
    by: usize,
    root: Reference,
    flash: bool,
    closed: bool,
    readers: Readers,
    to: Vec<Recipient>,
    body: Value,
}

struct Recipient {
    who: usize,
    due: Option<i64>,
    answered: bool,
}

/// An own statement that can be corrected or retracted: what it says, to whom, and everybody it reached.
struct Remembered {
    reference: Reference,
    body: Value,
    readers: Readers,
    reached: Vec<&'static str>,
}

/// The story so far.
pub struct Story<'c> {
    dice: Dice,
    clock: &'c ManualClock,
    now: i64,
    sides: Vec<Side>,
    later: BinaryHeap<Reverse<Later>>,
    number: u64,
    said: u64,
    matters: Vec<Matter>,
    open: Vec<usize>,
    remembered: [VecDeque<Remembered>; 3],
    reports: VecDeque<Reference>,
    claims: VecDeque<Reference>,
    watch: [Option<(Reference, usize)>; 3],
    instrument: Option<Reference>,
}

fn utc(text: &str) -> Outcome<i64> {
    Ok(UtcMs::parse(text)?.0)
}

fn spell(at: i64) -> String {
    UtcMs(at).to_string()
}

impl<'c> Story<'c> {
    /// Begins: an instrument is tabled and accepted, and a first watch stands everywhere.
    pub fn begin(sides: Vec<Side>, clock: &'c ManualClock) -> Outcome<Self> {
        let mut story = Self {
            dice: Dice::new(2016),
            clock,
            now: utc("2016-02-22T18:00:00Z")?,
            sides,
            later: BinaryHeap::new(),
            number: 0,
            said: 0,
            matters: Vec::new(),
            open: Vec::new(),
            remembered: Default::default(),
            reports: VecDeque::new(),
            claims: VecDeque::new(),
            watch: [None, None, None],
            instrument: None,
        };
        let instrument = story.say(
            1,
            0,
            "instrument.table/1",
            vec![],
            vec![("body", PUBLIC, instrument())],
        )?;
        story.now = utc("2016-02-23T09:00:00Z")?;
        let accept = json!({"text_sha256": Hash([0; 32]).to_base64url()});
        story.say(
            2,
            0,
            "instrument.accept/1",
            vec![instrument.clone()],
            vec![("body", PUBLIC, accept)],
        )?;
        story.instrument = Some(instrument);
        story.now = utc("2016-03-01T00:00:00Z")?;
        for side in 0..3 {
            story.after(6 * HOUR * side as i64 / 3, Next::Watch(side));
            story.after(7 * MINUTE * (1 + side as i64), Next::HeadSeen(side));
            for end in 0..2 {
                story.after(3 * MINUTE + end as i64 * MINUTE, Next::LineTest(side, end));
            }
        }
        story.after(0, Next::Begin);
        Ok(story)
    }

    /// Goes on until `statements` were said in all logs together; gives back the sides and the time at which it stops.
    pub fn tell(
        mut self,
        statements: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Outcome<(Vec<Side>, UtcMs)> {
        let founding: u64 = self.sides.iter().map(Side::size).sum();
        let mut told = 0;
        while founding + self.said < statements {
            let Some(Reverse(Later { at, next, .. })) = self.later.pop() else {
                break;
            };
            self.now = at;
            self.clock.set(UtcMs(at));
            self.go_on(next)?;
            if self.said / 50_000 > told {
                told = self.said / 50_000;
                progress(self.said);
            }
        }
        let now = UtcMs(self.now);
        for side in &mut self.sides {
            side.finish()?;
        }
        Ok((self.sides, now))
    }

    fn after(&mut self, wait: i64, next: Next) {
        self.number += 1;
        self.later.push(Reverse(Later {
            at: self.now + wait,
            number: self.number,
            next,
        }));
    }

    fn say(
        &mut self,
        who: usize,
        desk: usize,
        kind: &str,
        about: Vec<Reference>,
        groups: Vec<(&str, &[&str], Value)>,
    ) -> Outcome<Reference> {
        self.said += 1;
        let at = UtcMs(self.now);
        let words = Words {
            kind,
            at,
            about,
            groups,
        };
        self.sides[who].say(desk, words)
    }

    /// Says something with one body about one thing.
    fn respond(
        &mut self,
        who: usize,
        kind: &str,
        about: &Reference,
        readers: Readers,
        body: Value,
    ) -> Outcome<Reference> {
        self.say(
            who,
            0,
            kind,
            vec![about.clone()],
            vec![("body", readers, body)],
        )
    }

    fn remember(&mut self, who: usize, one: Remembered) {
        let all = &mut self.remembered[who];
        if all.len() == REMEMBERED_MAX {
            all.pop_front();
        }
        all.push_back(one);
    }

    /// One of its own statements that is surely logged by now.
    fn recall(&mut self, who: usize) -> Option<Remembered> {
        let logged = self.sides[who].size().saturating_sub(2 * IN_FLIGHT as u64);
        let all = &mut self.remembered[who];
        let old = all.partition_point(|one| one.reference.index < logged);
        let at = self.dice.below(old.max(1) as u64) as usize;
        (old > 0).then(|| all.remove(at)).flatten()
    }

    fn go_on(&mut self, next: Next) -> Outcome {
        match next {
            Next::Begin => {
                let wait = -(1.0 - self.dice.part()).ln() * DAY as f64 / BEGUN_PER_DAY;
                self.after((wait as i64 / 1000 + 1) * 1000 - 500, Next::Begin);
                self.something_begins()
            }
            Next::Receipt(matter, to) => self.receive(matter, to),
            Next::Acknowledge(matter, to) => {
                let duty = if self.dice.percent(80) { "yes" } else { "no" };
                self.reply(
                    matter,
                    to,
                    "acknowledge/1",
                    json!({"languages_on_duty": duty}),
                )
            }
            Next::ReadBack(matter, to) => {
                let body = self.read_back(matter);
                self.reply(matter, to, "read_back/1", body)
            }
            Next::PassDown(matter, to, step) => {
                let body = json!({"step": step, "to": "air operations centre"});
                self.reply(matter, to, "pass_down/1", body)
            }
            Next::Hold(matter, to) => {
                let body = json!({"officer": "duty officer", "answer_by": spell(self.now + DAY), "reason": "the staff has not decided"});
                self.reply(matter, to, "hold/1", body)
            }
            Next::Answer(matter, to) => self.answer(matter, to),
            Next::Withdraw(matter, to) => {
                let body = json!({"response": "answer", "reason": "It was our unit after all"});
                self.after(20 * MINUTE, Next::Answer(matter, to));
                self.reply(matter, to, "withdraw/1", body)
            }
            Next::Regrade(matter, to) => {
                let body = json!({"precedence": "PRIORITY", "reason": "A convoy is on that road"});
                self.reply(matter, to, "message.regrade/1", body)
            }
            Next::Escalate(matter) => self.escalate(matter),
            Next::Again(matter) => self.again(matter, "still_happening"),
            Next::Stopped(matter) => {
                self.matters[matter].closed = true;
                self.again(matter, "stopped")
            }
            Next::Watch(side) => self.watch(side),
            Next::TakeWatch(side, offered) => self.take_watch(side, &offered),
            Next::LineTest(line, end) => self.line_test(line, end),
            Next::Area(who, area, readers) => self.area_answer(who, &area, readers),
            Next::Separation(who, asked) => {
                let body =
                    json!({"reply": "words", "words": "They move by Friday", "language": "en"});
                self.respond(who, "answer/1", &asked, ALL, body).map(drop)
            }
            Next::HeadSeen(side) => self.head_seen(side),
            Next::Relate(who, claim) => self.relate(who, &claim),
        }
    }

    fn something_begins(&mut self) -> Outcome {
        let who = [0, 0, 1, 2][self.dice.below(4) as usize];
        match self.dice.below(10_000) {
            0..5_450 => self.report(who),
            5_450..7_570 => self.message(who),
            7_570..8_300 => self.claim(who),
            8_300..8_470 => self.tally(who),
            8_470..8_550 => self.toll(who),
            8_550..9_470 => self.comment(who),
            9_470..9_780 => self.correct(who),
            9_780..9_910 => self.retract(who),
            9_910..9_950 => self.area(1 + who % 2),
            9_950..9_970 => self.separation(1 + who % 2),
            9_970..9_990 => self.line_fault(who),
            9_990..9_993 => self.join(1 + who % 2),
            _ => self.erase(who),
        }
    }

    fn report(&mut self, who: usize) -> Outcome {
        let (spot, tongue) = (self.dice.spot(), self.dice.tongue(who));
        let name = self.dice.surname(tongue);
        let readers = if self.dice.percent(15) { PUBLIC } else { ALL };
        let body = self.observed(spot, tongue);
        let mut groups: Vec<(&str, &[&str], Value)> = vec![("body", readers, body.clone())];
        let mut reached: Vec<&'static str> = readers.to_vec();
        if self.dice.percent(60) {
            let lat = spot.lat_e7 + self.dice.below(2_000_000) as i64 - 1_000_000;
            let lon = spot.lon_e7 + self.dice.below(2_000_000) as i64 - 1_000_000;
            let exact = json!({"place": {"lat_e7": lat, "lon_e7": lon}, "uncertainty_m": 500 + self.dice.below(5000)});
            groups.push(("exact", CELL, exact));
            reached.extend(CELL);
        }
        if self.dice.percent(55) {
            let (from, count) = (self.dice.number() % 1000, 1 + self.dice.below(3));
            let words = tongue.text(from, count, spot, &name);
            groups.push((
                "narrative",
                CELL,
                json!({"words": words, "language": tongue.tag()}),
            ));
            reached.extend(CELL);
        }
        if who == 0 && self.dice.percent(50) {
            let name = self.dice.surname(Tongue::English);
            groups.push(("person", OWN, json!({"name": name})));
            reached.extend(OWN);
        }
        let desk = self.dice.below(2) as usize;
        let reference = self.say(who, desk, "report.file/1", vec![], groups)?;
        if self.reports.len() == REMEMBERED_MAX {
            self.reports.pop_front();
        }
        self.reports.push_back(reference.clone());
        self.remember(
            who,
            Remembered {
                reference,
                body,
                readers,
                reached,
            },
        );
        Ok(())
    }

    fn observed(&mut self, spot: &Spot, tongue: Tongue) -> Value {
        let category = *self.dice.one(&[
            "shelling",
            "shelling",
            "shelling",
            "air_strike",
            "small_arms",
            "small_arms",
            "ground_attack",
            "explosion",
            "explosion",
            "forbidden_movement",
            "access_denied",
        ]);
        let until = self.now - self.dice.wait(MINUTE, 6 * HOUR);
        let from = until - self.dice.wait(0, HOUR);
        let mut body = json!({"category": category, "from": spell(from), "until": spell(until), "date_precision": 1,
            "means": [self.dice.one(&["heard", "seen", "camera", "hearsay"])], "pcodes": [&spot.code[..4], spot.code],
            "place_precision": 3, "place_name": tongue.name(spot)});
        if self.dice.percent(70) {
            body["counts"] = json!([{"number": 1 + self.dice.below(30), "unit": self.dice.one(&["explosion", "burst", "shot"])}]);
        }
        if self.dice.percent(20) {
            body["casualties"] =
                json!({"killed_low": 0, "killed_best": self.dice.below(4), "killed_high": 4});
        }
        if self.dice.percent(30) {
            body["grade"] = json!({"reliability": self.dice.one(&["A", "B", "C"]), "credibility": 1 + self.dice.below(5)});
        }
        body
    }

    fn message(&mut self, by: usize) -> Outcome {
        let (spot, tongue) = (self.dice.spot(), self.dice.tongue(by));
        let mut to = vec![(by + 1 + self.dice.below(2) as usize) % 3];
        let (precedence, within) = match self.dice.below(100) {
            0 => ("FLASH", 5 * MINUTE),
            1..7 => ("IMMEDIATE", 30 * MINUTE),
            7..35 => ("PRIORITY", 6 * HOUR),
            _ => ("ROUTINE", DAY),
        };
        let flash = precedence == "FLASH";
        if flash || self.dice.percent(40) {
            to.push(
                (0..3)
                    .find(|side| *side != by && *side != to[0])
                    .unwrap_or(by),
            );
        }
        let readers = if to.len() == 1 {
            between(by, to[0])
        } else {
            ALL
        };
        let names: Vec<&str> = to.iter().map(|who| self.sides[*who].sign).collect();
        let mut body =
            json!({"precedence": precedence, "to": names, "place_name": tongue.name(spot)});
        if flash {
            body["place"] = json!({"lat_e7": spot.lat_e7, "lon_e7": spot.lon_e7});
            body["happening"] = "still_happening".into();
        } else {
            let name = self.dice.surname(tongue);
            let (from, count) = (self.dice.number() % 1000, 1 + self.dice.below(3));
            body["subject"] = tongue
                .text(from, 1, spot, &name)
                .chars()
                .take(100)
                .collect::<String>()
                .into();
            body["words"] = tongue.text(from + 1, count, spot, &name).into();
            body["language"] = tongue.tag().into();
            if self.dice.percent(10) {
                body["parts"] = json!([{"id": "a", "ask": "Was it yours?"}, {"id": "b", "ask": "What was it aimed at?"}]);
            }
        }
        let desk = self.dice.below(2) as usize;
        let root = self.say(
            by,
            desk,
            "message.send/1",
            vec![],
            vec![("body", readers, body.clone())],
        )?;
        let matter = self.matters.len();
        let recipient = |who: &usize| Recipient {
            who: *who,
            due: None,
            answered: false,
        };
        self.matters.push(Matter {
            by,
            root: root.clone(),
            flash,
            closed: false,
            readers,
            to: to.iter().map(recipient).collect(),
            body: body.clone(),
        });
        self.open.push(matter);
        for at in 0..to.len() {
            self.expect(matter, at, within);
        }
        if flash {
            if self.dice.percent(40) {
                self.after(6 * MINUTE, Next::Again(matter));
            }
            let wait = self.dice.wait(HOUR, 5 * HOUR);
            self.after(wait, Next::Stopped(matter));
        } else {
            let reached = readers.to_vec();
            self.remember(
                by,
                Remembered {
                    reference: root,
                    body,
                    readers,
                    reached,
                },
            );
        }
        Ok(())
    }

    /// What a recipient will do with a message.
    fn expect(&mut self, matter: usize, to: usize, within: i64) {
        let receipt = self.dice.wait(1000, 20_000);
        self.after(receipt, Next::Receipt(matter, to));
        let urgent = within <= 30 * MINUTE;
        let read = receipt + self.dice.wait(MINUTE, within / 6);
        if self.dice.percent(80) {
            self.after(read, Next::Acknowledge(matter, to));
        }
        if self.dice.percent(if urgent { 70 } else { 8 }) {
            self.after(read + 30_000, Next::ReadBack(matter, to));
        }
        if self.dice.percent(if urgent { 80 } else { 18 }) {
            self.after(read + MINUTE, Next::PassDown(matter, to, "sent_down"));
            if self.dice.percent(60) {
                self.after(
                    read + 20 * MINUTE,
                    Next::PassDown(matter, to, "confirmed_below"),
                );
            }
        }
        if self.dice.percent(17) {
            self.after(read + 2 * MINUTE, Next::Hold(matter, to));
        }
        if self.dice.percent(2) {
            self.after(read + 3 * MINUTE, Next::Regrade(matter, to));
        }
        let answer = match self.dice.below(100) {
            0..90 => self.dice.wait(2 * MINUTE, within * 8 / 10),
            90..97 => within + self.dice.wait(MINUTE, 2 * HOUR),
            _ => {
                self.after(within + HOUR, Next::Escalate(matter));
                within + self.dice.wait(3 * HOUR, 5 * DAY)
            }
        };
        self.after(receipt + answer, Next::Answer(matter, to));
    }

    fn receive(&mut self, matter: usize, to: usize) -> Outcome {
        let precedence = self.matters[matter].body["precedence"].as_str();
        let within = match precedence {
            Some("FLASH") => 5 * MINUTE,
            Some("IMMEDIATE") => 30 * MINUTE,
            Some("PRIORITY") => 6 * HOUR,
            _ => DAY,
        };
        self.matters[matter].to[to].due = Some(self.now + within);
        self.reply(matter, to, "receipt/1", json!({}))
    }

    fn reply(&mut self, matter: usize, to: usize, kind: &str, body: Value) -> Outcome {
        let Matter {
            root,
            readers,
            to: recipients,
            ..
        } = &self.matters[matter];
        let (root, readers, who) = (root.clone(), *readers, recipients[to].who);
        self.respond(who, kind, &root, readers, body).map(drop)
    }

    fn read_back(&self, matter: usize) -> Value {
        let body = &self.matters[matter].body;
        let words = body["words"]
            .as_str()
            .unwrap_or("You say: it is still going on");
        let mut back = json!({"words": format!("You say: {words}")});
        if let Some(place) = body.get("place") {
            back["place"] = place.clone();
        }
        back
    }

    fn answer(&mut self, matter: usize, to: usize) -> Outcome {
        self.matters[matter].to[to].answered = true;
        let parts = self.matters[matter].body.get("parts").is_some();
        if parts {
            for part in ["a", "b"] {
                let body = json!({"reply": "not_ours", "part": part});
                self.reply(matter, to, "answer/1", body)?;
            }
            return Ok(());
        }
        if self.dice.percent(7) {
            let body = json!({"reason": "We cannot remove these groups", "language": "en"});
            return self.reply(matter, to, "refuse/1", body);
        }
        if self.dice.percent(2) {
            self.after(HOUR, Next::Withdraw(matter, to));
        }
        let body = match self.dice.below(4) {
            0 => json!({"reply": "not_ours"}),
            1 => json!({"reply": "stop_passed", "words": "Passed on at once", "language": "en"}),
            _ => {
                let (spot, tongue) = (
                    self.dice.spot(),
                    self.dice.tongue(self.matters[matter].to[to].who),
                );
                let name = self.dice.surname(tongue);
                let words = tongue.text(self.dice.number() % 1000, 1, spot, &name);
                json!({"reply": "words", "words": words, "language": tongue.tag()})
            }
        };
        self.reply(matter, to, "answer/1", body)
    }

    fn escalate(&mut self, matter: usize) -> Outcome {
        let Matter {
            by, root, readers, ..
        } = &self.matters[matter];
        let (by, root, readers) = (*by, root.clone(), *readers);
        let body = json!({"to_office": "head_of_mission", "reason": "No answer after three calls"});
        self.respond(by, "message.escalate/1", &root, readers, body)
            .map(drop)
    }

    fn again(&mut self, matter: usize, happening: &str) -> Outcome {
        let Matter {
            by,
            root,
            readers,
            body,
            ..
        } = &self.matters[matter];
        let (by, root, readers, mut body) = (*by, root.clone(), *readers, body.clone());
        body["happening"] = happening.into();
        self.respond(by, "message.send/1", &root, readers, body)
            .map(drop)
    }

    fn claim(&mut self, who: usize) -> Outcome {
        let (spot, tongue) = (self.dice.spot(), self.dice.tongue(who));
        let readers = if self.dice.percent(50) { PUBLIC } else { ALL };
        let name = self.dice.surname(tongue);
        let body = json!({"claim": self.dice.one(&["assertion", "allegation", "denial", "warning", "estimate"]),
            "speaker": format!("Spokesperson {name}"), "on_behalf_of": self.sides[who].sign,
            "said_at": spell(self.now - self.dice.wait(HOUR, DAY)), "precision": "hour", "form": "original", "language": tongue.tag(),
            "place": tongue.name(spot), "words": tongue.text(self.dice.number() % 1000, 2, spot, &name),
            "source": {"title": format!("Press report of {}", &spell(self.now)[..10])}});
        let reference = self.say(
            who,
            0,
            "claim.record/1",
            vec![],
            vec![("body", readers, body.clone())],
        )?;
        if self.dice.percent(40) {
            let wait = self.dice.wait(HOUR, 12 * HOUR);
            self.after(wait, Next::Relate(who, reference.clone()));
        }
        if self.claims.len() == REMEMBERED_MAX {
            self.claims.pop_front();
        }
        self.claims.push_back(reference.clone());
        let reached = readers.to_vec();
        self.remember(
            who,
            Remembered {
                reference,
                body,
                readers,
                reached,
            },
        );
        Ok(())
    }

    fn relate(&mut self, who: usize, claim: &Reference) -> Outcome {
        let from = self.claims.len().saturating_sub(300);
        let near = from + self.dice.below((self.claims.len() - from) as u64) as usize;
        let other = self.claims[near].clone();
        if other == *claim {
            return Ok(());
        }
        let body = json!({"relation": self.dice.one(&["denies", "confirms"])});
        let about = vec![claim.clone(), other];
        self.say(
            who,
            0,
            "claim.relate/1",
            about,
            vec![("body", PUBLIC, body)],
        )
        .map(drop)
    }

    fn tally(&mut self, who: usize) -> Outcome {
        let day = self.now - self.now % DAY;
        let lines: Vec<Value> = (0..4)
            .map(|at| json!({"label": SPOTS[at * 3].latin, "count": self.dice.below(9)}))
            .collect();
        let total: i64 = lines.iter().filter_map(|line| line["count"].as_i64()).sum();
        let body = json!({"counted": "violations", "issued_by": self.sides[who].sign, "about": "the other side",
            "from": spell(day - DAY), "until": spell(day), "total": total, "lines": lines,
            "source": {"title": format!("Bulletin of {}", &spell(day)[..10])}});
        let reference = self.say(
            who,
            0,
            "tally.record/1",
            vec![],
            vec![("body", PUBLIC, body.clone())],
        )?;
        let reached = PUBLIC.to_vec();
        self.remember(
            who,
            Remembered {
                reference,
                body,
                readers: PUBLIC,
                reached,
            },
        );
        Ok(())
    }

    fn toll(&mut self, who: usize) -> Outcome {
        let spot = self.dice.spot();
        let low = self.dice.below(50);
        let body = json!({"harm": self.dice.one(&["killed", "injured", "displaced"]), "population": "everybody",
            "low": low, "best": low + 5, "high": low + 20, "area": spot.latin, "pcodes": [spot.code],
            "from": spell(self.now - 7 * DAY), "until": spell(self.now), "given_by": "an agency", "official": true,
            "source": {"title": "Situation report"}});
        self.say(
            who,
            0,
            "toll.record/1",
            vec![],
            vec![("body", PUBLIC, body)],
        )
        .map(drop)
    }

    fn comment(&mut self, who: usize) -> Outcome {
        let (spot, tongue) = (self.dice.spot(), self.dice.tongue(who));
        let name = self.dice.surname(tongue);
        let words = tongue.text(self.dice.number() % 1000, 1, spot, &name);
        let body = json!({"words": words, "language": tongue.tag()});
        let last = self.reports.len().saturating_sub(500);
        let others: Vec<&Reference> = self
            .reports
            .range(last..)
            .filter(|report| report.origin != *self.sides[who].origin())
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        let report = (*self.dice.one(&others)).clone();
        self.respond(who, "comment/1", &report, ALL, body).map(drop)
    }

    fn correct(&mut self, who: usize) -> Outcome {
        let Some(mut one) = self.recall(who) else {
            return Ok(());
        };
        if one.body.get("place_name").is_some() {
            let spot = self.dice.spot();
            one.body["place_name"] = spot.latin.into();
        }
        let reason = json!({"reason": "The place was wrong by 9 km"});
        let groups = vec![
            ("body", &one.reached[..], reason),
            ("corrected", one.readers, one.body.clone()),
        ];
        self.say(who, 0, "correct/1", vec![one.reference.clone()], groups)
            .map(drop)
    }

    fn retract(&mut self, who: usize) -> Outcome {
        let Some(one) = self.recall(who) else {
            return Ok(());
        };
        let groups = vec![("body", &one.reached[..], json!({"reason": "Filed twice"}))];
        self.say(who, 0, "retract/1", vec![one.reference.clone()], groups)
            .map(drop)
    }

    fn erase(&mut self, who: usize) -> Outcome {
        let Some(one) = self.recall(who) else {
            return Ok(());
        };
        let body = json!({"groups": ["body"], "reason": "Names a witness"});
        let groups = vec![("body", &one.reached[..], body)];
        self.say(who, 0, "erase/1", vec![one.reference.clone()], groups)
            .map(drop)
    }

    fn area(&mut self, who: usize) -> Outcome {
        let spot = self.dice.spot();
        let (south, west) = (
            spot.lat_e7 / 500_000 * 500_000,
            spot.lon_e7 / 500_000 * 500_000,
        );
        let corner = |up: i64, right: i64| json!({"lat_e7": south + up * 500_000, "lon_e7": west + right * 500_000});
        let other = 3 - who;
        let body = json!({"name": format!("Around {}", spot.latin), "purpose": "held_by_excluded_group", "held_by": "nusra",
            "to": [self.sides[other].sign], "polygon": [corner(0, 0), corner(4, 0), corner(4, 4), corner(0, 4)],
            "basis": "Own reconnaissance", "valid_from": spell(self.now), "valid_until": spell(self.now + 20 * DAY)});
        let area = self.say(
            who,
            0,
            "area.designate/1",
            vec![],
            vec![("body", ALL, body)],
        )?;
        let wait = self.dice.wait(HOUR, 6 * DAY);
        self.after(wait, Next::Area(other, area, ALL));
        Ok(())
    }

    fn area_answer(&mut self, who: usize, area: &Reference, readers: Readers) -> Outcome {
        let body = match self.dice.below(3) {
            0 => json!({"response": "agree"}),
            1 => json!({"response": "dispute", "reason": "Covered groups hold its western half"}),
            _ => {
                self.after(2 * DAY, Next::Area(who, area.clone(), readers));
                json!({"response": "under_consultation", "answer_by": spell(self.now + 2 * DAY)})
            }
        };
        self.respond(who, "area.respond/1", area, readers, body)
            .map(drop)
    }

    fn separation(&mut self, who: usize) -> Outcome {
        let body = json!({"to": [self.sides[3 - who].sign], "words": "Leave the area held by the excluded group"});
        let asked = self.say(
            who,
            0,
            "separation.ask/1",
            vec![],
            vec![("body", ALL, body)],
        )?;
        let wait = self.dice.wait(HOUR, 30 * HOUR);
        self.after(wait, Next::Separation(3 - who, asked));
        Ok(())
    }

    fn join(&mut self, who: usize) -> Outcome {
        let Some(instrument) = self.instrument.clone() else {
            return Ok(());
        };
        let body = json!({"id": format!("unit-{}", self.said), "name": format!("Unit {}", self.said), "language": "en"});
        self.respond(who, "formation.join/1", &instrument, PUBLIC, body)
            .map(drop)
    }

    fn line_test(&mut self, line: usize, end: usize) -> Outcome {
        let who = LINES[line].1[end];
        let means = *self
            .dice
            .one(&["primary", "primary", "primary", "alternate"]);
        let result = *self.dice.one(&[
            "heard",
            "heard",
            "heard",
            "heard",
            "heard",
            "heard",
            "heard",
            "not_heard",
        ]);
        let body = json!({"line": LINES[line].0, "means": means, "tested_at": spell(self.now), "result": result, "languages": ["en"]});
        self.after(2 * HOUR, Next::LineTest(line, end));
        self.say(who, 0, "line.test/1", vec![], vec![("body", ALL, body)])
            .map(drop)
    }

    fn line_fault(&mut self, who: usize) -> Outcome {
        let line = LINES
            .iter()
            .position(|(_, ends)| ends.contains(&who))
            .unwrap_or(0);
        let body = json!({"line": LINES[line].0, "means": "alternate", "since": spell(self.now - HOUR), "words": "No carrier"});
        self.say(who, 0, "line.fault/1", vec![], vec![("body", ALL, body)])
            .map(drop)
    }

    fn head_seen(&mut self, side: usize) -> Outcome {
        let heads: Vec<Value> = (0..3)
            .filter(|other| *other != side)
            .map(|other| &self.sides[other])
            .map(|other| json!({"origin": origin(other.sign), "size": other.size(), "root": other.root().to_base64url()}))
            .collect();
        self.after(15 * MINUTE, Next::HeadSeen(side));
        self.say(
            side,
            0,
            "head.seen/1",
            vec![],
            vec![("body", PUBLIC, json!({"heads": heads}))],
        )
        .map(drop)
    }

    /// The watch changes: mostly it is handed over, and once a day the roster begins anew.
    fn watch(&mut self, side: usize) -> Outcome {
        self.after(8 * HOUR, Next::Watch(side));
        let until = spell(self.now + 9 * HOUR);
        match self.watch[side].clone() {
            Some((watch, desk)) if !self.dice.percent(33) => {
                let ticked: Vec<String> = self
                    .unticked(side)
                    .iter()
                    .take(128)
                    .map(ToString::to_string)
                    .collect();
                let body = json!({"to": "duty officer, next watch", "ticked": ticked, "notes": "Lines tested"});
                let offered = self.say(
                    side,
                    desk,
                    "shift.hand_over/1",
                    vec![watch],
                    vec![("body", ALL, body)],
                )?;
                self.after(3 * MINUTE, Next::TakeWatch(side, offered));
            }
            before => {
                let mut body =
                    json!({"officer": "duty officer", "languages": ["en", "ar"], "until": until});
                if before.is_some() {
                    body["takeover_reason"] = "the new roster begins".into();
                }
                let open = self.say(side, 0, "shift.open/1", vec![], vec![("body", ALL, body)])?;
                self.watch[side] = Some((open, 0));
            }
        }
        Ok(())
    }

    fn take_watch(&mut self, side: usize, offered: &Reference) -> Outcome {
        let desk = 1 - self.watch[side].as_ref().map_or(0, |(_, desk)| *desk);
        let body = json!({"officer": "duty officer, next watch", "languages": ["en", "ru"], "until": spell(self.now + 9 * HOUR)});
        let taken = self.say(
            side,
            desk,
            "shift.accept/1",
            vec![offered.clone()],
            vec![("body", ALL, body)],
        )?;
        self.watch[side] = Some((taken, desk));
        Ok(())
    }

    /// Open FLASH, and what is overdue on this side.
    fn unticked(&mut self, side: usize) -> Vec<Reference> {
        let matters = &self.matters;
        self.open.retain(|at| {
            let matter = &matters[*at];
            (matter.flash && !matter.closed) || matter.to.iter().any(|to| !to.answered)
        });
        let here = |matter: &&Matter| {
            let mine = matter.to.iter().find(|to| to.who == side);
            let overdue =
                mine.is_some_and(|to| !to.answered && to.due.is_some_and(|due| due <= self.now));
            let known = matter.by == side || mine.is_some_and(|to| to.due.is_some());
            overdue || (matter.flash && !matter.closed && known)
        };
        let open = self.open.iter().map(|at| &self.matters[*at]);
        open.filter(here)
            .map(|matter| matter.root.clone())
            .collect()
    }
}

/// Lines with their ends.
const LINES: [(&str, [usize; 2]); 3] = [
    ("ru-us", [1, 2]),
    ("mission-ru", [0, 1]),
    ("mission-us", [0, 2]),
];

fn instrument() -> Value {
    let text = Hash([0; 32]).to_base64url();
    let member =
        |sign: &str, role: &str| json!({"call_sign": sign, "origin": origin(sign), "role": role});
    let line = |(id, [a, b]): &(&str, [usize; 2])| {
        json!({"id": id, "a": crate::cast::SIGNS[*a], "b": crate::cast::SIGNS[*b], "primary": "telephone", "alternate": "satellite",
            "tests": {"first": "2016-03-01T00:00:00Z", "every_s": 7200, "within_s": 900}})
    };
    json!({
        "name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1, "text_sha256": text,
        "text_public": true, "needed": ["RU", "US"], "accept_by": "2016-02-26T12:00:00+02:00",
        "in_force_from": "2016-02-27T00:00:00+02:00",
        "provisions": [{"id": "art-1", "title": "Groups not covered", "text_sha256": text}],
        "participants": [member("RU", "guarantor"), member("US", "guarantor"), member("MISSION", "mission")],
        "neutrals": ["MISSION"], "flash_recipients": ["RU", "US", "MISSION"],
        "excluded": [{"id": "nusra", "name": "Nusra Front", "provision": "art-1"}],
        "lines": LINES.iter().map(line).collect::<Vec<_>>(),
    })
}
