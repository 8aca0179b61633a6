//! Reading views: lists, what is due, changes. Each reads one snapshot.

use super::compute::spell_what;
use super::contact::word;
use super::erasure::ErasedRow;
use super::fold::reference;
use super::group::{Group, Kept, Logs, id, index, joins, said};
use super::objects;
use super::schema::{OPEN, OPEN_THEN, SPAN};
use super::{Context, ViewError, Views};
use crate::search::Texts;
use record::name::{CallSign, Origin, Reference};
use record::statement::Statement;
use record::time::UtcMs;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use truce::agreement::{Actor, Coverage};
use truce::areas::Area;
use truce::contact::{LineEnd, LineState, Means, Shifts, Slot, last_two_way, within_ms};
use truce::due::{Item, Urgency, What};
use truce::kinds::Name;
use truce::standing::{Said, Statements};
use truce::values::{Position, Slug};
use truce::wire::Wire;
use truce::{Context as Basis, OwnLog, Truce};
use utoipa::ToSchema;

/// Steps from a statement to what it belongs to.
const STEPS_MAX: usize = 256;

/// What a list is asked for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Whose statement made it, by call sign.
    pub by: Option<String>,
    /// Place code or name, or what else it is looked up by.
    pub place: Option<String>,
    /// Grade, sort or category.
    pub tag: Option<String>,
    /// Only what is open, or only what is not.
    pub open: Option<bool>,
    /// Not before.
    pub from: Option<UtcMs>,
    /// Before.
    pub until: Option<UtcMs>,
    /// The last row of the page before: its time and id. Lists go from the newest to the oldest.
    pub after: Option<(i64, i64)>,
    /// Rows at most.
    pub limit: u32,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    /// Rows, from the newest to the oldest.
    pub items: Vec<T>,
    /// How many there are in all, of what the reader may read.
    pub total: u64,
    /// Time and id of the last row, when more follow.
    pub next: Option<(i64, i64)>,
}

/// A statement, with as much of it as the reader may read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementRow {
    /// Full reference.
    pub reference: String,
    /// To be read aloud: call sign and index.
    #[schema(example = "RU-412")]
    pub short: String,
    /// Its author's call sign.
    pub by: String,
    /// Kind and version.
    #[schema(example = "message.send/1")]
    pub kind: String,
    /// When it was said, with the original offset.
    #[schema(format = DateTime)]
    pub at: String,
    /// Which key signed: the entry that granted it.
    pub kid: String,
    /// `effective`, `ineffective`, `waiting`, `undetermined` or `unknown_kind`.
    pub standing: String,
    /// Why, unless it is effective.
    pub why: Option<String>,
    /// What it is about.
    pub about: Vec<String>,
    /// Of a response: the digests that its author held of what it responds to.
    pub seen: Vec<String>,
    /// Its groups: whom each is for, and its content if it is open to the reader.
    pub groups: Vec<GroupRow>,
    /// Of a site, an exposure or a movement: what a notice never does, and what a withdrawal cannot do, in fixed words.
    pub protection: Option<&'static str>,
    /// Where it is erased, if its author had anything of it erased.
    pub erased: Option<ErasedRow>,
    /// The statement itself, as far as the reader may read it: check its signature yourself.
    pub statement: String,
}

impl StatementRow {
    /// Whether a place stands anywhere in what is open of it.
    #[must_use]
    pub fn tells_a_place(&self) -> bool {
        fn has_place(content: &Value) -> bool {
            match content {
                Value::Object(members) => {
                    members.contains_key("place") || members.values().any(has_place)
                }
                Value::Array(items) => items.iter().any(has_place),
                _ => false,
            }
        }
        let mut open = self
            .groups
            .iter()
            .filter_map(|group| group.content.as_ref());
        open.any(has_place)
    }
}

/// A group of a statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// Its readers.
    pub audience: Vec<String>,
    /// What it says; absent when it was withheld or erased.
    #[schema(value_type = Option<Object>)]
    pub content: Option<Value>,
}

/// Something that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwedRow {
    /// `flash`, `answer`, `acceptance`, `area_response`, `separation_answer`, `line_test` or `relief`; of sites `validation`,
    /// `acknowledgement`, `read_back`, `pass_down`, `review`, `deletion`, `contest`, `consent`; of exposures `owner_warning`; of
    /// movements also `check_in`, `uncertainty`, `alert`, `distress`, `closing`.
    pub what: String,
    /// Which part of a message, or which check-point of a movement.
    pub part: Option<String>,
    /// Who owes it.
    pub by: String,
    /// Who waits for it.
    pub to: String,
    /// What it is about.
    pub about: String,
    /// The same, to be read aloud.
    pub short: String,
    /// Name, subject or grade of what it is about.
    pub title: Option<String>,
    /// `overdue`, `open` or `unreachable`.
    pub urgency: String,
    /// When it was first said.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it is due; absent while no clock runs.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Seconds since it was first said.
    pub age_s: i64,
    /// Seconds by which it is overdue.
    pub overdue_s: i64,
    /// Whether the one who owes it gave a receipt; otherwise a neutral's sight of a head stands in for it.
    pub received: bool,
    /// The last holding reply. It stops no clock.
    #[schema(value_type = Option<objects::Holding>)]
    pub holding: Option<Value>,
}

/// A place among the deadlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(i64, i64, i64);

impl Mark {
    /// Before all deadlines at `at`.
    #[must_use]
    pub fn before(at: UtcMs) -> Self {
        Self(at.0, i64::MIN, i64::MIN)
    }

    /// After all deadlines at `at`.
    #[must_use]
    pub fn after(at: UtcMs) -> Self {
        Self(at.0, i64::MAX, i64::MAX)
    }
}

/// A deadline that passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The object.
    pub about: Reference,
    /// What is owed.
    pub what: String,
    /// Which part.
    pub part: Option<String>,
    /// Who owes it.
    pub by: String,
    /// Who waits.
    pub to: String,
    /// When it was due.
    pub due_at: UtcMs,
}

