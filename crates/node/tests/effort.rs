//! How much work folding is: it grows with what is said, and not with its square.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use node::views::Effort;
use record::audience::Audience;
use record::name::Reference;
use record::statement::Draft;
use record::time::UtcMs;
use serde_json::{Value, json};
use support::generated::World;
use support::holding::{EVERYTHING, Holding};
use support::logs::DESK;
use support::utc;

const START: &str = "2016-03-02T00:00:00Z";

fn draft(at: UtcMs, kind: &str, about: &[&Reference], body: Value) -> Draft {
    let readers = Audience::of(["public".parse().unwrap()]);
    Draft::new(kind, &at.to_string())
        .and_then(|draft| draft.group("body", readers, body))
        .unwrap()
        .about(about.iter().map(|about| (*about).clone()).collect())
}

/// Two parties and a mission under one instrument, who have said nothing else.
fn quiet() -> World {
    World::play(3, true, &[])
}

fn say(world: &mut World, who: usize, kind: &str, about: &[&Reference], body: Value) -> Reference {
    world.now = UtcMs(world.now.0 + 20_000);
    let draft = draft(world.now, kind, about, body);
    let now = world.now;
    world.logs[who].say(DESK, draft, now)
}

/// So many messages, each received, acknowledged and answered, while a neutral tells of heads and watches go on.
fn mission(messages: u64) -> World {
    let mut world = quiet();
    world.now = utc(START);
    for n in 0..messages {
        let body = json!({"precedence": "ROUTINE", "to": ["US"], "words": format!("number {n}"), "language": "en"});
        let asked = say(&mut world, 0, "message.send/1", &[], body);
        say(&mut world, 1, "receipt/1", &[&asked], json!({}));
        say(&mut world, 1, "acknowledge/1", &[&asked], json!({}));
        say(
            &mut world,
            1,
            "answer/1",
            &[&asked],
            json!({"reply": "agreed"}),
        );
        if n % 10 == 9 {
            let head = json!({"heads": [{"origin": "truce.example/ru", "size": world.logs[0].size(),
                "root": support::text_hash()}]});
            say(&mut world, 2, "head.seen/1", &[], head);
        }
    }
    world
}

/// What it is to fold `world` as it is said: a few statements of each log at a time.
fn effort(world: &World, at_a_time: u64) -> Effort {
    let mut holding = Holding::of(world, &[Eyes::Node]);
    for (log, from) in world.logs.iter().enumerate() {
        holding.arrive(
            world,
            log,
            from.size(),
            &(0..from.size()).collect(),
            &EVERYTHING,
        );
    }
    let statements = usize::try_from(at_a_time).unwrap();
    holding.settle(statements);
    holding.views[0].effort()
}

fn expect_linear(small: Effort, large: Effort, times: u64, what: &str) {
    let of = |effort: Effort| [effort.computed, effort.used, effort.read, effort.written];
    for (small, large) in of(small).into_iter().zip(of(large)) {
        let most = small * times * 5 / 4 + 100;
        assert!(
            large <= most,
            "{what}: {large} beside {small} for {times} times as much: {small:?} {large:?}"
        );
    }
}

#[test]
fn twice_as_many_messages_are_twice_as_much_work() {
    let (small, large) = if std::env::var_os("TRUCELINE_LONG").is_some() {
        (5_000, 10_000)
    } else {
        (300, 600)
    };
    let (small, large) = (effort(&mission(small), 16), effort(&mission(large), 16));
    expect_linear(small, large, 2, "messages with three responses each");
    // Nothing is parsed again from the tables, and nothing computed more often than something of it came.
    assert_eq!(large.read, 0, "{large:?}");
}

#[test]
fn what_joins_an_instrument_leaves_everything_else_alone() {
    let mut world = mission(60);
    let instrument = world.logs[0].reference(support::logs::FOUNDED);
    for n in 0..40 {
        let join = json!({"id": format!("unit-{n}"), "name": "Unit"});
        say(&mut world, 0, "formation.join/1", &[&instrument], join);
    }
    let mut holding = Holding::of(&world, &[Eyes::Node]);
    let before = world.logs[0].size() - 40;
    holding.arrive(
        &world,
        1,
        world.logs[1].size(),
        &(0..world.logs[1].size()).collect(),
        &EVERYTHING,
    );
    holding.arrive(
        &world,
        2,
        world.logs[2].size(),
        &(0..world.logs[2].size()).collect(),
        &EVERYTHING,
    );
    holding.arrive(&world, 0, before, &(0..before).collect(), &EVERYTHING);
    holding.settle(64);
    let quiet = holding.views[0].effort();
    for size in before + 1..=world.logs[0].size() {
        holding.arrive(&world, 0, size, &(size - 1..size).collect(), &EVERYTHING);
        holding.settle(64);
    }
    let computed = holding.views[0].effort().computed - quiet.computed;
    assert_eq!(computed, 40, "the instrument, once for each that joins");
}

#[test]
fn a_sight_of_a_head_computes_what_it_tells_of_and_nothing_that_was_received() {
    let mut world = mission(40);
    let unreceived = json!({"precedence": "ROUTINE", "to": ["US"], "words": "nobody takes it", "language": "en"});
    say(&mut world, 0, "message.send/1", &[], unreceived);
    let mut holding = Holding::of(&world, &[Eyes::Node]);
    holding.arrive_whole(&world, &EVERYTHING);
    holding.settle(64);
    let before = holding.views[0].effort();
    for _ in 0..10 {
        let head = json!({"heads": [{"origin": "truce.example/ru", "size": world.logs[0].size(),
            "root": support::text_hash()}]});
        say(&mut world, 2, "head.seen/1", &[], head);
    }
    holding.arrive_whole(&world, &EVERYTHING);
    holding.settle(1);
    let computed = holding.views[0].effort().computed - before.computed;
    // Each of the ten; and what nobody took, when it was first seen.
    assert_eq!(computed, 11);
}

#[test]
fn a_log_that_is_flooded_holds_up_no_other() {
    let mut world = quiet();
    world.now = utc(START);
    let mut holding = Holding::of(&world, &[Eyes::Node]);
    holding.arrive_whole(&world, &EVERYTHING);
    holding.settle(64);
    let routine =
        json!({"precedence": "ROUTINE", "to": ["US"], "words": "again", "language": "en"});
    for _ in 0..50 {
        say(&mut world, 0, "message.send/1", &[], routine.clone());
    }
    let flash = json!({"precedence": "FLASH", "to": ["RU"], "happening": "still_happening",
        "place": {"lat_e7": 350_000_000, "lon_e7": 380_000_000}});
    let calls = [1, 2].map(|who| say(&mut world, who, "message.send/1", &[], flash.clone()));
    holding.arrive_whole(&world, &EVERYTHING);
    holding.fold(0, 8);
    let views = &holding.views[0];
    for call in &calls {
        assert!(views.object("matter", call).unwrap().is_some());
    }
    let folded = views.context().folded[world.logs[0].origin()];
    assert_eq!(
        folded,
        world.logs[0].size() - 50 + 6,
        "the rest of the room is its own"
    );
}
