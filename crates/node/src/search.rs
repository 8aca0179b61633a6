//! Search over what one reader may read: names in Arabic, Cyrillic and Latin, by their search form, and places by all of their
//! names. Full text is kept apart from the views and follows their changes: it delays nothing else, and is thrown away with them.

use crate::database;
use crate::places::Places;
use crate::views::{ListQuery, Listed, Progress, StatementRow, ViewError, Views};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use truce::names::{search_form, stem};

/// Pages of the index that are kept in memory, in KiB.
const CACHE_KIB: i64 = 32_768;
/// Statements that are taken in with one commit.
const BATCH_MAX: u32 = 2_000;
/// A text that is longer is no name: its words are found, not its parts.
const NAME_CHARACTERS_MAX: usize = 120;
/// Characters of one statement that are searched.
const TEXT_CHARACTERS_MAX: usize = 20_000;
/// Parts of a word shorter than this are not found; a whole word is.
const PART_CHARACTERS_MIN: usize = 3;
/// Longest question, in characters.
pub const QUERY_CHARACTERS_MAX: usize = 200;
/// Names of a place that a question is widened by.
const ALIASES_MAX: usize = 32;

const LAYOUT: i64 = 1;
const TABLES: &str = "
CREATE TABLE doc (n INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE);
CREATE VIRTUAL TABLE part USING fts5 (form, tokenize = 'trigram', detail = 'full');
CREATE VIRTUAL TABLE word USING fts5 (form, stem, tokenize = 'unicode61 remove_diacritics 0');
INSERT INTO part (part, rank) VALUES ('secure-delete', 1);
INSERT INTO word (word, rank) VALUES ('secure-delete', 1);
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('seq', 0), ('epoch', 0);
";

/// The search of one reader.
pub struct Search {
    path: PathBuf,
    db: Mutex<Writer>,
    idle: Mutex<Vec<Connection>>,
}

struct Writer {
    db: Connection,
    seq: i64,
    epoch: i64,
    /// Something that is gone still stands in the write-ahead log, because somebody was reading.
    unflushed: bool,
}

