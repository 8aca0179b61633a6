//! Our own table of claims: what somebody publicly said, in our words or his. From a row comes the body of a `claim.record/1`,
//! and how it stands to other rows.

use crate::body::{Groups, body, object};
use crate::cells;
use crate::cells::Day;
use crate::days::DayOffsets;
use crate::reports_csv::Ids;
use crate::table::{self, Rejected, Row};
use serde_json::json;

/// The columns.
pub const COLUMNS: [&str; 15] = [
    "id",
    "claim",
    "speaker",
    "office",
    "on_behalf_of",
    "said_on",
    "precision",
    "place",
    "form",
    "language",
    "words",
    "source_title",
    "source_url",
    "relation",
    "related_to",
];

/// The sorts of claim.
pub const CLAIMS: &[&str] = &[
    "assertion",
    "allegation",
    "denial",
    "warning",
    "estimate",
    "admission",
];
/// To what precision the day is known.
pub const PRECISIONS: &[&str] = &["day", "month"];
/// Whose words they are.
pub const FORMS: &[&str] = &["original", "paraphrase"];
/// How one claim stands to another.
pub const RELATIONS: &[&str] = &["denies", "confirms", "corrects", "repeats"];
/// Most claims to which one row stands in a relation.
pub const RELATED_MAX: usize = 8;

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its name in the table.
    pub id: String,
    /// What sort of claim, one of [`CLAIMS`].
    pub claim: &'static str,
    /// Who spoke: an office or public function.
    pub speaker: String,
    /// Of which office.
    pub office: Option<String>,
    /// For whom.
    pub on_behalf_of: Option<String>,
    /// The day on which it was said; of a month, its first.
    pub said_on: Day,
    /// To what precision that is known, one of [`PRECISIONS`].
    pub precision: &'static str,
    /// Where it was said.
    pub place: Option<String>,
    /// Whose words follow, one of [`FORMS`].
    pub form: &'static str,
    /// Their language by BCP 47.
    pub language: String,
    /// The words.
    pub words: String,
    /// Title of the source.
    pub source_title: String,
    /// Its address.
    pub source_url: Option<String>,
    /// How it stands, one of [`RELATIONS`], to which rows before or after it.
    pub relates: Option<(&'static str, Vec<String>)>,
}

impl Claim {
    /// The groups of a `claim.record/1`. Relations are statements of their own.
    #[must_use]
    pub fn groups(&self, days: &DayOffsets) -> Groups {
        body(object([
            ("claim", json!(self.claim)),
            ("speaker", json!(self.speaker)),
            ("office", json!(self.office)),
            ("on_behalf_of", json!(self.on_behalf_of)),
            ("said_at", json!(days.start_of(self.said_on))),
            ("precision", json!(self.precision)),
            ("place", json!(self.place)),
            (
                "source",
                object([
                    ("title", json!(self.source_title)),
                    ("url", json!(self.source_url)),
                ]),
            ),
            ("form", json!(self.form)),
            ("words", json!(self.words)),
            ("language", json!(self.language)),
        ]))
    }
}

/// Reads a table of claims. Each that a row names is there.
///
/// # Errors
/// [`Rejected`].
pub fn read(bytes: &[u8]) -> Result<Vec<Claim>, Rejected> {
    let known = ids(bytes)?;
    let mut ids = Ids::default();
    table::read(bytes, &COLUMNS, |row| {
        let id = ids.need(row, "id");
        let claim = row.need("claim", cells::one_of(CLAIMS));
        let speaker = row.need("speaker", cells::label);
        let office = row.may("office", cells::label);
        let on_behalf_of = row.may("on_behalf_of", cells::label);
        let said_on = row.need("said_on", cells::day);
        let precision = row.need("precision", cells::one_of(PRECISIONS));
        let place = row.may("place", cells::label);
        let form = row.need("form", cells::one_of(FORMS));
        let language = row.need("language", language);
        let words = row.need("words", cells::words);
        let source_title = row.need("source_title", cells::label);
        let source_url = row.may("source_url", cells::url);
        let relates = relates(row, &known);
        Some(Claim {
            id: id?,
            claim: claim?,
            speaker: speaker?,
            office: office?,
            on_behalf_of: on_behalf_of?,
            said_on: said_on?,
            precision: precision?,
            place: place?,
            form: form?,
            language: language?,
            words: words?,
            source_title: source_title?,
            source_url: source_url?,
            relates: relates?,
        })
    })
}

/// The ids of all rows, so that a row can name a later one.
fn ids(bytes: &[u8]) -> Result<Vec<String>, Rejected> {
    table::read(bytes, &COLUMNS, |row| Some(row.cell("id").to_owned()))
}

#[allow(
    clippy::option_option,
    reason = "the outer one says that there was a mistake"
)]
fn relates(row: &mut Row<'_>, known: &[String]) -> Option<Option<(&'static str, Vec<String>)>> {
    let relation = row.may("relation", cells::one_of(RELATIONS));
    let own = row.cell("id").to_owned();
    let to = row.may(
        "related_to",
        cells::list(RELATED_MAX, |id| match id {
            _ if id == own => Err("is this row itself".to_owned()),
            _ if known.iter().any(|known| known == id) => Ok(id.to_owned()),
            _ => Err("is the id of no row".to_owned()),
        }),
    );
    match (relation?, to?) {
        (Some(relation), Some(to)) => Some(Some((relation, to))),
        (None, None) => Some(None),
        _ => {
            row.refuse(
                "related_to",
                "stands there when relation does, and only then",
            );
            None
        }
    }
}

/// A language by its BCP 47 tag: a primary part, then parts of letters and digits.
fn language(text: &str) -> Result<String, String> {
    const TAG_MAX: usize = 35;
    let mut parts = text.split('-');
    let primary = parts
        .next()
        .is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
    let others =
        parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    (primary && others && text.len() <= TAG_MAX)
        .then(|| text.to_owned())
        .ok_or_else(|| "is no BCP 47 language tag, such as ar or sr-Latn".to_owned())
}
