//! Signed notes, their keys, checkpoints and cosignatures.

use crate::fixed::{Branch, NOW_S, ORIGIN, WITNESSES, log_key, log_keys, policy, witness_key};
use crate::{independent, refused, text};
use record::c2sp::checkpoint::{
    Checkpoint, CheckpointError, MAX_EXTENSION_LINES, SignedCheckpoint,
};
use record::c2sp::cosignature::{CosignerKey, MAX_TIMESTAMP_S, stated_time, verified_time};
use record::c2sp::note::{
    Algorithm, MAX_NAME_BYTES, MAX_SIGNATURES, Note, NoteError, Signature, SignerKey, VerifierKey,
    is_key_name,
};
use record::encoding::Hash;

/// A verifier key is written as it was read, and its id is the hash of what it names.
pub fn verifier_key(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match VerifierKey::parse(text) {
        Ok(key) => {
            assert_eq!(key.to_string(), text);
            let code = match key.algorithm() {
                Algorithm::Ed25519 => 1,
                Algorithm::CosignatureV1 => 4,
            };
            let hash = Hash::of(&[key.name().as_bytes(), &[b'\n', code], key.public_key()]);
            assert_eq!(key.id().to_be_bytes(), hash.0[..4]);
            assert!(is_key_name(key.name()) && key.name().len() <= MAX_NAME_BYTES);
            assert!(!key.verifies("text\n", &[0; 64]) && !key.verifies("text\n", &[0; 72]));
        }
        Err(error) => refused(&error),
    }
}

/// A signer key is written as it was read and signs for its public half; an error never shows it.
pub fn signer_key(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match SignerKey::parse(text) {
        Ok(key) => {
            assert_eq!(key.encode().as_str(), text);
            assert_eq!(
                VerifierKey::parse(&key.verifier().to_string()).as_ref(),
                Ok(key.verifier())
            );
            assert!(
                key.verifier()
                    .verifies("truce\n", key.sign("truce\n").bytes())
            );
            assert!(
                !key.verifier()
                    .verifies("war\n", key.sign("truce\n").bytes())
            );
            assert!(
                CosignerKey::parse(text).is_err(),
                "a log's key as a witness's"
            );
            hidden(text, &format!("{key:?}"));
        }
        Err(error) => {
            refused(&error);
            hidden(text, &error.to_string());
        }
    }
    match CosignerKey::parse(text) {
        Ok(key) => {
            assert_eq!(key.encode().as_str(), text);
            let head = Branch::honest().head(3);
            let line = key.cosign(head, NOW_S).expect("the time is plausible");
            assert_eq!(
                verified_time(key.verifier(), head.note().text(), line.bytes()),
                Some(NOW_S)
            );
        }
        Err(error) => refused(&error),
    }
}

fn hidden(key: &str, shown: &str) {
    let secret = key.rsplit('+').next().unwrap_or("");
    assert!(
        secret.len() < 20 || !shown.contains(secret),
        "the secret key is shown"
    );
}

/// A note is written as it was read, is its text and its signatures, and verifies only if it was signed.
pub fn note(bytes: &[u8]) {
    let note = match Note::parse(bytes) {
        Ok(note) => note,
        Err(error) => return refused(&error),
    };
    assert_eq!(note.to_string().as_bytes(), bytes);
    assert!((1..=MAX_SIGNATURES).contains(&note.signatures().len()));
    assert!(note.text().ends_with('\n') && !note.text().contains(|c: char| c < ' ' && c != '\n'));
    let again = Note::new(note.text(), note.signatures().to_vec());
    assert_eq!(again.as_ref(), Ok(&note));
    for signature in note.signatures() {
        assert_eq!(
            Signature::parse(&signature.to_string()).as_ref(),
            Ok(signature)
        );
        let parts = Signature::new(signature.name(), signature.id(), signature.bytes());
        assert_eq!(parts.as_ref(), Ok(signature));
    }
    let keys = log_keys();
    match note.verify(&keys) {
        Ok(verified) => {
            assert!(ours(note.text()), "nobody signed this");
            let only = note.only_by(&keys).expect("it was verified");
            assert_eq!(
                (only.text(), only.signatures().len()),
                (note.text(), verified.len())
            );
        }
        Err(error) => refused(&error),
    }
    check_added(note);
}

