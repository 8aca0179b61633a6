//! Matters: each message with its repeats, and of each recipient what became of it.

use super::Context;
use super::objects::{Object, Ref, json};
use super::reception::{ReceptionRow, Told, step};
use record::name::CallSign;
use record::time::UtcMs;
use serde::Serialize;
use serde_json::Value;
use truce::contact::{Matter, PartState, RecipientState};
use truce::responses::Reply;
use truce::standing::Effective;
use truce::values::Language;
use truce::wire::Wire;
use truce::{Body, Truce};
use utoipa::ToSchema;

/// A message, its repeats and continuations, and of each recipient what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatterRow {
    /// Its first message.
    pub reference: String,
    /// Who sent it.
    pub by: String,
    /// The highest grade in which it was sent.
    #[schema(example = "FLASH")]
    pub precedence: String,
    /// When it was first sent.
    #[schema(format = DateTime)]
    pub first_at: String,
    /// Whether something in it is open.
    pub open: bool,
    /// How often it was sent again while an answer was missing.
    pub rung: usize,
    /// The office that has to know of it by now.
    pub climbed_to: String,
    /// Those whom the instrument names for FLASH and to whom this one was not sent.
    pub not_told: Vec<String>,
    /// The caller's side said that it stopped, or that contact is lost.
    pub closed: Option<Closed>,
    /// Its messages, the first one first.
    pub sends: Vec<SendRow>,
    /// What became of it at each recipient.
    pub recipients: Vec<RecipientRow>,
}

/// How the caller's side closed a FLASH.
#[derive(Debug, Serialize, ToSchema)]
pub struct Closed {
    /// The message that says so.
    #[serde(flatten)]
    pub said: Ref,
    /// `stopped` or `lost_contact`.
    pub happening: Value,
}

/// One message of a matter.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendRow {
    /// The message.
    #[serde(flatten)]
    pub said: Ref,
    /// What it says now, as in `message.send/1`.
    #[schema(value_type = Object)]
    pub message: Value,
    /// The correction that says so.
    pub corrected_by: Option<String>,
    /// Whether its place was not named before in this matter.
    pub new_place: bool,
}

/// What became of a matter at one recipient: each fact by itself; none implies another.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientRow {
    /// Who.
    pub call_sign: String,
    /// What became of it there. Among `missing` are `answer` and `answer:PART` too, and no step that is not asked for.
    #[serde(flatten)]
    pub reception: ReceptionRow,
    /// Whether somebody on duty reads the language; absent: not said.
    pub language_on_duty: Option<bool>,
    /// Answers to the whole, or to each part.
    pub parts: Vec<PartRow>,
    /// The recipient's own grade.
    pub regraded: Option<String>,
    /// To which office it went there.
    pub escalated: Option<String>,
    /// An answer is owed so many seconds after delivery.
    pub answer_within_s: i64,
    /// When the answer is due, once the clock has started.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
}

/// The last word on the whole, or on one part.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartRow {
    /// Which part; absent for the whole.
    pub part: Option<String>,
    /// `silent`, `answered` or `refused`.
    pub state: &'static str,
    /// Where it stands; absent while there is silence.
    pub said: Option<Ref>,
    /// What was answered.
    pub reply: Option<Value>,
}

/// Of what asks for nothing, to whom it was sent.
pub(super) fn told(part: &Truce) -> Vec<Told<'_>> {
    let inform = part.matters.values().filter(|matter| !matter.asks());
    let told = inform.flat_map(|matter| {
        matter.recipients.iter().map(|(to, state)| Told {
            about: &matter.root,
            version: &state.asked_in,
            at: matter.sends[0].at,
            by: &matter.by,
            to,
            delivery: state.reception.delivery,
        })
    });
    told.collect()
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    part.matters.values().map(object).collect()
}

fn object(matter: &Matter) -> Object {
    Object {
        reference: matter.root.clone(),
        capability: "matter",
        at: matter.sends[0].at,
        end: matter.sends[0].at,
        by: matter.by.clone(),
        place: String::new(),
        tag: word(&matter.precedence),
        title: Some(title(matter)),
        open: matter.is_open(),
        body: json(&row(matter)),
    }
}

/// Its subject, or else its place, or else its grade.
fn title(matter: &Matter) -> String {
    let message = &matter.sends[0].message;
    let named = message.subject.as_ref().or(message.place_name.as_ref());
    named.map_or_else(|| word(&matter.precedence), ToString::to_string)
}

