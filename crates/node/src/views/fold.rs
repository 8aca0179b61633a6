//! Folding: new statements go into the tables, and every object that they touch is computed anew from all that is held about it.
//! No row is ever made from its own last value.

use super::ViewError;
use super::context::Context;
use super::group::{Kept, Logs, id, index, joins, name_of, read, said};
use super::schema::{LAYOUT, SPAN, TABLES};
use super::watches::{Heard, News};
use crate::authority::{Eyes, Membership, cut};
use crate::catch_up::{Block, Read};
use crate::database;
use crate::source::{Source, Sources};
use record::encoding::Hash;
use record::name::{Origin, Reference};
use record::statement::Statement;
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use truce::Body;
use truce::agreement::Agreement;
use truce::contact::Shifts;
use truce::kinds::Name;
use truce::participants::Participants;
use truce::standing::{Directory, Said};

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

/// How much work the folding was, since the views were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Objects that were computed.
    pub computed: u64,
    /// Statements that these were computed from, one for each object that it was used for.
    pub used: u64,
    /// Statements that were read from the tables.
    pub read: u64,
    /// Rows that were written.
    pub written: u64,
}

/// Pages of views that are kept in memory, in KiB.
const CACHE_KIB: i64 = 65_536;

/// The writing side of one reader's views.
pub(super) struct Fold {
    pub(super) db: Connection,
    pub(super) eyes: Eyes,
    pub(super) logs: Logs,
    pub(super) folded: BTreeMap<Origin, u64>,
    /// Logs of which it was checked, since the views were opened, that they are still those that were folded.
    checked: BTreeSet<Origin>,
    pub(super) participants: Arc<Participants>,
    pub(super) directory: Arc<Directory>,
    pub(super) agreement: Arc<Agreement>,
    pub(super) shifts: Arc<BTreeMap<Origin, Arc<Shifts>>>,
    pub(super) watches: BTreeMap<Origin, Heard>,
    pub(super) seq: i64,
    /// What of the membership these views were cut by.
    cut_by: i64,
    pub(super) kept: Kept,
    pub(super) work: Work,
    pub(super) effort: Effort,
    /// Something was erased and still stands in the write-ahead log, because somebody was reading.
    unflushed: bool,
    /// Statements wait to be read from their logs again.
    again: bool,
}

