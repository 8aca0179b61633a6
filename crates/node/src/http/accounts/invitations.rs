//! Inviting people, and accepting an invitation.

use super::super::App;
use super::super::auth::{Administrator, Client};
use super::super::page::{NoFilters, Page, PageParams, Paged};
use super::super::problem::Problem;
use super::super::strict::{Json, Path};
use super::super::words::{
    CallSignText, InvitationCode, LabelText, Languages, NewName, NewPassword, Offices, Time,
};
use super::sessions::{Me, welcome};
use super::{Ceremony, DAY_MS, Finish, run};
use crate::accounts::{self, AccountId, InvitationId, NewInvitation};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// Days in which an invitation can be accepted when nothing is said.
const DAYS_DEFAULT: u16 = 7;

/// An invitation that nobody has accepted yet, without its code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invitation {
    /// Its id.
    id: InvitationId,
    /// The participant for which the new account will act.
    participant: CallSignText,
    /// The account whose sign-in it sets anew; `null`: it is for a new account.
    renews: Option<AccountId>,
    /// Offices of the new account.
    offices: Offices,
    /// Languages of the new account.
    languages: Languages,
    /// When it was made.
    created_at: Time,
    /// Until when it can be accepted.
    expires_at: Time,
}

impl From<accounts::Invitation> for Invitation {
    fn from(invitation: accounts::Invitation) -> Self {
        Self {
            id: invitation.id,
            participant: CallSignText(invitation.participant),
            renews: invitation.renews,
            offices: Offices(invitation.offices),
            languages: Languages(invitation.languages),
            created_at: Time(invitation.created),
            expires_at: Time(invitation.expires),
        }
    }
}

/// Open invitations
#[utoipa::path(get, path = "/api/v1/invitations", tag = "administration", operation_id = "list_invitations",
    params(PageParams),
    responses((status = 200, body = Page<Invitation>, description = "Open invitations of the own participant, oldest first")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    paged: Paged<NoFilters, (i64, InvitationId)>,
) -> Result<Json<Page<Invitation>>, Problem> {
    let (after, rows) = (
        paged.after.map(|(at, id)| (UtcMs(at), id)),
        paged.rows_to_read(),
    );
    let (rows, total) = run(&app, move |accounts| {
        accounts.invitations(&caller, after, rows)
    })
    .await?;
    Ok(Json(paged.page(
        rows,
        total,
        |row| (row.created.0, row.id),
        Invitation::from,
    )))
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// Offices of the new account.
    #[serde(default)]
    offices: Offices,
    /// Languages of the new account.
    #[serde(default)]
    languages: Languages,
    /// An account whose sign-in is to be set anew. It keeps its name, offices and languages; its password, passkeys, sessions
    /// and tokens end when the invitation is accepted.
    renews: Option<AccountId>,
    /// Days in which it can be accepted.
    #[schema(minimum = 1, maximum = 30, default = 7)]
    days: Option<u16>,
}

/// An invitation that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeInvitation {
    /// What is known of it from now on.
    invitation: Invitation,
    /// Its code, for the person who is invited. It works once and is shown this once.
    #[schema(pattern = "^inv_[A-Za-z0-9_-]{43}$")]
    code: String,
}

