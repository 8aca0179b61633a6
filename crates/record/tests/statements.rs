//! What a statement is, and every way in which something is not one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use record::audience::{Audience, Reader};
use record::encoding::{Hash, base64url};
use record::key::{Algorithm, SecretKey};
use record::name::LogId;
use record::statement::{Disclosure, Draft, Head, Kid, Leaf, Statement, StatementError};
use record::time::UtcMs;
use serde_json::{Value, json};

const NOW: UtcMs = UtcMs(1_466_499_600_123);

fn key(algorithm: Algorithm) -> SecretKey {
    SecretKey::from_seed(algorithm, &[3; 32]).unwrap()
}

fn log() -> LogId {
    LogId::new("truce.example/mission".parse().unwrap(), Hash([9; 32]))
}

fn names(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|n| n.parse().unwrap()))
}

fn said() -> Statement {
    Draft::new("message.send/1", "2016-06-21T12:00:00.123+03:00")
        .unwrap()
        .group(
            "body",
            names(&["RU", "US"]),
            json!({"text": "Is it still happening? نعم"}),
        )
        .unwrap()
        .group("source", names(&[]), json!({"officer": "night duty"}))
        .unwrap()
        .sign(&key(Algorithm::EdDsa), Kid::Index(4), &log(), NOW)
        .unwrap()
}

/// A leaf over any header and payload, rightly signed: malformed statements must fail for their form, not their signature.
fn forged(header: &str, payload: &str) -> String {
    let signing = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(payload.as_bytes())
    );
    let signature = key(Algorithm::EdDsa).sign(signing.as_bytes());
    format!("{signing}.{}", base64url(&signature))
}

const HEADER: &str = r#"{"alg":"EdDSA","kid":"4","typ":"truceline+sd-jwt"}"#;

fn payload() -> String {
    let digest = base64url(&[1; 32]);
    format!(
        r#"{{"_sd":["{digest}"],"iat":1466499600,"log":"{}","v":1}}"#,
        log()
    )
}

#[test]
fn a_statement_reads_back_and_its_leaf_is_small_and_tells_only_who_and_which_minute() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let statement = Draft::new("message.send/1", "2016-06-21T12:00:00.123+03:00")
            .unwrap()
            .group("body", names(&["RU"]), json!({"text": "x"}))
            .unwrap()
            .sign(&key(algorithm), Kid::Index(12), &log(), NOW)
            .unwrap();
        assert_eq!(Statement::parse(&statement.to_string()).unwrap(), statement);
        statement.leaf().verify(&key(algorithm).public()).unwrap();
        assert!(
            statement.leaf().text().len() <= 360,
            "{}",
            statement.leaf().text().len()
        );
        assert_eq!(statement.leaf().minute_s, 1_466_499_600);
        assert!(statement.is_complete());
    }
}

#[test]
fn a_recipient_of_one_group_gets_the_head_and_that_group_alone() {
    let ru = Reader::participant("RU".parse().unwrap(), true);
    let reduced = said().reduced(|_, group| group.audience.admits(&ru));
    assert_eq!(reduced.head(), said_head(&reduced));
    assert!(reduced.content("body").is_some());
    assert!(reduced.content("source").is_none());
    assert!(!reduced.is_complete());
    let again = Statement::parse(&reduced.to_string()).unwrap();
    assert_eq!(again, reduced);

    let public = said().reduced(|_, group| group.audience.admits(&Reader::public()));
    assert_eq!(public.to_string(), format!("{}~", public.leaf().text()));
}

fn said_head(statement: &Statement) -> Option<&Head> {
    assert_eq!(statement.head().unwrap().groups.len(), 2);
    statement.head()
}

