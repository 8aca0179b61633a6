//! What its author had erased: who was to hold it, and who has said that it is destroyed there. It is read from the statements that
//! the reader sees, so that two readers may count differently.

use super::group::{Kept, Logs, said};
use super::query::{StatementRow, short};
use super::schema::SPAN;
use super::{Context, ViewError, Views};
use crate::authority::{Eyes, Membership, may_read};
use record::audience::{Audience, Name};
use record::name::{Origin, Reference};
use rusqlite::{Connection, params};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use truce::Body;
use truce::standing::Said;
use utoipa::ToSchema;

/// Erasures of one statement that are looked at: it has at most eight groups.
const ERASURES_MAX: u32 = 64;

/// Where a statement is erased, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasedRow {
    /// The groups that were erased.
    pub groups: BTreeSet<String>,
    /// How many participants were to hold any of them, beside the author: as many as the reader knows.
    pub holders: u64,
    /// How many of these have said that all of it is destroyed, in words that the reader sees.
    pub done: u64,
    /// The same in words.
    #[schema(example = "erased at 5 of 7 holders")]
    pub words: String,
}

/// Where a statement is erased.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErasureRow {
    /// The statement that was erased: full reference.
    pub statement: String,
    /// In short; absent when nothing of it was erased.
    pub erased: Option<ErasedRow>,
    /// Each erasure, in the order in which they were said.
    #[schema(max_items = 64)]
    pub erasures: Vec<OneErasure>,
}

/// One `erase` of a statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OneErasure {
    /// Where it stands: full reference.
    pub reference: String,
    /// To be read aloud: call sign and index.
    pub short: String,
    /// When it was said, with the original offset.
    #[schema(format = DateTime)]
    pub at: String,
    /// The groups that it destroys.
    pub groups: BTreeSet<String>,
    /// Whom these were addressed to.
    pub audience: BTreeSet<String>,
    /// Whether everybody could read them: copies elsewhere are counted by nobody.
    pub public: bool,
    /// Who was to hold them, beside the author, by call sign.
    pub holders: Vec<HolderRow>,
    /// Others who have said that they destroyed what they held of them.
    pub others: Vec<HolderRow>,
}

/// A participant that was to hold what was erased.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HolderRow {
    /// Its call sign.
    pub holder: String,
    /// Where it says that it is destroyed; absent while it has not, or not to this reader.
    pub done: Option<DoneRow>,
}

/// An `erase.done`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DoneRow {
    /// Where it stands: full reference.
    pub reference: String,
    /// When it was said, with the original offset.
    #[schema(format = DateTime)]
    pub at: String,
    /// Where copies remain that could not be reached.
    pub remains: Option<String>,
}

impl Views {
    /// Where a statement is erased; `None` when these eyes do not read it at all.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn erasure(&self, of: &Reference) -> Result<Option<ErasureRow>, ViewError> {
        let context = self.context();
        self.read(|db| {
            let logs = Logs::load(db)?;
            let Some(id) = super::query::held(db, &logs, of)? else {
                return Ok(None);
            };
            let erasures = erasures(db, &context, id)?;
            Ok(Some(ErasureRow {
                statement: of.to_string(),
                erased: in_short(&erasures),
                erasures,
            }))
        })
    }
}

/// Where the statement of a row is erased, in short. What is open in all of its groups is not looked at.
pub(super) fn of_row(
    db: &Connection,
    context: &Context,
    id: i64,
    row: &StatementRow,
) -> Result<Option<ErasedRow>, ViewError> {
    if row.groups.iter().all(|group| group.content.is_some()) {
        return Ok(None);
    }
    Ok(in_short(&erasures(db, context, id)?))
}

fn in_short(erasures: &[OneErasure]) -> Option<ErasedRow> {
    if erasures.is_empty() {
        return None;
    }
    // Whoever was to hold what several erasures destroy has to have said so of each.
    let mut holders: BTreeMap<&str, bool> = BTreeMap::new();
    for row in erasures.iter().flat_map(|erasure| &erasure.holders) {
        *holders.entry(&row.holder).or_insert(true) &= row.done.is_some();
    }
    let (holders, done) = (
        holders.len() as u64,
        holders.values().filter(|done| **done).count() as u64,
    );
    let public = erasures.iter().any(|erasure| erasure.public);
    let words = match (holders, public) {
        (0, true) => "erased; anybody may hold a copy".into(),
        (0, false) => "erased; nobody else is known to hold it".into(),
        (_, true) => format!("erased at {done} of {holders} holders; anybody may hold a copy"),
        (_, false) => format!("erased at {done} of {holders} holders"),
    };
    let groups = erasures.iter().flat_map(|erasure| erasure.groups.clone());
    Some(ErasedRow {
        groups: groups.collect(),
        holders,
        done,
        words,
    })
}

