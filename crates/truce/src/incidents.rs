//! Reports of what was observed. A report is no incident, an incident no non-compliance; what becomes of it is decided by
//! people, later and elsewhere.

use crate::changes::Person;
use crate::claims::Source;
use crate::values::{Count, Int, Label, Language, List, Metres, Pcode, Position, Time, Words};
use crate::wire::{Broken, body, rule, words};
use record::encoding::Hash;

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
    /// What a report says to all its readers: the place only as coarse as its codes.
    Report {
        /// What was observed.
        category: Category,
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
        /// The place by its name.
        place_name: Option<Label>,
        /// To what precision the place is known: 1 exact, 7 the country alone.
        place_precision: Int<1, 7>,
        /// Who is said to take part, in the source's words. It attributes nothing.
        sides: List<Label, 0, 4>,
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
        /// Its name in the set from which it was imported, so that a second import changes nothing.
        external_id: Option<Label>,
        /// Paper page that a late entry cites.
        paper_page: Option<Label>,
        /// Evidence.
        evidence: List<Evidence, 0, 32>,
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
