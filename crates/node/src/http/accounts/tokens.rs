//! One's API tokens.

use super::super::App;
use super::super::auth::Person;
use super::super::page::Page;
use super::super::problem::Problem;
use super::super::strict::{Json, Path};
use super::super::words::{Day, LabelText, Offices, Scopes, Time};
use super::{DAY_MS, run};
use crate::accounts::{self, NewToken, TokenId};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Days that a token lasts when nothing is said.
const DAYS_DEFAULT: u16 = 90;

/// A program's way in, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// Its id.
    id: TokenId,
    /// For which program.
    label: String,
    /// What it may be used for.
    scopes: Scopes,
    /// The offices to which it is restricted; `null`: all that the account has.
    offices: Option<Offices>,
    /// When it was made.
    created_at: Time,
    /// From when on it is refused.
    expires_at: Time,
    /// The day on which it was last used. Nothing finer is kept.
    last_used_on: Option<Day>,
}

impl From<&accounts::Token> for Token {
    fn from(token: &accounts::Token) -> Self {
        Self {
            id: token.id(),
            label: token.label().to_owned(),
            scopes: Scopes(token.scopes().clone()),
            offices: token.offices().cloned().map(Offices),
            created_at: Time(token.created()),
            expires_at: Time(token.expires()),
            last_used_on: token.used_day().map(Day),
        }
    }
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MakeToken {
    /// For which program.
    label: LabelText,
    /// What it may be used for.
    scopes: Scopes,
    /// Restricts it to these of the account's offices; left out: all that the account has, now and later.
    offices: Option<Offices>,
    /// Days until it expires.
    #[schema(minimum = 1, maximum = 366, default = 90)]
    days: Option<u16>,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// What is known of it from now on.
    token: Token,
    /// The token itself. It is shown this once.
    #[schema(pattern = "^tl_[A-Za-z0-9_-]{43}$")]
    secret: String,
}

/// My API tokens
///
/// All of them, on one page.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, body = Page<Token>, description = "The caller's own tokens, oldest first")),
    security(("session" = [])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Person(caller): Person,
) -> Result<Json<Page<Token>>, Problem> {
    let tokens = app.accounts.tokens(&caller)?;
    Ok(Json(Page::whole(
        tokens.iter().map(|token| token.get().into()).collect(),
    )))
}

/// Make an API token
///
/// The session must be younger than 15 minutes: a token cannot make tokens.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "make_token", request_body = MakeToken,
    responses(
        (status = 201, body = MadeToken, description = "It is made"),
        (status = 409, description = "There are too many")),
    security(("session" = [])))]
pub(super) async fn make(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Json(body): Json<MakeToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let new = NewToken {
        label: body.label.0,
        scopes: body.scopes.0,
        offices: body.offices.map(|Offices(offices)| offices),
        lasts_ms: i64::from(body.days.unwrap_or(DAYS_DEFAULT)) * DAY_MS,
    };
    let (token, secret) = run(&app, move |accounts| accounts.make_token(&caller, new)).await?;
    let made = MadeToken {
        token: token.get().into(),
        secret: secret.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revoke one of my API tokens
///
/// It is refused from now on.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", operation_id = "revoke_token",
    params(("id" = TokenId, Path, description = "The token's id")),
    responses((status = 204, description = "It is revoked")),
    security(("session" = [])))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Person(caller): Person,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.revoke_token(&caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
