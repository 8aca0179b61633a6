//! A terminal for tests: commands are typed, and what they print is read.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test support, of which each test uses a part"
)]

use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A terminal in a directory of its own.
pub struct Terminal {
    root: tempfile::TempDir,
}

impl Terminal {
    pub fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Runs a command line; returns its exit status, what it printed and what it complained of.
    pub fn run(&self, line: &str, input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_truceline"))
            .args(line.split_whitespace())
            .current_dir(self.path())
            .env("NO_PROXY", "127.0.0.1,localhost")
            // Of `board`; every other command leaves it alone.
            .env("TRUCELINE_TOKEN", "tl_nobody")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments reads no input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    pub fn does(&self, line: &str) -> String {
        self.does_with(line, "")
    }

    pub fn does_with(&self, line: &str, input: &str) -> String {
        let (status, out, error) = self.run(line, input);
        assert_eq!(status, 0, "{line}: {error}");
        out
    }

    pub fn refuses(&self, line: &str, input: &str) -> String {
        let (status, out, error) = self.run(line, input);
        assert_eq!(status, 1, "{line}: {out}{error}");
        error
    }
}

/// The word after `label` in what `log init` printed.
pub fn printed(text: &str, label: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(label))
        .unwrap();
    line.trim_start()[label.len()..]
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

/// A draft, as `log say` reads them.
pub fn line(kind: &str, aud: &[&str], content: &Value) -> String {
    let draft = json!({"kind": kind, "groups": {"body": {"aud": aud, "content": content}}});
    format!("{draft}\n")
}

/// A message to RU.
pub fn message(words: &str) -> String {
    let content = json!({"precedence": "ROUTINE", "to": ["RU"], "words": words, "language": "en"});
    line("message.send/1", &["RU"], &content)
}
