//! What is done from time to time: saving when credentials were used, forgetting what has expired, and noticing what another
//! process changed.

use super::live::{Credential, Live};
use super::{Accounts, AccountsError};
use rusqlite::params;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How often the times of last use are saved, in milliseconds. A crash loses no more than that: a session then ends a little
/// early.
pub const SAVE_EVERY_MS: i64 = 60_000;

impl Accounts {
    /// To be called about every second. Takes in at once what a command did to `accounts.db` beside the running node, so that
    /// what is revoked there is refused here.
    ///
    /// # Errors
    /// [`AccountsError::Database`].
    pub fn upkeep(&self) -> Result<(), AccountsError> {
        let now = self.now();
        if self.store().changed_elsewhere()? {
            self.reload()?;
        }
        let saved_at = self.0.saved_at.load(Ordering::Relaxed);
        if !(saved_at..saved_at + SAVE_EVERY_MS).contains(&now.0) {
            self.0.saved_at.store(now.0, Ordering::Relaxed);
            self.save()?;
            self.forget_expired()?;
        }
        Ok(())
    }

    /// Saves when sessions and tokens were last used. Also to be called when the node ends.
    ///
    /// # Errors
    /// [`AccountsError::Database`].
    pub fn save(&self) -> Result<(), AccountsError> {
        let mut store = self.store();
        let mut used = Vec::new();
        for credential in self.live().credentials() {
            let (query, value) = match &**credential {
                Credential::Session(session) => (
                    "UPDATE session SET seen_ms = ?2 WHERE hash = ?1",
                    session.to_save(),
                ),
                Credential::Token(token) => (
                    "UPDATE token SET used_day = ?2 WHERE hash = ?1",
                    token.to_save(),
                ),
            };
            used.extend(value.map(|value| (query, credential.hash(), value)));
        }
        if used.is_empty() {
            return Ok(());
        }
        store.transact(|db| {
            for (query, hash, value) in used {
                db.prepare_cached(query)?.execute(params![hash, value])?;
            }
            Ok(())
        })
    }

    /// Whether `accounts.db` answers.
    ///
    /// # Errors
    /// [`AccountsError::Database`].
    pub fn health(&self) -> Result<(), AccountsError> {
        Ok(self.store().answers()?)
    }

    fn reload(&self) -> Result<(), AccountsError> {
        let store = self.store();
        let (accounts, credentials) = (store.accounts()?, store.credentials()?);
        let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
        *live = Live::of(accounts, credentials, &mut live);
        Ok(())
    }

    fn forget_expired(&self) -> Result<(), AccountsError> {
        let (now, times) = (self.now(), self.0.times);
        self.0.by_name.sweep(now);
        self.0.by_address.sweep(now);
        self.0.ceremonies.sweep(now);
        if let Some(passkeys) = &self.0.passkeys {
            passkeys.sweep(now);
        }
        let stale = |credential: &&std::sync::Arc<Credential>| {
            matches!(***credential, Credential::Session(_)) && !credential.stands(now, times)
        };
        let ended: Vec<_> = self
            .live()
            .credentials()
            .filter(stale)
            .map(|held| (held.account(), held.hash()))
            .collect();
        for (account, hash) in ended {
            self.change(account, |db| {
                Ok(db.execute("DELETE FROM session WHERE hash = ?1", [hash])?)
            })?;
        }
        // Expired tokens stay listed until their owner removes them: he may wonder why a program stopped.
        let mut store = self.store();
        store.transact(|db| {
            Ok(db.execute("DELETE FROM invitation WHERE expires_ms <= ?1", [now.0])?)
        })?;
        Ok(())
    }
}
