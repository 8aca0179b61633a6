//! Reports of what was observed. A report is no incident, an incident no non-compliance; what becomes of it is decided by
//! people, later and elsewhere.

use crate::agreement::{
    Actor, Agreement, Answer, CAUTION, Cited, ExcludedGroup, Formality, Instrument, InstrumentState,
};
use crate::areas::{self, Area};
use crate::changes::Person;
use crate::claims::Source;
use crate::names::search_form;
use crate::values::{
    Count, Int, Label, Language, Line, List, Metres, Pcode, Position, Slug, Time, Words,
};
use crate::wire::{Broken, body, rule, words};
use record::encoding::Hash;
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// By what it was observed.
    Means {
        /// Heard.
        Heard = "heard",
        /// Seen.
        Seen = "seen",
        /// A fixed camera.
        Camera = "camera",
        /// An unmanned aircraft.
        Uav = "uav",
        /// An acoustic sensor.
        Acoustic = "acoustic",
        /// A satellite.
        Satellite = "satellite",
        /// A crater was examined.
        Crater = "crater",
        /// Others told it.
        Hearsay = "hearsay",
        /// It was published.
        Published = "published",
    }
}

words! {
    /// What was observed.
    Category {
        /// Shelling, by whatever weapon.
        Shelling = "shelling",
        /// An air strike.
        AirStrike = "air_strike",
        /// Small arms.
        SmallArms = "small_arms",
        /// A ground attack.
        GroundAttack = "ground_attack",
        /// An explosion whose cause is not known.
        Explosion = "explosion",
        /// A movement of forces or weapons that the instrument forbids.
        ForbiddenMovement = "forbidden_movement",
        /// Denied or delayed access.
        AccessDenied = "access_denied",
        /// Something that keeps its own words.
        Other = "other",
    }
}

words! {
    /// What is counted.
    Unit {
        /// Explosions.
        Explosion = "explosion",
        /// Bursts.
        Burst = "burst",
        /// Shots.
        Shot = "shot",
        /// Projectiles.
        Projectile = "projectile",
        /// Flares.
        Flare = "flare",
    }
}

words! {
    /// Whether it went out or came in, as the observer judged.
    Direction {
        /// Outgoing.
        Outgoing = "outgoing",
        /// Incoming.
        Incoming = "incoming",
        /// Not judged.
        Undetermined = "undetermined",
    }
}

words! {
    /// How reliable the source is (Admiralty scale).
    Reliability {
        /// Completely.
        A = "A",
        /// Usually.
        B = "B",
        /// Fairly.
        C = "C",
        /// Not usually.
        D = "D",
        /// Not at all.
        E = "E",
        /// Cannot be judged.
        F = "F",
    }
}

words! {
    /// Whether access was restricted.
    Restriction {
        /// It was denied.
        Denied = "denied",
        /// It was delayed.
        Delayed = "delayed",
        /// A sensor or craft was jammed.
        Jammed = "jammed",
    }
}

words! {
    /// How the finest place code was found.
    PcodeBasis {
        /// The source states it.
        Stated = "stated",
        /// By the name of the area.
        ByName = "by_name",
        /// By the nearest centre of an area: near a boundary it may be the neighbour's.
        ByDistance = "by_distance",
    }
}

body! {
    /// How many of what.
    Counted {
        /// How many.
        number: Count,
        /// Of what; raw units, never converted.
        unit: Unit,
    }
}

body! {
    /// Reliability of the source and credibility of what it says, judged apart.
    Grade {
        /// Of the source.
        reliability: Reliability,
        /// Of the information: 1 is confirmed by others, 6 cannot be judged.
        credibility: Int<1, 6>,
    }
}

body! {
    /// Persons harmed, by the report.
    Casualties {
        /// At least so many killed.
        killed_low: Option<Count>,
        /// Most likely.
        killed_best: Option<Count>,
        /// At most.
        killed_high: Option<Count>,
        /// Injured.
        injured_best: Option<Count>,
        /// Of those killed, most likely so many civilians.
        civilians_killed_best: Option<Count>,
    }
}