/// A test or fault of a line, as a row by which its line finds it.
pub(super) fn line_object(said: &Effective<'_>) -> Option<Object> {
    let (capability, line, at, tag) = match &*said.body {
        Body::LineTest(test) => (
            "line.test",
            &test.line,
            test.tested_at.utc(),
            format!("{} {}", word(&test.means), word(&test.result)),
        ),
        Body::LineFault(fault) => (
            "line.fault",
            &fault.line,
            fault.since.utc(),
            word(&fault.means),
        ),
        _ => return None,
    };
    Some(Object {
        reference: said.reference.clone(),
        capability,
        at,
        end: at,
        by: said.by.clone(),
        place: line.to_string(),
        tag,
        title: None,
        open: false,
        body: said.body.write().to_string(),
    })
}

fn row(matter: &Matter) -> MatterRow {
    MatterRow {
        reference: matter.root.to_string(),
        by: matter.by.to_string(),
        precedence: word(&matter.precedence),
        first_at: matter.sends[0].at.to_string(),
        open: matter.is_open(),
        rung: matter.rung,
        climbed_to: matter.climbed_to().as_str().into(),
        not_told: matter.not_told.iter().map(ToString::to_string).collect(),
        closed: matter.closed.as_ref().map(|(reference, at, how)| Closed {
            said: Ref::new(reference, *at),
            happening: how.write(),
        }),
        sends: matter.sends.iter().map(send).collect(),
        recipients: matter.recipients.iter().map(recipient).collect(),
    }
}

fn send(send: &truce::contact::Send) -> SendRow {
    SendRow {
        said: Ref::new(&send.reference, send.at),
        message: send.message.write(),
        corrected_by: send.corrected_by.as_ref().map(ToString::to_string),
        new_place: send.new_place,
    }
}

fn recipient((call_sign, state): (&CallSign, &RecipientState)) -> RecipientRow {
    RecipientRow {
        call_sign: call_sign.to_string(),
        reception: ReceptionRow {
            missing: state.missing.iter().map(step).collect(),
            ..ReceptionRow::of(&state.reception)
        },
        language_on_duty: state.language_on_duty,
        parts: state
            .parts
            .iter()
            .map(|(id, word)| part(id.as_ref().map(ToString::to_string), word))
            .collect(),
        regraded: state.regraded.as_ref().map(|(_, grade)| word(grade)),
        escalated: state.escalated.map(|office| office.as_str().into()),
        answer_within_s: state.clock.answer_within_s.get(),
        due_at: state.due_at.map(|at| at.to_string()),
    }
}

/// A matter's row with whether somebody on duty at each recipient reads it: where no acknowledgement says so, the watch does.
/// Watches are not among what the row was computed from, so it is told when it is read.
pub(super) fn with_languages(body: String, context: &Context) -> String {
    const MEMBER: &str = "\"language_on_duty\":";
    if context.shifts.is_empty() {
        return body;
    }
    let Ok(matter) = serde_json::from_str::<Value>(&body) else {
        return body;
    };
    let mut sends = matter["sends"].as_array().into_iter().flatten();
    let language = sends.find_map(|send| Language::new(send["message"]["language"].as_str()?).ok());
    let (Some(language), Some(recipients)) = (language, matter["recipients"].as_array()) else {
        return body;
    };
    // A row stays as it was written: of each recipient in turn, what nobody said is replaced and nothing else.
    let mut parts = body.split(MEMBER);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for (part, recipient) in parts.zip(recipients) {
        told += MEMBER;
        let word = match part.strip_prefix("null") {
            Some(rest) => by_watch(recipient, &language, context).map(|reads| (reads, rest)),
            None => None,
        };
        match word {
            Some((reads, rest)) => told += &format!("{reads}{rest}"),
            None => told += part,
        }
    }
    told
}

fn by_watch(recipient: &Value, language: &Language, context: &Context) -> Option<bool> {
    let call_sign: CallSign = recipient["call_sign"].as_str()?.parse().ok()?;
    let at = UtcMs::parse(recipient["delivery_at"].as_str()?).ok()?;
    let origin = context.directory.origin(&call_sign)?;
    context.shifts.get(origin)?.reads(language, at)
}

fn part(part: Option<String>, word: &PartState) -> PartRow {
    let (state, said, reply): (_, _, Option<&Reply>) = match word {
        PartState::Silent => ("silent", None, None),
        PartState::Answered {
            reference,
            at,
            reply,
        } => ("answered", Some(Ref::new(reference, *at)), Some(reply)),
        PartState::Refused { reference, at } => ("refused", Some(Ref::new(reference, *at)), None),
    };
    PartRow {
        part,
        state,
        said,
        reply: reply.map(Wire::write),
    }
}

/// A word of a closed list, as bodies have it.
pub(crate) fn word(value: &impl Wire) -> String {
    value.write().as_str().unwrap_or_default().to_owned()
}
