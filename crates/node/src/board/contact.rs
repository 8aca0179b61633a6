//! Lines with who is at both ends, and watches.

use super::{Moment, seconds_since};
use crate::views::contact::word;
use crate::views::{OwedRow, Side};
use record::name::{CallSign, Reference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use truce::contact::{LineState, Shift};
use truce::due::Item;
use truce::values::Slug;
use utoipa::ToSchema;

/// Lines, by instrument and short name.
pub(super) type Lines = BTreeMap<(Reference, Slug), LineState>;

/// A line, with who is at both ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardLine {
    /// The instrument that names it: full reference.
    pub instrument: String,
    /// Its short name.
    #[schema(example = "ru-us")]
    pub id: String,
    /// One end.
    pub a: BoardEnd,
    /// The other end.
    pub b: BoardEnd,
    /// When both ends last heard each other.
    #[schema(format = DateTime)]
    pub last_two_way_at: Option<String>,
    /// Over which means: `primary`, `alternate`, `contingency` or `emergency`.
    pub over: Option<String>,
    /// Seconds since then.
    pub age_s: Option<i64>,
    /// Means that are said not to work.
    pub faults: Vec<String>,
}

impl BoardLine {
    /// Both ends.
    #[must_use]
    pub fn ends(&self) -> [&BoardEnd; 2] {
        [&self.a, &self.b]
    }
}

/// One end of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardEnd {
    /// Whose.
    pub call_sign: String,
    /// What it said of its last test: `heard`, `not_heard` or `fault`.
    pub last_test: Option<String>,
    /// When it tested.
    #[schema(format = DateTime)]
    pub tested_at: Option<String>,
    /// Over which means.
    pub tested_over: Option<String>,
    /// Which officer is on duty, by office; absent when no watch is open there.
    pub officer: Option<String>,
    /// Languages on duty.
    pub languages: Vec<String>,
}

/// A means that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardFault {
    /// Of which line.
    pub line: String,
    /// Which.
    pub means: String,
    /// Who says so.
    pub by: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// For how many seconds.
    pub age_s: i64,
}

impl Moment<'_> {
    pub(super) fn line(&self, instrument: &Reference, state: &LineState) -> BoardLine {
        let two_way = state.last_two_way;
        BoardLine {
            instrument: instrument.to_string(),
            id: state.line.id.to_string(),
            a: self.end(state, &state.line.a),
            b: self.end(state, &state.line.b),
            last_two_way_at: two_way.map(|(at, _)| at.to_string()),
            over: two_way.map(|(_, means)| word(&means)),
            age_s: two_way.map(|(at, _)| seconds_since(at, self.now)),
            faults: state.faults.keys().map(word).collect(),
        }
    }

    pub(super) fn faults(&self, state: &LineState) -> Vec<BoardFault> {
        let faults = state.faults.iter().flat_map(|(means, faults)| {
            faults.iter().map(|(_, by, since)| BoardFault {
                line: state.line.id.to_string(),
                means: word(means),
                by: by.to_string(),
                since: since.to_string(),
                age_s: seconds_since(*since, self.now),
            })
        });
        faults.collect()
    }

    fn end(&self, state: &LineState, end: &CallSign) -> BoardEnd {
        let test = state.last_of(end, self.now);
        let watch = self.watch(end);
        BoardEnd {
            call_sign: end.to_string(),
            last_test: test.map(|test| word(&test.result)),
            tested_at: test.map(|test| test.tested_at.to_string()),
            tested_over: test.map(|test| word(&test.means)),
            officer: watch.map(|watch| watch.officer.to_string()),
            languages: watch.map(languages).unwrap_or_default(),
        }
    }

    /// The watch that has the duty at a participant.
    pub(super) fn watch(&self, call_sign: &CallSign) -> Option<&Shift> {
        let context = self.moment.context();
        let origin = context.directory.origin(call_sign)?;
        context.shifts.get(origin)?.on_duty(self.now)
    }

    /// What is owed beside messages: words on line tests, and the relief of the own watch.
    pub(super) fn beside(&self, own: &CallSign, side: Side, lines: &Lines) -> Vec<(Item, OwedRow)> {
        let context = self.moment.context();
        let mut items = truce::due::line_tests(lines, &context.agreement, self.now);
        items.extend(truce::due::reliefs(
            &context.shifts,
            &context.directory,
            self.now,
        ));
        items.retain(|item| match side {
            Side::Owes => item.by == *own,
            Side::IsOwed => item.to == *own && item.by != *own,
        });
        let row = |item: Item| {
            (
                item.clone(),
                crate::views::item_row(context, &item, self.now),
            )
        };
        items.into_iter().map(row).collect()
    }

    /// A reference to be read aloud.
    pub(super) fn short(&self, reference: &Reference) -> String {
        crate::views::short(self.moment.context(), &reference.origin, reference.index)
    }
}

pub(super) fn languages(watch: &Shift) -> Vec<String> {
    watch.languages.iter().map(ToString::to_string).collect()
}
