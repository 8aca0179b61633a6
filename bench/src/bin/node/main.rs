//! `cargo xtask bench node [--small] [--seconds N]`: a mission's node with a million statements: how long its views take to be
//! computed anew, how soon it is up, how soon its pages are there.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod cast;
mod rebuild;
mod story;
mod words;
mod world;

use bench::Outcome;
use bench::disk::{self, Scratch};
use bench::table::Table;
use std::process::ExitCode;

/// Statements in all logs together.
const STATEMENTS: u64 = 1_000_000;
/// The same, to try something out.
const STATEMENTS_SMALL: u64 = 50_000;

/// What was asked for.
struct Asked {
    statements: u64,
}

fn asked() -> Option<Asked> {
    let mut asked = Asked {
        statements: STATEMENTS,
    };
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--small" => asked.statements = STATEMENTS_SMALL,
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    let Some(asked) = asked() else {
        eprintln!("usage: cargo xtask bench node [--small]");
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
    let kept = world::World::kept(&folder, asked.statements)?;
    let scratch = Scratch::new(&folder, "node")?;
    let world = kept.copy(&scratch)?;
    rebuild::measure(&world, asked.statements, &mut table)?;
    println!("\n{table}");
    Ok(())
}
