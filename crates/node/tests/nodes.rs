//! Nodes of one participant each, which mirror what others say: from published files, and from sticks.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::{Eyes, Membership, may_read};
use node::home::Home;
use node::{Node, Running, Settings};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use record::audience::Reader;
use record::c2sp::note::VerifierKey;
use record::carry::{self, In, Out};
use record::name::CallSign;
use record::time::ManualClock;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::generated::{Step, World, step};
use support::holding::expect_the_same;
use support::oracle::{Oracle, everything, expect_the_fold};
use support::{Exercise, copy, flash, sign, utc};

/// A node that says nothing by itself.
fn open(dir: &Path) -> Running {
    let settings = Settings {
        clock: Arc::new(ManualClock::at(utc("2016-04-01T00:00:00Z"))),
        clerk: false,
        ..Settings::default()
    };
    Node::open(dir, settings).unwrap()
}

/// What happens to a node: a log grows there by so many entries, of which some are disclosed; or it is restarted.
#[derive(Debug, Clone)]
struct Event {
    log: usize,
    more: u64,
    pattern: u64,
    restart: bool,
}

fn event() -> impl Strategy<Value = Event> {
    (
        0..60usize,
        0..40u64,
        any::<u64>(),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(log, more, pattern, restart)| Event {
            log,
            more,
            pattern,
            restart,
        })
}

fn arrive(node: &Node, world: &World, log: usize, size: u64, which: impl Fn(u64) -> bool) {
    let from = &world.logs[log];
    let into = sign("LISTENER");
    node.mirror(&into, &from.pin(), &from.published(size), |id| {
        from.delivered(
            id,
            |index| index < size && which(index),
            |_| true,
            |_, _| true,
        )
    })
    .unwrap();
}

/// A listener's own log, founded once, so that it is the same log in every store.
fn listener(dir: &Path) -> PathBuf {
    let home = dir.join("founded");
    let founded = node::home::Founded {
        call_sign: sign("LISTENER"),
        origin: "truce.example/listener".parse().unwrap(),
        recovery: dir.join("recovery.key"),
        desks: vec![(truce::participants::Office::ALL.to_vec(), vec![])],
    };
    let clock = ManualClock::at(utc("2016-02-01T00:00:00Z"));
    Home::new(&home).found(&founded, &clock).unwrap();
    home
}

fn mirrors_in_any_order(sides: usize, steps: &[Step], events: &[Event]) {
    let world = World::play(sides, true, steps);
    let dir = tempfile::tempdir().unwrap();
    let founded = listener(dir.path());
    let (at_once, piecemeal) = (dir.path().join("at-once"), dir.path().join("piecemeal"));
    copy(&founded, &at_once);
    copy(&founded, &piecemeal);
    let straight = open(&at_once);
    for (log, from) in world.logs.iter().enumerate() {
        arrive(&straight, &world, log, from.size(), |_| true);
    }
    straight.settle();
    let mut node = open(&piecemeal);
    let mut held = vec![0; sides];
    for event in events {
        if event.restart {
            drop(node);
            node = open(&piecemeal);
        }
        let log = event.log % sides;
        held[log] = (held[log] + event.more).min(world.logs[log].size());
        if held[log] > 0 {
            let disclosed = |index: u64| event.pattern >> (index % 64) & 1 == 1;
            arrive(&node, &world, log, held[log], disclosed);
        }
    }
    for (log, from) in world.logs.iter().enumerate() {
        arrive(&node, &world, log, from.size(), |_| true);
    }
    node.settle();
    for (one, other) in node.all_views().zip(straight.all_views()) {
        expect_the_same(one, other, &format!("{:?}", one.eyes()));
    }
    drop(node);
    std::fs::remove_dir_all(piecemeal.join("views")).unwrap();
    let node = open(&piecemeal);
    node.settle();
    for (one, other) in node.all_views().zip(straight.all_views()) {
        expect_the_same(one, other, &format!("{:?}, computed anew", one.eyes()));
    }
    let mut held = everything(&world.logs);
    let own = node.own_of(&sign("LISTENER")).unwrap();
    held.extend((0..own.source.size()).map(|index| {
        let said = own.source.statement(index).unwrap().unwrap();
        (index, said.as_ref().clone())
    }));
    let oracle = Oracle::of(&held, &Eyes::Node, &Membership::default());
    expect_the_fold(node.views(&Eyes::Node), &oracle, "a running node");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 60, failure_persistence: None, rng_seed: RngSeed::Fixed(20_160_227), ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_running_node_comes_to_the_same_in_whatever_order_its_mirrors_grow(
        sides in 3..=5usize,
        steps in prop::collection::vec(step(), 1..50),
        events in prop::collection::vec(event(), 0..20),
    ) {
        mirrors_in_any_order(sides, &steps, &events);
    }
}

fn cases() -> u32 {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        120
    } else {
        6
    }
}

/// Carries what `from` holds to `to`, sealed for `reader`.
fn carry(exercise: &Exercise, from: &str, to: &Path, reader: &Reader, stick: &Path) {
    let data = exercise.store().join("participants").join(from);
    let identity = Home::new(to).seal_identity().unwrap();
    let out = Out {
        data: &data,
        target: stick,
        reader,
        recipient: &identity.recipient(),
        cosigned: &[],
        withheld: &BTreeSet::new(),
    };
    carry::out(&out, |_, _| {}).unwrap();
    let pins: Vec<_> = exercise
        .pins
        .iter()
        .map(|pin| VerifierKey::parse(pin).unwrap())
        .collect();
    let order = In {
        data: to,
        source: stick,
        identity: &identity,
        own_origin: None,
        pins: &pins,
    };
    for log in carry::take_in(&order, |_, _| {}).unwrap().logs {
        log.result.unwrap();
    }
}

