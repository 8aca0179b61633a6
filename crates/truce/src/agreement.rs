//! Agreement as data: instruments that are tabled, accepted by each party for itself, and in force by the rule that their own
//! text names. What belongs to several is never stored: it is computed from what each of them said.

use crate::Body;
use crate::areas::{Agreed, Area};
use crate::protection::ProtectionClocks;
use crate::responses::{Hold, Refuse};
use crate::standing::{Directory, Effective};
use crate::values::{
    Count, Label, Language, List, Polygon, Position, Seconds, Slug, Time, Version, Words,
};
use crate::wire::{Broken, body, rule, words};
use record::encoding::Hash;
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What the instrument calls itself; it is stored and never inferred.
    Formality {
        /// Cessation of hostilities.
        CessationOfHostilities = "cessation_of_hostilities",
        /// Ceasefire.
        Ceasefire = "ceasefire",
        /// Truce.
        Truce = "truce",
        /// Humanitarian pause.
        HumanitarianPause = "humanitarian_pause",
        /// Rules of a joint procedure, such as monitoring rules.
        JointProcedure = "joint_procedure",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// What a participant is to the instrument.
    Role {
        /// It is bound by it.
        Party = "party",
        /// It answers for a side.
        Guarantor = "guarantor",
        /// It monitors.
        Mission = "mission",
        /// It gives humanitarian help.
        Humanitarian = "humanitarian",
        /// It watches.
        Observer = "observer",
    }
}

words! {
    /// How urgent a message is. What the parties call it, and its clock, stand in the instrument.
    Precedence {
        /// Lives are at risk now.
        Flash = "FLASH",
        /// Within the half hour.
        Immediate = "IMMEDIATE",
        /// Within the watch.
        Priority = "PRIORITY",
        /// Within the day.
        Routine = "ROUTINE",
    }
}

body! {
    /// Of one precedence: what the parties call it, and what they owe each other.
    Clock {
        /// Which.
        precedence: Precedence,
        /// What the parties call it.
        label: Option<Label>,
        /// An answer is owed so long after delivery.
        answer_within_s: Seconds,
        /// It is read back.
        read_back: bool,
        /// The recipient passes it down and says so, as does whoever has it below.
        pass_down: bool,
    }
}

impl Clock {
    /// The clock of a precedence for which an instrument names none: FLASH is answered in 5 minutes and read back on the call,
    /// IMMEDIATE in 30 minutes, PRIORITY in 6 hours, ROUTINE in 24.
    #[must_use]
    pub fn default_of(precedence: Precedence) -> Self {
        let (seconds, read_back) = match precedence {
            Precedence::Flash => (5 * 60, true),
            Precedence::Immediate => (30 * 60, false),
            Precedence::Priority => (6 * 3600, false),
            Precedence::Routine => (24 * 3600, false),
        };
        Self {
            precedence,
            label: None,
            answer_within_s: Seconds::new(seconds).expect("between a second and a year"),
            read_back,
            pass_down: precedence == Precedence::Flash,
        }
    }
}

body! {
    /// A provision of the text. A restricted one shows its hash and not its words.
    Provision {
        /// Its short name: `art-2`.
        id: Slug,
        /// Its title.
        title: Label,
        /// SHA-256 of its text.
        text_sha256: Hash,
        /// The text, when it is public.
        text: Option<Words>,
    }
}

body! {
    /// Who takes part under which call sign: binds the call sign to a log.
    Member {
        /// Call sign on the line.
        call_sign: CallSign,
        /// Its log.
        origin: Origin,
        /// What it is to the instrument.
        role: Role,
        /// Names under which reports of others know it.
        also_known_as: List<Label, 0, 16>,
    }
}

body! {
    /// A group that the instrument does not cover.
    ExcludedGroup {
        /// Short name.
        id: Slug,
        /// Name.
        name: Label,
        /// Names under which reports of others know it, also later ones.
        also_known_as: List<Label, 0, 16>,
        /// The provision that excludes it.
        provision: Slug,
    }
}

body! {
    /// Where the instrument applies.
    Territory {
        /// The provision that says so.
        provision: Slug,
        /// The areas.
        polygons: List<Polygon, 1, 16>,
    }
}

body! {
    /// When a line is tested.
    LineTests {
        /// The first test.
        first: Time,
        /// Seconds from one test to the next.
        every_s: Seconds,
        /// Seconds in which each end says what it heard.
        within_s: Seconds,
    }
    sense: tests_do_not_overlap;
}

