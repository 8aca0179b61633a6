//! What may be depended on: licences, bans, sources.

use serde_json::Value;

use super::{Findings, spdx};
use crate::run::{Failure, Workspace, output};

/// Licences under which Truceline can be passed on as a whole. MPL-2.0 asks for nothing beyond its own files.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// A package that is not to be used.
struct Ban {
    name: &'static str,
    /// Nowhere in the tree, or only not by our own crates.
    anywhere: bool,
    why: &'static str,
}

const fn nowhere(name: &'static str, why: &'static str) -> Ban {
    Ban {
        name,
        anywhere: true,
        why,
    }
}

const fn not_ours(name: &'static str, why: &'static str) -> Ban {
    Ban {
        name,
        anywhere: false,
        why,
    }
}

const OPENSSL: &str = "TLS is rustls: a server must not depend on what the system happens to have";
const AWS_LC: &str = "there is one provider of cryptography for TLS, ring; this one needs cmake";
const TIME: &str = "time is jiff: one library, one set of rules for zones and leap seconds";

const BANS: &[Ban] = &[
    nowhere("openssl", OPENSSL),
    nowhere("openssl-sys", OPENSSL),
    nowhere("native-tls", OPENSSL),
    nowhere("aws-lc-rs", AWS_LC),
    nowhere("aws-lc-sys", AWS_LC),
    nowhere("async-std", "no longer maintained; the runtime is tokio"),
    nowhere("serde_yaml", "no longer maintained; configuration is TOML"),
    not_ours("chrono", TIME),
    not_ours("time", TIME),
    not_ours("lazy_static", "the standard library has LazyLock"),
    not_ours(
        "once_cell",
        "the standard library has OnceLock and LazyLock",
    ),
    not_ours("anyhow", "errors are types that name what is wrong"),
];

/// The one registry, as Cargo.lock names it.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One package of the dependency tree.
#[derive(Debug, Default)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Part of this workspace.
    pub ours: bool,
    licence: Option<String>,
    source: Option<String>,
    /// The packages that it names itself.
    names: Vec<String>,
    features: Vec<String>,
}

/// All packages of the lock file with all features on.
pub fn packages(workspace: &Workspace) -> Result<Vec<Package>, Failure> {
    let args = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--all-features",
    ];
    let text = output(&mut workspace.cargo(&args))?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(Failure::doing("reading cargo metadata"))?;
    let members = strings(&metadata["workspace_members"]);
    let nodes = &metadata["resolve"]["nodes"];
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages
        .map(|package| {
            let id = text_of(&package["id"]).unwrap_or_default();
            let node = nodes
                .as_array()
                .into_iter()
                .flatten()
                .find(|node| node["id"] == *id);
            let named = package["dependencies"].as_array().into_iter().flatten();
            Package {
                name: text_of(&package["name"]).unwrap_or_default(),
                version: text_of(&package["version"]).unwrap_or_default(),
                ours: members.contains(&id),
                licence: text_of(&package["license"]),
                source: text_of(&package["source"]),
                names: named.filter_map(|other| text_of(&other["name"])).collect(),
                features: node
                    .map(|node| strings(&node["features"]))
                    .unwrap_or_default(),
            }
        })
        .collect())
}

pub fn licences(packages: &[Package]) -> Findings {
    let wrong = packages.iter().filter_map(|package| {
        let Package { name, version, .. } = package;
        let Some(licence) = &package.licence else {
            return Some(format!("{name} {version} does not state its licence"));
        };
        match spdx::is_allowed(licence, LICENCES) {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "{name} {version} is under {licence}, which is not allowed"
            )),
            Err(what) => Some(format!(
                "{name} {version}: its licence cannot be read: {what}"
            )),
        }
    });
    wrong.collect()
}

pub fn bans(packages: &[Package]) -> Findings {
    let mut wrong = Findings::new();
    for package in packages {
        let Package { name, version, .. } = package;
        for ban in BANS {
            let why = ban.why;
            if ban.anywhere && ban.name == name {
                wrong.push(format!(
                    "{name} {version} is banned: {why}; `cargo tree -i {name}` tells who uses it"
                ));
            }
            if package.ours && package.names.iter().any(|other| other == ban.name) {
                wrong.push(format!(
                    "{name} depends on {}, which is banned: {why}",
                    ban.name
                ));
            }
        }
        if name == "libsqlite3-sys" && !package.features.iter().any(|feature| feature == "bundled")
        {
            wrong.push(
                "SQLite is not bundled: the system's may lack the fix of the WAL reset".into(),
            );
        }
    }
    wrong
}

pub fn sources(packages: &[Package]) -> Findings {
    let wrong = packages.iter().filter_map(|package| {
        let Package { name, version, .. } = package;
        match package.source.as_deref() {
            Some(REGISTRY) => None,
            None if package.ours => None,
            None => Some(format!("{name} {version} lies outside the workspace")),
            Some(source) => Some(format!("{name} {version} comes from {source}")),
        }
    });
    wrong.collect()
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(String::from)
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(text_of)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> Package {
        Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence: Some("MIT".into()),
            source: Some(REGISTRY.into()),
            ..Package::default()
        }
    }

    #[test]
    fn a_banned_package_is_found_wherever_it_is() {
        assert_eq!(bans(&[package("openssl-sys")]).len(), 1);
        assert!(bans(&[package("serde")]).is_empty());
    }

    #[test]
    fn chrono_may_be_anothers_dependency_and_not_ours() {
        assert!(bans(&[package("chrono")]).is_empty());
        let names = vec!["chrono".into()];
        assert_eq!(
            bans(&[Package {
                ours: true,
                names,
                ..package("truce")
            }])
            .len(),
            1
        );
    }

    #[test]
    fn sqlite_is_bundled() {
        assert_eq!(bans(&[package("libsqlite3-sys")]).len(), 1);
        let features = vec!["bundled".into()];
        assert!(
            bans(&[Package {
                features,
                ..package("libsqlite3-sys")
            }])
            .is_empty()
        );
    }

    #[test]
    fn only_the_registry_and_the_workspace_are_sources() {
        let git = Some("git+https://example.org/x".to_string());
        let own = |ours| Package {
            ours,
            source: None,
            ..package("own")
        };
        assert!(sources(&[package("a"), own(true)]).is_empty());
        assert_eq!(
            sources(&[
                Package {
                    source: git,
                    ..package("b")
                },
                own(false)
            ])
            .len(),
            2
        );
    }

    #[test]
    fn a_package_without_a_licence_is_refused() {
        assert_eq!(
            licences(&[Package {
                licence: None,
                ..package("a")
            }])
            .len(),
            1
        );
    }
}
