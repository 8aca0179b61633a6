//! The way of a movement: what its own side said after the notice, in the order of its log, and the check-ins that follow from it.

use crate::Body;
use crate::kinds::Name;
use crate::standing::Effective;
use crate::values::{Position, Slug, Time};
use crate::volumes::CheckPoint;
use record::name::Reference;
use record::time::UtcMs;

/// How far a movement is, by its own side's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It was notified and has not left.
    Notified,
    /// It does not leave.
    Aborted,
    /// It is on its way.
    Underway,
    /// It stands and waits.
    Holding,
    /// It was not let through.
    Denied,
    /// It goes back.
    TurnedBack,
    /// It is there, or back; somebody may be missing.
    Arrived,
    /// All are accounted for.
    Closed,
}

impl Stage {
    /// Where it is after a statement of this kind; `None` when that cannot be said now.
    #[must_use]
    pub fn after(self, said: Name) -> Option<Self> {
        use Stage::{Aborted, Arrived, Closed, Denied, Holding, Notified, TurnedBack, Underway};
        let moving = matches!(self, Underway | Holding | Denied | TurnedBack);
        Some(match said {
            Name::MovementRevise if self == Notified || moving => self,
            Name::MovementAbort if self == Notified => Aborted,
            Name::MovementDepart if self == Notified => Underway,
            Name::MovementCheckIn if moving => self,
            Name::MovementHold if moving => Holding,
            Name::MovementDenied if moving => Denied,
            Name::MovementDivert | Name::MovementResume if moving => Underway,
            Name::MovementTurnBack if moving => TurnedBack,
            Name::MovementArrive if moving => Arrived,
            Name::MovementClose if self == Arrived => Closed,
            _ => return None,
        })
    }

    /// Whether nothing more can be said of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Aborted | Self::Closed)
    }

    /// Whether people are out.
    #[must_use]
    pub fn is_out(self) -> bool {
        matches!(
            self,
            Self::Underway | Self::Holding | Self::Denied | Self::TurnedBack
        )
    }

    /// The kinds that can be said now, for whoever is told that another one cannot.
    #[must_use]
    pub fn next(self) -> Vec<&'static str> {
        let kinds = MOVES.iter().filter(|name| self.after(**name).is_some());
        let kinds: Vec<&str> = kinds.map(|name| name.as_str()).collect();
        if kinds.is_empty() {
            return vec!["nothing more: notify a new movement"];
        }
        kinds
    }
}

/// What its own side says of a movement after its notice, each when it is the time for it.
pub const MOVES: &[Name] = &[
    Name::MovementRevise,
    Name::MovementDepart,
    Name::MovementCheckIn,
    Name::MovementHold,
    Name::MovementDenied,
    Name::MovementDivert,
    Name::MovementResume,
    Name::MovementTurnBack,
    Name::MovementArrive,
    Name::MovementClose,
    Name::MovementAbort,
];

/// How far a missed check-in has climbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing is missed.
    Normal,
    /// A check-in is missed.
    Missed,
    /// Nobody knows whether all is well.
    Uncertainty,
    /// Somebody has to look for them.
    Alert,
    /// They are in danger.
    Distress,
}

/// One word of its own side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// What.
    pub said: Name,
    /// Where the movement is after it; `None` when it could not be said then: it is shown and counts for nothing.
    pub stage: Option<Stage>,
}

/// A check-in that is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// At which check-point, where it is one of the notice.
    pub point: Option<Slug>,
    /// At the latest when.
    pub due_at: UtcMs,
    /// The statement that set it.
    pub set_in: Reference,
    /// From when it is awaited.
    pub set_at: UtcMs,
    /// When there was a sign of life that covers it, or another one took its place.
    pub settled_at: Option<UtcMs>,
}

/// The way of a movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What was said, in the order of the log.
    pub events: Vec<Event>,
    /// Check-ins, in the order in which they are or were due.
    pub awaited: Vec<Awaited>,
    /// Live places that somebody pressed for: when it was said, where, and when it was there.
    pub live: Vec<(UtcMs, Position, UtcMs)>,
    /// When it left.
    pub departed_at: Option<UtcMs>,
}