fn tests_do_not_overlap(tests: &LineTests) -> Result<(), Broken> {
    rule(
        tests.within_s <= tests.every_s,
        "within_s",
        "is at most every_s",
    )
}

body! {
    /// A line between two participants, with its means in the order in which they are tried.
    Line {
        /// Short name.
        id: Slug,
        /// One end.
        a: CallSign,
        /// The other end.
        b: CallSign,
        /// First means.
        primary: Label,
        /// When that fails.
        alternate: Option<Label>,
        /// When that fails too.
        contingency: Option<Label>,
        /// When nothing else is left.
        emergency: Option<Label>,
        /// When it is tested.
        tests: Option<LineTests>,
    }
    sense: two_ends;
}

fn two_ends(line: &Line) -> Result<(), Broken> {
    rule(line.a != line.b, "b", "is another participant than a")
}

body! {
    /// `instrument.table/1`: a text is put to the parties. To amend an instrument, table the next version about it.
    ///
    /// ```json
    /// {"name": "Cessation of hostilities", "formality": "cessation_of_hostilities", "version": 1,
    ///  "text_sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "text_public": true,
    ///  "needed": ["RU", "US"], "accept_by": "2016-02-26T12:00:00+02:00", "in_force_from": "2016-02-27T00:00:00+02:00",
    ///  "provisions": [{"id": "art-1", "title": "Territory", "text_sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}],
    ///  "territory": {"provision": "art-1", "polygons": [[{"lat_e7": 320000000, "lon_e7": 350000000},
    ///    {"lat_e7": 380000000, "lon_e7": 350000000}, {"lat_e7": 380000000, "lon_e7": 430000000}]]},
    ///  "participants": [{"call_sign": "RU", "origin": "truce.example/ru", "role": "guarantor"},
    ///    {"call_sign": "US", "origin": "truce.example/us", "role": "guarantor"}]}
    /// ```
    Table {
        /// Name.
        name: Label,
        /// What it calls itself.
        formality: Formality,
        /// Version, from 1.
        version: Version,
        /// SHA-256 of the whole text.
        text_sha256: Hash,
        /// Whether the whole text is public. If not, its hash is.
        text_public: bool,
        /// Without each of these it is not in force.
        needed: List<CallSign, 1, 64>,
        /// Others who are asked to accept.
        invited: List<CallSign, 0, 64>,
        /// How many of all must have accepted; left out, the needed are enough.
        accepted_min: Option<Count>,
        /// Until when it can be accepted.
        accept_by: Time,
        /// From when it binds, once it is accepted.
        in_force_from: Time,
        /// Until when it binds.
        ends_at: Option<Time>,
        /// Its provisions.
        provisions: List<Provision, 1, 128>,
        /// Where it applies; left out, everywhere.
        territory: Option<Territory>,
        /// Who takes part, by call sign and log.
        participants: List<Member, 2, 64>,
        /// Participants whose sight of a head starts a clock when the recipient gives no receipt.
        neutrals: List<CallSign, 0, 16>,
        /// Who must be told at once when lives are at risk.
        flash_recipients: List<CallSign, 0, 64>,
        /// Groups that it does not cover.
        excluded: List<ExcludedGroup, 0, 16>,
        /// The lines.
        lines: List<Line, 0, 32>,
        /// What is owed by precedence; those left out have the defaults.
        clocks: List<Clock, 0, 4>,
        /// Seconds in which a designated area is answered; left out, as ROUTINE.
        area_answer_within_s: Option<Seconds>,
        /// What is owed about sites and movements.
        protection: Option<ProtectionClocks>,
        /// SHA-256 of the rules for counting.
        counting_sha256: Option<Hash>,
        /// SHA-256 of the rubric by which incidents are assessed.
        rubric_sha256: Option<Hash>,
    }
    sense: table_holds_together;
}

