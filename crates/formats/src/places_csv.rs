//! Gazetteers: places with their names in several scripts, their codes and where they are.
//!
//! Four shapes are read: administrative areas with P-codes ([`read_admin`]), towns of GeoNames ([`read_geonames`]), places as the
//! coders of UCDP GED name them ([`read_ged`]), and our own table ([`read`], [`write`]).

use crate::areas::Basis;
use crate::cells;
use crate::reports_csv::Ids;
use crate::table::{self, Rejected, Row};
use std::collections::BTreeSet;

/// Most names of one place.
pub const NAMES_MAX: usize = 128;

/// The columns of our own table, in the order in which they are written.
pub const COLUMNS: [&str; 12] = [
    "id",
    "kind",
    "pcode",
    "parent",
    "parent_basis",
    "name_en",
    "name_ar",
    "aliases",
    "lat",
    "lon",
    "population",
    "population_year",
];

/// What sort of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// First administrative level.
    Governorate,
    /// Second.
    District,
    /// Third.
    Subdistrict,
    /// City, town or village.
    Settlement,
    /// A place that others speak of: a quarter, a crossing, a hill.
    Named,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Governorate,
        Self::District,
        Self::Subdistrict,
        Self::Settlement,
        Self::Named,
    ];

    /// The word for it in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Governorate => "governorate",
            Self::District => "district",
            Self::Subdistrict => "subdistrict",
            Self::Settlement => "settlement",
            Self::Named => "named",
        }
    }

    /// Whether it is an administrative area.
    #[must_use]
    pub fn is_area(self) -> bool {
        self <= Self::Subdistrict
    }

    fn read(text: &str) -> Result<Self, String> {
        let kind = Self::ALL.into_iter().find(|kind| kind.word() == text);
        kind.ok_or_else(|| {
            "is none of governorate, district, subdistrict, settlement, named".to_owned()
        })
    }
}

/// In which script a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Latin.
    Latin,
    /// Arabic.
    Arabic,
    /// Cyrillic.
    Cyrillic,
    /// Another, or several at once.
    Other,
}

impl Script {
    /// The script of all letters of a text; signs and modifier letters are of none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut scripts = text
            .chars()
            .filter(|c| c.is_alphabetic())
            .filter_map(Self::of_letter);
        let first = scripts.next().unwrap_or(Self::Other);
        if scripts.all(|script| script == first) {
            first
        } else {
            Self::Other
        }
    }

    fn of_letter(letter: char) -> Option<Self> {
        Some(match letter {
            '\u{2b0}'..='\u{2ff}' => return None,
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
            '\u{600}'..='\u{6ff}'
            | '\u{750}'..='\u{77f}'
            | '\u{8a0}'..='\u{8ff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}' => Self::Arabic,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            _ => Self::Other,
        })
    }
}

/// A name of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its script.
    pub script: Script,
    /// Its language by BCP 47, where the gazetteer says it.
    pub language: Option<&'static str>,
    /// Whether it is the name that is shown in that language.
    pub main: bool,
}

impl Name {
    /// A name that is shown.
    #[must_use]
    pub fn main(text: &str, language: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            script: Script::of(text),
            language: Some(language),
            main: true,
        }
    }

    /// A further name.
    #[must_use]
    pub fn alias(text: &str, language: Option<&'static str>) -> Self {
        Self {
            text: text.to_owned(),
            script: Script::of(text),
            language,
            main: false,
        }
    }
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name in its gazetteer: a P-code, `geonames:170063`.
    pub id: String,
    /// What sort of place.
    pub kind: Kind,
    /// Its names, those that are shown first; none stands there twice.
    pub names: Vec<Name>,
    /// Latitude of its middle in 1e-7 degree.
    pub lat_e7: i64,
    /// Longitude of its middle in 1e-7 degree.
    pub lon_e7: i64,
    /// Its own place code.
    pub pcode: Option<String>,
    /// The code of the area in which it lies, and how that is known.
    pub parent: Option<(String, Basis)>,
    /// How many people live there.
    pub population: Option<i64>,
    /// As counted or estimated in that year.
    pub population_year: Option<i64>,
}

impl Place {
    /// The name that is shown in a language.
    #[must_use]
    pub fn name(&self, language: &str) -> Option<&str> {
        let shown = |name: &&Name| name.main && name.language == Some(language);
        self.names.iter().find(shown).map(|name| name.text.as_str())
    }
}

