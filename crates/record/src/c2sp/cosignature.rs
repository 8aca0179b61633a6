//! Cosignatures of witnesses (c2sp.org/tlog-cosignature), Ed25519 `cosignature/v1`.
//!
//! A cosignature says that at its time, in seconds since 1970, the head was the largest one that the witness had seen of
//! this log, consistent with all before. It never says that the witness received what the log contains.

use super::checkpoint::SignedCheckpoint;
use super::note::{Algorithm, KeyError, NoteError, PrivateKey, Signature, VerifierKey};
use std::collections::BTreeSet;
use std::fmt;
use zeroize::Zeroizing;

/// The latest time that a cosignature may state, in seconds since 1970.
pub const MAX_TIMESTAMP_S: u64 = (1 << 63) - 1;

/// Why a cosignature cannot be made or does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// Above [`MAX_TIMESTAMP_S`].
    #[error("no cosignature states the time {timestamp_s} s")]
    Timestamp {
        /// The time, in seconds since 1970.
        timestamp_s: u64,
    },
    /// A key that does not make cosignatures.
    #[error("the key {key} is not one of a witness")]
    NotAWitness {
        /// The key as text.
        key: String,
    },
    /// One public key under two names: as the signed message does not contain the name, it would count twice.
    #[error("the witnesses {one} and {other} have the same public key")]
    SharedKey {
        /// Name of the one.
        one: String,
        /// Name of the other.
        other: String,
    },
    /// The threshold is 0 or above the number of witnesses.
    #[error("{threshold} of {witnesses} witnesses is not a threshold")]
    Threshold {
        /// How many should have to sign.
        threshold: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// Fewer witnesses than asked for.
    #[error("{found} of {needed} witnesses have cosigned")]
    TooFew {
        /// How many signed.
        found: usize,
        /// How many have to.
        needed: usize,
    },
    /// A trusted witness's cosignature is wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// The key by which a witness cosigns. Its bytes are wiped from memory when it is dropped.
pub struct CosignerKey(PrivateKey);

impl CosignerKey {
    /// The key that 32 secret random bytes make. Use them for nothing else.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        PrivateKey::from_seed(name, Algorithm::CosignatureV1, seed).map(Self)
    }

    /// Reads Go's `PRIVATE+KEY+name+id+base64` with signature type `0x04`.
    ///
    /// # Errors
    /// [`KeyError`] says which part is wrong; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        PrivateKey::parse(text, Algorithm::CosignatureV1).map(Self)
    }

    /// Writes the key as [`CosignerKey::parse`] reads it. It is secret; the text is wiped when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<String> {
        self.0.encode()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.0.public()
    }

    /// Cosigns a checkpoint as of `timestamp_s`, seconds since 1970. It checks nothing: [`super::witness`] does.
    ///
    /// # Errors
    /// [`CosignatureError::Timestamp`].
    pub fn cosign(
        &self,
        checkpoint: &SignedCheckpoint,
        timestamp_s: u64,
    ) -> Result<Signature, CosignatureError> {
        if timestamp_s > MAX_TIMESTAMP_S {
            return Err(CosignatureError::Timestamp { timestamp_s });
        }
        let signature = self
            .0
            .sign(message(timestamp_s, checkpoint.note().text()).as_bytes());
        let bytes = [timestamp_s.to_be_bytes().as_slice(), &signature].concat();
        Ok(Signature::new(
            self.verifier().name(),
            self.verifier().id(),
            &bytes,
        )?)
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({})", self.verifier())
    }
}

/// What an Ed25519 cosignature signs.
fn message(timestamp_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {timestamp_s}\n{text}")
}

/// The time that a signature's bytes state, in seconds since 1970, if they have the form of a cosignature.
#[must_use]
pub fn stated_time(signature: &[u8]) -> Option<u64> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    let timestamp_s = u64::from_be_bytes(*time);
    (signature.len() == 64 && timestamp_s <= MAX_TIMESTAMP_S).then_some(timestamp_s)
}

/// The time of a cosignature, in seconds since 1970, if `signature` (without the key id) is the witness's over the
/// checkpoint text `text`. Whether the time is plausible is for the caller to judge.
#[must_use]
pub fn verified_time(witness: &VerifierKey, text: &str, signature: &[u8]) -> Option<u64> {
    if witness.algorithm() != Algorithm::CosignatureV1 {
        return None;
    }
    let timestamp_s = stated_time(signature)?;
    witness
        .verifies_message(message(timestamp_s, text).as_bytes(), &signature[8..])
        .then_some(timestamp_s)
}

