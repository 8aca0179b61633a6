//! Where a log is kept: a database of leaves, a database of keys, a head file, and encrypted attachments.
//!
//! | file | holds | when it is lost |
//! |---|---|---|
//! | `record.db` | leaves, tiles, ciphertext of disclosures | restored from a mirror, but for what only we could read |
//! | `keys.db` | one key per disclosure and attachment | what they open is erased for good; back it up shortly and briefly |
//! | `head` | the last signed checkpoint, in two slots | the log is read-only until it is restored |
//! | `attachments/` | encrypted files named by their hash | fetched again from whoever has them |

pub mod attachment;
pub mod head;
pub mod seal;
pub mod sqlite;

use crate::c2sp::checkpoint::SignedCheckpoint;
use crate::encoding::Hash;
use crate::name::Reference;
use seal::{SealKey, Sealed};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Slots of disclosures per entry: the head and at most 8 groups, rounded up to a power of two.
pub const SLOTS: u64 = 16;

/// A failure of the store. Whoever appends stops after one: nothing is known of what reached the disk.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("{file}: {error}")]
    Database {
        /// Which file.
        file: &'static str,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is stored is not what was stored.
    #[error("{0}; run `truceline audit` and repair from a mirror")]
    Damaged(String),
    /// A reader would not let go, so deleted bytes may still stand in the write-ahead log.
    #[error(
        "{0}: deleted bytes are still in the write-ahead log, because a reader holds it; try again"
    )]
    Busy(&'static str),
}

pub(crate) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::File { path, error }
}

/// Writes beside the target and renames, so that an interrupted run leaves no half file under a right name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).map_err(file_error(dir))?;
    let partial = path.with_extension("partial");
    let mut file = std::fs::File::create(&partial).map_err(file_error(&partial))?;
    file.write_all(bytes).map_err(file_error(&partial))?;
    file.sync_all().map_err(file_error(&partial))?;
    std::fs::rename(&partial, path).map_err(file_error(path))
}

/// An object as the index of `prev` knows it: its index in its log and the first half of its leaf hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    index: u64,
    leaf: [u8; 8],
}

impl From<&Reference> for ObjectKey {
    fn from(reference: &Reference) -> Self {
        let mut leaf = [0; 8];
        leaf.copy_from_slice(&reference.leaf.0[..8]);
        Self {
            index: reference.index,
            leaf,
        }
    }
}

/// One statement, ready to be stored.
#[derive(Debug)]
pub struct NewEntry {
    /// The leaf, byte for byte.
    pub leaf: Vec<u8>,
    /// Minute of signing, seconds since 1970.
    pub minute_s: i64,
    /// SHA-256 of the signing input.
    pub signing: Hash,
    /// Encrypted disclosures with their keys, by slot.
    pub disclosures: Vec<(u64, Sealed, SealKey)>,
    /// What it is about.
    pub object: Option<ObjectKey>,
    /// Whether it is a control statement.
    pub control: bool,
    /// Attachments that a slot's content names.
    pub attachments: Vec<(u64, Hash)>,
}

/// A complete tile of 256 hashes.
#[derive(Debug, Clone)]
pub struct NewTile {
    /// Its level, 0 for leaf hashes.
    pub level: u8,
    /// Its index in the level.
    pub index: u64,
    /// 256 hashes.
    pub hashes: Vec<u8>,
}

/// What the sequencer needs of a store. All of it is called from one thread.
pub trait Store: Send {
    /// The index of the statement with this signing input, if it stands in the log.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find(&self, minute_s: i64, signing: &Hash) -> Result<Option<u64>, StoreError>;

    /// The index of the last statement about `object`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn last_about(&self, object: ObjectKey) -> Result<Option<u64>, StoreError>;

    /// Stores `entries` from index `first` on, with the tiles they complete. Durable in every file when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is known then but that no entry before `first` changed.
    fn append(
        &mut self,
        first: u64,
        entries: &[NewEntry],
        tiles: &[NewTile],
    ) -> Result<(), StoreError>;

    /// Destroys keys, ciphertext and attachments of these disclosures, for good. Remembers `statement`, which says so, until
    /// [`Store::erased`] is told its index.
    ///
    /// # Errors
    /// [`StoreError`]; call it again, it is idempotent.
    fn erase(&mut self, index: u64, slots: &[u64], statement: &str) -> Result<(), StoreError>;

    /// The erase statement now stands at `by`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn erased(&mut self, statement: &str, by: u64) -> Result<(), StoreError>;

    /// Keeps a signed head that may be published later; of one that is kept already, the signatures that are new.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keep_head(&mut self, at_ms: i64, head: &SignedCheckpoint) -> Result<(), StoreError>;

    /// Remembers the key of an attachment that was written and that no statement names yet.
    ///
    /// # Errors
    /// [`StoreError`].
    fn stage_attachment(&mut self, name: &Hash, key: &SealKey) -> Result<(), StoreError>;
}
