//! What statements about a site add up to: its versions, what the cell found, and of each recipient what became of it.

use super::{Contest, Exposure, Fault, Notice, Review, SiteNotify, Validate};
use crate::Body;
use crate::agreement::Agreement;
use crate::contact::{Arrivals, Delivery, Heard, Reception, Step};
use crate::protection::{Gaps, named_readers};
use crate::standing::{Directory, Effective};
use record::name::{CallSign, Origin, Reference};
use record::time::UtcMs;
use std::collections::{BTreeMap, BTreeSet};

/// What the cell found in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it stands.
    pub reference: Reference,
    /// Who found it.
    pub by: CallSign,
    /// When it was said.
    pub at: UtcMs,
    /// What is wrong; nothing, when it was validated.
    pub faults: Vec<Fault>,
    /// How it was checked, when it was validated.
    pub validated: Option<Validate>,
}

/// One version of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Where it stands.
    pub reference: Reference,
    /// When it was said.
    pub at: UtcMs,
    /// What it says, as far as it is read here.
    pub notice: Box<SiteNotify>,
    /// To whom its exact place was sent.
    pub sent_to: BTreeSet<CallSign>,
    /// What became of it at the cell and at each of those to whom it was sent.
    pub receptions: BTreeMap<CallSign, Reception>,
    /// What the cell that it names found, in the order of its log; what others say is not among it.
    pub verdicts: Vec<Verdict>,
}

impl Version {
    /// The last thing that the cell had found by `at`.
    #[must_use]
    pub fn verdict(&self, at: UtcMs) -> Option<&Verdict> {
        self.verdicts.iter().rev().find(|verdict| verdict.at <= at)
    }

    /// When the cell first said anything to it.
    pub(crate) fn judged_at(&self) -> Option<UtcMs> {
        self.verdicts.first().map(|verdict| verdict.at)
    }
}

/// A recipient's deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Where it says so.
    pub reference: Reference,
    /// When.
    pub at: UtcMs,
    /// Where copies remain.
    pub remains: Option<String>,
}

/// What a recipient contests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// Where it stands.
    pub reference: Reference,
    /// Who.
    pub by: CallSign,
    /// When.
    pub at: UtcMs,
    /// What.
    pub contest: Contest,
    /// When the cell said something to it.
    pub answered_at: Option<UtcMs>,
    /// Whether it got to the cell.
    pub delivery: Delivery,
}

/// An exposure of this site, until its consents were decided anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// The exposure.
    pub exposure: Reference,
    /// Who declared it.
    pub by: CallSign,
    /// From when nothing of the site is released.
    pub at: UtcMs,
    /// Whether the owner got to know of it.
    pub delivery: Delivery,
    /// When the owner decided anew.
    pub decided_at: Option<UtcMs>,
}

/// What became of a site at one recipient, over all its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whether the newest version names its consent.
    pub consented: bool,
    /// Whether the newest version was sent to it.
    pub sent: bool,
    /// When it was first sent anything of it.
    pub first_sent_at: Option<UtcMs>,
    /// What became of the newest version.
    pub now: Option<Reception>,
    /// That it had acknowledged an earlier version, which says nothing about this one.
    pub acknowledged_earlier: Option<(Reference, UtcMs)>,
    /// That the site was withdrawn from it.
    pub withdrawn: Option<(Reference, UtcMs)>,
    /// Whether the withdrawal got there.
    pub withdrawal_delivery: Option<Delivery>,
    /// That it says that it deleted it.
    pub deleted: Option<Deleted>,
}

/// Why the exact place of a site is not given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBack {
    /// By this exposure, until the owner decides anew: to nobody.
    Frozen(Reference),
    /// It was withdrawn from him by this statement.
    Withdrawn(Reference),
}

/// A notified site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its first notification.
    pub reference: Reference,
    /// Whose it is.
    pub by: CallSign,
    /// Its versions, the first one first.
    pub versions: Vec<Version>,
    /// The owner's reviews, in their order.
    pub reviews: Vec<(Reference, UtcMs, Review)>,
    /// Of each recipient what became of it.
    pub recipients: BTreeMap<CallSign, Recipient>,
    /// That sharing with others was stopped.
    pub stopped: Option<(Reference, UtcMs)>,
    /// When it was withdrawn from all who had consent at that time.
    pub withdrawn_at: Option<UtcMs>,
    /// What is contested. It changes nothing here.
    pub contests: Vec<Contested>,
    /// Exposures.
    pub freezes: Vec<Freeze>,
    /// Parties to the agreement that are not among those who may have it.
    pub not_listed: Vec<CallSign>,
}

