//! What must be so: expectations, each a word with what belongs to it.

use super::say::Mention;
use super::text::{Cursor, ScenarioError};
use super::values::{self, Actor, Known, Lasting, Place};
use super::verbs::{MEANS, REPLIES};
use record::name::CallSign;
use record::time::UtcMs;

/// Something that must be so.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// It must not be so.
    pub not: bool,
    /// What.
    pub that: That,
    /// Through whose eyes; by default those of whoever runs the exercise, who sees everything that was said.
    pub eyes: Option<CallSign>,
}

/// What must be so.
#[derive(Debug, Clone, PartialEq)]
pub enum That {
    /// Something about this statement is open, overdue or unreachable.
    Open(Mention),
    /// Nothing about it is.
    Closed(Mention),
    /// Somebody owes this.
    Owed(Owed),
    /// Nobody, or this one, owes anything of this urgency.
    Nothing {
        /// How urgent; any, without it.
        urgency: Option<Urgency>,
        /// Who; anybody, without it.
        by: Option<CallSign>,
    },
    /// It stands at the top of what is due.
    First(Mention),
    /// The oldest that is open about it has this age.
    Age(Mention, Lasting),
    /// Its standing, and a part of the reason.
    Standing(Mention, String, Option<String>),
    /// A recipient has not taken this step.
    Missing(CallSign, Step, Mention),
    /// A participant can read a group of it.
    Reads(CallSign, Mention, String),
    /// The alarm for it sounds at a participant.
    Sounding(CallSign, Mention),
    /// It has climbed to this office.
    Climbed(Mention, String),
    /// It was said so many times.
    Sent(Mention, i64),
    /// It names a place that was not named before in its matter.
    NewPlace(Mention),
    /// A participant who must be told at once was not.
    Untold(CallSign, Mention),
    /// An instrument's state.
    Instrument {
        /// Which.
        about: Mention,
        /// `tabled`, `lapsed`, `accepted`, `in_force`, `suspended`, `amended`, `ended`.
        state: String,
        /// Since when.
        since: Option<UtcMs>,
        /// By whom it was suspended or ended.
        by: Vec<CallSign>,
        /// Who has not spoken.
        silent: Vec<CallSign>,
    },
    /// Whether those who were asked agree to an area: `agreed`, `disputed`, `open`.
    Area(Mention, String),
    /// Whether somebody is covered at a place.
    Coverage {
        /// `covered`, `excluded`, `undetermined`, `covered_inside_excluded_area`.
        answer: String,
        /// Who.
        actor: Actor,
        /// Where.
        place: Place,
        /// The provision that says so.
        by: Option<String>,
    },
    /// A line.
    Line(String, LineFact),
    /// A participant's watch.
    Shift(CallSign, ShiftFact),
    /// The second claim stands in this relation to the first.
    Claim(Mention, String, Mention),
    /// A tally's own arithmetic.
    Tally(Mention, Sum),
    /// It says now what this correction says.
    Corrected(Mention, Mention),
    /// Its words.
    Says(Mention, String),
    /// The place that it names.
    Stands(Mention, Place),
    /// A recipient read it back: with the same place or another one.
    ReadBack(CallSign, Mention, bool),
    /// Whether somebody on duty there reads its language; `None`: not known.
    Language(CallSign, Mention, Option<bool>),
    /// What a recipient answered.
    Answered(CallSign, Mention, Answered),
    /// These have said that they destroyed what the erasure names.
    Erased(Mention, Vec<CallSign>),
    /// What a site is: its state, or `avoided`, `review_due`, `frozen`.
    Site(Mention, String),
    /// A site's exact place may be given to a participant.
    MayRelease(CallSign, Mention),
    /// What a movement is: its stage, or how far a missed check-in has climbed, or `late`.
    Movement(Mention, String),
    /// A movement left while a recipient missed this step.
    LeftWithout(CallSign, Step, Mention),
    /// An owner has not read that a site of his was exposed.
    NotWarned(CallSign, Mention),
    /// A report tells of something in or near what a notice had told of before: the report, and the notice.
    Candidate(Mention, Mention),
    /// Two notices meet, and the reader is told.
    Conflict(Mention, Mention),
}

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Its time is over.
    Overdue,
    /// Its time is not over.
    Open,
    /// No clock runs: it has not reached whoever would owe it.
    Unreachable,
}

