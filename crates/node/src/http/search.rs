//! Search.

use super::api::{self, Asker, Position, read};
use super::page::{Page, PageParams, Paged};
use super::problem::Problem;
use super::statements::told;
use super::strict::Json;
use crate::search::QUERY_CHARACTERS_MAX;
use crate::views::{ListQuery, StatementRow};
use serde::Deserialize;
use utoipa::IntoParams;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// Words or names in Arabic, Cyrillic or Latin; a place by any of its names, or by its code.
    #[param(min_length = 1, max_length = 200)]
    q: String,
}

/// Search what you may read
///
/// Statements in which every word is found, the last ones first.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(Question, PageParams), responses((status = 200, body = Page<StatementRow>)))]
pub async fn search(
    asker: Asker,
    paged: Paged<Question, Position>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    let question = paged.filters.q.clone();
    if !(1..=QUERY_CHARACTERS_MAX).contains(&question.chars().count()) {
        let rule = format!("is 1 to {QUERY_CHARACTERS_MAX} characters");
        return Err(Problem::bad_request("q", rule));
    }
    let query = api::list_query(&paged, |_| Ok(ListQuery::default()))?;
    let found = read(move || {
        let places = asker.node.places();
        let found = asker.search.find(&asker.views, places, &question, &query)?;
        told(&asker, found, |found| &found.items)
    })
    .await?;
    Ok(Json(api::page(&paged, found)))
}
