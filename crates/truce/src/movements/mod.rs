//! Movements: convoys, flights and patrols that are notified before they leave, seen through by a radio room until everybody is
//! accounted for. A notice informs: late notice is flagged and never refused, and nobody approves anything.

mod fold;
mod way;

pub use fold::{Late, Movement, MovementState, Shown, Version, fold as fold_movements};
pub use way::{Awaited, Event, MOVES, Phase, Stage, Way};

use crate::changes::Person;
use crate::protection::Protection;
use crate::values::{Count, DistrictCode, Label, Language, List, Position, Slug, Time, Words};
use crate::volumes::{CheckPoint, LEGS_MAX, Legs, PlaceDatum, legs_join};
use crate::wire::{Broken, body, rule, words};
use record::name::CallSign;
use std::collections::BTreeSet;

/// Most movements of one participant that are notified and not over, at the door of its own log: notice reserves no road, and
/// nobody fills a country with it.
pub const OPEN_MOVEMENTS_MAX: usize = 1_000;
/// Longest time from departure to arrival, in milliseconds: 30 days.
pub const WINDOW_MS_MAX: i64 = 30 * 24 * 3600 * 1000;

words! {
    /// By what means it goes.
    Mode {
        /// On roads.
        Road = "road",
        /// In the air.
        Air = "air",
        /// On water.
        Water = "water",
        /// On foot.
        Foot = "foot",
        /// By rail.
        Rail = "rail",
        /// By several of these.
        Mixed = "mixed",
    }
}

words! {
    /// What it is for.
    Purpose {
        /// Relief goods.
        Relief = "relief",
        /// Medical help or supplies.
        Medical = "medical",
        /// Persons are brought out.
        Evacuation = "evacuation",
        /// A patrol of monitors.
        Patrol = "patrol",
        /// A flight of observation.
        ObservationFlight = "observation_flight",
        /// An assessment.
        Assessment = "assessment",
        /// Repair of what civilians depend on.
        Repair = "repair",
        /// Exchange of persons or remains.
        Exchange = "exchange",
        /// Something else, which its words say.
        Other = "other",
    }
}

body! {
    /// A vehicle or craft.
    Vehicle {
        /// Type and colour, as they are seen.
        what: Label,
        /// Plate or registration.
        plate: Option<Label>,
        /// Whether its logo is seen from the side.
        logo: Option<bool>,
        /// Whether its roof is marked.
        roof_marked: Option<bool>,
        /// Whether its marking is seen at night by thermal cameras.
        thermal_marking: Option<bool>,
    }
}

body! {
    /// What all readers of a notice see.
    Notice {
        /// What for.
        purpose: Purpose,
        /// By what means.
        mode: Mode,
        /// What it carries, by class.
        cargo: Option<Label>,
        /// To whom it is notified: all of them at once.
        to: List<CallSign, 1, 64>,
        /// The notification cell or radio room that follows it.
        through: Option<CallSign>,
        /// Shorter notice, because lives depend on it.
        emergency: Option<bool>,
        /// Through which areas, by their codes: no finer than a district.
        pcodes: List<DistrictCode, 0, 32>,
        /// Through which areas, by name.
        admin_names: List<Label, 0, 32>,
        /// Earliest departure.
        from: Time,
        /// Latest arrival.
        until: Time,
        /// How many persons; their names are sealed.
        persons: Count,
        /// When it says that all is well; each time by itself, without a place.
        check_ins: List<CheckPoint, 0, LEGS_MAX>,
        /// Why it is revised.
        reason: Option<Words>,
        /// It is unchanged.
        protection: Protection,
    }
    sense: notice_holds_together;
}

fn notice_holds_together(notice: &Notice) -> Result<(), Broken> {
    let (from, until) = (notice.from.utc(), notice.until.utc());
    let window = 1..=WINDOW_MS_MAX;
    rule(
        window.contains(&(until.0 - from.0)),
        "until",
        "is after from by at most 30 days",
    )?;
    let ids: BTreeSet<&Slug> = notice.check_ins.iter().map(|point| &point.id).collect();
    rule(
        ids.len() == notice.check_ins.len(),
        "check_ins",
        "has each id once",
    )?;
    let times = notice.check_ins.windows(2);
    let ordered = times
        .into_iter()
        .all(|two| two[0].due_at.utc() < two[1].due_at.utc());
    rule(ordered, "check_ins", "stand in the order of their times")?;
    let after_departure = |point: &CheckPoint| point.due_at.utc() > from;
    rule(
        notice.check_ins.iter().all(after_departure),
        "check_ins",
        "are due after from",
    )
}

