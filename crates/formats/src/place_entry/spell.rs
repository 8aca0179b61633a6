//! A place as it is written and spoken: part by part, digit by digit.

use super::angles::in_last_digits;
use super::{Grain, Unit, Written, grid};

/// A place in one notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    /// As it is written; [`super::read`] reads it as the same.
    pub text: String,
    /// Its parts in the order in which they are spoken.
    pub parts: Vec<Part>,
}

/// A part of a written place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub name: PartName,
    /// Its digits, with a point where a fraction begins; or its letters.
    pub text: String,
}

/// The name of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartName {
    /// Zone and band of the grid: `37S`.
    Zone,
    /// The lettered square of 100 km: `BV`.
    Square,
    /// Digits to the east.
    Easting,
    /// Digits to the north.
    Northing,
    /// Degrees, minutes or seconds of the latitude.
    Lat(Unit),
    /// North or south: `N` or `S`.
    LatHemisphere,
    /// Degrees, minutes or seconds of the longitude.
    Lon(Unit),
    /// East or west: `E` or `W`.
    LonHemisphere,
}

impl PartName {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Square => "square",
            Self::Easting => "easting",
            Self::Northing => "northing",
            Self::Lat(Unit::Degrees) => "latitude_degrees",
            Self::Lat(Unit::Minutes) => "latitude_minutes",
            Self::Lat(Unit::Seconds) => "latitude_seconds",
            Self::LatHemisphere => "latitude_hemisphere",
            Self::Lon(Unit::Degrees) => "longitude_degrees",
            Self::Lon(Unit::Minutes) => "longitude_minutes",
            Self::Lon(Unit::Seconds) => "longitude_seconds",
            Self::LonHemisphere => "longitude_hemisphere",
        }
    }
}

/// One sign in which two spellings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// In which part.
    pub part: PartName,
    /// Which sign of that part, from 1; a point is not counted.
    pub sign: usize,
    /// What stands there in the one.
    pub one: char,
    /// What stands there in the other.
    pub other: char,
}

impl Spelled {
    /// Where it differs from another spelling in the same notation that is as fine. `None` when it is not.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Option<Vec<Difference>> {
        let alike = self.parts.len() == other.parts.len();
        let mut differences = Vec::new();
        for (one, other) in self.parts.iter().zip(&other.parts) {
            if one.name != other.name || one.text.len() != other.text.len() {
                return None;
            }
            let signs = |text: &str| text.chars().filter(|c| *c != '.').collect::<Vec<_>>();
            let pairs = signs(&one.text).into_iter().zip(signs(&other.text));
            let found = pairs.enumerate().filter(|(_, (one, other))| one != other);
            differences.extend(found.map(|(i, (a, b))| Difference {
                part: one.name,
                sign: i + 1,
                one: a,
                other: b,
            }));
        }
        alike.then_some(differences)
    }
}

impl Written {
    /// Writes a place in this notation and as fine; `None` where the notation does not reach: there is no grid square beyond 84 N
    /// and 80 S.
    #[must_use]
    pub fn spell(self, lat_e7: i64, lon_e7: i64) -> Option<Spelled> {
        match self {
            Self::Grid { digits } => grid::spell(lat_e7, lon_e7, digits).map(of_square),
            Self::Angles { lat, lon } => {
                let lat = Angle::of(lat_e7, lat, PartName::Lat, PartName::LatHemisphere, "NS", 2);
                let lon = Angle::of(lon_e7, lon, PartName::Lon, PartName::LonHemisphere, "EW", 3);
                Some(Spelled {
                    text: format!("{} {}", lat.text, lon.text),
                    parts: lat.parts.into_iter().chain(lon.parts).collect(),
                })
            }
        }
    }
}

fn of_square([zone, square, easting, northing]: [String; 4]) -> Spelled {
    let text = [&zone, &square, &easting, &northing].map(String::as_str);
    let names = [
        PartName::Zone,
        PartName::Square,
        PartName::Easting,
        PartName::Northing,
    ];
    Spelled {
        text: text.join(" ").trim_end().to_owned(),
        parts: names
            .into_iter()
            .zip(text)
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| Part {
                name,
                text: text.to_owned(),
            })
            .collect(),
    }
}

struct Angle {
    text: String,
    parts: Vec<Part>,
}

impl Angle {
    fn of(
        e7: i64,
        grain: Grain,
        name: fn(Unit) -> PartName,
        hemisphere: PartName,
        letters: &str,
        degrees_width: usize,
    ) -> Self {
        // What rounds to nothing lies on neither side.
        let negative = e7 < 0 && in_last_digits(e7, grain) != 0;
        let letter = &letters[usize::from(negative)..][..1];
        let numbers = numbers(e7, grain, degrees_width);
        let units = [
            (Unit::Degrees, '°'),
            (Unit::Minutes, '′'),
            (Unit::Seconds, '″'),
        ];
        let mut text = String::new();
        let mut parts = Vec::new();
        for ((unit, mark), number) in units.into_iter().zip(numbers) {
            let shown = match unit {
                Unit::Degrees => without_leading_zeros(&number),
                _ => &number,
            };
            text.push_str(shown);
            text.push(mark);
            parts.push(Part {
                name: name(unit),
                text: number,
            });
        }
        text.push_str(letter);
        parts.push(Part {
            name: hemisphere,
            text: letter.to_owned(),
        });
        Self { text, parts }
    }
}

fn without_leading_zeros(number: &str) -> &str {
    let whole = number.find('.').unwrap_or(number.len());
    let zeros = number.bytes().take_while(|b| *b == b'0').count();
    &number[zeros.min(whole - 1)..]
}

/// Degrees, minutes and seconds down to the last unit, each as wide as it is at most.
fn numbers(e7: i64, grain: Grain, degrees_width: usize) -> Vec<String> {
    let scale = 10_i64.pow(u32::from(grain.decimals));
    let all = in_last_digits(e7, grain);
    let (mut whole, fraction) = (all / scale, all % scale);
    let mut numbers = Vec::new();
    let mut unit = grain.unit;
    loop {
        let (value, width) = match unit {
            Unit::Degrees => (whole, degrees_width),
            Unit::Minutes | Unit::Seconds => (whole % 60, 2),
        };
        numbers.push(format!("{value:0width$}"));
        whole /= 60;
        unit = match unit {
            Unit::Degrees => break,
            Unit::Minutes => Unit::Degrees,
            Unit::Seconds => Unit::Minutes,
        };
    }
    if let (Some(last), 1..) = (numbers.first_mut(), grain.decimals) {
        let decimals = usize::from(grain.decimals);
        last.push_str(&format!(".{fraction:0decimals$}"));
    }
    numbers.reverse();
    numbers
}
