//! Another participant's log as we hold it: verified, stored verbatim, never refused for what it says.

use crate::c2sp::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::c2sp::note::VerifierKey;
use crate::c2sp::tile::{
    TileError, TileHashes, TileId, bundles_of, load_tree, new_bundles, parse_bundle,
};
use crate::c2sp::tree::{Tree, leaf_hash};
use crate::c2sp::witness::Evidence;
use crate::door::StoreTiles;
use crate::encoding::Hash;
use crate::files::LogFiles;
use crate::keyring::{ControlError, KeyRing};
use crate::log::{Edge, HEAD, secret_file};
use crate::name::{LogId, decimal};
use crate::statement::{Disclosure, Leaf, Statement, StatementError};
use crate::store::head::{HeadError, HeadFile};
use crate::store::seal::{SealKey, Sealed, seal};
use crate::store::sqlite::{Held, Place, Reader, SqliteStore};
use crate::store::{NewEntry, Store, StoreError, file_error, write_whole};
use std::path::{Path, PathBuf};

/// The file that holds the verifier key by which this log is known.
pub const PIN: &str = "pin";
/// The file that notes from which entry on something was disclosed after the entry itself was here.
pub const LATE: &str = "late";

/// Why a log was not mirrored. What is mirrored already stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The source has no signed head.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The head is malformed, of another log or not signed by one of its keys.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Tiles or bundles are missing or malformed.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The entries do not hash to the signed root.
    #[error(
        "the entries do not hash to the root that was signed for {0} entries: the copy is damaged"
    )]
    Damaged(u64),
    /// The log signed two histories. Both heads are the evidence.
    #[error("the log has signed another history than the one held here: it was forked")]
    Forked(Box<Evidence>),
    /// Entry 0 founds no log, or another one.
    #[error("entry 0: {0}")]
    Founding(#[from] ControlError),
    /// The log is not known here.
    #[error(
        "log {origin} is not known here. Compare its key with its owner over another line, then give it with --pin {key}"
    )]
    Unknown {
        /// Its origin.
        origin: String,
        /// The key that its head names, unproven.
        key: String,
    },
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head file.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// A disclosure could not be stored.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

/// What came with the entries for us to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The entry.
    pub index: u64,
    /// Its disclosures, as they came.
    pub disclosures: Vec<Disclosure>,
    /// Keys of attachments that they name.
    pub attachments: Vec<(Hash, SealKey)>,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extended {
    /// Entries before.
    pub from: u64,
    /// Entries now.
    pub to: u64,
    /// Disclosures that are new here.
    pub disclosures: u64,
    /// Disclosures that belong to no digest of their entry and were left out.
    pub stray: u64,
}

/// A mirrored log.
pub struct Mirror {
    dir: PathBuf,
    store: SqliteStore,
    head_file: HeadFile,
    reader: Reader,
    head: Option<SignedCheckpoint>,
    pin: VerifierKey,
}

