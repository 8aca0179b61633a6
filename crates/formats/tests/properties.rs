//! What holds for anything that can stand in a table.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::areas::{Basis, metres};
use formats::cells;
use formats::days::DayOffsets;
use formats::places_csv::{self, Kind, Name, Place, Script};
use formats::reports_csv::{self, Report, Set, Violence};
use formats::tally_csv::{self, Line, Series, Tally};
use formats::{claims_csv, ged_csv, toll_csv};
use jiff::civil::Date;
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::{parse, syria};

/// One line without white space around it, as cells have it.
fn text(max: usize) -> impl Strategy<Value = String> {
    let any_line = prop::string::string_regex(&format!("[^\0-\x1f\x7f|]{{1,{max}}}")).unwrap();
    prop_oneof![3 => any_line, 2 => "[a-zA-Zأ-يа-яё,;\"' ]{1,20}"]
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("not empty", |text| !text.is_empty())
}

fn day() -> impl Strategy<Value = Date> {
    (1900_i16..=2199, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| jiff::civil::date(y, m, d))
}

fn count() -> impl Strategy<Value = i64> {
    prop_oneof![0_i64..20, Just(cells::COUNT_MAX)]
}

fn pcode() -> impl Strategy<Value = String> {
    "[A-Z]{2}[A-Z0-9]{0,10}"
}

