//! How people and programs sign in to a node.
//!
//! An account says as what somebody may act here; it says nothing of who he is, and it signs nothing: statements are signed by
//! keys. Everything is kept in `accounts.db`, apart from the record, and what a request needs is held in memory besides.
//! Everything that is decided by time is decided by the clock that was given.

pub mod caller;
pub mod id;
mod invitations;
mod live;
pub mod name;
pub mod origin;
pub mod passkeys;
pub mod password;
pub mod rate;
pub mod secret;
mod sessions;
pub(crate) mod store;
mod tokens;
mod upkeep;

pub use caller::{Caller, Scope, Via};
pub use id::{AccountId, CeremonyId, InvitationId, PasskeyId, SessionId, TokenId};
pub use invitations::{INVITATION_LASTS_MS_MAX, INVITATIONS_OPEN_MAX, NewInvitation};
pub use live::{Session, SessionTimes, Token};
pub use name::SignInName;
pub use origin::WebOrigin;
pub use passkeys::{CEREMONIES_MAX, CEREMONY_LASTS_MS, PASSKEYS_PER_ACCOUNT_MAX};
pub use secret::Secret;
pub use sessions::{FRESH_MS, SESSIONS_PER_ACCOUNT_MAX, SignedIn};
pub use store::{ACCOUNTS, Account, Invitation, PasskeyEntry};
pub use tokens::{NewToken, TOKEN_LASTS_MS_MAX, TOKENS_PER_ACCOUNT_MAX};

use live::Live;
use password::{Cost, OWASP, Passwords};
use rate::{ADDRESS_RATE, CEREMONY_RATE, Key, Limiter, NAME_RATE, RetryAfter};
use record::name::CallSign;
use record::time::{Clock, UtcMs};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use store::Store;
use tokio::sync::Semaphore;
use truce::participants::Office;
use truce::values::Language;

/// Most accounts of one node. All are held in memory.
pub const ACCOUNTS_MAX: usize = 100_000;
/// Most languages of one account.
pub const LANGUAGES_MAX: usize = 16;
/// Passwords hashed at the same time. Each takes 19 MiB and one core.
pub const HASHES_AT_ONCE_MAX: usize = 2;
/// Passwords that wait to be hashed; beyond, the caller is asked to come again.
pub const HASHES_WAITING_MAX: usize = 64;
/// Longest label of a passkey or a token, in characters.
pub const LABEL_CHARS_MAX: usize = 80;

