//! The door of a node over real sockets.

use super::Exercise;
use node::Node;
use node::accounts::{AccountsError, NewAccount, NewToken, Scope, Secret};
use node::http::{App, Settings, node_routes, routes, server};
use record::name::CallSign;
use record::time::Clock;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::oneshot;
use truce::participants::Office;

/// A node behind a real socket, with a token of an account of each participant.
pub struct Server {
    pub base: String,
    pub client: Client,
    pub tokens: BTreeMap<String, String>,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub fn of(exercise: &Exercise) -> Self {
        Self::over(
            exercise.node(),
            &exercise.store(),
            Arc::clone(&exercise.clock) as _,
        )
    }

    /// A door over `node`, which keeps its own files in `dir`.
    pub fn over(node: &Arc<Node>, dir: &Path, clock: Arc<dyn Clock>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let node = Arc::clone(node);
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings::new(base.parse().unwrap());
        let app = App::open(dir, clock, settings).unwrap();
        let signs: Vec<CallSign> = node.own().map(|own| own.call_sign.clone()).collect();
        let tokens = signs.iter().map(|sign| {
            let name = format!("desk-{}", sign.as_str().to_lowercase());
            let token = token(&app, sign, &name, Office::ALL);
            (sign.to_string(), runtime.block_on(token))
        });
        let (tokens, app) = (tokens.collect(), Arc::new(app));
        let (stop, stopped) = oneshot::channel();
        let router = routes(&app, node_routes(node));
        let serving = Arc::clone(&app);
        runtime.spawn(async move {
            server::serve(listener, serving, router, async { drop(stopped.await) }).await;
        });
        Self {
            base,
            client: Client::new(),
            tokens,
            app,
            stop: Some(stop),
            runtime: Some(runtime),
        }
    }

    /// One more account of a participant, that holds these offices alone; its token goes by `name`.
    pub fn account(&mut self, sign: &str, name: &str, offices: &[Office]) {
        let sign = sign.parse().unwrap();
        let token = token(&self.app, &sign, name, offices);
        let token = self.runtime.as_ref().unwrap().block_on(token);
        self.tokens.insert(name.to_owned(), token);
    }

    /// What the door does about every second.
    pub fn upkeep(&self) {
        self.app.upkeep();
    }

    pub fn get(&self, who: Option<&str>, path: &str) -> (u16, Value) {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(who) = who {
            request = request.bearer_auth(&self.tokens[who]);
        }
        let answer = request.send().unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().unwrap_or_default())
    }

    pub fn post(&self, who: &str, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.tokens[who])
            .json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        }
    }
}

/// An account of a participant that holds these offices, and a token of it.
async fn token(app: &App, sign: &CallSign, name: &str, offices: &[Office]) -> String {
    let password = || Secret::new("a password that is long enough".into());
    let new = NewAccount {
        name: name.parse().unwrap(),
        participant: sign.clone(),
        offices: offices.iter().copied().collect(),
        languages: vec![],
        password: password(),
    };
    // A store that was opened before has it.
    match app.accounts.create(new) {
        Ok(_) | Err(AccountsError::NameTaken) => {}
        Err(error) => panic!("{name}: {error}"),
    }
    let signed_in = app
        .accounts
        .sign_in(name.to_owned(), password(), [127, 0, 0, 1].into())
        .await
        .unwrap();
    let token = NewToken {
        label: "test".into(),
        scopes: [Scope::Read, Scope::Say].into(),
        offices: None,
        lasts_ms: 365 * 86_400_000,
    };
    let (_, secret) = app.accounts.make_token(&signed_in.caller, token).unwrap();
    secret.reveal().to_owned()
}

/// Everything of an answer but when it was given and which request it was.
pub fn bytes(request: RequestBuilder) -> (u16, String, Vec<u8>) {
    let answer = request.send().unwrap();
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let headers = format!("{:?}", headers.collect::<Vec<_>>());
    (status, headers, answer.bytes().unwrap().to_vec())
}
