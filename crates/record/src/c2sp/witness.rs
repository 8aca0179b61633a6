//! Witnessing (c2sp.org/tlog-witness): the `add-checkpoint` request, the witness that answers it, and the log's side.
//!
//! A [`Witness`] cosigns a head only if it continues the last head that it cosigned of that log. The new head has to be on
//! disk before the cosignature leaves the house, or a witness that loses power could cosign a fork: therefore
//! [`Witness::add_checkpoint`] gives a [`Pending`], which holds the head to store and gives out the cosignature only for
//! [`Pending::persisted`].
//!
//! When a log has signed two heads that cannot be of one tree, the witness keeps both as [`Evidence`], which convinces
//! whoever trusts the log's key, without trusting the witness.

use super::checkpoint::{CheckpointError, SignedCheckpoint};
use super::cosignature::{CosignatureError, CosignerKey};
use super::note::{MAX_NOTE_BYTES, Note, NoteError, Signature, VerifierKey};
use super::tree::{self, HashReader, MAX_PROOF_HASHES, ProofError};
use super::{hash_text, parse_decimal, parse_hash};
use crate::encoding::Hash;
use std::collections::BTreeMap;
use std::fmt;

/// The most proof lines in a request.
pub const MAX_PROOF_LINES: usize = 63;
/// The longest request, in bytes.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + 4096;
/// The longest evidence, in bytes.
pub const MAX_EVIDENCE_BYTES: usize = 2 * MAX_NOTE_BYTES + 4096;
/// Content type of the answer 409, whose body is the size that the witness knows.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";
/// The first line of written [`Evidence`].
pub const EVIDENCE_HEADER: &str = "truceline/fork-evidence@v1";

/// Why a request cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Larger than its limit.
    #[error("{bytes} bytes are above the limit of {limit}")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// First byte that is not.
        at: usize,
    },
    /// A line is malformed.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// More than [`MAX_PROOF_LINES`].
    #[error("{lines} proof lines are above the limit of {MAX_PROOF_LINES}")]
    TooManyProofLines {
        /// How many.
        lines: usize,
    },
    /// The checkpoint is malformed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// An `add-checkpoint` request: the size the witness is thought to know, a proof from there, and the new head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// The request that takes a witness from `old_size` leaves (0 when nothing is known of it) to `checkpoint`, the proof
    /// made from the log's hashes.
    ///
    /// # Errors
    /// [`RequestError::Proof`] when `old_size` is above the checkpoint's size or a hash is missing,
    /// [`RequestError::TooManyProofLines`].
    pub fn new(
        checkpoint: SignedCheckpoint,
        old_size: u64,
        hashes: &impl HashReader,
    ) -> Result<Self, RequestError> {
        let proof = tree::consistency_proof(hashes, old_size, checkpoint.checkpoint().size())?;
        match proof.len() {
            0..=MAX_PROOF_LINES => Ok(Self {
                old_size,
                proof,
                checkpoint,
            }),
            lines => Err(RequestError::TooManyProofLines { lines }),
        }
    }

    /// Reads a request body. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`RequestError`] says what is malformed and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let text = bounded_text(bytes, MAX_REQUEST_BYTES)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(RequestError::Line {
            line: text.lines().count(),
            what: "no empty line before the checkpoint",
        })?;
        let (old, proof) = head
            .split_once('\n')
            .map_or((head, None), |(old, proof)| (old, Some(proof)));
        let what = "it is not old and a decimal number without leading zeros";
        let old_size = old
            .strip_prefix("old ")
            .and_then(parse_decimal)
            .ok_or(RequestError::Line { line: 1, what })?;
        let proof = parse_proof_lines(proof, MAX_PROOF_LINES)?;
        Ok(Self {
            old_size,
            proof,
            checkpoint: SignedCheckpoint::parse(checkpoint.as_bytes())?,
        })
    }

    /// The size the witness is thought to know, in leaves.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof from there.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The new head.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// What follows from the witness's answer to this request. `hashes` are the log's, `witness_keys` the keys of this
    /// witness that the log trusts. A witness that names ever other sizes could keep a log busy: bound the rounds.
    ///
    /// # Errors
    /// [`AnswerError`] when the witness refused for good or its answer makes no sense.
    pub fn next_step(
        &self,
        status: u16,
        body: &[u8],
        witness_keys: &[VerifierKey],
        hashes: &impl HashReader,
    ) -> Result<NextStep, AnswerError> {
        match status {
            200 => Ok(NextStep::Cosigned(
                self.parse_cosignatures(body, witness_keys)?,
            )),
            409 => {
                let size = parse_size(body)?;
                if size == self.old_size {
                    return Err(AnswerError::SameSize { size });
                }
                if size > self.checkpoint.checkpoint().size() {
                    return Ok(NextStep::WitnessIsAhead { size });
                }
                Ok(NextStep::Send(Self::new(
                    self.checkpoint.clone(),
                    size,
                    hashes,
                )?))
            }
            status => Err(AnswerError::Refused { status }),
        }
    }

    /// The signature lines of a 200 by trusted keys, each verified.
    fn parse_cosignatures(
        &self,
        body: &[u8],
        keys: &[VerifierKey],
    ) -> Result<Vec<Signature>, AnswerError> {
        let text = bounded_text(body, MAX_NOTE_BYTES)?;
        let note = Note::new(self.checkpoint.note().text(), Signature::parse_lines(text)?)?;
        Ok(note
            .verify(keys)?
            .into_iter()
            .map(|verified| verified.signature.clone())
            .collect())
    }
}

