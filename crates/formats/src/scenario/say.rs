//! What somebody says: a table of verbs that write the bodies of the kinds, and `say` for any kind with its body in JSON.

use super::text::{Cursor, ScenarioError, found};
use super::values::{self, Known, Lasting};
use super::{ADMIN, What};
use record::name::CallSign;
use record::statement::Kind;
use record::time::UtcMs;
use serde_json::{Map, Value, json};

/// Most groups in one statement.
const GROUPS_MAX: usize = 8;
/// An area is valid so long when nothing else is said.
const AREA_VALID: Lasting = Lasting {
    ms: 30 * 24 * 3_600_000,
    unit_ms: 24 * 3_600_000,
};

/// The name of a statement, without its `@`.
pub type Mention = String;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Say {
    /// Who says it.
    pub by: CallSign,
    /// At which desk: `duty_officer`, `duty_officer.night`, `anybody`, `admin`.
    pub desk: String,
    /// Such as `message.send/1`.
    pub kind: String,
    /// What it is about.
    pub about: Vec<Mention>,
    /// Its groups; for an office or a key, none.
    pub groups: Vec<Group>,
    /// What it changes about an office or a key.
    pub control: Option<Control>,
    /// The name by which later lines refer to it.
    pub name: Option<String>,
    /// That it must be refused, and why.
    pub refused: Option<Refused>,
}

/// A group of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name, such as `body`.
    pub name: String,
    /// Its content. A text that is `@` and the name of a statement stands for its reference.
    pub content: Map<String, Value>,
    /// Who may read it; by default whoever reads what it is about, or else everybody in the scenario.
    pub readers: Option<Vec<String>>,
}

/// A change of offices or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The desk no longer holds its office.
    RevokeOffice(String),
    /// The desk's key signs nothing more.
    RevokeKey(String),
    /// What the desk's key said from this statement on does not count.
    Compromise(String, Mention),
}

/// That a statement must be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line on which that is expected.
    pub line: usize,
    /// The rule.
    pub rule: String,
    /// The member that breaks it.
    pub field: Option<String>,
}

/// A verb: how the body of one kind is said in words.
pub struct Verb {
    /// The verb.
    pub word: &'static str,
    /// The kind that it says.
    pub kind: &'static str,
    /// How a line with it can look, from the verb on.
    pub example: &'static str,
    /// What must follow, in this order.
    order: &'static [Part],
    /// What may follow then, in any order.
    clauses: &'static [Clause],
}

