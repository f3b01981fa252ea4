//! Medians, and intervals that should hold for the next measurement too.
//!
//! The rounds of one run share their runners, so they are not independent. The interval of a median
//! is that of the sign test over all rounds, whose ranks are moved outwards as far as the runs differ more
//! than independent rounds would.

use crate::sample::Round;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use std::collections::BTreeMap;

/// Confidence that all intervals that are compared at once hold together.
pub const CONFIDENCE: f64 = 0.99;

/// No interval has a higher error rate than this. With it, an interval also holds the median of the next
/// measurement in 98 % of cases, because two medians differ by sqrt(2) as much as one differs from the truth.
const HIGHEST_ALPHA: f64 = 0.001;

/// Two comparisons differ by more than their runs show, because the machine itself changes from minute to
/// minute. This is the standard deviation of ln S that they add. `scripts/pairs-check` counted 4.0 % of medians
/// outside the next interval without it, and 1.9 % with it; it was chosen on these pairs.
const BETWEEN_COMPARISONS: f64 = 0.004;

/// The error rate of each of `comparisons` intervals that are read together (Bonferroni).
fn alpha(comparisons: usize) -> f64 {
    HIGHEST_ALPHA.min((1.0 - CONFIDENCE) / comparisons.max(1) as f64)
}

/// A median with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(into = "EstimateFields")]
pub struct Estimate {
    pub median: f64,
    /// The interval; `None` if there are too few rounds or runs for its confidence.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// The median and the interval of all values, corrected for `comparisons` intervals that are read
    /// together. The values of one run stand together; with a single run, its values count as independent.
    /// `None` without values.
    pub fn of_runs(runs: &[Vec<f64>], comparisons: usize) -> Option<Self> {
        let mut values = runs.concat();
        values.sort_by(f64::total_cmp);
        let median = median_of_sorted(&values)?;
        let alpha = alpha(comparisons);
        let runs: Vec<&Vec<f64>> = runs.iter().filter(|run| !run.is_empty()).collect();
        if runs.len() < 2 {
            let enclosed = |rank: usize| (values[rank - 1], values[values.len() - rank]);
            return Some(Estimate { median, interval: rank(values.len(), alpha).map(enclosed) });
        }
        let by_rounds = spread_rank(&values, &runs, median, alpha)
            .map(|rank| (values[rank - 1], values[values.len() - rank]));
        let interval = match by_rounds {
            Some(interval) if runs.len() >= FEW_RUNS => Some(interval),
            _ => hull(by_rounds, of_run_medians(&runs, median, alpha)),
        };
        Some(Estimate { median, interval })
    }

    /// The same estimate with an interval that allows for the next comparison: what comparisons add is
    /// independent of what runs show, so the squares add up. `unit` is what a relative difference is a share
    /// of: 1 for a logarithm of ratios, and a time for a difference of times.
    pub(crate) fn for_the_next_comparison(self, unit: f64, comparisons: usize) -> Self {
        let normal = Normal::standard().inverse_cdf(1.0 - alpha(comparisons) / 2.0);
        let added = normal * BETWEEN_COMPARISONS * unit;
        let widened = |(low, high): (f64, f64)| {
            let (below, above) = (self.median - low, high - self.median);
            (self.median - below.hypot(added), self.median + above.hypot(added))
        };
        Estimate { interval: self.interval.map(widened), ..self }
    }

    /// The half-width of the interval: the distance from the median to the farther end, relative to
    /// the median.
    pub fn half_width(&self) -> Option<f64> {
        let (low, high) = self.interval?;
        Some((high - self.median).max(self.median - low) / self.median)
    }

    /// The estimate of a positive multiple.
    pub fn scaled(self, factor: f64) -> Self {
        let interval = self.interval.map(|(low, high)| (low * factor, high * factor));
        Estimate { median: self.median * factor, interval }
    }

    /// The estimate of f(x), for a function f that falls.
    pub(crate) fn falling(self, f: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(|(low, high)| (f(high), f(low)));
        Estimate { median: f(self.median), interval }
    }

