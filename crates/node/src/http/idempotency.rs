//! `Idempotency-Key`: a request that is sent again, because its answer was lost, is not done again.
//!
//! A key is the caller's own. That it is in use is on the disk before the work begins; so after a crash a repetition is told
//! that the outcome is unknown, and is not done a second time. Writes of many requests share a sync.

use super::App;
use super::problem::{Kind, Problem};
use super::strict::header_text;
use crate::accounts::store::for_owner_alone;
use crate::accounts::{AccountId, Caller};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use record::encoding::Hash;
use record::time::{Clock, UtcMs};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// The file. It can be deleted when the node is stopped: repetitions of earlier requests are then new requests.
pub const HTTP: &str = "http.db";
/// The request header.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The answer header that says: this is what was answered before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Fewest characters of a key.
pub const KEY_CHARS_MIN: usize = 8;
/// Most characters of a key.
pub const KEY_CHARS_MAX: usize = 128;
/// How long an answer is kept, in milliseconds: a day.
pub const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// Most keys that are remembered.
pub const KEYS_MAX: usize = 200_000;
/// Most keys of one account.
pub const KEYS_PER_ACCOUNT_MAX: usize = 20_000;
/// Longest answer that is kept, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How often what is too old is forgotten, in milliseconds.
const SWEEP_EVERY_MS: i64 = 60_000;
/// Writes in one transaction.
const BATCH_MAX: usize = 256;
/// The layout's version.
const LAYOUT: i64 = 1;
const BUSY_WAIT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE answer (account BLOB, key TEXT, request BLOB NOT NULL, at_ms INTEGER NOT NULL, status INTEGER,
        content_type TEXT, location TEXT, body BLOB, PRIMARY KEY (account, key)) WITHOUT ROWID;
    CREATE INDEX answer_at ON answer (at_ms);
";

/// The header, if it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequestParts<Arc<App>> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let Some(text) = header_text(&parts.headers, IDEMPOTENCY_KEY)? else {
            return Ok(Self(None));
        };
        // The draft standard writes it as a quoted string, most programs do not.
        let key = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        let fits = (KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len())
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if fits {
            return Ok(Self(Some(key.to_owned())));
        }
        Err(Problem::bad_request(
            "Idempotency-Key",
            "has 8 to 128 characters A-Z a-z 0-9 - _, such as a random UUID",
        ))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is being done.
    Running,
    /// The answer is in the database.
    Answered,
    /// It was done, but its answer was too long to keep.
    NotKept,
    /// The node ended while it was being done.
    Interrupted,
}

#[derive(Debug, Clone)]
struct Entry {
    request: Hash,
    at: UtcMs,
    state: State,
}

type Slot = (AccountId, String);

#[derive(Default)]
struct Index {
    entries: HashMap<Slot, Entry>,
    per_account: HashMap<AccountId, usize>,
}

impl Index {
    fn insert(&mut self, slot: Slot, entry: Entry) {
        let account = slot.0;
        if self.entries.insert(slot, entry).is_none() {
            *self.per_account.entry(account).or_default() += 1;
        }
    }

    fn remove(&mut self, slot: &Slot) {
        if self.entries.remove(slot).is_some()
            && let Some(count) = self.per_account.get_mut(&slot.0)
        {
            *count -= 1;
            if *count == 0 {
                self.per_account.remove(&slot.0);
            }
        }
    }

    fn forget_before(&mut self, limit: UtcMs) {
        let old = |entry: &Entry| entry.at < limit && entry.state != State::Running;
        let gone: Vec<Slot> = self
            .entries
            .iter()
            .filter(|(_, entry)| old(entry))
            .map(|(slot, _)| slot.clone())
            .collect();
        gone.iter().for_each(|slot| self.remove(slot));
    }
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    content_type: Option<String>,
    location: Option<String>,
    body: Vec<u8>,
}

/// The keys of all callers. Cloning gives another handle on the same.
#[derive(Clone)]
pub struct Idempotency(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    index: Mutex<Index>,
    reader: Mutex<Connection>,
    writer: Writer,
    swept_at: AtomicI64,
}

/// Why the keys could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// SQLite said no.
    #[error("http.db: {0}; the file may be deleted when the node is stopped")]
    Database(#[from] rusqlite::Error),
    /// It was written by a newer program.
    #[error(
        "http.db has layout {0}, which this program does not know; delete it when the node is stopped"
    )]
    Layout(i64),
    /// The file cannot be made, or there is no thread to write it.
    #[error("http.db: {0}")]
    System(#[from] std::io::Error),
}

