//! Presence: in which districts a formation is, by the day, as its own side says. Nothing finer is ever said of where forces are, and
//! where a district and an area that is said to be held by an excluded group meet, that is a fact with two sources and no finding.

use crate::areas::{Area, Purpose, contains};
use crate::values::{Label, List, Pcode, Position, Slug, Time};
use crate::wire::{Broken, body, rule};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::BTreeMap;

/// Longest place code of a district: two letters of the country, and two levels below it.
pub const DISTRICT_CODE_CHARACTERS_MAX: usize = 7;
/// Milliseconds for which a word on presence counts after its day: 30 days, as long as an area can be valid.
pub const COUNTS_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 24 * 3600 * 1000;

body! {
    /// A district, by its code or by its name.
    District {
        /// Its place code: no finer than a district.
        pcode: Option<Pcode>,
        /// Its name.
        name: Option<Label>,
    }
    sense: district_is_one;
}

fn district_is_one(district: &District) -> Result<(), Broken> {
    rule(
        district.pcode.is_some() || district.name.is_some(),
        "pcode",
        "or name says which district",
    )?;
    let coarse = |code: &Pcode| code.as_str().len() <= DISTRICT_CODE_CHARACTERS_MAX;
    rule(
        district.pcode.as_ref().is_none_or(coarse),
        "pcode",
        "is that of a district, of at most 7 characters: presence is told no finer",
    )
}

body! {
    /// `formation.presence/1`: in which districts a formation is, by the day. It takes the place of what was said of it before.
    ///
    /// ```json
    /// {"formation": "first-brigade", "as_of": "2016-03-20T00:00:00Z", "districts": [{"pcode": "SY0200", "name": "Jebel Saman"}]}
    /// ```
    Presence {
        /// The formation, by the short name under which it joined.
        formation: Slug,
        /// On which day, by its beginning.
        as_of: Time,
        /// In which districts; left out, in none.
        districts: List<District, 0, 16>,
    }
    sense: presence_is_told_by_the_day;
}

fn presence_is_told_by_the_day(presence: &Presence) -> Result<(), Broken> {
    rule(
        presence.as_of.utc().0 % DAY_MS == 0,
        "as_of",
        "is the beginning of a day in UTC: presence is told by the day",
    )
}

/// What was said of where a formation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Where it was said.
    pub reference: Reference,
    /// By whom.
    pub by: CallSign,
    /// What.
    pub presence: Presence,
}

/// Of each formation of each participant what counts at `at`: what was said last of the latest day until then, unless that is more
/// than 30 days ago.
#[must_use]
pub fn counting(said: impl IntoIterator<Item = Present>, at: UtcMs) -> Vec<Present> {
    let mut newest: BTreeMap<(CallSign, Slug), Present> = BTreeMap::new();
    for present in said {
        let as_of = present.presence.as_of.utc();
        if as_of > at || at.0 - as_of.0 > COUNTS_MS {
            continue;
        }
        let key = (present.by.clone(), present.presence.formation.clone());
        let order = |present: &Present| (present.presence.as_of.utc(), present.reference.index);
        let later = newest
            .get(&key)
            .is_none_or(|known| order(known) < order(&present));
        if later {
            newest.insert(key, present);
        }
    }
    newest.into_values().collect()
}

/// How a district and an area lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// The centre of the district lies in the area.
    CentreInside,
    /// It does not: parts of the district may.
    CentreOutside,
    /// Where the district lies is not known here.
    Undetermined,
}

/// How a district, whose centre is known or not, lies to an area that is said to be held by an excluded group; `None` for all other
/// areas, and when it is not valid at `at`.
#[must_use]
pub fn lies(area: &Area, centre: Option<&Position>, at: UtcMs) -> Option<Lies> {
    let held = area.purpose == Purpose::HeldByExcludedGroup && area.is_valid(at);
    held.then(|| match centre {
        None => Lies::Undetermined,
        Some(centre) if contains(&area.polygon, centre) => Lies::CentreInside,
        Some(_) => Lies::CentreOutside,
    })
}
