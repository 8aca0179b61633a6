//! How a body is read, written and described: one small trait, and two macros that give a type all three from one place.
//!
//! Reading refuses what it does not know, with the member's name and place. The JSON Schema comes from the same lines as the
//! reader, and a test holds the two against each other in both directions. A library that derives them apart would leave two
//! spellings of an absent member (left out, or `null`), and two spellings of one body are two statements.

use serde_json::{Map, Value, json};
use std::fmt;

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A group that everything is decided on was not disclosed to whoever holds the statement. At the author's own door this
    /// means that it is missing.
    #[error("group {0} is missing or not disclosed here")]
    Withheld(&'static str),
    /// It does not have the form that the kind's JSON Schema describes.
    #[error("{place} {rule}")]
    Form {
        /// Such as `body.polygon[3].lat_e7`.
        place: String,
        /// What it must be.
        rule: String,
    },
    /// Each member has its form, but they contradict each other.
    #[error("{place} {rule}")]
    Sense {
        /// Such as `body.valid_until`.
        place: String,
        /// What it must be.
        rule: String,
    },
}

impl BodyError {
    /// The member, such as `body.polygon[3].lat_e7`.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Withheld(group) => group,
            Self::Form { place, .. } | Self::Sense { place, .. } => place,
        }
    }

    /// What the member must be.
    #[must_use]
    pub fn rule(&self) -> String {
        match self {
            Self::Withheld(_) => "is missing or not disclosed here".into(),
            Self::Form { rule, .. } | Self::Sense { rule, .. } => rule.clone(),
        }
    }
}

/// Where in a body the reader stands.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The groups of a statement.
    Top,
    /// A member.
    Member(&'a Place<'a>, &'a str),
    /// An item of a list, from 0.
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Member(Place::Top, name) => f.write_str(name),
            Self::Member(up, name) => write!(f, "{up}.{name}"),
            Self::Item(up, index) => write!(f, "{up}[{index}]"),
        }
    }
}

impl Place<'_> {
    /// An error of form at this place.
    #[must_use]
    pub fn refuse(&self, rule: impl Into<String>) -> BodyError {
        let place = self.to_string();
        BodyError::Form {
            place: if place.is_empty() {
                "the statement".into()
            } else {
                place
            },
            rule: rule.into(),
        }
    }
}

/// A rule between members that is broken: the member to change, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The member, from the struct in which the rule stands.
    pub field: &'static str,
    /// What it must be.
    pub rule: String,
}

/// `Ok` when `holds`; otherwise the rule of `field` is broken.
///
/// # Errors
/// [`Broken`].
pub fn rule(holds: bool, field: &'static str, rule: &str) -> Result<(), Broken> {
    if holds {
        return Ok(());
    }
    Err(Broken {
        field,
        rule: rule.to_owned(),
    })
}

impl Broken {
    /// The error, when the struct stands at `place`.
    #[must_use]
    pub fn at(self, place: &Place<'_>) -> BodyError {
        BodyError::Sense {
            place: Place::Member(place, self.field).to_string(),
            rule: self.rule,
        }
    }
}

/// A value that stands in bodies.
pub trait Wire: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`BodyError`] with the place.
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError>;

    /// Writes it in the one way that [`Wire::read`] reads. `null` means: leave the member out.
    fn write(&self) -> Value;

    /// Its JSON Schema (2020-12), without references.
    fn schema() -> Value;

    /// What an absent member means; `None` when the member must be there.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        T::read(value, place).map(Some)
    }
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Wire::write)
    }
    fn schema() -> Value {
        T::schema()
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Wire> Wire for Box<T> {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        T::read(value, place).map(Self::new)
    }
    fn write(&self) -> Value {
        T::write(self)
    }
    fn schema() -> Value {
        T::schema()
    }
}

impl Wire for bool {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        value
            .as_bool()
            .ok_or_else(|| place.refuse("must be true or false"))
    }
    fn write(&self) -> Value {
        (*self).into()
    }
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
}

/// An object that is read by somebody else: the corrected content of a statement, a public key.
impl Wire for Map<String, Value> {
    fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
        value
            .as_object()
            .cloned()
            .ok_or_else(|| place.refuse("must be an object"))
    }
    fn write(&self) -> Value {
        Value::Object(self.clone())
    }
    fn schema() -> Value {
        json!({"type": "object"})
    }
}

