//! Conflicts and point-now beside PostGIS, SQLite, `rstar` and `packed_spatial_index`: the same volumes, the same questions, the same hits, one run.
//!
//! `cargo xtask bench space` runs 10,000, 100,000 and a million volumes. All answers of all peers are compared; a difference is printed with what explains it.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod differences;
mod peers;
mod postgis;
mod workload;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::{Outcome, disk};
use differences::Differences;
use peers::{Exact, Ours, Packed, Peer, Rstar, Sqlite};
use postgis::Postgis;
use space::{Position, Snapshot, Space, Stamp, UtcMs, VolumeId, Writer};
use workload::{Moment, Thing, moments, things};

const USAGE: &str = "usage: cargo xtask bench space [--small | --only WORD,…]
  --small  10,000 volumes only
  --only   sizes (10k, 100k, 1m) and peers (packed, rstar, sqlite, postgis, or space for none); without a size all sizes, without a peer all peers
PostGIS runs in a temporary cluster of its own; it needs the package postgresql-15-postgis-3 (Debian 12) or its like.";

/// Questions of each kind.
const QUESTIONS: usize = 10_000;
/// Volumes that are added one by one, so that the small trees are not empty.
const LIVE: usize = 2_000;

/// Times of one peer, microseconds, what it takes up and what it answered.
struct Measured {
    name: &'static str,
    conflict: Times,
    holding: Times,
    bytes: Option<f64>,
    build_s: f64,
    insert_us: Option<f64>,
    /// Mean of a conflict question inside of a server, where there is one.
    server_us: Option<f64>,
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
    bytes: Option<[f64; 2]>,
    insert: Option<[f64; 2]>,
}

/// A number of volumes, and what is wanted at it.
struct Size {
    word: &'static str,
    volumes: usize,
    goals: Option<Goals>,
}

const SIZES: [Size; 3] = [
    Size {
        word: "10k",
        volumes: 10_000,
        goals: None,
    },
    Size {
        word: "100k",
        volumes: 100_000,
        goals: Some(Goals {
            socket: [95.0, 130.0],
            server: Some([30.0, 40.0]),
            rstar: Some([11.0, 15.0]),
            point: Some([105.0, 130.0]),
            bytes: Some([3.0, 3.0]),
            insert: Some([10.0, 12.0]),
        }),
    },
    Size {
        word: "1m",
        volumes: 1_000_000,
        goals: Some(Goals {
            socket: [48.0, 65.0],
            server: None,
            rstar: None,
            point: None,
            bytes: None,
            insert: None,
        }),
    },
];

const PEERS: [&str; 4] = ["packed", "rstar", "sqlite", "postgis"];

/// What the command line asks for.
struct Asked {
    sizes: Vec<&'static Size>,
    peers: Vec<&'static str>,
}

impl Asked {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = Self {
            sizes: SIZES.iter().collect(),
            peers: PEERS.to_vec(),
        };
        match (args.next().as_deref(), args.next()) {
            (None, _) => {}
            (Some("--small"), None) => asked.sizes.truncate(1),
            (Some("--only"), Some(words)) => {
                let words: Vec<&str> = words.split(',').collect();
                let known = |word: &&str| {
                    *word == "space"
                        || PEERS.contains(word)
                        || SIZES.iter().any(|size| size.word == *word)
                };
                if !words.iter().all(known) {
                    return None;
                }
                if words
                    .iter()
                    .any(|w| SIZES.iter().any(|size| size.word == *w))
                {
                    asked.sizes.retain(|size| words.contains(&size.word));
                }
                if words.iter().any(|w| *w == "space" || PEERS.contains(w)) {
                    asked.peers.retain(|peer| words.contains(peer));
                }
            }
            _ => return None,
        }
        args.next().is_none().then_some(asked)
    }

    fn peer(&self, word: &str) -> bool {
        self.peers.contains(&word)
    }
}

fn main() -> ExitCode {
    bench::run("space", USAGE, Asked::parse(std::env::args().skip(1)), run)
}

fn run(asked: &Asked) -> Outcome {
    let folder = disk::folder()?;
    // Asked first, so that nobody waits for what cannot come.
    let postgis = if asked.peer("postgis") {
        postgis::available(&folder)
    } else {
        Ok(())
    };
    if let Err(missing) = &postgis {
        println!("without PostGIS, and so without the goals against it: {missing}\n");
    }
    let mut lines = Vec::new();
    for size in &asked.sizes {
        let cluster = (asked.peer("postgis") && postgis.is_ok()).then_some(folder.as_path());
        lines.extend(at_size(size, asked, cluster)?);
    }
    for line in lines {
        println!("{line}");
    }
    postgis
}

