//! Conflicts and point-now beside PostGIS, SQLite, `rstar` and `packed_spatial_index`: the same volumes, the same questions, the same hits, one run.
//!
//! `cargo xtask bench space` runs 10,000 and 100,000 volumes; `--big` adds a million. All answers of all peers are compared; a difference is printed.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod peers;
mod postgis;
mod workload;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use peers::{Exact, Ours, Packed, Peer, Rstar, Sqlite};
use postgis::Postgis;
use space::{Position, Snapshot, Space, Stamp, UtcMs, VolumeId, Writer};
use workload::{Thing, moments, things};

/// What went wrong, for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a step comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Questions of each kind.
const QUESTIONS: usize = 10_000;
/// Volumes that are added one by one, so that the small trees are not empty.
const LIVE: usize = 2_000;

/// Times of one peer, microseconds, and what it answered.
struct Measured {
    name: &'static str,
    conflict: Times,
    holding: Times,
}

struct Times {
    p50: f64,
    p99: f64,
    mean: f64,
}

impl Times {
    fn of(mut taken: Vec<u64>) -> Self {
        taken.sort_unstable();
        let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize] as f64 / 1e3;
        Self {
            p50: at(0.5),
            p99: at(0.99),
            mean: taken.iter().sum::<u64>() as f64 / taken.len() as f64 / 1e3,
        }
    }
}

/// The goals of one size: times as fast as the peer. The first is the goal, the second what we mean to reach.
struct Goals {
    socket: [f64; 2],
    server: Option<[f64; 2]>,
    rstar: Option<[f64; 2]>,
    point: Option<[f64; 2]>,
}

