//! Keys that sign statements: Ed25519 and P-256, as JSON Web Keys.

use crate::encoding::{base64url, from_base64url};
use ed25519_dalek::Signer as _;
use serde_json::{Map, Value, json};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// A signature algorithm of RFC 7518 and RFC 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA over P-256 with SHA-256, as most smartcards sign.
    Es256,
}

impl Algorithm {
    /// The name in a JWT header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text {
            "EdDSA" => Ok(Self::EdDsa),
            "ES256" => Ok(Self::Es256),
            other => Err(KeyError::Algorithm(other.chars().take(32).collect())),
        }
    }
}

/// What is wrong with a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an algorithm of the record; `none` least of all.
    #[error("algorithm {0:?} is not accepted; use EdDSA or ES256")]
    Algorithm(String),
    /// The JWK is malformed.
    #[error("this is no Ed25519 or P-256 key: {0}")]
    Malformed(&'static str),
    /// The signature does not verify under the key.
    #[error("the signature does not verify under this key")]
    Signature,
    /// The system gave no randomness.
    #[error("the system's random generator failed; no key or salt was made")]
    Random,
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Ed25519; never a weak (small order) key.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// P-256.
    P256(p256::ecdsa::VerifyingKey),
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_jwk())
    }
}

impl PublicKey {
    /// The algorithm this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// The key as a JSON Web Key with exactly the members that RFC 7517 and RFC 8037 ask for.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        match self {
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(key.as_bytes())})
            }
            Self::P256(key) => {
                let point = key.to_sec1_point(false);
                let coordinates = &point.as_bytes()[1..];
                json!({"kty": "EC", "crv": "P-256", "x": base64url(&coordinates[..32]), "y": base64url(&coordinates[32..])})
            }
        }
    }

    /// Reads a JSON Web Key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for another type or curve, missing or further members, a point off the curve, a weak key.
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let members = jwk
            .as_object()
            .ok_or(KeyError::Malformed("a JWK is an object"))?;
        let key = Self::from_members(members)?;
        // `d` in a statement would publish a private key for ever; anything else would be a second spelling of this key.
        if key.to_jwk().as_object() != Some(members) {
            return Err(KeyError::Malformed(
                "it has further members; give only kty, crv, x and, for P-256, y",
            ));
        }
        Ok(key)
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, KeyError> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let coordinate = |name: &str| -> Result<[u8; 32], KeyError> {
            text(name)
                .and_then(|x| from_base64url(x).ok())
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(KeyError::Malformed(
                    "a coordinate is 43 characters of base64url",
                ))
        };
        match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(&coordinate("x")?)
                    .map_err(|_| KeyError::Malformed("x is no point of the curve"))?;
                refuse_weak(&key)?; // protects: a_weak_key_is_refused
                Ok(Self::Ed25519(key))
            }
            (Some("EC"), Some("P-256")) => {
                let mut sec1 = [4; 65];
                sec1[1..33].copy_from_slice(&coordinate("x")?);
                sec1[33..].copy_from_slice(&coordinate("y")?);
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&sec1)
                    .map_err(|_| KeyError::Malformed("x, y is no point of the curve"))?;
                Ok(Self::P256(key))
            }
            _ => Err(KeyError::Malformed(
                "kty and crv must be OKP and Ed25519, or EC and P-256",
            )),
        }
    }

    /// Checks a 64-byte JOSE signature over `message`.
    ///
    /// # Errors
    /// [`KeyError::Signature`] when it does not verify. Both forms of an ECDSA signature, `s` and `n - s`, verify.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let verified = match self {
            Self::Ed25519(key) => key
                .verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
                .is_ok(),
            // Five times faster than the crate that parses and signs; both forms of a signature verify here too.
            Self::P256(key) => {
                let point = key.to_sec1_point(false);
                ring::signature::UnparsedPublicKey::new(
                    &ring::signature::ECDSA_P256_SHA256_FIXED,
                    point.as_bytes(),
                )
                .verify(message, signature)
                .is_ok()
            }
        };
        if verified {
            Ok(())
        } else {
            Err(KeyError::Signature)
        }
    }
}

fn refuse_weak(key: &ed25519_dalek::VerifyingKey) -> Result<(), KeyError> {
    if key.is_weak() {
        return Err(KeyError::Malformed(
            "it is of small order, so anybody can sign with it",
        ));
    }
    Ok(())
}

