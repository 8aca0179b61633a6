//! The values that stand in lines: times, lengths of time, places, names, references.

use super::text::{Cursor, ScenarioError};
use super::{ADMIN, ANYBODY, OFFICES};
use record::name::CallSign;
use record::time::UtcMs;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Longest short name, in bytes.
const NAME_BYTES_MAX: usize = 48;
/// Most names in a list.
const NAMES_MAX: usize = 64;
/// Most days from the beginning.
const DAYS_MAX: i64 = 3_660;
/// The years in which a scenario plays.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2199;
/// Most corners of an area.
const CORNERS_MAX: usize = 64;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What the text has introduced so far.
#[derive(Debug)]
pub struct Known {
    /// When the clock begins, once the header said so.
    pub begins: Option<UtcMs>,
    /// The time of the last line.
    pub now: UtcMs,
    /// Participants with the languages of their desks.
    pub participants: BTreeMap<CallSign, Vec<String>>,
    /// Names of statements and instruments.
    pub names: BTreeSet<String>,
    /// Instruments that can be tabled.
    pub instruments: BTreeSet<String>,
    /// Named places.
    pub places: BTreeMap<String, Place>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            begins: None,
            now: UtcMs(i64::MIN),
            participants: BTreeMap::new(),
            names: BTreeSet::new(),
            instruments: BTreeSet::new(),
            places: BTreeMap::new(),
        }
    }
}

impl Known {
    /// Whether `word` is a participant's call sign.
    pub fn is_participant(&self, word: &str) -> bool {
        word.parse::<CallSign>()
            .is_ok_and(|call_sign| self.participants.contains_key(&call_sign))
    }
}

/// A call sign that the header declares.
pub fn call_sign(cursor: &mut Cursor<'_>, known: &Known) -> Result<CallSign, ScenarioError> {
    let call_sign: Option<CallSign> = cursor.peek_word().and_then(|word| word.parse().ok());
    match call_sign {
        Some(call_sign) if known.participants.contains_key(&call_sign) => {
            cursor.word_if_any();
            Ok(call_sign)
        }
        _ => {
            let declared: Vec<&str> = known.participants.keys().map(CallSign::as_str).collect();
            cursor.fail(match &declared[..] {
                [] => "a call sign, but the header declares no participant yet".to_owned(),
                signs => format!("a call sign that the header declares: {}", signs.join(", ")),
            })
        }
    }
}

/// Call signs with commas between them.
pub fn call_signs(cursor: &mut Cursor<'_>, known: &Known) -> Result<Vec<CallSign>, ScenarioError> {
    listed(cursor, |cursor| call_sign(cursor, known))
}

/// Items with commas between them.
pub fn listed<'t, T>(
    cursor: &mut Cursor<'t>,
    mut item: impl FnMut(&mut Cursor<'t>) -> Result<T, ScenarioError>,
) -> Result<Vec<T>, ScenarioError> {
    let mut items = vec![item(cursor)?];
    while cursor.comma() {
        if items.len() >= NAMES_MAX {
            return cursor.fail(format!("at most {NAMES_MAX} names"));
        }
        items.push(item(cursor)?);
    }
    Ok(items)
}

/// Readers: call signs, `public`, `parties`, `own`.
pub fn readers(cursor: &mut Cursor<'_>, known: &Known) -> Result<Vec<String>, ScenarioError> {
    listed(cursor, |cursor| match cursor.peek_word() {
        Some(word @ ("public" | "parties" | "own")) => {
            cursor.word_if_any();
            Ok(word.to_owned())
        }
        _ if known.participants.is_empty() => {
            cursor.fail("public, parties, own, or a call sign that is declared above")
        }
        _ => call_sign(cursor, known).map(|call_sign| call_sign.to_string()),
    })
}

