//! Notified sites with what became of them at each recipient, and exposures. Exact places are in a row only for who reads them.

use super::contact::word;
use super::objects::{Object, Ref, json};
use super::reception::{BY_NOW, GapRow, ReceptionRow, Told, gaps};
use super::{ViewError, Views};
use record::time::UtcMs;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use truce::Truce;
use truce::protection::{CANNOT_BE_RECALLED, UNCHANGED};
use truce::sites::{Category, Exposure, HeldBack, Recipient, Site, SiteState, Version};
use truce::wire::Wire;
use utoipa::ToSchema;

/// A notified site. Whatever becomes of the notice, protection is unchanged.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteRow {
    /// Its first notification.
    pub reference: String,
    /// Whose it is.
    pub by: String,
    /// `submitted`, `returned`, `validated` or `withdrawn`, by everything that was said.
    pub state: &'static str,
    /// What a notice never does, in a sentence.
    pub protection: &'static str,
    /// What a withdrawal cannot do, in a sentence.
    pub cannot_be_recalled: &'static str,
    /// When it has to be looked at again. It stays avoided all the same.
    #[schema(format = DateTime)]
    pub review_by: String,
    /// Its versions, the first one first.
    pub versions: Vec<SiteVersionRow>,
    /// Of each recipient what became of it.
    pub recipients: Vec<SiteRecipientRow>,
    /// Of each recipient what is missing of the newest version.
    pub gaps: Vec<GapRow>,
    /// Parties to the agreement that are not among those who may have it.
    pub not_listed: Vec<String>,
    /// The owner's reviews.
    pub reviews: Vec<Ref>,
    /// Sharing with others was stopped.
    pub stopped: Option<Ref>,
    /// When it was withdrawn from everybody.
    #[schema(format = DateTime)]
    pub withdrawn_at: Option<String>,
    /// What recipients contest. It changes nothing here.
    pub contests: Vec<ContestRow>,
    /// Exposures; while one is not decided anew, nothing of the site is released.
    pub exposures: Vec<FreezeRow>,
    /// Readers to whom its exact place is not given from now on. Who has it goes on keeping away from it.
    pub held_back: Vec<HeldBackRow>,
}

/// One version of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteVersionRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// What all its readers see, as the group `body` of `site.notify/1`.
    #[schema(value_type = Object)]
    pub notice: Value,
    /// Its exact place, as the group `exact`; only for who reads it.
    #[schema(value_type = Option<Object>)]
    pub exact: Option<Value>,
    /// To whom its exact place was sent.
    pub sent_to: Vec<String>,
    /// What the cell found, in its order.
    pub verdicts: Vec<VerdictRow>,
}

/// What the cell found in a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// Who found it.
    pub by: String,
    /// How it was checked, as in `site.validate/1`; absent when it was returned.
    #[schema(value_type = Option<Object>)]
    pub validated: Option<Value>,
    /// What is wrong, when it was returned.
    pub faults: Vec<String>,
}

/// What became of a site at one recipient.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteRecipientRow {
    /// Who.
    pub call_sign: String,
    /// Whether the newest version names its consent.
    pub consented: bool,
    /// Whether the newest version was sent to it.
    pub sent: bool,
    /// What became of the newest version.
    pub reception: Option<ReceptionRow>,
    /// It had acknowledged an earlier version, which says nothing about this one.
    pub acknowledged_earlier: Option<Ref>,
    /// The site was withdrawn from it.
    pub withdrawn: Option<Ref>,
    /// It says that it deleted what it had.
    pub deleted: Option<DeletedRow>,
    /// Whether its exact place may be given to it, by everything that was said.
    pub may_release: bool,
}

/// A recipient's word that it deleted what it had.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// Where copies remain.
    pub remains: Option<String>,
}

/// What a recipient contests.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContestRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// Who.
    pub by: String,
    /// What, as in `site.contest/1`.
    #[schema(value_type = Object)]
    pub contest: Value,
    /// When the cell said something to it.
    #[schema(format = DateTime)]
    pub answered_at: Option<String>,
}

