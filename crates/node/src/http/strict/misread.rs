//! What is wrong with something that was read, and where. What was sent is never repeated: it may be a password.

use super::super::problem::{Kind, Problem};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// As much of a stranger's text as an error repeats, in characters.
const REPEATED_CHARS_MAX: usize = 64;

/// The beginning of a name that a stranger chose, control characters escaped.
pub(crate) fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(REPEATED_CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// `place` must be what `rule` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misread {
    /// Steps from the outside in, such as `offices` and `[0]`, in the opposite order.
    steps: Vec<String>,
    rule: String,
}

impl Misread {
    pub fn new(rule: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            rule: rule.into(),
        }
    }

    /// The same, seen from one step further out.
    pub fn inside(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// The problem; what has no place is about `whole`.
    pub fn problem(self, kind: Kind, whole: &'static str) -> Problem {
        let mut place = String::new();
        for step in self.steps.iter().rev() {
            if !place.is_empty() && !step.starts_with('[') {
                place.push('.');
            }
            place.push_str(step);
        }
        let place = if place.is_empty() {
            whole.to_owned()
        } else {
            shortened(&place)
        };
        match kind {
            Kind::BadRequest => Problem::bad_request(place, self.rule),
            _ => Problem::refused(place, self.rule),
        }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

impl std::error::Error for Misread {}

impl de::Error for Misread {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}", in_words(&expected.to_string())))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}", in_words(&expected.to_string())))
    }
    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::new(format!("must be one of {}", words.join(", ")))
    }
    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self::new("is not a member that is known here").inside(shortened(name))
    }
    fn missing_field(name: &'static str) -> Self {
        Self::new("is missing").inside(name)
    }
    fn duplicate_field(name: &'static str) -> Self {
        Self::new("stands there twice").inside(name)
    }
}

/// serde speaks of Rust's types; a caller may not know them.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    words.to_owned()
}
