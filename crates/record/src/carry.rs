//! Carrying the record where no line reaches: a directory, on a stick, with the same tiles as everywhere, and with what its
//! recipient may read sealed to his node.
//!
//! ```text
//! logs/ORIGIN/checkpoint, tile/…     one directory per log, the slashes of its origin written as +
//! logs/ORIGIN/sealed/…               per entry bundle the disclosures for the recipient, as padded age files
//! logs/ORIGIN/attachments/…          ciphertext
//! cosigned/ORIGIN                    the head of that log that the sender cosigned last
//! ```
//! Both ways are resumable: what is there already and right is not written again. What comes in is quarantined until all of it
//! is verified.

use crate::audience::Reader as Audience;
use crate::c2sp::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::c2sp::note::VerifierKey;
use crate::c2sp::tile::{Content, TileId, TileReader, bundles_of, tiles_of};
use crate::encoding::Hash;
use crate::files::{Directory, LogFiles, Stored};
use crate::json;
use crate::mirror::{Delivered, Extended, Mirror, MirrorError};
use crate::statement::{Disclosure, Statement};
use crate::store::seal::SealKey;
use crate::store::sqlite::Reader;
use crate::store::{StoreError, attachment, file_error, write_whole};
use age::secrecy::ExposeSecret;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Where mirrors lie in a node's data.
pub const MIRRORS: &str = "mirrors";
/// Where carried files lie until they are verified.
pub const QUARANTINE: &str = "quarantine";
/// Largest sealed file that is read.
pub const SEALED_BYTES_MAX: u64 = 256 << 20;
/// Most logs on one stick.
pub const LOGS_MAX: usize = 256;
/// Sealed text is padded to a power of two of at least this many bytes, so that its size tells little.
const PADDED_BYTES_MIN: usize = 4096;

/// Why carrying failed. What was carried before stays; run it again to go on.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The recipient or identity is no age key.
    #[error("{0} is no age key; make one with `truceline key new --seal`")]
    AgeKey(&'static str),
    /// Encryption failed.
    #[error("sealing failed: {0}")]
    Seal(String),
    /// There is nothing to carry.
    #[error("{}: there is no log here to carry", .0.display())]
    Nothing(PathBuf),
    /// More logs than are taken.
    #[error("more than {LOGS_MAX} logs on one carrier")]
    TooMany,
    /// A head is malformed.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A file or database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The node's key for what is sealed to it.
pub struct SealIdentity(age::x25519::Identity);

impl SealIdentity {
    /// Draws a new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Reads an age identity file's line.
    ///
    /// # Errors
    /// [`CarryError::AgeKey`].
    pub fn parse(text: &str) -> Result<Self, CarryError> {
        text.trim()
            .parse()
            .map(Self)
            .map_err(|_| CarryError::AgeKey("the identity"))
    }

    /// The line to keep secret.
    #[must_use]
    pub fn to_file(&self) -> zeroize::Zeroizing<String> {
        zeroize::Zeroizing::new(format!("{}\n", self.0.to_string().expose_secret()))
    }

    /// What others seal to: `age1…`.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let decryptor = age::Decryptor::new(sealed).ok()?;
        let mut clear = Vec::new();
        let reader = decryptor
            .decrypt(std::iter::once(&self.0 as &dyn age::Identity))
            .ok()?;
        reader.take(SEALED_BYTES_MAX).read_to_end(&mut clear).ok()?;
        Some(clear)
    }
}

fn seal_to(recipient: &age::x25519::Recipient, clear: &[u8]) -> Result<Vec<u8>, CarryError> {
    let failed = |error: &dyn std::fmt::Display| CarryError::Seal(error.to_string());
    let recipients = std::iter::once(recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(|e| failed(&e))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|e| failed(&e))?;
    writer.write_all(clear).map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    Ok(sealed)
}

/// What to carry out, and for whom.
pub struct Out<'o> {
    /// The node's data: its own log, and its mirrors.
    pub data: &'o Path,
    /// The directory on the carrier.
    pub target: &'o Path,
    /// Who will read it.
    pub reader: &'o Audience,
    /// His node's `age1…`.
    pub recipient: &'o str,
    /// Heads of other logs that this node cosigned.
    pub cosigned: &'o [SignedCheckpoint],
    /// What is not disclosed to him although its audience admits him. Its leaves go all the same.
    pub withheld: &'o BTreeSet<Withheld>,
}

