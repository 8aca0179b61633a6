//! Areas and presence, asked through the door: the limits that hold everywhere, and what lies where.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::places_csv;
use serde_json::{Value, json};
use support::Exercise;
use support::server::Server;
use truce::agreement::CAUTION;

/// Corners in units of 0.05°, as (longitude, latitude) from 37.20 E and 36.20 N.
fn polygon(corners: &[(i64, i64)]) -> Value {
    let corners = corners.iter().map(|(east, north)| {
        json!({"lat_e7": 362_000_000 + north * 500_000, "lon_e7": 372_000_000 + east * 500_000})
    });
    corners.collect()
}

const SQUARE: &[(i64, i64)] = &[(0, 0), (4, 0), (4, 4), (0, 4)];

fn area(corners: &[(i64, i64)]) -> Value {
    json!({"name": "North-east", "purpose": "held_by_excluded_group", "held_by": "nusra", "to": ["US"], "polygon": polygon(corners),
        "basis": "Own", "valid_from": "2016-03-01T00:00:00Z", "valid_until": "2016-03-31T00:00:00Z"})
}

fn presence(formation: &str, as_of: &str, districts: Value) -> Value {
    json!({"formation": formation, "as_of": format!("{as_of}T00:00:00Z"), "districts": districts})
}

/// Says it through the door; its short reference, or field and rule of the refusal.
fn say(
    server: &Server,
    who: &str,
    kind: &str,
    about: &[&str],
    body: Value,
) -> Result<String, (String, String)> {
    let mut draft = json!({"office": "duty_officer", "draft": {"kind": kind,
        "groups": {"body": {"aud": ["US", "RU", "MISSION"], "content": body}}}});
    if !about.is_empty() {
        draft["draft"]["about"] = about.into();
    }
    let (status, answer) = server.post(who, "/api/v1/statements", None, &draft);
    let text = |member: &str| answer[member].as_str().unwrap_or_default().to_owned();
    match status {
        201 => Ok(text("reference")),
        422 => Err((text("field"), text("rule"))),
        _ => panic!("{status} {answer}"),
    }
}

fn refused(said: Result<String, (String, String)>, field: &str, rule: &str) {
    let (at, why) = said.expect_err(rule);
    assert!(at == field && why.contains(rule), "{at}: {why}");
}

#[test]
fn an_area_is_coarse_or_it_is_refused() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    exercise.bind();
    let server = Server::of(&exercise);
    let designate = |body: Value| say(&server, "RU", "area.designate/1", &[], body);
    let small = area(&[(0, 0), (1, 0), (1, 4), (0, 4)]); // 99 km²
    refused(designate(small), "body.polygon", "100 square kilometres");
    let mut off_grid = area(SQUARE);
    off_grid["polygon"][2]["lat_e7"] = 364_000_001.into();
    refused(designate(off_grid), "body.polygon", "grid of 0.05 degrees");
    let mut long = area(SQUARE);
    long["valid_until"] = "2016-04-01T00:00:00Z".into();
    refused(designate(long), "body.valid_until", "30 days");
    for member in ["altitude", "object_type", "aim_point"] {
        let mut more = area(SQUARE);
        more[member] = json!({"floor_cm": 0});
        refused(designate(more), &format!("body.{member}"), "unknown");
    }
    let hour = json!({"formation": "first-brigade", "as_of": "2016-03-01T13:00:00Z", "districts": [{"pcode": "SY0200"}]});
    refused(
        say(&server, "US", "formation.presence/1", &[], hour),
        "body.as_of",
        "by the day",
    );
    let village = presence(
        "first-brigade",
        "2016-03-01",
        json!([{"pcode": "SY020001"}]),
    );
    refused(
        say(&server, "US", "formation.presence/1", &[], village),
        "body.districts[0].pcode",
        "no finer",
    );
}

#[test]
fn no_outline_is_so_near_to_any_earlier_one_that_they_can_be_subtracted() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    exercise.bind();
    let server = Server::of(&exercise);
    let designate = |about: &[&str], corners: &[(i64, i64)]| {
        say(&server, "RU", "area.designate/1", about, area(corners))
    };
    let first = designate(&[], SQUARE).unwrap();
    let wider = designate(&[&first], &[(0, 0), (8, 0), (8, 4), (0, 4)]).unwrap();
    // A later revision beside the first outline, and an area of its own beside both.
    let village_less: &[_] = &[(0, 0), (4, 0), (4, 4), (1, 4), (1, 3), (0, 3)];
    refused(
        designate(&[&wider], village_less),
        "body.polygon",
        "subtracted",
    );
    refused(
        designate(&[], village_less),
        "body.polygon",
        "use that outline as it is",
    );
    refused(designate(&[&first], SQUARE), "about", "revised already");
    // What is left out here is a village, whatever else is added.
    let elsewhere: &[_] = &[(0, 0), (8, 0), (8, 12), (1, 12), (1, 3), (0, 3)];
    refused(designate(&[], elsewhere), "body.polygon", "subtracted");
    // The same outline, and another country, are no difference.
    designate(&[], SQUARE).unwrap();
    designate(&[], &[(40, 0), (44, 0), (44, 4), (40, 4)]).unwrap();
    // What another participant draws is compared with his own outlines.
    let mut other = area(village_less);
    other["to"] = json!(["RU"]);
    say(&server, "US", "area.designate/1", &[], other).unwrap();
}

