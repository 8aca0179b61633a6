//! One log: what is promised when a statement is said.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use record::audience::Reader;
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::note::VerifierKey;
use record::log::{Lane, Limits, Log, ReadOnly};
use record::name::{LogId, Reference};
use record::statement::{Draft, Kid, Statement};
use record::store::sqlite::Held;
use record::time::UtcMs;
use serde_json::json;
use std::sync::mpsc::channel;
use support::{
    ADMIN, Desk, LOG_KEY, OFFICE, OFFICE_KID, RECOVERY, START, found_in, names, refused, said,
    secret, signer,
};

#[test]
fn what_is_said_is_logged_once_proved_and_read_back() {
    let desk = Desk::found();
    let log = desk.open();
    let messages: Vec<String> = (0..700)
        .map(|i| desk.message(&format!("message {i}")))
        .collect();
    let (sender, receipts) = channel();
    for message in &messages {
        let sender = sender.clone();
        log.submit(message, Lane::Routine, move |result| {
            sender.send(result).unwrap()
        });
    }
    drop(sender);
    let limits = Limits::default();
    let (logged, busy): (Vec<_>, Vec<_>) = receipts.iter().partition(Result::is_ok);
    assert!(logged.len() >= limits.in_flight_per_key_max);
    for error in busy {
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("in_flight_per_key_max")
        );
    }
    let keys = [signer(LOG_KEY).verifier().clone()];
    for receipt in logged.into_iter().map(Result::unwrap) {
        let index = receipt.reference.index;
        let statement = log.statement(index).unwrap().unwrap();
        assert!(statement.is_complete());
        assert_eq!(statement.leaf().hash(), receipt.reference.leaf);
        let proof = log.prove(index).unwrap();
        let leaf = &statement.leaf().hash();
        proof.verify(leaf, support::ORIGIN, &keys, None).unwrap();
        let again = said(&log, &statement.to_string());
        assert_eq!((again.reference, again.already), (receipt.reference, true));
    }
    let size = log.head().unwrap().size();
    drop(log);
    assert_eq!(desk.open().head().unwrap().size(), size);
}

#[test]
fn no_signature_is_checked_of_what_is_over_the_limit() {
    let desk = Desk::found();
    let mut options = desk.options();
    options.limits.in_flight_per_key_max = 0;
    let log = Log::open(&desk.dir, options).unwrap();
    let before = log.signatures_checked();
    assert!(refused(log.say(&desk.message("flood"))).contains("in_flight_per_key_max"));
    assert_eq!(log.signatures_checked(), before);
    let (sender, receipt) = channel();
    log.submit(&desk.message("shells are falling"), Lane::Flash, move |r| {
        sender.send(r).unwrap()
    });
    receipt.recv().unwrap().unwrap();
    assert_eq!(log.signatures_checked(), before + 1);
}

#[test]
fn a_flooding_key_leaves_room_for_the_others() {
    let desk = Desk::found();
    said(&desk.open(), &desk.grant("office", 9).to_string());
    let mut options = desk.options();
    options.limits.in_flight_per_key_max = 8;
    let log = Log::open(&desk.dir, options).unwrap();
    let other = desk
        .draft("from another desk")
        .sign(&secret(9), Kid::Index(2), &desk.id, START)
        .unwrap();
    std::thread::scope(|scope| {
        for flooder in 0..4 {
            let (desk, log) = (&desk, &log);
            scope.spawn(move || {
                for i in 0..200 {
                    log.submit(
                        &desk.message(&format!("{flooder} {i}")),
                        Lane::Routine,
                        |_| {},
                    );
                }
            });
        }
        assert!(!log.say(&other.to_string()).unwrap().already);
    });
}

