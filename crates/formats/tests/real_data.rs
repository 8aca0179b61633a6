//! The data beside the checkout, when it is there: every row of it is read, and what is known of it holds.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::days::DayOffsets;
use formats::ged_csv::{self, Event};
use formats::places_csv::{self, Kind};
use formats::reports_csv::Set;
use formats::tally_csv::{self, Series};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use support::{areas, parse, shared, syria};
use truce::Body;
use truce::agreement::{Acceptance, Agreement, Answer, Instrument, Table};
use truce::incidents::NamedActors;
use truce::wire::{Place, Wire};

/// Latitudes and longitudes in 1e-7 degree between which a country's events lie.
const SYRIA: [(i64, i64); 2] = [(320_000_000, 375_000_000), (355_000_000, 425_000_000)];
const LIBYA: [(i64, i64); 2] = [(190_000_000, 340_000_000), (90_000_000, 260_000_000)];

fn within(events: &[Event], [lat, lon]: [(i64, i64); 2]) -> bool {
    let inside = |value, (low, high)| (low..high).contains(&value);
    events
        .iter()
        .all(|event| inside(event.report.lat_e7, lat) && inside(event.report.lon_e7, lon))
}

fn can_be_said(events: &[Event], days: DayOffsets) {
    let set = Set::new("ucdp-ged", "UCDP GED", days).unwrap();
    let ids: BTreeSet<String> = events
        .iter()
        .map(|event| {
            let Body::ReportFile(filed) = parse("report.file/1", &event.report.groups(&set)) else {
                panic!("another kind")
            };
            filed.body.external_id.unwrap().to_string()
        })
        .collect();
    assert_eq!(ids.len(), events.len(), "each has its own name");
}

/// An instrument as its text names those it does not cover, in force from 27 February, with guarantors alone.
fn cessation() -> Agreement {
    let sha = "A".repeat(43);
    let member = |call_sign: &str, role: &str, names: &[&str]| {
        let mut member = json!({"call_sign": call_sign, "origin": format!("truce.example/{}", call_sign.to_lowercase()), "role": role});
        if !names.is_empty() {
            member["also_known_as"] = json!(names);
        }
        member
    };
    let table = json!({
        "name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1, "text_sha256": sha,
        "text_public": true, "needed": ["RU", "US"], "invited": ["GOV"], "accept_by": "2016-02-26T12:00:00+02:00",
        "in_force_from": "2016-02-27T00:00:00+02:00",
        "provisions": [{"id": "scope", "title": "Groups not covered", "text_sha256": sha}],
        "participants": [member("RU", "guarantor", &[]), member("US", "guarantor", &[]), member("GOV", "party", &["Government of Syria"])],
        "excluded": [
            {"id": "daesh", "name": "Daesh", "also_known_as": ["IS", "ISIL", "داعش"], "provision": "scope"},
            {"id": "nusra", "name": "Nusra Front", "also_known_as": ["Jabhat al-Nusra", "Jabhat Fateh al-Sham"], "provision": "scope"}],
    });
    let table = Table::read(&table, &Place::Top).unwrap();
    let reference = |index| truce_reference(&format!("truce.example/ru#{index}:{sha}"));
    let at = record::time::UtcMs::parse("2016-02-23T09:00:00Z").unwrap();
    let accepted = ["RU", "US", "GOV"].iter().zip(0..).map(|(name, index)| {
        (
            name.parse().unwrap(),
            Acceptance {
                reference: reference(index),
                at,
            },
        )
    });
    let instrument = Instrument {
        reference: reference(0),
        by: "RU".parse().unwrap(),
        tabled_at: at,
        table,
        amends: None,
        accepted: accepted.collect(),
        refused: BTreeMap::new(),
        departures: BTreeMap::new(),
        formations: Vec::new(),
        holds: BTreeMap::new(),
        amended: None,
    };
    Agreement {
        instruments: BTreeMap::from([(reference(0), instrument)]),
    }
}

fn truce_reference(text: &str) -> record::name::Reference {
    text.parse().unwrap()
}

#[test]
fn every_syrian_event_is_read_and_can_be_said() {
    let Some(bytes) = shared("ged_syria_2016.csv.gz") else {
        return;
    };
    let events = ged_csv::read(&bytes).unwrap();
    assert_eq!(events.len(), 6170);
    assert!(
        within(&events, SYRIA),
        "no place has its coordinates exchanged"
    );
    let prec = |prec| {
        events
            .iter()
            .filter(|event| event.report.where_prec == prec)
            .count()
    };
    assert_eq!(
        [1, 2, 3, 4, 5, 6].map(prec),
        [3415, 1995, 88, 371, 199, 102]
    );
    assert_eq!(
        events
            .iter()
            .filter(|event| event.report.date_prec == 1)
            .count(),
        5908
    );
    assert_eq!(
        events.iter().filter(|event| event.report.best == 0).count(),
        204
    );
    assert_eq!(
        events
            .iter()
            .filter(|event| !event.report.range_is_in_order())
            .count(),
        15
    );
    let first = &events[0].report;
    assert_eq!(
        (first.id.as_str(), first.lat_e7, first.lon_e7),
        ("214797", 348_024_620, 367_076_020)
    );
    assert!(
        events
            .iter()
            .all(|event| event.report.source_names.iter().all(|name| name.len() < 60)),
        "no headline is a name"
    );
    can_be_said(&events, syria());
}

