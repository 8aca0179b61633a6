//! A room for exercises, in memory: every participant with keys and a log of its own, and what reaches whom.
//!
//! It decides nothing by itself: whether a statement may be said is asked of the record's key ring and of `truce`, what it is
//! worth of `truce`, and who may read it of its audience. Each participant holds what reached it, reduced to what it may read;
//! whoever runs the exercise holds everything.

use record::audience::{Audience, Name, Reader};
use record::c2sp::note::SignerKey;
use record::c2sp::tree::Tree;
use record::key::{Algorithm, SecretKey, random};
use record::keyring::KeyRing;
use record::name::{CallSign, LogId, Origin, Reference};
use record::statement::{Draft, Kid, Kind, Leaf, Statement};
use record::time::UtcMs;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use truce::{Body, OwnLog, Refusal, Statements, Truce};

/// The desk whose machine gives receipts.
pub const ADMINISTRATOR: &str = "administrator";
const RECEIPT: &str = "receipt/1";

/// A participant that comes into the room.
pub struct Founding {
    /// Its call sign.
    pub call_sign: CallSign,
    /// Its desks, each with the office that its key holds, if it holds one.
    pub desks: BTreeMap<String, Option<String>>,
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

/// What somebody's eyes see.
pub struct View {
    /// The statements that are held there.
    pub statements: Statements,
    /// The truce as it follows from them.
    pub truce: Truce,
}

/// The room.
pub struct Room {
    sides: BTreeMap<CallSign, Side>,
    control: Holding,
    now: UtcMs,
    receipts: bool,
    version: u64,
    views: RefCell<BTreeMap<Option<CallSign>, (u64, Rc<View>)>>,
}

struct Side {
    log: LogId,
    own: OwnLog,
    ring: KeyRing,
    tree: Tree,
    entries: Vec<Statement>,
    keys: BTreeMap<String, (Kid, SecretKey)>,
    admin: SecretKey,
    online: bool,
    holding: Holding,
}

/// What reached one holder: of each log up to which entry, and as much of each statement as may be read there.
#[derive(Default)]
struct Holding {
    marks: BTreeMap<CallSign, usize>,
    held: BTreeMap<(CallSign, u64), Statement>,
}

fn refusal(rule: &'static str, field: &str, reason: impl ToString) -> Refusal {
    Refusal {
        rule,
        field: field.to_owned(),
        reason: reason.to_string(),
    }
}

impl Room {
    /// Founds the participants' logs at `now`.
    ///
    /// # Errors
    /// [`Refusal`] when a key cannot be made or granted.
    pub fn found(foundings: &[Founding], now: UtcMs) -> Result<Self, Refusal> {
        let mut room = Self {
            sides: BTreeMap::new(),
            control: Holding::default(),
            now,
            receipts: true,
            version: 0,
            views: RefCell::default(),
        };
        for founding in foundings {
            let side = Side::found(founding, now)?;
            room.sides.insert(founding.call_sign.clone(), side);
        }
        room.deliver();
        Ok(room)
    }

    /// Sets the clock.
    pub fn set_clock(&mut self, now: UtcMs) {
        self.now = now;
    }

    /// The time.
    pub fn now(&self) -> UtcMs {
        self.now
    }

    /// Whether machines give receipts by themselves.
    pub fn set_receipts(&mut self, on: bool) {
        self.receipts = on;
    }

    /// Connects a participant's node, or takes its connection away; what waited is delivered.
    pub fn set_online(&mut self, call_sign: &CallSign, online: bool) {
        if let Some(side) = self.sides.get_mut(call_sign) {
            side.online = online;
        }
        self.deliver();
    }

    /// The log of a participant.
    pub fn origin(&self, call_sign: &CallSign) -> Option<&Origin> {
        self.sides.get(call_sign).map(|side| &side.log.origin)
    }

    /// The key of a desk.
    pub fn kid(&self, call_sign: &CallSign, desk: &str) -> Option<Kid> {
        let (kid, _) = self.sides.get(call_sign)?.keys.get(desk)?;
        Some(*kid)
    }

