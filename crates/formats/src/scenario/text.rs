//! From bytes to lines and from lines to words, with the place of each.

use super::SCENARIO_BYTES_MAX;
use serde_json::Value;

/// As much of a text as an error repeats, in characters.
const FOUND_CHARS_MAX: usize = 40;
/// Most words in one line with those that go on from it.
const WORDS_MAX: usize = 2_000;
/// Longest quoted text, in characters.
const QUOTED_CHARS_MAX: usize = 8_000;

/// What is wrong with a scenario, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: found {found}; expected {expected}. For example: {example}")]
pub struct ScenarioError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// How it can look.
    pub example: String,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Spot {
    /// An error here.
    pub fn error(
        self,
        found: impl Into<String>,
        expected: impl Into<String>,
        example: &str,
    ) -> ScenarioError {
        ScenarioError {
            line: self.line,
            column: self.column,
            found: found.into(),
            expected: expected.into(),
            example: example.replace('\n', " ⏎ "),
        }
    }
}

/// `text` as an error repeats it: quoted, shortened, without control characters.
pub fn found(text: &str) -> String {
    let mut chars = text.chars();
    let short = chars.by_ref().take(FOUND_CHARS_MAX);
    let short: String = short.flat_map(char::escape_debug).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("\"{short}{more}\"")
}

/// Header lines whose text is prose and not words of the grammar.
const PROSE: &[&str] = &["scenario", "happened", "source", "answers"];

/// A line with those that go on from it.
pub enum Logical<'s> {
    /// A header line of prose.
    Prose {
        /// Which.
        word: &'static str,
        /// Its text, on one line.
        text: String,
        /// Where it begins.
        place: Spot,
    },
    /// A line of words.
    Tokens(Tokens<'s>),
}

/// The words of one line.
pub struct Tokens<'s> {
    all: Vec<Token<'s>>,
    end: Spot,
}

impl Tokens<'_> {
    /// Where the line begins.
    pub fn place(&self) -> Spot {
        self.all.first().map_or(self.end, |token| token.spot)
    }
}

struct Token<'s> {
    what: Piece<'s>,
    spot: Spot,
}

enum Piece<'s> {
    Word(&'s str),
    Quoted(String),
    Json(Value),
    Comma,
}

/// The text, read line by line.
pub struct Source<'s> {
    text: &'s str,
    at: usize,
    spot: Spot,
}

