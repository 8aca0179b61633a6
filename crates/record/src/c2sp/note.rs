//! Signed notes (c2sp.org/signed-note) and their keys, as Go's `golang.org/x/mod/sumdb/note` writes them.
//!
//! A note is a text with signature lines. What the text says counts only once [`Note::verify`] has found a signature by a
//! key that the reader already trusts. Signatures by keys unknown to the reader are kept and ignored.

use super::cosignature;
use crate::encoding::{Hash, base64_std, from_base64_std};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use std::fmt;
use zeroize::Zeroizing;

/// The most signatures on one note. The specification asks for at least this many.
pub const MAX_SIGNATURES: usize = 16;
/// The longest note, in bytes, signatures included.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;
/// The longest key name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

const SIGNATURE_PREFIX: &str = "— ";
const PRIVATE_KEY_PREFIX: &str = "PRIVATE+KEY+";

/// Why a note cannot be read, signed or believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Larger than [`MAX_NOTE_BYTES`].
    #[error("the note has {bytes} bytes, above the limit of {MAX_NOTE_BYTES}")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the note is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// First byte that is not.
        at: usize,
    },
    /// A control character other than newline.
    #[error("control character at byte {at} of the note")]
    Control {
        /// Where it stands.
        at: usize,
    },
    /// No empty line between text and signatures.
    #[error("no empty line separates the text from the signatures")]
    NoBlankLine,
    /// The last line has no newline.
    #[error("the note does not end with a newline")]
    NotTerminated,
    /// The text is empty or its last line has no newline.
    #[error("the text does not end with a newline")]
    TextNotTerminated,
    /// A note has at least one signature.
    #[error("the note has no signature")]
    NoSignature,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has {count} signatures, above the limit of {MAX_SIGNATURES}")]
    TooManySignatures {
        /// How many.
        count: usize,
    },
    /// A signature line is malformed.
    #[error("signature line {line}: {what}")]
    SignatureLine {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Two different trusted keys share name and id, so that it is open which of them signed.
    #[error("two trusted keys are called {name}+{id:08x}")]
    AmbiguousKey {
        /// Name of both keys.
        name: String,
        /// Id of both keys.
        id: u32,
    },
    /// A trusted key's signature does not verify.
    #[error("the signature of {name}+{id:08x} is wrong")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        id: u32,
    },
    /// None of the trusted keys signed.
    #[error("no trusted key signed the note")]
    Unverified,
}

/// Why a key cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, too long, or has a space, a plus or a control character.
    #[error(
        "not a key name: empty, above {MAX_NAME_BYTES} bytes, or with a space, a plus or a control character"
    )]
    Name,
    /// The text has another form than its kind of key asks for.
    #[error("not a key: {what}")]
    Format {
        /// Which part is wrong.
        what: &'static str,
    },
    /// The signature type is not one that is used here.
    #[error("signature type {code:#04x} is not expected here")]
    Algorithm {
        /// The type byte.
        code: u8,
    },
    /// The id is not that of this name and key.
    #[error(
        "the key id {given:08x} does not belong to this name and key, which have {expected:08x}"
    )]
    Id {
        /// The id in the text.
        given: u32,
        /// The id that name and key have.
        expected: u32,
    },
    /// Not a point of the curve, or one of small order, under which anything verifies.
    #[error("not a usable Ed25519 public key")]
    Weak,
}

/// Signature types of notes that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519 over the note's text, type `0x01`.
    Ed25519,
    /// Ed25519 witness cosignature with a timestamp, type `0x04` (c2sp.org/tlog-cosignature).
    CosignatureV1,
}

impl Algorithm {
    /// The signature type identifier byte.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    fn from_code(code: u8) -> Result<Self, KeyError> {
        match code {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::CosignatureV1),
            code => Err(KeyError::Algorithm { code }),
        }
    }
}

/// Whether `name` may name a key: not empty, no Unicode space, no plus, no control character.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    let usable = |c: char| !c.is_whitespace() && c != '+' && c >= ' ';
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(usable)
}

