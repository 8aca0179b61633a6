//! What a supervisor asks: is the node well, and how busy is it.

use super::App;
use super::auth::{is_local, require};
use super::problem::{Kind, Problem};
use super::strict::Json;
use crate::accounts::{Caller, Scope};
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// One thing that must be well. It may wait for the disk. What it says when it is not is shown to everybody: fixed words.
pub type Check = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// Upper bounds of the histogram of answering times, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(health))
        .routes(routes!(metrics))
}

/// The process's recorder of metrics. The first call installs it.
///
/// # Errors
/// A sentence, when the process has another one.
pub(super) fn recorder() -> Result<PrometheusHandle, String> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let install = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| format!("metrics cannot be recorded: {error}"))
    };
    HANDLE.get_or_init(install).clone()
}

/// One thing that was checked.
#[derive(Debug, Serialize, ToSchema)]
struct Checked {
    /// What.
    name: &'static str,
    /// Whether it is well.
    ok: bool,
    /// What is wrong with it.
    trouble: Option<&'static str>,
}

/// How the node is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Whether all is well.
    ok: bool,
    /// What was checked.
    checks: Vec<Checked>,
}

/// Is the node well
#[utoipa::path(get, path = "/healthz", tag = "node", operation_id = "health",
    responses(
        (status = 200, body = Health, description = "All is well"),
        (status = 503, body = Health, description = "Something is not")),
    security(()))]
async fn health(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let checks = tokio::task::spawn_blocking(move || {
        let asked = app.checks.iter().map(|(name, check)| (*name, check()));
        let checked = asked.map(|(name, result)| Checked {
            name,
            ok: result.is_ok(),
            trouble: result.err(),
        });
        checked.collect::<Vec<_>>()
    });
    let checks = checks.await.map_err(|_| Problem::internal())?;
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((status, Json(Health { ok, checks })).into_response())
}

/// Somebody who may read the metrics: a program on this machine, or an administrator.
struct Observer;

impl FromRequestParts<Arc<App>> for Observer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if !is_local(parts) {
            require(&caller, Scope::Admin)?;
        }
        Ok(Self)
    }
}

/// Metrics
///
/// In the text format of Prometheus. For programs on the node's own machine (a connection from a loopback address that no proxy
/// relays), and elsewhere with the scope `admin`. There is nothing of persons in it.
#[utoipa::path(get, path = "/metrics", tag = "node", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain", description = "The metrics")),
    security((), ("session" = []), ("token" = [])))]
async fn metrics(State(app): State<Arc<App>>, _: Observer) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        app.metrics.render(),
    )
        .into_response()
}

/// The check of `accounts.db`.
pub(super) fn accounts_check(accounts: &crate::accounts::Accounts) -> Check {
    let accounts = accounts.clone();
    Arc::new(move || {
        accounts
            .health()
            .map_err(|_| "accounts.db does not answer; see the node's log")
    })
}

/// The check that reads of exact places are counted.
pub(super) fn reads_check(reads: &Arc<crate::reads::Reads>) -> Check {
    let reads = Arc::clone(reads);
    Arc::new(move || {
        if reads.is_counting() {
            return Ok(());
        }
        Err("reads of exact places are not counted; see the node's log")
    })
}

/// Kinds of error, so that `type` can be opened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    /// The kind.
    #[schema(value_type = super::problem::ProblemType)]
    r#type: &'static str,
    /// In a few words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// In a sentence or two.
    meaning: &'static str,
}

impl From<Kind> for Explained {
    fn from(kind: Kind) -> Self {
        Self {
            r#type: kind.uri(),
            title: kind.title(),
            status: kind.status().as_u16(),
            meaning: kind.meaning(),
        }
    }
}