    /// The head of a participant's log, as `head.seen` names it.
    pub fn head(&self, call_sign: &CallSign) -> Option<Value> {
        let side = self.sides.get(call_sign)?;
        Some(
            json!({"origin": side.log.origin.to_string(), "size": side.tree.size(), "root": side.tree.root().to_base64url()}),
        )
    }

    /// How a statement is called on the line: `RU-412`.
    pub fn short(&self, reference: &Reference) -> String {
        let author = self.author(reference);
        let author = author.map_or(reference.origin.as_str(), CallSign::as_str);
        format!("{author}-{}", reference.index)
    }

    /// Who said it.
    pub fn author(&self, reference: &Reference) -> Option<&CallSign> {
        let mut sides = self.sides.iter();
        let (call_sign, _) = sides.find(|(_, side)| side.log.origin == reference.origin)?;
        Some(call_sign)
    }

    /// The statement as it was said.
    pub fn statement(&self, reference: &Reference) -> Option<&Statement> {
        let side = self.sides.get(self.author(reference)?)?;
        side.entries.get(usize::try_from(reference.index).ok()?)
    }

    /// Whether a participant holds this group of it in the clear.
    pub fn reads(&self, call_sign: &CallSign, reference: &Reference, group: &str) -> bool {
        let held = || {
            let key = (self.author(reference)?.clone(), reference.index);
            let holding = &self.sides.get(call_sign)?.holding;
            holding.held.get(&key)?.content(group)
        };
        held().is_some()
    }

    /// What a participant sees; without one, whoever runs the exercise.
    pub fn view(&self, eyes: Option<&CallSign>) -> Rc<View> {
        let eyes = eyes.cloned();
        if let Some((version, view)) = self.views.borrow().get(&eyes)
            && *version == self.version
        {
            return Rc::clone(view);
        }
        let holding = match &eyes {
            Some(call_sign) => self.sides.get(call_sign).map(|side| &side.holding),
            None => Some(&self.control),
        };
        let mut statements = Statements::default();
        for ((_, index), statement) in holding.iter().flat_map(|holding| &holding.held) {
            statements.hold(*index, statement);
        }
        let truce = Truce::of(&statements);
        let view = Rc::new(View { statements, truce });
        self.views
            .borrow_mut()
            .insert(eyes, (self.version, Rc::clone(&view)));
        view
    }

    /// Says it, if it may be said.
    ///
    /// # Errors
    /// [`Refusal`] with the rule, the member and the reason; nothing was said then.
    pub fn say(&mut self, words: &Words) -> Result<Reference, Refusal> {
        let now = self.now;
        let reference = self.side(&words.by)?.say(words, now)?;
        self.deliver();
        Ok(reference)
    }

    /// Says something about keys or offices, with the admin key.
    ///
    /// # Errors
    /// [`Refusal`] as for [`Room::say`].
    pub fn say_control(
        &mut self,
        by: &CallSign,
        kind: &str,
        body: Map<String, Value>,
    ) -> Result<Reference, Refusal> {
        let now = self.now;
        let reference = self.side(by)?.control(kind, body, now)?;
        self.deliver();
        Ok(reference)
    }

    fn side(&mut self, call_sign: &CallSign) -> Result<&mut Side, Refusal> {
        self.sides
            .get_mut(call_sign)
            .ok_or_else(|| refusal("participant", "by", format!("{call_sign} is not here")))
    }

    /// Brings every holder what it can be reached with, and says what machines say by themselves, until nothing is new.
    fn deliver(&mut self) {
        self.version += 1;
        loop {
            let parties = self.parties();
            let mut answers = Vec::new();
            let authors: Vec<CallSign> = self.sides.keys().cloned().collect();
            for author in &authors {
                self.deliver_to_control(author);
                for holder in &authors {
                    answers.extend(self.deliver_to(holder, author, &parties));
                }
            }
            let mut said = false;
            for words in answers {
                let now = self.now;
                // A desk that may not say it leaves its silence for everybody to see.
                said |= self
                    .side(&words.by)
                    .is_ok_and(|side| side.say(&words, now).is_ok());
            }
            self.version += 1;
            if !said {
                return;
            }
        }
    }

