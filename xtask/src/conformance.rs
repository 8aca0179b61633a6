//! Programs not written here judge what we publish: see conformance/README.md.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::packages::GO_SOURCES;
use crate::run::{Failure, Outcome, Workspace, no_more_arguments, output, run};

/// How many older heads the sample at least has, so that consistency is really checked.
const OLDER_HEADS_MIN: &str = "2";

/// Writes a sample with our own code, then has it verified by others', whole and damaged.
pub fn main(workspace: &Workspace, args: &[String]) -> Outcome {
    no_more_arguments(args)?;
    let sample = workspace.target().join("conformance");
    if sample.exists() {
        fs::remove_dir_all(&sample).map_err(Failure::doing("clearing the last sample"))?;
    }
    let publish = [
        "run",
        "--quiet",
        "--locked",
        "-p",
        "record",
        "--example",
        "publish_sample",
        "--",
    ];
    run(workspace.cargo(&publish).arg(&sample))?;
    log(workspace, &sample)?;
    statements(workspace, &sample)?;
    contract(workspace, &sample)
}

/// Go's own transparency log code reads our tiles.
fn log(workspace: &Workspace, sample: &Path) -> Outcome {
    let verify = sample.join("verify");
    let mut build = workspace.command("go");
    build
        .args([OsStr::new("build"), OsStr::new("-o"), verify.as_os_str()])
        .arg("conformance/go/verify.go")
        // Debian's sources instead of modules: nothing is fetched.
        .envs([
            ("GO111MODULE", "off"),
            ("GOPATH", GO_SOURCES),
            ("GOFLAGS", ""),
        ])
        .envs([
            ("GOTOOLCHAIN", "local"),
            ("GOPROXY", "off"),
            ("CGO_ENABLED", "0"),
        ])
        .env("GOCACHE", workspace.target().join("go-cache"));
    run(&mut build)?;

    let good = sample.join("log");
    let older = ["--min-older", OLDER_HEADS_MIN];
    run(workspace.command(&verify).args(older).arg(&good))?;
    let mut bad = published_to_be_refused(sample)?;
    for damage in DAMAGES {
        bad.push(damaged(&good, sample, damage)?);
    }
    for folder in bad {
        run(workspace.command(&verify).arg("--expect-fail").arg(folder))?;
    }
    Ok(())
}

/// Logs that our sample writes for the purpose of being refused, such as a fork: `refuse-…`.
fn published_to_be_refused(sample: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(sample).map_err(Failure::doing("reading the sample"))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && name.starts_with("refuse-")
    });
    folders.sort();
    Ok(folders)
}

/// One byte changed in the first file below `under`.
struct Damage {
    name: &'static str,
    under: &'static str,
    at: fn(&[u8]) -> usize,
}

const DAMAGES: &[Damage] = &[
    Damage {
        name: "a hash in a tile",
        under: "tile/0",
        at: |_| 0,
    },
    Damage {
        name: "a byte of an entry",
        under: "tile/entries",
        at: |_| 2, // Behind the length, which takes two bytes.
    },
    Damage {
        name: "the root hash in the checkpoint",
        under: "checkpoint",
        at: |text| {
            let mut lines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            lines.nth(1).map_or(0, |(end, _)| end + 1)
        },
    },
    Damage {
        name: "the signature of the checkpoint",
        under: "checkpoint",
        at: |text| text.len().saturating_sub(12), // Inside the last line, which is base64.
    },
];

fn damaged(good: &Path, sample: &Path, damage: &Damage) -> Result<PathBuf, Failure> {
    let doing = || format!("damaging {}", damage.name);
    let folder = sample.join("damaged").join(damage.name.replace(' ', "-"));
    copy_folder(good, &folder).map_err(Failure::doing(doing()))?;
    let file = first_file(&folder.join(damage.under)).ok_or_else(|| {
        Failure::new(format!("{}: there is no file in {}", doing(), damage.under))
    })?;
    let mut bytes = fs::read(&file).map_err(Failure::doing(doing()))?;
    let at = (damage.at)(&bytes);
    let byte = bytes
        .get_mut(at)
        .ok_or_else(|| Failure::new(format!("{}: the file is too short", doing())))?;
    // Stays base64 where it was: A becomes B, every other character A.
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    fs::write(&file, bytes).map_err(Failure::doing(doing()))?;
    Ok(folder)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// The path itself when it is a file, otherwise the first file below it in the order of names.
fn first_file(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_path_buf());
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(path)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .collect();
    inside.sort();
    inside.iter().find_map(|path| first_file(path))
}

/// A library for RFC 9901 reads our statements.
fn statements(workspace: &Workspace, sample: &Path) -> Outcome {
    let library = python_library(workspace)?;
    let mut verify = workspace.command("python3");
    verify
        .arg("conformance/python/verify.py")
        .arg(sample.join("sd_jwt.json"))
        .env("PYTHONPATH", library)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut verify)
}

/// A program that reads the node's OpenAPI document calls whatever it names.
fn contract(workspace: &Workspace, sample: &Path) -> Outcome {
    run(&mut workspace.cargo(&["build", "--quiet", "--locked", "-p", "truceline"]))?;
    let library = python_library(workspace)?;
    let mut contract = workspace.command("python3");
    contract
        .arg("conformance/python/contract.py")
        .arg(workspace.target().join("debug/truceline"))
        .arg(sample.join("demo"))
        .env("PYTHONPATH", library)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut contract)
}

/// Installs what requirements.txt names into the target directory, once per interpreter and list.
fn python_library(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = workspace.target().join("pydeps");
    let list = "conformance/python/requirements.txt";
    let wanted = fs::read_to_string(workspace.path(list)).map_err(Failure::doing(list))?
        + &output(workspace.command("python3").arg("--version"))?;
    let stamp = folder.join("installed-from.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::doing("clearing the last installation"))?;
    }
    let mut pip = workspace.command("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ])
    .args([
        "--root-user-action=ignore",
        "--requirement",
        list,
        "--target",
    ])
    .arg(&folder);
    run(&mut pip)?;
    fs::write(&stamp, wanted).map_err(Failure::doing("noting what was installed"))?;
    Ok(folder)
}