/// Why something about accounts was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// No such account, a wrong password, a passkey that proves nothing, or an account that is disabled: one answer for all.
    #[error("this does not sign in here: name and password, or the passkey, do not fit")]
    WrongCredentials,
    /// Too many tries.
    #[error("too many tries; the next one is possible in {} s", .0.0)]
    TooMany(RetryAfter),
    /// Too much at once.
    #[error("too many people are signing in at this moment; try again")]
    Busy,
    /// Something in the request breaks a rule.
    #[error("{field} {rule}")]
    Rule {
        /// Which member.
        field: &'static str,
        /// What it must be.
        rule: String,
    },
    /// The sign-in name belongs to somebody.
    #[error("this sign-in name is taken; choose another")]
    NameTaken,
    /// The authenticator's credential is registered already.
    #[error("this passkey is registered already; use another device or another passkey")]
    PasskeyKnown,
    /// There is none, or none that the caller may know of.
    #[error("there is no such {0} here")]
    Unknown(&'static str),
    /// An API token was used for what only a person may do.
    #[error("only a person who is signed in may do this, not an API token")]
    NotInSession,
    /// It is long ago that the person proved who he is.
    #[error("sign in again and repeat this within 15 minutes: it changes how one signs in")]
    SignInAgain,
    /// The credential does not allow it.
    #[error("this needs the scope {0}")]
    NotAllowed(Scope),
    /// A limit is reached.
    #[error("there are {max} {what} already, which is the most; remove one first")]
    Full {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// Nobody could sign in any more.
    #[error("this is the last way to sign in to the account; add another one first")]
    LastWay,
    /// An administrator cannot lock himself out.
    #[error(
        "an administrator cannot disable, delete or demote his own account; another administrator can"
    )]
    OwnAccount,
    /// The ceremony was finished, is too old, or is another's.
    #[error("this passkey ceremony is over; begin again")]
    CeremonyOver,
    /// The authenticator's answer does not prove what it must.
    #[error("the authenticator's answer was not accepted; begin again")]
    PasskeyRefused,
    /// The node is reached by an address.
    #[error(
        "this node has no passkeys: its origin is an address, and browsers bind passkeys to domain names"
    )]
    NoPasskeys,
    /// `accounts.db` was written by a newer program.
    #[error(
        "accounts.db has layout {0}, which this program does not know; use the newer program that wrote it"
    )]
    Layout(i64),
    /// The settings contradict each other.
    #[error("{0}")]
    Settings(String),
    /// Something in `accounts.db` cannot be read.
    #[error("accounts.db: {0}; restore it from a backup")]
    Damaged(&'static str),
    /// The file cannot be made or opened.
    #[error("accounts.db: {0}")]
    File(#[from] std::io::Error),
    /// SQLite said no.
    #[error("accounts.db: {0}")]
    Database(#[from] rusqlite::Error),
}

/// How a node's accounts are set up.
#[derive(Clone)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where browsers find the node.
    pub origin: WebOrigin,
    /// To which domain passkeys are bound: the origin's own or one above it. It can never be changed without losing them all.
    /// `None`: the origin's own.
    pub relying_party: Option<String>,
    /// What authenticators show as the name of the node.
    pub node_name: String,
    /// How long sessions last.
    pub sessions: SessionTimes,
    /// What hashing a password costs.
    pub password_cost: Cost,
}

impl Options {
    /// The usual options of a node at `origin`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, origin: WebOrigin) -> Self {
        Self {
            clock,
            origin,
            relying_party: None,
            node_name: "Truceline".into(),
            sessions: SessionTimes::default(),
            password_cost: OWASP,
        }
    }
}

/// The accounts of a node. Cloning gives another handle on the same.
///
/// Methods that are not `async` may wait for the disk, and some hash: call them from the command line, or through
/// [`Accounts::run`]. [`Accounts::caller`] and [`Accounts::again`] never wait.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    times: SessionTimes,
    store: Mutex<Store>,
    live: RwLock<Live>,
    passwords: Passwords,
    passkeys: Option<passkeys::Passkeys>,
    by_name: Limiter,
    by_address: Limiter,
    ceremonies: Limiter,
    hashing: Arc<Semaphore>,
    hashing_or_waiting: Arc<Semaphore>,
    saved_at: AtomicI64,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// By which name it signs in.
    pub name: SignInName,
    /// The participant for which it acts.
    pub participant: CallSign,
    /// The offices in which it may act.
    pub offices: BTreeSet<Office>,
    /// Languages, best first.
    pub languages: Vec<Language>,
    /// Its password.
    pub password: Secret,
}

/// What an administrator changes of an account. `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// The offices in which it may act.
    pub offices: Option<BTreeSet<Office>>,
    /// Languages, best first.
    pub languages: Option<Vec<Language>>,
    /// Whether nobody can sign in with it. Disabling ends its sessions and revokes its tokens.
    pub disabled: Option<bool>,
}