/// The body as [`AddCheckpoint::parse`] reads it.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash_text(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Where a log stands after a witness has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Verified cosignatures, to be added to the checkpoint.
    Cosigned(Vec<Signature>),
    /// The witness knows another size: send this.
    Send(AddCheckpoint),
    /// The witness has cosigned a head of ours that is larger than this one. Either a newer head was sent meanwhile, or we
    /// have lost entries that we had signed: before the log signs anything else, find out.
    WitnessIsAhead {
        /// The size it knows, in leaves.
        size: u64,
    },
}

/// Why a witness's answer leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A status other than 200 and 409.
    #[error("the witness refused with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The body of a 409 is not a size.
    #[error("the witness answered 409 without the size it knows")]
    NoSize,
    /// The witness says that it knows what we said it knows, and refuses nonetheless.
    #[error("the witness answered 409 for the size {size} that it names itself")]
    SameSize {
        /// The size, in leaves.
        size: u64,
    },
    /// No line is by a key of the witness, or one is wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The answer is no text, or the next request cannot be made.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Reads the body of a 409: the size that the witness knows, and a newline.
///
/// # Errors
/// [`AnswerError::NoSize`].
pub fn parse_size(body: &[u8]) -> Result<u64, AnswerError> {
    let text = str::from_utf8(body)
        .ok()
        .and_then(|text| text.strip_suffix('\n'));
    text.and_then(parse_decimal).ok_or(AnswerError::NoSize)
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The request is malformed (400).
    #[error("malformed request: {0}")]
    Malformed(#[from] RequestError),
    /// The old size is above the checkpoint's (400).
    #[error("the old size {old} is above the checkpoint's size {size}")]
    OldIsLarger {
        /// Old size in the request, in leaves.
        old: u64,
        /// Size of the checkpoint, in leaves.
        size: u64,
    },
    /// This witness does not watch the log (404).
    #[error("the log {origin} is not known here")]
    UnknownLog {
        /// Its origin.
        origin: String,
    },
    /// None of the log's keys signed, or one of them wrongly (403).
    #[error("{0}")]
    NotSigned(CheckpointError),
    /// The witness knows another size than the request says (409).
    #[error("this witness knows {size} leaves of the log")]
    Conflict {
        /// The size it knows, in leaves.
        size: u64,
        /// Two heads of the same size that differ, should the request have shown that.
        evidence: Option<Box<Evidence>>,
    },
    /// The new head does not continue the known one (422).
    #[error("the checkpoint does not continue the one that was cosigned last: {why}")]
    Inconsistent {
        /// What does not hold.
        why: ProofError,
        /// The known head and the new one, both signed by the log. [`Evidence::verify`] tells whether they prove a fork: a
        /// wrong proof alone can come from anybody.
        evidence: Option<Box<Evidence>>,
    },
    /// The witness's clock gives a time that no cosignature can state (500).
    #[error(transparent)]
    Clock(#[from] CosignatureError),
}

impl Refused {
    /// The HTTP status that the specification asks for.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldIsLarger { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent { .. } => 422,
            Self::Clock(_) => 500,
        }
    }

    /// The answer's content type and body.
    #[must_use]
    pub fn body(&self) -> (&'static str, String) {
        match self {
            Self::Conflict { size, .. } => (SIZE_CONTENT_TYPE, format!("{size}\n")),
            other => ("text/plain; charset=utf-8", format!("{other}\n")),
        }
    }

    /// The heads to keep, if the request has shown two that do not fit.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Conflict { evidence, .. } | Self::Inconsistent { evidence, .. } => {
                evidence.as_deref()
            }
            _ => None,
        }
    }
}

/// A log as a witness knows it.
#[derive(Debug)]
struct Watched {
    keys: Vec<VerifierKey>,
    head: Option<SignedCheckpoint>,
}

/// Cosigns the heads of the logs that it watches, and remembers the last one of each.
#[derive(Debug)]
pub struct Witness {
    key: CosignerKey,
    logs: BTreeMap<String, Watched>,
}

impl Witness {
    /// A witness that watches nothing yet.
    #[must_use]
    pub fn new(key: CosignerKey) -> Self {
        Self {
            key,
            logs: BTreeMap::new(),
        }
    }

    /// The public half of its key.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// Watches the log `origin`, which `keys` may sign. `head` is what [`Pending::head`] last gave to be stored. For a log
    /// that is watched already, the keys are replaced, as at a change of key, and the larger head stays.
    ///
    /// # Errors
    /// [`CheckpointError::OtherOrigin`] when `head` is of another log.
    pub fn watch(
        &mut self,
        origin: &str,
        keys: Vec<VerifierKey>,
        head: Option<SignedCheckpoint>,
    ) -> Result<(), CheckpointError> {
        if let Some(head) = &head
            && head.checkpoint().origin() != origin
        {
            let found = head.checkpoint().origin().to_owned();
            return Err(CheckpointError::OtherOrigin {
                expected: origin.to_owned(),
                found,
            });
        }
        let size =
            |head: &Option<SignedCheckpoint>| head.as_ref().map(|head| head.checkpoint().size());
        let known = self.logs.remove(origin).and_then(|log| log.head);
        let head = if size(&known) >= size(&head) {
            known
        } else {
            head
        };
        self.logs.insert(origin.to_owned(), Watched { keys, head });
        Ok(())
    }

