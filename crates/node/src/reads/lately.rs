//! Of which notices of others one account read the exact place within the last hour.

use super::{UtcMs, within};
use std::collections::HashMap;

/// More notices of others than these within an hour are out of the ordinary. An officer on watch has the places around one road or
/// one town before him; whoever goes through all there are has more.
pub const NOTICES_AN_HOUR_MAX: usize = 50;
/// Notices that are remembered of one account. Enough to know that they are too many.
const NOTICES_KEPT_MAX: usize = 2_048;

/// The last hour of one account.
#[derive(Debug, Default)]
pub(super) struct Lately {
    /// Of each notice when it was read last.
    at: HashMap<i64, UtcMs>,
}

impl Lately {
    /// Takes in that these were read; of how many notices that was within the hour.
    pub fn read(&mut self, notices: impl IntoIterator<Item = i64>, now: UtcMs) -> usize {
        self.at.retain(|_, at| within(*at, now));
        for notice in notices {
            if self.at.len() < NOTICES_KEPT_MAX || self.at.contains_key(&notice) {
                self.at.insert(notice, now);
            }
        }
        self.at.len()
    }

    /// Whether anything of the last hour is remembered.
    pub fn is_alive(&mut self, now: UtcMs) -> bool {
        self.at.retain(|_, at| within(*at, now));
        !self.at.is_empty()
    }
}
