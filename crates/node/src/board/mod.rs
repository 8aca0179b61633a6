//! The duty officer's board: what is open, what is due, and what this node knows it by, on one page and in one order. It is a view
//! like all others: what its reader may not read is not in it, not even as a number. It counts places and never parties.

mod contact;
mod flash;
mod incidents;
mod truce_day;

pub use contact::{BoardEnd, BoardFault, BoardLine, BoardTest, BoardWatch};
pub use flash::{BoardAnswer, BoardFlash};
pub use incidents::{BoardArea, BoardCounts, BoardIncidents};
pub use truce_day::{BoardInstrument, BoardTruce};

use crate::authority::Eyes;
use crate::node::Node;
use crate::timers::{TimerError, Timers};
use crate::views::{OwedRow, Side, Snapshot, ViewError, Views};
use record::name::{CallSign, Origin};
use record::time::UtcMs;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Open FLASH that is shown.
pub const FLASH_MAX: u32 = 20;
/// Debts that are shown of each side.
pub const DEBTS_MAX: usize = 12;
/// Directions of which the oldest open item is shown.
pub const DIRECTIONS_MAX: usize = 16;
/// Areas that are shown.
pub const AREAS_MAX: usize = 16;

/// The duty officer's board.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Board {
    /// Whether this is an exercise: nothing in it is real.
    pub exercise: bool,
    /// The time that it shows.
    #[schema(format = DateTime)]
    pub now: String,
    /// Whose board it is; absent for the public's.
    #[schema(example = "RU")]
    pub own: Option<String>,
    /// What this node holds, by the last entry of each log: nothing later is in it.
    #[schema(example = json!(["RU-412", "US-88"]))]
    pub as_of: Vec<String>,
    /// Lives at risk now.
    pub flash: BoardFlashes,
    /// People on the road that were not heard from.
    pub movements: BoardUnread,
    /// Lines, with who is at both ends.
    pub lines: Vec<BoardLine>,
    /// What the own side owes and what is owed to it; absent where nobody's board it is.
    pub mine: Option<BoardMine>,
    /// What works and what does not, and how fresh it is.
    pub health: BoardHealth,
    /// The day of the truce, and the oldest that is unanswered.
    pub truce: BoardTruce,
    /// Incidents as they are reported, by area.
    pub incidents: BoardIncidents,
}

/// FLASH that is open.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardFlashes {
    /// The oldest first.
    pub open: Vec<BoardFlash>,
    /// How many there are in all.
    pub total: u64,
}

/// Something that this version does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardUnread {
    /// Whether any statement of it is held.
    pub held: bool,
    /// What that means, in a sentence.
    pub remark: String,
}

/// What is owed, both ways.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardMine {
    /// What the own side owes.
    pub owes: BoardDebts,
    /// What others owe to it.
    pub is_owed: BoardDebts,
}

/// Debts of one side.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardDebts {
    /// What is overdue, then the next deadline first, then what has none.
    pub first: Vec<OwedRow>,
    /// How many there are in all.
    pub total: u64,
    /// How many of them are overdue.
    pub overdue: u64,
}

/// What works and what does not, and how fresh it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardHealth {
    /// Means that do not work, on any line.
    pub faults: Vec<BoardFault>,
    /// How far each log is held.
    pub logs: Vec<BoardLog>,
    /// Who has the watch, and when relief is due.
    pub watches: Vec<BoardWatch>,
}

/// How far a log is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardLog {
    /// Whose it is: a call sign, or its origin while nobody's.
    pub by: String,
    /// Its last entry here, to be read aloud.
    pub last: Option<String>,
    /// When the last statement that the reader reads was said.
    #[schema(format = DateTime)]
    pub last_at: Option<String>,
    /// Its age in seconds.
    pub age_s: Option<i64>,
    /// Entries that are held. The public is not told.
    pub held: Option<u64>,
    /// Entries that are applied in what is shown here. The public is not told.
    pub applied: Option<u64>,
    /// Entries that witnesses saw: `unknown`, as nodes do not ask them yet.
    pub witnessed: &'static str,
}

/// What a board is read from.
pub(crate) struct Scene<'s> {
    pub exercise: bool,
    pub views: &'s Views,
    pub timers: &'s Timers,
    /// Entries that are held of each log.
    pub held: BTreeMap<Origin, u64>,
}

