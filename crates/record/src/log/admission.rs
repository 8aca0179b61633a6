//! What is checked of a statement before it is queued, by the thread that brings it: limits first, then form, then the
//! signature, then what only this log can know of it.

use super::{ReadOnly, Shared, lock, read};
use crate::encoding::Hash;
use crate::keyring::{ControlError, Ineffective};
use crate::name::Reference;
use crate::statement::{Head, Kid, Leaf, Statement, StatementError};
use crate::store::seal::seal;
use crate::store::{NewEntry, StoreError, attachment};
use serde_json::Value;
use std::sync::Arc;

/// Which queue a statement waits in. Flash statements are committed before all that waits, and have places of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lane {
    /// Everything else.
    #[default]
    Routine,
    /// Life at risk now.
    Flash,
}

/// Why a statement was refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// It is malformed, or its signature does not verify.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Its key is not one of this log's.
    #[error("key {0} was never granted in this log")]
    UnknownKey(Kid),
    /// Too much is waiting. Try again when some of it is logged.
    #[error("{limit}: {max} statements are already waiting; try again in a moment")]
    Busy {
        /// The limit's name.
        limit: &'static str,
        /// Its value.
        max: usize,
    },
    /// A group's content was not given along.
    #[error("the content of every group must come with the statement; {0} is missing")]
    Incomplete(String),
    /// Its key may not say this at this index.
    #[error(transparent)]
    Ineffective(#[from] Ineffective),
    /// A control statement that breaks a rule.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It breaks a rule of what may be said here.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// After it no key that this node holds could sign the log's head.
    #[error(
        "after this no log key that this node holds would be valid; grant another log key and load it first"
    )]
    LastLogKey,
    /// The author did not know of a later statement of his about the same object.
    #[error(
        "prev is {named}, but the last statement about this object is {last}; read it and decide again"
    )]
    Prev {
        /// What the statement names.
        named: u64,
        /// What it should name.
        last: String,
    },
    /// What it refers to in this log is not there.
    #[error("about {reference}: {rule}")]
    Target {
        /// The reference.
        reference: String,
        /// What is wrong.
        rule: String,
    },
    /// An attachment that its content names was not uploaded first.
    #[error("attachment {0} is not held here; attach it first")]
    Attachment(String),
    /// The log takes nothing.
    #[error(transparent)]
    ReadOnly(ReadOnly),
    /// The log stopped before this was logged. Say it again after the restart: it will stand there once.
    #[error(
        "the log has stopped; what has no receipt may be said again after its restart and will stand there once"
    )]
    Stopped,
    /// The store could not be read, or an erasure must be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the statements of a log mean, and so what may be said in it. The record does not know; whoever opens the log does.
pub trait Rules: Send + Sync {
    /// Reads `statement`, whose form and signature were checked, in the thread that brought it.
    ///
    /// # Errors
    /// [`Refused`].
    fn read(&self, statement: &Statement) -> Result<Box<dyn Reading>, Refused>;
}

/// A statement as [`Rules`] read it.
pub trait Reading: Send {
    /// Asked once, on the log's own thread, at the index that the statement will have; when it answers `Ok`, the statement
    /// stands there for whatever is asked next.
    ///
    /// # Errors
    /// [`Refused`].
    fn admit(self: Box<Self>, index: u64) -> Result<(), Refused>;
}

/// Why the rules refuse a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason} (rule: {rule})")]
pub struct Refused {
    /// The rule's name.
    pub rule: &'static str,
    /// The member that breaks it.
    pub field: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// A statement that is ready for the sequencer.
pub(super) struct Prepared {
    pub leaf: Leaf,
    pub reading: Option<Box<dyn Reading>>,
    pub leaf_hash: Hash,
    pub entry: NewEntry,
    pub object: Option<Reference>,
    pub prev: Option<Reference>,
    pub erase: Option<Erase>,
    permit: Permit,
}

impl Prepared {
    /// What is stored, and the place in flight, which is given back when the statement is answered.
    pub(super) fn into_entry(self) -> (NewEntry, Permit) {
        (self.entry, self.permit)
    }
}

/// What an `erase` statement destroys.
pub(super) struct Erase {
    pub index: u64,
    pub slots: Vec<u64>,
    pub statement: String,
}

/// A place among the statements in flight; given back when it is dropped.
pub(super) struct Permit {
    shared: Arc<Shared>,
    of: (Lane, Kid),
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut in_flight = lock(&self.shared.in_flight);
        in_flight.total = in_flight.total.saturating_sub(1);
        if let Some(count) = in_flight.by_key.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                in_flight.by_key.remove(&self.of);
            }
        }
    }
}

