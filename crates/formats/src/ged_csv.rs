//! Events of the UCDP Georeferenced Event Dataset (GED), as CSV with its header.
//!
//! GED holds events in which somebody was killed, by day and not by hour. Sides are kept as its coders name them: one side may
//! be several groups parted by commas, and a name such as "Syrian insurgents" holds many. Code book: Högbladh, S. (2019) UCDP GED
//! Codebook version 19.1. Of the sources their names are kept, not their headlines.

use crate::cells;
use crate::reports_csv::{Ids, Names, Report, SOURCES_MAX, report};
use crate::table::{self, Rejected, Row};

/// The columns that must be there; others may be, and are not read.
pub const COLUMNS: [&str; 23] = [
    "id",
    "type_of_violence",
    "side_a",
    "side_b",
    "number_of_sources",
    "source_article",
    "where_prec",
    "where_coordinates",
    "adm_1",
    "adm_2",
    "latitude",
    "longitude",
    "country",
    "date_prec",
    "date_start",
    "date_end",
    "deaths_a",
    "deaths_b",
    "deaths_civilians",
    "deaths_unknown",
    "low",
    "best",
    "high",
];

const GED: Names = Names {
    id: "id",
    day_start: "date_start",
    day_end: "date_end",
    lat: "latitude",
    lon: "longitude",
    place: "where_coordinates",
    adm1: "adm_1",
    adm2: "adm_2",
    violence: "type_of_violence",
    civilians: "deaths_civilians",
    sources: "number_of_sources",
};

/// A day is looked for behind so many commas: what has more of them is no name.
const SOURCE_COMMAS_MAX: usize = 16;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What becomes a report. GED has no place codes: [`crate::areas`] finds them.
    pub report: Report,
    /// The country.
    pub country: String,
    /// Best estimate of those of side a who were killed.
    pub deaths_a: i64,
    /// Best estimate of those of side b who were killed.
    pub deaths_b: i64,
    /// Best estimate of those killed of whom it is not known who they were.
    pub deaths_unknown: i64,
}

/// Reads events.
///
/// # Errors
/// [`Rejected`] with every mistake.
pub fn read(bytes: &[u8]) -> Result<Vec<Event>, Rejected> {
    let mut ids = Ids::default();
    table::read(bytes, &COLUMNS, |row| {
        let report = report(row, &GED, &mut ids);
        let country = row.need("country", cells::label);
        let deaths_a = row.need("deaths_a", cells::count);
        let deaths_b = row.need("deaths_b", cells::count);
        let deaths_unknown = row.need("deaths_unknown", cells::count);
        let source_names = source_names(row);
        Some(Event {
            report: Report {
                source_names: source_names?,
                ..report?
            },
            country: country?,
            deaths_a: deaths_a?,
            deaths_b: deaths_b?,
            deaths_unknown: deaths_unknown?,
        })
    })
}

/// The names of the sources, each once, in their order. The column holds `"name,day,headline"` for each report, parted by
/// semicolons; older events have free text, from which no name can be told.
fn source_names(row: &mut Row<'_>) -> Option<Vec<String>> {
    const COLUMN: &str = "source_article";
    let mut names: Vec<String> = Vec::new();
    for name in row
        .cell(COLUMN)
        .split("\";\"")
        .filter_map(name_before_the_day)
        .flat_map(|name| name.split('|'))
    {
        let name = name.trim();
        if name.is_empty() || names.iter().any(|known| known == name) {
            continue;
        }
        match cells::label(name) {
            Ok(name) => names.push(name),
            Err(rule) => {
                row.refuse(COLUMN, format!("names a source that {rule}"));
                return None;
            }
        }
    }
    if names.len() > SOURCES_MAX {
        row.refuse(COLUMN, format!("names more than {SOURCES_MAX} sources"));
        return None;
    }
    Some(names)
}

/// What stands before the first `,2016-06-20,` of an entry: a name may have commas, a headline is never kept. The day may be none
/// that there was: some entries have 1753.
fn name_before_the_day(entry: &str) -> Option<&str> {
    let is_day = |at: &usize| {
        let day = entry[at + 1..].split(',').next().unwrap_or_default().trim();
        let form = |(at, byte): (usize, u8)| {
            if matches!(at, 4 | 7) {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        };
        day.len() == 10 && day.bytes().enumerate().all(form)
    };
    let commas = entry.match_indices(',').map(|(at, _)| at);
    let at = commas.take(SOURCE_COMMAS_MAX).find(is_day)?;
    Some(entry[..at].trim_start_matches(['"', ' ']))
}
