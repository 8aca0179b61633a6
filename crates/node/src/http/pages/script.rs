//! A script to print: the three languages side by side, with boxes to tick.

use super::super::App;
use super::super::api::Asker;
use super::super::problem::Problem;
use super::super::strict::Path;
use super::super::voice::script_of;
use super::html;
use crate::voice::Of;
use crate::voice::script::{LineRow, ScriptRow};
use askama::Template;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "script.html")]
struct ScriptPage {
    exercise: bool,
    script: ScriptRow,
}

impl ScriptPage {
    /// The columns of a line: language, direction of writing, what is spoken and the name after it.
    fn columns<'l>(
        &self,
        line: &'l LineRow,
    ) -> [(&'static str, &'static str, &'l str, Option<&'l str>); 3] {
        let all = [
            ("en", "ltr", &line.en),
            ("ru", "ltr", &line.ru),
            ("ar", "rtl", &line.ar),
        ];
        all.map(|(language, direction, spoken)| {
            (
                language,
                direction,
                spoken.text.as_str(),
                spoken.name.as_deref(),
            )
        })
    }
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/sites/{statement}/script", get(site))
        .route("/movements/{statement}/script", get(movement))
}

async fn site(asker: Asker, Path(text): Path<String>) -> Result<Html<String>, Problem> {
    page(asker, Of::Site, &text).await
}

async fn movement(asker: Asker, Path(text): Path<String>) -> Result<Html<String>, Problem> {
    page(asker, Of::Movement, &text).await
}

async fn page(asker: Asker, of: Of, text: &str) -> Result<Html<String>, Problem> {
    let script = script_of(asker, of, text).await?;
    html(&ScriptPage {
        exercise: script.exercise,
        script,
    })
}
