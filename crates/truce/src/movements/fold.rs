//! What statements about a movement add up to: its versions with what became of each at each recipient, and its way.

use super::MovementNotice;
use super::way::{MOVES, Phase, Stage, Way};
use crate::Body;
use crate::agreement::Agreement;
use crate::contact::{Arrivals, Heard, Reception, Step};
use crate::protection::{Clocks, Gaps, named_readers};
use crate::standing::{Directory, Effective};
use crate::values::Position;
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// One version of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// What it says, as far as it is read here.
    pub notice: Box<MovementNotice>,
    /// To whom its route was sent.
    pub sent_to: BTreeSet<CallSign>,
    /// What became of it at each of those to whom it is notified, and at the cell.
    pub receptions: BTreeMap<CallSign, Reception>,
}

/// Notice that came later than the agreement asks. It is flagged and never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// So long before departure it should have been said.
    pub owed_ms: i64,
    /// So long before departure it was said; below 0 after it.
    pub given_ms: i64,
}

/// What a movement is at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovementState {
    /// How far it is.
    pub stage: Stage,
    /// How far a missed check-in has climbed.
    pub phase: Phase,
}

/// The place that is shown of a movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The leg on which it should be, by the last notice: its number from 0, and how old that notice is.
    Leg {
        /// Which leg.
        leg: usize,
        /// The version that says so.
        version: Reference,
        /// Milliseconds since that was said.
        age_ms: i64,
    },
    /// Where it was, because somebody pressed for it.
    Live {
        /// Where.
        place: Position,
        /// Milliseconds since it was there.
        age_ms: i64,
    },
    /// Nothing is read here, or it has not left.
    Nothing,
}

/// A movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Its first notice.
    pub reference: Reference,
    /// Whose it is.
    pub by: CallSign,
    /// Its versions, the first one first.
    pub versions: Vec<Version>,
    /// Its way.
    pub way: Way,
    /// The clocks that count for it, from its first notice on.
    pub clocks: Clocks,
    /// Parties to the agreement to whom it is not notified.
    pub not_told: Vec<CallSign>,
}

impl Movement {
    /// Its newest version.
    #[must_use]
    pub fn current(&self) -> &Version {
        self.versions
            .last()
            .expect("a movement is made with its first version")
    }

    /// The version that counted at `at`.
    #[must_use]
    pub fn version_at(&self, at: UtcMs) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.at <= at)
    }

    /// What it is at `at`.
    #[must_use]
    pub fn state(&self, at: UtcMs) -> MovementState {
        MovementState {
            stage: self.way.stage(at),
            phase: self.phase(at),
        }
    }

    fn phase(&self, at: UtcMs) -> Phase {
        let Some(missed) = self.way.awaited(at).filter(|awaited| awaited.due_at <= at) else {
            return Phase::Normal;
        };
        let silent_ms = at.0 - missed.due_at.0;
        let clocks = &self.clocks;
        match silent_ms {
            ms if ms >= clocks.distress_after_ms => Phase::Distress,
            ms if ms >= clocks.alert_after_ms => Phase::Alert,
            ms if ms >= clocks.uncertainty_after_ms => Phase::Uncertainty,
            _ => Phase::Missed,
        }
    }

    /// How late a version was said, when it was.
    #[must_use]
    pub fn late(&self, version: &Version) -> Option<Late> {
        let notice = &version.notice.body;
        let owed_ms = match notice.emergency {
            Some(true) => self.clocks.emergency_notice_ms,
            _ => self.clocks.movement_notice_ms,
        };
        let given_ms = notice.from.utc().0 - version.at.0;
        (given_ms < owed_ms).then_some(Late { owed_ms, given_ms })
    }

    /// Of each of those to whom it is or was notified what is missing of the version that counts at `at`. An acknowledgement of an
    /// earlier one is none of this one, and whoever a revision leaves out has nothing of it.
    #[must_use]
    pub fn gaps(&self, at: UtcMs) -> Gaps {
        let Some(version) = self.version_at(at) else {
            return Gaps::new();
        };
        let told = self.versions.iter().filter(|told| told.at <= at);
        let to: BTreeSet<&CallSign> = told.flat_map(|told| &told.notice.body.to).collect();
        let gaps = to.into_iter().map(|sign| {
            let missing = version
                .receptions
                .get(sign)
                .map_or_else(|| vec![Step::Receipt], |reception| reception.missing(at));
            (sign.clone(), missing)
        });
        gaps.filter(|(_, missing)| !missing.is_empty()).collect()
    }

    /// When all to whom it is or was notified had taken every step for `version`; `None` while something is missing.
    #[must_use]
    pub fn without_gaps_at(&self, version: &Version) -> Option<UtcMs> {
        let told = self.versions.iter().filter(|told| told.at <= version.at);
        let to: BTreeSet<&CallSign> = told.flat_map(|told| &told.notice.body.to).collect();
        let complete = to
            .into_iter()
            .map(|sign| version.receptions.get(sign)?.complete_at());
        complete.collect::<Option<Vec<UtcMs>>>()?.into_iter().max()
    }

    /// With which gaps it left, when it has left.
    #[must_use]
    pub fn gaps_at_departure(&self) -> Option<Gaps> {
        self.way.departed_at.map(|at| self.gaps(at))
    }

    /// The place that is shown at `at`: the notified leg with its age. A live place is shown when somebody pressed for it, and only
    /// until the next notice.
    #[must_use]
    pub fn shown(&self, at: UtcMs) -> Shown {
        let Some(version) = self.version_at(at).filter(|_| self.way.stage(at).is_out()) else {
            return Shown::Nothing;
        };
        let pressed = self.way.live.iter().rev();
        let mut pressed = pressed.filter(|(said, ..)| *said <= at && *said >= version.at);
        if let Some((_, place, there_at)) = pressed.next() {
            return Shown::Live {
                place: place.clone(),
                age_ms: at.0 - there_at.0,
            };
        }
        let Some(exact) = &version.notice.exact else {
            return Shown::Nothing;
        };
        let begun = exact
            .legs
            .iter()
            .rposition(|leg| leg.from_at.utc() <= at)
            .unwrap_or(0);
        Shown::Leg {
            leg: begun,
            version: version.reference.clone(),
            age_ms: at.0 - version.at.0,
        }
    }

    /// When it was over: aborted, or all accounted for.
    #[must_use]
    pub fn over_at(&self) -> Option<UtcMs> {
        let over = |stage: Option<Stage>| stage.is_some_and(Stage::is_over);
        let event = self.way.events.iter().find(|event| over(event.stage))?;
        Some(event.at)
    }

    /// When it arrived.
    #[must_use]
    pub fn arrived_at(&self) -> Option<UtcMs> {
        let arrived = |stage: Option<Stage>| stage == Some(Stage::Arrived);
        let event = self.way.events.iter().find(|event| arrived(event.stage))?;
        Some(event.at)
    }
}

