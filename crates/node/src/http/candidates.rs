//! Notified, then hit: which reports tell of something in or near what had been notified before, of all that the asker may read.

use super::api::{self, Asker, read};
use super::deconfliction::as_of;
use super::problem::Problem;
use super::statements::find;
use super::strict::{Json, Query};
use crate::views::Context;
use crate::views::candidates::{CandidateQuery, CandidatesFound, NoticeOf, TooMuch};
use record::name::{CallSign, NameError, Origin};
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use truce::notified::{Candidate, Counted, QUESTION, near_m};
use truce::protection::UNCHANGED;
use utoipa::{IntoParams, ToSchema};

/// The time that is looked at when none is asked for, in milliseconds: 7 days, as reports come in late.
pub const PERIOD_MS_DEFAULT: i64 = 7 * 86_400_000;
/// The longest time that is looked at in one question, in milliseconds: 31 days.
pub const PERIOD_MS_MAX: i64 = 31 * 86_400_000;

/// Which reports, beside which notices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichCandidates {
    /// Reports of what began then or later; left out, 7 days before `until`. At most 31 days are looked at, unless one notice or one
    /// report is named.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Reports of what began before then; left out, until now.
    #[param(format = DateTime)]
    until: Option<String>,
    /// Only notices of this participant, by call sign.
    #[param(max_length = 16)]
    by: Option<String>,
    /// Only this site or movement: any statement that belongs to it, by full reference, or call sign and index. All reports are looked
    /// at, when no time is named.
    #[param(max_length = 256)]
    notice: Option<String>,
    /// Only this report. Whatever time is named does not count then.
    #[param(max_length = 256)]
    report: Option<String>,
}

/// Candidates, beside what was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidatesRow {
    /// What a candidate is not, in fixed words.
    pub caution: &'static str,
    /// What a notice never does, in fixed words.
    pub protection: &'static str,
    /// Of each log the last entry that was read: the answer is as of these.
    #[schema(example = json!(["MISSION-18", "RU-412"]))]
    pub as_of: Vec<String>,
    /// Reports of what began then or later were looked at.
    #[schema(format = DateTime)]
    pub from: String,
    /// Until before then.
    #[schema(format = DateTime)]
    pub until: String,
    /// How many metres away still is near, by the agreement at the end of that time; each candidate has its own.
    pub near_m: i64,
    /// Candidates, by report and notice.
    pub candidates: Vec<CandidateRow>,
    /// Of each recipient, by call sign in the order of the alphabet: a list, and no ranking.
    pub recipients: BTreeMap<String, CountedRow>,
    /// Reports of that time, of all that the asker may read.
    pub reports: usize,
    /// Of these, those whose exact place the asker may not read, or nobody knows: nothing is known of them here.
    pub reports_not_placed: usize,
    /// Sites and movements of which a version counted at some time of it.
    pub notices: usize,
    /// Further ones, whose exact place the asker may not read: nothing is known of them here.
    pub notices_not_placed: usize,
    /// Notices whose place the engine does not take: nothing is known of them either.
    pub not_compared: Vec<NotMeasuredRow>,
}

/// A report in or near what had been notified, validated and delivered before. It is a question, and no finding.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateRow {
    /// The report: full reference.
    pub report: String,
    /// The first notice: full reference.
    pub notice: String,
    /// `site` or `movement`.
    pub of: String,
    /// Whose notice it is.
    pub by: String,
    /// The version that counted when it happened.
    pub version: String,
    /// `inside`, `near`, or `indeterminate`, which counts as near: what is known does not decide it.
    pub nearness: &'static str,
    /// How many metres away still is near, by the agreement when it happened.
    pub near_m: i64,
    /// Who had that version before it happened, by call sign in the order of the alphabet.
    pub had: BTreeMap<String, HadRow>,
}

/// What a recipient had done with a notice before it happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct HadRow {
    /// When it got there.
    #[schema(format = DateTime)]
    pub delivered_at: String,
    /// Whether a person had read it.
    pub acknowledged: bool,
    /// Whether those below had it.
    pub passed_down: bool,
}

/// What is counted of one recipient.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountedRow {
    /// Sites and movements that it had at some time at which they counted.
    pub notices: usize,
    /// Of these, how many had something happen in or near them.
    pub hit: usize,
    /// Of these, how many it had also passed down before.
    pub hit_though_passed_down: usize,
}

/// A notice with which nothing can be compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotMeasuredRow {
    /// The first notice: full reference.
    pub notice: String,
    /// Why, by member.
    pub why: String,
}

