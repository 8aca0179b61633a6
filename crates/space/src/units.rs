//! Positions, instants and windows as integers.

use std::fmt;

use crate::error::InputError;
use crate::geodesy;

/// Units of 1e-8 degree in one degree. One unit is 1.1 mm of latitude.
pub const E8: i64 = 100_000_000;
/// The whole circle in units of 1e-8 degree.
pub(crate) const TURN: i64 = 360 * E8;
/// Units of the fine grid (1e-14 degree) in one unit of 1e-8 degree.
pub(crate) const FINE: i64 = 1_000_000;

/// A place as it was typed: degrees, longitude first. Checked when a volume is made of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LonLat {
    /// Longitude, degrees east.
    pub lon: f64,
    /// Latitude, degrees north.
    pub lat: f64,
}

impl LonLat {
    /// Longitude and latitude in degrees, unchecked.
    #[must_use]
    pub const fn new(lon: f64, lat: f64) -> Self {
        Self { lon, lat }
    }

    /// Both coordinates on the fine grid of 1e-14 degree.
    pub(crate) fn fine(self) -> Result<[i64; 2], InputError> {
        if !self.lon.is_finite() {
            return Err(InputError::NotANumber { what: "longitude" });
        }
        if !self.lat.is_finite() {
            return Err(InputError::NotANumber { what: "latitude" });
        }
        if self.lat.abs() > 90.0 {
            return Err(InputError::LatitudeOutOfRange { degrees: self.lat });
        }
        if self.lon.abs() > 180.0 {
            return Err(InputError::LongitudeOutOfRange { degrees: self.lon });
        }
        Ok([to_fine(self.lon), to_fine(self.lat)])
    }
}

pub(crate) fn to_fine(degrees: f64) -> i64 {
    libm::round(degrees * 1e14) as i64
}

/// Fine grid to 1e-8 degree, halves away from zero.
pub(crate) fn snap(fine: i64) -> i64 {
    let half = FINE / 2;
    if fine >= 0 {
        (fine + half) / FINE
    } else {
        -((-fine + half) / FINE)
    }
}

/// A place on the grid of 1e-8 degree (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    lon_e8: i64,
    lat_e8: i64,
}

impl Position {
    /// A place from degrees.
    ///
    /// # Errors
    /// NaN, infinity, latitude beyond ±90°, longitude beyond ±180°.
    pub fn from_degrees(lon: f64, lat: f64) -> Result<Self, InputError> {
        let [x, y] = LonLat { lon, lat }.fine()?;
        Ok(Self {
            lon_e8: snap(x),
            lat_e8: snap(y),
        })
    }

    pub(crate) fn wrapped(x: i64, y: i64) -> Self {
        let mut lon = (x + TURN / 2).rem_euclid(TURN) - TURN / 2;
        if lon == -TURN / 2 && x > 0 {
            lon = TURN / 2;
        }
        Self {
            lon_e8: lon,
            lat_e8: y.clamp(-90 * E8, 90 * E8),
        }
    }

    /// Longitude, units of 1e-8 degree east.
    #[must_use]
    pub const fn lon_e8(self) -> i64 {
        self.lon_e8
    }

    /// Latitude, units of 1e-8 degree north.
    #[must_use]
    pub const fn lat_e8(self) -> i64 {
        self.lat_e8
    }

    /// Longitude, degrees east.
    #[must_use]
    pub fn lon(self) -> f64 {
        self.lon_e8 as f64 / E8 as f64
    }

    /// Latitude, degrees north.
    #[must_use]
    pub fn lat(self) -> f64 {
        self.lat_e8 as f64 / E8 as f64
    }

