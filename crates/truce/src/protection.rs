//! What sites and movements have in common: the sentences that stand with every notice, the clocks of the agreement, who may read
//! exact places, and since when a version of a notice is owed something.

use crate::Body;
use crate::agreement::Agreement;
use crate::contact::Step;
use crate::values::{Int, Seconds};
use crate::wire::{body, words};
use record::audience::Name;
use record::name::{CallSign, Reference};
use record::statement::Head;
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Stands with every notice, answer to a notice, return and withdrawal.
pub const UNCHANGED: &str = "Protection is unchanged. Protected persons and places stay protected under international humanitarian \
     law, whether or not anybody has notified, acknowledged, validated or renewed anything. A notice informs; it asks nobody's permission.";
/// Is told to whoever consents, and stands with every consent and withdrawal.
pub const CANNOT_BE_RECALLED: &str = "A copy that was delivered cannot be watched or recalled. Whoever had it may keep it, pass it on \
     or lose it; a withdrawal asks recipients to delete it and cannot make them.";

/// Both in one text, for forms, statements and copies.
pub static LEGAL: LazyLock<String> = LazyLock::new(|| format!("{UNCHANGED} {CANNOT_BE_RECALLED}"));

words! {
    /// What a notice does to protection.
    Protection {
        /// Nothing: it is unchanged, with or without notice.
        Unchanged = "unchanged",
    }
}

words! {
    /// What was told to whoever consented.
    Told {
        /// A copy that was delivered cannot be watched or recalled.
        CannotBeRecalled = "delivered_copy_cannot_be_watched_or_recalled",
    }
}

body! {
    /// What participants owe each other about sites and movements, and what is near. What is left out has the default.
    ProtectionClocks {
        /// A movement is notified so long before it departs; left out, 48 hours. Later notice is flagged, never refused.
        movement_notice_s: Option<Seconds>,
        /// The same in an emergency; left out, 24 hours.
        emergency_notice_s: Option<Seconds>,
        /// The cell validates or returns a site so long after it got it; left out, 72 hours.
        validate_within_s: Option<Seconds>,
        /// A notice is acknowledged, read back and passed down so long after delivery; left out, 24 hours.
        acknowledge_within_s: Option<Seconds>,
        /// The same in an emergency; left out, 2 hours.
        emergency_acknowledge_within_s: Option<Seconds>,
        /// A recipient says that it deleted a withdrawn site so long after it got the withdrawal; left out, 72 hours.
        delete_within_s: Option<Seconds>,
        /// Owners are warned so long after an exposure was declared; left out, 1 hour.
        warn_owners_within_s: Option<Seconds>,
        /// Whoever lets a movement go is warned so long before it leaves while somebody misses something of its notice; left out, 2 hours.
        gap_warning_s: Option<Seconds>,
        /// Uncertainty begins so long after a missed check-in; left out, 15 minutes.
        uncertainty_after_s: Option<Seconds>,
        /// Alert begins so long after a missed check-in; left out, 30 minutes.
        alert_after_s: Option<Seconds>,
        /// Distress begins so long after a missed check-in; left out, 1 hour.
        distress_after_s: Option<Seconds>,
        /// What happens within so many metres of a notified place happens near it; left out, 1 km.
        near_m: Option<Int<0, 10_000>>,
    }
}

/// The clocks that count at a time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Notice of a movement.
    pub movement_notice_ms: i64,
    /// Notice of a movement in an emergency.
    pub emergency_notice_ms: i64,
    /// Validation.
    pub validate_within_ms: i64,
    /// Acknowledgement, read-back, passing down.
    pub acknowledge_within_ms: i64,
    /// The same in an emergency.
    pub emergency_acknowledge_within_ms: i64,
    /// Deletion.
    pub delete_within_ms: i64,
    /// Warning of owners.
    pub warn_owners_within_ms: i64,
    /// From the warning of gaps to departure.
    pub gap_warning_ms: i64,
    /// From a missed check-in to uncertainty.
    pub uncertainty_after_ms: i64,
    /// From a missed check-in to alert; never before uncertainty.
    pub alert_after_ms: i64,
    /// From a missed check-in to distress; never before alert.
    pub distress_after_ms: i64,
}

const HOUR_S: i64 = 3600;

