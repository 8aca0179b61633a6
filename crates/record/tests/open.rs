//! Opening a log whose files contradict each other, and what the public sees of one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Reader;
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::cosignature::{CosignerKey, WitnessPolicy};
use record::c2sp::tile::{TileId, verify_tiles};
use record::door::{self, DoorError, Policy};
use record::log::{Log, ReadOnly};
use record::store::head::{HeadFile, SLOT_BYTES};
use record::time::UtcMs;
use rusqlite::Connection;
use std::path::Path;
use support::{Desk, START, refused, said, signer};

fn desk_with(messages: usize) -> Desk {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..messages {
        said(&log, &desk.message(&format!("message {i}")));
    }
    desk
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        } else {
            copy_dir(&path, &to.join(path.file_name().unwrap()));
        }
    }
}

fn expect(desk: &Desk, reason: &ReadOnly) {
    let log = desk.open();
    assert_eq!(log.read_only().as_ref(), Some(reason));
    let answer = refused(log.say(&desk.message("it must not be taken")));
    assert_eq!(answer, reason.to_string());
    assert!(log.head().is_none(), "nothing of it can be vouched for");
}

fn head_note(desk: &Desk) -> SignedCheckpoint {
    SignedCheckpoint::parse(HeadFile::peek(&desk.dir.join("head")).unwrap().as_bytes()).unwrap()
}

#[test]
fn a_missing_or_damaged_head_makes_the_log_read_only() {
    let desk = desk_with(3);
    let head = desk.dir.join("head");
    let bytes = std::fs::read(&head).unwrap();
    std::fs::remove_file(&head).unwrap();
    expect(&desk, &ReadOnly::HeadMissing);
    std::fs::write(&head, vec![0xa5; bytes.len()]).unwrap();
    expect(&desk, &ReadOnly::HeadDamaged);
    std::fs::write(&head, &bytes).unwrap();
    said(&desk.open(), &desk.message("restored"));
}

#[test]
fn a_head_that_our_keys_did_not_sign_is_not_believed() {
    let desk = desk_with(3);
    let honest = head_note(&desk);
    let forged = SignedCheckpoint::sign(honest.checkpoint().clone(), &[&signer(99)]).unwrap();
    HeadFile::open(&desk.dir.join("head"))
        .unwrap()
        .write(&forged.to_string())
        .unwrap();
    expect(&desk, &ReadOnly::HeadDamaged);
}

#[test]
fn a_database_that_was_set_back_makes_the_log_read_only() {
    let desk = desk_with(3);
    let copy = desk.root.path().join("copy");
    copy_dir(&desk.dir, &copy);
    let log = desk.open();
    for i in 0..5 {
        said(&log, &desk.message(&format!("later {i}")));
    }
    drop(log);
    for file in ["record.db", "record.db-wal", "record.db-shm"] {
        let _ = std::fs::remove_file(desk.dir.join(file));
        let _ = std::fs::copy(copy.join(file), desk.dir.join(file));
    }
    expect(
        &desk,
        &ReadOnly::DatabaseBehind {
            database: 5,
            size: 10,
        },
    );
}

#[test]
fn a_database_with_another_root_makes_the_log_read_only() {
    let desk = desk_with(3);
    let db = Connection::open(desk.dir.join("record.db")).unwrap();
    db.execute(
        "UPDATE entry SET leaf = CAST(replace(leaf, 'e', 'f') AS BLOB) WHERE idx = 3",
        [],
    )
    .unwrap();
    db.close().unwrap();
    expect(&desk, &ReadOnly::OtherRoot { size: 5 });
}

#[test]
fn a_machine_that_was_set_back_signs_nothing() {
    let desk = desk_with(3);
    let copy = desk.root.path().join("copy");
    copy_dir(&desk.dir, &copy);
    said(
        &desk.open(),
        &desk.message("before the machine was set back"),
    );
    let seen = head_note(&desk);
    std::fs::remove_dir_all(&desk.dir).unwrap();
    copy_dir(&copy, &desk.dir);
    let mut options = desk.options();
    options.peer_heads = vec![seen];
    let log = Log::open(&desk.dir, options).unwrap();
    assert_eq!(
        log.read_only(),
        Some(ReadOnly::PeerAhead { seen: 6, size: 5 })
    );
}

