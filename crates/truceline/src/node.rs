//! A node's data directory: the own log, its secrets, mirrors, and the witness.
//!
//! ```text
//! DATA/record.db keys.db head attachments/   the own log
//! DATA/secret/admin.key office.key log.key seal.key witness.key
//! DATA/office.kid                            which entry granted office.key
//! DATA/mirrors/ORIGIN/…                      other participants' logs
//! DATA/peer-heads/*                          heads of the own log that others hold
//! ```

use crate::config::Settings;
use crate::{Failure, Outcome};
use record::audience;
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::cosignature::CosignerKey;
use record::c2sp::note::SignerKey;
use record::carry::SealIdentity;
use record::key::SecretKey;
use record::log::{Log, Options};
use record::name::Reference;
use record::statement::Kid;
use record::witness_book::WitnessBook;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Private keys, below the data directory.
pub const SECRET: &str = "secret";
/// The entry that granted the office key.
pub const OFFICE_KID: &str = "office.kid";
/// Heads of our own log that others hold.
pub const PEER_HEADS: &str = "peer-heads";

/// A node's data directory.
pub struct Node {
    /// The directory.
    pub data: PathBuf,
}

impl Node {
    pub fn new(data: Option<&Path>, settings: &Settings) -> Self {
        Self {
            data: data.unwrap_or(&settings.data).to_owned(),
        }
    }

    /// The text of a private key's file.
    pub fn secret(&self, name: &str) -> Result<Zeroizing<String>, Failure> {
        let path = self.data.join(SECRET).join(name);
        std::fs::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// The private keys that sign heads: `log.key` and, while keys rotate, `log-2.key` and so on.
    fn signers(&self) -> Result<Vec<SignerKey>, Failure> {
        let dir = self.data.join(SECRET);
        let mut names: Vec<String> = std::fs::read_dir(&dir)
            .map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?
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

    /// Opens the own log for writing.
    pub fn open(&self, settings: &Settings) -> Result<Log, Failure> {
        let mut options = Options::new(self.signers()?);
        options.limits = settings.limits();
        options.keep_heads_every_ms = settings.keep_heads_every_ms;
        options.peer_heads = self.peer_heads()?;
        Ok(Log::open(&self.data, options)?)
    }

    /// Opens the own log for reading, beside the process that writes it.
    pub fn open_to_read(&self) -> Result<Log, Failure> {
        Ok(Log::open_to_read(&self.data, &Options::new(Vec::new()))?)
    }

    /// Heads of the own log that peers hold, signed by its keys.
    fn peer_heads(&self) -> Result<Vec<SignedCheckpoint>, Failure> {
        let Ok(entries) = std::fs::read_dir(self.data.join(PEER_HEADS)) else {
            return Ok(Vec::new());
        };
        let notes: Vec<Vec<u8>> = entries
            .filter_map(|entry| std::fs::read(entry.ok()?.path()).ok())
            .collect();
        let log = self.open_to_read()?;
        Ok(record::log::own_heads(&log.ring(), log.id(), &notes))
    }

    /// Remembers a head of the own log that a peer holds.
    pub fn keep_peer_head(&self, head: &SignedCheckpoint) -> Outcome {
        let dir = self.data.join(PEER_HEADS);
        std::fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{:012}", head.checkpoint().size()));
        Ok(std::fs::write(path, head.to_string())?)
    }

    /// The office's key with the entry that granted it.
    pub fn office(
        &self,
        key: Option<&Path>,
        kid: Option<&str>,
    ) -> Result<(SecretKey, Kid), Failure> {
        let text = match key {
            Some(path) => Zeroizing::new(read(path)?),
            None => self.secret("office.key")?,
        };
        let kid = match kid {
            Some(kid) => kid.to_owned(),
            None => read(&self.data.join(OFFICE_KID))?,
        };
        let kid: Kid = kid
            .trim()
            .parse()
            .map_err(|rule| Failure::new(format!("--kid {rule}")))?;
        Ok((SecretKey::from_file(&text)?, kid))
    }

    pub fn seal_identity(&self) -> Result<SealIdentity, Failure> {
        Ok(SealIdentity::parse(&self.secret("seal.key")?)?)
    }

    pub fn witness(&self) -> Result<WitnessBook, Failure> {
        let key = CosignerKey::parse(self.secret("witness.key")?.trim_end())?;
        Ok(WitnessBook::open(&self.data, key)?)
    }
}

pub fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// The index that `text` names: `412`, `MISSION-412` or a full reference, which must be the one that stands there.
pub fn index(log: &Log, text: &str) -> Result<u64, Failure> {
    let size = log.head().map_or(0, |head| head.size());
    let call_sign = log.ring().call_sign().to_string();
    let short = text
        .strip_prefix(&call_sign)
        .and_then(|rest| rest.strip_prefix('-'))
        .unwrap_or(text);
    if let Some(index) = record::name::decimal(short) {
        if index < size {
            return Ok(index);
        }
        return Err(Failure::new(format!(
            "{text}: the log has {size} entries, the last is {call_sign}-{}",
            size.saturating_sub(1)
        )));
    }
    let reference: Reference = text.parse().map_err(|_| {
        Failure::new(format!(
            "{text:?} is no reference of this log; write 412, {call_sign}-412 or origin#412:hash"
        ))
    })?;
    let stands = log
        .statement(reference.index)?
        .is_some_and(|statement| statement.leaf().hash() == reference.leaf);
    if stands && reference.origin == log.id().origin {
        Ok(reference.index)
    } else {
        Err(Failure::new(format!(
            "{reference} does not stand in this log, {}",
            log.id().origin
        )))
    }
}

/// The full reference of entry `index`.
pub fn reference(log: &Log, index: u64) -> Result<Reference, Failure> {
    let statement = log
        .statement(index)?
        .ok_or_else(|| Failure::new(format!("there is no entry {index}")))?;
    Ok(Reference {
        origin: log.id().origin.clone(),
        index,
        leaf: statement.leaf().hash(),
    })
}

/// A reader as the command line names one: `public`, `own`, or a call sign.
pub fn audience_reader(name: &str, party: bool) -> Result<audience::Reader, Failure> {
    Ok(match name {
        "public" => audience::Reader::public(),
        "own" => audience::Reader::own(),
        call_sign => audience::Reader::participant(call_sign.parse()?, party),
    })
}