impl Accounts {
    /// Opens the accounts in the directory `dir`, or makes an empty `accounts.db` there.
    ///
    /// # Errors
    /// [`AccountsError`] when the file cannot be opened or the options contradict each other.
    pub fn open(dir: &Path, options: Options) -> Result<Self, AccountsError> {
        let mut store = Store::open(dir)?;
        let passwords = Passwords::new(options.password_cost).map_err(AccountsError::Settings)?;
        let passkeys = passkeys::Passkeys::of(&options, &store.secret("fake credentials")?)?;
        let live = Live::of(
            store.accounts()?,
            store.credentials()?,
            &mut Live::default(),
        );
        Ok(Self(Arc::new(Inner {
            saved_at: AtomicI64::new(options.clock.now().0),
            clock: options.clock,
            times: options.sessions,
            store: Mutex::new(store),
            live: RwLock::new(live),
            passwords,
            passkeys,
            by_name: Limiter::new(NAME_RATE),
            by_address: Limiter::new(ADDRESS_RATE),
            ceremonies: Limiter::new(CEREMONY_RATE),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)),
            hashing_or_waiting: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX + HASHES_WAITING_MAX)),
        })))
    }

    /// Makes an account with a password. For the command line and the demo; people are invited instead.
    ///
    /// # Errors
    /// [`AccountsError`]: the name is taken, or the password breaks a rule.
    pub fn create(&self, new: NewAccount) -> Result<Account, AccountsError> {
        self.check_password(&new.password, &new.name)?;
        let hash = self.0.passwords.hash(&new.password);
        let account = Account {
            id: AccountId::random(),
            name: new.name,
            participant: new.participant,
            offices: new.offices,
            languages: checked_languages(new.languages)?,
            disabled: false,
            created: self.now(),
        };
        self.room_for_an_account()?;
        self.change(account.id, |db| {
            store::insert_account(db, &account, Some(&hash))
        })?;
        Ok(account)
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live().len()
    }

    /// Whether nobody can sign in yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The account of somebody who is signed in.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] for the public.
    pub fn own(&self, caller: &Caller) -> Result<Arc<Account>, AccountsError> {
        let account = caller.account.and_then(|id| self.live().account(id));
        account.ok_or(AccountsError::Unknown("account"))
    }

    /// An account of `participant`, for whoever watches over its reads.
    #[must_use]
    pub(crate) fn known(&self, participant: &CallSign, id: AccountId) -> Option<Arc<Account>> {
        let account = self.live().account(id);
        account.filter(|account| account.participant == *participant)
    }

    /// An account of the administrator's own participant.
    ///
    /// # Errors
    /// [`AccountsError::Unknown`] also for one of another participant.
    pub fn account(&self, by: &Caller, id: AccountId) -> Result<Arc<Account>, AccountsError> {
        let participant = administered(by)?;
        let account = self
            .live()
            .account(id)
            .filter(|account| account.participant == *participant);
        account.ok_or(AccountsError::Unknown("account"))
    }

    /// Accounts of the administrator's own participant in the order of their names, after the name `after`; and how many there
    /// are in all.
    ///
    /// # Errors
    /// [`AccountsError::NotAllowed`].
    pub fn accounts(
        &self,
        by: &Caller,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Account>, u64), AccountsError> {
        Ok(self.store().accounts_of(administered(by)?, after, limit)?)
    }

    /// Changes an account of the administrator's own participant.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn alter(
        &self,
        by: &Caller,
        id: AccountId,
        change: AccountChange,
    ) -> Result<Arc<Account>, AccountsError> {
        let account = self.account(by, id)?;
        let demoted = change
            .offices
            .as_ref()
            .is_some_and(|to| !to.contains(&Office::Administrator));
        if by.account == Some(id) && (change.disabled == Some(true) || demoted) {
            return Err(AccountsError::OwnAccount);
        }
        let offices = change.offices.unwrap_or_else(|| account.offices.clone());
        let languages = checked_languages(
            change
                .languages
                .unwrap_or_else(|| account.languages.clone()),
        )?;
        let disabled = change.disabled.unwrap_or(account.disabled);
        self.change(id, |db| {
            db.execute(
                "UPDATE account SET offices = ?2, languages = ?3, disabled = ?4 WHERE id = ?1",
                rusqlite::params![
                    id,
                    caller::join(&offices),
                    caller::join(&languages),
                    disabled
                ],
            )?;
            if disabled {
                db.execute("DELETE FROM session WHERE account = ?1", [id])?;
                db.execute("DELETE FROM token WHERE account = ?1", [id])?;
            }
            Ok(())
        })?;
        self.account(by, id)
    }

    /// Deletes an account of the administrator's own participant with everything that belongs to it. Statements stay: they were
    /// signed by keys, not by accounts.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub fn delete(&self, by: &Caller, id: AccountId) -> Result<(), AccountsError> {
        self.account(by, id)?;
        if by.account == Some(id) {
            return Err(AccountsError::OwnAccount);
        }
        self.change(id, |db| {
            db.execute("DELETE FROM account WHERE id = ?1", [id])?;
            Ok(())
        })?;
        Ok(self.store().forget_deleted()?)
    }

    /// Runs `work` on a thread that may wait for the disk.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, AccountsError> + Send + 'static,
    ) -> Result<T, AccountsError> {
        let accounts = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&accounts)).await;
        done.unwrap_or(Err(AccountsError::Damaged("the work on it was broken off")))
    }

    /// The same for work that hashes a password. Only [`HASHES_AT_ONCE_MAX`] run at once.
    ///
    /// # Errors
    /// [`AccountsError::Busy`] when too many wait already, and those of `work`.
    pub async fn run_hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, AccountsError> + Send + 'static,
    ) -> Result<T, AccountsError> {
        let place = self.0.hashing_or_waiting.clone().try_acquire_owned();
        let place = place.map_err(|_| AccountsError::Busy)?;
        let turn = self
            .0
            .hashing
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| AccountsError::Busy)?;
        // Both are held until the work has ended, also when nobody waits for it any more.
        self.run(move |accounts| {
            let _held = (place, turn);
            work(accounts)
        })
        .await
    }

    /// A secret of this node's own, made when it is first asked for: to sign what only this node reads again.
    ///
    /// # Errors
    /// [`AccountsError::Database`].
    pub fn store_secret(&self, name: &str) -> Result<[u8; 32], AccountsError> {
        self.store().secret(name)
    }

    fn now(&self) -> UtcMs {
        self.0.clock.now()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.0.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what belongs to one account, in the database first and then in memory, before anybody else changes anything.
    fn change<T>(
        &self,
        id: AccountId,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let mut store = self.store();
        let done = store.transact(work)?;
        let (account, credentials) = (store.account(id)?, store.credentials_of(id)?);
        let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
        live.replace(id, account, credentials);
        Ok(done)
    }

    fn room_for_an_account(&self) -> Result<(), AccountsError> {
        if self.len() < ACCOUNTS_MAX {
            return Ok(());
        }
        Err(AccountsError::Full {
            what: "accounts",
            max: ACCOUNTS_MAX,
        })
    }

    fn check_password(&self, password: &Secret, name: &SignInName) -> Result<(), AccountsError> {
        let rule = |rule: password::PasswordRule| AccountsError::Rule {
            field: "password",
            rule: rule.to_string(),
        };
        password::acceptable(password, name).map_err(rule)
    }

    /// Takes a try from an address, and from a name when there is one.
    fn attempt(&self, name: Option<&str>, from: IpAddr) -> Result<Attempt<'_>, AccountsError> {
        let now = self.now();
        let (name, address) = (name.map(Key::name), Key::address(from));
        self.0
            .by_address
            .take(address, now)
            .map_err(AccountsError::TooMany)?;
        if let Some(name) = name {
            self.0
                .by_name
                .take(name, now)
                .map_err(AccountsError::TooMany)?;
        }
        Ok(Attempt {
            accounts: self,
            name,
            address,
        })
    }
}

