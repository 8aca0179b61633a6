//! The joint state, from whatever is held.

use crate::Body;
use crate::agreement::{self, Agreement};
use crate::areas::{self, Areas};
use crate::claims::{self, Claims};
use crate::contact::{self, Arrivals, Delivery, LineState, Matter, SeenBy, Shifts};
use crate::due::{self, Owed, Urgency};
use crate::incidents::ReportFile;
use crate::movements::{self, Movement};
use crate::participants::Participants;
use crate::presence::Presence;
use crate::sites::{self, Exposure, Site};
use crate::standing::{Directory, Effective, Standing, Statements};
use crate::toll::Toll;
use crate::values::{Language, Slug};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub shifts: BTreeMap<Origin, Arc<Shifts>>,
    /// Claims and tallies.
    pub claims: Claims,
    /// Where formations are, as their own sides say.
    pub presences: BTreeMap<Reference, Presence>,
    /// Tolls.
    pub tolls: BTreeMap<Reference, Toll>,
    /// Reports.
    pub reports: BTreeMap<Reference, ReportFile>,
    /// Sites, by their first notifications.
    pub sites: BTreeMap<Reference, Site>,
    /// Exposures.
    pub exposures: BTreeMap<Reference, Exposure>,
    /// Movements, by their first notices.
    pub movements: BTreeMap<Reference, Movement>,
    /// What is or was owed, by messages, instruments, areas, separation requests, sites, exposures and movements.
    pub owed: Vec<Owed>,
}

/// What every part of the truce depends on: who is who, what is agreed, and which heads were seen.
pub struct Context<'c> {
    /// Which call sign is whose.
    pub directory: &'c Directory,
    /// Instruments.
    pub agreement: &'c Agreement,
    /// Which heads neutrals saw.
    pub seen_by: &'c SeenBy<'c>,
}

impl Truce {
    /// Computes it. The same statements give the same truce, in whatever order they came.
    #[must_use]
    pub fn of(statements: &Statements) -> Self {
        let (directory, agreement) = basis(statements);
        let said = statements.effective(&directory);
        let heard = statements.heard(&directory);
        let heads = heads_seen(&heard);
        let seen_by = |neutral: &Origin, of: &Reference| {
            let heads = heads.get(&(neutral, &of.origin))?;
            let covering = heads.iter().find(|(size, _)| *size > of.index);
            covering.map(|(_, at)| *at)
        };
        let context = Context {
            directory: &directory,
            agreement: &agreement,
            seen_by: &seen_by,
        };
        let mut truce = Self {
            lines: contact::fold_lines(&said, &agreement, &directory),
            ..Self::part(statements, &context)
        };
        truce.directory = directory.clone();
        truce.shifts = contact::fold_shifts(&said, &|origin, at| truce.must_tick(origin, at));
        truce.tell_languages();
        truce
    }

    /// Computes what depends on `statements` alone, beside the context: of all that is held, or of one object (the object, what
    /// is about it over all steps, and what it is about). Lines and watches are not among it.
    #[must_use]
    pub fn part(statements: &Statements, context: &Context<'_>) -> Self {
        let (directory, agreement) = (context.directory, context.agreement);
        let said = statements.effective(directory);
        let heard = statements.heard(directory);
        let arrivals = Arrivals::new(&heard, context.seen_by);
        let mut part = agreement::fold(&said, directory);
        for (reference, instrument) in &mut part.instruments {
            // What takes its place is another object, which only the whole agreement knows.
            let whole = agreement.instruments.get(reference);
            instrument.amended = whole.and_then(|whole| whole.amended.clone());
        }
        let exposures = sites::fold_exposures(&said, &arrivals, agreement, directory);
        let mut truce = Self {
            sites: sites::fold_sites(&said, &exposures, &arrivals, agreement, directory),
            exposures,
            movements: movements::fold_movements(&said, &arrivals, agreement, directory),
            standings: statements.standings(),
            agreement: part,
            areas: areas::fold(&said, directory),
            matters: contact::fold_matters(&said, &arrivals, agreement, directory),
            claims: claims::fold(&said),
            ..Self::default()
        };
        truce.owed = truce.debts(&arrivals, context);
        for entry in &said {
            match &*entry.body {
                Body::TollRecord(toll) => {
                    drop(truce.tolls.insert(entry.reference.clone(), toll.clone()))
                }
                Body::FormationPresence(presence) => drop(
                    truce
                        .presences
                        .insert(entry.reference.clone(), presence.clone()),
                ),
                Body::ReportFile(report) => drop(
                    truce
                        .reports
                        .insert(entry.reference.clone(), (**report).clone()),
                ),
                _ => {}
            }
        }
        truce
    }

