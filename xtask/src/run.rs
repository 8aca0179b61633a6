//! Where the workspace is, how children are run, how a step is told.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command comes to.
pub type Outcome = Result<(), Failure>;

/// What went wrong, in one sentence for the person at the terminal.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// For `map_err`: the error with what was being done in front of it.
    pub fn doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The checked-out workspace.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this command was called in.
    ///
    /// Cargo's variable at run time goes first: with a target directory shared by several checkouts, the path
    /// at compile time may be another's.
    pub fn find() -> Result<Self, Failure> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        match own.parent() {
            Some(root) if root.join("Cargo.lock").is_file() => Ok(Self {
                root: root.to_path_buf(),
            }),
            _ => Err(Failure::new("no workspace here: call it as `cargo xtask`")),
        }
    }

    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.root.join(inside)
    }

    /// Where builds and everything else that may be deleted go.
    pub fn target(&self) -> PathBuf {
        let given = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        self.root.join(given)
    }

    /// A command that runs at the root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    pub fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args);
        command
    }

    /// What git knows here: tracked files, and with `new` also those not yet added but not ignored.
    pub fn files(&self, new: bool) -> Result<Vec<PathBuf>, Failure> {
        let mut list = self.command("git");
        list.args(["ls-files", "-z", "--cached"]);
        if new {
            list.args(["--others", "--exclude-standard"]);
        }
        let files = output(&mut list)?
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .filter(|name| self.path(name).is_file())
            .collect();
        Ok(files)
    }
}

/// Runs a child that talks to the terminal itself.
pub fn run(command: &mut Command) -> Outcome {
    let status = command
        .status()
        .map_err(Failure::doing(cannot_start(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` ended with {status}",
        shown(command)
    )))
}

/// Runs a child quietly and gives back what it printed; its error output goes to the terminal.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::doing(cannot_start(command)))?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "`{}` ended with {}",
            shown(command),
            output.status
        )));
    }
    String::from_utf8(output.stdout)
        .map_err(Failure::doing(format!("what `{}` printed", shown(command))))
}

/// Whether a program can be found on the path.
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", shown(command))
}

/// The command as one would type it; only the last part of the program's path.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text += &arg.to_string_lossy();
    }
    text
}

/// Says what begins, does it, says how it ended and how long it took.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("== {name}");
    let start = Instant::now();
    let done = work();
    let took = duration(start.elapsed());
    match &done {
        Ok(_) => println!("== {name}: done in {took}"),
        Err(failure) => println!("== {name}: FAILED after {took}: {failure}"),
    }
    done
}

/// A duration as a person says it: `0.4 s`, `75 s`, `12 min 5 s`.
pub fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Refuses arguments that a command does not know.
pub fn no_more_arguments(args: &[String]) -> Outcome {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(Failure::new(format!(
            "`{arg}` is not known here; --help tells what is"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_said() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(75)), "75 s");
        assert_eq!(duration(Duration::from_secs(725)), "12 min 5 s");
    }

    #[test]
    fn a_failed_child_is_named_with_its_arguments() {
        let failure = run(Command::new("false").arg("--now")).expect_err("false fails");
        assert!(
            failure.to_string().starts_with("`false --now` ended with"),
            "{failure}"
        );
        let failure = run(&mut Command::new("no-such-program")).expect_err("does not exist");
        assert!(
            failure
                .to_string()
                .starts_with("cannot start `no-such-program`"),
            "{failure}"
        );
    }
}
