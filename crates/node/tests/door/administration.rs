//! Invitations, and the accounts of the own participant.

use crate::authenticator::Authenticator;
use crate::support::{Node, PASSWORD, Reply, Setup, node};
use serde_json::{Value, json};
use truce::participants::Office;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn invite(node: &Node, cookie: &str, body: Value) -> Reply {
    node.ask("POST", "/api/v1/invitations")
        .page(cookie)
        .json(&body)
        .send()
}

fn code(reply: &Reply) -> &str {
    reply.body["code"].as_str().unwrap()
}

fn accept(node: &Node, body: Value) -> Reply {
    node.ask("POST", "/api/v1/invitations/accept")
        .json(&body)
        .send()
}

#[test]
fn an_invitation_makes_one_account_and_is_used_up() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let chief = node.sign_in("chief");
    let invited = invite(
        &node,
        &chief,
        json!({"offices": ["duty_officer"], "languages": ["ru", "ar"]}),
    );
    assert_eq!(
        (invited.status, &invited.body["invitation"]["participant"]),
        (201, &json!("RU"))
    );
    let look = || {
        node.ask("POST", "/api/v1/invitations/look")
            .json(&json!({"code": code(&invited)}))
            .send()
    };
    assert_eq!(
        (look().status, &look().body["languages"]),
        (200, &json!(["ru", "ar"]))
    );
    let weak = accept(
        &node,
        json!({"code": code(&invited), "name": "desk-1", "password": "aaaaaaaaaaaaaaaa"}),
    );
    assert_eq!(
        (weak.status, &weak.body["field"]),
        (422, &json!("password"))
    );
    let taken = accept(
        &node,
        json!({"code": code(&invited), "name": "CHIEF", "password": PASSWORD}),
    );
    assert_eq!(taken.problem(), (409, "name_taken"));
    assert_eq!(
        accept(&node, json!({"code": code(&invited), "password": PASSWORD})).body["field"],
        "name"
    );
    let accepted = accept(
        &node,
        json!({"code": code(&invited), "name": "Desk-1", "password": PASSWORD}),
    );
    assert_eq!(
        (accepted.status, &accepted.body["name"]),
        (200, &json!("desk-1")),
        "{}",
        accepted.text
    );
    assert_eq!(accepted.body["offices"], json!(["duty_officer"]));
    assert!(!accepted.cookie().is_empty());
    let again = accept(
        &node,
        json!({"code": code(&invited), "name": "desk-2", "password": PASSWORD}),
    );
    assert_eq!(again.problem(), (404, "unknown"));
    assert_eq!(look().problem(), (404, "unknown"));
    node.sign_in("desk-1");
}

#[test]
fn an_invitation_can_be_accepted_with_a_passkey() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let chief = node.sign_in("chief");
    let invited = invite(&node, &chief, json!({"offices": ["auditor"]}));
    let mut key = Authenticator::new(3, &node.origin);
    let begin = |name: &str| {
        let body = json!({"code": code(&invited), "name": name, "label": "blue key"});
        node.ask("POST", "/api/v1/invitations/passkey/begin")
            .json(&body)
            .send()
    };
    assert_eq!(begin("chief").problem(), (409, "name_taken"));
    let begun = begin("auditor-1");
    let finish = json!({"ceremony": begun.body["ceremony"], "credential": key.create(&begun.body["options"])});
    let accepted = node
        .ask("POST", "/api/v1/invitations/passkey/finish")
        .json(&finish)
        .send();
    assert_eq!(
        (accepted.status, &accepted.body["name"]),
        (200, &json!("auditor-1")),
        "{}",
        accepted.text
    );
    assert_eq!(begin("auditor-2").status, 404, "it is used up");
    assert_eq!(
        node.try_sign_in("auditor-1", PASSWORD).status,
        401,
        "there is no password"
    );
    let begun = node
        .ask("POST", "/api/v1/session/passkey/begin")
        .json(&json!({}))
        .send();
    let finish =
        json!({"ceremony": begun.body["ceremony"], "credential": key.get(&begun.body["options"])});
    assert_eq!(
        node.ask("POST", "/api/v1/session/passkey/finish")
            .json(&finish)
            .send()
            .status,
        200
    );
}

