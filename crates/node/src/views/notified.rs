//! Notices of sites and movements and what became of them since, for whoever keeps an index of what is notified.

use super::fold::reference;
use super::group::{Logs, index};
use super::query::held;
use super::schema::SPAN;
use super::{ViewError, Views};
use record::name::{Origin, Reference};
use rusqlite::{Connection, OptionalExtension, params};

/// One site or movement, as it is after a change.
pub(crate) enum Notice {
    /// The tables are other ones: whatever was told before is forgotten.
    Anew,
    /// It was withdrawn from everybody, is over, or was never notified after all.
    Gone(i64),
    /// It stands.
    Stands {
        /// Its local id.
        id: i64,
        /// `site` or `movement`.
        capability: String,
        /// Its row, as the API gives it.
        body: String,
    },
}

/// Up to where the changes were told.
pub(crate) struct Followed {
    /// Of which tables.
    pub epoch: i64,
    /// The last change.
    pub seq: i64,
    /// Of each log the last entry of which the reader reads anything.
    pub read: Vec<(Origin, u64)>,
}

const ALL: &str = "SELECT id FROM object WHERE capability IN ('site', 'movement') ORDER BY id";
// By the number of the change, of which few are new: by kind every notice there ever was would be looked at.
const SINCE: &str = "SELECT id FROM object INDEXED BY object_seq WHERE seq > ?1 AND capability IN ('site', 'movement') UNION SELECT id FROM statement INDEXED BY statement_seq WHERE seq > ?1 AND kind IN ('site.notify/1', 'movement.notify/1') ORDER BY 1";

impl Views {
    /// Tells of each notice that changed after `since`, all from one moment; of all that stand, when `epoch` is not that of these
    /// tables.
    ///
    /// # Errors
    /// [`ViewError`]; what was told until then is told again.
    pub(crate) fn notices_since(
        &self,
        since: i64,
        epoch: i64,
        take: &mut dyn FnMut(Notice),
    ) -> Result<Followed, ViewError> {
        self.read(|db| notices_since(db, since, epoch, take))
    }

    /// The first notice of the site or movement to which this statement belongs.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) fn notice_of(&self, of: &Reference) -> Result<Option<String>, ViewError> {
        const ROOT: &str = "SELECT r.id FROM statement s JOIN statement r ON r.id = s.root WHERE s.id = ?1 AND r.kind IN ('site.notify/1', 'movement.notify/1')";
        self.read(|db| {
            let logs = Logs::load(db)?;
            let Some(id) = held(db, &logs, of)? else {
                return Ok(None);
            };
            let root = db.prepare_cached(ROOT)?.query_row([id], |row| row.get(0));
            let first = root.optional()?.map(|root| reference(db, &logs, root));
            let first = first.transpose()?.flatten();
            Ok(first.map(|first| first.to_string()))
        })
    }
}

fn notices_since(
    db: &Connection,
    since: i64,
    epoch: i64,
    take: &mut dyn FnMut(Notice),
) -> Result<Followed, ViewError> {
    let value = |name: &str| -> Result<i64, ViewError> {
        let sql = "SELECT value FROM state WHERE name = ?1";
        Ok(db
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0))?)
    };
    let (now, seq) = (value("epoch")?, value("seq")?);
    let changed: Vec<i64> = if now != epoch {
        take(Notice::Anew);
        let mut select = db.prepare_cached(ALL)?;
        let ids = select.query_map([], |row| row.get(0))?;
        ids.collect::<Result<_, _>>()?
    } else if seq > since {
        let mut select = db.prepare_cached(SINCE)?;
        let ids = select.query_map([since], |row| row.get(0))?;
        ids.collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    for id in changed {
        take(notice(db, id)?);
    }
    Ok(Followed {
        epoch: now,
        seq,
        read: last_read(db)?,
    })
}

fn notice(db: &Connection, id: i64) -> Result<Notice, ViewError> {
    const SQL: &str = "SELECT capability, body FROM object WHERE id = ?1 AND open = 1 AND capability IN ('site', 'movement')";
    let row = db
        .prepare_cached(SQL)?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match row {
        Some((capability, body)) => Notice::Stands {
            id,
            capability,
            body,
        },
        None => Notice::Gone(id),
    })
}

/// Of each log the last entry of which the reader reads anything.
pub(super) fn last_read(db: &Connection) -> Result<Vec<(Origin, u64)>, ViewError> {
    const SQL: &str = "SELECT max(id) FROM statement WHERE id BETWEEN ?1 AND ?2";
    let logs = Logs::load(db)?;
    let mut select = db.prepare_cached(SQL)?;
    let mut read = Vec::new();
    for (origin, log) in logs.all() {
        let (first, last) = (log * SPAN, (log + 1) * SPAN - 1);
        let last: Option<i64> = select.query_row(params![first, last], |row| row.get(0))?;
        read.extend(last.map(|id| (origin.clone(), index(id))));
    }
    Ok(read)
}
