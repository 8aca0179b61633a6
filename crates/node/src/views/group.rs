//! One object's statements: the one it began with, what is about it over all steps, and what these name.

use super::ViewError;
use super::schema::SPAN;
use record::name::{Origin, Reference};
use record::statement::Statement;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map};
use std::sync::Arc;
use truce::kinds::{About, Name};
use truce::standing::{Said, Statements};

/// Statements that were read are kept, until there are so many.
const KEPT_MAX: usize = 20_000;
/// Statements that leave for each that comes: more than one, so that all have left before the next ones do.
const LEAVING_AT_ONCE: usize = 2;

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

    /// All logs that are known here, by origin.
    pub fn all(&self) -> impl Iterator<Item = (&Origin, i64)> {
        self.ids.iter().map(|(origin, log)| (origin, *log))
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
    /// What is kept no longer and still takes up memory.
    leaving: hash_map::IntoIter<i64, Arc<Said>>,
    /// Statements that were read from the tables because they were not kept.
    pub read: u64,
}

impl Kept {
    pub fn put(&mut self, id: i64, said: Arc<Said>) {
        if self.young.len() >= KEPT_MAX {
            let old = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.leaving = old.into_iter();
        }
        self.old.remove(&id);
        self.grow(id, said);
    }

    /// For each that comes a few leave: to free all of them at once takes as long as hundreds of batches.
    fn grow(&mut self, id: i64, said: Arc<Said>) {
        self.young.insert(id, said);
        self.leaving.by_ref().take(LEAVING_AT_ONCE).for_each(drop);
    }

    fn get(&mut self, id: i64) -> Option<Arc<Said>> {
        if let Some(said) = self.young.get(&id) {
            return Some(Arc::clone(said));
        }
        let said = self.old.remove(&id)?;
        self.grow(id, Arc::clone(&said));
        Some(said)
    }

    pub fn remove(&mut self, id: i64) {
        self.young.remove(&id);
        self.old.remove(&id);
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.leaving = hash_map::IntoIter::default();
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
    Ok(Some(keep(kept, id, &text)?))
}

fn keep(kept: &mut Kept, id: i64, text: &str) -> Result<Arc<Said>, ViewError> {
    let said = Arc::new(read(id, text)?);
    kept.read += 1;
    kept.put(id, Arc::clone(&said));
    Ok(said)
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

/// The kind of a statement, when it is known here: also of one whose content is withheld or was erased.
pub(super) fn name_of(said: &Said) -> Option<Name> {
    let kind = said.statement.kind()?;
    let known = Name::ALL.iter().copied();
    known
        .filter(|_| kind.version == 1)
        .find(|name| name.as_str() == kind.name)
}

/// The statement to whose object a statement belongs. It is told by the head alone, so that nothing moves when content comes
/// later or is erased. One watch follows the other without end: those are no object, but are read together.
pub(super) fn joins(said: &Said) -> Option<&Reference> {
    let name = name_of(said)?;
    let belongs = !matches!(
        name.about(),
        About::Nothing | About::Free | About::MayAny(_) | About::Two(_) | About::Each(_)
    ) && !matches!(
        name,
        Name::ShiftHandOver | Name::ShiftAccept | Name::ShiftUnrelieved
    );
    let first = said.head()?.about.first();
    first.filter(|_| belongs)
}

/// A statement of an object, with its standing as it was written last.
pub(super) struct Member {
    pub said: Arc<Said>,
    pub standing: String,
    pub why: Option<String>,
}

/// One object's statements.
pub(super) struct Group {
    /// Those that belong to it.
    pub members: BTreeMap<i64, Member>,
    /// Those that members name, or that join it to another object.
    pub beside: BTreeMap<i64, Arc<Said>>,
    /// What members name and is not read here.
    pub absent: HashSet<i64>,
    /// Of an area: what the same participant designated before, beside which its outline has to stand.
    outlines: Vec<Arc<Said>>,
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
            outlines: Vec::new(),
        };
        match group
            .members
            .get(&root)
            .and_then(|first| name_of(&first.said))
        {
            Some(Name::ClaimRecord) => group.relate(db, kept, logs, root)?,
            Some(Name::SiteNotify) => group.expose(db, kept)?,
            Some(Name::AreaDesignate) => group.outline(db, kept)?,
            _ => {}
        }
        let mut named = BTreeSet::new();
        for said in group.all() {
            for about in said.head().into_iter().flat_map(|head| &head.about) {
                named.extend(logs.known(&about.origin).map(|log| id(log, about.index)));
            }
        }
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

    /// All statements that it takes to compute it.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Said>> {
        let members = self.members.values().map(|member| &member.said);
        members.chain(self.beside.values())
    }

    /// Holds all of it.
    pub fn hold_in(&self, statements: &mut Statements) {
        for said in self.all() {
            statements.hold_read(Arc::clone(said));
        }
        for said in &self.outlines {
            statements.hold_outline(said);
        }
    }

