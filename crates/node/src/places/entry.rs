//! What somebody types into the one box for places, held against the gazetteer: every reading of it, and what looks wrong with it.
//! It decides nothing. A warning names another reading; the person who typed it chooses.

use super::{Extent, Named, Places, Way};
use formats::place_entry::{self, Entry, Notation, Read, Unread};
use serde::Serialize;
use utoipa::ToSchema;

/// Most places that one name is read as.
pub const READINGS_MAX: usize = 20;
/// So many times nearer another reading has to lie to be proposed.
pub const MUCH_NEARER: f64 = 4.0;
/// Without a named place: further than this from any town, and what lies much nearer to one is proposed. Metres.
const FAR_FROM_ALL_M: f64 = 20_000.0;
/// The gazetteer's places end here, and so much further is still among them, in 1e-7 degree: half a degree.
const MARGIN_E7: i64 = 5_000_000;
/// A name is written as a square that a town's middle is known to, in metres.
const NAME_WRITTEN_TO_M: i64 = 100;
/// Stands with every reading.
pub const FRAME: &str = "Read as WGS 84. A map in another frame shows other numbers for the same place: in SK-42 (Pulkovo 1942) they lie \
     100 to 140 m off in Syria. Ask which frame it was; if nobody knows, notify it as unstated, and everything grows by 150 m.";

/// Further than this from the place that is named, in metres, something is not at that place.
fn far_m(kind: &str) -> f64 {
    match kind {
        "governorate" => 100_000.0,
        "district" => 40_000.0,
        "subdistrict" => 20_000.0,
        _ => 5_000.0,
    }
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It is no coordinate, and nothing is called so.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// It is a name that the gazetteer does not have.
    #[error("is no name and no code in the gazetteer; write coordinates, or another of its names")]
    UnknownName,
    /// The named place is not in the gazetteer.
    #[error("is no name and no code in the gazetteer; leave it out, or write another of its names")]
    UnknownNear,
    /// The gazetteer.
    #[error(transparent)]
    Gazetteer(#[from] rusqlite::Error),
}

/// What was typed, in every way in which it can be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceEntryRow {
    /// The readings: of coordinates one, of a name each place that is called so.
    pub readings: Vec<ReadingRow>,
    /// In which frame coordinates were read, in fixed words.
    pub frame: &'static str,
}

/// One reading.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingRow {
    /// `mgrs`, `decimal_degrees`, `degrees_minutes`, `degrees_minutes_seconds` or `name`.
    pub notation: &'static str,
    /// Latitude in 1e-7 degree, north positive. Of a grid square, its middle.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree, east positive.
    pub lon_e7: i64,
    /// How far it may be off by the digits that were written, in metres; absent for a name.
    pub uncertainty_m: Option<i64>,
    /// The same place as it is written elsewhere, no finer than it is known.
    pub spelled: SpellingsRow,
    /// Of a name: the place.
    pub place: Option<NamedRow>,
    /// The nearest town or named place of the gazetteer.
    pub nearest: Option<AwayRow>,
    /// The place that was named beside it.
    pub near: Option<AwayRow>,
    /// What looks wrong.
    pub warnings: Vec<WarningRow>,
}

/// A place in each notation.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpellingsRow {
    /// As a grid square; absent beyond 84 N and 80 S.
    #[schema(example = "37S CA 3457 0770")]
    pub mgrs: Option<String>,
    /// In degrees.
    #[schema(example = "36.2000°N 37.1600°E")]
    pub decimal: String,
    /// In degrees, minutes and seconds.
    #[schema(example = "36°12′00″N 37°09′36″E")]
    pub dms: String,
}

/// A place of the gazetteer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedRow {
    /// Its name.
    pub name: String,
    /// `governorate`, `district`, `subdistrict`, `settlement` or `named`.
    pub kind: String,
    /// Its code.
    pub pcode: Option<String>,
}

/// How something lies from a named place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwayRow {
    /// The named place.
    #[serde(flatten)]
    pub place: NamedRow,
    /// How far from there, in metres.
    pub distance_m: i64,
    /// In which direction from there, degrees from true north to the east; absent where there is none.
    #[schema(minimum = 0, maximum = 359)]
    pub bearing_deg: Option<u16>,
}