/// A verified cosignature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Name of the witness.
    pub witness: String,
    /// When it saw the head, in seconds since 1970, by its clock.
    pub timestamp_s: u64,
}

/// Whose cosignatures count, and how many are enough. A witness may have several keys of one name; it counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    keys: Vec<VerifierKey>,
    threshold: usize,
}

impl WitnessPolicy {
    /// Asks for `threshold` of the witnesses that `keys` name.
    ///
    /// # Errors
    /// [`CosignatureError::NotAWitness`], [`CosignatureError::SharedKey`] or [`CosignatureError::Threshold`].
    pub fn new(keys: Vec<VerifierKey>, threshold: usize) -> Result<Self, CosignatureError> {
        for (at, key) in keys.iter().enumerate() {
            if key.algorithm() != Algorithm::CosignatureV1 {
                return Err(CosignatureError::NotAWitness {
                    key: key.to_string(),
                });
            }
            let shared = keys[..at]
                .iter()
                .find(|other| other.public_key() == key.public_key() && other.name() != key.name());
            if let Some(other) = shared {
                return Err(CosignatureError::SharedKey {
                    one: other.name().to_owned(),
                    other: key.name().to_owned(),
                });
            }
        }
        let witnesses = keys
            .iter()
            .map(VerifierKey::name)
            .collect::<BTreeSet<_>>()
            .len();
        if threshold == 0 || threshold > witnesses {
            return Err(CosignatureError::Threshold {
                threshold,
                witnesses,
            });
        }
        Ok(Self { keys, threshold })
    }