fn permit(shared: &Arc<Shared>, lane: Lane, kid: Kid) -> Result<Permit, SayError> {
    let limits = &shared.limits;
    let mut in_flight = lock(&shared.in_flight);
    let (limit, max) = match lane {
        Lane::Routine => ("in_flight_per_key_max", limits.in_flight_per_key_max),
        Lane::Flash => ("flash_per_key_max", limits.flash_per_key_max),
    };
    let of_key = in_flight.by_key.get(&(lane, kid)).copied().unwrap_or(0);
    if of_key >= max {
        return Err(SayError::Busy { limit, max });
    }
    // Flash is not counted against the total: its own limit bounds it, and a full house must not keep it out.
    if lane == Lane::Routine && in_flight.total >= limits.in_flight_max {
        return Err(SayError::Busy {
            limit: "in_flight_max",
            max: limits.in_flight_max,
        });
    }
    in_flight.total += 1;
    *in_flight.by_key.entry((lane, kid)).or_default() += 1;
    Ok(Permit {
        shared: Arc::clone(shared),
        of: (lane, kid),
    })
}

pub(super) fn prepare(
    shared: &Arc<Shared>,
    statement: &Statement,
    lane: Lane,
) -> Result<Prepared, SayError> {
    if let Some(reason) = read(&shared.read_only) {
        return Err(SayError::ReadOnly(reason));
    }
    let leaf = statement.leaf();
    expect_this_log(shared, leaf)?; // protects: a_statement_for_another_log_is_refused
    let permit = permit(shared, lane, leaf.kid)?; // protects: no_signature_is_checked_of_what_is_over_the_limit
    let ring = read(&shared.ring);
    let key = ring.key(leaf.kid).ok_or(SayError::UnknownKey(leaf.kid))?;
    lock(&shared.in_flight).signatures_checked += 1;
    leaf.verify(key)?; // protects: a_wrong_signature_is_refused_and_nothing_is_written
    if !statement.is_complete() {
        return Err(SayError::Incomplete(missing(statement)));
    }
    let head = statement.head();
    if let Some(head) = head {
        check_reach(shared, head)?;
    }
    let reading = shared
        .rules
        .as_ref()
        .map(|rules| rules.read(statement))
        .transpose()?;
    let object = head.and_then(|head| head.about.first().cloned());
    Ok(Prepared {
        leaf: leaf.clone(),
        leaf_hash: leaf.hash(),
        reading,
        entry: entry(shared, statement)?,
        prev: head.and_then(|head| head.prev.clone()),
        erase: erase(shared, statement)?,
        object,
        permit,
    })
}

fn expect_this_log(shared: &Shared, leaf: &Leaf) -> Result<(), SayError> {
    if leaf.log == shared.id {
        return Ok(());
    }
    Err(SayError::Statement(StatementError::OtherLog {
        found: leaf.log.clone(),
        expected: shared.id.clone(),
    }))
}

fn missing(statement: &Statement) -> String {
    statement.head().map_or_else(
        || "the head".to_owned(),
        |head| {
            let absent = head
                .groups
                .keys()
                .find(|name| statement.content(name).is_none());
            absent.cloned().unwrap_or_default()
        },
    )
}

