//! Contact: messages and what became of them, lines, watches. Sent, delivered, acknowledged, read back, passed down, answered
//! are facts of their own; none implies another, and silence implies nothing.

mod lines;
mod matters;
mod reception;
mod shifts;

pub use lines::{LineEnd, LineState, Slot, fold as fold_lines, last_two_way, slot, within_ms};
pub use matters::{
    Arrivals, Delivery, Matter, PartState, ReadBackFact, RecipientState, SeenBy, Send, Sound, Step,
    fold as fold_matters,
};
pub(crate) use reception::Heard;
pub use reception::{Reception, same_place};
pub use shifts::{HandOver, Shift, ShiftEnd, Shifts, fold as fold_shifts, hear_all as hear_shifts};

use crate::agreement::Precedence;
use crate::participants::Office;
use crate::values::{Label, Language, List, Position, Slug, Time, Words};
use crate::wire::{Broken, body, rule, words};
use record::name::{CallSign, Reference};
use std::collections::BTreeSet;

words! {
    /// Whether it is still going on.
    Happening {
        /// It is.
        StillHappening = "still_happening",
        /// It stopped.
        Stopped = "stopped",
        /// Those who told us can no longer be reached.
        LostContact = "lost_contact",
    }
}

body! {
    /// A part of a message that is answered by itself.
    Part {
        /// Short name: `a`, `b`.
        id: Slug,
        /// What is asked.
        ask: Words,
    }
}

body! {
    /// `message.send/1`: a message. About an own earlier one it repeats or continues that matter. FLASH needs a place and whether
    /// it is still happening, and nothing more: no side, no words.
    ///
    /// ```json
    /// {"precedence": "FLASH", "to": ["RU", "US"], "place": {"lat_e7": 353000000, "lon_e7": 401000000},
    ///  "happening": "still_happening"}
    /// ```
    Message {
        /// How urgent.
        precedence: Precedence,
        /// To whom: all of them at once, each with a clock of its own.
        to: List<CallSign, 1, 64>,
        /// What it is about.
        subject: Option<Label>,
        /// The message.
        words: Option<Words>,
        /// The language of its words.
        language: Option<Language>,
        /// Where.
        place: Option<Position>,
        /// Name of the place, as it is written and said there.
        place_name: Option<Label>,
        /// Whether it is still going on.
        happening: Option<Happening>,
        /// When it happened.
        occurred_at: Option<Time>,
        /// Parts that are answered each by itself.
        parts: List<Part, 0, 16>,
        /// No answer is asked for: it informs.
        informs: Option<bool>,
    }
    sense: message_says_enough;
}

fn message_says_enough(message: &Message) -> Result<(), Broken> {
    let flash = message.precedence == Precedence::Flash;
    rule(
        !flash || message.place.is_some(),
        "place",
        "must stand there in a FLASH",
    )?;
    rule(
        !flash || message.happening.is_some(),
        "happening",
        "must stand there in a FLASH",
    )?;
    rule(
        !flash || message.informs != Some(true),
        "informs",
        "cannot be said of a FLASH: it asks for an answer",
    )?;
    let words = message.words.is_some() || !message.parts.is_empty();
    rule(
        flash || words,
        "words",
        "must stand there unless it is a FLASH",
    )?;
    rule(
        message.words.is_none() || message.language.is_some(),
        "language",
        "must stand there with words",
    )?;
    let ids: BTreeSet<&Slug> = message.parts.iter().map(|part| &part.id).collect();
    rule(
        ids.len() == message.parts.len(),
        "parts",
        "has each id once",
    )
}

body! {
    /// `message.regrade/1`: the recipient sees it as more or less urgent. Both grades are shown; a deadline only comes nearer.
    ///
    /// ```json
    /// {"precedence": "IMMEDIATE", "reason": "A convoy is on that road"}
    /// ```
    Regrade {
        /// The recipient's grade.
        precedence: Precedence,
        /// Why.
        reason: Words,
    }
}

