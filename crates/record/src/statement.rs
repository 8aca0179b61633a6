//! A statement: what one participant says, signed.
//!
//! It is a selective-disclosure JWT (RFC 9901) in recursive form. The *leaf* `header.payload.signature` is public and tells
//! who signed, for which log, in which minute, and one digest. That digest opens the *head* (kind, time, what it is about,
//! and of every group of content who may read it), and each group's digest opens its *content*. Whoever holds the head knows
//! of every group whether it is open, withheld, erased or not for them. Control statements, about participants, keys and
//! offices, are wholly clear, so that anybody can check all later signatures.

use crate::audience::{AUDIENCE_NAMES_MAX, Audience};
use crate::encoding::{Hash, base64url, from_base64url};
use crate::json::{self, JsonError, shortened};
use crate::key::{Algorithm, KeyError, PublicKey, SecretKey, random};
use crate::name::{LogId, NameError, Reference, decimal};
use crate::time::UtcMs;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// The `typ` of every header.
pub const TYPE: &str = "truceline+sd-jwt";
/// The payload's `v`.
pub const VERSION: u64 = 1;
/// Largest leaf, in bytes.
pub const LEAF_BYTES_MAX: usize = 16 * 1024;
/// Largest disclosure, in bytes of base64url.
pub const DISCLOSURE_BYTES_MAX: usize = 256 * 1024;
/// Largest statement with all its disclosures, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 1024 * 1024;
/// Most groups in one statement.
pub const GROUPS_MAX: usize = 8;
/// Most references in `about`.
pub const ABOUT_MAX: usize = 16;
/// Most digests in `seen`.
pub const SEEN_MAX: usize = 64;
/// Random bytes in a salt.
pub const SALT_BYTES: usize = 16;

/// As much of a member's name as an error message repeats, in characters.
const NAME_CHARS_MAX: usize = 64;

const HEAD: &str = "head";
const CONTENT: &str = "content";
const RESERVED: [&str; 8] = ["kind", "at", "rules", "about", "prev", "seen", "_sd", "..."];

/// What is wrong with a statement, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over a named limit.
    #[error("{what} has {bytes} bytes; at most {max} are accepted")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not of the form `header.payload.signature~disclosure~…~`.
    #[error("not a statement: {0}")]
    Form(&'static str),
    /// A part is not canonical base64url.
    #[error("{0} is not canonical base64url without padding")]
    Base64(&'static str),
    /// A part is not strict JSON.
    #[error("{part}: {error}")]
    Json {
        /// Which part.
        part: &'static str,
        /// What and where.
        error: JsonError,
    },
    /// A part is JSON, but not in the one canonical spelling.
    #[error("{0} is not in canonical form (members sorted, no white space, nothing added)")]
    NotCanonical(&'static str),
    /// A member is missing or breaks its rule.
    #[error("{part}: {field} {rule}")]
    Field {
        /// Which part.
        part: &'static str,
        /// Which member.
        field: String,
        /// What it must be.
        rule: String,
    },
    /// The algorithm or the signature.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The header names another algorithm than the key has.
    #[error("the header says {header}, but key {kid} is for {key}")]
    OtherAlgorithm {
        /// In the header.
        header: Algorithm,
        /// Of the key.
        key: Algorithm,
        /// Which key.
        kid: Kid,
    },
    /// A disclosure that no digest in the statement names: altered, foreign or given twice.
    #[error(
        "disclosure {0} belongs to no digest of this statement: it was altered, comes from elsewhere or is given twice"
    )]
    StrayDisclosure(usize),
    /// The statement is for another log.
    #[error("this statement is for log {found}, not for {expected}")]
    OtherLog {
        /// What the statement says.
        found: LogId,
        /// The log it was given to.
        expected: LogId,
    },
}

fn field(part: &'static str, field: impl Into<String>, rule: impl Into<String>) -> StatementError {
    StatementError::Field {
        part,
        field: field.into(),
        rule: rule.into(),
    }
}

fn within(what: &'static str, bytes: usize, max: usize) -> Result<(), StatementError> {
    if bytes > max {
        return Err(StatementError::TooLarge { what, bytes, max });
    }
    Ok(())
}

fn strict(part: &'static str, bytes: &[u8]) -> Result<Value, StatementError> {
    json::parse(bytes).map_err(|error| StatementError::Json { part, error })
}

