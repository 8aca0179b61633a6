//! Altitude bands and the surfaces they are measured from.
//!
//! Every limit becomes a range of heights above the WGS 84 ellipsoid in centimetres: what it can be at the lowest and at the highest. Two bands overlap when they do whatever the truth within the ranges, are clear when they are whatever the truth, and are indeterminate otherwise.

use crate::error::InputError;
use crate::units::GeoBox;

/// The highest or lowest height accepted, centimetres (1,000 km).
const HEIGHT_CM_MAX: i64 = 100_000_000;
/// Undulation of the geoid anywhere on Earth, centimetres, rounded outward.
const GEOID_ANYWHERE: Range = Range {
    low: -10_800,
    high: 8_700,
};
/// Height of the ground above mean sea level anywhere on Earth, centimetres, rounded outward.
const GROUND_ANYWHERE: Range = Range {
    low: -45_000,
    high: 886_000,
};
/// Lowest and highest pressure at sea level ever measured, tenths of a hectopascal, rounded outward.
const QNH_ANYWHERE: [i64; 2] = [8_700, 10_860];

/// A range of heights, centimetres, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Lowest, centimetres.
    pub low: i64,
    /// Highest, centimetres.
    pub high: i64,
}

impl Range {
    /// A height that is known exactly, centimetres.
    #[must_use]
    pub const fn exactly(cm: i64) -> Self {
        Self { low: cm, high: cm }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }
}

/// What is known of the ground and the geoid. The caller brings the data; this crate reads no files.
pub trait Heights {
    /// Undulation of the geoid above the WGS 84 ellipsoid over an area, centimetres; `None` when unknown.
    fn geoid_cm(&self, area: &GeoBox) -> Option<Range>;
    /// Height of the terrain above mean sea level over an area, lowest and highest, centimetres; `None` when unknown.
    fn terrain_cm(&self, area: &GeoBox) -> Option<Range>;
}

/// Nothing is known: heights above sea level or ground are widened to all that Earth has to offer.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHeights;

impl Heights for NoHeights {
    fn geoid_cm(&self, _: &GeoBox) -> Option<Range> {
        None
    }
    fn terrain_cm(&self, _: &GeoBox) -> Option<Range> {
        None
    }
}

/// The surface a height is measured from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerticalDatum {
    /// WGS 84 ellipsoid.
    Ellipsoid,
    /// Mean sea level (the geoid).
    Amsl,
    /// Above ground level.
    Agl,
}

impl VerticalDatum {
    /// From the usual names: `WGS84`, `W84`, `HAE`, `AMSL`, `MSL`, `AGL`, `SFC` in any case.
    ///
    /// # Errors
    /// [`InputError::UnknownDatum`].
    pub fn parse(name: &str) -> Result<Self, InputError> {
        match name.trim().to_ascii_uppercase().as_str() {
            "WGS84" | "W84" | "HAE" | "ELLIPSOID" => Ok(Self::Ellipsoid),
            "AMSL" | "MSL" => Ok(Self::Amsl),
            "AGL" | "SFC" => Ok(Self::Agl),
            _ => Err(InputError::UnknownDatum {
                name: name.to_owned(),
            }),
        }
    }
}

/// One limit of a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// A height above a surface.
    Height {
        /// Centimetres.
        cm: i64,
        /// What it is measured from.
        datum: VerticalDatum,
    },
    /// A flight level: hundreds of feet in the standard atmosphere.
    FlightLevel {
        /// Hundreds of feet: `100` is FL100.
        level: u16,
        /// Pressure at sea level in tenths of a hectopascal, if known: `9900` is 990 hPa.
        qnh_dhpa: Option<u16>,
    },
}

impl Limit {
    /// A height in metres with the datum that was given for it, if any.
    ///
    /// # Errors
    /// NaN or infinity, a height beyond 1,000 km, or no datum.
    pub fn metres(metres: f64, datum: Option<VerticalDatum>) -> Result<Self, InputError> {
        if !metres.is_finite() {
            return Err(InputError::NotANumber { what: "height" });
        }
        if metres.abs() > 1e6 {
            return Err(InputError::HeightOutOfRange { metres });
        }
        let datum = datum.ok_or(InputError::NoVerticalDatum { metres })?;
        Ok(Self::Height {
            cm: libm::round(metres * 100.0) as i64,
            datum,
        })
    }

    /// The range of heights above the ellipsoid that this limit can mean over an area.
    fn above_ellipsoid(
        self,
        area: &GeoBox,
        heights: &dyn Heights,
    ) -> Result<(Range, bool), InputError> {
        let geoid = heights.geoid_cm(area);
        let geoid_or = geoid.unwrap_or(GEOID_ANYWHERE);
        let checked = |cm: i64| {
            if cm.abs() > HEIGHT_CM_MAX {
                Err(InputError::HeightOutOfRange {
                    metres: cm as f64 / 100.0,
                })
            } else {
                Ok(Range::exactly(cm))
            }
        };
        Ok(match self {
            Self::Height {
                cm,
                datum: VerticalDatum::Ellipsoid,
            } => (checked(cm)?, true),
            Self::Height {
                cm,
                datum: VerticalDatum::Amsl,
            } => (checked(cm)?.plus(geoid_or), geoid.is_some()),
            Self::Height {
                cm,
                datum: VerticalDatum::Agl,
            } => {
                let ground = heights.terrain_cm(area);
                let known = ground.is_some() && geoid.is_some();
                (
                    checked(cm)?
                        .plus(ground.unwrap_or(GROUND_ANYWHERE))
                        .plus(geoid_or),
                    known,
                )
            }
            Self::FlightLevel { level, qnh_dhpa } => {
                // 100 ft are 3,048 cm; 27.3 ft for each hectopascal are 83.2104 cm for a tenth.
                let shift = |dhpa: i64| (dhpa * 10 - 101_325) * 832_104 / 100_000;
                let pressure = match qnh_dhpa {
                    Some(q) => Range {
                        low: shift(i64::from(q)) - 1,
                        high: shift(i64::from(q)) + 1,
                    },
                    None => Range {
                        low: shift(QNH_ANYWHERE[0]) - 1,
                        high: shift(QNH_ANYWHERE[1]) + 1,
                    },
                };
                let standard = Range::exactly(i64::from(level) * 3_048);
                (
                    standard.plus(pressure).plus(geoid_or),
                    qnh_dhpa.is_some() && geoid.is_some(),
                )
            }
        })
    }
}

