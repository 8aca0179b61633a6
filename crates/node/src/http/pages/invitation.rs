//! The page on which an invitation is accepted with a password. It keeps the API's rules and limits: a code that was never given,
//! was used, was taken back or has expired is answered in one way, and each look at one takes a try.

use super::super::App;
use super::super::api::Here;
use super::super::auth::{Client, session_cookie};
use super::super::problem::Problem;
use super::super::strict::Query;
use super::{filters, html, to_the_board};
use crate::accounts::password::PASSWORD_CHARS_MIN;
use crate::accounts::{AccountsError, Secret};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

/// What is said of every code that does not open anything.
const UNUSABLE: &str = "This invitation cannot be used: its code was never given, was used already, was taken back, or has \
                        expired. Ask whoever invited you for a new one.";

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    exercise: bool,
    problem: Option<Said>,
    offer: Option<Offer>,
    name: String,
    password_chars_min: usize,
}

/// What was not accepted.
struct Said {
    /// Of which field; none: of the invitation.
    field: Option<&'static str>,
    words: String,
}

/// What a code invites to.
struct Offer {
    code: String,
    participant: String,
    offices: String,
    languages: String,
    expires: String,
    /// The sign-in name of the account that is renewed.
    renewed: Option<String>,
}

impl InvitationPage {
    /// Whether what was not accepted is this field.
    fn is(&self, field: &str) -> bool {
        self.problem
            .as_ref()
            .is_some_and(|said| said.field == Some(field))
    }
}

/// The code in the link.
#[derive(Deserialize)]
pub(super) struct Link {
    code: Option<String>,
}

/// What somebody typed: a code alone, or what the account is to have.
#[derive(Deserialize)]
pub(super) struct Typed {
    code: String,
    name: Option<String>,
    password: Option<String>,
    again: Option<String>,
}

/// The page: what the link invites to, or a place for the code.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    here: Here,
    client: Client,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    match link.code {
        Some(code) => offer(&app, &here, client.0, code, String::new(), None).await,
        None => shown(&here, StatusCode::OK, None, None, String::new()),
    }
}

/// Looks at a code, or accepts the invitation and signs in.
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    here: Here,
    client: Client,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let code = typed.code.trim().to_owned();
    let typed_name = typed.name.clone().unwrap_or_default();
    let Some(password) = typed.password.map(Secret::new) else {
        return offer(&app, &here, client.0, code, typed_name, None).await;
    };
    let again = Secret::new(typed.again.unwrap_or_default());
    let accepted = if password.reveal() == again.reveal() {
        let code = Secret::new(code.clone());
        app.accounts
            .accept_with_password(code, typed.name, password, client.0)
            .await
    } else {
        Err(AccountsError::Rule {
            field: "again",
            rule: "is not the same as the first one".into(),
        })
    };
    match accepted {
        Ok(signed_in) => Ok(to_the_board(session_cookie(&app, &signed_in.secret))),
        Err(error @ (AccountsError::Unknown(_) | AccountsError::TooMany(_))) => {
            refused(&here, error)
        }
        Err(error) => {
            let field = match &error {
                AccountsError::Rule { field, .. } => Some(*field),
                AccountsError::NameTaken => Some("name"),
                AccountsError::Busy | AccountsError::Full { .. } => None,
                _ => return Err(error.into()),
            };
            let words = match field {
                Some("again") => "The two passwords are not the same.".into(),
                _ => sentence(&error.to_string()),
            };
            let status = Problem::from(error).kind().status();
            let said = Some((status, Said { field, words }));
            offer(&app, &here, client.0, code, typed_name, said).await
        }
    }
}

/// What a code invites to, with what was not accepted of an earlier try.
async fn offer(
    app: &Arc<App>,
    here: &Here,
    from: IpAddr,
    code: String,
    name: String,
    said: Option<(StatusCode, Said)>,
) -> Result<Response, Problem> {
    let secret = Secret::new(code.clone());
    let looked = app
        .accounts
        .run(move |accounts| accounts.look_at_invitation(&secret, from))
        .await;
    let (invitation, renewed) = match looked {
        Ok(looked) => looked,
        Err(error @ (AccountsError::Unknown(_) | AccountsError::TooMany(_))) => {
            return refused(here, error);
        }
        Err(error) => return Err(error.into()),
    };
    let offices: Vec<&str> = invitation
        .offices
        .iter()
        .map(|office| office.as_str())
        .collect();
    let languages: Vec<&str> = invitation
        .languages
        .iter()
        .map(|language| language.as_str())
        .collect();
    let offer = Offer {
        code,
        participant: invitation.participant.to_string(),
        offices: offices.join(", "),
        languages: languages.join(", "),
        expires: invitation.expires.to_string(),
        renewed: renewed.map(|name| name.to_string()),
    };
    let (status, said) = said.map_or((StatusCode::OK, None), |(status, said)| {
        (status, Some(said))
    });
    shown(here, status, said, Some(offer), name)
}

/// The code opens nothing, or there were too many tries. Nothing that was typed stands in the answer.
fn refused(here: &Here, error: AccountsError) -> Result<Response, Problem> {
    let words = match &error {
        AccountsError::Unknown(_) => UNUSABLE.to_owned(),
        other => sentence(&other.to_string()),
    };
    let problem = Problem::from(error);
    let said = Said { field: None, words };
    let status = problem.kind().status();
    let mut page = shown(here, status, Some(said), None, String::new())?;
    let after = problem.into_response().headers_mut().remove(RETRY_AFTER);
    page.headers_mut()
        .extend(after.map(|after| (RETRY_AFTER, after)));
    Ok(page)
}

fn shown(
    here: &Here,
    status: StatusCode,
    problem: Option<Said>,
    offer: Option<Offer>,
    name: String,
) -> Result<Response, Problem> {
    let page = html(&InvitationPage {
        exercise: here.0.is_exercise(),
        problem,
        offer,
        name,
        password_chars_min: PASSWORD_CHARS_MIN,
    })?;
    Ok((status, page).into_response())
}

/// An error's words as a sentence on a page.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}.", first.chain(letters).collect::<String>())
}
