//! The day of the truce, what is agreed, and the oldest that is unanswered in each direction: alike for all sides.

use super::{DIRECTIONS_MAX, Moment};
use crate::views::{OwedRow, ViewError};
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use truce::agreement::{Agreement, Formality, Instrument, InstrumentState};
use utoipa::ToSchema;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Most versions of an instrument that are gone back through to its first day.
const VERSIONS_MAX: usize = 64;

/// The truce itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardTruce {
    /// Name of the instrument whose days are counted.
    pub name: Option<String>,
    /// Which day of the truce it is: 1 is the first day in force. Absent when no instrument is in force.
    #[schema(example = 116)]
    pub day: Option<i64>,
    /// Since when it binds.
    #[schema(format = DateTime)]
    pub in_force_since: Option<String>,
    /// The first day in force, in the instrument's own offset from UTC.
    #[schema(example = "2016-02-27")]
    pub first_day: Option<String>,
    /// That offset.
    #[schema(example = "+02:00")]
    pub offset: Option<String>,
    /// What is agreed or before the parties.
    pub instruments: Vec<BoardInstrument>,
}

/// An instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardInstrument {
    /// Where it was tabled: full reference.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// `tabled`, `accepted`, `in_force`, `suspended` or `ended`.
    pub state: String,
    /// Until when it can be accepted, when it begins, or since when it is in that state.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who has not spoken, suspended it or ended it.
    pub by: Vec<String>,
}

impl Moment<'_> {
    pub(super) fn truce(&self) -> BoardTruce {
        let agreement = &*self.moment.context().agreement;
        // Rules of a joint procedure govern lines and clocks; the days are counted of the truce itself, the first that binds.
        let truces = agreement
            .in_force(self.now)
            .filter(|instrument| instrument.table.formality != Formality::JointProcedure);
        let counted = truces.min_by_key(|instrument| instrument.begins_at());
        let day = counted.and_then(|counted| {
            let first = first_version(agreement, counted);
            let offset = first.table.in_force_from.as_str();
            Some(Day::of(first.begins_at()?, offset, self.now))
        });
        BoardTruce {
            name: counted.map(|counted| counted.table.name.to_string()),
            in_force_since: counted.and_then(|counted| match counted.at(self.now) {
                InstrumentState::InForce { since } => Some(since.to_string()),
                _ => None,
            }),
            day: day.as_ref().map(|day| day.number),
            first_day: day.as_ref().map(|day| day.first.clone()),
            offset: day.map(|day| day.offset),
            instruments: instruments(agreement, self.now),
        }
    }

    pub(super) fn oldest(&self) -> Result<(Vec<OwedRow>, u64), ViewError> {
        let oldest = self.moment.oldest_by_direction(self.now, DIRECTIONS_MAX)?;
        Ok((oldest.first, oldest.total))
    }
}

/// The instrument with which it began: an amended truce goes on counting, one that was tabled anew begins anew.
fn first_version<'a>(agreement: &'a Agreement, governing: &'a Instrument) -> &'a Instrument {
    let mut first = governing;
    for _ in 0..VERSIONS_MAX {
        let amended = first.amends.as_ref();
        let before = amended.and_then(|amended| agreement.instruments.get(amended));
        let follows = |before: &&Instrument| {
            let by = before.amended.as_ref().map(|(by, _)| by);
            by == Some(&first.reference) && before.begins_at() <= first.begins_at()
        };
        match before.filter(follows) {
            Some(before) if before.begins_at().is_some() => first = before,
            _ => break,
        }
    }
    first
}

/// A day of the truce.
#[derive(Debug, PartialEq, Eq)]
struct Day {
    number: i64,
    first: String,
    offset: String,
}

impl Day {
    /// Counts calendar days in the offset in which `written` says a time.
    fn of(begins: UtcMs, written: &str, now: UtcMs) -> Self {
        let (offset, offset_ms) = offset(written);
        let day = |at: UtcMs| (at.0 + offset_ms).div_euclid(DAY_MS);
        let text = UtcMs(begins.0 + offset_ms).to_string();
        Self {
            number: day(now) - day(begins) + 1,
            first: text.split('T').next().unwrap_or_default().to_owned(),
            offset,
        }
    }
}

