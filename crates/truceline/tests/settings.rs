//! What is configured of the node's door reaches it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod terminal;

use record::time::UtcMs;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use terminal::{Terminal, printed};

const CONFIGURED: &str = r#"
data = "mission"
origin = "https://truce.example"
relying_party = "truce.example"
proxies = ["127.0.0.1"]
cors_origins = ["https://map.example"]
session_idle_ms = 120000
session_absolute_ms = 600000
"#;
/// Wrong codes that one address may try at once.
const TRIES: usize = 50;

/// A node that serves, ended with the test.
struct Serving {
    child: Child,
    address: String,
    client: Client,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn founded() -> Terminal {
    let terminal = Terminal::new();
    terminal.does("log init --callsign MISSION --origin truce.example/mission --data mission");
    terminal
}

fn serve(terminal: &Terminal) -> Serving {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_truceline"));
    serve.args(["serve", "--data", "mission", "--port", "0"]);
    serve.current_dir(terminal.path()).stdout(Stdio::piped());
    let mut child = serve.spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines();
    let listening = told
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy();
    Serving {
        child,
        address: listening.unwrap(),
        client: client.build().unwrap(),
    }
}

impl Serving {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("http://{}{path}", self.address));
        request.header("sec-fetch-site", "same-origin").json(body)
    }

    /// Looks at an invitation that was never given, as a caller behind the proxy.
    fn guess(&self, caller: &str) -> u16 {
        let code = json!({"code": format!("inv_{}", "A".repeat(43))});
        let request = self.post("/api/v1/invitations/look", &code);
        let answer = request.header("x-forwarded-for", caller).send().unwrap();
        answer.status().as_u16()
    }
}

fn allowed(answer: &Response) -> Option<&str> {
    let header = answer.headers().get("access-control-allow-origin")?;
    header.to_str().ok()
}

#[test]
fn what_is_configured_of_the_door_holds_at_it() {
    let terminal = founded();
    std::fs::write(terminal.path().join("truceline.toml"), CONFIGURED).unwrap();
    let invited = terminal.does("account invite --office administrator");
    let code = printed(&invited, "code");
    assert_eq!(
        printed(&invited, "link"),
        format!("https://truce.example/invitation?code={code}")
    );
    let serving = serve(&terminal);

    let other = |origin: &str| {
        serving
            .get("/api/v1/session")
            .header("origin", origin)
            .send()
    };
    let map = other("https://map.example").unwrap();
    assert_eq!(allowed(&map), Some("https://map.example"));
    assert_eq!(allowed(&other("https://elsewhere.example").unwrap()), None);

    let begun = serving.post("/api/v1/session/passkey/begin", &json!({}));
    let begun: Value = begun.send().unwrap().json().unwrap();
    let bound_to = begun["options"]["publicKey"]["rpId"].as_str();
    assert_eq!(
        bound_to.or(begun["options"]["rpId"].as_str()),
        Some("truce.example")
    );

    let account = json!({"code": code, "name": "chief", "password": "four horses in a field"});
    let accepted = serving.post("/api/v1/invitations/accept", &account);
    let accepted = accepted.send().unwrap();
    let cookie = accepted.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(cookie.starts_with("__Host-truceline="), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let sessions = serving.get("/api/v1/sessions").header("cookie", cookie);
    let sessions: Value = sessions.send().unwrap().json().unwrap();
    let at = |name: &str| UtcMs::parse(sessions["items"][0][name].as_str().unwrap()).unwrap();
    let lasts = at("ends_at").0 - at("signed_in_at").0;
    assert!((120_000..=600_000).contains(&lasts), "{lasts}");

    for _ in 0..TRIES {
        assert_eq!(serving.guess("203.0.113.1"), 404);
    }
    assert_eq!(serving.guess("203.0.113.1"), 429);
    assert_eq!(serving.guess("203.0.113.2"), 404, "each caller by himself");
}

#[test]
fn without_a_word_no_other_site_and_no_proxy_is_believed() {
    let terminal = founded();
    let invited = terminal.does("account invite --data mission --office administrator");
    let link = printed(&invited, "link");
    assert!(link.starts_with("http://localhost:8016/invitation?code=inv_"));
    let elsewhere =
        terminal.does("account invite --data mission --office auditor --origin https://b.example");
    assert!(printed(&elsewhere, "link").starts_with("https://b.example/invitation?"));
    let serving = serve(&terminal);
    let map = serving
        .get("/api/v1/session")
        .header("origin", "https://map.example");
    assert_eq!(allowed(&map.send().unwrap()), None);
    for n in 0..TRIES {
        assert_eq!(serving.guess(&format!("203.0.113.{n}")), 404);
    }
    assert_eq!(serving.guess("203.0.113.200"), 429, "the header is nothing");
}

#[test]
fn a_wrong_setting_is_named_with_its_place_before_anything_is_opened() {
    let terminal = founded();
    let refused = |text: &str| {
        std::fs::write(terminal.path().join("truceline.toml"), text).unwrap();
        terminal.refuses("serve --data mission --port 0", "")
    };
    let error = refused("origin = \"http://truce.example\"\n");
    for word in ["truceline.toml", "origin", "this machine alone"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let error = refused("session_idle_ms = 5\n");
    for word in ["truceline.toml", "session_idle_ms", "from 60000 to"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    std::fs::remove_file(terminal.path().join("truceline.toml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_truceline"));
    command.args(["serve", "--data", "mission", "--port", "0"]);
    command.env("TRUCELINE_PROXIES", "[10.0.0.0/8]");
    let output = command.current_dir(terminal.path()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for word in ["TRUCELINE_", "proxies", "one address"] {
        assert!(
            error.to_lowercase().contains(&word.to_lowercase()),
            "{word}: {error}"
        );
    }
}
