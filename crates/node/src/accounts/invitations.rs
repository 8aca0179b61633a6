//! Invitations: an administrator gives a person a code that works once; the person chooses name and password, or a passkey.

use super::caller::Caller;
use super::id::{AccountId, InvitationId};
use super::name::SignInName;
use super::secret::{INVITATION_PREFIX, Secret, SecretHash, has_form};
use super::sessions::SignedIn;
use super::store::{Account, Invitation};
use super::{Accounts, AccountsError, administered, checked_languages, store};
use record::name::CallSign;
use record::time::UtcMs;
use rusqlite::{Transaction, params};
use std::collections::BTreeSet;
use std::net::IpAddr;
use truce::participants::Office;
use truce::values::Language;

/// Most open invitations of one participant.
pub const INVITATIONS_OPEN_MAX: usize = 500;
/// Longest time in which an invitation can be accepted, in milliseconds: thirty days.
pub const INVITATION_LASTS_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1000;

/// A new invitation.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Offices of the new account.
    pub offices: BTreeSet<Office>,
    /// Languages of the new account.
    pub languages: Vec<Language>,
    /// An account whose sign-in is to be set anew, because its owner cannot sign in or it may be in wrong hands. Offices and
    /// languages stay as they are.
    pub renews: Option<AccountId>,
    /// Milliseconds until it expires.
    pub lasts_ms: i64,
}

