//! Deadlines become alarms: each once, none early, none lost, wherever the clock is set and whenever the statements come.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use node::timers::{AlarmRow, Timers};
use node::views::Views;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use record::time::{ManualClock, UtcMs};
use serde_json::json;
use std::collections::BTreeSet;
use support::generated::{Step, World, step};
use support::holding::{EVERYTHING, Holding};
use support::oracle::{Oracle, everything};
use support::{Exercise, flash, sign, utc};
use truce::due::{Item, Urgency, What};

/// What makes an alarm one: what about, what of it, by whom, and when it was due.
type Deadline = (String, String, Option<String>, String, i64);

fn deadline(row: &AlarmRow) -> Deadline {
    let due = UtcMs::parse(&row.due_at).unwrap().0;
    (
        row.about.clone(),
        row.what.clone(),
        row.part.clone(),
        row.by.clone(),
        due,
    )
}

fn all(timers: &Timers, eyes: &Eyes) -> Vec<AlarmRow> {
    timers.since(eyes, 0, u32::MAX).unwrap()
}

/// Alarms as a set; none of them stands there twice, and none was raised early.
fn raised(timers: &Timers, eyes: &Eyes) -> BTreeSet<Deadline> {
    let rows = all(timers, eyes);
    for row in &rows {
        assert!(utc(&row.due_at) <= utc(&row.raised_at), "early: {row:?}");
    }
    let set: BTreeSet<Deadline> = rows.iter().map(deadline).collect();
    assert_eq!(set.len(), rows.len(), "raised twice: {rows:?}");
    set
}

/// The deadlines of debts that had passed unsettled by `now`, by the pure fold.
fn passed(oracle: &Oracle, now: UtcMs) -> BTreeSet<Deadline> {
    let owed = oracle.truce.owed.iter();
    let late = owed.filter_map(|owed| {
        let due = owed.due_at?;
        // What got there later than it was due is overdue from then on.
        let late = due.max(owed.delivery.started_at()?);
        let (what, part) = match &owed.what {
            What::Answer(part) => ("answer", part.as_ref().map(ToString::to_string)),
            What::Acceptance => ("acceptance", None),
            What::AreaResponse => ("area_response", None),
            What::SeparationAnswer => ("separation_answer", None),
            What::Flash | What::LineTest | What::Relief => return None,
        };
        let settled = owed.settled_at.is_some_and(|at| at <= late);
        let key = (
            owed.about.to_string(),
            what.to_owned(),
            part,
            owed.by.to_string(),
            due.0,
        );
        (!settled && late <= now).then_some(key)
    });
    late.collect()
}

/// Tests of lines and reliefs that are overdue at `now`.
fn standing(oracle: &Oracle, now: UtcMs) -> BTreeSet<Deadline> {
    let items = oracle.truce.due(now).into_iter();
    let standing = items.filter(|item: &Item| {
        item.urgency == Urgency::Overdue && matches!(item.what, What::LineTest | What::Relief)
    });
    standing
        .map(|item| {
            let (what, part) = match item.what {
                What::LineTest => ("line_test", Some("line-1".to_owned())),
                _ => ("relief", None),
            };
            let due = item.due_at.unwrap().0;
            (
                item.about.to_string(),
                what.to_owned(),
                part,
                item.by.to_string(),
                due,
            )
        })
        .collect()
}

/// One thing that happens: the clock is set, a log comes as far as that, or everything is restarted.
#[derive(Debug, Clone)]
enum Event {
    Clock(i64),
    Arrive(usize, u64),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (-2_000..20_000i64).prop_map(Event::Clock),
        4 => (0..60usize, 1..30u64).prop_map(|(log, more)| Event::Arrive(log, more)),
        1 => Just(Event::Restart),
    ]
}

fn eyes_of(world: &World) -> Vec<Eyes> {
    let one = Eyes::Participant(world.logs[1].origin().clone());
    vec![Eyes::Node, Eyes::Public, one]
}

