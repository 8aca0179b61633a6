//! Bringing in sets of data: each row becomes a statement of its own, in the importing participant's log. A row is known by a key
//! of its set; a second import of the same set says nothing, and a row that changed is corrected, not said twice.

use crate::node::{Node, NodeError};
use crate::views::{ListQuery, ViewError, Views};
use record::audience::Audience;
use record::log::{Receipt, SayError};
use record::name::{CallSign, Reference};
use record::statement::Draft;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use truce::participants::Office;

/// Statements that are under way at once.
const UNDER_WAY_MAX: usize = 256;
/// Objects that are read at once to see what is known.
const PAGE: u32 = 500;

/// A row, as the groups of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// By what it is known in its set.
    pub key: String,
    /// Kind with version.
    pub kind: &'static str,
    /// Its groups.
    pub groups: Map<String, Value>,
}

impl Item {
    /// A report, known by its external id.
    #[must_use]
    pub fn report(groups: Map<String, Value>) -> Self {
        let key = report_key(groups.get("body").unwrap_or(&Value::Null)).unwrap_or_default();
        Self {
            key,
            kind: "report.file/1",
            groups,
        }
    }

    /// A tally, known by who counted what from when on.
    #[must_use]
    pub fn tally(groups: Map<String, Value>) -> Self {
        let key = tally_key(groups.get("body").unwrap_or(&Value::Null));
        Self {
            key,
            kind: "tally.record/1",
            groups,
        }
    }
}

impl Item {
    /// What has no name in its set: a claim or a toll, known by all that it says.
    #[must_use]
    pub fn whole(kind: &'static str, groups: Map<String, Value>) -> Self {
        let key = groups.get("body").map(whole_key).unwrap_or_default();
        Self { key, kind, groups }
    }
}

fn whole_key(body: &Value) -> String {
    record::json::canonical(body)
}

fn report_key(body: &Value) -> Option<String> {
    body.get("external_id")?.as_str().map(str::to_owned)
}

fn tally_key(body: &Value) -> String {
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default();
    format!("{}|{}|{}", text("issued_by"), text("counted"), text("from"))
}

/// What an import would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// Rows that are not known yet.
    pub new: Vec<Item>,
    /// Rows that are known and say something else now.
    pub changed: Vec<(Reference, Item)>,
    /// Rows that are known as they are.
    pub same: usize,
}

impl Plan {
    /// Compares `items` with what `call_sign` said before.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn of(views: &Views, call_sign: &CallSign, items: Vec<Item>) -> Result<Self, ViewError> {
        let mut known = Known::new();
        for set in SETS {
            if items.iter().any(|item| item.kind == set.kind) {
                known.extend(set.known(views, call_sign)?);
            }
        }
        let mut plan = Self::default();
        for item in items {
            match known.get(&(item.kind, item.key.clone())) {
                None => plan.new.push(item),
                Some((_, groups)) if *groups == item.groups => plan.same += 1,
                Some((reference, _)) => plan.changed.push((reference.clone(), item)),
            }
        }
        Ok(plan)
    }
}

