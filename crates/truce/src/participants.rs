//! Participants, their keys and offices: the control statements, always wholly clear, and their fold.

use crate::values::{Label, Language, List};
use crate::wire::{body, words};
use record::encoding::Hash;
use record::keyring::{Ineffective, KeyRing};
use record::name::{CallSign, Origin, Reference};
use record::statement::{Kid, Leaf};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

words! {
    /// An office: what a key may say is decided by the offices that it holds.
    Office {
        /// Sends, takes and answers messages; stands the watch.
        DutyOfficer = "duty_officer",
        /// Observes and reports.
        FieldMonitor = "field_monitor",
        /// Checks reports and keeps claims, tallies and tolls.
        VerificationAnalyst = "verification_analyst",
        /// Judges whether sharing does harm; may have things erased.
        DoNoHarmOfficer = "do_no_harm_officer",
        /// The cell for humanitarian notification, apart from military liaison.
        NotificationOfficer = "notification_officer",
        /// Speaks for the participant in what binds it: for a party, its head of delegation.
        HeadOfMission = "head_of_mission",
        /// Reads and comments.
        Auditor = "auditor",
        /// Runs the node: receipts, seen heads, erasures.
        Administrator = "administrator",
    }
}

words! {
    /// What a granted key is for.
    KeyRole {
        /// An office's device.
        Office = "office",
        /// Signs control statements; granted by the recovery key.
        Admin = "admin",
        /// Signs checkpoints.
        Log = "log",
    }
}

body! {
    /// `participant.declare/1`: entry 0 of a log. The keys are judged by the record.
    ///
    /// ```json
    /// {"callsign": "MISSION", "admin": {"kty": "OKP"}, "recovery": {"kty": "OKP"}, "log_key": "truce.example/mission+1+A"}
    /// ```
    Declare {
        /// What the participant is called on the line.
        callsign: CallSign,
        /// The admin key, a JWK.
        admin: Map<String, Value>,
        /// The offline recovery key, a JWK.
        recovery: Map<String, Value>,
        /// The note verifier key that signs checkpoints.
        log_key: Label500,
        /// What others seal to this participant's node with.
        seal: Option<Label500>,
    }
}

body! {
    /// `key.grant/1`: from here on this key may sign what its role allows.
    ///
    /// ```json
    /// {"role": "office", "key": {"kty": "OKP", "crv": "Ed25519", "x": "A"}}
    /// ```
    KeyGrant {
        /// What it is for.
        role: KeyRole,
        /// The key, a JWK; for an office or admin key.
        key: Option<Map<String, Value>>,
        /// The note verifier key; for a log key.
        log_key: Option<Label500>,
        /// Which device, such as `duty desk 2`. Never a person.
        device: Option<Label>,
    }
    sense: one_key;
}

fn one_key(grant: &KeyGrant) -> Result<(), crate::wire::Broken> {
    let log = grant.role == KeyRole::Log;
    crate::wire::rule(
        grant.key.is_some() != log,
        "key",
        "stands there for an office or admin key alone",
    )?;
    crate::wire::rule(
        grant.log_key.is_some() == log,
        "log_key",
        "stands there for a log key alone",
    )
}

body! {
    /// `key.revoke/1`: after this entry the key signs nothing more.
    ///
    /// ```json
    /// {"kid": "3"}
    /// ```
    KeyRevoke {
        /// The key, or `0/log` for the checkpoint key that entry 0 declares.
        kid: KeyName,
        /// Why.
        reason: Option<Label>,
    }
}

body! {
    /// `key.compromise/1`: whatever the key said from the named entry on does not count.
    ///
    /// ```json
    /// {"kid": "3", "from": 20}
    /// ```
    KeyCompromise {
        /// The key, or `0/log`.
        kid: KeyName,
        /// First entry that does not count.
        from: Entry,
        /// What is known.
        reason: Option<Label>,
    }
}

body! {
    /// `office.grant/1`: from here on the key holds the office.
    ///
    /// ```json
    /// {"kid": "3", "office": "duty_officer", "languages": ["ar", "en"]}
    /// ```
    OfficeGrant {
        /// The key.
        kid: Kid,
        /// The office.
        office: Office,
        /// Languages that the office's desk reads and writes.
        languages: List<Language, 0, 16>,
    }
}

