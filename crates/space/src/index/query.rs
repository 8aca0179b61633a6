//! Questions and answers.

use std::cell::Cell;
use std::cmp::Reverse;

use super::tree::{Box4, Candidate};
use super::{HALF_TURN, Snapshot, VolumeId};
use crate::altitude::Band;
use crate::error::InputError;
use crate::geodesy;
use crate::shape::{self, Part, Scratch};
use crate::simd::{self, collect};
use crate::units::{E8, GeoBox, Position, UtcMs, Window};
use crate::verdict::{self, Body, Judgement, Piece, Rules, Verdict};
use crate::volume::Volume;

/// Furthest that [`Snapshot::nearest`] looks, metres.
pub const NEAREST_M_MAX: f64 = 500_000.0;

/// Room that is made for hits with the first one.
const HITS_USUAL: usize = 8;

/// How a question is put: by whom, as of when, with what allowance for clocks.
#[derive(Debug, Clone, Copy)]
pub struct Ask<F> {
    as_of: Option<u64>,
    rules: Rules,
    readable: F,
}

impl Ask<fn(VolumeId) -> bool> {
    /// By someone who may read everything.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            as_of: None,
            rules: Rules::default(),
            readable: |_| true,
        }
    }
}

impl<F: Fn(VolumeId) -> bool> Ask<F> {
    /// By someone who may read what the filter lets through. It is asked inside the query, before anything about a volume is computed: a volume that it hides leaves no trace in the answer. It does cost the time of its box; whoever must hide that too pads the answer or keeps an index for each audience.
    pub fn by(readable: F) -> Self {
        Self {
            as_of: None,
            rules: Rules::default(),
            readable,
        }
    }

    /// As of an earlier position of the log.
    #[must_use]
    pub fn as_of(mut self, position: u64) -> Self {
        self.as_of = Some(position);
        self
    }

    /// With an allowance for clocks.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
}

/// An answer, with the log position it was computed at.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The log position this answer belongs to.
    pub position: u64,
    /// False when the question reaches back to times whose ended volumes were let go.
    pub complete: bool,
    /// All hits; there is no limit.
    pub hits: Vec<T>,
}

/// A volume that meets the one asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conflict {
    /// Which.
    pub id: VolumeId,
    /// How, where and when; the most serious of all its parts and legs.
    pub judgement: Judgement,
}

/// A volume that holds the place asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Which.
    pub id: VolumeId,
    /// Inside, on the border, or in doubt.
    pub verdict: Verdict,
}

/// A volume near the place asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Which.
    pub id: VolumeId,
    /// How far along the ellipsoid, metres; 0 inside.
    pub metres: f64,
    /// Its nearest place; for a movement, its centre.
    pub place: Position,
}

/// Buffers that a thread uses again and again.
#[derive(Debug, Default)]
struct Buffers {
    candidates: Vec<Candidate>,
    scratch: Scratch,
    edges: Vec<[[i64; 2]; 2]>,
    vertices: Vec<[i32; 2]>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// Runs with this thread's buffers. A filter that puts a question of its own gets fresh ones.
fn with_buffers<T>(work: impl FnOnce(&mut Buffers) -> T) -> T {
    let mut buffers = BUFFERS.take().unwrap_or_default();
    let result = work(&mut buffers);
    BUFFERS.set(Some(buffers));
    result
}

impl Snapshot {
    /// Which volumes meet this one, in the order of their names.
    pub fn conflicts<F: Fn(VolumeId) -> bool>(
        &self,
        volume: &Volume,
        ask: &Ask<F>,
    ) -> Answer<Conflict> {
        let mut hits: Vec<Conflict> = Vec::new();
        for piece in volume.pieces() {
            self.meet(&piece, ask, |id, judgement| {
                if hits.capacity() == 0 {
                    hits.reserve(HITS_USUAL);
                }
                hits.push(Conflict { id, judgement });
            });
        }
        if hits.len() > 1 {
            let first = |c: &Conflict| {
                let witness = c.judgement.witness.map(|w| (w.from, w.place));
                (Reverse(c.judgement.verdict), witness)
            };
            hits.sort_unstable_by(|a, b| a.id.cmp(&b.id).then_with(|| first(a).cmp(&first(b))));
            hits.dedup_by_key(|c| c.id);
        }
        self.answer(ask, volume.window().start(), hits)
    }

    /// Which volumes are active in a box during a window, whatever their heights.
    pub fn active<F: Fn(VolumeId) -> bool>(
        &self,
        area: &GeoBox,
        window: Window,
        ask: &Ask<F>,
    ) -> Answer<Conflict> {
        let volume = Volume {
            parts: vec![Part::rectangle(area)],
            legs: Vec::new(),
            band: Band::ALL,
            window,
            datum_known: true,
        };
        self.conflicts(&volume, ask)
    }

    /// Which volumes hold a place at an instant, at a height if one is given (above the ellipsoid).
    pub fn holding<F: Fn(VolumeId) -> bool>(
        &self,
        place: Position,
        at: UtcMs,
        height: Option<Band>,
        ask: &Ask<F>,
    ) -> Answer<Holder> {
        let mut hits: Vec<Holder> = Vec::new();
        let (low, high) = height.map_or((i32::MIN, i32::MAX), |h| (h.low, h.high));
        let (x, y) = (place.lon_e8(), place.lat_e8());
        let (first, second) = Box4::outward([x, y, x, y], at.0, at.0.saturating_add(1), low, high);
        for box4 in std::iter::once(first).chain(second) {
            self.visit(&box4, ask, |id, piece, _| {
                let verdict = verdict::holds(piece, place, at, height);
                if verdict.is_conflict() {
                    hits.push(Holder { id, verdict });
                }
            });
        }
        if hits.len() > 1 {
            hits.sort_unstable_by_key(|h| (h.id, Reverse(h.verdict)));
            hits.dedup_by_key(|h| h.id);
        }
        self.answer(ask, at, hits)
    }

