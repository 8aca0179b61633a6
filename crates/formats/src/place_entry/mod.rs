//! A place as somebody types or hears it: one box for a grid reference, degrees, degrees and minutes, or a name.
//!
//! [`read`] says which of these a text is, where it lies and **how fine it says so**: a square of the Military Grid Reference System
//! is meant by its middle, and digits that are not written are not known. [`Written::spell`] writes a place in the same notation and
//! as fine again, digit by digit, so that two places can be compared as they are spoken ([`Spelled::differences`]).
//!
//! Degrees, minutes and seconds become units of 1e-7 degree without floating point. Grid squares go through the series of
//! `geoconvert`, good to nanometres, and are rounded to the same units.

mod angles;
mod grid;
mod mistake;
mod spell;
mod token;

pub use mistake::{Mistake, Unread};
pub use spell::{Difference, Part, PartName, Spelled};

/// Longest text, in characters.
pub const TEXT_MAX: usize = 120;
/// Most digits for each direction behind the letters of a grid square: metres.
pub const GRID_DIGITS_MAX: u8 = 5;

/// What a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A place by its coordinates.
    Place(Entry),
    /// A name or code, to be looked up.
    Name(String),
}

/// A place by its coordinates, as fine as they were written. WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Latitude in 1e-7 degree, north positive.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree, east positive.
    pub lon_e7: i64,
    /// In which notation, and how fine.
    pub written: Written,
    /// Nothing says which of the two is the latitude: the first was taken for it.
    pub order_assumed: bool,
}

/// In which notation a place is written, and how fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// A square of the Military Grid Reference System.
    Grid {
        /// Digits for each direction: 0 for a square of 100 km, 5 for one metre.
        digits: u8,
    },
    /// Latitude and longitude.
    Angles {
        /// How fine the latitude is.
        lat: Grain,
        /// How fine the longitude is.
        lon: Grain,
    },
}

/// How fine an angle is written: its last unit, and the digits of that behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grain {
    /// The last unit that is written.
    pub unit: Unit,
    /// Digits behind the point of that unit.
    pub decimals: u8,
}

/// A unit of an angle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Degrees.
    Degrees,
    /// Minutes: sixty make a degree.
    Minutes,
    /// Seconds: sixty make a minute.
    Seconds,
}

/// The name of a notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notation {
    /// A grid square.
    Mgrs,
    /// Degrees with a fraction.
    DecimalDegrees,
    /// Degrees and minutes.
    DegreesMinutes,
    /// Degrees, minutes and seconds.
    DegreesMinutesSeconds,
}

impl Notation {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mgrs => "mgrs",
            Self::DecimalDegrees => "decimal_degrees",
            Self::DegreesMinutes => "degrees_minutes",
            Self::DegreesMinutesSeconds => "degrees_minutes_seconds",
        }
    }

    /// How a place is written in this notation so that nothing of `uncertainty_m` is added to what is not known of it: as coarse as
    /// stays within it, or as fine as the notation goes.
    #[must_use]
    pub fn within(self, lat_e7: i64, uncertainty_m: i64) -> Written {
        let finest = match self {
            Self::Mgrs => GRID_DIGITS_MAX,
            Self::DecimalDegrees => Unit::Degrees.decimals_max(),
            Self::DegreesMinutes => Unit::Minutes.decimals_max(),
            Self::DegreesMinutesSeconds => Unit::Seconds.decimals_max(),
        };
        let fits = |written: &Written| written.uncertainty_m(lat_e7) <= uncertainty_m;
        let coarser = (0..finest).map(|digits| self.as_fine_as(digits)).find(fits);
        coarser.unwrap_or_else(|| self.as_fine_as(finest))
    }

    fn as_fine_as(self, digits: u8) -> Written {
        let angles = |unit| {
            let grain = Grain {
                unit,
                decimals: digits,
            };
            Written::Angles {
                lat: grain,
                lon: grain,
            }
        };
        match self {
            Self::Mgrs => Written::Grid { digits },
            Self::DecimalDegrees => angles(Unit::Degrees),
            Self::DegreesMinutes => angles(Unit::Minutes),
            Self::DegreesMinutesSeconds => angles(Unit::Seconds),
        }
    }
}