/// A change of a statement or an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// Where it stands among the changes; local to these views.
    #[serde(skip)]
    pub seq: i64,
    /// `statement`, or the list the object is in.
    pub of: String,
    /// The statement, or the one by which the object is known.
    pub reference: String,
    /// Kind of the statement.
    pub kind: Option<String>,
    /// Whether it no longer stands: it was retracted, withdrawn or erased. Take it off.
    pub gone: bool,
}

impl Views {
    /// Everything that is open at `now`, the most urgent and oldest first, alike for all sides.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn due(&self, now: UtcMs) -> Result<Vec<OwedRow>, ViewError> {
        let context = self.context();
        self.read(|db| due(db, &context, now))
    }

    /// At most `max` deadlines that passed unsettled, after the place `after` and not later than `until`, in their order; and
    /// the place from which to go on, when there may be more.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn alarms(
        &self,
        after: &Mark,
        until: UtcMs,
        max: u32,
    ) -> Result<(Vec<Alarm>, Option<Mark>), ViewError> {
        self.read(|db| alarms(db, after, until, max))
    }

    /// Line tests and reliefs that are overdue at `now`. Of each line that is the last test that was asked for.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn standing_alarms(&self, now: UtcMs) -> Result<Vec<Alarm>, ViewError> {
        let context = self.context();
        self.read(|db| standing_alarms(db, &context, now))
    }

    /// Objects of one capability, as the API gives them.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn list(&self, capability: &str, query: &ListQuery) -> Result<Listed<String>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let mut listed = list(db, capability, query)?;
            tell(db, capability, &mut listed.items, &context)?;
            Ok(listed)
        })
    }

    /// One object, by any statement that belongs to it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn object(&self, capability: &str, of: &Reference) -> Result<Option<String>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let mut body = object(db, capability, of)?;
            tell(db, capability, body.as_mut_slice(), &context)?;
            Ok(body)
        })
    }

    /// Statements, from the newest to the oldest.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn statements(
        &self,
        kind: Option<&str>,
        query: &ListQuery,
    ) -> Result<Listed<StatementRow>, ViewError> {
        let context = self.context();
        self.read(|db| statements(db, &context, kind, query))
    }

    /// One statement.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn statement(&self, of: &Reference) -> Result<Option<StatementRow>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let logs = Logs::load(db)?;
            match held(db, &logs, of)? {
                Some(id) => statement_row(db, &context, id),
                None => Ok(None),
            }
        })
    }

    /// The full reference of entry `index` of `origin`, if these eyes read it at all.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn find(&self, origin: &Origin, at: u64) -> Result<Option<Reference>, ViewError> {
        self.read(|db| {
            let logs = Logs::load(db)?;
            match logs.known(origin) {
                Some(log) => reference(db, &logs, id(log, at)),
                None => Ok(None),
            }
        })
    }

    /// What is said about a statement, in the order of logs and indices.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn about(&self, of: &Reference, max: u32) -> Result<Vec<StatementRow>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let logs = Logs::load(db)?;
            let Some(id) = held(db, &logs, of)? else {
                return Ok(Vec::new());
            };
            let ids: Vec<i64> = db
                .prepare_cached(
                    "SELECT from_id FROM about WHERE to_id = ?1 ORDER BY from_id LIMIT ?2",
                )?
                .query_map(params![id, max], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let rows = ids.into_iter().map(|id| statement_row(db, &context, id));
            rows.filter_map(Result::transpose).collect()
        })
    }

    /// Erasures by others of which the log `by` has not said yet that it is done, by their logs and indices.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn without_erase_done(&self, by: &Origin, max: u32) -> Result<Vec<Reference>, ViewError> {
        const SQL: &str = "SELECT e.id FROM statement e WHERE e.kind = 'erase/1' AND e.standing = 'effective' AND NOT e.id BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM about JOIN statement d ON d.id = about.from_id WHERE about.to_id = e.id AND about.from_id BETWEEN ?1 AND ?2 AND d.kind = 'erase.done/1') LIMIT ?3";
        self.read(|db| {
            let logs = Logs::load(db)?;
            let log = logs.known(by).unwrap_or(-1);
            let ids: Vec<i64> = db
                .prepare_cached(SQL)?
                .query_map(params![log * SPAN, (log + 1) * SPAN - 1, max], |row| {
                    row.get(0)
                })?
                .collect::<Result<_, _>>()?;
            let found = ids.into_iter().map(|id| reference(db, &logs, id));
            found.filter_map(Result::transpose).collect()
        })
    }

    /// Of what reached nobody at `by` yet: the first statement that asks it. Those are owed a receipt.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn without_receipt(&self, by: &CallSign, max: u32) -> Result<Vec<Reference>, ViewError> {
        const SQL: &str = "SELECT DISTINCT asked_in FROM owed WHERE by_sign = ?1 AND (settled_at = ?2 OR what = 'told') AND received = 0 AND by_sign <> to_sign LIMIT ?3";
        self.read(|db| {
            let logs = Logs::load(db)?;
            let ids: Vec<i64> = db
                .prepare_cached(SQL)?
                .query_map(params![by.as_str(), OPEN, max], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let found = ids.into_iter().map(|id| reference(db, &logs, id));
            found.filter_map(Result::transpose).collect()
        })
    }

    /// An own log as far as these views have folded it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn own_log(&self, origin: &Origin) -> Result<OwnLog, ViewError> {
        let folded = self.context().folded.get(origin).copied().unwrap_or(0);
        self.read(|db| own_log(db, origin, folded))
    }

    /// The largest head of the log `of` that the log `by` says it saw.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn last_seen(&self, by: &Origin, of: &Origin) -> Result<u64, ViewError> {
        self.read(|db| {
            let logs = Logs::load(db)?;
            let (Some(by), Some(log)) = (logs.known(by), logs.known(of)) else {
                return Ok(0);
            };
            let size: Option<i64> = db
                .prepare_cached("SELECT max(size) FROM seen WHERE by_log = ?1 AND log = ?2")?
                .query_row([by, log], |row| row.get(0))?;
            Ok(unsigned(size.unwrap_or(0)))
        })
    }

    /// How many entries of a log from `from` until `until` tell of nothing but heads.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn tell_of_heads(&self, of: &Origin, from: u64, until: u64) -> Result<u64, ViewError> {
        self.read(|db| {
            let logs = Logs::load(db)?;
            let Some(log) = logs.known(of) else {
                return Ok(0);
            };
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM statement WHERE kind = 'head.seen/1' AND id >= ?1 AND id < ?2")?
                .query_row([id(log, from), id(log, until)], |row| row.get(0))?;
            Ok(unsigned(count))
        })
    }

    /// Changes after `since`, in their order.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn changes_since(&self, since: i64, max: u32) -> Result<Vec<Change>, ViewError> {
        self.read(|db| changes(db, since, max))
    }

    /// The lines of the instruments in force, with their last tests.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn lines(&self) -> Result<BTreeMap<(Reference, Slug), LineState>, ViewError> {
        let context = self.context();
        self.read(|db| lines(db, &context, None))
    }

    /// Statements by their local ids, in that order.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) fn rows_of(&self, ids: &[i64]) -> Result<Vec<StatementRow>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let rows = ids.iter().map(|id| statement_row(db, &context, *id));
            rows.filter_map(Result::transpose).collect()
        })
    }

    /// What statements say that changed after `since`, while `epoch` is still that of these tables; otherwise the new epoch.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) fn texts_since(
        &self,
        since: i64,
        epoch: i64,
        max: u32,
    ) -> Result<(i64, Vec<Texts>), ViewError> {
        self.read(|db| texts_since(db, since, epoch, max))
    }

    /// Whether the truce covers an actor at a place and time, by the instruments and areas that these eyes see.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn covered(
        &self,
        place: &Position,
        actor: &Actor,
        at: UtcMs,
    ) -> Result<Coverage, ViewError> {
        let context = self.context();
        let areas = self.read(|db| all_areas(db, &context))?;
        let contains = truce::areas::contains;
        Ok(context
            .agreement
            .covered(place, actor, at, &areas, contains))
    }
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Statements of which erased content is still held in their logs.
pub(super) fn to_destroy(db: &Connection) -> Result<Vec<Reference>, ViewError> {
    let logs = Logs::load(db)?;
    let ids: Vec<i64> = db
        .prepare_cached("SELECT id FROM destroy")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let found = ids.into_iter().map(|id| reference(db, &logs, id));
    found.filter_map(Result::transpose).collect()
}