fn table_holds_together(table: &Table) -> Result<(), Broken> {
    let known: BTreeSet<&CallSign> = table.participants.iter().map(|m| &m.call_sign).collect();
    let all_known = |names: &[CallSign]| names.iter().all(|name| known.contains(name));
    let origins: BTreeSet<&Origin> = table.participants.iter().map(|m| &m.origin).collect();
    let provisions: BTreeSet<&Slug> = table.provisions.iter().map(|p| &p.id).collect();
    let differ = |count: usize, list: usize, field, what: &str| rule(count == list, field, what);
    rule(
        all_known(&table.needed),
        "needed",
        "names participants alone",
    )?;
    rule(
        all_known(&table.invited),
        "invited",
        "names participants alone",
    )?;
    rule(
        all_known(&table.neutrals),
        "neutrals",
        "names participants alone",
    )?;
    rule(
        all_known(&table.flash_recipients),
        "flash_recipients",
        "names participants alone",
    )?;
    rule(
        !table.invited.iter().any(|i| table.needed.contains(i)),
        "invited",
        "names nobody who is needed",
    )?;
    let bound = |name: &CallSign| table.needed.contains(name) || table.invited.contains(name);
    rule(
        !table.neutrals.iter().any(bound),
        "neutrals",
        "are not bound by the instrument",
    )?;
    differ(
        known.len(),
        table.participants.len(),
        "participants",
        "binds each call sign once",
    )?;
    differ(
        origins.len(),
        table.participants.len(),
        "participants",
        "binds each log once",
    )?;
    differ(
        provisions.len(),
        table.provisions.len(),
        "provisions",
        "has each id once",
    )?;
    let asked = table.needed.len() + table.invited.len();
    let enough = table
        .accepted_min
        .is_none_or(|n| usize::try_from(n.get()).is_ok_and(|n| n <= asked));
    rule(
        enough,
        "accepted_min",
        "is at most the number of those who are asked",
    )?;
    let ends = table
        .ends_at
        .as_ref()
        .is_none_or(|ends| ends.utc() > table.in_force_from.utc());
    rule(ends, "ends_at", "is after in_force_from")?;
    let cited = table
        .territory
        .iter()
        .map(|t| &t.provision)
        .chain(table.excluded.iter().map(|e| &e.provision));
    rule(
        cited.into_iter().all(|id| provisions.contains(id)),
        "provisions",
        "has every provision that is cited",
    )?;
    let excluded: BTreeSet<&Slug> = table.excluded.iter().map(|e| &e.id).collect();
    differ(
        excluded.len(),
        table.excluded.len(),
        "excluded",
        "has each id once",
    )?;
    let lines: BTreeSet<&Slug> = table.lines.iter().map(|l| &l.id).collect();
    differ(lines.len(), table.lines.len(), "lines", "has each id once")?;
    rule(
        table
            .lines
            .iter()
            .all(|l| known.contains(&l.a) && known.contains(&l.b)),
        "lines",
        "join participants alone",
    )?;
    let clocks: BTreeSet<Precedence> = table.clocks.iter().map(|c| c.precedence).collect();
    differ(
        clocks.len(),
        table.clocks.len(),
        "clocks",
        "has each precedence once",
    )
}

body! {
    /// `instrument.accept/1`: we are bound by this text. Whoever tables an instrument has accepted it.
    ///
    /// ```json
    /// {"text_sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    /// ```
    Accept {
        /// SHA-256 of the text that was read. Another text is not accepted.
        text_sha256: Hash,
    }
}

words! {
    /// What a party does with its acceptance.
    Leaving {
        /// It suspends it.
        Suspend = "suspend",
        /// It takes it up again.
        Resume = "resume",
        /// It leaves for good.
        End = "end",
    }
}

body! {
    /// `instrument.leave/1`: a party suspends, resumes or ends its acceptance.
    ///
    /// ```json
    /// {"leaving": "suspend", "from": "2016-09-19T19:00:00+03:00", "reason": "The other side does not keep it"}
    /// ```
    Leave {
        /// What.
        leaving: Leaving,
        /// From when. It never reaches back before it was said.
        from: Time,
        /// Why.
        reason: Words,
    }
}

body! {
    /// `formation.join/1`: a formation takes part, under the log of the participant that says so.
    ///
    /// ```json
    /// {"id": "first-brigade", "name": "First Brigade", "language": "en"}
    /// ```
    Join {
        /// Short name, by which it is asked for.
        id: Slug,
        /// Name, in its own language.
        name: Label,
        /// The language of the name.
        language: Option<Language>,
    }
}

/// One party's acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Where it stands: the acceptance, or the tabling itself.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
}

/// One party's suspension, resumption or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Where it stands.
    pub reference: Reference,
    /// Which.
    pub leaving: Leaving,
    /// From when it counts.
    pub from: UtcMs,
}

/// A formation that joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formation {
    /// Where it stands.
    pub reference: Reference,
    /// Under whose log.
    pub by: CallSign,
    /// What it said.
    pub join: Join,
    /// When.
    pub at: UtcMs,
}

