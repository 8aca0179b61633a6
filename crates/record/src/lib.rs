//! The verifiable record: what was said, by whom, with proof.

pub mod audience;
pub mod c2sp;
pub mod encoding;
pub mod json;
pub mod key;
pub mod keyring;
pub mod name;
pub mod statement;
pub mod time;

#[cfg(feature = "store")]
pub mod audit;
#[cfg(feature = "store")]
pub mod carry;
#[cfg(feature = "store")]
pub mod door;
#[cfg(feature = "store")]
pub mod files;
#[cfg(feature = "store")]
pub mod log;
#[cfg(feature = "store")]
pub mod mirror;
#[cfg(feature = "store")]
pub mod repair;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "store")]
pub mod witness_book;
