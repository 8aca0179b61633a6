//! Folding: new statements go into the tables, and every object that they touch is computed anew from all that is held about it.
//! No row is ever made from its own last value.

use super::ViewError;
use super::context::{Context, Reach};
use super::group::{Group, Kept, Logs, id, index, read, said};
use super::objects::{self, Object};
use super::schema::{LAYOUT, OPEN, SPAN, TABLES};
use crate::authority::{Eyes, Membership, cut};
use crate::catch_up::{Block, Read};
use crate::database;
use crate::source::{Source, Sources};
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::statement::Statement;
use record::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use truce::Body;
use truce::agreement::{Agreement, Instrument};
use truce::contact::{Delivery, Shifts};
use truce::due::{Owed, What};
use truce::incidents::Report;
use truce::kinds::About;
use truce::participants::Participants;
use truce::standing::{Said, Standing, Statements};
use truce::{Context as Basis, Truce};

/// Who owes something, since when it was said, when its clock started, until when, and when it was settled.
type DebtTimes = (String, i64, Option<i64>, Option<i64>, i64);

/// How much is folded in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Statements at most.
    pub statements_max: usize,
}

impl Batch {
    /// While the node runs: small, so that what was said is seen at once.
    pub const LIVE: Self = Self {
        statements_max: 256,
    };
    /// While everything is computed anew.
    pub const REBUILD: Self = Self {
        statements_max: 8192,
    };
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Statements that were read.
    pub folded: u64,
    /// Whether more is waiting.
    pub more: bool,
}

/// Pages of views that are kept in memory, in KiB.
const CACHE_KIB: i64 = 65_536;

/// The writing side of one reader's views.
pub(super) struct Fold {
    db: Connection,
    eyes: Eyes,
    logs: Logs,
    folded: BTreeMap<Origin, u64>,
    participants: Arc<Participants>,
    directory: Arc<truce::standing::Directory>,
    agreement: Arc<Agreement>,
    shifts: Arc<BTreeMap<Origin, Shifts>>,
    seq: i64,
    /// What of the membership these views were cut by.
    cut_by: i64,
    kept: Kept,
    work: Work,
}

/// What a batch still has to do.
#[derive(Default)]
struct Work {
    /// Objects to compute anew, by the id of what they began with.
    roots: BTreeSet<i64>,
    /// Objects that have no rows yet.
    fresh: BTreeSet<i64>,
    /// Participants or instruments changed.
    basis: bool,
    /// Watches of these logs have to be read anew.
    watches: BTreeSet<Origin>,
    /// Content was erased: the write-ahead log must go too.
    erased: bool,
    /// The earliest deadline that was written.
    earliest: Option<i64>,
}

impl Fold {
    pub fn open(path: &Path, eyes: Eyes) -> Result<Self, ViewError> {
        let mut fold = Self::on(connect(path)?, eyes);
        fold.logs = Logs::load(&fold.db)?;
        fold.load()?;
        Ok(fold)
    }

    /// Opens what another process folds, to read what every object depends on. It folds nothing.
    pub fn open_to_read(path: &Path, eyes: Eyes) -> Result<Self, ViewError> {
        let mut fold = Self::on(connect_to_read(path)?, eyes);
        fold.reload()?;
        Ok(fold)
    }

    /// Reads anew what every object depends on, as of one moment.
    pub fn reload(&mut self) -> Result<(), ViewError> {
        self.db.execute_batch("BEGIN")?;
        self.kept.clear();
        let loaded = Logs::load(&self.db).and_then(|logs| {
            self.logs = logs;
            self.load()
        });
        self.db.execute_batch("COMMIT")?;
        loaded
    }

    fn on(db: Connection, eyes: Eyes) -> Self {
        Self {
            db,
            eyes,
            logs: Logs::default(),
            folded: BTreeMap::new(),
            participants: Arc::default(),
            directory: Arc::default(),
            agreement: Arc::default(),
            shifts: Arc::default(),
            seq: 0,
            cut_by: 0,
            kept: Kept::default(),
            work: Work::default(),
        }
    }

    /// Reads what is held in memory from the tables.
    fn load(&mut self) -> Result<(), ViewError> {
        let state = |name: &str| {
            let sql = "SELECT value FROM state WHERE name = ?1";
            self.db.query_row(sql, [name], |row| row.get(0))
        };
        (self.seq, self.cut_by) = (state("seq")?, state("cut_by")?);
        let mut folded = BTreeMap::new();
        {
            let mut select = self.db.prepare("SELECT id, folded FROM log")?;
            let rows =
                select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            for row in rows {
                let (log, until) = row?;
                if let Some(origin) = self.logs.origin(log * SPAN) {
                    folded.insert(origin.clone(), u64::try_from(until).unwrap_or(0));
                }
            }
        }
        self.folded = folded;
        self.participants = Arc::new(self.read_participants()?);
        self.read_basis()?;
        let origins: Vec<Origin> = self.folded.keys().cloned().collect();
        for origin in origins {
            self.read_watches(&origin)?;
        }
        Ok(())
    }

