//! The HTTP API, the logs as static tiles, and the pages that work without a browser application.

pub mod agreement;
pub mod auth;
pub mod contact;
pub mod extract;
pub mod live;
pub mod logs;
pub mod objects;
pub mod once;
pub mod page;
pub mod participants;
pub mod problem;
pub mod search;
pub mod statements;

use crate::Node;
use crate::accounts::Accounts;
use crate::authority::Eyes;
use crate::views::Listed;
use auth::Asker;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use page::{Cursors, Page};
use problem::Problem;
use record::name::Reference;
use std::fmt;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a body: a statement with room for its JSON.
pub const BODY_BYTES_MAX: usize = 2 << 20;

/// What handlers share.
#[derive(Clone)]
pub struct App {
    /// The node.
    pub node: Arc<Node>,
    /// Accounts.
    pub accounts: Arc<Accounts>,
    /// Cursors.
    pub cursors: Arc<Cursors>,
    /// Requests that are carried out once.
    pub once: Arc<once::Once>,
}

impl App {
    /// Reads with a thread that may wait.
    async fn read<T: Send + 'static, E: Into<Problem> + Send + fmt::Display + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem> {
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|_| Problem::failed())?.map_err(Into::into)
    }

    /// What a cursor is bound to: the list, its filters and its reader.
    fn list_name(&self, eyes: &Eyes, list: &str, filters: &[&Option<String>]) -> String {
        format!("{list} {eyes:?} {filters:?}")
    }

    fn page<T>(&self, name: &str, listed: Listed<T>) -> Page<T> {
        Page {
            items: listed.items,
            total: listed.total,
            next: listed
                .next
                .map(|position| self.cursors.write(name, position)),
        }
    }

    /// Where the changes and alarms of a reader stand now.
    fn newest(&self, asker: &Asker) -> (i64, i64) {
        let alarm = *self.node.timers().changes().borrow();
        (asker.views.context().seq, alarm)
    }

    /// Call sign and index, to be read aloud.
    fn short(&self, reference: &Reference) -> String {
        let own = self
            .node
            .own()
            .find(|own| *own.origin() == reference.origin);
        own.map_or_else(
            || format!("{}#{}", reference.origin, reference.index),
            |own| format!("{}-{}", own.call_sign, reference.index),
        )
    }
}

/// The API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Truceline",
        description = "The operations room of a ceasefire. Whatever you read here is what your participant, or the public, may read; what is unknown and what is forbidden are answered alike.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(problem::Problem))
)]
struct Api;

/// All routes.
pub fn router(app: App) -> Router {
    let (router, api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(statements::say, statements::list))
        .routes(routes!(statements::one))
        .routes(routes!(statements::about))
        .routes(routes!(statements::readers))
        .merge(objects::routes())
        .routes(routes!(live::due))
        .routes(routes!(live::changes))
        .routes(routes!(live::alarms))
        .routes(routes!(live::silence))
        .routes(routes!(live::stream))
        .routes(routes!(agreement::agreement))
        .routes(routes!(agreement::coverage))
        .routes(routes!(contact::lines))
        .routes(routes!(contact::shifts))
        .routes(routes!(participants::participants))
        .routes(routes!(participants::kinds))
        .routes(routes!(participants::schema))
        .routes(routes!(search::search))
        .routes(routes!(logs::index))
        .split_for_parts();
    let document = api.to_json().unwrap_or_default();
    router
        .route("/log/{call_sign}/{*path}", axum::routing::get(logs::file))
        .route(
            "/api/v1/openapi.json",
            axum::routing::get(move || async move {
                ([("content-type", "application/json")], document)
            }),
        )
        .fallback(|| async { Problem::not_found() })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}
