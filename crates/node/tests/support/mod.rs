//! What several tests of the node are made of.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "test support, of which each test uses a part"
)]

pub mod exercise;
pub mod generated;
pub mod holding;
pub mod logs;
pub mod notices;
pub mod oracle;
pub mod server;

pub use exercise::*;
