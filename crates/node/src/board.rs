//! The duty officer's board: what has to be seen first, in that order. It is computed from the views of whoever looks, and alike
//! for all sides; there is no score of parties in it.

use crate::authority::Eyes;
use crate::node::Node;
use crate::views::{ListQuery, OwedRow, ViewError, Views};
use record::name::CallSign;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use truce::agreement::{Instrument, InstrumentState};
use utoipa::ToSchema;

/// FLASH that are shown.
const FLASH_MAX: u32 = 50;
/// Debts of one's own, and to oneself, that are shown.
const MINE_MAX: usize = 50;
/// Places that are shown.
const PLACES_MAX: usize = 40;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The board.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Whether this is an exercise: nothing in it is real.
    pub exercise: bool,
    /// With whose eyes: a call sign, or `public`.
    pub reader: String,
    /// The time that it is computed for.
    #[schema(format = DateTime)]
    pub now: String,
    /// FLASH that are open.
    pub flash: Vec<FlashRow>,
    /// People on the road who were not heard from.
    pub road: RoadRow,
    /// Lines.
    pub lines: Vec<BoardLine>,
    /// What the own side owes: overdue first, then the next deadline.
    pub mine: Vec<OwedRow>,
    /// What others owe the own side.
    pub awaited: Vec<OwedRow>,
    /// How fresh each log is, and who is on duty there.
    pub logs: Vec<FreshnessRow>,
    /// The truce itself.
    pub truce: TruceRow,
    /// Of each side to each other, the oldest item that is not answered.
    pub oldest: Vec<OwedRow>,
    /// By place: what was reported of the last 24 hours, and of the last 7 days.
    pub places: Vec<PlaceRow>,
    /// What to know when reading the numbers.
    pub notes: Vec<String>,
}

/// An open FLASH.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FlashRow {
    /// Its first message.
    pub reference: String,
    /// To be read aloud.
    pub short: String,
    /// Who calls.
    pub by: String,
    /// Seconds since the first call.
    pub age_s: i64,
    /// How often it was repeated while an answer was missing.
    pub repeats: u64,
    /// Name of the place.
    pub place_name: Option<String>,
    /// Latitude in 1e-7 degree.
    pub lat_e7: Option<i64>,
    /// Longitude in 1e-7 degree.
    pub lon_e7: Option<i64>,
    /// Whether the alarm sounds at the reader's own side.
    pub sounding: bool,
    /// Each recipient: what is missing, and what was answered.
    pub recipients: Vec<FlashRecipient>,
}

/// A recipient of an open FLASH.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FlashRecipient {
    /// Who.
    pub call_sign: String,
    /// `received`, `sent_no_receipt` or `unreachable`.
    pub delivery: String,
    /// What is missing.
    pub missing: Vec<String>,
    /// What was answered last: `checking` holds and answers nothing.
    pub replies: Vec<String>,
    /// When the answer is due.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Seconds by which it is overdue.
    pub overdue_s: i64,
}

/// People on the road.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RoadRow {
    /// Movements that are held here.
    pub notified: u64,
    /// What to know of it.
    pub note: String,
}

/// A line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BoardLine {
    /// Short name.
    pub id: String,
    /// One end.
    pub a: EndRow,
    /// The other end.
    pub b: EndRow,
    /// The last time at which both ends heard each other.
    #[schema(format = DateTime)]
    pub last_two_way_at: Option<String>,
    /// Over which means.
    pub over: Option<String>,
    /// Seconds since then.
    pub age_s: Option<i64>,
    /// Means that are said not to work.
    pub faults: Vec<String>,
}

impl BoardLine {
    /// Both ends.
    #[must_use]
    pub fn ends(&self) -> [&EndRow; 2] {
        [&self.a, &self.b]
    }
}

/// One end of a line.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EndRow {
    /// Who.
    pub call_sign: String,
    /// What it said of its last test: `heard`, `not_heard` or `fault`.
    pub last_test: Option<String>,
    /// When it tested.
    #[schema(format = DateTime)]
    pub tested_at: Option<String>,
    /// Which officer is on duty, by office.
    pub officer: Option<String>,
    /// Languages on this watch.
    pub languages: Vec<String>,
}

/// A participant's log and watch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FreshnessRow {
    /// Whose.
    pub call_sign: String,
    /// The last entry that is applied here, to be read aloud.
    pub applied: String,
    /// When its last statement that the reader may read was said.
    #[schema(format = DateTime)]
    pub last_at: Option<String>,
    /// Seconds since then.
    pub age_s: Option<i64>,
    /// Which officer is on duty, by office.
    pub officer: Option<String>,
    /// When relief is due.
    #[schema(format = DateTime)]
    pub relief_at: Option<String>,
    /// Whether relief is overdue.
    pub relief_overdue: bool,
}