    /// The last head of `origin` that was cosigned.
    #[must_use]
    pub fn head(&self, origin: &str) -> Option<&SignedCheckpoint> {
        self.logs.get(origin)?.head.as_ref()
    }

    /// Reads and judges a request at `now_s`, seconds since 1970. The same head again is cosigned again.
    ///
    /// # Errors
    /// [`Refused`] with its status; the witness then knows what it knew before.
    pub fn add_checkpoint(&mut self, request: &[u8], now_s: u64) -> Result<Pending<'_>, Refused> {
        self.add(AddCheckpoint::parse(request)?, now_s)
    }

    /// As [`Witness::add_checkpoint`], for a request that has been read.
    ///
    /// # Errors
    /// [`Refused`] with its status; the witness then knows what it knew before.
    pub fn add(&mut self, request: AddCheckpoint, now_s: u64) -> Result<Pending<'_>, Refused> {
        let new = request.checkpoint.checkpoint();
        let unknown = || Refused::UnknownLog {
            origin: new.origin().to_owned(),
        };
        let log = self.logs.get_mut(new.origin()).ok_or_else(unknown)?;
        request
            .checkpoint
            .verify(new.origin(), &log.keys)
            .map_err(Refused::NotSigned)?;
        let head = request
            .checkpoint
            .only_by(&log.keys)
            .map_err(Refused::NotSigned)?;
        check_continues(log.head.as_ref(), &head, request.old_size, &request.proof)?;
        let cosignature = self.key.cosign(&head, now_s)?;
        Ok(Pending {
            log,
            head,
            cosignature,
        })
    }
}

/// The rules of the specification, in its order, once the log's signature is verified.
fn check_continues(
    known: Option<&SignedCheckpoint>,
    head: &SignedCheckpoint,
    old_size: u64,
    proof: &[Hash],
) -> Result<(), Refused> {
    let new = head.checkpoint();
    if old_size > new.size() {
        return Err(Refused::OldIsLarger {
            old: old_size,
            size: new.size(),
        });
    }
    let known_size = known.map_or(0, |known| known.checkpoint().size());
    if old_size != known_size {
        let evidence = known
            .filter(|_| known_size == new.size())
            .and_then(|known| Evidence::of(known, head, &[]));
        return Err(Refused::Conflict {
            size: known_size,
            evidence: evidence.map(Box::new),
        });
    }
    let known_root = known.map_or_else(tree::empty_root, |known| *known.checkpoint().root());
    tree::verify_consistency(old_size, &known_root, new.size(), new.root(), proof).map_err(|why| {
        let evidence = known.and_then(|known| Evidence::of(known, head, proof));
        Refused::Inconsistent {
            why,
            evidence: evidence.map(Box::new),
        }
    })
}

/// A head that may be cosigned as soon as it is stored. Dropped, it leaves the witness as it was.
#[derive(Debug)]
#[must_use = "the cosignature is given out only by persisted()"]
pub struct Pending<'w> {
    log: &'w mut Watched,
    head: SignedCheckpoint,
    cosignature: Signature,
}

impl Pending<'_> {
    /// The head to store in place of the one before, with the log's signatures only. Give it to [`Witness::watch`] after
    /// a restart.
    #[must_use]
    pub fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    /// Call it when [`Pending::head`] is on disk: the witness takes the head as its last one and gives the cosignature.
    #[must_use]
    pub fn persisted(self) -> Accepted {
        self.log.head = Some(self.head.clone());
        Accepted {
            head: self.head,
            cosignature: self.cosignature,
        }
    }
}

/// A head that the witness has cosigned (200).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The head, with the log's signatures.
    pub head: SignedCheckpoint,
    /// The witness's signature line.
    pub cosignature: Signature,
}

impl Accepted {
    /// The answer's body: the cosignature as a line with its newline.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n", self.cosignature)
    }
}

/// What two heads show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The log has signed heads of two different histories: proven to whoever trusts its key.
    Fork,
    /// Both heads are the log's, but only the log or a mirror can show that one continues the other: nobody has. Ask it.
    Unexplained,
}

/// Why evidence cannot be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The text is malformed.
    #[error("{0}")]
    Malformed(#[from] RequestError),
    /// A head is malformed, of another log or not signed by it.
    #[error("{0}")]
    Head(#[from] CheckpointError),
    /// The heads agree, or stand in the wrong order.
    #[error("these heads are no evidence of a fork")]
    NoFork,
    /// The hashes do not show that the second head has another beginning than the first.
    #[error("the hashes do not show that the second head contradicts the first")]
    Proof,
}

/// Two signed heads of one log that do not fit together, the smaller first: portable, and verifiable by outsiders.
///
/// Two roots for one size speak for themselves. For two sizes, the hashes lead from *another* root of the smaller size to
/// the larger head: as no two trees have one root, the larger head has another beginning than the smaller one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    first: SignedCheckpoint,
    second: SignedCheckpoint,
    /// A consistency proof with its first node, see [`tree::roots_of_consistency`]. Empty if it proves nothing.
    proof: Vec<Hash>,
}

