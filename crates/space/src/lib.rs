//! 4D volumes and an exact conflict engine.
//!
//! A *volume* is an area (polygon with holes, circle, corridor, box) or a movement, times a band of heights, times a window. Two questions are answered: which volumes meet this one, and which hold this place now. Coordinates are integers from the moment of ingest, so that the answer is the same on every machine and nothing is decided by an epsilon. What cannot be decided is said to be indeterminate, and counts as a conflict.
//!
//! The crate is pure: it reads no file, no clock and no network.

pub mod altitude;
mod edges;
mod error;
mod geodesy;
mod index;
mod motion;
mod predicate;
mod shape;
mod simd;
mod units;
mod verdict;
mod volume;

pub use altitude::{AltitudeBand, Band, Heights, Limit, NoHeights, Range, VerticalDatum};
pub use error::{IndexError, InputError};
pub use geodesy::EDGE_KM_MAX;
pub use index::{
    Answer, Ask, Conflict, DELTA_LIMIT, DELTA_MAX, Holder, NEAREST_M_MAX, Near, Rebuild, Rebuilt,
    Snapshot, Space, Stamp, TAIL_MAX, VolumeId, Writer,
};
pub use motion::Waypoint;
pub use shape::{DENSIFIED_VERTICES_MAX, VERTICES_MAX};
pub use simd::Path;
pub use units::{CLOCKS_MS, E8, GeoBox, LonLat, PLAN_AHEAD_MS_MAX, Position, UtcMs, Window};
pub use verdict::{Judgement, Reason, Rules, Verdict, Witness};
pub use volume::{
    CIRCLE_RADIUS_M_MAX, CORRIDOR_HALF_WIDTH_M_MAX, Edges, Fill, Footprint, HorizontalDatum,
    Polygon, RADIUS_M_MIN, UNSTATED_DATUM_M, Volume,
};
