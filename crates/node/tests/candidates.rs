//! Notified, then hit, asked through the door.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::io::BufRead as _;
use std::sync::Arc;
use support::notices::two_stores;
use support::server::{self, Server};
use support::{Exercise, office_for};
use truce::notified::QUESTION;
use truce::protection::UNCHANGED;

const LAT_E7: i64 = 362_000_000;
const LON_E7: i64 = 371_600_000;
/// Of latitude, in 1e-7 degree: about 1 km.
const KM_E7: i64 = 90_000;
const EVERYBODY: &[&str] = &["parties", "MISSION", "HUM"];

fn place(north_e7: i64) -> Value {
    json!({"lat_e7": LAT_E7 + north_e7, "lon_e7": LON_E7})
}

fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    exercise
}

/// What is said now: its body for `known_to`, its exact place for `to`.
fn say(
    exercise: &Exercise,
    (who, kind): (&str, &str),
    about: &[&Reference],
    (known_to, body): (&[&str], Value),
    (to, exact): (&[&str], Value),
) -> Reference {
    let draft = Draft::new(kind, &exercise.node().now().to_string()).unwrap();
    let draft = draft.about(about.iter().map(|about| (*about).clone()).collect());
    let draft = draft.group("body", aud(known_to), body).unwrap();
    let draft = draft.group("exact", aud(to), exact).unwrap();
    let said = exercise.try_say(who, office_for(kind), draft);
    said.unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
}

fn site_at(
    exercise: &Exercise,
    known_to: &[&str],
    about: &[&Reference],
    (recipients, north_e7): (&[&str], i64),
) -> Reference {
    let consent = |recipient: &&str| {
        json!({"recipient": recipient, "given_by": "director", "given_at": "2016-03-01T00:00:00Z",
        "told": "delivered_copy_cannot_be_watched_or_recalled"})
    };
    let consents: Vec<Value> = recipients.iter().map(consent).collect();
    let body = json!({"category": "clinic", "admin_names": ["Aleppo"], "through": "MISSION", "consents": consents,
        "valid_from": "2016-03-01T00:00:00Z", "review_by": "2016-09-10T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "Clinic", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": place(north_e7)});
    let mut to = recipients.to_vec();
    to.push("MISSION");
    say(
        exercise,
        ("HUM", "site.notify/1"),
        about,
        (known_to, body),
        (&to, exact),
    )
}

/// The clinic, notified to US through the mission.
fn clinic(exercise: &Exercise) -> Reference {
    site_at(exercise, EVERYBODY, &[], (&["US"], 0))
}

fn validate(exercise: &Exercise, site: &Reference, aud: &[&str]) {
    let checked = json!({"checks": ["call"], "checked_at": "2016-03-01T10:00:00Z"});
    exercise.say_to("MISSION", "site.validate/1", &[site], aud, checked);
}

/// A report of what began at `from`, filed now, whose exact place `to` read.
fn report(exercise: &Exercise, from: &str, to: &[&str], exact: Value) -> Reference {
    report_for(exercise, EVERYBODY, from, to, exact)
}

fn report_for(
    exercise: &Exercise,
    known_to: &[&str],
    from: &str,
    to: &[&str],
    exact: Value,
) -> Reference {
    let body = support::report(from, from, "Aleppo", &[], json!({}));
    let said = ("MISSION", "report.file/1");
    say(exercise, said, &[], (known_to, body), (to, exact))
}

fn exact(north_e7: i64, uncertainty_m: i64) -> Value {
    json!({"place": place(north_e7), "uncertainty_m": uncertainty_m})
}

