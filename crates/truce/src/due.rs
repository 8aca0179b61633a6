//! What is open, due, overdue or unreachable, by whom: a function of the state and the time, alike in every direction.

use crate::Truce;
use crate::agreement::{Agreement, Instrument, Precedence};
use crate::areas::{self, Area, Separation};
use crate::contact::{Delivery, LineState, Matter, PartState, Reception, Shifts};
use crate::movements::Movement;
use crate::protection::{Clocks, Owing, stretches};
use crate::sites::{self, Exposure, Site};
use crate::standing::Directory;
use crate::values::Slug;
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is owed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A FLASH that its caller's side has not closed.
    Flash,
    /// An answer to a message, or to one part of it.
    Answer(Option<Slug>),
    /// A yes or no to an instrument.
    Acceptance,
    /// Agreement or dispute of an area.
    AreaResponse,
    /// An answer to a separation request.
    SeparationAnswer,
    /// One end's word on a line test.
    LineTest,
    /// Relief of the watch.
    Relief,
    /// The cell's word on a site: validated, or returned with reasons.
    Validation,
    /// A person's word that a notice was read.
    Acknowledgement,
    /// The place or route of a notice, repeated.
    ReadBack,
    /// That those below have a notice.
    PassDown,
    /// The owner's look at a site that was notified long ago. It drops nothing from avoidance.
    Review,
    /// A recipient's word that it deleted a withdrawn site.
    Deletion,
    /// The cell's word on what a recipient contests.
    Contest,
    /// A warning of an exposure that its owner has read.
    OwnerWarning,
    /// The owner's decision about consents that an exposure opened anew.
    Consent,
    /// That nothing is missing at those to whom a movement is notified, before it leaves.
    Gaps,
    /// A check-in of a movement, at a check-point or by itself.
    CheckIn(Option<Slug>),
    /// The same, when it is missed: whether all is well.
    Uncertainty(Option<Slug>),
    /// The same, when that stays unknown: where they are.
    Alert(Option<Slug>),
    /// The same, when nobody has found them.
    Distress(Option<Slug>),
    /// That all who arrived are accounted for.
    Closing,
}

impl What {
    /// Its word, as lists and filters spell it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Flash => "flash",
            Self::Answer(_) => "answer",
            Self::Acceptance => "acceptance",
            Self::AreaResponse => "area_response",
            Self::SeparationAnswer => "separation_answer",
            Self::LineTest => "line_test",
            Self::Relief => "relief",
            Self::Validation => "validation",
            Self::Acknowledgement => "acknowledgement",
            Self::ReadBack => "read_back",
            Self::PassDown => "pass_down",
            Self::Review => "review",
            Self::Deletion => "deletion",
            Self::Contest => "contest",
            Self::OwnerWarning => "owner_warning",
            Self::Consent => "consent",
            Self::Gaps => "gaps",
            Self::CheckIn(_) => "check_in",
            Self::Uncertainty(_) => "uncertainty",
            Self::Alert(_) => "alert",
            Self::Distress(_) => "distress",
            Self::Closing => "closing",
        }
    }

    /// Which part of a message, or which check-point.
    #[must_use]
    pub fn part(&self) -> Option<&Slug> {
        match self {
            Self::Answer(part)
            | Self::CheckIn(part)
            | Self::Uncertainty(part)
            | Self::Alert(part)
            | Self::Distress(part) => part.as_ref(),
            _ => None,
        }
    }

    /// By its word and part, as it stands in lists.
    #[must_use]
    pub fn spelled(word: &str, part: Option<Slug>) -> Option<Self> {
        let all = [
            Self::Flash,
            Self::Answer(part.clone()),
            Self::Acceptance,
            Self::AreaResponse,
            Self::SeparationAnswer,
            Self::LineTest,
            Self::Relief,
            Self::Validation,
            Self::Acknowledgement,
            Self::ReadBack,
            Self::PassDown,
            Self::Review,
            Self::Deletion,
            Self::Contest,
            Self::OwnerWarning,
            Self::Consent,
            Self::Gaps,
            Self::CheckIn(part.clone()),
            Self::Uncertainty(part.clone()),
            Self::Alert(part.clone()),
            Self::Distress(part),
            Self::Closing,
        ];
        all.into_iter().find(|what| what.word() == word)
    }
}

