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

/// The same as in the program that is measured, and for its peers in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a benchmark comes to.
pub type Outcome<T = ()> = Result<T, Failure>;
