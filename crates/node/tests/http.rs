//! The API over real sockets.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::BufRead as _;
use support::server::Server;
use support::{Exercise, flash, office_for};
use truce::participants::Office;

#[test]
fn a_draft_is_said_once_however_often_it_is_sent() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    exercise.bind();
    let server = Server::of(&exercise);
    let body = json!({"office": "duty_officer", "draft": {"kind": "message.send/1",
        "groups": {"body": {"aud": ["parties"], "content": flash(&["US"])}}}});
    let (status, first) = server.post("RU", "/api/v1/statements", Some("key-0001"), &body);
    assert_eq!(status, 201, "{first}");
    let (status, again) = server.post("RU", "/api/v1/statements", Some("key-0001"), &body);
    assert_eq!((status, &again), (201, &first));
    let mut other = body.clone();
    other["draft"]["groups"]["body"]["aud"] = json!(["US"]);
    assert_eq!(
        server
            .post("RU", "/api/v1/statements", Some("key-0001"), &other)
            .0,
        422
    );
    exercise.node().settle();
    let (status, due) = server.get(Some("US"), "/api/v1/due?by=US&urgency=open");
    assert_eq!(status, 200, "{due}");
    assert_eq!(due["total"], 2, "the answer, and a line test: {due}");
    let (status, problem) = server.get(None, "/api/v1/due?buy=US");
    assert_eq!(status, 400, "{problem}");
    let (_, document) = server.get(None, "/api/v1/openapi.json");
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{document}"
    );
    let (status, lists) = server.get(Some("RU"), "/api/v1/matters?limit=1");
    assert_eq!((status, lists["total"].as_u64()), (200, Some(1)), "{lists}");
    let short = first["short"].as_str().unwrap();
    assert_eq!(
        server
            .get(Some("US"), &format!("/api/v1/statements/{short}"))
            .0,
        200
    );
    assert_eq!(
        server.get(None, &format!("/api/v1/statements/{short}")),
        server.get(None, "/api/v1/statements/RU-9999")
    );
}

/// Who may read a group, decided here once more and by hand: the own side, whoever is named, the parties RU and US, everybody.
fn may(reader: Option<&str>, author: &str, audience: &[&str]) -> bool {
    audience.contains(&"public")
        || reader.is_some_and(|reader| {
            reader == author
                || audience.contains(&reader)
                || audience.contains(&"parties") && ["RU", "US"].contains(&reader)
        })
}

/// Something said, with a mark in each group by which it is known again wherever it comes out.
struct Marked {
    author: &'static str,
    audience: Vec<&'static str>,
    mark: String,
}

