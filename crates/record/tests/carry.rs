//! Mirrors, witnesses and sticks: another's log arrives verified and whole, or not at all.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Reader;
use record::audit::{Options, audit};
use record::c2sp::checkpoint::{Checkpoint, SignedCheckpoint};
use record::c2sp::cosignature::CosignerKey;
use record::c2sp::note::VerifierKey;
use record::c2sp::tile::TileHashes;
use record::c2sp::witness::{AddCheckpoint, Evidence, Finding, Refused};
use record::carry::{Arrived, CarriedOut, In, Out, SealIdentity, Withheld, out, take_in};
use record::door::StoreTiles;
use record::encoding::Hash;
use record::files::{Directory, Stored};
use record::mirror::{Delivered, Mirror, MirrorError};
use record::repair::repair;
use record::statement::Draft;
use record::store::sqlite::Held;
use record::time::UtcMs;
use record::witness_book::WitnessBook;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::{Desk, LOG_KEY, START, names, said, signer};

struct Reading {
    data: PathBuf,
    identity: SealIdentity,
}

impl Reading {
    fn new(desk: &Desk, name: &str) -> Self {
        let data = desk.root.path().join(name);
        std::fs::create_dir(&data).unwrap();
        Self {
            data,
            identity: SealIdentity::generate(),
        }
    }

    fn take(&self, stick: &Path, pins: &[VerifierKey]) -> Arrived {
        let order = In {
            data: &self.data,
            source: stick,
            identity: &self.identity,
            own_origin: None,
            pins,
        };
        take_in(&order, |_, _| {}).unwrap()
    }

    fn mirror(&self) -> PathBuf {
        self.data
            .join("mirrors")
            .join(support::ORIGIN.replace('/', "+"))
    }
}

fn pin() -> Vec<VerifierKey> {
    vec![signer(LOG_KEY).verifier().clone()]
}

fn carry_out(desk: &Desk, to: &Reading, reader: &Reader, stick: &Path) -> CarriedOut {
    carry_out_without(desk, to, reader, stick, &BTreeSet::new())
}

fn carry_out_without(
    desk: &Desk,
    to: &Reading,
    reader: &Reader,
    stick: &Path,
    withheld: &BTreeSet<Withheld>,
) -> CarriedOut {
    let order = Out {
        data: &desk.dir,
        target: stick,
        reader,
        recipient: &to.identity.recipient(),
        cosigned: &[],
        withheld,
    };
    out(&order, |_, _| {}).unwrap()
}

fn ru() -> Reader {
    Reader::participant("RU".parse().unwrap(), true)
}

#[test]
fn a_stick_brings_the_log_and_only_what_its_reader_may_read() {
    let desk = Desk::found();
    let log = desk.open();
    let photo = b"crater".repeat(20_000);
    let name = log.attach(&mut photo.as_slice()).unwrap();
    let with_photo = Draft::new("report.file/1", "2016-06-21T12:00:00+03:00")
        .and_then(|d| {
            d.group(
                "body",
                names(&["RU"]),
                json!({"attachments": [{"name": name.to_string()}]}),
            )
        })
        .and_then(|d| d.group("source", names(&[]), json!({"who": "a very private name"})))
        .unwrap();
    let photo_index = said(&log, &desk.sign(&with_photo)).reference.index;
    for i in 0..300 {
        said(&log, &desk.message(&format!("message {i}")));
    }
    drop(log);

    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    let first = carry_out(&desk, &reading, &ru(), &stick);
    assert_eq!(first.disclosures, 602);
    assert_eq!(support::found_in(&stick, b"a very private name"), None);
    assert_eq!(support::found_in(&stick, b"Is it still"), None);
    let again = carry_out(&desk, &reading, &ru(), &stick);
    assert_eq!(
        (again.written, again.kept > 5),
        (0, true),
        "what is there is not written again"
    );

    let unknown = reading.take(&stick, &[]);
    assert!(matches!(
        unknown.logs[0].result,
        Err(MirrorError::Unknown { .. })
    ));
    let extended = reading.take(&stick, &pin()).logs.remove(0).result.unwrap();
    assert_eq!(
        (
            extended.from,
            extended.to,
            extended.disclosures,
            extended.stray
        ),
        (0, 303, 602, 0)
    );

    let mirror = Mirror::open(&reading.mirror()).unwrap();
    let statement = mirror.reader().statement(photo_index).unwrap().unwrap();
    assert!(statement.content("body").is_some());
    assert!(statement.content("source").is_none());
    let digest = statement.head().unwrap().groups["source"].digest;
    assert_eq!(
        mirror.reader().held(photo_index, 2, digest).unwrap(),
        Held::Absent
    );
    let key = mirror.reader().attachment_key(&name).unwrap().unwrap();
    let mut back = Vec::new();
    record::store::attachment::read(&reading.mirror(), &name, &key, &mut back).unwrap();
    assert_eq!(back, photo);
    drop(mirror);
    let report = audit(
        &Stored::open(&reading.mirror()).unwrap(),
        &Options::default(),
        |_, _| {},
    );
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.disclosures.unwrap().attachments, 1);

    said(&desk.open(), &desk.message("one more"));
    carry_out(&desk, &reading, &ru(), &stick);
    let extended = reading.take(&stick, &[]).logs.remove(0).result.unwrap();
    assert_eq!(
        (extended.from, extended.to, extended.disclosures),
        (303, 304, 2)
    );
}