/// An altitude band as declared. A missing limit is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AltitudeBand {
    /// Lower limit.
    pub lower: Option<Limit>,
    /// Upper limit.
    pub upper: Option<Limit>,
}

impl AltitudeBand {
    /// From the ground (and below) to space.
    pub const ALL: Self = Self {
        lower: None,
        upper: None,
    };

    /// Between two limits.
    #[must_use]
    pub const fn between(lower: Limit, upper: Limit) -> Self {
        Self {
            lower: Some(lower),
            upper: Some(upper),
        }
    }

    /// Heights above the ellipsoid over an area. With terrain, geoid and pressure known, the lower limit is the lowest it can be and the upper the highest, and both count as known. What is missing widens the limit and leaves it in doubt.
    ///
    /// # Errors
    /// A height out of range, or an upper limit certainly below the lower.
    pub fn resolve(&self, area: &GeoBox, heights: &dyn Heights) -> Result<Band, InputError> {
        let lower = self
            .lower
            .map(|l| l.above_ellipsoid(area, heights))
            .transpose()?;
        let upper = self
            .upper
            .map(|l| l.above_ellipsoid(area, heights))
            .transpose()?;
        if let (Some((lower, _)), Some((upper, _))) = (lower, upper)
            && upper.high < lower.low
        {
            return Err(InputError::UpperBelowLower {
                by_cm: lower.low - upper.high,
            });
        }
        if let (Some(Limit::Height { cm: a, datum: x }), Some(Limit::Height { cm: b, datum: y })) =
            (self.lower, self.upper)
            && x == y
            && b < a
        {
            return Err(InputError::UpperBelowLower { by_cm: a - b });
        }
        let (low, low_sure) = match lower {
            None => (i32::MIN, i32::MIN),
            Some((range, true)) => (range.low as i32, range.low as i32),
            Some((range, false)) => (range.low as i32, range.high as i32),
        };
        let (high, high_sure) = match upper {
            None => (i32::MAX, i32::MAX),
            Some((range, true)) => (range.high as i32, range.high as i32),
            Some((range, false)) => (range.high as i32, range.low as i32),
        };
        Ok(Band {
            low,
            low_sure,
            high,
            high_sure,
        })
    }
}

/// A band above the WGS 84 ellipsoid, centimetres, closed. `i32::MIN` and `i32::MAX` are unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Band {
    /// The lowest that the lower limit can be.
    pub low: i32,
    /// The highest that the lower limit can be; equal to `low` when it is known.
    pub low_sure: i32,
    /// The lowest that the upper limit can be; equal to `high` when it is known.
    pub high_sure: i32,
    /// The highest that the upper limit can be.
    pub high: i32,
}

/// How two bands meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meet {
    Overlap,
    Touch,
    Apart { gap_cm: i64 },
    Doubtful,
}

impl Band {
    /// All heights.
    pub const ALL: Self = Self {
        low: i32::MIN,
        low_sure: i32::MIN,
        high_sure: i32::MAX,
        high: i32::MAX,
    };

    /// Between two known heights above the ellipsoid, centimetres.
    #[must_use]
    pub const fn known(low: i32, high: i32) -> Self {
        Self {
            low,
            low_sure: low,
            high_sure: high,
            high,
        }
    }

    pub(crate) const fn is_sure(&self) -> bool {
        self.low == self.low_sure && self.high == self.high_sure
    }

    pub(crate) fn hull(&self, other: &Self) -> Self {
        Self {
            low: self.low.min(other.low),
            low_sure: self.low_sure.min(other.low_sure),
            high_sure: self.high_sure.max(other.high_sure),
            high: self.high.max(other.high),
        }
    }

    /// The shared heights, for a witness.
    pub(crate) fn common(&self, other: &Self) -> (i32, i32) {
        (self.low.max(other.low), self.high.min(other.high))
    }

    pub(crate) fn meet(&self, other: &Self) -> Meet {
        let gap = i64::from(self.low.max(other.low)) - i64::from(self.high.min(other.high));
        if self.low > other.high || other.low > self.high {
            return Meet::Apart { gap_cm: gap };
        }
        if self.low_sure < other.high_sure && other.low_sure < self.high_sure {
            return Meet::Overlap;
        }
        if self.is_sure() && other.is_sure() {
            Meet::Touch
        } else {
            Meet::Doubtful
        }
    }
}
