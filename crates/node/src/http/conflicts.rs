//! Which notices meet each other: the answer to whoever notifies, and the list for those who may know.
//!
//! Everything here comes from the asker's own index, which holds what he reads and nothing else. Whoever notified one of two
//! notices is told when he reads the other too. Of notices of others only the notification cell that one of them names is told,
//! and in it nobody but notification officers: they are apart from military liaison.

use super::App;
use super::api::{Asker, read};
use super::deconfliction::{ConflictRow, MeetingRow, NoticedRow, as_of};
use super::live::{CHANGES_MAX, since};
use super::page::{Page, PageParams, Paged};
use super::problem::Problem;
use super::strict::{Json, Query};
use crate::accounts::{Caller, Scope};
use crate::deconfliction::{Conflict, Known, NO_CLEARANCE, Noticed, Pair};
use axum::extract::State;
use record::name::Reference;
use record::statement::Head;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use truce::kinds::Name;
use truce::participants::Office;
use truce::protection::UNCHANGED;
use utoipa::{IntoParams, ToSchema};

/// The same for every notice: nobody approves anything.
const UNDER_REVIEW: &str =
    "Received, under review. Whether a way is changed is for those who go it.";
/// Conflicts that stand in the answer to a notice, the most serious; the list has all.
const SHOWN_MAX: usize = 50;
/// How long whoever notifies waits for what it meets; it is logged all the same.
const REVIEWED_WITHIN: Duration = Duration::from_secs(5);

/// What is answered to a notice of a site or a movement.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// The same for every notice, in fixed words.
    pub state: String,
    /// What this answer is not, in fixed words.
    pub caution: String,
    /// What a notice never does, in fixed words.
    pub protection: String,
    /// Of each log the last entry that was read: the answer is as of these. Empty when the comparison takes longer than one waits,
    /// or the token may not read: then ask `/api/v1/conflicts`.
    pub as_of: Vec<String>,
    /// What it meets of the notices whose exact place its author reads, the most serious first.
    #[schema(value_type = Vec<ConflictRow>)]
    pub conflicts: Vec<serde_json::Value>,
    /// How many more it meets: `/api/v1/conflicts` lists them.
    pub more: usize,
    /// Why it cannot be compared. Then nobody knows what it meets.
    pub not_compared: Option<String>,
}

/// The first notice, when this is a notice.
pub(super) fn notice(head: &Head, said: &Reference) -> Option<Reference> {
    let kinds = [Name::SiteNotify, Name::MovementNotify, Name::MovementRevise];
    let is_notice = kinds.iter().any(|kind| kind.as_str() == head.kind.name);
    is_notice.then(|| head.about.first().unwrap_or(said).clone())
}

/// What its author is told of the notice `said`, whose first version is `first`.
pub(super) async fn review(asker: &Asker, first: Reference, said: Reference) -> Review {
    let known = if asker.caller.may(Scope::Read) {
        let waiting = known(asker, &first, &said);
        tokio::time::timeout(REVIEWED_WITHIN, waiting)
            .await
            .ok()
            .flatten()
    } else {
        None
    };
    let mut known = known.unwrap_or_default();
    let more = known.met.len().saturating_sub(SHOWN_MAX);
    known.met.truncate(SHOWN_MAX);
    let told = known.met.iter().map(|met| met.notice.reference.to_string());
    count(asker, told.collect()).await;
    let rows = known.met.into_iter().filter_map(ConflictRow::of);
    let conflicts = rows
        .filter_map(|row| serde_json::to_value(row).ok())
        .collect();
    Review {
        state: UNDER_REVIEW.into(),
        caution: NO_CLEARANCE.into(),
        protection: UNCHANGED.into(),
        as_of: as_of(&known.read, &asker.views.context()),
        conflicts,
        more,
        not_compared: known.not_compared,
    }
}

async fn known(asker: &Asker, first: &Reference, said: &Reference) -> Option<Known> {
    let mut changes = asker.views.changes();
    loop {
        let index = Arc::clone(asker.node.notified(&asker.eyes));
        let views = Arc::clone(&asker.views);
        let (first, said) = (first.clone(), said.clone());
        let known = read(move || index.known(&views, &first, &said))
            .await
            .ok()?;
        if known.is_some() {
            return known;
        }
        changes.changed().await.ok()?;
    }
}

/// Counts that an answer tells of these notices: where they meet something is a place of theirs.
async fn count(asker: &Asker, notices: BTreeSet<String>) {
    if notices.is_empty() {
        return;
    }
    let asker = asker.clone();
    let counted = move || {
        asker.count(&notices);
        Ok::<_, Problem>(())
    };
    // What goes wrong is told by the node's health; an answer goes out all the same.
    let _ = read(counted).await;
}

/// Whether the caller may know that notices of these two meet.
fn may_know(caller: &Caller, by: [&str; 2]) -> bool {
    let own = |sign: &record::name::CallSign| by.contains(&sign.as_str());
    caller.participant.as_ref().is_some_and(own) || caller.acts_as(Office::NotificationOfficer)
}

/// Which conflicts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only of this notice: the full reference of the first notice of a site or movement.
    #[param(max_length = 256)]
    notice: Option<String>,
}