/// An office, or one of its desks: `duty_officer`, `duty_officer.night`; `anybody`; `admin`.
pub fn desk(cursor: &mut Cursor<'_>) -> Result<String, ScenarioError> {
    let fits = |word: &&str| {
        let (office, desk) = word.split_once('.').unwrap_or((word, "desk"));
        let office_fits = OFFICES.contains(&office) && is_name(desk);
        office_fits || *word == ANYBODY || *word == ADMIN
    };
    match cursor.peek_word().filter(fits) {
        Some(word) => {
            cursor.word_if_any();
            Ok(word.to_owned())
        }
        None => cursor.fail(format!(
            "an office ({}), one of its desks such as duty_officer.night, anybody, or admin",
            OFFICES.join(", ")
        )),
    }
}

pub fn is_name(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    (1..=NAME_BYTES_MAX).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(fits)
}

/// The short name of something: `nusra`, `art-2`, `ru-us`.
pub fn name(cursor: &mut Cursor<'_>, what: &str) -> Result<String, ScenarioError> {
    match cursor.peek_word().filter(|word| is_name(word)) {
        Some(word) => {
            cursor.word_if_any();
            Ok(word.to_owned())
        }
        None => cursor.fail(format!("{what}: a-z 0-9 - _, first a letter")),
    }
}

/// A place code: `SY0200`.
pub fn code(cursor: &mut Cursor<'_>) -> Result<String, ScenarioError> {
    let fits = |word: &&str| {
        word.len() <= NAME_BYTES_MAX
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    match cursor.peek_word().filter(fits) {
        Some(word) => {
            cursor.word_if_any();
            Ok(word.to_owned())
        }
        None => cursor.fail("a place code, such as SY0200"),
    }
}

/// A language tag, such as `ar`.
pub fn language(cursor: &mut Cursor<'_>) -> Result<String, ScenarioError> {
    let fits = |word: &&str| {
        word.len() <= NAME_BYTES_MAX
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && word.starts_with(|c: char| c.is_ascii_lowercase())
    };
    match cursor.peek_word().filter(fits) {
        Some(word) => {
            cursor.word_if_any();
            Ok(word.to_owned())
        }
        None => cursor.fail("a language, such as ar or en"),
    }
}

/// A new name for a statement: `@strike`.
pub fn new_name(cursor: &mut Cursor<'_>, known: &mut Known) -> Result<String, ScenarioError> {
    let word = cursor.word("a name for it, such as @strike")?;
    let Some(name) = word.strip_prefix('@').filter(|name| is_name(name)) else {
        return cursor
            .fail_before("a name for it: @ and then a-z 0-9 - _, first a letter, such as @strike");
    };
    if !known.names.insert(name.to_owned()) {
        return cursor.fail_before("a name that nothing above has");
    }
    Ok(name.to_owned())
}

/// The name of a statement that stands above: `@strike`.
pub fn mention(cursor: &mut Cursor<'_>, known: &Known) -> Result<String, ScenarioError> {
    let word = cursor.peek_word().and_then(|word| word.strip_prefix('@'));
    match word {
        Some(name) if known.names.contains(name) => {
            cursor.word_if_any();
            Ok(name.to_owned())
        }
        Some(_) => cursor.fail("the name of a statement that stands above; none has this one"),
        None => cursor.fail("the name of a statement that stands above, such as @strike"),
    }
}

/// A time: `+00:02` from the beginning, or with date and offset.
pub fn time(cursor: &mut Cursor<'_>, known: &Known) -> Result<(String, UtcMs), ScenarioError> {
    const RULE: &str = "a time: +HH:MM, +HH:MM:SS or +3d12:30 from the beginning, or with date and offset such as \
                        2016-03-21T09:00Z";
    let Some(word) = cursor.peek_word() else {
        return cursor.fail(RULE);
    };
    let read = if let Some(after) = word.strip_prefix('+') {
        let Some(begins) = known.begins else {
            return cursor
                .fail("the line begins above this one: what counts from the beginning needs it");
        };
        after_ms(after)
            .map(|ms| UtcMs(begins.0 + ms))
            .map(|at| (at.to_string(), at))
    } else {
        absolute(word)
    };
    match read {
        Some(time) => {
            cursor.word_if_any();
            Ok(time)
        }
        None => cursor.fail(RULE),
    }
}

/// A time that begins a line, when it begins with one.
pub fn time_if_any(cursor: &mut Cursor<'_>, known: &Known) -> Result<Option<UtcMs>, ScenarioError> {
    let is_time =
        |word: &str| word.starts_with('+') || word.starts_with(|c: char| c.is_ascii_digit());
    if cursor.peek_word().is_some_and(is_time) {
        return time(cursor, known).map(|(_, at)| Some(at));
    }
    Ok(None)
}

/// `02:00`, `00:05:10`, `90d`, `3d12:30`, as milliseconds.
fn after_ms(text: &str) -> Option<i64> {
    let (days, clock) = match text.split_once('d') {
        Some((days, clock)) => (number(days, 4).filter(|days| *days <= DAYS_MAX)?, clock),
        None => (0, text),
    };
    let within = if clock.is_empty() && text.ends_with('d') {
        0
    } else {
        let parts: Vec<&str> = clock.split(':').collect();
        let two = |part: &str, max: i64| {
            (part.len() == 2)
                .then(|| number(part, 2))?
                .filter(|n| *n <= max)
        };
        let hours_max = if text.contains('d') { 23 } else { 99 };
        match parts[..] {
            [hours, minutes] => two(hours, hours_max)? * HOUR_MS + two(minutes, 59)? * MINUTE_MS,
            [hours, minutes, seconds] => {
                two(hours, hours_max)? * HOUR_MS
                    + two(minutes, 59)? * MINUTE_MS
                    + two(seconds, 59)? * SECOND_MS
            }
            _ => return None,
        }
    };
    Some(days * DAY_MS + within)
}

/// RFC 3339, where the seconds may be left out.
fn absolute(text: &str) -> Option<(String, UtcMs)> {
    let year: u32 = text.get(..4)?.parse().ok()?;
    let (minutes, rest) = (text.get(..16)?, text.get(16..)?);
    let full = if rest.starts_with(':') {
        text.to_owned()
    } else {
        format!("{minutes}:00{rest}")
    };
    let at = UtcMs::parse(&full).ok()?;
    YEARS.contains(&year).then_some((full, at))
}

/// A whole number without sign, of at most `digits` digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = (1..=digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Takes a whole number.
pub fn count(cursor: &mut Cursor<'_>) -> Result<i64, ScenarioError> {
    match cursor.peek_word().and_then(|word| number(word, 10)) {
        Some(number) => {
            cursor.word_if_any();
            Ok(number)
        }
        None => cursor.fail("a whole number"),
    }
}

/// A length of time, as exact as it was written: `90d` has whole days, `4m30s` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// How long, in milliseconds.
    pub ms: i64,
    /// Its smallest unit, in milliseconds.
    pub unit_ms: i64,
}

