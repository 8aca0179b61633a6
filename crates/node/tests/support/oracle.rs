//! The pure fold, beside which views are held: everything that a reader may read, at once, without a database.

use super::logs::MemoryLog;
use node::authority::{Eyes, Membership, cut};
use node::views::objects::{self, Object};
use node::views::{ListQuery, OwedRow, Views};
use record::name::Reference;
use record::statement::Statement;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use truce::agreement::CAUTION;
use truce::due::{Item, Urgency, What};
use truce::incidents::NamedActors;
use truce::{Standing, Statements, Truce};

/// Capabilities that objects are listed under; tests and faults of lines stand in lists of their own.
pub const CAPABILITIES: [&str; 11] = [
    "matter",
    "instrument",
    "area",
    "separation",
    "claim",
    "tally",
    "toll",
    "report",
    "site",
    "exposure",
    "movement",
];

/// What a reader's views have to say.
pub struct Oracle {
    pub statements: Statements,
    pub truce: Truce,
}

impl Oracle {
    /// Of `held`, by entry, as far as `eyes` may read it, after what was erased is gone.
    pub fn of(held: &[(u64, Statement)], eyes: &Eyes, members: &Membership) -> Self {
        let readable: Vec<(u64, Statement)> = held
            .iter()
            .map(|(index, said)| (*index, cut(eyes, said, members).into_owned()))
            .collect();
        let all = statements_of(&readable);
        let left: Vec<(u64, Statement)> = readable
            .iter()
            .map(|(index, said)| (*index, without(said, &all.erased(&reference(*index, said)))))
            .collect();
        let statements = statements_of(&left);
        let truce = Truce::of(&statements);
        Self { statements, truce }
    }

    /// Who is who and who is a party, by what this reader sees.
    pub fn members(&self) -> Membership {
        Membership::of(&self.truce.directory, &self.truce.agreement)
    }
}

fn statements_of(said: &[(u64, Statement)]) -> Statements {
    let mut statements = Statements::default();
    for (index, said) in said {
        statements.hold(*index, said);
    }
    statements
}

fn reference(index: u64, said: &Statement) -> Reference {
    Reference {
        origin: said.leaf().log.origin.clone(),
        index,
        leaf: said.leaf().hash(),
    }
}

/// What is left of a statement: its head, and the groups that were not erased.
fn without(said: &Statement, erased: &BTreeSet<String>) -> Statement {
    let Some(head) = said.head() else {
        return said.clone();
    };
    let mut kept: Vec<_> = said.disclosures().take(1).cloned().collect();
    for (name, group) in head
        .groups
        .iter()
        .filter(|(name, _)| !erased.contains(*name))
    {
        let content = said.disclosures().find(|d| d.digest() == group.digest);
        kept.extend(content.filter(|_| said.content(name).is_some()).cloned());
    }
    Statement::assemble(said.leaf().clone(), kept).unwrap()
}

/// Everything that stands in `logs`, with all of its disclosures.
pub fn everything(logs: &[MemoryLog]) -> Vec<(u64, Statement)> {
    let all = logs
        .iter()
        .flat_map(|log| (0..).zip(log.said.iter().cloned()));
    all.collect()
}

fn spelled(standing: &Standing) -> (&'static str, Option<String>) {
    match standing {
        Standing::Effective => ("effective", None),
        Standing::Ineffective(why) => ("ineffective", Some(why.clone())),
        Standing::Waiting(on) => ("waiting", Some(on.to_string())),
        Standing::Undetermined(why) => ("undetermined", Some(why.clone())),
        Standing::Sealed => ("sealed", None),
        Standing::UnknownKind => ("unknown_kind", None),
    }
}

/// Holds every row of `views` beside the fold; `who` names them in a failure.
pub fn expect_the_fold(views: &Views, oracle: &Oracle, who: &str) {
    expect_statements(views, oracle, who);
    expect_objects(views, oracle, who);
    expect_due(views, oracle, who);
    let (context, truce) = (views.context(), &oracle.truce);
    assert_eq!(*context.agreement, truce.agreement, "{who}: agreement");
    assert_eq!(*context.directory, truce.directory, "{who}: directory");
    assert_eq!(*context.shifts, truce.shifts, "{who}: shifts");
    expect_lines(views, oracle, who);
}

fn expect_statements(views: &Views, oracle: &Oracle, who: &str) {
    let mut visible = 0;
    for said in oracle.statements.iter() {
        let row = views.statement(&said.reference).unwrap();
        let readable = said.head().is_some() || said.statement.leaf().control().is_some();
        assert_eq!(row.is_some(), readable, "{who}: {}", said.reference);
        let Some(row) = row else { continue };
        visible += 1;
        let standing = (row.standing.as_str(), row.why.clone());
        let expected = spelled(&oracle.truce.standings[&said.reference]);
        assert_eq!(standing, expected, "{who}: {} {}", row.kind, row.short);
        let text = said.statement.to_string();
        assert_eq!(row.statement, text, "{who}: {} {}", row.kind, row.short);
    }
    let all = ListQuery {
        limit: 1,
        ..ListQuery::default()
    };
    assert_eq!(
        views.statements(None, &all).unwrap().total,
        visible,
        "{who}"
    );
}

