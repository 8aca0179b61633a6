//! Sites: places that are protected, notified so that those who use force can avoid them. Opt-in for each site and each recipient,
//! validated by a named cell, acknowledged by each recipient for itself, withdrawn at any time. A notice informs and asks nobody's
//! permission; whatever happens to it, protection is unchanged.

mod exposure;
mod fold;
mod summary;

pub use exposure::{Declare as ExposureDeclare, Exposure, fold as fold_exposures};
pub use fold::{
    Contested, Deleted, Freeze, HeldBack, Recipient, Site, SiteState, Verdict, Version,
    fold as fold_sites,
};

pub use summary::{Cell, Level, ROLLED_UP_BELOW, Summary, summary};

use crate::changes::Person;
use crate::protection::{Protection, Told};
use crate::values::{DistrictCode, Label, Language, List, Metres, Position, Time, Words};
use crate::volumes::{PlaceDatum, Volume};
use crate::wire::{Broken, body, rule, words};
use record::name::CallSign;
use std::collections::BTreeSet;

words! {
    /// What a site is.
    Category {
        /// A hospital.
        Hospital = "hospital",
        /// A clinic, or another place where the sick are treated.
        Clinic = "clinic",
        /// A school.
        School = "school",
        /// A shelter, or a place of displaced people.
        Shelter = "shelter",
        /// A place of worship.
        Worship = "worship",
        /// Water or sanitation.
        Water = "water",
        /// Power.
        Power = "power",
        /// A bakery or another place of food.
        Food = "food",
        /// A warehouse of relief goods.
        Warehouse = "warehouse",
        /// An office or guest house of an organisation.
        Office = "office",
        /// Cultural property.
        Culture = "culture",
        /// A place of detention.
        Detention = "detention",
        /// A post of monitors.
        Monitors = "monitors",
        /// Something else, which its function says.
        Other = "other",
    }
}

words! {
    /// How coordinates were taken.
    Method {
        /// With a satellite receiver on the spot.
        OnTheSpot = "on_the_spot",
        /// From imagery.
        Imagery = "imagery",
        /// From a map.
        Map = "map",
        /// Somebody told them.
        Told = "told",
    }
}

body! {
    /// One recipient to whom the site may be notified, and who agreed to that.
    Consent {
        /// To whom.
        recipient: CallSign,
        /// Who agreed, by office: never a person's name.
        given_by: Label,
        /// When.
        given_at: Time,
        /// What was told before.
        told: Told,
        /// In which language.
        told_in: Option<Language>,
    }
}

body! {
    /// What all readers of a notice see: no name and no place finer than its codes.
    Notice {
        /// What it is.
        category: Category,
        /// The place by its codes, the finest last: no finer than a district.
        pcodes: List<DistrictCode, 0, 3>,
        /// The administrative areas in which it lies, by name, the widest first.
        admin_names: List<Label, 0, 3>,
        /// The notification cell that validates it.
        through: Option<CallSign>,
        /// Who may have it, each with the consent of the site.
        consents: List<Consent, 1, 64>,
        /// From when.
        valid_from: Time,
        /// When it has to be looked at again. It stays where it is until somebody withdraws it.
        review_by: Time,
        /// Why there is a new version: what changed, or what was wrong.
        reason: Option<Words>,
        /// It is unchanged.
        protection: Protection,
    }
    sense: notice_holds_together;
}

fn notice_holds_together(notice: &Notice) -> Result<(), Broken> {
    let recipients: BTreeSet<&CallSign> = notice.recipients().collect();
    rule(
        recipients.len() == notice.consents.len(),
        "consents",
        "has each recipient once",
    )?;
    rule(
        notice.valid_from.utc() < notice.review_by.utc(),
        "review_by",
        "is after valid_from",
    )?;
    rule(
        !notice.pcodes.is_empty() || !notice.admin_names.is_empty(),
        "pcodes",
        "or admin_names say in which area it lies",
    )
}

impl Notice {
    /// Who may have it.
    pub fn recipients(&self) -> impl Iterator<Item = &CallSign> {
        self.consents.iter().map(|consent| &consent.recipient)
    }

    /// Who may read its exact place: recipients with consent, and the cell.
    pub fn readers(&self) -> impl Iterator<Item = &CallSign> {
        self.recipients().chain(&self.through)
    }
}