impl Notice {
    /// Who may read the exact route.
    pub fn readers(&self) -> impl Iterator<Item = &CallSign> {
        self.to.iter().chain(&self.through)
    }
}

body! {
    /// What only those to whom it is notified read.
    Exact {
        /// The route, leg by leg.
        legs: Legs,
        /// The frame of its coordinates.
        datum: PlaceDatum,
        /// Vehicles or craft.
        vehicles: List<Vehicle, 0, 64>,
        /// Call sign on the radio.
        radio_call_sign: Option<Label>,
        /// Who leads it, by office.
        leader: Option<Label>,
        /// Numbers and frequencies.
        contacts: List<Label, 0, 8>,
        /// Other routes that may be taken.
        alternatives: List<Words, 0, 8>,
    }
    sense: route_is_one;
}

fn route_is_one(exact: &Exact) -> Result<(), Broken> {
    rule(
        legs_join(&exact.legs),
        "legs",
        "begin each where the one before ends, and not before it does",
    )
}

body! {
    /// Who is on board, for the own side.
    People {
        /// Names.
        names: List<Label, 1, 256>,
    }
}

body! {
    /// `movement.notify/1` and `movement.revise/1`: a movement is notified, or notified anew. Who acknowledged an earlier version has
    /// acknowledged nothing of a later one. Groups: `body`; `exact`, for those to whom it is notified alone; `people`.
    ///
    /// ```json
    /// {"body": {"purpose": "relief", "mode": "road", "to": ["RU", "US"], "through": "MISSION", "pcodes": ["SY0200"],
    ///   "from": "2016-06-22T06:00:00Z", "until": "2016-06-22T12:00:00Z", "persons": 12,
    ///   "check_ins": [{"id": "north-gate", "due_at": "2016-06-22T08:00:00Z"}], "protection": "unchanged"},
    ///  "exact": {"legs": [{"from": {"lat_e7": 362000000, "lon_e7": 371500000}, "from_at": "2016-06-22T06:00:00Z",
    ///    "to": {"lat_e7": 364000000, "lon_e7": 372000000}, "to_at": "2016-06-22T08:00:00Z"}], "datum": "wgs84",
    ///    "vehicles": [{"what": "white lorry", "roof_marked": true, "thermal_marking": false}]}}
    /// ```
    MovementNotice {
        /// What all its readers see.
        body: Notice,
        /// The route.
        exact: Option<Exact>,
        /// Who is on board, for the own side.
        people: Option<People>,
        /// Who said it, for the own side.
        person: Option<Person>,
    }
}

body! {
    /// `movement.depart/1`: it left. From here on its check-ins are owed.
    ///
    /// ```json
    /// {"departed_at": "2016-06-22T06:10:00Z", "persons": 12}
    /// ```
    Depart {
        /// When.
        departed_at: Time,
        /// With how many persons.
        persons: Count,
    }
}

body! {
    /// What a check-in says to all its readers: that all is well, and no place.
    CheckedIn {
        /// When.
        at: Time,
        /// At which check-point.
        point: Option<Slug>,
        /// When it says so the next time; it takes the place of all that were to come.
        next_check_in: Option<Time>,
        /// What else has to be known.
        words: Option<Words>,
    }
}

words! {
    /// Why a live place is given.
    Press {
        /// Somebody pressed for it, deliberately.
        Deliberate = "deliberate",
    }
}

body! {
    /// A live place. It is there only when somebody pressed for it; without it everybody is shown the notified leg.
    Live {
        /// Where.
        place: Position,
        /// When it was there.
        at: Time,
        /// That it was pressed for.
        press: Press,
    }
}

body! {
    /// `movement.check_in/1`: all is well. Groups: `body`, and `exact` with a live place for participants by name, when somebody
    /// pressed for it.
    ///
    /// ```json
    /// {"body": {"at": "2016-06-22T08:05:00Z", "point": "north-gate"},
    ///  "exact": {"place": {"lat_e7": 364000000, "lon_e7": 372000000}, "at": "2016-06-22T08:05:00Z", "press": "deliberate"}}
    /// ```
    CheckIn {
        /// That all is well.
        body: CheckedIn,
        /// A live place.
        exact: Option<Live>,
        /// Who said it, for the own side.
        person: Option<Person>,
    }
}

body! {
    /// `movement.hold/1`: it stands and waits.
    ///
    /// ```json
    /// {"since": "2016-06-22T08:20:00Z", "reason": "Shelling ahead", "next_check_in": "2016-06-22T08:50:00Z"}
    /// ```
    HoldUp {
        /// Since when.
        since: Time,
        /// Why.
        reason: Words,
        /// When it says the next time that all is well.
        next_check_in: Time,
    }
    sense: hold_looks_ahead;
}