/// What a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SiteState {
    /// The cell has said nothing to this version.
    Submitted,
    /// The cell returned it.
    Returned,
    /// The cell validated it.
    Validated,
    /// It was withdrawn from everybody. It stays protected.
    Withdrawn,
}

impl Site {
    /// Its newest version.
    #[must_use]
    pub fn current(&self) -> &Version {
        self.versions
            .last()
            .expect("a site is made with its first version")
    }

    /// The version that counted at `at`.
    #[must_use]
    pub fn version_at(&self, at: UtcMs) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.at <= at)
    }

    /// What it was at `at`.
    #[must_use]
    pub fn state(&self, at: UtcMs) -> SiteState {
        if self.withdrawn_at.is_some_and(|withdrawn| withdrawn <= at) {
            return SiteState::Withdrawn;
        }
        match self.version_at(at).and_then(|version| version.verdict(at)) {
            None => SiteState::Submitted,
            Some(verdict) if verdict.validated.is_some() => SiteState::Validated,
            Some(_) => SiteState::Returned,
        }
    }

    /// By when it has to be looked at again.
    #[must_use]
    pub fn review_by(&self) -> UtcMs {
        let current = self.current();
        let reviewed = self
            .reviews
            .last()
            .filter(|(reference, ..)| reference.index > current.reference.index);
        reviewed.map_or(current.notice.body.review_by.utc(), |(.., review)| {
            review.review_by.utc()
        })
    }

    /// Whether it should have been looked at again by `at`. It drops nothing from avoidance.
    #[must_use]
    pub fn is_review_due(&self, at: UtcMs) -> bool {
        at >= self.review_by() && self.state(at) != SiteState::Withdrawn
    }

    /// Whether whoever uses force has to keep away from it at `at`: from the day from which it was notified until it is withdrawn
    /// from everybody. A review that is due, a return, a contest and an exposure change nothing of that.
    #[must_use]
    pub fn is_avoided(&self, at: UtcMs) -> bool {
        let notified = self.version_at(at);
        notified.is_some_and(|version| version.notice.body.valid_from.utc() <= at)
            && self.state(at) != SiteState::Withdrawn
    }

    /// The exposure that holds its release at `at`, until its owner has decided its consents anew.
    #[must_use]
    pub fn frozen(&self, at: UtcMs) -> Option<&Freeze> {
        let open = |freeze: &&Freeze| {
            freeze.at <= at && freeze.decided_at.is_none_or(|decided| decided > at)
        };
        self.freezes.iter().find(open)
    }

    /// Whether its exact place may be given to `recipient` at `at`: sent to it with consent, and not held back.
    #[must_use]
    pub fn may_release(&self, recipient: &CallSign, at: UtcMs) -> bool {
        let state = self.recipients.get(recipient);
        state.is_some_and(|state| state.sent) && self.held_back(recipient, at).is_none()
    }

    /// Why nothing of its exact place is given out any more, at `at`, to a reader whom its notices name. Whoever gives anything out
    /// asks this. It takes nothing away from whoever has it: he goes on keeping away from the place.
    #[must_use]
    pub fn held_back(&self, from: &CallSign, at: UtcMs) -> Option<HeldBack> {
        if *from == self.by {
            return None;
        }
        if let Some(freeze) = self.frozen(at) {
            return Some(HeldBack::Frozen(freeze.exposure.clone()));
        }
        let withdrawn = self.recipients.get(from)?.withdrawn.as_ref();
        let (reference, _) = withdrawn.filter(|(_, withdrawn)| *withdrawn <= at)?;
        Some(HeldBack::Withdrawn(reference.clone()))
    }

    /// All whom its notices name as readers of its exact place: recipients and the cell.
    #[must_use]
    pub fn readers(&self) -> BTreeSet<&CallSign> {
        let versions = self.versions.iter();
        versions
            .flat_map(|version| version.notice.body.readers().chain(&version.sent_to))
            .collect()
    }

    /// Of each recipient what is missing of the newest version at `at`: consent that was never used, and every step that was not
    /// taken. Nothing is asked of those from whom it was withdrawn.
    #[must_use]
    pub fn gaps(&self, at: UtcMs) -> Gaps {
        let asked = self
            .recipients
            .iter()
            .filter(|(_, state)| state.withdrawn.is_none() && (state.consented || state.sent));
        let gaps = asked.map(|(sign, state)| {
            let missing = state
                .now
                .as_ref()
                .map_or_else(|| vec![Step::Receipt], |reception| reception.missing(at));
            (sign.clone(), missing)
        });
        gaps.filter(|(_, missing)| !missing.is_empty()).collect()
    }
}

