//! Passkeys (WebAuthn): registration and sign-in, each a ceremony of two requests whose state stays here in between.

use super::caller::Caller;
use super::id::{AccountId, CeremonyId, PasskeyId};
use super::live::day;
use super::name::SignInName;
use super::rate::Key;
use super::secret::Secret;
use super::sessions::SignedIn;
use super::store::{PasskeyEntry, STORE_SECRET_BYTES, passkey_text};
use super::{Accounts, AccountsError, Options, checked_label, store};
use record::time::UtcMs;
use rusqlite::params;
use serde_json::Value;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use webauthn_rs::fake::{FakePasskeyDistribution, WebauthnFakeCredentialGenerator};
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, CredentialID, DiscoverableAuthentication,
    Passkey, PasskeyAuthentication, PasskeyRegistration, RequestChallengeResponse, Uuid, Webauthn,
    WebauthnBuilder, WebauthnResult,
};

/// Most passkeys of one account.
pub const PASSKEYS_PER_ACCOUNT_MAX: usize = 16;
/// Most ceremonies that have begun and not ended.
pub const CEREMONIES_MAX: usize = 10_000;
/// How long a ceremony may take, in milliseconds: finding the device and its PIN takes some people minutes.
pub const CEREMONY_LASTS_MS: i64 = 5 * 60 * 1000;

/// What both requests of a ceremony have in common.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Names the ceremony in the second request.
    pub ceremony: CeremonyId,
    /// What the browser gives to the authenticator: `PublicKeyCredentialCreationOptionsJSON` or `…RequestOptionsJSON`.
    pub options: Value,
}

enum State {
    /// Somebody who is signed in adds one.
    Add {
        account: AccountId,
        label: String,
        state: Box<PasskeyRegistration>,
    },
    /// Somebody accepts an invitation.
    Accept {
        code: Secret,
        new_id: AccountId,
        name: SignInName,
        label: String,
        state: Box<PasskeyRegistration>,
    },
    /// Somebody signs in by name.
    Named {
        account: AccountId,
        state: Box<PasskeyAuthentication>,
    },
    /// Somebody signs in with what his device has.
    Discovered(Box<DiscoverableAuthentication>),
    /// Somebody signs in by a name that has no passkeys. He is not told.
    Nobody,
}

struct Ceremony {
    ends: UtcMs,
    state: State,
}

/// The relying party.
pub(crate) struct Passkeys {
    webauthn: Webauthn,
    fakes: WebauthnFakeCredentialGenerator<FakePasskeyDistribution>,
    ceremonies: Mutex<HashMap<CeremonyId, Ceremony>>,
}

impl Passkeys {
    /// `None` when the origin is an address: browsers bind no passkeys to one.
    pub fn of(
        options: &Options,
        fake_key: &[u8; STORE_SECRET_BYTES],
    ) -> Result<Option<Self>, AccountsError> {
        let Some(domain) = options.origin.domain() else {
            return Ok(None);
        };
        let relying_party = options.relying_party.as_deref().unwrap_or(domain);
        let refused = |_| {
            AccountsError::Settings(format!(
                "passkeys cannot be bound to {relying_party:?}: it must be {domain} or a domain above it"
            ))
        };
        let builder = WebauthnBuilder::new(relying_party, options.origin.url()).map_err(refused)?;
        let webauthn = builder
            .rp_name(&options.node_name)
            .build()
            .map_err(refused)?;
        let fakes = WebauthnFakeCredentialGenerator::new(fake_key).map_err(|_| {
            AccountsError::Damaged("the key of made-up credentials has another length")
        })?;
        Ok(Some(Self {
            webauthn,
            fakes,
            ceremonies: Mutex::default(),
        }))
    }

    fn begin(&self, state: State, options: Value, now: UtcMs) -> Result<Begun, AccountsError> {
        let mut ceremonies = self
            .ceremonies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if ceremonies.len() >= CEREMONIES_MAX {
            ceremonies.retain(|_, ceremony| now < ceremony.ends);
        }
        if ceremonies.len() >= CEREMONIES_MAX {
            return Err(AccountsError::Busy);
        }
        let ceremony = CeremonyId::random();
        ceremonies.insert(
            ceremony,
            Ceremony {
                ends: UtcMs(now.0 + CEREMONY_LASTS_MS),
                state,
            },
        );
        Ok(Begun { ceremony, options })
    }

