//! The joint state, from whatever is held.

use crate::agreement::{self, Agreement};
use crate::areas::{self, Areas};
use crate::claims::{self, Claims};
use crate::contact::{self, Delivery, LineState, Matter, Shifts};
use crate::due;
use crate::incidents::ReportFile;
use crate::standing::{Directory, Effective, Standing, Statements};
use crate::toll::Toll;
use crate::values::{Language, Slug};
use crate::{Body, due::Urgency};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// The truce, as it follows from the statements that are held. No part of it knows the time: ask it with a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truce {
    /// Which call sign is whose.
    pub directory: Directory,
    /// The standing of every statement that is held.
    pub standings: BTreeMap<Reference, Standing>,
    /// Instruments.
    pub agreement: Agreement,
    /// Areas and separation requests.
    pub areas: Areas,
    /// Messages, by the first of each matter.
    pub matters: BTreeMap<Reference, Matter>,
    /// Lines, by instrument and short name.
    pub lines: BTreeMap<(Reference, Slug), LineState>,
    /// Watches.
    pub shifts: BTreeMap<Origin, Shifts>,
    /// Claims and tallies.
    pub claims: Claims,
    /// Tolls.
    pub tolls: BTreeMap<Reference, Toll>,
    /// Reports.
    pub reports: BTreeMap<Reference, ReportFile>,
    /// Of statements that ask for something, when they reached whom.
    deliveries: BTreeMap<(Reference, CallSign), Delivery>,
}

impl Truce {
    /// Computes it. The same statements give the same truce, in whatever order they came.
    #[must_use]
    pub fn of(statements: &Statements) -> Self {
        let directory = directory(statements);
        let said = statements.effective(&directory);
        let agreement = agreement::fold(&said, &directory);
        let areas = areas::fold(&said, &directory);
        let heard = statements.heard(&directory);
        let matters = contact::fold_matters(&said, &heard, &agreement, &directory);
        let lines = contact::fold_lines(&said, &agreement, &directory);
        let mut truce = Self {
            standings: statements.standings(),
            claims: claims::fold(&said),
            deliveries: deliveries(&heard, &agreement, &areas, &directory),
            directory,
            agreement,
            areas,
            matters,
            lines,
            ..Self::default()
        };
        for entry in &said {
            match &*entry.body {
                Body::TollRecord(toll) => {
                    drop(truce.tolls.insert(entry.reference.clone(), toll.clone()))
                }
                Body::ReportFile(report) => drop(
                    truce
                        .reports
                        .insert(entry.reference.clone(), (**report).clone()),
                ),
                _ => {}
            }
        }
        truce.shifts = contact::fold_shifts(&said, &|origin, at| truce.must_tick(origin, at));
        truce.tell_languages();
        truce
    }

    /// Everything that is open at `now`, the most urgent and oldest first.
    #[must_use]
    pub fn due(&self, now: UtcMs) -> Vec<due::Item> {
        due::due(self, now)
    }

    /// When the statements `objects` reached `party`; the first one decides what it is called by.
    pub(crate) fn delivered(
        &self,
        objects: &[&Reference],
        said_at: UtcMs,
        party: &CallSign,
    ) -> Delivery {
        let known = objects
            .first()
            .and_then(|first| self.deliveries.get(&((*first).clone(), party.clone())));
        known.copied().unwrap_or(Delivery::Unreachable(said_at))
    }

    /// What an officer of `origin` has to go through before he goes: open FLASH, and what is overdue there, of all that this
    /// side has itself sent or received.
    fn must_tick(&self, origin: &Origin, at: UtcMs) -> BTreeSet<Reference> {
        let Some(own) = self.directory.call_sign(origin) else {
            return BTreeSet::new();
        };
        let received = |matter: &Matter| {
            let there = matter.recipients.get(&own).map(|state| state.delivery);
            matter.by == own
                || matches!(there, Some(Delivery::Received(received)) if received <= at)
        };
        let mine = |item: &due::Item| {
            let flash = item.what == due::What::Flash;
            let overdue = item.by == own && item.urgency == Urgency::Overdue;
            (flash || overdue) && self.matters.get(&item.about).is_some_and(received)
        };
        due::messages(self, at)
            .into_iter()
            .filter(mine)
            .map(|item| item.about)
            .collect()
    }

