//! `cargo xtask protects`: a test that does not fail without the line it is there for shows nothing.
//!
//! A source line in `crates/` that a fault test protects carries a trailing comment with the test's name. Each
//! such line is taken out of a copy of the workspace in turn, and that test must go red.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::marks::{functions, marked, without_line};
use crate::run::{Failure, Outcome, Workspace, duration, no_more_arguments, run, step};

/// A test that still runs after this long hangs without its line, which is red too.
const TEST_MINUTES_MAX: u64 = 5;

/// One protected line and one test that is said to need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    pub file: PathBuf,
    /// Counted from 1, as editors do.
    pub line: usize,
    pub test: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Red,
    StillGreen,
    DoesNotCompile,
    NotRun,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Red => "red",
            Self::StillGreen => "STILL GREEN",
            Self::DoesNotCompile => "DOES NOT COMPILE",
            Self::NotRun => "NO SUCH TEST RAN",
        })
    }
}

pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    let (only, rest) = args.split_at(args.len().min(1));
    no_more_arguments(rest)?;
    let mut lines = find(workspace)?;
    lines.retain(|line| only.first().is_none_or(|name| *name == line.test));
    if lines.is_empty() {
        let name = only.first().map_or("anything", String::as_str);
        println!("no line is marked as protecting {name}");
        return if only.is_empty() {
            Ok(())
        } else {
            Err(Failure::new("nothing to do"))
        };
    }
    let copy = Copy::make(workspace)?;
    let homes = homes(workspace)?;
    step("all lines in place", || baseline(&copy, &homes, &lines))?;

    let mut rows = Vec::new();
    for line in &lines {
        let start = Instant::now();
        let verdict = copy.without(line, || copy.test(&homes[&line.test], &line.test))?;
        println!(
            "{verdict}: {} without {}:{}",
            line.test,
            line.file.display(),
            line.line
        );
        rows.push((line, verdict, start.elapsed()));
    }
    report(&rows)
}

/// Every marked line of the crates, one per test named in it.
pub fn find(workspace: &Workspace) -> Result<Vec<Protected>, Failure> {
    let mut found = Vec::new();
    for file in workspace.files(true)? {
        if !file.starts_with("crates") || file.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let text = read(&workspace.path(&file))?;
        for (index, line) in text.lines().enumerate() {
            let tests = marked(line).map_err(|what| {
                Failure::new(format!("{}:{}: {what}", file.display(), index + 1))
            })?;
            found.extend(tests.into_iter().map(|test| Protected {
                file: file.clone(),
                line: index + 1,
                test: test.into(),
            }));
        }
    }
    Ok(found)
}

/// In which package each `fn NAME` of the crates is, a package being named as its folder. A name that is there
/// twice belongs to the first.
pub fn homes(workspace: &Workspace) -> Result<BTreeMap<String, String>, Failure> {
    let mut homes = BTreeMap::new();
    for file in workspace.files(true)? {
        let mut parts = file
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        let (Some(top), Some(package)) = (parts.next(), parts.next()) else {
            continue;
        };
        if top != "crates" || file.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        for name in functions(&read(&workspace.path(&file))?) {
            homes
                .entry(name.to_string())
                .or_insert_with(|| package.to_string());
        }
    }
    Ok(homes)
}

/// A copy of the workspace in which lines can go missing.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make(workspace: &Workspace) -> Result<Self, Failure> {
        let copy = Self {
            root: workspace.target().join("protects/workspace"),
            target: workspace.target().join("protects/build"),
        };
        if copy.root.exists() {
            fs::remove_dir_all(&copy.root).map_err(Failure::doing("clearing the last copy"))?;
        }
        for file in workspace.files(true)? {
            let to = copy.root.join(&file);
            let folder = to.parent().expect("a file is in a folder");
            fs::create_dir_all(folder).map_err(Failure::doing(folder.display()))?;
            fs::copy(workspace.path(&file), &to).map_err(Failure::doing(file.display()))?;
        }
        Ok(copy)
    }

    fn cargo_test(&self, package: &str) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            // A line less leaves unused variables and imports behind: that is no verdict.
            .env("RUSTFLAGS", "--cap-lints=warn -Awarnings")
            // The unit tests of library and binaries, and the integration tests.
            .args(["test", "--quiet", "--locked", "-p", package, "--tests"]);
        command
    }

    /// Does something while a line is missing, then puts it back.
    fn without<T>(
        &self,
        line: &Protected,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let path = self.root.join(&line.file);
        let source = read(&path)?;
        let write = |text: &str| fs::write(&path, text).map_err(Failure::doing(path.display()));
        write(&without_line(&source, line.line)?)?;
        let result = work();
        write(&source)?;
        result
    }

    fn test(&self, package: &str, test: &str) -> Result<Verdict, Failure> {
        let mut build = self.cargo_test(package);
        build.arg("--no-run").stderr(Stdio::null());
        if run(&mut build).is_err() {
            return Ok(Verdict::DoesNotCompile);
        }
        // `--quiet` would also quieten the names of tests, so it is undone for the harness.
        let log = self.root.with_file_name("output.txt");
        let file = fs::File::create(&log).map_err(Failure::doing(log.display()))?;
        let mut command = self.cargo_test(package);
        command.args(["--no-fail-fast", "--", "--format=pretty", test]);
        let child = command
            .stdout(file)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Failure::doing("cannot start cargo test"))?;
        let ended_well = wait(child)?;
        Ok(judge(&read(&log)?, test, ended_well))
    }
}

