//! The name by which somebody signs in.

use std::fmt;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// Fewest characters of a sign-in name.
pub const SIGN_IN_NAME_CHARS_MIN: usize = 2;
/// Most characters of a sign-in name.
pub const SIGN_IN_NAME_CHARS_MAX: usize = 64;

/// A sign-in name, normalised: one spelling for what looks the same (NFKC, lower case). It need not be a person's name, and
/// better is not one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignInName(String);

/// The text is no sign-in name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is a sign-in name: 2 to 64 letters, digits and . _ - @ + and begins with a letter or a digit"
)]
pub struct NotASignInName;

/// The one spelling of what somebody typed, whether or not it is a name.
pub(crate) fn normalised(text: &str) -> String {
    text.trim()
        .nfkc()
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

impl FromStr for SignInName {
    type Err = NotASignInName;
    fn from_str(text: &str) -> Result<Self, NotASignInName> {
        let name = normalised(text);
        let chars = name.chars().count();
        let fits = (SIGN_IN_NAME_CHARS_MIN..=SIGN_IN_NAME_CHARS_MAX).contains(&chars)
            && name.starts_with(char::is_alphanumeric)
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || "._-@+".contains(c) || is_mark(c));
        if fits {
            Ok(Self(name))
        } else {
            Err(NotASignInName)
        }
    }
}

/// Vowel signs and other marks that words of several scripts need.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

impl SignInName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignInName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name is personal: what is printed for debugging does not show it.
impl fmt::Debug for SignInName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same_name() {
        let name: SignInName = "desk-2".parse().unwrap();
        for same in ["Desk-2", " DESK-2 ", "ｄｅｓｋ-２"] {
            assert_eq!(same.parse::<SignInName>().unwrap(), name, "{same}");
        }
        assert_eq!("Ольга".parse::<SignInName>().unwrap().as_str(), "ольга");
        "مكتب١".parse::<SignInName>().unwrap();
    }

    #[test]
    fn a_normalised_name_is_normal() {
        for text in ["İstanbul", "ǅ1", "ﬀ2", "ẞa", "Å-1"] {
            let name: SignInName = text.parse().unwrap();
            assert_eq!(name.as_str().parse::<SignInName>().unwrap(), name, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(65);
        for bad in [
            "",
            "a",
            "-a",
            "a b",
            "a\0b",
            "a/b",
            "a\nb",
            "\u{301}a",
            long.as_str(),
        ] {
            assert!(bad.parse::<SignInName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_not_printed_for_debugging() {
        let name: SignInName = "olga".parse().unwrap();
        assert!(!format!("{name:?}").contains("olga"));
    }
}
