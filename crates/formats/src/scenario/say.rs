//! What somebody says: in the words of a verb, or with `say` for any kind with its body in JSON.

use super::text::{Cursor, ScenarioError, found};
use super::values::{self, Known, Lasting};
use super::verbs::{CONTROLS, Form, LEAVINGS, MEANS, PRECEDENCES, PURPOSES, Part, VERBS, Verb};
use super::{ADMIN, What};
use record::name::CallSign;
use record::statement::Kind;
use record::time::UtcMs;
use serde_json::{Map, Value, json};

/// Most groups in one statement.
const GROUPS_MAX: usize = 8;
/// An area is valid so long when nothing else is said.
const AREA_VALID: Lasting = Lasting {
    ms: 30 * 24 * 3_600_000,
    unit_ms: 24 * 3_600_000,
};

/// A site is looked at again after so long when nothing else is said.
const REVIEW: Lasting = Lasting {
    ms: 90 * 24 * 3_600_000,
    unit_ms: 24 * 3_600_000,
};
/// What is told to whoever consents.
const TOLD: &str = "delivered_copy_cannot_be_watched_or_recalled";

/// The name of a statement, without its `@`.
pub type Mention = String;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Say {
    /// Who says it.
    pub by: CallSign,
    /// At which desk: `duty_officer`, `duty_officer.night`, `anybody`, `admin`.
    pub desk: String,
    /// Such as `message.send/1`.
    pub kind: String,
    /// What it is about.
    pub about: Vec<Mention>,
    /// Its groups; for an office or a key, none.
    pub groups: Vec<Group>,
    /// What it changes about an office or a key.
    pub control: Option<Control>,
    /// The name by which later lines refer to it.
    pub name: Option<String>,
    /// That it must be refused, and why.
    pub refused: Option<Refused>,
}

/// A group of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name, such as `body`.
    pub name: String,
    /// Its content. A text that is `@` and the name of a statement stands for its reference.
    pub content: Map<String, Value>,
    /// Who may read it; by default whoever reads what it is about, or else everybody in the scenario.
    pub readers: Option<Vec<String>>,
}

/// A change of offices or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The desk no longer holds its office.
    RevokeOffice(String),
    /// The desk's key signs nothing more.
    RevokeKey(String),
    /// What the desk's key said from this statement on does not count.
    Compromise(String, Mention),
}

/// That a statement must be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line on which that is expected.
    pub line: usize,
    /// The rule.
    pub rule: String,
    /// The member that breaks it.
    pub field: Option<String>,
}

/// How any other kind is said.
const SAY: &str =
    "say report.file {\"category\": \"shelling\", …} group exact {\"place\": …} readers MISSION";

/// Reads who speaks and what is said.
pub fn read(cursor: &mut Cursor<'_>, known: &mut Known) -> Result<What, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    cursor.example("+00:02 US duty_officer acknowledge @strike");
    let desk = values::desk(cursor)?;
    if cursor.eat("silences") {
        let about = values::mention(cursor, known)?;
        return Ok(What::Silence { by, about });
    }
    let mut say = Say {
        by,
        desk,
        kind: String::new(),
        about: Vec::new(),
        groups: Vec::new(),
        control: None,
        name: None,
        refused: None,
    };
    let word = cursor.word("what is said: FLASH, acknowledge, answer, say, …")?;
    if word == "say" {
        any_kind(&mut say, cursor, known)?;
    } else if word == "instrument.table" {
        table(&mut say, cursor, known)?;
    } else if let Some((_, example)) = CONTROLS.iter().find(|(verb, _)| *verb == word) {
        control(&mut say, word, example, cursor, known)?;
    } else if let Some(verb) = VERBS.iter().find(|verb| verb.word == word) {
        in_words(&mut say, verb, cursor, known)?;
    } else {
        let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.word).collect();
        let controls: Vec<&str> = CONTROLS.iter().map(|(verb, _)| *verb).collect();
        return cursor.fail_before(format!(
            "one of {}, instrument.table, {}, silences, or say and any kind",
            verbs.join(", "),
            controls.join(", ")
        ));
    }
    if say.name.is_none() && cursor.eat("as") {
        say.name = Some(values::new_name(cursor, known)?);
    }
    Ok(What::Say(Box::new(say)))
}

