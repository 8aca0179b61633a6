//! `cargo xtask bench node [--small] [--keep]`: a mission's node with a million statements: how long its views take to be computed
//! anew, how soon it is up, how soon its pages are there. With `--keep` the views of the last such run are used and left there.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod cast;
mod reads;
mod rebuild;
mod speaker;
mod story;
mod words;
mod world;

use bench::Outcome;
use bench::disk::{self, Scratch};
use bench::table::Table;
use speaker::Speaker;
use std::process::ExitCode;
use world::World;

/// Statements in all logs together.
const STATEMENTS: u64 = 1_000_000;
/// The same, to try something out.
const STATEMENTS_SMALL: u64 = 50_000;

/// What was asked for.
struct Asked {
    statements: u64,
    keep: bool,
}

fn asked() -> Option<Asked> {
    let mut asked = Asked {
        statements: STATEMENTS,
        keep: false,
    };
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--small" => asked.statements = STATEMENTS_SMALL,
            "--keep" => asked.keep = true,
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    let Some(asked) = asked() else {
        eprintln!("usage: cargo xtask bench node [--small] [--keep]");
        return ExitCode::from(2);
    };
    match run(&asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(asked: &Asked) -> Outcome {
    let folder = disk::folder()?;
    let mut table = Table::default();
    let kept = World::kept(&folder, asked.statements)?;
    if asked.keep {
        let dir = folder.join(format!("node-{}", asked.statements));
        let there = dir.exists();
        let world = if there {
            World::of(&dir)?
        } else {
            kept.copy(&dir)?
        };
        measure(&world, asked, !there, &mut table)?;
    } else {
        let scratch = Scratch::new(&folder, "node")?;
        let world = kept.copy(scratch.path())?;
        measure(&world, asked, true, &mut table)?;
    }
    println!("\n{table}");
    Ok(())
}

fn measure(world: &World, asked: &Asked, anew: bool, table: &mut Table) -> Outcome {
    if anew {
        rebuild::anew(world, asked.statements, table)?;
    }
    let node = rebuild::start(world, table)?;
    rebuild::search(&node, table)?;
    let mut speaker = Speaker::new(world, &node)?;
    reads::measure(&node, &mut speaker, table)
}
