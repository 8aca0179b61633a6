//! `cargo xtask lint`: what the compiler does not see: dependencies, directions, files, marks.

mod advisories;
mod dependencies;
mod directions;
mod files;
mod spdx;

use crate::protects;
use crate::run::{Failure, Outcome, Workspace, no_more_arguments};

/// What a check found wrong, one sentence each; none when all is well.
type Findings = Vec<String>;

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    no_more_arguments(args)?;
    let packages = dependencies::packages(workspace)?;
    let mut wrong = Findings::new();
    let mut check = |name: &str, findings: Findings| {
        match findings.len() {
            0 => println!("{name}: ok"),
            count => println!("{name}: {count} wrong"),
        }
        wrong.extend(findings);
    };
    check("licences", dependencies::licences(&packages));
    check("bans", dependencies::bans(&packages));
    check("sources", dependencies::sources(&packages));
    match advisories::database() {
        Some(folder) => check("advisories", advisories::check(&folder, &packages)?),
        None => println!("advisories: no copy of the advisory database, skipped"),
    }
    check("directions", directions::check(workspace, &packages)?);
    check("files", files::check(workspace)?);
    check("protects", unknown_tests(workspace)?);

    for finding in &wrong {
        println!("  {finding}");
    }
    match wrong.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} things to put right, listed above"
        ))),
    }
}

/// Marks whose test does not exist.
fn unknown_tests(workspace: &Workspace) -> Result<Findings, Failure> {
    let homes = protects::homes(workspace)?;
    let marks = protects::find(workspace)?;
    let unknown = marks.iter().filter(|mark| !homes.contains_key(&mark.test));
    Ok(unknown
        .map(|mark| {
            let (file, line, test) = (mark.file.display(), mark.line, &mark.test);
            format!("{file}:{line}: protects {test}, but there is no `fn {test}` in crates/")
        })
        .collect())
}
