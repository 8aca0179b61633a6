//! Latitude and longitude: which number belongs to which, and what they are in units of 1e-7 degree. Whole numbers throughout.

use super::token::{Axis, Hemisphere, Plain, Spot, Token, tokens};
use super::{Entry, Grain, Mistake, Unit, Unread, Written};
use crate::cells::{LAT_E7_MAX, LON_E7_MAX};

/// Units of 1e-7 degree in a degree.
pub(super) const E7: i64 = 10_000_000;
/// Digits behind a point that are read at all; what they say beyond 1e-7 degree is rounded.
const DECIMALS_READ_MAX: usize = 20;
/// A degree of the meridian near the poles, where it is longest, in metres.
const DEGREE_M_MAX: f64 = 111_700.0;

const UNITS: [Unit; 3] = [Unit::Degrees, Unit::Minutes, Unit::Seconds];

/// One of the two numbers.
struct Angle {
    at: usize,
    axis: Option<Hemisphere>,
    e7: i64,
    grain: Grain,
    /// Its degrees as they were written.
    degrees: String,
}

pub(super) fn read(plain: &[Plain]) -> Result<Entry, Unread> {
    let spots = tokens(plain)?;
    let (first, second) = halves(&spots)?;
    let (first, second) = (angle(first)?, angle(second)?);
    let (lat, lon, order_assumed) = axes(first, second)?;
    if lat.e7.abs() > LAT_E7_MAX {
        let exchanged = order_assumed && lat.e7.abs() <= LON_E7_MAX && lon.e7.abs() <= LAT_E7_MAX;
        let beyond = if exchanged {
            Mistake::LatitudeBeyondExchanged
        } else {
            Mistake::LatitudeBeyond
        };
        return Err(Unread::at(lat.at, beyond(lat.degrees)));
    }
    if lon.e7.abs() > LON_E7_MAX {
        return Err(Unread::at(lon.at, Mistake::LongitudeBeyond(lon.degrees)));
    }
    Ok(Entry {
        lat_e7: lat.e7,
        lon_e7: lon.e7,
        written: Written::Angles {
            lat: lat.grain,
            lon: lon.grain,
        },
        order_assumed,
    })
}

/// Parts the two numbers: by what stands between them, by their letters, by their degree marks, or in the middle.
fn halves(spots: &[Spot]) -> Result<(&[Spot], &[Spot]), Unread> {
    let places = |is: fn(&Token) -> bool| -> Vec<usize> {
        let found = spots.iter().enumerate();
        found
            .filter(|(_, spot)| is(&spot.token))
            .map(|(i, _)| i)
            .collect()
    };
    let parts = places(|token| *token == Token::Part);
    if let Some(twice) = parts.get(1) {
        return Err(Unread::at(spots[*twice].at, Mistake::PartedTwice));
    }
    if let Some(part) = parts.first() {
        return Ok((&spots[..*part], &spots[part + 1..]));
    }
    let letters = places(|token| matches!(token, Token::Hemisphere(_)));
    if let [first, second] = letters[..] {
        let leading = first == 0;
        return Ok(spots.split_at(if leading { second } else { first + 1 }));
    }
    let numbers = places(|token| matches!(token, Token::Number(..)));
    let degrees = places(|token| *token == Token::Mark(Unit::Degrees));
    let begins = match degrees[..] {
        [_, second] => numbers.iter().rfind(|i| **i < second),
        _ if numbers.len().is_multiple_of(2) => numbers.get(numbers.len() / 2),
        _ => None,
    };
    let at = spots.first().map_or(1, |spot| spot.at);
    let begins = begins.ok_or(match numbers.len() {
        0 => Unread::at(at, Mistake::NumberMissing),
        1 => Unread::at(at, Mistake::OneNumber),
        count => Unread::at(at, Mistake::CannotBeParted(count)),
    })?;
    let signed = *begins > 0 && matches!(spots[begins - 1].token, Token::Minus | Token::Plus);
    Ok(spots.split_at(begins - usize::from(signed)))
}

