//! The gazetteer: places with all of their names. It is reference data that an administrator loads, no part of the record, and
//! decides nothing: it helps to find, and to name what is found.

use formats::places_csv::Place;
use rusqlite::{Connection, params};
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
CREATE TABLE IF NOT EXISTS place_name (
  place TEXT NOT NULL, form TEXT NOT NULL, stem TEXT NOT NULL, name TEXT NOT NULL, language TEXT, PRIMARY KEY (place, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_form ON place_name (form);
CREATE INDEX IF NOT EXISTS place_stem ON place_name (stem);
";

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