/// What a line gives beside the body.
struct Spoken {
    about: Vec<Mention>,
    body: Map<String, Value>,
    exact: Map<String, Value>,
    corrected: Option<Map<String, Value>>,
}

fn in_words(
    say: &mut Say,
    verb: &'static Verb,
    cursor: &mut Cursor<'_>,
    known: &Known,
) -> Result<(), ScenarioError> {
    cursor.example(verb.example);
    let mut extra = Extra::default();
    let speaker = (&say.by, say.desk.as_str());
    let spoken = spoken(verb, cursor, known, speaker, Some(&mut extra))?;
    say.kind = format!("{}/1", verb.kind);
    say.about = spoken.about;
    let readers = extra.readers;
    let group = |name: &str, content| Group {
        name: name.into(),
        content,
        readers: readers.clone(),
    };
    if !spoken.exact.is_empty() {
        say.groups.push(Group {
            name: "exact".into(),
            readers: named_readers(&spoken.body).or_else(|| readers.clone()),
            content: spoken.exact,
        });
    }
    say.groups.insert(0, group("body", spoken.body));
    say.groups.extend(
        spoken
            .corrected
            .map(|corrected| group("corrected", corrected)),
    );
    say.groups.extend(extra.person.map(|person| Group {
        name: "person".into(),
        content: Map::from_iter([("name".to_owned(), person.into())]),
        readers: Some(vec!["own".into()]),
    }));
    Ok(())
}

/// What may be added to any statement.
#[derive(Default)]
struct Extra {
    readers: Option<Vec<String>>,
    person: Option<String>,
}

impl Extra {
    fn take(
        &mut self,
        verb: &Verb,
        cursor: &mut Cursor<'_>,
        known: &Known,
    ) -> Result<(), ScenarioError> {
        if self.readers.is_none() && cursor.eat("readers") {
            self.readers = Some(values::readers(cursor, known)?);
            return Ok(());
        }
        if self.person.is_none() && cursor.eat("person") {
            self.person = Some(cursor.quoted("the person, for the own side alone,")?.into());
            return Ok(());
        }
        cursor.fail(may_follow(verb))
    }
}

/// Call sign and desk.
type Speaker<'s> = (&'s CallSign, &'s str);

/// Reads the parts of a verb. Without `extra` it stands inside of another one, to which it leaves what it does not know.
fn spoken(
    verb: &'static Verb,
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
    mut extra: Option<&mut Extra>,
) -> Result<Spoken, ScenarioError> {
    let mut spoken = Spoken {
        about: Vec::new(),
        body: Map::new(),
        exact: Map::new(),
        corrected: None,
    };
    if PRECEDENCES.contains(&verb.word) {
        spoken.body.insert("precedence".into(), verb.word.into());
    }
    if let Some((_, leaving)) = LEAVINGS.iter().find(|(word, _)| *word == verb.word) {
        spoken.body.insert("leaving".into(), (*leaving).into());
    }
    for part in verb.order {
        take(part, &mut spoken, cursor, known, speaker)?;
    }
    while !cursor.is_end() && cursor.peek_word() != Some("as") {
        if let Some(clause) = verb.clauses.iter().find(|clause| clause.stands_at(cursor)) {
            if !clause.word.is_empty() {
                cursor.word_if_any();
            }
            if matches!(clause.part, Part::About) && !spoken.about.is_empty() {
                return cursor.fail_before(format!("{} once and not twice", clause.word));
            }
            take(&clause.part, &mut spoken, cursor, known, speaker)?;
            continue;
        }
        match extra.as_deref_mut() {
            None => break,
            Some(extra) => extra.take(verb, cursor, known)?,
        }
    }
    defaults(verb, &mut spoken.body, known, speaker);
    protections(verb, &mut spoken, known);
    Ok(spoken)
}