const PLACES: &str =
    "id,kind,pcode,parent,parent_basis,name_en,name_ar,aliases,lat,lon,population,population_year
SY0200,district,SY0200,,,Jebel Saman,,,36.30,37.30,,
SY0300,district,SY0300,,,Far away,,,35.00,38.00,,
";

fn overlaps(server: &Server, who: &str, more: &str) -> Value {
    let (status, answer) = server.get(
        Some(who),
        &format!("/api/v1/overlaps?at=2016-03-10T00:00:00Z{more}"),
    );
    assert_eq!(status, 200, "{answer}");
    answer
}

#[test]
fn a_district_in_an_excluded_area_is_a_fact_with_both_sources() {
    let exercise = Exercise::of(&["RU", "US", "MISSION", "HUM"]);
    let instrument = exercise.bind();
    let join = json!({"id": "first-brigade", "name": "First Brigade"});
    exercise.say_to("US", "formation.join/1", &[&instrument], &["public"], join);
    let server = Server::of(&exercise);
    let north = say(&server, "RU", "area.designate/1", &[], area(SQUARE)).unwrap();
    let mut zone = area(&[(0, 0), (8, 0), (8, 4), (0, 4)]);
    zone["purpose"] = "security_zone".into();
    zone.as_object_mut().unwrap().remove("held_by");
    say(&server, "RU", "area.designate/1", &[], zone).unwrap();
    let told = |formation: &str, as_of: &str, codes: &[&str]| {
        let districts = codes.iter().map(|code| json!({"pcode": code}));
        let body = presence(formation, as_of, districts.collect());
        say(&server, "US", "formation.presence/1", &[], body).unwrap()
    };
    told("first-brigade", "2016-03-01", &["SY0300"]);
    let there = told("first-brigade", "2016-03-05", &["SY0200", "SY0300"]);
    told("second-brigade", "2016-02-01", &["SY0200"]); // too long ago
    told("third-brigade", "2016-03-09", &["SY0200"]);
    told("third-brigade", "2016-03-10", &["SY0300"]); // it has left
    told("fourth-brigade", "2016-03-11", &["SY0200"]); // not yet
    exercise.node().settle();

    let unknown = overlaps(&server, "MISSION", "");
    assert_eq!(
        (&unknown["areas"], &unknown["formations"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(unknown["overlaps"], json!([]));
    let undetermined = unknown["undetermined"].as_array().unwrap();
    assert_eq!(
        undetermined.len(),
        3,
        "without a gazetteer nothing is known: {unknown}"
    );
    assert!(
        undetermined[0]["why"]
            .as_str()
            .unwrap()
            .contains("import places")
    );

    let places = places_csv::read(PLACES.as_bytes()).unwrap();
    exercise.node().places().load(&places).unwrap();
    let known = overlaps(&server, "MISSION", "");
    assert_eq!(known["undetermined"], json!([]));
    assert_eq!(known["caution"], CAUTION);
    assert!(known["overlap"].as_str().unwrap().contains("no finding"));
    let found = known["overlaps"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{known}");
    let source = json!({"reference": there, "by": "US", "formation": "first-brigade", "name": "First Brigade",
        "as_of": "2016-03-05T00:00:00Z", "district": "SY0200"});
    assert_eq!(
        (&found[0]["presence"], &found[0]["how"]),
        (&source, &json!("centre_inside"))
    );
    let source = json!({"reference": north, "by": "RU", "name": "North-east", "held_by": "nusra", "agreed": "open"});
    assert_eq!(found[0]["area"], source, "one side's word, and it says so");

    // Of one area; an area that is not there and one that may not be read are the same.
    let encoded = north.replace('#', "%23").replace('/', "%2F");
    assert_eq!(
        overlaps(&server, "US", &format!("&area={encoded}"))["overlaps"],
        known["overlaps"]
    );
    let hidden = server.get(Some("HUM"), &format!("/api/v1/overlaps?area={encoded}"));
    let nowhere = encoded.replace("ru%23", "ru%2399");
    assert_eq!(
        (hidden.0, &hidden),
        (
            404,
            &server.get(Some("HUM"), &format!("/api/v1/overlaps?area={nowhere}"))
        )
    );
    let nothing = overlaps(&server, "HUM", "");
    assert_eq!(
        (&nothing["areas"], &nothing["formations"]),
        (&json!(0), &json!(0))
    );
    let (_, row) = server.get(Some("US"), &format!("/api/v1/areas/{encoded}"));
    assert_eq!(row["caution"], CAUTION, "{row}");
    // The fact takes nobody's cover away.
    let covered = "/api/v1/coverage?lat_e7=363000000&lon_e7=373000000&formation=first-brigade&at=2016-03-10T00:00:00Z";
    let (_, coverage) = server.get(Some("MISSION"), covered);
    assert_eq!(
        (&coverage["answer"], &coverage["caution"]),
        (&json!("covered"), &json!(CAUTION))
    );
    // From the day after the last one nothing is valid any more.
    let (_, later) = server.get(Some("MISSION"), "/api/v1/overlaps?at=2016-03-31T00:00:00Z");
    assert_eq!(later["areas"], 0);
}