body! {
    /// What only the recipients and the cell read.
    Exact {
        /// Its name.
        name: Label,
        /// Its name, in another script.
        name_latin: Option<Label>,
        /// What it is used for, when it was notified.
        function: Words,
        /// Where.
        place: Position,
        /// The frame of the coordinates.
        datum: PlaceDatum,
        /// How far that may be off.
        uncertainty_m: Metres,
        /// How it was taken.
        method: Method,
        /// The place by which it was checked, as it is written there: the nearest named place.
        nearest_place: Option<Label>,
        /// Its ground, where more than a place is known.
        ground: Option<Volume>,
        /// What marks it, by day and by night.
        markings: Option<Words>,
        /// Who answers around the clock, by office and number.
        contact: Option<Label>,
    }
}

body! {
    /// `site.notify/1`: a protected place is notified. About the first notification it is its next version: all who acknowledged an
    /// earlier one acknowledge it again, so that what was wrong is corrected at everybody who had it. Groups: `body` and `exact`,
    /// which is for recipients with consent and the cell alone.
    ///
    /// ```json
    /// {"body": {"category": "hospital", "pcodes": ["SY0200"], "through": "MISSION", "consents": [
    ///    {"recipient": "RU", "given_by": "director's office", "given_at": "2016-03-01T09:00:00Z",
    ///     "told": "delivered_copy_cannot_be_watched_or_recalled", "told_in": "ar"}],
    ///   "valid_from": "2016-03-02T00:00:00Z", "review_by": "2016-09-01T00:00:00Z", "protection": "unchanged"},
    ///  "exact": {"name": "مستشفى", "function": "Surgery, 40 beds", "place": {"lat_e7": 362000000, "lon_e7": 371500000},
    ///   "datum": "wgs84", "uncertainty_m": 10, "method": "on_the_spot"}}
    /// ```
    SiteNotify {
        /// What all its readers see.
        body: Notice,
        /// What only recipients and the cell read.
        exact: Option<Exact>,
        /// Who said it, for the own side.
        person: Option<Person>,
    }
}

words! {
    /// How a site was checked.
    Check {
        /// Somebody went there.
        Visit = "visit",
        /// Imagery was looked at.
        Imagery = "imagery",
        /// The site was called and repeated its place.
        Call = "call",
        /// Two independent sources agree.
        TwoSources = "two_sources",
    }
}

body! {
    /// `site.validate/1`: the cell checked this version. It names the version that it is about.
    ///
    /// ```json
    /// {"checks": ["imagery", "call"], "checked_at": "2016-03-02T12:00:00Z", "distance_to_named_place_m": 400}
    /// ```
    Validate {
        /// How.
        checks: List<Check, 1, 4>,
        /// When.
        checked_at: Time,
        /// How far the notified place lies from the named one.
        distance_to_named_place_m: Option<Metres>,
        /// What else has to be known.
        words: Option<Words>,
    }
}

words! {
    /// What is wrong with a notice.
    Fault {
        /// The place is not where the name is.
        PlaceDoesNotFit = "place_does_not_fit",
        /// The frame of the coordinates is not stated.
        DatumUnstated = "datum_unstated",
        /// The function is not what is found there.
        FunctionDoesNotFit = "function_does_not_fit",
        /// Something is missing.
        Incomplete = "incomplete",
        /// It was notified before.
        Twice = "twice",
        /// Consent is not shown.
        ConsentNotShown = "consent_not_shown",
        /// It could not be checked.
        CouldNotCheck = "could_not_check",
    }
}

body! {
    /// `site.return/1`: the cell returns this version, and says why. It refuses nothing: the site stays protected, and its owner may
    /// notify it again.
    ///
    /// ```json
    /// {"faults": ["place_does_not_fit"], "words": "The coordinates lie 9 km from the town", "protection": "unchanged"}
    /// ```
    Return {
        /// What is wrong.
        faults: List<Fault, 1, 7>,
        /// In words.
        words: Words,
        /// It is unchanged.
        protection: Protection,
    }
}

body! {
    /// `site.review/1`: the owner looked at it again: it is as it was notified, and the consents stand.
    ///
    /// ```json
    /// {"reviewed_at": "2016-08-30T09:00:00Z", "review_by": "2017-02-28T00:00:00Z", "consents_stand": true,
    ///  "protection": "unchanged"}
    /// ```
    Review {
        /// When.
        reviewed_at: Time,
        /// When it has to be looked at the next time.
        review_by: Time,
        /// The site was asked again and agrees. Where it does not, say `site.withdraw`.
        consents_stand: bool,
        /// It is unchanged.
        protection: Protection,
    }
    sense: review_looks_ahead;
}

fn review_looks_ahead(review: &Review) -> Result<(), Broken> {
    rule(
        review.reviewed_at.utc() < review.review_by.utc(),
        "review_by",
        "is after reviewed_at",
    )?;
    rule(
        review.consents_stand,
        "consents_stand",
        "is true; where they do not stand, withdraw from those recipients",
    )
}