/// The id of a statement that is held with exactly this leaf.
pub(super) fn held(db: &Connection, logs: &Logs, of: &Reference) -> Result<Option<i64>, ViewError> {
    let Some(log) = logs.known(&of.origin) else {
        return Ok(None);
    };
    let id = id(log, of.index);
    Ok(reference(db, logs, id)?
        .filter(|found| found == of)
        .map(|_| id))
}

/// The object that is known by this statement, or by the one that it belongs to, over all steps. Of an area that is its latest
/// revision, by whichever of them it is asked for.
fn object(db: &Connection, capability: &str, of: &Reference) -> Result<Option<String>, ViewError> {
    const KNOWN_BY: &str = "SELECT body FROM object WHERE capability = ?2 AND id = ?1";
    const REVISION: &str = "SELECT o.body FROM statement s JOIN object o ON o.id = s.id WHERE s.root = ?1 AND s.root <> s.id AND o.capability = ?2 ORDER BY o.at_ms DESC, o.id DESC LIMIT 1";
    let logs = Logs::load(db)?;
    let mut next = Some(of.clone());
    let mut first = None;
    for _ in 0..STEPS_MAX {
        let Some(id) = next
            .as_ref()
            .map(|of| held(db, &logs, of))
            .transpose()?
            .flatten()
        else {
            break;
        };
        let found: Option<String> = db
            .prepare_cached(KNOWN_BY)?
            .query_row(params![id, capability], |row| row.get(0))
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
        first = Some(id);
        let said = said(db, &mut Kept::default(), id)?;
        next = said.and_then(|said| joins(&said).cloned());
    }
    let Some(first) = first.filter(|_| capability == "area") else {
        return Ok(None);
    };
    Ok(db
        .prepare_cached(REVISION)?
        .query_row(params![first, capability], |row| row.get(0))
        .optional()?)
}

pub(crate) fn short(context: &Context, origin: &Origin, at: u64) -> String {
    match context.directory.call_sign(origin) {
        Some(sign) => format!("{sign}-{at}"),
        None => format!("{origin}#{at}"),
    }
}

/// What [`owed_row`] reads.
pub(super) const OWED: &str = "SELECT w.what, w.part, w.by_sign, w.to_sign, w.about, w.said_at, w.started_at, w.received, w.due_at, w.holding, o.title";
pub(super) const OBJECT: &str = "LEFT JOIN object o ON o.id = w.about";

