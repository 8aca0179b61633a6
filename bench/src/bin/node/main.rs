//! `cargo xtask bench node [--small] [--keep] [--only door|world]`: how much a mission's node takes through its door, and how soon its
//! views have that; and of a node with a million statements how long its views take to be computed anew, how soon it is up, how
//! soon its pages are there.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod cast;
mod door;
mod reads;
mod rebuild;
mod speaker;
mod story;
mod words;
mod world;

use bench::Outcome;
use bench::disk::{self, Scratch};
use bench::table::Table;
use door::Lengths;
use speaker::Speaker;
use std::path::Path;
use std::process::ExitCode;
use world::World;

/// Statements in all logs together.
const STATEMENTS: u64 = 1_000_000;
/// The same, to try something out.
const STATEMENTS_SMALL: u64 = 50_000;

const USAGE: &str = "usage: cargo xtask bench node [--small] [--keep] [--only door|world]
  --small  a few seconds, to see that it works; no goal is judged by it
  --keep   use the views that the last run with --keep left, and leave them there
  --only   one part alone: the door over HTTP, or the world of a million statements";

/// What was asked for.
struct Asked {
    small: bool,
    keep: bool,
    door: bool,
    world: bool,
}

fn asked() -> Option<Asked> {
    let mut asked = Asked {
        small: false,
        keep: false,
        door: true,
        world: true,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--small" => asked.small = true,
            "--keep" => asked.keep = true,
            "--only" => match args.next()?.as_str() {
                "door" => asked.world = false,
                "world" => asked.door = false,
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    bench::run("node", USAGE, asked(), run)
}

fn run(asked: &Asked) -> Outcome {
    let folder = disk::folder()?;
    let mut table = Table::default();
    let mut door = Ok(());
    if asked.door {
        let lengths = if asked.small {
            &Lengths::SMALL
        } else {
            &Lengths::FULL
        };
        door = door::measure(&folder, lengths, &mut table);
    }
    if asked.world {
        world(asked, &folder, &mut table)?;
    }
    println!("\n{table}");
    door
}

fn world(asked: &Asked, folder: &Path, table: &mut Table) -> Outcome {
    let statements = if asked.small {
        STATEMENTS_SMALL
    } else {
        STATEMENTS
    };
    let kept = World::kept(folder, statements)?;
    if asked.keep {
        let dir = folder.join(format!("node-{statements}"));
        let there = dir.exists();
        let world = if there {
            World::of(&dir)?
        } else {
            kept.copy(&dir)?
        };
        measure(&world, statements, !there, table)
    } else {
        let scratch = Scratch::new(folder, "node")?;
        let world = kept.copy(scratch.path())?;
        measure(&world, statements, true, table)
    }
}

fn measure(world: &World, statements: u64, anew: bool, table: &mut Table) -> Outcome {
    if anew {
        rebuild::anew(world, statements, table)?;
    }
    let node = rebuild::start(world, table)?;
    rebuild::search(&node, table)?;
    let mut speaker = Speaker::new(world, &node)?;
    reads::measure(&node, &mut speaker, table)
}
