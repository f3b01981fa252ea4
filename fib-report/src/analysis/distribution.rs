//! How the speedups of the rounds are distributed, beyond their median.

use super::rounds::Series;
use crate::stats::{by_run, quantile, standard_deviation};
use schemars::JsonSchema;
use serde::Serialize;

/// How the speedups of the rounds are distributed. What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Distribution {
    /// The speedup that a tenth of the rounds do not reach.
    pub p10: Option<f64>,
    /// The speedup that a tenth of the rounds exceed.
    pub p90: Option<f64>,
    /// The standard deviation of ln S within runs: about the relative spread from round to round.
    pub within_runs: Option<f64>,
    /// The standard deviation of the median ln S of the runs: about the relative spread from run to run.
    pub between_runs: Option<f64>,
    /// If the rounds have two speeds: the median speedup of the slow rounds.
    pub slow: Option<f64>,
    /// If the rounds have two speeds: the median speedup of the fast rounds.
    pub fast: Option<f64>,
    /// If the rounds have two speeds: the share of the rounds that are slow.
    pub slow_share: Option<f64>,
}

impl Distribution {
    pub(super) fn new(speedups: &Series) -> Self {
        let all: Vec<f64> = speedups.values().map(|speedup| speedup.ln()).collect();
        let runs = by_run(speedups.iter().map(|(&round, speedup)| (round, speedup.ln())));
        let medians: Vec<f64> = runs.iter().filter_map(|run| quantile(run, 0.5)).collect();
        let within: f64 = runs.iter().flat_map(|run| squares_around_mean(run)).sum();
        let freedom = all.len() - runs.len();
        let (p10, p90) = (quantile(&all, 0.1).map(f64::exp), quantile(&all, 0.9).map(f64::exp));
        let two = two_speeds(all);
        Distribution {
            p10,
            p90,
            within_runs: (freedom > 0).then(|| (within / freedom as f64).sqrt()),
            between_runs: standard_deviation(&medians),
            slow: two.map(|two| two.slow.exp()),
            fast: two.map(|two| two.fast.exp()),
            slow_share: two.map(|two| two.slow_share),
        }
    }
}

fn squares_around_mean(values: &[f64]) -> impl Iterator<Item = f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(move |x| (x - mean) * (x - mean))
}

/// Each group has at least this share of the rounds.
const SMALLEST_SHARE: f64 = 0.15;

/// The fast rounds are at least this much faster, as a difference of ln S.
const SMALLEST_GAP: f64 = 0.05;

/// The medians of the groups are this many standard deviations of a group apart.
const SEPARATION: f64 = 6.0;

/// The fewest rounds in which two speeds are looked for.
const FEWEST_ROUNDS: usize = 24;

/// Two groups of rounds with a gap between them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TwoSpeeds {
    /// The median ln S of the slow rounds.
    slow: f64,
    /// The median ln S of the fast rounds.
    fast: f64,
    slow_share: f64,
}

/// Splits the rounds where the sum of the distances to the medians of both groups is smallest. `all` is ln S
/// of each round.
fn two_speeds(mut all: Vec<f64>) -> Option<TwoSpeeds> {
    all.sort_by(f64::total_cmp);
    let fewest = (SMALLEST_SHARE * all.len() as f64).ceil() as usize;
    if all.len() < FEWEST_ROUNDS {
        return None;
    }
    let mut sums = vec![0.0];
    for x in &all {
        sums.push(sums[sums.len() - 1] + x);
    }
    // The sum of the distances from the median of the values from..to, which are sorted.
    let distances = |from: usize, to: usize| {
        let middle = usize::midpoint(from, to);
        let balance = (to - middle) as f64 - (middle - from) as f64;
        sums[to] - 2.0 * sums[middle] + sums[from] - all[middle] * balance
    };
    let cost = |&split: &usize| distances(0, split) + distances(split, all.len());
    let split = (fewest..=all.len() - fewest).min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    let [slow, fast] = [&all[..split], &all[split..]].map(|part| quantile(part, 0.5));
    let (slow, fast) = (slow?, fast?);
    // The mean distance of a normal distribution is its standard deviation over 1.2533.
    let spread = 1.2533 * cost(&split) / (all.len() - 2) as f64;
    let is_clear = fast - slow > SMALLEST_GAP && fast - slow > SEPARATION * spread;
    is_clear.then_some(TwoSpeeds { slow, fast, slow_share: split as f64 / all.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sum of some uniform numbers: one speed, whose spread is about a percent.
    fn one_speed(draws: &[[f64; 4]]) -> Vec<f64> {
        draws.iter().map(|parts| 0.01 * parts.iter().sum::<f64>()).collect()
    }

    proptest! {
        #[test]
        fn one_speed_is_not_two(draws in prop::collection::vec(any::<[f64; 4]>()
            .prop_map(|parts| parts.map(|x| (x.to_bits() >> 11) as f64 / (1u64 << 53) as f64)), 24..100))
        {
            prop_assert_eq!(two_speeds(one_speed(&draws)), None);
        }
    }

    #[test]
    fn two_speeds_are_found_with_the_share_of_each() {
        let jitter = |i: usize| 0.01 * ((i * 7919) % 13) as f64 / 13.0;
        let speed = |i: usize| if i.is_multiple_of(4) { 0.0 } else { 0.6 };
        let rounds: Vec<f64> = (0..40).map(|i| speed(i) + jitter(i)).collect();
        let found = two_speeds(rounds.clone()).unwrap();
        assert!((found.slow_share - 0.25).abs() < 1e-9, "{found:?}");
        assert!((found.fast - found.slow - 0.6).abs() < 0.01, "{found:?}");
        assert_eq!(two_speeds(rounds[..20].to_vec()), None, "too few rounds");
        // A single slow round is an outlier.
        let mut outlier = vec![0.0; 40];
        outlier[7] = -1.0;
        assert_eq!(two_speeds(outlier), None);
    }
}
