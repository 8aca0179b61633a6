//! Tables of foreign formats, and the search form of names.

use crate::{independent, refused, text};
use formats::days::DayOffsets;
use formats::place_entry::{self, Notation, Read};
use formats::reports_csv::Set;
use formats::table::Rejected;
use formats::tally_csv::Series;
use formats::{
    claims_csv as claims, ged_csv as ged, places_csv as places, reports_csv as reports,
    tally_csv as tallies, toll_csv as tolls,
};
use serde_json::{Map, Value, json};
use truce::Body;
use truce::names;

/// A form and a stem are words with single spaces between them, and have no further form.
pub fn search_form(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (form, stem) = (names::search_form(text), names::stem(text));
    for made in [&form, &stem] {
        assert!(
            made.chars().all(|c| c.is_alphanumeric() || c == ' '),
            "{made:?}"
        );
        assert!(
            made.is_empty() || made.split(' ').all(|word| !word.is_empty()),
            "{made:?}"
        );
    }
    assert_eq!(names::search_form(&form), form);
    assert_eq!(names::stem(&stem), stem);
    assert_eq!(names::stem(&form), stem);
}

/// A place lies on the globe and is written again as the same, as fine; a name is what was written.
pub fn place_entry(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let entry = match place_entry::read(text) {
        Ok(Read::Place(entry)) => entry,
        Ok(Read::Name(name)) => return assert_eq!(name, text.trim()),
        Err(unread) => {
            assert!(unread.at >= 1 && unread.at <= text.chars().count().max(1));
            return refused(&unread);
        }
    };
    assert!(entry.lat_e7.abs() <= 900_000_000 && entry.lon_e7.abs() <= 1_800_000_000);
    assert!((1..=80_000).contains(&entry.uncertainty_m()));
    let senses = [
        Some(entry),
        entry.exchanged(),
        entry.minutes_and_decimals_confused(),
    ];
    for entry in senses.into_iter().flatten() {
        let Some(spelled) = entry.spelled() else {
            continue;
        };
        let Ok(Read::Place(again)) = place_entry::read(&spelled.text) else {
            panic!("{} is not read", spelled.text);
        };
        assert_eq!(again.written, entry.written);
        let whole = again
            .spelled()
            .and_then(|again| again.differences(&spelled));
        // A square that a border of the grid cuts has its middle in the next zone.
        let cut = entry.written.notation() == Notation::Mgrs;
        assert!(cut || whole.is_some_and(|differences| differences.is_empty()));
    }
}

/// Events are as many as a plain reader sees rows, and each can be said.
pub fn ged_csv(bytes: &[u8]) {
    let Some(events) = whole(bytes, ged::read(bytes)) else {
        return;
    };
    assert_eq!(events.len(), rows(bytes));
    let read: Vec<reports::Report> = events.into_iter().map(|event| event.report).collect();
    said(&read);
    // What becomes of them is a table of our own.
    assert_eq!(reports::read(&reports::write(&read)).as_ref(), Ok(&read));
}

/// What is written reads back, and each can be said.
pub fn reports_csv(bytes: &[u8]) {
    let Some(read) = whole(bytes, reports::read(bytes)) else {
        return;
    };
    assert_eq!(read.len(), rows(bytes));
    said(&read);
    assert_eq!(reports::read(&reports::write(&read)).as_ref(), Ok(&read));
}

fn said(read: &[reports::Report]) {
    let days = DayOffsets::fixed(120)
        .and_then(|days| days.from_day(summer_time(), 180))
        .expect("the offsets are fixed");
    let set = Set::new("set", "A set", days).expect("the set is fixed");
    for report in read {
        let body = parsed("report.file/1", &report.groups(&set));
        // A second import must find that nothing changed.
        assert_eq!(body.write(), Value::Object(report.groups(&set)));
    }
}

fn summer_time() -> formats::cells::Day {
    formats::cells::day("2016-03-25").expect("the day is fixed")
}

