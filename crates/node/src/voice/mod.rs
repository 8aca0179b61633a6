//! Places over a voice line: what is read out of a notice, and whether what was read back is what was said.
//!
//! `script` makes the sentences, in three languages side by side; `lexicon` has their words; `read_back` compares. Nothing here
//! says anything into the record.
//!
//! Whoever is given a script has read an exact place: [`exact`] is the one function by which this module gets at one.

mod lexicon;
pub mod read_back;
pub mod script;

use crate::views::{ViewError, Views};
use record::name::Reference;
use record::time::UtcMs;
use serde_json::Value;
use truce::movements;
use truce::sites;
use truce::values::Position;
use truce::volumes::Leg;
use truce::wire::{Place, Wire};

/// What is notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A site.
    Site,
    /// A movement.
    Movement,
}

impl Of {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Movement => "movement",
        }
    }
}

/// The newest version of a notice, with its exact place.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The first notice.
    pub first: Reference,
    /// This version.
    pub version: Reference,
    /// Which it is, from 1.
    pub number: usize,
    /// When it was said.
    pub at: UtcMs,
    /// Whose it is.
    pub by: String,
    /// What has to be known before it is read out: names of sentences.
    cautions: Vec<&'static str>,
    /// What it tells.
    pub told: Told,
}

/// What a notice tells.
#[derive(Debug, Clone)]
pub enum Told {
    /// Of a site.
    Site(sites::Notice, sites::Exact),
    /// Of a movement.
    Movement(movements::Notice, movements::Exact),
}

impl Notice {
    /// The legs of a movement.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        match &self.told {
            Told::Site(..) => &[],
            Told::Movement(_, exact) => &exact.legs,
        }
    }

    /// The place against which the record holds a read-back: of a site its place, of a movement where it goes.
    #[must_use]
    pub fn place_of_record(&self) -> Option<&Position> {
        match &self.told {
            Told::Site(_, exact) => Some(&exact.place),
            Told::Movement(_, exact) => exact.legs.last().map(|leg| &leg.to),
        }
    }

    fn of(row: &Value, of: Of) -> Option<Self> {
        let versions = row["versions"].as_array()?;
        let version = versions.last()?;
        let (notice, exact) = (&version["notice"], &version["exact"]);
        let told = match of {
            Of::Site => Told::Site(read(notice)?, read(exact)?),
            Of::Movement => Told::Movement(read(notice)?, read(exact)?),
        };
        Some(Self {
            first: row["reference"].as_str()?.parse().ok()?,
            version: version["reference"].as_str()?.parse().ok()?,
            number: versions.len(),
            at: UtcMs::parse(version["at"].as_str()?).ok()?,
            by: row["by"].as_str()?.to_owned(),
            cautions: cautions(row),
            told,
        })
    }
}

/// What the row of a site or movement says against reading it out as if nothing had happened.
fn cautions(row: &Value) -> Vec<&'static str> {
    let undecided = |exposure: &Value| exposure["decided_at"].is_null();
    let exposures = row["exposures"].as_array();
    let frozen = exposures.is_some_and(|all| all.iter().any(undecided));
    let withdrawn = row["state"] == "withdrawn";
    let over = ["aborted", "closed"].contains(&row["stage"].as_str().unwrap_or_default());
    let all = [
        (withdrawn, "caution-withdrawn"),
        (frozen, "caution-frozen"),
        (over, "caution-over"),
    ];
    let told = all.into_iter().filter(|(holds, _)| *holds);
    told.map(|(_, sentence)| sentence).collect()
}

fn read<T: Wire>(value: &Value) -> Option<T> {
    T::read(value, &Place::Top).ok()
}

/// The newest version of the site or movement to which a statement belongs, with its exact place. `None` when there is none, and
/// just so when the reader of these views does not read the exact place of that version.
///
/// # Errors
/// [`ViewError`].
pub fn exact(views: &Views, of: Of, statement: &Reference) -> Result<Option<Notice>, ViewError> {
    let row = views.object(of.word(), statement)?;
    let row: Option<Value> = row.and_then(|text| serde_json::from_str(&text).ok());
    Ok(row.and_then(|row| Notice::of(&row, of)))
}