#[test]
fn an_invitation_expires_and_can_be_taken_back() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    node.account("chief-us", "US", &[Office::Administrator]);
    let (chief, other) = (node.sign_in("chief"), node.sign_in("chief-us"));
    let (short, long) = (
        invite(&node, &chief, json!({"days": 1})),
        invite(&node, &chief, json!({"days": 30})),
    );
    let list = |cookie: &str| {
        node.ask("GET", "/api/v1/invitations")
            .page(cookie)
            .send()
            .body["total"]
            .clone()
    };
    assert_eq!((list(&chief), list(&other)), (json!(2), json!(0)));
    let id = long.body["invitation"]["id"].as_str().unwrap();
    let revoke = |cookie: &str| {
        node.ask("DELETE", &format!("/api/v1/invitations/{id}"))
            .page(cookie)
            .send()
            .status
    };
    assert_eq!(
        (revoke(&other), revoke(&chief), revoke(&chief)),
        (404, 204, 404)
    );
    assert_eq!(
        accept(
            &node,
            json!({"code": code(&long), "name": "desk-1", "password": PASSWORD})
        )
        .status,
        404
    );
    node.later(DAY);
    assert_eq!(
        accept(
            &node,
            json!({"code": code(&short), "name": "desk-1", "password": PASSWORD})
        )
        .status,
        404
    );
    for days in [0, 31] {
        let refused = invite(&node, &node.sign_in("chief"), json!({"days": days}));
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (422, &json!("days"))
        );
    }
}

#[test]
fn a_renewed_account_keeps_what_it_is_and_loses_every_old_way_in() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let desk = node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let (chief, stolen) = (node.sign_in("chief"), node.sign_in("desk-1"));
    let token = node.token(&stolen, &["read"]);
    let invited = invite(
        &node,
        &chief,
        json!({"renews": desk, "offices": ["head_of_mission"]}),
    );
    let look = node
        .ask("POST", "/api/v1/invitations/look")
        .json(&json!({"code": code(&invited)}))
        .send();
    assert_eq!(look.body["name"], "desk-1");
    let named = accept(
        &node,
        json!({"code": code(&invited), "name": "desk-9", "password": "six horses in a field"}),
    );
    assert_eq!((named.status, &named.body["field"]), (422, &json!("name")));
    let renewed = accept(
        &node,
        json!({"code": code(&invited), "password": "six horses in a field"}),
    );
    assert_eq!(
        (renewed.status, &renewed.body["name"]),
        (200, &json!("desk-1")),
        "{}",
        renewed.text
    );
    assert_eq!(renewed.body["offices"], json!(["duty_officer"]));
    assert_eq!(renewed.body["account"], json!(desk));
    assert_eq!(node.try_sign_in("desk-1", PASSWORD).status, 401);
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&stolen)
            .send()
            .status,
        401
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .bearer(&token)
            .send()
            .status,
        401
    );
}

#[test]
fn an_administrator_manages_accounts_of_the_own_participant_alone() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let foreign = node.account("desk-us", "US", &[Office::DutyOfficer]);
    let chief = node.sign_in("chief");
    let unknown = node::accounts::AccountId::random();
    let mut answers = Vec::new();
    for id in [foreign, unknown] {
        let path = format!("/api/v1/accounts/{id}");
        let replies = [
            node.ask("GET", &path).page(&chief).send(),
            node.ask("PATCH", &path)
                .page(&chief)
                .json(&json!({"disabled": true}))
                .send(),
            node.ask("DELETE", &path).page(&chief).send(),
            node.ask("DELETE", &format!("{path}/credentials"))
                .page(&chief)
                .send(),
            invite(&node, &chief, json!({"renews": id})),
        ];
        answers.push(replies.map(|reply| (reply.status, reply.text)));
    }
    assert_eq!(
        answers[0], answers[1],
        "another's account is answered like one that is not"
    );
    assert!(answers[0].iter().all(|(status, _)| *status == 404));
    node.sign_in("desk-us");
    let list = node.ask("GET", "/api/v1/accounts").page(&chief).send();
    assert_eq!(
        (&list.body["total"], &list.body["items"][0]["name"]),
        (&json!(1), &json!("chief"))
    );
}

