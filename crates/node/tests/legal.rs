//! What a notice never does stands with everything that has sites or movements, on every form and every way out.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::server::Server;
use support::{Exercise, office_for};
use truce::kinds::Name;
use truce::protection::{CANNOT_BE_RECALLED, UNCHANGED};

const TOLD: &str = "delivered_copy_cannot_be_watched_or_recalled";
/// Words of a site, a movement and an exposure by which they are known wherever they come out.
const MARKS: [&str; 5] = ["zqwell", "zqroof", "zqflour", "zqgate", "zqnewspaper"];

fn aud(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

fn say(exercise: &Exercise, who: &str, draft: Draft) -> Reference {
    let kind = draft.head().kind.to_string();
    let said = exercise.try_say(who, office_for(&kind), draft);
    said.unwrap_or_else(|error| panic!("{who} {kind}: {error}"))
}

fn site(exercise: &Exercise, codes: &[&str], category: &str) -> Reference {
    let consent = json!({"recipient": "US", "given_by": "director", "given_at": "2016-03-01T00:00:00Z", "told": TOLD});
    let body = json!({"category": category, "pcodes": codes, "admin_names": ["zqwell"], "consents": [consent],
        "valid_from": "2016-03-01T00:00:00Z", "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let exact = json!({"name": "zqroof", "function": "x", "datum": "wgs84", "uncertainty_m": 50, "method": "map",
        "place": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}});
    let draft = Draft::new("site.notify/1", "2016-03-01T09:00:00Z").unwrap();
    let draft = draft
        .group("body", aud(&["public"]), body)
        .and_then(|draft| draft.group("exact", aud(&["US"]), exact));
    say(exercise, "HUM", draft.unwrap())
}

fn movement(exercise: &Exercise) -> Reference {
    let body = json!({"purpose": "relief", "mode": "road", "cargo": "zqflour", "to": ["US"], "persons": 3, "from": "2016-03-02T08:00:00Z",
        "until": "2016-03-02T20:00:00Z", "protection": "unchanged"});
    let place = |lat_e7: i64| json!({"lat_e7": lat_e7, "lon_e7": 371_600_000});
    let exact = json!({"datum": "wgs84", "legs": [{"from": place(361_000_000), "from_at": "2016-03-02T08:00:00Z",
        "to": place(362_000_000), "to_at": "2016-03-02T10:00:00Z", "to_name": "zqgate"}]});
    let draft = Draft::new("movement.notify/1", "2016-03-01T09:00:00Z").unwrap();
    let draft = draft
        .group("body", aud(&["public"]), body)
        .and_then(|draft| draft.group("exact", aud(&["US"]), exact));
    say(exercise, "HUM", draft.unwrap())
}

fn four() -> Exercise {
    let exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    exercise
}

/// Rows of sites, movements, exposures and of what is said about them, wherever they stand in an answer.
fn rows<'a>(answer: &'a Value, found: &mut Vec<&'a Value>) {
    match answer {
        Value::Object(members) => {
            let has = |name: &str| members.contains_key(name);
            let kind = members.get("kind").and_then(Value::as_str).unwrap_or("");
            let about = ["site.", "movement.", "exposure."];
            let said = has("groups") && about.iter().any(|prefix| kind.starts_with(prefix));
            if has("versions") || has("declare") || said {
                found.push(answer);
            }
            members.values().for_each(|member| rows(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| rows(item, found)),
        _ => {}
    }
}

#[test]
fn every_answer_that_has_sites_or_movements_says_that_protection_is_unchanged() {
    let exercise = four();
    let first = site(&exercise, &["SY0200"], "clinic");
    movement(&exercise);
    exercise.at("2016-03-01T10:00:00Z");
    let leak = json!({"discovery": "published", "since": "2016-03-01T00:00:00Z", "known_readers": ["zqnewspaper"],
        "unknown": "Who took it", "protection": "unchanged"});
    let leak = exercise.say_to(
        "MISSION",
        "exposure.declare/1",
        &[&first],
        &["HUM", "US"],
        leak,
    );
    exercise.node().settle_search().unwrap();
    let server = Server::of(&exercise);
    let (_, document) = server.get(None, "/api/v1/openapi.json");
    let last = first.index.max(leak.index) + 3;
    let names = ["HUM", "MISSION"].into_iter();
    let names: Vec<String> = names
        .flat_map(|sign| (0..last).map(move |n| format!("{sign}-{n}")))
        .collect();
    let mut seen = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let is_described = path == "/api/v1/openapi.json";
        if operations.get("get").is_none() || path == "/api/v1/stream" || is_described {
            continue;
        }
        let ways: Vec<String> = if path.contains("{statement}") {
            names
                .iter()
                .map(|name| path.replace("{statement}", name))
                .collect()
        } else if path.ends_with("/search") {
            MARKS
                .iter()
                .map(|mark| format!("{path}?q={mark}"))
                .collect()
        } else if path.contains("{kind}") {
            let kinds = Name::ALL.iter();
            kinds
                .map(|name| path.replace("{kind}", name.as_str()))
                .collect()
        } else {
            vec![path.clone()]
        };
        for way in ways {
            for who in [Some("US"), Some("HUM"), None] {
                let (_, answer) = server.get(who, &way);
                let text = answer.to_string();
                if MARKS.iter().any(|mark| text.contains(mark)) {
                    assert!(text.contains(UNCHANGED), "{who:?} {way}: {answer}");
                    seen.insert(path.clone());
                }
                let mut found = Vec::new();
                rows(&answer, &mut found);
                for row in found {
                    let says = row["protection"].as_str().unwrap_or_default();
                    assert!(says.starts_with(UNCHANGED), "{who:?} {way}: {row}");
                }
            }
        }
    }
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(
        seen,
        [
            "/api/v1/exposures",
            "/api/v1/exposures/{statement}",
            "/api/v1/movements",
            "/api/v1/movements/{statement}",
            "/api/v1/movements/{statement}/script",
            "/api/v1/search",
            "/api/v1/sites",
            "/api/v1/sites/{statement}",
            "/api/v1/sites/{statement}/script",
            "/api/v1/statements",
            "/api/v1/statements/{statement}",
            "/api/v1/statements/{statement}/about",
        ]
    );
    let (_, summary) = server.get(None, "/api/v1/sites/summary");
    assert_eq!(summary["protection"], UNCHANGED);
    let route = json!({"volume": {"circle": {"centre": {"lat_e7": 361_234_567, "lon_e7": 371_600_000}, "radius_m": 500},
        "datum": "wgs84", "from": "2016-03-02T00:00:00Z"}});
    let (_, check) = server.post("US", "/api/v1/check", None, &route);
    assert_eq!(check["protection"], UNCHANGED);
    assert!(!check["conflicts"].as_array().unwrap().is_empty());
}

