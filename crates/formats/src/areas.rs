//! In which administrative area an event lies: by the names that its set gives, else by the nearest centre of an area, never
//! finer than the place is known, and always saying which way it was found.
//!
//! Distances decide between centres, so they are whole numbers: the same area is found everywhere.

use crate::places_csv::{Kind, Place};
use crate::reports_csv::{EXACT, Report};
use std::collections::BTreeMap;

/// Without any name that is known, a centre must be so near, in metres.
pub const NEAREST_MAX_M: i64 = 50_000;
/// Consonants that two spellings must share at least to be taken for one name.
const SKELETON_MIN: usize = 3;

/// How a place code was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// The source states it.
    Stated,
    /// By the name of the area.
    ByName,
    /// By the nearest centre: near a boundary it may be the neighbour's.
    ByDistance,
}

impl Basis {
    const ALL: [Self; 3] = [Self::Stated, Self::ByName, Self::ByDistance];

    /// The word for it in tables and statements.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::ByName => "by_name",
            Self::ByDistance => "by_distance",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// What it must be.
    pub fn read(text: &str) -> Result<Self, String> {
        let basis = Self::ALL.into_iter().find(|basis| basis.word() == text);
        basis.ok_or_else(|| "is none of stated, by_name, by_distance".to_owned())
    }
}

/// The area of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its code, as fine as the place is known.
    pub pcode: String,
    /// How the code was found.
    pub basis: Basis,
    /// How far its centre is, in metres to about half a percent, when that decided.
    pub metres: Option<i64>,
}

struct Area<'p> {
    place: &'p Place,
    pcode: &'p str,
    parent: Option<&'p str>,
    keys: Vec<String>,
    skeletons: Vec<String>,
}

/// The administrative areas of a country.
pub struct Areas<'p, K> {
    levels: BTreeMap<Kind, Vec<Area<'p>>>,
    key: K,
}

impl<'p, K: Fn(&str) -> String> Areas<'p, K> {
    /// Takes the areas out of a gazetteer. `key` gives the form in which names are compared; it should leave articles out
    /// (`truce::names::stem`), or `As Safirah` and `Al-Safira` are two.
    #[must_use]
    pub fn of(places: &'p [Place], key: K) -> Self {
        let mut levels: BTreeMap<Kind, Vec<Area<'p>>> = BTreeMap::new();
        for place in places {
            let Some(pcode) = place
                .pcode
                .as_deref()
                .filter(|_| place.kind != Kind::Settlement)
            else {
                continue;
            };
            let keys: Vec<String> = place
                .names
                .iter()
                .map(|name| area_key(&name.text, &key))
                .collect();
            let skeletons = keys.iter().filter_map(|key| skeleton(key)).collect();
            let parent = place.parent.as_ref().map(|(parent, _)| parent.as_str());
            levels.entry(place.kind).or_default().push(Area {
                place,
                pcode,
                parent,
                keys,
                skeletons,
            });
        }
        Self { levels, key }
    }

    /// The area of an event, as fine as its place is known: the sub-district of an exact place; the district when it is near a
    /// point or in a known district; else the governorate that is named. None when the country alone is known, or no area fits.
    #[must_use]
    pub fn locate(&self, report: &Report) -> Option<Located> {
        let adm1 = report
            .adm1
            .as_deref()
            .and_then(|name| self.by_name(Kind::Governorate, name, |_| true));
        match report.where_prec {
            EXACT => self.subdistrict(report, adm1),
            2 | 3 => self.district(report, adm1),
            _ => adm1.map(|area| named(area.pcode)),
        }
    }

    /// The sub-district of a settlement: one near it that has its name, else the nearest.
    #[must_use]
    pub fn around(&self, settlement: &Place) -> Option<Located> {
        let at = (settlement.lat_e7, settlement.lon_e7);
        let is_near =
            |area: &Area<'_>| metres(at, (area.place.lat_e7, area.place.lon_e7)) <= NEAREST_MAX_M;
        let mut same = settlement
            .names
            .iter()
            .filter_map(|name| self.by_name(Kind::Subdistrict, &name.text, is_near));
        if let Some(area) = same.next() {
            return Some(named(area.pcode));
        }
        let (area, metres) = self.nearest(at, |_| true, false)?;
        Some(near(area.pcode, metres))
    }

