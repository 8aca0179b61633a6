//! Who reads what, of everything that views give out: decided here once more, by other code, and compared.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use node::authority::Eyes;
use node::views::{ListQuery, Side, Views};
use proptest::prelude::*;
use record::audience::Name;
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::statement::{Group, Statement};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use support::generated::{Step, World, step};
use support::holding::{EVERYTHING, Holding};
use support::oracle::{CAPABILITIES, Oracle, everything, expect_the_fold};
use truce::Truce;

/// Somebody who reads: a participant by its log, or anybody.
struct Somebody {
    eyes: Eyes,
    log: Option<Origin>,
    call_sign: Option<CallSign>,
    party: bool,
}

impl Somebody {
    /// By the whole truce: which call sign a log has, and whether an instrument that was adopted asks for its acceptance.
    fn of(log: Option<&Origin>, whole: &Truce) -> Self {
        let mut party = false;
        for instrument in whole.agreement.instruments.values() {
            let adopted = instrument.adopted_at().is_some();
            for member in instrument.table.participants.iter() {
                let sign = &member.call_sign;
                let asked = instrument.table.needed.contains(sign)
                    || instrument.table.invited.contains(sign);
                party |= adopted && asked && Some(&member.origin) == log;
            }
        }
        Self {
            eyes: log.map_or(Eyes::Public, |log| Eyes::Participant(log.clone())),
            log: log.cloned(),
            call_sign: log.and_then(|log| whole.directory.call_sign(log)),
            party,
        }
    }

    fn reads(&self, author: &Origin, group: &Group) -> bool {
        let named = |name: &Name| match name {
            Name::Public => true,
            Name::Parties => self.party,
            Name::Own => false,
            Name::Participant(sign) => self.call_sign.as_ref() == Some(sign),
        };
        self.log.as_ref() == Some(author) || group.audience.names().any(named)
    }

    /// The statement with what this reader may read.
    fn cut(&self, said: &Statement) -> Statement {
        said.reduced(|_, group| self.reads(&said.leaf().log.origin, group))
    }
}

fn newest(limit: u32) -> ListQuery {
    ListQuery {
        limit,
        ..ListQuery::default()
    }
}

