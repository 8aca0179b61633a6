//! Passkeys, with an authenticator in software.

use crate::authenticator::Authenticator;
use crate::support::{Node, Reply, Setup, node};
use node::accounts::CEREMONY_LASTS_MS;
use serde_json::{Value, json};
use truce::participants::Office;

fn begin(node: &Node, cookie: &str) -> Value {
    let reply = node
        .ask("POST", "/api/v1/passkeys/begin")
        .page(cookie)
        .json(&json!({"label": "blue key"}))
        .send();
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body
}

fn add(node: &Node, cookie: &str, authenticator: &mut Authenticator) -> Reply {
    let begun = begin(node, cookie);
    let finish = json!({"ceremony": begun["ceremony"], "credential": authenticator.create(&begun["options"])});
    node.ask("POST", "/api/v1/passkeys/finish")
        .page(cookie)
        .json(&finish)
        .send()
}

fn begin_sign_in(node: &Node, body: Value) -> Value {
    let reply = node
        .ask("POST", "/api/v1/session/passkey/begin")
        .json(&body)
        .send();
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body
}

fn finish_sign_in(node: &Node, ceremony: &Value, credential: &Value) -> Reply {
    let body = json!({"ceremony": ceremony, "credential": credential});
    node.ask("POST", "/api/v1/session/passkey/finish")
        .json(&body)
        .send()
}

#[test]
fn a_passkey_signs_in_by_name_and_without_one() {
    let node = node();
    node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let cookie = node.sign_in("desk-1");
    let mut key = Authenticator::new(1, &node.origin);
    let added = add(&node, &cookie, &mut key);
    assert_eq!(
        (added.status, &added.body["label"]),
        (201, &json!("blue key")),
        "{}",
        added.text
    );
    for body in [json!({"name": "DESK-1"}), json!({})] {
        let begun = begin_sign_in(&node, body.clone());
        assert_eq!(key.is_asked_for(&begun["options"]), body != json!({}));
        let signed_in = finish_sign_in(&node, &begun["ceremony"], &key.get(&begun["options"]));
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        let who = node
            .ask("GET", "/api/v1/session")
            .page(&signed_in.cookie())
            .send();
        assert_eq!(who.body["name"], "desk-1");
    }
    let list = node.ask("GET", "/api/v1/passkeys").page(&cookie).send();
    assert_eq!(
        (&list.body["total"], &list.body["items"][0]["last_used_on"]),
        (&json!(1), &json!("2016-06-21"))
    );
}

#[test]
fn a_ceremony_is_good_once_and_for_five_minutes() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let mut key = Authenticator::new(1, &node.origin);
    let begun = begin(&node, &cookie);
    let made = json!({"ceremony": begun["ceremony"], "credential": key.create(&begun["options"])});
    node.later(CEREMONY_LASTS_MS);
    let late = node
        .ask("POST", "/api/v1/passkeys/finish")
        .page(&cookie)
        .json(&made)
        .send();
    assert_eq!(late.problem(), (409, "ceremony_over"));
    assert_eq!(add(&node, &cookie, &mut key).status, 201);
    let begun = begin_sign_in(&node, json!({}));
    let proof = key.get(&begun["options"]);
    assert_eq!(
        finish_sign_in(&node, &begun["ceremony"], &proof).status,
        200
    );
    assert_eq!(
        finish_sign_in(&node, &begun["ceremony"], &proof).problem(),
        (409, "ceremony_over"),
        "not a second time"
    );
    let begun = begin_sign_in(&node, json!({}));
    node.later(CEREMONY_LASTS_MS);
    assert_eq!(
        finish_sign_in(&node, &begun["ceremony"], &key.get(&begun["options"])).problem(),
        (409, "ceremony_over")
    );
}

#[test]
fn a_proof_that_does_not_fit_signs_nobody_in() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let (one, two) = (node.sign_in("desk-1"), node.sign_in("desk-2"));
    let (mut first, mut second) = (
        Authenticator::new(1, &node.origin),
        Authenticator::new(2, &node.origin),
    );
    assert_eq!(add(&node, &one, &mut first).status, 201);
    assert_eq!(add(&node, &two, &mut second).status, 201);
    let wrong = |begin: Value, prove: &mut dyn FnMut(&Value) -> Value| {
        let begun = begin_sign_in(&node, begin);
        finish_sign_in(&node, &begun["ceremony"], &prove(&begun["options"]))
            .problem()
            .0
    };
    assert_eq!(
        wrong(json!({"name": "desk-1"}), &mut |options| second
            .get(options)),
        401,
        "another's passkey"
    );
    let challenge = |options: &Value| json!({"challenge": "AAAA", "rpId": options["rpId"]});
    assert_eq!(
        wrong(json!({}), &mut |options| first.get(&challenge(options))),
        401,
        "another challenge"
    );
    let elsewhere =
        |options: &Value| json!({"challenge": options["challenge"], "rpId": "evil.example"});
    assert_eq!(
        wrong(json!({}), &mut |options| first.get(&elsewhere(options))),
        401,
        "another relying party"
    );
    let mut phished = Authenticator::new(1, "https://evil.example");
    assert_eq!(
        wrong(json!({"name": "desk-1"}), &mut |options| phished
            .get(options)),
        401,
        "another origin"
    );
    let mut altered = |options: &Value| {
        let mut proof = first.get(options);
        proof["response"]["signature"] = second.get(options)["response"]["signature"].clone();
        proof
    };
    assert_eq!(wrong(json!({}), &mut altered), 401, "another's signature");
    first.flags = 0x01;
    assert_eq!(
        wrong(json!({}), &mut |options| first.get(options)),
        401,
        "the person was not verified"
    );
    first.flags = 0x05;
    assert_eq!(wrong(json!({}), &mut |_| json!({})), 422, "no proof at all");
    assert_eq!(wrong(json!({}), &mut |options| first.get(options)), 200);
}

