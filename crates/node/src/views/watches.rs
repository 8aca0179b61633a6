//! Watches: what each log says of its own goes on from what it said before, so that a hand-over after years costs what the first
//! one did. Whatever changes what was heard already has all of them read anew.

use super::ViewError;
use super::fold::Fold;
use super::group::{name_of, said};
use super::schema::SPAN;
use record::name::Origin;
use record::time::UtcMs;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use truce::kinds::Name;
use truce::standing::Effective;

/// What there is to hear of a log's watches.
pub(super) enum News {
    /// What comes after all that was heard: the ids of statements.
    Later(BTreeSet<i64>),
    /// All of it.
    Anew,
}

/// What was heard of a log's watches.
#[derive(Default)]
pub(super) struct Heard {
    /// Until which statement.
    last: i64,
    /// When hand-overs were offered.
    offered: BTreeSet<i64>,
}

impl Heard {
    /// Whether a hand-over was offered in this time.
    pub fn handed_over_in(&self, times: &Range<i64>) -> bool {
        times.start < times.end && self.offered.range(times.clone()).next().is_some()
    }
}

impl Fold {
    /// A statement about a watch takes effect, or no longer does.
    pub(super) fn note_watch(&mut self, id: i64, origin: &Origin, effective: bool) {
        let is_later = self.watches.get(origin).is_none_or(|heard| heard.last < id);
        let nothing = || News::Later(BTreeSet::new());
        let news = self.work.watches.entry(origin.clone());
        let news = news.or_insert_with(nothing);
        match news {
            News::Later(ids) if is_later && effective => drop(ids.insert(id)),
            News::Later(ids) if is_later => drop(ids.remove(&id)),
            _ => *news = News::Anew,
        }
    }

    /// Hears what a log says of its watches.
    pub(super) fn hear_watches(&mut self, origin: &Origin, news: News) -> Result<(), ViewError> {
        const SQL: &str = "SELECT id FROM statement WHERE kind IN ('shift.open/1', 'shift.hand_over/1', 'shift.accept/1', 'shift.unrelieved/1') AND id BETWEEN ?1 AND ?2 AND standing = 'effective' ORDER BY id";
        let Some(log) = self.logs.known(origin) else {
            return Ok(());
        };
        let (ids, anew): (Vec<i64>, bool) = match news {
            News::Later(ids) => (ids.into_iter().collect(), false),
            News::Anew => {
                let mut select = self.db.prepare_cached(SQL)?;
                let rows =
                    select.query_map([log * SPAN, (log + 1) * SPAN - 1], |row| row.get(0))?;
                (rows.collect::<Result<_, _>>()?, true)
            }
        };
        if anew {
            self.watches.remove(origin);
        }
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(said) = said(&self.db, &mut self.kept, id)? {
                let heard = self.watches.entry(origin.clone()).or_default();
                heard.last = id;
                if let Some(head) = said.head()
                    && name_of(&said) == Some(Name::ShiftHandOver)
                {
                    heard.offered.insert(head.at_utc.0);
                }
                all.push(said);
            }
        }
        // They cannot be corrected, and whether each takes effect is known.
        let by = self.directory.call_sign(origin);
        let effective = all.iter().filter_map(|said| {
            Some(Effective {
                reference: said.reference.clone(),
                by: by.clone()?,
                kid: said.kid(),
                head: said.head()?,
                body: Cow::Borrowed(said.known()?),
                corrected_by: None,
            })
        });
        let effective: Vec<_> = effective.collect();
        let (db, logs) = (&self.db, &self.logs);
        let open_at = |times: &BTreeSet<i64>| match &by {
            Some(own) => super::query::must_tick(db, logs, own, times),
            None => Ok(BTreeMap::new()),
        };
        // Of old hand-overs all at once; later each by itself, as little is open by then that is not open now.
        let known = match self.watches.get(origin).filter(|_| anew) {
            Some(heard) => open_at(&heard.offered)?,
            None => BTreeMap::new(),
        };
        let failed = RefCell::new(None);
        let must_tick = |_: &Origin, at: UtcMs| {
            if anew {
                return known.get(&at.0).cloned().unwrap_or_default();
            }
            let open = open_at(&BTreeSet::from([at.0])).unwrap_or_else(|error| {
                *failed.borrow_mut() = Some(error);
                BTreeMap::new()
            });
            open.into_values().flatten().collect()
        };
        let shifts = Arc::make_mut(&mut self.shifts);
        if anew {
            shifts.remove(origin);
        }
        truce::contact::hear_shifts(shifts, &effective, &must_tick);
        failed.into_inner().map_or(Ok(()), Err)
    }
}
