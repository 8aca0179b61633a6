//! FLASH that is open: how old, where, and who has not.

use super::{FLASH_MAX, Moment, seconds_since};
use crate::views::ViewError;
use record::name::Reference;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// A FLASH that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardFlash {
    /// Its first message: full reference.
    pub reference: String,
    /// The same, to be read aloud.
    #[schema(example = "US-88")]
    pub short: String,
    /// Who calls.
    pub by: String,
    /// When it was first sent.
    #[schema(format = DateTime)]
    pub since: String,
    /// Its age in seconds.
    pub age_s: i64,
    /// How often it was sent again while an answer was missing.
    pub repeats: usize,
    /// The office that has to know of it by now.
    pub climbed_to: String,
    /// Whether it is still going on, by the last word of the caller's side.
    pub happening: Option<String>,
    /// The name of the place.
    pub place_name: Option<String>,
    /// The place, in 1e-7 degree north.
    pub lat_e7: Option<i64>,
    /// The place, in 1e-7 degree east.
    pub lon_e7: Option<i64>,
    /// Who was called and has not: `received`, `acknowledged`, `read_back`, `sent_down`, `confirmed_below`, `answered`. A step that
    /// everybody took, or that is not asked for, is left out.
    #[schema(example = json!({"acknowledged": ["RU"], "answered": ["MISSION", "RU"]}))]
    pub has_not: BTreeMap<String, Vec<String>>,
    /// Those whom the instrument names for FLASH and to whom this one was not sent.
    pub not_told: Vec<String>,
    /// What was answered so far, in the order of the answers.
    pub answers: Vec<BoardAnswer>,
    /// When the first answer that is missing is due; absent while no clock runs.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// By how many seconds that is overdue.
    pub overdue_s: i64,
    /// Whether the alarm at the own desk sounds. It does not where the own side was not called.
    pub sounding: bool,
    /// Each recipient: what is missing, and what was answered.
    pub recipients: Vec<BoardRecipient>,
}

/// A recipient of an open FLASH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardRecipient {
    /// Who.
    pub call_sign: String,
    /// `received`, `sent_no_receipt` (a neutral saw a head that covers it) or `unreachable`.
    pub delivery: String,
    /// What is missing: `receipt`, `acknowledgement`, `read_back`, `sent_down`, `confirmed_below`, `answer`.
    pub missing: Vec<String>,
    /// What was answered; `holding` answers nothing.
    pub replies: Vec<String>,
    /// When the answer is due, once its clock runs.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Seconds by which it is overdue.
    pub overdue_s: i64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct BoardAnswer {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whose.
    pub by: String,
    /// To which part; absent for the whole.
    pub part: Option<String>,
    /// `words`, `agreed`, `stop_passed`, `not_ours`, `cannot_reach_unit` or `refused`.
    #[schema(example = "stop_passed")]
    pub reply: String,
}

/// What is read of a matter's row.
#[derive(Deserialize)]
struct Matter {
    reference: String,
    by: String,
    not_told: Vec<String>,
    rung: usize,
    climbed_to: String,
    closed: Option<At>,
    sends: Vec<Sent>,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct At {
    at: String,
}

#[derive(Deserialize)]
struct Sent {
    at: String,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    place: Option<Place>,
    place_name: Option<String>,
    happening: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    lat_e7: i64,
    lon_e7: i64,
}

#[derive(Deserialize)]
struct Recipient {
    call_sign: String,
    delivery: String,
    delivery_at: String,
    acknowledged: Option<At>,
    read_back: Option<ReadBack>,
    sent_down: Option<At>,
    confirmed_below: Option<At>,
    parts: Vec<Part>,
    holding: Option<serde::de::IgnoredAny>,
    due_at: Option<String>,
    missing: Vec<String>,
}

#[derive(Deserialize)]
struct ReadBack {
    at: String,
    same_place: Option<bool>,
}

#[derive(Deserialize)]
struct Part {
    part: Option<String>,
    state: String,
    said: Option<At>,
    reply: Option<String>,
}

impl Moment<'_> {
    pub(super) fn flashes(&self) -> Result<(Vec<BoardFlash>, u64), ViewError> {
        let found = self.moment.open_flash(self.now, FLASH_MAX)?;
        let mut open = Vec::with_capacity(found.first.len());
        for body in &found.first {
            let matter: Matter = serde_json::from_str(body)
                .map_err(|error| ViewError::Damaged(format!("a matter: {error}")))?;
            open.push(self.flash(&matter)?);
        }
        Ok((open, found.total))
    }

