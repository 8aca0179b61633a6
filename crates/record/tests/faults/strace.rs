//! Faults in the calls of a real child, put there by strace.

use crate::workload::{self, BURST, DIR, output_of};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// A call on a file of the log: where a fault can be put.
pub type Place = (&'static str, &'static str);

/// Syncs, by whichever call SQLite was built to use; the head file's is always `fdatasync`.
pub const SYNC: &str = "fsync,fdatasync";

/// Every call that changes or syncs a file of the log.
pub const PLACES: [Place; 10] = [
    ("pwrite64", "record.db-wal"),
    (SYNC, "record.db-wal"),
    ("pwrite64", "record.db"),
    (SYNC, "record.db"),
    ("pwrite64", "keys.db-wal"),
    (SYNC, "keys.db-wal"),
    ("pwrite64", "keys.db"),
    (SYNC, "keys.db"),
    ("pwrite64", "head"),
    (SYNC, "head"),
];

/// How a traced child ended.
pub struct Traced {
    pub status: ExitStatus,
    pub printed: Vec<u8>,
    pub errors: String,
    pub calls: String,
}

/// Runs the child `name` under strace, which looks at `calls` on `files` and does what `inject` says.
fn traced(
    dir: &Path,
    name: &str,
    files: &[&str],
    calls: &str,
    inject: Option<&str>,
    burst: bool,
) -> Traced {
    let (binary, args) = workload::child(name);
    let trace = dir.with_file_name("trace");
    let mut command = Command::new("strace");
    // Without --seccomp-bpf, under which strace 6.1 loses the signal that it should inject.
    command.args(["-f", "-y", "-o"]).arg(&trace);
    for file in files {
        command.arg("-P").arg(dir.join(file));
    }
    command.args(["-e", &format!("trace={calls}")]);
    if let Some(inject) = inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    command.arg("--").arg(binary).args(args).env(DIR, dir);
    if burst {
        command.env(BURST, "1");
    }
    let output = output_of(&mut command).unwrap_or_else(|error| {
        panic!("strace cannot be started ({error}): install it, for example with `apt-get install strace`")
    });
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !errors.contains("PTRACE_"),
        "strace may not trace here; allow ptrace (a container needs the capability SYS_PTRACE): {errors}"
    );
    Traced {
        status: output.status,
        printed: output.stdout,
        errors,
        calls: std::fs::read_to_string(&trace).unwrap(),
    }
}

/// How often the busiest thread makes each call when nothing goes wrong. strace counts per thread too, and a burst only adds
/// calls: a fault at any number up to this one hits.
pub fn counts(dir: &Path, name: &str) -> BTreeMap<Place, usize> {
    let files = PLACES.map(|(_, file)| file);
    let dry = traced(dir, name, &files, "pwrite64,fsync,fdatasync", None, false);
    assert!(dry.status.success(), "{}", dry.errors);
    let printed = String::from_utf8_lossy(&dry.printed);
    assert!(!printed.contains("refused"), "{printed}");
    let mut of_threads: BTreeMap<(Place, &str), usize> = BTreeMap::new();
    for line in dry.calls.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let called = |(names, file): &Place| {
            let name = |name| call.trim_start().starts_with(&format!("{name}("));
            names.split(',').any(name) && call.contains(&format!("/{file}>"))
        };
        if let Some(place) = PLACES.into_iter().find(called) {
            *of_threads.entry((place, thread)).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::new();
    for ((place, _), count) in of_threads {
        let most = counts.entry(place).or_insert(0);
        *most = count.max(*most);
    }
    counts
}

/// Kills the child at the `nth` call.
pub fn killed(dir: &Path, name: &str, (call, file): Place, nth: usize) -> Traced {
    let inject = format!("{call}:signal=SIGKILL:when={nth}");
    let traced = traced(dir, name, &[file], call, Some(&inject), true);
    // A call that the kill came before has no result.
    let hits = traced
        .calls
        .lines()
        .filter(|line| line.trim_end().ends_with("= ?"));
    assert_eq!(
        hits.count(),
        1,
        "the kill has to hit one call: {}",
        traced.calls
    );
    traced
}

/// Lets the `nth` call fail with `error`.
pub fn failed(dir: &Path, name: &str, (call, file): Place, error: &str, nth: usize) -> Traced {
    let inject = format!("{call}:error={error}:when={nth}");
    let traced = traced(dir, name, &[file], call, Some(&inject), false);
    let hits = traced
        .calls
        .lines()
        .filter(|line| line.ends_with("(INJECTED)"));
    assert_eq!(
        hits.count(),
        1,
        "the fault has to hit one call: {}",
        traced.calls
    );
    traced
}
