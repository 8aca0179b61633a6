//! Signing in by password, sessions, limits.

use crate::support::{PASSWORD, Setup, node};
use node::accounts::{Accounts, FRESH_MS, Options, SESSIONS_PER_ACCOUNT_MAX, Secret};
use serde_json::json;
use truce::participants::Office;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[test]
fn whoever_signs_in_is_known_and_nobody_else_is() {
    let node = node();
    node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let who = node.ask("GET", "/api/v1/session").send();
    assert_eq!(
        (who.status, &who.body["via"], &who.body["account"]),
        (200, &json!("public"), &json!(null))
    );
    let reply = node.try_sign_in("Desk-1", PASSWORD);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["participant"], "RU");
    assert_eq!(reply.body["offices"], json!(["duty_officer"]));
    assert_eq!(reply.body["scopes"], json!(["read", "say"]));
    assert_eq!(reply.header("cache-control"), "no-store");
    let set = reply.header("set-cookie");
    assert!(
        set.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    let who = node
        .ask("GET", "/api/v1/session")
        .page(&reply.cookie())
        .send();
    assert_eq!(
        (&who.body["via"], &who.body["name"]),
        (&json!("session"), &json!("desk-1"))
    );
    assert_eq!(who.header("cache-control"), "no-store");
}

#[test]
fn a_wrong_password_an_unknown_name_and_a_disabled_account_are_answered_alike() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let id = node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let chief = node.sign_in("chief");
    let off = node
        .ask("PATCH", &format!("/api/v1/accounts/{id}"))
        .page(&chief)
        .json(&json!({"disabled": true}))
        .send();
    assert_eq!(off.status, 200);
    let replies = [
        node.try_sign_in("desk-1", PASSWORD),
        node.try_sign_in("desk-2", "not the right words"),
        node.try_sign_in("nobody", PASSWORD),
        node.try_sign_in("not even/a name", PASSWORD),
    ];
    for reply in replies {
        assert_eq!(reply.problem(), (401, "wrong_credentials"));
        let mut headers = reply.headers.clone();
        headers.remove("x-request-id");
        headers.remove("date");
        let expected = node.try_sign_in("somebody else", PASSWORD);
        assert_eq!(reply.text, expected.text);
        let mut others = expected.headers.clone();
        others.remove("x-request-id");
        others.remove("date");
        assert_eq!(headers, others);
    }
}

#[test]
fn tries_with_one_name_are_limited_whether_or_not_it_exists() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    for name in ["desk-1", "nobody"] {
        for _ in 0..10 {
            assert_eq!(node.try_sign_in(name, "not the right words").status, 401);
        }
        let limited = node.try_sign_in(name, PASSWORD);
        assert_eq!(limited.problem(), (429, "too_many_tries"));
        assert_eq!(limited.header("retry-after"), "60");
    }
    node.later(59_000);
    assert_eq!(
        node.try_sign_in("desk-1", PASSWORD).header("retry-after"),
        "1"
    );
    node.later(1_000);
    node.sign_in("desk-1");
    assert_eq!(node.try_sign_in("nobody", PASSWORD).status, 401);
    assert_eq!(node.try_sign_in("nobody", PASSWORD).status, 429);
}

#[test]
fn right_tries_are_not_counted() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    for _ in 0..12 {
        node.sign_in("desk-1");
    }
}

#[test]
fn tries_from_one_address_are_limited_whatever_the_names_and_another_address_is_free() {
    let node = Setup {
        settings: Box::new(|settings| settings.proxies = vec!["127.0.0.1".parse().unwrap()]),
        ..Setup::default()
    }
    .start();
    let from = |address: &str, name: &str| {
        let body = json!({"name": name, "password": "not the right words"});
        node.ask("POST", "/api/v1/session")
            .header("x-forwarded-for", address)
            .json(&body)
            .send()
    };
    for i in 0..50 {
        assert_eq!(from("203.0.113.5", &format!("name-{i}")).status, 401);
    }
    let limited = from("203.0.113.5", "name-50");
    assert_eq!(
        (limited.problem(), limited.header("retry-after")),
        ((429, "too_many_tries"), "6")
    );
    assert_eq!(from("203.0.113.6", "name-50").status, 401);
    node.later(6_000);
    assert_eq!(from("203.0.113.5", "name-51").status, 401);
}

