//! The groups of a statement, as the record takes them: JSON without empty members.

use serde_json::{Map, Value};

/// The groups of a statement by name.
pub type Groups = Map<String, Value>;

/// An object without the members that are `null` or an empty list: an absent member has one spelling.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let is_there =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    let members = members.into_iter().filter(|(_, value)| is_there(value));
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The groups of a statement that has a body alone.
pub(crate) fn body(body: Value) -> Groups {
    Groups::from_iter([("body".to_owned(), body)])
}
