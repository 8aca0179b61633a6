//! The header: what happened in reality, who takes part, what is agreed.

use super::text::{Cursor, ScenarioError, Spot, found};
use super::values::{self, Known};
use super::verbs::{MEANS, PRECEDENCES};
use super::{Instrument, Line, OFFICES, PARTICIPANTS_MAX, Participant, Scenario};
use record::time::UtcMs;
use serde_json::{Map, Value, json};

/// Longest text of prose, in characters.
const PROSE_CHARS_MAX: usize = 4_000;

/// Header lines that are made of words.
pub const WORDS: &[&str] = &[
    "begins",
    "readers",
    "receipts",
    "place",
    "participant",
    "instrument",
];

const ROLES: &[&str] = &["party", "guarantor", "mission", "humanitarian", "observer"];
const FORMALITIES: &[&str] = &[
    "cessation_of_hostilities",
    "ceasefire",
    "truce",
    "humanitarian_pause",
    "joint_procedure",
    "other",
];

/// What each line of prose is for, as an example.
const PROSE: &[(&str, &str)] = &[
    (
        "scenario",
        "scenario A caller who waited for his usual contact",
    ),
    (
        "happened",
        "happened Near Deir ez-Zor, in September 2016, a caller waited 27 minutes for his usual contact.",
    ),
    (
        "source",
        "source Press reports of September 2016 (or: Invented for training.)",
    ),
    (
        "answers",
        "answers Any officer takes a FLASH; after five minutes without an answer it is overdue in sight of all.",
    ),
];
const BEGINS: &str = "begins 2016-09-17T17:00+03:00";
const PARTICIPANT: &str = "participant US guarantor languages en, ar";
const INSTRUMENT: &str = "instrument coh \"Cessation of hostilities\" needed RU, US in_force 2016-02-27T00:00+02:00 accepted";

/// What the header says.
#[derive(Default)]
pub struct Header {
    prose: [Option<String>; 4],
    readers: Vec<String>,
    receipts_by_hand: bool,
    participants: Vec<Participant>,
    instruments: Vec<Instrument>,
}

impl Header {
    /// Takes a line of prose.
    pub fn prose(&mut self, word: &str, text: String, place: Spot) -> Result<(), ScenarioError> {
        let at = PROSE.iter().position(|(known, _)| *known == word);
        let at = at.unwrap_or_default();
        let example = PROSE[at].1;
        if text.is_empty() || text.chars().count() > PROSE_CHARS_MAX {
            let rule = format!("1 to {PROSE_CHARS_MAX} characters of text after it");
            return Err(place.error(format!("\"{word}\""), rule, example));
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let control = found(&control.to_string());
            return Err(place.error(control, "no control character", example));
        }
        if self.prose[at].replace(text).is_some() {
            let rule = "it once and not twice";
            return Err(place.error(format!("\"{word}\""), rule, example));
        }
        Ok(())
    }

    /// Takes a line of words; its first one was read.
    pub fn take(
        &mut self,
        word: &str,
        cursor: &mut Cursor<'_>,
        known: &mut Known,
    ) -> Result<(), ScenarioError> {
        match word {
            "begins" => begins(cursor, known)?,
            "readers" => {
                cursor.example("readers parties, MISSION");
                self.readers = values::readers(cursor, known)?;
            }
            "receipts" => {
                cursor.example("receipts by_hand");
                cursor.expect("by_hand")?;
                self.receipts_by_hand = true;
            }
            "place" => place(cursor, known)?,
            "participant" => self.participant(cursor, known)?,
            _ => self.instrument(cursor, known)?,
        }
        cursor.end()
    }

    /// Whether everything is there that must be.
    pub fn is_complete(&self, spot: Spot, known: &Known) -> Result<(), ScenarioError> {
        let absent = PROSE
            .iter()
            .zip(&self.prose)
            .find(|(_, text)| text.is_none());
        let (missing, example) = match absent {
            Some(((word, example), _)) => (*word, *example),
            None if known.begins.is_none() => ("begins", BEGINS),
            None if self.participants.len() < 2 => ("two participants", PARTICIPANT),
            None => return Ok(()),
        };
        let rule = format!("{missing} in the header above");
        Err(spot.error("a header that is not complete", rule, example))
    }