/// A kind, and what identifies a statement of it for whoever exports it.
type Key = (&'static str, String);
/// Where something was said, and its groups.
type Said = (Reference, Map<String, Value>);
type Known = BTreeMap<Key, Said>;

/// Where the statements of a kind are found again, and by what.
struct Set {
    kind: &'static str,
    capability: &'static str,
    body: &'static str,
    key: fn(&Value) -> Option<String>,
}

const SETS: &[Set] = &[
    Set {
        kind: "report.file/1",
        capability: "report",
        body: "report",
        key: report_key,
    },
    Set {
        kind: "tally.record/1",
        capability: "tally",
        body: "tally",
        key: |body| Some(tally_key(body)),
    },
    Set {
        kind: "claim.record/1",
        capability: "claim",
        body: "claim",
        key: |body| Some(whole_key(body)),
    },
    Set {
        kind: "toll.record/1",
        capability: "toll",
        body: "toll",
        key: |body| Some(whole_key(body)),
    },
];

impl Set {
    fn known(&self, views: &Views, call_sign: &CallSign) -> Result<Known, ViewError> {
        let mut all = Known::new();
        let mut query = ListQuery {
            by: Some(call_sign.to_string()),
            limit: PAGE,
            ..ListQuery::default()
        };
        loop {
            let page = views.list(self.capability, &query)?;
            all.extend(page.items.iter().filter_map(|text| self.read(text)));
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    fn read(&self, text: &str) -> Option<(Key, Said)> {
        let row: Value = serde_json::from_str(text).ok()?;
        let (body, reference) = (row.get(self.body)?, row.get("reference")?.as_str()?);
        let mut groups = Map::from_iter([("body".to_owned(), body.clone())]);
        for name in ["exact", "narrative"] {
            let group = row.get(name).filter(|group| !group.is_null());
            groups.extend(group.map(|group| (name.to_owned(), group.clone())));
        }
        Some((
            (self.kind, (self.key)(body)?),
            (reference.parse().ok()?, groups),
        ))
    }
}

/// Where `items` stand that `call_sign` said before, by their keys.
///
/// # Errors
/// [`ViewError`].
pub fn said(
    views: &Views,
    call_sign: &CallSign,
    kind: &str,
) -> Result<BTreeMap<String, Reference>, ViewError> {
    let mut all = BTreeMap::new();
    for set in SETS.iter().filter(|set| set.kind == kind) {
        let known = set.known(views, call_sign)?;
        all.extend(
            known
                .into_iter()
                .map(|((_, key), (reference, _))| (key, reference)),
        );
    }
    Ok(all)
}

/// What an import did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Statements that were said.
    pub said: usize,
    /// Corrections that were said.
    pub corrected: usize,
}

/// Says what `plan` holds, for `office` of `call_sign`, to `audience`; `progress` is told how many are logged.
///
/// # Errors
/// The first refusal. What was logged before it stands, and is the same when the import is run again.
pub fn run(
    node: &Arc<Node>,
    call_sign: &CallSign,
    office: Office,
    audience: &Audience,
    plan: Plan,
    progress: &mut dyn FnMut(usize),
) -> Result<Done, NodeError> {
    let (sender, receiver) = sync_channel::<Result<Receipt, SayError>>(UNDER_WAY_MAX);
    let own = node.own_of(call_sign)?;
    let (mut sent, mut logged) = (0, 0);
    let mut done = Done::default();
    let new = plan.new.into_iter().map(|item| (None, item));
    let changed = plan
        .changed
        .into_iter()
        .map(|(reference, item)| (Some(reference), item));
    for (corrects, item) in new.chain(changed) {
        while sent - logged >= UNDER_WAY_MAX {
            receive(&receiver, &mut logged, progress)?;
        }
        let now = node.now();
        let draft = match &corrects {
            None => draft(item.kind, &now.to_string(), audience, item.groups)?,
            Some(about) => {
                correction(&now.to_string(), audience, item.groups)?.about(vec![about.clone()])
            }
        };
        let statement = own.sign(office, None, draft, now)?;
        let sender = sender.clone();
        node.submit(Arc::new(statement), move |result| {
            let _ = sender.send(result);
        });
        sent += 1;
        match corrects {
            None => done.said += 1,
            Some(_) => done.corrected += 1,
        }
    }
    while logged < sent {
        receive(&receiver, &mut logged, progress)?;
    }
    Ok(done)
}

fn receive(
    receiver: &Receiver<Result<Receipt, SayError>>,
    logged: &mut usize,
    progress: &mut dyn FnMut(usize),
) -> Result<(), NodeError> {
    receiver.recv().unwrap_or(Err(SayError::Stopped))?;
    *logged += 1;
    progress(*logged);
    Ok(())
}

/// A statement of these groups, all to one audience.
///
/// # Errors
/// A rule of form.
pub fn draft(
    kind: &str,
    at: &str,
    audience: &Audience,
    groups: Map<String, Value>,
) -> Result<Draft, NodeError> {
    let mut draft = Draft::new(kind, at)?;
    for (name, content) in groups {
        draft = draft.group(&name, audience.clone(), content)?;
    }
    Ok(draft)
}

fn correction(
    at: &str,
    audience: &Audience,
    groups: Map<String, Value>,
) -> Result<Draft, NodeError> {
    let reason = json!({"reason": "The set that it was imported from says something else now"});
    let mut corrected = Map::from_iter([("body".to_owned(), reason)]);
    for (name, content) in groups {
        let name = match name.as_str() {
            "body" => "corrected".to_owned(),
            other => format!("corrected_{other}"),
        };
        corrected.insert(name, content);
    }
    draft("correct/1", at, audience, corrected)
}