fn due(db: &Connection, context: &Context, now: UtcMs) -> Result<Vec<OwedRow>, ViewError> {
    let sql = format!("{OWED} {OPEN_THEN} {OBJECT}");
    let logs = Logs::load(db)?;
    let mut rows = Vec::new();
    let mut select = db.prepare_cached(&sql)?;
    let mut found = select.query([now.0])?;
    while let Some(row) = found.next()? {
        rows.push(owed_row(db, context, &logs, row, now)?);
    }
    let lines = lines(db, context, Some(now))?;
    let mut items = truce::due::line_tests(&lines, &context.agreement, now);
    items.extend(truce::due::reliefs(
        &context.shifts,
        &context.directory,
        now,
    ));
    rows.extend(items.into_iter().map(|item| {
        let row = item_row(context, &item, now);
        (item, row)
    }));
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// A row, with the item that it stands for: by that it is ordered, as everywhere.
pub(super) fn owed_row(
    db: &Connection,
    context: &Context,
    logs: &Logs,
    row: &Row<'_>,
    now: UtcMs,
) -> Result<(Item, OwedRow), ViewError> {
    let damaged = |what: &str| ViewError::Damaged(format!("a debt has no {what}"));
    let object: i64 = row.get(4)?;
    let started: Option<i64> = row.get(6)?;
    let started = started.filter(|at| *at <= now.0);
    let due: Option<i64> = started.and(row.get(8)?);
    let urgency = match (started, due) {
        (None, _) => Urgency::Unreachable,
        (Some(_), Some(due)) if now.0 >= due => Urgency::Overdue,
        _ => Urgency::Open,
    };
    let sign = |at: usize| -> Result<CallSign, ViewError> {
        let text: String = row.get(at)?;
        text.parse().map_err(|_| damaged("call sign"))
    };
    let (what, part): (String, Option<String>) = (row.get(0)?, row.get(1)?);
    let holding: Option<String> = row.get(9)?;
    let about = reference(db, logs, object)?.ok_or_else(|| damaged("statement"))?;
    let item = Item {
        urgency,
        due_at: due.map(UtcMs),
        since: UtcMs(row.get(5)?),
        what: read_what(&what, part.as_deref()).ok_or_else(|| damaged("sort"))?,
        by: sign(2)?,
        to: sign(3)?,
        about,
        received: started.is_some() && row.get(7)?,
        holding: None,
    };
    let mut row = OwedRow {
        title: row.get(10)?,
        ..item_row(context, &item, now)
    };
    row.holding = holding.and_then(|text| serde_json::from_str(&text).ok());
    Ok((item, row))
}

fn read_what(what: &str, part: Option<&str>) -> Option<What> {
    What::spelled(what, part.map(Slug::new).transpose().ok()?)
}

pub(crate) fn item_row(context: &Context, item: &Item, now: UtcMs) -> OwedRow {
    let (what, part) = spell_what(&item.what);
    OwedRow {
        what: what.into(),
        part,
        by: item.by.to_string(),
        to: item.to.to_string(),
        about: item.about.to_string(),
        short: short(context, &item.about.origin, item.about.index),
        title: None,
        urgency: match item.urgency {
            Urgency::Overdue => "overdue",
            Urgency::Open => "open",
            Urgency::Unreachable => "unreachable",
        }
        .into(),
        since: item.since.to_string(),
        due_at: item.due_at.map(|at| at.to_string()),
        age_s: item.age_ms(now) / 1000,
        overdue_s: item.overdue_ms(now) / 1000,
        received: item.received,
        holding: None,
    }
}

fn alarms(
    db: &Connection,
    after: &Mark,
    until: UtcMs,
    max: u32,
) -> Result<(Vec<Alarm>, Option<Mark>), ViewError> {
    // A deadline passed if nobody had settled it by then, whatever was said later.
    const SQL: &str = "SELECT about, what, part, by_sign, to_sign, due_at, late_at, root, n FROM owed WHERE settled_at > late_at AND (late_at, root, n) > (?1, ?2, ?3) AND late_at <= ?4 ORDER BY late_at, root, n LIMIT ?5";
    let logs = Logs::load(db)?;
    let (mut all, mut count, mut last) = (Vec::new(), 0, None);
    let mut select = db.prepare_cached(SQL)?;
    let mut rows = select.query(params![after.0, after.1, after.2, until.0, max])?;
    while let Some(row) = rows.next()? {
        count += 1;
        last = Some(Mark(row.get(6)?, row.get(7)?, row.get(8)?));
        if let Some(about) = reference(db, &logs, row.get(0)?)? {
            all.push(Alarm {
                about,
                what: row.get(1)?,
                part: row.get(2)?,
                by: row.get(3)?,
                to: row.get(4)?,
                due_at: UtcMs(row.get(5)?),
            });
        }
    }
    Ok((all, last.filter(|_| count == max)))
}

/// Line tests and reliefs that are overdue at `now`: deadlines that no debt of the tables has.
fn standing_alarms(
    db: &Connection,
    context: &Context,
    now: UtcMs,
) -> Result<Vec<Alarm>, ViewError> {
    const TESTED: &str = "SELECT EXISTS (SELECT 1 FROM object WHERE capability = 'line.test' AND place = ?1 AND by_sign = ?2 AND at_ms BETWEEN ?3 AND ?4)";
    let mut all = Vec::new();
    for instrument in context.agreement.in_force(now) {
        for line in instrument.table.lines.iter() {
            let slot = truce::contact::slot(line, now).filter(|slot| slot.due_at <= now);
            let Some(slot) = slot else { continue };
            for (end, other) in [(&line.a, &line.b), (&line.b, &line.a)] {
                let within = params![line.id.as_str(), end.as_str(), slot.at.0, slot.due_at.0];
                let tested: bool = db
                    .prepare_cached(TESTED)?
                    .query_row(within, |row| row.get(0))?;
                if !tested {
                    all.push(Alarm {
                        about: instrument.reference.clone(),
                        what: spell_what(&What::LineTest).0.to_owned(),
                        part: Some(line.id.to_string()),
                        by: end.to_string(),
                        to: other.to_string(),
                        due_at: slot.due_at,
                    });
                }
            }
        }
    }
    let reliefs = truce::due::reliefs(&context.shifts, &context.directory, now);
    all.extend(reliefs.into_iter().filter_map(|item| {
        let overdue = item.urgency == Urgency::Overdue;
        Some(Alarm {
            due_at: item.due_at.filter(|_| overdue)?,
            about: item.about,
            what: spell_what(&item.what).0.to_owned(),
            part: None,
            by: item.by.to_string(),
            to: item.to.to_string(),
        })
    }));
    Ok(all)
}

/// The conditions of a list, with their values.
fn conditions(query: &ListQuery, first: Vec<(String, Sql)>) -> Vec<(String, Option<Sql>)> {
    let first = first.into_iter().map(|(sql, value)| (sql, Some(value)));
    let mut all: Vec<_> = first.collect();
    let mut add = |sql: &str, value: Option<Sql>| {
        if value.is_some() {
            all.push((sql.to_owned(), value));
        }
    };
    add("at_ms >= ?", query.from.map(|at| at.0.into()));
    add("at_ms < ?", query.until.map(|at| at.0.into()));
    add("place = ?", query.place.clone().map(Sql::from));
    add("tag = ?", query.tag.clone().map(Sql::from));
    add("by_sign = ?", query.by.clone().map(Sql::from));
    all
}

/// The index by which a list of objects is read: each has all that is filtered by and is in the order of the list, so that
/// neither a total nor a page reads rows that it does not show.
fn object_index(query: &ListQuery) -> &'static str {
    match query {
        ListQuery {
            open: Some(true), ..
        } => "object INDEXED BY object_open",
        ListQuery { place: Some(_), .. } => "object INDEXED BY object_place",
        ListQuery { by: Some(_), .. } => "object INDEXED BY object_by",
        ListQuery { tag: Some(_), .. } => "object INDEXED BY object_tag",
        _ => "object INDEXED BY object_list",
    }
}