    pub fn context(&self) -> Context {
        Context {
            participants: Arc::clone(&self.participants),
            directory: Arc::clone(&self.directory),
            agreement: Arc::clone(&self.agreement),
            shifts: Arc::clone(&self.shifts),
            folded: Arc::new(self.folded.clone()),
            seq: self.seq,
            cut_by: self.cut_by,
        }
    }

    pub fn take_earliest(&mut self) -> i64 {
        self.work.earliest.take().unwrap_or(i64::MAX)
    }

    /// Who is a party, as far as these eyes see.
    pub fn membership(&self) -> Membership {
        Membership::of(&self.directory, &self.agreement)
    }

    pub fn set_back(&mut self, origin: &Origin, from: u64) -> Result<(), ViewError> {
        if let Some(until) = self.folded.get_mut(origin).filter(|until| **until > from) {
            *until = from;
            self.db.execute(
                "UPDATE log SET folded = ?1 WHERE origin = ?2",
                params![signed(from), origin.as_str()],
            )?;
        }
        Ok(())
    }

    pub fn clear(&mut self) -> Result<(), ViewError> {
        // At once: whoever reads meanwhile sees the old tables or the new ones, and never none.
        let write = self.db.transaction()?;
        drop_tables(&write)?;
        write.execute_batch(TABLES)?;
        // Whoever follows the changes goes on from there.
        write.execute("UPDATE state SET value = ?1 WHERE name = 'seq'", [self.seq])?;
        write.commit()?;
        self.logs = Logs::default();
        self.kept.clear();
        self.load()
    }

    /// One batch, committed as a whole.
    pub fn batch(
        &mut self,
        sources: &Sources,
        batch: Batch,
        alone: bool,
    ) -> Result<Progress, ViewError> {
        let mut progress = Progress::default();
        let members = self.prepare(sources)?;
        let mut begun = false;
        for source in sources.all() {
            let own = self.eyes == Eyes::Participant(source.origin().clone());
            if alone && !own {
                continue;
            }
            let from = self.folded.get(source.origin()).copied().unwrap_or(0);
            let room = (batch.statements_max as u64).saturating_sub(progress.folded);
            let until = source.size().min(from + room);
            progress.more |= source.size() > until;
            if until == from {
                continue;
            }
            if !begun {
                self.db.execute_batch("BEGIN IMMEDIATE")?;
                begun = true;
            }
            let log = self.logs.number(&self.db, source.origin())?;
            for at in from..until {
                let statement = source.statement(at)?;
                self.take_entry(log, at, statement.as_deref(), &members)?;
            }
            self.note_folded(source.origin(), log, until)?;
            progress.folded += until - from;
        }
        if begun {
            self.finish(sources)?;
        }
        Ok(progress)
    }

    /// Starts from nothing when who may read what has changed. Who is a party, as it is now.
    pub fn prepare(&mut self, sources: &Sources) -> Result<Arc<Membership>, ViewError> {
        let members = sources.members();
        let cut_by = members.mark(&self.eyes);
        if cut_by != self.cut_by {
            self.clear()?;
            self.db.execute(
                "UPDATE state SET value = ?1 WHERE name = 'cut_by'",
                [cut_by],
            )?;
            self.cut_by = cut_by;
        }
        Ok(members)
    }

    /// How far a log is folded.
    pub fn folded(&self, origin: &Origin) -> u64 {
        self.folded.get(origin).copied().unwrap_or(0)
    }

    /// One batch of what others read ahead, committed as a whole.
    pub fn ahead(
        &mut self,
        sources: &Sources,
        blocks: &Receiver<Block>,
        batch: Batch,
    ) -> Result<Progress, ViewError> {
        let members = sources.members();
        let mut progress = Progress::default();
        let mut until: BTreeMap<Origin, (i64, u64)> = BTreeMap::new();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        while progress.folded < batch.statements_max as u64 {
            let Ok(block) = blocks.recv() else { break };
            for Read { source, entry } in block.iter() {
                let origin = source.origin();
                let from = self.folded(origin);
                let log = self.logs.number(&self.db, origin)?;
                match until.get_mut(origin) {
                    Some(until) => until.1 = entry.index + 1,
                    None => drop(until.insert(origin.clone(), (log, entry.index + 1))),
                }
                if entry.index >= from {
                    self.take_entry(log, entry.index, entry.statement.as_deref(), &members)?;
                    progress.folded += 1;
                }
            }
            progress.more = true;
        }
        for (origin, (log, until)) in until {
            let until = until.max(self.folded(&origin));
            self.note_folded(&origin, log, until)?;
        }
        self.finish(sources)?;
        Ok(progress)
    }