#[test]
fn every_form_of_a_site_or_movement_says_it_before_anything_is_filled_in() {
    let exercise = four();
    let server = Server::of(&exercise);
    let mut forms = 0;
    for name in Name::ALL {
        let path = format!("/api/v1/kinds/{}/schema", name.as_str());
        let (status, schema) = server.get(None, &path);
        assert_eq!(status, 200);
        let says = schema["description"].as_str().unwrap();
        let is = ["site.", "movement.", "exposure."];
        let is = is.iter().any(|prefix| name.as_str().starts_with(prefix));
        assert_eq!(says.contains(UNCHANGED), is, "{path}: {says}");
        assert_eq!(says.contains(CANNOT_BE_RECALLED), is, "{path}: {says}");
        forms += usize::from(is);
    }
    assert!(forms >= 20, "{forms}");
}

#[test]
fn a_notice_tells_all_its_readers_no_area_finer_than_a_district() {
    let exercise = four();
    let consent = json!({"recipient": "US", "given_by": "director", "given_at": "2016-03-01T00:00:00Z", "told": TOLD});
    let body = json!({"category": "clinic", "pcodes": ["SY02", "SY020001"], "consents": [consent],
        "valid_from": "2016-03-01T00:00:00Z", "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"});
    let server = Server::of(&exercise);
    let draft = json!({"office": "notification_officer", "draft": {"kind": "site.notify/1",
        "groups": {"body": {"aud": ["public"], "content": body}}}});
    let (status, refused) = server.post("HUM", "/api/v1/statements", Some("key-0001"), &draft);
    assert_eq!(status, 422, "{refused}");
    assert_eq!(refused["field"], "body.pcodes[1]");
    let rule = refused["rule"].as_str().unwrap();
    assert!(
        rule.contains("at most four digits") && rule.contains("nothing finer"),
        "{rule}"
    );
}

#[test]
fn few_sites_are_told_with_others_or_not_at_all() {
    let exercise = four();
    let summary = |server: &Server, who: Option<&str>| server.get(who, "/api/v1/sites/summary").1;
    let places = [
        ("SY0200", "clinic"),
        ("SY0200", "clinic"),
        ("SY0701", "school"),
    ];
    let mut first = None;
    for (code, category) in places {
        first = Some(site(&exercise, &["SY02", code], category));
    }
    exercise.node().settle();
    let server = Server::of(&exercise);
    let few = summary(&server, Some("US"));
    assert_eq!(
        (&few["total"], &few["words"], &few["cells"]),
        (&Value::Null, &json!("fewer than 5"), &json!([]))
    );
    for _ in 0..6 {
        site(&exercise, &["SY0200"], "clinic");
        site(&exercise, &["SY0800"], "clinic");
    }
    exercise.node().settle();
    let many = summary(&server, Some("US"));
    assert_eq!(many, summary(&server, None), "everybody may know of these");
    let cell = |area: Value, level: &str, category: Value, count: u64| json!({"level": level, "area": area, "category": category, "count": count});
    // One school stands behind all clinics, as there is no third category.
    assert_eq!(many["total"], 15);
    assert_eq!(
        many["cells"],
        json!([cell(Value::Null, "whole", Value::Null, 15)])
    );
    let withdraw = json!({"asked_by_site": true, "told": TOLD, "protection": "unchanged"});
    exercise.say_to(
        "HUM",
        "site.withdraw/1",
        &[&first.unwrap()],
        &["public"],
        withdraw,
    );
    exercise.node().settle();
    let without = summary(&server, Some("US"));
    assert_eq!(
        without["cells"],
        json!([
            cell(json!("SY0200"), "district", json!("clinic"), 8),
            cell(json!("SY0800"), "district", json!("clinic"), 6)
        ])
    );
    assert_eq!(
        (&without["total"], &without["words"]),
        (&json!(14), &json!("14 sites"))
    );
}
