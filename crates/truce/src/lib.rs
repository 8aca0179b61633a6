//! What statements mean: kinds, who may say them, what takes effect, what the parties' words add up to, and what is due.
//!
//! The crate is pure: bytes were verified before, and there is no database, socket or clock here, and no floating point.
//! Rules never see who a participant is: give the parties other call signs, and the result has other call signs and nothing
//! else is different.
//!
//! - [`parse`] reads what a statement says.
//! - [`OwnLog::admit`] decides, from the own log alone, whether it may be said there.
//! - [`Statements::standing`] decides, alike for every reader who holds the same, whether it takes effect.
//! - [`Truce::of`] computes the joint state, and [`due()`] what is open at a time.

#![forbid(unsafe_code)]

pub mod admission;
pub mod agreement;
pub mod areas;
pub mod changes;
pub mod claims;
pub mod contact;
pub mod due;
pub mod incidents;
pub mod kinds;
pub mod movements;
pub mod names;
pub mod notified;
pub mod participants;
pub mod presence;
pub mod protection;
pub mod responses;
pub mod sites;
pub mod standing;
pub mod toll;
pub mod values;
pub mod volumes;
pub mod wire;

mod state;

pub use admission::{OwnLog, Refusal, admit};
pub use due::due;
pub use kinds::{Body, Name, parse};
pub use standing::{Standing, Statements};
pub use state::{Context, Truce, basis};
pub use wire::BodyError;
