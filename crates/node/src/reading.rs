//! A node as it is read beside the process that runs it: its views and alarms, without a key, a lock or a single write.

use crate::authority::Eyes;
use crate::board::{Board, Scene};
use crate::home::Home;
use crate::node::{MIRRORS, Node, NodeError, VIEWS, homes};
use crate::places::Places;
use crate::timers::Timers;
use crate::views::{ViewError, Views};
use record::c2sp::checkpoint::SignedCheckpoint;
use record::log::HEAD;
use record::name::{CallSign, Origin};
use record::store::head::HeadFile;
use record::time::UtcMs;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A node that is read.
pub struct Reading {
    dir: PathBuf,
    exercise: bool,
    /// The directories of all logs that it holds.
    logs: Vec<PathBuf>,
    own: BTreeMap<CallSign, Origin>,
    timers: Timers,
    places: Places,
}

/// A board that is looked at again and again.
pub struct BoardReading<'r> {
    reading: &'r Reading,
    views: Views,
    own: Option<CallSign>,
}

impl Node {
    /// Opens the node in `dir` to read it, beside the process that runs it if there is one.
    ///
    /// # Errors
    /// [`NodeError`]; [`ViewError::None`] when it has never run.
    pub fn open_to_read(dir: &Path) -> Result<Reading, NodeError> {
        let (exercise, homes) = homes(dir)?;
        let own = if exercise {
            own_by_directory(&homes)
        } else {
            own_by_views(dir, &homes)?
        };
        Ok(Reading {
            dir: dir.to_owned(),
            exercise,
            logs: homes.iter().flat_map(log_directories).collect(),
            own,
            timers: Timers::open_to_read(dir)?,
            places: Places::open_to_read(dir).map_err(ViewError::from)?,
        })
    }
}

/// In an exercise each participant's home has his call sign for a name.
fn own_by_directory(homes: &[Home]) -> BTreeMap<CallSign, Origin> {
    let named = homes.iter().filter_map(|home| {
        let name = home.dir.file_name()?.to_str()?;
        Some((name.parse().ok()?, head_of(&home.dir)?.0))
    });
    named.collect()
}

fn own_by_views(dir: &Path, homes: &[Home]) -> Result<BTreeMap<CallSign, Origin>, ViewError> {
    let context = Views::open_to_read(&dir.join(VIEWS), Eyes::Node)?.context();
    let named = homes.iter().filter_map(|home| {
        let origin = head_of(&home.dir)?.0;
        Some((context.directory.call_sign(&origin)?, origin))
    });
    Ok(named.collect())
}

/// The own log's directory and those of the mirrors beside it.
pub(crate) fn log_directories(home: &Home) -> Vec<PathBuf> {
    let mut all = vec![home.dir.clone()];
    let mirrors = std::fs::read_dir(home.dir.join(MIRRORS))
        .into_iter()
        .flatten();
    all.extend(mirrors.filter_map(|entry| Some(entry.ok()?.path())));
    all
}

/// Whose log lies in `dir`, and how many entries are under its head.
pub(crate) fn head_of(dir: &Path) -> Option<(Origin, u64)> {
    let note = HeadFile::peek(&dir.join(HEAD))?;
    let head = SignedCheckpoint::parse(note.as_bytes()).ok()?;
    let head = head.checkpoint();
    Some((head.origin().parse().ok()?, head.size()))
}

impl Reading {
    /// Whether this is an exercise.
    #[must_use]
    pub fn is_exercise(&self) -> bool {
        self.exercise
    }

    /// Those whose own logs are kept here.
    pub fn own(&self) -> impl Iterator<Item = &CallSign> {
        self.own.keys()
    }

    /// The board of `own`, or the public's, to be looked at as often as one likes.
    ///
    /// # Errors
    /// [`NodeError::NotOurs`] for another's, and [`ViewError::None`] when nothing was computed yet.
    pub fn board(&self, own: Option<CallSign>) -> Result<BoardReading<'_>, NodeError> {
        let eyes = match &own {
            None => Eyes::Public,
            Some(sign) => match self.own.get(sign) {
                None => return Err(NodeError::NotOurs(sign.to_string())),
                Some(_) if self.own.len() == 1 => Eyes::Node,
                Some(origin) => Eyes::Participant(origin.clone()),
            },
        };
        Ok(BoardReading {
            views: Views::open_to_read(&self.dir.join(VIEWS), eyes)?,
            reading: self,
            own,
        })
    }
}

impl BoardReading<'_> {
    /// The board at `now`, with whatever was folded until this moment.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn at(&self, now: UtcMs) -> Result<Board, ViewError> {
        let scene = Scene {
            exercise: self.reading.exercise,
            views: &self.views,
            timers: &self.reading.timers,
            places: &self.reading.places,
            held: self
                .reading
                .logs
                .iter()
                .filter_map(|dir| head_of(dir))
                .collect(),
        };
        Board::read(&scene, self.own.as_ref(), now)
    }
}