/// A group of a statement that is held back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Withheld {
    /// The log's origin.
    pub origin: String,
    /// The entry.
    pub index: u64,
    /// The group's name.
    pub group: String,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// Per log its origin and size.
    pub logs: Vec<(String, u64)>,
    /// Files written.
    pub written: u64,
    /// Files that were there already.
    pub kept: u64,
    /// Disclosures sealed for the recipient.
    pub disclosures: u64,
    /// What would have been sealed for him and was held back.
    pub withheld: BTreeSet<Withheld>,
}

/// Writes the own log and all mirrors to a carrier. `progress` is told how many of how many files of a log are done.
///
/// # Errors
/// [`CarryError`].
pub fn out(order: &Out<'_>, mut progress: impl FnMut(u64, u64)) -> Result<CarriedOut, CarryError> {
    let recipient: age::x25519::Recipient = order
        .recipient
        .parse()
        .map_err(|_| CarryError::AgeKey("the recipient"))?;
    let mut done = CarriedOut::default();
    for (dir, own) in log_directories(order.data)? {
        let stored = Stored::open(&dir)?;
        let Some(note) = stored.checkpoint() else {
            continue;
        };
        let head = SignedCheckpoint::parse(&note)?;
        let (origin, size) = (
            head.checkpoint().origin().to_owned(),
            head.checkpoint().size(),
        );
        let target = order.target.join("logs").join(directory_name(&origin));
        let mut writer = Writer {
            target,
            done: &mut done,
        };
        let bundles: Vec<TileId> = bundles_of(size).collect();
        let all = bundles.len() as u64 * 2;
        for (at, id) in (0..).zip(tiles_of(size).chain(bundles.iter().copied())) {
            writer.tile(&stored, id)?;
            progress(at.min(all), all);
        }
        // Only the own side reads what is for the own side, and only in its own log.
        let reader = if own || !order.reader.own {
            order.reader.clone()
        } else {
            Audience::public()
        };
        let sealing = Sealing {
            origin: &origin,
            reader: &reader,
            recipient: &recipient,
            withheld: order.withheld,
        };
        for (at, id) in (bundles.len() as u64..).zip(&bundles) {
            if let Some(reader_of) = stored.store() {
                writer.sealed(reader_of, *id, &sealing)?;
            }
            progress(at, all);
        }
        writer.file(Path::new("checkpoint"), &note)?;
        done.logs.push((origin, size));
    }
    if done.logs.is_empty() {
        return Err(CarryError::Nothing(order.data.to_owned()));
    }
    for head in order.cosigned {
        let mut writer = Writer {
            target: order.target.join("cosigned"),
            done: &mut done,
        };
        let name = directory_name(head.checkpoint().origin());
        writer.file(Path::new(&name), head.to_string().as_bytes())?;
    }
    Ok(done)
}

/// The own log's directory, if there is one, and those of the mirrors.
fn log_directories(data: &Path) -> Result<Vec<(PathBuf, bool)>, CarryError> {
    let mut all = Vec::new();
    if data.join(crate::store::sqlite::RECORD).exists() {
        all.push((data.to_owned(), true));
    }
    let mirrors = data.join(MIRRORS);
    if mirrors.is_dir() {
        let entries = std::fs::read_dir(&mirrors).map_err(file_error(&mirrors))?;
        let mut dirs: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        dirs.sort();
        all.extend(dirs.into_iter().map(|dir| (dir, false)));
    }
    Ok(all)
}

fn directory_name(origin: &str) -> String {
    origin.replace('/', "+")
}

/// For whom the disclosures of one log are sealed.
struct Sealing<'s> {
    origin: &'s str,
    reader: &'s Audience,
    recipient: &'s age::x25519::Recipient,
    withheld: &'s BTreeSet<Withheld>,
}

