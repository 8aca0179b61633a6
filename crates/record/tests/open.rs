//! Opening a log whose files contradict each other, and what the public sees of one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Reader;
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::cosignature::{CosignerKey, WitnessPolicy};
use record::c2sp::tile::{TileId, bundles_of, tiles_of, verify_bundle, verify_tiles};
use record::c2sp::tree::{Tree, leaf_hash};
use record::door::{self, DoorError, Policy, StoreTiles};
use record::log::{Lane, Log, OpenError, ReadOnly};
use record::store::head::{HeadFile, Medium, SLOT_BYTES};
use record::time::{Clock as _, UtcMs};
use rusqlite::Connection;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
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

/// Keeps `count` heads, one a statement and a second.
fn keep_many(desk: &Desk, log: &Log, count: i64) {
    for i in 0..count {
        desk.clock.set(UtcMs(desk.clock.now().0 + 1000));
        said(log, &desk.message(&format!("at {i}")));
        log.keep_head().unwrap();
    }
}

fn cosigned_by(head: &SignedCheckpoint, witnesses: &[&CosignerKey]) -> SignedCheckpoint {
    let mut cosigned = head.clone();
    for witness in witnesses {
        cosigned
            .add(witness.cosign(head, 1_466_499_700).unwrap())
            .unwrap();
    }
    cosigned
}

fn policy_of(witnesses: &[&CosignerKey], threshold: usize) -> Policy {
    let keys = witnesses.iter().map(|w| w.verifier().clone()).collect();
    Policy {
        delay_ms: 0,
        witnesses: Some(WitnessPolicy::new(keys, threshold).unwrap()),
    }
}

fn witness(name: &str, seed: u8) -> CosignerKey {
    CosignerKey::from_seed(name, &[seed; 32]).unwrap()
}

fn public_size(log: &Log, policy: &Policy) -> Option<u64> {
    let head = door::head_for(log, policy, &Reader::public()).unwrap();
    head.map(|head| head.checkpoint().size())
}

#[test]
fn the_last_witnessed_head_stays_public_however_long_the_witness_is_away() {
    let desk = desk_with(3);
    let log = desk.open();
    let (ru, us) = (witness("ru.example/w", 8), witness("us.example/w", 9));
    keep_many(&desk, &log, 1);
    let seen = log.head().unwrap().checkpoint.clone();
    log.keep_cosigned(&cosigned_by(&seen, &[&ru]), log.now())
        .unwrap();
    keep_many(&desk, &log, 1);
    let by_another = log.head().unwrap().checkpoint.clone();
    log.keep_cosigned(&cosigned_by(&by_another, &[&us]), log.now())
        .unwrap();
    keep_many(&desk, &log, 200);
    let of_ru = policy_of(&[&ru], 1);
    assert_eq!(public_size(&log, &of_ru), Some(seen.checkpoint().size()));
    let late = Policy {
        delay_ms: 1_000_000,
        ..of_ru
    };
    assert_eq!(public_size(&log, &late), None, "the delay counts as well");
    let of_both = policy_of(&[&ru, &us], 2);
    assert_eq!(public_size(&log, &of_both), None, "one each is not two");
    // The witnesses bring their cosignatures one after the other: the second does not take the first one's place.
    log.keep_cosigned(&cosigned_by(&by_another, &[&ru]), log.now())
        .unwrap();
    let both = Some(by_another.checkpoint().size());
    assert_eq!(public_size(&log, &of_both), both);
    drop(log);
    assert_eq!(public_size(&desk.open(), &of_both), both, "after a restart");
}