/// Folds what was said about sites: all of them, or those of one.
#[must_use]
pub fn fold(
    said: &[Effective<'_>],
    exposures: &BTreeMap<Reference, Exposure>,
    arrivals: &Arrivals<'_>,
    agreement: &Agreement,
    directory: &Directory,
) -> BTreeMap<Reference, Site> {
    let mut roots: BTreeMap<&Reference, &Reference> = BTreeMap::new();
    // An author's log is in order, so that a version always comes after the first.
    for entry in said {
        if matches!(&*entry.body, Body::SiteNotify(_)) {
            let first = entry.object().unwrap_or(&entry.reference);
            roots.insert(&entry.reference, first);
        }
    }
    let mut own: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    let mut others: BTreeMap<&Reference, Vec<&Effective<'_>>> = BTreeMap::new();
    for entry in said {
        let is_version = matches!(&*entry.body, Body::SiteNotify(_));
        let own_root = match is_version {
            true => roots.get(&entry.reference),
            false => entry.object().and_then(|object| roots.get(object)),
        };
        let is_own = |root: &&&Reference| root.origin == entry.reference.origin;
        if let Some(root) = own_root.filter(is_own) {
            own.entry(root).or_default().push(entry);
        } else if let Some(object) = entry.object() {
            others.entry(object).or_default().push(entry);
        }
    }
    let sites = own.iter().filter_map(|(root, own)| {
        let maker = Maker {
            root,
            own,
            others: &others,
            arrivals,
            agreement,
            directory,
            neutrals: agreement.neutrals(own.first()?.at()),
        };
        Some(((*root).clone(), maker.site(exposures)?))
    });
    sites.collect()
}

struct Maker<'a> {
    root: &'a Reference,
    /// What its owner said.
    own: &'a [&'a Effective<'a>],
    /// What others said, by what it is about.
    others: &'a BTreeMap<&'a Reference, Vec<&'a Effective<'a>>>,
    arrivals: &'a Arrivals<'a>,
    agreement: &'a Agreement,
    directory: &'a Directory,
    /// Whose sight of a head counts: by what was agreed when the site was first notified.
    neutrals: BTreeSet<Origin>,
}

impl<'a> Maker<'a> {
    fn site(&self, exposures: &BTreeMap<Reference, Exposure>) -> Option<Site> {
        let versions = self.versions();
        let first = versions.first()?;
        let by = self.directory.call_sign(&self.root.origin)?;
        let not_listed = self.not_listed(&by, first.at, &versions.last()?.notice.body);
        let mut site = Site {
            reference: self.root.clone(),
            recipients: self.recipients(&versions),
            reviews: self.reviews(),
            stopped: self.first_own(|body| matches!(body, Body::SiteStopSharing(_))),
            withdrawn_at: None,
            contests: self.contests(&versions),
            freezes: Vec::new(),
            not_listed,
            versions,
            by,
        };
        site.withdrawn_at = withdrawn_from_all(&site);
        site.freezes = self.freezes(exposures, &site);
        Some(site)
    }

