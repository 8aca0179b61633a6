//! One object's statements: the one it began with, what is about it over all steps, and what these name.

use super::ViewError;
use super::schema::SPAN;
use record::name::{Origin, Reference};
use record::statement::Statement;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use truce::standing::Said;

/// Statements that were read are kept, until there are so many.
const KEPT_MAX: usize = 20_000;

/// Which log has which local number.
#[derive(Debug, Default, Clone)]
pub(super) struct Logs {
    ids: BTreeMap<Origin, i64>,
    origins: HashMap<i64, Origin>,
}

impl Logs {
    pub fn load(db: &Connection) -> Result<Self, ViewError> {
        let mut logs = Self::default();
        let mut select = db.prepare("SELECT id, origin FROM log")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (id, origin) = row?;
            let origin: Origin = origin
                .parse()
                .map_err(|error| ViewError::Damaged(format!("log {id}: {error}")))?;
            logs.origins.insert(id, origin.clone());
            logs.ids.insert(origin, id);
        }
        Ok(logs)
    }

    /// The local number of a log, given out when it has none.
    pub fn number(&mut self, db: &Connection, origin: &Origin) -> Result<i64, ViewError> {
        if let Some(id) = self.ids.get(origin) {
            return Ok(*id);
        }
        db.prepare_cached("INSERT INTO log (origin) VALUES (?1)")?
            .execute([origin.as_str()])?;
        let id = db.last_insert_rowid();
        self.ids.insert(origin.clone(), id);
        self.origins.insert(id, origin.clone());
        Ok(id)
    }

    pub fn known(&self, origin: &Origin) -> Option<i64> {
        self.ids.get(origin).copied()
    }

    pub fn origin(&self, id: i64) -> Option<&Origin> {
        self.origins.get(&(id / SPAN))
    }
}

/// The local id of entry `index` of log number `log`.
pub(super) fn id(log: i64, index: u64) -> i64 {
    log * SPAN + i64::try_from(index).unwrap_or(SPAN - 1).min(SPAN - 1)
}

pub(super) fn index(id: i64) -> u64 {
    u64::try_from(id % SPAN).unwrap_or(0)
}

/// Statements that were read before, by id: what is about one object comes in bursts.
#[derive(Default)]
pub(super) struct Kept {
    young: HashMap<i64, Arc<Said>>,
    old: HashMap<i64, Arc<Said>>,
}

impl Kept {
    pub fn put(&mut self, id: i64, said: Arc<Said>) {
        if self.young.len() >= KEPT_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&id);
        self.young.insert(id, said);
    }

    fn get(&mut self, id: i64) -> Option<Arc<Said>> {
        if let Some(said) = self.young.get(&id) {
            return Some(Arc::clone(said));
        }
        let said = self.old.remove(&id)?;
        self.young.insert(id, Arc::clone(&said));
        Some(said)
    }

    pub fn remove(&mut self, id: i64) {
        self.young.remove(&id);
        self.old.remove(&id);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The statement with this id, if these eyes read it.
pub(super) fn said(
    db: &Connection,
    kept: &mut Kept,
    id: i64,
) -> Result<Option<Arc<Said>>, ViewError> {
    if let Some(said) = kept.get(id) {
        return Ok(Some(said));
    }
    let text: Option<String> = db
        .prepare_cached("SELECT text FROM statement WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(text) = text else { return Ok(None) };
    let said = Arc::new(read(id, &text)?);
    kept.put(id, Arc::clone(&said));
    Ok(Some(said))
}

pub(super) fn read(id: i64, text: &str) -> Result<Said, ViewError> {
    let statement = Statement::parse(text)
        .map_err(|error| ViewError::Damaged(format!("entry {}: {error}", index(id))))?;
    let leaf = statement.leaf();
    let reference = Reference {
        origin: leaf.log.origin.clone(),
        index: index(id),
        leaf: leaf.hash(),
    };
    Ok(Said::new(reference, statement))
}

/// One object's statements.
pub(super) struct Group {
    /// Those that belong to it.
    pub members: BTreeMap<i64, Arc<Said>>,
    /// Those that members name, or that join it to another object.
    pub beside: BTreeMap<i64, Arc<Said>>,
    /// What members name and is not read here.
    pub absent: HashSet<i64>,
}

impl Group {
    pub fn load(
        db: &Connection,
        kept: &mut Kept,
        logs: &Logs,
        root: i64,
    ) -> Result<Self, ViewError> {
        let mut group = Self {
            members: members(db, kept, root)?,
            beside: BTreeMap::new(),
            absent: HashSet::new(),
        };
        group.join(db, kept, root)?;
        let all = group.members.values().chain(group.beside.values());
        let named: Vec<i64> = all
            .filter_map(|said| said.head())
            .flat_map(|head| &head.about)
            .filter_map(|about| Some(id(logs.known(&about.origin)?, about.index)))
            .collect();
        for id in named {
            if group.members.contains_key(&id) || group.beside.contains_key(&id) {
                continue;
            }
            match said(db, kept, id)? {
                Some(said) => drop(group.beside.insert(id, said)),
                None => drop(group.absent.insert(id)),
            }
        }
        Ok(group)
    }

    /// Statements about two objects, such as the relation of two claims, with what was said of them.
    fn join(&mut self, db: &Connection, kept: &mut Kept, root: i64) -> Result<(), ViewError> {
        const SQL: &str = "SELECT s.root FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND s.root <> ?2 AND s.kind = 'claim.relate/1'";
        let mut roots = HashSet::new();
        for member in self.members.keys() {
            let mut select = db.prepare_cached(SQL)?;
            let rows = select.query_map([*member, root], |row| row.get::<_, i64>(0))?;
            for row in rows {
                roots.insert(row?);
            }
        }
        for other in roots {
            self.beside.extend(members(db, kept, other)?);
        }
        Ok(())
    }
}

fn members(
    db: &Connection,
    kept: &mut Kept,
    root: i64,
) -> Result<BTreeMap<i64, Arc<Said>>, ViewError> {
    let mut members = BTreeMap::new();
    if let Some(first) = said(db, kept, root)? {
        members.insert(root, first);
    }
    let ids: Vec<i64> = db
        .prepare_cached("SELECT id FROM statement WHERE root = ?1 AND root <> id")?
        .query_map([root], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        if let Some(said) = said(db, kept, id)? {
            members.insert(id, said);
        }
    }
    Ok(members)
}
