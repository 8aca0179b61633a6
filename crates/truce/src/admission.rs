//! Admission: whether something may be said in the own log, at the next index, from that log alone.

use crate::areas::{self, Outline};
use crate::kinds::{Name, may_say};
use crate::movements::{self, MOVES, OPEN_MOVEMENTS_MAX, Stage};
use crate::participants::{Office, Offices};
use crate::protection::readers_rule;
use crate::sites::{FIRST_NOTIFICATION, Sharing, SiteNotify, Withdraw};
use crate::standing::about_rule;
use crate::{Body, BodyError};
use record::name::{CallSign, Origin, Reference};
use record::statement::{Head, Kid};
use std::collections::{BTreeMap, BTreeSet};

/// Why something is refused: the rule, the member, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason} (rule: {rule})")]
pub struct Refusal {
    /// The rule's name.
    pub rule: &'static str,
    /// The member that breaks it.
    pub field: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (field, reason) = (error.place().to_owned(), error.rule());
        Self {
            rule: "form",
            field,
            reason,
        }
    }
}

fn refuse<T>(rule: &'static str, field: &str, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        rule,
        field: field.into(),
        reason: reason.into(),
    })
}

/// What has to be known of the own log to admit the next statement: an exact fold, entry by entry.
#[derive(Debug, Clone)]
pub struct OwnLog {
    origin: Origin,
    kinds: Vec<Option<Name>>,
    offices: Offices,
    outlines: BTreeMap<u64, Outline>,
    revised: BTreeSet<u64>,
    retracted: BTreeSet<u64>,
    /// Watches that may have the duty, the latest last. When both have signed, other logs decide whether something was left out
    /// and the earlier one still has it.
    watches: Vec<u64>,
    offered: Option<(u64, Kid)>,
    /// Of each site, by its first notification, what says with whom it is shared.
    sites: BTreeMap<u64, BTreeMap<u64, SiteWord>>,
    /// Notifications that are about an earlier one, and of what that is.
    versions: BTreeMap<u64, u64>,
    movements: BTreeMap<u64, Stage>,
    /// Movements that were notified and are not over, with those to whom any version was notified.
    open_movements: BTreeMap<u64, BTreeSet<CallSign>>,
}

/// What an owner said of with whom a site is shared.
#[derive(Debug, Clone)]
enum SiteWord {
    Version(Box<SiteNotify>),
    Stop,
    Withdraw(Withdraw),
}

/// So many watches may have the duty by the own log alone: as often a hand-over can leave something out and be signed again.
const WATCHES_MAX: usize = 8;