    /// Those whom an instrument asks that is in force now: whom `parties` reaches.
    fn parties(&self) -> BTreeSet<CallSign> {
        let view = self.view(None);
        let governing = view.truce.agreement.governing(self.now).into_iter();
        governing
            .flat_map(|instrument| {
                instrument
                    .table
                    .needed
                    .iter()
                    .chain(&*instrument.table.invited)
            })
            .cloned()
            .collect()
    }

    fn deliver_to_control(&mut self, author: &CallSign) {
        let Some(side) = self.sides.get(author) else {
            return;
        };
        let mark = self.control.mark(author);
        for (index, statement) in (mark..).zip(side.entries.iter().skip(mark)) {
            self.control.hold(author, index, statement.clone());
        }
    }

    /// Brings `holder` what `author` said since, and returns what the holder's machine answers.
    fn deliver_to(
        &mut self,
        holder: &CallSign,
        author: &CallSign,
        parties: &BTreeSet<CallSign>,
    ) -> Vec<Words> {
        let online = |call_sign| self.sides.get(call_sign).is_some_and(|side| side.online);
        let reader = match holder == author {
            true => Reader::own(),
            false if online(holder) && online(author) => {
                Reader::participant(holder.clone(), parties.contains(holder))
            }
            false => return vec![],
        };
        let mark = self
            .sides
            .get(holder)
            .map_or(0, |side| side.holding.mark(author));
        let new: Vec<Statement> = self
            .sides
            .get(author)
            .map_or_else(Vec::new, |side| side.entries[mark..].to_vec());
        let Some(side) = self.sides.get_mut(holder) else {
            return vec![];
        };
        let mut answers = Vec::new();
        for (index, statement) in (mark..).zip(new) {
            let readable = statement.reduced(|_, group| group.audience.admits(&reader));
            let reference = reference(statement.leaf(), index as u64);
            let answer = machine_answer(holder, author, &readable, reference);
            answers.extend(answer.filter(|words| self.receipts || words.kind != RECEIPT));
            side.holding.hold(author, index, readable);
        }
        answers
    }
}

impl Holding {
    /// How many entries of `author`'s log arrived.
    fn mark(&self, author: &CallSign) -> usize {
        self.marks.get(author).copied().unwrap_or_default()
    }