fn basis() -> impl Strategy<Value = Basis> {
    prop_oneof![
        Just(Basis::Stated),
        Just(Basis::ByName),
        Just(Basis::ByDistance)
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let when = (day(), day(), 1_i64..=5);
    let lat = -cells::LAT_E7_MAX..=cells::LAT_E7_MAX;
    let lon = -cells::LON_E7_MAX..=cells::LON_E7_MAX;
    let place = (
        lat,
        lon,
        1_i64..=7,
        text(cells::LABEL_MAX),
        prop::option::of(text(cells::LABEL_MAX)),
        prop::option::of(text(cells::LABEL_MAX)),
    );
    let sides = (text(cells::LINE_MAX), text(cells::LINE_MAX)).prop_filter("two", |(a, b)| a != b);
    let violence = prop_oneof![
        Just(Violence::StateBased),
        Just(Violence::NonState),
        Just(Violence::OneSided)
    ];
    let sources = (
        prop::option::of(count()),
        prop::collection::btree_set(text(cells::LABEL_MAX), 0..5),
    );
    let numbers = (count(), count(), count(), count());
    let code = prop::option::of((pcode(), basis()));
    (
        text(cells::ID_MAX),
        when,
        place,
        code,
        violence,
        sides,
        numbers,
        sources,
    )
        .prop_map(
            |(
                id,
                (one, other, date_prec),
                place,
                pcode,
                violence,
                (side_a, side_b),
                numbers,
                (sources, names),
            )| {
                let (lat_e7, lon_e7, where_prec, place, adm1, adm2) = place;
                let (low, best, high, civilians) = numbers;
                let (day_start, day_end) = (one.min(other), one.max(other));
                let source_names = names.into_iter().collect();
                Report {
                    id,
                    day_start,
                    day_end,
                    date_prec,
                    lat_e7,
                    lon_e7,
                    where_prec,
                    place,
                    adm1,
                    adm2,
                    pcode,
                    violence,
                    side_a,
                    side_b,
                    low,
                    best,
                    high,
                    civilians,
                    sources,
                    source_names,
                }
            },
        )
}

fn tally() -> impl Strategy<Value = Tally> {
    let line = (
        text(cells::LABEL_MAX),
        prop::collection::btree_set(pcode(), 0..4),
        count(),
    )
        .prop_map(|(label, pcodes, count)| Line {
            label,
            pcodes: pcodes.into_iter().collect(),
            count,
        });
    let joined = (prop::option::of(count()), prop::option::of(count()));
    let said = (
        prop::option::of(text(cells::LINE_MAX)),
        prop::option::of("https?://[a-z/?=]{1,20}"),
    );
    (
        text(cells::LABEL_MAX),
        day(),
        any::<bool>(),
        prop::option::of(count()),
        prop::collection::vec(line, 0..5),
        joined,
        said,
    )
        .prop_map(
            |(
                issued_by,
                day,
                day_is_inferred,
                total,
                mut lines,
                (settlements_joined, groups_joined),
                (note, source_url),
            )| {
                let mut seen = Vec::new();
                lines.retain(|line| {
                    !seen.contains(line) && {
                        seen.push(line.clone());
                        true
                    }
                });
                Tally {
                    issued_by,
                    day,
                    day_is_inferred,
                    total,
                    lines,
                    settlements_joined,
                    groups_joined,
                    note,
                    source_url,
                }
            },
        )
        .prop_filter("says something", |tally| {
            tally.total.is_some() || !tally.lines.is_empty()
        })
}

fn place() -> impl Strategy<Value = Place> {
    let kinds = [
        Kind::Governorate,
        Kind::District,
        Kind::Subdistrict,
        Kind::Settlement,
        Kind::Named,
    ];
    let names = (
        prop::option::of(text(40)),
        prop::option::of("[ء-ي]{1,8}"),
        prop::collection::btree_set(text(40), 1..4),
    );
    let at = (
        -cells::LAT_E7_MAX..=cells::LAT_E7_MAX,
        -cells::LON_E7_MAX..=cells::LON_E7_MAX,
    );
    let people = prop::option::of((count(), 1900_i64..2030));
    (
        text(cells::ID_MAX),
        prop::sample::select(kinds.to_vec()),
        names,
        at,
        prop::option::of(pcode()),
        prop::option::of((pcode(), basis())),
        people,
    )
        .prop_map(
            |(id, kind, (english, arabic, others), (lat_e7, lon_e7), pcode, parent, people)| {
                let shown = [
                    english.map(|name| Name::main(&name, "en")),
                    arabic.map(|name| Name::main(&name, "ar")),
                ];
                let mut names: Vec<Name> = shown.into_iter().flatten().collect();
                let known: BTreeSet<String> = names.iter().map(|name| name.text.clone()).collect();
                names.extend(
                    others
                        .difference(&known)
                        .map(|name| Name::alias(name, None)),
                );
                let (population, population_year) = people.unzip();
                Place {
                    id,
                    kind,
                    names,
                    lat_e7,
                    lon_e7,
                    pcode,
                    parent,
                    population,
                    population_year,
                }
            },
        )
}

/// The great circle by floating point: what `metres` is held against.
fn haversine(a: (i64, i64), b: (i64, i64)) -> f64 {
    let radians = |units: i64| (units as f64 * 1e-7).to_radians();
    let (lat_a, lat_b) = (radians(a.0), radians(b.0));
    let (north, east) = ((lat_a - lat_b) / 2.0, (radians(a.1) - radians(b.1)) / 2.0);
    let h = north.sin().powi(2) + lat_a.cos() * lat_b.cos() * east.sin().powi(2);
    2.0 * 6_371_000.0 * h.sqrt().asin()
}

proptest! {
    #[test]
    fn reports_read_back_as_they_were_written_and_can_be_said(reports in prop::collection::btree_map(text(8), report(), 0..4)) {
        let reports: Vec<Report> = reports.into_iter().map(|(id, report)| Report { id, ..report }).collect();
        let written = reports_csv::write(&reports);
        let read = reports_csv::read(&written).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(&read, &reports);
        prop_assert_eq!(reports_csv::write(&read), written);
        let set = Set::new("set", "A set", syria()).unwrap();
        for report in &reports {
            parse("report.file/1", &report.groups(&set));
        }
    }

    #[test]
    fn tallies_read_back_as_they_were_written_and_can_be_said(tally in tally()) {
        let read = tally_csv::read(&tally_csv::write(std::slice::from_ref(&tally)));
        prop_assert_eq!(read.map_err(|e| TestCaseError::fail(e.to_string()))?, vec![tally.clone()]);
        let days = DayOffsets::fixed(180).unwrap();
        let series = Series { counted: "violations", about: "the other side", title: "Bulletin", days: &days };
        parse("tally.record/1", &tally.groups(&series));
    }

    #[test]
    fn places_read_back_as_they_were_written(place in place()) {
        let read = places_csv::read(&places_csv::write(std::slice::from_ref(&place)));
        prop_assert_eq!(read.map_err(|e| TestCaseError::fail(e.to_string()))?, vec![place]);
    }

    #[test]
    fn degrees_are_written_as_they_are_read(units in -cells::LON_E7_MAX..=cells::LON_E7_MAX) {
        prop_assert_eq!(cells::longitude(&cells::degrees(units)), Ok(units));
    }

    #[test]
    fn further_digits_round_to_the_nearest_unit(whole in 0_i64..90, fraction in 0_u64..10_000_000_000) {
        let text = format!("{whole}.{fraction:010}");
        let units = i128::from(whole) * 10_000_000 + i128::from(fraction + 500) / 1000;
        prop_assert_eq!(cells::latitude(&text).map(i128::from), Ok(units));
        prop_assert_eq!(cells::latitude(&format!("-{text}")).map(i128::from), Ok(-units));
    }

    /// Within a country, and up to where people live in the north.
    #[test]
    fn distances_are_right_to_half_a_percent(
        lat in -600_000_000_i64..600_000_000, lon in -cells::LON_E7_MAX..=cells::LON_E7_MAX,
        north in -20_000_000_i64..20_000_000, east in -20_000_000_i64..20_000_000,
    ) {
        let mut other = (lat + north, lon + east);
        if other.1.abs() > cells::LON_E7_MAX {
            other.1 -= other.1.signum() * 3_600_000_000;
        }
        let (exact, ours) = (haversine((lat, lon), other), metres((lat, lon), other));
        prop_assert!((exact - ours as f64).abs() <= exact * 0.005 + 2.0, "{} {}", exact, ours);
        prop_assert_eq!(ours, metres(other, (lat, lon)));
    }

    #[test]
    fn a_script_is_that_of_every_letter(latin in "[a-zA-Zāḩ]{1,6}", arabic in "[ء-ي]{1,6}", cyrillic in "[а-яё]{1,6}") {
        prop_assert_eq!(Script::of(&format!("ʿ{latin}-’ 12")), Script::Latin);
        prop_assert_eq!(Script::of(&arabic), Script::Arabic);
        prop_assert_eq!(Script::of(&cyrillic), Script::Cyrillic);
        prop_assert_eq!(Script::of(&format!("{latin}{arabic}")), Script::Other);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z,\"\n\r|0-9.-]{0,64}", header in 0_usize..5) {
        let headers = [
            ged_csv::COLUMNS.join(","), reports_csv::COLUMNS.join(","), tally_csv::COLUMNS.join(","), claims_csv::COLUMNS.join(","),
            toll_csv::COLUMNS.join(","),
        ];
        let bytes = format!("{}\n{text}", headers[header]).into_bytes();
        let _ = (ged_csv::read(&bytes), reports_csv::read(&bytes), tally_csv::read(&bytes));
        let _ = (claims_csv::read(&bytes), toll_csv::read(&bytes));
    }
}
