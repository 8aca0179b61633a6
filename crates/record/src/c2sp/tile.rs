//! Tiles and entry bundles (c2sp.org/tlog-tiles): a log as a finite set of immutable files.
//!
//! A tile of level `L` holds up to 256 hashes of height `8 * L`. A tree has one tile, the rightmost, that may be partial at
//! each level. An entry bundle holds the leaves that the tile of level 0 beside it hashes.

use super::parse_decimal;
use super::tree::{self, HashReader, ProofError, Tree, Unread};
use crate::encoding::Hash;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

/// Height of a tile: one hash at level `L + 1` stands for `2^8` hashes at level `L`.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// Bytes of a full tile.
pub const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;
/// The highest level that a path may name.
pub const MAX_LEVEL: u8 = 63;
/// The largest entry that fits into a bundle, in bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// The largest bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_BYTES);
/// The longest path that can name a tile, in bytes: `tile/entries/`, seven groups of a 64-bit index and `.p/255`.
pub const MAX_PATH_BYTES: usize = 13 + 6 * 5 + 3 + 6;

const HASH_BYTES: usize = 32;

/// Why a path does not name a tile, or bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not the one spelling of a tile or bundle.
    #[error("not the path of a tile: {what}")]
    Path {
        /// Which part is wrong.
        what: &'static str,
    },
    /// A level above [`MAX_LEVEL`] or a width outside 1 to 256.
    #[error("no tile has level {level} and width {width}")]
    NoSuchTile {
        /// The level asked for.
        level: u8,
        /// The width asked for, in hashes.
        width: u16,
    },
    /// The tile has not been read.
    #[error("{id} is missing")]
    Missing {
        /// The tile that is needed.
        id: TileId,
    },
    /// A tile of other length than its width asks for.
    #[error("{id} has {bytes} bytes where {expected} belong")]
    Length {
        /// The tile.
        id: TileId,
        /// Its length, in bytes.
        bytes: usize,
        /// The length that its width asks for, in bytes.
        expected: usize,
    },
    /// A full tile, and the hash that stands for it one level above, disagree.
    #[error("{id} does not hash to what {parent} says")]
    Disagree {
        /// The lower tile.
        id: TileId,
        /// The tile above it.
        parent: TileId,
    },
    /// The tiles are consistent but lead to another root.
    #[error("the tiles of {size} leaves do not hash to the root")]
    WrongRoot {
        /// The tree's size in leaves.
        size: u64,
    },
    /// The bundle ends inside an entry, or is empty or overfull.
    #[error("entry {entry} of the bundle, at byte {at}: {what}")]
    Bundle {
        /// Position of the entry in its bundle.
        entry: usize,
        /// Where it begins, in bytes.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry is not the leaf that the tile beside it hashes.
    #[error("entry {index} of the log does not have the hash that its tile says")]
    WrongEntry {
        /// The entry's index in the log.
        index: u64,
    },
    /// The tree would have more leaves than 64 bits count.
    #[error("a tree of {size} leaves cannot take {more} more")]
    TooLarge {
        /// Leaves before.
        size: u64,
        /// Leaves to be added.
        more: usize,
    },
    /// A hash is missing or its tile is damaged.
    #[error(transparent)]
    Unread(#[from] Unread),
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// The entries themselves, `tile/entries/…`.
    Entries,
    /// Hashes of this level, `tile/<L>/…`.
    Hashes(u8),
}

/// Names a tile or an entry bundle: what, which, how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    content: Content,
    index: u64,
    width: u16,
}

impl TileId {
    /// The tile of hashes at `level`; `width` counts hashes.
    ///
    /// # Errors
    /// [`TileError::NoSuchTile`] for a level above [`MAX_LEVEL`] or a width outside 1 to [`TILE_WIDTH`].
    pub fn hashes(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        Self::checked(Content::Hashes(level), index, width)
    }

    /// The bundle of entries from `index * 256` on; `width` counts entries.
    ///
    /// # Errors
    /// [`TileError::NoSuchTile`] for a width outside 1 to [`TILE_WIDTH`].
    pub fn entries(index: u64, width: u16) -> Result<Self, TileError> {
        Self::checked(Content::Entries, index, width)
    }

