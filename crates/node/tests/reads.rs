//! Reads of exact places are counted, and what about them is out of the ordinary is told to those who watch over it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead as _;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use support::notices::Notice;
use support::server::Server;
use support::{Exercise, notices, office_for, sign};
use truce::participants::Office;

const TOLD: &str = "delivered_copy_cannot_be_watched_or_recalled";
/// Seven digits that stand in no answer but where the exact place of this notice is told.
const SITE_AT: i64 = 361_234_567;
const ROAD_AT: i64 = 361_345_678;
const LIVE_AT: i64 = 361_456_789;

fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

fn place(lat_e7: i64) -> Value {
    json!({"lat_e7": lat_e7, "lon_e7": 371_600_000})
}

fn say(exercise: &Exercise, who: &str, draft: Draft) -> Reference {
    let kind = draft.head().kind.to_string();
    let said = exercise.try_say(who, office_for(&kind), draft);
    said.unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
}

/// A clinic of HUM of which everybody knows and whose place US alone reads.
fn site(exercise: &Exercise, lat_e7: i64, to: &[&str]) -> Reference {
    let consents: Vec<Value> = to
        .iter()
        .map(|to| json!({"recipient": to, "given_by": "director", "given_at": "2016-03-01T00:00:00Z", "told": TOLD}))
        .collect();
    let body = json!({"category": "clinic", "pcodes": ["SY0200"], "consents": consents, "valid_from": "2016-03-01T00:00:00Z",
        "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "Clinic of the well", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": place(lat_e7)});
    let draft = Draft::new("site.notify/1", "2016-03-01T09:00:00Z").unwrap();
    let draft = draft
        .group("body", aud(&["parties", "MISSION", "HUM"]), body)
        .unwrap();
    say(
        exercise,
        "HUM",
        draft.group("exact", aud(to), exact).unwrap(),
    )
}

/// A convoy of HUM, which somebody pressed for once.
fn convoy(exercise: &Exercise) -> (Reference, Reference) {
    let body = json!({"purpose": "relief", "mode": "road", "to": ["US"], "persons": 3, "from": "2016-03-02T08:00:00Z",
        "until": "2016-03-02T20:00:00Z", "protection": "unchanged"});
    let exact = json!({"datum": "wgs84", "legs": [{"from": place(ROAD_AT), "from_at": "2016-03-02T08:00:00Z", "to": place(ROAD_AT + 1),
        "to_at": "2016-03-02T10:00:00Z"}]});
    let draft = Draft::new("movement.notify/1", "2016-03-01T09:00:00Z").unwrap();
    let draft = draft
        .group("body", aud(&["parties", "MISSION", "HUM"]), body)
        .unwrap();
    let first = say(
        exercise,
        "HUM",
        draft.group("exact", aud(&["US"]), exact).unwrap(),
    );
    exercise.at("2016-03-02T08:00:00Z");
    let depart = json!({"departed_at": "2016-03-02T08:00:00Z", "persons": 3});
    exercise.say_to("HUM", "movement.depart/1", &[&first], &["US"], depart);
    let check_in = Draft::new("movement.check_in/1", "2016-03-02T08:30:00Z").unwrap();
    let check_in = check_in
        .about(vec![first.clone()])
        .group("body", aud(&["US"]), json!({"at": "2016-03-02T08:30:00Z"}))
        .unwrap();
    let live =
        json!({"press": "deliberate", "at": "2016-03-02T08:30:00Z", "place": place(LIVE_AT)});
    let live = say(
        exercise,
        "HUM",
        check_in.group("exact", aud(&["US"]), live).unwrap(),
    );
    (first, live)
}

fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    exercise
}

/// Of each notice how often accounts of `who` were told its place, as those who watch over it are told.
fn counts(server: &Server, who: &str) -> BTreeMap<String, u64> {
    let (status, page) = server.get(Some(who), "/api/v1/reads?limit=500");
    assert_eq!(status, 200, "{page}");
    let mut counts = BTreeMap::new();
    for row in page["items"].as_array().unwrap() {
        let notice = row["notice"].as_str().unwrap().to_owned();
        *counts.entry(notice).or_default() += row["times"].as_u64().unwrap();
    }
    counts
}

