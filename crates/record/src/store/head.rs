//! The head file: the last signed checkpoint in two checksummed slots, written in turn, so that a torn write leaves the other.
//! Its lock is the log's lock.

use super::{StoreError, file_error};
use crate::encoding::Hash;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes per slot: two pages, so that a note with all its signatures fits.
pub const SLOT_BYTES: usize = 8192;
const MAGIC: &[u8; 8] = b"TRUCEHD1";
const PREFIX: usize = 8 + 8 + 4;
const CHECKSUM: usize = 32;
/// Largest note that fits a slot.
pub const NOTE_BYTES_MAX: usize = SLOT_BYTES - PREFIX - CHECKSUM;

/// What a head file is written to. Tests put a disk underneath that loses what was not synced.
pub trait Medium: Send {
    /// Reads exactly `buffer` at `offset`.
    ///
    /// # Errors
    /// As the system gives them.
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the system gives them.
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    ///
    /// # Errors
    /// As the system gives them.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// What stands in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Slot {
    Blank,
    Torn,
    Note { sequence: u64, note: String },
}

/// An open head file.
pub struct HeadFile {
    medium: Box<dyn Medium>,
    path: PathBuf,
    sequence: u64,
    note: Option<String>,
    /// Whether a slot holds neither blanks nor a whole note: the last write was torn, or the disk has failed since.
    torn: bool,
}

/// Why a head file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Another process has it.
    #[error("{}: another process is writing this log", .0.display())]
    Locked(PathBuf),
    /// It is not there.
    #[error("{}: the head file is missing", .0.display())]
    Missing(PathBuf),
    /// Everything else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HeadFile {
    /// Makes a blank head file and locks it.
    ///
    /// # Errors
    /// [`HeadError`]; one that is there already is never overwritten.
    pub fn create(path: &Path) -> Result<Self, HeadError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(file_error(path))?;
        file.write_all_at(&[0; 2 * SLOT_BYTES], 0)
            .map_err(file_error(path))?;
        file.sync_all().map_err(file_error(path))?;
        sync_directory_of(path)?;
        lock(&file, path)?;
        Self::on(Box::new(file), path)
    }

    /// Opens and locks a head file.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn open(path: &Path) -> Result<Self, HeadError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(HeadError::Missing(path.to_owned()));
            }
            Err(error) => return Err(file_error(path)(error).into()),
        };
        lock(&file, path)?; // protects: a_second_process_on_the_log_is_refused
        Self::on(Box::new(file), path)
    }

    /// Opens a head file on any medium.
    ///
    /// # Errors
    /// [`HeadError::Store`].
    pub fn on(medium: Box<dyn Medium>, path: &Path) -> Result<Self, HeadError> {
        let mut head = Self {
            medium,
            path: path.to_owned(),
            sequence: 0,
            note: None,
            torn: false,
        };
        for slot in 0..2 {
            let (found, in_full) = head.read_slot(slot)?;
            head.torn |= !in_full;
            match found {
                // A note in the other's slot was not written here: the next write would destroy it.
                Slot::Note { sequence, note } if sequence > 0 && sequence % 2 == slot => {
                    if sequence > head.sequence {
                        (head.sequence, head.note) = (sequence, Some(note));
                    }
                }
                Slot::Note { .. } | Slot::Torn => head.torn = true,
                Slot::Blank => {}
            }
        }
        Ok(head)
    }

    /// The last whole note of the head file at `path`, without its lock: for reading beside the process that writes.
    #[must_use]
    pub fn peek(path: &Path) -> Option<String> {
        let file = File::open(path).ok()?;
        Self::on(Box::new(file), path).ok()?.note
    }

    /// The same file with another medium under it.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn under(self, medium: fn(File) -> Box<dyn Medium>) -> Result<Self, HeadError> {
        let path = self.path.clone();
        drop(self);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(file_error(&path))?;
        lock(&file, &path)?;
        Self::on(medium(file), &path)
    }

    /// The last note that was written whole.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether the other slot is damaged, so that a newer note may have been lost.
    #[must_use]
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// Writes `note` to the slot that does not hold the last one. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; the log must then stop.
    pub fn write(&mut self, note: &str) -> Result<(), StoreError> {
        let sequence = self.sequence.checked_add(1).ok_or_else(|| {
            StoreError::Damaged("the head file says that it was written 2^64 times".into())
        })?;
        let bytes = encode(sequence, note)
            .ok_or_else(|| StoreError::Damaged("the checkpoint is too long".into()))?;
        let offset = (sequence % 2) * SLOT_BYTES as u64;
        self.medium
            .write(&bytes, offset)
            .map_err(file_error(&self.path))?;
        self.medium.sync().map_err(file_error(&self.path))?; // protects: power_cuts_lose_nothing_acknowledged
        self.sequence = sequence;
        self.note = Some(note.to_owned());
        Ok(())
    }

    /// What stands in a slot, and whether the file reaches to its end. What is missing counts as zeros, because that is what
    /// the next write makes of it: a note must not come back then that is not seen now.
    fn read_slot(&self, slot: u64) -> Result<(Slot, bool), StoreError> {
        let mut bytes = vec![0; SLOT_BYTES];
        let start = slot * SLOT_BYTES as u64;
        if self.read_at(&mut bytes, start)? {
            return Ok((decode(&bytes), true));
        }
        let (mut held, mut step) = (0, SLOT_BYTES / 2);
        while step > 0 {
            if self.read_at(&mut bytes[held..held + step], start + held as u64)? {
                held += step;
            }
            step /= 2;
        }
        bytes[held..].fill(0);
        Ok((decode(&bytes), false))
    }

    /// Fills `buffer`, or says that the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<bool, StoreError> {
        match self.medium.read(buffer, offset) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(file_error(&self.path)(error)),
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), HeadError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(HeadError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(file_error(path)(error).into()),
    }
}