    fn flash(&self, matter: &Matter) -> Result<BoardFlash, ViewError> {
        let clock = AsOf(self.now);
        let sends: Vec<&Sent> = matter
            .sends
            .iter()
            .filter(|send| clock.passed(&send.at))
            .collect();
        let since = sends
            .first()
            .map_or_else(String::new, |send| send.at.clone());
        let last = |say: &dyn Fn(&Message) -> bool| {
            let mut newest = sends.iter().rev().map(|send| &send.message);
            newest.find(|message| say(message))
        };
        let place = last(&|message| message.place.is_some());
        let position = place.and_then(|message| message.place.as_ref());
        let recipients = || matter.recipients.iter();
        let due = recipients()
            .filter(|recipient| !clock.answered(recipient))
            .filter_map(|recipient| clock.due(recipient))
            .min();
        let reference: Option<Reference> = matter.reference.parse().ok();
        let short = reference.as_ref().map(|r| self.short(r));
        Ok(BoardFlash {
            short: short.unwrap_or_default(),
            reference: matter.reference.clone(),
            by: matter.by.clone(),
            age_s: clock.age_s(&since),
            since,
            repeats: matter.rung.min(sends.len().saturating_sub(1)),
            climbed_to: matter.climbed_to.clone(),
            happening: last(&|message| message.happening.is_some())
                .and_then(|message| message.happening.clone()),
            place_name: last(&|message| message.place_name.is_some())
                .and_then(|message| message.place_name.clone()),
            lat_e7: position.map(|place| place.lat_e7),
            lon_e7: position.map(|place| place.lon_e7),
            has_not: clock.has_not(&matter.recipients),
            not_told: matter.not_told.clone(),
            answers: clock.answers(&matter.recipients),
            due_at: due.map(|at| at.to_string()),
            overdue_s: due.map_or(0, |at| seconds_since(at, self.now)),
            sounding: self.sounding(matter, &sends)?,
            recipients: matter
                .recipients
                .iter()
                .map(|r| clock.recipient(r))
                .collect(),
        })
    }

    /// Whether the alarm at the own desk sounds, as `truce::contact::Matter::is_sounding` has it.
    fn sounding(&self, matter: &Matter, sends: &[&Sent]) -> Result<bool, ViewError> {
        let clock = AsOf(self.now);
        let mine = self.own.map(|own| own.as_str());
        let mut recipients = matter.recipients.iter();
        let Some(own) = recipients.find(|r| Some(r.call_sign.as_str()) == mine) else {
            return Ok(false);
        };
        let closed = matter
            .closed
            .as_ref()
            .is_some_and(|closed| clock.passed(&closed.at));
        let attended = clock.took(own.acknowledged.as_ref()) && clock.answered(own);
        if closed || attended {
            return Ok(false);
        }
        let eyes = self.scene.views.eyes();
        let silenced = self.scene.timers.silenced_at(eyes, &matter.reference)?;
        let overdue = clock
            .due(own)
            .filter(|at| *at <= self.now && !clock.answered(own));
        let sounds = sends.iter().filter_map(|send| UtcMs::parse(&send.at).ok());
        let mut sounds = sounds.chain(overdue);
        Ok(sounds.any(|at| silenced.is_none_or(|silenced| at > silenced)))
    }
}

/// Looks at facts as of a time: what came later is not there yet.
struct AsOf(UtcMs);

impl AsOf {
    fn passed(&self, at: &str) -> bool {
        UtcMs::parse(at).is_ok_and(|at| at <= self.0)
    }

