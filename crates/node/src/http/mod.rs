//! The node's door: HTTP.
//!
//! [`routes`] adds a module's routes to the router and, from the same lines, to the OpenAPI document. Through [`gate`] every
//! request comes in and every answer goes out. Errors are [`problem::Problem`]s, bodies and parameters are read by [`strict`],
//! who asks is told by [`auth`].

mod accounts;
pub mod agreement;
pub mod api;
pub mod auth;
pub mod board;
pub mod candidates;
pub mod conflicts;
pub mod contact;
pub mod deconfliction;
pub mod document;
pub mod exact;
pub mod gate;
pub mod health;
pub mod idempotency;
pub mod live;
pub mod logs;
pub mod objects;
pub mod page;
pub mod pages;
pub mod participants;
pub mod places;
pub mod presence;
pub mod problem;
pub mod reads;
pub mod search;
pub mod server;
pub mod statements;
pub mod strict;
pub mod summary;
pub mod voice;
pub mod words;

use crate::Node;
use crate::accounts::rate::{CHECK_RATE, Limiter};
use crate::accounts::{Accounts, AccountsError, Options, SessionTimes, WebOrigin};
use crate::reads::{Reads, ReadsError};
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::routing::get;
use axum::{Extension, Router};
use gate::{Gate, REQUEST_ID, RequestIds};
use health::Check;
use idempotency::{IDEMPOTENCY_KEY, Idempotency, IdempotencyError, REPLAYED};
use metrics_exporter_prometheus::PrometheusHandle;
use page::CursorKey;
use problem::Problem;
use record::time::Clock;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a statement with its JSON around it.
pub const STATEMENT_BODY_BYTES_MAX: usize = 2 << 20;

/// How the door is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where browsers find the node.
    pub origin: WebOrigin,
    /// The domain to which passkeys are bound, when it is not the origin's own.
    pub relying_party: Option<String>,
    /// What authenticators show as the name of the node.
    pub node_name: String,
    /// How long sessions last.
    pub sessions: SessionTimes,
    /// Origins of other sites whose pages may use the API with tokens; none by default. The cookie is never for them.
    pub cors_origins: Vec<WebOrigin>,
    /// Our own reverse proxies, whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Longest body of a request, in bytes, where a route says nothing else.
    pub body_bytes_max: usize,
    /// Within which time a body must have arrived.
    pub body_within: Duration,
    /// Within which time a quick route answers.
    pub answer_within: Duration,
    /// Most connections at the same time.
    pub connections_max: usize,
}

impl Settings {
    /// The usual settings of a node at `origin`.
    #[must_use]
    pub fn new(origin: WebOrigin) -> Self {
        Self {
            origin,
            relying_party: None,
            node_name: "Truceline".into(),
            sessions: SessionTimes::default(),
            cors_origins: Vec::new(),
            proxies: Vec::new(),
            body_bytes_max: 256 * 1024,
            body_within: Duration::from_secs(20),
            answer_within: Duration::from_secs(30),
            connections_max: 8192,
        }
    }
}

/// What all handlers share.
pub struct App {
    /// Who may sign in.
    pub accounts: Accounts,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How the door is set up.
    pub settings: Settings,
    /// What must be well, by name.
    pub checks: Vec<(&'static str, Check)>,
    /// Requests that are done only once.
    pub idempotency: Idempotency,
    /// Who read exact places, and what about that is out of the ordinary.
    reads: Arc<Reads>,
    /// How often each account asked for conflicts.
    checked: Limiter,
    cookie_name: String,
    cursors: CursorKey,
    metrics: PrometheusHandle,
    request_ids: RequestIds,
    document: OnceLock<Bytes>,
    closing: watch::Sender<bool>,
}

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The keys of requests that are done once.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The counts of reads.
    #[error(transparent)]
    Reads(#[from] ReadsError),
    /// The metrics.
    #[error("{0}")]
    Metrics(String),
}

impl App {
    /// Opens, in the directory `dir`, what the door keeps.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, clock: Arc<dyn Clock>, settings: Settings) -> Result<Self, OpenError> {
        let options = Options {
            relying_party: settings.relying_party.clone(),
            node_name: settings.node_name.clone(),
            sessions: settings.sessions,
            ..Options::new(clock.clone(), settings.origin.clone())
        };
        let accounts = Accounts::open(dir, options)?;
        let reads = Arc::new(Reads::open(dir)?);
        Ok(Self {
            checks: vec![
                ("accounts", health::accounts_check(&accounts)),
                ("reads", health::reads_check(&reads)),
            ],
            reads,
            cookie_name: auth::cookie_name(&settings.origin),
            cursors: CursorKey::new(&accounts.store_secret("cursors")?),
            idempotency: Idempotency::open(dir, clock.clone())?,
            checked: Limiter::new(CHECK_RATE),
            metrics: health::recorder().map_err(OpenError::Metrics)?,
            request_ids: RequestIds::new(),
            document: OnceLock::new(),
            closing: watch::Sender::new(false),
            accounts,
            clock,
            settings,
        })
    }

