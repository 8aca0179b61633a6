//! A duty desk: a founded log with an office key of each kind, and statements signed ahead of time.

use bench::Outcome;
use record::audience::Audience;
use record::c2sp::note::SignerKey;
use record::key::{Algorithm, SecretKey};
use record::log::{self, Founding, Log, Options};
use record::name::LogId;
use record::statement::{Draft, Kid, Statement};
use record::time::{Clock, SystemClock};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The log's origin.
pub const ORIGIN: &str = "bench.example/mission";
const ADMIN: u8 = 1;
const RECOVERY: u8 = 2;
const OFFICE: u8 = 3;
const LOG_KEY: u8 = 4;

/// What the desk says: 300 characters, about as much as a radio message has.
const TEXT: &str = "At 0740 the patrol heard six undetermined explosions at an assessed distance of two to three kilometres \
    to the east-north-east of the camp, and at 0752 one burst of heavy machine-gun fire from the same direction. Nobody \
    was hurt. The patrol keeps its position until it hears from the joint centre. Next report at 0830.";

/// A log's directory with what signs for it.
pub struct Desk {
    dir: PathBuf,
    id: LogId,
}

fn secret(algorithm: Algorithm, seed: u8) -> Outcome<SecretKey> {
    Ok(SecretKey::from_seed(algorithm, &[seed; 32])?)
}

/// The key that signs the log's heads.
pub fn signer() -> Outcome<SignerKey> {
    Ok(SignerKey::from_seed(ORIGIN, &[LOG_KEY; 32])?)
}

/// How the benchmark opens a log: as everybody does, but with room for its writers under one key.
pub fn options(in_flight_max: usize) -> Outcome<Options> {
    let mut options = Options::new(vec![signer()?]);
    options.limits.in_flight_per_key_max = in_flight_max;
    Ok(options)
}

/// Which office key signs.
fn kid(algorithm: Algorithm) -> Kid {
    match algorithm {
        Algorithm::EdDsa => Kid::Index(1),
        Algorithm::Es256 => Kid::Index(2),
    }
}

impl Desk {
    /// Founds a log in `dir`.
    pub fn found(dir: &Path) -> Outcome<Self> {
        let admin = secret(Algorithm::EdDsa, ADMIN)?;
        let founding = Founding {
            call_sign: "MISSION".parse()?,
            origin: ORIGIN.parse()?,
            admin: &admin,
            recovery: secret(Algorithm::EdDsa, RECOVERY)?.public(),
            log_key: &signer()?,
            more: Map::new(),
        };
        let id = log::create(dir, &founding, &SystemClock)?;
        Ok(Self {
            dir: dir.to_owned(),
            id,
        })
    }

    /// Opens the log and grants the office keys.
    pub fn open(&self, in_flight_max: usize) -> Outcome<Log> {
        let log = Log::open(&self.dir, options(in_flight_max)?)?;
        let admin = secret(Algorithm::EdDsa, ADMIN)?;
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let key = secret(algorithm, OFFICE)?.public().to_jwk();
            let Value::Object(body) = json!({"role": "office", "key": key}) else {
                continue;
            };
            let kind = "key.grant/1".parse()?;
            let grant = Statement::sign_control(
                kind,
                body,
                &admin,
                Kid::Index(0),
                &self.id,
                SystemClock.now(),
            )?;
            log.say(&grant.to_string())?;
        }
        Ok(log)
    }

    /// The office key of this algorithm.
    pub fn office(algorithm: Algorithm) -> Outcome<SecretKey> {
        secret(algorithm, OFFICE)
    }

    /// Signs `count` statements, no two alike, each with two disclosures: the head and one group.
    pub fn sign(&self, count: usize, algorithm: Algorithm, threads: usize) -> Outcome<Vec<String>> {
        let (key, now) = (Self::office(algorithm)?, SystemClock.now());
        let at = now.to_string();
        let sign = |number: u64| -> Outcome<String> {
            let audience = Audience::of(["RU".parse()?, "US".parse()?]);
            let draft = Draft::new("message.send/1", &at)?.group(
                "body",
                audience,
                json!({"number": number, "text": TEXT}),
            )?;
            Ok(draft.sign(&key, kid(algorithm), &self.id, now)?.to_string())
        };
        let next = AtomicU64::new(0);
        let some = || -> Outcome<Vec<String>> {
            let mut signed = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count as u64 {
                    return Ok(signed);
                }
                signed.push(sign(number)?);
            }
        };
        std::thread::scope(|scope| {
            let signing: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
            let mut signed = Vec::with_capacity(count);
            for part in signing {
                signed.extend(part.join().map_err(|_| "a signing thread panicked")??);
            }
            Ok(signed)
        })
    }
}
