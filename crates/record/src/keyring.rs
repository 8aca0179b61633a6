//! Which key could say what at which index: the fold of a log's control statements.
//!
//! Validity is by index, never by time. The recovery key stands above the admin keys, and these above office and log keys:
//! a key can be declared compromised only from above, and so a thief can always be shut out, back to the first bad index.

use crate::key::{KeyError, PublicKey};
use crate::name::CallSign;
use crate::statement::{Kid, Kind, Leaf};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Kept offline; replaces a stolen admin key.
    Recovery,
    /// Signs control statements.
    Admin,
    /// An office's device: signs all other statements.
    Office,
    /// Signs checkpoints.
    Log,
}

impl Role {
    /// The word in a `key.grant`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Admin => "admin",
            Self::Office => "office",
            Self::Log => "log",
        }
    }
}

/// A key as the log grants it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What it is for.
    pub role: Role,
    /// The key; `None` for a log key, which is a note verifier key.
    pub key: Option<PublicKey>,
    /// The note verifier key of a log key.
    pub log_key: Option<String>,
    revoked_at: Option<u64>,
    compromised_from: Option<u64>,
}

/// Why a statement of a log does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ineffective {
    /// No entry granted this key before.
    #[error("no key.grant stands at {kid} before entry {index}")]
    NotGranted {
        /// The key.
        kid: Kid,
        /// The statement's index.
        index: u64,
    },
    /// The key was revoked before.
    #[error("key {kid} was revoked at entry {at}")]
    Revoked {
        /// The key.
        kid: Kid,
        /// Index of the revocation.
        at: u64,
    },
    /// The key is compromised from an index that is not later.
    #[error("key {kid} is compromised from entry {from} on")]
    Compromised {
        /// The key.
        kid: Kid,
        /// First index that does not count.
        from: u64,
    },
    /// The key is for something else.
    #[error("key {kid} is an {} key and cannot sign this", role.as_str())]
    Role {
        /// The key.
        kid: Kid,
        /// What it is for.
        role: Role,
    },
}