/// A try that counts unless it turns out to be right.
struct Attempt<'a> {
    accounts: &'a Accounts,
    name: Option<Key>,
    address: Key,
}

impl Attempt<'_> {
    /// Passes `outcome` on; one that went well, or was not the caller's fault, does not count.
    fn judged<T>(self, outcome: Result<T, AccountsError>) -> Result<T, AccountsError> {
        let counts = matches!(
            outcome,
            Err(AccountsError::WrongCredentials
                | AccountsError::Unknown(_)
                | AccountsError::NameTaken)
        );
        if !counts {
            self.accounts.0.by_address.give_back(self.address);
            if let Some(name) = self.name {
                self.accounts.0.by_name.give_back(name);
            }
        }
        outcome
    }
}

/// The participant whose accounts `by` administers.
fn administered(by: &Caller) -> Result<&CallSign, AccountsError> {
    match &by.participant {
        Some(participant) if by.may(Scope::Admin) => Ok(participant),
        _ => Err(AccountsError::NotAllowed(Scope::Admin)),
    }
}

fn checked_languages(languages: Vec<Language>) -> Result<Vec<Language>, AccountsError> {
    let mut once: Vec<Language> = Vec::with_capacity(languages.len());
    for language in languages {
        if !once.contains(&language) {
            once.push(language);
        }
    }
    if once.len() > LANGUAGES_MAX {
        return Err(AccountsError::Rule {
            field: "languages",
            rule: format!("are at most {LANGUAGES_MAX}"),
        });
    }
    Ok(once)
}

