//! Notified, then hit: which reports tell of something in or near a place that had been notified before. A candidate is a question
//! to whoever had the notice, and no finding: it names no cause and nobody who acted. Cases are counted beside what they are cases
//! of, by call sign in the order of the alphabet, and never ranked.

use crate::contact::Reception;
use crate::incidents::ReportFile;
use crate::movements::{Movement, Stage};
use crate::protection::had_it;
use crate::sites::{Site, Verdict};
use crate::values::Position;
use crate::volumes::Notified;
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;

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

/// Something that happened, as a report places it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened<'r> {
    /// The report.
    pub report: &'r Reference,
    /// Where.
    pub place: &'r Position,
    /// How far that may be off, in metres; `None`: not stated.
    pub uncertainty_m: Option<i64>,
    /// The earliest time that is possible.
    pub from: UtcMs,
    /// The latest time that is possible.
    pub until: UtcMs,
}

impl<'r> Happened<'r> {
    /// What a report places; `None` where its exact place is not read here, or not known.
    #[must_use]
    pub fn of(report: &'r Reference, file: &'r ReportFile) -> Option<Self> {
        let exact = file.exact.as_ref()?;
        Some(Self {
            report,
            place: exact.place.as_ref()?,
            uncertainty_m: exact.uncertainty_m.map(crate::values::Metres::get),
            from: file.body.from.utc(),
            until: file.body.until.utc(),
        })
    }
}

/// Tells how near something happened to what was notified. The geometry is the caller's.
pub type Near<'n> = dyn Fn(&Notified<'_>, &Happened<'_>) -> Nearness + 'n;

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
    pub not_placed: usize,
}

/// One version of a notice that counted at some time.
struct Counting<'n> {
    notice: &'n Reference,
    version: &'n Reference,
    /// From when this version counted, validated where it has to be, to when.
    from: UtcMs,
    until: Option<UtcMs>,
    /// What the cell found in it; nobody looks at a movement.
    verdicts: Option<&'n [Verdict]>,
    volume: Option<Notified<'n>>,
    receptions: Vec<(&'n CallSign, &'n Reception)>,
}

impl Counting<'_> {
    fn at(&self, at: UtcMs) -> bool {
        let validated = |verdicts: &[Verdict]| {
            let last = verdicts.iter().rev().find(|verdict| verdict.at <= at);
            last.is_some_and(|verdict| verdict.validated.is_some())
        };
        self.from <= at
            && self.until.is_none_or(|until| at < until)
            && self.verdicts.is_none_or(validated)
    }

    fn had(&self, at: UtcMs) -> BTreeMap<CallSign, Had> {
        let before = |fact: &Option<(Reference, UtcMs)>| {
            fact.as_ref().is_some_and(|(_, said_at)| *said_at <= at)
        };
        let had = self
            .receptions
            .iter()
            .filter(|(_, reception)| had_it(reception.delivery, at));
        had.map(|(sign, reception)| {
            let had = Had {
                delivered_at: reception.delivery.at(),
                acknowledged: before(&reception.acknowledged),
                passed_down: before(&reception.confirmed_below),
            };
            ((*sign).clone(), had)
        })
        .collect()
    }
}

/// Looks at what happened from `from` until `until` (not included) beside what had been notified.
#[must_use]
pub fn cases(
    sites: &BTreeMap<Reference, Site>,
    movements: &BTreeMap<Reference, Movement>,
    reports: &BTreeMap<Reference, ReportFile>,
    (from, until): (UtcMs, UtcMs),
    near: &Near<'_>,
) -> Cases {
    let mut counting: Vec<Counting<'_>> = sites.values().flat_map(of_site).collect();
    counting.extend(movements.values().flat_map(of_movement));
    let mut cases = Cases::default();
    let of_period = reports.iter().filter(|(_, file)| {
        let began = file.body.from.utc();
        from <= began && began < until
    });
    for (reference, file) in of_period {
        cases.reports += 1;
        match Happened::of(reference, file) {
            Some(happened) => cases
                .candidates
                .extend(candidates(&counting, &happened, near)),
            None => cases.not_placed += 1,
        }
    }
    cases
        .candidates
        .sort_by(|a, b| (&a.report, &a.notice).cmp(&(&b.report, &b.notice)));
    cases.of = counted(&counting, &cases.candidates, from, until);
    cases
}

