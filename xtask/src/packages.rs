//! What the tests need from the system: installed where that is allowed, otherwise named.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{Failure, Outcome, on_path, run};

/// Debian's Go sources, where `golang.org/x/mod` is found without a network.
pub const GO_SOURCES: &str = "/usr/share/gocode";

/// Something the tests call that is not built here.
struct Need {
    package: &'static str,
    why: &'static str,
    present: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        package: "gcc",
        why: "builds the bundled SQLite",
        present: || on_path("cc"),
    },
    Need {
        package: "golang-go",
        why: "runs the outside verifier of the log",
        present: || on_path("go"),
    },
    Need {
        package: "golang-golang-x-mod-dev",
        why: "holds Go's own sumdb/note and sumdb/tlog",
        present: || {
            Path::new(GO_SOURCES)
                .join("src/golang.org/x/mod/sumdb/tlog/tlog.go")
                .is_file()
        },
    },
    Need {
        package: "postgresql",
        why: "is the peer that stores are measured and tested beside",
        present: postgresql_is_here,
    },
    Need {
        package: "python3",
        why: "runs the outside verifier of statements",
        present: || on_path("python3"),
    },
    Need {
        package: "python3-pip",
        why: "installs that verifier",
        present: || answers("python3", &["-m", "pip", "--version"]),
    },
    Need {
        package: "strace",
        why: "injects faults into a running process",
        present: || on_path("strace"),
    },
];

/// Makes sure that everything is there, installing with apt-get as root.
///
/// # Errors
/// Names the packages that are missing and how to install them when it may not, or could not.
pub fn ensure() -> Outcome {
    let missing = missing();
    if missing.is_empty() {
        println!("everything is there");
        return Ok(());
    }
    for need in &missing {
        println!("{} is missing: it {}", need.package, need.why);
    }
    let names: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !may_install() {
        return Err(Failure::new(format!(
            "install these first, as root: apt-get install {}",
            names.join(" ")
        )));
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        apt
    };
    run(apt().args(["update", "-qq"]))?;
    run(apt()
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&names))?;
    match self::missing().first() {
        None => Ok(()),
        Some(need) => Err(Failure::new(format!(
            "apt-get installed {}, yet what {} is not found",
            need.package, need.why
        ))),
    }
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.present)()).collect()
}

fn may_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    let root = id.is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    root && on_path("apt-get")
}

/// Debian keeps `initdb` off the path, one folder per major version.
fn postgresql_is_here() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    on_path("initdb")
        || versions
            .map(|version| version.path().join("bin/initdb"))
            .any(|p| p.is_file())
}

fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