impl Evidence {
    /// What `known` and `head`, at least as large, show with the proof that came along; nothing if they agree.
    fn of(known: &SignedCheckpoint, head: &SignedCheckpoint, proof: &[Hash]) -> Option<Self> {
        let (first, second) = (known.checkpoint(), head.checkpoint());
        if first.same_tree(second) || first.size() == 0 {
            return None;
        }
        let full = tree::full_consistency_proof(first.size(), first.root(), proof);
        let evidence = Self {
            first: known.clone(),
            second: head.clone(),
            proof: full,
        };
        Some(if evidence.contradicts() {
            evidence
        } else {
            Self {
                proof: Vec::new(),
                ..evidence
            }
        })
    }

    /// What two heads of a log show whose larger tree is held here, as by a mirror; nothing if the smaller one is its
    /// beginning, or if they are of two logs. The heads may come in either order.
    ///
    /// # Errors
    /// [`ProofError`] when a hash of the larger tree is missing.
    pub fn from_tree(
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
        hashes: &impl HashReader,
    ) -> Result<Option<Self>, ProofError> {
        let in_order = one.checkpoint().size() <= other.checkpoint().size();
        let (first, second) = if in_order { (one, other) } else { (other, one) };
        let (old, new) = (first.checkpoint(), second.checkpoint());
        if old.origin() != new.origin() {
            return Ok(None);
        }
        if old.size() == 0 || old.size() == new.size() {
            return Ok(Self::of(first, second, &[]));
        }
        let found = tree::root(hashes, old.size())?;
        let proof = tree::consistency_proof(hashes, old.size(), new.size())?;
        if tree::verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).is_ok()
        {
            return Ok(None);
        }
        let proof = tree::full_consistency_proof(old.size(), &found, &proof);
        let evidence = Self {
            first: first.clone(),
            second: second.clone(),
            proof,
        };
        Ok(Some(if evidence.contradicts() {
            evidence
        } else {
            Self {
                proof: Vec::new(),
                ..evidence
            }
        }))
    }

    /// Whether the hashes lead from another root of the smaller size to the larger head.
    fn contradicts(&self) -> bool {
        let (first, second) = (self.first.checkpoint(), self.second.checkpoint());
        tree::roots_of_consistency(first.size(), second.size(), &self.proof)
            .is_ok_and(|(old, new)| old != *first.root() && new == *second.root())
    }

    /// Reads evidence. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`EvidenceError`] says what is malformed, or that these heads are no evidence.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let text = bounded_text(bytes, MAX_EVIDENCE_BYTES)?;
        let parts: Vec<&str> = text.splitn(6, "\n\n").collect();
        let [
            head,
            first_text,
            first_signatures,
            second_text,
            second_signatures,
        ] = parts[..]
        else {
            let what = "it is not a header and two notes";
            return Err(RequestError::Line {
                line: text.lines().count(),
                what,
            }
            .into());
        };
        let (header, proof) = head
            .split_once('\n')
            .map_or((head, None), |(header, proof)| (header, Some(proof)));
        if header != EVIDENCE_HEADER {
            return Err(RequestError::Line {
                line: 1,
                what: "it is not truceline/fork-evidence@v1",
            }
            .into());
        }
        let proof = parse_proof_lines(proof, MAX_PROOF_HASHES)?;
        let first =
            SignedCheckpoint::parse(format!("{first_text}\n\n{first_signatures}\n").as_bytes())?;
        let second =
            SignedCheckpoint::parse(format!("{second_text}\n\n{second_signatures}").as_bytes())?;
        let evidence = Self {
            first,
            second,
            proof,
        };
        evidence.finding()?;
        Ok(evidence)
    }

    /// Checks, with nothing but this and the log's keys, that both heads are the log's, and tells what they show.
    ///
    /// # Errors
    /// [`EvidenceError`] when a head is not the log's, or the heads are no evidence.
    pub fn verify(&self, origin: &str, log_keys: &[VerifierKey]) -> Result<Finding, EvidenceError> {
        self.first.verify(origin, log_keys)?;
        self.second.verify(origin, log_keys)?;
        self.finding()
    }

    /// What the heads show if both are the log's.
    fn finding(&self) -> Result<Finding, EvidenceError> {
        let (first, second) = (self.first.checkpoint(), self.second.checkpoint());
        let same_log = first.origin() == second.origin();
        if !same_log || first.same_tree(second) || first.size() > second.size() || first.size() == 0
        {
            return Err(EvidenceError::NoFork);
        }
        match (first.size() == second.size(), self.proof.is_empty()) {
            (true, true) => Ok(Finding::Fork),
            (false, true) => Ok(Finding::Unexplained),
            (false, false) if self.contradicts() => Ok(Finding::Fork),
            _ => Err(EvidenceError::Proof),
        }
    }

    /// The smaller head, or for one size the one that was seen first.
    #[must_use]
    pub fn first(&self) -> &SignedCheckpoint {
        &self.first
    }

    /// The other head.
    #[must_use]
    pub fn second(&self) -> &SignedCheckpoint {
        &self.second
    }
}

/// The text as [`Evidence::parse`] reads it: header, hashes, and both notes, an empty line before each.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{EVIDENCE_HEADER}")?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash_text(hash)))?;
        write!(f, "\n{}\n{}", self.first, self.second)
    }
}

fn bounded_text(bytes: &[u8], limit: usize) -> Result<&str, RequestError> {
    if bytes.len() > limit {
        return Err(RequestError::TooLong {
            bytes: bytes.len(),
            limit,
        });
    }
    str::from_utf8(bytes).map_err(|error| RequestError::NotUtf8 {
        at: error.valid_up_to(),
    })
}

