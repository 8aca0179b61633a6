//! Days of a country as times with an offset. Data sets give days and no zone; the statement needs both ends as instants.

use crate::cells::Day;

/// Largest distance from UTC, in minutes.
pub const OFFSET_MINUTES_MAX: i16 = 14 * 60;

/// How far the days of a country are from UTC: since the beginning, and from later days on.
///
/// ```
/// use formats::days::DayOffsets;
/// let day = |text: &str| formats::cells::day(text).unwrap();
/// let syria = DayOffsets::fixed(120).unwrap().from_day(day("2016-03-25"), 180).unwrap();
/// assert_eq!(syria.start_of(day("2016-02-27")), "2016-02-27T00:00:00+02:00");
/// assert_eq!(syria.end_of(day("2016-06-20")), "2016-06-21T00:00:00+03:00");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOffsets {
    first: i16,
    later: Vec<(Day, i16)>,
}

impl DayOffsets {
    /// The same distance always, in minutes east of Greenwich; none when it is more than [`OFFSET_MINUTES_MAX`].
    #[must_use]
    pub fn fixed(minutes: i16) -> Option<Self> {
        is_offset(minutes).then_some(Self {
            first: minutes,
            later: Vec::new(),
        })
    }

    /// Another distance from that day on. Days are added in their order; none when they are not, or the distance is none.
    #[must_use]
    pub fn from_day(mut self, day: Day, minutes: i16) -> Option<Self> {
        let in_order = self.later.last().is_none_or(|(before, _)| *before < day);
        self.later.push((day, minutes));
        (in_order && is_offset(minutes)).then_some(self)
    }

    /// The first instant of a day, as RFC 3339.
    #[must_use]
    pub fn start_of(&self, day: Day) -> String {
        let since = self.later.iter().rev().find(|(since, _)| *since <= day);
        let minutes = since.map_or(self.first, |(_, minutes)| *minutes);
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
        format!("{day}T00:00:00{sign}{hours:02}:{rest:02}")
    }

    /// The first instant after a day.
    #[must_use]
    pub fn end_of(&self, day: Day) -> String {
        self.start_of(
            day.tomorrow()
                .expect("days end long before the calendar does"),
        )
    }
}

fn is_offset(minutes: i16) -> bool {
    minutes.unsigned_abs() <= OFFSET_MINUTES_MAX.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_west_of_greenwich_and_of_half_hours_are_written() {
        let day = jiff::civil::date(2016, 1, 1);
        assert_eq!(
            DayOffsets::fixed(-210).unwrap().start_of(day),
            "2016-01-01T00:00:00-03:30"
        );
        assert_eq!(
            DayOffsets::fixed(0).unwrap().start_of(day),
            "2016-01-01T00:00:00+00:00"
        );
    }

    #[test]
    fn what_is_no_offset_or_out_of_order_is_refused() {
        let (early, late) = (jiff::civil::date(2016, 1, 1), jiff::civil::date(2016, 6, 1));
        assert!(DayOffsets::fixed(900).is_none());
        assert!(DayOffsets::fixed(i16::MIN).is_none());
        let offsets = DayOffsets::fixed(0).unwrap().from_day(late, 60).unwrap();
        assert!(offsets.clone().from_day(early, 0).is_none());
        assert!(offsets.from_day(late, 0).is_none());
    }
}
