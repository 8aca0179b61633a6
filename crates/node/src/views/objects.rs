//! What statements add up to, as rows: one of each object, from all that was said about it. Each capability has a module with the
//! shape of its objects; what is common to all is here.

use super::{agreement, areas, claims, contact, incidents, movements, presence, sites, toll};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use serde::Serialize;
use truce::Truce;
use truce::kinds::Name;
use truce::standing::{Directory, Effective};
use utoipa::ToSchema;

/// One object, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The statement by which it is known.
    pub reference: Reference,
    /// Which list it is in.
    pub capability: &'static str,
    /// The time by which it is ordered.
    pub at: UtcMs,
    /// The end of the time for which it stands, where it has one.
    pub end: UtcMs,
    /// Whose statement made it.
    pub by: CallSign,
    /// Place code, or what else it is looked up by.
    pub place: String,
    /// Grade, sort or category.
    pub tag: String,
    /// What it is called on a list.
    pub title: Option<String>,
    /// Whether something in it is open.
    pub open: bool,
    /// As the API gives it.
    pub body: String,
}

/// A statement that is referred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ref {
    /// Full reference: origin, index and leaf hash.
    #[schema(example = "truce.example/ru#412:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub reference: String,
    /// When it was said, UTC.
    #[schema(format = DateTime)]
    pub at: String,
}

impl Ref {
    pub(super) fn new(reference: &Reference, at: UtcMs) -> Self {
        Self {
            reference: reference.to_string(),
            at: at.to_string(),
        }
    }

    pub(super) fn pair((reference, at): &(Reference, UtcMs)) -> Self {
        Self::new(reference, *at)
    }
}

/// A holding reply. It stops no clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Holding {
    /// Where it stands.
    pub reference: String,
    /// The new date, if it names one.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

impl Holding {
    pub(super) fn new(holding: &(Reference, Option<UtcMs>)) -> Self {
        Self {
            reference: holding.0.to_string(),
            until: holding.1.map(|at| at.to_string()),
        }
    }
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names are texts, and nothing in a row fails to be written")
}

/// Whether a statement of this kind may be the one by which an object is known.
pub(super) fn begins_one(name: Name) -> bool {
    matches!(
        name,
        Name::MessageSend
            | Name::InstrumentTable
            | Name::AreaDesignate
            | Name::SeparationAsk
            | Name::FormationPresence
            | Name::ClaimRecord
            | Name::TallyRecord
            | Name::TollRecord
            | Name::ReportFile
            | Name::LineTest
            | Name::LineFault
            | Name::SiteNotify
            | Name::ExposureDeclare
            | Name::MovementNotify
    )
}

/// Tests and faults of lines, as rows by which their line finds them.
pub(super) fn of_lines(said: &[Effective<'_>]) -> Vec<Object> {
    said.iter().filter_map(contact::line_object).collect()
}

/// All objects of the truce, or of a part of it.
#[must_use]
pub fn of(part: &Truce, directory: &Directory) -> Vec<Object> {
    let mut all = contact::objects(part);
    all.extend(agreement::objects(part));
    all.extend(areas::objects(part));
    all.extend(presence::objects(part, directory));
    all.extend(sites::objects(part));
    all.extend(movements::objects(part));
    all.extend(claims::objects(part));
    all.extend(toll::objects(part, directory));
    all.extend(incidents::objects(part, directory));
    all
}
