//! Responses: one set of them, to any statement of another participant. Each is its own fact; none implies a later one.

use crate::values::{Label, Language, Position, Slug, Time, Words};
use crate::wire::{Broken, body, rule, words};

body! {
    /// `receipt/1`: a machine took it. Nobody has read it yet.
    ///
    /// ```json
    /// {}
    /// ```
    Receipt {}
}

body! {
    /// `acknowledge/1`: a person read it.
    ///
    /// ```json
    /// {"languages_on_duty": "yes"}
    /// ```
    Acknowledge {
        /// Whether somebody on duty reads the language of the message.
        languages_on_duty: Option<OnDuty>,
    }
}

words! {
    /// Whether somebody on duty reads the language.
    OnDuty {
        /// Somebody does.
        Yes = "yes",
        /// Nobody does.
        No = "no",
    }
}

body! {
    /// `read_back/1`: a person repeated it. Whether it was repeated correctly is computed from what was repeated.
    ///
    /// ```json
    /// {"words": "Shelling at the village of Harbnafsah, still going on", "place": {"lat_e7": 348900000, "lon_e7": 365000000}}
    /// ```
    ReadBack {
        /// What was repeated.
        words: Words,
        /// The place as it was repeated, or found on the recipient's map.
        place: Option<Position>,
    }
}

words! {
    /// How far down it went.
    PassStep {
        /// It was sent down.
        SentDown = "sent_down",
        /// Those below confirmed that they have it.
        ConfirmedBelow = "confirmed_below",
    }
}

body! {
    /// `pass_down/1`: it went down the own chain, and how far.
    ///
    /// ```json
    /// {"step": "sent_down", "to": "air operations centre"}
    /// ```
    PassDown {
        /// How far.
        step: PassStep,
        /// To which office or formation.
        to: Label,
    }
}

body! {
    /// `hold/1`: still working on it. It never stops the first clock.
    ///
    /// ```json
    /// {"officer": "duty officer", "answer_by": "2016-06-21T18:00:00+03:00", "reason": "the staff has not decided"}
    /// ```
    Hold {
        /// Which officer works on it: an office, never a person's name.
        officer: Label,
        /// New date of the answer.
        answer_by: Time,
        /// Why it takes longer.
        reason: Option<Words>,
    }
}

words! {
    /// What is answered.
    Reply {
        /// The words say it.
        Words = "words",
        /// Agreed.
        Agreed = "agreed",
        /// We are checking. It holds and does not stop the clock.
        Checking = "checking",
        /// The order to stop was passed.
        StopPassed = "stop_passed",
        /// It is not ours.
        NotOurs = "not_ours",
        /// We cannot reach the unit.
        CannotReachUnit = "cannot_reach_unit",
        /// Refused.
        Refused = "refused",
    }
}

body! {
    /// `answer/1`: the answer, to the whole or to one part.
    ///
    /// ```json
    /// {"reply": "stop_passed", "words": "Passed at 21:14", "language": "en"}
    /// ```
    Answer {
        /// What is answered.
        reply: Reply,
        /// To which part; left out for the whole.
        part: Option<Slug>,
        /// In words.
        words: Option<Words>,
        /// Their language.
        language: Option<Language>,
    }
    sense: words_are_there;
}

fn words_are_there(answer: &Answer) -> Result<(), Broken> {
    rule(
        answer.reply != Reply::Words || answer.words.is_some(),
        "words",
        "must stand there when the words are the answer",
    )
}

body! {
    /// `refuse/1`: no, and why.
    ///
    /// ```json
    /// {"reason": "We cannot remove these groups"}
    /// ```
    Refuse {
        /// Why.
        reason: Words,
        /// Which part; left out for the whole.
        part: Option<Slug>,
        /// The language of the reason.
        language: Option<Language>,
    }
}

words! {
    /// An earlier response.
    Withdrawn {
        /// The answer.
        Answer = "answer",
        /// The refusal.
        Refuse = "refuse",
        /// The acknowledgement.
        Acknowledge = "acknowledge",
        /// The read-back.
        ReadBack = "read_back",
        /// The word that it was passed down.
        PassDown = "pass_down",
        /// The response to an area.
        AreaRespond = "area.respond",
    }
}

body! {
    /// `withdraw/1`: what we responded to this before no longer stands.
    ///
    /// ```json
    /// {"response": "answer", "reason": "It was our unit after all"}
    /// ```
    Withdraw {
        /// Which response.
        response: Withdrawn,
        /// Why.
        reason: Words,
    }
}

body! {
    /// `comment/1`: a remark. It answers nothing.
    ///
    /// ```json
    /// {"words": "The village is Harbnafsah, south-west of Hama", "language": "en"}
    /// ```
    Comment {
        /// The remark.
        words: Words,
        /// On which part.
        part: Option<Slug>,
        /// Its language.
        language: Option<Language>,
    }
}

impl Reply {
    /// Whether this reply holds: it says that somebody works on it and answers nothing yet.
    #[must_use]
    pub fn holds(self) -> bool {
        self == Self::Checking
    }
}
