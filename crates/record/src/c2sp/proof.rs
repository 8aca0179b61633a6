//! Receipts (c2sp.org/tlog-proof): one file that shows, offline, that an entry is in a log and that witnesses saw it there.

use super::checkpoint::{CheckpointError, SignedCheckpoint};
use super::cosignature::{CosignatureError, Cosigned, WitnessPolicy};
use super::note::{MAX_NOTE_BYTES, VerifierKey};
use super::tree::{self, HashReader, MAX_PROOF_HASHES, ProofError};
use super::{hash_text, parse_decimal, parse_hash};
use crate::encoding::{Hash, base64_std, from_base64_std};
use std::fmt;

/// The first line of every receipt.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most extra data that a receipt may carry, in bytes before base64.
pub const MAX_EXTRA_BYTES: usize = 64 * 1024;
/// The longest receipt, in bytes.
pub const MAX_RECEIPT_BYTES: usize = MAX_NOTE_BYTES + 128 * 1024;

/// Why a receipt cannot be read or does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Larger than [`MAX_RECEIPT_BYTES`].
    #[error("the receipt has {bytes} bytes, above the limit of {MAX_RECEIPT_BYTES}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the receipt is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// First byte that is not.
        at: usize,
    },
    /// A line is malformed.
    #[error("line {line} of the receipt: {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The extra data are empty or above [`MAX_EXTRA_BYTES`].
    #[error("extra data have 1 to {MAX_EXTRA_BYTES} bytes, not {bytes}")]
    Extra {
        /// How many there are.
        bytes: usize,
    },
    /// The checkpoint is malformed, of another log or not signed by it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not where the receipt says.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Too few witnesses, or a wrong cosignature.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
}

/// What a verified receipt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Index of the entry in the log.
    pub index: u64,
    /// Size of the tree that it is in, in leaves.
    pub size: u64,
    /// The witnesses of the policy that cosigned this tree; none without a policy.
    pub cosigned: Vec<Cosigned>,
}

/// An inclusion proof with its checkpoint. Nothing about it is verified until [`Receipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    extra: Option<Vec<u8>>,
    index: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

impl Receipt {
    /// The receipt of entry `index` under `checkpoint`, its proof made from the log's hashes.
    ///
    /// # Errors
    /// [`ReceiptError::Proof`] when the entry is not in that tree or a hash is missing.
    pub fn new(
        index: u64,
        checkpoint: SignedCheckpoint,
        hashes: &impl HashReader,
    ) -> Result<Self, ReceiptError> {
        let proof = tree::inclusion_proof(hashes, index, checkpoint.checkpoint().size())?;
        Ok(Self {
            extra: None,
            index,
            proof,
            checkpoint,
        })
    }

    /// The same receipt with extra data. They are not authenticated: nobody may trust them for being there.
    ///
    /// # Errors
    /// [`ReceiptError::Extra`] for none or more than [`MAX_EXTRA_BYTES`].
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, ReceiptError> {
        match extra.len() {
            1..=MAX_EXTRA_BYTES => Ok(Self {
                extra: Some(extra),
                ..self
            }),
            bytes => Err(ReceiptError::Extra { bytes }),
        }
    }

