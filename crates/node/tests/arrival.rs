//! The same logs, in whatever order and however piecemeal they come, are the same views; and these are the pure fold.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::{Eyes, Membership, may_read};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};
use support::generated::{Step, World, step};
use support::holding::{Deliverer, EVERYTHING, Holding, expect_the_same};
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

/// The node's own, the public's, and those of two participants: a party, and the last to join.
fn some_eyes(world: &World) -> Vec<Eyes> {
    let some = [&world.logs[1], world.logs.last().unwrap()];
    let participants = some
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
    let held = |log: &MemoryLog, index: u64, name: &str| {
        let erased = withheld.contains(&(log.name.clone(), index, name.to_owned()));
        !erased || mask >> ((index + log.size()) % 64) & 1 == 1
    };
    let by = Deliverer {
        held: &held,
        ..EVERYTHING
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
                holding.arrive(world, log, to, &now, &by);
                owing[log].extend(later);
            }
            6 | 7 => {
                let size = holding.held(log);
                let (now, later): (BTreeSet<u64>, BTreeSet<u64>) = owing[log]
                    .iter()
                    .partition(|index| event.pattern >> (*index % 64) & 1 == 1);
                if size > 0 && !now.is_empty() {
                    holding.arrive(world, log, size, &now, &by);
                    owing[log] = later;
                }
            }
            8 => holding.restart(),
            9 if event.pattern.is_multiple_of(4) => holding.forget_views(),
            _ => holding.fold(event.log % eyes.len(), event.batch),
        }
    }
    for (log, owing) in owing.iter_mut().enumerate() {
        let (from, whole) = (holding.held(log), world.logs[log].size());
        owing.extend(from..whole);
        holding.arrive(world, log, whole, owing, &by);
    }
    holding.settle(1 + events.len());
    holding
}

