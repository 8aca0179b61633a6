//! API tokens.

use crate::support::node;
use node::accounts::{FRESH_MS, TOKENS_PER_ACCOUNT_MAX};
use serde_json::{Value, json};
use truce::participants::Office;

const DAY: i64 = 24 * 60 * 60 * 1000;

#[test]
fn a_token_may_do_what_its_scopes_say_and_no_more_than_its_account() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator, Office::DutyOfficer]);
    node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let chief = node.sign_in("chief");
    let (read, admin) = (
        node.token(&chief, &["read"]),
        node.token(&chief, &["read", "admin"]),
    );
    let who = node.ask("GET", "/api/v1/session").bearer(&read).send();
    assert_eq!(
        (&who.body["via"], &who.body["scopes"]),
        (&json!("token"), &json!(["read"]))
    );
    assert_eq!(
        node.ask("GET", "/api/v1/accounts")
            .bearer(&read)
            .send()
            .problem(),
        (403, "scope")
    );
    assert_eq!(
        node.ask("GET", "/api/v1/accounts")
            .bearer(&admin)
            .send()
            .status,
        200
    );
    let desk = node.sign_in("desk-1");
    let body = json!({"label": "a program", "scopes": ["admin"]});
    let more = node
        .ask("POST", "/api/v1/tokens")
        .page(&desk)
        .json(&body)
        .send();
    assert_eq!((more.status, &more.body["field"]), (422, &json!("scopes")));
}

#[test]
fn a_token_can_be_restricted_to_offices_and_loses_what_the_account_loses() {
    let node = node();
    let id = node.account(
        "chief",
        "RU",
        &[Office::Administrator, Office::DutyOfficer, Office::Auditor],
    );
    node.account("other", "RU", &[Office::Administrator]);
    let (chief, other) = (node.sign_in("chief"), node.sign_in("other"));
    let make = |offices: Value| {
        let body =
            json!({"label": "a program", "scopes": ["read", "say", "admin"], "offices": offices});
        node.ask("POST", "/api/v1/tokens")
            .page(&chief)
            .json(&body)
            .send()
    };
    let not_held = make(json!(["head_of_mission"]));
    assert_eq!(
        (not_held.status, &not_held.body["field"]),
        (422, &json!("offices"))
    );
    let restricted = make(json!(["duty_officer", "auditor"]));
    let restricted = restricted.body["secret"].as_str().unwrap();
    let who = || node.ask("GET", "/api/v1/session").bearer(restricted).send();
    assert_eq!(who().body["offices"], json!(["duty_officer", "auditor"]));
    assert_eq!(
        who().body["scopes"],
        json!(["read", "say"]),
        "admin needs the office of administrator"
    );
    let change = json!({"offices": ["auditor", "administrator"]});
    let altered = node
        .ask("PATCH", &format!("/api/v1/accounts/{id}"))
        .page(&other)
        .json(&change)
        .send();
    assert_eq!(altered.status, 200);
    assert_eq!(who().body["offices"], json!(["auditor"]));
}

#[test]
fn a_token_expires_and_can_be_revoked_at_once() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let body = json!({"label": "for two days", "scopes": ["read"], "days": 2});
    let short = node
        .ask("POST", "/api/v1/tokens")
        .page(&cookie)
        .json(&body)
        .send();
    let short = short.body["secret"].as_str().unwrap();
    node.later(1);
    let long = node.token(&cookie, &["read"]);
    let who = |token: &str| node.ask("GET", "/api/v1/session").bearer(token).send();
    assert_eq!((who(short).status, who(&long).status), (200, 200));
    node.later(2 * DAY);
    assert_eq!(who(short).problem(), (401, "bad_token"));
    assert_eq!(
        who(short).header("www-authenticate"),
        "Bearer realm=\"truceline\""
    );
    let cookie = node.sign_in("desk-1");
    let list = node.ask("GET", "/api/v1/tokens").page(&cookie).send();
    assert_eq!(list.body["items"][0]["last_used_on"], "2016-06-21");
    assert_eq!(list.body["items"][0]["expires_at"], "2016-06-23T09:00:00Z");
    assert!(!list.text.contains(short));
    let id = list.body["items"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        node.ask("DELETE", &format!("/api/v1/tokens/{id}"))
            .page(&cookie)
            .send()
            .status,
        204
    );
    assert_eq!(who(&long).problem(), (401, "bad_token"));
    assert_eq!(
        node.ask("DELETE", &format!("/api/v1/tokens/{id}"))
            .page(&cookie)
            .send()
            .status,
        404
    );
}

#[test]
fn a_token_makes_no_tokens_and_an_old_session_neither() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let token = node.token(&cookie, &["read", "say"]);
    let body = json!({"label": "another", "scopes": ["read"]});
    assert_eq!(
        node.ask("POST", "/api/v1/tokens")
            .bearer(&token)
            .json(&body)
            .send()
            .problem(),
        (403, "not_in_session")
    );
    assert_eq!(
        node.ask("GET", "/api/v1/sessions")
            .bearer(&token)
            .send()
            .problem(),
        (403, "not_in_session")
    );
    node.later(FRESH_MS + 1);
    assert_eq!(
        node.ask("POST", "/api/v1/tokens")
            .page(&cookie)
            .json(&body)
            .send()
            .problem(),
        (403, "sign_in_again")
    );
}

#[test]
fn there_is_a_most_of_tokens() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    for _ in 0..TOKENS_PER_ACCOUNT_MAX {
        node.token(&cookie, &["read"]);
    }
    let body = json!({"label": "one more", "scopes": ["read"]});
    assert_eq!(
        node.ask("POST", "/api/v1/tokens")
            .page(&cookie)
            .json(&body)
            .send()
            .problem(),
        (409, "full")
    );
}

#[test]
fn what_is_no_token_is_refused_and_never_taken_for_the_public() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let token = node.token(&cookie, &["read"]);
    for authorization in [
        "Bearer",
        "Bearer ",
        "Bearer tl_",
        &format!("Bearer {}x", &token[..token.len() - 1]),
        "Basic dXNlcjpwYXNz",
        &format!("Bearer {session}"),
        "bearer tl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let reply = node
            .ask("GET", "/api/v1/session")
            .header("authorization", authorization)
            .send();
        assert_eq!(reply.problem(), (401, "bad_token"), "{authorization}");
    }
    let twice = node
        .ask("GET", "/api/v1/session")
        .bearer(&token)
        .bearer(&token)
        .send();
    assert_eq!(twice.status, 401);
    let as_cookie = node
        .ask("GET", "/api/v1/session")
        .header("cookie", &cookie.replace(&session, &token))
        .send();
    assert_eq!(
        as_cookie.problem(),
        (401, "session_ended"),
        "a token is no cookie"
    );
    let lower = node
        .ask("GET", "/api/v1/session")
        .header("authorization", &format!("bearer {token}"))
        .send();
    assert_eq!(lower.status, 200);
}