    /// The witnesses' keys.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// How many witnesses have to sign.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The witnesses that cosigned, each once with its latest time; none is no error.
    ///
    /// # Errors
    /// [`CosignatureError::Note`] when a trusted witness's cosignature is wrong.
    pub fn cosigned(
        &self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Vec<Cosigned>, CosignatureError> {
        let verified = match checkpoint.note().verify(&self.keys) {
            Err(NoteError::Unverified) => return Ok(Vec::new()),
            other => other?,
        };
        let mut cosigned: Vec<Cosigned> = Vec::new();
        for found in verified {
            let timestamp_s = stated_time(found.signature.bytes()).unwrap_or(0);
            match cosigned
                .iter_mut()
                .find(|known| known.witness == found.key.name())
            {
                Some(known) => known.timestamp_s = known.timestamp_s.max(timestamp_s),
                None => cosigned.push(Cosigned {
                    witness: found.key.name().to_owned(),
                    timestamp_s,
                }),
            }
        }
        Ok(cosigned)
    }

    /// As [`WitnessPolicy::cosigned`], and at least as many as the threshold.
    ///
    /// # Errors
    /// [`CosignatureError::TooFew`] or [`CosignatureError::Note`].
    pub fn check(&self, checkpoint: &SignedCheckpoint) -> Result<Vec<Cosigned>, CosignatureError> {
        let cosigned = self.cosigned(checkpoint)?;
        if cosigned.len() < self.threshold {
            return Err(CosignatureError::TooFew {
                found: cosigned.len(),
                needed: self.threshold,
            });
        }
        Ok(cosigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c2sp::checkpoint::Checkpoint;
    use crate::c2sp::note::{Note, SignerKey};
    use crate::encoding::Hash;

    fn witness(name: &str, seed: u8) -> CosignerKey {
        CosignerKey::from_seed(name, &[seed; 32]).unwrap()
    }

    fn head() -> SignedCheckpoint {
        let log = SignerKey::from_seed("log", &[9; 32]).unwrap();
        SignedCheckpoint::sign(Checkpoint::new("log", 7, Hash([7; 32])).unwrap(), &[&log]).unwrap()
    }

    #[test]
    fn a_cosignature_has_the_message_of_the_specification() {
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(
            message(1_679_315_147, text),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
             CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        );
    }

    #[test]
    fn a_cosignature_verifies_with_its_time_and_no_other() {
        let (key, mut head) = (witness("w", 1), head());
        let signature = key.cosign(&head, 1_700_000_000).unwrap();
        assert_eq!(signature.bytes().len(), 72);
        assert_eq!(
            verified_time(key.verifier(), head.note().text(), signature.bytes()),
            Some(1_700_000_000)
        );
        let mut other_time = signature.bytes().to_vec();
        other_time[7] ^= 1;
        assert_eq!(
            verified_time(key.verifier(), head.note().text(), &other_time),
            None
        );
        assert_eq!(
            verified_time(key.verifier(), "other\n", signature.bytes()),
            None
        );
        let as_log =
            VerifierKey::new("w", Algorithm::Ed25519, key.verifier().public_key()).unwrap();
        assert_eq!(
            verified_time(&as_log, head.note().text(), signature.bytes()),
            None
        );
        assert_ne!(as_log.id(), key.verifier().id());
        head.add(signature).unwrap();
        let reread = SignedCheckpoint::parse(head.to_string().as_bytes()).unwrap();
        assert!(reread.note().verify(&[key.verifier().clone()]).is_ok());
    }

    #[test]
    fn a_time_beyond_63_bits_is_neither_signed_nor_read() {
        let (key, head) = (witness("w", 1), head());
        assert!(key.cosign(&head, MAX_TIMESTAMP_S).is_ok());
        let error = CosignatureError::Timestamp {
            timestamp_s: MAX_TIMESTAMP_S + 1,
        };
        assert_eq!(key.cosign(&head, MAX_TIMESTAMP_S + 1), Err(error));
        assert_eq!(stated_time(&[0xff; 72]), None);
        assert_eq!(stated_time(&[0; 71]), None);
        assert_eq!(stated_time(&[0; 73]), None);
    }

    #[test]
    fn a_witness_counts_once_however_many_keys_it_has() {
        let (old, new, other) = (witness("w", 1), witness("w", 2), witness("v", 3));
        let mut head = head();
        let keys: Vec<_> = [&old, &new, &other]
            .iter()
            .map(|key| key.verifier().clone())
            .collect();
        let policy = WitnessPolicy::new(keys, 2).unwrap();
        assert_eq!(
            policy.check(&head),
            Err(CosignatureError::TooFew {
                found: 0,
                needed: 2
            })
        );
        head.add(old.cosign(&head, 10).unwrap()).unwrap();
        head.add(new.cosign(&head, 20).unwrap()).unwrap();
        assert_eq!(
            policy.cosigned(&head).unwrap(),
            [Cosigned {
                witness: "w".to_owned(),
                timestamp_s: 20
            }]
        );
        assert_eq!(
            policy.check(&head),
            Err(CosignatureError::TooFew {
                found: 1,
                needed: 2
            })
        );
        head.add(other.cosign(&head, 15).unwrap()).unwrap();
        assert_eq!(policy.check(&head).unwrap().len(), 2);
    }

    #[test]
    fn one_public_key_cannot_be_two_witnesses() {
        let shared = vec![
            witness("v", 1).verifier().clone(),
            witness("w", 1).verifier().clone(),
        ];
        assert!(matches!(
            WitnessPolicy::new(shared, 1),
            Err(CosignatureError::SharedKey { .. })
        ));
        let log = SignerKey::from_seed("log", &[9; 32]).unwrap();
        let not = WitnessPolicy::new(vec![log.verifier().clone()], 1);
        assert!(matches!(not, Err(CosignatureError::NotAWitness { .. })));
        for threshold in [0, 2] {
            let one = vec![witness("w", 1).verifier().clone()];
            assert!(matches!(
                WitnessPolicy::new(one, threshold),
                Err(CosignatureError::Threshold { .. })
            ));
        }
    }

    #[test]
    fn a_wrong_cosignature_of_a_trusted_witness_is_not_silently_dropped() {
        let key = witness("w", 1);
        let head = head();
        let forged = Signature::new("w", key.verifier().id(), &[0; 72]).unwrap();
        let signatures = [head.note().signatures(), &[forged]].concat();
        let head = SignedCheckpoint::from_note(Note::new(head.note().text(), signatures).unwrap())
            .unwrap();
        let policy = WitnessPolicy::new(vec![key.verifier().clone()], 1).unwrap();
        assert!(matches!(
            policy.check(&head),
            Err(CosignatureError::Note(NoteError::BadSignature { .. }))
        ));
    }

    #[test]
    fn the_private_key_of_a_witness_is_not_one_of_a_log() {
        let key = witness("w", 1);
        assert_eq!(
            CosignerKey::parse(&key.encode()).unwrap().verifier(),
            key.verifier()
        );
        assert_eq!(
            SignerKey::parse(&key.encode()).unwrap_err(),
            KeyError::Algorithm { code: 4 }
        );
    }
}