/// Whom a notice itself names: these read its exact places, and nobody else may.
fn named_readers(body: &Map<String, Value>) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let listed = |member: &str| body.get(member).and_then(Value::as_array);
    let consents = listed("consents").map(|all| {
        let recipients = all.iter().map(|consent| &consent["recipient"]);
        recipients.filter_map(text).collect::<Vec<_>>()
    });
    let to = listed("to").map(|all| all.iter().filter_map(text).collect::<Vec<_>>());
    let mut named = consents.or(to)?;
    let through = body.get("through").and_then(text);
    named.extend(through.filter(|cell| !named.contains(cell)));
    Some(named)
}

fn may_follow(verb: &Verb) -> String {
    let words = verb.clauses.iter().map(|clause| match clause.word {
        "" => "a quoted text",
        word => word,
    });
    let mut words: Vec<&str> = words.collect();
    words.extend(["readers", "person", "as", "the end of the line"]);
    format!("after {}: {}", verb.word, words.join(", "))
}

/// Takes one part and puts it where it belongs.
fn take(
    part: &Part,
    spoken: &mut Spoken,
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
) -> Result<(), ScenarioError> {
    let body = &mut spoken.body;
    match part {
        Part::About => spoken.about.push(values::mention(cursor, known)?),
        Part::Abouts => {
            spoken.about = values::listed(cursor, |cursor| values::mention(cursor, known))?;
        }
        Part::Consents => {
            let signs = values::call_signs(cursor, known)?;
            let now = known.now.to_string();
            let consents = signs.iter().map(|sign| {
                json!({"recipient": sign.as_str(), "given_by": "the site", "given_at": now, "told": TOLD})
            });
            put(body, "consents", consents.collect(), cursor)?;
        }
        Part::Site => {
            let place = values::place(cursor, known)?;
            put(&mut spoken.exact, "place", place.position(), cursor)?;
            if let Some(name) = place.name {
                put(&mut spoken.exact, "name", name.into(), cursor)?;
            }
        }
        Part::Leg => {
            let from = values::place(cursor, known)?.position();
            let (from_at, _) = values::time(cursor, known)?;
            cursor.expect("to")?;
            let to = values::place(cursor, known)?;
            let (to_at, _) = values::time(cursor, known)?;
            let mut leg =
                json!({"from": from, "from_at": from_at, "to": to.position(), "to_at": to_at});
            if let Some(name) = to.name {
                leg["to_name"] = name.into();
            }
            push(&mut spoken.exact, "legs", leg);
        }
        Part::CheckPoint => {
            let id = values::name(cursor, "the check-point's short name, such as gate")?;
            let (due_at, _) = values::time(cursor, known)?;
            push(body, "check_ins", json!({"id": id, "due_at": due_at}));
        }
        Part::Live => {
            let place = values::place(cursor, known)?.position();
            let at = known.now.to_string();
            spoken.exact = Map::from_iter([
                ("place".to_owned(), place),
                ("at".to_owned(), at.into()),
                ("press".to_owned(), "deliberate".into()),
            ]);
        }
        Part::Says if spoken.corrected.is_some() => {
            return cursor.fail_before("what it should have said once and not twice");
        }
        Part::Says => spoken.corrected = Some(says(cursor, known, speaker)?),
        Part::Words => {
            let words = cursor.quoted("the words")?;
            put(body, "words", words.into(), cursor)?;
            if cursor.eat("in") {
                put(body, "language", values::language(cursor)?.into(), cursor)?;
            }
        }
        Part::Place(member, name_member) => {
            let place = values::place(cursor, known)?;
            put(body, member, place.position(), cursor)?;
            if let (Some(member), Some(name)) = (name_member, place.name) {
                put(body, member, name.into(), cursor)?;
            }
        }
        Part::Day => {
            put(body, "said_at", day(cursor)?, cursor)?;
            put(body, "precision", "day".into(), cursor)?;
        }
        Part::Ask => {
            let id = values::name(cursor, "the part's short name, such as a")?;
            let ask = cursor.quoted("what is asked")?;
            push(body, "parts", json!({"id": id, "ask": ask}));
        }
        Part::Counted => {
            let label = cursor.quoted("what is counted")?;
            let count = values::count(cursor)?;
            push(body, "lines", json!({"label": label, "count": count}));
        }
        Part::Member(member, form) => put(body, member, value(form, cursor, known)?, cursor)?,
    }
    Ok(())
}

