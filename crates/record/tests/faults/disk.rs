//! A disk that loses power: it remembers per file what was synced and every change since, and at a chosen operation lets each
//! sector fall back to any of its contents since the last sync, each for itself. So writes are lost, reordered and torn.
//!
//! A process may also be killed on it instead: then the page cache survives, and what was not synced is remembered beside the
//! files, so that the power may still go in the next process.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The power goes: what was not synced may be lost.
    Power,
    /// The power goes, and nothing is left of what was not synced.
    Wiped,
    /// The process is killed: the page cache survives.
    Kill,
}

/// When and how the disk ends.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The write or sync, counted from 1 over all files.
    pub at: u64,
    pub seed: u64,
    pub end: End,
}

impl Plan {
    pub fn to_env(self) -> String {
        format!("{} {} {:?}", self.at, self.seed, self.end)
    }

    pub fn from_env(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut number = || words.next().unwrap().parse().unwrap();
        let (at, seed) = (number(), number());
        Self {
            at,
            seed,
            end: match words.next().unwrap() {
                "Power" => End::Power,
                "Wiped" => End::Wiped,
                _ => End::Kill,
            },
        }
    }
}

enum Change {
    Write(usize, Vec<u8>),
    Size(usize),
}

#[derive(Default)]
struct Image {
    /// What is certainly on the disk; `None` when the file was made since.
    synced: Option<Vec<u8>>,
    since: Vec<Change>,
    /// Deleted, and the directory was not synced.
    deleted: bool,
}

impl Image {
    fn sync(&mut self) {
        let mut bytes = self.synced.take().unwrap_or_default();
        for change in self.since.drain(..) {
            change.apply(&mut bytes);
        }
        self.synced = Some(bytes);
    }

