//! Why a law says nothing, and the ranges in which its parameters have a meaning.

use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a law, or a parameter of a law, is not stated.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error, Serialize, JsonSchema)]
#[serde(into = "String")]
pub enum Refusal {
    /// There are too few different worker counts up to the number of cores.
    #[error(
        "the law needs {needed} different worker counts up to the number of cores, and {found} \
         {were} measured",
        were = if *found == 1 { "was" } else { "were" }
    )]
    FewWorkerCounts {
        /// The number of worker counts that were measured.
        found: usize,
        /// The number of worker counts that the law needs.
        needed: usize,
    },
    /// The fraction of Karp and Flatt has no value for one worker.
    #[error("the fraction needs 2 workers or more")]
    OneWorker,
    /// Gustafson's law lacks its batches.
    #[error(
        "no batch that grows with the workers was measured with 2 workers or more, up to the \
         number of cores"
    )]
    NoGrowingBatch,
    /// A cell has a fault and no times.
    #[error("the cell with {} has a fault and no times", count(*workers))]
    Fault {
        /// The number of workers of the cell.
        workers: usize,
    },
    /// Samples are missing, for example because they were dropped.
    #[error("no round has a sample of every cell")]
    NoCommonRound,
    /// The measurements put a parameter where it has no meaning.
    #[error("the {parameter} would be {}: {reason}", significant(*value))]
    OutOfRange {
        parameter: &'static str,
        /// The median.
        value: f64,
        /// What the measurements do that the law does not allow.
        reason: &'static str,
    },
    /// The best parameters of the law miss the measurements.
    #[error(
        "the speedups do not follow this law: with {} it gives {}, and {} was measured",
        count(*workers), significant(*fitted), significant(*measured)
    )]
    NoFit { workers: usize, measured: f64, fitted: f64 },
    /// No peak, because the throughput may never fall.
    #[error("the interval of the coherency includes 0, so the throughput may never fall")]
    CoherencyMayBeZero,
    /// No peak, because the coherency has no interval.
    #[error("there are too few rounds for an interval of the coherency")]
    CoherencyWithoutInterval,
    /// No peak, because it lies too far beyond the measurements.
    #[error(
        "it would be at {} workers, beyond twice the {largest} workers that were measured",
        significant(*peak)
    )]
    FarPeak {
        peak: f64,
        /// The largest worker count that was measured.
        largest: usize,
    },
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

/// The values of a parameter that have a meaning: from 0 to `most`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(super) parameter: &'static str,
    pub(super) most: f64,
    /// What the measurements do if the parameter is below 0.
    pub(super) below: &'static str,
    /// What the measurements do if the parameter is above `most`.
    pub(super) above: &'static str,
}

impl Range {
    /// Cuts off what lies outside the range. The true value lies inside, so a cut interval encloses
    /// it as often as before.
    ///
    /// # Errors
    /// If the whole interval lies outside, or the median of an estimate without an interval.
    pub(crate) fn cut(&self, estimate: Estimate) -> Result<Estimate, Refusal> {
        let (low, high) = estimate.interval.unwrap_or((estimate.median, estimate.median));
        let out = |reason| {
            let (parameter, value) = (self.parameter, estimate.median);
            Err(Refusal::OutOfRange { parameter, value, reason })
        };
        // Times that follow a law exactly give parameters that are off by rounding.
        const ROUNDING: f64 = 1e-9;
        match () {
            () if high < -ROUNDING => out(self.below),
            () if low > self.most + ROUNDING => out(self.above),
            () => {
                let cut = |value: f64| match value.abs() < ROUNDING {
                    true => 0.0,
                    false => value.clamp(0.0, self.most),
                };
                let interval = estimate.interval.map(|(low, high)| (cut(low), cut(high)));
                Ok(Estimate { median: cut(estimate.median), interval })
            }
        }
    }
}

/// A number with three significant digits. Only the digits in front of the point can be more.
pub(crate) fn significant(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        tiny if tiny < 1e-6 => format!("{value:.1e}"),
        size => {
            // Rounded first, so that 0.9996 becomes 1.00 and not 1.000.
            let exponent = format!("{size:.2e}").split_once('e').and_then(|(_, e)| e.parse().ok());
            let decimals = 2 - exponent.unwrap_or(0);
            format!("{value:.*}", usize::try_from(decimals).unwrap_or(0))
        }
    }
}

fn count(workers: usize) -> String {
    if workers == 1 { "1 worker".into() } else { format!("{workers} workers") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Range = Range { parameter: "share", most: 1.0, below: "below", above: "above" };

    fn estimate(low: f64, median: f64, high: f64) -> Estimate {
        Estimate { median, interval: Some((low, high)) }
    }

    #[test]
    fn a_range_cuts_noise_and_refuses_what_lies_outside() {
        assert_eq!(SHARE.cut(estimate(-0.02, -0.01, 0.01)), Ok(estimate(0.0, 0.0, 0.01)));
        assert_eq!(SHARE.cut(estimate(0.97, 1.01, 1.04)), Ok(estimate(0.97, 1.0, 1.0)));
        assert_eq!(SHARE.cut(estimate(0.1, 0.2, 0.3)), Ok(estimate(0.1, 0.2, 0.3)));
        let refused = |estimate| SHARE.cut(estimate).unwrap_err().to_string();
        assert_eq!(refused(estimate(-0.09, -0.07, -0.05)), "the share would be -0.0700: below");
        assert_eq!(refused(estimate(1.05, 1.098, 1.2)), "the share would be 1.10: above");
        // Without an interval the median decides.
        let alone = |median| Estimate { median, interval: None };
        assert_eq!(refused(alone(-0.01)), "the share would be -0.0100: below");
        assert_eq!(SHARE.cut(alone(0.5)), Ok(alone(0.5)));
    }

    #[test]
    fn numbers_keep_their_significant_digits() {
        let numbers =
            [0.0, 0.0005, 0.000_481_4, -0.0312, 0.5, 0.9996, 7.125, 13.42, 1234.0, 3.2e-9];
        assert_eq!(
            numbers.map(significant),
            [
                "0", "0.000500", "0.000481", "-0.0312", "0.500", "1.00", "7.12", "13.4", "1234",
                "3.2e-9"
            ]
        );
    }
}