/// An instrument and what each party said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// Where it was tabled.
    pub reference: Reference,
    /// By whom.
    pub by: CallSign,
    /// When.
    pub tabled_at: UtcMs,
    /// Its terms.
    pub table: Table,
    /// The instrument that it amends.
    pub amends: Option<Reference>,
    /// Who accepted in time.
    pub accepted: BTreeMap<CallSign, Acceptance>,
    /// Who refused, with the statement and when it was said.
    pub refused: BTreeMap<CallSign, (Reference, UtcMs)>,
    /// Who suspended, resumed or ended, in the order of what they said.
    pub departures: BTreeMap<CallSign, Vec<Departure>>,
    /// Formations that joined.
    pub formations: Vec<Formation>,
    /// The last holding reply of each.
    pub holds: BTreeMap<CallSign, (Reference, UtcMs)>,
    /// The instrument in force that takes its place, and from when.
    pub amended: Option<(Reference, UtcMs)>,
}

/// What an instrument is at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstrumentState {
    /// It is before the parties, and these have said neither yes nor no.
    Tabled {
        /// Until when they can.
        accept_by: UtcMs,
        /// Who has not spoken.
        silent: Vec<CallSign>,
    },
    /// It was not accepted as its rule asks, and no longer can be.
    Lapsed {
        /// When the time was over.
        at: UtcMs,
    },
    /// It is accepted and begins later.
    Accepted {
        /// When it begins.
        in_force_from: UtcMs,
    },
    /// It binds.
    InForce {
        /// Since when.
        since: UtcMs,
    },
    /// Parties without whom it does not bind have suspended it.
    Suspended {
        /// Since when.
        since: UtcMs,
        /// Who.
        by: Vec<CallSign>,
    },
    /// Another instrument stands in its place.
    Amended {
        /// Which.
        by: Reference,
        /// Since when.
        at: UtcMs,
    },
    /// It is over.
    Ended {
        /// Since when.
        at: UtcMs,
        /// Who ended it; nobody, when its time was over.
        by: Vec<CallSign>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Yes,
    Suspended,
    Left,
    No,
}

impl Instrument {
    fn asked(&self) -> impl Iterator<Item = &CallSign> {
        self.table.needed.iter().chain(self.table.invited.iter())
    }

    fn bound(&self, party: &CallSign, at: UtcMs) -> Bound {
        if self
            .accepted
            .get(party)
            .is_none_or(|accepted| accepted.at > at)
        {
            return Bound::No;
        }
        let said = self
            .departures
            .get(party)
            .into_iter()
            .flatten()
            .filter(|d| d.from <= at);
        said.fold(Bound::Yes, |bound, departure| {
            match (bound, departure.leaving) {
                (Bound::Left, _) | (_, Leaving::End) => Bound::Left,
                (_, Leaving::Suspend) => Bound::Suspended,
                (_, Leaving::Resume) => Bound::Yes,
            }
        })
    }

    /// Whether `party` is bound at `at`, when the instrument is in force then.
    #[must_use]
    pub fn binds(&self, party: &CallSign, at: UtcMs) -> bool {
        self.bound(party, at) == Bound::Yes
    }

    /// Whether the adoption rule is met by those of whom `counts` is true.
    fn adopted_by(&self, counts: impl Fn(&CallSign) -> bool) -> bool {
        let min = self.table.accepted_min.map_or(0, Count::get);
        let count =
            i64::try_from(self.asked().filter(|party| counts(party)).count()).unwrap_or(i64::MAX);
        self.table.needed.iter().all(&counts) && count >= min
    }

    /// When the last acceptance that its rule needs was said.
    #[must_use]
    pub fn adopted_at(&self) -> Option<UtcMs> {
        let mut times: Vec<UtcMs> = self.accepted.values().map(|accepted| accepted.at).collect();
        times.sort_unstable();
        let by = |at: UtcMs| {
            self.adopted_by(|party| self.accepted.get(party).is_some_and(|a| a.at <= at))
        };
        times.into_iter().find(|at| by(*at))
    }

    /// When it begins to bind, if it was adopted.
    #[must_use]
    pub fn begins_at(&self) -> Option<UtcMs> {
        Some(self.adopted_at()?.max(self.table.in_force_from.utc()))
    }

