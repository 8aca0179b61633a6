//! One side's daily counts: totals by day ([`read_daily`]), the same by province ([`read_by_province`]), both joined
//! ([`join`]), and our own table of them ([`read`], [`write`]). From a tally comes the body of a `tally.record/1`.
//!
//! A total and its parts are kept as they were published, also when they do not add up.

use crate::body::{Groups, body, object};
use crate::cells;
use crate::cells::Day;
use crate::days::DayOffsets;
use crate::table::{self, PROBLEMS_MAX, Problem, Rejected, Row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most lines of one tally.
pub const LINES_MAX: usize = 64;
/// Most place codes of one line.
pub const PCODES_MAX: usize = 16;
/// The columns of our own table: a row without `label` is the day's total, the rows behind it are its lines.
pub const COLUMNS: [&str; 10] = [
    "day",
    "day_basis",
    "issued_by",
    "label",
    "pcodes",
    "count",
    "settlements_joined",
    "groups_joined",
    "note",
    "source_url",
];

const DAY_BASES: &[&str] = &["stated", "inferred"];

/// What one side counted on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Whose count it is.
    pub issued_by: String,
    /// The day, in the zone of whoever counts.
    pub day: Day,
    /// Whether the day is not stated but inferred from when it was published.
    pub day_is_inferred: bool,
    /// The total that is stated.
    pub total: Option<i64>,
    /// The lines that are stated.
    pub lines: Vec<Line>,
    /// Settlements that had joined by then, as stated.
    pub settlements_joined: Option<i64>,
    /// Groups that had joined by then, as stated.
    pub groups_joined: Option<i64>,
    /// What there is to know of it.
    pub note: Option<String>,
    /// Where it was published.
    pub source_url: Option<String>,
}

/// One line of a tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The place in the words of whoever counts.
    pub label: String,
    /// Its place codes.
    pub pcodes: Vec<String>,
    /// How many.
    pub count: i64,
}

/// What is the same in all tallies of a series.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// What is counted, in the issuer's word.
    pub counted: &'a str,
    /// Whose acts are counted.
    pub about: &'a str,
    /// The name of the bulletins; the day is added.
    pub title: &'a str,
    /// How far from UTC the days are.
    pub days: &'a DayOffsets,
}

impl Tally {
    /// The groups of a `tally.record/1`. The texts of the series have at most [`cells::LABEL_MAX`] characters, its title 20 less.
    #[must_use]
    pub fn groups(&self, series: &Series<'_>) -> Groups {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                object([
                    ("label", json!(line.label)),
                    ("pcodes", json!(line.pcodes)),
                    ("count", json!(line.count)),
                ])
            })
            .collect();
        let title = format!("{}, {}", series.title, self.day);
        body(object([
            ("counted", json!(series.counted)),
            ("issued_by", json!(self.issued_by)),
            ("about", json!(series.about)),
            ("from", json!(series.days.start_of(self.day))),
            ("until", json!(series.days.end_of(self.day))),
            ("total", json!(self.total)),
            ("lines", json!(lines)),
            (
                "source",
                object([("title", json!(title)), ("url", json!(self.source_url))]),
            ),
            ("note", json!(self.note())),
        ]))
    }

    /// What stands beside the numbers, in sentences.
    fn note(&self) -> Option<String> {
        let count = |what: &str, n: Option<i64>| {
            n.map(|n| format!("{what} that had joined by then, as stated: {n}."))
        };
        let inferred = self
            .day_is_inferred
            .then(|| "The day is inferred from the day of publication.".to_owned());
        let said = self.note.as_ref().map(|note| format!("{note}."));
        let parts = [
            inferred,
            count("Settlements", self.settlements_joined),
            count("Groups", self.groups_joined),
            said,
        ];
        let note = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!note.is_empty()).then_some(note)
    }
}

