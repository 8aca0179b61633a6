//! Exact predicates on integers. Nothing here rounds.

use std::cmp::Ordering;

/// The width in which products of two coordinate differences are formed.
pub(crate) trait Width {
    /// Sign of `a.x * b.y - a.y * b.x`.
    fn cross(a: [i64; 2], b: [i64; 2]) -> Ordering;
}

/// Differences below 2³¹: products fit 64 bits.
pub(crate) struct Narrow;
/// Any coordinates: products in 128 bits.
pub(crate) struct Wide;

impl Width for Narrow {
    #[inline(always)]
    fn cross(a: [i64; 2], b: [i64; 2]) -> Ordering {
        (a[0] * b[1] - a[1] * b[0]).cmp(&0)
    }
}

impl Width for Wide {
    #[inline(always)]
    fn cross(a: [i64; 2], b: [i64; 2]) -> Ordering {
        (i128::from(a[0]) * i128::from(b[1])).cmp(&(i128::from(a[1]) * i128::from(b[0])))
    }
}

#[inline(always)]
pub(crate) fn minus(a: [i64; 2], b: [i64; 2]) -> [i64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// `Greater` when `r` lies left of the line from `p` to `q`.
#[inline(always)]
pub(crate) fn side<W: Width>(p: [i64; 2], q: [i64; 2], r: [i64; 2]) -> Ordering {
    W::cross(minus(q, p), minus(r, p))
}

#[inline(always)]
fn in_box(p: [i64; 2], q: [i64; 2], r: [i64; 2]) -> bool {
    r[0] >= p[0].min(q[0])
        && r[0] <= p[0].max(q[0])
        && r[1] >= p[1].min(q[1])
        && r[1] <= p[1].max(q[1])
}

/// Whether `r` lies on the closed segment from `p` to `q`.
#[inline(always)]
pub(crate) fn on_segment<W: Width>(p: [i64; 2], q: [i64; 2], r: [i64; 2]) -> bool {
    in_box(p, q, r) && side::<W>(p, q, r) == Ordering::Equal
}

/// How two segments meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contact {
    None,
    /// They share a point that is an end of at least one of them (this includes shared stretches).
    Touch([i64; 2]),
    /// They cross in the inside of both.
    Cross,
}

/// How the closed segments `p q` and `r s` meet.
#[inline(always)]
pub(crate) fn contact<W: Width>(p: [i64; 2], q: [i64; 2], r: [i64; 2], s: [i64; 2]) -> Contact {
    let (d1, d2) = (side::<W>(p, q, r), side::<W>(p, q, s));
    if d1 == d2 && d1 != Ordering::Equal {
        return Contact::None;
    }
    let (d3, d4) = (side::<W>(r, s, p), side::<W>(r, s, q));
    if d3 == d4 && d3 != Ordering::Equal {
        return Contact::None;
    }
    if d1 != Ordering::Equal
        && d2 != Ordering::Equal
        && d3 != Ordering::Equal
        && d4 != Ordering::Equal
    {
        return Contact::Cross;
    }
    let ends = [(d1, p, q, r), (d2, p, q, s), (d3, r, s, p), (d4, r, s, q)];
    for (side, from, to, point) in ends {
        if side == Ordering::Equal && in_box(from, to, point) {
            return Contact::Touch(point);
        }
    }
    Contact::None
}

/// Where two crossing segments meet, rounded to the grid. Coordinates below 2³⁷.
pub(crate) fn crossing(p: [i64; 2], q: [i64; 2], r: [i64; 2], s: [i64; 2]) -> [i64; 2] {
    let wide = |v: [i64; 2]| [i128::from(v[0]), i128::from(v[1])];
    let (d, e, f) = (wide(minus(q, p)), wide(minus(s, r)), wide(minus(r, p)));
    let denominator = d[0] * e[1] - d[1] * e[0];
    if denominator == 0 {
        return r;
    }
    let numerator = f[0] * e[1] - f[1] * e[0];
    let round = |n: i128| {
        let (n, m) = if denominator < 0 {
            (-n, -denominator)
        } else {
            (n, denominator)
        };
        (2 * n + m).div_euclid(2 * m) as i64
    };
    [
        p[0] + round(d[0] * numerator),
        p[1] + round(d[1] * numerator),
    ]
}

/// Where a point lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locus {
    Inside,
    Edge,
    Outside,
}

/// Winding number of a ring about a point; `None` on the ring. Half-open rule in latitude: a ray through a vertex counts it once.
#[inline(always)]
pub(crate) fn winding<W: Width>(
    ring: impl Iterator<Item = ([i64; 2], [i64; 2])>,
    p: [i64; 2],
) -> Option<i32> {
    let mut turns = 0;
    for (a, b) in ring {
        if (a[1] > p[1]) == (b[1] > p[1]) {
            // Both above, or both at or below: only a level edge through the point matters.
            if a[1].max(b[1]) == p[1] && (a == p || b == p || (a[1] == b[1] && in_box(a, b, p))) {
                return None;
            }
            continue;
        }
        match (side::<W>(a, b, p), b[1] > a[1]) {
            (Ordering::Equal, _) => return None,
            (Ordering::Greater, true) => turns += 1,
            (Ordering::Less, false) => turns -= 1,
            _ => {}
        }
    }
    Some(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_meet_in_every_way_there_is() {
        let c = |p, q, r, s| contact::<Narrow>(p, q, r, s);
        assert_eq!(c([0, 0], [4, 4], [0, 4], [4, 0]), Contact::Cross);
        assert_eq!(c([0, 0], [4, 4], [2, 2], [4, 0]), Contact::Touch([2, 2]));
        assert_eq!(c([0, 0], [4, 0], [2, 0], [6, 0]), Contact::Touch([2, 0]));
        assert_eq!(c([0, 0], [4, 0], [5, 0], [6, 0]), Contact::None);
        assert_eq!(c([0, 0], [4, 0], [5, -1], [5, 1]), Contact::None);
        assert_eq!(crossing([0, 0], [4, 4], [0, 4], [4, 0]), [2, 2]);
    }

    /// Trap 13.
    #[test]
    fn floating_point_misjudges_2164_of_4096_sides_and_integers_none() {
        let (unit, half) = (1i64 << 53, 1i64 << 52);
        let (mut float_wrong, mut wrong) = (0, 0);
        for i in 0..64i64 {
            for j in 0..64i64 {
                let truth = j.cmp(&i);
                let (x, y) = (0.5 + i as f64 / unit as f64, 0.5 + j as f64 / unit as f64);
                let float = (12.0 - x) * (24.0 - y) - (12.0 - y) * (24.0 - x);
                float_wrong += i32::from(float.partial_cmp(&0.0) != Some(truth));
                let got = side::<Wide>(
                    [12 * unit, 12 * unit],
                    [24 * unit, 24 * unit],
                    [half + i, half + j],
                );
                wrong += i32::from(got != truth);
            }
        }
        assert_eq!((float_wrong, wrong), (2164, 0));
    }

    #[test]
    fn both_widths_agree_at_the_limit_of_the_narrow_one() {
        let far = 2_000_000_000;
        for a in [[far, 1 - far], [-far, far], [far - 1, far]] {
            for b in [[far, far], [1 - far, far - 1], [far, -far]] {
                assert_eq!(Narrow::cross(a, b), Wide::cross(a, b));
            }
        }
    }
}