impl Clocks {
    /// The clocks at `at`: of each what the newest instrument in force names that names it, or else the default.
    #[must_use]
    pub fn at(agreement: &Agreement, at: UtcMs) -> Self {
        type Named = fn(&ProtectionClocks) -> Option<Seconds>;
        let ms = |named: Named, default_s: i64| {
            let found = agreement.newest(at, |i| i.table.protection.as_ref().and_then(named));
            found.map_or(default_s, Seconds::get) * 1000
        };
        let uncertainty_after_ms = ms(|c| c.uncertainty_after_s, 15 * 60);
        let alert_after_ms = ms(|c| c.alert_after_s, 30 * 60).max(uncertainty_after_ms);
        let distress_after_ms = ms(|c| c.distress_after_s, HOUR_S).max(alert_after_ms);
        Self {
            movement_notice_ms: ms(|c| c.movement_notice_s, 48 * HOUR_S),
            emergency_notice_ms: ms(|c| c.emergency_notice_s, 24 * HOUR_S),
            validate_within_ms: ms(|c| c.validate_within_s, 72 * HOUR_S),
            acknowledge_within_ms: ms(|c| c.acknowledge_within_s, 24 * HOUR_S),
            emergency_acknowledge_within_ms: ms(|c| c.emergency_acknowledge_within_s, 2 * HOUR_S),
            delete_within_ms: ms(|c| c.delete_within_s, 72 * HOUR_S),
            warn_owners_within_ms: ms(|c| c.warn_owners_within_s, HOUR_S),
            gap_warning_ms: ms(|c| c.gap_warning_s, 2 * HOUR_S),
            uncertainty_after_ms,
            alert_after_ms,
            distress_after_ms,
        }
    }
}

/// Whether the readers of exact places are those whom the statement itself names and nobody else: an exact place is never for the
/// public, nor for whoever happens to be a party. Read from the statement alone, so that admission and standing agree.
///
/// # Errors
/// A sentence that says what is wrong, with the group.
pub(crate) fn readers_rule(body: &Body, head: &Head) -> Result<(), (&'static str, String)> {
    let (group, allowed): (_, Option<BTreeSet<&CallSign>>) = match body {
        Body::SiteNotify(site) => ("exact", Some(site.body.readers().collect())),
        Body::MovementNotify(notice) | Body::MovementRevise(notice) => {
            ("exact", Some(notice.body.readers().collect()))
        }
        Body::MovementCheckIn(_) => ("exact", None),
        Body::SiteContest(_) => ("body", None),
        _ => return Ok(()),
    };
    let readers = head.groups.get(group).map(|group| &group.audience);
    for reader in readers.into_iter().flat_map(|readers| readers.names()) {
        let refused = match reader {
            Name::Own => continue,
            Name::Public | Name::Parties => "is for participants by name, and for no others".into(),
            Name::Participant(sign) if allowed.as_ref().is_some_and(|all| !all.contains(sign)) => {
                format!("is for those whom the notice names; {sign} is not among them")
            }
            Name::Participant(_) => continue,
        };
        return Err((group, refused));
    }
    Ok(())
}

/// The participants whom a group names as its readers.
#[must_use]
pub(crate) fn named_readers(head: &Head, group: &str) -> BTreeSet<CallSign> {
    let readers = head.groups.get(group).map(|group| &group.audience);
    let names = readers.into_iter().flat_map(|readers| readers.names());
    let signs = names.filter_map(|name| match name {
        Name::Participant(sign) => Some(sign.clone()),
        _ => None,
    });
    signs.collect()
}

/// One version of a notice, as a clock sees it.
pub(crate) struct Owing<'v> {
    /// Where it stands.
    pub reference: &'v Reference,
    /// When it was said.
    pub at: UtcMs,
    /// When what is owed was done for it.
    pub done_at: Option<UtcMs>,
}

/// From one version to another for which the same thing was owed all the time.
pub(crate) struct Stretch<'v> {
    /// Its versions, the first one first.
    pub versions: Vec<&'v Reference>,
    /// When the first was said.
    pub since: UtcMs,
    /// When it was done for the last; what is done for an earlier one after the next was said comes too late.
    pub settled_at: Option<UtcMs>,
}

/// Cuts versions into stretches. A version that comes while an earlier one is not done starts no clock anew: the clock runs on.
pub(crate) fn stretches<'v>(versions: impl IntoIterator<Item = Owing<'v>>) -> Vec<Stretch<'v>> {
    let versions: Vec<Owing<'_>> = versions.into_iter().collect();
    let mut all: Vec<Stretch<'_>> = Vec::new();
    let mut open: Option<Stretch<'_>> = None;
    for (i, version) in versions.iter().enumerate() {
        let stretch = open.get_or_insert_with(|| Stretch {
            versions: Vec::new(),
            since: version.at,
            settled_at: None,
        });
        stretch.versions.push(version.reference);
        let next_at = versions.get(i + 1).map(|next| next.at);
        let in_time = |at: &UtcMs| next_at.is_none_or(|next| *at < next);
        if let Some(at) = version.done_at.filter(in_time) {
            stretch.settled_at = Some(at);
            all.extend(open.take());
        }
    }
    all.extend(open);
    all
}

/// Of each recipient the steps that are missing, of those who miss any: who has to be asked before somebody relies on the notice.
pub type Gaps = BTreeMap<CallSign, Vec<Step>>;
