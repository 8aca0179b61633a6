//! A large log: what it takes up, how soon it is open, how soon a proof is made. It is filled once and kept in `target/bench`
//! until the store's code changes.

use crate::desk::{self, Desk};
use crate::raw::{Raw, RawLog, Texts};
use bench::disk::forget;
use bench::measure::{Latency, RUNS, five};
use bench::table::{Goal, Table, Unit};
use bench::{Failure, Outcome};
use record::encoding::Hash;
use record::log::Log;
use record::store::sqlite::RECORD;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What decides how entries lie on the disk; a store that other code wrote says nothing of this one.
const CODE: [&[u8]; 3] = [
    include_bytes!("../../../../crates/record/src/store/sqlite.rs"),
    include_bytes!("../../../../crates/record/src/log/sequencer.rs"),
    include_bytes!("bulk.rs"),
];
/// Leaves per transaction.
const BATCH: usize = 8192;
/// Leaves that share a minute: a busy day, neither one flood nor one leaf a minute.
const PER_MINUTE: u64 = 5_000;
const PROOFS: usize = 1_000;

/// Measures a log of `entries` entries; `name` says how many.
pub fn stored(folder: &Path, entries: u64, name: &str, table: &mut Table) -> Outcome {
    let dir = filled(folder, entries, name)?;
    let bytes = fs::metadata(dir.join(RECORD))?.len() as f64 / entries as f64;
    let goal = |goal: Goal| (name == "1m").then_some(goal);
    let at = format!("{entries} entries");
    let wanted = Goal::at_most("bytes-per-leaf", bytes, 1280.0, Unit::Bytes);
    table.row(
        format!("{at}: record.db per 1 KB leaf"),
        Unit::Bytes.show(bytes),
        None,
        goal(wanted),
    );

    let open = || -> Outcome<f64> {
        let from = Instant::now();
        open(&dir)?;
        Ok(from.elapsed().as_secs_f64() * 1e3)
    };
    open()?;
    let warm = five(open)?;
    let mut forgotten = true;
    let cold = five(|| {
        forgotten &= forget(&dir);
        open()
    })?;
    let (cold, how) = if forgotten {
        (cold, "from the disk")
    } else {
        println!(
            "the system would not forget the files, so the restart is measured with them in memory"
        );
        (warm, "from memory")
    };
    let wanted = Goal::at_most(&format!("restart-{name}"), cold, 1000.0, Unit::Ms);
    table.row(
        format!("{at}: restart, {how}"),
        Unit::Ms.show(cold),
        None,
        goal(wanted),
    );
    table.row(
        format!("{at}: restart, in memory"),
        Unit::Ms.show(warm),
        None,
        None,
    );

    let log = self::open(&dir)?;
    let mut indices = Texts::new(3);
    let mut prove = || -> Outcome<Latency> {
        let mut taken = Vec::with_capacity(PROOFS);
        for _ in 0..PROOFS {
            let index = indices.number() % entries;
            let from = Instant::now();
            std::hint::black_box(log.prove(index)?);
            taken.push(from.elapsed());
        }
        Ok(Latency::of(&taken))
    };
    prove()?;
    let runs: Vec<Latency> = (0..RUNS).map(|_| prove()).collect::<Outcome<_>>()?;
    let Latency { p50_ms, p99_ms } = Latency::median(&runs);
    let wanted = Goal::at_most(&format!("proof-{name}-p50"), p50_ms, 1.0, Unit::Ms);
    table.row(
        format!("{at}: inclusion proof, p50"),
        Unit::Ms.show(p50_ms),
        None,
        goal(wanted),
    );
    let wanted = Goal::at_most(&format!("proof-{name}-p99"), p99_ms, 1.0, Unit::Ms);
    table.row(
        format!("{at}: inclusion proof, p99"),
        Unit::Ms.show(p99_ms),
        None,
        goal(wanted),
    );
    Ok(())
}

/// Opens the log for writing, as a restart does.
fn open(dir: &Path) -> Outcome<Log> {
    let log = Log::open(dir, desk::options(1)?)?;
    match log.read_only() {
        None => Ok(log),
        Some(reason) => Err(reason.to_string().into()),
    }
}

/// The directory of a log of `entries` entries; filled now if it is not there.
fn filled(folder: &Path, entries: u64, name: &str) -> Outcome<PathBuf> {
    let dir = folder.join(format!("log-{name}"));
    let whole = folder.join(format!("log-{name}.whole"));
    let code = Hash::of(&CODE).to_string();
    if fs::read_to_string(&whole).is_ok_and(|made_by| made_by == code) {
        return Ok(dir);
    }
    for old in [&whole, &dir] {
        let removed = if old.is_dir() {
            fs::remove_dir_all(old)
        } else {
            fs::remove_file(old)
        };
        removed.or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    let from = Instant::now();
    Desk::found(&dir)?;
    let mut log = RawLog::open(&dir, desk::ORIGIN, desk::signer()?)?;
    let mut texts = Texts::new(4);
    while log.size() < entries {
        let (size, left) = (log.size(), entries - log.size());
        let leaves = texts
            .by_ref()
            .take(BATCH.min(usize::try_from(left).unwrap_or(BATCH)));
        let minute = |index: u64| i64::try_from(index / PER_MINUTE * 60).map_err(Failure::from);
        let batch = (size..)
            .zip(leaves)
            .map(|(index, leaf)| Ok(Raw::new(leaf, minute(index)?)));
        log.append(batch.collect::<Outcome<_>>()?)?;
    }
    log.flush()?;
    fs::write(&whole, code)?;
    println!(
        "filled a log of {entries} entries in {:.0} s; it is kept in target/bench",
        from.elapsed().as_secs_f64()
    );
    Ok(dir)
}