impl Lasting {
    /// Whether `ms` is this long, in whole units.
    #[must_use]
    pub fn is(self, ms: i64) -> bool {
        ms.div_euclid(self.unit_ms) == self.ms / self.unit_ms
    }
}

/// Takes a length of time: `90d`, `4m`, `1h30m`, `10s`.
pub fn lasting(cursor: &mut Cursor<'_>) -> Result<Lasting, ScenarioError> {
    match cursor.peek_word().and_then(lasting_of) {
        Some(lasting) => {
            cursor.word_if_any();
            Ok(lasting)
        }
        None => cursor.fail("a length of time, such as 90d, 4m, 1h30m or 10s"),
    }
}

fn lasting_of(text: &str) -> Option<Lasting> {
    let units = [
        ('d', DAY_MS),
        ('h', HOUR_MS),
        ('m', MINUTE_MS),
        ('s', SECOND_MS),
    ];
    let (mut rest, mut ms, mut smallest) = (text, 0, i64::MAX);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = rest[end..].chars().next()?;
        let (_, unit_ms) = units.into_iter().find(|(letter, _)| *letter == unit)?;
        if unit_ms >= smallest {
            return None; // each unit once, the longest first
        }
        ms += number(&rest[..end], 5)? * unit_ms;
        smallest = unit_ms;
        rest = &rest[end + 1..];
    }
    (smallest < i64::MAX).then_some(Lasting {
        ms,
        unit_ms: smallest,
    })
}