/// Folds what was said about movements: all of them, or those of one.
#[must_use]
pub fn fold(
    said: &[Effective<'_>],
    arrivals: &Arrivals<'_>,
    agreement: &Agreement,
    directory: &Directory,
) -> BTreeMap<Reference, Movement> {
    let mut own: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    let mut others: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    for entry in said {
        if matches!(&*entry.body, Body::MovementNotify(_)) {
            own.entry(&entry.reference).or_default().push(entry);
        } else if let Some(object) = entry.object() {
            let is_own = is_own_word(&entry.body) && object.origin == entry.reference.origin;
            let by_object = if is_own { &mut own } else { &mut others };
            by_object.entry(object).or_default().push(entry);
        }
    }
    let movements = own.iter().filter_map(|(root, own)| {
        let maker = Maker {
            root,
            own,
            others: &others,
            arrivals,
            agreement,
            directory,
        };
        Some(((*root).clone(), maker.movement()?))
    });
    movements.collect()
}

fn is_own_word(body: &Body) -> bool {
    body.name().is_some_and(|name| MOVES.contains(&name))
}

struct Maker<'a> {
    root: &'a Reference,
    own: &'a [&'a Effective<'a>],
    others: &'a BTreeMap<&'a Reference, Vec<&'a Effective<'a>>>,
    arrivals: &'a Arrivals<'a>,
    agreement: &'a Agreement,
    directory: &'a Directory,
}

impl<'a> Maker<'a> {
    fn movement(&self) -> Option<Movement> {
        let first = self.own.first()?;
        let Body::MovementNotify(notify) = &*first.body else {
            return None;
        };
        let by = self.directory.call_sign(&self.root.origin)?;
        let check_ins: &[_] = &notify.body.check_ins;
        let way = Way::of((self.root, check_ins), self.own.iter().skip(1).copied());
        // A revision that came when none could be said counts for nothing.
        let counts = |entry: &Effective<'_>| {
            let mut events = way.events.iter();
            events.any(|event| event.reference == entry.reference && event.stage.is_some())
        };
        let versions = self.own.iter().filter_map(|entry| match &*entry.body {
            Body::MovementNotify(notice) => Some(self.version(entry, notice)),
            Body::MovementRevise(notice) if counts(entry) => Some(self.version(entry, notice)),
            _ => None,
        });
        let versions: Vec<Version> = versions.collect();
        let current = versions.last()?;
        let governing = self.agreement.governing(first.at());
        let parties = governing
            .into_iter()
            .flat_map(|i| i.table.needed.iter().chain(&i.table.invited));
        let told = |sign: &&CallSign| current.notice.body.to.contains(sign);
        let not_told = parties.filter(|sign| **sign != by && !told(sign));
        Some(Movement {
            reference: self.root.clone(),
            not_told: not_told.cloned().collect(),
            clocks: Clocks::at(self.agreement, first.at()),
            by,
            way,
            versions,
        })
    }

    fn version(&self, entry: &Effective<'_>, notice: &MovementNotice) -> Version {
        let sent_to = named_readers(entry.head, "exact");
        // By what was agreed when it was first notified.
        let first_at = self.own.first().map_or(entry.at(), |first| first.at());
        let neutrals = self.agreement.neutrals(first_at);
        let none: &[&Effective<'_>] = &[];
        let about = self
            .others
            .get(&entry.reference)
            .map_or(none, Vec::as_slice);
        let exact = notice.exact.as_ref();
        let destination = exact.and_then(|exact| exact.legs.last()).map(|leg| &leg.to);
        let readers: BTreeSet<&CallSign> = notice.body.readers().collect();
        let receptions = readers.into_iter().map(|sign| {
            let heard = Heard {
                origin: self.directory.origin(sign),
                about,
            };
            let reception = Reception::of(
                heard,
                &[&entry.reference],
                entry.at(),
                self.arrivals,
                &neutrals,
                &|_| destination,
            );
            (sign.clone(), reception)
        });
        Version {
            reference: entry.reference.clone(),
            at: entry.at(),
            receptions: receptions.collect(),
            sent_to,
            notice: Box::new(notice.clone()),
        }
    }
}