fn each_deadline_once(steps: &[Step], events: &[Event], known_first: bool) {
    let world = World::play(3, true, steps);
    let eyes = eyes_of(&world);
    let held = everything(&world.logs);
    let members = Oracle::of(&held, &Eyes::Node, &Default::default()).members();
    let oracles: Vec<Oracle> = eyes
        .iter()
        .map(|eyes| Oracle::of(&held, eyes, &members))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let mut timers = Timers::open(dir.path()).unwrap();
    let mut holding = Holding::of(&world, &eyes);
    if known_first {
        holding.arrive_whole(&world, &EVERYTHING);
        holding.settle(8192);
    }
    let start = utc("2016-03-02T00:00:00Z");
    let mut now = start;
    let mut expected: Vec<BTreeSet<Deadline>> = vec![BTreeSet::new(); eyes.len()];
    let mut latest = now;
    for event in events {
        match event {
            Event::Clock(minutes) => now = UtcMs(start.0 + minutes * 60_000),
            Event::Arrive(log, more) if !known_first => {
                let log = log % world.logs.len();
                let from = holding.held(log);
                let size = (from + more).min(world.logs[log].size());
                holding.arrive(&world, log, size, &(from..size).collect(), &EVERYTHING);
                holding.settle(64);
            }
            Event::Arrive(..) => {}
            Event::Restart => {
                holding.restart();
                holding.settle(64);
                timers = Timers::open(dir.path()).unwrap();
            }
        }
        latest = latest.max(now);
        for (i, views) in holding.views.iter().enumerate() {
            timers.raise(views, &ManualClock::at(now)).unwrap();
            expected[i].extend(standing(&oracles[i], now));
        }
    }
    if !known_first {
        holding.arrive_whole(&world, &EVERYTHING);
        holding.settle(8192);
    }
    for (i, views) in holding.views.iter().enumerate() {
        timers.raise(views, &ManualClock::at(now)).unwrap();
        assert_eq!(
            timers.raise(views, &ManualClock::at(now)).unwrap(),
            0,
            "nothing is new"
        );
        let raised = raised(&timers, views.eyes());
        expect_visible(views, &raised);
        if known_first {
            // The clock was never later than that: these are all, and there are no others.
            expected[i].extend(passed(&oracles[i], latest));
            expected[i].extend(standing(&oracles[i], now));
            assert_eq!(raised, expected[i], "{:?}", views.eyes());
        } else {
            // What was known earlier may have been due at another time then; what is due by all that is known is there.
            let missing = &passed(&oracles[i], now) - &raised;
            assert!(missing.is_empty(), "{:?}: lost {missing:?}", views.eyes());
        }
    }
}