    fn debts(&self, arrivals: &Arrivals<'_>, context: &Context<'_>) -> Vec<Owed> {
        let agreement = context.agreement;
        let as_of = |objects: &[&Reference], at: UtcMs, governed_at: UtcMs, party: &CallSign| {
            let recipient = context.directory.origin(party);
            arrivals.delivery(objects, at, recipient, &agreement.neutrals(governed_at))
        };
        let delivered =
            |objects: &[&Reference], at: UtcMs, party: &CallSign| as_of(objects, at, at, party);
        let mut all: Vec<Owed> = self.matters.values().flat_map(due::of_matter).collect();
        for instrument in self.agreement.instruments.values() {
            all.extend(due::of_instrument(instrument, agreement, &delivered));
        }
        for area in self.areas.areas.values() {
            all.extend(due::of_area(area, agreement, &delivered));
        }
        for separation in self.areas.separations.values() {
            all.extend(due::of_separation(separation, agreement, &delivered));
        }
        for site in self.sites.values() {
            all.extend(due::of_site(site, agreement, &as_of));
        }
        all.extend(self.exposures.values().flat_map(due::of_exposure));
        for movement in self.movements.values() {
            all.extend(due::of_movement(movement, &as_of));
        }
        all
    }

    /// Everything that is open at `now`, the most urgent and oldest first.
    #[must_use]
    pub fn due(&self, now: UtcMs) -> Vec<due::Item> {
        due::due(self, now)
    }

    /// What an officer of `origin` has to go through before he goes: open FLASH, and what is overdue there, of all that this
    /// side has itself sent or received.
    fn must_tick(&self, origin: &Origin, at: UtcMs) -> BTreeSet<Reference> {
        let Some(own) = self.directory.call_sign(origin) else {
            return BTreeSet::new();
        };
        let received = |matter: &Matter| {
            let there = matter
                .recipients
                .get(&own)
                .map(|state| state.reception.delivery);
            matter.by == own
                || matches!(there, Some(Delivery::Received(received)) if received <= at)
        };
        let mine = |item: &due::Item| {
            let flash = item.what == due::What::Flash;
            let overdue = item.by == own && item.urgency == Urgency::Overdue;
            (flash || overdue) && self.matters.get(&item.about).is_some_and(received)
        };
        let open = self.owed.iter().filter_map(|owed| owed.at(at));
        open.filter(mine).map(|item| item.about).collect()
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
                let at = state.reception.delivery.at();
                let shifts = self
                    .directory
                    .origin(recipient)
                    .and_then(|origin| self.shifts.get(origin));
                let by_watch = shifts.and_then(|shifts| shifts.reads(&language, at));
                state.language_on_duty = state.language_on_duty.or(by_watch);
            }
        }
    }
}

/// Who is who and what is agreed. Call signs are as they are declared, and above that as instruments that were adopted bind them,
/// the newest first. Instruments, what is about them and control statements are enough.
#[must_use]
pub fn basis(statements: &Statements) -> (Directory, Agreement) {
    let declared = Directory::new(statements.participants(), &[]);
    let agreement = agreement::fold(&statements.effective(&declared), &declared);
    let directory = bound(statements.participants(), &agreement);
    if directory == declared {
        return (directory, agreement);
    }
    let agreement = agreement::fold(&statements.effective(&directory), &directory);
    (directory, agreement)
}

fn bound(declared: &Participants, agreement: &Agreement) -> Directory {
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
    Directory::new(declared, &bound)
}

/// The heads that each log says it saw of each other, in the order of its own entries.
fn heads_seen<'a>(
    heard: &'a [Effective<'_>],
) -> BTreeMap<(&'a Origin, &'a Origin), Vec<(u64, UtcMs)>> {
    let mut all: BTreeMap<_, Vec<(u64, UtcMs)>> = BTreeMap::new();
    for entry in heard {
        if let Body::HeadSeen(seen) = &*entry.body {
            for head in seen.heads.iter() {
                let heads = all.entry((&entry.reference.origin, &head.origin));
                heads.or_default().push((head.size.0, entry.at()));
            }
        }
    }
    all
}