body! {
    /// `message.escalate/1`: it goes to a higher office, on the side that says so.
    ///
    /// ```json
    /// {"to_office": "head_of_mission", "reason": "No answer after three calls"}
    /// ```
    Escalate {
        /// To which office.
        to_office: Office,
        /// Why.
        reason: Words,
    }
}

words! {
    /// One of a line's means.
    Means {
        /// The first.
        Primary = "primary",
        /// The second.
        Alternate = "alternate",
        /// The third.
        Contingency = "contingency",
        /// The last.
        Emergency = "emergency",
    }
}

words! {
    /// What a test gave, at this end.
    TestResult {
        /// The other end was heard.
        Heard = "heard",
        /// It was not.
        NotHeard = "not_heard",
        /// The means itself does not work.
        Fault = "fault",
    }
}

body! {
    /// `line.test/1`: one end's word on a test. A line works when both ends heard each other.
    ///
    /// ```json
    /// {"line": "ru-us", "means": "primary", "tested_at": "2016-06-21T09:00:00Z", "result": "heard", "languages": ["en", "ru"]}
    /// ```
    LineTest {
        /// The line, by the instrument's short name.
        line: Slug,
        /// Which of its means.
        means: Means,
        /// When it was tested.
        tested_at: Time,
        /// What was heard.
        result: TestResult,
        /// Which office answered at the other end.
        answered_by: Option<Label>,
        /// Languages that were spoken.
        languages: List<Language, 0, 8>,
    }
}

body! {
    /// `line.fault/1`: a means of a line does not work. The next test in which both ends are heard ends it.
    ///
    /// ```json
    /// {"line": "ru-us", "means": "alternate", "since": "2016-06-21T08:00:00Z", "words": "No carrier"}
    /// ```
    LineFault {
        /// The line.
        line: Slug,
        /// Which of its means.
        means: Means,
        /// Since when.
        since: Time,
        /// What is known.
        words: Words,
    }
}

body! {
    /// `shift.open/1`: a watch begins without a hand-over: the first one, or an emergency takeover with its reason.
    ///
    /// ```json
    /// {"officer": "duty officer, day watch", "languages": ["ar", "en"], "until": "2016-06-21T18:00:00Z"}
    /// ```
    ShiftOpen {
        /// Which officer, by office: never a person's name.
        officer: Label,
        /// Languages read and spoken on this watch.
        languages: List<Language, 1, 16>,
        /// When relief is due.
        until: Time,
        /// Why the watch was taken over without a hand-over.
        takeover_reason: Option<Words>,
    }
}

body! {
    /// `shift.hand_over/1`: the off-going officer's half. Each open FLASH and each overdue item is ticked.
    ///
    /// ```json
    /// {"to": "duty officer, night watch", "notes": "Line ru-us tested at 17:00"}
    /// ```
    ShiftHandOver {
        /// To which officer, by office.
        to: Label,
        /// What was gone through together.
        ticked: List<Reference, 0, 128>,
        /// What else has to be known.
        notes: Option<Words>,
    }
}

body! {
    /// `shift.accept/1`: the on-coming officer's half, signed with another key. Responsibility moves here.
    ///
    /// ```json
    /// {"officer": "duty officer, night watch", "languages": ["en"], "until": "2016-06-22T06:00:00Z"}
    /// ```
    ShiftAccept {
        /// Which officer, by office.
        officer: Label,
        /// Languages read and spoken on this watch.
        languages: List<Language, 1, 16>,
        /// When relief is due.
        until: Time,
    }
}

body! {
    /// `shift.unrelieved/1`: relief did not come; the watch goes on.
    ///
    /// ```json
    /// {"reason": "The road is closed", "until": "2016-06-22T00:00:00Z"}
    /// ```
    ShiftUnrelieved {
        /// Why, if it is known.
        reason: Option<Words>,
        /// When relief is expected now.
        until: Option<Time>,
    }
}
