//! Crashes and faults under a running log. Real processes, real files, and every fault must hit.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod check;
mod disk;
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
