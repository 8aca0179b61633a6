//! Paging by cursor. A cursor says after which row the next page begins; it is good for the query that gave it and for no other,
//! and a bad one is an error, never an empty page.

use super::App;
use super::problem::Problem;
use super::strict::{query_pairs, read_pairs};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use record::encoding::{base64url, from_base64url};
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Rows of a page when nothing is asked for.
pub const LIMIT_DEFAULT: usize = 50;
/// Most rows of a page.
pub const LIMIT_MAX: usize = 500;
/// Longest cursor, in characters.
pub const CURSOR_CHARS_MAX: usize = 1024;

/// The form of cursors that this program writes and reads.
const VERSION: u8 = 1;
/// Bytes of the checksum in a cursor.
const MAC_BYTES: usize = 32;

/// The two parameters of every list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Where the page begins: `next` of the page before. Without it: at the beginning.
    #[param(pattern = "^[A-Za-z0-9_-]+$", min_length = 1, max_length = 1024)]
    pub cursor: Option<String>,
    /// Most rows of the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u16>,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    #[schema(max_items = 500)]
    pub items: Vec<T>,
    /// The cursor of the next page; `null` when this is the last.
    #[schema(pattern = "^[A-Za-z0-9_-]+$", max_length = 1024)]
    pub next: Option<String>,
    /// How many rows there are on all pages.
    #[schema(minimum = 0)]
    pub total: u64,
}

impl<T> Page<T> {
    /// A list that is short enough to be one page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self {
            total: items.len() as u64,
            items,
            next: None,
        }
    }
}

/// The key with which a store signs its cursors.
pub struct CursorKey(hmac::Key);

impl CursorKey {
    /// From the store's own random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// What is signed: the query's length comes first, so that no other split of query and row has the same bytes.
    fn message(query: &str, row: &[u8]) -> Vec<u8> {
        let length = (query.len() as u64).to_be_bytes();
        [&[VERSION], &length[..], query.as_bytes(), row].concat()
    }

    /// A cursor to the row `row` of `query`.
    pub(super) fn write<K: Serialize>(&self, query: &str, row: &K) -> String {
        let row = serde_json::to_vec(row).expect("a row's key is plain data");
        let mut bytes = vec![VERSION];
        bytes.extend(hmac::sign(&self.0, &Self::message(query, &row)).as_ref());
        bytes.extend(row);
        base64url(&bytes)
    }

    /// The row of `query` to which a cursor points; `None` when it was not given for that.
    pub(super) fn read<K: DeserializeOwned>(&self, query: &str, cursor: &str) -> Option<K> {
        let bytes = from_base64url(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (mac, row) = rest.split_at_checked(MAC_BYTES)?;
        let same = hmac::verify(&self.0, &Self::message(query, row), mac).is_ok();
        (*version == VERSION && same)
            .then(|| serde_json::from_slice(row).ok())
            .flatten()
    }
}

/// A list that is asked for: its filters `F`, and after the row with which key `K` it begins.
pub struct Paged<F, K> {
    /// The filters.
    pub filters: F,
    /// The last row of the page before.
    pub after: Option<K>,
    limit: usize,
    query: String,
    app: Arc<App>,
}

/// A list without filters.
#[derive(Debug, Clone, Deserialize)]
pub struct NoFilters {}

impl<F: DeserializeOwned, K: DeserializeOwned> FromRequestParts<Arc<App>> for Paged<F, K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let pairs = query_pairs(parts.uri.query())?;
        let (page, mut filters): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(name, _)| matches!(name.as_str(), "cursor" | "limit"));
        let page: PageParams = read_pairs(page)?;
        filters.sort();
        // A cursor belongs to the address with its filters, in whatever order they stand.
        let query = format!("{}\n{filters:?}", parts.uri.path());
        let limit = page.limit.map_or(LIMIT_DEFAULT, usize::from);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_request(
                "limit",
                format!("is from 1 to {LIMIT_MAX}"),
            ));
        }
        let after = page.cursor.map(|cursor| {
            let read = (cursor.len() <= CURSOR_CHARS_MAX).then(|| app.cursors.read(&query, &cursor)).flatten();
            read.ok_or_else(|| {
                Problem::bad_request("cursor", "is the `next` of a page of this same list with the same filters; begin again without it")
                    .because("bad_cursor")
            })
        });
        Ok(Self {
            filters: read_pairs(filters)?,
            after: after.transpose()?,
            limit,
            query,
            app: app.clone(),
        })
    }
}

impl<F, K: Serialize> Paged<F, K> {
    /// How many rows to read: one more than the page has, to know whether there is a next one.
    #[must_use]
    pub fn rows_to_read(&self) -> usize {
        self.limit + 1
    }

    /// Most rows of the page.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The cursor of the page that begins after the row with this key.
    pub fn cursor(&self, key: &K) -> String {
        self.app.cursors.write(&self.query, key)
    }

    /// Makes the page of [`Paged::rows_to_read`] rows, whose keys `key` names.
    pub fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        total: u64,
        key: impl Fn(&R) -> K,
        show: impl FnMut(R) -> T,
    ) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| self.app.cursors.write(&self.query, &key(row)));
        Page {
            items: rows.into_iter().map(show).collect(),
            next,
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> CursorKey {
        CursorKey::new(&[7; 32])
    }

    #[test]
    fn a_cursor_is_good_for_its_own_query_and_store() {
        let cursor = key().write("/a\n[]", &("row", 7));
        assert_eq!(
            key().read::<(String, u8)>("/a\n[]", &cursor),
            Some(("row".into(), 7))
        );
        assert_eq!(key().read::<(String, u8)>("/b\n[]", &cursor), None);
        assert_eq!(
            CursorKey::new(&[8; 32]).read::<(String, u8)>("/a\n[]", &cursor),
            None
        );
        assert_eq!(key().read::<(String, u8)>("/a\n[]", ""), None);
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_cursor(at in 0..60_usize, with in "[A-Za-z0-9_-]") {
            let cursor = key().write("/a\n[]", &"a row of some length");
            let at = at % cursor.len();
            let mut other = cursor.clone();
            other.replace_range(at..=at, &with);
            let read = key().read::<String>("/a\n[]", &other);
            prop_assert_eq!(read.is_some(), other == cursor);
        }

        #[test]
        fn no_text_brings_the_reader_down(text in ".{0,200}") {
            prop_assert_eq!(key().read::<String>("/a\n[]", &text), None);
        }
    }
}