impl OwnLog {
    /// An empty log.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            kinds: Vec::new(),
            offices: Offices::default(),
            outlines: BTreeMap::new(),
            revised: BTreeSet::new(),
            retracted: BTreeSet::new(),
            watches: Vec::new(),
            offered: None,
            sites: BTreeMap::new(),
            versions: BTreeMap::new(),
            movements: BTreeMap::new(),
            open_movements: BTreeMap::new(),
        }
    }

    /// The index of the next entry.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.kinds.len() as u64
    }

    /// The log as far as the kinds of its entries tell: what was said with those that [`OwnLog::remembers`] is told with
    /// [`OwnLog::remember`] afterwards, in the order of their indices.
    #[must_use]
    pub fn of_kinds(origin: Origin, kinds: Vec<Option<Name>>) -> Self {
        Self {
            kinds,
            ..Self::new(origin)
        }
    }

    /// Whether more has to be known of entries of this kind than that they stand there.
    #[must_use]
    pub fn remembers(name: Name) -> bool {
        const KINDS: &[Name] = &[
            Name::OfficeGrant,
            Name::OfficeRevoke,
            Name::AreaDesignate,
            Name::Retract,
            Name::ShiftOpen,
            Name::ShiftHandOver,
            Name::ShiftAccept,
            Name::Erase,
            Name::SiteNotify,
            Name::SiteStopSharing,
            Name::SiteWithdraw,
            Name::MovementNotify,
        ];
        KINDS.contains(&name) || MOVES.contains(&name)
    }

    /// The offices that `kid` holds for the next entry.
    #[must_use]
    pub fn offices(&self, kid: Kid) -> BTreeSet<Office> {
        self.offices.at(kid, self.next())
    }

    /// Folds the next entry. `body` is `None` when its form is not known here: a statement of before this version.
    pub fn apply(&mut self, kid: Kid, head: Option<&Head>, body: Option<&Body>) {
        self.apply_held(body.and_then(Body::name), kid, head, body);
    }

    /// Folds the next entry as it is held now: it is of kind `name`, also when what it said was erased since.
    pub fn apply_held(
        &mut self,
        name: Option<Name>,
        kid: Kid,
        head: Option<&Head>,
        body: Option<&Body>,
    ) {
        let index = self.next();
        self.kinds.push(name);
        self.remember(index, kid, head, body);
    }

    /// Folds what is said at `index`, whose kind is known already. What was erased is known by its kind and its head alone, and
    /// an erasure takes away what was known by its words: so nothing depends on when the fold was made.
    pub fn remember(&mut self, index: u64, kid: Kid, head: Option<&Head>, body: Option<&Body>) {
        let own = head
            .and_then(|head| head.about.first())
            .filter(|about| about.origin == self.origin);
        let target = own.map(|about| about.index);
        match (self.kind_of(index), body) {
            (Some(Name::OfficeGrant), Some(Body::OfficeGrant(grant))) => {
                self.offices.grant(index, grant);
            }
            (Some(Name::OfficeRevoke), Some(Body::OfficeRevoke(revoke))) => {
                self.offices.revoke(index, revoke);
            }
            (Some(Name::AreaDesignate), body) => {
                self.revised.extend(target);
                if let Some(Body::AreaDesignate(area)) = body {
                    self.outlines.insert(index, Outline::of(&area.polygon));
                }
            }
            (Some(Name::Retract), _) => {
                self.retracted.extend(target);
                self.open_movements.retain(|open, _| Some(*open) != target);
            }
            (Some(Name::ShiftOpen), _) => {
                self.watches = vec![index];
                self.offered = None;
            }
            (Some(Name::ShiftHandOver), _) => self.offered = Some((index, kid)),
            (Some(Name::ShiftAccept), _) => {
                self.watches.push(index);
                let over = self.watches.len().saturating_sub(WATCHES_MAX);
                self.watches.drain(..over);
                self.offered = None;
            }
            (Some(Name::Erase), Some(Body::Erase(erase))) => {
                let words = erase.groups.iter().any(|group| group.as_str() == "body");
                if let Some(target) = target.filter(|_| words) {
                    self.outlines.remove(&target);
                    for words in self.sites.values_mut() {
                        words.remove(&target);
                    }
                }
            }
            (Some(Name::SiteNotify | Name::SiteStopSharing | Name::SiteWithdraw), body) => {
                self.remember_site(index, target, body);
            }
            (Some(Name::MovementNotify), body) => {
                self.movements.insert(index, Stage::Notified);
                self.open_movements.insert(index, told(body));
            }
            (Some(name), body) => {
                let Some(first) = target else { return };
                let Some(stage) = self.movements.get_mut(&first) else {
                    return;
                };
                *stage = stage.after(name).unwrap_or(*stage);
                if stage.is_over() {
                    self.open_movements.remove(&first);
                } else if let Some(all) = self.open_movements.get_mut(&first) {
                    all.extend(told(body));
                }
            }
            _ => {}
        }
    }

    fn remember_site(&mut self, index: u64, target: Option<u64>, body: Option<&Body>) {
        let word = match body {
            Some(Body::SiteNotify(version)) => Some(SiteWord::Version(version.clone())),
            Some(Body::SiteStopSharing(_)) => Some(SiteWord::Stop),
            Some(Body::SiteWithdraw(withdraw)) => Some(SiteWord::Withdraw(withdraw.clone())),
            _ => None,
        };
        if let (Some(Name::SiteNotify), Some(first)) = (self.kind_of(index), target) {
            self.versions.insert(index, first);
        }
        let words = self.sites.entry(target.unwrap_or(index)).or_default();
        words.extend(word.map(|word| (index, word)));
    }

    /// Somebody who had an earlier version of the movement that was first notified at `first`, and to whom this one does not go.
    fn left_out(&self, first: u64, version: &movements::Notice) -> Option<&CallSign> {
        let mut had = self.open_movements.get(&first)?.iter();
        had.find(|had| !version.to.contains(had))
    }

    /// With whom the site that was first notified at `first` may be shared.
    fn sharing(&self, first: u64) -> Sharing {
        let mut sharing = Sharing::default();
        for word in self
            .sites
            .get(&first)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            match word {
                SiteWord::Version(version) => sharing.version(version),
                SiteWord::Stop => sharing.stop(),
                SiteWord::Withdraw(withdraw) => sharing.withdraw(withdraw),
            }
        }
        sharing
    }

    /// Whether `kid` may say `body` at the next index.
    ///
    /// # Errors
    /// [`Refusal`] with the rule, the member and what to do.
    pub fn admit(&self, kid: Kid, head: Option<&Head>, body: &Body) -> Result<(), Refusal> {
        admit(body, kid, head, self)
    }

    fn kind_at(&self, reference: &Reference) -> Option<Name> {
        self.kind_of(reference.index)
    }

    fn kind_of(&self, index: u64) -> Option<Name> {
        self.kinds
            .get(usize::try_from(index).ok()?)
            .copied()
            .flatten()
    }
}

