//! The verifiable record: what was said, by whom, with proof.

pub mod c2sp;
pub mod encoding;
