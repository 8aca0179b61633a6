//! The room in which a scenario is played: a node over an exercise store, on a clock that is set by hand. Whatever is said goes
//! through the node's door, and whatever is asked is read from the views of whoever asks.

use ::node::authority::Eyes;
use ::node::home::{Founded, Home};
use ::node::http::problem::Problem;
use ::node::node::PARTICIPANTS;
use ::node::views::{ListQuery, StatementRow, Views};
use ::node::{Node, Running, Settings};
use record::audience::Audience;
use record::key::SecretKey;
use record::log::SayError;
use record::name::{CallSign, Origin, Reference};
use record::statement::{Draft, Kid, Kind, Statement};
use record::time::{ManualClock, UtcMs};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use truce::participants::Office;
use truce::{Statements, Truce};

/// Where an exercise keeps the recovery keys of its participants, in its own directory.
const RECOVERY: &str = "recovery";
/// Statements that are read at once.
const PAGE: u32 = 500;

/// A participant that comes into the room.
pub struct Founding {
    /// Its call sign.
    pub call_sign: CallSign,
    /// Its desks, each with the office that its key holds, if it holds one.
    pub desks: BTreeMap<String, Option<Office>>,
    /// Languages that its desks read.
    pub languages: Vec<String>,
}

/// A statement before it is signed.
pub struct Words {
    /// Who says it.
    pub by: CallSign,
    /// At which desk.
    pub desk: String,
    /// Such as `message.send/1`.
    pub kind: String,
    /// What it is about.
    pub about: Vec<Reference>,
    /// Its groups, each with its readers.
    pub groups: Vec<(String, Value, Audience)>,
}

/// Why something may not be said.
#[derive(Debug, thiserror::Error)]
#[error("{reason} (rule {rule}, member {field})")]
pub struct Refusal {
    /// The rule.
    pub rule: String,
    /// The member that breaks it.
    pub field: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

fn refusal(rule: &str, field: &str, reason: impl ToString) -> Refusal {
    Refusal {
        rule: rule.to_owned(),
        field: field.to_owned(),
        reason: reason.to_string(),
    }
}

/// The room cannot go on: its files, keys or views. Nothing that a scenario can expect.
#[derive(Debug, thiserror::Error)]
#[error("the exercise store: {0}")]
pub struct Broken(String);

impl Broken {
    /// What went wrong.
    pub fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// The room.
pub struct Room {
    node: Running,
    clock: Arc<ManualClock>,
    sides: BTreeMap<CallSign, Side>,
}

/// What signs for a participant.
struct Side {
    desks: BTreeMap<String, (Kid, SecretKey)>,
    admin: SecretKey,
}

impl Room {
    /// Founds an exercise in the empty directory `dir` at `now`. With `machines`, they give receipts by themselves.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn found(
        dir: &Path,
        foundings: &[Founding],
        machines: bool,
        now: UtcMs,
    ) -> Result<Self, Broken> {
        let clock = Arc::new(ManualClock::at(now));
        let recovery = dir.join(RECOVERY);
        ::node::home::private_directory(&recovery).map_err(Broken::of)?;
        let founded = foundings
            .iter()
            .map(|founding| founded(founding, &recovery));
        let founded: Vec<Founded> = founded.collect::<Result<_, _>>()?;
        Node::found_exercise(dir, &founded, &*clock).map_err(Broken::of)?;
        let mut sides = BTreeMap::new();
        for founding in foundings {
            let call_sign = &founding.call_sign;
            let home = Home::new(&dir.join(PARTICIPANTS).join(call_sign.as_str()));
            let keys = home.desks().map_err(Broken::of)?;
            let side = Side {
                // Keys are kept by the entries that granted them, and so in the order in which they were asked for.
                desks: founding.desks.keys().cloned().zip(keys).collect(),
                admin: home.admin().map_err(Broken::of)?,
            };
            sides.insert(call_sign.clone(), side);
        }
        let settings = Settings {
            clock: Arc::clone(&clock) as _,
            // Heads are told when the scenario says so: its clock jumps over days.
            head_seen_every_ms: i64::MAX,
            clerk: machines,
            ..Settings::default()
        };
        let room = Self {
            node: Node::open(dir, settings).map_err(Broken::of)?,
            clock,
            sides,
        };
        room.node.settle();
        Ok(room)
    }

