//! What is open, due, overdue or unreachable, by whom: a function of the state and the time, alike in every direction.

use crate::Truce;
use crate::agreement::{InstrumentState, Precedence};
use crate::areas;
use crate::contact::{Delivery, PartState};
use crate::values::Slug;
use record::name::{CallSign, Reference};
use record::time::UtcMs;

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

/// One debt, before it is judged by the time.
struct Owed<'a> {
    what: What,
    by: &'a CallSign,
    to: &'a CallSign,
    about: &'a Reference,
    said_at: UtcMs,
    delivery: Delivery,
    due_at: Option<UtcMs>,
    holding: Option<(Reference, Option<UtcMs>)>,
}

impl Owed<'_> {
    /// `None` while nobody had said it.
    fn at(self, now: UtcMs) -> Option<Item> {
        if self.said_at > now {
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
            what: self.what,
            by: self.by.clone(),
            to: self.to.clone(),
            about: self.about.clone(),
            received: matches!(self.delivery, Delivery::Received(_)),
            holding: self.holding,
        })
    }
}

/// Everything that is open at `now`, the most urgent and oldest first. Whoever asks gets the same list, and nobody's debts are
/// left out of it.
#[must_use]
pub fn due(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items = messages(truce, now);
    items.extend(instruments(truce, now));
    items.extend(area_answers(truce, now));
    items.extend(line_tests(truce, now));
    items.extend(reliefs(truce, now));
    items.sort();
    items
}

/// Open FLASH and answers to messages.
pub(crate) fn messages(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items = Vec::new();
    for matter in truce.matters.values() {
        let said_at = matter.sends[0].at;
        let closed = matter.closed.as_ref().is_some_and(|(_, at, _)| *at <= now);
        if matter.precedence == Precedence::Flash && !closed {
            let (what, about, delivery) = (What::Flash, &matter.root, Delivery::Received(said_at));
            let (by, to) = (&matter.by, &matter.by);
            items.extend(
                Owed {
                    what,
                    by,
                    to,
                    about,
                    said_at,
                    delivery,
                    due_at: None,
                    holding: None,
                }
                .at(now),
            );
        }
        for (recipient, state) in matter.recipients.iter().filter(|_| matter.asks()) {
            let silent = state.parts.iter().filter(|(_, part)| is_silent(part, now));
            items.extend(silent.filter_map(|(part, _)| {
                Owed {
                    what: What::Answer(part.clone()),
                    by: recipient,
                    to: &matter.by,
                    about: &matter.root,
                    said_at,
                    delivery: state.delivery,
                    due_at: state.due_at,
                    holding: state.holding.clone(),
                }
                .at(now)
            }));
        }
    }
    items
}

fn is_silent(part: &PartState, now: UtcMs) -> bool {
    match part {
        PartState::Silent => true,
        PartState::Answered { at, .. } | PartState::Refused { at, .. } => *at > now,
    }
}

fn instruments(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items = Vec::new();
    for instrument in truce.agreement.instruments.values() {
        let silent = |party: &&CallSign| {
            !instrument.accepted.contains_key(*party) && !instrument.refused.contains_key(*party)
        };
        let adopted = !matches!(
            instrument.at(now),
            InstrumentState::Tabled { .. } | InstrumentState::Lapsed { .. }
        );
        let asked = instrument
            .table
            .needed
            .iter()
            .chain(&instrument.table.invited);
        for party in asked
            .filter(silent)
            .filter(|party| !adopted || instrument.table.needed.contains(party))
        {
            let owed = Owed {
                what: What::Acceptance,
                by: party,
                to: &instrument.by,
                about: &instrument.reference,
                said_at: instrument.tabled_at,
                delivery: truce.delivered(&[&instrument.reference], instrument.tabled_at, party),
                due_at: Some(instrument.table.accept_by.utc()),
                holding: instrument
                    .holds
                    .get(party)
                    .map(|(reference, until)| (reference.clone(), Some(*until))),
            };
            items.extend(owed.at(now));
        }
    }
    items
}

fn area_answers(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items = Vec::new();
    for area in truce.areas.areas.values() {
        let revisions: Vec<&Reference> = area.revisions.iter().collect();
        for party in area
            .to
            .iter()
            .filter(|party| area.answers.get(*party).is_none_or(|word| word.at > now))
        {
            // The clock runs from the first outline; a revision that is not answered either does not start it anew.
            let delivery = truce.delivered(&revisions, area.designated_at, party);
            let within_ms = areas::answer_within_ms(&truce.agreement, area.designated_at);
            let owed = Owed {
                what: What::AreaResponse,
                by: party,
                to: &area.by,
                about: &area.first,
                said_at: area.designated_at,
                delivery,
                due_at: delivery.started_at().map(|at| UtcMs(at.0 + within_ms)),
                holding: area.holds.get(party).cloned(),
            };
            items.extend(owed.at(now));
        }
    }
    for separation in truce.areas.separations.values() {
        for party in separation
            .ask
            .to
            .iter()
            .filter(|party| !separation.answers.contains_key(*party))
        {
            let delivery = truce.delivered(&[&separation.reference], separation.at, party);
            let clock = truce.agreement.clock(Precedence::Routine, separation.at);
            let owed = Owed {
                what: What::SeparationAnswer,
                by: party,
                to: &separation.by,
                about: &separation.reference,
                said_at: separation.at,
                delivery,
                due_at: delivery
                    .started_at()
                    .map(|at| UtcMs(at.0 + clock.answer_within_s.get() * 1000)),
                holding: separation
                    .holds
                    .get(party)
                    .map(|(reference, until)| (reference.clone(), Some(*until))),
            };
            items.extend(owed.at(now));
        }
    }
    items
}

/// Of each line of the instruments in force, the last test that was asked for: each end owes its own word.
fn line_tests(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let mut items = Vec::new();
    for ((instrument, _), state) in &truce.lines {
        let in_force = truce
            .agreement
            .in_force(now)
            .any(|i| i.reference == *instrument);
        let Some(slot) = state.slot(now).filter(|_| in_force) else {
            continue;
        };
        for (end, other) in [
            (&state.line.a, &state.line.b),
            (&state.line.b, &state.line.a),
        ] {
            if state
                .test_in(end, slot)
                .is_none_or(|test| test.tested_at > now)
            {
                let (said_at, delivery, due_at) =
                    (slot.at, Delivery::Received(slot.at), Some(slot.due_at));
                let owed = Owed {
                    what: What::LineTest,
                    by: end,
                    to: other,
                    about: instrument,
                    said_at,
                    delivery,
                    due_at,
                    holding: None,
                };
                items.extend(owed.at(now));
            }
        }
    }
    items
}

fn reliefs(truce: &Truce, now: UtcMs) -> Vec<Item> {
    let on_duty = truce.shifts.iter().filter_map(|(origin, shifts)| {
        let shift = shifts.on_duty(now)?;
        let by = truce.directory.call_sign(origin)?;
        let delivery = Delivery::Received(shift.began_at);
        let (about, said_at, due_at) = (&shift.reference, shift.began_at, Some(shift.until));
        let item = Owed {
            what: What::Relief,
            by: &by,
            to: &by,
            about,
            said_at,
            delivery,
            due_at,
            holding: None,
        }
        .at(now)?;
        Some(item)
    });
    on_duty.collect()
}
