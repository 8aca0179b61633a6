//! Signing in and out, who one is, one's sessions and password.

use super::super::App;
use super::super::auth::{Client, Person, no_cookie, session_cookie};
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::strict::{Json, Path};
use super::super::words::{
    CallSignText, Languages, NewPassword, Offices, Time, TypedName, TypedPassword,
};
use super::run;
use crate::accounts::caller::Scope;
use crate::accounts::{self, AccountId, Accounts, Caller, SessionId, Via};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// By what somebody is known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ViaWord {
    /// By nothing.
    Public,
    /// By a browser's session.
    Session,
    /// By an API token.
    Token,
}

/// Who somebody is here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// By what.
    via: ViaWord,
    /// The account; `null` for the public, as all that follows is then empty.
    account: Option<AccountId>,
    /// The sign-in name.
    name: Option<String>,
    /// The participant for which the account acts.
    participant: Option<CallSignText>,
    /// The offices in which the caller may act.
    offices: Offices,
    /// Languages, best first.
    languages: Languages,
    /// What the credential may be used for.
    #[schema(max_items = 3)]
    scopes: Vec<Scope>,
}

impl Me {
    pub(super) fn of(caller: &Caller, accounts: &Accounts) -> Self {
        let account = accounts.own(caller).ok();
        Self {
            via: match caller.via {
                Via::Public => ViaWord::Public,
                Via::Session { .. } => ViaWord::Session,
                Via::Token(_) => ViaWord::Token,
            },
            account: caller.account,
            name: account.as_ref().map(|account| account.name.to_string()),
            participant: caller.participant.clone().map(CallSignText),
            offices: Offices(caller.offices.clone()),
            languages: Languages(
                account
                    .map(|account| account.languages.clone())
                    .unwrap_or_default(),
            ),
            scopes: caller.scopes.iter().copied().collect(),
        }
    }
}

/// The answer to whoever has just signed in: who he is, and the cookie.
pub(super) fn welcome(app: &App, signed_in: &accounts::SignedIn) -> Response {
    let me = Json(Me::of(&signed_in.caller, &app.accounts));
    ([(SET_COOKIE, session_cookie(app, &signed_in.secret))], me).into_response()
}

/// Name and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The sign-in name.
    name: TypedName,
    /// The password.
    password: TypedPassword,
}

/// Who am I
///
/// Also for the public, who is nobody.
#[utoipa::path(get, path = "/api/v1/session", tag = "sign-in", operation_id = "who",
    responses((status = 200, body = Me, description = "Who the caller is")),
    security((), ("session" = []), ("token" = [])))]
pub(super) async fn who(State(app): State<Arc<App>>, caller: Caller) -> Json<Me> {
    Json(Me::of(&caller, &app.accounts))
}

/// Sign in with a password
///
/// Sets the cookie. A name that does not exist and a wrong password are answered alike.
#[utoipa::path(post, path = "/api/v1/session", tag = "sign-in", operation_id = "sign_in", request_body = SignIn,
    responses(
        (status = 200, body = Me, description = "Signed in", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "Name and password do not fit"),
        (status = 429, description = "Too many tries with this name or from this address")),
    security(()))]
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Client(from): Client,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let signed_in = app
        .accounts
        .sign_in(body.name.0, body.password.0, from)
        .await?;
    Ok(welcome(&app, &signed_in))
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/session", tag = "sign-in", operation_id = "sign_out",
    responses((status = 204, description = "The session has ended")),
    security(("session" = [])))]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<Response, Problem> {
    let cookie = no_cookie(&app);
    run(&app, move |accounts| accounts.sign_out(&caller)).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

/// A browser that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// Its id.
    id: SessionId,
    /// When the person signed in.
    signed_in_at: Time,
    /// When it ends if it is not used before.
    ends_at: Time,
    /// Whether it is the one that asks.
    own: bool,
}

/// My sessions
///
/// All of them, on one page.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sign-in", operation_id = "list_sessions",
    responses((status = 200, body = Page<Session>, description = "The caller's own sessions, oldest first")),
    security(("session" = [])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<Json<Page<Session>>, Problem> {
    let sessions = app
        .accounts
        .sessions(&caller)?
        .into_iter()
        .map(|session| Session {
            id: session.id,
            signed_in_at: Time(session.signed_in),
            ends_at: Time(session.ends),
            own: session.own,
        });
    Ok(Json(Page::whole(sessions.collect())))
}

/// End my other sessions
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "sign-in", operation_id = "end_other_sessions",
    responses((status = 204, description = "All sessions of the caller but the one that asks have ended")),
    security(("session" = [])))]
pub(super) async fn end_others(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.end_other_sessions(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one of my sessions
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sign-in", operation_id = "end_session",
    params(("id" = SessionId, Path, description = "The session")),
    responses((status = 204, description = "It has ended")),
    security(("session" = [])))]
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.end_session(&caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPassword {
    /// The present password, when there is one. Without one, the session must be younger than 15 minutes.
    current: Option<TypedPassword>,
    /// The new one.
    new: NewPassword,
}

/// Set my password
///
/// Ends the caller's other sessions.
#[utoipa::path(put, path = "/api/v1/password", tag = "sign-in", operation_id = "set_password", request_body = SetPassword,
    responses(
        (status = 204, description = "It is set, and the other sessions have ended"),
        (status = 429, description = "Too many tries")),
    security(("session" = [])))]
pub(super) async fn set_password(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Client(from): Client,
    Json(body): Json<SetPassword>,
) -> Result<StatusCode, Problem> {
    let current = body.current.map(|current| current.0);
    let changed = app
        .accounts
        .change_password(&caller, current, body.new.0, from)
        .await;
    changed.map_err(|error| match error {
        // The session is good; it is the password in the body that is not.
        accounts::AccountsError::WrongCredentials => {
            Problem::refused("current", "is the present password").because("wrong_credentials")
        }
        accounts::AccountsError::Rule {
            field: "password",
            rule,
        } => Problem::refused("new", rule),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove my password
///
/// When a passkey is left to sign in with. The session must be younger than 15 minutes.
#[utoipa::path(delete, path = "/api/v1/password", tag = "sign-in", operation_id = "remove_password",
    responses(
        (status = 204, description = "It is removed"),
        (status = 409, description = "It is the last way to sign in")),
    security(("session" = [])))]
pub(super) async fn remove_password(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.remove_password(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}