    /// Takes the next entry of `author`'s log, and destroys what it asks to have destroyed.
    fn hold(&mut self, author: &CallSign, index: usize, statement: Statement) {
        let erasure = body(&statement);
        let target = statement.head().and_then(|head| head.about.first());
        if let (Some(Body::Erase(erasure)), Some(target)) = (erasure, target)
            && let Some(held) = self.held.get_mut(&(author.clone(), target.index))
        {
            let names: BTreeSet<&str> = erasure.groups.iter().map(|name| name.as_str()).collect();
            *held = without(held, &names);
        }
        self.marks.insert(author.clone(), index + 1);
        self.held.insert((author.clone(), index as u64), statement);
    }
}

/// `statement` without the content of these groups. Its head stays: it says to whom this has to be told.
fn without(statement: &Statement, names: &BTreeSet<&str>) -> Statement {
    let Some(head) = statement.head() else {
        return statement.clone();
    };
    let held = head
        .groups
        .keys()
        .filter(|name| statement.content(name).is_some());
    let mut disclosures = statement.disclosures();
    let first = disclosures.next().into_iter();
    let kept = disclosures
        .zip(held)
        .filter(|(_, name)| !names.contains(name.as_str()))
        .map(|(disclosure, _)| disclosure);
    let left = first.chain(kept).cloned().collect();
    Statement::assemble(statement.leaf().clone(), left)
        .expect("these are disclosures of this statement, with its head")
}

fn body(statement: &Statement) -> Option<Body> {
    truce::parse(&statement.head()?.kind, &contents(statement)).ok()
}

/// What a machine says by itself: a receipt of what asks its participant for something, `erase.done` of an erasure.
fn machine_answer(
    holder: &CallSign,
    author: &CallSign,
    statement: &Statement,
    reference: Reference,
) -> Option<Words> {
    if holder == author {
        return None;
    }
    let asks = |to: &[CallSign]| to.contains(holder);
    let kind = match body(statement)? {
        Body::MessageSend(message) if asks(&message.to) => RECEIPT,
        Body::AreaDesignate(area) if asks(&area.to) => RECEIPT,
        Body::SeparationAsk(ask) if asks(&ask.to) => RECEIPT,
        Body::InstrumentTable(table) if asks(&table.needed) || asks(&table.invited) => RECEIPT,
        Body::Erase(_) => "erase.done/1",
        _ => return None,
    };
    let readers = readers_of(statement, author);
    Some(Words {
        by: holder.clone(),
        desk: ADMINISTRATOR.into(),
        kind: kind.into(),
        about: vec![reference],
        groups: vec![("body".into(), json!({}), readers)],
    })
}

/// Who reads a response to `statement`: whoever reads the statement, and its author.
pub fn readers_of(statement: &Statement, author: &CallSign) -> Audience {
    let author = Audience::of([Name::Participant(author.clone())]);
    let readers = statement.head().map(record::statement::Head::recipients);
    readers.unwrap_or_default().union(&author)
}

fn reference(leaf: &Leaf, index: u64) -> Reference {
    Reference {
        origin: leaf.log.origin.clone(),
        index,
        leaf: leaf.hash(),
    }
}

impl Side {
    fn found(founding: &Founding, now: UtcMs) -> Result<Self, Refusal> {
        let key = |_| SecretKey::generate(Algorithm::EdDsa);
        let failed = |error: record::key::KeyError| refusal("keys", "key", error);
        let call_sign = &founding.call_sign;
        let origin: Origin = format!("exercise.example/{}", call_sign.as_str().to_lowercase())
            .parse()
            .map_err(|error| refusal("keys", "origin", error))?;
        let (admin, recovery) = (key(()).map_err(failed)?, key(()).map_err(failed)?);
        let mut seed = [0; 32];
        random(&mut seed).map_err(failed)?;
        let log_key = SignerKey::from_seed(origin.as_str(), &seed)
            .map_err(|error| refusal("keys", "log_key", error))?;
        let declare = json!({"callsign": call_sign.as_str(), "admin": admin.public().to_jwk(),
            "recovery": recovery.public().to_jwk(), "log_key": log_key.verifier().to_string()});
        let nowhere = LogId {
            origin: origin.clone(),
            entry0: None,
        };
        let entry0 = sign_control(
            "participant.declare/1",
            object(declare),
            &admin,
            &nowhere,
            now,
        )?;
        let ring = KeyRing::declare(entry0.leaf())
            .map_err(|error| refusal("keys", "participant.declare", error))?;
        let mut side = Self {
            log: LogId::new(origin.clone(), entry0.leaf().hash()),
            own: OwnLog::new(origin),
            ring,
            tree: Tree::new(),
            entries: Vec::new(),
            keys: BTreeMap::new(),
            admin,
            online: true,
            holding: Holding::default(),
        };
        side.append(entry0);
        for (desk, office) in &founding.desks {
            let secret = key(()).map_err(failed)?;
            let grant = json!({"role": "office", "key": secret.public().to_jwk(), "device": desk});
            let granted = side.control("key.grant/1", object(grant), now)?;
            side.keys
                .insert(desk.clone(), (Kid::Index(granted.index), secret));
            if let Some(office) = office {
                let mut grant = json!({"kid": granted.index.to_string(), "office": office});
                if !founding.languages.is_empty() {
                    grant["languages"] = json!(founding.languages);
                }
                side.control("office.grant/1", object(grant), now)?;
            }
        }
        Ok(side)
    }