    fn checked(content: Content, index: u64, width: u16) -> Result<Self, TileError> {
        let level = match content {
            Content::Entries => 0,
            Content::Hashes(level) => level,
        };
        if level > MAX_LEVEL || width == 0 || width > TILE_WIDTH {
            return Err(TileError::NoSuchTile { level, width });
        }
        Ok(Self {
            content,
            index,
            width,
        })
    }

    /// Entries, or hashes of which level.
    #[must_use]
    pub fn content(&self) -> Content {
        self.content
    }

    /// Position of the tile within its level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Number of hashes or entries, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile is narrower than [`TILE_WIDTH`].
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub fn full(&self) -> Self {
        Self {
            width: TILE_WIDTH,
            ..*self
        }
    }

    /// The path below the log's prefix, as [`TileId::parse`] reads it.
    #[must_use]
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Reads a path: `tile/<L>/<N>` or `tile/entries/<N>`, with `.p/<W>` when partial. Every tile has one path only.
    ///
    /// # Errors
    /// [`TileError::Path`] names the part that is wrong.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let wrong = |what| TileError::Path { what };
        if path.len() > MAX_PATH_BYTES {
            return Err(wrong("too long"));
        }
        let rest = path
            .strip_prefix("tile/")
            .ok_or(wrong("it does not begin with tile/"))?;
        let (level, rest) = rest
            .split_once('/')
            .ok_or(wrong("no index after the level"))?;
        let content = match level {
            "entries" => Content::Entries,
            number => {
                let level = parse_decimal(number).and_then(|level| u8::try_from(level).ok());
                Content::Hashes(
                    level
                        .filter(|level| *level <= MAX_LEVEL)
                        .ok_or(wrong("level is not 0 to 63"))?,
                )
            }
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((index, width)) => {
                let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok());
                (
                    index,
                    width
                        .filter(|width| (1..TILE_WIDTH).contains(width))
                        .ok_or(wrong("width is not 1 to 255"))?,
                )
            }
        };
        Self::checked(content, parse_index(index)?, width)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => f.write_str("tile/entries")?,
            Content::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let mut divisor = 1_000_000_000_000_000_000;
        while divisor > 1 && self.index < divisor {
            divisor /= 1000;
        }
        while divisor > 1 {
            write!(f, "/x{:03}", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

/// Reads groups of three digits, all but the last with an `x` in front.
fn parse_index(text: &str) -> Result<u64, TileError> {
    let wrong = |what| TileError::Path { what };
    let (high, last) = text
        .rsplit_once('/')
        .map_or((None, text), |(high, last)| (Some(high), last));
    let mut index = 0u64;
    let mut add = |digits: &str| {
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong("an index group is not three digits"));
        }
        let group: u64 = digits
            .parse()
            .map_err(|_| wrong("an index group is not three digits"))?;
        index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(group))
            .ok_or(wrong("the index does not fit 64 bits"))?;
        Ok(())
    };
    for (position, group) in high
        .into_iter()
        .flat_map(|high| high.split('/'))
        .enumerate()
    {
        let digits = group
            .strip_prefix('x')
            .ok_or(wrong("an index group before the last has no x"))?;
        if position == 0 && digits == "000" {
            return Err(wrong("the index begins with a group of zeros"));
        }
        add(digits)?;
    }
    add(last)?;
    Ok(index)
}

/// Gives the bytes of tiles: from a map, a database, a directory, a peer.
pub trait TileReader {
    /// The bytes of the tile `id`, or nothing when it is not held.
    fn tile(&self, id: TileId) -> Option<Vec<u8>>;
}

impl<F: Fn(TileId) -> Option<Vec<u8>>> TileReader for F {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        self(id)
    }
}

/// The tiles of hashes that a tree has gained or widened since it had `old` leaves, up to `new` leaves, level by level.
pub fn new_tiles(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    (0..u64::BITS as u8 / TILE_HEIGHT).flat_map(move |level| {
        let shift = u32::from(level * TILE_HEIGHT);
        changed(Content::Hashes(level), old >> shift, new >> shift)
    })
}

/// All tiles of hashes of a tree with `size` leaves, level by level.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    new_tiles(0, size)
}

/// The entry bundles that a tree has gained or widened since it had `old` leaves, up to `new` leaves.
pub fn new_bundles(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    changed(Content::Entries, old, new)
}

