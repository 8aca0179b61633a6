//! Scenarios: timed statements and expectations as plain text, for tests, demonstrations and the training of duty officers.
//!
//! The grammar and what each word means stand in `docs/scenarios.md`. Here a text becomes a [`Scenario`]: who takes part, what is
//! agreed, and line by line what is said or expected when. Nothing is played here, and no rule about statements is decided:
//! bodies are JSON, to be judged at the door like any other.

mod expect;
mod header;
mod say;
mod text;
mod values;
mod verbs;

pub use expect::{
    Answered, EXPECTATIONS, Expect, LineFact, Owed, READS, ShiftFact, Step, Sum, That, Urgency,
};
pub use say::{Control, Group, Mention, Refused, Say};
pub use text::ScenarioError;
pub use values::{Actor, Lasting, Place};
pub use verbs::{CHOICES, CONTROLS, VERBS, Verb};

use record::name::CallSign;
use record::time::UtcMs;
use serde_json::{Map, Value};
use text::{Cursor, Source};
use values::Known;

/// Largest scenario, in bytes.
pub const SCENARIO_BYTES_MAX: usize = 1 << 20;
/// Most participants.
pub const PARTICIPANTS_MAX: usize = 32;
/// Most lines that say, do or expect something.
pub const LINES_MAX: usize = 5_000;

/// The offices, as the rules of statements name them.
pub const OFFICES: &[&str] = &[
    "duty_officer",
    "field_monitor",
    "verification_analyst",
    "do_no_harm_officer",
    "notification_officer",
    "head_of_mission",
    "auditor",
    "administrator",
];
/// A desk whose key holds no office: whoever is at hand.
pub const ANYBODY: &str = "anybody";
/// The desk of the admin key, which signs what concerns keys and offices.
pub const ADMIN: &str = "admin";

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its title.
    pub title: String,
    /// What happened in reality.
    pub happened: String,
    /// From where that is known.
    pub source: String,
    /// What Truceline answers.
    pub answers: String,
    /// When the clock begins.
    pub begins: UtcMs,
    /// Who reads what names no readers: these, or without them every participant.
    pub readers: Vec<String>,
    /// Machines give no receipts by themselves: an administrator's line does.
    pub receipts_by_hand: bool,
    /// Who takes part.
    pub participants: Vec<Participant>,
    /// Instruments, by their short names.
    pub instruments: Vec<Instrument>,
    /// What happens, in the order of time.
    pub lines: Vec<Line>,
}

/// A participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// What it is called on the line.
    pub call_sign: CallSign,
    /// What it is to the instrument: `party`, `guarantor`, `mission`, `humanitarian`, `observer`.
    pub role: String,
    /// The offices that it has filled.
    pub offices: Vec<String>,
    /// Languages that its desks read.
    pub languages: Vec<String>,
    /// Other names under which it is known.
    pub also_known_as: Vec<String>,
}

/// An instrument's terms. What depends on keys and logs (origins, hashes) is left to whoever plays it.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// The line on which it begins.
    pub line: usize,
    /// The name by which lines refer to it.
    pub name: String,
    /// The body of `instrument.table`, without participants and hashes.
    pub terms: Map<String, Value>,
    /// From when it binds.
    pub in_force_from: UtcMs,
    /// Until when it can be accepted.
    pub accept_by: UtcMs,
    /// Whether it was tabled and accepted by all who are asked before the scenario begins.
    pub accepted: bool,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The line of the text on which it begins, from 1.
    pub line: usize,
    /// The time on the scenario's clock.
    pub at: UtcMs,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Somebody says something.
    Say(Box<Say>),
    /// Somebody silences his alarm for a matter. It is no statement.
    Silence {
        /// Whose alarm.
        by: CallSign,
        /// The matter.
        about: Mention,
    },
    /// A participant's node loses its connection: nothing of the others reaches it.
    Offline(CallSign),
    /// It has its connection again, and what waited reaches it.
    Online(CallSign),
    /// Something must be so.
    Expect(Box<Expect>),
}

/// Reads a scenario.
///
/// # Errors
/// [`ScenarioError`] with line and column, what was found, and what may stand there.
pub fn parse(bytes: &[u8]) -> Result<Scenario, ScenarioError> {
    let mut source = Source::new(bytes)?;
    let mut reader = Reader::default();
    while let Some(line) = source.next_line()? {
        reader.take(line)?;
    }
    reader.finish(source.end())
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    header: header::Header,
    known: Known,
    lines: Vec<Line>,
}

