//! Statements and their parts.

use crate::fixed::{NOW, log_id, secret};
use crate::independent::{self, has_member, is_rfc3339, json_in_base64url};
use crate::{refused, seeds, text};
use record::audience::Reader;
use record::encoding::{Hash, base64url};
use record::json;
use record::key::Algorithm;
use record::statement::{
    Claims, Disclosure, Draft, GROUPS_MAX, Head, Kid, Leaf, STATEMENT_BYTES_MAX, Statement, TYPE,
};
use record::store::SLOTS;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

/// A leaf is written as it was read, says what another library reads in it, and verifies only if it was signed.
pub fn leaf(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Leaf::parse(text) {
        Ok(leaf) => check_leaf(text, &leaf),
        Err(error) => refused(&error),
    }
}

fn check_leaf(text: &str, leaf: &Leaf) {
    assert_eq!(leaf.text(), text);
    assert_eq!(leaf.hash(), record::c2sp::tree::leaf_hash(text.as_bytes()));
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("a leaf of {} parts", parts.len())
    };
    let signature = independent::base64(signature, independent::URL);
    assert_eq!(signature.map(|bytes| bytes.len()), Some(64));
    let header = json_in_base64url(header).expect("another library reads the header");
    let algorithm = leaf.algorithm.as_str();
    assert!(["EdDSA", "ES256"].contains(&algorithm));
    assert_eq!(
        header,
        json!({"alg": algorithm, "kid": leaf.kid.to_string(), "typ": TYPE})
    );
    let payload = json_in_base64url(payload).expect("another library reads the payload");
    let mut expected = json!({"iat": leaf.minute_s, "log": leaf.log.to_string(), "v": 1});
    match &leaf.claims {
        Claims::Sealed(digest) => expected["_sd"] = json!([digest.to_base64url()]),
        Claims::Control { kind, body } => {
            assert!(kind.is_control() && leaf.control().is_some());
            (expected["kind"], expected["body"]) = (kind.to_string().into(), json!(body));
            assert!(!has_member(&expected, &["_sd", "_sd_alg", "..."]));
        }
    }
    assert_eq!(payload, expected);
    assert!(leaf.minute_s >= 0 && leaf.minute_s % 60 == 0);
    check_signature(leaf);
}

fn check_signature(leaf: &Leaf) {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let verified = leaf.verify(&secret(algorithm, 3).public());
        if let Err(error) = &verified {
            refused(error);
        }
        let signing = leaf
            .text()
            .rsplit_once('.')
            .map_or("", |(signing, _)| signing);
        let was_signed = signed().contains(signing) && algorithm == leaf.algorithm;
        assert!(verified.is_err() || was_signed, "nobody signed this");
    }
}

/// Every signing input that a kept input carries: all that the keys here ever signed.
fn signed() -> &'static HashSet<String> {
    static SIGNED: OnceLock<HashSet<String>> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let kept = seeds::seeds().into_iter().map(|seed| seed.bytes);
        kept.filter_map(|bytes| {
            let text = String::from_utf8(bytes).ok()?;
            let leaf = text.split('~').next()?;
            Some(leaf.rsplit_once('.')?.0.to_owned())
        })
        .collect()
    })
}

/// A disclosure is written as it was read, and is the salt, name and value that another library reads.
pub fn disclosure(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Disclosure::parse(text) {
        Ok(disclosure) => {
            assert_eq!(disclosure.text(), text);
            assert_eq!(disclosure.digest(), Hash::of(&[bytes]));
            let other = json_in_base64url(text).expect("another library reads it");
            assert_eq!(other.as_array().map(Vec::len), Some(3));
            assert_eq!(&other[2], disclosure.value());
            assert!(other[1].is_string());
            let salt = independent::base64(other[0].as_str().unwrap_or(""), independent::URL);
            assert!(salt.is_some_and(|salt| salt.len() >= 16));
        }
        Err(error) => refused(&error),
    }
}

/// What a head says is what stands in it, member by member.
pub fn head(bytes: &[u8]) {
    let Ok(value) = json::parse(bytes) else {
        return;
    };
    match Head::parse(&value) {
        Ok(head) => check_head(&value, &head),
        Err(error) => refused(&error),
    }
}

