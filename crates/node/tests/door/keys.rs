//! `Idempotency-Key`.

use crate::support::{Node, Reply, Setup};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use node::accounts::Caller;
use node::http::idempotency::{IdempotencyKey, KEPT_MS};
use node::http::strict::{Hashed, Json};
use node::http::{App, Routes};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// A route that counts how often it was done, and answers as its body says.
struct Counter {
    done: AtomicU64,
    begun: Semaphore,
    go_on: Semaphore,
}

impl Counter {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            done: AtomicU64::new(0),
            begun: Semaphore::new(0),
            go_on: Semaphore::new(0),
        })
    }
}

fn routes(counter: &Arc<Counter>) -> Routes {
    let counter = counter.clone();
    let handler = move |State(app): State<Arc<App>>,
                        caller: Caller,
                        key: IdempotencyKey,
                        hashed: Hashed<Value>| async move {
        let work = async move {
            let count = counter.done.fetch_add(1, Ordering::SeqCst) + 1;
            counter.begun.add_permits(1);
            answer(&counter, count, &hashed.body["how"]).await
        };
        app.idempotency
            .once(&caller, key, hashed.request, work)
            .await
    };
    Routes {
        pages: axum::Router::new().route("/test/count", post(handler)),
        ..Routes::default()
    }
}

async fn answer(counter: &Counter, count: u64, how: &Value) -> Response {
    match how.as_str().unwrap_or_default() {
        "slow" => {
            counter.go_on.acquire().await.unwrap().forget();
            Json(json!({"count": count})).into_response()
        }
        "busy" => (StatusCode::SERVICE_UNAVAILABLE, "").into_response(),
        "panic" => panic!("work"),
        "long" => "x".repeat(100_000).into_response(),
        "refused" => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({"count": count})),
        )
            .into_response(),
        _ => (
            StatusCode::CREATED,
            [("location", "/test/7")],
            Json(json!({"count": count})),
        )
            .into_response(),
    }
}

struct Fixture {
    counter: Arc<Counter>,
    node: Node,
    token: String,
}

fn fixture() -> Fixture {
    let counter = Counter::new();
    let node = Setup {
        routes: routes(&counter),
        ..Setup::default()
    }
    .start();
    node.account("desk-1", "RU", &[]);
    let token = node.token(&node.sign_in("desk-1"), &["say"]);
    Fixture {
        counter,
        node,
        token,
    }
}

impl Fixture {
    fn say(&self, key: &str, how: &str) -> Reply {
        self.say_as(&self.token, key, how)
    }

    fn say_as(&self, token: &str, key: &str, how: &str) -> Reply {
        let ask = self
            .node
            .ask("POST", "/test/count")
            .undocumented()
            .bearer(token);
        ask.header("idempotency-key", key)
            .json(&json!({"how": how}))
            .send()
    }

    /// Waits until so many more were begun.
    fn begun(&self, more: u32) {
        self.node
            .block_on(self.counter.begun.acquire_many(more))
            .unwrap()
            .forget();
    }

    /// Sends a slow request and does not wait for its answer.
    fn send_slow(&self, key: &str) -> TcpStream {
        let body = r#"{"how":"slow"}"#;
        let request = format!(
            "POST /test/count HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nidempotency-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut stream =
            TcpStream::connect(self.node.origin.replace("http://localhost", "127.0.0.1")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn done(&self) -> u64 {
        self.counter.done.load(Ordering::SeqCst)
    }
}

#[test]
fn a_repetition_gets_the_same_answer_and_is_not_done_again() {
    let f = fixture();
    let first = f.say("key-00000001", "");
    assert_eq!((first.status, &first.body), (201, &json!({"count": 1})));
    for key in ["key-00000001", "\"key-00000001\""] {
        let again = f.say(key, "");
        assert_eq!((again.status, &again.text), (201, &first.text));
        assert_eq!(
            (
                again.header("idempotency-replayed"),
                again.header("location")
            ),
            ("true", "/test/7")
        );
        assert_eq!(again.header("content-type"), first.header("content-type"));
    }
    assert_eq!(f.done(), 1);
    assert_eq!(f.say("key-00000002", "").body["count"], 2);
    let refused = f.say("key-00000003", "refused");
    assert_eq!(
        (refused.status, f.say("key-00000003", "refused").text),
        (422, refused.text.clone()),
        "a refusal is an answer too"
    );
}

#[test]
fn a_key_is_for_one_request_of_one_account() {
    let f = fixture();
    f.say("key-00000001", "");
    assert_eq!(
        f.say("key-00000001", "refused").problem(),
        (422, "key_reused")
    );
    f.node.account("desk-2", "RU", &[]);
    let other = f.node.token(&f.node.sign_in("desk-2"), &["say"]);
    assert_eq!(
        f.say_as(&other, "key-00000001", "").body["count"],
        2,
        "another account has keys of its own"
    );
    for bad in [
        "short",
        "has space in it",
        "\"\"",
        "\"key-00000001",
        &"k".repeat(129),
        "schlüssel-1",
    ] {
        let reply = f.say(bad, "");
        assert_eq!(
            (reply.status, reply.body["title"].as_str()),
            (400, Some("The request cannot be read")),
            "{bad}"
        );
    }
    assert_eq!(f.done(), 2);
}

#[test]
fn a_request_in_progress_is_not_begun_twice_and_goes_on_when_the_caller_hangs_up() {
    let f = fixture();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| f.say("key-00000001", "slow"));
        f.begun(1);
        assert_eq!(
            f.say("key-00000001", "slow").problem(),
            (409, "in_progress")
        );
        f.counter.go_on.add_permits(1);
        assert_eq!(slow.join().unwrap().body["count"], 1);
    });
    let stream = f.send_slow("key-00000002");
    f.begun(1);
    drop(stream);
    f.counter.go_on.add_permits(1);
    let reply = loop {
        let reply = f.say("key-00000002", "slow");
        if reply.problem() != (409, "in_progress") {
            break reply;
        }
    };
    assert_eq!((reply.status, &reply.body), (200, &json!({"count": 2})));
    assert_eq!(f.done(), 2);
}