fn stamp(position: usize) -> Stamp {
    Stamp {
        position: position as u64 + 1,
        heard: UtcMs(workload::START),
    }
}

/// What all peers hold and are asked, and what ours answered.
struct Workload {
    volumes: Vec<Thing>,
    /// Volumes that are added one by one at the end.
    spare: Vec<Thing>,
    questions: Vec<Thing>,
    moments: Vec<Moment>,
    answers: [Vec<Vec<u32>>; 2],
}

impl Workload {
    fn new(count: usize) -> Self {
        let mut volumes = things(1, count + LIVE);
        let spare = volumes.split_off(count);
        Self {
            volumes,
            spare,
            questions: things(2, QUESTIONS),
            moments: moments(3, QUESTIONS),
            answers: [vec![Vec::new(); QUESTIONS], vec![Vec::new(); QUESTIONS]],
        }
    }
}

/// Asks everything once, unmeasured, to warm up and to compare; then once more, measured.
fn ask(
    peer: &mut dyn Peer,
    mut compare: impl FnMut(usize, usize, Vec<u32>),
) -> Outcome<[Times; 2]> {
    let mut both = [Vec::with_capacity(QUESTIONS), Vec::with_capacity(QUESTIONS)];
    for (kind, taken) in both.iter_mut().enumerate() {
        for pass in 0..2 {
            for i in 0..QUESTIONS {
                let mut out = Vec::new();
                let from = Instant::now();
                if kind == 0 {
                    peer.conflicts(i, &mut out)?;
                } else {
                    peer.holding(i, &mut out)?;
                }
                let elapsed = from.elapsed().as_nanos() as u64;
                if pass == 1 {
                    taken.push(elapsed);
                } else {
                    out.sort_unstable();
                    compare(kind, i, out);
                }
            }
        }
    }
    Ok(both.map(Times::of))
}

/// A peer's row: its times, its answers beside ours, what it takes up and what an insert costs.
fn measure<'a>(
    work: &Workload,
    build: impl FnOnce() -> Outcome<Box<dyn Peer + 'a>>,
    differences: &mut Differences,
) -> Outcome<Measured> {
    let from = Instant::now();
    let mut peer = build()?;
    let build_s = from.elapsed().as_secs_f64();
    let mut found = differences.of(peer.name(), work);
    let [conflict, holding] = ask(&mut *peer, |kind, i, out| found.compare(kind, i, &out))?;
    found.report();
    let bytes = peer.bytes()?.map(|all| all / work.volumes.len() as f64);
    let server_us = peer.server_us()?;
    let from = Instant::now();
    let mut inserts = true;
    for (thing, i) in work.spare.iter().zip(work.volumes.len()..) {
        inserts = inserts && peer.insert(i, thing)?;
    }
    let insert_us = inserts.then(|| from.elapsed().as_secs_f64() * 1e6 / LIVE as f64);
    Ok(Measured {
        name: peer.name(),
        conflict,
        holding,
        bytes,
        build_s,
        insert_us,
        server_us,
    })
}

/// Our own index: most of it loaded, the last volumes added one by one.
struct Engine {
    writer: Writer,
    space: Space,
    build_s: f64,
    insert_us: f64,
}

impl Engine {
    fn load(volumes: &[Thing]) -> Outcome<Self> {
        let (loaded, live) = volumes.split_at(volumes.len() - LIVE);
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
        Ok(Self {
            writer,
            space,
            build_s,
            insert_us,
        })
    }

    fn reader(&self, work: &Workload) -> Outcome<Ours> {
        let place = |m: &Moment| {
            let [lon, lat] = m.place.map(|v| v as f64 / 1e8);
            Ok((Position::from_degrees(lon, lat)?, UtcMs(m.at_ms)))
        };
        Ok(Ours {
            space: self.space.clone(),
            questions: work
                .questions
                .iter()
                .map(Thing::volume)
                .collect::<Result<_, _>>()?,
            moments: work.moments.iter().map(place).collect::<Outcome<_>>()?,
        })
    }

    /// Bytes of a volume at rest: everything packed into the large tree.
    fn bytes(&mut self, count: usize) -> Outcome<f64> {
        let work = self.writer.let_go(UtcMs(i64::MIN));
        self.writer.adopt(work.run())?;
        Ok(self.space.snapshot().bytes() as f64 / count as f64)
    }
}

