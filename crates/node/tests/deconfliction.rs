//! What meets what was notified, asked through the door.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::deconfliction::convert::volumes;
use node::http::problem::Kind;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::notices::{Notice, four, legs, movement, place, say, site, two_stores};
use support::server::{self, Server};
use support::{Exercise, sign};
use truce::participants::Office;
use truce::protection::UNCHANGED;
use truce::volumes::{Asked, LEGS_MAX};
use truce::wire::{Place, Wire};

const CHECK: &str = "/api/v1/check";

/// A circle around the clinic.
fn around(radius_m: i64, from: &str, until: &str) -> Value {
    json!({"volume": {"circle": {"centre": place(362_000_000, 371_600_000), "radius_m": radius_m}, "datum": "wgs84",
        "from": from, "until": until}})
}

fn wide() -> Value {
    around(20_000, "2016-03-02T06:00:00Z", "2016-03-02T23:00:00Z")
}

fn conflicts(server: &Server, who: &str, body: &Value) -> Vec<Value> {
    let (status, answer) = server.post(who, CHECK, None, body);
    assert_eq!(status, 200, "{answer}");
    answer["conflicts"].as_array().unwrap().clone()
}

fn references(conflicts: &[Value]) -> BTreeSet<String> {
    let references = conflicts
        .iter()
        .map(|row| row["reference"].as_str().unwrap().to_owned());
    references.collect()
}

#[test]
fn a_check_names_what_it_meets_where_and_when() {
    let exercise = four();
    let clinic = say(&exercise, "HUM", site(&Notice::to(&["US"]), json!({})));
    exercise.node().settle();
    let server = Server::of(&exercise);

    let route = json!({"legs": legs(), "datum": "wgs84"});
    let (status, answer) = server.post("US", CHECK, None, &route);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["protection"], UNCHANGED);
    assert!(answer["caution"].as_str().unwrap().contains("no clearance"));
    let found = answer["conflicts"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{answer}");
    let found = &found[0];
    assert_eq!(found["reference"], clinic.to_string());
    assert_eq!(found["version"], clinic.to_string());
    assert_eq!(
        (&found["of"], &found["by"]),
        (&json!("site"), &json!("HUM"))
    );
    assert_eq!(
        (&found["verdict"], &found["because"]),
        (&json!("overlap"), &json!("meeting"))
    );
    let from = found["from"].as_str().unwrap();
    assert!(
        ("2016-03-02T08:55:00Z".."2016-03-02T09:05:00Z").contains(&from),
        "{found}"
    );
    let lon_e7 = found["place"]["lon_e7"].as_i64().unwrap();
    assert!((lon_e7 - 371_600_000).abs() < 20_000, "{found}");
    assert!(
        found["apart_cm"].as_i64().unwrap() <= 10_000,
        "within the convoy's own radius: {found}"
    );
    let last = format!("HUM-{}", clinic.index);
    assert!(
        answer["as_of"].as_array().unwrap().contains(&json!(last)),
        "{answer}"
    );

    // A box in space and time has both of them in it at some time; they are never there together.
    let mut late = route.clone();
    late["legs"][0]["from"] = place(365_000_000, 370_600_000);
    late["legs"][0]["to"] = place(365_000_000, 372_600_000);
    assert!(conflicts(&server, "US", &late).is_empty());
    // What was notified from a day on is not there the day before.
    let before = around(1_000, "2016-02-28T00:00:00Z", "2016-03-01T00:00:00Z");
    let gap = conflicts(&server, "US", &before);
    assert_eq!(
        (&gap[0]["verdict"], &gap[0]["because"]),
        (&json!("indeterminate"), &json!("clocks"))
    );
    assert_eq!(gap[0]["gap_ms"], 0, "{gap:?}");
    let day_before = around(1_000, "2016-02-27T00:00:00Z", "2016-02-28T00:00:00Z");
    assert!(conflicts(&server, "US", &day_before).is_empty());
}

#[test]
fn each_reader_is_told_of_what_he_reads_and_of_nothing_else() {
    let exercise = four();
    let readers = ["RU", "US", "MISSION", "HUM"];
    let mut said = Vec::new();
    for author in readers {
        let others: Vec<&str> = readers
            .into_iter()
            .filter(|other| *other != author)
            .collect();
        for to in [&others[..1], &others[1..2], &others[1..], &others[..]] {
            let reference = say(&exercise, author, site(&Notice::to(to), json!({})));
            said.push((author, to.to_vec(), reference));
            let reference = say(&exercise, author, movement(&Notice::to(to), legs()));
            said.push((author, to.to_vec(), reference));
        }
    }
    exercise.node().settle();
    let server = Server::of(&exercise);
    for reader in readers {
        let may = said
            .iter()
            .filter(|(author, to, _)| *author == reader || to.contains(&reader));
        let expected: BTreeSet<String> = may.map(|(.., reference)| reference.to_string()).collect();
        assert!(expected.len() < said.len());
        assert_eq!(
            references(&conflicts(&server, reader, &wide())),
            expected,
            "{reader}"
        );
    }
    let anybody = server
        .client
        .post(format!("{}{CHECK}", server.base))
        .json(&wide())
        .send()
        .unwrap();
    assert_eq!(anybody.status(), 401);
}

