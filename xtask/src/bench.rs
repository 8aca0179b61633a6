//! `cargo xtask bench NAME [ARGUMENTS]`: runs one benchmark with whatever arguments it knows, and keeps what it printed, with the
//! machine it ran on.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::run::{Failure, Outcome, Workspace, output, run, step};

/// Arguments with which a run is shorter than the one that the goals are for: the results of a whole one stay.
const PARTIAL: [&str; 2] = ["--small", "--only"];

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    let names = names(workspace)?;
    let Some((name, rest)) = args.split_first() else {
        return Err(Failure::new(format!("which one? {}", known(&names))));
    };
    if !names.contains(name) {
        let known = known(&names);
        return Err(Failure::new(format!(
            "there is no benchmark `{name}`. {known}"
        )));
    }
    let release = [
        "--release",
        "--locked",
        "--quiet",
        "-p",
        "bench",
        "--bin",
        name,
    ];
    step("build", || run(workspace.cargo(&["build"]).args(release)))?;
    // Before it makes some itself.
    let load = load();
    let printed = step(name, || {
        tee(workspace.cargo(&["run"]).args(release).arg("--").args(rest))
    })?;
    if rest.iter().any(|arg| PARTIAL.contains(&arg.as_str())) {
        println!("not kept in bench/results: this was not the whole benchmark");
    } else {
        keep(workspace, name, rest, &load, &printed)?;
    }
    repeat_goals(&printed)
}

/// The binaries of the crate `bench`; none while there is no such crate.
fn names(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let metadata = ["metadata", "--format-version", "1", "--locked", "--no-deps"];
    let text = output(&mut workspace.cargo(&metadata))?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(Failure::doing("reading cargo metadata"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages
        .filter(|package| package["name"] == "bench")
        .flat_map(|package| package["targets"].as_array().into_iter().flatten());
    Ok(targets
        .filter(|target| target["kind"][0] == "bin")
        .filter_map(|target| target["name"].as_str().map(String::from))
        .collect())
}

fn known(names: &[String]) -> String {
    match names {
        [] => "There are no benchmarks yet.".into(),
        names => format!("There are: {}.", names.join(", ")),
    }
}

/// Runs a child, shows its output line by line and gives it back.
fn tee(command: &mut Command) -> Result<String, Failure> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::doing("cannot start the benchmark"))?;
    let pipe = child
        .stdout
        .take()
        .expect("the output was asked for as a pipe");
    let mut printed = String::new();
    for line in BufReader::new(pipe).lines() {
        let line = line.map_err(Failure::doing("reading what the benchmark prints"))?;
        println!("{line}");
        printed += &line;
        printed.push('\n');
    }
    let status = child
        .wait()
        .map_err(Failure::doing("waiting for the benchmark"))?;
    if status.success() {
        return Ok(printed);
    }
    Err(Failure::new(format!(
        "the benchmark ended with {status}; its last results are kept as they were"
    )))
}

fn keep(workspace: &Workspace, name: &str, args: &[String], load: &str, printed: &str) -> Outcome {
    let folder = workspace.path("bench/results");
    fs::create_dir_all(&folder).map_err(Failure::doing("making bench/results"))?;
    let call = format!("cargo xtask bench {name} {}", args.join(" "));
    let machine = machine(workspace)?;
    let text = format!(
        "{}\n{machine}load before: {load}\n\n{printed}",
        call.trim_end()
    );
    let file = format!("{name}.txt");
    fs::write(folder.join(&file), text).map_err(Failure::doing(format!("writing {file}")))?;
    println!("kept in bench/results/{file}");
    Ok(())
}

/// How many programs wanted a processor in the last one, five and fifteen minutes: what else went on.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// What the numbers depend on, one fact a line.
fn machine(workspace: &Workspace) -> Result<String, Failure> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let rustc = output(workspace.command("rustc").arg("--version"))?;
    let date = output(
        workspace
            .command("date")
            .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
    )?;
    let mut facts = String::new();
    for (what, value) in [
        ("processor", field(&read("/proc/cpuinfo"), "model name")),
        ("cores", cores.to_string()),
        ("memory", field(&read("/proc/meminfo"), "MemTotal")),
        (
            "kernel",
            read("/proc/sys/kernel/osrelease").trim().to_string(),
        ),
        (
            "filesystem",
            filesystem(&read("/proc/self/mounts"), &workspace.target()),
        ),
        ("compiler", rustc.trim().to_string()),
        ("date", date.trim().to_string()),
    ] {
        writeln!(facts, "{what}: {value}").expect("a String takes every line");
    }
    Ok(facts)
}

