//! A matter: a message, its repeats and continuations, and of each recipient what became of it.

use super::reception::{Heard, Reception};
use super::{Happening, Message};
use crate::Body;
use crate::agreement::{Agreement, Clock, Precedence};
use crate::participants::Office;
use crate::responses::{OnDuty, Reply};
use crate::standing::{Directory, Effective};
use crate::values::{Position, Slug};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// Whether, and how it is known, that something reached a recipient. Its clock starts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The recipient said so: by its receipt, or by a person's response.
    Received(UtcMs),
    /// The recipient gave no receipt, but a neutral had seen a head that covers it.
    SentNoReceipt(UtcMs),
    /// Neither: the recipient cannot be reached since it was said. That is never "overdue".
    Unreachable(UtcMs),
}

impl Delivery {
    /// When it got there, or since when it does not.
    #[must_use]
    pub fn at(self) -> UtcMs {
        match self {
            Self::Received(at) | Self::SentNoReceipt(at) | Self::Unreachable(at) => at,
        }
    }

    /// When the clock started.
    #[must_use]
    pub fn started_at(self) -> Option<UtcMs> {
        match self {
            Self::Received(at) | Self::SentNoReceipt(at) => Some(at),
            Self::Unreachable(_) => None,
        }
    }
}

/// When the log of a neutral first said that it had seen a head which covers a statement: earliest by the order of that log.
pub type SeenBy<'s> = dyn Fn(&Origin, &Reference) -> Option<UtcMs> + 's;

/// What tells whether something had arrived: every response, also one that was taken back later (whoever withdraws his answer
/// had the question), and the heads that neutrals saw.
pub struct Arrivals<'a> {
    about: BTreeMap<&'a Reference, Vec<&'a Effective<'a>>>,
    seen_by: &'a SeenBy<'a>,
}

impl<'a> Arrivals<'a> {
    /// From what was heard and what neutrals saw.
    #[must_use]
    pub fn new(heard: &'a [Effective<'a>], seen_by: &'a SeenBy<'a>) -> Self {
        let mut about: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
        for entry in heard.iter().filter(|entry| is_response(&entry.body)) {
            if let Some(object) = entry.object() {
                about.entry(object).or_default().push(entry);
            }
        }
        Self { about, seen_by }
    }

    /// How and when the statements `objects` (one matter, the first one first) reached the log `recipient`.
    #[must_use]
    pub fn delivery(
        &self,
        objects: &[&Reference],
        said_at: UtcMs,
        recipient: Option<&Origin>,
        neutrals: &BTreeSet<Origin>,
    ) -> Delivery {
        let about = objects
            .iter()
            .filter_map(|object| self.about.get(*object))
            .flatten();
        let received = about
            .filter(|entry| Some(&entry.reference.origin) == recipient)
            .map(|entry| entry.at())
            .min();
        if let Some(at) = received {
            return Delivery::Received(at);
        }
        let first = objects.first();
        let seen = first.and_then(|first| {
            neutrals
                .iter()
                .filter_map(|neutral| (self.seen_by)(neutral, first))
                .min()
        });
        seen.map_or(Delivery::Unreachable(said_at), |at| {
            Delivery::SentNoReceipt(at.max(said_at))
        })
    }
}

fn is_response(body: &Body) -> bool {
    matches!(
        body,
        Body::Receipt(_)
            | Body::Acknowledge(_)
            | Body::ReadBack(_)
            | Body::PassDown(_)
            | Body::Hold(_)
            | Body::Answer(_)
            | Body::Refuse(_)
            | Body::Comment(_)
            | Body::AreaRespond(_)
            | Body::InstrumentAccept(_)
            | Body::MessageRegrade(_)
            | Body::MessageEscalate(_)
            | Body::SiteValidate(_)
            | Body::SiteReturn(_)
            | Body::SiteContest(_)
            | Body::SiteDeletionAttest(_)
    )
}