fn bytes(server: &Server, who: &str, body: &Value) -> (u16, String, Vec<u8>) {
    let request = server.client.post(format!("{}{CHECK}", server.base));
    server::bytes(request.bearer_auth(&server.tokens[who]).json(body))
}

#[test]
fn an_answer_is_the_same_bytes_whether_or_not_something_hidden_is_there() {
    let mut exercise = four();
    let known = say(&exercise, "HUM", site(&Notice::to(&["US"]), json!({})));
    // Two stores with one past. In one of them something more was said, and not to US.
    let (without, other) = two_stores(&mut exercise);
    let hidden = Notice::hidden(&["MISSION"]);
    say(&exercise, "RU", site(&hidden, json!({})));
    say(&exercise, "HUM", movement(&hidden, legs()));
    exercise.node().settle();
    without.settle();

    let with = Server::of(&exercise);
    let without = Server::over(&without, &other, Arc::clone(&exercise.clock) as _);
    let route = json!({"legs": legs(), "datum": "wgs84"});
    let nowhere = around(10, "2017-03-02T06:00:00Z", "2017-03-02T07:00:00Z");
    let wrong = around(900_000, "2016-03-02T06:00:00Z", "2016-03-02T23:00:00Z");
    for asked in [&route, &wide(), &nowhere, &wrong] {
        let answer = bytes(&with, "US", asked);
        assert_eq!(answer, bytes(&without, "US", asked), "{asked}");
    }
    // It is there for whoever reads it, so that the two stores do differ.
    assert_eq!(conflicts(&with, "MISSION", &wide()).len(), 2);
    assert_eq!(conflicts(&without, "MISSION", &wide()).len(), 0);
    let told = references(&conflicts(&with, "US", &wide()));
    assert_eq!(told, BTreeSet::from([known.to_string()]));
}

/// What US is told of, asked at the node.
fn told(exercise: &Exercise, body: &Value) -> BTreeSet<String> {
    let node = exercise.node();
    node.settle();
    let eyes = node.eyes_of(Some(&sign("US")));
    let asked = Asked::read(body, &Place::Top).unwrap();
    let volumes = volumes(&asked.notified().unwrap(), &Place::Top).unwrap();
    let checked = node
        .notified(&eyes)
        .check(node.views(&eyes), &volumes)
        .unwrap();
    let met = checked.met.into_iter();
    met.map(|met| met.notice.reference.to_string()).collect()
}

#[test]
fn the_index_follows_versions_ends_and_restarts() {
    let mut exercise = four();
    let clinic = say(
        &exercise,
        "HUM",
        site(&Notice::to(&["US", "RU"]), json!({})),
    );
    let convoy = say(&exercise, "HUM", movement(&Notice::to(&["US"]), legs()));
    let both = BTreeSet::from([clinic.to_string(), convoy.to_string()]);
    assert_eq!(told(&exercise, &wide()), both);
    // A review that is due drops nothing.
    exercise.at("2016-03-12T09:00:00Z");
    assert_eq!(told(&exercise, &wide()), both);

    // The clinic moves, and the convoy takes another road: only the last version counts.
    let elsewhere = json!({"place": place(370_000_000, 380_000_000)});
    say(
        &exercise,
        "HUM",
        site(&Notice::again(&clinic, &["US", "RU"]), elsewhere),
    );
    let mut road = legs();
    road[0]["from"] = place(371_000_000, 380_000_000);
    road[0]["to"] = place(369_000_000, 380_000_000);
    say(
        &exercise,
        "HUM",
        movement(&Notice::again(&convoy, &["US"]), road),
    );
    let there = json!({"volume": {"circle": {"centre": place(370_000_000, 380_000_000), "radius_m": 500}, "datum": "wgs84",
        "from": "2016-03-02T06:00:00Z"}});
    assert!(told(&exercise, &wide()).is_empty());
    assert_eq!(told(&exercise, &there), both);
    exercise.stop();
    exercise.start();
    assert_eq!(told(&exercise, &there), both, "made anew at the start");

    let abort = json!({"reason": "Too dangerous", "protection": "unchanged"});
    exercise.say_to("HUM", "movement.abort/1", &[&convoy], &["US"], abort);
    assert_eq!(
        told(&exercise, &there),
        BTreeSet::from([clinic.to_string()])
    );
    let withdraw = json!({"asked_by_site": true, "told": "delivered_copy_cannot_be_watched_or_recalled", "protection": "unchanged"});
    exercise.say_to(
        "HUM",
        "site.withdraw/1",
        &[&clinic],
        &["US", "RU"],
        withdraw,
    );
    assert!(told(&exercise, &there).is_empty());
    exercise.stop();
    exercise.start();
    assert!(told(&exercise, &there).is_empty());
}