body! {
    /// `office.revoke/1`: after this entry the key does not hold the office.
    ///
    /// ```json
    /// {"kid": "3", "office": "duty_officer"}
    /// ```
    OfficeRevoke {
        /// The key.
        kid: Kid,
        /// The office.
        office: Office,
    }
}

pub use names::{Entry, KeyName, Label500};

/// Values that only control statements have.
mod names {
    use crate::wire::{BodyError, Place, Wire};
    use record::statement::Kid;
    use serde_json::{Value, json};

    /// A line of at most 500 characters.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Label500(pub String);

    impl Wire for Label500 {
        fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
            let text = value
                .as_str()
                .filter(|text| (1..=500).contains(&text.chars().count()));
            text.map(|text| Self(text.to_owned()))
                .ok_or_else(|| place.refuse("is a text of 1 to 500 characters"))
        }
        fn write(&self) -> Value {
            self.0.clone().into()
        }
        fn schema() -> Value {
            json!({"type": "string", "minLength": 1, "maxLength": 500})
        }
    }

    /// A key, or the checkpoint key of entry 0.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum KeyName {
        /// A key that was granted.
        Kid(Kid),
        /// `0/log`.
        DeclaredLogKey,
    }

    impl Wire for KeyName {
        fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
            match value.as_str() {
                Some("0/log") => Ok(Self::DeclaredLogKey),
                _ => Kid::read(value, place).map(Self::Kid),
            }
        }
        fn write(&self) -> Value {
            match self {
                Self::Kid(kid) => kid.write(),
                Self::DeclaredLogKey => "0/log".into(),
            }
        }
        fn schema() -> Value {
            json!({"type": "string", "pattern": "^(0|[1-9][0-9]{0,14}|0/recovery|0/log)$"})
        }
    }

    /// The index of an entry.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Entry(pub u64);

    const ENTRY_MAX: u64 = 999_999_999_999_999;

    impl Wire for Entry {
        fn read(value: &Value, place: &Place<'_>) -> Result<Self, BodyError> {
            let index = value.as_u64().filter(|index| *index <= ENTRY_MAX);
            index
                .map(Self)
                .ok_or_else(|| place.refuse("is the index of an entry"))
        }
        fn write(&self) -> Value {
            self.0.into()
        }
        fn schema() -> Value {
            json!({"type": "integer", "minimum": 0, "maximum": ENTRY_MAX})
        }
    }
}

/// An office that a key holds from one entry on, until another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    kid: Kid,
    office: Office,
    languages: Vec<Language>,
    granted_at: u64,
    revoked_at: Option<u64>,
}

/// The offices of one log, by index. The same fold serves the own log's admission and every reader's standing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offices(Vec<Held>);

impl Offices {
    /// Folds a grant that stands at `index`. Entries are folded in the order of their index.
    pub fn grant(&mut self, index: u64, grant: &OfficeGrant) {
        self.0.push(Held {
            kid: grant.kid,
            office: grant.office,
            languages: grant.languages.to_vec(),
            granted_at: index,
            revoked_at: None,
        });
    }

    /// Folds a revocation that stands at `index`.
    pub fn revoke(&mut self, index: u64, revoke: &OfficeRevoke) {
        let open = self.0.iter_mut().filter(|held| held.revoked_at.is_none());
        for held in open.filter(|held| held.kid == revoke.kid && held.office == revoke.office) {
            held.revoked_at = Some(index);
        }
    }

    /// The offices that `kid` holds for an entry at `index`.
    #[must_use]
    pub fn at(&self, kid: Kid, index: u64) -> BTreeSet<Office> {
        self.held(kid, index).map(|held| held.office).collect()
    }

    /// The languages of the offices that `kid` holds for an entry at `index`.
    #[must_use]
    pub fn languages(&self, kid: Kid, index: u64) -> BTreeSet<Language> {
        self.held(kid, index)
            .flat_map(|held| held.languages.iter().cloned())
            .collect()
    }

    fn held(&self, kid: Kid, index: u64) -> impl Iterator<Item = &Held> {
        self.0.iter().filter(move |held| {
            held.kid == kid
                && held.granted_at < index
                && held.revoked_at.is_none_or(|at| index <= at)
        })
    }
}