    /// Sets the clock. What was said before has been dealt with at its own time.
    pub fn set_clock(&self, now: UtcMs) {
        self.clock.set(now);
        self.node.tick();
    }

    /// The node underneath.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The time.
    pub fn now(&self) -> UtcMs {
        self.node.now()
    }

    /// Connects a participant's node, or takes its connection away: then nothing of the others reaches it.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn set_online(&self, call_sign: &CallSign, online: bool) -> Result<(), Broken> {
        self.node.cut_off(call_sign, !online).map_err(Broken::of)?;
        self.node.settle();
        Ok(())
    }

    /// Silences a participant's alarm for the matter `about`.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn silence(&self, call_sign: &CallSign, about: &Reference) -> Result<(), Broken> {
        let eyes = self.eyes(Some(call_sign));
        let silenced = self.node.timers().silence(&eyes, about, self.now());
        silenced.map_err(Broken::of)
    }

    /// When a participant's alarm for the matter `about` was silenced last.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn silenced_at(
        &self,
        call_sign: &CallSign,
        about: &Reference,
    ) -> Result<Option<UtcMs>, Broken> {
        let eyes = self.eyes(Some(call_sign));
        let at = self.node.timers().silenced_at(&eyes, &about.to_string());
        at.map_err(Broken::of)
    }

    /// The log of a participant.
    pub fn origin(&self, call_sign: &CallSign) -> Option<Origin> {
        let own = self.node.own_of(call_sign).ok()?;
        Some(own.origin().clone())
    }

    /// The key of a desk.
    pub fn kid(&self, call_sign: &CallSign, desk: &str) -> Option<Kid> {
        let (kid, _) = self.sides.get(call_sign)?.desks.get(desk)?;
        Some(*kid)
    }

    /// The head of a participant's log, as `head.seen` names it.
    pub fn head(&self, call_sign: &CallSign) -> Option<Value> {
        let own = self.node.own_of(call_sign).ok()?;
        let head = own.source.head()?;
        let checkpoint = head.checkpoint();
        Some(
            json!({"origin": own.origin().as_str(), "size": checkpoint.size(), "root": checkpoint.root().to_base64url()}),
        )
    }

    /// How a statement is called on the line: `RU-412`.
    pub fn short(&self, reference: &Reference) -> String {
        let author = self.author(reference);
        let author = author.map_or_else(|| reference.origin.to_string(), |sign| sign.to_string());
        format!("{author}-{}", reference.index)
    }

    /// Who said it.
    pub fn author(&self, reference: &Reference) -> Option<CallSign> {
        let mut own = self.node.own();
        let author = own.find(|own| *own.origin() == reference.origin)?;
        Some(author.call_sign.clone())
    }

    /// The statement as its author holds it.
    pub fn statement(&self, reference: &Reference) -> Option<Statement> {
        let own = self.node.own_of(&self.author(reference)?).ok()?;
        own.source.log()?.statement(reference.index).ok()?
    }

    fn eyes(&self, call_sign: Option<&CallSign>) -> Eyes {
        call_sign.map_or(Eyes::Node, |call_sign| self.node.eyes_of(Some(call_sign)))
    }

    /// The views of a participant; without one, of whoever runs the exercise, who sees everything.
    pub fn views(&self, call_sign: Option<&CallSign>) -> &Arc<Views> {
        self.node.views(&self.eyes(call_sign))
    }

    /// What the statements in somebody's views add up to, folded at once: for questions that views keep no rows for.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn folded(&self, call_sign: Option<&CallSign>) -> Result<(Statements, Truce), Broken> {
        let mut statements = Statements::default();
        for row in self.rows(call_sign)? {
            let reference: Reference = row.reference.parse().map_err(Broken::of)?;
            let statement = Statement::parse(&row.statement).map_err(Broken::of)?;
            statements.hold(reference.index, &statement);
        }
        let truce = Truce::of(&statements);
        Ok((statements, truce))
    }

    fn rows(&self, call_sign: Option<&CallSign>) -> Result<Vec<StatementRow>, Broken> {
        let views = self.views(call_sign);
        let mut rows = Vec::new();
        let mut query = ListQuery {
            limit: PAGE,
            ..ListQuery::default()
        };
        loop {
            let page = views.statements(None, &query).map_err(Broken::of)?;
            rows.extend(page.items);
            query.after = page.next;
            if query.after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Says it, if it may be said.
    ///
    /// # Errors
    /// [`Refusal`] with the rule, the member and the reason; nothing was said then.
    pub fn say(&self, words: &Words) -> Result<Reference, Refusal> {
        let form = |error: record::statement::StatementError| refusal("form", "statement", error);
        let (kid, key) = self.desk(&words.by, &words.desk)?;
        let now = self.now();
        let mut draft = Draft::new(&words.kind, &now.to_string())
            .map_err(form)?
            .about(words.about.clone());
        for (name, content, readers) in &words.groups {
            draft = draft
                .group(name, readers.clone(), content.clone())
                .map_err(form)?;
        }
        let log = self.log(&words.by)?;
        let statement = draft.sign(key, kid, &log, now).map_err(form)?;
        self.hand_in(statement)
    }

    /// Says something about keys or offices, with the admin key.
    ///
    /// # Errors
    /// [`Refusal`] as for [`Room::say`].
    pub fn say_control(
        &self,
        by: &CallSign,
        kind: &str,
        body: Map<String, Value>,
    ) -> Result<Reference, Refusal> {
        let kind: Kind = kind
            .parse()
            .map_err(|rule: &str| refusal("form", "kind", rule))?;
        let log = self.log(by)?;
        let admin = &self.side(by)?.admin;
        let statement = Statement::sign_control(kind, body, admin, Kid::Index(0), &log, self.now())
            .map_err(|error| refusal("form", "statement", error))?;
        self.hand_in(statement)
    }

    fn hand_in(&self, statement: Statement) -> Result<Reference, Refusal> {
        let receipt = self.node.say(statement).map_err(refused)?;
        // Machines answer and views follow before anything else happens: played again, every statement has its index again.
        self.node.settle();
        Ok(receipt.reference)
    }

    fn side(&self, call_sign: &CallSign) -> Result<&Side, Refusal> {
        let side = self.sides.get(call_sign);
        side.ok_or_else(|| refusal("participant", "by", format!("{call_sign} is not here")))
    }

    fn log(&self, call_sign: &CallSign) -> Result<record::name::LogId, Refusal> {
        let own = self.node.own_of(call_sign);
        let own = own.map_err(|error| refusal("participant", "by", error))?;
        let log = own
            .source
            .log()
            .expect("the log of a participant of this exercise");
        Ok(log.id().clone())
    }

    fn desk(&self, call_sign: &CallSign, desk: &str) -> Result<(Kid, &SecretKey), Refusal> {
        let found = self.side(call_sign)?.desks.get(desk);
        let (kid, key) = found
            .ok_or_else(|| refusal("office", "kid", format!("{call_sign} has no desk {desk}")))?;
        Ok((*kid, key))
    }
}

fn founded(founding: &Founding, recovery: &Path) -> Result<Founded, Broken> {
    let call_sign = &founding.call_sign;
    let origin = format!("exercise.example/{}", call_sign.as_str().to_lowercase());
    let desks = founding.desks.values();
    Ok(Founded {
        call_sign: call_sign.clone(),
        origin: origin.parse().map_err(Broken::of)?,
        recovery: recovery.join(format!("{call_sign}.key")),
        desks: desks
            .map(|office| (office.iter().copied().collect(), founding.languages.clone()))
            .collect(),
    })
}

/// What the node refuses, by the rule and member that its door names to everybody.
fn refused(error: SayError) -> Refusal {
    let problem = Problem::from(error);
    Refusal {
        rule: problem.reason().unwrap_or_default().to_owned(),
        field: problem.field().unwrap_or_default().to_owned(),
        reason: problem.detail().to_owned(),
    }
}
