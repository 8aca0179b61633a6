//! JSON that has one reading, and values read from it with their place.

use super::misread::{Misread, shortened};
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::fmt;

/// Deepest nesting of arrays and objects in a body.
pub const JSON_DEPTH_MAX: usize = 32;

/// Why a text is not taken.
#[derive(Debug)]
pub(super) enum Flaw {
    /// It is no JSON.
    Syntax(serde_json::Error),
    /// A member stands there twice, or something is nested too deep.
    Form(Misread),
}

/// Reads one value.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Flaw> {
    let flaw = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict {
        depth: 0,
        flaw: &flaw,
    }
    .deserialize(&mut reader);
    let whole = value.and_then(|value| reader.end().map(|()| value));
    whole.map_err(|error| flaw.into_inner().map_or(Flaw::Syntax(error), Flaw::Form))
}

/// Makes the value. The library's error carries no place, so that of a flaw is put beside it.
#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    flaw: &'f RefCell<Option<Misread>>,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth < JSON_DEPTH_MAX {
            return Ok(Self {
                depth: self.depth + 1,
                ..self
            });
        }
        Err(self.refuse(Misread::new(format!(
            "is nested deeper than {JSON_DEPTH_MAX}"
        ))))
    }

    fn refuse<E: de::Error>(self, flaw: Misread) -> E {
        *self.flaw.borrow_mut() = Some(flaw);
        E::custom("refused")
    }

    /// The flaw was found further in: it is inside of `step`.
    fn passed(self, step: impl FnOnce() -> String) {
        let flaw = self.flaw.borrow_mut().take();
        *self.flaw.borrow_mut() = flaw.map(|flaw| flaw.inside(step()));
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        loop {
            match seq.next_element_seed(inner) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return Ok(Value::Array(items)),
                Err(error) => {
                    self.passed(|| format!("[{}]", items.len()));
                    return Err(error);
                }
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(
                    self.refuse(Misread::new("stands there twice").inside(shortened(&name)))
                );
            }
            let member = map
                .next_value_seed(inner)
                .inspect_err(|_| self.passed(|| shortened(&name)))?;
            members.insert(name, member);
        }
        Ok(Value::Object(members))
    }
}

/// A value that is read into a type. An object is read by its members' names and never by their order, and a member that the
/// type does not have is refused, whatever the type says about it.
pub(super) struct Tree(pub Value);

impl Tree {
    fn refused<V>(self, visitor: &impl de::Expected) -> Result<V, Misread> {
        Err(de::Error::invalid_type(
            de::Unexpected::Other("another value"),
            visitor,
        ))
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Misread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items {
                next: 0,
                items: items.into_iter(),
            }),
            Value::Object(members) => visitor.visit_map(Members {
                members: members.into_iter(),
                value: None,
            }),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or_default()),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misread> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        let Value::Object(members) = &self.0 else {
            return self.refused(&visitor);
        };
        match members.keys().find(|name| !names.contains(&name.as_str())) {
            Some(unknown) => Err(de::Error::unknown_field(unknown, names)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misread> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            // A word with content: rare, and the library's own reading has no place, which the caller's step gives.
            other => other
                .deserialize_enum(name, words, visitor)
                .map_err(|_| Misread::new(format!("must be one of {}", words.join(", ")))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map identifier ignored_any
    }
}

struct Items {
    next: usize,
    items: std::vec::IntoIter<Value>,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Misread;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misread> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Tree(item))
            .map(Some)
            .map_err(|flaw| flaw.inside(format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members {
    members: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Misread;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misread> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        let key = seed.deserialize(name.as_str().into_deserializer());
        self.value = Some((name, value));
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misread> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Tree(value))
            .map_err(|flaw| flaw.inside(shortened(&name)))
    }
}
