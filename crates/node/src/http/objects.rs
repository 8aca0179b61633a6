//! Lists of what statements add up to: matters, instruments, areas, sites, movements, claims, tallies, tolls and reports. Each capability has the same
//! two operations, a list and one object.

use super::App;
use super::api::{self, Asker, Position, read};
use super::exact;
use super::page::{Page, PageParams, Paged};
use super::problem::Problem;
use super::statements::find;
use super::strict::Path;
use crate::views::agreement::InstrumentRow;
use crate::views::areas::{AreaRow, SeparationRow};
use crate::views::claims::{ClaimRow, TallyRow};
use crate::views::contact::MatterRow;
use crate::views::incidents::ReportRow;
use crate::views::movements::MovementRow;
use crate::views::presence::PresenceRow;
use crate::views::sites::{ExposureRow, SiteRow};
use crate::views::toll::TollRow;
use crate::views::{ListQuery, Listed, ViewError};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which objects.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Whose statement made it, by call sign.
    #[param(max_length = 16)]
    by: Option<String>,
    /// Place code, or the place's name where there is no code.
    #[param(max_length = 120)]
    place: Option<String>,
    /// Grade, sort or category: of a matter its precedence, of an instrument its formality, of a claim its sort, of a report its
    /// category, of a toll the harm, of an area and of a movement its purpose, of a site what it is, of a
    /// word on presence the formation.
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
}

async fn list(
    asker: Asker,
    capability: &'static str,
    paged: Paged<Which, Position>,
) -> Result<Response, Problem> {
    let query = api::list_query(&paged, |which| {
        Ok(ListQuery {
            by: which.by.clone(),
            place: which.place.clone(),
            tag: which.tag.clone(),
            open: which.open,
            from: api::time("from", which.from.as_deref())?,
            until: api::time("until", which.until.as_deref())?,
            ..ListQuery::default()
        })
    })?;
    let listed = read(move || {
        let listed = asker.views.list(capability, &query)?;
        asker.count(&exact::in_rows(capability, &listed.items));
        Ok::<_, ViewError>(listed)
    })
    .await?;
    Ok(json(write_page(&paged, &listed)))
}

/// Rows are kept as the API gives them: they are joined, not read and written again.
fn write_page(paged: &Paged<Which, Position>, listed: &Listed<String>) -> String {
    let next = listed.next.map(|position| paged.cursor(&position));
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

async fn one(asker: Asker, capability: &'static str, text: &str) -> Result<Response, Problem> {
    let reference = find(&asker, text).await?;
    let body = read(move || {
        let body = asker.views.object(capability, &reference)?;
        asker.count(&exact::in_rows(capability, &body));
        Ok::<_, ViewError>(body)
    })
    .await?;
    body.map(json).ok_or_else(Problem::not_found)
}

macro_rules! capability {
    ($module:ident, $row:ty, $name:literal, $list:literal, $one:literal, $tag:literal, $title:literal, $about:literal) => {
        #[doc = $about]
        pub mod $module {
            use super::*;

            #[doc = concat!("List ", $title)]
            #[utoipa::path(get, path = $list, tag = $tag, operation_id = concat!("list_", stringify!($module)), params(Which, PageParams), responses((status = 200, body = Page<$row>)))]
            pub async fn list(asker: Asker, paged: Paged<Which, Position>) -> Result<Response, Problem> {
                super::list(asker, $name, paged).await
            }

            #[doc = concat!("Read one of the ", $title)]
            #[utoipa::path(
                get, path = $one, tag = $tag, operation_id = concat!("read_", stringify!($module)),
                params(("statement" = String, Path, description = "Any statement that belongs to it: full reference, or call sign and index", max_length = 256)),
                responses((status = 200, body = $row))
            )]
            pub async fn one(asker: Asker, Path(text): Path<String>) -> Result<Response, Problem> {
                super::one(asker, $name, &text).await
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
    presences,
    PresenceRow,
    "presence",
    "/api/v1/presences",
    "/api/v1/presences/{statement}",
    "areas",
    "words on where formations are",
    "In which districts formations are, by the day, as their own sides say."
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

capability!(
    sites,
    SiteRow,
    "site",
    "/api/v1/sites",
    "/api/v1/sites/{statement}",
    "sites",
    "notified sites",
    "Notified sites, and who has them. Exact places are there for recipients by name alone."
);
capability!(
    exposures,
    ExposureRow,
    "exposure",
    "/api/v1/exposures",
    "/api/v1/exposures/{statement}",
    "sites",
    "exposures",
    "Sites that became known to others, and whether their owners know it."
);
capability!(
    movements,
    MovementRow,
    "movement",
    "/api/v1/movements",
    "/api/v1/movements/{statement}",
    "movements",
    "movements",
    "Convoys, flights and patrols, and who has their notice."
);

/// The routes of all of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(matters::list))
        .routes(routes!(matters::one))
        .routes(routes!(instruments::list))
        .routes(routes!(instruments::one))
        .routes(routes!(areas::list))
        .routes(routes!(areas::one))
        .routes(routes!(separations::list))
        .routes(routes!(separations::one))
        .routes(routes!(presences::list))
        .routes(routes!(presences::one))
        .routes(routes!(claims::list))
        .routes(routes!(claims::one))
        .routes(routes!(tallies::list))
        .routes(routes!(tallies::one))
        .routes(routes!(tolls::list))
        .routes(routes!(tolls::one))
        .routes(routes!(reports::list))
        .routes(routes!(reports::one))
        .routes(routes!(sites::list))
        .routes(routes!(sites::one))
        .routes(routes!(exposures::list))
        .routes(routes!(exposures::one))
        .routes(routes!(movements::list))
        .routes(routes!(movements::one))
}