#[test]
fn a_wrong_signature_is_refused_and_nothing_is_written() {
    let desk = Desk::found();
    let log = desk.open();
    let size = log.head().unwrap().size();
    let forged = desk
        .draft("x")
        .sign(&secret(77), OFFICE_KID, &desk.id, START)
        .unwrap();
    assert!(refused(log.say(&forged.to_string())).contains("does not verify"));
    let unknown = desk
        .draft("x")
        .sign(&secret(OFFICE), Kid::Index(40), &desk.id, START)
        .unwrap();
    assert!(refused(log.say(&unknown.to_string())).contains("key 40 was never granted"));
    let admin = desk
        .draft("x")
        .sign(&secret(ADMIN), Kid::Index(0), &desk.id, START)
        .unwrap();
    assert!(refused(log.say(&admin.to_string())).contains("is an admin key"));
    let message = desk.message("x");
    let (leaf, _) = message.split_once('~').unwrap();
    assert!(refused(log.say(&format!("{leaf}~"))).contains("the head is missing"));
    assert!(refused(log.say(&message.replace('~', ""))).contains("not a statement"));
    assert_eq!(log.head().unwrap().size(), size);
}

#[test]
fn a_statement_for_another_log_is_refused() {
    let desk = Desk::found();
    let log = desk.open();
    let elsewhere = LogId::new(
        support::ORIGIN.parse().unwrap(),
        record::encoding::Hash([9; 32]),
    );
    let other = desk
        .draft("x")
        .sign(&secret(OFFICE), OFFICE_KID, &elsewhere, START)
        .unwrap();
    assert!(refused(log.say(&other.to_string())).contains("is for log"));
}

#[test]
fn prev_is_if_match() {
    let desk = Desk::found();
    let log = desk.open();
    let object = said(&log, &desk.message("site notified")).reference;
    let follow = |prev: &Reference, text: &str| {
        desk.sign(
            &desk
                .draft(text)
                .about(vec![object.clone()])
                .prev(prev.clone()),
        )
    };
    let second = said(&log, &follow(&object, "reviewed")).reference;
    assert!(
        refused(log.say(&follow(&object, "withdrawn")))
            .contains(&format!("the last statement about this object is {second}"))
    );
    said(&log, &follow(&second, "withdrawn"));

    let foreign: Reference = format!("truce.example/ru#7:{}", object.leaf)
        .parse()
        .unwrap();
    let answer = |prev: Option<&Reference>, text: &str| {
        let draft = desk.draft(text).about(vec![foreign.clone()]);
        desk.sign(&prev.map_or(draft.clone(), |prev| draft.prev(prev.clone())))
    };
    assert!(refused(log.say(&answer(Some(&object), "answer"))).contains("none of this log"));
    let held = said(&log, &answer(None, "still working")).reference;
    said(&log, &answer(Some(&held), "answer"));
}

#[test]
fn a_key_that_was_revoked_or_compromised_says_nothing_more() {
    let desk = Desk::found();
    let log = desk.open();
    said(&log, &desk.message("before"));
    said(
        &log,
        &desk
            .control(
                "key.compromise/1",
                json!({"kid": "1", "from": 2}),
                ADMIN,
                Kid::Index(0),
            )
            .to_string(),
    );
    assert!(refused(log.say(&desk.message("after"))).contains("compromised from entry 2"));
    let ring = log.ring();
    let leaf = log.statement(2).unwrap().unwrap().leaf().clone();
    assert!(
        ring.judge(&leaf, 2).is_err(),
        "the statement before the discovery is ineffective, and stands"
    );
    assert!(
        refused(
            log.say(
                &desk
                    .control(
                        "key.grant/1",
                        json!({"role": "office"}),
                        ADMIN,
                        Kid::Index(0)
                    )
                    .to_string()
            )
        )
        .contains("body.key")
    );
}

#[test]
fn the_log_key_rotates_by_overlapping_signatures() {
    let desk = Desk::found();
    let log = desk.open();
    let revoke = desk
        .control(
            "key.revoke/1",
            json!({"kid": "0/log"}),
            ADMIN,
            Kid::Index(0),
        )
        .to_string();
    assert!(
        !refused_last(&log, &revoke),
        "revoking takes effect after its own entry; the next head still counts"
    );
    drop(log);

    let desk = Desk::found();
    said(&desk.open(), &desk.grant("log", 5).to_string());
    let mut options = desk.options();
    options.signers.push(signer(5));
    let log = Log::open(&desk.dir, options).unwrap();
    said(&log, &desk.message("under both"));
    let both: Vec<VerifierKey> = [LOG_KEY, 5]
        .iter()
        .map(|k| signer(*k).verifier().clone())
        .collect();
    let signed = |log: &Log| {
        log.head()
            .unwrap()
            .checkpoint
            .verify(support::ORIGIN, &both)
            .unwrap()
            .len()
    };
    assert_eq!(signed(&log), 2);
    said(&log, &revoke_declared(&desk));
    said(&log, &desk.message("under the new one"));
    assert_eq!(signed(&log), 1);
    drop(log);
    let old = desk.open();
    assert_eq!(
        old.read_only(),
        Some(ReadOnly::NoLogKey),
        "a node that holds only the old key signs nothing"
    );
}

