//! What meets a volume or a route, among the notices that the asker may read.

use super::App;
use super::api::{Asker, read};
use super::auth::SignedIn;
use super::problem::{Kind, Problem};
use super::strict::Json;
use crate::accounts::Scope;
use crate::accounts::rate::Key;
use crate::deconfliction::{self, Checked, Met, NO_CLEARANCE, NotCompared, Noticed, convert};
use crate::reads::Probe;
use crate::views::{Context, short};
use axum::extract::State;
use record::name::Origin;
use record::time::UtcMs;
use serde::Serialize;
use serde_json::{Value, json};
use space::{Judgement, Reason};
use std::sync::Arc;
use truce::protection::UNCHANGED;
use truce::volumes::Asked;
use truce::wire::{BodyError, Place, Wire};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What is asked: a volume or the legs of a route, exactly one of them. `truce` reads it, and says what it reads.
pub struct CheckBody;

impl PartialSchema for CheckBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = Asked::schema();
        schema["examples"] = json!([{"volume": {"circle": {"centre": {"lat_e7": 362_000_000, "lon_e7": 371_600_000}, "radius_m": 2000},
            "datum": "wgs84", "from": "2016-06-22T08:00:00Z", "until": "2016-06-22T12:00:00Z"}}]);
        serde_json::from_value(schema).expect("it is a schema of constant form, and tested")
    }
}

impl ToSchema for CheckBody {}

/// What meets it, among what the asker may read. What he may not read changes nothing here.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckRow {
    /// What this answer is not, in fixed words.
    pub caution: &'static str,
    /// What a notice never does, in fixed words.
    pub protection: &'static str,
    /// Of each log the last entry that was read: the answer is as of these.
    #[schema(example = json!(["MISSION-18", "RU-412"]))]
    pub as_of: Vec<String>,
    /// Notices that meet what was asked, the most serious first. All of them.
    pub conflicts: Vec<ConflictRow>,
    /// Notices that cannot be compared. Nobody knows whether they meet it: ask whoever notified them.
    pub not_compared: Vec<NotComparedRow>,
}

/// A notice that meets what was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictRow {
    /// Which notice.
    #[serde(flatten)]
    pub notice: NoticedRow,
    /// How they meet.
    #[serde(flatten)]
    pub meeting: MeetingRow,
    /// How far the notice is from that place at that time, in centimetres; 0 where it holds it, absent when it is not there then.
    pub apart_cm: Option<i64>,
}

/// A notice that was compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticedRow {
    /// The first notice: full reference.
    pub reference: String,
    /// The version that was compared: the newest one whose exact place the asker reads.
    pub version: String,
    /// `site` or `movement`.
    pub of: &'static str,
    /// Whose it is.
    pub by: String,
}

/// How two volumes meet.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingRow {
    /// `overlap`, `touch`, or `indeterminate`, which counts as a conflict.
    pub verdict: &'static str,
    /// What it rests on: `meeting`; or what is not known well enough, `clocks`, `heights`, `datum`, `precision` or `ring`.
    pub because: &'static str,
    /// Where they meet; where something moves, the place of its centre at `from`.
    pub place: MeetingPlace,
    /// From when; where something moves, one moment of the meeting.
    #[schema(format = DateTime)]
    pub from: String,
    /// Until when, this instant not included; absent when it has no end. Where something moves, the end of that stretch of its way.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// The lowest height that both have, centimetres above the WGS 84 ellipsoid; absent when neither ends below.
    pub floor_cm: Option<i32>,
    /// The highest height that both have; absent when neither ends above.
    pub ceiling_cm: Option<i32>,
    /// By how many milliseconds they miss each other, which is less than clocks may differ.
    pub gap_ms: Option<i64>,
}

/// A place of a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingPlace {
    /// Latitude in 1e-7 degree, north positive.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree, east positive.
    pub lon_e7: i64,
}

/// A notice that cannot be compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotComparedRow {
    /// The first notice: full reference.
    pub reference: String,
    /// Why, by member.
    pub why: String,
}