fn page<T>(
    db: &Connection,
    table: &str,
    columns: &str,
    conditions: &[(String, Option<Sql>)],
    query: &ListQuery,
    mut row: impl FnMut(&Row<'_>) -> Result<Option<T>, ViewError>,
) -> Result<Listed<T>, ViewError> {
    let filter: Vec<&str> = conditions.iter().map(|(sql, _)| sql.as_str()).collect();
    let filter = match filter.as_slice() {
        [] => String::new(),
        filter => format!(" WHERE {}", filter.join(" AND ")),
    };
    let values = || conditions.iter().filter_map(|(_, value)| value.clone());
    let total: i64 = db
        .prepare_cached(&format!("SELECT count(*) FROM {table}{filter}"))?
        .query_row(params_from_iter(values()), |row| row.get(0))?;
    let and = if filter.is_empty() { "WHERE" } else { "AND" };
    let (after, position) = match query.after {
        Some((at, id)) => (
            format!(" {and} (at_ms, id) < (?, ?)"),
            vec![Sql::from(at), Sql::from(id)],
        ),
        None => (String::new(), vec![]),
    };
    let sql = format!(
        "SELECT at_ms, id, {columns} FROM {table}{filter}{after} ORDER BY at_ms DESC, id DESC LIMIT {}",
        query.limit + 1
    );
    let mut select = db.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values().chain(position)))?;
    let (mut items, mut last, mut next) = (Vec::new(), None, None);
    while let Some(found) = rows.next()? {
        if items.len() == query.limit as usize {
            next = last;
            break;
        }
        last = Some((found.get(0)?, found.get(1)?));
        items.extend(row(found)?);
    }
    Ok(Listed {
        items,
        total: unsigned(total),
        next,
    })
}

/// Adds to rows what is told of them when they are read.
fn tell(
    db: &Connection,
    capability: &str,
    rows: &mut [String],
    context: &Context,
) -> Result<(), ViewError> {
    match capability {
        "matter" => {
            for row in rows {
                *row = super::contact::with_languages(std::mem::take(row), context);
            }
            Ok(())
        }
        "report" => super::incidents::with_coverage(db, rows, context),
        _ => Ok(()),
    }
}

fn list(db: &Connection, capability: &str, query: &ListQuery) -> Result<Listed<String>, ViewError> {
    let first = vec![(
        "capability = ?".to_owned(),
        Sql::from(capability.to_owned()),
    )];
    let mut all = conditions(query, first);
    // Written out, not given as a value: otherwise the index of what is open could not be used.
    let open = query.open.map(|open| format!("open = {}", i64::from(open)));
    all.extend(open.map(|open| (open, None)));
    page(db, object_index(query), "body", &all, query, |row| {
        Ok(Some(row.get(2)?))
    })
}