fn revoke_declared(desk: &Desk) -> String {
    desk.control(
        "key.revoke/1",
        json!({"kid": "0/log"}),
        ADMIN,
        Kid::Index(0),
    )
    .to_string()
}

fn refused_last(log: &Log, revoke: &str) -> bool {
    match log.say(revoke) {
        Ok(_) => false,
        Err(error) => {
            assert!(
                error.to_string().contains("grant another log key"),
                "{error}"
            );
            true
        }
    }
}

#[test]
fn order_is_by_index_whatever_the_clock_does() {
    let desk = Desk::found();
    let log = desk.open();
    let clocks = [
        START.0,
        START.0 - 86_400_000,
        START.0 + 86_400_000,
        0,
        START.0,
    ];
    for (expected, now) in (2..).zip(clocks) {
        desk.clock.set(UtcMs(now));
        let draft = desk.draft("x");
        let statement = draft
            .sign(&secret(OFFICE), OFFICE_KID, &desk.id, UtcMs(now))
            .unwrap();
        let receipt = said(&log, &statement.to_string());
        assert_eq!(receipt.reference.index, expected);
    }
}

#[test]
fn erased_bytes_are_gone_from_every_file() {
    let desk = Desk::found();
    let log = desk.open();
    let photo = b"the photograph of a source, which must not be found again".repeat(3000);
    let name = log.attach(&mut photo.as_slice()).unwrap();
    let content = json!({"text": "names of sources", "attachments": [{"name": name.to_string(), "type": "image/jpeg"}]});
    let draft = Draft::new("report.file/1", "2016-06-21T12:00:00+03:00")
        .and_then(|d| d.group("body", names(&["RU", "US"]), content))
        .and_then(|d| d.group("other", names(&["RU"]), json!({"text": "stays"})))
        .unwrap();
    let receipt = said(&log, &desk.sign(&draft));
    let index = receipt.reference.index;
    for i in 0..300 {
        said(&log, &desk.message(&format!("{i}")));
    }
    let mut back = Vec::new();
    log.attachment(&name, &mut back).unwrap();
    assert_eq!(back, photo);

    let sealed = desk.sealed_bytes(index, 1);
    let key = desk.key_bytes(index, 1);
    assert!(found_in(&desk.dir, &sealed[..48]).is_some());
    assert!(found_in(&desk.dir, &key).is_some());

    let erase = said(&log, &desk.sign(&desk.erase(&receipt.reference)));
    assert_eq!(found_in(&desk.dir, &sealed[..48]), None);
    assert_eq!(found_in(&desk.dir, &sealed[sealed.len() - 48..]), None);
    assert_eq!(found_in(&desk.dir, &key), None);
    assert!(log.attachment(&name, &mut Vec::new()).is_err());
    assert!(!desk.dir.join("attachments").join(name.to_string()).exists());

    let statement = log.statement(index).unwrap().unwrap();
    assert!(statement.content("body").is_none());
    assert!(statement.content("other").is_some());
    assert_eq!(
        log.reader().erased_slots(index).unwrap(),
        [(1, Some(erase.reference.index))]
    );
    let proof = log.prove(index).unwrap();
    let keys = [signer(LOG_KEY).verifier().clone()];
    proof
        .verify(&statement.leaf().hash(), support::ORIGIN, &keys, None)
        .unwrap();
    let digest = statement.head().unwrap().groups["body"].digest;
    assert_eq!(
        log.reader().held(index, 1, digest).unwrap(),
        Held::Erased(Some(erase.reference.index))
    );
}