fn times(server: &Server, who: &str, notice: &Reference) -> u64 {
    let counts = counts(server, who);
    counts.get(&notice.to_string()).copied().unwrap_or(0)
}

/// Every address that the document names to be read, with parameters filled in.
fn ways_out(document: &Value, names: &[String]) -> Vec<String> {
    let mut ways = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path == "/api/v1/stream" || path == "/api/v1/reads" {
            continue;
        }
        if path.contains("{statement}") {
            ways.extend(names.iter().map(|name| path.replace("{statement}", name)));
        } else if path.ends_with("/search") {
            ways.push(format!("{path}?q=clinic&limit=500"));
        } else if path.ends_with("/coverage") {
            ways.push(format!(
                "{path}?lat_e7=363000000&lon_e7=373000000&at=2016-03-02T00:00:00Z"
            ));
        } else if !path.contains('{') {
            ways.push(path.clone());
        }
    }
    ways
}

#[test]
fn every_answer_that_tells_an_exact_place_is_counted_and_no_other() {
    let exercise = four();
    let clinic = site(&exercise, SITE_AT, &["US"]);
    let (road, live) = convoy(&exercise);
    // US repeats the place in its own words, which tells it to whoever reads them.
    let back = json!({"words": "Clinic", "place": place(SITE_AT)});
    exercise.say_to("US", "read_back/1", &[&clinic], &["HUM", "MISSION"], back);
    exercise.node().settle_search().unwrap();
    let server = Server::of(&exercise);
    let (_, document) = server.get(None, "/api/v1/openapi.json");
    let last = live.index + 2;
    let names: Vec<String> = ["HUM", "US"]
        .iter()
        .flat_map(|sign| (0..last).map(move |n| format!("{sign}-{n}")))
        .collect();
    let ways = ways_out(&document, &names);
    assert!(ways.len() > 200, "{}", ways.len());
    let marks = [
        (&clinic, vec![SITE_AT.to_string()]),
        (&road, vec![ROAD_AT.to_string(), LIVE_AT.to_string()]),
    ];
    let mut told = BTreeSet::new();
    for reader in ["RU", "US", "MISSION", "HUM"] {
        let mut before = counts(&server, reader);
        for way in &ways {
            let (status, answer) = server.get(Some(reader), way);
            let text = answer.to_string();
            let now = counts(&server, reader);
            // A script spells the place digit by digit.
            let script = way.ends_with("/script") && status == 200;
            for (notice, marks) in &marks {
                let of_way = way.contains("/movements/") == (*notice == &road);
                let tells = marks.iter().any(|mark| text.contains(mark)) || (script && of_way);
                let of = |counts: &BTreeMap<String, u64>| counts.get(&notice.to_string()).copied();
                let counted = of(&now).unwrap_or(0) - of(&before).unwrap_or(0);
                assert_eq!(counted, u64::from(tells), "{reader} {way} {notice}");
                if tells {
                    let rest = way.trim_start_matches("/api/v1/");
                    let of = rest.split(['/', '?']).next().unwrap_or(rest);
                    told.insert((reader, of.to_owned()));
                }
            }
            before = now;
        }
    }
    let expected: BTreeSet<(&str, String)> = [
        (
            "US",
            ["sites", "movements", "statements", "search"].as_slice(),
        ),
        ("HUM", &["sites", "movements", "statements", "search"]),
        // It reads what US repeated.
        ("MISSION", &["statements", "search"]),
    ]
    .into_iter()
    .flat_map(|(who, ways)| ways.iter().map(move |way| (who, (*way).to_owned())))
    .collect();
    assert_eq!(told, expected);
}

fn around(lat_e7: i64, radius_m: i64, from: &str) -> Value {
    json!({"volume": {"circle": {"centre": place(lat_e7), "radius_m": radius_m}, "datum": "wgs84", "from": from}})
}

