//! Search.

use super::App;
use super::auth::Asker;
use super::extract::Asked;
use super::page::{self, Page};
use super::problem::{Problem, Problems};
use crate::search::QUERY_CHARACTERS_MAX;
use crate::views::{ListQuery, StatementRow};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// Words or names in Arabic, Cyrillic or Latin; a place by any of its names, or by its code.
    #[param(min_length = 1, max_length = 200)]
    q: String,
    /// Where the page begins, as the page before says.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Search what you may read
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(Question), responses((status = 200, body = Page<StatementRow>), Problems))]
pub async fn search(
    State(app): State<App>,
    asker: Asker,
    Asked(question): Asked<Question>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    if !(1..=QUERY_CHARACTERS_MAX).contains(&question.q.chars().count()) {
        let rule = format!("is 1 to {QUERY_CHARACTERS_MAX} characters");
        return Err(Problem::parameter("q", rule));
    }
    let name = app.list_name(&asker.eyes, "search", &[&Some(question.q.clone())]);
    let query = ListQuery {
        after: question
            .cursor
            .map(|cursor| app.cursors.read(&name, &cursor))
            .transpose()?,
        limit: page::limit(question.limit)?,
        ..ListQuery::default()
    };
    let (node, views, search) = (Arc::clone(&app.node), asker.views, asker.search);
    let found = app
        .read(move || search.find(&views, node.places(), &question.q, &query))
        .await?;
    Ok(Json(app.page(&name, found)))
}