/// Something owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// How urgent.
    pub urgency: Urgency,
    /// By whom.
    pub by: CallSign,
    /// What: `answer`, `acceptance`, `area_response`, … : the words of what is owed.
    pub what: String,
    /// Which part is to be answered.
    pub part: Option<String>,
    /// About what.
    pub about: Option<Mention>,
    /// Overdue by so much.
    pub overdue_by: Option<Lasting>,
    /// Due within so much.
    pub within: Option<Lasting>,
    /// Due at this time.
    pub due_at: Option<UtcMs>,
    /// Said, or owed, since.
    pub since: Option<UtcMs>,
    /// That age.
    pub age: Option<Lasting>,
    /// A holding reply stands.
    pub holding: bool,
    /// Whether a receipt shows that it got there.
    pub receipt: Option<bool>,
}

/// A step that a recipient owes: `receipt`, `acknowledgement`, `read_back`, `sent_down`, `confirmed_below`, `answer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub word: String,
    /// An answer to this part.
    pub part: Option<String>,
}

/// What a recipient answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// To which part.
    pub part: Option<String>,
    /// What; any, without it.
    pub reply: Option<String>,
}

/// Something about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineFact {
    /// Both ends last heard each other at this time, over these means.
    LastTwoWay(UtcMs, Option<String>),
    /// They never did.
    NeverTwoWay,
    /// A fault of these means stands.
    Fault(String),
}

/// Something about a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShiftFact {
    /// This officer has the duty.
    OnDuty(String),
    /// Nobody has.
    Nobody,
    /// Its hand-over was signed by both and leaves this out, so that responsibility has not moved.
    Unticked(Mention),
    /// Relief did not come, and that was said.
    Unrelieved,
}

/// A tally's own arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// The lines add up to the stated total.
    AddsUp(i64),
    /// They do not.
    DoesNotAddUp {
        /// What the lines add up to.
        lines: i64,
        /// The total that is stated.
        stated: i64,
    },
}

const DEBTS: &[&str] = &[
    "answer",
    "acceptance",
    "area_response",
    "separation_answer",
    "line_test",
    "relief",
    "flash",
    "validation",
    "acknowledgement",
    "read_back",
    "pass_down",
    "review",
    "deletion",
    "contest",
    "owner_warning",
    "consent",
    "check_in",
    "uncertainty",
    "alert",
    "distress",
    "closing",
    "gaps",
];
/// What a site can be.
const SITE: &[&str] = &[
    "submitted",
    "returned",
    "validated",
    "withdrawn",
    "avoided",
    "review_due",
    "frozen",
];
/// What a movement can be.
const MOVEMENT: &[&str] = &[
    "notified",
    "aborted",
    "underway",
    "holding",
    "denied",
    "turned_back",
    "arrived",
    "closed",
    "late",
    "missed",
    "uncertainty",
    "alert",
    "distress",
    "heard",
];
const STANDINGS: &[&str] = &[
    "effective",
    "ineffective",
    "waiting",
    "undetermined",
    "unknown_kind",
    "unseen",
];
const STEPS: &[&str] = &[
    "receipt",
    "acknowledgement",
    "read_back",
    "sent_down",
    "confirmed_below",
    "answer",
];
const STATES: &[&str] = &[
    "tabled",
    "lapsed",
    "accepted",
    "in_force",
    "suspended",
    "amended",
    "ended",
];
const COVERAGES: &[&str] = &[
    "covered",
    "excluded",
    "undetermined",
    "covered_inside_excluded_area",
];