fn name_error(part: &'static str, name: &str) -> impl Fn(NameError) -> StatementError {
    let name = name.to_owned();
    move |error| field(part, name.clone(), error.to_string())
}

/// What kind of statement, and in which version of its rules: `message.send/1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// Such as `message.send`.
    pub name: String,
    /// From 1.
    pub version: u64,
}

impl Kind {
    /// Whether this is a control statement: wholly clear, about participants, keys or offices.
    #[must_use]
    pub fn is_control(&self) -> bool {
        ["participant.", "key.", "office."]
            .iter()
            .any(|prefix| self.name.starts_with(prefix))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

impl FromStr for Kind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "is a name of a-z, _ and at most one dot, then / and a version from 1, such as message.send/1";
        let (name, version) = text.split_once('/').ok_or(RULE)?;
        let words: Vec<&str> = name.split('.').collect();
        let fits = name.len() <= 48 && words.len() <= 2 && words.iter().all(|word| is_word(word));
        match decimal(version) {
            Some(version) if fits && (1..=9999).contains(&version) => Ok(Self {
                name: name.to_owned(),
                version,
            }),
            _ => Err(RULE),
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Which key signed: the index of its `key.grant` in the same log. Index 0 is the admin key that entry 0 declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kid {
    /// The key that the entry at this index granted.
    Index(u64),
    /// The offline recovery key that entry 0 declares.
    Recovery,
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Recovery => f.write_str("0/recovery"),
        }
    }
}

impl FromStr for Kid {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "0/recovery" {
            return Ok(Self::Recovery);
        }
        decimal(text)
            .map(Self::Index)
            .ok_or("is the index of a key.grant in decimal, or 0/recovery")
    }
}

/// What the payload carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claims {
    /// The digest of the head; everything else is disclosed to its readers alone.
    Sealed(Hash),
    /// A control statement, in the clear.
    Control {
        /// Its kind.
        kind: Kind,
        /// Its body.
        body: Map<String, Value>,
    },
}

/// The public part of a statement: what stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    text: String,
    signing_bytes: usize,
    signature: [u8; 64],
    /// The signature's algorithm.
    pub algorithm: Algorithm,
    /// Which key signed.
    pub kid: Kid,
    /// Which log it is for.
    pub log: LogId,
    /// The minute of signing, in seconds since 1970.
    pub minute_s: i64,
    /// Digest or control body.
    pub claims: Claims,
}

impl Leaf {
    /// Reads `header.payload.signature`, accepting only the one canonical spelling.
    ///
    /// # Errors
    /// [`StatementError`] names the part and the member.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        within("the leaf", text.len(), LEAF_BYTES_MAX)?;
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(StatementError::Form("a leaf is header.payload.signature"));
        };
        let (algorithm, kid) = parse_header(&decoded("the header", header)?)?;
        let (log, minute_s, claims) = parse_payload(&decoded("the payload", payload)?)?;
        let signature = decoded("the signature", signature)?
            .try_into()
            .map_err(|_| StatementError::Form("the signature is not 64 bytes"))?;
        Ok(Self {
            signing_bytes: header.len() + 1 + payload.len(),
            text: text.to_owned(),
            signature,
            algorithm,
            kid,
            log,
            minute_s,
            claims,
        })
    }

    /// Reads a leaf as it stands in a log.
    ///
    /// # Errors
    /// As [`Leaf::parse`]; bytes that are no text are refused too.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| StatementError::Form("a leaf is ASCII"))?;
        Self::parse(text)
    }

    /// The leaf's text, as it stands in the log.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its RFC 6962 leaf hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&[&[0], self.text.as_bytes()])
    }

    /// SHA-256 of the signing input. Two leaves with the same signing input are the same statement, whatever the form of
    /// their signatures.
    #[must_use]
    pub fn signing_hash(&self) -> Hash {
        Hash::of(&[self.signing_input()])
    }

    fn signing_input(&self) -> &[u8] {
        &self.text.as_bytes()[..self.signing_bytes]
    }

    /// Checks the signature under `key`.
    ///
    /// # Errors
    /// [`StatementError::OtherAlgorithm`] or [`StatementError::Key`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), StatementError> {
        if self.algorithm != key.algorithm() {
            return Err(StatementError::OtherAlgorithm {
                header: self.algorithm,
                key: key.algorithm(),
                kid: self.kid,
            });
        }
        Ok(key.verify(self.signing_input(), &self.signature)?)
    }

    /// The kind, when this is a control statement.
    #[must_use]
    pub fn control(&self) -> Option<(&Kind, &Map<String, Value>)> {
        match &self.claims {
            Claims::Control { kind, body } => Some((kind, body)),
            Claims::Sealed(_) => None,
        }
    }

    fn sign(
        claims: &Claims,
        key: &SecretKey,
        kid: Kid,
        log: &LogId,
        now: UtcMs,
    ) -> Result<Self, StatementError> {
        let algorithm = key.public().algorithm();
        let payload = payload_value(log, now.minute_s(), claims);
        let signing = format!(
            "{}.{}",
            base64url(json::canonical(&header_value(algorithm, kid)).as_bytes()),
            base64url(json::canonical(&payload).as_bytes())
        );
        let signature = base64url(&key.sign(signing.as_bytes()));
        Self::parse(&format!("{signing}.{signature}"))
    }
}