/// The hashes in the lines after the first.
fn parse_proof_lines(lines: Option<&str>, limit: usize) -> Result<Vec<Hash>, RequestError> {
    let Some(lines) = lines else {
        return Ok(Vec::new());
    };
    let count = lines.split('\n').count();
    if count > limit {
        return Err(RequestError::TooManyProofLines { lines: count });
    }
    let what = "it is not a hash in canonical base64";
    let hash = |(line, text)| parse_hash(text).ok_or(RequestError::Line { line, what });
    (2..).zip(lines.split('\n')).map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c2sp::checkpoint::Checkpoint;
    use crate::c2sp::cosignature::verified_time;
    use crate::c2sp::note::SignerKey;
    use crate::c2sp::tree::{Tree, leaf_hash};
    use proptest::prelude::*;
    use std::collections::HashMap;

    const ORIGIN: &str = "log.example";
    const NOW_S: u64 = 1_700_000_000;

    /// A log with all its hashes. From leaf `fork_at` on, its leaves depend on `branch`.
    struct Log {
        signer: SignerKey,
        tree: Tree,
        roots: Vec<Hash>,
        hashes: HashMap<(u8, u64), Hash>,
    }

    impl Log {
        fn branch(size: u64, fork_at: u64, branch: &str) -> Self {
            let signer = SignerKey::from_seed(ORIGIN, &[1; 32]).unwrap();
            let mut log = Self {
                signer,
                tree: Tree::new(),
                roots: vec![tree::empty_root()],
                hashes: HashMap::new(),
            };
            for n in 0..size {
                let leaf = if n < fork_at {
                    n.to_string()
                } else {
                    format!("{n} {branch}")
                };
                log.tree
                    .append_with(leaf_hash(leaf.as_bytes()), |level, index, hash| {
                        log.hashes.insert((level, index), hash);
                    });
                log.roots.push(log.tree.root());
            }
            log
        }

        fn honest(size: u64) -> Self {
            Self::branch(size, size, "")
        }

        fn head(&self, size: u64) -> SignedCheckpoint {
            let checkpoint = Checkpoint::new(ORIGIN, size, self.roots[size as usize]).unwrap();
            SignedCheckpoint::sign(checkpoint, &[&self.signer]).unwrap()
        }

        fn reader(&self) -> impl HashReader {
            |level, index| self.hashes.get(&(level, index)).copied()
        }

        fn request(&self, old: u64, size: u64) -> AddCheckpoint {
            AddCheckpoint::new(self.head(size), old, &self.reader()).unwrap()
        }

        fn keys(&self) -> Vec<VerifierKey> {
            vec![self.signer.verifier().clone()]
        }
    }

    fn witness() -> Witness {
        let mut witness =
            Witness::new(CosignerKey::from_seed("witness.example", &[7; 32]).unwrap());
        witness.watch(ORIGIN, Log::honest(0).keys(), None).unwrap();
        witness
    }

    fn cosign(witness: &mut Witness, request: AddCheckpoint) -> Accepted {
        witness
            .add_checkpoint(request.to_string().as_bytes(), NOW_S)
            .unwrap()
            .persisted()
    }

    fn refuse(witness: &mut Witness, request: &str) -> Refused {
        witness
            .add_checkpoint(request.as_bytes(), NOW_S)
            .unwrap_err()
    }

    #[test]
    fn a_log_that_only_grows_is_cosigned_at_every_step() {
        let (log, mut witness) = (Log::honest(70), witness());
        let mut old = 0;
        for size in [0, 0, 1, 2, 3, 8, 8, 13, 64, 70] {
            let accepted = cosign(&mut witness, log.request(old, size));
            let text = accepted.head.note().text();
            assert_eq!(
                verified_time(witness.verifier(), text, accepted.cosignature.bytes()),
                Some(NOW_S)
            );
            assert!(
                accepted.body().starts_with("— witness.example ")
                    && accepted.body().ends_with('\n')
            );
            assert_eq!(witness.head(ORIGIN), Some(&accepted.head));
            old = size;
        }
    }

    #[test]
    fn the_same_head_is_cosigned_again() {
        let (log, mut witness) = (Log::honest(9), witness());
        let first = cosign(&mut witness, log.request(0, 9));
        assert_eq!(cosign(&mut witness, log.request(9, 9)), first);
    }

    #[test]
    fn a_head_that_was_not_stored_is_not_taken_as_the_last_one() {
        let (log, mut witness) = (Log::honest(9), witness());
        let _ = cosign(&mut witness, log.request(0, 5));
        let request = log.request(5, 9).to_string();
        drop(witness.add_checkpoint(request.as_bytes(), NOW_S).unwrap());
        assert_eq!(witness.head(ORIGIN).unwrap().checkpoint().size(), 5);
        let pending = witness.add_checkpoint(request.as_bytes(), NOW_S).unwrap();
        assert_eq!(pending.head(), &log.head(9));
        let _ = pending.persisted();
        assert_eq!(witness.head(ORIGIN).unwrap().checkpoint().size(), 9);
    }

    #[test]
    fn a_restarted_witness_goes_on_from_what_was_stored() {
        let (log, mut before) = (Log::honest(9), witness());
        let stored = cosign(&mut before, log.request(0, 5)).head.to_string();
        let mut after = Witness::new(CosignerKey::from_seed("witness.example", &[7; 32]).unwrap());
        let head = SignedCheckpoint::parse(stored.as_bytes()).unwrap();
        after.watch(ORIGIN, log.keys(), Some(head.clone())).unwrap();
        let _ = cosign(&mut after, log.request(5, 9));
        after.watch(ORIGIN, log.keys(), Some(head.clone())).unwrap();
        assert_eq!(after.head(ORIGIN).unwrap().checkpoint().size(), 9);
        let other = after.watch("other.example", log.keys(), Some(head));
        assert!(matches!(other, Err(CheckpointError::OtherOrigin { .. })));
    }

    #[test]
    fn a_request_from_another_size_is_told_the_known_one() {
        let (log, mut witness) = (Log::honest(9), witness());
        let _ = cosign(&mut witness, log.request(0, 5));
        for (old, size) in [(0, 9), (3, 9), (7, 9), (0, 3), (3, 3)] {
            let refused = refuse(&mut witness, &log.request(old, size).to_string());
            assert_eq!(
                refused,
                Refused::Conflict {
                    size: 5,
                    evidence: None
                }
            );
            assert_eq!(refused.status(), 409);
            assert_eq!(refused.body(), ("text/x.tlog.size", "5\n".to_owned()));
        }
    }

    #[test]
    fn a_log_rolled_back_is_refused() {
        let (log, mut witness) = (Log::honest(9), witness());
        let _ = cosign(&mut witness, log.request(0, 9));
        let request = format!("old 9\n\n{}", log.head(5));
        let refused = refuse(&mut witness, &request);
        assert_eq!(refused, Refused::OldIsLarger { old: 9, size: 5 });
        assert_eq!(refused.status(), 400);
        assert_eq!(
            refuse(&mut witness, &log.request(0, 5).to_string()).status(),
            409
        );
        assert_eq!(witness.head(ORIGIN).unwrap().checkpoint().size(), 9);
    }

    #[test]
    fn a_fork_of_the_same_size_is_refused_with_evidence() {
        let (log, fork, mut witness) = (Log::honest(9), Log::branch(9, 4, "b"), witness());
        let _ = cosign(&mut witness, log.request(0, 9));
        let refused = refuse(&mut witness, &fork.request(9, 9).to_string());
        assert_eq!(refused.status(), 422);
        let evidence = Evidence::parse(refused.evidence().unwrap().to_string().as_bytes()).unwrap();
        assert_eq!(evidence.verify(ORIGIN, &log.keys()), Ok(Finding::Fork));
        assert_eq!(
            (evidence.first(), evidence.second()),
            (&log.head(9), &fork.head(9))
        );
        let conflict = refuse(&mut witness, &fork.request(0, 9).to_string());
        assert_eq!(
            (conflict.status(), conflict.evidence()),
            (409, Some(&evidence))
        );
        assert_eq!(witness.head(ORIGIN), Some(&log.head(9)));
    }

    #[test]
    fn a_fork_of_another_size_is_refused_and_its_own_proof_convicts_it() {
        for (old, size) in [(3, 9), (5, 6), (7, 8), (9, 30), (6, 64)] {
            let (log, fork, mut witness) = (Log::honest(old), Log::branch(size, 1, "b"), witness());
            let _ = cosign(&mut witness, log.request(0, old));
            let refused = refuse(&mut witness, &fork.request(old, size).to_string());
            assert_eq!(refused.status(), 422);
            let evidence =
                Evidence::parse(refused.evidence().unwrap().to_string().as_bytes()).unwrap();
            assert_eq!(
                evidence.verify(ORIGIN, &log.keys()),
                Ok(Finding::Fork),
                "{old} {size}"
            );
            assert_eq!(witness.head(ORIGIN), Some(&log.head(old)));
        }
    }

    #[test]
    fn where_the_proof_leaves_the_old_root_out_a_mirror_can_convict() {
        for (old, size) in [(1, 9), (4, 9), (8, 16)] {
            let (log, fork, mut witness) = (Log::honest(old), Log::branch(size, 0, "b"), witness());
            let _ = cosign(&mut witness, log.request(0, old));
            let refused = refuse(&mut witness, &fork.request(old, size).to_string());
            let evidence = refused.evidence().unwrap();
            assert_eq!(
                evidence.verify(ORIGIN, &log.keys()),
                Ok(Finding::Unexplained)
            );
            assert_eq!(
                &Evidence::parse(evidence.to_string().as_bytes()).unwrap(),
                evidence
            );
            let found = Evidence::from_tree(&fork.head(size), &log.head(old), &fork.reader())
                .unwrap()
                .unwrap();
            assert_eq!(found.verify(ORIGIN, &log.keys()), Ok(Finding::Fork));
            assert_eq!(
                Evidence::parse(found.to_string().as_bytes()).unwrap(),
                found
            );
        }
    }

    #[test]
    fn an_honest_log_is_never_convicted_by_a_wrong_proof() {
        let (log, mut witness) = (Log::honest(30), witness());
        let _ = cosign(&mut witness, log.request(0, 5));
        for at in 0..log.request(5, 30).proof().len() {
            let mut request = log.request(5, 30);
            request.proof[at] = leaf_hash(b"garbage");
            let refused = refuse(&mut witness, &request.to_string());
            assert_eq!(refused.status(), 422);
            let finding = refused.evidence().unwrap().verify(ORIGIN, &log.keys());
            assert_eq!(finding, Ok(Finding::Unexplained));
        }
        let nothing = Evidence::from_tree(&log.head(5), &log.head(30), &log.reader()).unwrap();
        assert_eq!(nothing, None);
        let mut longer = log.request(5, 5);
        longer.proof.push(leaf_hash(b"garbage"));
        let refused = refuse(&mut witness, &longer.to_string());
        assert_eq!((refused.status(), refused.evidence()), (422, None));
    }

    #[test]
    fn evidence_against_somebody_else_or_of_nothing_is_refused() {
        let (log, fork) = (Log::honest(9), Log::branch(9, 4, "b"));
        let evidence = Evidence::of(&log.head(9), &fork.head(9), &[]).unwrap();
        let stranger = [SignerKey::from_seed(ORIGIN, &[2; 32])
            .unwrap()
            .verifier()
            .clone()];
        assert!(matches!(
            evidence.verify(ORIGIN, &stranger),
            Err(EvidenceError::Head(_))
        ));
        assert!(matches!(
            evidence.verify("other.example", &log.keys()),
            Err(EvidenceError::Head(_))
        ));
        let text = |proof: &str, one: &SignedCheckpoint, two: &SignedCheckpoint| {
            format!("{EVIDENCE_HEADER}\n{proof}\n{one}\n{two}")
        };
        let good = text("", &log.head(9), &fork.head(9));
        assert_eq!(Evidence::parse(good.as_bytes()), Ok(evidence));
        let hash = format!("{}\n", hash_text(&leaf_hash(b"x")));
        for bad in [
            text("", &log.head(9), &log.head(9)),
            text("", &fork.head(9), &log.head(5)),
            text("", &log.head(0), &fork.head(9)),
            text(&hash, &log.head(9), &fork.head(9)),
            text(&hash, &log.head(5), &fork.head(9)),
            text(&hash.repeat(66), &log.head(5), &fork.head(9)),
            good.replacen("@v1", "@v2", 1),
            format!("{good}\n"),
            format!("{good}trailing"),
            format!("{good}\n{good}"),
            good.replacen("\n\n", "\n", 1),
        ] {
            assert!(Evidence::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_known_log_with_a_known_signature_is_heard() {
        let (log, mut witness) = (Log::honest(3), witness());
        let stranger = SignerKey::from_seed(ORIGIN, &[2; 32]).unwrap();
        let checkpoint = log.head(3).checkpoint().clone();
        let unsigned = SignedCheckpoint::sign(checkpoint, &[&stranger]).unwrap();
        assert_eq!(
            refuse(&mut witness, &format!("old 0\n\n{unsigned}")).status(),
            403
        );
        let other = Checkpoint::new("other.example", 3, log.roots[3]).unwrap();
        let other = SignedCheckpoint::sign(other, &[&log.signer]).unwrap();
        let refused = refuse(&mut witness, &format!("old 0\n\n{other}"));
        assert_eq!(
            refused,
            Refused::UnknownLog {
                origin: "other.example".to_owned()
            }
        );
        assert_eq!(refused.status(), 404);
    }

    #[test]
    fn a_log_may_change_its_key_while_both_sign() {
        let (log, mut witness) = (Log::honest(9), witness());
        let _ = cosign(&mut witness, log.request(0, 3));
        let next = SignerKey::from_seed(ORIGIN, &[2; 32]).unwrap();
        let both = SignedCheckpoint::sign(log.head(5).checkpoint().clone(), &[&log.signer, &next])
            .unwrap();
        let accepted = cosign(
            &mut witness,
            AddCheckpoint::new(both, 3, &log.reader()).unwrap(),
        );
        assert_eq!(
            accepted.head,
            log.head(5),
            "a signature that is not yet trusted is not stored"
        );
        witness
            .watch(ORIGIN, vec![next.verifier().clone()], None)
            .unwrap();
        assert_eq!(
            refuse(&mut witness, &log.request(5, 9).to_string()).status(),
            403
        );
        let alone = SignedCheckpoint::sign(log.head(9).checkpoint().clone(), &[&next]).unwrap();
        let _ = cosign(
            &mut witness,
            AddCheckpoint::new(alone, 5, &log.reader()).unwrap(),
        );
    }

    #[test]
    fn an_empty_log_has_the_root_of_the_empty_tree() {
        let (log, mut witness) = (Log::honest(1), witness());
        let wrong = Checkpoint::new(ORIGIN, 0, leaf_hash(b"x")).unwrap();
        let wrong = SignedCheckpoint::sign(wrong, &[&log.signer]).unwrap();
        assert_eq!(
            refuse(&mut witness, &format!("old 0\n\n{wrong}")).status(),
            422
        );
        let _ = cosign(&mut witness, log.request(0, 0));
        let with_proof = format!("old 0\n{}\n\n{}", hash_text(&leaf_hash(b"x")), log.head(1));
        assert_eq!(refuse(&mut witness, &with_proof).status(), 422);
    }

    #[test]
    fn malformed_requests_are_refused() {
        let (log, mut witness) = (Log::honest(9), witness());
        let good = log.request(5, 9).to_string();
        let line = good.lines().nth(1).unwrap().to_owned() + "\n";
        for bad in [
            String::new(),
            "old 0\n".to_owned(),
            good.replacen("old 5\n", "", 1),
            good.replacen("old 5\n", "old 05\n", 1),
            good.replacen("old 5\n", "old  5\n", 1),
            good.replacen("old 5\n", "old -5\n", 1),
            good.replacen("old 5\n", "Old 5\n", 1),
            good.replacen("old 5\n", "old 5\r\n", 1),
            good.replacen("old 5\n", "old 18446744073709551616\n", 1),
            good.replacen("old 5\n", "old 5\n\n", 1),
            good.replacen("\n\n", "\n", 1),
            good.replacen("\n\n", "\n\n\n", 1),
            good.replacen(&line, "AAAA\n", 1),
            good.replacen(&line, &line.repeat(64), 1),
            format!("{good}trailing"),
            format!("{good}\n"),
        ] {
            let refused = refuse(&mut witness, &bad);
            assert!(matches!(refused, Refused::Malformed(_)), "{bad}");
            assert_eq!(refused.status(), 400);
        }
        assert_eq!(
            witness.add_checkpoint(b"\xff", NOW_S).unwrap_err().status(),
            400
        );
        assert_eq!(
            witness
                .add_checkpoint(&vec![b'a'; MAX_REQUEST_BYTES + 1], NOW_S)
                .unwrap_err()
                .status(),
            400
        );
        let clock = witness
            .add_checkpoint(log.request(0, 9).to_string().as_bytes(), u64::MAX)
            .unwrap_err();
        assert_eq!(clock.status(), 500);
    }

    #[test]
    fn a_log_that_knows_nothing_of_a_witness_catches_up_in_one_more_request() {
        let (log, mut witness) = (Log::honest(30), witness());
        let _ = cosign(&mut witness, log.request(0, 13));
        let keys = [witness.verifier().clone()];
        let first = log.request(0, 30);
        let refused = refuse(&mut witness, &first.to_string());
        let body = refused.body().1;
        let next = first
            .next_step(refused.status(), body.as_bytes(), &keys, &log.reader())
            .unwrap();
        let NextStep::Send(second) = next else {
            panic!("{next:?}")
        };
        assert_eq!(second.old_size(), 13);
        let accepted = cosign(&mut witness, second.clone());
        let next = second
            .next_step(200, accepted.body().as_bytes(), &keys, &log.reader())
            .unwrap();
        assert_eq!(next, NextStep::Cosigned(vec![accepted.cosignature]));
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_an_error() {
        let log = Log::honest(30);
        let key = CosignerKey::from_seed("witness.example", &[7; 32]).unwrap();
        let keys = [key.verifier().clone()];
        let request = log.request(5, 20);
        let step = |status, body: &[u8]| request.next_step(status, body, &keys, &log.reader());
        assert_eq!(
            step(409, b"25\n"),
            Ok(NextStep::WitnessIsAhead { size: 25 })
        );
        assert_eq!(step(409, b"5\n"), Err(AnswerError::SameSize { size: 5 }));
        for body in [
            b"".as_slice(),
            b"7",
            b"07\n",
            b"7\n\n",
            b"seven\n",
            b"\xff\n",
        ] {
            assert_eq!(step(409, body), Err(AnswerError::NoSize));
        }
        assert_eq!(step(422, b""), Err(AnswerError::Refused { status: 422 }));
        let other_head = format!("{}\n", key.cosign(&log.head(19), NOW_S).unwrap());
        assert!(matches!(
            step(200, other_head.as_bytes()),
            Err(AnswerError::Note(NoteError::BadSignature { .. }))
        ));
        let stranger = CosignerKey::from_seed("stranger.example", &[7; 32]).unwrap();
        let line = format!("{}\n", stranger.cosign(&log.head(20), NOW_S).unwrap());
        assert_eq!(
            step(200, line.as_bytes()),
            Err(AnswerError::Note(NoteError::Unverified))
        );
        assert!(step(200, b"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_parses_is_written_the_same(
            sizes in (1u64..40, 1u64..40),
            forked: bool,
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let (old, size) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
            let (log, fork) = (Log::honest(40), Log::branch(40, 0, "b"));
            let request = log.request(old, size).to_string();
            let evidence = Evidence::from_tree(&log.head(old), &fork.head(size), &fork.reader()).unwrap().unwrap();
            prop_assert_eq!(evidence.verify(ORIGIN, &log.keys()), Ok(Finding::Fork));
            let mut bytes = if forked { evidence.to_string() } else { request }.into_bytes();
            for _ in 0..2 {
                if let Ok(request) = AddCheckpoint::parse(&bytes) {
                    prop_assert_eq!(&request.to_string().into_bytes(), &bytes);
                }
                if let Ok(evidence) = Evidence::parse(&bytes) {
                    prop_assert_eq!(&evidence.to_string().into_bytes(), &bytes);
                }
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }

        #[test]
        fn a_witness_never_takes_back_what_it_cosigned(
            steps in prop::collection::vec((0u64..20, 0u64..20, any::<bool>()), 1..25),
        ) {
            let (log, fork) = (Log::honest(20), Log::branch(20, 6, "b"));
            let mut witness = witness();
            let mut heads: Vec<SignedCheckpoint> = Vec::new();
            for (old, size, forked) in steps {
                let branch = if forked { &fork } else { &log };
                let Ok(request) = AddCheckpoint::new(branch.head(size), old, &branch.reader()) else { continue };
                if let Ok(pending) = witness.add(request, NOW_S) {
                    heads.push(pending.persisted().head);
                }
            }
            for pair in heads.windows(2) {
                prop_assert!(pair[0].checkpoint().size() <= pair[1].checkpoint().size());
            }
            let on = |branch: &Log| {
                heads.iter().all(|head| branch.roots[head.checkpoint().size() as usize] == *head.checkpoint().root())
            };
            prop_assert!(on(&log) || on(&fork));
        }
    }
}
