//! Our own table of reports: what a foreign set of events comes down to, one row an event, with its place as well as it is known
//! and nothing that the source does not say. From a row comes the body of a `report.file/1`.

use crate::areas::Basis;
use crate::body::{Groups, object};
use crate::cells;
use crate::cells::Day;
use crate::days::DayOffsets;
use crate::table::{self, Rejected, Row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most names of sources behind one event.
pub const SOURCES_MAX: usize = 64;
/// Precision of a place: exact.
pub const EXACT: i64 = 1;
/// Precision of a place: near a known point.
pub const NEAR: i64 = 2;
/// How far an event "near" a point may be from it, in metres, by the code book of UCDP GED.
pub const NEAR_M: i64 = 25_000;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 21] = [
    "id",
    "day_start",
    "day_end",
    "date_prec",
    "lat",
    "lon",
    "where_prec",
    "place",
    "adm1",
    "adm2",
    "pcode",
    "pcode_basis",
    "violence",
    "side_a",
    "side_b",
    "low",
    "best",
    "high",
    "civilians",
    "sources",
    "source_names",
];

/// Who fights whom, as UCDP sorts it: `type_of_violence`. It attributes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violence {
    /// 1: a government is on one side at least.
    StateBased,
    /// 2: no government is on either side.
    NonState,
    /// 3: an organised group against civilians.
    OneSided,
}

impl Violence {
    fn of(step: i64) -> Self {
        match step {
            1 => Self::StateBased,
            2 => Self::NonState,
            _ => Self::OneSided,
        }
    }

    /// In the words of the set.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::StateBased => "state-based conflict",
            Self::NonState => "non-state conflict",
            Self::OneSided => "one-sided violence",
        }
    }
}

/// One event. Its texts have the limits of [`cells`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name in its set.
    pub id: String,
    /// First day on which it may have been. Days have no hours: events of one day have no order.
    pub day_start: Day,
    /// Last day on which it may have been.
    pub day_end: Day,
    /// 1 the day is known, 2 two to six days, 3 the week, 4 the month, 5 more.
    pub date_prec: i64,
    /// Latitude in 1e-7 degree; with `where_prec` 3 and more no point of the event.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree.
    pub lon_e7: i64,
    /// 1 exact, 2 near the point, 3 the district, 4 the province, 5 estimated or a line, 6 the country, 7 sea or air.
    pub where_prec: i64,
    /// The place in the words of the set.
    pub place: String,
    /// The province in the words of the set.
    pub adm1: Option<String>,
    /// The district in the words of the set.
    pub adm2: Option<String>,
    /// The finest place code that the precision bears, and how it was found.
    pub pcode: Option<(String, Basis)>,
    /// What sort of violence.
    pub violence: Violence,
    /// One side, in the words of the set. Nothing follows from who stands first.
    pub side_a: String,
    /// The other side.
    pub side_b: String,
    /// Killed, at least; not always less than the best estimate.
    pub low: i64,
    /// Killed, best estimate.
    pub best: i64,
    /// Killed, at most.
    pub high: i64,
    /// Civilians among the best estimate.
    pub civilians: i64,
    /// How many reports the set counts behind it, where it counts.
    pub sources: Option<i64>,
    /// Who made these reports, each name once.
    pub source_names: Vec<String>,
}

/// The set from which reports come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    prefix: String,
    title: String,
    days: DayOffsets,
}

impl Set {
    /// A set: `prefix` makes the names of its events differ from those of other sets (`ucdp-ged`), `title` is shown as the source
    /// with each report, and `days` says how far from UTC its days are.
    ///
    /// # Errors
    /// What `prefix` or `title` must be.
    pub fn new(prefix: &str, title: &str, days: DayOffsets) -> Result<Self, String> {
        const PREFIX_MAX: usize = 32;
        let fits = (1..=PREFIX_MAX).contains(&prefix.len())
            && prefix
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            return Err(format!(
                "the prefix is no 1 to {PREFIX_MAX} characters a-z 0-9 -"
            ));
        }
        let title = cells::label(title).map_err(|rule| format!("the title {rule}"))?;
        Ok(Self {
            prefix: prefix.to_owned(),
            title,
            days,
        })
    }
}

