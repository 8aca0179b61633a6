//! The values that stand in bodies: texts with their limits, times with their offset, whole numbers with their range, lists,
//! places. Each is checked once, when it is read, and trusted afterwards.

use crate::wire::{BodyError, Place, Wire, body};
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::statement::Kid;
use record::time::UtcMs;
use regex_lite::Regex;
use serde_json::{Value, json};
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

const HASH: &str = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
const ORIGIN: &str = "[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*";

fn text<'v>(value: &'v Value, place: &Place<'_>) -> Result<&'v str, BodyError> {
    value.as_str().ok_or_else(|| place.refuse("must be text"))
}

/// A text of at most `$max` characters that fits `$pattern`.
macro_rules! text_value {
    ($(#[doc = $doc:literal])+ $name:ident, $max:literal, $pattern:expr, $rule:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads it.
            ///
            /// # Errors
            /// The rule, when it is broken.
            pub fn new(text: &str) -> Result<Self, &'static str> {
                static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("the pattern is constant and tested"));
                let fits = (1..=$max).contains(&text.chars().count()) && PATTERN.is_match(text);
                if fits { Ok(Self(text.to_owned())) } else { Err($rule) }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Wire for $name {
            fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
                Self::new(text(value, place)?).map_err(|rule| place.refuse(rule))
            }
            fn write(&self) -> Value {
                self.0.clone().into()
            }
            fn schema() -> Value {
                json!({"type": "string", "minLength": 1, "maxLength": $max, "pattern": $pattern})
            }
        }
    };
}

text_value!(
    /// One line, for names and titles.
    Label, 120, r"^[^\x00-\x1f\x7f]*$", "is one line of 1 to 120 characters"
);
text_value!(
    /// One line of others, kept as they wrote it: a side of many groups, for example.
    Line, 500, r"^[^\x00-\x1f\x7f]*$", "is one line of 1 to 500 characters"
);
text_value!(
    /// What somebody says, with its line breaks.
    Words, 8000, r"^[^\x00-\x09\x0b-\x1f\x7f]*$", "has 1 to 8000 characters; of control characters only the line break"
);
text_value!(
    /// The short name of something inside an instrument or a message: a line, a provision, a part.
    Slug, 48, r"^[a-z][a-z0-9_-]*$", "is 1 to 48 characters a-z 0-9 - _ and starts with a letter"
);
text_value!(
    /// A language, by its BCP 47 tag: `ar`, `en`, `ru`, `sr-Latn`.
    Language, 35, r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "is a BCP 47 language tag, such as ar or sr-Latn"
);
text_value!(
    /// A place code of the humanitarian sets: `SY0200`.
    Pcode, 12, r"^[A-Z]{2}[A-Z0-9]*$", "is a P-code: two letters A-Z, then A-Z and 0-9, at most 12, such as SY0200"
);
text_value!(
    /// A place code that is no finer than a district: two letters for the country, two digits for the governorate and two for the
    /// district, as in most of the humanitarian sets. A finer one names a town or a quarter, and all readers of a notice read it.
    DistrictCode, 6, r"^[A-Z]{2}[0-9]{0,4}$", "is the P-code of a country, governorate or district: two letters A-Z and at most four digits, such as SY0200; all readers see it, and nothing finer is for all"
);
text_value!(
    /// Where something was published.
    Url, 500, r"^https?://[^\x00-\x20\x7f]+$", "is a URL that starts with http:// or https://, at most 500 characters"
);

macro_rules! record_value {
    ($type:ty, $max:expr, $pattern:expr, $rule:literal, $read:expr, $write:expr) => {
        impl Wire for $type {
            fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
                let read: fn(&str) -> Option<$type> = $read;
                read(text(value, place)?).ok_or_else(|| place.refuse($rule))
            }
            fn write(&self) -> Value {
                let write: fn(&$type) -> String = $write;
                write(self).into()
            }
            fn schema() -> Value {
                json!({"type": "string", "maxLength": $max, "pattern": $pattern})
            }
        }
    };
}

record_value!(
    Hash,
    43,
    format!("^{HASH}$"),
    "is a SHA-256 in base64url, 43 characters",
    |text| Self::from_base64url(text).ok(),
    |hash| hash.to_base64url()
);
record_value!(
    CallSign,
    16,
    "^[A-Z][A-Z0-9]{1,15}$",
    "is a call sign: two to sixteen characters A-Z 0-9, first a letter",
    |text| text.parse().ok(),
    ToString::to_string
);
record_value!(
    Origin,
    120,
    format!("^{ORIGIN}$"),
    "is an origin: a host and a path in lower case, such as truce.example/mission",
    |text| text.parse().ok(),
    ToString::to_string
);
record_value!(
    Reference,
    200,
    format!("^{ORIGIN}#(0|[1-9][0-9]{{0,14}}):{HASH}$"),
    "is a reference: origin#index:hash, with 43 characters of hash",
    |text| text.parse().ok(),
    ToString::to_string
);
record_value!(
    Kid,
    16,
    "^(0|[1-9][0-9]{0,14}|0/recovery)$",
    "is the index of a key.grant, or 0/recovery",
    |text| text.parse().ok(),
    ToString::to_string
);

/// A time with the offset of whoever said it: RFC 3339, to the second or finer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    text: String,
    utc: UtcMs,
}

/// The form of a [`Time`]. That a day exists in its month is checked as well.
pub const TIME_PATTERN: &str = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$";