/// What a batch still has to do.
#[derive(Default)]
pub(super) struct Work {
    /// Objects to compute anew, by the id of what they began with.
    pub roots: BTreeSet<i64>,
    /// Objects that have no rows yet.
    pub fresh: BTreeSet<i64>,
    /// Participants or instruments changed.
    pub basis: bool,
    /// What there is to hear of watches.
    pub watches: BTreeMap<Origin, News>,
    /// Statements to be read from their log again.
    pub again: BTreeSet<i64>,
    /// Content was erased: the write-ahead log must go too.
    pub erased: bool,
    /// The earliest deadline that was written.
    pub earliest: Option<i64>,
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
            checked: BTreeSet::new(),
            participants: Arc::default(),
            directory: Arc::default(),
            agreement: Arc::default(),
            shifts: Arc::default(),
            watches: BTreeMap::new(),
            seq: 0,
            cut_by: 0,
            kept: Kept::default(),
            work: Work::default(),
            effort: Effort::default(),
            // A kill may have left what was erased in the write-ahead log.
            unflushed: true,
            again: true,
        }
    }

    fn state(&self, name: &str) -> Result<i64, ViewError> {
        const SQL: &str = "SELECT value FROM state WHERE name = ?1";
        Ok(self.db.query_row(SQL, [name], |row| row.get(0))?)
    }

    /// Reads what is held in memory from the tables.
    fn load(&mut self) -> Result<(), ViewError> {
        self.seq = self.state("seq")?;
        self.cut_by = self.state("cut_by")?;
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
        self.checked.clear();
        self.participants = Arc::new(self.read_participants()?);
        self.read_basis()?;
        self.shifts = Arc::default();
        self.watches.clear();
        let origins: Vec<Origin> = self.folded.keys().cloned().collect();
        for origin in origins {
            self.hear_watches(&origin, News::Anew)?;
        }
        // What stands in the tables was computed with all this.
        self.work.roots.clear();
        self.work.watches.clear();
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
            unflushed: self.unflushed,
            again: self.again,
        }
    }

    pub fn take_earliest(&mut self) -> i64 {
        self.work.earliest.take().unwrap_or(i64::MAX)
    }

    /// How much work it was.
    pub fn effort(&self) -> Effort {
        Effort {
            read: self.kept.read,
            ..self.effort
        }
    }

    /// Who is a party, as far as these eyes see.
    pub fn membership(&self) -> Membership {
        Membership::of(&self.directory, &self.agreement)
    }

    pub fn set_back(&mut self, origin: &Origin, from: u64) -> Result<(), ViewError> {
        let Some(until) = self.folded.get_mut(origin).filter(|until| **until > from) else {
            return Ok(());
        };
        self.db.execute(
            "UPDATE log SET folded = ?1, last = NULL WHERE origin = ?2",
            params![signed(from), origin.as_str()],
        )?;
        *until = from;
        Ok(())
    }

    /// Reads this statement from its log again, with the next batch.
    pub fn read_again(&mut self, of: &Reference) -> Result<(), ViewError> {
        let id = self.id_of(of)?;
        self.db
            .prepare_cached("INSERT OR IGNORE INTO again (id) VALUES (?1)")?
            .execute([id])?;
        self.again = true;
        Ok(())
    }

    /// Nothing that was erased of this statement is held in its log any more.
    pub fn destroyed(&mut self, of: &Reference) -> Result<(), ViewError> {
        let id = self.id_of(of)?;
        self.db
            .prepare_cached("DELETE FROM destroy WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// Throws everything away. Whoever follows the changes goes on from there.
    pub fn clear(&mut self, cut_by: i64) -> Result<(), ViewError> {
        // At once: whoever reads meanwhile sees the old tables or the new ones, and never none.
        let write = self.db.transaction()?;
        make_tables(&write)?;
        for (name, value) in [("seq", self.seq), ("cut_by", cut_by)] {
            write.execute(
                "UPDATE state SET value = ?1 WHERE name = ?2",
                params![value, name],
            )?;
        }
        write.commit()?;
        self.logs = Logs::default();
        self.kept.clear();
        self.unflushed = true;
        self.load()
    }

    /// What of the membership these views are cut by.
    pub fn cut_by(&self) -> i64 {
        self.cut_by
    }

    /// How far a log is folded.
    pub fn folded(&self, origin: &Origin) -> u64 {
        self.folded.get(origin).copied().unwrap_or(0)
    }

    /// One batch, committed as a whole.
    pub fn batch(
        &mut self,
        sources: &Sources,
        batch: Batch,
        alone: bool,
    ) -> Result<Progress, ViewError> {
        let members = self.prepare(sources)?;
        let mut progress = Progress::default();
        let mut waiting: Vec<(Arc<Source>, u64, u64)> = Vec::new();
        for source in sources.all() {
            let own = self.eyes == Eyes::Participant(source.origin().clone());
            let (from, size) = (self.folded(source.origin()), source.size());
            if size > from && (own || !alone) {
                waiting.push((source, from, size));
            }
        }
        // Each log has its share, and what one leaves of it is the others': a log that is flooded holds up none.
        waiting.sort_by_key(|(_, from, size)| size - from);
        let begun = !waiting.is_empty();
        if begun {
            self.db.execute_batch("BEGIN IMMEDIATE")?;
        }
        let mut room = batch.statements_max as u64;
        for (n, (source, from, size)) in waiting.iter().enumerate() {
            let share = room / (waiting.len() - n) as u64;
            let until = *size.min(&(from + share));
            progress.more |= *size > until;
            if until == *from {
                continue;
            }
            let log = self.logs.number(&self.db, source.origin())?;
            for at in *from..until {
                let statement = source.statement(at)?;
                self.take_entry(id(log, at), at, statement.as_deref(), &members)?;
            }
            self.note_folded(source, log, until)?;
            progress.folded += until - from;
            room -= until - from;
        }
        if begun || self.again {
            if !begun {
                self.db.execute_batch("BEGIN IMMEDIATE")?;
            }
            self.finish(sources, &members)?;
        }
        self.flush()?;
        Ok(progress)
    }

    /// Starts from nothing when who may read what has changed, or the logs are others. Who is a party, as it is now.
    pub fn prepare(&mut self, sources: &Sources) -> Result<Arc<Membership>, ViewError> {
        let members = sources.members();
        let cut_by = members.mark(&self.eyes);
        if cut_by != self.cut_by || !self.are_of_the_same(sources)? {
            self.clear(cut_by)?;
        }
        Ok(members)
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
        let mut until: BTreeMap<Origin, (Arc<Source>, i64, u64)> = BTreeMap::new();
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        while progress.folded < batch.statements_max as u64 {
            let Ok(block) = blocks.recv() else { break };
            for Read { source, entry } in block.iter() {
                let origin = source.origin();
                let from = self.folded(origin);
                let log = self.logs.number(&self.db, origin)?;
                let reached = until
                    .entry(origin.clone())
                    .or_insert_with(|| (Arc::clone(source), log, 0));
                reached.2 = entry.index + 1;
                if entry.index >= from {
                    let (id, statement) = (id(log, entry.index), entry.statement.as_deref());
                    self.take_entry(id, entry.index, statement, &members)?;
                    progress.folded += 1;
                }
            }
            progress.more = true;
        }
        for (origin, (source, log, until)) in until {
            if until > self.folded(&origin) {
                self.note_folded(&source, log, until)?;
            }
        }
        self.finish(sources, &members)?;
        self.flush()?;
        Ok(progress)
    }

    fn take_entry(
        &mut self,
        id: i64,
        at: u64,
        statement: Option<&Statement>,
        members: &Membership,
    ) -> Result<(), ViewError> {
        match statement {
            Some(statement) => {
                let statement = cut(&self.eyes, statement, members);
                self.take(id, at, statement)
            }
            None => {
                self.work.roots.extend(self.waiting_for(id)?);
                Ok(())
            }
        }
    }

    fn note_folded(&mut self, source: &Source, log: i64, until: u64) -> Result<(), ViewError> {
        let last = source.leaf_hash(until - 1)?.map(|hash| hash.0);
        self.db
            .prepare_cached("UPDATE log SET folded = ?1, last = ?2 WHERE id = ?3")?
            .execute(params![signed(until), last, log])?;
        self.folded.insert(source.origin().clone(), until);
        self.checked.insert(source.origin().clone());
        Ok(())
    }

    /// Whether the logs are those that were folded: not shorter, and with the same entry where folding stopped. A log that was
    /// put back in time, or founded anew under the same name, is another one.
    fn are_of_the_same(&mut self, sources: &Sources) -> Result<bool, ViewError> {
        for source in sources.all() {
            let origin = source.origin();
            let Some(folded) = self
                .folded
                .get(origin)
                .copied()
                .filter(|folded| *folded > 0)
            else {
                continue;
            };
            if source.size() < folded {
                return Ok(false);
            }
            if self.checked.contains(origin) {
                continue;
            }
            let last: Option<[u8; 32]> = self
                .db
                .prepare_cached("SELECT last FROM log WHERE origin = ?1")?
                .query_row([origin.as_str()], |row| row.get(0))?;
            if last.is_some() && source.leaf_hash(folded - 1)?.map(|hash| hash.0) != last {
                return Ok(false);
            }
            self.checked.insert(origin.clone());
        }
        Ok(true)
    }

    fn finish(&mut self, sources: &Sources, members: &Membership) -> Result<(), ViewError> {
        if self.again {
            let waiting: Vec<i64> = self
                .db
                .prepare_cached("SELECT id FROM again")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            self.work.again.extend(waiting);
            self.db.execute("DELETE FROM again", [])?;
        }
        loop {
            if std::mem::take(&mut self.work.basis) {
                self.reach()?;
            }
            for id in std::mem::take(&mut self.work.again) {
                let source = self.logs.origin(id).and_then(|origin| sources.of(origin));
                if let Some(source) = source {
                    let statement = source.statement(index(id))?;
                    self.take_entry(id, index(id), statement.as_deref(), members)?;
                }
            }
            let Some(root) = self.work.roots.pop_first() else {
                break;
            };
            self.compute(root, sources)?;
        }
        for (origin, news) in std::mem::take(&mut self.work.watches) {
            self.hear_watches(&origin, news)?;
        }
        self.work.fresh.clear();
        self.db
            .prepare_cached("UPDATE state SET value = ?1 WHERE name = 'seq'")?
            .execute([self.seq])?;
        self.db.execute_batch("COMMIT")?;
        self.unflushed |= std::mem::take(&mut self.work.erased);
        self.again = false;
        Ok(())
    }

    /// Empties the write-ahead log after an erasure. While somebody reads it cannot be emptied: it is tried again.
    fn flush(&mut self) -> Result<(), ViewError> {
        if self.unflushed {
            self.unflushed = !database::empty_log(&self.db)?;
        } // protects: what_was_erased_stands_in_no_file_of_the_store
        Ok(())
    }

    /// Takes in a statement, as far as these eyes read it. It may have been taken in before with less, or with more.
    fn take(&mut self, id: i64, at: u64, statement: Cow<'_, Statement>) -> Result<(), ViewError> {
        let leaf = statement.leaf();
        let control = leaf.control().is_some();
        if statement.head().is_none() && !control {
            // Its head is not for us. What is about it learns that it stands there.
            self.work.roots.extend(self.waiting_for(id)?);
            return Ok(());
        }
        let before = said(&self.db, &mut self.kept, id)?;
        if let Some(before) = &before {
            if before.statement == *statement {
                return Ok(());
            }
            let left: Vec<Hash> = statement.disclosures().map(|d| d.digest()).collect();
            let mut had = before.statement.disclosures();
            self.work.erased |= had.any(|had| !left.contains(&had.digest()));
        }
        let reference = Reference {
            origin: leaf.log.origin.clone(),
            index: at,
            leaf: leaf.hash(),
        };
        let new = Arc::new(Said::new(reference, statement.into_owned()));
        if control {
            self.take_control(id, &new)?;
        }
        let root = self.root_of(id, &new)?;
        self.write_statement(id, root, &new)?;
        self.kept.put(id, Arc::clone(&new));
        if name_of(&new) == Some(Name::AreaDesignate) {
            self.touch_later_areas(id)?;
        }
        let named_by = self.children(id)?;
        if before.is_none() {
            if root == id && named_by.is_empty() {
                self.work.fresh.insert(id);
            }
            self.adopt(id, root, &new)?;
        }
        if !named_by.is_empty() {
            self.work.roots.extend(self.waiting_for(id)?);
        }
        self.work.roots.insert(root);
        Ok(())
    }

    /// Control statements decide what keys and offices count, from their index on; a compromise reaches back.
    fn take_control(&mut self, id: i64, said: &Said) -> Result<(), ViewError> {
        let participants = Arc::make_mut(&mut self.participants);
        participants.hold(&said.reference, said.statement.leaf());
        match said.known() {
            Some(Body::KeyCompromise(compromise)) => {
                let first = id - id % SPAN;
                let from = self.reaches_back_to(first, id, compromise.from.0)?;
                self.work
                    .roots
                    .extend(self.roots_between(first + from, id)?);
                let origin = said.reference.origin.clone();
                self.work.watches.insert(origin, News::Anew);
                self.work.basis = true;
            }
            // Who declares what is judged by the record, whatever else stands in the declaration.
            _ if id % SPAN == 0 => self.work.basis = true,
            _ => {}
        }
        Ok(())
    }

    /// From which entry on a compromise may change what counts. It may undo another compromise, which reached back further.
    fn reaches_back_to(&self, first: i64, id: i64, from: u64) -> Result<i64, ViewError> {
        const SQL: &str = "SELECT id, text FROM statement WHERE kind = 'key.compromise/1' AND id BETWEEN ?1 AND ?2";
        let mut earliest = signed(from);
        let mut select = self.db.prepare_cached(SQL)?;
        let mut rows = select.query([first, id])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            if let Some(Body::KeyCompromise(other)) = read(row.get(0)?, &text)?.known() {
                earliest = earliest.min(signed(other.from.0));
            }
        }
        Ok(earliest)
    }

    /// The object that a statement belongs to: what it responds to, continues or changes; itself for all others. What it
    /// belongs to may not be held yet; the same index with another leaf is something else.
    fn root_of(&mut self, id: i64, said: &Said) -> Result<i64, ViewError> {
        let Some(about) = joins(said) else {
            return Ok(id);
        };
        let target = self.id_of(about)?;
        if target == id {
            return Ok(id);
        }
        let held: Option<(i64, [u8; 32])> = self
            .db
            .prepare_cached("SELECT root, leaf FROM statement WHERE id = ?1")?
            .query_row([target], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(match held {
            None => target,
            Some((root, leaf)) if leaf == about.leaf.0 => root,
            Some(_) => id,
        })
    }

    pub(super) fn root(&self, id: i64) -> Result<Option<i64>, ViewError> {
        Ok(self
            .db
            .prepare_cached("SELECT root FROM statement WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    pub(super) fn id_of(&mut self, reference: &Reference) -> Result<i64, ViewError> {
        let log = self.logs.number(&self.db, &reference.origin)?;
        Ok(id(log, reference.index))
    }

    fn write_statement(&mut self, id: i64, root: i64, said: &Said) -> Result<(), ViewError> {
        let kind = said.statement.kind().map(ToString::to_string);
        let at_ms = said
            .head()
            .map_or(said.statement.leaf().minute_s * 1000, |head| head.at_utc.0);
        let seq = self.next_seq();
        self.effort.written += 1;
        self.db
            .prepare_cached("INSERT OR REPLACE INTO statement (id, leaf, kind, at_ms, root, standing, why, seq, text) VALUES (?1, ?2, ?3, ?4, ?5, '', NULL, ?6, ?7)")?
            .execute(params![id, said.reference.leaf.0, kind.unwrap_or_default(), at_ms, root, seq, said.statement.to_string()])?;
        for about in said.head().into_iter().flat_map(|head| &head.about) {
            let target = self.id_of(about)?;
            self.db
                .prepare_cached("INSERT OR IGNORE INTO about (to_id, from_id) VALUES (?1, ?2)")?
                .execute([target, id])?;
        }
        Ok(())
    }

    /// What came before this statement and belongs to it belongs to its object now, with all that belongs to that.
    fn adopt(&mut self, id: i64, root: i64, new: &Said) -> Result<(), ViewError> {
        let mut left = vec![(id, root, new.reference.clone())];
        while let Some((id, root, reference)) = left.pop() {
            for child in self.children(id)? {
                let Some(said) = said(&self.db, &mut self.kept, child)? else {
                    continue;
                };
                let Some(about) = joins(&said).filter(|_| child != id) else {
                    continue;
                };
                if self.id_of(about)? != id {
                    continue; // it names this one beside what it belongs to
                }
                let root = if *about == reference { root } else { child };
                let before = self.root(child)?.unwrap_or(child);
                if before != root {
                    self.db
                        .prepare_cached("UPDATE statement SET root = ?1 WHERE id = ?2")?
                        .execute([root, child])?;
                    self.work.roots.extend([before, root]);
                    left.push((child, root, said.reference.clone()));
                }
            }
        }
        Ok(())
    }

    fn children(&self, id: i64) -> Result<Vec<i64>, ViewError> {
        Ok(self
            .db
            .prepare_cached("SELECT from_id FROM about WHERE to_id = ?1")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }

    /// The objects of the statements that name this one.
    pub(super) fn waiting_for(&self, id: i64) -> Result<Vec<i64>, ViewError> {
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

    pub(super) fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn connect(path: &Path) -> Result<Connection, ViewError> {
    let db = database::writer(path, CACHE_KIB)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout != LAYOUT {
        db.execute_batch("BEGIN IMMEDIATE")?;
        make_tables(&db)?;
        db.pragma_update(None, "user_version", LAYOUT)?;
        db.execute_batch("COMMIT")?;
    }
    Ok(db)
}

/// A connection that writes nothing, to views as this program makes them.
fn connect_to_read(path: &Path) -> Result<Connection, ViewError> {
    if !path.exists() {
        return Err(ViewError::None(path.to_owned()));
    }
    let db = database::reader(path)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == LAYOUT {
        Ok(db)
    } else {
        Err(ViewError::OtherLayout(path.to_owned()))
    }
}

/// Within a transaction: a kill leaves the tables as they were.
fn make_tables(db: &Connection) -> Result<(), ViewError> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in tables {
        db.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    Ok(db.execute_batch(TABLES)?)
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
    let leaf: Option<[u8; 32]> = db
        .prepare_cached("SELECT leaf FROM statement WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(leaf.map(|leaf| Reference {
        origin: origin.clone(),
        index: index(id),
        leaf: Hash(leaf),
    }))
}