/// One size: everything is asked of everybody. Gives the lines of its goals.
fn at_size(size: &Size, asked: &Asked, cluster: Option<&Path>) -> Outcome<Vec<String>> {
    let count = size.volumes;
    println!("== {count} volumes, {QUESTIONS} questions of each kind");
    let mut work = Workload::new(count);
    let mut engine = Engine::load(&work.volumes)?;
    let mut ours = engine.reader(&work)?;
    let mut answers = std::mem::take(&mut work.answers);
    let [conflict, holding] = ask(&mut ours, |kind, i, out| answers[kind][i] = out)?;
    work.answers = answers;
    let mut table = vec![Measured {
        name: ours.name(),
        conflict,
        holding,
        bytes: None,
        build_s: engine.build_s,
        insert_us: Some(engine.insert_us),
        server_us: None,
    }];
    let mut differences = Differences::default();
    peers(&work, asked, cluster, &mut table, &mut differences)?;
    table[0].bytes = Some(engine.bytes(count)?);
    show(&table);
    let (idle, busy) = under_inserts(&mut engine, &mut ours, &work)?;
    println!("conflict p99: {idle:.2} us idle, {busy:.2} us under 1,000 inserts a second");
    println!();
    let mut lines = goals(size, &table);
    if size.goals.is_some() && !asked.peers.is_empty() {
        lines.push(differences.goal(size.word));
    }
    if size.word == "100k" {
        let (ratio, p50) = (busy / idle, table[0].conflict.p50 * 1000.0);
        let ok = |met: bool| if met { "ok" } else { "short" };
        lines.push(format!(
            "GOAL read_p99_under_inserts_100k {ratio:.2}x <=1.5x {}",
            ok(ratio <= 1.5)
        ));
        lines.push(format!(
            "STRETCH conflict_p50_100k {p50:.0}ns <=300ns {}",
            ok(p50 <= 300.0)
        ));
    }
    Ok(lines)
}

/// Measures the peers that were asked for.
fn peers(
    work: &Workload,
    asked: &Asked,
    cluster: Option<&Path>,
    table: &mut Vec<Measured>,
    differences: &mut Differences,
) -> Outcome {
    let exact = Exact::new(work);
    type Build<'a> = &'a dyn Fn() -> Outcome<Box<dyn Peer + 'a>>;
    let builds: [(&str, Build<'_>); 3] = [
        ("packed", &|| Ok(Box::new(Packed::new(&exact)?))),
        ("rstar", &|| Ok(Box::new(Rstar::new(&exact)))),
        ("sqlite", &|| Ok(Box::new(Sqlite::new(&exact)?))),
    ];
    for (word, build) in builds {
        if asked.peer(word) {
            table.push(measure(work, build, differences)?);
        }
    }
    if let Some(folder) = cluster {
        let build = || -> Outcome<Box<dyn Peer + '_>> {
            let postgis = Postgis::new(folder, work)?;
            println!("{}", postgis.version);
            Ok(Box::new(postgis))
        };
        table.push(measure(work, build, differences)?);
    }
    Ok(())
}

fn show(table: &[Measured]) {
    println!(
        "{:<32}{:>12}{:>9}{:>9}{:>12}{:>9}{:>9}{:>9}{:>11}{:>11}",
        "microseconds",
        "conflict p50",
        "p99",
        "mean",
        "point p50",
        "p99",
        "mean",
        "insert",
        "build s",
        "B/volume"
    );
    for m in table {
        let (c, h) = (&m.conflict, &m.holding);
        let or_none = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"))
        };
        println!(
            "{:<32}{:>12.2}{:>9.2}{:>9.2}{:>12.2}{:>9.2}{:>9.2}{:>9}{:>11.2}{:>11}",
            m.name,
            c.p50,
            c.p99,
            c.mean,
            h.p50,
            h.p99,
            h.mean,
            or_none(m.insert_us, 1),
            m.build_s,
            or_none(m.bytes, 0)
        );
    }
    for m in table {
        if let Some(us) = m.server_us {
            println!(
                "{}, inside of the server: {us:.1} us a conflict question, mean",
                m.name
            );
        }
    }
}