    /// Takes the state of a ceremony, which is thereby over, whatever comes of it.
    fn take(&self, id: CeremonyId, now: UtcMs) -> Result<State, AccountsError> {
        let mut ceremonies = self
            .ceremonies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ceremony = ceremonies
            .remove(&id)
            .filter(|ceremony| now < ceremony.ends);
        ceremony
            .map(|ceremony| ceremony.state)
            .ok_or(AccountsError::CeremonyOver)
    }

    pub fn sweep(&self, now: UtcMs) {
        let mut ceremonies = self
            .ceremonies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ceremonies.retain(|_, ceremony| now < ceremony.ends);
    }

    fn start_registration(
        &self,
        id: AccountId,
        name: &SignInName,
        held: Vec<CredentialID>,
    ) -> Result<(Value, Box<PasskeyRegistration>), AccountsError> {
        let begun = self.webauthn.start_passkey_registration(
            Uuid::from_bytes(id.0),
            name.as_str(),
            name.as_str(),
            Some(held),
        );
        let (options, state) = begun.map_err(|_| AccountsError::PasskeyRefused)?;
        Ok((creation_options(options), Box::new(state)))
    }
}

impl Accounts {
    /// Begins to add a passkey to the caller's own account.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn begin_passkey(&self, caller: &Caller, label: &str) -> Result<Begun, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        self.fresh(caller)?;
        let account = self.own(caller)?;
        let label = checked_label(label)?;
        let held = self.store().passkeys(account.id)?;
        if held.len() >= PASSKEYS_PER_ACCOUNT_MAX {
            return Err(AccountsError::Full {
                what: "passkeys",
                max: PASSKEYS_PER_ACCOUNT_MAX,
            });
        }
        let held = held
            .into_iter()
            .map(|(_, passkey)| passkey.cred_id().clone())
            .collect();
        let (options, state) = passkeys.start_registration(account.id, &account.name, held)?;
        passkeys.begin(
            State::Add {
                account: account.id,
                label,
                state,
            },
            options,
            self.now(),
        )
    }

    /// Adds the passkey that the authenticator made.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn finish_passkey(
        &self,
        caller: &Caller,
        ceremony: CeremonyId,
        credential: Value,
    ) -> Result<PasskeyEntry, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        self.in_session(caller)?;
        let id = self.own(caller)?.id;
        let State::Add {
            account,
            label,
            state,
        } = passkeys.take(ceremony, self.now())?
        else {
            return Err(AccountsError::CeremonyOver);
        };
        if account != id {
            return Err(AccountsError::CeremonyOver);
        }
        let passkey = registered(&passkeys.webauthn, credential, &state)?;
        let added = self.change(id, |db| {
            let held: i64 = db.query_row(
                "SELECT count(*) FROM passkey WHERE account = ?1",
                [id],
                |row| row.get(0),
            )?;
            if held.unsigned_abs() >= PASSKEYS_PER_ACCOUNT_MAX as u64 {
                return Err(AccountsError::Full {
                    what: "passkeys",
                    max: PASSKEYS_PER_ACCOUNT_MAX,
                });
            }
            store::insert_passkey(db, id, &label, &passkey, self.now())
        })?;
        let entry = self
            .passkeys(caller)?
            .into_iter()
            .find(|entry| entry.id == added);
        entry.ok_or(AccountsError::Unknown("passkey"))
    }

    /// The caller's own passkeys, oldest first.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn passkeys(&self, caller: &Caller) -> Result<Vec<PasskeyEntry>, AccountsError> {
        let id = self.own(caller)?.id;
        Ok(self
            .store()
            .passkeys(id)?
            .into_iter()
            .map(|(entry, _)| entry)
            .collect())
    }

    /// Removes one of the caller's own passkeys.
    ///
    /// # Errors
    /// [`AccountsError::LastWay`], [`AccountsError::SignInAgain`], [`AccountsError::Unknown`].
    pub fn remove_passkey(&self, caller: &Caller, id: PasskeyId) -> Result<(), AccountsError> {
        self.fresh(caller)?;
        let account = self.own(caller)?.id;
        self.change(account, |db| {
            if db.execute("DELETE FROM passkey WHERE account = ?1 AND id = ?2", params![account, id])? == 0 {
                return Err(AccountsError::Unknown("passkey"));
            }
            let left: bool = db.query_row(
                "SELECT password IS NOT NULL OR EXISTS (SELECT 1 FROM passkey WHERE account = ?1) FROM account WHERE id = ?1",
                [account],
                |row| row.get(0),
            )?;
            left.then_some(()).ok_or(AccountsError::LastWay)
        })
    }

    /// Begins to sign in: by `name`, or with whatever passkey for this node the device has. A name that has none is answered
    /// like one that has.
    ///
    /// # Errors
    /// [`AccountsError::TooMany`], [`AccountsError::Busy`], [`AccountsError::NoPasskeys`].
    pub fn begin_sign_in(&self, name: Option<&str>, from: IpAddr) -> Result<Begun, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        self.0
            .ceremonies
            .take(Key::address(from), self.now())
            .map_err(AccountsError::TooMany)?;
        let Some(name) = name else {
            let begun = passkeys.webauthn.start_discoverable_authentication();
            let (options, state) = begun.map_err(|_| AccountsError::PasskeyRefused)?;
            return passkeys.begin(
                State::Discovered(Box::new(state)),
                request_options(options, None),
                self.now(),
            );
        };
        let (id, held) = self.passkeys_by_name(name)?;
        if let (Some(account), false) = (id, held.is_empty()) {
            let begun = passkeys.webauthn.start_passkey_authentication(&held);
            let (options, state) = begun.map_err(|_| AccountsError::PasskeyRefused)?;
            let ids = held
                .iter()
                .map(|passkey| passkey.cred_id().clone())
                .collect();
            let state = State::Named {
                account,
                state: Box::new(state),
            };
            return passkeys.begin(state, request_options(options, Some(ids)), self.now());
        }
        let made_up = passkeys
            .fakes
            .generate(super::name::normalised(name).as_bytes());
        let made_up = made_up.map_err(|_| AccountsError::PasskeyRefused)?;
        let begun = passkeys.webauthn.start_discoverable_authentication();
        let (options, _) = begun.map_err(|_| AccountsError::PasskeyRefused)?;
        passkeys.begin(
            State::Nobody,
            request_options(options, Some(made_up)),
            self.now(),
        )
    }

    fn passkeys_by_name(
        &self,
        name: &str,
    ) -> Result<(Option<AccountId>, Vec<Passkey>), AccountsError> {
        let Ok(name) = name.parse::<SignInName>() else {
            return Ok((None, Vec::new()));
        };
        let store = self.store();
        let Some(row) = store.sign_in(&name)? else {
            return Ok((None, Vec::new()));
        };
        let held = store
            .passkeys(row.id)?
            .into_iter()
            .map(|(_, passkey)| passkey)
            .collect();
        Ok((Some(row.id), held))
    }

    /// Signs in with what the authenticator signed.
    ///
    /// # Errors
    /// [`AccountsError::WrongCredentials`] whatever does not fit, [`AccountsError::CeremonyOver`], [`AccountsError::TooMany`].
    pub fn finish_sign_in(
        &self,
        ceremony: CeremonyId,
        credential: Value,
        from: IpAddr,
    ) -> Result<SignedIn, AccountsError> {
        let attempt = self.attempt(None, from)?;
        attempt.judged(self.sign_in_by_passkey(ceremony, credential))
    }

    fn sign_in_by_passkey(
        &self,
        ceremony: CeremonyId,
        credential: Value,
    ) -> Result<SignedIn, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        let state = passkeys.take(ceremony, self.now())?;
        let proof =
            serde_json::from_value(credential).map_err(|_| AccountsError::PasskeyRefused)?;
        let (account, result) = match state {
            State::Named { account, state } => (
                account,
                proved(
                    passkeys
                        .webauthn
                        .finish_passkey_authentication(&proof, &state),
                )?,
            ),
            State::Discovered(state) => {
                let (user, id) = proved(
                    passkeys
                        .webauthn
                        .identify_discoverable_authentication(&proof),
                )?;
                let held = self
                    .store()
                    .passkey(id)?
                    .filter(|(account, _)| account.0 == *user.as_bytes());
                let (account, passkey) = held.ok_or(AccountsError::WrongCredentials)?;
                let finished = passkeys
                    .webauthn
                    .finish_discoverable_authentication_v2(&proof, *state, &passkey);
                (account, proved(finished)?)
            }
            State::Nobody => return Err(AccountsError::WrongCredentials),
            State::Add { .. } | State::Accept { .. } => return Err(AccountsError::CeremonyOver),
        };
        self.note_use(account, &result)?;
        self.start_session(account)
    }

    /// Keeps the authenticator's counter, by which a copied authenticator is noticed, and the day.
    fn note_use(
        &self,
        account: AccountId,
        result: &AuthenticationResult,
    ) -> Result<(), AccountsError> {
        let mut store = self.store();
        let held = store
            .passkey(result.cred_id())?
            .filter(|(owner, _)| *owner == account);
        let (_, mut passkey) = held.ok_or(AccountsError::WrongCredentials)?;
        passkey.update_credential(result);
        let text = passkey_text(&passkey)?;
        let today = day(self.now());
        store.transact(|db| {
            db.execute(
                "UPDATE passkey SET passkey = ?2, used_day = ?3 WHERE credential = ?1",
                params![&passkey.cred_id()[..], text, today],
            )?;
            Ok(())
        })
    }

    /// Begins to accept an invitation with a passkey. `name` is for a new account.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn begin_acceptance(
        &self,
        code: Secret,
        name: Option<&str>,
        label: &str,
        from: IpAddr,
    ) -> Result<Begun, AccountsError> {
        let attempt = self.attempt(None, from)?;
        attempt.judged(self.begin_accepting(code, name, label))
    }

    fn begin_accepting(
        &self,
        code: Secret,
        name: Option<&str>,
        label: &str,
    ) -> Result<Begun, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        let label = checked_label(label)?;
        let (invitation, name) = self.invited_name(&code, name)?;
        if invitation.renews.is_none() && self.store().sign_in(&name)?.is_some() {
            return Err(AccountsError::NameTaken);
        }
        let new_id = AccountId::random();
        let user = invitation.renews.unwrap_or(new_id);
        let (options, state) = passkeys.start_registration(user, &name, Vec::new())?;
        passkeys.begin(
            State::Accept {
                code,
                new_id,
                name,
                label,
                state,
            },
            options,
            self.now(),
        )
    }

    /// Accepts an invitation with the passkey that the authenticator made, and signs in.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn finish_acceptance(
        &self,
        ceremony: CeremonyId,
        credential: Value,
        from: IpAddr,
    ) -> Result<SignedIn, AccountsError> {
        let attempt = self.attempt(None, from)?;
        attempt.judged(self.finish_accepting(ceremony, credential))
    }

    fn finish_accepting(
        &self,
        ceremony: CeremonyId,
        credential: Value,
    ) -> Result<SignedIn, AccountsError> {
        let passkeys = self.passkeys_of_node()?;
        let State::Accept {
            code,
            new_id,
            name,
            label,
            state,
        } = passkeys.take(ceremony, self.now())?
        else {
            return Err(AccountsError::CeremonyOver);
        };
        let passkey = registered(&passkeys.webauthn, credential, &state)?;
        self.accept(&code, new_id, &name, None, |db, id| {
            store::insert_passkey(db, id, &label, &passkey, self.now()).map(|_| ())
        })
    }

    fn passkeys_of_node(&self) -> Result<&Passkeys, AccountsError> {
        self.0.passkeys.as_ref().ok_or(AccountsError::NoPasskeys)
    }
}