#[test]
fn what_is_held_back_stays_behind_while_its_leaf_goes_and_who_had_it_keeps_it() {
    let desk = Desk::found();
    let log = desk.open();
    let place = "the exact place of a clinic";
    let notice = Draft::new("site.notify/1", "2016-06-21T12:00:00+03:00")
        .and_then(|d| d.group("body", names(&["RU", "US"]), json!({"category": "clinic"})))
        .and_then(|d| d.group("exact", names(&["RU", "US"]), json!({"name": place})))
        .unwrap();
    let index = said(&log, &desk.sign(&notice)).reference.index;
    drop(log);
    let withheld = BTreeSet::from([Withheld {
        origin: support::ORIGIN.into(),
        index,
        group: "exact".into(),
    }]);
    let had = |reading: &Reading, group: &str| {
        let mirror = Mirror::open(&reading.mirror()).unwrap();
        let statement = mirror.reader().statement(index).unwrap().unwrap();
        assert!(statement.head().is_some(), "he knows that there is more");
        statement.content(group).is_some()
    };

    // He had it before it was held back, by this very stick.
    let (ru, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    assert_eq!(carry_out(&desk, &ru, &self::ru(), &stick).disclosures, 3);
    assert_eq!(support::found_in(&stick, place.as_bytes()), None);
    ru.take(&stick, &pin()).logs.remove(0).result.unwrap();
    assert!(had(&ru, "exact"));
    said(&desk.open(), &desk.message("more"));
    let done = carry_out_without(&desk, &ru, &self::ru(), &stick, &withheld);
    assert_eq!((done.disclosures, &done.withheld), (4, &withheld));
    let again = ru.take(&stick, &[]).logs.remove(0).result.unwrap();
    assert_eq!(again.disclosures, 2, "of the message");
    assert!(had(&ru, "exact"), "a copy that was delivered is his");

    // Another, who had nothing of it, gets the leaf and what is for him of the rest; nobody else opens what he gets.
    let us = Reader::participant("US".parse().unwrap(), true);
    let (to_us, thief) = (Reading::new(&desk, "us"), Reading::new(&desk, "thief"));
    let stick = desk.root.path().join("other stick");
    let done = carry_out_without(&desk, &to_us, &us, &stick, &withheld);
    assert_eq!(done.withheld, withheld);
    assert_eq!(done.logs[0].1, index + 2, "all leaves go");
    to_us.take(&stick, &pin()).logs.remove(0).result.unwrap();
    assert!(had(&to_us, "body") && !had(&to_us, "exact"));
    let stolen = thief.take(&stick, &pin()).logs.remove(0).result.unwrap();
    assert_eq!(stolen.disclosures, 0);

    // When it is released again, the same stick brings it.
    let done = carry_out(&desk, &to_us, &us, &stick);
    assert_eq!((done.disclosures, done.withheld.len()), (5, 0));
    to_us.take(&stick, &[]).logs.remove(0).result.unwrap();
    assert!(had(&to_us, "exact"));
}

#[test]
fn what_is_delivered_twice_at_once_opens_with_the_key_of_the_first() {
    let desk = Desk::found();
    let log = desk.open();
    let index = said(&log, &desk.message("for RU")).reference.index;
    let disclosures: Vec<_> = log
        .statement(index)
        .unwrap()
        .unwrap()
        .disclosures()
        .cloned()
        .collect();
    drop(log);
    let delivered = Delivered {
        index,
        disclosures,
        attachments: Vec::new(),
    };
    let stored = Stored::open(&desk.dir).unwrap();
    let mut mirror = Mirror::create(&desk.root.path().join("mirror"), &pin()[0]).unwrap();
    let extended = mirror
        .extend(&stored, |_| vec![delivered.clone(), delivered.clone()])
        .unwrap();
    assert_eq!((extended.disclosures, extended.stray), (2, 0));
    let held = mirror.reader().statement(index).unwrap().unwrap();
    assert!(held.is_complete());
}

#[test]
fn what_is_sealed_to_another_opens_nothing_but_the_tree_arrives() {
    let desk = Desk::found();
    said(&desk.open(), &desk.message("for RU"));
    let (reading, thief) = (Reading::new(&desk, "ru"), Reading::new(&desk, "thief"));
    let stick = desk.root.path().join("stick");
    carry_out(&desk, &reading, &ru(), &stick);
    let extended = thief.take(&stick, &pin()).logs.remove(0).result.unwrap();
    assert_eq!((extended.to, extended.disclosures), (3, 0));
}

#[test]
fn an_unknown_log_is_believed_only_under_the_pinned_key() {
    let desk = Desk::found();
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let wrong = vec![signer(99).verifier().clone()];
    assert!(matches!(
        reading.take(&stick, &wrong).logs[0].result,
        Err(MirrorError::Checkpoint(_))
    ));
}

#[test]
fn a_mirror_takes_no_head_that_the_log_did_not_sign() {
    let desk = Desk::found();
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    reading.take(&stick, &pin()).logs.remove(0).result.unwrap();
    said(&desk.open(), &desk.message("x"));
    carry_out(&desk, &reading, &ru(), &stick);
    let path = stick
        .join("logs")
        .join(support::ORIGIN.replace('/', "+"))
        .join("checkpoint");
    let honest = SignedCheckpoint::parse(&std::fs::read(&path).unwrap()).unwrap();
    let forged = SignedCheckpoint::sign(honest.checkpoint().clone(), &[&signer(99)]).unwrap();
    std::fs::write(&path, forged.to_string()).unwrap();
    let arrived = reading.take(&stick, &[]);
    assert!(
        matches!(arrived.logs[0].result, Err(MirrorError::Checkpoint(_))),
        "{:?}",
        arrived.logs[0].result
    );
}

#[test]
fn a_damaged_stick_changes_nothing() {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..300 {
        said(&log, &desk.message(&format!("{i}")));
    }
    drop(log);
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let logs = stick.join("logs").join(support::ORIGIN.replace('/', "+"));
    let bundle = logs.join("tile/entries/000");
    let sound = std::fs::read(&bundle).unwrap();
    let mut damaged = sound.clone();
    damaged[5000] ^= 1;
    std::fs::write(&bundle, &damaged).unwrap();
    let arrived = reading.take(&stick, &pin());
    assert!(
        matches!(arrived.logs[0].result, Err(MirrorError::Damaged(302))),
        "{:?}",
        arrived.logs[0].result
    );
    assert!(Mirror::open(&reading.mirror()).unwrap().head().is_none());
    std::fs::write(&bundle, &sound).unwrap();
    assert_eq!(
        reading.take(&stick, &[]).logs.remove(0).result.unwrap().to,
        302
    );
}

#[test]
fn a_sealed_file_that_was_altered_withholds_and_never_misleads() {
    let desk = Desk::found();
    said(&desk.open(), &desk.message("for RU"));
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let sealed = stick
        .join("logs")
        .join(support::ORIGIN.replace('/', "+"))
        .join("sealed/000.p/3");
    let mut bytes = std::fs::read(&sealed).unwrap();
    assert!(bytes.len() >= 4096, "padded");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&sealed, bytes).unwrap();
    assert_eq!(
        reading
            .take(&stick, &pin())
            .logs
            .remove(0)
            .result
            .unwrap()
            .disclosures,
        0
    );
}