impl Idempotency {
    /// Opens `http.db` in the directory `dir`, or makes it.
    ///
    /// # Errors
    /// [`IdempotencyError`].
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, IdempotencyError> {
        let (writer, reader) = (connect(dir)?, connect(dir)?);
        let mut index = Index::default();
        for (slot, entry) in entries(&reader)? {
            index.insert(slot, entry);
        }
        Ok(Self(Arc::new(Inner {
            swept_at: AtomicI64::new(clock.now().0),
            clock,
            index: Mutex::new(index),
            reader: Mutex::new(reader),
            writer: Writer::start(writer)?,
        })))
    }

    /// Does `work` once for this key of this caller: a repetition of `request` gets the same answer, another request with the
    /// same key is refused. Without a key it is simply done. The work goes on when the caller hangs up.
    pub async fn once(
        &self,
        caller: &Caller,
        key: IdempotencyKey,
        request: Hash,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let (Some(key), Some(account)) = (key.0, caller.account) else {
            return work.await;
        };
        let slot = (account, key);
        match self.begin(&slot, request) {
            Ok(None) => {}
            Ok(Some(State::Answered)) => return self.replay(slot).await,
            Ok(Some(state)) => return pending(state).into_response(),
            Err(problem) => return problem.into_response(),
        }
        let keys = self.clone();
        let done = tokio::spawn(async move { keys.carry_out(slot, request, work).await }).await;
        done.unwrap_or_else(|_| Problem::internal().into_response())
    }

    /// `None`: go on, the key is now in use. Otherwise in which state the same request is.
    fn begin(&self, slot: &Slot, request: Hash) -> Result<Option<State>, Problem> {
        let now = self.0.clock.now();
        let mut index = self.index();
        if let Some(entry) = index.entries.get(slot) {
            let expired = entry.state != State::Running && entry.at.0 + KEPT_MS <= now.0;
            if !expired && entry.request != request {
                return Err(Problem::new(
                    Kind::Refused,
                    "this Idempotency-Key was used for another request; use a new one for each new request",
                )
                .because("key_reused"));
            }
            if !expired {
                return Ok(Some(entry.state));
            }
        }
        let held = index.per_account.get(&slot.0).copied().unwrap_or_default();
        if index.entries.len() >= KEYS_MAX || held >= KEYS_PER_ACCOUNT_MAX {
            return Err(Problem::new(
                Kind::TooManyRequests,
                "too many idempotency keys of the last 24 hours are remembered; leave the header out or come again later",
            )
            .because("too_many_keys"));
        }
        index.insert(
            slot.clone(),
            Entry {
                request,
                at: now,
                state: State::Running,
            },
        );
        Ok(None)
    }

    async fn carry_out(
        &self,
        slot: Slot,
        request: Hash,
        work: impl Future<Output = Response> + Send,
    ) -> Response {
        let mut running = Running {
            keys: self,
            slot: Some(slot.clone()),
        };
        let at = self.0.clock.now();
        if !self
            .0
            .writer
            .done(Job::Begin(slot.clone(), request, at))
            .await
        {
            running.settle(None);
            return Problem::internal().into_response();
        }
        let response = work.await;
        // Refused before anything was done: the same request may be sent again with the same key.
        if matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            self.0.writer.send(Job::Forget(slot));
            running.settle(None);
            return response;
        }
        let (answer, response) = kept(response).await;
        running.settle(Some(if answer.is_some() {
            State::Answered
        } else {
            State::NotKept
        }));
        self.0.writer.send(Job::Answer(slot, answer));
        response
    }

    async fn replay(&self, slot: Slot) -> Response {
        // What was answered a moment ago may still be on its way to the disk; jobs are written in their order.
        self.0.writer.done(Job::Nothing).await;
        let keys = self.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let reader = keys.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
            read_answer(&reader, &slot)
        });
        match answer.await {
            Ok(Ok(Some(answer))) => answer.into_response(),
            _ => {
                tracing::error!("http.db: an answer that was kept cannot be read");
                Problem::internal().into_response()
            }
        }
    }

    /// Forgets what is older than a day. To be called about every second.
    pub fn upkeep(&self) {
        let now = self.0.clock.now();
        let swept_at = self.0.swept_at.load(Ordering::Relaxed);
        if (swept_at..swept_at + SWEEP_EVERY_MS).contains(&now.0) {
            return;
        }
        self.0.swept_at.store(now.0, Ordering::Relaxed);
        let limit = UtcMs(now.0 - KEPT_MS);
        self.index().forget_before(limit);
        self.0.writer.send(Job::ForgetBefore(limit));
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that a key does not stay in use for ever when the work panics: its outcome is then unknown.
struct Running<'a> {
    keys: &'a Idempotency,
    slot: Option<Slot>,
}