/// The id of a key: the first four bytes of SHA-256 over name, newline, signature type and public key.
#[must_use]
pub fn key_id(name: &str, algorithm: Algorithm, public_key: &[u8; 32]) -> u32 {
    let hash = Hash::of(&[name.as_bytes(), b"\n", &[algorithm.code()], public_key]);
    let [a, b, c, d, ..] = hash.0;
    u32::from_be_bytes([a, b, c, d])
}

/// A public key under its name: `name+id+base64`, the *vkey* of the specifications.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    id: u32,
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`KeyError::Name`] or [`KeyError::Weak`].
    pub fn new(name: &str, algorithm: Algorithm, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| KeyError::Weak)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, algorithm, public_key),
            algorithm,
            key,
        })
    }

    /// Reads `name+id+base64`; the id is eight lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, given, algorithm, public_key) = parse_key(text)?;
        let key = Self::new(name, algorithm, &public_key)?;
        if key.id != given {
            return Err(KeyError::Id {
                given,
                expected: key.id,
            });
        }
        Ok(key)
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What its signatures cover.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` (without the key id) is this key's over the note text `text`.
    #[must_use]
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => self.verifies_message(text.as_bytes(), signature),
            Algorithm::CosignatureV1 => cosignature::verified_time(self, text, signature).is_some(),
        }
    }

    /// Strict Ed25519 over exactly `message`.
    pub(super) fn verifies_message(&self, message: &[u8], signature: &[u8]) -> bool {
        <&[u8; 64]>::try_from(signature).is_ok_and(|bytes| {
            let signature = ed25519_dalek::Signature::from_bytes(bytes);
            self.key.verify_strict(message, &signature).is_ok()
        })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 33];
        bytes[0] = self.algorithm.code();
        bytes[1..].copy_from_slice(self.public_key());
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64_std(&bytes))
    }
}

/// Splits `name+id+base64` into name, id, signature type and the 32 bytes of the key.
fn parse_key(text: &str) -> Result<(&str, u32, Algorithm, [u8; 32]), KeyError> {
    let wrong = |what| KeyError::Format { what };
    if text.len() > MAX_NAME_BYTES + 64 {
        return Err(wrong("too long"));
    }
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong("it is not name+id+base64"));
    };
    let hex_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if id.len() != 8 || !id.bytes().all(hex_digit) {
        return Err(wrong("the id is not eight lower-case hexadecimal digits"));
    }
    let id =
        u32::from_str_radix(id, 16).map_err(|_| wrong("the id is not eight hexadecimal digits"))?;
    let bytes =
        Zeroizing::new(from_base64_std(key).map_err(|_| wrong("the key is not canonical base64"))?);
    let (code, key) = bytes.split_first().ok_or(wrong("the key is empty"))?;
    let algorithm = Algorithm::from_code(*code)?;
    let key = key
        .try_into()
        .map_err(|_| wrong("the key does not have 32 bytes"))?;
    Ok((name, id, algorithm, key))
}

/// A private key under its name. The bytes are wiped from memory when it is dropped.
pub(super) struct PrivateKey {
    signing: SigningKey,
    public: VerifierKey,
}

impl PrivateKey {
    pub(super) fn from_seed(
        name: &str,
        algorithm: Algorithm,
        seed: &[u8; 32],
    ) -> Result<Self, KeyError> {
        let signing = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, algorithm, signing.verifying_key().as_bytes())?;
        Ok(Self { signing, public })
    }

    pub(super) fn parse(text: &str, algorithm: Algorithm) -> Result<Self, KeyError> {
        let wrong = KeyError::Format {
            what: "it does not begin with PRIVATE+KEY+",
        };
        let (name, given, found, seed) =
            parse_key(text.strip_prefix(PRIVATE_KEY_PREFIX).ok_or(wrong)?)?;
        let seed = Zeroizing::new(seed);
        if found != algorithm {
            return Err(KeyError::Algorithm { code: found.code() });
        }
        let key = Self::from_seed(name, algorithm, &seed)?;
        if key.public.id != given {
            return Err(KeyError::Id {
                given,
                expected: key.public.id,
            });
        }
        Ok(key)
    }

    pub(super) fn encode(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 33]);
        bytes[0] = self.public.algorithm.code();
        bytes[1..].copy_from_slice(self.signing.as_bytes());
        let key = Zeroizing::new(base64_std(bytes.as_slice()));
        Zeroizing::new(format!(
            "{PRIVATE_KEY_PREFIX}{}+{:08x}+{}",
            self.public.name,
            self.public.id,
            key.as_str()
        ))
    }

    pub(super) fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

/// A key that signs notes: a log's. Witnesses sign with [`cosignature::CosignerKey`].
pub struct SignerKey(PrivateKey);

impl SignerKey {
    /// The key that 32 secret random bytes make.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        PrivateKey::from_seed(name, Algorithm::Ed25519, seed).map(Self)
    }

    /// Reads Go's `PRIVATE+KEY+name+id+base64`.
    ///
    /// # Errors
    /// [`KeyError`] says which part is wrong; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        PrivateKey::parse(text, Algorithm::Ed25519).map(Self)
    }

    /// Writes the key as [`SignerKey::parse`] reads it. It is secret; the text is wiped when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<String> {
        self.0.encode()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.0.public()
    }

    /// Signs a note text.
    #[must_use]
    pub fn sign(&self, text: &str) -> Signature {
        let key = self.verifier();
        Signature {
            name: key.name.clone(),
            id: key.id,
            bytes: self.0.sign(text.as_bytes()).to_vec(),
        }
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier())
    }
}

/// One signature line: who, which key, and the signature itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    /// A signature by the key `name` with `id`; `bytes` leave out the id.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`] for a name that is none, or no bytes.
    pub fn new(name: &str, id: u32, bytes: &[u8]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::SignatureLine {
                line: 1,
                what: "not a key name",
            });
        }
        if bytes.is_empty() {
            return Err(NoteError::SignatureLine {
                line: 1,
                what: "the signature is empty",
            });
        }
        Ok(Self {
            name: name.to_owned(),
            id,
            bytes: bytes.to_vec(),
        })
    }

    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`] for line 1.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        Self::parse_line(1, line)
    }

    /// Reads one or more lines, each with its newline, as a witness answers.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`], [`NoteError::NotTerminated`], [`NoteError::NoSignature`] or
    /// [`NoteError::TooManySignatures`].
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        if text.is_empty() {
            return Err(NoteError::NoSignature);
        }
        let lines = text.strip_suffix('\n').ok_or(NoteError::NotTerminated)?;
        let count = lines.split('\n').count();
        if count > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { count });
        }
        lines
            .split('\n')
            .zip(1..)
            .map(|(line, number)| Self::parse_line(number, line))
            .collect()
    }

    fn parse_line(line: usize, text: &str) -> Result<Self, NoteError> {
        let wrong = |what| NoteError::SignatureLine { line, what };
        let rest = text
            .strip_prefix(SIGNATURE_PREFIX)
            .ok_or(wrong("it does not begin with an em dash and a space"))?;
        let (name, bytes) = rest
            .split_once(' ')
            .ok_or(wrong("no space after the key name"))?;
        if !is_key_name(name) {
            return Err(wrong("not a key name"));
        }
        let bytes =
            from_base64_std(bytes).map_err(|_| wrong("the signature is not canonical base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, bytes)) if !bytes.is_empty() => Ok(Self {
                name: name.to_owned(),
                id: u32::from_be_bytes(*id),
                bytes: bytes.to_vec(),
            }),
            _ => Err(wrong("the signature is too short")),
        }
    }

    /// Name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of that key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The signature, without the id.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn is_by_the_key_of(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }
}