    /// What it is at `now`.
    #[must_use]
    pub fn at(&self, now: UtcMs) -> InstrumentState {
        let Some(begins) = self
            .adopted_at()
            .filter(|at| *at <= now)
            .and_then(|_| self.begins_at())
        else {
            let accept_by = self.table.accept_by.utc();
            if now > accept_by {
                return InstrumentState::Lapsed { at: accept_by };
            }
            let spoken = |party: &&CallSign| {
                self.accepted.get(*party).is_some_and(|a| a.at <= now)
                    || self.refused.get(*party).is_some_and(|(_, at)| *at <= now)
            };
            let silent = self
                .asked()
                .filter(|party| !spoken(party))
                .cloned()
                .collect();
            return InstrumentState::Tabled { accept_by, silent };
        };
        if begins > now {
            return InstrumentState::Accepted {
                in_force_from: begins,
            };
        }
        self.after_its_beginning(begins, now)
    }

    fn after_its_beginning(&self, begins: UtcMs, now: UtcMs) -> InstrumentState {
        let mut ends: Vec<(UtcMs, InstrumentState)> = Vec::new();
        if let Some(at) = self.table.ends_at.as_ref().map(Time::utc) {
            ends.push((at, InstrumentState::Ended { at, by: Vec::new() }));
        }
        if let Some((by, at)) = &self.amended {
            ends.push((
                *at,
                InstrumentState::Amended {
                    by: by.clone(),
                    at: *at,
                },
            ));
        }
        if let Some((at, by)) = self.left() {
            let at = at.max(begins);
            ends.push((at, InstrumentState::Ended { at, by }));
        }
        ends.sort_by_key(|(at, _)| *at);
        if let Some((_, end)) = ends.into_iter().find(|(at, _)| *at <= now) {
            return end;
        }
        if self.adopted_by(|party| self.bound(party, now) == Bound::Yes) {
            return InstrumentState::InForce {
                since: self.resumed_at(begins, now),
            };
        }
        let by = self
            .asked()
            .filter(|party| self.bound(party, now) == Bound::Suspended);
        let by: Vec<CallSign> = by.cloned().collect();
        let since = self.changes(now).into_iter().rev().find(|at| {
            let before = UtcMs(at.0 - 1);
            self.adopted_by(|party| self.bound(party, before) == Bound::Yes)
        });
        InstrumentState::Suspended {
            since: since.unwrap_or(begins).max(begins),
            by,
        }
    }

    /// The times, until `now`, at which somebody suspended, resumed or left.
    pub(crate) fn changes(&self, now: UtcMs) -> Vec<UtcMs> {
        let all = self
            .departures
            .values()
            .flatten()
            .map(|departure| departure.from);
        let mut times: Vec<UtcMs> = all.filter(|at| *at <= now).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    fn resumed_at(&self, begins: UtcMs, now: UtcMs) -> UtcMs {
        let resumed = self.changes(now).into_iter().rev().find(|at| {
            let before = UtcMs(at.0 - 1);
            !self.adopted_by(|party| self.bound(party, before) == Bound::Yes)
        });
        resumed.map_or(begins, |at| at.max(begins))
    }

    /// The first time at which so many left for good that the rule is no longer met, and who they are.
    fn left(&self) -> Option<(UtcMs, Vec<CallSign>)> {
        let at = self.changes(UtcMs(i64::MAX)).into_iter().find(|at| {
            !self.adopted_by(|party| {
                self.accepted.contains_key(party) && self.bound(party, *at) != Bound::Left
            })
        })?;
        Some((
            at,
            self.asked()
                .filter(|party| self.bound(party, at) == Bound::Left)
                .cloned()
                .collect(),
        ))
    }

    /// The clock that it names for a precedence.
    #[must_use]
    pub fn named_clock(&self, precedence: Precedence) -> Option<&Clock> {
        let mut clocks = self.table.clocks.iter();
        clocks.find(|clock| clock.precedence == precedence)
    }

    pub(crate) fn provision(&self, id: &Slug) -> Cited {
        let title = self
            .table
            .provisions
            .iter()
            .find(|p| p.id == *id)
            .map(|p| p.title.to_string());
        Cited {
            instrument: self.reference.clone(),
            provision: id.clone(),
            title: title.unwrap_or_default(),
        }
    }
}

/// All instruments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// By where they were tabled.
    pub instruments: BTreeMap<Reference, Instrument>,
}