impl Search {
    /// Opens the search beside `views`.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn open(views: &Views) -> Result<Self, ViewError> {
        let name = views
            .path()
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("node.db");
        let path = views.path().with_file_name(format!("search-{name}"));
        let db = connect(&path)?;
        let state = |name: &str| {
            let sql = "SELECT value FROM state WHERE name = ?1";
            db.query_row(sql, [name], |row| row.get(0))
        };
        let (seq, epoch) = (state("seq")?, state("epoch")?);
        Ok(Self {
            path,
            db: Mutex::new(Writer {
                db,
                seq,
                epoch,
                // A kill may have left something there.
                unflushed: true,
            }),
            idle: Mutex::default(),
        })
    }

    /// Takes in what changed in `views`, one batch: how many statements, and whether more is waiting.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn follow(&self, views: &Views) -> Result<Progress, ViewError> {
        let mut writer = lock(&self.db);
        let (epoch, texts) = views.texts_since(writer.seq, writer.epoch, BATCH_MAX)?;
        if epoch != writer.epoch {
            writer.start_again(epoch)?;
            let (folded, more) = (0, true);
            return Ok(Progress { folded, more });
        }
        writer.take(&texts)?;
        writer.flush()?;
        Ok(Progress {
            folded: texts.len() as u64,
            more: texts.len() == BATCH_MAX as usize,
        })
    }

    /// Whether everything is taken in that `views` hold, and what is gone there is gone from the files here.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn has_followed(&self, views: &Views) -> Result<bool, ViewError> {
        let writer = lock(&self.db);
        let (epoch, texts) = views.texts_since(writer.seq, writer.epoch, 1)?;
        Ok(epoch == writer.epoch && texts.is_empty() && !writer.unflushed)
    }

    /// Statements in which `question` is found, the last ones first. Each of its words must be there, in any spelling of one
    /// script; a place is found by any of its names.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn find(
        &self,
        views: &Views,
        places: &Places,
        question: &str,
        query: &ListQuery,
    ) -> Result<Listed<StatementRow>, ViewError> {
        let question: String = question.chars().take(QUERY_CHARACTERS_MAX).collect();
        let asked = Asked::of(&question, &places.names_of(&question, ALIASES_MAX)?);
        let Some(asked) = asked else {
            return Ok(Listed {
                items: Vec::new(),
                total: 0,
                next: None,
            });
        };
        let (ids, total, next) = self.read(|db| asked.find(db, query))?;
        let items = views.rows_of(&ids)?;
        Ok(Listed { items, total, next })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ViewError>,
    ) -> Result<T, ViewError> {
        let idle = lock(&self.idle).pop();
        let db = match idle {
            Some(db) => db,
            None => database::reader(&self.path)?,
        };
        let result = read(&db);
        lock(&self.idle).push(db);
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, ViewError> {
    let db = database::writer(path, CACHE_KIB)?;
    let layout: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout != LAYOUT {
        drop_tables(&db)?;
        db.execute_batch(TABLES)?;
        db.pragma_update(None, "user_version", LAYOUT)?;
    }
    Ok(db)
}

fn drop_tables(db: &Connection) -> Result<(), ViewError> {
    for table in ["doc", "part", "word", "state"] {
        db.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    Ok(())
}

/// A statement's texts, as the views tell of them.
pub(crate) struct Texts {
    /// Where the change stands.
    pub seq: i64,
    /// The statement's local id.
    pub id: i64,
    /// What its groups say, as far as they are held and readable.
    pub contents: Vec<Value>,
}

impl Writer {
    fn start_again(&mut self, epoch: i64) -> Result<(), ViewError> {
        // At once: a kill leaves the old tables or the new ones.
        let write = self.db.unchecked_transaction()?;
        drop_tables(&write)?;
        write.execute_batch(TABLES)?;
        write.execute("UPDATE state SET value = ?1 WHERE name = 'epoch'", [epoch])?;
        write.commit()?;
        (self.seq, self.epoch, self.unflushed) = (0, epoch, true);
        Ok(())
    }

    fn take(&mut self, texts: &[Texts]) -> Result<(), ViewError> {
        let Some(last) = texts.last() else {
            return Ok(());
        };
        let write = self.db.unchecked_transaction()?;
        let mut removed = false;
        for one in texts {
            removed |= write_doc(&write, one)?;
        }
        write.execute("UPDATE state SET value = ?1 WHERE name = 'seq'", [last.seq])?;
        write.commit()?;
        self.seq = last.seq;
        self.unflushed |= removed;
        Ok(())
    }

    /// Empties the write-ahead log of what is gone. While somebody reads it cannot be emptied: it is tried again.
    fn flush(&mut self) -> Result<(), ViewError> {
        if self.unflushed {
            self.unflushed = !database::empty_log(&self.db)?;
        } // protects: what_was_erased_stands_in_no_file_of_the_store
        Ok(())
    }
}

/// Writes one statement anew, if it says something else than before; whether what stood there is gone.
fn write_doc(db: &Connection, one: &Texts) -> Result<bool, ViewError> {
    let (parts, words) = texts_of(&one.contents);
    let known: Option<i64> = db
        .prepare_cached("SELECT n FROM doc WHERE id = ?1")?
        .query_row([one.id], |row| row.get(0))
        .optional()?;
    let mut removed = false;
    let n = match known {
        Some(n) => {
            let before: Option<String> = db
                .prepare_cached("SELECT form FROM word WHERE rowid = ?1")?
                .query_row([n], |row| row.get(0))
                .optional()?;
            if before.unwrap_or_default() == words {
                return Ok(false);
            }
            for table in ["part", "word"] {
                let sql = format!("DELETE FROM {table} WHERE rowid = ?1");
                removed |= db.prepare_cached(&sql)?.execute([n])? > 0;
            }
            n
        }
        None if words.is_empty() => return Ok(false),
        None => {
            db.prepare_cached("INSERT INTO doc (id) VALUES (?1)")?
                .execute([one.id])?;
            db.last_insert_rowid()
        }
    };
    if !words.is_empty() {
        db.prepare_cached("INSERT INTO word (rowid, form, stem) VALUES (?1, ?2, ?3)")?
            .execute(params![n, words, stem(&words)])?;
    }
    if !parts.is_empty() {
        db.prepare_cached("INSERT INTO part (rowid, form) VALUES (?1, ?2)")?
            .execute(params![n, parts])?;
    }
    Ok(removed)
}

/// The search forms of what a statement says: of names, and of everything.
fn texts_of(contents: &[Value]) -> (String, String) {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    let mut room = TEXT_CHARACTERS_MAX;
    for content in contents {
        gather(content, &mut |text| {
            let length = text.chars().count();
            if length > room || is_code(text) {
                return;
            }
            room -= length;
            let form = search_form(text);
            if length <= NAME_CHARACTERS_MAX {
                names.insert(form.clone());
            }
            all.push(form);
        });
    }
    let names: Vec<String> = names.into_iter().collect();
    (names.join("\n"), all.join("\n"))
}

fn gather(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, take)),
        Value::Object(members) => members.values().for_each(|item| gather(item, take)),
        _ => {}
    }
}