fn every_order(sides: usize, bound: bool, steps: &[Step], events: &[Event], mask: u64) {
    let world = World::play(sides, bound, steps);
    if let Some(path) = std::env::var_os("TRUCELINE_TELL") {
        std::fs::write(path, world.tell()).unwrap();
    }
    let eyes = some_eyes(&world);
    let oracles = oracles(&world, &eyes);
    let mut straight = Holding::of(&world, &eyes);
    straight.arrive_whole(&world, &EVERYTHING);
    straight.settle(8192);
    for (views, oracle) in straight.views.iter().zip(&oracles) {
        expect_the_fold(views, oracle, &format!("{:?}, at once", views.eyes()));
    }
    let erased = erased_for_all(&world, &oracles);
    let piecemeal = arrive_piecemeal(&world, &eyes, events, &erased, mask);
    for (piecemeal, straight) in piecemeal.views.iter().zip(&straight.views) {
        let who = format!("{:?}, piecemeal beside at once", straight.eyes());
        expect_the_same(piecemeal, straight, &who);
    }
    for (views, oracle) in piecemeal.views.iter().zip(&oracles) {
        expect_the_fold(views, oracle, &format!("{:?}, piecemeal", views.eyes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, max_shrink_time: 240_000, rng_seed: seed(), failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

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

/// Each participant's own node, which was given what it may read, beside the views of that participant where everything is held.
fn every_reader(sides: usize, bound: bool, steps: &[Step], events: &[Event]) {
    let world = World::play(sides, bound, steps);
    let held = everything(&world.logs);
    let members = Oracle::of(&held, &Eyes::Node, &Membership::default()).members();
    let participants = world
        .logs
        .iter()
        .map(|log| Eyes::Participant(log.origin().clone()));
    let eyes: Vec<Eyes> = [Eyes::Node, Eyes::Public]
        .into_iter()
        .chain(participants)
        .collect();
    let mut whole = Holding::of(&world, &eyes);
    whole.arrive_whole(&world, &EVERYTHING);
    whole.settle(8192);
    for (reader, there) in eyes.iter().zip(&whole.views).skip(1) {
        let by = Deliverer {
            readable: &|log, group| may_read(reader, log.origin(), &group.audience, &members),
            ..EVERYTHING
        };
        let mut own = Holding::of(&world, &[Eyes::Node]);
        for event in events.iter().take(6) {
            let log = event.log % world.logs.len();
            let size = (own.held(log) + event.more).min(world.logs[log].size());
            if size > 0 {
                own.arrive(&world, log, size, &(0..size).collect(), &by);
                own.fold(0, event.batch);
            }
        }
        own.arrive_whole(&world, &by);
        own.settle(8192);
        let who = format!("the node of {reader:?} beside its views where all is held");
        expect_the_same(&own.views[0], there, &who);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, max_shrink_time: 240_000, rng_seed: seed(), failure_persistence: None, ..ProptestConfig::with_cases(cases() / 3) })]

    #[test]
    fn the_node_of_a_reader_has_the_same_digest_as_his_views_where_everything_is_held(
        sides in 3..=5usize,
        bound in prop::bool::weighted(0.8),
        steps in prop::collection::vec(step(), 1..60),
        events in prop::collection::vec(event(), 0..6),
    ) {
        every_reader(sides, bound, &steps, &events);
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

/// The same truces at each run, so that a red test means a changed line; others on request.
#[test]
fn an_owner_whose_log_comes_after_an_exposure_of_his_site_is_owed_the_warning_then() {
    let exposure = Step {
        who: 2,
        what: 61,
        about: 2750,
        readers: 0,
        minutes: 0,
        n: 23,
    };
    let first = Event {
        what: 0,
        log: 2,
        more: 9,
        batch: 9,
        pattern: 0,
    };
    every_reader(5, false, &[exposure], &[first]);
}

fn seed() -> RngSeed {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        RngSeed::Random
    } else {
        RngSeed::Fixed(20_160_227)
    }
}

/// What the whole fold of some truces had to say, by sort.
fn tally(world: &World, counts: &mut BTreeMap<String, usize>) {
    let held = everything(&world.logs);
    let oracle = Oracle::of(&held, &Eyes::Node, &Membership::default());
    let truce = &oracle.truce;
    let mut add = |what: &str, n: usize| *counts.entry(what.to_owned()).or_default() += n;
    for said in oracle.statements.iter() {
        let kind = said.statement.kind().map(|kind| kind.name.clone());
        let standing = format!("{:?}", truce.standings[&said.reference]);
        let standing = standing.split('(').next().unwrap();
        add(standing, 1);
        if standing == "Ineffective" {
            let why = format!("{:?}", truce.standings[&said.reference]);
            let known = [
                "retracted",
                "withdrawn",
                "compromised",
                "another statement stands",
                "no office",
            ];
            known
                .iter()
                .filter(|known| why.contains(**known))
                .for_each(|known| add(known, 1));
        }
        if standing == "Effective" {
            add(&format!("effective {}", kind.unwrap_or_default()), 1);
        }
        add(
            "erased groups",
            oracle.statements.erased(&said.reference).len(),
        );
    }
    let instruments = truce.agreement.instruments.values();
    add(
        "adopted",
        instruments
            .clone()
            .filter(|i| i.adopted_at().is_some())
            .count(),
    );
    add(
        "amended",
        instruments.filter(|i| i.amended.is_some()).count(),
    );
    let shifts = truce.shifts.values().flat_map(|shifts| &shifts.shifts);
    let ended = |shift: &truce::contact::Shift, handed: bool| match &shift.ended {
        Some((_, truce::contact::ShiftEnd::HandedOver(_))) => handed,
        Some((_, truce::contact::ShiftEnd::TakenOver(_))) => !handed,
        None => false,
    };
    add(
        "handed over",
        shifts.clone().filter(|s| ended(s, true)).count(),
    );
    add(
        "taken over",
        shifts.clone().filter(|s| ended(s, false)).count(),
    );
    let refused =
        |s: &&truce::contact::Shift| s.offered.as_ref().is_some_and(|o| !o.missing.is_empty());
    add("not ticked", shifts.filter(refused).count());
    for owed in &truce.owed {
        let word = |text: String| text.split(['(', ' ']).next().unwrap().to_owned();
        add(&format!("owed {}", word(format!("{:?}", owed.what))), 1);
        add(&word(format!("{:?}", owed.delivery)), 1);
        add("settled", usize::from(owed.settled_at.is_some()));
    }
    add(
        "related claims",
        truce
            .claims
            .claims
            .values()
            .filter(|c| !c.related.is_empty())
            .count(),
    );
    add(
        "corrected",
        truce
            .matters
            .values()
            .flat_map(|m| &m.sends)
            .filter(|s| s.corrected_by.is_some())
            .count(),
    );
    add(
        "revised areas",
        truce
            .areas
            .areas
            .values()
            .filter(|a| a.revisions.len() > 1)
            .count(),
    );
    add(
        "two-way lines",
        truce
            .lines
            .values()
            .filter(|l| l.last_two_way.is_some())
            .count(),
    );
    let declared = |log: &&MemoryLog| {
        let sign = truce.directory.call_sign(log.origin());
        sign.is_none_or(|sign| sign.as_str() != log.name)
    };
    add(
        "other call signs",
        world.logs.iter().filter(declared).count(),
    );
}

#[test]
fn generated_truces_have_something_of_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut counts = BTreeMap::new();
    for n in 0..140 {
        let steps = prop::collection::vec(step(), 60)
            .new_tree(&mut runner)
            .unwrap();
        tally(
            &World::play(3 + n % 4, n % 5 > 0, &steps.current()),
            &mut counts,
        );
    }
    let kinds = truce::kinds::Name::ALL.iter();
    let kinds = kinds.map(|kind| format!("effective {}", kind.as_str()));
    let more = MORE.iter().map(|what| (*what).to_owned());
    let missing: Vec<String> = kinds
        .chain(more)
        .filter(|what| counts.get(what).copied().unwrap_or(0) < 3)
        .collect();
    assert!(
        missing.is_empty(),
        "hardly any {missing:?} among {counts:#?}"
    );
}

/// What else has to come about.
const MORE: [&str; 31] = [
    "Ineffective",
    "Undetermined",
    "Waiting",
    "UnknownKind",
    "retracted",
    "withdrawn",
    "compromised",
    "another statement stands",
    "no office",
    "erased groups",
    "adopted",
    "amended",
    "handed over",
    "taken over",
    "not ticked",
    "owed Flash",
    "owed Answer",
    "owed Acceptance",
    "owed AreaResponse",
    "owed SeparationAnswer",
    "owed Validation",
    "owed Acknowledgement",
    "owed Deletion",
    "owed Consent",
    "owed CheckIn",
    "SentNoReceipt",
    "related claims",
    "corrected",
    "revised areas",
    "two-way lines",
    "other call signs",
];
