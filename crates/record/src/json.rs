//! Strict JSON: one reading for every text, one text for every header and payload.
//!
//! Signed content is read by rivals with different libraries. What two libraries may read differently is refused:
//! duplicate members, numbers that are not integers of less than 2^53, nesting deeper than [`DEPTH_MAX`].

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;

/// Deepest nesting of arrays and objects that is accepted.
pub const DEPTH_MAX: usize = 8;
/// Integers lie strictly between `-INTEGER_LIMIT` and `INTEGER_LIMIT`: what every JSON library keeps exactly.
pub const INTEGER_LIMIT: u64 = 1 << 53;

/// The text is not strict JSON; the message names what and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not strict JSON: {0}")]
pub struct JsonError(String);

/// Reads one JSON value, refusing what libraries read differently.
///
/// # Errors
/// [`JsonError`] with the place for duplicate members, non-integers, too deep nesting, bad syntax and trailing text.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let path = RefCell::new(String::new());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict {
        depth: 0,
        path: &path,
    }
    .deserialize(&mut reader)
    .map_err(|e| JsonError(e.to_string()))?;
    reader.end().map_err(|e| JsonError(e.to_string()))?;
    Ok(value)
}

/// Writes `value` in the one canonical way (RFC 8785; with integers only, so no number is ever rounded).
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            // Sorted here, because the order in which a map yields its members depends on how serde_json was built.
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push('{');
            for (i, (name, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(&Value::String(name.clone()), out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// As much of a member's name as an error message repeats, in characters.
const STEP_CHARS_MAX: usize = 32;

/// The beginning of `text`, control characters escaped: what a message repeats of something that a stranger wrote.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(chars_max)
        .flat_map(char::escape_debug)
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

struct Strict<'p> {
    depth: usize,
    path: &'p RefCell<String>,
}

impl Strict<'_> {
    /// Refuses an array or object that stands too deep, an empty one as well.
    fn open<E: de::Error>(&self) -> Result<(), E> {
        if self.depth < DEPTH_MAX {
            return Ok(());
        }
        Err(E::custom(format_args!(
            "{} is nested deeper than {DEPTH_MAX}",
            self.place()
        )))
    }

    fn enter(&self, step: &str) -> (Strict<'_>, usize) {
        let back = self.path.borrow().len();
        self.path.borrow_mut().push_str(step);
        let inner = Strict {
            depth: self.depth + 1,
            path: self.path,
        };
        (inner, back)
    }

    fn place(&self) -> String {
        let path = self.path.borrow();
        if path.is_empty() {
            "the value".into()
        } else {
            path.clone()
        }
    }

    fn integer<E: de::Error>(&self, magnitude: u64, value: Value) -> Result<Value, E> {
        if magnitude < INTEGER_LIMIT {
            Ok(value)
        } else {
            Err(E::custom(format_args!("{} is 2^53 or more", self.place())))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        self.integer(v.unsigned_abs(), v.into())
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        self.integer(v, v.into())
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom(format_args!(
            "{} is not an integer",
            self.place()
        )))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.open()?;
        let mut items = Vec::new();
        loop {
            let (inner, back) = self.enter(&format!("[{}]", items.len()));
            let Some(item) = seq.next_element_seed(inner)? else {
                self.path.borrow_mut().truncate(back);
                return Ok(Value::Array(items));
            };
            self.path.borrow_mut().truncate(back);
            items.push(item);
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.open()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let (inner, back) = self.enter(&format!(".{}", shortened(&name, STEP_CHARS_MAX)));
            let member = map.next_value_seed(inner)?;
            if members.contains_key(&name) {
                return Err(de::Error::custom(format_args!(
                    "{} stands there twice",
                    self.path.borrow()
                )));
            }
            self.path.borrow_mut().truncate(back);
            members.insert(name, member);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_libraries_read_differently_is_refused_with_its_place() {
        assert!(refusal(r#"{"a":{"b":1,"b":2}}"#).contains(".a.b stands there twice"));
        assert!(refusal(r#"{"a":[1,2.0]}"#).contains(".a[1] is not an integer"));
        assert!(refusal(r#"{"a":9007199254740992}"#).contains(".a is 2^53 or more"));
        assert!(refusal(r#"{"a":-9007199254740992}"#).contains(".a is 2^53 or more"));
        assert!(refusal("[-0]").contains("[0] is not an integer"));
        assert!(refusal("[1e3]").contains("not an integer"));
        assert!(refusal("[[[[[[[[[]]]]]]]]]").contains("nested deeper than 8"));
        assert!(refusal("{} {}").contains("trailing"));
        assert!(refusal("").contains("EOF"));
        assert!(parse(b"[\"\xff\"]").is_err());
    }

    #[test]
    fn an_empty_array_or_object_is_a_level_too() {
        for (eight, nine) in [
            ("[[[[[[[[]]]]]]]]", "[[[[[[[[[]]]]]]]]]"),
            ("[[[[[[[{}]]]]]]]", "[[[[[[[[{}]]]]]]]]"),
        ] {
            parse(eight.as_bytes()).unwrap();
            assert!(refusal(nine).contains("nested deeper than 8"), "{nine}");
        }
    }

    #[test]
    fn a_long_name_is_not_repeated_in_full() {
        let name = "é".repeat(10_000);
        let message = refusal(&format!(r#"{{"{name}":{{"{name}":0.5}}}}"#));
        assert!(message.contains("é… is not an integer"), "{message}");
        assert!(message.len() < 500, "{}", message.len());
    }

    #[test]
    fn eight_levels_and_the_largest_integer_pass() {
        parse(b"[[[[[[[[1]]]]]]]]").unwrap();
        assert_eq!(
            parse(b"9007199254740991").unwrap(),
            json!(9_007_199_254_740_991_u64)
        );
    }

    #[test]
    fn members_are_sorted_by_utf16_whatever_the_map_does() {
        let value = json!({"\u{10000}": 1, "\u{e000}": 2, "b": 3, "a": [true, null, "é\n\u{1}"]});
        assert_eq!(
            canonical(&value),
            "{\"a\":[true,null,\"é\\n\\u0001\"],\"b\":3,\"\u{10000}\":1,\"\u{e000}\":2}"
        );
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back_to_itself(text in r#"[\[\]{}",:0-9a-c \\ntrue.e-]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                let once = canonical(&value);
                prop_assert_eq!(canonical(&parse(once.as_bytes()).unwrap()), once);
            }
        }
    }
}
