//! What ours is measured beside: the disk, and PostgreSQL doing the same durable inserts.

use bench::Outcome;
use bench::disk::SyncFile;
use bench::measure::{Latency, RUNS, median};
use bench::postgres::{Cluster, Inserts};
use bench::table::{Table, Unit};
use std::path::Path;

const SYNCS: usize = 300;
const SECONDS: u32 = 4;
const WARM_UP_SECONDS: u32 = 2;

/// The disk's own sync rate.
pub fn disk(sync: &mut SyncFile, table: &mut Table) -> Outcome {
    sync.measure(SYNCS)?;
    let runs: Vec<Latency> = (0..RUNS)
        .map(|_| sync.measure(SYNCS))
        .collect::<Outcome<_>>()?;
    let latency = Latency::median(&runs);
    table.row(
        "disk: write 8 KiB and fdatasync, p50",
        Unit::Ms.show(latency.p50_ms),
        None,
        None,
    );
    table.row(
        "disk: write 8 KiB and fdatasync, p99",
        Unit::Ms.show(latency.p99_ms),
        None,
        None,
    );
    Ok(())
}

/// Durable inserts of 1 KB, one commit a row, by connections at once.
pub struct Peers {
    version: String,
    /// One connection.
    pub single: Inserts,
    inserts: Vec<(usize, Inserts)>,
}

impl Peers {
    /// The most that it made durable in a second.
    pub fn best_per_second(&self) -> f64 {
        let rates = self.inserts.iter().map(|(_, inserts)| inserts.per_second);
        rates.fold(self.single.per_second, f64::max)
    }

    /// How it was measured.
    pub fn rows(&self, table: &mut Table) {
        for (connections, inserts) in &self.inserts {
            let what = format!(
                "{}: {connections} connections, one commit a row",
                self.version
            );
            let peer = Unit::PerSecond.show(inserts.per_second);
            table.row(what, peer, None, None);
        }
        let single = &self.single;
        let what = format!("{}: 1 connection", self.version);
        let ours = format!(
            "{} ({} each)",
            Unit::PerSecond.show(single.per_second),
            Unit::Ms.show(single.latency_ms)
        );
        table.row(what, ours, None, None);
    }
}

/// Measures PostgreSQL.
pub fn postgres(folder: &Path) -> Outcome<Peers> {
    let cluster = Cluster::start(folder)?;
    cluster.insert(64, WARM_UP_SECONDS)?;
    let five = |connections: usize| -> Outcome<Inserts> {
        let runs: Vec<Inserts> = (0..RUNS)
            .map(|_| cluster.insert(connections, SECONDS))
            .collect::<Outcome<_>>()?;
        let each = |of: fn(&Inserts) -> f64| median(&runs.iter().map(of).collect::<Vec<_>>());
        Ok(Inserts {
            per_second: each(|run| run.per_second),
            latency_ms: each(|run| run.latency_ms),
        })
    };
    let mut inserts = Vec::new();
    for connections in [64, 512] {
        inserts.push((connections, five(connections)?));
        println!(
            "PostgreSQL, {connections} connections: {:?}",
            inserts.last()
        );
    }
    Ok(Peers {
        version: cluster
            .version()
            .replace("postgres (PostgreSQL)", "PostgreSQL"),
        single: five(1)?,
        inserts,
    })
}