/// What is wrong with a control statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A member of the body breaks its rule.
    #[error("{kind}: body.{field} {rule}")]
    Field {
        /// The statement's kind.
        kind: String,
        /// Which member.
        field: &'static str,
        /// What it must be.
        rule: String,
    },
    /// A key in the body is malformed.
    #[error("{kind}: body.{field}: {error}")]
    Key {
        /// The statement's kind.
        kind: String,
        /// Which member.
        field: &'static str,
        /// What is wrong.
        error: KeyError,
    },
    /// Its signer may not say it.
    #[error(transparent)]
    Ineffective(#[from] Ineffective),
    /// Right in itself, but not at this index.
    #[error("{0}")]
    Place(&'static str),
}

/// What a control statement does to the keys.
#[derive(Debug, Clone)]
enum Act {
    Grant(Box<Grant>),
    Revoke(Kid),
    Compromise(Kid, u64),
    /// Offices and whatever later versions add: kept, and judged by who signed.
    Other,
}

#[derive(Debug, Clone)]
struct Event {
    index: u64,
    signer: Kid,
    act: Act,
}

/// The keys of one log.
#[derive(Debug, Clone)]
pub struct KeyRing {
    call_sign: CallSign,
    declared_log_key: String,
    events: Vec<Event>,
    grants: BTreeMap<Kid, Grant>,
}

impl KeyRing {
    /// Starts from entry 0, which declares the participant and its first keys and is signed by its own admin key.
    ///
    /// # Errors
    /// [`ControlError`] when it does not.
    pub fn declare(entry0: &Leaf) -> Result<Self, ControlError> {
        const NOT_DECLARED: ControlError =
            ControlError::Place("entry 0 is a participant.declare/1 of its own admin key");
        let (kind, body) = entry0.control().ok_or(NOT_DECLARED)?;
        if kind.to_string() != "participant.declare/1"
            || entry0.kid != Kid::Index(0)
            || entry0.log.entry0.is_some()
        {
            return Err(NOT_DECLARED);
        }
        let read = Body { kind, body };
        let admin = read.key("admin")?;
        entry0.verify(&admin).map_err(|_| {
            ControlError::Place("entry 0 is not signed by the admin key that it declares")
        })?;
        let recovery = read.key("recovery")?;
        if recovery == admin {
            return Err(read.error("recovery", "must be another key than admin"));
        }
        let grant = |role, key| Grant {
            role,
            key: Some(key),
            log_key: None,
            revoked_at: None,
            compromised_from: None,
        };
        Ok(Self {
            call_sign: read
                .text("callsign")?
                .parse()
                .map_err(|e| read.error("callsign", e))?,
            declared_log_key: read.text("log_key")?.to_owned(),
            events: Vec::new(),
            grants: BTreeMap::from([
                (Kid::Index(0), grant(Role::Admin, admin)),
                (Kid::Recovery, grant(Role::Recovery, recovery)),
            ]),
        })
    }

    /// The participant's call sign.
    #[must_use]
    pub fn call_sign(&self) -> &CallSign {
        &self.call_sign
    }

    /// The key that `kid` names, whatever it may sign at any index. `None` when no entry granted it.
    #[must_use]
    pub fn key(&self, kid: Kid) -> Option<&PublicKey> {
        // A grant that was signed with a stolen key grants nothing, but its signatures can still be checked.
        let from_event = || {
            self.events.iter().find_map(|event| match &event.act {
                Act::Grant(grant) if Kid::Index(event.index) == kid => grant.key.as_ref(),
                _ => None,
            })
        };
        self.grants
            .get(&kid)
            .and_then(|grant| grant.key.as_ref())
            .or_else(from_event)
    }

    /// Whether the statement `leaf` counts at `index`.
    ///
    /// # Errors
    /// [`Ineffective`] says why not.
    pub fn judge(&self, leaf: &Leaf, index: u64) -> Result<(), Ineffective> {
        self.judge_kid(leaf.kid, leaf.control().is_some(), index)
    }

    /// Whether a statement signed by `kid`, a control statement or not, counts at `index`.
    ///
    /// # Errors
    /// [`Ineffective`] says why not.
    pub fn judge_kid(&self, kid: Kid, control: bool, index: u64) -> Result<(), Ineffective> {
        let role = self.judge_key(kid, index)?;
        let fits = match role {
            Role::Admin | Role::Recovery => control,
            Role::Office => !control,
            Role::Log => false,
        };
        if fits {
            Ok(())
        } else {
            Err(Ineffective::Role { kid, role })
        }
    }

    fn judge_key(&self, kid: Kid, index: u64) -> Result<Role, Ineffective> {
        let granted_before = match kid {
            Kid::Index(granted) => granted < index || (granted == 0 && index == 0),
            Kid::Recovery => index > 0,
        };
        let grant = self
            .grants
            .get(&kid)
            .filter(|_| granted_before)
            .ok_or(Ineffective::NotGranted { kid, index })?;
        if let Some(from) = grant.compromised_from.filter(|from| *from <= index) {
            return Err(Ineffective::Compromised { kid, from });
        }
        if let Some(at) = grant.revoked_at.filter(|at| *at < index) {
            return Err(Ineffective::Revoked { kid, at });
        }
        Ok(grant.role)
    }

    /// The verifier keys whose signature makes a checkpoint of `size` entries count, the declared one first.
    #[must_use]
    pub fn log_keys(&self, size: u64) -> Vec<&str> {
        let last = size.saturating_sub(1);
        let granted = self.grants.iter().filter_map(|(kid, grant)| {
            let counts = grant.role == Role::Log && self.judge_key(*kid, last).is_ok();
            grant.log_key.as_deref().filter(|_| counts)
        });
        let declared =
            (self.judge_declared_log_key(last)).then_some(self.declared_log_key.as_str());
        declared.into_iter().chain(granted).collect()
    }

    /// Every verifier key that ever stood for this log.
    #[must_use]
    pub fn all_log_keys(&self) -> Vec<&str> {
        let granted = self
            .grants
            .values()
            .filter_map(|grant| grant.log_key.as_deref());
        std::iter::once(self.declared_log_key.as_str())
            .chain(granted)
            .collect()
    }

    /// The declared log key is revoked or compromised by naming `0/log`.
    fn judge_declared_log_key(&self, index: u64) -> bool {
        self.declared_marks().0.is_none_or(|at| index <= at)
            && self.declared_marks().1.is_none_or(|from| index < from)
    }

    fn declared_marks(&self) -> (Option<u64>, Option<u64>) {
        self.grants
            .get(&DECLARED_LOG_KEY)
            .map_or((None, None), |grant| {
                (grant.revoked_at, grant.compromised_from)
            })
    }

    /// Checks that control statement `leaf` may stand at `index` and folds it. Other statements change nothing.
    ///
    /// # Errors
    /// [`ControlError`]; the ring is then as it was.
    pub fn admit(&mut self, leaf: &Leaf, index: u64) -> Result<(), ControlError> {
        self.judge(leaf, index)?;
        if let Some(event) = self.event(leaf, index)? {
            self.fold(event);
        }
        Ok(())
    }

    /// Folds control statement `leaf` of another's log, or of a log that is audited: what breaks a rule is without effect.
    pub fn observe(&mut self, leaf: &Leaf, index: u64) {
        if let Ok(Some(event)) = self.event(leaf, index) {
            self.fold(event);
        }
    }

    fn event(&self, leaf: &Leaf, index: u64) -> Result<Option<Event>, ControlError> {
        let Some((kind, body)) = leaf.control() else {
            return Ok(None);
        };
        let read = Body { kind, body };
        let act = match kind.to_string().as_str() {
            "participant.declare/1" => {
                return Err(ControlError::Place(
                    "a participant declares itself once, in entry 0",
                ));
            }
            "key.grant/1" => Act::Grant(Box::new(read.grant(leaf.kid)?)),
            "key.revoke/1" => Act::Revoke(self.target(&read, leaf.kid, index)?),
            "key.compromise/1" => {
                let kid = self.target(&read, leaf.kid, index)?;
                let from = body
                    .get("from")
                    .and_then(Value::as_u64)
                    .filter(|from| *from <= index);
                let from = from.ok_or_else(|| {
                    read.error("from", "is the first bad index, not after this entry")
                })?;
                Act::Compromise(kid, from)
            }
            _ => Act::Other,
        };
        Ok(Some(Event {
            index,
            signer: leaf.kid,
            act,
        }))
    }

    /// The key that a revocation or compromise names: known, and below its signer.
    fn target(&self, read: &Body<'_>, signer: Kid, index: u64) -> Result<Kid, ControlError> {
        let kid: Kid = match read.text("kid")? {
            "0/log" => DECLARED_LOG_KEY,
            text => text.parse().map_err(|rule| read.error("kid", rule))?,
        };
        let role = match kid {
            DECLARED_LOG_KEY => Role::Log,
            kid => self
                .judge_known(kid, index)
                .ok_or_else(|| read.error("kid", "names no key of this log"))?,
        };
        let from_above = match role {
            Role::Office | Role::Log => true,
            Role::Admin => {
                signer == Kid::Recovery || (read.kind.name == "key.revoke" && signer != kid)
            }
            Role::Recovery => false,
        };
        if from_above {
            Ok(kid)
        } else {
            Err(read.error(
                "kid",
                "can be named only by a key above it: recovery, then admin, then office and log",
            ))
        }
    }

    fn judge_known(&self, kid: Kid, index: u64) -> Option<Role> {
        let before = !matches!(kid, Kid::Index(granted) if granted >= index);
        self.grants
            .get(&kid)
            .filter(|_| before)
            .map(|grant| grant.role)
    }

    fn fold(&mut self, event: Event) {
        // A compromise of an admin key reaches back: whatever that key did from the bad index on is undone.
        let reaches_back = matches!(&event.act, Act::Compromise(kid, _) if self.grants.get(kid).is_some_and(|g| g.role == Role::Admin));
        self.events.push(event);
        if reaches_back {
            self.refold();
        } else if let Some(event) = self.events.last().cloned() {
            self.apply(&event);
        }
    }

    /// Folds everything anew. The recovery key's word on admin keys comes first, because all else is judged by it.
    fn refold(&mut self) {
        self.grants
            .retain(|kid, _| matches!(kid, Kid::Index(0) | Kid::Recovery));
        for grant in self.grants.values_mut() {
            (grant.revoked_at, grant.compromised_from) = (None, None);
        }
        let events = std::mem::take(&mut self.events);
        let marks: BTreeMap<Kid, u64> = events.iter().fold(BTreeMap::new(), |mut marks, event| {
            if let (Kid::Recovery, Act::Compromise(kid, from)) = (event.signer, &event.act) {
                let earliest = marks.entry(*kid).or_insert(*from);
                *earliest = (*earliest).min(*from);
            }
            marks
        });
        for event in &events {
            self.apply_marks(&marks);
            self.apply(event);
        }
        self.apply_marks(&marks);
        self.events = events;
    }

    fn apply_marks(&mut self, marks: &BTreeMap<Kid, u64>) {
        for (kid, from) in marks {
            if let Some(grant) = self.grants.get_mut(kid) {
                grant.compromised_from =
                    Some(grant.compromised_from.map_or(*from, |f| f.min(*from)));
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        let signer = self.judge_key(event.signer, event.index);
        if !matches!(signer, Ok(Role::Admin | Role::Recovery)) {
            return;
        }
        match &event.act {
            Act::Grant(grant) => {
                self.grants
                    .insert(Kid::Index(event.index), (**grant).clone());
            }
            Act::Revoke(kid) => self.mark(*kid, |grant| {
                grant.revoked_at = Some(
                    grant
                        .revoked_at
                        .map_or(event.index, |at| at.min(event.index)),
                );
            }),
            Act::Compromise(kid, from) => self.mark(*kid, |grant| {
                grant.compromised_from =
                    Some(grant.compromised_from.map_or(*from, |f| f.min(*from)));
            }),
            Act::Other => {}
        }
    }

    fn mark(&mut self, kid: Kid, change: impl FnOnce(&mut Grant)) {
        if kid == DECLARED_LOG_KEY {
            self.grants.entry(kid).or_insert_with(|| Grant {
                role: Role::Log,
                key: None,
                log_key: None,
                revoked_at: None,
                compromised_from: None,
            });
        }
        if let Some(grant) = self.grants.get_mut(&kid) {
            change(grant);
        }
    }
}

/// Stands for the log key that entry 0 declares; no entry can have this index.
const DECLARED_LOG_KEY: Kid = Kid::Index(u64::MAX);

struct Body<'b> {
    kind: &'b Kind,
    body: &'b Map<String, Value>,
}

impl Body<'_> {
    fn error(&self, field: &'static str, rule: impl ToString) -> ControlError {
        ControlError::Field {
            kind: self.kind.to_string(),
            field,
            rule: rule.to_string(),
        }
    }

    fn text(&self, field: &'static str) -> Result<&str, ControlError> {
        let text = self.body.get(field).and_then(Value::as_str);
        text.ok_or_else(|| self.error(field, "is missing or no text"))
    }

    fn key(&self, field: &'static str) -> Result<PublicKey, ControlError> {
        let jwk = self
            .body
            .get(field)
            .ok_or_else(|| self.error(field, "is missing"))?;
        PublicKey::from_jwk(jwk).map_err(|error| ControlError::Key {
            kind: self.kind.to_string(),
            field,
            error,
        })
    }

    fn grant(&self, signer: Kid) -> Result<Grant, ControlError> {
        let role = match self.text("role")? {
            "office" => Role::Office,
            "admin" => Role::Admin,
            "log" => Role::Log,
            _ => return Err(self.error("role", "is office, admin or log")),
        };
        if role == Role::Admin && signer != Kid::Recovery {
            return Err(self.error("role", "admin is granted by the recovery key alone"));
        }
        Ok(Grant {
            role,
            key: (role != Role::Log).then(|| self.key("key")).transpose()?,
            log_key: (role == Role::Log)
                .then(|| self.text("log_key").map(str::to_owned))
                .transpose()?,
            revoked_at: None,
            compromised_from: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Algorithm, SecretKey};
    use crate::name::LogId;
    use crate::statement::{Draft, Statement};
    use crate::time::UtcMs;
    use serde_json::json;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(Algorithm::EdDsa, &[seed; 32]).unwrap()
    }

    struct Log {
        id: LogId,
        ring: KeyRing,
        next: u64,
    }

    impl Log {
        fn new() -> Self {
            let mut id: LogId = "truce.example/mission".parse().unwrap();
            let body = json!({"callsign": "MISSION", "admin": key(1).public().to_jwk(),
                "recovery": key(2).public().to_jwk(), "log_key": "declared"});
            let entry0 = control("participant.declare/1", body, &key(1), Kid::Index(0), &id);
            let ring = KeyRing::declare(entry0.leaf()).unwrap();
            id = LogId::new(id.origin, entry0.leaf().hash());
            Self { id, ring, next: 1 }
        }

        fn control(
            &mut self,
            kind: &str,
            body: Value,
            signer: (u8, Kid),
        ) -> Result<u64, ControlError> {
            let said = control(kind, body, &key(signer.0), signer.1, &self.id);
            self.ring.admit(said.leaf(), self.next)?;
            self.next += 1;
            Ok(self.next - 1)
        }

        fn grant(&mut self, role: &str, seed: u8, signer: (u8, Kid)) -> Result<u64, ControlError> {
            let body = match role {
                "log" => json!({"role": role, "log_key": format!("log{seed}")}),
                _ => json!({"role": role, "key": key(seed).public().to_jwk()}),
            };
            self.control("key.grant/1", body, signer)
        }

        fn judge(&self, kid: u64, seed: u8, index: u64) -> Result<(), Ineffective> {
            let said = Draft::new("message.send/1", "2016-06-21T09:00:00Z")
                .and_then(|d| d.group("body", crate::audience::Audience::default(), json!({})))
                .and_then(|d| d.sign(&key(seed), Kid::Index(kid), &self.id, UtcMs(0)))
                .unwrap();
            self.ring.judge(said.leaf(), index)
        }
    }

    fn control(kind: &str, body: Value, key: &SecretKey, kid: Kid, log: &LogId) -> Statement {
        let Value::Object(body) = body else {
            unreachable!()
        };
        Statement::sign_control(kind.parse().unwrap(), body, key, kid, log, UtcMs(0)).unwrap()
    }

    const ADMIN: (u8, Kid) = (1, Kid::Index(0));
    const RECOVERY: (u8, Kid) = (2, Kid::Recovery);

    #[test]
    fn a_key_counts_from_its_grant_to_its_revocation() {
        let mut log = Log::new();
        let office = log.grant("office", 3, ADMIN).unwrap();
        assert!(log.judge(office, 3, office).is_err());
        log.judge(office, 3, office + 1).unwrap();
        let revoked = log
            .control("key.revoke/1", json!({"kid": office.to_string()}), ADMIN)
            .unwrap();
        log.judge(office, 3, revoked).unwrap();
        assert_eq!(
            log.judge(office, 3, revoked + 1),
            Err(Ineffective::Revoked {
                kid: Kid::Index(office),
                at: revoked
            })
        );
    }

    #[test]
    fn a_stolen_key_is_ineffective_from_its_first_bad_index_and_earlier_entries_stand() {
        let mut log = Log::new();
        let office = log.grant("office", 3, ADMIN).unwrap();
        log.next = 50;
        log.control(
            "key.compromise/1",
            json!({"kid": office.to_string(), "from": 20}),
            ADMIN,
        )
        .unwrap();
        log.judge(office, 3, 19).unwrap();
        for index in [20, 49, 51] {
            assert_eq!(
                log.judge(office, 3, index),
                Err(Ineffective::Compromised {
                    kid: Kid::Index(office),
                    from: 20
                })
            );
        }
        let early = log.control(
            "key.compromise/1",
            json!({"kid": office.to_string(), "from": 99}),
            ADMIN,
        );
        assert!(early.unwrap_err().to_string().contains("first bad index"));
    }

    #[test]
    fn the_recovery_key_undoes_what_a_thief_of_the_admin_key_did() {
        let mut log = Log::new();
        let office = log.grant("office", 3, ADMIN).unwrap();
        let thief = log.grant("office", 9, ADMIN).unwrap();
        log.control(
            "key.compromise/1",
            json!({"kid": office.to_string(), "from": 0}),
            ADMIN,
        )
        .unwrap();
        assert!(log.judge(office, 3, 10).is_err());
        log.judge(thief, 9, 10).unwrap();

        log.control(
            "key.compromise/1",
            json!({"kid": "0", "from": thief}),
            RECOVERY,
        )
        .unwrap();
        log.judge(office, 3, 10).unwrap();
        assert_eq!(
            log.judge(thief, 9, 10),
            Err(Ineffective::NotGranted {
                kid: Kid::Index(thief),
                index: 10
            })
        );
        assert!(log.grant("office", 8, ADMIN).is_err());
        let admin = log.grant("admin", 7, RECOVERY).unwrap();
        log.grant("office", 8, (7, Kid::Index(admin))).unwrap();
    }

    #[test]
    fn no_key_is_named_from_below() {
        let mut log = Log::new();
        let office = log.grant("office", 3, ADMIN).unwrap();
        assert!(matches!(
            log.grant("office", 4, (3, Kid::Index(office))),
            Err(ControlError::Ineffective(Ineffective::Role { .. }))
        ));
        for kid in ["0", "0/recovery"] {
            let refused = log
                .control("key.compromise/1", json!({"kid": kid, "from": 0}), ADMIN)
                .unwrap_err();
            assert!(refused.to_string().contains("above"), "{refused}");
        }
        assert!(log.grant("admin", 5, ADMIN).is_err());
        assert!(
            log.control("key.revoke/1", json!({"kid": "40"}), ADMIN)
                .unwrap_err()
                .to_string()
                .contains("no key")
        );
        assert!(
            log.control("participant.declare/1", json!({}), ADMIN)
                .is_err()
        );
        assert!(
            log.judge(0, 1, 5).is_err(),
            "an admin key signs no ordinary statement"
        );
    }

    #[test]
    fn log_keys_overlap_while_they_rotate() {
        let mut log = Log::new();
        assert_eq!(log.ring.log_keys(1), ["declared"]);
        let second = log.grant("log", 5, ADMIN).unwrap();
        let revoked = log
            .control("key.revoke/1", json!({"kid": "0/log"}), ADMIN)
            .unwrap();
        assert_eq!((second, revoked), (1, 2));
        assert_eq!(log.ring.log_keys(2), ["declared"]);
        assert_eq!(log.ring.log_keys(3), ["declared", "log5"]);
        assert_eq!(log.ring.log_keys(4), ["log5"]);
        log.next = 10;
        log.control("key.compromise/1", json!({"kid": "1", "from": 6}), ADMIN)
            .unwrap();
        assert_eq!(log.ring.log_keys(6), ["log5"]);
        assert!(log.ring.log_keys(7).is_empty());
    }

    #[test]
    fn entry_0_must_be_signed_by_the_admin_key_it_declares() {
        let id: LogId = "truce.example/mission".parse().unwrap();
        let body = |admin: u8, recovery: u8| {
            json!({"callsign": "MISSION", "admin": key(admin).public().to_jwk(),
                "recovery": key(recovery).public().to_jwk(), "log_key": "declared"})
        };
        for (body, signer) in [(body(1, 2), 3), (body(1, 1), 1), (json!({}), 1)] {
            let entry0 = control(
                "participant.declare/1",
                body,
                &key(signer),
                Kid::Index(0),
                &id,
            );
            assert!(KeyRing::declare(entry0.leaf()).is_err());
        }
        let other = control("office.grant/1", body(1, 2), &key(1), Kid::Index(0), &id);
        assert!(KeyRing::declare(other.leaf()).is_err());
    }
}
