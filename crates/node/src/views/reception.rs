//! What became of a notice at one recipient, as rows: the same for sites, movements and exposures.

use super::objects::{Holding, Ref};
use record::name::{CallSign, Reference};
use record::time::UtcMs;
use serde::Serialize;
use truce::contact::{Delivery, Reception, Step};
use truce::protection::Gaps;
use utoipa::ToSchema;

/// When everything that was said has been said.
pub(super) const BY_NOW: UtcMs = UtcMs(i64::MAX);

/// What became of a notice at one recipient: each fact by itself; none implies another.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceptionRow {
    /// `received`, `sent_no_receipt` (a neutral saw a head that covers it) or `unreachable`.
    pub delivery: &'static str,
    /// When it got there, or since when it does not.
    #[schema(format = DateTime)]
    pub delivery_at: String,
    /// The machine's receipt.
    #[schema(format = DateTime)]
    pub receipt_at: Option<String>,
    /// A person read it.
    pub acknowledged: Option<Ref>,
    /// A person repeated it.
    pub read_back: Option<ReadBackRow>,
    /// It was sent down.
    pub sent_down: Option<Ref>,
    /// Those below confirmed it.
    pub confirmed_below: Option<Ref>,
    /// The last holding reply.
    pub holding: Option<Holding>,
    /// What is missing: `receipt`, `acknowledgement`, `read_back`, `sent_down`, `confirmed_below`.
    pub missing: Vec<String>,
}

/// A read-back.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadBackRow {
    /// Where it stands.
    #[serde(flatten)]
    pub said: Ref,
    /// Whether the place is the same; absent when one of the two names none.
    pub same_place: Option<bool>,
}

impl ReceptionRow {
    pub(super) fn of(reception: &Reception) -> Self {
        let (delivery, at) = delivery(reception.delivery);
        Self {
            delivery,
            delivery_at: at.to_string(),
            receipt_at: reception.receipt.map(|at| at.to_string()),
            acknowledged: reception.acknowledged.as_ref().map(Ref::pair),
            read_back: reception.read_back.as_ref().map(|fact| ReadBackRow {
                said: Ref::new(&fact.reference, fact.at),
                same_place: fact.same_place,
            }),
            sent_down: reception.sent_down.as_ref().map(Ref::pair),
            confirmed_below: reception.confirmed_below.as_ref().map(Ref::pair),
            holding: reception.holding.as_ref().map(Holding::new),
            missing: reception.missing(BY_NOW).iter().map(step).collect(),
        }
    }
}

fn delivery(delivery: Delivery) -> (&'static str, record::time::UtcMs) {
    match delivery {
        Delivery::Received(at) => ("received", at),
        Delivery::SentNoReceipt(at) => ("sent_no_receipt", at),
        Delivery::Unreachable(since) => ("unreachable", since),
    }
}

pub(super) fn step(step: &Step) -> String {
    match step {
        Step::Receipt => "receipt".into(),
        Step::Acknowledgement => "acknowledgement".into(),
        Step::ReadBack => "read_back".into(),
        Step::SentDown => "sent_down".into(),
        Step::ConfirmedBelow => "confirmed_below".into(),
        Step::Answer => "answer".into(),
        Step::AnswerTo(part) => format!("answer:{part}"),
    }
}

/// Of one recipient what is missing.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapRow {
    /// Who.
    pub call_sign: String,
    /// Which steps.
    pub missing: Vec<String>,
}

pub(super) fn gaps(gaps: &Gaps) -> Vec<GapRow> {
    let rows = gaps.iter().map(|(sign, missing)| GapRow {
        call_sign: sign.to_string(),
        missing: missing.iter().map(step).collect(),
    });
    rows.collect()
}

/// A version of something that a recipient's machine gives its receipt for, whether or not anything is owed for it.
pub(super) struct Told<'t> {
    /// The object.
    pub about: &'t Reference,
    /// The version.
    pub version: &'t Reference,
    /// When it was said.
    pub at: UtcMs,
    /// Whose it is.
    pub by: &'t CallSign,
    /// To whom.
    pub to: &'t CallSign,
    /// Whether it got there.
    pub delivery: Delivery,
}
