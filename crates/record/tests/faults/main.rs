//! Crashes and faults under a running log. Real processes, real files, and every fault must hit.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod check;
mod disk;
mod strace;
#[path = "../support/mod.rs"]
mod support;
mod vfs;
mod workload;

use check::History;
use disk::{End, Plan, Random};
use record::log::Options;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use support::{LOG_KEY, signer};

const SIGKILL: i32 = 9;
/// `EX_IOERR`.
const EXIT_IO: i32 = 74;

/// Whether to look at every point rather than at a spread of them.
fn long() -> bool {
    std::env::var_os("TRUCELINE_LONG").is_some()
}

fn options() -> Options {
    let mut options = Options::new(vec![signer(LOG_KEY)]);
    options.keep_heads_every_ms = 0;
    options
}

/// Not a test: what [`power_cuts_lose_nothing_acknowledged`] runs in a second process.
#[test]
fn child_on_a_losing_disk() {
    let Ok(plan) = std::env::var(workload::DISK) else {
        return;
    };
    let dir = std::path::PathBuf::from(std::env::var_os(workload::DIR).unwrap());
    disk::install(Plan::from_env(&plan), dir.with_file_name("left"), &dir).unwrap();
    vfs::register();
    workload::run_child(|| {
        let mut options = options();
        options.vfs = Some(vfs::NAME);
        options.head_medium = Some(vfs::head);
        options
    });
}

fn end(history: &mut History, plan: Plan) -> usize {
    eprintln!("{plan:?}");
    let (binary, args) = workload::child("child_on_a_losing_disk");
    let mut command = Command::new(binary);
    command
        .args(args)
        .env(workload::DIR, &history.desk.dir)
        .env(workload::DAYS, "40")
        .env(workload::BURST, "1")
        .env(workload::DISK, plan.to_env());
    let output = workload::output_of(&mut command).unwrap();
    assert_eq!(
        output.status.signal(),
        Some(SIGKILL),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    history.note(&output.stdout)
}

#[test]
fn power_cuts_lose_nothing_acknowledged() {
    let logs = if long() { 150 } else { 16 };
    let (mut cuts, mut receipts) = (0, 0);
    for seed in 0..logs {
        let mut history = History::found();
        let mut random = Random(seed);
        let mut cut = |history: &mut History, within: usize, end_by: End| {
            let plan = Plan {
                at: 1 + random.below(within) as u64,
                seed: seed * 1000 + random.below(1000) as u64,
                end: end_by,
            };
            cuts += 1;
            receipts += end(history, plan);
        };
        cut(&mut history, 400, End::Power);
        history.check();
        // The power goes again while the next process is still recovering.
        cut(&mut history, 200, End::Power);
        cut(&mut history, 12, End::Power);
        history.check();
        // A killed process leaves in the page cache what the next one takes for stored.
        cut(&mut history, 200, End::Kill);
        cut(&mut history, 12, End::Power);
        history.check();
    }
    eprintln!("{cuts} cuts, {receipts} receipts");
    assert!(
        receipts > cuts,
        "the cuts fall where something was promised"
    );
}

#[test]
fn what_a_killed_process_left_unsynced_is_synced_before_it_is_signed() {
    let kills = if long() { 120 } else { 24 };
    for kill in 0..kills {
        let mut history = History::found();
        let plan = |at, end| Plan { at, seed: 0, end };
        end(&mut history, plan(20 + kill, End::Kill));
        end(&mut history, plan(3 + kill % 8, End::Wiped));
        history.check();
    }
}

/// Not a test: what runs under strace.
#[test]
fn child_on_a_real_disk() {
    workload::run_child(options);
}

#[test]
fn a_day_killed_at_any_write_or_sync_keeps_every_promise() {
    let points = if long() { 400 } else { 40 };
    let child = "child_on_a_real_disk";
    let counts = strace::counts(&History::found().desk.dir, child);
    assert_eq!(counts.len(), strace::PLACES.len(), "only {counts:?}");
    let mut random = Random(9);
    let mut receipts = 0;
    for point in 0..points {
        let place = strace::PLACES[point % strace::PLACES.len()];
        let nth = 1 + random.below(counts[&place]);
        eprintln!("{place:?} {nth} of {}", counts[&place]);
        let mut history = History::found();
        let killed = strace::killed(&history.desk.dir, child, place, nth);
        assert_eq!(killed.status.signal(), Some(SIGKILL), "{}", killed.errors);
        receipts += history.note(&killed.printed);
        history.check();
    }
    eprintln!("{points} kills, {receipts} receipts");
    assert!(
        receipts > points,
        "the kills fall where something was promised"
    );
}

/// The fault must end the child with a clear message, and what it acknowledged before must be there.
fn expect_the_end(child: &str, place: strace::Place, error: &str, nth: usize) -> usize {
    eprintln!("{place:?} {error} {nth}");
    let mut history = History::found();
    let failed = strace::failed(&history.desk.dir, child, place, error, nth);
    assert_eq!(failed.status.code(), Some(EXIT_IO), "{}", failed.errors);
    assert!(
        failed.errors.contains("truceline: the disk failed: "),
        "{}",
        failed.errors
    );
    assert!(
        failed.errors.contains("What has a receipt is safe"),
        "{}",
        failed.errors
    );
    let receipts = history.note(&failed.printed);
    history.check();
    receipts
}

#[test]
fn a_day_on_a_failing_disk_ends_at_the_first_fault() {
    let child = "child_on_a_real_disk";
    let counts = strace::counts(&History::found().desk.dir, child);
    let mut receipts = 0;
    for place in strace::PLACES {
        let errors: &[&str] = match place {
            ("pwrite64", _) => &["ENOSPC", "EIO"],
            _ => &["EIO"],
        };
        // SQLite does not report a failed copy from the write-ahead log into the database when a connection closes: nothing
        // depends on it. The first such copy is an erasure's, which does.
        let last = if place.1.ends_with(".db") {
            1
        } else {
            counts[&place] / 2
        };
        for (error, nth) in errors
            .iter()
            .flat_map(|error| [(error, last.min(4)), (error, last)])
        {
            receipts += expect_the_end(child, place, error, nth);
        }
    }
    assert!(
        receipts > 20,
        "the faults fall where something was promised"
    );
}

/// Not a test: what [`what_has_no_key_on_the_disk_is_not_acknowledged`] runs in a second process.
#[test]
fn child_that_says_one_thing() {
    workload::run_child_that_says_one_thing(options);
}

#[test]
fn what_has_no_key_on_the_disk_is_not_acknowledged() {
    let child = "child_that_says_one_thing";
    // The thread that writes keys syncs two attachments', the statement's, and what it copies back when it closes.
    let place = (strace::SYNC, "keys.db-wal");
    assert_eq!(
        expect_the_end(child, place, "EIO", 3),
        0,
        "nothing is acknowledged"
    );
    // The statement's keys are the last that it writes.
    let place = ("pwrite64", "keys.db-wal");
    let last = strace::counts(&History::found().desk.dir, child)[&place];
    assert_eq!(
        expect_the_end(child, place, "ENOSPC", last),
        0,
        "nothing is acknowledged"
    );
}
