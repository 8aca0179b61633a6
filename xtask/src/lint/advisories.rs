//! Known vulnerabilities, from a copy of the RustSec advisory database where there is one.

use std::fs;
use std::path::{Path, PathBuf};

use super::Findings;
use super::dependencies::Package;
use crate::run::Failure;

/// The copy: `$ADVISORY_DB`, or where `cargo audit` keeps its own.
pub fn database() -> Option<PathBuf> {
    let given = std::env::var_os("ADVISORY_DB").map(PathBuf::from);
    let usual = || {
        let home = std::env::home_dir()?;
        Some(home.join(".cargo/advisory-db"))
    };
    given
        .or_else(usual)
        .filter(|folder| folder.join("crates").is_dir())
}

/// Vulnerabilities in what we depend on. Notices (unmaintained, unsound) are told and do not fail.
pub fn check(database: &Path, packages: &[Package]) -> Result<Findings, Failure> {
    let mut wrong = Findings::new();
    for package in packages.iter().filter(|package| !package.ours) {
        let Package { name, version, .. } = package;
        let Ok(files) = fs::read_dir(database.join("crates").join(name)) else {
            continue; // No advisory about this package.
        };
        for file in files.flatten() {
            let path = file.path();
            let text = fs::read_to_string(&path).map_err(Failure::doing(path.display()))?;
            let advisory = Advisory::parse(&text)
                .ok_or_else(|| Failure::new(format!("{} cannot be read", path.display())))?;
            if advisory.withdrawn || !advisory.affects(version) {
                continue;
            }
            let id = &advisory.id;
            match &advisory.informational {
                Some(kind) => println!("  {name} {version}: {id} ({kind})"),
                None => wrong.push(format!("{name} {version} is vulnerable: {id}")),
            }
        }
    }
    Ok(wrong)
}

/// What we read of an advisory's head, which is TOML between two fences.
#[derive(Debug, Default, PartialEq, Eq)]
struct Advisory {
    id: String,
    withdrawn: bool,
    informational: Option<String>,
    patched: Vec<String>,
    unaffected: Vec<String>,
}

impl Advisory {
    fn parse(text: &str) -> Option<Self> {
        let (_, after) = text.split_once("```toml")?;
        let (head, _) = after.split_once("```")?;
        // The list of a key may go over several lines: up to its closing bracket.
        let value = |key: &str| {
            let start = head.match_indices(key).find(|(at, _)| {
                let begins_line = *at == 0 || head[..*at].ends_with('\n');
                begins_line && head[at + key.len()..].trim_start().starts_with('=')
            });
            let rest = head[start?.0 + key.len()..]
                .trim_start()
                .strip_prefix('=')?
                .trim_start();
            let end = if rest.starts_with('[') {
                rest.find(']')
            } else {
                rest.find('\n')
            };
            Some(&rest[..end.unwrap_or(rest.len())])
        };
        let strings = |key| quoted(value(key).unwrap_or_default());
        Some(Self {
            id: strings("id").pop()?,
            withdrawn: value("withdrawn").is_some(),
            informational: strings("informational").pop(),
            patched: strings("patched"),
            unaffected: strings("unaffected"),
        })
    }

    fn affects(&self, version: &str) -> bool {
        let mut fine = self.patched.iter().chain(&self.unaffected);
        !fine.any(|requirement| matches(requirement, version))
    }
}

/// What stands in double quotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('"')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

/// Whether a version meets all parts of a requirement such as `>= 1.2.3, < 2`. What cannot be read is not met,
/// so that a mistake here shows too many advisories and never too few.
fn matches(requirement: &str, version: &str) -> bool {
    let Some(version) = numbers(version) else {
        return false;
    };
    requirement.split(',').all(|part| {
        let part = part.trim();
        let operator =
            &part[..part.len() - part.trim_start_matches(['<', '>', '=', '^', '~']).len()];
        let Some(bound) = numbers(part[operator.len()..].trim()) else {
            return false;
        };
        let places = part.split('.').count();
        match operator {
            ">=" => version >= bound,
            ">" => version > bound,
            "<=" => version <= bound,
            "<" => version < bound,
            "=" => version == bound,
            "~" => version >= bound && version[..2.min(places)] == bound[..2.min(places)],
            "" | "^" => {
                let leading = bound.iter().take(places.min(3)).position(|n| *n > 0);
                let fixed = leading.unwrap_or(places.min(3) - 1) + 1;
                version >= bound && version[..fixed] == bound[..fixed]
            }
            _ => false,
        }
    })
}

/// Major, minor, patch. A pre-release counts as what it precedes, which again errs on the loud side only
/// for releases that nobody should ship.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let release = version.split(['-', '+']).next()?;
    let mut numbers = [0; 3];
    for (index, part) in release.split('.').enumerate() {
        *numbers.get_mut(index)? = part.trim().parse().ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2020-0001\"\npackage = \"x\"\n\
        keywords = [\"a\", \"b\"]\n\n[versions]\npatched = [\n  \">= 1.2.3, < 2\",\n  \">= 2.1\",\n]\n\
        unaffected = [\"< 0.5\"]\n```\n\n# A title\n";

    #[test]
    fn the_head_of_an_advisory_is_read() {
        let advisory = Advisory::parse(TEXT).expect("has a head");
        assert_eq!(advisory.id, "RUSTSEC-2020-0001");
        assert_eq!(advisory.patched, [">= 1.2.3, < 2", ">= 2.1"]);
        assert_eq!(advisory.unaffected, ["< 0.5"]);
        assert_eq!((advisory.withdrawn, advisory.informational), (false, None));
        assert!(Advisory::parse("# no head").is_none());
    }

    #[test]
    fn what_is_neither_patched_nor_unaffected_is_affected() {
        let advisory = Advisory::parse(TEXT).expect("has a head");
        for version in ["0.5.0", "1.2.2", "2.0.9"] {
            assert!(advisory.affects(version), "{version}");
        }
        for version in ["0.4.9", "1.2.3", "1.9.0", "2.1.0"] {
            assert!(!advisory.affects(version), "{version}");
        }
    }

    #[test]
    fn requirements_follow_cargos_rules() {
        for (requirement, version, met) in [
            ("^1.2", "1.9.0", true),
            ("^1.2", "2.0.0", false),
            ("^0.3.1", "0.3.9", true),
            ("^0.3.1", "0.4.0", false),
            ("^0.0.3", "0.0.4", false),
            ("~1.2", "1.2.9", true),
            ("~1.2", "1.3.0", false),
            ("=1.0.0", "1.0.0", true),
            ("> 1.0", "1.0.0", false),
            ("1", "1.7.0", true),
            ("nonsense", "1.0.0", false),
        ] {
            assert_eq!(
                matches(requirement, version),
                met,
                "{requirement} {version}"
            );
        }
    }
}
