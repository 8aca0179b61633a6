//! A participant's directory: its own log, its secrets, and what it holds of others.
//!
//! ```text
//! HOME/record.db keys.db head attachments/   the own log
//! HOME/secret/admin.key log.key seal.key witness.key
//! HOME/secret/desk/KID.key                   keys of offices that this node keeps, each named by the entry that granted it
//! HOME/mirrors/ORIGIN/…                      other participants' logs
//! HOME/peer-heads/*                          heads of the own log that others hold
//! ```

use record::c2sp::checkpoint::{CheckpointError, SignedCheckpoint};
use record::c2sp::cosignature::CosignerKey;
use record::c2sp::note::SignerKey;
use record::carry::{CarryError, SealIdentity};
use record::key::{Algorithm, KeyError, SecretKey, random};
use record::log::{self, Founding, Log, OpenError, Options, SayError, secret_file};
use record::name::{CallSign, LogId, Origin};
use record::statement::{Kid, Statement, StatementError};
use record::store::{StoreError, sqlite};
use record::time::Clock;
use record::witness_book::WitnessBook;
use serde_json::{Map, Value, json};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use truce::participants::Office;
use zeroize::Zeroizing;

/// Private keys, below the home.
pub const SECRET: &str = "secret";
/// Keys of offices, below the private keys.
pub const DESK: &str = "desk";
/// Heads of our own log that others hold.
pub const PEER_HEADS: &str = "peer-heads";

