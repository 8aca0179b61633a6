//! What is open, due, overdue or unreachable, by whom: a function of the state and the time, alike in every direction.

use crate::Truce;
use crate::agreement::{Agreement, Instrument, Precedence};
use crate::areas::{self, Area, Separation};
use crate::contact::{Delivery, LineState, Matter, PartState, Shifts};
use crate::standing::Directory;
use crate::values::Slug;
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;
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
            delivery: state.delivery,
            due_at: state.due_at,
            settled_at: match word {
                PartState::Silent => None,
                PartState::Answered { at, .. } | PartState::Refused { at, .. } => Some(*at),
            },
            holding: state.holding.clone(),
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
        let until = |(reference, until): &(Reference, UtcMs)| (reference.clone(), Some(*until));
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
            holding: separation.holds.get(party).map(until),
        }
    });
    owed.collect()
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