/// Times, hashes and the words of closed lists are looked up otherwise.
fn is_code(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let closed = text.contains('_') && text.bytes().all(word);
    let hash = text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let time = text.len() >= 20
        && text.as_bytes()[0].is_ascii_digit()
        && text.as_bytes().get(10) == Some(&b'T');
    closed || hash || time
}

/// A question, as the index understands it.
struct Asked {
    parts: Option<String>,
    words: String,
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', ""))
}

impl Asked {
    fn of(question: &str, aliases: &[String]) -> Option<Self> {
        let form = search_form(question);
        if form.is_empty() {
            return None;
        }
        let terms: Vec<&str> = form.split(' ').collect();
        let stems = stem(question);
        let mut words = vec![
            terms
                .iter()
                .map(|term| quoted(term))
                .collect::<Vec<_>>()
                .join(" AND "),
        ];
        if !stems.is_empty() {
            let stems: Vec<String> = stems.split(' ').map(quoted).collect();
            words.push(format!("{{stem}}: ({})", stems.join(" AND ")));
        }
        let long = |form: &str| form.chars().count() >= PART_CHARACTERS_MIN;
        let mut parts = Vec::new();
        if terms.iter().all(|term| long(term)) {
            parts.push(
                terms
                    .iter()
                    .map(|term| quoted(term))
                    .collect::<Vec<_>>()
                    .join(" AND "),
            );
        }
        for alias in aliases.iter().map(|alias| search_form(alias)) {
            if !alias.is_empty() {
                words.push(quoted(&alias));
            }
        }
        let or = |all: Vec<String>| {
            let all: Vec<String> = all.into_iter().map(|one| format!("({one})")).collect();
            all.join(" OR ")
        };
        Some(Self {
            parts: (!parts.is_empty()).then(|| or(parts)),
            words: or(words),
        })
    }

    /// Local ids of a page, the total, and where the next page begins.
    #[allow(
        clippy::type_complexity,
        reason = "the three belong together and are named at once"
    )]
    fn find(
        &self,
        db: &Connection,
        query: &ListQuery,
    ) -> Result<(Vec<i64>, u64, Option<(i64, i64)>), ViewError> {
        const WORDS: &str = "SELECT rowid FROM word WHERE word MATCH ?1 ORDER BY rowid DESC";
        const PARTS: &str = "SELECT rowid FROM part WHERE part MATCH ?1 ORDER BY rowid DESC";
        const ID: &str = "SELECT id FROM doc WHERE n = ?1";
        let below = query.after.map_or(i64::MAX, |(n, _)| n);
        let page_max = query.limit as usize;
        let mut page: Vec<i64> = Vec::new();
        let mut total = 0;
        // Both come from the last on: what is found both ways is met at the same time.
        let mut words = db.prepare_cached(WORDS)?;
        let mut words = words.query([&self.words])?;
        let mut parts = db.prepare_cached(PARTS)?;
        let mut parts = match &self.parts {
            Some(asked) => Some(parts.query([asked])?),
            None => None,
        };
        let mut word = next(Some(&mut words))?;
        let mut part = next(parts.as_mut())?;
        while let Some(n) = word.max(part) {
            total += 1;
            if n < below && page.len() <= page_max {
                page.push(n);
            }
            if word == Some(n) {
                word = next(Some(&mut words))?;
            }
            if part == Some(n) {
                part = next(parts.as_mut())?;
            }
        }
        let more = page.len() > page_max;
        page.truncate(page_max);
        let next = page.last().filter(|_| more).map(|n| (*n, 0));
        let mut id = db.prepare_cached(ID)?;
        let ids = page.iter().map(|n| id.query_row([n], |row| row.get(0)));
        Ok((ids.collect::<Result<_, _>>()?, total, next))
    }
}

fn next(rows: Option<&mut rusqlite::Rows<'_>>) -> Result<Option<i64>, rusqlite::Error> {
    match rows {
        Some(rows) => rows.next()?.map(|row| row.get(0)).transpose(),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hashes_times_and_closed_words_are_not_searched_and_names_are() {
        let content = json!({"category": "air_strike", "from": "2016-06-20T00:00:00Z", "place_name": "حلب",
            "sha": "A".repeat(43), "sides": ["Government of Syria"], "n": 3});
        let (names, all) = texts_of(&[content]);
        assert_eq!(names, "government of syria\nحلب");
        assert_eq!(all.lines().count(), 2);
    }

    #[test]
    fn a_question_of_signs_alone_finds_nothing_and_breaks_nothing() {
        assert!(Asked::of("\"'*-()", &[]).is_none());
        assert!(Asked::of("AND OR NOT", &[]).is_some());
    }
}