/// Waits for the tests; `None` when they took too long and were ended.
fn wait(mut child: Child) -> Result<Option<bool>, Failure> {
    let deadline = Instant::now() + Duration::from_secs(TEST_MINUTES_MAX * 60);
    loop {
        if let Some(status) = child
            .try_wait()
            .map_err(Failure::doing("waiting for cargo test"))?
        {
            return Ok(Some(status.success()));
        }
        if Instant::now() > deadline {
            end(child)?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Ends cargo and the tests that it started: they are one process group, named by its first process.
fn end(mut child: Child) -> Outcome {
    let group = format!("-{}", child.id());
    run(Command::new("kill").args(["-s", "KILL", "--", &group]))?;
    let ended = child.wait().map(|_| ());
    ended.map_err(Failure::doing("ending a test that hangs"))
}

/// What the harness printed says about one test: `test module::name ... ok`.
fn judge(printed: &str, test: &str, ended_well: Option<bool>) -> Verdict {
    let ran = printed.lines().filter_map(|line| {
        let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let name = name.split_once(" - ").map_or(name, |(name, _)| name);
        (name.rsplit("::").next() == Some(test)).then_some(result.trim())
    });
    let results: Vec<&str> = ran.collect();
    match (ended_well, results.as_slice()) {
        (None, _) => Verdict::Red,
        (Some(true), []) => Verdict::NotRun,
        (Some(true), _) => Verdict::StillGreen,
        // A test that ends its process leaves no result behind.
        (Some(false), []) => Verdict::Red,
        (Some(false), results) if results.iter().all(|result| *result == "ok") => {
            Verdict::StillGreen
        }
        (Some(false), _) => Verdict::Red,
    }
}

/// With every line in place every test must run and be green, else red would mean nothing.
fn baseline(copy: &Copy, homes: &BTreeMap<String, String>, lines: &[Protected]) -> Outcome {
    let mut tests: Vec<&str> = lines.iter().map(|line| line.test.as_str()).collect();
    tests.sort_unstable();
    tests.dedup();
    for test in tests {
        let home = homes
            .get(test)
            .ok_or_else(|| Failure::new(format!("there is no `fn {test}` in crates/")))?;
        match copy.test(home, test)? {
            Verdict::StillGreen => {}
            verdict => {
                return Err(Failure::new(format!(
                    "{test}, with its line in place: {verdict}"
                )));
            }
        }
    }
    Ok(())
}

fn report(rows: &[(&Protected, Verdict, Duration)]) -> Outcome {
    let width = rows
        .iter()
        .map(|(line, ..)| line.test.len())
        .max()
        .unwrap_or(0);
    println!(
        "{:width$}  {:16}  {:>9}  without",
        "test", "verdict", "took"
    );
    for (line, verdict, took) in rows {
        let (test, took) = (&line.test, duration(*took));
        let place = format!("{}:{}", line.file.display(), line.line);
        println!("{test:width$}  {verdict:16}  {took:>9}  {place}");
    }
    let bad = rows
        .iter()
        .filter(|(_, verdict, _)| *verdict != Verdict::Red)
        .count();
    if bad == 0 {
        println!("all {} lines are protected", rows.len());
        return Ok(());
    }
    Err(Failure::new(format!(
        "{bad} of {} lines are not shown to be protected",
        rows.len()
    )))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::doing(path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_is_only_what_that_test_says() {
        let green = "test a::no_gap ... ok\ntest a::no_gap_either ... FAILED\n";
        assert_eq!(judge(green, "no_gap", Some(false)), Verdict::StillGreen);
        assert_eq!(judge(green, "no_gap_either", Some(false)), Verdict::Red);
        assert_eq!(
            judge("running 0 tests\n", "no_gap", Some(true)),
            Verdict::NotRun
        );
        assert_eq!(
            judge("running 1 test\n", "no_gap", Some(false)),
            Verdict::Red
        );
        assert_eq!(judge("running 1 test\n", "no_gap", None), Verdict::Red);
        let panics = "test no_gap - should panic ... ok\n";
        assert_eq!(judge(panics, "no_gap", Some(true)), Verdict::StillGreen);
    }
}