/// Invite somebody
///
/// For the own participant.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "administration", operation_id = "invite", request_body = Invite,
    responses(
        (status = 201, body = MadeInvitation, description = "The invitation"),
        (status = 404, description = "There is no such account to renew"),
        (status = 409, description = "There are too many")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn invite(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Json(body): Json<Invite>,
) -> Result<(StatusCode, Json<MadeInvitation>), Problem> {
    let new = NewInvitation {
        offices: body.offices.0,
        languages: body.languages.0,
        renews: body.renews,
        lasts_ms: i64::from(body.days.unwrap_or(DAYS_DEFAULT)) * DAY_MS,
    };
    let (invitation, code) = run(&app, move |accounts| accounts.invite(&caller, new)).await?;
    let made = MadeInvitation {
        invitation: invitation.into(),
        code: code.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Take an invitation back
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "administration", operation_id = "revoke_invitation",
    params(("id" = InvitationId, Path, description = "The invitation")),
    responses((status = 204, description = "Its code is refused from now on")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| {
        accounts.revoke_invitation(&caller, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    /// The code.
    code: InvitationCode,
}

/// What a code invites to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Invited {
    /// The participant for which the account acts.
    participant: CallSignText,
    /// The offices in which it may act.
    offices: Offices,
    /// Languages.
    languages: Languages,
    /// The sign-in name of the account that is renewed; `null`: choose one.
    name: Option<String>,
    /// Until when it can be accepted.
    expires_at: Time,
}

/// Look at an invitation
///
/// Does not use it up.
#[utoipa::path(post, path = "/api/v1/invitations/look", tag = "sign-in", operation_id = "look_at_invitation", request_body = Look,
    responses(
        (status = 200, body = Invited, description = "What it invites to"),
        (status = 404, description = "The code was never given, was used, was taken back or has expired"),
        (status = 429, description = "Too many tries from this address")),
    security(()))]
pub(super) async fn look(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<Look>,
) -> Result<Json<Invited>, Problem> {
    let looked = run(&app, move |accounts| {
        accounts.look_at_invitation(&body.code.0, from)
    })
    .await?;
    let (invitation, name) = looked;
    Ok(Json(Invited {
        participant: CallSignText(invitation.participant),
        offices: Offices(invitation.offices),
        languages: Languages(invitation.languages),
        name: name.map(|name| name.to_string()),
        expires_at: Time(invitation.expires),
    }))
}

/// Acceptance with a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Accept {
    /// The code.
    code: InvitationCode,
    /// By which name to sign in; left out when an account is renewed.
    name: Option<NewName>,
    /// The password.
    password: NewPassword,
}

/// Accept an invitation with a password
///
/// Makes the account, signs in and sets the cookie.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "sign-in", operation_id = "accept_invitation", request_body = Accept,
    responses(
        (status = 200, body = Me, description = "Signed in", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 404, description = "The code was never given, was used, was taken back or has expired"),
        (status = 409, description = "The sign-in name is taken"),
        (status = 429, description = "Too many tries from this address")),
    security(()))]
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<Accept>,
) -> Result<Response, Problem> {
    let name = body.name.map(|NewName(name)| name);
    let signed_in = app
        .accounts
        .accept_with_password(body.code.0, name, body.password.0, from)
        .await?;
    Ok(welcome(&app, &signed_in))
}

/// Acceptance with a passkey.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginAcceptance {
    /// The code.
    code: InvitationCode,
    /// By which name to sign in; left out when an account is renewed.
    name: Option<NewName>,
    /// What to call the passkey.
    label: LabelText,
}

/// Begin to accept an invitation with a passkey
#[utoipa::path(post, path = "/api/v1/invitations/passkey/begin", tag = "sign-in", operation_id = "begin_passkey_acceptance",
    request_body = BeginAcceptance,
    responses(
        (status = 200, body = Ceremony, description = "What the browser needs"),
        (status = 404, description = "The code was never given, was used, was taken back or has expired"),
        (status = 409, description = "The sign-in name is taken, or this node has no passkeys"),
        (status = 429, description = "Too many tries from this address")),
    security(()))]
pub(super) async fn begin_with_passkey(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<BeginAcceptance>,
) -> Result<Json<Ceremony>, Problem> {
    let name = body.name.map(|NewName(name)| name);
    let begun = run(&app, move |accounts| {
        accounts.begin_acceptance(body.code.0, name.as_deref(), &body.label.0, from)
    });
    Ok(Json(begun.await?.into()))
}

/// Accept an invitation with a passkey
///
/// Makes the account, signs in and sets the cookie.
#[utoipa::path(post, path = "/api/v1/invitations/passkey/finish", tag = "sign-in", operation_id = "finish_passkey_acceptance",
    request_body = Finish,
    responses(
        (status = 200, body = Me, description = "Signed in", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 404, description = "The code was used meanwhile, was taken back or has expired"),
        (status = 409, description = "The ceremony is over, the name was taken meanwhile, or the passkey is registered already"),
        (status = 429, description = "Too many tries from this address")),
    security(()))]
pub(super) async fn finish_with_passkey(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<Finish>,
) -> Result<Response, Problem> {
    let credential = Value::Object(body.credential);
    let signed_in = run(&app, move |accounts| {
        accounts.finish_acceptance(body.ceremony, credential, from)
    })
    .await?;
    Ok(welcome(&app, &signed_in))
}