fn registered(
    webauthn: &Webauthn,
    credential: Value,
    state: &PasskeyRegistration,
) -> Result<Passkey, AccountsError> {
    let made = serde_json::from_value(credential).map_err(|_| AccountsError::PasskeyRefused)?;
    webauthn
        .finish_passkey_registration(&made, state)
        .map_err(|_| AccountsError::PasskeyRefused)
}

/// The library's reasons tell whether an account or a credential exists.
fn proved<T>(result: WebauthnResult<T>) -> Result<T, AccountsError> {
    result.map_err(|_| AccountsError::WrongCredentials)
}

/// The library asks authenticators not to keep the passkey themselves, because small security keys fill up. A device that can
/// is asked to: then its owner need not type a name.
fn creation_options(options: CreationChallengeResponse) -> Value {
    let mut options = json(&options.public_key);
    if let Some(selection) = options
        .get_mut("authenticatorSelection")
        .and_then(Value::as_object_mut)
    {
        selection.insert("residentKey".into(), "preferred".into());
    }
    options
}

/// One form for every name, whether its passkeys are real or made up.
fn request_options(options: RequestChallengeResponse, allowed: Option<Vec<CredentialID>>) -> Value {
    let mut options = json(&options.public_key);
    let descriptor = |id: CredentialID| serde_json::json!({"type": "public-key", "id": record::encoding::base64url(&id)});
    if let Some(members) = options.as_object_mut() {
        members.remove("extensions");
        let allowed: Vec<Value> = allowed
            .unwrap_or_default()
            .into_iter()
            .map(descriptor)
            .collect();
        members.insert("allowCredentials".into(), allowed.into());
    }
    options
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("the library's own JSON form")
}