fn value(form: &Form, cursor: &mut Cursor<'_>, known: &Known) -> Result<Value, ScenarioError> {
    Ok(match form {
        Form::OneOf(words) => cursor.one_of(words)?.into(),
        Form::Is(value) => (*value).into(),
        Form::Yes => true.into(),
        Form::Name => values::name(cursor, "a short name")?.into(),
        Form::Names => {
            let names = values::listed(cursor, |cursor| values::name(cursor, "a short name"))?;
            texts(&names)
        }
        Form::Text => cursor.quoted("a text")?.into(),
        Form::CallSigns => texts(&values::call_signs(cursor, known)?),
        Form::Language => values::language(cursor)?.into(),
        Form::Languages => texts(&values::listed(cursor, values::language)?),
        Form::Time => values::time(cursor, known)?.0.into(),
        Form::Outline => values::outline(cursor)?,
        Form::Mentions => {
            let mentions = values::listed(cursor, |cursor| values::mention(cursor, known))?;
            let mentions = mentions.iter().map(|mention| format!("@{mention}"));
            mentions.collect()
        }
        Form::Count => values::count(cursor)?.into(),
        Form::CallSign => values::call_sign(cursor, known)?.as_str().into(),
        Form::Codes => texts(&values::listed(cursor, values::code)?),
        Form::SomeOf(words) => texts(&values::listed(cursor, |cursor| cursor.one_of(words))?),
        Form::Source => values::source(cursor)?,
    })
}

fn day(cursor: &mut Cursor<'_>) -> Result<Value, ScenarioError> {
    let day = cursor.peek_word().map(|day| format!("{day}T00:00:00Z"));
    let Some(day) = day.filter(|day| UtcMs::parse(day).is_ok()) else {
        return cursor.fail("a day, such as 2016-06-20");
    };
    cursor.word_if_any();
    Ok(day.into())
}

fn texts<T: ToString>(items: &[T]) -> Value {
    items.iter().map(ToString::to_string).collect()
}

fn put(
    body: &mut Map<String, Value>,
    member: &str,
    value: Value,
    cursor: &Cursor<'_>,
) -> Result<(), ScenarioError> {
    if body.insert(member.to_owned(), value).is_some() {
        return cursor.fail_before(format!("{member} once and not twice"));
    }
    Ok(())
}

fn push(body: &mut Map<String, Value>, member: &str, item: Value) {
    let items = body.entry(member).or_insert_with(|| json!([]));
    if let Some(items) = items.as_array_mut() {
        items.push(item);
    }
}

/// What should have been said: another verb, or a body in JSON.
fn says(
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
) -> Result<Map<String, Value>, ScenarioError> {
    if cursor.is_json() {
        return object(cursor, known);
    }
    let word = cursor.word("what it should have said: FLASH, claim.record, …, or a JSON object")?;
    let Some(verb) = VERBS
        .iter()
        .find(|verb| verb.word == word && verb.word != "correct")
    else {
        return cursor
            .fail_before("what it should have said: FLASH, claim.record, …, or a JSON object");
    };
    spoken(verb, cursor, known, speaker, None).map(|spoken| spoken.body)
}

