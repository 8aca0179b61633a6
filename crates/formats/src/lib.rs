//! Foreign formats: bytes in, types out, and from the types the bodies of statements.
//!
//! The crate is pure: no file, no socket, no clock, and no floating point on the way from written degrees to a number.
//! Files come as they are: UTF-8, not compressed; whoever has a gzip file unpacks it first. Nothing is half-imported: a file is
//! read whole, or refused with the list of all its mistakes ([`table::Rejected`]), each with its row and column.
//!
//! | module | what it reads |
//! |---|---|
//! | [`ged_csv`] | events of the UCDP Georeferenced Event Dataset |
//! | [`tally_csv`] | one side's daily counts |
//! | [`places_csv`] | gazetteers: administrative areas with P-codes, GeoNames, places as event coders name them |
//! | [`reports_csv`], [`claims_csv`], [`toll_csv`] | our own tables of reports, claims and tolls |
//! | [`place_entry`] | a place as somebody types it: grid reference, degrees, minutes, a name |
//! | [`scenario`] | our own scenarios: timed statements and expectations |
//!
//! [`areas`] finds the administrative area of a place, and says how. The bodies that are made here are JSON, so that this crate
//! knows nothing of what statements mean; tests hold them against the readers in `truce`.

#![forbid(unsafe_code)]

pub mod areas;
pub mod cells;
pub mod claims_csv;
pub mod days;
pub mod ged_csv;
pub mod place_entry;
pub mod places_csv;
pub mod reports_csv;
pub mod scenario;
pub mod table;
pub mod tally_csv;
pub mod toll_csv;

mod body;
