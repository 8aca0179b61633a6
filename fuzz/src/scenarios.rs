//! Scenarios.

use crate::{refused, text};
use formats::scenario::{self, LINES_MAX, Scenario, What};
use std::collections::BTreeSet;

/// What is a scenario is the same with other line ends and with a comment behind it, its clock runs forward, and what it is
/// about was said before. What is none is refused at a place that is there.
pub fn scenario(bytes: &[u8]) {
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    match scenario::parse(bytes) {
        Ok(scenario) => {
            stands(&scenario);
            let text = text(bytes).expect("what was read is text");
            let commented = format!("{text}\n# a comment\n");
            assert_eq!(scenario::parse(commented.as_bytes()), Ok(scenario.clone()));
            let other_ends = text.replace('\n', "\r\n");
            assert_eq!(scenario::parse(other_ends.as_bytes()), Ok(scenario));
        }
        Err(error) => {
            refused(&error);
            assert!(
                (1..=lines).contains(&error.line),
                "line {} of {lines}",
                error.line
            );
            assert!(error.column >= 1 && !error.example.is_empty());
        }
    }
}

fn stands(scenario: &Scenario) {
    assert!((1..=LINES_MAX).contains(&scenario.lines.len()));
    let accepted = scenario.instruments.iter().filter(|one| one.accepted);
    let mut names: BTreeSet<&str> = accepted.map(|one| one.name.as_str()).collect();
    let mut now = scenario.begins;
    for line in &scenario.lines {
        assert!(line.at >= now, "the clock runs back at line {}", line.line);
        now = line.at;
        if let What::Say(say) = &line.what {
            assert!(say.about.iter().all(|about| names.contains(about.as_str())));
            assert!(say.control.is_some() != say.groups.iter().any(|group| group.name == "body"));
            names.extend(say.name.as_deref());
            assert!(
                say.refused.is_none() || say.name.is_none(),
                "what was refused stands nowhere"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::seeds;

    /// A seed that is meant to be right and is refused would test nothing.
    #[test]
    fn what_is_meant_to_be_right_is_read() {
        let wrong = [
            "header-alone",
            "no-end-of-text",
            "no-end-of-json",
            "latitude-second",
            "clock-back",
            "indented-first",
        ];
        for seed in seeds().into_iter().filter(|seed| seed.target == "scenario") {
            let read = scenario::parse(&seed.bytes);
            assert_eq!(
                read.is_ok(),
                !wrong.contains(&seed.name),
                "{}: {read:?}",
                seed.name
            );
        }
    }
}
