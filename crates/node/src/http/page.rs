//! Cursor paging. A cursor is opaque: it holds where the next page begins and proves that it was given for this very list. Any other
//! is refused; a wrong cursor never looks like an empty page.

use super::problem::Problem;
use record::encoding::{Hash, base64url, from_base64url};
use record::time::UtcMs;
use serde::Serialize;
use utoipa::ToSchema;

/// Rows of a page when none are asked for.
pub const LIMIT_DEFAULT: u32 = 50;
/// Rows of a page at most.
pub const LIMIT_MAX: u32 = 500;
const PROOF_BYTES: usize = 12;

/// A page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Rows, from the newest to the oldest.
    pub items: Vec<T>,
    /// How many there are in all, of what you may read.
    pub total: u64,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Makes and reads cursors, with a key that is made anew at each start.
pub struct Cursors([u8; 32]);

impl Cursors {
    /// With a random key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self, record::key::KeyError> {
        let mut key = [0; 32];
        record::key::random(&mut key)?;
        Ok(Self(key))
    }

    /// With a key that others of the same store share.
    #[must_use]
    pub fn with_key(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn proof(&self, list: &str, position: &[u8]) -> [u8; PROOF_BYTES] {
        // HMAC's construction: the length of what comes before the position is fixed by hashing it first.
        let list = Hash::of(&[list.as_bytes()]);
        let inner = Hash::of(&[&self.0, &list.0, position]);
        let outer = Hash::of(&[&self.0, b"outer", &inner.0]);
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(&outer.0[..PROOF_BYTES]);
        proof
    }

    /// The cursor to `(a, b)` in `list`, which names the list, its filters and its reader.
    #[must_use]
    pub fn write(&self, list: &str, (a, b): (i64, i64)) -> String {
        let mut bytes = [a.to_be_bytes(), b.to_be_bytes()].concat();
        let proof = self.proof(list, &bytes);
        bytes.extend(proof);
        base64url(&bytes)
    }

    /// Where `cursor` points in `list`.
    ///
    /// # Errors
    /// [`Problem`] when it was not given for this list.
    pub fn read(&self, list: &str, cursor: &str) -> Result<(i64, i64), Problem> {
        let wrong = || Problem::parameter("cursor", "is none of this list; begin again without it");
        let bytes = from_base64url(cursor).map_err(|_| wrong())?;
        let (position, proof) = bytes.split_at_checked(16).ok_or_else(wrong)?;
        if proof != self.proof(list, position) {
            return Err(wrong());
        }
        let number = |bytes: &[u8]| {
            bytes
                .try_into()
                .map(i64::from_be_bytes)
                .map_err(|_| wrong())
        };
        Ok((number(&position[..8])?, number(&position[8..])?))
    }
}

/// The number of rows that is asked for.
///
/// # Errors
/// [`Problem`] when it is none or too large.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::parameter("limit", format!("is 1 to {LIMIT_MAX}")))
}

/// A time that is asked for.
///
/// # Errors
/// [`Problem`] when it is none.
pub fn time(name: &str, asked: Option<&str>) -> Result<Option<UtcMs>, Problem> {
    asked
        .map(|text| UtcMs::parse(text).map_err(|rule| Problem::parameter(name, rule)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_list_or_another_start_is_refused() {
        let cursors = Cursors::with_key([1; 32]);
        let cursor = cursors.write("matters by RU for US", (7, -3));
        assert_eq!(
            cursors.read("matters by RU for US", &cursor).unwrap(),
            (7, -3)
        );
        assert!(cursors.read("matters by RU for GOV", &cursor).is_err());
        assert!(
            Cursors::with_key([2; 32])
                .read("matters by RU for US", &cursor)
                .is_err()
        );
        for bad in [
            "",
            "AAAA",
            "not a cursor",
            &cursor[1..],
            &format!("{cursor}A"),
        ] {
            assert!(cursors.read("matters by RU for US", bad).is_err(), "{bad}");
        }
    }
}