/// How urgent it has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Its time is over.
    Overdue,
    /// It is open; its time, if it has one, is not over.
    Open,
    /// It has not reached whoever would owe it: no clock runs.
    Unreachable,
}

/// One open item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// How urgent it has become.
    pub urgency: Urgency,
    /// When it is due.
    pub due_at: Option<UtcMs>,
    /// When it was first said, or since when it has been owed.
    pub since: UtcMs,
    /// What is owed.
    pub what: What,
    /// Who owes it.
    pub by: CallSign,
    /// Who waits for it; for a watch, its own participant.
    pub to: CallSign,
    /// What it is about.
    pub about: Reference,
    /// How sure it is that it got there: `false` when a neutral's sight of a head stands in for a receipt.
    pub received: bool,
    /// The last holding reply. It stops no clock.
    pub holding: Option<(Reference, Option<UtcMs>)>,
}

impl Item {
    /// Its age at `now`, in milliseconds.
    #[must_use]
    pub fn age_ms(&self, now: UtcMs) -> i64 {
        (now.0 - self.since.0).max(0)
    }

    /// By how much it is overdue at `now`, in milliseconds.
    #[must_use]
    pub fn overdue_ms(&self, now: UtcMs) -> i64 {
        self.due_at
            .filter(|_| self.urgency == Urgency::Overdue)
            .map_or(0, |due| now.0 - due.0)
    }
}

/// One debt, before it is judged by the time: from when to when it stood. It knows no time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// What is owed.
    pub what: What,
    /// Who owes it.
    pub by: CallSign,
    /// Who waits for it.
    pub to: CallSign,
    /// What it is about.
    pub about: Reference,
    /// The first statement that asks this party.
    pub asked_in: Reference,
    /// When it was first said.
    pub said_at: UtcMs,
    /// Whether and how it got there.
    pub delivery: Delivery,
    /// When it is due, once its clock has started.
    pub due_at: Option<UtcMs>,
    /// When it was settled.
    pub settled_at: Option<UtcMs>,
    /// The last holding reply. It stops no clock.
    pub holding: Option<(Reference, Option<UtcMs>)>,
}

impl Owed {
    /// The open item at `now`; `None` while nobody had said it, and once it is settled.
    #[must_use]
    pub fn at(&self, now: UtcMs) -> Option<Item> {
        if self.said_at > now || self.settled_at.is_some_and(|at| at <= now) {
            return None;
        }
        let delivered = self.delivery.started_at().filter(|at| *at <= now);
        let due_at = delivered.and(self.due_at);
        let urgency = match (delivered, due_at) {
            (None, _) => Urgency::Unreachable,
            (Some(_), Some(due)) if now >= due => Urgency::Overdue,
            _ => Urgency::Open,
        };
        Some(Item {
            urgency,
            due_at,
            since: self.said_at,
            what: self.what.clone(),
            by: self.by.clone(),
            to: self.to.clone(),
            about: self.about.clone(),
            received: delivered.is_some() && matches!(self.delivery, Delivery::Received(_)),
            holding: self.holding.clone(),
        })
    }
}

/// Everything that is open at `now`, the most urgent and oldest first. Whoever asks gets the same list, and nobody's debts are
/// left out of it.
#[must_use]
pub fn due(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items: Vec<Item> = truce.owed.iter().filter_map(|owed| owed.at(now)).collect();
    items.extend(line_tests(&truce.lines, &truce.agreement, now));
    items.extend(reliefs(&truce.shifts, &truce.directory, now));
    items.sort();
    items
}

/// When what is asked reached whom: of the statements that carry it (the first one first), the time it was first said, and a
/// party.
pub(crate) type Delivered<'d> = dyn Fn(&[&Reference], UtcMs, &CallSign) -> Delivery + 'd;

