//! What holds for every address: problems, limits, headers, whose pages may change something, health, and an end in good order.

use crate::support::{Node, PASSWORD, Reply, Setup, node};
use axum::routing::get;
use node::http::Routes;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use truce::participants::Office;

const PROBLEM: &str = "application/problem+json";

#[test]
fn every_error_is_a_problem_whoever_makes_it() {
    let node = node();
    let cookie_free = |method: &str, path: &str| node.ask(method, path).send();
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/nowhere/at/all", 404),
        ("POST", "/api/v2/session", 404),
        ("GET", "/api/v1/session/", 404),
        ("PUT", "/api/v1/session", 405),
        ("TRACE", "/api/v1/session", 405),
        ("BREW", "/api/v1/session", 405),
        ("OPTIONS", "/api/v1/session", 405),
        ("GET", "/api/v1/accounts", 401),
        ("GET", "/problems/none-such", 404),
        ("GET", "/problems/%ff", 404),
        ("GET", "/%00", 404),
        ("GET", "/api/v1/session?x=1", 400),
        ("GET", "/api/v1/session?%ff=1", 400),
    ] {
        let reply = cookie_free(method, path);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, PROBLEM),
            "{method} {path}: {}",
            reply.text
        );
        assert!(reply.body["detail"].as_str().unwrap().len() > 20);
        let kind = reply.body["type"].as_str().unwrap().to_owned();
        let explained = node.ask("GET", &kind).send();
        assert_eq!(
            (explained.status, &explained.body["type"]),
            (200, &reply.body["type"])
        );
        assert_eq!(
            status == 405,
            reply.header("allow") == "GET,HEAD,POST,DELETE",
            "{method} {path} {}",
            reply.header("allow")
        );
    }
    assert_eq!(
        cookie_free("GET", "/api/v1/session?nmae=1").body["field"],
        "nmae"
    );
    let kinds = node::http::problem::Kind::ALL.len();
    assert_eq!(cookie_free("GET", "/problems").body["total"], kinds);
}

#[test]
fn a_body_must_be_json_of_the_right_form_and_length() {
    let node = node();
    let post = |content_type: &str, body: Vec<u8>| {
        node.ask("POST", "/api/v1/session")
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    for (content_type, body, status, field) in [
        ("text/plain", "{}", 415, None),
        (
            "application/x-www-form-urlencoded",
            "name=a&password=b",
            415,
            None,
        ),
        ("application/json", "{", 400, Some("the body")),
        ("application/json", "", 400, Some("the body")),
        ("application/json", "[]", 422, Some("the body")),
        ("application/json", r#"["a","b"]"#, 422, Some("the body")),
        ("application/json", r#"{"name":"a"}"#, 422, Some("password")),
        (
            "application/json",
            r#"{"name":"a","password":7}"#,
            422,
            Some("password"),
        ),
        (
            "application/json",
            r#"{"name":"a","password":"b","remember":true}"#,
            422,
            Some("remember"),
        ),
        (
            "application/json",
            r#"{"name":"a","password":"b","name":"a"}"#,
            422,
            Some("name"),
        ),
        (
            "application/json",
            r#"{"name":"a\u0000","password":"b"}"#,
            422,
            Some("name"),
        ),
        (
            "application/json",
            r#"{"name":"","password":"b"}"#,
            422,
            Some("name"),
        ),
        (
            "application/json",
            r#"{"name":"\ud800","password":"b"}"#,
            400,
            Some("the body"),
        ),
    ] {
        let reply = post(content_type, body.into());
        assert_eq!(
            (reply.status, reply.body["field"].as_str()),
            (status, field),
            "{body}: {}",
            reply.text
        );
    }
    assert_eq!(
        post("application/json", b"{\"name\":\"\xff\"}".to_vec()).status,
        400
    );
    let nul = json!({"name": "a", "password": "b\0b"});
    assert_eq!(
        node.ask("POST", "/api/v1/session").json(&nul).send().status,
        401,
        "a password may be anything"
    );
    let long = json!({"name": "a", "password": "x".repeat(1025)});
    assert_eq!(
        node.ask("POST", "/api/v1/session")
            .json(&long)
            .send()
            .status,
        422
    );
    let huge = json!({"name": "a", "password": "x".repeat(300_000)});
    assert_eq!(
        node.ask("POST", "/api/v1/session")
            .json(&huge)
            .send()
            .status,
        413
    );
    let missing = node.ask("POST", "/api/v1/session").body("{}").send();
    assert_eq!(missing.status, 415);
}

#[test]
fn addresses_and_headers_have_a_longest() {
    let node = node();
    let long = format!("/api/v1/session?{}", "a".repeat(8 * 1024));
    assert_eq!(node.ask("GET", &long).send().status, 414);
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .header("x-long", &"a".repeat(16 * 1024))
            .send()
            .status,
        431
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .header("x-long", &"a".repeat(15 * 1024))
            .send()
            .status,
        200
    );
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let origin = node.origin.clone();
    let ask = |headers: &[(&str, &str)]| {
        let ask = node
            .ask("DELETE", "/api/v1/sessions")
            .header("cookie", &cookie);
        headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value))
            .send()
    };
    for (headers, status) in [
        (&[][..], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "none")], 403),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "null")], 403),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", origin.as_str()),
            ],
            403,
        ),
        (&[("sec-fetch-site", "same-origin")], 204),
        (&[("origin", origin.as_str())], 204),
    ] {
        let reply = ask(headers);
        assert_eq!(reply.status, status, "{headers:?}");
        assert!(status == 204 || reply.problem() == (403, "cross_site"));
    }
    let body = json!({"name": "desk-1", "password": PASSWORD});
    let forced = node
        .ask("POST", "/api/v1/session")
        .header("sec-fetch-site", "cross-site")
        .json(&body)
        .send();
    assert_eq!(
        forced.problem(),
        (403, "cross_site"),
        "nor does it sign a browser in as somebody else"
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "cross-site")
            .send()
            .status,
        200
    );
}