    /// Becomes true when the node is stopping: answers that go on for a long time should end.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// What is done about every second. It may wait for the disk.
    pub fn upkeep(&self) {
        if let Err(error) = self.accounts.upkeep() {
            tracing::error!("accounts: {error}");
        }
        self.idempotency.upkeep();
        self.checked.sweep(self.clock.now());
        if let Err(error) = self.reads.upkeep(self.clock.now()) {
            tracing::error!("{error}");
        }
        self.metrics.run_upkeep();
    }
}

/// Routes of the node's other modules.
#[derive(Default)]
pub struct Routes {
    /// Routes that answer within [`Settings::answer_within`].
    pub quick: OpenApiRouter<Arc<App>>,
    /// Routes that may take longer: uploads and exports.
    pub patient: OpenApiRouter<Arc<App>>,
    /// Pages and files, which the OpenAPI document does not name.
    pub pages: Router<Arc<App>>,
}

/// The routes of a node: what is said and read, and the logs.
#[must_use]
pub fn node_routes(node: Arc<Node>) -> Routes {
    let here = Extension(node);
    let quick = OpenApiRouter::default()
        .routes(routes!(statements::list))
        .routes(routes!(statements::one))
        .routes(routes!(statements::about))
        .routes(routes!(statements::readers))
        .routes(routes!(statements::erasure))
        .merge(objects::routes())
        .routes(routes!(summary::of_sites))
        .routes(routes!(board::board))
        .routes(routes!(live::due))
        .routes(routes!(live::changes))
        .routes(routes!(live::alarms))
        .routes(routes!(live::silence))
        .routes(routes!(agreement::agreement))
        .routes(routes!(agreement::coverage))
        .routes(routes!(contact::lines))
        .routes(routes!(contact::shifts))
        .routes(routes!(deconfliction::check))
        .routes(routes!(conflicts::list))
        .routes(routes!(conflicts::found))
        .routes(routes!(candidates::candidates))
        .routes(routes!(presence::overlaps))
        .routes(routes!(participants::participants))
        .routes(routes!(participants::kinds))
        .routes(routes!(participants::schema))
        .routes(routes!(search::search))
        .routes(routes!(places::entry))
        .routes(routes!(voice::site_script))
        .routes(routes!(voice::movement_script))
        .routes(routes!(voice::site_read_back))
        .routes(routes!(voice::movement_read_back))
        .routes(routes!(reads::reads))
        .routes(routes!(reads::alerts))
        .routes(routes!(logs::index))
        .layer(here.clone());
    let said = OpenApiRouter::default()
        .routes(routes!(statements::say))
        .layer(DefaultBodyLimit::max(STATEMENT_BODY_BYTES_MAX));
    let patient = said.routes(routes!(live::stream)).layer(here.clone());
    let pages = Router::new()
        .route("/log/{call_sign}/{*path}", get(logs::file))
        .merge(pages::router())
        .layer(here);
    Routes {
        quick,
        patient,
        pages,
    }
}

/// The whole router: the door's own routes and `more`.
///
/// # Panics
/// When two routes have the same address and method.
pub fn routes(app: &Arc<App>, more: Routes) -> Router {
    let late =
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, app.settings.answer_within);
    let quick = OpenApiRouter::with_openapi(document::base())
        .merge(document::router())
        .merge(health::router())
        .merge(accounts::router())
        .merge(more.quick)
        .layer(late);
    let (router, mut api) = quick.merge(more.patient).split_for_parts();
    document::complete(&mut api, &app.cookie_name);
    let queries = Arc::new(document::queries(&mut api));
    let text = api.to_json().expect("the document is plain data");
    // A second router of the same app has the same routes.
    let _ = app.document.set(text.into());
    let gate = Gate {
        app: app.clone(),
        queries,
    };
    let router = router
        .merge(more.pages)
        .fallback(|| async { Problem::not_found() })
        .layer(DefaultBodyLimit::max(app.settings.body_bytes_max))
        .layer(axum::middleware::from_fn_with_state(gate, gate::gate))
        .with_state(app.clone());
    match cors(&app.settings.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// Pages of these other sites may use the API, with tokens and never with the cookie. `None` when there are none.
fn cors(origins: &[WebOrigin]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|origin| origin.as_str().parse().ok())
        .collect();
    let exposed = [LOCATION, RETRY_AFTER, REQUEST_ID, REPLAYED];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                HeaderName::from_static(IDEMPOTENCY_KEY),
            ])
            .expose_headers(exposed)
            .max_age(Duration::from_secs(600))
    })
}
