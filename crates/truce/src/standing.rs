//! What is held of the record, and the standing of each statement. Every reader who holds the same comes to the same: a set of
//! statements goes in, in whatever order it arrived.

use crate::areas::{self, Designate, Outline};
use crate::kinds::{About, Name, may_say};
use crate::participants::{Participant, Participants};
use crate::protection::readers_rule;
use crate::responses::Withdrawn;
use crate::sites::{FIRST_NOTIFICATION, Sharing};
use crate::{Body, BodyError, parse};
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::statement::{Disclosure, Head, Kid, Kind, Statement};
use record::time::UtcMs;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whether a statement takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Effective,
    /// It does not, and why. It is kept and shown.
    Ineffective(String),
    /// It refers to what has not arrived.
    Waiting(Reference),
    /// What it rests on is not visible here.
    Undetermined(String),
    /// Its head was not meant for us.
    Sealed,
    /// Its kind is not known here. It is kept and shown.
    UnknownKind,
}

/// One statement as it is held here.
#[derive(Debug, Clone)]
pub struct Said {
    /// Where it stands.
    pub reference: Reference,
    /// The statement, with as much of it as was disclosed.
    pub statement: Statement,
    body: Option<Result<Body, BodyError>>,
}

impl Said {
    /// Reads what `statement` says, which stands at `reference` and whose signature was verified.
    #[must_use]
    pub fn new(reference: Reference, statement: Statement) -> Self {
        let body = body_of(&statement, &BTreeSet::new());
        Self {
            reference,
            statement,
            body,
        }
    }

    /// Its head, when it was disclosed.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.statement.head()
    }

    /// Which key signed.
    #[must_use]
    pub fn kid(&self) -> Kid {
        self.statement.leaf().kid
    }

    /// Its body, when its head was disclosed or it is wholly clear.
    #[must_use]
    pub fn body(&self) -> Option<&Result<Body, BodyError>> {
        self.body.as_ref()
    }

    /// What it says, when that is known here.
    #[must_use]
    pub fn known(&self) -> Option<&Body> {
        self.body.as_ref()?.as_ref().ok()
    }
}

fn body_of(statement: &Statement, erased: &BTreeSet<String>) -> Option<Result<Body, BodyError>> {
    if let Some((kind, body)) = statement.leaf().control() {
        return Some(parse(
            kind,
            &BTreeMap::from([("body".to_owned(), Value::Object(body.clone()))]),
        ));
    }
    let head = statement.head()?;
    let held = head.groups.keys().filter(|name| !erased.contains(*name));
    let contents = held
        .filter_map(|name| Some((name.clone(), statement.content(name)?.clone())))
        .collect();
    Some(parse(&head.kind, &contents))
}

/// A statement that takes effect, by whom, with what it says after corrections.
#[derive(Debug, Clone)]
pub struct Effective<'h> {
    /// Where it stands.
    pub reference: Reference,
    /// Its author.
    pub by: CallSign,
    /// Which key signed.
    pub kid: Kid,
    /// Its head.
    pub head: &'h Head,
    /// What it says now.
    pub body: Cow<'h, Body>,
    /// The correction that says so.
    pub corrected_by: Option<Reference>,
}

impl Effective<'_> {
    /// What it is about.
    #[must_use]
    pub fn object(&self) -> Option<&Reference> {
        self.head.about.first()
    }

    /// When it was said.
    #[must_use]
    pub fn at(&self) -> UtcMs {
        self.head.at_utc
    }
}

/// Which call sign is whose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    by_origin: BTreeMap<Origin, CallSign>,
    by_call_sign: BTreeMap<CallSign, Origin>,
}