/// What can go wrong with a home.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is a log already.
    #[error("{}: there is a log already; found a log in a new directory", .0.display())]
    Occupied(PathBuf),
    /// There is none.
    #[error("{}: no log was founded here; run `truceline log init --data {}` first", .0.display(), .0.display())]
    Nothing(PathBuf),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key of a log or witness.
    #[error(transparent)]
    Note(#[from] record::c2sp::note::KeyError),
    /// A sealing key.
    #[error(transparent)]
    Seal(#[from] CarryError),
    /// The log.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A statement that founds it.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A statement that founds it was refused.
    #[error(transparent)]
    Say(#[from] SayError),
    /// A head.
    #[error(transparent)]
    Head(#[from] CheckpointError),
}

/// Who is founded, and with which keys.
#[derive(Debug, Clone)]
pub struct Founded {
    /// Call sign.
    pub call_sign: CallSign,
    /// Origin of the log.
    pub origin: Origin,
    /// Where the private recovery key is written. It is the only way to replace a stolen admin key; take it off the machine.
    pub recovery: PathBuf,
    /// The keys that the node keeps for its offices: each with the offices it holds and the languages of that desk.
    pub desks: Vec<(Vec<Office>, Vec<String>)>,
}

/// What a founding made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The log's identity.
    pub id: LogId,
    /// The keys of offices that the node keeps, each by the entry that granted it, in the order of [`Founded::desks`].
    pub desks: Vec<Kid>,
    /// The verifier key by which others pin the log.
    pub verifier: String,
    /// The verifier key of its witness.
    pub witness: String,
    /// What others seal to.
    pub seal: String,
}

/// A participant's directory.
#[derive(Debug, Clone)]
pub struct Home {
    /// The directory.
    pub dir: PathBuf,
}

impl Home {
    /// The home in `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Whether a log was founded here, also when its head file was lost since.
    #[must_use]
    pub fn is_founded(&self) -> bool {
        let is_there = |name: &str| self.dir.join(name).exists();
        is_there(log::HEAD) || is_there(sqlite::RECORD)
    }

    /// Founds a log here with its keys, and grants the desks their offices.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn found(&self, founded: &Founded, clock: &dyn Clock) -> Result<Made, HomeError> {
        let secret = self.dir.join(SECRET);
        if secret.exists() || self.is_founded() {
            return Err(HomeError::Occupied(self.dir.clone()));
        }
        private_directory(&secret.join(DESK))?;
        let admin = SecretKey::generate(Algorithm::EdDsa)?;
        let recovery = SecretKey::generate(Algorithm::EdDsa)?;
        let origin = founded.origin.as_str();
        let signer = SignerKey::from_seed(origin, &*seed()?)?;
        let witness = CosignerKey::from_seed(&format!("{origin}/witness"), &*seed()?)?;
        let seal = SealIdentity::generate();
        secret_file(&founded.recovery, &recovery.to_file())?;
        for (name, text) in [
            ("admin.key", admin.to_file()),
            ("log.key", line(signer.encode().as_str())),
            ("witness.key", line(witness.encode().as_str())),
            ("seal.key", seal.to_file()),
        ] {
            secret_file(&secret.join(name), &text)?;
        }
        let founding = Founding {
            call_sign: founded.call_sign.clone(),
            origin: founded.origin.clone(),
            admin: &admin,
            recovery: recovery.public(),
            log_key: &signer,
            more: Map::from_iter([("seal".to_owned(), Value::from(seal.recipient()))]),
        };
        let id = log::create(&self.dir, &founding, clock)?;
        Ok(Made {
            desks: self.grant(&id, &admin, founded, clock)?,
            id,
            verifier: signer.verifier().to_string(),
            witness: witness.verifier().to_string(),
            seal: seal.recipient(),
        })
    }

    fn grant(
        &self,
        id: &LogId,
        admin: &SecretKey,
        founded: &Founded,
        clock: &dyn Clock,
    ) -> Result<Vec<Kid>, HomeError> {
        let log = Log::open(&self.dir, Options::new(self.signers()?))?;
        let say = |kind: &str, body: Value| -> Result<u64, HomeError> {
            let kind = kind.parse().expect("a control kind");
            let body = body.as_object().cloned().unwrap_or_default();
            let said = Statement::sign_control(kind, body, admin, Kid::Index(0), id, clock.now())?;
            Ok(log.say(&said.to_string())?.reference.index)
        };
        let mut desks = Vec::with_capacity(founded.desks.len());
        for (offices, languages) in &founded.desks {
            let key = SecretKey::generate(Algorithm::EdDsa)?;
            let grant = json!({"role": "office", "key": key.public().to_jwk()});
            let kid = say("key.grant/1", grant)?;
            secret_file(&self.desk_file(kid), &key.to_file())?;
            for office in offices {
                let mut body = json!({"kid": kid.to_string(), "office": office.as_str()});
                if !languages.is_empty() {
                    body["languages"] = languages.clone().into();
                }
                say("office.grant/1", body)?;
            }
            desks.push(Kid::Index(kid));
        }
        Ok(desks)
    }

    /// The text of a private key's file.
    ///
    /// # Errors
    /// [`HomeError::File`].
    pub fn secret(&self, name: &str) -> Result<Zeroizing<String>, HomeError> {
        read_file(&self.dir.join(SECRET).join(name))
    }

    fn desk_file(&self, kid: u64) -> PathBuf {
        self.dir.join(SECRET).join(DESK).join(format!("{kid}.key"))
    }

    /// The keys of offices that this node keeps, by the entry that granted them.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn desks(&self) -> Result<Vec<(Kid, SecretKey)>, HomeError> {
        let dir = self.dir.join(SECRET).join(DESK);
        let Ok(entries) = std::fs::read_dir(&dir) else {
            return Ok(Vec::new());
        };
        let mut kids: Vec<u64> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                record::name::decimal(name.strip_suffix(".key")?)
            })
            .collect();
        kids.sort_unstable();
        kids.into_iter()
            .map(|kid| Ok((Kid::Index(kid), read_key(&self.desk_file(kid))?)))
            .collect()
    }

    /// Keeps the key of an office that entry `kid` granted.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn keep_desk(&self, kid: u64, key: &SecretKey) -> Result<(), HomeError> {
        let file = self.desk_file(kid);
        if let Some(dir) = file.parent().filter(|dir| !dir.exists()) {
            private_directory(dir)?;
        }
        Ok(secret_file(&file, &key.to_file())?)
    }

    /// The admin key, while it is kept here.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn admin(&self) -> Result<SecretKey, HomeError> {
        read_key(&self.dir.join(SECRET).join("admin.key"))
    }

    /// The private keys that sign heads: `log.key` and, while keys rotate, `log-2.key` and so on.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn signers(&self) -> Result<Vec<SignerKey>, HomeError> {
        let dir = self.dir.join(SECRET);
        let entries = std::fs::read_dir(&dir).map_err(file(&dir))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                name == "log.key" || (name.starts_with("log-") && name.ends_with(".key"))
            })
            .collect();
        names.sort();
        names
            .iter()
            .map(|name| Ok(SignerKey::parse(self.secret(name)?.trim_end())?))
            .collect()
    }

    /// How the own log is opened for writing: with its signers and the heads that peers hold.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn options(&self) -> Result<Options, HomeError> {
        if !self.is_founded() {
            return Err(HomeError::Nothing(self.dir.clone()));
        }
        let mut options = Options::new(self.signers()?);
        options.peer_heads = self.peer_heads()?;
        Ok(options)
    }

    /// Opens the own log for reading, beside the process that writes it.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open_to_read(&self) -> Result<Log, HomeError> {
        if !self.is_founded() {
            return Err(HomeError::Nothing(self.dir.clone()));
        }
        Ok(Log::open_to_read(&self.dir, &Options::new(Vec::new()))?)
    }

    /// Heads of the own log that peers hold, signed by its keys.
    fn peer_heads(&self) -> Result<Vec<SignedCheckpoint>, HomeError> {
        let Ok(entries) = std::fs::read_dir(self.dir.join(PEER_HEADS)) else {
            return Ok(Vec::new());
        };
        let notes: Vec<Vec<u8>> = entries
            .filter_map(|entry| std::fs::read(entry.ok()?.path()).ok())
            .collect();
        let log = self.open_to_read()?;
        Ok(log::own_heads(&log.ring(), log.id(), &notes))
    }

    /// Remembers a head of the own log that a peer holds.
    ///
    /// # Errors
    /// [`HomeError::File`].
    pub fn keep_peer_head(&self, head: &SignedCheckpoint) -> Result<(), HomeError> {
        let dir = self.dir.join(PEER_HEADS);
        std::fs::create_dir_all(&dir).map_err(file(&dir))?;
        let path = dir.join(format!("{:012}", head.checkpoint().size()));
        std::fs::write(&path, head.to_string()).map_err(file(&path))
    }

    /// The identity to which others seal.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn seal_identity(&self) -> Result<SealIdentity, HomeError> {
        Ok(SealIdentity::parse(&self.secret("seal.key")?)?)
    }

    /// The witness of this home.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn witness(&self) -> Result<WitnessBook, HomeError> {
        let key = CosignerKey::parse(self.secret("witness.key")?.trim_end())?;
        Ok(WitnessBook::open(&self.dir, key)?)
    }
}

/// The private key in a file of somebody's own, as `truceline key new` writes it.
///
/// # Errors
/// [`HomeError`].
pub fn read_key(path: &Path) -> Result<SecretKey, HomeError> {
    Ok(SecretKey::from_file(&read_file(path)?)?)
}

fn line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{text}\n"))
}

fn seed() -> Result<Zeroizing<[u8; 32]>, HomeError> {
    let mut seed = Zeroizing::new([0; 32]);
    random(seed.as_mut())?;
    Ok(seed)
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |error| HomeError::File { path, error }
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, HomeError> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(file(path))
}

/// Makes a directory, and those above it, that nobody else may enter.
///
/// # Errors
/// [`HomeError::File`].
pub fn private_directory(path: &Path) -> Result<(), HomeError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(file(path))
}