body! {
    /// `site.stop_sharing/1`: nobody gets it who does not have it. It needs no reason and waits for nothing.
    ///
    /// ```json
    /// {"asked_by_site": true, "protection": "unchanged"}
    /// ```
    StopSharing {
        /// Whether the site itself asked for it.
        asked_by_site: bool,
        /// Why, where somebody wants to say it.
        reason: Option<Words>,
        /// It is unchanged.
        protection: Protection,
    }
}

body! {
    /// `site.withdraw/1`: these recipients are to delete it. It needs no reason and waits for nothing. What was delivered cannot be
    /// watched or recalled, and the site stays protected.
    ///
    /// ```json
    /// {"recipients": ["RU"], "asked_by_site": true, "told": "delivered_copy_cannot_be_watched_or_recalled",
    ///  "protection": "unchanged"}
    /// ```
    Withdraw {
        /// From whom; left out, from all.
        recipients: List<CallSign, 0, 64>,
        /// Whether the site itself asked for it.
        asked_by_site: bool,
        /// Why, where somebody wants to say it.
        reason: Option<Words>,
        /// What a withdrawal cannot do.
        told: Told,
        /// It is unchanged.
        protection: Protection,
    }
}

body! {
    /// `site.deletion_attest/1`: the recipient says that it deleted what it had. It is its word; nobody can watch it.
    ///
    /// ```json
    /// {"remains": "backup of 20 June, until 20 July", "passed_down_recalled": true}
    /// ```
    DeletionAttest {
        /// Where copies remain that could not be reached.
        remains: Option<Label>,
        /// Whether those below were told to delete it as well.
        passed_down_recalled: bool,
    }
}

words! {
    /// What is said about a site that was notified.
    Contention {
        /// It is not where it was notified.
        AnotherPlace = "another_place",
        /// It is not what it was notified as.
        AnotherFunction = "another_function",
        /// It is said to be used for military ends.
        SaidToBeMisused = "said_to_be_misused",
        /// It is no longer there.
        Gone = "gone",
    }
}

body! {
    /// `site.contest/1`: a recipient says to the cell that something about a site is not so. It changes no protection, takes nothing
    /// from any list, and is for participants by name alone.
    ///
    /// ```json
    /// {"contention": "another_function", "words": "Vehicles of the other side were seen there", "protection": "unchanged"}
    /// ```
    Contest {
        /// What.
        contention: Contention,
        /// In words.
        words: Words,
        /// It is unchanged.
        protection: Protection,
    }
}

/// What an owner's statement has to name when it is about something else.
pub(crate) const FIRST_NOTIFICATION: &str =
    "it is about a later version; name the first notification of the site";

/// With whom a site may be shared, after what its owner said before, in the order of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sharing {
    named: BTreeSet<CallSign>,
    until_stopped: Option<BTreeSet<CallSign>>,
    withdrawn: BTreeSet<CallSign>,
}

impl Sharing {
    /// A version names those who may have it.
    pub fn version(&mut self, version: &SiteNotify) {
        self.named.extend(version.body.recipients().cloned());
    }

    /// Nobody else gets it.
    pub fn stop(&mut self) {
        self.until_stopped.get_or_insert_with(|| self.named.clone());
    }

    /// These are to delete it.
    pub fn withdraw(&mut self, withdraw: &Withdraw) {
        if withdraw.recipients.is_empty() {
            self.withdrawn.extend(self.named.iter().cloned());
        }
        self.withdrawn.extend(withdraw.recipients.iter().cloned());
    }

    /// Whether the next version may name whom it names.
    ///
    /// # Errors
    /// A sentence that says who may not be named.
    pub fn may_name(&self, version: &Notice) -> Result<(), String> {
        for recipient in version.recipients() {
            if self.withdrawn.contains(recipient) {
                return Err(format!(
                    "names {recipient}, from whom the site was withdrawn; after a new consent notify it anew"
                ));
            }
            let before = self.until_stopped.as_ref();
            if before.is_some_and(|before| !before.contains(recipient)) {
                return Err(format!(
                    "names {recipient}, and sharing with others was stopped; after a new consent notify it anew"
                ));
            }
        }
        // Whoever had an earlier version and not this one would go on by what was wrong in it.
        let mut had = self.named.difference(&self.withdrawn);
        match had.find(|had| !version.recipients().any(|named| named == *had)) {
            Some(left_out) => Err(format!(
                "leaves out {left_out}, who had an earlier version; name it, or withdraw the site from it first"
            )),
            None => Ok(()),
        }
    }
}