/// Folds what was said about instruments.
#[must_use]
pub fn fold(said: &[Effective<'_>], directory: &Directory) -> Agreement {
    let mut instruments = BTreeMap::new();
    for entry in said {
        if let Body::InstrumentTable(table) = &*entry.body {
            instruments.insert(entry.reference.clone(), tabled(entry, table));
        }
    }
    for entry in said {
        if let Some(instrument) = entry
            .object()
            .and_then(|object| instruments.get_mut(object))
        {
            hear(instrument, entry, directory);
        }
    }
    let mut agreement = Agreement { instruments };
    agreement.link();
    agreement
}

fn tabled(entry: &Effective<'_>, table: &Table) -> Instrument {
    let mut accepted = BTreeMap::new();
    let own = table
        .participants
        .iter()
        .find(|member| member.origin == entry.reference.origin);
    if let Some(own) = own.filter(|own| {
        table.needed.contains(&own.call_sign) || table.invited.contains(&own.call_sign)
    }) {
        accepted.insert(
            own.call_sign.clone(),
            Acceptance {
                reference: entry.reference.clone(),
                at: entry.at(),
            },
        );
    }
    Instrument {
        reference: entry.reference.clone(),
        by: entry.by.clone(),
        tabled_at: entry.at(),
        table: table.clone(),
        amends: entry.object().cloned(),
        accepted,
        refused: BTreeMap::new(),
        departures: BTreeMap::new(),
        formations: Vec::new(),
        holds: BTreeMap::new(),
        amended: None,
    }
}

/// Takes in one statement about an instrument. The call sign is the one that the instrument binds to the author's log.
fn hear(instrument: &mut Instrument, entry: &Effective<'_>, directory: &Directory) {
    let member = instrument
        .table
        .participants
        .iter()
        .find(|m| m.origin == entry.reference.origin);
    let by = member.map_or_else(
        || directory.call_sign(&entry.reference.origin),
        |m| Some(m.call_sign.clone()),
    );
    let Some(by) = by else { return };
    let asked = member.is_some() && instrument.asked().any(|party| *party == by);
    match &*entry.body {
        Body::InstrumentAccept(_) if asked => {
            let acceptance = Acceptance {
                reference: entry.reference.clone(),
                at: entry.at(),
            };
            let earlier = instrument
                .accepted
                .get(&by)
                .is_some_and(|earlier| earlier.at <= acceptance.at);
            if !earlier {
                instrument.accepted.insert(by, acceptance);
            }
        }
        Body::InstrumentLeave(leave) if asked => {
            let from = leave.from.utc().max(entry.at());
            let departure = Departure {
                reference: entry.reference.clone(),
                leaving: leave.leaving,
                from,
            };
            let said = instrument.departures.entry(by).or_default();
            said.push(departure);
            said.sort_by_key(|d| (d.from, d.reference.index));
        }
        Body::Refuse(Refuse { part: None, .. }) if asked => {
            instrument
                .refused
                .entry(by)
                .or_insert_with(|| (entry.reference.clone(), entry.at()));
        }
        Body::Hold(Hold { answer_by, .. }) => {
            instrument
                .holds
                .insert(by, (entry.reference.clone(), answer_by.utc()));
        }
        Body::FormationJoin(join) => instrument.formations.push(Formation {
            reference: entry.reference.clone(),
            by,
            join: join.clone(),
            at: entry.at(),
        }),
        _ => {}
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant itself.
    Participant(CallSign),
    /// A formation, by its short name.
    Formation(Slug),
    /// A group, by its short name.
    Group(Slug),
    /// Not known.
    Unknown,
}

/// Whether an instrument covers an actor at a place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It does.
    Covered,
    /// It does, and the place lies inside an area that all who were asked agree is held by an excluded group.
    CoveredInsideExcludedArea,
    /// What is held here does not decide it.
    Undetermined,
    /// It does not.
    Excluded,
}

impl Answer {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::CoveredInsideExcludedArea => "covered_inside_excluded_area",
            Self::Undetermined => "undetermined",
            Self::Excluded => "excluded",
        }
    }

    /// Whether it covers, wherever.
    #[must_use]
    pub const fn covers(self) -> bool {
        matches!(self, Self::Covered | Self::CoveredInsideExcludedArea)
    }
}

/// A provision that says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cited {
    /// The instrument.
    pub instrument: Reference,
    /// The provision's short name.
    pub provision: Slug,
    /// Its title.
    pub title: String,
}

/// The answer to [`Agreement::covered`]. It always carries [`CAUTION`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The answer.
    pub answer: Answer,
    /// The provisions that say so.
    pub provisions: Vec<Cited>,
    /// Designated areas in which the place lies.
    pub areas: Vec<Reference>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What the answer is not.
    pub caution: &'static str,
}

