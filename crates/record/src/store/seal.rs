//! Disclosures at rest: each under its own key, so that destroying one key erases one disclosure and nothing else.

use crate::encoding::Hash;
use crate::key::{KeyError, random};
use crate::statement::{Disclosure, StatementError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key of one disclosure or attachment.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SealKey(pub(crate) [u8; 32]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl SealKey {
    /// Draws a key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = Self([0; 32]);
        random(&mut key.0)?;
        Ok(key)
    }
}

/// A disclosure's ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub(crate) Vec<u8>);

/// Takes what was stored or received for a ciphertext; [`open`] says whether it is one.
impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

// A key seals one text only, ever: so the nonce can be the same for all.
const NONCE: [u8; 12] = [0; 12];

/// Encrypts `disclosure` under a new key.
///
/// # Errors
/// [`KeyError::Random`].
pub fn seal(disclosure: &Disclosure) -> Result<(Sealed, SealKey), KeyError> {
    let key = SealKey::generate()?;
    let payload = Payload {
        msg: disclosure.text().as_bytes(),
        aad: &disclosure.digest().0,
    };
    let sealed = ChaCha20Poly1305::new(&key.0.into())
        .encrypt(&Nonce::from(NONCE), payload)
        .map_err(|_| KeyError::Malformed("the disclosure is too long to encrypt"))?;
    Ok((Sealed(sealed), key))
}

/// Decrypts the disclosure whose digest is `digest`.
///
/// # Errors
/// [`Unsealable`] when key, ciphertext or digest do not belong together.
pub fn open(sealed: &Sealed, key: &SealKey, digest: Hash) -> Result<Disclosure, Unsealable> {
    let payload = Payload {
        msg: &sealed.0,
        aad: &digest.0,
    };
    let text = ChaCha20Poly1305::new(&key.0.into())
        .decrypt(&Nonce::from(NONCE), payload)
        .map_err(|_| Unsealable::Altered)?;
    let text = String::from_utf8(text).map_err(|_| Unsealable::Altered)?;
    let disclosure = Disclosure::parse(&text)?;
    if disclosure.digest() == digest {
        Ok(disclosure)
    } else {
        Err(Unsealable::Altered)
    }
}

/// Why a disclosure cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Unsealable {
    /// Key, ciphertext or digest is not the one that was stored.
    #[error("its ciphertext or key was altered")]
    Altered,
    /// What was sealed is no disclosure.
    #[error(transparent)]
    Malformed(#[from] StatementError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::base64url;

    #[test]
    fn only_the_right_key_and_digest_open_an_unaltered_text() {
        let text = base64url(br#"["AAAAAAAAAAAAAAAAAAAAAA","content",{"a":1}]"#);
        let disclosure = Disclosure::parse(&text).unwrap();
        let (sealed, key) = seal(&disclosure).unwrap();
        assert_eq!(
            open(&sealed, &key, disclosure.digest()).unwrap(),
            disclosure
        );
        assert!(open(&sealed, &SealKey::generate().unwrap(), disclosure.digest()).is_err());
        assert!(open(&sealed, &key, Hash([0; 32])).is_err());
        let mut altered = sealed.clone();
        altered.0[3] ^= 1;
        assert!(open(&altered, &key, disclosure.digest()).is_err());
        assert!(open(&Sealed(Vec::new()), &key, disclosure.digest()).is_err());
    }
}