    /// Geodesic distance on WGS 84, metres.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        geodesy::distance_m([self.lon_e8, self.lat_e8], [other.lon_e8, other.lat_e8])
    }

    /// The direction in which `other` lies, degrees from true north to the east, 0 to 360. `None` at the same place and near the
    /// antipodes, where there is no one direction.
    #[must_use]
    pub fn bearing_deg(self, other: Self) -> Option<f64> {
        geodesy::bearing_deg([self.lon_e8, self.lat_e8], [other.lon_e8, other.lat_e8])
    }

    /// Refuses a place that is not near the named place that was stated beside it. Catches swapped coordinates and misread minutes, which stay plausible as numbers.
    ///
    /// # Errors
    /// [`InputError::FarFromNamedPlace`], which says whether swapping would have fitted.
    pub fn check_near(self, name: &str, named: Self, within_km: f64) -> Result<(), InputError> {
        let distance_km = self.distance_m(named) / 1000.0;
        if distance_km <= within_km {
            return Ok(());
        }
        let swapped_fits = Self::from_degrees(self.lat(), self.lon())
            .is_ok_and(|swapped| swapped.distance_m(named) / 1000.0 <= within_km);
        Err(InputError::FarFromNamedPlace {
            at: self,
            name: name.to_owned(),
            distance_km,
            within_km,
            swapped_fits,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |value: i64| (value / E8, value % E8);
        let (lat, lat_rest) = part(self.lat_e8.abs());
        let (lon, lon_rest) = part(self.lon_e8.abs());
        let ns = if self.lat_e8 < 0 { 'S' } else { 'N' };
        let ew = if self.lon_e8 < 0 { 'W' } else { 'E' };
        write!(f, "{lat}.{lat_rest:08}{ns} {lon}.{lon_rest:08}{ew}")
    }
}

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtcMs(pub i64);

/// Instants this crate accepts, milliseconds either side of 1970.
pub(crate) const TIME_MAX: i64 = 8_200_000_000_000;

impl UtcMs {
    /// An RFC 3339 date and time. The offset is mandatory; second 60 becomes the next second; digits beyond the millisecond are cut. Keep the original text beside it.
    ///
    /// # Errors
    /// [`InputError::NoOffset`] for a local time, [`InputError::NotATime`] otherwise.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let bad = || InputError::NotATime {
            text: text.to_owned(),
        };
        let bytes = text.as_bytes();
        let number = |range: std::ops::Range<usize>| -> Result<i64, InputError> {
            let digits = bytes.get(range).ok_or_else(bad)?;
            digits.iter().try_fold(0, |sum, b| match b {
                b'0'..=b'9' => Ok(sum * 10 + i64::from(b - b'0')),
                _ => Err(bad()),
            })
        };
        let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|b| any.contains(b));
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
            return Err(bad());
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return Err(bad()),
        };
        if day < 1 || day > days || hour > 23 || minute > 59 || second > 60 {
            return Err(bad());
        }
        let mut at = 19;
        let mut millis = 0;
        if is(at, b".") {
            let start = at + 1;
            at = start;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                if at - start < 3 {
                    millis += i64::from(bytes[at] - b'0') * [100, 10, 1][at - start];
                }
                at += 1;
            }
            if at == start {
                return Err(bad());
            }
        }
        let offset_min = match bytes.get(at) {
            None => {
                return Err(InputError::NoOffset {
                    text: text.to_owned(),
                });
            }
            Some(b'Z' | b'z') if bytes.len() == at + 1 => 0,
            Some(sign @ (b'+' | b'-')) if bytes.len() == at + 6 && is(at + 3, b":") => {
                let (h, m) = (number(at + 1..at + 3)?, number(at + 4..at + 6)?);
                if h > 23 || m > 59 {
                    return Err(bad());
                }
                if *sign == b'-' {
                    -(h * 60 + m)
                } else {
                    h * 60 + m
                }
            }
            Some(_) => return Err(bad()),
        };
        // Days from the civil date, after Hinnant: years start in March.
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let day_number = era * 146_097 + doe - 719_468;
        let seconds = ((day_number * 24 + hour) * 60 + minute - offset_min) * 60 + second;
        // A leap second has no milliseconds of its own: all of it is the first instant of the next second.
        Ok(Self(seconds * 1000 + if second == 60 { 0 } else { millis }))
    }
}

/// Furthest ahead that the start of a plan may lie, milliseconds: thirty days (`OiMaxPlanHorizon` of ASTM F3548-21).
pub const PLAN_AHEAD_MS_MAX: i64 = 30 * 24 * 3_600_000;
/// How far clocks of two sides may differ, milliseconds (`TimeSyncMaxDifferentialSeconds` of ASTM F3548-21).
pub const CLOCKS_MS: i64 = 5_000;

