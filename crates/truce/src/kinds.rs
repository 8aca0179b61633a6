//! The kinds of statement: of each its body, its JSON Schema, which office may say it, and what it is about.
//!
//! A kind's version is frozen: what `message.send/1` accepts and means never changes, and vectors in `vectors/` hold it. Kinds
//! that are not known here, or reserved for later, are kept and shown.

use crate::changes::{Correct, Person};
use crate::participants::Office;
use crate::protection::LEGAL;
use crate::wire::{BodyError, Place, Wire, members, object_schema};
use crate::{
    agreement, areas, changes, claims, contact, incidents, movements, participants, presence,
    responses, sites, toll,
};
use record::statement::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The groups of a statement whose kind has one body: that, and who said it for the own side.
struct Plain<T>(T);

impl<T: Wire> Plain<T> {
    fn read(contents: &Value) -> Result<T, BodyError> {
        let groups = members(contents, &Place::Top, &["body", "person"])?;
        if let Some(person) = groups.get("person") {
            Person::read(person, &Place::Member(&Place::Top, "person"))?;
        }
        let body = groups.get("body").ok_or(BodyError::Withheld("body"))?;
        T::read(body, &Place::Member(&Place::Top, "body"))
    }

    fn groups(body: &T) -> Value {
        json!({"body": body.write()})
    }

    fn schema() -> Value {
        let groups = vec![
            ("body", "What it says.", T::schema(), true),
            (
                "person",
                "Who said it, for the own side alone.",
                Person::schema(),
                false,
            ),
        ];
        let mut schema = object_schema("The groups.", groups);
        schema["properties"]["body"]["description"] = T::schema()["description"].clone();
        schema
    }
}

/// The groups of a statement whose kind has several.
struct Grouped<T>(T);

impl<T: Wire> Grouped<T> {
    fn read(contents: &Value) -> Result<T, BodyError> {
        match contents.get("body") {
            None => Err(BodyError::Withheld("body")),
            Some(_) => T::read(contents, &Place::Top),
        }
    }

    fn groups(body: &T) -> Value {
        body.write()
    }

    fn schema() -> Value {
        T::schema()
    }
}

macro_rules! kinds {
    ($($variant:ident = $name:literal, $groups:ident<$type:ty>, $about:expr, $offices:expr;)+) => {
        /// A kind that is known here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Name { $(#[doc = concat!("`", $name, "`")] $variant,)+ }

        impl Name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Such as `message.send`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What statements of this kind are about.
            #[must_use]
            pub fn about(self) -> About {
                match self { $(Self::$variant => $about),+ }
            }

            /// The offices that may say it; nobody's is decided by an office when this is empty.
            #[must_use]
            pub fn offices(self) -> &'static [Office] {
                match self { $(Self::$variant => $offices),+ }
            }

            /// The JSON Schema of version 1: an object of the statement's groups.
            #[must_use]
            pub fn schema(self) -> Value {
                let mut schema = match self { $(Self::$variant => $groups::<$type>::schema()),+ };
                schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
                schema["title"] = format!("{}/1", self.as_str()).into();
                if let Some(legal) = self.legal() {
                    let description = schema["description"].as_str().unwrap_or_default();
                    schema["description"] = format!("{description} {legal}").into();
                }
                schema
            }

            /// What stands on every form and every copy of such a statement: what a notice never does, and what a withdrawal cannot
            /// do. `None` of kinds that are not about sites, exposures and movements.
            #[must_use]
            pub fn legal(self) -> Option<&'static str> {
                let (capability, _) = self.as_str().split_once('.')?;
                let is = matches!(capability, "site" | "exposure" | "movement");
                is.then_some(&**LEGAL)
            }

            fn read(self, contents: &Value) -> Result<Body, BodyError> {
                match self { $(Self::$variant => $groups::<$type>::read(contents).map(Body::$variant)),+ }
            }
        }

        /// What a statement says.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "bodies are held once each, behind their statement")]
        pub enum Body {
            $(#[doc = concat!("`", $name, "/1`")] $variant($type),)+
            /// A kind, or a version of one, that is not known here: kept and shown.
            Unknown,
        }

        impl Body {
            /// Its kind's name.
            #[must_use]
            pub fn name(&self) -> Option<Name> {
                match self { $(Self::$variant(_) => Some(Name::$variant),)+ Self::Unknown => None }
            }

            /// The body written again, as its author could have.
            #[must_use]
            pub fn write(&self) -> Value {
                match self { $(Self::$variant(body) => body.write(),)+ Self::Unknown => Value::Null }
            }

            /// The groups of its statement written again; who said it for the own side is not among them, where the kind has one
            /// body.
            #[must_use]
            pub fn groups(&self) -> Value {
                match self { $(Self::$variant(body) => $groups::<$type>::groups(body),)+ Self::Unknown => Value::Null }
            }
        }
    };
}

