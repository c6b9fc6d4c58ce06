//! Percentiles.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A distribution of durations, in milliseconds. All zero where nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many durations.
    pub count: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them were at most this long.
    pub p50_ms: f64,
    /// Nine in ten were at most this long.
    pub p90_ms: f64,
    /// 99 in 100 were at most this long.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Latency {
    /// The distribution of durations given in microseconds, in any order.
    ///
    /// Percentiles are nearest-rank: each is a duration that did occur.
    pub fn from_micros(mut micros: Vec<u32>) -> Self {
        if micros.is_empty() {
            return Self::default();
        }
        micros.sort_unstable();
        let count = micros.len();
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).max(1);
            f64::from(micros[rank - 1]) / 1_000.0
        };
        let sum: u64 = micros.iter().map(|m| u64::from(*m)).sum();
        Self {
            count: count as u64,
            mean_ms: sum as f64 / count as f64 / 1_000.0,
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: at(100),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms
        )
    }
}

/// `amount / seconds`, or zero where no time passed.
pub(crate) fn per_second(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred = Latency::from_micros((1..=100).rev().map(|n| n * 1_000).collect());
        assert_eq!(
            (hundred.p50_ms, hundred.p90_ms, hundred.p99_ms, hundred.max_ms),
            (50.0, 90.0, 99.0, 100.0)
        );
        assert_eq!(hundred.mean_ms, 50.5);
        assert_eq!(hundred.count, 100);
        let three = Latency::from_micros(vec![3_000, 1_000, 2_000]);
        assert_eq!((three.p50_ms, three.p90_ms, three.p99_ms), (2.0, 3.0, 3.0));
    }

    #[test]
    fn small_inputs_do_not_panic() {
        assert_eq!(Latency::from_micros(vec![]), Latency::default());
        let one = Latency::from_micros(vec![1_500]);
        assert_eq!((one.p50_ms, one.p99_ms, one.max_ms, one.mean_ms), (1.5, 1.5, 1.5, 1.5));
    }

    #[test]
    fn rates_survive_no_time() {
        assert_eq!(per_second(10.0, 0.0), 0.0);
        assert_eq!(per_second(10.0, 4.0), 2.5);
    }
}