/// All entry bundles of a tree with `size` leaves.
pub fn bundles_of(size: u64) -> impl Iterator<Item = TileId> {
    new_bundles(0, size)
}

/// The tiles of one level that differ between `old` and `new` hashes at that level.
fn changed(content: Content, old: u64, new: u64) -> impl Iterator<Item = TileId> {
    let width = u64::from(TILE_WIDTH);
    let range = if old < new {
        old / width..(new - 1) / width + 1
    } else {
        0..0
    };
    range.map(move |index| TileId {
        content,
        index,
        width: width_at(new, index),
    })
}

/// How wide the tile `index` is in a level of `count` hashes.
fn width_at(count: u64, index: u64) -> u16 {
    let left = count.saturating_sub(index * u64::from(TILE_WIDTH));
    u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
}

/// Reads the hashes of a tree of one size out of its tiles. Each tile is read and hashed once, so that the proofs of a batch
/// of neighbouring entries cost little more than one: make them with one `TileHashes`.
///
/// A partial tile that is no longer held is replaced by the full one, as the specification allows.
pub struct TileHashes<'r, R> {
    reader: &'r R,
    size: u64,
    read: RefCell<VecDeque<HashedTile>>,
}

/// Tiles that a [`TileHashes`] remembers. A proof touches at most eight levels, and two tiles at the lowest.
const REMEMBERED_TILES: usize = 16;

/// A tile and the inner nodes above its hashes, as far up as they were asked for: `rows[height][offset]`.
struct HashedTile {
    id: TileId,
    rows: Vec<Vec<Hash>>,
}

impl HashedTile {
    /// The root of the complete subtree of `2^height` hashes, the one at `offset` in its row.
    fn node(&mut self, height: u8, offset: usize) -> Option<Hash> {
        let height = usize::from(height);
        while self.rows.len() <= height {
            let above = hash_pairs(self.rows.last()?);
            self.rows.push(above);
        }
        self.rows[height].get(offset).copied()
    }
}

impl<'r, R: TileReader> TileHashes<'r, R> {
    /// The hashes of the tree of `size` leaves.
    #[must_use]
    pub fn new(reader: &'r R, size: u64) -> Self {
        Self {
            reader,
            size,
            read: RefCell::new(VecDeque::new()),
        }
    }

    fn node(&self, id: TileId, height: u8, offset: usize) -> Result<Hash, TileError> {
        let mut read = self.read.borrow_mut();
        let known = read.iter().position(|tile| tile.id == id);
        let tile = match known.and_then(|at| read.remove(at)) {
            Some(tile) => tile,
            None => HashedTile {
                id,
                rows: vec![hashes_in(&read_tile(self.reader, id)?).collect()],
            },
        };
        // The tile used last stands in front; the one not used for longest is forgotten.
        read.push_front(tile);
        read.truncate(REMEMBERED_TILES);
        read.front_mut()
            .and_then(|tile| tile.node(height, offset))
            .ok_or(TileError::Missing { id })
    }
}

impl<R: TileReader> HashReader for TileHashes<'_, R> {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Unread> {
        let unread = |reason: String| Unread {
            level,
            index,
            reason,
        };
        if level > MAX_LEVEL || index >= self.size >> level {
            return Err(unread(format!(
                "a tree of {} leaves does not have it",
                self.size
            )));
        }
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << height;
        let tile_index = first / u64::from(TILE_WIDTH);
        let width = width_at(self.size >> (tile_level * TILE_HEIGHT), tile_index);
        let id = TileId::hashes(tile_level, tile_index, width)
            .map_err(|error| unread(error.to_string()))?;
        // The remainder is below 256.
        let offset = (first % u64::from(TILE_WIDTH)) as usize >> height;
        self.node(id, height, offset)
            .map_err(|error| unread(error.to_string()))
    }
}

