//! Whether a place that was read back is the one that was said. It says nothing: who heard it then says `read_back/1` with the place
//! that stands in the answer, and the record computes by its own rule ([`same_place`]) what that is.

use super::script::{READ_OUT, known_to_m, spoken_as};
use super::{Notice, Told};
use crate::places::Way;
use crate::places::entry::MUCH_NEARER;
use formats::place_entry::{self, Difference, Entry, PartName, Read, Unread};
use serde::Serialize;
use truce::contact::same_place;
use truce::values::Position;
use utoipa::ToSchema;

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackError {
    /// What was heard cannot be read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// What was heard is a name.
    #[error("is a name; a place is read back by its coordinates")]
    Name,
}

/// Whether what was read back is the place of the notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadBackCheckRow {
    /// Whether it is.
    pub matches: bool,
    /// Why: `same_digits` and `within_precision`; or `other_digits`, `too_far`, and `too_coarse`, when fewer digits were read back than
    /// the place is known by: let it be said again, with all of them.
    pub because: &'static str,
    /// From the place of the notice to what was read back, in metres.
    pub distance_m: i64,
    /// In which direction, degrees from true north to the east; absent at the same place.
    #[schema(minimum = 0, maximum = 359)]
    pub bearing_deg: Option<u16>,
    /// What was read back.
    pub heard: ComparedRow,
    /// The place of the notice, written as what was read back and as fine.
    pub notice: ComparedRow,
    /// Where the digits differ; empty when it matches, or is not written alike.
    pub differences: Vec<DifferenceRow>,
    /// With latitude and longitude exchanged it would be the place, or much nearer to it.
    pub exchanged: bool,
    /// With minutes for decimals, or decimals for minutes, it would be the place, or much nearer to it.
    pub minutes_or_decimals: bool,
    /// What to say into the record.
    pub say: SayRow,
}

/// A place that is compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedRow {
    /// As it is written; absent where the notation does not reach.
    #[schema(example = "37S CA 3457 0770")]
    pub text: Option<String>,
    /// Latitude in 1e-7 degree.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree.
    pub lon_e7: i64,
    /// How far it may be off, in metres: by the digits that were read back; by what the notice says.
    pub uncertainty_m: i64,
}

/// A digit that differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceRow {
    /// In which part: `zone`, `square`, `easting`, `northing`, `latitude_degrees`, `latitude_hemisphere` and so on.
    pub part: &'static str,
    /// Which digit or letter of it, from 1.
    pub digit: usize,
    /// What was read back.
    pub heard: char,
    /// What the notice has.
    pub notice: char,
    /// The same in a sentence.
    #[schema(example = "the 3rd digit of the easting: 7 was read back, the notice has 5")]
    pub says: String,
}

/// What `read_back/1` is to say.
#[derive(Debug, Serialize, ToSchema)]
pub struct SayRow {
    /// About which statement: the version that was read out.
    pub about: String,
    /// With which place: that of the notice when it matches, what was heard when it does not. Absent when the place is not the one
    /// against which the record holds a read-back, as with a stop on the way.
    #[schema(value_type = Option<Object>)]
    pub place: Option<serde_json::Value>,
    /// What the record will then compute.
    pub same_place: Option<bool>,
}

/// The place of a notice, and how well it is known.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'n> {
    /// Where.
    pub place: &'n Position,
    /// How far it may be off, in metres.
    pub uncertainty_m: i64,
}

/// The place of a site.
#[must_use]
pub fn of_site(notice: &Notice) -> Option<Spoken<'_>> {
    match &notice.told {
        Told::Site(_, exact) => Some(Spoken {
            place: &exact.place,
            uncertainty_m: exact.uncertainty_m.get(),
        }),
        Told::Movement(..) => None,
    }
}

/// One end of a leg, from 1; `None` when there is no such leg.
#[must_use]
pub fn of_leg(notice: &Notice, leg: usize, end: End) -> Option<Spoken<'_>> {
    let leg = notice.legs().get(leg.checked_sub(1)?)?;
    Some(Spoken {
        place: match end {
            End::From => &leg.from,
            End::To => &leg.to,
        },
        uncertainty_m: super::script::ROUTE_SPOKEN_TO_M,
    })
}

/// An end of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LegEnd)]
pub enum End {
    /// Where it begins.
    From,
    /// Where it ends.
    To,
}