/// One message of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// What it says now.
    pub message: Message,
    /// The correction that says so.
    pub corrected_by: Option<Reference>,
    /// Whether its place was not named before in this matter.
    pub new_place: bool,
}

/// A read-back and whether it repeats what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBackFact {
    /// Where it stands.
    pub reference: Reference,
    /// When.
    pub at: UtcMs,
    /// Whether the place is the same; `None` when one of the two names none.
    pub same_place: Option<bool>,
}

/// What was said to one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartState {
    /// Nothing. It means nothing.
    Silent,
    /// Answered.
    Answered {
        /// Where.
        reference: Reference,
        /// When.
        at: UtcMs,
        /// What.
        reply: Reply,
    },
    /// Refused.
    Refused {
        /// Where.
        reference: Reference,
        /// When.
        at: UtcMs,
    },
}

/// A step that a recipient owes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A machine's receipt.
    Receipt,
    /// A person's acknowledgement.
    Acknowledgement,
    /// A read-back of the same place.
    ReadBack,
    /// That it was sent down.
    SentDown,
    /// That those below have it.
    ConfirmedBelow,
    /// An answer to the whole.
    Answer,
    /// An answer to a part.
    AnswerTo(Slug),
}

/// What became of a matter at one recipient: each fact by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientState {
    /// The first message of the matter that was sent to it.
    pub asked_in: Reference,
    /// What became of it there.
    pub reception: Reception,
    /// Whether somebody on duty there reads the language; `None`: not known.
    pub language_on_duty: Option<bool>,
    /// Answers: to the whole, or to each part.
    pub parts: BTreeMap<Option<Slug>, PartState>,
    /// The recipient's own grade.
    pub regraded: Option<(Reference, Precedence)>,
    /// To which office it went there.
    pub escalated: Option<Office>,
    /// What is owed.
    pub clock: Clock,
    /// When the answer is due, once the clock has started.
    pub due_at: Option<UtcMs>,
    /// What is missing.
    pub missing: Vec<Step>,
}

impl RecipientState {
    /// Whether every part has an answer or a refusal.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.parts.values().all(|part| *part != PartState::Silent)
    }
}

/// Something that makes an alarm sound.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sound {
    /// When.
    pub at: UtcMs,
    /// What it was.
    pub why: &'static str,
}

/// A matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Its first message.
    pub root: Reference,
    /// Who sent it.
    pub by: CallSign,
    /// The highest grade in which it was sent.
    pub precedence: Precedence,
    /// Its messages, the first one first.
    pub sends: Vec<Send>,
    /// What became of it at each recipient.
    pub recipients: BTreeMap<CallSign, RecipientState>,
    /// Those whom the instrument names for FLASH and to whom this one was not sent.
    pub not_told: Vec<CallSign>,
    /// How often it was sent again while an answer was missing: how far it has climbed.
    pub rung: usize,
    /// To which office the sender took it.
    pub escalated: Option<Office>,
    /// The caller's side said that it stopped or that contact is lost.
    pub closed: Option<(Reference, UtcMs, Happening)>,
}

