//! Lists of what statements add up to: matters, instruments, areas, claims, tallies, tolls and reports. Each capability has the same
//! two operations, a list and one object.

use super::App;
use super::auth::Asker;
use super::extract::{Asked, Named};
use super::page::{self, Page};
use super::problem::{Problem, Problems};
use super::statements::find;
use crate::views::agreement::InstrumentRow;
use crate::views::areas::{AreaRow, SeparationRow};
use crate::views::claims::{ClaimRow, TallyRow};
use crate::views::contact::MatterRow;
use crate::views::incidents::ReportRow;
use crate::views::toll::TollRow;
use crate::views::{ListQuery, Listed};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which objects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Whose statement made it, by call sign.
    #[param(max_length = 16)]
    by: Option<String>,
    /// Place code, or the place's name where there is no code.
    #[param(max_length = 120)]
    place: Option<String>,
    /// Grade, sort or category: of a matter its precedence, of an instrument its formality, of a claim its sort, of a report its
    /// category, of a toll the harm, of an area its purpose.
    #[param(max_length = 120)]
    tag: Option<String>,
    /// Only what is open, or only what is not.
    open: Option<bool>,
    /// Not before.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before.
    #[param(format = DateTime)]
    until: Option<String>,
    /// Where the page begins, as the page before says.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

async fn list(
    app: App,
    asker: Asker,
    capability: &'static str,
    which: Which,
) -> Result<Response, Problem> {
    let open = which.open.map(|open| open.to_string());
    let filters = [
        &which.by,
        &which.place,
        &which.tag,
        &open,
        &which.from,
        &which.until,
    ];
    let name = app.list_name(&asker.eyes, capability, &filters);
    let query = ListQuery {
        by: which.by,
        place: which.place,
        tag: which.tag,
        open: which.open,
        from: page::time("from", which.from.as_deref())?,
        until: page::time("until", which.until.as_deref())?,
        after: which
            .cursor
            .map(|cursor| app.cursors.read(&name, &cursor))
            .transpose()?,
        limit: page::limit(which.limit)?,
    };
    let views = asker.views;
    let listed = app.read(move || views.list(capability, &query)).await?;
    Ok(json(write_page(&app, &name, &listed)))
}

/// Rows are kept as the API gives them: they are joined, not read and written again.
fn write_page(app: &App, name: &str, listed: &Listed<String>) -> String {
    let next = listed
        .next
        .map(|position| app.cursors.write(name, position));
    let next = serde_json::to_string(&next).unwrap_or_else(|_| "null".into());
    format!(
        "{{\"items\":[{}],\"total\":{},\"next\":{next}}}",
        listed.items.join(","),
        listed.total
    )
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn one(
    app: App,
    asker: Asker,
    capability: &'static str,
    text: &str,
) -> Result<Response, Problem> {
    let reference = find(&app, &asker, text).await?;
    let views = Arc::clone(&asker.views);
    let body = app
        .read(move || views.object(capability, &reference))
        .await?;
    body.map(json).ok_or_else(Problem::not_found)
}

macro_rules! capability {
    ($module:ident, $row:ty, $name:literal, $list:literal, $one:literal, $tag:literal, $title:literal, $about:literal) => {
        #[doc = $about]
        pub mod $module {
            use super::*;

            #[doc = concat!("List ", $title)]
            #[utoipa::path(get, path = $list, tag = $tag, operation_id = concat!("list_", stringify!($module)), params(Which), responses((status = 200, body = Page<$row>), Problems))]
            pub async fn list(State(app): State<App>, asker: Asker, Asked(which): Asked<Which>) -> Result<Response, Problem> {
                super::list(app, asker, $name, which).await
            }

            #[doc = concat!("Read one of the ", $title)]
            #[utoipa::path(
                get, path = $one, tag = $tag, operation_id = concat!("read_", stringify!($module)),
                params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
                responses((status = 200, body = $row), Problems)
            )]
            pub async fn one(State(app): State<App>, asker: Asker, Named(text): Named<String>) -> Result<Response, Problem> {
                super::one(app, asker, $name, &text).await
            }
        }
    };
}

capability!(
    matters,
    MatterRow,
    "matter",
    "/api/v1/matters",
    "/api/v1/matters/{statement}",
    "contact",
    "messages with what became of them",
    "Messages, their repeats, and what became of them."
);
capability!(
    instruments,
    InstrumentRow,
    "instrument",
    "/api/v1/instruments",
    "/api/v1/instruments/{statement}",
    "agreement",
    "instruments",
    "Instruments, and what each party said to them."
);
capability!(
    areas,
    AreaRow,
    "area",
    "/api/v1/areas",
    "/api/v1/areas/{statement}",
    "areas",
    "designated areas",
    "Designated areas."
);
capability!(
    separations,
    SeparationRow,
    "separation",
    "/api/v1/separations",
    "/api/v1/separations/{statement}",
    "areas",
    "separation requests",
    "Requests that formations move apart."
);
capability!(
    claims,
    ClaimRow,
    "claim",
    "/api/v1/claims",
    "/api/v1/claims/{statement}",
    "claims",
    "claims",
    "What somebody said in public."
);
capability!(
    tallies,
    TallyRow,
    "tally",
    "/api/v1/tallies",
    "/api/v1/tallies/{statement}",
    "claims",
    "tallies",
    "What somebody counted."
);
capability!(
    tolls,
    TollRow,
    "toll",
    "/api/v1/tolls",
    "/api/v1/tolls/{statement}",
    "toll",
    "tolls",
    "Numbers of persons, as somebody gave them."
);
capability!(
    reports,
    ReportRow,
    "report",
    "/api/v1/reports",
    "/api/v1/reports/{statement}",
    "incidents",
    "reports",
    "What was observed. A report is no finding."
);

/// The routes of all of them.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(matters::list))
        .routes(routes!(matters::one))
        .routes(routes!(instruments::list))
        .routes(routes!(instruments::one))
        .routes(routes!(areas::list))
        .routes(routes!(areas::one))
        .routes(routes!(separations::list))
        .routes(routes!(separations::one))
        .routes(routes!(claims::list))
        .routes(routes!(claims::one))
        .routes(routes!(tallies::list))
        .routes(routes!(tallies::one))
        .routes(routes!(tolls::list))
        .routes(routes!(tolls::one))
        .routes(routes!(reports::list))
        .routes(routes!(reports::one))
}
