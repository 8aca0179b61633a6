//! The tables of the demo: they read, what comes from them can be said, and, where the data stands beside the checkout, they are
//! what is cut from it. `TRUCELINE_RECUT=1 cargo test -p formats --test demo` writes those that are cut.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::areas::Basis;
use formats::claims_csv;
use formats::days::DayOffsets;
use formats::ged_csv;
use formats::places_csv::{self, Kind, Name, Place, Script};
use formats::reports_csv::{self, Report, Set};
use formats::tally_csv::{self, Line, Series, Tally};
use formats::toll_csv;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use support::{areas, checkout, parse, shared, syria};
use truce::Body;
use truce::names::{search_form, stem};

/// The first and last day on which an event of the demo begins.
const WINDOW: (&str, &str) = ("2016-02-27", "2016-09-30");
/// Largest table, in bytes: all of them together go into the binary.
const TABLE_BYTES_MAX: usize = 700_000;

fn path(name: &str) -> PathBuf {
    checkout().join("demo/syria-2016").join(name)
}

fn table(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// Compares a table with what was cut, or writes it.
fn holds(name: &str, cut: Vec<u8>) {
    assert!(
        cut.len() < TABLE_BYTES_MAX,
        "{name} has {} bytes",
        cut.len()
    );
    if std::env::var_os("TRUCELINE_RECUT").is_some() {
        std::fs::write(path(name), cut).unwrap();
        return;
    }
    assert!(
        table(name) == cut,
        "{name} is not what is cut: run with TRUCELINE_RECUT=1 and look at the difference"
    );
}

fn cut_reports(events: &[u8], admin: &[u8]) -> Vec<Report> {
    let places = places_csv::read_admin(admin).unwrap();
    let areas = areas(&places);
    let day = |text| formats::cells::day(text).unwrap();
    let (first, last) = (day(WINDOW.0), day(WINDOW.1));
    let events = ged_csv::read(events)
        .unwrap()
        .into_iter()
        .map(|event| event.report);
    let within = events.filter(|report| (first..=last).contains(&report.day_start));
    within
        .map(|report| {
            let located = areas.locate(&report);
            Report {
                pcode: located.map(|located| (located.pcode, located.basis)),
                ..report
            }
        })
        .collect()
}

/// The areas, and the towns with the sub-district in which each lies. Of further names those in the three scripts stay, each
/// spelling once.
fn cut_places(admin: &[u8], geonames: &[u8]) -> Vec<Place> {
    let admin = places_csv::read_admin(admin).unwrap();
    let areas = areas(&admin);
    let towns = places_csv::read_geonames(geonames).unwrap();
    let located = towns.into_iter().map(|town| {
        let located = areas.around(&town);
        Place {
            parent: located.map(|located| (located.pcode, located.basis)),
            ..town
        }
    });
    admin
        .iter()
        .cloned()
        .chain(located)
        .map(|place| Place {
            names: distinct(place.names),
            ..place
        })
        .collect()
}

fn distinct(names: Vec<Name>) -> Vec<Name> {
    let mut forms = BTreeSet::new();
    let kept = names.into_iter().filter(|name| {
        let new = forms.insert(search_form(&name.text));
        name.main || (new && name.script != Script::Other)
    });
    kept.collect()
}

/// The daily counts with their lines. Of two days the lines stand in the note of the source alone, where the text of the bulletin
/// does not add up: they are written out as the issuer told them.
fn cut_tallies(daily: &[u8], provinces: &[u8]) -> Vec<Tally> {
    let lines = tally_csv::read_by_province(provinces).unwrap();
    let mut tallies = tally_csv::join(tally_csv::read_daily(daily).unwrap(), lines);
    let line = |label: &str, pcode: &str, count| Line {
        label: label.into(),
        pcodes: vec![pcode.into()],
        count,
    };
    for tally in &mut tallies {
        match tally.day.to_string().as_str() {
            "2016-02-29" => {
                tally.lines = vec![
                    line("Eastern Ghouta", "SY03", 4),
                    line("north-western Aleppo", "SY02", 3),
                    line("Narb Nafsa", "SY05", 1),
                ];
            }
            "2016-12-27" => {
                tally.lines.retain(|line| line.label != "Hama");
                tally
                    .lines
                    .extend([line("Hama", "SY05", 2), line("Hama", "SY05", 1)]);
            }
            _ => {}
        }
    }
    tallies
}

#[test]
fn what_is_cut_is_what_is_kept() {
    let data = (
        shared("ged_syria_2016.csv.gz"),
        shared("places_syria_admin.csv"),
        shared("places_syria_geonames.csv"),
        shared("truce_tallies_syria_2016_daily.csv"),
        shared("truce_tallies_syria_2016_by_province.csv"),
    );
    if let (Some(events), Some(admin), Some(geonames), Some(daily), Some(provinces)) = data {
        holds(
            "events.csv",
            reports_csv::write(&cut_reports(&events, &admin)),
        );
        holds(
            "places.csv",
            places_csv::write(&cut_places(&admin, &geonames)),
        );
        holds(
            "tallies.csv",
            tally_csv::write(&cut_tallies(&daily, &provinces)),
        );
    }
}

#[test]
fn every_event_can_be_filed_as_a_report() {
    let reports = reports_csv::read(&table("events.csv")).unwrap();
    assert_eq!(reports.len(), 3506);
    let set = Set::new("ucdp-ged", "UCDP GED Syria 652.1601.1911", syria()).unwrap();
    for report in &reports {
        let Body::ReportFile(filed) = parse("report.file/1", &report.groups(&set)) else {
            panic!("another kind")
        };
        assert_eq!(
            filed.exact.is_some(),
            report.where_prec <= 2,
            "a middle of an area is no point"
        );
        assert!(
            filed.narrative.is_none(),
            "no headline and no text of others"
        );
    }
    let by_one_monitor = reports
        .iter()
        .filter(|report| report.source_names.iter().any(|name| name == "SOHR"))
        .count();
    assert_eq!(by_one_monitor, 3295, "94 in a hundred, as the screen says");
}

#[test]
fn a_place_code_is_never_finer_than_the_place_is_known() {
    for report in reports_csv::read(&table("events.csv")).unwrap() {
        let digits = report.pcode.as_ref().map_or(0, |(pcode, _)| pcode.len());
        let finest = match report.where_prec {
            1 => 8,
            2 | 3 => 6,
            4 | 5 => 4,
            _ => 0,
        };
        assert!(digits <= finest, "{report:?}");
        assert!(digits == finest || report.where_prec == 5, "{report:?}");
    }
}

#[test]
fn one_city_is_found_by_its_name_in_three_scripts() {
    let places = places_csv::read(&table("places.csv")).unwrap();
    let found = |asked: &str| {
        let called = |place: &&Place| {
            place
                .names
                .iter()
                .any(|name| stem(&name.text) == stem(asked))
        };
        let towns = places
            .iter()
            .filter(|place| place.kind == Kind::Settlement)
            .filter(called);
        towns.map(|place| place.id.as_str()).collect::<Vec<_>>()
    };
    for names in [
        &[
            "حلب",
            "Aleppo",
            "ALEPPO",
            "Halab",
            "Ḩalab",
            "Алеппо",
            "Халеб",
        ][..],
        &["حمص", "Homs", "Hims", "Ḩimş", "Хомс"],
        &[
            "الرقة",
            "رقة",
            "Ar Raqqah",
            "Raqqa",
            "ar-Raqqa",
            "Эр-Ракка",
            "Ракка",
        ],
        &["تدمر", "Tadmur", "Palmyra", "Пальмира"],
        &["دير الزور", "Deir ez-Zor", "Dayr az-Zawr"],
    ] {
        let first = found(names[0]);
        assert_eq!(first.len(), 1, "{}: {first:?}", names[0]);
        for name in names {
            assert_eq!(found(name), first, "{name}");
        }
    }
    let kinds = |kind| places.iter().filter(|place| place.kind == kind).count();
    assert_eq!(
        [Kind::Governorate, Kind::District, Kind::Subdistrict].map(kinds),
        [14, 62, 272]
    );
    assert_eq!(
        places
            .iter()
            .filter(|place| place.name("ar").is_none() && place.kind.is_area())
            .count(),
        0
    );
}

#[test]
fn every_place_lies_in_an_area_that_is_there() {
    let places = places_csv::read(&table("places.csv")).unwrap();
    let codes: BTreeSet<&str> = places
        .iter()
        .filter_map(|place| place.pcode.as_deref())
        .collect();
    for place in &places {
        let Some((parent, basis)) = &place.parent else {
            assert_eq!(
                place.name("en"),
                Some("As Sab‘ Biyār"),
                "in the desert, far from every centre"
            );
            continue;
        };
        assert!(
            parent == "SY" || codes.contains(parent.as_str()),
            "{}",
            place.id
        );
        assert_eq!(
            place.kind.is_area(),
            *basis == Basis::Stated,
            "{}",
            place.id
        );
    }
    for report in reports_csv::read(&table("events.csv")).unwrap() {
        assert!(
            report
                .pcode
                .is_none_or(|(pcode, _)| codes.contains(pcode.as_str()))
        );
    }
}

#[test]
fn tallies_are_shown_with_their_own_arithmetic() {
    let tallies = tally_csv::read(&table("tallies.csv")).unwrap();
    assert_eq!(tallies.len(), 38);
    let days = DayOffsets::fixed(180).unwrap();
    let series = Series {
        counted: "violations of the cessation of hostilities",
        about: "the other side",
        title: "Bulletin of the Centre for Reconciliation",
        days: &days,
    };
    let mut wrong = Vec::new();
    for tally in &tallies {
        let Body::TallyRecord(recorded) = parse("tally.record/1", &tally.groups(&series)) else {
            panic!("another kind")
        };
        if let truce::claims::Arithmetic::DoesNotAddUp { stated, lines } = recorded.arithmetic() {
            wrong.push((tally.day.to_string(), stated, lines));
        }
    }
    assert_eq!(wrong, [("2016-02-29".to_owned(), 7, 8)]);
    let december = tallies
        .iter()
        .find(|tally| tally.day.to_string() == "2016-12-27")
        .unwrap();
    assert_eq!(
        december
            .lines
            .iter()
            .filter(|line| line.label == "Hama")
            .count(),
        2,
        "one province stands there twice"
    );
    assert!(december.note.as_ref().unwrap().contains("Latakia"));
}

#[test]
fn claims_are_paraphrases_of_offices_and_denials_say_what_they_deny() {
    let claims = claims_csv::read(&table("claims.csv")).unwrap();
    let by_id: BTreeMap<&str, &claims_csv::Claim> = claims
        .iter()
        .map(|claim| (claim.id.as_str(), claim))
        .collect();
    for claim in &claims {
        parse("claim.record/1", &claim.groups(&syria()));
        assert_eq!(claim.form, "paraphrase", "{}: no words of others", claim.id);
        assert!(claim.source_url.is_some(), "{}", claim.id);
        let quotation = claim.words.contains(['"', '“', '”', '«']);
        assert!(!quotation, "{}: a paraphrase quotes nothing", claim.id);
        for related in claim.relates.iter().flat_map(|(_, to)| to) {
            let related = by_id[related.as_str()];
            assert!(
                related.said_on <= claim.said_on,
                "{} comes before what it answers",
                claim.id
            );
            assert_ne!(related.on_behalf_of, claim.on_behalf_of, "{}", claim.id);
        }
        if claim.claim == "denial" {
            assert!(matches!(claim.relates, Some(("denies", _))), "{}", claim.id);
        }
    }
    let of = |who: &str| {
        claims
            .iter()
            .filter(|claim| claim.on_behalf_of.as_deref() == Some(who))
            .count()
    };
    assert!(
        ["RU", "US", "GOV", "OPP"]
            .into_iter()
            .all(|who| of(who) > 0),
        "each side is heard"
    );
}

#[test]
fn tolls_name_who_gave_them_and_whether_they_are_official() {
    let tolls = toll_csv::read(&table("toll.csv")).unwrap();
    for toll in &tolls {
        parse("toll.record/1", &toll.groups(&syria()));
    }
    let envoy = tolls
        .iter()
        .find(|toll| toll.best == Some(400_000))
        .unwrap();
    assert!(!envoy.official, "it was his own estimate");
    let displaced = tolls.iter().find(|toll| toll.harm == "displaced").unwrap();
    assert!(displaced.denominator.is_some());
}

#[test]
fn every_table_and_its_licence_is_named_in_sources() {
    let sources = String::from_utf8(table("SOURCES.md")).unwrap();
    for name in [
        "events.csv",
        "places.csv",
        "tallies.csv",
        "claims.csv",
        "toll.csv",
    ] {
        assert!(sources.contains(name), "{name}");
        assert!(table(name).len() < TABLE_BYTES_MAX);
    }
    for attribution in [
        "UCDP GED Syria 652.1601.1911",
        "Sundberg",
        "CC BY 4.0",
        "OpenSyria",
        "CC BY 3.0 IGO",
        "GeoNames",
        "Real public data",
        "94 %",
    ] {
        assert!(sources.contains(attribution), "{attribution}");
    }
}