/// An exposure of a site.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreezeRow {
    /// The exposure.
    #[serde(flatten)]
    pub said: Ref,
    /// Who declared it.
    pub by: String,
    /// When the owner decided its consents anew; absent: its release is frozen.
    #[schema(format = DateTime)]
    pub decided_at: Option<String>,
}

/// A reader to whom an exact place is not given from now on.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldBackRow {
    /// Who.
    pub from: String,
    /// `frozen` by an exposure, or `withdrawn` from him.
    pub because: &'static str,
    /// The statement that holds it back: full reference.
    pub of: String,
}

/// An exposure: sites that became known to others.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposureRow {
    /// Where it was declared.
    #[serde(flatten)]
    pub said: Ref,
    /// Who declares it.
    pub by: String,
    /// What a notice never does, in a sentence.
    pub protection: &'static str,
    /// What it says, as in `exposure.declare/1`.
    #[schema(value_type = Object)]
    pub declare: Value,
    /// The sites: full references.
    pub sites: Vec<String>,
    /// Until when owners are to be warned.
    #[schema(format = DateTime)]
    pub warn_until: String,
    /// What became of the warning at each owner.
    pub owners: BTreeMap<String, ReceptionRow>,
    /// Owners who have not read it.
    pub not_warned: Vec<String>,
}

pub(super) fn objects(part: &Truce) -> Vec<Object> {
    let sites = part.sites.values().map(|site| {
        let first = &site.versions[0];
        let notice = &site.current().notice.body;
        let code = notice.pcodes.last().map(ToString::to_string);
        let name = notice.admin_names.last().map(ToString::to_string);
        Object {
            reference: site.reference.clone(),
            capability: "site",
            at: first.at,
            end: site.withdrawn_at.unwrap_or(first.at),
            by: site.by.clone(),
            place: code.or(name).unwrap_or_default(),
            tag: word(&notice.category),
            title: Some(word(&notice.category)),
            open: site.state(BY_NOW) != SiteState::Withdrawn,
            body: json(&row(site)),
        }
    });
    let exposures = part.exposures.values().map(|exposure| Object {
        reference: exposure.reference.clone(),
        capability: "exposure",
        at: exposure.at,
        end: exposure.at,
        by: exposure.by.clone(),
        place: String::new(),
        tag: word(&exposure.declare.discovery),
        title: None,
        open: !exposure.not_warned(BY_NOW).is_empty(),
        body: json(&exposure_row(exposure)),
    });
    sites.chain(exposures).collect()
}

