//! Accounts, sessions and tokens in memory. A request is authenticated from here alone: a guessed or revoked token costs a
//! hash and a look-up and never touches the disk.

use super::caller::{Caller, Scope, Via};
use super::id::{AccountId, SessionId, TokenId};
use super::secret::SecretHash;
use super::store::Account;
use record::time::UtcMs;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use truce::participants::Office;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A day before all days: not used yet.
const NEVER: i64 = i64::MIN;

/// Days since 1970.
#[must_use]
pub(crate) fn day(now: UtcMs) -> i64 {
    now.0.div_euclid(DAY_MS)
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Milliseconds without a request after which it has ended.
    pub idle_ms: i64,
    /// Milliseconds after which it has ended however much it is used.
    pub absolute_ms: i64,
}

impl Default for SessionTimes {
    /// A watch of twelve hours and its handover; four hours without a touch end it.
    fn default() -> Self {
        Self {
            idle_ms: 4 * 60 * 60 * 1000,
            absolute_ms: 14 * 60 * 60 * 1000,
        }
    }
}

/// A browser that is signed in.
#[derive(Debug)]
pub struct Session {
    pub(crate) id: SessionId,
    pub(crate) hash: SecretHash,
    pub(crate) account: AccountId,
    pub(crate) created: UtcMs,
    seen_ms: AtomicI64,
    unsaved: AtomicBool,
}

