//! The inputs that are kept: for each target some that are right, made by the record's own code, and some of each way of
//! being wrong. Nothing in them is random, so that making them again changes no file.

use crate::fixed::{Branch, NOW_S, WITNESSES, log_id, log_key, secret, witness_key};
use crate::table_seeds;
use record::c2sp::note::{MAX_SIGNATURES, Note, Signature, SignerKey};
use record::c2sp::proof::Receipt;
use record::c2sp::tile::encode_bundle;
use record::c2sp::tree::{consistency_proof, inclusion_proof};
use record::c2sp::witness::{AddCheckpoint, Evidence};
use record::encoding::{Hash, base64url};
use record::key::{Algorithm, SecretKey};
use serde_json::{Value, json};
use std::path::PathBuf;

/// One kept input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Whose corpus it is in.
    pub target: &'static str,
    /// Its file's name: what is special about it.
    pub name: &'static str,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Where corpora are kept.
#[must_use]
pub fn corpus_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// All inputs that are made; the corpora may have more, which were found.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (target, inputs) in [
        ("json", json_texts()),
        ("base64", base64()),
        ("name", names()),
        ("kind", kinds()),
        ("time", times()),
        ("leaf", leaves()),
        ("disclosure", disclosures()),
        ("head", heads()),
        ("statement", statements()),
        ("draft", drafts()),
        ("jwk", jwks()),
        ("key_file", key_files()),
        ("key_ring", key_rings()),
        ("verifier_key", verifier_keys()),
        ("signer_key", signer_keys()),
        ("note", notes()),
        ("checkpoint", checkpoints()),
        ("cosignature", cosignatures()),
        ("tile_path", tile_paths()),
        ("entry_bundle", entry_bundles()),
        ("inclusion", inclusions()),
        ("consistency", consistencies()),
        ("receipt", receipts()),
        ("add_checkpoint", requests()),
        ("witness_answer", answers()),
        ("witness_steps", steps()),
        ("evidence", evidence()),
        ("head_file", head_files()),
        ("sealed", sealed()),
        ("attachment", attachments()),
        ("scenario", scenarios()),
        ("search_form", table_seeds::search_forms()),
        ("place_entry", table_seeds::place_entries()),
        ("ged_csv", table_seeds::ged()),
        ("reports_csv", table_seeds::reports()),
        ("tally_csv", table_seeds::tallies()),
        ("places_csv", table_seeds::places()),
        ("claims_csv", table_seeds::claims()),
        ("toll_csv", table_seeds::tolls()),
    ] {
        seeds.extend(inputs.into_iter().map(|(name, bytes)| Seed {
            target,
            name,
            bytes,
        }));
    }
    seeds
}

