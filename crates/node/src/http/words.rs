//! The words of the API: how the record's and the truce's own types are spelt in JSON, read strictly, and described in the
//! OpenAPI document.

use crate::accounts::Secret;
use crate::accounts::caller::{Scope, office};
use crate::accounts::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use record::name::{CALL_SIGN_BYTES_MAX, CallSign};
use record::time::UtcMs;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use truce::participants::Office;
use truce::values::Language;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// Longest text that somebody may type as a sign-in name.
pub const TYPED_NAME_CHARS_MAX: usize = 256;
/// Most items in a list of languages.
const LANGUAGES_MAX: usize = crate::accounts::LANGUAGES_MAX;

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    struct Line;
    impl<'de> serde::de::Visitor<'de> for Line {
        type Value = Cow<'de, str>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }
    }
    deserializer.deserialize_str(Line)
}

macro_rules! schema_of {
    ($name:ident, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object: Object = $schema.build();
                RefOr::T(Schema::Object(object))
            }
        }
        impl ToSchema for $name {}
    };
}

/// A time, in UTC and to the millisecond at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub UtcMs);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

schema_of!(
    Time,
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some("Z$"))
        .description(Some("A time in UTC (RFC 3339)."))
);

/// A day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub i64);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let midnight = UtcMs(self.0.saturating_mul(DAY_MS)).to_string();
        serializer.serialize_str(midnight.split('T').next().unwrap_or_default())
    }
}

schema_of!(
    Day,
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
        .description(Some("A day in UTC."))
);

/// A call sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSignText(pub CallSign);

impl Serialize for CallSignText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CallSignText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "is a call sign: two to sixteen characters A-Z 0-9, first a letter";
        text(deserializer)?
            .parse()
            .map(Self)
            .map_err(|_| D::Error::custom(rule))
    }
}

schema_of!(
    CallSignText,
    string()
        .pattern(Some("^[A-Z][A-Z0-9]{1,15}$"))
        .min_length(Some(2))
        .max_length(Some(CALL_SIGN_BYTES_MAX))
        .description(Some("What a participant is called on the line."))
);

/// A set of offices, each named once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offices(pub BTreeSet<Office>);

impl Serialize for Offices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Offices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "names offices, each once: duty_officer, field_monitor, verification_analyst, do_no_harm_officer, \
                    notification_officer, head_of_mission, auditor, administrator";
        each_once(Vec::<String>::deserialize(deserializer)?, |word| {
            office(&word)
        })
        .map(|offices| Self(offices.into_iter().collect()))
        .ok_or_else(|| D::Error::custom(rule))
    }
}

impl PartialSchema for Offices {
    fn schema() -> RefOr<Schema> {
        let word = string().enum_values(Some(Office::ALL.iter().map(|office| office.as_str())));
        let list = ArrayBuilder::new()
            .items(RefOr::T(Schema::Object(word.build())))
            .unique_items(true)
            .max_items(Some(Office::ALL.len()))
            .description(Some("Offices in which somebody may act."));
        RefOr::T(Schema::Array(list.build()))
    }
}
impl ToSchema for Offices {}

/// A set of scopes, each named once and at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(pub BTreeSet<Scope>);

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        each_once(words, |word| crate::accounts::caller::scope(&word))
            .filter(|scopes| !scopes.is_empty())
            .map(|scopes| Self(scopes.into_iter().collect()))
            .ok_or_else(|| D::Error::custom("names at least one of read, say, admin, each once"))
    }
}

impl PartialSchema for Scopes {
    fn schema() -> RefOr<Schema> {
        let word = string().enum_values(Some(Scope::ALL.iter().map(|scope| scope.as_str())));
        let list = ArrayBuilder::new()
            .items(RefOr::T(Schema::Object(word.build())))
            .unique_items(true)
            .min_items(Some(1))
            .max_items(Some(Scope::ALL.len()))
            .description(Some("What a credential may be used for."));
        RefOr::T(Schema::Array(list.build()))
    }
}
impl ToSchema for Scopes {}

