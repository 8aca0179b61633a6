//! What meets what was notified, in space and time.
//!
//! `convert` makes the engine's volumes of what was notified, never a smaller one. `index` holds, for each reader, what of that he
//! may read: it is fed from his own views and from nothing else, so that what he may not read costs no time and leaves no trace.
//! `events` keeps what was found to meet, so that each conflict is told once. `nearness` tells how near something that a report
//! places happened. `geojson` compares the features of a file with each other.

pub mod convert;
mod events;
pub mod geojson;
mod index;
pub mod nearness;

pub use events::{Conflict, Events};
pub use index::{Checked, Found, Index, Known, MEETS_MAX, Met, NotCompared, Noticed, Pair};

use space::{Reason, Rules, Verdict};
use truce::protection::UNCHANGED;

/// How far the clocks of two sides may differ, in milliseconds: a gap up to this decides nothing (ASTM F3548-21).
pub const CLOCKS_MS: i64 = 5_000;
/// Furthest that something which meets is looked for from the place of the meeting, in metres: the largest radius of a movement,
/// and what may be wrong with coordinates without a datum.
pub const APART_M_MAX: f64 = space::CORRIDOR_HALF_WIDTH_M_MAX + 1_000.0;
/// Stands with every answer.
pub const NO_CLEARANCE: &str = "A notice reserves no road and no place. That nothing is found is no clearance and no permission: it was \
     compared with what may be read here, and with nothing else; protected places may lie there that were never notified.";

/// What the engine allows for.
pub(crate) const RULES: Rules = Rules {
    clock_ms: CLOCKS_MS,
};

/// What stands with every answer, in one text.
#[must_use]
pub fn caution() -> String {
    format!("{NO_CLEARANCE} {UNCHANGED}")
}

/// The word for a verdict; `None` when it is clear, which nobody is told.
#[must_use]
pub fn word(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Overlap => Some("overlap"),
        Verdict::Touch => Some("touch"),
        Verdict::Indeterminate => Some("indeterminate"),
        Verdict::Clear => None,
    }
}

/// What a verdict rests on, in a word.
#[must_use]
pub fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Clocks { .. } => "clocks",
        Reason::Heights => "heights",
        Reason::Datum => "datum",
        Reason::Precision => "precision",
        Reason::Ring => "ring",
        Reason::Meeting => "meeting",
        Reason::ApartInTime { .. } | Reason::ApartInHeight { .. } | Reason::ApartOnGround => {
            "apart"
        }
    }
}