impl Views {
    /// How many sites stand, by the code or name of their area and by category.
    ///
    /// # Errors
    /// [`ViewError`].
    pub(crate) fn standing_sites(&self) -> Result<Vec<(String, Category, u64)>, ViewError> {
        const SQL: &str = "SELECT place, tag, count(*) FROM object WHERE capability = 'site' AND open = 1 GROUP BY place, tag";
        let rows: Vec<(String, String, i64)> = self.read(|db| {
            let mut select = db.prepare_cached(SQL)?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        let counts = rows.into_iter().filter_map(|(place, tag, count)| {
            let category = Category::ALL.iter().find(|is| is.as_str() == tag)?;
            Some((place, *category, u64::try_from(count).ok()?))
        });
        Ok(counts.collect())
    }
}

/// Everything that was sent to somebody.
pub(super) fn told(part: &Truce) -> Vec<Told<'_>> {
    let versions = part.sites.values().flat_map(|site| {
        let versions = site.versions.iter();
        versions.map(move |version| (site, version))
    });
    let notices = versions.flat_map(|(site, version)| {
        version.receptions.iter().map(|(to, reception)| Told {
            about: &site.reference,
            version: &version.reference,
            at: version.at,
            by: &site.by,
            to,
            delivery: reception.delivery,
        })
    });
    let warnings = part.exposures.values().flat_map(|exposure| {
        exposure.owners.iter().map(|(to, reception)| Told {
            about: &exposure.reference,
            version: &exposure.reference,
            at: exposure.at,
            by: &exposure.by,
            to,
            delivery: reception.delivery,
        })
    });
    notices.chain(warnings).collect()
}

fn row(site: &Site) -> SiteRow {
    SiteRow {
        reference: site.reference.to_string(),
        by: site.by.to_string(),
        state: match site.state(BY_NOW) {
            SiteState::Submitted => "submitted",
            SiteState::Returned => "returned",
            SiteState::Validated => "validated",
            SiteState::Withdrawn => "withdrawn",
        },
        protection: UNCHANGED,
        cannot_be_recalled: CANNOT_BE_RECALLED,
        review_by: site.review_by().to_string(),
        versions: site.versions.iter().map(version).collect(),
        recipients: site
            .recipients
            .iter()
            .map(|(sign, state)| recipient(sign.to_string(), state, site.may_release(sign, BY_NOW)))
            .collect(),
        gaps: gaps(&site.gaps(BY_NOW)),
        not_listed: site.not_listed.iter().map(ToString::to_string).collect(),
        reviews: site
            .reviews
            .iter()
            .map(|(reference, at, _)| Ref::new(reference, *at))
            .collect(),
        stopped: site.stopped.as_ref().map(Ref::pair),
        withdrawn_at: time(site.withdrawn_at),
        contests: site
            .contests
            .iter()
            .map(|contested| ContestRow {
                said: Ref::new(&contested.reference, contested.at),
                by: contested.by.to_string(),
                contest: contested.contest.write(),
                answered_at: time(contested.answered_at),
            })
            .collect(),
        exposures: site
            .freezes
            .iter()
            .map(|freeze| FreezeRow {
                said: Ref::new(&freeze.exposure, freeze.at),
                by: freeze.by.to_string(),
                decided_at: time(freeze.decided_at),
            })
            .collect(),
        held_back: held_back(site),
    }
}

fn held_back(site: &Site) -> Vec<HeldBackRow> {
    let readers = site.readers().into_iter().filter_map(|reader| {
        let (because, of) = match site.held_back(reader, BY_NOW)? {
            HeldBack::Frozen(of) => ("frozen", of),
            HeldBack::Withdrawn(of) => ("withdrawn", of),
        };
        Some(HeldBackRow {
            from: reader.to_string(),
            because,
            of: of.to_string(),
        })
    });
    readers.collect()
}

fn time(at: Option<UtcMs>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn version(version: &Version) -> SiteVersionRow {
    let verdicts = version.verdicts.iter().map(|verdict| VerdictRow {
        said: Ref::new(&verdict.reference, verdict.at),
        by: verdict.by.to_string(),
        validated: verdict.validated.as_ref().map(Wire::write),
        faults: verdict.faults.iter().map(word).collect(),
    });
    SiteVersionRow {
        said: Ref::new(&version.reference, version.at),
        notice: version.notice.body.write(),
        exact: version.notice.exact.as_ref().map(Wire::write),
        sent_to: version.sent_to.iter().map(ToString::to_string).collect(),
        verdicts: verdicts.collect(),
    }
}

fn recipient(call_sign: String, state: &Recipient, may_release: bool) -> SiteRecipientRow {
    SiteRecipientRow {
        call_sign,
        consented: state.consented,
        sent: state.sent,
        reception: state.now.as_ref().map(ReceptionRow::of),
        acknowledged_earlier: state.acknowledged_earlier.as_ref().map(Ref::pair),
        withdrawn: state.withdrawn.as_ref().map(Ref::pair),
        deleted: state.deleted.as_ref().map(|deleted| DeletedRow {
            said: Ref::new(&deleted.reference, deleted.at),
            remains: deleted.remains.clone(),
        }),
        may_release,
    }
}

fn exposure_row(exposure: &Exposure) -> ExposureRow {
    let owners = exposure.owners.iter();
    let not_warned = exposure.not_warned(BY_NOW);
    ExposureRow {
        said: Ref::new(&exposure.reference, exposure.at),
        by: exposure.by.to_string(),
        protection: UNCHANGED,
        declare: exposure.declare.write(),
        sites: exposure.sites.iter().map(ToString::to_string).collect(),
        warn_until: exposure.warn_until.to_string(),
        owners: owners
            .map(|(owner, reception)| (owner.to_string(), ReceptionRow::of(reception)))
            .collect(),
        not_warned: not_warned.iter().map(ToString::to_string).collect(),
    }
}