fn preflight(node: &Node, origin: &str) -> Reply {
    let ask = node
        .ask("OPTIONS", "/api/v1/tokens")
        .undocumented()
        .header("origin", origin);
    let ask = ask.header("access-control-request-method", "POST");
    ask.header("access-control-request-headers", "authorization")
        .send()
}

#[test]
fn other_sites_are_answered_only_when_they_are_named() {
    let closed = node();
    closed.account("desk-1", "RU", &[]);
    let reply = closed
        .ask("GET", "/api/v1/session")
        .header("origin", "https://map.example")
        .send();
    assert_eq!(reply.header("access-control-allow-origin"), "");
    let reply = preflight(&closed, "https://map.example");
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (405, "")
    );

    let open = Setup {
        settings: Box::new(|settings| {
            settings.cors_origins = vec!["https://map.example".parse().unwrap()]
        }),
        ..Setup::default()
    }
    .start();
    open.account("desk-1", "RU", &[]);
    let token = open.token(&open.sign_in("desk-1"), &["read"]);
    let ask = |origin: &str| {
        open.ask("GET", "/api/v1/session")
            .bearer(&token)
            .header("origin", origin)
            .send()
    };
    let reply = ask("https://map.example");
    assert_eq!(
        reply.header("access-control-allow-origin"),
        "https://map.example"
    );
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        "",
        "the cookie is never for them"
    );
    assert_eq!(
        ask("https://evil.example").header("access-control-allow-origin"),
        ""
    );
    let body = json!({"name": "nobody", "password": "b"});
    let public = open
        .ask("POST", "/api/v1/session")
        .header("origin", "https://map.example")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(
        public.json(&body).send().status,
        401,
        "let through, without a cookie"
    );
}