/// One participant, as its log's control statements make it.
#[derive(Debug, Clone)]
pub struct Participant {
    ring: KeyRing,
    offices: Offices,
}

impl Participant {
    /// Its call sign, as it declared it.
    #[must_use]
    pub fn call_sign(&self) -> &CallSign {
        self.ring.call_sign()
    }

    /// The offices that `kid` holds for an entry at `index`.
    #[must_use]
    pub fn offices(&self) -> &Offices {
        &self.offices
    }

    /// Whether `leaf` counts at `index`, by its key alone.
    ///
    /// # Errors
    /// [`Ineffective`] says why not.
    pub fn judge(&self, leaf: &Leaf, index: u64) -> Result<(), Ineffective> {
        self.ring.judge(leaf, index)
    }
}

/// All participants whose control statements are held, in whatever order they came. A copy shares what it does not change.
#[derive(Debug, Clone, Default)]
pub struct Participants {
    controls: BTreeMap<Origin, Arc<Controls>>,
    known: BTreeMap<Origin, Arc<Participant>>,
}

type Controls = BTreeMap<(u64, Hash), Arc<Leaf>>;

impl Participants {
    /// Holds the control statement `leaf` at `reference`. Other statements change nothing.
    pub fn hold(&mut self, reference: &Reference, leaf: &Leaf) {
        let Some((kind, _)) = leaf.control() else {
            return;
        };
        let log = self.controls.entry(reference.origin.clone()).or_default();
        let log = Arc::make_mut(log);
        let place = (reference.index, reference.leaf);
        let last = log.last_key_value().is_none_or(|(last, _)| *last < place);
        if log.insert(place, Arc::new(leaf.clone())).is_some() {
            return;
        }
        // What comes at the end changes nothing before it, unless it reaches back.
        let known = self.known.get_mut(&reference.origin);
        if let Some(known) = known.filter(|_| last && kind.name != "key.compromise") {
            Arc::make_mut(known).follow(leaf, reference.index);
            return;
        }
        match fold(log) {
            Some(participant) => drop(
                self.known
                    .insert(reference.origin.clone(), Arc::new(participant)),
            ),
            None => drop(self.known.remove(&reference.origin)),
        }
    }

    /// The participant whose log is `origin`, once its entry 0 is held.
    #[must_use]
    pub fn of(&self, origin: &Origin) -> Option<&Participant> {
        self.known.get(origin).map(AsRef::as_ref)
    }

    /// All of them, by origin.
    pub fn iter(&self) -> impl Iterator<Item = (&Origin, &Participant)> {
        self.known
            .iter()
            .map(|(origin, participant)| (origin, participant.as_ref()))
    }
}

impl Participant {
    /// Takes in the next control statement.
    fn follow(&mut self, leaf: &Leaf, index: u64) {
        self.ring.observe(leaf, index);
        self.offices.hear(leaf, index, &self.ring);
    }
}

impl Offices {
    /// Folds a control statement, if its key counts.
    fn hear(&mut self, leaf: &Leaf, index: u64, ring: &KeyRing) {
        if ring.judge(leaf, index).is_err() {
            return;
        }
        match control_body(leaf) {
            Some(crate::Body::OfficeGrant(grant)) => self.grant(index, &grant),
            Some(crate::Body::OfficeRevoke(revoke)) => self.revoke(index, &revoke),
            _ => {}
        }
    }
}

/// The keys first, because a compromise reaches back; then the offices, by the keys that still count.
fn fold(log: &Controls) -> Option<Participant> {
    let ((0, _), entry0) = log.first_key_value()? else {
        return None;
    };
    let mut ring = KeyRing::declare(entry0).ok()?;
    for ((index, _), leaf) in log.iter().skip(1) {
        ring.observe(leaf, *index);
    }
    let mut offices = Offices::default();
    for ((index, _), leaf) in log.iter().skip(1) {
        offices.hear(leaf, *index, &ring);
    }
    Some(Participant { ring, offices })
}

/// The body of a control statement, when it has its form.
#[must_use]
pub fn control_body(leaf: &Leaf) -> Option<crate::Body> {
    let (kind, body) = leaf.control()?;
    let contents = BTreeMap::from([("body".to_owned(), Value::Object(body.clone()))]);
    crate::parse(kind, &contents).ok()
}
