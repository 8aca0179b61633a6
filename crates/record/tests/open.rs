//! Opening a log whose files contradict each other, and what outsiders are shown of one.

mod support;

use record::audience::Reader;
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::cosignature::{CosignerKey, WitnessPolicy};
use record::c2sp::tile::{TileId, bundles_of, tiles_of, verify_bundle, verify_tiles};
use record::c2sp::tree::Tree;
use record::door::{self, DoorError, Policy, StoreTiles};
use record::log::{Lane, Log, OpenError, ReadOnly};
use record::statement::Leaf;
use record::store::StoreError;
use record::store::head::{HeadFile, Medium, SLOT_BYTES};
use record::time::UtcMs;
use rusqlite::Connection;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use support::{Desk, LOG_KEY, ORIGIN, START, refused, said, signer};

/// The files of a stopped log, as a backup has them.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to.join("attachments")).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Puts one database of a backup back in place of today's.
fn set_back(desk: &Desk, backup: &Path, database: &str) {
    for tail in ["", "-wal", "-shm"] {
        let file = desk.dir.join(format!("{database}{tail}"));
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::copy(backup.join(format!("{database}{tail}")), &file);
    }
}

fn database(desk: &Desk, file: &str) -> Connection {
    Connection::open(desk.dir.join(file)).unwrap()
}

fn entries(desk: &Desk) -> i64 {
    let count = "SELECT count(*) FROM entry";
    database(desk, "record.db")
        .query_row(count, [], |r| r.get(0))
        .unwrap()
}

fn say_some(desk: &Desk, log: &Log, count: usize) {
    for n in 0..count {
        said(log, &desk.message(&format!("{n}")));
    }
}

/// Opens the log and expects that it takes nothing, and changes nothing, for this reason.
fn expect_read_only(desk: &Desk, options: record::log::Options, reason: &ReadOnly) {
    let log = Log::open(&desk.dir, options).unwrap();
    assert_eq!(log.read_only().as_ref(), Some(reason));
    assert_eq!(refused(log.say(&desk.message("x"))), reason.to_string());
    assert!(log.attach(&mut [1].as_slice()).is_err());
    assert!(
        log.head().is_none(),
        "no head is shown of a log that cannot be vouched for"
    );
}

#[test]
fn a_missing_or_damaged_head_makes_the_log_read_only() {
    let desk = Desk::found();
    say_some(&desk, &desk.open(), 3);
    let path = desk.dir.join("head");
    let sound = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    expect_read_only(&desk, desk.options(), &ReadOnly::HeadMissing);

    let mut torn = sound.clone();
    for slot in [0, SLOT_BYTES] {
        torn[slot + 100] ^= 1;
    }
    for damaged in [torn, Vec::new(), vec![0; sound.len()], vec![7; sound.len()]] {
        std::fs::write(&path, damaged).unwrap();
        expect_read_only(&desk, desk.options(), &ReadOnly::HeadDamaged);
    }
    std::fs::write(&path, sound).unwrap();
    say_some(&desk, &desk.open(), 1);
}

#[test]
fn a_log_whose_founding_was_interrupted_is_not_opened() {
    let desk = Desk::found();
    std::fs::write(desk.dir.join("head"), vec![0; 2 * SLOT_BYTES]).unwrap();
    let db = database(&desk, "record.db");
    db.execute_batch("DELETE FROM entry WHERE idx > 0; DELETE FROM control WHERE idx > 0")
        .unwrap();
    let opened = Log::open(&desk.dir, desk.options());
    assert!(matches!(opened.err(), Some(OpenError::NotFounded(_))));
}

#[test]
fn a_head_that_our_keys_did_not_sign_is_not_believed() {
    let desk = Desk::found();
    let log = desk.open();
    let head = log.head().unwrap().checkpoint.checkpoint().clone();
    drop(log);
    let forged = SignedCheckpoint::sign(head, &[&signer(77)]).unwrap();
    let mut file = HeadFile::open(&desk.dir.join("head")).unwrap();
    file.write(&forged.to_string()).unwrap();
    drop(file);
    expect_read_only(&desk, desk.options(), &ReadOnly::HeadDamaged);
}

#[test]
fn a_database_that_was_set_back_makes_the_log_read_only() {
    let desk = Desk::found();
    say_some(&desk, &desk.open(), 2);
    let backup = desk.root.path().join("backup");
    copy(&desk.dir, &backup);
    say_some(&desk, &desk.open(), 3);
    set_back(&desk, &backup, "record.db");
    let (database, size) = (4, 7);
    expect_read_only(
        &desk,
        desk.options(),
        &ReadOnly::DatabaseBehind { database, size },
    );
    assert_eq!(entries(&desk), 4);
}

