//! A log as published files: in a directory, on a stick, or read out of a store.

use crate::c2sp::checkpoint::SignedCheckpoint;
use crate::c2sp::tile::{TileId, TileReader};
use crate::door::StoreTiles;
use crate::store::sqlite::{Place, Reader};
use crate::store::{StoreError, head::HeadFile};
use std::path::{Path, PathBuf};

/// Where the signed head, tiles and entry bundles of one log come from.
pub trait LogFiles: TileReader + Sync {
    /// The signed head.
    fn checkpoint(&self) -> Option<Vec<u8>>;
    /// The store behind it, when it is more than published files.
    fn store(&self) -> Option<&Reader> {
        None
    }
}

/// A directory in the layout of C2SP tlog-tiles: `checkpoint`, `tile/…`, `tile/entries/…`.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// The log in `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl TileReader for Directory {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(id.path())).ok()
    }
}

impl LogFiles for Directory {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        std::fs::read(self.0.join("checkpoint")).ok()
    }
}

/// A log's own store, read as the files that it would publish.
pub struct Stored {
    note: Option<String>,
    tiles: StoreTiles,
    reader: Reader,
}

impl Stored {
    /// The log whose `record.db` lies in `dir`.
    ///
    /// # Errors
    /// [`StoreError`] when the databases cannot be read.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let place = Place::new(dir);
        let reader = Reader::open(&place)?;
        let note = HeadFile::peek(&dir.join(crate::log::HEAD));
        // Kept heads gather the witnesses' cosignatures; the head file is only ever written when the log signs.
        let size = note
            .as_ref()
            .and_then(|note| SignedCheckpoint::parse(note.as_bytes()).ok());
        let cosigned = match size.map(|head| head.checkpoint().size()) {
            Some(size) => reader.kept_head_of(size)?,
            None => None,
        };
        Ok(Self {
            note: cosigned.or(note),
            tiles: StoreTiles::new(reader.clone(), u64::MAX),
            reader,
        })
    }
}

impl TileReader for Stored {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        self.tiles.tile(id)
    }
}

impl LogFiles for Stored {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        self.note.clone().map(String::into_bytes)
    }

    fn store(&self) -> Option<&Reader> {
        Some(&self.reader)
    }
}
