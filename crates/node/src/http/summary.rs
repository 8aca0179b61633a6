//! How many sites stand, rolled up so that few are never told apart.

use super::api::{Asker, read};
use super::problem::Problem;
use super::strict::Json;
use serde::Serialize;
use truce::protection::UNCHANGED;
use truce::sites::{Cell, ROLLED_UP_BELOW, Summary, summary};
use utoipa::ToSchema;

/// Stands with every count.
const CAUTION: &str = "Counted is what was notified and may be known of here. Places that nobody notified are protected too, and may lie \
     anywhere: few or none is no permission.";

/// How many notified sites stand, of those that the asker may know of.
#[derive(Debug, Serialize, ToSchema)]
pub struct SitesSummary {
    /// What a notice never does, in fixed words.
    pub protection: &'static str,
    /// What this answer is not, in fixed words.
    pub caution: &'static str,
    /// How many in all; absent when there are fewer than `fewer_than`, or none.
    pub total: Option<u64>,
    /// Counts below this are not told: they are added to the next wider area.
    #[schema(example = 5)]
    pub fewer_than: u64,
    /// The total in words.
    #[schema(example = "fewer than 5")]
    pub words: String,
    /// Each site is counted in exactly one of them, and the total is their sum.
    pub cells: Vec<SummaryCell>,
}

/// So many sites.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryCell {
    /// `district`, `governorate` or `whole`. What is counted in a finer cell is not counted here again.
    pub level: &'static str,
    /// The code of the area; absent for the whole.
    #[schema(example = "SY0200")]
    pub area: Option<String>,
    /// What they are, as in `site.notify/1`; absent: of several categories.
    #[schema(example = "clinic")]
    pub category: Option<&'static str>,
    /// How many.
    #[schema(minimum = 5)]
    pub count: u64,
}

impl From<Summary> for SitesSummary {
    fn from(summary: Summary) -> Self {
        let words = match summary.total {
            Some(total) => format!("{total} sites"),
            None => format!("fewer than {ROLLED_UP_BELOW}"),
        };
        let cell = |cell: Cell| SummaryCell {
            level: cell.level.as_str(),
            area: cell.area,
            category: cell.category.map(truce::sites::Category::as_str),
            count: cell.count,
        };
        Self {
            protection: UNCHANGED,
            caution: CAUTION,
            total: summary.total,
            fewer_than: ROLLED_UP_BELOW,
            words,
            cells: summary.cells.into_iter().map(cell).collect(),
        }
    }
}

/// How many sites stand, by area and category
///
/// Of the sites that the asker may know of and that were not withdrawn from everybody: by district, governorate and category. Counts
/// below five are told with the next wider area, and where all that would be told together is small, with the smallest of the others.
/// No place and no name stands in it. Two such answers of different times can be subtracted; do not publish one for each day.
#[utoipa::path(get, path = "/api/v1/sites/summary", tag = "sites", operation_id = "summarize_sites", responses((status = 200, body = SitesSummary)))]
pub async fn of_sites(asker: Asker) -> Result<Json<SitesSummary>, Problem> {
    let counts = read(move || asker.views.standing_sites()).await?;
    let counts = counts.iter();
    let counts = counts.map(|(code, category, count)| (code.as_str(), *category, *count));
    Ok(Json(summary(counts).into()))
}
