//! Notified, then hit: which reports tell of something in or near a place that had been notified before. A candidate is a question
//! to whoever had the notice, and no finding: it names no cause and nobody who acted. Cases are counted beside what they are cases
//! of, by call sign in the order of the alphabet, and never ranked.

use crate::agreement::Agreement;
use crate::contact::{Delivery, Reception};
use crate::movements::{Movement, Stage};
use crate::sites::{Site, Verdict};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// Stands with every answer about candidates.
pub const QUESTION: &str = "A candidate is a question to those who had the notice, and no finding: it names no cause and nobody who acted. \
     Whether a place was hit, by whom and why is found by verification. Numbers are of what may be read here: whoever had more notices \
     had more that could be hit.";

/// What is near, in metres, where no instrument in force says it.
pub const NEAR_M_DEFAULT: i64 = 1_000;

/// How far away something that happened at `at` still is near a notified place, in metres: what the newest instrument in force names
/// that names it, or else [`NEAR_M_DEFAULT`].
#[must_use]
pub fn near_m(agreement: &Agreement, at: UtcMs) -> i64 {
    let named = agreement.newest(at, |i| i.table.protection.as_ref().and_then(|p| p.near_m));
    named.map_or(NEAR_M_DEFAULT, crate::values::Int::get)
}

/// How near something happened to what was notified, in place, height and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Inside.
    Inside,
    /// Near, by whatever distance the agreement has for that.
    Near,
    /// What is known does not decide it. It counts as near: the doubt is for those who are protected.
    Indeterminate,
    /// Neither.
    Clear,
}

impl Nearness {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Near => "near",
            Self::Indeterminate => "indeterminate",
            Self::Clear => "clear",
        }
    }
}

/// When a recipient did what with one version of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// When it got there, by the recipient's own word; a neutral's sight of a head is none.
    pub delivered_at: UtcMs,
    /// When a person had read it.
    pub acknowledged_at: Option<UtcMs>,
    /// When those below had it.
    pub passed_down_at: Option<UtcMs>,
}

/// One version of a notice, with the times at which it counted and those who had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counting {
    /// The site or movement, by its first notice.
    pub notice: Reference,
    /// This version.
    pub version: Reference,
    /// Half-open times in which it counted: validated where it has to be, until the next version was said, the cell found something
    /// else, or it was over. Never none.
    pub times: Vec<(UtcMs, Option<UtcMs>)>,
    /// Who got it, and what each did with it.
    pub steps: BTreeMap<CallSign, Steps>,
    /// Whether its exact place is read here.
    pub placed: bool,
}

impl Counting {
    /// From when it counted at the earliest.
    #[must_use]
    pub fn from(&self) -> UtcMs {
        self.times
            .iter()
            .map(|(from, _)| *from)
            .min()
            .unwrap_or(UtcMs(i64::MAX))
    }

    /// Until when it counted at the latest; `None`: it still does.
    #[must_use]
    pub fn until(&self) -> Option<UtcMs> {
        let ends: Option<Vec<UtcMs>> = self.times.iter().map(|(_, until)| *until).collect();
        ends.and_then(|ends| ends.into_iter().max())
    }

    /// Whether it counted at `at`, and anybody had it by then.
    #[must_use]
    pub fn was_had(&self, at: UtcMs) -> bool {
        self.counted_at(at) && self.steps.values().any(|steps| steps.delivered_at <= at)
    }

    fn counted_at(&self, at: UtcMs) -> bool {
        let within = |(from, until): &(UtcMs, Option<UtcMs>)| {
            *from <= at && until.is_none_or(|until| at < until)
        };
        self.times.iter().any(within)
    }

    /// Whether `steps` had begun at some time of a period at which it counted.
    fn had_within(&self, steps: &Steps, (from, until): (UtcMs, UtcMs)) -> bool {
        self.times.iter().any(|(began, ended)| {
            let ended = ended.unwrap_or(until).min(until);
            *began < ended && from < ended && steps.delivered_at < ended
        })
    }

