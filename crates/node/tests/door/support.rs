//! A node's door on a loopback socket, a client, and a judge: every answer that any test gets is compared with what the OpenAPI
//! document says of it.

use node::accounts::{AccountId, NewAccount, Secret};
use node::http::{App, Routes, Settings, routes, server};
use record::time::{Clock, ManualClock, UtcMs};
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use truce::participants::Office;

pub const PASSWORD: &str = "four horses in a field";
pub const START: &str = "2016-06-21T09:00:00Z";

pub struct Node {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub origin: String,
    pub dir: Arc<TempDir>,
    client: Client,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
    document: OnceLock<Value>,
}

/// How a test's node differs from the usual one.
pub struct Setup {
    pub settings: Box<dyn FnOnce(&mut Settings)>,
    pub routes: Routes,
    pub dir: Arc<TempDir>,
    pub host: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Box::new(|_| {}),
            routes: Routes::default(),
            dir: Arc::new(TempDir::new().unwrap()),
            host: "localhost",
        }
    }
}

pub fn node() -> Node {
    Setup::default().start()
}

impl Setup {
    pub fn start(self) -> Node {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let origin = format!(
            "http://{}:{}",
            self.host,
            listener.local_addr().unwrap().port()
        );
        let clock = Arc::new(ManualClock::at(UtcMs::parse(START).unwrap()));
        let mut settings = Settings::new(origin.parse().unwrap());
        (self.settings)(&mut settings);
        let app = Arc::new(App::open(self.dir.path(), clock.clone(), settings).unwrap());
        let router = routes(&app, self.routes);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = runtime.spawn(server::serve(listener, app.clone(), router, shutdown));
        let port = origin.rsplit(':').next().unwrap().parse().unwrap();
        // The client speaks plain HTTP here, but will not be built without a provider of TLS. A second one is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .resolve(
                "localhost",
                std::net::SocketAddr::from(([127, 0, 0, 1], port)),
            );
        Node {
            app,
            clock,
            client: client.build().unwrap(),
            origin,
            dir: self.dir,
            runtime: Some(runtime),
            stop: Some(stop),
            served: Some(served),
            document: OnceLock::new(),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        }
    }
}