impl Matter {
    /// Whether something in it is open: a FLASH until the caller's side closes it, any other until all have answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        if self.precedence == Precedence::Flash {
            return self.closed.is_none();
        }
        self.asks()
            && self
                .recipients
                .values()
                .any(|recipient| !recipient.is_answered())
    }

    /// Whether it asks for an answer.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.sends
            .iter()
            .any(|send| send.message.informs != Some(true))
    }

    /// The office that has to know of it by now: it climbs with each repeat.
    #[must_use]
    pub fn climbed_to(&self) -> Office {
        let by_repeats = if self.rung >= 2 {
            Office::HeadOfMission
        } else {
            Office::DutyOfficer
        };
        self.escalated.map_or(by_repeats, |office| {
            if self.rung >= 2 {
                Office::HeadOfMission
            } else {
                office
            }
        })
    }

    /// What sounded at `recipient` until `now`: its arrival, each new place, each repeat, the deadline.
    #[must_use]
    pub fn sounds(&self, recipient: &CallSign, now: UtcMs) -> Vec<Sound> {
        let Some(state) = self.recipients.get(recipient) else {
            return vec![];
        };
        let sent = self.sends.iter().enumerate().map(|(i, send)| Sound {
            at: send.at,
            why: match (i, send.new_place) {
                (0, _) => "new matter",
                (_, true) => "new place",
                (_, false) => "sent again",
            },
        });
        let due = state
            .due_at
            .filter(|_| self.asks() && !state.is_answered())
            .map(|at| Sound {
                at,
                why: "answer overdue",
            });
        let mut sounds: Vec<Sound> = sent.chain(due).filter(|sound| sound.at <= now).collect();
        sounds.sort();
        sounds
    }

    /// Whether the alarm at `recipient` sounds at `now` when it was silenced at `silenced_at`. Silencing is a hand on a switch:
    /// it acknowledges nothing, and whatever happens later sounds again.
    #[must_use]
    pub fn is_sounding(
        &self,
        recipient: &CallSign,
        silenced_at: Option<UtcMs>,
        now: UtcMs,
    ) -> bool {
        let attended =
            |state: &RecipientState| state.reception.acknowledged.is_some() && state.is_answered();
        let open = self.is_open()
            && self
                .recipients
                .get(recipient)
                .is_some_and(|state| !attended(state));
        let heard = |sound: &Sound| silenced_at.is_some_and(|at| sound.at <= at);
        open && self
            .sounds(recipient, now)
            .iter()
            .any(|sound| !heard(sound))
    }
}