/// Whether `kid` may say `body` in `own` at the next index. Reads nothing but the own log.
///
/// # Errors
/// [`Refusal`] with the rule, the member and what to do.
pub fn admit(body: &Body, kid: Kid, head: Option<&Head>, own: &OwnLog) -> Result<(), Refusal> {
    let Some(name) = body.name() else {
        return refuse(
            "known_kind",
            "kind",
            "is not known here, or reserved for later; it would be kept and have no effect",
        );
    };
    let Some(head) = head else { return Ok(()) }; // a control statement: the record judges its key
    let offices = own.offices.at(kid, own.next());
    if !body.is_flash() && !offices.iter().any(|office| may_say(*office, name)) {
        let allowed: Vec<&str> = name
            .offices()
            .iter()
            .map(|office| office.as_str())
            .collect();
        return refuse(
            "office",
            "kid",
            format!(
                "{} is said by {}; this key holds none of them",
                name.as_str(),
                allowed.join(", ")
            ),
        );
    }
    about_rule(&own.origin, body, head, name).or_else(|reason| refuse("about", "about", reason))?;
    readers_rule(body, head).or_else(|(group, reason)| refuse("readers", group, reason))?;
    own_targets(head, name, own)?;
    own_notices(body, head, name, own)?;
    own_state(body, kid, head, own)
}

/// To whom a version of a movement is notified.
fn told(body: Option<&Body>) -> BTreeSet<CallSign> {
    match body {
        Some(Body::MovementNotify(notice) | Body::MovementRevise(notice)) => {
            notice.body.to.iter().cloned().collect()
        }
        _ => BTreeSet::new(),
    }
}

/// What was said of the same site or movement before.
fn own_notices(body: &Body, head: &Head, name: Name, own: &OwnLog) -> Result<(), Refusal> {
    let Some(first) = head
        .about
        .first()
        .filter(|about| about.origin == own.origin)
    else {
        return Ok(());
    };
    match body {
        Body::SiteNotify(_)
        | Body::SiteReview(_)
        | Body::SiteStopSharing(_)
        | Body::SiteWithdraw(_)
            if let Some(earlier) = own.versions.get(&first.index) =>
        {
            refuse(
                "first_notification",
                "about",
                format!("{FIRST_NOTIFICATION}, entry {earlier}"),
            )
        }
        Body::SiteNotify(version) => own
            .sharing(first.index)
            .may_name(&version.body)
            .or_else(|reason| refuse("consent", "body.consents", reason)),
        Body::MovementRevise(version)
            if let Some(left_out) = own.left_out(first.index, &version.body) =>
        {
            refuse(
                "recipients",
                "body.to",
                format!(
                    "leaves out {left_out}, who had an earlier version and would go on by it; name it, also when the way leads elsewhere now"
                ),
            )
        }
        _ => match own.movements.get(&first.index) {
            Some(stage) if MOVES.contains(&name) && stage.after(name).is_none() => refuse(
                "sequence",
                "about",
                format!(
                    "entry {} cannot be followed by {} now; what can be said is {}",
                    first.index,
                    name.as_str(),
                    stage.next().join(", ")
                ),
            ),
            _ => Ok(()),
        },
    }
}

