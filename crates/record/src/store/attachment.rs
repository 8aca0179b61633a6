//! Attachments: files of any size up to a limit, encrypted while they stream, named by the hash of their ciphertext. Since the
//! key is random, nobody can find a file that he knows by its name.

use super::seal::SealKey;
use super::{StoreError, file_error, head::sync_directory_of};
use crate::encoding::{Hash, base64url};
use crate::key::{KeyError, random};
use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Largest attachment unless configured otherwise: 256 MiB.
pub const ATTACHMENT_BYTES_MAX: u64 = 256 << 20;
/// What the file of an attachment is called while it is written.
const PARTIAL: &str = "partial-";
/// Clear bytes per encrypted piece.
const PIECE_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;

/// Why an attachment was not taken or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// Over the limit.
    #[error("the attachment has more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// The source failed while it was read, or the target while it was written.
    #[error("the attachment could not be copied: {0}")]
    Copy(io::Error),
    /// Its bytes are not those of its name, or its key is another.
    #[error("attachment {0} was altered")]
    Altered(Hash),
    /// Destroyed, or never received.
    #[error("attachment {0} is not held here")]
    Absent(Hash),
    /// No randomness for its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where attachment `name` lies.
#[must_use]
pub fn path(dir: &Path, name: &Hash) -> PathBuf {
    dir.join("attachments").join(name.to_base64url())
}

/// Encrypts `source` into the store and returns its name and key. Durable when it returns.
///
/// # Errors
/// [`AttachmentError`]; what was half written is removed.
pub fn write(
    dir: &Path,
    source: &mut dyn Read,
    bytes_max: u64,
) -> Result<(Hash, SealKey), AttachmentError> {
    let key = SealKey::generate()?;
    let mut unique = [0; 8];
    random(&mut unique)?;
    let partial = dir
        .join("attachments")
        .join(format!("{PARTIAL}{}", base64url(&unique)));
    let file = File::create(&partial).map_err(file_error(&partial))?;
    // Held until it has its name: whoever removes what a killed process left can tell that this one is in use.
    file.lock().map_err(file_error(&partial))?;
    let written = encrypt(source, &file, &key, bytes_max);
    let name = match written {
        Ok(name) => name,
        Err(error) => {
            let _ = std::fs::remove_file(&partial);
            return Err(error);
        }
    };
    let target = path(dir, &name);
    file.sync_all().map_err(file_error(&partial))?;
    std::fs::rename(&partial, &target).map_err(file_error(&target))?;
    sync_directory_of(&target)?;
    Ok((name, key))
}

fn encrypt(
    source: &mut dyn Read,
    mut target: &File,
    key: &SealKey,
    bytes_max: u64,
) -> Result<Hash, AttachmentError> {
    let mut cipher = EncryptorBE32::from_aead(ChaCha20Poly1305::new(&key.0.into()), &[0; 7].into());
    let mut hasher = Sha256::new();
    let mut total = 0_u64;
    let mut piece = read_piece(source, PIECE_BYTES).map_err(AttachmentError::Copy)?;
    loop {
        total += piece.len() as u64;
        if total > bytes_max {
            return Err(AttachmentError::TooLarge { max: bytes_max });
        }
        let next = read_piece(source, PIECE_BYTES).map_err(AttachmentError::Copy)?;
        let too_long = |_| AttachmentError::TooLarge { max: bytes_max };
        let last = next.is_empty();
        if last {
            // `encrypt_last` consumes the cipher, so a file cannot be continued after its end.
            let sealed = cipher.encrypt_last(piece.as_slice()).map_err(too_long)?;
            hasher.update(&sealed);
            target.write_all(&sealed).map_err(AttachmentError::Copy)?;
            return Ok(Hash(hasher.finalize().into()));
        }
        let sealed = cipher.encrypt_next(piece.as_slice()).map_err(too_long)?;
        hasher.update(&sealed);
        target.write_all(&sealed).map_err(AttachmentError::Copy)?;
        piece = next;
    }
}

/// Decrypts attachment `name` into `target`. Nothing is written that was not authenticated; the end is authenticated too.
///
/// # Errors
/// [`AttachmentError`].
pub fn read(
    dir: &Path,
    name: &Hash,
    key: &SealKey,
    target: &mut dyn Write,
) -> Result<(), AttachmentError> {
    let path = path(dir, name);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(AttachmentError::Absent(*name));
        }
        Err(error) => return Err(file_error(&path)(error).into()),
    };
    let altered = |_| AttachmentError::Altered(*name);
    let mut cipher = DecryptorBE32::from_aead(ChaCha20Poly1305::new(&key.0.into()), &[0; 7].into());
    let mut piece =
        read_piece(&mut file, PIECE_BYTES + TAG_BYTES).map_err(AttachmentError::Copy)?;
    loop {
        let next = read_piece(&mut file, PIECE_BYTES + TAG_BYTES).map_err(AttachmentError::Copy)?;
        if next.is_empty() {
            let clear = cipher.decrypt_last(piece.as_slice()).map_err(altered)?;
            return target.write_all(&clear).map_err(AttachmentError::Copy);
        }
        let clear = cipher.decrypt_next(piece.as_slice()).map_err(altered)?;
        target.write_all(&clear).map_err(AttachmentError::Copy)?;
        piece = next;
    }
}