#[test]
fn every_libyan_event_is_read_and_can_be_said() {
    let Some(bytes) = shared("ged_libya_2014.csv") else {
        return;
    };
    let events = ged_csv::read(&bytes).unwrap();
    assert_eq!(events.len(), 103);
    assert!(within(&events, LIBYA));
    assert!(
        events
            .iter()
            .any(|event| event.report.place == "Ra’s Ajdīr town")
    );
    can_be_said(&events, DayOffsets::fixed(120).unwrap());
}

#[test]
fn coverage_of_the_events_is_what_the_instrument_names_and_undetermined_elsewhere() {
    let Some(bytes) = shared("ged_syria_2016.csv.gz") else {
        return;
    };
    let day = |text| formats::cells::day(text).unwrap();
    let window = day("2016-02-27")..=day("2016-09-30");
    let events = ged_csv::read(&bytes).unwrap();
    let agreement = cessation();
    let named = NamedActors::of(&agreement);
    let set = Set::new("ucdp-ged", "UCDP GED", syria()).unwrap();
    let (mut groups, mut answers, mut mixed) = (BTreeMap::new(), BTreeMap::new(), 0);
    for event in events
        .iter()
        .filter(|event| window.contains(&event.report.day_start))
    {
        let Body::ReportFile(filed) = parse("report.file/1", &event.report.groups(&set)) else {
            panic!("another kind")
        };
        let coverage = named.coverage(&filed.body);
        let excluded: BTreeSet<String> = coverage
            .names
            .iter()
            .filter_map(|n| n.excluded.as_ref())
            .map(ToString::to_string)
            .collect();
        assert_eq!(coverage.answer == Answer::Excluded, !excluded.is_empty());
        excluded
            .into_iter()
            .for_each(|group| *groups.entry(group).or_insert(0) += 1);
        *answers.entry(coverage.answer).or_insert(0) += 1;
        if (event.report.side_a.as_str(), event.report.side_b.as_str())
            == ("Government of Syria", "Syrian insurgents")
        {
            assert_eq!(
                coverage.answer,
                Answer::Undetermined,
                "never guessed from the pair"
            );
            assert_eq!(
                coverage.names[0].answer,
                Answer::Covered,
                "though one side is bound"
            );
            mixed += 1;
        }
    }
    assert_eq!(
        groups,
        BTreeMap::from([("daesh".to_owned(), 1289), ("nusra".to_owned(), 152)])
    );
    assert_eq!(mixed, 2047);
    assert_eq!(
        answers,
        BTreeMap::from([
            (Answer::Undetermined, 3506 - 1346),
            (Answer::Excluded, 1346)
        ])
    );
}

#[test]
fn every_tally_is_read_and_can_be_said() {
    let (Some(daily), Some(provinces)) = (
        shared("truce_tallies_syria_2016_daily.csv"),
        shared("truce_tallies_syria_2016_by_province.csv"),
    ) else {
        return;
    };
    let lines = tally_csv::read_by_province(&provinces).unwrap();
    assert_eq!(lines.len(), 95);
    let tallies = tally_csv::join(tally_csv::read_daily(&daily).unwrap(), lines);
    assert_eq!(tallies.len(), 38);
    let days = DayOffsets::fixed(180).unwrap();
    let series = Series {
        counted: "violations",
        about: "the other side",
        title: "Bulletin",
        days: &days,
    };
    for tally in tallies {
        parse("tally.record/1", &tally.groups(&series));
    }
}

#[test]
fn every_place_is_read() {
    let Some(admin) = shared("places_syria_admin.csv") else {
        return;
    };
    let admin = places_csv::read_admin(&admin).unwrap();
    let count = |kind| admin.iter().filter(|place| place.kind == kind).count();
    assert_eq!(
        [Kind::Governorate, Kind::District, Kind::Subdistrict].map(count),
        [14, 62, 272]
    );
    assert_eq!(
        places_csv::read_geonames(&shared("places_syria_geonames.csv").unwrap())
            .unwrap()
            .len(),
        308
    );
    let named = places_csv::read_ged(&shared("places_syria_ged.csv").unwrap()).unwrap();
    assert_eq!(
        named.len(),
        1001,
        "of 1,297 rows some differ in their precision alone"
    );
}

#[test]
fn every_district_that_the_events_name_is_found_by_its_name() {
    let (Some(events), Some(admin)) = (
        shared("ged_syria_2016.csv.gz"),
        shared("places_syria_admin.csv"),
    ) else {
        return;
    };
    let admin = places_csv::read_admin(&admin).unwrap();
    let areas = areas(&admin);
    let mut districts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in ged_csv::read(&events).unwrap() {
        let (report, district) = (&event.report, event.report.adm2.clone());
        if let (Some(district), 2 | 3) = (district, report.where_prec) {
            let located = areas.locate(report).unwrap();
            assert_eq!(located.metres, None, "{district} by name");
            districts.entry(district).or_default().insert(located.pcode);
        }
    }
    assert!(districts.len() > 45 && districts.values().all(|codes| codes.len() == 1));
    for (name, code) in [
        ("Jabal Saman district", "SY0200"),
        ("Atarib district", "SY0200"),
        ("Mintaqat Azaz district", "SY0204"),
        ("Dayr Hafir district", "SY0202"),
        ("Maarat al-Numaan district", "SY0702"),
        ("Albu Kamal district", "SY0902"),
        ("Duma district", "SY0302"),
    ] {
        assert_eq!(districts[name], BTreeSet::from([code.to_owned()]), "{name}");
    }
}