impl Board {
    /// The board of `own` at `now`, as `eyes` see it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn of(
        node: &Node,
        eyes: &Eyes,
        own: Option<&CallSign>,
        now: UtcMs,
    ) -> Result<Self, ViewError> {
        let sources = node.sources().all().into_iter();
        let scene = Scene {
            exercise: node.is_exercise(),
            views: node.views(eyes),
            timers: node.timers(),
            held: sources
                .map(|source| (source.origin().clone(), source.size()))
                .collect(),
        };
        Self::read(&scene, own, now)
    }

    pub(crate) fn read(
        scene: &Scene<'_>,
        own: Option<&CallSign>,
        now: UtcMs,
    ) -> Result<Self, ViewError> {
        scene.views.snapshot(|moment| {
            Moment {
                scene,
                moment,
                own,
                now,
            }
            .board()
        })
    }
}

/// One moment, from one side.
struct Moment<'m> {
    scene: &'m Scene<'m>,
    moment: &'m Snapshot<'m>,
    own: Option<&'m CallSign>,
    now: UtcMs,
}

impl Moment<'_> {
    fn board(&self) -> Result<Board, ViewError> {
        let states = self.moment.lines(self.now)?;
        let lines: Vec<BoardLine> = states
            .iter()
            .map(|((instrument, _), state)| self.line(instrument, state))
            .collect();
        let logs = self.logs()?;
        Ok(Board {
            exercise: self.scene.exercise,
            now: self.now.to_string(),
            own: self.own.map(ToString::to_string),
            as_of: logs.iter().filter_map(|log| log.last.clone()).collect(),
            flash: self.flashes()?,
            movements: self.unread(
                "movement.",
                "No movements are notified.",
                "Movements are notified here; this version does not read them yet. Look at the statements.",
            )?,
            mine: self.own.map(|own| self.mine(own, &states)).transpose()?,
            health: BoardHealth {
                faults: lines.iter().flat_map(|line| line.faults.clone()).collect(),
                logs,
                watches: self.watches(),
            },
            lines,
            truce: self.truce()?,
            incidents: self.incidents()?,
        })
    }

    fn unread(&self, prefix: &str, none: &str, some: &str) -> Result<BoardUnread, ViewError> {
        let held = self.moment.holds_kind(prefix)?;
        let remark = if held { some } else { none };
        Ok(BoardUnread {
            held,
            remark: remark.to_owned(),
        })
    }

    fn mine(&self, own: &CallSign, lines: &contact::Lines) -> Result<BoardMine, ViewError> {
        Ok(BoardMine {
            owes: self.debts(own, Side::Owes, lines)?,
            is_owed: self.debts(own, Side::IsOwed, lines)?,
        })
    }

    fn debts(
        &self,
        own: &CallSign,
        side: Side,
        lines: &contact::Lines,
    ) -> Result<BoardDebts, ViewError> {
        let debts = self.moment.debts(own, side, self.now, DEBTS_MAX)?;
        let beside = self.beside(own, side, lines);
        let is_overdue = |row: &&OwedRow| row.urgency == "overdue";
        let mut all = BoardDebts {
            total: debts.total + beside.len() as u64,
            overdue: debts.overdue + beside.iter().filter(is_overdue).count() as u64,
            first: debts.first,
        };
        all.first.extend(beside);
        all.first.sort_by(|a, b| a.order().cmp(&b.order()));
        all.first.truncate(DEBTS_MAX);
        Ok(all)
    }

    fn logs(&self) -> Result<Vec<BoardLog>, ViewError> {
        let context = self.moment.context();
        // What the public is not shown has no number either: how fast a log grows tells that something happens.
        let public = *self.scene.views.eyes() == Eyes::Public;
        let mut logs = Vec::new();
        for (origin, held) in &self.scene.held {
            let by = context.directory.call_sign(origin);
            let by = by.map_or_else(|| origin.to_string(), |sign| sign.to_string());
            let applied = context.folded.get(origin).copied().unwrap_or(0);
            let said = self.moment.last_said(origin)?;
            let last = match said {
                Some(said) if public => Some(said.index),
                _ if public => continue,
                _ => applied.checked_sub(1),
            };
            logs.push(BoardLog {
                last: last.map(|index| format!("{by}-{index}")),
                by,
                last_at: said.map(|said| said.at.to_string()),
                age_s: said.map(|said| seconds_since(said.at, self.now)),
                held: (!public).then_some(*held),
                applied: (!public).then_some(applied),
                witnessed: "unknown",
            });
        }
        logs.sort_by(|a, b| a.by.cmp(&b.by));
        Ok(logs)
    }
}

/// Seconds from `at` to `now`; none when it is later.
fn seconds_since(at: UtcMs, now: UtcMs) -> i64 {
    (now.0 - at.0).max(0) / 1000
}

impl From<TimerError> for ViewError {
    fn from(error: TimerError) -> Self {
        match error {
            TimerError::Database(error) => Self::Database(error),
            TimerError::View(error) => error,
        }
    }
}
