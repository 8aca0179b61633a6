//! Sixteen boxes against one: AVX-512, AVX2 and plain paths that answer alike. What is built on it is the walk through a tree of boxes, and the search for edges that meet.
//!
//! This is the only module with unsafe code: vector loads from arrays whose length and alignment the type fixes, and calls of functions that need a processor feature, behind the check for it.
#![allow(unsafe_code)]

use crate::edges::{Borders, Pair};
use crate::index::tree::{self, Box4, Candidate, Tree};

/// Boxes that are compared at once.
pub(crate) const LANES: usize = 16;

/// A box of whole numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoxOf<const D: usize> {
    pub(crate) low: [i32; D],
    pub(crate) high: [i32; D],
}

/// Sixteen boxes, one array a side and dimension. A lane without a box meets nothing.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(crate) struct Lanes<const D: usize> {
    pub(crate) low: [[i32; LANES]; D],
    pub(crate) high: [[i32; LANES]; D],
}

impl<const D: usize> Lanes<D> {
    pub(crate) const EMPTY: Self = Self {
        low: [[i32::MAX; LANES]; D],
        high: [[i32::MIN; LANES]; D],
    };

    pub(crate) fn set(&mut self, lane: usize, b: &BoxOf<D>) {
        for d in 0..D {
            self.low[d][lane] = b.low[d];
            self.high[d][lane] = b.high[d];
        }
    }

    #[inline(always)]
    pub(crate) fn lane(&self, lane: usize) -> BoxOf<D> {
        BoxOf {
            low: std::array::from_fn(|d| self.low[d][lane]),
            high: std::array::from_fn(|d| self.high[d][lane]),
        }
    }
}

/// The numbers of the lanes of a mask, lowest first.
#[inline(always)]
pub(crate) fn lanes(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let lane = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            lane
        })
    })
}

/// Which instructions the walk uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// No vector instructions.
    Scalar,
    /// Two passes of eight lanes.
    Avx2,
    /// One pass of sixteen lanes.
    Avx512,
}

impl Path {
    /// The paths that this processor has, fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
            if std::is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }

    /// The fastest path that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Scalar)
    }
}

/// Collects the items of a tree whose boxes meet a box.
pub(crate) fn collect(path: Path, tree: &Tree, query: &Box4, out: &mut Vec<Candidate>) {
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Path::Avx512` is only made by `Path::available` after the feature was detected; see `checked`.
        Path::Avx512 => unsafe { collect_avx512(tree, query, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, for AVX2.
        Path::Avx2 => unsafe { collect_avx2(tree, query, out) },
        _ => tree::body(tree, out, |node| mask_scalar(node, query)),
    }
}

/// Takes the second ring of a pair in and says how the borders of both meet.
#[inline(always)]
pub(crate) fn borders(
    pair: &mut Pair,
    vertices: impl ExactSizeIterator<Item = [i32; 2]>,
    common: &BoxOf<2>,
) -> Borders {
    match pair.path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as for `collect`.
        Path::Avx512 => unsafe { borders_avx512(pair, vertices, common) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as for `collect`.
        Path::Avx2 => unsafe { borders_avx2(pair, vertices, common) },
        _ => pair.borders(vertices, common, mask_scalar),
    }
}

/// A path that this processor has: the one asked for, or the plain one.
pub(crate) fn checked(path: Path) -> Path {
    if Path::available().contains(&path) {
        path
    } else {
        Path::Scalar
    }
}

/// Asks the processor to fetch what will be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of a valid reference; it has no effect that a program could see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

#[inline(always)]
fn mask_scalar<const D: usize>(boxes: &Lanes<D>, query: &BoxOf<D>) -> u16 {
    let mut mask = 0;
    for lane in 0..LANES {
        let mut meets = true;
        for d in 0..D {
            meets &= (boxes.low[d][lane] <= query.high[d]) & (boxes.high[d][lane] >= query.low[d]);
        }
        mask |= u16::from(meets) << lane;
    }
    mask
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn mask_avx512<const D: usize>(boxes: &Lanes<D>, query: &BoxOf<D>) -> u16 {
    use std::arch::x86_64::{
        _mm512_load_si512, _mm512_mask_cmpge_epi32_mask, _mm512_mask_cmple_epi32_mask,
        _mm512_set1_epi32,
    };
    // SAFETY: each array is sixteen i32, 64 bytes, and `Lanes` is aligned to 64 bytes.
    let load = |lanes: &[i32; LANES]| unsafe { _mm512_load_si512(lanes.as_ptr().cast()) };
    let mut mask = u16::MAX;
    for d in 0..D {
        let (high, low) = (
            _mm512_set1_epi32(query.high[d]),
            _mm512_set1_epi32(query.low[d]),
        );
        mask = _mm512_mask_cmple_epi32_mask(mask, load(&boxes.low[d]), high);
        mask = _mm512_mask_cmpge_epi32_mask(mask, load(&boxes.high[d]), low);
    }
    mask
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn mask_avx2<const D: usize>(boxes: &Lanes<D>, query: &BoxOf<D>) -> u16 {
    use std::arch::x86_64::{
        _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_load_si256, _mm256_movemask_ps,
        _mm256_or_si256, _mm256_set1_epi32, _mm256_setzero_si256,
    };
    let half = |at: usize| {
        // SAFETY: eight i32 from lane 0 or 8 of an array of sixteen, 32-byte aligned because `Lanes` is aligned to 64 bytes.
        let load =
            |lanes: &[i32; LANES]| unsafe { _mm256_load_si256(lanes.as_ptr().add(at).cast()) };
        let mut apart = _mm256_setzero_si256();
        for d in 0..D {
            let (high, low) = (
                _mm256_set1_epi32(query.high[d]),
                _mm256_set1_epi32(query.low[d]),
            );
            apart = _mm256_or_si256(apart, _mm256_cmpgt_epi32(load(&boxes.low[d]), high));
            apart = _mm256_or_si256(apart, _mm256_cmpgt_epi32(low, load(&boxes.high[d])));
        }
        !_mm256_movemask_ps(_mm256_castsi256_ps(apart)) as u16 & 0xff
    };
    half(0) | (half(8) << 8)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn collect_avx512(tree: &Tree, query: &Box4, out: &mut Vec<Candidate>) {
    tree::body(tree, out, |node| mask_avx512(node, query));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn collect_avx2(tree: &Tree, query: &Box4, out: &mut Vec<Candidate>) {
    tree::body(tree, out, |node| mask_avx2(node, query));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn borders_avx512(
    pair: &mut Pair,
    vertices: impl ExactSizeIterator<Item = [i32; 2]>,
    common: &BoxOf<2>,
) -> Borders {
    pair.borders(vertices, common, |boxes: &Lanes<2>, query: &BoxOf<2>| {
        mask_avx512(boxes, query)
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn borders_avx2(
    pair: &mut Pair,
    vertices: impl ExactSizeIterator<Item = [i32; 2]>,
    common: &BoxOf<2>,
) -> Borders {
    pair.borders(vertices, common, |boxes: &Lanes<2>, query: &BoxOf<2>| {
        mask_avx2(boxes, query)
    })
}