    fn heard(&self, about: &Reference) -> &'a [&'a Effective<'a>] {
        self.others.get(about).map_or(&[], Vec::as_slice)
    }

    fn first_own(&self, is: impl Fn(&Body) -> bool) -> Option<(Reference, UtcMs)> {
        let first = self.own.iter().find(|entry| is(&entry.body))?;
        Some((first.reference.clone(), first.at()))
    }

    fn versions(&self) -> Vec<Version> {
        let versions = self.own.iter().filter_map(|entry| match &*entry.body {
            Body::SiteNotify(notice) => Some(self.version(entry, notice)),
            _ => None,
        });
        versions.collect()
    }

    fn version(&self, entry: &Effective<'_>, notice: &SiteNotify) -> Version {
        let sent_to = named_readers(entry.head, "exact");
        let through = notice.body.through.as_ref();
        let readers: BTreeSet<&CallSign> = sent_to.iter().chain(through).collect();
        let about = self.heard(&entry.reference);
        let receptions = readers.into_iter().map(|sign| {
            let heard = Heard {
                origin: self.directory.origin(sign),
                about,
            };
            let place = notice.exact.as_ref().map(|exact| &exact.place);
            let reception = Reception::of(
                heard,
                &[&entry.reference],
                entry.at(),
                self.arrivals,
                &self.neutrals,
                &|_| place,
            );
            (sign.clone(), reception)
        });
        let receptions = receptions.collect();
        Version {
            reference: entry.reference.clone(),
            at: entry.at(),
            notice: Box::new(notice.clone()),
            receptions,
            verdicts: self.verdicts(about, through),
            sent_to: sent_to
                .into_iter()
                .filter(|sign| notice.body.recipients().any(|named| named == sign))
                .collect(),
        }
    }

    fn verdicts(&self, about: &[&Effective<'_>], through: Option<&CallSign>) -> Vec<Verdict> {
        let cell = through.and_then(|cell| self.directory.origin(cell));
        let from_cell = about
            .iter()
            .filter(|entry| Some(&entry.reference.origin) == cell);
        let verdicts = from_cell.filter_map(|entry| {
            let (faults, validated) = match &*entry.body {
                Body::SiteValidate(validate) => (Vec::new(), Some(validate.clone())),
                Body::SiteReturn(back) => (back.faults.to_vec(), None),
                _ => return None,
            };
            Some(Verdict {
                reference: entry.reference.clone(),
                by: entry.by.clone(),
                at: entry.at(),
                faults,
                validated,
            })
        });
        verdicts.collect()
    }

    fn reviews(&self) -> Vec<(Reference, UtcMs, Review)> {
        let reviews = self.own.iter().filter_map(|entry| match &*entry.body {
            Body::SiteReview(review) => Some((entry.reference.clone(), entry.at(), review.clone())),
            _ => None,
        });
        reviews.collect()
    }

    fn recipients(&self, versions: &[Version]) -> BTreeMap<CallSign, Recipient> {
        let named = versions.iter().flat_map(|version| {
            let consented = version.notice.body.recipients();
            consented.chain(&version.sent_to)
        });
        let signs: BTreeSet<&CallSign> = named.collect();
        let states = signs
            .into_iter()
            .map(|sign| (sign.clone(), self.recipient(sign, versions)));
        states.collect()
    }

    fn recipient(&self, sign: &CallSign, versions: &[Version]) -> Recipient {
        let current = versions.last();
        let sent = |version: &&Version| version.sent_to.contains(sign);
        let first_sent_at = versions.iter().find(sent).map(|version| version.at);
        let earlier = versions.iter().rev().skip(1);
        let acknowledged_earlier = earlier
            .filter_map(|version| version.receptions.get(sign)?.acknowledged.clone())
            .next();
        let withdrawal = self.own.iter().find(|entry| match &*entry.body {
            Body::SiteWithdraw(withdraw) => {
                let all = withdraw.recipients.is_empty();
                let before = versions
                    .iter()
                    .filter(|version| version.reference.index < entry.reference.index);
                let mut named = before.flat_map(|version| version.notice.body.recipients());
                withdraw.recipients.contains(sign) || (all && named.any(|named| named == sign))
            }
            _ => false,
        });
        let origin = self.directory.origin(sign);
        let delivery = withdrawal.map(|entry| {
            let objects = [&entry.reference];
            self.arrivals
                .delivery(&objects, entry.at(), origin, &self.neutrals)
        });
        Recipient {
            consented: current
                .is_some_and(|version| version.notice.body.recipients().any(|named| named == sign)),
            sent: current.is_some_and(|version| version.sent_to.contains(sign)),
            first_sent_at,
            now: current.and_then(|version| version.receptions.get(sign).cloned()),
            acknowledged_earlier,
            withdrawal_delivery: delivery,
            deleted: withdrawal.and_then(|entry| self.deleted(origin, entry, versions)),
            withdrawn: withdrawal.map(|entry| (entry.reference.clone(), entry.at())),
        }
    }

    /// What a recipient deleted before it was asked to says nothing about what it had afterwards.
    fn deleted(
        &self,
        origin: Option<&Origin>,
        withdrawal: &Effective<'_>,
        versions: &[Version],
    ) -> Option<Deleted> {
        let objects = versions.iter().map(|version| &version.reference);
        let about = objects
            .chain([&withdrawal.reference])
            .flat_map(|object| self.heard(object));
        let attested = about.filter_map(|entry| match &*entry.body {
            Body::SiteDeletionAttest(attest) if Some(&entry.reference.origin) == origin => {
                Some(Deleted {
                    reference: entry.reference.clone(),
                    at: entry.at(),
                    remains: attest.remains.as_ref().map(ToString::to_string),
                })
            }
            _ => None,
        });
        let after = attested.filter(|deleted| deleted.at >= withdrawal.at());
        after.min_by_key(|deleted| deleted.reference.index)
    }

    fn contests(&self, versions: &[Version]) -> Vec<Contested> {
        let mut all = Vec::new();
        for version in versions {
            let through = version.notice.body.through.as_ref();
            let cell = through.and_then(|cell| self.directory.origin(cell));
            for entry in self.heard(&version.reference) {
                let Body::SiteContest(contest) = &*entry.body else {
                    continue;
                };
                let of_cell = |other: &&&Effective<'_>| Some(&other.reference.origin) == cell;
                let to_it = self.heard(&entry.reference).iter().filter(of_cell);
                let answers = to_it.filter(|other| {
                    matches!(&*other.body, Body::Answer(answer) if !answer.reply.holds())
                        || matches!(&*other.body, Body::Refuse(_))
                });
                let judged = self.heard(&version.reference).iter().filter(of_cell);
                let judged = judged.filter(|other| {
                    matches!(&*other.body, Body::SiteValidate(_) | Body::SiteReturn(_))
                        && other.at() >= entry.at()
                });
                all.push(Contested {
                    reference: entry.reference.clone(),
                    by: entry.by.clone(),
                    at: entry.at(),
                    contest: contest.clone(),
                    answered_at: answers.chain(judged).map(|other| other.at()).min(),
                    delivery: self.arrivals.delivery(
                        &[&entry.reference],
                        entry.at(),
                        cell,
                        &self.neutrals,
                    ),
                });
            }
        }
        all.sort_by(|a, b| (a.at, &a.reference).cmp(&(b.at, &b.reference)));
        all
    }

    fn freezes(&self, exposures: &BTreeMap<Reference, Exposure>, site: &Site) -> Vec<Freeze> {
        let versions: BTreeSet<&Reference> = site
            .versions
            .iter()
            .map(|version| &version.reference)
            .collect();
        let of_this = exposures
            .values()
            .filter(|exposure| exposure.sites.iter().any(|named| versions.contains(named)));
        let freezes = of_this.map(|exposure| {
            let decided = self.own.iter().filter(|entry| {
                let decides = matches!(
                    &*entry.body,
                    Body::SiteReview(_) | Body::SiteNotify(_) | Body::SiteWithdraw(_)
                );
                // What was said in the same moment was said without knowing of it.
                decides && entry.at() > exposure.at
            });
            let own = exposure.by == site.by;
            let reception = exposure.owners.get(&site.by);
            Freeze {
                exposure: exposure.reference.clone(),
                by: exposure.by.clone(),
                at: exposure.at,
                delivery: match reception {
                    Some(reception) if !own => reception.delivery,
                    _ => Delivery::Received(exposure.at),
                },
                decided_at: decided.map(|entry| entry.at()).min(),
            }
        });
        freezes.collect()
    }

    /// Whom the agreement binds as parties and who is not among the recipients.
    fn not_listed(&self, by: &CallSign, at: UtcMs, notice: &Notice) -> Vec<CallSign> {
        let governing = self.agreement.governing(at);
        let asked = governing
            .into_iter()
            .flat_map(|i| i.table.needed.iter().chain(&i.table.invited));
        let listed = |sign: &&CallSign| notice.recipients().any(|named| named == *sign);
        asked
            .filter(|sign| *sign != by && !listed(sign))
            .cloned()
            .collect()
    }
}

/// When the last of those who had consent had it withdrawn.
fn withdrawn_from_all(site: &Site) -> Option<UtcMs> {
    let had = site
        .recipients
        .values()
        .filter(|state| state.consented || state.first_sent_at.is_some());
    let times: Option<Vec<UtcMs>> = had
        .map(|state| state.withdrawn.as_ref().map(|(_, at)| *at))
        .collect();
    let last = times?.into_iter().max()?;
    // A version that came afterwards notifies it again.
    (site.current().at <= last).then_some(last)
}
