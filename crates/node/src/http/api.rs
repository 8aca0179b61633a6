//! What the handlers of the node share: who asks with which views, how views are read, and how what the node refuses is told.

use super::App;
use super::page::{Page, Paged};
use super::problem::{Kind, Problem};
use crate::accounts::{Caller, Scope};
use crate::authority::Eyes;
use crate::reads::Reads;
use crate::search::Search;
use crate::timers::TimerError;
use crate::views::{ListQuery, Listed, ViewError, Views};
use crate::{Node, NodeError};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use record::door::DoorError;
use record::log::SayError;
use record::name::Reference;
use record::time::UtcMs;
use std::fmt;
use std::sync::Arc;

/// Where a page of a list begins: time and local number of the row before.
pub type Position = (i64, i64);

/// Whoever asks, with what is his to read.
#[derive(Clone)]
pub struct Asker {
    /// The account, or the public.
    pub caller: Caller,
    /// With whose eyes is read.
    pub eyes: Eyes,
    /// The node.
    pub node: Arc<Node>,
    /// What these eyes see.
    pub views: Arc<Views>,
    /// What these eyes find.
    pub search: Arc<Search>,
    /// Where it is counted which exact places he is told.
    pub(super) reads: Arc<Reads>,
    /// When he asks, by the door's clock.
    pub(super) asked_at: UtcMs,
}

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let node = Here::from_request_parts(parts, app).await?.0;
        let eyes = node.eyes_of(caller.participant.as_ref());
        Ok(Self {
            views: Arc::clone(node.views(&eyes)),
            search: Arc::clone(node.search(&eyes)),
            reads: Arc::clone(&app.reads),
            asked_at: app.clock.now(),
            caller,
            eyes,
            node,
        })
    }
}

/// The node, for what everybody gets alike.
pub struct Here(pub Arc<Node>);

impl FromRequestParts<Arc<App>> for Here {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let node = parts.extensions.get::<Arc<Node>>();
        node.cloned().map(Self).ok_or_else(Problem::internal)
    }
}

impl Asker {
    /// The caller, whose credential must be for this.
    ///
    /// # Errors
    /// 401 or 403.
    pub fn need(&self, scope: Scope) -> Result<&Caller, Problem> {
        super::auth::require(&self.caller, scope)?;
        Ok(&self.caller)
    }
}

/// Reads on a thread that may wait.
///
/// # Errors
/// What `read` says, as a problem.
pub async fn read<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    read: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| Problem::internal())?.map_err(Into::into)
}

/// A list's query: `filters` tells what of it is asked for.
///
/// # Errors
/// A time that is none.
pub fn list_query<F>(
    paged: &Paged<F, Position>,
    filters: impl FnOnce(&F) -> Result<ListQuery, Problem>,
) -> Result<ListQuery, Problem> {
    Ok(ListQuery {
        after: paged.after,
        limit: u32::try_from(paged.limit()).unwrap_or(u32::MAX),
        ..filters(&paged.filters)?
    })
}

/// A page of rows.
pub fn page<F, T>(paged: &Paged<F, Position>, listed: Listed<T>) -> Page<T> {
    Page {
        next: listed.next.map(|position| paged.cursor(&position)),
        items: listed.items,
        total: listed.total,
    }
}

/// A time that is asked for.
///
/// # Errors
/// 400 when it is none.
pub fn time(name: &'static str, asked: Option<&str>) -> Result<Option<UtcMs>, Problem> {
    let read = |text| UtcMs::parse(text).map_err(|rule| Problem::bad_request(name, rule));
    asked.map(read).transpose()
}

/// A refusal with the name of its rule.
#[must_use]
pub fn refusal(rule: &'static str, field: impl Into<String>, reason: impl Into<String>) -> Problem {
    Problem::refused(field.into(), reason.into()).because(rule)
}

/// Call sign and index, to be read aloud.
#[must_use]
pub fn short(node: &Node, reference: &Reference) -> String {
    let own = node.own().find(|own| *own.origin() == reference.origin);
    own.map_or_else(
        || format!("{}#{}", reference.origin, reference.index),
        |own| format!("{}-{}", own.call_sign, reference.index),
    )
}

pub(super) fn failed(what: &'static str, error: &dyn fmt::Display) -> Problem {
    tracing::error!(%error, "{what}");
    Problem::internal()
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        failed("a view could not be read", &error)
    }
}

impl From<TimerError> for Problem {
    fn from(error: TimerError) -> Self {
        failed("alarms or conflicts could not be read", &error)
    }
}

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::NotFound => Self::not_found(),
            DoorError::Store(error) => failed("a log could not be read", &error),
        }
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::View(error) => error.into(),
            NodeError::Say(error) => error.into(),
            NodeError::NotOurs(_) => Self::new(Kind::Forbidden, error.to_string()),
            NodeError::Sign(error) => refusal("key", "office", error.to_string()),
            other => failed("the node failed", &other),
        }
    }
}

impl From<SayError> for Problem {
    fn from(error: SayError) -> Self {
        let reason = error.to_string();
        match error {
            SayError::Refused(refused) => refusal(refused.rule, refused.field, refused.reason),
            SayError::Prev { .. } => Self::new(Kind::PreconditionFailed, reason).because("prev"),
            SayError::Busy { limit, .. } => Self::new(Kind::TooManyRequests, reason)
                .because(limit)
                .retry_after(crate::accounts::rate::RetryAfter(1)),
            SayError::ReadOnly(_) => Self::new(Kind::Unavailable, reason).because("read_only"),
            SayError::Stopped => Self::new(Kind::Unavailable, reason).because("stopped"),
            SayError::Store(error) => failed("a statement could not be stored", &error),
            SayError::UnknownKey(_) | SayError::Ineffective(_) => refusal("key", "kid", reason),
            SayError::Incomplete(group) => refusal("complete", group, reason),
            SayError::Target { .. } => refusal("target", "about", reason),
            SayError::Attachment(_) => refusal("attachment", "attachments", reason),
            SayError::Control(_) | SayError::LastLogKey => refusal("control", "body", reason),
            SayError::Statement(_) => refusal("form", "statement", reason),
        }
    }
}
