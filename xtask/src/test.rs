//! `cargo xtask test`: everything that has to hold before a change goes in.

use std::time::Instant;

use crate::run::{Failure, Outcome, Workspace, duration, no_more_arguments, run, step};
use crate::{conformance, lint, packages, protects};

/// Tests read this: set, they take the long way (400 crash points, minutes of mutation).
const LONG: &str = "TRUCELINE_LONG";

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    let long = args.first().is_some_and(|arg| arg == "--long");
    no_more_arguments(&args[usize::from(long)..])?;
    let start = Instant::now();
    // Nothing below can be trusted without them, so this one ends the run.
    step("packages", packages::ensure)?;

    let mut failed = Vec::new();
    let mut check = |name: &'static str, work: &dyn Fn() -> Outcome| {
        if step(name, work).is_err() {
            failed.push(name);
        }
    };
    check("format", &|| {
        run(&mut workspace.cargo(&["fmt", "--all", "--check"]))
    });
    check("clippy", &|| clippy(workspace));
    check("lint", &|| lint::main(workspace, &[]));
    check("tests", &|| tests(workspace, long));
    check("conformance", &|| conformance::main(workspace, &[]));
    if long {
        check("protects", &|| protects::main(workspace, &[]));
    }

    let took = duration(start.elapsed());
    if failed.is_empty() {
        println!("== everything holds, in {took}");
        return Ok(());
    }
    Err(Failure::new(format!(
        "failed after {took}: {}",
        failed.join(", ")
    )))
}

fn clippy(workspace: &Workspace) -> Outcome {
    let lint = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
    ];
    run(workspace.cargo(&lint).args(["--", "-D", "warnings"]))
}

/// Plain `cargo test`: it alone also runs the examples in the documentation.
fn tests(workspace: &Workspace, long: bool) -> Outcome {
    let mut tests = workspace.cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    if long {
        tests.env(LONG, "1");
    }
    run(&mut tests)
}
