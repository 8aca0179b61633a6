//! Makes a small log and writes what outside verifiers read: `DIR/log` (published files, older heads, receipts), forged copies
//! `DIR/refuse-*` that they must refuse, and `DIR/sd_jwt.json` with statements and what must become of them.
#![allow(
    clippy::unwrap_used,
    reason = "a sample that cannot be made has failed"
)]

use record::audience::Audience;
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::note::SignerKey;
use record::c2sp::tile::{TileReader, bundles_of, tiles_of};
use record::encoding::{Hash, base64url, from_base64url};
use record::files::{LogFiles, Stored};
use record::key::{Algorithm, SecretKey};
use record::log::{self, Founding, Log, Options};
use record::name::LogId;
use record::statement::{Disclosure, Draft, Kid, Statement};
use record::time::{SystemClock, UtcMs};
use serde_json::{Map, Value, json};
use std::path::Path;

const ORIGIN: &str = "truce.example/mission";
const MESSAGES: usize = 700;
const NOW: UtcMs = UtcMs(1_466_499_600_000);

fn main() {
    let out = std::env::args().nth(1).expect("usage: publish_sample DIR");
    let out = Path::new(&out);
    let _ = std::fs::remove_dir_all(out);
    let data = out.join("data");
    let key = SecretKey::from_seed(Algorithm::EdDsa, &[3; 32]).unwrap();
    let (id, heads) = say_all(&data, &key);
    let sample = out.join("log");
    publish(&data, &sample);
    for (size, note) in &heads {
        write(
            &sample.join("checkpoints").join(size.to_string()),
            note.as_bytes(),
        );
    }
    receipts(&data, &sample);
    forgeries(out, &sample);
    write(&out.join("sd_jwt.json"), cases(&id).to_string().as_bytes());
}

fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[4; 32]).unwrap()
}

fn say_all(data: &Path, office: &SecretKey) -> (LogId, Vec<(u64, String)>) {
    let secret = |seed| SecretKey::from_seed(Algorithm::EdDsa, &[seed; 32]).unwrap();
    let founding = Founding {
        call_sign: "MISSION".parse().unwrap(),
        origin: ORIGIN.parse().unwrap(),
        admin: &secret(1),
        recovery: secret(2).public(),
        log_key: &signer(),
        more: Map::new(),
    };
    let id = log::create(data, &founding, &SystemClock).unwrap();
    let log = Log::open(data, Options::new(vec![signer()])).unwrap();
    let body = json!({"role": "office", "key": office.public().to_jwk()});
    let Value::Object(body) = body else {
        unreachable!()
    };
    let grant = Statement::sign_control(
        "key.grant/1".parse().unwrap(),
        body,
        &secret(1),
        Kid::Index(0),
        &id,
        NOW,
    );
    log.say(&grant.unwrap().to_string()).unwrap();
    let mut heads = Vec::new();
    for i in 0..MESSAGES {
        let message = draft(&format!("message {i}"))
            .sign(office, Kid::Index(1), &id, NOW)
            .unwrap();
        log.say(&message.to_string()).unwrap();
        if [5, 253, 254, 255, 400].contains(&i) {
            let head = log.head().unwrap();
            heads.push((head.size(), head.checkpoint.to_string()));
        }
    }
    (id, heads)
}

fn draft(text: &str) -> Draft {
    Draft::new("message.send/1", "2016-06-21T12:00:00+03:00")
        .and_then(|d| d.group("body", names(&["RU", "US"]), json!({"text": text})))
        .and_then(|d| {
            d.group(
                "source",
                names(&[]),
                json!({"officer": "the night officer of the mission"}),
            )
        })
        .unwrap()
}

fn names(names: &[&str]) -> Audience {
    Audience::of(names.iter().map(|name| name.parse().unwrap()))
}

fn publish(data: &Path, to: &Path) {
    let stored = Stored::open(data).unwrap();
    let note = stored.checkpoint().unwrap();
    let size = SignedCheckpoint::parse(&note).unwrap().checkpoint().size();
    for id in tiles_of(size).chain(bundles_of(size)) {
        write(&to.join(id.path()), &stored.tile(id).unwrap());
    }
    write(&to.join("checkpoint"), &note);
    write(
        &to.join("vkey"),
        format!("{}\n", signer().verifier()).as_bytes(),
    );
}

fn receipts(data: &Path, to: &Path) {
    let log = Log::open_to_read(data, &Options::new(Vec::new())).unwrap();
    for index in [0, 1, 255, 256, 511, 700] {
        let proof = log.prove(index).unwrap().to_string();
        write(
            &to.join("proofs").join(format!("{index}.tlog-proof")),
            proof.as_bytes(),
        );
    }
}