    /// Which volumes are active at an instant and no further from a place than given, nearest first.
    ///
    /// # Errors
    /// A distance that is not between 0 and [`NEAREST_M_MAX`] metres.
    pub fn nearest<F: Fn(VolumeId) -> bool>(
        &self,
        place: Position,
        at: UtcMs,
        within_m: f64,
        ask: &Ask<F>,
    ) -> Result<Answer<Near>, InputError> {
        if !(0.0..=NEAREST_M_MAX).contains(&within_m) {
            return Err(InputError::SizeOutOfRange {
                what: "distance",
                metres: within_m,
                min: 0.0,
                max: NEAREST_M_MAX,
            });
        }
        let [dlon, dlat] = geodesy::reach_degrees(place.lat(), within_m);
        let e8 = |d: f64| libm::ceil(d * E8 as f64) as i64;
        let (x, y) = (place.lon_e8(), place.lat_e8());
        let half = e8(dlon).min(HALF_TURN);
        let mut bounds = [
            x - half,
            (y - e8(dlat)).max(-90 * E8),
            x + half,
            (y + e8(dlat)).min(90 * E8),
        ];
        let home = (bounds[0] + HALF_TURN).rem_euclid(2 * HALF_TURN) - HALF_TURN - bounds[0];
        bounds[0] += home;
        bounds[2] += home;
        let mut hits: Vec<Near> = Vec::new();
        let (first, second) =
            Box4::outward(bounds, at.0, at.0.saturating_add(1), i32::MIN, i32::MAX);
        for box4 in std::iter::once(first).chain(second) {
            self.visit(&box4, ask, |id, piece, _| {
                if let Some((metres, nearest)) = verdict::distance(piece, place, at, within_m) {
                    hits.push(Near {
                        id,
                        metres,
                        place: shape::place(nearest),
                    });
                }
            });
        }
        hits.sort_unstable_by(|a, b| a.id.cmp(&b.id).then(a.metres.total_cmp(&b.metres)));
        hits.dedup_by_key(|n| n.id);
        hits.sort_by(|a, b| a.metres.total_cmp(&b.metres).then(a.id.cmp(&b.id)));
        Ok(self.answer(ask, at, hits))
    }

    fn position_of<F>(&self, ask: &Ask<F>) -> u64 {
        ask.as_of.map_or(self.position, |p| p.min(self.position))
    }

    fn answer<T, F>(&self, ask: &Ask<F>, earliest: UtcMs, hits: Vec<T>) -> Answer<T> {
        let reach = earliest.0.saturating_sub(ask.rules.clock_ms.max(0));
        Answer {
            position: self.position_of(ask),
            complete: reach >= self.horizon,
            hits,
        }
    }

    /// Judges every candidate for one piece. A volume may be reported several times.
    #[inline]
    fn meet<F: Fn(VolumeId) -> bool>(
        &self,
        piece: &Piece<'_>,
        ask: &Ask<F>,
        mut report: impl FnMut(VolumeId, Judgement),
    ) {
        let bounds = match &piece.body {
            Body::Part(part) => part.bounds,
            Body::Leg(leg) => leg.bounds,
        };
        let clock = ask.rules.clock_ms.max(0);
        let start = piece.window.start.saturating_sub(clock);
        let end = piece.window.end.saturating_add(clock);
        let (first, second) = Box4::outward(bounds, start, end, piece.band.low, piece.band.high);
        let mut asked = false;
        for box4 in std::iter::once(first).chain(second) {
            self.visit(&box4, ask, |id, other, (scratch, edges)| {
                if !std::mem::replace(&mut asked, true) {
                    scratch.ask(piece, self.path);
                }
                let judgement = verdict::judge(piece, other, ask.rules, scratch, edges);
                if judgement.verdict.is_conflict() {
                    report(id, judgement);
                }
            });
        }
    }

    /// Visits the items whose boxes meet a box, that stand at the position asked about and that the reader may see.
    #[inline]
    fn visit<F: Fn(VolumeId) -> bool>(
        &self,
        box4: &Box4,
        ask: &Ask<F>,
        mut f: impl FnMut(VolumeId, &Piece<'_>, (&mut Scratch, &mut Vec<[[i64; 2]; 2]>)),
    ) {
        let position = self.position_of(ask);
        with_buffers(
            |Buffers {
                 candidates,
                 scratch,
                 edges,
                 vertices,
             }| {
                candidates.clear();
                collect(self.path, &self.main.tree, box4, candidates);
                for c in candidates.iter() {
                    self.main.prefetch(c.at);
                }
                // What was asked for comes while the small trees are walked.
                let runs = [&*self.delta, &self.tail];
                let ends = runs.map(|run| {
                    let start = candidates.len();
                    collect(self.path, &run.tree, box4, candidates);
                    for c in &candidates[start..] {
                        simd::prefetch(&*run.items[c.item as usize]);
                    }
                    start
                });
                for c in &candidates[..ends[0]] {
                    if let Some(id) = self.main.standing(c, position)
                        && (ask.readable)(id)
                    {
                        f(id, &self.main.piece(c, vertices), (scratch, edges));
                    }
                }
                for (run, range) in runs
                    .iter()
                    .zip([ends[0]..ends[1], ends[1]..candidates.len()])
                {
                    for c in &candidates[range] {
                        if let Some(id) = run.standing(c.item, position)
                            && (ask.readable)(id)
                        {
                            f(id, &run.items[c.item as usize].piece(), (scratch, edges));
                        }
                    }
                }
            },
        );
    }
}