impl Reader {
    fn take(&mut self, line: text::Logical<'_>) -> Result<(), ScenarioError> {
        match line {
            text::Logical::Prose { word, text, place } => {
                self.before_the_lines(place, word)?;
                self.header.prose(word, text, place)
            }
            text::Logical::Tokens(tokens) => {
                let mut cursor = Cursor::new(&tokens);
                if let Some(word) = cursor.header_word() {
                    self.before_the_lines(tokens.place(), word)?;
                    return self.header.take(word, &mut cursor, &mut self.known);
                }
                self.timed(&mut cursor)
            }
        }
    }

    fn before_the_lines(&self, place: text::Spot, word: &str) -> Result<(), ScenarioError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        Err(place.error(
            format!("\"{word}\""),
            "a line that says or expects something: all of the header stands before the first of them",
            EXAMPLE,
        ))
    }

    fn timed(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScenarioError> {
        cursor.example(EXAMPLE);
        if self.lines.is_empty() {
            self.header.is_complete(cursor.spot(), &self.known)?;
        }
        if self.lines.len() >= LINES_MAX {
            return cursor.fail(format!("at most {LINES_MAX} lines"));
        }
        let (line, spot) = (cursor.spot().line, cursor.spot());
        if let Some(at) = values::time_if_any(cursor, &self.known)? {
            if at < self.known.now {
                let before = self.known.now;
                return Err(spot.error(
                    "a time that is over",
                    format!("a time from {before} on: the clock runs forward alone"),
                    EXAMPLE,
                ));
            }
            self.known.now = at;
        }
        let at = self.known.now;
        if cursor.eat("expect") {
            if cursor.eat("refused") {
                return self.refused(cursor, spot);
            }
            let expect = expect::read(cursor, &self.known)?;
            let what = What::Expect(Box::new(expect));
            self.lines.push(Line { line, at, what });
            return cursor.end();
        }
        let what = self.doing(cursor)?;
        self.lines.push(Line { line, at, what });
        cursor.end()
    }

    fn doing(&mut self, cursor: &mut Cursor<'_>) -> Result<What, ScenarioError> {
        if cursor.eat("offline") {
            return values::call_sign(cursor, &self.known).map(What::Offline);
        }
        if cursor.eat("online") {
            return values::call_sign(cursor, &self.known).map(What::Online);
        }
        if !cursor
            .peek_word()
            .is_some_and(|word| self.known.is_participant(word))
        {
            return cursor.fail(
                "a time, then a call sign that the header declares, or expect, offline, online",
            );
        }
        say::read(cursor, &mut self.known)
    }

    /// `expect refused` belongs to the statement just above it.
    fn refused(&mut self, cursor: &mut Cursor<'_>, spot: text::Spot) -> Result<(), ScenarioError> {
        cursor.example("expect refused office");
        let Some(What::Say(say)) = self.lines.last_mut().map(|line| &mut line.what) else {
            return Err(spot.error(
                "expect refused",
                "it right below the statement that is refused",
                "+00:01 HUM auditor answer @strike agreed\n  expect refused office",
            ));
        };
        let rule = cursor.word("the name of the rule, such as office, about, target, form")?;
        let field = cursor.word_if_any().map(str::to_owned);
        // What was refused stands nowhere, so that nothing can be about it.
        if let Some(name) = say.name.take() {
            self.known.names.remove(&name);
        }
        say.refused = Some(Refused {
            line: spot.line,
            rule: rule.to_owned(),
            field,
        });
        cursor.end()
    }

    fn finish(self, end: text::Spot) -> Result<Scenario, ScenarioError> {
        self.header.is_complete(end, &self.known)?;
        if self.lines.is_empty() {
            return Err(end.error(
                "the end of the text",
                "a line that says or expects something",
                EXAMPLE,
            ));
        }
        Ok(self.header.scenario(self.known, self.lines))
    }
}

/// Shown where any line may stand.
const EXAMPLE: &str =
    "+00:02 US duty_officer FLASH to RU at 33.35N 38.67E still_happening as @strike";

#[cfg(test)]
mod tests;