/// The line without its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.to_be_bytes().as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, base64_std(&bytes))
    }
}

/// A signature of a note that has been verified, and the trusted key that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The key, as the reader trusts it.
    pub key: &'a VerifierKey,
    /// The signature line.
    pub signature: &'a Signature,
}

/// A text and its signatures, at least one. Nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Reads a signed note. What parses is written to the same bytes again.
    ///
    /// # Errors
    /// [`NoteError`] says what is malformed and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let note = checked_text(bytes)?;
        let split = note.rfind("\n\n").ok_or(NoteError::NoBlankLine)?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        Ok(Self {
            text: text.to_owned(),
            signatures: Signature::parse_lines(signatures)?,
        })
    }

    /// A note from its parts.
    ///
    /// # Errors
    /// [`NoteError`] when the text is not a note text, or for no or too many signatures.
    pub fn new(text: &str, signatures: Vec<Signature>) -> Result<Self, NoteError> {
        checked_text(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(NoteError::TextNotTerminated);
        }
        match signatures.len() {
            0 => return Err(NoteError::NoSignature),
            1..=MAX_SIGNATURES => {}
            count => return Err(NoteError::TooManySignatures { count }),
        }
        let note = Self {
            text: text.to_owned(),
            signatures,
        };
        let bytes = note.to_string().len();
        if bytes > MAX_NOTE_BYTES {
            Err(NoteError::TooLong { bytes })
        } else {
            Ok(note)
        }
    }

    /// Signs `text`, which ends with a newline, by each of `signers`.
    ///
    /// # Errors
    /// As [`Note::new`].
    pub fn sign(text: &str, signers: &[&SignerKey]) -> Result<Self, NoteError> {
        Self::new(
            text,
            signers.iter().map(|signer| signer.sign(text)).collect(),
        )
    }

    /// Adds a signature at the end; one by the same key gives way to it.
    ///
    /// # Errors
    /// [`NoteError::TooManySignatures`] or [`NoteError::TooLong`]; the note is then unchanged.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        let mut signatures = self.signatures.clone();
        signatures.retain(|known| !known.is_by_the_key_of(&signature));
        signatures.push(signature);
        *self = Self::new(&self.text, signatures)?;
        Ok(())
    }

    /// The text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, known or not, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The signatures by `trusted` keys, each of which is checked. Signatures by other keys are ignored. Of several by the
    /// same key the first counts and the others are ignored, as in Go.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a trusted key's signature is wrong, [`NoteError::AmbiguousKey`],
    /// [`NoteError::Unverified`] when there is none by a trusted key.
    pub fn verify<'a>(
        &'a self,
        trusted: &'a [VerifierKey],
    ) -> Result<Vec<Verified<'a>>, NoteError> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let (name, id) = (&signature.name, signature.id);
            let mut keys = trusted
                .iter()
                .filter(|key| key.id == id && key.name == *name);
            let Some(key) = keys.next() else { continue };
            if keys.any(|other| other != key) {
                return Err(NoteError::AmbiguousKey {
                    name: name.clone(),
                    id,
                });
            }
            if verified.iter().any(|earlier| earlier.key == key) {
                continue;
            }
            if !key.verifies(&self.text, &signature.bytes) {
                return Err(NoteError::BadSignature {
                    name: name.clone(),
                    id,
                });
            }
            verified.push(Verified { key, signature });
        }
        if verified.is_empty() {
            Err(NoteError::Unverified)
        } else {
            Ok(verified)
        }
    }

    /// The note with only the signatures by `trusted` keys, all of them verified: what is worth keeping.
    ///
    /// # Errors
    /// As [`Note::verify`].
    pub fn only_by(&self, trusted: &[VerifierKey]) -> Result<Self, NoteError> {
        let signatures = self
            .verify(trusted)?
            .into_iter()
            .map(|verified| verified.signature.clone())
            .collect();
        Ok(Self {
            text: self.text.clone(),
            signatures,
        })
    }
}

