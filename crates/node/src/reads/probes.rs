//! Which ground one account checked within the last hour. Many checks that overlap find out where something lies which each of
//! them alone does not tell.
//!
//! Compared are boxes around what was asked, in place alone. Not in time and height: a site stands at all times and mostly at all
//! heights, so that whoever cuts these into slices probes one place as well. And not by the engine: a box is never smaller than what
//! it stands for, costs a few comparisons, and keeps less of what somebody plans than his question does. A box that is too large
//! costs somebody a look, and nothing else.

use super::{UtcMs, within};
use space::{GeoBox, Volume};
use std::collections::VecDeque;

/// So many earlier checks of the last hour that overlap with a new one are out of the ordinary. Somebody who plans a road by hand
/// asks a few times about it.
pub const OVERLAPS_MIN: usize = 20;
/// Checks that are remembered of one account.
pub const CHECKS_KEPT_MAX: usize = 512;
/// Boxes that are remembered of one account, over all of its checks.
const BOXES_KEPT_MAX: usize = 4_096;
/// The whole circle in units of 1e-8 degree.
const TURN_E8: i64 = 36_000_000_000;

/// The ground of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe(Vec<Box4>);

/// West, south, east, north in units of 1e-8 degree; east is never below west.
type Box4 = [i64; 4];

impl Probe {
    /// The ground of these volumes: of a route each leg by itself.
    #[must_use]
    pub fn of(volumes: &[Volume]) -> Self {
        Self(
            volumes
                .iter()
                .map(|volume| box_of(&volume.bounds()))
                .collect(),
        )
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| meet(a, b)))
    }
}

fn box_of(bounds: &GeoBox) -> Box4 {
    let (low, high) = (bounds.south_west(), bounds.north_east());
    let (west, east) = (low.lon_e8(), high.lon_e8());
    let east = if east < west { east + TURN_E8 } else { east };
    [west, low.lat_e8(), east, high.lat_e8()]
}

fn meet(a: &Box4, b: &Box4) -> bool {
    let beside = |turn: i64| a[0] <= b[2] + turn && b[0] + turn <= a[2];
    a[1] <= b[3] && b[1] <= a[3] && [0, TURN_E8, -TURN_E8].into_iter().any(beside)
}

/// The last hour of one account, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Probes {
    asked: VecDeque<(UtcMs, Probe)>,
    boxes: usize,
}

impl Probes {
    /// Takes in a check; with how many earlier ones of the hour it overlaps.
    pub fn add(&mut self, probe: Probe, now: UtcMs) -> usize {
        self.forget(now);
        let overlaps = self
            .asked
            .iter()
            .filter(|(_, earlier)| probe.meets(earlier));
        let overlaps = overlaps.count();
        self.boxes += probe.0.len();
        self.asked.push_back((now, probe));
        while self.asked.len() > CHECKS_KEPT_MAX || self.boxes > BOXES_KEPT_MAX {
            let Some((_, oldest)) = self.asked.pop_front() else {
                break;
            };
            self.boxes -= oldest.0.len();
        }
        overlaps
    }

    /// Whether anything of the last hour is remembered.
    pub fn is_alive(&mut self, now: UtcMs) -> bool {
        self.forget(now);
        !self.asked.is_empty()
    }

    fn forget(&mut self, now: UtcMs) {
        self.asked.retain(|(at, _)| within(*at, now));
        self.boxes = self.asked.iter().map(|(_, probe)| probe.0.len()).sum();
    }
}