/// Something that looks wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct WarningRow {
    /// `order_assumed`, `outside_gazetteer`, `exchanged`, `minutes_or_decimals` or `far_from_named_place`.
    pub warning: &'static str,
    /// The same in a sentence.
    pub says: String,
    /// What may have been meant.
    pub instead: Option<InsteadRow>,
}

/// What may have been meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct InsteadRow {
    /// Latitude in 1e-7 degree.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree.
    pub lon_e7: i64,
    /// As it would have been written.
    #[schema(example = "36.2°N 37.16°E")]
    pub text: String,
}

impl NamedRow {
    fn of(named: &Named) -> Self {
        Self {
            name: named.name.clone(),
            kind: named.kind.clone(),
            pcode: named.pcode.clone(),
        }
    }
}

impl AwayRow {
    fn of(named: &Named, way: Way) -> Self {
        Self {
            place: NamedRow::of(named),
            distance_m: way.metres.round() as i64,
            bearing_deg: way.bearing_deg,
        }
    }
}

impl SpellingsRow {
    /// A place as it is written, no finer than it is known. In the notation in which it came it keeps its digits.
    #[must_use]
    pub fn of(lat_e7: i64, lon_e7: i64, uncertainty_m: i64, came: Option<&Entry>) -> Self {
        let in_notation = |notation: Notation| {
            let came = came.map(|entry| entry.written);
            let kept = came.filter(|written| written.notation() == notation);
            let written = kept.unwrap_or_else(|| notation.within(lat_e7, uncertainty_m));
            written.spell(lat_e7, lon_e7).map(|spelled| spelled.text)
        };
        Self {
            mgrs: in_notation(Notation::Mgrs),
            decimal: in_notation(Notation::DecimalDegrees).unwrap_or_default(),
            dms: in_notation(Notation::DegreesMinutesSeconds).unwrap_or_default(),
        }
    }
}

/// Reads what somebody typed and holds it against the gazetteer; `near` is a place by which it is to lie, by name or code.
///
/// # Errors
/// [`EntryError`].
pub fn read(places: &Places, text: &str, near: Option<&str>) -> Result<PlaceEntryRow, EntryError> {
    let near = match near {
        None => None,
        Some(name) => Some(places.called(name, READINGS_MAX)?),
    };
    if near.as_ref().is_some_and(Vec::is_empty) {
        return Err(EntryError::UnknownNear);
    }
    let ground = Ground {
        places,
        extent: places.extent()?,
        near,
    };
    let readings = match place_entry::read(text) {
        Ok(Read::Place(entry)) => vec![ground.coordinates(&entry)?],
        Ok(Read::Name(name)) => ground.names(&name, EntryError::UnknownName)?,
        // What begins with a digit may be a name all the same.
        Err(unread) => ground.names(text, unread.into())?,
    };
    Ok(PlaceEntryRow {
        readings,
        frame: FRAME,
    })
}

/// What coordinates are held against.
struct Ground<'p> {
    places: &'p Places,
    extent: Option<Extent>,
    near: Option<Vec<Named>>,
}