/// The value of the first `key : value` line, as the kernel's text files have them.
fn field(text: &str, key: &str) -> String {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = values.filter(|(name, _)| name.trim() == key);
    values
        .next()
        .map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_string())
}

/// The type of the filesystem that holds `folder`: of the longest mount point above it.
fn filesystem(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        Some((parts.next()?, parts.next()?))
    });
    mounts
        .filter(|(point, _)| folder.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map_or_else(|| "unknown".into(), |(_, kind)| kind.to_string())
}

/// One `GOAL` or `STRETCH` line: what was measured, what was wanted.
#[derive(Debug, PartialEq, Eq)]
struct Goal<'a> {
    kind: &'a str,
    name: &'a str,
    measured: &'a str,
    target: &'a str,
    ok: bool,
}

impl<'a> Goal<'a> {
    /// Reads `GOAL <name> <measured> <target> ok|short`; `None` for any other line.
    ///
    /// # Errors
    /// A line that begins as a goal and is none: a misspelt goal must not vanish from the list.
    fn parse(line: &'a str) -> Option<Result<Self, Failure>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = *words
            .first()
            .filter(|word| matches!(**word, "GOAL" | "STRETCH"))?;
        let goal = match words[1..] {
            [name, measured, target, verdict @ ("ok" | "short")] => Ok(Self {
                kind,
                name,
                measured,
                target,
                ok: verdict == "ok",
            }),
            _ => Err(Failure::new(format!(
                "not `{kind} <name> <measured> <target> ok|short`: {line}"
            ))),
        };
        Some(goal)
    }
}

impl fmt::Display for Goal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.ok { "ok" } else { "short" };
        let Self {
            kind,
            name,
            measured,
            target,
            ..
        } = self;
        write!(f, "{kind} {name} {measured} {target} {verdict}")
    }
}

fn repeat_goals(printed: &str) -> Outcome {
    let goals: Vec<Goal> = printed
        .lines()
        .filter_map(Goal::parse)
        .collect::<Result<_, _>>()?;
    let short = goals
        .iter()
        .filter(|goal| !goal.ok && goal.kind == "GOAL")
        .count();
    println!("== goals: {}, of which short: {short}", goals.len());
    for goal in goals {
        println!("{goal}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_line_is_read_and_repeated_as_it_was() {
        let line = "GOAL append-512 14,210/s >=14,000/s ok";
        let goal = Goal::parse(line).expect("a goal").expect("well formed");
        assert!(goal.ok);
        assert_eq!(goal.name, "append-512");
        assert_eq!(goal.to_string(), line);
    }

    #[test]
    fn a_stretch_goal_may_be_short() {
        let goal = Goal::parse("STRETCH restart 1.2s <1s short")
            .expect("a goal")
            .expect("well formed");
        assert_eq!((goal.kind, goal.ok), ("STRETCH", false));
    }

    #[test]
    fn a_misspelt_goal_is_an_error_and_another_line_is_not_a_goal() {
        assert!(Goal::parse("GOAL append 12 14 good").is_some_and(|goal| goal.is_err()));
        assert!(Goal::parse("GOAL append 12 per second 14 ok").is_some_and(|goal| goal.is_err()));
        assert!(Goal::parse("append | 12/s | 14/s").is_none());
        assert!(Goal::parse("").is_none());
    }

    #[test]
    fn the_machine_is_read_from_the_kernels_files() {
        assert_eq!(
            field("processor\t: 0\nmodel name\t: Zen 4\n", "model name"),
            "Zen 4"
        );
        assert_eq!(field("", "model name"), "unknown");
        let mounts = "a / ext4 rw 0 0\nb /srv xfs rw 0 0\nc /srv-2 tmpfs rw 0 0\n";
        assert_eq!(filesystem(mounts, Path::new("/srv/target")), "xfs");
        assert_eq!(filesystem(mounts, Path::new("/opt")), "ext4");
    }
}
