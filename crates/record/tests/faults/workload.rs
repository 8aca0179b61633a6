//! What the child process does: it says statements of every sort and prints each receipt the moment it has it.

use crate::support::{Desk, START, erase_of, names};
use record::log::{Log, Options};
use record::name::Reference;
use record::statement::Draft;
use record::time::ManualClock;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The log's directory; without it a child test returns at once.
pub const DIR: &str = "TRUCELINE_FAULTS_DIR";
/// How often the child goes through its day.
pub const DAYS: &str = "TRUCELINE_FAULTS_DAYS";
/// Set when several threads speak at once too. What one thread says gives the same writes every time.
pub const BURST: &str = "TRUCELINE_FAULTS_BURST";
/// The plan of the disk that loses power.
pub const DISK: &str = "TRUCELINE_FAULTS_DISK";

/// The reports that were said when the log was founded, to be erased by the children in turn.
pub const TARGETS: std::ops::Range<u64> = 2..6;

/// This test binary again, running one child test and nothing else.
pub fn child(name: &str) -> (PathBuf, Vec<String>) {
    let binary = std::env::current_exe().expect("a running binary has a path");
    let args = ["--exact", name, "--nocapture", "--test-threads=1"];
    (binary, args.map(str::to_owned).to_vec())
}

/// A child holds copies of all our open files for a moment before it becomes another program, and with them a log's lock.
/// So none is started while this process has a log open.
static STARTING: RwLock<()> = RwLock::new(());

/// Held while this process has logs open.
pub fn no_child_starts() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `command` to its end.
pub fn output_of(command: &mut Command) -> std::io::Result<Output> {
    let command = command.stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    start(command)?.wait_with_output()
}

/// Starts `command`, and returns when it has become the other program.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _starting = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

struct Speaker<'a> {
    desk: &'a Desk,
    log: &'a Log,
    said: &'a AtomicU64,
}

impl Speaker<'_> {
    fn say(&self, draft: &Draft) -> Option<Reference> {
        let compact = self.desk.sign(draft);
        let n = self.said.fetch_add(1, Ordering::Relaxed);
        print(&format!("saying {n} {compact}"));
        match self.log.say(&compact) {
            Ok(receipt) => {
                let (reference, size) = (receipt.reference, receipt.size);
                let (index, leaf) = (reference.index, reference.leaf);
                print(&format!("receipt {n} {index} {leaf} {size}"));
                Some(reference)
            }
            Err(error) => {
                print(&format!("refused {n} {error}"));
                None
            }
        }
    }

    fn message(&self, text: &str) {
        let unique = self.said.load(Ordering::Relaxed);
        let process = std::process::id();
        self.say(&self.desk.draft(&format!("{text} {unique} of {process}")));
    }

    fn report(&self) -> Option<Reference> {
        let photo = vec![7; 3000];
        let attached = self.log.attach(&mut photo.as_slice());
        let name = attached.map_err(|error| print(&format!("refused attachment {error}")));
        let name = name.ok()?;
        let content = json!({"text": "a crater", "attachments": [{"name": name.to_string(), "type": "image/jpeg"}]});
        let draft = Draft::new("report.file/1", "2016-06-21T12:00:00+03:00").unwrap();
        self.say(&draft.group("body", names(&["RU", "US"]), content).unwrap())
    }

    fn erase(&self, index: u64) {
        let Ok(Some(target)) = self.log.statement(index) else {
            return;
        };
        self.say(&erase_of(&Reference {
            origin: self.desk.id.origin.clone(),
            index,
            leaf: target.leaf().hash(),
        }));
    }
}

/// The desk of a log that is there.
fn desk_of(dir: &Path, log: &Log) -> Desk {
    // Below the test's directory, so that a killed child leaves nothing behind.
    let above = dir.parent().expect("the test's directory");
    Desk {
        root: tempfile::tempdir_in(above).unwrap(),
        dir: dir.to_owned(),
        id: log.id().clone(),
        clock: Arc::new(ManualClock::at(START)),
    }
}

/// One day: open, speak, attach, erase, close, open again.
fn day(dir: &Path, options: impl Fn() -> Options, day: u64, burst: bool, said: &AtomicU64) {
    let log = Log::open(dir, options()).expect("the log opens");
    assert_eq!(log.read_only(), None, "the log opens for writing");
    let desk = desk_of(dir, &log);
    let speaker = Speaker {
        desk: &desk,
        log: &log,
        said,
    };
    speaker.message("good morning");
    let report = speaker.report();
    if burst {
        std::thread::scope(|scope| {
            for desk in ["north", "south", "east"] {
                let speaker = &speaker;
                scope.spawn(move || (0..6).for_each(|_| speaker.message(desk)));
            }
        });
    }
    speaker.erase(TARGETS.start + day % (TARGETS.end - TARGETS.start));
    speaker.message("noon");
    if let Some(report) = report.filter(|_| day % 2 == 1) {
        speaker.erase(report.index);
    }
    if let Err(error) = log.keep_head() {
        print(&format!("refused to keep a head {error}"));
    }
    speaker.message("evening");
    drop(log);
    let log = Log::open(dir, options()).expect("the log opens again");
    let speaker = Speaker {
        desk: &desk,
        log: &log,
        said,
    };
    speaker.message("night");
}

/// Says one thing, as the third to write keys.
pub fn run_child_that_says_one_thing(options: impl Fn() -> Options) {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    print("");
    let log = Log::open(Path::new(&dir), options()).expect("the log opens");
    for _ in 0..2 {
        log.attach(&mut [7].as_slice()).expect("it is stored");
    }
    let said = AtomicU64::new(0);
    let speaker = Speaker {
        desk: &desk_of(Path::new(&dir), &log),
        log: &log,
        said: &said,
    };
    speaker.message("the only one");
}

/// What the environment asks of a child; nothing when this is no child.
pub fn run_child(options: impl Fn() -> Options) {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    print("");
    let days = std::env::var(DAYS).map_or(1, |days| days.parse().unwrap());
    let burst = std::env::var_os(BURST).is_some();
    let said = AtomicU64::new(0);
    for n in 0..days {
        day(Path::new(&dir), &options, n, burst, &said);
    }
    print("ended");
}