/// Reads totals by day: one row a day and issuer.
///
/// # Errors
/// [`Rejected`].
pub fn read_daily(bytes: &[u8]) -> Result<Vec<Tally>, Rejected> {
    const NEEDED: [&str; 6] = [
        "date",
        "date_basis",
        "reported_by",
        "violations",
        "note",
        "source_url",
    ];
    let mut days = Days::default();
    table::read(bytes, &NEEDED, |row| {
        let key = key(row, "date", "reported_by");
        days.once(row, "date", key.as_ref());
        let basis = row.need("date_basis", cells::one_of(DAY_BASES));
        let total = row.need("violations", cells::count);
        let settlements = row.may("settlements_joined_total", cells::count);
        let groups = row.may("groups_committed_total", cells::count);
        let (note, url) = (note(row), row.may("source_url", cells::url));
        let (issued_by, day) = key?;
        Some(Tally {
            issued_by,
            day,
            day_is_inferred: basis? == "inferred",
            total: Some(total?),
            lines: Vec::new(),
            settlements_joined: settlements?,
            groups_joined: groups?,
            note: note?,
            source_url: url?,
        })
    })
}

/// Reads counts by day and province, as `(issuer, day, line)` in the order of the file.
///
/// # Errors
/// [`Rejected`].
pub fn read_by_province(bytes: &[u8]) -> Result<Vec<(String, Day, Line)>, Rejected> {
    const NEEDED: [&str; 5] = [
        "date",
        "reported_by",
        "province_as_written",
        "pcodes",
        "violations",
    ];
    let mut lines = Lines::default();
    table::read(bytes, &NEEDED, |row| {
        let key = key(row, "date", "reported_by");
        let line = line(row, "province_as_written", "violations");
        lines.add(row, "province_as_written", key?, line?)
    })
}

/// Puts the lines to their days. A day with lines and without a total has none: sums are nobody's statement.
#[must_use]
pub fn join(daily: Vec<Tally>, lines: Vec<(String, Day, Line)>) -> Vec<Tally> {
    let mut all: BTreeMap<(Day, String), Tally> = daily
        .into_iter()
        .map(|tally| ((tally.day, tally.issued_by.clone()), tally))
        .collect();
    for (issued_by, day, line) in lines {
        let tally = all
            .entry((day, issued_by.clone()))
            .or_insert_with(|| Tally {
                issued_by,
                day,
                day_is_inferred: false,
                total: None,
                lines: Vec::new(),
                settlements_joined: None,
                groups_joined: None,
                note: None,
                source_url: None,
            });
        tally.lines.push(line);
    }
    all.into_values().collect()
}

/// Reads our own table. Its rows are grouped by day and issuer.
///
/// # Errors
/// [`Rejected`].
pub fn read(bytes: &[u8]) -> Result<Vec<Tally>, Rejected> {
    let (mut days, mut all_lines) = (Days::default(), Lines::default());
    let rows = table::read(bytes, &COLUMNS, |row| {
        let key = key(row, "day", "issued_by");
        if !row.cell("label").is_empty() {
            let line = line(row, "label", "count");
            return all_lines.add(row, "label", key?, line?).map(Entry::Line);
        }
        days.once(row, "day", key.as_ref());
        let basis = row.need("day_basis", cells::one_of(DAY_BASES));
        let total = row.may("count", cells::count);
        let settlements = row.may("settlements_joined", cells::count);
        let groups = row.may("groups_joined", cells::count);
        let (note, url) = (note(row), row.may("source_url", cells::url));
        let (issued_by, day) = key?;
        Some(Entry::Day(Tally {
            issued_by,
            day,
            day_is_inferred: basis? == "inferred",
            total: total?,
            lines: Vec::new(),
            settlements_joined: settlements?,
            groups_joined: groups?,
            note: note?,
            source_url: url?,
        }))
    })?;
    let (mut daily, mut lines) = (Vec::new(), Vec::new());
    for entry in rows {
        match entry {
            Entry::Day(tally) => daily.push(tally),
            Entry::Line(line) => lines.push(line),
        }
    }
    let all = join(daily, lines);
    days.say_something(&all).map(|()| all)
}

