//! Secrets that the node hands out: session cookies, API tokens, invitation codes. Each is 256 random bits, is shown once, and
//! is known here by its SHA-256 alone. (A hash without salt or stretching is enough: there is nothing to guess.)

use super::id::random;
use record::encoding::{Hash, base64url};
use std::fmt;
use zeroize::Zeroizing;

/// Characters of 256 bits in base64url.
const SECRET_CHARS: usize = 43;
/// What an API token begins with, so that scanners find one that was published by mistake.
pub const TOKEN_PREFIX: &str = "tl_";
/// What an invitation code begins with.
pub const INVITATION_PREFIX: &str = "inv_";

/// A text that must not be written anywhere: a password, a token, a cookie. It is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over a text that somebody presented.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A new secret.
    #[must_use]
    pub(crate) fn random(prefix: &str) -> Self {
        let bytes = Zeroizing::new(random::<32>());
        Self(Zeroizing::new(format!("{prefix}{}", base64url(&*bytes))))
    }

    /// The text: to hand it to the one whom it is for, and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash(Hash::of(&[self.0.as_bytes()]).0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether `text` has the form of a secret with this prefix. Saves hashing what cannot be one.
pub(crate) fn has_form(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == SECRET_CHARS
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

/// SHA-256 of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SecretHash(pub [u8; 32]);

impl rusqlite::ToSql for SecretHash {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl rusqlite::types::FromSql for SecretHash {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::random(TOKEN_PREFIX);
        assert!(has_form(secret.reveal(), TOKEN_PREFIX));
        assert!(!has_form(secret.reveal(), INVITATION_PREFIX));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_ne!(secret.reveal(), Secret::random(TOKEN_PREFIX).reveal());
    }

    #[test]
    fn only_43_characters_of_the_alphabet_have_the_form_of_a_secret() {
        let long = "A".repeat(44);
        for bad in ["", "tl_", "tl_é", long.as_str(), "tl_AAAA AAAA"] {
            assert!(!has_form(bad, TOKEN_PREFIX), "{bad}");
        }
    }
}
