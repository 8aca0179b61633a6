//! Who read exact places how often, and what about that is out of the ordinary: for those of the own side who watch over it.

use super::App;
use super::api::{self, Asker, read};
use super::live::Since;
use super::page::{Page, PageParams, Paged};
use super::problem::{Kind, Problem};
use super::strict::{Json, Query};
use super::words::{Day, Offices};
use crate::accounts::{AccountId, Accounts, Caller, Scope};
use crate::reads::{Alert, Count, Position, Query as Counts, ReadsError, WINDOW_MS};
use axum::extract::State;
use record::name::CallSign;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use truce::participants::Office;
use utoipa::{IntoParams, ToSchema};

/// Offices that are told who of their own side read what.
const WATCHERS: [Office; 3] = [
    Office::Administrator,
    Office::Auditor,
    Office::NotificationOfficer,
];
/// Alerts that are given at once.
const ALERTS_MAX: u32 = 500;
const DAY_MS: i64 = 86_400_000;

/// For whom the caller watches over reads; `None` when he does not.
#[must_use]
pub(super) fn watched_by(caller: &Caller) -> Option<&CallSign> {
    let watches = WATCHERS.iter().any(|office| caller.acts_as(*office));
    caller.participant.as_ref().filter(|_| watches)
}

fn watched(asker: &Asker) -> Result<CallSign, Problem> {
    let caller = asker.need(Scope::Read)?;
    watched_by(caller).cloned().ok_or_else(|| {
        Problem::new(
            Kind::Forbidden,
            "who read exact places is told to the administrators, auditors and notification officers of the readers' own side",
        )
    })
}

/// How often one account read the exact place of one notice on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadRow {
    /// The first notice of the site or movement: full reference.
    pub notice: String,
    /// The day, in UTC.
    pub day: Day,
    /// The account.
    pub account: AccountId,
    /// Its sign-in name; absent when it was deleted since.
    pub name: Option<String>,
    /// The offices that it holds now.
    pub offices: Offices,
    /// How many answers told it.
    pub times: u64,
}

/// Something out of the ordinary about reads or checks. It proves nothing and stops nobody: ask, and if it has to be, have an
/// administrator disable the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertRow {
    /// Its number, in the order of raising.
    #[serde(skip)]
    pub id: i64,
    /// `enumeration`: one account read the exact places of many notices of others. `overlapping_probes`: one account checked one
    /// ground many times.
    pub what: &'static str,
    /// The account.
    pub account: AccountId,
    /// Its sign-in name; absent when it was deleted since.
    pub name: Option<String>,
    /// The offices that it holds now.
    pub offices: Offices,
    /// Of how many notices; or how many earlier checks overlapped.
    pub number: u64,
    /// Within so many seconds.
    pub within_s: i64,
    /// When it was noticed.
    #[schema(format = DateTime)]
    pub raised_at: String,
}

/// Name and offices of an account, if it is still there.
fn who(accounts: &Accounts, sign: &CallSign, id: AccountId) -> (Option<String>, Offices) {
    let account = accounts.known(sign, id);
    let offices = account.as_ref().map(|account| account.offices.clone());
    let name = account.map(|account| account.name.to_string());
    (name, Offices(offices.unwrap_or_default()))
}

impl AlertRow {
    pub(super) fn of(alert: &Alert, accounts: &Accounts, sign: &CallSign) -> Self {
        let (name, offices) = who(accounts, sign, alert.account);
        Self {
            id: alert.id,
            what: alert.what.as_str(),
            account: alert.account,
            name,
            offices,
            number: alert.number,
            within_s: WINDOW_MS / 1000,
            raised_at: alert.raised_at.to_string(),
        }
    }
}

/// Which reads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Of one site or movement: the full reference of its first notice.
    #[param(max_length = 256)]
    notice: Option<String>,
    /// By one account.
    #[param(max_length = 22)]
    account: Option<String>,
    /// On one day, in UTC.
    #[param(format = Date)]
    day: Option<String>,
}

impl Which {
    fn query(&self, after: Option<Position>, limit: usize) -> Result<Counts, Problem> {
        let account = self.account.as_ref().map(|id| {
            id.parse::<AccountId>()
                .map_err(|rule| Problem::bad_request("account", rule.to_string()))
        });
        let day = self.day.as_ref().map(|day| {
            let midnight = UtcMs::parse(&format!("{day}T00:00:00Z"));
            midnight
                .map(|at| at.0.div_euclid(DAY_MS))
                .map_err(|_| Problem::bad_request("day", "is a day, such as 2016-03-01"))
        });
        Ok(Counts {
            notice: self.notice.clone(),
            account: account.transpose()?,
            day: day.transpose()?,
            after,
            limit,
        })
    }
}

/// Who of the own side read exact places
///
/// How often each account of your own side was told the exact place of each site and movement, by day, the newest day first. Lists,
/// single rows, statements, search and checks are counted alike: each answer once for a notice. For administrators, auditors and
/// notification officers.
#[utoipa::path(
    get, path = "/api/v1/reads", tag = "security", operation_id = "list_reads", params(Which, PageParams),
    responses((status = 200, body = Page<ReadRow>)), security(("session" = []), ("token" = []))
)]
pub async fn reads(
    State(app): State<Arc<App>>,
    asker: Asker,
    paged: Paged<Which, Position>,
) -> Result<Json<Page<ReadRow>>, Problem> {
    let sign = watched(&asker)?;
    let query = paged.filters.query(paged.after, paged.rows_to_read())?;
    let (reads, of) = (Arc::clone(&asker.reads), sign.clone());
    let (rows, total) = read(move || reads.counts(&of, &query)).await?;
    let show = |count: Count| {
        let (name, offices) = who(&app.accounts, &sign, count.account);
        ReadRow {
            notice: count.notice,
            day: Day(count.day),
            account: count.account,
            name,
            offices,
            times: count.times,
        }
    };
    Ok(Json(paged.page(rows, total, |row| row.position, show)))
}

/// Alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// In the order of raising.
    pub items: Vec<AlertRow>,
    /// Ask from here next time.
    pub next: String,
    /// Whether more is waiting.
    pub more: bool,
}

/// What about reads is out of the ordinary
///
/// That one account of your own side read the exact places of many notices of others within an hour, or checked one ground many
/// times. At most one of each an hour for each account. For administrators, auditors and notification officers.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "security", operation_id = "list_alerts", params(Since),
    responses((status = 200, body = Alerts)), security(("session" = []), ("token" = []))
)]
pub async fn alerts(
    State(app): State<Arc<App>>,
    asker: Asker,
    Query(which): Query<Since>,
) -> Result<Json<Alerts>, Problem> {
    let sign = watched(&asker)?;
    let name = super::live::name("alerts", &asker);
    let since = super::live::since(&app, &name, which.since())?;
    let (reads, of) = (Arc::clone(&asker.reads), sign.clone());
    let alerts = read(move || reads.alerts(&of, since, ALERTS_MAX)).await?;
    let last = alerts.last().map_or(since, |alert| alert.id);
    let rows = alerts
        .iter()
        .map(|alert| AlertRow::of(alert, &app.accounts, &sign));
    Ok(Json(Alerts {
        more: alerts.len() == ALERTS_MAX as usize,
        items: rows.collect(),
        next: app.cursors.write(&name, &last),
    }))
}

impl From<ReadsError> for Problem {
    fn from(error: ReadsError) -> Self {
        api::failed("reads could not be read", &error)
    }
}