fn say_everything(exercise: &Exercise) -> Vec<Marked> {
    let mut all = Vec::new();
    let audiences: [&[&str]; 6] = [
        &["public"],
        &["parties"],
        &["US"],
        &["MISSION", "HUM"],
        &["RU"],
        &[],
    ];
    let mut n = 0;
    for author in ["RU", "US", "MISSION"] {
        for audience in audiences {
            for kind in [
                "message.send/1",
                "report.file/1",
                "claim.record/1",
                "tally.record/1",
                "toll.record/1",
                "separation.ask/1",
                "area.designate/1",
                "line.fault/1",
                "site.notify/1",
                "movement.notify/1",
            ] {
                let mut mark = |audience: &[&'static str]| {
                    n += 1;
                    let mark = format!("zq{n:04}x");
                    all.push(Marked {
                        author,
                        audience: audience.to_vec(),
                        mark: mark.clone(),
                    });
                    mark
                };
                let source = json!({"title": "Press"});
                let groups = match kind {
                    "message.send/1" => {
                        json!({"body": {"precedence": "ROUTINE", "to": ["US", "RU"], "words": mark(audience), "language": "en"}})
                    }
                    "report.file/1" => json!({
                        "body": {"category": "shelling", "from": "2016-02-29T00:00:00Z", "until": "2016-03-01T00:00:00Z", "date_precision": 1,
                            "means": ["heard"], "place_name": mark(audience), "place_precision": 3},
                        "narrative": {"words": mark(&["HUM"]), "language": "en"},
                        "person": {"name": mark(&[])}}),
                    "claim.record/1" => {
                        json!({"body": {"claim": "denial", "speaker": mark(audience), "said_at": "2016-02-28T00:00:00Z", "precision": "day",
                        "form": "paraphrase", "language": "en", "words": "No", "source": source}})
                    }
                    "tally.record/1" => {
                        json!({"body": {"counted": mark(audience), "issued_by": author, "from": "2016-02-28T00:00:00Z",
                        "until": "2016-02-29T00:00:00Z", "total": 7, "source": source}})
                    }
                    "toll.record/1" => {
                        json!({"body": {"harm": "killed", "population": "everybody", "best": 3, "area": mark(audience), "from": "2016-02-28T00:00:00Z",
                        "until": "2016-02-29T00:00:00Z", "given_by": "UCDP", "official": true, "source": source}})
                    }
                    "separation.ask/1" => json!({"body": {"to": ["US"], "words": mark(audience)}}),
                    "area.designate/1" => {
                        json!({"body": {"name": mark(audience), "purpose": "disengagement", "to": ["HUM"], "polygon": [
                        {"lat_e7": 362_000_000, "lon_e7": 372_000_000}, {"lat_e7": 364_000_000, "lon_e7": 372_000_000},
                        {"lat_e7": 364_000_000, "lon_e7": 374_000_000}], "basis": "Own", "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-20T00:00:00Z"}})
                    }
                    "site.notify/1" => json!({
                        "body": {"category": "clinic", "admin_names": [mark(audience)], "valid_from": "2016-03-01T00:00:00Z",
                            "review_by": "2016-04-01T00:00:00Z", "protection": "unchanged", "consents": [{"recipient": "HUM",
                            "given_by": "director", "given_at": "2016-03-01T00:00:00Z",
                            "told": "delivered_copy_cannot_be_watched_or_recalled"}]},
                        "exact": {"name": mark(&["HUM"]), "function": "x", "datum": "wgs84", "uncertainty_m": 5, "method": "map",
                            "place": {"lat_e7": 362_000_000, "lon_e7": 372_000_000}},
                        "person": {"name": mark(&[])}}),
                    "movement.notify/1" => json!({
                        "body": {"purpose": "relief", "mode": "road", "cargo": mark(audience), "to": ["HUM"], "persons": 3,
                            "from": "2016-03-02T00:00:00Z", "until": "2016-03-03T00:00:00Z", "protection": "unchanged"},
                        "exact": {"datum": "wgs84", "legs": [{"from": {"lat_e7": 362_000_000, "lon_e7": 372_000_000},
                            "from_at": "2016-03-02T00:00:00Z", "to": {"lat_e7": 363_000_000, "lon_e7": 372_000_000},
                            "to_at": "2016-03-02T06:00:00Z", "to_name": mark(&["HUM"])}]},
                        "people": {"names": [mark(&[])]}}),
                    _ => {
                        json!({"body": {"line": "ru-us", "means": "primary", "since": "2016-03-01T08:00:00Z", "words": mark(audience)}})
                    }
                };
                let readers = |group: &str| match group {
                    "narrative" | "exact" => vec!["HUM"],
                    "person" | "people" => vec![],
                    _ => audience.to_vec(),
                };
                let mut draft =
                    record::statement::Draft::new(kind, "2016-03-01T09:00:00Z").unwrap();
                for (name, content) in groups.as_object().unwrap() {
                    let aud = record::audience::Audience::of(
                        readers(name).iter().map(|name| name.parse().unwrap()),
                    );
                    draft = draft.group(name, aud, content.clone()).unwrap();
                }
                exercise
                    .try_say(author, office_for(kind), draft)
                    .unwrap_or_else(|error| panic!("{author} {kind}: {error}"));
            }
        }
    }
    all
}

/// Every way out as the document names it, with parameters filled in.
fn ways_out(document: &Value, names: &[String]) -> Vec<String> {
    let mut ways = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path == "/api/v1/stream" {
            continue;
        }
        if path.contains("{statement}") {
            ways.extend(names.iter().map(|name| path.replace("{statement}", name)));
        } else if path.ends_with("/search") {
            ways.extend((0..10).map(|n| format!("{path}?q=zq0{n}&limit=500")));
        } else if path.ends_with("/coverage") {
            ways.push(format!(
                "{path}?lat_e7=363000000&lon_e7=373000000&at=2016-03-02T00:00:00Z"
            ));
        } else if path.contains("{kind}") {
            ways.push(path.replace("{kind}", "message.send"));
        } else if operations["get"]["parameters"]
            .to_string()
            .contains("\"limit\"")
        {
            ways.push(format!("{path}?limit=500"));
        } else {
            ways.push(path.clone());
        }
    }
    ways
}

/// The statements that a stream tells of, as they come.
fn stream(server: &Server, who: Option<&str>) -> std::sync::mpsc::Receiver<String> {
    let mut request = server
        .client
        .get(format!("{}/api/v1/stream", server.base))
        .timeout(std::time::Duration::from_secs(600));
    if let Some(who) = who {
        request = request.bearer_auth(&server.tokens[who]);
    }
    let answer = request.send().unwrap();
    assert_eq!(answer.status(), 200);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::BufReader::new(answer)
            .lines()
            .map_while(Result::ok)
        {
            let Some(data) = line.strip_prefix("data:") else {
                continue;
            };
            let data: Value = serde_json::from_str(data.trim()).unwrap_or_default();
            if data["of"] == "statement" {
                let reference = data["reference"].as_str().unwrap().to_owned();
                let _ = sender.send(reference);
            }
        }
    });
    receiver
}

