//! Flight volumes of others: what the test suite of InterUSS for ASTM F3548-21 says of its own flights must be what this crate finds.
//!
//! The files are theirs (Apache-2.0) and lie beside the checkout; without them these tests say so and show nothing.

use std::collections::BTreeMap;
use std::path::Path;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};
use space::{
    AltitudeBand, Fill, Footprint, HorizontalDatum, InputError, Limit, LonLat, NoHeights, Polygon,
    Position, Rules, UtcMs, Verdict, VerticalDatum, Volume, Window,
};

/// When each test of theirs is played here: start of the scenario and time of evaluation.
const NOW: &str = "2026-03-01T12:00:00Z";
const MS_PER: [(char, i64); 4] = [
    ('s', 1_000),
    ('m', 60_000),
    ('h', 3_600_000),
    ('d', 86_400_000),
];

fn now() -> UtcMs {
    UtcMs::parse(NOW).expect("a time")
}

fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/utm")
        .join(name);
    if !path.exists() {
        eprintln!("without {}: nothing shown", path.display());
        return None;
    }
    Some(std::fs::read_to_string(path).expect("a text file"))
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(v)) => (*v).into(),
        Yaml::Value(Scalar::Integer(v)) => (*v).into(),
        Yaml::Value(Scalar::FloatingPoint(v)) => v.into_inner().into(),
        Yaml::Value(Scalar::String(v)) => v.as_ref().into(),
        Yaml::Sequence(all) => all.iter().map(json).collect(),
        Yaml::Mapping(all) => {
            let named = |(k, v): (&Yaml<'_>, &Yaml<'_>)| Some((k.as_str()?.to_owned(), json(v)));
            all.iter().filter_map(named).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    }
}

/// Their overlay: mappings are merged, sequences element by element, and a name with a plus replaces.
fn merged(base: &Value, change: &Value) -> Value {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            let mut all = base.clone();
            for (name, value) in change {
                let (name, replaces) = name
                    .strip_prefix('+')
                    .map_or((name.as_str(), false), |name| (name, true));
                let value = match base.get(name) {
                    Some(old) if !replaces && !value.is_null() => merged(old, value),
                    _ => value.clone(),
                };
                all.insert(name.to_owned(), value);
            }
            Value::Object(all)
        }
        (Value::Array(base), Value::Array(change)) => {
            let both = |i: usize| match (base.get(i), change.get(i)) {
                (Some(a), Some(b)) => merged(a, b),
                (Some(one), None) | (None, Some(one)) => one.clone(),
                (None, None) => Value::Null,
            };
            (0..base.len().max(change.len())).map(both).collect()
        }
        _ => change.clone(),
    }
}

/// All flights of a file, each as a whole.
fn flights(text: &str) -> BTreeMap<String, Value> {
    let documents = Yaml::load_from_str(text).expect("YAML");
    let all = json(&documents[0]);
    let intents = all["intents"].as_object().expect("flights");
    fn whole(intents: &Map<String, Value>, name: &str) -> Value {
        let intent = &intents[name];
        if let Some(full) = intent.get("full") {
            return full.clone();
        }
        let source = intent["delta"]["source"].as_str().expect("a source");
        merged(&whole(intents, source), &intent["delta"]["mutation"])
    }
    let names = intents.keys();
    names
        .map(|name| (name.clone(), whole(intents, name)))
        .collect()
}

/// `45m`, `-1s`, `32d`.
fn milliseconds(text: &str) -> i64 {
    let unit = text.chars().last().expect("a unit");
    let number: i64 = text[..text.len() - 1].parse().expect("a number");
    let (_, ms) = MS_PER
        .iter()
        .find(|(name, _)| *name == unit)
        .expect("a known unit");
    number * ms
}

/// A time of theirs: a text, or so long from a moment of the test.
fn time(value: &Value) -> Option<UtcMs> {
    if let Some(text) = value["value"].as_str() {
        assert_eq!(value["format"], "RFC3339");
        return Some(UtcMs::parse(text).expect("a time"));
    }
    let from = value.get("offset_from")?;
    let moment = from["starting_from"]["time_during_test"].as_str()?;
    assert!(["StartOfScenario", "TimeOfEvaluation"].contains(&moment));
    Some(UtcMs(now().0 + milliseconds(from["offset"].as_str()?)))
}

fn limit(value: &Value) -> Result<Limit, InputError> {
    assert_eq!(value["units"], "M");
    let datum = value["reference"]
        .as_str()
        .map(VerticalDatum::parse)
        .transpose()?;
    Limit::metres(value["value"].as_f64().unwrap_or(f64::NAN), datum)
}

fn ring(value: &Value) -> Vec<LonLat> {
    let degrees = |v: &Value| v.as_f64().expect("degrees");
    let vertices = value["outline_polygon"]["vertices"].as_array();
    vertices
        .expect("vertices")
        .iter()
        .map(|v| LonLat::new(degrees(&v["lng"]), degrees(&v["lat"])))
        .collect()
}