/// Reads one number with its letter, sign, marks and fractions.
fn angle(spots: &[Spot]) -> Result<Angle, Unread> {
    let at = spots.first().map_or(1, |spot| spot.at);
    let (axis, spots) = letter(spots)?;
    let (negative, spots) = match spots.first().map(|spot| &spot.token) {
        Some(Token::Minus) => (true, &spots[1..]),
        Some(Token::Plus) => (false, &spots[1..]),
        _ => (false, spots),
    };
    if axis.is_some() && negative {
        return Err(Unread::at(at, Mistake::MinusAndLetter));
    }
    let numbers = numbers(spots)?;
    let Some((last, whole)) = numbers.split_last() else {
        return Err(Unread::at(at, Mistake::NumberMissing));
    };
    let grain = Grain {
        unit: UNITS[whole.len()],
        decimals: u8::try_from(last.fraction.len()).unwrap_or(u8::MAX),
    };
    let magnitude = magnitude(&numbers);
    let negative = negative || axis.is_some_and(|axis| axis.negative);
    Ok(Angle {
        at,
        axis,
        e7: if negative { -magnitude } else { magnitude },
        grain: Grain {
            decimals: grain.decimals.min(grain.unit.decimals_max()),
            ..grain
        },
        degrees: numbers[0].text(),
    })
}

/// Takes the letter off, in front or behind.
fn letter(spots: &[Spot]) -> Result<(Option<Hemisphere>, &[Spot]), Unread> {
    let letter = |spot: &Spot| match spot.token {
        Token::Hemisphere(hemisphere) => Some(hemisphere),
        _ => None,
    };
    let (front, rest) = match spots.split_first() {
        Some((first, rest)) if letter(first).is_some() => (letter(first), rest),
        _ => (None, spots),
    };
    let (behind, rest) = match rest.split_last() {
        Some((last, rest)) if letter(last).is_some() => (letter(last), rest),
        _ => (None, rest),
    };
    let inside = rest.iter().find(|spot| letter(spot).is_some());
    let twice = inside.or(spots.last().filter(|_| front.is_some() && behind.is_some()));
    match twice {
        Some(spot) => Err(Unread::at(spot.at, Mistake::LetterTwice)),
        None => Ok((front.or(behind), rest)),
    }
}

/// Degrees, minutes or seconds as they are written.
struct Number<'s> {
    at: usize,
    whole: &'s str,
    fraction: &'s str,
}

impl Number<'_> {
    fn text(&self) -> String {
        let shown: String = self.whole.chars().take(12).collect();
        match self.fraction {
            "" => shown,
            fraction => format!("{shown}.{}", fraction.chars().take(12).collect::<String>()),
        }
    }
}

/// Numbers in the order of their units, each with its mark or without.
fn numbers(spots: &[Spot]) -> Result<Vec<Number<'_>>, Unread> {
    let mut numbers: Vec<Number<'_>> = Vec::new();
    let mut marked = true;
    for spot in spots {
        match &spot.token {
            Token::Number(..) if numbers.len() == UNITS.len() => {
                return Err(Unread::at(spot.at, Mistake::TooManyNumbers));
            }
            Token::Number(whole, fraction) => {
                marked = false;
                numbers.push(Number {
                    at: spot.at,
                    whole,
                    fraction: fraction.as_deref().unwrap_or_default(),
                });
            }
            Token::Mark(unit) => {
                let number = numbers.last().filter(|_| !marked);
                let number = number.ok_or(Unread::at(spot.at, Mistake::NumberMissing))?;
                let expected = UNITS[numbers.len() - 1];
                if *unit != expected {
                    let (number, marked) = (number.text(), *unit);
                    let mistake = Mistake::Marked {
                        number,
                        marked,
                        expected,
                    };
                    return Err(Unread::at(spot.at, mistake));
                }
                marked = true;
            }
            Token::Minus => return Err(Unread::at(spot.at, Mistake::SignOutOfPlace("minus"))),
            Token::Plus => return Err(Unread::at(spot.at, Mistake::SignOutOfPlace("plus"))),
            Token::Hemisphere(_) | Token::Part => {
                return Err(Unread::at(spot.at, Mistake::LetterTwice));
            }
        }
    }
    in_range(&numbers)?;
    Ok(numbers)
}

