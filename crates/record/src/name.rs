//! Names that are read aloud, printed and signed: origins, call signs, logs, references.

use crate::encoding::{Hash, base64url, from_base64url};
use std::fmt;
use std::str::FromStr;

/// Longest origin, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 120;
/// Longest call sign, in bytes.
pub const CALL_SIGN_BYTES_MAX: usize = 16;

/// A name that does not follow its rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} is refused: {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

fn refuse<T>(what: &'static str, text: &str, rule: &'static str) -> Result<T, NameError> {
    Err(NameError {
        what,
        text: text.chars().take(160).collect(),
        rule,
    })
}

macro_rules! text_type {
    ($type:ident) => {
        impl $type {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The worldwide name of a log, as C2SP asks: a host and a path without scheme, such as `truce.example/mission`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);
text_type!(Origin);

impl FromStr for Origin {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        const RULE: &str = "an origin is a host and a path in lower case, a-z 0-9 . - _ and /, such as truce.example/mission, \
                            at most 120 bytes";
        let fits = !text.is_empty() && text.len() <= ORIGIN_BYTES_MAX;
        let parts_fit = text.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
        });
        if fits && parts_fit {
            Ok(Self(text.to_owned()))
        } else {
            refuse("origin", text, RULE)
        }
    }
}

/// What a participant is called on the line, such as `MISSION` or `RU`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallSign(String);
text_type!(CallSign);

impl FromStr for CallSign {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        const RULE: &str = "a call sign is two to sixteen characters A-Z 0-9 and starts with a letter, such as MISSION";
        let fits = (2..=CALL_SIGN_BYTES_MAX).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            refuse("call sign", text, RULE)
        }
    }
}

/// Which log a statement is for: its origin and the first 128 bits of the leaf hash of entry 0, so that a statement for one
/// log can never be replayed into another, even one that takes the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The log's origin.
    pub origin: Origin,
    /// First half of entry 0's leaf hash; `None` only in entry 0 itself, which cannot contain its own hash.
    pub entry0: Option<[u8; 16]>,
}

impl LogId {
    /// The identity of the log of `origin` whose entry 0 has leaf hash `entry0`.
    #[must_use]
    pub fn new(origin: Origin, entry0: Hash) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&entry0.0[..16]);
        Self {
            origin,
            entry0: Some(half),
        }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry0 {
            Some(half) => write!(f, "{}#{}", self.origin, base64url(half)),
            None => write!(f, "{}", self.origin),
        }
    }
}

impl FromStr for LogId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        const RULE: &str = "a log is an origin, then # and 22 characters of base64url";
        let Some((origin, half)) = text.split_once('#') else {
            return Ok(Self {
                origin: text.parse()?,
                entry0: None,
            });
        };
        match from_base64url(half)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
        {
            Some(half) => Ok(Self {
                origin: origin.parse()?,
                entry0: Some(half),
            }),
            None => refuse("log", text, RULE),
        }
    }
}

/// A statement's place in the world: origin, index in that log, and the hash of the leaf that stands there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The log's origin.
    pub origin: Origin,
    /// The entry's index, from 0.
    pub index: u64,
    /// RFC 6962 leaf hash of the entry.
    pub leaf: Hash,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}:{}", self.origin, self.index, self.leaf)
    }
}

impl FromStr for Reference {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        const RULE: &str = "a reference is origin#index:hash, such as truce.example/mission#412:… with 43 characters of hash";
        let parts = text.split_once('#').and_then(|(origin, rest)| {
            rest.split_once(':')
                .map(|(index, leaf)| (origin, index, leaf))
        });
        let Some((origin, index, leaf)) = parts else {
            return refuse("reference", text, RULE);
        };
        match (decimal(index), Hash::from_base64url(leaf)) {
            (Some(index), Ok(leaf)) => Ok(Self {
                origin: origin.parse()?,
                index,
                leaf,
            }),
            _ => refuse("reference", text, RULE),
        }
    }
}

/// Reads a canonical decimal number below 2^53: digits only, no leading zero.
#[must_use]
pub fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (text.starts_with(|c: char| ('1'..='9').contains(&c)));
    let number: u64 = (canonical && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()?;
    (number < crate::json::INTEGER_LIMIT).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for good in ["truce.example/mission", "a", "x-1.example/log_2/b"] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), good);
        }
        let long = "a".repeat(121);
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "A",
            "a b",
            "a#b",
            "a+b",
            "é",
            "https://a",
            ".a",
            long.as_str(),
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
        for bad in ["", "R", "ru", "1RU", "RU-1", "ABCDEFGHIJKLMNOPQ"] {
            assert!(bad.parse::<CallSign>().is_err(), "{bad:?}");
        }
        "RU".parse::<CallSign>().unwrap();
    }

    #[test]
    fn references_and_logs_read_back() {
        let origin: Origin = "truce.example/ru".parse().unwrap();
        let reference = Reference {
            origin: origin.clone(),
            index: 412,
            leaf: Hash([7; 32]),
        };
        assert_eq!(
            reference.to_string().parse::<Reference>().unwrap(),
            reference
        );
        let log = LogId::new(origin, Hash([9; 32]));
        assert_eq!(log.to_string().parse::<LogId>().unwrap(), log);
        for bad in ["a#01:x", "a#-1:x", "a#1", "a:1", "a#1:AAAA"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?}");
        }
        assert!("a#AA".parse::<LogId>().is_err());
        assert_eq!(decimal("007"), None);
        assert_eq!(decimal("9007199254740992"), None);
    }
}