/// The words with which an expectation begins, each with an example of the rest of its line.
pub const EXPECTATIONS: &[(&str, &str)] = &[
    ("open", "open RU answer @strike within 5m"),
    ("closed", "closed @strike"),
    ("overdue", "overdue RU answer @strike by 4m"),
    (
        "unreachable",
        "unreachable RU answer @strike since 2016-06-20T09:00Z",
    ),
    ("nothing", "nothing overdue RU"),
    ("first", "first @coordinates"),
    ("age", "age @coordinates 90d"),
    ("standing", "standing @strike ineffective \"retracted\""),
    ("missing", "missing RU read_back @strike"),
    ("sounding", "sounding RU @strike"),
    ("climbed", "climbed @strike head_of_mission"),
    ("sent", "sent @strike 3"),
    ("new_place", "new_place @second-strike"),
    ("untold", "untold RU @strike"),
    ("instrument", "instrument @coh suspended since +90d by US"),
    ("area", "area @coordinates open"),
    (
        "coverage",
        "coverage formation first-brigade at 35.00N 37.30E covered by art-1",
    ),
    ("line", "line ru-us last_two_way +09:00:30 over primary"),
    ("shift", "shift RU on_duty \"night watch\""),
    ("claim", "claim @allegation denied @denial"),
    ("tally", "tally @bulletin does_not_add_up 8 against 7"),
    ("corrected", "corrected @strike @correction"),
    ("says", "says @strike \"قصف على القرية\""),
    ("stands", "stands @strike at 33.35N 38.67E"),
    ("read_back", "read_back RU @strike another_place"),
    ("language", "language RU @call not_on_duty"),
    ("answered", "answered RU @questions part a not_ours"),
    ("erased", "erased @erasure at RU, US"),
    ("site", "site @hospital validated"),
    ("may_release", "may_release US @hospital"),
    ("movement", "movement @convoy distress"),
    ("left_without", "left_without US confirmed_below @convoy"),
    ("not_warned", "not_warned HUM @leak"),
    ("candidate", "candidate @report @hospital"),
    ("conflict", "conflict @convoy @hospital"),
];
/// What may stand instead of such a word.
pub const READS: &str = "HUM does not read @report group exact";

/// Reads what stands after `expect`.
pub fn read(cursor: &mut Cursor<'_>, known: &Known) -> Result<Expect, ScenarioError> {
    cursor.example("expect overdue RU answer @strike by 4m for HUM");
    let not = cursor.eat("not");
    let (that, not) = match cursor.peek_word() {
        Some(word) if known.is_participant(word) => {
            let (that, reads) = reads(cursor, known)?;
            (that, not == reads)
        }
        _ => (that(cursor, known)?, not),
    };
    let eyes = match cursor.eat("for") {
        true => Some(values::call_sign(cursor, known)?),
        false => None,
    };
    Ok(Expect { not, that, eyes })
}

/// `RU reads @x`, `HUM does not read @x group exact`: what, and whether it is so.
fn reads(cursor: &mut Cursor<'_>, known: &Known) -> Result<(That, bool), ScenarioError> {
    cursor.example(READS);
    let by = values::call_sign(cursor, known)?;
    let reads = cursor.eat("reads");
    if !reads {
        if !cursor.eat("does") {
            return cursor.fail("reads, or does not read");
        }
        cursor.expect("not")?;
        cursor.expect("read")?;
    }
    let about = values::mention(cursor, known)?;
    let group = match cursor.eat("group") {
        true => values::name(cursor, "the group's name")?,
        false => "body".to_owned(),
    };
    Ok((That::Reads(by, about, group), reads))
}

fn that(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let words: Vec<&'static str> = EXPECTATIONS.iter().map(|(word, _)| *word).collect();
    let here = cursor
        .peek_word()
        .and_then(|word| EXPECTATIONS.iter().find(|(known, _)| *known == word));
    let Some((word, example)) = here else {
        return cursor.fail(format!(
            "refused, a call sign and reads, or one of {}",
            words.join(", ")
        ));
    };
    cursor.word_if_any();
    cursor.example(example);
    match *word {
        "open" | "overdue" | "unreachable" => urgent(word, cursor, known),
        "nothing" => nothing(cursor, known),
        "missing" => missing(cursor, known),
        "left_without" => {
            let by = values::call_sign(cursor, known)?;
            let word = cursor.one_of(STEPS)?.to_owned();
            let step = Step { word, part: None };
            Ok(That::LeftWithout(by, step, values::mention(cursor, known)?))
        }
        "instrument" => instrument(cursor, known),
        "coverage" => coverage(cursor, known),
        "line" => line(cursor, known),
        "shift" => shift(cursor, known),
        "tally" => tally(cursor, known),
        "answered" => answered(cursor, known),
        "candidate" => {
            let report = values::mention(cursor, known)?;
            Ok(That::Candidate(report, values::mention(cursor, known)?))
        }
        "conflict" => {
            let one = values::mention(cursor, known)?;
            Ok(That::Conflict(one, values::mention(cursor, known)?))
        }
        "sounding" | "untold" | "read_back" | "language" | "may_release" | "not_warned" => {
            of_somebody(word, cursor, known)
        }
        _ => of_a_statement(word, cursor, known),
    }
}

