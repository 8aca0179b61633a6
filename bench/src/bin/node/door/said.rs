//! What is said: reports with their narrative, and messages with the person who sent them. About 1 KB each, two groups each.

use super::Outcome;
use crate::cast::Words;
use crate::speaker;
use crate::story::Dice;
use record::key::SecretKey;
use record::name::LogId;
use record::statement::Kid;
use record::time::{Clock, SystemClock, UtcMs};
use serde_json::json;
use std::sync::Arc;

/// Threads that sign: one for each processor of the machine that the goals are for.
const THREADS: u64 = 2;
/// Of a hundred statements so many are reports; the others are messages.
const REPORTS_PERCENT: u64 = 70;

/// Bodies of requests, each with a signed statement; no two alike.
pub struct Signed(Arc<Vec<Vec<u8>>>);

impl Signed {
    /// Signs `count` statements for `log` with the first of `desks`.
    pub fn some(desks: &[(Kid, SecretKey)], log: &LogId, count: u64) -> Outcome<Self> {
        let desk = desks.first().ok_or("the home keeps no desk's key")?;
        let now = SystemClock.now();
        let sign = |thread: u64| -> Outcome<Vec<Vec<u8>>> {
            let mut dice = Dice::new(now.0.unsigned_abs() + thread);
            let count = count / THREADS + u64::from(thread < count % THREADS);
            (0..count)
                .map(|_| body(&mut dice, now, desk, log))
                .collect()
        };
        let parts = std::thread::scope(|scope| {
            let signing: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || sign(thread)))
                .collect();
            let parts = signing
                .into_iter()
                .map(|part| part.join().map_err(|_| "a signing thread panicked")?);
            parts.collect::<Outcome<Vec<_>>>()
        })?;
        Ok(Self(Arc::new(parts.into_iter().flatten().collect())))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How long they are.
    pub fn mean_bytes(&self) -> f64 {
        let all: usize = self.0.iter().map(Vec::len).sum();
        all as f64 / self.0.len() as f64
    }

    /// For whoever brings them.
    pub fn bodies(&self) -> Arc<Vec<Vec<u8>>> {
        Arc::clone(&self.0)
    }
}

fn body(dice: &mut Dice, at: UtcMs, desk: &(Kid, SecretKey), log: &LogId) -> Outcome<Vec<u8>> {
    let (spot, tongue) = (dice.spot(), dice.tongue(0));
    let name = dice.surname(tongue);
    let words = tongue.text(dice.number() % 1000, 1, spot, &name);
    let (kind, groups) = if dice.percent(REPORTS_PERCENT) {
        speaker::report(dice, at, spot, tongue, &words)
    } else {
        let body = json!({"precedence": "ROUTINE", "to": ["RU"], "subject": "Road", "words": words, "language": tongue.tag()});
        let all: &[&str] = &["parties", "MISSION"];
        (
            "message.send/1",
            vec![
                ("body", all, body),
                ("person", &["own"][..], json!({"name": name})),
            ],
        )
    };
    let statement = Words {
        kind,
        at,
        about: vec![],
        groups,
    }
    .signed(desk, log)?;
    // What a statement is made of needs no escape in JSON.
    Ok(format!("{{\"statement\":\"{statement}\"}}").into_bytes())
}