/// The statements that `who` can list.
fn listed(server: &Server, who: Option<&str>) -> BTreeSet<String> {
    let (mut all, mut after) = (BTreeSet::new(), String::new());
    loop {
        let (status, page) = server.get(who, &format!("/api/v1/statements?limit=500{after}"));
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        all.extend(
            items
                .iter()
                .map(|row| row["reference"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn a_stream_tells_each_reader_of_what_he_may_know_and_nothing_else() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    exercise.bind();
    exercise.node().settle();
    let server = Server::of(&exercise);
    let readers = [Some("RU"), Some("US"), Some("MISSION"), Some("HUM"), None];
    let before = readers.map(|who| listed(&server, who));
    let streams = readers.map(|who| stream(&server, who));
    say_everything(&exercise);
    exercise.node().settle();
    for ((who, before), stream) in readers.into_iter().zip(before).zip(streams) {
        let expected: BTreeSet<String> = &listed(&server, who) - &before;
        assert!(expected.len() > 3, "{who:?} {expected:?}");
        let mut told = BTreeSet::new();
        while !expected.is_subset(&told) {
            match stream.recv_timeout(std::time::Duration::from_secs(60)) {
                Ok(reference) => told.insert(reference),
                Err(_) => panic!("{who:?} was not told of {:?}", &expected - &told),
            };
        }
        told.extend(stream.try_iter());
        let secret = &told - &(&expected | &before);
        assert!(secret.is_empty(), "{who:?} was told of {secret:?}");
    }
}

#[test]
fn every_way_out_gives_each_reader_what_he_may_read_and_nothing_else() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    exercise.bind();
    let marked = say_everything(&exercise);
    // What was erased is for nobody, also not where it is told who has it no more.
    let gone = json!({"subject": "zqgone", "precedence": "ROUTINE", "to": ["US"], "words": "zqgone", "language": "en"});
    let gone = exercise.say_to("RU", "message.send/1", &[], &["US", "MISSION"], gone);
    let erase = exercise.draft(
        "erase/1",
        &[&gone],
        &["US", "MISSION"],
        json!({"groups": ["body"]}),
    );
    exercise
        .try_say("RU", Office::HeadOfMission, erase)
        .unwrap();
    exercise.node().settle_search().unwrap();
    exercise.at("2016-03-04T09:00:00Z");
    exercise.node().tick();
    exercise.node().settle();
    let server = Server::of(&exercise);
    let (_, document) = server.get(None, "/api/v1/openapi.json");
    let names: Vec<String> = ["RU", "US", "MISSION"]
        .iter()
        .flat_map(|sign| (17..110).map(move |n| format!("{sign}-{n}")))
        .collect();
    let ways = ways_out(&document, &names);
    assert!(ways.len() > 500, "{}", ways.len());
    for reader in [Some("RU"), Some("US"), Some("MISSION"), Some("HUM"), None] {
        let mut seen = BTreeSet::new();
        for way in &ways {
            let (status, answer) = server.get(reader, way);
            assert!(status < 500, "{reader:?} {way}: {answer}");
            let text = answer.to_string();
            assert!(!text.contains("zqgone"), "{reader:?} {way}: {answer}");
            seen.extend(
                marked
                    .iter()
                    .map(|said| &said.mark)
                    .filter(|mark| text.contains(*mark)),
            );
        }
        for said in &marked {
            let expected = may(reader, said.author, &said.audience);
            assert_eq!(
                seen.contains(&said.mark),
                expected,
                "{reader:?} reads what {} addressed to {:?}",
                said.author,
                said.audience
            );
        }
    }
    let erasure = format!("/api/v1/statements/RU-{}/erasure", gone.index);
    assert!(ways.contains(&erasure), "{erasure}");
    let told = |who| server.get(who, &erasure).1["erased"]["words"].clone();
    assert_eq!(told(Some("US")), "erased at 2 of 2 holders");
    assert_eq!(told(Some("MISSION")), "erased at 2 of 2 holders");
    // Unknown and forbidden are the same bytes.
    assert_eq!(
        server.get(Some("HUM"), &erasure),
        server.get(Some("HUM"), "/api/v1/statements/RU-99999/erasure")
    );
    let secret = names
        .iter()
        .find(|name| {
            server
                .get(Some("RU"), &format!("/api/v1/statements/{name}"))
                .0
                == 200
                && server.get(None, &format!("/api/v1/statements/{name}")).0 == 404
        })
        .unwrap();
    let bytes = |path: &str| {
        let answer = server
            .client
            .get(format!("{}{path}", server.base))
            .send()
            .unwrap();
        (
            answer.status(),
            format!(
                "{:?}",
                answer
                    .headers()
                    .iter()
                    .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
                    .collect::<Vec<_>>()
            ),
            answer.bytes().unwrap(),
        )
    };
    for of in ["statements", "matters", "reports", "claims"] {
        assert_eq!(
            bytes(&format!("/api/v1/{of}/{secret}")),
            bytes(&format!("/api/v1/{of}/RU-99999"))
        );
    }
}

/// A report by MISSION for everybody, with its exact place for MISSION alone.
fn report_at(exercise: &Exercise, sides: &[&str]) -> String {
    let aud = |names: &[&str]| {
        record::audience::Audience::of(names.iter().map(|name| name.parse().unwrap()))
    };
    let (from, until) = ("2016-03-01T11:00:00Z", "2016-03-01T12:00:00Z");
    let body = support::report(from, until, "Aleppo", sides, json!({}));
    let place = json!({"place": {"lat_e7": 363_000_000, "lon_e7": 373_000_000}});
    let draft = exercise
        .draft("report.file/1", &[], &["public"], body)
        .group("exact", aud(&["MISSION"]), place)
        .unwrap();
    let said = exercise.try_say("MISSION", office_for("report.file/1"), draft);
    format!("MISSION-{}", said.unwrap().index)
}

#[test]
fn each_report_says_whom_the_truce_covers_by_what_its_reader_sees() {
    let exercise = Exercise::of(&["RU", "US", "MISSION"]);
    let instrument = exercise.bind();
    let join = json!({"id": "first-brigade", "name": "First Brigade"});
    let joined = exercise.say_to("US", "formation.join/1", &[&instrument], &["public"], join);
    let area = json!({"name": "North", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": ["US"], "polygon": [
        {"lat_e7": 362_000_000, "lon_e7": 372_000_000}, {"lat_e7": 364_000_000, "lon_e7": 372_000_000},
        {"lat_e7": 364_000_000, "lon_e7": 374_000_000}, {"lat_e7": 362_000_000, "lon_e7": 374_000_000}],
        "basis": "Own", "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-20T00:00:00Z"});
    let area = exercise.say("RU", "area.designate/1", &[], area);
    let agree = json!({"response": "agree"});
    exercise.say("US", "area.respond/1", &[&area], agree);
    exercise.at("2016-03-02T09:00:00Z");
    let clash = report_at(&exercise, &["RU", "First Brigade"]);
    let strike = report_at(&exercise, &["RU", "Nusra Front, Locals"]);
    exercise.node().settle();
    let server = Server::of(&exercise);
    let coverage = |who: Option<&str>, of: &str| {
        let (status, row) = server.get(who, &format!("/api/v1/reports/{of}"));
        assert_eq!(status, 200, "{row}");
        let (_, list) = server.get(who, "/api/v1/reports");
        let listed = list["items"].as_array().unwrap();
        assert!(listed.contains(&row), "a list and one object say the same");
        row["coverage"].clone()
    };

    let public = coverage(None, &clash);
    assert_eq!(public["answer"], "covered", "{public}");
    let words = public["caution"].as_str().unwrap();
    assert!(words.contains("no clearance to use force"), "{words}");
    let mission = coverage(Some("MISSION"), &clash);
    assert_eq!(mission["answer"], "covered_inside_excluded_area");
    let provision = &mission["names"][1]["provisions"][0];
    assert_eq!(provision["provision"], "art-1", "{mission}");
    assert_eq!(provision["instrument"], instrument.to_string());
    assert_eq!(
        mission["names"][1]["instruments"][0],
        instrument.to_string()
    );
    let group = coverage(None, &strike);
    assert_eq!(group["answer"], "excluded");
    let names = group["names"].as_array().unwrap();
    let answers: Vec<&str> = names
        .iter()
        .map(|name| name["answer"].as_str().unwrap())
        .collect();
    assert_eq!(answers, ["covered", "excluded", "undetermined"], "{group}");
    assert_eq!(group["names"][1]["excluded"], "nusra");

    // Nothing is said of the report, and the answer is another: it follows the instruments.
    let filed = coverage(None, &clash);
    let retract = json!({"reason": "Never agreed to"});
    exercise.say_to("US", "retract/1", &[&joined], &["public"], retract);
    exercise.node().settle();
    let after = coverage(None, &clash);
    assert_ne!(after, filed);
    assert_eq!(after["names"][1]["answer"], "undetermined", "{after}");
    assert_eq!(after["names"][0]["answer"], "covered", "{after}");
}