/// Any note can be signed by one more, up to its limit.
fn check_added(mut note: Note) {
    let key = SignerKey::from_seed("added.example", &[99; 32]).expect("it is a key name");
    let (before, line) = (note.clone(), key.sign(note.text()));
    match note.add(line) {
        Ok(()) => {
            assert_eq!(Note::parse(note.to_string().as_bytes()).as_ref(), Ok(&note));
            let keys = [key.verifier().clone()];
            assert!(note.verify(&keys).is_ok_and(|verified| verified.len() == 1));
        }
        Err(NoteError::TooManySignatures { .. } | NoteError::TooLong { .. }) => {
            assert_eq!(note, before)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Whether the log's key ever signed this text.
fn ours(text: &str) -> bool {
    Checkpoint::parse(text)
        .is_ok_and(|head| Branch::honest().had(&head) || Branch::fork().had(&head))
}

/// A checkpoint is written as it was read, says what its lines say, and verifies only if the log signed it.
pub fn checkpoint(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Checkpoint::parse(text) {
        Ok(head) => check_lines(text, &head),
        Err(error) => refused(&error),
    }
    match SignedCheckpoint::parse(bytes) {
        Ok(signed) => {
            assert_eq!(signed.to_string(), text);
            check_lines(signed.note().text(), signed.checkpoint());
            check_verified(&signed);
        }
        Err(error) => refused(&error),
    }
}

fn check_lines(text: &str, head: &Checkpoint) {
    assert_eq!(head.to_string(), text);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], head.origin());
    assert_eq!(independent::decimal(lines[1]), Some(head.size()));
    let root = lines[2]
        .strip_suffix('=')
        .and_then(|root| independent::base64(root, independent::STANDARD));
    assert_eq!(root.as_deref(), Some(head.root().0.as_slice()));
    assert_eq!(lines[3..], *head.extensions());
    assert!(head.extensions().len() <= MAX_EXTENSION_LINES);
    let again = Checkpoint::with_extensions(
        head.origin(),
        head.size(),
        *head.root(),
        head.extensions().to_vec(),
    );
    assert_eq!(again.as_ref(), Ok(head));
}

fn check_verified(signed: &SignedCheckpoint) {
    let keys = log_keys();
    match signed.verify(ORIGIN, &keys) {
        Ok(_) => assert!(ours(signed.note().text()), "the log never signed this"),
        Err(CheckpointError::OtherOrigin { found, .. }) => assert_ne!(found, ORIGIN),
        Err(error) => refused(&error),
    }
    assert!(signed.verify("other.example", &keys).is_err());
}

/// Only the policy's witnesses count, each once and at a time that it stated; and a further cosignature counts too.
pub fn cosignature(bytes: &[u8]) {
    if let Some(time) = stated_time(bytes) {
        assert!(time <= MAX_TIMESTAMP_S && bytes.len() == 72 && bytes[..8] == time.to_be_bytes());
    }
    let text = Branch::honest().head(5).note().text();
    assert_eq!(
        verified_time(log_key().verifier(), text, bytes),
        None,
        "a log's key made a cosignature"
    );
    let Ok(mut signed) = SignedCheckpoint::parse(bytes) else {
        return;
    };
    let policy = policy();
    match policy.cosigned(&signed) {
        Ok(cosigned) => {
            let names: Vec<&str> = cosigned
                .iter()
                .map(|found| found.witness.as_str())
                .collect();
            assert!(
                names.iter().all(|name| WITNESSES.contains(name)),
                "{names:?}"
            );
            assert!(names.len() < 2 || names[0] != names[1]);
            assert!(
                names.is_empty() || ours(signed.note().text()),
                "no witness cosigned this"
            );
            assert!(
                cosigned
                    .iter()
                    .all(|found| found.timestamp_s <= MAX_TIMESTAMP_S)
            );
            assert_eq!(policy.check(&signed).is_ok(), !cosigned.is_empty());
        }
        Err(error) => refused(&error),
    }
    let key = witness_key(0);
    let line = key.cosign(&signed, NOW_S).expect("the time is plausible");
    assert_eq!(
        verified_time(key.verifier(), signed.note().text(), line.bytes()),
        Some(NOW_S)
    );
    assert!(key.cosign(&signed, MAX_TIMESTAMP_S + 1).is_err());
    if signed.add(line).is_ok()
        && let Ok(cosigned) = policy.cosigned(&signed)
    {
        assert!(
            cosigned
                .iter()
                .any(|found| found.witness == WITNESSES[0] && found.timestamp_s == NOW_S)
        );
    }
}