#[test]
fn over_https_browsers_are_told_to_stay_there_and_the_cookie_is_secure() {
    let node = Setup {
        settings: Box::new(|settings| settings.origin = "https://truce.example".parse().unwrap()),
        ..Setup::default()
    }
    .start();
    node.account("desk-1", "RU", &[]);
    let reply = node.try_sign_in("desk-1", PASSWORD);
    assert_eq!(
        reply.header("strict-transport-security"),
        "max-age=31536000"
    );
    let set = reply.header("set-cookie");
    assert!(
        set.starts_with("__Host-truceline=")
            && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&reply.cookie())
            .send()
            .body["via"],
        "session"
    );
}

#[test]
fn a_panic_a_slow_handler_and_a_bare_error_become_problems() {
    let pages = axum::Router::new()
        .route(
            "/test/panic",
            get(|| async {
                if true {
                    panic!("the secret of somebody")
                };
                ""
            }),
        )
        .route(
            "/test/bare",
            get(|| async { (axum::http::StatusCode::CONFLICT, "bare text") }),
        );
    let quick = utoipa_axum::router::OpenApiRouter::default()
        .route("/test/slow", get(std::future::pending::<&'static str>));
    let node = Setup {
        settings: Box::new(|settings| settings.answer_within = Duration::from_millis(20)),
        routes: Routes {
            pages,
            quick,
            ..Routes::default()
        },
        ..Setup::default()
    }
    .start();
    let get = |path: &str| node.ask("GET", path).undocumented().send();
    let panicked = get("/test/panic");
    assert_eq!(
        (panicked.status, panicked.header("content-type")),
        (500, PROBLEM)
    );
    assert!(!panicked.text.contains("secret"));
    assert_eq!(
        get("/test/panic").status,
        500,
        "the connection and the node live on"
    );
    let slow = get("/test/slow");
    assert_eq!((slow.status, slow.header("retry-after")), (503, "2"));
    let bare = get("/test/bare");
    assert_eq!((bare.status, bare.header("content-type")), (409, PROBLEM));
    assert!(!bare.text.contains("bare text"));
}

fn raw(node: &Node, request: &str) -> String {
    let mut stream =
        TcpStream::connect(node.origin.replace("http://localhost", "127.0.0.1")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_body_that_does_not_arrive_in_time_or_not_whole_is_a_problem() {
    let node = Setup {
        settings: Box::new(|settings| settings.body_within = Duration::from_millis(20)),
        ..Setup::default()
    }
    .start();
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let late = raw(&node, &format!("{head}content-length: 10\r\n\r\n{{"));
    assert!(
        late.starts_with("HTTP/1.1 408 ") && late.contains(PROBLEM),
        "{late}"
    );
    let broken = raw(
        &node,
        &format!("{head}transfer-encoding: chunked\r\n\r\nnot a length\r\n"),
    );
    assert!(
        broken.starts_with("HTTP/1.1 400 ") && broken.contains(PROBLEM),
        "{broken}"
    );
}

#[test]
fn one_connection_serves_many_requests() {
    let node = node();
    let request = "GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(99)
        + "GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answers = raw(&node, &request);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 100);
}

#[test]
fn public_answers_may_be_kept_and_private_ones_may_not() {
    let pages = axum::Router::new().route(
        "/test/tile",
        get(|| async { ([("cache-control", "public, max-age=60")], "tile") }),
    );
    let node = Setup {
        routes: Routes {
            pages,
            ..Routes::default()
        },
        ..Setup::default()
    }
    .start();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let public = node.ask("GET", "/test/tile").undocumented().send();
    assert_eq!(
        (public.header("cache-control"), public.header("vary")),
        ("public, max-age=60", "authorization, cookie")
    );
    assert_eq!(
        node.ask("GET", "/test/tile")
            .undocumented()
            .page(&cookie)
            .send()
            .header("cache-control"),
        "no-store"
    );
}

#[test]
fn health_says_what_is_not_well() {
    let node = node();
    let reply = node.ask("GET", "/healthz").send();
    assert_eq!(
        (reply.status, &reply.body),
        (
            200,
            &json!({"ok": true, "checks": [{"name": "accounts", "ok": true, "trouble": null},
                {"name": "reads", "ok": true, "trouble": null}]})
        )
    );
    let db = rusqlite::Connection::open(node.dir.path().join("accounts.db")).unwrap();
    db.execute_batch("DROP TABLE secret").unwrap();
    let reply = node.ask("GET", "/healthz").send();
    assert_eq!((reply.status, &reply.body["ok"]), (503, &json!(false)));
    assert_eq!(
        reply.body["checks"][0]["trouble"],
        "accounts.db does not answer; see the node's log"
    );
}

#[test]
fn metrics_are_for_this_machine_and_for_administrators_and_name_nobody() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    node.account("desk-1", "RU", &[]);
    let (chief, desk) = (node.sign_in("chief"), node.sign_in("desk-1"));
    node.ask("GET", "/api/v1/accounts/AAAAAAAAAAAAAAAAAAAAAA")
        .page(&chief)
        .send();
    let local = node.ask("GET", "/metrics").send();
    assert_eq!(
        (local.status, local.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    for expected in [
        r#"http_requests_total{route="/api/v1/accounts/{id}",method="GET",status="4xx"}"#,
        r#"http_requests_total{route="/api/v1/session",method="POST",status="2xx"}"#,
        r#"http_request_seconds_bucket{route="/api/v1/session",method="POST",le="0.001"}"#,
    ] {
        assert!(
            local.text.contains(expected),
            "{expected} in {}",
            local.text
        );
    }
    for personal in ["chief", "desk-1", "AAAAAAAA", "127.0.0.1"] {
        assert!(!local.text.contains(personal), "{personal}");
    }
    let relayed = || {
        node.ask("GET", "/metrics")
            .header("x-forwarded-for", "203.0.113.5")
    };
    assert_eq!(
        relayed().send().status,
        401,
        "a proxy on this machine does not make the world local"
    );
    assert_eq!(relayed().page(&desk).send().status, 403);
    assert_eq!(relayed().page(&chief).send().status, 200);
}

#[test]
fn when_the_node_stops_answers_in_progress_end_and_what_is_in_memory_is_saved() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let mut closing = node.app.closing();
    node.later(5_000);
    node.ask("GET", "/api/v1/session").page(&cookie).send();
    let dir = node.dir.clone();
    let stopped = node.stop();
    assert!(*closing.borrow_and_update());
    assert!(stopped, "serve came back");
    let db = rusqlite::Connection::open(dir.path().join("accounts.db")).unwrap();
    let seen: i64 = db
        .query_row("SELECT seen_ms - created_ms FROM session", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(seen, 5_000);
}

#[test]
fn an_answer_in_progress_ends_before_the_node_does() {
    let begun = Arc::new(Semaphore::new(0));
    let go_on = Arc::new(Semaphore::new(0));
    let handler = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move || async move {
            begun.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            "the answer"
        }
    };
    let pages = axum::Router::new().route("/test/slow", get(handler));
    let node = Setup {
        routes: Routes {
            pages,
            ..Routes::default()
        },
        ..Setup::default()
    }
    .start();
    let address = node.origin.replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream
        .write_all(b"GET /test/slow HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    node.block_on(begun.acquire()).unwrap().forget();
    let mut closing = node.app.closing();
    let release = std::thread::spawn(move || {
        let waiting = tokio::runtime::Builder::new_current_thread().build();
        waiting
            .unwrap()
            .block_on(closing.wait_for(|closing| *closing))
            .unwrap();
        go_on.add_permits(1);
    });
    assert!(node.stop());
    release.join().unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("the answer"),
        "{answer}"
    );
    assert!(
        TcpStream::connect(&address).is_err(),
        "nobody listens any more"
    );
}

#[test]
fn request_numbers_are_counted_by_the_node_and_not_taken_from_others() {
    let node = node();
    node.document();
    let forged = || {
        node.ask("GET", "/api/v1/session")
            .header("x-request-id", "forged")
    };
    let (first, second) = (forged().send(), forged().send());
    let number = |reply: &Reply| {
        let id = reply.header("x-request-id");
        id.split_once('-').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!(number(&first) + 1, number(&second));
}
