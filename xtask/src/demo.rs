//! `cargo xtask demo`: builds Truceline and serves the worked example of 2016.

use crate::run::{Outcome, Workspace, run, step};

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    step("build", || {
        run(&mut workspace.cargo(&["build", "--locked", "-p", "truceline"]))
    })?;
    let truceline = workspace.target().join("debug/truceline");
    run(workspace.command(&truceline).arg("demo").args(args))
}