fn decoded(part: &'static str, text: &str) -> Result<Vec<u8>, StatementError> {
    from_base64url(text).map_err(|_| StatementError::Base64(part))
}

fn header_value(algorithm: Algorithm, kid: Kid) -> Value {
    json!({"alg": algorithm.as_str(), "kid": kid.to_string(), "typ": TYPE})
}

fn parse_header(bytes: &[u8]) -> Result<(Algorithm, Kid), StatementError> {
    const PART: &str = "the header";
    let value = strict(PART, bytes)?;
    let text = |name: &'static str| {
        value[name]
            .as_str()
            .ok_or_else(|| field(PART, name, "is missing or no text"))
    };
    if text("typ")? != TYPE {
        return Err(field(PART, "typ", format!("must be {TYPE}")));
    }
    let algorithm: Algorithm = text("alg")?.parse()?;
    let kid: Kid = text("kid")?
        .parse()
        .map_err(|rule| field(PART, "kid", rule))?;
    if json::canonical(&header_value(algorithm, kid)).as_bytes() != bytes {
        return Err(StatementError::NotCanonical(PART)); // a second spelling would be a second leaf of one statement
    }
    Ok((algorithm, kid))
}

fn payload_value(log: &LogId, minute_s: i64, claims: &Claims) -> Value {
    match claims {
        Claims::Sealed(digest) => json!({
            "_sd": [digest.to_base64url()], "iat": minute_s, "log": log.to_string(), "v": VERSION,
        }),
        Claims::Control { kind, body } => json!({
            "body": body, "iat": minute_s, "kind": kind.to_string(), "log": log.to_string(), "v": VERSION,
        }),
    }
}

fn parse_payload(bytes: &[u8]) -> Result<(LogId, i64, Claims), StatementError> {
    const PART: &str = "the payload";
    let value = strict(PART, bytes)?;
    if value["v"] != VERSION {
        return Err(field(PART, "v", format!("must be {VERSION}")));
    }
    let log: LogId = value["log"]
        .as_str()
        .ok_or_else(|| field(PART, "log", "is missing"))?
        .parse()
        .map_err(name_error(PART, "log"))?;
    let minute_s = value["iat"]
        .as_i64()
        .filter(|s| s % 60 == 0 && *s >= 0)
        .ok_or_else(|| field(PART, "iat", "is a whole minute in seconds since 1970"))?;
    let claims = match (value.get("_sd"), value.get("kind")) {
        (Some(digests), None) => Claims::Sealed(one_digest(PART, digests)?),
        (None, Some(kind)) => parse_control(kind, &value["body"])?,
        _ => return Err(field(PART, "_sd or kind", "must stand there, and not both")),
    };
    if json::canonical(&payload_value(&log, minute_s, &claims)).as_bytes() != bytes {
        return Err(StatementError::NotCanonical(PART));
    }
    Ok((log, minute_s, claims))
}

fn parse_control(kind: &Value, body: &Value) -> Result<Claims, StatementError> {
    const PART: &str = "the payload";
    let kind: Kind = kind
        .as_str()
        .unwrap_or_default()
        .parse()
        .map_err(|rule| field(PART, "kind", rule))?;
    if !kind.is_control() {
        return Err(field(
            PART,
            "kind",
            format!("{kind} is no control statement and must be sealed"),
        ));
    }
    refuse_stray(PART, "body", body)?;
    match body {
        Value::Object(body) => Ok(Claims::Control {
            kind,
            body: body.clone(),
        }),
        _ => Err(field(PART, "body", "must be an object")),
    }
}

