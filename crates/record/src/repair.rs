//! Mending a log from somebody's mirror of it. Nothing is signed anew: what is mended must hash to a head that was signed.

use crate::c2sp::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::c2sp::note::VerifierKey;
use crate::c2sp::tile::{TileError, TileId, TileReader, parse_bundle, parse_tile, verify_tiles};
use crate::c2sp::tree::{Tree, leaf_hash};
use crate::encoding::Hash;
use crate::files::LogFiles;
use crate::log::HEAD;
use crate::store::head::{HeadError, HeadFile};
use crate::store::sqlite::{KEYS, RECORD, salvage};
use crate::store::{StoreError, file_error};
use std::path::{Path, PathBuf};

/// Where the mended database is made.
const WORK: &str = "repair";

/// Why a log was not mended. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The mirror has no head.
    #[error("the mirror has no checkpoint")]
    NoCheckpoint,
    /// The mirror's head is not signed by this log's key.
    #[error("the mirror's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Neither our database nor the mirror has the entry as it was signed.
    #[error("entry {0} is neither here nor in the mirror as it was signed; try another mirror")]
    Lost(u64),
    /// The mirror itself is damaged.
    #[error("the mirror is damaged: {0}")]
    Tiles(#[from] TileError),
    /// Our own head is larger than the mirror's, and entries between are damaged.
    #[error(
        "our signed head has {ours} entries, the mirror's {mirror}; what lies between does not hash to ours. Try a newer mirror"
    )]
    MirrorBehind {
        /// Entries under our head.
        ours: u64,
        /// Entries under the mirror's.
        mirror: u64,
    },
    /// The head file is held by a running process.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was done.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// Entries under the head.
    pub size: u64,
    /// Entries that were taken from the mirror.
    pub taken: u64,
    /// Entries of our own that were right.
    pub kept: u64,
    /// Disclosures that could be read and were kept.
    pub disclosures_kept: u64,
    /// Rows of disclosures that could not be read any more.
    pub disclosures_lost: u64,
    /// Where the damaged database lies now.
    pub damaged: PathBuf,
}

/// Mends the log in `dir`. `keys` are the log's verifier keys as this node knows them by its own private keys.
///
/// # Errors
/// [`RepairError`]; nothing is changed then.
pub fn repair(
    dir: &Path,
    mirror: &impl LogFiles,
    keys: &[VerifierKey],
) -> Result<Repaired, RepairError> {
    let path = dir.join(HEAD);
    let mut head_file = match HeadFile::open(&path) {
        Err(HeadError::Missing(_)) => HeadFile::create(&path)?,
        other => other?,
    };
    let origin = keys.first().map_or("", VerifierKey::name);
    let theirs = SignedCheckpoint::parse(&mirror.checkpoint().ok_or(RepairError::NoCheckpoint)?)?;
    theirs.verify(origin, keys)?; // protects: a_repair_takes_nothing_that_was_not_signed
    let (mirror_size, root) = (theirs.checkpoint().size(), *theirs.checkpoint().root());
    verify_tiles(mirror, mirror_size, &root)?;
    let ours = head_file
        .note()
        .and_then(|note| SignedCheckpoint::parse(note.as_bytes()).ok());
    let ours = ours.filter(|head| head.verify(origin, keys).is_ok());
    let head = ours
        .filter(|ours| ours.checkpoint().size() > mirror_size)
        .unwrap_or(theirs);
    let size = head.checkpoint().size();

    let work = dir.join(WORK);
    if work.exists() {
        std::fs::remove_dir_all(&work).map_err(file_error(&work))?;
    }
    std::fs::create_dir_all(&work).map_err(file_error(&work))?;
    let mut done = Repaired {
        size,
        taken: 0,
        kept: 0,
        disclosures_kept: 0,
        disclosures_lost: 0,
        damaged: dir.join(format!("{RECORD}.damaged")),
    };
    let mut tree = Tree::new();
    let mut of_mirror = OfMirror::new(mirror, mirror_size);
    let salvaged = salvage(dir, &work, size, |index, held| {
        let signed = of_mirror.hash(index)?;
        let right = |leaf: &Vec<u8>| signed.is_none_or(|hash| leaf_hash(leaf) == hash);
        let leaf = match held.filter(right) {
            Some(leaf) => {
                done.kept += 1;
                leaf
            }
            None => {
                done.taken += 1;
                of_mirror.entry(index)?
            }
        };
        tree.append(leaf_hash(&leaf));
        Ok::<_, RepairError>(leaf)
    })?;
    if tree.root() != *head.checkpoint().root() {
        return Err(RepairError::MirrorBehind {
            ours: size,
            mirror: mirror_size,
        });
    }
    (done.disclosures_kept, done.disclosures_lost) = salvaged;
    swap(dir, &work, &done.damaged)?;
    head_file.write(&head.to_string())?;
    Ok(done)
}

