//! Where views read statements: the logs that the node holds, its own and mirrored ones.

use crate::authority::Membership;
use record::c2sp::checkpoint::SignedCheckpoint;
use record::c2sp::tree::leaf_hash;
use record::encoding::Hash;
use record::keyring::KeyRing;
use record::log::Log;
use record::name::Origin;
use record::statement::{Kid, Leaf, Statement, StatementError};
use record::store::StoreError;
use record::store::sqlite::Reader;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Statements that are kept in memory from their logging until the views have read them, per log.
const RECENT_MAX: usize = 4096;

/// A log to read from.
pub struct Source {
    origin: Origin,
    kind: Kind,
    recent: Mutex<VecDeque<(u64, Arc<Statement>)>>,
}

enum Kind {
    Own(Arc<Log>),
    Mirror { reader: Reader, held: RwLock<Held> },
}

#[derive(Clone)]
struct Held {
    head: Option<SignedCheckpoint>,
    ring: Option<Arc<KeyRing>>,
}

impl Source {
    /// An own log. Its statements were verified when they were said.
    #[must_use]
    pub fn own(log: Arc<Log>) -> Self {
        Self {
            origin: log.id().origin.clone(),
            kind: Kind::Own(log),
            recent: Mutex::default(),
        }
    }

    /// A mirrored log.
    #[must_use]
    pub fn mirror(origin: Origin, reader: Reader) -> Self {
        let held = RwLock::new(Held {
            head: None,
            ring: None,
        });
        Self {
            origin,
            kind: Kind::Mirror { reader, held },
            recent: Mutex::default(),
        }
    }

    /// Whose log it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The own log, if it is one.
    #[must_use]
    pub fn log(&self) -> Option<&Arc<Log>> {
        match &self.kind {
            Kind::Own(log) => Some(log),
            Kind::Mirror { .. } => None,
        }
    }

    /// The store's reading side.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        match &self.kind {
            Kind::Own(log) => log.reader(),
            Kind::Mirror { reader, .. } => reader,
        }
    }

    /// Entries that are held, under a signed head.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::Own(log) => log.head().map_or(0, |head| head.size()),
            Kind::Mirror { .. } => self.head().map_or(0, |head| head.checkpoint().size()),
        }
    }

    /// The head under which they are.
    #[must_use]
    pub fn head(&self) -> Option<SignedCheckpoint> {
        match &self.kind {
            Kind::Own(log) => log.head().map(|head| head.checkpoint.clone()),
            Kind::Mirror { held, .. } => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                held.head.clone()
            }
        }
    }

    /// A mirror was extended.
    pub fn extended(&self, new_head: Option<SignedCheckpoint>, new_ring: Option<KeyRing>) {
        if let Kind::Mirror { held, .. } = &self.kind {
            let mut held = held.write().unwrap_or_else(PoisonError::into_inner);
            held.head = new_head;
            held.ring = new_ring.map(Arc::new);
        }
    }

    /// A statement was logged just now: whoever reads it soon need not read it from the disk.
    pub fn keep(&self, index: u64, statement: Arc<Statement>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.back().is_some_and(|(last, _)| last + 1 != index) {
            recent.clear(); // something came in between: places follow the indices
        }
        if recent.len() == RECENT_MAX {
            recent.pop_front();
        }
        recent.push_back((index, statement));
    }

    /// Forgets what is kept in memory: something of it was erased.
    pub fn forget(&self) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.clear();
    }

    fn kept(&self, index: u64) -> Option<Arc<Statement>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, _) = recent.front()?;
        let at = usize::try_from(index.checked_sub(*first)?).ok()?;
        let (found, statement) = recent.get(at)?;
        (*found == index).then(|| Arc::clone(statement))
    }

    /// The statement at `index` with all that is held of it. `None` for what is no statement, and in a mirrored log for what its
    /// author did not sign: that is kept in the record, and says nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement(&self, index: u64) -> Result<Option<Arc<Statement>>, StoreError> {
        if let Some(statement) = self.kept(index) {
            return Ok(Some(statement));
        }
        let entry = self.entries(index, index + 1)?.pop();
        Ok(entry.and_then(|entry| entry.statement))
    }

    /// The same of the entries `from..to`, from the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, StoreError> {
        let ring = match &self.kind {
            Kind::Own(_) => None, // what is in an own log was verified when it was said
            Kind::Mirror { held, .. } => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                Some(held.ring.clone())
            }
        };
        let stored = self.reader().entries(from, to)?;
        let entries = stored.iter().map(|stored| {
            let leaf = Leaf::from_bytes(&stored.leaf);
            let minute_s = leaf.as_ref().map_or(0, |leaf| leaf.minute_s);
            let said = match (leaf, &ring) {
                (Ok(leaf), Some(ring)) => self
                    .signed(&leaf, stored.index, ring.as_deref())
                    .then_some(leaf),
                (Err(_), Some(_)) => None,
                (leaf, None) => Some(leaf.map_err(|error| damaged(stored.index, &error))?),
            };
            let statement = said.map(|leaf| stored.statement(leaf)).transpose()?;
            Ok(Entry {
                index: stored.index,
                minute_s,
                statement: statement.map(Arc::new),
            })
        });
        entries.collect()
    }

    /// Whether the author signed it. A key that was granted later could not: otherwise what stands at an index would depend on
    /// how much of the log is held.
    fn signed(&self, leaf: &Leaf, index: u64, ring: Option<&KeyRing>) -> bool {
        let granted = !matches!(leaf.kid, Kid::Index(at) if at >= index && index > 0);
        let key = ring.and_then(|ring| ring.key(leaf.kid));
        granted && leaf.log.origin == self.origin && key.is_some_and(|key| leaf.verify(key).is_ok())
    }

    /// The leaf hash of entry `index`, if it is held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leaf_hash(&self, index: u64) -> Result<Option<Hash>, StoreError> {
        let leaf = self.reader().leaf(index)?;
        Ok(leaf.map(|leaf| leaf_hash(&leaf)))
    }
}

fn damaged(index: u64, error: &StatementError) -> StoreError {
    StoreError::Damaged(format!("entry {index}: {error}"))
}

/// An entry of a log, as it is read from its store.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it stands.
    pub index: u64,
    /// In which minute its author says that he signed it, in seconds.
    pub minute_s: i64,
    /// What it says, with all that is held of it. `None` for what is no statement, and in a mirrored log for what its author did
    /// not sign.
    pub statement: Option<Arc<Statement>>,
}

/// All logs that the node holds.
#[derive(Default)]
pub struct Sources {
    logs: RwLock<BTreeMap<Origin, Arc<Source>>>,
    members: RwLock<Arc<Membership>>,
}

impl Sources {
    /// Adds a log.
    pub fn add(&self, source: Source) -> Arc<Source> {
        let source = Arc::new(source);
        let mut logs = self.logs.write().unwrap_or_else(PoisonError::into_inner);
        logs.insert(source.origin.clone(), Arc::clone(&source));
        source
    }

    /// All of them, by origin.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Source>> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.values().cloned().collect()
    }

    /// One of them.
    #[must_use]
    pub fn of(&self, origin: &Origin) -> Option<Arc<Source>> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.get(origin).cloned()
    }

    /// Who is a party, by all that the node holds.
    #[must_use]
    pub fn members(&self) -> Arc<Membership> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&members)
    }

    /// Sets who is a party; whether that changed.
    pub fn set_members(&self, new: Membership) -> bool {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **members != new;
        if changed {
            *members = Arc::new(new);
        }
        changed
    }
}
