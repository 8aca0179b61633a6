//! Faults in the real program: it is killed at its writes and syncs, and its disk fails, while it says statements.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_truceline");
/// Statements per run: enough for a commit each to be hit.
const STATEMENTS: usize = 24;
/// Each statement has a commit of its own, so that every run makes the same calls.
const ONE_BY_ONE: &str = "1";
/// Entries of a log as it is founded.
const FOUNDED: usize = 10;
/// Places to be killed at in the test command, and with `TRUCELINE_LONG`.
const KILLS: usize = 60;
const KILLS_LONG: usize = 400;
/// Exit status after a failed write or sync.
const EXIT_IO: i32 = 74;

/// A file and a call on it, at which a fault is injected.
type Place = (&'static str, &'static str);
const PLACES: [Place; 8] = [
    ("record.db-wal", "pwrite64"),
    ("record.db-wal", "fdatasync"),
    ("keys.db-wal", "pwrite64"),
    ("keys.db-wal", "fdatasync"),
    ("head", "pwrite64"),
    ("head", "fdatasync"),
    ("record.db", "pwrite64"),
    ("keys.db", "pwrite64"),
];

struct Base {
    root: tempfile::TempDir,
    data: PathBuf,
    signed: PathBuf,
}

fn truceline(args: &[&str], data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .arg("--data")
        .arg(data)
        .env("TRUCELINE_IN_FLIGHT_PER_KEY_MAX", ONE_BY_ONE);
    command
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Base {
    /// A log with one statement, and signed statements to say: messages, and an erasure of that one.
    fn found() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("base");
        let mut init = truceline(
            &[
                "log",
                "init",
                "--callsign",
                "MISSION",
                "--origin",
                "truce.example/mission",
            ],
            &data,
        );
        succeed(init.arg("--recovery").arg(root.path().join("recovery.key")));
        let drafts = root.path().join("drafts.jsonl");
        std::fs::write(&drafts, draft("the source's name")).unwrap();
        let said = succeed(truceline(&["log", "say"], &data).arg(&drafts));
        let target = said.split_whitespace().nth(1).unwrap().to_owned();
        let mut lines = String::new();
        for i in 1..STATEMENTS {
            lines += &draft(&format!("message {i}"));
            if i == STATEMENTS / 2 {
                let erase = json!({"kind": "erase/1", "about": [target], "groups":
                    {"body": {"aud": ["RU"], "content": {"groups": ["body"], "reason": "asked"}}}});
                writeln!(lines, "{erase}").unwrap();
            }
        }
        std::fs::write(&drafts, lines).unwrap();
        let signed = root.path().join("signed.txt");
        std::fs::write(
            &signed,
            succeed(truceline(&["log", "sign"], &data).arg(&drafts)),
        )
        .unwrap();
        Self { root, data, signed }
    }

    fn copy(&self, name: &str) -> PathBuf {
        let to = self.root.path().join(name);
        copy_dir(&self.data, &to);
        to
    }

    /// Says everything under strace with these further arguments; returns the output and what strace wrote.
    fn say_traced(&self, data: &Path, place: Place, inject: Option<&str>) -> (Output, String) {
        let trace = self.root.path().join("trace");
        let _ = std::fs::remove_file(&trace);
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-y", "-o"])
            .arg(&trace)
            .arg("-P")
            .arg(data.join(place.0));
        strace.arg("-e").arg(format!("trace={}", place.1));
        if let Some(fault) = inject {
            strace.arg("-e").arg(format!("inject={}:{fault}", place.1));
        }
        let say = strace
            .arg(PROGRAM)
            .args(["log", "say", "--data"])
            .arg(data)
            .arg(&self.signed);
        let output = say
            .env("TRUCELINE_IN_FLIGHT_PER_KEY_MAX", ONE_BY_ONE)
            .stdin(Stdio::null())
            .output();
        let output =
            output.expect("strace is needed to inject faults; install it: apt-get install strace");
        (output, std::fs::read_to_string(&trace).unwrap_or_default())
    }

    /// How often the busiest thread makes this call in a run without faults.
    fn calls(&self, place: Place) -> usize {
        let data = self.copy("dry");
        let (output, trace) = self.say_traced(&data, place, None);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::remove_dir_all(data).unwrap();
        let mut by_thread: BTreeMap<&str, usize> = BTreeMap::new();
        for line in trace
            .lines()
            .filter(|line| line.contains(&format!("{}(", place.1)))
        {
            *by_thread
                .entry(line.split_whitespace().next().unwrap())
                .or_default() += 1;
        }
        by_thread.into_values().max().unwrap_or(0)
    }

    /// What had a receipt stands where the receipt said; the rest can be said again; all of it stands there once.
    fn check(&self, data: &Path, output: &Output) {
        let receipts = |text: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(text).into_owned();
            // A line that was cut off by the kill is no receipt.
            text.split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| line.trim_end().to_owned())
                .collect()
        };
        let before = receipts(&output.stdout);
        let again = truceline(&["log", "say"], data)
            .arg(&self.signed)
            .output()
            .unwrap();
        assert!(
            again.status.success(),
            "{}",
            String::from_utf8_lossy(&again.stderr)
        );
        let after = receipts(&again.stdout);
        assert_eq!(after.len(), STATEMENTS);
        for (before, after) in before.iter().zip(&after) {
            let before = before.trim_end_matches("  (stood there already)");
            assert_eq!(
                &format!("{before}  (stood there already)"),
                after,
                "an acknowledged statement was lost or moved"
            );
        }
        let places: BTreeSet<&str> = after
            .iter()
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        assert_eq!(places.len(), STATEMENTS, "each stands there once");
        let audited = Command::new(PROGRAM)
            .args(["audit", "--json"])
            .arg(data)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&audited.stdout).unwrap();
        assert_eq!(report["sound"], true, "{report}");
        assert_eq!(
            report["size"],
            FOUNDED + 1 + STATEMENTS,
            "no gap, nothing twice"
        );
        let opened = &report["disclosures"];
        assert_eq!(
            (
                opened["opened"].as_u64(),
                opened["erased"].as_u64(),
                opened["absent"].as_u64()
            ),
            (Some(2 * STATEMENTS as u64 + 1), Some(1), Some(0)),
            "{report}"
        );
    }
}