/// A place in units of 1e-7 degree, with its name when it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Latitude, north positive.
    pub lat_e7: i64,
    /// Longitude, east positive.
    pub lon_e7: i64,
    /// Its name.
    pub name: Option<String>,
}

impl Place {
    /// As it stands in bodies.
    #[must_use]
    pub fn position(&self) -> Value {
        json!({"lat_e7": self.lat_e7, "lon_e7": self.lon_e7})
    }
}

/// Takes a place: `33.35N 38.67E`, perhaps `named "…"`, or the short name that the header gave it.
pub fn place(cursor: &mut Cursor<'_>, known: &Known) -> Result<Place, ScenarioError> {
    let named = cursor.peek_word().and_then(|word| known.places.get(word));
    if let Some(place) = named {
        cursor.word_if_any();
        return Ok(place.clone());
    }
    let (lat_e7, lon_e7) = position(cursor)?;
    // A bare text after a place would be taken for the words of a message, or the other way round.
    let name = match cursor.eat("named") {
        true => Some(cursor.quoted("the place's name")?.to_owned()),
        false => None,
    };
    Ok(Place {
        lat_e7,
        lon_e7,
        name,
    })
}

fn position(cursor: &mut Cursor<'_>) -> Result<(i64, i64), ScenarioError> {
    let degrees = |cursor: &mut Cursor<'_>, plus, minus, most, rule: &str| {
        let read = cursor
            .peek_word()
            .and_then(|word| degrees_e7(word, plus, minus, most));
        match read {
            Some(degrees) => {
                cursor.word_if_any();
                Ok(degrees)
            }
            None => cursor.fail(rule),
        }
    };
    let lat_e7 = degrees(
        cursor,
        'N',
        'S',
        90,
        "a latitude such as 33.35N (the latitude stands first), or a place that the header names",
    )?;
    let lon_e7 = degrees(cursor, 'E', 'W', 180, "a longitude such as 38.67E")?;
    Ok((lat_e7, lon_e7))
}

/// `33.35N` in units of 1e-7 degree, exactly.
fn degrees_e7(text: &str, plus: char, minus: char, most: i64) -> Option<i64> {
    let (sign, text) = match text.strip_suffix(plus) {
        Some(text) => (1, text),
        None => (-1, text.strip_suffix(minus)?),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = part.len();
    let part = number(part, 7)? * 10_i64.pow(u32::try_from(7 - digits).ok()?);
    let e7 = number(whole, 3)? * 10_000_000 + part;
    (e7 <= most * 10_000_000).then_some(sign * e7)
}

/// Takes an outline: `36.20N 37.20E to 36.40N 37.40E` for a box, or corners with commas between them.
pub fn outline(cursor: &mut Cursor<'_>) -> Result<Value, ScenarioError> {
    let corner = |(lat_e7, lon_e7): (i64, i64)| json!({"lat_e7": lat_e7, "lon_e7": lon_e7});
    let first = position(cursor)?;
    if cursor.eat("to") {
        let other = position(cursor)?;
        let (south, north) = (first.0.min(other.0), first.0.max(other.0));
        let (west, east) = (first.1.min(other.1), first.1.max(other.1));
        let corners = [(south, west), (south, east), (north, east), (north, west)];
        return Ok(corners.map(corner).into_iter().collect());
    }
    let mut corners = vec![corner(first)];
    while cursor.comma() {
        if corners.len() >= CORNERS_MAX {
            return cursor.fail(format!("at most {CORNERS_MAX} corners"));
        }
        corners.push(corner(position(cursor)?));
    }
    if corners.len() < 3 {
        return cursor.fail("to and the opposite corner, or commas and more corners");
    }
    Ok(Value::Array(corners))
}

/// Who acts, in a question about coverage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant.
    Participant(CallSign),
    /// A formation, by its short name.
    Formation(String),
    /// A group, by its short name.
    Group(String),
    /// Not known.
    Unknown,
}