pub(crate) type Inputs = Vec<(&'static str, Vec<u8>)>;

pub(crate) fn texts<const N: usize>(inputs: [(&'static str, &str); N]) -> Inputs {
    inputs
        .map(|(name, text)| (name, text.as_bytes().to_vec()))
        .to_vec()
}

pub(crate) fn owned<const N: usize>(inputs: [(&'static str, String); N]) -> Inputs {
    inputs
        .map(|(name, text)| (name, text.into_bytes()))
        .to_vec()
}

fn json_texts() -> Inputs {
    texts([
        (
            "members-of-every-kind",
            r#"{"a":[1,-2,9007199254740991],"b":{"c":null,"d":true},"e":"نعم é\n"}"#,
        ),
        ("duplicate-member", r#"{"a":{"b":1,"b":2}}"#),
        ("duplicate-member-escaped", r#"{"a":1,"\u0061":2}"#),
        ("number-of-2-to-the-53", "[9007199254740992]"),
        ("not-an-integer", "[1.0]"),
        ("minus-zero", "[-0]"),
        ("nine-arrays", "[[[[[[[[[]]]]]]]]]"),
        ("nine-levels-with-an-empty-object", "[[[[[[[[{}]]]]]]]]"),
        ("lone-surrogate", r#"["\ud800"]"#),
        ("trailing-text", "{} {}"),
        ("byte-order-mark", "\u{feff}{}"),
    ])
}

fn base64() -> Inputs {
    texts([
        ("a-hash", "iWzeIPgMDTlAS3a9GdWNcl4J0SEVvlaMTmQTAA6hMJU"),
        ("padded", "AA=="),
        ("padded-twice", "AA===="),
        ("trailing-bits", "AB"),
        ("trailing-bits-padded", "AAB="),
        ("one-character", "A"),
        ("newline", "AAAA\n"),
        ("other-alphabet", "-_+/"),
        ("padding-in-between", "AA==AAAA"),
    ])
}

fn names() -> Inputs {
    let hash = Hash([7; 32]).to_string();
    let half = base64url(&[9; 16]);
    owned([
        ("origin", "truce.example/mission".into()),
        ("call-sign", "MISSION".into()),
        ("audience-word", "parties".into()),
        ("log", format!("truce.example/mission#{half}")),
        (
            "log-with-trailing-bits",
            format!("truce.example/mission#{}h", &half[..21]),
        ),
        ("reference", format!("truce.example/mission#412:{hash}")),
        (
            "reference-with-leading-zero",
            format!("truce.example/mission#0412:{hash}"),
        ),
        (
            "reference-beyond-2-to-the-53",
            format!("a#9007199254740992:{hash}"),
        ),
        ("origin-with-scheme", "https://truce.example".into()),
        ("origin-too-long", "a".repeat(121)),
        ("not-ascii", "trüce.example/١".into()),
    ])
}

fn kinds() -> Inputs {
    texts([
        ("message", "message.send/1"),
        ("control", "key.grant/1"),
        ("one-word", "erase/1"),
        ("two-dots", "a.b.c/1"),
        ("version-zero", "message.send/0"),
        ("leading-zero", "message.send/01"),
        ("version-too-large", "message.send/10000"),
        ("kid-index", "412"),
        ("kid-recovery", "0/recovery"),
        ("kid-beyond-2-to-the-53", "9007199254740992"),
    ])
}

fn times() -> Inputs {
    texts([
        ("with-offset", "2016-06-21T12:00:00+03:00"),
        ("milliseconds", "2016-06-21T12:00:00.123Z"),
        ("leap-second", "2016-12-31T23:59:60Z"),
        ("without-offset", "2016-06-21T12:00:00"),
        (
            "with-time-zone-in-brackets",
            "2016-06-21T12:00:00+03:00[Europe/Kyiv]",
        ),
        ("basic-form", "20160621T120000Z"),
        ("offset-of-hours-only", "2016-06-21T12:00:00+03"),
        ("space-between", "2016-06-21 12:00:00Z"),
        ("far-past", "-009999-01-02T00:00:00Z"),
        ("comma", "2016-06-21T12:00:00,5Z"),
        ("thirtieth-of-february", "2016-02-30T12:00:00Z"),
    ])
}

const HEADER: &str = r#"{"alg":"EdDSA","kid":"4","typ":"truceline+sd-jwt"}"#;

fn author() -> SecretKey {
    secret(Algorithm::EdDsa, 3)
}

fn sealed_payload(digest: &str) -> String {
    format!(
        r#"{{"_sd":["{digest}"],"iat":1466499600,"log":"{}","v":1}}"#,
        log_id()
    )
}

/// Any header and payload, rightly signed.
fn signed(key: &SecretKey, header: &str, payload: &str) -> String {
    let signing = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(payload.as_bytes())
    );
    let signature = base64url(&key.sign(signing.as_bytes()));
    format!("{signing}.{signature}")
}

fn leaves() -> Inputs {
    let digest = base64url(&[1; 32]);
    let payload = sealed_payload(&digest);
    let good = signed(&author(), HEADER, &payload);
    let with_header = |from: &str, to: &str| signed(&author(), &HEADER.replace(from, to), &payload);
    let with_payload = |from: &str, to: &str| signed(&author(), HEADER, &payload.replace(from, to));
    let control = format!(
        r#"{{"body":{{"office":"duty desk"}},"iat":1466499600,"kind":"office.open/1","log":"{}","v":1}}"#,
        log_id()
    );
    owned([
        ("sealed", good.clone()),
        (
            "es256",
            signed(
                &secret(Algorithm::Es256, 3),
                &HEADER.replace("EdDSA", "ES256"),
                &payload,
            ),
        ),
        ("control", signed(&author(), HEADER, &control)),
        (
            "control-with-a-stray-digest",
            signed(
                &author(),
                HEADER,
                &control.replace("office\":\"", "_sd\":\""),
            ),
        ),
        ("algorithm-none", with_header("EdDSA", "none")),
        ("algorithm-unknown", with_header("EdDSA", "HS256")),
        (
            "members-not-sorted",
            with_payload("\"v\":1}", "\"a\":0}").replace("\"a\":0", "\"v\":1,\"a\":0"),
        ),
        (
            "duplicate-member",
            with_payload("\"v\":1}", "\"v\":1,\"v\":1}"),
        ),
        ("two-digests", with_payload("\"],\"iat", "\",\"AA\"],\"iat")),
        (
            "seconds-and-not-minutes",
            with_payload("1466499600", "1466499601"),
        ),
        (
            "key-index-with-leading-zero",
            with_header("\"4\"", "\"04\""),
        ),
        ("padded", good.clone() + "=="),
        ("truncated", good[..good.len() / 2].to_owned()),
    ])
}

fn disclosed(salt: u8, name: &str, value: &Value) -> String {
    let salt = base64url(&[salt; 16]);
    base64url(json!([salt, name, value]).to_string().as_bytes())
}

fn digest(disclosure: &str) -> String {
    Hash::of(&[disclosure.as_bytes()]).to_base64url()
}

fn disclosures() -> Inputs {
    let spelled = |text: &str| base64url(text.as_bytes());
    owned([
        (
            "content",
            disclosed(1, "content", &json!({"text": "Is it still happening? نعم"})),
        ),
        (
            "white-space-is-allowed",
            spelled("[ \"AAAAAAAAAAAAAAAAAAAAAA\" , \"content\", {\n} ]"),
        ),
        ("short-salt", spelled(r#"["AAAA","content",{}]"#)),
        (
            "salt-with-trailing-bits",
            spelled(r#"["AAAAAAAAAAAAAAAAAAAAAB","content",{}]"#),
        ),
        ("without-name", spelled(r#"["AAAAAAAAAAAAAAAAAAAAAA",{}]"#)),
        (
            "duplicate-member",
            spelled(r#"["AAAAAAAAAAAAAAAAAAAAAA","content",{"a":1,"a":2}]"#),
        ),
        (
            "not-an-integer",
            spelled(r#"["AAAAAAAAAAAAAAAAAAAAAA","content",{"a":0.5}]"#),
        ),
        (
            "too-deep",
            spelled(r#"["AAAAAAAAAAAAAAAAAAAAAA","content",[[[[[[[[1]]]]]]]]]"#),
        ),
        ("truncated", spelled(r#"["AAAAAAAAAAAAAAAAAAAAAA","cont"#)),
        ("empty", String::new()),
    ])
}

fn head_value(body: &str, source: &str) -> Value {
    json!({
        "kind": "message.send/1", "at": "2016-06-21T12:00:00.123+03:00",
        "body": {"aud": ["RU", "US"], "_sd": [body]}, "source": {"aud": [], "_sd": [source]},
    })
}

fn heads() -> Inputs {
    let (one, two) = (base64url(&[1; 32]), base64url(&[2; 32]));
    let good = head_value(&one, &two);
    let with = |name: &str, member: Value| {
        let mut head = good.clone();
        head[name] = member;
        head.to_string()
    };
    let reference = format!("truce.example/ru#412:{}", Hash([7; 32]));
    let mut all = good.clone();
    for (name, member) in [
        ("rules", json!("minsk/2")),
        ("about", json!([reference])),
        ("prev", json!(reference)),
        ("seen", json!([one])),
    ] {
        all[name] = member;
    }
    owned([
        ("two-groups", good.to_string()),
        ("every-member", all.to_string()),
        ("one-digest-twice", head_value(&one, &one).to_string()),
        (
            "time-with-time-zone-in-brackets",
            with("at", json!("2016-06-21T12:00+03[Europe/Kyiv]")),
        ),
        ("long-time", with("at", json!("2016".repeat(800)))),
        ("prev-without-about", with("prev", json!(reference))),
        (
            "named-twice",
            with("body", json!({"aud": ["RU", "RU"], "_sd": [one]})),
        ),
        ("control-kind", with("kind", json!("key.grant/1"))),
        ("stray-digest", with("_sd", json!([one]))),
        (
            "group-with-a-long-name",
            with(&"g".repeat(3000), json!({"aud": [], "_sd": [one]})),
        ),
        (
            "no-group",
            json!({"kind": "message.send/1", "at": "2016-06-21T09:00:00Z"}).to_string(),
        ),
    ])
}

/// A statement of two groups with the disclosures that `hold` names: head, body, source.
fn statement(body: &Value, hold: [bool; 3]) -> String {
    let (body, source) = (
        disclosed(1, "content", body),
        disclosed(2, "content", &json!({"officer": "night duty"})),
    );
    let head = disclosed(3, "head", &head_value(&digest(&body), &digest(&source)));
    let leaf = signed(&author(), HEADER, &sealed_payload(&digest(&head)));
    let parts = [head, body, source]
        .into_iter()
        .zip(hold)
        .filter(|(_, held)| *held);
    parts.fold(leaf + "~", |statement, (part, _)| statement + &part + "~")
}

fn statements() -> Inputs {
    let content = json!({"text": "Is it still happening? نعم"});
    let whole = statement(&content, [true; 3]);
    let parts: Vec<&str> = whole.split('~').collect();
    let twin = disclosed(1, "content", &content);
    let twins = disclosed(3, "head", &head_value(&digest(&twin), &digest(&twin)));
    let twins_leaf = signed(&author(), HEADER, &sealed_payload(&digest(&twins)));
    owned([
        ("whole", whole.clone()),
        (
            "one-group-withheld",
            statement(&content, [true, true, false]),
        ),
        ("leaf-alone", statement(&content, [false; 3])),
        (
            "in-another-order",
            format!("{}~{}~{}~{}~", parts[0], parts[3], parts[2], parts[1]),
        ),
        (
            "content-without-its-head",
            statement(&content, [false, true, false]),
        ),
        (
            "disclosure-altered",
            format!(
                "{whole}{}~",
                disclosed(1, "content", &json!({"text": "No."}))
            ),
        ),
        ("disclosure-twice", format!("{whole}{}~", parts[2])),
        (
            "one-digest-for-two-groups",
            format!("{twins_leaf}~{twins}~{twin}~{twin}~"),
        ),
        (
            "content-with-a-stray-digest",
            statement(&json!({"_sd": []}), [true; 3]),
        ),
        ("content-is-no-object", statement(&json!([1]), [true; 3])),
        ("key-binding", format!("{whole}{}", parts[0])),
        ("truncated", whole[..whole.len() - 20].to_owned()),
    ])
}

fn drafts() -> Inputs {
    let content = json!({"text": "Is it still happening? نعم", "n": [1, -2]});
    let groups = json!({"body": {"aud": ["RU", "US"], "content": content}, "source": {"aud": [], "content": {}}});
    let draft = |members: Value| {
        let mut draft =
            json!({"kind": "message.send/1", "at": "2016-06-21T12:00:00+03:00", "groups": groups});
        for (name, member) in members.as_object().into_iter().flatten() {
            draft[name] = member.clone();
        }
        draft.to_string()
    };
    let reference = format!("truce.example/ru#412:{}", Hash([7; 32]));
    let many: Value = (0..9)
        .map(|n| (format!("g{n}"), json!({"aud": ["RU"], "content": {}})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    owned([
        ("two-groups", draft(json!({}))),
        ("every-member", draft(json!({"rules": "minsk/2", "about": [reference], "prev": reference, "seen": [base64url(&[5; 32])]}))),
        ("without-time", json!({"kind": "erase/1", "groups": {"body": {"aud": ["public"], "content": {"why": "asked"}}}}).to_string()),
        ("nine-groups", draft(json!({"groups": many}))),
        ("no-group", draft(json!({"groups": {}}))),
        ("member-with-a-long-name", draft(json!({"m".repeat(3000): 1}))),
        ("group-named-kind", draft(json!({"groups": {"kind": {"aud": [], "content": {}}}}))),
        ("content-with-a-stray-digest", draft(json!({"groups": {"body": {"aud": [], "content": {"...": 1}}}}))),
        ("control-kind", draft(json!({"kind": "key.grant/1"}))),
        ("duplicate-member", draft(json!({})).replacen('{', "{\"kind\":\"erase/1\",", 1)),
    ])
}

fn jwks() -> Inputs {
    let (ed, p256) = (secret(Algorithm::EdDsa, 3), secret(Algorithm::Es256, 3));
    let jwk = p256.public().to_jwk().to_string();
    let ed_jwk =
        |x: &[u8; 32]| json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(x)}).to_string();
    let zero = base64url(&[0; 32]);
    owned([
        ("ed25519", ed.public().to_jwk().to_string()),
        ("p256", jwk.clone()),
        ("private", ed.to_file().trim_end().to_owned()),
        ("small-order", ed_jwk(&[0; 32])),
        (
            "not-reduced",
            ed_jwk(&{
                // y = p + 3, which also is y = 3.
                let mut y = [0xff; 32];
                (y[0], y[31]) = (0xf0, 0x7f);
                y
            }),
        ),
        (
            "off-the-curve",
            json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero}).to_string(),
        ),
        ("other-curve", jwk.replace("P-256", "P-384")),
        (
            "further-member",
            jwk.replacen('{', "{\"alg\":\"ES256\",", 1),
        ),
        ("trailing-bits", jwk.replacen("\"}", "B\"}", 1)),
    ])
}

fn key_files() -> Inputs {
    let (ed, p256) = (
        secret(Algorithm::EdDsa, 3).to_file(),
        secret(Algorithm::Es256, 3).to_file(),
    );
    let other = secret(Algorithm::EdDsa, 4).to_file();
    let zero = base64url(&[0; 32]);
    owned([
        ("ed25519", ed.to_string()),
        ("p256", p256.to_string()),
        (
            "public-only",
            secret(Algorithm::EdDsa, 3).public().to_jwk().to_string(),
        ),
        ("of-another-key", {
            let mut mixed: Value = serde_json::from_str(&ed).unwrap_or_default();
            mixed["d"] = serde_json::from_str::<Value>(&other).unwrap_or_default()["d"].clone();
            mixed.to_string()
        }),
        ("scalar-zero", {
            let mut zeroed: Value = serde_json::from_str(&p256).unwrap_or_default();
            zeroed["d"] = zero.into();
            zeroed.to_string()
        }),
        ("crlf", ed.replace('\n', "\r\n")),
        (
            "private-part-in-a-list",
            ed.replace("\"d\":\"", "\"d\":[\"")
                .replacen("\",\"kty", "\"],\"kty", 1),
        ),
        ("truncated", ed[..ed.len() / 2].to_owned()),
    ])
}

fn key_rings() -> Inputs {
    let jwk = |seed| secret(Algorithm::EdDsa, seed).public().to_jwk();
    let declaration = |recovery: u8| {
        json!({"admin": jwk(1), "callsign": "MISSION", "log_key": log_key().verifier().to_string(), "recovery": jwk(recovery)}).to_string()
    };
    let grant = |signer: &str, role: &str, seed: u8| {
        format!(
            "{signer} key.grant/1 {}",
            json!({"role": role, "key": jwk(seed)})
        )
    };
    let grant_log = format!(
        "0 key.grant/1 {}",
        json!({"role": "log", "log_key": log_key().verifier().to_string()})
    );
    let name = |signer: &str, kind: &str, body: Value| format!("{signer} {kind}/1 {body}");
    let log = |lines: &[String]| format!("{}\n{}\n", declaration(2), lines.join("\n"));
    let compromise = |signer: &str, kid: &str, from: u64| {
        name(signer, "key.compromise", json!({"kid": kid, "from": from}))
    };
    let revoke = |signer: &str, kid: &str| name(signer, "key.revoke", json!({"kid": kid}));
    owned([
        ("declared", declaration(2) + "\n"),
        ("one-key-for-both", declaration(1)),
        (
            "grants-and-revocation",
            log(&[
                grant("0", "office", 3),
                grant_log.clone(),
                revoke("0", "1"),
                revoke("0", "0/log"),
            ]),
        ),
        (
            "stolen-admin-is-shut-out",
            log(&[
                grant("0", "office", 3),
                grant("0", "office", 9),
                compromise("0/recovery", "0", 2),
                grant("0/recovery", "admin", 5),
                grant("4", "office", 6),
                compromise("0", "1", 1),
            ]),
        ),
        (
            "admins-against-each-other",
            log(&[
                grant("0/recovery", "admin", 5),
                revoke("1", "0"),
                revoke("0", "1"),
                grant("1", "office", 6),
                compromise("0/recovery", "1", 2),
                grant("0", "office", 7),
            ]),
        ),
        (
            "compromised-twice",
            log(&[
                grant("0", "office", 3),
                compromise("0", "1", 2),
                compromise("0", "1", 1),
                compromise("0", "0/log", 0),
            ]),
        ),
        (
            "from-below",
            log(&[
                grant("0", "office", 3),
                compromise("1", "0", 0),
                compromise("0", "0/recovery", 0),
                revoke("0", "0"),
            ]),
        ),
        (
            "not-yet-granted",
            log(&[
                revoke("0", "7"),
                grant("5", "office", 3),
                compromise("0", "0", 99),
            ]),
        ),
        (
            "declared-twice",
            log(&[format!("0 participant.declare/1 {}", declaration(2))]),
        ),
        (
            "private-key-in-a-grant",
            log(&[grant("0", "office", 3).replace("\"crv\"", "\"d\":\"AAAA\",\"crv\"")]),
        ),
    ])
}

fn verifier_keys() -> Inputs {
    let (log, witness) = (
        log_key().verifier().to_string(),
        witness_key(0).verifier().to_string(),
    );
    owned([
        ("log", log.clone()),
        ("witness", witness.clone()),
        ("other-id", log.replacen("+", "+0", 1).replacen("0", "", 1)),
        ("id-in-capitals", log.to_uppercase()),
        ("id-of-another-type", log.replace("+A", "+B")),
        ("name-with-a-space", log.replacen('.', " ", 1)),
        ("without-key", "log.example+00000000+".into()),
        (
            "small-order",
            format!("log.example+00000000+AQ{}=", "A".repeat(42)),
        ),
        ("not-canonical", format!("{log}=")),
        ("long-name", "n".repeat(256) + &log),
    ])
}

fn signer_keys() -> Inputs {
    let (log, witness) = (log_key().encode(), witness_key(0).encode());
    owned([
        ("log", log.to_string()),
        ("witness", witness.to_string()),
        ("public", log_key().verifier().to_string()),
        (
            "go",
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz".into(),
        ),
        ("other-name", log.replace("log.", "lag.")),
        ("crlf", log.to_string() + "\r\n"),
        ("truncated", log[..log.len() - 4].to_owned()),
    ])
}

fn notes() -> Inputs {
    let head = Branch::honest().head(5).note();
    let good = head.to_string();
    let line = head.signatures()[0].to_string() + "\n";
    let go = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let signers: Vec<SignerKey> = (0..MAX_SIGNATURES as u8)
        .filter_map(|n| SignerKey::from_seed(&format!("k{n}"), &[n + 20; 32]).ok())
        .collect();
    let sixteen = Note::sign("text\n", &signers.iter().collect::<Vec<_>>())
        .map_or(String::new(), |note| note.to_string());
    owned([
        ("of-the-log", good.clone()),
        ("of-go", go.into()),
        (
            "empty-lines-in-the-text",
            good.replacen('\n', "\n\n\n— a AAAAAAA=\n\n", 1),
        ),
        ("sixteen-signatures", sixteen.clone()),
        ("seventeen-signatures", sixteen + &line),
        ("one-key-twice", good.clone() + &line),
        ("crlf", good.replace('\n', "\r\n")),
        ("hyphen-for-the-dash", good.replace('—', "-")),
        ("not-canonical", good.replace("=\n", "\n")),
        (
            "without-signature",
            good.split("— ").next().unwrap_or("").to_owned(),
        ),
        ("truncated", good[..good.len() - 1].to_owned()),
    ])
}

fn checkpoints() -> Inputs {
    let good = Branch::honest().head(5).to_string();
    let text = Branch::honest().head(5).note().text().to_owned();
    owned([
        ("signed", good.clone()),
        ("text", text.clone()),
        ("empty-log", Branch::honest().head(0).to_string()),
        ("extension-lines", text.clone() + "one\ntwo\n"),
        (
            "seventeen-extension-lines",
            text.clone() + &"x\n".repeat(17),
        ),
        ("leading-zero", good.replace("\n5\n", "\n05\n")),
        (
            "size-beyond-64-bits",
            good.replace("\n5\n", "\n18446744073709551616\n"),
        ),
        (
            "largest-size",
            text.replace("\n5\n", "\n18446744073709551615\n"),
        ),
        ("root-with-trailing-bits", text.replace("=\n", "B\n")),
        ("other-origin", good.replacen("log.", "lag.", 1)),
        ("crlf", good.replace('\n', "\r\n")),
    ])
}

fn cosignatures() -> Inputs {
    let mut head = Branch::honest().head(5).clone();
    let line = |at: usize, time: u64| witness_key(at).cosign(Branch::honest().head(5), time);
    let lines = [line(0, NOW_S), line(1, NOW_S + 5)]
        .map(|line| line.map_or(String::new(), |line| line.to_string()));
    let raw = line(0, NOW_S).map_or(Vec::new(), |line| line.bytes().to_vec());
    let alone = head.to_string();
    let moved = Branch::honest().head(6).to_string() + &lines[0] + "\n";
    for at in 0..WITNESSES.len() {
        if let Ok(line) = line(at, NOW_S + at as u64 * 5) {
            let _ = head.add(line);
        }
    }
    let late = Signature::new(WITNESSES[0], witness_key(0).verifier().id(), &[0xff; 72])
        .map_or(String::new(), |line| line.to_string());
    let mut inputs = owned([
        ("both-witnesses", head.to_string()),
        ("no-witness", alone.clone()),
        ("one-witness-twice", format!("{alone}{0}\n{0}\n", lines[0])),
        ("of-another-head", moved),
        ("time-beyond-63-bits", format!("{alone}{late}\n")),
    ]);
    inputs.push(("bytes", raw.clone()));
    inputs.push(("bytes-truncated", raw[..raw.len().min(71)].to_vec()));
    inputs
}

fn tile_paths() -> Inputs {
    texts([
        ("hashes", "tile/0/x001/x234/067"),
        ("partial", "tile/1/000.p/8"),
        ("entries", "tile/entries/x018/x446/x744/x073/x709/x551/615"),
        ("beyond-64-bits", "tile/0/x018/x446/x744/x073/x709/x551/616"),
        ("leading-group-of-zeros", "tile/0/x000/001"),
        ("width-256", "tile/0/000.p/256"),
        ("width-zero", "tile/0/000.p/0"),
        ("level-64", "tile/64/000"),
        ("leading-zero", "tile/00/000"),
        ("up-and-away", "tile/0/../../keys.db"),
        ("without-x", "tile/0/001/234"),
    ])
}

fn entry_bundles() -> Inputs {
    let leaf = Branch::honest().head(3).to_string().into_bytes();
    let bundle = |entries: Vec<&[u8]>| encode_bundle(entries).unwrap_or_default();
    let good = bundle(vec![b"one", b"", &leaf]);
    vec![
        ("three-entries", good.clone()),
        ("widest", bundle(vec![b"x"; 256])),
        ("too-wide", b"\0\x01x".repeat(257)),
        ("empty-entries", vec![0; 8]),
        ("cut-in-a-length", [good.as_slice(), &[0]].concat()),
        ("cut-in-an-entry", good[..good.len() - 1].to_vec()),
        ("huge-length", vec![0xff, 0xff, 1, 2, 3]),
        ("empty", Vec::new()),
    ]
}

fn sized(first: u64, second: u64, proof: &[Hash]) -> Vec<u8> {
    let mut bytes = [first.to_be_bytes(), second.to_be_bytes()].concat();
    bytes.extend(proof.iter().flat_map(|hash| hash.0));
    bytes
}

fn inclusions() -> Inputs {
    let real = |index, size| {
        let proof = inclusion_proof(&Branch::honest().reader(), index, size).unwrap_or_default();
        sized(index, size, &proof)
    };
    let longer = [real(3, 8), vec![1; 32]].concat();
    vec![
        ("third-of-eight", real(3, 8)),
        ("last-of-thirteen", real(12, 13)),
        ("only-one", real(0, 1)),
        ("one-hash-too-many", longer),
        ("one-hash-too-few", real(3, 8)[..80].to_vec()),
        ("outside", sized(9, 9, &[Hash([1; 32])])),
        (
            "largest-sizes",
            sized(u64::MAX - 1, u64::MAX, &[Hash([1; 32]); 65]),
        ),
        ("half-way", sized(1 << 63, u64::MAX, &[Hash([1; 32]); 64])),
    ]
}

fn consistencies() -> Inputs {
    let proof = |branch: &Branch, old, new| {
        consistency_proof(&branch.reader(), old, new).unwrap_or_default()
    };
    let real = |old, new| sized(old, new, &proof(Branch::honest(), old, new));
    let longer = [real(3, 8), vec![1; 32]].concat();
    vec![
        ("three-to-eight", real(3, 8)),
        ("power-of-two", real(4, 13)),
        ("same-size", real(7, 7)),
        ("from-nothing", real(0, 5)),
        ("of-the-fork", sized(7, 13, &proof(Branch::fork(), 7, 13))),
        ("one-hash-too-many", longer),
        ("one-hash-too-few", real(3, 8)[..80].to_vec()),
        ("shrinking", sized(8, 3, &[Hash([1; 32])])),
        (
            "largest-sizes",
            sized((1 << 63) - 1, u64::MAX, &[Hash([1; 32]); 65]),
        ),
        (
            "largest-old-size",
            sized(u64::MAX - 1, u64::MAX, &[Hash([1; 32]); 65]),
        ),
    ]
}

fn receipts() -> Inputs {
    let receipt = |index, size| {
        Receipt::new(
            index,
            Branch::honest().head(size).clone(),
            &Branch::honest().reader(),
        )
    };
    let text =
        |index, size| receipt(index, size).map_or(String::new(), |receipt| receipt.to_string());
    let extra = receipt(3, 9).and_then(|receipt| receipt.with_extra(b"context".to_vec()));
    let good = text(3, 9);
    let hash = good.lines().nth(2).unwrap_or("").to_owned() + "\n";
    owned([
        ("third-of-nine", good.clone()),
        ("only-one", text(0, 1)),
        (
            "extra-data",
            extra.map_or(String::new(), |receipt| receipt.to_string()),
        ),
        ("other-index", good.replace("index 3", "index 2")),
        ("leading-zero", good.replace("index 3", "index 03")),
        (
            "empty-extra-data",
            good.replace("index 3", "extra \nindex 3"),
        ),
        (
            "sixty-six-hashes",
            good.replacen(&hash, &hash.repeat(66), 1),
        ),
        ("other-version", good.replace("@v1", "@v2")),
        (
            "without-checkpoint",
            good.split("\n\n").next().unwrap_or("").to_owned(),
        ),
        ("crlf", good.replace('\n', "\r\n")),
        (
            "size-beyond-the-proof",
            good.replace("\n9\n", "\n18446744073709551615\n"),
        ),
    ])
}

fn request(branch: &Branch, old: u64, size: u64) -> String {
    let request = AddCheckpoint::new(branch.head(size).clone(), old, &branch.reader());
    request.map_or(String::new(), |request| request.to_string())
}

fn requests() -> Inputs {
    let good = request(Branch::honest(), 5, 9);
    let hash = good.lines().nth(1).unwrap_or("").to_owned() + "\n";
    let other = SignerKey::from_seed("other.example", &[2; 32]).map_or(String::new(), |key| {
        let text = Branch::honest().head(5).note().text();
        Note::sign(text, &[&key]).map_or(String::new(), |note| note.to_string())
    });
    owned([
        ("five-to-nine", good.clone()),
        ("first-head", request(Branch::honest(), 0, 5)),
        ("same-head", request(Branch::honest(), 9, 9)),
        ("fork", request(Branch::fork(), 5, 9)),
        ("fork-of-the-same-size", request(Branch::fork(), 9, 9)),
        ("not-signed-by-the-log", format!("old 0\n\n{other}")),
        ("old-is-larger", good.replace("old 5", "old 10")),
        ("leading-zero", good.replace("old 5", "old 05")),
        (
            "sixty-four-hashes",
            good.replacen(&hash, &hash.repeat(64), 1),
        ),
        ("empty-line-missing", good.replacen("\n\n", "\n", 1)),
        ("crlf", good.replace('\n', "\r\n")),
    ])
}

fn answers() -> Inputs {
    let line = |at: usize, size| {
        witness_key(at)
            .cosign(Branch::honest().head(size), NOW_S)
            .map_or(String::new(), |line| format!("{line}\n"))
    };
    owned([
        ("cosigned", format!("\0{}", line(0, 9))),
        ("cosigned-twice", format!("\0{0}{0}", line(0, 9))),
        ("by-a-stranger", format!("\0{}", line(1, 9))),
        ("of-another-head", format!("\0{}", line(0, 8))),
        ("seventeen-lines", format!("\0{}", line(0, 9).repeat(17))),
        ("knows-less", "\u{1}3\n".into()),
        ("knows-more", "\u{1}18446744073709551615\n".into()),
        ("leading-zero", "\u{1}07\n".into()),
        ("refused", "\u{3}no\n".into()),
    ])
}

fn steps() -> Inputs {
    vec![
        (
            "only-grows",
            vec![0, 1, 0, 1, 5, 0, 5, 5, 0, 5, 13, 0, 13, 20, 0],
        ),
        ("fork-after-six", vec![0, 6, 0, 6, 9, 1, 9, 12, 0, 9, 9, 0]),
        ("fork-of-the-same-size", vec![0, 9, 0, 9, 9, 1, 0, 9, 1]),
        ("rolled-back", vec![0, 12, 0, 12, 5, 0, 5, 5, 0, 0, 3, 0]),
        ("power-is-lost", vec![0, 5, 4, 0, 5, 8, 5, 9, 12, 5, 9, 0]),
        (
            "an-old-backup",
            vec![0, 3, 0, 3, 9, 16, 3, 9, 17, 9, 10, 24],
        ),
        (
            "damaged-on-the-way",
            vec![0, 5, 2, 0, 5, 34, 0, 5, 66, 0, 5, 130],
        ),
        ("empty-log", vec![0, 0, 0, 0, 0, 1, 0, 1, 0]),
    ]
}

fn evidence() -> Inputs {
    let (log, fork) = (Branch::honest(), Branch::fork());
    let found = |old, new| {
        let found = Evidence::from_tree(log.head(old), fork.head(new), &fork.reader());
        found
            .ok()
            .flatten()
            .map_or(String::new(), |evidence| evidence.to_string())
    };
    let by_hand = |proof: &str, one: u64, other: u64| {
        format!(
            "truceline/fork-evidence@v1\n{proof}\n{}\n{}",
            log.head(one),
            log.head(other)
        )
    };
    let good = found(7, 13);
    owned([
        ("same-size", found(9, 9)),
        ("other-size", good.clone()),
        ("power-of-two", found(8, 13)),
        ("without-proof", by_hand("", 5, 9)),
        ("the-same-head-twice", by_hand("", 9, 9)),
        ("in-the-wrong-order", by_hand("", 9, 5)),
        ("of-the-empty-log", by_hand("", 0, 5)),
        (
            "one-note-only",
            format!("truceline/fork-evidence@v1\n\n{}", log.head(5)),
        ),
        ("trailing-note", format!("{good}\n{}", log.head(5))),
        ("crlf", good.replace('\n', "\r\n")),
    ])
}

/// A slot as the head file writes it, its checksum left to the target.
fn slot(sequence: u64, length: u32, note: &str) -> Vec<u8> {
    [
        b"TRUCEHD1".as_slice(),
        &sequence.to_be_bytes(),
        &length.to_be_bytes(),
        note.as_bytes(),
    ]
    .concat()
}

fn head_files() -> Inputs {
    let file = |flags: u8, first: Vec<u8>, second: Vec<u8>| {
        let length = (first.len() as u16).to_be_bytes();
        [&[flags], length.as_slice(), &first, &second].concat()
    };
    let note = Branch::honest().head(5).to_string();
    let whole = |sequence| slot(sequence, note.len() as u32, &note);
    vec![
        ("blank", file(0, Vec::new(), Vec::new())),
        ("two-notes", file(1, whole(4), whole(5))),
        ("first-note", file(1, Vec::new(), whole(1))),
        ("wrong-checksum", file(0, whole(4), whole(5))),
        ("slots-exchanged", file(1, whole(5), whole(4))),
        ("one-sequence-twice", file(1, whole(4), slot(4, 3, "two"))),
        ("sequence-zero", file(1, whole(0), Vec::new())),
        (
            "last-sequence",
            file(1, whole(u64::MAX - 1), slot(u64::MAX, 4, "last")),
        ),
        (
            "huge-length",
            file(1, slot(4, u32::MAX, &note), slot(5, 8141, "too long")),
        ),
        (
            "not-utf8",
            file(1, whole(4), [slot(5, 2, ""), vec![0xff, 0xfe]].concat()),
        ),
        ("cut", file(3, whole(4), whole(5))),
    ]
}

fn sealed() -> Inputs {
    let good = disclosed(1, "content", &json!({"text": "Is it still happening? نعم"}));
    owned([
        ("disclosure", good.clone()),
        (
            "largest-salt",
            base64url(format!(r#"["{}","content",{{}}]"#, base64url(&[7; 64])).as_bytes()),
        ),
        ("truncated", good[..good.len() - 3].to_owned()),
        ("empty", String::new()),
        ("not-canonical", good + "="),
    ])
}

fn attachments() -> Inputs {
    const PIECE: u32 = 64 * 1024;
    let script = |length: u32, changes: &[(u8, u32)]| {
        let mut bytes = length.to_be_bytes().to_vec();
        for (what, at) in changes {
            bytes.push(*what);
            bytes.extend(at.to_be_bytes());
        }
        bytes
    };
    vec![
        ("whole", script(PIECE + 5, &[])),
        ("empty", script(0, &[])),
        ("one-piece-exactly", script(PIECE, &[])),
        (
            "bit-flipped-in-the-second-piece",
            script(2 * PIECE, &[(0, PIECE + 100)]),
        ),
        (
            "cut-between-pieces",
            script(2 * PIECE + 5, &[(1, PIECE + 16)]),
        ),
        ("cut-to-nothing", script(PIECE, &[(1, 0)])),
        ("pieces-exchanged", script(2 * PIECE, &[(2, PIECE + 16)])),
        ("one-byte-more", script(10, &[(3, 26)])),
    ]
}

const SCENARIO: &str = "\
scenario A call
happened Nothing.
source   Invented.
answers  Any officer takes it.
begins   2016-06-20T21:00Z
participant US guarantor languages en
participant RU guarantor offices duty_officer, head_of_mission languages ru
place crossing 33.5N 38.5E named \"المعبر\"
instrument coh \"Cessation\" needed US, RU accepted neutral RU
  line ru-us RU US tests 2016-06-20T09:00Z every 1d within 15m clock FLASH answer 5m read_back
# The call.
+00:02 US duty_officer FLASH to RU at crossing still_happening as @strike
  expect open RU answer @strike within 5m
";

fn scenarios() -> Inputs {
    let with = |lines: &str| format!("{SCENARIO}{lines}");
    owned([
        ("a-call", SCENARIO.to_owned()),
        ("crlf", SCENARIO.replace('\n', "\r\n")),
        ("byte-order-mark", format!("\u{feff}{SCENARIO}")),
        (
            "header-alone",
            SCENARIO
                .split("# The")
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
        (
            "any-kind",
            with(
                "+00:03 RU duty_officer say comment about @strike {\"words\": \"see \\\"@strike\\\" }\",\n\"about\": \"@strike\"}\n  readers US group person {\"name\": \"x\"} readers own\n",
            ),
        ),
        (
            "correction",
            with(
                "+00:03 US duty_officer correct @strike because “Wrong” says FLASH to RU at 33.6N 38.5E stopped as @right\n  expect corrected @strike @right for RU\n",
            ),
        ),
        (
            "refused",
            with(
                "+1d US anybody answer @strike agreed «нет» in ru as @no\n  expect refused about about\nexpect not RU reads @strike group body\n",
            ),
        ),
        (
            "many-words",
            with(
                "2016-06-22T00:00+03:00 offline RU\nonline RU\nRU duty_officer silences @strike\nUS admin key.compromise duty_officer from @strike\nexpect coverage formation first at 33.5N 38.5E covered by art-1\nexpect tally @strike does_not_add_up 8 against 7\n",
            ),
        ),
        (
            "no-end-of-text",
            with("+00:03 RU duty_officer comment @strike \"no end\n"),
        ),
        (
            "no-end-of-json",
            with("+00:03 RU duty_officer say comment {\"a\": {\n"),
        ),
        (
            "latitude-second",
            with("+00:03 US duty_officer FLASH to RU at 38.5E 33.5N stopped\n"),
        ),
        ("clock-back", with("+00:01 offline RU\n")),
        ("indented-first", format!("  {SCENARIO}")),
    ])
}