fn check_head(value: &Value, head: &Head) {
    let mut expected = Map::new();
    expected.insert("kind".into(), head.kind.to_string().into());
    expected.insert("at".into(), head.at.clone().into());
    let texts = |items: Vec<String>| (!items.is_empty()).then(|| Value::from(items));
    let optional = [
        ("rules", head.rules.clone().map(Value::from)),
        (
            "prev",
            head.prev.as_ref().map(|prev| prev.to_string().into()),
        ),
        (
            "about",
            texts(head.about.iter().map(ToString::to_string).collect()),
        ),
        (
            "seen",
            texts(head.seen.iter().map(ToString::to_string).collect()),
        ),
    ];
    for (name, member) in optional {
        expected.extend(member.map(|member| (name.to_owned(), member)));
    }
    for (name, group) in &head.groups {
        let names: Vec<String> = group.audience.names().map(ToString::to_string).collect();
        let group = json!({"aud": names, "_sd": [group.digest.to_base64url()]});
        expected.insert(name.clone(), group);
    }
    assert_eq!(
        Head::parse(&Value::Object(expected.clone())).as_ref(),
        Ok(head)
    );
    assert_eq!(
        with_sorted_audiences(value),
        with_sorted_audiences(&Value::Object(expected))
    );
    assert!(is_rfc3339(&head.at), "not RFC 3339: {:?}", head.at);
    assert!(!head.kind.is_control() && (1..=GROUPS_MAX).contains(&head.groups.len()));
    let digests: BTreeSet<&Hash> = head.groups.values().map(|group| &group.digest).collect();
    assert_eq!(
        digests.len(),
        head.groups.len(),
        "a digest that stands twice"
    );
    for group in head.groups.values() {
        assert!(head.recipients().reaches(&group.audience));
    }
}

/// Whose order in an audience does not matter.
fn with_sorted_audiences(head: &Value) -> Value {
    let mut head = head.clone();
    for group in head.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(names) = group.get_mut("aud").and_then(Value::as_array_mut) {
            names.sort_by_key(ToString::to_string);
        }
    }
    head
}

/// A statement is its leaf and its disclosures, in whatever order, and every part of it that a reader may get is one too.
pub fn statement(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Statement::parse(text) {
        Ok(statement) => {
            check_parts(text, &statement);
            check_statement(&statement);
        }
        Err(error) => refused(&error),
    }
}

fn check_parts(text: &str, statement: &Statement) {
    let written = statement.to_string();
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split('~').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    assert_eq!(
        sorted(&written),
        sorted(text),
        "not the parts that were read"
    );
    let mut reversed: Vec<&str> = text.split('~').collect();
    let last = reversed.len() - 1;
    reversed[1..last].reverse();
    assert_eq!(
        Statement::parse(&reversed.join("~")).as_ref(),
        Ok(statement)
    );
}