/// Folds messages and responses into matters: all of them, or those of one matter.
#[must_use]
pub fn fold(
    said: &[Effective<'_>],
    arrivals: &Arrivals<'_>,
    agreement: &Agreement,
    directory: &Directory,
) -> BTreeMap<Reference, Matter> {
    let mut roots: BTreeMap<&Reference, &Reference> = BTreeMap::new();
    let mut sends: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    // An author's log is in order, so that what is continued always comes before what continues it.
    for entry in said
        .iter()
        .filter(|entry| matches!(*entry.body, Body::MessageSend(_)))
    {
        let root = entry
            .object()
            .and_then(|object| roots.get(object).copied())
            .unwrap_or(&entry.reference);
        roots.insert(&entry.reference, root);
        sends.entry(root).or_default().push(entry);
    }
    let mut about: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    for entry in said {
        if let Some(root) = entry.object().and_then(|object| roots.get(object)) {
            about.entry(root).or_default().push(entry);
        }
    }
    let none = Vec::new();
    let all = sends.into_iter().map(|(root, sends)| {
        let about = about.get(root).unwrap_or(&none);
        (
            root.clone(),
            matter(root, &sends, about, arrivals, agreement, directory),
        )
    });
    all.collect()
}

fn matter(
    root: &Reference,
    entries: &[&Effective<'_>],
    about: &[&Effective<'_>],
    arrivals: &Arrivals<'_>,
    agreement: &Agreement,
    directory: &Directory,
) -> Matter {
    let sends = in_order(entries);
    let first = &sends[0];
    let precedence = sends
        .iter()
        .map(|send| send.message.precedence)
        .min()
        .unwrap_or(Precedence::Routine);
    let neutrals = agreement.neutrals(first.at);
    let to: BTreeSet<&CallSign> = sends.iter().flat_map(|send| &send.message.to).collect();
    let by = entries[0].by.clone();
    let told = |sign: &&CallSign| !to.contains(sign) && **sign != by;
    let flash = agreement.flash_recipients(first.at).iter();
    let not_told = flash
        .filter(|_| precedence == Precedence::Flash)
        .filter(told)
        .cloned()
        .collect();
    let recipients = to.iter().map(|to| {
        let recipient = Recipient {
            call_sign: to,
            origin: directory.origin(to),
            sends: &sends,
            about,
        };
        (
            (*to).clone(),
            recipient.state(arrivals, &neutrals, agreement),
        )
    });
    let recipients: BTreeMap<CallSign, RecipientState> = recipients.collect();
    let own = about
        .iter()
        .filter(|entry| entry.reference.origin == root.origin);
    let escalated = own.filter_map(|entry| match &*entry.body {
        Body::MessageEscalate(escalate) => Some((entry.reference.index, escalate.to_office)),
        _ => None,
    });
    let closing = sends
        .iter()
        .rev()
        .find_map(|send| Some((send, send.message.happening?)));
    let closed = closing.filter(|(_, happening)| *happening != Happening::StillHappening);
    Matter {
        root: root.clone(),
        by,
        precedence,
        not_told,
        rung: repeats_unanswered(&sends, &recipients),
        escalated: escalated.max().map(|(_, office)| office),
        closed: closed.map(|(send, happening)| (send.reference.clone(), send.at, happening)),
        recipients,
        sends,
    }
}

/// The messages of one matter, in the order of their log, each with whether it names a new place.
fn in_order(entries: &[&Effective<'_>]) -> Vec<Send> {
    let mut places: Vec<Position> = Vec::new();
    let sends = entries.iter().filter_map(|entry| match &*entry.body {
        Body::MessageSend(message) => {
            let new_place = message
                .place
                .as_ref()
                .is_some_and(|place| !places.contains(place));
            places.extend(message.place.clone());
            let (reference, corrected_by) = (entry.reference.clone(), entry.corrected_by.clone());
            Some(Send {
                reference,
                at: entry.at(),
                message: message.clone(),
                corrected_by,
                new_place,
            })
        }
        _ => None,
    });
    sends.collect()
}

/// How many times it was sent again while somebody had not answered.
fn repeats_unanswered(sends: &[Send], recipients: &BTreeMap<CallSign, RecipientState>) -> usize {
    let answered_at = |state: &RecipientState| {
        let times = state.parts.values().map(|part| match part {
            PartState::Silent => UtcMs(i64::MAX),
            PartState::Answered { at, .. } | PartState::Refused { at, .. } => *at,
        });
        times.max().unwrap_or(UtcMs(i64::MAX))
    };
    let last = recipients
        .values()
        .map(answered_at)
        .max()
        .unwrap_or(UtcMs(i64::MAX));
    let again = sends.iter().skip(1).filter(|send| {
        send.message
            .happening
            .is_none_or(|h| h == Happening::StillHappening)
    });
    again.filter(|send| send.at < last).count()
}

struct Recipient<'a> {
    call_sign: &'a CallSign,
    origin: Option<&'a Origin>,
    sends: &'a [Send],
    about: &'a [&'a Effective<'a>],
}

impl Recipient<'_> {
    fn heard(&self) -> Heard<'_> {
        Heard {
            origin: self.origin,
            about: self.about,
        }
    }

    fn responses(&self) -> impl Iterator<Item = &Effective<'_>> {
        self.heard().responses()
    }

    fn state(
        &self,
        arrivals: &Arrivals<'_>,
        neutrals: &BTreeSet<Origin>,
        agreement: &Agreement,
    ) -> RecipientState {
        let mine = self
            .sends
            .iter()
            .filter(|send| send.message.to.contains(self.call_sign));
        let mine: Vec<&Send> = mine.collect();
        let objects: Vec<&Reference> = mine.iter().map(|send| &send.reference).collect();
        let first_at = mine[0].at;
        let place_of = |of: &Reference| {
            let asked = self.sends.iter().find(|send| send.reference == *of);
            asked.and_then(|send| send.message.place.as_ref())
        };
        let reception = Reception::of(
            self.heard(),
            &objects,
            first_at,
            arrivals,
            neutrals,
            &place_of,
        );
        let sent = mine
            .iter()
            .map(|send| send.message.precedence)
            .min()
            .unwrap_or(Precedence::Routine);
        let regraded = self.responses().filter_map(|entry| match &*entry.body {
            Body::MessageRegrade(regrade) => Some((entry.reference.clone(), regrade.precedence)),
            _ => None,
        });
        let regraded = regraded.last();
        // A recipient's grade can bring the deadline nearer and never push it away.
        let owed = regraded
            .as_ref()
            .map_or(sent, |(_, grade)| sent.min(*grade));
        let clock = agreement.clock(owed, first_at);
        let due_at = reception
            .delivery
            .started_at()
            .map(|at| UtcMs(at.0 + clock.answer_within_s.get() * 1000));
        let mut state = RecipientState {
            asked_in: mine[0].reference.clone(),
            reception,
            language_on_duty: self.language_on_duty(),
            parts: self.parts(&mine),
            regraded,
            escalated: self.escalated(),
            clock,
            due_at,
            missing: vec![],
        };
        state.missing = missing(
            &state,
            mine.iter().all(|send| send.message.informs == Some(true)),
        );
        state
    }

    fn language_on_duty(&self) -> Option<bool> {
        let said = self.responses().filter_map(|entry| match &*entry.body {
            Body::Acknowledge(acknowledge) => acknowledge.languages_on_duty,
            _ => None,
        });
        said.last().map(|word| word == OnDuty::Yes)
    }

    fn parts(&self, mine: &[&Send]) -> BTreeMap<Option<Slug>, PartState> {
        let ids: BTreeSet<Option<Slug>> = mine
            .iter()
            .flat_map(|send| &send.message.parts)
            .map(|part| Some(part.id.clone()))
            .collect();
        let ids = if ids.is_empty() {
            BTreeSet::from([None])
        } else {
            ids
        };
        ids.into_iter()
            .map(|id| (id.clone(), self.part(id.as_ref())))
            .collect()
    }

    /// The last word on a part. A word on the whole is none on a part: what was asked apart is answered apart.
    fn part(&self, id: Option<&Slug>) -> PartState {
        let words = self.responses().filter_map(|entry| {
            let (reference, at) = (entry.reference.clone(), entry.at());
            match &*entry.body {
                Body::Answer(answer)
                    if answer.part.as_ref() == id && answer.reply == Reply::Refused =>
                {
                    Some(PartState::Refused { reference, at })
                }
                Body::Answer(answer) if answer.part.as_ref() == id && !answer.reply.holds() => {
                    Some(PartState::Answered {
                        reference,
                        at,
                        reply: answer.reply,
                    })
                }
                Body::Refuse(refuse) if refuse.part.as_ref() == id => {
                    Some(PartState::Refused { reference, at })
                }
                _ => None,
            }
        });
        words.last().unwrap_or(PartState::Silent)
    }

    fn escalated(&self) -> Option<Office> {
        let escalated = self.responses().filter_map(|entry| match &*entry.body {
            Body::MessageEscalate(escalate) => Some(escalate.to_office),
            _ => None,
        });
        escalated.last()
    }
}

fn missing(state: &RecipientState, informs: bool) -> Vec<Step> {
    let owed = |step: &Step| match step {
        Step::ReadBack => state.clock.read_back,
        Step::SentDown | Step::ConfirmedBelow => state.clock.pass_down,
        _ => true,
    };
    let mut missing = state.reception.missing(UtcMs(i64::MAX));
    missing.retain(owed);
    let silent = state
        .parts
        .iter()
        .filter(|(_, part)| !informs && **part == PartState::Silent);
    missing.extend(silent.map(|(id, _)| id.clone().map_or(Step::Answer, Step::AnswerTo)));
    missing
}