#[test]
fn erase_correct_and_retract_reach_at_least_whom_their_target_reached() {
    let desk = Desk::found();
    let log = desk.open();
    let target = said(&log, &desk.message("wrong place")).reference;
    let correct = |readers: &[&str], about: &Reference| {
        let draft = Draft::new("correct/1", "2016-06-21T12:00:00+03:00")
            .unwrap()
            .about(vec![about.clone()]);
        desk.sign(
            &draft
                .group("body", names(readers), json!({"text": "right place"}))
                .unwrap(),
        )
    };
    assert!(
        refused(log.say(&correct(&["RU"], &target)))
            .contains("must reach everybody whom the statement reached: RU, US")
    );
    said(&log, &correct(&["RU", "US", "HUM"], &target));
    said(&log, &correct(&["public"], &target));
    let absent = Reference {
        index: 99,
        ..target.clone()
    };
    assert!(refused(log.say(&correct(&["public"], &absent))).contains("no such statement"));
    let foreign: Reference = format!("truce.example/ru#1:{}", target.leaf)
        .parse()
        .unwrap();
    assert!(
        refused(log.say(&correct(&["public"], &foreign)))
            .contains("only for a statement of the same log")
    );
    let unknown_group = desk.sign(
        &Draft::new("erase/1", "2016-06-21T12:00:00+03:00")
            .and_then(|d| {
                d.about(vec![target]).group(
                    "body",
                    names(&["RU", "US"]),
                    json!({"groups": ["bdy"]}),
                )
            })
            .unwrap(),
    );
    assert!(refused(log.say(&unknown_group)).contains("has no group \"bdy\"; it has body"));
}

#[test]
fn a_reader_gets_what_he_is_named_for() {
    let desk = Desk::found();
    let log = desk.open();
    let index = said(&log, &desk.message("for RU and US")).reference.index;
    let hum = Reader::participant("HUM".parse().unwrap(), false);
    let ru = Reader::participant("RU".parse().unwrap(), false);
    assert!(
        log.statement_for(index, &hum)
            .unwrap()
            .unwrap()
            .head()
            .is_none()
    );
    assert!(
        log.statement_for(index, &Reader::public())
            .unwrap()
            .unwrap()
            .head()
            .is_none()
    );
    assert!(
        log.statement_for(index, &ru)
            .unwrap()
            .unwrap()
            .content("body")
            .is_some()
    );
}

#[test]
fn a_statement_that_names_an_attachment_nobody_uploaded_is_refused() {
    let desk = Desk::found();
    let log = desk.open();
    let name = record::encoding::Hash([1; 32]).to_string();
    let draft = Draft::new("report.file/1", "2016-06-21T12:00:00+03:00")
        .and_then(|d| d.group("body", names(&[]), json!({"attachments": [{"name": name}]})))
        .unwrap();
    assert!(refused(log.say(&desk.sign(&draft))).contains("attach it first"));
}

#[test]
fn the_recovery_key_replaces_a_stolen_admin_key() {
    let desk = Desk::found();
    let log = desk.open();
    let recover = |kind: &str, body| {
        desk.control(kind, body, RECOVERY, Kid::Recovery)
            .to_string()
    };
    said(
        &log,
        &recover("key.compromise/1", json!({"kid": "0", "from": 2})),
    );
    assert!(log.say(&desk.grant("office", 30).to_string()).is_err());
    said(
        &log,
        &recover(
            "key.grant/1",
            json!({"role": "admin", "key": secret(31).public().to_jwk()}),
        ),
    );
    let grant = desk.control(
        "key.grant/1",
        json!({"role": "office", "key": secret(32).public().to_jwk()}),
        31,
        Kid::Index(3),
    );
    said(&log, &grant.to_string());
    let reopened = {
        drop(log);
        desk.open()
    };
    said(
        &reopened,
        &desk.message("the office's key was granted before and stands"),
    );
}

#[test]
fn a_checkpoint_names_the_log_and_is_signed() {
    let desk = Desk::found();
    let log = desk.open();
    let note = log.head().unwrap().checkpoint.to_string();
    let head = SignedCheckpoint::parse(note.as_bytes()).unwrap();
    assert_eq!(head.checkpoint().origin(), support::ORIGIN);
    assert!(Statement::parse(&desk.message("x")).is_ok());
}
