//! What tests share: the data beside the checkout, when it is there, and the truce's own reader.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which each test uses a part"
)]

use formats::areas::Areas;
use formats::days::DayOffsets;
use formats::places_csv::Place;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use truce::wire::Wire;

/// The checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the data beside the checkout, unpacked; none when the data is not there.
pub fn shared(name: &str) -> Option<Vec<u8>> {
    let path = checkout().join("../shared/data").join(name);
    if !path.exists() {
        eprintln!("without {}: nothing shown", path.display());
        return None;
    }
    if !name.ends_with(".gz") {
        return Some(std::fs::read(path).unwrap());
    }
    let unpacked = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    assert!(unpacked.status.success(), "gzip could not unpack {name}");
    Some(unpacked.stdout)
}

/// Reads a statement's groups as everybody will who is given them. They are written again as the same: otherwise a second import
/// would find that everything changed.
pub fn parse(kind: &str, groups: &Map<String, Value>) -> truce::Body {
    let contents = groups.clone().into_iter().collect();
    let body = truce::parse(&kind.parse().unwrap(), &contents)
        .unwrap_or_else(|error| panic!("{kind}: {error}: {groups:?}"));
    let written = match &body {
        truce::Body::ReportFile(report) => report.write(),
        other => json!({"body": other.write()}),
    };
    assert_eq!(written, Value::Object(groups.clone()));
    body
}

/// The days of Syria in 2016: summer time from 25 March to 27 October.
pub fn syria() -> DayOffsets {
    let day = |text| formats::cells::day(text).unwrap();
    let winter = DayOffsets::fixed(120).unwrap();
    winter
        .from_day(day("2016-03-25"), 180)
        .unwrap()
        .from_day(day("2016-10-28"), 120)
        .unwrap()
}

pub fn areas(places: &[Place]) -> Areas<'_, fn(&str) -> String> {
    Areas::of(places, truce::names::stem)
}
