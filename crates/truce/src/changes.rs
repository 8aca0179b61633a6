//! Changes of what is one's own, and what every log may say: `correct`, `retract`, `erase`, `erase.done`, `head.seen`.

use crate::participants::Entry;
use crate::values::{Label, List, Slug, Words};
use crate::wire::{Broken, body, rule};
use record::encoding::Hash;
use record::name::Origin;
use serde_json::{Map, Value};

body! {
    /// `correct/1`: an own statement should have said something else. The earlier words stay and are shown as corrected; no
    /// clock moves.
    ///
    /// ```json
    /// {"body": {"reason": "The place was wrong by 9 km"}, "corrected": {"precedence": "ROUTINE"}}
    /// ```
    Correct {
        /// Why.
        body: Reason,
        /// The whole body as it should have been. It must fit the kind of what it corrects.
        corrected: Option<Map<String, Value>>,
        /// The exact place as it should have been, of a report.
        corrected_exact: Option<Map<String, Value>>,
        /// The narrative as it should have been, of a report.
        corrected_narrative: Option<Map<String, Value>>,
        /// Who said it, for the own side.
        person: Option<Person>,
    }
    sense: something_is_corrected;
}

fn something_is_corrected(correct: &Correct) -> Result<(), Broken> {
    let any = [
        &correct.corrected,
        &correct.corrected_exact,
        &correct.corrected_narrative,
    ];
    rule(
        any.iter().any(|c| c.is_some()),
        "corrected",
        "must say what should have stood there",
    )
}

body! {
    /// Why something is changed.
    Reason {
        /// Why.
        reason: Words,
    }
}

body! {
    /// Who it was, for the own side alone: the person is never part of the rest.
    Person {
        /// Name or number.
        name: Label,
    }
}

body! {
    /// `retract/1`: an own statement no longer stands. It stays readable.
    ///
    /// ```json
    /// {"reason": "Filed twice"}
    /// ```
    Retract {
        /// Why.
        reason: Words,
    }
}

body! {
    /// `erase/1`: groups of an own statement are destroyed. That something was said stays.
    ///
    /// ```json
    /// {"groups": ["body"], "reason": "Names a witness"}
    /// ```
    Erase {
        /// The groups.
        groups: List<Slug, 1, 8>,
        /// Why.
        reason: Option<Words>,
    }
}

body! {
    /// `erase.done/1`: we destroyed what we held of it. About the `erase` of another.
    ///
    /// ```json
    /// {}
    /// ```
    EraseDone {
        /// Where copies remain that could not be reached, such as a backup with its date.
        remains: Option<Label>,
    }
}

body! {
    /// `head.seen/1`: we saw these heads of other logs. It proves that a head was seen, never that content was received.
    ///
    /// ```json
    /// {"heads": [{"origin": "truce.example/ru", "size": 413, "root": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}
    /// ```
    HeadSeen {
        /// The heads.
        heads: List<SeenHead, 1, 64>,
    }
}

body! {
    /// One head.
    SeenHead {
        /// Whose log.
        origin: Origin,
        /// How many entries.
        size: Entry,
        /// Their root.
        root: Hash,
    }
}