/// Each shape is read or refused; totals and lines are kept; each can be said.
pub fn tally_csv(bytes: &[u8]) {
    let days = DayOffsets::fixed(180).expect("the offset is fixed");
    let series = Series {
        counted: "violations",
        about: "the other side",
        title: "Bulletin",
        days: &days,
    };
    let daily = whole(bytes, tallies::read_daily(bytes)).unwrap_or_default();
    let lines = whole(bytes, tallies::read_by_province(bytes)).unwrap_or_default();
    let own = whole(bytes, tallies::read(bytes)).unwrap_or_default();
    for tally in tallies::join(daily, lines).iter().chain(&own) {
        let body = parsed("tally.record/1", &tally.groups(&series));
        assert_eq!(
            json!({"body": body.write()}),
            Value::Object(tally.groups(&series))
        );
    }
    assert_eq!(tallies::read(&tallies::write(&own)).as_ref(), Ok(&own));
}

/// Each shape is read or refused; what is written has one spelling.
pub fn places_csv(bytes: &[u8]) {
    let shapes = [
        places::read_admin,
        places::read_geonames,
        places::read_ged,
        places::read,
    ];
    for read in shapes {
        let Some(read) = whole(bytes, read(bytes)) else {
            continue;
        };
        let areas = formats::areas::Areas::of(&read, names::stem);
        for place in &read {
            assert!(!place.names.is_empty());
            let located = areas.around(place);
            assert!(located.is_none_or(|area| {
                read.iter()
                    .any(|place| place.pcode.as_ref() == Some(&area.pcode))
            }));
        }
        let written = places::write(&read);
        match places::read(&written) {
            Ok(again) => assert_eq!(places::write(&again), written),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Each can be said, and stands in a relation to rows that are there.
pub fn claims_csv(bytes: &[u8]) {
    let Some(read) = whole(bytes, claims::read(bytes)) else {
        return;
    };
    let days = DayOffsets::fixed(0).expect("the offset is fixed");
    for claim in &read {
        let body = parsed("claim.record/1", &claim.groups(&days));
        assert_eq!(
            json!({"body": body.write()}),
            Value::Object(claim.groups(&days))
        );
        for related in claim.relates.iter().flat_map(|(_, to)| to) {
            assert!(
                read.iter()
                    .any(|other| other.id == *related && other.id != claim.id)
            );
        }
    }
}

/// Each can be said.
pub fn toll_csv(bytes: &[u8]) {
    let Some(read) = whole(bytes, tolls::read(bytes)) else {
        return;
    };
    let days = DayOffsets::fixed(0).expect("the offset is fixed");
    for toll in &read {
        let body = parsed("toll.record/1", &toll.groups(&days));
        assert_eq!(
            json!({"body": body.write()}),
            Value::Object(toll.groups(&days))
        );
    }
}

/// What was read, if the table was taken; each mistake is told in a few words.
fn whole<T>(bytes: &[u8], read: Result<Vec<T>, Rejected>) -> Option<Vec<T>> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            refused(&error);
            if let Rejected::Rows { problems, .. } = &error {
                problems.iter().for_each(refused);
                let lines = bytes
                    .iter()
                    .filter(|byte| matches!(byte, b'\r' | b'\n'))
                    .count() as u64;
                assert!(
                    problems
                        .iter()
                        .all(|problem| (2..=lines + 1).contains(&problem.row))
                );
            }
            None
        }
    }
}

/// Rows below the header, as a plain reader sees them.
fn rows(bytes: &[u8]) -> usize {
    let text = text(bytes).expect("what was taken is text");
    let rows = independent::csv(text.trim_start_matches('\u{feff}'));
    rows.expect("what was taken has quotation marks in pairs")
        .len()
        - 1
}

fn parsed(kind: &str, groups: &Map<String, Value>) -> Body {
    let contents = groups
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let kind = kind.parse().expect("the kind is fixed");
    truce::parse(&kind, &contents).unwrap_or_else(|error| panic!("{error}: {groups:?}"))
}