impl Time {
    /// Reads it.
    ///
    /// # Errors
    /// The rule, when it is broken.
    pub fn new(text: &str) -> Result<Self, String> {
        static PATTERN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(TIME_PATTERN).expect("the pattern is constant and tested"));
        if !PATTERN.is_match(text) {
            return Err("is a time with its offset, such as 2016-06-21T12:00:00+03:00".into());
        }
        Ok(Self {
            text: text.to_owned(),
            utc: UtcMs::parse(text)?,
        })
    }

    /// As it was said.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant.
    #[must_use]
    pub fn utc(&self) -> UtcMs {
        self.utc
    }
}

impl Wire for Time {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        Self::new(text(value, place)?).map_err(|rule| place.refuse(rule))
    }
    fn write(&self) -> Value {
        self.text.clone().into()
    }
    fn schema() -> Value {
        json!({"type": "string", "format": "date-time", "pattern": TIME_PATTERN})
    }
}

/// A whole number from `MIN` to `MAX`. Its unit stands in the member's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const MIN: i64, const MAX: i64>(i64);

/// A latitude in units of 1e-7 degree, north positive.
pub type LatE7 = Int<-900_000_000, 900_000_000>;
/// A longitude in units of 1e-7 degree, east positive.
pub type LonE7 = Int<-1_800_000_000, 1_800_000_000>;
/// A length of time: one second to a year.
pub type Seconds = Int<1, 31_536_000>;
/// A number of persons, events or things.
pub type Count = Int<0, 1_000_000_000>;
/// A version, from 1.
pub type Version = Int<1, 9_999>;
/// A distance, to 1,000 km.
pub type Metres = Int<0, 1_000_000>;

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// The number, when it is in the range.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Wire for Int<MIN, MAX> {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        let number = value.as_i64().and_then(Self::new);
        number.ok_or_else(|| place.refuse(format!("is a whole number from {MIN} to {MAX}")))
    }
    fn write(&self) -> Value {
        self.0.into()
    }
    fn schema() -> Value {
        json!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

/// `MIN` to `MAX` different items in their order. With `MIN` 0 the member may be left out; an empty list is never written, so
/// that nothing has two spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T: PartialEq, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// The list, when its length fits and no item stands there twice.
    ///
    /// # Errors
    /// The rule, when it is broken.
    pub fn new(items: Vec<T>) -> Result<Self, String> {
        if !(MIN..=MAX).contains(&items.len()) {
            return Err(format!("has {} to {MAX} items", MIN.max(1)));
        }
        let twice = (1..items.len()).find(|i| items[..*i].contains(&items[*i]));
        match twice {
            None => Ok(Self(items)),
            Some(at) => Err(format!("names item {at} twice")),
        }
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'l, T, const MIN: usize, const MAX: usize> IntoIterator for &'l List<T, MIN, MAX> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Wire + PartialEq, const MIN: usize, const MAX: usize> Wire for List<T, MIN, MAX> {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        let items = value
            .as_array()
            .ok_or_else(|| place.refuse("must be a list"))?;
        // The length first: nothing is compared with all others before it is known to be few.
        if !(MIN.max(1)..=MAX).contains(&items.len()) {
            return Err(place.refuse(format!("has {} to {MAX} items", MIN.max(1))));
        }
        let read = items
            .iter()
            .enumerate()
            .map(|(i, item)| T::read(item, &Place::Item(place, i)));
        Self::new(read.collect::<Result<_, _>>()?).map_err(|rule| place.refuse(rule))
    }
    fn write(&self) -> Value {
        if self.0.is_empty() {
            return Value::Null;
        }
        self.0.iter().map(Wire::write).collect()
    }
    fn schema() -> Value {
        json!({
            "type": "array", "items": T::schema(), "minItems": MIN.max(1), "maxItems": MAX, "uniqueItems": true,
        })
    }
    fn absent() -> Option<Self> {
        (MIN == 0).then(|| Self(Vec::new()))
    }
}

body! {
    /// A place on the map, WGS 84.
    Position {
        /// Latitude in 1e-7 degree, north positive.
        lat_e7: LatE7,
        /// Longitude in 1e-7 degree, east positive.
        lon_e7: LonE7,
    }
}

/// The corners of an area in order; the last is joined to the first.
pub type Polygon = List<Position, 3, 64>;

impl Position {
    /// A position, when it is on the globe.
    #[must_use]
    pub fn new(lat_e7: i64, lon_e7: i64) -> Option<Self> {
        Some(Self {
            lat_e7: Int::new(lat_e7)?,
            lon_e7: Int::new(lon_e7)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: Wire>(value: Value) -> String {
        T::read(&value, &Place::Member(&Place::Top, "body"))
            .err()
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_time_keeps_its_offset_and_a_day_that_is_not_there_is_refused() {
        let time = Time::new("2016-02-27T00:00:00+02:00").unwrap();
        assert_eq!(time.as_str(), "2016-02-27T00:00:00+02:00");
        assert_eq!(time.utc().to_string(), "2016-02-26T22:00:00Z");
        for bad in [
            "2016-02-30T00:00:00Z",
            "2016-02-27T00:00:00",
            "2016-02-27 00:00:00Z",
            "27 Feb",
        ] {
            assert!(Time::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(Label::new(&"ح".repeat(120)).is_ok());
        assert!(Label::new(&"ح".repeat(121)).is_err());
        assert!(Label::new("two\nlines").is_err());
        assert!(Words::new("two\nlines").is_ok());
        assert!(Words::new("a\u{7}").is_err());
    }

    #[test]
    fn nothing_has_two_spellings() {
        assert_eq!(
            refusal::<List<Slug, 0, 3>>(json!([])),
            "body has 1 to 3 items"
        );
        assert!(refusal::<List<Slug, 0, 3>>(json!(["a", "a"])).contains("twice"));
        assert!(refusal::<Option<Slug>>(Value::Null).contains("must be text"));
        assert!(refusal::<Count>(json!(1.0)).contains("whole number"));
    }
}