impl Unit {
    /// How many of it make a degree.
    fn in_a_degree(self) -> i64 {
        match self {
            Self::Degrees => 1,
            Self::Minutes => 60,
            Self::Seconds => 3600,
        }
    }

    /// Digits behind its point that still say something at 1e-7 degree; more are read and rounded.
    fn decimals_max(self) -> u8 {
        match self {
            Self::Degrees => 7,
            Self::Minutes => 5,
            Self::Seconds => 4,
        }
    }
}

impl Grain {
    /// How many of its last digits make a degree.
    fn in_a_degree(self) -> i64 {
        self.unit.in_a_degree() * 10_i64.pow(u32::from(self.decimals))
    }
}

impl Written {
    /// The notation.
    #[must_use]
    pub fn notation(self) -> Notation {
        match self {
            Self::Grid { .. } => Notation::Mgrs,
            Self::Angles { lat, lon } => match lat.unit.max(lon.unit) {
                Unit::Degrees => Notation::DecimalDegrees,
                Unit::Minutes => Notation::DegreesMinutes,
                Unit::Seconds => Notation::DegreesMinutesSeconds,
            },
        }
    }

    /// How far from the stated place it may be, in metres rounded up: the corner of the square, or of the field within which all
    /// places are written by the same digits. A datum that is not WGS 84 is not in it.
    #[must_use]
    pub fn uncertainty_m(self, lat_e7: i64) -> i64 {
        match self {
            Self::Grid { digits } => grid::half_diagonal_m(digits),
            Self::Angles { lat, lon } => angles::corner_m(lat_e7, lat, lon),
        }
    }
}

impl Entry {
    /// How far from the stated place it may be, in metres.
    #[must_use]
    pub fn uncertainty_m(&self) -> i64 {
        self.written.uncertainty_m(self.lat_e7)
    }

    /// The place as it is written, in its own notation and as fine.
    #[must_use]
    pub fn spelled(&self) -> Option<Spelled> {
        self.written.spell(self.lat_e7, self.lon_e7)
    }

    /// The same with latitude and longitude exchanged, when that is a place.
    #[must_use]
    pub fn exchanged(&self) -> Option<Self> {
        let Written::Angles { lat, lon } = self.written else {
            return None;
        };
        (self.lon_e7.abs() <= crate::cells::LAT_E7_MAX).then_some(Self {
            lat_e7: self.lon_e7,
            lon_e7: self.lat_e7,
            written: Written::Angles { lat: lon, lon: lat },
            order_assumed: self.order_assumed,
        })
    }

    /// What its digits are when decimals of a degree were meant as minutes, or minutes as decimals: 36.125° and 36°12.5′ are spoken
    /// alike and lie nine kilometres apart. `None` where the digits have no such other sense.
    #[must_use]
    pub fn minutes_and_decimals_confused(&self) -> Option<Self> {
        let Written::Angles { lat, lon } = self.written else {
            return None;
        };
        let (lat_e7, lat) = angles::other_sense(self.lat_e7, lat)?;
        let (lon_e7, lon) = angles::other_sense(self.lon_e7, lon)?;
        let beyond =
            lat_e7.abs() > crate::cells::LAT_E7_MAX || lon_e7.abs() > crate::cells::LON_E7_MAX;
        (!beyond).then_some(Self {
            lat_e7,
            lon_e7,
            written: Written::Angles { lat, lon },
            order_assumed: self.order_assumed,
        })
    }
}

/// Reads a place: a grid reference, latitude and longitude, or a name.
///
/// # Errors
/// What is wrong, and at which character.
pub fn read(text: &str) -> Result<Read, Unread> {
    if text.chars().count() > TEXT_MAX {
        return Err(Unread::at(TEXT_MAX + 1, Mistake::TooLong));
    }
    let plain = token::plain(text);
    if plain.iter().all(|(_, c)| c.is_whitespace()) {
        return Err(Unread::at(1, Mistake::Empty));
    }
    if let Some(entry) = grid::read(&plain) {
        return entry.map(Read::Place);
    }
    if token::is_a_name(&plain) {
        return Ok(Read::Name(text.trim().to_owned()));
    }
    angles::read(&plain).map(Read::Place)
}

#[cfg(test)]
mod tests;