/// Makes the entry of `path` in its directory durable.
pub(crate) fn sync_directory_of(path: &Path) -> Result<(), StoreError> {
    // The parent of a bare file name is the empty path, which is nowhere.
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|d| d.sync_all())
        .map_err(file_error(directory))
}

fn encode(sequence: u64, note: &str) -> Option<Vec<u8>> {
    let length = u32::try_from(note.len())
        .ok()
        .filter(|_| note.len() <= NOTE_BYTES_MAX)?;
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(note.as_bytes());
    let checksum = Hash::of(&[&bytes]);
    bytes.extend_from_slice(&checksum.0);
    // The slot to its end: in a file that was cut off, a shorter one could not be read again.
    bytes.resize(SLOT_BYTES, 0);
    Some(bytes)
}

fn decode(slot: &[u8]) -> Slot {
    if slot.iter().all(|b| *b == 0) {
        return Slot::Blank;
    }
    whole(slot).unwrap_or(Slot::Torn)
}

fn whole(slot: &[u8]) -> Option<Slot> {
    let rest = slot.strip_prefix(MAGIC)?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let note = rest.get(..length)?;
    let checksum = rest.get(length..length + CHECKSUM)?;
    if Hash::of(&[&slot[..PREFIX + length]]).0 != checksum {
        return None;
    }
    Some(Slot::Note {
        sequence: u64::from_be_bytes(*sequence),
        note: String::from_utf8(note.to_vec()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_write_leaves_the_note_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let mut head = HeadFile::create(&path).unwrap();
        assert_eq!((head.note(), head.torn()), (None, false));
        for note in ["one", "two", "three"] {
            head.write(note).unwrap();
        }
        drop(head);
        let head = HeadFile::open(&path).unwrap();
        assert_eq!((head.note(), head.torn()), (Some("three"), false));
        drop(head);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(b"x", SLOT_BYTES as u64 + 22).unwrap();
        let head = HeadFile::open(&path).unwrap();
        assert_eq!((head.note(), head.torn()), (Some("two"), true));
    }

    #[test]
    fn a_second_process_is_refused_and_a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert!(matches!(HeadFile::open(&path), Err(HeadError::Missing(_))));
        let first = HeadFile::create(&path).unwrap();
        assert!(matches!(HeadFile::open(&path), Err(HeadError::Locked(_))));
        drop(first);
        HeadFile::open(&path).unwrap();
        assert!(
            HeadFile::create(&path).is_err(),
            "one that is there is never overwritten"
        );
    }

    fn with_slots(dir: &Path, slots: [Option<(u64, &str)>; 2]) -> HeadFile {
        let path = dir.join("head");
        let _ = std::fs::remove_file(&path);
        drop(HeadFile::create(&path).unwrap());
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        for (slot, written) in (0..).zip(slots) {
            if let Some((sequence, note)) = written {
                let bytes = encode(sequence, note).unwrap();
                file.write_all_at(&bytes, slot * SLOT_BYTES as u64).unwrap();
            }
        }
        HeadFile::open(&path).unwrap()
    }

    #[test]
    fn a_note_in_the_wrong_slot_is_damage_and_never_in_the_way_of_the_next() {
        let dir = tempfile::tempdir().unwrap();
        for (slots, note) in [
            ([Some((4, "four")), Some((6, "six"))], Some("four")),
            ([Some((5, "five")), Some((4, "four"))], None),
            ([Some((0, "none")), None], None),
        ] {
            let mut head = with_slots(dir.path(), slots);
            assert_eq!((head.note(), head.torn()), (note, true));
            head.write("next").unwrap();
            drop(head);
            let head = HeadFile::open(&dir.path().join("head")).unwrap();
            assert_eq!(head.note(), Some("next"));
        }
    }

    #[test]
    fn a_note_in_a_file_that_was_cut_off_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let whole = PREFIX + "four".len() + CHECKSUM;
        for (bytes, left) in [
            (0, None),
            (PREFIX, None),
            (whole - 8, None),
            (whole, Some("four")),
            (SLOT_BYTES + 100, Some("four")),
        ] {
            drop(with_slots(dir.path(), [Some((4, "four")), None]));
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(bytes as u64).unwrap();
            let mut head = HeadFile::open(&path).unwrap();
            assert_eq!((head.note(), head.torn()), (left, true), "{bytes}");
            for note in ["one", "two"] {
                head.write(note).unwrap();
                assert_eq!(HeadFile::peek(&path).as_deref(), Some(note));
            }
        }
    }

    #[test]
    fn after_the_last_sequence_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut head = with_slots(dir.path(), [None, Some((u64::MAX, "last"))]);
        assert_eq!(head.note(), Some("last"));
        assert!(matches!(head.write("next"), Err(StoreError::Damaged(_))));
        assert_eq!(head.note(), Some("last"));
    }

    #[test]
    fn a_note_that_does_not_fit_is_refused() {
        assert!(encode(1, &"x".repeat(NOTE_BYTES_MAX)).is_some());
        assert!(encode(1, &"x".repeat(NOTE_BYTES_MAX + 1)).is_none());
    }
}
