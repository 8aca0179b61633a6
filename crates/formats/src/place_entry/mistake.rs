//! What can be wrong with a place as it was written.

use super::Unit;

/// A place that cannot be read: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot be read at character {at}: {mistake}")]
pub struct Unread {
    /// The character, counted from 1.
    pub at: usize,
    /// What is wrong there.
    pub mistake: Mistake,
}

impl Unread {
    pub(super) fn at(at: usize, mistake: Mistake) -> Self {
        Self { at, mistake }
    }

    /// A sign or word that says nothing. A control character is told by its number.
    pub(super) fn no_meaning(at: usize, what: &str) -> Self {
        let shown = what.chars().take(24).flat_map(|c| c.escape_debug());
        Self::at(at, Mistake::NoMeaning(shown.collect()))
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each has a sentence")]
pub enum Mistake {
    #[error("there is nothing; write a grid reference, latitude and longitude, or a name")]
    Empty,
    #[error("it is longer than {} characters", super::TEXT_MAX)]
    TooLong,
    #[error("“{0}” has no meaning in a coordinate")]
    NoMeaning(String),
    #[error("a point stands between digits, as in 36.2")]
    LonelyPoint,
    #[error(
        "these commas may be points or may part numbers; write points, or a space behind commas that part"
    )]
    AmbiguousCommas,
    #[error("latitude and longitude are parted once")]
    PartedTwice,
    #[error("one number is no place; write latitude and longitude")]
    OneNumber,
    #[error(
        "{0} numbers cannot be parted into latitude and longitude; write °, ′ and ″, or a comma between the two"
    )]
    CannotBeParted(usize),
    #[error("here a number is missing")]
    NumberMissing,
    #[error("a {0} sign stands here out of place")]
    SignOutOfPlace(&'static str),
    #[error("there is a number too many; an angle has degrees, minutes and seconds")]
    TooManyNumbers,
    #[error("{number} is marked as {marked}, and stands where {expected} are")]
    Marked {
        number: String,
        marked: Unit,
        expected: Unit,
    },
    #[error("{number} has a fraction, and {after} follow; only the last number has one")]
    FractionInside { number: String, after: Unit },
    #[error("{unit} {number} are not below 60")]
    SixtyOrMore { unit: Unit, number: String },
    #[error("{0} are no degrees; degrees have at most three digits")]
    DegreesTooLong(String),
    #[error("latitude {0} is beyond 90 degrees")]
    LatitudeBeyond(String),
    #[error("latitude {0} is beyond 90 degrees; are latitude and longitude exchanged?")]
    LatitudeBeyondExchanged(String),
    #[error("longitude {0} is beyond 180 degrees")]
    LongitudeBeyond(String),
    #[error("both are {0}s; one is latitude (N or S) and one longitude (E or W)")]
    SameAxis(&'static str),
    #[error("this number has no letter and the other has one; write N or S, and E or W")]
    LetterMissing,
    #[error("a hemisphere is given twice; write one letter for each number")]
    LetterTwice,
    #[error("a minus and a hemisphere letter; write one of them")]
    MinusAndLetter,
    #[error("letters of two scripts; С and В are not C and B: write both in one script")]
    TwoScripts,
    #[error("zone {0} is none; zones are 1 to 60")]
    Zone(String),
    #[error(
        "{0} is no band of latitude; bands are C to X without I and O, and the polar grids are not taken"
    )]
    Band(char),
    #[error(
        "{0} is no square of zone {1}; write the letters as they stand on the map, without I and O"
    )]
    Square(String, String),
    #[error(
        "{0} digits stand behind the square; easting and northing have the same number, together 2 to 10"
    )]
    OddDigits(usize),
    #[error("easting {0} and northing {1} do not have the same number of digits")]
    UnevenHalves(String, String),
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Degrees => "degrees",
            Self::Minutes => "minutes",
            Self::Seconds => "seconds",
        })
    }
}