fn one_digest(part: &'static str, value: &Value) -> Result<Hash, StatementError> {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(digest)]) => Hash::from_base64url(digest)
            .map_err(|_| field(part, "_sd", "is no SHA-256 in base64url")),
        _ => Err(field(part, "_sd", "must hold exactly one digest")),
    }
}

/// Refuses `_sd`, `_sd_alg` and `...` where they would make a library open something that we do not.
fn refuse_stray(part: &'static str, place: &str, value: &Value) -> Result<(), StatementError> {
    refuse_stray_below(part, &mut place.to_owned(), value)
}

/// One path for all, since a copy of it for each of many members of a long name would take seconds.
fn refuse_stray_below(
    part: &'static str,
    path: &mut String,
    value: &Value,
) -> Result<(), StatementError> {
    let back = path.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                path.push('.');
                path.push_str(&shortened(name, NAME_CHARS_MAX));
                if ["_sd", "_sd_alg", "..."].contains(&name.as_str()) {
                    return Err(field(part, path.as_str(), "must not stand there"));
                }
                refuse_stray_below(part, path, member)?;
                path.truncate(back);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                refuse_stray_below(part, path, item)?;
                path.truncate(back);
            }
        }
        _ => {}
    }
    Ok(())
}

/// One disclosure: salt, name and value, as base64url text. Its digest stands in what discloses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    text: String,
    digest: Hash,
    name: String,
    value: Value,
}

impl Disclosure {
    /// Reads a disclosure.
    ///
    /// # Errors
    /// [`StatementError`] for other than `[salt, name, value]` in strict JSON and canonical base64url.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        const PART: &str = "a disclosure";
        within(PART, text.len(), DISCLOSURE_BYTES_MAX)?;
        let mut value = strict(PART, &decoded(PART, text)?)?;
        let Some([Value::String(salt), Value::String(name), value]) =
            value.as_array_mut().map(Vec::as_mut_slice)
        else {
            return Err(StatementError::Form("a disclosure is [salt, name, value]"));
        };
        if from_base64url(salt).map_or(0, |bytes| bytes.len()) < SALT_BYTES {
            return Err(field(
                PART,
                "salt",
                "must be at least 16 bytes of base64url",
            ));
        }
        Ok(Self {
            digest: Hash::of(&[text.as_bytes()]),
            text: text.to_owned(),
            name: std::mem::take(name),
            value: value.take(),
        })
    }

    fn new(name: &str, value: Value) -> Result<Self, StatementError> {
        let mut salt = [0; SALT_BYTES];
        random(&mut salt)?;
        let triple = json!([base64url(&salt), name, value]);
        Self::parse(&base64url(json::canonical(&triple).as_bytes()))
    }

    /// The disclosure as it travels.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// What it discloses.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}

/// Of one group: who may read it, and the digest that its content must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who may read it.
    pub audience: Audience,
    /// Digest of the content's disclosure.
    pub digest: Hash,
}

/// What every recipient of a statement gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The kind.
    pub kind: Kind,
    /// When it was said, RFC 3339 with the author's own offset.
    pub at: String,
    /// The same instant.
    pub at_utc: UtcMs,
    /// The set of rules that the author went by, when one applies.
    pub rules: Option<String>,
    /// What it is about; the first is the object.
    pub about: Vec<Reference>,
    /// The author's last statement about the object as the author knew it: refused when there is a later one.
    pub prev: Option<Reference>,
    /// Digests of what the author actually held when he responded.
    pub seen: Vec<Hash>,
    /// The groups of content by name.
    pub groups: BTreeMap<String, Group>,
}