/// Whose statements, and of which kinds, a statement is about: its first reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// It is about no statement.
    Nothing,
    /// It may be about anything.
    Free,
    /// Any statement of another.
    Anothers,
    /// Another's, of these kinds.
    AnothersOf(&'static [Name]),
    /// One's own, of these kinds; any, when there are none.
    Own(&'static [Name]),
    /// One's own of these kinds, or nothing.
    MayOwn(&'static [Name]),
    /// Anybody's, of these kinds, or nothing.
    MayAny(&'static [Name]),
    /// Anybody's, of these kinds.
    Either(&'static [Name]),
    /// Two, both of these kinds.
    Two(&'static [Name]),
    /// One or more, anybody's, meant to be of these kinds. Whether they are is not looked at: it takes effect for whoever reads it,
    /// also where he reads nothing of what it names.
    Each(&'static [Name]),
}

impl About {
    /// Of each reference that has to be there, which kinds it may be of; `None` for any.
    #[must_use]
    pub fn kinds(self) -> Vec<Option<&'static [Name]>> {
        match self {
            Self::Nothing | Self::Free | Self::Each(_) => vec![],
            Self::Anothers | Self::Own([]) => vec![None],
            Self::AnothersOf(kinds)
            | Self::Own(kinds)
            | Self::MayOwn(kinds)
            | Self::MayAny(kinds)
            | Self::Either(kinds) => {
                vec![Some(kinds)]
            }
            Self::Two(kinds) => vec![Some(kinds), Some(kinds)],
        }
    }
}

use About::{Anothers, AnothersOf, Each, Either, Free, MayAny, MayOwn, Nothing, Own, Two};
use Office::{
    Administrator, Auditor, DoNoHarmOfficer, DutyOfficer, FieldMonitor, HeadOfMission,
    NotificationOfficer, VerificationAnalyst,
};

const KEYS: &[Office] = &[];
const EVERY: &[Office] = Office::ALL;
const WATCH: &[Office] = &[DutyOfficer, NotificationOfficer, HeadOfMission];
const PEOPLE: &[Office] = &[
    DutyOfficer,
    FieldMonitor,
    VerificationAnalyst,
    DoNoHarmOfficer,
    NotificationOfficer,
    HeadOfMission,
];
const REMARKS: &[Office] = &[
    DutyOfficer,
    FieldMonitor,
    VerificationAnalyst,
    DoNoHarmOfficer,
    NotificationOfficer,
    HeadOfMission,
    Auditor,
];
const HEAD: &[Office] = &[HeadOfMission];
const DESK: &[Office] = &[DutyOfficer, HeadOfMission];
const LINES: &[Office] = &[DutyOfficer, Administrator];
const SENDERS: &[Office] = &[
    DutyOfficer,
    FieldMonitor,
    NotificationOfficer,
    HeadOfMission,
];
const ANALYSTS: &[Office] = &[VerificationAnalyst, DutyOfficer];
const OBSERVERS: &[Office] = &[FieldMonitor, DutyOfficer, VerificationAnalyst];
const ERASERS: &[Office] = &[DoNoHarmOfficer, HeadOfMission, Administrator];
const DESTROYERS: &[Office] = &[DoNoHarmOfficer, HeadOfMission, Administrator, DutyOfficer];

/// Who notifies.
const NOTIFIERS: &[Office] = &[NotificationOfficer, HeadOfMission];
/// The cell that checks what was notified.
const CELL: &[Office] = &[NotificationOfficer, VerificationAnalyst, HeadOfMission];
/// Who follows a movement.
const RADIO_ROOM: &[Office] = &[
    DutyOfficer,
    FieldMonitor,
    NotificationOfficer,
    HeadOfMission,
];
const SITE: &[Name] = &[Name::SiteNotify];
const MOVEMENT: &[Name] = &[Name::MovementNotify];

/// What may be corrected: what tells facts. What binds is changed by its own kinds.
const CORRECTABLE: &[Name] = &[
    Name::MessageSend,
    Name::ReportFile,
    Name::ClaimRecord,
    Name::TallyRecord,
    Name::TollRecord,
    Name::SeparationAsk,
    Name::FormationPresence,
    Name::LineTest,
    Name::LineFault,
    Name::Comment,
    Name::ExposureDeclare,
];
/// What may be retracted. An acceptance is left, a response withdrawn, a watch handed over: none of them is retracted.
const RETRACTABLE: &[Name] = &[
    Name::MessageSend,
    Name::ReportFile,
    Name::ClaimRecord,
    Name::ClaimRelate,
    Name::TallyRecord,
    Name::TollRecord,
    Name::SeparationAsk,
    Name::AreaDesignate,
    Name::LineTest,
    Name::LineFault,
    Name::Comment,
    Name::MessageRegrade,
    Name::MessageEscalate,
    Name::FormationJoin,
    Name::FormationPresence,
    Name::SiteValidate,
    Name::SiteReturn,
    Name::SiteReview,
    Name::SiteContest,
    Name::ExposureDeclare,
];

kinds! {
    ParticipantDeclare = "participant.declare", Plain<participants::Declare>, Nothing, KEYS;
    KeyGrant = "key.grant", Plain<participants::KeyGrant>, Nothing, KEYS;
    KeyRevoke = "key.revoke", Plain<participants::KeyRevoke>, Nothing, KEYS;
    KeyCompromise = "key.compromise", Plain<participants::KeyCompromise>, Nothing, KEYS;
    OfficeGrant = "office.grant", Plain<participants::OfficeGrant>, Nothing, KEYS;
    OfficeRevoke = "office.revoke", Plain<participants::OfficeRevoke>, Nothing, KEYS;
    Receipt = "receipt", Plain<responses::Receipt>, Anothers, EVERY;
    Acknowledge = "acknowledge", Plain<responses::Acknowledge>, Anothers, PEOPLE;
    ReadBack = "read_back", Plain<responses::ReadBack>, Anothers, PEOPLE;
    PassDown = "pass_down", Plain<responses::PassDown>, Anothers, PEOPLE;
    Hold = "hold", Plain<responses::Hold>, Anothers, WATCH;
    Answer = "answer", Plain<responses::Answer>, Anothers, WATCH;
    Refuse = "refuse", Plain<responses::Refuse>, Anothers, WATCH;
    Withdraw = "withdraw", Plain<responses::Withdraw>, Anothers, WATCH;
    Comment = "comment", Plain<responses::Comment>, Anothers, REMARKS;
    InstrumentTable = "instrument.table", Plain<Box<agreement::Table>>, MayAny(&[Name::InstrumentTable]), HEAD;
    InstrumentAccept = "instrument.accept", Plain<agreement::Accept>, AnothersOf(&[Name::InstrumentTable]), HEAD;
    InstrumentLeave = "instrument.leave", Plain<agreement::Leave>, Either(&[Name::InstrumentTable]), HEAD;
    FormationJoin = "formation.join", Plain<agreement::Join>, Either(&[Name::InstrumentTable]), HEAD;
    FormationPresence = "formation.presence", Plain<presence::Presence>, Nothing, DESK;
    AreaDesignate = "area.designate", Plain<areas::Designate>, MayOwn(&[Name::AreaDesignate]), DESK;
    AreaRespond = "area.respond", Plain<areas::Respond>, AnothersOf(&[Name::AreaDesignate]), DESK;
    SeparationAsk = "separation.ask", Plain<areas::SeparationAsk>, Nothing, DESK;
    LineTest = "line.test", Plain<contact::LineTest>, Nothing, LINES;
    LineFault = "line.fault", Plain<contact::LineFault>, Nothing, LINES;
    MessageSend = "message.send", Plain<contact::Message>, MayOwn(&[Name::MessageSend]), SENDERS;
    MessageRegrade = "message.regrade", Plain<contact::Regrade>, AnothersOf(&[Name::MessageSend]), WATCH;
    MessageEscalate = "message.escalate", Plain<contact::Escalate>, Either(&[Name::MessageSend]), SENDERS;
    ShiftOpen = "shift.open", Plain<contact::ShiftOpen>, Nothing, DESK;
    ShiftHandOver = "shift.hand_over", Plain<contact::ShiftHandOver>, Own(&[Name::ShiftOpen, Name::ShiftAccept]), DESK;
    ShiftAccept = "shift.accept", Plain<contact::ShiftAccept>, Own(&[Name::ShiftHandOver]), DESK;
    ShiftUnrelieved = "shift.unrelieved", Plain<contact::ShiftUnrelieved>, Own(&[Name::ShiftOpen, Name::ShiftAccept]), DESK;
    SiteNotify = "site.notify", Grouped<Box<sites::SiteNotify>>, MayOwn(SITE), NOTIFIERS;
    SiteValidate = "site.validate", Plain<sites::Validate>, AnothersOf(SITE), CELL;
    SiteReturn = "site.return", Plain<sites::Return>, AnothersOf(SITE), CELL;
    SiteReview = "site.review", Plain<sites::Review>, Own(SITE), NOTIFIERS;
    SiteStopSharing = "site.stop_sharing", Plain<sites::StopSharing>, Own(SITE), PEOPLE;
    SiteWithdraw = "site.withdraw", Plain<sites::Withdraw>, Own(SITE), PEOPLE;
    SiteDeletionAttest = "site.deletion_attest", Plain<sites::DeletionAttest>, AnothersOf(&[Name::SiteNotify, Name::SiteWithdraw]), DESTROYERS;
    SiteContest = "site.contest", Plain<sites::Contest>, AnothersOf(SITE), WATCH;
    ExposureDeclare = "exposure.declare", Plain<sites::ExposureDeclare>, Each(SITE), EVERY;
    MovementNotify = "movement.notify", Grouped<Box<movements::MovementNotice>>, Nothing, RADIO_ROOM;
    MovementRevise = "movement.revise", Grouped<Box<movements::MovementNotice>>, Own(MOVEMENT), RADIO_ROOM;
    MovementDepart = "movement.depart", Plain<movements::Depart>, Own(MOVEMENT), RADIO_ROOM;
    MovementCheckIn = "movement.check_in", Grouped<movements::CheckIn>, Own(MOVEMENT), RADIO_ROOM;
    MovementHold = "movement.hold", Plain<movements::HoldUp>, Own(MOVEMENT), RADIO_ROOM;
    MovementDenied = "movement.denied", Plain<movements::Denied>, Own(MOVEMENT), RADIO_ROOM;
    MovementDivert = "movement.divert", Plain<movements::Divert>, Own(MOVEMENT), RADIO_ROOM;
    MovementResume = "movement.resume", Plain<movements::Resume>, Own(MOVEMENT), RADIO_ROOM;
    MovementTurnBack = "movement.turn_back", Plain<movements::TurnBack>, Own(MOVEMENT), RADIO_ROOM;
    MovementArrive = "movement.arrive", Plain<movements::Arrive>, Own(MOVEMENT), RADIO_ROOM;
    MovementClose = "movement.close", Plain<movements::Close>, Own(MOVEMENT), RADIO_ROOM;
    MovementAbort = "movement.abort", Plain<movements::Abort>, Own(MOVEMENT), RADIO_ROOM;
    ReportFile = "report.file", Grouped<Box<incidents::ReportFile>>, Free, OBSERVERS;
    ClaimRecord = "claim.record", Plain<claims::Claim>, Free, ANALYSTS;
    ClaimRelate = "claim.relate", Plain<claims::Relate>, Two(&[Name::ClaimRecord]), ANALYSTS;
    TallyRecord = "tally.record", Plain<claims::Tally>, Free, ANALYSTS;
    TollRecord = "toll.record", Plain<toll::Toll>, Free, ANALYSTS;
    Correct = "correct", Grouped<changes::Correct>, Own(CORRECTABLE), PEOPLE;
    Retract = "retract", Plain<changes::Retract>, Own(RETRACTABLE), PEOPLE;
    Erase = "erase", Plain<changes::Erase>, Own(&[]), ERASERS;
    EraseDone = "erase.done", Plain<changes::EraseDone>, AnothersOf(&[Name::Erase]), DESTROYERS;
    HeadSeen = "head.seen", Plain<changes::HeadSeen>, Nothing, EVERY;
}

/// Names that later capabilities will define. Until then their statements are kept and shown, and not said here.
pub const RESERVED: &[&str] = &[
    "incident.open",
    "incident.link",
    "incident.unlink",
    "incident.verify",
    "incident.attribute",
    "incident.assess",
    "incident.publish",
    "incident.withhold",
    "custody.change",
    "access.restrict",
    "effort.log",
];

/// Reads what a statement says from the groups that are held of it.
///
/// # Errors
/// [`BodyError`] names the place; [`BodyError::Withheld`] when the group that decides is not there.
pub fn parse(kind: &Kind, contents: &BTreeMap<String, Value>) -> Result<Body, BodyError> {
    let Some(name) = Name::of(kind) else {
        return Ok(Body::Unknown);
    };
    let contents: Map<String, Value> = contents
        .iter()
        .map(|(group, value)| (group.clone(), value.clone()))
        .collect();
    name.read(&Value::Object(contents))
}

impl Name {
    /// The kind, when it is known here in this version.
    #[must_use]
    pub fn of(kind: &Kind) -> Option<Self> {
        let known = Self::ALL.iter().copied();
        known
            .filter(|_| kind.version == 1)
            .find(|name| name.as_str() == kind.name)
    }
}

/// Whether an office may say a kind. The rule never sees whose office it is.
#[must_use]
pub fn may_say(office: Office, kind: Name) -> bool {
    kind.offices().contains(&office)
}

impl Body {
    /// Whether lives are at risk now: nothing holds this up.
    #[must_use]
    pub fn is_flash(&self) -> bool {
        matches!(self, Self::MessageSend(message) if message.precedence == agreement::Precedence::Flash)
    }

    /// Whether it changes what is one's own.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Correct(_) | Self::Retract(_) | Self::Erase(_))
    }

    /// What a statement of `kind` with this body says after `correct`.
    ///
    /// # Errors
    /// [`BodyError`] when what is corrected does not fit the kind.
    pub fn corrected(&self, kind: &Kind, correct: &Correct) -> Result<Self, BodyError> {
        let mut groups = self.groups();
        let parts = [
            ("body", &correct.corrected),
            ("exact", &correct.corrected_exact),
            ("narrative", &correct.corrected_narrative),
        ];
        for (group, corrected) in parts {
            if let Some(corrected) = corrected {
                groups[group] = Value::Object(corrected.clone());
            }
        }
        let contents = groups
            .as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .collect();
        parse(kind, &contents)
    }
}
