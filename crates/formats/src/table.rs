//! A CSV file as a table with named columns, read whole or refused whole.
//!
//! Rows are numbered as a spreadsheet shows them: the header is row 1. A mistake names its row and column, and all mistakes of a
//! file are told at once, up to [`PROBLEMS_MAX`], because whoever mends the file wants to mend it once.

use csv::{ReaderBuilder, StringRecord};
use std::collections::BTreeMap;
use std::fmt;

/// Longest file, in bytes: the global event set of all years is half of it.
pub const BYTES_MAX: usize = 512 << 20;
/// Most rows.
pub const ROWS_MAX: usize = 1_000_000;
/// Most columns.
pub const COLUMNS_MAX: usize = 256;
/// Longest field, in bytes.
pub const FIELD_BYTES_MAX: usize = 64 << 10;
/// So many mistakes are told one by one; of further ones only their number.
pub const PROBLEMS_MAX: usize = 1000;
/// So much of a wrong value is repeated, in characters.
pub const SHOWN_MAX: usize = 48;

/// A mistake in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The row as a spreadsheet numbers it; the header is row 1.
    pub row: u64,
    /// The column; the row itself is at fault when there is none.
    pub column: Option<&'static str>,
    /// What stands there, shortened, without control characters.
    pub value: String,
    /// What is wrong with it.
    pub rule: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row, value, rule, ..
        } = self;
        match self.column {
            None => write!(f, "row {row} {rule}"),
            Some(column) if value.is_empty() => write!(f, "row {row}, column {column}: {rule}"),
            Some(column) => write!(f, "row {row}, column {column}: \"{value}\" {rule}"),
        }
    }
}

/// Why a file is refused. Nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is longer than [`BYTES_MAX`].
    #[error("the file has {0} bytes, at most {BYTES_MAX} are read; cut it into several")]
    TooLong(usize),
    /// It is compressed.
    #[error("the file is compressed with gzip; unpack it first")]
    Compressed,
    /// It is no UTF-8.
    #[error("line {0} is not UTF-8; save the file as CSV in UTF-8")]
    NotUtf8(usize),
    /// There is no header.
    #[error("the file is empty; a header with the names of its columns is needed")]
    Empty,
    /// Quotation marks do not pair up, so that it is not known where rows end.
    #[error(
        "row {row}: {rule}; a field with quotation marks is written in quotation marks, those inside doubled"
    )]
    Quotes {
        /// The row as a spreadsheet numbers it.
        row: u64,
        /// What is wrong.
        rule: &'static str,
    },
    /// Columns that are needed are not there.
    #[error("column {} is missing in the header{hint}", missing.join(", "))]
    Missing {
        /// Which.
        missing: Vec<&'static str>,
        /// What may be the reason.
        hint: &'static str,
    },
    /// A column that is needed stands there twice.
    #[error("column {0} stands in the header twice")]
    Twice(&'static str),
    /// It has more than [`COLUMNS_MAX`] columns.
    #[error("the header has {0} columns, at most {COLUMNS_MAX} are read")]
    TooWide(usize),
    /// It has more than [`ROWS_MAX`] rows.
    #[error("the file has more than {ROWS_MAX} rows; cut it into several")]
    TooManyRows,
    /// Rows with mistakes.
    #[error("{} mistakes, nothing was taken; the first: {}", problems.len() + further, first(problems))]
    Rows {
        /// The mistakes, in the order of rows.
        problems: Vec<Problem>,
        /// How many more there are beyond [`PROBLEMS_MAX`].
        further: usize,
    },
}

impl Rejected {
    /// Everything that is wrong, one line each: the mistakes of all rows, or what is wrong with the file.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Self::Rows { problems, further } = self else {
            return vec![self.to_string()];
        };
        let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if *further > 0 {
            lines.push(format!("and {further} more"));
        }
        lines
    }
}