body! {
    /// An evidence file, by its hash.
    Evidence {
        /// SHA-256 of the untouched original.
        original_sha256: Hash,
        /// What it shows, in one line.
        what: Label,
    }
}

body! {
    /// A file that is kept encrypted beside the record. Whoever reads the group that names it can open it, and it goes when that
    /// group is erased.
    Attachment {
        /// The name that its store gave it.
        name: Hash,
        /// What it shows, in one line.
        what: Label,
    }
}

body! {
    /// What a report says to all its readers: the place only as coarse as its codes.
    Report {
        /// What was observed.
        category: Category,
        /// The same in the source's own words; they say more where the category is `other`.
        category_words: Option<Label>,
        /// Start, or the earliest time that is possible.
        from: Time,
        /// End, or the latest time that is possible.
        until: Time,
        /// To what precision the times are known: 1 the exact day or better, 5 more than a month.
        date_precision: Int<1, 5>,
        /// By what means.
        means: List<Means, 1, 9>,
        /// The place by its codes, the finest last.
        pcodes: List<Pcode, 0, 4>,
        /// How the finest code was found.
        pcode_basis: Option<PcodeBasis>,
        /// The place by its name.
        place_name: Option<Label>,
        /// The administrative areas in which it lies, as the source names them, the widest first.
        admin_names: List<Label, 0, 4>,
        /// To what precision the place is known: 1 exact, 7 the country alone.
        place_precision: Int<1, 7>,
        /// Who is said to take part, in the source's words, a side a line; groups on one side are parted by commas. It attributes
        /// nothing.
        sides: List<Line, 0, 4>,
        /// The weapon; left out, it is undetermined.
        weapon: Option<Label>,
        /// What was counted.
        counts: List<Counted, 0, 5>,
        /// Out or in.
        direction: Option<Direction>,
        /// Casualties.
        casualties: Option<Casualties>,
        /// Grade of the source.
        grade: Option<Grade>,
        /// Whether access was restricted.
        restriction: Option<Restriction>,
        /// Training fire that was announced.
        training_fire: Option<bool>,
        /// Where it was published.
        source: Option<Source>,
        /// Who told the publisher, by name.
        source_names: List<Label, 0, 64>,
        /// How many reports the publisher counts behind it.
        sources_count: Option<Count>,
        /// Its name in the set from which it was imported, so that a second import changes nothing.
        external_id: Option<Label>,
        /// Paper page that a late entry cites.
        paper_page: Option<Label>,
        /// Evidence.
        evidence: List<Evidence, 0, 32>,
        /// Files.
        attachments: List<Attachment, 0, 32>,
    }
    sense: times_are_in_order;
}

fn times_are_in_order(report: &Report) -> Result<(), Broken> {
    rule(
        report.from.utc() <= report.until.utc(),
        "until",
        "is not before from",
    )
}

body! {
    /// Exact places: for the few who need them.
    Exact {
        /// Where it happened.
        place: Option<Position>,
        /// How far that may be off.
        uncertainty_m: Option<Metres>,
        /// Where the observer stood.
        observer: Option<Position>,
        /// Direction from the observer, clockwise from north.
        bearing_degrees: Option<Int<0, 359>>,
        /// Distance from the observer, at least.
        range_low_m: Option<Metres>,
        /// Distance from the observer, at most.
        range_high_m: Option<Metres>,
    }
}

body! {
    /// What the observer tells.
    Narrative {
        /// In words.
        words: Words,
        /// Their language.
        language: Language,
        /// Files that the observer brought along, for the same readers.
        attachments: List<Attachment, 0, 32>,
    }
}