#[test]
fn a_database_with_another_root_makes_the_log_read_only() {
    let desk = Desk::found();
    let log = desk.open();
    let index = said(&log, &desk.message("exactly this")).reference.index;
    let leaf = log.reader().leaf(index).unwrap().unwrap();
    drop(log);
    let mut bytes = leaf.into_bytes();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    let flipped = String::from_utf8(bytes).unwrap();
    let change = "UPDATE entry SET leaf = ?2 WHERE idx = ?1";
    database(&desk, "record.db")
        .execute(change, (index as i64, flipped))
        .unwrap();
    expect_read_only(&desk, desk.options(), &ReadOnly::OtherRoot { size: 3 });
}

#[test]
fn a_bit_flip_in_a_tile_of_hashes_makes_the_log_read_only() {
    let desk = Desk::found();
    say_many(&desk, &desk.open(), 300);
    let tile = "UPDATE tile SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB) WHERE level = 1";
    assert_eq!(database(&desk, "record.db").execute(tile, []).unwrap(), 1);
    expect_read_only(&desk, desk.options(), &ReadOnly::OtherRoot { size: 302 });
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
fn a_machine_that_was_set_back_signs_nothing() {
    let desk = Desk::found();
    say_some(&desk, &desk.open(), 2);
    let backup = desk.root.path().join("backup");
    copy(&desk.dir, &backup);
    let log = desk.open();
    say_some(&desk, &log, 3);
    let seen = log.head().unwrap().checkpoint.clone();
    drop(log);
    let today = desk.root.path().join("today");
    copy(&desk.dir, &today);

    let options = || {
        let mut options = desk.options();
        options.peer_heads = vec![seen.clone()];
        options
    };
    copy(&backup, &desk.dir);
    expect_read_only(&desk, options(), &ReadOnly::PeerAhead { seen: 7, size: 4 });

    // With head and keys of yesterday and the database of today, what a peer saw signed is not dropped as unsigned.
    copy(&today, &desk.dir);
    set_back(&desk, &backup, "keys.db");
    std::fs::copy(backup.join("head"), desk.dir.join("head")).unwrap();
    expect_read_only(&desk, options(), &ReadOnly::PeerAhead { seen: 7, size: 4 });
    assert_eq!(entries(&desk), 7);

    copy(&today, &desk.dir);
    say_some(&desk, &Log::open(&desk.dir, options()).unwrap(), 1);
}

#[test]
fn a_fork_of_the_own_log_stops_it() {
    let desk = Desk::found();
    let backup = desk.root.path().join("backup");
    copy(&desk.dir, &backup);
    let log = desk.open();
    say_some(&desk, &log, 2);
    let seen = log.head().unwrap().checkpoint.clone();
    drop(log);
    copy(&backup, &desk.dir);
    for more in [2, 1] {
        say_some(&desk, &desk.open(), more);
        let mut options = desk.options();
        options.peer_heads = vec![seen.clone()];
        expect_read_only(&desk, options, &ReadOnly::Forked { size: 4 });
    }
}

/// A log with two entries that no head covers, as a crash before the head's write leaves it; and their statements.
fn with_tail() -> (Desk, [String; 2]) {
    let desk = Desk::found();
    say_some(&desk, &desk.open(), 3);
    let head = std::fs::read(desk.dir.join("head")).unwrap();
    let tail = [desk.message("five"), desk.message("six")];
    let log = desk.open();
    for statement in &tail {
        said(&log, statement);
    }
    drop(log);
    std::fs::write(desk.dir.join("head"), head).unwrap();
    (desk, tail)
}

#[test]
fn a_whole_tail_is_kept_and_signed() {
    let (desk, tail) = with_tail();
    let log = desk.open();
    assert_eq!(log.head().unwrap().size(), 7);
    for (statement, index) in tail.iter().zip(5..) {
        let receipt = said(&log, statement);
        assert_eq!((receipt.reference.index, receipt.already), (index, true));
    }
    drop(log);
    let head = HeadFile::peek(&desk.dir.join("head")).unwrap();
    let head = SignedCheckpoint::parse(head.as_bytes()).unwrap();
    assert_eq!(head.checkpoint().size(), 7);
}

#[test]
fn entries_without_keys_are_dropped_when_no_head_covers_them() {
    let (desk, tail) = with_tail();
    let lose = "DELETE FROM key WHERE id >= 6 * 16";
    assert!(database(&desk, "keys.db").execute(lose, []).unwrap() > 0);
    let log = desk.open();
    assert_eq!((log.head().unwrap().size(), entries(&desk)), (6, 6));
    assert!(said(&log, &tail[0]).already);
    let again = said(&log, &tail[1]);
    assert_eq!((again.reference.index, again.already), (6, false));
    assert!(log.statement(6).unwrap().unwrap().is_complete());

    // When the newest head may have been lost, it may have covered them.
    let (desk, _) = with_tail();
    database(&desk, "keys.db").execute(lose, []).unwrap();
    tear_the_older_slot(&desk);
    expect_read_only(&desk, desk.options(), &ReadOnly::TailDamaged(6));
    assert_eq!(entries(&desk), 7);
}

fn tear_the_older_slot(desk: &Desk) {
    let path = desk.dir.join("head");
    let newest = HeadFile::peek(&path).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    for slot in [0, SLOT_BYTES as u64] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, slot + 100).unwrap();
        file.write_all_at(&[byte[0] ^ 1], slot + 100).unwrap();
        if HeadFile::peek(&path).as_ref() == Some(&newest) {
            return;
        }
        file.write_all_at(&byte, slot + 100).unwrap();
    }
    panic!("one slot is the older one");
}

