//! Medians of five, percentiles, and who used the processor.

use crate::Outcome;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Runs of each measurement; the median counts.
pub const RUNS: usize = 5;

/// The middle one. Of an even number, the lower of the two in the middle; of none, not a number.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The smallest value that at least `part` of all values do not exceed.
#[must_use]
pub fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Takes [`RUNS`] measurements and gives their median.
///
/// # Errors
/// The first that a measurement gives.
pub fn five(mut run: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let values: Vec<f64> = (0..RUNS).map(|_| run()).collect::<Outcome<_>>()?;
    Ok(median(&values))
}

/// Half and nearly all of some latencies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

impl Latency {
    /// Of one run.
    #[must_use]
    pub fn of(taken: &[Duration]) -> Self {
        let ms: Vec<f64> = taken.iter().map(|t| t.as_secs_f64() * 1e3).collect();
        Self {
            p50_ms: percentile(&ms, 0.5),
            p99_ms: percentile(&ms, 0.99),
        }
    }

    /// The medians of several runs.
    #[must_use]
    pub fn median(runs: &[Self]) -> Self {
        let each = |of: fn(&Self) -> f64| median(&runs.iter().map(of).collect::<Vec<_>>());
        Self {
            p50_ms: each(|run| run.p50_ms),
            p99_ms: each(|run| run.p99_ms),
        }
    }
}

/// Time on a processor and time spent waiting for one, per name of the threads of this process.
#[derive(Debug, Clone, Default)]
pub struct Processor(BTreeMap<String, (f64, f64)>);

impl Processor {
    /// As the kernel counts it now; empty where it does not. A thread that ended is no longer counted.
    #[must_use]
    pub fn now() -> Self {
        let mut used = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task")
            .into_iter()
            .flatten()
            .flatten()
        {
            let text = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let counts = text("schedstat");
            let mut counts = counts.split(' ').map(|ns| ns.parse::<f64>().unwrap_or(0.0));
            let (on, waiting) = (
                counts.next().unwrap_or_default(),
                counts.next().unwrap_or_default(),
            );
            let sum: &mut (f64, f64) = used.entry(text("comm").trim().to_owned()).or_default();
            sum.0 += on / 1e3;
            sum.1 += waiting / 1e3;
        }
        Self(used)
    }

    /// Per thread name: microseconds on a processor and waiting for one since `earlier`, for each of `count` pieces of work.
    #[must_use]
    pub fn since(&self, earlier: &Self, count: usize) -> Vec<(String, f64, f64)> {
        let spent = self.0.iter().map(|(name, (on, waiting))| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            let each = |us: f64| us / count as f64;
            (name.clone(), each(on - before.0), each(waiting - before.1))
        });
        spent.filter(|(_, on, _)| *on > 0.05).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_five_is_the_third() {
        assert!((median(&[5.0, 1.0, 4.0, 2.0, 3.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert!((percentile(&values, 0.99) - 198.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 1.0) - 200.0).abs() < f64::EPSILON);
    }
}