/// Compares what was heard with a place of the notice.
///
/// # Errors
/// [`ReadBackError`].
pub fn compare(
    notice: &Notice,
    spoken: Spoken<'_>,
    text: &str,
) -> Result<ReadBackCheckRow, ReadBackError> {
    let heard = match place_entry::read(text)? {
        Read::Place(entry) => entry,
        Read::Name(_) => return Err(ReadBackError::Name),
    };
    let way = spoken.way_to(&heard);
    let metres = way.map_or(f64::INFINITY, |way| way.metres);
    let differences = spoken.differences(&heard).unwrap_or_default();
    let because = spoken.judge(&heard, metres, &differences);
    let matches = ["same_digits", "within_precision"].contains(&because);
    let would_fit = |other: Option<Entry>| {
        let other = other.and_then(|other| spoken.way_to(&other));
        !matches && other.is_some_and(|way| way.metres * MUCH_NEARER < metres)
    };
    let written = heard.written.spell(spoken.lat_e7(), spoken.lon_e7());
    Ok(ReadBackCheckRow {
        matches,
        because,
        distance_m: way.map_or(i64::MAX, |way| way.metres.round() as i64),
        bearing_deg: way.and_then(|way| way.bearing_deg),
        exchanged: would_fit(heard.exchanged()),
        minutes_or_decimals: would_fit(heard.minutes_and_decimals_confused()),
        heard: ComparedRow {
            text: heard.spelled().map(|spelled| spelled.text),
            lat_e7: heard.lat_e7,
            lon_e7: heard.lon_e7,
            uncertainty_m: heard.uncertainty_m(),
        },
        notice: ComparedRow {
            text: written.map(|spelled| spelled.text),
            lat_e7: spoken.lat_e7(),
            lon_e7: spoken.lon_e7(),
            uncertainty_m: spoken.uncertainty_m,
        },
        differences: match matches {
            true => Vec::new(),
            false => differences.into_iter().map(DifferenceRow::of).collect(),
        },
        say: say(notice, spoken, &heard, matches),
    })
}

impl Spoken<'_> {
    fn lat_e7(&self) -> i64 {
        self.place.lat_e7.get()
    }

    fn lon_e7(&self) -> i64 {
        self.place.lon_e7.get()
    }

    fn way_to(&self, heard: &Entry) -> Option<Way> {
        let here = (self.lat_e7(), self.lon_e7());
        Way::between(here, (heard.lat_e7, heard.lon_e7))
    }

    fn differences(&self, heard: &Entry) -> Option<Vec<Difference>> {
        let written = heard.written.spell(self.lat_e7(), self.lon_e7())?;
        heard.spelled()?.differences(&written)
    }

    /// Whoever reads back what was read out has all digits of it and each of them right. Whoever reads back from his own map, in
    /// another notation or finer, is right within what both say of their precision.
    fn judge(&self, heard: &Entry, metres: f64, differences: &[Difference]) -> &'static str {
        let known_to_m = known_to_m(self.uncertainty_m);
        if heard.uncertainty_m() > known_to_m {
            return "too_coarse";
        }
        let spoken = |notation| spoken_as(notation, self.lat_e7(), self.uncertainty_m);
        if READ_OUT.map(spoken).contains(&heard.written) {
            return match differences {
                [] => "same_digits",
                _ => "other_digits",
            };
        }
        if metres <= (known_to_m + heard.uncertainty_m()) as f64 {
            "within_precision"
        } else {
            "too_far"
        }
    }
}

fn say(notice: &Notice, spoken: Spoken<'_>, heard: &Entry, matches: bool) -> SayRow {
    let counts = notice.place_of_record() == Some(spoken.place);
    let heard = Position::new(heard.lat_e7, heard.lon_e7);
    let place = match matches {
        true => Some(spoken.place.clone()),
        false => heard,
    };
    let place = place.filter(|_| counts);
    SayRow {
        about: notice.version.to_string(),
        same_place: place.as_ref().map(|place| same_place(spoken.place, place)),
        place: place.as_ref().map(truce::wire::Wire::write),
    }
}

impl DifferenceRow {
    fn of(difference: Difference) -> Self {
        let Difference {
            part,
            sign,
            one,
            other,
        } = difference;
        let what = match part {
            PartName::Square => "letter",
            PartName::LatHemisphere | PartName::LonHemisphere => "letter",
            PartName::Zone => "sign",
            _ => "digit",
        };
        let nth = match sign {
            1 => "1st".to_owned(),
            2 => "2nd".to_owned(),
            3 => "3rd".to_owned(),
            other => format!("{other}th"),
        };
        let of = part.word().replace('_', " ");
        Self {
            part: part.word(),
            digit: sign,
            heard: one,
            notice: other,
            says: format!(
                "the {nth} {what} of the {of}: {one} was read back, the notice has {other}"
            ),
        }
    }
}