/// What somebody may read by the agreement as it is in the whole store.
fn reader(exercise: &Exercise, name: &str) -> Reader {
    let members = exercise.node().sources().members();
    let origin = exercise
        .node()
        .own_of(&sign(name))
        .unwrap()
        .origin()
        .clone();
    Reader::participant(sign(name), members.parties.contains(&origin))
}

#[test]
fn a_node_that_is_fed_by_sticks_has_the_same_digest_as_its_views_where_everything_is_held() {
    let names = ["RU", "US", "MISSION", "HUM"];
    let mut exercise = Exercise::with(&names, false);
    exercise.bind();
    let call = exercise.say("US", "message.send/1", &[], flash(&["RU", "MISSION"]));
    exercise.at("2016-03-01T09:10:00Z");
    exercise.say("RU", "answer/1", &[&call], json!({"reply": "checking"}));
    let secret = exercise.say_to("RU", "report.file/1", &[], &["US"], report("for one alone"));
    exercise.say_to("RU", "report.file/1", &[], &["own"], report("for nobody"));
    exercise.node().settle();
    exercise.stop();
    let live: Vec<PathBuf> = names
        .iter()
        .map(|name| exercise.dir.path().join(name))
        .collect();
    for (name, to) in names.iter().zip(&live) {
        copy(&exercise.store().join("participants").join(name), to);
    }
    exercise.start();
    // First as if nobody knew yet who is a party: some of it comes with the second stick, to entries that were folded already.
    for round in ["first", "second"] {
        for (name, to) in names.iter().zip(&live) {
            let known = reader(&exercise, name);
            let early = Reader::participant(sign(name), false);
            let reader = if round == "first" { &early } else { &known };
            for from in names.iter().filter(|from| *from != name) {
                let stick = exercise.dir.path().join(format!("{round}-{from}-{name}"));
                carry(&exercise, from, to, reader, &stick);
            }
            let node = open(to);
            node.settle();
            if round == "first" {
                continue;
            }
            let origin = node.own_of(&sign(name)).unwrap().origin().clone();
            let there = exercise.node().views(&Eyes::Participant(origin));
            let here = node.views(&Eyes::Node);
            expect_the_same(
                here,
                there,
                &format!("{name}'s own node beside the whole store"),
            );
            let public = (
                node.views(&Eyes::Public),
                exercise.node().views(&Eyes::Public),
            );
            expect_the_same(
                public.0,
                public.1,
                &format!("the public at {name}'s own node"),
            );
            let reads = here.statement(&secret).unwrap().is_some();
            assert_eq!(reads, ["RU", "US"].contains(name), "{name}");
        }
    }
}

fn report(words: &str) -> serde_json::Value {
    json!({"category": "shelling", "from": "2016-03-01T08:00:00Z", "until": "2016-03-01T09:00:00Z", "date_precision": 1,
        "means": ["heard"], "place_name": words, "place_precision": 3})
}

#[test]
fn what_a_stick_discloses_of_entries_that_were_folded_is_folded() {
    let mut exercise = Exercise::with(&["RU", "US"], false);
    let told = exercise.say_to("RU", "report.file/1", &[], &["parties"], report("a place"));
    exercise.node().settle();
    exercise.stop();
    let to = exercise.dir.path().join("US");
    copy(&exercise.store().join("participants/US"), &to);
    exercise.start();
    let nobody = Reader::participant(sign("US"), false);
    carry(
        &exercise,
        "RU",
        &to,
        &nobody,
        &exercise.dir.path().join("one"),
    );
    let node = open(&to);
    node.settle();
    assert!(node.views(&Eyes::Node).statement(&told).unwrap().is_none());
    drop(node);
    let party = Reader::participant(sign("US"), true);
    carry(
        &exercise,
        "RU",
        &to,
        &party,
        &exercise.dir.path().join("two"),
    );
    let node = open(&to);
    node.settle();
    assert!(node.views(&Eyes::Node).statement(&told).unwrap().is_some());
}

#[test]
fn carrying_and_reading_ask_the_same_who_may_read() {
    // The stick is cut by the record, the views by `may_read`: both must come to the same of every group.
    let world = World::play(4, true, &[]);
    let held = everything(&world.logs);
    let members = Oracle::of(&held, &Eyes::Node, &Membership::default()).members();
    for log in &world.logs {
        let origin = log.origin().clone();
        let sign: CallSign = log.name.parse().unwrap();
        let reader = Reader::participant(sign, members.parties.contains(&origin));
        for (_, said) in &held {
            let author = &said.leaf().log.origin;
            for group in said
                .head()
                .into_iter()
                .flat_map(|head| head.groups.values())
            {
                let eyes = Eyes::Participant(origin.clone());
                let own = *author == origin;
                let carried = own || group.audience.admits(&reader);
                assert_eq!(carried, may_read(&eyes, author, &group.audience, &members));
            }
        }
    }
}