fn urgent(word: &str, cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let is_mention = cursor.peek_word().is_some_and(|word| word.starts_with('@'));
    if word == "open" && is_mention {
        return values::mention(cursor, known).map(That::Open);
    }
    let mut owed = Owed {
        urgency: urgency(word),
        by: values::call_sign(cursor, known)?,
        what: cursor.one_of(DEBTS)?.to_owned(),
        part: None,
        about: None,
        overdue_by: None,
        within: None,
        due_at: None,
        since: None,
        age: None,
        holding: false,
        receipt: None,
    };
    while !cursor.is_end() && cursor.peek_word() != Some("for") {
        if cursor.peek_word().is_some_and(|word| word.starts_with('@')) {
            owed.about = Some(values::mention(cursor, known)?);
            continue;
        }
        let clause = cursor.one_of(&[
            "part",
            "by",
            "within",
            "due",
            "since",
            "age",
            "holding",
            "receipt",
            "no_receipt",
        ])?;
        match clause {
            "part" => owed.part = Some(values::name(cursor, "the part's short name")?),
            "by" => owed.overdue_by = Some(values::lasting(cursor)?),
            "within" => owed.within = Some(values::lasting(cursor)?),
            "due" => owed.due_at = Some(values::time(cursor, known)?.1),
            "since" => owed.since = Some(values::time(cursor, known)?.1),
            "age" => owed.age = Some(values::lasting(cursor)?),
            "holding" => owed.holding = true,
            receipt => owed.receipt = Some(receipt == "receipt"),
        }
    }
    Ok(That::Owed(owed))
}

fn urgency(word: &str) -> Urgency {
    match word {
        "overdue" => Urgency::Overdue,
        "unreachable" => Urgency::Unreachable,
        _ => Urgency::Open,
    }
}

fn nothing(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let word = cursor.one_of(&["due", "open", "overdue", "unreachable"])?;
    let urgency = (word != "due").then(|| urgency(word));
    let by = match cursor.peek_word() {
        Some(word) if known.is_participant(word) => Some(values::call_sign(cursor, known)?),
        _ => None,
    };
    Ok(That::Nothing { urgency, by })
}

fn missing(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    let word = cursor.one_of(STEPS)?.to_owned();
    let part = part(cursor)?;
    let about = values::mention(cursor, known)?;
    Ok(That::Missing(by, Step { word, part }, about))
}

fn part(cursor: &mut Cursor<'_>) -> Result<Option<String>, ScenarioError> {
    if cursor.eat("part") {
        return values::name(cursor, "the part's short name").map(Some);
    }
    Ok(None)
}

fn instrument(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let about = values::mention(cursor, known)?;
    let state = cursor.one_of(STATES)?.to_owned();
    let (mut since, mut by, mut silent) = (None, vec![], vec![]);
    while !cursor.is_end() && cursor.peek_word() != Some("for") {
        match cursor.one_of(&["since", "by", "silent"])? {
            "since" => since = Some(values::time(cursor, known)?.1),
            "by" => by = values::call_signs(cursor, known)?,
            _ => silent = values::call_signs(cursor, known)?,
        }
    }
    Ok(That::Instrument {
        about,
        state,
        since,
        by,
        silent,
    })
}

fn coverage(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let actor = values::actor(cursor, known)?;
    cursor.expect("at")?;
    let place = values::place(cursor, known)?;
    let answer = cursor.one_of(COVERAGES)?.to_owned();
    let by = match cursor.eat("by") {
        true => Some(values::name(cursor, "the provision's short name")?),
        false => None,
    };
    Ok(That::Coverage {
        answer,
        actor,
        place,
        by,
    })
}

