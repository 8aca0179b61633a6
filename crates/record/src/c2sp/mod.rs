//! The transparency-log formats of C2SP and RFC 6962, one module per specification.
//!
//! Everything here is pure: bytes in, values out. No clock, no file, no socket, no database; whoever calls brings the
//! time, the tiles and the keys. Every parser is strict: what parses encodes to the same bytes again, so that a head, a
//! request or a receipt has exactly one spelling.
//!
//! | module | specification |
//! |---|---|
//! | [`tree`] | RFC 6962, section 2.1: Merkle hashes and proofs |
//! | [`tile`] | c2sp.org/tlog-tiles |
//! | [`note`] | c2sp.org/signed-note and the keys of Go's `sumdb/note` |
//! | [`checkpoint`] | c2sp.org/tlog-checkpoint |
//! | [`cosignature`] | c2sp.org/tlog-cosignature, Ed25519 |
//! | [`witness`] | c2sp.org/tlog-witness |
//! | [`proof`] | c2sp.org/tlog-proof |

pub mod checkpoint;
pub mod cosignature;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod witness;

use crate::encoding::{Hash, base64_std, from_base64_std};

/// Reads ASCII decimal as C2SP writes numbers: digits only, no leading zero, within 64 bits.
fn parse_decimal(text: &str) -> Option<u64> {
    let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !digits_only || leading_zero {
        return None;
    }
    text.parse().ok()
}

/// Reads one hash in canonical base64, as proof lines and checkpoints carry it.
fn parse_hash(text: &str) -> Option<Hash> {
    let bytes = from_base64_std(text).ok()?;
    Some(Hash(bytes.try_into().ok()?))
}

/// Writes `hash` as [`parse_hash`] reads it.
fn hash_text(hash: &Hash) -> String {
    base64_std(&hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1_0",
            "0x1",
            "18446744073709551616",
            "١",
        ] {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
    }
}
