//! Checkpoints (c2sp.org/tlog-checkpoint): the head of a log as the text of a signed note.

use super::note::{Note, NoteError, Signature, SignerKey, Verified, VerifierKey};
use super::{hash_text, parse_decimal, parse_hash};
use crate::encoding::Hash;
use std::fmt;

/// The longest origin, in bytes.
pub const MAX_ORIGIN_BYTES: usize = 255;
/// The most extension lines that a checkpoint may carry.
pub const MAX_EXTENSION_LINES: usize = 16;

/// Why a checkpoint cannot be read or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The origin line is empty, too long or has a control character.
    #[error("the origin is empty, above {MAX_ORIGIN_BYTES} bytes or has a control character")]
    Origin,
    /// The second line is not a tree size.
    #[error("the tree size is not a decimal number of 64 bits without leading zeros")]
    Size,
    /// The third line is not a root hash.
    #[error("the root hash is not 32 bytes in canonical base64")]
    Root,
    /// An extension line is empty or has a control character, or there are too many.
    #[error(
        "extension line {line} is empty, has a control character or is beyond {MAX_EXTENSION_LINES}"
    )]
    Extension {
        /// Its number, from 1.
        line: usize,
    },
    /// Fewer than three lines, or no newline at the end.
    #[error("a checkpoint has at least three lines, each with a newline at its end")]
    Lines,
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {found}, not of {expected}")]
    OtherOrigin {
        /// The origin asked for.
        expected: String,
        /// The origin it states.
        found: String,
    },
    /// The note around it is malformed or not signed by a trusted key.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A tree head: which log, how many leaves, which root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// The head of the log `origin` at `size` leaves, without extension lines.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        Self::with_extensions(origin, size, root, Vec::new())
    }

    /// As [`Checkpoint::new`], with extension lines. The specification advises against them: no monitor audits them.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`] or [`CheckpointError::Extension`].
    pub fn with_extensions(
        origin: &str,
        size: u64,
        root: Hash,
        extensions: Vec<String>,
    ) -> Result<Self, CheckpointError> {
        if !is_line(origin) || origin.len() > MAX_ORIGIN_BYTES {
            return Err(CheckpointError::Origin);
        }
        for (extension, line) in extensions.iter().zip(1..) {
            if !is_line(extension) || line > MAX_EXTENSION_LINES {
                return Err(CheckpointError::Extension { line });
            }
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }

    /// Reads a checkpoint text. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`CheckpointError`] says which line is wrong.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(CheckpointError::Lines)?
            .split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = parse_decimal(size).ok_or(CheckpointError::Size)?;
        let root = parse_hash(root).ok_or(CheckpointError::Root)?;
        let extensions = lines
            .take(MAX_EXTENSION_LINES + 1)
            .map(str::to_owned)
            .collect();
        Self::with_extensions(origin, size, root, extensions)
    }

    /// The unique name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines after the third, without their newlines.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Whether both state the same tree: origin, size and root.
    #[must_use]
    pub fn same_tree(&self, other: &Self) -> bool {
        self.size == other.size && self.root == other.root && self.origin == other.origin
    }
}

/// The text as [`Checkpoint::parse`] reads it.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            hash_text(&self.root)
        )?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte >= b' ')
}

