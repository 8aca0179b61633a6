//! An exposure: notified places have become known to others than those who were to know them.

use crate::Body;
use crate::agreement::Agreement;
use crate::contact::{Arrivals, Heard, Reception};
use crate::protection::{Clocks, Protection};
use crate::standing::{Directory, Effective};
use crate::values::{Label, List, Time, Words};
use crate::wire::{body, words};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;

words! {
    /// How it became known that it became known.
    Discovery {
        /// It was published.
        Published = "published",
        /// Somebody who should not have it shows that he does.
        Shown = "shown",
        /// A device or document was lost or taken.
        Lost = "lost",
        /// Reads that nobody can explain.
        UnexplainedReads = "unexplained_reads",
        /// A participant says so.
        Told = "told",
    }
}

body! {
    /// `exposure.declare/1`: the sites that it is about became known to others. It freezes their release, warns their owners, and
    /// opens every consent anew. It says what is known and what is not. Sixteen sites at most; a longer list is several
    /// declarations, and each owner reads only what is meant for him when there is one for each.
    ///
    /// ```json
    /// {"discovery": "published", "since": "2016-06-20T00:00:00Z", "known_readers": ["a newspaper"],
    ///  "unknown": "Who took it, and who had it before it was printed", "protection": "unchanged"}
    /// ```
    Declare {
        /// How that is known.
        discovery: Discovery,
        /// Since when they have it, at the earliest that is possible.
        since: Time,
        /// Who is known to have it, in words.
        known_readers: List<Label, 0, 64>,
        /// What is not known.
        unknown: Words,
        /// It is unchanged.
        protection: Protection,
    }
}

/// An exposure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Where it stands.
    pub reference: Reference,
    /// Who declares it.
    pub by: CallSign,
    /// When.
    pub at: UtcMs,
    /// What it says now.
    pub declare: Declare,
    /// The sites, by the statements that it names.
    pub sites: Vec<Reference>,
    /// Their owners, with what became of the warning at each.
    pub owners: BTreeMap<CallSign, Reception>,
    /// Until when they are to be warned.
    pub warn_until: UtcMs,
}

impl Exposure {
    /// The owners who had not read the warning at `at`.
    #[must_use]
    pub fn not_warned(&self, at: UtcMs) -> Vec<&CallSign> {
        let unread = |reception: &Reception| {
            let read = reception.acknowledged.as_ref();
            read.is_none_or(|(_, read_at)| *read_at > at)
        };
        let owners = self.owners.iter();
        owners
            .filter(|(_, reception)| unread(reception))
            .map(|(owner, _)| owner)
            .collect()
    }
}

/// Folds exposures.
#[must_use]
pub fn fold(
    said: &[Effective<'_>],
    arrivals: &Arrivals<'_>,
    agreement: &Agreement,
    directory: &Directory,
) -> BTreeMap<Reference, Exposure> {
    let declared = said.iter().filter_map(|entry| match &*entry.body {
        Body::ExposureDeclare(declare) => Some((entry, declare)),
        _ => None,
    });
    let exposures = declared.map(|(entry, declare)| {
        let reference = &entry.reference;
        let about = said
            .iter()
            .filter(|other| other.object() == Some(reference))
            .collect::<Vec<_>>();
        let neutrals = agreement.neutrals(entry.at());
        let owners = entry.head.about.iter().filter_map(|site| {
            let owner = directory.call_sign(&site.origin)?;
            let heard = Heard {
                origin: Some(&site.origin),
                about: &about,
            };
            let reception = Reception::of(
                heard,
                &[reference],
                entry.at(),
                arrivals,
                &neutrals,
                &|_| None,
            );
            (owner != entry.by).then_some((owner, reception))
        });
        let within_ms = Clocks::at(agreement, entry.at()).warn_owners_within_ms;
        let exposure = Exposure {
            reference: reference.clone(),
            by: entry.by.clone(),
            at: entry.at(),
            declare: declare.clone(),
            sites: entry.head.about.clone(),
            owners: owners.collect(),
            warn_until: UtcMs(entry.at().0 + within_ms),
        };
        (reference.clone(), exposure)
    });
    exposures.collect()
}