body! {
    /// `report.file/1`: something was observed, or reported by others. Groups: `body`, and if need be `exact`, `narrative`,
    /// `person`, each with its own readers.
    ///
    /// ```json
    /// {"body": {"category": "shelling", "from": "2016-06-20T00:00:00Z", "until": "2016-06-21T00:00:00Z", "date_precision": 1,
    ///   "means": ["heard"], "pcodes": ["SY0200"], "place_precision": 3, "counts": [{"number": 16, "unit": "explosion"}]},
    ///  "exact": {"place": {"lat_e7": 362000000, "lon_e7": 371500000}, "uncertainty_m": 5000}}
    /// ```
    ReportFile {
        /// What all its readers see.
        body: Report,
        /// Exact places.
        exact: Option<Exact>,
        /// What the observer tells.
        narrative: Option<Narrative>,
        /// Who reported, for the own side.
        person: Option<Person>,
    }
}

/// Everybody whom the instruments name, by every name that they give. Made once, asked for each report.
#[derive(Debug, Clone)]
pub struct NamedActors<'a> {
    agreement: &'a Agreement,
    by_name: BTreeMap<String, Vec<Named<'a>>>,
}

#[derive(Debug, Clone, Copy)]
enum Named<'a> {
    /// A group that the instrument does not cover.
    Excluded(&'a Instrument, &'a ExcludedGroup),
    /// A participant, or a formation under its log since then.
    Bound(&'a Instrument, &'a CallSign, UtcMs),
}

/// Where it happened, and the areas that were designated.
#[derive(Debug, Clone, Copy)]
struct Ground<'g> {
    place: &'g Position,
    areas: &'g BTreeMap<Reference, Area>,
}

/// Whether the truce covers those whom a report names. It judges names and times, and the place only where an exact one is given;
/// it attributes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidesCoverage {
    /// Excluded when somebody excluded is named; covered when all on two sides or more are, and inside an excluded area when that
    /// holds for any of them; otherwise undetermined.
    pub answer: Answer,
    /// Each name by itself, in the order of the report.
    pub names: Vec<NameCoverage>,
    /// What the answer is not.
    pub caution: &'static str,
}

/// Whether the truce covers whoever has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCoverage {
    /// On which side, from 0.
    pub side: usize,
    /// The name, as the report has it.
    pub name: String,
    /// The answer.
    pub answer: Answer,
    /// The excluded group that has the name.
    pub excluded: Option<Slug>,
    /// The instruments that exclude or bind it.
    pub instruments: BTreeSet<Reference>,
    /// The provisions that say so.
    pub provisions: BTreeSet<Cited>,
    /// Why, in a sentence.
    pub reason: String,
}

impl<'a> NamedActors<'a> {
    /// Reads the names of all instruments.
    #[must_use]
    pub fn of(agreement: &'a Agreement) -> Self {
        let mut by_name: BTreeMap<String, Vec<Named<'a>>> = BTreeMap::new();
        let mut add = |name: &str, named| {
            let form = search_form(name);
            if !form.is_empty() {
                by_name.entry(form).or_default().push(named);
            }
        };
        for instrument in agreement.instruments.values() {
            for member in &instrument.table.participants {
                let named = Named::Bound(instrument, &member.call_sign, UtcMs(i64::MIN));
                add(member.call_sign.as_str(), named);
                member
                    .also_known_as
                    .iter()
                    .for_each(|name| add(name.as_str(), named));
            }
            for group in &instrument.table.excluded {
                let named = Named::Excluded(instrument, group);
                let names = group.also_known_as.iter().map(Label::as_str);
                names
                    .chain([group.id.as_str(), group.name.as_str()])
                    .for_each(|name| add(name, named));
            }
            for formation in &instrument.formations {
                let named = Named::Bound(instrument, &formation.by, formation.at);
                add(formation.join.id.as_str(), named);
                add(formation.join.name.as_str(), named);
            }
        }
        Self { agreement, by_name }
    }

