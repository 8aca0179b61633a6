//! An own log by itself: what it knows of what stands in it, and what a crash left.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use node::home::{Founded, Home};
use node::own::Own;
use record::audience::Audience;
use record::log::{Receipt, SayError};
use record::name::Reference;
use record::statement::Draft;
use record::store::Store as _;
use record::store::sqlite::{Place, SqliteStore};
use record::time::{ManualClock, UtcMs};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use truce::participants::Office;

const NOW: UtcMs = UtcMs(1_466_499_600_000);

struct Side {
    _root: tempfile::TempDir,
    home: Home,
}

impl Side {
    fn found() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(&root.path().join("mission"));
        let all = Office::ALL.to_vec();
        let founded = Founded {
            call_sign: "MISSION".parse().unwrap(),
            origin: "truce.example/mission".parse().unwrap(),
            recovery: root.path().join("recovery.key"),
            desks: vec![(all.clone(), vec![]), (all, vec![])],
        };
        home.found(&founded, &ManualClock::at(NOW)).unwrap();
        Self { _root: root, home }
    }

    fn open(&self) -> Own {
        Own::open(&self.home, self.home.options().unwrap()).unwrap()
    }
}

fn draft(kind: &str, about: &[&Reference], body: Value) -> Draft {
    let aud = Audience::of(["RU".parse().unwrap()]);
    let draft = Draft::new(kind, &NOW.to_string()).unwrap();
    let draft = draft.about(about.iter().map(|about| (*about).clone()).collect());
    draft.group("body", aud, body).unwrap()
}

fn say(own: &Own, draft: &Draft) -> Result<Receipt, SayError> {
    let statement = own.sign_as_kept(None, draft, NOW).unwrap();
    let (sender, receiver) = sync_channel(1);
    own.submit(Arc::new(statement), move |result| {
        sender.send(result).unwrap();
    });
    receiver.recv().unwrap()
}

fn message(words: &str) -> Draft {
    let body = json!({"precedence": "ROUTINE", "to": ["RU"], "words": words, "language": "en"});
    draft("message.send/1", &[], body)
}

#[test]
fn an_interrupted_erasure_is_logged_behind_the_rules_before_anything_else() {
    let side = Side::found();
    let own = side.open();
    let said = say(&own, &message("the source's name")).unwrap().reference;
    let body = json!({"groups": ["body"], "reason": "the source asked"});
    let erase = own
        .sign_as_kept(None, &draft("erase/1", &[&said], body), NOW)
        .unwrap();
    drop(own);
    // The process was killed when the bytes were gone and the statement was not logged yet.
    let mut store = SqliteStore::open(&Place::new(&side.home.dir)).unwrap();
    store.erase(said.index, &[1], &erase.to_string()).unwrap();
    drop(store);

    let own = side.open();
    let next = said.index + 1;
    let logged = own.log().statement(next).unwrap();
    assert_eq!(
        logged.map(|logged| logged.to_string()),
        Some(erase.to_string())
    );
    let after = say(&own, &message("and on")).unwrap();
    assert_eq!(after.reference.index, next + 1);
    drop(own);
    assert_eq!(side.open().log().head().unwrap().size(), next + 2, "once");
}

#[test]
fn after_a_restart_the_rules_know_what_was_said_also_when_it_was_erased() {
    let side = Side::found();
    let own = side.open();
    let watch =
        json!({"officer": "day watch", "languages": ["en"], "until": "2016-06-21T18:00:00Z"});
    say(&own, &draft("shift.open/1", &[], watch.clone())).unwrap();
    let said = say(&own, &message("the source's name")).unwrap().reference;
    let erase = json!({"groups": ["body"], "reason": "the source asked"});
    say(&own, &draft("erase/1", &[&said], erase)).unwrap();
    drop(own);

    let own = side.open();
    let second = say(&own, &draft("shift.open/1", &[], watch)).unwrap_err();
    assert!(
        matches!(&second, SayError::Refused(refused) if refused.rule == "one_watch"),
        "{second}"
    );
    // It is still a message, and may be retracted as one.
    let retract = draft("retract/1", &[&said], json!({"reason": "sent by mistake"}));
    say(&own, &retract).unwrap();
}

#[test]
fn the_rules_are_the_same_before_and_after_a_restart_whatever_was_erased() {
    let side = Side::found();
    let own = side.open();
    let watch =
        json!({"officer": "day watch", "languages": ["en"], "until": "2016-06-21T18:00:00Z"});
    // They lie apart: what is compared with one of them is compared with that one alone.
    let area = |south: i64, east: i64| {
        let corner = |lat: i64, lon: i64| json!({"lat_e7": south + lat, "lon_e7": lon});
        json!({"name": "North", "purpose": "disengagement", "to": ["RU"], "basis": "Own", "polygon": [
            corner(362_000_000, 372_000_000), corner(364_000_000, 372_000_000),
            corner(364_000_000, 374_000_000 + east), corner(362_000_000, 374_000_000)],
            "valid_from": "2016-06-21T00:00:00Z", "valid_until": "2016-07-10T00:00:00Z"})
    };
    const SOUTH: i64 = -20_000_000;
    let opened = say(&own, &draft("shift.open/1", &[], watch.clone())).unwrap();
    let kept = say(&own, &draft("area.designate/1", &[], area(0, 0))).unwrap();
    let erased = say(&own, &draft("area.designate/1", &[], area(SOUTH, 0))).unwrap();
    for target in [&opened.reference, &erased.reference] {
        let erase = json!({"groups": ["body"], "reason": "asked"});
        say(&own, &draft("erase/1", &[target], erase)).unwrap();
    }
    // What is tried: another watch beside the erased one; a point cut out of an outline that is known, and of one that is gone.
    let tries = [
        draft("shift.open/1", &[], watch),
        draft("area.designate/1", &[&kept.reference], area(0, 500_000)),
        draft(
            "area.designate/1",
            &[&erased.reference],
            area(SOUTH, 500_000),
        ),
    ];
    let answers = |own: &Own| -> Vec<Option<&'static str>> {
        let tried = tries.iter().map(|draft| {
            let statement = own.sign_as_kept(None, draft, NOW).unwrap();
            own.rehearse()
                .say(&statement)
                .err()
                .map(|refusal| refusal.rule)
        });
        tried.collect()
    };
    let before = answers(&own);
    assert_eq!(before, [Some("one_watch"), Some("revision"), None]);
    drop(own);
    assert_eq!(answers(&side.open()), before);
}

#[test]
fn whoever_has_the_receipt_may_close_the_log_and_open_it_again() {
    let side = Side::found();
    for _ in 0..20 {
        say(&side.open(), &message("and on")).unwrap();
    }
}

#[test]
fn a_log_closes_on_its_own_thread_when_that_holds_it_last() {
    let side = Side::found();
    let own = side.open();
    let statement = own.sign_as_kept(None, &message("last word"), NOW).unwrap();
    let held = Arc::clone(own.log());
    let (sender, receiver) = sync_channel(1);
    let (closed, wait) = sync_channel::<()>(0);
    own.submit(Arc::new(statement), move |result| {
        wait.recv().unwrap_err(); // until nobody else holds it
        drop(held);
        sender.send(result.map(|_| ())).unwrap();
    });
    drop((own, closed));
    receiver.recv().unwrap().unwrap();
}