#[test]
fn what_an_administrator_changes_holds_at_once() {
    let node = node();
    let own = node.account("chief", "RU", &[Office::Administrator]);
    let desk = node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let (chief, cookie) = (node.sign_in("chief"), node.sign_in("desk-1"));
    let token = node.token(&cookie, &["read"]);
    let alter = |id, body| {
        node.ask("PATCH", &format!("/api/v1/accounts/{id}"))
            .page(&chief)
            .json(&body)
            .send()
    };
    let who = || node.ask("GET", "/api/v1/session").page(&cookie).send();
    assert_eq!(
        alter(
            desk,
            json!({"offices": ["auditor"], "languages": ["sr-Latn"]})
        )
        .status,
        200
    );
    assert_eq!(
        (&who().body["offices"], &who().body["languages"]),
        (&json!(["auditor"]), &json!(["sr-Latn"]))
    );
    assert_eq!(
        alter(own, json!({"disabled": true})).problem(),
        (409, "own_account")
    );
    assert_eq!(
        alter(own, json!({"offices": []})).problem(),
        (409, "own_account")
    );
    assert_eq!(
        node.ask("DELETE", &format!("/api/v1/accounts/{own}"))
            .page(&chief)
            .send()
            .problem(),
        (409, "own_account")
    );
    assert_eq!(
        alter(desk, json!({"disabled": true})).body["disabled"],
        true
    );
    assert_eq!(who().status, 401);
    assert_eq!(alter(desk, json!({"disabled": false})).status, 200);
    assert_eq!(who().status, 401, "its sessions have ended for good");
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .bearer(&token)
            .send()
            .status,
        401
    );
    let cookie = node.sign_in("desk-1");
    assert_eq!(
        node.ask("DELETE", &format!("/api/v1/accounts/{desk}/credentials"))
            .page(&chief)
            .send()
            .status,
        204
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&cookie)
            .send()
            .status,
        401
    );
    let cookie = node.sign_in("desk-1");
    assert_eq!(
        node.ask("DELETE", &format!("/api/v1/accounts/{desk}"))
            .page(&chief)
            .send()
            .status,
        204
    );
    assert_eq!(
        node.ask("GET", "/api/v1/session")
            .page(&cookie)
            .send()
            .status,
        401
    );
    assert_eq!(node.try_sign_in("desk-1", PASSWORD).status, 401);
}

#[test]
fn who_is_no_administrator_administers_nothing() {
    let node = node();
    let desk = node.account("desk-1", "RU", &[Office::HeadOfMission]);
    let cookie = node.sign_in("desk-1");
    for (method, path) in [
        ("GET", "/api/v1/accounts".to_owned()),
        ("GET", format!("/api/v1/accounts/{desk}")),
        ("DELETE", format!("/api/v1/accounts/{desk}/credentials")),
        ("GET", "/api/v1/invitations".to_owned()),
    ] {
        assert_eq!(
            node.ask(method, &path).page(&cookie).send().problem(),
            (403, "scope"),
            "{method} {path}"
        );
        assert_eq!(
            node.ask(method, &path).send().status,
            401,
            "{method} {path}"
        );
    }
}

#[test]
fn accounts_are_paged_to_the_end_by_name() {
    let node = node();
    node.account("chief", "RU", &[Office::Administrator]);
    let chief = node.sign_in("chief");
    for i in 0..6 {
        node.account(&format!("desk-{i}"), "RU", &[]);
        node.account(&format!("desk-us-{i}"), "US", &[]);
    }
    let get = |path: &str| node.ask("GET", path).page(&chief).send();
    let mut names = Vec::new();
    let mut path = "/api/v1/accounts?limit=3".to_owned();
    loop {
        let page = get(&path);
        assert_eq!(
            (page.status, &page.body["total"]),
            (200, &json!(7)),
            "{}",
            page.text
        );
        names.extend(
            page.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        assert_eq!(
            get(&format!("/api/v1/invitations?cursor={next}")).problem(),
            (400, "bad_cursor"),
            "another list's"
        );
        path = format!("/api/v1/accounts?cursor={next}&limit=3");
    }
    let expected = [
        "chief", "desk-0", "desk-1", "desk-2", "desk-3", "desk-4", "desk-5",
    ];
    assert_eq!(names, expected);
    for (query, field) in [
        ("cursor=AAAA", "cursor"),
        ("cursor=", "cursor"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=1", "limit"),
        ("offset=3", "offset"),
        ("cursor=%00", "cursor"),
    ] {
        let bad = get(&format!("/api/v1/accounts?{query}"));
        assert_eq!(
            (bad.status, bad.body["field"].as_str()),
            (400, Some(field)),
            "{query}: {}",
            bad.text
        );
    }
}

#[test]
fn a_cursor_outlives_a_restart() {
    let first = node();
    first.account("chief", "RU", &[Office::Administrator]);
    first.account("desk-1", "RU", &[]);
    let page = |node: &Node, query: &str| {
        let chief = node.sign_in("chief");
        let path = format!("/api/v1/accounts?{query}");
        node.ask("GET", &path).page(&chief).send().body
    };
    let next = page(&first, "limit=1")["next"].clone();
    let dir = first.dir.clone();
    drop(first);
    let second = Setup {
        dir,
        ..Setup::default()
    }
    .start();
    let rest = page(&second, &format!("cursor={}", next.as_str().unwrap()));
    assert_eq!(rest["items"][0]["name"], "desk-1");
}
