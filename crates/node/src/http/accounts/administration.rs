//! Accounts of the own participant.

use super::super::App;
use super::super::auth::Administrator;
use super::super::page::{NoFilters, Page, PageParams, Paged};
use super::super::problem::Problem;
use super::super::strict::{Json, Path};
use super::super::words::{CallSignText, Languages, Offices, Time};
use super::run;
use crate::accounts::{self, AccountChange, AccountId};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// How a person signs in, and as what.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Account {
    /// Its id.
    id: AccountId,
    /// By which name the person signs in.
    name: String,
    /// The participant for which it acts.
    participant: CallSignText,
    /// The offices in which it may act.
    offices: Offices,
    /// Languages, best first.
    languages: Languages,
    /// Whether nobody can sign in with it.
    disabled: bool,
    /// When it was made.
    created_at: Time,
}

impl From<&accounts::Account> for Account {
    fn from(account: &accounts::Account) -> Self {
        Self {
            id: account.id,
            name: account.name.to_string(),
            participant: CallSignText(account.participant.clone()),
            offices: Offices(account.offices.clone()),
            languages: Languages(account.languages.clone()),
            disabled: account.disabled,
            created_at: Time(account.created),
        }
    }
}

/// Accounts
#[utoipa::path(get, path = "/api/v1/accounts", tag = "administration", operation_id = "list_accounts", params(PageParams),
    responses((status = 200, body = Page<Account>, description = "Accounts of the own participant, by name")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    paged: Paged<NoFilters, String>,
) -> Result<Json<Page<Account>>, Problem> {
    let (after, rows) = (paged.after.clone(), paged.rows_to_read());
    let (rows, total) = run(&app, move |accounts| {
        accounts.accounts(&caller, after.as_deref(), rows)
    })
    .await?;
    Ok(Json(paged.page(
        rows,
        total,
        |row| row.name.to_string(),
        |row| (&row).into(),
    )))
}

/// One account
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "administration", operation_id = "show_account",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 200, body = Account, description = "The account")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Path(id): Path<AccountId>,
) -> Result<Json<Account>, Problem> {
    Ok(Json((&*app.accounts.account(&caller, id)?).into()))
}

/// What to change. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlterAccount {
    /// The offices in which it may act.
    offices: Option<Offices>,
    /// Languages, best first.
    languages: Option<Languages>,
    /// Whether nobody can sign in with it. Disabling ends its sessions and revokes its tokens.
    disabled: Option<bool>,
}

/// Change an account
///
/// Takes effect on its open sessions and tokens at once.
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", tag = "administration", operation_id = "alter_account",
    params(("id" = AccountId, Path, description = "The account")), request_body = AlterAccount,
    responses(
        (status = 200, body = Account, description = "The account as it is now"),
        (status = 409, description = "An administrator cannot lock himself out")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn alter(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Path(id): Path<AccountId>,
    Json(body): Json<AlterAccount>,
) -> Result<Json<Account>, Problem> {
    let change = AccountChange {
        offices: body.offices.map(|Offices(offices)| offices),
        languages: body.languages.map(|Languages(languages)| languages),
        disabled: body.disabled,
    };
    let account = run(&app, move |accounts| accounts.alter(&caller, id, change)).await?;
    Ok(Json((&*account).into()))
}

/// Delete an account
///
/// With everything that belongs to it. Statements stay: they were signed by keys, not by accounts.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}", tag = "administration", operation_id = "delete_account",
    params(("id" = AccountId, Path, description = "The account")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 409, description = "An administrator cannot lock himself out")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Path(id): Path<AccountId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.delete(&caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of an account and revoke its tokens
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/credentials", tag = "administration", operation_id = "end_credentials",
    params(("id" = AccountId, Path, description = "The account")),
    responses((status = 204, description = "It has to sign in again everywhere")),
    security(("session" = []), ("token" = [])))]
pub(super) async fn end_credentials(
    State(app): State<Arc<App>>,
    Administrator(caller): Administrator,
    Path(id): Path<AccountId>,
) -> Result<StatusCode, Problem> {
    run(&app, move |accounts| accounts.end_credentials(&caller, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