/// The offset at the end of an RFC 3339 time, as text and in milliseconds.
fn offset(written: &str) -> (String, i64) {
    let at = written.len().saturating_sub(6);
    let tail = written.get(at..).unwrap_or_default();
    let minutes = || {
        let sign = match tail.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, minutes) = tail[1..].split_once(':')?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        Some(sign * (hours * 60 + minutes))
    };
    minutes().map_or_else(
        || ("+00:00".to_owned(), 0),
        |minutes| (tail.to_owned(), minutes * 60_000),
    )
}

/// What stands now, the governing instrument first; when nothing does, what ended last.
fn instruments(agreement: &Agreement, now: UtcMs) -> Vec<BoardInstrument> {
    let known = agreement
        .instruments
        .values()
        .filter(|i| i.tabled_at <= now);
    let governing = agreement
        .governing(now)
        .map(|governing| &governing.reference);
    let mut stand = Vec::new();
    let mut ended = Vec::new();
    for instrument in known {
        let state = instrument.at(now);
        let Some(row) = row(instrument, &state) else {
            continue;
        };
        let list = if matches!(state, InstrumentState::Ended { .. }) {
            &mut ended
        } else {
            &mut stand
        };
        list.push((Some(&instrument.reference) != governing, row));
    }
    if stand.is_empty() {
        ended.sort_by_key(|(_, row)| Reverse(row.at.clone()));
        return ended.into_iter().take(1).map(|(_, row)| row).collect();
    }
    stand.sort_by(|(a, one), (b, other)| (a, &one.at).cmp(&(b, &other.at)));
    stand.into_iter().map(|(_, row)| row).collect()
}

fn row(instrument: &Instrument, state: &InstrumentState) -> Option<BoardInstrument> {
    let nobody: &[_] = &[];
    let (state, at, by) = match state {
        InstrumentState::Tabled { accept_by, silent } => ("tabled", accept_by, silent.as_slice()),
        InstrumentState::Accepted { in_force_from } => ("accepted", in_force_from, nobody),
        InstrumentState::InForce { since } => ("in_force", since, nobody),
        InstrumentState::Suspended { since, by } => ("suspended", since, by.as_slice()),
        InstrumentState::Ended { at, by } => ("ended", at, by.as_slice()),
        InstrumentState::Lapsed { .. } | InstrumentState::Amended { .. } => return None,
    };
    Some(BoardInstrument {
        reference: instrument.reference.to_string(),
        name: instrument.table.name.to_string(),
        version: instrument.table.version.get(),
        state: state.to_owned(),
        at: at.to_string(),
        by: by.iter().map(ToString::to_string).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(begins: &str, written: &str, now: &str) -> i64 {
        let utc = |text| UtcMs::parse(text).unwrap();
        Day::of(utc(begins), written, utc(now)).number
    }

    #[test]
    fn the_first_day_in_force_is_day_one_in_the_instruments_own_offset() {
        let damascus = "2016-02-27T00:00:00+02:00";
        assert_eq!(day(damascus, damascus, "2016-06-21T09:00:00Z"), 116);
        assert_eq!(day(damascus, damascus, "2016-02-26T22:00:00Z"), 1);
        assert_eq!(day(damascus, damascus, "2016-02-27T21:59:59Z"), 1);
        assert_eq!(day(damascus, damascus, "2016-02-27T22:00:00Z"), 2);
        let utc = "2016-02-27T00:00:00Z";
        assert_eq!(day(utc, utc, "2016-02-27T23:59:59Z"), 1);
        let west = "2016-02-27T12:00:00-03:30";
        assert_eq!(day(west, west, "2016-02-28T03:29:59Z"), 1);
        assert_eq!(day(west, west, "2016-02-28T03:30:00Z"), 2);
        let first = Day::of(
            UtcMs::parse(damascus).unwrap(),
            damascus,
            UtcMs::parse(damascus).unwrap(),
        );
        assert_eq!(
            (first.first.as_str(), first.offset.as_str()),
            ("2016-02-27", "+02:00")
        );
    }
}
