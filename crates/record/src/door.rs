//! The public door: the paths of a log as bytes, for a reader. Whoever serves them adds only the transport.
//!
//! Everybody gets the same tree. The public gets it as of an earlier head, so that the growth of a log does not tell in real
//! time that something is happening, and no path beyond that head is answered.

use crate::audience::Reader;
use crate::c2sp::checkpoint::SignedCheckpoint;
use crate::c2sp::cosignature::WitnessPolicy;
use crate::c2sp::note::VerifierKey;
use crate::c2sp::tile::{self, Content, TileId, TileReader};
use crate::c2sp::tree::leaf_hash;
use crate::log::Log;
use crate::store::{StoreError, sqlite};

/// When a head becomes public.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Only heads that are at least this old, in milliseconds.
    pub delay_ms: i64,
    /// Only heads that these witnesses cosigned.
    pub witnesses: Option<WitnessPolicy>,
}

/// Heads with the witnesses' names on them that are looked at for one whose cosignatures are right. More than the first is only
/// looked at when somebody put a wrong cosignature there.
const HEADS_LOOKED_AT_MAX: usize = 64;

/// Why a path is not answered. Unknown, not yet public and not for this reader are one answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// No such path.
    #[error("not found")]
    NotFound,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers `path` (`checkpoint`, `tile/…`, `tile/entries/…`) of `log` for `reader`.
///
/// # Errors
/// [`DoorError::NotFound`] for every path that does not lie inside the reader's head.
pub fn answer(
    log: &Log,
    policy: &Policy,
    reader: &Reader,
    path: &str,
) -> Result<Vec<u8>, DoorError> {
    let head = head_for(log, policy, reader)?.ok_or(DoorError::NotFound)?;
    if path == "checkpoint" {
        return Ok(head.to_string().into_bytes());
    }
    let id = TileId::parse(path).map_err(|_| DoorError::NotFound)?;
    StoreTiles::new(log.reader().clone(), head.checkpoint().size())
        .read(id)?
        .ok_or(DoorError::NotFound)
}

/// The head that `reader` sees: the newest, or for the public the newest public one.
///
/// # Errors
/// [`StoreError`].
pub fn head_for(
    log: &Log,
    policy: &Policy,
    reader: &Reader,
) -> Result<Option<SignedCheckpoint>, StoreError> {
    if *reader != Reader::public() {
        return Ok(log.head().map(|head| head.checkpoint.clone()));
    }
    let until_ms = log.now().0.saturating_sub(policy.delay_ms);
    match &policy.witnesses {
        None => {
            let kept = log.reader().kept_head(until_ms, u64::MAX)?;
            kept.map(|(_, note)| parse(&note)).transpose()
        }
        Some(witnesses) => witnessed_head(log, witnesses, until_ms),
    }
}

/// The newest kept head that enough of the witnesses cosigned. It is found at once, however many heads were signed since.
fn witnessed_head(
    log: &Log,
    witnesses: &WitnessPolicy,
    until_ms: i64,
) -> Result<Option<SignedCheckpoint>, StoreError> {
    let keys: Vec<u32> = witnesses.keys().iter().map(VerifierKey::id).collect();
    let mut below = u64::MAX;
    for _ in 0..HEADS_LOOKED_AT_MAX {
        let marked = log
            .reader()
            .cosigned_head(until_ms, below, &keys, witnesses.threshold())?;
        let Some((size, note)) = marked else {
            return Ok(None);
        };
        let head = parse(&note)?;
        if witnesses.check(&head).is_err() {
            below = size;
            continue;
        } // protects: a_head_with_a_wrong_cosignature_is_not_public
        return Ok(Some(head));
    }
    Ok(None)
}

fn parse(note: &str) -> Result<SignedCheckpoint, StoreError> {
    SignedCheckpoint::parse(note.as_bytes()).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The tiles of a stored log as of `size` entries.
#[derive(Clone)]
pub struct StoreTiles {
    reader: sqlite::Reader,
    size: u64,
}

impl StoreTiles {
    /// The tiles of the tree of `size` entries.
    #[must_use]
    pub fn new(reader: sqlite::Reader, size: u64) -> Self {
        Self { reader, size }
    }

    /// The bytes of tile or entry bundle `id`, if it lies within the tree.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        let level = match id.content() {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        let (first, width) = (id.index().saturating_mul(256), u64::from(id.width()));
        let there = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        if first.checked_add(width).is_none_or(|end| end > there) {
            return Ok(None);
        } // protects: the_public_sees_nothing_beyond_an_earlier_witnessed_head
        match id.content() {
            Content::Entries => self.bundle(first, width).map(Some),
            Content::Hashes(0) => match self.reader.tile(0, id.index())? {
                Some(mut hashes) => {
                    hashes.truncate(id.width() as usize * 32);
                    Ok(Some(hashes))
                }
                None => self.leaf_hashes(first, width).map(Some),
            },
            Content::Hashes(level) => {
                let mut hashes = self.reader.tile(level, id.index())?;
                if let Some(hashes) = &mut hashes {
                    hashes.truncate(id.width() as usize * 32);
                }
                Ok(hashes.filter(|hashes| hashes.len() == id.width() as usize * 32))
            }
        }
    }

    fn leaves(&self, first: u64, width: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let leaves = self.reader.leaves(first, first + width)?;
        if leaves.len() as u64 == width {
            return Ok(leaves);
        }
        Err(StoreError::Damaged(format!(
            "entry {} is missing",
            first + leaves.len() as u64
        )))
    }

    fn bundle(&self, first: u64, width: u64) -> Result<Vec<u8>, StoreError> {
        let leaves = self.leaves(first, width)?;
        tile::encode_bundle(leaves.iter().map(Vec::as_slice))
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    fn leaf_hashes(&self, first: u64, width: u64) -> Result<Vec<u8>, StoreError> {
        let leaves = self.leaves(first, width)?;
        Ok(leaves.iter().flat_map(|leaf| leaf_hash(leaf).0).collect())
    }
}

impl TileReader for StoreTiles {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        self.read(id).ok().flatten()
    }
}