fn statements(
    db: &Connection,
    context: &Context,
    kind: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<StatementRow>, ViewError> {
    let logs = Logs::load(db)?;
    let mut all = Vec::new();
    if let Some(kind) = kind {
        all.push(("kind = ?".to_owned(), Sql::from(kind.to_owned())));
    }
    if let Some(by) = &query.by {
        let origin = by
            .parse()
            .ok()
            .and_then(|sign: CallSign| context.directory.origin(&sign).cloned());
        let log = origin.and_then(|origin| logs.known(&origin)).unwrap_or(-1);
        all.push(("id >> 40 = ?".to_owned(), log.into()));
    }
    let table = match (kind, &query.by) {
        (Some(_), _) => "statement INDEXED BY statement_kind_list",
        (None, Some(_)) => "statement INDEXED BY statement_log_list",
        (None, None) => "statement INDEXED BY statement_list",
    };
    let times = ListQuery {
        from: query.from,
        until: query.until,
        ..ListQuery::default()
    };
    page(db, table, "id", &conditions(&times, all), query, |row| {
        statement_row(db, context, row.get(1)?)
    })
}

pub(super) fn statement_row(
    db: &Connection,
    context: &Context,
    id: i64,
) -> Result<Option<StatementRow>, ViewError> {
    let found: Option<(String, Option<String>)> = db
        .prepare_cached("SELECT standing, why FROM statement WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((standing, why)) = found else {
        return Ok(None);
    };
    let Some(said) = said(db, &mut Kept::default(), id)? else {
        return Ok(None);
    };
    let mut row = spell_statement(context, &said, standing, why);
    row.erased = super::erasure::of_row(db, context, id, &row)?;
    Ok(Some(row))
}

fn spell_statement(
    context: &Context,
    said: &Said,
    standing: String,
    why: Option<String>,
) -> StatementRow {
    let (statement, reference): (&Statement, &Reference) = (&said.statement, &said.reference);
    let leaf = statement.leaf();
    let head = said.head();
    let groups = head.into_iter().flat_map(|head| &head.groups);
    let mut groups: Vec<GroupRow> = groups
        .map(|(name, group)| GroupRow {
            name: name.clone(),
            audience: group.audience.names().map(ToString::to_string).collect(),
            content: statement.content(name).cloned(),
        })
        .collect();
    groups.extend(leaf.control().map(|(_, body)| GroupRow {
        name: "body".into(),
        audience: vec!["public".into()],
        content: Some(Value::Object(body.clone())),
    }));
    let by = context.directory.call_sign(&reference.origin);
    StatementRow {
        protection: statement.kind().and_then(Name::of).and_then(Name::legal),
        reference: reference.to_string(),
        short: short(context, &reference.origin, reference.index),
        by: by.map_or_else(|| reference.origin.to_string(), |by| by.to_string()),
        kind: statement
            .kind()
            .map(ToString::to_string)
            .unwrap_or_default(),
        at: head.map_or_else(
            || UtcMs(leaf.minute_s * 1000).to_string(),
            |head| head.at.clone(),
        ),
        kid: leaf.kid.to_string(),
        standing,
        why,
        about: head
            .into_iter()
            .flat_map(|head| &head.about)
            .map(ToString::to_string)
            .collect(),
        seen: head
            .into_iter()
            .flat_map(|head| &head.seen)
            .map(ToString::to_string)
            .collect(),
        groups,
        erased: None, // told by what others said
        statement: statement.to_string(),
    }
}

fn changes(db: &Connection, since: i64, max: u32) -> Result<Vec<Change>, ViewError> {
    const SQL: &str = "SELECT seq, id, 'statement', kind, why, standing FROM statement WHERE seq > ?1 UNION ALL SELECT seq, id, capability, NULL, NULL, '' FROM object WHERE seq > ?1 ORDER BY 1 LIMIT ?2";
    let logs = Logs::load(db)?;
    let mut all = Vec::new();
    let mut select = db.prepare_cached(SQL)?;
    let mut rows = select.query(params![since, max])?;
    while let Some(row) = rows.next()? {
        let Some(reference) = reference(db, &logs, row.get(1)?)? else {
            continue;
        };
        let (why, standing): (Option<String>, String) = (row.get(4)?, row.get(5)?);
        let why = why.unwrap_or_default();
        let gone = standing == "ineffective"
            && (why.starts_with("retracted") || why.starts_with("withdrawn"))
            || standing == "undetermined" && why.ends_with("is erased");
        all.push(Change {
            seq: row.get(0)?,
            reference: reference.to_string(),
            of: row.get(2)?,
            kind: row.get(3)?,
            gone,
        });
    }
    Ok(all)
}

/// All areas, folded from what is said of each.
fn all_areas(db: &Connection, context: &Context) -> Result<BTreeMap<Reference, Area>, ViewError> {
    const ALL: &str = "SELECT id FROM object WHERE capability = 'area'";
    let mut select = db.prepare_cached(ALL)?;
    let roots = select.query_map([], |row| row.get(0))?;
    areas_of(db, context, roots.collect::<Result<_, _>>()?)
}

/// Areas that are said to be held by an excluded group, and are valid at some time between two.
pub(super) fn held_areas(
    db: &Connection,
    context: &Context,
    from: UtcMs,
    until: UtcMs,
) -> Result<BTreeMap<Reference, Area>, ViewError> {
    // To the second, which is a shorter text than any time with a fraction of it: rather one area too many.
    const HELD: &str = "SELECT id FROM object INDEXED BY object_tag WHERE capability = 'area' AND tag = 'held_by_excluded_group' AND substr(body ->> 'valid_from', 1, 19) <= ?2 AND substr(body ->> 'valid_until', 1, 19) >= ?1";
    const TO_THE_SECOND: usize = 19;
    let spelled = |at: UtcMs| {
        at.to_string()
            .chars()
            .take(TO_THE_SECOND)
            .collect::<String>()
    };
    let mut select = db.prepare_cached(HELD)?;
    let roots = select.query_map([spelled(from), spelled(until)], |row| row.get(0))?;
    areas_of(db, context, roots.collect::<Result<_, _>>()?)
}

fn areas_of(
    db: &Connection,
    context: &Context,
    roots: Vec<i64>,
) -> Result<BTreeMap<Reference, Area>, ViewError> {
    let logs = Logs::load(db)?;
    let mut kept = Kept::default();
    let mut all = BTreeMap::new();
    for root in roots {
        let group = Group::load(db, &mut kept, &logs, root)?;
        let mut statements = Statements::among(Arc::clone(&context.participants));
        group.hold_in(&mut statements);
        let basis = Basis {
            directory: &context.directory,
            agreement: &context.agreement,
            seen_by: &|_, _| None, // when it arrived does not matter here
        };
        all.extend(Truce::part(&statements, &basis).areas.areas);
    }
    Ok(all)
}

fn texts_since(
    db: &Connection,
    since: i64,
    epoch: i64,
    max: u32,
) -> Result<(i64, Vec<Texts>), ViewError> {
    let sql = "SELECT value FROM state WHERE name = 'epoch'";
    let now: i64 = db.query_row(sql, [], |row| row.get(0))?;
    if now != epoch {
        return Ok((now, Vec::new()));
    }
    let mut select = db.prepare_cached(
        "SELECT seq, id, text FROM statement WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = select.query(params![since, max])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, text): (i64, String) = (row.get(1)?, row.get(2)?);
        let statement = super::group::read(id, &text)?.statement;
        let groups = statement
            .head()
            .into_iter()
            .flat_map(|head| head.groups.keys());
        all.push(Texts {
            seq: row.get(0)?,
            id,
            contents: groups
                .filter_map(|name| statement.content(name).cloned())
                .collect(),
        });
    }
    Ok((now, all))
}

fn own_log(db: &Connection, origin: &Origin, folded: u64) -> Result<OwnLog, ViewError> {
    let logs = Logs::load(db)?;
    let Some(log) = logs.known(origin) else {
        return Ok(OwnLog::new(origin.clone()));
    };
    let known: BTreeMap<String, Name> = Name::ALL
        .iter()
        .map(|name| (format!("{}/1", name.as_str()), *name))
        .collect();
    let mut kinds = vec![None; usize::try_from(folded).unwrap_or(0)];
    let mut details = Vec::new();
    let mut select =
        // From the index alone: the rows themselves are a thousand times as much to read.
        db.prepare_cached("SELECT id, kind FROM statement INDEXED BY statement_kind WHERE id >= ?1 AND id < ?2")?;
    let mut rows = select.query([id(log, 0), id(log, folded)])?;
    while let Some(row) = rows.next()? {
        let (at, kind): (i64, String) = (row.get(0)?, row.get(1)?);
        let name = known.get(&kind).copied();
        if let Some(place) = usize::try_from(index(at))
            .ok()
            .and_then(|at| kinds.get_mut(at))
        {
            *place = name;
        }
        details.extend(name.filter(|name| OwnLog::remembers(*name)).map(|_| at));
    }
    details.sort_unstable();
    let mut own = OwnLog::of_kinds(origin.clone(), kinds);
    for at in details {
        if let Some(said) = said(db, &mut Kept::default(), at)? {
            own.remember(index(at), said.kid(), said.head(), said.known());
        }
    }
    Ok(own)
}

/// What has to be ticked when `own` hands over, at each of these times: FLASH that it sent or received, while it is open, and the
/// answers that it owes, while they are overdue. One pass for all times.
pub(super) fn must_tick(
    db: &Connection,
    logs: &Logs,
    own: &CallSign,
    times: &BTreeSet<i64>,
) -> Result<BTreeMap<i64, BTreeSet<Reference>>, ViewError> {
    const FLASH: &str = "SELECT about, max(said_at, heard), settled_at FROM (SELECT w.about, w.said_at, w.settled_at, CASE WHEN w.by_sign = ?1 THEN w.said_at ELSE (SELECT min(r.started_at) FROM owed r WHERE r.root = w.root AND r.about = w.about AND r.by_sign = ?1 AND r.what = 'answer' AND r.received = 1) END AS heard FROM owed w WHERE w.what = 'flash' AND w.settled_at > ?2 AND w.said_at <= ?3) WHERE heard IS NOT NULL";
    const OVERDUE: &str = "SELECT about, max(late_at, said_at), settled_at FROM owed INDEXED BY owed_of WHERE by_sign = ?1 AND settled_at > ?2 AND late_at <= ?3 AND what = 'answer' AND received = 1";
    let mut all: BTreeMap<i64, BTreeSet<Reference>> = BTreeMap::new();
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return Ok(all);
    };
    for sql in [FLASH, OVERDUE] {
        let mut select = db.prepare_cached(sql)?;
        let mut rows = select.query(params![own.as_str(), first, last])?;
        while let Some(row) = rows.next()? {
            let (from, until): (i64, i64) = (row.get(1)?, row.get(2)?);
            let mut meant = times.range(from..until.max(from)).peekable();
            if meant.peek().is_none() {
                continue;
            }
            if let Some(about) = reference(db, logs, row.get(0)?)? {
                for time in meant {
                    all.entry(*time).or_default().insert(about.clone());
                }
            }
        }
    }
    Ok(all)
}