/// A half-open window `[start, end)`. Without an end it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Window {
    /// From `start` up to, not including, `end`; for ever when `end` is absent.
    ///
    /// # Errors
    /// An end that is not after the start, or a time beyond the years 1700 to 2230.
    pub fn new(start: UtcMs, end: Option<UtcMs>) -> Result<Self, InputError> {
        for time in [Some(start), end].into_iter().flatten() {
            if time.0.abs() > TIME_MAX {
                return Err(InputError::TimeOutOfRange { ms: time.0 });
            }
        }
        let end_ms = end.map_or(i64::MAX, |end| end.0);
        if end_ms <= start.0 {
            return Err(InputError::EndNotAfterStart {
                start_ms: start.0,
                end_ms,
            });
        }
        Ok(Self {
            start: start.0,
            end: end_ms,
        })
    }

    /// One instant: hits windows that contain it. A window that ends at the instant does not.
    ///
    /// # Errors
    /// A time beyond the years 1700 to 2230.
    pub fn at(instant: UtcMs) -> Result<Self, InputError> {
        Self::new(instant, Some(UtcMs(instant.0.saturating_add(1))))
    }

    /// Refuses a window as a plan that is made now: one that has ended, by whatever clock within [`CLOCKS_MS`], and one that starts more than [`PLAN_AHEAD_MS_MAX`] from now. One that has started already passes: what is under way is notified too.
    ///
    /// # Errors
    /// [`InputError::AlreadyEnded`], [`InputError::TooFarAhead`].
    pub fn check_plan(&self, now: UtcMs) -> Result<(), InputError> {
        if self.end <= now.0.saturating_sub(CLOCKS_MS) {
            return Err(InputError::AlreadyEnded {
                end_ms: self.end,
                now_ms: now.0,
            });
        }
        if self.start.saturating_sub(now.0) > PLAN_AHEAD_MS_MAX {
            return Err(InputError::TooFarAhead {
                start_ms: self.start,
                now_ms: now.0,
            });
        }
        Ok(())
    }

    /// First instant.
    #[must_use]
    pub const fn start(&self) -> UtcMs {
        UtcMs(self.start)
    }

    /// First instant that no longer belongs to it; `None` when open.
    #[must_use]
    pub const fn end(&self) -> Option<UtcMs> {
        if self.end == i64::MAX {
            None
        } else {
            Some(UtcMs(self.end))
        }
    }

    /// Milliseconds between two windows that share no instant; `None` when they share one. Adjacent windows have a gap of 0.
    #[must_use]
    pub fn gap_ms(&self, other: &Self) -> Option<i64> {
        if self.end <= other.start {
            Some(other.start - self.end)
        } else if other.end <= self.start {
            Some(self.start - other.end)
        } else {
            None
        }
    }
}

/// A box of longitudes and latitudes. West greater than east means that it crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeoBox {
    /// Western edge in units of 1e-8 degree, −180…180°.
    pub(crate) west: i64,
    pub(crate) south: i64,
    /// Eastern edge, not less than `west`: beyond 180° when the box crosses the antimeridian.
    pub(crate) east: i64,
    pub(crate) north: i64,
}

impl GeoBox {
    /// From its south-west and north-east corners.
    ///
    /// # Errors
    /// A south edge above the north edge.
    pub fn new(south_west: Position, north_east: Position) -> Result<Self, InputError> {
        if south_west.lat_e8 > north_east.lat_e8 {
            return Err(InputError::Empty { what: "box" });
        }
        let mut east = north_east.lon_e8;
        if east < south_west.lon_e8 {
            east += TURN;
        }
        Ok(Self {
            west: south_west.lon_e8,
            south: south_west.lat_e8,
            east,
            north: north_east.lat_e8,
        })
    }

    /// South-west corner.
    #[must_use]
    pub fn south_west(&self) -> Position {
        Position::wrapped(self.west, self.south)
    }

    /// North-east corner.
    #[must_use]
    pub fn north_east(&self) -> Position {
        Position::wrapped(self.east, self.north)
    }
}
