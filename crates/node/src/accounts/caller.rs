//! Who asks: what the rest of the node sees of a sign-in.

use super::id::{AccountId, SessionId, TokenId};
use record::name::CallSign;
use record::time::UtcMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use truce::participants::Office;
use utoipa::ToSchema;

/// What a credential may be used for. Which statements somebody may make is decided by the office, not here.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read what the account's offices may read.
    Read,
    /// Say: add statements.
    Say,
    /// Administer the node and the accounts of the own participant; only of an account that holds the office of administrator.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Read, Self::Say, Self::Admin];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Say => "say",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// By what somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By nothing: the public.
    Public,
    /// By a browser's cookie.
    Session {
        /// Which session.
        id: SessionId,
        /// When the person proved who he is.
        signed_in: UtcMs,
    },
    /// By an API token.
    Token(TokenId),
}

/// Somebody who asks. The public is somebody too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account; `None` for the public.
    pub account: Option<AccountId>,
    /// The participant for which the account acts; `None` for the public.
    pub participant: Option<CallSign>,
    /// Offices in which this caller may act: the account's, or fewer when a token is restricted.
    pub offices: BTreeSet<Office>,
    /// What the credential may be used for.
    pub scopes: BTreeSet<Scope>,
    /// By what the caller is known.
    pub via: Via,
}

impl Caller {
    /// Anybody.
    #[must_use]
    pub fn public() -> Self {
        Self {
            account: None,
            participant: None,
            offices: BTreeSet::new(),
            scopes: BTreeSet::new(),
            via: Via::Public,
        }
    }

    /// Whether nothing is known of the caller.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.account.is_none()
    }

    /// Whether the credential may be used for this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the caller may act in this office.
    #[must_use]
    pub fn acts_as(&self, office: Office) -> bool {
        self.offices.contains(&office)
    }
}

/// A set of words in one column or claim, separated by spaces.
pub(crate) fn join<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    words
        .into_iter()
        .map(|word| word.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(crate) fn office(word: &str) -> Option<Office> {
    Office::ALL
        .iter()
        .copied()
        .find(|office| office.as_str() == word)
}

pub(crate) fn scope(word: &str) -> Option<Scope> {
    Scope::ALL
        .iter()
        .copied()
        .find(|scope| scope.as_str() == word)
}
