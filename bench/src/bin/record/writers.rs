//! Writers: floods of leaves and of statements, one writer alone, and a flash statement through a flood.

use crate::desk::{self, Desk};
use crate::peers::Peers;
use crate::raw::{RawLog, Texts};
use crate::{BATCH_MAX, THREADS, WRITERS};
use bench::Outcome;
use bench::disk::SyncFile;
use bench::flow::Places;
use bench::measure::{Latency, Processor, RUNS, five, median};
use bench::table::{Goal, Peer, Table, Unit};
use record::key::Algorithm;
use record::log::{Lane, Log, SayError};
use record::time::{Clock, SystemClock};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const LEAVES: usize = 30_000;
const STATEMENTS: usize = 20_000;
const WARM_UP: usize = 3_000;
const ALONE: usize = 300;
/// More than a flood lasts for.
const FLASHES_MAX: usize = 1_000;

fn peer(peers: Option<&Peers>, ours: f64) -> Option<Peer> {
    peers.map(|peers| Peer::new("PostgreSQL", ours, peers.best_per_second(), Unit::PerSecond))
}

/// Leaves of 1 KB without author, durable.
pub fn raw(folder: &Path, peers: Option<&Peers>, table: &mut Table) -> Outcome {
    let dir = folder.join("raw");
    Desk::found(&dir)?;
    let mut log = RawLog::open(&dir, desk::ORIGIN, desk::signer()?)?;
    let mut texts = Texts::new(1);
    let mut flood = |count: usize| {
        let leaves = texts.by_ref().take(count).collect();
        log.flood(
            leaves,
            SystemClock.now().minute_s(),
            WRITERS,
            THREADS,
            BATCH_MAX,
        )
    };
    flood(WARM_UP)?;
    let rate = five(|| {
        let rate = flood(LEAVES)?;
        println!("leaves: {rate:.0}/s");
        Ok(rate)
    })?;
    let goal = Goal::at_least("append-512", rate, 14_000.0, Unit::PerSecond);
    let what = "appends, 512 in flight, 1 KB leaves, durable";
    table.row(
        what,
        Unit::PerSecond.show(rate),
        peer(peers, rate),
        Some(goal),
    );
    Ok(())
}

/// Real statements: in a flood, alone, and flash through a flood.
pub fn statements(
    folder: &Path,
    peers: Option<&Peers>,
    sync: &mut SyncFile,
    table: &mut Table,
) -> Outcome {
    let desk = Desk::found(&folder.join("said"))?;
    let log = desk.open(2 * WRITERS)?;
    flood(&log, &desk.sign(WARM_UP, Algorithm::EdDsa, THREADS)?)?;
    said(&desk, &log, peers, table)?;
    alone(&desk, &log, peers, sync, table)?;
    flash(&desk, &log, table)
}

fn said(desk: &Desk, log: &Log, peers: Option<&Peers>, table: &mut Table) -> Outcome {
    let mut waits = Vec::new();
    let mut spent = Vec::new();
    let rate = five(|| {
        let statements = desk.sign(STATEMENTS, Algorithm::EdDsa, THREADS)?;
        let flooded = flood(log, &statements)?;
        println!("statements: {:.0}/s", flooded.per_second);
        waits.push(flooded.latency);
        spent = flooded.spent;
        Ok(flooded.per_second)
    })?;
    let goal = Goal::at_least("say-512", rate, 8_000.0, Unit::PerSecond);
    let what = "statements, 512 in flight, two disclosures, all signatures checked";
    table.row(
        what,
        Unit::PerSecond.show(rate),
        peer(peers, rate),
        Some(goal),
    );
    let latency = Latency::median(&waits);
    let waited = format!(
        "{}, p99 {}",
        Unit::Ms.show(latency.p50_ms),
        Unit::Ms.show(latency.p99_ms)
    );
    table.row("  the same, submitted to receipt", waited, None, None);
    println!(
        "where the time went in the last of these runs, per statement, of {:.0} us on {THREADS} processors:",
        2e6 / rate
    );
    for (thread, on, waiting) in spent {
        println!("  {thread:<12} {on:6.1} us on a processor, {waiting:6.1} us waiting for one");
    }
    Ok(())
}

/// What one flood came to.
struct Flooded {
    per_second: f64,
    latency: Latency,
    spent: Vec<(String, f64, f64)>,
}

/// What the answers to submitted statements leave behind.
struct Answers {
    places: Places,
    taken: Mutex<Vec<Duration>>,
    refused: Mutex<Option<SayError>>,
}

