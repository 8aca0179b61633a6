//! The audit finds whatever is wrong in a log's files, and names the first bad entry.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audit::{Options, Report, audit};
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::tile::{TileId, bundles_of, encode_bundle, grow, parse_bundle, tiles_of};
use record::c2sp::tree::{Tree, leaf_hash};
use record::files::{Directory, LogFiles, Stored};
use record::key::Algorithm;
use record::statement::Kid;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use support::{ADMIN, Desk, LOG_KEY, OFFICE, OFFICE_KID, START, said, secret, signer};

/// Writes the files that a log publishes.
fn publish(desk: &Desk, to: &Path) {
    let stored = Stored::open(&desk.dir).unwrap();
    let note = stored.checkpoint().unwrap();
    let size = SignedCheckpoint::parse(&note).unwrap().checkpoint().size();
    for id in tiles_of(size).chain(bundles_of(size)) {
        write(
            to,
            &id.path(),
            &record::c2sp::tile::TileReader::tile(&stored, id).unwrap(),
        );
    }
    write(to, "checkpoint", &note);
}

fn write(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn desk_with(messages: usize) -> Desk {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..messages {
        said(&log, &desk.message(&format!("message {i}")));
    }
    desk
}

fn of(dir: &Path) -> Report {
    audit(&Directory::new(dir), &Options::default(), |_, _| {})
}

#[test]
fn a_sound_log_is_sound_from_its_files_and_from_its_store() {
    let desk = desk_with(600);
    let files = desk.root.path().join("files");
    publish(&desk, &files);
    let mut last = (0, 0);
    let options = Options {
        pinned: Some(signer(LOG_KEY).verifier().clone()),
        witnesses: Vec::new(),
    };
    let report = audit(&Directory::new(&files), &options, |at, of| last = (at, of));
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(
        (report.hashed, report.signatures, last),
        (602, 602, (602, 602))
    );
    assert_eq!(report.call_sign, "MISSION");
    assert!(report.pinned && report.disclosures.is_none());

    let report = audit(
        &Stored::open(&desk.dir).unwrap(),
        &Options::default(),
        |_, _| {},
    );
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.disclosures.unwrap().opened, 1200);

    let other = Options {
        pinned: Some(signer(99).verifier().clone()),
        ..Options::default()
    };
    let report = audit(&Directory::new(&files), &other, |_, _| {});
    assert!(
        report.problems[0]
            .what
            .contains("not the log of the key that you gave")
    );
    let unwitnessed = Options {
        witnesses: vec![signer(50).verifier().clone()],
        ..Options::default()
    };
    assert!(!audit(&Directory::new(&files), &unwitnessed, |_, _| {}).is_sound());
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_the_first_bad_entry_is_named() {
    let desk = desk_with(300);
    let files = desk.root.path().join("files");
    publish(&desk, &files);
    let flip = |path: &str, at: usize| {
        let path = files.join(path);
        let before = std::fs::read(&path).unwrap();
        let mut bytes = before.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let report = of(&files);
        std::fs::write(&path, before).unwrap();
        assert!(!report.is_sound(), "{}", path.display());
        report
    };
    let second = {
        let bundle = std::fs::read(files.join("tile/entries/001.p/46")).unwrap();
        let entries = parse_bundle(&bundle).unwrap();
        2 + entries[0].len() + 2 + 30
    };
    assert_eq!(flip("tile/entries/001.p/46", second).first_bad, Some(257));
    assert_eq!(
        flip("tile/entries/000", 1).first_bad,
        Some(0),
        "a length prefix"
    );
    assert_eq!(flip("tile/0/000", 32 * 77 + 5).first_bad, Some(77));
    assert_eq!(flip("tile/0/001.p/46", 5).first_bad, Some(256));
    assert!(flip("tile/1/000.p/1", 5).problems[0].what.contains("tile"));
    let end = std::fs::metadata(files.join("checkpoint")).unwrap().len() as usize;
    flip("checkpoint", end - 30);
    flip("checkpoint", 30);
    assert!(of(&files).is_sound());

    std::fs::remove_file(files.join("tile/entries/001.p/46")).unwrap();
    let report = of(&files);
    assert_eq!(report.first_bad, Some(256));
    assert!(report.problems[0].what.contains("missing"));
    std::fs::remove_file(files.join("checkpoint")).unwrap();
    assert!(of(&files).problems[0].what.contains("no checkpoint"));
}

/// A log that its keeper forged: rightly hashed and signed, whatever its entries are.
fn forge(dir: &Path, entries: &[Vec<u8>]) {
    let mut tree = Tree::new();
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for hash in &hashes {
        tree.append(*hash);
    }
    let none = |_: TileId| None;
    let tiles: HashMap<String, Vec<u8>> = grow(&none, 0, &hashes)
        .unwrap()
        .into_iter()
        .map(|(id, bytes)| (id.path(), bytes))
        .collect();
    let size = tree.size();
    for id in tiles_of(size) {
        write(dir, &id.path(), &tiles[&id.path()]);
    }
    for id in bundles_of(size) {
        let first = id.index() as usize * 256;
        let some = entries[first..first + usize::from(id.width())]
            .iter()
            .map(Vec::as_slice);
        write(dir, &id.path(), &encode_bundle(some).unwrap());
    }
    let head = Checkpoint::new(support::ORIGIN, size, tree.root()).unwrap();
    let signed = SignedCheckpoint::sign(head, &[&signer(LOG_KEY)]).unwrap();
    write(dir, "checkpoint", signed.to_string().as_bytes());
}

fn leaves(desk: &Desk) -> Vec<Vec<u8>> {
    let log = desk.open();
    let size = log.head().unwrap().size();
    log.reader().leaves(0, size).unwrap()
}

#[test]
fn what_a_dishonest_keeper_signs_is_found_all_the_same() {
    let desk = desk_with(5);
    let honest = leaves(&desk);
    let dir = desk.root.path().join("forged");
    let forged = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut entries = honest.clone();
        change(&mut entries);
        let _ = std::fs::remove_dir_all(&dir);
        forge(&dir, &entries);
        of(&dir)
    };
    assert!(forged(&|_| {}).is_sound());
    let leaf =
        |statement: record::statement::Statement| statement.leaf().text().as_bytes().to_vec();
    let message = |seed: u8, kid| {
        leaf(
            desk.draft("x")
                .sign(&secret(seed), kid, &desk.id, START)
                .unwrap(),
        )
    };

    let altered = forged(&|entries| entries[4] = message(77, OFFICE_KID));
    assert_eq!(altered.first_bad, Some(4));
    assert!(altered.problems[0].what.contains("does not verify"));

    let repeated = forged(&|entries| entries.push(honest[3].clone()));
    assert_eq!(repeated.first_bad, Some(7));
    assert!(
        repeated.problems[0]
            .what
            .contains("repeats the statement at 3")
    );

    let garbage = forged(&|entries| entries[2] = b"\xff\xfe".to_vec());
    assert_eq!(garbage.first_bad, Some(2));
    let stranger = forged(&|entries| entries.push(message(OFFICE, Kid::Index(4))));
    assert!(
        stranger.problems[0]
            .what
            .contains("key 4 was never granted")
    );
    let decapitated = forged(&|entries| {
        entries.remove(0);
    });
    assert_eq!(decapitated.first_bad, Some(0));

    let elsewhere = record::name::LogId::new(
        support::ORIGIN.parse().unwrap(),
        record::encoding::Hash([1; 32]),
    );
    let foreign = desk
        .draft("x")
        .sign(&secret(OFFICE), OFFICE_KID, &elsewhere, START)
        .unwrap();
    let replayed = forged(&|entries| entries.push(leaf(foreign.clone())));
    assert!(replayed.problems[0].what.contains("for another log"));

    let stolen = forged(&|entries| {
        let compromise = desk.control(
            "key.compromise/1",
            json!({"kid": "0/log", "from": 1}),
            ADMIN,
            Kid::Index(0),
        );
        entries.push(leaf(compromise));
    });
    assert!(
        stolen.problems[0]
            .what
            .contains("not signed by a key of this log")
    );
}