impl Directory {
    /// From what participants declare and, above that, what instruments bind. A call sign that two logs declare and no
    /// instrument binds is nobody's.
    #[must_use]
    pub fn new(declared: &Participants, bound: &[(CallSign, Origin)]) -> Self {
        let mut directory = Self::default();
        for (call_sign, origin) in bound {
            directory
                .by_call_sign
                .entry(call_sign.clone())
                .or_insert_with(|| origin.clone());
        }
        let mut twice = BTreeSet::new();
        let mut first = BTreeMap::new();
        for (origin, participant) in declared.iter() {
            if first
                .insert(participant.call_sign().clone(), origin.clone())
                .is_some()
            {
                twice.insert(participant.call_sign().clone());
            }
        }
        for (call_sign, origin) in first {
            let free = !twice.contains(&call_sign)
                && !directory
                    .by_call_sign
                    .values()
                    .any(|bound| *bound == origin);
            if free {
                directory.by_call_sign.entry(call_sign).or_insert(origin);
            }
        }
        directory.by_origin = directory
            .by_call_sign
            .iter()
            .map(|(sign, origin)| (origin.clone(), sign.clone()))
            .collect();
        directory
    }

    /// The call sign of the log `origin`.
    #[must_use]
    pub fn call_sign(&self, origin: &Origin) -> Option<CallSign> {
        self.by_origin.get(origin).cloned()
    }

    /// All call signs.
    pub fn call_signs(&self) -> impl Iterator<Item = &CallSign> {
        self.by_call_sign.keys()
    }

    /// The log of `call_sign`.
    #[must_use]
    pub fn origin(&self, call_sign: &CallSign) -> Option<&Origin> {
        self.by_call_sign.get(call_sign)
    }
}

/// The statements that are held: of all logs, or as few as one object needs (the control statements, the object, and what is
/// about it, over all steps). Arrival in any order, once or many times, with few disclosures first and more later, gives the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    participants: Arc<Participants>,
    said: BTreeMap<Reference, Arc<Said>>,
    about: BTreeMap<Reference, BTreeSet<Reference>>,
    /// Of what is about a statement, what may change it: few among many responses.
    changing: BTreeMap<Reference, BTreeSet<Reference>>,
    /// Outlines of areas that each log designated, by their indices.
    designated: BTreeMap<Origin, BTreeMap<u64, (Outline, Reference)>>,
}

impl Statements {
    /// None yet, beside the participants that are known already.
    #[must_use]
    pub fn among(participants: Arc<Participants>) -> Self {
        Self {
            participants,
            ..Self::default()
        }
    }

    /// Holds what was read before. Its participant's control statements are held already if it is one.
    pub fn hold_read(&mut self, said: Arc<Said>) {
        let changes = said.head().is_some_and(|head| changes(&head.kind));
        for about in said.head().into_iter().flat_map(|head| &head.about) {
            let all = self.about.entry(about.clone()).or_default();
            all.insert(said.reference.clone());
            if changes {
                let changing = self.changing.entry(about.clone()).or_default();
                changing.insert(said.reference.clone());
            }
        }
        self.hold_outline(&said);
        self.said.insert(said.reference.clone(), said);
    }

    /// Holds of a designation its outline alone, beside which later ones of the same participant have to stand.
    pub fn hold_outline(&mut self, said: &Said) {
        if let Some(Body::AreaDesignate(area)) = said.known() {
            let own = self
                .designated
                .entry(said.reference.origin.clone())
                .or_default();
            let outline = (Outline::of(&area.polygon), said.reference.clone());
            own.insert(said.reference.index, outline);
        }
    }

    /// Holds `statement`, which stands at `index` of its log and whose signature was verified. Disclosures add up.
    pub fn hold(&mut self, index: u64, statement: &Statement) {
        let leaf = statement.leaf();
        let reference = Reference {
            origin: leaf.log.origin.clone(),
            index,
            leaf: leaf.hash(),
        };
        if leaf.control().is_some() {
            Arc::make_mut(&mut self.participants).hold(&reference, leaf);
        }
        let merged = match self.said.remove(&reference) {
            Some(before) => merge(&before.statement, statement),
            None => statement.clone(),
        };
        self.hold_read(Arc::new(Said::new(reference, merged)));
    }

    /// The participants.
    #[must_use]
    pub fn participants(&self) -> &Participants {
        &self.participants
    }