/// The same of something that was first said at one time and is governed by what was agreed at another: when its object was
/// first said.
pub(crate) type DeliveredAsOf<'d> = dyn Fn(&[&Reference], UtcMs, UtcMs, &CallSign) -> Delivery + 'd;

/// Open FLASH and answers to messages.
pub(crate) fn of_matter(matter: &Matter) -> Vec<Owed> {
    let mut all = Vec::new();
    let said_at = matter.sends[0].at;
    if matter.precedence == Precedence::Flash {
        all.push(Owed {
            what: What::Flash,
            by: matter.by.clone(),
            to: matter.by.clone(),
            about: matter.root.clone(),
            asked_in: matter.root.clone(),
            said_at,
            delivery: Delivery::Received(said_at),
            due_at: None,
            settled_at: matter.closed.as_ref().map(|(_, at, _)| *at),
            holding: None,
        });
    }
    for (recipient, state) in matter.recipients.iter().filter(|_| matter.asks()) {
        all.extend(state.parts.iter().map(|(part, word)| Owed {
            what: What::Answer(part.clone()),
            by: recipient.clone(),
            to: matter.by.clone(),
            about: matter.root.clone(),
            asked_in: state.asked_in.clone(),
            said_at,
            delivery: state.reception.delivery,
            due_at: state.due_at,
            settled_at: match word {
                PartState::Silent => None,
                PartState::Answered { at, .. } | PartState::Refused { at, .. } => Some(*at),
            },
            holding: state.reception.holding.clone(),
        }));
    }
    all
}

/// Acceptances of an instrument. Whoever is invited and not needed owes one only until it is adopted.
pub(crate) fn of_instrument(
    instrument: &Instrument,
    agreement: &Agreement,
    delivered: &Delivered<'_>,
) -> Vec<Owed> {
    let table = &instrument.table;
    // What another text that was agreed takes the place of is owed no answer any more.
    let amended = agreement
        .instruments
        .get(&instrument.reference)
        .and_then(|known| known.amended.as_ref())
        .map(|(_, at)| *at);
    let asked = table.needed.iter().chain(&table.invited);
    let owed = asked.map(|party| {
        let accepted = instrument.accepted.get(party).map(|accepted| accepted.at);
        let refused = instrument.refused.get(party).map(|(_, at)| *at);
        let adopted = instrument
            .adopted_at()
            .filter(|_| !table.needed.contains(party));
        let until = |(reference, until): &(Reference, UtcMs)| (reference.clone(), Some(*until));
        Owed {
            what: What::Acceptance,
            by: party.clone(),
            to: instrument.by.clone(),
            about: instrument.reference.clone(),
            asked_in: instrument.reference.clone(),
            said_at: instrument.tabled_at,
            delivery: delivered(&[&instrument.reference], instrument.tabled_at, party),
            due_at: Some(table.accept_by.utc()),
            settled_at: [accepted, refused, adopted, amended]
                .into_iter()
                .flatten()
                .min(),
            holding: instrument.holds.get(party).map(until),
        }
    });
    owed.collect()
}

/// Answers to a designated area. The clock runs from the first outline; a revision that is not answered either does not start it
/// anew.
pub(crate) fn of_area(area: &Area, agreement: &Agreement, delivered: &Delivered<'_>) -> Vec<Owed> {
    let revisions: Vec<&Reference> = area.revisions.iter().collect();
    let within_ms = areas::answer_within_ms(agreement, area.designated_at);
    let owed = area.to.iter().map(|party| {
        let delivery = delivered(&revisions, area.designated_at, party);
        Owed {
            what: What::AreaResponse,
            by: party.clone(),
            to: area.by.clone(),
            about: area.first.clone(),
            asked_in: area.first.clone(),
            said_at: area.designated_at,
            delivery,
            due_at: delivery.started_at().map(|at| UtcMs(at.0 + within_ms)),
            settled_at: area.answers.get(party).map(|word| word.at),
            holding: area.holds.get(party).cloned(),
        }
    });
    owed.collect()
}