impl Sealing<'_> {
    /// `statement` with as much of it as is disclosed; what is held back of it is told.
    fn opened(
        &self,
        statement: &Statement,
        index: u64,
        withheld: &mut BTreeSet<Withheld>,
    ) -> Statement {
        let admitted = statement.reduced(|_, group| group.audience.admits(self.reader));
        let named = |group: &str| Withheld {
            origin: self.origin.to_owned(),
            index,
            group: group.to_owned(),
        };
        let is_held = |group: &str| self.withheld.contains(&named(group));
        let groups = admitted.head().map(|head| head.groups.keys());
        let open = groups
            .into_iter()
            .flatten()
            .filter(|group| admitted.content(group).is_some());
        let held: BTreeSet<String> = open.filter(|group| is_held(group)).cloned().collect();
        if held.is_empty() {
            return admitted;
        }
        withheld.extend(held.iter().map(|group| named(group)));
        // The head stays: he knows that the group is there and for whom, as of everything that is withheld.
        admitted.without(&held)
    }
}

struct Writer<'w> {
    target: PathBuf,
    done: &'w mut CarriedOut,
}

impl Writer<'_> {
    fn tile(&mut self, stored: &Stored, id: TileId) -> Result<(), CarryError> {
        let path = id.path();
        // A full tile never changes, so one of the right size need not be read again.
        if !id.is_partial()
            && id.content() != Content::Entries
            && self.size_of(&path) == Some(256 * 32)
        {
            self.done.kept += 1;
            return Ok(());
        }
        let bytes = stored
            .tile(id)
            .ok_or_else(|| StoreError::Damaged(format!("{path} cannot be read")))?;
        self.file(Path::new(&path), &bytes)
    }

    fn size_of(&self, path: &str) -> Option<u64> {
        Some(std::fs::metadata(self.target.join(path)).ok()?.len())
    }

    fn sealed(
        &mut self,
        store: &Reader,
        id: TileId,
        sealing: &Sealing<'_>,
    ) -> Result<(), CarryError> {
        let recipient = sealing.recipient;
        let path = sealed_path(id);
        let first = id.index() * 256;
        let mut lines = String::new();
        let mut attachments = Vec::new();
        let mut count = 0;
        for index in first..first + u64::from(id.width()) {
            let Some(statement) = store.statement(index)? else {
                continue;
            };
            let reduced = sealing.opened(&statement, index, &mut self.done.withheld);
            let disclosures: Vec<&str> = reduced.disclosures().map(Disclosure::text).collect();
            if disclosures.is_empty() {
                continue;
            }
            count += disclosures.len() as u64;
            let mut keys = Vec::new();
            for (slot, _) in reduced.slots().filter(|(slot, _)| *slot > 0) {
                for name in store.attachments(index, slot)? {
                    if let Some(key) = store.attachment_key(&name)? {
                        keys.push(json!({"name": name.to_string(), "key": crate::encoding::base64url(&key.0)}));
                        attachments.push(name);
                    }
                }
            }
            let line = json!({"index": index, "disclosures": disclosures, "attachments": keys});
            lines.push_str(&json::canonical(&line));
            lines.push('\n');
        }
        self.done.disclosures += count;
        let padded = lines.len().next_power_of_two().max(PADDED_BYTES_MIN);
        lines.extend(std::iter::repeat_n('\n', padded - lines.len()));
        // Sealing is never the same twice, so what is there is kept by a note of what was sealed, beside it.
        let digest = Hash::of(&[recipient.to_string().as_bytes(), lines.as_bytes()]).to_string();
        let mark = format!("{path}.of");
        let unchanged =
            std::fs::read_to_string(self.target.join(&mark)).is_ok_and(|held| held == digest);
        if unchanged && self.size_of(&path).is_some() {
            self.done.kept += 1;
        } else {
            self.file(Path::new(&path), &seal_to(recipient, lines.as_bytes())?)?;
            self.file(Path::new(&mark), digest.as_bytes())?;
        }
        for name in attachments {
            let relative = Path::new("attachments").join(name.to_base64url());
            let source = attachment::path(store.dir(), &name);
            self.copy(&relative, &source)?;
        }
        Ok(())
    }

    fn copy(&mut self, relative: &Path, source: &Path) -> Result<(), CarryError> {
        let target = self.target.join(relative);
        let size = |path: &Path| std::fs::metadata(path).map(|m| m.len()).ok();
        if size(&target).is_some() && size(&target) == size(source) {
            self.done.kept += 1;
            return Ok(());
        }
        copy_file(source, &target)?;
        self.done.written += 1;
        Ok(())
    }

    fn file(&mut self, relative: &Path, bytes: &[u8]) -> Result<(), CarryError> {
        let path = self.target.join(relative);
        if std::fs::read(&path).is_ok_and(|held| held == bytes) {
            self.done.kept += 1;
            return Ok(());
        }
        write_whole(&path, bytes)?;
        self.done.written += 1;
        Ok(())
    }
}

