//! Merkle trees and their proofs (RFC 6962, section 2.1; RFC 9162 states the checks as algorithms).
//!
//! Sizes and indexes are `u64`. The empty tree has the hash of the empty string as its root. A proof is generated from a
//! [`HashReader`], which knows the hashes of *complete* subtrees: level 0 are the leaf hashes, and hash `index` at `level`
//! covers the leaves from `index << level` up to `(index + 1) << level`.

use crate::encoding::Hash;

/// The most hashes that a proof about a tree of 64-bit size can need.
pub const MAX_PROOF_HASHES: usize = 65;

/// The largest size from which a [`Tree`] may go on growing, in leaves. No log reaches it; it keeps arithmetic exact.
pub const MAX_GROWING_SIZE: u64 = 1 << 62;

/// The hash of a leaf: SHA-256 over a zero byte and the leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash::of(&[&[0], leaf])
}

/// The hash of an inner node: SHA-256 over a one byte and both children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash::of(&[&bytes])
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// A hash that a [`HashReader`] could not give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hash {index} at level {level} of the tree cannot be read: {reason}")]
pub struct Unread {
    /// Height above the leaves.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
    /// Why, and where it should have been.
    pub reason: String,
}

/// Why a proof could not be made or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not in the tree at all.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    OutsideTree {
        /// The leaf asked for.
        index: u64,
        /// The tree's size in leaves.
        size: u64,
    },
    /// A tree cannot shrink.
    #[error("the old tree has {old} leaves, more than the {new} of the new one")]
    OldIsLarger {
        /// Leaves of the earlier tree.
        old: u64,
        /// Leaves of the later tree.
        new: u64,
    },
    /// More or fewer hashes than this leaf or these sizes need.
    #[error("a proof of {given} hashes does not have the length that these sizes need")]
    Length {
        /// How many hashes were given.
        given: usize,
    },
    /// The hashes lead to another root than that of the head.
    #[error("the proof does not lead to the root of the tree of {size} leaves")]
    WrongRoot {
        /// Size of the tree whose root is missed.
        size: u64,
    },
    /// A hash that the proof needs is not there.
    #[error(transparent)]
    Unread(#[from] Unread),
}

/// Gives the hashes of complete subtrees.
pub trait HashReader {
    /// The hash of the subtree over the leaves `index << level` up to `(index + 1) << level`.
    ///
    /// # Errors
    /// [`Unread`] when the reader does not hold it.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Unread>;
}

impl<F: Fn(u8, u64) -> Option<Hash>> HashReader for F {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Unread> {
        self(level, index).ok_or_else(|| Unread {
            level,
            index,
            reason: "not held".to_owned(),
        })
    }
}

/// A growing tree, kept as its frontier: the roots of the complete subtrees from left to right, one for each bit that is
/// set in the size. At most 64 hashes, so a clone is cheap and an undo is a clone kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    size: u64,
    frontier: Vec<Hash>,
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves, its frontier read from stored hashes.
    ///
    /// # Errors
    /// [`Unread`] when a hash is missing, or when `size` is above [`MAX_GROWING_SIZE`].
    pub fn load(size: u64, hashes: &impl HashReader) -> Result<Self, Unread> {
        if size > MAX_GROWING_SIZE {
            return Err(Unread {
                level: 0,
                index: size,
                reason: format!("no tree grows from {size} leaves"),
            });
        }
        let frontier = complete_subtrees(0, size)
            .map(|(level, index)| hashes.hash(level, index))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, frontier })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, the largest first.
    #[must_use]
    pub fn frontier(&self) -> &[Hash] {
        &self.frontier
    }

    /// The root at the present size.
    #[must_use]
    pub fn root(&self) -> Hash {
        join_from_right(self.frontier.iter().copied()).unwrap_or_else(empty_root)
    }

    /// Appends a leaf by its hash ([`leaf_hash`]) and gives the index that it got.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        self.append_with(leaf, |_, _, _| {})
    }

    /// As [`Tree::append`], and tells `completed` of each subtree that is now complete, from the leaf upwards: level,
    /// index, hash. Those are the hashes that a store has to keep.
    pub fn append_with(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) -> u64 {
        let index = self.size;
        let mut hash = leaf;
        let mut level = 0;
        completed(level, index, hash);
        while index >> level & 1 == 1
            && let Some(left) = self.frontier.pop()
        {
            hash = node_hash(&left, &hash);
            level += 1;
            completed(level, index >> level, hash);
        }
        self.frontier.push(hash);
        self.size += 1;
        index
    }
}

