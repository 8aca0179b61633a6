//! The signs of a coordinate: numbers, marks, hemispheres, and what parts the two.

use super::{Mistake, Unit, Unread};

/// A character without its disguise, and where it stands, from 1.
pub(super) type Plain = (usize, char);

/// Digits of any of the three scripts become 0 to 9, minus signs one sign, marks one mark; what only steers the direction of writing
/// is dropped.
pub(super) fn plain(text: &str) -> Vec<Plain> {
    let places = text.chars().enumerate();
    places
        .filter_map(|(i, c)| Some((i + 1, plain_char(c)?)))
        .collect()
}

fn plain_char(c: char) -> Option<char> {
    Some(match c {
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => {
            return None;
        }
        '٠'..='٩' => digit(c, '٠'),
        '۰'..='۹' => digit(c, '۰'),
        '٫' => '.',
        '،' | '؛' | ';' | '/' | '|' | '\n' => ';',
        '−' | '–' | '‐' | '‑' => '-',
        'º' | '˚' => '°',
        '\'' | '’' | '‘' | '´' | 'ʹ' | '`' => '′',
        '"' | '”' | '“' | 'ʺ' => '″',
        c => c,
    })
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

/// Latitude or longitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Lat,
    Lon,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Arabic,
}

/// Half of the globe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hemisphere {
    pub axis: Axis,
    pub negative: bool,
    pub script: Script,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Digits before and behind the point.
    Number(String, Option<String>),
    Mark(Unit),
    Hemisphere(Hemisphere),
    Minus,
    Plus,
    /// What parts latitude from longitude.
    Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub at: usize,
    pub token: Token,
}

const HEMISPHERES: &[(&[&str], Axis, bool, Script)] = &[
    (&["n", "north"], Axis::Lat, false, Script::Latin),
    (&["s", "south"], Axis::Lat, true, Script::Latin),
    (&["e", "east"], Axis::Lon, false, Script::Latin),
    (&["w", "west"], Axis::Lon, true, Script::Latin),
    (&["с", "сш", "север"], Axis::Lat, false, Script::Cyrillic),
    (&["ю", "юш", "юг"], Axis::Lat, true, Script::Cyrillic),
    (&["в", "вд", "восток"], Axis::Lon, false, Script::Cyrillic),
    (&["з", "зд", "запад"], Axis::Lon, true, Script::Cyrillic),
    (&["شمال", "شمالا"], Axis::Lat, false, Script::Arabic),
    (&["جنوب", "جنوبا"], Axis::Lat, true, Script::Arabic),
    (&["شرق", "شرقا"], Axis::Lon, false, Script::Arabic),
    (&["غرب", "غربا"], Axis::Lon, true, Script::Arabic),
];

fn hemisphere(word: &str) -> Option<Hemisphere> {
    let word: String = word
        .chars()
        .filter(|c| *c != '.' && *c != '\u{64b}')
        .flat_map(char::to_lowercase)
        .collect();
    let found = HEMISPHERES
        .iter()
        .find(|(words, ..)| words.contains(&word.as_str()));
    found.map(|(_, axis, negative, script)| Hemisphere {
        axis: *axis,
        negative: *negative,
        script: *script,
    })
}

/// Letters, with the points of an abbreviation and the signs of vowels.
fn is_of_a_word(c: char) -> bool {
    c.is_alphabetic() || c == '.' || c == '\u{64b}'
}

fn word_at(plain: &[Plain]) -> String {
    let letters = plain.iter().map(|(_, c)| *c);
    letters.take_while(|c| is_of_a_word(*c)).collect()
}

/// Whether it is a name: it has no digits, or begins with a word that is no hemisphere.
pub(super) fn is_a_name(plain: &[Plain]) -> bool {
    let Some(start) = plain.iter().position(|(_, c)| c.is_alphanumeric()) else {
        return false;
    };
    let digits = plain.iter().any(|(_, c)| c.is_ascii_digit());
    let begins = &plain[start..];
    begins[0].1.is_alphabetic() && (!digits || hemisphere(&word_at(begins)).is_none())
}