/// A private key. Its memory is wiped when it is dropped, and it never prints itself.
#[derive(Clone)]
pub enum SecretKey {
    /// Ed25519.
    Ed25519(ed25519_dalek::SigningKey),
    /// P-256.
    P256(p256::ecdsa::SigningKey),
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    /// Makes a new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the system gives none.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        loop {
            let mut seed = Zeroizing::new([0; 32]);
            random(seed.as_mut())?;
            // A P-256 scalar out of range is drawn again; that happens once in 2^32.
            if let Ok(key) = Self::from_seed(algorithm, &seed) {
                return Ok(key);
            }
        }
    }

    /// The key whose private part is `seed`: for tests and for reading a key file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when a P-256 scalar is zero or too large.
    pub fn from_seed(algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::EdDsa => Ok(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed))),
            Algorithm::Es256 => p256::ecdsa::SigningKey::from_slice(seed)
                .map(Self::P256)
                .map_err(|_| KeyError::Malformed("d is out of range")),
        }
    }

    /// The private part, 32 bytes.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match self {
            Self::Ed25519(key) => key.to_bytes(),
            Self::P256(key) => key.to_bytes().into(),
        })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
            Self::P256(key) => PublicKey::P256(*key.verifying_key()),
        }
    }

    /// Signs `message`; the signature is the 64 bytes that JOSE writes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes(),
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }

    /// The key file's text: a private JSON Web Key on one line.
    #[must_use]
    pub fn to_file(&self) -> Zeroizing<String> {
        let mut jwk = self.public().to_jwk();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("d".into(), base64url(self.seed().as_ref()).into());
        }
        Zeroizing::new(crate::json::canonical(&jwk) + "\n")
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when it is no private JWK or its public part is not the one of its private part.
    pub fn from_file(text: &str) -> Result<Self, KeyError> {
        let mut jwk = crate::json::parse(text.trim_end().as_bytes())
            .map_err(|_| KeyError::Malformed("it is no JSON"))?;
        let d = jwk
            .as_object_mut()
            .and_then(|members| members.remove("d"))
            .ok_or(KeyError::Malformed("it has no private part d"))?;
        let public = PublicKey::from_jwk(&jwk)?;
        let seed = d
            .as_str()
            .and_then(|d| from_base64url(d).ok())
            .map(Zeroizing::new);
        let seed: [u8; 32] = seed
            .and_then(|bytes| bytes.as_slice().try_into().ok())
            .ok_or(KeyError::Malformed("d is 43 characters of base64url"))?;
        let key = Self::from_seed(public.algorithm(), &seed)?;
        if key.public() == public {
            Ok(key)
        } else {
            Err(KeyError::Malformed(
                "its public part belongs to another private part",
            ))
        }
    }
}

/// Fills `buffer` from the system's random generator.
///
/// # Errors
/// [`KeyError::Random`] when the system gives none.
pub fn random(buffer: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(buffer).map_err(|_| KeyError::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

    #[test]
    fn keys_and_key_files_read_back() {
        for algorithm in BOTH {
            let key = SecretKey::generate(algorithm).unwrap();
            assert_eq!(
                PublicKey::from_jwk(&key.public().to_jwk()).unwrap(),
                key.public()
            );
            assert_eq!(
                SecretKey::from_file(&key.to_file()).unwrap().public(),
                key.public()
            );
            key.public().verify(b"truce", &key.sign(b"truce")).unwrap();
            assert_eq!(
                key.public().verify(b"war", &key.sign(b"truce")),
                Err(KeyError::Signature)
            );
        }
    }

    #[test]
    fn a_private_part_in_a_public_key_is_refused() {
        let key = SecretKey::from_seed(Algorithm::EdDsa, &[1; 32]).unwrap();
        let private: Value = serde_json::from_str(&key.to_file()).unwrap();
        assert!(
            PublicKey::from_jwk(&private)
                .unwrap_err()
                .to_string()
                .contains("further members")
        );
    }

    #[test]
    fn a_weak_key_is_refused() {
        for weak in [[0_u8; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&weak)});
            assert!(PublicKey::from_jwk(&jwk).is_err());
        }
    }

    #[test]
    fn both_forms_of_an_ecdsa_signature_verify() {
        let key = SecretKey::from_seed(Algorithm::Es256, &[7; 32]).unwrap();
        let first = p256::ecdsa::Signature::from_slice(&key.sign(b"x")).unwrap();
        let (r, s) = first.split_scalars();
        let second = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
        assert_ne!(first, second);
        for form in [first, second] {
            key.public().verify(b"x", &form.to_bytes().into()).unwrap();
        }
    }

    #[test]
    fn none_and_unknown_algorithms_are_named() {
        for name in ["none", "HS256", "RS256", "eddsa", ""] {
            assert_eq!(
                name.parse::<Algorithm>(),
                Err(KeyError::Algorithm(name.into()))
            );
        }
    }
}
