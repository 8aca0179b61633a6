//! Signing in, sessions, and changing the password.

use super::caller::{Caller, Via};
use super::id::{AccountId, SessionId};
use super::live::{Credential, Session};
use super::password::{PASSWORD_BYTES_MAX, PasswordRule, Verdict};
use super::secret::{Secret, TOKEN_PREFIX, has_form};
use super::{Accounts, AccountsError, store};
use record::time::UtcMs;
use rusqlite::params;
use std::net::IpAddr;

/// Most sessions of one account; one more ends the oldest.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 16;
/// How long after signing in one may change how one signs in, in milliseconds.
pub const FRESH_MS: i64 = 15 * 60 * 1000;

/// Somebody has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// What goes into the cookie.
    pub secret: Secret,
    /// Who it is.
    pub caller: Caller,
}

impl Accounts {
    /// Who presents `secret`, a cookie or an API token; `None` when it is not, or no longer, good. Counts as use. Reads memory
    /// only.
    #[must_use]
    pub fn caller(&self, secret: &str) -> Option<Caller> {
        if !has_form(secret, "") && !has_form(secret, TOKEN_PREFIX) {
            return None;
        }
        let hash = Secret::new(secret.to_owned()).hash();
        self.live().caller(&hash, self.now(), self.0.times)
    }

    /// The same caller as of now, for an answer that goes on for a long time: its offices may have changed, and `None` means that
    /// it has ended. Does not count as use.
    #[must_use]
    pub fn again(&self, caller: &Caller) -> Option<Caller> {
        if caller.is_public() {
            return Some(caller.clone());
        }
        self.live().again(caller, self.now(), self.0.times)
    }

    /// Signs in by name and password from the address `from`.
    ///
    /// # Errors
    /// [`AccountsError::WrongCredentials`] whether or not there is such an account, [`AccountsError::TooMany`],
    /// [`AccountsError::Busy`].
    pub async fn sign_in(
        &self,
        name: String,
        password: Secret,
        from: IpAddr,
    ) -> Result<SignedIn, AccountsError> {
        not_too_long(&password)?;
        let attempt = self.attempt(Some(&name), from)?;
        let outcome = self
            .run_hashing(move |accounts| accounts.sign_in_by_password(&name, &password))
            .await;
        attempt.judged(outcome)
    }

    fn sign_in_by_password(
        &self,
        name: &str,
        password: &Secret,
    ) -> Result<SignedIn, AccountsError> {
        let row = match name.parse() {
            Ok(name) => self.store().sign_in(&name)?,
            Err(_) => None,
        };
        let kept = row.as_ref().and_then(|row| row.password.clone());
        let verdict = self.0.passwords.check(password, kept.as_deref());
        let Some(row) = row.filter(|row| verdict != Verdict::Wrong && !row.disabled) else {
            return Err(AccountsError::WrongCredentials);
        };
        if verdict == Verdict::RightAtOtherCost {
            let hash = self.0.passwords.hash(password);
            self.change(row.id, |db| {
                db.execute(
                    "UPDATE account SET password = ?2 WHERE id = ?1 AND password = ?3",
                    params![row.id, hash, kept],
                )?;
                Ok(())
            })?;
        }
        self.start_session(row.id)
    }

    /// Starts a session for an account of which somebody has proved that it is his.
    pub(super) fn start_session(&self, account: AccountId) -> Result<SignedIn, AccountsError> {
        let secret = Secret::random("");
        let now = self.now();
        let session = Session::new(SessionId::random(), secret.hash(), account, now, now);
        self.change(account, |db| {
            let open: bool = db.query_row(
                "SELECT EXISTS (SELECT 1 FROM account WHERE id = ?1 AND NOT disabled)",
                [account],
                |row| row.get(0),
            )?;
            if !open {
                return Err(AccountsError::WrongCredentials);
            }
            db.execute(
                "DELETE FROM session WHERE account = ?1 AND id NOT IN
                 (SELECT id FROM session WHERE account = ?1 ORDER BY created_ms DESC, id LIMIT ?2)",
                params![account, SESSIONS_PER_ACCOUNT_MAX as i64 - 1],
            )?;
            Ok(store::insert_session(db, &session)?)
        })?;
        let caller = self.live().caller(&secret.hash(), now, self.0.times);
        Ok(SignedIn {
            secret,
            caller: caller.ok_or(AccountsError::WrongCredentials)?,
        })
    }

