//! Foreign formats.

pub mod scenario;