    /// Where no acknowledgement says whether somebody on duty reads a message, the watch does.
    fn tell_languages(&mut self) {
        for matter in self.matters.values_mut() {
            let language: Option<Language> = matter
                .sends
                .iter()
                .find_map(|send| send.message.language.clone());
            let Some(language) = language else { continue };
            for (recipient, state) in &mut matter.recipients {
                let at = state.delivery.started_at().unwrap_or(matter.sends[0].at);
                let shifts = self
                    .directory
                    .origin(recipient)
                    .and_then(|origin| self.shifts.get(origin));
                let on_duty = shifts.and_then(|shifts| shifts.on_duty(at));
                let by_watch = on_duty.map(|shift| {
                    shift
                        .languages
                        .iter()
                        .any(|known| same_language(known, &language))
                });
                state.language_on_duty = state.language_on_duty.or(by_watch);
            }
        }
    }
}

/// `ar` serves `ar-SY`: the first subtag decides.
fn same_language(a: &Language, b: &Language) -> bool {
    let first = |language: &Language| language.as_str().split('-').next().map(str::to_owned);
    first(a) == first(b)
}

/// Call signs as they are declared, and above that as instruments that were adopted bind them, the newest first.
fn directory(statements: &Statements) -> Directory {
    let declared = Directory::new(statements.participants(), &[]);
    let agreement = agreement::fold(&statements.effective(&declared), &declared);
    let mut adopted: Vec<_> = agreement
        .instruments
        .values()
        .filter_map(|i| Some((i.begins_at()?, i.table.version, i)))
        .collect();
    adopted.sort_by_key(|(begins, version, i)| {
        (std::cmp::Reverse((*begins, *version)), i.reference.clone())
    });
    let members = adopted
        .iter()
        .flat_map(|(_, _, i)| i.table.participants.iter());
    let bound: Vec<_> = members
        .map(|member| (member.call_sign.clone(), member.origin.clone()))
        .collect();
    Directory::new(statements.participants(), &bound)
}

fn deliveries(
    heard: &[Effective<'_>],
    agreement: &Agreement,
    areas: &Areas,
    directory: &Directory,
) -> BTreeMap<(Reference, CallSign), Delivery> {
    let mut all = BTreeMap::new();
    let mut add = |objects: &[&Reference], at: UtcMs, parties: &[CallSign]| {
        let neutrals = neutrals(agreement, at);
        for party in parties {
            let delivery =
                contact::delivery(heard, objects, at, directory.origin(party), &neutrals);
            all.insert((objects[0].clone(), party.clone()), delivery);
        }
    };
    for instrument in agreement.instruments.values() {
        let asked: Vec<CallSign> = instrument
            .table
            .needed
            .iter()
            .chain(&instrument.table.invited)
            .cloned()
            .collect();
        add(&[&instrument.reference], instrument.tabled_at, &asked);
    }
    for area in areas.areas.values() {
        add(
            &area.revisions.iter().collect::<Vec<_>>(),
            area.designated_at,
            &area.to,
        );
    }
    for separation in areas.separations.values() {
        add(&[&separation.reference], separation.at, &separation.ask.to);
    }
    all
}

fn neutrals(agreement: &Agreement, at: UtcMs) -> BTreeSet<Origin> {
    let governing = agreement.governing(at);
    let members = governing.into_iter().flat_map(|i| {
        i.table
            .participants
            .iter()
            .filter(|member| i.table.neutrals.contains(&member.call_sign))
    });
    members.map(|member| member.origin.clone()).collect()
}