/// The members of an object, when it has none but `known`.
///
/// # Errors
/// [`BodyError::Form`] names the unknown member.
pub fn members<'v>(
    value: &'v Value,
    place: &Place<'_>,
    known: &[&str],
) -> Result<&'v Map<String, Value>, BodyError> {
    let members = value
        .as_object()
        .ok_or_else(|| place.refuse("must be an object"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(members),
        Some(unknown) => {
            let known = if known.is_empty() {
                "nothing".into()
            } else {
                known.join(", ")
            };
            let short: String = unknown.chars().take(48).collect();
            Err(Place::Member(place, &short).refuse(format!("is unknown; here may stand {known}")))
        }
    }
}

/// Reads one member.
///
/// # Errors
/// [`BodyError`] of the member, also when it is missing and must be there.
pub fn member<T: Wire>(
    members: &Map<String, Value>,
    name: &str,
    place: &Place<'_>,
) -> Result<T, BodyError> {
    let place = Place::Member(place, name);
    match members.get(name) {
        Some(value) => T::read(value, &place),
        None => T::absent().ok_or_else(|| place.refuse("is missing")),
    }
}

/// Writes an object without its absent members.
#[must_use]
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        there
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// One member in a schema: name, documentation, schema, whether it must be there.
pub type MemberSchema = (&'static str, &'static str, Value, bool);

/// The schema of an object that has no other members. A fenced JSON example in `doc` becomes `examples`.
#[must_use]
pub fn object_schema(doc: &'static str, members: Vec<MemberSchema>) -> Value {
    let (text, example) = split_example(doc);
    let required: Vec<&str> = members.iter().filter(|m| m.3).map(|m| m.0).collect();
    let mut properties = Map::new();
    for (name, doc, mut schema, _) in members {
        // The member's own words say more than those of its type.
        schema["description"] = one_line(doc).into();
        properties.insert(name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object", "description": text, "properties": properties, "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if let Some(example) = example {
        schema["examples"] = json!([example]);
    }
    schema
}

/// The schema of a choice of words.
#[must_use]
pub fn words_schema(doc: &'static str, words: &[(&'static str, &'static str)]) -> Value {
    let meanings: Vec<String> = words
        .iter()
        .map(|(word, doc)| format!("{word}: {}", one_line(doc).trim_end_matches('.')))
        .collect();
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    json!({"type": "string", "enum": names, "description": format!("{} ({})", one_line(doc), meanings.join("; "))})
}

fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn split_example(doc: &str) -> (String, Option<Value>) {
    let Some((text, rest)) = doc.split_once("```json") else {
        return (one_line(doc), None);
    };
    let example = rest.split("```").next().unwrap_or_default();
    (one_line(text), serde_json::from_str(example).ok())
}

/// A struct that stands in bodies: the type, its reader, writer and schema. After the members may stand
/// `sense: function;`, a rule between them.
macro_rules! body {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $member_doc:literal])+ $member:ident: $type:ty,)* } $(sense: $sense:path;)?) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[doc = $member_doc])+ pub $member: $type,)* }

        impl $crate::wire::Wire for $name {
            fn read(value: &serde_json::Value, place: &$crate::wire::Place<'_>) -> Result<Self, $crate::wire::BodyError> {
                let _members = $crate::wire::members(value, place, &[$(stringify!($member)),*])?;
                let read = Self { $($member: $crate::wire::member(_members, stringify!($member), place)?,)* };
                $($sense(&read).map_err(|broken| broken.at(place))?;)?
                Ok(read)
            }
            fn write(&self) -> serde_json::Value {
                $crate::wire::object([$((stringify!($member), self.$member.write())),*])
            }
            fn schema() -> serde_json::Value {
                $crate::wire::object_schema(concat!($($doc, "\n"),+), vec![$((
                    stringify!($member),
                    concat!($($member_doc, "\n"),+),
                    <$type as $crate::wire::Wire>::schema(),
                    <$type as $crate::wire::Wire>::absent().is_none(),
                )),*])
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::Wire::write(self).serialize(serializer)
            }
        }
    };
}
pub(crate) use body;

/// A choice of words that stands in bodies.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $word_doc])+ $variant,)+ }

        impl $name {
            /// Every word, in its order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word itself.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::wire::Wire for $name {
            fn read(value: &serde_json::Value, place: &$crate::wire::Place<'_>) -> Result<Self, $crate::wire::BodyError> {
                Self::ALL.iter().copied().find(|word| value == word.as_str()).ok_or_else(|| {
                    place.refuse(concat!("must be one of", $(" ", $word),+))
                })
            }
            fn write(&self) -> serde_json::Value {
                self.as_str().into()
            }
            fn schema() -> serde_json::Value {
                $crate::wire::words_schema(concat!($($doc, "\n"),+), &[$(($word, concat!($($word_doc, "\n"),+))),+])
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;