/// Cuts a text into its signs.
pub(super) fn tokens(plain: &[Plain]) -> Result<Vec<Spot>, Unread> {
    let decimal_commas = commas_are_points(plain)?;
    let mut spots: Vec<Spot> = Vec::new();
    let mut rest = plain;
    while let Some((at, c)) = rest.first().copied() {
        let (token, length) = match c {
            c if c.is_whitespace() => {
                rest = &rest[1..];
                continue;
            }
            '0'..='9' => number(rest, decimal_commas),
            '°' => (Token::Mark(Unit::Degrees), 1),
            '′' if rest.get(1).is_some_and(|(_, c)| *c == '′') => {
                (Token::Mark(Unit::Seconds), 2)
            }
            '′' => (Token::Mark(Unit::Minutes), 1),
            '″' => (Token::Mark(Unit::Seconds), 1),
            '-' => (Token::Minus, 1),
            '+' => (Token::Plus, 1),
            ';' | ',' => (Token::Part, 1),
            '.' => return Err(Unread::at(at, Mistake::LonelyPoint)),
            c if c.is_alphabetic() => {
                let word = word_at(rest);
                let length = word.chars().count();
                if is_rest_of_hemisphere(&word, &spots) {
                    rest = &rest[length..];
                    continue;
                }
                let known = hemisphere(&word);
                let hemisphere = known.ok_or_else(|| Unread::no_meaning(at, &word))?;
                (Token::Hemisphere(hemisphere), length)
            }
            c => return Err(Unread::no_meaning(at, &c.to_string())),
        };
        spots.push(Spot { at, token });
        rest = &rest[length..];
    }
    Ok(spots)
}

/// `ш.` of `с. ш.` and `д.` of `в. д.`, where a space stands in between.
fn is_rest_of_hemisphere(word: &str, before: &[Spot]) -> bool {
    let Some(Token::Hemisphere(hemisphere)) = before.last().map(|spot| &spot.token) else {
        return false;
    };
    let rest = match hemisphere.axis {
        Axis::Lat => "ш",
        Axis::Lon => "д",
    };
    hemisphere.script == Script::Cyrillic && word.trim_end_matches('.') == rest
}

fn number(rest: &[Plain], decimal_commas: bool) -> (Token, usize) {
    let digits = |from: usize| -> String {
        let digits = rest[from..].iter().map(|(_, c)| *c);
        digits.take_while(char::is_ascii_digit).collect()
    };
    let whole = digits(0);
    let point = rest.get(whole.len()).map(|(_, c)| *c);
    let is_point = point == Some('.') || point == Some(',') && decimal_commas;
    let fraction = match is_point {
        true => digits(whole.len() + 1),
        false => String::new(),
    };
    if fraction.is_empty() {
        let length = whole.len();
        return (Token::Number(whole, None), length);
    }
    let length = whole.len() + 1 + fraction.len();
    (Token::Number(whole, Some(fraction)), length)
}

/// Whether commas between digits are points of decimals: not where points are, and not where nothing else parts the two numbers.
fn commas_are_points(plain: &[Plain]) -> Result<bool, Unread> {
    let is_digit = |i: usize| plain.get(i).is_some_and(|(_, c)| c.is_ascii_digit());
    let between_digits = |i: usize| i > 0 && is_digit(i - 1) && is_digit(i + 1);
    let at = |sign: char| {
        let found = plain.iter().enumerate();
        found.filter(move |(i, (_, c))| *c == sign && between_digits(*i))
    };
    if at('.').next().is_some() || at(',').next().is_none() {
        return Ok(false);
    }
    let runs = plain.split(|(_, c)| !c.is_ascii_digit() && *c != ',');
    let mut runs = runs.filter(|run| run.iter().any(|(_, c)| c.is_ascii_digit()));
    let is_tight = |three: &&[Plain]| {
        three[0].1.is_ascii_digit() && three[1].1 == ',' && three[2].1.is_ascii_digit()
    };
    let twice = |run: &&[Plain]| run.windows(3).filter(is_tight).count() > 1;
    if let Some(run) = runs.clone().find(twice) {
        return Err(Unread::at(run[0].0, Mistake::AmbiguousCommas));
    }
    Ok(runs.nth(1).is_some())
}