#[test]
fn an_altered_disclosure_is_rejected() {
    let statement = said();
    let texts: Vec<String> = statement
        .disclosures()
        .map(|d| d.text().to_owned())
        .collect();
    let altered = base64url(
        String::from_utf8(record::encoding::from_base64url(&texts[1]).unwrap())
            .unwrap()
            .replace("still", "never")
            .as_bytes(),
    );
    let leaf = statement.leaf().text();
    for stray in [
        format!("{leaf}~{}~{altered}~", texts[0]),
        format!("{leaf}~{}~{}~{}~", texts[0], texts[1], texts[1]),
        format!("{leaf}~{}~", texts[1]),
        format!(
            "{leaf}~{}~{}~",
            texts[0],
            Disclosure::parse(&base64url(br#"["AAAAAAAAAAAAAAAAAAAAAA","content",{}]"#))
                .unwrap()
                .text()
        ),
    ] {
        assert!(
            matches!(
                Statement::parse(&stray),
                Err(StatementError::StrayDisclosure(_))
            ),
            "{stray}"
        );
    }
}

#[test]
fn the_order_of_disclosures_does_not_matter() {
    let statement = said();
    let mut texts: Vec<&str> = statement.disclosures().map(Disclosure::text).collect();
    texts.reverse();
    let turned = format!("{}~{}~", statement.leaf().text(), texts.join("~"));
    assert_eq!(Statement::parse(&turned).unwrap(), statement);
}

#[test]
fn every_malformed_leaf_is_refused_with_what_is_wrong() {
    let payload = payload();
    Leaf::parse(&forged(HEADER, &payload)).unwrap();
    let swap = |from: &str, to: &str| forged(HEADER, &payload.replace(from, to));
    let head = |from: &str, to: &str| forged(&HEADER.replace(from, to), &payload);
    let good = forged(HEADER, &payload);
    let flipped_last = {
        // The last character of 64 bytes carries four unused bits: a second spelling of the same signature.
        let last = good.chars().last().unwrap();
        let twin = if last == 'A' {
            'B'
        } else {
            char::from(last as u8 ^ 1)
        };
        format!("{}{twin}", &good[..good.len() - 1])
    };
    let cases = [
        (good[..good.len() - 20].to_owned(), "signature"),
        (String::new(), "header.payload.signature"),
        (format!("{good}.x"), "header.payload.signature"),
        (format!("{good}="), "canonical base64url"),
        (flipped_last, "canonical base64url"),
        ("A".repeat(17_000), "at most 16384"),
        (head("EdDSA", "none"), "\"none\" is not accepted"),
        (head("EdDSA", "HS256"), "\"HS256\" is not accepted"),
        (head("\"4\"", "4"), "kid"),
        (head("\"4\"", "\"04\""), "kid"),
        (head("truceline+sd-jwt", "JWT"), "typ"),
        (head("}", ",\"x\":1}"), "canonical form"),
        (head("{", "{ "), "canonical form"),
        (head(":\"4\"", ":\"4\",\"kid\":\"4\""), "twice"),
        (swap("\"v\":1", "\"v\":2"), "v must be 1"),
        (swap("\"v\":1", "\"v\":1,\"w\":1"), "canonical form"),
        (swap("1466499600", "1466499601"), "whole minute"),
        (swap("1466499600", "1466499600.0"), "not an integer"),
        (swap("1466499600", "-60"), "whole minute"),
        (swap("\"_sd\":[", "\"_sd\":[\"x\","), "exactly one digest"),
        (swap("\"_sd\":[", "\"_sd\":[[],"), "exactly one digest"),
        (swap("truce.example/mission#", "Truce#"), "origin"),
        (swap("#", "##"), "log"),
        (forged(HEADER, "{}"), "v must be 1"),
        (forged(HEADER, "[]"), "v must be 1"),
        (
            forged(HEADER, &payload.replace("\"_sd\"", "\"sd\"")),
            "_sd or kind",
        ),
        (
            forged(
                HEADER,
                &format!(
                    r#"{{"body":{{}},"iat":0,"kind":"message.send/1","log":"{}","v":1}}"#,
                    log()
                ),
            ),
            "no control statement",
        ),
        (
            forged(
                HEADER,
                &format!(
                    r#"{{"body":{{"a":{{"_sd":[]}}}},"iat":0,"kind":"key.grant/1","log":"{}","v":1}}"#,
                    log()
                ),
            ),
            "must not stand there",
        ),
        (
            forged(
                HEADER,
                &format!(
                    r#"{{"body":[],"iat":0,"kind":"key.grant/1","log":"{}","v":1}}"#,
                    log()
                ),
            ),
            "must be an object",
        ),
    ];
    for (text, word) in cases {
        let error = Leaf::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    assert_eq!(
        Leaf::parse(&good).unwrap().verify(
            &SecretKey::from_seed(Algorithm::EdDsa, &[8; 32])
                .unwrap()
                .public()
        ),
        Err(StatementError::Key(record::key::KeyError::Signature))
    );
    assert!(matches!(
        Leaf::parse(&good)
            .unwrap()
            .verify(&key(Algorithm::Es256).public()),
        Err(StatementError::OtherAlgorithm { .. })
    ));
}

#[test]
fn every_malformed_head_is_refused_with_its_member() {
    let digest = base64url(&[1; 32]);
    let good = json!({"kind": "message.send/1", "at": "2016-06-21T09:00:00Z", "body": {"aud": ["RU"], "_sd": [digest]}});
    Head::parse(&good).unwrap();
    let with = |name: &str, value: Value| {
        let mut head = good.clone();
        head[name] = value;
        head
    };
    let reference = format!("truce.example/ru#3:{digest}");
    Head::parse(&with("about", json!([reference]))).unwrap();
    for (head, word) in [
        (with("kind", json!("Message/1")), "kind"),
        (with("kind", json!("a.b.c/1")), "kind"),
        (with("kind", json!("a/0")), "kind"),
        (with("kind", json!("key.grant/1")), "wholly clear"),
        (with("at", json!("2016-06-21T09:00:00")), "offset"),
        (with("at", json!(1)), "at must be text"),
        (with("rules", json!("")), "rules"),
        (with("about", json!([])), "left out"),
        (with("about", json!(["x"])), "reference"),
        (with("about", json!(vec![reference.clone(); 17])), "1 to 16"),
        (with("prev", json!(reference)), "needs about"),
        (with("seen", json!(["x"])), "SHA-256"),
        (with("_sd", json!([])), "must not stand there"),
        (with("...", json!("x")), "must not stand there"),
        (
            with("Body", json!({"aud": [], "_sd": [digest]})),
            "no group name",
        ),
        (
            with("body", json!({"aud": [], "_sd": [digest], "x": 1})),
            "exactly aud and _sd",
        ),
        (
            with("body", json!({"aud": "public", "_sd": [digest]})),
            "names",
        ),
        (
            with("body", json!({"aud": ["ru"], "_sd": [digest]})),
            "call sign",
        ),
        (
            with("body", json!({"aud": ["RU", "RU"], "_sd": [digest]})),
            "twice",
        ),
        (
            with("body", json!({"aud": ["RU"], "_sd": [digest, digest]})),
            "exactly one",
        ),
        (
            json!({"kind": "message.send/1", "at": "2016-06-21T09:00:00Z"}),
            "groups",
        ),
        (json!([]), "object"),
    ] {
        let error = Head::parse(&head).expect_err(&head.to_string()).to_string();
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[test]
fn every_malformed_disclosure_is_refused() {
    let disclosure = |json: &str| Disclosure::parse(&base64url(json.as_bytes()));
    let salt = base64url(&[5; 16]);
    disclosure(&format!(r#"["{salt}","content",{{}}]"#)).unwrap();
    for bad in [
        format!(r#"["{salt}","content"]"#),
        format!(r#"["{salt}","content",{{}},1]"#),
        format!(r#"["{salt}",1,{{}}]"#),
        r#"["short","content",{}]"#.to_owned(),
        format!(r#"["{salt}","content",{{"a":1,"a":2}}]"#),
        format!(r#"["{salt}","content",{{"a":1.5}}]"#),
        format!(r#"["{salt}","content",[[[[[[[[1]]]]]]]]]"#),
        "{}".to_owned(),
    ] {
        assert!(disclosure(&bad).is_err(), "{bad}");
    }
    assert!(matches!(
        Disclosure::parse(&"A".repeat(300_000)),
        Err(StatementError::TooLarge { .. })
    ));
}

#[test]
fn drafts_name_the_member_that_is_wrong() {
    let parse = |text: &str| Draft::parse(text.as_bytes(), NOW);
    parse(r#"{"kind":"message.send/1","groups":{"body":{"aud":[],"content":{"x":1}}}}"#).unwrap();
    for (text, word) in [
        ("", "EOF"),
        ("{}", "kind is missing"),
        (r#"{"kind":"message.send/1"}"#, "groups"),
        (
            r#"{"kind":"message.send/1","grops":{}}"#,
            "grops is unknown",
        ),
        (
            r#"{"kind":"message.send/1","groups":{"body":{"aud":[]}}}"#,
            "groups.body",
        ),
        (
            r#"{"kind":"message.send/1","groups":{"at":{"aud":[],"content":{}}}}"#,
            "no group name",
        ),
        (
            r#"{"kind":"message.send/1","groups":{"body":{"aud":["all"],"content":{}}}}"#,
            "body.aud",
        ),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    let stray = parse(
        r#"{"kind":"message.send/1","groups":{"body":{"aud":[],"content":{"a":[{"...":"x"}]}}}}"#,
    )
    .unwrap();
    let refused = stray
        .sign(&key(Algorithm::EdDsa), Kid::Index(4), &log(), NOW)
        .unwrap_err();
    assert!(refused.to_string().contains("body.a[0]...."), "{refused}");
    let empty = parse(r#"{"kind":"message.send/1","groups":{}}"#).unwrap();
    assert!(
        empty
            .sign(&key(Algorithm::EdDsa), Kid::Index(4), &log(), NOW)
            .is_err()
    );
}

/// A statement over any head, rightly signed.
fn with_head(head: &Value, contents: &[&str]) -> String {
    let head = base64url(
        json!([base64url(&[3; 16]), "head", head])
            .to_string()
            .as_bytes(),
    );
    let digest = Hash::of(&[head.as_bytes()]).to_base64url();
    let leaf = forged(HEADER, &payload().replace(&base64url(&[1; 32]), &digest));
    let parts = contents.iter().map(|content| format!("{content}~"));
    format!("{leaf}~{head}~{}", parts.collect::<String>())
}

#[test]
fn two_groups_never_share_a_digest() {
    let content = base64url(
        json!([base64url(&[1; 16]), "content", {"a": 1}])
            .to_string()
            .as_bytes(),
    );
    let group =
        |aud: &[&str]| json!({"aud": aud, "_sd": [Hash::of(&[content.as_bytes()]).to_base64url()]});
    let mut head =
        json!({"kind": "message.send/1", "at": "2016-06-21T12:00:00Z", "body": group(&["RU"])});
    Statement::parse(&with_head(&head, &[&content])).unwrap();
    head["source"] = group(&[]);
    for contents in [&[content.as_str()][..], &[&content, &content]] {
        let refused = Statement::parse(&with_head(&head, contents)).unwrap_err();
        assert!(
            refused.to_string().contains("a digest of their own"),
            "{refused}"
        );
    }
}

#[test]
fn what_is_signed_is_small_enough_to_be_read() {
    let long = "x".repeat(150_000);
    let draft = ["a", "b", "c", "d", "e", "f"].iter().fold(
        Draft::new("message.send/1", "2016-06-21T12:00:00Z").unwrap(),
        |draft, name| {
            draft
                .group(name, names(&["RU"]), json!({"text": long}))
                .unwrap()
        },
    );
    let refused = draft.sign(&key(Algorithm::EdDsa), Kid::Index(4), &log(), NOW);
    assert!(matches!(refused, Err(StatementError::TooLarge { .. })));
}

#[test]
fn an_error_repeats_little_of_what_was_sent() {
    let name = format!("\u{1b}[2J{}", "m".repeat(3000));
    let body = json!({"aud": [1], "content": {}});
    for draft in [
        json!({"kind": "erase/1", "groups": {}, &name: 1}),
        json!({"kind": "erase/1", "groups": {&name: body}}),
        json!({"kind": "erase/1", "at": name, "groups": {}}),
        json!({"kind": "erase/1", "groups": {"body": {"aud": [name], "content": {}}}}),
    ] {
        let message = Draft::parse(draft.to_string().as_bytes(), NOW)
            .unwrap_err()
            .to_string();
        assert!(message.len() < 600, "{message}");
        assert!(!message.contains('\u{1b}'), "{message:?}");
    }
}

#[test]
fn a_long_name_above_many_members_costs_no_time() {
    // Copying the path for each member was half a million members times the name: gigabytes, before any signature.
    let content = json!({"n".repeat(60_000): vec![0; 60_000]});
    let draft = Draft::new("message.send/1", "2016-06-21T12:00:00Z").unwrap();
    let draft = draft.group("body", names(&["RU"]), content).unwrap();
    let said = draft
        .sign(&key(Algorithm::EdDsa), Kid::Index(4), &log(), NOW)
        .unwrap();
    assert!(said.is_complete());
}
