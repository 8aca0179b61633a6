//! The verdict on two volumes, with its witness.

use crate::altitude::Meet;
use crate::geodesy;
use crate::motion::{self, LegMeet};
use crate::shape::{self, AreaMeet, PartRef, PointLocus, Scratch};
use crate::simd::Path;
use crate::units::{Position, UtcMs, Window};
use crate::volume::Volume;
use crate::{altitude::Band, motion::Leg};

/// Whether two volumes meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// They share nothing.
    Clear,
    /// What is known does not decide it. Counts as a conflict.
    Indeterminate,
    /// They share a border and nothing else.
    Touch,
    /// They share space and time.
    Overlap,
}

impl Verdict {
    /// Everything but clear. What is undecided protects.
    #[must_use]
    pub const fn is_conflict(self) -> bool {
        !matches!(self, Self::Clear)
    }
}

/// Why a verdict is indeterminate, or how far from a meeting a clear one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// They meet as far as is known.
    Meeting,
    /// They meet if clocks differ by what they are allowed to.
    Clocks {
        /// Gap between the windows, milliseconds.
        gap_ms: i64,
    },
    /// Heights are not known well enough: no terrain, geoid or pressure.
    Heights,
    /// Coordinates without a stated datum.
    Datum,
    /// The closest approach is inside the error of the computation (a few centimetres).
    Precision,
    /// A ring that crosses or touches itself on the grid.
    Ring,
    /// Clear: the windows are apart by this, milliseconds; 0 when one ends as the other starts.
    ApartInTime {
        /// Gap, milliseconds.
        gap_ms: i64,
    },
    /// Clear: the bands are apart by this, centimetres.
    ApartInHeight {
        /// Gap, centimetres.
        gap_cm: i64,
    },
    /// Clear: they are apart on the ground while both are active. [`Volume::distance_m`] says how far.
    ApartOnGround,
}

/// Where, when and how two volumes meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Witness {
    /// A place of the meeting; for movements, the centre of the first at the closest approach.
    pub place: Position,
    /// First instant of the common window; for movements, the closest approach.
    pub from: UtcMs,
    /// End of the common window, not included; `None` when open.
    pub until: Option<UtcMs>,
    /// Lowest common height above the ellipsoid, centimetres; `i32::MIN` when unbounded.
    pub low_cm: i32,
    /// Highest common height above the ellipsoid, centimetres; `i32::MAX` when unbounded.
    pub high_cm: i32,
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not certain, or why clear.
    pub reason: Reason,
    /// Where and when; `None` when clear.
    pub witness: Option<Witness>,
}

/// What the judge has to allow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    /// How far the clocks of the two sides may differ, milliseconds (F3548: 5,000). A gap in time up to this is indeterminate. 0: none.
    pub clock_ms: i64,
}

/// One thing in one place at one time: a part of an area, or a leg.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Part(PartRef<'a>),
    Leg(&'a Leg),
}

/// A body with its time, heights and doubts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) body: Body<'a>,
    pub(crate) window: Window,
    pub(crate) band: Band,
    pub(crate) datum_known: bool,
}

impl Judgement {
    const fn clear(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Clear,
            reason,
            witness: None,
        }
    }

    /// The more serious of two.
    pub(crate) fn worse(self, other: Self) -> Self {
        if other.verdict > self.verdict {
            other
        } else {
            self
        }
    }
}

