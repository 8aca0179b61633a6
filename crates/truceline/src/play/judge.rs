//! Whether it is so as the scenario says, and what is so instead.

use super::bodies::Names;
use super::room::{Room, View};
use formats::scenario::{
    Actor, Answered, Expect, LineFact, Mention, Owed, Place, ShiftFact, Step, Sum, That, Urgency,
};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;
use std::rc::Rc;
use truce::agreement::{self, InstrumentState};
use truce::areas::{self, Agreed, Said};
use truce::claims::{Arithmetic, Relation};
use truce::contact::{self, Matter, PartState, RecipientState};
use truce::due::{self, What};
use truce::values::{Position, Slug};
use truce::{Body, Standing};

/// What was found.
pub struct Verdict {
    /// Whether it is so.
    pub holds: bool,
    /// What is so, for the person who expected something else.
    pub found: String,
}

impl Verdict {
    fn new(holds: bool, found: impl Into<String>) -> Self {
        Self {
            holds,
            found: found.into(),
        }
    }

    /// `text` is all that there is to compare.
    fn is(expected: &str, text: impl Into<String>) -> Self {
        let found = text.into();
        Self::new(found == expected, found)
    }
}

/// Judges by what is in the room.
pub struct Judge<'p> {
    /// The room.
    pub room: &'p Room,
    /// Statements by their names.
    pub names: &'p Names,
    /// When whose alarm for what was silenced.
    pub silenced: &'p BTreeMap<(CallSign, Reference), UtcMs>,
}

impl Judge<'_> {
    /// Whether `expect` is so, without regard to its "not".
    pub fn judge(&self, expect: &Expect) -> Verdict {
        let seen = Seen {
            judge: self,
            view: self.room.view(expect.eyes.as_ref()),
            now: self.room.now(),
        };
        seen.judge(&expect.that)
    }
}

/// What one pair of eyes sees at one time.
struct Seen<'j> {
    judge: &'j Judge<'j>,
    view: Rc<View>,
    now: UtcMs,
}