/// The truce itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TruceRow {
    /// Name of the instrument that governs.
    pub name: Option<String>,
    /// Its day, from 1, by the calendar of its own time zone.
    pub day: Option<i64>,
    /// Since when it binds.
    #[schema(format = DateTime)]
    pub in_force_since: Option<String>,
}

/// A place.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PlaceRow {
    /// Place code, or name where there is no code.
    pub place: String,
    /// What the gazetteer calls it.
    pub name: Option<String>,
    /// Reports of the last 24 hours: allegations, each by its source.
    pub day_alleged: u64,
    /// Of them, access that was denied or delayed.
    pub day_access_denied: u64,
    /// Reports of the last 7 days.
    pub week_alleged: u64,
    /// Of them, access that was denied or delayed.
    pub week_access_denied: u64,
}

impl Board {
    /// The board of `eyes` at `now`; `own` is the side whose debts are shown.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn of(
        node: &Node,
        eyes: &Eyes,
        own: Option<&CallSign>,
        now: UtcMs,
    ) -> Result<Self, ViewError> {
        let views = node.views(eyes);
        let due = views.due(now)?;
        let is_own = |sign: &str| own.is_some_and(|own| own.as_str() == sign);
        let some = |rows: Vec<OwedRow>| rows.into_iter().take(MINE_MAX).collect();
        let mine = due
            .iter()
            .filter(|row| is_own(&row.by) && row.what != "flash");
        let awaited = due.iter().filter(|row| is_own(&row.to) && !is_own(&row.by));
        Ok(Self {
            exercise: node.is_exercise(),
            reader: own.map_or_else(|| "public".to_owned(), ToString::to_string),
            now: now.to_string(),
            flash: flash(node, views, eyes, own, now)?,
            road: road(views)?,
            lines: lines(views, now)?,
            mine: some(mine.cloned().collect()),
            awaited: some(awaited.cloned().collect()),
            logs: logs(views, now)?,
            truce: truce(views, now),
            oldest: oldest(&due),
            places: places(node, views, now)?,
            notes: notes(),
        })
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn time(value: &Value) -> Option<UtcMs> {
    value.as_str().and_then(|text| UtcMs::parse(text).ok())
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(text)
        .collect()
}

fn flash(
    node: &Node,
    views: &Views,
    eyes: &Eyes,
    own: Option<&CallSign>,
    now: UtcMs,
) -> Result<Vec<FlashRow>, ViewError> {
    let query = ListQuery {
        tag: Some("FLASH".into()),
        open: Some(true),
        limit: FLASH_MAX,
        ..ListQuery::default()
    };
    let mut rows = Vec::new();
    for body in views.list("matter", &query)?.items {
        let matter: Value = serde_json::from_str(&body).unwrap_or_default();
        if time(&matter["first_at"]).is_none_or(|first| first > now) {
            continue;
        }
        rows.push(flash_row(node, eyes, own, &matter, now));
    }
    Ok(rows)
}

fn flash_row(
    node: &Node,
    eyes: &Eyes,
    own: Option<&CallSign>,
    matter: &Value,
    now: UtcMs,
) -> FlashRow {
    let first = time(&matter["first_at"]).unwrap_or(now);
    let sends = matter["sends"].as_array().map_or(&[][..], Vec::as_slice);
    let last = |member: &str| {
        sends.iter().rev().find_map(|send| {
            let value = &send["message"][member];
            (!value.is_null()).then(|| value.clone())
        })
    };
    let place = last("place").unwrap_or_default();
    let reference = text(&matter["reference"]).unwrap_or_default();
    let recipients = matter["recipients"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    FlashRow {
        short: short(matter["by"].as_str().unwrap_or_default(), &reference),
        by: text(&matter["by"]).unwrap_or_default(),
        age_s: (now.0 - first.0) / 1000,
        repeats: matter["rung"].as_u64().unwrap_or_default(),
        place_name: last("place_name").as_ref().and_then(text),
        lat_e7: place["lat_e7"].as_i64(),
        lon_e7: place["lon_e7"].as_i64(),
        sounding: own.is_some_and(|own| sounds(node, eyes, own, matter, now)),
        recipients: recipients
            .iter()
            .map(|recipient| flash_recipient(recipient, now))
            .collect(),
        reference,
    }
}

/// As `truce::contact::Matter::is_sounding` has it: its arrival, each new place, each repeat and the deadline sound, until somebody
/// has read and answered it; silencing acknowledges nothing, and what comes later sounds again.
fn sounds(node: &Node, eyes: &Eyes, own: &CallSign, matter: &Value, now: UtcMs) -> bool {
    let mut recipients = matter["recipients"].as_array().into_iter().flatten();
    let Some(state) = recipients.find(|state| state["call_sign"] == own.as_str()) else {
        return false;
    };
    let silent = |part: &Value| part["state"] == "silent";
    let parts = state["parts"].as_array();
    let answered = !parts.into_iter().flatten().any(silent);
    if answered && !state["acknowledged"].is_null() {
        return false;
    }
    let reference = matter["reference"].as_str().unwrap_or_default();
    let silenced = node.timers().silenced_at(eyes, reference).ok().flatten();
    let sends = matter["sends"].as_array().into_iter().flatten();
    let mut sounded: Vec<UtcMs> = sends.filter_map(|send| time(&send["at"])).collect();
    sounded.extend(time(&state["due_at"]).filter(|_| !answered));
    let last = sounded.into_iter().filter(|at| *at <= now).max();
    last.is_some_and(|last| silenced.is_none_or(|silenced| last > silenced))
}

fn flash_recipient(state: &Value, now: UtcMs) -> FlashRecipient {
    let parts = state["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let answered = parts.iter().all(|part| part["state"] != "silent");
    let due = time(&state["due_at"]);
    let overdue = due.filter(|due| !answered && now >= *due);
    FlashRecipient {
        call_sign: text(&state["call_sign"]).unwrap_or_default(),
        delivery: text(&state["delivery"]).unwrap_or_default(),
        missing: texts(&state["missing"]),
        replies: parts
            .iter()
            .filter_map(|part| {
                text(&part["reply"])
                    .or_else(|| text(&part["state"]).filter(|state| state == "refused"))
            })
            .chain((!state["holding"].is_null()).then(|| "holding".to_owned()))
            .collect(),
        due_at: due.map(|at| at.to_string()),
        overdue_s: overdue.map_or(0, |due| (now.0 - due.0) / 1000),
    }
}

/// `RU-412` of a full reference.
fn short(by: &str, reference: &str) -> String {
    let index = reference
        .split('#')
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    format!("{by}-{}", index.unwrap_or_default())
}

fn road(views: &Views) -> Result<RoadRow, ViewError> {
    let query = ListQuery {
        limit: 1,
        ..ListQuery::default()
    };
    let notified = views.statements(Some("movement.notify/1"), &query)?.total;
    let note = if notified == 0 {
        "no movement is notified here"
    } else {
        "movements are kept and not yet followed by this version: follow them by radio"
    };
    Ok(RoadRow {
        notified,
        note: note.into(),
    })
}

fn lines(views: &Views, now: UtcMs) -> Result<Vec<BoardLine>, ViewError> {
    let context = views.context();
    let in_force = |of: &record::name::Reference| {
        context
            .agreement
            .in_force(now)
            .any(|instrument| instrument.reference == *of)
    };
    let all = views
        .lines()?
        .into_iter()
        .filter(|((instrument, _), _)| in_force(instrument));
    let rows = all.map(|(_, state)| {
        let end = |sign: &CallSign| {
            let test = state.last_of(sign, now);
            let watch = context
                .directory
                .origin(sign)
                .and_then(|origin| context.shifts.get(origin)?.on_duty(now));
            EndRow {
                call_sign: sign.to_string(),
                last_test: test.map(|test| crate::views::contact::word(&test.result)),
                tested_at: test.map(|test| test.tested_at.to_string()),
                officer: watch.map(|watch| watch.officer.to_string()),
                languages: watch
                    .into_iter()
                    .flat_map(|watch| &watch.languages)
                    .map(ToString::to_string)
                    .collect(),
            }
        };
        let two_way = state.last_two_way.filter(|(at, _)| *at <= now);
        BoardLine {
            id: state.line.id.to_string(),
            a: end(&state.line.a),
            b: end(&state.line.b),
            last_two_way_at: two_way.map(|(at, _)| at.to_string()),
            over: two_way.map(|(_, means)| crate::views::contact::word(&means)),
            age_s: two_way.map(|(at, _)| (now.0 - at.0) / 1000),
            faults: state
                .faults
                .keys()
                .map(crate::views::contact::word)
                .collect(),
        }
    });
    Ok(rows.collect())
}

fn logs(views: &Views, now: UtcMs) -> Result<Vec<FreshnessRow>, ViewError> {
    let context = views.context();
    let mut rows = Vec::new();
    for sign in context.directory.call_signs() {
        let Some(origin) = context.directory.origin(sign) else {
            continue;
        };
        let applied = context.folded.get(origin).copied().unwrap_or(0);
        let last = views.last_said(origin)?.filter(|at| *at <= now);
        let watch = context
            .shifts
            .get(origin)
            .and_then(|shifts| shifts.on_duty(now));
        rows.push(FreshnessRow {
            call_sign: sign.to_string(),
            applied: applied
                .checked_sub(1)
                .map_or_else(|| "nothing".to_owned(), |last| format!("{sign}-{last}")),
            last_at: last.map(|at| at.to_string()),
            age_s: last.map(|at| (now.0 - at.0) / 1000),
            officer: watch.map(|watch| watch.officer.to_string()),
            relief_at: watch.map(|watch| watch.until.to_string()),
            relief_overdue: watch.is_some_and(|watch| watch.until <= now),
        });
    }
    Ok(rows)
}

fn truce(views: &Views, now: UtcMs) -> TruceRow {
    let context = views.context();
    // Rules of a joint procedure govern lines and clocks; the day is counted of the truce itself, the first that binds.
    let truces = context.agreement.in_force(now).filter(|instrument| {
        instrument.table.formality != truce::agreement::Formality::JointProcedure
    });
    let first = truces.min_by_key(|instrument| instrument.begins_at());
    TruceRow {
        name: first.map(|instrument| instrument.table.name.to_string()),
        day: first.and_then(|instrument| day(instrument, now)),
        in_force_since: first.and_then(|instrument| match instrument.at(now) {
            InstrumentState::InForce { since } => Some(since.to_string()),
            _ => None,
        }),
    }
}

/// The day of a truce, from 1, by the calendar of the offset in which its beginning is written.
#[must_use]
pub fn day(instrument: &Instrument, now: UtcMs) -> Option<i64> {
    let written = instrument.table.in_force_from.as_str();
    let offset_ms = offset_ms(written);
    let date = |at: UtcMs| (at.0 + offset_ms).div_euclid(DAY_MS);
    Some(date(now) - date(instrument.begins_at()?) + 1)
}

/// The offset of an RFC 3339 time, in milliseconds east.
fn offset_ms(text: &str) -> i64 {
    let Some(zone) = text.len().checked_sub(6).and_then(|at| text.get(at..)) else {
        return 0;
    };
    let number = |from: usize| {
        zone.get(from..from + 2)
            .and_then(|digits| digits.parse::<i64>().ok())
    };
    let east = match zone.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return 0,
    };
    match (number(1), number(4)) {
        (Some(hours), Some(minutes)) => east * (hours * HOUR_MS + minutes * 60_000),
        _ => 0,
    }
}

/// Of each direction the oldest: who owes whom.
fn oldest(due: &[OwedRow]) -> Vec<OwedRow> {
    let mut oldest: BTreeMap<(&str, &str), &OwedRow> = BTreeMap::new();
    let answers = ["answer", "acceptance", "area_response", "separation_answer"];
    for row in due
        .iter()
        .filter(|row| answers.contains(&row.what.as_str()))
    {
        let known = oldest.entry((&row.by, &row.to)).or_insert(row);
        if row.age_s > known.age_s {
            *known = row;
        }
    }
    let mut rows: Vec<OwedRow> = oldest.into_values().cloned().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.age_s));
    rows
}