/// What a line leaves out because it goes without saying.
fn defaults(verb: &Verb, body: &mut Map<String, Value>, known: &Known, (by, desk): Speaker<'_>) {
    let now = || Value::from(known.now.to_string());
    let mut default = |member: &str, value: Value| {
        body.entry(member).or_insert(value);
    };
    match verb.kind {
        "hold" => default("officer", desk.into()),
        "instrument.leave" => default("from", now()),
        "area.designate" => {
            default("purpose", PURPOSES[0].into());
            default("valid_from", now());
            let from = body["valid_from"]
                .as_str()
                .and_then(|from| UtcMs::parse(from).ok());
            let until = UtcMs(from.unwrap_or(known.now).0 + AREA_VALID.ms);
            body.entry("valid_until")
                .or_insert(until.to_string().into());
        }
        "line.test" => {
            default("means", MEANS[0].into());
            default("tested_at", now());
        }
        "line.fault" => default("since", now()),
        "shift.open" | "shift.accept" => {
            let languages = known.participants.get(by).filter(|own| !own.is_empty());
            if let Some(languages) = languages {
                default("languages", texts(languages));
            }
        }
        "claim.record" => {
            default("form", "paraphrase".into());
            default("precision", "minute".into());
        }
        _ => {}
    }
}

/// What goes without saying of sites and movements: that protection is unchanged, above all.
fn protections(verb: &Verb, spoken: &mut Spoken, known: &Known) {
    let (body, exact) = (&mut spoken.body, &mut spoken.exact);
    let now = || Value::from(known.now.to_string());
    let set = |body: &mut Map<String, Value>, member: &str, value: Value| {
        body.entry(member).or_insert(value);
    };
    let unchanged = [
        "site.notify",
        "site.return",
        "site.review",
        "site.stop_sharing",
        "site.withdraw",
        "site.contest",
        "exposure.declare",
        "movement.notify",
        "movement.revise",
        "movement.abort",
    ];
    if unchanged.contains(&verb.kind) {
        set(body, "protection", "unchanged".into());
    }
    match verb.kind {
        "site.notify" => {
            set(body, "valid_from", now());
            let review = UtcMs(known.now.0 + REVIEW.ms).to_string();
            set(body, "review_by", review.into());
            if exact.contains_key("place") {
                set(exact, "name", "The site".into());
                set(exact, "function", "As notified".into());
                set(exact, "datum", "wgs84".into());
                set(exact, "uncertainty_m", 10.into());
                set(exact, "method", "on_the_spot".into());
            }
        }
        "site.validate" => set(body, "checked_at", now()),
        "site.review" => {
            set(body, "reviewed_at", now());
            set(body, "consents_stand", true.into());
        }
        "site.stop_sharing" => set(body, "asked_by_site", true.into()),
        "site.withdraw" => {
            set(body, "asked_by_site", true.into());
            set(body, "told", TOLD.into());
        }
        "site.deletion_attest" => set(body, "passed_down_recalled", true.into()),
        "exposure.declare" | "movement.hold" => set(body, "since", now()),
        "movement.notify" | "movement.revise" if exact.contains_key("legs") => {
            set(exact, "datum", "wgs84".into());
        }
        "movement.depart" => set(body, "departed_at", now()),
        "movement.check_in" | "movement.denied" | "movement.divert" | "movement.resume"
        | "movement.turn_back" => set(body, "at", now()),
        "movement.arrive" => {
            set(body, "at", now());
            set(body, "delivered", false.into());
        }
        "movement.close" => {
            set(body, "at", now());
            if let Some(persons) = body.get("persons").cloned() {
                set(body, "accounted_for", persons);
            }
        }
        _ => {}
    }
}