#[test]
fn an_interrupted_import_goes_on_where_it_was() {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..300 {
        said(&log, &desk.message(&format!("{i}")));
    }
    drop(log);
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let logs = stick.join("logs").join(support::ORIGIN.replace('/', "+"));
    let away = desk.root.path().join("away");
    std::fs::rename(logs.join("tile/entries/001.p/46"), &away).unwrap();
    assert!(matches!(
        reading.take(&stick, &pin()).logs[0].result,
        Err(MirrorError::Tiles(_))
    ));
    let quarantine = reading
        .data
        .join("quarantine")
        .join(support::ORIGIN.replace('/', "+"));
    assert!(quarantine.join("tile/entries/000").exists());
    std::fs::rename(&away, logs.join("tile/entries/001.p/46")).unwrap();
    assert_eq!(
        reading
            .take(&stick, &pin())
            .logs
            .remove(0)
            .result
            .unwrap()
            .to,
        302
    );
    assert!(!quarantine.exists());
}

/// Two histories of one log: the second one is signed by the same keys after the first was set back.
fn fork(desk: &Desk) -> (PathBuf, PathBuf) {
    let first = desk.root.path().join("first");
    let second = desk.root.path().join("second");
    let reading = Reading::new(desk, "nobody");
    said(&desk.open(), &desk.message("common"));
    let copy = desk.root.path().join("copy");
    copy_dir(&desk.dir, &copy);
    said(&desk.open(), &desk.message("what one side is shown"));
    carry_out(desk, &reading, &ru(), &first);
    std::fs::remove_dir_all(&desk.dir).unwrap();
    copy_dir(&copy, &desk.dir);
    let log = desk.open();
    said(&log, &desk.message("what the other side is shown"));
    said(&log, &desk.message("and more"));
    drop(log);
    carry_out(desk, &reading, &ru(), &second);
    (first, second)
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_fork_is_kept_as_evidence() {
    let desk = Desk::found();
    let (first, second) = fork(&desk);
    for (one, other) in [(&first, &second), (&second, &first)] {
        let reading = Reading::new(
            &desk,
            &format!("reader-of-{}", one.file_name().unwrap().to_str().unwrap()),
        );
        reading.take(one, &pin()).logs.remove(0).result.unwrap();
        let Err(MirrorError::Forked(evidence)) = reading.take(other, &[]).logs.remove(0).result
        else {
            panic!("a fork was not found");
        };
        let text = evidence.to_string();
        let outside = Evidence::parse(text.as_bytes()).unwrap();
        assert_eq!(
            outside.verify(support::ORIGIN, &pin()).unwrap(),
            Finding::Fork
        );

        let mut book = WitnessBook::open(
            &reading.data,
            CosignerKey::from_seed("ru.example/witness", &[8; 32]).unwrap(),
        )
        .unwrap();
        book.keep(&evidence, START).unwrap();
        book.keep(&evidence, START).unwrap();
        assert_eq!(book.evidence(support::ORIGIN).unwrap(), [text]);
    }
}

#[test]
fn a_witness_never_forgets_what_it_cosigned() {
    let desk = Desk::found();
    let dir = desk.root.path().join("witness");
    std::fs::create_dir(&dir).unwrap();
    let open = || {
        let mut book = WitnessBook::open(
            &dir,
            CosignerKey::from_seed("ru.example/witness", &[8; 32]).unwrap(),
        )
        .unwrap();
        book.watch(support::ORIGIN, pin()).unwrap();
        book
    };
    let log = desk.open();
    let request = |old: u64| {
        let head = log.head().unwrap().checkpoint.clone();
        let size = head.checkpoint().size();
        let tiles = StoreTiles::new(log.reader().clone(), size);
        AddCheckpoint::new(head, old, &TileHashes::new(&tiles, size)).unwrap()
    };
    let accepted = open().add(request(0), START).unwrap().unwrap();
    let mut cosigned = accepted.head.clone();
    cosigned.add(accepted.cosignature).unwrap();
    log.keep_cosigned(&cosigned, log.now()).unwrap();
    said(&log, &desk.message("x"));

    let mut book = open();
    assert!(matches!(
        book.add(request(0), START).unwrap(),
        Err(Refused::Conflict { size: 2, .. })
    ));
    let fork = Checkpoint::new(support::ORIGIN, 2, Hash([7; 32])).unwrap();
    let fork = SignedCheckpoint::sign(fork, &[&signer(LOG_KEY)]).unwrap();
    let fork = AddCheckpoint::new(fork, 2, &|_: u8, _: u64| None::<Hash>).unwrap();
    let refused = book.add(fork, START).unwrap().unwrap_err();
    assert_eq!(refused.status(), 422);
    assert_eq!(book.evidence(support::ORIGIN).unwrap().len(), 1);
    book.add(request(2), UtcMs(START.0 + 1000))
        .unwrap()
        .unwrap();
    book.add(request(3), UtcMs(START.0 + 2000))
        .unwrap()
        .unwrap();
    drop(book);
    assert_eq!(open().head(support::ORIGIN).unwrap().checkpoint().size(), 3);
    let witness = open().verifier().clone();
    let kept = log.reader().kept_head_of(2).unwrap().unwrap();
    assert!(kept.contains(witness.name()));
}

#[test]
fn scrub_finds_damage_and_a_mirror_mends_it_without_signing_anew() {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..300 {
        said(&log, &desk.message(&format!("{i}")));
    }
    drop(log);
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let mirror = Directory::new(&stick.join("logs").join(support::ORIGIN.replace('/', "+")));
    let head = |desk: &Desk| std::fs::read(desk.dir.join("head")).unwrap();
    let signed = head(&desk);

    let db = rusqlite::Connection::open(desk.dir.join("record.db")).unwrap();
    db.execute(
        "UPDATE entry SET leaf = CAST(replace(leaf, 'e', 'f') AS BLOB) WHERE idx = 77",
        [],
    )
    .unwrap();
    db.execute("DELETE FROM entry WHERE idx = 300", []).unwrap();
    db.close().unwrap();
    let scrub = || {
        audit(
            &Stored::open(&desk.dir).unwrap(),
            &Options::default(),
            |_, _| {},
        )
    };
    assert_eq!(scrub().first_bad, Some(77));

    let done = repair(&desk.dir, &mirror, &pin()).unwrap();
    assert_eq!(
        (done.size, done.taken, done.kept, done.disclosures_lost),
        (302, 2, 300, 0)
    );
    let report = scrub();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!(report.disclosures.unwrap().opened, 600);
    assert_eq!(
        SignedCheckpoint::parse(&note(&signed)).unwrap(),
        SignedCheckpoint::parse(&note(&head(&desk))).unwrap()
    );
    said(&desk.open(), &desk.message("it goes on"));
}

/// The newest note in a head file's bytes.
fn note(head: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("head"), head).unwrap();
    record::store::head::HeadFile::peek(&dir.path().join("head"))
        .unwrap()
        .into_bytes()
}

