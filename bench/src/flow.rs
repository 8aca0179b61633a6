//! Keeping a fixed number of writers in flight: each has one piece of work out, and gives out the next when that is answered.

use std::sync::{Condvar, Mutex, PoisonError};

/// Places for writers.
pub struct Places {
    state: Mutex<State>,
    changed: Condvar,
    all: usize,
}

struct State {
    free: usize,
    waiting: usize,
}

impl Places {
    /// `all` free places.
    #[must_use]
    pub fn new(all: usize) -> Self {
        let state = State {
            free: all,
            waiting: 0,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            all,
        }
    }

    /// Takes a place; waits for one.
    pub fn enter(&self) {
        self.wait(|state| state.free > 0);
    }

    /// Gives a place back.
    pub fn leave(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += 1;
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.changed.notify_all();
        }
    }

    /// Waits until every place was given back.
    pub fn drain(&self) {
        self.wait(|state| state.free == self.all);
        self.leave();
    }

    /// Waits until `ready`, then takes a place.
    fn wait(&self, ready: impl Fn(&State) -> bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !ready(&state) {
            state.waiting += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.free -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_than_the_places_are_in_flight() {
        let (places, inside, most) = (Places::new(3), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        places.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        places.leave();
                    }
                });
            }
        });
        places.drain();
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }
}
