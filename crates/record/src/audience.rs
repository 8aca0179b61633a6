//! Who may read a group of a statement. The audience is part of what is signed, and this module is the one place that
//! compares it with a reader.

use crate::name::{CallSign, NameError};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Most names in one audience.
pub const AUDIENCE_NAMES_MAX: usize = 64;

/// One name in an audience.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Everybody.
    Public,
    /// Every participant that is a party to the instrument.
    Parties,
    /// Only the author's own side.
    Own,
    /// One named participant.
    Participant(CallSign),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Parties => f.write_str("parties"),
            Self::Own => f.write_str("own"),
            Self::Participant(call_sign) => call_sign.fmt(f),
        }
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(match text {
            "public" => Self::Public,
            "parties" => Self::Parties,
            "own" => Self::Own,
            call_sign => Self::Participant(call_sign.parse()?),
        })
    }
}

/// The readers of one group. Empty means nobody but the author's own side: an empty list never means everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audience(BTreeSet<Name>);

/// Somebody who asks to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reader {
    /// The reader's participant; `None` for the public.
    pub call_sign: Option<CallSign>,
    /// Whether that participant is a party to the instrument.
    pub party: bool,
    /// Whether the reader belongs to the author's own side.
    pub own: bool,
}

impl Reader {
    /// Anybody: an outsider, a journalist, a crawler.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// The author's own side.
    #[must_use]
    pub fn own() -> Self {
        Self {
            own: true,
            ..Self::default()
        }
    }

    /// A reader as people name one: `public`, `own`, or a call sign.
    ///
    /// # Errors
    /// [`NameError`] when it is none of them.
    pub fn named(name: &str, party: bool) -> Result<Self, NameError> {
        Ok(match name {
            "public" => Self::public(),
            "own" => Self::own(),
            call_sign => Self::participant(call_sign.parse()?, party),
        })
    }

    /// Another participant.
    #[must_use]
    pub fn participant(call_sign: CallSign, party: bool) -> Self {
        Self {
            call_sign: Some(call_sign),
            party,
            own: false,
        }
    }
}

impl Audience {
    /// An audience of these names.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = Name>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The names, in their one order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.iter()
    }

    /// Whether `reader` may read what is addressed to this audience.
    #[must_use]
    pub fn admits(&self, reader: &Reader) -> bool {
        reader.own
            || self.0.iter().any(|name| match name {
                Name::Public => true,
                Name::Parties => reader.party,
                Name::Own => false,
                Name::Participant(call_sign) => reader.call_sign.as_ref() == Some(call_sign),
            })
    }

    /// Whether everybody whom `other` admits is admitted here too, whoever the parties are.
    #[must_use]
    pub fn reaches(&self, other: &Self) -> bool {
        self.0.contains(&Name::Public)
            || other
                .0
                .iter()
                .all(|name| *name == Name::Own || self.0.contains(name))
    }

    /// The readers of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(names: &[&str]) -> Audience {
        Audience::of(names.iter().map(|n| n.parse().unwrap()))
    }

    #[test]
    fn an_empty_audience_is_nobody_else() {
        let ru = Reader::participant("RU".parse().unwrap(), true);
        for reader in [Reader::public(), ru] {
            assert!(!audience(&[]).admits(&reader));
            assert!(!audience(&["own"]).admits(&reader));
        }
        assert!(audience(&[]).admits(&Reader::own()));
    }

    #[test]
    fn a_named_reader_and_the_parties_are_told_apart() {
        let ru = Reader::participant("RU".parse().unwrap(), true);
        let hum = Reader::participant("HUM".parse().unwrap(), false);
        assert!(audience(&["RU"]).admits(&ru));
        assert!(!audience(&["RU"]).admits(&hum));
        assert!(audience(&["parties"]).admits(&ru));
        assert!(!audience(&["parties"]).admits(&hum));
        assert!(audience(&["public"]).admits(&Reader::public()));
    }

    #[test]
    fn reaching_counts_names_and_never_guesses_who_is_a_party() {
        assert!(audience(&["public"]).reaches(&audience(&["RU", "parties"])));
        assert!(audience(&["RU", "US"]).reaches(&audience(&["RU", "own"])));
        assert!(!audience(&["parties"]).reaches(&audience(&["RU"])));
        assert!(audience(&[]).reaches(&audience(&[])));
    }
}
