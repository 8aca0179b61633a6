//! The clock of an exercise: it can be set, and runs as fast as it is told to. A live node has the system's.

use record::time::{Clock, UtcMs};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A clock that starts at a time and runs at a speed.
pub struct ExerciseClock(Mutex<Running>);

struct Running {
    from: UtcMs,
    since: Instant,
    /// Seconds of the exercise in one second.
    speed: u32,
}

/// Fastest, in seconds of the exercise in one second: a day in about a second and a half.
pub const SPEED_MAX: u32 = 60_000;

impl ExerciseClock {
    /// It shows `from` now, and runs at `speed`; with 0 it stands.
    #[must_use]
    pub fn new(from: UtcMs, speed: u32) -> Self {
        Self(Mutex::new(Running {
            from,
            since: Instant::now(),
            speed: speed.min(SPEED_MAX),
        }))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ExerciseClock {
    fn now(&self) -> UtcMs {
        let running = self.running();
        let passed = i64::try_from(running.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        UtcMs(running.from.0 + passed.saturating_mul(i64::from(running.speed)))
    }
}