    /// The scenario with these lines.
    pub fn scenario(self, known: Known, lines: Vec<Line>) -> Scenario {
        let [title, happened, source, answers] = self.prose.map(Option::unwrap_or_default);
        Scenario {
            title,
            happened,
            source,
            answers,
            begins: known.begins.unwrap_or(UtcMs(0)),
            readers: self.readers,
            receipts_by_hand: self.receipts_by_hand,
            participants: self.participants,
            instruments: self.instruments,
            lines,
        }
    }

    fn participant(
        &mut self,
        cursor: &mut Cursor<'_>,
        known: &mut Known,
    ) -> Result<(), ScenarioError> {
        cursor.example(PARTICIPANT);
        if self.participants.len() >= PARTICIPANTS_MAX {
            return cursor.fail(format!("at most {PARTICIPANTS_MAX} participants"));
        }
        let rule = "a call sign: two to sixteen of A-Z 0-9, first a letter";
        let Ok(call_sign) = cursor.word(rule)?.parse() else {
            return cursor.fail_before(rule);
        };
        let role = cursor.one_of(ROLES)?.to_owned();
        let mut offices: Vec<String> = OFFICES.iter().map(|office| (*office).to_owned()).collect();
        let (mut languages, mut also_known_as) = (Vec::new(), Vec::new());
        while !cursor.is_end() {
            match cursor.one_of(&["offices", "languages", "also"])? {
                "offices" => {
                    offices =
                        values::listed(cursor, |cursor| cursor.one_of(OFFICES).map(str::to_owned))?;
                }
                "languages" => languages = values::listed(cursor, values::language)?,
                _ => also_known_as = other_names(cursor)?,
            }
        }
        if known
            .participants
            .insert(record::name::CallSign::clone(&call_sign), languages.clone())
            .is_some()
        {
            return cursor.fail("each call sign once");
        }
        self.participants.push(Participant {
            call_sign,
            role,
            offices,
            languages,
            also_known_as,
        });
        Ok(())
    }

    fn instrument(
        &mut self,
        cursor: &mut Cursor<'_>,
        known: &mut Known,
    ) -> Result<(), ScenarioError> {
        let line = cursor.spot().line;
        cursor.example(INSTRUMENT);
        let Some(begins) = known.begins else {
            return cursor.fail("the line begins above it");
        };
        let name = values::name(cursor, "a short name")?;
        let title = cursor.quoted("its title")?.to_owned();
        let mut terms = Terms::new(&title, begins);
        while !cursor.is_end() {
            let clause = cursor.one_of(CLAUSES)?;
            terms.take(clause, cursor, known)?;
        }
        if !terms.body.contains_key("needed") {
            return cursor.fail("needed and the call signs without whom it does not bind");
        }
        if !known.instruments.insert(name.clone()) {
            return cursor.fail("each instrument once");
        }
        if terms.accepted {
            known.names.insert(name.clone());
        }
        self.instruments.push(terms.instrument(line, name));
        Ok(())
    }
}

fn begins(cursor: &mut Cursor<'_>, known: &mut Known) -> Result<(), ScenarioError> {
    cursor.example(BEGINS);
    if known.begins.is_some() {
        return cursor.fail("the beginning once and not twice");
    }
    let (_, at) = values::time(cursor, known)?;
    known.begins = Some(at);
    known.now = at;
    Ok(())
}

fn place(cursor: &mut Cursor<'_>, known: &mut Known) -> Result<(), ScenarioError> {
    cursor.example("place harbinafsah 34.93745N 36.62243E named \"حربنفسه\"");
    let name = values::name(cursor, "a short name")?;
    let place = values::place(cursor, known)?;
    if known.places.insert(name, place).is_some() {
        return cursor.fail("each place once");
    }
    Ok(())
}

