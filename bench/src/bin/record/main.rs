//! `cargo xtask bench record [--big]`: what a log does in a second, how long one receipt takes, and what it takes up, beside
//! the disk's own sync rate and PostgreSQL in the same run.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod bulk;
mod desk;
mod offline;
mod peers;
mod raw;
mod writers;

use bench::disk::{self, Scratch};
use bench::measure::RUNS;
use bench::table::Table;
use bench::{Outcome, disk::SyncFile};
use std::process::ExitCode;

/// Threads that bring statements: one for each processor of the machine that the goals are for.
pub const THREADS: usize = 2;
/// Statements in flight in the floods.
pub const WRITERS: usize = 512;
/// Statements per commit, as the log has it.
pub const BATCH_MAX: usize = 512;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let big = match (args.next().as_deref(), args.next()) {
        (None, _) => Some(false),
        (Some("--big"), None) => Some(true),
        _ => None,
    };
    let usage = "usage: cargo xtask bench record [--big]";
    bench::run("record", usage, big, |big| run(*big))
}

fn run(big: bool) -> Outcome {
    let folder = disk::folder()?;
    println!(
        "writes below target/bench; each number is the median of {RUNS} runs after a warm-up\n"
    );
    let mut table = Table::default();
    // What is missing is said at the end too: nobody looks for it above a table.
    let peers = {
        let scratch = Scratch::new(&folder, "record")?;
        let mut sync = SyncFile::new(scratch.path())?;
        peers::disk(&mut sync, &mut table)?;
        let peers = peers::postgres(&folder);
        let known = peers.as_ref().ok();
        writers::raw(scratch.path(), known, &mut table)?;
        writers::statements(scratch.path(), known, &mut sync, &mut table)?;
        peers
    };
    offline::hashing(&mut table)?;
    offline::signatures(&folder, &mut table)?;
    bulk::stored(&folder, 1_000_000, "1m", &mut table)?;
    if big {
        bulk::stored(&folder, 10_000_000, "10m", &mut table)?;
    }
    if let Ok(peers) = &peers {
        peers.rows(&mut table);
    }
    println!("\n{table}");
    peers.map(|_| ())
}
