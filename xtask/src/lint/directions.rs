//! Which crate may know which: the invariants of ARCHITECTURE.md, read from the dependency tree.
//!
//! The tree is asked for each crate alone (`cargo tree -p`), since `cargo metadata` adds up the features that all
//! members ask for: a crate that uses `record` without its store would seem to reach the database.

use std::fmt;

use super::Findings;
use super::dependencies::Package;
use crate::run::{Failure, Workspace, output};

/// A crate, what it must not reach, and why.
struct Direction {
    from: &'static [&'static str],
    never: &'static [&'static str],
    why: &'static str,
}

const DIRECTIONS: &[Direction] = &[
    Direction {
        from: &["truce", "space", "picture", "formats"],
        never: &["rusqlite", "tokio", "node"],
        why: "it is pure: no database, no socket, no time of day",
    },
    Direction {
        from: &["record"],
        never: &["truce", "space", "picture", "formats", "node"],
        why: "it knows bytes and signatures, not what a statement means",
    },
];

pub fn check(workspace: &Workspace, packages: &[Package]) -> Result<Findings, Failure> {
    let mut wrong = Findings::new();
    for direction in DIRECTIONS {
        for from in direction.from {
            if !packages
                .iter()
                .any(|package| package.ours && package.name == *from)
            {
                continue; // That crate is still to come.
            }
            let tree = tree(workspace, from)?;
            let paths = direction.never.iter().filter_map(|to| path(&tree, to));
            wrong.extend(paths.map(|path| {
                let why = direction.why;
                format!(
                    "{from} must not reach {}: {why}. It does: {path}",
                    path.end()
                )
            }));
        }
    }
    Ok(wrong)
}

/// What one crate is built from, tests and their helpers left out: a depth and a name a line.
fn tree(workspace: &Workspace, package: &str) -> Result<String, Failure> {
    let mut tree = workspace.cargo(&["tree", "--locked", "--all-features", "--target", "all"]);
    tree.args([
        "--edges",
        "normal,build",
        "--prefix",
        "depth",
        "--format",
        " {p}",
        "-p",
        package,
    ]);
    output(&mut tree)
}

/// How one package leads to another.
struct Path(Vec<String>);

impl Path {
    fn end(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" → "))
    }
}

/// The first way from the root of the tree to a package of that name.
fn path(tree: &str, to: &str) -> Option<Path> {
    let mut way: Vec<String> = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let Some(depth) = words.next().and_then(|depth| depth.parse::<usize>().ok()) else {
            continue;
        };
        let name = words.next()?;
        way.truncate(depth);
        way.push(name.to_string());
        if depth > 0 && name == to {
            return Some(Path(way));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0 truce v0.1.0\n1 serde v1.0.0\n2 serde_core v1.0.0\n1 record v0.1.0\n\
                        2 rusqlite v0.41.0\n1 serde_json v1.0.0 (*)\n";

    #[test]
    fn the_path_is_named() {
        let path = path(TREE, "rusqlite").expect("is reached");
        assert_eq!(path.to_string(), "truce → record → rusqlite");
        assert_eq!(path.end(), "rusqlite");
    }

    #[test]
    fn what_is_not_there_and_the_root_itself_are_not_reached() {
        assert!(path(TREE, "tokio").is_none());
        assert!(path(TREE, "truce").is_none());
    }
}
