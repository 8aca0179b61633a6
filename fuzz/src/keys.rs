//! Keys of authors, and which of them could say what at which index.

use crate::fixed::{NOW, secret};
use crate::{refused, text};
use record::json;
use record::key::{Algorithm, PublicKey, SecretKey};
use record::keyring::KeyRing;
use record::name::LogId;
use record::statement::{Kid, Kind, Leaf, Statement};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Most control statements of one input.
const LINES_MAX: usize = 24;

/// A public key is written as it was read, and has no private part.
pub fn jwk(bytes: &[u8]) {
    let Ok(value) = json::parse(bytes) else {
        return;
    };
    match PublicKey::from_jwk(&value) {
        Ok(key) => {
            assert_eq!(key.to_jwk(), value);
            assert!(value.get("d").is_none());
            let algorithm = if value["kty"] == "OKP" {
                Algorithm::EdDsa
            } else {
                Algorithm::Es256
            };
            assert_eq!(key.algorithm(), algorithm);
            // No signature of nothing verifies.
            assert!(key.verify(b"", &[0; 64]).is_err());
            assert!(
                key.verify(b"truce", &secret(algorithm, 3).sign(b"war"))
                    .is_err()
            );
        }
        Err(error) => refused(&error),
    }
}

/// A key file holds a key that signs for its public part, and never shows up in an error.
pub fn key_file(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match SecretKey::from_file(text) {
        Ok(key) => {
            let written = key.to_file();
            let again = SecretKey::from_file(&written).expect("what was written is read");
            assert_eq!((again.seed(), again.public()), (key.seed(), key.public()));
            assert_eq!(again.to_file(), written);
            let signature = key.sign(b"truce");
            assert_eq!(key.public().verify(b"truce", &signature), Ok(()));
            assert!(key.public().verify(b"war", &signature).is_err());
            let private = record::encoding::base64url(&*key.seed());
            assert!(!format!("{key:?}").contains(&private));
        }
        Err(error) => {
            refused(&error);
            let other: Option<Value> = serde_json::from_str(text).ok();
            let private = other.as_ref().and_then(|other| other["d"].as_str());
            let shown = private.is_some_and(|d| d.len() > 20 && error.to_string().contains(d));
            assert!(!shown, "an error shows the private key");
        }
    }
}

/// A log of control statements, a line each: signer, kind and body. A refused one changes nothing, the recovery key always
/// counts, what it declares compromised stays so, and whoever reads the log later has the same keys.
pub fn key_ring(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut lines = text.lines().take(LINES_MAX);
    let declaration = lines
        .next()
        .and_then(|body| json::parse(body.as_bytes()).ok());
    let Some(Value::Object(body)) = declaration else {
        return;
    };
    let Some(entry0) = said(Kid::Index(0), "participant.declare/1", body) else {
        return;
    };
    let mut ring = match KeyRing::declare(&entry0) {
        Ok(ring) => ring,
        Err(error) => return refused(&error),
    };
    let (mut log, mut compromised) = (vec![entry0], Vec::new());
    for leaf in lines.filter_map(line) {
        let (index, before) = (log.len() as u64, format!("{ring:?}"));
        // Of another's log, anything can be observed.
        ring.clone().observe(&leaf, index);
        match ring.admit(&leaf, index) {
            Ok(()) => {
                compromised.extend(declared_by_recovery(&leaf));
                log.push(leaf);
            }
            Err(error) => {
                refused(&error);
                assert_eq!(
                    format!("{ring:?}"),
                    before,
                    "a refused statement changed the keys"
                );
            }
        }
        check_ring(&ring, log.len() as u64, &compromised);
    }
    let mut reader = KeyRing::declare(&log[0]).expect("it was declared before");
    for (leaf, index) in log[1..].iter().zip(1..) {
        reader.observe(leaf, index);
    }
    assert_eq!(
        format!("{reader:?}"),
        format!("{ring:?}"),
        "a reader has other keys"
    );
}

fn check_ring(ring: &KeyRing, size: u64, compromised: &[(Kid, u64)]) {
    assert!(
        counts(ring, Kid::Recovery, size),
        "the recovery key is shut out"
    );
    for (kid, from) in compromised {
        let again = (*from..=size).find(|at| counts(ring, *kid, *at));
        assert_eq!(again, None, "{kid} is compromised from {from}");
    }
    let all = ring.all_log_keys();
    assert!(ring.log_keys(size).iter().all(|key| all.contains(key)));
    for granted in 1..size {
        let kid = Kid::Index(granted);
        let early = (0..=granted).find(|at| counts(ring, kid, *at));
        assert_eq!(early, None, "{kid} counts before it was granted");
        assert!(!counts(ring, kid, size) || ring.key(kid).is_some());
    }
}

/// Whether a control statement by `kid` would count at `index`.
fn counts(ring: &KeyRing, kid: Kid, index: u64) -> bool {
    static BY_KID: OnceLock<HashMap<Kid, Leaf>> = OnceLock::new();
    let by_kid = BY_KID.get_or_init(|| {
        let kids = (0..=LINES_MAX as u64)
            .map(Kid::Index)
            .chain([Kid::Recovery]);
        kids.filter_map(|kid| Some((kid, said(kid, "office.open/1", Map::new())?)))
            .collect()
    });
    by_kid
        .get(&kid)
        .is_some_and(|leaf| ring.judge(leaf, index).is_ok())
}

fn declared_by_recovery(leaf: &Leaf) -> Option<(Kid, u64)> {
    let (kind, body) = leaf.control()?;
    let by_recovery =
        leaf.kid == Kid::Recovery && kind.name == "key.compromise" && kind.version == 1;
    let kid = body.get("kid")?.as_str()?.parse().ok()?;
    by_recovery.then_some((kid, body.get("from")?.as_u64()?))
}

fn line(line: &str) -> Option<Leaf> {
    let mut parts = line.splitn(3, ' ');
    let (kid, kind, body) = (parts.next()?, parts.next()?, parts.next()?);
    match json::parse(body.as_bytes()).ok()? {
        Value::Object(body) => said(kid.parse().ok()?, kind, body),
        _ => None,
    }
}

/// Signed by the admin key that the seeds declare: the ring judges keys by their index, not by their signature.
fn said(kid: Kid, kind: &str, body: Map<String, Value>) -> Option<Leaf> {
    let kind: Kind = kind.parse().ok()?;
    let log: LogId = "truce.example/mission".parse().ok()?;
    let key = secret(Algorithm::EdDsa, 1);
    match Statement::sign_control(kind, body, &key, kid, &log, NOW) {
        Ok(statement) => Some(statement.leaf().clone()),
        Err(error) => {
            refused(&error);
            None
        }
    }
}