/// How many times as fast, small or cheap as the peers, beside what was wanted. What was not measured has no line.
fn goals(size: &Size, table: &[Measured]) -> Vec<String> {
    let mut lines = Vec::new();
    let (Some(goals), Some(us)) = (&size.goals, table.first()) else {
        return lines;
    };
    let mut at_least = |name: &str, measured: Option<f64>, wanted: Option<[f64; 2]>| {
        let wanted = ["GOAL", "STRETCH"].iter().zip(wanted.into_iter().flatten());
        for ((kind, target), measured) in wanted.zip(measured.into_iter().cycle()) {
            let ok = if measured >= target { "ok" } else { "short" };
            lines.push(format!(
                "{kind} {name}_{} {measured:.1}x >={target}x {ok}",
                size.word
            ));
        }
    };
    let peer = |name: &str| table.iter().find(|m| m.name == name);
    let ratio = |theirs: Option<f64>, ours: Option<f64>| Some(theirs? / ours?);
    let (pg, rstar) = (peer(Postgis::NAME), peer(Rstar::NAME));
    at_least(
        "conflict_p50_vs_postgis_socket",
        pg.map(|pg| pg.conflict.p50 / us.conflict.p50),
        Some(goals.socket),
    );
    at_least(
        "conflict_mean_vs_postgis_server",
        ratio(pg.and_then(|pg| pg.server_us), Some(us.conflict.mean)),
        goals.server,
    );
    at_least(
        "conflict_p50_vs_rstar_geo",
        rstar.map(|rstar| rstar.conflict.p50 / us.conflict.p50),
        goals.rstar,
    );
    at_least(
        "point_now_p50_vs_postgis",
        pg.map(|pg| pg.holding.p50 / us.holding.p50),
        goals.point,
    );
    at_least(
        "bytes_vs_postgis",
        ratio(pg.and_then(|pg| pg.bytes), us.bytes),
        goals.bytes,
    );
    at_least(
        "insert_vs_postgis",
        ratio(pg.and_then(|pg| pg.insert_us), us.insert_us),
        goals.insert,
    );
    lines
}

/// The p99 of reads without and with a thousand inserts a second beside them, microseconds.
fn under_inserts(engine: &mut Engine, ours: &mut Ours, work: &Workload) -> Outcome<(f64, f64)> {
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
    let count = work.volumes.len();
    let volumes: Vec<_> = work
        .spare
        .iter()
        .take(1_000)
        .map(Thing::volume)
        .collect::<Result<_, _>>()?;
    let done = AtomicBool::new(false);
    let writer = &mut engine.writer;
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
    let items = engine.space.read(Snapshot::items);
    if items < count + volumes.len() {
        return Err(format!("{items} items after {count} and {} inserts", volumes.len()).into());
    }
    Ok((idle, busy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
        let asked = Asked::parse(args.iter().map(|&arg| arg.to_owned()))?;
        Some((asked.sizes.iter().map(|s| s.word).collect(), asked.peers))
    }

    #[test]
    fn without_arguments_everything_is_measured_and_words_leave_out_the_rest() {
        let sizes = SIZES.iter().map(|size| size.word).collect::<Vec<_>>();
        assert_eq!(asked(&[]), Some((sizes.clone(), PEERS.to_vec())));
        assert_eq!(asked(&["--small"]), Some((vec!["10k"], PEERS.to_vec())));
        assert_eq!(
            asked(&["--only", "100k,rstar"]),
            Some((vec!["100k"], vec!["rstar"]))
        );
        assert_eq!(asked(&["--only", "space"]), Some((sizes, vec![])));
        for wrong in [
            &["--only"][..],
            &["--only", "10m"],
            &["--big"],
            &["--small", "x"],
        ] {
            assert_eq!(asked(wrong), None);
        }
    }

    #[test]
    fn what_was_not_measured_has_no_goal() {
        let times = || Times {
            p50: 1.0,
            p99: 2.0,
            mean: 1.5,
        };
        let row = |name, factor: f64| Measured {
            name,
            conflict: Times {
                p50: factor,
                ..times()
            },
            holding: times(),
            bytes: None,
            build_s: 1.0,
            insert_us: None,
            server_us: None,
        };
        let lines = goals(&SIZES[1], &[row("space", 1.0), row(Rstar::NAME, 12.0)]);
        assert_eq!(
            lines,
            [
                "GOAL conflict_p50_vs_rstar_geo_100k 12.0x >=11x ok",
                "STRETCH conflict_p50_vs_rstar_geo_100k 12.0x >=15x short"
            ]
        );
    }
}