impl Way {
    /// Follows what its own side said, with the check-ins of its first notice.
    pub(crate) fn of<'a>(
        notified: (&Reference, &[CheckPoint]),
        said: impl IntoIterator<Item = &'a Effective<'a>>,
    ) -> Self {
        let mut way = Self {
            events: Vec::new(),
            awaited: Vec::new(),
            live: Vec::new(),
            departed_at: None,
        };
        let mut plan = (notified.0.clone(), notified.1.to_vec());
        let mut stage = Stage::Notified;
        for entry in said {
            let Some(name) = entry.body.name() else {
                continue;
            };
            let after = stage.after(name);
            way.events.push(Event {
                reference: entry.reference.clone(),
                at: entry.at(),
                said: name,
                stage: after,
            });
            let Some(after) = after else { continue };
            stage = after;
            if let Body::MovementRevise(revise) = &*entry.body {
                plan = (entry.reference.clone(), revise.body.check_ins.to_vec());
            }
            way.take(entry, &plan, stage);
        }
        way.awaited
            .sort_by(|a, b| (a.due_at, &a.set_in).cmp(&(b.due_at, &b.set_in)));
        way
    }

    fn take(&mut self, entry: &Effective<'_>, plan: &(Reference, Vec<CheckPoint>), stage: Stage) {
        let at = entry.at();
        match &*entry.body {
            Body::MovementDepart(_) => {
                self.departed_at = Some(at);
                self.follow(plan, at);
            }
            Body::MovementRevise(_) if stage.is_out() => {
                // It is no sign of life: what was missed stays missed.
                self.replace(at);
                self.follow(plan, at);
            }
            Body::MovementRevise(_) | Body::MovementAbort(_) => {}
            Body::MovementCheckIn(check_in) => {
                self.alive(at, check_in.body.point.as_ref());
                if let Some(live) = &check_in.exact {
                    self.live.push((at, live.place.clone(), live.at.utc()));
                }
                self.next(entry, check_in.body.next_check_in.as_ref());
            }
            Body::MovementHold(hold) => self.alive_and_next(entry, &hold.next_check_in),
            Body::MovementDenied(denied) => self.alive_and_next(entry, &denied.next_check_in),
            Body::MovementDivert(divert) => self.alive_and_next(entry, &divert.next_check_in),
            Body::MovementResume(resume) => self.alive_and_next(entry, &resume.next_check_in),
            Body::MovementTurnBack(back) => self.alive_and_next(entry, &back.next_check_in),
            _ => {
                self.alive(at, None);
                self.replace(at);
            }
        }
    }

    /// Awaits the check-ins of a plan that are still to come.
    fn follow(&mut self, (set_in, points): &(Reference, Vec<CheckPoint>), at: UtcMs) {
        let to_come = points.iter().filter(|point| point.due_at.utc() > at);
        let mut since = at;
        for point in to_come {
            let due_at = point.due_at.utc();
            self.awaited.push(Awaited {
                point: Some(point.id.clone()),
                due_at,
                set_in: set_in.clone(),
                set_at: since,
                settled_at: None,
            });
            // One after the other: nobody is asked for the third before the second was due.
            since = due_at;
        }
    }

    /// A sign of life: it covers everything that was due by then, the check-point that it names, and those before that one.
    fn alive(&mut self, at: UtcMs, point: Option<&Slug>) {
        let open = |awaited: &&mut Awaited| awaited.settled_at.is_none();
        let named = self
            .awaited
            .iter()
            .filter(|awaited| awaited.settled_at.is_none() && awaited.point.as_ref() == point);
        let named = named
            .filter(|_| point.is_some())
            .map(|awaited| awaited.due_at)
            .max();
        let until = named.map_or(at, |due| due.max(at));
        for awaited in self.awaited.iter_mut().filter(open) {
            if awaited.due_at <= until {
                awaited.settled_at = Some(at);
            }
        }
    }

    /// What was to come no longer is.
    fn replace(&mut self, at: UtcMs) {
        for awaited in &mut self.awaited {
            if awaited.settled_at.is_none() && awaited.due_at > at {
                awaited.settled_at = Some(at);
            }
        }
    }

    fn alive_and_next(&mut self, entry: &Effective<'_>, next: &Time) {
        self.alive(entry.at(), None);
        self.next(entry, Some(next));
    }

    fn next(&mut self, entry: &Effective<'_>, next: Option<&Time>) {
        let Some(next) = next else { return };
        self.replace(entry.at());
        self.awaited.push(Awaited {
            point: None,
            due_at: next.utc(),
            set_in: entry.reference.clone(),
            set_at: entry.at(),
            settled_at: None,
        });
    }

    /// Where it was at `at`.
    #[must_use]
    pub fn stage(&self, at: UtcMs) -> Stage {
        let said = self.events.iter().filter(|event| event.at <= at);
        said.filter_map(|event| event.stage)
            .next_back()
            .unwrap_or(Stage::Notified)
    }

    /// The check-in that is awaited at `at`: the earliest of which there was no sign.
    #[must_use]
    pub fn awaited(&self, at: UtcMs) -> Option<&Awaited> {
        let open = self.awaited.iter().filter(|awaited| {
            awaited.set_at <= at && awaited.settled_at.is_none_or(|settled| settled > at)
        });
        open.min_by_key(|awaited| awaited.due_at)
    }
}
