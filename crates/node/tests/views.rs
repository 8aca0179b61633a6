//! Views beside the pure fold that they are computed with.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::{Eyes, cut};
use record::name::Reference;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{Exercise, flash, sign};
use truce::{Statements, Truce};

/// What `eyes` may read of everything, folded at once.
fn folded_at_once(exercise: &Exercise, eyes: &Eyes) -> (Statements, Truce) {
    let node = exercise.node();
    let members = node.sources().members();
    let mut statements = Statements::default();
    for source in node.sources().all() {
        for index in 0..source.size() {
            let statement = source.statement(index).unwrap().unwrap();
            statements.hold(index, &cut(eyes, &statement, &members));
        }
    }
    let truce = Truce::of(&statements);
    (statements, truce)
}

fn expect_the_same(exercise: &Exercise) {
    let node = exercise.node();
    node.settle();
    let now = node.now();
    for views in node.all_views() {
        let eyes = views.eyes();
        let (statements, truce) = folded_at_once(exercise, eyes);
        for said in statements.iter() {
            let row = views.statement(&said.reference).unwrap();
            let visible = said.head().is_some() || said.statement.leaf().control().is_some();
            assert_eq!(row.is_some(), visible, "{eyes:?} {}", said.reference);
            let Some(row) = row else { continue };
            let standing = truce.standings[&said.reference].clone();
            let expected = match standing {
                truce::Standing::Effective => ("effective", None),
                truce::Standing::Ineffective(why) => ("ineffective", Some(why)),
                truce::Standing::Waiting(on) => ("waiting", Some(on.to_string())),
                truce::Standing::Undetermined(why) => ("undetermined", Some(why)),
                truce::Standing::Sealed => ("sealed", None),
                truce::Standing::UnknownKind => ("unknown_kind", None),
            };
            assert_eq!(
                (row.standing.as_str(), row.why),
                expected,
                "{eyes:?} {} {}",
                row.kind,
                row.short
            );
        }
        let due: BTreeMap<String, usize> = count(views.due(now).unwrap().iter().map(|row| {
            format!(
                "{} {:?} {} {} {} {} {:?} {}",
                row.what,
                row.part,
                row.by,
                row.to,
                row.about,
                row.urgency,
                row.due_at,
                row.received
            )
        }));
        let expected = count(truce.due(now).iter().map(|item| {
            let (what, part) = (item.what.word(), item.what.part().map(ToString::to_string));
            let urgency = match item.urgency {
                truce::due::Urgency::Overdue => "overdue",
                truce::due::Urgency::Open => "open",
                truce::due::Urgency::Unreachable => "unreachable",
            };
            let due_at = item.due_at.map(|at| at.to_string());
            format!(
                "{what} {part:?} {} {} {} {urgency} {due_at:?} {}",
                item.by, item.to, item.about, item.received
            )
        }));
        assert_eq!(due, expected, "{eyes:?}");
        for (root, matter) in &truce.matters {
            let row: Value =
                serde_json::from_str(&views.object("matter", root).unwrap().unwrap()).unwrap();
            assert_eq!(row["open"], matter.is_open(), "{eyes:?} {root}");
            assert_eq!(row["rung"], matter.rung, "{eyes:?} {root}");
            assert_eq!(row["sends"].as_array().unwrap().len(), matter.sends.len());
            assert_eq!(
                row["recipients"].as_array().unwrap().len(),
                matter.recipients.len()
            );
            let languages = row["recipients"].as_array().unwrap().iter();
            let languages: Vec<Option<bool>> = languages
                .map(|state| state["language_on_duty"].as_bool())
                .collect();
            let expected = matter.recipients.values();
            let expected: Vec<Option<bool>> =
                expected.map(|state| state.language_on_duty).collect();
            assert_eq!(languages, expected, "{eyes:?} {root}");
        }
        assert_eq!(*views.context().agreement, truce.agreement, "{eyes:?}");
        assert_eq!(*views.context().directory, truce.directory, "{eyes:?}");
        assert_eq!(*views.context().shifts, truce.shifts, "{eyes:?}");
    }
}