impl Node {
    /// Stops the node in good order, and whether it ended.
    pub fn stop(mut self) -> bool {
        let _ = self.stop.take().unwrap().send(());
        let served = self.served.take().unwrap();
        self.runtime.as_ref().unwrap().block_on(served).is_ok()
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    /// Lets the clock go on.
    pub fn later(&self, ms: i64) {
        self.clock.set(UtcMs(self.clock.now().0 + ms));
    }

    pub fn account(&self, name: &str, participant: &str, offices: &[Office]) -> AccountId {
        let new = NewAccount {
            name: name.parse().unwrap(),
            participant: participant.parse().unwrap(),
            offices: offices.iter().copied().collect::<BTreeSet<_>>(),
            languages: vec![],
            password: Secret::new(PASSWORD.into()),
        };
        self.app.accounts.create(new).unwrap().id
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{}{path}", self.origin));
        Ask {
            node: self,
            method: method.to_owned(),
            path: path.to_owned(),
            request,
            undocumented: false,
        }
    }

    /// Signs in by password and gives the cookie.
    pub fn sign_in(&self, name: &str) -> String {
        let reply = self.try_sign_in(name, PASSWORD);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.cookie()
    }

    pub fn try_sign_in(&self, name: &str, password: &str) -> Reply {
        self.ask("POST", "/api/v1/session")
            .json(&json!({"name": name, "password": password}))
            .send()
    }

    /// Makes a token for whoever has the cookie.
    pub fn token(&self, cookie: &str, scopes: &[&str]) -> String {
        let body = json!({"label": "a program", "scopes": scopes});
        let reply = self
            .ask("POST", "/api/v1/tokens")
            .page(cookie)
            .json(&body)
            .send();
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body["secret"].as_str().unwrap().to_owned()
    }

    pub fn document(&self) -> &Value {
        self.document.get_or_init(|| {
            let reply = self
                .client
                .get(format!("{}/api/v1/openapi.json", self.origin))
                .send()
                .unwrap();
            reply.json().unwrap()
        })
    }
}

pub struct Ask<'n> {
    node: &'n Node,
    method: String,
    path: String,
    request: RequestBuilder,
    undocumented: bool,
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// As a page of the node itself asks, with its cookie.
    pub fn page(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
            .header("sec-fetch-site", "same-origin")
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub fn body(mut self, body: impl Into<reqwest::blocking::Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// For a route that only a test has.
    pub fn undocumented(mut self) -> Self {
        self.undocumented = true;
        self
    }

    pub fn send(self) -> Reply {
        let response = self.request.send().unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let reply = Reply {
            status,
            headers,
            body,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        reply.wears_its_headers();
        reply.judge(self.node, &self.method, &self.path, self.undocumented);
        reply
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The cookie that was set, as a browser sends it back.
    pub fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").split(';').next().unwrap();
        assert!(cookie.contains('='), "no cookie was set");
        cookie.to_owned()
    }

    /// Status and reason of a problem.
    pub fn problem(&self) -> (u16, &str) {
        (
            self.status,
            self.body["reason"].as_str().unwrap_or_default(),
        )
    }

    fn wears_its_headers(&self) {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(self.header(name), value, "{name}");
        }
        assert!(
            self.header("content-security-policy")
                .starts_with("default-src 'self'")
        );
        assert!(!self.header("x-request-id").is_empty());
        assert!(!self.header("cache-control").is_empty());
    }

    /// Holds the answer against the document: status, media type, schema.
    fn judge(&self, node: &Node, method: &str, path: &str, undocumented: bool) {
        if self.status >= 400 && self.header("content-type") == "application/problem+json" {
            assert_eq!(self.body["status"], self.status, "{}", self.text);
            assert!(
                valid(
                    node.document(),
                    &json!({"$ref": "#/components/schemas/Problem"}),
                    &self.body
                ),
                "{}",
                self.text
            );
        }
        let path = path.split('?').next().unwrap();
        let operation = operation(node.document(), method, path);
        let Some(operation) = operation.filter(|_| !undocumented) else {
            assert!(
                self.status == 404 || self.status == 405 || undocumented,
                "{method} {path} is not documented: {}",
                self.text
            );
            assert!(
                undocumented
                    || method == "HEAD"
                    || self.header("content-type") == "application/problem+json",
                "{method} {path}"
            );
            return;
        };
        let response = &operation["responses"][self.status.to_string()];
        assert!(
            response.is_object(),
            "{method} {path}: {} is not documented: {}",
            self.status,
            self.text
        );
        let media_type = self.header("content-type").split(';').next().unwrap();
        let Some(content) = response.get("content").filter(|_| method != "HEAD") else {
            assert!(
                self.text.is_empty(),
                "{method} {path} {}: no content is documented",
                self.status
            );
            return;
        };
        let content = content
            .get(media_type)
            .unwrap_or_else(|| panic!("{method} {path} {}: {media_type:?}", self.status));
        if media_type.ends_with("json") {
            let errors = errors(node.document(), &content["schema"], &self.body);
            assert!(
                errors.is_empty(),
                "{method} {path} {}: {errors:?} in {}",
                self.status,
                self.text
            );
        }
    }
}

/// The operation of a concrete path.
pub fn operation<'d>(document: &'d Value, method: &str, path: &str) -> Option<&'d Value> {
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template
                .iter()
                .zip(&path)
                .all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()))
    };
    let paths = document["paths"].as_object().unwrap();
    // A fixed address goes before one with a parameter.
    let exact = paths.get(path);
    let item = exact.or_else(|| {
        paths
            .iter()
            .find(|(template, _)| fits(template))
            .map(|(_, item)| item)
    })?;
    let method = if method == "HEAD" {
        "get".to_owned()
    } else {
        method.to_lowercase()
    };
    item.get(method)
}

pub fn valid(document: &Value, schema: &Value, value: &Value) -> bool {
    errors(document, schema, value).is_empty()
}

pub fn errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    static KNOWN: Mutex<Vec<(Value, Arc<jsonschema::Validator>)>> = Mutex::new(Vec::new());
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], "allOf": [schema],
    });
    let mut known = KNOWN.lock().unwrap();
    let validator = known
        .iter()
        .find(|(schema, _)| *schema == whole)
        .map(|(_, validator)| validator.clone());
    let validator = validator.unwrap_or_else(|| {
        let options = jsonschema::options().should_validate_formats(true);
        let validator = Arc::new(
            options
                .build(&whole)
                .expect("the document's schemas are schemas"),
        );
        known.push((whole, validator.clone()));
        validator
    });
    drop(known);
    validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect()
}