    fn append(&mut self, statement: Statement) -> Reference {
        let leaf = statement.leaf();
        let said = match leaf.control() {
            Some(_) => truce::participants::control_body(leaf),
            None => body(&statement),
        };
        self.own.apply(leaf.kid, statement.head(), said.as_ref());
        let index = self.tree.append(leaf.hash());
        let reference = reference(leaf, index);
        self.entries.push(statement);
        reference
    }

    fn control(
        &mut self,
        kind: &str,
        body: Map<String, Value>,
        now: UtcMs,
    ) -> Result<Reference, Refusal> {
        let statement = sign_control(kind, body, &self.admin, &self.log, now)?;
        let leaf = statement.leaf();
        self.judge(leaf)?;
        if truce::participants::control_body(leaf).is_none() {
            return Err(refusal("form", "body", format!("is no body of {kind}")));
        }
        let index = self.tree.size();
        self.ring
            .admit(leaf, index)
            .map_err(|why| refusal("key", "body", why))?;
        Ok(self.append(statement))
    }

    fn judge(&self, leaf: &Leaf) -> Result<(), Refusal> {
        let judged = self.ring.judge(leaf, self.tree.size());
        judged.map_err(|why| refusal("key", "kid", why))
    }

    fn say(&mut self, words: &Words, now: UtcMs) -> Result<Reference, Refusal> {
        let Some((kid, key)) = self.keys.get(&words.desk) else {
            let reason = format!("{} has no desk {}", words.by, words.desk);
            return Err(refusal("office", "kid", reason));
        };
        let form = |error: record::statement::StatementError| refusal("form", "statement", error);
        let mut draft = Draft::new(&words.kind, &now.to_string())
            .map_err(form)?
            .about(words.about.clone());
        for (name, content, readers) in &words.groups {
            draft = draft
                .group(name, readers.clone(), content.clone())
                .map_err(form)?;
        }
        let statement = draft.sign(key, *kid, &self.log, now).map_err(form)?;
        self.judge(statement.leaf())?;
        let head = statement.head().expect("what was just signed is whole");
        let body = truce::parse(&head.kind, &contents(&statement))?;
        self.own.admit(*kid, Some(head), &body)?;
        self.reaches(&body, head)?;
        Ok(self.append(statement))
    }

    /// A change must reach everybody whom its target reached.
    fn reaches(&self, body: &Body, head: &record::statement::Head) -> Result<(), Refusal> {
        if !body.is_change() {
            return Ok(());
        }
        let target = head
            .about
            .first()
            .and_then(|about| self.entries.get(usize::try_from(about.index).ok()?));
        let Some(everybody) = target
            .and_then(Statement::head)
            .map(|head| head.recipients())
        else {
            return Err(refusal("target", "about", "is no statement with readers"));
        };
        if head.recipients().reaches(&everybody) {
            return Ok(());
        }
        let names: Vec<String> = everybody.names().map(ToString::to_string).collect();
        let reason = format!(
            "it must reach everybody whom the statement reached: {}",
            names.join(", ")
        );
        Err(refusal("reach", "aud", reason))
    }
}

fn contents(statement: &Statement) -> BTreeMap<String, Value> {
    let head = statement.head();
    let names = head.into_iter().flat_map(|head| head.groups.keys());
    names
        .filter_map(|name| Some((name.clone(), statement.content(name)?.clone())))
        .collect()
}

fn sign_control(
    kind: &str,
    body: Map<String, Value>,
    admin: &SecretKey,
    log: &LogId,
    now: UtcMs,
) -> Result<Statement, Refusal> {
    let kind: Kind = kind
        .parse()
        .map_err(|rule: &str| refusal("form", "kind", rule))?;
    Statement::sign_control(kind, body, admin, Kid::Index(0), log, now)
        .map_err(|error| refusal("form", "statement", error))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
