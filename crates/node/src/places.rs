//! The gazetteer: places with all of their names. It is reference data that an administrator loads, no part of the record, and
//! decides nothing: it helps to find, and to name what is found. [`entry`] holds what somebody types against it.

pub mod entry;

use formats::places_csv::{Place, Script};
use rusqlite::{Connection, Row, params};
use space::Position;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use truce::names::{search_form, stem};

const FILE: &str = "places.db";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS place (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, pcode TEXT, parent TEXT, lat_e7 INTEGER NOT NULL, lon_e7 INTEGER NOT NULL,
  population INTEGER, named TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_pcode ON place (pcode);
CREATE INDEX IF NOT EXISTS place_lat ON place (lat_e7);
CREATE TABLE IF NOT EXISTS place_name (
  place TEXT NOT NULL, form TEXT NOT NULL, stem TEXT NOT NULL, name TEXT NOT NULL, language TEXT, PRIMARY KEY (place, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_form ON place_name (form);
CREATE INDEX IF NOT EXISTS place_stem ON place_name (stem);
";

/// Half widths of the windows in which the nearest place is looked for, the small ones first, in 1e-7 degree of latitude. Nothing is
/// near that is not in the last one: a thousand kilometres.
const WINDOWS_E7: [i64; 3] = [2_000_000, 15_000_000, 90_000_000];
/// A degree of latitude is at least so long, in metres.
const DEGREE_M_MIN: f64 = 110_500.0;
/// Of these something lies so far and in such a direction; the middle of an area is no place.
const SETTLED: &str = "kind IN ('settlement', 'named')";

/// A place of the gazetteer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// By what it is known in the gazetteer.
    pub id: String,
    /// `governorate`, `district`, `subdistrict`, `settlement` or `named`.
    pub kind: String,
    /// Its code.
    pub pcode: Option<String>,
    /// The first of its names.
    pub name: String,
    /// Latitude in 1e-7 degree.
    pub lat_e7: i64,
    /// Longitude in 1e-7 degree.
    pub lon_e7: i64,
}

impl Named {
    const COLUMNS: &str = "id, kind, pcode, named, lat_e7, lon_e7";

    fn of(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        let named: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            pcode: row.get(2)?,
            name: named.lines().next().unwrap_or_default().to_owned(),
            lat_e7: row.get(4)?,
            lon_e7: row.get(5)?,
        })
    }

    /// How far and in which direction a place lies from here.
    #[must_use]
    pub fn way_to(&self, lat_e7: i64, lon_e7: i64) -> Option<Way> {
        Way::between((self.lat_e7, self.lon_e7), (lat_e7, lon_e7))
    }
}

/// From one place to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// How far, in metres.
    pub metres: f64,
    /// In which direction, whole degrees from true north to the east, 0 to 359; none where there is no way to go.
    pub bearing_deg: Option<u16>,
}

impl Way {
    /// Between two places by latitude and longitude in 1e-7 degree; `None` when one of them is none.
    #[must_use]
    pub fn between(from: (i64, i64), to: (i64, i64)) -> Option<Self> {
        let position = |(lat_e7, lon_e7): (i64, i64)| {
            Position::from_degrees(lon_e7 as f64 / 1e7, lat_e7 as f64 / 1e7).ok()
        };
        let (from, to) = (position(from)?, position(to)?);
        let bearing = from.bearing_deg(to).map(|degrees| degrees.round() as u16);
        Some(Self {
            metres: from.distance_m(to),
            bearing_deg: bearing.map(|degrees| degrees % 360),
        })
    }
}

/// Between which latitudes and longitudes the gazetteer has places, in 1e-7 degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// South and north.
    pub lat_e7: (i64, i64),
    /// West and east.
    pub lon_e7: (i64, i64),
}

/// The gazetteer of a node.
pub struct Places(Mutex<Connection>);