/// The verdict on two pieces, of which the buffers have been told the first.
#[inline]
pub(crate) fn judge(
    a: &Piece<'_>,
    b: &Piece<'_>,
    rules: Rules,
    scratch: &mut Scratch,
    edges: &mut Vec<[[i64; 2]; 2]>,
) -> Judgement {
    let gap = a.window.gap_ms(&b.window);
    if let Some(gap_ms) = gap
        && (rules.clock_ms <= 0 || gap_ms > rules.clock_ms)
    {
        return Judgement::clear(Reason::ApartInTime { gap_ms });
    }
    let heights = a.band.meet(&b.band);
    if let Meet::Apart { gap_cm } = heights {
        return Judgement::clear(Reason::ApartInHeight { gap_cm });
    }
    let (mut verdict, mut reason, place, at) = match (&a.body, &b.body) {
        (Body::Part(p), Body::Part(q)) => match shape::meet(p, q, scratch) {
            AreaMeet::Clear => return Judgement::clear(Reason::ApartOnGround),
            AreaMeet::Overlap(at) => (Verdict::Overlap, Reason::Meeting, at, None),
            AreaMeet::Touch(at) => (Verdict::Touch, Reason::Meeting, at, None),
            AreaMeet::Doubtful(at) => (Verdict::Indeterminate, Reason::Ring, at, None),
        },
        (Body::Leg(leg), Body::Part(part)) => {
            let met = during(leg.start, leg.end, &b.window, rules, |s, e| {
                motion::leg_and_part(leg, part, s, e, edges)
            });
            match moved(met, gap) {
                Ok(found) => found,
                Err(clear) => return clear,
            }
        }
        (Body::Part(part), Body::Leg(leg)) => {
            let met = during(leg.start, leg.end, &a.window, rules, |s, e| {
                motion::leg_and_part(leg, part, s, e, edges)
            });
            match moved(met, gap) {
                Ok(found) => found,
                Err(clear) => return clear,
            }
        }
        (Body::Leg(p), Body::Leg(q)) => {
            let exact = motion::leg_and_leg(p, q, 0);
            let met = if exact != LegMeet::Clear || rules.clock_ms <= 0 {
                (exact, None)
            } else {
                match motion::leg_and_leg(p, q, rules.clock_ms) {
                    LegMeet::Clear => (LegMeet::Clear, None),
                    LegMeet::Overlap { at_ms, place } | LegMeet::Doubtful { at_ms, place } => {
                        (LegMeet::Doubtful { at_ms, place }, Some(gap.unwrap_or(0)))
                    }
                }
            };
            match moved(met, gap) {
                Ok(found) => found,
                Err(clear) => return clear,
            }
        }
    };
    match heights {
        Meet::Doubtful => (verdict, reason) = (Verdict::Indeterminate, Reason::Heights),
        Meet::Touch if verdict == Verdict::Overlap => verdict = Verdict::Touch,
        Meet::Overlap | Meet::Touch | Meet::Apart { .. } => {}
    }
    if !(a.datum_known && b.datum_known) {
        (verdict, reason) = (Verdict::Indeterminate, Reason::Datum);
    }
    if let Some(gap_ms) = gap {
        (verdict, reason) = (Verdict::Indeterminate, Reason::Clocks { gap_ms });
    }
    let (low_cm, high_cm) = a.band.common(&b.band);
    let start = a.window.start.max(b.window.start);
    let end = a.window.end.min(b.window.end);
    let witness = Witness {
        place: shape::place(place),
        from: UtcMs(at.unwrap_or_else(|| start.min(end))),
        until: match (gap, end) {
            (None, i64::MAX) => None,
            (None, end) => Some(UtcMs(end)),
            (Some(_), _) => Some(UtcMs(start.max(end))),
        },
        low_cm,
        high_cm,
    };
    Judgement {
        verdict,
        reason,
        witness: Some(witness),
    }
}

/// Runs a test over the common time of a leg and a window; when it is clear and clocks may differ, over the time that they may share.
fn during(
    start: i64,
    end: i64,
    window: &Window,
    rules: Rules,
    mut test: impl FnMut(i64, i64) -> LegMeet,
) -> (LegMeet, Option<i64>) {
    let (from, until) = (start.max(window.start), end.min(window.end));
    let exact = if from < until {
        test(from, until)
    } else {
        LegMeet::Clear
    };
    if exact != LegMeet::Clear || rules.clock_ms <= 0 {
        return (exact, None);
    }
    let (from, until) = (
        start.max(window.start.saturating_sub(rules.clock_ms)),
        end.min(window.end.saturating_add(rules.clock_ms)),
    );
    if from > until {
        return (LegMeet::Clear, None);
    }
    match test(from, until) {
        LegMeet::Clear => (LegMeet::Clear, None),
        LegMeet::Overlap { at_ms, place } | LegMeet::Doubtful { at_ms, place } => {
            let gap = (window.start - at_ms).max(at_ms - window.end).max(0);
            (LegMeet::Doubtful { at_ms, place }, Some(gap))
        }
    }
}

type Moved = (Verdict, Reason, [i64; 2], Option<i64>);

fn moved((met, clocks): (LegMeet, Option<i64>), gap: Option<i64>) -> Result<Moved, Judgement> {
    match (met, clocks) {
        (LegMeet::Clear, _) => Err(Judgement::clear(
            gap.map_or(Reason::ApartOnGround, |gap_ms| Reason::ApartInTime {
                gap_ms,
            }),
        )),
        (LegMeet::Overlap { at_ms, place }, _) => {
            Ok((Verdict::Overlap, Reason::Meeting, place, Some(at_ms)))
        }
        (LegMeet::Doubtful { at_ms, place }, Some(gap_ms)) => Ok((
            Verdict::Indeterminate,
            Reason::Clocks { gap_ms },
            place,
            Some(at_ms),
        )),
        (LegMeet::Doubtful { at_ms, place }, None) => Ok((
            Verdict::Indeterminate,
            Reason::Precision,
            place,
            Some(at_ms),
        )),
    }
}

