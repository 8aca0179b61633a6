//! Where benchmarks write, and how fast the disk there can promise anything.

use crate::Outcome;
use crate::measure::Latency;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// `target/bench`: what is made here may be deleted at any time.
///
/// # Errors
/// When it cannot be made, or lies in memory, where a sync costs nothing and no number means anything.
pub fn folder() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent);
    let folder =
        target.ok_or("this program lies in no target directory; call it as `cargo xtask bench`")?;
    let folder = folder.join("bench");
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let kind = filesystem(&fs::read_to_string("/proc/self/mounts")?, &folder);
    if matches!(kind.as_str(), "tmpfs" | "ramfs") {
        let place = folder.display();
        return Err(format!(
            "{place} lies in memory ({kind}); set CARGO_TARGET_DIR to a directory on a disk"
        )
        .into());
    }
    Ok(folder)
}

/// The type of the filesystem of the longest mount point above `folder`.
fn filesystem(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        Some((parts.next()?, parts.next()?))
    });
    let above = mounts.filter(|(point, _)| folder.starts_with(point));
    // Of two mounts at one point the later one lies on top.
    above
        .max_by_key(|(point, _)| point.len())
        .map_or_else(String::new, |(_, kind)| kind.to_owned())
}

/// An empty directory that is removed when this is dropped, also in a panic.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes `name` in `folder`, without what an earlier run left there.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn new(folder: &Path, name: &str) -> Outcome<Self> {
        let path = folder.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const BLOCK: usize = 8192;
const BLOCKS: u64 = 256;

/// A preallocated file, in which one block at a time is written and synced.
pub struct SyncFile {
    file: File,
    next: u64,
}

impl SyncFile {
    /// Makes the file in `folder`.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn new(folder: &Path) -> Outcome<Self> {
        let file = File::create(folder.join("sync"))?;
        for block in 0..BLOCKS {
            file.write_all_at(&[1; BLOCK], block * BLOCK as u64)?;
        }
        file.sync_all()?;
        Ok(Self { file, next: 0 })
    }

    /// How long writing 8 KiB and `fdatasync` take together, `times` times.
    ///
    /// # Errors
    /// As the system gives them.
    pub fn measure(&mut self, times: usize) -> Outcome<Latency> {
        let mut taken: Vec<Duration> = Vec::with_capacity(times);
        for _ in 0..times {
            self.next += 1;
            let block = [self.next.to_le_bytes()[0]; BLOCK];
            let from = Instant::now();
            self.file
                .write_all_at(&block, self.next % BLOCKS * BLOCK as u64)?;
            self.file.sync_data()?;
            taken.push(from.elapsed());
        }
        Ok(Latency::of(&taken))
    }
}

/// Copies a directory with everything in it.
///
/// # Errors
/// As the system gives them.
pub fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Asks the kernel to forget what it holds of the files in `folder`, so that the next reader has to go to the disk.
/// Whether that worked.
#[must_use]
pub fn forget(folder: &Path) -> bool {
    let Ok(files) = fs::read_dir(folder) else {
        return false;
    };
    files
        .flatten()
        .filter(|file| file.path().is_file())
        .all(|file| {
            let path = file.path();
            let written = File::open(&path).and_then(|file| file.sync_all());
            let mut dd = Command::new("dd");
            dd.arg(format!("if={}", path.display()));
            dd.args(["iflag=nocache", "count=0", "status=none"]);
            written.is_ok() && dd.status().is_ok_and(|status| status.success())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_memory_is_told_from_one_on_a_disk() {
        let mounts = "a / ext4 rw 0 0\nb /tmp tmpfs rw 0 0\n";
        assert_eq!(filesystem(mounts, Path::new("/tmp/bench")), "tmpfs");
        assert_eq!(filesystem(mounts, Path::new("/srv/bench")), "ext4");
    }
}