    /// One statement.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<&Said> {
        self.said.get(reference).map(AsRef::as_ref)
    }

    /// All of them, by log and index.
    pub fn iter(&self) -> impl Iterator<Item = &Said> {
        self.said.values().map(AsRef::as_ref)
    }

    /// What is held about `object`, by log and index.
    pub fn about<'s>(&'s self, object: &Reference) -> impl Iterator<Item = &'s Said> {
        self.about
            .get(object)
            .into_iter()
            .flatten()
            .filter_map(|reference| self.get(reference))
    }

    /// What the author of `object` says about it that may change it, by index.
    fn changing<'s>(&'s self, object: &Reference, by: &Origin) -> impl Iterator<Item = &'s Said> {
        let all = self.changing.get(object).into_iter().flatten();
        let own = all.filter(move |reference| reference.origin == *by);
        own.filter_map(|reference| self.get(reference))
    }

    /// The standing of every statement.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<Reference, Standing> {
        self.iter()
            .map(|said| (said.reference.clone(), self.standing(said)))
            .collect()
    }

    /// The standing of one statement.
    #[must_use]
    pub fn standing(&self, said: &Said) -> Standing {
        self.in_itself(said)
            .err()
            .or_else(|| self.undone(said).err())
            .unwrap_or(Standing::Effective)
    }

    /// By its key, form and office, and by what it is about.
    fn in_itself(&self, said: &Said) -> Result<(), Standing> {
        let participant = self.participants.of(&said.reference.origin);
        let participant = participant.ok_or_else(|| {
            Standing::Undetermined("the declaration of its participant is not held".into())
        })?;
        let (leaf, index) = (said.statement.leaf(), said.reference.index);
        participant
            .judge(leaf, index)
            .map_err(|why| Standing::Ineffective(why.to_string()))?;
        let erased = self.erased(&said.reference);
        let reread = (!erased.is_empty())
            .then(|| body_of(&said.statement, &erased))
            .flatten();
        let body = match reread.as_ref().or(said.body.as_ref()) {
            None => return Err(Standing::Sealed),
            Some(Err(BodyError::Withheld(group))) => {
                let word = if erased.contains(*group) {
                    "erased"
                } else {
                    "not disclosed here"
                };
                return Err(Standing::Undetermined(format!("group {group} is {word}")));
            }
            Some(Err(error)) => return Err(Standing::Ineffective(error.to_string())),
            Some(Ok(body)) => body,
        };
        let name = body.name().ok_or(Standing::UnknownKind)?;
        let Some(head) = said.head() else {
            return Ok(());
        }; // a control statement: its key was judged
        office(participant, said, body, name)?;
        self.target(said, body, head, name)
    }

    /// Whether any statement is held that stands where `reference` names one.
    fn stands_at(&self, reference: &Reference) -> bool {
        let at = |leaf| Reference {
            leaf: Hash(leaf),
            ..reference.clone()
        };
        self.said
            .range(at([0; 32])..=at([255; 32]))
            .next()
            .is_some()
    }

    /// What it is about is there, whose it must be, and of the right kind.
    fn target(&self, said: &Said, body: &Body, head: &Head, name: Name) -> Result<(), Standing> {
        about_rule(&said.reference.origin, body, head, name).map_err(Standing::Ineffective)?;
        readers_rule(body, head)
            .map_err(|(group, why)| Standing::Ineffective(format!("group {group} {why}")))?;
        for (reference, needed) in head.about.iter().zip(name.about().kinds()) {
            let Some(target) = self.said.get(reference) else {
                let other = self.stands_at(reference);
                let reason = "another statement stands there than the one it names";
                return Err(if other {
                    Standing::Ineffective(reason.into())
                } else {
                    Standing::Waiting(reference.clone())
                });
            };
            let Some(needed) = needed else { continue };
            match target.body.as_ref() {
                None => return Err(Standing::Undetermined("what it is about is sealed".into())),
                Some(Err(BodyError::Withheld(_))) => {
                    return Err(Standing::Undetermined(
                        "what it is about is not disclosed here".into(),
                    ));
                }
                Some(Ok(body)) if body.name().is_some_and(|name| needed.contains(&name)) => {}
                Some(_) => {
                    return Err(Standing::Ineffective(format!(
                        "it is about something else than {} needs",
                        name.as_str()
                    )));
                }
            }
        }
        self.special(said, body, head)
    }

    /// Rules that read what it is about.
    fn special(&self, said: &Said, body: &Body, head: &Head) -> Result<(), Standing> {
        let target = head.about.first().and_then(|about| self.get(about));
        let ineffective = |holds: bool, reason: &str| {
            if holds {
                Ok(())
            } else {
                Err(Standing::Ineffective(reason.into()))
            }
        };
        match (body, target.and_then(Said::known)) {
            (Body::InstrumentAccept(accept), Some(Body::InstrumentTable(table))) => {
                ineffective(
                    accept.text_sha256 == table.text_sha256,
                    "it accepts another text than the one that was tabled",
                )?;
                ineffective(
                    head.at_utc <= table.accept_by.utc(),
                    "it came after the time for acceptance",
                )
            }
            (Body::AreaDesignate(area), _) => self.of_area(said, area, target),
            (Body::ShiftAccept(_), Some(Body::ShiftHandOver(_))) => {
                let other_key = target.is_some_and(|target| target.kid() != said.kid());
                ineffective(
                    other_key,
                    "both sign: whoever takes over signs with another key",
                )
            }
            (
                Body::SiteNotify(_)
                | Body::SiteReview(_)
                | Body::SiteStopSharing(_)
                | Body::SiteWithdraw(_),
                Some(_),
            ) => self.of_site(said, body, target),
            (Body::Correct(correct), Some(target_body)) => {
                let kind = target.and_then(Said::head).map(|head| head.kind.clone());
                let corrected = kind.map(|kind| target_body.corrected(&kind, correct));
                match corrected {
                    Some(Err(error)) => Err(Standing::Ineffective(error.to_string())),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// An area is revised once, and no two outlines of one participant can be subtracted. Whatever stands there counts, also what has
    /// no effect or was retracted: it is known.
    fn of_area(
        &self,
        said: &Said,
        area: &Designate,
        target: Option<&Said>,
    ) -> Result<(), Standing> {
        let (origin, index) = (&said.reference.origin, said.reference.index);
        let revises = |other: &Said| {
            // What was erased is still known by its kind; what has no form is no designation.
            let has_form = matches!(other.body(), Some(Ok(_) | Err(BodyError::Withheld(_))));
            let kind = other.head().and_then(|head| Name::of(&head.kind));
            let first = other.head().and_then(|head| head.about.first());
            has_form
                && kind == Some(Name::AreaDesignate)
                && first == target.map(|target| &target.reference)
        };
        let own =
            |other: &&Said| other.reference.origin == *origin && other.reference.index < index;
        let earlier = target
            .into_iter()
            .flat_map(|target| self.about(&target.reference));
        if earlier.filter(own).any(revises) {
            return Err(Standing::Ineffective(format!(
                "what it revises {}",
                areas::REVISED
            )));
        }
        let outline = Outline::of(&area.polygon);
        let own = self.designated.get(origin).into_iter().flatten();
        for (entry, (earlier, reference)) in own.take_while(|(entry, _)| **entry < index) {
            // What was erased is not known by its words any more, whether or not these are still held here.
            if !earlier.may_stand_beside(&outline) && !self.erased(reference).contains("body") {
                let reason = format!("its outline {} (entry {entry})", areas::TOO_CLOSE);
                return Err(Standing::Ineffective(reason));
            }
        }
        Ok(())
    }

    /// What an owner says of a site names its first notification, and a version names nobody who is not to have it any more.
    fn of_site(&self, said: &Said, body: &Body, target: Option<&Said>) -> Result<(), Standing> {
        let Some(first) = target else { return Ok(()) };
        let own = |about: &&Reference| about.origin == said.reference.origin;
        let earlier = first.head().and_then(|head| head.about.first()).filter(own);
        if earlier.is_some() {
            return Err(Standing::Ineffective(FIRST_NOTIFICATION.into()));
        }
        let Body::SiteNotify(version) = body else {
            return Ok(());
        };
        let own = self
            .about(&first.reference)
            .filter(|other| other.reference.origin == said.reference.origin);
        let before: Vec<&Said> = [first]
            .into_iter()
            .chain(own)
            .filter(|other| other.reference.index < said.reference.index)
            .collect();
        let mut sharing = Sharing::default();
        for other in before {
            match other.known() {
                // What was erased names nobody, whether or not its words are still held here.
                Some(Body::SiteNotify(earlier))
                    if !self.erased(&other.reference).contains("body") =>
                {
                    sharing.version(earlier);
                }
                Some(Body::SiteStopSharing(_)) if self.in_itself(other).is_ok() => sharing.stop(),
                Some(Body::SiteWithdraw(withdraw)) if self.in_itself(other).is_ok() => {
                    sharing.withdraw(withdraw);
                }
                _ => {}
            }
        }
        sharing
            .may_name(&version.body)
            .map_err(Standing::Ineffective)
    }

    /// Own later statements that take it back.
    fn undone(&self, said: &Said) -> Result<(), Standing> {
        let by = &said.reference.origin;
        for other in self.changing(&said.reference, by) {
            if matches!(other.known(), Some(Body::Retract(_))) && self.in_itself(other).is_ok() {
                return Err(Standing::Ineffective(format!(
                    "retracted by entry {}",
                    other.reference.index
                )));
            }
        }
        let Some(response) = said.known().and_then(withdrawable) else {
            return Ok(());
        };
        let object = said.head().and_then(|head| head.about.first());
        let later = object
            .into_iter()
            .flat_map(|object| self.changing(object, by));
        for other in later.filter(|other| other.reference.index > said.reference.index) {
            if matches!(other.known(), Some(Body::Withdraw(w)) if w.response == response)
                && self.in_itself(other).is_ok()
            {
                return Err(Standing::Ineffective(format!(
                    "withdrawn by entry {}",
                    other.reference.index
                )));
            }
        }
        Ok(())
    }

    /// The groups of a statement that its author had erased.
    #[must_use]
    pub fn erased(&self, reference: &Reference) -> BTreeSet<String> {
        let own = self.changing(reference, &reference.origin);
        own.filter(|other| {
            matches!(other.known(), Some(Body::Erase(_))) && self.in_itself(other).is_ok()
        })
        .filter_map(|other| match other.known() {
            Some(Body::Erase(erase)) => Some(erase.groups.iter().map(ToString::to_string)),
            _ => None,
        })
        .flatten()
        .collect()
    }

    /// The statements that take effect, by log and index, with what they say after corrections.
    #[must_use]
    pub fn effective(&self, directory: &Directory) -> Vec<Effective<'_>> {
        self.those(directory, |said| self.standing(said) == Standing::Effective)
    }

    /// The same, with those that their authors took back later: they still show that something had arrived.
    #[must_use]
    pub fn heard(&self, directory: &Directory) -> Vec<Effective<'_>> {
        self.those(directory, |said| self.in_itself(said).is_ok())
    }

    fn those<'s>(
        &'s self,
        directory: &Directory,
        count: impl Fn(&Said) -> bool,
    ) -> Vec<Effective<'s>> {
        let counting = self.iter().filter(|said| count(said));
        let effective = counting.filter_map(|said| {
            let (head, body) = (said.head()?, said.known()?);
            let by = directory.call_sign(&said.reference.origin)?;
            let (body, corrected_by) = self.corrected(said, head, body);
            Some(Effective {
                reference: said.reference.clone(),
                by,
                kid: said.kid(),
                head,
                body,
                corrected_by,
            })
        });
        effective.collect()
    }

    fn corrected<'s>(
        &'s self,
        said: &'s Said,
        head: &Head,
        body: &'s Body,
    ) -> (Cow<'s, Body>, Option<Reference>) {
        let own = self.changing(&said.reference, &said.reference.origin);
        let mut now = (Cow::Borrowed(body), None);
        for other in own.filter(|other| self.standing(other) == Standing::Effective) {
            if let Some(Body::Correct(correct)) = other.known()
                && let Ok(corrected) = now.0.corrected(&head.kind, correct)
            {
                now = (Cow::Owned(corrected), Some(other.reference.clone()));
            }
        }
        now
    }
}

