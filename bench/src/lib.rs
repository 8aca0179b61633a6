//! What the benchmarks share: measuring five times and taking the median, one table, one line per goal, and the peers to
//! measure beside: the disk itself, and PostgreSQL. And a node as it is served, with clients that bring it what is signed.
#![allow(clippy::print_stdout)] // Terminal programs: their output is what they are for.

pub mod cast;
pub mod clients;
pub mod dice;
pub mod disk;
pub mod flow;
pub mod measure;
pub mod postgres;
pub mod served;
pub mod table;

use std::process::ExitCode;

/// The same as in the program that is measured, and for its peers in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a benchmark comes to.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Runs a benchmark that was asked for in words which it knows, and tells how to ask, or what went wrong and why.
pub fn run<A>(
    name: &str,
    usage: &str,
    asked: Option<A>,
    run: impl FnOnce(&A) -> Outcome,
) -> ExitCode {
    let Some(asked) = asked else {
        eprintln!("{usage}");
        return ExitCode::from(2);
    };
    let Err(error) = run(&asked) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("bench {name}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