impl Head {
    /// Reads a head's value.
    ///
    /// # Errors
    /// [`StatementError::Field`] names the member.
    pub fn parse(value: &Value) -> Result<Self, StatementError> {
        let members = value
            .as_object()
            .ok_or_else(|| field(HEAD, "value", "must be an object"))?;
        let head = Self {
            groups: members
                .iter()
                .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
                .map(|(name, group)| Ok((name.clone(), parse_group(name, group)?)))
                .collect::<Result<_, StatementError>>()?,
            ..parse_common(HEAD, members)?
        };
        if let Some(stray) = ["_sd", "..."]
            .iter()
            .find(|name| members.contains_key(**name))
        {
            return Err(field(HEAD, *stray, "must not stand there"));
        }
        if head.groups.is_empty() || head.groups.len() > GROUPS_MAX {
            return Err(field(HEAD, "groups", format!("are one to {GROUPS_MAX}")));
        }
        // RFC 9901, section 7.1: otherwise it would be open which group a disclosure opens.
        let digests: BTreeSet<Hash> = head.groups.values().map(|group| group.digest).collect();
        if digests.len() < head.groups.len() {
            return Err(field(
                HEAD,
                "groups",
                "must each have a digest of their own",
            ));
        } // protects: two_groups_never_share_a_digest
        Ok(head)
    }

    /// Everybody who is addressed by any group: the recipients of the head.
    #[must_use]
    pub fn recipients(&self) -> Audience {
        self.groups
            .values()
            .fold(Audience::default(), |all, group| all.union(&group.audience))
    }

    fn to_value(&self) -> Value {
        let mut members = Map::new();
        members.insert("kind".into(), self.kind.to_string().into());
        members.insert("at".into(), self.at.clone().into());
        if let Some(rules) = &self.rules {
            members.insert("rules".into(), rules.clone().into());
        }
        if !self.about.is_empty() {
            members.insert("about".into(), texts(&self.about));
        }
        if let Some(prev) = &self.prev {
            members.insert("prev".into(), prev.to_string().into());
        }
        if !self.seen.is_empty() {
            members.insert("seen".into(), texts(&self.seen));
        }
        for (name, group) in &self.groups {
            let names: Vec<_> = group.audience.names().collect();
            let group = json!({"aud": texts(&names), "_sd": [group.digest.to_base64url()]});
            members.insert(name.clone(), group);
        }
        Value::Object(members)
    }
}

fn texts<T: fmt::Display>(items: &[T]) -> Value {
    items.iter().map(ToString::to_string).collect()
}

/// The members that a head and a draft have in common; groups are left empty.
fn parse_common(part: &'static str, members: &Map<String, Value>) -> Result<Head, StatementError> {
    let text = |name: &'static str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(field(part, name, "must be text")),
    };
    let needed = |name: &'static str| text(name)?.ok_or_else(|| field(part, name, "is missing"));
    let kind: Kind = needed("kind")?
        .parse()
        .map_err(|rule| field(part, "kind", rule))?;
    if kind.is_control() {
        return Err(field(
            part,
            "kind",
            format!("{kind} is a control statement and must be wholly clear"),
        ));
    }
    let at = needed("at")?;
    let at_utc = UtcMs::parse(at).map_err(|rule| field(part, "at", rule))?;
    let rules = text("rules")?.map(str::to_owned);
    if rules.as_ref().is_some_and(|r| r.is_empty() || r.len() > 64) {
        return Err(field(part, "rules", "has 1 to 64 bytes"));
    }
    let list = |name: &'static str, max: usize| parse_texts(part, name, members.get(name), max);
    let about: Vec<Reference> = list("about", ABOUT_MAX)?
        .into_iter()
        .map(|text| text.parse().map_err(name_error(part, "about")))
        .collect::<Result<_, _>>()?;
    let seen = list("seen", SEEN_MAX)?
        .into_iter()
        .map(|text| {
            Hash::from_base64url(text)
                .map_err(|_| field(part, "seen", "holds SHA-256 digests in base64url"))
        })
        .collect::<Result<_, _>>()?;
    let prev: Option<Reference> = match text("prev")? {
        Some(text) => Some(text.parse().map_err(name_error(part, "prev"))?),
        None => None,
    };
    if prev.is_some() && about.is_empty() {
        return Err(field(
            part,
            "prev",
            "needs about: the object whose last statement it names",
        ));
    }
    Ok(Head {
        kind,
        at: at.to_owned(),
        at_utc,
        rules,
        about,
        prev,
        seen,
        groups: BTreeMap::new(),
    })
}

