//! API tokens: how programs sign in.

use super::caller::{Caller, Scope};
use super::id::TokenId;
use super::live::{Credential, Token};
use super::secret::{Secret, TOKEN_PREFIX};
use super::{Accounts, AccountsError, checked_label, store};
use record::time::UtcMs;
use std::collections::BTreeSet;
use std::sync::Arc;
use truce::participants::Office;

/// Most tokens of one account.
pub const TOKENS_PER_ACCOUNT_MAX: usize = 32;
/// Longest life of a token, in milliseconds: a year and a day.
pub const TOKEN_LASTS_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1000;

/// A new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// For which program.
    pub label: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Restricts it to these of the account's offices; `None`: all that the account has, now and later.
    pub offices: Option<BTreeSet<Office>>,
    /// Milliseconds until it expires.
    pub lasts_ms: i64,
}

impl Accounts {
    /// Makes a token for the caller's own account. The secret is shown this once.
    ///
    /// # Errors
    /// [`AccountsError`]: it would allow more than the account may, there are too many, or the caller must sign in again.
    pub fn make_token(
        &self,
        caller: &Caller,
        new: NewToken,
    ) -> Result<(TokenRef, Secret), AccountsError> {
        self.fresh(caller)?;
        let account = self.own(caller)?;
        let rule = |field, rule: &str| {
            Err(AccountsError::Rule {
                field,
                rule: rule.to_owned(),
            })
        };
        if new.scopes.is_empty() {
            return rule("scopes", "names at least one of read, say, admin");
        }
        if new.scopes.contains(&Scope::Admin) && !caller.may(Scope::Admin) {
            return rule(
                "scopes",
                "has admin only for an account in the office of administrator",
            );
        }
        if new
            .offices
            .as_ref()
            .is_some_and(|offices| !offices.is_subset(&account.offices))
        {
            return rule("offices", "names only offices that the account holds");
        }
        if !(1..=TOKEN_LASTS_MS_MAX).contains(&new.lasts_ms) {
            return rule("days", "is from 1 to 366");
        }
        let secret = Secret::random(TOKEN_PREFIX);
        let now = self.now();
        let token = Token::new(
            TokenId::random(),
            secret.hash(),
            account.id,
            checked_label(&new.label)?,
            new.scopes,
            new.offices,
            now,
            UtcMs(now.0 + new.lasts_ms),
            None,
        );
        self.change(account.id, |db| {
            let held: i64 = db.query_row(
                "SELECT count(*) FROM token WHERE account = ?1",
                [account.id],
                |row| row.get(0),
            )?;
            if held.unsigned_abs() >= TOKENS_PER_ACCOUNT_MAX as u64 {
                return Err(AccountsError::Full {
                    what: "tokens",
                    max: TOKENS_PER_ACCOUNT_MAX,
                });
            }
            Ok(store::insert_token(db, &token)?)
        })?;
        let made = self
            .tokens(caller)?
            .into_iter()
            .find(|held| held.get().id == token.id);
        Ok((made.ok_or(AccountsError::Unknown("token"))?, secret))
    }

    /// The caller's own tokens, oldest first, those that have expired too.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn tokens(&self, caller: &Caller) -> Result<Vec<TokenRef>, AccountsError> {
        let id = self.own(caller)?.id;
        let held = self.live().credentials_of(id);
        let mut tokens: Vec<TokenRef> = held.into_iter().filter_map(TokenRef::of).collect();
        tokens.sort_by_key(|token| (token.get().created, token.get().id));
        Ok(tokens)
    }

    /// Revokes one of the caller's own tokens. It is refused from now on.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`].
    pub fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), AccountsError> {
        let account = self.own(caller)?.id;
        let revoked = self.change(account, |db| Ok(store::delete_token(db, account, id)?))?;
        revoked.then_some(()).ok_or(AccountsError::Unknown("token"))
    }
}

/// A token that is held in memory.
#[derive(Debug, Clone)]
pub struct TokenRef(Arc<Credential>);

impl TokenRef {
    fn of(credential: Arc<Credential>) -> Option<Self> {
        matches!(*credential, Credential::Token(_)).then_some(Self(credential))
    }

    /// The token.
    ///
    /// # Panics
    /// Never: only tokens are wrapped.
    #[must_use]
    pub fn get(&self) -> &Token {
        match &*self.0 {
            Credential::Token(token) => token,
            Credential::Session(_) => unreachable!("only tokens are wrapped"),
        }
    }
}
