//! Notices that meet each other: who is told, when, and of what.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::notices::{Notice, four, legs, movement, place, say, site, two_stores};
use support::server::Server;
use support::{Exercise, sign};
use truce::participants::Office;
use truce::protection::UNCHANGED;

const CONFLICTS: &str = "/api/v1/conflicts";
const FOUND: &str = "/api/v1/conflicts/found";

/// Says a notice over HTTP; what is answered.
fn notify(exercise: &Exercise, server: &Server, who: &str, draft: Draft) -> (Reference, Value) {
    let signed = exercise
        .node()
        .sign(&sign(who), Office::NotificationOfficer, None, draft)
        .unwrap();
    let body = json!({"statement": signed.to_string()});
    let (status, answer) = server.post(who, "/api/v1/statements", None, &body);
    assert_eq!(status, 201, "{answer}");
    let reference = answer["reference"].as_str().unwrap().parse().unwrap();
    (reference, answer["review"].clone())
}

/// The pairs of a list or of what was found, each as a set of first notices.
fn pairs(items: &Value) -> Vec<BTreeSet<String>> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = items.as_array().unwrap().iter();
    let pairs = items.map(|row| match row.get("notices") {
        Some(notices) => notices.as_array().unwrap().iter().map(text).collect(),
        None => ["one", "other"]
            .iter()
            .map(|which| text(&row[which]["reference"]))
            .collect(),
    });
    pairs.collect()
}

fn pair(one: &Reference, other: &Reference) -> BTreeSet<String> {
    BTreeSet::from([one.to_string(), other.to_string()])
}

fn listed(server: &Server, who: &str) -> Vec<BTreeSet<String>> {
    let (status, page) = server.get(Some(who), CONFLICTS);
    assert_eq!(status, 200, "{page}");
    pairs(&page["items"])
}

fn found(server: &Server, who: &str) -> Vec<BTreeSet<String>> {
    let (status, found) = server.get(Some(who), FOUND);
    assert_eq!(status, 200, "{found}");
    pairs(&found["items"])
}

/// A convoy to RU and a clinic to US, both by way of the mission's cell: nobody but it reads both.
fn hidden_from_each_other() -> (Exercise, Reference, Reference) {
    let exercise = four();
    let notice = Notice::to(&["US"]).through("MISSION");
    let clinic = say(&exercise, "HUM", site(&notice, json!({})));
    let notice = Notice::to(&["US"]).through("MISSION");
    let convoy = say(&exercise, "RU", movement(&notice, legs()));
    exercise.node().settle();
    exercise.node().survey();
    (exercise, clinic, convoy)
}