#[test]
fn a_fork_of_the_own_log_stops_it() {
    let desk = desk_with(3);
    let copy = desk.root.path().join("copy");
    copy_dir(&desk.dir, &copy);
    said(&desk.open(), &desk.message("one history"));
    let seen = head_note(&desk);
    std::fs::remove_dir_all(&desk.dir).unwrap();
    copy_dir(&copy, &desk.dir);
    let log = desk.open();
    said(&log, &desk.message("another history"));
    said(&log, &desk.message("and more of it"));
    drop(log);
    let mut options = desk.options();
    options.peer_heads = vec![seen];
    let log = Log::open(&desk.dir, options).unwrap();
    assert_eq!(log.read_only(), Some(ReadOnly::Forked { size: 6 }));
}

/// Sets the head file back by one statement, as a crash between the database's sync and the head's leaves it.
fn crashed_before_the_head(desk: &Desk) -> Vec<u8> {
    let head = desk.dir.join("head");
    let before = std::fs::read(&head).unwrap();
    said(&desk.open(), &desk.message("on the disk, under no head"));
    std::fs::write(&head, &before).unwrap();
    before
}

fn lose_keys(desk: &Desk, index: i64) {
    let keys = Connection::open(desk.dir.join("keys.db")).unwrap();
    let lost = keys
        .execute("DELETE FROM key WHERE id >= ?1", [index * 16])
        .unwrap();
    assert_eq!(lost, 2);
    keys.close().unwrap();
}

#[test]
fn whole_entries_that_no_head_covers_are_kept() {
    let desk = desk_with(3);
    crashed_before_the_head(&desk);
    let log = desk.open();
    assert_eq!(log.head().unwrap().size(), 6);
    assert_eq!(said(&log, &desk.message("next")).reference.index, 6);
}

#[test]
fn entries_without_keys_are_dropped_when_no_head_covers_them() {
    let desk = desk_with(3);
    crashed_before_the_head(&desk);
    lose_keys(&desk, 5);
    let log = desk.open();
    assert_eq!(log.head().unwrap().size(), 5);
    assert_eq!(said(&log, &desk.message("in its place")).reference.index, 5);
    assert!(log.statement(5).unwrap().unwrap().is_complete());
}

#[test]
fn nothing_is_dropped_while_a_newer_head_may_have_been_lost() {
    let desk = desk_with(3);
    let mut head = crashed_before_the_head(&desk);
    lose_keys(&desk, 5);
    let sequence =
        |slot: usize| u64::from_be_bytes(head[slot * SLOT_BYTES + 8..][..8].try_into().unwrap());
    let older = usize::from(sequence(0) > sequence(1));
    head[older * SLOT_BYTES + 40] ^= 1;
    std::fs::write(desk.dir.join("head"), &head).unwrap();
    expect(&desk, &ReadOnly::TailDamaged(5));
}

#[test]
fn an_interrupted_erasure_is_finished_at_the_next_start() {
    for logged_before in [false, true] {
        let desk = desk_with(3);
        let log = desk.open();
        let target = log.statement(2).unwrap().unwrap();
        let reference = record::name::Reference {
            origin: desk.id.origin.clone(),
            index: 2,
            leaf: target.leaf().hash(),
        };
        let erase = desk.sign(&desk.erase(&reference));
        if logged_before {
            said(&log, &erase);
        }
        drop(log);
        let db = Connection::open(desk.dir.join("record.db")).unwrap();
        if logged_before {
            db.execute("UPDATE erased SET by = NULL", []).unwrap();
        }
        db.execute(
            "INSERT INTO erasing (statement, idx, slots) VALUES (?1, 2, 2)",
            [&erase],
        )
        .unwrap();
        db.close().unwrap();
        drop(desk.open());
        let log = desk.open();
        assert_eq!(log.reader().erased_slots(2).unwrap(), [(1, Some(5))]);
        assert_eq!(log.head().unwrap().size(), 6);
        assert!(log.statement(2).unwrap().unwrap().content("body").is_none());
    }
}