    /// Reads a receipt. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`ReceiptError`] says what is malformed and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > MAX_RECEIPT_BYTES {
            return Err(ReceiptError::TooLong { bytes: bytes.len() });
        }
        let text = str::from_utf8(bytes).map_err(|error| ReceiptError::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::Line {
            line: text.lines().count(),
            what: "no empty line before the checkpoint",
        })?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        match lines.next() {
            Some((_, HEADER)) => {}
            _ => {
                return Err(ReceiptError::Line {
                    line: 1,
                    what: "it is not c2sp.org/tlog-proof@v1",
                });
            }
        }
        let extra = match lines.next_if(|(_, line)| line.starts_with("extra ")) {
            Some((line, text)) => Some(parse_extra(line, &text["extra ".len()..])?),
            None => None,
        };
        let (line, index) = lines.next().ok_or(ReceiptError::Line {
            line: 2,
            what: "no index",
        })?;
        let index =
            index
                .strip_prefix("index ")
                .and_then(parse_decimal)
                .ok_or(ReceiptError::Line {
                    line,
                    what: "it is not index and a decimal number without leading zeros",
                })?;
        let mut proof = Vec::new();
        for (line, hash) in lines {
            if proof.len() == MAX_PROOF_HASHES {
                return Err(ReceiptError::Line {
                    line,
                    what: "no proof has so many hashes",
                });
            }
            let what = "it is not a hash in canonical base64";
            proof.push(parse_hash(hash).ok_or(ReceiptError::Line { line, what })?);
        }
        Ok(Self {
            extra,
            index,
            proof,
            checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())?,
        })
    }

    /// Checks offline that the entry with leaf hash `leaf` ([`tree::leaf_hash`]) is in the log `origin` at the receipt's
    /// index: signed by one of the log's keys, included, and cosigned by as many witnesses as `policy` asks for.
    ///
    /// # Errors
    /// [`ReceiptError`] says what does not hold.
    pub fn verify(
        &self,
        leaf: &Hash,
        origin: &str,
        log_keys: &[VerifierKey],
        policy: Option<&WitnessPolicy>,
    ) -> Result<Shown, ReceiptError> {
        self.checkpoint.verify(origin, log_keys)?;
        let head = self.checkpoint.checkpoint();
        tree::verify_inclusion(self.index, head.size(), leaf, &self.proof, head.root())?;
        let cosigned = policy.map_or(Ok(Vec::new()), |policy| policy.check(&self.checkpoint))?;
        Ok(Shown {
            index: self.index,
            size: head.size(),
            cosigned,
        })
    }

    /// Index of the entry in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Opaque extra data, authenticated by nothing.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The inclusion proof, the leaf's sibling first.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The head that the proof leads to.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// The receipt as [`Receipt::parse`] reads it.
impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64_std(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash_text(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_extra(line: usize, text: &str) -> Result<Vec<u8>, ReceiptError> {
    let what = "the extra data are not canonical base64";
    let extra = from_base64_std(text).map_err(|_| ReceiptError::Line { line, what })?;
    match extra.len() {
        1..=MAX_EXTRA_BYTES => Ok(extra),
        bytes => Err(ReceiptError::Extra { bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c2sp::checkpoint::Checkpoint;
    use crate::c2sp::cosignature::CosignerKey;
    use crate::c2sp::note::SignerKey;
    use crate::c2sp::tree::{Tree, leaf_hash};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn log() -> SignerKey {
        SignerKey::from_seed("log.example", &[1; 32]).unwrap()
    }

    /// The receipt of entry `index` of a log with the leaves 0, 1, 2…
    fn receipt(index: u64, size: u64) -> Receipt {
        let (mut tree, mut hashes) = (Tree::new(), HashMap::new());
        for n in 0..size {
            tree.append_with(leaf_hash(&n.to_be_bytes()), |level, index, hash| {
                hashes.insert((level, index), hash);
            });
        }
        let checkpoint = Checkpoint::new("log.example", size, tree.root()).unwrap();
        let signed = SignedCheckpoint::sign(checkpoint, &[&log()]).unwrap();
        Receipt::new(index, signed, &|level, index| {
            hashes.get(&(level, index)).copied()
        })
        .unwrap()
    }

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    #[test]
    fn a_receipt_shows_its_entry_and_no_other() {
        let keys = [log().verifier().clone()];
        for (index, size) in [(0, 1), (5, 11), (10, 11), (7, 8)] {
            let receipt = Receipt::parse(receipt(index, size).to_string().as_bytes()).unwrap();
            let shown = receipt
                .verify(&leaf(index), "log.example", &keys, None)
                .unwrap();
            assert_eq!(
                shown,
                Shown {
                    index,
                    size,
                    cosigned: vec![]
                }
            );
            let other = receipt.verify(&leaf(index + 1), "log.example", &keys, None);
            assert!(matches!(
                other,
                Err(ReceiptError::Proof(ProofError::WrongRoot { .. }))
            ));
            let origin = receipt.verify(&leaf(index), "other.example", &keys, None);
            assert!(matches!(
                origin,
                Err(ReceiptError::Checkpoint(
                    CheckpointError::OtherOrigin { .. }
                ))
            ));
            let stranger = [SignerKey::from_seed("log.example", &[2; 32])
                .unwrap()
                .verifier()
                .clone()];
            assert!(
                receipt
                    .verify(&leaf(index), "log.example", &stranger, None)
                    .is_err()
            );
        }
    }

    #[test]
    fn a_receipt_needs_as_many_witnesses_as_the_policy_asks_for() {
        let witnesses: Vec<_> = (1..=3)
            .map(|n| CosignerKey::from_seed(&format!("w{n}"), &[n; 32]).unwrap())
            .collect();
        let keys: Vec<_> = witnesses.iter().map(|key| key.verifier().clone()).collect();
        let policy = WitnessPolicy::new(keys, 2).unwrap();
        let log_keys = [log().verifier().clone()];
        let mut receipt = receipt(3, 9);
        let check =
            |receipt: &Receipt| receipt.verify(&leaf(3), "log.example", &log_keys, Some(&policy));
        for (witness, time) in witnesses.iter().zip([10, 20]) {
            let too_few = matches!(
                check(&receipt),
                Err(ReceiptError::Cosignature(CosignatureError::TooFew { .. }))
            );
            assert!(too_few);
            receipt
                .checkpoint
                .add(witness.cosign(&receipt.checkpoint, time).unwrap())
                .unwrap();
        }
        let reread = Receipt::parse(receipt.to_string().as_bytes()).unwrap();
        let times: Vec<u64> = check(&reread)
            .unwrap()
            .cosigned
            .iter()
            .map(|found| found.timestamp_s)
            .collect();
        assert_eq!(times, [10, 20]);
    }

    #[test]
    fn extra_data_travel_along() {
        let receipt = receipt(3, 9).with_extra(b"context".to_vec()).unwrap();
        assert!(
            receipt
                .to_string()
                .starts_with("c2sp.org/tlog-proof@v1\nextra Y29udGV4dA==\nindex 3\n")
        );
        let reread = Receipt::parse(receipt.to_string().as_bytes()).unwrap();
        assert_eq!(reread.extra(), Some(b"context".as_slice()));
        assert_eq!(reread, receipt);
        assert!(receipt.clone().with_extra(vec![]).is_err());
        assert!(receipt.with_extra(vec![0; MAX_EXTRA_BYTES + 1]).is_err());
    }

    #[test]
    fn malformed_receipts_are_refused() {
        let good = receipt(3, 9).to_string();
        assert!(Receipt::parse(good.as_bytes()).is_ok());
        let first_hash = good.lines().nth(2).unwrap().to_owned();
        for (from, to) in [
            ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n"),
            ("c2sp.org/tlog-proof@v1\n", "\nc2sp.org/tlog-proof@v1\n"),
            ("c2sp.org/tlog-proof@v1\n", ""),
            ("index 3\n", ""),
            ("index 3\n", "index 03\n"),
            ("index 3\n", "index  3\n"),
            ("index 3\n", "index +3\n"),
            ("index 3\n", "index 18446744073709551616\n"),
            ("index 3\n", "index 3\r\n"),
            ("index 3\n", "index 3\nindex 3\n"),
            ("index 3\n", "index 3\nextra AA==\n"),
            ("index 3\n", "extra \nindex 3\n"),
            ("index 3\n", "extra AB==\nindex 3\n"),
            ("index 3\n", "extra AA==\nextra AA==\nindex 3\n"),
            ("index 3\n", "index 3\n\n"),
            (first_hash.as_str(), "AAAA"),
            (first_hash.as_str(), " "),
            ("\n\nlog.example", "\nlog.example"),
            ("\n\nlog.example", "\n\n\nlog.example"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(Receipt::parse(bad.as_bytes()).is_err(), "{from:?} {to:?}");
        }
        let hash_line = format!("{first_hash}\n");
        let many = good.replacen(&hash_line, &hash_line.repeat(MAX_PROOF_HASHES + 1), 1);
        assert!(matches!(
            Receipt::parse(many.as_bytes()),
            Err(ReceiptError::Line { .. })
        ));
        assert!(Receipt::parse(format!("{good}trailing").as_bytes()).is_err());
        assert_eq!(
            Receipt::parse(b"\xff"),
            Err(ReceiptError::NotUtf8 { at: 0 })
        );
        let bytes = MAX_RECEIPT_BYTES + 1;
        assert_eq!(
            Receipt::parse(&vec![b'a'; bytes]),
            Err(ReceiptError::TooLong { bytes })
        );
    }

    proptest! {
        #[test]
        fn what_parses_is_written_the_same(
            size in 1u64..40,
            pick: u64,
            extra in prop::option::of(prop::collection::vec(any::<u8>(), 1..9)),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut receipt = receipt(pick % size, size);
            if let Some(extra) = extra {
                receipt = receipt.with_extra(extra).unwrap();
            }
            let mut bytes = receipt.to_string().into_bytes();
            prop_assert_eq!(&Receipt::parse(&bytes).unwrap(), &receipt);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(parsed) = Receipt::parse(&bytes) {
                prop_assert_eq!(parsed.to_string().into_bytes(), bytes);
            }
        }
    }
}