#[test]
fn a_head_with_a_wrong_cosignature_is_not_public() {
    let desk = desk_with(3);
    let log = desk.open();
    let ru = witness("ru.example/w", 8);
    keep_many(&desk, &log, 1);
    let seen = log.head().unwrap().checkpoint.clone();
    log.keep_cosigned(&cosigned_by(&seen, &[&ru]), log.now())
        .unwrap();
    keep_many(&desk, &log, 1);
    let mut forged = log.head().unwrap().checkpoint.clone();
    // A cosignature of the witness, of another head.
    forged
        .add(ru.cosign(&seen, 1_466_499_700).unwrap())
        .unwrap();
    log.keep_cosigned(&forged, log.now()).unwrap();
    let size = public_size(&log, &policy_of(&[&ru], 1));
    assert_eq!(size, Some(seen.checkpoint().size()));
}

#[test]
fn what_a_killed_process_left_of_an_attachment_goes_when_the_log_is_opened() {
    let desk = desk_with(1);
    let name = desk.open().attach(&mut [7; 100].as_slice()).unwrap();
    let attachments = desk.dir.join("attachments");
    std::fs::write(attachments.join("partial-AAAAAAAAAAA"), [0; 100]).unwrap();
    Log::open_to_read(&desk.dir, &desk.options()).unwrap();
    assert_eq!(std::fs::read_dir(&attachments).unwrap().count(), 2);
    let log = desk.open();
    let left: Vec<_> = std::fs::read_dir(&attachments).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    log.attachment(&name, &mut Vec::new()).unwrap();
}

/// Says `count` statements at once, so that they share commits.
fn say_many(desk: &Desk, log: &Log, count: usize) {
    let (sender, receipts) = channel();
    for n in 0..count {
        let sender = sender.clone();
        log.submit(
            &desk.message(&format!("{n} of many")),
            Lane::Routine,
            move |r| {
                sender.send(r.unwrap()).unwrap();
            },
        );
    }
    drop(sender);
    assert_eq!(receipts.iter().count(), count);
}

#[test]
fn a_head_file_without_a_note_is_damaged_unless_nothing_was_said() {
    let desk = desk_with(3);
    let head = desk.dir.join("head");
    for damaged in [Vec::new(), vec![0; 2 * SLOT_BYTES]] {
        std::fs::write(&head, damaged).unwrap();
        expect(&desk, &ReadOnly::HeadDamaged);
    }
    let db = Connection::open(desk.dir.join("record.db")).unwrap();
    db.execute_batch("DELETE FROM entry WHERE idx > 0; DELETE FROM control WHERE idx > 0")
        .unwrap();
    let opened = Log::open(&desk.dir, desk.options());
    assert!(matches!(opened.err(), Some(OpenError::NotFounded(_))));
}

#[test]
fn what_a_peer_saw_signed_is_not_dropped() {
    let desk = desk_with(2);
    let backup = desk.root.path().join("backup");
    copy_dir(&desk.dir, &backup);
    for i in 0..3 {
        said(&desk.open(), &desk.message(&format!("later {i}")));
    }
    let seen = head_note(&desk);
    // Head and keys of yesterday, the database of today: a tail without keys that no head here covers.
    for file in ["head", "keys.db", "keys.db-wal", "keys.db-shm"] {
        let _ = std::fs::remove_file(desk.dir.join(file));
        let _ = std::fs::copy(backup.join(file), desk.dir.join(file));
    }
    let mut options = desk.options();
    options.peer_heads = vec![seen];
    let log = Log::open(&desk.dir, options).unwrap();
    let behind = ReadOnly::PeerAhead { seen: 7, size: 4 };
    assert_eq!(log.read_only(), Some(behind));
    assert_eq!(log.reader().leaves(0, u64::MAX).unwrap().len(), 7);
}

#[test]
fn a_bit_flip_in_a_tile_of_hashes_makes_the_log_read_only() {
    let desk = Desk::found();
    say_many(&desk, &desk.open(), 300);
    let flip = "UPDATE tile SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB) WHERE level = 1";
    let db = Connection::open(desk.dir.join("record.db")).unwrap();
    assert_eq!(db.execute(flip, []).unwrap(), 1);
    db.close().unwrap();
    expect(&desk, &ReadOnly::OtherRoot { size: 302 });
}