impl Session {
    pub(crate) fn new(
        id: SessionId,
        hash: SecretHash,
        account: AccountId,
        created: UtcMs,
        seen: UtcMs,
    ) -> Self {
        Self {
            id,
            hash,
            account,
            created,
            seen_ms: AtomicI64::new(seen.0),
            unsaved: AtomicBool::new(false),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// When the person signed in.
    #[must_use]
    pub fn signed_in(&self) -> UtcMs {
        self.created
    }

    /// When it ends if nothing is asked before.
    #[must_use]
    pub fn ends(&self, times: SessionTimes) -> UtcMs {
        let idle = self
            .seen_ms
            .load(Ordering::Relaxed)
            .saturating_add(times.idle_ms);
        UtcMs(idle.min(self.created.0.saturating_add(times.absolute_ms)))
    }

    /// When it was last used, if that has not been saved yet.
    pub(crate) fn to_save(&self) -> Option<i64> {
        self.unsaved
            .swap(false, Ordering::Relaxed)
            .then(|| self.seen_ms.load(Ordering::Relaxed))
    }

    fn touch(&self, now: UtcMs) {
        if self.seen_ms.fetch_max(now.0, Ordering::Relaxed) < now.0 {
            self.unsaved.store(true, Ordering::Relaxed);
        }
    }
}

/// A program's way in.
#[derive(Debug)]
pub struct Token {
    pub(crate) id: TokenId,
    pub(crate) hash: SecretHash,
    pub(crate) account: AccountId,
    pub(crate) label: String,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) offices: Option<BTreeSet<Office>>,
    pub(crate) created: UtcMs,
    pub(crate) expires: UtcMs,
    used_day: AtomicI64,
    unsaved: AtomicBool,
}

impl Token {
    #[expect(
        clippy::too_many_arguments,
        reason = "the columns of its row, in one place"
    )]
    pub(crate) fn new(
        id: TokenId,
        hash: SecretHash,
        account: AccountId,
        label: String,
        scopes: BTreeSet<Scope>,
        offices: Option<BTreeSet<Office>>,
        created: UtcMs,
        expires: UtcMs,
        used_day: Option<i64>,
    ) -> Self {
        let used_day = AtomicI64::new(used_day.unwrap_or(NEVER));
        Self {
            id,
            hash,
            account,
            label,
            scopes,
            offices,
            created,
            expires,
            used_day,
            unsaved: AtomicBool::new(false),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What its owner calls it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it may be used for.
    #[must_use]
    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }

    /// The offices to which it is restricted.
    #[must_use]
    pub fn offices(&self) -> Option<&BTreeSet<Office>> {
        self.offices.as_ref()
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> UtcMs {
        self.created
    }

    /// From when on it is refused.
    #[must_use]
    pub fn expires(&self) -> UtcMs {
        self.expires
    }

    /// The day on which it was last used, in days since 1970. Nothing finer is kept: it would be a diary of its owner.
    #[must_use]
    pub fn used_day(&self) -> Option<i64> {
        let day = self.used_day.load(Ordering::Relaxed);
        (day != NEVER).then_some(day)
    }

    /// The day on which it was last used, if that has not been saved yet.
    pub(crate) fn to_save(&self) -> Option<i64> {
        self.unsaved
            .swap(false, Ordering::Relaxed)
            .then(|| self.used_day.load(Ordering::Relaxed))
    }

    fn touch(&self, now: UtcMs) {
        if self.used_day.fetch_max(day(now), Ordering::Relaxed) < day(now) {
            self.unsaved.store(true, Ordering::Relaxed);
        }
    }
}

/// What somebody presents instead of signing in each time.
#[derive(Debug)]
pub(crate) enum Credential {
    Session(Session),
    Token(Token),
}

impl Credential {
    pub fn hash(&self) -> SecretHash {
        match self {
            Self::Session(session) => session.hash,
            Self::Token(token) => token.hash,
        }
    }

    pub fn account(&self) -> AccountId {
        match self {
            Self::Session(session) => session.account,
            Self::Token(token) => token.account,
        }
    }

    pub fn stands(&self, now: UtcMs, times: SessionTimes) -> bool {
        match self {
            Self::Session(session) => now < session.ends(times),
            Self::Token(token) => now < token.expires,
        }
    }

    fn touch(&self, now: UtcMs) {
        match self {
            Self::Session(session) => session.touch(now),
            Self::Token(token) => token.touch(now),
        }
    }

    fn is(&self, via: Via) -> bool {
        match (self, via) {
            (Self::Session(session), Via::Session { id, .. }) => session.id == id,
            (Self::Token(token), Via::Token(id)) => token.id == id,
            _ => false,
        }
    }

    /// The caller that it makes of `account`. A credential never allows more than the account has now.
    fn caller(&self, account: &Account) -> Caller {
        let (via, offices, scopes) = match self {
            Self::Session(session) => {
                let via = Via::Session {
                    id: session.id,
                    signed_in: session.created,
                };
                (
                    via,
                    account.offices.clone(),
                    Scope::ALL.iter().copied().collect(),
                )
            }
            Self::Token(token) => {
                let offices = match &token.offices {
                    Some(only) => account.offices.intersection(only).copied().collect(),
                    None => account.offices.clone(),
                };
                (Via::Token(token.id), offices, token.scopes.clone())
            }
        };
        let mut caller = Caller {
            account: Some(account.id),
            participant: Some(account.participant.clone()),
            offices,
            scopes,
            via,
        };
        if !caller.acts_as(Office::Administrator) {
            caller.scopes.remove(&Scope::Admin);
        }
        caller
    }
}

struct Entry {
    account: Arc<Account>,
    credentials: Vec<SecretHash>,
}

/// The index. It holds what the database holds.
#[derive(Default)]
pub(crate) struct Live {
    accounts: HashMap<AccountId, Entry>,
    credentials: HashMap<SecretHash, Arc<Credential>>,
}

impl Live {
    /// The index of these rows. What `old` knows of when a credential was last used is taken over.
    pub fn of(accounts: Vec<Account>, credentials: Vec<Credential>, old: &mut Self) -> Self {
        let mut live = Self::default();
        for account in accounts {
            live.accounts.insert(
                account.id,
                Entry {
                    account: Arc::new(account),
                    credentials: Vec::new(),
                },
            );
        }
        for credential in credentials {
            live.add(credential, old);
        }
        live
    }

    fn add(&mut self, credential: Credential, old: &mut Self) {
        let hash = credential.hash();
        let Some(entry) = self.accounts.get_mut(&credential.account()) else {
            return;
        };
        entry.credentials.push(hash);
        let known = old.credentials.remove(&hash);
        self.credentials
            .insert(hash, known.unwrap_or_else(|| Arc::new(credential)));
    }

    /// Puts one account as the database has it now in the place of what is here.
    pub fn replace(
        &mut self,
        id: AccountId,
        account: Option<Account>,
        credentials: Vec<Credential>,
    ) {
        let mut old = Self::default();
        for hash in self
            .accounts
            .remove(&id)
            .map(|entry| entry.credentials)
            .unwrap_or_default()
        {
            if let Some(credential) = self.credentials.remove(&hash) {
                old.credentials.insert(hash, credential);
            }
        }
        if let Some(account) = account {
            self.accounts.insert(
                id,
                Entry {
                    account: Arc::new(account),
                    credentials: Vec::new(),
                },
            );
            for credential in credentials {
                self.add(credential, &mut old);
            }
        }
    }

    /// Who presents the secret with this hash. Counts as use.
    pub fn caller(&self, hash: &SecretHash, now: UtcMs, times: SessionTimes) -> Option<Caller> {
        let credential = self.credentials.get(hash)?;
        let account = &self.accounts.get(&credential.account())?.account;
        if account.disabled || !credential.stands(now, times) {
            return None;
        }
        credential.touch(now);
        Some(credential.caller(account))
    }

    /// The same caller as of now. Does not count as use.
    pub fn again(&self, caller: &Caller, now: UtcMs, times: SessionTimes) -> Option<Caller> {
        let entry = self.accounts.get(&caller.account?)?;
        let held = entry
            .credentials
            .iter()
            .filter_map(|hash| self.credentials.get(hash));
        let credential = held
            .into_iter()
            .find(|credential| credential.is(caller.via))?;
        (!entry.account.disabled && credential.stands(now, times))
            .then(|| credential.caller(&entry.account))
    }

    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.accounts.get(&id).map(|entry| entry.account.clone())
    }

    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    pub fn credentials_of(&self, id: AccountId) -> Vec<Arc<Credential>> {
        let hashes = self
            .accounts
            .get(&id)
            .map(|entry| entry.credentials.as_slice())
            .unwrap_or_default();
        hashes
            .iter()
            .filter_map(|hash| self.credentials.get(hash).cloned())
            .collect()
    }

    pub fn credentials(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.credentials.values()
    }
}