    fn took(&self, step: Option<&At>) -> bool {
        step.is_some_and(|step| self.passed(&step.at))
    }

    fn age_s(&self, at: &str) -> i64 {
        UtcMs::parse(at).map_or(0, |at| seconds_since(at, self.0))
    }

    /// When the answer is due, if its clock runs.
    fn due(&self, recipient: &Recipient) -> Option<UtcMs> {
        let due = UtcMs::parse(recipient.due_at.as_ref()?).ok()?;
        let started = recipient.delivery != "unreachable" && self.passed(&recipient.delivery_at);
        started.then_some(due)
    }

    fn answered(&self, recipient: &Recipient) -> bool {
        let mut parts = recipient.parts.iter();
        parts.all(|part| self.took(part.said.as_ref()))
    }

    fn recipient(&self, recipient: &Recipient) -> BoardRecipient {
        let due = self.due(recipient).filter(|_| !self.answered(recipient));
        let arrived = self.passed(&recipient.delivery_at);
        let replies = self
            .answers(std::slice::from_ref(recipient))
            .into_iter()
            .map(|answer| answer.reply);
        let holding = recipient.holding.as_ref().map(|_| "holding".to_owned());
        let noun = |step: &str| {
            match step {
                "received" => "receipt",
                "acknowledged" => "acknowledgement",
                "answered" => "answer",
                _ => return step.to_owned(),
            }
            .to_owned()
        };
        BoardRecipient {
            call_sign: recipient.call_sign.clone(),
            delivery: if arrived {
                recipient.delivery.clone()
            } else {
                "unreachable".to_owned()
            },
            missing: self.missing(recipient).into_iter().map(noun).collect(),
            replies: replies.chain(holding).collect(),
            due_at: due.map(|at| at.to_string()),
            overdue_s: due.map_or(0, |at| seconds_since(at, self.0)),
        }
    }

    fn has_not(&self, recipients: &[Recipient]) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recipient in recipients {
            for step in self.missing(recipient) {
                let who = all.entry(step.to_owned()).or_default();
                who.push(recipient.call_sign.clone());
            }
        }
        all
    }

    /// The steps that a recipient has not taken: those that are missing to this day, and those that came later than the time that
    /// is shown.
    fn missing(&self, recipient: &Recipient) -> BTreeSet<&'static str> {
        let received = recipient.delivery == "received" && self.passed(&recipient.delivery_at);
        let read_back = recipient.read_back.as_ref();
        let right = |read_back: &ReadBack| read_back.same_place != Some(false);
        let asked = |step: &str, taken: bool| taken || recipient.missing.iter().any(|m| m == step);
        let steps = [
            ("received", true, received),
            (
                "acknowledged",
                true,
                self.took(recipient.acknowledged.as_ref()),
            ),
            (
                "read_back",
                asked("read_back", read_back.is_some()),
                read_back.is_some_and(|r| right(r) && self.passed(&r.at)),
            ),
            (
                "sent_down",
                asked("sent_down", recipient.sent_down.is_some()),
                self.took(recipient.sent_down.as_ref()),
            ),
            (
                "confirmed_below",
                asked("confirmed_below", recipient.confirmed_below.is_some()),
                self.took(recipient.confirmed_below.as_ref()),
            ),
            ("answered", true, self.answered(recipient)),
        ];
        let missing = steps
            .into_iter()
            .filter(|(_, asked, taken)| *asked && !taken);
        missing.map(|(step, ..)| step).collect()
    }

    fn answers(&self, recipients: &[Recipient]) -> Vec<BoardAnswer> {
        let mut answers: Vec<BoardAnswer> = Vec::new();
        for recipient in recipients {
            for part in &recipient.parts {
                let Some(said) = part.said.as_ref().filter(|said| self.passed(&said.at)) else {
                    continue;
                };
                let reply = part.reply.as_ref().unwrap_or(&part.state);
                answers.push(BoardAnswer {
                    at: said.at.clone(),
                    by: recipient.call_sign.clone(),
                    part: part.part.clone(),
                    reply: reply.clone(),
                });
            }
        }
        answers.sort();
        answers
    }
}
