//! The duty officer's board: what is open, what is due, and what this node knows it by, on one page and in one order. It is a view
//! like all others: what its reader may not read is not in it, not even as a number. It counts places and never parties.

mod contact;
mod flash;
mod incidents;
mod truce_day;

pub use contact::{BoardEnd, BoardFault, BoardLine};
pub use flash::{BoardAnswer, BoardFlash, BoardRecipient};
pub use incidents::{BoardCounts, BoardPlace, BoardReports};
pub use truce_day::{BoardInstrument, BoardTruce};

use crate::authority::Eyes;
use crate::node::Node;
use crate::places::Places;
use crate::timers::{TimerError, Timers};
use crate::views::{OwedRow, Side, Snapshot, ViewError, Views};
use record::name::{CallSign, Origin};
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use truce::due::{Item, Urgency};
use utoipa::ToSchema;

/// Open FLASH that is shown.
pub const FLASH_MAX: u32 = 20;
/// Debts that are shown of each side.
pub const DEBTS_MAX: usize = 12;
/// Directions of which the oldest open item is shown.
pub const DIRECTIONS_MAX: usize = 16;
/// Movements of which a missed check-in is shown.
pub const ROAD_MAX: u32 = 16;
/// Places that are shown.
pub const PLACES_MAX: usize = 16;

/// The duty officer's board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Whether this is an exercise: nothing in it is real.
    pub exercise: bool,
    /// Whose board it is: a call sign, or `public`.
    #[schema(example = "RU")]
    pub reader: String,
    /// The time that it shows.
    #[schema(format = DateTime)]
    pub now: String,
    /// What this node holds, by the last entry of each log: nothing later is in it.
    #[schema(example = json!(["RU-412", "US-88"]))]
    pub as_of: Vec<String>,
    /// FLASH that is open, the oldest first.
    pub flash: Vec<BoardFlash>,
    /// How many there are in all.
    pub flash_total: u64,
    /// People on the road who were not heard from.
    pub road: BoardUnread,
    /// Lines, with who is at both ends.
    pub lines: Vec<BoardLine>,
    /// What the own side owes: what is overdue, then the next deadline first, then what has none.
    pub mine: Vec<OwedRow>,
    /// How many and how many overdue there are in all.
    pub mine_count: BoardCount,
    /// What others owe the own side, in the same order.
    pub awaited: Vec<OwedRow>,
    /// How many and how many overdue there are in all.
    pub awaited_count: BoardCount,
    /// Means that do not work, on any line.
    pub faults: Vec<BoardFault>,
    /// How far and how fresh each log is held, and who has the watch there.
    pub logs: Vec<BoardLog>,
    /// The truce itself.
    pub truce: BoardTruce,
    /// The oldest unanswered item in each direction, the oldest first.
    pub oldest: Vec<OwedRow>,
    /// In how many directions something is unanswered.
    pub directions: u64,
    /// What was reported, by place: those with most reports in the last 24 hours first.
    pub places: Vec<BoardPlace>,
    /// What was reported, of all places together.
    pub reports: BoardReports,
    /// What to know when reading the numbers.
    pub notes: Vec<String>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardCount {
    /// In all.
    pub total: u64,
    /// Of them overdue.
    pub overdue: u64,
}

/// Something of which a sentence is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardUnread {
    /// Whether there is something to look at.
    pub held: bool,
    /// What that means.
    pub note: String,
}

/// How far a log is held, and who has the watch there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardLog {
    /// Whose it is: a call sign, or its origin while nobody's.
    pub call_sign: String,
    /// The last entry that is applied here, to be read aloud. The public is told of the last one that it reads.
    pub applied: String,
    /// Entries that are held and not applied yet. The public is not told.
    pub not_applied: Option<u64>,
    /// Entries that witnesses saw: `unknown`, as nodes do not ask them yet.
    pub witnessed: String,
    /// When somebody last said something that the reader reads.
    #[schema(format = DateTime)]
    pub last_at: Option<String>,
    /// Seconds since then.
    pub age_s: Option<i64>,
    /// Which officer is on duty, by office.
    pub officer: Option<String>,
    /// Languages on this watch.
    pub languages: Vec<String>,
    /// When relief is due.
    #[schema(format = DateTime)]
    pub relief_at: Option<String>,
    /// Whether relief is overdue.
    pub relief_overdue: bool,
}

