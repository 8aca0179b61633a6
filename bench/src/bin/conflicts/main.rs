//! `cargo xtask bench conflicts [--small] [--only cell|hidden]`: how many notices a busy cell takes, each signed and answered with
//! what it meets; and whether somebody who may not know of what is hidden can tell by a clock that it is there.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod cell;
mod hidden;

use bench::Outcome;
use bench::disk;
use bench::table::Table;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask bench conflicts [--small] [--only cell|hidden]
  --small  a few seconds, to see that it works; no goal is judged by it
  --only   one part alone: the busy cell, or what a clock tells of hidden volumes";

/// What was asked for.
struct Asked {
    small: bool,
    cell: bool,
    hidden: bool,
}

fn asked() -> Option<Asked> {
    let mut asked = Asked {
        small: false,
        cell: true,
        hidden: true,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--small" => asked.small = true,
            "--only" => match args.next()?.as_str() {
                "cell" => asked.hidden = false,
                "hidden" => asked.cell = false,
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    bench::run("conflicts", USAGE, asked(), run)
}

fn run(asked: &Asked) -> Outcome {
    let folder = disk::folder()?;
    let mut table = Table::default();
    if asked.cell {
        cell::measure(&folder, asked.small, &mut table)?;
    }
    if asked.hidden {
        hidden::measure(&folder, asked.small, &mut table)?;
    }
    println!("\n{table}");
    Ok(())
}