#[test]
fn damaged_ciphertext_and_keys_are_found_when_they_are_read() {
    let desk = desk_with(3);
    let change = |file: &str, sql: &str| {
        let db = Connection::open(desk.dir.join(file)).unwrap();
        assert_eq!(db.execute(sql, []).unwrap(), 1);
        db.close().unwrap();
    };
    change(
        "record.db",
        "UPDATE disclosure SET sealed = zeroblob(length(sealed)) WHERE id = 33",
    );
    change("keys.db", "UPDATE key SET key = zeroblob(32) WHERE id = 48");
    change("keys.db", "DELETE FROM key WHERE id = 64");
    let log = desk.open();
    for (index, word) in [(2, "altered"), (3, "altered"), (4, "no key")] {
        let error = log.statement(index).unwrap_err().to_string();
        assert!(
            error.contains(word) && error.contains(&format!("entry {index}")),
            "{error}"
        );
    }
}

#[test]
fn the_public_sees_nothing_beyond_an_earlier_witnessed_head() {
    let desk = desk_with(300);
    let log = desk.open();
    log.keep_head().unwrap();
    desk.clock.set(UtcMs(START.0 + 40_000));
    for i in 0..10 {
        said(&log, &desk.message(&format!("later {i}")));
    }
    desk.clock.set(UtcMs(START.0 + 61_000));
    let mut policy = Policy {
        delay_ms: 60_000,
        witnesses: None,
    };
    let public = |policy: &Policy, path: &str| door::answer(&log, policy, &Reader::public(), path);
    let size = |note: Vec<u8>| SignedCheckpoint::parse(&note).unwrap().checkpoint().size();
    assert_eq!(size(public(&policy, "checkpoint").unwrap()), 302);
    for path in [
        "tile/entries/000",
        "tile/entries/001.p/46",
        "tile/0/001.p/46",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/0/001.p/3",
    ] {
        public(&policy, path).unwrap();
    }
    for path in [
        "tile/entries/001.p/47",
        "tile/0/001.p/56",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/1/000",
        "",
        "../head",
        "tile/0/1",
        "head",
    ] {
        let answer = public(&policy, path).unwrap_err();
        assert!(
            matches!(answer, DoorError::NotFound),
            "{path}: unknown and not yet public are one answer"
        );
    }
    let head = SignedCheckpoint::parse(&public(&policy, "checkpoint").unwrap()).unwrap();
    let tiles = |id: TileId| public(&policy, &id.path()).ok();
    verify_tiles(&tiles, 302, head.checkpoint().root()).unwrap();
    let ru = Reader::participant("RU".parse().unwrap(), true);
    assert_eq!(
        size(door::answer(&log, &policy, &ru, "checkpoint").unwrap()),
        312
    );

    let witness = CosignerKey::from_seed("ru.example/witness", &[8; 32]).unwrap();
    policy.witnesses = Some(WitnessPolicy::new(vec![witness.verifier().clone()], 1).unwrap());
    assert!(matches!(
        public(&policy, "checkpoint"),
        Err(DoorError::NotFound)
    ));
    let mut cosigned = head.clone();
    cosigned
        .add(witness.cosign(&head, 1_466_499_700).unwrap())
        .unwrap();
    log.keep_cosigned(&cosigned, START).unwrap();
    assert_eq!(size(public(&policy, "checkpoint").unwrap()), 302);
    let foreign = Checkpoint::new(support::ORIGIN, 302, *head.checkpoint().root()).unwrap();
    assert_eq!(*head.checkpoint(), foreign);
}