enum Entry {
    Day(Tally),
    Line((String, Day, Line)),
}

/// Writes our own table, as [`read`] reads it.
#[must_use]
pub fn write(tallies: &[Tally]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = std::iter::once(COLUMNS.map(str::to_owned)).chain(tallies.iter().flat_map(cells_of));
    for row in rows {
        writer
            .write_record(row)
            .expect("a row in memory has the width of the header");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn cells_of(tally: &Tally) -> Vec<[String; 10]> {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (day, by) = (tally.day.to_string(), &tally.issued_by);
    let basis = DAY_BASES[usize::from(tally.day_is_inferred)].to_owned();
    let total = [
        day.clone(),
        basis,
        by.clone(),
        String::new(),
        String::new(),
        number(tally.total),
        number(tally.settlements_joined),
        number(tally.groups_joined),
        text(&tally.note),
        text(&tally.source_url),
    ];
    let none = String::new;
    let line = |line: &Line| {
        let count = line.count.to_string();
        [
            day.clone(),
            none(),
            by.clone(),
            line.label.clone(),
            line.pcodes.join("|"),
            count,
            none(),
            none(),
            none(),
            none(),
        ]
    };
    std::iter::once(total)
        .chain(tally.lines.iter().map(line))
        .collect()
}

fn key(row: &mut Row<'_>, day: &'static str, issued_by: &'static str) -> Option<(String, Day)> {
    let day = row.need(day, cells::day);
    let by = row.need(issued_by, cells::label);
    Some((by?, day?))
}

fn line(row: &mut Row<'_>, label: &'static str, count: &'static str) -> Option<Line> {
    let label = row.need(label, cells::label);
    let pcodes = row.may("pcodes", cells::list(PCODES_MAX, cells::pcode));
    let count = row.need(count, cells::count);
    Some(Line {
        label: label?,
        pcodes: pcodes?.unwrap_or_default(),
        count: count?,
    })
}

#[allow(
    clippy::option_option,
    reason = "the outer one says that there was a mistake"
)]
fn note(row: &mut Row<'_>) -> Option<Option<String>> {
    row.may("note", cells::line)
}

/// The lines so far of each day.
#[derive(Default)]
struct Lines(BTreeMap<(String, Day), Vec<Line>>);

impl Lines {
    fn add(
        &mut self,
        row: &mut Row<'_>,
        column: &'static str,
        key: (String, Day),
        line: Line,
    ) -> Option<(String, Day, Line)> {
        let lines = self.0.entry(key.clone()).or_default();
        let rule = if lines.contains(&line) {
            "stands there twice with the same codes and count".to_owned()
        } else if lines.len() == LINES_MAX {
            format!("is one more than the {LINES_MAX} lines of a day that are read")
        } else {
            lines.push(line.clone());
            return Some((key.0, key.1, line));
        };
        row.refuse(column, rule);
        None
    }
}

/// The days so far of each issuer, and their rows.
#[derive(Default)]
struct Days(BTreeMap<(String, Day), u64>);

impl Days {
    fn once(&mut self, row: &mut Row<'_>, column: &'static str, key: Option<&(String, Day)>) {
        let Some(key) = key else { return };
        if let Some(before) = self.0.insert(key.clone(), row.number()) {
            row.refuse(
                column,
                format!("stands in row {before} already, by the same issuer"),
            );
        }
    }

    /// Each tally has a total or lines.
    fn say_something(&self, tallies: &[Tally]) -> Result<(), Rejected> {
        let empty = tallies
            .iter()
            .filter(|tally| tally.total.is_none() && tally.lines.is_empty());
        let problems: Vec<Problem> = empty
            .map(|tally| Problem {
                row: self
                    .0
                    .get(&(tally.issued_by.clone(), tally.day))
                    .copied()
                    .unwrap_or_default(),
                column: Some("count"),
                value: String::new(),
                rule: "is empty, and the day has no lines".to_owned(),
            })
            .take(PROBLEMS_MAX)
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Rejected::Rows {
            problems,
            further: 0,
        })
    }
}