/// Languages, best first, each named once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Languages(pub Vec<Language>);

impl Serialize for Languages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Language::as_str))
    }
}

impl<'de> Deserialize<'de> for Languages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        each_once(Vec::<String>::deserialize(deserializer)?, |tag| {
            Language::new(&tag).ok()
        })
        .filter(|languages| languages.len() <= LANGUAGES_MAX)
        .map(Self)
        .ok_or_else(|| {
            D::Error::custom(
                "names at most 16 languages, each once, by BCP 47 tags such as ar or sr-Latn",
            )
        })
    }
}

impl PartialSchema for Languages {
    fn schema() -> RefOr<Schema> {
        let tag = string()
            .pattern(Some("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"))
            .min_length(Some(2))
            .max_length(Some(35));
        let list = ArrayBuilder::new()
            .items(RefOr::T(Schema::Object(tag.build())))
            .unique_items(true)
            .max_items(Some(LANGUAGES_MAX))
            .description(Some("Languages by their BCP 47 tags, best first."));
        RefOr::T(Schema::Array(list.build()))
    }
}
impl ToSchema for Languages {}

/// Each word once and known.
fn each_once<T: PartialEq>(
    words: Vec<String>,
    read: impl Fn(String) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items: Vec<T> = Vec::with_capacity(words.len().min(LANGUAGES_MAX));
    for word in words {
        let item = read(word).filter(|item| !items.contains(item))?;
        items.push(item);
    }
    Some(items)
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident, $min:expr, $max:expr, $pattern:expr, $rule:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = text(deserializer)?;
                let fits = ($min..=$max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
                if fits { Ok(Self(text.into_owned())) } else { Err(D::Error::custom($rule)) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        schema_of!(
            $name,
            string()
                .min_length(Some($min))
                .max_length(Some($max))
                .pattern(Some($pattern))
                .description(Some(concat!($($doc),+).trim_ascii()))
        );
    )+};
}

/// What is typed as a line: no control characters.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

texts! {
    /// A sign-in name as somebody typed it. Capitals and spellings that look the same make no difference.
    TypedName, 1, TYPED_NAME_CHARS_MAX, LINE, "is one line of 1 to 256 characters";
    /// What its owner calls it, in one line that is not blank.
    LabelText, 1, crate::accounts::LABEL_CHARS_MAX, r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
        "is one line of 1 to 80 characters";
}

macro_rules! secrets {
    ($($(#[doc = $doc:literal])+ $name:ident, $min:expr, $max:expr, $rule:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name(pub Secret);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = text(deserializer)?;
                let fits = ($min..=$max).contains(&text.chars().count());
                if fits { Ok(Self(Secret::new(text.into_owned()))) } else { Err(D::Error::custom($rule)) }
            }
        }

        schema_of!(
            $name,
            string()
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
                .min_length(Some($min))
                .max_length(Some($max))
                .description(Some(concat!($($doc),+).trim_ascii()))
        );
    )+};
}

secrets! {
    /// A password as somebody typed it.
    TypedPassword, 1, PASSWORD_BYTES_MAX, "has 1 to 1024 characters";
    /// A new password: at least 12 characters and at most 1024 bytes, at least 5 different ones, without the sign-in name.
    NewPassword, PASSWORD_CHARS_MIN, PASSWORD_BYTES_MAX, "has at least 12 characters and at most 1024 bytes";
    /// The code of an invitation.
    InvitationCode, 1, 64, "is the code of an invitation";
}

/// A new sign-in name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewName(pub String);

impl<'de> Deserialize<'de> for NewName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TypedName::deserialize(deserializer).map(|TypedName(name)| Self(name))
    }
}

schema_of!(
    NewName,
    string()
        .min_length(Some(2))
        .max_length(Some(64))
        .pattern(Some(r"^[\p{L}\p{N}][\p{L}\p{N}\p{M}._@+-]{1,63}$"))
        .description(Some("A new sign-in name: letters, digits and . _ - @ +. It need not be a person's name, and better is not one."))
);
