//! Who is a party, and who goes by which call sign, may become known late: then everything is cut anew, as if it had been known
//! from the beginning.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use record::name::Reference;
use serde_json::{Value, json};
use support::{Exercise, flash, instrument, sign, text_hash};

fn report(place: &str) -> Value {
    json!({"category": "shelling", "from": "2016-02-21T08:00:00Z", "until": "2016-02-21T09:00:00Z", "date_precision": 1,
        "means": ["heard"], "place_name": place, "place_precision": 3})
}

fn reads(exercise: &Exercise, who: Option<&str>, of: &Reference) -> bool {
    exercise.node().settle();
    let eyes = exercise.node().eyes_of(who.map(sign).as_ref());
    exercise
        .node()
        .views(&eyes)
        .statement(of)
        .unwrap()
        .is_some()
}

fn digests(exercise: &Exercise) -> Vec<(Eyes, String)> {
    exercise.node().settle();
    let all = exercise.node().all_views();
    all.map(|views| (views.eyes().clone(), views.digest().unwrap()))
        .collect()
}

/// The same, known from the beginning: the views are computed anew from logs in which everything stands.
fn expect_as_if_always_known(exercise: &mut Exercise) {
    let live = digests(exercise);
    exercise.stop();
    exercise.start();
    assert_eq!(digests(exercise), live, "after a restart");
    exercise.stop();
    std::fs::remove_dir_all(exercise.store().join("views")).unwrap();
    exercise.start();
    assert_eq!(digests(exercise), live, "computed anew");
}

#[test]
fn whoever_becomes_a_party_reads_what_parties_were_told_before() {
    let mut exercise = Exercise::with(&["RU", "US", "MISSION"], false);
    let told = exercise.say_to("RU", "report.file/1", &[], &["parties"], report("a place"));
    assert!(reads(&exercise, Some("RU"), &told), "its own");
    assert!(
        !reads(&exercise, Some("US"), &told),
        "there are no parties yet"
    );
    let tabled = exercise.say_to("RU", "instrument.table/1", &[], &["public"], instrument());
    assert!(
        !reads(&exercise, Some("US"), &told),
        "a text that is tabled makes nobody a party"
    );
    let accept = json!({"text_sha256": text_hash()});
    exercise.say_to("US", "instrument.accept/1", &[&tabled], &["public"], accept);
    assert!(reads(&exercise, Some("US"), &told));
    assert!(
        !reads(&exercise, Some("MISSION"), &told),
        "it is not asked to accept"
    );
    assert!(!reads(&exercise, None, &told));
    expect_as_if_always_known(&mut exercise);
}

#[test]
fn an_acceptance_that_no_longer_stands_makes_nobody_a_party() {
    let mut exercise = Exercise::with(&["RU", "US", "MISSION"], false);
    exercise.bind();
    let told = exercise.say_to("RU", "report.file/1", &[], &["parties"], report("a place"));
    assert!(reads(&exercise, Some("US"), &told));
    // US had its key stolen before it accepted.
    let us = exercise.node().own_of(&sign("US")).unwrap();
    let home = node::home::Home::new(&exercise.store().join("participants/US"));
    let kid = us.keys(truce::participants::Office::HeadOfMission)[0];
    let body = json!({"kid": kid.to_string(), "from": 1});
    let stolen = record::statement::Statement::sign_control(
        "key.compromise/1".parse().unwrap(),
        body.as_object().unwrap().clone(),
        &home.admin().unwrap(),
        record::statement::Kid::Index(0),
        us.log().id(),
        exercise.node().now(),
    );
    exercise.node().say(stolen.unwrap()).unwrap();
    assert!(!reads(&exercise, Some("US"), &told));
    expect_as_if_always_known(&mut exercise);
}

#[test]
fn a_call_sign_that_is_bound_anew_is_another_s_with_all_that_was_addressed_to_it() {
    let mut exercise = Exercise::with(&["RU", "US", "UN", "MISSION"], false);
    let told = exercise.say_to("RU", "report.file/1", &[], &["UN"], report("a place"));
    let call = exercise.say_to("RU", "message.send/1", &[], &["public"], flash(&["UN"]));
    exercise.say_to("UN", "acknowledge/1", &[&call], &["public"], json!({}));
    let owed_by_un = |exercise: &Exercise| {
        let row = exercise.node().views(&Eyes::Public).object("matter", &call);
        let row: Value = serde_json::from_str(&row.unwrap().unwrap()).unwrap();
        row["recipients"][0]["acknowledged"].clone()
    };
    assert!(reads(&exercise, Some("UN"), &told));
    assert!(!owed_by_un(&exercise).is_null(), "UN acknowledged");
    // The text binds the call sign UN to the log of US, and UN's log to another one.
    let mut text = instrument();
    text["needed"] = json!(["RU"]);
    text["lines"] = json!([{"id": "ru-un", "a": "RU", "b": "UN", "primary": "telephone"}]);
    text["participants"] = json!([
        {"call_sign": "RU", "origin": "truce.example/ru", "role": "guarantor"},
        {"call_sign": "UN", "origin": "truce.example/us", "role": "guarantor"},
        {"call_sign": "OCHA", "origin": "truce.example/un", "role": "humanitarian"},
        {"call_sign": "US", "origin": "truce.example/elsewhere", "role": "guarantor"},
        {"call_sign": "MISSION", "origin": "truce.example/mission", "role": "mission"}]);
    exercise.say_to("RU", "instrument.table/1", &[], &["public"], text);
    let reads_by_log = |exercise: &Exercise, log: &str| {
        exercise.node().settle();
        let eyes = Eyes::Participant(format!("truce.example/{log}").parse().unwrap());
        exercise
            .node()
            .views(&eyes)
            .statement(&told)
            .unwrap()
            .is_some()
    };
    assert!(
        reads_by_log(&exercise, "us"),
        "it goes by the call sign UN now"
    );
    assert!(!reads_by_log(&exercise, "un"));
    assert!(
        owed_by_un(&exercise).is_null(),
        "whoever is UN now has not acknowledged"
    );
    expect_as_if_always_known(&mut exercise);
}