/// Reads a table: `needed` columns must be there, others may be. `read` makes a row's value, or tells the row what is wrong.
///
/// # Errors
/// [`Rejected`], when anything is wrong anywhere.
pub(crate) fn read<T>(
    bytes: &[u8],
    needed: &[&'static str],
    mut read: impl FnMut(&mut Row<'_>) -> Option<T>,
) -> Result<Vec<T>, Rejected> {
    let text = text(bytes)?;
    let numbers = rows(text)?;
    if numbers.len() > ROWS_MAX + 1 {
        return Err(Rejected::TooManyRows);
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records().flatten().zip(numbers);
    let (header, _) = records.next().ok_or(Rejected::Empty)?;
    let columns = columns(&header, needed)?;
    let (mut values, mut problems) = (Vec::new(), Problems::default());
    for (record, number) in records {
        let mut row = Row {
            number,
            record: &record,
            columns: &columns,
            problems: &mut problems,
        };
        if row.is_whole(header.len()) {
            values.extend(read(&mut row));
        }
    }
    problems.none().map(|()| values)
}

/// One row below the header.
pub(crate) struct Row<'r> {
    number: u64,
    record: &'r StringRecord,
    columns: &'r BTreeMap<String, usize>,
    problems: &'r mut Problems,
}

impl Row<'_> {
    /// Its number, as a spreadsheet shows it.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What stands in a column, without white space around it; nothing when there is no such column.
    pub(crate) fn cell(&self, column: &str) -> &str {
        let at = self.columns.get(column);
        at.and_then(|at| self.record.get(*at))
            .unwrap_or_default()
            .trim()
    }

    /// The value of a cell that must not be empty. `None` after a mistake.
    pub(crate) fn need<T>(
        &mut self,
        column: &'static str,
        rule: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.may(column, rule) {
            Some(None) => {
                self.refuse(column, "is empty");
                None
            }
            value => value.flatten(),
        }
    }

    /// The value of a cell that may be empty. The outer `None` comes after a mistake.
    pub(crate) fn may<T>(
        &mut self,
        column: &'static str,
        rule: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Some(None);
        }
        match rule(cell) {
            Ok(value) => Some(Some(value)),
            Err(rule) => {
                self.refuse(column, rule);
                None
            }
        }
    }

    /// Notes a mistake.
    pub(crate) fn refuse(&mut self, column: &'static str, rule: impl Into<String>) {
        let value = shown(self.cell(column));
        self.problems.add(Problem {
            row: self.number,
            column: Some(column),
            value,
            rule: rule.into(),
        });
    }

    fn is_whole(&mut self, width: usize) -> bool {
        let long = self
            .record
            .iter()
            .any(|field| field.len() > FIELD_BYTES_MAX);
        let rule = if self.record.len() != width {
            let fields = self.record.len();
            format!("has {fields} fields where the header has {width}")
        } else if long {
            format!("has a field of more than {FIELD_BYTES_MAX} bytes")
        } else {
            return true;
        };
        self.problems.add(Problem {
            row: self.number,
            column: None,
            value: String::new(),
            rule,
        });
        false
    }
}

/// The mistakes so far.
#[derive(Default)]
struct Problems {
    told: Vec<Problem>,
    further: usize,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(problem);
        } else {
            self.further += 1;
        }
    }

    fn none(self) -> Result<(), Rejected> {
        if self.told.is_empty() {
            return Ok(());
        }
        Err(Rejected::Rows {
            problems: self.told,
            further: self.further,
        })
    }
}

fn first(problems: &[Problem]) -> String {
    problems
        .first()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// A value as it is repeated in a message.
fn shown(value: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = value.chars().take(SHOWN_MAX).map(plain).collect();
    if value.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// The text of the file, without byte order marks.
fn text(bytes: &[u8]) -> Result<&str, Rejected> {
    if bytes.len() > BYTES_MAX {
        return Err(Rejected::TooLong(bytes.len()));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Rejected::Compressed);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}')),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            Err(Rejected::NotUtf8(
                1 + before.iter().filter(|b| **b == b'\n').count(),
            ))
        }
    }
}