impl Report {
    /// Whether the estimates are in order; the set itself has events where they are not.
    #[must_use]
    pub fn range_is_in_order(&self) -> bool {
        self.low <= self.best && self.best <= self.high
    }

    /// The groups of a `report.file/1`: `body`, and `exact` for what is known as a point.
    #[must_use]
    pub fn groups(&self, set: &Set) -> Groups {
        let mut groups = Groups::from_iter([("body".to_owned(), self.body(set))]);
        let place = json!({"lat_e7": self.lat_e7, "lon_e7": self.lon_e7});
        match self.where_prec {
            EXACT => groups.insert("exact".to_owned(), json!({"place": place})),
            NEAR => groups.insert(
                "exact".to_owned(),
                json!({"place": place, "uncertainty_m": NEAR_M}),
            ),
            // The point would be the middle of an area: it must not be drawn.
            _ => None,
        };
        groups
    }

    fn body(&self, set: &Set) -> Value {
        let (pcode, basis) = self
            .pcode
            .as_ref()
            .map(|(pcode, basis)| (pcode, basis.word()))
            .unzip();
        let admin_names: Vec<&String> = self
            .adm1
            .iter()
            .chain(
                self.adm2
                    .iter()
                    .filter(|adm2| Some(*adm2) != self.adm1.as_ref()),
            )
            .collect();
        object([
            ("category", json!("other")),
            ("category_words", json!(self.violence.words())),
            ("from", json!(set.days.start_of(self.day_start))),
            ("until", json!(set.days.end_of(self.day_end))),
            ("date_precision", json!(self.date_prec)),
            ("means", json!(["published"])),
            ("pcodes", json!(pcode.into_iter().collect::<Vec<_>>())),
            ("pcode_basis", json!(basis)),
            ("place_name", json!(self.place)),
            ("admin_names", json!(admin_names)),
            ("place_precision", json!(self.where_prec)),
            ("sides", json!([self.side_a, self.side_b])),
            (
                "casualties",
                json!({"killed_low": self.low, "killed_best": self.best, "killed_high": self.high,
                    "civilians_killed_best": self.civilians}),
            ),
            ("source", json!({"title": set.title})),
            ("source_names", json!(self.source_names)),
            ("sources_count", json!(self.sources)),
            ("external_id", json!(format!("{}:{}", set.prefix, self.id))),
        ])
    }
}

/// Reads a table of reports.
///
/// # Errors
/// [`Rejected`].
pub fn read(bytes: &[u8]) -> Result<Vec<Report>, Rejected> {
    let mut ids = Ids::default();
    table::read(bytes, &COLUMNS, |row| {
        let report = report(row, &OURS, &mut ids);
        let pcode = row.may("pcode", cells::pcode);
        let basis = row.may("pcode_basis", Basis::read);
        let names = row.may("source_names", cells::list(SOURCES_MAX, cells::label));
        let pcode = match (pcode?, basis?) {
            (Some(pcode), Some(basis)) => Some((pcode, basis)),
            (None, None) => None,
            _ => {
                row.refuse("pcode_basis", "stands there when pcode does, and only then");
                return None;
            }
        };
        Some(Report {
            pcode,
            source_names: names?.unwrap_or_default(),
            ..report?
        })
    })
}

