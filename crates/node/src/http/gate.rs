//! Through here every request comes in and every answer goes out: one layer, so that no route can be without it.

use super::App;
use super::auth::{has_credentials, same_site};
use super::problem::{Kind, Problem};
use super::strict::query_pairs;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Instant;

/// Longest address, path and query together, in bytes.
pub const URI_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of all headers together.
pub const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// The header by which a request is found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing but our own files is loaded, nowhere but to us is anything sent, nobody frames our pages.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What the gate needs: the app, and which parameters each documented route knows.
#[derive(Clone)]
pub(super) struct Gate {
    pub app: Arc<App>,
    pub queries: Arc<Queries>,
}

/// The names of query parameters, by path and method, as the OpenAPI document has them.
#[derive(Debug, Default)]
pub(super) struct Queries(pub HashMap<String, Vec<(Method, Vec<String>)>>);

impl Queries {
    /// Refuses a parameter that the route does not know. Routes that are not documented are not judged.
    fn check(&self, route: &str, method: &Method, query: Option<&str>) -> Result<(), Problem> {
        let Some(query) = query.filter(|query| !query.is_empty()) else {
            return Ok(());
        };
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let methods = self.0.get(route).map(Vec::as_slice).unwrap_or_default();
        let Some((_, known)) = methods.iter().find(|(other, _)| other == method) else {
            return Ok(());
        };
        let pairs = query_pairs(Some(query))?;
        let unknown = pairs.into_iter().find(|(name, _)| !known.contains(name));
        unknown.map_or(Ok(()), |(name, _)| {
            let rule = match known.as_slice() {
                [] => "is not known: this address takes no parameters".to_owned(),
                known => format!("is not known: this address takes {}", known.join(", ")),
            };
            Err(
                Problem::bad_request(name.escape_debug().take(64).collect::<String>(), rule)
                    .because("unknown_parameter"),
            )
        })
    }
}

/// The layer.
pub(super) async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let app = &gate.app;
    let id = app.request_ids.next();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let known = has_credentials(request.headers(), app);
    let mut response = match admitted(&gate, &request, route.as_ref()) {
        Ok(()) => unpanicked(next, request, &id).await,
        Err(problem) => problem.into_response(),
    };
    if is_bare_error(&response) {
        response = as_problem(response);
    }
    if response.status() == Kind::Internal.status() {
        tracing::error!(
            request = id.to_str().unwrap_or_default(),
            route = label(route.as_ref()),
            "a request failed"
        );
    }
    dress(response.headers_mut(), app, known, id);
    measure(&method, route.as_ref(), response.status().as_u16(), started);
    response
}

fn admitted(gate: &Gate, request: &Request, route: Option<&MatchedPath>) -> Result<(), Problem> {
    let uri = request.uri();
    let uri_bytes = uri.path().len() + uri.query().map_or(0, str::len);
    if uri_bytes > URI_BYTES_MAX {
        return Err(Problem::of_status(Kind::UriTooLong.status()));
    }
    let headers = request.headers();
    let header_bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if header_bytes > HEADERS_BYTES_MAX {
        return Err(Problem::of_status(Kind::HeadersTooLarge.status()));
    }
    same_site(request.method(), headers, &gate.app)?;
    route.map_or(Ok(()), |route| {
        gate.queries
            .check(route.as_str(), request.method(), uri.query())
    })
}

/// A panic ends the request and not the connection. Its message may hold what a person wrote; it is not repeated here.
async fn unpanicked(next: Next, request: Request, id: &HeaderValue) -> Response {
    let mut answer = Box::pin(next.run(request));
    let answered =
        poll_fn(
            |context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            },
        );
    answered.await.unwrap_or_else(|| {
        tracing::error!(
            request = id.to_str().unwrap_or_default(),
            "a handler panicked"
        );
        Problem::internal().into_response()
    })
}

/// An error that the router, a layer or an extractor of the library made: a status, and at most a line of text.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let media_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    media_type.is_none_or(|media_type| media_type.starts_with(b"text/plain"))
}

fn as_problem(bare: Response) -> Response {
    let allow = bare.headers().get(ALLOW).cloned();
    let mut response = Problem::of_status(bare.status()).into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// What every answer wears.
fn dress(headers: &mut HeaderMap, app: &App, known: bool, id: HeaderValue) {
    headers.insert(REQUEST_ID, id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE, HeaderValue::from_static("same-origin"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    if app.settings.origin.secure() {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if known || !headers.contains_key(CACHE_CONTROL) {
        // Also what a handler meant for the public: with a cookie or token it may hold more.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else {
        headers.append(VARY, HeaderValue::from_static("authorization, cookie"));
    }
}

fn label(route: Option<&MatchedPath>) -> &str {
    route.map_or("none", MatchedPath::as_str)
}

/// Counts by route, never by address, account or path: metrics are no diary.
fn measure(method: &Method, route: Option<&MatchedPath>, status: u16, started: Instant) {
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let route = label(route).to_owned();
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"]
        .get(usize::from(status / 100))
        .unwrap_or(&"other");
    metrics::histogram!("http_request_seconds", "route" => route.clone(), "method" => method)
        .record(started.elapsed().as_secs_f64());
    metrics::counter!("http_requests_total", "route" => route, "method" => method, "status" => *class).increment(1);
}

/// Numbers of requests: which start of the node, and which request since. They tell nothing about who asks.
pub(super) struct RequestIds {
    start: u32,
    count: AtomicU64,
}

impl RequestIds {
    pub fn new() -> Self {
        Self {
            start: u32::from_be_bytes(crate::accounts::id::random()),
            count: AtomicU64::new(0),
        }
    }

    fn next(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{:08x}-{count}", self.start)).expect("hexadecimal digits")
    }
}
