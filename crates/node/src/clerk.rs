//! What a machine says by itself, with the key of the administrator's office: that it took what was sent to its participant, that
//! it saw the heads of other logs, and that it destroyed what another had erased. It never answers and never acknowledges: those
//! are a person's words.

use crate::node::Node;
use crate::own::Own;
use crate::source::Source;
use crate::views::{ViewError, Views};
use record::audience::{Audience, Name};
use record::name::{Origin, Reference};
use record::statement::Draft;
use record::time::UtcMs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use truce::participants::Office;

/// Receipts that are given in one go, of one participant.
const RECEIPTS_MAX: u32 = 256;
/// Heads that one statement tells of: as many as `head.seen/1` takes.
const HEADS_MAX: usize = 64;
/// Erasures of which it is said in one go that they are done.
const ERASURES_MAX: u32 = 500;

/// What the clerk did since the node started, so that nothing is said twice while the views catch up.
#[derive(Default)]
pub struct Clerk(Mutex<Done>);

#[derive(Default)]
struct Done {
    said: BTreeSet<(Origin, Reference)>,
    told: BTreeMap<Origin, (UtcMs, BTreeMap<Origin, u64>)>,
    /// Up to which change of the views everything was dealt with.
    dealt_with: BTreeMap<Origin, i64>,
}

impl Clerk {
    /// Says whatever is to be said now; how many statements that were.
    pub(crate) fn work(&self, node: &Node) -> usize {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        for own in node.own() {
            let eyes = node.eyes_of(Some(&own.call_sign));
            let views = node.views(&eyes);
            if own.keys(Office::Administrator).is_empty() {
                continue;
            }
            match work(node, own, views, &mut done) {
                Ok(said) => count += said,
                Err(error) => {
                    tracing::error!(%error, "what a machine says by itself was not said; trying again");
                }
            }
        }
        count
    }
}

/// One participant's work.
fn work(
    node: &Node,
    own: &Arc<Own>,
    views: &Arc<Views>,
    done: &mut Done,
) -> Result<usize, ClerkError> {
    let heads = heads(node, own, views, done)?;
    let seq = views.context().seq;
    if done.dealt_with.get(own.origin()) == Some(&seq) {
        return Ok(heads);
    }
    let said = receipts(node, own, views, done)? + erasures(node, own, views, done)?;
    if said == 0 {
        done.dealt_with.insert(own.origin().clone(), seq);
    }
    Ok(heads + said)
}

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
enum ClerkError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    Sign(#[from] crate::own::SignError),
    #[error(transparent)]
    Node(#[from] crate::NodeError),
    #[error(transparent)]
    Say(#[from] record::log::SayError),
    #[error(transparent)]
    Statement(#[from] record::statement::StatementError),
}

fn receipts(
    node: &Node,
    own: &Arc<Own>,
    views: &Arc<Views>,
    done: &mut Done,
) -> Result<usize, ClerkError> {
    let mut count = 0;
    for asked in views.without_receipt(&own.call_sign, RECEIPTS_MAX)? {
        let key = (own.origin().clone(), asked.clone());
        if asked.origin == *own.origin() || done.said.contains(&key) || node.is_ending() {
            continue;
        }
        say(node, own, views, "receipt/1", &asked, json!({}))?;
        done.said.insert(key);
        count += 1;
    }
    Ok(count)
}

/// Says something about another's statement, to those whom it reached: the parties, its author, and whoever else it names.
fn say(
    node: &Node,
    own: &Own,
    views: &Views,
    kind: &str,
    about: &Reference,
    body: Value,
) -> Result<(), ClerkError> {
    let target = views.statement(about)?;
    let named = target
        .iter()
        .flat_map(|row| &row.groups)
        .flat_map(|group| &group.audience);
    let mut readers: BTreeSet<Name> = named.filter_map(|name| name.parse().ok()).collect();
    readers.remove(&Name::Own);
    let author = target.and_then(|row| row.by.parse().ok());
    readers.extend(author.map(Name::Participant));
    let now = node.now();
    let draft = Draft::new(kind, &now.to_string())?
        .about(vec![about.clone()])
        .group("body", Audience::of(readers), body)?;
    let statement = node.sign(&own.call_sign, Office::Administrator, None, draft)?;
    Ok(node.say_by_itself(own, statement)?)
}

/// Tells of the heads of other logs, in batches. What only tells of heads is no news: two nodes would go on telling each other.
fn heads(
    node: &Node,
    own: &Arc<Own>,
    views: &Arc<Views>,
    done: &mut Done,
) -> Result<usize, ClerkError> {
    let now = node.now();
    let (last, told) = done
        .told
        .entry(own.origin().clone())
        .or_insert((UtcMs(i64::MIN), BTreeMap::new()));
    let early =
        now.0.saturating_sub(last.0).unsigned_abs() < node.head_seen_every_ms().unsigned_abs();
    if early || views.is_cut_off() {
        return Ok(0);
    }
    let mut heads = Vec::new();
    for source in node.sources().all() {
        if source.origin() == own.origin() || heads.len() == HEADS_MAX {
            continue;
        }
        if let Some(head) = news(own, views, &source, told)? {
            heads.push(head);
        }
    }
    *last = now;
    if heads.is_empty() {
        return Ok(0);
    }
    let draft = Draft::new("head.seen/1", &now.to_string())?.group(
        "body",
        Audience::of([Name::Public]),
        json!({"heads": heads}),
    )?;
    let statement = own.sign(Office::Administrator, None, draft, now)?;
    node.say_by_itself(own, statement)?;
    Ok(1)
}

fn news(
    own: &Own,
    views: &Views,
    source: &Source,
    told: &mut BTreeMap<Origin, u64>,
) -> Result<Option<Value>, ClerkError> {
    let Some(head) = source.head() else {
        return Ok(None);
    };
    let size = head.checkpoint().size();
    let before = match told.get(source.origin()) {
        Some(before) => *before,
        None => views.last_seen(own.origin(), source.origin())?,
    };
    if size <= before || views.tell_of_heads(source.origin(), before, size)? >= size - before {
        return Ok(None);
    }
    told.insert(source.origin().clone(), size);
    let root = head.checkpoint().root().to_base64url();
    Ok(Some(
        json!({"origin": source.origin().as_str(), "size": size, "root": root}),
    ))
}

/// Says of each erasure by another that what was held of it here is destroyed.
fn erasures(
    node: &Node,
    own: &Arc<Own>,
    views: &Arc<Views>,
    done: &mut Done,
) -> Result<usize, ClerkError> {
    let mut count = 0;
    for erase in views.without_erase_done(own.origin(), ERASURES_MAX)? {
        let key = (own.origin().clone(), erase.clone());
        if done.said.contains(&key) || node.is_ending() {
            continue;
        }
        if let Some(row) = views.statement(&erase)? {
            node.destroy(&row)?;
        }
        say(node, own, views, "erase.done/1", &erase, json!({}))?;
        done.said.insert(key);
        count += 1;
    }
    Ok(count)
}