impl Seen<'_> {
    fn judge(&self, that: &That) -> Verdict {
        match that {
            That::Open(about) => self.open(about),
            That::Closed(about) => {
                let open = self.open(about);
                Verdict::new(!open.holds, open.found)
            }
            That::Owed(owed) => self.owed(owed),
            That::Nothing { urgency, by } => self.nothing(*urgency, by.as_ref()),
            That::First(about) => self.first(about),
            That::Age(about, age) => {
                let items = self.items_about(&self.object(about));
                let oldest = items.iter().map(|item| item.age_ms(self.now)).max();
                Verdict::new(oldest.is_some_and(|ms| age.is(ms)), self.list(&items))
            }
            That::Standing(about, word, reason) => self.standing(about, word, reason.as_deref()),
            That::Missing(by, step, about) => self.missing(by, step, about),
            That::Reads(by, about, group) => {
                let reads = self.judge.room.reads(by, self.reference(about), group);
                let word = if reads { "reads" } else { "does not read" };
                Verdict::new(reads, format!("{by} {word} group {group} of it"))
            }
            That::Sounding(by, about) => self.sounding(by, about),
            That::Instrument { .. } => self.instrument(that),
            That::Area(about, word) => self.area(about, word),
            That::Coverage { .. } => self.coverage(that),
            That::Line(id, fact) => self.line(id, fact),
            That::Shift(by, fact) => self.shift(by, fact),
            That::Claim(about, word, by) => self.claim(about, word, by),
            That::Tally(about, sum) => self.tally(about, *sum),
            That::Corrected(about, by) => self.corrected(about, by),
            That::Says(about, words) => self.says(about, words),
            That::Stands(about, place) => self.stands(about, place),
            That::Erased(about, at) => self.erased(about, at),
            That::Climbed(about, _) | That::Sent(about, _) | That::NewPlace(about) => {
                self.matter(about, |matter| self.of_matter(that, matter))
            }
            That::Untold(by, about) => self.matter(about, |matter| {
                Verdict::new(
                    matter.not_told.contains(by),
                    format!("not told: {}", signs(&matter.not_told)),
                )
            }),
            That::ReadBack(by, about, _) | That::Language(by, about, _) => {
                self.recipient(by, about, |state| of_recipient(that, state))
            }
            That::Answered(by, about, answered) => self.answered(by, about, answered),
        }
    }

    fn reference(&self, mention: &Mention) -> &Reference {
        &self.judge.names[mention]
    }

    /// By which reference the matter, area or instrument is called to which a statement belongs.
    fn object(&self, mention: &Mention) -> Reference {
        let named = self.reference(mention);
        let truce = &self.view.truce;
        let is_named = |send: &contact::Send| send.reference == *named;
        let matter = truce
            .matters
            .values()
            .find(|matter| matter.sends.iter().any(is_named))
            .map(|matter| &matter.root);
        let area = truce
            .areas
            .areas
            .values()
            .find(|area| area.revisions.contains(named))
            .map(|area| &area.first);
        matter.or(area).unwrap_or(named).clone()
    }

    fn items_about(&self, object: &Reference) -> Vec<due::Item> {
        let mut items = self.view.truce.due(self.now);
        items.retain(|item| item.about == *object);
        items
    }

    fn list(&self, items: &[due::Item]) -> String {
        if items.is_empty() {
            return "nothing is open".into();
        }
        let lines: Vec<String> = items.iter().map(|item| self.item(item)).collect();
        lines.join("; ")
    }

    fn item(&self, item: &due::Item) -> String {
        let urgency = match item.urgency {
            due::Urgency::Overdue => format!("overdue by {}", lasting(item.overdue_ms(self.now))),
            due::Urgency::Open => "open".into(),
            due::Urgency::Unreachable => "unreachable".into(),
        };
        let part = match &item.what {
            What::Answer(Some(part)) => format!(" to part {part}"),
            _ => String::new(),
        };
        let due = item
            .due_at
            .map_or_else(String::new, |at| format!(", due {at}"));
        let holding = if item.holding.is_some() {
            ", holding reply"
        } else {
            ""
        };
        let receipt = if item.received || item.urgency == due::Urgency::Unreachable {
            ""
        } else {
            ", no receipt"
        };
        format!(
            "{} owes {}{part} about {}: {urgency}, since {}{due}{holding}{receipt}",
            item.by,
            debt(&item.what),
            self.judge.room.short(&item.about),
            item.since
        )
    }

    fn open(&self, about: &Mention) -> Verdict {
        let items = self.items_about(&self.object(about));
        Verdict::new(!items.is_empty(), self.list(&items))
    }

    fn owed(&self, owed: &Owed) -> Verdict {
        let object = owed.about.as_ref().map(|about| self.object(about));
        let part = |item: &due::Item| match &item.what {
            What::Answer(part) => part.as_ref().map(Slug::as_str) == owed.part.as_deref(),
            _ => owed.part.is_none(),
        };
        let mut items = self.view.truce.due(self.now);
        items.retain(|item| {
            item.by == owed.by
                && debt(&item.what) == owed.what
                && object.as_ref().is_none_or(|object| item.about == *object)
        });
        let holds = items
            .iter()
            .filter(|item| part(item))
            .any(|item| self.is_as(item, owed));
        Verdict::new(holds, self.list(&items))
    }

    fn is_as(&self, item: &due::Item, owed: &Owed) -> bool {
        let overdue_ms = item.overdue_ms(self.now);
        let left_ms = item.due_at.map(|due_at| due_at.0 - self.now.0);
        urgency(item.urgency) == owed.urgency
            && owed.overdue_by.is_none_or(|by| by.is(overdue_ms))
            && owed
                .within
                .is_none_or(|within| left_ms.is_some_and(|ms| (0..=within.ms).contains(&ms)))
            && owed.due_at.is_none_or(|at| item.due_at == Some(at))
            && owed.since.is_none_or(|since| item.since == since)
            && owed.age.is_none_or(|age| age.is(item.age_ms(self.now)))
            && (!owed.holding || item.holding.is_some())
            && owed.receipt.is_none_or(|receipt| item.received == receipt)
    }

    fn nothing(&self, word: Option<Urgency>, by: Option<&CallSign>) -> Verdict {
        let mut items = self.view.truce.due(self.now);
        items.retain(|item| {
            word.is_none_or(|word| urgency(item.urgency) == word)
                && by.is_none_or(|by| item.by == *by)
        });
        Verdict::new(items.is_empty(), self.list(&items))
    }

    fn first(&self, about: &Mention) -> Verdict {
        let items = self.view.truce.due(self.now);
        let holds = items
            .first()
            .is_some_and(|item| item.about == self.object(about));
        Verdict::new(holds, self.list(&items[..items.len().min(1)]))
    }

    fn standing(&self, about: &Mention, word: &str, reason: Option<&str>) -> Verdict {
        let Some(standing) = self.view.truce.standings.get(self.reference(about)) else {
            return Verdict::new(false, "it has not arrived there");
        };
        let (is, why) = match standing {
            Standing::Effective => ("effective", String::new()),
            Standing::Ineffective(why) => ("ineffective", why.clone()),
            Standing::Waiting(on) => ("waiting", self.judge.room.short(on)),
            Standing::Undetermined(why) => ("undetermined", why.clone()),
            Standing::Sealed => ("sealed", String::new()),
            Standing::UnknownKind => ("unknown", String::new()),
        };
        let holds = is == word && reason.is_none_or(|reason| why.contains(reason));
        Verdict::new(holds, format!("{is} {why}").trim_end())
    }

    /// Judges the matter to which a statement belongs.
    fn matter(&self, about: &Mention, judge: impl FnOnce(&Matter) -> Verdict) -> Verdict {
        match self.view.truce.matters.get(&self.object(about)) {
            Some(matter) => judge(matter),
            None => Verdict::new(false, "no message of it is known there"),
        }
    }

    fn of_matter(&self, that: &That, matter: &Matter) -> Verdict {
        match that {
            That::Climbed(_, office) => Verdict::is(office, matter.climbed_to().as_str()),
            That::Sent(_, times) => Verdict::is(&times.to_string(), matter.sends.len().to_string()),
            That::NewPlace(about) => {
                let named = self.reference(about);
                let send = matter.sends.iter().find(|send| send.reference == *named);
                let holds = send.is_some_and(|send| send.new_place);
                let word = if holds { "new" } else { "named before" };
                Verdict::new(holds, format!("its place is {word}"))
            }
            _ => Verdict::new(false, "nothing about a matter"),
        }
    }

    fn sounding(&self, by: &CallSign, about: &Mention) -> Verdict {
        self.matter(about, |matter| {
            let of_it = |what: &Reference| matter.sends.iter().any(|send| send.reference == *what);
            let silenced = self.judge.silenced.iter();
            let silenced = silenced.filter(|((who, what), _)| who == by && of_it(what));
            let silenced_at = silenced.map(|(_, at)| *at).max();
            let holds = matter.is_sounding(by, silenced_at, self.now);
            let sounds: Vec<String> = matter
                .sounds(by, self.now)
                .iter()
                .map(|sound| format!("{} at {}", sound.why, sound.at))
                .collect();
            let word = if holds { "sounds" } else { "is silent" };
            let silenced = silenced_at.map_or_else(String::new, |at| format!("; silenced at {at}"));
            let found = format!("the alarm at {by} {word}: {}{silenced}", sounds.join(", "));
            Verdict::new(holds, found)
        })
    }

    fn recipient(
        &self,
        by: &CallSign,
        about: &Mention,
        judge: impl FnOnce(&RecipientState) -> Verdict,
    ) -> Verdict {
        self.matter(about, |matter| match matter.recipients.get(by) {
            Some(state) => judge(state),
            None => Verdict::new(false, format!("it was not sent to {by}")),
        })
    }

    fn missing(&self, by: &CallSign, step: &Step, about: &Mention) -> Verdict {
        self.recipient(by, about, |state| {
            let is = |missing: &contact::Step| match missing {
                contact::Step::AnswerTo(part) => {
                    step.word == "answer" && step.part.as_deref() == Some(part.as_str())
                }
                other => step.part.is_none() && step_word(other) == step.word,
            };
            let words: Vec<String> = state
                .missing
                .iter()
                .map(|missing| match missing {
                    contact::Step::AnswerTo(part) => format!("answer part {part}"),
                    other => step_word(other).to_owned(),
                })
                .collect();
            let holds = state.missing.iter().any(is);
            Verdict::new(holds, format!("missing at {by}: {}", words.join(", ")))
        })
    }

    fn instrument(&self, that: &That) -> Verdict {
        let That::Instrument {
            about,
            state,
            since,
            by,
            silent,
        } = that
        else {
            return Verdict::new(false, "nothing about an instrument");
        };
        let instruments = &self.view.truce.agreement.instruments;
        let Some(instrument) = instruments.get(self.reference(about)) else {
            return Verdict::new(false, "no such instrument is known there");
        };
        let (word, at, who) = match instrument.at(self.now) {
            InstrumentState::Tabled { silent, .. } => ("tabled", None, silent),
            InstrumentState::Lapsed { at } => ("lapsed", Some(at), vec![]),
            InstrumentState::Accepted { in_force_from } => {
                ("accepted", Some(in_force_from), vec![])
            }
            InstrumentState::InForce { since } => ("in_force", Some(since), vec![]),
            InstrumentState::Suspended { since, by } => ("suspended", Some(since), by),
            InstrumentState::Amended { at, .. } => ("amended", Some(at), vec![]),
            InstrumentState::Ended { at, by } => ("ended", Some(at), by),
        };
        let named: Vec<&CallSign> = by.iter().chain(silent).collect();
        let holds = word == state
            && since.is_none_or(|since| at == Some(since))
            && (named.is_empty() || named == who.iter().collect::<Vec<_>>());
        let at = at.map_or_else(String::new, |at| format!(" {at}"));
        Verdict::new(holds, format!("{word}{at} {}", signs(&who)).trim_end())
    }

    fn area(&self, about: &Mention, word: &str) -> Verdict {
        let named = self.reference(about);
        let mut areas = self.view.truce.areas.areas.values();
        let Some(area) = areas.find(|area| area.revisions.contains(named)) else {
            return Verdict::new(false, "no such area is known there");
        };
        Verdict::is(
            word,
            match area.agreed() {
                Agreed::ByAll => "agreed",
                Agreed::Disputed => "disputed",
                Agreed::Open => "open",
            },
        )
    }

    fn coverage(&self, that: &That) -> Verdict {
        let That::Coverage {
            answer,
            actor,
            place,
            by,
        } = that
        else {
            return Verdict::new(false, "nothing about coverage");
        };
        let (Some(place), Some(actor)) = (position(place), acting(actor)) else {
            return Verdict::new(false, "the place or the short name is not valid");
        };
        let truce = &self.view.truce;
        let areas = &truce.areas.areas;
        let coverage = truce
            .agreement
            .covered(&place, &actor, self.now, areas, areas::contains);
        let word = match coverage.answer {
            agreement::Answer::Covered => "covered",
            agreement::Answer::CoveredInsideExcludedArea => "covered_inside_excluded_area",
            agreement::Answer::Undetermined => "undetermined",
            agreement::Answer::Excluded => "excluded",
        };
        let cited: Vec<&str> = coverage
            .provisions
            .iter()
            .map(|cited| cited.provision.as_str())
            .collect();
        let cites = by.as_ref().is_none_or(|by| cited.contains(&by.as_str()));
        let found = format!(
            "{word} by {}: {}",
            cited.join(", "),
            coverage.reasons.join("; ")
        );
        // An answer that could be taken for a clearance is none.
        Verdict::new(
            word == answer && cites && coverage.caution == agreement::CAUTION,
            found,
        )
    }

    fn line(&self, id: &str, fact: &LineFact) -> Verdict {
        let lines = self.view.truce.lines.iter();
        let newest = lines.filter(|((_, line), _)| line.as_str() == id).last();
        let Some((_, state)) = newest else {
            return Verdict::new(false, "no instrument that was adopted has such a line");
        };
        match fact {
            LineFact::Fault(means) => {
                let faults: Vec<&str> = state.faults.keys().map(|means| means.as_str()).collect();
                let found = format!("faults: {}", faults.join(", "));
                Verdict::new(faults.contains(&means.as_str()), found)
            }
            LineFact::NeverTwoWay | LineFact::LastTwoWay(..) => {
                let last = state.last_two_way;
                let holds = match (fact, last) {
                    (LineFact::LastTwoWay(at, over), Some((last, means))) => {
                        *at == last && over.as_ref().is_none_or(|over| over == means.as_str())
                    }
                    (LineFact::NeverTwoWay, None) => true,
                    _ => false,
                };
                let found = last.map_or_else(
                    || "never two-way".to_owned(),
                    |(at, means)| format!("last two-way {at} over {means}"),
                );
                Verdict::new(holds, found)
            }
        }
    }

    fn shift(&self, by: &CallSign, fact: &ShiftFact) -> Verdict {
        let truce = &self.view.truce;
        let shifts = truce
            .directory
            .origin(by)
            .and_then(|origin| truce.shifts.get(origin));
        let on_duty = shifts.and_then(|shifts| shifts.on_duty(self.now));
        let found = on_duty.map_or_else(
            || format!("nobody has the duty at {by}"),
            |shift| format!("{} has the duty until {}", shift.officer, shift.until),
        );
        let unticked = on_duty
            .and_then(|shift| shift.offered.as_ref())
            .filter(|half| half.accepted.is_some());
        let holds = match fact {
            ShiftFact::OnDuty(officer) => {
                on_duty.is_some_and(|shift| shift.officer.as_str() == officer)
            }
            ShiftFact::Nobody => on_duty.is_none(),
            ShiftFact::Unticked(about) => {
                unticked.is_some_and(|half| half.missing.contains(&self.object(about)))
            }
            ShiftFact::Unrelieved => on_duty.is_some_and(|shift| !shift.unrelieved.is_empty()),
        };
        Verdict::new(holds, found)
    }

    fn claim(&self, about: &Mention, word: &str, by: &Mention) -> Verdict {
        let claims = &self.view.truce.claims.claims;
        let Some(claim) = claims.get(self.reference(about)) else {
            return Verdict::new(false, "no such claim is known there");
        };
        let relation = match word {
            "denied" => Relation::Denies,
            "confirmed" => Relation::Confirms,
            "corrected" => Relation::Corrects,
            _ => Relation::Repeats,
        };
        let related = claim.related.get(&relation);
        let found = claim.related.iter().flat_map(|(relation, claims)| {
            let short = |claim| self.judge.room.short(claim);
            claims
                .iter()
                .map(move |claim| format!("{} {relation} it", short(claim)))
        });
        let found: Vec<String> = found.collect();
        let holds = related.is_some_and(|claims| claims.contains(self.reference(by)));
        Verdict::new(holds, format!("related: {}", found.join(", ")))
    }

    fn tally(&self, about: &Mention, sum: Sum) -> Verdict {
        let tallies = &self.view.truce.claims.tallies;
        let Some(tally) = tallies.get(self.reference(about)) else {
            return Verdict::new(false, "no such tally is known there");
        };
        let (holds, found) = match (sum, tally.arithmetic) {
            (Sum::AddsUp(total), Arithmetic::AddsUp(is)) => {
                (total == is, format!("adds up to {is}"))
            }
            (expected, Arithmetic::DoesNotAddUp { stated, lines }) => (
                expected == Sum::DoesNotAddUp { lines, stated },
                format!("does not add up: {lines} against {stated}"),
            ),
            (_, Arithmetic::AddsUp(is)) => (false, format!("adds up to {is}")),
            (_, Arithmetic::TotalAlone(total)) => (false, format!("a total of {total} alone")),
            (_, Arithmetic::LinesAlone(lines)) => (false, format!("lines of {lines} and no total")),
        };
        Verdict::new(holds, found)
    }

    /// What a statement says now, after corrections, and the correction that says so.
    fn now_says(&self, about: &Mention) -> Option<(Body, Option<Reference>)> {
        let named = self.reference(about);
        let effective = self.view.statements.effective(&self.view.truce.directory);
        let entry = effective
            .into_iter()
            .find(|entry| entry.reference == *named)?;
        Some((entry.body.into_owned(), entry.corrected_by))
    }

    fn corrected(&self, about: &Mention, by: &Mention) -> Verdict {
        let Some((_, corrected_by)) = self.now_says(about) else {
            return Verdict::new(false, "it takes no effect there");
        };
        let found = corrected_by.as_ref().map_or_else(
            || "it is not corrected".to_owned(),
            |by| format!("corrected by {}", self.judge.room.short(by)),
        );
        Verdict::new(corrected_by.as_ref() == Some(self.reference(by)), found)
    }

    fn says(&self, about: &Mention, words: &str) -> Verdict {
        let Some((body, _)) = self.now_says(about) else {
            return Verdict::new(false, "it takes no effect there");
        };
        let body = body.write();
        Verdict::is(words, body["words"].as_str().unwrap_or("no words"))
    }

    fn stands(&self, about: &Mention, place: &Place) -> Verdict {
        let Some((body, _)) = self.now_says(about) else {
            return Verdict::new(false, "it takes no effect there");
        };
        let found = body.write()["place"].clone();
        Verdict::new(found == place.position(), found.to_string())
    }

    fn erased(&self, about: &Mention, at: &[CallSign]) -> Verdict {
        let named = self.reference(about);
        let truce = &self.view.truce;
        let done = self.view.statements.about(named).filter(|other| {
            let standing = truce.standings.get(&other.reference);
            let is_done = matches!(other.body(), Some(Ok(Body::EraseDone(_))));
            is_done && standing == Some(&Standing::Effective)
        });
        let done: Vec<CallSign> = done
            .filter_map(|other| truce.directory.call_sign(&other.reference.origin))
            .collect();
        let holds = at.iter().all(|call_sign| done.contains(call_sign));
        Verdict::new(holds, format!("erased at {}", signs(&done)))
    }

    fn answered(&self, by: &CallSign, about: &Mention, answered: &Answered) -> Verdict {
        let reply = answered.reply.as_deref();
        let fits = |is: &str| reply.is_none_or(|reply| reply == is);
        if let Some(separation) = self.view.truce.areas.separations.get(self.reference(about)) {
            return match separation.answers.get(by).map(|answer| &answer.said) {
                None => Verdict::new(false, format!("{by} has not answered")),
                Some(Said::Answered) => Verdict::new(reply.is_none(), "answered"),
                Some(Said::Refused(reason)) => {
                    Verdict::new(fits("refused"), format!("refused: {reason}"))
                }
            };
        }
        self.recipient(by, about, |state| {
            let part = answered.part.as_deref();
            let mut parts = state.parts.iter();
            let part = parts.find(|(id, _)| id.as_ref().map(Slug::as_str) == part);
            match part.map(|(_, part)| part) {
                None => Verdict::new(false, "nothing is asked there by this part"),
                Some(PartState::Silent) => Verdict::new(false, format!("{by} has not answered")),
                Some(PartState::Answered { reply, .. }) => {
                    Verdict::new(fits(reply.as_str()), reply.as_str())
                }
                Some(PartState::Refused { .. }) => Verdict::new(fits("refused"), "refused"),
            }
        })
    }
}

