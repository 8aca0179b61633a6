//! Who asks: nobody known (the public), or an account of a participant with its offices and scopes.

use super::App;
use super::problem::Problem;
use crate::accounts::{Caller, Scope};
use crate::authority::Eyes;
use crate::search::Search;
use crate::views::Views;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;

/// Whoever asks, with the views that are his.
pub struct Asker {
    /// The account, or the public.
    pub caller: Caller,
    /// With whose eyes is read.
    pub eyes: Eyes,
    /// What these eyes see.
    pub views: Arc<Views>,
    /// What these eyes find.
    pub search: Arc<Search>,
}

impl Asker {
    /// The caller, who must be signed in and whose credential must be for this.
    ///
    /// # Errors
    /// [`Problem`] 401 or 403.
    pub fn need(&self, scope: Scope) -> Result<&Caller, Problem> {
        if self.caller.is_public() {
            return Err(Problem::unauthorized(
                "sign in, or send an API token as `Authorization: Bearer tl_…`",
            ));
        }
        if self.caller.may(scope) {
            return Ok(&self.caller);
        }
        Err(Problem::forbidden(format!(
            "this credential is not for `{scope}`"
        )))
    }
}

impl FromRequestParts<App> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let eyes = app.node.eyes_of(caller.participant.as_ref());
        let (views, search) = (
            Arc::clone(app.node.views(&eyes)),
            Arc::clone(app.node.search(&eyes)),
        );
        Ok(Self {
            caller,
            eyes,
            views,
            search,
        })
    }
}