#[test]
fn a_check_counts_what_it_meets() {
    let exercise = four();
    let (near, far) = (
        site(&exercise, SITE_AT, &["US"]),
        site(&exercise, SITE_AT + 5_000_000, &["US"]),
    );
    exercise.node().settle();
    let server = Server::of(&exercise);
    let (status, answer) = server.post(
        "US",
        "/api/v1/check",
        None,
        &around(SITE_AT, 500, "2016-03-02T00:00:00Z"),
    );
    assert_eq!(
        (status, answer["conflicts"].as_array().unwrap().len()),
        (200, 1),
        "{answer}"
    );
    assert_eq!(
        (times(&server, "US", &near), times(&server, "US", &far)),
        (1, 0)
    );
    // Whoever reads nothing there is told of nothing, and nothing is counted.
    server.post(
        "RU",
        "/api/v1/check",
        None,
        &around(SITE_AT, 500, "2016-03-02T00:00:00Z"),
    );
    assert_eq!(times(&server, "RU", &near), 0);
}

#[test]
fn where_notices_meet_is_counted_for_whoever_is_told() {
    let exercise = four();
    let notice = Notice::to(&["US", "RU"]).through("MISSION");
    let clinic = notices::say(&exercise, "HUM", notices::site(&notice, json!({})));
    exercise.node().settle();
    let server = Server::of(&exercise);
    let draft = notices::movement(&Notice::to(&["US"]), notices::legs());
    let signed = exercise
        .node()
        .sign(&sign("RU"), Office::NotificationOfficer, None, draft)
        .unwrap();
    let body = json!({"statement": signed.to_string()});
    let (status, answer) = server.post("RU", "/api/v1/statements", None, &body);
    assert_eq!(status, 201, "{answer}");
    assert_eq!(times(&server, "RU", &clinic), 1, "told in the answer");
    server.get(Some("RU"), "/api/v1/conflicts");
    assert_eq!(times(&server, "RU", &clinic), 2, "and in the list");
    server.get(Some("US"), "/api/v1/conflicts");
    assert_eq!(times(&server, "US", &clinic), 0, "which is empty for US");
}

#[test]
fn reads_and_alerts_are_told_to_those_of_the_own_side_who_watch_over_them() {
    let exercise = four();
    let clinic = site(&exercise, SITE_AT, &["US"]);
    exercise.node().settle();
    let mut server = Server::of(&exercise);
    server.account("US", "auditor", &[Office::Auditor]);
    server.account("US", "watch", &[Office::DutyOfficer, Office::FieldMonitor]);
    server.get(Some("watch"), "/api/v1/sites");
    server.get(Some("watch"), "/api/v1/sites");
    server.get(Some("US"), "/api/v1/sites");
    exercise.at("2016-03-02T09:00:00Z");
    server.get(Some("watch"), "/api/v1/sites");
    for path in ["/api/v1/reads", "/api/v1/alerts"] {
        assert_eq!(server.get(Some("watch"), path).0, 403);
        assert_eq!(server.get(None, path).0, 401);
        let (status, others) = server.get(Some("HUM"), path);
        assert_eq!(
            (status, &others["items"]),
            (200, &json!([])),
            "the owner is told of his own side alone"
        );
    }
    let (_, page) = server.get(Some("auditor"), "/api/v1/reads");
    let rows: Vec<Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            json!([
                row["name"],
                row["offices"],
                row["day"],
                row["times"],
                row["notice"]
            ])
        })
        .collect();
    let clinic = clinic.to_string();
    let watch = |day: &str, times: u64| {
        json!([
            "watch",
            ["duty_officer", "field_monitor"],
            day,
            times,
            clinic
        ])
    };
    assert_eq!((page["total"].as_u64(), rows.len()), (Some(3), 3), "{page}");
    assert_eq!(rows[0], watch("2016-03-02", 1), "the newest day first");
    assert!(rows.contains(&watch("2016-03-01", 2)), "{page}");
    assert!(
        rows.iter().any(|row| row[0] == "desk-us" && row[3] == 1),
        "{page}"
    );

    // Page by page it is the same, and a day or an account can be asked for.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = server.get(Some("auditor"), &format!("/api/v1/reads?limit=1{after}"));
        assert_eq!(status, 200, "{page}");
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(seen), page["items"]);
    let account = page["items"][0]["account"].as_str().unwrap();
    let (_, of_one) = server.get(
        Some("auditor"),
        &format!("/api/v1/reads?day=2016-03-01&account={account}"),
    );
    assert_eq!(
        (of_one["total"].as_u64(), &of_one["items"][0]["times"]),
        (Some(1), &json!(2))
    );
    assert_eq!(
        server.get(Some("auditor"), "/api/v1/reads?day=yesterday").0,
        400
    );
}