fn ask(server: &Server, who: &str, more: &str) -> Value {
    let (status, answer) = server.get(Some(who), &format!("/api/v1/candidates{more}"));
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Of an answer: report and how near, of each candidate.
fn found(answer: &Value) -> Vec<(String, String)> {
    let candidates = answer["candidates"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    candidates
        .map(|one| (text(&one["report"]), text(&one["nearness"])))
        .collect()
}

fn is(report: &Reference, nearness: &str) -> (String, String) {
    (report.to_string(), nearness.to_owned())
}

/// A clinic that US had at 10:00 and that was validated at 11:00 of 1 March.
fn had_and_validated(exercise: &Exercise) -> Reference {
    let clinic = clinic(exercise);
    exercise.at("2016-03-01T10:00:00Z");
    exercise.say_to("US", "receipt/1", &[&clinic], EVERYBODY, json!({}));
    exercise.at("2016-03-01T11:00:00Z");
    validate(exercise, &clinic, EVERYBODY);
    clinic
}

#[test]
fn what_was_notified_and_then_hit_is_a_question_for_those_who_read_both_and_for_nobody_else() {
    let exercise = four();
    let clinic = had_and_validated(&exercise);
    exercise.at("2016-03-02T12:00:00Z");
    let both = &["US", "HUM"];
    report(&exercise, "2016-03-01T09:30:00Z", both, exact(0, 10)); // before it was validated
    let hit = report(&exercise, "2016-03-02T06:00:00Z", both, exact(0, 10));
    let near = report(
        &exercise,
        "2016-03-02T07:00:00Z",
        both,
        exact(KM_E7 / 2, 10),
    );
    report(
        &exercise,
        "2016-03-02T08:00:00Z",
        both,
        exact(3 * KM_E7, 10),
    ); // elsewhere
    let vague = report(
        &exercise,
        "2016-03-02T09:00:00Z",
        both,
        exact(3 * KM_E7, 5_000),
    );
    let for_hum = report(&exercise, "2016-03-02T10:00:00Z", &["HUM"], exact(0, 10));
    exercise.node().settle();
    let server = Server::of(&exercise);

    let answer = ask(&server, "US", "");
    assert_eq!(answer["caution"], QUESTION);
    assert_eq!(answer["protection"], UNCHANGED);
    let three = vec![
        is(&hit, "inside"),
        is(&near, "near"),
        is(&vague, "indeterminate"),
    ];
    assert_eq!(found(&answer), three, "what is not known counts as near");
    let first = &answer["candidates"][0];
    assert_eq!(first["notice"], clinic.to_string());
    assert_eq!(
        (&first["of"], &first["by"]),
        (&json!("site"), &json!("HUM"))
    );
    let had = json!({"US": {"delivered_at": "2016-03-01T10:00:00Z", "acknowledged": false, "passed_down": false}});
    assert_eq!(first["had"], had, "the cell that checks is no recipient");
    assert_eq!(
        (&answer["near_m"], &first["near_m"]),
        (&json!(1000), &json!(1000))
    );
    let counted = json!({"US": {"notices": 1, "hit": 1, "hit_though_passed_down": 0}});
    assert_eq!(answer["recipients"], counted);
    let numbers = |answer: &Value| {
        [
            "reports",
            "reports_not_placed",
            "notices",
            "notices_not_placed",
        ]
        .map(|of| answer[of].as_u64().unwrap())
    };
    assert_eq!(
        numbers(&answer),
        [6, 1, 1, 0],
        "beside what it is a case of"
    );

    let mut four = three.clone();
    four.push(is(&for_hum, "inside"));
    for who in ["HUM", "MISSION"] {
        assert_eq!(found(&ask(&server, who, "")), four, "{who}");
    }
    let nothing = ask(&server, "RU", "");
    assert!(found(&nothing).is_empty(), "{nothing}");
    assert_eq!(nothing["recipients"], json!({}));
    assert_eq!(numbers(&nothing), [6, 6, 0, 1], "RU reads no exact place");

    // Of one notice, of one report, of one participant, of a time.
    let of_notice = ask(&server, "US", &format!("?notice=HUM-{}", clinic.index));
    assert_eq!(found(&of_notice), three);
    let of_report = ask(&server, "US", &format!("?report=MISSION-{}", near.index));
    assert_eq!(found(&of_report), [is(&near, "near")]);
    assert_eq!(of_report["reports"], 1);
    assert!(found(&ask(&server, "US", "?by=RU")).is_empty());
    let morning = "?from=2016-03-02T06:30:00Z&until=2016-03-02T09:00:00Z";
    assert_eq!(found(&ask(&server, "US", morning)), [is(&near, "near")]);
    let (status, problem) = server.get(
        Some("US"),
        "/api/v1/candidates?from=2016-01-01T00:00:00Z&until=2016-03-01T00:00:00Z",
    );
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("from")),
        "{problem}"
    );
    assert!(problem["rule"].as_str().unwrap().contains("31 days"));

    // The board of those who read both says that there is something to be looked at.
    let note = |who: &str| {
        let (_, board) = server.get(Some(who), "/api/v1/board");
        let notes = board["notes"].as_array().unwrap().clone();
        let mut texts = notes.iter().map(|note| note.as_str().unwrap().to_owned());
        texts.find(|note| note.starts_with("Notified, then hit"))
    };
    assert!(note("US").unwrap().contains("3 to be looked at"));
    assert!(note("HUM").unwrap().contains("4 to be looked at"));
    assert_eq!(note("RU"), None);
}

