//! Logs that are published over HTTP, audited from there: by a server that does what a test tells it, and by the real one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod terminal;

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use terminal::{Terminal, message, printed};

/// Exit status when a log could not be read to its end.
const UNREAD: i32 = 3;

/// What a server does when it is asked for a path, the first time, the second time, and so on.
type Mood = dyn Fn(&str, usize) -> Answer + Send + Sync;

enum Answer {
    File,
    Status(u16),
    HangUp,
    MoveTo(String),
    Bytes(usize),
}

/// A server of the files below a directory.
struct Server {
    address: String,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Server {
    fn of(dir: &Path) -> Self {
        Self::moody(dir, |_, _| Answer::File)
    }

    fn moody(dir: &Path, mood: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let (dir, counts, mood) = (dir.to_owned(), Arc::clone(&asked), Arc::new(mood));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (dir, counts, mood) = (dir.clone(), Arc::clone(&counts), Arc::clone(&mood));
                std::thread::spawn(move || answer(&stream.unwrap(), &dir, &counts, &*mood));
            }
        });
        Self { address, asked }
    }

    fn times(&self, path: &str) -> usize {
        self.asked.lock().unwrap().get(path).copied().unwrap_or(0)
    }
}

fn answer(stream: &TcpStream, dir: &Path, asked: &Mutex<HashMap<String, usize>>, mood: &Mood) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(request)) = lines.next() {
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let path = request.split_whitespace().nth(1).unwrap()[1..].to_owned();
        let time = {
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(path.clone()).or_default();
            *times += 1;
            *times
        };
        let (head, body) = match mood(&path, time) {
            Answer::HangUp => return,
            Answer::Status(status) => (format!("{status} As it is"), vec![]),
            Answer::MoveTo(to) => (format!("302 Found\r\nLocation: {to}"), vec![]),
            Answer::Bytes(length) => ("200 OK".into(), vec![b'x'; length]),
            Answer::File => match std::fs::read(dir.join(&path)) {
                Ok(bytes) => ("200 OK".into(), bytes),
                Err(_) => ("404 Not Found".into(), vec![]),
            },
        };
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = stream;
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body))
            .is_err()
        {
            return;
        }
    }
}

/// Two published logs with a list of them.
struct Site {
    terminal: Terminal,
    keys: HashMap<&'static str, String>,
}

impl Site {
    /// `MISSION` has so many messages, `RU` none.
    fn with(messages: usize) -> Self {
        let terminal = Terminal::new();
        let mut keys = HashMap::new();
        for name in ["MISSION", "RU"] {
            let low = name.to_lowercase();
            let made = terminal.does(&format!(
                "log init --callsign {name} --origin truce.example/{low} --data {low}"
            ));
            keys.insert(name, printed(&made, "verifier key"));
        }
        let site = Self { terminal, keys };
        site.say(messages);
        site.publish();
        site.list(&[
            ("MISSION", "logs/truce.example+mission/"),
            ("RU", "logs/truce.example+ru/"),
        ]);
        site
    }

    fn say(&self, messages: usize) {
        let lines: String = (0..messages)
            .map(|n| message(&format!("message {n}")))
            .collect();
        self.terminal.does_with("log say --data mission -", &lines);
    }

    fn publish(&self) {
        let seal = self.terminal.path().join("seal.key");
        let _ = std::fs::remove_file(&seal);
        let to = self.terminal.does("key new --seal seal.key");
        for low in ["mission", "ru"] {
            self.terminal.does(&format!(
                "carry out --data {low} --reader public --to {} site",
                to.trim()
            ));
        }
    }

    fn list(&self, logs: &[(&str, &str)]) {
        let rows = logs.iter().map(|(name, path)| {
            let origin = format!("truce.example/{}", name.to_lowercase());
            json!({"call_sign": name, "origin": origin, "verifier": self.keys.get(name), "path": path, "size": 7})
        });
        let list = json!({"logs": rows.collect::<Vec<_>>()});
        std::fs::create_dir_all(self.dir().join("log")).unwrap();
        std::fs::write(self.dir().join("log/index.json"), list.to_string()).unwrap();
    }

    fn dir(&self) -> PathBuf {
        self.terminal.path().join("site")
    }

    fn mission(&self) -> PathBuf {
        self.dir().join("logs/truce.example+mission")
    }

    /// Audits `address`: the exit status, what was printed, what was complained of.
    fn audit(&self, address: &str, more: &str) -> (i32, String, String) {
        self.terminal.run(&format!("audit {address} {more}"), "")
    }
}

