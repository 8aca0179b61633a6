//! The one box for places.

use super::api::{Asker, read};
use super::problem::Problem;
use super::strict::Json;
use crate::accounts::Scope;
use crate::places::entry::{self, EntryError, PlaceEntryRow};
use formats::place_entry::TEXT_MAX;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place as somebody types it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceEntry {
    /// A grid reference, latitude and longitude in degrees, minutes or seconds, or a name or code.
    #[schema(example = "36°12.5′N 37°09.6′E", min_length = 1, max_length = 120)]
    pub text: String,
    /// A named place near which it is to lie, by name or code.
    #[schema(example = "Aleppo", min_length = 1, max_length = 120)]
    pub near: Option<String>,
}

/// Read a place as it is typed
///
/// Says in which notation it is written, how fine, how the same place is written elsewhere, and how it lies from the nearest named
/// place; and warns of what looks wrong: exchanged latitude and longitude, minutes that were read as decimals, a place outside of the
/// gazetteer's area or far from the place named beside it. It changes nothing.
#[utoipa::path(
    post, path = "/api/v1/places/entry", tag = "search", operation_id = "read_place", request_body = PlaceEntry,
    responses((status = 200, body = PlaceEntryRow)), security(("session" = []), ("token" = []))
)]
pub async fn entry(
    asker: Asker,
    Json(body): Json<PlaceEntry>,
) -> Result<Json<PlaceEntryRow>, Problem> {
    asker.need(Scope::Read)?;
    for (field, text) in [("text", Some(&body.text)), ("near", body.near.as_ref())] {
        let fits = |text: &String| (1..=TEXT_MAX).contains(&text.chars().count());
        if !text.is_none_or(fits) {
            let rule = format!("is 1 to {TEXT_MAX} characters");
            return Err(Problem::refused(field, rule));
        }
    }
    let node = asker.node;
    let row = read(move || entry::read(node.places(), &body.text, body.near.as_deref())).await?;
    Ok(Json(row))
}

impl From<EntryError> for Problem {
    fn from(error: EntryError) -> Self {
        let rule = error.to_string();
        match error {
            EntryError::Unread(_) => Self::refused("text", rule).because("unreadable"),
            EntryError::UnknownName => Self::refused("text", rule).because("unknown_name"),
            EntryError::UnknownNear => Self::refused("near", rule).because("unknown_name"),
            EntryError::Gazetteer(error) => {
                tracing::error!(%error, "the gazetteer could not be read");
                Self::internal()
            }
        }
    }
}