/// Whatever a stream tells, as name, id and data.
fn stream(server: &Server, who: &str, after: Option<&str>) -> Receiver<(String, String, Value)> {
    let mut request = server
        .client
        .get(format!("{}/api/v1/stream", server.base))
        .bearer_auth(&server.tokens[who])
        .timeout(Duration::from_secs(600));
    if let Some(after) = after {
        request = request.header("Last-Event-ID", after);
    }
    let answer = request.send().unwrap();
    assert_eq!(answer.status(), 200);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        for line in std::io::BufReader::new(answer)
            .lines()
            .map_while(Result::ok)
        {
            match line.split_once(':') {
                Some(("event", value)) => value.trim().clone_into(&mut name),
                Some(("id", value)) => value.trim().clone_into(&mut id),
                Some(("data", value)) => data = serde_json::from_str(value.trim()).unwrap(),
                _ if line.is_empty() => drop(sender.send((name.clone(), id.clone(), data.take()))),
                _ => {}
            }
        }
    });
    receiver
}

fn next(stream: &Receiver<(String, String, Value)>, name: &str) -> (String, Value) {
    loop {
        let (event, id, data) = stream.recv_timeout(Duration::from_secs(60)).unwrap();
        if event == name {
            return (id, data);
        }
    }
}

fn alerts(server: &Server, who: &str) -> Vec<Value> {
    let (status, answer) = server.get(Some(who), "/api/v1/alerts");
    assert_eq!(status, 200, "{answer}");
    answer["items"].as_array().unwrap().clone()
}

#[test]
fn whoever_reads_many_places_of_others_within_an_hour_is_told_of() {
    let mut exercise = four();
    for n in 0..51 {
        site(&exercise, SITE_AT + n * 10_000, &["US", "RU"]);
    }
    exercise.node().settle();
    let mut server = Server::of(&exercise);
    server.account("US", "watch", &[Office::DutyOfficer]);
    let (watching, not_watching) = (stream(&server, "US", None), stream(&server, "watch", None));
    let others = stream(&server, "RU", None);

    // Fifty are read again and again; the owner reads all of his own.
    for _ in 0..3 {
        server.get(Some("watch"), "/api/v1/sites?limit=50");
    }
    server.get(Some("HUM"), "/api/v1/sites?limit=500");
    assert!(alerts(&server, "US").is_empty() && alerts(&server, "HUM").is_empty());
    exercise.at("2016-03-01T09:59:00Z");
    let (status, page) = server.get(Some("watch"), "/api/v1/sites?limit=500");
    assert_eq!(
        (status, page["total"].as_u64()),
        (200, Some(51)),
        "it stops nobody"
    );
    let raised = alerts(&server, "US");
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised[0]["what"], "enumeration");
    assert_eq!(
        (&raised[0]["name"], &raised[0]["number"]),
        (&json!("watch"), &json!(51))
    );
    assert_eq!(raised[0]["raised_at"], "2016-03-01T09:59:00Z");
    let (id, told) = next(&watching, "alert");
    assert_eq!(told, raised[0]);

    // Once an hour; and an hour later what was read before it counts no more.
    exercise.at("2016-03-01T10:58:00Z");
    server.get(Some("watch"), "/api/v1/sites?limit=500");
    assert_eq!(alerts(&server, "US").len(), 1);
    exercise.at("2016-03-01T10:59:00Z");
    server.get(Some("watch"), "/api/v1/sites?limit=500");
    assert_eq!(alerts(&server, "US").len(), 2);
    assert!(alerts(&server, "RU").is_empty() && alerts(&server, "HUM").is_empty());
    exercise.at("2016-03-01T12:30:00Z");
    server.get(Some("watch"), "/api/v1/sites?limit=1");
    assert_eq!(alerts(&server, "US").len(), 2);

    // After a restart they are there, and raised once an hour all the same.
    let before = alerts(&server, "US");
    for quiet in [&not_watching, &others] {
        assert!(quiet.try_iter().all(|(event, ..)| event != "alert"));
    }
    drop((watching, not_watching, others));
    drop(server);
    exercise.stop();
    exercise.start();
    exercise.at("2016-03-01T10:59:30Z");
    let mut server = Server::of(&exercise);
    server.account("US", "watch", &[Office::DutyOfficer]);
    server.get(Some("watch"), "/api/v1/sites?limit=500");
    assert_eq!(alerts(&server, "US"), before);
    // Whoever was away is told the rest: the first alert was told already.
    let (_, told) = next(&stream(&server, "US", Some(&id)), "alert");
    assert_eq!(told, before[1]);
}