fn copy_file(source: &Path, target: &Path) -> Result<(), StoreError> {
    let dir = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(file_error(dir))?;
    let partial = target.with_extension("partial");
    std::fs::copy(source, &partial).map_err(file_error(source))?;
    let file = std::fs::File::open(&partial).map_err(file_error(&partial))?;
    file.sync_all().map_err(file_error(&partial))?;
    std::fs::rename(&partial, target).map_err(file_error(target))
}

fn sealed_path(id: TileId) -> String {
    id.path().replacen("tile/entries", "sealed", 1)
}

/// What to take in.
pub struct In<'i> {
    /// The node's data.
    pub data: &'i Path,
    /// The directory on the carrier.
    pub source: &'i Path,
    /// The node's own identity for what is sealed to it.
    pub identity: &'i SealIdentity,
    /// The own log's origin, if this node has one.
    pub own_origin: Option<&'i str>,
    /// Keys of logs that are not known here yet, as their owners gave them over another line.
    pub pins: &'i [VerifierKey],
}

/// What became of one log on the carrier.
#[derive(Debug)]
pub struct CarriedIn {
    /// Its origin.
    pub origin: String,
    /// The result; on an error nothing of it was taken over.
    pub result: Result<Extended, MirrorError>,
}

/// What came in.
#[derive(Debug, Default)]
pub struct Arrived {
    /// The logs of others.
    pub logs: Vec<CarriedIn>,
    /// The head of our own log that the sender holds.
    pub own_head: Option<SignedCheckpoint>,
    /// Our own heads that the sender cosigned.
    pub cosigned: Vec<SignedCheckpoint>,
}

/// Takes in what a carrier brings: copies it to quarantine, verifies it, and only then extends the mirrors.
///
/// # Errors
/// [`CarryError`] when the carrier or the disk cannot be read; what is wrong with one log stands in its result.
pub fn take_in(order: &In<'_>, mut progress: impl FnMut(u64, u64)) -> Result<Arrived, CarryError> {
    let mut arrived = Arrived::default();
    let logs = order.source.join("logs");
    let mut names: Vec<String> = std::fs::read_dir(&logs)
        .map_err(file_error(&logs))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    if names.len() > LOGS_MAX {
        return Err(CarryError::TooMany);
    }
    for name in names {
        let source = Directory::new(&logs.join(&name));
        let Some(note) = source.checkpoint() else {
            continue;
        };
        let Ok(head) = SignedCheckpoint::parse(&note) else {
            continue;
        };
        let origin = head.checkpoint().origin().to_owned();
        if Some(origin.as_str()) == order.own_origin {
            arrived.own_head = Some(head);
            continue;
        }
        let result = take_log(order, &source, &head, &mut progress);
        arrived.logs.push(CarriedIn { origin, result });
    }
    if let Some(own) = order.own_origin {
        let path = order.source.join("cosigned").join(directory_name(own));
        let cosigned = std::fs::read(path)
            .ok()
            .and_then(|note| SignedCheckpoint::parse(&note).ok());
        arrived
            .cosigned
            .extend(cosigned.filter(|head| head.checkpoint().origin() == own));
    }
    Ok(arrived)
}