/// A road of so many legs with a wait after each, passing the clinic in its first.
fn long_road(minute: i64) -> Value {
    let mut legs = Vec::new();
    for n in 0..LEGS_MAX as i64 {
        let at = |minutes: i64| {
            let from = support::utc("2016-03-02T08:00:00Z").0;
            UtcMs(from + (minute + minutes) * 60_000).to_string()
        };
        let lon_e7 = 370_600_000 + n * 2_000_000;
        legs.push(json!({"from": place(362_000_000, lon_e7), "from_at": at(10 * n), "to": place(362_000_000, lon_e7 + 2_000_000),
            "to_at": at(10 * n + 5), "radius_m": 100}));
    }
    Value::Array(legs)
}

#[test]
fn an_index_that_is_made_anew_among_many_ended_volumes_answers_the_same() {
    let exercise = four();
    let clinic = say(&exercise, "HUM", site(&Notice::to(&["US"]), json!({})));
    let notice = Notice::to(&["US"]);
    let convoy = say(&exercise, "HUM", movement(&notice, long_road(0)));
    let both = BTreeSet::from([clinic.to_string(), convoy.to_string()]);
    // Each version is 127 volumes, so that far more have ended at last than the index keeps.
    for minute in 1..40 {
        let again = Notice::again(&convoy, &["US"]);
        say(&exercise, "HUM", movement(&again, long_road(minute)));
        assert_eq!(told(&exercise, &wide()), both, "version {minute}");
    }
    // Of the last version, and of none before it: it passes 39 minutes later.
    let early = around(1_000, "2016-03-02T08:00:00Z", "2016-03-02T08:30:00Z");
    assert_eq!(
        told(&exercise, &early),
        BTreeSet::from([clinic.to_string()])
    );
}

#[test]
fn a_place_that_was_erased_is_compared_no_more() {
    let exercise = four();
    let erased = say(&exercise, "HUM", site(&Notice::to(&["US"]), json!({})));
    let kept = say(&exercise, "HUM", site(&Notice::to(&["US"]), json!({})));
    exercise.node().settle();
    let server = Server::of(&exercise);
    assert_eq!(conflicts(&server, "US", &wide()).len(), 2);
    let readers = ["parties", "MISSION", "HUM", "US"];
    let groups = json!({"groups": ["exact"]});
    let erase = exercise.draft("erase/1", &[&erased], &readers, groups);
    exercise
        .try_say("HUM", Office::HeadOfMission, erase)
        .unwrap();
    exercise.node().settle();
    for who in ["US", "HUM"] {
        let left = references(&conflicts(&server, who, &wide()));
        assert_eq!(left, BTreeSet::from([kept.to_string()]), "{who}");
    }
}

#[test]
fn what_cannot_be_compared_is_named_and_never_left_out() {
    let exercise = four();
    let ground = json!({"ground": {"circle": {"centre": place(362_000_000, 371_600_000), "radius_m": 900_000}, "datum": "wgs84",
        "from": "2016-03-01T00:00:00Z"}});
    let huge = say(&exercise, "HUM", site(&Notice::to(&["US"]), ground));
    exercise.node().settle();
    let server = Server::of(&exercise);
    let (status, answer) = server.post("US", CHECK, None, &wide());
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["conflicts"], json!([]));
    assert_eq!(answer["not_compared"][0]["reference"], huge.to_string());
    let why = answer["not_compared"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("exact.ground.circle.radius_m"), "{why}");
    let (_, answer) = server.post("RU", CHECK, None, &wide());
    assert_eq!(answer["not_compared"], json!([]), "it is none of RU's");
}

#[test]
fn a_question_is_read_strictly_and_asked_within_a_rate() {
    let exercise = four();
    let server = Server::of(&exercise);
    let refused = |body: Value| {
        let (status, problem) = server.post("US", CHECK, None, &body);
        assert_eq!(status, 422, "{problem}");
        problem["field"].as_str().unwrap().to_owned()
    };
    let mut shapeless = wide();
    shapeless["volume"]
        .as_object_mut()
        .unwrap()
        .remove("circle");
    assert_eq!(refused(shapeless), "volume.area");
    assert_eq!(refused(json!({"legs": legs()})), "datum");
    assert_eq!(refused(json!({})), "volume");
    let mut both = wide();
    both["legs"] = legs();
    assert_eq!(refused(both), "volume");
    let mut misspelt = wide();
    misspelt["volume"]["untill"] = "2016-03-02T23:00:00Z".into();
    assert_eq!(refused(misspelt), "volume.untill");
    assert_eq!(
        refused(around(
            900_000,
            "2016-03-02T06:00:00Z",
            "2016-03-02T23:00:00Z"
        )),
        "volume.circle.radius_m"
    );
    let burst = node::accounts::rate::CHECK_RATE.burst;
    let asked = (0..burst).map(|_| server.post("US", CHECK, None, &wide()).0);
    let last = asked.last().unwrap();
    assert_eq!(last, Kind::TooManyRequests.status().as_u16());
    assert_eq!(
        server.post("RU", CHECK, None, &wide()).0,
        200,
        "each account by itself"
    );
}