impl Ground<'_> {
    fn names(&self, name: &str, otherwise: EntryError) -> Result<Vec<ReadingRow>, EntryError> {
        let called = self.places.called(name, READINGS_MAX)?;
        if called.is_empty() {
            return Err(otherwise);
        }
        let readings = called.iter().map(|named| {
            let (lat_e7, lon_e7) = (named.lat_e7, named.lon_e7);
            Ok(ReadingRow {
                notation: "name",
                lat_e7,
                lon_e7,
                uncertainty_m: None,
                spelled: SpellingsRow::of(lat_e7, lon_e7, NAME_WRITTEN_TO_M, None),
                place: Some(NamedRow::of(named)),
                nearest: self.nearest(lat_e7, lon_e7)?,
                near: self
                    .near(lat_e7, lon_e7)
                    .map(|(near, way)| AwayRow::of(near, way)),
                warnings: Vec::new(),
            })
        });
        readings.collect()
    }

    fn coordinates(&self, entry: &Entry) -> Result<ReadingRow, EntryError> {
        let (lat_e7, lon_e7) = (entry.lat_e7, entry.lon_e7);
        let uncertainty_m = entry.uncertainty_m();
        let near = self.near(lat_e7, lon_e7);
        Ok(ReadingRow {
            notation: entry.written.notation().word(),
            lat_e7,
            lon_e7,
            uncertainty_m: Some(uncertainty_m),
            spelled: SpellingsRow::of(lat_e7, lon_e7, uncertainty_m, Some(entry)),
            place: None,
            nearest: self.nearest(lat_e7, lon_e7)?,
            near: near.map(|(near, way)| AwayRow::of(near, way)),
            warnings: self.warnings(entry)?,
        })
    }

    fn nearest(&self, lat_e7: i64, lon_e7: i64) -> Result<Option<AwayRow>, EntryError> {
        let nearest = self.places.nearest(lat_e7, lon_e7)?;
        Ok(nearest.map(|(named, way)| AwayRow::of(&named, way)))
    }

    /// The nearest of the places that are called as the named one.
    fn near(&self, lat_e7: i64, lon_e7: i64) -> Option<(&Named, Way)> {
        let ways = self.near.iter().flatten();
        let ways = ways.filter_map(|named| Some((named, named.way_to(lat_e7, lon_e7)?)));
        ways.min_by(|(_, one), (_, other)| one.metres.total_cmp(&other.metres))
    }

    /// How far it lies from the named place, or from any town where none is named.
    fn distance_m(&self, entry: &Entry) -> Result<f64, EntryError> {
        if self.near.is_some() {
            let near = self.near(entry.lat_e7, entry.lon_e7);
            return Ok(near.map_or(f64::INFINITY, |(_, way)| way.metres));
        }
        let nearest = self.places.nearest(entry.lat_e7, entry.lon_e7)?;
        Ok(nearest.map_or(f64::INFINITY, |(_, way)| way.metres))
    }

    fn outside(&self, entry: &Entry) -> bool {
        self.extent.is_some_and(|extent| {
            let beyond = |e7: i64, (low, high): (i64, i64)| {
                !(low - MARGIN_E7..=high + MARGIN_E7).contains(&e7)
            };
            beyond(entry.lat_e7, extent.lat_e7) || beyond(entry.lon_e7, extent.lon_e7)
        })
    }

    fn warnings(&self, entry: &Entry) -> Result<Vec<WarningRow>, EntryError> {
        let mut warnings = Vec::new();
        if entry.order_assumed {
            warnings.push(WarningRow::plain(
                "order_assumed",
                "Nothing says which number is the latitude; the first was taken for it. Write N or S, and E or W.",
            ));
        }
        let outside = self.outside(entry);
        if outside {
            warnings.push(WarningRow::plain(
                "outside_gazetteer",
                "It lies outside of the area in which the gazetteer has places.",
            ));
        }
        let named = self.near(entry.lat_e7, entry.lon_e7);
        let far_m = named.map_or(FAR_FROM_ALL_M, |(named, _)| far_m(&named.kind));
        let written_m = self.distance_m(entry)?;
        let is_far = written_m > far_m;
        let fits_better = |other: &Entry| -> Result<bool, EntryError> {
            Ok(is_far && self.distance_m(other)? * MUCH_NEARER < written_m)
        };
        if let Some(other) = entry.exchanged()
            && (outside && !self.outside(&other) || fits_better(&other)?)
        {
            let says = "With latitude and longitude exchanged it lies much nearer. Which of the two was said?";
            warnings.push(WarningRow::with("exchanged", says, &other));
        }
        if let Some(other) = entry.minutes_and_decimals_confused()
            && named.is_some()
            && fits_better(&other)?
        {
            let says = "Minutes and decimals of a degree may be confused: the same digits, read in the other way, lie much nearer.";
            warnings.push(WarningRow::with("minutes_or_decimals", says, &other));
        }
        if let Some((named, way)) = named.filter(|_| is_far) {
            let (km, name) = (way.metres / 1000.0, &named.name);
            let says = format!("It lies {km:.1} km from {name}. Ask for the nearest named place.");
            warnings.push(WarningRow::plain("far_from_named_place", says));
        }
        Ok(warnings)
    }
}