/// The erasures of a statement that take effect.
fn erasures(db: &Connection, context: &Context, id: i64) -> Result<Vec<OneErasure>, ViewError> {
    const SQL: &str = "SELECT s.id FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND about.from_id BETWEEN ?2 AND ?3 AND s.kind = 'erase/1' AND s.standing = 'effective' ORDER BY s.id LIMIT ?4";
    let first = id - id % SPAN;
    let mut select = db.prepare_cached(SQL)?;
    let found = select.query_map(params![id, first, first + SPAN - 1, ERASURES_MAX], |row| {
        row.get(0)
    })?;
    let found: Vec<i64> = found.collect::<Result<_, _>>()?;
    let mut kept = Kept::default();
    let target = match found.is_empty() {
        true => None,
        false => said(db, &mut kept, id)?,
    };
    let Some(target) = target else {
        return Ok(Vec::new());
    };
    let members = Membership::of(&context.directory, &context.agreement);
    let mut all = Vec::with_capacity(found.len());
    for id in found {
        let erase = said(db, &mut kept, id)?;
        let erase = erase.filter(|erase| {
            erase
                .head()
                .is_some_and(|head| head.about.first() == Some(&target.reference))
        });
        if let Some(erase) = erase {
            let done = done_by(db, &mut kept, context, id)?;
            all.extend(one(context, &members, &target, &erase, done));
        }
    }
    Ok(all)
}

fn one(
    context: &Context,
    members: &Membership,
    target: &Said,
    erase: &Said,
    mut done: BTreeMap<String, DoneRow>,
) -> Option<OneErasure> {
    let (Some(head), Some(Body::Erase(body))) = (erase.head(), erase.known()) else {
        return None;
    };
    let groups: BTreeSet<String> = body.groups.iter().map(ToString::to_string).collect();
    let of_target = target.head().into_iter().flat_map(|head| &head.groups);
    let erased = of_target.filter(|(name, _)| groups.contains(*name));
    let audience = erased.fold(Audience::default(), |all, (_, group)| {
        all.union(&group.audience)
    });
    let reference = &erase.reference;
    let holders = holders(&reference.origin, &audience, members)
        .into_iter()
        .map(|holder| HolderRow {
            done: done.remove(&holder),
            holder,
        });
    let holders: Vec<HolderRow> = holders.collect();
    let others = done.into_iter().map(|(holder, done)| HolderRow {
        holder,
        done: Some(done),
    });
    Some(OneErasure {
        reference: reference.to_string(),
        short: short(context, &reference.origin, reference.index),
        at: head.at.clone(),
        groups,
        audience: audience.names().map(ToString::to_string).collect(),
        public: audience.names().any(|name| *name == Name::Public),
        holders,
        others: others.collect(),
    })
}

/// Those whom the author addressed: every participant that is known and may read it, and whoever is named.
fn holders(author: &Origin, audience: &Audience, members: &Membership) -> BTreeSet<String> {
    let others = members.call_signs.iter().filter(|(log, _)| *log != author);
    let reads = |log: &Origin| {
        let eyes = Eyes::Participant(log.clone());
        may_read(&eyes, author, audience, members)
    };
    let mut holders: BTreeSet<String> = others
        .filter(|(log, _)| reads(log))
        .map(|(_, sign)| sign.to_string())
        .collect();
    let own = members.call_signs.get(author);
    holders.extend(audience.names().filter_map(|name| match name {
        Name::Participant(sign) if Some(sign) != own => Some(sign.to_string()),
        _ => None,
    }));
    holders
}

/// Of each participant its first word that an erasure is done.
fn done_by(
    db: &Connection,
    kept: &mut Kept,
    context: &Context,
    erase: i64,
) -> Result<BTreeMap<String, DoneRow>, ViewError> {
    const SQL: &str = "SELECT min(s.id) FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND s.kind = 'erase.done/1' AND s.standing = 'effective' GROUP BY s.id >> 40";
    let mut select = db.prepare_cached(SQL)?;
    let found = select.query_map([erase], |row| row.get(0))?;
    let found: Vec<i64> = found.collect::<Result<_, _>>()?;
    let mut all = BTreeMap::new();
    for id in found {
        let Some(done) = said(db, kept, id)? else {
            continue;
        };
        let (Some(head), Some(Body::EraseDone(body))) = (done.head(), done.known()) else {
            continue;
        };
        let by = context.directory.call_sign(&done.reference.origin);
        let row = DoneRow {
            reference: done.reference.to_string(),
            at: head.at.clone(),
            remains: body.remains.as_ref().map(ToString::to_string),
        };
        all.extend(by.map(|by| (by.to_string(), row)));
    }
    Ok(all)
}
