//! `cargo xtask demo`: the demo of the binary where there is one, a small record until then.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::run::{Failure, Outcome, Workspace, no_more_arguments, output, run, step};

const STATEMENTS: usize = 1_000;

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    no_more_arguments(args)?;
    step("build", || {
        run(&mut workspace.cargo(&["build", "--quiet", "--locked", "-p", "truceline"]))
    })?;
    let truceline = workspace.target().join("debug/truceline");
    let help = output(workspace.command(&truceline).arg("--help"))?;
    if help
        .lines()
        .any(|line| line.trim_start().starts_with("demo "))
    {
        return run(workspace.command(&truceline).arg("demo"));
    }
    small_record(workspace, &truceline)
}

/// Makes a log, says statements in it, audits them.
fn small_record(workspace: &Workspace, truceline: &Path) -> Outcome {
    let folder = workspace.target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::doing("clearing the last demo"))?;
    }
    fs::create_dir_all(&folder).map_err(Failure::doing("making room for the demo"))?;
    let data = folder.join("mission");

    println!(
        "A log belongs to one participant; only its owner can write in it. The mission opens its own:"
    );
    let mut init = workspace.command(truceline);
    init.args(["log", "init", "--callsign", "MISSION"])
        .args(["--origin", "example.org/mission", "--data"])
        .arg(&data)
        .arg("--recovery")
        .arg(folder.join("recovery.key"));
    step("truceline log init", || run(&mut init))?;

    println!(
        "It says {STATEMENTS} statements. Each is signed, stored durably, and answered with a receipt:"
    );
    let mut say = workspace.command(truceline);
    say.args(["log", "say", "--data"]).arg(&data).arg("-");
    step("truceline log say", || feed(&mut say, &statements()))?;

    println!(
        "Now everything is verified again from the files alone, as anybody can who has a copy of them:"
    );
    let mut audit = workspace.command(truceline);
    audit.arg("audit").arg(&data);
    step("truceline audit", || run(&mut audit))?;

    println!(
        "{STATEMENTS} statements said and audited. They are in {}.",
        data.display()
    );
    Ok(())
}

/// One statement a line, as `truceline log say` reads them: what a monitor heard, and what is told of it to both sides.
fn statements() -> String {
    let mut lines = String::new();
    for number in 1..=STATEMENTS {
        let statement = if number % 2 == 1 {
            report(number)
        } else {
            message(number)
        };
        writeln!(lines, "{statement}").expect("a String takes every line");
    }
    lines
}

fn report(number: usize) -> Value {
    let (day, hour) = (1 + number / 48, number / 2 % 23);
    let content = json!({
        "category": "shelling", "means": ["heard"],
        "from": format!("2016-06-{day:02}T{hour:02}:00:00Z"), "until": format!("2016-06-{day:02}T{:02}:00:00Z", hour + 1),
        "date_precision": 1, "place_name": format!("Exercise village {}", number % 7), "place_precision": 3,
        "counts": [{"number": 1 + number % 9, "unit": "explosion"}],
    });
    said("report.file/1", &content)
}

fn message(number: usize) -> Value {
    let content = json!({
        "precedence": "ROUTINE", "to": ["RU", "US"], "informs": true, "language": "en",
        "words": format!("EXERCISE. Report {} of {STATEMENTS} is filed.", number - 1),
    });
    said("message.send/1", &content)
}

fn said(kind: &str, content: &Value) -> Value {
    json!({"kind": kind, "groups": {"body": {"aud": ["public"], "content": content}}})
}

/// Runs a child with this text as its input. Its receipts would fill the screen and are not shown.
fn feed(command: &mut Command, text: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(Failure::doing("cannot start truceline"))?;
    let mut input = child
        .stdin
        .take()
        .expect("the input was asked for as a pipe");
    let written = input.write_all(text.as_bytes());
    drop(input);
    let status = child
        .wait()
        .map_err(Failure::doing("waiting for truceline"))?;
    if !status.success() {
        return Err(Failure::new(format!(
            "`truceline log say` ended with {status}"
        )));
    }
    written.map_err(Failure::doing("handing over the statements"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_says_a_thousand_different_statements() {
        let text = statements();
        let lines: std::collections::BTreeSet<&str> = text.lines().collect();
        assert_eq!(lines.len(), STATEMENTS);
    }
}
