//! Small tables by hand: what is read from them, and what is refused with which words.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use formats::areas::Basis;
use formats::claims_csv;
use formats::days::DayOffsets;
use formats::ged_csv;
use formats::places_csv::{self, Kind, Script};
use formats::reports_csv::{self, Set, Violence};
use formats::table::Rejected;
use formats::tally_csv::{self, Series};
use formats::toll_csv;
use support::{areas, parse, syria};
use truce::Body;

fn problems<T: std::fmt::Debug>(read: Result<T, Rejected>) -> Vec<String> {
    match read.unwrap_err() {
        Rejected::Rows { problems, .. } => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    }
}

/// A row of GED in which some cells are replaced.
fn ged(changes: &[&[(&str, &str)]]) -> Vec<u8> {
    let cells = [
        ("id", "214808"),
        ("year", "2016"),
        ("type_of_violence", "1"),
        ("side_a", "Government of Syria"),
        ("side_b", "Syrian insurgents"),
        ("number_of_sources", "2"),
        (
            "source_article",
            "\"SOHR,2016-01-01,Clashes, with a comma\";\"Reuters News,2016-01-02,Aleppo\"",
        ),
        ("where_prec", "1"),
        ("where_coordinates", "Aleppo town"),
        ("adm_1", "Aleppo Governorate"),
        ("adm_2", "Jabal Saman district"),
        ("latitude", "36.201241"),
        ("longitude", "37.161173"),
        ("country", "Syria"),
        ("date_prec", "1"),
        ("date_start", "2016-02-27"),
        ("date_end", "2016-02-27"),
        ("deaths_a", "2"),
        ("deaths_b", "0"),
        ("deaths_civilians", "1"),
        ("deaths_unknown", "1"),
        ("low", "3"),
        ("best", "4"),
        ("high", "5"),
    ];
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells.map(|(name, _)| name)).unwrap();
    for (number, changes) in changes.iter().enumerate() {
        let id = (214_808 + number).to_string();
        let cell = |(name, value): &(&str, &str)| {
            let changed = changes
                .iter()
                .find(|(changed, _)| changed == name)
                .map(|(_, value)| *value);
            changed.map_or_else(
                || {
                    if *name == "id" {
                        id.clone()
                    } else {
                        (*value).to_owned()
                    }
                },
                str::to_owned,
            )
        };
        writer.write_record(cells.iter().map(cell)).unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn an_event_keeps_its_precision_its_range_and_its_sides_as_they_are() {
    let bytes = [
        b"\xef\xbb\xbf".to_vec(),
        ged(&[&[
            ("adm_2", ""),
            ("where_prec", "4"),
            ("date_end", "2016-03-04"),
            ("date_prec", "3"),
        ]]),
    ]
    .concat();
    let event = &ged_csv::read(&bytes).unwrap()[0];
    let report = &event.report;
    assert_eq!((report.lat_e7, report.lon_e7), (362_012_410, 371_611_730));
    assert_eq!(
        (report.where_prec, report.date_prec, report.violence),
        (4, 3, Violence::StateBased)
    );
    assert_eq!(
        (report.low, report.best, report.high, report.civilians),
        (3, 4, 5, 1)
    );
    assert_eq!(
        (event.deaths_a, event.deaths_b, event.deaths_unknown),
        (2, 0, 1)
    );
    assert_eq!(
        (report.adm1.as_deref(), report.adm2.as_deref()),
        (Some("Aleppo Governorate"), None)
    );
    assert_eq!(report.side_b, "Syrian insurgents");
    assert_eq!(report.day_end.to_string(), "2016-03-04");
}

#[test]
fn of_sources_the_names_are_kept_and_not_the_headlines() {
    let names = |article: &str| {
        let events = ged_csv::read(&ged(&[&[("source_article", article)]])).unwrap();
        events[0].report.source_names.clone()
    };
    assert_eq!(
        names("\"SOHR,2016-01-01,a\";\"SOHR,2016-01-02,b\";\"SOHR ,2016-01-02,c\""),
        ["SOHR"]
    );
    assert_eq!(
        names("\"IHS Jane's, weekly,2016-01-01,a;b\""),
        ["IHS Jane's, weekly"]
    );
    assert_eq!(
        names("\"وكالة سانا,2016-01-01,خبر\";\"AFP,1753-01-01,line\nbreak\""),
        ["وكالة سانا", "AFP"]
    );
    assert_eq!(names("\"BBC|Reuters,2016-01-01,a\""), ["BBC", "Reuters"]);
    for free_text in [
        "",
        "a report without a name",
        "\"headline alone, no day\"",
        "\"\"",
        "\";\"",
        ",2016-01-01,x",
    ] {
        assert!(names(free_text).is_empty(), "{free_text}");
    }
}

#[test]
fn each_wrong_cell_of_an_event_is_named() {
    let bytes = ged(&[
        &[("latitude", "NaN"), ("deaths_a", "NA"), ("where_prec", "8")],
        &[("latitude", "117.161173"), ("longitude", "36.2")],
        &[("date_start", "2016-02-30")],
        &[("date_end", "2016-02-26")],
        &[("id", "214808")],
        &[("side_b", "Government of Syria"), ("best", "-4")],
        &[
            ("where_coordinates", ""),
            ("type_of_violence", "0"),
            ("number_of_sources", "-1"),
        ],
    ]);
    assert_eq!(
        problems(ged_csv::read(&bytes)),
        [
            "row 2, column latitude: \"NaN\" is no number of degrees such as 36.201241, with a point and without exponent",
            "row 2, column where_prec: \"8\" is no step from 1 to 7",
            "row 2, column deaths_a: \"NA\" is no whole number from 0 to 1000000000",
            "row 3, column latitude: \"117.161173\" is beyond 90 degrees; are latitude and longitude exchanged?",
            "row 4, column date_start: \"2016-02-30\" is no day from 1900 to 2199, such as 2016-06-20",
            "row 5, column date_end: \"2016-02-26\" is before date_start",
            "row 6, column id: \"214808\" stands in row 2 already",
            "row 7, column side_b: \"Government of Syria\" is the same as side_a",
            "row 7, column best: \"-4\" is no whole number from 0 to 1000000000",
            "row 8, column where_coordinates: is empty",
            "row 8, column type_of_violence: \"0\" is no step from 1 to 3",
        ]
    );
}

#[test]
fn a_missing_column_is_named() {
    let refused = ged_csv::read(b"id,side_a\n1,x\n").unwrap_err().to_string();
    assert!(
        refused.contains("side_b") && refused.contains("where_prec") && !refused.contains("side_a"),
        "{refused}"
    );
}

#[test]
fn sources_that_were_not_counted_and_ranges_out_of_order_are_kept_as_the_set_has_them() {
    let bytes = ged(&[&[
        ("number_of_sources", "-1"),
        ("low", "177"),
        ("best", "142"),
        ("high", "177"),
    ]]);
    let report = &ged_csv::read(&bytes).unwrap()[0].report;
    assert_eq!((report.sources, report.low, report.best), (None, 177, 142));
    assert!(!report.range_is_in_order());
}

#[test]
fn a_point_goes_into_a_report_only_when_it_is_one() {
    let rows: Vec<Vec<(&str, &str)>> = ["1", "2", "3", "4", "5", "6", "7"]
        .map(|prec| vec![("where_prec", prec), ("adm_1", ""), ("adm_2", "")])
        .to_vec();
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
    let set = Set::new("ucdp-ged", "UCDP GED", syria()).unwrap();
    for event in ged_csv::read(&ged(&rows)).unwrap() {
        let Body::ReportFile(filed) = parse("report.file/1", &event.report.groups(&set)) else {
            panic!("another kind")
        };
        let uncertainty = filed
            .exact
            .map(|exact| exact.uncertainty_m.map(truce::values::Metres::get));
        let expected = match event.report.where_prec {
            1 => Some(None),
            2 => Some(Some(25_000)),
            _ => None,
        };
        assert_eq!(uncertainty, expected);
    }
}

#[test]
fn a_report_says_what_the_event_says_and_no_more() {
    let set = Set::new("ucdp-ged", "UCDP GED", syria()).unwrap();
    let report = ged_csv::read(&ged(&[&[]])).unwrap().remove(0).report;
    let Body::ReportFile(filed) = parse("report.file/1", &report.groups(&set)) else {
        panic!("another kind")
    };
    let body = filed.body;
    assert_eq!(
        (body.from.as_str(), body.until.as_str()),
        ("2016-02-27T00:00:00+02:00", "2016-02-28T00:00:00+02:00")
    );
    assert_eq!(
        body.sides
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["Government of Syria", "Syrian insurgents"]
    );
    assert_eq!(body.external_id.unwrap().as_str(), "ucdp-ged:214808");
    assert_eq!(
        body.category_words.unwrap().as_str(),
        "state-based conflict"
    );
    assert_eq!(body.source_names.len(), 2);
    assert_eq!(body.sources_count.unwrap().get(), 2);
    assert!(
        body.weapon.is_none() && body.direction.is_none() && body.grade.is_none(),
        "nothing is made up"
    );
    assert!(Set::new("UCDP GED", "x", syria()).is_err());
    assert!(Set::new("ucdp", "", syria()).is_err());
}

#[test]
fn our_own_table_of_reports_wants_code_and_basis_together() {
    let report = ged_csv::read(&ged(&[&[]])).unwrap().remove(0).report;
    let with = |pcode| {
        reports_csv::write(&[reports_csv::Report {
            pcode,
            ..report.clone()
        }])
    };
    let written = with(Some(("SY020000".to_owned(), Basis::ByDistance)));
    assert_eq!(
        reports_csv::read(&written).unwrap()[0].pcode,
        Some(("SY020000".to_owned(), Basis::ByDistance))
    );
    let half = String::from_utf8(written)
        .unwrap()
        .replace("by_distance", "");
    assert!(
        problems(reports_csv::read(half.as_bytes()))[0]
            .contains("column pcode_basis: stands there when pcode does")
    );
    let bad = half.replace("SY020000,", "sy02,by_distance");
    assert!(problems(reports_csv::read(bad.as_bytes()))[0].contains("\"sy02\" is no P-code"));
}

const DAILY: &str = "date,date_basis,reported_by,violations,split_sum,confirmed_by_other_side,settlements_joined_total,\
    groups_committed_total,note,source_url\n";

#[test]
fn a_day_s_total_and_its_lines_are_kept_as_they_were_published() {
    let daily = format!(
        "{DAILY}2016-02-29,inferred,RU,7,,,37,,\"a note, with a comma\",http://example.org/a\n"
    );
    let provinces = "date,reported_by,province_as_written,pcodes,violations\n2016-02-29,RU,Damascus,SY01|SY03,4\n\
        2016-02-29,RU,حلب,SY02,4\n2016-03-01,RU,Homs,,1\n";
    let lines = tally_csv::read_by_province(provinces.as_bytes()).unwrap();
    let tallies = tally_csv::join(tally_csv::read_daily(daily.as_bytes()).unwrap(), lines);
    assert_eq!(
        tally_csv::read(&tally_csv::write(&tallies)).unwrap(),
        tallies
    );
    let days = DayOffsets::fixed(180).unwrap();
    let series = Series {
        counted: "violations",
        about: "the other side",
        title: "Bulletin",
        days: &days,
    };
    let Body::TallyRecord(first) = parse("tally.record/1", &tallies[0].groups(&series)) else {
        panic!("another kind")
    };
    assert_eq!(
        first.arithmetic(),
        truce::claims::Arithmetic::DoesNotAddUp {
            stated: 7,
            lines: 8
        }
    );
    assert_eq!(first.from.as_str(), "2016-02-29T00:00:00+03:00");
    let note = first.note.unwrap();
    assert!(
        note.as_str().starts_with("The day is inferred")
            && note
                .as_str()
                .ends_with("joined by then, as stated: 37. a note, with a comma.")
    );
    let Body::TallyRecord(second) = parse("tally.record/1", &tallies[1].groups(&series)) else {
        panic!("another kind")
    };
    assert_eq!(
        second.arithmetic(),
        truce::claims::Arithmetic::LinesAlone(1),
        "a sum is nobody's statement"
    );
}

#[test]
fn wrong_tallies_are_refused_by_row_and_column() {
    let daily = format!(
        "{DAILY}2016-02-29,guessed,RU,,,,,,,ftp://x\n2016-03-01,stated,RU,7,,,,,,http://example.org/a\n2016-03-01,stated,RU,8,,,,,,\n"
    );
    assert_eq!(
        problems(tally_csv::read_daily(daily.as_bytes())),
        [
            "row 2, column date_basis: \"guessed\" is none of stated, inferred",
            "row 2, column violations: is empty",
            "row 2, column source_url: \"ftp://x\" is no address that starts with http:// or https://, at most 500 characters",
            "row 4, column date: \"2016-03-01\" stands in row 3 already, by the same issuer",
        ]
    );
    let provinces = "date,reported_by,province_as_written,pcodes,violations\n2016-02-29,RU,Homs,SY04|,4\n2016-02-29,RU,Hama,SY05,1.5\n\
        2016-02-29,RU,Aleppo,SY02,1\n2016-02-29,RU,Aleppo,SY02,1\n";
    let found = problems(tally_csv::read_by_province(provinces.as_bytes()));
    assert!(
        found[0].starts_with("row 2, column pcodes: \"SY04|\" names \"\", which is no P-code"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("row 3, column violations: \"1.5\" is no whole number"),
        "{found:?}"
    );
    assert!(
        found[2].starts_with("row 5, column province_as_written: \"Aleppo\" stands there twice"),
        "{found:?}"
    );
    let silent = format!(
        "{}\n2016-02-29,stated,RU,,,,,,,\n",
        tally_csv::COLUMNS.join(",")
    );
    assert_eq!(
        problems(tally_csv::read(silent.as_bytes())),
        ["row 2, column count: is empty, and the day has no lines"]
    );
    let mut many = format!("{}\n", tally_csv::COLUMNS.join(","));
    for line in 0..=tally_csv::LINES_MAX {
        many += &format!("2016-02-29,,RU,Line {line},,1,,,,\n");
    }
    assert!(problems(tally_csv::read(many.as_bytes()))[0].contains("one more than the 64 lines"));
}

const ADMIN: &str = "level,pcode,parent_pcode,name_en,name_ar,aliases_en,aliases_ar,lat,lon,area_km2,population_2004,population_2016\n\
    1,SY02,SY,Aleppo,حلب,Aleppo Governorate,محافظة حلب,36.25,37.61667,18482,4045166,3734000\n\
    1,SY07,SY,Idlib,إدلب,Idlib Governorate,,35.9,36.7,,,\n\
    2,SY0200,SY02,Mount Simeon,جبل سمعان,Jebel Saman,,35.99956,37.08473,,2490751,\n\
    2,SY0204,SY02,Azaz,أعزاز,A'zaz,,36.49986,37.18382,,,\n\
    3,SY020000,SY0200,Jebel Saman,مركز جبل سمعان,,,36.19354,37.16174,,,\n\
    3,SY020003,SY0200,Haritan,حريتان,,,36.29656,37.05957,,,\n\
    3,SY020400,SY0204,A'zaz,أعزاز,,,36.58,37.05,,,\n\
    3,SY070000,SY0700,Idlib,إدلب,,,35.93,36.63,,,\n";

#[test]
fn places_keep_their_names_by_script_and_say_which_are_shown() {
    let places = places_csv::read_admin(ADMIN.as_bytes()).unwrap();
    let aleppo = &places[0];
    assert_eq!(
        (aleppo.kind, aleppo.name("en"), aleppo.name("ar")),
        (Kind::Governorate, Some("Aleppo"), Some("حلب"))
    );
    assert_eq!(
        (aleppo.population, aleppo.population_year),
        (Some(3_734_000), Some(2016))
    );
    assert_eq!(
        (places[2].population, places[2].population_year),
        (Some(2_490_751), Some(2004))
    );
    assert_eq!(aleppo.names[3].script, Script::Arabic);
    assert_eq!(aleppo.parent, Some(("SY".to_owned(), Basis::Stated)));

    let towns = "geonameid,name,name_ar,other_names,lat,lon,population,admin1\n\
        170063,Aleppo,حلب|مدينة حلب,Aleppo|Halab|Алеппо|Χαλέπι|ʿeleፖ| ,36.20124,37.16117,2098210,09\n";
    let town = &places_csv::read_geonames(towns.as_bytes()).unwrap()[0];
    let names: Vec<(&str, Script, bool)> = town
        .names
        .iter()
        .map(|n| (n.text.as_str(), n.script, n.main))
        .collect();
    assert_eq!(
        names,
        [
            ("Aleppo", Script::Latin, true),
            ("حلب", Script::Arabic, true),
            ("مدينة حلب", Script::Arabic, false),
            ("Halab", Script::Latin, false),
            ("Алеппо", Script::Cyrillic, false),
            ("Χαλέπι", Script::Other, false),
            ("ʿeleፖ", Script::Other, false),
        ]
    );
    assert_eq!(
        (town.id.as_str(), town.population),
        ("geonames:170063", Some(2_098_210))
    );
    let named = places_csv::read_ged(
        "name,lat,lon,adm1,adm2,where_prec,events_2016\nAleppo town,36.2,37.1,,,1,9\n".as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (named[0].id.as_str(), named[0].kind),
        ("ged:Aleppo town@36.2,37.1", Kind::Named)
    );
}

#[test]
fn wrong_places_are_refused_by_row_and_column() {
    let long = "x".repeat(121);
    let admin = format!("{ADMIN}4,SY02,sy,,,,,96.25,37,,,-1\n1,SY09,SY,{long},,,,36,181,,,\n");
    let found = problems(places_csv::read_admin(admin.as_bytes()));
    for (at, says) in [
        "row 10, column pcode: \"SY02\" stands in row 2 already",
        "row 10, column level: \"4\" is no step from 1 to 3",
        "row 10, column parent_pcode: \"sy\" is no P-code",
        "row 10, column lat: \"96.25\" is beyond 90 degrees; are latitude and longitude exchanged?",
        "row 10, column population_2016: \"-1\" is no whole number",
        "row 10, column name_en: has no name in any column",
        "row 11, column name_en: \"xxxx",
        "row 11, column lon: \"181\" is beyond 180 degrees",
    ]
    .iter()
    .enumerate()
    {
        assert!(
            found.get(at).is_some_and(|found| found.starts_with(says)),
            "{at}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 8);
}

#[test]
fn an_area_is_found_by_name_first_then_by_distance_and_never_finer_than_the_place_is_known() {
    let places = places_csv::read_admin(ADMIN.as_bytes()).unwrap();
    let areas = areas(&places);
    let locate = |changes: &[(&str, &str)]| {
        let report = ged_csv::read(&ged(&[changes])).unwrap().remove(0).report;
        areas
            .locate(&report)
            .map(|located| (located.pcode, located.basis))
    };
    let found = |pcode: &str, basis| Some((pcode.to_owned(), basis));
    assert_eq!(
        locate(&[]),
        found("SY020000", Basis::ByDistance),
        "the district by name, in it the nearest centre"
    );
    assert_eq!(
        locate(&[("where_coordinates", "Haritan town")]),
        found("SY020003", Basis::ByName)
    );
    assert_eq!(
        locate(&[
            ("where_coordinates", "Haritan town"),
            ("adm_2", "Mintaqat Azaz district")
        ]),
        found("SY020400", Basis::ByDistance),
        "a name is looked for in the district that is named"
    );
    assert_eq!(
        locate(&[("where_prec", "2")]),
        found("SY0200", Basis::ByName)
    );
    assert_eq!(
        locate(&[("where_prec", "3"), ("adm_2", "")]),
        found("SY0200", Basis::ByDistance)
    );
    assert_eq!(
        locate(&[("where_prec", "2"), ("adm_2", "Haritan district")]),
        found("SY0200", Basis::ByName),
        "a sub-district's name"
    );
    assert_eq!(
        locate(&[("where_prec", "4"), ("adm_2", "")]),
        found("SY02", Basis::ByName)
    );
    assert_eq!(locate(&[("where_prec", "5")]), found("SY02", Basis::ByName));
    assert_eq!(
        locate(&[("where_prec", "6"), ("adm_1", ""), ("adm_2", "")]),
        None
    );
    let nameless = [("adm_1", "Elsewhere"), ("adm_2", "")];
    assert_eq!(locate(&nameless), found("SY020000", Basis::ByDistance));
    let far = [nameless[0], nameless[1], ("latitude", "34.0")];
    assert_eq!(locate(&far), None, "no centre is near");
}

#[test]
fn equal_names_are_not_chosen_between() {
    let twins = ADMIN
        .replace("Haritan,حريتان", "Twin,توأم")
        .replace("3,SY020000,SY0200,Jebel Saman", "3,SY020000,SY0200,Twin");
    let places = places_csv::read_admin(twins.as_bytes()).unwrap();
    let report = ged_csv::read(&ged(&[&[("where_coordinates", "Twin village")]]))
        .unwrap()
        .remove(0)
        .report;
    let located = areas(&places).locate(&report).unwrap();
    assert_eq!(
        (located.pcode.as_str(), located.basis),
        ("SY020000", Basis::ByDistance)
    );
    assert!(located.metres.unwrap() < 1000);
}

#[test]
fn claims_and_tolls_are_refused_by_row_and_column() {
    let claims = format!(
        "{}\na,rumour,Spokesperson,,RU,2016-06-20,day,,quote,EN,,x,,denies,\nb,denial,Spokesperson,,,2016-06-20,day,,paraphrase,ar,لا,x,,\
         denies,b\nc,denial,Spokesperson,,,2016-06-20,day,,paraphrase,ar,لا,x,,denies,z\n",
        claims_csv::COLUMNS.join(",")
    );
    assert_eq!(
        problems(claims_csv::read(claims.as_bytes())),
        [
            "row 2, column claim: \"rumour\" is none of assertion, allegation, denial, warning, estimate, admission",
            "row 2, column form: \"quote\" is none of original, paraphrase",
            "row 2, column language: \"EN\" is no BCP 47 language tag, such as ar or sr-Latn",
            "row 2, column words: is empty",
            "row 2, column related_to: stands there when relation does, and only then",
            "row 3, column related_to: \"b\" names \"b\", which is this row itself",
            "row 4, column related_to: \"z\" names \"z\", which is the id of no row",
        ]
    );
    let tolls = format!(
        "{}\na,killed,everybody,5,4,,,Syria,SY,2016-01-01,2015-01-01,x,perhaps,,y,\nb,killed,everybody,,,,,Syria,,2016-01-01,2016-01-01,\
         x,yes,,y,\n",
        toll_csv::COLUMNS.join(",")
    );
    assert_eq!(
        problems(toll_csv::read(tolls.as_bytes())),
        [
            "row 2, column best: \"4\" does not lie between low and high",
            "row 2, column until: \"2015-01-01\" is before from",
            "row 2, column official: \"perhaps\" is none of yes, no",
            "row 3, column best: is empty, as are low and high",
        ]
    );
}

#[test]
fn words_of_tables_are_the_words_of_statements() {
    use truce::{claims, toll};
    let words = |all: &[&'static str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    fn all<T: ToString>(all: &[T]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }
    assert_eq!(words(claims_csv::CLAIMS), all(claims::ClaimType::ALL));
    assert_eq!(words(claims_csv::FORMS), all(claims::Form::ALL));
    assert_eq!(words(claims_csv::RELATIONS), all(claims::Relation::ALL));
    assert!(
        claims_csv::PRECISIONS
            .iter()
            .all(|p| all(claims::Precision::ALL).contains(&(*p).to_owned()))
    );
    assert_eq!(words(toll_csv::HARMS), all(toll::Harm::ALL));
    assert_eq!(words(toll_csv::POPULATIONS), all(toll::Population::ALL));
    let bases = [Basis::Stated, Basis::ByName, Basis::ByDistance].map(Basis::word);
    assert_eq!(words(&bases), all(truce::incidents::PcodeBasis::ALL));
}