    /// Whether the truce covers those whom the report names, over the whole time that the report leaves open.
    #[must_use]
    pub fn coverage(&self, report: &Report) -> SidesCoverage {
        let sides: Vec<&str> = report.sides.iter().map(Line::as_str).collect();
        self.coverage_of(&sides, report.from.utc(), report.until.utc())
    }

    /// The same for sides in a source's words, from `from` to before `until`. What the instruments do not name is undetermined: a
    /// name such as "insurgents" may hold covered and excluded groups alike, and nothing is guessed from whom it fights.
    #[must_use]
    pub fn coverage_of(&self, sides: &[&str], from: UtcMs, until: UtcMs) -> SidesCoverage {
        self.judge(sides, from, until, None)
    }

    /// The same where it is known exactly where it happened: whoever is covered by name may be so inside an area that is agreed to
    /// be held by an excluded group, or not at all outside of the territory. What [`Agreement::covered`] says of the place counts.
    #[must_use]
    pub fn coverage_at(
        &self,
        report: &Report,
        place: &Position,
        areas: &BTreeMap<Reference, Area>,
    ) -> SidesCoverage {
        let sides: Vec<&str> = report.sides.iter().map(Line::as_str).collect();
        let ground = Some(Ground { place, areas });
        self.judge(&sides, report.from.utc(), report.until.utc(), ground)
    }

    fn judge(
        &self,
        sides: &[&str],
        from: UtcMs,
        until: UtcMs,
        ground: Option<Ground<'_>>,
    ) -> SidesCoverage {
        let times = self.times(from, until, ground);
        let mut names = Vec::new();
        for (side, words) in sides.iter().enumerate() {
            for name in self.groups(words) {
                names.push(self.throughout(side, name, &times, ground));
            }
        }
        let any = |answer| {
            names
                .iter()
                .any(|name: &NameCoverage| name.answer == answer)
        };
        let each = |side| names.iter().any(|name| name.side == side);
        let whole = sides.len() > 1 && (0..sides.len()).all(each);
        let answer = if any(Answer::Excluded) {
            Answer::Excluded
        } else if !whole || any(Answer::Undetermined) {
            Answer::Undetermined
        } else if any(Answer::CoveredInsideExcludedArea) {
            Answer::CoveredInsideExcludedArea
        } else {
            Answer::Covered
        };
        SidesCoverage {
            answer,
            names,
            caution: CAUTION,
        }
    }

