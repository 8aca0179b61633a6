//! PostgreSQL as a peer: a temporary cluster on the same disk, its socket in its own directory, gone when it is dropped.

use crate::Outcome;
use crate::disk::Scratch;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);
const CONNECTIONS_MAX: usize = 520;

/// Where the leaves go.
const LEAVES: &str =
    "CREATE TABLE IF NOT EXISTS entry (idx bigserial PRIMARY KEY, leaf text NOT NULL)";
/// One row of 1,024 characters, made by the server so that the client has less to do; one commit.
const INSERT: &str = "INSERT INTO entry (leaf) VALUES (repeat(md5(random()::text), 32));\n";

/// What went wrong when there is no PostgreSQL here.
pub const MISSING: &str = "PostgreSQL is not installed, so there is nothing to compare with: `apt-get install postgresql`";

/// Rows that PostgreSQL made durable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inserts {
    /// Rows in a second, each committed by itself.
    pub per_second: f64,
    /// Mean time until a commit was answered, in milliseconds.
    pub latency_ms: f64,
}

/// A running cluster.
pub struct Cluster {
    programs: PathBuf,
    user: Option<(u32, u32)>,
    server: Child,
    version: String,
    dir: Scratch,
}

impl Cluster {
    /// Makes and starts one on the disk that `folder` is on.
    ///
    /// # Errors
    /// [`MISSING`], or what one of its programs says.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let connections = format!("max_connections={CONNECTIONS_MAX}");
        let durable = [
            connections.as_str(),
            "fsync=on",
            "synchronous_commit=on",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
        ];
        Self::with(folder, &durable)
    }

    /// The same with settings of one's own, each `name=value`.
    ///
    /// # Errors
    /// As for [`Cluster::start`].
    pub fn with(folder: &Path, settings: &[&str]) -> Outcome<Self> {
        let programs = programs().ok_or(MISSING)?;
        let user = other_user()?;
        let dir = place(folder, user)?;
        let data = dir.path().join("data");
        let run = |program: &str| command(&programs, user, dir.path(), program);
        let mut initdb = run("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=bench", "-D"]);
        said(initdb.arg(&data))?;
        let version = said(run("postgres").arg("--version"))?;
        let mut server = run("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(dir.path());
        for setting in ["listen_addresses="].iter().chain(settings) {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(dir.path().join("server.log"))?;
        let server = server.stdout(Stdio::null()).stderr(log).spawn()?;
        let cluster = Self {
            programs,
            user,
            server,
            version: version.trim().to_owned(),
            dir,
        };
        cluster.until_ready()?;
        Ok(cluster)
    }

    /// What it calls itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn run(&self, program: &str) -> Command {
        let mut command = command(&self.programs, self.user, self.dir.path(), program);
        command.arg("-h").arg(self.dir.path());
        command.args(["-U", "bench"]);
        command
    }

    fn until_ready(&self) -> Outcome {
        let from = Instant::now();
        while from.elapsed() < START_MAX {
            let mut ready = self.run("pg_isready");
            if ready.stdout(Stdio::null()).status()?.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default();
        Err(format!("PostgreSQL did not start: {log}").into())
    }

    /// Where a client of this user finds it.
    #[must_use]
    pub fn address(&self) -> String {
        format!(
            "host={} user=bench dbname=postgres",
            self.dir.path().display()
        )
    }

    /// Runs a command and gives what it prints.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn sql(&self, statement: &str) -> Outcome<String> {
        said(self.run("psql").args(["-d", "postgres", "-qc", statement]))
    }

    /// Inserts leaves from `connections` at once for `seconds`.
    ///
    /// # Errors
    /// What `pgbench` says.
    pub fn insert(&self, connections: usize, seconds: u32) -> Outcome<Inserts> {
        self.sql(LEAVES)?;
        fs::write(self.dir.path().join("insert.sql"), INSERT)?;
        let mut pgbench = self.run("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "-j"]);
        pgbench.arg(connections.min(2).to_string());
        pgbench.args(["-c", &connections.to_string()]);
        pgbench.args(["-T", &seconds.to_string(), "-f"]);
        let report = said(
            pgbench
                .arg(self.dir.path().join("insert.sql"))
                .arg("postgres"),
        )?;
        parse(&report).ok_or_else(|| format!("pgbench gave no rate: {report}").into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = command(&self.programs, self.user, self.dir.path(), "pg_ctl");
        stop.args(["stop", "--silent", "-m", "immediate", "-t"]);
        stop.arg(STOP_MAX.as_secs().to_string());
        let stopped = stop.arg("-D").arg(self.dir.path().join("data")).status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// The newest installed version's programs: Debian keeps them apart from the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.flatten().filter_map(|version| {
        Some((
            version.file_name().to_str()?.parse::<u32>().ok()?,
            version.path().join("bin"),
        ))
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .max()
        .map(|(_, programs)| programs)
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|programs| programs.join("initdb").is_file() && programs.join("pgbench").is_file())
}

/// PostgreSQL refuses to run as root: then it runs as the user `postgres` that its package makes.
fn other_user() -> Outcome<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    let line = passwd
        .lines()
        .find_map(|line| line.strip_prefix("postgres:"));
    let ids = line.and_then(|line| {
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    match ids {
        Some(ids) => Ok(Some(ids)),
        None => Err("PostgreSQL does not run as root, and there is no user postgres: run this as somebody else".into()),
    }
}

fn command(programs: &Path, user: Option<(u32, u32)>, dir: &Path, program: &str) -> Command {
    let mut command = Command::new(programs.join(program));
    command.current_dir(dir).env("LC_ALL", "C");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// A directory on the disk of `folder` that the cluster's user owns and may enter.
fn place(folder: &Path, user: Option<(u32, u32)>) -> Outcome<Scratch> {
    let disk = fs::metadata(folder)?.dev();
    for parent in [folder, Path::new("/var/tmp"), Path::new("/tmp")] {
        if !fs::metadata(parent).is_ok_and(|found| found.dev() == disk) {
            continue;
        }
        // A socket's path has at most 107 bytes.
        let dir = Scratch::new(parent, &format!("truceline-pg-{}", std::process::id()))?;
        if let Some((user, group)) = user {
            chown(dir.path(), Some(user), Some(group))?;
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700))?;
        let mut enter = Command::new("true");
        enter.current_dir(dir.path());
        if let Some((user, group)) = user {
            enter.uid(user).gid(group);
        }
        if dir.path().as_os_str().len() < 80 && enter.status().is_ok_and(|status| status.success())
        {
            return Ok(dir);
        }
    }
    Err(format!(
        "the user postgres may enter no directory on the disk of {}",
        folder.display()
    )
    .into())
}

/// Runs a program to its end and gives what it printed.
fn said(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let (name, why) = (
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr),
    );
    Err(format!("{name}: {}: {why}", output.status).into())
}

fn parse(report: &str) -> Option<Inserts> {
    let number = |label: &str| {
        let line = report
            .lines()
            .find_map(|line| line.trim().strip_prefix(label))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Inserts {
        per_second: number("tps = ")?,
        latency_ms: number("latency average = ")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let report = "latency average = 4.011 ms\ninitial connection time = 3.1 ms\n\
                      tps = 15956.215 (without initial connection time)\n";
        let inserts = parse(report).expect("a rate");
        assert!((inserts.per_second - 15_956.215).abs() < 1e-9);
        assert!((inserts.latency_ms - 4.011).abs() < 1e-9);
        assert_eq!(parse("pgbench: error: connection refused"), None);
    }
}