/// Tests of a line that are looked at for its state: its last two-way test is looked for over all of them.
const TESTS_SHOWN_MAX: u32 = 64;

/// Of each line its last tests, and if a time is given what each end said of the last test that was asked for by then.
fn lines(
    db: &Connection,
    context: &Context,
    now: Option<UtcMs>,
) -> Result<BTreeMap<(Reference, Slug), LineState>, ViewError> {
    let logs = Logs::load(db)?;
    let adopted = context
        .agreement
        .instruments
        .values()
        .filter(|i| i.adopted_at().is_some());
    let mut all = BTreeMap::new();
    for instrument in adopted {
        for line in instrument.table.lines.iter() {
            let state = line_state(db, &logs, line, now)?;
            all.insert((instrument.reference.clone(), line.id.clone()), state);
        }
    }
    Ok(all)
}

fn line_state(
    db: &Connection,
    logs: &Logs,
    line: &truce::agreement::Line,
    now: Option<UtcMs>,
) -> Result<LineState, ViewError> {
    let mut state = LineState {
        line: line.clone(),
        tests: BTreeMap::new(),
        last_two_way: None,
        faults: BTreeMap::new(),
    };
    let slot = now.and_then(|now| state.slot(now));
    for end in [&line.a, &line.b] {
        let ever = (UtcMs(i64::MAX), TESTS_SHOWN_MAX);
        let tests = tests_of(db, logs, line, end, slot, ever)?;
        if !tests.is_empty() {
            state.tests.insert(end.clone(), tests);
        }
    }
    let worked = last_two_ways(db, line, UtcMs(i64::MAX))?;
    state.faults = faults_of(db, logs, line, &worked, UtcMs(i64::MAX))?;
    state.last_two_way = worked.into_iter().map(|(means, at)| (at, means)).max();
    Ok(state)
}

/// The state of a line as it was known at `now`, with the last test of each end and the one that the schedule asks for.
pub(super) fn line_at(
    db: &Connection,
    logs: &Logs,
    line: &truce::agreement::Line,
    now: UtcMs,
) -> Result<LineState, ViewError> {
    let mut state = LineState {
        line: line.clone(),
        tests: BTreeMap::new(),
        last_two_way: None,
        faults: BTreeMap::new(),
    };
    let slot = state.slot(now).map(|slot| Slot {
        due_at: slot.due_at.min(now),
        ..slot
    });
    for end in [&line.a, &line.b] {
        let tests = tests_of(db, logs, line, end, slot, (now, 1))?;
        if !tests.is_empty() {
            state.tests.insert(end.clone(), tests);
        }
    }
    let worked = last_two_ways(db, line, now)?;
    state.faults = faults_of(db, logs, line, &worked, now)?;
    state.last_two_way = worked.into_iter().map(|(means, at)| (at, means)).max();
    Ok(state)
}

/// The last tests of one end, and its last one in `slot`, in the order of their time.
fn tests_of(
    db: &Connection,
    logs: &Logs,
    line: &truce::agreement::Line,
    end: &CallSign,
    slot: Option<Slot>,
    (until, max): (UtcMs, u32),
) -> Result<Vec<LineEnd>, ViewError> {
    const LAST: &str = "SELECT id, body FROM object WHERE capability = 'line.test' AND place = ?1 AND by_sign = ?2 AND at_ms BETWEEN ?3 AND ?4 ORDER BY at_ms DESC, id DESC LIMIT ?5";
    let mut select = db.prepare_cached(LAST)?;
    let mut tests = Vec::new();
    let mut read = |from: i64, until: i64, max: u32| -> Result<(), ViewError> {
        let mut rows = select.query(params![line.id.as_str(), end.as_str(), from, until, max])?;
        while let Some(row) = rows.next()? {
            let body: String = row.get(1)?;
            if let Some(reference) = reference(db, logs, row.get(0)?)? {
                tests.push(line_end(reference, &body)?);
            }
        }
        Ok(())
    };
    read(i64::MIN, until.0, max)?;
    if let Some(slot) = slot {
        read(slot.at.0, slot.due_at.0, 1)?;
    }
    tests.sort_by_key(|test| (test.tested_at, test.reference.index));
    tests.dedup();
    Ok(tests)
}

