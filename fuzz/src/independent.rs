//! Second readings of the same bytes, written without looking at the real ones and as plainly as possible.

use serde_json::Value;

/// Base64 without padding: the bytes, if `text` is the one spelling of them in `alphabet`.
pub fn base64(text: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let mut bits = Vec::with_capacity(text.len() * 6);
    for byte in text.bytes() {
        let digit = alphabet.iter().position(|known| *known == byte)?;
        bits.extend((0..6).rev().map(|bit| digit >> bit & 1 == 1));
    }
    let (whole, rest) = bits.split_at(bits.len() / 8 * 8);
    if rest.len() >= 6 || rest.contains(&true) {
        return None;
    }
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    Some(whole.chunks(8).map(byte).collect())
}

/// The alphabet of JOSE.
pub const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The alphabet of C2SP.
pub const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// JSON in base64url, as any library would read it.
pub fn json_in_base64url(text: &str) -> Option<Value> {
    serde_json::from_slice(&base64(text, URL)?).ok()
}

/// Levels of arrays and objects.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether every number is an integer strictly between -2^53 and 2^53.
pub fn only_small_integers(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(only_small_integers),
        Value::Object(members) => members.values().all(only_small_integers),
        Value::Number(number) => number
            .as_i64()
            .is_some_and(|n| (-9_007_199_254_740_991..=9_007_199_254_740_991).contains(&n)),
        _ => true,
    }
}

/// Whether any object below has a member of one of these names.
pub fn has_member(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_member(item, names)),
        Value::Object(members) => members
            .iter()
            .any(|(name, member)| names.contains(&name.as_str()) || has_member(member, names)),
        _ => false,
    }
}

/// Whether `text` has the form of RFC 3339, `2016-06-21T12:00:00.123+03:00`. Days of months are not counted.
pub fn is_rfc3339(text: &str) -> bool {
    let follows = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => byte == form,
                })
    };
    let Some((date_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let fraction = &rest[..rest.len() - after.len()];
    let fraction_fits = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|digits| !digits.is_empty() && !digits.contains('.'));
    follows(date_time, "0000-00-00T00:00:00")
        && fraction_fits
        && (after == "Z" || follows(after, "+00:00") || follows(after, "-00:00"))
}

/// A decimal number in its one spelling.
pub fn decimal(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|number: &u64| number.to_string() == text)
}

/// The rows of a CSV text, each with its fields, blank lines left out: one character after the other. Nothing when a quotation
/// mark stands where none may.
pub fn csv(text: &str) -> Option<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Vec::new();
        loop {
            let (field, after) = csv_field(rest)?;
            row.push(field);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after
                        .strip_prefix("\r\n")
                        .or_else(|| after.strip_prefix(['\r', '\n']))
                        .unwrap_or(after);
                    let blank = row.len() == 1
                        && row[0].is_empty()
                        && !after.is_empty()
                        && !text[..text.len() - after.len()].ends_with('"');
                    if !blank {
                        rows.push(row);
                    }
                    break;
                }
            }
        }
    }
    Some(rows)
}

/// The first field, and what stands behind it: a comma, the end of a line, or nothing.
fn csv_field(text: &str) -> Option<(String, &str)> {
    let Some(mut quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '\r', '\n']).unwrap_or(text.len());
        return (!text[..end].contains('"')).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut field = String::new();
    loop {
        let (part, after) = quoted.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                quoted = next;
            }
            None => {
                return (after.is_empty() || after.starts_with([',', '\r', '\n']))
                    .then_some((field, after));
            }
        }
    }
}