/// Answers to a separation request.
pub(crate) fn of_separation(
    separation: &Separation,
    agreement: &Agreement,
    delivered: &Delivered<'_>,
) -> Vec<Owed> {
    let clock = agreement.clock(Precedence::Routine, separation.at);
    let within_ms = clock.answer_within_s.get() * 1000;
    let owed = separation.ask.to.iter().map(|party| {
        let delivery = delivered(&[&separation.reference], separation.at, party);
        Owed {
            what: What::SeparationAnswer,
            by: party.clone(),
            to: separation.by.clone(),
            about: separation.reference.clone(),
            asked_in: separation.reference.clone(),
            said_at: separation.at,
            delivery,
            due_at: delivery.started_at().map(|at| UtcMs(at.0 + within_ms)),
            settled_at: separation.answers.get(party).map(|answer| answer.at),
            holding: separation.holds.get(party).cloned(),
        }
    });
    owed.collect()
}

/// What is owed about a notice by one who owes it, from which version on, and until when.
struct Owes<'o> {
    what: What,
    by: &'o CallSign,
    to: &'o CallSign,
    about: &'o Reference,
    within_ms: i64,
    /// What ends it in any case: a withdrawal, the end of a movement.
    over_at: Option<UtcMs>,
    /// When the object was first said.
    governed_at: UtcMs,
}

/// Debts by versions. While one is open, a later version starts no clock anew.
fn by_versions<'v>(
    owes: &Owes<'_>,
    versions: impl IntoIterator<Item = Owing<'v>>,
    holding: Option<&(Reference, Option<UtcMs>)>,
    delivered: &DeliveredAsOf<'_>,
) -> Vec<Owed> {
    let all = stretches(versions).into_iter().map(|stretch| {
        let delivery = delivered(&stretch.versions, stretch.since, owes.governed_at, owes.by);
        let settled = stretch.settled_at.into_iter().chain(owes.over_at);
        Owed {
            what: owes.what.clone(),
            by: owes.by.clone(),
            to: owes.to.clone(),
            about: owes.about.clone(),
            asked_in: stretch.versions[0].clone(),
            said_at: stretch.since,
            delivery,
            due_at: delivery.started_at().map(|at| UtcMs(at.0 + owes.within_ms)),
            settled_at: settled.min(),
            holding: holding.cloned(),
        }
    });
    // What was over before it was asked was never owed.
    all.filter(|owed| owed.settled_at.is_none_or(|at| at >= owed.said_at))
        .collect()
}

/// The steps that everybody who has a notice takes, and how a reception tells of each.
type Taken = fn(&Reception) -> Option<UtcMs>;
const STEPS: [(What, Taken); 3] = [
    (What::Acknowledgement, |reception| {
        reception.acknowledged.as_ref().map(|(_, at)| *at)
    }),
    (What::ReadBack, Reception::read_back_at),
    (What::PassDown, |reception| {
        reception.confirmed_below.as_ref().map(|(_, at)| *at)
    }),
];

/// What is owed about a site: to its owner by the cell and by each recipient, and by its owner to whoever relies on it.
pub(crate) fn of_site(
    site: &Site,
    agreement: &Agreement,
    delivered: &DeliveredAsOf<'_>,
) -> Vec<Owed> {
    let clocks = Clocks::at(agreement, site.versions[0].at);
    let mut all = Vec::new();
    let cells: BTreeSet<&CallSign> = site
        .versions
        .iter()
        .filter_map(|version| version.notice.body.through.as_ref())
        .collect();
    for cell in cells {
        let through = site
            .versions
            .iter()
            .filter(|version| version.notice.body.through.as_ref() == Some(cell));
        let versions = through.map(|version| Owing {
            reference: &version.reference,
            at: version.at,
            done_at: version.judged_at(),
        });
        let owes = Owes {
            what: What::Validation,
            by: cell,
            to: &site.by,
            about: &site.reference,
            within_ms: clocks.validate_within_ms,
            over_at: site.withdrawn_at,
            governed_at: site.versions[0].at,
        };
        all.extend(by_versions(&owes, versions, None, delivered));
    }
    for (sign, state) in &site.recipients {
        all.extend(of_recipient(site, sign, state, &clocks, delivered));
    }
    all.extend(reviews(site));
    all.extend(contests(site));
    all.extend(consents(site));
    all
}