impl WarningRow {
    fn plain(warning: &'static str, says: impl Into<String>) -> Self {
        Self {
            warning,
            says: says.into(),
            instead: None,
        }
    }

    fn with(warning: &'static str, says: &str, other: &Entry) -> Self {
        Self {
            instead: other.spelled().map(|spelled| InsteadRow {
                lat_e7: other.lat_e7,
                lon_e7: other.lon_e7,
                text: spelled.text,
            }),
            ..Self::plain(warning, says)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::places_csv;

    const GAZETTEER: &str = "id,kind,pcode,parent,parent_basis,name_en,name_ar,aliases,lat,lon,population,population_year\n\
        SY02,governorate,SY02,SY,stated,Aleppo,حلب,Aleppo Governorate,36.25,37.61667,3734000,2016\n\
        1,settlement,,,,Aleppo,حلب,Алеппо|Haleb,36.20124,37.16117,1602264,2016\n\
        2,settlement,,,,Homs,حمص,Хомс,34.72682,36.72339,775404,2016\n\
        3,named,,,,Castello Road,,,36.25,37.13,,\n\
        6,settlement,,,,Latakia,اللاذقية,,35.53168,35.79011,,\n\
        5,settlement,,,,Jarabulus,جرابلس,,36.8175,38.01111,,\n\
        4,settlement,,,,Al Hasakah,الحسكة,,36.50237,40.74772,188160,2016\n";

    fn gazetteer() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::open(dir.path()).unwrap();
        let read = places_csv::read(GAZETTEER.as_bytes()).unwrap_or_else(|e| panic!("{e:?}"));
        places.load(&read).unwrap();
        (dir, places)
    }

    fn one(text: &str, near: Option<&str>) -> ReadingRow {
        let (_dir, places) = gazetteer();
        let mut row = read(&places, text, near).unwrap();
        assert_eq!(row.readings.len(), 1, "{text}");
        row.readings.remove(0)
    }

    fn warned(text: &str, near: Option<&str>) -> Vec<&'static str> {
        let row = one(text, near);
        row.warnings.iter().map(|warning| warning.warning).collect()
    }

    #[test]
    fn a_place_is_told_in_all_notations_and_from_the_nearest_town() {
        let row = one("36.2N 37.16E", Some("حلب"));
        assert_eq!((row.lat_e7, row.lon_e7), (362_000_000, 371_600_000));
        assert_eq!(row.spelled.decimal, "36.2°N 37.16°E", "as it was written");
        assert_eq!(row.spelled.dms, "36°12′00″N 37°09′36″E");
        let nearest = row.nearest.unwrap();
        assert_eq!(nearest.place.name, "Aleppo");
        assert_eq!(
            nearest.place.kind, "settlement",
            "an area's middle is no town"
        );
        assert_eq!((nearest.distance_m, nearest.bearing_deg), (173, Some(217)));
        assert_eq!(row.near.unwrap().distance_m, 173);
        assert!(row.warnings.is_empty());
        let row = one("37S CA 345 077", None);
        assert_eq!(row.spelled.mgrs.as_deref(), Some("37S CA 345 077"));
        assert_eq!(
            row.spelled.decimal, "36.2004°N 37.1597°E",
            "as coarse as stays in the square"
        );
    }

    #[test]
    fn exchanged_coordinates_are_noticed() {
        assert_eq!(warned("36.2N 37.16E", Some("Aleppo")), [""; 0]);
        let expected = ["exchanged", "far_from_named_place"];
        assert_eq!(warned("37.16N 36.2E", Some("Aleppo")), expected);
        assert_eq!(warned("37.16N 36.2E", None), ["exchanged"]);
        let row = one("37.16N 36.2E", Some("Aleppo"));
        let instead = row.warnings[0].instead.as_ref().unwrap();
        assert_eq!((instead.lat_e7, instead.lon_e7), (362_000_000, 371_600_000));
        assert_eq!(instead.text, "36.2°N 37.16°E");
        let away = row.near.unwrap().distance_m;
        assert!((136_000..139_000).contains(&away), "{away}");
        // Exchanged it lies in the sea, and outside of the gazetteer; the other way round it does not.
        assert_eq!(
            warned("40.74N 36.5E", None),
            ["outside_gazetteer", "exchanged"]
        );
    }