/// `say KIND about @a, @b {…} readers A, B group NAME {…} readers C`.
fn any_kind(say: &mut Say, cursor: &mut Cursor<'_>, known: &Known) -> Result<(), ScenarioError> {
    cursor.example(SAY);
    let word = cursor.word("a kind, such as report.file")?;
    let kind = if word.contains('/') {
        word.to_owned()
    } else {
        format!("{word}/1")
    };
    let parsed: Result<Kind, _> = kind.parse();
    match parsed {
        Ok(kind) if !kind.is_control() => {}
        Ok(_) => {
            return cursor
                .fail_before("a kind that is no control statement; those have verbs of their own");
        }
        Err(rule) => return cursor.fail_before(format!("a kind, which {rule}")),
    }
    say.kind = kind;
    if cursor.eat("about") {
        say.about = values::listed(cursor, |cursor| values::mention(cursor, known))?;
    }
    let mut name = "body".to_owned();
    loop {
        let content = object(cursor, known)?;
        let readers = match cursor.eat("readers") {
            true => Some(values::readers(cursor, known)?),
            false => None,
        };
        if say.groups.len() >= GROUPS_MAX || say.groups.iter().any(|group| group.name == name) {
            return cursor.fail_before(format!("at most {GROUPS_MAX} groups, each once"));
        }
        say.groups.push(Group {
            name,
            content,
            readers,
        });
        if !cursor.eat("group") {
            return Ok(());
        }
        name = values::name(cursor, "the group's name")?;
    }
}

/// A JSON object in which every `"@name"` names a statement that stands above.
fn object(cursor: &mut Cursor<'_>, known: &Known) -> Result<Map<String, Value>, ScenarioError> {
    let value = cursor.json()?;
    if let Some(unknown) = unknown_mention(value, known) {
        return cursor.fail_before(format!(
            "in it no {}: no statement above has this name",
            found(unknown)
        ));
    }
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn unknown_mention<'v>(value: &'v Value, known: &Known) -> Option<&'v str> {
    match value {
        Value::String(text) => {
            let name = text
                .strip_prefix('@')
                .filter(|name| values::is_name(name))?;
            (!known.names.contains(name)).then_some(text)
        }
        Value::Array(items) => items.iter().find_map(|item| unknown_mention(item, known)),
        Value::Object(members) => members
            .values()
            .find_map(|item| unknown_mention(item, known)),
        _ => None,
    }
}

/// `instrument.table ID`, of an instrument that the header describes.
fn table(say: &mut Say, cursor: &mut Cursor<'_>, known: &mut Known) -> Result<(), ScenarioError> {
    cursor.example("instrument.table monitoring-rules");
    let name = cursor.word("the short name of an instrument that the header describes")?;
    if !known.instruments.contains(name) {
        return cursor.fail_before(
            "the short name of an instrument that the header describes and does not call accepted",
        );
    }
    if !known.names.insert(name.to_owned()) {
        return cursor.fail_before("an instrument that was not tabled above");
    }
    say.kind = "instrument.table/1".into();
    say.name = Some(name.to_owned());
    if cursor.eat("amends") {
        say.about = vec![values::mention(cursor, known)?];
    }
    let readers = match cursor.eat("readers") {
        true => Some(values::readers(cursor, known)?),
        false => None,
    };
    say.groups.push(Group {
        name: "body".into(),
        content: Map::new(),
        readers,
    });
    Ok(())
}

fn control(
    say: &mut Say,
    word: &str,
    example: &'static str,
    cursor: &mut Cursor<'_>,
    known: &Known,
) -> Result<(), ScenarioError> {
    cursor.example(example);
    if say.desk != ADMIN {
        return cursor.fail_before(format!("the desk admin before it: {} admin {word}", say.by));
    }
    let desk = values::desk(cursor)?;
    say.kind = format!("{word}/1");
    say.control = Some(match word {
        "office.revoke" => Control::RevokeOffice(desk),
        "key.revoke" => Control::RevokeKey(desk),
        _ => {
            cursor.expect("from")?;
            Control::Compromise(desk, values::mention(cursor, known)?)
        }
    });
    Ok(())
}
