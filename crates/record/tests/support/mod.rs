//! A duty desk for tests: a founded log with its keys.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use record::audience::Audience;
use record::c2sp::note::SignerKey;
use record::key::{Algorithm, SecretKey};
use record::log::{self, Founding, Log, Options, Receipt, SayError};
use record::name::{LogId, Reference};
use record::statement::{Draft, Kid, Statement};
use record::time::{ManualClock, UtcMs};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const START: UtcMs = UtcMs(1_466_499_600_000);
pub const ORIGIN: &str = "truce.example/mission";

pub struct Desk {
    pub root: tempfile::TempDir,
    pub dir: PathBuf,
    pub id: LogId,
    pub clock: Arc<ManualClock>,
}

pub fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed(Algorithm::EdDsa, &[seed; 32]).unwrap()
}

pub fn signer(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

pub fn names(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|n| n.parse().unwrap()))
}

pub const ADMIN: u8 = 1;
pub const RECOVERY: u8 = 2;
pub const OFFICE: u8 = 3;
pub const LOG_KEY: u8 = 4;
/// Index of the office key's grant.
pub const OFFICE_KID: Kid = Kid::Index(1);

impl Desk {
    /// Founds a log and grants one office key.
    pub fn found() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let clock = Arc::new(ManualClock::at(START));
        let founding = Founding {
            call_sign: "MISSION".parse().unwrap(),
            origin: ORIGIN.parse().unwrap(),
            admin: &secret(ADMIN),
            recovery: secret(RECOVERY).public(),
            log_key: &signer(LOG_KEY),
            more: Map::new(),
        };
        let id = log::create(&dir, &founding, clock.as_ref()).unwrap();
        let desk = Self {
            root,
            dir,
            id,
            clock,
        };
        let log = desk.open();
        log.say(&desk.grant("office", OFFICE).to_string()).unwrap();
        desk
    }

    pub fn options(&self) -> Options {
        let mut options = Options::new(vec![signer(LOG_KEY)]);
        options.clock = Arc::clone(&self.clock) as _;
        options.keep_heads_every_ms = 0;
        options
    }

    pub fn open(&self) -> Log {
        Log::open(&self.dir, self.options()).unwrap()
    }

    pub fn control(&self, kind: &str, body: Value, seed: u8, kid: Kid) -> Statement {
        let Value::Object(body) = body else {
            panic!("a body is an object")
        };
        Statement::sign_control(
            kind.parse().unwrap(),
            body,
            &secret(seed),
            kid,
            &self.id,
            START,
        )
        .unwrap()
    }

    pub fn grant(&self, role: &str, seed: u8) -> Statement {
        let body = match role {
            "log" => json!({"role": role, "log_key": signer(seed).verifier().to_string()}),
            _ => json!({"role": role, "key": secret(seed).public().to_jwk()}),
        };
        self.control("key.grant/1", body, ADMIN, Kid::Index(0))
    }

    pub fn draft(&self, text: &str) -> Draft {
        Draft::new("message.send/1", "2016-06-21T12:00:00+03:00")
            .unwrap()
            .group("body", names(&["RU", "US"]), json!({"text": text}))
            .unwrap()
    }

    pub fn sign(&self, draft: &Draft) -> String {
        draft
            .sign(&secret(OFFICE), OFFICE_KID, &self.id, START)
            .unwrap()
            .to_string()
    }

    pub fn message(&self, text: &str) -> String {
        self.sign(&self.draft(text))
    }

    pub fn erase(&self, target: &Reference) -> Draft {
        erase_of(target)
    }

    /// The ciphertext of a disclosure, past the program.
    pub fn sealed_bytes(&self, index: u64, slot: u64) -> Vec<u8> {
        self.bytes(
            "record.db",
            "SELECT sealed FROM disclosure WHERE id = ?1",
            index,
            slot,
        )
    }

    /// The key of a disclosure, past the program.
    pub fn key_bytes(&self, index: u64, slot: u64) -> Vec<u8> {
        self.bytes("keys.db", "SELECT key FROM key WHERE id = ?1", index, slot)
    }

    fn bytes(&self, file: &str, sql: &str, index: u64, slot: u64) -> Vec<u8> {
        let db = rusqlite::Connection::open(self.dir.join(file)).unwrap();
        db.query_row(sql, [(index * 16 + slot) as i64], |r| r.get(0))
            .unwrap()
    }
}

pub fn erase_of(target: &Reference) -> Draft {
    Draft::new("erase/1", "2016-06-21T12:00:00+03:00")
        .unwrap()
        .about(vec![target.clone()])
        .group(
            "body",
            names(&["RU", "US"]),
            json!({"groups": ["body"], "reason": "the source asked"}),
        )
        .unwrap()
}

pub fn said(log: &Log, compact: &str) -> Receipt {
    log.say(compact).unwrap()
}

pub fn refused(result: Result<Receipt, SayError>) -> String {
    result.expect_err("it should have been refused").to_string()
}

/// Whether `needle` stands in any file below `dir`.
pub fn found_in(dir: &Path, needle: &[u8]) -> Option<PathBuf> {
    std::fs::read_dir(dir).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found_in(&path, needle);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes
            .windows(needle.len())
            .any(|w| w == needle)
            .then_some(path)
    })
}