fn of_recipient(
    site: &Site,
    sign: &CallSign,
    state: &sites::Recipient,
    clocks: &Clocks,
    delivered: &DeliveredAsOf<'_>,
) -> Vec<Owed> {
    let withdrawn_at = state.withdrawn.as_ref().map(|(_, at)| *at);
    let mut all = Vec::new();
    for (what, taken) in STEPS {
        let sent = site
            .versions
            .iter()
            .filter(|version| version.sent_to.contains(sign));
        let versions = sent.map(|version| Owing {
            reference: &version.reference,
            at: version.at,
            done_at: version.receptions.get(sign).and_then(taken),
        });
        let owes = Owes {
            what,
            by: sign,
            to: &site.by,
            about: &site.reference,
            within_ms: clocks.acknowledge_within_ms,
            over_at: withdrawn_at,
            governed_at: site.versions[0].at,
        };
        let holding = state.now.as_ref().and_then(|now| now.holding.as_ref());
        all.extend(by_versions(&owes, versions, holding, delivered));
    }
    // Whoever never had it has nothing to delete.
    let (Some((reference, at)), Some(delivery), Some(_)) = (
        &state.withdrawn,
        state.withdrawal_delivery,
        state.first_sent_at,
    ) else {
        return all;
    };
    all.push(Owed {
        what: What::Deletion,
        by: sign.clone(),
        to: site.by.clone(),
        about: site.reference.clone(),
        asked_in: reference.clone(),
        said_at: *at,
        delivery,
        due_at: delivery
            .started_at()
            .map(|at| UtcMs(at.0 + clocks.delete_within_ms)),
        settled_at: state.deleted.as_ref().map(|deleted| deleted.at),
        holding: None,
    });
    all
}

/// The owner's looks at a site, one after the other: each version and each review sets the next one.
fn reviews(site: &Site) -> Vec<Owed> {
    let of_versions = site.versions.iter().map(|version| {
        let body = &version.notice.body;
        (&version.reference, version.at, body.review_by.utc())
    });
    let of_reviews = site
        .reviews
        .iter()
        .map(|(reference, at, review)| (reference, *at, review.review_by.utc()));
    let mut set: Vec<(&Reference, UtcMs, UtcMs)> = of_versions.chain(of_reviews).collect();
    set.sort_by_key(|(reference, ..)| reference.index);
    let next = |i: usize| set.get(i + 1).map(|(_, at, _)| *at);
    let through = site.current().notice.body.through.as_ref();
    let owed = set.iter().enumerate().map(|(i, (reference, at, due_at))| {
        let settled = next(i).into_iter().chain(site.withdrawn_at);
        Owed {
            what: What::Review,
            by: site.by.clone(),
            to: through.unwrap_or(&site.by).clone(),
            about: site.reference.clone(),
            asked_in: (*reference).clone(),
            said_at: *at,
            delivery: Delivery::Received(*at),
            due_at: Some(*due_at),
            settled_at: settled.min(),
            holding: None,
        }
    });
    owed.collect()
}

/// What recipients contest waits for the cell, without a deadline: it holds nothing up.
fn contests(site: &Site) -> Vec<Owed> {
    let through = site.current().notice.body.through.as_ref();
    let owed = through.into_iter().flat_map(|cell| {
        site.contests.iter().map(|contested| Owed {
            what: What::Contest,
            by: cell.clone(),
            to: contested.by.clone(),
            about: site.reference.clone(),
            asked_in: contested.reference.clone(),
            said_at: contested.at,
            delivery: contested.delivery,
            due_at: None,
            settled_at: contested.answered_at,
            holding: None,
        })
    });
    owed.collect()
}

