//! What is due, alarms, and what changed: by asking, or as a live stream.

use super::App;
use super::api::{self, Asker, read};
use super::candidates::PERIOD_MS_MAX;
use super::conflicts::FoundRow;
use super::problem::Problem;
use super::reads::{AlertRow, watched_by};
use super::strict::{Json, Query};
use crate::accounts::Scope;
use crate::timers::AlarmRow;
use crate::views::{Change, OwedRow};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use record::name::Reference;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};

/// Changes that are given at once.
pub(super) const CHANGES_MAX: u32 = 500;
/// Events that wait for one reader; a slower one is waited for, and told from where he left off.
const WAITING_MAX: usize = 64;
/// How often a sign of life is sent.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// What is due.
#[derive(Debug, Serialize, ToSchema)]
pub struct Due {
    /// The time that it was asked for.
    #[schema(format = DateTime)]
    pub now: String,
    /// The most urgent and oldest first; alike for all sides.
    pub items: Vec<OwedRow>,
    /// How many.
    pub total: u64,
}

/// Of what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichDue {
    /// At another time than now.
    #[param(format = DateTime)]
    at: Option<String>,
    /// Only what this participant owes.
    #[param(max_length = 16)]
    by: Option<String>,
    /// Only what this participant waits for.
    #[param(max_length = 16)]
    to: Option<String>,
    /// Only `overdue`, `open` or `unreachable`.
    #[param(max_length = 16)]
    urgency: Option<String>,
}

/// What is open, due, overdue or unreachable, by whom
#[utoipa::path(get, path = "/api/v1/due", tag = "due", params(WhichDue), responses((status = 200, body = Due)))]
pub async fn due(asker: Asker, Query(which): Query<WhichDue>) -> Result<Json<Due>, Problem> {
    let at = api::time("at", which.at.as_deref())?.unwrap_or_else(|| asker.node.now());
    let views = asker.views;
    let mut items = read(move || views.due(at)).await?;
    let is =
        |asked: &Option<String>, found: &str| asked.as_deref().is_none_or(|asked| asked == found);
    items.retain(|item| {
        is(&which.by, &item.by) && is(&which.to, &item.to) && is(&which.urgency, &item.urgency)
    });
    Ok(Json(Due {
        now: at.to_string(),
        total: items.len() as u64,
        items,
    }))
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// `next` of the answer before; left out, from the beginning.
    #[param(max_length = 128)]
    since: Option<String>,
}

impl Since {
    pub(super) fn since(&self) -> Option<&str> {
        self.since.as_deref()
    }
}

/// Changes, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changes {
    /// What changed. What is gone was retracted, withdrawn or erased: take it off.
    pub items: Vec<Change>,
    /// Ask from here next time.
    pub next: String,
    /// Whether more is waiting.
    pub more: bool,
}

/// What changed since
///
/// Everything that you may read, statements and what they add up to, each once with its last change. Begin without `since`.
#[utoipa::path(get, path = "/api/v1/changes", tag = "changes", params(Since), responses((status = 200, body = Changes)))]
pub async fn changes(
    State(app): State<Arc<App>>,
    asker: Asker,
    Query(which): Query<Since>,
) -> Result<Json<Changes>, Problem> {
    let name = name("changes", &asker);
    let since = since(&app, &name, which.since.as_deref())?;
    let views = asker.views;
    let items = read(move || views.changes_since(since, CHANGES_MAX)).await?;
    let last = items.last().map_or(since, |change| change.seq);
    Ok(Json(Changes {
        more: items.len() == CHANGES_MAX as usize,
        items,
        next: app.cursors.write(&name, &last),
    }))
}

/// Alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alarms {
    /// In the order of raising.
    pub items: Vec<AlarmRow>,
    /// Ask from here next time.
    pub next: String,
    /// Whether more is waiting.
    pub more: bool,
}