fn places(node: &Node, views: &Views, now: UtcMs) -> Result<Vec<PlaceRow>, ViewError> {
    const ACCESS: &str = "access_denied";
    let mut rows: BTreeMap<String, PlaceRow> = BTreeMap::new();
    for (span_ms, week) in [(7 * DAY_MS, true), (DAY_MS, false)] {
        for (place, category, count) in views.reported(UtcMs(now.0 - span_ms), now)? {
            let row = rows.entry(place.clone()).or_insert_with(|| PlaceRow {
                place,
                name: None,
                day_alleged: 0,
                day_access_denied: 0,
                week_alleged: 0,
                week_access_denied: 0,
            });
            let denied = if category == ACCESS { count } else { 0 };
            if week {
                row.week_alleged += count;
                row.week_access_denied += denied;
            } else {
                row.day_alleged += count;
                row.day_access_denied += denied;
            }
        }
    }
    let mut rows: Vec<PlaceRow> = rows.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.day_alleged, row.week_alleged)));
    rows.truncate(PLACES_MAX);
    for row in &mut rows {
        row.name = node.places().name_of_code(&row.place, "en")?;
    }
    Ok(rows)
}

fn notes() -> Vec<String> {
    [
        "Alleged: reports as they were filed, each by its source. A report is no finding.",
        "Verified: nothing is verified by this version; every report is undetermined until people verify it.",
        "Hours observed are not logged yet: few reports may mean few eyes.",
        "Days are not hours: what is known to the day counts when its day touches the last 24 hours.",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_from_the_text() {
        assert_eq!(offset_ms("2016-02-27T00:00:00+02:00"), 2 * HOUR_MS);
        assert_eq!(
            offset_ms("2016-02-27T00:00:00-03:30"),
            -(3 * HOUR_MS + HOUR_MS / 2)
        );
        assert_eq!(offset_ms("2016-02-27T00:00:00Z"), 0);
    }
}