fn count(lines: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

fn a_busy_night(exercise: &Exercise) -> (Reference, Reference) {
    let instrument = exercise.bind();
    let call = exercise.say("US", "message.send/1", &[], flash(&["RU", "MISSION"]));
    exercise.at("2016-03-01T09:02:00Z");
    exercise.say("RU", "acknowledge/1", &[&call], json!({}));
    exercise.say("RU", "answer/1", &[&call], json!({"reply": "checking"}));
    exercise.at("2016-03-01T09:10:00Z");
    exercise.say("US", "message.send/1", &[&call], flash(&["RU", "MISSION"]));
    exercise.say(
        "MISSION",
        "pass_down/1",
        &[&call],
        json!({"step": "sent_down", "to": "team 3"}),
    );
    let routine = json!({"precedence": "ROUTINE", "to": ["US"], "words": "Which road tomorrow?", "language": "en"});
    let asked = exercise.say("RU", "message.send/1", &[], routine);
    exercise.say(
        "US",
        "answer/1",
        &[&asked],
        json!({"reply": "words", "words": "The coast road", "language": "en"}),
    );
    exercise.say_to(
        "RU",
        "formation.join/1",
        &[&instrument],
        &["public"],
        json!({"id": "first", "name": "First"}),
    );
    let claim = json!({"claim": "allegation", "speaker": "Spokesperson", "said_at": "2016-02-28T00:00:00Z", "precision": "day",
        "form": "paraphrase", "language": "en", "words": "They struck", "source": {"title": "Press"}});
    let one = exercise.say_to("MISSION", "claim.record/1", &[], &["public"], claim.clone());
    let other = exercise.say_to("MISSION", "claim.record/1", &[], &["public"], claim);
    let relation = exercise.say_to(
        "MISSION",
        "claim.relate/1",
        &[&other, &one],
        &["public"],
        json!({"relation": "denies"}),
    );
    exercise.say_to(
        "MISSION",
        "retract/1",
        &[&relation],
        &["public"],
        json!({"reason": "Wrong claim"}),
    );
    exercise.say("RU", "line.test/1", &[], json!({"line": "ru-us", "means": "primary", "tested_at": "2016-03-01T09:05:00Z", "result": "heard"}));
    exercise.say("US", "line.test/1", &[], json!({"line": "ru-us", "means": "primary", "tested_at": "2016-03-01T09:06:00Z", "result": "heard"}));
    exercise.say(
        "US",
        "shift.open/1",
        &[],
        json!({"officer": "day watch", "languages": ["en"], "until": "2016-03-01T18:00:00Z"}),
    );
    let area = json!({"name": "North", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": ["US"], "polygon": [
        {"lat_e7": 362_000_000, "lon_e7": 372_000_000}, {"lat_e7": 364_000_000, "lon_e7": 372_000_000},
        {"lat_e7": 364_000_000, "lon_e7": 374_000_000}, {"lat_e7": 362_000_000, "lon_e7": 374_000_000}],
        "basis": "Own", "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-30T00:00:00Z"});
    exercise.say_to("RU", "area.designate/1", &[], &["US", "MISSION"], area);
    (call, asked)
}

#[test]
fn the_views_of_each_reader_are_the_fold_of_what_he_may_read() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    a_busy_night(&exercise);
    expect_the_same(&exercise);
    exercise.at("2016-03-03T12:00:00Z");
    expect_the_same(&exercise);
}

#[test]
fn deleted_views_are_computed_again_to_the_same_digest() {
    // Without machines that speak: a restart would have them tell of heads anew.
    let mut exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    a_busy_night(&exercise);
    exercise.node().settle();
    let digests = |exercise: &Exercise| -> Vec<String> {
        exercise
            .node()
            .all_views()
            .map(|views| views.digest().unwrap())
            .collect()
    };
    let before = digests(&exercise);
    exercise.stop();
    exercise.start();
    exercise.node().settle();
    assert_eq!(digests(&exercise), before, "after a restart");
    let positions = |exercise: &Exercise| -> Vec<i64> {
        let views = exercise.node().all_views();
        views.map(|views| views.context().seq).collect()
    };
    let stood = positions(&exercise);
    exercise.stop();
    exercise.start();
    exercise.node().settle();
    assert_eq!(
        positions(&exercise),
        stood,
        "a restart computes nothing anew"
    );
    exercise.stop();
    std::fs::remove_dir_all(exercise.store().join("views")).unwrap();
    exercise.start();
    exercise.node().settle();
    assert_eq!(digests(&exercise), before, "computed anew");
}

#[test]
fn a_machine_gives_each_receipt_once() {
    let mut exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    exercise.node().settle();
    let call = exercise.say("US", "message.send/1", &[], flash(&["RU", "MISSION"]));
    let informs = json!({"precedence": "ROUTINE", "to": ["RU"], "words": "The line is tested at nine", "language": "en",
        "informs": true});
    let told = exercise.say("US", "message.send/1", &[], informs);
    let receipts = |exercise: &Exercise, of: &Reference| -> Vec<String> {
        let eyes = exercise.node().eyes_of(Some(&sign("US")));
        let about = exercise.node().views(&eyes).about(of, 100).unwrap();
        let receipts = about.into_iter().filter(|row| row.kind == "receipt/1");
        let mut by: Vec<String> = receipts.map(|row| row.by).collect();
        by.sort();
        by
    };
    exercise.node().settle();
    assert_eq!(receipts(&exercise, &call), ["MISSION", "RU"]);
    assert_eq!(
        receipts(&exercise, &told),
        ["RU"],
        "also of what asks for no answer"
    );
    exercise.say("RU", "acknowledge/1", &[&call], json!({}));
    exercise.stop();
    exercise.start();
    exercise.node().settle();
    assert_eq!(receipts(&exercise, &call), ["MISSION", "RU"]);
    assert_eq!(receipts(&exercise, &told), ["RU"]);
}

#[test]
fn a_response_says_what_its_author_held() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    let call = exercise.say("US", "message.send/1", &[], flash(&["RU", "MISSION"]));
    exercise.node().settle();
    let said = exercise.say("RU", "acknowledge/1", &[&call], json!({}));
    exercise.node().settle();
    let node = exercise.node();
    let views = node.views(&node.eyes_of(Some(&sign("US"))));
    let held = |reference| views.statement(reference).unwrap().unwrap();
    let statement = record::statement::Statement::parse(&held(&call).statement).unwrap();
    let digests: Vec<String> = statement
        .disclosures()
        .map(|d| d.digest().to_string())
        .collect();
    assert_eq!(digests.len(), 2, "the head and the body");
    assert_eq!(held(&said).seen, digests);
    for row in views.about(&call, 10).unwrap() {
        assert_eq!(row.seen, digests, "{}, also a machine's", row.kind);
    }
}
