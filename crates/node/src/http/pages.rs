//! The pages that work without a browser application: the board, signing in, accepting an invitation, and scripts to print. Server-rendered, without scripts.

use super::App;
use super::api::{Asker, Here, read};
use super::auth::{Client, no_cookie, session_cookie};
use super::problem::Problem;
use crate::accounts::{AccountsError, Secret};
use crate::board::Board;
use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Form, Router};
use serde::Deserialize;
use std::sync::Arc;

mod invitation;
mod script;

/// How values are shown.
mod filters {
    use askama::{Result, Values};
    use std::fmt::Display;

    /// Seconds as the largest two units: `91 d 4 h`.
    #[askama::filter_fn]
    pub fn age(seconds: &i64, _: &dyn Values) -> Result<String> {
        Ok(crate::http::pages::age(*seconds))
    }

    /// A time with its zone, to the minute.
    #[askama::filter_fn]
    pub fn time(text: impl Display, _: &dyn Values) -> Result<String> {
        let text = text.to_string();
        Ok(match (text.get(..10), text.get(11..16)) {
            (Some(day), Some(minute)) => format!("{day} {minute}Z"),
            _ => text,
        })
    }

    /// A word of a closed list, as people write it.
    #[askama::filter_fn]
    pub fn words(word: impl Display, _: &dyn Values) -> Result<String> {
        Ok(word.to_string().replace(['_', ':'], " "))
    }

    /// Degrees of 1e-7 degree.
    #[askama::filter_fn]
    pub fn degrees(e7: &i64, _: &dyn Values) -> Result<String> {
        let sign = if *e7 < 0 { "-" } else { "" };
        let (whole, rest) = (
            e7.unsigned_abs() / 10_000_000,
            e7.unsigned_abs() % 10_000_000,
        );
        Ok(format!("{sign}{whole}.{:04}°", rest / 1000))
    }
}

/// Seconds as the largest two units: `91 d 4 h`.
#[must_use]
pub fn age(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let first = UNITS
        .iter()
        .position(|(size, _)| seconds >= *size)
        .unwrap_or(3);
    let (size, unit) = UNITS[first];
    let whole = format!("{} {unit}", seconds / size);
    match UNITS.get(first + 1).filter(|_| first < 2) {
        Some((next, unit)) => format!("{whole} {} {unit}", seconds % size / next),
        None => whole,
    }
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage {
    exercise: bool,
    signed_in: bool,
    board: Board,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    exercise: bool,
    problem: Option<String>,
    name: String,
}

fn html(page: &impl Template) -> Result<Html<String>, Problem> {
    page.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page could not be made");
        Problem::internal()
    })
}

/// The routes of the pages.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", axum::routing::get(board))
        .route("/sign-in", axum::routing::get(form).post(sign_in))
        .route(
            "/invitation",
            axum::routing::get(invitation::page).post(invitation::accept),
        )
        .route("/sign-out", axum::routing::post(sign_out))
        .route("/style.css", axum::routing::get(style))
        .merge(script::router())
}

async fn board(asker: Asker) -> Result<Html<String>, Problem> {
    let signed_in = !asker.caller.is_public();
    let board = of(asker).await?;
    html(&BoardPage {
        exercise: board.exercise,
        signed_in,
        board,
    })
}

/// The board of whoever asks, as of now.
pub(super) async fn of(asker: Asker) -> Result<Board, Problem> {
    read(move || {
        let own = asker.caller.participant.as_ref();
        Board::of(&asker.node, &asker.eyes, own, asker.node.now())
    })
    .await
}

async fn form(here: Here) -> Result<Html<String>, Problem> {
    html(&SignInPage {
        exercise: here.0.is_exercise(),
        problem: None,
        name: String::new(),
    })
}

/// What somebody typed.
#[derive(Deserialize)]
struct Typed {
    name: String,
    password: String,
}

async fn sign_in(
    State(app): State<Arc<App>>,
    here: Here,
    client: Client,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let signed_in = app
        .accounts
        .sign_in(typed.name.clone(), Secret::new(typed.password), client.0)
        .await;
    match signed_in {
        Ok(signed_in) => {
            let cookie = session_cookie(&app, &signed_in.secret);
            Ok(to_the_board(cookie))
        }
        Err(
            error @ (AccountsError::WrongCredentials
            | AccountsError::TooMany(_)
            | AccountsError::Busy),
        ) => {
            let problem = Some(error.to_string());
            let page = html(&SignInPage {
                exercise: here.0.is_exercise(),
                problem,
                name: typed.name,
            })?;
            Ok((Problem::from(error).kind().status(), page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign_out(State(app): State<Arc<App>>, asker: Asker) -> Result<Response, Problem> {
    if let crate::accounts::Via::Session { id, .. } = asker.caller.via {
        app.accounts.end_session(&asker.caller, id)?;
    }
    Ok(to_the_board(no_cookie(&app)))
}

fn to_the_board(cookie: HeaderValue) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (SET_COOKIE, cookie),
        (LOCATION, HeaderValue::from_static("/")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

async fn style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, include_str!("../../templates/style.css"))
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn an_age_has_two_units_at_most() {
        assert_eq!(age(91 * 86_400 + 4 * 3600 + 59), "91 d 4 h");
        assert_eq!(age(7300), "2 h 1 min");
        assert_eq!(age(240), "4 min");
        assert_eq!(age(0), "0 s");
    }
}