    fn had(&self, at: UtcMs) -> BTreeMap<CallSign, Had> {
        let before = |step: Option<UtcMs>| step.is_some_and(|step| step <= at);
        let had = self
            .steps
            .iter()
            .filter(|(_, steps)| steps.delivered_at <= at);
        had.map(|(sign, steps)| {
            let had = Had {
                delivered_at: steps.delivered_at,
                acknowledged: before(steps.acknowledged_at),
                passed_down: before(steps.passed_down_at),
            };
            (sign.clone(), had)
        })
        .collect()
    }
}

/// Something that happened, as a report tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The report.
    pub report: Reference,
    /// The earliest time that is possible. What may have happened before it was notified was not notified before it happened.
    pub from: UtcMs,
    /// Of the notices those that it is near, by their number, and how near; `None` where the report's exact place is not read here, or
    /// not known. The geometry is the caller's.
    pub near: Option<Vec<(usize, Nearness)>>,
}

/// What a recipient had done with the notice before it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Had {
    /// When it got there.
    pub delivered_at: UtcMs,
    /// Whether a person had read it.
    pub acknowledged: bool,
    /// Whether those below had it.
    pub passed_down: bool,
}

/// A report in or near what had been notified and validated, with who had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The report.
    pub report: Reference,
    /// The site or movement, by its first notice.
    pub notice: Reference,
    /// The version that counted when it happened.
    pub version: Reference,
    /// How near.
    pub nearness: Nearness,
    /// Who had that version before it happened, and what each had done with it.
    pub had: BTreeMap<CallSign, Had>,
}

/// What is counted of one recipient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sites and movements of which it had a version that counted at some time of the period.
    pub notices: usize,
    /// Of these, how many had something happen in or near them.
    pub hit: usize,
    /// Of these, how many it had also passed down before.
    pub hit_though_passed_down: usize,
}

/// Candidates, beside everything that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cases {
    /// Candidates, by report and notice.
    pub candidates: Vec<Candidate>,
    /// Of each recipient, by call sign. It is a list and no ranking.
    pub of: BTreeMap<CallSign, Counted>,
    /// Reports of the period that were looked at.
    pub reports: usize,
    /// Reports of the period whose exact place is not read here: of them nothing is known.
    pub reports_not_placed: usize,
    /// Sites and movements of which a version counted at some time of the period, and whose exact place is read here.
    pub notices: usize,
    /// The same, whose exact place is not read here: of them nothing is known.
    pub notices_not_placed: usize,
}

/// Looks at what happened from `from` until `until` (not included) beside what had been notified.
#[must_use]
pub fn cases(counting: &[Counting], happened: &[Happened], (from, until): (UtcMs, UtcMs)) -> Cases {
    let mut cases = Cases::default();
    let of_period = |happened: &&Happened| from <= happened.from && happened.from < until;
    for happened in happened.iter().filter(of_period) {
        cases.reports += 1;
        let Some(near) = &happened.near else {
            cases.reports_not_placed += 1;
            continue;
        };
        let found = near.iter().filter_map(|(n, nearness)| {
            let notice = counting.get(*n)?;
            let counts = *nearness != Nearness::Clear && notice.was_had(happened.from);
            counts.then(|| Candidate {
                report: happened.report.clone(),
                notice: notice.notice.clone(),
                version: notice.version.clone(),
                nearness: *nearness,
                had: notice.had(happened.from),
            })
        });
        cases.candidates.extend(found);
    }
    cases
        .candidates
        .sort_by(|a, b| (&a.report, &a.notice).cmp(&(&b.report, &b.notice)));
    count(counting, (from, until), &mut cases);
    cases
}

