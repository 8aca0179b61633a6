//! The JSON Schemas say exactly what the readers accept: held against each other by an independent validator, on bodies that
//! are generated from the schema and then broken, and on the vectors that freeze each kind's version.

#![allow(
    clippy::unwrap_used,
    reason = "a schema that cannot be used is a failed test"
)]

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use truce::values::TIME_PATTERN;
use truce::{Body, BodyError, Name, parse};

static VALIDATORS: LazyLock<BTreeMap<Name, Validator>> = LazyLock::new(|| {
    Name::ALL
        .iter()
        .map(|name| (*name, jsonschema::validator_for(&name.schema()).unwrap()))
        .collect()
});

fn read(name: Name, contents: &Value) -> Result<Body, BodyError> {
    let groups = contents.as_object().unwrap();
    let kind = format!("{}/1", name.as_str()).parse().unwrap();
    parse(
        &kind,
        &groups
            .iter()
            .map(|(group, value)| (group.clone(), value.clone()))
            .collect(),
    )
}

/// Schema and reader agree: what the schema refuses is refused for its form, and what it takes can only break a rule between
/// members, which no schema tells.
fn agree(name: Name, contents: &Value) -> Result<(), String> {
    let by_schema = VALIDATORS[&name].is_valid(contents);
    match (by_schema, read(name, contents)) {
        (true, Ok(body)) => {
            let written = body.groups();
            let mut kept = contents.clone();
            let grouped = matches!(
                body,
                Body::ReportFile(_)
                    | Body::Correct(_)
                    | Body::SiteNotify(_)
                    | Body::MovementNotify(_)
                    | Body::MovementRevise(_)
                    | Body::MovementCheckIn(_)
            );
            if !grouped {
                kept.as_object_mut().unwrap().remove("person");
            }
            if written == kept {
                Ok(())
            } else {
                Err(format!("{name:?} reads {kept} and writes {written}"))
            }
        }
        (true, Err(BodyError::Sense { .. })) => Ok(()),
        // Of several things that are wrong, the reader names the first that it meets.
        (false, Err(_)) => Ok(()),
        (by_schema, by_reader) => Err(format!(
            "{name:?}: schema {by_schema}, reader {by_reader:?}: {contents}"
        )),
    }
}

/// Values that fit a schema.
fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(words) = schema["enum"].as_array() {
        return prop::sample::select(words.clone()).boxed();
    }
    match schema["type"].as_str().unwrap() {
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" => {
            let (min, max) = (
                schema["minimum"].as_i64().unwrap(),
                schema["maximum"].as_i64().unwrap(),
            );
            prop_oneof![4 => min..=max, 1 => Just(min), 1 => Just(max)]
                .prop_map(Value::from)
                .boxed()
        }
        "string" => text(schema),
        "array" => {
            let items = fitting(&schema["items"]);
            let (min, max) = (
                schema["minItems"].as_u64().unwrap(),
                schema["maxItems"].as_u64().unwrap(),
            );
            let (min, max) = (
                usize::try_from(min).unwrap(),
                usize::try_from(max.min(min + 2)).unwrap(),
            );
            prop::collection::vec(items, min..=max)
                .prop_map(Value::from)
                .boxed()
        }
        "object" => object(schema),
        other => panic!("{other}"),
    }
}

fn text(schema: &Value) -> BoxedStrategy<Value> {
    let limit = usize::try_from(schema["maxLength"].as_u64().unwrap_or(64)).unwrap();
    let times = [
        "2016-02-27T00:00:00+02:00",
        "2016-06-21T09:00:00Z",
        "2016-06-21T09:00:00.5-03:30",
        "2024-02-29T23:59:59Z",
    ];
    match schema["pattern"].as_str() {
        Some(TIME_PATTERN) => prop::sample::select(times.to_vec())
            .prop_map(Value::from)
            .boxed(),
        Some(pattern) => {
            // Short enough for every limit: the generator's own repetition has none.
            let pattern = pattern
                .trim_matches(['^', '$'])
                .replace(")*", "){0,2}")
                .replace("]*", "]{0,8}")
                .replace("]+", "]{1,8}");
            let some = prop::string::string_regex(&pattern).unwrap();
            some.prop_filter("length", move |t| (1..=limit).contains(&t.chars().count()))
                .prop_map(Value::from)
                .boxed()
        }
        None => "[a-z]{1,8}".prop_map(Value::from).boxed(),
    }
}

fn object(schema: &Value) -> BoxedStrategy<Value> {
    let Some(properties) = schema["properties"].as_object() else {
        return Just(json!({"any": 1})).boxed();
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| r.as_str().unwrap())
        .collect();
    let mut all: BoxedStrategy<Map<String, Value>> = Just(Map::new()).boxed();
    for (name, schema) in properties {
        let member = if required.contains(&name.as_str()) {
            fitting(schema).prop_map(Some).boxed()
        } else {
            prop::option::weighted(0.3, fitting(schema)).boxed()
        };
        let name = name.clone();
        let joined = (all, member).prop_map(move |(mut members, member)| {
            members.extend(member.map(|member| (name.clone(), member)));
            members
        });
        all = joined.boxed();
    }
    all.prop_map(Value::Object).boxed()
}