fn draft(words: &str) -> String {
    let content = json!({"precedence": "ROUTINE", "to": ["RU"], "words": words, "language": "en"});
    let draft =
        json!({"kind": "message.send/1", "groups": {"body": {"aud": ["RU"], "content": content}}});
    format!("{draft}\n")
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn kill_9_at_any_write_or_sync_loses_nothing_acknowledged() {
    let base = Base::found();
    let kills = if std::env::var_os("TRUCELINE_LONG").is_some() {
        KILLS_LONG
    } else {
        KILLS
    };
    let counted: Vec<(Place, usize)> = PLACES
        .iter()
        .map(|place| (*place, base.calls(*place)))
        .collect();
    for (place, calls) in &counted {
        assert!(
            *calls > 0,
            "{place:?} is never reached, so nothing would be shown"
        );
    }
    for kill in 0..kills {
        let (place, calls) = counted[kill % counted.len()];
        let rounds = kills.div_ceil(counted.len());
        let when = 1 + (kill / counted.len()) * calls / rounds;
        let data = base.copy("killed");
        let (output, trace) =
            base.say_traced(&data, place, Some(&format!("signal=SIGKILL:when={when}")));
        assert!(
            trace.contains("+++ killed by SIGKILL"),
            "{place:?} {when} of {calls} hit nothing"
        );
        base.check(&data, &output);
        std::fs::remove_dir_all(data).unwrap();
    }
}

fn fail_at(base: &Base, place: Place, error: &str) {
    let when = base.calls(place) / 2 + 1;
    let data = base.copy("failed");
    let (output, trace) =
        base.say_traced(&data, place, Some(&format!("error={error}:when={when}")));
    assert!(
        trace.contains("(INJECTED)"),
        "{place:?} {error} hit nothing"
    );
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(EXIT_IO),
        "{place:?} {error}: {message}"
    );
    assert!(
        message.contains("the disk failed") && message.contains("What has a receipt is safe"),
        "{message}"
    );
    base.check(&data, &output);
    std::fs::remove_dir_all(data).unwrap();
}

#[test]
fn a_full_disk_or_failed_sync_ends_the_process_and_loses_nothing() {
    let base = Base::found();
    for (place, error) in [
        (("record.db-wal", "pwrite64"), "ENOSPC"),
        (("record.db-wal", "pwrite64"), "EIO"),
        (("record.db-wal", "fdatasync"), "EIO"),
        (("head", "pwrite64"), "ENOSPC"),
        (("head", "fdatasync"), "EIO"),
    ] {
        fail_at(&base, place, error);
    }
}

#[test]
fn a_failing_key_database_stops_the_log() {
    let base = Base::found();
    for (place, error) in [
        (("keys.db-wal", "pwrite64"), "ENOSPC"),
        (("keys.db-wal", "fdatasync"), "EIO"),
    ] {
        fail_at(&base, place, error);
    }
}

#[test]
fn a_second_process_on_the_log_is_refused() {
    let base = Base::found();
    let mut first = truceline(&["log", "say", "-"], &base.data);
    let mut first = first
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = first.stdin.take().unwrap();
    input.write_all(draft("I have the log").as_bytes()).unwrap();
    input.flush().unwrap();
    let mut receipt = String::new();
    BufReader::new(first.stdout.take().unwrap())
        .read_line(&mut receipt)
        .unwrap();
    let said = format!("MISSION-{}", FOUNDED + 1);
    assert!(receipt.starts_with(&said), "{receipt}");

    let second = truceline(&["log", "say"], &base.data)
        .arg(&base.signed)
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("another process is writing this log")
    );
    let reading = succeed(truceline(&["log", "show", &said], &base.data).arg("--json"));
    assert!(
        reading.contains("I have the log"),
        "reading goes on beside the writer"
    );
    drop(input);
    assert!(first.wait().unwrap().success());
}