    /// What is found after the power came back. `None`: no such file. A file loses all of what was not synced (style 0),
    /// nothing of it (1), or each sector some of it.
    fn after_power_cut(&self, style: usize, random: &mut Random) -> Option<Vec<u8>> {
        if self.deleted && style != 0 || self.synced.is_none() && style == 0 {
            return None;
        }
        let before = self.synced.clone().unwrap_or_default();
        let mut now = before.clone();
        let mut sizes = vec![before.len()];
        let mut contents: BTreeMap<usize, Vec<[u8; SECTOR]>> = BTreeMap::new();
        for change in &self.since {
            let touched = change.touches(now.len());
            change.apply(&mut now);
            for sector in touched {
                let known = contents.entry(sector);
                let known = known.or_insert_with(|| vec![sector_of(&before, sector)]);
                known.push(sector_of(&now, sector));
            }
            sizes.push(now.len());
        }
        let mut choose = |count: usize| match style {
            0 => 0,
            1 => count - 1,
            _ => random.below(count),
        };
        let mut found = before;
        found.resize(sizes[choose(sizes.len())], 0);
        for (sector, contents) in contents {
            let content = contents[choose(contents.len())];
            let at = sector * SECTOR;
            if at < found.len() {
                let end = found.len().min(at + SECTOR);
                found[at..end].copy_from_slice(&content[..end - at]);
            }
        }
        Some(found)
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Size(size) => bytes.resize(*size, 0),
            Self::Write(at, written) => {
                let end = at + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(written);
            }
        }
    }

    fn touches(&self, size: usize) -> std::ops::Range<usize> {
        match self {
            Self::Size(new) => new / SECTOR..size.max(*new).div_ceil(SECTOR),
            Self::Write(at, written) => at / SECTOR..(at + written.len()).div_ceil(SECTOR),
        }
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> [u8; SECTOR] {
    let mut content = [0; SECTOR];
    let at = (sector * SECTOR).min(bytes.len());
    let end = bytes.len().min(at + SECTOR);
    content[..end - at].copy_from_slice(&bytes[at..end]);
    content
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// The disk under this process.
pub struct Disk {
    plan: Plan,
    /// Where a killed process leaves what was synced.
    left: PathBuf,
    images: BTreeMap<PathBuf, Image>,
    operations: u64,
}

static DISK: Mutex<Option<Disk>> = Mutex::new(None);

/// Nothing happens on the disk while one operation holds it, and nothing at all once it has ended.
pub struct Held(MutexGuard<'static, Option<Disk>>);

impl std::ops::Deref for Held {
    type Target = Disk;
    fn deref(&self) -> &Disk {
        self.0
            .as_ref()
            .expect("the disk is installed before it is used")
    }
}

impl std::ops::DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Disk {
        self.0
            .as_mut()
            .expect("the disk is installed before it is used")
    }
}

/// Puts the disk under this process, with what a killed process left of the one before.
pub fn install(plan: Plan, left: PathBuf, dir: &Path) -> io::Result<()> {
    let mut images = BTreeMap::new();
    if left.exists() {
        for entry in std::fs::read_dir(&left)? {
            let entry = entry?;
            let path = dir.join(entry.file_name());
            let mut image = Image {
                synced: Some(std::fs::read(entry.path())?),
                ..Image::default()
            };
            if let Ok(now) = std::fs::read(&path) {
                image.since = vec![Change::Size(now.len()), Change::Write(0, now)];
            } else {
                image.deleted = true;
            }
            images.insert(path, image);
        }
        std::fs::remove_dir_all(&left)?;
    }
    *DISK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Disk {
        plan,
        left,
        images,
        operations: 0,
    });
    Ok(())
}

pub fn hold() -> Held {
    Held(DISK.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Disk {
    /// A file is about to be opened, and made if it is not there.
    pub fn open(&mut self, path: &Path) {
        let there = std::fs::read(path).ok();
        match self.images.get_mut(path) {
            None => {
                let image = Image {
                    synced: there,
                    ..Image::default()
                };
                self.images.insert(path.to_owned(), image);
            }
            Some(image) if image.deleted => {
                image.deleted = false;
                image.since.push(Change::Size(0));
            }
            Some(_) => {}
        }
    }

    pub fn write(&mut self, path: &Path, at: usize, bytes: &[u8]) {
        self.image(path)
            .since
            .push(Change::Write(at, bytes.to_vec()));
        self.count();
    }

    pub fn resize(&mut self, path: &Path, size: usize) {
        self.image(path).since.push(Change::Size(size));
        self.count();
    }

    pub fn sync(&mut self, path: &Path) {
        self.count();
        self.image(path).sync();
    }

    pub fn delete(&mut self, path: &Path) {
        self.count();
        self.image(path).deleted = true;
    }

    fn image(&mut self, path: &Path) -> &mut Image {
        self.images.entry(path.to_owned()).or_default()
    }

    fn count(&mut self) {
        self.operations += 1;
        if self.operations == self.plan.at {
            match self.plan.end {
                End::Kill => self.leave(),
                End::Power | End::Wiped => self.lose_power(),
            }
            kill_this_process();
        }
    }

    fn lose_power(&self) {
        let mut random = Random(self.plan.seed);
        for (path, image) in &self.images {
            let _ = std::fs::remove_file(path);
            let style = match self.plan.end {
                End::Wiped => 0,
                End::Power | End::Kill => random.below(4),
            };
            if let Some(found) = image.after_power_cut(style, &mut random) {
                std::fs::write(path, found).expect("the real disk takes what the lost one held");
            }
            let mut index = path.clone().into_os_string();
            index.push("-shm");
            let _ = std::fs::remove_file(index);
        }
    }

    /// Leaves for the next process what is certainly on the disk. A file that was never synced leaves nothing but its name.
    fn leave(&self) {
        std::fs::create_dir(&self.left).expect("a new directory");
        for (path, image) in &self.images {
            let name = path.file_name().expect("a file");
            let synced = image.synced.as_deref().unwrap_or_default();
            std::fs::write(self.left.join(name), synced).expect("the real disk takes it");
        }
    }
}

#[allow(
    unsafe_code,
    reason = "SIGKILL, as the power's end, leaves the process no last word; std knows only abort"
)]
fn kill_this_process() -> ! {
    unsafe extern "C" {
        fn kill(process: i32, signal: i32) -> i32;
    }
    let process = i32::try_from(std::process::id()).expect("process ids are small");
    // SAFETY: both are plain numbers, and nothing after it runs.
    unsafe { kill(process, 9) };
    loop {
        std::thread::park();
    }
}