/// What a board is read from.
pub(crate) struct Scene<'s> {
    pub exercise: bool,
    pub views: &'s Views,
    pub timers: &'s Timers,
    pub places: &'s Places,
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
            places: node.places(),
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
        let lines = states.iter().map(|((of, _), state)| self.line(of, state));
        let logs = self.logs()?;
        let (flash, flash_total) = self.flashes()?;
        let (mine, mine_count) = self.debts(Side::Owes, &states)?;
        let (awaited, awaited_count) = self.debts(Side::IsOwed, &states)?;
        let (oldest, directions) = self.oldest()?;
        let (places, reports) = self.reports()?;
        let reader = self
            .own
            .map_or_else(|| "public".to_owned(), ToString::to_string);
        Ok(Board {
            exercise: self.scene.exercise,
            reader,
            now: self.now.to_string(),
            as_of: logs.iter().map(|log| log.applied.clone()).collect(),
            flash,
            flash_total,
            road: self.road()?,
            lines: lines.collect(),
            mine,
            mine_count,
            awaited,
            awaited_count,
            faults: states
                .values()
                .flat_map(|state| self.faults(state))
                .collect(),
            logs,
            truce: self.truce(),
            oldest,
            directions,
            places,
            notes: self.notes()?,
            reports,
        })
    }

    /// Who is out and has missed a check-in.
    fn road(&self) -> Result<BoardUnread, ViewError> {
        let missed = self.moment.not_heard_from(self.now, ROAD_MAX)?;
        if missed.total == 0 {
            let some = "nobody who is out has missed a check-in";
            let none = "no movements are notified";
            let known = self.unread("movement.", none, some)?;
            return Ok(BoardUnread {
                held: false,
                ..known
            });
        }
        let each = missed.first.iter().map(|row| {
            let since = row.due_at.as_deref().unwrap_or_default();
            format!("{} since {since}", row.short)
        });
        let each: Vec<String> = each.collect();
        let more = missed.total - each.len() as u64;
        let more = match more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Ok(BoardUnread {
            held: true,
            note: format!(
                "not heard from in time: {}{more}; protection is unchanged",
                each.join(", ")
            ),
        })
    }

    fn unread(&self, prefix: &str, none: &str, some: &str) -> Result<BoardUnread, ViewError> {
        let held = self.moment.holds_kind(prefix)?;
        let note = if held { some } else { none };
        Ok(BoardUnread {
            held,
            note: note.to_owned(),
        })
    }

    /// What the own side owes, or is owed: nothing where nobody's board it is.
    fn debts(
        &self,
        side: Side,
        lines: &contact::Lines,
    ) -> Result<(Vec<OwedRow>, BoardCount), ViewError> {
        let Some(own) = self.own else {
            return Ok((Vec::new(), BoardCount::default()));
        };
        let debts = self.moment.debts(own, side, self.now, DEBTS_MAX)?;
        let beside = self.beside(own, side, lines);
        let is_overdue = |(item, _): &&(Item, OwedRow)| item.urgency == Urgency::Overdue;
        let count = BoardCount {
            total: debts.total + beside.len() as u64,
            overdue: debts.overdue + beside.iter().filter(is_overdue).count() as u64,
        };
        let mut rows = debts.first;
        rows.extend(beside);
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows.truncate(DEBTS_MAX);
        Ok((rows.into_iter().map(|(_, row)| row).collect(), count))
    }

    fn notes(&self) -> Result<Vec<String>, ViewError> {
        let verified = self.unread(
            "incident.",
            "Verified: there is no verification yet; whatever is reported is undetermined until people verify it.",
            "Verified: incidents are kept and not yet followed by this version.",
        )?;
        let observed = self.unread(
            "effort.",
            "Hours observed are not logged: few reports may mean few eyes.",
            "Hours observed are kept and not yet counted by this version.",
        )?;
        let mut notes = vec![
            "Alleged: reports as they were filed, each by its source. A report is no finding.".to_owned(),
            verified.note,
            observed.note,
            "Days are not hours: what is known to the day counts when its day touches the last 24 hours.".to_owned(),
        ];
        notes.extend(self.notified_then_hit()?);
        Ok(notes)
    }

    fn logs(&self) -> Result<Vec<BoardLog>, ViewError> {
        // What the public is not shown has no number either: how fast a log grows tells that something happens.
        let public = *self.scene.views.eyes() == Eyes::Public;
        let context = self.moment.context();
        let mut logs = Vec::new();
        for (origin, held) in &self.scene.held {
            let sign = context.directory.call_sign(origin);
            let applied = context.folded.get(origin).copied().unwrap_or(0);
            let last = if public {
                self.moment.last_read(origin)?
            } else {
                applied.checked_sub(1)
            };
            let Some(last) = last else { continue };
            let said = self.moment.last_said(origin)?;
            let watch = sign.as_ref().and_then(|sign| self.watch(sign));
            let call_sign = sign.map_or_else(|| origin.to_string(), |sign| sign.to_string());
            logs.push(BoardLog {
                applied: format!("{call_sign}-{last}"),
                call_sign,
                not_applied: (!public).then(|| held.saturating_sub(applied)),
                witnessed: "unknown".to_owned(),
                last_at: said.map(|at| at.to_string()),
                age_s: said.map(|at| seconds_since(at, self.now)),
                officer: watch.map(|watch| watch.officer.to_string()),
                languages: watch.map(contact::languages).unwrap_or_default(),
                relief_at: watch.map(|watch| watch.until.to_string()),
                relief_overdue: watch.is_some_and(|watch| watch.until <= self.now),
            });
        }
        logs.sort_by(|a, b| a.call_sign.cmp(&b.call_sign));
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