impl Running<'_> {
    fn settle(&mut self, state: Option<State>) {
        let Some(slot) = self.slot.take() else {
            return;
        };
        let mut index = self.keys.index();
        match state {
            None => index.remove(&slot),
            Some(state) => {
                if let Some(entry) = index.entries.get_mut(&slot) {
                    entry.state = state;
                }
            }
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.settle(Some(State::Interrupted));
    }
}

fn pending(state: State) -> Problem {
    let (detail, reason) = match state {
        State::Running => (
            "the same request is being done at this moment; ask again for its answer",
            "in_progress",
        ),
        State::Interrupted => (
            "the node was interrupted while it did this request, so its outcome is unknown; look whether it took effect, then \
             send it with a new key if it did not",
            "interrupted",
        ),
        State::NotKept | State::Answered => (
            "this request was done; its answer was too long to be kept. Look up what it did",
            "answer_not_kept",
        ),
    };
    Problem::new(Kind::Conflict, detail).because(reason)
}

/// What is kept of an answer, and the answer itself.
async fn kept(response: Response) -> (Option<Answer>, Response) {
    let (parts, body) = response.into_parts();
    let size = axum::body::HttpBody::size_hint(&body).exact();
    if size.is_none_or(|size| size > ANSWER_BYTES_MAX as u64) {
        return (None, Response::from_parts(parts, body));
    }
    let Ok(bytes) = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await else {
        return (None, Problem::internal().into_response());
    };
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: text(CONTENT_TYPE),
        location: text(LOCATION),
        body: bytes.to_vec(),
    };
    (Some(answer), Response::from_parts(parts, Body::from(bytes)))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, text) in [(CONTENT_TYPE, self.content_type), (LOCATION, self.location)] {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

fn connect(dir: &Path) -> Result<Connection, IdempotencyError> {
    let path = dir.join(HTTP);
    for_owner_alone(&path)?;
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY_WAIT)?;
    db.pragma_update(None, "secure_delete", "ON")?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
        0 => transaction.execute_batch(&format!("{SCHEMA} PRAGMA user_version = {LAYOUT};"))?,
        LAYOUT => {}
        other => return Err(IdempotencyError::Layout(other)),
    }
    transaction.commit()?;
    Ok(db)
}

/// Status of a row whose answer was too long.
const STATUS_NOT_KEPT: i64 = 0;

fn entries(db: &Connection) -> Result<Vec<(Slot, Entry)>, rusqlite::Error> {
    let mut select = db.prepare("SELECT account, key, request, at_ms, status FROM answer")?;
    let rows = select.query_map([], |row| {
        let state = match row.get(4)? {
            None => State::Interrupted,
            Some(STATUS_NOT_KEPT) => State::NotKept,
            Some(_) => State::Answered,
        };
        let entry = Entry {
            request: Hash(row.get(2)?),
            at: UtcMs(row.get(3)?),
            state,
        };
        Ok(((row.get(0)?, row.get(1)?), entry))
    })?;
    rows.collect()
}

fn read_answer(db: &Connection, (account, key): &Slot) -> Result<Option<Answer>, rusqlite::Error> {
    db.prepare_cached(
        "SELECT status, content_type, location, body FROM answer WHERE account = ?1 AND key = ?2",
    )?
    .query_row(params![account, key], |row| {
        Ok(Answer {
            status: row.get(0)?,
            content_type: row.get(1)?,
            location: row.get(2)?,
            body: row.get(3)?,
        })
    })
    .optional()
}

enum Job {
    Begin(Slot, Hash, UtcMs),
    Answer(Slot, Option<Answer>),
    Forget(Slot),
    ForgetBefore(UtcMs),
    /// To learn that all before it is written.
    Nothing,
}