fn take_log(
    order: &In<'_>,
    source: &Directory,
    head: &SignedCheckpoint,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Extended, MirrorError> {
    let name = directory_name(head.checkpoint().origin());
    // An origin is a path of ours only when it follows our rule for origins.
    let origin: crate::name::Origin = head
        .checkpoint()
        .origin()
        .parse()
        .map_err(|_| MirrorError::NoCheckpoint)?;
    let dir = order.data.join(MIRRORS).join(&name);
    let pin = order.pins.iter().find(|pin| pin.name() == origin.as_str());
    if !dir.exists() && pin.is_none() {
        let key = head
            .note()
            .signatures()
            .iter()
            .find(|s| s.name() == origin.as_str());
        return Err(MirrorError::Unknown {
            origin: origin.to_string(),
            key: key.map_or_else(
                || "KEY".to_owned(),
                |s| format!("{}+{:08x}+…", s.name(), s.id()),
            ),
        });
    }
    let quarantine = order.data.join(QUARANTINE).join(&name);
    quarantine_files(source, head, &quarantine, progress)?;
    let files = Directory::new(&quarantine);
    let mut mirror = match (dir.exists(), pin) {
        (true, _) => Mirror::open(&dir)?,
        (false, pin) => Mirror::create(&dir, pin.ok_or(MirrorError::NoCheckpoint)?)?,
    };
    let extended = mirror.extend(&files, |id| opened(order, &files, mirror_dir(&dir), id))?;
    let _ = std::fs::remove_dir_all(&quarantine);
    Ok(extended)
}

fn mirror_dir(dir: &Path) -> PathBuf {
    dir.join("attachments")
}

/// Copies the files that the head names, and no others, into quarantine.
fn quarantine_files(
    source: &Directory,
    head: &SignedCheckpoint,
    quarantine: &Path,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), MirrorError> {
    let size = head.checkpoint().size();
    let all = size.div_ceil(256).saturating_mul(2);
    let mut copied = 0;
    for id in tiles_of(size).chain(bundles_of(size)) {
        let path = id.path();
        let target = quarantine.join(&path);
        let bytes = source
            .tile(id)
            .ok_or(crate::c2sp::tile::TileError::Missing { id })?;
        if !std::fs::read(&target).is_ok_and(|held| held == bytes) {
            write_whole(&target, &bytes)?;
        }
        copied += 1;
        progress(copied.min(all), all);
    }
    for id in bundles_of(size) {
        let path = sealed_path(id);
        let from = source.path().join(&path);
        let sound =
            std::fs::metadata(&from).is_ok_and(|m| m.is_file() && m.len() <= SEALED_BYTES_MAX);
        if sound {
            copy_file(&from, &quarantine.join(&path))?;
        }
    }
    let attachments = source.path().join("attachments");
    if let Ok(entries) = std::fs::read_dir(&attachments) {
        for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            if let Ok(hash) = Hash::from_base64url(&name) {
                copy_file(
                    &attachments.join(&name),
                    &attachment::path(quarantine, &hash),
                )?;
            }
        }
    }
    write_whole(&quarantine.join("checkpoint"), head.to_string().as_bytes())?;
    Ok(())
}

/// What a sealed file delivers. One that was sealed to somebody else delivers nothing.
fn opened(order: &In<'_>, files: &Directory, attachments: PathBuf, id: TileId) -> Vec<Delivered> {
    let sealed = std::fs::read(files.path().join(sealed_path(id))).ok();
    let clear = sealed
        .and_then(|sealed| order.identity.open(&sealed))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&clear);
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(one) = delivered(line) {
            for (name, _) in &one.attachments {
                let from = attachment::path(files.path(), name);
                let whole = attachment::verify(files.path(), name).is_ok();
                if whole {
                    let _ = copy_file(&from, &attachments.join(name.to_base64url()));
                }
            }
            all.push(one);
        }
    }
    all
}

fn delivered(line: &str) -> Option<Delivered> {
    let value = json::parse(line.as_bytes()).ok()?;
    let disclosures = value.get("disclosures")?.as_array()?;
    let attachments = value.get("attachments")?.as_array()?;
    Some(Delivered {
        index: value.get("index")?.as_u64()?,
        disclosures: disclosures
            .iter()
            .filter_map(|d| Disclosure::parse(d.as_str()?).ok())
            .collect(),
        attachments: attachments
            .iter()
            .filter_map(|a| {
                let name = Hash::from_base64url(a.get("name")?.as_str()?).ok()?;
                let key = Hash::from_base64url(a.get("key")?.as_str()?).ok()?;
                Some((name, SealKey(key.0)))
            })
            .collect(),
    })
}