    fn take_entry(
        &mut self,
        log: i64,
        at: u64,
        statement: Option<&Statement>,
        members: &Membership,
    ) -> Result<(), ViewError> {
        match statement {
            Some(statement) => self.take(id(log, at), at, &cut(&self.eyes, statement, members)),
            None => {
                self.work.roots.extend(self.waiting_for(id(log, at))?);
                Ok(())
            }
        }
    }

    fn note_folded(&mut self, origin: &Origin, log: i64, until: u64) -> Result<(), ViewError> {
        self.db
            .prepare_cached("UPDATE log SET folded = ?1 WHERE id = ?2")?
            .execute(params![signed(until), log])?;
        self.folded.insert(origin.clone(), until);
        Ok(())
    }

    fn finish(&mut self, sources: &Sources) -> Result<(), ViewError> {
        loop {
            if std::mem::take(&mut self.work.basis) {
                self.reach()?;
            }
            let Some(root) = self.work.roots.pop_first() else {
                break;
            };
            self.compute(root, sources)?;
        }
        for origin in std::mem::take(&mut self.work.watches) {
            self.read_watches(&origin)?;
        }
        self.work.fresh.clear();
        self.db
            .prepare_cached("UPDATE state SET value = ?1 WHERE name = 'seq'")?
            .execute([self.seq])?;
        self.db.execute_batch("COMMIT")?;
        if std::mem::take(&mut self.work.erased) {
            self.db
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Takes in a statement, as far as these eyes read it. It may have been taken in before with less.
    fn take(&mut self, id: i64, at: u64, statement: &Statement) -> Result<(), ViewError> {
        let leaf = statement.leaf();
        let control = leaf.control().is_some();
        if statement.head().is_none() && !control {
            // Its head is not for us. What is about it learns that it stands there.
            self.work.roots.extend(self.waiting_for(id)?);
            return Ok(());
        }
        let reference = Reference {
            origin: leaf.log.origin.clone(),
            index: at,
            leaf: leaf.hash(),
        };
        let before = said(&self.db, &mut self.kept, id)?;
        let known = before.is_some();
        let new = match before {
            Some(before) => {
                let merged = truce::standing::merge(&before.statement, statement);
                if merged == before.statement {
                    return Ok(());
                }
                Said::new(reference, merged)
            }
            None => Said::new(reference, statement.clone()),
        };
        if control {
            self.take_control(id, &new)?;
        }
        let root = self.root_of(id, &new)?;
        self.write_statement(id, root, &new)?;
        if !known && root == id {
            self.work.fresh.insert(id);
        }
        self.kept.put(id, Arc::new(new));
        self.adopt(id, root)?;
        self.work.roots.insert(root);
        self.touch_named(id)
    }

    /// Control statements decide what keys and offices count, from their index on; a compromise reaches back.
    fn take_control(&mut self, id: i64, said: &Said) -> Result<(), ViewError> {
        let participants = Arc::make_mut(&mut self.participants);
        participants.hold(&said.reference, said.statement.leaf());
        match said.known() {
            Some(Body::KeyCompromise(compromise)) => {
                let from = id - id % SPAN + signed(compromise.from.0);
                self.work.roots.extend(self.roots_between(from, id)?);
                self.work.watches.insert(said.reference.origin.clone());
                self.work.basis = true;
            }
            // Who declares what is judged by the record, whatever else stands in the declaration.
            _ if id % SPAN == 0 => self.work.basis = true,
            _ => {}
        }
        Ok(())
    }

    /// The object that a statement belongs to: what it responds to, continues or changes; itself for all others.
    fn root_of(&mut self, id: i64, said: &Said) -> Result<i64, ViewError> {
        let belongs = said.known().and_then(Body::name).is_some_and(|name| {
            !matches!(
                name.about(),
                About::Nothing | About::Free | About::MayAny(_) | About::Two(_)
            )
        });
        let first = said.head().and_then(|head| head.about.first());
        let Some(about) = first.filter(|_| belongs) else {
            return Ok(id);
        };
        let target = self.id_of(about)?;
        if target == id {
            return Ok(id);
        }
        Ok(self.root(target)?.unwrap_or(target))
    }

    fn root(&self, id: i64) -> Result<Option<i64>, ViewError> {
        Ok(self
            .db
            .prepare_cached("SELECT root FROM statement WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    fn id_of(&mut self, reference: &Reference) -> Result<i64, ViewError> {
        let log = self.logs.number(&self.db, &reference.origin)?;
        Ok(id(log, reference.index))
    }

    fn write_statement(&mut self, id: i64, root: i64, said: &Said) -> Result<(), ViewError> {
        let kind = said.statement.kind().map(ToString::to_string);
        let at_ms = said
            .head()
            .map_or(said.statement.leaf().minute_s * 1000, |head| head.at_utc.0);
        let seq = self.next_seq();
        self.db
            .prepare_cached("INSERT OR REPLACE INTO statement (id, kind, at_ms, root, standing, why, seq, text) VALUES (?1, ?2, ?3, ?4, '', NULL, ?5, ?6)")?
            .execute(params![id, kind.unwrap_or_default(), at_ms, root, seq, said.statement.to_string()])?;
        let named: Vec<Reference> = said
            .head()
            .map(|head| head.about.clone())
            .unwrap_or_default();
        for about in named {
            let target = self.id_of(&about)?;
            self.db
                .prepare_cached("INSERT OR IGNORE INTO about (to_id, from_id) VALUES (?1, ?2)")?
                .execute([target, id])?;
        }
        Ok(())
    }

    /// What had been waiting for this statement, or knew less of it, belongs to its object now.
    fn adopt(&mut self, id: i64, root: i64) -> Result<(), ViewError> {
        if root != id {
            self.db
                .prepare_cached("UPDATE statement SET root = ?1 WHERE root = ?2 AND root <> id")?
                .execute([root, id])?;
            // It may have been an object of its own while less was known of it.
            self.drop_object(id)?;
        }
        let waiting = self.waiting_for(id)?;
        self.work.roots.extend(waiting);
        Ok(())
    }

    /// The objects of the statements that name this one.
    fn waiting_for(&self, id: i64) -> Result<Vec<i64>, ViewError> {
        Ok(self
            .db
            .prepare_cached("SELECT DISTINCT s.root FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }

    fn roots_between(&self, from: i64, to: i64) -> Result<Vec<i64>, ViewError> {
        Ok(self
            .db
            .prepare_cached("SELECT DISTINCT root FROM statement WHERE id BETWEEN ?1 AND ?2")?
            .query_map([from, to], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }

    /// A relation of two claims, or what is said of one, changes both claims.
    fn touch_named(&mut self, id: i64) -> Result<(), ViewError> {
        let Some(root) = self.root(id)? else {
            return Ok(());
        };
        let Some(first) = said(&self.db, &mut self.kept, root)? else {
            return Ok(());
        };
        if matches!(first.known(), Some(Body::ClaimRelate(_))) {
            let named: Vec<Reference> = first
                .head()
                .map(|head| head.about.clone())
                .unwrap_or_default();
            for about in named {
                let target = self.id_of(&about)?;
                let root = self.root(target)?.unwrap_or(target);
                self.work.roots.insert(root);
            }
        }
        Ok(())
    }

    /// Computes one object from all that is held about it, and writes what changed.
    fn compute(&mut self, root: i64, sources: &Sources) -> Result<(), ViewError> {
        let group = Group::load(&self.db, &mut self.kept, &self.logs, root)?;
        if group.members.is_empty() {
            return Ok(());
        }
        let mut statements = Statements::among(Arc::clone(&self.participants));
        for said in group.members.values().chain(group.beside.values()) {
            statements.hold_read(Arc::clone(said));
        }
        for sealed in &group.absent {
            if let Some(said) = self.sealed(*sealed, sources)? {
                statements.hold_read(said);
            }
        }
        let (db, logs) = (&self.db, &self.logs);
        let seen_by = |neutral: &Origin, of: &Reference| seen(db, logs, neutral, of);
        let part = Truce::part(
            &statements,
            &Basis {
                directory: &self.directory,
                agreement: &self.agreement,
                seen_by: &seen_by,
            },
        );
        let fresh = self.work.fresh.remove(&root);
        self.write_standings(&group, &part)?;
        self.write_owed(root, &part, fresh)?;
        self.write_objects(&group, &part, fresh)?;
        if !part.agreement.instruments.is_empty() {
            self.work.basis = true;
        }
        self.erase(&group, &statements)
    }

    /// A statement that stands in a log and whose head is not for us.
    fn sealed(&self, id: i64, sources: &Sources) -> Result<Option<Arc<Said>>, ViewError> {
        let Some(origin) = self.logs.origin(id) else {
            return Ok(None);
        };
        let at = index(id);
        if self.folded.get(origin).is_none_or(|folded| *folded <= at) {
            return Ok(None);
        }
        let source: Option<Arc<Source>> = sources.of(origin);
        let Some(statement) = source
            .map(|source| source.statement(at))
            .transpose()?
            .flatten()
        else {
            return Ok(None);
        };
        let leaf = statement.leaf();
        let reference = Reference {
            origin: origin.clone(),
            index: at,
            leaf: leaf.hash(),
        };
        let bare = statement.reduced(|_, _| false);
        Ok(Some(Arc::new(Said::new(reference, bare))))
    }

    fn write_standings(&mut self, group: &Group, part: &Truce) -> Result<(), ViewError> {
        for (id, said) in &group.members {
            let Some(standing) = part.standings.get(&said.reference) else {
                continue;
            };
            let (word, why) = spell(standing);
            let seq = self.seq + 1;
            let changed = self
                .db
                .prepare_cached("UPDATE statement SET standing = ?1, why = ?2, seq = CASE standing WHEN '' THEN seq ELSE ?3 END WHERE id = ?4 AND (standing <> ?1 OR why IS NOT ?2)")?
                .execute(params![word, why, seq, id])?;
            if changed == 0 {
                continue;
            }
            self.seq = seq;
            self.effect(*id, said, *standing == Standing::Effective)?;
        }
        Ok(())
    }

    /// What takes effect, or no longer does, outside of its own object.
    fn effect(&mut self, id: i64, said: &Said, effective: bool) -> Result<(), ViewError> {
        match said.known() {
            Some(Body::HeadSeen(seen)) => self.note_heads(id, said, seen, effective),
            Some(
                Body::ShiftOpen(_)
                | Body::ShiftHandOver(_)
                | Body::ShiftAccept(_)
                | Body::ShiftUnrelieved(_),
            ) => {
                self.work.watches.insert(said.reference.origin.clone());
                Ok(())
            }
            Some(Body::LineTest(_) | Body::LineFault(_)) => self.note_line(id, said, effective),
            _ => Ok(()),
        }
    }

    fn note_heads(
        &mut self,
        id: i64,
        said: &Said,
        seen: &truce::changes::HeadSeen,
        effective: bool,
    ) -> Result<(), ViewError> {
        let by = self.logs.number(&self.db, &said.reference.origin)?;
        for head in seen.heads.iter() {
            let log = self.logs.number(&self.db, &head.origin)?;
            if effective {
                let at_ms = said.head().map_or(0, |head| head.at_utc.0);
                self.db
                    .prepare_cached("INSERT OR REPLACE INTO seen (by_log, log, from_id, size, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![by, log, id, signed(head.size.0), at_ms])?;
            } else {
                self.db
                    .prepare_cached(
                        "DELETE FROM seen WHERE by_log = ?1 AND log = ?2 AND from_id = ?3",
                    )?
                    .execute(params![by, log, id])?;
            }
            // Without a neutral's sight, and without a receipt, no clock runs: those are the objects that this can change.
            let sql = if effective {
                "SELECT DISTINCT object FROM owed WHERE started_at IS NULL AND asked_in >= ?1 AND asked_in < ?2"
            } else {
                "SELECT DISTINCT object FROM owed WHERE asked_in >= ?1 AND asked_in < ?2"
            };
            let (first, end) = (log * SPAN, log * SPAN + signed(head.size.0));
            let roots: Vec<i64> = self
                .db
                .prepare_cached(sql)?
                .query_map([first, end], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            self.work.roots.extend(roots);
        }
        Ok(())
    }

    fn note_line(&mut self, id: i64, said: &Said, effective: bool) -> Result<(), ViewError> {
        self.drop_object(id)?;
        let Some(by) = self
            .directory
            .call_sign(&said.reference.origin)
            .filter(|_| effective)
        else {
            return Ok(());
        };
        if let Some(object) = super::query::line_object(said, by) {
            self.put_object(id, &object)?;
        }
        Ok(())
    }

    fn write_owed(&mut self, root: i64, part: &Truce, fresh: bool) -> Result<(), ViewError> {
        let about: Vec<&Owed> = part.owed.iter().collect();
        let mut mine = Vec::with_capacity(about.len());
        for owed in about {
            let object = self.id_of(&owed.about)?;
            if self.root(object)?.unwrap_or(object) == root {
                mine.push(owed.clone());
            }
        }
        if !fresh {
            self.disturb_watches(root, &mine)?;
            self.db
                .prepare_cached("DELETE FROM owed WHERE object = ?1")?
                .execute([root])?;
        }
        for (n, owed) in mine.iter().enumerate() {
            self.put_owed(root, n, owed)?;
        }
        Ok(())
    }

    fn put_owed(&mut self, root: i64, n: usize, owed: &Owed) -> Result<(), ViewError> {
        let (what, part) = spell_what(&owed.what);
        let asked_in = self.id_of(&owed.asked_in)?;
        let holding = owed
            .holding
            .as_ref()
            .map(|holding| objects::json(&objects::Holding::new(holding)));
        self.db
            .prepare_cached("INSERT INTO owed (object, n, what, part, by_sign, to_sign, asked_in, said_at, started_at, received, due_at, settled_at, holding) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?
            .execute(params![
                root,
                i64::try_from(n).unwrap_or(i64::MAX),
                what,
                part,
                owed.by.as_str(),
                owed.to.as_str(),
                asked_in,
                owed.said_at.0,
                owed.delivery.started_at().map(|at| at.0),
                matches!(owed.delivery, Delivery::Received(_)),
                owed.due_at.map(|at| at.0),
                owed.settled_at.map_or(OPEN, |at| at.0),
                holding,
            ])?;
        Ok(())
    }

    /// A hand-over counts when everything open was ticked. Whoever's debts changed at a time before his last hand-over has his
    /// watches read anew.
    fn disturb_watches(&mut self, root: i64, now: &[Owed]) -> Result<(), ViewError> {
        let before: Vec<DebtTimes> = self
            .db
            .prepare_cached("SELECT by_sign, said_at, started_at, due_at, settled_at FROM owed WHERE object = ?1 ORDER BY n")?
            .query_map([root], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?
            .collect::<Result<_, _>>()?;
        let after: Vec<DebtTimes> = now
            .iter()
            .map(|owed| {
                let started = owed.delivery.started_at().map(|at| at.0);
                let settled = owed.settled_at.map_or(OPEN, |at| at.0);
                let due = owed.due_at.map(|at| at.0);
                (owed.by.to_string(), owed.said_at.0, started, due, settled)
            })
            .collect();
        let mut changed: Vec<(&String, i64)> = Vec::new();
        for (n, row) in before.iter().enumerate() {
            match after.get(n) {
                Some(new) if new == row => {}
                Some(new)
                    if new.0 == row.0 && new.1 == row.1 && new.2 == row.2 && new.3 == row.3 =>
                {
                    changed.push((&row.0, row.4.min(new.4)));
                }
                _ => changed.push((&row.0, row.1)),
            }
        }
        for row in after.iter().skip(before.len()) {
            changed.push((&row.0, row.1));
        }
        for (origin, shifts) in self.shifts.iter() {
            let last = shifts
                .shifts
                .iter()
                .map(|shift| shift.began_at.0)
                .max()
                .unwrap_or(i64::MIN);
            if changed.iter().any(|(_, at)| *at <= last) {
                self.work.watches.insert(origin.clone());
            }
        }
        Ok(())
    }

    fn write_objects(&mut self, group: &Group, part: &Truce, fresh: bool) -> Result<(), ViewError> {
        let objects = objects::of(part, &self.directory);
        let mut kept = BTreeSet::new();
        for object in &objects {
            let id = self.id_of(&object.reference)?;
            if group.members.contains_key(&id) {
                self.put_object(id, object)?;
                kept.insert(id);
            }
        }
        for (reference, file) in &part.reports {
            let id = self.id_of(reference)?;
            if let Some(said) = group.members.get(&id) {
                self.put_report(id, said, &file.body)?;
            }
        }
        if fresh && group.members.len() == 1 {
            return Ok(());
        }
        for (id, said) in &group.members {
            let line = matches!(said.known(), Some(Body::LineTest(_) | Body::LineFault(_)));
            if !kept.contains(id) && !line {
                self.drop_object(*id)?;
            }
        }
        Ok(())
    }

    fn put_object(&mut self, id: i64, object: &Object) -> Result<(), ViewError> {
        let seq = self.seq + 1;
        let changed = self
            .db
            .prepare_cached("INSERT INTO object (id, capability, at_ms, end_ms, by_sign, place, tag, open, seq, body) VALUES (?1, ?2, ?3, ?10, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET capability = ?2, at_ms = ?3, end_ms = ?10, by_sign = ?4, place = ?5, tag = ?6, open = ?7, seq = ?8, body = ?9 WHERE body <> ?9 OR open <> ?7")?
            .execute(params![
                id,
                object.capability,
                object.at.0,
                object.by.as_str(),
                object.place,
                object.tag,
                object.open,
                seq,
                object.body,
                object.end.0
            ])?;
        if changed > 0 {
            self.seq = seq;
        }
        Ok(())
    }

    /// What is counted of a report.
    fn put_report(&mut self, id: i64, said: &Said, report: &Report) -> Result<(), ViewError> {
        let counted = super::incidents::counted(report);
        let said_at = said.head().map_or(0, |head| head.at_utc.0);
        self.drop_report(id)?;
        self.db
            .prepare_cached("INSERT INTO report (from_ms, id, until_ms, said_ms, known_to, area, alleges, access, sides) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
            .execute(params![
                counted.from.0,
                id,
                counted.until.0,
                said_at,
                counted.known_to as i64,
                counted.area,
                counted.alleges,
                counted.access,
                counted.sides
            ])?;
        Ok(())
    }

    fn drop_report(&self, id: i64) -> Result<(), ViewError> {
        self.db
            .prepare_cached("DELETE FROM report WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    fn drop_object(&mut self, id: i64) -> Result<(), ViewError> {
        self.drop_report(id)?;
        self.db
            .prepare_cached("DELETE FROM object WHERE id = ?1")?
            .execute([id])?;
        self.db
            .prepare_cached("DELETE FROM owed WHERE object = ?1 AND NOT EXISTS (SELECT 1 FROM statement WHERE id = ?1 AND root = ?1)")?
            .execute([id])?;
        Ok(())
    }

    /// Destroys here what its author had erased.
    fn erase(&mut self, group: &Group, statements: &Statements) -> Result<(), ViewError> {
        for (id, said) in &group.members {
            let erased = statements.erased(&said.reference);
            if !erased
                .iter()
                .any(|group| said.statement.content(group).is_some())
            {
                continue;
            }
            let left = said.statement.reduced(|name, _| !erased.contains(name));
            // The head stays: it tells to whom the erasure reaches.
            let text = without(&said.statement, &left, &erased);
            let seq = self.next_seq();
            self.db
                .prepare_cached("UPDATE statement SET text = ?1, seq = ?2 WHERE id = ?3")?
                .execute(params![text, seq, id])?;
            self.kept.remove(*id);
            self.work.erased = true;
            self.work.roots.insert(self.root(*id)?.unwrap_or(*id));
        }
        Ok(())
    }

    fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    fn read_participants(&self) -> Result<Participants, ViewError> {
        const SQL: &str = "SELECT id, text FROM statement WHERE kind IN ('participant.declare/1', 'key.grant/1', 'key.revoke/1', 'key.compromise/1', 'office.grant/1', 'office.revoke/1')";
        let mut participants = Participants::default();
        let mut select = self.db.prepare(SQL)?;
        let rows = select.query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        for row in rows {
            let (id, text) = row?;
            let said = read(id, &text)?;
            participants.hold(&said.reference, said.statement.leaf());
        }
        Ok(participants)
    }

    /// Reads instruments and call signs anew; tells how far that reaches.
    fn read_basis(&mut self) -> Result<Reach, ViewError> {
        let roots: Vec<i64> = self
            .db
            .prepare("SELECT id FROM statement WHERE kind = 'instrument.table/1' ORDER BY id")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut statements = Statements::among(Arc::clone(&self.participants));
        for root in roots {
            let group = Group::load(&self.db, &mut self.kept, &self.logs, root)?;
            for said in group
                .members
                .into_values()
                .chain(group.beside.into_values())
            {
                statements.hold_read(said);
            }
        }
        let (directory, agreement) = truce::basis(&statements);
        let reach = if joined(&self.directory, &directory) {
            Reach::Everything
        } else {
            Reach::between(&self.agreement, &agreement)
        };
        // Whether another text took its place decides what is still owed to one, however old it is.
        let amended = |instruments: &BTreeMap<Reference, Instrument>, of: &Reference| {
            instruments.get(of).and_then(|one| one.amended.clone())
        };
        for of in agreement.instruments.keys() {
            let before = amended(&self.agreement.instruments, of);
            if before != amended(&agreement.instruments, of) {
                let root = self.id_of(of)?;
                self.work.roots.insert(root);
            }
        }
        if agreement != *self.agreement {
            self.agreement = Arc::new(agreement);
        }
        if directory != *self.directory {
            self.directory = Arc::new(directory);
        }
        Ok(reach)
    }

    fn reach(&mut self) -> Result<(), ViewError> {
        let before: BTreeSet<CallSign> = self.directory.call_signs().cloned().collect();
        let reach = self.read_basis()?;
        let sql = match reach {
            Reach::Nothing => None,
            Reach::From(at) => Some((
                "SELECT DISTINCT root FROM statement WHERE kind IN ('message.send/1', 'area.designate/1', 'separation.ask/1', 'instrument.table/1') AND at_ms >= ?1",
                at.0,
            )),
            Reach::Everything => Some((
                "SELECT DISTINCT root FROM statement WHERE at_ms >= ?1",
                i64::MIN,
            )),
        };
        if let Some((sql, at)) = sql {
            let roots: Vec<i64> = self
                .db
                .prepare_cached(sql)?
                .query_map([at], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            self.work.roots.extend(roots);
        }
        let now: Vec<CallSign> = self.directory.call_signs().cloned().collect();
        for joined in now.iter().filter(|sign| !before.contains(*sign)) {
            let roots: Vec<i64> = self
                .db
                .prepare_cached("SELECT DISTINCT object FROM owed WHERE by_sign = ?1")?
                .query_map([joined.as_str()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            self.work.roots.extend(roots);
            if let Some(origin) = self.directory.origin(joined).cloned() {
                self.work.watches.insert(origin);
            }
        }
        Ok(())
    }

    /// The watches of one log, from all that it said of them.
    fn read_watches(&mut self, origin: &Origin) -> Result<(), ViewError> {
        const SQL: &str = "SELECT id FROM statement WHERE kind IN ('shift.open/1', 'shift.hand_over/1', 'shift.accept/1', 'shift.unrelieved/1') AND id BETWEEN ?1 AND ?2 AND standing = 'effective' ORDER BY id";
        let Some(log) = self.logs.known(origin) else {
            return Ok(());
        };
        let ids: Vec<i64> = self
            .db
            .prepare_cached(SQL)?
            .query_map([log * SPAN, (log + 1) * SPAN - 1], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut statements = Statements::among(Arc::clone(&self.participants));
        for id in ids {
            if let Some(said) = said(&self.db, &mut self.kept, id)? {
                statements.hold_read(said);
            }
        }
        let effective = statements.effective(&self.directory);
        let (db, logs, directory) = (&self.db, &self.logs, &self.directory);
        let must_tick = |origin: &Origin, at: UtcMs| {
            let own = directory.call_sign(origin);
            own.map(|own| super::query::must_tick(db, logs, &own, at))
                .unwrap_or_default()
        };
        let shifts = truce::contact::fold_shifts(&effective, &must_tick);
        let all = Arc::make_mut(&mut self.shifts);
        match shifts.into_iter().next() {
            Some((origin, shifts)) => drop(all.insert(origin, shifts)),
            None => drop(all.remove(origin)),
        }
        Ok(())
    }
}

/// When the log `neutral` first said that it had seen a head which covers `of`.
fn seen(db: &Connection, logs: &Logs, neutral: &Origin, of: &Reference) -> Option<UtcMs> {
    let (by, log) = (logs.known(neutral)?, logs.known(&of.origin)?);
    let mut select = db
        .prepare_cached("SELECT at_ms FROM seen WHERE by_log = ?1 AND log = ?2 AND size > ?3 ORDER BY from_id LIMIT 1")
        .ok()?;
    select
        .query_row(params![by, log, signed(of.index)], |row| row.get(0))
        .optional()
        .ok()?
        .map(UtcMs)
}

/// Whether a call sign that was known changed its log: then everything is another's.
fn joined(before: &truce::standing::Directory, after: &truce::standing::Directory) -> bool {
    before
        .call_signs()
        .any(|sign| before.origin(sign) != after.origin(sign))
}

fn without(whole: &Statement, left: &Statement, erased: &BTreeSet<String>) -> String {
    if left.head().is_some() {
        return left.to_string();
    }
    // Every group is gone; the head is kept all the same.
    let disclosures = whole.disclosures().take(1).cloned().collect();
    let text = Statement::assemble(whole.leaf().clone(), disclosures).map(|s| s.to_string());
    debug_assert!(!erased.is_empty());
    text.unwrap_or_else(|_| left.to_string())
}

pub(super) fn spell(standing: &Standing) -> (&'static str, Option<String>) {
    match standing {
        Standing::Effective => ("effective", None),
        Standing::Ineffective(why) => ("ineffective", Some(why.clone())),
        Standing::Waiting(reference) => ("waiting", Some(reference.to_string())),
        Standing::Undetermined(why) => ("undetermined", Some(why.clone())),
        Standing::Sealed => ("sealed", None),
        Standing::UnknownKind => ("unknown_kind", None),
    }
}

pub(super) fn spell_what(what: &What) -> (&'static str, Option<String>) {
    match what {
        What::Flash => ("flash", None),
        What::Answer(part) => ("answer", part.as_ref().map(ToString::to_string)),
        What::Acceptance => ("acceptance", None),
        What::AreaResponse => ("area_response", None),
        What::SeparationAnswer => ("separation_answer", None),
        What::LineTest => ("line_test", None),
        What::Relief => ("relief", None),
    }
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn connect(path: &Path) -> Result<Connection, ViewError> {
    let db = database::writer(path, CACHE_KIB)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout != LAYOUT {
        drop_tables(&db)?;
        db.execute_batch(TABLES)?;
        db.pragma_update(None, "user_version", LAYOUT)?;
    }
    Ok(db)
}

/// A connection that writes nothing, to views as this program makes them.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, ViewError> {
    if !path.exists() {
        return Err(ViewError::None(path.to_owned()));
    }
    let db = crate::database::reader(path)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == LAYOUT {
        Ok(db)
    } else {
        Err(ViewError::OtherLayout(path.to_owned()))
    }
}

fn drop_tables(db: &Connection) -> Result<(), ViewError> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        db.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    Ok(())
}

/// The reference of a statement with this id.
pub(super) fn reference(
    db: &Connection,
    logs: &Logs,
    id: i64,
) -> Result<Option<Reference>, ViewError> {
    let Some(origin) = logs.origin(id) else {
        return Ok(None);
    };
    let text: Option<String> = db
        .prepare_cached("SELECT text FROM statement WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let leaf = text.and_then(|text| {
        let leaf = text.split('~').next()?;
        Some(record::c2sp::tree::leaf_hash(leaf.as_bytes()))
    });
    Ok(leaf.map(|leaf: Hash| Reference {
        origin: origin.clone(),
        index: index(id),
        leaf,
    }))
}