/// The bytes of a tile, exactly as long as `id` is wide, from the tile itself or from the full one.
fn read_tile(reader: &impl TileReader, id: TileId) -> Result<Vec<u8>, TileError> {
    let expected = usize::from(id.width) * HASH_BYTES;
    let checked = |id: TileId, bytes: Vec<u8>| {
        let expected = usize::from(id.width) * HASH_BYTES;
        if bytes.len() == expected {
            Ok(bytes)
        } else {
            Err(TileError::Length {
                id,
                bytes: bytes.len(),
                expected,
            })
        }
    };
    if let Some(bytes) = reader.tile(id) {
        return checked(id, bytes);
    }
    if id.is_partial()
        && let Some(bytes) = reader.tile(id.full())
    {
        let mut bytes = checked(id.full(), bytes)?;
        bytes.truncate(expected);
        return Ok(bytes);
    }
    Err(TileError::Missing { id })
}

/// The hashes in the bytes of a tile.
///
/// # Errors
/// [`TileError::Length`] when the bytes are not as many as `id` asks for.
pub fn parse_tile(id: TileId, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let expected = usize::from(id.width) * HASH_BYTES;
    if bytes.len() != expected {
        return Err(TileError::Length {
            id,
            bytes: bytes.len(),
            expected,
        });
    }
    Ok(hashes_in(bytes).collect())
}

/// The hash that stands for a full tile one level above.
///
/// # Errors
/// [`TileError::Length`] when the tile is not full.
pub fn tile_root(id: TileId, bytes: &[u8]) -> Result<Hash, TileError> {
    if bytes.len() == TILE_BYTES {
        Ok(subtree_root(bytes))
    } else {
        Err(TileError::Length {
            id,
            bytes: bytes.len(),
            expected: TILE_BYTES,
        })
    }
}

fn hashes_in(bytes: &[u8]) -> impl Iterator<Item = Hash> {
    bytes
        .as_chunks::<HASH_BYTES>()
        .0
        .iter()
        .map(|chunk| Hash(*chunk))
}

/// The row above: each node over two neighbours of `row`. One that is left over has no node yet.
fn hash_pairs(row: &[Hash]) -> Vec<Hash> {
    row.as_chunks::<2>()
        .0
        .iter()
        .map(|[left, right]| tree::node_hash(left, right))
        .collect()
}

/// The root over a power of two of hashes.
fn subtree_root(bytes: &[u8]) -> Hash {
    let mut row: Vec<Hash> = hashes_in(bytes).collect();
    while row.len() > 1 {
        row = hash_pairs(&row);
    }
    row.first().copied().unwrap_or_else(tree::empty_root)
}

/// The tiles that change when `leaves` (their hashes) are appended to the tree of `old` leaves whose tiles `reader` holds.
/// Lower levels come first; write all of them before the checkpoint.
///
/// # Errors
/// [`TileError::Missing`] or [`TileError::Length`] for a partial tile of the old tree, [`TileError::TooLarge`].
pub fn grow(
    reader: &impl TileReader,
    old: u64,
    leaves: &[Hash],
) -> Result<Vec<(TileId, Vec<u8>)>, TileError> {
    let width = u64::from(TILE_WIDTH);
    let more = leaves.len();
    let fits = u64::try_from(more).is_ok_and(|more| old.checked_add(more).is_some());
    if !fits {
        return Err(TileError::TooLarge { size: old, more });
    }
    let mut written = Vec::new();
    let (mut level, mut count, mut fresh) = (0, old, leaves.to_vec());
    while !fresh.is_empty() {
        let mut index = count / width;
        // A remainder of 256 fits 16 bits.
        let mut bytes = match (count % width) as u16 {
            0 => Vec::new(),
            held => read_tile(reader, TileId::hashes(level, index, held)?)?,
        };
        let mut above = Vec::new();
        for hash in &fresh {
            bytes.extend_from_slice(&hash.0);
            if bytes.len() == TILE_BYTES {
                above.push(subtree_root(&bytes));
                written.push((
                    TileId::hashes(level, index, TILE_WIDTH)?,
                    std::mem::take(&mut bytes),
                ));
                index += 1;
            }
        }
        if !bytes.is_empty() {
            let partial = (bytes.len() / HASH_BYTES) as u16;
            written.push((TileId::hashes(level, index, partial)?, bytes));
        }
        (level, count, fresh) = (level + 1, count / width, above);
    }
    Ok(written)
}

