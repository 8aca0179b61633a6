//! The small parsers: JSON, base64, names, kinds, times.

use crate::independent::{self, STANDARD, URL};
use crate::{refused, text};
use record::audience::Name;
use record::encoding::{Hash, base64_std, base64url, from_base64_std, from_base64url};
use record::json::{self, DEPTH_MAX};
use record::name::{CallSign, LogId, Origin, Reference};
use record::statement::{Kid, Kind};
use record::time::UtcMs;
use serde_json::Value;
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// What is strict JSON means the same to another library, and has one canonical text.
pub fn json(bytes: &[u8]) {
    let other: Option<Value> = serde_json::from_slice(bytes).ok();
    match json::parse(bytes) {
        Ok(value) => {
            assert_eq!(
                other.as_ref(),
                Some(&value),
                "libraries read it differently"
            );
            assert!(independent::depth(&value) <= DEPTH_MAX, "nested too deeply");
            assert!(independent::only_small_integers(&value));
            let canonical = json::canonical(&value);
            assert_eq!(json::parse(canonical.as_bytes()).as_ref(), Ok(&value));
        }
        Err(error) => refused(&error),
    }
    // What another library makes of it, written canonically, is refused for its depth and its numbers only.
    if let Some(value) = other {
        let canonical = json::canonical(&value);
        let fits =
            independent::depth(&value) <= DEPTH_MAX && independent::only_small_integers(&value);
        let read = json::parse(canonical.as_bytes());
        assert_eq!(read.is_ok(), fits, "{canonical}");
        if let Ok(read) = read {
            assert_eq!(read, value);
            assert_eq!(json::canonical(&read), canonical);
        }
    }
}

/// Both base64 alphabets decode exactly what a plain decoder does, and every value has one text.
pub fn base64(bytes: &[u8]) {
    assert_eq!(from_base64url(&base64url(bytes)).as_deref(), Ok(bytes));
    assert_eq!(from_base64_std(&base64_std(bytes)).as_deref(), Ok(bytes));
    let Some(text) = text(bytes) else { return };
    let read = from_base64url(text).ok();
    assert_eq!(read, independent::base64(text, URL));
    assert!(read.is_none_or(|bytes| base64url(&bytes) == text));
    let read = from_base64_std(text).ok();
    let digits = text.trim_end_matches('=');
    let padded = text.len().is_multiple_of(4) && text.len() - digits.len() < 4;
    let plain = independent::base64(digits, STANDARD)
        .filter(|bytes| padded && bytes.len().div_ceil(3) * 4 == text.len());
    assert_eq!(read, plain);
    assert!(read.is_none_or(|bytes| base64_std(&bytes) == text));
    if let Ok(hash) = Hash::from_base64url(text) {
        assert_eq!((hash.to_string().as_str(), text.len()), (text, 43));
    }
}

/// Reads `text` and writes it again.
fn one_spelling<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text, "a second spelling");
            Some(value)
        }
        Err(error) => {
            refused(&error);
            None
        }
    }
}

/// Origins, call signs, logs, references and names in an audience have one spelling, and their parts are what one sees.
pub fn name(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(origin) = one_spelling::<Origin>(text) {
        assert!(!origin.as_str().contains(['#', ':', '~', '+', ' ', '\n']));
    }
    if let Some(call_sign) = one_spelling::<CallSign>(text) {
        // A call sign is never mistaken for a word of the audience.
        assert_eq!(text.parse(), Ok(Name::Participant(call_sign)));
    }
    one_spelling::<Name>(text);
    if let Some(log) = one_spelling::<LogId>(text) {
        let half = text.split_once('#').map(|(_, half)| half);
        assert_eq!(log.entry0.map(|half| base64url(&half)).as_deref(), half);
    }
    if let Some(reference) = one_spelling::<Reference>(text) {
        let parts: Vec<&str> = text.split(['#', ':']).collect();
        let index = reference.index.to_string();
        let leaf = base64url(&reference.leaf.0);
        assert_eq!(parts, [reference.origin.as_str(), &index, &leaf]);
    }
}

/// Kinds and key indexes have one spelling.
pub fn kind(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(kind) = one_spelling::<Kind>(text) {
        let control = ["participant", "key", "office"]
            .contains(&kind.name.split('.').next().unwrap_or(""))
            && kind.name.contains('.');
        assert_eq!(kind.is_control(), control);
        assert!((1..10_000).contains(&kind.version));
    }
    if let Some(Kid::Index(index)) = one_spelling::<Kid>(text) {
        assert_eq!(independent::decimal(text), Some(index));
        assert!(index < json::INTEGER_LIMIT);
    }
    assert_eq!(
        record::name::decimal(text),
        independent::decimal(text).filter(|number| *number < json::INTEGER_LIMIT)
    );
}

/// A time that is accepted is one that everybody reads, and our own text for it is the same instant.
pub fn time(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match UtcMs::parse(text) {
        Ok(time) => {
            assert!(independent::is_rfc3339(text), "not RFC 3339: {text:?}");
            assert_eq!(UtcMs::parse(&time.to_string()), Ok(time));
            assert_eq!(time.minute_s() % 60, 0);
            assert!((0..60).contains(&(time.seconds() - time.minute_s())));
        }
        Err(error) => refused(&error),
    }
}