/// Where a reader of RFC 4180 stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    RowStart,
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// The numbers of the rows that are not blank. The library reads stray quotation marks in its own way, and a forgotten one would
/// swallow the rows behind it: here they are refused.
fn rows(text: &str) -> Result<Vec<u64>, Rejected> {
    let (mut at, mut row, mut start) = (At::RowStart, 1, 1);
    let mut numbers = Vec::new();
    let mut before = 0;
    for byte in text.bytes() {
        let refuse = |rule| Err(Rejected::Quotes { row, rule });
        let begins = at == At::RowStart && !matches!(byte, b'\r' | b'\n');
        if begins {
            numbers.push(row);
            start = row;
        }
        at = match (at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) | (At::QuoteInQuoted, b'"') => At::Quoted,
            (_, b'\n') => {
                // The second half of a line's end.
                row += u64::from(before != b'\r');
                At::RowStart
            }
            (_, b'\r') => {
                row += 1;
                At::RowStart
            }
            (_, b',') => At::FieldStart,
            (At::RowStart | At::FieldStart, b'"') => At::Quoted,
            (At::QuoteInQuoted, _) => return refuse("text stands behind a closing quotation mark"),
            (At::Plain, b'"') => {
                return refuse("a quotation mark stands inside a field without quotation marks");
            }
            _ => At::Plain,
        };
        before = byte;
    }
    if at == At::Quoted {
        let rule = "a quotation mark is opened and never closed";
        return Err(Rejected::Quotes { row: start, rule });
    }
    Ok(numbers)
}