/// Reads administrative areas: `level` 1 to 3, P-codes, names and aliases in English and Arabic, centres, population.
///
/// # Errors
/// [`Rejected`].
pub fn read_admin(bytes: &[u8]) -> Result<Vec<Place>, Rejected> {
    const NEEDED: [&str; 11] = [
        "level",
        "pcode",
        "parent_pcode",
        "name_en",
        "name_ar",
        "aliases_en",
        "aliases_ar",
        "lat",
        "lon",
        "population_2004",
        "population_2016",
    ];
    let mut ids = Ids::default();
    table::read(bytes, &NEEDED, |row| {
        let id = ids.need(row, "pcode");
        let level = row.need("level", cells::step(3));
        let pcode = row.need("pcode", cells::pcode);
        let parent = row.need("parent_pcode", cells::pcode);
        let mut names = Names::default();
        names.take(row, "name_en", Some("en"), true);
        names.take(row, "name_ar", Some("ar"), true);
        names.take(row, "aliases_en", Some("en"), false);
        names.take(row, "aliases_ar", Some("ar"), false);
        let at = position(row);
        let counted =
            [("population_2016", 2016), ("population_2004", 2004)].map(|(column, year)| {
                row.may(column, cells::count)
                    .map(|count| count.map(|count| (count, year)))
            });
        let (names, (lat_e7, lon_e7)) = (names.done(row, "name_en"), at?);
        let [latest, earlier] = counted;
        let population = latest?.or(earlier?);
        let kind = Kind::ALL[usize::try_from(level? - 1).unwrap_or_default()];
        Some(Place {
            id: id?,
            kind,
            names: names?,
            lat_e7,
            lon_e7,
            pcode: Some(pcode?),
            parent: Some((parent?, Basis::Stated)),
            population: population.map(|(count, _)| count),
            population_year: population.map(|(_, year)| year),
        })
    })
}

/// Reads towns of GeoNames: English and Arabic names, others in any script.
///
/// # Errors
/// [`Rejected`].
pub fn read_geonames(bytes: &[u8]) -> Result<Vec<Place>, Rejected> {
    const NEEDED: [&str; 7] = [
        "geonameid",
        "name",
        "name_ar",
        "other_names",
        "lat",
        "lon",
        "population",
    ];
    let mut ids = Ids::default();
    table::read(bytes, &NEEDED, |row| {
        let id = ids.need(row, "geonameid");
        let mut names = Names::default();
        names.take(row, "name", Some("en"), true);
        // Of several Arabic names the first is shown.
        names.take(row, "name_ar", Some("ar"), true);
        names.take(row, "other_names", None, false);
        let at = position(row);
        let population = row.may("population", cells::count);
        let (names, (lat_e7, lon_e7)) = (names.done(row, "name"), at?);
        Some(Place {
            id: format!("geonames:{}", id?),
            kind: Kind::Settlement,
            names: names?,
            lat_e7,
            lon_e7,
            pcode: None,
            parent: None,
            // Nobody lives there, says GeoNames where it does not know.
            population: population?.filter(|count| *count > 0),
            population_year: None,
        })
    })
}

/// Reads places as the coders of UCDP GED name them. They have no id: name and position are it, and rows that differ in their
/// precision alone are one place.
///
/// # Errors
/// [`Rejected`].
pub fn read_ged(bytes: &[u8]) -> Result<Vec<Place>, Rejected> {
    const NEEDED: [&str; 3] = ["name", "lat", "lon"];
    let mut ids = BTreeSet::new();
    table::read(bytes, &NEEDED, |row| {
        let mut names = Names::default();
        names.take(row, "name", Some("en"), true);
        let at = position(row);
        let (names, (lat_e7, lon_e7)) = (names.done(row, "name")?, at?);
        let (lat, lon) = (cells::degrees(lat_e7), cells::degrees(lon_e7));
        let id = format!("ged:{}@{lat},{lon}", names[0].text);
        ids.insert(id.clone()).then_some(Place {
            id,
            kind: Kind::Named,
            names,
            lat_e7,
            lon_e7,
            pcode: None,
            parent: None,
            population: None,
            population_year: None,
        })
    })
}