    /// The groups on a side: the whole, if it is a name that is known, or what stands between its commas.
    fn groups<'s>(&self, side: &'s str) -> Vec<&'s str> {
        if self.by_name.contains_key(&search_form(side)) {
            return vec![side];
        }
        side.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The times at which the answer may change: the beginning, the end, and what the instruments saw in between.
    fn times(&self, from: UtcMs, until: UtcMs, ground: Option<Ground<'_>>) -> BTreeSet<UtcMs> {
        let last = UtcMs(until.0.saturating_sub(1)).max(from);
        let mut times = BTreeSet::from([from, last]);
        for instrument in self.agreement.instruments.values() {
            let end = instrument.table.ends_at.as_ref().map(Time::utc);
            times.extend(instrument.begins_at().into_iter().chain(end));
            times.extend(instrument.amended.as_ref().map(|(_, at)| *at));
            times.extend(instrument.changes(last));
            times.extend(instrument.formations.iter().map(|formation| formation.at));
            times.extend(instrument.accepted.values().map(|accepted| accepted.at));
        }
        let areas = ground.into_iter().flat_map(|ground| ground.areas.values());
        times.extend(areas.flat_map(|area| [area.valid_from, area.valid_until]));
        times.retain(|at| (from..=last).contains(at));
        times
    }

    fn throughout(
        &self,
        side: usize,
        name: &str,
        times: &BTreeSet<UtcMs>,
        ground: Option<Ground<'_>>,
    ) -> NameCoverage {
        let mut judged = times.iter().map(|at| self.at(side, name, *at, ground));
        let mut coverage = judged.next().expect("a report has a beginning");
        let mut noted = false;
        for later in judged {
            let both_cover = coverage.answer.covers() && later.answer.covers();
            if later.answer == coverage.answer || (both_cover && noted) {
                continue;
            }
            coverage.reason = format!(
                "not the same over the whole time: {}, then {}",
                coverage.reason, later.reason
            );
            coverage.instruments.extend(later.instruments);
            coverage.provisions.extend(later.provisions);
            if !both_cover {
                coverage.answer = Answer::Undetermined;
                return coverage;
            }
            // An area that begins or ends meanwhile takes nobody's cover away.
            coverage.answer = Answer::CoveredInsideExcludedArea;
            noted = true;
        }
        coverage
    }

    fn at(&self, side: usize, name: &str, at: UtcMs, ground: Option<Ground<'_>>) -> NameCoverage {
        // Rules of a joint procedure say how it is kept, and not who keeps it.
        let in_force = |i: &Instrument| {
            i.table.formality != Formality::JointProcedure
                && matches!(i.at(at), InstrumentState::InForce { .. })
        };
        let (mut instruments, mut provisions) = (BTreeSet::new(), BTreeSet::new());
        let (mut excluded, mut bound) = (None, None);
        let known = self.by_name.get(&search_form(name));
        for named in known.into_iter().flatten() {
            match *named {
                Named::Excluded(instrument, group) if in_force(instrument) => {
                    instruments.insert(instrument.reference.clone());
                    provisions.insert(instrument.provision(&group.provision));
                    excluded = Some(group);
                }
                Named::Bound(instrument, party, since)
                    if since <= at && in_force(instrument) && instrument.binds(party, at) =>
                {
                    instruments.insert(instrument.reference.clone());
                    bound = Some(party);
                }
                _ => {}
            }
        }
        let (answer, reason) = match (excluded, bound) {
            (Some(group), Some(party)) => (
                Answer::Undetermined,
                format!(
                    "{name} is named as {}, which is excluded, and under {party}",
                    group.name
                ),
            ),
            (Some(group), None) => (
                Answer::Excluded,
                format!("{name} is {}, which is excluded", group.name),
            ),
            (None, Some(party)) => {
                let (answer, cited, more) = self.on_the_ground(party, at, ground);
                provisions.extend(cited);
                (answer, format!("{name} is bound under {party}{more}"))
            }
            (None, None) => (
                Answer::Undetermined,
                self.why_undetermined(name, known.is_some(), at),
            ),
        };
        let excluded = excluded.map(|group| group.id.clone());
        NameCoverage {
            side,
            name: name.to_owned(),
            answer,
            excluded,
            instruments,
            provisions,
            reason,
        }
    }

    /// What the place says of somebody who is bound, by which provisions, and in which words.
    fn on_the_ground(
        &self,
        party: &CallSign,
        at: UtcMs,
        ground: Option<Ground<'_>>,
    ) -> (Answer, Vec<Cited>, String) {
        let Some(Ground { place, areas }) = ground else {
            return (Answer::Covered, Vec::new(), String::new());
        };
        let actor = Actor::Participant(party.clone());
        let here = self
            .agreement
            .covered(place, &actor, at, areas, areas::contains);
        // That it is bound was said already.
        let said = usize::from(here.answer == Answer::Covered);
        let more = here.reasons.iter().skip(said);
        let more: String = more.map(|reason| format!("; {reason}")).collect();
        (here.answer, here.provisions, more)
    }

    fn why_undetermined(&self, name: &str, known: bool, at: UtcMs) -> String {
        if self.agreement.in_force(at).next().is_none() {
            "no instrument was in force at that time".to_owned()
        } else if known {
            format!("{name} is not bound at that time")
        } else {
            format!("no instrument names {name}")
        }
    }
}
