//! An own log: the only place where this node says something. The door is the record's; what may be said is asked of `truce`, at
//! the index that the statement will have.

use crate::home::{Home, HomeError};
use crate::source::Source;
use record::key::SecretKey;
use record::log::{Lane, Log, Options, Reading, Receipt, Refused, Rules, SayError};
use record::name::{CallSign, Origin};
use record::statement::{Draft, Head, Kid, Statement, StatementError};
use record::store::StoreError;
use record::time::UtcMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use truce::kinds::may_say;
use truce::participants::Office;
use truce::{Body, Name, OwnLog, Refusal};

/// Fillers hide how much is said; they mean nothing.
const FILLER: &str = "filler";

/// The rules of an own log: an exact fold of it, and what `truce` says of the next statement.
pub struct OwnRules(Arc<Mutex<OwnLog>>);

impl OwnRules {
    /// Rules that refuse everything until they are [`set`](Self::set): what stands in the log is not folded yet.
    #[must_use]
    pub fn closed() -> Self {
        let nobody: Origin = "closed".parse().expect("a word is an origin");
        Self(Arc::new(Mutex::new(OwnLog::of_kinds(nobody, vec![None]))))
    }

    /// Rules over a log whose entries are folded in `own`.
    pub fn set(&self, own: OwnLog) {
        *self.own() = own;
    }

    fn own(&self) -> std::sync::MutexGuard<'_, OwnLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a statement says, or `None` for a filler.
///
/// # Errors
/// [`Refusal`] names the member.
pub fn body_of(statement: &Statement) -> Result<Option<Body>, Refusal> {
    if let Some((kind, body)) = statement.leaf().control() {
        let contents = BTreeMap::from([("body".to_owned(), Value::Object(body.clone()))]);
        return Ok(Some(truce::parse(kind, &contents)?));
    }
    let Some(head) = statement.head() else {
        return Ok(None);
    };
    if head.kind.name == FILLER {
        return Ok(None);
    }
    let contents = head
        .groups
        .keys()
        .filter_map(|name| Some((name.clone(), statement.content(name)?.clone())))
        .collect();
    Ok(Some(truce::parse(&head.kind, &contents)?))
}

struct Read {
    body: Option<Body>,
    kid: Kid,
    head: Option<Head>,
    own: Arc<Mutex<OwnLog>>,
}

fn refused(refusal: Refusal) -> Refused {
    Refused {
        rule: refusal.rule,
        field: refusal.field,
        reason: refusal.reason,
    }
}

impl Rules for OwnRules {
    fn read(&self, statement: &Statement) -> Result<Box<dyn Reading>, Refused> {
        Ok(Box::new(Read {
            body: body_of(statement).map_err(refused)?,
            kid: statement.leaf().kid,
            head: statement.head().cloned(),
            own: Arc::clone(&self.0),
        }))
    }
}

impl Reading for Read {
    fn admit(self: Box<Self>, index: u64) -> Result<(), Refused> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.next() != index {
            return Err(Refused {
                rule: "order",
                field: "log".into(),
                reason: format!(
                    "entry {} is the next that the rules know of, and {index} the next of the log; restart the node",
                    own.next()
                ),
            });
        }
        let head = self.head.as_ref();
        if let Some(body) = &self.body {
            own.admit(self.kid, head, body).map_err(refused)?;
        }
        own.apply(self.kid, head, self.body.as_ref());
        Ok(())
    }
}

/// Folds the entries of the log `source` that `own` does not know yet, as they are held now.
///
/// # Errors
/// [`StoreError`].
pub fn fold_on(own: &mut OwnLog, source: &Source) -> Result<(), StoreError> {
    for index in own.next()..source.size() {
        let statement = source.statement(index)?;
        let statement =
            statement.ok_or_else(|| StoreError::Damaged(format!("entry {index} is missing")))?;
        let name = statement.kind().and_then(Name::of);
        let body = body_of(&statement).ok().flatten();
        own.apply_held(name, statement.leaf().kid, statement.head(), body.as_ref());
    }
    Ok(())
}

/// An own log that is open and takes nothing yet, because its rules do not know what stands in it.
pub struct OpenLog {
    log: Arc<Log>,
    rules: Arc<OwnRules>,
    desks: Vec<(Kid, SecretKey)>,
}