    /// The caller's own sessions, oldest first.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, AccountsError> {
        let now = self.now();
        let id = self.own(caller)?.id;
        let credentials = self.live().credentials_of(id);
        let mut sessions: Vec<SessionView> = credentials
            .iter()
            .filter(|credential| credential.stands(now, self.0.times))
            .filter_map(|credential| match &**credential {
                Credential::Session(session) => Some(SessionView {
                    id: session.id,
                    signed_in: session.created,
                    ends: session.ends(self.0.times),
                    own: caller.via
                        == (Via::Session {
                            id: session.id,
                            signed_in: session.created,
                        }),
                }),
                Credential::Token(_) => None,
            })
            .collect();
        sessions.sort_by_key(|session| (session.signed_in, session.id));
        Ok(sessions)
    }

    /// Ends the session that asks.
    ///
    /// # Errors
    /// [`AccountsError::NotInSession`].
    pub fn sign_out(&self, caller: &Caller) -> Result<(), AccountsError> {
        match caller.via {
            Via::Session { id, .. } => self.end_session(caller, id),
            _ => Err(AccountsError::NotInSession),
        }
    }

    /// Ends one of the caller's own sessions.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] when there is no such session of his.
    pub fn end_session(&self, caller: &Caller, id: SessionId) -> Result<(), AccountsError> {
        let account = self.own(caller)?.id;
        let ended = self.change(account, |db| Ok(store::delete_session(db, account, id)?))?;
        ended.then_some(()).ok_or(AccountsError::Unknown("session"))
    }

    /// Ends all of the caller's own sessions but the one that asks.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn end_other_sessions(&self, caller: &Caller) -> Result<(), AccountsError> {
        let account = self.own(caller)?.id;
        self.change(account, |db| end_sessions(db, account, caller))
    }

    /// Ends all sessions of an account of the administrator's own participant, and revokes its tokens.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`], [`AccountsError::NotAllowed`].
    pub fn end_credentials(&self, by: &Caller, id: AccountId) -> Result<(), AccountsError> {
        self.account(by, id)?;
        self.change(id, |db| {
            db.execute("DELETE FROM session WHERE account = ?1", [id])?;
            db.execute("DELETE FROM token WHERE account = ?1", [id])?;
            Ok(())
        })
    }

    /// Sets the caller's own password and ends his other sessions. An account that has a password is asked for it; one that has
    /// none is asked to have signed in a short time ago.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Option<Secret>,
        new: Secret,
        from: IpAddr,
    ) -> Result<(), AccountsError> {
        self.in_session(caller)?;
        let account = self.own(caller)?;
        self.check_password(&new, &account.name)?;
        current.as_ref().map_or(Ok(()), not_too_long)?;
        let attempt = self.attempt(Some(account.name.as_str()), from)?;
        let caller = caller.clone();
        let outcome = self
            .run_hashing(move |accounts| accounts.set_password(&caller, account.id, current, &new))
            .await;
        attempt.judged(outcome)
    }

    fn set_password(
        &self,
        caller: &Caller,
        id: AccountId,
        current: Option<Secret>,
        new: &Secret,
    ) -> Result<(), AccountsError> {
        let kept = self.store().sign_in_of(id)?.and_then(|row| row.password);
        match (&kept, current) {
            (None, None) => self.fresh(caller)?,
            (_, current) => {
                let current = current.unwrap_or_else(|| Secret::new(String::new()));
                if self.0.passwords.check(&current, kept.as_deref()) == Verdict::Wrong {
                    return Err(AccountsError::WrongCredentials);
                }
            }
        }
        let hash = self.0.passwords.hash(new);
        self.change(id, |db| {
            let set = db.execute(
                "UPDATE account SET password = ?2 WHERE id = ?1 AND password IS ?3",
                params![id, hash, kept],
            )?;
            // Somebody else changed it meanwhile.
            if set == 0 {
                return Err(AccountsError::WrongCredentials);
            }
            end_sessions(db, id, caller)
        })
    }

    /// Removes the caller's own password, when a passkey is left to sign in with.
    ///
    /// # Errors
    /// [`AccountsError::LastWay`], [`AccountsError::SignInAgain`].
    pub fn remove_password(&self, caller: &Caller) -> Result<(), AccountsError> {
        self.fresh(caller)?;
        let id = self.own(caller)?.id;
        self.change(id, |db| {
            let removed = db.execute(
                "UPDATE account SET password = NULL WHERE id = ?1 AND EXISTS (SELECT 1 FROM passkey WHERE account = ?1)",
                [id],
            )?;
            (removed == 1).then_some(()).ok_or(AccountsError::LastWay)
        })
    }

    /// Whether the caller has a password.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn has_password(&self, caller: &Caller) -> Result<bool, AccountsError> {
        let id = self.own(caller)?.id;
        Ok(self
            .store()
            .sign_in_of(id)?
            .is_some_and(|row| row.password.is_some()))
    }

    /// Whether the caller is a person at a browser.
    pub(super) fn in_session(&self, caller: &Caller) -> Result<UtcMs, AccountsError> {
        match caller.via {
            Via::Session { signed_in, .. } => Ok(signed_in),
            _ => Err(AccountsError::NotInSession),
        }
    }

    /// Whether the caller has proved a short time ago who he is.
    pub(super) fn fresh(&self, caller: &Caller) -> Result<(), AccountsError> {
        let age_ms = self.now().0 - self.in_session(caller)?.0;
        if age_ms <= FRESH_MS {
            Ok(())
        } else {
            Err(AccountsError::SignInAgain)
        }
    }
}

/// A session as its owner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// When the person signed in.
    pub signed_in: UtcMs,
    /// When it ends if nothing is asked before.
    pub ends: UtcMs,
    /// Whether it is the one that asks.
    pub own: bool,
}

/// Ends the sessions of `account`, but for the one by which `caller` is known.
fn end_sessions(
    db: &rusqlite::Transaction<'_>,
    account: AccountId,
    caller: &Caller,
) -> Result<(), AccountsError> {
    let keep = match caller.via {
        Via::Session { id, .. } => Some(id),
        _ => None,
    };
    db.execute(
        "DELETE FROM session WHERE account = ?1 AND id IS NOT ?2",
        params![account, keep],
    )?;
    Ok(())
}

/// The same answer for every name, before anything is looked up.
fn not_too_long(password: &Secret) -> Result<(), AccountsError> {
    if password.reveal().len() <= PASSWORD_BYTES_MAX {
        return Ok(());
    }
    Err(AccountsError::Rule {
        field: "password",
        rule: PasswordRule::TooLong.to_string(),
    })
}
