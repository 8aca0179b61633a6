//! Participants with their keys and offices, and what kinds of statement there are.

use super::api::Asker;
use super::problem::Problem;
use super::strict::{Json, Path};
use serde::Serialize;
use serde_json::Value;
use truce::kinds::{Name, RESERVED};
use utoipa::ToSchema;

/// A participant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParticipantRow {
    /// Call sign on the line; absent when two logs declare the same one and no instrument binds it.
    pub call_sign: Option<String>,
    /// What it declares itself.
    pub declared: String,
    /// Its log.
    pub origin: String,
    /// Entries of its log that are applied here.
    pub applied: u64,
    /// Whether an instrument that was adopted asked for its acceptance.
    pub party: bool,
    /// Whether this node keeps its log.
    pub own: bool,
}

/// Participants
#[utoipa::path(get, path = "/api/v1/participants", tag = "participants", responses((status = 200, body = Vec<ParticipantRow>)))]
pub async fn participants(asker: Asker) -> Result<Json<Vec<ParticipantRow>>, Problem> {
    let context = asker.views.context();
    let members = crate::authority::Membership::of(&context.directory, &context.agreement);
    let rows = context
        .participants
        .iter()
        .map(|(origin, participant)| ParticipantRow {
            call_sign: context
                .directory
                .call_sign(origin)
                .map(|sign| sign.to_string()),
            declared: participant.call_sign().to_string(),
            origin: origin.to_string(),
            applied: context.folded.get(origin).copied().unwrap_or(0),
            party: members.parties.contains(origin),
            own: asker.node.own().any(|own| own.origin() == origin),
        });
    Ok(Json(rows.collect()))
}

/// A kind of statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindRow {
    /// Kind and version.
    pub kind: String,
    /// The offices that may say it; none for control statements, which the admin key signs.
    pub offices: Vec<String>,
    /// Whether it is only reserved: kept and shown, and not said here.
    pub reserved: bool,
}

/// Kinds of statement
#[utoipa::path(get, path = "/api/v1/kinds", tag = "participants", responses((status = 200, body = Vec<KindRow>)))]
pub async fn kinds() -> Json<Vec<KindRow>> {
    let known = Name::ALL.iter().map(|name| KindRow {
        kind: format!("{}/1", name.as_str()),
        offices: name
            .offices()
            .iter()
            .map(|office| office.as_str().to_owned())
            .collect(),
        reserved: false,
    });
    let reserved = RESERVED.iter().map(|name| KindRow {
        kind: format!("{name}/1"),
        offices: Vec::new(),
        reserved: true,
    });
    Json(known.chain(reserved).collect())
}

/// The JSON Schema of a kind's groups
#[utoipa::path(
    get, path = "/api/v1/kinds/{kind}/schema", tag = "participants",
    params(("kind" = String, Path, description = "Name, such as message.send", max_length = 64)),
    responses((status = 200, body = Object, content_type = "application/schema+json"))
)]
pub async fn schema(
    Path(kind): Path<String>,
) -> Result<([(axum::http::HeaderName, &'static str); 1], String), Problem> {
    let name = Name::ALL
        .iter()
        .find(|name| name.as_str() == kind)
        .ok_or_else(Problem::not_found)?;
    let schema: Value = name.schema();
    let media = [(axum::http::header::CONTENT_TYPE, "application/schema+json")];
    Ok((media, schema.to_string()))
}
