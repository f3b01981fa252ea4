//! Order statistics: medians, and intervals that assume nothing about the distribution of the
//! times.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Confidence of every interval, before the correction for several comparisons.
pub const CONFIDENCE: f64 = 0.99;

/// A median with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub median: f64,
    /// The interval of the sign test; `None` if there are too few rounds for its confidence.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// The median and the sign-test interval of `values` at [`CONFIDENCE`], corrected for
    /// `comparisons` intervals that are read together (Bonferroni). `None` without values.
    pub fn new(mut values: Vec<f64>, comparisons: usize) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let median = median_of_sorted(&values)?;
        let alpha = (1.0 - CONFIDENCE) / comparisons.max(1) as f64;
        let interval =
            rank(values.len(), alpha).map(|rank| (values[rank - 1], values[values.len() - rank]));
        Some(Estimate { median, interval })
    }

    /// The half-width of the interval: the distance from the median to the farther end, relative to
    /// the median.
    pub fn half_width(&self) -> Option<f64> {
        let (low, high) = self.interval?;
        Some((high - self.median).max(self.median - low) / self.median)
    }

    /// The estimate of a positive multiple.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let interval = self.interval.map(|(low, high)| (low * factor, high * factor));
        Estimate { median: self.median * factor, interval }
    }

    /// The estimate of e^x, if this is an estimate of x.
    pub fn exp(self) -> Self {
        let interval = self.interval.map(|(low, high)| (low.exp(), high.exp()));
        Estimate { median: self.median.exp(), interval }
    }
}

/// Median, low and high end; null where there is none.
impl Serialize for Estimate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (low, high) = self.interval.unzip();
        let mut fields = serializer.serialize_struct("Estimate", 3)?;
        fields.serialize_field("median", &Some(self.median).filter(|m| m.is_finite()))?;
        fields.serialize_field("low", &low)?;
        fields.serialize_field("high", &high)?;
        fields.end()
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

/// The fewest rounds that give each of `comparisons` estimates an interval.
pub fn fewest_rounds(comparisons: usize) -> usize {
    let alpha = (1.0 - CONFIDENCE) / comparisons.max(1) as f64;
    (1..).find(|&n| rank(n, alpha).is_some()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let median = |values| Some(Estimate::new(values, 1)?.median);
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
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

    #[test]
    fn the_fewest_rounds_grow_with_the_comparisons() {
        assert_eq!((fewest_rounds(1), fewest_rounds(6), fewest_rounds(100)), (8, 11, 15));
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
            .filter(|_| Estimate::new((0..25).map(|_| draw()).collect(), 1).is_some_and(encloses))
            .count();
        assert!(covered >= 3940, "{covered} of 4000");
    }
}