#[test]
fn a_copied_authenticator_is_noticed_by_its_counter() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let mut key = Authenticator::new(1, &node.origin);
    assert_eq!(add(&node, &cookie, &mut key).status, 201);
    key.counter = 40;
    let sign_in = |key: &mut Authenticator| {
        let begun = begin_sign_in(&node, json!({}));
        finish_sign_in(&node, &begun["ceremony"], &key.get(&begun["options"])).status
    };
    assert_eq!(sign_in(&mut key), 200);
    key.counter = 39;
    assert_eq!(sign_in(&mut key), 401);
}

#[test]
fn a_name_without_passkeys_is_answered_like_one_with() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let mut key = Authenticator::new(1, &node.origin);
    assert_eq!(add(&node, &cookie, &mut key).status, 201);
    let mut asked = 0;
    for name in ["desk-1", "desk-2", "nobody", "somebody", "not/a name"] {
        let begun = begin_sign_in(&node, json!({"name": name}));
        let again = begin_sign_in(&node, json!({"name": name.to_uppercase()}));
        let members = |begun: &Value| {
            begun["options"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            members(&begun),
            [
                "allowCredentials",
                "challenge",
                "rpId",
                "timeout",
                "userVerification"
            ],
            "{name}"
        );
        let allowed = &begun["options"]["allowCredentials"];
        assert_eq!(
            allowed, &again["options"]["allowCredentials"],
            "{name}: the same each time"
        );
        assert!(
            allowed
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["type"] == "public-key" && one.as_object().unwrap().len() == 2)
        );
        asked += allowed.as_array().unwrap().len();
        if name != "desk-1" {
            let proof = key.get(&begun["options"]);
            assert_eq!(
                finish_sign_in(&node, &begun["ceremony"], &proof).problem(),
                (401, "wrong_credentials"),
                "{name}"
            );
        }
    }
    assert!(asked > 1, "some credentials were made up");
}

#[test]
fn a_passkey_is_registered_once_and_the_last_way_in_stays() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let (one, two) = (node.sign_in("desk-1"), node.sign_in("desk-2"));
    let mut key = Authenticator::new(1, &node.origin);
    let added = add(&node, &one, &mut key);
    let id = added.body["id"].as_str().unwrap();
    assert_eq!(
        add(&node, &two, &mut Authenticator::new(1, &node.origin)).problem(),
        (409, "passkey_known")
    );
    let excluded = begin(&node, &one);
    assert_eq!(
        excluded["options"]["excludeCredentials"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let remove = |cookie: &str| {
        node.ask("DELETE", &format!("/api/v1/passkeys/{id}"))
            .page(cookie)
            .send()
    };
    assert_eq!(remove(&two).status, 404, "another's passkey is not known");
    assert_eq!(
        node.ask("DELETE", "/api/v1/password")
            .page(&one)
            .send()
            .status,
        204
    );
    assert_eq!(
        node.try_sign_in("desk-1", crate::support::PASSWORD).status,
        401
    );
    assert_eq!(remove(&one).problem(), (409, "last_way"));
    let set = node
        .ask("PUT", "/api/v1/password")
        .page(&one)
        .json(&json!({"new": "six horses in a field"}))
        .send();
    assert_eq!(set.status, 204, "{}", set.text);
    assert_eq!(remove(&one).status, 204);
    assert_eq!(
        node.try_sign_in("desk-1", "six horses in a field").status,
        200
    );
}

#[test]
fn another_cannot_finish_my_ceremony() {
    let node = node();
    node.account("desk-1", "RU", &[]);
    node.account("desk-2", "RU", &[]);
    let (one, two) = (node.sign_in("desk-1"), node.sign_in("desk-2"));
    let mut key = Authenticator::new(1, &node.origin);
    let begun = begin(&node, &one);
    let made = json!({"ceremony": begun["ceremony"], "credential": key.create(&begun["options"])});
    let stolen = node
        .ask("POST", "/api/v1/passkeys/finish")
        .page(&two)
        .json(&made)
        .send();
    assert_eq!(stolen.problem(), (409, "ceremony_over"));
    let begun = begin(&node, &one);
    let as_sign_in = finish_sign_in(
        &node,
        &begun["ceremony"],
        &key.get(&json!({"challenge": "AA", "rpId": "localhost"})),
    );
    assert_eq!(as_sign_in.problem(), (409, "ceremony_over"));
}

#[test]
fn a_node_that_is_reached_by_an_address_has_no_passkeys_and_says_so() {
    let node = Setup {
        host: "127.0.0.1",
        ..Setup::default()
    }
    .start();
    node.account("desk-1", "RU", &[]);
    let cookie = node.sign_in("desk-1");
    let begun = node
        .ask("POST", "/api/v1/session/passkey/begin")
        .json(&json!({}))
        .send();
    assert_eq!(begun.problem(), (409, "no_passkeys"));
    let begun = node
        .ask("POST", "/api/v1/passkeys/begin")
        .page(&cookie)
        .json(&json!({"label": "key"}))
        .send();
    assert_eq!(begun.problem(), (409, "no_passkeys"));
}

#[test]
fn ceremonies_from_one_address_are_limited() {
    let node = node();
    for _ in 0..60 {
        begin_sign_in(&node, json!({"name": "desk-1"}));
    }
    let limited = node
        .ask("POST", "/api/v1/session/passkey/begin")
        .json(&json!({}))
        .send();
    assert_eq!(
        (limited.problem(), limited.header("retry-after")),
        ((429, "too_many_tries"), "2")
    );
    node.later(2_000);
    begin_sign_in(&node, json!({}));
}