#[test]
fn what_was_not_delivered_or_was_returned_or_withdrawn_before_is_no_candidate() {
    let exercise = four();
    let clinic = clinic(&exercise);
    exercise.at("2016-03-01T11:00:00Z");
    validate(&exercise, &clinic, EVERYBODY);
    exercise.at("2016-03-02T12:00:00Z");
    let at = |from: &str| report(&exercise, from, &["US", "HUM"], exact(0, 10));
    at("2016-03-02T06:00:00Z");
    let server = Server::of(&exercise);
    let of = |exercise: &Exercise| {
        exercise.node().settle();
        found(&ask(&server, "HUM", ""))
    };
    assert!(of(&exercise).is_empty(), "nobody had it");
    exercise.say_to("US", "receipt/1", &[&clinic], EVERYBODY, json!({}));
    assert!(of(&exercise).is_empty(), "US had it after it was hit");
    exercise.at("2016-03-02T13:00:00Z");
    let had = at("2016-03-02T12:30:00Z");
    assert_eq!(of(&exercise), [is(&had, "inside")]);

    let faults = json!({"faults": ["incomplete"], "words": "x", "protection": "unchanged"});
    exercise.say_to("MISSION", "site.return/1", &[&clinic], EVERYBODY, faults);
    exercise.at("2016-03-02T15:00:00Z");
    at("2016-03-02T14:00:00Z");
    assert_eq!(of(&exercise), [is(&had, "inside")], "returned meanwhile");
    validate(&exercise, &clinic, EVERYBODY);
    exercise.at("2016-03-02T17:00:00Z");
    let again = at("2016-03-02T16:00:00Z");
    let both = vec![is(&had, "inside"), is(&again, "inside")];
    assert_eq!(of(&exercise), both, "and validated anew");

    // A new version has to be validated and delivered as well.
    site_at(&exercise, EVERYBODY, &[&clinic], (&["US"], 0));
    exercise.at("2016-03-02T19:00:00Z");
    at("2016-03-02T18:00:00Z");
    assert_eq!(of(&exercise), both);
    let withdraw = json!({"asked_by_site": true, "told": "delivered_copy_cannot_be_watched_or_recalled", "protection": "unchanged"});
    exercise.say_to("HUM", "site.withdraw/1", &[&clinic], EVERYBODY, withdraw);
    exercise.at("2016-03-02T21:00:00Z");
    at("2016-03-02T20:00:00Z");
    assert_eq!(of(&exercise), both, "what was, stays a question");
}

#[test]
fn a_convoy_that_is_hit_on_its_road_is_a_candidate_there_and_then() {
    let exercise = four();
    let leg = json!({"from": place(-10 * KM_E7), "from_at": "2016-03-02T08:00:00Z", "to": place(10 * KM_E7),
        "to_at": "2016-03-02T10:00:00Z", "radius_m": 100});
    let body = json!({"purpose": "relief", "mode": "road", "to": ["RU"], "persons": 3, "from": "2016-03-02T08:00:00Z",
        "until": "2016-03-02T20:00:00Z", "protection": "unchanged"});
    let said = ("HUM", "movement.notify/1");
    let route = json!({"datum": "wgs84", "legs": [leg]});
    let convoy = say(&exercise, said, &[], (EVERYBODY, body), (&["RU"], route));
    exercise.at("2016-03-01T12:00:00Z");
    exercise.say_to("RU", "acknowledge/1", &[&convoy], EVERYBODY, json!({}));
    let below = json!({"step": "confirmed_below", "to": "artillery"});
    exercise.say_to("RU", "pass_down/1", &[&convoy], EVERYBODY, below);
    exercise.at("2016-03-02T12:00:00Z");
    let hit = report(&exercise, "2016-03-02T09:00:00Z", &["RU"], exact(0, 10));
    report(&exercise, "2016-03-02T11:00:00Z", &["RU"], exact(0, 10)); // it has gone by
    exercise.node().settle();
    let server = Server::of(&exercise);
    let answer = ask(&server, "RU", "");
    assert_eq!(found(&answer), [is(&hit, "inside")]);
    assert_eq!(answer["candidates"][0]["of"], "movement");
    let had =
        json!({"delivered_at": "2016-03-01T12:00:00Z", "acknowledged": true, "passed_down": true});
    assert_eq!(answer["candidates"][0]["had"]["RU"], had);
    let counted = json!({"RU": {"notices": 1, "hit": 1, "hit_though_passed_down": 1}});
    assert_eq!(answer["recipients"], counted);
    // Beside a report whose place is read it tells where the convoy was: a read of that.
    let read = |who: &str| {
        let (_, page) = server.get(Some(who), "/api/v1/reads");
        let rows = page["items"].as_array().unwrap().iter();
        let notices = rows.map(|row| row["notice"].as_str().unwrap().to_owned());
        notices.collect::<Vec<_>>()
    };
    ask(&server, "US", "");
    assert_eq!((read("RU"), read("US")), (vec![convoy.to_string()], vec![]));
}

fn bytes(server: &Server, who: &str, path: &str) -> (u16, String, Vec<u8>) {
    let request = server.client.get(format!("{}{path}", server.base));
    server::bytes(request.bearer_auth(&server.tokens[who]))
}

