//! The page on which an invitation is accepted: without scripts, and with the API's rules.

use crate::exercise::Exercise;
use crate::support::{Node, PASSWORD, Reply, Setup};
use node::accounts::{NewInvitation, rate::ADDRESS_RATE};
use node::http::node_routes;
use std::sync::Arc;
use truce::participants::Office;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A door with the pages of an exercise's node behind it.
struct Room {
    node: Node,
    _exercise: Exercise,
}

fn room() -> Room {
    let exercise = Exercise::of(&["RU"]);
    let setup = Setup {
        routes: node_routes(Arc::clone(exercise.node())),
        ..Setup::default()
    };
    Room {
        node: setup.start(),
        _exercise: exercise,
    }
}

impl Room {
    fn code(&self) -> String {
        let invitation = NewInvitation {
            offices: [Office::DutyOfficer].into(),
            languages: vec![],
            renews: None,
            lasts_ms: DAY,
        };
        let participant = "RU".parse().unwrap();
        let (_, code) = self
            .node
            .app
            .accounts
            .issue(participant, invitation)
            .unwrap();
        code.reveal().to_owned()
    }

    fn follow(&self, code: &str) -> Reply {
        let path = format!("/invitation?code={code}");
        self.node.ask("GET", &path).undocumented().send()
    }

    /// Sends a form of the page, as a browser does.
    fn send(&self, fields: &[(&str, &str)]) -> Reply {
        let fields = fields.iter().map(|(name, value)| {
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{name}={value}")
        });
        self.node
            .ask("POST", "/invitation")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(fields.collect::<Vec<_>>().join("&"))
            .undocumented()
            .send()
    }

    fn accept(&self, code: &str, name: &str, password: &str, again: &str) -> Reply {
        self.send(&[
            ("code", code),
            ("name", name),
            ("password", password),
            ("again", again),
        ])
    }
}

/// What every page keeps: no script, no style in it, no field without a label.
fn expect_plain(page: &Reply) {
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("cache-control"), "no-store");
    let text = &page.text;
    for not in ["<script", "style=", " onclick", "javascript:"] {
        assert!(!text.contains(not), "{not} in {text}");
    }
    assert!(text.contains("<html lang=\"en\""), "{text}");
    assert!(text.contains("href=\"#main\""), "a way past the header");
    let ids: Vec<&str> = text
        .match_indices("<input id=\"")
        .map(|(at, found)| text[at + found.len()..].split('"').next().unwrap())
        .collect();
    assert!(!ids.is_empty(), "{text}");
    for id in ids {
        assert!(text.contains(&format!("<label for=\"{id}\">")), "{id}");
    }
    for (at, found) in text.match_indices("aria-describedby=\"") {
        let described = text[at + found.len()..].split('"').next().unwrap();
        for id in described.split(' ') {
            assert!(text.contains(&format!("id=\"{id}\"")), "{id}: {text}");
        }
    }
}