#[test]
fn what_was_not_done_can_be_sent_again_with_the_same_key() {
    let f = fixture();
    assert_eq!(f.say("key-00000001", "busy").status, 503);
    assert_eq!(f.say("key-00000001", "busy").status, 503);
    assert_eq!(f.done(), 2);
}

#[test]
fn what_became_of_a_panic_is_unknown_and_is_not_tried_again() {
    let f = fixture();
    assert_eq!(f.say("key-00000001", "panic").status, 500);
    assert_eq!(
        f.say("key-00000001", "panic").problem(),
        (409, "interrupted")
    );
    assert_eq!(f.done(), 1);
}

#[test]
fn an_answer_that_is_too_long_is_not_kept_and_not_made_again() {
    let f = fixture();
    assert_eq!(f.say("key-00000001", "long").text.len(), 100_000);
    assert_eq!(
        f.say("key-00000001", "long").problem(),
        (409, "answer_not_kept")
    );
    assert_eq!(f.done(), 1);
}

#[test]
fn keys_survive_a_restart_and_an_interrupted_request_is_not_done_again() {
    let f = fixture();
    f.say("key-00000001", "");
    assert_eq!(f.say("key-00000002", "long").status, 200);
    let unanswered = f.send_slow("key-00000003");
    f.begun(3);
    let dir = f.node.dir.clone();
    let Fixture {
        counter,
        node,
        token,
    } = f;
    drop((node, unanswered));
    let node = Setup {
        routes: routes(&counter),
        dir,
        ..Setup::default()
    }
    .start();
    let f = Fixture {
        counter,
        node,
        token,
    };
    let before = f.done();
    assert_eq!(f.say("key-00000001", "").body, json!({"count": 1}));
    assert_eq!(
        f.say("key-00000002", "long").problem(),
        (409, "answer_not_kept")
    );
    assert_eq!(
        f.say("key-00000003", "slow").problem(),
        (409, "interrupted")
    );
    assert_eq!(f.done(), before);
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let f = fixture();
    assert_eq!(f.say("key-00000001", "").body["count"], 1);
    f.node.later(KEPT_MS - 1);
    f.node.app.upkeep();
    assert_eq!(f.say("key-00000001", "").body["count"], 1);
    f.node.later(1);
    assert_eq!(
        f.say("key-00000001", "").body["count"],
        2,
        "also before it is swept"
    );
    f.node.later(KEPT_MS + 60_000);
    f.node.app.upkeep();
    f.say("key-00000002", "");
    let db = rusqlite::Connection::open(f.node.dir.path().join("http.db")).unwrap();
    assert_eq!(
        db.query_row("SELECT count(*) FROM answer", [], |row| row
            .get::<_, i64>(0))
            .unwrap(),
        1
    );
}

#[test]
fn without_a_key_everything_is_simply_done() {
    let f = fixture();
    for count in 1..3 {
        let reply = f
            .node
            .ask("POST", "/test/count")
            .undocumented()
            .bearer(&f.token)
            .json(&json!({}))
            .send();
        assert_eq!(reply.body["count"], count);
    }
}