    #[test]
    fn minutes_that_were_read_as_decimals_are_noticed() {
        assert_eq!(warned("36°12.5′N 37°09.6′E", Some("Aleppo")), [""; 0]);
        let expected = ["minutes_or_decimals", "far_from_named_place"];
        assert_eq!(warned("36.125N 37.096E", Some("Aleppo")), expected);
        let row = one("36.125N 37.096E", Some("Aleppo"));
        let instead = row.warnings[0].instead.as_ref().unwrap();
        assert_eq!(instead.text, "36°12.5′N 37°09.6′E");
        assert_eq!(
            warned("36.125N 37.096E", None),
            [""; 0],
            "without a named place nobody knows"
        );
    }

    #[test]
    fn what_lies_elsewhere_is_noticed() {
        assert_eq!(warned("50N 10E", None), ["outside_gazetteer"]);
        assert_eq!(
            warned("34.7N 36.7E", Some("Aleppo")),
            ["far_from_named_place"]
        );
        assert_eq!(warned("34.7, 36.7", None), ["order_assumed"]);
        // The middle of a governorate is no town: what lies in it is not far from it.
        assert_eq!(warned("36.4N 37.9E", Some("SY02")), [""; 0]);
    }

    #[test]
    fn a_name_is_each_place_that_is_called_so() {
        let (_dir, places) = gazetteer();
        let row = read(&places, "Алеппо", None).unwrap();
        assert_eq!(row.readings.len(), 1);
        let row = read(&places, "حلب", None).unwrap();
        let kinds = row.readings.iter().map(|row| {
            let place = row.place.as_ref().unwrap();
            (row.notation, place.kind.as_str())
        });
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds, [("name", "settlement"), ("name", "governorate")]);
        assert!(matches!(
            read(&places, "Atlantis", None),
            Err(EntryError::UnknownName)
        ));
        assert!(matches!(
            read(&places, "36.2N 37.16E", Some("Atlantis")),
            Err(EntryError::UnknownNear)
        ));
        assert!(matches!(
            read(&places, "36.2N", None),
            Err(EntryError::Unread(_))
        ));
    }

    #[test]
    fn a_place_is_called_by_the_name_in_the_language_or_its_script() {
        let (_dir, places) = gazetteer();
        let name = |id: &str, language: &str| places.name_in(id, language).unwrap();
        assert_eq!(name("1", "en").as_deref(), Some("Aleppo"));
        assert_eq!(name("1", "ar").as_deref(), Some("حلب"));
        assert_eq!(name("1", "ru").as_deref(), Some("Алеппо"));
        assert_eq!(name("3", "ar"), None);
    }

    #[test]
    fn without_a_gazetteer_coordinates_are_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::open(dir.path()).unwrap();
        let row = read(&places, "36.2N 37.16E", None).unwrap();
        assert!(row.readings[0].nearest.is_none() && row.readings[0].warnings.is_empty());
    }

    #[test]
    fn the_nearest_place_is_found_over_the_antimeridian() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::open(dir.path()).unwrap();
        let table = GAZETTEER.lines().next().unwrap().to_owned()
            + "\n9,settlement,,,,Taveuni,,,-16.8,-179.9,,\n8,settlement,,,,Labasa,,,-16.4,179.4,,\n";
        places
            .load(&places_csv::read(table.as_bytes()).unwrap())
            .unwrap();
        let (named, way) = places
            .nearest(-168_000_000, 1_799_500_000)
            .unwrap()
            .unwrap();
        assert_eq!(
            (named.name.as_str(), way.bearing_deg),
            ("Taveuni", Some(270))
        );
        assert!((15_000.0..17_000.0).contains(&way.metres), "{way:?}");
    }
}