/// Checks that the ciphertext of attachment `name` is what its name says.
///
/// # Errors
/// [`AttachmentError`].
pub fn verify(dir: &Path, name: &Hash) -> Result<(), AttachmentError> {
    let mut file = File::open(path(dir, name)).map_err(|_| AttachmentError::Absent(*name))?;
    let mut hasher = Sha256::new();
    loop {
        let piece = read_piece(&mut file, PIECE_BYTES).map_err(AttachmentError::Copy)?;
        if piece.is_empty() {
            break;
        }
        hasher.update(&piece);
    }
    if hasher.finalize()[..] == name.0 {
        Ok(())
    } else {
        Err(AttachmentError::Altered(*name))
    }
}

/// Removes what processes that were killed left half written; what is being written now stays. Returns how many files it were.
///
/// # Errors
/// [`StoreError`].
pub fn remove_partial(dir: &Path) -> Result<usize, StoreError> {
    let dir = dir.join("attachments");
    let entries = std::fs::read_dir(&dir).map_err(file_error(&dir))?;
    let mut removed = 0;
    for entry in entries {
        let path = entry.map_err(file_error(&dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(|name| name.starts_with(PARTIAL)) {
            continue;
        }
        let file = File::open(&path).map_err(file_error(&path))?;
        if file.try_lock().is_err() {
            continue;
        } // protects: what_is_being_attached_is_not_taken_for_a_leftover
        std::fs::remove_file(&path).map_err(file_error(&path))?;
        removed += 1;
    }
    Ok(removed)
}

/// Removes attachment `name`, if it is there.
///
/// # Errors
/// [`StoreError`].
pub fn remove(dir: &Path, name: &Hash) -> Result<(), StoreError> {
    let path = path(dir, name);
    match std::fs::remove_file(&path) {
        Ok(()) => sync_directory_of(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(file_error(&path)(error)),
    }
}

fn read_piece(source: &mut dyn Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(bytes);
    source.take(bytes as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("attachments")).unwrap();
        dir
    }

    #[test]
    fn attachments_of_every_size_come_back_and_alterations_are_found() {
        let dir = store();
        for size in [
            0,
            1,
            PIECE_BYTES - 1,
            PIECE_BYTES,
            PIECE_BYTES + 1,
            3 * PIECE_BYTES,
        ] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let (name, key) = write(dir.path(), &mut bytes.as_slice(), u64::MAX).unwrap();
            let mut back = Vec::new();
            read(dir.path(), &name, &key, &mut back).unwrap();
            assert_eq!(back, bytes);
            verify(dir.path(), &name).unwrap();

            let file = path(dir.path(), &name);
            let mut sealed = std::fs::read(&file).unwrap();
            let last = sealed.len() - 1;
            sealed[last] ^= 1;
            std::fs::write(&file, &sealed).unwrap();
            assert!(matches!(
                verify(dir.path(), &name),
                Err(AttachmentError::Altered(_))
            ));
            assert!(matches!(
                read(dir.path(), &name, &key, &mut Vec::new()),
                Err(AttachmentError::Altered(_))
            ));
        }
    }

    #[test]
    fn an_attachment_that_was_cut_off_is_altered() {
        let dir = store();
        let (name, key) = write(
            dir.path(),
            &mut [7; 2 * PIECE_BYTES + 5].as_slice(),
            u64::MAX,
        )
        .unwrap();
        let file = path(dir.path(), &name);
        let sealed = std::fs::read(&file).unwrap();
        std::fs::write(&file, &sealed[..PIECE_BYTES + TAG_BYTES]).unwrap();
        assert!(matches!(
            read(dir.path(), &name, &key, &mut Vec::new()),
            Err(AttachmentError::Altered(_))
        ));
    }

    #[test]
    fn what_is_being_attached_is_not_taken_for_a_leftover() {
        let dir = store();
        let leftover = dir.path().join("attachments/partial-AAAAAAAAAAA");
        std::fs::write(&leftover, b"half of it").unwrap();
        // Something is attached, and others open the log in the middle of it.
        let mut source = Watched {
            left: 2 * PIECE_BYTES,
            dir: dir.path(),
            removed: Vec::new(),
        };
        let (name, _) = write(dir.path(), &mut source, u64::MAX).unwrap();
        assert!(source.removed.len() > 1);
        assert_eq!(source.removed[0], 1, "the leftover, and it alone");
        assert_eq!(source.removed[1..].iter().sum::<usize>(), 0);
        assert!(!leftover.exists());
        verify(dir.path(), &name).unwrap();
    }

    /// Looks for leftovers whenever it is read.
    struct Watched<'d> {
        left: usize,
        dir: &'d Path,
        removed: Vec<usize>,
    }

    impl Read for Watched<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.removed.push(remove_partial(self.dir).unwrap());
            let bytes = buffer.len().min(self.left);
            buffer[..bytes].fill(7);
            self.left -= bytes;
            Ok(bytes)
        }
    }

    #[test]
    fn one_over_the_limit_leaves_nothing_behind() {
        let dir = store();
        let refused = write(dir.path(), &mut [0; 11].as_slice(), 10);
        assert!(matches!(
            refused,
            Err(AttachmentError::TooLarge { max: 10 })
        ));
        assert_eq!(
            std::fs::read_dir(dir.path().join("attachments"))
                .unwrap()
                .count(),
            0
        );
        write(dir.path(), &mut [0; 10].as_slice(), 10).unwrap();
    }
}
