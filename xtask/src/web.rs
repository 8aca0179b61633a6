//! `cargo xtask web`: the browser application.

use crate::run::{Outcome, Workspace, no_more_arguments, run, step};

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    no_more_arguments(args)?;
    let web = workspace.path("web");
    if !web.join("package.json").is_file() {
        println!("There is no browser application yet.");
        return Ok(());
    }
    let npm = |args: &[&str]| run(workspace.command("npm").args(args).current_dir(&web));
    step("packages of the browser application", || npm(&["ci"]))?;
    step("build of the browser application", || {
        npm(&["run", "build"])
    })
}