/// What it names of the own log stands there, and is of a kind that fits.
fn own_targets(head: &Head, name: Name, own: &OwnLog) -> Result<(), Refusal> {
    for (reference, kinds) in head.about.iter().zip(name.about().kinds()) {
        if reference.origin != own.origin {
            continue;
        }
        if reference.index >= own.next() {
            return refuse(
                "target",
                "about",
                format!("entry {} does not stand in this log yet", reference.index),
            );
        }
        let fits = kinds.is_none_or(|kinds| {
            own.kind_at(reference)
                .is_some_and(|kind| kinds.contains(&kind))
        });
        if !fits {
            let kind = own
                .kind_at(reference)
                .map_or("something else", Name::as_str);
            return refuse(
                "target",
                "about",
                format!(
                    "entry {} is {kind}; {} is not for that",
                    reference.index,
                    name.as_str()
                ),
            );
        }
        // What was taken back has to be destroyed all the same when it names somebody.
        if own.retracted.contains(&reference.index) && name != Name::Erase {
            return refuse(
                "target",
                "about",
                format!("entry {} was retracted; say it anew", reference.index),
            );
        }
    }
    Ok(())
}

/// What is allowed depends on what was said before.
fn own_state(body: &Body, kid: Kid, head: &Head, own: &OwnLog) -> Result<(), Refusal> {
    let object = head.about.first().map(|about| about.index);
    match body {
        Body::MovementNotify(_) if own.open_movements.len() >= OPEN_MOVEMENTS_MAX => refuse(
            "open_movements",
            "kind",
            format!(
                "cannot be said while {OPEN_MOVEMENTS_MAX} movements of your side are open; close those that arrived and abort those that do not leave, entry {} first",
                own.open_movements.keys().next().unwrap_or(&0)
            ),
        ),
        Body::AreaDesignate(area) => {
            if let Some(earlier) = object.filter(|earlier| own.revised.contains(earlier)) {
                let reason = format!("entry {earlier} {}", areas::REVISED);
                return refuse("revision", "about", reason);
            }
            let outline = Outline::of(&area.polygon);
            let mut earlier = own.outlines.iter();
            match earlier.find(|(_, earlier)| !outline.may_stand_beside(earlier)) {
                Some((entry, _)) => refuse(
                    "revision",
                    "body.polygon",
                    format!("{} (entry {entry})", areas::TOO_CLOSE),
                ),
                None => Ok(()),
            }
        }
        Body::ShiftOpen(open) if open.takeover_reason.is_none() => match own.watches.last() {
            Some(watch) => refuse(
                "one_watch",
                "body.takeover_reason",
                format!(
                    "entry {watch} has the watch; have it handed over, or say why it is taken over"
                ),
            ),
            None => Ok(()),
        },
        Body::ShiftHandOver(_) | Body::ShiftUnrelieved(_)
            if !object.is_some_and(|object| own.watches.contains(&object)) =>
        {
            refuse("one_watch", "about", "is not the watch that has the duty")
        }
        Body::ShiftAccept(_) => match own.offered {
            Some((offered, by)) if Some(offered) == object && by != kid => Ok(()),
            Some((offered, _)) if Some(offered) == object => refuse(
                "both_sign",
                "kid",
                "whoever takes over signs with another key than whoever hands over",
            ),
            _ => refuse("one_watch", "about", "is not the hand-over that is offered"),
        },
        _ => Ok(()),
    }
}
