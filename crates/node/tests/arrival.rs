//! The same logs, in whatever order and however piecemeal they come, are the same views; and these are the pure fold.

mod support;

use node::authority::{Eyes, Membership};
use proptest::prelude::*;
use record::statement::Group;
use std::collections::BTreeSet;
use support::generated::{Step, World, step};
use support::holding::Holding;
use support::logs::MemoryLog;
use support::oracle::{Oracle, everything, expect_the_fold};

/// One thing that happens to a node while the logs come in.
#[derive(Debug, Clone)]
struct Event {
    what: u8,
    log: usize,
    more: u64,
    batch: usize,
    pattern: u64,
}

fn event() -> impl Strategy<Value = Event> {
    (0..14u8, 0..60usize, 0..40u64, 1..60usize, any::<u64>()).prop_map(
        |(what, log, more, batch, pattern)| Event {
            what,
            log,
            more,
            batch,
            pattern,
        },
    )
}

fn all_eyes(world: &World) -> Vec<Eyes> {
    let participants = world
        .logs
        .iter()
        .map(|log| Eyes::Participant(log.origin().clone()));
    let own = [Eyes::Node, Eyes::Public].into_iter();
    own.chain(participants).collect()
}

fn oracles(world: &World, eyes: &[Eyes]) -> Vec<Oracle> {
    let held = everything(&world.logs);
    let whole = Oracle::of(&held, &Eyes::Node, &Membership::default());
    let members = whole.members();
    eyes.iter()
        .map(|eyes| Oracle::of(&held, eyes, &members))
        .collect()
}

/// Groups that every reader takes for erased: whether they were ever delivered makes no difference.
fn erased_for_all(world: &World, oracles: &[Oracle]) -> BTreeSet<(String, u64, String)> {
    let mut all = BTreeSet::new();
    for log in &world.logs {
        for index in 0..log.size() {
            let reference = log.reference(index);
            let by = |oracle: &Oracle| oracle.statements.erased(&reference);
            let of = oracles.iter().map(by).reduce(|a, b| &a & &b);
            for group in of.into_iter().flatten() {
                all.insert((log.name.clone(), index, group));
            }
        }
    }
    all
}

/// Plays the logs to a holding as the events have it, and then whatever is left.
fn arrive_piecemeal(
    world: &World,
    eyes: &[Eyes],
    events: &[Event],
    withheld: &BTreeSet<(String, u64, String)>,
    mask: u64,
) -> Holding {
    let mut holding = Holding::of(world, eyes);
    let readable = |log: &MemoryLog, index: u64, name: &str, _: &Group| {
        let erased = withheld.contains(&(log.name.clone(), index, name.to_owned()));
        !erased || mask >> ((index + log.size()) % 64) & 1 == 1
    };
    let mut owing: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); world.logs.len()];
    for event in events {
        let log = event.log % world.logs.len();
        match event.what {
            0..=5 => {
                let (from, whole) = (holding.held(log), world.logs[log].size());
                let to = (from + event.more).min(whole);
                if to == 0 {
                    continue;
                }
                let (now, later): (BTreeSet<u64>, BTreeSet<u64>) =
                    (from..to).partition(|index| event.pattern >> (index % 64) & 1 == 1);
                holding.arrive(world, log, to, &now, &readable);
                owing[log].extend(later);
            }
            6 | 7 => {
                let size = holding.held(log);
                let (now, later): (BTreeSet<u64>, BTreeSet<u64>) = owing[log]
                    .iter()
                    .partition(|index| event.pattern >> (*index % 64) & 1 == 1);
                if size > 0 && !now.is_empty() {
                    holding.arrive(world, log, size, &now, &readable);
                    owing[log] = later;
                }
            }
            8 => holding.restart(),
            9 if event.pattern % 4 == 0 => holding.forget_views(),
            _ => holding.fold(event.log % eyes.len(), event.batch),
        }
    }
    for (log, owing) in owing.iter_mut().enumerate() {
        let (from, whole) = (holding.held(log), world.logs[log].size());
        owing.extend(from..whole);
        holding.arrive(world, log, whole, owing, &readable);
    }
    holding.settle(1 + events.len());
    holding
}

fn every_order(sides: usize, bound: bool, steps: &[Step], events: &[Event], mask: u64) {
    let world = World::play(sides, bound, steps);
    let eyes = all_eyes(&world);
    let oracles = oracles(&world, &eyes);
    let everything = |_: &MemoryLog, _: u64, _: &str, _: &Group| true;
    let mut straight = Holding::of(&world, &eyes);
    straight.arrive_whole(&world, &everything);
    straight.settle(8192);
    for (views, oracle) in straight.views.iter().zip(&oracles) {
        expect_the_fold(views, oracle, &format!("{:?}, at once", views.eyes()));
    }
    let digests = straight.digests();
    let erased = erased_for_all(&world, &oracles);
    let piecemeal = arrive_piecemeal(&world, &eyes, events, &erased, mask);
    for (views, oracle) in piecemeal.views.iter().zip(&oracles) {
        expect_the_fold(views, oracle, &format!("{:?}, piecemeal", views.eyes()));
    }
    assert_eq!(piecemeal.digests(), digests, "piecemeal beside at once");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn any_order_of_arrival_gives_the_same_digest_and_the_pure_fold(
        sides in 3..=6usize,
        bound in prop::bool::weighted(0.8),
        steps in prop::collection::vec(step(), 1..70),
        events in prop::collection::vec(event(), 0..60),
        mask in any::<u64>(),
    ) {
        every_order(sides, bound, &steps, &events, mask);
    }
}

/// More of them on request.
fn cases() -> u32 {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        600
    } else {
        24
    }
}
