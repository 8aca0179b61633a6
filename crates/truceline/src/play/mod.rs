//! `truceline play`: plays scenarios and says which expectation was the first not to come true.

mod bodies;
mod judge;
mod player;
mod room;

use crate::{Failure, Outcome};
use clap::Args as ClapArgs;
use formats::scenario::{self, Scenario};
use player::play;
pub use player::{Deviation, Player};
use std::path::{Path, PathBuf};

/// What a scenario's file is called.
const EXTENSION: &str = "truce";

#[derive(ClapArgs)]
pub struct Args {
    /// Scenarios, or directories of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Keep the exercise store in this new directory; of one scenario
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Say only which scenarios came out as they are written, and which did not
    #[arg(long, short)]
    quiet: bool,
}

pub fn run(args: &Args) -> Outcome {
    let files = files(&args.files)?;
    if args.keep.is_some() && files.len() > 1 {
        return Err(Failure::new(
            "--keep keeps the store of one scenario; name one file",
        ));
    }
    let played = files.len();
    let mut failed = Vec::new();
    for path in &files {
        let store = Store::new(args.keep.as_deref())?;
        if let Err(failure) = one(path, store.dir(), args.quiet) {
            failed.push(failure);
        }
    }
    match &failed[..] {
        [] => Ok(()),
        [only] => Err(Failure::new(only)),
        _ => {
            let count = failed.len();
            failed.push(format!(
                "{count} of {played} scenarios did not come out as they are written"
            ));
            Err(Failure::new(failed.join("\ntruceline: ")))
        }
    }
}

/// Where an exercise is played: a directory that is kept, or one that is gone afterwards.
enum Store {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Store {
    fn new(keep: Option<&Path>) -> Result<Self, Failure> {
        let Some(dir) = keep else {
            return Ok(Self::Passing(tempfile::tempdir()?));
        };
        if dir.exists() {
            let dir = dir.display();
            return Err(Failure::new(format!(
                "{dir}: is there already; an exercise is played in a new directory, and never in a live store"
            )));
        }
        Ok(Self::Kept(dir.to_owned()))
    }

    fn dir(&self) -> PathBuf {
        match self {
            Self::Kept(dir) => dir.clone(),
            Self::Passing(dir) => dir.path().join("exercise"),
        }
    }
}

/// The scenarios that are named, and those in the directories that are named.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let failed = |path: &Path, error| Failure::new(format!("{}: {error}", path.display()));
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        let mut inside = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| failed(path, error))?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == EXTENSION)
            {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            let path = path.display();
            return Err(Failure::new(format!(
                "{path}: no file in it ends in .{EXTENSION}"
            )));
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Reads and plays one; the failure names its file and line.
fn one(path: &Path, store: PathBuf, quiet: bool) -> Result<(), String> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let scenario = scenario::parse(&bytes).map_err(|error| {
        format!(
            "{name}:{}:{}: found {}; expected {}\n  for example: {}",
            error.line, error.column, error.found, error.expected, error.example
        )
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let text = Text(text.lines().collect());
    if !quiet {
        print_header(&scenario);
    }
    let told = play(&scenario, &store, |line, outcome| {
        if !quiet {
            println!("{}", text.told(line, outcome));
        }
    });
    told.map_err(|deviation| text.deviation(&name.to_string(), &deviation))?;
    if quiet {
        println!("{name}: {}", scenario.title);
    } else {
        println!("\nIt came out as it is written.");
    }
    Ok(())
}

fn print_header(scenario: &Scenario) {
    println!("EXERCISE  {}\n", scenario.title);
    println!("What happened: {}", scenario.happened);
    println!("Source: {}", scenario.source);
    println!("What is answered: {}\n", scenario.answers);
}

/// The scenario's own lines, which tell best what happens.
struct Text<'t>(Vec<&'t str>);

impl Text<'_> {
    fn line(&self, line: usize) -> &str {
        self.0.get(line - 1).map_or("", |text| text.trim())
    }

    fn told(&self, line: &scenario::Line, outcome: &player::Outcome) -> String {
        let text = self.line(line.line);
        let came = match outcome {
            player::Outcome::Said(short) => format!("said as {short}"),
            player::Outcome::Refused { why, .. } => format!("refused, as expected: {why}"),
            player::Outcome::Done => return format!("{}  {text}", line.at),
            player::Outcome::Holds => return format!("{}    so it is: {text}", line.at),
        };
        format!("{}  {text}  [{came}]", line.at)
    }

    fn deviation(&self, name: &str, deviation: &Deviation) -> String {
        let text = self.line(deviation.line);
        format!(
            "{name}:{}: {text}\n  found: {}",
            deviation.line, deviation.found
        )
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests;