/// The note as [`Note::parse`] reads it.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// `bytes` as text within the limits of a note: length, UTF-8, no control characters but newline.
fn checked_text(bytes: &[u8]) -> Result<&str, NoteError> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong { bytes: bytes.len() });
    }
    let text = str::from_utf8(bytes).map_err(|error| NoteError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    match bytes.iter().position(|byte| *byte < b' ' && *byte != b'\n') {
        Some(at) => Err(NoteError::Control { at }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Vectors of golang.org/x/mod/sumdb/note, by Peter Neumann and Enoch Root.
    const GO_PRIVATE: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer(name: &str, seed: u8) -> SignerKey {
        SignerKey::from_seed(name, &[seed; 32]).unwrap()
    }

    #[test]
    fn a_note_signed_by_go_verifies_and_is_signed_alike() {
        let note = Note::parse(GO_NOTE.as_bytes()).unwrap();
        let key = VerifierKey::parse(GO_PUBLIC).unwrap();
        let keys = [key];
        assert_eq!(note.verify(&keys).unwrap()[0].key.name(), "PeterNeumann");
        let signer = SignerKey::parse(GO_PRIVATE).unwrap();
        assert_eq!(
            Note::sign(note.text(), &[&signer]).unwrap().to_string(),
            GO_NOTE
        );
        assert_eq!(signer.verifier().to_string(), GO_PUBLIC);
        assert_eq!(signer.encode().as_str(), GO_PRIVATE);
        assert_eq!(format!("{signer:?}"), format!("SignerKey({GO_PUBLIC})"));
    }

    #[test]
    fn the_text_ends_at_the_last_empty_line() {
        let signer = signer("a", 1);
        for text in [
            "\n",
            "\n\n",
            "a\n",
            "a\n\n",
            "a\n\nb\n",
            "\na\n",
            "— a AAAAAAA=\n",
        ] {
            let note = Note::sign(text, &[&signer]).unwrap();
            assert_eq!(
                Note::parse(note.to_string().as_bytes()).unwrap().text(),
                text
            );
        }
    }

    #[test]
    fn malformed_notes_are_refused_and_say_where() {
        use NoteError as E;
        let line = |what| E::SignatureLine { line: 1, what };
        let cases: Vec<(Vec<u8>, NoteError)> = vec![
            (b"".to_vec(), E::NoBlankLine),
            (b"a\n".to_vec(), E::NoBlankLine),
            ("a\n— a AAAAAAA=\n".into(), E::NoBlankLine),
            ("\n— a AAAAAAA=\n".into(), E::NoBlankLine),
            ("a\r\n\r\n— a AAAAAAA=\r\n".into(), E::Control { at: 1 }),
            ("a\tb\n\n— a AAAAAAA=\n".into(), E::Control { at: 1 }),
            ("a\0\n\n— a AAAAAAA=\n".into(), E::Control { at: 1 }),
            (b"a\xff\n\n".to_vec(), E::NotUtf8 { at: 1 }),
            (b"a\n\n".to_vec(), E::NoSignature),
            ("a\n\n— a AAAAAAA=".into(), E::NotTerminated),
            ("a\n\n— a AAAAAAA=\n\n".into(), E::NoSignature),
            ("a\n\n— a AAAAAAA=\ntrailing".into(), E::NotTerminated),
            (
                "a\n\n— a AAAAAAA=\ntrailing\n".into(),
                E::SignatureLine {
                    line: 2,
                    what: "it does not begin with an em dash and a space",
                },
            ),
            (
                "a\n\n\n— a AAAAAAA=\n\nb\n".into(),
                line("it does not begin with an em dash and a space"),
            ),
            (
                "a\n\n- a AAAAAAA=\n".into(),
                line("it does not begin with an em dash and a space"),
            ),
            (
                "a\n\n—a AAAAAAA=\n".into(),
                line("it does not begin with an em dash and a space"),
            ),
            (
                "a\n\n— aAAAAAAA=\n".into(),
                line("no space after the key name"),
            ),
            ("a\n\n—  AAAAAAA=\n".into(), line("not a key name")),
            ("a\n\n— a+b AAAAAAA=\n".into(), line("not a key name")),
            ("a\n\n— a\u{a0}b AAAAAAA=\n".into(), line("not a key name")),
            (
                "a\n\n— a  AAAAAAA=\n".into(),
                line("the signature is not canonical base64"),
            ),
            (
                "a\n\n— a AAAAAAA= \n".into(),
                line("the signature is not canonical base64"),
            ),
            (
                "a\n\n— a AAAAAAB=\n".into(),
                line("the signature is not canonical base64"),
            ),
            (
                "a\n\n— a AAAAAAA\n".into(),
                line("the signature is not canonical base64"),
            ),
            (
                "a\n\n— a AAAAAA-=\n".into(),
                line("the signature is not canonical base64"),
            ),
            (
                "a\n\n— a AAAAAA==\n".into(),
                line("the signature is too short"),
            ),
            ("a\n\n— a \n".into(), line("the signature is too short")),
        ];
        for (bytes, error) in cases {
            assert_eq!(
                Note::parse(&bytes),
                Err(error),
                "{:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        let long = vec![b'a'; MAX_NOTE_BYTES + 1];
        assert_eq!(
            Note::parse(&long),
            Err(E::TooLong {
                bytes: MAX_NOTE_BYTES + 1
            })
        );
    }

    #[test]
    fn sixteen_signatures_are_read_and_seventeen_refused() {
        let line = "— a AAAAAAA=\n";
        assert_eq!(
            Note::parse(format!("a\n\n{}", line.repeat(16)).as_bytes())
                .unwrap()
                .signatures()
                .len(),
            16
        );
        let error = NoteError::TooManySignatures { count: 17 };
        assert_eq!(
            Note::parse(format!("a\n\n{}", line.repeat(17)).as_bytes()),
            Err(error.clone())
        );
        let mut note = Note::sign("a\n", &[&signer("a", 1)]).unwrap();
        for seed in 2..=16 {
            note.add(signer("a", seed).sign("a\n")).unwrap();
        }
        assert_eq!(note.add(signer("a", 17).sign("a\n")), Err(error));
        assert_eq!(note.signatures().len(), 16);
        note.add(signer("a", 16).sign("a\n")).unwrap();
    }

    #[test]
    fn a_text_that_is_no_note_text_is_not_signed() {
        let signer = signer("a", 1);
        for text in ["", "a", "a\nb", "a\r\n", "a\u{1}\n"] {
            assert!(Note::sign(text, &[&signer]).is_err(), "{text:?}");
        }
        assert_eq!(Note::sign("a\n", &[]), Err(NoteError::NoSignature));
    }

    #[test]
    fn unknown_signatures_are_kept_and_ignored() {
        let (known, stranger, namesake) =
            (signer("log", 1), signer("stranger", 2), signer("log", 3));
        let note = Note::sign("a\n", &[&stranger, &namesake, &known]).unwrap();
        let keys = [known.verifier().clone()];
        assert_eq!(note.verify(&keys).unwrap().len(), 1);
        assert_eq!(note.signatures().len(), 3);
        assert_eq!(note.only_by(&keys).unwrap().signatures().len(), 1);
        assert_eq!(note.verify(&[]), Err(NoteError::Unverified));
        assert_eq!(
            Note::sign("a\n", &[&stranger]).unwrap().verify(&keys),
            Err(NoteError::Unverified)
        );
    }

    #[test]
    fn one_wrong_signature_of_a_trusted_key_refuses_the_note() {
        let (one, two) = (signer("one", 1), signer("two", 2));
        let wrong = two.sign("other\n");
        let note = Note::new("a\n", vec![one.sign("a\n"), wrong]).unwrap();
        let keys = [one.verifier().clone(), two.verifier().clone()];
        let id = two.verifier().id();
        assert_eq!(
            note.verify(&keys),
            Err(NoteError::BadSignature {
                name: "two".to_owned(),
                id
            })
        );
        assert!(note.verify(&keys[..1]).is_ok());
        let short = Note::new("a\n", vec![Signature::new("two", id, &[0; 63]).unwrap()]).unwrap();
        assert!(matches!(
            short.verify(&keys),
            Err(NoteError::BadSignature { .. })
        ));
    }

    #[test]
    fn of_two_signatures_by_one_key_the_first_counts() {
        let one = signer("one", 1);
        let keys = [one.verifier().clone()];
        let good_first = Note::new("a\n", vec![one.sign("a\n"), one.sign("b\n")]).unwrap();
        assert_eq!(good_first.verify(&keys).unwrap().len(), 1);
        let bad_first = Note::new("a\n", vec![one.sign("b\n"), one.sign("a\n")]).unwrap();
        assert!(matches!(
            bad_first.verify(&keys),
            Err(NoteError::BadSignature { .. })
        ));
        let twice_trusted = [keys[0].clone(), keys[0].clone()];
        assert_eq!(good_first.verify(&twice_trusted).unwrap().len(), 1);
    }

    #[test]
    fn two_trusted_keys_of_one_name_and_id_are_ambiguous() {
        // Found by trying seeds: an id has only 32 bits.
        let [one, two] = [32_003u32, 82_289].map(|number| {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&number.to_be_bytes());
            SignerKey::from_seed("log", &seed).unwrap()
        });
        assert_eq!(
            (one.verifier().id(), two.verifier().id()),
            (0xf526_4223, 0xf526_4223)
        );
        let note = Note::sign("a\n", &[&one]).unwrap();
        let keys = [one.verifier().clone(), two.verifier().clone()];
        let error = NoteError::AmbiguousKey {
            name: "log".to_owned(),
            id: 0xf526_4223,
        };
        assert_eq!(note.verify(&keys), Err(error));
        assert!(matches!(
            note.verify(&keys[1..]),
            Err(NoteError::BadSignature { .. })
        ));
    }

    #[test]
    fn malformed_keys_are_refused() {
        let name = "a".repeat(MAX_NAME_BYTES + 1);
        for text in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+0c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
            "PeterNeumann+c74f20a3+",
            GO_PRIVATE,
        ] {
            assert!(VerifierKey::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            VerifierKey::new(&name, Algorithm::Ed25519, &[1; 32]),
            Err(KeyError::Name)
        );
        let key = *signer("a", 1).verifier().public_key();
        for name in ["", "a b", "a+b", "a\u{1}b", "a\nb", "a\u{2003}b"] {
            assert_eq!(
                VerifierKey::new(name, Algorithm::Ed25519, &key),
                Err(KeyError::Name)
            );
            assert!(Signature::new(name, 1, &[1]).is_err());
        }
        assert!(SignerKey::parse(GO_PUBLIC).is_err());
        assert!(SignerKey::parse(&GO_PRIVATE.replace("c74f20a3", "c74f20a4")).is_err());
    }

    #[test]
    fn weak_public_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for weak in [[0; 32], identity] {
            assert_eq!(
                VerifierKey::new("a", Algorithm::Ed25519, &weak),
                Err(KeyError::Weak)
            );
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_written_the_same(
            text in "([a-z \u{e9}\u{2014}]{0,5}\n){1,4}",
            at in any::<prop::sample::Index>(),
            byte: u8,
            seed: u8,
        ) {
            let note = Note::sign(&text, &[&signer("one", seed), &signer("two", 1)]).unwrap();
            let mut bytes = note.to_string().into_bytes();
            prop_assert_eq!(Note::parse(&bytes).unwrap(), note);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(note) = Note::parse(&bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
        }

        #[test]
        fn no_bytes_make_the_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            let _ = Note::parse(&bytes);
            let _ = VerifierKey::parse(&text);
            let _ = SignerKey::parse(&text);
            let _ = Signature::parse(&text);
        }

        #[test]
        fn a_key_has_one_text(seed: [u8; 32], name in "[a-z./]{1,20}") {
            let signer = SignerKey::from_seed(&name, &seed).unwrap();
            let vkey = signer.verifier().to_string();
            prop_assert_eq!(&VerifierKey::parse(&vkey).unwrap(), signer.verifier());
            prop_assert_eq!(SignerKey::parse(&signer.encode()).unwrap().encode(), signer.encode());
        }
    }
}
