//! Computing one object from all that is held about it, and writing what changed.

use super::ViewError;
use super::fold::{Fold, signed};
use super::group::{Group, Logs, Member, index, name_of, said};
use super::objects::{self, Object};
use super::reception::Told;
use super::schema::{OPEN, SPAN, span_of};
use super::watches::News;
use crate::authority::Eyes;
use crate::source::Sources;
use record::name::{Origin, Reference};
use record::statement::Statement;
use record::time::UtcMs;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use truce::contact::Delivery;
use truce::due::{Owed, What};
use truce::incidents::ReportFile;
use truce::kinds::Name;
use truce::standing::{Said, Standing, Statements};
use truce::{Body, Context as Basis, Truce};

impl Fold {
    /// Computes one object from all that is held about it, and writes what changed.
    pub(super) fn compute(&mut self, root: i64, sources: &Sources) -> Result<(), ViewError> {
        let group = Group::load(&self.db, &mut self.kept, &self.logs, root)?;
        let fresh = self.work.fresh.remove(&root);
        if group.members.is_empty() {
            return self.write_owed(root, Vec::new(), fresh);
        }
        let mut statements = Statements::among(Arc::clone(&self.participants));
        group.hold_in(&mut statements);
        for sealed in &group.absent {
            if let Some(said) = self.sealed(*sealed, sources)? {
                statements.hold_read(said);
            }
        }
        self.effort.computed += 1;
        self.effort.used += (group.members.len() + group.beside.len()) as u64;
        let (db, logs, directory) = (&self.db, &self.logs, &self.directory);
        let seen_by = |neutral: &Origin, of: &Reference| {
            // Whoever goes by no call sign is not heard.
            directory.call_sign(neutral)?;
            seen(db, logs, neutral, of)
        };
        let part = Truce::part(
            &statements,
            &Basis {
                directory: &self.directory,
                agreement: &self.agreement,
                seen_by: &seen_by,
            },
        );
        self.write_standings(&group, &part)?;
        let mine = self.debts_of(root, &part)?;
        self.write_owed(root, mine, fresh)?;
        self.write_objects(&group, &part, &statements)?;
        self.note_instruments(&group, &part);
        // Whether the owner got to know of an exposure, and whether it still stands, is seen at the sites.
        let first = group
            .members
            .get(&root)
            .map(|first| Arc::clone(&first.said));
        if let Some(first) = first.filter(|first| name_of(first) == Some(Name::ExposureDeclare)) {
            self.touch_named(&first)?;
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
        let Some(source) = sources.of(origin) else {
            return Ok(None);
        };
        let Some(statement) = source.statement(at)? else {
            return Ok(None);
        };
        let reference = Reference {
            origin: origin.clone(),
            index: at,
            leaf: statement.leaf().hash(),
        };
        let bare = statement.reduced(|_, _| false);
        Ok(Some(Arc::new(Said::new(reference, bare))))
    }

    fn write_standings(&mut self, group: &Group, part: &Truce) -> Result<(), ViewError> {
        for (id, member) in &group.members {
            let Some(standing) = part.standings.get(&member.said.reference) else {
                continue;
            };
            let (word, why) = spell(standing);
            if member.standing == word && member.why == why {
                continue;
            }
            self.effort.written += 1;
            if member.standing.is_empty() {
                // What is new here was numbered when it was written.
                self.db
                    .prepare_cached("UPDATE statement SET standing = ?1, why = ?2 WHERE id = ?3")?
                    .execute(params![word, why, id])?;
            } else {
                let seq = self.next_seq();
                self.db
                    .prepare_cached(
                        "UPDATE statement SET standing = ?1, why = ?2, seq = ?3 WHERE id = ?4",
                    )?
                    .execute(params![word, why, seq, id])?;
            }
            if member.standing != word {
                self.effect(*id, &member.said, *standing == Standing::Effective)?;
            }
        }
        Ok(())
    }

    /// What takes effect, or no longer does, outside of its own object.
    fn effect(&mut self, id: i64, said: &Said, effective: bool) -> Result<(), ViewError> {
        match name_of(said) {
            Some(Name::HeadSeen) => self.note_heads(id, said, effective),
            Some(
                Name::ShiftOpen | Name::ShiftHandOver | Name::ShiftAccept | Name::ShiftUnrelieved,
            ) => {
                self.note_watch(id, &said.reference.origin, effective);
                Ok(())
            }
            Some(Name::ClaimRelate) => self.touch_named(said),
            Some(Name::ClaimRecord) => self.touch_related(id),
            // What an erasure without effect destroyed here may be held in its log all the same.
            Some(Name::Erase) if !effective => {
                let target = said.head().and_then(|head| head.about.first()).cloned();
                if let Some(target) = target.filter(|t| t.origin == said.reference.origin) {
                    let target = self.id_of(&target)?;
                    self.work.again.insert(target);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The relation of two claims changes both, and an exposure every site that it names.
    fn touch_named(&mut self, relation: &Said) -> Result<(), ViewError> {
        for about in relation.head().into_iter().flat_map(|head| &head.about) {
            let target = self.id_of(about)?;
            let root = self.root(target)?.unwrap_or(target);
            self.work.roots.insert(root);
        }
        Ok(())
    }

    /// Whether later outlines of the same participant may stand depends on the earlier ones. In the order of a log there are none yet.
    pub(super) fn touch_later_areas(&mut self, id: i64) -> Result<(), ViewError> {
        const SQL: &str = "SELECT DISTINCT root FROM statement INDEXED BY statement_kind WHERE kind = 'area.designate/1' AND id > ?1 AND id < ?2";
        let later: Vec<i64> = self
            .db
            .prepare_cached(SQL)?
            .query_map([id, id - id % SPAN + SPAN], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.work.roots.extend(later);
        Ok(())
    }

    /// A claim that no longer stands stands in no relation.
    fn touch_related(&mut self, claim: i64) -> Result<(), ViewError> {
        const SQL: &str = "SELECT s.id FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id = ?1 AND s.kind = 'claim.relate/1'";
        let relations: Vec<i64> = self
            .db
            .prepare_cached(SQL)?
            .query_map([claim], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for relation in relations {
            if let Some(said) = said(&self.db, &mut self.kept, relation)? {
                self.touch_named(&said)?;
            }
        }
        Ok(())
    }

    /// Heads that a statement says were seen, or no longer: by the tables, as its words may be gone.
    fn note_heads(&mut self, id: i64, said: &Said, effective: bool) -> Result<(), ViewError> {
        let by = self.logs.number(&self.db, &said.reference.origin)?;
        let mut heads = self.heads_noted(by, id)?;
        self.db
            .prepare_cached("DELETE FROM seen WHERE by_log = ?1 AND from_id = ?2")?
            .execute([by, id])?;
        if let (true, Some(Body::HeadSeen(seen))) = (effective, said.known()) {
            let at_ms = said.head().map_or(0, |head| head.at_utc.0);
            for head in seen.heads.iter() {
                let log = self.logs.number(&self.db, &head.origin)?;
                let size = signed(head.size.0);
                self.db
                    .prepare_cached("INSERT INTO seen (by_log, log, from_id, size, at_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET size = max(size, ?4)")?
                    .execute(params![by, log, id, size, at_ms])?;
                heads.push((log, size, at_ms));
            }
        }
        for (log, size, at_ms) in heads {
            // In the order of its log a sight changes only what was not seen before; at all only what was not received.
            let last = effective && !self.saw_later(by, log, id)?;
            let after = if last { at_ms } else { i64::MIN };
            let (first, end) = (log * SPAN, log * SPAN + size.min(SPAN - 1));
            let roots: Vec<i64> = self
                .db
                .prepare_cached("SELECT DISTINCT root FROM owed WHERE received = 0 AND asked_in >= ?1 AND asked_in < ?2 AND (started_at IS NULL OR started_at > ?3)")?
                .query_map([first, end, after], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            self.work.roots.extend(roots);
        }
        Ok(())
    }

    fn heads_noted(&self, by: i64, id: i64) -> Result<Vec<(i64, i64, i64)>, ViewError> {
        const SQL: &str = "SELECT log, size, at_ms FROM seen WHERE from_id = ?2 AND by_log = ?1";
        let mut select = self.db.prepare_cached(SQL)?;
        let rows = select.query_map([by, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn saw_later(&self, by: i64, log: i64, id: i64) -> Result<bool, ViewError> {
        const SQL: &str =
            "SELECT EXISTS (SELECT 1 FROM seen WHERE by_log = ?1 AND log = ?2 AND from_id > ?3)";
        Ok(self
            .db
            .prepare_cached(SQL)?
            .query_row([by, log, id], |row| row.get(0))?)
    }

    /// The debts of the objects with this root, each with the local id of what it is about.
    fn debts_of(&mut self, root: i64, part: &Truce) -> Result<Vec<Debt>, ViewError> {
        let mut mine = Vec::with_capacity(part.owed.len());
        for owed in &part.owed {
            let about = self.id_of(&owed.about)?;
            if self.root(about)?.unwrap_or(about) == root {
                let asked_in = self.id_of(&owed.asked_in)?;
                mine.push(Debt::of(about, asked_in, owed));
            }
        }
        let told = super::contact::told(part).into_iter();
        let told = told.chain(super::sites::told(part));
        for told in told.chain(super::movements::told(part)) {
            let about = self.id_of(told.about)?;
            if self.root(about)?.unwrap_or(about) == root {
                let version = self.id_of(told.version)?;
                mine.push(Debt::told(about, version, &told));
            }
        }
        Ok(mine)
    }

    fn write_owed(&mut self, root: i64, mine: Vec<Debt>, fresh: bool) -> Result<(), ViewError> {
        let before = if fresh {
            Vec::new()
        } else {
            self.debts_before(root)?
        };
        if before == mine {
            return Ok(());
        }
        self.disturb(&before, &mine);
        for (n, debt) in mine.iter().enumerate() {
            if before.get(n) != Some(debt) {
                self.effort.written += 1;
                debt.put(&self.db, root, count(n))?;
            }
        }
        if before.len() > mine.len() {
            self.db
                .prepare_cached("DELETE FROM owed WHERE root = ?1 AND n >= ?2")?
                .execute(params![root, count(mine.len())])?;
        }
        Ok(())
    }

    fn debts_before(&self, root: i64) -> Result<Vec<Debt>, ViewError> {
        const SQL: &str = "SELECT about, what, part, by_sign, to_sign, asked_in, said_at, started_at, received, due_at, late_at, settled_at, holding FROM owed WHERE root = ?1 ORDER BY n";
        let mut select = self.db.prepare_cached(SQL)?;
        let rows = select.query_map([root], Debt::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A hand-over counts when everything open was ticked: whoever's debts changed at the time of one of his hand-overs has his
    /// watches read anew. And new deadlines may have passed already.
    fn disturb(&mut self, before: &[Debt], after: &[Debt]) {
        // That a FLASH was received counts for as long as it is open, whatever was answered.
        let flash = before.iter().chain(after).any(|debt| debt.what == "flash");
        let mut changes = Changes::default();
        let mut left: BTreeMap<_, Vec<&Debt>> = BTreeMap::new();
        for debt in before {
            left.entry(debt.key()).or_default().push(debt);
        }
        for new in after {
            let old = left.get_mut(&new.key()).and_then(Vec::pop);
            changes.note(old, Some(new), flash);
        }
        for old in left.into_values().flatten() {
            changes.note(Some(old), None, flash);
        }
        for (origin, heard) in &self.watches {
            let own = self.directory.call_sign(origin);
            let own = own.and_then(|own| changes.of.get(own.as_str()));
            let mut times = own.into_iter().chain(&changes.of_all);
            if times.any(|times| heard.handed_over_in(times)) {
                self.work.watches.insert(origin.clone(), News::Anew);
            }
        }
        if let Some(deadline) = changes.deadline {
            let earliest = self.work.earliest.get_or_insert(deadline);
            *earliest = deadline.min(*earliest);
        }
    }

    fn write_objects(
        &mut self,
        group: &Group,
        part: &Truce,
        statements: &Statements,
    ) -> Result<(), ViewError> {
        let mut all = objects::of(part, &self.directory);
        let lines = |member: &Member| {
            matches!(
                name_of(&member.said),
                Some(Name::LineTest | Name::LineFault)
            )
        };
        if group.members.values().any(lines) {
            all.extend(objects::of_lines(&statements.effective(&self.directory)));
        }
        let mut kept = BTreeSet::new();
        for object in &all {
            let id = self.id_of(&object.reference)?;
            if group.members.contains_key(&id) {
                self.put_object(id, object)?;
                kept.insert(id);
            }
        }
        for (reference, file) in &part.reports {
            let id = self.id_of(reference)?;
            if let Some(member) = group.members.get(&id) {
                self.put_report(id, &member.said, file)?;
            }
        }
        self.put_countings(group, part)?;
        for (id, member) in &group.members {
            let may_be_one = name_of(&member.said).is_some_and(objects::begins_one);
            if may_be_one && !kept.contains(id) {
                self.drop_report(*id)?;
                self.drop_countings(*id, 0)?;
                self.drop_object(*id)?;
            }
        }
        Ok(())
    }

    /// What is an object no longer is a change of its statement: whoever follows the changes learns of it.
    fn drop_object(&mut self, id: i64) -> Result<(), ViewError> {
        let dropped = self
            .db
            .prepare_cached("DELETE FROM object WHERE id = ?1")?
            .execute([id])?;
        if dropped > 0 {
            let seq = self.next_seq();
            self.db
                .prepare_cached("UPDATE statement SET seq = ?1 WHERE id = ?2")?
                .execute([seq, id])?;
        }
        Ok(())
    }

    /// What is counted of a report.
    fn put_report(&self, id: i64, said: &Said, file: &ReportFile) -> Result<(), ViewError> {
        const SQL: &str = "INSERT INTO report (from_ms, id, until_ms, said_ms, known_to, area, alleges, access, sides, lat_e7, lon_e7, uncertain_m) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let counted = super::incidents::counted(&file.body);
        let placed = file.exact.as_ref();
        let place = placed.and_then(|exact| exact.place.as_ref());
        let uncertain_m = placed.and_then(|exact| exact.uncertainty_m);
        let said_at = said.head().map_or(0, |head| head.at_utc.0);
        self.drop_report(id)?;
        self.db.prepare_cached(SQL)?.execute(params![
            counted.from.0,
            id,
            counted.until.0,
            said_at,
            counted.known_to as i64,
            counted.area,
            counted.alleges,
            counted.access,
            counted.sides,
            place.map(|place| place.lat_e7.get()),
            place.map(|place| place.lon_e7.get()),
            uncertain_m.map(truce::values::Metres::get)
        ])?;
        Ok(())
    }

    fn drop_report(&self, id: i64) -> Result<(), ViewError> {
        self.db
            .prepare_cached("DELETE FROM report WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    fn put_object(&mut self, id: i64, object: &Object) -> Result<(), ViewError> {
        // Most often nothing changes by which objects are listed: then no list is written.
        const BODY: &str = "UPDATE object SET seq = ?9, body = ?10 WHERE id = ?1 AND capability = ?2 AND at_ms = ?3 AND end_ms = ?11 AND by_sign = ?4 AND place = ?5 AND tag = ?6 AND title IS ?7 AND open = ?8 AND body <> ?10";
        const WHOLE: &str = "INSERT INTO object (id, capability, at_ms, end_ms, by_sign, place, tag, title, open, seq, body) VALUES (?1, ?2, ?3, ?11, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO UPDATE SET capability = ?2, at_ms = ?3, end_ms = ?11, by_sign = ?4, place = ?5, tag = ?6, title = ?7, open = ?8, seq = ?9, body = ?10 WHERE body <> ?10 OR open <> ?8 OR by_sign <> ?4";
        let seq = self.seq + 1;
        let mut changed = 0;
        for sql in [BODY, WHOLE] {
            if changed == 0 {
                changed = self.db.prepare_cached(sql)?.execute(params![
                    id,
                    object.capability,
                    object.at.0,
                    object.by.as_str(),
                    object.place,
                    object.tag,
                    object.title,
                    object.open,
                    seq,
                    object.body,
                    object.end.0
                ])?;
            }
        }
        if changed > 0 {
            self.effort.written += 1;
            self.seq = seq;
        }
        Ok(())
    }

    /// What an instrument is decides what everything else is judged by; who else joined it does not.
    fn note_instruments(&mut self, group: &Group, part: &Truce) {
        let tabled = group
            .members
            .values()
            .filter(|member| matches!(name_of(&member.said), Some(Name::InstrumentTable)));
        for member in tabled {
            let reference = &member.said.reference;
            let known = self.agreement.instruments.get(reference);
            let Some(new) = part.agreement.instruments.get(reference) else {
                self.work.basis |= known.is_some();
                continue;
            };
            let same = known.is_some_and(|known| {
                let mut known = known.clone();
                known.formations.clone_from(&new.formations);
                known.holds.clone_from(&new.holds);
                known == *new
            });
            if !same {
                self.work.basis = true;
            } else if known != Some(new) {
                let agreement = Arc::make_mut(&mut self.agreement);
                agreement.instruments.insert(reference.clone(), new.clone());
            }
        }
    }

    /// Destroys here what its author had erased.
    fn erase(&mut self, group: &Group, statements: &Statements) -> Result<(), ViewError> {
        for (id, member) in &group.members {
            let said = &member.said;
            let erased = statements.erased(&said.reference);
            if !erased
                .iter()
                .any(|group| said.statement.content(group).is_some())
            {
                continue;
            }
            let text = without(&said.statement, &erased);
            let seq = self.next_seq();
            self.db
                .prepare_cached("UPDATE statement SET text = ?1, seq = ?2 WHERE id = ?3")?
                .execute(params![text, seq, id])?;
            if self.eyes == Eyes::Node {
                self.db
                    .prepare_cached("INSERT OR IGNORE INTO destroy (id) VALUES (?1)")?
                    .execute([id])?;
            }
            self.kept.remove(*id);
            self.work.erased = true;
            self.work.roots.extend(self.root(*id)?);
            self.work.roots.extend(self.waiting_for(*id)?);
            if name_of(said) == Some(Name::AreaDesignate) {
                self.touch_later_areas(*id)?;
            }
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

/// What is left of a statement: the head, which tells to whom the erasure reaches, and the groups that were not erased.
fn without(whole: &Statement, erased: &BTreeSet<String>) -> String {
    let mut text = format!("{}~", whole.leaf().text());
    let groups = whole.head().into_iter().flat_map(|head| &head.groups);
    let gone: BTreeSet<_> = groups
        .filter(|(name, _)| erased.contains(*name))
        .map(|(_, group)| group.digest)
        .collect();
    for disclosure in whole.disclosures().filter(|d| !gone.contains(&d.digest())) {
        text += disclosure.text();
        text += "~";
    }
    text
}

pub(super) fn count(debts: usize) -> i64 {
    i64::try_from(debts).unwrap_or(i64::MAX)
}

/// What nothing is owed for: it is never open.
const TOLD: &str = "told";

/// A debt as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Debt {
    about: i64,
    what: String,
    part: Option<String>,
    by: String,
    to: String,
    asked_in: i64,
    said_at: i64,
    started_at: Option<i64>,
    received: bool,
    due_at: Option<i64>,
    late_at: Option<i64>,
    settled_at: i64,
    holding: Option<String>,
}

impl Debt {
    fn of(about: i64, asked_in: i64, owed: &Owed) -> Self {
        let (what, part) = spell_what(&owed.what);
        let holding = owed.holding.as_ref();
        let started_at = owed.delivery.started_at().map(|at| at.0);
        // Before it got there nothing is due, whatever date it names.
        let due_at = started_at.and(owed.due_at).map(|at| at.0);
        Self {
            about,
            what: what.to_owned(),
            part,
            by: owed.by.to_string(),
            to: owed.to.to_string(),
            asked_in,
            said_at: owed.said_at.0,
            started_at,
            received: matches!(owed.delivery, Delivery::Received(_)),
            due_at,
            late_at: due_at.max(started_at).filter(|_| due_at.is_some()),
            settled_at: owed.settled_at.map_or(OPEN, |at| at.0),
            holding: holding.map(|holding| objects::json(&objects::Holding::new(holding))),
        }
    }

    /// What informs asks for nothing; whether it got there is told all the same, and a machine gives its receipt.
    fn told(about: i64, asked_in: i64, told: &Told<'_>) -> Self {
        let said_at = told.at.0;
        Self {
            about,
            what: TOLD.to_owned(),
            part: None,
            by: told.to.to_string(),
            to: told.by.to_string(),
            asked_in,
            said_at,
            started_at: told.delivery.started_at().map(|at| at.0),
            received: matches!(told.delivery, Delivery::Received(_)),
            due_at: None,
            late_at: None,
            settled_at: said_at,
            holding: None,
        }
    }

    fn read(row: &rusqlite::Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            about: row.get(0)?,
            what: row.get(1)?,
            part: row.get(2)?,
            by: row.get(3)?,
            to: row.get(4)?,
            asked_in: row.get(5)?,
            said_at: row.get(6)?,
            started_at: row.get(7)?,
            received: row.get(8)?,
            due_at: row.get(9)?,
            late_at: row.get(10)?,
            settled_at: row.get(11)?,
            holding: row.get(12)?,
        })
    }

    fn put(&self, db: &Connection, root: i64, n: i64) -> Result<(), ViewError> {
        const SQL: &str = "INSERT OR REPLACE INTO owed (root, n, about, what, part, by_sign, to_sign, asked_in, said_at, started_at, received, due_at, late_at, settled_at, holding, span) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
        db.prepare_cached(SQL)?.execute(params![
            root,
            n,
            self.about,
            self.what,
            self.part,
            self.by,
            self.to,
            self.asked_in,
            self.said_at,
            self.started_at,
            self.received,
            self.due_at,
            self.late_at,
            self.settled_at,
            self.holding,
            span_of(self.said_at, self.settled_at)
        ])?;
        Ok(())
    }

    fn key(&self) -> (i64, &str, Option<&str>, &str) {
        (self.about, &self.what, self.part.as_deref(), &self.by)
    }

    /// From when on a hand-over has to do with it: an open FLASH at once, an answer when it was received.
    fn counts_from(&self) -> i64 {
        match (self.what.as_str(), self.started_at) {
            ("flash", _) => self.said_at,
            ("answer", Some(at)) if self.received => at.max(self.said_at),
            _ => i64::MAX,
        }
    }
}

/// What changed in some debts: at which times, for those who owe and for everybody; and the earliest new deadline.
#[derive(Default)]
struct Changes<'d> {
    of: BTreeMap<&'d str, Range<i64>>,
    of_all: Option<Range<i64>>,
    deadline: Option<i64>,
}

impl<'d> Changes<'d> {
    fn note(&mut self, old: Option<&'d Debt>, new: Option<&'d Debt>, flash: bool) {
        let either = new.or(old);
        let Some(debt) = either.filter(|_| old != new) else {
            return;
        };
        let times = changed_in(old, new, flash);
        if debt.what == "flash" {
            let all = self.of_all.get_or_insert_with(|| times.clone());
            *all = around(all, &times);
        } else {
            let own = self.of.entry(&debt.by).or_insert_with(|| times.clone());
            *own = around(own, &times);
        }
        let deadline = new.and_then(|new| new.late_at.filter(|at| new.settled_at > *at));
        let known = old.and_then(|old| old.late_at.filter(|at| old.settled_at > *at));
        let due = |debt: Option<&Debt>| debt.and_then(|debt| debt.due_at);
        if deadline != known || due(new) != due(old) {
            let earliest = deadline.into_iter().chain(self.deadline).min();
            self.deadline = earliest;
        }
    }
}

fn around(one: &Range<i64>, other: &Range<i64>) -> Range<i64> {
    one.start.min(other.start)..one.end.max(other.end)
}

/// At which times a hand-over would have to do with the one and not with the other.
fn changed_in(old: Option<&Debt>, new: Option<&Debt>, flash: bool) -> Range<i64> {
    if let (Some(old), Some(new)) = (old, new)
        && old.is_like(new)
    {
        let settled = old.settled_at.min(new.settled_at);
        return settled.max(new.counts_from())..old.settled_at.max(new.settled_at);
    }
    let both = || old.into_iter().chain(new);
    let from = both().map(Debt::counts_from).min().unwrap_or(OPEN);
    let until = both().map(|debt| debt.settled_at).max().unwrap_or(OPEN);
    from..if flash { OPEN } else { until }
}

impl Debt {
    /// Whether the two differ at most in when they were settled, and in what has nothing to do with a watch.
    fn is_like(&self, other: &Self) -> bool {
        let of = |debt: &Self| (debt.said_at, debt.started_at, debt.received, debt.due_at);
        of(self) == of(other)
    }
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
    (what.word(), what.part().map(ToString::to_string))
}