/// One statement with the disclosures of both.
#[must_use]
pub fn merge(before: &Statement, more: &Statement) -> Statement {
    let mut disclosures: Vec<Disclosure> = before.disclosures().cloned().collect();
    disclosures.extend(
        more.disclosures()
            .filter(|d| !before.disclosures().any(|b| b.digest() == d.digest()))
            .cloned(),
    );
    // Both belong to one leaf. Without the head its groups cannot be placed, so one of the two then has it all.
    Statement::assemble(before.leaf().clone(), disclosures).unwrap_or_else(|_| more.clone())
}

fn office(participant: &Participant, said: &Said, body: &Body, name: Name) -> Result<(), Standing> {
    let held = participant.offices().at(said.kid(), said.reference.index);
    if body.is_flash() || held.iter().any(|office| may_say(*office, name)) {
        return Ok(());
    }
    Err(Standing::Ineffective(format!(
        "its key holds no office that may say {}",
        name.as_str()
    )))
}

/// How many things it is about and whose they are: read from the statement alone, so that admission and standing agree.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn about_rule(own: &Origin, body: &Body, head: &Head, name: Name) -> Result<(), String> {
    let first = head.about.first();
    let whose = |reference: &Reference| reference.origin == *own;
    match name.about() {
        About::Nothing if first.is_some() => Err(format!("{} is about nothing", name.as_str())),
        About::Anothers | About::AnothersOf(_) => match first {
            Some(about) if !whose(about) => Ok(()),
            Some(_) => Err(format!(
                "{} is only to what is another's; correct or retract what is your own",
                name.as_str()
            )),
            None => Err(format!("{} names what it is about", name.as_str())),
        },
        About::Own(_) => match first {
            Some(about) if whose(about) => Ok(()),
            Some(_) => Err(format!(
                "{} is only for what is one's own; respond to what is another's",
                name.as_str()
            )),
            None => Err(format!("{} names what it is about", name.as_str())),
        },
        About::MayOwn(_) if first.is_some_and(|about| !whose(about)) => Err(format!(
            "{} continues what is one's own; respond to what is another's",
            name.as_str()
        )),
        About::Either(_) | About::Two(_) | About::Each(_) if first.is_none() => {
            Err(format!("{} names what it is about", name.as_str()))
        }
        About::Two(_) if head.about.len() < 2 => {
            Err(format!("{} is about two statements", name.as_str()))
        }
        _ if head.about.len() > 1 && !matches!(name.about(), About::Two(_)) && body.is_change() => {
            Err(format!("{} is about one statement", name.as_str()))
        }
        _ => Ok(()),
    }
}

/// Whether a statement of this kind may change what its author said before.
fn changes(kind: &Kind) -> bool {
    kind.version == 1 && ["correct", "retract", "erase", "withdraw"].contains(&kind.name.as_str())
}

fn withdrawable(body: &Body) -> Option<Withdrawn> {
    Some(match body {
        Body::Answer(_) => Withdrawn::Answer,
        Body::Refuse(_) => Withdrawn::Refuse,
        Body::Acknowledge(_) => Withdrawn::Acknowledge,
        Body::ReadBack(_) => Withdrawn::ReadBack,
        Body::PassDown(_) => Withdrawn::PassDown,
        Body::AreaRespond(_) => Withdrawn::AreaRespond,
        _ => return None,
    })
}