/// A list of texts that is absent or has one to `max` items.
fn parse_texts<'v>(
    part: &'static str,
    name: &str,
    value: Option<&'v Value>,
    max: usize,
) -> Result<Vec<&'v str>, StatementError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let items = value
        .as_array()
        .filter(|items| (1..=max).contains(&items.len()));
    items
        .and_then(|items| items.iter().map(Value::as_str).collect())
        .ok_or_else(|| {
            field(
                part,
                name,
                format!("is a list of 1 to {max} texts, or is left out"),
            )
        })
}

fn parse_audience(
    part: &'static str,
    name: &str,
    value: &Value,
) -> Result<Audience, StatementError> {
    let place = format!("{name}.aud");
    let items = value
        .as_array()
        .filter(|items| items.len() <= AUDIENCE_NAMES_MAX)
        .ok_or_else(|| {
            field(
                part,
                &place,
                format!("is a list of at most {AUDIENCE_NAMES_MAX} names: public, parties, own or call signs"),
            )
        })?;
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        let item = item
            .as_str()
            .ok_or_else(|| field(part, &place, "holds texts"))?;
        names.push(item.parse().map_err(name_error(part, &place))?);
    }
    let audience = Audience::of(names);
    if audience.names().count() == items.len() {
        Ok(audience)
    } else {
        Err(field(part, &place, "names somebody twice"))
    }
}

fn group_name(part: &'static str, name: &str) -> Result<(), StatementError> {
    if is_word(name) && !RESERVED.contains(&name) {
        return Ok(());
    }
    Err(field(
        part,
        shortened(name, NAME_CHARS_MAX),
        "is no group name: a-z 0-9 _, at most 32, none of the head's own",
    ))
}

fn parse_group(name: &str, value: &Value) -> Result<Group, StatementError> {
    group_name(HEAD, name)?;
    let members = value.as_object().filter(|members| members.len() == 2);
    let members = members.ok_or_else(|| field(HEAD, name, "holds exactly aud and _sd"))?;
    Ok(Group {
        audience: parse_audience(HEAD, name, &members.get("aud").cloned().unwrap_or_default())?,
        digest: one_digest(HEAD, &members.get("_sd").cloned().unwrap_or_default())?,
    })
}

/// A statement with as much of it as its holder was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    leaf: Leaf,
    head: Option<(Disclosure, Head)>,
    contents: BTreeMap<String, Disclosure>,
}

impl Statement {
    /// Reads `leaf~disclosure~…~`. The order of the disclosures does not matter; each must belong to a digest.
    ///
    /// # Errors
    /// [`StatementError`] names the part and the member.
    pub fn parse(compact: &str) -> Result<Self, StatementError> {
        within("the statement", compact.len(), STATEMENT_BYTES_MAX)?;
        let Some((leaf, rest)) = compact.split_once('~') else {
            return Err(StatementError::Form(
                "a statement is leaf~disclosure~…~ and ends with ~",
            ));
        };
        let disclosures = match rest.strip_suffix('~') {
            Some(texts) => texts
                .split('~')
                .map(Disclosure::parse)
                .collect::<Result<_, _>>()?,
            None if rest.is_empty() => Vec::new(),
            None => {
                return Err(StatementError::Form(
                    "a statement ends with ~ and carries no key binding",
                ));
            }
        };
        Self::assemble(Leaf::parse(leaf)?, disclosures)
    }

    /// Puts a statement together from its leaf and the disclosures that its holder has.
    ///
    /// # Errors
    /// [`StatementError::StrayDisclosure`] counts from 1; others name the member of the head.
    pub fn assemble(leaf: Leaf, disclosures: Vec<Disclosure>) -> Result<Self, StatementError> {
        let mut statement = Self {
            leaf,
            head: None,
            contents: BTreeMap::new(),
        };
        let mut left: Vec<Option<Disclosure>> = disclosures.into_iter().map(Some).collect();
        if let Claims::Sealed(digest) = statement.leaf.claims
            && let Some(disclosure) = take(&mut left, digest)
        {
            if disclosure.name != HEAD {
                return Err(field(HEAD, "name", "must be head"));
            }
            let head = Head::parse(&disclosure.value)?;
            for (name, group) in &head.groups {
                if let Some(content) = take(&mut left, group.digest) {
                    check_content(name, &content)?;
                    statement.contents.insert(name.clone(), content);
                }
            }
            statement.head = Some((disclosure, head));
        }
        match left.iter().position(Option::is_some) {
            Some(stray) => Err(StatementError::StrayDisclosure(stray + 1)), // protects: an_altered_disclosure_is_rejected
            None => Ok(statement),
        }
    }