/// Notified, then hit
///
/// Reports of something in or near a place that had been notified, validated and delivered before, of all whose exact places the asker
/// may read. A candidate is a question to those who had the notice: it names no cause and nobody who acted.
#[utoipa::path(
    get, path = "/api/v1/candidates", tag = "sites", operation_id = "list_candidates", params(WhichCandidates),
    responses(
        (status = 200, body = CandidatesRow),
        (status = 404, description = "The notice or report that was named is not known, or not for the asker"),
        (status = 422, description = "Too much to look at: narrow it")
    )
)]
pub async fn candidates(
    asker: Asker,
    Query(which): Query<WhichCandidates>,
) -> Result<Json<CandidatesRow>, Problem> {
    let query = query(&asker, &which).await?;
    let row = read(move || answer(&asker, &query)).await?;
    Ok(Json(row))
}

async fn query(asker: &Asker, which: &WhichCandidates) -> Result<CandidateQuery, Problem> {
    let (notice, report) = (which.notice.as_deref(), which.report.as_deref());
    let until = api::time("until", which.until.as_deref())?;
    let until = until.unwrap_or_else(|| UtcMs(asker.node.now().0 + 1));
    let from = api::time("from", which.from.as_deref())?;
    let from = from.unwrap_or(match notice {
        Some(_) => UtcMs(0), // before anything was notified
        None => UtcMs(until.0.saturating_sub(PERIOD_MS_DEFAULT)),
    });
    if until <= from {
        return Err(Problem::bad_request("until", "is after from"));
    }
    let one = notice.is_some() || report.is_some();
    if !one && until.0.saturating_sub(from.0) > PERIOD_MS_MAX {
        let rule =
            "is at most 31 days before until; ask for a shorter time, or for one notice or report";
        return Err(Problem::bad_request("from", rule));
    }
    let by = which.by.as_deref().map(str::parse::<CallSign>).transpose();
    let by = by.map_err(|error: NameError| Problem::bad_request("by", error.to_string()))?;
    Ok(CandidateQuery {
        from,
        until,
        by,
        notice: match notice {
            Some(text) => Some(find(asker, text).await?),
            None => None,
        },
        report: match report {
            Some(text) => Some(find(asker, text).await?),
            None => None,
        },
    })
}

fn answer(asker: &Asker, query: &CandidateQuery) -> Result<CandidatesRow, Problem> {
    let row = asker.views.snapshot(|moment| {
        let Some(found) = moment.candidates(query)? else {
            return Ok(None);
        };
        let entries = moment.last_entries()?;
        Ok(Some(found.map(|found| {
            CandidatesRow::of(moment.context(), &found, &entries)
        })))
    })?;
    let row = row.ok_or_else(Problem::not_found)?;
    let row = row.map_err(|error: TooMuch| {
        Problem::refused(error.narrowed_by(), error.to_string()).because("too_much")
    })?;
    // Beside a report whose place he reads, it tells where the notice is.
    let told = row.candidates.iter();
    asker.count(&told.map(|candidate| candidate.notice.clone()).collect());
    Ok(row)
}

impl CandidatesRow {
    fn of(context: &Context, found: &CandidatesFound, entries: &[(Origin, u64)]) -> Self {
        let (cases, (from, until)) = (&found.cases, found.period);
        let candidates = cases.candidates.iter().zip(&found.of);
        let not_compared = found.not_compared.iter();
        Self {
            caution: QUESTION,
            protection: UNCHANGED,
            as_of: as_of(entries, context),
            from: from.to_string(),
            until: until.to_string(),
            near_m: near_m(&context.agreement, UtcMs(until.0 - 1)),
            candidates: candidates
                .map(|(candidate, of)| CandidateRow::of(candidate, of))
                .collect(),
            recipients: cases
                .of
                .iter()
                .map(|(sign, counted)| (sign.to_string(), CountedRow::of(counted)))
                .collect(),
            reports: cases.reports,
            reports_not_placed: cases.reports_not_placed,
            notices: cases.notices,
            notices_not_placed: cases.notices_not_placed,
            not_compared: not_compared
                .map(|(notice, why)| NotMeasuredRow {
                    notice: notice.to_string(),
                    why: why.clone(),
                })
                .collect(),
        }
    }
}

impl CandidateRow {
    fn of(candidate: &Candidate, of: &NoticeOf) -> Self {
        let had = candidate.had.iter().map(|(sign, had)| {
            let row = HadRow {
                delivered_at: had.delivered_at.to_string(),
                acknowledged: had.acknowledged,
                passed_down: had.passed_down,
            };
            (sign.to_string(), row)
        });
        Self {
            report: candidate.report.to_string(),
            notice: candidate.notice.to_string(),
            of: of.capability.clone(),
            by: of.by.clone(),
            version: candidate.version.to_string(),
            nearness: candidate.nearness.as_str(),
            near_m: of.near_m,
            had: had.collect(),
        }
    }
}

impl CountedRow {
    fn of(counted: &Counted) -> Self {
        Self {
            notices: counted.notices,
            hit: counted.hit,
            hit_though_passed_down: counted.hit_though_passed_down,
        }
    }
}