fn entry(shared: &Shared, statement: &Statement) -> Result<NewEntry, SayError> {
    let leaf = statement.leaf();
    let mut disclosures = Vec::with_capacity(4);
    let mut attachments = Vec::new();
    for (slot, disclosure) in statement.slots() {
        let (sealed, key) = seal(disclosure).map_err(StatementError::from)?;
        disclosures.push((slot, sealed, key));
        if slot > 0 {
            for name in attachment_names(disclosure.value()) {
                let hash =
                    Hash::from_base64url(&name).map_err(|_| SayError::Attachment(name.clone()))?;
                if !attachment::path(shared.reader.dir(), &hash).exists() {
                    return Err(SayError::Attachment(name));
                }
                attachments.push((slot, hash));
            }
        }
    }
    Ok(NewEntry {
        leaf: leaf.text().into(),
        minute_s: leaf.minute_s,
        signing: leaf.signing_hash(),
        disclosures,
        object: statement
            .head()
            .and_then(|head| head.about.first())
            .map(Into::into),
        control: leaf.control().is_some(),
        attachments,
    })
}

/// The names in a content's `attachments`: a list of objects, each with its `name`.
pub(crate) fn attachment_names(content: &Value) -> Vec<String> {
    let list = content.get("attachments").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| item.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

fn target_error(reference: &Reference, rule: impl Into<String>) -> SayError {
    SayError::Target {
        reference: reference.to_string(),
        rule: rule.into(),
    }
}

/// The statement of this log that `reference` names, with its head.
fn target(shared: &Shared, reference: &Reference) -> Result<Statement, SayError> {
    let size = read(&shared.head).map_or(0, |head| head.size());
    let statement = if reference.index < size {
        shared.reader.statement(reference.index)?
    } else {
        None
    };
    statement
        .filter(|statement| statement.leaf().hash() == reference.leaf)
        .ok_or_else(|| target_error(reference, "no such statement stands in this log"))
}

/// `erase`, `correct` and `retract` must reach everybody whom their target reached.
fn check_reach(shared: &Shared, head: &Head) -> Result<(), SayError> {
    if !["erase", "correct", "retract"].contains(&head.kind.name.as_str()) {
        return Ok(());
    }
    let own = head
        .about
        .first()
        .filter(|about| about.origin == shared.id.origin);
    let Some(about) = own else {
        let name = head
            .about
            .first()
            .map_or_else(|| "nothing".to_owned(), ToString::to_string);
        return Err(SayError::Target {
            reference: name,
            rule: format!(
                "{} is only for a statement of the same log; respond to what is another's",
                head.kind.name
            ),
        });
    };
    let target = target(shared, about)?;
    let Some(target_head) = target.head() else {
        return Err(target_error(
            about,
            format!(
                "a control statement cannot be the target of {}",
                head.kind.name
            ),
        ));
    };
    let everybody = target_head.recipients();
    if head.recipients().reaches(&everybody) {
        return Ok(());
    }
    let names: Vec<String> = everybody.names().map(ToString::to_string).collect();
    Err(target_error(
        about,
        format!(
            "{} must reach everybody whom the statement reached: {}",
            head.kind.name,
            names.join(", ")
        ),
    ))
}

fn erase(shared: &Shared, statement: &Statement) -> Result<Option<Erase>, SayError> {
    let Some(head) = statement.head().filter(|head| head.kind.name == "erase") else {
        return Ok(None);
    };
    let Some(about) = head.about.first() else {
        return Ok(None);
    };
    let target = target(shared, about)?;
    let names: Vec<&String> = target
        .head()
        .into_iter()
        .flat_map(|head| head.groups.keys())
        .collect();
    let asked = head
        .groups
        .keys()
        .filter_map(|group| statement.content(group)?.get("groups")?.as_array())
        .next();
    let asked = asked
        .ok_or_else(|| target_error(about, "erase names the groups: {\"groups\": [\"body\"]}"))?;
    let mut slots = Vec::new();
    for group in asked {
        let slot = names
            .iter()
            .zip(1..)
            .find(|(name, _)| Some(name.as_str()) == group.as_str());
        let (_, slot) = slot.ok_or_else(|| {
            let all: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            target_error(
                about,
                format!("has no group {group}; it has {}", all.join(", ")),
            )
        })?;
        slots.push(slot);
    }
    Ok(Some(Erase {
        index: about.index,
        slots,
        statement: statement.to_string(),
    }))
}