impl Places {
    /// Opens the gazetteer in `dir`.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open(dir: &Path) -> Result<Self, rusqlite::Error> {
        let db = Connection::open(dir.join(FILE))?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.execute_batch(TABLES)?;
        Ok(Self(Mutex::new(db)))
    }

    /// Opens the gazetteer in `dir` to read it, beside the process that loads it. There are no names where there is no file.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open_to_read(dir: &Path) -> Result<Self, rusqlite::Error> {
        let path = dir.join(FILE);
        if path.exists() {
            return Ok(Self(Mutex::new(crate::database::reader(&path)?)));
        }
        let db = Connection::open_in_memory()?;
        db.execute_batch(TABLES)?;
        Ok(Self(Mutex::new(db)))
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads places, all or none. One that is known by its id is replaced; how many were new or differ.
    ///
    /// # Errors
    /// SQLite's.
    pub fn load(&self, places: &[Place]) -> Result<usize, rusqlite::Error> {
        let mut db = self.db();
        let write = db.transaction()?;
        let mut changed = 0;
        for place in places {
            let named: Vec<&str> = place.names.iter().map(|name| name.text.as_str()).collect();
            changed += write
                .prepare_cached("INSERT INTO place VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET kind = ?2, pcode = ?3, parent = ?4, lat_e7 = ?5, lon_e7 = ?6, population = ?7, named = ?8 WHERE kind <> ?2 OR pcode IS NOT ?3 OR lat_e7 <> ?5 OR lon_e7 <> ?6 OR population IS NOT ?7 OR named <> ?8")?
                .execute(params![
                    place.id,
                    place.kind.word(),
                    place.pcode,
                    place.parent.as_ref().map(|(code, _)| code),
                    place.lat_e7,
                    place.lon_e7,
                    place.population,
                    named.join("\n")
                ])?;
            write
                .prepare_cached("DELETE FROM place_name WHERE place = ?1")?
                .execute([&place.id])?;
            for name in &place.names {
                write
                    .prepare_cached("INSERT OR IGNORE INTO place_name VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![
                        place.id,
                        search_form(&name.text),
                        stem(&name.text),
                        name.text,
                        name.language
                    ])?;
            }
        }
        write.commit()?;
        Ok(changed)
    }

    /// All names, and codes, of the places that `name` may be.
    ///
    /// # Errors
    /// SQLite's.
    pub fn names_of(&self, name: &str, max: usize) -> Result<Vec<String>, rusqlite::Error> {
        const SQL: &str = "WITH meant AS (SELECT place AS id FROM place_name WHERE form = ?1 OR stem = ?2 UNION SELECT id FROM place WHERE pcode = ?3)
            SELECT name FROM place_name WHERE place IN meant UNION SELECT pcode FROM place WHERE pcode IS NOT NULL AND id IN meant LIMIT ?4";
        let (form, stem) = (search_form(name), stem(name));
        if form.is_empty() {
            return Ok(Vec::new());
        }
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.db()
            .prepare_cached(SQL)?
            .query_map(
                params![form, stem, name.trim().to_uppercase(), max],
                |row| row.get(0),
            )?
            .collect()
    }

    /// What a place code is called, in `language` where that is known.
    ///
    /// # Errors
    /// SQLite's.
    pub fn name_of_code(
        &self,
        pcode: &str,
        language: &str,
    ) -> Result<Option<String>, rusqlite::Error> {
        const SQL: &str = "SELECT n.name FROM place p JOIN place_name n ON n.place = p.id WHERE p.pcode = ?1 ORDER BY n.language IS NOT ?2, instr(p.named, n.name) LIMIT 1";
        let db = self.db();
        let mut select = db.prepare_cached(SQL)?;
        let mut rows = select.query(params![pcode, language])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }

    /// Latitude and longitude, in 1e-7 degree, of the area that has a place code: its centre, as the source gives it.
    ///
    /// # Errors
    /// SQLite's.
    pub fn centre_of_code(&self, pcode: &str) -> Result<Option<(i64, i64)>, rusqlite::Error> {
        // Settlements may carry the code of the area in which they lie.
        const SQL: &str = "SELECT lat_e7, lon_e7 FROM place WHERE pcode = ?1 AND kind IN ('governorate', 'district', 'subdistrict') ORDER BY id LIMIT 1";
        let db = self.db();
        let mut select = db.prepare_cached(SQL)?;
        let mut rows = select.query([pcode])?;
        rows.next()?
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .transpose()
    }

    /// Places that `name` may be, by any of their names or by their code; towns and places that others speak of before areas.
    ///
    /// # Errors
    /// SQLite's.
    pub fn called(&self, name: &str, max: usize) -> Result<Vec<Named>, rusqlite::Error> {
        let sql = format!(
            "SELECT {} FROM place WHERE id IN (SELECT place FROM place_name WHERE form = ?1 OR stem = ?2) OR pcode = ?3
             ORDER BY {SETTLED} DESC, population DESC, id LIMIT ?4",
            Named::COLUMNS
        );
        let (form, stem) = (search_form(name), stem(name));
        if form.is_empty() {
            return Ok(Vec::new());
        }
        let code = name.trim().to_uppercase();
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.db()
            .prepare_cached(&sql)?
            .query_map(params![form, stem, code, max], Named::of)?
            .collect()
    }

    /// The nearest town, or place that others speak of, and the way from there.
    ///
    /// # Errors
    /// SQLite's.
    pub fn nearest(
        &self,
        lat_e7: i64,
        lon_e7: i64,
    ) -> Result<Option<(Named, Way)>, rusqlite::Error> {
        for half_e7 in WINDOWS_E7 {
            let within_m = half_e7 as f64 / 1e7 * DEGREE_M_MIN;
            let found = self.within(lat_e7, lon_e7, half_e7)?;
            let ways = found
                .into_iter()
                .filter_map(|named| Some((named.way_to(lat_e7, lon_e7)?, named)));
            let nearest = ways.min_by(|(one, _), (other, _)| one.metres.total_cmp(&other.metres));
            // What lies outside of the window is further away than its border.
            if let Some((way, named)) = nearest.filter(|(way, _)| way.metres <= within_m) {
                return Ok(Some((named, way)));
            }
        }
        Ok(None)
    }

    /// Towns and named places in a window around a place, over the antimeridian too.
    fn within(
        &self,
        lat_e7: i64,
        lon_e7: i64,
        half_e7: i64,
    ) -> Result<Vec<Named>, rusqlite::Error> {
        let sql = format!(
            "SELECT {} FROM place WHERE lat_e7 BETWEEN ?1 AND ?2 AND (lon_e7 BETWEEN ?3 AND ?4 OR lon_e7 + 3600000000 BETWEEN ?3 AND ?4
             OR lon_e7 - 3600000000 BETWEEN ?3 AND ?4) AND {SETTLED}",
            Named::COLUMNS
        );
        let (south, north) = (lat_e7 - half_e7, lat_e7 + half_e7);
        let furthest = (south.abs().max(north.abs()) as f64 / 1e7).min(90.0);
        let narrow = furthest.to_radians().cos().max(1e-3);
        let east = (half_e7 as f64 / narrow).min(1.8e9) as i64;
        self.db()
            .prepare_cached(&sql)?
            .query_map(
                params![south, north, lon_e7 - east, lon_e7 + east],
                Named::of,
            )?
            .collect()
    }

    /// Where the gazetteer has places; `None` while it has none.
    ///
    /// # Errors
    /// SQLite's.
    pub fn extent(&self) -> Result<Option<Extent>, rusqlite::Error> {
        const SQL: &str = "SELECT min(lat_e7), max(lat_e7), min(lon_e7), max(lon_e7) FROM place";
        self.db().query_row(SQL, [], |row| {
            let south: Option<i64> = row.get(0)?;
            south
                .map(|south| {
                    Ok(Extent {
                        lat_e7: (south, row.get(1)?),
                        lon_e7: (row.get(2)?, row.get(3)?),
                    })
                })
                .transpose()
        })
    }

    /// What a place is called in `language`: the name that the gazetteer has for it, or else one in its script.
    ///
    /// # Errors
    /// SQLite's.
    pub fn name_in(&self, id: &str, language: &str) -> Result<Option<String>, rusqlite::Error> {
        const SQL: &str = "SELECT n.name FROM place p JOIN place_name n ON n.place = p.id WHERE p.id = ?1 ORDER BY n.language IS NOT ?2, instr(p.named, n.name)";
        let script = match language {
            "ar" => Script::Arabic,
            "ru" => Script::Cyrillic,
            _ => Script::Latin,
        };
        let db = self.db();
        let mut select = db.prepare_cached(SQL)?;
        let names = select.query_map(params![id, language], |row| row.get::<_, String>(0))?;
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        Ok(names.into_iter().find(|name| Script::of(name) == script))
    }

    /// How many places are loaded.
    ///
    /// # Errors
    /// SQLite's.
    pub fn count(&self) -> Result<u64, rusqlite::Error> {
        let count: i64 = self
            .db()
            .query_row("SELECT count(*) FROM place", [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