#[test]
fn a_session_ends_when_it_is_idle_and_after_its_longest_time() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let idle = node.sign_in("desk-1");
    node.later(4 * HOUR - 1);
    assert_eq!(
        node.ask("GET", "/api/v1/session").page(&idle).send().status,
        200
    );
    node.later(4 * HOUR);
    let ended = node.ask("GET", "/api/v1/session").page(&idle).send();
    assert_eq!(ended.problem(), (401, "session_ended"));
    assert!(
        ended.header("set-cookie").ends_with("Max-Age=0"),
        "the browser forgets it"
    );
    let busy = node.sign_in("desk-1");
    for _ in 0..13 {
        node.later(HOUR);
        assert_eq!(
            node.ask("GET", "/api/v1/session").page(&busy).send().status,
            200
        );
    }
    node.later(HOUR);
    assert_eq!(
        node.ask("GET", "/api/v1/session").page(&busy).send().status,
        401
    );
}

#[test]
fn signing_out_ends_the_session_and_one_can_end_others() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let (first, second, third) = (
        node.sign_in("desk-1"),
        node.sign_in("desk-1"),
        node.sign_in("desk-1"),
    );
    let stranger = node.sign_in("desk-2");
    let list = node.ask("GET", "/api/v1/sessions").page(&first).send();
    assert_eq!(list.body["total"], 3);
    let others: Vec<&str> = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["own"] == false)
        .map(|s| s["id"].as_str().unwrap())
        .collect();
    assert_eq!(others.len(), 2);
    let end = |cookie: &str, id: &str| {
        node.ask("DELETE", &format!("/api/v1/sessions/{id}"))
            .page(cookie)
            .send()
            .status
    };
    assert_eq!(
        end(&stranger, others[0]),
        404,
        "another's session is not known"
    );
    assert_eq!(end(&first, others[0]), 204);
    assert_eq!(end(&first, others[0]), 404);
    assert_eq!(
        node.ask("DELETE", "/api/v1/sessions")
            .page(&first)
            .send()
            .status,
        204
    );
    for cookie in [&second, &third] {
        assert_eq!(
            node.ask("GET", "/api/v1/session")
                .page(cookie)
                .send()
                .status,
            401
        );
    }
    assert_eq!(
        node.ask("DELETE", "/api/v1/session")
            .page(&first)
            .send()
            .status,
        204
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&first)
            .send()
            .status,
        401
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&stranger)
            .send()
            .status,
        200
    );
}

#[test]
fn one_session_too_many_ends_the_oldest() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let first = node.sign_in("desk-1");
    for _ in 1..SESSIONS_PER_ACCOUNT_MAX {
        node.later(1000);
        node.sign_in("desk-1");
    }
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&first)
            .send()
            .status,
        200
    );
    node.later(1000);
    let last = node.sign_in("desk-1");
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&first)
            .send()
            .status,
        401
    );
    assert_eq!(
        node.ask("GET", "/api/v1/sessions").page(&last).send().body["total"],
        SESSIONS_PER_ACCOUNT_MAX
    );
}

#[test]
fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let (here, there) = (node.sign_in("desk-1"), node.sign_in("desk-1"));
    let put = |body| {
        node.ask("PUT", "/api/v1/password")
            .page(&here)
            .json(&body)
            .send()
    };
    let new = "five horses in a field";
    assert_eq!(
        put(json!({"new": new})).problem(),
        (422, "wrong_credentials")
    );
    assert_eq!(
        put(json!({"current": "not the right words", "new": new})).problem(),
        (422, "wrong_credentials")
    );
    let short = put(json!({"current": PASSWORD, "new": "elevenchars"}));
    assert_eq!((short.status, &short.body["field"]), (422, &json!("new")));
    let plain = put(json!({"current": PASSWORD, "new": "desk-1 is my name"}));
    assert_eq!(
        (plain.status, &plain.body["rule"]),
        (422, &json!("does not contain the sign-in name"))
    );
    assert_eq!(put(json!({"current": PASSWORD, "new": new})).status, 204);
    assert_eq!(
        node.ask("GET", "/api/v1/session").page(&here).send().status,
        200
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&there)
            .send()
            .status,
        401
    );
    assert_eq!(node.try_sign_in("desk-1", PASSWORD).status, 401);
    assert_eq!(node.try_sign_in("desk-1", new).status, 200);
    let last = node.ask("DELETE", "/api/v1/password").page(&here).send();
    assert_eq!(last.problem(), (409, "last_way"));
    node.later(FRESH_MS + 1);
    assert_eq!(
        node.ask("DELETE", "/api/v1/password")
            .page(&here)
            .send()
            .problem(),
        (403, "sign_in_again")
    );
}

