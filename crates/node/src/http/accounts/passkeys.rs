//! Signing in with a passkey, and one's passkeys.

use super::super::App;
use super::super::auth::{Client, Person};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::strict::{Json, Path};
use super::super::words::{LabelText, TypedName};
use super::sessions::{Me, welcome};
use super::{Ceremony, Finish, PasskeyView, run};
use crate::accounts::PasskeyId;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// Who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginSignIn {
    /// The sign-in name. Without it, the device offers the passkeys that it has for this node.
    name: Option<TypedName>,
}

/// Begin to sign in with a passkey
///
/// A name that has no passkeys is answered like one that has.
#[utoipa::path(post, path = "/api/v1/session/passkey/begin", tag = "sign-in", operation_id = "begin_passkey_sign_in",
    request_body = BeginSignIn,
    responses(
        (status = 200, body = Ceremony, description = "What the browser needs"),
        (status = 409, description = "This node has no passkeys"),
        (status = 429, description = "Too many from this address")),
    security(()))]
pub(super) async fn begin_sign_in(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<BeginSignIn>,
) -> Result<Json<Ceremony>, Problem> {
    let name = body.name.map(|TypedName(name)| name);
    let begun = run(&app, move |accounts| {
        accounts.begin_sign_in(name.as_deref(), from)
    })
    .await?;
    Ok(Json(begun.into()))
}

/// Sign in with a passkey
///
/// Sets the cookie.
#[utoipa::path(post, path = "/api/v1/session/passkey/finish", tag = "sign-in", operation_id = "finish_passkey_sign_in",
    request_body = Finish,
    responses(
        (status = 200, body = Me, description = "Signed in", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "The passkey does not fit"),
        (status = 409, description = "The ceremony is over, or this node has no passkeys"),
        (status = 429, description = "Too many tries from this address")),
    security(()))]
pub(super) async fn finish_sign_in(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<Finish>,
) -> Result<Response, Problem> {
    let credential = Value::Object(body.credential);
    let signed_in = run(&app, move |accounts| {
        accounts.finish_sign_in(body.ceremony, credential, from)
    })
    .await?;
    Ok(welcome(&app, &signed_in))
}

/// My passkeys
///
/// All of them, on one page.
#[utoipa::path(get, path = "/api/v1/passkeys", tag = "sign-in", operation_id = "list_passkeys",
    responses((status = 200, body = Page<PasskeyView>, description = "The caller's own passkeys, oldest first")),
    security(("session" = [])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<Json<Page<PasskeyView>>, Problem> {
    let passkeys = run(&app, move |accounts| accounts.passkeys(&caller)).await?;
    Ok(Json(Page::whole(
        passkeys.into_iter().map(PasskeyView::from).collect(),
    )))
}

/// A passkey to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginPasskey {
    /// What to call it, such as `blue key`.
    label: LabelText,
}

/// Begin to add a passkey
///
/// The session must be younger than 15 minutes.
#[utoipa::path(post, path = "/api/v1/passkeys/begin", tag = "sign-in", operation_id = "begin_passkey",
    request_body = BeginPasskey,
    responses(
        (status = 200, body = Ceremony, description = "What the browser needs"),
        (status = 409, description = "There are too many, or this node has no passkeys")),
    security(("session" = [])))]
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Json(body): Json<BeginPasskey>,
) -> Result<Json<Ceremony>, Problem> {
    let begun = run(&app, move |accounts| {
        accounts.begin_passkey(&caller, &body.label.0)
    })
    .await?;
    Ok(Json(begun.into()))
}

/// Add a passkey
#[utoipa::path(post, path = "/api/v1/passkeys/finish", tag = "sign-in", operation_id = "finish_passkey", request_body = Finish,
    responses(
        (status = 201, body = PasskeyView, description = "It is added"),
        (status = 409, description = "The ceremony is over, or the passkey is registered already")),
    security(("session" = [])))]
pub(super) async fn finish(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Json(body): Json<Finish>,
) -> Result<(StatusCode, Json<PasskeyView>), Problem> {
    let credential = Value::Object(body.credential);
    let entry = run(&app, move |accounts| {
        accounts.finish_passkey(&caller, body.ceremony, credential)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(entry.into())))
}

/// Remove one of my passkeys
///
/// The session must be younger than 15 minutes.
#[utoipa::path(delete, path = "/api/v1/passkeys/{id}", tag = "sign-in", operation_id = "remove_passkey",
    params(("id" = PasskeyId, Path, description = "The passkey")),
    responses(
        (status = 204, description = "It is removed"),
        (status = 409, description = "It is the last way to sign in")),
    security(("session" = [])))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Path(id): Path<PasskeyId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.remove_passkey(&caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
