//! Views: what the statements add up to, in SQLite, for one reader. A view is a function of the logs and of the disclosures that
//! are held, cut to what its reader may read before anything is computed. Delete the file and it is computed again, to the same
//! digest.

pub mod agreement;
pub mod areas;
pub mod candidates;
pub mod claims;
pub mod contact;
pub mod context;
pub mod erasure;
pub mod incidents;
pub mod movements;
pub mod objects;
pub mod presence;
pub mod reception;
pub mod sites;
pub mod toll;

mod basis;
mod compute;
mod fold;
mod group;
mod notified;
mod query;
mod schema;
mod snapshot;
mod watches;

pub use context::Context;
pub use fold::{Batch, Effort, Progress};
pub(crate) use notified::{Followed, Notice};
pub use query::{Alarm, Change, ListQuery, Listed, Mark, OwedRow, StatementRow};
pub(crate) use query::{item_row, short};
pub use snapshot::{Debts, First, ReportCounted, Side, Snapshot};

use crate::authority::Eyes;
use crate::catch_up::{Block, Part};
use crate::database;
use crate::source::Sources;
use fold::Fold;
use record::name::{Origin, Reference};
use record::store::StoreError;
use record::time::UtcMs;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::watch;

/// Read-only connections that are kept open.
const READERS_KEPT_MAX: usize = 8;

/// What can go wrong with views.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database.
    #[error("views: {0}")]
    Database(#[from] rusqlite::Error),
    /// The record underneath.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Nobody computed them yet.
    #[error("{}: nothing has been computed here yet; start the node once (`truceline serve`) and look again", .0.display())]
    None(PathBuf),
    /// Another version of this program computed them.
    #[error("{}: computed by another version of this program; start the node with this one (`truceline serve`) and look again", .0.display())]
    OtherLayout(PathBuf),
    /// They were opened to read what another process folds.
    #[error("these views were opened to be read; another process folds them")]
    Reading,
    /// What the tables hold is not what was written.
    #[error("views: {0}; delete the directory `views` and start again: nothing is lost by it")]
    Damaged(String),
}

/// While this lives, nothing is folded.
pub struct Still<'v> {
    views: &'v Views,
    fold: MutexGuard<'v, Fold>,
}

impl Still<'_> {
    /// Everything from entry `from` of the log of `origin` on is folded anew afterwards: more of it was disclosed.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn again_from(&mut self, origin: &Origin, from: u64) -> Result<(), ViewError> {
        self.fold.set_back(origin, from)?;
        self.views.publish(&self.fold);
        Ok(())
    }

    /// This statement is read from its log again afterwards: less of it is held.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn again(&mut self, of: &Reference) -> Result<(), ViewError> {
        self.fold.read_again(of)?;
        self.views.publish(&self.fold);
        Ok(())
    }
}

/// The views of one reader.
pub struct Views {
    eyes: Eyes,
    path: PathBuf,
    fold: Mutex<Fold>,
    idle: Mutex<Vec<Connection>>,
    context: RwLock<Arc<Context>>,
    changed: watch::Sender<i64>,
    cut_off: AtomicBool,
    earliest: AtomicI64,
    /// Another process folds them.
    reading: bool,
}