#[test]
fn who_follows_the_link_chooses_name_and_password_and_is_signed_in() {
    let room = room();
    let code = room.code();
    let page = room.follow(&code);
    assert_eq!(page.status, 200, "{}", page.text);
    expect_plain(&page);
    for words in ["<dd>RU</dd>", "<dd>duty officer</dd>", "EXERCISE"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let again = room.follow(&code);
    assert_eq!(again.text, page.text, "to look does not use it up");
    let accepted = room.accept(&code, "Desk-1", PASSWORD, PASSWORD);
    assert_eq!(
        (accepted.status, accepted.header("location")),
        (303, "/"),
        "{}",
        accepted.text
    );
    let cookie = accepted.cookie();
    let me = room.node.ask("GET", "/api/v1/session").page(&cookie).send();
    assert_eq!(me.body["name"], "desk-1");
    assert_eq!(me.body["participant"], "RU");
    room.node.sign_in("desk-1");
}

#[test]
fn the_code_can_be_typed_and_a_blank_beside_it_is_nothing() {
    let room = room();
    let code = room.code();
    let page = room.node.ask("GET", "/invitation").undocumented().send();
    assert_eq!(page.status, 200);
    expect_plain(&page);
    let looked = room.send(&[("code", &format!(" {code}\r\n"))]);
    assert_eq!(looked.status, 200, "{}", looked.text);
    assert_eq!(looked.text, room.follow(&code).text);
}

#[test]
fn wrong_used_expired_and_revoked_invitations_are_answered_in_the_same_bytes() {
    let room = room();
    let (used, expired) = (room.code(), room.code());
    assert_eq!(room.accept(&used, "desk-1", PASSWORD, PASSWORD).status, 303);
    room.node.later(DAY);
    let never = format!("inv_{}", "A".repeat(43));
    let first = room.follow(&never);
    assert_eq!(first.status, 404);
    expect_plain(&first);
    assert!(first.text.contains("This invitation cannot be used"));
    assert!(!first.text.contains("RU"), "it tells nothing else");
    let markup = "%22%3E%3Cb%3E";
    for code in [&used, &expired, "", "inv_", "x", markup] {
        let reply = room.follow(code);
        assert_eq!((reply.status, &reply.text), (404, &first.text), "{code:?}");
    }
    for code in [&used, &expired, &never] {
        let tries = [
            room.send(&[("code", code)]),
            room.accept(code, "desk-2", PASSWORD, PASSWORD),
            room.accept(code, "desk-1", PASSWORD, PASSWORD),
            room.accept(code, "desk-2", PASSWORD, "another one, also long"),
            room.accept(code, "desk-2", "short", "short"),
            room.send(&[("code", code), ("password", PASSWORD), ("again", PASSWORD)]),
        ];
        for reply in tries {
            assert_eq!((reply.status, &reply.text), (404, &first.text), "{code}");
        }
    }
}

#[test]
fn what_is_not_accepted_is_said_at_its_field_and_the_name_is_kept() {
    let room = room();
    room.node.account("chief", "RU", &[Office::Administrator]);
    let code = room.code();
    let other = "another one, also long";
    for (name, password, again, status, field, words) in [
        (
            "desk-1",
            "aaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaa",
            422,
            "password",
            "Password ",
        ),
        (
            "desk-1",
            PASSWORD,
            other,
            422,
            "again",
            "The two passwords are not the same.",
        ),
        (
            "CHIEF",
            PASSWORD,
            PASSWORD,
            409,
            "name",
            "This sign-in name is taken",
        ),
        (
            "<b>",
            PASSWORD,
            PASSWORD,
            422,
            "name",
            "Name is a sign-in name",
        ),
    ] {
        let page = room.accept(&code, name, password, again);
        assert_eq!(page.status, status, "{field}: {}", page.text);
        expect_plain(&page);
        assert!(page.text.contains("<title>Not accepted"), "{}", page.text);
        let said = format!("role=\"alert\">{words}");
        assert!(page.text.contains(&said), "{said}: {}", page.text);
        let at = page.text.find("aria-invalid").unwrap();
        let input = page.text[..at].rfind("<input id=\"").unwrap();
        assert!(page.text[input..].starts_with(&format!("<input id=\"{field}\"")));
        let kept = name.replace('<', "&#60;").replace('>', "&#62;");
        assert!(
            page.text.contains(&format!("value=\"{kept}\"")),
            "{}",
            page.text
        );
        assert!(!page.text.contains(password), "no password comes back");
    }
    assert_eq!(room.accept(&code, "desk-1", PASSWORD, PASSWORD).status, 303);
}

#[test]
fn a_renewed_account_keeps_its_name() {
    let room = room();
    let desk = room.node.account("desk-1", "RU", &[Office::DutyOfficer]);
    let old = room.node.sign_in("desk-1");
    let invitation = NewInvitation {
        offices: [].into(),
        languages: vec![],
        renews: Some(desk),
        lasts_ms: DAY,
    };
    let accounts = &room.node.app.accounts;
    let (_, code) = accounts.issue("RU".parse().unwrap(), invitation).unwrap();
    let page = room.follow(code.reveal());
    expect_plain(&page);
    assert!(
        page.text.contains("<strong>desk-1</strong>"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("name=\"name\""),
        "there is none to choose"
    );
    let new = "five oxen at the river";
    let fields = [("code", code.reveal()), ("password", new), ("again", new)];
    assert_eq!(room.send(&fields).status, 303);
    assert_eq!(room.node.try_sign_in("desk-1", new).status, 200);
    let before = room.node.ask("GET", "/api/v1/session").page(&old).send();
    assert_eq!(before.status, 401);
}

#[test]
fn codes_cannot_be_tried_without_end_and_another_sites_page_accepts_nothing() {
    let room = room();
    let code = room.code();
    let foreign = room
        .node
        .ask("POST", "/invitation")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(format!("code={code}"))
        .undocumented()
        .send();
    assert_eq!(foreign.problem(), (403, "cross_site"));
    for _ in 0..ADDRESS_RATE.burst {
        assert_eq!(room.follow("inv_guess").status, 404);
    }
    for reply in [
        room.follow("inv_guess"),
        room.follow(&code),
        room.accept(&code, "desk-1", PASSWORD, PASSWORD),
    ] {
        assert_eq!(reply.status, 429);
        assert_eq!(reply.header("retry-after"), "6");
        expect_plain(&reply);
        assert!(reply.text.contains("Too many tries"), "{}", reply.text);
    }
    room.node.later(ADDRESS_RATE.refill_ms);
    assert_eq!(room.follow(&code).status, 200);
}