/// Consents that exposures opened anew.
fn consents(site: &Site) -> Vec<Owed> {
    let owed = site.freezes.iter().map(|freeze| Owed {
        what: What::Consent,
        by: site.by.clone(),
        to: freeze.by.clone(),
        about: site.reference.clone(),
        asked_in: freeze.exposure.clone(),
        said_at: freeze.at,
        delivery: freeze.delivery,
        due_at: None,
        settled_at: freeze.decided_at,
        holding: None,
    });
    owed.collect()
}

/// Warnings: whoever declares an exposure owes each owner one that he has read. Its clock starts with the declaration itself.
pub(crate) fn of_exposure(exposure: &Exposure) -> Vec<Owed> {
    let owed = exposure.owners.iter().map(|(owner, reception)| Owed {
        what: What::OwnerWarning,
        by: exposure.by.clone(),
        to: owner.clone(),
        about: exposure.reference.clone(),
        asked_in: exposure.reference.clone(),
        said_at: exposure.at,
        delivery: Delivery::Received(exposure.at),
        due_at: Some(exposure.warn_until),
        settled_at: reception.acknowledged.as_ref().map(|(_, at)| *at),
        holding: None,
    });
    owed.collect()
}

/// What is owed about a movement: acknowledgement, read-back and passing down by each of those to whom it is notified; that gaps are
/// closed before it leaves, check-ins and the closing of its sheet by its own side.
pub(crate) fn of_movement(movement: &Movement, delivered: &DeliveredAsOf<'_>) -> Vec<Owed> {
    let clocks = &movement.clocks;
    let to: BTreeSet<&CallSign> = movement
        .versions
        .iter()
        .flat_map(|version| &version.notice.body.to)
        .collect();
    let mut all = Vec::new();
    for sign in to {
        for (what, taken) in STEPS {
            let told = movement
                .versions
                .iter()
                .filter(|version| version.notice.body.to.contains(sign));
            let emergency = told
                .clone()
                .any(|version| version.notice.body.emergency == Some(true));
            let versions = told.map(|version| Owing {
                reference: &version.reference,
                at: version.at,
                done_at: version.receptions.get(sign).and_then(taken),
            });
            let owes = Owes {
                what,
                by: sign,
                to: &movement.by,
                about: &movement.reference,
                within_ms: if emergency {
                    clocks.emergency_acknowledge_within_ms
                } else {
                    clocks.acknowledge_within_ms
                },
                over_at: movement
                    .over_at()
                    .into_iter()
                    .chain(movement.arrived_at())
                    .min(),
                governed_at: movement.versions[0].at,
            };
            let now = movement.current().receptions.get(sign);
            let holding = now.and_then(|now| now.holding.as_ref());
            all.extend(by_versions(&owes, versions, holding, delivered));
        }
    }
    all.extend(gaps(movement));
    all.extend(check_ins(movement));
    all.extend(movement.arrived_at().map(|at| Owed {
        settled_at: movement.over_at(),
        ..own_debt(movement, What::Closing, &movement.reference, at, None)
    }));
    all
}

/// What a movement's own side owes to those who follow it.
fn own_debt(
    movement: &Movement,
    what: What,
    asked_in: &Reference,
    said_at: UtcMs,
    due_at: Option<UtcMs>,
) -> Owed {
    let through = movement.current().notice.body.through.as_ref();
    Owed {
        what,
        by: movement.by.clone(),
        to: through.unwrap_or(&movement.by).clone(),
        about: movement.reference.clone(),
        asked_in: asked_in.clone(),
        said_at,
        delivery: Delivery::Received(said_at),
        due_at,
        settled_at: None,
        holding: None,
    }
}

/// What is missing at somebody of each version, until it leaves: whoever lets it go is warned before.
fn gaps(movement: &Movement) -> Vec<Owed> {
    let left_at = movement
        .way
        .departed_at
        .into_iter()
        .chain(movement.over_at());
    let left_at = left_at.min();
    let versions = movement.versions.iter().enumerate();
    let before = versions.filter(|(_, version)| left_at.is_none_or(|left| version.at < left));
    let owed = before.map(|(i, version)| {
        let next = movement.versions.get(i + 1).map(|next| next.at);
        let closed = movement.without_gaps_at(version);
        let leaves = version.notice.body.from.utc().0;
        let due_at = UtcMs(version.at.0.max(leaves - movement.clocks.gap_warning_ms));
        Owed {
            settled_at: [next, closed, left_at].into_iter().flatten().min(),
            ..own_debt(
                movement,
                What::Gaps,
                &version.reference,
                version.at,
                Some(due_at),
            )
        }
    });
    owed.collect()
}