impl<'s> Source<'s> {
    pub fn new(bytes: &'s [u8]) -> Result<Self, ScenarioError> {
        let spot = Spot { line: 1, column: 1 };
        let example = "a text file that is saved as UTF-8";
        if bytes.len() > SCENARIO_BYTES_MAX {
            let expected = format!("at most {SCENARIO_BYTES_MAX}");
            return Err(spot.error(format!("{} bytes", bytes.len()), expected, example));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let (good, _) = bytes.split_at(error.valid_up_to());
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            let spot = Spot { line, column: 1 };
            spot.error("bytes that are no UTF-8", "text in UTF-8", example)
        })?;
        Ok(Self { text, at: 0, spot })
    }

    /// Where reading stands; the end once everything was read.
    pub fn end(&self) -> Spot {
        self.spot
    }

    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn step(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.spot = Spot {
                line: self.spot.line + 1,
                column: 1,
            };
        } else {
            self.spot.column += 1;
        }
        Some(next)
    }

    /// Takes what `is` says yes to.
    fn take(&mut self, is: impl Fn(char) -> bool) -> &'s str {
        let from = self.at;
        while self.peek().is_some_and(&is) {
            self.step();
        }
        &self.text[from..self.at]
    }

    fn skip_line(&mut self) {
        self.take(|c| c != '\n');
        self.step();
    }

    /// Skips blank lines and lines of comment, to the beginning of the next one.
    fn skip_blank(&mut self) {
        loop {
            let line = self.rest().lines().next().unwrap_or_default().trim();
            if self.rest().is_empty() || !(line.is_empty() || line.starts_with('#')) {
                return;
            }
            self.skip_line();
        }
    }

    /// Whether the next line, blank ones left out, is indented.
    fn is_indented(&mut self) -> bool {
        self.skip_blank();
        self.peek().is_some_and(|c| c == ' ' || c == '\t')
    }

    /// Whether the next line goes on from the one before it: it is indented and begins with no expectation.
    fn goes_on(&mut self) -> bool {
        self.is_indented() && self.rest().split_whitespace().next() != Some("expect")
    }

    /// The next line with those that go on from it; `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<Logical<'s>>, ScenarioError> {
        if self.goes_on() {
            let line = self.rest().lines().next().unwrap_or_default().trim();
            return Err(self.spot.error(
                found(line),
                "no space before it: an indented line goes on from the one above, and there is none",
                "scenario A caller who waited",
            ));
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        let first = self.rest().split_whitespace().next().unwrap_or_default();
        if let Some(word) = PROSE.iter().find(|word| **word == first) {
            return Ok(Some(self.prose(word)));
        }
        self.words().map(|tokens| Some(Logical::Tokens(tokens)))
    }

    fn prose(&mut self, word: &'static str) -> Logical<'s> {
        let place = self.spot;
        self.take(|c| c != ' ' && c != '\t' && c != '\r' && c != '\n');
        let mut text = String::new();
        loop {
            for word in self.take(|c| c != '\n').split_whitespace() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
            self.step();
            if !self.is_indented() {
                return Logical::Prose { word, text, place };
            }
        }
    }

    fn words(&mut self) -> Result<Tokens<'s>, ScenarioError> {
        let mut all = Vec::new();
        let mut end = self.spot;
        loop {
            self.take(|c| c == ' ' || c == '\t' || c == '\r');
            match self.peek() {
                None => break,
                Some('\n') => {
                    self.step();
                    if !self.goes_on() {
                        break;
                    }
                    continue;
                }
                Some('#') => {
                    self.take(|c| c != '\n');
                    continue;
                }
                Some(_) => {}
            }
            if all.len() >= WORDS_MAX {
                let example = "several lines instead of one";
                return Err(self.spot.error(
                    "one more word",
                    format!("at most {WORDS_MAX} in one line"),
                    example,
                ));
            }
            let spot = self.spot;
            let what = self.piece()?;
            all.push(Token { what, spot });
            end = self.spot;
        }
        Ok(Tokens { all, end })
    }

    fn piece(&mut self) -> Result<Piece<'s>, ScenarioError> {
        match self.peek() {
            Some(',') => {
                self.step();
                Ok(Piece::Comma)
            }
            Some('"') => self.quoted('"').map(Piece::Quoted),
            Some('“') => self.quoted('”').map(Piece::Quoted),
            Some('«') => self.quoted('»').map(Piece::Quoted),
            Some('{') => self.json().map(Piece::Json),
            _ => Ok(Piece::Word(self.take(|c| {
                !c.is_whitespace() && !matches!(c, ',' | '"' | '“' | '«' | '{')
            }))),
        }
    }

    /// A quoted text. Between straight quotes, `\"` is a quote and `\\` a backslash. It may go over several lines; the line
    /// breaks and the indentation after them are kept as one line break.
    fn quoted(&mut self, close: char) -> Result<String, ScenarioError> {
        let open = self.spot;
        let example = "\"No strike was made there\" in en";
        self.step();
        let (mut text, mut chars) = (String::new(), 0);
        loop {
            let spot = self.spot;
            match self.step() {
                Some(c) if c == close => return Ok(text),
                Some('\\') if close == '"' => match self.step() {
                    Some(c @ ('"' | '\\')) => text.push(c),
                    _ => {
                        return Err(spot.error(
                            "\"\\\"",
                            "\\\" for a quote or \\\\ for a backslash",
                            example,
                        ));
                    }
                },
                Some('\n') => {
                    self.take(|c| c == ' ' || c == '\t');
                    text.push('\n');
                }
                Some('\r') => {}
                Some(c) if c.is_control() => {
                    return Err(spot.error(found(&c.to_string()), "no control character", example));
                }
                Some(c) => text.push(c),
                None => {
                    return Err(open.error(
                        "a text that does not end",
                        format!("{close} at its end"),
                        example,
                    ));
                }
            }
            chars += 1;
            if chars > QUOTED_CHARS_MAX {
                return Err(open.error(
                    "a text that is too long",
                    format!("{close} after at most {QUOTED_CHARS_MAX} characters"),
                    example,
                ));
            }
        }
    }

    /// A JSON object, over as many lines as it takes.
    fn json(&mut self) -> Result<Value, ScenarioError> {
        let (from, open) = (self.at, self.spot);
        let example = "say claim.record {\"claim\": \"denial\"}";
        let (mut depth, mut in_text) = (0_usize, false);
        while let Some(c) = self.step() {
            match c {
                '\\' if in_text => drop(self.step()),
                '"' => in_text = !in_text,
                '{' if !in_text => depth += 1,
                '}' if !in_text => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let text = &self.text[from..self.at];
                return record::json::parse(text.as_bytes())
                    .map_err(|error| open.error(found(text), format!("JSON ({error})"), example));
            }
        }
        Err(open.error("a JSON object that does not end", "} at its end", example))
    }
}

