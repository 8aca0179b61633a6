//! The `truceline` command: the operations room of a ceasefire from the terminal.
#![allow(clippy::print_stdout, reason = "this is the command line")]

mod account;
mod board;
mod carry;
mod check;
mod config;
mod demo;
mod import;
mod key;
mod log;
mod play;
mod remote;
mod report;
mod serve;

use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Views are folded from many small pieces, which this one gives out and takes back faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A failed command: one or a few lines for the person who typed it, and an exit status.
#[derive(Debug)]
pub struct Failure {
    message: String,
    status: u8,
}

/// The result of a command.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// What was asked for cannot be done.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: 1,
        }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// The operations room of a ceasefire.
#[derive(Parser)]
#[command(name = "truceline", version, about, long_about = None, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Configuration file; without it ./truceline.toml when there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Make keys
    #[command(subcommand)]
    Key(key::Command),
    /// Found a log, say statements, show, prove, erase, repair
    #[command(subcommand)]
    Log(log::Command),
    /// Verify whole logs from their files alone, trusting nobody who keeps them
    #[command(
        after_long_help = "EXAMPLES:\n  truceline audit /media/stick/logs/truce.example+mission --pin truce.example/mission+1a2b3c4d+Ab…\n  \
        truceline audit https://truce.example/              every log that this node publishes\n  \
        truceline audit http://localhost:8016/log/RU/       one of them\n\n\
        Exit status: 0 everything holds; 1 something does not, and the first bad entry is named; 3 a log could not be read to its\n\
        end, so that nothing is said about it."
    )]
    Audit(report::Args),
    /// Play scenarios in an exercise room, and say which expectation does not come true
    #[command(
        after_long_help = "EXAMPLES:\n  truceline play demo/scenarios/flash-night.truce\n  truceline play --quiet demo/scenarios\n\n\
        It is played on a clock of its own, in an exercise store that is made for it. Exit status: 0 each came out as it is written, 1 one did not;\n\
        the first expectation that does not come true is named with its file and line, and what was found instead.\n\
        How scenarios are written: docs/scenarios.md"
    )]
    Play(play::Args),
    /// Find the features of a GeoJSON file that meet each other in place, height and time
    #[command(
        after_long_help = "EXAMPLE:\n  truceline check plan.geojson\n  truceline check plan.geojson --at 2016-06-22T09:00:00+03:00\n\n\
        Each feature is a volume. Its properties:\n  \
        from, until        since when and until when it is there, with offset; until left out: without end\n  \
        times              of a LineString: a time for each of its places; it is a movement then\n  \
        half_width_m       of a LineString without times: it is a corridor\n  \
        radius_m           of a Point or a movement: how far it reaches\n  \
        floor_m, ceiling_m heights, with height_datum: amsl, agl, ellipsoid or unstated; left out: all heights\n  \
        datum              wgs84, or unstated: everything grows by 150 m then\n  \
        name, note         words\n\n\
        Exit status: 0 nothing meets; 1 something does, or may, as far as is known; 2 the file or the command cannot be read.\n\
        That nothing is found is no clearance. More, and a whole file: docs/deconfliction.md"
    )]
    Check(check::Args),
    /// Carry the record on a stick: out, and in
    #[command(subcommand)]
    Carry(carry::Command),
    /// Load the demo and serve it: Syria, June 2016, in an exercise store of its own
    #[command(
        after_long_help = "EXAMPLES:\n  truceline demo\n  truceline demo --at 2016-09-12T16:00:00Z --speed 60 --port 8020 --data /tmp/demo\n\n\
        The first start loads it in less than a minute. It is an exercise: nothing that is said in it leaves it."
    )]
    Demo(demo::Args),
    /// Serve the node: API, pages, logs
    #[command(
        after_long_help = "EXAMPLE:\n  truceline serve --data mission --port 8016\n\n\
        In truceline.toml, or as TRUCELINE_ORIGIN and so on in the environment:\n  \
        origin = \"https://truce.example\"           where browsers find it\n  \
        relying_party = \"truce.example\"            to which domain passkeys are bound; never change it\n  \
        proxies = [\"127.0.0.1\"]                    our reverse proxies; their X-Forwarded-For is believed\n  \
        cors_origins = [\"https://map.example\"]     other sites whose pages may use the API, with tokens\n  \
        session_idle_ms = 14400000                 a session ends after so long without a request\n  \
        session_absolute_ms = 50400000             and after so long in any case\n\n\
        What each does: docs/accounts.md"
    )]
    Serve(serve::Args),
    /// Open a node to the first of those who sign in
    #[command(subcommand)]
    Account(account::Command),
    /// Print the duty officer's board
    #[command(
        after_long_help = "EXAMPLES:\n  truceline board --data mission --watch 10        beside the node that runs there, or without one\n  \
        truceline board --data truceline-demo --as MISSION --at 2016-06-21T09:00:00Z\n  \
        TRUCELINE_TOKEN=tl_… truceline board --url http://localhost:8016\n\n\
        `!!` is for now, `!` is to be looked at. It is as wide as the terminal, from 80 columns on; COLUMNS says otherwise, and NO_COLOR\n\
        takes the colour away. What stands on it: docs/board.md"
    )]
    Board(board::Args),
    /// Bring in sets of data: events, counts, places
    #[command(subcommand)]
    Import(import::Command),
    /// Print the completion script of a shell
    #[command(
        after_long_help = "EXAMPLE:\n  truceline completions bash > /etc/bash_completion.d/truceline"
    )]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Once for the process. It fails only where somebody did it before, who then chose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = config::load(cli.config.as_deref()).and_then(|settings| {
        config::start_logging(&settings);
        run(cli.command, &settings)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed pipe is no failure that anybody can read about.
            let _ = writeln!(std::io::stderr(), "truceline: {}", failure.message);
            ExitCode::from(failure.status)
        }
    }
}

fn run(command: Command, settings: &config::Settings) -> Outcome {
    match command {
        Command::Key(command) => key::run(&command),
        Command::Log(command) => log::run(command, settings),
        Command::Audit(args) => report::run(&args),
        Command::Play(args) => play::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Carry(command) => carry::run(&command, settings),
        Command::Account(command) => account::run(command, settings),
        Command::Board(args) => board::run(&args, settings),
        Command::Demo(args) => demo::run(&args, settings),
        Command::Serve(args) => serve::serve(args, settings),
        Command::Import(command) => import::run(command, settings),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "truceline",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_shows_an_example() {
        Cli::command().debug_assert();
        let mut root = Cli::command();
        root.build();
        let mut bare = Vec::new();
        leaves(&root, &mut bare);
        assert!(bare.is_empty(), "no example in the help of {bare:?}");
    }

    fn leaves(command: &clap::Command, bare: &mut Vec<String>) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            if sub.has_subcommands() {
                leaves(sub, bare);
            } else if !sub
                .get_after_long_help()
                .is_some_and(|help| help.to_string().contains("EXAMPLE"))
            {
                bare.push(sub.get_name().to_owned());
            }
        }
    }
}