impl Job {
    fn run(self, db: &Transaction<'_>) -> Result<(), rusqlite::Error> {
        match self {
            Self::Begin((account, key), request, at) => db
                .prepare_cached("INSERT OR REPLACE INTO answer (account, key, request, at_ms) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![account, key, request.0, at.0]),
            Self::Answer((account, key), Some(answer)) => db
                .prepare_cached(
                    "UPDATE answer SET status = ?3, content_type = ?4, location = ?5, body = ?6 WHERE account = ?1 AND key = ?2",
                )?
                .execute(params![account, key, answer.status, answer.content_type, answer.location, answer.body]),
            Self::Answer((account, key), None) => db
                .prepare_cached("UPDATE answer SET status = ?3 WHERE account = ?1 AND key = ?2")?
                .execute(params![account, key, STATUS_NOT_KEPT]),
            Self::Forget((account, key)) => {
                db.prepare_cached("DELETE FROM answer WHERE account = ?1 AND key = ?2")?.execute(params![account, key])
            }
            Self::ForgetBefore(limit) => {
                db.prepare_cached("DELETE FROM answer WHERE at_ms < ?1")?.execute([limit.0])
            }
            Self::Nothing => Ok(0),
        }
        .map(|_| ())
    }
}

type Queued = (Job, Option<oneshot::Sender<bool>>);

/// The writing connection, on a thread of its own. What queues up during a sync is the next transaction. The queue is as long
/// as there are requests in progress.
struct Writer {
    jobs: Option<Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn start(mut db: Connection) -> Result<Self, std::io::Error> {
        let (jobs, inbox) = channel::<Queued>();
        let thread = std::thread::Builder::new()
            .name("http-keys".into())
            .spawn(move || write_all(&mut db, &inbox))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    fn send(&self, job: Job) {
        self.queue(job, None);
    }

    /// Whether the job is on the disk.
    async fn done(&self, job: Job) -> bool {
        let (told, heard) = oneshot::channel();
        self.queue(job, Some(told));
        heard.await.unwrap_or(false)
    }

    fn queue(&self, job: Job, told: Option<oneshot::Sender<bool>>) {
        // When the thread has ended, whoever waits hears it: his channel is dropped.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send((job, told));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(db: &mut Connection, inbox: &Receiver<Queued>) {
    while let Ok(first) = inbox.recv() {
        let batch: Vec<Queued> = std::iter::once(first)
            .chain(inbox.try_iter().take(BATCH_MAX - 1))
            .collect();
        let (jobs, told): (Vec<Job>, Vec<_>) = batch.into_iter().unzip();
        let written = write_batch(db, jobs);
        if let Err(error) = &written {
            tracing::error!("http.db: {error}");
        }
        told.into_iter().flatten().for_each(|told| {
            let _ = told.send(written.is_ok());
        });
    }
}

fn write_batch(db: &mut Connection, jobs: Vec<Job>) -> Result<(), rusqlite::Error> {
    let transaction = db.transaction()?;
    for job in jobs {
        job.run(&transaction)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::time::ManualClock;

    #[tokio::test]
    async fn one_account_does_not_use_up_the_keys_of_the_others() {
        let dir = tempfile::TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::default());
        let keys = Idempotency::open(dir.path(), clock.clone()).unwrap();
        let (one, other) = (AccountId::random(), AccountId::random());
        let begin =
            |account, i: usize| keys.begin(&(account, format!("key-{i:08}")), Hash([0; 32]));
        for i in 0..KEYS_PER_ACCOUNT_MAX {
            assert_eq!(begin(one, i).unwrap(), None);
        }
        let refused = begin(one, KEYS_PER_ACCOUNT_MAX).unwrap_err();
        assert_eq!(refused.kind(), Kind::TooManyRequests);
        assert_eq!(begin(other, 0).unwrap(), None);
        // What is in use is never forgotten, what has an answer is after a day.
        keys.index()
            .entries
            .values_mut()
            .for_each(|entry| entry.state = State::Answered);
        assert_eq!(begin(one, 0).unwrap(), Some(State::Answered));
        clock.set(UtcMs(KEPT_MS + 1));
        keys.upkeep();
        assert!(keys.index().entries.is_empty() && keys.index().per_account.is_empty());
        assert_eq!(begin(one, KEYS_PER_ACCOUNT_MAX).unwrap(), None);
    }
}