fn file_name(eyes: &Eyes) -> String {
    match eyes {
        Eyes::Node => "node.db".to_owned(),
        Eyes::Public => "public.db".to_owned(),
        Eyes::Participant(origin) => format!("of-{}.db", origin.as_str().replace('/', "+")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Views {
    /// Opens the views of `eyes` in `dir`, made anew when there are none or they have another layout.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn open(dir: &Path, eyes: Eyes) -> Result<Self, ViewError> {
        let path = dir.join(file_name(&eyes));
        std::fs::create_dir_all(dir).map_err(|error| ViewError::File {
            path: dir.to_owned(),
            error,
        })?;
        let fold = Fold::open(&path, eyes.clone())?;
        Ok(Self::over(fold, eyes, path, false))
    }

    /// Opens the views of `eyes` in `dir` to be read, beside the process that folds them. Nothing is ever written.
    ///
    /// # Errors
    /// [`ViewError::None`] and [`ViewError::OtherLayout`] when there is nothing to read.
    pub fn open_to_read(dir: &Path, eyes: Eyes) -> Result<Self, ViewError> {
        let path = dir.join(file_name(&eyes));
        let fold = Fold::open_to_read(&path, eyes.clone())?;
        Ok(Self::over(fold, eyes, path, true))
    }

    fn over(fold: Fold, eyes: Eyes, path: PathBuf, reading: bool) -> Self {
        let context = Arc::new(fold.context());
        Self {
            eyes,
            path,
            reading,
            changed: watch::Sender::new(context.seq),
            context: RwLock::new(context),
            fold: Mutex::new(fold),
            idle: Mutex::default(),
            cut_off: AtomicBool::new(false),
            earliest: AtomicI64::new(i64::MIN),
        }
    }

    /// Where they are opened to be read: takes in what the other process folded meanwhile of what every object depends on.
    fn reload(&self) -> Result<(), ViewError> {
        let mut fold = lock(&self.fold);
        fold.reload()?;
        *self.context.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fold.context());
        Ok(())
    }

    fn writing(&self) -> Result<MutexGuard<'_, Fold>, ViewError> {
        if self.reading {
            return Err(ViewError::Reading);
        }
        Ok(lock(&self.fold))
    }

    /// Whose they are.
    #[must_use]
    pub fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    /// Their file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folds what is new, one batch. Tells whether more is waiting.
    ///
    /// # Errors
    /// [`ViewError`]; what was not committed is read again.
    pub fn fold(&self, sources: &Sources, batch: Batch) -> Result<Progress, ViewError> {
        let mut fold = self.writing()?;
        let alone = self.cut_off.load(Ordering::Relaxed);
        let progress = fold.batch(sources, batch, alone);
        self.after_batch(fold, sources, progress.is_err())?;
        progress
    }

    /// What of the logs is not folded yet.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) fn not_folded(&self, sources: &Sources) -> Result<Vec<Part>, ViewError> {
        let mut fold = self.writing()?;
        fold.prepare(sources)?;
        if self.eyes == Eyes::Node {
            sources.set_members(fold.membership());
        }
        let all = sources.all().into_iter().map(|source| Part {
            from: fold.folded(source.origin()),
            until: source.size(),
            source,
        });
        Ok(all.filter(|part| part.from < part.until).collect())
    }

    /// Folds what others read ahead, until there is no more of it; tells of each batch how many statements it folded.
    ///
    /// # Errors
    /// [`ViewError`]; what was not committed is read again.
    pub(crate) fn fold_ahead(
        &self,
        sources: &Sources,
        blocks: &Receiver<Block>,
        told: &Sender<u64>,
    ) -> Result<(), ViewError> {
        loop {
            let mut fold = self.writing()?;
            let progress = fold.ahead(sources, blocks, Batch::REBUILD);
            self.after_batch(fold, sources, progress.is_err())?;
            let Progress { folded, more } = progress?;
            let _ = told.send(folded);
            if !more {
                return Ok(());
            }
        }
    }

    /// Tells of what was folded; after an error, what stands in the tables is read again.
    fn after_batch(
        &self,
        mut fold: MutexGuard<'_, Fold>,
        sources: &Sources,
        failed: bool,
    ) -> Result<(), ViewError> {
        if failed {
            *fold = Fold::open(&self.path, self.eyes.clone())?;
        }
        if self.eyes == Eyes::Node {
            sources.set_members(fold.membership());
        }
        self.earliest
            .fetch_min(fold.take_earliest(), Ordering::Relaxed);
        let seq = self.publish(&fold);
        drop(fold);
        self.changed.send_if_modified(|last| {
            let changed = *last != seq;
            *last = seq;
            changed
        });
        Ok(())
    }

    /// Folds nothing while the answer lives.
    pub fn hold_still(&self) -> Still<'_> {
        Still {
            views: self,
            fold: lock(&self.fold),
        }
    }

    /// What was found erased here although it is still held in its log: the erased statements, until each is
    /// [`destroyed`](Self::destroyed) there.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn to_destroy(&self) -> Result<Vec<Reference>, ViewError> {
        self.read(query::to_destroy)
    }

    /// Nothing that was erased of this statement is held in its log any more.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn destroyed(&self, of: &Reference) -> Result<(), ViewError> {
        self.writing()?.destroyed(of)
    }

    fn publish(&self, fold: &Fold) -> i64 {
        let context = Arc::new(fold.context());
        let seq = context.seq;
        *self.context.write().unwrap_or_else(PoisonError::into_inner) = context;
        seq
    }

    /// How much work the folding was, since the views were opened.
    #[must_use]
    pub fn effort(&self) -> Effort {
        lock(&self.fold).effort()
    }

    /// The earliest deadline that was written since this was asked last.
    pub fn earliest_written(&self) -> Option<UtcMs> {
        let earliest = self.earliest.swap(i64::MAX, Ordering::Relaxed);
        (earliest != i64::MAX).then_some(UtcMs(earliest))
    }

    /// Throws everything away and starts from nothing.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn clear(&self) -> Result<(), ViewError> {
        let mut fold = self.writing()?;
        let cut_by = fold.cut_by();
        fold.clear(cut_by)?;
        self.publish(&fold);
        Ok(())
    }

    /// In an exercise: nothing of other logs arrives here any more, until it is ended.
    pub fn cut_off(&self, cut: bool) {
        self.cut_off.store(cut, Ordering::Relaxed);
    }

    /// Whether nothing of other logs arrives.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// What every object depends on, as of the last batch.
    #[must_use]
    pub fn context(&self) -> Arc<Context> {
        let context = self.context.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&context)
    }

    /// Tells of each batch that changed something.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.changed.subscribe()
    }

    /// Whether all that these eyes can see of `sources` is folded, and what was erased is gone from the files.
    #[must_use]
    pub fn has_applied(&self, sources: &Sources) -> bool {
        let context = self.context();
        let alone = self.is_cut_off();
        let cut = context.cut_by == sources.members().mark(&self.eyes);
        cut && !context.unflushed
            && sources.all().iter().all(|source| {
                let own = self.eyes == Eyes::Participant(source.origin().clone());
                let folded = context.folded.get(source.origin()).copied().unwrap_or(0);
                (alone && !own) || folded >= source.size()
            })
    }

    /// SHA-256 over all rows in the order of what they are about: the same for the same statements, in whatever order they came.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn digest(&self) -> Result<String, ViewError> {
        Ok(query::digest(&self.rows()?))
    }

    /// The rows over which the digest is taken, for whoever has to find out in what two views differ.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn rows(&self) -> Result<Vec<String>, ViewError> {
        let shifts = Arc::clone(&self.context().shifts);
        self.read(|db| query::rows(db, &shifts))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ViewError>,
    ) -> Result<T, ViewError> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => database::reader(&self.path)?,
        };
        // One snapshot for all that is read: a total and its page never contradict each other.
        connection.execute_batch("BEGIN")?;
        let result = read(&connection);
        connection.execute_batch("COMMIT")?;
        let mut idle = lock(&self.idle);
        if idle.len() < READERS_KEPT_MAX {
            idle.push(connection);
        }
        result
    }
}
