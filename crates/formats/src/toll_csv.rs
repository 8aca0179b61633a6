//! Our own table of tolls: how many, of whom, where, when, by whose count. From a row comes the body of a `toll.record/1`.

use crate::body::{Groups, body, object};
use crate::cells;
use crate::cells::Day;
use crate::days::DayOffsets;
use crate::reports_csv::Ids;
use crate::table::{self, Rejected, Row};
use serde_json::json;

/// Most place codes of one toll.
pub const PCODES_MAX: usize = 32;

/// The columns.
pub const COLUMNS: [&str; 16] = [
    "id",
    "harm",
    "population",
    "low",
    "best",
    "high",
    "denominator",
    "area",
    "pcodes",
    "from",
    "until",
    "given_by",
    "official",
    "method",
    "source_title",
    "source_url",
];

/// What happened to them.
pub const HARMS: &[&str] = &["killed", "injured", "missing", "detained", "displaced"];
/// Of whom.
pub const POPULATIONS: &[&str] = &[
    "everybody",
    "civilians",
    "combatants",
    "children",
    "women",
    "humanitarian_workers",
];

/// A number of persons, as somebody gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toll {
    /// Its name in the table.
    pub id: String,
    /// What happened, one of [`HARMS`].
    pub harm: &'static str,
    /// To whom, one of [`POPULATIONS`].
    pub population: &'static str,
    /// At least.
    pub low: Option<i64>,
    /// Most likely.
    pub best: Option<i64>,
    /// At most.
    pub high: Option<i64>,
    /// Out of how many.
    pub denominator: Option<i64>,
    /// Where.
    pub area: String,
    /// Its place codes.
    pub pcodes: Vec<String>,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Who gave the number.
    pub given_by: String,
    /// Whether it is that source's official number.
    pub official: bool,
    /// How it was found.
    pub method: Option<String>,
    /// Title of the source.
    pub source_title: String,
    /// Its address.
    pub source_url: Option<String>,
}

impl Toll {
    /// The groups of a `toll.record/1`.
    #[must_use]
    pub fn groups(&self, days: &DayOffsets) -> Groups {
        body(object([
            ("harm", json!(self.harm)),
            ("population", json!(self.population)),
            ("low", json!(self.low)),
            ("best", json!(self.best)),
            ("high", json!(self.high)),
            ("denominator", json!(self.denominator)),
            ("area", json!(self.area)),
            ("pcodes", json!(self.pcodes)),
            ("from", json!(days.start_of(self.from))),
            ("until", json!(days.end_of(self.until))),
            ("given_by", json!(self.given_by)),
            ("official", json!(self.official)),
            ("method", json!(self.method)),
            (
                "source",
                object([
                    ("title", json!(self.source_title)),
                    ("url", json!(self.source_url)),
                ]),
            ),
        ]))
    }
}

/// Reads a table of tolls.
///
/// # Errors
/// [`Rejected`].
pub fn read(bytes: &[u8]) -> Result<Vec<Toll>, Rejected> {
    let mut ids = Ids::default();
    table::read(bytes, &COLUMNS, |row| {
        let id = ids.need(row, "id");
        let harm = row.need("harm", cells::one_of(HARMS));
        let population = row.need("population", cells::one_of(POPULATIONS));
        let range = range(row);
        let denominator = row.may("denominator", cells::count);
        let area = row.need("area", cells::label);
        let pcodes = row.may("pcodes", cells::list(PCODES_MAX, cells::pcode));
        let period = period(row);
        let given_by = row.need("given_by", cells::label);
        let official = row.need("official", cells::one_of(&["yes", "no"]));
        let method = row.may("method", cells::words);
        let source_title = row.need("source_title", cells::label);
        let source_url = row.may("source_url", cells::url);
        let ([low, best, high], (from, until)) = (range?, period?);
        Some(Toll {
            id: id?,
            harm: harm?,
            population: population?,
            low,
            best,
            high,
            denominator: denominator?,
            area: area?,
            pcodes: pcodes?.unwrap_or_default(),
            from,
            until,
            given_by: given_by?,
            official: official? == "yes",
            method: method?,
            source_title: source_title?,
            source_url: source_url?,
        })
    })
}

fn range(row: &mut Row<'_>) -> Option<[Option<i64>; 3]> {
    let low = row.may("low", cells::count);
    let best = row.may("best", cells::count);
    let high = row.may("high", cells::count);
    let range = [low?, best?, high?];
    let given: Vec<i64> = range.into_iter().flatten().collect();
    let rule = if given.is_empty() {
        "is empty, as are low and high"
    } else if !given.is_sorted() {
        "does not lie between low and high"
    } else {
        return Some(range);
    };
    row.refuse("best", rule);
    None
}

fn period(row: &mut Row<'_>) -> Option<(Day, Day)> {
    let from = row.need("from", cells::day);
    let until = row.need("until", cells::day);
    let (from, until) = (from?, until?);
    if until < from {
        row.refuse("until", "is before from");
        return None;
    }
    Some((from, until))
}