#[test]
fn whoever_notifies_is_told_at_once_what_it_meets_of_what_he_reads() {
    let exercise = four();
    let server = Server::of(&exercise);
    let notice = Notice::to(&["RU", "US"]).through("MISSION");
    let (clinic, review) = notify(&exercise, &server, "HUM", site(&notice, json!({})));
    assert_eq!(review["conflicts"], json!([]));
    let under_review = review["state"].clone();
    assert!(
        under_review
            .as_str()
            .unwrap()
            .starts_with("Received, under review")
    );

    let notice = Notice::to(&["US"]);
    let (convoy, review) = notify(&exercise, &server, "RU", movement(&notice, legs()));
    assert_eq!(
        (&review["state"], &review["protection"]),
        (&under_review, &json!(UNCHANGED))
    );
    let conflicts = review["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1, "{review}");
    assert_eq!(conflicts[0]["reference"], clinic.to_string());
    assert_eq!(
        (&conflicts[0]["of"], &conflicts[0]["verdict"]),
        (&json!("site"), &json!("overlap"))
    );
    let as_of = review["as_of"].as_array().unwrap();
    assert!(
        as_of.contains(&json!(format!("RU-{}", convoy.index))),
        "{review}"
    );

    // Another way: it meets nothing. Nor does a version meet the one before it.
    let mut around = legs();
    around[0]["from"] = place(365_000_000, 370_600_000);
    around[0]["to"] = place(365_000_000, 372_600_000);
    let again = Notice::again(&convoy, &["US"]);
    let (_, review) = notify(&exercise, &server, "RU", movement(&again, around));
    assert_eq!(review["conflicts"], json!([]), "{review}");
    assert!(listed(&server, "RU").is_empty());
    // And back: that is a conflict of its own, found anew.
    let again = Notice::again(&convoy, &["US"]);
    let (_, review) = notify(&exercise, &server, "RU", movement(&again, legs()));
    assert_eq!(review["conflicts"].as_array().unwrap().len(), 1, "{review}");
    exercise.node().survey();
    assert_eq!(found(&server, "RU"), vec![pair(&clinic, &convoy); 2]);
}

#[test]
fn what_neither_author_reads_of_the_other_goes_to_the_cell_and_to_nobody_else() {
    let (exercise, clinic, convoy) = hidden_from_each_other();
    let mut server = Server::of(&exercise);
    server.account("MISSION", "cell", &[Office::NotificationOfficer]);
    server.account(
        "MISSION",
        "liaison",
        &[Office::DutyOfficer, Office::HeadOfMission],
    );
    server.account("US", "us-notices", &[Office::NotificationOfficer]);

    let both = vec![pair(&clinic, &convoy)];
    assert_eq!(listed(&server, "cell"), both);
    assert_eq!(found(&server, "cell"), both);
    for other in ["HUM", "RU", "liaison"] {
        assert!(listed(&server, other).is_empty(), "{other}");
        assert!(found(&server, other).is_empty(), "{other}");
    }
    // US reads both notices, and is neither their author nor their cell.
    for other in ["US", "us-notices"] {
        assert!(listed(&server, other).is_empty(), "{other}");
        assert!(found(&server, other).is_empty(), "{other}");
    }
    let path = format!("{CONFLICTS}?notice={convoy}").replace('#', "%23");
    let (status, of_one) = server.get(Some("cell"), &path);
    assert_eq!((status, pairs(&of_one["items"])), (200, both), "{of_one}");
    let row = &of_one["items"][0];
    assert_eq!(
        (&row["verdict"], &row["protection"]),
        (&json!("overlap"), &json!(UNCHANGED))
    );
    let unknown = path.replace("/ru", "/nobody");
    assert_eq!(server.get(Some("cell"), &unknown).1["total"], 0);
    assert_eq!(server.get(None, CONFLICTS).0, 401);
    assert_eq!(server.get(None, FOUND).0, 401);
    assert_eq!(
        server
            .get(Some("cell"), &format!("{CONFLICTS}?notice=RU-1"))
            .0,
        400
    );
}

#[test]
fn an_answer_to_a_notice_is_the_same_whether_or_not_something_hidden_is_there() {
    let mut exercise = four();
    let known = Notice::to(&["RU", "US"]).through("MISSION");
    say(&exercise, "HUM", site(&known, json!({})));
    // Two stores with one past. In one of them something more was said, and not to RU.
    let (plain, other) = two_stores(&mut exercise);
    let hidden = Notice::hidden(&["MISSION"]);
    say(&exercise, "HUM", site(&hidden, json!({})));
    say(&exercise, "HUM", movement(&hidden, legs()));
    exercise.node().settle();
    let with = Server::of(&exercise);
    let without = Server::over(&plain, &other, Arc::clone(&exercise.clock) as _);

    // One signed statement, said in both.
    let draft = movement(&Notice::to(&["US"]).through("MISSION"), legs());
    let signed = exercise
        .node()
        .sign(&sign("RU"), Office::NotificationOfficer, None, draft)
        .unwrap();
    let body = json!({"statement": signed.to_string()});
    let answer = |server: &Server| {
        let request = server
            .client
            .post(format!("{}/api/v1/statements", server.base));
        let answer = request
            .bearer_auth(&server.tokens["RU"])
            .json(&body)
            .send()
            .unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let (with_it, without_it) = (answer(&with), answer(&without));
    assert_eq!(with_it, without_it);
    assert!(
        with_it.1.contains("overlap"),
        "the known one is told: {with_it:?}"
    );
    // The cell knows more in one of them, so that they do differ.
    exercise.node().settle();
    plain.settle();
    assert_eq!(listed(&with, "MISSION").len(), 3);
    assert_eq!(listed(&without, "MISSION").len(), 1);
}

#[test]
fn a_conflict_that_arises_later_is_told_once_and_over_restarts() {
    let mut exercise = four();
    let notice = Notice::to(&["HUM", "US"]).through("MISSION");
    let convoy = say(&exercise, "RU", movement(&notice, legs()));
    exercise.node().settle();
    exercise.node().survey();
    let server = Server::of(&exercise);
    assert!(found(&server, "MISSION").is_empty());
    drop(server);

    // The clinic is notified after the convoy, and its author reads both.
    let notice = Notice::to(&["US"]).through("MISSION");
    let clinic = say(&exercise, "HUM", site(&notice, json!({})));
    exercise.node().settle();
    exercise.node().survey();
    for _ in 0..2 {
        let server = Server::of(&exercise);
        for who in ["MISSION", "HUM"] {
            assert_eq!(found(&server, who), [pair(&convoy, &clinic)], "{who}");
        }
        assert!(
            found(&server, "RU").is_empty(),
            "RU does not read the clinic"
        );
        let (_, all) = server.get(Some("HUM"), FOUND);
        let next = format!("{FOUND}?since={}", all["next"].as_str().unwrap());
        assert_eq!(server.get(Some("HUM"), &next).1["items"], json!([]));
        assert_eq!(server.get(Some("RU"), &next).0, 400, "each for itself");
        drop(server);
        exercise.stop();
        exercise.start();
        exercise.node().settle();
        exercise.node().survey();
    }

    // The convoy does not leave: nothing meets any more, and what was found stays found.
    let abort = json!({"reason": "A clinic is on the way", "protection": "unchanged"});
    exercise.say_to(
        "RU",
        "movement.abort/1",
        &[&convoy],
        &["HUM", "US", "MISSION"],
        abort,
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    assert!(listed(&server, "HUM").is_empty());
    assert_eq!(found(&server, "HUM").len(), 1);
}

#[test]
fn two_sites_and_a_convoy_to_its_own_site_are_no_conflicts() {
    let exercise = four();
    let notice = || Notice::to(&["RU", "US"]).through("MISSION");
    say(&exercise, "HUM", site(&notice(), json!({})));
    say(&exercise, "HUM", site(&notice(), json!({})));
    say(&exercise, "HUM", movement(&notice(), legs()));
    exercise.node().settle();
    let server = Server::of(&exercise);
    assert!(listed(&server, "MISSION").is_empty());
    // Two convoys on one road are, also of one organisation.
    let other = say(&exercise, "HUM", movement(&notice(), legs()));
    exercise.node().settle();
    let pairs = listed(&server, "HUM");
    assert_eq!(pairs.len(), 1);
    assert!(pairs[0].contains(&other.to_string()));
}

#[test]
fn the_list_has_every_pair_on_its_pages_and_the_next_meeting_first() {
    let exercise = four();
    let server = Server::of(&exercise);
    let notice = Notice::to(&["RU", "US"]).through("MISSION");
    for hour in [3, 1, 2, 0, 4] {
        let mut legs = legs();
        legs[0]["from_at"] = format!("2016-03-02T{:02}:00:00Z", 8 + hour).into();
        legs[0]["to_at"] = format!("2016-03-02T{:02}:30:00Z", 9 + hour).into();
        if hour % 2 == 1 {
            let leg = legs[0].clone();
            (legs[0]["from"], legs[0]["to"]) = (leg["to"].clone(), leg["from"].clone());
        }
        notify(&exercise, &server, "HUM", movement(&notice, legs));
    }
    let mut seen = Vec::new();
    let mut path = format!("{CONFLICTS}?limit=2");
    loop {
        let (status, page) = server.get(Some("HUM"), &path);
        assert_eq!(status, 200, "{page}");
        let from = page["items"].as_array().unwrap().iter();
        seen.extend(from.map(|row| row["from"].as_str().unwrap().to_owned()));
        assert_eq!(page["total"], 4, "each meets the one that comes towards it");
        match page["next"].as_str() {
            Some(next) => path = format!("{CONFLICTS}?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.is_sorted(), "{seen:?}");
}

#[test]
fn the_live_stream_tells_of_a_conflict_whoever_may_know() {
    use std::io::{BufRead, BufReader};
    let (exercise, clinic, convoy) = hidden_from_each_other();
    let mut server = Server::of(&exercise);
    server.account("MISSION", "cell", &[Office::NotificationOfficer]);
    server.account("MISSION", "liaison", &[Office::DutyOfficer]);
    let lines = |who: &str| {
        let request = server.client.get(format!("{}/api/v1/stream", server.base));
        let answer = request.bearer_auth(&server.tokens[who]).send().unwrap();
        BufReader::new(answer).lines().map(Result::unwrap)
    };
    let (cell, liaison) = (lines("cell"), lines("liaison"));
    let notice = Notice::to(&["US"]).through("MISSION");
    let second = say(&exercise, "RU", movement(&notice, legs()));
    let mut cell = cell.skip_while(|line| line != "event: conflict");
    let data = cell.find(|line| line.starts_with("data: ")).unwrap();
    assert!(data.contains(&second.to_string()), "{data}");
    let other = [&clinic, &convoy]
        .iter()
        .any(|other| data.contains(&other.to_string()));
    assert!(other, "{data}");

    // What is said after that goes to both.
    let later = exercise.say("RU", "message.send/1", &[], support::flash(&["US"]));
    let seen: Vec<String> = liaison
        .take_while(|line| !line.contains(&later.to_string()))
        .collect();
    assert!(seen.iter().any(|line| line.contains(&second.to_string())));
    assert!(!seen.contains(&"event: conflict".to_owned()), "{seen:?}");
}
