//! Logs that are published over HTTP, read as the files that they are: `checkpoint`, `tile/…`, and `log/index.json` where
//! somebody publishes several.

use record::c2sp::note::{MAX_NOTE_BYTES, VerifierKey};
use record::c2sp::tile::{
    Content, MAX_BUNDLE_BYTES, TILE_BYTES, TILE_WIDTH, TileId, TileReader, encode_bundle,
    parse_bundle,
};
use record::files::LogFiles;
use record::name::{CallSign, NameError, Origin};
use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it may take to reach a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one answer may take, to its last byte.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How often one file is asked for before the audit gives up.
const TRIES_MAX: usize = 3;
/// How long it waits before it asks again: not at all before the second time, then this long.
const PAUSE: Duration = Duration::from_millis(500);
/// Redirections that are followed, of one request.
const REDIRECTS_MAX: usize = 3;
/// Largest list of logs.
const INDEX_BYTES_MAX: usize = 1 << 20;
/// Most logs in a list.
const LOGS_MAX: usize = 256;
/// Entry bundles that are asked for ahead, each with its tile of hashes, and at the same time.
const AHEAD: u64 = 8;
/// Tiles of hashes that are kept until the tree is compared: 64 MiB. What is over that is asked for twice.
const TILES_KEPT_MAX: usize = 8192;

/// Where the list of logs is.
const INDEX: &str = "log/index.json";

/// Why something could not be read. It says nothing about the log.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It is no address.
    #[error("{0}: is no address; write http://HOST:PORT/ or https://HOST/log/CALLSIGN/")]
    Address(String),
    /// The machine cannot ask.
    #[error("HTTP cannot be used here: {0}")]
    Client(String),
    /// No answer, after some tries.
    #[error("{url}: {reason}")]
    NoAnswer {
        /// What was asked for.
        url: Url,
        /// What the system says, to its cause.
        reason: String,
    },
    /// Another answer than the file or that there is none.
    #[error("{url}: the server answers {status}")]
    Status {
        /// What was asked for.
        url: Url,
        /// The answer.
        status: StatusCode,
    },
    /// More than such a file can have.
    #[error("{url}: has more than the {max} bytes that such a file can have")]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// The limit.
        max: usize,
    },
    /// Nothing is published there.
    #[error(
        "{url}: neither a log (checkpoint) nor a list of logs (log/index.json) is published here"
    )]
    Nothing {
        /// Where.
        url: Url,
    },
    /// The list is none.
    #[error("{url}: {reason}")]
    Index {
        /// Where.
        url: Url,
        /// What is wrong.
        reason: String,
    },
}

/// One log as a list of logs names it. Nothing of it is believed.
#[derive(Debug, Clone)]
pub struct Listed {
    pub call_sign: CallSign,
    pub origin: Origin,
    pub verifier: Option<VerifierKey>,
}

#[derive(Deserialize)]
struct Index {
    logs: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    call_sign: String,
    origin: String,
    verifier: Option<String>,
    path: String,
}

impl Row {
    /// The log, and where it is below the address of the list.
    fn read(&self) -> Result<(Listed, &str), String> {
        let verifier = self.verifier.as_deref().map(VerifierKey::parse);
        let listed = Listed {
            call_sign: self
                .call_sign
                .parse()
                .map_err(|e: NameError| e.to_string())?,
            origin: self.origin.parse().map_err(|e: NameError| e.to_string())?,
            verifier: verifier
                .transpose()
                .map_err(|error| format!("the key of {:?}: {error}", self.origin))?,
        };
        if is_below(&self.path) {
            return Ok((listed, &self.path));
        }
        Err(format!(
            "{:?} is no path below this address, such as log/RU/",
            self.path
        ))
    }
}

/// What is published at an address.
pub enum Published {
    /// One log.
    Log(Box<HttpLog>),
    /// Several.
    Logs(Vec<(Listed, HttpLog)>),
}