fn candidates(
    counting: &[Counting<'_>],
    happened: &Happened<'_>,
    near: &Near<'_>,
) -> Vec<Candidate> {
    // What may have happened before it was notified was not notified before it happened.
    let counted = counting.iter().filter(|notice| notice.at(happened.from));
    let found = counted.filter_map(|notice| {
        let had = notice.had(happened.from);
        if had.is_empty() {
            return None;
        }
        let nearness = near(notice.volume.as_ref()?, happened);
        (nearness != Nearness::Clear).then(|| Candidate {
            report: happened.report.clone(),
            notice: notice.notice.clone(),
            version: notice.version.clone(),
            nearness,
            had,
        })
    });
    found.collect()
}

fn counted(
    counting: &[Counting<'_>],
    candidates: &[Candidate],
    from: UtcMs,
    until: UtcMs,
) -> BTreeMap<CallSign, Counted> {
    // Of each recipient and notice: whether it was hit, and hit though it was passed down.
    let mut of: BTreeMap<(&CallSign, &Reference), (bool, bool)> = BTreeMap::new();
    for notice in counting {
        let ends = notice.until.unwrap_or(until).min(until);
        if notice.from >= until || ends <= from {
            continue;
        }
        for (sign, reception) in &notice.receptions {
            if had_it(reception.delivery, UtcMs(ends.0 - 1)) {
                of.entry((sign, notice.notice)).or_default();
            }
        }
    }
    for candidate in candidates {
        for (sign, had) in &candidate.had {
            let hit = of.entry((sign, &candidate.notice)).or_default();
            hit.0 = true;
            hit.1 |= had.passed_down;
        }
    }
    let mut all: BTreeMap<CallSign, Counted> = BTreeMap::new();
    for ((sign, _), (hit, passed_down)) in of {
        let counted = all.entry(sign.clone()).or_default();
        counted.notices += 1;
        counted.hit += usize::from(hit);
        counted.hit_though_passed_down += usize::from(passed_down);
    }
    all
}

/// The versions of a site, each from its validation until the next one was said, or the site was withdrawn from everybody.
fn of_site(site: &Site) -> Vec<Counting<'_>> {
    let versions = site.versions.iter().enumerate();
    let counting = versions.filter_map(|(i, version)| {
        let validated = version
            .verdicts
            .iter()
            .find(|verdict| verdict.validated.is_some())?;
        let next = site.versions.get(i + 1).map(|next| next.at);
        let sent = version.receptions.iter();
        let sent = sent.filter(|(sign, _)| version.sent_to.contains(*sign));
        Some(Counting {
            notice: &site.reference,
            version: &version.reference,
            from: validated.at.max(version.notice.body.valid_from.utc()),
            until: [next, site.withdrawn_at].into_iter().flatten().min(),
            verdicts: Some(&version.verdicts),
            volume: site.notified(version),
            receptions: sent.collect(),
        })
    });
    counting.collect()
}

/// The versions of a movement, each until the next one was said or it was over. A movement is validated by nobody.
fn of_movement(movement: &Movement) -> Vec<Counting<'_>> {
    let versions = movement.versions.iter().enumerate();
    let over = movement
        .way
        .events
        .iter()
        .find(|event| matches!(event.stage, Some(Stage::Aborted | Stage::Arrived)));
    let counting = versions.map(|(i, version)| {
        let next = movement.versions.get(i + 1).map(|next| next.at);
        let told = version.receptions.iter();
        let told = told.filter(|(sign, _)| version.notice.body.to.contains(sign));
        Counting {
            notice: &movement.reference,
            version: &version.reference,
            from: version.at,
            until: [next, over.map(|event| event.at)]
                .into_iter()
                .flatten()
                .min(),
            verdicts: None,
            volume: movement.notified(version),
            receptions: told.collect(),
        }
    });
    counting.collect()
}