#[test]
fn both_forms_of_an_ecdsa_signature_are_one_statement() {
    let desk = Desk::found();
    let log = desk.open();
    let p256 = record::key::SecretKey::from_seed(Algorithm::Es256, &[5; 32]).unwrap();
    let grant = json!({"role": "office", "key": p256.public().to_jwk()});
    said(
        &log,
        &desk
            .control("key.grant/1", grant, ADMIN, Kid::Index(0))
            .to_string(),
    );
    let statement = desk
        .draft("x")
        .sign(&p256, Kid::Index(2), &desk.id, START)
        .unwrap();
    let first = said(&log, &statement.to_string());
    let again = said(&log, &other_form(&statement.to_string()));
    assert!(
        again.already,
        "the other form of the signature is the same statement"
    );
    assert_eq!(again.reference, first.reference);
}

/// The same statement with `n - s` for `s`.
fn other_form(compact: &str) -> String {
    let (leaf, rest) = compact.split_once('~').unwrap();
    let (signing, signature) = leaf.rsplit_once('.').unwrap();
    let bytes = record::encoding::from_base64url(signature).unwrap();
    let signature = p256::ecdsa::Signature::from_slice(&bytes).unwrap();
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    format!(
        "{signing}.{}~{rest}",
        record::encoding::base64url(&other.to_bytes())
    )
}

#[test]
fn statements_that_do_not_count_are_listed_and_the_log_is_sound() {
    let desk = desk_with(3);
    let log = desk.open();
    let compromise = desk.control(
        "key.compromise/1",
        json!({"kid": "1", "from": 3}),
        ADMIN,
        Kid::Index(0),
    );
    said(&log, &compromise.to_string());
    drop(log);
    let report = audit(
        &Stored::open(&desk.dir).unwrap(),
        &Options::default(),
        |_, _| {},
    );
    assert!(report.is_sound(), "{:?}", report.problems);
    let indices: Vec<u64> = report.ineffective.iter().map(|(index, _)| *index).collect();
    assert_eq!((report.ineffective_count, indices), (2, vec![3, 4]));
}

#[test]
fn a_head_that_claims_more_than_there_is_ends_the_audit_at_once() {
    let desk = desk_with(1);
    let files = desk.root.path().join("files");
    publish(&desk, &files);
    let head = Checkpoint::new(support::ORIGIN, 1 << 60, record::encoding::Hash([0; 32])).unwrap();
    let signed = SignedCheckpoint::sign(head, &[&signer(LOG_KEY)]).unwrap();
    write(&files, "checkpoint", signed.to_string().as_bytes());
    assert!(!of(&files).is_sound());
}
