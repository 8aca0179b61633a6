//! Exact places of sites and movements on their way out. Every handler whose answer may tell one counts it here, before the answer
//! goes: rows of sites and movements, statements with their groups, what a check or a notice meets, scripts and what was read back.

use super::api::Asker;
use crate::reads::{Probe, Reader};
use crate::views::{StatementRow, ViewError};
use record::name::Reference;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Of a row of a site or movement what tells whether its exact place stands in it.
#[derive(Deserialize)]
struct Row<'r> {
    #[serde(borrow)]
    reference: Cow<'r, str>,
    versions: Vec<Version>,
    #[serde(default)]
    live: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    exact: Option<IgnoredAny>,
}

/// The notices of which an exact place stands in these rows, as the views give them.
#[must_use]
pub fn in_rows<'r>(
    capability: &str,
    rows: impl IntoIterator<Item = &'r String>,
) -> BTreeSet<String> {
    if !matches!(capability, "site" | "movement") {
        return BTreeSet::new();
    }
    let placed = rows.into_iter().filter_map(|row| {
        let row: Row<'_> = serde_json::from_str(row).ok()?;
        let exact = row.versions.iter().any(|version| version.exact.is_some());
        (exact || row.live.is_some()).then(|| row.reference.into_owned())
    });
    placed.collect()
}

/// The notices of which an exact place stands in these statements: in the notice itself, in a live place, or as somebody repeated it.
///
/// # Errors
/// [`ViewError`].
pub fn in_statements<'r>(
    asker: &Asker,
    rows: impl IntoIterator<Item = &'r StatementRow>,
) -> Result<BTreeSet<String>, ViewError> {
    let mut notices = BTreeSet::new();
    for row in rows {
        let (kind, _) = row.kind.split_once('/').unwrap_or((&row.kind, ""));
        let opened = |name: &str| {
            let group = row.groups.iter().find(|group| group.name == name)?;
            group.content.as_ref()
        };
        match kind {
            "site.notify" | "movement.notify" | "movement.revise" | "movement.check_in" => {
                let first = row.about.first().unwrap_or(&row.reference);
                notices.extend(opened("exact").map(|_| first.clone()));
            }
            "read_back" | "correct" if row.tells_a_place() => {
                let about: Option<Reference> = row.about.first().and_then(|of| of.parse().ok());
                if let Some(about) = about {
                    notices.extend(asker.views.notice_of(&about)?);
                }
            }
            _ => {}
        }
    }
    Ok(notices)
}

impl Asker {
    fn reader(&self) -> Option<Reader> {
        let participant = self.caller.participant.clone()?;
        let own = self.node.own_of(&participant).ok();
        Some(Reader {
            account: self.caller.account?,
            own: own.map(|own| own.origin().clone()),
            participant,
        })
    }

    /// Counts an answer that tells whoever asks the exact places of these notices. An answer that cannot be counted goes out all the
    /// same, and the node says that it is not well: whoever has to keep away from a place must be able to read where it is.
    pub fn count(&self, notices: &BTreeSet<String>) {
        // The public reads no exact place, and has no account.
        let Some(reader) = self.reader() else { return };
        if let Err(error) = self.reads.count(&reader, notices, self.asked_at) {
            tracing::error!(%error, "a read of exact places could not be counted");
        }
    }

    /// Remembers which ground was checked.
    pub fn checked(&self, probe: Probe) {
        let Some(reader) = self.reader() else { return };
        if let Err(error) = self.reads.checked(&reader, probe, self.asked_at) {
            tracing::error!(%error, "an alert about checks could not be kept");
        }
    }
}
