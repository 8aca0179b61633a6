//! The whole door over HTTP: a node as it is served, with its log, its views, its search and its clerk, on a disk that keeps what
//! it was told to; clients on the same machine, each on a connection of its own with a token of its own. What they send was
//! signed before. Beside it PostgreSQL, which takes the same rows from as many connections.

mod lag;
mod peer;
mod said;

use bench::Outcome;
use bench::clients::{self, Connected, Load, Pace};
use bench::disk::Scratch;
use bench::measure::Latency;
use bench::served::{CONNECTIONS, Served};
use bench::table::{Goal, Peer, Table, Unit};
use lag::Marks;
use said::Signed;
use std::path::Path;
use std::time::Duration;

/// What has to be taken in a second.
const PER_SECOND_MIN: f64 = 3_000.0;
/// What is brought in a second on a busy day.
const PER_SECOND_QUIET: f64 = 100.0;
/// Until the views have what has its receipt, of 99 of 100, in milliseconds: under the flood, and on a busy day.
const LAG_P99_MS: f64 = 500.0;
const LAG_QUIET_P99_MS: f64 = 50.0;
/// More than can be taken in a second, so that a flood does not end early.
const FLOOD_PER_SECOND_MAX: u64 = 8_000;

/// How long each part goes on.
pub struct Lengths {
    warm_up: Duration,
    quiet: Duration,
    steady: Duration,
    flood: Duration,
}

impl Lengths {
    /// As the goals have it.
    pub const FULL: Self = Self {
        warm_up: Duration::from_secs(5),
        quiet: Duration::from_secs(30),
        steady: Duration::from_secs(30),
        flood: Duration::from_secs(60),
    };
    /// To try something out.
    pub const SMALL: Self = Self {
        warm_up: Duration::from_secs(1),
        quiet: Duration::from_secs(3),
        steady: Duration::from_secs(3),
        flood: Duration::from_secs(4),
    };
}

/// Measures the door, and then PostgreSQL with what the door took in its flood.
pub fn measure(folder: &Path, lengths: &Lengths, table: &mut Table) -> Outcome {
    let scratch = Scratch::new(folder, "door")?;
    let served = Served::start(scratch.path())?;
    flood(&served, "warm-up", lengths.warm_up)?;
    let quiet = paced(&served, "quiet", PER_SECOND_QUIET, lengths.quiet)?;
    let steady = paced(&served, "steady", PER_SECOND_MIN, lengths.steady)?;
    let flooded = flood(&served, "flood", lengths.flood)?;
    let home = served.stop()?;
    let peer = peer::measure(
        folder,
        &home,
        &flooded.load.answers,
        lengths.warm_up,
        lengths.flood,
    );
    rows(&quiet, &steady, &flooded, peer.as_ref().ok(), table);
    peer.map(|_| ())
}

/// What one load came to.
struct Measured {
    load: Load,
    lag: Latency,
}

fn flood(served: &Served, name: &str, during: Duration) -> Outcome<Measured> {
    let count = FLOOD_PER_SECOND_MAX * during.as_secs();
    bring(served, name, count, Pace::Flood, during)
}

fn paced(served: &Served, name: &str, per_second: f64, during: Duration) -> Outcome<Measured> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (per_second * during.as_secs_f64()) as u64;
    bring(served, name, count, Pace::PerSecond(per_second), during)
}

/// Brings `count` statements, and waits until everything they lead to is done.
fn bring(
    served: &Served,
    name: &str,
    count: u64,
    pace: Pace,
    during: Duration,
) -> Outcome<Measured> {
    let log = served.log()?;
    let signed = Signed::some(served.desks(), &log, count)?;
    println!(
        "{name}: {} signed, {:.0} bytes each with the JSON around them",
        signed.len(),
        signed.mean_bytes()
    );
    let marks = Marks::follow(served.views(), &log.origin)?;
    let load =
        clients::bring::<Connected>(served.clients(&signed.bodies()), signed.len(), pace, during)?;
    served.node().settle();
    let lags = marks.end()?.lags(&load.answers)?;
    let lag = Latency::of(&lags);
    let longest = lags.iter().max().map_or(0.0, Duration::as_secs_f64) * 1e3;
    println!(
        "{name}: {load}; until the views had it p50 {:.2} ms, p99 {:.2} ms, longest {longest:.0} ms",
        lag.p50_ms, lag.p99_ms
    );
    for (thread, on, waiting) in &load.spent {
        println!(
            "  {thread:<15} {on:6.1} us on a processor, {waiting:6.1} us waiting for one, for each statement"
        );
    }
    served.node().settle_search()?;
    Ok(Measured { load, lag })
}

fn rows(
    quiet: &Measured,
    steady: &Measured,
    flooded: &Measured,
    peer: Option<&peer::Measured>,
    table: &mut Table,
) {
    let ms = |ms: f64| Unit::Ms.show(ms);
    let both = |latency: &Latency| format!("{}, p99 {}", ms(latency.p50_ms), ms(latency.p99_ms));
    let rate = flooded.load.per_second;
    let seconds = flooded.load.answers.len() as f64 / rate;
    table.row(
        format!("whole door over HTTP, {CONNECTIONS} clients as fast as they can, {seconds:.0} s"),
        Unit::PerSecond.show(rate),
        peer.map(|peer| {
            let theirs = peer.load.per_second;
            Peer::new("PostgreSQL", rate, theirs, Unit::PerSecond)
        }),
        Some(Goal::at_least(
            "door",
            rate,
            PER_SECOND_MIN,
            Unit::PerSecond,
        )),
    );
    table.row(
        "  the same, sent to receipt",
        both(&flooded.load.latency),
        None,
        None,
    );
    let lag = flooded.lag.p99_ms;
    table.row(
        "  the same, receipt to views, p99",
        ms(lag),
        None,
        Some(Goal::at_most("door-lag-p99", lag, LAG_P99_MS, Unit::Ms)),
    );
    for (name, measured, goal) in [
        ("3,000 a second", steady, None),
        ("100 a second", quiet, Some(LAG_QUIET_P99_MS)),
    ] {
        table.row(
            format!("at {name}, sent to receipt"),
            both(&measured.load.latency),
            None,
            None,
        );
        let lag = measured.lag.p99_ms;
        table.row(
            "  the same, receipt to views, p99",
            ms(lag),
            None,
            goal.map(|goal| Goal::at_most("door-lag-quiet-p99", lag, goal, Unit::Ms)),
        );
    }
    if let Some(peer) = peer {
        table.row(
            format!("{}: sent to commit", peer.version),
            both(&peer.load.latency),
            None,
            None,
        );
    }
}