/// A label that people gave: one line.
fn checked_label(label: &str) -> Result<String, AccountsError> {
    let label = label.trim();
    let chars = label.chars().count();
    if (1..=LABEL_CHARS_MAX).contains(&chars) && !label.chars().any(char::is_control) {
        return Ok(label.to_owned());
    }
    Err(AccountsError::Rule {
        field: "label",
        rule: format!("is one line of 1 to {LABEL_CHARS_MAX} characters"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::time::ManualClock;

    fn accounts(dir: &Path) -> Accounts {
        let origin = "http://localhost".parse().unwrap();
        let options = Options {
            password_cost: Cost {
                memory_kib: 8,
                passes: 1,
                lanes: 1,
            },
            ..Options::new(Arc::new(ManualClock::default()), origin)
        };
        Accounts::open(dir, options).unwrap()
    }

    #[tokio::test]
    async fn only_so_many_passwords_wait_to_be_hashed() {
        let dir = tempfile::TempDir::new().unwrap();
        let accounts = accounts(dir.path());
        let turns = accounts.0.hashing.clone();
        let all = u32::try_from(HASHES_AT_ONCE_MAX).unwrap();
        let held = turns.acquire_many(all).await.unwrap();
        let sign_in = |i: usize| {
            let (accounts, from) = (accounts.clone(), IpAddr::from([192, 0, 2, 1]));
            let password = Secret::new("four horses in a field".into());
            async move {
                accounts
                    .sign_in(format!("desk-{i}"), password, from)
                    .await
                    .map(|_| ())
            }
        };
        // The address is allowed fewer tries than may wait: these are from many.
        let from_many = |i: usize| {
            let accounts = accounts.clone();
            async move { accounts.run_hashing(move |_| Ok(i)).await }
        };
        let waiting: Vec<_> = (0..HASHES_AT_ONCE_MAX + HASHES_WAITING_MAX)
            .map(|i| tokio::spawn(from_many(i)))
            .collect();
        while accounts.0.hashing_or_waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(sign_in(0).await, Err(AccountsError::Busy)));
        drop(held);
        for (i, one) in waiting.into_iter().enumerate() {
            assert_eq!(one.await.unwrap().unwrap(), i);
        }
        assert!(matches!(
            sign_in(0).await,
            Err(AccountsError::WrongCredentials)
        ));
    }

    #[test]
    fn nobody_else_on_the_machine_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::TempDir::new().unwrap();
        let _open = accounts(dir.path());
        let mut files = 0;
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            files += 1;
        }
        assert!(files >= 2, "the write-ahead log too");
    }

    #[test]
    fn a_newer_file_is_not_touched() {
        let dir = tempfile::TempDir::new().unwrap();
        drop(accounts(dir.path()));
        let db = rusqlite::Connection::open(dir.path().join(ACCOUNTS)).unwrap();
        db.pragma_update(None, "user_version", 7).unwrap();
        let options = Options::new(
            Arc::new(ManualClock::default()),
            "http://localhost".parse().unwrap(),
        );
        let refused = Accounts::open(dir.path(), options);
        assert!(matches!(refused, Err(AccountsError::Layout(7))));
    }

    #[test]
    fn passkeys_are_bound_to_the_domain_or_one_above_it() {
        for (origin, relying_party, good) in [
            ("https://node.truce.example", None, true),
            ("https://node.truce.example", Some("truce.example"), true),
            ("https://node.truce.example", Some("other.example"), false),
            ("http://127.0.0.1:8016", None, true),
        ] {
            let dir = tempfile::TempDir::new().unwrap();
            let options = Options {
                relying_party: relying_party.map(str::to_owned),
                ..Options::new(Arc::new(ManualClock::default()), origin.parse().unwrap())
            };
            assert_eq!(
                Accounts::open(dir.path(), options).is_ok(),
                good,
                "{origin} {relying_party:?}"
            );
        }
    }
}
