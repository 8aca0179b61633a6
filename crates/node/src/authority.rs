//! Who may read what. There is one function that decides, [`may_read`], and one place that asks it: where statements are cut for
//! somebody's views. Everything that leaves the node, by whatever way, is read from the views of whoever asks; what was cut
//! away before they were computed cannot leak out of them, not even as a total, an order or a delay.

use record::audience::{Audience, Reader};
use record::encoding::Hash;
use record::name::{CallSign, Origin};
use record::statement::{Group, Statement};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use truce::agreement::Agreement;
use truce::standing::Directory;

/// With whose eyes something is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Eyes {
    /// All that the node holds: for its own work, and for its participant's people where it serves one participant alone.
    Node,
    /// One participant, by its log.
    Participant(Origin),
    /// Anybody.
    Public,
}

/// Which log goes by which call sign, and whose participants are parties: those whose acceptance an instrument that was adopted
/// asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Call signs, by log.
    pub call_signs: BTreeMap<Origin, CallSign>,
    /// Parties, by log.
    pub parties: BTreeSet<Origin>,
}

impl Membership {
    /// By who is who, and what is agreed.
    #[must_use]
    pub fn of(directory: &Directory, agreement: &Agreement) -> Self {
        let call_signs = directory
            .call_signs()
            .filter_map(|sign| Some((directory.origin(sign)?.clone(), sign.clone())));
        let adopted = agreement
            .instruments
            .values()
            .filter(|i| i.adopted_at().is_some());
        let parties = adopted.flat_map(|i| {
            let asked =
                |sign: &CallSign| i.table.needed.contains(sign) || i.table.invited.contains(sign);
            let members = i.table.participants.iter();
            members
                .filter(move |member| asked(&member.call_sign))
                .map(|member| member.origin.clone())
        });
        Self {
            call_signs: call_signs.collect(),
            parties: parties.collect(),
        }
    }

    /// A number that is another when what `eyes` may read is decided by other facts.
    #[must_use]
    pub fn mark(&self, eyes: &Eyes) -> i64 {
        let Eyes::Participant(origin) = eyes else {
            return 0;
        };
        let sign = self.call_signs.get(origin).map_or("", |sign| sign.as_str());
        let party = if self.parties.contains(origin) {
            "party"
        } else {
            ""
        };
        let hash = Hash::of(&[sign.as_bytes(), b"\n", party.as_bytes()]);
        let mut half = [0; 8];
        half.copy_from_slice(&hash.0[..8]);
        i64::from_be_bytes(half) | 1 // 0 stands for what depends on nothing
    }
}

/// Whether `eyes` may read what the log `author` addressed to `audience`.
#[must_use]
pub fn may_read(eyes: &Eyes, author: &Origin, audience: &Audience, members: &Membership) -> bool {
    let reader = match eyes {
        Eyes::Node => return true,
        Eyes::Public => Reader::public(),
        Eyes::Participant(origin) => Reader {
            call_sign: members.call_signs.get(origin).cloned(),
            party: members.parties.contains(origin),
            own: origin == author,
        },
    };
    audience.admits(&reader)
}

/// `statement` with as much of it as `eyes` may read.
#[must_use]
pub fn cut<'s>(eyes: &Eyes, statement: &'s Statement, members: &Membership) -> Cow<'s, Statement> {
    let author = &statement.leaf().log.origin;
    let reads = |group: &Group| may_read(eyes, author, &group.audience, members);
    let groups = statement.head().map(|head| &head.groups);
    let all = groups.is_some_and(|groups| !groups.is_empty() && groups.values().all(reads));
    if all {
        Cow::Borrowed(statement)
    } else {
        Cow::Owned(statement.reduced(|_, group| reads(group)))
    }
}