/// Stands beside every answer about coverage.
pub const CAUTION: &str = "This is no clearance to use force. Protected persons and places may be here, whether or not anybody has \
     notified them; lack of notice, acknowledgement or renewal removes no protection under international humanitarian law.";

impl Agreement {
    /// Takes in instruments that were folded by themselves.
    pub fn merge(&mut self, others: Agreement) {
        self.instruments.extend(others.instruments);
        self.link();
    }

    /// Notes on each instrument which other one stands in its place.
    fn link(&mut self) {
        let begun: Vec<(Reference, Reference, UtcMs)> = self
            .instruments
            .values()
            .filter_map(|i| Some((i.amends.clone()?, i.reference.clone(), i.begins_at()?)))
            .collect();
        for instrument in self.instruments.values_mut() {
            let by = begun
                .iter()
                .filter(|(amended, ..)| *amended == instrument.reference);
            let first = by.min_by_key(|(_, by, at)| (*at, by.clone()));
            instrument.amended = first.map(|(_, by, at)| (by.clone(), *at));
        }
    }

    /// The instruments in force at `at`.
    pub fn in_force(&self, at: UtcMs) -> impl Iterator<Item = &Instrument> {
        self.instruments
            .values()
            .filter(move |i| matches!(i.at(at), InstrumentState::InForce { .. }))
    }

    /// The instrument whose lines, clocks and neutrals apply at `at`: of those in force the one that began last.
    #[must_use]
    pub fn governing(&self, at: UtcMs) -> Option<&Instrument> {
        self.in_force(at)
            .max_by_key(|i| (i.begins_at(), i.table.version, i.reference.index))
    }

    /// What the newest instrument in force at `at` says that says anything of it: a later text that is silent takes nothing back.
    pub(crate) fn newest<'a, T>(
        &'a self,
        at: UtcMs,
        says: impl FnMut(&'a Instrument) -> Option<T>,
    ) -> Option<T> {
        let mut in_force: Vec<&Instrument> = self.in_force(at).collect();
        in_force.sort_by_key(|i| (i.begins_at(), i.table.version, i.reference.index));
        in_force.into_iter().rev().find_map(says)
    }

    /// The logs whose sight of a head starts a clock at `at` when the recipient gives no receipt.
    #[must_use]
    pub fn neutrals(&self, at: UtcMs) -> BTreeSet<Origin> {
        let neutral = self.newest(at, |i| {
            let members = i.table.participants.iter();
            let neutral = members.filter(|member| i.table.neutrals.contains(&member.call_sign));
            let origins: BTreeSet<Origin> = neutral.map(|member| member.origin.clone()).collect();
            (!origins.is_empty()).then_some(origins)
        });
        neutral.unwrap_or_default()
    }

    /// Who must be told at once when lives are at risk at `at`.
    #[must_use]
    pub fn flash_recipients(&self, at: UtcMs) -> &[CallSign] {
        let named = self.newest(at, |i| {
            let named: &[CallSign] = &i.table.flash_recipients;
            (!named.is_empty()).then_some(named)
        });
        named.unwrap_or_default()
    }

    /// The clock of a precedence at `at`.
    #[must_use]
    pub fn clock(&self, precedence: Precedence, at: UtcMs) -> Clock {
        self.newest(at, |i| i.named_clock(precedence).cloned())
            .unwrap_or_else(|| Clock::default_of(precedence))
    }

    /// Whether `actor` is covered at `place` and `at`. `contains` tells whether a polygon contains a position; use
    /// [`crate::areas::contains`] unless you have better geometry.
    #[must_use]
    pub fn covered(
        &self,
        place: &Position,
        actor: &Actor,
        at: UtcMs,
        areas: &BTreeMap<Reference, Area>,
        contains: impl Fn(&Polygon, &Position) -> bool,
    ) -> Coverage {
        let here: Vec<&Area> = areas
            .values()
            .filter(|a| a.is_valid(at) && contains(&a.polygon, place))
            .collect();
        // Rules of a joint procedure say how it is kept, and not who keeps it.
        let covering = self
            .in_force(at)
            .filter(|i| i.table.formality != Formality::JointProcedure);
        let judged = covering.map(|i| i.judge(place, actor, at, &here, &contains));
        let mut judged: Vec<Coverage> = judged.collect();
        judged.sort_by_key(|coverage| coverage.answer);
        let Some(answer) = judged.first().map(|coverage| coverage.answer) else {
            return Coverage::new(
                Answer::Undetermined,
                "no instrument was in force at that time",
            );
        };
        let mut all = Coverage {
            answer,
            provisions: vec![],
            areas: vec![],
            reasons: vec![],
            caution: CAUTION,
        };
        for coverage in judged
            .into_iter()
            .filter(|coverage| coverage.answer == answer)
        {
            all.provisions.extend(coverage.provisions);
            all.reasons.extend(coverage.reasons);
        }
        all.areas = here.iter().map(|area| area.reference.clone()).collect();
        all
    }
}