    fn subdistrict(&self, report: &Report, adm1: Option<&Area<'p>>) -> Option<Located> {
        let adm2 = self.district_by_name(report, adm1);
        let within = |area: &Area<'_>| match adm2 {
            Some(adm2) => area.parent == Some(adm2),
            None => adm1.is_none_or(|adm1| lies_in(area, adm1)),
        };
        if let Some(area) =
            adm2.and_then(|_| self.by_name(Kind::Subdistrict, &report.place, within))
        {
            return Some(named(area.pcode));
        }
        let (area, metres) =
            self.nearest((report.lat_e7, report.lon_e7), within, adm1.is_some())?;
        Some(near(area.pcode, metres))
    }

    fn district(&self, report: &Report, adm1: Option<&Area<'p>>) -> Option<Located> {
        if let Some(pcode) = self.district_by_name(report, adm1) {
            return Some(named(pcode));
        }
        // Sub-districts have the denser centres.
        let (area, metres) = self.nearest(
            (report.lat_e7, report.lon_e7),
            |area| adm1.is_none_or(|adm1| lies_in(area, adm1)),
            adm1.is_some(),
        )?;
        Some(near(area.parent?, metres))
    }

    /// The district that the event's set names. Some name the sub-district instead, which became a district later.
    fn district_by_name(&self, report: &Report, adm1: Option<&Area<'p>>) -> Option<&'p str> {
        let (name, adm1) = (report.adm2.as_deref()?, adm1?);
        if let Some(area) =
            self.by_name(Kind::District, name, |area| area.parent == Some(adm1.pcode))
        {
            return Some(area.pcode);
        }
        self.by_name(Kind::Subdistrict, name, |area| lies_in(area, adm1))?
            .parent
    }

    /// The one area of that name: by its key, else by its consonants; none when there are two.
    fn by_name(
        &self,
        kind: Kind,
        name: &str,
        fits: impl Fn(&Area<'p>) -> bool,
    ) -> Option<&Area<'p>> {
        let areas = || {
            self.levels
                .get(&kind)
                .into_iter()
                .flatten()
                .filter(|area| fits(area))
        };
        let key = area_key(name, &self.key);
        let skeleton = skeleton(&key);
        only(areas().filter(|area| area.keys.contains(&key))).or_else(|| {
            only(areas().filter(|area| {
                skeleton
                    .as_ref()
                    .is_some_and(|s| area.skeletons.contains(s))
            }))
        })
    }

    /// The sub-district whose centre is nearest, of those that fit; the first by code when two are equally near.
    fn nearest(
        &self,
        at: (i64, i64),
        fits: impl Fn(&Area<'p>) -> bool,
        named: bool,
    ) -> Option<(&Area<'p>, i64)> {
        let areas = self
            .levels
            .get(&Kind::Subdistrict)?
            .iter()
            .filter(|area| fits(area));
        let distance = |area: &Area<'_>| metres(at, (area.place.lat_e7, area.place.lon_e7));
        let all = areas.map(|area| (distance(area), area.pcode, area));
        let (metres, _, area) = all.min_by_key(|(metres, pcode, _)| (*metres, *pcode))?;
        (named || metres <= NEAREST_MAX_M).then_some((area, metres))
    }
}

fn named(pcode: &str) -> Located {
    Located {
        pcode: pcode.to_owned(),
        basis: Basis::ByName,
        metres: None,
    }
}

fn near(pcode: &str, metres: i64) -> Located {
    Located {
        pcode: pcode.to_owned(),
        basis: Basis::ByDistance,
        metres: Some(metres),
    }
}

/// A sub-district lies in the governorate with whose code its own begins.
fn lies_in(area: &Area<'_>, governorate: &Area<'_>) -> bool {
    area.pcode.starts_with(governorate.pcode)
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next();
    first.filter(|_| items.next().is_none())
}

/// The form in which names of areas are compared: without the words that only say what sort of place it is.
fn area_key(name: &str, key: impl Fn(&str) -> String) -> String {
    const SORTS: [&str; 13] = [
        "governorate",
        "district",
        "subdistrict",
        "sub",
        "province",
        "mintaqat",
        "markaz",
        "nahiyat",
        "city",
        "town",
        "village",
        "neighborhood",
        "neighbourhood",
    ];
    let key = key(name);
    let words: Vec<&str> = key
        .split(' ')
        .filter(|word| !SORTS.contains(word))
        .collect();
    if words.is_empty() {
        key
    } else {
        words.join(" ")
    }
}

/// The consonants of a Latin name: transcriptions differ in vowels. None when they are too few to tell names apart.
fn skeleton(key: &str) -> Option<String> {
    let mut consonants = String::new();
    for letter in key
        .chars()
        .filter(|c| c.is_ascii_alphabetic() && !"aeiouwy".contains(*c))
    {
        if !consonants.ends_with(letter) {
            consonants.push(letter);
        }
    }
    (consonants.len() >= SKELETON_MIN).then_some(consonants)
}

/// The distance of two places in metres, each a latitude and longitude in 1e-7 degree: on a sphere, to half a percent within a
/// country, in whole numbers alone.
#[must_use]
pub fn metres(a: (i64, i64), b: (i64, i64)) -> i64 {
    /// Metres along a meridian for 1e9 units of 1e-7 degree.
    const METRES_1E9: i128 = 11_119_493;
    let (north, mut east) = (i128::from(a.0 - b.0), i128::from(a.1 - b.1).abs());
    if east > 1_800_000_000 {
        east = 3_600_000_000 - east;
    }
    // Bhaskara's cosine of x degrees, (32400 - 4x²) / (32400 + x²), is right to two parts in a thousand. The unit is 1e-7 degree.
    let middle = i128::from(a.0 + b.0) / 2;
    let (square, whole) = (middle * middle, 32_400 * 100_000_000_000_000);
    let east = east * (whole - 4 * square) / (whole + square);
    let units = (north * north + east * east).unsigned_abs().isqrt();
    i64::try_from(i128::try_from(units).unwrap_or(i128::MAX) * METRES_1E9 / 1_000_000_000)
        .unwrap_or(i64::MAX)
}