/// The inclusion proof of entry `index` in the tree of `size` leaves, from its tiles.
///
/// # Errors
/// [`ProofError`], which names the tile that is missing or damaged.
pub fn inclusion_proof(
    reader: &impl TileReader,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError> {
    tree::inclusion_proof(&TileHashes::new(reader, size), index, size)
}

/// The consistency proof between two sizes, from the tiles of the larger tree.
///
/// # Errors
/// [`ProofError`], which names the tile that is missing or damaged.
pub fn consistency_proof(
    reader: &impl TileReader,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProofError> {
    tree::consistency_proof(&TileHashes::new(reader, new), old, new)
}

/// The growing tree that `size` leaves make, from its tiles.
///
/// # Errors
/// [`TileError::Unread`] names the tile that is missing or damaged.
pub fn load_tree(reader: &impl TileReader, size: u64) -> Result<Tree, TileError> {
    Ok(Tree::load(size, &TileHashes::new(reader, size))?)
}

/// Checks every tile of hashes of a tree: each full tile hashes to what the tile above says, and all of them to `root`.
/// The work is one hash per leaf; one tile per level is held at a time.
///
/// # Errors
/// [`TileError`] names the first tile that is missing or disagrees.
pub fn verify_tiles(reader: &impl TileReader, size: u64, root: &Hash) -> Result<(), TileError> {
    let mut parent: Option<(TileId, Vec<u8>)> = None;
    for id in tiles_of(size) {
        let bytes = read_tile(reader, id)?;
        let Content::Hashes(level) = id.content else {
            continue;
        };
        if id.is_partial() {
            continue;
        }
        let count_above = size
            .checked_shr(u32::from(level + 1) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let index_above = id.index / u64::from(TILE_WIDTH);
        let above = TileId::hashes(level + 1, index_above, width_at(count_above, index_above))?;
        let parent_bytes = match &mut parent {
            Some((known, bytes)) if *known == above => bytes,
            other => &other.insert((above, read_tile(reader, above)?)).1,
        };
        // The remainder is below 256.
        let at = (id.index % u64::from(TILE_WIDTH)) as usize * HASH_BYTES;
        if parent_bytes.get(at..at + HASH_BYTES) != Some(&subtree_root(&bytes).0) {
            return Err(TileError::Disagree { id, parent: above });
        }
    }
    if tree::root(&TileHashes::new(reader, size), size)? == *root {
        Ok(())
    } else {
        Err(TileError::WrongRoot { size })
    }
}

/// Checks that the entries of a bundle are those that the tile of level 0 beside it hashes.
///
/// # Errors
/// [`TileError::Bundle`], [`TileError::Length`], or [`TileError::WrongEntry`] for the first entry that differs.
pub fn verify_bundle(id: TileId, bundle: &[u8], tile: &[u8]) -> Result<(), TileError> {
    let entries = parse_bundle(bundle)?;
    let hashes = parse_tile(id, tile)?;
    if entries.len() != hashes.len() {
        let what = "the bundle does not have as many entries as its tile has hashes";
        return Err(TileError::Bundle {
            entry: entries.len(),
            at: bundle.len(),
            what,
        });
    }
    let wrong = entries
        .iter()
        .zip(hashes)
        .position(|(entry, hash)| tree::leaf_hash(entry) != hash);
    match wrong.and_then(|position| u64::try_from(position).ok()) {
        Some(position) => {
            let first = id.index.saturating_mul(u64::from(TILE_WIDTH));
            Err(TileError::WrongEntry {
                index: first.saturating_add(position),
            })
        }
        None => Ok(()),
    }
}

/// Writes entries as a bundle: each with its length in front, 16 bits, big-endian.
///
/// # Errors
/// [`TileError::Bundle`] for none or more than 256 entries, or one above [`MAX_ENTRY_BYTES`].
pub fn encode_bundle<'e>(
    entries: impl IntoIterator<Item = &'e [u8]>,
) -> Result<Vec<u8>, TileError> {
    let mut bytes = Vec::new();
    let mut count = 0;
    for entry in entries {
        let wrong = |what| TileError::Bundle {
            entry: count,
            at: bytes.len(),
            what,
        };
        if count == usize::from(TILE_WIDTH) {
            return Err(wrong("a bundle has at most 256 entries"));
        }
        let length =
            u16::try_from(entry.len()).map_err(|_| wrong("an entry has at most 65535 bytes"))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
        count += 1;
    }
    if count == 0 {
        return Err(TileError::Bundle {
            entry: 0,
            at: 0,
            what: "a bundle has at least one entry",
        });
    }
    Ok(bytes)
}

/// The entries of a bundle, 1 to 256 of them.
///
/// # Errors
/// [`TileError::Bundle`] says at which entry and byte the bundle is malformed.
pub fn parse_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let wrong = |what| TileError::Bundle {
            entry: entries.len(),
            at: bytes.len() - rest.len(),
            what,
        };
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(wrong("a bundle has at most 256 entries"));
        }
        let (length, after) = rest
            .split_first_chunk::<2>()
            .ok_or(wrong("the length is cut off"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after
            .split_at_checked(length)
            .ok_or(wrong("the entry is cut off"))?;
        entries.push(entry);
        rest = after;
    }
    if entries.is_empty() {
        return Err(TileError::Bundle {
            entry: 0,
            at: 0,
            what: "a bundle has at least one entry",
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::collections::BTreeMap;

    #[derive(Clone, Default)]
    struct Store(BTreeMap<TileId, Vec<u8>>);

    impl TileReader for Store {
        fn tile(&self, id: TileId) -> Option<Vec<u8>> {
            self.0.get(&id).cloned()
        }
    }

    impl Store {
        fn append(&mut self, old: u64, leaves: &[Hash]) {
            for (id, bytes) in grow(self, old, leaves).unwrap() {
                assert_eq!(bytes.len(), usize::from(id.width()) * HASH_BYTES);
                self.0.insert(id, bytes);
            }
        }

        fn numbered(size: u64) -> Self {
            let mut store = Self::default();
            store.append(0, &leaves(0..size));
            store
        }
    }

    fn leaves(range: std::ops::Range<u64>) -> Vec<Hash> {
        range.map(|n| tree::leaf_hash(&n.to_be_bytes())).collect()
    }

    fn root_of(size: u64) -> Hash {
        let mut tree = Tree::new();
        leaves(0..size).into_iter().for_each(|leaf| {
            tree.append(leaf);
        });
        tree.root()
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, id) in [
            ("tile/0/x001/x234/067", TileId::hashes(0, 1_234_067, 256)),
            (
                "tile/entries/x001/x234/067.p/8",
                TileId::entries(1_234_067, 8),
            ),
            ("tile/63/000.p/1", TileId::hashes(63, 0, 1)),
            ("tile/1/999", TileId::hashes(1, 999, 256)),
            ("tile/1/x001/000", TileId::hashes(1, 1000, 256)),
            (
                "tile/0/x018/x446/x744/x073/x709/x551/615.p/255",
                TileId::hashes(0, u64::MAX, 255),
            ),
        ] {
            let id = id.unwrap();
            assert_eq!(id.path(), path);
            assert_eq!(TileId::parse(path).unwrap(), id);
        }
    }

    #[test]
    fn a_second_spelling_of_a_path_is_refused() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "Tile/0/000",
            "tile/00/000",
            "tile/64/000",
            "tile/256/000",
            "tile/+1/000",
            "tile/-1/000",
            "tile/8/0/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/000",
            "tile/0/x000/x001/000",
            "tile/0/001/000",
            "tile/0/X001/000",
            "tile/0/x1/000",
            "tile/0/xx01/000",
            "tile/0/x001//000",
            "tile/0/000/",
            "tile/0/ 00",
            "tile/0/+01",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000.P/1",
            "tile/entries",
            "tile/entries/",
            "tile/data/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/000",
            "tile/0/x001/x000/000\n",
            "tile/0/٠٠٠",
        ] {
            assert!(
                matches!(TileId::parse(path), Err(TileError::Path { .. })),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_lists() {
        let full = |level| {
            tiles_of(70_000)
                .filter(move |id| id.content() == Content::Hashes(level) && !id.is_partial())
        };
        assert_eq!(
            (full(0).count(), full(1).count(), full(2).count()),
            (273, 1, 0)
        );
        let partial: Vec<String> = tiles_of(70_000)
            .filter(TileId::is_partial)
            .map(|id| id.path())
            .collect();
        assert_eq!(
            partial,
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        let of_256: Vec<String> = tiles_of(256).map(|id| id.path()).collect();
        assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(tiles_of(0).count(), 0);
        assert_eq!(new_tiles(70_000, 70_000).count(), 0);
        assert_eq!(
            bundles_of(257).map(|id| id.path()).collect::<Vec<_>>(),
            ["tile/entries/000", "tile/entries/001.p/1"]
        );
        assert_eq!(new_tiles(u64::MAX - 1, u64::MAX).count(), 1);
    }

    #[test]
    fn growing_in_steps_writes_exactly_the_tiles_that_changed() {
        let mut store = Store::default();
        let mut size = 0;
        for step in [1, 1, 254, 1, 255, 256, 300, 0, 70_000, 7] {
            let more = leaves(size..size + step);
            let written: Vec<TileId> = grow(&store, size, &more)
                .unwrap()
                .into_iter()
                .map(|(id, _)| id)
                .collect();
            assert_eq!(written, new_tiles(size, size + step).collect::<Vec<_>>());
            store.append(size, &more);
            size += step;
            let root = root_of(size);
            assert_eq!(load_tree(&store, size).unwrap().root(), root);
            verify_tiles(&store, size, &root).unwrap();
        }
    }

    #[test]
    fn a_proof_in_a_million_entries_reads_each_of_its_few_tiles_once() {
        let size = 1_000_003;
        let store = Store::numbered(size);
        let root = load_tree(&store, size).unwrap().root();
        let reads = Cell::new(0);
        let counted = |id: TileId| {
            reads.set(reads.get() + 1);
            store.tile(id)
        };
        for index in [0, 255, 256, 65_535, 524_288, 999_999, size - 1] {
            reads.set(0);
            let proof = inclusion_proof(&counted, index, size).unwrap();
            assert!(reads.get() <= 6, "{} reads", reads.get());
            let leaf = tree::leaf_hash(&index.to_be_bytes());
            tree::verify_inclusion(index, size, &leaf, &proof, &root).unwrap();
            let old = tree::root(&TileHashes::new(&store, size), index).unwrap();
            let proof = consistency_proof(&store, index, size).unwrap();
            tree::verify_consistency(index, &old, size, &root, &proof).unwrap();
        }
    }

    #[test]
    fn the_receipts_of_a_batch_read_each_tile_once() {
        let size = 70_000;
        let (store, root, reads) = (Store::numbered(size), root_of(size), Cell::new(0));
        let counted = |id: TileId| {
            reads.set(reads.get() + 1);
            store.tile(id)
        };
        let hashes = TileHashes::new(&counted, size);
        for index in size - 512..size {
            let proof = tree::inclusion_proof(&hashes, index, size).unwrap();
            let leaf = tree::leaf_hash(&index.to_be_bytes());
            tree::verify_inclusion(index, size, &leaf, &proof, &root).unwrap();
        }
        // Three tiles of leaves, two above, one on top.
        assert!(reads.get() <= 6, "{} reads", reads.get());
    }

    #[test]
    fn a_full_tile_serves_for_the_partial_one_that_was_deleted() {
        let mut store = Store::numbered(100);
        store.append(100, &leaves(100..300));
        store
            .0
            .retain(|id, _| *id != TileId::hashes(0, 0, 100).unwrap());
        let proof = inclusion_proof(&store, 42, 100).unwrap();
        tree::verify_inclusion(
            42,
            100,
            &tree::leaf_hash(&42u64.to_be_bytes()),
            &proof,
            &root_of(100),
        )
        .unwrap();
    }

    #[test]
    fn a_flipped_bit_in_any_tile_is_found_and_named() {
        let size = 66_000;
        let store = Store::numbered(size);
        let root = root_of(size);
        verify_tiles(&store, size, &root).unwrap();
        assert_eq!(
            verify_tiles(&store, size, &tree::empty_root()),
            Err(TileError::WrongRoot { size })
        );
        for id in tiles_of(size).filter(|id| id.index() % 100 == 0 || id.is_partial()) {
            let mut broken = store.clone();
            broken.0.get_mut(&id).unwrap()[7] ^= 1;
            assert!(verify_tiles(&broken, size, &root).is_err(), "{id}");
            broken.0.get_mut(&id).unwrap().pop();
            assert!(
                matches!(verify_tiles(&broken, size, &root), Err(TileError::Length { id: named, .. }) if named == id)
            );
            broken.0.remove(&id);
            assert_eq!(
                verify_tiles(&broken, size, &root),
                Err(TileError::Missing { id })
            );
        }
        let mut broken = store.clone();
        let third = TileId::hashes(0, 3, 256).unwrap();
        broken.0.get_mut(&third).unwrap()[0] ^= 1;
        let parent = TileId::hashes(1, 0, 256).unwrap();
        assert_eq!(
            verify_tiles(&broken, size, &root),
            Err(TileError::Disagree { id: third, parent })
        );
    }

    #[test]
    fn a_missing_tile_is_named_in_the_error_of_the_proof() {
        let mut store = Store::numbered(1000);
        store.0.remove(&TileId::hashes(0, 2, 256).unwrap());
        let error = inclusion_proof(&store, 600, 1000).unwrap_err();
        assert!(
            error.to_string().contains("tile/0/002 is missing"),
            "{error}"
        );
    }

    #[test]
    fn a_bundle_belongs_to_its_tile() {
        let entries: Vec<Vec<u8>> = (0..20u8).map(|n| vec![n; usize::from(n)]).collect();
        let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        let mut tile: Vec<u8> = entries
            .iter()
            .flat_map(|entry| tree::leaf_hash(entry).0)
            .collect();
        let id = TileId::hashes(0, 5, 20).unwrap();
        verify_bundle(id, &bundle, &tile).unwrap();
        tile[19 * 32] ^= 1;
        assert_eq!(
            verify_bundle(id, &bundle, &tile),
            Err(TileError::WrongEntry {
                index: 5 * 256 + 19
            })
        );
        let last = TileId::entries(u64::MAX, 20).unwrap();
        assert_eq!(
            verify_bundle(last, &bundle, &tile),
            Err(TileError::WrongEntry { index: u64::MAX })
        );
        let fewer = encode_bundle(entries[1..].iter().map(Vec::as_slice)).unwrap();
        assert!(matches!(
            verify_bundle(id, &fewer, &tile),
            Err(TileError::Bundle { .. })
        ));
    }

    #[test]
    fn a_malformed_bundle_is_refused_where_it_breaks() {
        let too_long = vec![0; MAX_ENTRY_BYTES + 1];
        assert!(encode_bundle([too_long.as_slice()]).is_err());
        assert!(encode_bundle([too_long[1..].as_ref()]).is_ok());
        assert!(encode_bundle(std::iter::repeat_n(b"".as_slice(), 257)).is_err());
        assert!(encode_bundle(std::iter::empty()).is_err());
        assert!(parse_bundle(&[0; 2 * 256]).is_ok());
        for bytes in [
            vec![],
            vec![0],
            vec![0, 2, 1],
            vec![0, 0, 0],
            vec![0; 2 * 257],
        ] {
            assert!(
                matches!(parse_bundle(&bytes), Err(TileError::Bundle { .. })),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_tree_never_passes_64_bits() {
        let error = grow(&Store::default(), u64::MAX, &leaves(0..1)).unwrap_err();
        assert_eq!(
            error,
            TileError::TooLarge {
                size: u64::MAX,
                more: 1
            }
        );
    }

    proptest! {
        #[test]
        fn every_tile_has_one_path(level in 0u8..64, index: u64, shift in 0u32..64, width in 1u16..=256, entries: bool) {
            let index = index >> shift;
            let id = if entries { TileId::entries(index, width) } else { TileId::hashes(level, index, width) }.unwrap();
            prop_assert_eq!(TileId::parse(&id.path()).unwrap(), id);
        }

        #[test]
        fn what_parses_as_a_path_is_written_the_same(path in "tile/(entries|[0-9]{1,2})(/x?[0-9]{3}){1,4}(.p/[0-9]{1,3})?") {
            if let Ok(id) = TileId::parse(&path) {
                prop_assert_eq!(id.path(), path);
            }
        }

        #[test]
        fn what_parses_as_a_bundle_is_written_the_same(bytes in prop::collection::vec(0u8..4, 0..600)) {
            if let Ok(entries) = parse_bundle(&bytes) {
                prop_assert_eq!(encode_bundle(entries).unwrap(), bytes);
            }
        }
    }
}