/// Reads our own table.
///
/// # Errors
/// [`Rejected`].
pub fn read(bytes: &[u8]) -> Result<Vec<Place>, Rejected> {
    let mut ids = Ids::default();
    table::read(bytes, &COLUMNS, |row| {
        // A place of GED has its name in its id.
        let id = ids.need_as(row, "id", cells::line);
        let kind = row.need("kind", Kind::read);
        let pcode = row.may("pcode", cells::pcode);
        let parent = parent(row);
        let mut names = Names::default();
        names.take(row, "name_en", Some("en"), true);
        names.take(row, "name_ar", Some("ar"), true);
        names.take(row, "aliases", None, false);
        let at = position(row);
        let population = row.may("population", cells::count);
        let population_year = row.may("population_year", cells::count);
        let (names, (lat_e7, lon_e7)) = (names.done(row, "name_en"), at?);
        Some(Place {
            id: id?,
            kind: kind?,
            names: names?,
            lat_e7,
            lon_e7,
            pcode: pcode?,
            parent: parent?,
            population: population?,
            population_year: population_year?,
        })
    })
}

/// Writes our own table, as [`read`] reads it. Of further names the languages are not written, their scripts show.
#[must_use]
pub fn write(places: &[Place]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows = std::iter::once(COLUMNS.map(str::to_owned)).chain(places.iter().map(cells_of));
    for row in rows {
        writer
            .write_record(row)
            .expect("a row in memory has the width of the header");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn cells_of(place: &Place) -> [String; 12] {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let (parent, basis) = place
        .parent
        .clone()
        .map_or((String::new(), ""), |(parent, basis)| {
            (parent, basis.word())
        });
    let aliases: Vec<&str> = place
        .names
        .iter()
        .filter(|name| !name.main)
        .map(|name| name.text.as_str())
        .collect();
    [
        place.id.clone(),
        place.kind.word().to_owned(),
        place.pcode.clone().unwrap_or_default(),
        parent,
        basis.to_owned(),
        place.name("en").unwrap_or_default().to_owned(),
        place.name("ar").unwrap_or_default().to_owned(),
        aliases.join("|"),
        cells::degrees(place.lat_e7),
        cells::degrees(place.lon_e7),
        number(place.population),
        number(place.population_year),
    ]
}

fn position(row: &mut Row<'_>) -> Option<(i64, i64)> {
    let lat = row.need("lat", cells::latitude);
    let lon = row.need("lon", cells::longitude);
    Some((lat?, lon?))
}

#[allow(
    clippy::option_option,
    reason = "the outer one says that there was a mistake"
)]
fn parent(row: &mut Row<'_>) -> Option<Option<(String, Basis)>> {
    let parent = row.may("parent", cells::pcode);
    let basis = row.may("parent_basis", Basis::read);
    match (parent?, basis?) {
        (Some(parent), Some(basis)) => Some(Some((parent, basis))),
        (None, None) => Some(None),
        _ => {
            row.refuse(
                "parent_basis",
                "stands there when parent does, and only then",
            );
            None
        }
    }
}

/// The names of a place as they are gathered.
#[derive(Default)]
struct Names {
    names: Vec<Name>,
    wrong: bool,
}

impl Names {
    /// Takes the names out of a cell, where bars part them. The first of a `main` cell is shown.
    fn take(
        &mut self,
        row: &mut Row<'_>,
        column: &'static str,
        language: Option<&'static str>,
        main: bool,
    ) {
        let mut main = main;
        let names: Vec<String> = row
            .cell(column)
            .split('|')
            .map(|name| name.trim().to_owned())
            .collect();
        for text in names.into_iter().filter(|name| !name.is_empty()) {
            if let Err(rule) = cells::label(&text) {
                row.refuse(column, format!("has a name that {rule}"));
                self.wrong = true;
                return;
            }
            let known = self
                .names
                .iter()
                .any(|name| name.text == text && (name.language == language || !main));
            if !known {
                let script = Script::of(&text);
                self.names.push(Name {
                    text,
                    script,
                    language,
                    main,
                });
            }
            main = false;
        }
    }

    fn done(self, row: &mut Row<'_>, column: &'static str) -> Option<Vec<Name>> {
        if self.wrong {
            return None;
        }
        let rule = match self.names.len() {
            0 => "has no name in any column",
            1..=NAMES_MAX => return Some(self.names),
            _ => "has too many names",
        };
        row.refuse(column, rule);
        None
    }
}
