//! The running system: what is said goes into the record, what it adds up to is in views, and each reader sees what he may.

pub mod accounts;
pub mod authority;
pub mod board;
mod catch_up;
mod clerk;
pub mod clock;
mod database;
pub mod deconfliction;
pub mod entry;
pub mod home;
pub mod http;
pub mod import;
pub mod node;
pub mod own;
pub mod places;
pub mod reading;
pub mod reads;
pub mod release;
pub mod search;
pub mod source;
pub mod timers;
pub mod views;
pub mod voice;

pub use node::{Node, NodeError, Running, Settings};