/// Copies of the log that are wrong in one place each.
fn forgeries(out: &Path, sample: &Path) {
    let forge = |name: &str, file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let dir = out.join(format!("refuse-{name}"));
        copy(sample, &dir);
        let path = dir.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(path, bytes).unwrap();
    };
    forge("entry", "tile/entries/001", &|bytes| bytes[1000] ^= 1);
    forge("tile", "tile/0/000", &|bytes| bytes[1000] ^= 1);
    forge("root", "checkpoint", &|bytes| {
        *bytes = resigned(bytes, &signer())
    });
    forge("signature", "checkpoint", &|bytes| {
        let stranger = SignerKey::from_seed(ORIGIN, &[9; 32]).unwrap();
        let head = SignedCheckpoint::parse(bytes).unwrap().checkpoint().clone();
        *bytes = SignedCheckpoint::sign(head, &[&stranger])
            .unwrap()
            .to_string()
            .into_bytes();
    });
    forge("fork", "checkpoints/256", &|bytes| {
        *bytes = resigned(bytes, &signer())
    });
}

/// The same head with another root, rightly signed.
fn resigned(note: &[u8], signer: &SignerKey) -> Vec<u8> {
    let size = SignedCheckpoint::parse(note).unwrap().checkpoint().size();
    let head = Checkpoint::new(ORIGIN, size, Hash([7; 32])).unwrap();
    SignedCheckpoint::sign(head, &[signer])
        .unwrap()
        .to_string()
        .into_bytes()
}

/// Statements for an outside SD-JWT library, with what it must make of them.
fn cases(id: &LogId) -> Value {
    let mut cases = Vec::new();
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SecretKey::from_seed(algorithm, &[5; 32]).unwrap();
        let whole = draft("Is it still happening? نعم")
            .sign(&key, Kid::Index(1), id, NOW)
            .unwrap();
        let part = whole.reduced(|name, _| name == "body");
        let shut = whole.reduced(|_, _| false);
        let clear = json!({"iat": whole.leaf().minute_s, "log": id.to_string(), "v": 1});
        let mut case = |name: &str, sd_jwt: String, expect: Value, hidden: &[&str], must: &str| {
            cases.push(json!({
                "name": format!("{algorithm}: {name}"), "jwk": key.public().to_jwk(), "alg": algorithm.as_str(),
                "sd_jwt": sd_jwt, "expect": expect, "hidden_values": hidden, "must": must,
            }));
        };
        case(
            "fully opened",
            whole.to_string(),
            opened(&clear, &whole),
            &[],
            "accept",
        );
        case(
            "opened in part",
            part.to_string(),
            opened(&clear, &part),
            &["the night officer of the mission"],
            "accept",
        );
        case(
            "not opened",
            shut.to_string(),
            clear.clone(),
            &["Is it still happening", "the night officer"],
            "accept",
        );
        case(
            "with an altered header",
            altered_leaf(&whole, 0, "\"kid\":\"1\"", "\"kid\":\"2\""),
            Value::Null,
            &[],
            "reject",
        );
        case(
            "with an altered payload",
            altered_leaf(&whole, 1, "\"v\":1", "\"v\":2"),
            Value::Null,
            &[],
            "reject",
        );
        case(
            "with an altered disclosure",
            altered_disclosure(&whole),
            Value::Null,
            &["It is not happening"],
            "never_show",
        );
        assert!(
            Statement::parse(&altered_disclosure(&whole)).is_err(),
            "ours rejects an altered disclosure"
        );
    }
    json!({"cases": cases})
}

/// The payload as a library shows it: what is disclosed in its place, digests left out.
fn opened(clear: &Value, statement: &Statement) -> Value {
    let mut payload = clear.clone();
    let head = statement
        .disclosures()
        .next()
        .map(Disclosure::value)
        .unwrap();
    let mut head = head.clone();
    for (name, group) in head.as_object_mut().unwrap() {
        if let Some(group) = group.as_object_mut() {
            group.remove("_sd");
            if let Some(content) = statement.content(name) {
                group.insert("content".into(), content.clone());
            }
        }
    }
    payload["head"] = head;
    payload
}

fn altered_leaf(statement: &Statement, part: usize, from: &str, to: &str) -> String {
    let compact = statement.to_string();
    let (leaf, rest) = compact.split_once('~').unwrap();
    let mut parts: Vec<String> = leaf.split('.').map(str::to_owned).collect();
    let text = String::from_utf8(from_base64url(&parts[part]).unwrap()).unwrap();
    assert!(text.contains(from));
    parts[part] = base64url(text.replace(from, to).as_bytes());
    format!("{}~{rest}", parts.join("."))
}

fn altered_disclosure(statement: &Statement) -> String {
    let texts: Vec<String> = statement
        .disclosures()
        .map(|disclosure| {
            let text = String::from_utf8(from_base64url(disclosure.text()).unwrap()).unwrap();
            base64url(
                text.replace("Is it still happening", "It is not happening")
                    .as_bytes(),
            )
        })
        .collect();
    format!("{}~{}~", statement.leaf().text(), texts.join("~"))
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
