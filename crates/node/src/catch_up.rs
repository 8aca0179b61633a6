//! Before a node takes anything new, its views are brought up to what was logged. While some of it is folded, what comes next is
//! read, opened and verified; of all logs together in the order in which it was said, so that what belongs to one object is
//! folded at once; and once for all the views that fold it, each on a thread of its own.

use crate::authority::Eyes;
use crate::source::{Entry, Source, Sources};
use crate::views::{ViewError, Views};
use record::store::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::Scope;

/// Entries of one log that are read at once.
const STRETCH: u64 = 128;
/// Entries of all logs that are handed to the views at once.
const BLOCK: usize = 512;
/// Blocks that wait for a view, which is as much as one view may be ahead of another.
const BLOCKS_AHEAD: usize = 8;

/// An entry, and of which log it is.
pub(crate) struct Read {
    pub source: Arc<Source>,
    pub entry: Entry,
}

/// Entries of all logs, in the order in which they are folded.
pub(crate) type Block = Arc<Vec<Read>>;

/// What of a log is not folded yet.
#[derive(Clone)]
pub(crate) struct Part {
    pub source: Arc<Source>,
    pub from: u64,
    pub until: u64,
}

/// Folds into all views what is not in them yet; tells how many statements of how many that were so far.
///
/// # Errors
/// [`ViewError`]; what was not committed is read again.
pub(crate) fn catch_up(
    all: &BTreeMap<Eyes, Arc<Views>>,
    sources: &Sources,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), ViewError> {
    let held: u64 = sources.all().iter().map(|source| source.size()).sum();
    let folded = all
        .values()
        .map(|views| views.context().folded.values().sum::<u64>());
    let total: u64 = folded.map(|folded| held.saturating_sub(folded)).sum();
    let mut done = 0;
    // Who is a party follows from what the node itself reads, and what participants may read from who is a party.
    let participants = |views: &&Arc<Views>| matches!(views.eyes(), Eyes::Participant(_));
    let (last, first): (Vec<_>, Vec<_>) = all.values().partition(participants);
    for round in [first, last] {
        fold_together(&round, sources, &mut |folded| {
            done += folded;
            progress(done, total.max(done));
        })?;
    }
    Ok(())
}

fn fold_together(
    all: &[&Arc<Views>],
    sources: &Sources,
    progress: &mut dyn FnMut(u64),
) -> Result<(), ViewError> {
    let mut parts: BTreeMap<_, Part> = BTreeMap::new();
    for views in all {
        for part in views.not_folded(sources)? {
            let all = parts.entry(part.source.origin().clone());
            let all = all.or_insert_with(|| part.clone());
            all.from = all.from.min(part.from);
        }
    }
    if parts.is_empty() {
        return Ok(());
    }
    std::thread::scope(|scope| {
        let (told, folded) = channel();
        let mut blocks = Vec::new();
        let mut threads = Vec::new();
        for views in all {
            let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
            let told = told.clone();
            blocks.push(sender);
            threads.push(spawn(scope, "views", move || {
                views.fold_ahead(sources, &receiver, &told)
            }));
        }
        drop(told);
        let reading = spawn(scope, "ahead", move || {
            read_all(scope, parts.into_values().collect(), &blocks)
        });
        folded.iter().for_each(progress);
        for thread in threads {
            thread.join().expect("it does not panic")?;
        }
        Ok(reading.join().expect("it does not panic")?)
    })
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> std::thread::ScopedJoinHandle<'scope, T> {
    let thread = std::thread::Builder::new().name(name.into());
    thread
        .spawn_scoped(scope, run)
        .expect("there are a few threads for each log, once")
}

/// A log that is read ahead.
struct Ahead {
    source: Arc<Source>,
    coming: Receiver<Result<Vec<Entry>, StoreError>>,
    entries: std::iter::Peekable<std::vec::IntoIter<Entry>>,
}

impl Ahead {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, part: Part) -> Self {
        let (sender, coming) = sync_channel(1);
        let source = Arc::clone(&part.source);
        spawn(scope, "read", move || read(&part, &sender));
        Self {
            source,
            coming,
            entries: Vec::new().into_iter().peekable(),
        }
    }

    /// The minute of the next entry; `None` after the last one.
    fn minute_s(&mut self) -> Result<Option<i64>, StoreError> {
        if self.entries.peek().is_none() {
            let Ok(stretch) = self.coming.recv() else {
                return Ok(None);
            };
            self.entries = stretch?.into_iter().peekable();
        }
        Ok(self.entries.peek().map(|entry| entry.minute_s))
    }
}

fn read(part: &Part, to: &SyncSender<Result<Vec<Entry>, StoreError>>) {
    let mut from = part.from;
    while from < part.until {
        let until = part.until.min(from + STRETCH);
        let entries = part.source.entries(from, until);
        let more = entries.as_ref().is_ok_and(|e| !e.is_empty());
        if to.send(entries).is_err() || !more {
            return;
        }
        from = until;
    }
}

/// Reads all of `parts` in the order of their minutes, each in its own order, for every one of `readers`. Ends early when one of
/// them takes no more.
fn read_all<'scope>(
    scope: &'scope Scope<'scope, '_>,
    parts: Vec<Part>,
    readers: &[SyncSender<Block>],
) -> Result<(), StoreError> {
    let mut logs: Vec<Ahead> = parts
        .into_iter()
        .map(|part| Ahead::start(scope, part))
        .collect();
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        while block.len() < BLOCK {
            let Some(at) = earliest(&mut logs)? else {
                break;
            };
            let log = &mut logs[at];
            block.extend(log.entries.next().map(|entry| Read {
                source: Arc::clone(&log.source),
                entry,
            }));
        }
        if block.is_empty() {
            return Ok(());
        }
        let block = Arc::new(block);
        for reader in readers {
            if reader.send(Arc::clone(&block)).is_err() {
                return Ok(()); // it says by itself what went wrong
            }
        }
    }
}

fn earliest(logs: &mut [Ahead]) -> Result<Option<usize>, StoreError> {
    let mut earliest: Option<(i64, usize)> = None;
    for (at, log) in logs.iter_mut().enumerate() {
        if let Some(minute_s) = log.minute_s()?
            && earliest.is_none_or(|(before, _)| minute_s < before)
        {
            earliest = Some((minute_s, at));
        }
    }
    Ok(earliest.map(|(_, at)| at))
}
