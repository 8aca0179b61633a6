//! `truceline check`, as it is typed.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod terminal;

use serde_json::{Value, json};
use std::path::Path;
use terminal::Terminal;

fn feature(geometry: &str, coordinates: Value, properties: Value) -> Value {
    json!({"type": "Feature", "geometry": {"type": geometry, "coordinates": coordinates}, "properties": properties})
}

fn collection(features: &[Value]) -> String {
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

fn clinic(from: &str, until: &str) -> Value {
    let properties = json!({"name": "Clinic", "from": from, "until": until, "radius_m": 500});
    feature("Point", json!([37.16, 36.2]), properties)
}

/// Passes the clinic at about 09:00.
fn convoy() -> Value {
    let times = json!(["2016-06-22T08:00:00Z", "2016-06-22T10:00:00Z"]);
    let properties = json!({"name": "Convoy", "times": times, "radius_m": 100});
    feature(
        "LineString",
        json!([[37.06, 36.2], [37.26, 36.2]]),
        properties,
    )
}

#[test]
fn features_that_meet_are_named_and_the_status_says_so() {
    let terminal = Terminal::new();
    let all_day = clinic("2016-06-22T00:00:00Z", "2016-06-23T00:00:00Z");
    let file = collection(&[all_day, convoy()]);
    let (status, out, error) = terminal.run("check -", &file);
    assert_eq!(status, 1, "{out}{error}");
    assert!(
        out.starts_with("overlap: 1 \"Clinic\" and 2 \"Convoy\", at 36.2"),
        "{out}"
    );
    assert!(
        out.contains("no clearance") && out.contains("Protection is unchanged"),
        "{out}"
    );
    assert_eq!(error, "truceline: 1 conflict among 2 features\n");
}

#[test]
fn a_convoy_that_has_passed_before_meets_nothing() {
    let terminal = Terminal::new();
    let after = clinic("2016-06-22T09:30:00Z", "2016-06-22T10:00:00Z");
    let out = terminal.does_with("check -", &collection(&[after, convoy()]));
    assert!(out.starts_with("A notice reserves no road"), "{out}");
}

#[test]
fn at_a_time_the_features_are_as_they_are_then() {
    let terminal = Terminal::new();
    let all_day = clinic("2016-06-22T00:00:00Z", "2016-06-23T00:00:00Z");
    std::fs::write(
        terminal.path().join("plan.geojson"),
        collection(&[all_day, convoy()]),
    )
    .unwrap();
    for (at, status) in [
        ("2016-06-22T08:00:00Z", 0),
        ("2016-06-22T12:00:00+03:00", 1),
        ("2016-06-22T09:59:00Z", 0),
        ("2016-06-22T10:00:00Z", 0),
    ] {
        let (found, out, error) = terminal.run(&format!("check plan.geojson --at {at}"), "");
        assert_eq!(found, status, "{at}: {out}{error}");
    }
}

#[test]
fn two_convoys_on_one_road_meet_when_they_pass_each_other_at_that_time() {
    let terminal = Terminal::new();
    let mut back = convoy();
    back["geometry"]["coordinates"] = json!([[37.26, 36.2], [37.06, 36.2]]);
    let file = collection(&[convoy(), back.clone()]);
    let (status, out, _) = terminal.run("check -", &file);
    assert_eq!(status, 1);
    assert!(
        out.contains("from 2016-06-22T08:59") || out.contains("from 2016-06-22T09:00"),
        "{out}"
    );
    assert_eq!(
        terminal.run("check - --at 2016-06-22T09:00:00Z", &file).0,
        1
    );
    assert_eq!(
        terminal.run("check - --at 2016-06-22T08:30:00Z", &file).0,
        0
    );
    back["properties"]["times"] = json!(["2016-06-22T10:00:10Z", "2016-06-22T12:00:00Z"]);
    assert_eq!(terminal.run("check -", &collection(&[convoy(), back])).0, 0);
}

#[test]
fn heights_part_what_lies_above_each_other_and_doubt_counts() {
    let terminal = Terminal::new();
    let square = json!([[
        [37.0, 36.0],
        [37.1, 36.0],
        [37.1, 36.1],
        [37.0, 36.1],
        [37.0, 36.0]
    ]]);
    let layer = |floor: f64, ceiling: f64, datum: &str| {
        let properties = json!({"from": "2016-06-22T00:00:00Z", "floor_m": floor, "ceiling_m": ceiling, "height_datum": datum});
        feature("Polygon", square.clone(), properties)
    };
    let pair = |a: Value, b: Value| terminal.run("check -", &collection(&[a, b]));
    let low = layer(0.0, 500.0, "ellipsoid");
    assert_eq!(pair(low.clone(), layer(600.0, 900.0, "ellipsoid")).0, 0);
    let (status, out, _) = pair(low.clone(), layer(500.0, 900.0, "ellipsoid"));
    assert_eq!(
        (status, out.starts_with("touch: 1 and 2")),
        (1, true),
        "{out}"
    );
    let (status, out, _) = pair(low, layer(600.0, 900.0, "agl"));
    assert_eq!(status, 1);
    assert!(
        out.starts_with("indeterminate: 1 and 2")
            && out.contains("(heights not known well enough)"),
        "{out}"
    );
}

#[test]
fn mistakes_are_named_by_feature_and_member_and_nothing_is_compared() {
    let terminal = Terminal::new();
    let from = "2016-06-22T00:00:00Z";
    let bow = json!([[
        [37.0, 36.0],
        [37.1, 36.1],
        [37.1, 36.0],
        [37.0, 36.1],
        [37.0, 36.0]
    ]]);
    let wrong = [
        (
            feature(
                "Point",
                json!([37.0, 36.0]),
                json!({"from": from, "cieling_m": 3}),
            ),
            "properties.cieling_m is unknown",
        ),
        (
            feature("Point", json!([37.0, 36.0]), json!({})),
            "properties.from is missing",
        ),
        (
            feature(
                "Point",
                json!([37.0, 36.0]),
                json!({"from": "2016-06-22T00:00:00"}),
            ),
            "properties.from",
        ),
        (
            feature(
                "Point",
                json!([37.0, 36.0]),
                json!({"from": from, "until": from}),
            ),
            "properties.until is after from",
        ),
        (
            feature("Point", json!([37.0, 96.0]), json!({"from": from})),
            "geometry.coordinates cannot be taken: latitude 96",
        ),
        (
            feature("Point", json!([37.0, 36.0, 300.0]), json!({"from": from})),
            "geometry.coordinates has two numbers",
        ),
        (
            feature(
                "Point",
                json!([37.0, 36.0]),
                json!({"from": from, "floor_m": 3}),
            ),
            "properties.height_datum is missing",
        ),
        (
            feature(
                "Point",
                json!([37.0, 36.0]),
                json!({"from": from, "radius_m": -1}),
            ),
            "properties.radius_m cannot be taken",
        ),
        (
            feature("Polygon", bow, json!({"from": from})),
            "geometry.coordinates cannot be taken: ring crosses itself",
        ),
        (
            feature("Polygon", json!([[[37.0, "x"]]]), json!({"from": from})),
            "geometry.coordinates[0][0] is longitude and latitude",
        ),
        (
            feature(
                "LineString",
                json!([[37.0, 36.0], [37.1, 36.0]]),
                json!({"from": from}),
            ),
            "properties.half_width_m is missing",
        ),
        (
            feature(
                "LineString",
                json!([[37.0, 36.0], [37.1, 36.0]]),
                json!({"times": [from]}),
            ),
            "properties.times has a time for each of the 2",
        ),
        (
            feature(
                "LineString",
                json!([[37.0, 36.0], [37.1, 36.0]]),
                json!({"times": [from, from]}),
            ),
            "properties.times cannot be taken: two places at one instant",
        ),
        (
            feature("GeometryCollection", json!([]), json!({"from": from})),
            "geometry.type is Point",
        ),
    ];
    let features: Vec<Value> = wrong.iter().map(|(feature, _)| feature.clone()).collect();
    let (status, out, error) = terminal.run("check -", &collection(&features));
    assert_eq!((status, out.as_str()), (2, ""), "{error}");
    for (number, (_, rule)) in (1..).zip(&wrong) {
        assert!(
            error.contains(&format!("feature {number}: {rule}")),
            "{number} {rule}: {error}"
        );
    }
    for (file, told) in [
        ("{", "the file is not JSON"),
        ("{\"type\": \"Feature\"}", "the file is a FeatureCollection"),
        (
            "{\"type\": \"FeatureCollection\", \"type\": \"FeatureCollection\", \"features\": []}",
            "type",
        ),
    ] {
        let (status, _, error) = terminal.run("check -", file);
        assert_eq!(status, 2, "{file}");
        assert!(error.contains(told), "{file}: {error}");
    }
    assert_eq!(terminal.run("check nowhere.geojson", "").0, 2);
    assert_eq!(terminal.run("check - --at noon", "").0, 2);
}

#[test]
fn the_documented_example_is_a_file_that_is_taken() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deconfliction.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let example = docs
        .split("```json\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let (status, out, error) = Terminal::new().run("check -", example);
    assert_eq!(status, 1, "{error}");
    let told: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("overlap"))
        .collect();
    let shown = docs
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert_eq!(told.len(), 2, "{out}");
    assert!(told.iter().all(|line| shown.contains(line)), "{out}");
}
