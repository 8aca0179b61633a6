//! What must hold for any bytes that a parser is given.
//!
//! A target is a function of bytes that panics when a property does not hold: that nothing panics is the least of them. What
//! parses is written to the same bytes again, means the same to an independent reading, and verifies only if it was signed;
//! what is refused is refused in a few words. [`seeds`] makes the inputs that are kept in `corpus/`, `tests/replay.rs` replays
//! and [`mutate`]s them on the stable toolchain, and `libfuzzer/` hands the same targets to `cargo fuzz`.

pub mod mutate;
pub mod seeds;

mod fixed;
mod independent;
mod keys;
mod logs;
mod notes;
mod scenarios;
mod statements;
mod stored;
mod table_seeds;
mod tables;
mod texts;
mod witnesses;

/// Longest error message that whoever sent the bytes is answered with, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 2500;

/// What is done with an input. It panics when a property does not hold.
pub type Target = fn(&[u8]);

/// Every target under the name that its corpus has.
pub const TARGETS: &[(&str, Target)] = &[
    ("json", texts::json),
    ("base64", texts::base64),
    ("name", texts::name),
    ("kind", texts::kind),
    ("time", texts::time),
    ("leaf", statements::leaf),
    ("disclosure", statements::disclosure),
    ("head", statements::head),
    ("statement", statements::statement),
    ("draft", statements::draft),
    ("jwk", keys::jwk),
    ("key_file", keys::key_file),
    ("key_ring", keys::key_ring),
    ("verifier_key", notes::verifier_key),
    ("signer_key", notes::signer_key),
    ("note", notes::note),
    ("checkpoint", notes::checkpoint),
    ("cosignature", notes::cosignature),
    ("tile_path", logs::tile_path),
    ("entry_bundle", logs::entry_bundle),
    ("inclusion", logs::inclusion),
    ("consistency", logs::consistency),
    ("receipt", logs::receipt),
    ("add_checkpoint", witnesses::add_checkpoint),
    ("witness_answer", witnesses::answer),
    ("witness_steps", witnesses::steps),
    ("evidence", witnesses::evidence),
    ("head_file", stored::head_file),
    ("sealed", stored::sealed),
    ("attachment", stored::attachment),
    ("scenario", scenarios::scenario),
    ("search_form", tables::search_form),
    ("place_entry", tables::place_entry),
    ("ged_csv", tables::ged_csv),
    ("reports_csv", tables::reports_csv),
    ("tally_csv", tables::tally_csv),
    ("places_csv", tables::places_csv),
    ("claims_csv", tables::claims_csv),
    ("toll_csv", tables::toll_csv),
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS
        .iter()
        .find_map(|(known, target)| (*known == name).then_some(*target))
}

/// The bytes as text, if they are.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// What was refused says why in a few words, however long the input.
fn refused(error: &impl std::fmt::Display) {
    let message = error.to_string();
    assert!(!message.is_empty(), "an error without a word");
    // It may end up on a terminal or in a log.
    assert!(!message.contains(|c: char| c < ' '), "{message:?}");
    assert!(
        message.len() <= MESSAGE_BYTES_MAX,
        "an error of {} bytes: {:.200}",
        message.len(),
        message
    );
}