#[test]
fn whoever_checks_one_ground_again_and_again_is_told_of_and_answered_alike() {
    let exercise = four();
    site(&exercise, SITE_AT, &["US"]);
    exercise.node().settle();
    let server = Server::of(&exercise);
    let check = |who: &str, n: i64| {
        // Each looks at another week, and at a slightly shifted ground.
        let from = format!("2016-04-{:02}T00:00:00Z", 1 + n);
        let (status, answer) = server.post(
            who,
            "/api/v1/check",
            None,
            &around(SITE_AT + 3_000 * n, 2_000, &from),
        );
        assert_eq!(status, 200, "{answer}");
        answer
    };
    for n in 0..20 {
        check("US", n);
    }
    assert!(alerts(&server, "US").is_empty());
    let before = check("RU", 20);
    let found = check("US", 20);
    assert_eq!(found["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(check("RU", 20), before);
    let raised = alerts(&server, "US");
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(
        (&raised[0]["what"], &raised[0]["number"]),
        (&json!("overlapping_probes"), &json!(20))
    );
    assert_eq!(check("US", 20), found, "the answer is what it was");
    assert_eq!(alerts(&server, "US").len(), 1);
    assert!(alerts(&server, "RU").is_empty());
    exercise.at("2016-03-01T10:00:00Z");
    check("US", 21);
    assert_eq!(
        alerts(&server, "US").len(),
        1,
        "an hour later it begins anew"
    );
}

#[test]
fn an_answer_that_cannot_be_counted_goes_out_and_the_node_says_that_it_is_not_well() {
    let exercise = four();
    site(&exercise, SITE_AT, &["US"]);
    exercise.node().settle();
    let server = Server::of(&exercise);
    let reads = |health: &Value| {
        let checks = health["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "reads");
        check.unwrap()["ok"].as_bool().unwrap()
    };
    let (status, health) = server.get(None, "/healthz");
    assert!(status == 200 && reads(&health), "{health}");
    // The file is spoilt by somebody else.
    let file = rusqlite::Connection::open(exercise.store().join("reads.db")).unwrap();
    file.execute_batch("ALTER TABLE read RENAME TO gone")
        .unwrap();
    let (status, page) = server.get(Some("US"), "/api/v1/sites");
    assert_eq!(status, 200, "{page}");
    assert!(page.to_string().contains(&SITE_AT.to_string()));
    let (status, health) = server.get(None, "/healthz");
    assert!(status == 503 && !reads(&health), "{health}");
    file.execute_batch("ALTER TABLE gone RENAME TO read")
        .unwrap();
    server.get(Some("US"), "/api/v1/sites");
    assert_eq!(server.get(None, "/healthz").0, 200);
    let counted: u64 = counts(&server, "US").into_values().sum();
    assert_eq!(counted, 1);
}
