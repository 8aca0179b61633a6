//! From what a scenario writes to what is signed: references, logs, hashes and readers, which only the room knows.

use super::room::Room;
use formats::scenario::{Group, Instrument, Participant, Say, Scenario};
use record::audience::{Audience, Name};
use record::encoding::Hash;
use record::name::{CallSign, Reference};
use record::statement::{Head, Statement};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The statements that have names.
pub type Names = BTreeMap<String, Reference>;

/// The body of `instrument.table`: the terms with the participants' logs and the hashes of their texts.
pub fn table(instrument: &Instrument, participants: &[Participant], room: &Room) -> Value {
    let mut terms = instrument.terms.clone();
    let members = participants.iter().filter_map(|participant| {
        let call_sign = &participant.call_sign;
        let origin = room.origin(call_sign)?;
        let mut member = json!({"call_sign": call_sign.as_str(), "origin": origin.as_str(), "role": participant.role});
        if !participant.also_known_as.is_empty() {
            member["also_known_as"] = participant.also_known_as.clone().into();
        }
        Some(member)
    });
    terms.insert("participants".into(), members.collect());
    let provisions = terms.get_mut("provisions").and_then(Value::as_array_mut);
    let mut whole = Vec::new();
    for provision in provisions.into_iter().flatten() {
        let text = provision["text"].as_str().or(provision["title"].as_str());
        let text = text.unwrap_or_default().to_owned();
        provision["text_sha256"] = Hash::of(&[text.as_bytes()]).to_base64url().into();
        whole.push(text);
    }
    let whole = terms
        .remove("text")
        .and_then(|text| text.as_str().map(str::to_owned))
        .unwrap_or_else(|| whole.join("\n"));
    let name = terms
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let hash = Hash::of(&[name.as_bytes(), b"\n", whole.as_bytes()]);
    terms.insert("text_sha256".into(), hash.to_base64url().into());
    Value::Object(terms)
}

/// The content of one group of `say`, with every `@name` in the place of which a reference stands.
pub fn content(say: &Say, group: &Group, names: &Names, room: &Room) -> Value {
    let mut content = group.content.clone();
    if say.kind == "instrument.accept/1" && !content.contains_key("text_sha256") {
        let table = say.about.first().and_then(|about| names.get(about));
        let table = table.and_then(|table| room.statement(table));
        let table = table.as_ref().and_then(|table| table.content("body"));
        if let Some(hash) = table.and_then(|table| table.get("text_sha256")) {
            content.insert("text_sha256".into(), hash.clone());
        }
    }
    if say.kind == "head.seen/1" {
        seen(&mut content, room);
    }
    let mut content = Value::Object(content);
    refer(&mut content, names);
    content
}

/// Puts heads in the place of call signs.
fn seen(content: &mut Map<String, Value>, room: &Room) {
    let heads = content.get_mut("heads").and_then(Value::as_array_mut);
    for head in heads.into_iter().flatten() {
        let call_sign: Option<CallSign> = head.as_str().and_then(|sign| sign.parse().ok());
        if let Some(seen) = call_sign.and_then(|call_sign| room.head(&call_sign)) {
            *head = seen;
        }
    }
}

fn refer(value: &mut Value, names: &Names) {
    match value {
        Value::String(text) => {
            let reference = text.strip_prefix('@').and_then(|name| names.get(name));
            if let Some(reference) = reference {
                *text = reference.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, names)),
        Value::Object(members) => members.values_mut().for_each(|item| refer(item, names)),
        _ => {}
    }
}

/// Who may read a group: whom it names; or else whoever reads what it is about; or else everybody in the scenario.
pub fn readers(group: &Group, about: &[Reference], scenario: &Scenario, room: &Room) -> Audience {
    if let Some(readers) = &group.readers {
        return audience(readers);
    }
    let object = about.first();
    let object = object.and_then(|object| Some((room.statement(object)?, room.author(object)?)));
    match object {
        Some((statement, author)) => readers_of(&statement, author),
        None => everybody(scenario),
    }
}

/// Who reads a response to `statement`: whoever reads the statement, and its author.
fn readers_of(statement: &Statement, author: CallSign) -> Audience {
    let author = Audience::of([Name::Participant(author)]);
    let readers = statement.head().map(Head::recipients);
    readers.unwrap_or_default().union(&author)
}

/// Who reads what names no readers and is about nothing.
pub fn everybody(scenario: &Scenario) -> Audience {
    if !scenario.readers.is_empty() {
        return audience(&scenario.readers);
    }
    let signs = scenario.participants.iter();
    Audience::of(signs.map(|participant| Name::Participant(participant.call_sign.clone())))
}

fn audience(readers: &[String]) -> Audience {
    let names = readers.iter().map(|name| {
        name.parse()
            .expect("the scenario's reader takes public, parties, own and call signs alone")
    });
    Audience::of(names)
}
