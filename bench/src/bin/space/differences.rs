//! Where a peer answers otherwise, and whether the rounding of a grid explains it.

use geo::{Distance, Euclidean, Intersects, Point, Translate};

use crate::Workload;
use crate::workload::{Moment, Thing};

/// Two answers may differ where less than this decides, millimetres: two steps of the grid of 1e-8 degree.
const EXPLAINED_MM: f64 = 2.0;
/// Steps by which two areas are moved apart, millimetres.
const STEPS_MM: [f64; 4] = [0.5, 1.0, 1.5, 1.99];
/// Most that are printed of one peer.
const PRINTED: usize = 20;
/// Millimetres in a degree of latitude.
const MM_PER_DEGREE: f64 = 111_320_000.0;

/// All differences of one size.
#[derive(Default)]
pub struct Differences {
    all: usize,
    unexplained: usize,
}

/// Those of one peer.
pub struct Found<'a> {
    total: &'a mut Differences,
    name: &'static str,
    work: &'a Workload,
    hits: [usize; 2],
    all: usize,
}

impl Differences {
    pub fn of<'a>(&'a mut self, name: &'static str, work: &'a Workload) -> Found<'a> {
        Found {
            total: self,
            name,
            work,
            hits: [0, 0],
            all: 0,
        }
    }

    /// No difference may be left that the grid does not explain.
    pub fn goal(&self, word: &str) -> String {
        let ok = if self.unexplained == 0 { "ok" } else { "short" };
        println!(
            "{word}: {} differing hits, {} of them not explained by {EXPLAINED_MM} mm",
            self.all, self.unexplained
        );
        format!(
            "GOAL unexplained_differences_{word} {} <=0 {ok}",
            self.unexplained
        )
    }
}

impl Found<'_> {
    /// Compares an answer with ours, both in order.
    pub fn compare(&mut self, kind: usize, question: usize, theirs: &[u32]) {
        let ours = &self.work.answers[kind][question];
        self.hits[kind] += theirs.len();
        if ours == theirs {
            return;
        }
        let only = |a: &[u32], b: &[u32]| -> Vec<u32> {
            a.iter()
                .filter(|id| b.binary_search(id).is_err())
                .copied()
                .collect()
        };
        for (id, by_us) in only(ours, theirs)
            .into_iter()
            .map(|id| (id, true))
            .chain(only(theirs, ours).into_iter().map(|id| (id, false)))
        {
            let thing = &self.work.volumes[id as usize];
            let apart = if kind == 0 {
                decides_mm(thing, &self.work.questions[question])
            } else {
                decides_at_mm(thing, &self.work.moments[question])
            };
            let explained = apart < EXPLAINED_MM;
            self.all += 1;
            self.total.all += 1;
            self.total.unexplained += usize::from(!explained);
            if self.all <= PRINTED || !explained {
                let (whose, why) = (
                    if by_us { "ours" } else { "theirs" },
                    if explained {
                        "explained"
                    } else {
                        "NOT EXPLAINED"
                    },
                );
                println!(
                    "DIFFERENCE {} question {kind}/{question}: volume {id} only in {whose}; {apart:.3} mm decide: {why}",
                    self.name
                );
            }
        }
    }

    pub fn report(self) {
        println!(
            "{}: {} conflicts, {} holders, {} differing hits",
            self.name, self.hits[0], self.hits[1], self.all
        );
    }
}

/// How far one of two areas would have to move for the verdict to change, millimetres: how far they are apart, or the shortest of some steps in any of sixteen directions that takes them apart. Infinite when time or height decide, or when no such step does.
fn decides_mm(a: &Thing, b: &Thing) -> f64 {
    if !a.shares_time_and_height(b) {
        return f64::INFINITY;
    }
    let (p, q) = (a.polygon(), b.polygon());
    let apart = Euclidean.distance(&p, &q) * MM_PER_DEGREE;
    if apart > 0.0 {
        return apart;
    }
    let takes_apart = |mm: f64| {
        (0..16).any(|i| {
            let angle = f64::from(i) / 16.0 * std::f64::consts::TAU;
            let (x, y) = (
                angle.cos() * mm / MM_PER_DEGREE,
                angle.sin() * mm / MM_PER_DEGREE,
            );
            !p.translate(x, y).intersects(&q)
        })
    };
    let step = STEPS_MM.into_iter().find(|&mm| takes_apart(mm));
    step.unwrap_or(f64::INFINITY)
}

/// How far a place is from the border of an area, millimetres; infinite when time decides.
fn decides_at_mm(thing: &Thing, moment: &Moment) -> f64 {
    if moment.at_ms < thing.start_ms || moment.at_ms >= thing.end() {
        return f64::INFINITY;
    }
    let [x, y] = moment.place.map(|v| v as f64 / 1e8);
    Euclidean.distance(&Point::new(x, y), thing.polygon().exterior()) * MM_PER_DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(west: i64, side: i64) -> Thing {
        let (east, south) = (west + side, 3_600_000_000);
        Thing {
            ring: vec![
                [west, south],
                [east, south],
                [east, south + side],
                [west, south + side],
            ],
            start_ms: 0,
            end_ms: None,
            low_cm: 0,
            high_cm: 100,
        }
    }

    #[test]
    fn one_step_of_the_grid_explains_and_ten_do_not() {
        let a = square(3_700_000_000, 1_000_000);
        for (step, explained) in [(1, true), (10, false), (-1, true), (-10, false)] {
            let b = square(3_701_000_000 + step, 1_000_000);
            assert_eq!(decides_mm(&a, &b) < EXPLAINED_MM, explained, "{step}");
        }
        let late = Thing {
            start_ms: 10,
            end_ms: Some(20),
            ..square(3_701_000_000, 1_000_000)
        };
        let early = Thing {
            end_ms: Some(10),
            ..square(3_700_000_000, 1_000_000)
        };
        assert!(decides_mm(&early, &late).is_infinite());
    }
}