#[test]
fn an_answer_is_the_same_bytes_whether_or_not_a_hidden_candidate_is_there() {
    let mut exercise = four();
    had_and_validated(&exercise);
    // Two stores with one past. In one of them something more was notified and hit, and RU reads nothing of it.
    let (without, other) = two_stores(&mut exercise);
    let hidden = &["US", "MISSION"];
    let site = site_at(&exercise, hidden, &[], (&["US"], 0));
    exercise.say_to("US", "receipt/1", &[&site], &["HUM", "MISSION"], json!({}));
    validate(&exercise, &site, &["HUM", "US"]);
    exercise.at("2016-03-02T12:00:00Z");
    let from = "2016-03-02T06:00:00Z";
    let hit = report_for(&exercise, hidden, from, hidden, exact(0, 10));
    exercise.node().settle();
    without.settle();

    let with = Server::of(&exercise);
    let without = Server::over(&without, &other, Arc::clone(&exercise.clock) as _);
    let all = "/api/v1/candidates?until=2016-03-03T00:00:00Z";
    let of_site = format!(
        "/api/v1/candidates?notice={}",
        site.to_string().replace('#', "%23")
    );
    let of_hit = format!("/api/v1/candidates?report=MISSION-{}", hit.index);
    for path in [all, of_site.as_str(), of_hit.as_str()] {
        let (one, other) = (bytes(&with, "RU", path), bytes(&without, "RU", path));
        assert!(one == other, "{path}");
    }
    let notes = |server: &Server| server.get(Some("RU"), "/api/v1/board").1["notes"].clone();
    assert_eq!(notes(&with), notes(&without));
    assert_eq!(bytes(&with, "RU", &of_hit).0, 404);
    // They do differ: US reads both.
    assert_eq!(
        found(&ask(&with, "US", "?until=2016-03-03T00:00:00Z")).len(),
        2
    );
    assert_eq!(
        found(&ask(&without, "US", "?until=2016-03-03T00:00:00Z")).len(),
        0
    );
}

/// The events that `who` is told of, with their data.
fn stream(server: &Server, who: &str) -> std::sync::mpsc::Receiver<(String, Value)> {
    let request = server.client.get(format!("{}/api/v1/stream", server.base));
    let request = request.timeout(std::time::Duration::from_secs(600));
    let answer = request.bearer_auth(&server.tokens[who]).send().unwrap();
    assert_eq!(answer.status(), 200);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut event = String::new();
        let lines = std::io::BufReader::new(answer).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(name) = line.strip_prefix("event:") {
                event = name.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                let data = serde_json::from_str(data.trim()).unwrap_or_default();
                let _ = sender.send((event.clone(), data));
            }
        }
    });
    receiver
}

/// What comes until the change of `until` is told.
fn told_until(
    stream: &std::sync::mpsc::Receiver<(String, Value)>,
    capability: &str,
    until: &Reference,
) -> Vec<Value> {
    let mut candidates = Vec::new();
    loop {
        let patience = std::time::Duration::from_secs(60);
        let (event, data) = stream.recv_timeout(patience).unwrap();
        if event == "candidate" {
            candidates.push(data);
        } else if event == capability && data["reference"] == until.to_string() {
            return candidates;
        }
    }
}

#[test]
fn those_who_read_both_are_told_as_soon_as_a_report_is_a_candidate() {
    let exercise = four();
    let clinic = had_and_validated(&exercise);
    exercise.node().settle();
    let server = Server::of(&exercise);
    let (us, ru) = (stream(&server, "US"), stream(&server, "RU"));
    exercise.at("2016-03-02T12:00:00Z");
    let hit = report(&exercise, "2016-03-02T06:00:00Z", &["US"], exact(0, 10));
    let candidate = json!({"report": hit.to_string(), "notice": clinic.to_string()});
    assert_eq!(told_until(&us, "report", &hit), [candidate]);
    assert!(told_until(&ru, "report", &hit).is_empty());

    // A second clinic was hit before anybody heard that US had it: the receipt makes it a candidate.
    exercise.at("2016-03-02T13:00:00Z");
    let second = site_at(&exercise, EVERYBODY, &[], (&["US"], 20 * KM_E7));
    validate(&exercise, &second, EVERYBODY);
    exercise.at("2016-03-02T15:00:00Z");
    let there = report(
        &exercise,
        "2016-03-02T14:00:00Z",
        &["US"],
        exact(20 * KM_E7, 10),
    );
    assert!(told_until(&us, "report", &there).is_empty());
    exercise.at("2016-03-02T13:30:00Z");
    exercise.say_to("US", "receipt/1", &[&second], EVERYBODY, json!({}));
    let candidate = json!({"report": there.to_string(), "notice": second.to_string()});
    assert_eq!(told_until(&us, "site", &second), [candidate]);
}