/// Takes an actor: a call sign, `formation ID`, `group ID`, `unknown`.
pub fn actor(cursor: &mut Cursor<'_>, known: &Known) -> Result<Actor, ScenarioError> {
    if cursor.eat("unknown") {
        return Ok(Actor::Unknown);
    }
    if cursor.eat("formation") {
        return name(cursor, "the formation's short name").map(Actor::Formation);
    }
    if cursor.eat("group") {
        return name(cursor, "the group's short name").map(Actor::Group);
    }
    if cursor
        .peek_word()
        .is_some_and(|word| known.is_participant(word))
    {
        return call_sign(cursor, known).map(Actor::Participant);
    }
    cursor.fail("formation and its short name, group and its short name, unknown, or a call sign")
}

/// A source: a title in quotes, perhaps with an address.
pub fn source(cursor: &mut Cursor<'_>) -> Result<Value, ScenarioError> {
    let mut source = Map::new();
    source.insert(
        "title".into(),
        cursor.quoted("the title of the source")?.into(),
    );
    if cursor.eat("url") {
        source.insert("url".into(), cursor.word("an address")?.into());
    }
    Ok(Value::Object(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_read_exactly() {
        assert_eq!(degrees_e7("33.35N", 'N', 'S', 90), Some(333_500_000));
        assert_eq!(degrees_e7("36.1234567S", 'N', 'S', 90), Some(-361_234_567));
        assert_eq!(degrees_e7("180E", 'E', 'W', 180), Some(1_800_000_000));
        for bad in [
            "33.35",
            "33.35E",
            "91N",
            "90.0000001N",
            "36.12345678N",
            "-1N",
            ".5N",
            "5.N",
            "N",
            "１N",
        ] {
            assert_eq!(degrees_e7(bad, 'N', 'S', 90), None, "{bad}");
        }
    }

    #[test]
    fn lengths_of_time_are_as_exact_as_they_are_written() {
        let of = |text: &str| lasting_of(text).unwrap();
        assert!(of("90d").is(90 * DAY_MS) && of("90d").is(91 * DAY_MS - 1));
        assert!(!of("90d").is(91 * DAY_MS) && !of("90d").is(90 * DAY_MS - 1));
        assert!(of("4m30s").is(270_999) && !of("4m30s").is(271_000));
        assert_eq!(of("1h30m").ms, 90 * MINUTE_MS);
        for bad in ["", "90", "d", "4m4m", "30s4m", "4 m", "-4m", "4x"] {
            assert_eq!(lasting_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_count_from_the_beginning_or_have_a_date_and_an_offset() {
        assert_eq!(after_ms("00:02"), Some(2 * MINUTE_MS));
        assert_eq!(after_ms("90d"), Some(90 * DAY_MS));
        assert_eq!(
            after_ms("3d12:30"),
            Some(3 * DAY_MS + 12 * HOUR_MS + 30 * MINUTE_MS)
        );
        assert_eq!(after_ms("48:00:10"), Some(2 * DAY_MS + 10 * SECOND_MS));
        for bad in [
            "",
            "d",
            "2",
            "2:00",
            "00:60",
            "1d24:00",
            "1d2d",
            "9999d",
            "00:00:00:00",
        ] {
            assert_eq!(after_ms(bad), None, "{bad}");
        }
        let (text, at) = absolute("2016-02-27T00:00+02:00").unwrap();
        assert_eq!(
            (text.as_str(), at),
            (
                "2016-02-27T00:00:00+02:00",
                UtcMs::parse("2016-02-26T22:00:00Z").unwrap()
            )
        );
        for bad in [
            "2016-02-27",
            "2016-02-27T00:00",
            "2016-02-30T00:00Z",
            "0001-01-01T00:00Z",
            "2016-02-27T00:00:00:00Z",
        ] {
            assert_eq!(absolute(bad), None, "{bad}");
        }
    }
}
