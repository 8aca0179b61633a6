//! Sixteen boxes against one, and the walk through a tree of them: AVX-512, AVX2 and plain paths that answer alike.
//!
//! This is the only module with unsafe code: vector loads from arrays whose length and alignment the type fixes, and calls of functions that need a processor feature, behind the check for it.
#![allow(unsafe_code)]

use super::tree::{Box4, Candidate, FAN, Node, Tree, body};

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
        _ => body(tree, query, out, |node| mask_scalar(node, query)),
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
fn mask_scalar(node: &Node, query: &Box4) -> u16 {
    let mut mask = 0;
    for lane in 0..FAN {
        let mut meets = true;
        for d in 0..4 {
            meets &= (node.low[d][lane] <= query.high[d]) & (node.high[d][lane] >= query.low[d]);
        }
        mask |= u16::from(meets) << lane;
    }
    mask
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn collect_avx512(tree: &Tree, query: &Box4, out: &mut Vec<Candidate>) {
    use std::arch::x86_64::{
        _mm512_cmple_epi32_mask, _mm512_load_si512, _mm512_mask_cmpge_epi32_mask,
        _mm512_mask_cmple_epi32_mask, _mm512_set1_epi32,
    };
    let high = query.high.map(|v| _mm512_set1_epi32(v));
    let low = query.low.map(|v| _mm512_set1_epi32(v));
    body(tree, query, out, |node| {
        // SAFETY: each array is sixteen i32, 64 bytes, and `Node` is aligned to 64 bytes.
        let load = |lanes: &[i32; FAN]| unsafe { _mm512_load_si512(lanes.as_ptr().cast()) };
        let mut mask = _mm512_cmple_epi32_mask(load(&node.low[0]), high[0]);
        mask = _mm512_mask_cmpge_epi32_mask(mask, load(&node.high[0]), low[0]);
        for d in 1..4 {
            mask = _mm512_mask_cmple_epi32_mask(mask, load(&node.low[d]), high[d]);
            mask = _mm512_mask_cmpge_epi32_mask(mask, load(&node.high[d]), low[d]);
        }
        mask
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn collect_avx2(tree: &Tree, query: &Box4, out: &mut Vec<Candidate>) {
    use std::arch::x86_64::{
        _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_load_si256, _mm256_movemask_ps,
        _mm256_or_si256, _mm256_set1_epi32, _mm256_setzero_si256,
    };
    let high = query.high.map(|v| _mm256_set1_epi32(v));
    let low = query.low.map(|v| _mm256_set1_epi32(v));
    body(tree, query, out, |node| {
        let half = |at: usize| {
            // SAFETY: eight i32 from lane 0 or 8 of an array of sixteen, 32-byte aligned because `Node` is aligned to 64 bytes.
            let load =
                |lanes: &[i32; FAN]| unsafe { _mm256_load_si256(lanes.as_ptr().add(at).cast()) };
            let mut apart = _mm256_setzero_si256();
            for d in 0..4 {
                apart = _mm256_or_si256(apart, _mm256_cmpgt_epi32(load(&node.low[d]), high[d]));
                apart = _mm256_or_si256(apart, _mm256_cmpgt_epi32(low[d], load(&node.high[d])));
            }
            !_mm256_movemask_ps(_mm256_castsi256_ps(apart)) as u16 & 0xff
        };
        half(0) | (half(8) << 8)
    });
}
