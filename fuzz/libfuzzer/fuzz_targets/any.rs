//! Any of the targets, chosen by `TRUCELINE_FUZZ_TARGET`.
#![no_main]

use fuzz::Target;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

/// Names the target.
const CHOICE: &str = "TRUCELINE_FUZZ_TARGET";

fn chosen() -> Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var(CHOICE).unwrap_or_default();
        fuzz::target(&name).unwrap_or_else(|| {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            panic!("{CHOICE}={name:?} is no target; choose one of {}", names.join(", "))
        })
    })
}

fuzz_target!(|bytes: &[u8]| chosen()(bytes));