fn count(counting: &[Counting], period: (UtcMs, UtcMs), cases: &mut Cases) {
    let counts = |notice: &&Counting| {
        let until = notice.until().unwrap_or(period.1);
        notice.from() < period.1 && period.0 < until
    };
    let of = |placed: bool| {
        let of = counting
            .iter()
            .filter(counts)
            .filter(|notice| notice.placed == placed);
        of.map(|notice| &notice.notice)
            .collect::<BTreeSet<_>>()
            .len()
    };
    (cases.notices, cases.notices_not_placed) = (of(true), of(false));
    // Of each recipient and notice: whether it was hit, and hit though it was passed down.
    let mut each: BTreeMap<(&CallSign, &Reference), (bool, bool)> = BTreeMap::new();
    for notice in counting.iter().filter(|notice| notice.placed) {
        for (sign, steps) in &notice.steps {
            if notice.had_within(steps, period) {
                each.entry((sign, &notice.notice)).or_default();
            }
        }
    }
    for candidate in &cases.candidates {
        for (sign, had) in &candidate.had {
            let hit = each.entry((sign, &candidate.notice)).or_default();
            hit.0 = true;
            hit.1 |= had.passed_down;
        }
    }
    let mut all: BTreeMap<CallSign, Counted> = BTreeMap::new();
    for ((sign, _), (hit, passed_down)) in each {
        let counted = all.entry(sign.clone()).or_default();
        counted.notices += 1;
        counted.hit += usize::from(hit);
        counted.hit_though_passed_down += usize::from(passed_down);
    }
    cases.of = all;
}

fn steps<'r>(
    receptions: impl Iterator<Item = (&'r CallSign, &'r Reception)>,
) -> BTreeMap<CallSign, Steps> {
    let at = |fact: &Option<(Reference, UtcMs)>| fact.as_ref().map(|(_, at)| *at);
    let had = receptions.filter_map(|(sign, reception)| {
        let Delivery::Received(delivered_at) = reception.delivery else {
            return None;
        };
        let steps = Steps {
            delivered_at,
            acknowledged_at: at(&reception.acknowledged),
            passed_down_at: at(&reception.confirmed_below),
        };
        Some((sign.clone(), steps))
    });
    had.collect()
}

/// The versions of a site that counted, each while it was validated and until the next one was said, or the site was withdrawn from
/// everybody.
#[must_use]
pub fn of_site(site: &Site) -> Vec<Counting> {
    let versions = site.versions.iter().enumerate();
    let counting = versions.filter_map(|(i, version)| {
        let next = site.versions.get(i + 1).map(|next| next.at);
        let over = [next, site.withdrawn_at].into_iter().flatten().min();
        let times = validated(
            &version.verdicts,
            version.notice.body.valid_from.utc(),
            over,
        );
        // The cell has it too, and is no recipient of the notice: it only checks.
        let sent = version.receptions.iter().filter(|(sign, _)| {
            let mut recipients = version.notice.body.recipients();
            version.sent_to.contains(*sign) && recipients.any(|of| of == *sign)
        });
        (!times.is_empty()).then(|| Counting {
            notice: site.reference.clone(),
            version: version.reference.clone(),
            times,
            steps: steps(sent),
            placed: version.notice.exact.is_some(),
        })
    });
    counting.collect()
}

/// The times in which a version was validated, from `from` until `over`: each finding until the cell found something else.
fn validated(
    verdicts: &[Verdict],
    from: UtcMs,
    over: Option<UtcMs>,
) -> Vec<(UtcMs, Option<UtcMs>)> {
    let found = verdicts
        .iter()
        .enumerate()
        .filter(|(_, found)| found.validated.is_some());
    let times = found.map(|(i, found)| {
        let later = verdicts[i + 1..].iter().map(|later| later.at).min();
        (found.at.max(from), later.into_iter().chain(over).min())
    });
    times
        .filter(|(from, until)| until.is_none_or(|until| *from < until))
        .collect()
}

/// The versions of a movement, each until the next one was said or it was over. A movement is validated by nobody.
#[must_use]
pub fn of_movement(movement: &Movement) -> Vec<Counting> {
    let versions = movement.versions.iter().enumerate();
    let over = movement
        .way
        .events
        .iter()
        .find(|event| matches!(event.stage, Some(Stage::Aborted | Stage::Arrived)))
        .map(|event| event.at);
    let counting = versions.filter_map(|(i, version)| {
        let next = movement.versions.get(i + 1).map(|next| next.at);
        let until = [next, over].into_iter().flatten().min();
        let told = version.receptions.iter();
        let told = told.filter(|(sign, _)| version.notice.body.to.contains(sign));
        until
            .is_none_or(|until| version.at < until)
            .then(|| Counting {
                notice: movement.reference.clone(),
                version: version.reference.clone(),
                times: vec![(version.at, until)],
                steps: steps(told),
                placed: version.notice.exact.is_some(),
            })
    });
    counting.collect()
}
