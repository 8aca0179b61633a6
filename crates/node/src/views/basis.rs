//! What every object depends on: participants, call signs, instruments, watches; and what has to be computed anew when they change.

use super::ViewError;
use super::context::Reach;
use super::fold::Fold;
use super::group::{Group, read};
use super::schema::SPAN;
use super::watches::News;
use record::name::{CallSign, Origin};
use std::collections::BTreeSet;
use std::sync::Arc;
use truce::participants::Participants;
use truce::standing::{Directory, Statements};

impl Fold {
    pub(super) fn read_participants(&self) -> Result<Participants, ViewError> {
        const SQL: &str = "SELECT id, text FROM statement WHERE kind IN ('participant.declare/1', 'key.grant/1', 'key.revoke/1', 'key.compromise/1', 'office.grant/1', 'office.revoke/1') ORDER BY id";
        let mut participants = Participants::default();
        let mut select = self.db.prepare(SQL)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            let said = read(row.get(0)?, &text)?;
            participants.hold(&said.reference, said.statement.leaf());
        }
        Ok(participants)
    }

    /// Reads instruments and call signs anew; tells how far that reaches.
    pub(super) fn read_basis(&mut self) -> Result<Reach, ViewError> {
        let roots: Vec<i64> = self
            .db
            .prepare_cached(
                "SELECT id FROM statement WHERE kind = 'instrument.table/1' ORDER BY id",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut statements = Statements::among(Arc::clone(&self.participants));
        for root in roots {
            let group = Group::load(&self.db, &mut self.kept, &self.logs, root)?;
            for said in group.all() {
                statements.hold_read(Arc::clone(said));
            }
        }
        let (directory, agreement) = truce::basis(&statements);
        let reach = if self.renames(&directory)? {
            Reach::Everything
        } else {
            Reach::between(&self.agreement, &agreement)
        };
        if directory != *self.directory {
            // Whose watches they are is told by call signs.
            let named = self.directory.call_signs().chain(directory.call_signs());
            let named: BTreeSet<&CallSign> = named.collect();
            for sign in named {
                let (before, after) = (self.directory.origin(sign), directory.origin(sign));
                if before != after {
                    for origin in before.into_iter().chain(after) {
                        self.work.watches.insert(origin.clone(), News::Anew);
                    }
                }
            }
            self.directory = Arc::new(directory);
        }
        if agreement != *self.agreement {
            for (reference, instrument) in &agreement.instruments {
                // One that comes after what replaced it is replaced already.
                let known = self.agreement.instruments.get(reference);
                if known.and_then(|known| known.amended.as_ref()) != instrument.amended.as_ref() {
                    let log = self.logs.known(&reference.origin);
                    let id = log.map(|log| super::group::id(log, reference.index));
                    self.work.roots.extend(id);
                }
            }
            self.agreement = Arc::new(agreement);
        }
        Ok(reach)
    }

    /// Whether a log of which something was computed goes by another call sign now: then everything is another's.
    fn renames(&self, after: &Directory) -> Result<bool, ViewError> {
        let before = &self.directory;
        let moved = before
            .call_signs()
            .any(|sign| before.origin(sign) != after.origin(sign));
        if moved {
            return Ok(true);
        }
        for sign in after
            .call_signs()
            .filter(|sign| before.origin(sign).is_none())
        {
            if self.computed_something_of(after.origin(sign))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn computed_something_of(&self, origin: Option<&Origin>) -> Result<bool, ViewError> {
        const SQL: &str =
            "SELECT EXISTS (SELECT 1 FROM statement WHERE id BETWEEN ?1 AND ?2 AND standing <> '')";
        let Some(log) = origin.and_then(|origin| self.logs.known(origin)) else {
            return Ok(false);
        };
        Ok(self
            .db
            .prepare_cached(SQL)?
            .query_row([log * SPAN, (log + 1) * SPAN - 1], |row| row.get(0))?)
    }

    /// The objects of the statements that name anything of a log.
    fn naming(&self, log: i64) -> Result<Vec<i64>, ViewError> {
        const SQL: &str = "SELECT DISTINCT s.root FROM about JOIN statement s ON s.id = about.from_id WHERE about.to_id BETWEEN ?1 AND ?2";
        let mut select = self.db.prepare_cached(SQL)?;
        let rows = select.query_map([log * SPAN, (log + 1) * SPAN - 1], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Reads instruments and call signs anew, and computes whatever they change.
    pub(super) fn reach(&mut self) -> Result<(), ViewError> {
        const SINCE: &str = "SELECT DISTINCT root FROM statement WHERE kind IN ('message.send/1', 'area.designate/1', 'separation.ask/1', 'instrument.table/1', 'site.notify/1', 'exposure.declare/1', 'movement.notify/1') AND at_ms >= ?1";
        const ALL: &str = "SELECT DISTINCT root FROM statement WHERE at_ms >= ?1";
        let known = Arc::clone(&self.directory);
        let reach = self.read_basis()?;
        if reach != Reach::Everything {
            // Whoever is named by his log alone, as the owner of a site, has a name only now.
            let directory = Arc::clone(&self.directory);
            let new = directory.call_signs().filter_map(|sign| {
                let origin = directory.origin(sign)?;
                let log = self.logs.known(origin)?;
                known.call_sign(origin).is_none().then_some(log)
            });
            for log in new.collect::<Vec<_>>() {
                let naming = self.naming(log)?;
                self.work.roots.extend(naming);
            }
        }
        let (sql, from) = match reach {
            Reach::Nothing => return Ok(()),
            Reach::From(at) => (SINCE, at.0),
            Reach::Everything => (ALL, i64::MIN),
        };
        let roots: Vec<i64> = self
            .db
            .prepare_cached(sql)?
            .query_map([from], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.work.roots.extend(roots);
        if sql == ALL {
            let all = self.folded.keys().map(|log| (log.clone(), News::Anew));
            self.work.watches.extend(all);
        }
        Ok(())
    }
}
