//! Lines and their tests: a line works because both ends heard each other.

use super::{Means, TestResult};
use crate::Body;
use crate::agreement::{Agreement, Line};
use crate::standing::{Directory, Effective};
use crate::values::{Language, Slug};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;

/// Both ends' tests are of one time when they lie so close, in milliseconds, and the line names no schedule: 15 minutes.
pub const TWO_WAY_MS: i64 = 15 * 60 * 1000;

/// What one end last said of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineEnd {
    /// Where it stands.
    pub reference: Reference,
    /// When it was tested.
    pub tested_at: UtcMs,
    /// Over which means.
    pub means: Means,
    /// What was heard.
    pub result: TestResult,
    /// Languages that were spoken.
    pub languages: Vec<Language>,
}

/// A line, as both ends tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineState {
    /// Its terms.
    pub line: Line,
    /// Every test of each end, in the order of its time.
    pub tests: BTreeMap<CallSign, Vec<LineEnd>>,
    /// The last time at which both ends heard each other over the same means.
    pub last_two_way: Option<(UtcMs, Means)>,
    /// Faults that no later two-way test ended, by means: who said so and since when.
    pub faults: BTreeMap<Means, Vec<(Reference, CallSign, UtcMs)>>,
}

/// One test that the schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it is tested.
    pub at: UtcMs,
    /// Until when each end says what it heard.
    pub due_at: UtcMs,
}

/// The last test that the schedule of `line` asked for before `now`.
#[must_use]
pub fn slot(line: &Line, now: UtcMs) -> Option<Slot> {
    let tests = line.tests.as_ref()?;
    let (first, every) = (tests.first.utc().0, tests.every_s.get() * 1000);
    let past = now.0.checked_sub(first).filter(|past| *past >= 0)?;
    let at = UtcMs(first + past / every * every);
    Some(Slot {
        at,
        due_at: UtcMs(at.0 + tests.within_s.get() * 1000),
    })
}

impl LineState {
    /// The last test that the schedule asked for before `now`.
    #[must_use]
    pub fn slot(&self, now: UtcMs) -> Option<Slot> {
        slot(&self.line, now)
    }

    /// What `end` said of a test that the schedule asked for.
    #[must_use]
    pub fn test_in(&self, end: &CallSign, slot: Slot) -> Option<&LineEnd> {
        let mut tests = self.tests.get(end).into_iter().flatten();
        tests.rfind(|test| slot.at <= test.tested_at && test.tested_at <= slot.due_at)
    }

    /// What `end` last said before `now`.
    #[must_use]
    pub fn last_of(&self, end: &CallSign, now: UtcMs) -> Option<&LineEnd> {
        self.tests
            .get(end)
            .into_iter()
            .flatten()
            .rfind(|test| test.tested_at <= now)
    }
}

/// Folds tests and faults of the lines that `agreement` names in any instrument that was adopted. A test counts for the ends of
/// the line alone.
#[must_use]
pub fn fold(
    said: &[Effective<'_>],
    agreement: &Agreement,
    directory: &Directory,
) -> BTreeMap<(Reference, Slug), LineState> {
    let adopted = agreement
        .instruments
        .values()
        .filter(|instrument| instrument.adopted_at().is_some());
    let lines = adopted.flat_map(|i| {
        i.table
            .lines
            .iter()
            .map(|line| ((i.reference.clone(), line.id.clone()), line))
    });
    lines
        .map(|(key, line)| (key, state(line, said, directory)))
        .collect()
}

fn state(line: &Line, said: &[Effective<'_>], directory: &Directory) -> LineState {
    let mut tests: BTreeMap<CallSign, Vec<LineEnd>> = BTreeMap::new();
    let mut faults: BTreeMap<Means, Vec<(Reference, CallSign, UtcMs)>> = BTreeMap::new();
    for entry in said {
        let Some(end) = directory
            .call_sign(&entry.reference.origin)
            .filter(|end| *end == line.a || *end == line.b)
        else {
            continue;
        };
        match &*entry.body {
            Body::LineTest(test) if test.line == line.id => {
                tests.entry(end).or_default().push(LineEnd {
                    reference: entry.reference.clone(),
                    tested_at: test.tested_at.utc(),
                    means: test.means,
                    result: test.result,
                    languages: test.languages.to_vec(),
                })
            }
            Body::LineFault(fault) if fault.line == line.id => {
                faults.entry(fault.means).or_default().push((
                    entry.reference.clone(),
                    end,
                    fault.since.utc(),
                ));
            }
            _ => {}
        }
    }
    for tests in tests.values_mut() {
        tests.sort_by_key(|test| (test.tested_at, test.reference.index));
    }
    let heard = |end: &CallSign, means: Means| {
        let tests = tests.get(end).into_iter().flatten().rev();
        tests
            .filter(move |test| test.result == TestResult::Heard && test.means == means)
            .map(|test| test.tested_at)
    };
    let worked: BTreeMap<Means, UtcMs> = Means::ALL
        .iter()
        .filter_map(|means| {
            let at = last_two_way(
                heard(&line.a, *means),
                heard(&line.b, *means),
                within_ms(line),
            )?;
            Some((*means, at))
        })
        .collect();
    faults.retain(|means, faults| {
        let worked = worked.get(means);
        faults.retain(|(_, _, since)| worked.is_none_or(|at| *at < *since));
        !faults.is_empty()
    });
    let last_two_way = worked.into_iter().map(|(means, at)| (at, means)).max();
    LineState {
        line: line.clone(),
        tests,
        last_two_way,
        faults,
    }
}

/// How close two ends' tests lie to be of one time, in milliseconds.
#[must_use]
pub fn within_ms(line: &Line) -> i64 {
    let tests = line.tests.as_ref();
    tests.map_or(TWO_WAY_MS, |tests| tests.within_s.get() * 1000)
}

/// The last time at which both ends heard each other. Each end's times come newest first: of two that lie too far apart, the
/// newer one has no partner in what is left of the other.
pub fn last_two_way(
    a: impl Iterator<Item = UtcMs>,
    b: impl Iterator<Item = UtcMs>,
    within_ms: i64,
) -> Option<UtcMs> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    loop {
        let (one, other) = (*a.peek()?, *b.peek()?);
        if (one.0 - other.0).abs() <= within_ms {
            return Some(one.max(other));
        }
        if one > other {
            a.next()
        } else {
            b.next()
        };
    }
}
