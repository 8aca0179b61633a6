//! Tolls: how many, of whom, where, when, by whose count. A range with its source; what has another scope is never added.

use crate::claims::Source;
use crate::values::{Count, Label, List, Pcode, Time, Words};
use crate::wire::{Broken, body, rule, words};

words! {
    /// What happened to them.
    Harm {
        /// Killed.
        Killed = "killed",
        /// Injured.
        Injured = "injured",
        /// Missing.
        Missing = "missing",
        /// Detained.
        Detained = "detained",
        /// Displaced.
        Displaced = "displaced",
    }
}

words! {
    /// Of whom.
    Population {
        /// Everybody.
        Everybody = "everybody",
        /// Civilians.
        Civilians = "civilians",
        /// Combatants.
        Combatants = "combatants",
        /// Children.
        Children = "children",
        /// Women.
        Women = "women",
        /// Humanitarian and medical workers.
        HumanitarianWorkers = "humanitarian_workers",
    }
}

body! {
    /// `toll.record/1`: a number of persons, as somebody gave it.
    ///
    /// ```json
    /// {"harm": "killed", "population": "everybody", "low": 400000, "area": "Syria", "pcodes": ["SY"],
    ///  "from": "2011-03-15T00:00:00Z", "until": "2016-04-22T00:00:00Z", "given_by": "Special Envoy", "official": false,
    ///  "method": "own estimate", "source": {"title": "Press report of 23 April 2016"}}
    /// ```
    Toll {
        /// What happened to them.
        harm: Harm,
        /// Of whom.
        population: Population,
        /// At least.
        low: Option<Count>,
        /// Most likely.
        best: Option<Count>,
        /// At most.
        high: Option<Count>,
        /// Out of how many persons.
        denominator: Option<Count>,
        /// Where.
        area: Label,
        /// Place codes of the area.
        pcodes: List<Pcode, 0, 32>,
        /// Start of the period.
        from: Time,
        /// End of the period.
        until: Time,
        /// Who gave the number.
        given_by: Label,
        /// Whether it is that source's official number.
        official: bool,
        /// How it was found.
        method: Option<Words>,
        /// Where it was published.
        source: Source,
    }
    sense: range_is_in_order;
}

fn range_is_in_order(toll: &Toll) -> Result<(), Broken> {
    let given: Vec<Count> = [toll.low, toll.best, toll.high]
        .into_iter()
        .flatten()
        .collect();
    rule(
        !given.is_empty(),
        "best",
        "must stand there when neither low nor high does",
    )?;
    rule(given.is_sorted(), "best", "lies between low and high")?;
    rule(toll.from.utc() < toll.until.utc(), "until", "is after from")
}

/// A sum of tolls. A bound that one of them does not give is not known of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// At least.
    pub low: Option<i64>,
    /// Most likely.
    pub best: Option<i64>,
    /// At most.
    pub high: Option<i64>,
}

/// Why tolls are not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// There is nothing to add.
    #[error("there is nothing to add")]
    Nothing,
    /// They differ in what has to be the same.
    #[error("{0} differs: what is counted differently is not added")]
    Differs(&'static str),
    /// The same persons may be counted twice.
    #[error("items {0} and {1} overlap in area and period: the same persons may be counted twice")]
    Overlap(usize, usize),
}

/// Adds tolls of one harm, population, source and method whose scopes do not overlap: the same area in periods that do not
/// overlap, or areas with place codes of which none contains another.
///
/// # Errors
/// [`Incompatible`] says why they are not added.
pub fn sum(tolls: &[&Toll]) -> Result<Sum, Incompatible> {
    let first = tolls.first().ok_or(Incompatible::Nothing)?;
    let differs = |what, same: &dyn Fn(&Toll) -> bool| {
        if tolls.iter().all(|toll| same(toll)) {
            Ok(())
        } else {
            Err(Incompatible::Differs(what))
        }
    };
    differs("harm", &|toll| toll.harm == first.harm)?;
    differs("population", &|toll| toll.population == first.population)?;
    differs("given_by", &|toll| toll.given_by == first.given_by)?;
    differs("method", &|toll| toll.method == first.method)?;
    for (i, a) in tolls.iter().enumerate() {
        for (j, b) in tolls.iter().enumerate().skip(i + 1) {
            if !apart_in_time(a, b) && !apart_in_space(a, b) {
                return Err(Incompatible::Overlap(i, j));
            }
        }
    }
    let add = |part: fn(&Toll) -> Option<Count>| {
        tolls.iter().map(|toll| part(toll).map(Count::get)).sum()
    };
    Ok(Sum {
        low: add(|t| t.low),
        best: add(|t| t.best),
        high: add(|t| t.high),
    })
}

fn apart_in_time(a: &Toll, b: &Toll) -> bool {
    a.until.utc() <= b.from.utc() || b.until.utc() <= a.from.utc()
}

/// Places are apart when both are named by codes and no code is, or lies in, one of the other's. A code lies in the one that it
/// begins with.
fn apart_in_space(a: &Toll, b: &Toll) -> bool {
    let within = |a: &Pcode, b: &Pcode| {
        a.as_str().starts_with(b.as_str()) || b.as_str().starts_with(a.as_str())
    };
    let named = !a.pcodes.is_empty() && !b.pcodes.is_empty();
    named
        && a.pcodes
            .iter()
            .all(|x| b.pcodes.iter().all(|y| !within(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Place, Wire};
    use serde_json::json;

    fn toll(pcode: &str, from: &str, until: &str, best: i64) -> Toll {
        let body = json!({"harm": "killed", "population": "everybody", "low": 1, "best": best, "area": "there", "pcodes": [pcode],
            "from": from, "until": until, "given_by": "UCDP", "official": true, "source": {"title": "GED"}});
        Toll::read(&body, &Place::Top).unwrap()
    }
    const MARCH: (&str, &str) = ("2016-03-01T00:00:00Z", "2016-04-01T00:00:00Z");
    const APRIL: (&str, &str) = ("2016-04-01T00:00:00Z", "2016-05-01T00:00:00Z");

    #[test]
    fn periods_and_places_that_do_not_overlap_are_added() {
        let (march, april) = (
            toll("SY02", MARCH.0, MARCH.1, 3),
            toll("SY02", APRIL.0, APRIL.1, 4),
        );
        let homs = toll("SY04", MARCH.0, MARCH.1, 5);
        let all = sum(&[&march, &april, &homs]).unwrap();
        assert_eq!((all.low, all.best, all.high), (Some(3), Some(12), None));
    }

    #[test]
    fn what_may_count_the_same_persons_twice_is_never_added() {
        let (aleppo, district) = (
            toll("SY02", MARCH.0, MARCH.1, 3),
            toll("SY0200", MARCH.0, APRIL.1, 4),
        );
        assert_eq!(sum(&[&aleppo, &district]), Err(Incompatible::Overlap(0, 1)));
        let mut injured = toll("SY04", APRIL.0, APRIL.1, 4);
        injured.harm = Harm::Injured;
        assert_eq!(
            sum(&[&aleppo, &injured]),
            Err(Incompatible::Differs("harm"))
        );
        assert_eq!(sum(&[]), Err(Incompatible::Nothing));
    }
}