impl OpenLog {
    /// Opens the own log of `home` with the keys of offices that are kept there.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open(home: &Home, options: Options) -> Result<Self, HomeError> {
        let rules = Arc::new(OwnRules::closed());
        let options = Options {
            rules: Some(Arc::clone(&rules) as Arc<dyn Rules>),
            ..options
        };
        Ok(Self {
            log: Arc::new(Log::open(&home.dir, options)?),
            rules,
            desks: home.desks()?,
        })
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// The log as a place to say something: its entries, which `source` reads, are folded in `own`. An erasure that a crash
    /// interrupted is logged before anything else.
    #[must_use]
    pub fn ready(self, source: Arc<Source>, own: OwnLog) -> Own {
        self.rules.set(own);
        self.log.finish_erasures();
        let call_sign = self.log.ring().call_sign().clone();
        Own::new(call_sign, source, self.rules, self.desks)
    }
}

/// What would be said next, tried out against the rules without saying it.
pub struct Rehearsal(OwnLog);

impl Rehearsal {
    /// Whether `statement` could be said after all that was rehearsed before it.
    ///
    /// # Errors
    /// [`Refusal`] with the rule, the member and what to do.
    pub fn say(&mut self, statement: &Statement) -> Result<(), Refusal> {
        let (kid, head) = (statement.leaf().kid, statement.head());
        let body = body_of(statement)?;
        if let Some(body) = &body {
            self.0.admit(kid, head, body)?;
        }
        self.0.apply(kid, head, body.as_ref());
        Ok(())
    }
}

/// Why a draft was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The node keeps no key of that office.
    #[error(
        "{call_sign}: this node keeps no key that holds the office {office}; sign with a key of your own, or have one granted"
    )]
    NoKey {
        /// Whose.
        call_sign: CallSign,
        /// Which office.
        office: &'static str,
    },
    /// The node keeps no key of any office, or not the one that was asked for.
    #[error(
        "{call_sign}: this node keeps no such key of an office; sign with a key of your own, or have one granted"
    )]
    NoDesk {
        /// Whose.
        call_sign: CallSign,
    },
    /// The key that was asked for is not kept here, or does not hold the office.
    #[error("{call_sign}: this node keeps no key {kid} that holds the office {office}")]
    OtherKey {
        /// Whose.
        call_sign: CallSign,
        /// Which key.
        kid: Kid,
        /// Which office.
        office: &'static str,
    },
    /// The draft breaks a rule of form.
    #[error(transparent)]
    Draft(#[from] StatementError),
}

/// An own log with the keys that the node keeps for its offices.
pub struct Own {
    /// Its participant's call sign, as declared.
    pub call_sign: CallSign,
    /// Where views read it.
    pub source: Arc<Source>,
    rules: Arc<OwnRules>,
    desks: Vec<(Kid, SecretKey)>,
}

impl Own {
    /// An open log.
    #[must_use]
    pub fn new(
        call_sign: CallSign,
        source: Arc<Source>,
        rules: Arc<OwnRules>,
        desks: Vec<(Kid, SecretKey)>,
    ) -> Self {
        Self {
            call_sign,
            source,
            rules,
            desks,
        }
    }