/// Writes a table of reports, as [`read`] reads it. What was read is written in the same bytes again when it was written here.
#[must_use]
pub fn write(reports: &[Report]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows =
        std::iter::once(COLUMNS.map(str::to_owned).to_vec()).chain(reports.iter().map(cells_of));
    for row in rows {
        writer
            .write_record(row)
            .expect("a row in memory has the width of the header");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn cells_of(report: &Report) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (pcode, basis) = report
        .pcode
        .clone()
        .map_or((String::new(), ""), |(pcode, basis)| (pcode, basis.word()));
    vec![
        report.id.clone(),
        report.day_start.to_string(),
        report.day_end.to_string(),
        report.date_prec.to_string(),
        cells::degrees(report.lat_e7),
        cells::degrees(report.lon_e7),
        report.where_prec.to_string(),
        report.place.clone(),
        text(&report.adm1),
        text(&report.adm2),
        pcode,
        basis.to_owned(),
        (report.violence as i64 + 1).to_string(),
        report.side_a.clone(),
        report.side_b.clone(),
        report.low.to_string(),
        report.best.to_string(),
        report.high.to_string(),
        report.civilians.to_string(),
        report.sources.map(|n| n.to_string()).unwrap_or_default(),
        report.source_names.join("|"),
    ]
}

/// Where a table has what.
pub(crate) struct Names {
    pub id: &'static str,
    pub day_start: &'static str,
    pub day_end: &'static str,
    pub lat: &'static str,
    pub lon: &'static str,
    pub place: &'static str,
    pub adm1: &'static str,
    pub adm2: &'static str,
    pub violence: &'static str,
    pub civilians: &'static str,
    pub sources: &'static str,
}

const OURS: Names = Names {
    id: "id",
    day_start: "day_start",
    day_end: "day_end",
    lat: "lat",
    lon: "lon",
    place: "place",
    adm1: "adm1",
    adm2: "adm2",
    violence: "violence",
    civilians: "civilians",
    sources: "sources",
};

/// The ids so far, and the row of each.
#[derive(Default)]
pub(crate) struct Ids(BTreeMap<String, u64>);

impl Ids {
    /// The id in a column, if no row before has it.
    pub(crate) fn need(&mut self, row: &mut Row<'_>, column: &'static str) -> Option<String> {
        self.need_as(row, column, cells::id)
    }

    /// The same under another rule.
    pub(crate) fn need_as(
        &mut self,
        row: &mut Row<'_>,
        column: &'static str,
        rule: fn(&str) -> Result<String, String>,
    ) -> Option<String> {
        let id = row.need(column, rule)?;
        if let Some(before) = self.0.insert(id.clone(), row.number()) {
            row.refuse(column, format!("stands in row {before} already"));
            return None;
        }
        Some(id)
    }
}

/// Reads what all tables of events have, each under its own column names; codes and source names are left empty.
pub(crate) fn report(row: &mut Row<'_>, names: &Names, ids: &mut Ids) -> Option<Report> {
    let id = ids.need(row, names.id);
    let days = days(row, names);
    let date_prec = row.need("date_prec", cells::step(5));
    let lat_e7 = row.need(names.lat, cells::latitude);
    let lon_e7 = row.need(names.lon, cells::longitude);
    let where_prec = row.need("where_prec", cells::step(7));
    let place = row.need(names.place, cells::label);
    let adm1 = row.may(names.adm1, cells::label);
    let adm2 = row.may(names.adm2, cells::label);
    let violence = row.need(names.violence, cells::step(3));
    let sides = sides(row);
    let low = row.need("low", cells::count);
    let best = row.need("best", cells::count);
    let high = row.need("high", cells::count);
    let civilians = row.need(names.civilians, cells::count);
    let sources = match row.cell(names.sources) {
        // The set did not count then.
        "-1" => Some(None),
        _ => row.may(names.sources, cells::count),
    };
    let ((day_start, day_end), (side_a, side_b)) = (days?, sides?);
    Some(Report {
        id: id?,
        day_start,
        day_end,
        date_prec: date_prec?,
        lat_e7: lat_e7?,
        lon_e7: lon_e7?,
        where_prec: where_prec?,
        place: place?,
        adm1: adm1?,
        adm2: adm2?,
        pcode: None,
        violence: Violence::of(violence?),
        side_a,
        side_b,
        low: low?,
        best: best?,
        high: high?,
        civilians: civilians?,
        sources: sources?,
        source_names: Vec::new(),
    })
}

fn days(row: &mut Row<'_>, names: &Names) -> Option<(Day, Day)> {
    let start = row.need(names.day_start, cells::day);
    let end = row.need(names.day_end, cells::day);
    let (start, end) = (start?, end?);
    if end < start {
        row.refuse(names.day_end, format!("is before {}", names.day_start));
        return None;
    }
    Some((start, end))
}

fn sides(row: &mut Row<'_>) -> Option<(String, String)> {
    let a = row.need("side_a", cells::line);
    let b = row.need("side_b", cells::line);
    let (a, b) = (a?, b?);
    if a == b {
        row.refuse("side_b", "is the same as side_a");
        return None;
    }
    Some((a, b))
}
