//! Somebody of the mission who goes on saying things while something else is measured.

use crate::cast::{SIGNS, Words};
use crate::story::Dice;
use crate::words::{Spot, Tongue};
use crate::world::World;
use bench::Outcome;
use node::Node;
use node::authority::Eyes;
use node::home::Home;
use node::views::ListQuery;
use record::key::SecretKey;
use record::name::{LogId, Reference};
use record::statement::{Kid, Statement};
use record::time::UtcMs;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The name of a group, its readers, and what it holds.
pub type Group = (&'static str, &'static [&'static str], serde_json::Value);

/// Others' statements that are answered.
const TARGETS: u32 = 500;
/// What goes wrong is told after so many answers.
type Refused = Arc<std::sync::Mutex<Option<String>>>;

/// Says reports, messages, acknowledgements, answers and comments.
pub struct Speaker {
    desk: (Kid, SecretKey),
    log: LogId,
    dice: Dice,
    now: UtcMs,
    targets: Vec<Reference>,
}

impl Speaker {
    /// With the keys of the first desk.
    pub fn new(world: &World, node: &Node) -> Outcome<Self> {
        let desk = Home::new(&world.home).desks()?.into_iter().next();
        let own = node.own_of(&SIGNS[0].parse()?)?;
        let log = own.source.log().ok_or("the node's own log is not open")?;
        let query = ListQuery {
            limit: TARGETS,
            ..ListQuery::default()
        };
        let mut targets = Vec::new();
        for by in &SIGNS[1..] {
            let query = ListQuery {
                by: Some((*by).into()),
                ..query.clone()
            };
            let rows = node
                .views(&Eyes::Node)
                .statements(Some("message.send/1"), &query)?;
            for row in rows.items {
                targets.push(row.reference.parse()?);
            }
        }
        Ok(Self {
            desk: desk.ok_or("the home keeps no desk's key")?,
            log: log.id().clone(),
            dice: Dice::new(11),
            now: node.now(),
            targets,
        })
    }

    /// The next statement: about 1 KB, two groups for different readers where it tells facts.
    pub fn next(&mut self) -> Outcome<Statement> {
        self.now = UtcMs(self.now.0 + 10);
        let (spot, tongue) = (self.dice.spot(), self.dice.tongue(0));
        let name = tongue.surname(self.dice.below(1728));
        let words = tongue.text(self.dice.number() % 1000, 2, spot, &name);
        let at = self.now;
        let about = match self.dice.below(10) {
            0..6 => vec![],
            _ => vec![self.dice.one(&self.targets).clone()],
        };
        let all: &[&str] = &["parties", "MISSION"];
        let (kind, groups) = if !about.is_empty() {
            match self.dice.below(3) {
                0 => (
                    "acknowledge/1",
                    vec![("body", all, json!({"languages_on_duty": "yes"}))],
                ),
                1 => (
                    "answer/1",
                    vec![(
                        "body",
                        all,
                        json!({"reply": "words", "words": words, "language": tongue.tag()}),
                    )],
                ),
                _ => (
                    "comment/1",
                    vec![(
                        "body",
                        all,
                        json!({"words": words, "language": tongue.tag()}),
                    )],
                ),
            }
        } else if self.dice.percent(30) {
            let body = json!({"precedence": "ROUTINE", "to": ["RU"], "subject": "Road", "words": words, "language": tongue.tag()});
            ("message.send/1", vec![("body", all, body)])
        } else {
            report(&mut self.dice, self.now, spot, tongue, &words)
        };
        Words {
            kind,
            at,
            about,
            groups,
        }
        .signed(&self.desk, &self.log)
    }

    /// Goes on at `per_second` while `work` is done; what that comes to, and how many statements were said.
    pub fn beside<T>(
        &mut self,
        node: &Arc<Node>,
        per_second: u64,
        work: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<(T, u64)> {
        let (ended, said) = (AtomicBool::new(false), Arc::new(AtomicU64::new(0)));
        let refused: Refused = Arc::default();
        let worked = std::thread::scope(|scope| {
            let saying = scope.spawn(|| self.go_on(node, per_second, &ended, &said, &refused));
            let worked = work();
            ended.store(true, Ordering::Relaxed);
            saying
                .join()
                .map_err(|_| "whoever says something panicked")??;
            worked
        })?;
        let refused = refused.lock().map_err(|_| "a lock is poisoned")?.take();
        match refused {
            Some(refused) => Err(refused.into()),
            None => Ok((worked, said.load(Ordering::Relaxed))),
        }
    }

    fn go_on(
        &mut self,
        node: &Arc<Node>,
        per_second: u64,
        ended: &AtomicBool,
        said: &Arc<AtomicU64>,
        refused: &Refused,
    ) -> Outcome {
        let from = Instant::now();
        let every = Duration::from_secs(1) / u32::try_from(per_second)?;
        let mut count = 0;
        while !ended.load(Ordering::Relaxed) {
            let statement = Arc::new(self.next()?);
            count += 1;
            std::thread::sleep((every * count).saturating_sub(from.elapsed()));
            let (said, refused) = (Arc::clone(said), Arc::clone(refused));
            node.submit(statement, move |result| match result {
                Ok(_) => drop(said.fetch_add(1, Ordering::Relaxed)),
                Err(error) => {
                    if let Ok(mut refused) = refused.lock() {
                        *refused = Some(error.to_string());
                    }
                }
            });
        }
        Ok(())
    }
}

/// A report of two groups.
pub fn report(
    dice: &mut Dice,
    at: UtcMs,
    spot: &Spot,
    tongue: Tongue,
    words: &str,
) -> (&'static str, Vec<Group>) {
    let at = at.to_string();
    let body = json!({"category": "shelling", "from": at, "until": at, "date_precision": 1, "means": ["heard"],
        "pcodes": [&spot.code[..4], spot.code], "place_precision": 3, "place_name": tongue.name(spot),
        "counts": [{"number": 1 + dice.below(30), "unit": "explosion"}]});
    let narrative = json!({"words": words, "language": tongue.tag()});
    (
        "report.file/1",
        vec![
            ("body", &["parties", "MISSION"], body),
            ("narrative", &["MISSION"], narrative),
        ],
    )
}