    /// Opens the own log of `home` by itself. Its entries are folded from the log.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open(home: &Home, options: Options) -> Result<Self, HomeError> {
        let open = OpenLog::open(home, options)?;
        let source = Source::own(Arc::clone(open.log()));
        let mut own = OwnLog::new(source.origin().clone());
        fold_on(&mut own, &source)?;
        Ok(open.ready(Arc::new(source), own))
    }

    /// Opens the own log of `home` for reading and signing, beside the process that writes it.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open_to_read(home: &Home) -> Result<Self, HomeError> {
        let log = Arc::new(home.open_to_read()?);
        let call_sign = log.ring().call_sign().clone();
        let source = Source::own(log);
        let mut own = OwnLog::new(source.origin().clone());
        fold_on(&mut own, &source)?;
        let rules = OwnRules::closed();
        rules.set(own);
        let desks = home.desks()?;
        Ok(Self::new(
            call_sign,
            Arc::new(source),
            Arc::new(rules),
            desks,
        ))
    }

    /// Whose log it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.source.origin()
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        self.source.log().expect("an own log")
    }

    /// A rehearsal that begins at the end of the log as it is now.
    #[must_use]
    pub fn rehearse(&self) -> Rehearsal {
        Rehearsal(self.rules.own().clone())
    }

    /// The keys that this node keeps and that hold `office` now.
    pub fn keys(&self, office: Office) -> Vec<Kid> {
        let own = self.rules.own();
        let holding = self
            .desks
            .iter()
            .filter(|(kid, _)| own.offices(*kid).contains(&office));
        holding.map(|(kid, _)| *kid).collect()
    }

    /// Signs `draft` for `office`, with key `kid` or the first that this node keeps for it.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &self,
        office: Office,
        kid: Option<Kid>,
        draft: Draft,
        now: UtcMs,
    ) -> Result<Statement, SignError> {
        let holding = self.keys(office);
        let chosen = match kid {
            Some(kid) => holding
                .contains(&kid)
                .then_some(kid)
                .ok_or(SignError::OtherKey {
                    call_sign: self.call_sign.clone(),
                    kid,
                    office: office.as_str(),
                })?,
            None => *holding.first().ok_or(SignError::NoKey {
                call_sign: self.call_sign.clone(),
                office: office.as_str(),
            })?,
        };
        self.sign_with(chosen, &draft, now)
    }

    /// Signs `draft` with key `kid`, or with the first that this node keeps and whose office says such things. When there is
    /// none, with the first: the rules then refuse it and name the offices.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_as_kept(
        &self,
        kid: Option<Kid>,
        draft: &Draft,
        now: UtcMs,
    ) -> Result<Statement, SignError> {
        let chosen = kid.or_else(|| {
            let name = Name::of(draft.kind());
            let own = self.rules.own();
            let says = |kid: Kid| {
                let mut offices = own.offices(kid).into_iter();
                name.is_some_and(|name| offices.any(|office| may_say(office, name)))
            };
            let kept = || self.desks.iter().map(|(kid, _)| *kid);
            kept().find(|kid| says(*kid)).or_else(|| kept().next())
        });
        let chosen = chosen.ok_or_else(|| self.no_desk())?;
        self.sign_with(chosen, draft, now)
    }

    fn sign_with(&self, kid: Kid, draft: &Draft, now: UtcMs) -> Result<Statement, SignError> {
        let (_, key) = self
            .desks
            .iter()
            .find(|(kept, _)| *kept == kid)
            .ok_or_else(|| self.no_desk())?;
        Ok(draft.sign(key, kid, self.log().id(), now)?)
    }

    fn no_desk(&self) -> SignError {
        SignError::NoDesk {
            call_sign: self.call_sign.clone(),
        }
    }

    /// Says a signed statement: it is checked in this thread, and `done` is called when it is logged or refused.
    pub fn submit(
        &self,
        statement: Arc<Statement>,
        done: impl FnOnce(Result<Receipt, SayError>) + Send + 'static,
    ) {
        let lane = lane(&statement);
        // Not held while it waits: whoever closes the log waits for its last commit, and for its failure.
        let source = Arc::downgrade(&self.source);
        let kept = Arc::clone(&statement);
        let erases = statement.kind().is_some_and(|kind| kind.name == "erase");
        self.log().submit_read(&statement, lane, move |result| {
            let logged = result.as_ref().ok().filter(|receipt| !receipt.already);
            if let Some(receipt) = logged
                && let Some(source) = source.upgrade()
            {
                if erases {
                    source.forget();
                } else {
                    source.keep(receipt.reference.index, kept);
                }
            }
            done(result);
        });
    }
}

/// Life at risk now is committed before all that waits.
#[must_use]
pub fn lane(statement: &Statement) -> Lane {
    let message = statement
        .kind()
        .is_some_and(|kind| kind.name == "message.send");
    let precedence = statement
        .content("body")
        .and_then(|body| body.get("precedence"));
    if message && precedence.and_then(Value::as_str) == Some("FLASH") {
        Lane::Flash
    } else {
        Lane::Routine
    }
}