#[test]
fn torn_pages_and_a_lost_head_are_mended_from_a_mirror() {
    let desk = Desk::found();
    let log = desk.open();
    for i in 0..300 {
        said(&log, &desk.message(&format!("{i}")));
    }
    drop(log);
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let mirror = Directory::new(&stick.join("logs").join(support::ORIGIN.replace('/', "+")));
    let path = desk.dir.join("record.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 8192;
    assert!(pages > 12, "{pages} pages");
    for page in [pages / 2, pages - 3] {
        bytes[page * 8192..page * 8192 + 4096].fill(0xa5);
    }
    std::fs::write(&path, &bytes).unwrap();
    std::fs::remove_file(desk.dir.join("head")).unwrap();
    assert!(
        desk.open()
            .read_only()
            .unwrap()
            .to_string()
            .contains("repair")
    );

    let done = repair(&desk.dir, &mirror, &pin()).unwrap();
    assert_eq!(done.size, 302);
    let report = audit(
        &Stored::open(&desk.dir).unwrap(),
        &Options::default(),
        |_, _| {},
    );
    assert!(report.is_sound(), "{:?}", report.problems);
    said(&desk.open(), &desk.message("it goes on"));
}

#[test]
fn a_repair_takes_nothing_that_was_not_signed() {
    let desk = Desk::found();
    said(&desk.open(), &desk.message("x"));
    let (reading, stick) = (Reading::new(&desk, "ru"), desk.root.path().join("stick"));
    carry_out(&desk, &reading, &ru(), &stick);
    let dir = stick.join("logs").join(support::ORIGIN.replace('/', "+"));
    let honest = SignedCheckpoint::parse(&std::fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    let forged = SignedCheckpoint::sign(honest.checkpoint().clone(), &[&signer(99)]).unwrap();
    std::fs::write(dir.join("checkpoint"), forged.to_string()).unwrap();
    assert!(repair(&desk.dir, &Directory::new(&dir), &pin()).is_err());
    assert!(desk.open().read_only().is_none());
}