impl Accounts {
    /// Invites somebody for the administrator's own participant. The code is shown this once.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn invite(
        &self,
        by: &Caller,
        new: NewInvitation,
    ) -> Result<(Invitation, Secret), AccountsError> {
        let participant = administered(by)?.clone();
        if let Some(id) = new.renews {
            self.account(by, id)?;
        }
        self.issue(participant, new)
    }

    /// Invites somebody for `participant`: from the command line, for the first administrator.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn issue(
        &self,
        participant: CallSign,
        new: NewInvitation,
    ) -> Result<(Invitation, Secret), AccountsError> {
        if !(1..=INVITATION_LASTS_MS_MAX).contains(&new.lasts_ms) {
            return Err(AccountsError::Rule {
                field: "days",
                rule: "is from 1 to 30".into(),
            });
        }
        let secret = Secret::random(INVITATION_PREFIX);
        let now = self.now();
        let invitation = Invitation {
            id: InvitationId::random(),
            participant,
            renews: new.renews,
            offices: new.offices,
            languages: checked_languages(new.languages)?,
            created: now,
            expires: UtcMs(now.0 + new.lasts_ms),
        };
        self.store().transact(|db| {
            let open: i64 = db.query_row(
                "SELECT count(*) FROM invitation WHERE participant = ?1 AND expires_ms > ?2",
                params![invitation.participant.as_str(), now.0],
                |row| row.get(0),
            )?;
            if open.unsigned_abs() >= INVITATIONS_OPEN_MAX as u64 {
                return Err(AccountsError::Full {
                    what: "open invitations",
                    max: INVITATIONS_OPEN_MAX,
                });
            }
            Ok(store::insert_invitation(db, &invitation, &secret.hash())?)
        })?;
        Ok((invitation, secret))
    }

    /// Open invitations of the administrator's own participant in the order in which they were made; and how many there are.
    ///
    /// # Errors
    /// [`AccountsError::NotAllowed`].
    pub fn invitations(
        &self,
        by: &Caller,
        after: Option<(UtcMs, InvitationId)>,
        limit: usize,
    ) -> Result<(Vec<Invitation>, u64), AccountsError> {
        let participant = administered(by)?;
        Ok(self
            .store()
            .invitations_of(participant, self.now(), after, limit)?)
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`].
    pub fn revoke_invitation(&self, by: &Caller, id: InvitationId) -> Result<(), AccountsError> {
        let participant = administered(by)?;
        let revoked = self.store().transact(|db| {
            Ok(db.execute(
                "DELETE FROM invitation WHERE id = ?1 AND participant = ?2",
                params![id, participant.as_str()],
            )?)
        })?;
        (revoked == 1)
            .then_some(())
            .ok_or(AccountsError::Unknown("invitation"))
    }

    /// What a code invites to, and the sign-in name of the account that it renews. Does not use it up.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] when the code was never given, was used, was taken back or has expired.
    pub fn look_at_invitation(
        &self,
        code: &Secret,
        from: IpAddr,
    ) -> Result<(Invitation, Option<SignInName>), AccountsError> {
        let attempt = self.attempt(None, from)?;
        attempt.judged(self.open_invitation(code))
    }

    pub(super) fn open_invitation(
        &self,
        code: &Secret,
    ) -> Result<(Invitation, Option<SignInName>), AccountsError> {
        let hash = code_hash(code)?;
        let invitation = self
            .store()
            .invitation(&hash)?
            .filter(|invitation| self.now() < invitation.expires);
        let invitation = invitation.ok_or(AccountsError::Unknown("invitation"))?;
        let renewed = invitation.renews.and_then(|id| self.live().account(id));
        Ok((invitation, renewed.map(|account| account.name.clone())))
    }

    /// Accepts an invitation with a password, and signs in. `name` is for a new account; one that is renewed keeps its name.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn accept_with_password(
        &self,
        code: Secret,
        name: Option<String>,
        password: Secret,
        from: IpAddr,
    ) -> Result<SignedIn, AccountsError> {
        let attempt = self.attempt(None, from)?;
        let outcome = self
            .run_hashing(move |accounts| {
                let (_, name) = accounts.invited_name(&code, name.as_deref())?;
                accounts.check_password(&password, &name)?;
                let hash = accounts.0.passwords.hash(&password);
                accounts.accept(
                    &code,
                    AccountId::random(),
                    &name,
                    Some(&hash),
                    |_, _| Ok(()),
                )
            })
            .await;
        attempt.judged(outcome)
    }

    /// The invitation behind `code` and the name that its account has or is to have.
    pub(super) fn invited_name(
        &self,
        code: &Secret,
        name: Option<&str>,
    ) -> Result<(Invitation, SignInName), AccountsError> {
        let (invitation, renewed) = self.open_invitation(code)?;
        let rule = |rule: String| AccountsError::Rule {
            field: "name",
            rule,
        };
        let name = match (renewed, name) {
            (Some(renewed), None) => renewed,
            (Some(_), Some(_)) => {
                return Err(rule(
                    "stays as it is when an account is renewed; leave it out".into(),
                ));
            }
            (None, Some(name)) => name
                .parse()
                .map_err(|error: super::name::NotASignInName| rule(error.to_string()))?,
            (None, None) => {
                return Err(rule("is missing: choose by which name you sign in".into()));
            }
        };
        Ok((invitation, name))
    }

    /// Uses the invitation up, makes or renews the account in the same transaction, and signs in.
    pub(super) fn accept(
        &self,
        code: &Secret,
        new_id: AccountId,
        name: &SignInName,
        password: Option<&str>,
        add: impl FnOnce(&Transaction<'_>, AccountId) -> Result<(), AccountsError>,
    ) -> Result<SignedIn, AccountsError> {
        self.room_for_an_account()?;
        let (invitation, _) = self.open_invitation(code)?;
        let hash = code_hash(code)?;
        let id = invitation.renews.unwrap_or(new_id);
        self.change(id, |db| {
            if db.execute(
                "DELETE FROM invitation WHERE id = ?1 AND hash = ?2",
                params![invitation.id, hash],
            )? == 0
            {
                return Err(AccountsError::Unknown("invitation"));
            }
            match invitation.renews {
                Some(_) => renew(db, id, password)?,
                None => store::insert_account(db, &self.invited(&invitation, id, name), password)?,
            }
            add(db, id)
        })?;
        self.start_session(id)
    }

    fn invited(&self, invitation: &Invitation, id: AccountId, name: &SignInName) -> Account {
        Account {
            id,
            name: name.clone(),
            participant: invitation.participant.clone(),
            offices: invitation.offices.clone(),
            languages: invitation.languages.clone(),
            disabled: false,
            created: self.now(),
        }
    }
}

fn code_hash(code: &Secret) -> Result<SecretHash, AccountsError> {
    if has_form(code.reveal(), INVITATION_PREFIX) {
        return Ok(code.hash());
    }
    Err(AccountsError::Unknown("invitation"))
}

/// Whoever could sign in to the account before cannot any more.
fn renew(db: &Transaction<'_>, id: AccountId, password: Option<&str>) -> Result<(), AccountsError> {
    let renewed = db.execute(
        "UPDATE account SET password = ?2 WHERE id = ?1 AND NOT disabled",
        params![id, password],
    )?;
    if renewed == 0 {
        return Err(AccountsError::Unknown("invitation"));
    }
    for table in ["passkey", "session", "token"] {
        db.execute(&format!("DELETE FROM {table} WHERE account = ?1"), [id])?;
    }
    Ok(())
}