    /// What the same log designated before the last of an area's revisions.
    fn outline(&mut self, db: &Connection, kept: &mut Kept) -> Result<(), ViewError> {
        const SQL: &str = "SELECT id FROM statement INDEXED BY statement_kind WHERE kind = 'area.designate/1' AND id >= ?1 AND id < ?2";
        let revisions = self.members.iter();
        let mut revisions =
            revisions.filter(|(_, member)| name_of(&member.said) == Some(Name::AreaDesignate));
        let Some((last, _)) = revisions.next_back() else {
            return Ok(());
        };
        let earlier: Vec<i64> = db
            .prepare_cached(SQL)?
            .query_map([last - last % SPAN, *last], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in earlier {
            if !self.members.contains_key(&id) {
                self.outlines.extend(said(db, kept, id)?);
            }
        }
        Ok(())
    }

    /// The exposures that name a site, in whichever version, with what was said to each: an owner decides anew when he was warned.
    fn expose(&mut self, db: &Connection, kept: &mut Kept) -> Result<(), ViewError> {
        const SQL: &str = "SELECT s.id FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND s.kind = 'exposure.declare/1'";
        let mut exposures: BTreeSet<i64> = BTreeSet::new();
        for site in self.members.keys() {
            let mut select = db.prepare_cached(SQL)?;
            let rows = select.query_map([site], |row| row.get(0))?;
            exposures.extend(rows.collect::<Result<Vec<i64>, _>>()?);
        }
        for exposure in exposures {
            let said = members(db, kept, exposure)?;
            self.beside
                .extend(said.into_iter().map(|(id, member)| (id, member.said)));
        }
        Ok(())
    }

    /// The relations in which a claim stands, and the claims to which, each with what was said of it: one that was taken back
    /// stands in none.
    fn relate(
        &mut self,
        db: &Connection,
        kept: &mut Kept,
        logs: &Logs,
        claim: i64,
    ) -> Result<(), ViewError> {
        const SQL: &str = "SELECT s.id FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND s.kind = 'claim.relate/1'";
        let relations: Vec<i64> = db
            .prepare_cached(SQL)?
            .query_map([claim], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut roots = BTreeSet::new();
        for relation in relations {
            roots.insert(relation);
            let Some(said) = said(db, kept, relation)? else {
                continue;
            };
            let claims = said.head().into_iter().flat_map(|head| &head.about);
            for claim in claims {
                roots.extend(logs.known(&claim.origin).map(|log| id(log, claim.index)));
            }
        }
        roots.remove(&claim);
        for root in roots {
            let others = members(db, kept, root)?;
            self.beside
                .extend(others.into_iter().map(|(id, member)| (id, member.said)));
        }
        Ok(())
    }
}

fn members(
    db: &Connection,
    kept: &mut Kept,
    root: i64,
) -> Result<BTreeMap<i64, Member>, ViewError> {
    const FIRST: &str = "SELECT id, standing, why FROM statement WHERE id = ?1 AND root = ?1";
    const OTHERS: &str = "SELECT id, standing, why FROM statement WHERE root = ?1 AND root <> id";
    let mut members = BTreeMap::new();
    for sql in [FIRST, OTHERS] {
        let mut select = db.prepare_cached(sql)?;
        let mut rows = select.query([root])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if let Some(said) = said(db, kept, id)? {
                let (standing, why) = (row.get(1)?, row.get(2)?);
                members.insert(
                    id,
                    Member {
                        said,
                        standing,
                        why,
                    },
                );
            }
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::audience::Audience;
    use record::encoding::Hash;
    use record::key::{Algorithm, SecretKey};
    use record::name::LogId;
    use record::statement::{Draft, Kid};
    use record::time::UtcMs;
    use serde_json::json;

    #[test]
    fn what_is_kept_no_longer_leaves_a_little_at_a_time() {
        let key = SecretKey::from_seed(Algorithm::EdDsa, &[1; 32]).expect("a seed");
        let origin: Origin = "truce.example/ru".parse().expect("an origin");
        let log = LogId::new(origin.clone(), Hash([0; 32]));
        let draft = Draft::new("comment/1", "2016-06-21T09:00:00Z").expect("a kind and a time");
        let draft = draft.group("body", Audience::of([]), json!({"words": "Nothing."}));
        let draft = draft.expect("a group");
        let signed = draft.sign(&key, Kid::Index(1), &log, UtcMs(0));
        let reference = Reference {
            origin,
            index: 2,
            leaf: Hash([0; 32]),
        };
        let said = Arc::new(Said::new(reference, signed.expect("a draft")));
        let mut kept = Kept::default();
        let (mut id, mut held) = (0, 1);
        for _ in 0..5 * KEPT_MAX {
            id += 1;
            kept.put(id, Arc::clone(&said));
            let now = Arc::strong_count(&said);
            assert!(
                now + LEAVING_AT_ONCE > held,
                "{held} were held, and then {now}"
            );
            assert!(now <= 3 * KEPT_MAX + 1, "{now} are held");
            held = now;
        }
        let last = i64::try_from(KEPT_MAX).expect("a small number");
        assert!((id - last..=id).all(|id| kept.get(id).is_some()));
        assert!(kept.get(id - 3 * last).is_none());
    }
}