/// The root of the tree of `size` leaves.
///
/// # Errors
/// [`Unread`] when a hash is missing.
pub fn root(hashes: &impl HashReader, size: u64) -> Result<Hash, Unread> {
    if size == 0 {
        Ok(empty_root())
    } else {
        range_root(hashes, 0, size)
    }
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves, the leaf's sibling first.
///
/// # Errors
/// [`ProofError::OutsideTree`], or [`ProofError::Unread`] when a hash is missing.
pub fn inclusion_proof(
    hashes: &impl HashReader,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutsideTree { index, size });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = split(start, end);
        if index < middle {
            proof.push(range_root(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(hashes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The consistency proof from the tree of `old` leaves to that of `new` leaves. It is empty when both are equal or `old`
/// is 0.
///
/// # Errors
/// [`ProofError::OldIsLarger`], or [`ProofError::Unread`] when a hash is missing.
pub fn consistency_proof(
    hashes: &impl HashReader,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ProofError> {
    if old > new {
        return Err(ProofError::OldIsLarger { old, new });
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, new);
    while old != end {
        let middle = split(start, end);
        if old <= middle {
            proof.push(range_root(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(hashes, start, middle)?);
            start = middle;
        }
    }
    if start != 0 {
        proof.push(range_root(hashes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root to which an inclusion proof leads from the hash of leaf `index`.
///
/// # Errors
/// [`ProofError::OutsideTree`] or [`ProofError::Length`].
pub fn root_of_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    if index >= size {
        return Err(ProofError::OutsideTree { index, size });
    }
    let length = ProofError::Length { given: proof.len() };
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // The last node of a level that has no sibling is its own parent: skip those levels.
            let skipped = node.trailing_zeros().min(u64::BITS - 1);
            node >>= skipped;
            last >>= skipped;
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok(hash) } else { Err(length) }
}

/// Checks that the leaf with hash `leaf` is entry `index` of the tree with `size` leaves and `root`.
///
/// # Errors
/// [`ProofError`] saying what does not hold.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if root_of_inclusion(index, size, leaf, proof)? == *root {
        Ok(())
    } else {
        Err(ProofError::WrongRoot { size })
    }
}

/// The two roots, old and new, to which a consistency proof leads when it begins with a node of the old tree. For an old
/// size that is a power of two, RFC 6962 leaves that first node out, as it is the old root itself: put it in front.
///
/// # Errors
/// [`ProofError::OldIsLarger`] when not `0 < old < new` holds, [`ProofError::Length`].
pub fn roots_of_consistency(
    old: u64,
    new: u64,
    full_proof: &[Hash],
) -> Result<(Hash, Hash), ProofError> {
    if old == 0 || old >= new {
        return Err(ProofError::OldIsLarger { old, new });
    }
    let length = ProofError::Length {
        given: full_proof.len(),
    };
    let Some((first, rest)) = full_proof.split_first() else {
        return Err(length);
    };
    let (mut node, mut last) = (old - 1, new - 1);
    let complete = node.trailing_ones();
    node >>= complete;
    last >>= complete;
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let skipped = node.trailing_zeros().min(u64::BITS - 1);
            node >>= skipped;
            last >>= skipped;
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 {
        Ok((old_hash, new_hash))
    } else {
        Err(length)
    }
}

/// Checks that the tree of `new` leaves begins with the tree of `old` leaves. Sizes may be 0 and may be equal; then the
/// proof has to be empty, and the root of an empty tree has to be [`empty_root`].
///
/// # Errors
/// [`ProofError`] saying what does not hold.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::OldIsLarger { old, new });
    }
    for (size, root) in [(old, old_root), (new, new_root)] {
        if size == 0 && *root != empty_root() {
            return Err(ProofError::WrongRoot { size });
        }
    }
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(ProofError::Length { given: proof.len() });
        }
        return if old == 0 || old_root == new_root {
            Ok(())
        } else {
            Err(ProofError::WrongRoot { size: new })
        };
    }
    if proof.is_empty() || proof.len() > MAX_PROOF_HASHES {
        return Err(ProofError::Length { given: proof.len() });
    }
    let full = full_consistency_proof(old, old_root, proof);
    let (old_found, new_found) = roots_of_consistency(old, new, &full)?;
    if old_found != *old_root {
        return Err(ProofError::WrongRoot { size: old });
    }
    if new_found != *new_root {
        return Err(ProofError::WrongRoot { size: new });
    }
    Ok(())
}

/// `proof` as [`roots_of_consistency`] wants it: with `old_root` in front where RFC 6962 leaves it out.
#[must_use]
pub fn full_consistency_proof(old: u64, old_root: &Hash, proof: &[Hash]) -> Vec<Hash> {
    let mut full = Vec::with_capacity(proof.len() + 1);
    if old.is_power_of_two() {
        full.push(*old_root);
    }
    full.extend_from_slice(proof);
    full
}

/// Where RFC 6962 splits the leaves `start..end` (at least two): after the largest power of two below their number.
fn split(start: u64, end: u64) -> u64 {
    start + (1 << (end - start - 1).ilog2())
}

/// The complete subtrees (level, index) that make up the leaves `start..end`, from left to right. `start` is where such a
/// range begins in RFC 6962: a multiple of a power of two that is not below the number of leaves.
fn complete_subtrees(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let level = (end - at).checked_ilog2()?;
        let index = at >> level;
        at += 1 << level;
        // A level is below 64.
        Some((level as u8, index))
    })
}

/// The Merkle hash of the leaves `start..end`, at least one.
fn range_root(hashes: &impl HashReader, start: u64, end: u64) -> Result<Hash, Unread> {
    let parts = complete_subtrees(start, end)
        .map(|(level, index)| hashes.hash(level, index))
        .collect::<Result<Vec<_>, Unread>>()?;
    Ok(join_from_right(parts.into_iter()).unwrap_or_else(empty_root))
}

/// Joins subtrees, given from left to right, into one hash; the smallest are on the right and are joined first.
fn join_from_right(parts: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    parts.rev().reduce(|right, left| node_hash(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Every complete subtree of a small tree, and the roots at each size.
    struct Whole {
        hashes: HashMap<(u8, u64), Hash>,
        roots: Vec<Hash>,
        leaves: Vec<Hash>,
    }

    impl Whole {
        fn of(leaves: impl Iterator<Item = Vec<u8>>) -> Self {
            let mut whole = Self {
                hashes: HashMap::new(),
                roots: vec![empty_root()],
                leaves: Vec::new(),
            };
            let mut tree = Tree::new();
            for leaf in leaves {
                let hash = leaf_hash(&leaf);
                tree.append_with(hash, |level, index, hash| {
                    assert_eq!(whole.hashes.insert((level, index), hash), None);
                });
                whole.leaves.push(hash);
                whole.roots.push(tree.root());
            }
            whole
        }

        fn numbered(count: u64) -> Self {
            Self::of((0..count).map(|n| n.to_be_bytes().to_vec()))
        }

        fn reader(&self) -> impl HashReader {
            |level, index| self.hashes.get(&(level, index)).copied()
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// RFC 6962 as it is written: MTH over a slice.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let at = split(0, many.len() as u64) as usize;
                node_hash(&by_definition(&many[..at]), &by_definition(&many[at..]))
            }
        }
    }

    #[test]
    fn the_eight_classic_leaves_have_their_known_roots() {
        // The vectors of the first Certificate Transparency implementation, used by all of them since.
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let whole = Whole::of(leaves.iter().map(|leaf| hex(leaf)));
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(whole.roots[size].0.to_vec(), hex(root), "size {size}");
        }
    }

    #[test]
    fn every_proof_of_every_small_tree_holds_and_for_no_other_place() {
        let whole = Whole::numbered(70);
        for size in 0..=70u64 {
            let root_here = whole.roots[size as usize];
            assert_eq!(by_definition(&whole.leaves[..size as usize]), root_here);
            assert_eq!(root(&whole.reader(), size).unwrap(), root_here);
            for index in 0..size {
                let proof = inclusion_proof(&whole.reader(), index, size).unwrap();
                let leaf = whole.leaves[index as usize];
                verify_inclusion(index, size, &leaf, &proof, &root_here).unwrap();
                for other in (0..size).filter(|other| *other != index) {
                    assert!(verify_inclusion(other, size, &leaf, &proof, &root_here).is_err());
                }
                let mut longer = proof.clone();
                longer.push(root_here);
                assert!(verify_inclusion(index, size, &leaf, &longer, &root_here).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_inclusion(index, size, &leaf, shorter, &root_here).is_err());
                }
            }
            for old in 0..=size {
                let old_root = whole.roots[old as usize];
                let proof = consistency_proof(&whole.reader(), old, size).unwrap();
                verify_consistency(old, &old_root, size, &root_here, &proof).unwrap();
                let mut longer = proof.clone();
                longer.push(root_here);
                assert!(verify_consistency(old, &old_root, size, &root_here, &longer).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_consistency(old, &old_root, size, &root_here, shorter).is_err());
                }
                if old > 0 {
                    assert!(
                        verify_consistency(old, &leaf_hash(b"?"), size, &root_here, &proof)
                            .is_err()
                    );
                    assert!(
                        verify_consistency(old, &old_root, size, &leaf_hash(b"?"), &proof).is_err()
                    );
                }
            }
        }
    }

    #[test]
    fn the_empty_tree_is_the_beginning_of_every_tree_but_only_with_its_own_root() {
        let other = leaf_hash(b"other");
        verify_consistency(0, &empty_root(), 9, &other, &[]).unwrap();
        verify_consistency(0, &empty_root(), 0, &empty_root(), &[]).unwrap();
        assert_eq!(
            verify_consistency(0, &other, 9, &other, &[]),
            Err(ProofError::WrongRoot { size: 0 })
        );
        assert_eq!(
            verify_consistency(0, &empty_root(), 0, &other, &[]),
            Err(ProofError::WrongRoot { size: 0 })
        );
        assert_eq!(
            verify_consistency(0, &empty_root(), 9, &other, &[other]),
            Err(ProofError::Length { given: 1 })
        );
        let shrunk = ProofError::OldIsLarger { old: 1, new: 0 };
        assert_eq!(
            verify_consistency(1, &other, 0, &empty_root(), &[]),
            Err(shrunk)
        );
        assert_eq!(
            verify_inclusion(0, 0, &other, &[], &empty_root()),
            Err(ProofError::OutsideTree { index: 0, size: 0 })
        );
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        // The tree in which all leaves are the same: so are all complete subtrees of one height.
        let same = |level: u8, _: u64| {
            Some((0..level).fold(leaf_hash(b"same"), |hash, _| node_hash(&hash, &hash)))
        };
        for (index, size) in [
            (0, u64::MAX),
            (u64::MAX - 1, u64::MAX),
            (1 << 63, u64::MAX),
            (0, 1 << 63),
            (5, (1 << 63) + 1),
        ] {
            let proof = inclusion_proof(&same, index, size).unwrap();
            assert!(proof.len() <= MAX_PROOF_HASHES);
            let new_root = root(&same, size).unwrap();
            verify_inclusion(index, size, &leaf_hash(b"same"), &proof, &new_root).unwrap();
            let proof = consistency_proof(&same, index + 1, size).unwrap();
            assert!(proof.len() <= MAX_PROOF_HASHES);
            let old_root = root(&same, index + 1).unwrap();
            verify_consistency(index + 1, &old_root, size, &new_root, &proof).unwrap();
        }
        assert!(Tree::load(u64::MAX, &same).is_err());
    }

    #[test]
    fn a_loaded_tree_grows_like_the_one_that_was_never_stopped() {
        let whole = Whole::numbered(40);
        for stop in 0..40u64 {
            let mut tree = Tree::load(stop, &whole.reader()).unwrap();
            assert_eq!(tree.frontier().len() as u32, stop.count_ones());
            for index in stop..40 {
                assert_eq!(tree.append(whole.leaves[index as usize]), index);
            }
            assert_eq!((tree.size(), tree.root()), (40, whole.roots[40]));
        }
        let missing = Tree::load(41, &whole.reader()).unwrap_err();
        assert_eq!((missing.level, missing.index), (0, 40));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn proofs_of_random_trees_hold(size in 1u64..3000, picks in prop::collection::vec(any::<u64>(), 20)) {
            let whole = Whole::numbered(size);
            for pick in picks {
                let at = pick % (size + 1);
                let index = at.saturating_sub(1);
                let smaller = whole.roots[at as usize];
                let larger = whole.roots[size as usize];
                let proof = inclusion_proof(&whole.reader(), index, size).unwrap();
                prop_assert!(verify_inclusion(index, size, &whole.leaves[index as usize], &proof, &larger).is_ok());
                prop_assert!(verify_inclusion(index, size, &leaf_hash(b"no"), &proof, &larger).is_err());
                let proof = consistency_proof(&whole.reader(), at, size).unwrap();
                prop_assert!(verify_consistency(at, &smaller, size, &larger, &proof).is_ok());
            }
        }

        #[test]
        fn no_proof_makes_the_checks_panic(
            one in any::<u64>(),
            two in any::<u64>(),
            hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
            let root = empty_root();
            prop_assert!(verify_inclusion(one, two, &root, &proof, &root).is_err());
            let _ = verify_consistency(one, &root, two, &root, &proof);
            let _ = verify_consistency(one % 9, &root, two % 9, &root, &proof);
        }
    }
}