#[test]
fn a_password_hashed_at_another_cost_is_hashed_anew_when_it_is_used() {
    let dir = tempfile::TempDir::new().unwrap();
    let options = |cost| {
        let clock = std::sync::Arc::new(record::time::ManualClock::default());
        Options {
            password_cost: cost,
            ..Options::new(clock, "http://localhost".parse().unwrap())
        }
    };
    let cheap = node::accounts::password::Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
    let kept = || {
        let db = rusqlite::Connection::open(dir.path().join("accounts.db")).unwrap();
        db.query_row("SELECT password FROM account", [], |row| {
            row.get::<_, String>(0)
        })
        .unwrap()
    };
    let accounts = Accounts::open(dir.path(), options(cheap)).unwrap();
    let new = node::accounts::NewAccount {
        name: "desk-1".parse().unwrap(),
        participant: "RU".parse().unwrap(),
        offices: [].into(),
        languages: vec![],
        password: Secret::new(PASSWORD.into()),
    };
    accounts.create(new).unwrap();
    assert!(kept().contains("m=8,t=1,p=1"));
    drop(accounts);
    let accounts = Accounts::open(dir.path(), options(node::accounts::password::OWASP)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let from = "127.0.0.1".parse().unwrap();
    let sign_in = |password: &str| {
        runtime.block_on(accounts.sign_in("desk-1".into(), Secret::new(password.into()), from))
    };
    assert!(sign_in("not the right words").is_err());
    assert!(
        kept().contains("m=8,t=1,p=1"),
        "a wrong password changes nothing"
    );
    sign_in(PASSWORD).unwrap();
    assert!(kept().contains("m=19456,t=2,p=1"));
    sign_in(PASSWORD).unwrap();
}

#[test]
fn sessions_survive_a_restart_and_what_a_command_does_beside_the_node_is_taken_in() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let secret = cookie.split_once('=').unwrap().1;
    let beside = Accounts::open(
        node.dir.path(),
        Options::new(node.clock.clone(), "http://localhost".parse().unwrap()),
    )
    .unwrap();
    let caller = beside.caller(secret).expect("it is on the disk");
    beside.sign_out(&caller).unwrap();
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&cookie)
            .send()
            .status,
        200,
        "not noticed yet"
    );
    node.app.upkeep();
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&cookie)
            .send()
            .status,
        401
    );
}

#[test]
fn neither_secrets_nor_passwords_are_on_the_disk() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let cookie = node.sign_in("chief");
    let token = node.token(&cookie, &["read"]);
    let invited = node
        .ask("POST", "/api/v1/invitations")
        .page(&cookie)
        .json(&json!({}))
        .send();
    let code = invited.body["code"].as_str().unwrap();
    let session = cookie.split_once('=').unwrap().1;
    for file in std::fs::read_dir(node.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [PASSWORD, session, &token, &token["tl_".len()..], code] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes()),
                "{secret}"
            );
        }
    }
}

#[test]
fn when_a_session_was_last_used_is_saved_coarsely_and_expired_ones_are_deleted() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let rows = || {
        let db = rusqlite::Connection::open(node.dir.path().join("accounts.db")).unwrap();
        let mut select = db
            .prepare("SELECT seen_ms - created_ms FROM session")
            .unwrap();
        select
            .query_map([], |row| row.get::<_, i64>(0))
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    node.later(30_000);
    node.ask("GET", "/api/v1/session").page(&cookie).send();
    node.app.upkeep();
    assert_eq!(rows(), [0], "not every request is written");
    node.later(40_000);
    node.app.upkeep();
    assert_eq!(rows(), [30_000]);
    node.later(5 * HOUR);
    node.app.upkeep();
    assert!(rows().is_empty());
}