/// What may stand in an instrument.
const CLAUSES: &[&str] = &[
    "needed",
    "invited",
    "accepted_min",
    "neutral",
    "flash_to",
    "in_force",
    "accept_by",
    "ends",
    "accepted",
    "formality",
    "version",
    "text",
    "restricted",
    "provision",
    "territory",
    "excluded",
    "line",
    "clock",
    "area_answer",
    "protects",
];
/// What may stand after `protects`: clocks of sites and movements.
pub const PROTECTS: &[&str] = &[
    "movement_notice",
    "emergency_notice",
    "validate_within",
    "acknowledge_within",
    "emergency_acknowledge_within",
    "delete_within",
    "warn_owners_within",
    "uncertainty_after",
    "alert_after",
    "distress_after",
];

/// The terms of an instrument while they are read.
struct Terms {
    title: String,
    body: Map<String, Value>,
    in_force_from: UtcMs,
    accept_by: Option<UtcMs>,
    accepted: bool,
}

impl Terms {
    fn new(title: &str, begins: UtcMs) -> Self {
        Self {
            title: title.to_owned(),
            body: Map::from_iter([
                ("name".to_owned(), title.into()),
                ("formality".to_owned(), "cessation_of_hostilities".into()),
                ("version".to_owned(), 1.into()),
                ("text_public".to_owned(), true.into()),
            ]),
            in_force_from: begins,
            accept_by: None,
            accepted: false,
        }
    }

    fn set(&mut self, member: &str, value: Value) {
        self.body.insert(member.to_owned(), value);
    }

