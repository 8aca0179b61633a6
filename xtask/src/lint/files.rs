//! What no tracked file may contain: places that exist on one machine only, and work left unfinished.

use std::path::Path;

use super::Findings;
use crate::run::{Failure, Workspace};

/// Something that must not stand in a file. Written in two halves, so that this file does not contain it.
struct Unwanted {
    text: &'static str,
    /// Only where a path begins: not in the middle of a longer one.
    at_start_of_path: bool,
    why: &'static str,
}

const fn path(text: &'static str) -> Unwanted {
    Unwanted {
        text,
        at_start_of_path: true,
        why: "a path of one machine",
    }
}

const fn host(text: &'static str) -> Unwanted {
    Unwanted {
        text,
        at_start_of_path: false,
        why: "the address of a package registry",
    }
}

const fn unfinished(text: &'static str) -> Unwanted {
    Unwanted {
        text,
        at_start_of_path: false,
        why: "unfinished work",
    }
}

const UNWANTED: &[Unwanted] = &[
    path(concat!("/ro", "ot/")),
    path(concat!("/wo", "rk/")),
    path(concat!("/ho", "me/")),
    host(concat!("registry.npm", "js.org")),
    host(concat!("pypi", ".org/simple")),
    host(concat!("files.python", "hosted.org")),
    host(concat!("deb.deb", "ian.org")),
    host(concat!("static.cra", "tes.io")),
    host(concat!("index.cra", "tes.io")),
    host(concat!("proxy.go", "lang.org")),
    unfinished(concat!("to", "do!(")),
    unfinished(concat!("unimple", "mented!(")),
    unfinished(concat!("FIX", "ME")),
    unfinished(concat!("#[ign", "ore")),
];

pub fn check(workspace: &Workspace) -> Result<Findings, Failure> {
    let mut wrong = Findings::new();
    for file in workspace.files(false)? {
        let bytes = std::fs::read(workspace.path(&file)).map_err(Failure::doing(file.display()))?;
        // A file that is no text is data: a picture, a corpus.
        if let Ok(text) = String::from_utf8(bytes) {
            wrong.extend(check_text(&file, &text));
        }
    }
    Ok(wrong)
}

fn check_text(file: &Path, text: &str) -> Findings {
    let mut wrong = Findings::new();
    for (index, line) in text.lines().enumerate() {
        let found = UNWANTED.iter().filter(|unwanted| contains(line, unwanted));
        wrong.extend(found.map(|unwanted| {
            let Unwanted { text, why, .. } = unwanted;
            format!("{}:{}: {why}: {text}", file.display(), index + 1)
        }));
    }
    wrong
}

fn contains(line: &str, unwanted: &Unwanted) -> bool {
    line.match_indices(unwanted.text).any(|(at, _)| {
        let inside_path =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | '~');
        !(unwanted.at_start_of_path && line[..at].ends_with(inside_path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check_text(Path::new("a.rs"), text).len()
    }

    #[test]
    fn a_machines_path_is_found_where_it_begins() {
        assert_eq!(found(concat!("see \"/wo", "rk/main/x\"")), 1);
        assert_eq!(
            found(concat!("$TARGET/wo", "rk/x and https://a.org/ho", "me/")),
            0
        );
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let findings = check_text(Path::new("a.rs"), concat!("a\nto", "do!(\"b\")\n"));
        assert!(
            findings[0].starts_with("a.rs:2: unfinished work"),
            "{findings:?}"
        );
        assert_eq!(found("a list of what is to do"), 0);
    }
}
