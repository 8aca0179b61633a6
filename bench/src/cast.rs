//! Who takes part, and what they say.

use crate::Outcome;
use record::audience::Audience;
use record::key::SecretKey;
use record::name::{LogId, Reference};
use record::statement::{Draft, Kid, Statement};
use record::time::UtcMs;
use serde_json::Value;

/// Call signs, the node's own first.
pub const SIGNS: [&str; 3] = ["MISSION", "RU", "US"];

/// The origin of a participant's log.
#[must_use]
pub fn origin(sign: &str) -> String {
    format!("truce.example/{}", sign.to_lowercase())
}

/// What is said: its kind, what it is about, and its groups with their readers.
pub struct Words<'w> {
    /// Kind and version.
    pub kind: &'w str,
    /// When.
    pub at: UtcMs,
    /// About what.
    pub about: Vec<Reference>,
    /// Of each group its name, its readers and its content.
    pub groups: Vec<(&'w str, &'w [&'w str], Value)>,
}

impl Words<'_> {
    /// Signed by `desk`.
    ///
    /// # Errors
    /// That it is no statement.
    pub fn signed(self, desk: &(Kid, SecretKey), log: &LogId) -> Outcome<Statement> {
        let mut draft = Draft::new(self.kind, &self.at.to_string())?.about(self.about);
        for (name, readers, content) in self.groups {
            let readers: Vec<_> = readers
                .iter()
                .map(|r| r.parse())
                .collect::<Result<_, _>>()?;
            draft = draft.group(name, Audience::of(readers), content)?;
        }
        Ok(draft.sign(&desk.1, desk.0, log, self.at)?)
    }
}
