//! Scripts that are read out over a line, and whether what was read back is what was said.

use super::api::{Asker, read};
use super::problem::Problem;
use super::statements::find;
use super::strict::{Json, Path};
use crate::accounts::Scope;
use crate::views::{ViewError, short};
use crate::voice::read_back::{self, End, ReadBackCheckRow, ReadBackError, Spoken};
use crate::voice::script::{self, Reader, ScriptRow};
use crate::voice::{self, Notice, Of};
use formats::place_entry::TEXT_MAX;
use serde::{Deserialize, Serialize};
use truce::volumes::LEGS_MAX;
use utoipa::ToSchema;

/// Characters of an account's id that mark a copy.
const ACCOUNT_MARK_CHARS: usize = 6;

/// The place of a site as it was read back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteReadBack {
    /// What was heard, in any notation: a grid reference, or latitude and longitude.
    #[schema(example = "37S CA 3457 0770", min_length = 1, max_length = 120)]
    pub text: String,
}

/// A place on a movement's route as it was read back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementReadBack {
    /// What was heard, in any notation.
    #[schema(example = "36.4000N 37.2000E", min_length = 1, max_length = 120)]
    pub text: String,
    /// Of which leg, from 1.
    #[schema(minimum = 1, maximum = 64)]
    pub leg: usize,
    /// Which end of it.
    pub end: End,
}

/// The script of a site
///
/// What is read out over a line of the newest version, sentence by sentence in English, Russian and Arabic. For those who read its
/// exact place; for everybody else there is none. A page to print is at `/sites/{statement}/script`.
#[utoipa::path(
    get, path = "/api/v1/sites/{statement}/script", tag = "sites", operation_id = "site_script",
    params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = ScriptRow)), security(("session" = []), ("token" = []))
)]
pub async fn site_script(
    asker: Asker,
    Path(text): Path<String>,
) -> Result<Json<ScriptRow>, Problem> {
    script_of(asker, Of::Site, &text).await.map(Json)
}

/// The script of a movement
///
/// What is read out over a line of the newest version, leg by leg. For those who read its route; for everybody else there is none. A
/// page to print is at `/movements/{statement}/script`.
#[utoipa::path(
    get, path = "/api/v1/movements/{statement}/script", tag = "movements", operation_id = "movement_script",
    params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = ScriptRow)), security(("session" = []), ("token" = []))
)]
pub async fn movement_script(
    asker: Asker,
    Path(text): Path<String>,
) -> Result<Json<ScriptRow>, Problem> {
    script_of(asker, Of::Movement, &text).await.map(Json)
}

/// Check what was read back of a site
///
/// Compares the place as it was heard with that of the newest version. It says nothing into the record: say `read_back/1` with what
/// stands in `say`.
#[utoipa::path(
    post, path = "/api/v1/sites/{statement}/read-back", tag = "sites", operation_id = "site_read_back", request_body = SiteReadBack,
    params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = ReadBackCheckRow)), security(("session" = []), ("token" = []))
)]
pub async fn site_read_back(
    asker: Asker,
    Path(statement): Path<String>,
    Json(body): Json<SiteReadBack>,
) -> Result<Json<ReadBackCheckRow>, Problem> {
    let notice = exact(&asker, Of::Site, &statement).await?;
    let spoken = read_back::of_site(&notice).ok_or_else(Problem::not_found)?;
    compared(&notice, spoken, &body.text)
}

/// Check what was read back of a movement
///
/// Compares one end of one leg as it was heard with that of the newest version. The record holds a read-back against the place where
/// the movement goes; for the others `say` has no place.
#[utoipa::path(
    post, path = "/api/v1/movements/{statement}/read-back", tag = "movements", operation_id = "movement_read_back",
    request_body = MovementReadBack,
    params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
    responses((status = 200, body = ReadBackCheckRow)), security(("session" = []), ("token" = []))
)]
pub async fn movement_read_back(
    asker: Asker,
    Path(statement): Path<String>,
    Json(body): Json<MovementReadBack>,
) -> Result<Json<ReadBackCheckRow>, Problem> {
    let notice = exact(&asker, Of::Movement, &statement).await?;
    let legs = notice.legs().len();
    let spoken = read_back::of_leg(&notice, body.leg, body.end);
    let spoken = spoken.ok_or_else(|| {
        let rule = format!("is the number of a leg, 1 to {}", legs.min(LEGS_MAX));
        Problem::refused("leg", rule)
    })?;
    compared(&notice, spoken, &body.text)
}

fn compared(
    notice: &Notice,
    spoken: Spoken<'_>,
    text: &str,
) -> Result<Json<ReadBackCheckRow>, Problem> {
    if !(1..=TEXT_MAX).contains(&text.chars().count()) {
        return Err(Problem::refused(
            "text",
            format!("is 1 to {TEXT_MAX} characters"),
        ));
    }
    let refused = |error: ReadBackError| {
        let reason = match error {
            ReadBackError::Unread(_) => "unreadable",
            ReadBackError::Name => "name",
        };
        Problem::refused("text", error.to_string()).because(reason)
    };
    read_back::compare(notice, spoken, text)
        .map(Json)
        .map_err(refused)
}

/// The notice with its exact place, for whoever reads that. What is unknown and what is not his are answered alike.
async fn exact(asker: &Asker, of: Of, text: &str) -> Result<Notice, Problem> {
    asker.need(Scope::Read)?;
    let statement = find(asker, text).await?;
    let asker = asker.clone();
    let notice = read(move || {
        let notice = voice::exact(&asker.views, of, &statement)?;
        let told = notice.iter().map(|notice| notice.first.to_string());
        asker.count(&told.collect());
        Ok::<_, ViewError>(notice)
    });
    notice.await?.ok_or_else(Problem::not_found)
}

/// The script, for the API and for the page.
pub(super) async fn script_of(asker: Asker, of: Of, text: &str) -> Result<ScriptRow, Problem> {
    let notice = exact(&asker, of, text).await?;
    let account = asker.caller.account.ok_or_else(Problem::internal)?;
    let account: String = account
        .to_string()
        .chars()
        .take(ACCOUNT_MARK_CHARS)
        .collect();
    let call_sign = asker.caller.participant.as_ref().map(ToString::to_string);
    let made = read(move || {
        let node = &asker.node;
        let context = asker.views.context();
        let reader = Reader {
            call_sign: call_sign.as_deref().unwrap_or_default(),
            account: &account,
            at: node.now(),
        };
        let version = &notice.version;
        let short = short(&context, &version.origin, version.index);
        script::script(&notice, short, node.is_exercise(), node.places(), &reader)
            .map_err(ViewError::from)
    });
    made.await
}