/// Puts the mended database in the place of the damaged one, which is kept.
fn swap(dir: &Path, work: &Path, damaged: &Path) -> Result<(), StoreError> {
    let record = dir.join(RECORD);
    for (from, to) in [
        (record.clone(), damaged.to_owned()),
        (
            dir.join(format!("{RECORD}-wal")),
            dir.join(format!("{RECORD}.damaged-wal")),
        ),
        (work.join(RECORD), record),
    ] {
        if from.exists() {
            std::fs::rename(&from, &to).map_err(file_error(&from))?;
        }
    }
    let _ = std::fs::remove_file(dir.join(format!("{RECORD}-shm")));
    let _ = std::fs::remove_file(work.join(KEYS));
    std::fs::remove_dir_all(work).map_err(file_error(work))?;
    crate::store::head::sync_directory_of(&dir.join(RECORD))
}

/// Entries and leaf hashes of the mirror, one bundle at a time.
struct OfMirror<'m, M> {
    mirror: &'m M,
    size: u64,
    bundle: Option<(u64, Vec<Hash>, Vec<Vec<u8>>)>,
}

impl<'m, M: TileReader> OfMirror<'m, M> {
    fn new(mirror: &'m M, size: u64) -> Self {
        Self {
            mirror,
            size,
            bundle: None,
        }
    }

    fn load(&mut self, index: u64) -> Result<(), RepairError> {
        let number = index / 256;
        if self
            .bundle
            .as_ref()
            .is_some_and(|(held, ..)| *held == number)
        {
            return Ok(());
        }
        let width = u16::try_from((self.size - number * 256).min(256)).unwrap_or(256);
        let (tile, bundle) = (
            TileId::hashes(0, number, width)?,
            TileId::entries(number, width)?,
        );
        let hashes = self
            .mirror
            .tile(tile)
            .ok_or(TileError::Missing { id: tile })?;
        let entries = self
            .mirror
            .tile(bundle)
            .ok_or(TileError::Missing { id: bundle })?;
        let entries = parse_bundle(&entries)?
            .into_iter()
            .map(<[u8]>::to_vec)
            .collect();
        self.bundle = Some((number, parse_tile(tile, &hashes)?, entries));
        Ok(())
    }

    /// The hash that was signed for entry `index`, when the mirror goes so far.
    fn hash(&mut self, index: u64) -> Result<Option<Hash>, RepairError> {
        if index >= self.size {
            return Ok(None);
        }
        self.load(index)?;
        let at = usize::try_from(index % 256).unwrap_or(0);
        Ok(self
            .bundle
            .as_ref()
            .and_then(|(_, hashes, _)| hashes.get(at).copied()))
    }

    /// The mirror's entry, if it is the one that was signed.
    fn entry(&mut self, index: u64) -> Result<Vec<u8>, RepairError> {
        let hash = self.hash(index)?.ok_or(RepairError::Lost(index))?;
        let at = usize::try_from(index % 256).unwrap_or(0);
        let entry = self
            .bundle
            .as_ref()
            .and_then(|(_, _, entries)| entries.get(at).cloned());
        entry
            .filter(|entry| leaf_hash(entry) == hash)
            .ok_or(RepairError::Lost(index))
    }
}
