//! Verifying again what is there already: hashing leaves and checking signatures, on one processor.

use crate::THREADS;
use crate::desk::Desk;
use crate::raw::Texts;
use bench::Outcome;
use bench::disk::Scratch;
use bench::measure::five;
use bench::table::{Goal, Table, Unit};
use record::c2sp::tree::{Tree, leaf_hash};
use record::key::Algorithm;
use record::statement::{Leaf, Statement};
use std::path::Path;
use std::time::Instant;

const LEAVES: usize = 100_000;
const STATEMENTS: usize = 5_000;

/// How often a second `work` can be done with each of `items`.
fn rate<T>(items: &[T], mut work: impl FnMut(&T) -> Outcome) -> Outcome<f64> {
    let mut once = || {
        let from = Instant::now();
        items.iter().try_for_each(&mut work)?;
        Ok(items.len() as f64 / from.elapsed().as_secs_f64())
    };
    once()?;
    five(once)
}

/// Rebuilding the tree from its leaves.
pub fn hashing(table: &mut Table) -> Outcome {
    let leaves: Vec<String> = Texts::new(2).take(LEAVES).collect();
    let mut tree = Tree::new();
    let rate = rate(&leaves, |leaf| {
        tree.append(leaf_hash(leaf.as_bytes()));
        Ok(())
    })?;
    std::hint::black_box(tree.root());
    let goal = Goal::at_least("hashing", rate, 500_000.0, Unit::PerSecond);
    table.row(
        "tree rebuilt from 1 KB leaves, one processor",
        Unit::PerSecond.show(rate),
        None,
        Some(goal),
    );
    Ok(())
}

/// Reading leaves and checking their signatures, as an audit does.
pub fn signatures(folder: &Path, table: &mut Table) -> Outcome {
    let scratch = Scratch::new(folder, "signatures")?;
    let desk = Desk::found(&scratch.path().join("log"))?;
    for (algorithm, name, goal) in [
        (Algorithm::EdDsa, "Ed25519", "check-ed25519"),
        (Algorithm::Es256, "P-256", "check-p256"),
    ] {
        let key = Desk::office(algorithm)?.public();
        let statements = desk.sign(STATEMENTS, algorithm, THREADS)?;
        let leaves: Vec<&str> = statements
            .iter()
            .filter_map(|s| s.split('~').next())
            .collect();
        let read = rate(&statements, |statement| {
            std::hint::black_box(Statement::parse(statement)?);
            Ok(())
        })?;
        let checked = rate(&leaves, |leaf| Ok(Leaf::parse(leaf)?.verify(&key)?))?;
        let goal = Goal::at_least(goal, checked, 10_000.0, Unit::PerSecond);
        let what = format!("{name}: leaf read and signature checked, one processor");
        table.row(what, Unit::PerSecond.show(checked), None, Some(goal));
        println!(
            "{name}: a whole statement is read in {:.1} us, a leaf read and checked in {:.1} us",
            1e6 / read,
            1e6 / checked
        );
    }
    Ok(())
}