fn of_recipient(that: &That, state: &RecipientState) -> Verdict {
    match that {
        That::ReadBack(_, _, same) => {
            let is = state.read_back.as_ref().and_then(|fact| fact.same_place);
            let found = match (&state.read_back, is) {
                (None, _) => "not read back",
                (Some(_), None) => "read back without a place to compare",
                (Some(_), Some(true)) => "read back with the same place",
                (Some(_), Some(false)) => "read back with another place",
            };
            Verdict::new(is == Some(*same), found)
        }
        That::Language(_, _, known) => {
            let found = match state.language_on_duty {
                Some(true) => "somebody on duty reads it",
                Some(false) => "nobody on duty reads it",
                None => "it is not known whether somebody on duty reads it",
            };
            Verdict::new(state.language_on_duty == *known, found)
        }
        _ => Verdict::new(false, "nothing about a recipient"),
    }
}

fn urgency(urgency: due::Urgency) -> Urgency {
    match urgency {
        due::Urgency::Overdue => Urgency::Overdue,
        due::Urgency::Open => Urgency::Open,
        due::Urgency::Unreachable => Urgency::Unreachable,
    }
}

fn debt(what: &What) -> &'static str {
    match what {
        What::Flash => "flash",
        What::Answer(_) => "answer",
        What::Acceptance => "acceptance",
        What::AreaResponse => "area_response",
        What::SeparationAnswer => "separation_answer",
        What::LineTest => "line_test",
        What::Relief => "relief",
    }
}

