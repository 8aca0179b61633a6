//! Which entry of a log somebody means: `412`, `MISSION-412` or a full reference.

use record::log::Log;
use record::name::{CallSign, Origin, Reference, decimal};
use record::statement::Statement;
use record::store::StoreError;

/// Why no entry is meant.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// There are not so many entries.
    #[error("{text}: the log has {size} entries, the last is {call_sign}-{}", .size.saturating_sub(1))]
    Beyond {
        /// As it was named.
        text: String,
        /// Entries in the log.
        size: u64,
        /// Whose log it is.
        call_sign: CallSign,
    },
    /// It is spelled in none of the three ways.
    #[error("{text:?} is no reference of this log; write 412, {call_sign}-412 or origin#412:hash")]
    Malformed {
        /// As it was named.
        text: String,
        /// Whose log it is.
        call_sign: CallSign,
    },
    /// Another statement stands there, or it is of another log.
    #[error("{reference} does not stand in this log, {origin}")]
    Another {
        /// As it was named.
        reference: Reference,
        /// This log.
        origin: Origin,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The index that `text` names. What a full reference names must stand there.
///
/// # Errors
/// [`EntryError`].
pub fn index(log: &Log, text: &str) -> Result<u64, EntryError> {
    let size = log.head().map_or(0, |head| head.size());
    let call_sign = log.ring().call_sign().clone();
    let short = text
        .strip_prefix(call_sign.as_str())
        .and_then(|rest| rest.strip_prefix('-'))
        .unwrap_or(text);
    let text = text.to_owned();
    if let Some(index) = decimal(short) {
        if index < size {
            return Ok(index);
        }
        return Err(EntryError::Beyond {
            text,
            size,
            call_sign,
        });
    }
    let Ok(named) = text.parse::<Reference>() else {
        return Err(EntryError::Malformed { text, call_sign });
    };
    let origin = log.id().origin.clone();
    let stands = log
        .statement(named.index)?
        .is_some_and(|statement| statement.leaf().hash() == named.leaf);
    if stands && named.origin == origin {
        return Ok(named.index);
    }
    Err(EntryError::Another {
        reference: named,
        origin,
    })
}

/// The statement at `index` with its full reference. `index` comes from [`index`].
///
/// # Errors
/// [`EntryError::Store`].
pub fn statement(log: &Log, index: u64) -> Result<(Reference, Statement), EntryError> {
    let statement = log
        .statement(index)?
        .ok_or_else(|| StoreError::Damaged(format!("entry {index} is missing")))?;
    let reference = Reference {
        origin: log.id().origin.clone(),
        index,
        leaf: statement.leaf().hash(),
    };
    Ok((reference, statement))
}