/// Everything that the views give out, as one text.
fn told(views: &Views, all: &[Reference]) -> String {
    let mut told = String::new();
    let mut add = |what: &dyn std::fmt::Debug| told += &format!("{what:?}\n");
    let mut query = newest(7);
    loop {
        let page = views.statements(None, &query).unwrap();
        page.items.iter().for_each(|row| add(row));
        add(&page.total);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    for capability in CAPABILITIES.iter().chain(&["line.test", "line.fault"]) {
        let page = views.list(capability, &newest(1000)).unwrap();
        add(&(page.items, page.total));
        for reference in all {
            add(&views.object(capability, reference).unwrap());
        }
    }
    for reference in all {
        add(&views.about(reference, 100).unwrap());
        add(&views.find(&reference.origin, reference.index).unwrap());
    }
    for days in [0, 1, 3, 9, 40] {
        let now = UtcMs(1_456_876_800_000 + days * 86_400_000);
        add(&views.due(now).unwrap());
        told_at(views, now).iter().for_each(|line| add(line));
    }
    add(&views.changes_since(0, u32::MAX).unwrap());
    add(&views.lines().unwrap());
    add(&views.context().shifts);
    add(&views.context().agreement);
    told
}

/// What one moment of the views gives out: what boards are made of.
fn told_at(views: &Views, now: UtcMs) -> Vec<String> {
    let read = views.snapshot(|moment| {
        let context = moment.context();
        let mut told = vec![
            format!("{:?}", moment.open_flash(now, u32::MAX)?),
            format!("{:?}", moment.lines(now)?),
            format!("{:?}", moment.oldest_by_direction(now, usize::MAX)?),
        ];
        for sign in context.directory.call_signs() {
            for side in [Side::Owes, Side::IsOwed] {
                told.push(format!("{:?}", moment.debts(sign, side, now, usize::MAX)?));
            }
        }
        for origin in context.folded.keys() {
            told.push(format!("{:?}", moment.last_read(origin)?));
            told.push(format!("{:?}", moment.last_said(origin)?));
        }
        let mut reports = Vec::new();
        let vague = moment.reports(UtcMs(0), now, &mut |report| {
            reports.push(format!("{report:?}"));
        })?;
        reports.push(vague.to_string());
        told.extend(reports);
        Ok(told)
    });
    read.unwrap()
}

/// The words that stand in one group alone: which group of which statement that is.
fn tokens(world: &World) -> BTreeMap<String, (Reference, String)> {
    let mut all = BTreeMap::new();
    for log in &world.logs {
        for (index, said) in (0..).zip(&log.said) {
            let groups = said.head().into_iter().flat_map(|head| head.groups.keys());
            for name in groups {
                let content = said.content(name).unwrap().to_string();
                for token in found(&content) {
                    let before = all.insert(token, (log.reference(index), name.clone()));
                    assert!(
                        before
                            .is_none_or(|(other, of)| other == log.reference(index) && of == *name)
                    );
                }
            }
        }
    }
    all
}

/// The tokens in a text: `q`, digits, a letter, `z`.
fn found(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (at, _) in text.match_indices('q') {
        let rest = &text[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let end = rest.as_bytes().get(digits + 1);
        if digits == 4 && end == Some(&b'z') {
            all.insert(rest[..digits + 2].to_owned());
        }
    }
    all
}

/// How many groups were hidden from somebody, and how many words somebody was told.
fn every_reader(sides: usize, bound: bool, steps: &[Step]) -> (usize, usize) {
    let world = World::play(sides, bound, steps);
    let held = everything(&world.logs);
    let whole = Oracle::of(&held, &Eyes::Node, &Default::default()).truce;
    let stranger: Origin = "truce.example/stranger".parse().unwrap();
    let logs = world.logs.iter().map(|log| Some(log.origin()));
    let readers: Vec<Somebody> = logs
        .chain([None, Some(&stranger)])
        .map(|log| Somebody::of(log, &whole))
        .collect();
    let mut eyes = vec![Eyes::Node];
    eyes.extend(readers.iter().map(|reader| reader.eyes.clone()));
    let mut holding = Holding::of(&world, &eyes);
    holding.arrive_whole(&world, &EVERYTHING);
    holding.settle(8192);
    let tokens = tokens(&world);
    let all: Vec<Reference> = held
        .iter()
        .map(|(index, said)| Reference {
            origin: said.leaf().log.origin.clone(),
            index: *index,
            leaf: said.leaf().hash(),
        })
        .collect();
    let (mut hidden, mut heard) = (0, 0);
    for (views, reader) in holding.views.iter().skip(1).zip(&readers) {
        let (closed, words) = expect_only_what_he_reads(views, reader, &held, &all, &tokens);
        hidden += closed;
        heard += words;
    }
    (hidden, heard)
}

/// Compares all that one reader gets with what he may read; how many groups were not for him, and how many words he was told.
fn expect_only_what_he_reads(
    views: &Views,
    reader: &Somebody,
    held: &[(u64, Statement)],
    all: &[Reference],
    tokens: &BTreeMap<String, (Reference, String)>,
) -> (usize, usize) {
    let who = format!("{:?}", reader.eyes);
    let cut: Vec<(u64, Statement)> = held
        .iter()
        .map(|(i, said)| (*i, reader.cut(said)))
        .collect();
    let oracle = Oracle::of(&cut, &Eyes::Node, &Default::default());
    expect_the_fold(views, &oracle, &who);
    let by_reference: BTreeMap<&Reference, &Statement> =
        all.iter().zip(held.iter().map(|(_, s)| s)).collect();
    let told = told(views, all);
    let words = found(&told);
    for token in &words {
        let (reference, group) = &tokens[token];
        let said = by_reference[reference];
        let of = &said.head().unwrap().groups[group];
        assert!(
            reader.reads(&reference.origin, of),
            "{who} was told of {group} of {reference}"
        );
    }
    let (mut visible, mut hidden) = (0, 0);
    for (reference, said) in &by_reference {
        let groups = said
            .head()
            .into_iter()
            .flat_map(|head| head.groups.values());
        let closed = groups
            .clone()
            .filter(|group| !reader.reads(&reference.origin, group))
            .count();
        let open = said.leaf().control().is_some() || closed < groups.count();
        hidden += closed;
        visible += u64::from(open);
        assert_eq!(
            views
                .find(&reference.origin, reference.index)
                .unwrap()
                .is_some(),
            open,
            "{who}"
        );
        if !open {
            expect_unknown_alike(views, reference, &who);
        }
    }
    assert_eq!(
        views.statements(None, &newest(1)).unwrap().total,
        visible,
        "{who}"
    );
    for change in views.changes_since(0, u32::MAX).unwrap() {
        let reference: Reference = change.reference.parse().unwrap();
        assert!(
            views.statement(&reference).unwrap().is_some(),
            "{who}: {reference} changed"
        );
    }
    (hidden, words.len())
}

/// What is forbidden is answered like what stands nowhere.
fn expect_unknown_alike(views: &Views, forbidden: &Reference, who: &str) {
    let unknown = [
        Reference {
            index: 999_999,
            ..forbidden.clone()
        },
        Reference {
            leaf: Hash([7; 32]),
            ..forbidden.clone()
        },
        Reference {
            origin: "truce.example/nowhere".parse().unwrap(),
            ..forbidden.clone()
        },
    ];
    let answers = |of: &Reference| {
        let objects: Vec<_> = CAPABILITIES
            .iter()
            .map(|capability| views.object(capability, of).unwrap())
            .collect();
        let row = views.statement(of).unwrap().is_some();
        (row, objects, views.about(of, 100).unwrap().len())
    };
    for other in &unknown {
        assert_eq!(answers(forbidden), answers(other), "{who}: {forbidden}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn nobody_is_told_what_he_may_not_read_by_whatever_is_asked(
        sides in 3..=5usize,
        bound in prop::bool::weighted(0.8),
        steps in prop::collection::vec(step(), 30..70),
    ) {
        let (hidden, heard) = every_reader(sides, bound, &steps);
        prop_assert!(hidden > 0, "nothing was hidden from anybody");
        prop_assert!(heard > 0, "nobody was told anything");
    }
}

fn cases() -> u32 {
    if std::env::var_os("TRUCELINE_LONG").is_some() {
        200
    } else {
        10
    }
}