/// A volume in the shape of F3548: outline with geodesic edges, two limits, and a window.
fn volume(shape: &Value, start: &Value, end: &Value) -> Result<Volume, InputError> {
    let start = time(start).expect("a start");
    Volume::still(
        &Footprint::Polygon(Polygon::geodesic(ring(shape))),
        HorizontalDatum::Wgs84,
        AltitudeBand::between(
            limit(&shape["altitude_lower"])?,
            limit(&shape["altitude_upper"])?,
        ),
        Window::new(start, time(end))?,
        &NoHeights,
    )
}

/// What a flight asks for, if it may be planned now.
fn plan(flight: &Value) -> Result<Vec<Volume>, InputError> {
    let areas = flight["basic_information"]["area"].as_array();
    let one = |area: &Value| {
        let mut end = area["end_time"].clone();
        if let Some(duration) = area["duration"].as_str() {
            let start = time(&area["start_time"]).expect("a start");
            let after = UtcMs(start.0 + milliseconds(duration)).0 - now().0;
            let moment = serde_json::json!({"time_during_test": "StartOfScenario"});
            end = serde_json::json!({"offset_from": {"starting_from": moment, "offset": format!("{}s", after / 1000)}});
        }
        let made = volume(area, &area["start_time"], &end)?;
        made.window().check_plan(now())?;
        Ok(made)
    };
    areas.expect("areas").iter().map(one).collect()
}

fn verdict(a: &[Volume], b: &[Volume]) -> Verdict {
    a.iter()
        .flat_map(|a| b.iter().map(|b| a.judge(b, Rules::default()).verdict))
        .max()
        .expect("volumes")
}

