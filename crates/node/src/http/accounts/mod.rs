//! The endpoints of sign-in: sessions, passkeys, passwords, API tokens, invitations, and the accounts of the own participant.

mod administration;
mod invitations;
mod passkeys;
mod sessions;
mod tokens;

use super::App;
use super::problem::Problem;
use super::words::{Day, Time};
use crate::accounts::passkeys::Begun;
use crate::accounts::{AccountsError, CeremonyId, PasskeyEntry, PasskeyId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// All routes of this module.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(
            sessions::who,
            sessions::sign_in,
            sessions::sign_out
        ))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::set_password, sessions::remove_password))
        .routes(routes!(passkeys::begin_sign_in))
        .routes(routes!(passkeys::finish_sign_in))
        .routes(routes!(passkeys::list))
        .routes(routes!(passkeys::begin))
        .routes(routes!(passkeys::finish))
        .routes(routes!(passkeys::remove))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
        .routes(routes!(invitations::list, invitations::invite))
        .routes(routes!(invitations::revoke))
        .routes(routes!(invitations::look))
        .routes(routes!(invitations::accept))
        .routes(routes!(invitations::begin_with_passkey))
        .routes(routes!(invitations::finish_with_passkey))
        .routes(routes!(administration::list))
        .routes(routes!(
            administration::show,
            administration::alter,
            administration::delete
        ))
        .routes(routes!(administration::end_credentials))
}

/// Runs `work` on a thread that may wait for the disk.
async fn run<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&crate::accounts::Accounts) -> Result<T, AccountsError> + Send + 'static,
) -> Result<T, Problem> {
    Ok(app.accounts.run(work).await?)
}

/// The first half of a passkey ceremony.
#[derive(Debug, Serialize, ToSchema)]
struct Ceremony {
    /// Names the ceremony in the second request. It is over after five minutes.
    ceremony: CeremonyId,
    /// For the browser: `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` (WebAuthn Level 3).
    #[schema(value_type = Object)]
    options: Value,
}

impl From<Begun> for Ceremony {
    fn from(begun: Begun) -> Self {
        Self {
            ceremony: begun.ceremony,
            options: begun.options,
        }
    }
}

/// The second half of a passkey ceremony.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Finish {
    /// The ceremony, from the first request.
    ceremony: CeremonyId,
    /// What `PublicKeyCredential.toJSON()` gives (WebAuthn Level 3). Its members are the browser's, and may be more than are read.
    #[schema(value_type = Object)]
    credential: Map<String, Value>,
}

/// A passkey, without anything by which it could be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passkey)]
struct PasskeyView {
    /// Its id.
    id: PasskeyId,
    /// What its owner calls it.
    label: String,
    /// When it was added.
    created_at: Time,
    /// The day on which it was last used to sign in.
    last_used_on: Option<Day>,
}

impl From<PasskeyEntry> for PasskeyView {
    fn from(entry: PasskeyEntry) -> Self {
        Self {
            id: entry.id,
            label: entry.label,
            created_at: Time(entry.created),
            last_used_on: entry.used_day.map(Day),
        }
    }
}