impl Coverage {
    fn new(answer: Answer, reason: impl Into<String>) -> Self {
        Self {
            answer,
            provisions: vec![],
            areas: vec![],
            reasons: vec![reason.into()],
            caution: CAUTION,
        }
    }

    fn citing(mut self, provision: Option<Cited>) -> Self {
        self.provisions.extend(provision);
        self
    }
}

impl Instrument {
    fn judge(
        &self,
        place: &Position,
        actor: &Actor,
        at: UtcMs,
        here: &[&Area],
        contains: &impl Fn(&Polygon, &Position) -> bool,
    ) -> Coverage {
        let territory = self.table.territory.as_ref();
        let territory_cited = territory.map(|t| self.provision(&t.provision));
        if territory.is_some_and(|t| !t.polygons.iter().any(|polygon| contains(polygon, place))) {
            return Coverage::new(Answer::Excluded, "the place lies outside the territory")
                .citing(territory_cited);
        }
        match actor {
            Actor::Group(id) => match self.table.excluded.iter().find(|group| group.id == *id) {
                Some(group) => {
                    Coverage::new(Answer::Excluded, format!("{} is excluded", group.name))
                        .citing(Some(self.provision(&group.provision)))
                }
                None => Coverage::new(
                    Answer::Undetermined,
                    format!("{id} is neither excluded nor known to take part"),
                ),
            },
            Actor::Unknown => self.unknown(here).citing(territory_cited),
            Actor::Participant(party) if self.binds(party, at) => self
                .bound_here(&format!("{party} is bound"), here)
                .citing(territory_cited),
            Actor::Participant(party) => Coverage::new(
                Answer::Undetermined,
                format!("{party} is not bound at that time"),
            ),
            Actor::Formation(id) => {
                let joined = self
                    .formations
                    .iter()
                    .find(|f| f.join.id == *id && f.at <= at && self.binds(&f.by, at));
                match joined {
                    Some(formation) => self
                        .bound_here(&format!("{id} takes part under {}", formation.by), here)
                        .citing(territory_cited),
                    None => Coverage::new(
                        Answer::Undetermined,
                        format!("{id} is not known to take part at that time"),
                    ),
                }
            }
        }
    }

    fn excluded_area<'a>(&self, here: &[&'a Area]) -> Option<(&'a Area, &ExcludedGroup)> {
        here.iter().find_map(|area| {
            let group = area.held_by.as_ref()?;
            Some((
                *area,
                self.table
                    .excluded
                    .iter()
                    .find(|excluded| excluded.id == *group)?,
            ))
        })
    }

    fn bound_here(&self, who: &str, here: &[&Area]) -> Coverage {
        let agreed: Vec<&Area> = here
            .iter()
            .filter(|area| area.agreed() == Agreed::ByAll)
            .copied()
            .collect();
        if let Some((area, group)) = self.excluded_area(&agreed) {
            let reason = format!(
                "{who}, and the place lies in {}, an area that all asked agree is held by {}",
                area.name, group.name
            );
            return Coverage::new(Answer::CoveredInsideExcludedArea, reason)
                .citing(Some(self.provision(&group.provision)));
        }
        let mut coverage = Coverage::new(Answer::Covered, who);
        if let Some((area, _)) = self.excluded_area(here) {
            // What one side alone says of an area takes nobody's cover away.
            coverage.reasons.push(format!(
                "{} says that it lies in {}; this is not agreed",
                area.by, area.name
            ));
        }
        coverage
    }

    fn unknown(&self, here: &[&Area]) -> Coverage {
        let mut coverage = Coverage::new(Answer::Undetermined, "who acts is not known");
        if let Some((area, group)) = self.excluded_area(here) {
            let word = if area.agreed() == Agreed::ByAll {
                "agreed"
            } else {
                "not agreed"
            };
            coverage.reasons.push(format!(
                "{} designates {} as held by {}; this is {word}",
                area.by, area.name, group.name
            ));
        }
        coverage
    }
}