/// How a piece holds a place at an instant.
pub(crate) fn holds(
    piece: &Piece<'_>,
    place: Position,
    at: UtcMs,
    height: Option<Band>,
) -> Verdict {
    if at.0 < piece.window.start || at.0 >= piece.window.end {
        return Verdict::Clear;
    }
    let heights = height.map_or(Meet::Overlap, |h| piece.band.meet(&h));
    if let Meet::Apart { .. } = heights {
        return Verdict::Clear;
    }
    let p = [place.lon_e8(), place.lat_e8()];
    let verdict = match &piece.body {
        Body::Part(part) => match shape::locate(part, p) {
            PointLocus::Inside => Verdict::Overlap,
            PointLocus::Edge => Verdict::Touch,
            PointLocus::Outside => Verdict::Clear,
        },
        Body::Leg(leg) => match motion::leg_holds(leg, p, at.0) {
            LegMeet::Overlap { .. } => Verdict::Overlap,
            LegMeet::Doubtful { .. } => Verdict::Indeterminate,
            LegMeet::Clear => Verdict::Clear,
        },
    };
    match (verdict, heights) {
        (Verdict::Clear, _) => Verdict::Clear,
        (_, Meet::Doubtful) => Verdict::Indeterminate,
        _ if !piece.datum_known => Verdict::Indeterminate,
        (Verdict::Overlap, Meet::Touch) => Verdict::Touch,
        (verdict, _) => verdict,
    }
}

/// How far a piece is from a place at an instant, metres, when not further than `within_m`.
pub(crate) fn distance(
    piece: &Piece<'_>,
    place: Position,
    at: UtcMs,
    within_m: f64,
) -> Option<(f64, [i64; 2])> {
    if at.0 < piece.window.start || at.0 >= piece.window.end {
        return None;
    }
    let p = [place.lon_e8(), place.lat_e8()];
    match &piece.body {
        Body::Part(part) => motion::distance_to_part(p, part, within_m),
        Body::Leg(leg) => {
            let centre = leg.centre(at.0);
            let gap = (geodesy::distance_m(centre, p) - leg.radius_at_m(at.0)).max(0.0);
            (gap <= within_m).then_some((gap, centre))
        }
    }
}

impl Volume {
    /// Whether it holds a place at an instant, at a height if one is given. On the border is [`Verdict::Touch`].
    #[must_use]
    pub fn holds(&self, place: Position, at: UtcMs, height: Option<Band>) -> Verdict {
        self.pieces()
            .map(|piece| holds(&piece, place, at, height))
            .max()
            .unwrap_or(Verdict::Clear)
    }

    /// How far it is from a place at an instant, metres along the ellipsoid, 0 inside; `None` when it is not active or further than `within_m`.
    #[must_use]
    pub fn distance_m(&self, place: Position, at: UtcMs, within_m: f64) -> Option<f64> {
        self.pieces()
            .filter_map(|piece| distance(&piece, place, at, within_m))
            .map(|(metres, _)| metres)
            .min_by(f64::total_cmp)
    }

    /// Its parts and legs.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let still = self.parts.iter().map(|part| Piece {
            body: Body::Part(part.view()),
            window: self.window,
            band: self.band,
            datum_known: self.datum_known,
        });
        let moving = self.legs.iter().map(|leg| Piece {
            body: Body::Leg(leg),
            window: Window {
                start: leg.start,
                end: leg.end,
            },
            band: leg.band,
            datum_known: self.datum_known,
        });
        still.chain(moving)
    }

    /// The verdict on this volume and another. Exact for volumes that stay; for movements exact up to the stated error, inside of which it is indeterminate.
    #[must_use]
    pub fn judge(&self, other: &Self, rules: Rules) -> Judgement {
        if let Some(gap_ms) = self.window.gap_ms(&other.window)
            && (rules.clock_ms <= 0 || gap_ms > rules.clock_ms)
        {
            return Judgement::clear(Reason::ApartInTime { gap_ms });
        }
        let (mut scratch, mut edges) = (Scratch::default(), Vec::new());
        let mut found: Option<Judgement> = None;
        for a in self.pieces() {
            scratch.ask(&a, Path::best());
            for b in other.pieces() {
                let next = judge(&a, &b, rules, &mut scratch, &mut edges);
                if next.verdict == Verdict::Overlap {
                    return next;
                }
                found = Some(match found {
                    None => next,
                    // Of several ways to be clear, the one on the ground is the nearest to a meeting.
                    Some(old)
                        if old.verdict == Verdict::Clear
                            && next.reason == Reason::ApartOnGround =>
                    {
                        next
                    }
                    Some(old) => old.worse(next),
                });
            }
        }
        found.unwrap_or(Judgement::clear(Reason::ApartOnGround))
    }
}
