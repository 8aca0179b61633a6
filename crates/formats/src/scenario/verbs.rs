//! The table of verbs: how the body of each kind is said in words.

use super::OFFICES;
use super::text::Cursor;

/// A verb: how the body of one kind is said in words.
pub struct Verb {
    /// The verb.
    pub word: &'static str,
    /// The kind that it says.
    pub kind: &'static str,
    /// How a line with it can look, from the verb on.
    pub example: &'static str,
    /// What must follow, in this order.
    pub(super) order: &'static [Part],
    /// What may follow then, in any order.
    pub(super) clauses: &'static [Clause],
}

/// A part of a line.
pub enum Part {
    /// The statement that it is about.
    About,
    /// A member of the body.
    Member(&'static str, Form),
    /// A quoted text with its language: `words` and `language`.
    Words,
    /// A place; its name goes to the member that stands second.
    Place(&'static str, Option<&'static str>),
    /// A day: `said_at` with the precision of a day.
    Day,
    /// `a "What is asked"`.
    Ask,
    /// `"Damascus" 4`.
    Counted,
    /// Another verb, whose body is what should have been said.
    Says,
    /// Statements that it is about, with commas between them.
    Abouts,
    /// Call signs, each of which becomes a consent.
    Consents,
    /// A place for the group `exact`, with its name.
    Site,
    /// `36.20N 37.15E +24:00 to 36.40N 37.20E +26:00`: a leg, for the group `exact`.
    Leg,
    /// `gate +26:00`: a check-in.
    CheckPoint,
    /// A live place, for the group `exact`.
    Live,
}

/// How a member is written.
pub enum Form {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The word before it alone says it.
    Is(&'static str),
    /// The word before it alone says yes.
    Yes,
    /// A short name.
    Name,
    /// Short names.
    Names,
    /// A quoted text.
    Text,
    /// Call signs.
    CallSigns,
    /// A language.
    Language,
    /// Languages.
    Languages,
    /// A time.
    Time,
    /// An outline.
    Outline,
    /// Statements.
    Mentions,
    /// A whole number.
    Count,
    /// A call sign.
    CallSign,
    /// Place codes.
    Codes,
    /// Some of these words.
    SomeOf(&'static [&'static str]),
    /// A title, perhaps with an address.
    Source,
}

/// A part that may stand in any order, after its word.
pub struct Clause {
    /// Its word; empty, when a quoted text stands for itself.
    pub word: &'static str,
    /// What follows it.
    pub part: Part,
}

impl Clause {
    /// Whether it stands at the cursor.
    pub fn stands_at(&self, cursor: &Cursor<'_>) -> bool {
        match self.word {
            "" => cursor.is_quoted(),
            word => cursor.peek_word() == Some(word),
        }
    }
}

const fn clause(word: &'static str, part: Part) -> Clause {
    Clause { word, part }
}

const REASON: Clause = clause("because", Part::Member("reason", Form::Text));
const PART: Clause = clause("part", Part::Member("part", Form::Name));
const WORDS: Clause = clause("", Part::Words);
const UNTIL: Clause = clause("until", Part::Member("until", Form::Time));
const LANGUAGES: Clause = clause("languages", Part::Member("languages", Form::Languages));
const SOURCE: Clause = clause("source", Part::Member("source", Form::Source));

const MESSAGE: &[Clause] = &[
    clause("to", Part::Member("to", Form::CallSigns)),
    clause("at", Part::Place("place", Some("place_name"))),
    clause(
        "still_happening",
        Part::Member("happening", Form::Is("still_happening")),
    ),
    clause("stopped", Part::Member("happening", Form::Is("stopped"))),
    clause(
        "lost_contact",
        Part::Member("happening", Form::Is("lost_contact")),
    ),
    WORDS,
    clause("subject", Part::Member("subject", Form::Text)),
    clause("part", Part::Ask),
    clause("occurred", Part::Member("occurred_at", Form::Time)),
    clause("informs", Part::Member("informs", Form::Yes)),
    clause("again", Part::About),
];
const LEAVE: &[Clause] = &[clause("from", Part::Member("from", Form::Time)), REASON];

const NEXT: Clause = clause("next", Part::Member("next_check_in", Form::Time));
const THROUGH: Clause = clause("through", Part::Member("through", Form::CallSign));
const CODES: Clause = clause("in", Part::Member("pcodes", Form::Codes));
const MOVEMENT: &[Clause] = &[
    clause("to", Part::Member("to", Form::CallSigns)),
    THROUGH,
    CODES,
    clause("persons", Part::Member("persons", Form::Count)),
    clause("from", Part::Member("from", Form::Time)),
    UNTIL,
    clause("leg", Part::Leg),
    clause("check_in", Part::CheckPoint),
    clause("emergency", Part::Member("emergency", Form::Yes)),
    clause("cargo", Part::Member("cargo", Form::Text)),
    REASON,
];

/// How urgent a message is: the verbs that say one.
pub const PRECEDENCES: &[&str] = &["FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"];
/// What may be answered.
pub const REPLIES: &[&str] = &[
    "words",
    "agreed",
    "checking",
    "stop_passed",
    "not_ours",
    "cannot_reach_unit",
    "refused",
];
/// A line's means.
pub const MEANS: &[&str] = &["primary", "alternate", "contingency", "emergency"];
const RELATIONS: &[&str] = &["denies", "confirms", "corrects", "repeats"];
/// The verbs of `instrument.leave`, with what they say.
pub const LEAVINGS: &[(&str, &str)] = &[
    ("instrument.suspend", "suspend"),
    ("instrument.resume", "resume"),
    ("instrument.end", "end"),
];
/// Verbs that change offices and keys, each with an example; the desk `admin` says them.
pub const CONTROLS: &[(&str, &str)] = &[
    ("office.revoke", "office.revoke duty_officer.night"),
    ("key.revoke", "key.revoke duty_officer"),
    (
        "key.compromise",
        "key.compromise duty_officer from @first-forged",
    ),
];

/// Choices of words that are repeated here from the kinds, so that a slip is found where it was written: kind, member, words.
pub const CHOICES: &[(&str, &str, &[&str])] = &[
    ("message.send", "precedence", PRECEDENCES),
    ("answer", "reply", REPLIES),
    ("line.test", "means", MEANS),
    ("claim.relate", "relation", RELATIONS),
    ("pass_down", "step", STEPS),
    ("area.respond", "response", AREA_ANSWERS),
    ("withdraw", "response", WITHDRAWN),
    ("line.test", "result", RESULTS),
    ("claim.record", "claim", CLAIMS),
    ("message.escalate", "to_office", OFFICES),
    ("area.designate", "purpose", PURPOSES),
    ("site.notify", "category", CATEGORIES),
    ("site.contest", "contention", CONTENTIONS),
    ("exposure.declare", "discovery", DISCOVERIES),
    ("movement.notify", "purpose", ERRANDS),
    ("movement.notify", "mode", MODES),
];
const CATEGORIES: &[&str] = &[
    "hospital",
    "clinic",
    "school",
    "shelter",
    "worship",
    "water",
    "power",
    "food",
    "warehouse",
    "office",
    "culture",
    "detention",
    "monitors",
    "other",
];
const CONTENTIONS: &[&str] = &[
    "another_place",
    "another_function",
    "said_to_be_misused",
    "gone",
];
const DISCOVERIES: &[&str] = &["published", "shown", "lost", "unexplained_reads", "told"];
const ERRANDS: &[&str] = &[
    "relief",
    "medical",
    "evacuation",
    "patrol",
    "observation_flight",
    "assessment",
    "repair",
    "exchange",
    "other",
];
const MODES: &[&str] = &["road", "air", "water", "foot", "rail", "mixed"];
const CHECKS: &[&str] = &["visit", "imagery", "call", "two_sources"];
const FAULTS: &[&str] = &[
    "place_does_not_fit",
    "datum_unstated",
    "function_does_not_fit",
    "incomplete",
    "twice",
    "consent_not_shown",
    "could_not_check",
];
const STEPS: &[&str] = &["sent_down", "confirmed_below"];
const AREA_ANSWERS: &[&str] = &["agree", "dispute", "under_consultation"];
const WITHDRAWN: &[&str] = &[
    "answer",
    "refuse",
    "acknowledge",
    "read_back",
    "pass_down",
    "area.respond",
];
const RESULTS: &[&str] = &["heard", "not_heard", "fault"];
const CLAIMS: &[&str] = &[
    "assertion",
    "allegation",
    "denial",
    "warning",
    "estimate",
    "admission",
];
/// What an area is designated for.
pub const PURPOSES: &[&str] = &["held_by_excluded_group", "disengagement", "security_zone"];

/// All verbs that write a body.
pub const VERBS: &[Verb] = &[
    Verb {
        word: "FLASH",
        kind: "message.send",
        example: "FLASH to RU, MISSION at 33.35N 38.67E still_happening as @strike",
        order: &[],
        clauses: MESSAGE,
    },
    Verb {
        word: "IMMEDIATE",
        kind: "message.send",
        example: "IMMEDIATE to US \"قصف على القرية\" in ar at 34.94N 36.62E as @call",
        order: &[],
        clauses: MESSAGE,
    },
    Verb {
        word: "PRIORITY",
        kind: "message.send",
        example: "PRIORITY to US \"Two questions\" in en part a \"Was it yours?\" part b \"What was the target?\" as @questions",
        order: &[],
        clauses: MESSAGE,
    },
    Verb {
        word: "ROUTINE",
        kind: "message.send",
        example: "ROUTINE to RU \"Meeting at ten\" in en informs",
        order: &[],
        clauses: MESSAGE,
    },
    Verb {
        word: "receipt",
        kind: "receipt",
        example: "receipt @strike",
        order: &[Part::About],
        clauses: &[],
    },
    Verb {
        word: "acknowledge",
        kind: "acknowledge",
        example: "acknowledge @strike languages_on_duty no",
        order: &[Part::About],
        clauses: &[clause(
            "languages_on_duty",
            Part::Member("languages_on_duty", Form::OneOf(&["yes", "no"])),
        )],
    },
    Verb {
        word: "read_back",
        kind: "read_back",
        example: "read_back @strike \"Strike near the crossing, still happening\" at 33.35N 38.67E",
        order: &[Part::About, Part::Member("words", Form::Text)],
        clauses: &[clause("at", Part::Place("place", None))],
    },
    Verb {
        word: "pass_down",
        kind: "pass_down",
        example: "pass_down @strike sent_down to \"air operations centre\"",
        order: &[Part::About, Part::Member("step", Form::OneOf(STEPS))],
        clauses: &[clause("to", Part::Member("to", Form::Text))],
    },
    Verb {
        word: "hold",
        kind: "hold",
        example: "hold @coordinates until +12:00 because \"the staff has not decided\"",
        order: &[Part::About],
        clauses: &[
            clause("until", Part::Member("answer_by", Form::Time)),
            clause("officer", Part::Member("officer", Form::Text)),
            REASON,
        ],
    },
    Verb {
        word: "answer",
        kind: "answer",
        example: "answer @strike stop_passed \"Passed at 21:14\" in en",
        order: &[Part::About, Part::Member("reply", Form::OneOf(REPLIES))],
        clauses: &[PART, WORDS],
    },
    Verb {
        word: "refuse",
        kind: "refuse",
        example: "refuse @separation because \"We cannot remove these groups\"",
        order: &[Part::About],
        clauses: &[
            PART,
            REASON,
            clause("in", Part::Member("language", Form::Language)),
        ],
    },
    Verb {
        word: "withdraw",
        kind: "withdraw",
        example: "withdraw answer @call because \"It was our unit after all\"",
        order: &[
            Part::Member("response", Form::OneOf(WITHDRAWN)),
            Part::About,
        ],
        clauses: &[REASON],
    },
    Verb {
        word: "comment",
        kind: "comment",
        example: "comment @call \"The village lies south-west of Hama\" in en",
        order: &[Part::About],
        clauses: &[PART, WORDS],
    },
    Verb {
        word: "instrument.accept",
        kind: "instrument.accept",
        example: "instrument.accept @coh",
        order: &[Part::About],
        clauses: &[],
    },
    Verb {
        word: "instrument.suspend",
        kind: "instrument.leave",
        example: "instrument.suspend @coh from +90d because \"The other side does not keep it\"",
        order: &[Part::About],
        clauses: LEAVE,
    },
    Verb {
        word: "instrument.resume",
        kind: "instrument.leave",
        example: "instrument.resume @coh because \"Talks were held\"",
        order: &[Part::About],
        clauses: LEAVE,
    },
    Verb {
        word: "instrument.end",
        kind: "instrument.leave",
        example: "instrument.end @coh because \"It is over for us\"",
        order: &[Part::About],
        clauses: LEAVE,
    },
    Verb {
        word: "formation.join",
        kind: "formation.join",
        example: "formation.join @coh first-brigade \"First Brigade\"",
        order: &[
            Part::About,
            Part::Member("id", Form::Name),
            Part::Member("name", Form::Text),
        ],
        clauses: &[clause("in", Part::Member("language", Form::Language))],
    },
    Verb {
        word: "area.designate",
        kind: "area.designate",
        example: "area.designate \"North-east of Aleppo\" to US held_by nusra area 36.20N 37.20E to 36.40N 37.40E basis \"Own reconnaissance\" as @coordinates",
        order: &[Part::Member("name", Form::Text)],
        clauses: &[
            clause("to", Part::Member("to", Form::CallSigns)),
            clause("held_by", Part::Member("held_by", Form::Name)),
            clause("purpose", Part::Member("purpose", Form::OneOf(PURPOSES))),
            clause("area", Part::Member("polygon", Form::Outline)),
            clause("basis", Part::Member("basis", Form::Text)),
            clause("from", Part::Member("valid_from", Form::Time)),
            clause("until", Part::Member("valid_until", Form::Time)),
            clause("revises", Part::About),
        ],
    },
    Verb {
        word: "area.respond",
        kind: "area.respond",
        example: "area.respond @coordinates dispute because \"Covered groups hold its western half\"",
        order: &[
            Part::About,
            Part::Member("response", Form::OneOf(AREA_ANSWERS)),
        ],
        clauses: &[
            clause("until", Part::Member("answer_by", Form::Time)),
            REASON,
        ],
    },
    Verb {
        word: "separation.ask",
        kind: "separation.ask",
        example: "separation.ask to US formations first-brigade \"Leave the area held by the excluded group\" as @separation",
        order: &[],
        clauses: &[
            clause("to", Part::Member("to", Form::CallSigns)),
            clause("formations", Part::Member("formations", Form::Names)),
            clause("", Part::Member("words", Form::Text)),
            UNTIL,
        ],
    },
    Verb {
        word: "line.test",
        kind: "line.test",
        example: "line.test ru-us heard over primary languages en, ru",
        order: &[
            Part::Member("line", Form::Name),
            Part::Member("result", Form::OneOf(RESULTS)),
        ],
        clauses: &[
            clause("over", Part::Member("means", Form::OneOf(MEANS))),
            clause("tested", Part::Member("tested_at", Form::Time)),
            clause("answered_by", Part::Member("answered_by", Form::Text)),
            LANGUAGES,
        ],
    },
    Verb {
        word: "line.fault",
        kind: "line.fault",
        example: "line.fault ru-us alternate \"No carrier\" since +08:00",
        order: &[
            Part::Member("line", Form::Name),
            Part::Member("means", Form::OneOf(MEANS)),
            Part::Member("words", Form::Text),
        ],
        clauses: &[clause("since", Part::Member("since", Form::Time))],
    },
    Verb {
        word: "message.regrade",
        kind: "message.regrade",
        example: "message.regrade @call IMMEDIATE because \"A convoy is on that road\"",
        order: &[
            Part::About,
            Part::Member("precedence", Form::OneOf(PRECEDENCES)),
        ],
        clauses: &[REASON],
    },
    Verb {
        word: "message.escalate",
        kind: "message.escalate",
        example: "message.escalate @call head_of_mission because \"No answer after three calls\"",
        order: &[Part::About, Part::Member("to_office", Form::OneOf(OFFICES))],
        clauses: &[REASON],
    },
    Verb {
        word: "shift.open",
        kind: "shift.open",
        example: "shift.open \"day watch\" languages ar, en until +12:00 as @day",
        order: &[Part::Member("officer", Form::Text)],
        clauses: &[
            LANGUAGES,
            UNTIL,
            clause("takeover", Part::Member("takeover_reason", Form::Text)),
        ],
    },
    Verb {
        word: "shift.hand_over",
        kind: "shift.hand_over",
        example: "shift.hand_over @day to \"night watch\" ticked @strike, @call as @half",
        order: &[Part::About],
        clauses: &[
            clause("to", Part::Member("to", Form::Text)),
            clause("ticked", Part::Member("ticked", Form::Mentions)),
            clause("notes", Part::Member("notes", Form::Text)),
        ],
    },
    Verb {
        word: "shift.accept",
        kind: "shift.accept",
        example: "shift.accept @half \"night watch\" languages en until +24:00",
        order: &[Part::About, Part::Member("officer", Form::Text)],
        clauses: &[LANGUAGES, UNTIL],
    },
    Verb {
        word: "shift.unrelieved",
        kind: "shift.unrelieved",
        example: "shift.unrelieved @day until +18:00 because \"The road is closed\"",
        order: &[Part::About],
        clauses: &[UNTIL, REASON],
    },
    Verb {
        word: "claim.record",
        kind: "claim.record",
        example: "claim.record denial by \"Ministry spokesperson\" for \"RU\" on 2016-06-20 \"No strike was made there\" in en source \"Press report of 20 June 2016\" as @denial",
        order: &[Part::Member("claim", Form::OneOf(CLAIMS))],
        clauses: &[
            clause("by", Part::Member("speaker", Form::Text)),
            clause("office", Part::Member("office", Form::Text)),
            clause("for", Part::Member("on_behalf_of", Form::Text)),
            clause("on", Part::Day),
            clause("said", Part::Member("said_at", Form::Time)),
            clause("where", Part::Member("place", Form::Text)),
            clause("original", Part::Member("form", Form::Is("original"))),
            WORDS,
            SOURCE,
        ],
    },
    Verb {
        word: "claim.relate",
        kind: "claim.relate",
        example: "claim.relate @denial denies @allegation",
        order: &[
            Part::About,
            Part::Member("relation", Form::OneOf(RELATIONS)),
            Part::About,
        ],
        clauses: &[],
    },
    Verb {
        word: "tally.record",
        kind: "tally.record",
        example: "tally.record \"violations\" by \"RU\" from 2016-02-29T00:00+03:00 until 2016-03-01T00:00+03:00 total 7 count \"Damascus\" 4 count \"Aleppo\" 3 count \"Hama\" 1 source \"Bulletin\" as @bulletin",
        order: &[Part::Member("counted", Form::Text)],
        clauses: &[
            clause("by", Part::Member("issued_by", Form::Text)),
            clause("about", Part::Member("about", Form::Text)),
            clause("from", Part::Member("from", Form::Time)),
            UNTIL,
            clause("total", Part::Member("total", Form::Count)),
            clause("count", Part::Counted),
            SOURCE,
            clause("note", Part::Member("note", Form::Text)),
        ],
    },
    Verb {
        word: "site.notify",
        kind: "site.notify",
        example: "site.notify hospital for RU, US through MISSION in SY0200 at 36.20N 37.15E named \"مستشفى\" review +90d as @hospital",
        order: &[Part::Member("category", Form::OneOf(CATEGORIES))],
        clauses: &[
            clause("for", Part::Consents),
            THROUGH,
            CODES,
            clause("at", Part::Site),
            clause("from", Part::Member("valid_from", Form::Time)),
            clause("review", Part::Member("review_by", Form::Time)),
            clause("again", Part::About),
            REASON,
        ],
    },
    Verb {
        word: "site.validate",
        kind: "site.validate",
        example: "site.validate @hospital by imagery, call distance 400",
        order: &[Part::About],
        clauses: &[
            clause("by", Part::Member("checks", Form::SomeOf(CHECKS))),
            clause(
                "distance",
                Part::Member("distance_to_named_place_m", Form::Count),
            ),
            clause("", Part::Member("words", Form::Text)),
        ],
    },
    Verb {
        word: "site.return",
        kind: "site.return",
        example: "site.return @hospital place_does_not_fit \"The place lies 9 km from the town\"",
        order: &[
            Part::About,
            Part::Member("faults", Form::SomeOf(FAULTS)),
            Part::Member("words", Form::Text),
        ],
        clauses: &[],
    },
    Verb {
        word: "site.review",
        kind: "site.review",
        example: "site.review @hospital until +180d",
        order: &[Part::About],
        clauses: &[clause("until", Part::Member("review_by", Form::Time))],
    },
    Verb {
        word: "site.stop_sharing",
        kind: "site.stop_sharing",
        example: "site.stop_sharing @hospital",
        order: &[Part::About],
        clauses: &[REASON],
    },
    Verb {
        word: "site.withdraw",
        kind: "site.withdraw",
        example: "site.withdraw @hospital from RU as @withdrawal",
        order: &[Part::About],
        clauses: &[
            clause("from", Part::Member("recipients", Form::CallSigns)),
            REASON,
        ],
    },
    Verb {
        word: "site.deletion_attest",
        kind: "site.deletion_attest",
        example: "site.deletion_attest @withdrawal remains \"backup of 20 June\"",
        order: &[Part::About],
        clauses: &[clause("remains", Part::Member("remains", Form::Text))],
    },
    Verb {
        word: "site.contest",
        kind: "site.contest",
        example: "site.contest @hospital another_function \"Vehicles were seen there\" readers MISSION as @contest",
        order: &[
            Part::About,
            Part::Member("contention", Form::OneOf(CONTENTIONS)),
            Part::Member("words", Form::Text),
        ],
        clauses: &[],
    },
    Verb {
        word: "exposure.declare",
        kind: "exposure.declare",
        example: "exposure.declare @hospital published \"Who took the list is not known\" since +08:00 as @leak",
        order: &[
            Part::Abouts,
            Part::Member("discovery", Form::OneOf(DISCOVERIES)),
            Part::Member("unknown", Form::Text),
        ],
        clauses: &[clause("since", Part::Member("since", Form::Time))],
    },
    Verb {
        word: "movement.notify",
        kind: "movement.notify",
        example: "movement.notify relief road to RU, US through MISSION in SY0200 persons 12 from +50:00 until +56:00 leg 36.20N 37.15E +50:00 to 36.40N 37.20E +52:00 check_in gate +52:00 as @convoy",
        order: &[
            Part::Member("purpose", Form::OneOf(ERRANDS)),
            Part::Member("mode", Form::OneOf(MODES)),
        ],
        clauses: MOVEMENT,
    },
    Verb {
        word: "movement.revise",
        kind: "movement.revise",
        example: "movement.revise @convoy relief road to RU, US through MISSION in SY0200 persons 12 from +51:00 until +57:00 because \"The bridge is closed\"",
        order: &[
            Part::About,
            Part::Member("purpose", Form::OneOf(ERRANDS)),
            Part::Member("mode", Form::OneOf(MODES)),
        ],
        clauses: MOVEMENT,
    },
    Verb {
        word: "movement.depart",
        kind: "movement.depart",
        example: "movement.depart @convoy persons 12",
        order: &[Part::About],
        clauses: &[clause("persons", Part::Member("persons", Form::Count))],
    },
    Verb {
        word: "movement.check_in",
        kind: "movement.check_in",
        example: "movement.check_in @convoy point gate live 36.40N 37.20E next +54:00",
        order: &[Part::About],
        clauses: &[
            clause("point", Part::Member("point", Form::Name)),
            clause("live", Part::Live),
            NEXT,
        ],
    },
    Verb {
        word: "movement.hold",
        kind: "movement.hold",
        example: "movement.hold @convoy because \"Shelling ahead\" next +53:00",
        order: &[Part::About],
        clauses: &[REASON, NEXT],
    },
    Verb {
        word: "movement.denied",
        kind: "movement.denied",
        example: "movement.denied @convoy \"Northern gate\" by \"soldiers at the gate\" because \"No paper\" next +53:00",
        order: &[Part::About, Part::Member("where_words", Form::Text)],
        clauses: &[
            clause("by", Part::Member("said_to_be_by", Form::Text)),
            clause("because", Part::Member("reason_given", Form::Text)),
            NEXT,
        ],
    },
    Verb {
        word: "movement.divert",
        kind: "movement.divert",
        example: "movement.divert @convoy \"By the eastern road\" next +54:00",
        order: &[Part::About, Part::Member("words", Form::Text)],
        clauses: &[NEXT],
    },
    Verb {
        word: "movement.resume",
        kind: "movement.resume",
        example: "movement.resume @convoy next +54:00",
        order: &[Part::About],
        clauses: &[NEXT],
    },
    Verb {
        word: "movement.turn_back",
        kind: "movement.turn_back",
        example: "movement.turn_back @convoy because \"Not let through\" next +54:00",
        order: &[Part::About],
        clauses: &[REASON, NEXT],
    },
    Verb {
        word: "movement.arrive",
        kind: "movement.arrive",
        example: "movement.arrive @convoy delivered",
        order: &[Part::About],
        clauses: &[clause("delivered", Part::Member("delivered", Form::Yes))],
    },
    Verb {
        word: "movement.close",
        kind: "movement.close",
        example: "movement.close @convoy persons 12",
        order: &[Part::About],
        clauses: &[clause("persons", Part::Member("persons", Form::Count))],
    },
    Verb {
        word: "movement.abort",
        kind: "movement.abort",
        example: "movement.abort @convoy because \"Nobody at the gate knows of it\"",
        order: &[Part::About],
        clauses: &[REASON],
    },
    Verb {
        word: "correct",
        kind: "correct",
        example: "correct @strike because \"Wrong by 11 km\" says FLASH to RU at 33.45N 38.67E still_happening",
        order: &[Part::About],
        clauses: &[REASON, clause("says", Part::Says)],
    },
    Verb {
        word: "retract",
        kind: "retract",
        example: "retract @report because \"Filed twice\"",
        order: &[Part::About],
        clauses: &[REASON],
    },
    Verb {
        word: "erase",
        kind: "erase",
        example: "erase @report groups exact, narrative because \"Names a witness\"",
        order: &[Part::About],
        clauses: &[
            clause("groups", Part::Member("groups", Form::Names)),
            REASON,
        ],
    },
    Verb {
        word: "erase.done",
        kind: "erase.done",
        example: "erase.done @erasure remains \"backup of 20 June\"",
        order: &[Part::About],
        clauses: &[clause("remains", Part::Member("remains", Form::Text))],
    },
    Verb {
        word: "head.seen",
        kind: "head.seen",
        example: "head.seen of RU, US",
        order: &[],
        clauses: &[clause("of", Part::Member("heads", Form::CallSigns))],
    },
];
