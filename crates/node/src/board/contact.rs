//! Lines with who is at both ends, and watches.

use super::{Moment, seconds_since};
use crate::views::contact::word;
use crate::views::{OwedRow, Side};
use record::name::{CallSign, Reference};
use serde::Serialize;
use std::collections::BTreeMap;
use truce::contact::{LineState, Shift};
use truce::values::Slug;
use utoipa::ToSchema;

/// Lines, by instrument and short name.
pub(super) type Lines = BTreeMap<(Reference, Slug), LineState>;

/// A line, with who is at both ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardLine {
    /// The instrument that names it: full reference.
    pub instrument: String,
    /// Its short name.
    #[schema(example = "ru-us")]
    pub line: String,
    /// One end.
    pub a: BoardEnd,
    /// The other end.
    pub b: BoardEnd,
    /// When both ends last heard each other.
    #[schema(format = DateTime)]
    pub two_way_at: Option<String>,
    /// Seconds since then.
    pub two_way_age_s: Option<i64>,
    /// Over which means: `primary`, `alternate`, `contingency` or `emergency`.
    pub two_way_over: Option<String>,
    /// Means that do not work.
    pub faults: Vec<BoardFault>,
}

/// One end of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardEnd {
    /// Whose.
    pub call_sign: String,
    /// What it last said of a test.
    pub last_test: Option<BoardTest>,
    /// The officer on duty, by office; absent when no watch is open there.
    pub officer: Option<String>,
    /// Languages on duty.
    pub languages: Vec<String>,
}

/// One end's word on a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardTest {
    /// When it was tested.
    #[schema(format = DateTime)]
    pub at: String,
    /// Seconds since then.
    pub age_s: i64,
    /// Over which means.
    pub means: String,
    /// `heard`, `not_heard` or `fault`.
    pub result: String,
}

/// A means that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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

/// A watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardWatch {
    /// Whose.
    pub call_sign: String,
    /// Which officer, by office.
    pub officer: String,
    /// Languages on this watch.
    pub languages: Vec<String>,
    /// When relief is due.
    #[schema(format = DateTime)]
    pub until: String,
    /// By how many seconds it is overdue.
    pub overdue_s: i64,
}

impl Moment<'_> {
    pub(super) fn line(&self, instrument: &Reference, state: &LineState) -> BoardLine {
        let line = state.line.id.to_string();
        let faults = state.faults.iter().flat_map(|(means, faults)| {
            faults.iter().map(|(_, by, since)| BoardFault {
                line: line.clone(),
                means: word(means),
                by: by.to_string(),
                since: since.to_string(),
                age_s: seconds_since(*since, self.now),
            })
        });
        BoardLine {
            instrument: instrument.to_string(),
            a: self.end(state, &state.line.a),
            b: self.end(state, &state.line.b),
            two_way_at: state.last_two_way.map(|(at, _)| at.to_string()),
            two_way_age_s: state
                .last_two_way
                .map(|(at, _)| seconds_since(at, self.now)),
            two_way_over: state.last_two_way.map(|(_, means)| word(&means)),
            faults: faults.collect(),
            line,
        }
    }

    fn end(&self, state: &LineState, end: &CallSign) -> BoardEnd {
        let test = state.last_of(end, self.now).map(|test| BoardTest {
            at: test.tested_at.to_string(),
            age_s: seconds_since(test.tested_at, self.now),
            means: word(&test.means),
            result: word(&test.result),
        });
        let watch = self.watch(end);
        BoardEnd {
            call_sign: end.to_string(),
            last_test: test,
            officer: watch.map(|watch| watch.officer.to_string()),
            languages: watch.map(languages).unwrap_or_default(),
        }
    }

    /// The watch that has the duty at a participant.
    fn watch(&self, call_sign: &CallSign) -> Option<&Shift> {
        let context = self.moment.context();
        let origin = context.directory.origin(call_sign)?;
        context.shifts.get(origin)?.on_duty(self.now)
    }

    pub(super) fn watches(&self) -> Vec<BoardWatch> {
        let signs = self.moment.context().directory.call_signs();
        let watches = signs.filter_map(|sign| {
            let watch = self.watch(sign)?;
            Some(BoardWatch {
                call_sign: sign.to_string(),
                officer: watch.officer.to_string(),
                languages: languages(watch),
                until: watch.until.to_string(),
                overdue_s: seconds_since(watch.until, self.now),
            })
        });
        watches.collect()
    }

    /// What is owed beside messages: words on line tests, and the relief of the own watch.
    pub(super) fn beside(&self, own: &CallSign, side: Side, lines: &Lines) -> Vec<OwedRow> {
        let context = self.moment.context();
        let mut items = truce::due::line_tests(lines, &context.agreement, self.now);
        items.extend(truce::due::reliefs(
            &context.shifts,
            &context.directory,
            self.now,
        ));
        let mine = items.iter().filter(|item| match side {
            Side::Owes => item.by == *own,
            Side::IsOwed => item.to == *own && item.by != *own,
        });
        mine.map(|item| OwedRow::of(context, item, self.now))
            .collect()
    }

    /// A reference to be read aloud.
    pub(super) fn short(&self, reference: &Reference) -> String {
        crate::views::short(self.moment.context(), &reference.origin, reference.index)
    }
}

fn languages(watch: &Shift) -> Vec<String> {
    watch.languages.iter().map(ToString::to_string).collect()
}