fn main() -> Outcome {
    let big = std::env::args().any(|a| a == "--big");
    let mut lines = Vec::new();
    size(10_000, None, &mut lines)?;
    let goals = Goals {
        socket: [95.0, 130.0],
        server: Some([30.0, 40.0]),
        rstar: Some([11.0, 15.0]),
        point: Some([105.0, 130.0]),
    };
    size(100_000, Some(goals), &mut lines)?;
    if big {
        let goals = Goals {
            socket: [48.0, 65.0],
            server: None,
            rstar: None,
            point: None,
        };
        size(1_000_000, Some(goals), &mut lines)?;
    }
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

fn stamp(position: usize) -> Stamp {
    Stamp {
        position: position as u64 + 1,
        heard: UtcMs(workload::START),
    }
}

/// Asks everything once, unmeasured, to warm up and to compare; then once more, measured.
fn measure(
    peer: &mut dyn Peer,
    answers: &mut [Vec<Vec<u32>>; 2],
    first: bool,
) -> Outcome<Measured> {
    let mut differences = 0;
    let mut times = Vec::new();
    for (kind, answers) in answers.iter_mut().enumerate() {
        let mut taken = Vec::with_capacity(QUESTIONS);
        for pass in 0..2 {
            for (i, answer) in answers.iter_mut().enumerate() {
                let mut out = Vec::new();
                let from = Instant::now();
                if kind == 0 {
                    peer.conflicts(i, &mut out)?
                } else {
                    peer.holding(i, &mut out)?
                }
                let elapsed = from.elapsed().as_nanos() as u64;
                if pass == 1 {
                    taken.push(elapsed);
                    continue;
                }
                out.sort_unstable();
                if first {
                    *answer = out;
                } else if *answer != out {
                    differences += 1;
                    if differences <= 5 {
                        let only = |a: &[u32], b: &[u32]| {
                            a.iter()
                                .filter(|x| !b.contains(x))
                                .copied()
                                .collect::<Vec<_>>()
                        };
                        println!(
                            "DIFFERENCE {} question {kind}/{i}: only ours {:?}, only theirs {:?}",
                            peer.name(),
                            only(answer, &out),
                            only(&out, answer)
                        );
                    }
                }
            }
        }
        times.push(Times::of(taken));
    }
    let hits: usize = answers[0].iter().map(Vec::len).sum();
    let holders: usize = answers[1].iter().map(Vec::len).sum();
    println!(
        "{}: {hits} conflicts, {holders} holders, {differences} differing answers",
        peer.name()
    );
    let (Some(holding), Some(conflict)) = (times.pop(), times.pop()) else {
        return Err("nothing was measured".into());
    };
    Ok(Measured {
        name: peer.name(),
        conflict,
        holding,
    })
}

fn size(count: usize, goals: Option<Goals>, lines: &mut Vec<String>) -> Outcome {
    println!("== {count} volumes, {QUESTIONS} questions of each kind");
    let (things, questions, moments) = (
        things(1, count + LIVE),
        things(2, QUESTIONS),
        moments(3, QUESTIONS),
    );
    // The last ones come while the index is live; peers have them from the start.
    let (volumes, spare) = things.split_at(count);
    let (loaded, live) = volumes.split_at(count - LIVE);
    let (mut writer, space) = Writer::new();
    let parsed = loaded
        .iter()
        .enumerate()
        .map(|(i, t)| Ok((stamp(i), VolumeId(i as u64), t.volume()?)));
    let parsed: Vec<_> = parsed.collect::<Outcome<_>>()?;
    let from = Instant::now();
    writer.load(parsed)?;
    let build_s = from.elapsed().as_secs_f64();
    let live: Vec<_> = live.iter().map(Thing::volume).collect::<Result<_, _>>()?;
    let from = Instant::now();
    for (volume, i) in live.iter().zip(loaded.len()..) {
        writer.insert(stamp(i), VolumeId(i as u64), volume)?;
    }
    let insert_us = from.elapsed().as_secs_f64() * 1e6 / LIVE as f64;
    let mut ours = Ours {
        space: space.clone(),
        questions: questions
            .iter()
            .map(Thing::volume)
            .collect::<Result<_, _>>()?,
        moments: moments
            .iter()
            .map(|m| {
                Ok((
                    Position::from_degrees(m.place[0] as f64 / 1e8, m.place[1] as f64 / 1e8)?,
                    UtcMs(m.at_ms),
                ))
            })
            .collect::<Outcome<_>>()?,
    };
    let mut answers = [vec![Vec::new(); QUESTIONS], vec![Vec::new(); QUESTIONS]];
    let mut table = vec![measure(&mut ours, &mut answers, true)?];
    {
        let exact = Exact::new(volumes, &questions, &moments);
        table.push(measure(&mut Packed::new(&exact)?, &mut answers, false)?);
        table.push(measure(&mut Rstar::new(&exact), &mut answers, false)?);
        table.push(measure(&mut Sqlite::new(&exact)?, &mut answers, false)?);
    }
    let mut postgis = Postgis::new(volumes, &questions, &moments)?;
    println!("{}", postgis.version);
    table.push(measure(&mut postgis, &mut answers, false)?);
    let server_us = postgis.server_mean_us()?;
    let their_bytes = postgis.bytes()? / count as f64;
    let from = Instant::now();
    for (t, i) in spare.iter().zip(count as i32..) {
        postgis.insert(i, t)?;
    }
    let their_insert_us = from.elapsed().as_secs_f64() * 1e6 / LIVE as f64;
    drop(postgis);

    println!(
        "{:<34}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "microseconds", "conflict p50", "p99", "mean", "point p50", "p99", "mean"
    );
    for m in &table {
        let (c, h) = (&m.conflict, &m.holding);
        println!(
            "{:<34}{:>12.2}{:>12.2}{:>12.2}{:>12.2}{:>12.2}{:>12.2}",
            m.name, c.p50, c.p99, c.mean, h.p50, h.p99, h.mean
        );
    }
    // The tree that everything has been packed into: what a volume costs at rest.
    let work = writer.let_go(UtcMs(i64::MIN));
    writer.adopt(work.run())?;
    let our_bytes = space.snapshot().bytes() as f64 / count as f64;
    println!("PostGIS inside of the server: {server_us:.1} us mean");
    println!("bytes per volume: {our_bytes:.0}, PostGIS {their_bytes:.0}");
    println!(
        "visible insert: {insert_us:.1} us, PostGIS {their_insert_us:.1} us; build {build_s:.2} s"
    );
    let (idle, busy) = under_inserts(&mut writer, &space, &mut ours, spare, count)?;
    println!("conflict p99: {idle:.2} us idle, {busy:.2} us under 1,000 inserts a second");

    let Some(goals) = goals else { return Ok(()) };
    let (us, pg) = (&table[0], &table[4]);
    let label = if count >= 1_000_000 { "1M" } else { "100k" };
    let mut at_least = |name: &str, measured: f64, wanted: Option<[f64; 2]>| {
        for (kind, target) in ["GOAL", "STRETCH"].iter().zip(wanted.into_iter().flatten()) {
            let ok = if measured >= target { "ok" } else { "short" };
            lines.push(format!(
                "{kind} {name}_{label} {measured:.1}x >={target}x {ok}"
            ));
        }
    };
    at_least(
        "conflict_p50_vs_postgis_socket",
        pg.conflict.p50 / us.conflict.p50,
        Some(goals.socket),
    );
    at_least(
        "conflict_mean_vs_postgis_server",
        server_us / us.conflict.mean,
        goals.server,
    );
    at_least(
        "conflict_p50_vs_rstar_geo",
        table[2].conflict.p50 / us.conflict.p50,
        goals.rstar,
    );
    at_least(
        "point_now_p50_vs_postgis",
        pg.holding.p50 / us.holding.p50,
        goals.point,
    );
    at_least(
        "bytes_vs_postgis",
        their_bytes / our_bytes,
        Some([3.0, 3.0]).filter(|_| count == 100_000),
    );
    at_least(
        "insert_vs_postgis",
        their_insert_us / insert_us,
        Some([10.0, 12.0]).filter(|_| count == 100_000),
    );
    if count == 100_000 {
        let ok = |met: bool| if met { "ok" } else { "short" };
        let ratio = busy / idle;
        lines.push(format!(
            "GOAL read_p99_under_inserts_100k {ratio:.2}x <=1.5x {}",
            ok(ratio <= 1.5)
        ));
        let p50 = us.conflict.p50 * 1000.0;
        lines.push(format!(
            "STRETCH conflict_p50_100k {p50:.0}ns <=300ns {}",
            ok(p50 <= 300.0)
        ));
    }
    Ok(())
}

/// The p99 of reads without and with a thousand inserts a second beside them, microseconds.
fn under_inserts(
    writer: &mut Writer,
    space: &Space,
    ours: &mut Ours,
    spare: &[Thing],
    count: usize,
) -> Outcome<(f64, f64)> {
    let read = |ours: &mut Ours, done: &dyn Fn() -> bool| -> Outcome<f64> {
        let mut taken = Vec::new();
        let mut out = Vec::new();
        let from = Instant::now();
        while !done() && from.elapsed() < Duration::from_secs(1) {
            for i in 0..QUESTIONS {
                out.clear();
                let from = Instant::now();
                ours.conflicts(i, &mut out)?;
                taken.push(from.elapsed().as_nanos() as u64);
            }
        }
        Ok(Times::of(taken).p99)
    };
    let idle = read(ours, &|| false)?;
    let volumes: Vec<_> = spare
        .iter()
        .take(1_000)
        .map(Thing::volume)
        .collect::<Result<_, _>>()?;
    let done = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| -> Outcome<f64> {
        let inserting = scope.spawn(|| -> Outcome {
            let from = Instant::now();
            for (i, volume) in volumes.iter().enumerate() {
                let due = Duration::from_millis(i as u64);
                std::thread::sleep(due.saturating_sub(from.elapsed()));
                let id = count + i;
                writer.insert(stamp(id), VolumeId(id as u64), volume)?;
            }
            done.store(true, Ordering::Relaxed);
            Ok(())
        });
        let busy = read(ours, &|| done.load(Ordering::Relaxed))?;
        inserting
            .join()
            .map_err(|_| "the inserting thread failed")??;
        Ok(busy)
    })?;
    let items = space.read(Snapshot::items);
    if items < count + volumes.len() {
        return Err(format!("{items} items after {count} and {} inserts", volumes.len()).into());
    }
    Ok((idle, busy))
}