#[test]
fn every_log_of_a_list_is_audited_with_its_own_pin() {
    let site = Site::with(600);
    let server = Server::of(&site.dir());
    let (status, out, error) = site.audit(&server.address, "");
    assert_eq!(status, 0, "{error}");
    assert_eq!(out.matches("EVERYTHING HOLDS").count(), 2, "{out}");
    let mission = format!("MISSION  {}logs/truce.example+mission/", server.address);
    assert!(out.contains(&mission), "{out}");
    assert!(
        out.ends_with(
            "2 of 2 logs hold\n  MISSION  holds, 610 entries\n  RU       holds, 10 entries\n"
        ),
        "{out}"
    );
    // Each file was asked for once, tiles of hashes too, which are looked at twice.
    for path in [
        "tile/entries/000",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/98",
        "checkpoint",
    ] {
        let path = format!("logs/truce.example+mission/{path}");
        assert_eq!(server.times(&path), 1, "{path}");
    }

    let pins = format!("--pin {} --pin {}", site.keys["MISSION"], site.keys["RU"]);
    let (status, out, _) = site.audit(&server.address, &pins);
    assert_eq!(status, 0);
    assert!(
        out.ends_with(
            "MISSION  holds, 610 entries, pinned\n  RU       holds, 10 entries, pinned\n"
        ),
        "{out}"
    );
    let (status, out, _) = site.audit(&server.address, &format!("--json {pins}"));
    let all: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (status, &all["sound"], &all["logs"][0]["size"]),
        (0, &json!(true), &json!(610))
    );
    assert_eq!(all["logs"][1]["pinned"], json!(true));
}

#[test]
fn one_log_is_audited_at_its_own_address() {
    let site = Site::with(3);
    let server = Server::of(&site.dir());
    let address = format!("{}logs/truce.example+ru", server.address);
    let (status, out, error) = site.audit(&address, &format!("--pin {}", site.keys["RU"]));
    assert_eq!(status, 0, "{error}");
    assert!(
        out.contains("Whose log      RU (truce.example/ru)"),
        "{out}"
    );
    assert!(out.contains("whose key you gave was checked too"), "{out}");
    let (status, out, _) = site.audit(&address, &format!("--pin {}", site.keys["MISSION"]));
    assert_eq!(status, 1);
    assert!(
        out.contains("this is not the log of the key that you gave"),
        "{out}"
    );
}

#[test]
fn a_log_that_was_altered_is_named_and_the_others_hold() {
    let site = Site::with(5);
    let bundle = site.mission().join("tile/entries/000.p/15");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let server = Server::of(&site.dir());
    let (status, out, error) = site.audit(&server.address, "");
    assert_eq!(status, 1);
    assert!(out.ends_with("1 of 2 logs hold\n  MISSION  NOT SOUND, the first bad entry is 14\n  RU       holds, 10 entries\n"), "{out}");
    assert_eq!(error, "truceline: not all logs hold: MISSION\n");
}

#[test]
fn what_is_pinned_and_not_listed_is_missed() {
    let site = Site::with(1);
    site.list(&[("MISSION", "logs/truce.example+mission/")]);
    let server = Server::of(&site.dir());
    let pins = format!("--pin {} --pin {}", site.keys["MISSION"], site.keys["RU"]);
    let (status, out, error) = site.audit(&server.address, &pins);
    assert_eq!(
        (status, error.as_str()),
        (1, "truceline: pinned and not there: truce.example/ru\n")
    );
    assert!(
        out.contains("truce.example/ru is pinned and is not among them"),
        "{out}"
    );
}

#[test]
fn a_list_that_contradicts_its_logs_is_not_believed() {
    let site = Site::with(1);
    site.list(&[("MISSION", "logs/truce.example+ru/")]);
    let server = Server::of(&site.dir());
    let (status, out, _) = site.audit(&server.address, "");
    assert_eq!(status, 1);
    assert!(
        out.contains(
            "the list names the origin truce.example/mission, the log is of truce.example/ru"
        ),
        "{out}"
    );
    for path in ["../secret/", "http://elsewhere.example/", "/log/RU/"] {
        site.list(&[("RU", path)]);
        let (status, _, error) = site.audit(&server.address, "");
        assert_eq!(status, UNREAD);
        assert!(error.contains("is no path below this address"), "{error}");
    }
}