fn hold_looks_ahead(hold: &HoldUp) -> Result<(), Broken> {
    rule(
        hold.since.utc() < hold.next_check_in.utc(),
        "next_check_in",
        "is after since",
    )
}

body! {
    /// `movement.denied/1`: it was not let through. It attributes nothing: who is said to have denied it is told in words.
    ///
    /// ```json
    /// {"at": "2016-06-22T08:20:00Z", "where_words": "Northern gate", "said_to_be_by": "soldiers at the gate",
    ///  "reason_given": "No paper", "next_check_in": "2016-06-22T08:50:00Z"}
    /// ```
    Denied {
        /// When.
        at: Time,
        /// Where, in words and no finer than all its readers may know.
        where_words: Label,
        /// Who is said to have done it.
        said_to_be_by: Option<Label>,
        /// What reason was given.
        reason_given: Option<Words>,
        /// Language of that reason.
        language: Option<Language>,
        /// When it says the next time that all is well.
        next_check_in: Time,
    }
    sense: denied_looks_ahead;
}

fn denied_looks_ahead(denied: &Denied) -> Result<(), Broken> {
    rule(
        denied.at.utc() < denied.next_check_in.utc(),
        "next_check_in",
        "is after at",
    )
}

body! {
    /// `movement.divert/1`: it takes another way. Whoever has time revises the notice as well.
    ///
    /// ```json
    /// {"at": "2016-06-22T08:30:00Z", "words": "By the eastern road", "next_check_in": "2016-06-22T09:30:00Z"}
    /// ```
    Divert {
        /// When.
        at: Time,
        /// Which way, in words and no finer than all its readers may know.
        words: Words,
        /// When it says the next time that all is well.
        next_check_in: Time,
    }
    sense: divert_looks_ahead;
}

fn divert_looks_ahead(divert: &Divert) -> Result<(), Broken> {
    rule(
        divert.at.utc() < divert.next_check_in.utc(),
        "next_check_in",
        "is after at",
    )
}

body! {
    /// `movement.resume/1`: it goes on.
    ///
    /// ```json
    /// {"at": "2016-06-22T09:00:00Z", "next_check_in": "2016-06-22T10:00:00Z"}
    /// ```
    Resume {
        /// When.
        at: Time,
        /// When it says the next time that all is well.
        next_check_in: Time,
    }
    sense: resume_looks_ahead;
}

fn resume_looks_ahead(resume: &Resume) -> Result<(), Broken> {
    rule(
        resume.at.utc() < resume.next_check_in.utc(),
        "next_check_in",
        "is after at",
    )
}

body! {
    /// `movement.turn_back/1`: it goes back.
    ///
    /// ```json
    /// {"at": "2016-06-22T09:00:00Z", "reason": "Not let through", "next_check_in": "2016-06-22T10:00:00Z"}
    /// ```
    TurnBack {
        /// When.
        at: Time,
        /// Why.
        reason: Words,
        /// When it says the next time that all is well.
        next_check_in: Time,
    }
    sense: turn_back_looks_ahead;
}

fn turn_back_looks_ahead(back: &TurnBack) -> Result<(), Broken> {
    rule(
        back.at.utc() < back.next_check_in.utc(),
        "next_check_in",
        "is after at",
    )
}

body! {
    /// `movement.arrive/1`: it is there, or back. Its sheet stays open until all are accounted for.
    ///
    /// ```json
    /// {"at": "2016-06-22T11:40:00Z", "delivered": true}
    /// ```
    Arrive {
        /// When.
        at: Time,
        /// Whether it did what it was for.
        delivered: bool,
    }
}

body! {
    /// `movement.close/1`: all are accounted for.
    ///
    /// ```json
    /// {"at": "2016-06-22T12:30:00Z", "persons": 12, "accounted_for": 12}
    /// ```
    Close {
        /// When.
        at: Time,
        /// How many had gone.
        persons: Count,
        /// How many are known to be safe.
        accounted_for: Count,
    }
    sense: all_are_accounted_for;
}

fn all_are_accounted_for(close: &Close) -> Result<(), Broken> {
    rule(
        close.accounted_for == close.persons,
        "accounted_for",
        "is as many as persons; while somebody is missing the sheet stays open",
    )
}

body! {
    /// `movement.abort/1`: it does not leave.
    ///
    /// ```json
    /// {"reason": "No word that those at the gate know of it", "protection": "unchanged"}
    /// ```
    Abort {
        /// Why.
        reason: Words,
        /// It is unchanged.
        protection: Protection,
    }
}