/// A checkpoint in its signed note. Nothing about it is verified until [`SignedCheckpoint::verify`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a note whose text is a checkpoint. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`CheckpointError`] says what is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::from_note(Note::parse(bytes)?)
    }

    /// The checkpoint that is the text of `note`.
    ///
    /// # Errors
    /// [`CheckpointError`] when the text is no checkpoint.
    pub fn from_note(note: Note) -> Result<Self, CheckpointError> {
        Ok(Self {
            checkpoint: Checkpoint::parse(note.text())?,
            note,
        })
    }

    /// Signs a checkpoint by the log's key, or by two of them while the log changes its key.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] for no or too many signers.
    pub fn sign(checkpoint: Checkpoint, signers: &[&SignerKey]) -> Result<Self, CheckpointError> {
        let note = Note::sign(&checkpoint.to_string(), signers)?;
        Ok(Self { checkpoint, note })
    }

    /// Checks that this is a head of the log `origin`, signed by at least one of the log's keys. Every signature by one of
    /// them has to be right.
    ///
    /// # Errors
    /// [`CheckpointError::OtherOrigin`] or [`CheckpointError::Note`].
    pub fn verify<'a>(
        &'a self,
        origin: &str,
        log_keys: &'a [VerifierKey],
    ) -> Result<Vec<Verified<'a>>, CheckpointError> {
        if self.checkpoint.origin != origin {
            let found = self.checkpoint.origin.clone();
            return Err(CheckpointError::OtherOrigin {
                expected: origin.to_owned(),
                found,
            });
        }
        Ok(self.note.verify(log_keys)?)
    }

    /// The checkpoint with only the signatures by `trusted` keys, all of them verified.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] when none of the keys signed, or one of them wrongly.
    pub fn only_by(&self, trusted: &[VerifierKey]) -> Result<Self, CheckpointError> {
        Ok(Self {
            checkpoint: self.checkpoint.clone(),
            note: self.note.only_by(trusted)?,
        })
    }

    /// Adds a signature, such as a cosignature; one by the same key gives way to it.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] when the note would have too many.
    pub fn add(&mut self, signature: Signature) -> Result<(), CheckpointError> {
        Ok(self.note.add(signature)?)
    }

    /// What the note states.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note itself.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// The note as [`SignedCheckpoint::parse`] reads it.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn signer(name: &str, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, &[seed; 32]).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!(
            (checkpoint.origin(), checkpoint.size()),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.to_string(), EXAMPLE);
        let extended = format!("{EXAMPLE}one\ntwo\n");
        let checkpoint = Checkpoint::parse(&extended).unwrap();
        assert_eq!(checkpoint.extensions(), ["one", "two"]);
        assert_eq!(checkpoint.to_string(), extended);
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        use CheckpointError as E;
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for (text, error) in [
            (String::new(), E::Lines),
            ("a\n1\n".to_owned(), E::Lines),
            (format!("a\n1\n{root}"), E::Lines),
            (format!("\n1\n{root}\n"), E::Origin),
            (format!("a\tb\n1\n{root}\n"), E::Origin),
            (format!("{}\n1\n{root}\n", "a".repeat(256)), E::Origin),
            (format!("a\n\n{root}\n"), E::Size),
            (format!("a\n01\n{root}\n"), E::Size),
            (format!("a\n+1\n{root}\n"), E::Size),
            (format!("a\n 1\n{root}\n"), E::Size),
            (format!("a\n-1\n{root}\n"), E::Size),
            (format!("a\n1e3\n{root}\n"), E::Size),
            (format!("a\n18446744073709551616\n{root}\n"), E::Size),
            ("a\n1\n\n".to_owned(), E::Root),
            ("a\n1\nAAAA\n".to_owned(), E::Root),
            (format!("a\n1\n{} \n", root), E::Root),
            (format!("a\n1\n{}\n", root.replace("I=", "J=")), E::Root),
            (format!("a\n1\n{}\n", root.replace('/', "_")), E::Root),
            (format!("a\n1\n{root}\n\n"), E::Extension { line: 1 }),
            (format!("a\n1\n{root}\nx\n\ny\n"), E::Extension { line: 2 }),
            (
                format!("a\n1\n{root}\n{}", "x\n".repeat(17)),
                E::Extension { line: 17 },
            ),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
        assert_eq!(Checkpoint::new("a\nb", 1, Hash([0; 32])), Err(E::Origin));
    }

    #[test]
    fn during_a_change_of_key_either_key_verifies() {
        let (old, new, other) = (signer("log", 1), signer("log", 2), signer("log", 3));
        let keys = |signers: &[&SignerKey]| {
            signers
                .iter()
                .map(|key| key.verifier().clone())
                .collect::<Vec<_>>()
        };
        let checkpoint = Checkpoint::new("log", 1, Hash([1; 32])).unwrap();
        let signed = SignedCheckpoint::sign(checkpoint, &[&old, &new]).unwrap();
        assert_eq!(signed.verify("log", &keys(&[&old])).unwrap().len(), 1);
        assert_eq!(signed.verify("log", &keys(&[&new])).unwrap().len(), 1);
        assert_eq!(
            signed
                .verify("log", &keys(&[&old, &new, &other]))
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            signed.verify("log", &keys(&[&other])),
            Err(NoteError::Unverified.into())
        );
    }

    #[test]
    fn a_head_of_another_log_is_refused_even_when_signed_by_a_trusted_key() {
        let key = signer("log", 1);
        let signed =
            SignedCheckpoint::sign(Checkpoint::new("b", 1, Hash([1; 32])).unwrap(), &[&key])
                .unwrap();
        let keys = [key.verifier().clone()];
        assert!(matches!(
            signed.verify("a", &keys),
            Err(CheckpointError::OtherOrigin { .. })
        ));
        assert!(signed.verify("b", &keys).is_ok());
    }

    proptest! {
        #[test]
        fn what_parses_is_written_the_same(
            origin in "[a-z /\u{e9}]{1,10}",
            size: u64,
            root: [u8; 32],
            extensions in prop::collection::vec("[a-z ]{1,5}", 0..3),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let checkpoint = Checkpoint::with_extensions(&origin, size, Hash(root), extensions).unwrap();
            let signed = SignedCheckpoint::sign(checkpoint, &[&signer("log", 1)]).unwrap();
            let mut bytes = signed.to_string().into_bytes();
            prop_assert_eq!(SignedCheckpoint::parse(&bytes).unwrap(), signed);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(signed) = SignedCheckpoint::parse(&bytes) {
                prop_assert_eq!(signed.to_string().into_bytes(), bytes);
                prop_assert_eq!(signed.checkpoint().to_string(), signed.note().text());
            }
        }
    }
}
