//! What may stand in a cell. A rule reads the text of a cell, or says what it must be; the limits are those of the statements
//! that are made from it, so that what was read can be said.

/// A day of the calendar.
pub use jiff::civil::Date as Day;

/// Longest name, in characters.
pub const LABEL_MAX: usize = 120;
/// Longest line, in characters.
pub const LINE_MAX: usize = 500;
/// Longest text, in characters.
pub const WORDS_MAX: usize = 8000;
/// Longest address, in characters.
pub const URL_MAX: usize = 500;
/// Longest place code.
pub const PCODE_MAX: usize = 12;
/// Longest name of an entry in its set.
pub const ID_MAX: usize = 64;
/// Largest count.
pub const COUNT_MAX: i64 = 1_000_000_000;
/// Earliest and latest year of a day.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;
/// Largest latitude in units of 1e-7 degree.
pub const LAT_E7_MAX: i64 = 900_000_000;
/// Largest longitude in units of 1e-7 degree.
pub const LON_E7_MAX: i64 = 1_800_000_000;

/// Digits of a degree behind the point that are kept: a centimetre.
const DEGREE_DIGITS: usize = 7;
/// Digits of a degree behind the point that are read at all.
const DEGREE_DIGITS_READ_MAX: usize = 20;

/// A name: one line of at most [`LABEL_MAX`] characters.
///
/// # Errors
/// What it must be.
pub fn label(text: &str) -> Result<String, String> {
    one_line(text, LABEL_MAX)
}

/// One line of at most [`LINE_MAX`] characters.
///
/// # Errors
/// What it must be.
pub fn line(text: &str) -> Result<String, String> {
    one_line(text, LINE_MAX)
}

/// The name of an entry in its set.
///
/// # Errors
/// What it must be.
pub fn id(text: &str) -> Result<String, String> {
    one_line(text, ID_MAX)
}

fn one_line(text: &str, max: usize) -> Result<String, String> {
    let fits = (1..=max).contains(&text.chars().count()) && !text.contains(is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("is not one line of 1 to {max} characters"))
}

/// A text with line breaks.
///
/// # Errors
/// What it must be.
pub fn words(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    let fits = (1..=WORDS_MAX).contains(&text.chars().count())
        && !text.contains(|c| is_control(c) && c != '\n');
    fits.then_some(text).ok_or_else(|| {
        format!("is not a text of 1 to {WORDS_MAX} characters without control characters")
    })
}

fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f')
}

/// A place code of the humanitarian sets.
///
/// # Errors
/// What it must be.
pub fn pcode(text: &str) -> Result<String, String> {
    let country = text.len() >= 2 && text.bytes().take(2).all(|b| b.is_ascii_uppercase());
    let rest = text
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (country && rest && text.len() <= PCODE_MAX)
        .then(|| text.to_owned())
        .ok_or_else(|| "is no P-code: two letters A-Z, then A-Z and 0-9, such as SY0200".to_owned())
}

/// Where something was published.
///
/// # Errors
/// What it must be.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let fits =
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(|c| is_control(c) || c == ' '));
    (fits && text.chars().count() <= URL_MAX)
        .then(|| text.to_owned())
        .ok_or_else(|| {
            format!(
                "is no address that starts with http:// or https://, at most {URL_MAX} characters"
            )
        })
}

/// A number of persons or events.
///
/// # Errors
/// What it must be.
pub fn count(text: &str) -> Result<i64, String> {
    whole(text)
        .filter(|n| *n <= COUNT_MAX)
        .ok_or_else(|| format!("is no whole number from 0 to {COUNT_MAX}"))
}

/// A step of a scale from 1 to `max`.
///
/// # Errors
/// What it must be.
pub fn step(max: i64) -> impl FnOnce(&str) -> Result<i64, String> {
    move |text| {
        whole(text)
            .filter(|n| (1..=max).contains(n))
            .ok_or_else(|| format!("is no step from 1 to {max}"))
    }
}

