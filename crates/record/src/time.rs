//! The one source of time: UTC milliseconds, and a clock that tests replace.

use jiff::Timestamp;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMs(pub i64);

impl UtcMs {
    /// Reads an RFC 3339 time with an offset, for example `2016-06-21T12:00:00+03:00`.
    ///
    /// # Errors
    /// A sentence that says what is wrong; a time without offset or `Z` is refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        let timestamp: Timestamp = text.parse().map_err(|_| {
            format!(
                "{text:?} is no RFC 3339 time with an offset, such as 2016-06-21T12:00:00+03:00"
            )
        })?;
        Ok(Self(timestamp.as_millisecond()))
    }

    /// Seconds since 1970, rounded down to the whole minute: all that a public leaf tells of the time.
    #[must_use]
    pub fn minute_s(self) -> i64 {
        self.0.div_euclid(60_000) * 60
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl fmt::Display for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Where the time of day comes from. Nothing in the record is ordered by it: order is by index.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UtcMs;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcMs {
        UtcMs(Timestamp::now().as_millisecond())
    }
}

/// A clock that is set by hand: for tests, exercises and the demo.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: UtcMs) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: UtcMs) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMs {
        UtcMs(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_offset() {
        assert_eq!(
            UtcMs::parse("2016-06-21T12:00:00+03:00"),
            UtcMs::parse("2016-06-21T09:00:00Z")
        );
        assert!(
            UtcMs::parse("2016-06-21T09:00:00")
                .unwrap_err()
                .contains("offset")
        );
        assert!(UtcMs::parse("yesterday").is_err());
    }

    #[test]
    fn a_leap_second_is_the_next_second() {
        // jiff clamps second 60 to 59; the original text is what the record keeps.
        let leap = UtcMs::parse("2016-12-31T23:59:60Z").unwrap();
        assert!(leap >= UtcMs::parse("2016-12-31T23:59:59Z").unwrap());
        assert!(leap <= UtcMs::parse("2017-01-01T00:00:00Z").unwrap());
    }

    #[test]
    fn minutes_round_down_also_before_1970() {
        assert_eq!(UtcMs(59_999).minute_s(), 0);
        assert_eq!(UtcMs(-1).minute_s(), -60);
        assert_eq!(
            UtcMs::parse("2016-06-21T09:00:59.999Z").unwrap().minute_s() % 60,
            0
        );
    }
}