    /// The public part.
    #[must_use]
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The head, when it is disclosed.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref().map(|(_, head)| head)
    }

    /// The content of group `name`, when it is disclosed.
    #[must_use]
    pub fn content(&self, name: &str) -> Option<&Value> {
        self.contents.get(name).map(Disclosure::value)
    }

    /// The disclosures held: the head first, then the groups by name.
    pub fn disclosures(&self) -> impl Iterator<Item = &Disclosure> {
        self.head
            .iter()
            .map(|(head, _)| head)
            .chain(self.contents.values())
    }

    /// The disclosures that are there, by slot: 0 is the head, 1 and up its groups in the order of their names.
    pub fn slots(&self) -> impl Iterator<Item = (u64, &Disclosure)> {
        let groups = self
            .head()
            .into_iter()
            .flat_map(|head| head.groups.keys())
            .zip(1..);
        let contents = groups
            .filter_map(|(name, slot)| self.contents.get(name).map(|content| (slot, content)));
        self.head.iter().map(|(head, _)| (0, head)).chain(contents)
    }

    /// Whether the head and every group are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match (&self.leaf.claims, &self.head) {
            (Claims::Control { .. }, _) => true,
            (Claims::Sealed(_), Some((_, head))) => head.groups.len() == self.contents.len(),
            (Claims::Sealed(_), None) => false,
        }
    }

    /// The kind, when it can be seen.
    #[must_use]
    pub fn kind(&self) -> Option<&Kind> {
        match &self.leaf.claims {
            Claims::Control { kind, .. } => Some(kind),
            Claims::Sealed(_) => self.head().map(|head| &head.kind),
        }
    }

    /// The same statement with only what `keep` says yes to, by group name. Without any group the head goes too.
    #[must_use]
    pub fn reduced(&self, keep: impl Fn(&str, &Group) -> bool) -> Self {
        let Some((disclosure, head)) = &self.head else {
            return self.clone();
        };
        let kept = |name: &str| head.groups.get(name).is_some_and(|group| keep(name, group));
        let addressed = head.groups.keys().any(|name| kept(name));
        Self {
            leaf: self.leaf.clone(),
            head: addressed.then(|| (disclosure.clone(), head.clone())),
            contents: self
                .contents
                .iter()
                .filter(|(name, _)| kept(name))
                .map(|(name, content)| (name.clone(), content.clone()))
                .collect(),
        }
    }

    /// The same statement without what these groups say. The head stays, and says that they are there.
    #[must_use]
    pub fn without(&self, groups: &BTreeSet<String>) -> Self {
        let mut rest = self.clone();
        rest.contents.retain(|name, _| !groups.contains(name));
        rest
    }

    /// Signs a control statement.
    ///
    /// # Errors
    /// [`StatementError`] when kind or body break a rule.
    pub fn sign_control(
        kind: Kind,
        body: Map<String, Value>,
        key: &SecretKey,
        kid: Kid,
        log: &LogId,
        now: UtcMs,
    ) -> Result<Self, StatementError> {
        let claims = Claims::Control { kind, body };
        Self::assemble(Leaf::sign(&claims, key, kid, log, now)?, Vec::new())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~", self.leaf.text)?;
        self.disclosures()
            .try_for_each(|d| write!(f, "{}~", d.text))
    }
}

fn take(left: &mut [Option<Disclosure>], digest: Hash) -> Option<Disclosure> {
    left.iter_mut()
        .find(|d| d.as_ref().is_some_and(|d| d.digest == digest))
        .and_then(Option::take)
}

fn check_content(group: &str, content: &Disclosure) -> Result<(), StatementError> {
    const PART: &str = "a group's content";
    if content.name != CONTENT {
        return Err(field(PART, format!("{group}: name"), "must be content"));
    }
    if !content.value.is_object() {
        return Err(field(PART, group, "must be an object"));
    }
    refuse_stray(PART, group, &content.value)
}

/// A statement before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    common: Head,
    contents: BTreeMap<String, (Audience, Value)>,
}

impl Draft {
    /// A draft of `kind`, said at `at` (RFC 3339 with offset), without groups yet.
    ///
    /// # Errors
    /// [`StatementError`] names what breaks its rule.
    pub fn new(kind: &str, at: &str) -> Result<Self, StatementError> {
        Self::from_value(&json!({"kind": kind, "at": at, "groups": {}}), UtcMs(0))
    }