/// Walks over the words of one line.
pub struct Cursor<'t> {
    tokens: &'t Tokens<'t>,
    at: usize,
    example: &'t str,
}

impl<'t> Cursor<'t> {
    pub fn new(tokens: &'t Tokens<'t>) -> Self {
        Self {
            tokens,
            at: 0,
            example: "",
        }
    }

    /// What errors show from here on.
    pub fn example(&mut self, example: &'t str) {
        self.example = example;
    }

    /// The first word, when it begins a header line.
    pub fn header_word(&mut self) -> Option<&'static str> {
        let word = self.peek_word()?;
        let word = super::header::WORDS.iter().find(|known| **known == word)?;
        self.at += 1;
        Some(word)
    }

    fn peek(&self) -> Option<&'t Piece<'t>> {
        self.tokens.all.get(self.at).map(|token| &token.what)
    }

    /// Where it stands.
    pub fn spot(&self) -> Spot {
        let token = self.tokens.all.get(self.at);
        token.map_or(self.tokens.end, |token| token.spot)
    }

    /// The word that stands here, if it is one.
    pub fn peek_word(&self) -> Option<&'t str> {
        match self.peek() {
            Some(Piece::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Whether a quoted text stands here.
    pub fn is_quoted(&self) -> bool {
        matches!(self.peek(), Some(Piece::Quoted(_)))
    }

    /// Whether a JSON object stands here.
    pub fn is_json(&self) -> bool {
        matches!(self.peek(), Some(Piece::Json(_)))
    }

    /// Whether nothing is left.
    pub fn is_end(&self) -> bool {
        self.peek().is_none()
    }

    /// The error that something else was expected here.
    pub fn fail<T>(&self, expected: impl Into<String>) -> Result<T, ScenarioError> {
        let what = match self.peek() {
            None => "the end of the line".to_owned(),
            Some(Piece::Word(word)) => found(word),
            Some(Piece::Quoted(_)) => "a quoted text".to_owned(),
            Some(Piece::Json(_)) => "a JSON object".to_owned(),
            Some(Piece::Comma) => "a comma".to_owned(),
        };
        Err(self.spot().error(what, expected, self.example))
    }

    /// The error that the word before this one is not right.
    pub fn fail_before<T>(&self, expected: impl Into<String>) -> Result<T, ScenarioError> {
        let before = Self {
            at: self.at.saturating_sub(1),
            ..*self
        };
        before.fail(expected)
    }

    /// Takes `word` when it stands here.
    pub fn eat(&mut self, word: &str) -> bool {
        let stands = self.peek_word() == Some(word);
        self.at += usize::from(stands);
        stands
    }

    /// Takes `word`, which must stand here.
    pub fn expect(&mut self, word: &str) -> Result<(), ScenarioError> {
        if self.eat(word) {
            return Ok(());
        }
        self.fail(format!("\"{word}\""))
    }

    /// Takes a comma when it stands here.
    pub fn comma(&mut self) -> bool {
        let stands = matches!(self.peek(), Some(Piece::Comma));
        self.at += usize::from(stands);
        stands
    }

    /// Takes any word.
    pub fn word(&mut self, expected: &str) -> Result<&'t str, ScenarioError> {
        let Some(word) = self.peek_word() else {
            return self.fail(expected);
        };
        self.at += 1;
        Ok(word)
    }

    /// Takes any word when one stands here.
    pub fn word_if_any(&mut self) -> Option<&'t str> {
        let word = self.peek_word()?;
        self.at += 1;
        Some(word)
    }

    /// Takes one of `words`.
    pub fn one_of(&mut self, words: &[&'static str]) -> Result<&'static str, ScenarioError> {
        let here = self
            .peek_word()
            .and_then(|word| words.iter().find(|known| **known == word));
        let Some(word) = here else {
            let expected = match words {
                [word] => format!("\"{word}\""),
                words => format!("one of {}", words.join(", ")),
            };
            return self.fail(expected);
        };
        self.at += 1;
        Ok(word)
    }

    /// Takes a quoted text.
    pub fn quoted(&mut self, expected: &str) -> Result<&'t str, ScenarioError> {
        let Some(Piece::Quoted(text)) = self.peek() else {
            return self.fail(format!("{expected} in quotes"));
        };
        self.at += 1;
        Ok(text)
    }

    /// Takes a JSON object.
    pub fn json(&mut self) -> Result<&'t Value, ScenarioError> {
        let Some(Piece::Json(value)) = self.peek() else {
            return self.fail("a JSON object");
        };
        self.at += 1;
        Ok(value)
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), ScenarioError> {
        if self.is_end() {
            return Ok(());
        }
        self.fail("the end of the line")
    }
}