/// Two notices that meet.
#[derive(Debug, Serialize, ToSchema)]
pub struct PairRow {
    /// One.
    pub one: NoticedRow,
    /// The other.
    pub other: NoticedRow,
    /// How they meet.
    #[serde(flatten)]
    pub meeting: MeetingRow,
    /// What this is not, in fixed words.
    pub caution: &'static str,
    /// What a notice never does, in fixed words.
    pub protection: &'static str,
}

impl PairRow {
    fn of(pair: Pair) -> Option<Self> {
        Some(Self {
            meeting: MeetingRow::of(&pair.judgement)?,
            one: NoticedRow::of(pair.found.one),
            other: NoticedRow::of(pair.found.other),
            caution: NO_CLEARANCE,
            protection: UNCHANGED,
        })
    }
}

/// Notices that meet each other
///
/// Movements that meet another's site or another movement, among the notices that stand and whose exact place is read by the
/// asker: those of which one is his own side's, and for notification officers those that name their cell. The next meeting comes
/// first. An empty list is no clearance.
#[utoipa::path(
    get, path = "/api/v1/conflicts", tag = "movements", operation_id = "list_conflicts", params(Which, PageParams),
    responses((status = 200, body = Page<PairRow>)),
    security(("session" = []), ("token" = []))
)]
pub async fn list(
    asker: Asker,
    paged: Paged<Which, (i64, i64, i64)>,
) -> Result<Json<Page<PairRow>>, Problem> {
    let caller = asker.need(Scope::Read)?.clone();
    let notice: Option<Reference> = match &paged.filters.notice {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Problem::bad_request("notice", "is the full reference of a first notice")
        })?),
    };
    let index = Arc::clone(asker.node.notified(&asker.eyes));
    let views = Arc::clone(&asker.views);
    let pairs = read(move || {
        let told = |one: &Noticed, other: &Noticed| may_know(&caller, [&one.by, &other.by]);
        index.pairs(&views, notice.as_ref(), told)
    })
    .await?;
    let total = pairs.len() as u64;
    let key = |pair: &Pair| {
        let from = pair.judgement.witness.map_or(i64::MIN, |w| w.from.0);
        (from, pair.ids.0, pair.ids.1)
    };
    let after = |pair: &Pair| paged.after.is_none_or(|after| key(pair) > after);
    let rows = pairs.into_iter().filter(after).take(paged.rows_to_read());
    let page = paged.page(rows.collect(), total, key, PairRow::of);
    let items: Vec<PairRow> = page.items.into_iter().flatten().collect();
    let told = items.iter().flat_map(|pair| [&pair.one, &pair.other]);
    let told = told.map(|notice| notice.reference.clone());
    count(&asker, told.collect()).await;
    Ok(Json(Page {
        items,
        next: page.next,
        total,
    }))
}

/// A conflict that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundRow {
    /// The versions that meet: full references.
    pub versions: [String; 2],
    /// The first notices of these: full references.
    pub notices: [String; 2],
    /// Whose notices they are.
    pub by: [String; 2],
    /// When it was found, by the node's clock.
    #[schema(format = DateTime)]
    pub found_at: String,
}

impl FoundRow {
    /// What the caller is told of it; nothing, when it is not his to know.
    pub(super) fn of(conflict: Conflict, caller: &Caller) -> Option<Self> {
        let [one, other] = &conflict.by;
        may_know(caller, [one, other]).then(|| Self {
            found_at: conflict.found_at.to_string(),
            versions: conflict.versions,
            notices: conflict.notices,
            by: conflict.by,
        })
    }
}

/// Conflicts that were found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundRows {
    /// In the order of finding.
    pub items: Vec<FoundRow>,
    /// Ask from here next time.
    pub next: String,
    /// Whether more is waiting.
    pub more: bool,
}

/// Conflicts as they were found
///
/// Each pair of versions once, also when the later notice came long after the earlier one: ask again with `next`, or follow the
/// event `conflict` of the live stream. Whether two notices still meet is told by `/api/v1/conflicts`.
#[utoipa::path(
    get, path = "/api/v1/conflicts/found", tag = "movements", operation_id = "list_found_conflicts", params(super::live::Since),
    responses((status = 200, body = FoundRows)),
    security(("session" = []), ("token" = []))
)]
pub async fn found(
    State(app): State<Arc<App>>,
    asker: Asker,
    Query(which): Query<super::live::Since>,
) -> Result<Json<FoundRows>, Problem> {
    let caller = asker.need(Scope::Read)?.clone();
    let name = super::live::name("conflicts", &asker);
    let from = since(&app, &name, which.since())?;
    let (node, eyes) = (asker.node, asker.eyes);
    let found = read(move || node.conflicts().since(&eyes, from, CHANGES_MAX)).await?;
    let (count, last) = (
        found.len(),
        found.last().map_or(from, |conflict| conflict.id),
    );
    Ok(Json(FoundRows {
        items: found
            .into_iter()
            .filter_map(|conflict| FoundRow::of(conflict, &caller))
            .collect(),
        more: count == CHANGES_MAX as usize,
        next: app.cursors.write(&name, &last),
    }))
}
