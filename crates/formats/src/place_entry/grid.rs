//! Squares of the Military Grid Reference System.

use super::token::Plain;
use super::{Entry, Mistake, Unread, Written};
use geoconvert::{LatLon, Mgrs};

/// Letters of the bands of latitude, eight degrees each from 80 S; the last has twelve.
const BANDS: &[u8; 20] = b"CDEFGHJKLMNPQRSTUVWX";
/// Letters of columns, in the zones whose number is 1, 2 and 0 modulo 3.
const COLUMNS: [&[u8; 8]; 3] = [b"ABCDEFGH", b"JKLMNPQR", b"STUVWXYZ"];
/// Letters of rows.
const ROWS: &[u8; 20] = b"ABCDEFGHJKLMNPQRSTUV";
/// Rows in the zones of even number begin so much later.
const ROWS_SHIFT: i64 = 5;
/// Side of a lettered square, in metres.
const SQUARE_M: i64 = 100_000;
/// The grid that is read and written ends here; beyond it are the polar ones.
const LAT_E7: std::ops::Range<i64> = -800_000_000..840_000_000;
/// Width of a band.
const BAND_E7: i64 = 80_000_000;

/// From the middle of a square to its corners, in metres rounded up, by the digits for each direction.
pub(super) fn half_diagonal_m(digits: u8) -> i64 {
    [70_711, 7_072, 708, 71, 8, 1][usize::from(digits).min(5)]
}

/// Reads a square, if it begins like one: a number and three letters.
pub(super) fn read(plain: &[Plain]) -> Option<Result<Entry, Unread>> {
    let dense: Vec<Plain> = plain
        .iter()
        .filter(|(_, c)| !c.is_whitespace())
        .copied()
        .collect();
    let zone_digits = dense.iter().take_while(|(_, c)| c.is_ascii_digit()).count();
    let letters = dense.get(zone_digits..zone_digits + 3)?;
    let is_square = (1..=2).contains(&zone_digits)
        && letters.iter().all(|(_, c)| c.is_ascii_alphabetic())
        && dense
            .get(zone_digits + 3)
            .is_none_or(|(_, c)| !c.is_alphabetic());
    is_square.then(|| {
        let (head, digits) = dense.split_at(zone_digits + 3);
        digits_are_even(plain, digits)?;
        square(head, digits)
    })
}

/// Easting and northing have the same number of digits, also where a space stands between them.
fn digits_are_even(plain: &[Plain], digits: &[Plain]) -> Result<(), Unread> {
    if let Some((at, other)) = digits.iter().find(|(_, c)| !c.is_ascii_digit()) {
        return Err(Unread::no_meaning(*at, &other.to_string()));
    }
    let Some((first, _)) = digits.first() else {
        return Ok(());
    };
    let behind: String = plain
        .iter()
        .filter(|(at, _)| at >= first)
        .map(|(_, c)| *c)
        .collect();
    let groups: Vec<&str> = behind.split_whitespace().collect();
    if let [easting, northing] = groups[..]
        && easting.len() != northing.len()
    {
        let short = |digits: &str| digits.chars().take(12).collect();
        return Err(Unread::at(
            *first,
            Mistake::UnevenHalves(short(easting), short(northing)),
        ));
    }
    if !digits.len().is_multiple_of(2) || digits.len() > 10 {
        return Err(Unread::at(*first, Mistake::OddDigits(digits.len())));
    }
    Ok(())
}

fn square(head: &[Plain], digits: &[Plain]) -> Result<Entry, Unread> {
    let text =
        |plain: &[Plain]| -> String { plain.iter().map(|(_, c)| c.to_ascii_uppercase()).collect() };
    let (zone, letters) = head.split_at(head.len() - 3);
    let number = text(zone);
    if !number.parse().is_ok_and(|zone| (1..=60).contains(&zone)) {
        return Err(Unread::at(zone[0].0, Mistake::Zone(number)));
    }
    let band = letters[0].1.to_ascii_uppercase();
    if !BANDS.contains(&(band as u8)) {
        return Err(Unread::at(letters[0].0, Mistake::Band(band)));
    }
    let refused = || {
        let (square, zone) = (text(&letters[1..]), format!("{number}{band}"));
        Unread::at(letters[1].0, Mistake::Square(square, zone))
    };
    let place = Mgrs::parse_str(&format!("{}{}", text(head), text(digits)))
        .map_err(|_| refused())?
        .to_latlon();
    let e7 = |degrees: f64| (degrees * 1e7).round() as i64;
    let (lat_e7, lon_e7) = (e7(place.latitude()), e7(place.longitude()));
    let on_the_globe = lat_e7.abs() <= crate::cells::LAT_E7_MAX;
    let turn = 2 * crate::cells::LON_E7_MAX;
    on_the_globe
        .then(|| Entry {
            lat_e7,
            lon_e7: (lon_e7 + turn / 2).rem_euclid(turn) - turn / 2,
            written: Written::Grid {
                digits: (digits.len() / 2) as u8,
            },
            order_assumed: false,
        })
        .ok_or_else(refused)
}

/// A square as it is written: zone with band, square, easting, northing. `None` where the polar grids begin.
pub(super) fn spell(lat_e7: i64, lon_e7: i64, digits: u8) -> Option<[String; 4]> {
    if !LAT_E7.contains(&lat_e7) {
        return None;
    }
    // 180 degrees east and west are one meridian, and the library takes the latter.
    let lon_e7 = match lon_e7 {
        crate::cells::LON_E7_MAX => -lon_e7,
        other => other,
    };
    let degrees = |e7: i64| e7 as f64 / 1e7;
    let utm = LatLon::create(degrees(lat_e7), degrees(lon_e7))
        .ok()?
        .to_utmups();
    let metres = |metres: f64| metres.floor() as i64;
    let (zone, easting, northing) = (
        i64::from(utm.zone()),
        metres(utm.easting()),
        metres(utm.northing()),
    );
    let band = ((lat_e7 - LAT_E7.start) / BAND_E7).min(19);
    let columns = COLUMNS[usize::try_from((zone - 1).rem_euclid(3)).ok()?];
    let column = columns.get(usize::try_from(easting / SQUARE_M - 1).ok()?)?;
    let shift = if zone % 2 == 0 { ROWS_SHIFT } else { 0 };
    let row = (northing / SQUARE_M + shift).rem_euclid(20);
    let letter =
        |letters: &[u8], at: i64| Some(char::from(*letters.get(usize::try_from(at).ok()?)?));
    let cut = |metres: i64| {
        let all = format!("{:05}", metres % SQUARE_M);
        all[..usize::from(digits.min(5))].to_owned()
    };
    Some([
        format!("{zone:02}{}", letter(BANDS, band)?),
        format!("{}{}", char::from(*column), letter(ROWS, row)?),
        cut(easting),
        cut(northing),
    ])
}