#[test]
fn an_interrupted_erasure_is_finished_at_the_next_start() {
    let remember = "INSERT INTO erasing (statement, idx, slots) VALUES (?1, ?2, 1 << 1)";
    // Before anything was destroyed; after the bytes were; after the statement was logged too.
    for done in 0..3 {
        let desk = Desk::found();
        let log = desk.open();
        let target = said(&log, &desk.message("names of sources")).reference;
        let key = desk.key_bytes(target.index, 1);
        let erase = desk.sign(&desk.erase(&target));
        if done == 2 {
            said(&log, &erase);
        }
        drop(log);
        let record = database(&desk, "record.db");
        record
            .execute(remember, (&erase, target.index as i64))
            .unwrap();
        match done {
            1 => {
                record
                    .execute("INSERT INTO erased (id) VALUES (2 * 16 + 1)", [])
                    .unwrap();
                record
                    .execute("DELETE FROM disclosure WHERE id = 2 * 16 + 1", [])
                    .unwrap();
            }
            2 => {
                assert_eq!(
                    record.execute("UPDATE erased SET by = NULL", []).unwrap(),
                    1
                );
            }
            _ => {}
        }
        drop(record);
        drop(desk.open());
        let log = desk.open();
        assert_eq!(log.head().unwrap().size(), 4);
        assert_eq!(log.reader().erased_slots(2).unwrap(), [(1, Some(3))]);
        assert_eq!(log.statement(3).unwrap().unwrap().to_string(), erase);
        assert_eq!(support::found_in(&desk.dir, &key), None);
        let left = "SELECT count(*) FROM erasing";
        let left: i64 = database(&desk, "record.db")
            .query_row(left, [], |r| r.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }
}

#[test]
fn a_bit_flip_in_a_key_or_a_ciphertext_is_found_when_it_is_read() {
    for (file, flip) in [
        (
            "keys.db",
            "UPDATE key SET key = CAST(x'00' || substr(key, 2) AS BLOB) WHERE id = 2 * 16 + 1",
        ),
        ("keys.db", "DELETE FROM key WHERE id = 2 * 16 + 1"),
        (
            "record.db",
            "UPDATE disclosure SET sealed = CAST(substr(sealed, 2) || x'00' AS BLOB) WHERE id = 2 * 16 + 1",
        ),
    ] {
        let desk = Desk::found();
        let log = desk.open();
        assert_eq!(
            said(&log, &desk.message("names of sources"))
                .reference
                .index,
            2
        );
        assert_eq!(database(&desk, file).execute(flip, []).unwrap(), 1);
        let read = log.statement(2);
        assert!(
            matches!(read, Err(StoreError::Damaged(_))),
            "{flip}: {read:?}"
        );
        said(&log, &desk.message("the log goes on"));
    }
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

/// What the public door answers.
fn public(log: &Log, policy: &Policy, path: &str) -> Option<Vec<u8>> {
    match door::answer(log, policy, &Reader::public(), path) {
        Ok(bytes) => Some(bytes),
        Err(DoorError::NotFound) => None,
        Err(error) => panic!("{path}: {error}"),
    }
}

fn public_size(log: &Log, policy: &Policy) -> Option<u64> {
    let head = SignedCheckpoint::parse(&public(log, policy, "checkpoint")?).unwrap();
    let keys = [signer(LOG_KEY).verifier().clone()];
    head.verify(ORIGIN, &keys).unwrap();
    Some(head.checkpoint().size())
}

#[test]
fn the_public_sees_nothing_beyond_an_earlier_witnessed_head() {
    let desk = Desk::found();
    let mut options = desk.options();
    options.keep_heads_every_ms = 60_000;
    let log = Log::open(&desk.dir, options).unwrap();
    let witness = CosignerKey::from_seed("witness.example/hum", &[9; 32]).unwrap();
    let witnesses = WitnessPolicy::new(vec![witness.verifier().clone()], 1).unwrap();
    let delayed = Policy {
        delay_ms: 600_000,
        witnesses: None,
    };
    let witnessed = Policy {
        witnesses: Some(witnesses),
        ..delayed.clone()
    };

    // At noon 2 + 255 entries; at 12:05 they are 300; at 12:05 and a half 310, for which no head is kept.
    say_many(&desk, &log, 255);
    log.keep_head().unwrap();
    let noon = log.head().unwrap();
    desk.clock.set(UtcMs(START.0 + 300_000));
    say_many(&desk, &log, 43);
    log.keep_head().unwrap();
    desk.clock.set(UtcMs(START.0 + 330_000));
    say_many(&desk, &log, 10);
    assert_eq!(log.head().unwrap().size(), 310);
    assert_eq!(public_size(&log, &delayed), None, "nothing is old enough");

    desk.clock.set(UtcMs(START.0 + 600_000));
    assert_eq!(public_size(&log, &delayed), Some(257));
    assert_eq!(public_size(&log, &witnessed), None, "nobody cosigned");
    desk.clock.set(UtcMs(START.0 + 1_200_000));
    assert_eq!(
        public_size(&log, &delayed),
        Some(300),
        "a head is kept once in a minute"
    );

    let mut cosigned = noon.checkpoint.clone();
    let signature = witness.cosign(&cosigned, START.0 as u64 / 1000).unwrap();
    cosigned.add(signature).unwrap();
    log.keep_cosigned(&cosigned, noon.at).unwrap();
    assert_eq!(public_size(&log, &witnessed), Some(257));

    let mut answered = 0;
    for id in tiles_of(310).chain(bundles_of(310)).flat_map(all_widths) {
        let path = id.path();
        let inside = door::answer(&log, &witnessed, &Reader::own(), &path).is_ok();
        assert!(inside, "{path} for ourselves");
        answered += usize::from(public(&log, &witnessed, &path).is_some());
        let end = id.index() * 256 + u64::from(id.width());
        let there = if path.starts_with("tile/1/") { 1 } else { 257 };
        assert_eq!(
            public(&log, &witnessed, &path).is_some(),
            end <= there,
            "{path}"
        );
    }
    assert!(answered > 512);
    let root = *noon.checkpoint.checkpoint().root();
    let through_the_door = Door {
        log: &log,
        policy: &witnessed,
    };
    verify_tiles(&through_the_door, 257, &root).unwrap();
    for path in [
        "",
        "tile",
        "tile/0/x000/000",
        "tile/entries/002.p/1",
        "head",
        "../keys.db",
    ] {
        assert_eq!(public(&log, &witnessed, path), None, "{path}");
    }
}

/// A tile and every partial tile of it.
fn all_widths(id: TileId) -> Vec<TileId> {
    let path = id.full().path();
    let partial = (1..id.width().min(255)).map(|width| format!("{path}.p/{width}"));
    let partial = partial.map(|path| TileId::parse(&path).unwrap());
    partial.chain([id]).collect()
}

struct Door<'l> {
    log: &'l Log,
    policy: &'l Policy,
}

impl record::c2sp::tile::TileReader for Door<'_> {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        public(self.log, self.policy, &id.path())
    }
}

#[test]
fn the_tiles_of_every_earlier_size_verify() {
    let desk = Desk::found();
    let log = desk.open();
    say_many(&desk, &log, 511);
    let (mut tree, mut roots) = (Tree::new(), Vec::new());
    for leaf in log.reader().leaves(0, u64::MAX).unwrap() {
        tree.append(Leaf::parse(&leaf).unwrap().hash());
        roots.push(tree.root());
    }
    for size in [1, 2, 254, 255, 256, 257, 258, 510, 511, 512, 513] {
        let tiles = StoreTiles::new(log.reader().clone(), size);
        verify_tiles(&tiles, size, &roots[size as usize - 1]).unwrap();
        for id in bundles_of(size) {
            let hashes = TileId::hashes(0, id.index(), id.width() as u16).unwrap();
            let [bundle, tile] = [id, hashes].map(|id| tiles.read(id).unwrap().unwrap());
            verify_bundle(hashes, &bundle, &tile).unwrap();
        }
    }
    let head = Checkpoint::new(ORIGIN, 513, roots[512]).unwrap();
    assert!(head.same_tree(log.head().unwrap().checkpoint.checkpoint()));
}