static FAILING: AtomicBool = AtomicBool::new(false);

/// A head file whose disk fails when the test says so.
struct Failing(File);

impl Medium for Failing {
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        if FAILING.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(())
    }
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged() {
    let desk = Desk::found();
    let (sender, fatal) = channel();
    let mut options = desk.options();
    options.head_medium = Some(|file| Box::new(Failing(file)));
    options.on_fatal = Box::new(move |error| sender.send(error.to_string()).unwrap());
    let log = Log::open(&desk.dir, options).unwrap();
    let before = said(&log, &desk.message("before")).reference.index;
    FAILING.store(true, Ordering::Relaxed);
    let unanswered = desk.message("into the failure");
    assert!(refused(log.say(&unanswered)).contains("the log has stopped"));
    assert!(fatal.recv().unwrap().contains("the disk is gone"));
    FAILING.store(false, Ordering::Relaxed);
    assert!(refused(log.say(&desk.message("after"))).contains("the disk is gone"));
    assert!(log.attach(&mut [1].as_slice()).is_err());
    assert_eq!(
        log.head().unwrap().size(),
        before + 1,
        "no head was published"
    );
    drop(log);
    assert_eq!(said(&desk.open(), &unanswered).reference.index, before + 1);
}

#[test]
fn the_tiles_of_every_earlier_size_verify() {
    let desk = Desk::found();
    let log = desk.open();
    say_many(&desk, &log, 511);
    let (mut tree, mut roots) = (Tree::new(), Vec::new());
    for leaf in log.reader().leaves(0, u64::MAX).unwrap() {
        tree.append(leaf_hash(&leaf));
        roots.push(tree.root());
    }
    for size in [1, 2, 254, 255, 256, 257, 258, 510, 511, 512, 513] {
        let tiles = StoreTiles::new(log.reader().clone(), size);
        verify_tiles(&tiles, size, &roots[size as usize - 1]).unwrap();
        for id in bundles_of(size) {
            let hashes = TileId::hashes(0, id.index(), id.width()).unwrap();
            let [bundle, tile] = [id, hashes].map(|id| tiles.read(id).unwrap().unwrap());
            verify_bundle(hashes, &bundle, &tile).unwrap();
        }
    }
    let head = Checkpoint::new(support::ORIGIN, 513, roots[512]).unwrap();
    assert!(head.same_tree(log.head().unwrap().checkpoint.checkpoint()));
}

/// A tile and every partial tile of it.
fn all_widths(id: TileId) -> Vec<TileId> {
    let path = id.full().path();
    let partial = (1..id.width().min(255)).map(|width| format!("{path}.p/{width}"));
    let partial = partial.map(|path| TileId::parse(&path).unwrap());
    partial.chain([id]).collect()
}

#[test]
fn the_public_gets_every_partial_tile_inside_its_head_and_none_beyond() {
    let desk = Desk::found();
    let mut options = desk.options();
    options.keep_heads_every_ms = 60_000;
    let log = Log::open(&desk.dir, options).unwrap();
    say_many(&desk, &log, 255);
    log.keep_head().unwrap();
    desk.clock.set(UtcMs(START.0 + 30_000));
    say_many(&desk, &log, 53);
    desk.clock.set(UtcMs(START.0 + 60_000));
    let policy = Policy {
        delay_ms: 60_000,
        witnesses: None,
    };
    for id in tiles_of(310).chain(bundles_of(310)).flat_map(all_widths) {
        let path = id.path();
        door::answer(&log, &policy, &Reader::own(), &path).unwrap();
        let end = id.index() * 256 + u64::from(id.width());
        let there = if path.starts_with("tile/1/") { 1 } else { 257 };
        let answer = door::answer(&log, &policy, &Reader::public(), &path);
        assert_eq!(answer.is_ok(), end <= there, "{path}");
    }
}
