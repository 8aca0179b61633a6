//! An own log: the only place where this node says something. The door is the record's; what may be said is asked of `truce`, at
//! the index that the statement will have.

use crate::source::Source;
use record::key::SecretKey;
use record::log::{Lane, Reading, Receipt, Refused, Rules, SayError};
use record::name::{CallSign, Origin};
use record::statement::{Draft, Head, Kid, Statement, StatementError};
use record::time::UtcMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use truce::participants::Office;
use truce::{Body, OwnLog, Refusal};

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

    /// Whose log it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.source.origin()
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
        let (_, key) = self
            .desks
            .iter()
            .find(|(kid, _)| *kid == chosen)
            .expect("it was chosen among them");
        let log = self.source.log().expect("an own log").id();
        Ok(draft.sign(key, chosen, log, now)?)
    }

    /// Says a signed statement: it is checked in this thread, and `done` is called when it is logged or refused.
    pub fn submit(
        &self,
        statement: Arc<Statement>,
        done: impl FnOnce(Result<Receipt, SayError>) + Send + 'static,
    ) {
        let lane = lane(&statement);
        let source = Arc::clone(&self.source);
        let kept = Arc::clone(&statement);
        let erases = statement.kind().is_some_and(|kind| kind.name == "erase");
        let log = self.source.log().expect("an own log");
        log.submit_read(&statement, lane, move |result| {
            match &result {
                Ok(receipt) if receipt.already => {}
                Ok(_) if erases => source.forget(),
                Ok(receipt) => source.keep(receipt.reference.index, kept),
                Err(_) => {}
            }
            done(result);
        });
    }
}

/// Life at risk now is committed before all that waits.
fn lane(statement: &Statement) -> Lane {
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