#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_fails_accuses_nobody() {
    let site = Site::with(3);
    let stumbling = Server::moody(&site.dir(), |_, time| match time {
        1 => Answer::HangUp,
        _ => Answer::File,
    });
    let (status, _, error) = site.audit(&stumbling.address, "");
    assert_eq!(status, 0, "{error}");

    let failing = Server::moody(&site.dir(), |path, _| {
        if path.contains("ru/tile/entries") {
            Answer::Status(503)
        } else {
            Answer::File
        }
    });
    let (status, out, error) = site.audit(&failing.address, "");
    assert_eq!(status, UNREAD, "{error}");
    assert!(
        out.contains("MISSION  holds") && !out.contains("NOT SOUND"),
        "{out}"
    );
    let unread = format!(
        "RU       could not be read: {}logs/truce.example+ru/tile/entries/000.p/10: the server answers 503",
        failing.address
    );
    assert!(out.contains(&unread), "{out}");
    assert_eq!(
        failing.times("logs/truce.example+ru/tile/entries/000.p/10"),
        3
    );

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (status, _, error) = site.audit(&format!("http://{nobody}/"), "");
    assert_eq!(status, UNREAD);
    assert!(
        error.contains("refused") && error.contains("nothing is said about any log"),
        "{error}"
    );
}

#[test]
fn a_server_cannot_make_the_audit_read_without_end() {
    let site = Site::with(3);
    let lavish = Server::moody(&site.dir(), |path, _| {
        if path.contains("mission/tile/0") {
            Answer::Bytes(8193)
        } else {
            Answer::File
        }
    });
    let (status, out, _) = site.audit(&lavish.address, "");
    assert_eq!(status, UNREAD);
    assert!(
        out.contains("more than the 8192 bytes that such a file can have"),
        "{out}"
    );
    let circling = Server::moody(&site.dir(), |path, _| Answer::MoveTo(format!("/{path}")));
    let (status, _, error) = site.audit(&circling.address, "");
    assert_eq!(status, UNREAD);
    assert!(error.contains("redirects"), "{error}");
    assert!(circling.times("log/index.json") <= 4 * 3);
}

#[test]
fn the_full_tile_serves_for_a_partial_one_that_is_gone() {
    let site = Site::with(200);
    let older = std::fs::read(site.mission().join("checkpoint")).unwrap();
    site.say(100);
    site.publish();
    // The head is still the older one, and of its partial tiles the full ones alone are left.
    std::fs::write(site.mission().join("checkpoint"), older).unwrap();
    for gone in ["tile/entries/000.p", "tile/0/000.p"] {
        std::fs::remove_dir_all(site.mission().join(gone)).unwrap();
    }
    let server = Server::of(&site.dir());
    let (status, out, error) = site.audit(&server.address, "");
    assert_eq!(status, 0, "{error}");
    assert!(out.contains("MISSION  holds, 210 entries"), "{out}");
    assert_eq!(
        server.times("logs/truce.example+mission/tile/entries/000"),
        1
    );
}

#[test]
fn an_address_where_nothing_is_published_is_told_so() {
    let site = Site::with(1);
    let server = Server::of(&site.dir());
    let (status, _, error) = site.audit(&format!("{}elsewhere/", server.address), "");
    assert_eq!(status, UNREAD);
    assert!(
        error.contains("neither a log (checkpoint) nor a list of logs"),
        "{error}"
    );
    let secure = server.address.replace("http://", "https://");
    let (status, _, error) = site.audit(&secure, "");
    assert_eq!(status, UNREAD, "a server that does no TLS: {error}");
    let (status, _, error) = site.audit("http://", "");
    assert_eq!(status, UNREAD);
    assert!(error.contains("is no address"), "{error}");
}

/// A node that serves, ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_node_that_runs_is_audited_from_outside() {
    let site = Site::with(300);
    let mut serve = Command::new(env!("CARGO_BIN_EXE_truceline"));
    serve.args(["serve", "--data", "mission", "--port", "0"]);
    serve
        .current_dir(site.terminal.path())
        .stdout(Stdio::piped());
    let mut serving = Serving(serve.spawn().unwrap());
    let mut told = BufReader::new(serving.0.stdout.take().unwrap());
    let mut greeting = String::new();
    told.read_line(&mut greeting).unwrap();
    let address = greeting.split_whitespace().nth(2).unwrap();
    let (status, out, error) = site.audit(address, &format!("--pin {}", site.keys["MISSION"]));
    assert_eq!(status, 0, "{out}{error}");
    assert!(
        out.contains("1 of 1 logs hold\n  MISSION  holds, ") && out.contains(", pinned"),
        "{out}"
    );
    let (status, out, error) = site.audit(&format!("{address}log/MISSION/"), "");
    assert_eq!(status, 0, "{out}{error}");
}