/// Where each column stands.
fn columns(
    header: &StringRecord,
    needed: &[&'static str],
) -> Result<BTreeMap<String, usize>, Rejected> {
    if header.len() > COLUMNS_MAX {
        return Err(Rejected::TooWide(header.len()));
    }
    let mut columns = BTreeMap::new();
    for (at, name) in header.iter().enumerate() {
        let twice = columns.insert(name.trim().to_owned(), at).is_some();
        let name = needed.iter().find(|needed| **needed == name.trim());
        if let (true, Some(name)) = (twice, name) {
            return Err(Rejected::Twice(name));
        }
    }
    let missing: Vec<&'static str> = needed
        .iter()
        .copied()
        .filter(|name| !columns.contains_key(*name))
        .collect();
    if missing.is_empty() {
        return Ok(columns);
    }
    let alone = header.len() == 1;
    let hint = match header.get(0).filter(|_| alone) {
        Some(name) if name.contains(';') => {
            "; its columns are parted by semicolons, commas are needed"
        }
        Some(name) if name.contains('\t') => {
            "; its columns are parted by tabulators, commas are needed"
        }
        _ => "",
    };
    Err(Rejected::Missing { missing, hint })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn two(bytes: &[u8]) -> Result<Vec<(u64, String, Option<i64>)>, Rejected> {
        read(bytes, &["name", "count"], |row| {
            let name = row.need("name", crate::cells::label);
            let count = row.may("count", crate::cells::count);
            Some((row.number(), name?, count?))
        })
    }

    fn problems(bytes: &[u8]) -> Vec<String> {
        match two(bytes).unwrap_err() {
            Rejected::Rows { problems, .. } => problems.iter().map(ToString::to_string).collect(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn columns_go_by_their_names_whatever_their_order_and_company() {
        let table = "\u{feff}other,count,name\r\nx,7,حلب\r\n,,\"Aleppo, \"\"old\"\" town\"\r\n";
        let rows = two(table.as_bytes()).unwrap();
        assert_eq!(rows[0], (2, "حلب".into(), Some(7)));
        assert_eq!(rows[1], (3, "Aleppo, \"old\" town".into(), None));
    }

    #[test]
    fn every_mistake_is_told_with_its_row_and_column() {
        let table = "name,count\na,1\n,NaN\n\n\"b\nb\",-1\nc\nd,2,3\n";
        assert_eq!(
            problems(table.as_bytes()),
            [
                "row 3, column name: is empty",
                "row 3, column count: \"NaN\" is no whole number from 0 to 1000000000",
                "row 5, column name: \"b b\" is not one line of 1 to 120 characters",
                "row 5, column count: \"-1\" is no whole number from 0 to 1000000000",
                "row 6 has 1 fields where the header has 2",
                "row 7 has 3 fields where the header has 2",
            ]
        );
    }

    #[test]
    fn beyond_the_limit_mistakes_are_counted() {
        let table = format!("name,count\n{}", "a,x\n".repeat(PROBLEMS_MAX + 5));
        let refused = two(table.as_bytes()).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("1005 mistakes, nothing was taken; the first: row 2, column count")
        );
        let lines = refused.lines();
        assert_eq!(lines.len(), PROBLEMS_MAX + 1);
        assert_eq!(lines.last().unwrap(), "and 5 more");
        let Rejected::Rows { problems, further } = refused else {
            panic!("{refused}")
        };
        assert_eq!((problems.len(), further), (PROBLEMS_MAX, 5));
    }

    #[test]
    fn a_forgotten_quotation_mark_swallows_no_rows() {
        for (table, row) in [
            ("name,count\na,1\n\"b,2\nc,3\n", 3),
            ("name,count,note\na,1,\"x\nb,2,y\n", 2),
            ("name,count\na \"b\",1\n", 2),
            ("name,count\n\"a\"b,1\n", 2),
        ] {
            let Err(Rejected::Quotes { row: at, .. }) = two(table.as_bytes()) else {
                panic!("{table}")
            };
            assert_eq!(at, row, "{table}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_what_to_do() {
        for (bytes, says) in [
            (&b""[..], "is empty"),
            (b"\n\r\n", "is empty"),
            (b"\x1f\x8b\x08\x00", "unpack it first"),
            (b"name,count\na,1\nb\xff,2\n", "line 3 is not UTF-8"),
            (b"count,other\n", "column name is missing"),
            (b"x\n", "column name, count is missing"),
            (b"name;count\na;1\n", "parted by semicolons"),
            (b"name\tcount\na\t1\n", "parted by tabulators"),
            (
                b"name,count,name\n",
                "column name stands in the header twice",
            ),
        ] {
            assert!(two(bytes).unwrap_err().to_string().contains(says), "{says}");
        }
        let wide = format!("name,count{}\n", ",x".repeat(COLUMNS_MAX));
        assert_eq!(
            two(wide.as_bytes()),
            Err(Rejected::TooWide(COLUMNS_MAX + 2))
        );
        let long = format!("name,count\n\"{}\",1\n", "a".repeat(FIELD_BYTES_MAX + 1));
        assert!(problems(long.as_bytes())[0].contains("has a field of more than"));
    }

    #[test]
    fn columns_that_nobody_asks_for_may_stand_there_twice() {
        assert_eq!(
            two(b"name,x,count,x\na,1,2,3\n").unwrap(),
            [(2, "a".into(), Some(2))]
        );
    }

    proptest! {
        /// The library and the check of quotation marks agree on what a row is.
        #[test]
        fn rows_are_counted_as_they_are_read(text in "[a,\"\r\n\u{feff} ]{0,24}") {
            let text = text.trim_start_matches('\u{feff}');
            if let Ok(numbers) = rows(text) {
                let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
                prop_assert_eq!(reader.records().flatten().count(), numbers.len());
            }
        }

        #[test]
        fn a_table_that_is_written_reads_back(names in prop::collection::vec("[^\0-\x1f\x7f]{1,12}", 0..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["name", "count"]).unwrap();
            for name in &names {
                writer.write_record([name.as_str(), "1"]).unwrap();
            }
            let written = writer.into_inner().unwrap();
            let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
            match two(&written) {
                Ok(rows) => prop_assert_eq!(rows.into_iter().map(|row| row.1).collect::<Vec<_>>(), names),
                Err(_) => prop_assert!(names.iter().any(String::is_empty)),
            }
        }
    }
}