fn step_word(step: &contact::Step) -> &'static str {
    match step {
        contact::Step::Receipt => "receipt",
        contact::Step::Acknowledgement => "acknowledgement",
        contact::Step::ReadBack => "read_back",
        contact::Step::SentDown => "sent_down",
        contact::Step::ConfirmedBelow => "confirmed_below",
        contact::Step::Answer | contact::Step::AnswerTo(_) => "answer",
    }
}

fn position(place: &Place) -> Option<Position> {
    Position::new(place.lat_e7, place.lon_e7)
}

fn acting(actor: &Actor) -> Option<agreement::Actor> {
    Some(match actor {
        Actor::Participant(call_sign) => agreement::Actor::Participant(call_sign.clone()),
        Actor::Formation(id) => agreement::Actor::Formation(Slug::new(id).ok()?),
        Actor::Group(id) => agreement::Actor::Group(Slug::new(id).ok()?),
        Actor::Unknown => agreement::Actor::Unknown,
    })
}

fn signs(signs: &[CallSign]) -> String {
    if signs.is_empty() {
        return "nobody".into();
    }
    let signs: Vec<&str> = signs.iter().map(CallSign::as_str).collect();
    signs.join(", ")
}

/// As scenarios write it: `3d12h`, `4m30s`.
fn lasting(ms: i64) -> String {
    let units = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
    ];
    let mut left = ms;
    let mut text = String::new();
    for (unit, unit_ms) in units {
        if left >= unit_ms {
            text.push_str(&format!("{}{unit}", left / unit_ms));
            left %= unit_ms;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}