/// Whether `place` is an address rather than a directory.
pub fn is_address(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

/// Looks what is published at `place`.
pub fn published(place: &str) -> Result<Published, RemoteError> {
    let refused = || RemoteError::Address(place.to_owned());
    let mut base: Url = place.parse().map_err(|_| refused())?;
    if !base.has_host() || base.query().is_some() || base.fragment().is_some() {
        return Err(refused());
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    let client = client(&base)?;
    let at = |url: Url| HttpLog::new(client.clone(), url);
    let here = at(base.clone());
    // A server that answers whatever it is asked for with a page of its own has no list.
    let index = here.fetch(INDEX, INDEX_BYTES_MAX)?;
    let index = index.and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
    let Some(index) = index else {
        let is_log = here.fetch("checkpoint", MAX_NOTE_BYTES)?.is_some();
        return if is_log {
            Ok(Published::Log(Box::new(here)))
        } else {
            Err(RemoteError::Nothing { url: base })
        };
    };
    let wrong = |reason: String| RemoteError::Index {
        url: here.url(INDEX),
        reason,
    };
    if index.logs.is_empty() || index.logs.len() > LOGS_MAX {
        let reason = format!("lists {} logs; 1 to {LOGS_MAX} are read", index.logs.len());
        return Err(wrong(reason));
    }
    let logs = index.logs.iter().map(|row| {
        let (listed, path) = row.read().map_err(wrong)?;
        Ok((listed, at(here.url(path))))
    });
    Ok(Published::Logs(logs.collect::<Result<_, _>>()?))
}

/// Whether a path of a list stays below the address of the list.
fn is_below(path: &str) -> bool {
    let plain = |part: &str| {
        let letters = part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b));
        letters && !part.is_empty() && part.chars().any(|c| c != '.')
    };
    path.strip_suffix('/')
        .is_some_and(|parts| parts.split('/').all(plain))
}

