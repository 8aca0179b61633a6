//! The one source of time: UTC milliseconds, and a clock that tests replace.

use crate::json::shortened;
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
        let timestamp: Option<Timestamp> = is_rfc3339(text).then(|| text.parse().ok()).flatten();
        let refused = || {
            let text = shortened(text, 64);
            format!(
                "\"{text}\" is no RFC 3339 time with an offset, such as 2016-06-21T12:00:00+03:00"
            )
        };
        Ok(Self(timestamp.ok_or_else(refused)?.as_millisecond()))
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

/// Whether `text` has the form `2016-06-21T12:00:00`, perhaps a fraction, and `Z` or an offset of hours and minutes. The
/// library reads more than that, such as `20160621T12+03[Europe/Kyiv]`, which others read differently or not at all.
fn is_rfc3339(text: &str) -> bool {
    let is_like = |bytes: &[u8], form: &[u8]| {
        bytes.len() == form.len()
            && bytes.iter().zip(form).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                mark => byte == mark,
            })
    };
    let Some((date_time, rest)) = text.as_bytes().split_at_checked(19) else {
        return false;
    };
    let offset = match rest.strip_prefix(b".") {
        // At least one digit follows the dot.
        Some(fraction) => match fraction.iter().position(|byte| !byte.is_ascii_digit()) {
            Some(digits @ 1..) => &fraction[digits..],
            _ => return false,
        },
        None => rest,
    };
    is_like(date_time, b"0000-00-00T00:00:00")
        && (offset == b"Z" || is_like(offset, b"+00:00") || is_like(offset, b"-00:00"))
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
    fn only_the_one_form_of_rfc_3339_is_a_time() {
        for good in [
            "2016-06-21T12:00:00Z",
            "2016-06-21T12:00:00.1+03:00",
            "2016-06-21T12:00:00.123456789-11:30",
        ] {
            assert!(UtcMs::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "20160621T120000Z",
            "2016-06-21T12:00:00+03",
            "2016-06-21T12:00:00+0300",
            "2016-06-21T12:00:00+03:00[Europe/Kyiv]",
            "2016-06-21T12:00:00+03:00:30",
            "2016-06-21T12:00Z",
            "2016-06-21 12:00:00Z",
            "2016-06-21t12:00:00z",
            "2016-06-21T12:00:00,5Z",
            "2016-06-21T12:00:00.Z",
            "2016-06-21T12:00:00.5",
            "-002016-06-21T12:00:00Z",
            "2016-02-30T12:00:00Z",
            "2016-06-21T24:00:00Z",
            "2016-06-21T12:00:0\u{661}Z",
        ] {
            assert!(UtcMs::parse(bad).is_err(), "{bad}");
        }
        assert!(UtcMs::parse(&"2".repeat(100_000)).unwrap_err().len() < 300);
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