/// A part of a line: which members it gives, and how it is written.
enum Part {
    /// The statement that it is about.
    About,
    /// One of these words.
    OneOf(&'static str, &'static [&'static str]),
    /// A short name.
    Name(&'static str),
    /// A quoted text.
    Text(&'static str),
    /// A quoted text with its language: `words` and `language`.
    Words,
    /// Call signs.
    CallSigns(&'static str),
    /// Short names.
    Names(&'static str),
    /// Languages.
    Languages,
    /// One language.
    Language,
    /// A time.
    Time(&'static str),
    /// A place; its name goes to the member that stands second.
    Place(&'static str, Option<&'static str>),
    /// An outline.
    Outline(&'static str),
    /// The word alone says it.
    Is(&'static str, &'static str),
    /// The word alone says yes.
    Yes(&'static str),
    /// Statements.
    Mentions(&'static str),
    /// A whole number.
    Count(&'static str),
    /// `a "What is asked"`.
    Ask,
    /// `"Damascus" 4`.
    Counted,
    /// A title, perhaps with an address.
    Source,
    /// A day: `said_at` with the precision of a day.
    Day,
    /// Another verb, whose body is what should have been said.
    Says,
}

/// A part that may stand in any order, after its word.
struct Clause {
    /// Its word; empty, when a quoted text stands for itself.
    word: &'static str,
    part: Part,
}

const fn clause(word: &'static str, part: Part) -> Clause {
    Clause { word, part }
}

const REASON: Clause = clause("because", Part::Text("reason"));
const PART: Clause = clause("part", Part::Name("part"));
const WORDS: Clause = clause("", Part::Words);
const UNTIL: Clause = clause("until", Part::Time("until"));
const LANGUAGES: Clause = clause("languages", Part::Languages);
const SOURCE: Clause = clause("source", Part::Source);

const MESSAGE: &[Clause] = &[
    clause("to", Part::CallSigns("to")),
    clause("at", Part::Place("place", Some("place_name"))),
    clause("still_happening", Part::Is("happening", "still_happening")),
    clause("stopped", Part::Is("happening", "stopped")),
    clause("lost_contact", Part::Is("happening", "lost_contact")),
    WORDS,
    clause("subject", Part::Text("subject")),
    clause("part", Part::Ask),
    clause("occurred", Part::Time("occurred_at")),
    clause("informs", Part::Yes("informs")),
    clause("again", Part::About),
];
const LEAVE: &[Clause] = &[clause("from", Part::Time("from")), REASON];

const PRECEDENCES: &[&str] = &["FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"];
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
const LEAVINGS: &[(&str, &str)] = &[
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
    ("message.escalate", "to_office", super::OFFICES),
    ("area.designate", "purpose", PURPOSES),
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
const PURPOSES: &[&str] = &["held_by_excluded_group", "disengagement", "security_zone"];

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
            Part::OneOf("languages_on_duty", &["yes", "no"]),
        )],
    },
    Verb {
        word: "read_back",
        kind: "read_back",
        example: "read_back @strike \"Strike near the crossing, still happening\" at 33.35N 38.67E",
        order: &[Part::About, Part::Text("words")],
        clauses: &[clause("at", Part::Place("place", None))],
    },
    Verb {
        word: "pass_down",
        kind: "pass_down",
        example: "pass_down @strike sent_down to \"air operations centre\"",
        order: &[Part::About, Part::OneOf("step", STEPS)],
        clauses: &[clause("to", Part::Text("to"))],
    },
    Verb {
        word: "hold",
        kind: "hold",
        example: "hold @coordinates until +12:00 because \"the staff has not decided\"",
        order: &[Part::About],
        clauses: &[
            clause("until", Part::Time("answer_by")),
            clause("officer", Part::Text("officer")),
            REASON,
        ],
    },
    Verb {
        word: "answer",
        kind: "answer",
        example: "answer @strike stop_passed \"Passed at 21:14\" in en",
        order: &[Part::About, Part::OneOf("reply", REPLIES)],
        clauses: &[PART, WORDS],
    },
    Verb {
        word: "refuse",
        kind: "refuse",
        example: "refuse @separation because \"We cannot remove these groups\"",
        order: &[Part::About],
        clauses: &[PART, REASON, clause("in", Part::Language)],
    },
    Verb {
        word: "withdraw",
        kind: "withdraw",
        example: "withdraw answer @call because \"It was our unit after all\"",
        order: &[Part::OneOf("response", WITHDRAWN), Part::About],
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
        order: &[Part::About, Part::Name("id"), Part::Text("name")],
        clauses: &[clause("in", Part::Language)],
    },
    Verb {
        word: "area.designate",
        kind: "area.designate",
        example: "area.designate \"North-east of Aleppo\" to US held_by nusra area 36.20N 37.20E to 36.40N 37.40E basis \"Own reconnaissance\" as @coordinates",
        order: &[Part::Text("name")],
        clauses: &[
            clause("to", Part::CallSigns("to")),
            clause("held_by", Part::Name("held_by")),
            clause("purpose", Part::OneOf("purpose", PURPOSES)),
            clause("area", Part::Outline("polygon")),
            clause("basis", Part::Text("basis")),
            clause("from", Part::Time("valid_from")),
            clause("until", Part::Time("valid_until")),
            clause("revises", Part::About),
        ],
    },
    Verb {
        word: "area.respond",
        kind: "area.respond",
        example: "area.respond @coordinates dispute because \"Covered groups hold its western half\"",
        order: &[Part::About, Part::OneOf("response", AREA_ANSWERS)],
        clauses: &[clause("until", Part::Time("answer_by")), REASON],
    },
    Verb {
        word: "separation.ask",
        kind: "separation.ask",
        example: "separation.ask to US formations first-brigade \"Leave the area held by the excluded group\" as @separation",
        order: &[],
        clauses: &[
            clause("to", Part::CallSigns("to")),
            clause("formations", Part::Names("formations")),
            clause("", Part::Text("words")),
            UNTIL,
        ],
    },
    Verb {
        word: "line.test",
        kind: "line.test",
        example: "line.test ru-us heard over primary languages en, ru",
        order: &[Part::Name("line"), Part::OneOf("result", RESULTS)],
        clauses: &[
            clause("over", Part::OneOf("means", MEANS)),
            clause("tested", Part::Time("tested_at")),
            clause("answered_by", Part::Text("answered_by")),
            LANGUAGES,
        ],
    },
    Verb {
        word: "line.fault",
        kind: "line.fault",
        example: "line.fault ru-us alternate \"No carrier\" since +08:00",
        order: &[
            Part::Name("line"),
            Part::OneOf("means", MEANS),
            Part::Text("words"),
        ],
        clauses: &[clause("since", Part::Time("since"))],
    },
    Verb {
        word: "message.regrade",
        kind: "message.regrade",
        example: "message.regrade @call IMMEDIATE because \"A convoy is on that road\"",
        order: &[Part::About, Part::OneOf("precedence", PRECEDENCES)],
        clauses: &[REASON],
    },
    Verb {
        word: "message.escalate",
        kind: "message.escalate",
        example: "message.escalate @call head_of_mission because \"No answer after three calls\"",
        order: &[Part::About, Part::OneOf("to_office", super::OFFICES)],
        clauses: &[REASON],
    },
    Verb {
        word: "shift.open",
        kind: "shift.open",
        example: "shift.open \"day watch\" languages ar, en until +12:00 as @day",
        order: &[Part::Text("officer")],
        clauses: &[
            LANGUAGES,
            UNTIL,
            clause("takeover", Part::Text("takeover_reason")),
        ],
    },
    Verb {
        word: "shift.hand_over",
        kind: "shift.hand_over",
        example: "shift.hand_over @day to \"night watch\" ticked @strike, @call as @half",
        order: &[Part::About],
        clauses: &[
            clause("to", Part::Text("to")),
            clause("ticked", Part::Mentions("ticked")),
            clause("notes", Part::Text("notes")),
        ],
    },
    Verb {
        word: "shift.accept",
        kind: "shift.accept",
        example: "shift.accept @half \"night watch\" languages en until +24:00",
        order: &[Part::About, Part::Text("officer")],
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
        order: &[Part::OneOf("claim", CLAIMS)],
        clauses: &[
            clause("by", Part::Text("speaker")),
            clause("office", Part::Text("office")),
            clause("for", Part::Text("on_behalf_of")),
            clause("on", Part::Day),
            clause("said", Part::Time("said_at")),
            clause("where", Part::Text("place")),
            clause("original", Part::Is("form", "original")),
            WORDS,
            SOURCE,
        ],
    },
    Verb {
        word: "claim.relate",
        kind: "claim.relate",
        example: "claim.relate @denial denies @allegation",
        order: &[Part::About, Part::OneOf("relation", RELATIONS), Part::About],
        clauses: &[],
    },
    Verb {
        word: "tally.record",
        kind: "tally.record",
        example: "tally.record \"violations\" by \"RU\" from 2016-02-29T00:00+03:00 until 2016-03-01T00:00+03:00 total 7 count \"Damascus\" 4 count \"Aleppo\" 3 count \"Hama\" 1 source \"Bulletin\" as @bulletin",
        order: &[Part::Text("counted")],
        clauses: &[
            clause("by", Part::Text("issued_by")),
            clause("about", Part::Text("about")),
            clause("from", Part::Time("from")),
            UNTIL,
            clause("total", Part::Count("total")),
            clause("count", Part::Counted),
            SOURCE,
            clause("note", Part::Text("note")),
        ],
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
        clauses: &[clause("groups", Part::Names("groups")), REASON],
    },
    Verb {
        word: "erase.done",
        kind: "erase.done",
        example: "erase.done @erasure remains \"backup of 20 June\"",
        order: &[Part::About],
        clauses: &[clause("remains", Part::Text("remains"))],
    },
    Verb {
        word: "head.seen",
        kind: "head.seen",
        example: "head.seen of RU, US",
        order: &[],
        clauses: &[clause("of", Part::CallSigns("heads"))],
    },
];

/// How any other kind is said.
const SAY: &str =
    "say report.file {\"category\": \"shelling\", …} group exact {\"place\": …} readers MISSION";

/// Reads who speaks and what is said.
pub fn read(cursor: &mut Cursor<'_>, known: &mut Known) -> Result<What, ScenarioError> {
    let by = values::call_sign(cursor, known)?;
    cursor.example("+00:02 US duty_officer acknowledge @strike");
    let desk = values::desk(cursor)?;
    if cursor.eat("silences") {
        let about = values::mention(cursor, known)?;
        return Ok(What::Silence { by, about });
    }
    let mut say = Say {
        by,
        desk,
        kind: String::new(),
        about: Vec::new(),
        groups: Vec::new(),
        control: None,
        name: None,
        refused: None,
    };
    let word = cursor.word("what is said: FLASH, acknowledge, answer, say, …")?;
    if word == "say" {
        any_kind(&mut say, cursor, known)?;
    } else if word == "instrument.table" {
        table(&mut say, cursor, known)?;
    } else if let Some((_, example)) = CONTROLS.iter().find(|(verb, _)| *verb == word) {
        control(&mut say, word, example, cursor, known)?;
    } else if let Some(verb) = VERBS.iter().find(|verb| verb.word == word) {
        in_words(&mut say, verb, cursor, known)?;
    } else {
        let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.word).collect();
        let controls: Vec<&str> = CONTROLS.iter().map(|(verb, _)| *verb).collect();
        return cursor.fail_before(format!(
            "one of {}, instrument.table, {}, silences, or say and any kind",
            verbs.join(", "),
            controls.join(", ")
        ));
    }
    if say.name.is_none() && cursor.eat("as") {
        say.name = Some(values::new_name(cursor, known)?);
    }
    Ok(What::Say(Box::new(say)))
}

/// What a line gives beside the body.
struct Spoken {
    about: Vec<Mention>,
    body: Map<String, Value>,
    corrected: Option<Map<String, Value>>,
}

fn in_words(
    say: &mut Say,
    verb: &'static Verb,
    cursor: &mut Cursor<'_>,
    known: &Known,
) -> Result<(), ScenarioError> {
    cursor.example(verb.example);
    let mut extra = Extra::default();
    let speaker = (&say.by, say.desk.as_str());
    let spoken = spoken(verb, cursor, known, speaker, Some(&mut extra))?;
    say.kind = format!("{}/1", verb.kind);
    say.about = spoken.about;
    let readers = extra.readers;
    let group = |name: &str, content| Group {
        name: name.into(),
        content,
        readers: readers.clone(),
    };
    say.groups.push(group("body", spoken.body));
    say.groups.extend(
        spoken
            .corrected
            .map(|corrected| group("corrected", corrected)),
    );
    say.groups.extend(extra.person.map(|person| Group {
        name: "person".into(),
        content: Map::from_iter([("name".to_owned(), person.into())]),
        readers: Some(vec!["own".into()]),
    }));
    Ok(())
}

/// What may be added to any statement.
#[derive(Default)]
struct Extra {
    readers: Option<Vec<String>>,
    person: Option<String>,
}

/// Call sign and desk.
type Speaker<'s> = (&'s CallSign, &'s str);

/// Reads the parts of a verb. Without `extra` it stands inside of another one, to which it leaves what it does not know.
fn spoken(
    verb: &'static Verb,
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
    mut extra: Option<&mut Extra>,
) -> Result<Spoken, ScenarioError> {
    let mut spoken = Spoken {
        about: Vec::new(),
        body: Map::new(),
        corrected: None,
    };
    if PRECEDENCES.contains(&verb.word) {
        spoken.body.insert("precedence".into(), verb.word.into());
    }
    if let Some((_, leaving)) = LEAVINGS.iter().find(|(word, _)| *word == verb.word) {
        spoken.body.insert("leaving".into(), (*leaving).into());
    }
    for part in verb.order {
        take(part, &mut spoken, cursor, known, speaker)?;
    }
    while !cursor.is_end() && cursor.peek_word() != Some("as") {
        let quoted = cursor.is_quoted();
        let fits = |clause: &&Clause| {
            let by_itself = clause.word.is_empty() && quoted;
            by_itself || (!clause.word.is_empty() && cursor.peek_word() == Some(clause.word))
        };
        if let Some(clause) = verb.clauses.iter().find(fits) {
            if !clause.word.is_empty() {
                cursor.word_if_any();
            }
            take(&clause.part, &mut spoken, cursor, known, speaker)?;
            continue;
        }
        match extra.as_deref_mut() {
            None => break,
            Some(extra) if cursor.eat("readers") => {
                extra.readers = Some(values::readers(cursor, known)?);
            }
            Some(extra) if cursor.eat("person") => {
                extra.person = Some(cursor.quoted("the person, for the own side alone,")?.into());
            }
            Some(_) => return cursor.fail(may_follow(verb)),
        }
    }
    defaults(verb, &mut spoken.body, known, speaker);
    Ok(spoken)
}

fn may_follow(verb: &Verb) -> String {
    let words = verb.clauses.iter().map(|clause| match clause.word {
        "" => "a quoted text",
        word => word,
    });
    let mut words: Vec<&str> = words.collect();
    words.extend(["readers", "person", "as", "the end of the line"]);
    format!("after {}: {}", verb.word, words.join(", "))
}

/// Takes one part and puts it where it belongs.
fn take(
    part: &Part,
    spoken: &mut Spoken,
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
) -> Result<(), ScenarioError> {
    let (member, value): (&str, Value) = match part {
        Part::About => {
            spoken.about.push(values::mention(cursor, known)?);
            return Ok(());
        }
        Part::OneOf(member, words) => (member, cursor.one_of(words)?.into()),
        Part::Name(member) => (member, values::name(cursor, "a short name")?.into()),
        Part::Text(member) => (member, cursor.quoted("a text")?.into()),
        Part::Words => {
            let words = cursor.quoted("the words")?;
            put(&mut spoken.body, "words", words.into(), cursor)?;
            if !cursor.eat("in") {
                return Ok(());
            }
            ("language", values::language(cursor)?.into())
        }
        Part::CallSigns(member) => (member, texts(&values::call_signs(cursor, known)?)),
        Part::Names(member) => {
            let names = values::listed(cursor, |cursor| values::name(cursor, "a short name"))?;
            (member, texts(&names))
        }
        Part::Language => ("language", values::language(cursor)?.into()),
        Part::Languages => (
            "languages",
            texts(&values::listed(cursor, values::language)?),
        ),
        Part::Time(member) => (member, values::time(cursor, known)?.0.into()),
        Part::Place(member, name_member) => {
            let place = values::place(cursor, known)?;
            if let (Some(member), Some(name)) = (name_member, &place.name) {
                put(&mut spoken.body, member, name.clone().into(), cursor)?;
            }
            (member, place.position())
        }
        Part::Outline(member) => (member, values::outline(cursor)?),
        Part::Is(member, value) => (member, (*value).into()),
        Part::Yes(member) => (member, true.into()),
        Part::Mentions(member) => {
            let mentions = values::listed(cursor, |cursor| values::mention(cursor, known))?;
            let mentions = mentions.iter().map(|mention| format!("@{mention}"));
            (member, mentions.collect())
        }
        Part::Count(member) => (member, values::count(cursor)?.into()),
        Part::Ask => {
            let id = values::name(cursor, "the part's short name, such as a")?;
            let ask = cursor.quoted("what is asked")?;
            return push(&mut spoken.body, "parts", json!({"id": id, "ask": ask}));
        }
        Part::Counted => {
            let label = cursor.quoted("what is counted")?;
            let count = values::count(cursor)?;
            return push(
                &mut spoken.body,
                "lines",
                json!({"label": label, "count": count}),
            );
        }
        Part::Source => ("source", values::source(cursor)?),
        Part::Day => {
            let day = cursor.peek_word().map(|day| format!("{day}T00:00:00Z"));
            let Some(day) = day.filter(|day| UtcMs::parse(day).is_ok()) else {
                return cursor.fail("a day, such as 2016-06-20");
            };
            cursor.word_if_any();
            put(&mut spoken.body, "precision", "day".into(), cursor)?;
            ("said_at", day.into())
        }
        Part::Says => {
            spoken.corrected = Some(says(cursor, known, speaker)?);
            return Ok(());
        }
    };
    put(&mut spoken.body, member, value, cursor)
}

fn texts<T: ToString>(items: &[T]) -> Value {
    items.iter().map(ToString::to_string).collect()
}

fn put(
    body: &mut Map<String, Value>,
    member: &str,
    value: Value,
    cursor: &Cursor<'_>,
) -> Result<(), ScenarioError> {
    if body.insert(member.to_owned(), value).is_some() {
        return cursor.fail_before(format!("{member} once and not twice"));
    }
    Ok(())
}

fn push(body: &mut Map<String, Value>, member: &str, item: Value) -> Result<(), ScenarioError> {
    if let Some(items) = body
        .entry(member)
        .or_insert_with(|| json!([]))
        .as_array_mut()
    {
        items.push(item);
    }
    Ok(())
}

/// What should have been said: another verb, or a body in JSON.
fn says(
    cursor: &mut Cursor<'_>,
    known: &Known,
    speaker: Speaker<'_>,
) -> Result<Map<String, Value>, ScenarioError> {
    if cursor.is_json() {
        return object(cursor, known);
    }
    let word = cursor.word("what it should have said: FLASH, claim.record, …, or a JSON object")?;
    let Some(verb) = VERBS
        .iter()
        .find(|verb| verb.word == word && verb.word != "correct")
    else {
        return cursor
            .fail_before("what it should have said: FLASH, claim.record, …, or a JSON object");
    };
    spoken(verb, cursor, known, speaker, None).map(|spoken| spoken.body)
}

/// What a line leaves out because it goes without saying.
fn defaults(verb: &Verb, body: &mut Map<String, Value>, known: &Known, (by, desk): Speaker<'_>) {
    let now = || Value::from(known.now.to_string());
    let mut default = |member: &str, value: Value| {
        body.entry(member).or_insert(value);
    };
    match verb.kind {
        "hold" => default("officer", desk.into()),
        "instrument.leave" => default("from", now()),
        "area.designate" => {
            default("purpose", PURPOSES[0].into());
            default("valid_from", now());
            let from = body["valid_from"]
                .as_str()
                .and_then(|from| UtcMs::parse(from).ok());
            let until = UtcMs(from.unwrap_or(known.now).0 + AREA_VALID.ms);
            body.entry("valid_until")
                .or_insert(until.to_string().into());
        }
        "line.test" => {
            default("means", MEANS[0].into());
            default("tested_at", now());
        }
        "line.fault" => default("since", now()),
        "shift.open" | "shift.accept" => {
            let languages = known.participants.get(by).filter(|own| !own.is_empty());
            if let Some(languages) = languages {
                default("languages", texts(languages));
            }
        }
        "claim.record" => {
            default("form", "paraphrase".into());
            default("precision", "minute".into());
        }
        _ => {}
    }
}

/// `say KIND about @a, @b {…} readers A, B group NAME {…} readers C`.
fn any_kind(say: &mut Say, cursor: &mut Cursor<'_>, known: &Known) -> Result<(), ScenarioError> {
    cursor.example(SAY);
    let word = cursor.word("a kind, such as report.file")?;
    let kind = if word.contains('/') {
        word.to_owned()
    } else {
        format!("{word}/1")
    };
    let parsed: Result<Kind, _> = kind.parse();
    match parsed {
        Ok(kind) if !kind.is_control() => {}
        Ok(_) => {
            return cursor
                .fail_before("a kind that is no control statement; those have verbs of their own");
        }
        Err(rule) => return cursor.fail_before(format!("a kind, which {rule}")),
    }
    say.kind = kind;
    if cursor.eat("about") {
        say.about = values::listed(cursor, |cursor| values::mention(cursor, known))?;
    }
    let mut name = "body".to_owned();
    loop {
        let content = object(cursor, known)?;
        let readers = match cursor.eat("readers") {
            true => Some(values::readers(cursor, known)?),
            false => None,
        };
        if say.groups.len() >= GROUPS_MAX || say.groups.iter().any(|group| group.name == name) {
            return cursor.fail_before(format!("at most {GROUPS_MAX} groups, each once"));
        }
        say.groups.push(Group {
            name,
            content,
            readers,
        });
        if !cursor.eat("group") {
            return Ok(());
        }
        name = values::name(cursor, "the group's name")?;
    }
}

/// A JSON object in which every `"@name"` names a statement that stands above.
fn object(cursor: &mut Cursor<'_>, known: &Known) -> Result<Map<String, Value>, ScenarioError> {
    let value = cursor.json()?;
    if let Some(unknown) = unknown_mention(value, known) {
        return cursor.fail_before(format!(
            "in it no {}: no statement above has this name",
            found(unknown)
        ));
    }
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn unknown_mention<'v>(value: &'v Value, known: &Known) -> Option<&'v str> {
    match value {
        Value::String(text) => {
            let name = text
                .strip_prefix('@')
                .filter(|name| values::is_name(name))?;
            (!known.names.contains(name)).then_some(text)
        }
        Value::Array(items) => items.iter().find_map(|item| unknown_mention(item, known)),
        Value::Object(members) => members
            .values()
            .find_map(|item| unknown_mention(item, known)),
        _ => None,
    }
}

/// `instrument.table ID`, of an instrument that the header describes.
fn table(say: &mut Say, cursor: &mut Cursor<'_>, known: &mut Known) -> Result<(), ScenarioError> {
    cursor.example("instrument.table monitoring-rules");
    let name = cursor.word("the short name of an instrument that the header describes")?;
    if !known.instruments.contains(name) {
        return cursor.fail_before(
            "the short name of an instrument that the header describes and does not call accepted",
        );
    }
    if !known.names.insert(name.to_owned()) {
        return cursor.fail_before("an instrument that was not tabled above");
    }
    say.kind = "instrument.table/1".into();
    say.name = Some(name.to_owned());
    if cursor.eat("amends") {
        say.about = vec![values::mention(cursor, known)?];
    }
    let readers = match cursor.eat("readers") {
        true => Some(values::readers(cursor, known)?),
        false => None,
    };
    say.groups.push(Group {
        name: "body".into(),
        content: Map::new(),
        readers,
    });
    Ok(())
}

fn control(
    say: &mut Say,
    word: &str,
    example: &'static str,
    cursor: &mut Cursor<'_>,
    known: &Known,
) -> Result<(), ScenarioError> {
    cursor.example(example);
    if say.desk != ADMIN {
        return cursor.fail_before(format!("the desk admin before it: {} admin {word}", say.by));
    }
    let desk = values::desk(cursor)?;
    say.kind = format!("{word}/1");
    say.control = Some(match word {
        "office.revoke" => Control::RevokeOffice(desk),
        "key.revoke" => Control::RevokeKey(desk),
        _ => {
            cursor.expect("from")?;
            Control::Compromise(desk, values::mention(cursor, known)?)
        }
    });
    Ok(())
}