fn whole(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A day such as `2016-06-20`; a time of 00:00:00 behind it, as databases write it, says no more.
///
/// # Errors
/// What it must be.
pub fn day(text: &str) -> Result<Day, String> {
    let midnight = |rest: &str| {
        rest.strip_prefix("00:00:00")
            .is_some_and(|f| f.is_empty() || f.trim_matches('0') == ".")
    };
    let (day, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let form = day.len() == 10
        && day.bytes().enumerate().all(|(at, b)| {
            if matches!(at, 4 | 7) {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    let whole_day = rest.is_empty() || rest.strip_prefix([' ', 'T']).is_some_and(midnight);
    let read = day
        .parse::<Day>()
        .ok()
        .filter(|day| form && whole_day && YEARS.contains(&day.year()));
    read.ok_or_else(|| {
        format!(
            "is no day from {} to {}, such as 2016-06-20",
            YEARS.start(),
            YEARS.end()
        )
    })
}

/// A latitude in units of 1e-7 degree.
///
/// # Errors
/// What it must be.
pub fn latitude(text: &str) -> Result<i64, String> {
    let degrees = degrees_e7(text)?;
    let rule = match degrees.abs() {
        0..=LAT_E7_MAX => return Ok(degrees),
        ..=LON_E7_MAX => "is beyond 90 degrees; are latitude and longitude exchanged?",
        _ => "is beyond 90 degrees",
    };
    Err(rule.to_owned())
}

/// A longitude in units of 1e-7 degree.
///
/// # Errors
/// What it must be.
pub fn longitude(text: &str) -> Result<i64, String> {
    let degrees = degrees_e7(text)?;
    (degrees.abs() <= LON_E7_MAX)
        .then_some(degrees)
        .ok_or_else(|| "is beyond 180 degrees".to_owned())
}

/// Degrees in units of 1e-7 from their decimal text, to the nearest unit and halves away from zero. No floating point: the text
/// `36.20124` is 362,012,400 units everywhere.
fn degrees_e7(text: &str) -> Result<i64, String> {
    let refused = || {
        "is no number of degrees such as 36.201241, with a point and without exponent".to_owned()
    };
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole)
        || !is_number(fraction)
        || whole.len() > 3
        || fraction.len() > DEGREE_DIGITS_READ_MAX
    {
        return Err(refused());
    }
    let kept = &fraction[..fraction.len().min(DEGREE_DIGITS)];
    let up = fraction
        .as_bytes()
        .get(DEGREE_DIGITS)
        .is_some_and(|digit| *digit >= b'5');
    let units: i64 = format!("{whole}{kept:0<DEGREE_DIGITS$}")
        .parse()
        .map_err(|_| refused())?;
    Ok(sign * (units + i64::from(up)))
}

/// Degrees in units of 1e-7 as the shortest decimal text that [`latitude`] and [`longitude`] read as the same.
#[must_use]
pub fn degrees(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (whole, fraction) = (
        units.unsigned_abs() / 10_000_000,
        units.unsigned_abs() % 10_000_000,
    );
    let text = format!("{sign}{whole}.{fraction:07}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A list whose items are parted by bars; none is empty, and none stands there twice.
///
/// # Errors
/// What it must be.
pub fn list<T: PartialEq>(
    max: usize,
    item: impl Fn(&str) -> Result<T, String>,
) -> impl FnOnce(&str) -> Result<Vec<T>, String> {
    move |text| {
        let mut items = Vec::new();
        for part in text.split('|') {
            let value = item(part.trim())
                .map_err(|rule| format!("names \"{}\", which {rule}", short(part)))?;
            if items.contains(&value) {
                return Err(format!("names \"{}\" twice", short(part)));
            }
            items.push(value);
        }
        (items.len() <= max)
            .then_some(items)
            .ok_or_else(|| format!("names more than {max}"))
    }
}

fn short(part: &str) -> String {
    part.chars().filter(|c| !c.is_control()).take(24).collect()
}

/// One of some words.
///
/// # Errors
/// What it must be.
pub fn one_of(words: &'static [&'static str]) -> impl Fn(&str) -> Result<&'static str, String> {
    move |text| {
        let word = words.iter().find(|word| **word == text);
        word.copied()
            .ok_or_else(|| format!("is none of {}", words.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_read_from_their_digits_alone() {
        for (text, units) in [
            ("36.20124", 362_012_400),
            ("36", 360_000_000),
            ("-0.0000001", -1),
            ("0.00000005", 1),
            ("0.00000004999999999", 0),
            ("-36.99999995", -370_000_000),
            ("090.0", 900_000_000),
        ] {
            assert_eq!(latitude(text), Ok(units), "{text}");
        }
        for bad in [
            "NaN", "inf", "", "36,2", "3.6e1", "+36", "36.", ".5", "36°12'", "1e5", "٣٦", "36.2 N",
            "--1", "0x10",
        ] {
            assert!(
                latitude(bad).unwrap_err().contains("no number of degrees"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_latitude_that_can_only_be_a_longitude_asks_whether_they_are_exchanged() {
        assert!(latitude("117.5").unwrap_err().contains("exchanged"));
        assert!(!latitude("200").unwrap_err().contains("exchanged"));
        assert!(latitude("90.0000001").is_err());
        assert!(longitude("-180.0000001").is_err());
        assert_eq!(longitude("-180"), Ok(-LON_E7_MAX));
    }

    #[test]
    fn a_day_is_a_day_that_exists() {
        for good in [
            "2016-02-29",
            "2016-02-29 00:00:00",
            "2016-02-29T00:00:00.000",
        ] {
            assert_eq!(day(good).unwrap().to_string(), "2016-02-29");
        }
        for bad in [
            "2015-02-29",
            "2016-2-9",
            "20160229",
            "2016-02-29 12:00:00",
            "29.02.2016",
            "1899-12-31",
            "2200-01-01",
            "2016-02-29Z",
        ] {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn counts_are_whole_and_not_below_zero() {
        assert_eq!(count("0"), Ok(0));
        for bad in [
            "-1",
            "4.0",
            "1e3",
            "NaN",
            "NA",
            "1 000",
            "1000000001",
            "٤",
            "99999999999999999999",
        ] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