fn line(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let id = values::name(cursor, "the line's short name")?;
    let fact = match cursor.one_of(&["last_two_way", "never_two_way", "fault"])? {
        "last_two_way" => {
            let at = values::time(cursor, known)?.1;
            let over = match cursor.eat("over") {
                true => Some(cursor.one_of(MEANS)?.to_owned()),
                false => None,
            };
            LineFact::LastTwoWay(at, over)
        }
        "never_two_way" => LineFact::NeverTwoWay,
        _ => LineFact::Fault(cursor.one_of(MEANS)?.to_owned()),
    };
    Ok(That::Line(id, fact))
}

fn shift(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    let fact = match cursor.one_of(&["on_duty", "nobody", "unticked", "unrelieved"])? {
        "on_duty" => ShiftFact::OnDuty(cursor.quoted("which officer")?.to_owned()),
        "nobody" => ShiftFact::Nobody,
        "unticked" => ShiftFact::Unticked(values::mention(cursor, known)?),
        _ => ShiftFact::Unrelieved,
    };
    Ok(That::Shift(by, fact))
}

fn tally(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let about = values::mention(cursor, known)?;
    let word = cursor.one_of(&["adds_up", "does_not_add_up"])?;
    let lines = values::count(cursor)?;
    if word == "adds_up" {
        return Ok(That::Tally(about, Sum::AddsUp(lines)));
    }
    cursor.expect("against")?;
    let stated = values::count(cursor)?;
    Ok(That::Tally(about, Sum::DoesNotAddUp { lines, stated }))
}

fn answered(cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    let about = values::mention(cursor, known)?;
    let part = part(cursor)?;
    let reply = match cursor.peek_word() {
        Some("for") | None => None,
        Some(_) => Some(cursor.one_of(REPLIES)?.to_owned()),
    };
    Ok(That::Answered(by, about, Answered { part, reply }))
}

/// Expectations that begin with a participant and a statement.
fn of_somebody(word: &str, cursor: &mut Cursor<'_>, known: &Known) -> Result<That, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    let about = values::mention(cursor, known)?;
    Ok(match word {
        "sounding" => That::Sounding(by, about),
        "untold" => That::Untold(by, about),
        "may_release" => That::MayRelease(by, about),
        "not_warned" => That::NotWarned(by, about),
        "read_back" => {
            let word = cursor.one_of(&["same_place", "another_place"])?;
            That::ReadBack(by, about, word == "same_place")
        }
        _ => {
            let word = cursor.one_of(&["on_duty", "not_on_duty", "not_known"])?;
            let known = (word != "not_known").then_some(word == "on_duty");
            That::Language(by, about, known)
        }
    })
}

/// Expectations that begin with a statement.
fn of_a_statement(
    word: &str,
    cursor: &mut Cursor<'_>,
    known: &Known,
) -> Result<That, ScenarioError> {
    let about = values::mention(cursor, known)?;
    Ok(match word {
        "closed" => That::Closed(about),
        "first" => That::First(about),
        "age" => That::Age(about, values::lasting(cursor)?),
        "climbed" => That::Climbed(about, cursor.one_of(super::OFFICES)?.to_owned()),
        "sent" => That::Sent(about, values::count(cursor)?),
        "new_place" => That::NewPlace(about),
        "area" => {
            let agreed = cursor.one_of(&["agreed", "disputed", "open"])?;
            That::Area(about, agreed.to_owned())
        }
        "site" => That::Site(about, cursor.one_of(SITE)?.to_owned()),
        "movement" => That::Movement(about, cursor.one_of(MOVEMENT)?.to_owned()),
        "claim" => {
            let relation = cursor.one_of(&["denied", "confirmed", "corrected", "repeated"])?;
            cursor.eat("by");
            That::Claim(about, relation.to_owned(), values::mention(cursor, known)?)
        }
        "corrected" => {
            cursor.eat("by");
            That::Corrected(about, values::mention(cursor, known)?)
        }
        "says" => That::Says(about, cursor.quoted("the words")?.to_owned()),
        "stands" => {
            cursor.expect("at")?;
            That::Stands(about, values::place(cursor, known)?)
        }
        "erased" => {
            cursor.expect("at")?;
            That::Erased(about, values::call_signs(cursor, known)?)
        }
        _ => {
            let standing = cursor.one_of(STANDINGS)?.to_owned();
            let reason = match cursor.is_quoted() {
                true => Some(cursor.quoted("a part of the reason")?.to_owned()),
                false => None,
            };
            That::Standing(about, standing, reason)
        }
    })
}
