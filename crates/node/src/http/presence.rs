//! Formations in districts that lie in areas which are said to be held by an excluded group: a fact with both of its sources.

use super::api::{self, Asker, read};
use super::problem::Problem;
use super::statements::find;
use super::strict::{Json, Query};
use crate::places::Places;
use crate::views::presence::{Whereabouts, joined_as};
use crate::views::{Context, ViewError};
use record::name::Reference;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use truce::agreement::CAUTION;
use truce::areas::Area;
use truce::presence::{District, Lies, Present, lies};
use truce::values::Position;
use utoipa::{IntoParams, ToSchema};

/// What an overlap is not.
pub const OVERLAP: &str = "An overlap is what two participants said, each for itself, beside each other. It is no finding: the centre of a \
     district says nothing of where in the district anybody is.";

/// Which area, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichOverlaps {
    /// Only this area, by any statement that belongs to it: full reference, or call sign and index.
    #[param(max_length = 256)]
    area: Option<String>,
    /// When; left out, now.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// Formations in districts that lie in areas which are said to be held by an excluded group.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverlapsRow {
    /// What an overlap is not, in fixed words.
    pub overlap: &'static str,
    /// What no area ever is, in fixed words.
    pub caution: &'static str,
    /// The time that it was asked for.
    #[schema(format = DateTime)]
    pub at: String,
    /// How many such areas are valid, of those that the asker reads.
    pub areas: usize,
    /// Of how many formations it is known where they are, by words that are not older than 30 days.
    pub formations: usize,
    /// Districts whose centre lies in such an area, with both sources.
    pub overlaps: Vec<OverlapRow>,
    /// Districts of which it is not known here where they lie: they may be in any of the areas.
    pub undetermined: Vec<UndeterminedRow>,
}

/// A district in which a formation is, and an area in which its centre lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverlapRow {
    /// What was said of the area.
    pub area: OverlapArea,
    /// What was said of the formation.
    pub presence: OverlapPresence,
    /// How they lie to each other: `centre_inside`. Where it lies outside, nothing is told: parts of the district may lie in it.
    pub how: &'static str,
}

/// The one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverlapArea {
    /// The designation, in its latest revision: full reference.
    pub reference: String,
    /// Who designates.
    pub by: String,
    /// Its name.
    pub name: String,
    /// The excluded group that is said to hold it.
    pub held_by: Option<String>,
    /// `agreed`, `disputed` or `open`. One side's word takes nobody's cover away.
    pub agreed: &'static str,
}

/// The other source.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverlapPresence {
    /// Where it was said: full reference.
    pub reference: String,
    /// Under whose log.
    pub by: String,
    /// The formation, by its short name.
    pub formation: String,
    /// The name under which it joined; absent when it is not known to have joined under that log.
    pub name: Option<String>,
    /// On which day.
    #[schema(format = DateTime)]
    pub as_of: String,
    /// The district, by its code or name.
    pub district: String,
}

/// A district of which it is not known here where it lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndeterminedRow {
    /// What was said of the formation.
    pub presence: OverlapPresence,
    /// Why, and what to do.
    pub why: &'static str,
}

/// Where formations and areas of excluded groups meet
///
/// Of each valid area that is said to be held by an excluded group: formations whose district has its centre in it, by what each side
/// said. It is a fact with both sources and no finding, and it takes nobody's cover away.
#[utoipa::path(
    get, path = "/api/v1/overlaps", tag = "areas", operation_id = "overlaps", params(WhichOverlaps),
    responses(
        (status = 200, body = OverlapsRow),
        (status = 404, description = "The area that was named is not known, or not for the asker")
    )
)]
pub async fn overlaps(
    asker: Asker,
    Query(which): Query<WhichOverlaps>,
) -> Result<Json<OverlapsRow>, Problem> {
    let at = api::time("at", which.at.as_deref())?.unwrap_or_else(|| asker.node.now());
    let only = match &which.area {
        Some(text) => Some(find(&asker, text).await?),
        None => None,
    };
    let row = read(move || answer(&asker, only.as_ref(), at)).await?;
    Ok(Json(row))
}

fn answer(asker: &Asker, only: Option<&Reference>, at: UtcMs) -> Result<OverlapsRow, Problem> {
    if let Some(area) = only {
        let known = asker.views.object("area", area)?;
        known.ok_or_else(Problem::not_found)?;
    }
    let row = asker.views.snapshot(|moment| {
        let mut known = moment.whereabouts(at)?;
        if let Some(only) = only {
            known.areas.retain(|area| area.revisions.contains(only));
        }
        OverlapsRow::of(moment.context(), asker.node.places(), &known, at)
    })?;
    Ok(row)
}

impl OverlapsRow {
    fn of(
        context: &Context,
        places: &Places,
        known: &Whereabouts,
        at: UtcMs,
    ) -> Result<Self, ViewError> {
        let (mut overlaps, mut undetermined) = (Vec::new(), Vec::new());
        for present in &known.present {
            for district in &present.presence.districts {
                let presence = || OverlapPresence::of(context, present, district);
                let centre = centre(places, district)?;
                let how = |area: &Area| lies(area, centre.as_ref(), at);
                let inside = known
                    .areas
                    .iter()
                    .filter(|area| how(area) == Some(Lies::CentreInside));
                overlaps.extend(inside.map(|area| OverlapRow {
                    area: OverlapArea::of(area),
                    presence: presence(),
                    how: "centre_inside",
                }));
                if known
                    .areas
                    .iter()
                    .any(|area| how(area) == Some(Lies::Undetermined))
                {
                    undetermined.push(UndeterminedRow {
                        presence: presence(),
                        why: match district.pcode {
                            Some(_) => "the gazetteer of this node does not have its code; load it (`truceline import places`)",
                            None => "it has a name and no code, and names are not looked up: more than one district may have it",
                        },
                    });
                }
            }
        }
        Ok(Self {
            overlap: OVERLAP,
            caution: CAUTION,
            at: at.to_string(),
            areas: known.areas.len(),
            formations: known.present.len(),
            overlaps,
            undetermined,
        })
    }
}

/// Where the centre of a district lies, by the gazetteer.
fn centre(places: &Places, district: &District) -> Result<Option<Position>, ViewError> {
    let Some(code) = &district.pcode else {
        return Ok(None);
    };
    let found = places.centre_of_code(code.as_str())?;
    Ok(found.and_then(|(lat_e7, lon_e7)| Position::new(lat_e7, lon_e7)))
}

impl OverlapArea {
    fn of(area: &Area) -> Self {
        Self {
            reference: area.reference.to_string(),
            by: area.by.to_string(),
            name: area.name.to_string(),
            held_by: area.held_by.as_ref().map(ToString::to_string),
            agreed: area.agreed().as_str(),
        }
    }
}

impl OverlapPresence {
    fn of(context: &Context, present: &Present, district: &District) -> Self {
        let (said, as_of) = (&present.presence, present.presence.as_of.utc());
        let code = district.pcode.as_ref().map(ToString::to_string);
        let name = district.name.as_ref().map(ToString::to_string);
        Self {
            reference: present.reference.to_string(),
            by: present.by.to_string(),
            formation: said.formation.to_string(),
            name: joined_as(context, &present.by, &said.formation),
            as_of: as_of.to_string(),
            district: code.or(name).unwrap_or_default(),
        }
    }
}
