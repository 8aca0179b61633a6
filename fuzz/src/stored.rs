//! What lies on the disk: head file, sealed disclosures, attachments.

use crate::{refused, text};
use record::encoding::Hash;
use record::statement::Disclosure;
use record::store::attachment::{self, AttachmentError};
use record::store::head::{HeadFile, Medium, NOTE_BYTES_MAX, SLOT_BYTES};
use record::store::seal::{SealKey, Sealed, open, seal};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MAGIC: &[u8] = b"TRUCEHD1";
const PREFIX_BYTES: usize = 20;
/// Clear bytes of an attachment: a little over three of its pieces.
const CLEAR_BYTES_MAX: usize = 3 * 64 * 1024 + 100;

/// A disk in memory. Of every write, only as many bytes arrive as it lets through.
#[derive(Clone)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    lets_through: usize,
}

impl Disk {
    fn of(image: &[u8], lets_through: usize) -> Self {
        Self {
            bytes: Arc::new(Mutex::new(image.to_vec())),
            lets_through,
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Medium for Disk {
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = self.bytes();
        let from = bytes
            .get(offset as usize..)
            .and_then(|bytes| bytes.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut disk, offset) = (self.bytes(), offset as usize);
        let arrived = &bytes[..bytes.len().min(self.lets_through)];
        let end = (offset + arrived.len()).max(disk.len());
        disk.resize(end, 0);
        disk[offset..offset + arrived.len()].copy_from_slice(arrived);
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn opened(disk: Disk) -> HeadFile {
    HeadFile::on(Box::new(disk), Path::new("head")).expect("nothing but the disk can fail")
}

/// A head file image out of a few bytes: flags, the length of what stands in the first slot, that, and what stands in the
/// second slot. By the flags, checksums are put right, and the file is cut.
fn image(bytes: &[u8]) -> Option<Vec<u8>> {
    let ([flags, high, low], rest) = bytes.split_first_chunk::<3>()?;
    let first = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let mut image = vec![0; 2 * SLOT_BYTES];
    for (slot, content) in [&rest[..first], &rest[first..]].into_iter().enumerate() {
        let content = &content[..content.len().min(SLOT_BYTES)];
        let slot = &mut image[slot * SLOT_BYTES..(slot + 1) * SLOT_BYTES];
        slot[..content.len()].copy_from_slice(content);
        if flags & 1 != 0 {
            put_right(slot);
        }
    }
    if flags & 2 != 0 {
        image.truncate(image.len() - usize::from(*high) * 60);
    }
    Some(image)
}

/// Gives a slot the checksum that its length asks for.
fn put_right(slot: &mut [u8]) {
    let mut length = [0; 4];
    length.copy_from_slice(&slot[16..PREFIX_BYTES]);
    let end = PREFIX_BYTES + u32::from_be_bytes(length) as usize;
    if end <= PREFIX_BYTES + NOTE_BYTES_MAX {
        let checksum = Hash::of(&[&slot[..end]]);
        slot[end..end + 32].copy_from_slice(&checksum.0);
    }
}

/// A head file gives back a note that was written whole, takes the next one, and a write that is torn anywhere leaves one of
/// the two.
pub fn head_file(bytes: &[u8]) {
    let Some(image) = image(bytes) else { return };
    let disk = Disk::of(&image, usize::MAX);
    let mut head = opened(disk.clone());
    let old = head.note().map(str::to_owned);
    if let Some(note) = &old {
        let stands_there = image
            .windows(note.len().max(1))
            .any(|window| window == note.as_bytes());
        assert!(note.is_empty() || stands_there, "a note that nobody wrote");
        assert!(image.windows(8).any(|window| window == MAGIC));
    }
    if image.iter().all(|byte| *byte == 0) && image.len() == 2 * SLOT_BYTES {
        assert_eq!((head.note(), head.torn()), (None, false));
    }
    if let Err(error) = head.write("next") {
        refused(&error);
        assert_eq!(*disk.bytes(), image, "refused, and written");
        return;
    }
    assert_eq!(head.note(), Some("next"));
    assert_eq!(
        opened(disk.clone()).note(),
        Some("next"),
        "a note that was acknowledged is lost"
    );
    assert!(head.write(&"x".repeat(NOTE_BYTES_MAX + 1)).is_err());
    for lets_through in [0, 7, 12, 19, 24, 40] {
        let torn = Disk::of(&image, lets_through);
        let _ = opened(torn.clone()).write("next");
        let left = opened(torn).note().map(str::to_owned);
        assert!(
            left == old || left.as_deref() == Some("next"),
            "a torn write leaves {left:?} of {old:?}"
        );
    }
}

/// Only the whole ciphertext, its own key and its own digest open a disclosure.
pub fn sealed(bytes: &[u8]) {
    let key = SealKey::generate().expect("the system has randomness");
    let digest = Hash::of(&[bytes]);
    assert!(open(&Sealed::from(bytes.to_vec()), &key, digest).is_err());
    let Some(Ok(disclosure)) = text(bytes).map(Disclosure::parse) else {
        return;
    };
    let (sealed, own) = seal(&disclosure).expect("the system has randomness");
    assert_eq!(open(&sealed, &own, digest).ok().as_ref(), Some(&disclosure));
    assert!(open(&sealed, &key, digest).is_err(), "another key opens it");
    assert!(
        open(&sealed, &own, Hash([0; 32])).is_err(),
        "another digest opens it"
    );
    let clear = sealed
        .as_ref()
        .windows(bytes.len())
        .any(|window| window == bytes);
    assert!(!clear, "it is in the clear");
    let whole = sealed.as_ref();
    let mut altered = whole.to_vec();
    altered[usize::from(digest.0[0]) % whole.len()] ^= 1 << (digest.0[1] % 8);
    let longer = [whole, &[0]].concat();
    for other in [
        altered,
        longer,
        whole[..whole.len() - 1].to_vec(),
        Vec::new(),
    ] {
        match open(&Sealed::from(other), &own, digest) {
            Ok(_) => panic!("an altered ciphertext is opened"),
            Err(error) => refused(&error),
        }
    }
}

/// A length and a script of changes: an attachment comes back whole, or is altered, and nothing is given out that was not in
/// it. Five bytes a change: what, and where.
pub fn attachment(bytes: &[u8]) {
    let Some((length, script)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let length = u32::from_be_bytes(*length) as usize % CLEAR_BYTES_MAX;
    let clear: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
    let dir = tempfile::tempdir().expect("there is room for a file");
    let dir = dir.path();
    std::fs::create_dir(dir.join("attachments")).expect("the directory is new");
    let (name, key) = attachment::write(dir, &mut clear.as_slice(), CLEAR_BYTES_MAX as u64)
        .expect("it is below the limit");
    let path = attachment::path(dir, &name);
    let sealed = std::fs::read(&path).expect("it was written");
    assert_eq!(Hash::of(&[&sealed]), name);
    let changed = change(&sealed, script);
    std::fs::write(&path, &changed).expect("it is ours");
    let mut given = Vec::new();
    let read = attachment::read(dir, &name, &key, &mut given);
    assert!(clear.starts_with(&given), "bytes that were not in it");
    let verified = attachment::verify(dir, &name);
    if changed == sealed {
        assert!(read.is_ok() && verified.is_ok() && given == clear);
        let other = SealKey::generate().expect("the system has randomness");
        assert!(attachment::read(dir, &name, &other, &mut Vec::new()).is_err());
    } else {
        assert!(matches!(read, Err(AttachmentError::Altered(_))), "{read:?}");
        assert!(
            matches!(verified, Err(AttachmentError::Altered(_))),
            "{verified:?}"
        );
    }
    assert!(attachment::remove(dir, &name).is_ok());
    let gone = attachment::read(dir, &name, &key, &mut Vec::new());
    assert!(matches!(gone, Err(AttachmentError::Absent(_))));
}

/// What somebody with the disk in his hands does to a file.
fn change(sealed: &[u8], script: &[u8]) -> Vec<u8> {
    let mut bytes = sealed.to_vec();
    for [what, at @ ..] in script.as_chunks::<5>().0.iter().take(8) {
        let at = u32::from_be_bytes(*at) as usize % (bytes.len() + 1);
        match what % 4 {
            0 if at < bytes.len() => bytes[at] ^= 1 << (what >> 5),
            1 => bytes.truncate(at),
            2 => bytes.rotate_left(at),
            _ => bytes.insert(at, *what),
        }
    }
    bytes
}