fn check_statement(statement: &Statement) {
    check_leaf(statement.leaf().text(), statement.leaf());
    assert_eq!(
        Statement::parse(&statement.to_string()).as_ref(),
        Ok(statement)
    );
    let disclosures: Vec<Disclosure> = statement.disclosures().cloned().collect();
    let again = Statement::assemble(statement.leaf().clone(), disclosures.clone());
    assert_eq!(again.as_ref(), Ok(statement));
    let bare = Statement::assemble(statement.leaf().clone(), Vec::new());
    assert!(
        bare.is_ok_and(|bare| bare.head().is_none()),
        "the leaf alone"
    );
    let slots: Vec<u64> = statement.slots().map(|(slot, _)| slot).collect();
    assert_eq!(slots.len(), disclosures.len());
    assert!(slots.is_sorted_by(|one, other| one < other) && slots.iter().all(|slot| *slot < SLOTS));
    let Some(head) = statement.head() else {
        assert!(disclosures.is_empty());
        return;
    };
    let value = statement.disclosures().next().map(Disclosure::value);
    check_head(value.expect("the head is the first"), head);
    for disclosure in disclosures.iter().skip(1) {
        assert!(disclosure.value().is_object());
        assert!(!has_member(disclosure.value(), &["_sd", "_sd_alg", "..."]));
    }
    check_reductions(statement, head);
    // One byte of a disclosure altered, and it belongs to no digest.
    let altered = base64url(br#"["AAAAAAAAAAAAAAAAAAAAAA","content",{"altered":true}]"#);
    assert!(Statement::parse(&format!("{statement}{altered}~")).is_err());
    for part in &disclosures {
        let twice = format!("{statement}{}~", part.text());
        assert!(
            Statement::parse(&twice).is_err(),
            "a disclosure given twice"
        );
    }
}

/// Whatever groups are kept, the rest is a statement that says no more than that.
fn check_reductions(statement: &Statement, head: &Head) {
    let names: Vec<&String> = head.groups.keys().collect();
    for mask in [0_usize, 1, 2, 5, 0b1010_1010, 0xff] {
        let kept = |name: &str| {
            names
                .iter()
                .position(|n| *n == name)
                .is_some_and(|at| mask >> at & 1 == 1)
        };
        check_reduced(statement, &statement.reduced(|name, _| kept(name)), &kept);
    }
    let public = Reader::public();
    let for_all = statement.reduced(|_, group| group.audience.admits(&public));
    let admitted = |name: &str| head.groups[name].audience.admits(&public);
    check_reduced(statement, &for_all, &admitted);
}

fn check_reduced(whole: &Statement, reduced: &Statement, kept: &dyn Fn(&str) -> bool) {
    assert_eq!(
        Statement::parse(&reduced.to_string()).as_ref(),
        Ok(reduced),
        "it does not read back"
    );
    assert_eq!(reduced.leaf(), whole.leaf());
    let Some(head) = whole.head() else { return };
    for name in head.groups.keys() {
        let expected = whole.content(name).filter(|_| kept(name));
        assert_eq!(reduced.content(name), expected, "group {name}");
        if let Some(content) = whole.content(name).filter(|_| !kept(name)) {
            assert!(
                reduced.disclosures().all(|part| part.value() != content)
                    || same_content(whole, content) > 1
            );
        }
    }
    assert_eq!(
        reduced.head().is_some(),
        head.groups.keys().any(|name| kept(name))
    );
}

fn same_content(statement: &Statement, content: &Value) -> usize {
    statement
        .disclosures()
        .filter(|part| part.value() == content)
        .count()
}

/// A draft that is read can be signed or says why not; what is signed parses, verifies and says what the draft says.
pub fn draft(bytes: &[u8]) {
    let draft = match Draft::parse(bytes, NOW) {
        Ok(draft) => draft,
        Err(error) => return refused(&error),
    };
    let wanted: Value = serde_json::from_slice(bytes).expect("another library reads it");
    let key = secret(Algorithm::EdDsa, 3);
    let statement = match draft.sign(&key, Kid::Index(4), &log_id(), NOW) {
        Ok(statement) => statement,
        Err(error) => return refused(&error),
    };
    let written = statement.to_string();
    assert!(written.len() <= STATEMENT_BYTES_MAX);
    assert_eq!(Statement::parse(&written).as_ref(), Ok(&statement));
    assert_eq!(statement.leaf().verify(&key.public()), Ok(()));
    assert!(statement.is_complete());
    let head = statement.head().expect("a whole statement has its head");
    assert_eq!(wanted["kind"], head.kind.to_string());
    assert_eq!(
        wanted
            .get("at")
            .map_or(&*NOW.to_string(), |at| at.as_str().unwrap_or("")),
        head.at
    );
    let groups = wanted["groups"].as_object().expect("a draft has groups");
    assert!(groups.keys().eq(head.groups.keys()));
    for (name, group) in groups {
        assert_eq!(statement.content(name), Some(&group["content"]));
        let names: BTreeSet<String> = head.groups[name]
            .audience
            .names()
            .map(ToString::to_string)
            .collect();
        let wanted = group["aud"].as_array().expect("an audience is a list");
        assert!(
            names.iter().map(String::as_str).eq(wanted
                .iter()
                .filter_map(Value::as_str)
                .collect::<BTreeSet<_>>())
        );
    }
    check_reductions(&statement, head);
}