fn in_range(numbers: &[Number<'_>]) -> Result<(), Unread> {
    for (i, number) in numbers.iter().enumerate() {
        let refused = |mistake| Err(Unread::at(number.at, mistake));
        let significant = number.whole.trim_start_matches('0');
        if i == 0 && significant.len() > 3 {
            return refused(Mistake::DegreesTooLong(number.text()));
        }
        let below_sixty = significant.len() <= 2 && significant < "60" || significant.len() < 2;
        if i > 0 && !below_sixty {
            let (unit, number) = (UNITS[i], number.text());
            return refused(Mistake::SixtyOrMore { unit, number });
        }
        if i + 1 < numbers.len() && !number.fraction.is_empty() {
            let (number, after) = (number.text(), UNITS[i + 1]);
            return refused(Mistake::FractionInside { number, after });
        }
    }
    Ok(())
}

/// Units of 1e-7 degree, to the nearest, halves away from zero. At most three digits of degrees, two of minutes and seconds, and
/// [`DECIMALS_READ_MAX`] behind the point: it stays far below the range of the type.
fn magnitude(numbers: &[Number<'_>]) -> i64 {
    let (mut sum, mut of_a_degree) = (0_i128, 1_i128);
    let value = |digits: &str| digits.trim_start_matches('0').parse().unwrap_or(0_i128);
    for (i, number) in numbers.iter().enumerate() {
        if i > 0 {
            of_a_degree *= 60;
            sum *= 60;
        }
        let kept = number.fraction.len().min(DECIMALS_READ_MAX);
        let scale = 10_i128.pow(kept as u32);
        of_a_degree *= scale;
        sum = (sum + value(number.whole)) * scale + value(&number.fraction[..kept]);
    }
    let e7 = (2 * sum * i128::from(E7) + of_a_degree) / (2 * of_a_degree);
    e7 as i64
}

/// Which of the two is the latitude, and whether that was only assumed.
fn axes(first: Angle, second: Angle) -> Result<(Angle, Angle, bool), Unread> {
    let (one, other) = match (first.axis, second.axis) {
        (None, None) => return Ok((first, second, true)),
        (Some(_), None) => return Err(Unread::at(second.at, Mistake::LetterMissing)),
        (None, Some(_)) => return Err(Unread::at(first.at, Mistake::LetterMissing)),
        (Some(one), Some(other)) => (one, other),
    };
    if one.script != other.script {
        return Err(Unread::at(second.at, Mistake::TwoScripts));
    }
    match (one.axis, other.axis) {
        (Axis::Lat, Axis::Lon) => Ok((first, second, false)),
        (Axis::Lon, Axis::Lat) => Ok((second, first, false)),
        (Axis::Lat, Axis::Lat) => Err(Unread::at(second.at, Mistake::SameAxis("latitude"))),
        (Axis::Lon, Axis::Lon) => Err(Unread::at(second.at, Mistake::SameAxis("longitude"))),
    }
}

/// From the middle of the field of places that these digits may mean to its furthest corner.
pub(super) fn corner_m(lat_e7: i64, lat: Grain, lon: Grain) -> i64 {
    let half = |grain: Grain| 0.5 / grain.in_a_degree() as f64;
    let (lat_half, lon_half) = (half(lat), half(lon));
    let widest = (lat_e7.abs() as f64 / E7 as f64 - lat_half).max(0.0);
    let north = lat_half * DEGREE_M_MAX;
    let east = lon_half * DEGREE_M_MAX * widest.to_radians().cos();
    north.hypot(east).ceil() as i64
}

/// The last digits of an angle as a whole number of them: of 36.125° it is 36,125.
pub(super) fn in_last_digits(e7: i64, grain: Grain) -> i64 {
    let (e7, scale) = (i128::from(e7.abs()), i128::from(grain.in_a_degree()));
    let digits = (2 * e7 * scale + i128::from(E7)) / (2 * i128::from(E7));
    digits as i64
}

/// What the same digits are when the decimals of a degree are taken for minutes, or the digits of minutes for decimals.
pub(super) fn other_sense(e7: i64, grain: Grain) -> Option<(i64, Grain)> {
    let digits = in_last_digits(e7, grain);
    let minutes_have = 10_i64.pow(u32::from(grain.decimals));
    let (degrees, behind, other) = match grain.unit {
        Unit::Degrees => {
            let decimals = grain.decimals.checked_sub(2)?;
            let (degrees, behind) = (digits / minutes_have, digits % minutes_have);
            (degrees, behind, (Unit::Minutes, decimals))
        }
        Unit::Minutes => {
            let in_a_degree = grain.in_a_degree();
            let (degrees, behind) = (digits / in_a_degree, digits % in_a_degree);
            (degrees, behind, (Unit::Degrees, grain.decimals + 2))
        }
        Unit::Seconds => return None,
    };
    let other = Grain {
        unit: other.0,
        decimals: other.1,
    };
    if behind >= other.in_a_degree() {
        return None;
    }
    let e7_of = i128::from(degrees) * i128::from(E7)
        + (2 * i128::from(behind) * i128::from(E7) + i128::from(other.in_a_degree()))
            / (2 * i128::from(other.in_a_degree()));
    let other_e7 = e7_of as i64;
    Some((if e7 < 0 { -other_e7 } else { other_e7 }, other))
}