#[test]
fn flights_that_must_conflict_do_and_those_that_must_not_do_not() {
    let Some(text) = shared("conflicting_flights.yaml") else {
        return;
    };
    let flights = flights(&text);
    let plans: BTreeMap<&str, Vec<Volume>> = flights
        .iter()
        .map(|(name, flight)| (name.as_str(), plan(flight).expect("a plan")))
        .collect();
    assert_eq!(plans.len(), 13);
    // As their scenarios demand: name by name, whatever the state of the flight.
    let of =
        |names: &[&'static str]| -> Vec<&Vec<Volume>> { names.iter().map(|n| &plans[n]).collect() };
    let flight_1 = of(&["flight1_planned", "flight1_activated"]);
    let flight_1m = of(&["flight1m_planned", "flight1m_activated"]);
    let flight_1c = of(&["flight1c_planned", "flight1c_activated"]);
    let flight_2 = of(&[
        "flight2_planned",
        "flight2_activated",
        "equal_prio_flight2_planned",
        "equal_prio_flight2_activated",
        "equal_prio_flight2_nonconforming",
    ]);
    let flight_1c_activated = of(&["flight1c_activated"]);
    let flight_2m = of(&["flight2m_activated"]);
    let flight_2m_equal = of(&["equal_prio_flight2m_planned"]);
    for (ones, others, expected) in [
        (&flight_1, &flight_2, Verdict::Overlap),
        (&flight_1m, &flight_2, Verdict::Overlap),
        (&flight_1c_activated, &flight_2m, Verdict::Overlap),
        (&flight_1c, &flight_2, Verdict::Clear),
        (&flight_1, &flight_2m, Verdict::Clear),
        (&flight_1, &flight_2m_equal, Verdict::Clear),
    ] {
        for one in ones {
            for other in others {
                assert_eq!(verdict(one, other), expected);
                assert_eq!(verdict(other, one), expected);
            }
        }
    }
}

#[test]
fn flights_that_were_drawn_apart_are_clear() {
    let Some(text) = shared("non_conflicting.yaml") else {
        return;
    };
    let flights = flights(&text);
    let (ones, others): (Vec<_>, Vec<_>) = flights
        .iter()
        .partition(|(name, _)| name.starts_with("flight_1"));
    assert_eq!((ones.len(), others.len()), (3, 3));
    for (name, one) in &ones {
        for (other_name, other) in &others {
            let plans = [one, other].map(|flight| plan(flight).expect("a plan"));
            let found = verdict(&plans[0], &plans[1]);
            assert_eq!(found, Verdict::Clear, "{name} and {other_name}");
        }
    }
}

#[test]
fn flights_with_a_fault_are_refused_for_that_fault() {
    let Some(text) = shared("invalid_flight_intents.yaml") else {
        return;
    };
    let flights = flights(&text);
    let day = 86_400_000;
    assert_eq!(
        plan(&flights["invalid_too_far_away"]),
        Err(InputError::TooFarAhead {
            start_ms: now().0 + 32 * day,
            now_ms: now().0
        })
    );
    assert_eq!(
        plan(&flights["invalid_recently_ended"]),
        Err(InputError::AlreadyEnded {
            end_ms: now().0 - 5_000,
            now_ms: now().0
        })
    );
    let valid = plan(&flights["valid_flight"]).expect("a plan");
    assert_eq!(plan(&flights["valid_activated"]).as_ref(), Ok(&valid));
    // An overlap of 1.1 cm is one.
    let tiny = plan(&flights["valid_conflict_tiny_overlap"]).expect("a plan");
    assert_eq!(verdict(&valid, &tiny), Verdict::Overlap);
    assert_eq!(flights.len(), 5, "no flight without a check");
}

#[test]
fn requests_of_real_operations_are_read_as_they_are_meant() {
    let Some(text) = shared("op_request_1.json") else {
        return;
    };
    let request: Value = serde_json::from_str(&text).expect("JSON");
    let extents = request["extents"].as_array().expect("extents");
    let made: Vec<Volume> = extents
        .iter()
        .map(|e| volume(&e["volume"], &e["time_start"], &e["time_end"]).expect("a volume"))
        .collect();
    assert_eq!(made.len(), 5);
    assert!(made.iter().all(|v| v.vertices() >= 4));
    // The second is from 1969: half a century before the others.
    assert_eq!(verdict(&made[..1], &made[1..2]), Verdict::Clear);
    assert!(made[1].window().check_plan(now()).is_err());
    // The first and the third cross on the ground, in time and in height.
    assert_eq!(verdict(&made[..1], &made[2..3]), Verdict::Overlap);
    // The first had ended a day before the fourth began.
    assert_eq!(verdict(&made[..1], &made[3..4]), Verdict::Clear);

    let big = shared("op_big_operation.json").expect("beside the other");
    let big: Value = serde_json::from_str(&big).expect("JSON");
    let area = &big["area_of_interest"];
    let declared = ring(&area["volume"]);
    assert_eq!(declared.len(), 318);
    // Its holes were strung behind its outline, so that it runs through its first vertex again: GEOS calls that invalid too.
    let again = declared.iter().rposition(|p| *p == declared[0]);
    let refused = volume(&area["volume"], &area["time_start"], &area["time_end"]);
    let Err(InputError::SelfTouching { at, first, second }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((first, Some(second + 1)), (0, again));
    let meant = Position::from_degrees(declared[0].lon, declared[0].lat);
    assert!(at.distance_m(meant.expect("a place")) < 0.01);
    // Everything that it goes round is inside, once a person has said so.
    let (start, end) = (time(&area["time_start"]), time(&area["time_end"]));
    let everything = Polygon {
        fill: Fill::Nonzero,
        ..Polygon::geodesic(declared)
    };
    let made = Volume::still(
        &Footprint::Polygon(everything),
        HorizontalDatum::Wgs84,
        AltitudeBand::between(
            limit(&area["volume"]["altitude_lower"]).expect("a limit"),
            limit(&area["volume"]["altitude_upper"]).expect("a limit"),
        ),
        Window::new(start.expect("a start"), end).expect("a window"),
        &NoHeights,
    )
    .expect("a volume");
    assert!(made.vertices() >= 240);
    assert_eq!((made.band().low, made.band().high), (49_560, 75_316));
}

#[test]
fn swiss_zones_hold_what_flies_in_them_and_stay_in_doubt_without_terrain() {
    let Some(text) = shared("geozones_che_ed318.json") else {
        return;
    };
    let zones: Value = serde_json::from_str(&text).expect("JSON");
    let features = zones["features"].as_array().expect("features");
    assert_eq!(features.len(), 3);
    let always = Window::new(now(), None).expect("a window");
    for feature in features {
        let (geometry, layer) = (&feature["geometry"], &feature["geometry"]["layer"]);
        assert_eq!(
            (&geometry["type"], &layer["uom"]),
            (&"Polygon".into(), &"m".into())
        );
        let ring: Vec<LonLat> = geometry["coordinates"][0]
            .as_array()
            .expect("a ring")
            .iter()
            .map(|p| LonLat::new(p[0].as_f64().expect("x"), p[1].as_f64().expect("y")))
            .collect();
        let limit = |height: &str, datum: &str| {
            let datum = VerticalDatum::parse(layer[datum].as_str().expect("a datum"));
            let metres = layer[height].as_f64().expect("metres");
            Limit::metres(metres, Some(datum.expect("a known one"))).expect("a height")
        };
        let band = AltitudeBand::between(
            limit("lower", "lowerReference"),
            limit("upper", "upperReference"),
        );
        let make = |band| {
            Volume::still(
                &Footprint::Polygon(Polygon::planar(ring.clone())),
                HorizontalDatum::Wgs84,
                band,
                always,
                &NoHeights,
            )
            .expect("a zone")
        };
        let zone = make(band);
        // 20 km up is inside of 99,999 m above any ground; 100 m above the ellipsoid may be in the mountain.
        let at = |metres: f64| {
            let height = Limit::metres(metres, Some(VerticalDatum::Ellipsoid)).expect("a height");
            make(AltitudeBand::between(height, height))
        };
        assert_eq!(
            zone.judge(&at(20_000.0), Rules::default()).verdict,
            Verdict::Overlap
        );
        assert_eq!(
            zone.judge(&at(100.0), Rules::default()).verdict,
            Verdict::Indeterminate
        );
    }
}
