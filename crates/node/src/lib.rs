//! The running system.

pub mod accounts;
pub mod http;
