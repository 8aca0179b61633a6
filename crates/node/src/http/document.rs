//! The OpenAPI document: made from the handlers, and completed with what holds for all of them.

use super::App;
use super::gate::Queries;
use super::health::Explained;
use super::page::Page;
use super::problem::{Kind, PROBLEM_JSON, Problem, ProblemBody};
use super::strict::{Json, Path};
use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response as Documented, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where the document is.
pub const OPENAPI: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Truceline",
        version = "1",
        description = "The operations room of a ceasefire: what the parties, the mission and others say, with proof.\n\nEvery \
            error has the form of RFC 9457 (`application/problem+json`). Parameters and members that are not known are refused, \
            not ignored. What is unknown and what the caller may not know of are answered alike. Lists are paged: `next` of a page \
            is the `cursor` of the following one. Of the methods POST, PUT, PATCH and DELETE, those that come with the cookie must \
            come from a page of this node's own origin.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "sign-in", description = "How people sign in, and what they hold to do so"),
        (name = "tokens", description = "How programs sign in"),
        (name = "administration", description = "Accounts of the own participant"),
        (name = "security", description = "Who of the own side read exact places"),
        (name = "node", description = "The node itself")
    )
)]
struct Base;

/// The document before any route is added.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(openapi))
        .routes(routes!(problems))
        .routes(routes!(problem))
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "node", operation_id = "openapi",
    responses((status = 200, body = serde_json::Value, description = "An OpenAPI 3.1 document")),
    security(()))]
async fn openapi(State(app): State<Arc<App>>) -> Response {
    let document = app.document.get().cloned().unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], document).into_response()
}

/// The kinds of error
#[utoipa::path(get, path = "/problems", tag = "node", operation_id = "problems",
    responses((status = 200, body = Page<Explained>, description = "All of them, on one page")), security(()))]
async fn problems() -> Json<Page<Explained>> {
    Json(Page::whole(
        Kind::ALL
            .iter()
            .map(|kind| Explained::from(*kind))
            .collect(),
    ))
}

/// One kind of error
#[utoipa::path(get, path = "/problems/{name}", tag = "node", operation_id = "problem",
    params(("name" = String, Path, description = "The last part of a problem's `type`")),
    responses((status = 200, body = Explained, description = "What it means")), security(()))]
async fn problem(Path(name): Path<String>) -> Result<Json<Explained>, Problem> {
    let kind = Kind::ALL
        .iter()
        .find(|kind| kind.uri().strip_prefix("/problems/") == Some(name.as_str()));
    kind.map(|kind| Json((*kind).into()))
        .ok_or_else(Problem::not_found)
}

/// Adds to every operation what can come of it whatever the handler says, gives every error its form, and names the ways to
/// sign in.
pub(super) fn complete(document: &mut utoipa::openapi::OpenApi, cookie_name: &str) {
    let components = document.components.get_or_insert_with(Components::new);
    let cookie = ApiKeyValue::with_description(cookie_name, "A browser's session.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("tl_…")
        .description(Some("An API token."));
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            complete_operation(&method, operation);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let by_method = [
        (Method::GET, item.get.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
    ];
    by_method
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation?)))
}

fn parameters(operation: &Operation, place: ParameterIn) -> impl Iterator<Item = &Parameter> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(move |parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == place => Some(parameter),
        _ => None,
    })
}

fn complete_operation(method: &Method, operation: &mut Operation) {
    let anybody = || {
        let way = |name: &str| SecurityRequirement::new(name, [""; 0]);
        vec![SecurityRequirement::default(), way("session"), way("token")]
    };
    operation.security.get_or_insert_with(anybody);
    operation
        .parameters
        .iter_mut()
        .flatten()
        .for_each(never_null);
    let mut kinds = vec![
        Kind::BadRequest,
        Kind::UriTooLong,
        Kind::HeadersTooLarge,
        Kind::Internal,
        Kind::Unavailable,
    ];
    let public_only = serde_json::to_value(&operation.security)
        .is_ok_and(|value| value == serde_json::json!([{}]));
    if !public_only {
        kinds.extend([Kind::SignIn, Kind::Forbidden]);
    }
    if *method != Method::GET {
        kinds.push(Kind::Forbidden);
    }
    if parameters(operation, ParameterIn::Path).next().is_some() {
        kinds.push(Kind::NotFound);
    }
    if operation.request_body.is_some() {
        kinds.extend([
            Kind::Timeout,
            Kind::TooLarge,
            Kind::MediaType,
            Kind::Refused,
        ]);
    }
    let responses = &mut operation.responses.responses;
    for kind in kinds {
        let described = || RefOr::T(Documented::new(kind.meaning()));
        responses
            .entry(kind.status().as_str().to_owned())
            .or_insert_with(described);
    }
    for (status, response) in responses {
        let kind = Kind::ALL
            .iter()
            .find(|kind| kind.status().as_str() == status);
        match (kind, response) {
            (Some(kind), RefOr::T(response)) => give_form(*kind, response),
            // OpenAPI 3.1 asks for a description.
            (None, RefOr::T(response)) if response.description.is_empty() => {
                let summary = operation.summary.as_deref().unwrap_or_default();
                let words = if summary.is_empty() {
                    "The answer"
                } else {
                    summary
                };
                words.clone_into(&mut response.description);
            }
            _ => {}
        }
    }
}

/// A parameter that is left out is not `null`, which no query can say.
fn never_null(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(Parameter {
        schema: Some(RefOr::T(Schema::Object(object))),
        ..
    }) = parameter
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|one| *one != Type::Null);
        if let [one] = types.as_slice() {
            object.schema_type = SchemaType::Type(one.clone());
        }
    }
}

/// An error without content is a problem; one that has content (an unwell node, say) can be that or a problem.
fn give_form(kind: Kind, response: &mut Documented) {
    let form = || {
        let problem = RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"));
        RefOr::T(ContentBuilder::new().schema(Some(problem)).build())
    };
    response
        .content
        .entry(PROBLEM_JSON.to_owned())
        .or_insert_with(form);
    if kind == Kind::TooManyRequests {
        let seconds = HeaderBuilder::new()
            .description(Some("After how many seconds to come again"))
            .build();
        response
            .headers
            .entry("Retry-After".to_owned())
            .or_insert(seconds.into());
    }
}

/// Which query parameters each route knows.
pub(super) fn queries(document: &mut utoipa::openapi::OpenApi) -> Queries {
    let mut queries = Queries::default();
    for (path, item) in &mut document.paths.paths {
        let known = operations(item).map(|(method, operation)| {
            let names = parameters(operation, ParameterIn::Query);
            (
                method,
                names.map(|parameter| parameter.name.clone()).collect(),
            )
        });
        queries.0.insert(path.clone(), known.collect());
    }
    queries
}