/// A check-in, and how it climbs when it is missed: each rung begins where the one before ends, and each has a deadline of its own.
fn check_ins(movement: &Movement) -> Vec<Owed> {
    let clocks = &movement.clocks;
    let mut all = Vec::new();
    for awaited in &movement.way.awaited {
        let after = |ms: i64| UtcMs(awaited.due_at.0 + ms);
        let (unsure, alert) = (
            after(clocks.uncertainty_after_ms),
            after(clocks.alert_after_ms),
        );
        let point = || awaited.point.clone();
        let rungs = [
            (What::CheckIn(point()), awaited.set_at, awaited.due_at),
            (What::Uncertainty(point()), awaited.due_at, unsure),
            (What::Alert(point()), unsure, alert),
            (
                What::Distress(point()),
                alert,
                after(clocks.distress_after_ms),
            ),
        ];
        let begun = rungs.into_iter().filter(|(_, since, _)| {
            awaited.settled_at.is_none_or(|settled| settled > *since) || *since == awaited.set_at
        });
        all.extend(begun.map(|(what, since, due_at)| Owed {
            settled_at: awaited.settled_at,
            ..own_debt(movement, what, &awaited.set_in, since, Some(due_at))
        }));
    }
    all
}

/// Of each line of the instruments in force, the last test that was asked for: each end owes its own word.
#[must_use]
pub fn line_tests(
    lines: &BTreeMap<(Reference, Slug), LineState>,
    agreement: &Agreement,
    now: UtcMs,
) -> Vec<Item> {
    let mut items = Vec::new();
    for ((instrument, _), state) in lines {
        let in_force = agreement.in_force(now).any(|i| i.reference == *instrument);
        let Some(slot) = state.slot(now).filter(|_| in_force) else {
            continue;
        };
        let (a, b) = (&state.line.a, &state.line.b);
        for (end, other) in [(a, b), (b, a)] {
            let owed = Owed {
                what: What::LineTest,
                by: end.clone(),
                to: other.clone(),
                about: instrument.clone(),
                asked_in: instrument.clone(),
                said_at: slot.at,
                delivery: Delivery::Received(slot.at),
                due_at: Some(slot.due_at),
                settled_at: state.test_in(end, slot).map(|test| test.tested_at),
                holding: None,
            };
            items.extend(owed.at(now));
        }
    }
    items
}

/// Of each participant, the watch that has the duty: its relief.
#[must_use]
pub fn reliefs(
    shifts: &BTreeMap<Origin, Arc<Shifts>>,
    directory: &Directory,
    now: UtcMs,
) -> Vec<Item> {
    let on_duty = shifts.iter().filter_map(|(origin, shifts)| {
        let shift = shifts.on_duty(now)?;
        let by = directory.call_sign(origin)?;
        let owed = Owed {
            what: What::Relief,
            to: by.clone(),
            by,
            about: shift.reference.clone(),
            asked_in: shift.reference.clone(),
            said_at: shift.began_at,
            delivery: Delivery::Received(shift.began_at),
            due_at: Some(shift.until),
            settled_at: None,
            holding: None,
        };
        owed.at(now)
    });
    on_duty.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_read_as_it_is_spelled() {
        let part = Slug::new("a").ok();
        for word in ["flash", "answer", "validation", "owner_warning", "distress"] {
            let what = What::spelled(word, part.clone()).expect("it is among them");
            assert_eq!(what.word(), word);
            let again = What::spelled(what.word(), what.part().cloned());
            assert_eq!(again, Some(what));
        }
        assert_eq!(What::spelled("told", None), None);
    }
}
