//! The workspace's own commands: `cargo xtask demo|test|bench|protects|conformance|lint|web`.
//!
//! Standard library and `serde_json` only, so that it is built in a second and nothing has to be installed to use it.
#![allow(clippy::print_stdout)] // A terminal program: its output is what it is for.

mod bench;
mod conformance;
mod demo;
mod lint;
mod marks;
mod packages;
mod protects;
mod run;
mod test;
mod web;

use std::process::ExitCode;

use run::{Failure, Outcome, Workspace};

/// One command, as `--help` tells it.
struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    example: &'static str,
    main: fn(&Workspace, &[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        usage: "demo [ARGUMENTS OF truceline demo]",
        about: "Build Truceline, load the worked example of 2016 and serve it until interrupted.",
        example: "cargo xtask demo --port 8016",
        main: demo::main,
    },
    Command {
        name: "test",
        usage: "test [--long]",
        about: "Everything that has to hold: format, clippy, lint, tests, conformance.\n\
                --long adds the hours: 400 crash points, minutes of mutation, and `protects`.",
        example: "cargo xtask test --long",
        main: test::main,
    },
    Command {
        name: "bench",
        usage: "bench NAME [ARGUMENTS OF THE BENCHMARK]",
        about: "Build and run one benchmark; keep its last whole run in bench/results/NAME.txt.\n\
                What each one knows, such as --big or --small, it says when it is asked something else.\n\
                A goal that is short is said, not failed: machines differ.",
        example: "cargo xtask bench node --small",
        main: bench::main,
    },
    Command {
        name: "protects",
        usage: "protects [NAME]",
        about: "Remove each line marked `// protects: NAME` in a copy and expect that test to go red.",
        example: "cargo xtask protects a_second_process_is_refused",
        main: protects::main,
    },
    Command {
        name: "conformance",
        usage: "conformance",
        about: "Have a sample of what we publish verified by programs not written here.",
        example: "cargo xtask conformance",
        main: conformance::main,
    },
    Command {
        name: "lint",
        usage: "lint",
        about: "Licences, bans, sources and advisories of dependencies; directions between crates;\n\
                what no tracked file may contain.",
        example: "cargo xtask lint",
        main: lint::main,
    },
    Command {
        name: "web",
        usage: "web",
        about: "Build the browser application.",
        example: "cargo xtask web",
        main: web::main,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Outcome {
    let asks_help = |arg: &String| matches!(arg.as_str(), "--help" | "-h" | "help");
    let Some((name, rest)) = args.split_first().filter(|(name, _)| !asks_help(name)) else {
        print!("{}", overview());
        return Ok(());
    };
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| {
            Failure::new(format!(
                "there is no command `{name}`; `cargo xtask --help` lists them"
            ))
        })?;
    if rest.iter().any(asks_help) {
        print!("{}", describe(command));
        return Ok(());
    }
    (command.main)(&Workspace::find()?, rest)
}

fn overview() -> String {
    let mut text = String::from("The workspace's own commands.\n\n");
    for command in COMMANDS {
        text += &describe(command);
        text.push('\n');
    }
    text
}

fn describe(command: &Command) -> String {
    let about = command.about.replace('\n', "\n    ");
    format!(
        "cargo xtask {}\n    {about}\n    Example: {}\n",
        command.usage, command.example
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_an_example_that_calls_it() {
        for command in COMMANDS {
            let call = format!("cargo xtask {}", command.name);
            assert!(command.example.starts_with(&call), "{}", command.name);
            assert!(overview().contains(command.example));
        }
    }

    #[test]
    fn an_unknown_command_is_named() {
        let failure = dispatch(&["tset".into()]).expect_err("no such command");
        assert!(failure.to_string().contains("`tset`"));
    }
}
