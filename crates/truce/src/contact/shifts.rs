//! Watches: who has the duty, who hands it over, who takes it. Both sign; responsibility moves at the second signature. A new
//! watch inherits every clock as it runs.

use crate::Body;
use crate::standing::Effective;
use crate::values::{Label, Language};
use record::name::{Origin, Reference};
use record::statement::Kid;
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The statement with which it began.
    pub reference: Reference,
    /// Which officer, by office.
    pub officer: Label,
    /// The key that signed.
    pub kid: Kid,
    /// Languages on this watch.
    pub languages: Vec<Language>,
    /// When it began.
    pub began_at: UtcMs,
    /// When relief is due.
    pub until: UtcMs,
    /// Why it was taken over without a hand-over.
    pub takeover_reason: Option<String>,
    /// That relief did not come.
    pub unrelieved: Vec<(Reference, UtcMs)>,
    /// The hand-over that was offered and not yet taken.
    pub offered: Option<HandOver>,
    /// When and how it ended.
    pub ended: Option<(UtcMs, ShiftEnd)>,
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShiftEnd {
    /// It was handed over, signed by both.
    HandedOver(HandOver),
    /// Somebody took it over without a hand-over.
    TakenOver(Reference),
}

/// A hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The off-going officer's half.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// What was gone through.
    pub ticked: BTreeSet<Reference>,
    /// The on-coming officer's half.
    pub accepted: Option<(Reference, UtcMs)>,
    /// Open FLASH and overdue items that were not gone through: while there are any, responsibility has not moved.
    pub missing: Vec<Reference>,
}

/// The watches of one participant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shifts {
    /// In their order; the last one without an end has the duty.
    pub shifts: Vec<Shift>,
}

impl Shifts {
    /// The watch that has the duty by what was said until `now`.
    #[must_use]
    pub fn on_duty(&self, now: UtcMs) -> Option<&Shift> {
        let ended = |shift: &Shift| shift.ended.as_ref().is_some_and(|(at, _)| *at <= now);
        self.shifts
            .iter()
            .rev()
            .find(|shift| shift.began_at <= now && !ended(shift))
    }

    /// Whether the watch that had the duty at `at` reads `language`; `None` when nobody had it. `ar` serves `ar-SY`: the first
    /// subtag decides.
    #[must_use]
    pub fn reads(&self, language: &Language, at: UtcMs) -> Option<bool> {
        let first = |language: &Language| language.as_str().split('-').next().map(str::to_owned);
        let watch = self.on_duty(at)?;
        let mut known = watch.languages.iter();
        Some(known.any(|known| first(known) == first(language)))
    }
}

/// What has to be ticked when `origin` hands over at a time: open FLASH and overdue items.
pub type MustTick<'m> = dyn Fn(&Origin, UtcMs) -> BTreeSet<Reference> + 'm;

/// Folds what each participant said of its watch, in the order of its log.
#[must_use]
pub fn fold(said: &[Effective<'_>], must_tick: &MustTick<'_>) -> BTreeMap<Origin, Arc<Shifts>> {
    let mut all = BTreeMap::new();
    hear_all(&mut all, said, must_tick);
    all
}

/// The same, going on from what was said before.
pub fn hear_all(
    all: &mut BTreeMap<Origin, Arc<Shifts>>,
    said: &[Effective<'_>],
    must_tick: &MustTick<'_>,
) {
    for entry in said {
        match &*entry.body {
            Body::ShiftOpen(_)
            | Body::ShiftHandOver(_)
            | Body::ShiftAccept(_)
            | Body::ShiftUnrelieved(_) => {
                let origin = entry.reference.origin.clone();
                hear(
                    Arc::make_mut(all.entry(origin).or_default()),
                    entry,
                    must_tick,
                );
            }
            _ => {}
        }
    }
    // Words about a watch that never began are of no watch.
    all.retain(|_, shifts| !shifts.shifts.is_empty());
}

fn hear(shifts: &mut Shifts, entry: &Effective<'_>, must_tick: &MustTick<'_>) {
    let at = entry.at();
    let current = shifts
        .shifts
        .iter_mut()
        .rev()
        .find(|shift| shift.ended.is_none());
    match (&*entry.body, current) {
        (Body::ShiftOpen(open), current) => {
            if let Some(current) = current {
                if open.takeover_reason.is_none() {
                    return; // somebody has the duty, and nothing says why it should move
                }
                current.ended = Some((at, ShiftEnd::TakenOver(entry.reference.clone())));
            }
            let reason = open.takeover_reason.as_ref().map(ToString::to_string);
            shifts.shifts.push(begun(
                entry,
                &open.officer,
                &open.languages,
                open.until.utc(),
                reason,
            ));
        }
        (Body::ShiftHandOver(hand_over), Some(current))
            if entry.object() == Some(&current.reference) =>
        {
            current.offered = Some(HandOver {
                reference: entry.reference.clone(),
                at,
                ticked: hand_over.ticked.iter().cloned().collect(),
                accepted: None,
                missing: vec![],
            });
        }
        (Body::ShiftAccept(accept), Some(current)) => {
            let Some(offered) = current
                .offered
                .as_mut()
                .filter(|offered| entry.object() == Some(&offered.reference))
            else {
                return;
            };
            offered.accepted = Some((entry.reference.clone(), at));
            let must = must_tick(&entry.reference.origin, offered.at);
            offered.missing = must.difference(&offered.ticked).cloned().collect();
            if offered.missing.is_empty() {
                current.ended = current
                    .offered
                    .take()
                    .map(|offered| (at, ShiftEnd::HandedOver(offered)));
                shifts.shifts.push(begun(
                    entry,
                    &accept.officer,
                    &accept.languages,
                    accept.until.utc(),
                    None,
                ));
            }
        }
        (Body::ShiftUnrelieved(unrelieved), Some(current))
            if entry.object() == Some(&current.reference) =>
        {
            current.unrelieved.push((entry.reference.clone(), at));
            current.until = unrelieved
                .until
                .as_ref()
                .map_or(current.until, |until| until.utc());
        }
        _ => {}
    }
}

fn begun(
    entry: &Effective<'_>,
    officer: &Label,
    languages: &[Language],
    until: UtcMs,
    takeover: Option<String>,
) -> Shift {
    Shift {
        reference: entry.reference.clone(),
        officer: officer.clone(),
        kid: entry.kid,
        languages: languages.to_vec(),
        began_at: entry.at(),
        until,
        takeover_reason: takeover,
        unrelieved: vec![],
        offered: None,
        ended: None,
    }
}