    /// Reads a draft from JSON:
    /// `{"kind": "message.send/1", "at": …, "about": […], "groups": {"body": {"aud": ["RU"], "content": {…}}}}`.
    /// Without `at` it is said `now`.
    ///
    /// # Errors
    /// [`StatementError`] names the member.
    pub fn parse(text: &[u8], now: UtcMs) -> Result<Self, StatementError> {
        Self::from_value(&strict("the draft", text)?, now)
    }

    fn from_value(value: &Value, now: UtcMs) -> Result<Self, StatementError> {
        const PART: &str = "the draft";
        const MEMBERS: [&str; 7] = ["kind", "at", "rules", "about", "prev", "seen", "groups"];
        let mut members = value
            .as_object()
            .ok_or_else(|| field(PART, "value", "must be an object"))?
            .clone();
        if let Some(unknown) = members
            .keys()
            .find(|name| !MEMBERS.contains(&name.as_str()))
        {
            return Err(field(
                PART,
                shortened(unknown, NAME_CHARS_MAX),
                format!("is unknown; a draft has {}", MEMBERS.join(", ")),
            ));
        }
        members
            .entry("at")
            .or_insert_with(|| now.to_string().into());
        let mut draft = Self {
            common: parse_common(PART, &members)?,
            contents: BTreeMap::new(),
        };
        let groups = members.get("groups").and_then(Value::as_object);
        for (name, group) in groups.ok_or_else(|| field(PART, "groups", "must be an object"))? {
            group_name(PART, name)?;
            let exact = group
                .as_object()
                .filter(|g| g.len() == 2 && g.contains_key("aud"));
            let content = exact.and_then(|g| g.get(CONTENT));
            let content = content.ok_or_else(|| {
                field(
                    PART,
                    format!("groups.{name}"),
                    "holds exactly aud and content",
                )
            })?;
            draft = draft.group(
                name,
                parse_audience(PART, name, &group["aud"])?,
                content.clone(),
            )?;
        }
        Ok(draft)
    }

    /// What it says of itself, so far without groups.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.common
    }

    /// Adds a group.
    ///
    /// # Errors
    /// [`StatementError::Field`] for a bad name.
    pub fn group(
        mut self,
        name: &str,
        audience: Audience,
        content: Value,
    ) -> Result<Self, StatementError> {
        group_name("the draft", name)?;
        self.contents.insert(name.to_owned(), (audience, content));
        Ok(self)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.common.kind
    }

    /// Says what it is about; the first is the object.
    #[must_use]
    pub fn about(mut self, about: Vec<Reference>) -> Self {
        self.common.about = about;
        self
    }

    /// Names the author's last statement about the object.
    #[must_use]
    pub fn prev(mut self, prev: Reference) -> Self {
        self.common.prev = Some(prev);
        self
    }

    /// Says what the author held when he responded.
    #[must_use]
    pub fn seen(mut self, seen: Vec<Hash>) -> Self {
        self.common.seen = seen;
        self
    }

    /// Signs with `key`, which the entry `kid` of `log` granted.
    ///
    /// # Errors
    /// [`StatementError`] when the draft breaks a rule; what is returned parses.
    pub fn sign(
        &self,
        key: &SecretKey,
        kid: Kid,
        log: &LogId,
        now: UtcMs,
    ) -> Result<Statement, StatementError> {
        let mut head = self.common.clone();
        let mut disclosures = Vec::with_capacity(1 + self.contents.len());
        for (name, (audience, content)) in &self.contents {
            let content = Disclosure::new(CONTENT, content.clone())?;
            let group = Group {
                audience: audience.clone(),
                digest: content.digest,
            };
            head.groups.insert(name.clone(), group);
            disclosures.push(content);
        }
        let head = Disclosure::new(HEAD, head.to_value())?;
        let leaf = Leaf::sign(&Claims::Sealed(head.digest), key, kid, log, now)?;
        disclosures.insert(0, head);
        let statement = Statement::assemble(leaf, disclosures)?;
        let bytes = statement.to_string().len();
        within("the statement", bytes, STATEMENT_BYTES_MAX)?;
        Ok(statement)
    }
}
