//! What became of one statement at one recipient, up to where those below have it: the same for messages, sites and movements.

use super::matters::{Arrivals, Delivery, ReadBackFact, Step};
use crate::Body;
use crate::responses::PassStep;
use crate::standing::Effective;
use crate::values::Position;
use record::name::{Origin, Reference};
use record::time::UtcMs;
use std::collections::BTreeSet;

/// What one recipient said about some statements.
#[derive(Clone, Copy)]
pub(crate) struct Heard<'a> {
    /// The recipient's log, when it is known.
    pub origin: Option<&'a Origin>,
    /// What everybody said about them.
    pub about: &'a [&'a Effective<'a>],
}

impl<'a> Heard<'a> {
    /// All of it, in the order of the recipient's log.
    pub fn responses(self) -> impl Iterator<Item = &'a Effective<'a>> {
        let mine = move |entry: &&Effective<'_>| Some(&entry.reference.origin) == self.origin;
        self.about.iter().copied().filter(mine)
    }

    fn fact(self, is: impl Fn(&Body) -> bool) -> Option<(Reference, UtcMs)> {
        let first = self.responses().find(|entry| is(&entry.body))?;
        Some((first.reference.clone(), first.at()))
    }

    fn passed(self, step: PassStep) -> Option<(Reference, UtcMs)> {
        self.fact(|body| matches!(body, Body::PassDown(pass) if pass.step == step))
    }

    fn read_back(self, place_of: &PlaceOf<'_>) -> Option<ReadBackFact> {
        let facts = self.responses().filter_map(|entry| match &*entry.body {
            Body::ReadBack(read_back) => {
                let place = entry.object().and_then(place_of);
                let same_place = place
                    .zip(read_back.place.as_ref())
                    .map(|(sent, repeated)| same_place(sent, repeated));
                Some(ReadBackFact {
                    reference: entry.reference.clone(),
                    at: entry.at(),
                    same_place,
                })
            }
            _ => None,
        });
        facts.last()
    }

    fn holding(self) -> Option<(Reference, Option<UtcMs>)> {
        let holding = self.responses().filter_map(|entry| match &*entry.body {
            Body::Hold(hold) => Some((entry.reference.clone(), Some(hold.answer_by.utc()))),
            Body::Answer(answer) if answer.reply.holds() => Some((entry.reference.clone(), None)),
            _ => None,
        });
        holding.last()
    }
}

/// Whether a read-back repeats the place that was sent: to the last digit. How fine somebody spoke it is not in a statement, so
/// whoever hears a coarser one has to decide, and to say the place that he means.
#[must_use]
pub fn same_place(sent: &Position, repeated: &Position) -> bool {
    sent == repeated
}

/// The place that a statement names, against which a read-back is held.
type PlaceOf<'p> = dyn Fn(&Reference) -> Option<&'p Position> + 'p;

/// What became of it at one recipient: each fact by itself; none implies another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// Whether it got there.
    pub delivery: Delivery,
    /// The machine's receipt.
    pub receipt: Option<UtcMs>,
    /// A person read it.
    pub acknowledged: Option<(Reference, UtcMs)>,
    /// A person repeated it.
    pub read_back: Option<ReadBackFact>,
    /// It was sent down.
    pub sent_down: Option<(Reference, UtcMs)>,
    /// Those below confirmed it.
    pub confirmed_below: Option<(Reference, UtcMs)>,
    /// The last holding reply: where, and the new date if it names one. It stops no clock.
    pub holding: Option<(Reference, Option<UtcMs>)>,
}

impl Reception {
    /// Of the statements `objects` (the first one first), of which the first was said at `said_at`.
    pub(crate) fn of(
        heard: Heard<'_>,
        objects: &[&Reference],
        said_at: UtcMs,
        arrivals: &Arrivals<'_>,
        neutrals: &BTreeSet<Origin>,
        place_of: &PlaceOf<'_>,
    ) -> Self {
        Self {
            delivery: arrivals.delivery(objects, said_at, heard.origin, neutrals),
            receipt: heard
                .fact(|body| matches!(body, Body::Receipt(_)))
                .map(|(_, at)| at),
            acknowledged: heard.fact(|body| matches!(body, Body::Acknowledge(_))),
            read_back: heard.read_back(place_of),
            sent_down: heard.passed(PassStep::SentDown),
            confirmed_below: heard.passed(PassStep::ConfirmedBelow),
            holding: heard.holding(),
        }
    }

    /// When a person repeated it, unless another place was repeated.
    #[must_use]
    pub fn read_back_at(&self) -> Option<UtcMs> {
        let right = self.read_back.as_ref();
        right
            .filter(|fact| fact.same_place != Some(false))
            .map(|fact| fact.at)
    }

    /// The steps that were not taken at `at`, in their order.
    #[must_use]
    pub fn missing(&self, at: UtcMs) -> Vec<Step> {
        let open = self
            .steps()
            .into_iter()
            .filter(|(taken, _)| taken.is_none_or(|taken| taken > at));
        open.map(|(_, step)| step).collect()
    }

    /// When the last step was taken; `None` while one is missing.
    #[must_use]
    pub fn complete_at(&self) -> Option<UtcMs> {
        let taken: Option<Vec<UtcMs>> = self.steps().into_iter().map(|(taken, _)| taken).collect();
        taken?.into_iter().max()
    }

    /// When each step was taken.
    fn steps(&self) -> [(Option<UtcMs>, Step); 5] {
        let said = |fact: &Option<(Reference, UtcMs)>| fact.as_ref().map(|(_, at)| *at);
        [
            (self.receipt, Step::Receipt),
            (said(&self.acknowledged), Step::Acknowledgement),
            (self.read_back_at(), Step::ReadBack),
            (said(&self.sent_down), Step::SentDown),
            (said(&self.confirmed_below), Step::ConfirmedBelow),
        ]
    }
}