impl Answers {
    fn new(writers: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Places::new(writers),
            taken: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// Submits `statement` when a place is free.
    fn submit(self: &Arc<Self>, log: &Log, statement: &str, lane: Lane) {
        self.places.enter();
        let (answers, from) = (Arc::clone(self), Instant::now());
        log.submit(statement, lane, move |result| {
            match result {
                Ok(_) => lock(&answers.taken).push(from.elapsed()),
                Err(error) => *lock(&answers.refused) = Some(error),
            }
            answers.places.leave();
        });
    }

    /// Waits for all answers.
    fn latency(&self) -> Outcome<Latency> {
        self.places.drain();
        match lock(&self.refused).take() {
            Some(error) => Err(error.into()),
            None => Ok(Latency::of(&lock(&self.taken))),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says all `statements`, [`WRITERS`] of them in flight.
fn flood(log: &Log, statements: &[String]) -> Outcome<Flooded> {
    let answers = Answers::new(WRITERS);
    let next = AtomicUsize::new(0);
    // The kernel's count of a thread ends with the thread: they wait until it was read.
    let (brought, counted) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    let bring = || {
        while let Some(statement) = statements.get(next.fetch_add(1, Ordering::Relaxed)) {
            answers.submit(log, statement, Lane::Routine);
        }
        brought.wait();
        counted.wait();
    };
    let before = Processor::now();
    let from = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            std::thread::Builder::new()
                .name("submit".into())
                .spawn_scoped(scope, bring)?;
        }
        brought.wait();
        let latency = answers.latency();
        let elapsed = from.elapsed();
        let spent = Processor::now().since(&before, statements.len());
        counted.wait();
        Ok(Flooded {
            per_second: statements.len() as f64 / elapsed.as_secs_f64(),
            latency: latency?,
            spent,
        })
    })
}

/// One writer alone: each statement is said when the one before has its receipt.
fn alone(
    desk: &Desk,
    log: &Log,
    peers: Option<&Peers>,
    sync: &mut SyncFile,
    table: &mut Table,
) -> Outcome {
    let (mut runs, mut times) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let statements = desk.sign(ALONE, Algorithm::EdDsa, THREADS)?;
        let disk = sync.measure(ALONE)?;
        let mut taken = Vec::with_capacity(ALONE);
        for statement in &statements {
            let from = Instant::now();
            log.say(statement)?;
            taken.push(from.elapsed());
        }
        if run > 0 {
            let latency = Latency::of(&taken);
            println!("one writer: {latency:.3?}; the disk just before: {disk:.3?}");
            times.push(latency.p50_ms / disk.p50_ms);
            runs.push(latency);
        }
    }
    let (latency, times) = (Latency::median(&runs), median(&times));
    let (p50, p99) = (latency.p50_ms, latency.p99_ms);
    let single = peers.map(|peers| Peer::new("PostgreSQL", p50, peers.single.latency_ms, Unit::Ms));
    let goal = Goal::at_most("receipt-p50", p50, 10.0, Unit::Ms);
    table.row(
        "one writer, statement to receipt, p50",
        Unit::Ms.show(p50),
        single,
        Some(goal),
    );
    let goal = Goal::at_most("receipt-p99", p99, 50.0, Unit::Ms);
    table.row(
        "one writer, statement to receipt, p99",
        Unit::Ms.show(p99),
        None,
        Some(goal),
    );
    let goal = Goal::at_most("receipt-p50-by-sync-p50", times, 3.0, Unit::Times);
    table.row(
        "one writer, p50 by the disk's own p50 just before",
        Unit::Times.show(times),
        None,
        Some(goal),
    );
    Ok(())
}

/// Flash statements, one after the other, while the routine lane is kept full.
fn flash(desk: &Desk, log: &Log, table: &mut Table) -> Outcome {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let routine = desk.sign(STATEMENTS, Algorithm::EdDsa, THREADS)?;
        let mut urgent = desk.sign(FLASHES_MAX, Algorithm::EdDsa, THREADS)?;
        let answers = Answers::new(1);
        std::thread::scope(|scope| -> Outcome {
            let flooding = scope.spawn(|| flood(log, &routine));
            while !flooding.is_finished()
                && let Some(statement) = urgent.pop()
            {
                answers.submit(log, &statement, Lane::Flash);
            }
            flooding
                .join()
                .map_err(|_| "a flooding thread panicked")??;
            Ok(())
        })?;
        let latency = answers.latency()?;
        println!("flash through a flood: {latency:.3?}");
        runs.push(latency);
    }
    let latency = Latency::median(&runs);
    table.row(
        "flash through a full routine flood, p50",
        Unit::Ms.show(latency.p50_ms),
        None,
        None,
    );
    table.row(
        "flash through a full routine flood, p99",
        Unit::Ms.show(latency.p99_ms),
        None,
        None,
    );
    Ok(())
}