/// Check a volume or a route
///
/// Finds the sites and movements that meet it in place, height and time, among the notices whose exact place the asker may read.
/// What is not known well enough counts as a conflict. An empty list is no clearance: there may be notices that the asker may not
/// read, and protected places that nobody notified.
#[utoipa::path(
    post, path = "/api/v1/check", tag = "movements", operation_id = "check", request_body = CheckBody,
    responses((status = 200, body = CheckRow), (status = 429, description = "Asked too often")),
    security(("session" = []), ("token" = []))
)]
pub async fn check(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    asker: Asker,
    Json(body): Json<Value>,
) -> Result<Json<CheckRow>, Problem> {
    asker.need(Scope::Read)?;
    let account = caller.account.ok_or_else(Problem::internal)?;
    let taken = app.checked.take(Key::account(account), app.clock.now());
    taken.map_err(|after| {
        Problem::new(Kind::TooManyRequests, "this account asked too often")
            .because("too_many_checks")
            .retry_after(after)
    })?;
    let row = read(move || answer(&asker, &body)).await?;
    Ok(Json(row))
}

fn answer(asker: &Asker, body: &Value) -> Result<CheckRow, Problem> {
    let refused = |error: BodyError| {
        let place = match error.place() {
            "the statement" => "the body".to_owned(),
            place => place.to_owned(),
        };
        Problem::refused(place, error.rule())
    };
    let asked = Asked::read(body, &Place::Top).map_err(refused)?;
    let member = match asked.volume {
        Some(_) => "volume",
        None => "legs",
    };
    let notified = asked.notified().ok_or_else(Problem::internal)?;
    let volumes =
        convert::volumes(&notified, &Place::Member(&Place::Top, member)).map_err(|error| {
            Problem::refused(error.place, format!("cannot be taken: {}", error.error))
        })?;
    let index = asker.node.notified(&asker.eyes);
    let checked = index.check(&asker.views, &volumes)?;
    let told = checked
        .met
        .iter()
        .map(|met| met.notice.reference.to_string());
    asker.count(&told.collect());
    asker.checked(Probe::of(&volumes));
    Ok(CheckRow::of(checked, &asker.views.context()))
}

/// Of each log the last entry that was read, to be read aloud.
pub(super) fn as_of(read: &[(Origin, u64)], context: &Context) -> Vec<String> {
    let read = read.iter();
    let mut as_of: Vec<String> = read
        .map(|(origin, index)| short(context, origin, *index))
        .collect();
    as_of.sort();
    as_of
}

impl CheckRow {
    fn of(checked: Checked, context: &Context) -> Self {
        let met = checked.met.into_iter();
        Self {
            caution: NO_CLEARANCE,
            protection: UNCHANGED,
            as_of: as_of(&checked.read, context),
            conflicts: met.filter_map(ConflictRow::of).collect(),
            not_compared: checked
                .not_compared
                .into_iter()
                .map(|NotCompared { reference, why }| NotComparedRow { reference, why })
                .collect(),
        }
    }
}

impl ConflictRow {
    pub(super) fn of(met: Met) -> Option<Self> {
        Some(Self {
            meeting: MeetingRow::of(&met.judgement)?,
            notice: NoticedRow::of(met.notice),
            apart_cm: met.apart_m.map(|metres| (metres * 100.0).ceil() as i64),
        })
    }
}

impl NoticedRow {
    pub(super) fn of(notice: Noticed) -> Self {
        Self {
            reference: notice.reference.to_string(),
            version: notice.version,
            of: if notice.is_site { "site" } else { "movement" },
            by: notice.by,
        }
    }
}

impl MeetingRow {
    /// `None` when they do not meet.
    pub(super) fn of(judgement: &Judgement) -> Option<Self> {
        let witness = judgement.witness?;
        let e7 = |e8: i64| (e8 + 5).div_euclid(10);
        let time = |at: space::UtcMs| UtcMs(at.0).to_string();
        Some(Self {
            verdict: deconfliction::word(judgement.verdict)?,
            because: deconfliction::because(judgement.reason),
            place: MeetingPlace {
                lat_e7: e7(witness.place.lat_e8()),
                lon_e7: e7(witness.place.lon_e8()),
            },
            from: time(witness.from),
            until: witness.until.map(time),
            floor_cm: (witness.low_cm != i32::MIN).then_some(witness.low_cm),
            ceiling_cm: (witness.high_cm != i32::MAX).then_some(witness.high_cm),
            gap_ms: match judgement.reason {
                Reason::Clocks { gap_ms } => Some(gap_ms),
                _ => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_of_a_question_what_its_reader_says() {
        let mut documented = serde_json::to_value(CheckBody::schema()).unwrap();
        let examples = documented
            .as_object_mut()
            .unwrap()
            .remove("examples")
            .unwrap();
        assert_eq!(documented, Asked::schema());
        assert!(Asked::read(&examples[0], &Place::Top).is_ok());
    }
}
