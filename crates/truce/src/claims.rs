//! Claims: what somebody publicly said, kept apart from what is found. They are never merged: not into each other, and not
//! into findings.

use crate::Body;
use crate::standing::Effective;
use crate::values::{Count, Label, Language, List, Pcode, Time, Url, Words};
use crate::wire::{Broken, body, rule, words};
use record::encoding::Hash;
use record::name::{CallSign, Reference};
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What sort of claim.
    ClaimType {
        /// Something is so.
        Assertion = "assertion",
        /// Somebody did what he must not.
        Allegation = "allegation",
        /// It is not so, or was not us.
        Denial = "denial",
        /// Something will follow.
        Warning = "warning",
        /// A number, with its uncertainty.
        Estimate = "estimate",
        /// It was us.
        Admission = "admission",
    }
}

words! {
    /// Whose words they are.
    Form {
        /// The speaker's own, in the language spoken.
        Original = "original",
        /// Ours, of what the speaker said.
        Paraphrase = "paraphrase",
    }
}

words! {
    /// To what precision a time is known.
    Precision {
        /// To the minute.
        Minute = "minute",
        /// To the hour.
        Hour = "hour",
        /// To the day: never ordered within it.
        Day = "day",
        /// To the month.
        Month = "month",
    }
}

body! {
    /// Where something was published, and what was kept of it.
    Source {
        /// Title or name of the source.
        title: Label,
        /// Address.
        url: Option<Url>,
        /// SHA-256 of the archived copy.
        archive_sha256: Option<Hash>,
    }
}

body! {
    /// A translation.
    Translation {
        /// Into which language.
        language: Language,
        /// The words.
        words: Words,
        /// By which office or programme.
        translator: Label,
    }
}

body! {
    /// `claim.record/1`: somebody said this, then and there.
    ///
    /// ```json
    /// {"claim": "denial", "speaker": "Ministry spokesperson", "office": "Ministry of Defence", "on_behalf_of": "RU",
    ///  "said_at": "2016-06-20T00:00:00Z", "precision": "day", "form": "paraphrase", "language": "en",
    ///  "words": "No strike was made on groups that take part", "source": {"title": "Press report of 20 June 2016"}}
    /// ```
    Claim {
        /// What sort.
        claim: ClaimType,
        /// Who spoke: an office or public function.
        speaker: Label,
        /// Of which office.
        office: Option<Label>,
        /// For whom.
        on_behalf_of: Option<Label>,
        /// When it was said.
        said_at: Time,
        /// To what precision.
        precision: Precision,
        /// Where it was said.
        place: Option<Label>,
        /// Where it was published.
        source: Source,
        /// Whose words follow.
        form: Form,
        /// The words.
        words: Words,
        /// Their language.
        language: Language,
        /// Translations.
        translations: List<Translation, 0, 8>,
    }
}

words! {
    /// How one claim stands to another.
    Relation {
        /// It says that the other is not so.
        Denies = "denies",
        /// It says that the other is so.
        Confirms = "confirms",
        /// It corrects the speaker's earlier one.
        Corrects = "corrects",
        /// It says the same once more.
        Repeats = "repeats",
    }
}

body! {
    /// `claim.relate/1`: about two claims; the first stands in this relation to the second.
    ///
    /// ```json
    /// {"relation": "denies"}
    /// ```
    Relate {
        /// Which relation.
        relation: Relation,
    }
}

body! {
    /// One line of a tally.
    TallyLine {
        /// What is counted: a province, a group, a kind.
        label: Label,
        /// Place codes that it covers.
        pcodes: List<Pcode, 0, 16>,
        /// How many.
        count: Count,
    }
}