impl Mirror {
    /// Starts a mirror in the new directory `dir` of the log that `pin` signs.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub fn create(dir: &Path, pin: &VerifierKey) -> Result<Self, MirrorError> {
        let attachments = dir.join("attachments");
        std::fs::create_dir_all(&attachments).map_err(file_error(&attachments))?;
        secret_file(&dir.join(PIN), &format!("{pin}\n"))?;
        SqliteStore::create(&Place::new(dir))?;
        drop(HeadFile::create(&dir.join(HEAD))?);
        Self::open(dir)
    }

    /// Opens the mirror in `dir`; what an interrupted import left beyond its head is dropped.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub fn open(dir: &Path) -> Result<Self, MirrorError> {
        let head_file = HeadFile::open(&dir.join(HEAD))?;
        let pin = std::fs::read_to_string(dir.join(PIN)).map_err(file_error(&dir.join(PIN)))?;
        let pin = VerifierKey::parse(pin.trim_end())
            .map_err(|error| StoreError::Damaged(format!("pin: {error}")))?;
        let place = Place::new(dir);
        let mut store = SqliteStore::open(&place)?;
        let head = head_file
            .note()
            .map(|note| SignedCheckpoint::parse(note.as_bytes()))
            .transpose()?;
        store.truncate(head.as_ref().map_or(0, |head| head.checkpoint().size()))?;
        Ok(Self {
            dir: dir.to_owned(),
            reader: Reader::open(&place)?,
            store,
            head_file,
            head,
            pin,
        })
    }

    /// The last head whose entries are all here.
    #[must_use]
    pub fn head(&self) -> Option<&SignedCheckpoint> {
        self.head.as_ref()
    }

    /// The reading side.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Brings the mirror up to the head of `files`, with what was `delivered` of each bundle's entries for us to read.
    /// Everything is verified before anything is stored.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub fn extend(
        &mut self,
        files: &impl LogFiles,
        mut delivered: impl FnMut(TileId) -> Vec<Delivered>,
    ) -> Result<Extended, MirrorError> {
        let note = files.checkpoint().ok_or(MirrorError::NoCheckpoint)?;
        let head = SignedCheckpoint::parse(&note)?;
        let (old, new) = (self.size(), head.checkpoint().size());
        let mut extended = Extended {
            from: old,
            to: old.max(new),
            ..Extended::default()
        };
        if new <= old {
            self.check_older(&head)?;
        } else {
            let (ring, _) = self.verify(files, &head)?;
            self.check_signature(&head, &ring)?;
            self.store_entries(files, old, new)?;
            self.head_file.write(&String::from_utf8_lossy(&note))?;
            self.head = Some(head);
        }
        for id in bundles_of(new.max(old)) {
            self.disclose(&delivered(id), &mut extended)?;
        }
        Ok(extended)
    }

    fn size(&self) -> u64 {
        self.head
            .as_ref()
            .map_or(0, |head| head.checkpoint().size())
    }

    fn tree(&self, size: u64) -> Result<Tree, TileError> {
        load_tree(&StoreTiles::new(self.reader.clone(), size), size)
    }

    /// A head that is not larger than ours must be the beginning of ours.
    fn check_older(&self, head: &SignedCheckpoint) -> Result<(), MirrorError> {
        let Some(ours) = &self.head else {
            return Ok(());
        };
        let ring = self.ring(self.size())?.1;
        self.check_signature(head, &ring)?;
        if self.tree(head.checkpoint().size())?.root() == *head.checkpoint().root() {
            return Ok(());
        }
        let tiles = StoreTiles::new(self.reader.clone(), self.size());
        let hashes = TileHashes::new(&tiles, self.size());
        Err(match Evidence::from_tree(ours, head, &hashes) {
            Ok(Some(evidence)) => MirrorError::Forked(Box::new(evidence)),
            _ => MirrorError::Damaged(head.checkpoint().size()),
        })
    }

    /// Rebuilds the tree from our entries and the new ones; returns the keys that it then has.
    fn verify(
        &self,
        files: &impl LogFiles,
        head: &SignedCheckpoint,
    ) -> Result<(KeyRing, LogId), MirrorError> {
        let (old, new) = (self.size(), head.checkpoint().size());
        let mut tree = self.tree(old)?;
        let mut keys = if old > 0 { Some(self.ring(old)?) } else { None };
        for id in new_bundles(old, new) {
            for (index, entry) in new_entries(files, id, old)? {
                tree.append(leaf_hash(&entry));
                let leaf = Leaf::from_bytes(&entry);
                match (&mut keys, leaf) {
                    (None, Ok(leaf)) => {
                        let id = LogId::new(leaf.log.origin.clone(), leaf.hash());
                        keys = Some((id, KeyRing::declare(&leaf)?));
                    }
                    (None, Err(error)) => return Err(error.into()),
                    (Some((_, ring)), Ok(leaf)) => ring.observe(&leaf, index),
                    (Some(_), Err(_)) => {} // stored all the same: a mirror never refuses content
                }
            }
        }
        let (id, ring) = keys.ok_or(MirrorError::NoCheckpoint)?;
        if tree.root() != *head.checkpoint().root() {
            return Err(self.why_other_root(files, head));
        }
        Ok((ring, id))
    }

    /// Either the copy is damaged, or the log has signed another history than ours.
    fn why_other_root(&self, files: &impl LogFiles, head: &SignedCheckpoint) -> MirrorError {
        let size = head.checkpoint().size();
        let hashes = TileHashes::new(files, size);
        let signed = self
            .ring(self.size())
            .is_ok_and(|(_, ring)| self.check_signature(head, &ring).is_ok());
        let evidence = self
            .head
            .as_ref()
            .filter(|_| signed)
            .map(|ours| Evidence::from_tree(ours, head, &hashes));
        match evidence {
            Some(Ok(Some(evidence))) => MirrorError::Forked(Box::new(evidence)),
            _ => MirrorError::Damaged(size),
        }
    }

    /// The head must be signed by a key that is valid at its size. At first that must be the pinned key itself: only then
    /// is what entry 0 declares more than a stranger's word.
    fn check_signature(&self, head: &SignedCheckpoint, ring: &KeyRing) -> Result<(), MirrorError> {
        let valid = ring.log_keys(head.checkpoint().size());
        let mut keys: Vec<VerifierKey> = valid
            .iter()
            .filter_map(|key| VerifierKey::parse(key).ok())
            .collect();
        if self.head.is_none() {
            keys.retain(|key| *key == self.pin); // protects: an_unknown_log_is_believed_only_under_the_pinned_key
        }
        head.verify(self.pin.name(), &keys)?; // protects: a_mirror_takes_no_head_that_the_log_did_not_sign
        Ok(())
    }

    fn ring(&self, size: u64) -> Result<(LogId, KeyRing), MirrorError> {
        let missing = |index| StoreError::Damaged(format!("entry {index} is missing"));
        let leaf0 = Leaf::from_bytes(&self.reader.leaf(0)?.ok_or_else(|| missing(0))?)?;
        let mut ring = KeyRing::declare(&leaf0)?;
        for index in self
            .reader
            .control_indices(size)?
            .into_iter()
            .filter(|index| *index > 0)
        {
            let leaf = self.reader.leaf(index)?.ok_or_else(|| missing(index))?;
            ring.observe(&Leaf::from_bytes(&leaf)?, index);
        }
        Ok((LogId::new(leaf0.log.origin.clone(), leaf0.hash()), ring))
    }

    fn store_entries(
        &mut self,
        files: &impl LogFiles,
        old: u64,
        new: u64,
    ) -> Result<(), MirrorError> {
        let mut edge = Edge::load(&StoreTiles::new(self.reader.clone(), old), old)?;
        let mut size = old;
        for id in new_bundles(old, new) {
            let entries: Vec<NewEntry> = new_entries(files, id, old)?
                .into_iter()
                .map(|(_, entry)| verbatim(entry))
                .collect();
            let hashes: Vec<Hash> = entries.iter().map(|entry| leaf_hash(&entry.leaf)).collect();
            let tiles = edge.grow(size, &hashes)?;
            self.store.append(size, &entries, &tiles)?;
            size += entries.len() as u64;
        }
        Ok(())
    }

    /// The first entry of which something came after the entry itself, since this was forgotten last: whoever has read the log
    /// reads it again from there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn late(&self) -> Result<Option<u64>, StoreError> {
        let path = self.dir.join(LATE);
        match std::fs::read_to_string(&path) {
            // What cannot be read may stand for anything.
            Ok(text) => Ok(Some(decimal(text.trim_end()).unwrap_or(0))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error(&path)(error)),
        }
    }

    /// Everything was read again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_late(&self) -> Result<(), StoreError> {
        let path = self.dir.join(LATE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file_error(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Notes, before anything of it is stored, that an entry is disclosed late.
    fn note_late(&self, index: u64) -> Result<(), StoreError> {
        if self.late()?.is_none_or(|late| index < late) {
            write_whole(&self.dir.join(LATE), format!("{index}\n").as_bytes())?;
            let dir = std::fs::File::open(&self.dir).map_err(file_error(&self.dir))?;
            dir.sync_all().map_err(file_error(&self.dir))?;
        } // protects: what_a_stick_discloses_of_entries_that_were_folded_is_folded
        Ok(())
    }

    /// Stores what was delivered of one bundle: the disclosures first, all together, then the attachments that they name.
    fn disclose(&mut self, all: &[Delivered], extended: &mut Extended) -> Result<(), MirrorError> {
        let mut sealed: Vec<(u64, u64, Sealed, SealKey)> = Vec::new();
        let mut taken = Vec::new();
        let mut late = None;
        for one in all {
            let Some((before, held)) = self.completed(one, extended)? else {
                continue;
            };
            if one.index < extended.from && before != held {
                late = Some(late.map_or(one.index, |late: u64| late.min(one.index)));
            }
            for (slot, disclosure) in held.slots() {
                if one.disclosures.contains(disclosure) {
                    let (ciphertext, key) = seal(disclosure).map_err(StatementError::from)?;
                    sealed.push((one.index, slot, ciphertext, key));
                }
            }
            taken.push((one, held));
        }
        if let Some(late) = late {
            self.note_late(late)?;
        }
        extended.disclosures += self.store.disclose(&sealed)?;
        for (one, held) in &taken {
            self.link_attachments(one, held)?;
        }
        Ok(())
    }

    /// The entry's statement as it is held, and with what was delivered of it; what does not belong to it is counted and left
    /// out.
    fn completed(
        &self,
        one: &Delivered,
        extended: &mut Extended,
    ) -> Result<Option<(Statement, Statement)>, MirrorError> {
        let before = self
            .reader
            .statement(one.index)?
            .filter(|_| one.index < extended.to);
        let Some(before) = before else {
            extended.stray += one.disclosures.len() as u64;
            return Ok(None);
        };
        let mut held = before.clone();
        for disclosure in &one.disclosures {
            let mut all: Vec<Disclosure> = held.disclosures().cloned().collect();
            if all.contains(disclosure) {
                continue;
            }
            all.push(disclosure.clone());
            // Content counts only when its head is known, so a bundle gives heads first.
            match Statement::assemble(held.leaf().clone(), all) {
                Ok(statement) => held = statement,
                Err(_) => extended.stray += 1,
            }
        }
        Ok(Some((before, held)))
    }

    fn link_attachments(&mut self, one: &Delivered, held: &Statement) -> Result<(), MirrorError> {
        if one.attachments.is_empty() {
            return Ok(());
        }
        for (slot, disclosure) in held.slots().filter(|(slot, _)| *slot > 0) {
            let open = self.reader.held(one.index, slot, disclosure.digest())?;
            for (name, key) in one
                .attachments
                .iter()
                .filter(|_| matches!(open, Held::Open(_)))
            {
                if crate::log::attachment_names(disclosure.value()).contains(&name.to_base64url()) {
                    self.store.stage_attachment(name, key)?;
                    self.store.link_attachment(name, one.index, slot)?;
                }
            }
        }
        Ok(())
    }

    /// The verifier keys that sign this log's heads now.
    ///
    /// # Errors
    /// [`MirrorError`] when entry 0 cannot be read.
    pub fn log_keys(&self) -> Result<Vec<VerifierKey>, MirrorError> {
        let ring = self.ring(self.size())?.1;
        Ok(ring
            .log_keys(self.size())
            .iter()
            .filter_map(|key| VerifierKey::parse(key).ok())
            .collect())
    }

    /// Destroys the groups `names` of entry `index`, for good, because its author's `statement` at entry `by` says so.
    ///
    /// # Errors
    /// [`StoreError`]; call it again, it is idempotent.
    pub fn erase(
        &mut self,
        index: u64,
        names: &[&str],
        statement: &str,
        by: u64,
    ) -> Result<(), StoreError> {
        let held = self.reader.statement(index)?;
        let groups = held
            .iter()
            .filter_map(|held| held.head())
            .flat_map(|head| head.groups.keys());
        let slots: Vec<u64> = (1..)
            .zip(groups)
            .filter(|(_, name)| names.contains(&name.as_str()))
            .map(|(slot, _)| slot)
            .collect();
        self.store.erase(index, &slots, statement)?;
        self.store.erased(statement, by)
    }

    /// The keys of the mirrored log, as of its last head.
    ///
    /// # Errors
    /// [`MirrorError`] when entry 0 cannot be read.
    pub fn keys(&self) -> Result<KeyRing, MirrorError> {
        Ok(self.ring(self.size())?.1)
    }

    /// The mirror's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// The entries of bundle `id` from index `old` on.
fn new_entries(
    files: &impl LogFiles,
    id: TileId,
    old: u64,
) -> Result<Vec<(u64, Vec<u8>)>, TileError> {
    let bytes = files.tile(id).ok_or(TileError::Missing { id })?;
    let entries = parse_bundle(&bytes)?;
    if entries.len() != usize::from(id.width()) {
        return Err(TileError::Missing { id });
    }
    let first = id.index() * 256;
    Ok((first..)
        .zip(entries)
        .filter(|(index, _)| *index >= old)
        .map(|(index, entry)| (index, entry.to_vec()))
        .collect())
}

pub(crate) fn verbatim(leaf: Vec<u8>) -> NewEntry {
    let parsed = Leaf::from_bytes(&leaf).ok();
    NewEntry {
        minute_s: parsed.as_ref().map_or(-1, |leaf| leaf.minute_s),
        signing: parsed
            .as_ref()
            .map_or_else(|| leaf_hash(&leaf), Leaf::signing_hash),
        control: parsed.as_ref().is_some_and(|leaf| leaf.control().is_some()),
        leaf,
        disclosures: Vec::new(),
        object: None,
        attachments: Vec::new(),
    }
}
