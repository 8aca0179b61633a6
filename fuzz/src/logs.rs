//! Tiles, bundles, proofs and receipts.

use crate::fixed::{Branch, LEAVES, ORIGIN, log_keys};
use crate::{independent, refused, text};
use record::c2sp::proof::Receipt;
use record::c2sp::tile::{
    Content, MAX_ENTRY_BYTES, MAX_LEVEL, MAX_PATH_BYTES, TILE_WIDTH, TileError, TileId,
    encode_bundle, parse_bundle, parse_tile, verify_bundle,
};
use record::c2sp::tree::{
    consistency_proof, inclusion_proof, leaf_hash, root_of_inclusion, roots_of_consistency,
    verify_consistency, verify_inclusion,
};
use record::encoding::Hash;

/// A tile has one path, and the digits in it are its index.
pub fn tile_path(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let id = match TileId::parse(text) {
        Ok(id) => id,
        Err(error) => return refused(&error),
    };
    assert_eq!(id.path(), text);
    assert!(text.len() <= MAX_PATH_BYTES && (1..=TILE_WIDTH).contains(&id.width()));
    let again = match id.content() {
        Content::Entries => TileId::entries(id.index(), id.width()),
        Content::Hashes(level) => {
            assert!(level <= MAX_LEVEL);
            TileId::hashes(level, id.index(), id.width())
        }
    };
    assert_eq!(again, Ok(id));
    let (path, width) = text.split_once(".p/").unwrap_or((text, "256"));
    assert_eq!(independent::decimal(width), Some(u64::from(id.width())));
    let digits: String = path
        .split('/')
        .skip(2)
        .flat_map(|group| group.trim_start_matches('x').chars())
        .collect();
    assert_eq!(digits.parse(), Ok(id.index()));
    assert!(!text.contains("..") && !id.full().path().contains(".p/"));
}

/// A bundle is its entries, each with its length in front, and fits only the tile of their hashes.
pub fn entry_bundle(bytes: &[u8]) {
    let entries = match parse_bundle(bytes) {
        Ok(entries) => entries,
        Err(error) => return refused(&error),
    };
    assert!((1..=usize::from(TILE_WIDTH)).contains(&entries.len()));
    assert!(entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES));
    assert_eq!(encode_bundle(entries.iter().copied()).as_deref(), Ok(bytes));
    let id = TileId::entries(0, entries.len() as u16).expect("a bundle is no wider than a tile");
    let mut tile: Vec<u8> = entries
        .iter()
        .flat_map(|entry| leaf_hash(entry).0)
        .collect();
    assert_eq!(verify_bundle(id, bytes, &tile), Ok(()));
    assert_eq!(
        parse_tile(id, &tile).map(|hashes| hashes.len()),
        Ok(entries.len())
    );
    let last = tile.len() - 1;
    tile[last] ^= 1;
    let index = entries.len() as u64 - 1;
    assert_eq!(
        verify_bundle(id, bytes, &tile),
        Err(TileError::WrongEntry { index })
    );
    assert!(verify_bundle(id, bytes, &tile[1..]).is_err());
}

/// Two sizes and hashes out of any bytes. One size in two is small, so that proofs of real trees are met.
fn sizes_and_hashes(bytes: &[u8]) -> Option<(u64, u64, Vec<Hash>)> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    let (second, rest) = rest.split_first_chunk::<8>()?;
    let hashes = rest
        .as_chunks::<32>()
        .0
        .iter()
        .map(|hash| Hash(*hash))
        .collect();
    Some((
        u64::from_be_bytes(*first),
        u64::from_be_bytes(*second),
        hashes,
    ))
}

/// For any sizes nothing overflows, and of a real tree only the one proof that the log would give is accepted.
pub fn inclusion(bytes: &[u8]) {
    let Some((index, size, proof)) = sizes_and_hashes(bytes) else {
        return;
    };
    if let Err(error) = root_of_inclusion(index, size, &Hash([1; 32]), &proof) {
        refused(&error);
    }
    if size > LEAVES {
        return;
    }
    let log = Branch::honest();
    let real = inclusion_proof(&log.reader(), index, size).ok();
    assert_eq!(real.is_some(), index < size);
    for (leaf, at) in log.leaves.iter().zip(0..) {
        let accepted = verify_inclusion(index, size, leaf, &proof, log.root(size)).is_ok();
        assert_eq!(accepted, at == index && real.as_ref() == Some(&proof));
        let real = real.as_deref().unwrap_or_default();
        let shown = verify_inclusion(index, size, leaf, real, log.root(size)).is_ok();
        assert_eq!(shown, at == index && index < size);
    }
}

/// As for inclusion; and no proof leads from a fork to the log.
pub fn consistency(bytes: &[u8]) {
    let Some((old, new, proof)) = sizes_and_hashes(bytes) else {
        return;
    };
    let any = Hash([1; 32]);
    for error in [
        roots_of_consistency(old, new, &proof).err(),
        verify_consistency(old, &any, new, &any, &proof).err(),
    ] {
        error.iter().for_each(refused);
    }
    let (log, fork) = (Branch::honest(), Branch::fork());
    if old > LEAVES || new > LEAVES {
        return;
    }
    let real = consistency_proof(&log.reader(), old, new).ok();
    assert_eq!(real.is_some(), old <= new);
    let verify = |old_root: &Hash, proof: &[Hash]| {
        verify_consistency(old, old_root, new, log.root(new), proof).is_ok()
    };
    assert_eq!(verify(log.root(old), &proof), real.as_ref() == Some(&proof));
    assert!(real.is_none_or(|real| verify(log.root(old), &real)));
    assert!(!verify(fork.root(old), &proof) || fork.root(old) == log.root(old));
}

/// A receipt is written as it was read, and shows only what the log's own receipt shows.
pub fn receipt(bytes: &[u8]) {
    let receipt = match Receipt::parse(bytes) {
        Ok(receipt) => receipt,
        Err(error) => return refused(&error),
    };
    assert_eq!(receipt.to_string().as_bytes(), bytes);
    assert!(receipt.extra().is_none_or(|extra| !extra.is_empty()));
    let (log, fork, keys) = (Branch::honest(), Branch::fork(), log_keys());
    let (index, head) = (receipt.index(), receipt.checkpoint().checkpoint());
    for leaf in log.leaves.iter().chain(&fork.leaves) {
        match receipt.verify(leaf, ORIGIN, &keys, None) {
            Ok(shown) => {
                assert_eq!((shown.index, shown.size), (index, head.size()));
                let branch = [log, fork].into_iter().find(|branch| branch.had(head));
                let branch = branch.expect("the log never had this head");
                assert_eq!(branch.leaves.get(index as usize), Some(leaf));
                let real = inclusion_proof(&branch.reader(), index, head.size());
                assert_eq!(real.as_deref(), Ok(receipt.proof()));
            }
            Err(error) => refused(&error),
        }
    }
}