fn expect_objects(views: &Views, oracle: &Oracle, who: &str) {
    let expected = objects::of(&oracle.truce, &oracle.truce.directory);
    for capability in CAPABILITIES {
        let of: Vec<&Object> = expected
            .iter()
            .filter(|object| object.capability == capability)
            .collect();
        for object in &of {
            let row = views.object(capability, &object.reference).unwrap();
            let row = row.as_deref().map(value);
            let (place, mut body) = (&object.reference, value(&object.body));
            if capability == "report" {
                body["coverage"] = coverage(&oracle.truce, place);
            }
            assert_eq!(row.as_ref(), Some(&body), "{who}: {capability} {place}");
            for (open, counts) in [(true, object.open), (false, !object.open)] {
                let query = ListQuery {
                    by: Some(object.by.to_string()),
                    tag: Some(object.tag.clone()),
                    place: Some(object.place.clone()),
                    from: Some(object.at),
                    until: Some(UtcMs(object.at.0 + 1)),
                    open: Some(open),
                    limit: 1000,
                    ..ListQuery::default()
                };
                let listed = views.list(capability, &query).unwrap().items;
                let found = listed.iter().any(|listed| value(listed) == body);
                assert_eq!(
                    found, counts,
                    "{who}: {capability} {place} among those like it"
                );
            }
        }
        let query = ListQuery {
            limit: 1,
            ..ListQuery::default()
        };
        let total = views.list(capability, &query).unwrap().total;
        assert_eq!(total, of.len() as u64, "{who}: {capability}");
    }
}

/// Whether the truce covers those whom a report names, with all areas at hand.
fn coverage(truce: &Truce, report: &Reference) -> Value {
    let actors = NamedActors::of(&truce.agreement);
    let filed = &truce.reports[report];
    let place = filed.exact.as_ref().and_then(|exact| exact.place.as_ref());
    let judged = match place {
        Some(place) => actors.coverage_at(&filed.body, place, &truce.areas.areas),
        None => actors.coverage(&filed.body),
    };
    let names = judged.names.iter().map(|name| {
        let provisions = name.provisions.iter().map(|cited| {
            json!({"instrument": cited.instrument.to_string(), "provision": cited.provision.as_str(), "title": cited.title})
        });
        let instruments = name.instruments.iter().map(ToString::to_string);
        json!({"side": name.side, "name": name.name, "answer": name.answer.as_str(), "reason": name.reason,
            "excluded": name.excluded.as_ref().map(ToString::to_string),
            "instruments": instruments.collect::<Vec<_>>(), "provisions": provisions.collect::<Vec<_>>()})
    });
    json!({"answer": judged.answer.as_str(), "names": names.collect::<Vec<_>>(), "caution": CAUTION})
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn expect_lines(views: &Views, oracle: &Oracle, who: &str) {
    let mut expected = oracle.truce.lines.clone();
    for state in expected.values_mut() {
        for faults in state.faults.values_mut() {
            faults.sort_by_key(|(reference, _, since)| (*since, reference.clone()));
        }
    }
    assert_eq!(views.lines().unwrap(), expected, "{who}: lines");
}

/// What an item looks like on the list.
pub fn owed_line(item: &Item) -> String {
    let (what, part) = (item.what.word(), item.what.part().map(ToString::to_string));
    let urgency = match item.urgency {
        Urgency::Overdue => "overdue",
        Urgency::Open => "open",
        Urgency::Unreachable => "unreachable",
    };
    let holding = item
        .holding
        .as_ref()
        .map(|(reference, until)| (reference.to_string(), until.map(|at| at.to_string())));
    format!(
        "{urgency} {:?} {} {what} {part:?} {} {} {} {} {holding:?}",
        item.due_at.map(|at| at.to_string()),
        item.since,
        item.by,
        item.to,
        item.about,
        item.received
    )
}

fn row_line(row: &OwedRow) -> String {
    let holding = row.holding.as_ref().map(|holding| {
        let text = |name: &str| holding[name].as_str().map(str::to_owned);
        (text("reference").unwrap(), text("until"))
    });
    format!(
        "{} {:?} {} {} {:?} {} {} {} {} {holding:?}",
        row.urgency,
        row.due_at,
        row.since,
        row.what,
        row.part,
        row.by,
        row.to,
        row.about,
        row.received
    )
}

/// What is due, at every time at which something begins, ends or runs out, and just before.
fn expect_due(views: &Views, oracle: &Oracle, who: &str) {
    let mut times = BTreeSet::new();
    for owed in &oracle.truce.owed {
        let all = [
            Some(owed.said_at),
            owed.delivery.started_at(),
            owed.due_at,
            owed.settled_at,
        ];
        for at in all.into_iter().flatten() {
            times.extend([at.0 - 1, at.0]);
        }
    }
    let apart = times.len() / 24 + 1;
    let end = times.last().copied().unwrap_or(0) + 400_000_000;
    for now in times.into_iter().step_by(apart).chain([end]).map(UtcMs) {
        let rows: Vec<String> = views.due(now).unwrap().iter().map(row_line).collect();
        let items: Vec<String> = oracle.truce.due(now).iter().map(owed_line).collect();
        assert_eq!(rows, items, "{who}: due at {now}");
    }
}

/// How many lines of each sort there are.
pub fn count(lines: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}