    /// The ratio of this positive estimate to another, which comes from other runs. What the end of an interval
    /// is away from its median adds up by squares, in logarithms.
    pub(crate) fn over(self, other: Self) -> Self {
        let median = self.median / other.median;
        let distances = |estimate: Self| {
            let (low, high) = estimate.interval?;
            Some(((estimate.median / low).ln(), (high / estimate.median).ln()))
        };
        let ends = |((below, above), (other_below, other_above)): ((f64, f64), (f64, f64))| {
            let (below, above) = (below.hypot(other_above), above.hypot(other_below));
            (median * (-below).exp(), median * above.exp())
        };
        Estimate { median, interval: distances(self).zip(distances(other)).map(ends) }
    }

    /// The estimate of e^x, if this is an estimate of x.
    pub fn exp(self) -> Self {
        let interval = self.interval.map(|(low, high)| (low.exp(), high.exp()));
        Estimate { median: self.median.exp(), interval }
    }
}

/// Values of rounds, in groups of the same run.
pub(crate) fn by_run(values: impl Iterator<Item = (Round, f64)>) -> Vec<Vec<f64>> {
    let mut runs: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for ((run, _), value) in values {
        runs.entry(run).or_default().push(value);
    }
    runs.into_values().collect()
}

/// An estimate as it stands in reports; null where there is nothing.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Estimate")]
struct EstimateFields {
    median: Option<f64>,
    /// The lower end of the interval.
    low: Option<f64>,
    /// The upper end of the interval.
    high: Option<f64>,
}

impl From<Estimate> for EstimateFields {
    fn from(Estimate { median, interval }: Estimate) -> Self {
        let (low, high) = interval.unzip();
        EstimateFields { median: Some(median).filter(|median| median.is_finite()), low, high }
    }
}

/// Serializes an estimate that may be missing as three nulls, so that every line has the same
/// fields.
pub(crate) fn with_nulls<S: Serializer>(
    estimate: &Option<Estimate>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const MISSING: Estimate = Estimate { median: f64::NAN, interval: None };
    estimate.unwrap_or(MISSING).serialize(serializer)
}

fn median_of_sorted(values: &[f64]) -> Option<f64> {
    let middle = values.len() / 2;
    match values {
        [] => None,
        _ if values.len() % 2 == 1 => Some(values[middle]),
        _ => Some(values[middle - 1].midpoint(values[middle])),
    }
}

/// With fewer runs than this, the interval of the runs' medians widens the interval of the rounds.
const FEW_RUNS: usize = 8;

/// With fewer runs than this there is no interval.
const FEWEST_RUNS: usize = 3;

/// The interval that holds both; without the second there is none.
fn hull(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    let (low, high) = b?;
    Some(a.map_or((low, high), |a| (a.0.min(low), a.1.max(high))))
}

/// The rank of the sign test over all values, moved outwards for runs. In run k, S_k is how many more values
/// lie above the median than below. If the values were independent, the mean of S_k^2 over the number of
/// values in a run would be 1. What it is more, the design effect, multiplies the variance of the rank; the
/// quantile of Student in place of the normal one allows for the few runs that it is estimated from. (The
/// design effect is that of cluster samples: Kish, Survey Sampling, 1965.)
fn spread_rank(values: &[f64], runs: &[&Vec<f64>], median: f64, alpha: f64) -> Option<usize> {
    let (n, k) = (values.len() as f64, runs.len() as f64);
    let sign = |x: &f64| f64::from(i8::from(*x > median) - i8::from(*x < median));
    let sums = runs.iter().map(|run| run.iter().map(sign).sum::<f64>());
    let effect = k / (k - 1.0) * sums.map(|sum| sum * sum).sum::<f64>() / n;
    let normal = Normal::standard().inverse_cdf(1.0 - alpha / 2.0);
    let few = student_quantile(k - 1.0, alpha)? / normal;
    let effect = 1.0 + (effect - 1.0).max(0.0) * few * few;
    let middle = (n + 1.0) / 2.0;
    let distance = (middle - rank(values.len(), alpha)? as f64) * effect.sqrt();
    let rank = (middle - distance + 1e-9).floor();
    (rank >= 1.0).then_some(rank as usize)
}