/// Breaks one place of a value, chosen by `seed`.
fn broken(value: &Value, seed: u64) -> Value {
    let places = places(value);
    let place = &places[usize::try_from(seed).unwrap_or(0) % places.len()];
    let mut value = value.clone();
    let at = value.pointer_mut(place).unwrap();
    let how = seed / 1_000_003;
    match (at, how % 6) {
        (Value::Object(members), 0 | 1) => drop(members.insert("unknown".into(), json!(1))),
        (Value::Object(members), 2 | 3) => {
            let key = members
                .keys()
                .nth(usize::try_from(how / 6).unwrap_or(0) % members.len().max(1))
                .cloned();
            key.map(|key| members.remove(&key));
        }
        (Value::Array(items), 0 | 1) => {
            let last = items.last().cloned();
            items.extend(last);
        }
        (Value::Array(items), 2) => items.clear(),
        (Value::String(text), 0) => text.push('\u{7}'),
        (Value::String(text), 1) => text.clear(),
        (Value::String(text), 2) => *text = text.repeat(500),
        (Value::String(text), 3) => *text = text.to_uppercase(),
        (Value::Number(number), 0..=2) => {
            *number = (number.as_i64().unwrap_or(0).saturating_mul(1000) + 1_000_000).into()
        }
        (Value::Number(number), 3) => *number = (-number.as_i64().unwrap_or(0) - 1).into(),
        (other, 4) => *other = Value::Null,
        (other, _) => *other = json!("?"),
    }
    value
}

fn places(value: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut add = |step: String, inner: &Value| {
        all.extend(places(inner).into_iter().map(|p| format!("/{step}{p}")))
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, inner)| add(name.clone(), inner)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, inner)| add(i.to_string(), inner)),
        _ => {}
    }
    all
}

#[test]
fn schemas_say_exactly_what_the_readers_accept() {
    let mut runner = TestRunner::deterministic();
    for name in Name::ALL {
        let strategy = fitting(&name.schema());
        for round in 0..60_u64 {
            let value = strategy.new_tree(&mut runner).unwrap().current();
            agree(*name, &value).unwrap();
            for seed in 0..6 {
                let broken = broken(
                    &value,
                    (round * 6 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16,
                );
                if broken.is_object() {
                    agree(*name, &broken).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_kind_has_an_example_and_every_example_is_accepted() {
    for name in Name::ALL {
        let schema = name.schema();
        let whole = schema["examples"][0].clone();
        let body = schema["properties"]["body"]["examples"][0].clone();
        let contents = if whole.is_object() {
            whole
        } else {
            json!({"body": body})
        };
        read(*name, &contents).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        agree(*name, &contents).unwrap();
    }
}

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

#[test]
fn a_kind_s_version_is_frozen_by_its_vectors() {
    for name in Name::ALL {
        let path = vectors().join(format!("{}.json", name.as_str()));
        let text =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let vectors: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(vectors["kind"], format!("{}/1", name.as_str()));
        let cases = |part: &str| vectors[part].as_array().cloned().unwrap_or_default();
        assert!(
            !cases("good").is_empty() && !cases("bad").is_empty(),
            "{name:?} has good and bad bodies"
        );
        for case in cases("good") {
            read(*name, &case["contents"])
                .unwrap_or_else(|error| panic!("{name:?}, {}: {error}", case["fact"]));
            agree(*name, &case["contents"]).unwrap();
        }
        for case in cases("bad") {
            let error = read(*name, &case["contents"])
                .err()
                .unwrap_or_else(|| panic!("{name:?} takes {}", case["fact"]));
            let (place, says) = (
                case["place"].as_str().unwrap(),
                case["says"].as_str().unwrap(),
            );
            assert_eq!(error.place(), place, "{name:?}, {}", case["fact"]);
            assert!(
                error.rule().contains(says),
                "{name:?}, {}: {error}",
                case["fact"]
            );
            agree(*name, &case["contents"]).unwrap();
        }
    }
    let files = std::fs::read_dir(vectors()).unwrap().count();
    assert_eq!(
        files,
        Name::ALL.len(),
        "no vectors of a kind that is not there"
    );
}

#[test]
fn kinds_that_are_reserved_or_of_a_later_version_are_kept_and_shown() {
    let contents = BTreeMap::from([("body".to_owned(), json!({"anything": 1}))]);
    for kind in truce::kinds::RESERVED
        .iter()
        .map(|name| format!("{name}/1"))
        .chain(["message.send/2".to_owned()])
    {
        assert_eq!(
            parse(&kind.parse().unwrap(), &contents),
            Ok(Body::Unknown),
            "{kind}"
        );
    }
}