/// Deadlines that passed
#[utoipa::path(get, path = "/api/v1/alarms", tag = "due", params(Since), responses((status = 200, body = Alarms)))]
pub async fn alarms(
    State(app): State<Arc<App>>,
    asker: Asker,
    Query(which): Query<Since>,
) -> Result<Json<Alarms>, Problem> {
    let name = name("alarms", &asker);
    let since = since(&app, &name, which.since.as_deref())?;
    let (node, eyes) = (asker.node, asker.eyes);
    let items = read(move || node.timers().since(&eyes, since, CHANGES_MAX)).await?;
    let last = items.last().map_or(since, |alarm| alarm.id);
    Ok(Json(Alarms {
        more: items.len() == CHANGES_MAX as usize,
        items,
        next: app.cursors.write(&name, &last),
    }))
}

/// Which alarm.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// What the alarm is about: full reference.
    #[schema(max_length = 256)]
    pub about: String,
}

/// Silence an alarm
///
/// A hand on a switch, for all of your side: it acknowledges nothing, stops no clock, and whatever happens later sounds again.
#[utoipa::path(post, path = "/api/v1/alarms/silence", tag = "due", request_body = Silence, responses((status = 204, description = "It is quiet")))]
pub async fn silence(asker: Asker, Json(silence): Json<Silence>) -> Result<StatusCode, Problem> {
    asker.need(Scope::Say)?;
    let about: Reference = silence
        .about
        .parse()
        .map_err(|_| api::refusal("reference", "about", "is a full reference"))?;
    let (views, found) = (Arc::clone(&asker.views), about.clone());
    read(move || views.statement(&found))
        .await?
        .ok_or_else(Problem::not_found)?;
    let (node, eyes) = (asker.node, asker.eyes);
    read(move || node.timers().silence(&eyes, &about, node.now())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Follow what happens
///
/// Server-sent events: `statement` and the capabilities (`matter`, `report` …) with the data of `/api/v1/changes`, `alarm` with
/// that of `/api/v1/alarms`, `conflict` with that of `/api/v1/conflicts/found`, and `alert` with that of `/api/v1/alerts` for those who
/// may read these. `candidate` names a report and a notice near which it happened, where the asker reads the exact places of both
/// (`/api/v1/candidates`); it comes again whenever one of them changes. All others have an id; reconnect with `Last-Event-ID` and
/// nothing is missed. Without one it begins now. The event `reset` says that what you hold may be incomplete: read it anew.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "changes",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that arrived", max_length = 128)),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = String))
)]
pub async fn stream(
    State(app): State<Arc<App>>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let name = name("stream", &asker);
    let last = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or_default());
    let newest = Reached {
        seq: asker.views.context().seq,
        alarm: *asker.node.timers().changes().borrow(),
        conflict: *asker.node.conflicts().changes().borrow(),
        alert: *asker.reads.changes().borrow(),
    };
    let (from, reset) = match last.map(|id| app.cursors.read(&name, id)) {
        Some(Some(position)) => (position, false),
        Some(None) => (newest, true),
        None => (newest, false),
    };
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        if reset {
            let event = Event::default().event("reset").data("{}");
            if sender.send(Ok(event)).await.is_err() {
                return;
            }
        }
        // It ends when the reader goes away: then nobody takes what is sent.
        let _ = follow(&app, &asker, &name, from, &sender).await;
    });
    let alive = KeepAlive::new().interval(ALIVE_EVERY).text("alive");
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(alive))
}

/// What a position is bound to: the feed, and whose it is.
pub(super) fn name(feed: &str, asker: &Asker) -> String {
    format!("{feed} {:?}", asker.eyes)
}

pub(super) fn since(app: &App, name: &str, since: Option<&str>) -> Result<i64, Problem> {
    let Some(since) = since else { return Ok(0) };
    app.cursors.read(name, since).ok_or_else(|| {
        Problem::bad_request(
            "since",
            "is the `next` of an answer to this same question; begin again without it",
        )
        .because("bad_cursor")
    })
}

/// How far a stream was told, of each thing that it tells of. What is added later begins at 0 for those who were told before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Reached {
    seq: i64,
    alarm: i64,
    conflict: i64,
    alert: i64,
}

/// The reader is gone, or reads no more.
struct Gone;

