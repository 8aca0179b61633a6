//! What every object depends on, held in memory: participants, call signs, instruments, watches. All of it is read again from
//! the tables when the views are opened.

use record::name::Origin;
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use truce::agreement::{Agreement, Instrument};
use truce::contact::Shifts;
use truce::participants::Participants;
use truce::standing::Directory;

/// What every object depends on.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Keys and offices.
    pub participants: Arc<Participants>,
    /// Call signs.
    pub directory: Arc<Directory>,
    /// Instruments.
    pub agreement: Arc<Agreement>,
    /// Watches.
    pub shifts: Arc<BTreeMap<Origin, Arc<Shifts>>>,
    /// How far each log was folded.
    pub folded: Arc<BTreeMap<Origin, u64>>,
    /// The last change.
    pub seq: i64,
    /// What of the membership the views were cut by.
    pub cut_by: i64,
    /// Whether something that was erased still stands in the write-ahead log, because somebody was reading.
    pub unflushed: bool,
    /// Whether statements wait to be read from their logs again.
    pub again: bool,
}

/// What objects have to be computed anew when instruments or call signs change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// None.
    Nothing,
    /// Those whose first statement was said then or later.
    From(UtcMs),
    /// All.
    Everything,
}

impl Reach {
    /// What changes between two states of the agreement: from the first time at which they differ on.
    #[must_use]
    pub fn between(before: &Agreement, after: &Agreement) -> Self {
        let (before, after) = (events(before), events(after));
        let first = before.symmetric_difference(&after).map(|(at, _)| *at).min();
        first.map_or(Self::Nothing, Self::From)
    }
}

/// When something begins, ends, or is left or taken up again, by instrument.
fn events(agreement: &Agreement) -> BTreeSet<(UtcMs, String)> {
    let instruments = agreement.instruments.values();
    instruments.flat_map(of_instrument).collect()
}

fn of_instrument(instrument: &Instrument) -> Vec<(UtcMs, String)> {
    let Some(begins) = instrument.begins_at() else {
        return Vec::new(); // what was not adopted governs nothing
    };
    let name = instrument.reference.to_string();
    let mut all = vec![(begins, format!("{name} begins"))];
    if let Some(ends) = &instrument.table.ends_at {
        all.push((ends.utc(), format!("{name} ends")));
    }
    if let Some((by, at)) = &instrument.amended {
        all.push((*at, format!("{name} is amended by {by}")));
    }
    // Who accepts later may keep it in force when others leave.
    all.extend(instrument.accepted.iter().map(|(party, accepted)| {
        let what = format!("{name} {party} accepts at {}", accepted.at);
        (accepted.at.max(begins), what)
    }));
    for (party, departures) in &instrument.departures {
        let accepted = instrument.accepted.get(party).map(|a| a.at);
        all.extend(departures.iter().map(|departure| {
            let what = format!("{name} {party} {:?} {accepted:?}", departure.leaving);
            (departure.from, what)
        }));
    }
    all
}