fn line_end(reference: Reference, body: &str) -> Result<LineEnd, ViewError> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let test = truce::contact::LineTest::read(&body, &truce::wire::Place::Top)
        .map_err(|error| ViewError::Damaged(error.to_string()))?;
    Ok(LineEnd {
        reference,
        tested_at: test.tested_at.utc(),
        means: test.means,
        result: test.result,
        languages: test.languages.to_vec(),
    })
}

/// By each means, the last time at which both ends heard each other.
fn last_two_ways(
    db: &Connection,
    line: &truce::agreement::Line,
    until: UtcMs,
) -> Result<BTreeMap<Means, UtcMs>, ViewError> {
    const HEARD: &str = "SELECT at_ms FROM object WHERE capability = 'line.test' AND place = ?1 AND by_sign = ?2 AND tag = ?3 AND at_ms <= ?4 ORDER BY at_ms DESC, id DESC";
    let mut worked = BTreeMap::new();
    for means in Means::ALL {
        let tag = format!("{} heard", word(means));
        let (mut a, mut b) = (db.prepare_cached(HEARD)?, db.prepare_cached(HEARD)?);
        let at = |row: &Row<'_>| row.get(0).map(UtcMs);
        let a = a.query_map(params![line.id.as_str(), line.a.as_str(), tag, until.0], at)?;
        let b = b.query_map(params![line.id.as_str(), line.b.as_str(), tag, until.0], at)?;
        let (a, b) = (a.filter_map(Result::ok), b.filter_map(Result::ok));
        if let Some(at) = last_two_way(a, b, within_ms(line)) {
            worked.insert(*means, at);
        }
    }
    Ok(worked)
}

type Faults = BTreeMap<Means, Vec<(Reference, CallSign, UtcMs)>>;

/// Faults that no later test ended, each means' in the order of their time.
fn faults_of(
    db: &Connection,
    logs: &Logs,
    line: &truce::agreement::Line,
    worked: &BTreeMap<Means, UtcMs>,
    until: UtcMs,
) -> Result<Faults, ViewError> {
    const FAULTS: &str = "SELECT id, by_sign, at_ms, tag FROM object WHERE capability = 'line.fault' AND place = ?1 AND by_sign IN (?2, ?3) AND at_ms > ?4 AND at_ms <= ?5";
    let mut faults = Faults::new();
    let mut select = db.prepare_cached(FAULTS)?;
    // What came before every means worked is over, however much of it there is.
    let all_worked = Means::ALL
        .iter()
        .map(|means| worked.get(means).map_or(i64::MIN, |at| at.0));
    let since = all_worked.min().unwrap_or(i64::MIN);
    let (a, b) = (line.a.as_str(), line.b.as_str());
    let mut rows = select.query(params![line.id.as_str(), a, b, since, until.0])?;
    while let Some(row) = rows.next()? {
        let (by, tag): (String, String) = (row.get(1)?, row.get(3)?);
        let means = Means::read(&tag.into(), &truce::wire::Place::Top);
        let at = UtcMs(row.get(2)?);
        if let (Ok(means), Ok(by), Some(reference)) =
            (means, by.parse(), reference(db, logs, row.get(0)?)?)
            && worked.get(&means).is_none_or(|worked| *worked < at)
        {
            faults.entry(means).or_default().push((reference, by, at));
        }
    }
    for faults in faults.values_mut() {
        faults.sort_by(|a, b| (a.2, &a.0).cmp(&(b.2, &b.0)));
    }
    Ok(faults)
}

/// All rows without what is local, in their order.
pub(super) fn rows(
    db: &Connection,
    shifts: &BTreeMap<Origin, Arc<Shifts>>,
) -> Result<Vec<String>, ViewError> {
    let logs = Logs::load(db)?;
    let mut rows: Vec<String> = Vec::new();
    let name = |id: i64| {
        logs.origin(id)
            .map(|origin| format!("{origin}#{}", index(id)))
            .unwrap_or_default()
    };
    let mut select =
        db.prepare("SELECT id, kind, at_ms, standing, why, text, root FROM statement")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let why: Option<String> = row.get(4)?;
        let (kind, standing, text): (String, String, String) =
            (row.get(1)?, row.get(3)?, row.get(5)?);
        let at: i64 = row.get(2)?;
        rows.push(format!(
            "statement {} {kind} {at} {standing} {why:?} {} {text}",
            name(row.get(0)?),
            name(row.get(6)?)
        ));
    }
    // Of each table: how many of the first columns are ids.
    let tables = [
        (
            "owed",
            3,
            "SELECT about, asked_in, root, what, part, by_sign, to_sign, said_at, started_at, received, due_at, settled_at, holding FROM owed",
        ),
        (
            "object",
            1,
            "SELECT id, capability, at_ms, end_ms, by_sign, place, tag, title, open, body FROM object",
        ),
        (
            "report",
            1,
            "SELECT id, from_ms, until_ms, said_ms, known_to, area, alleges, access, sides, lat_e7, lon_e7, uncertain_m FROM report",
        ),
        (
            "counting",
            1,
            "SELECT id, n, from_ms, until_ms, by_sign, south, north, west, east, body FROM counting",
        ),
    ];
    for (table, ids, sql) in tables {
        let mut select = db.prepare(sql)?;
        let columns = select.column_count();
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let mut line = table.to_owned();
            for column in 0..ids {
                line += &format!(" {}", name(row.get(column)?));
            }
            for column in ids..columns {
                let value: Sql = row.get(column)?;
                line += &format!(" {value:?}");
            }
            rows.push(line);
        }
    }
    rows.extend(
        shifts
            .iter()
            .map(|(origin, shifts)| format!("shifts {origin} {shifts:?}")),
    );
    rows.sort_unstable();
    Ok(rows)
}

/// SHA-256 over rows.
pub(super) fn digest(rows: &[String]) -> String {
    let mut hash = Sha256::new();
    for row in rows {
        hash.update((row.len() as u64).to_be_bytes());
        hash.update(row);
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