fn client(base: &Url) -> Result<Client, RemoteError> {
    let client = Client::builder()
        .user_agent(concat!("truceline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .redirect(Policy::limited(REDIRECTS_MAX))
        .https_only(base.scheme() == "https")
        .referer(false);
    client
        .build()
        .map_err(|error| RemoteError::Client(to_its_cause(&error)))
}

/// An error with what caused it: the cause is what a person can do something about.
fn to_its_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    text
}

/// One log at an address. The first failure to read it ends all further reading: a server that is away is not asked for ten
/// thousand tiles.
pub struct HttpLog {
    client: Client,
    base: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Entries under the checkpoint that was read first. It is read once: a log grows while it is audited.
    note: Option<Vec<u8>>,
    size: u64,
    /// Bundles that were asked for ahead, and tiles until the tree is compared.
    ahead: HashMap<TileId, Option<Vec<u8>>>,
    failure: Option<RemoteError>,
}

impl HttpLog {
    fn new(client: Client, base: Url) -> Self {
        Self {
            client,
            base,
            state: Mutex::default(),
        }
    }

    /// Its address.
    pub fn address(&self) -> &Url {
        &self.base
    }

    /// Why it could not be read to its end, if so.
    pub fn failure(self) -> Option<RemoteError> {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).failure
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }

    /// The file at `path`; `None` when the server says that there is none.
    fn fetch(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, RemoteError> {
        let url = self.url(path);
        let mut tried = 0;
        loop {
            tried += 1;
            match self.fetch_once(&url, bytes_max) {
                Err(RemoteError::NoAnswer { .. }) if tried < TRIES_MAX => {}
                Err(RemoteError::Status { status, .. })
                    if tried < TRIES_MAX && is_passing(status) => {}
                other => return other,
            }
            if tried > 1 {
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn fetch_once(&self, url: &Url, bytes_max: usize) -> Result<Option<Vec<u8>>, RemoteError> {
        let no_answer = |reason: String| RemoteError::NoAnswer {
            url: url.clone(),
            reason,
        };
        let answer = self.client.get(url.clone()).send();
        let answer: Response =
            answer.map_err(|error| no_answer(to_its_cause(&error.without_url())))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            status => {
                return Err(RemoteError::Status {
                    url: url.clone(),
                    status,
                });
            }
        }
        let mut bytes = Vec::new();
        let read = answer.take(bytes_max as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| no_answer(to_its_cause(&error)))?;
        if bytes.len() > bytes_max {
            return Err(RemoteError::TooLarge {
                url: url.clone(),
                max: bytes_max,
            });
        }
        Ok(Some(bytes))
    }

    /// A tile or bundle. A partial one may be gone when there is the full one: that is cut down then.
    fn fetch_tile(&self, id: TileId) -> Result<Option<Vec<u8>>, RemoteError> {
        let bytes_max = match id.content() {
            Content::Hashes(_) => TILE_BYTES,
            Content::Entries => MAX_BUNDLE_BYTES,
        };
        if let Some(bytes) = self.fetch(&id.path(), bytes_max)? {
            return Ok(Some(bytes));
        }
        if !id.is_partial() {
            return Ok(None);
        }
        let full = self.fetch(&id.full().path(), bytes_max)?;
        Ok(full.and_then(|bytes| cut_down(id, bytes)))
    }

    /// The same; a failure is kept, and is the end.
    fn tile_or_failure(&self, id: TileId) -> Option<Vec<u8>> {
        if self.state().failure.is_some() {
            return None;
        }
        self.fetch_tile(id).unwrap_or_else(|error| {
            self.state().failure.get_or_insert(error);
            None
        })
    }

    /// Asks for the bundles from `first` on and for their tiles, all at once.
    fn look_ahead(&self, first: TileId) {
        let size = self.state().size;
        let wanted = (first.index()..first.index() + AHEAD).flat_map(|index| {
            // What lies beyond the end has no width and is no tile.
            let left = size.saturating_sub(index * u64::from(TILE_WIDTH));
            let width = u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
            let both = [
                TileId::entries(index, width),
                TileId::hashes(0, index, width),
            ];
            both.into_iter().flatten()
        });
        std::thread::scope(|scope| {
            for id in wanted {
                scope.spawn(move || {
                    let bytes = self.tile_or_failure(id);
                    self.state().ahead.insert(id, bytes);
                });
            }
        });
    }
}

/// Whether asking again may help.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The beginning of a full tile, as wide as `id`.
fn cut_down(id: TileId, mut full: Vec<u8>) -> Option<Vec<u8>> {
    let width = usize::from(id.width());
    if id.content() != Content::Entries {
        full.truncate(width * TILE_BYTES / usize::from(TILE_WIDTH));
        return Some(full);
    }
    let entries = parse_bundle(&full).ok()?;
    encode_bundle(entries.into_iter().take(width)).ok()
}

impl TileReader for HttpLog {
    fn tile(&self, id: TileId) -> Option<Vec<u8>> {
        let is_bundle = id.content() == Content::Entries;
        if is_bundle && !self.state().ahead.contains_key(&id) {
            self.look_ahead(id);
        }
        let mut read = self.state();
        let room = read.ahead.len() < TILES_KEPT_MAX;
        let known = if is_bundle || !room {
            read.ahead.remove(&id)
        } else {
            read.ahead.get(&id).cloned()
        };
        drop(read);
        known.unwrap_or_else(|| self.tile_or_failure(id))
    }
}

impl LogFiles for HttpLog {
    fn checkpoint(&self) -> Option<Vec<u8>> {
        if let Some(note) = &self.state().note {
            return Some(note.clone());
        }
        let fetched = self.fetch("checkpoint", MAX_NOTE_BYTES);
        let mut read = self.state();
        match fetched {
            Ok(note) => {
                let head = note
                    .as_deref()
                    .map(record::c2sp::checkpoint::SignedCheckpoint::parse);
                read.size = head
                    .and_then(Result::ok)
                    .map_or(0, |h| h.checkpoint().size());
                read.note.clone_from(&note);
                note
            }
            Err(error) => {
                read.failure.get_or_insert(error);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_nowhere_but_below_itself() {
        for below in ["log/RU/", "log/truce.example+ru/", "a/"] {
            assert!(is_below(below), "{below}");
        }
        for beyond in [
            "",
            "/",
            "log/RU",
            "/log/RU/",
            "../log/",
            "log/../../",
            "log//",
            "http://x/",
            "a?b/",
            "a%2e/",
            "./",
        ] {
            assert!(!is_below(beyond), "{beyond}");
        }
    }
}