    fn push(&mut self, member: &str, item: Value) {
        if let Some(items) = self
            .body
            .entry(member)
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            items.push(item);
        }
    }

    fn take(
        &mut self,
        clause: &str,
        cursor: &mut Cursor<'_>,
        known: &Known,
    ) -> Result<(), ScenarioError> {
        match clause {
            "needed" => self.set("needed", signs(cursor, known)?),
            "invited" => self.set("invited", signs(cursor, known)?),
            "neutral" => self.set("neutrals", signs(cursor, known)?),
            "flash_to" => self.set("flash_recipients", signs(cursor, known)?),
            "accepted_min" => self.set("accepted_min", values::count(cursor)?.into()),
            "version" => self.set("version", values::count(cursor)?.into()),
            "in_force" => {
                let (text, at) = values::time(cursor, known)?;
                self.in_force_from = at;
                self.set("in_force_from", text.into());
            }
            "accept_by" => {
                let (text, at) = values::time(cursor, known)?;
                self.accept_by = Some(at);
                self.set("accept_by", text.into());
            }
            "ends" => self.set("ends_at", values::time(cursor, known)?.0.into()),
            "accepted" => self.accepted = true,
            "formality" => self.set("formality", cursor.one_of(FORMALITIES)?.into()),
            "restricted" => self.set("text_public", false.into()),
            "text" => self.set("text", cursor.quoted("the text")?.into()),
            "area_answer" => {
                let within = values::lasting(cursor)?;
                self.set("area_answer_within_s", (within.ms / 1000).into());
            }
            "protects" => {
                let clock = cursor.one_of(PROTECTS)?;
                let lasting = values::lasting(cursor)?;
                let clocks = self.body.entry("protection").or_insert_with(|| json!({}));
                clocks[format!("{clock}_s")] = (lasting.ms / 1000).into();
            }
            "provision" => self.provision(cursor)?,
            "territory" => {
                let outline = values::outline(cursor)?;
                let provision = self.cited(cursor)?;
                self.set(
                    "territory",
                    json!({"provision": provision, "polygons": [outline]}),
                );
            }
            "excluded" => {
                let id = values::name(cursor, "the group's short name")?;
                let name = cursor.quoted("its name")?;
                let mut group = json!({"id": id, "name": name});
                if cursor.eat("also") {
                    group["also_known_as"] = other_names(cursor)?.into();
                }
                group["provision"] = self.cited(cursor)?.into();
                self.push("excluded", group);
            }
            "line" => self.line(cursor, known)?,
            _ => self.clock(cursor)?,
        }
        Ok(())
    }

    /// `by art-2`; without it, the text as a whole.
    fn cited(&mut self, cursor: &mut Cursor<'_>) -> Result<String, ScenarioError> {
        if cursor.eat("by") {
            return values::name(cursor, "the provision's short name");
        }
        Ok("text".to_owned())
    }

    /// `provision art-2 "Groups not covered" text "…"`.
    fn provision(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        let id = values::name(cursor, "the provision's short name")?;
        let mut provision = json!({"id": id, "title": cursor.quoted("its title")?});
        if cursor.is_quoted() {
            provision["text"] = cursor.quoted("its text")?.into();
        }
        self.push("provisions", provision);
        Ok(())
    }

    /// `line ru-us RU US primary "telephone" alternate "satellite" tests 2016-03-01T09:00Z every 1d within 15m`.
    fn line(&mut self, cursor: &mut Cursor<'_>, known: &Known) -> Result<(), ScenarioError> {
        let id = values::name(cursor, "the line's short name")?;
        let a = values::call_sign(cursor, known)?;
        let b = values::call_sign(cursor, known)?;
        let mut line = json!({"id": id, "a": a.as_str(), "b": b.as_str()});
        for means in MEANS {
            if cursor.eat(means) {
                line[*means] = cursor.quoted("what it is")?.into();
            } else if *means == "primary" {
                line["primary"] = "telephone".into();
            }
        }
        if cursor.eat("tests") {
            let (first, _) = values::time(cursor, known)?;
            cursor.expect("every")?;
            let every = values::lasting(cursor)?;
            cursor.expect("within")?;
            let within = values::lasting(cursor)?;
            line["tests"] =
                json!({"first": first, "every_s": every.ms / 1000, "within_s": within.ms / 1000});
        }
        self.push("lines", line);
        Ok(())
    }

    /// `clock ROUTINE "normal" answer 12h read_back pass_down`.
    fn clock(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        let precedence = cursor.one_of(PRECEDENCES)?;
        let mut clock = json!({"precedence": precedence});
        if cursor.is_quoted() {
            clock["label"] = cursor.quoted("what the parties call it")?.into();
        }
        cursor.expect("answer")?;
        clock["answer_within_s"] = (values::lasting(cursor)?.ms / 1000).into();
        clock["read_back"] = cursor.eat("read_back").into();
        clock["pass_down"] = cursor.eat("pass_down").into();
        self.push("clocks", clock);
        Ok(())
    }

    /// Adds what goes without saying.
    fn instrument(mut self, line: usize, name: String) -> Instrument {
        let from: Value = self.in_force_from.to_string().into();
        self.body.entry("in_force_from").or_insert_with(|| from);
        let from = self.body["in_force_from"].clone();
        self.body.entry("accept_by").or_insert(from);
        let cited = |value: &Value| value["provision"] == "text";
        let excluded = self.body.get("excluded").and_then(Value::as_array);
        let whole_is_cited = excluded.is_some_and(|groups| groups.iter().any(cited))
            || self.body.get("territory").is_some_and(cited);
        if whole_is_cited || !self.body.contains_key("provisions") {
            let title = self.title.clone();
            self.push("provisions", json!({"id": "text", "title": title}));
        }
        Instrument {
            line,
            name,
            terms: self.body,
            in_force_from: self.in_force_from,
            accept_by: self.accept_by.unwrap_or(self.in_force_from),
            accepted: self.accepted,
        }
    }
}

/// `also "IS", "داعش"`: what others call somebody.
fn other_names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ScenarioError> {
    values::listed(cursor, |cursor| {
        cursor.quoted("another name of it").map(str::to_owned)
    })
}

fn signs(cursor: &mut Cursor<'_>, known: &Known) -> Result<Value, ScenarioError> {
    let signs = values::call_signs(cursor, known)?;
    Ok(signs.iter().map(|sign| sign.as_str()).collect())
}