/// Nobody hears of what he may not know.
fn expect_visible(views: &Views, raised: &BTreeSet<Deadline>) {
    for (about, ..) in raised {
        let row = views.statement(&about.parse().unwrap()).unwrap();
        assert!(row.is_some(), "{:?}: {about}", views.eyes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(20_160_227), ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_clock_that_jumps_raises_each_deadline_once_and_none_early(
        steps in prop::collection::vec(step(), 1..50),
        events in prop::collection::vec(event(), 1..16),
    ) {
        each_deadline_once(&steps, &events, true);
    }

    #[test]
    fn what_comes_late_is_raised_when_it_comes(
        steps in prop::collection::vec(step(), 1..50),
        events in prop::collection::vec(event(), 1..24),
    ) {
        each_deadline_once(&steps, &events, false);
    }
}

fn cases() -> u32 {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        300
    } else {
        12
    }
}

fn of(exercise: &Exercise, who: Option<&str>) -> Vec<AlarmRow> {
    let node = exercise.node();
    node.settle();
    node.tick();
    all(node.timers(), &node.eyes_of(who.map(sign).as_ref()))
}

fn answers(rows: &[AlarmRow]) -> Vec<String> {
    let answers = rows.iter().filter(|row| row.what == "answer");
    answers
        .map(|row| format!("{} by {}", row.due_at, row.by))
        .collect()
}

#[test]
fn an_alarm_is_raised_at_its_time_kept_over_a_restart_and_told_to_those_alone_who_may_know() {
    let mut exercise = Exercise::with(&["RU", "US", "MISSION", "HUM"], false);
    exercise.bind();
    let call = exercise.say_to(
        "US",
        "message.send/1",
        &[],
        &["RU", "MISSION"],
        flash(&["RU"]),
    );
    exercise.say_to("RU", "receipt/1", &[&call], &["US", "MISSION"], json!({}));
    exercise.at("2016-03-01T09:04:59.999Z");
    assert!(answers(&of(&exercise, Some("US"))).is_empty(), "not yet");
    exercise.at("2016-03-01T09:05:00Z");
    let due = ["2016-03-01T09:05:00Z by RU"];
    for who in ["US", "RU", "MISSION"] {
        assert_eq!(answers(&of(&exercise, Some(who))), due, "{who}");
    }
    assert!(of(&exercise, Some("HUM")).is_empty());
    assert!(of(&exercise, None).is_empty());
    let before = of(&exercise, Some("US"));
    for at in [
        "2016-03-01T08:00:00Z",
        "2016-03-01T09:06:00Z",
        "2016-03-01T09:05:00Z",
    ] {
        exercise.at(at);
        exercise.stop();
        exercise.start();
        assert_eq!(
            answers(&of(&exercise, Some("US"))),
            due,
            "after a restart at {at}"
        );
    }
    assert_eq!(of(&exercise, Some("US"))[0], before[0]);
}

#[test]
fn after_a_clock_ran_ahead_and_was_set_back_deadlines_are_raised_again_at_their_times() {
    let exercise = Exercise::with(&["RU", "US", "MISSION"], false);
    exercise.bind();
    exercise.at("2030-01-01T00:00:00Z");
    of(&exercise, Some("US"));
    exercise.at("2016-03-01T09:00:00Z");
    let call = exercise.say("US", "message.send/1", &[], flash(&["RU"]));
    exercise.say("RU", "receipt/1", &[&call], json!({}));
    assert!(answers(&of(&exercise, Some("US"))).is_empty());
    exercise.at("2016-03-01T09:05:00Z");
    assert_eq!(
        answers(&of(&exercise, Some("US"))),
        ["2016-03-01T09:05:00Z by RU"]
    );
}

#[test]
fn two_thousand_deadlines_of_one_moment_are_all_raised() {
    let exercise = Exercise::with(&["RU", "US", "MISSION"], false);
    exercise.bind();
    let seen = 2_100;
    for n in 0..seen {
        let words = json!({"precedence": "ROUTINE", "to": ["RU"], "words": format!("number {n}"), "language": "en"});
        exercise.say("US", "message.send/1", &[], words);
    }
    // RU gives no receipt; the neutral's sight of one head starts all these clocks at once.
    let us = exercise.node().own_of(&sign("US")).unwrap().source.size();
    let head = json!({"heads": [{"origin": "truce.example/us", "size": us, "root": support::text_hash()}]});
    exercise.say_to("MISSION", "head.seen/1", &[], &["public"], head);
    exercise.at("2016-03-02T09:00:00Z");
    assert_eq!(answers(&of(&exercise, Some("US"))).len(), seen);
    assert_eq!(answers(&of(&exercise, Some("RU"))).len(), seen);
    let public = of(&exercise, None);
    assert!(
        public.iter().all(|row| row.what == "line_test"),
        "the instrument is public"
    );
}

#[test]
fn a_line_that_is_not_tested_and_a_watch_that_is_not_relieved_are_alarms() {
    let mut exercise = Exercise::with(&["RU", "US", "MISSION"], false);
    exercise.bind();
    let test =
        |at: &str| json!({"line": "ru-us", "means": "primary", "tested_at": at, "result": "heard"});
    exercise.at("2016-03-02T09:05:00Z");
    exercise.say("RU", "line.test/1", &[], test("2016-03-02T09:05:00Z"));
    let watch =
        json!({"officer": "day watch", "languages": ["en"], "until": "2016-03-02T18:00:00Z"});
    exercise.say("US", "shift.open/1", &[], watch);
    // Many a test between two that the schedule asks for hides none of these.
    for n in 0..70 {
        let at = format!("2016-03-02T10:{:02}:00Z", n % 60);
        exercise.say("RU", "line.test/1", &[], test(&at));
    }
    exercise.at("2016-03-02T09:14:59Z");
    let told = |exercise: &Exercise| -> Vec<String> {
        let rows = of(exercise, Some("MISSION"));
        let of = rows
            .iter()
            .filter(|row| ["line_test", "relief"].contains(&row.what.as_str()));
        of.map(|row| format!("{} {:?} {} {}", row.what, row.part, row.by, row.due_at))
            .collect()
    };
    assert_eq!(
        told(&exercise),
        Vec::<String>::new(),
        "the day before was tested by nobody, and is over"
    );
    exercise.at("2016-03-02T09:15:00Z");
    let line = "line_test Some(\"ru-us\") US 2016-03-02T09:15:00Z".to_owned();
    assert_eq!(told(&exercise), std::slice::from_ref(&line));
    exercise.at("2016-03-02T18:00:00Z");
    let relief = "relief None US 2016-03-02T18:00:00Z".to_owned();
    assert_eq!(told(&exercise), [line.clone(), relief.clone()]);
    exercise.stop();
    exercise.start();
    assert_eq!(told(&exercise), [line, relief], "once");
    let due = exercise
        .node()
        .views(&Eyes::Node)
        .due(exercise.node().now())
        .unwrap();
    let overdue: Vec<&str> = due
        .iter()
        .filter(|row| row.what == "line_test" && row.urgency == "overdue")
        .map(|row| row.by.as_str())
        .collect();
    assert_eq!(
        overdue,
        ["US"],
        "RU's own test is found behind seventy later ones"
    );
}