body! {
    /// `tally.record/1`: what somebody counted, with its own arithmetic as it was published. Sums are computed and shown beside
    /// the stated total, never in its place.
    ///
    /// ```json
    /// {"counted": "violations", "issued_by": "RU", "about": "the other side", "from": "2016-02-29T00:00:00+03:00",
    ///  "until": "2016-03-01T00:00:00+03:00", "total": 7, "lines": [{"label": "Damascus", "count": 4}, {"label": "Aleppo", "count": 3},
    ///  {"label": "Hama", "count": 1}], "source": {"title": "Bulletin of 29 February 2016"}}
    /// ```
    Tally {
        /// What is counted, in the issuer's word.
        counted: Label,
        /// Who counted.
        issued_by: Label,
        /// Whose acts are counted.
        about: Option<Label>,
        /// Start of the period, with the time zone of the source.
        from: Time,
        /// End of the period.
        until: Time,
        /// The total that is stated.
        total: Option<Count>,
        /// The lines that are stated.
        lines: List<TallyLine, 0, 64>,
        /// Where it was published.
        source: Source,
        /// What the source adds.
        note: Option<Words>,
    }
    sense: tally_says_something;
}

fn tally_says_something(tally: &Tally) -> Result<(), Broken> {
    rule(
        tally.from.utc() < tally.until.utc(),
        "until",
        "is after from",
    )?;
    rule(
        tally.total.is_some() || !tally.lines.is_empty(),
        "total",
        "must stand there when there are no lines",
    )
}

/// A tally's own arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// The lines add up to the stated total.
    AddsUp(i64),
    /// They do not.
    DoesNotAddUp {
        /// The total that is stated.
        stated: i64,
        /// What the lines add up to.
        lines: i64,
    },
    /// There is a total and no lines.
    TotalAlone(i64),
    /// There are lines and no stated total.
    LinesAlone(i64),
}

impl Tally {
    /// Checks the tally's own arithmetic.
    #[must_use]
    pub fn arithmetic(&self) -> Arithmetic {
        let lines: i64 = self.lines.iter().map(|line| line.count.get()).sum();
        match self.total.map(Count::get) {
            None => Arithmetic::LinesAlone(lines),
            Some(total) if self.lines.is_empty() => Arithmetic::TotalAlone(total),
            Some(total) if total == lines => Arithmetic::AddsUp(total),
            Some(stated) => Arithmetic::DoesNotAddUp { stated, lines },
        }
    }
}

/// A claim and how others stand to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it was recorded.
    pub reference: Reference,
    /// By whom it was recorded; the speaker is another matter.
    pub by: CallSign,
    /// The claim.
    pub claim: Claim,
    /// The correction of the record, if there is one.
    pub corrected_by: Option<Reference>,
    /// Claims that stand in a relation to this one.
    pub related: BTreeMap<Relation, BTreeSet<Reference>>,
}

/// A tally as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedTally {
    /// Where it was recorded.
    pub reference: Reference,
    /// By whom.
    pub by: CallSign,
    /// The tally.
    pub tally: Tally,
    /// Its own arithmetic.
    pub arithmetic: Arithmetic,
}

/// All claims and tallies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Claims.
    pub claims: BTreeMap<Reference, Recorded>,
    /// Tallies.
    pub tallies: BTreeMap<Reference, RecordedTally>,
}

/// Folds claims, their relations and tallies.
#[must_use]
pub fn fold(said: &[Effective<'_>]) -> Claims {
    let mut all = Claims::default();
    for entry in said {
        let (reference, by) = (entry.reference.clone(), entry.by.clone());
        match &*entry.body {
            Body::ClaimRecord(claim) => {
                let claim = claim.clone();
                let corrected_by = entry.corrected_by.clone();
                let recorded = Recorded {
                    reference: reference.clone(),
                    by,
                    claim,
                    corrected_by,
                    related: BTreeMap::new(),
                };
                all.claims.insert(reference, recorded);
            }
            Body::TallyRecord(tally) => {
                let (tally, arithmetic) = (tally.clone(), tally.arithmetic());
                all.tallies.insert(
                    reference.clone(),
                    RecordedTally {
                        reference,
                        by,
                        tally,
                        arithmetic,
                    },
                );
            }
            _ => {}
        }
    }
    for entry in said {
        if let (Body::ClaimRelate(relate), [first, second, ..]) =
            (&*entry.body, &entry.head.about[..])
            && all.claims.contains_key(first)
            && let Some(target) = all.claims.get_mut(second)
        {
            target
                .related
                .entry(relate.relation)
                .or_default()
                .insert(first.clone());
        }
    }
    all
}
