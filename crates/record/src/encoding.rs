//! The three encodings of the record: hashes, canonical base64url (statements) and canonical base64 (C2SP).
//!
//! Canonical means that every value has exactly one text: padding as the alphabet asks, trailing bits zero, nothing else
//! accepted. Two texts for one value would be two leaves for one statement.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// SHA-256 over the concatenation of `parts`.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The hash as base64url without padding, 43 characters.
    #[must_use]
    pub fn to_base64url(self) -> String {
        base64url(&self.0)
    }

    /// Reads 43 characters of canonical base64url.
    ///
    /// # Errors
    /// [`NotCanonical`] when the text is not the one text of 32 bytes.
    pub fn from_base64url(text: &str) -> Result<Self, NotCanonical> {
        let bytes = from_base64url(text)?;
        Ok(Self(bytes.try_into().map_err(|_| NotCanonical)?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64url())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The text is not canonical base64: wrong alphabet, padding, length or trailing bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64")]
pub struct NotCanonical;

/// Encodes as base64url without padding (RFC 4648 section 5), as JOSE does.
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes canonical base64url without padding.
///
/// # Errors
/// [`NotCanonical`] for anything [`base64url`] would not have written.
pub fn from_base64url(text: &str) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotCanonical)
}

/// Encodes as padded base64 (RFC 4648 section 4), as signed notes do.
#[must_use]
pub fn base64_std(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes canonical padded base64.
///
/// # Errors
/// [`NotCanonical`] for anything [`base64_std`] would not have written.
pub fn from_base64_std(text: &str) -> Result<Vec<u8>, NotCanonical> {
    STANDARD.decode(text).map_err(|_| NotCanonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn second_spellings_of_a_value_are_refused() {
        assert_eq!(from_base64url("AA").unwrap(), [0]);
        for text in ["AB", "AA==", "A", "A A", "+/", "AA\n"] {
            assert_eq!(from_base64url(text), Err(NotCanonical), "{text:?}");
        }
        assert_eq!(from_base64_std("AA==").unwrap(), [0]);
        for text in ["AB==", "AA", "AA=", "A-==", "AA==\n"] {
            assert_eq!(from_base64_std(text), Err(NotCanonical), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_text(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = from_base64url(&text) {
                prop_assert_eq!(base64url(&bytes), text.clone());
            }
            if let Ok(bytes) = from_base64_std(&text) {
                prop_assert_eq!(base64_std(&bytes), text);
            }
        }
    }
}