/// The interval of Student's t over the medians of the runs, around the median of all values. It holds all
/// these medians.
fn of_run_medians(runs: &[&Vec<f64>], median: f64, alpha: f64) -> Option<(f64, f64)> {
    let medians: Vec<f64> = runs.iter().filter_map(|run| quantile(run, 0.5)).collect();
    let count = medians.len() as f64;
    if medians.len() < FEWEST_RUNS {
        return None;
    }
    let half = student_quantile(count - 1.0, alpha)? * standard_deviation(&medians)? / count.sqrt();
    let (low, high) = (quantile(&medians, 0.0)?, quantile(&medians, 1.0)?);
    Some((low.min(median - half), high.max(median + half)))
}

/// The quantile of Student's t that both tails together exceed with probability alpha.
fn student_quantile(freedom: f64, alpha: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - alpha / 2.0))
}

/// The sample standard deviation; `None` for fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (count > 1.0).then(|| (squares / (count - 1.0)).sqrt())
}

/// The quantile of `values`, with a line between the order statistics; `None` without values.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let position = share * values.len().checked_sub(1)? as f64;
    let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
    Some(low + (high - low) * position.fract())
}

/// The largest k for which the k-th smallest and the k-th largest of n values enclose the median
/// with probability at least 1 - alpha. This is the largest k with 2 P(B < k) <= alpha, where B has
/// the binomial distribution (n, 1/2).
fn rank(n: usize, alpha: f64) -> Option<usize> {
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2; // ln P(B = k)
    let mut tail = 0.0; // P(B < k)
    let mut k = 0;
    loop {
        tail += ln_term.exp();
        if 2.0 * tail > alpha || k >= n / 2 {
            return (k > 0).then_some(k);
        }
        ln_term += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
        k += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let median = |values| Some(Estimate::of_runs(&[values], 1)?.median);
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_ratio_is_as_uncertain_as_both_together() {
        let estimate = |median: f64, below: f64, above: f64| Estimate {
            median,
            interval: Some((median * (-below).exp(), median * above.exp())),
        };
        let ratio = estimate(3.0, 0.03, 0.1).over(estimate(2.0, 0.2, 0.04));
        let (low, high) = ratio.interval.unwrap();
        assert!((ratio.median - 1.5).abs() < 1e-12);
        assert!(((1.5 / low).ln() - 0.05).abs() < 1e-12);
        assert!(((high / 1.5).ln() - 0.1f64.hypot(0.2)).abs() < 1e-12);
        let unknown = Estimate { median: 1.0, interval: None };
        assert_eq!(unknown.over(ratio).interval.or(ratio.over(unknown).interval), None);
    }

    /// Ranks from tables of the sign test (Conover, Practical Nonparametric Statistics, A3).
    #[test]
    fn ranks_agree_with_tables() {
        assert_eq!(
            [7, 8, 10, 20, 30].map(|n| rank(n, 0.01)),
            [None, Some(1), Some(1), Some(4), Some(8)]
        );
        assert_eq!([5, 6, 20].map(|n| rank(n, 0.05)), [None, Some(1), Some(6)]);
        assert_eq!(rank(0, 0.01), None);
    }

    #[test]
    fn many_values_do_not_underflow() {
        // Normal approximation: n/2 - 1.288 sqrt(n) for 99 %.
        let rank = rank(10_000, 0.01).unwrap() as f64;
        assert!((rank - (5000.0 - 128.8)).abs() < 2.0, "{rank}");
    }

    /// The interval encloses the true median at least as often as it promises.
    #[test]
    fn intervals_cover() {
        let mut state = 1u64;
        let mut draw = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state as f64 / u64::MAX as f64).powi(5) // median 2^-5, very skewed
        };
        let encloses = |estimate: Estimate| {
            estimate
                .interval
                .is_some_and(|(low, high)| low <= 2f64.powi(-5) && 2f64.powi(-5) <= high)
        };
        let covered = (0..4000)
            .filter(|_| {
                Estimate::of_runs(&[(0..25).map(|_| draw()).collect()], 1).is_some_and(encloses)
            })
            .count();
        assert!(covered >= 3940, "{covered} of 4000");
    }
}
