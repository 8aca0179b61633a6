//! `accounts.db`: everything about sign-in that survives a restart. It holds persons, so it is apart from the record and small;
//! what is deleted is overwritten.

use super::AccountsError;
use super::caller::{Scope, join, office, scope};
use super::id::{AccountId, InvitationId, PasskeyId, SessionId, TokenId, random};
use super::live::{Credential, Session, Token};
use super::name::SignInName;
use super::secret::SecretHash;
use record::name::CallSign;
use record::time::UtcMs;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeSet;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use truce::participants::Office;
use truce::values::Language;
use webauthn_rs::prelude::Passkey;

/// The file.
pub const ACCOUNTS: &str = "accounts.db";
/// The layout's version, kept in `user_version`.
const LAYOUT: i64 = 1;
/// How long a command waits for another process that writes.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Bytes of each secret that the store makes for itself.
pub(crate) const STORE_SECRET_BYTES: usize = 32;

const SCHEMA: &str = "
    CREATE TABLE account (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, participant TEXT NOT NULL, offices TEXT NOT NULL,
        languages TEXT NOT NULL, disabled INTEGER NOT NULL, created_ms INTEGER NOT NULL, password TEXT) WITHOUT ROWID;
    CREATE UNIQUE INDEX account_of ON account (participant, name);
    CREATE TABLE passkey (id BLOB PRIMARY KEY, account BLOB NOT NULL REFERENCES account ON DELETE CASCADE,
        credential BLOB NOT NULL UNIQUE, label TEXT NOT NULL, created_ms INTEGER NOT NULL, used_day INTEGER, passkey TEXT NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX passkey_of ON passkey (account);
    CREATE TABLE session (hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE,
        account BLOB NOT NULL REFERENCES account ON DELETE CASCADE, created_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL)
        WITHOUT ROWID;
    CREATE INDEX session_of ON session (account);
    CREATE TABLE token (hash BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE,
        account BLOB NOT NULL REFERENCES account ON DELETE CASCADE, label TEXT NOT NULL, scopes TEXT NOT NULL, offices TEXT,
        created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_day INTEGER) WITHOUT ROWID;
    CREATE INDEX token_of ON token (account);
    CREATE TABLE invitation (id BLOB PRIMARY KEY, hash BLOB NOT NULL UNIQUE, participant TEXT NOT NULL,
        renews BLOB REFERENCES account ON DELETE CASCADE, offices TEXT NOT NULL, languages TEXT NOT NULL,
        created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX invitation_of ON invitation (participant, created_ms, id);
    CREATE INDEX invitation_renews ON invitation (renews);
    CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
";

/// How a person signs in, and as what. It says nothing of who the person is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// By which name the person signs in.
    pub name: SignInName,
    /// The participant for which it acts.
    pub participant: CallSign,
    /// The offices in which it may act.
    pub offices: BTreeSet<Office>,
    /// Languages that the person reads and writes, best first.
    pub languages: Vec<Language>,
    /// Whether nobody can sign in with it.
    pub disabled: bool,
    /// When it was made.
    pub created: UtcMs,
}

/// A passkey, as its owner sees it.
#[derive(Debug, Clone)]
pub struct PasskeyEntry {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub label: String,
    /// When it was added.
    pub created: UtcMs,
    /// The day on which it was last used, in days since 1970.
    pub used_day: Option<i64>,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The participant for which the new account will act.
    pub participant: CallSign,
    /// The account whose sign-in is set anew, if it is not for a new one.
    pub renews: Option<AccountId>,
    /// Offices of the new account.
    pub offices: BTreeSet<Office>,
    /// Languages of the new account.
    pub languages: Vec<Language>,
    /// When it was made.
    pub created: UtcMs,
    /// Until when it can be accepted.
    pub expires: UtcMs,
}

/// What is needed to check a sign-in by name.
pub(crate) struct SignInRow {
    pub id: AccountId,
    pub disabled: bool,
    pub password: Option<String>,
}

/// The one connection that this process has.
pub(crate) struct Store {
    db: Connection,
    version: i64,
}

type Sql<T> = Result<T, rusqlite::Error>;

impl Store {
    /// Opens `accounts.db` in `dir`, or makes it.
    pub fn open(dir: &Path) -> Result<Self, AccountsError> {
        let path = dir.join(ACCOUNTS);
        for_owner_alone(&path)?;
        let db = Connection::open(path)?;
        db.busy_timeout(BUSY_WAIT)?;
        db.set_prepared_statement_cache_capacity(64);
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        let mut store = Self { db, version: 0 };
        store.lay_out()?;
        store.version = store.data_version()?;
        Ok(store)
    }

    fn lay_out(&mut self) -> Result<(), AccountsError> {
        let transaction = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let layout: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match layout {
            0 => transaction.execute_batch(&format!("{SCHEMA} PRAGMA user_version = {LAYOUT};"))?,
            LAYOUT => {}
            other => return Err(AccountsError::Layout(other)),
        }
        transaction.commit()?;
        Ok(())
    }

    fn data_version(&self) -> Sql<i64> {
        self.db
            .pragma_query_value(None, "data_version", |row| row.get(0))
    }

    /// Whether another process has written since this was last asked.
    pub fn changed_elsewhere(&mut self) -> Sql<bool> {
        let version = self.data_version()?;
        Ok(std::mem::replace(&mut self.version, version) != version)
    }

    /// Whether the database answers.
    pub fn answers(&self) -> Sql<()> {
        self.db
            .query_row("SELECT count(*) FROM secret", [], |row| {
                row.get::<_, i64>(0)
            })
            .map(|_| ())
    }

    /// All or nothing.
    pub fn transact<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let transaction = self
            .db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Empties the write-ahead log, so that no deleted byte is left in it. A reader elsewhere may delay that to the next time.
    pub fn forget_deleted(&self) -> Sql<()> {
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// A secret of this store, made when it is first asked for.
    pub fn secret(&mut self, name: &str) -> Result<[u8; STORE_SECRET_BYTES], AccountsError> {
        self.transact(|db| {
            db.execute(
                "INSERT OR IGNORE INTO secret (name, value) VALUES (?1, ?2)",
                params![name, random::<STORE_SECRET_BYTES>()],
            )?;
            Ok(
                db.query_row("SELECT value FROM secret WHERE name = ?1", [name], |row| {
                    row.get(0)
                })?,
            )
        })
    }

    pub fn accounts(&self) -> Sql<Vec<Account>> {
        self.all("SELECT * FROM account", [], account_row)
    }

    pub fn account(&self, id: AccountId) -> Sql<Option<Account>> {
        let mut select = self
            .db
            .prepare_cached("SELECT * FROM account WHERE id = ?1")?;
        select.query_row([id], account_row).optional()
    }

    /// Accounts of one participant by name, after `after`.
    pub fn accounts_of(
        &self,
        participant: &CallSign,
        after: Option<&str>,
        limit: usize,
    ) -> Sql<(Vec<Account>, u64)> {
        let rows = self.all(
            "SELECT * FROM account WHERE participant = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
            params![participant.as_str(), after.unwrap_or_default(), rows(limit)],
            account_row,
        )?;
        let total = self.count(
            "SELECT count(*) FROM account WHERE participant = ?1",
            [participant.as_str()],
        )?;
        Ok((rows, total))
    }

    pub fn sign_in(&self, name: &SignInName) -> Sql<Option<SignInRow>> {
        let mut select = self
            .db
            .prepare_cached("SELECT id, disabled, password FROM account WHERE name = ?1")?;
        select.query_row([name.as_str()], sign_in_row).optional()
    }

    pub fn sign_in_of(&self, id: AccountId) -> Sql<Option<SignInRow>> {
        let mut select = self
            .db
            .prepare_cached("SELECT id, disabled, password FROM account WHERE id = ?1")?;
        select.query_row([id], sign_in_row).optional()
    }

    pub fn credentials(&self) -> Sql<Vec<Credential>> {
        let mut all = self.all("SELECT * FROM session", [], session_row)?;
        all.extend(self.all("SELECT * FROM token", [], token_row)?);
        Ok(all)
    }

    pub fn credentials_of(&self, account: AccountId) -> Sql<Vec<Credential>> {
        let mut all = self.all(
            "SELECT * FROM session WHERE account = ?1",
            [account],
            session_row,
        )?;
        all.extend(self.all(
            "SELECT * FROM token WHERE account = ?1",
            [account],
            token_row,
        )?);
        Ok(all)
    }

    pub fn passkeys(&self, account: AccountId) -> Sql<Vec<(PasskeyEntry, Passkey)>> {
        self.all(
            "SELECT * FROM passkey WHERE account = ?1 ORDER BY created_ms, id",
            [account],
            passkey_row,
        )
    }

    /// The passkey with the authenticator's credential id, and whose it is.
    pub fn passkey(&self, credential: &[u8]) -> Sql<Option<(AccountId, Passkey)>> {
        let mut select = self
            .db
            .prepare_cached("SELECT * FROM passkey WHERE credential = ?1")?;
        select
            .query_row([credential], |row| {
                Ok((row.get("account")?, passkey_row(row)?.1))
            })
            .optional()
    }

    pub fn invitation(&self, hash: &SecretHash) -> Sql<Option<Invitation>> {
        let mut select = self
            .db
            .prepare_cached("SELECT * FROM invitation WHERE hash = ?1")?;
        select.query_row([hash], invitation_row).optional()
    }

    /// Open invitations of one participant in the order in which they were made, after `after`.
    pub fn invitations_of(
        &self,
        participant: &CallSign,
        now: UtcMs,
        after: Option<(UtcMs, InvitationId)>,
        limit: usize,
    ) -> Sql<(Vec<Invitation>, u64)> {
        let (after_ms, after_id) = after.map_or((i64::MIN, [0; 16]), |(at, id)| (at.0, id.0));
        let rows = self.all(
            "SELECT * FROM invitation WHERE participant = ?1 AND expires_ms > ?2 AND (created_ms, id) > (?3, ?4)
             ORDER BY created_ms, id LIMIT ?5",
            params![participant.as_str(), now.0, after_ms, after_id, rows(limit)],
            invitation_row,
        )?;
        let total = self.count(
            "SELECT count(*) FROM invitation WHERE participant = ?1 AND expires_ms > ?2",
            params![participant.as_str(), now.0],
        )?;
        Ok((rows, total))
    }

    pub fn count(&self, query: &str, values: impl rusqlite::Params) -> Sql<u64> {
        let count: i64 = self
            .db
            .prepare_cached(query)?
            .query_row(values, |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    fn all<T>(
        &self,
        query: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> Sql<T>,
    ) -> Sql<Vec<T>> {
        self.db
            .prepare_cached(query)?
            .query_map(values, read)?
            .collect()
    }
}

/// Makes an empty file that nobody else on the machine can read, unless there is one. SQLite gives its other files the same mode.
pub(crate) fn for_owner_alone(path: &Path) -> Result<(), std::io::Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop)
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Adds an account.
pub(crate) fn insert_account(
    db: &Transaction<'_>,
    account: &Account,
    password: Option<&str>,
) -> Result<(), AccountsError> {
    let inserted = db.execute(
        "INSERT INTO account (id, name, participant, offices, languages, disabled, created_ms, password)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO NOTHING",
        params![
            account.id,
            account.name.as_str(),
            account.participant.as_str(),
            join(&account.offices),
            join(&account.languages),
            account.disabled,
            account.created.0,
            password
        ],
    )?;
    if inserted == 1 {
        Ok(())
    } else {
        Err(AccountsError::NameTaken)
    }
}

pub(crate) fn insert_passkey(
    db: &Transaction<'_>,
    account: AccountId,
    label: &str,
    passkey: &Passkey,
    now: UtcMs,
) -> Result<PasskeyId, AccountsError> {
    let id = PasskeyId::random();
    let inserted = db.execute(
        "INSERT INTO passkey (id, account, credential, label, created_ms, passkey) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (credential) DO NOTHING",
        params![id, account, &passkey.cred_id()[..], label, now.0, passkey_text(passkey)?],
    )?;
    if inserted == 1 {
        Ok(id)
    } else {
        Err(AccountsError::PasskeyKnown)
    }
}

pub(crate) fn passkey_text(passkey: &Passkey) -> Result<String, AccountsError> {
    serde_json::to_string(passkey)
        .map_err(|_| AccountsError::Damaged("a passkey cannot be written"))
}

pub(crate) fn insert_session(db: &Transaction<'_>, session: &Session) -> Sql<()> {
    db.execute(
        "INSERT INTO session (hash, id, account, created_ms, seen_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![session.hash, session.id, session.account, session.created.0],
    )?;
    Ok(())
}

pub(crate) fn insert_token(db: &Transaction<'_>, token: &Token) -> Sql<()> {
    db.execute(
        "INSERT INTO token (hash, id, account, label, scopes, offices, created_ms, expires_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            token.hash,
            token.id,
            token.account,
            token.label,
            join(&token.scopes),
            token.offices.as_ref().map(join),
            token.created.0,
            token.expires.0
        ],
    )?;
    Ok(())
}

pub(crate) fn insert_invitation(
    db: &Transaction<'_>,
    invitation: &Invitation,
    hash: &SecretHash,
) -> Sql<()> {
    db.execute(
        "INSERT INTO invitation (id, hash, participant, renews, offices, languages, created_ms, expires_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            invitation.id,
            hash,
            invitation.participant.as_str(),
            invitation.renews,
            join(&invitation.offices),
            join(&invitation.languages),
            invitation.created.0,
            invitation.expires.0
        ],
    )?;
    Ok(())
}

/// A column that this program did not write.
fn strange(column: &'static str) -> rusqlite::Error {
    // The value is left out: it may be a person's.
    rusqlite::Error::FromSqlConversionFailure(
        0,
        Type::Text,
        format!("{column} has another form").into(),
    )
}

fn parsed<T: FromStr>(row: &Row<'_>, column: &'static str) -> Sql<T> {
    row.get_ref(column)?
        .as_str()?
        .parse()
        .map_err(|_| strange(column))
}

fn words<T, C: FromIterator<T>>(
    row: &Row<'_>,
    column: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Sql<C> {
    let text = row.get_ref(column)?.as_str()?;
    text.split_whitespace()
        .map(|word| read(word).ok_or_else(|| strange(column)))
        .collect()
}

fn language(word: &str) -> Option<Language> {
    Language::new(word).ok()
}

fn account_row(row: &Row<'_>) -> Sql<Account> {
    Ok(Account {
        id: row.get("id")?,
        name: parsed(row, "name")?,
        participant: parsed(row, "participant")?,
        offices: words(row, "offices", office)?,
        languages: words(row, "languages", language)?,
        disabled: row.get("disabled")?,
        created: UtcMs(row.get("created_ms")?),
    })
}

fn sign_in_row(row: &Row<'_>) -> Sql<SignInRow> {
    Ok(SignInRow {
        id: row.get(0)?,
        disabled: row.get(1)?,
        password: row.get(2)?,
    })
}

fn session_row(row: &Row<'_>) -> Sql<Credential> {
    Ok(Credential::Session(Session::new(
        row.get("id")?,
        row.get("hash")?,
        row.get("account")?,
        UtcMs(row.get("created_ms")?),
        UtcMs(row.get("seen_ms")?),
    )))
}

fn token_row(row: &Row<'_>) -> Sql<Credential> {
    let restricted = row.get_ref("offices")? != rusqlite::types::ValueRef::Null;
    let offices = if restricted {
        Some(words(row, "offices", office)?)
    } else {
        None
    };
    Ok(Credential::Token(Token::new(
        TokenId(row.get("id")?),
        row.get("hash")?,
        row.get("account")?,
        row.get("label")?,
        words::<Scope, BTreeSet<_>>(row, "scopes", scope)?,
        offices,
        UtcMs(row.get("created_ms")?),
        UtcMs(row.get("expires_ms")?),
        row.get("used_day")?,
    )))
}

fn passkey_row(row: &Row<'_>) -> Sql<(PasskeyEntry, Passkey)> {
    let entry = PasskeyEntry {
        id: row.get("id")?,
        label: row.get("label")?,
        created: UtcMs(row.get("created_ms")?),
        used_day: row.get("used_day")?,
    };
    let passkey =
        serde_json::from_str(row.get_ref("passkey")?.as_str()?).map_err(|_| strange("passkey"))?;
    Ok((entry, passkey))
}

fn invitation_row(row: &Row<'_>) -> Sql<Invitation> {
    Ok(Invitation {
        id: row.get("id")?,
        participant: parsed(row, "participant")?,
        renews: row.get("renews")?,
        offices: words(row, "offices", office)?,
        languages: words(row, "languages", language)?,
        created: UtcMs(row.get("created_ms")?),
        expires: UtcMs(row.get("expires_ms")?),
    })
}

/// The id of a session's row, so that the two kinds of credential are not confused.
pub(crate) fn delete_session(db: &Transaction<'_>, account: AccountId, id: SessionId) -> Sql<bool> {
    Ok(db.execute(
        "DELETE FROM session WHERE account = ?1 AND id = ?2",
        params![account, id],
    )? == 1)
}

pub(crate) fn delete_token(db: &Transaction<'_>, account: AccountId, id: TokenId) -> Sql<bool> {
    Ok(db.execute(
        "DELETE FROM token WHERE account = ?1 AND id = ?2",
        params![account, id],
    )? == 1)
}
