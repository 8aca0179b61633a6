//! Replays what is kept, then mutates it. `TRUCELINE_LONG=1` mutates for [`LONG`] in all.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use fuzz::mutate::{Random, mutated};
use fuzz::seeds::{corpus_dir, seeds};
use fuzz::{TARGETS, Target};
use record::encoding::Hash;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

/// Mutated inputs per target.
const MUTATIONS: usize = 1000;
/// Targets whose every input is written to the disk, and how many they get.
const ON_DISK: &[(&str, usize)] = &[("attachment", 40)];
/// How long all targets together are mutated when there is time.
const LONG: Duration = Duration::from_secs(600);
/// The short run's seed. The long run goes on from it, target by target.
const SEED: u64 = 1;
/// A failing input is cut as often as that, to see whether less fails too.
const CUTS_MAX: usize = 400;

thread_local! {
    /// What the last panic on this thread said, while it is being tried.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
    static TRYING: RefCell<bool> = const { RefCell::new(false) };
}

/// What `target` says against `input`, nothing when its properties hold.
fn fails(target: Target, input: &[u8]) -> Option<String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if TRYING.with_borrow(|trying| *trying) {
                SAID.set(Some(info.to_string()));
            } else {
                loud(info);
            }
        }));
    });
    TRYING.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    TRYING.set(false);
    let said = SAID.take();
    outcome.is_err().then(|| said.unwrap_or_default())
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(corpus_dir().join(name)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Cuts pieces out of `input` as long as it goes on failing: an input that a person can read.
fn shortened(target: Target, input: Vec<u8>) -> Vec<u8> {
    let (mut shortest, mut piece, mut tries) = (input.clone(), input.len() / 2, 0);
    while piece > 0 {
        let mut at = 0;
        while at < shortest.len() && tries < CUTS_MAX {
            let mut shorter = shortest.clone();
            shorter.drain(at..(at + piece).min(shortest.len()));
            tries += 1;
            if fails(target, &shorter).is_some() {
                shortest = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    shortest
}

/// Keeps a failing input and says where it is.
fn keep(name: &str, target: Target, input: Vec<u8>) -> String {
    let input = shortened(target, input);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("failures")
        .join(name);
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(&Hash::of(&[&input]).to_base64url()[..16]);
    std::fs::write(&path, &input).unwrap();
    let said = fails(target, &input).unwrap_or_default();
    format!("{}:\n{said:.2000}\n", path.display())
}

#[test]
fn what_is_kept_holds() {
    let mut failures = Vec::new();
    for (name, target) in TARGETS {
        for (path, input) in corpus(name) {
            let said = fails(*target, &input);
            failures.extend(said.map(|said| format!("{}:\n{said:.2000}\n", path.display())));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_kept_is_what_is_made() {
    for seed in seeds() {
        let path = corpus_dir().join(seed.target).join(seed.name);
        let kept = std::fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
        assert_eq!(
            kept,
            seed.bytes,
            "{}: run `cargo run -p fuzz --bin corpus`",
            path.display()
        );
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len());
    let entries = std::fs::read_dir(corpus_dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let corpora: BTreeSet<String> = names.filter(|name| !name.starts_with('.')).collect();
    assert_eq!(targets, corpora);
}

#[test]
fn what_is_mutated_holds() {
    let long = std::env::var_os("TRUCELINE_LONG").is_some();
    let mut failures = Vec::new();
    for ((name, target), at) in TARGETS.iter().zip(0..) {
        let inputs: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
        let mut random = Random::new(SEED + at);
        let start = Instant::now();
        let count = ON_DISK
            .iter()
            .find_map(|(slow, count)| (slow == name).then_some(*count));
        let count = count.unwrap_or(MUTATIONS);
        let mut done = 0;
        let goes_on = |done: usize| {
            if long {
                start.elapsed() < LONG / TARGETS.len() as u32
            } else {
                done < count
            }
        };
        while goes_on(done) {
            let input = mutated(&mut random, &inputs);
            done += 1;
            if fails(*target, &input).is_some() {
                failures.push(keep(name, *target, input));
                break;
            }
        }
        println!(
            "{name}: {done} inputs in {:.2} s",
            start.elapsed().as_secs_f64()
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