async fn follow(
    app: &Arc<App>,
    asker: &Asker,
    name: &str,
    mut at: Reached,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<(), Gone> {
    let (mut changed, mut raised) = (asker.views.changes(), asker.node.timers().changes());
    let (mut found, mut noticed) = (asker.node.conflicts().changes(), asker.reads.changes());
    let mut closing = app.closing();
    loop {
        // Signing in may have ended meanwhile; nothing more goes out then.
        let caller = app.accounts.again(&asker.caller).ok_or(Gone)?;
        let before = at;
        let views = Arc::clone(&asker.views);
        let changes = news(move || views.changes_since(before.seq, CHANGES_MAX)).await?;
        tell_candidates(asker, &changes, sender).await?;
        for change in &changes {
            at.seq = change.seq;
            let id = app.cursors.write(name, &at);
            send(sender, &change.of, Some(&id), change).await?;
        }
        let (node, eyes) = (Arc::clone(&asker.node), asker.eyes.clone());
        let alarms = news(move || node.timers().since(&eyes, before.alarm, CHANGES_MAX)).await?;
        for one in &alarms {
            at.alarm = one.id;
            let id = app.cursors.write(name, &at);
            send(sender, "alarm", Some(&id), one).await?;
        }
        let (node, eyes) = (Arc::clone(&asker.node), asker.eyes.clone());
        let conflicts =
            news(move || node.conflicts().since(&eyes, before.conflict, CHANGES_MAX)).await?;
        for conflict in conflicts {
            at.conflict = conflict.id;
            if let Some(row) = FoundRow::of(conflict, &caller) {
                let id = app.cursors.write(name, &at);
                send(sender, "conflict", Some(&id), &row).await?;
            }
        }
        if let Some(sign) = watched_by(&caller) {
            let (reads, of) = (Arc::clone(&asker.reads), sign.clone());
            let alerts = news(move || reads.alerts(&of, before.alert, CHANGES_MAX)).await?;
            for one in &alerts {
                at.alert = one.id;
                let id = app.cursors.write(name, &at);
                let row = AlertRow::of(one, &app.accounts, sign);
                send(sender, "alert", Some(&id), &row).await?;
            }
        }
        if at == before {
            tokio::select! {
                more = changed.changed() => more.map_err(|_| Gone)?,
                more = raised.changed() => more.map_err(|_| Gone)?,
                more = found.changed() => more.map_err(|_| Gone)?,
                more = noticed.changed() => more.map_err(|_| Gone)?,
                more = closing.changed() => return more.map_err(|_| Gone).and(Err(Gone)),
                () = sender.closed() => return Err(Gone),
                () = tokio::time::sleep(ALIVE_EVERY) => {}
            }
        }
    }
}

async fn news<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    look: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Gone> {
    read(look).await.map_err(|_| Gone)
}

/// A report that is now a candidate of a notice, or still is after one of both changed.
#[derive(Debug, Serialize)]
struct CandidateEvent {
    /// The report: full reference. Absent when there are more candidates than can be told one by one: ask for them.
    report: Option<String>,
    /// The first notice: full reference.
    notice: Option<String>,
}

/// Tells of candidates before the changes that made them, and without an id: whoever is cut off in between is told of both again.
async fn tell_candidates(
    asker: &Asker,
    changes: &[Change],
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<(), Gone> {
    let makes_one = |change: &&Change| matches!(change.of.as_str(), "report" | "site" | "movement");
    let changed: Vec<Change> = changes.iter().filter(makes_one).cloned().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let views = Arc::clone(&asker.views);
    let since = UtcMs(asker.node.now().0 - PERIOD_MS_MAX);
    let found = news(move || views.snapshot(|moment| moment.candidates_among(&changed, since)));
    let events = match found.await? {
        Ok(found) => found
            .into_iter()
            .map(|(report, notice)| CandidateEvent {
                report: Some(report.to_string()),
                notice: Some(notice.to_string()),
            })
            .collect(),
        Err(_) => vec![CandidateEvent {
            report: None,
            notice: None,
        }],
    };
    for event in events {
        send(sender, "candidate", None, &event).await?;
    }
    Ok(())
}

async fn send(
    sender: &mpsc::Sender<Result<Event, Infallible>>,
    event: &str,
    id: Option<&str>,
    data: &impl Serialize,
) -> Result<(), Gone> {
    let data = serde_json::to_string(data).map_err(|_| Gone)?;
    let event = Event::default().event(event);
    let event = match id {
        Some(id) => event.id(id),
        None => event,
    };
    sender.send(Ok(event.data(data))).await.map_err(|_| Gone)
}
