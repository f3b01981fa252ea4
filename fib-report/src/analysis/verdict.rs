//! How a cell compares with the baseline.

use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// How a cell compares with the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(into = "VerdictName")]
pub enum Verdict {
    /// The interval of the speedup lies above 1.
    Faster,
    /// The interval of the speedup lies below 1.
    Slower,
    /// The interval lies within this margin around 1: the difference is at most this share.
    Equal(f64),
    /// The interval holds 1 and is wider than every margin, or there is no interval: the measurement cannot
    /// tell.
    Unresolved,
}

/// The margins that are tried after the margin of the measurement.
const WIDER: [f64; 4] = [0.02, 0.03, 0.05, 0.1];

/// If the half-width of the noise exceeds this share, the measurement says nothing about the differences
/// between backends.
pub const TOO_NOISY: f64 = 0.2;

impl Verdict {
    /// The verdict as a word.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::Equal(_) => "equal",
            Verdict::Unresolved => "unresolved",
        }
    }

    /// The margin within which the speedup is 1, if the verdict is `equal`.
    pub fn margin(self) -> Option<f64> {
        match self {
            Verdict::Equal(margin) => Some(margin),
            _ => None,
        }
    }

    /// The verdict on a speedup. A speedup is equal to 1 if its whole interval lies within the margin, which
    /// is a test of equivalence (two one-sided tests; Schuirmann, Journal of Pharmacokinetics and
    /// Biopharmaceutics 15, 1987). A wider margin counts only if the interval holds 1.
    pub(crate) fn new(speedup: Estimate, margin: f64) -> Verdict {
        let Some((low, high)) = speedup.interval else { return Verdict::Unresolved };
        let is_within = |margin: f64| low >= 1.0 / (1.0 + margin) && high <= 1.0 + margin;
        if is_within(margin) {
            Verdict::Equal(margin)
        } else if low > 1.0 {
            Verdict::Faster
        } else if high < 1.0 {
            Verdict::Slower
        } else {
            let wider = WIDER.into_iter().filter(|wider| *wider > margin).find(|m| is_within(*m));
            wider.map_or(Verdict::Unresolved, Verdict::Equal)
        }
    }
}

/// A verdict as it stands in reports: the word.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum VerdictName {
    Faster,
    Slower,
    Equal,
    Unresolved,
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Faster => VerdictName::Faster,
            Verdict::Slower => VerdictName::Slower,
            Verdict::Equal(_) => VerdictName::Equal,
            Verdict::Unresolved => VerdictName::Unresolved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interval_has_one_verdict() {
        let verdict =
            |low, high| Verdict::new(Estimate { median: 1.0, interval: Some((low, high)) }, 0.01);
        assert_eq!(verdict(1.001, 1.30), Verdict::Faster);
        assert_eq!(verdict(0.50, 0.999), Verdict::Slower);
        assert_eq!(verdict(0.995, 1.005), Verdict::Equal(0.01));
        assert_eq!(verdict(1.001, 1.009), Verdict::Equal(0.01), "faster, but within the margin");
        assert_eq!(verdict(0.981, 1.005), Verdict::Equal(0.02));
        assert_eq!(verdict(0.995, 1.09), Verdict::Equal(0.1));
        assert_eq!(verdict(0.8, 1.2), Verdict::Unresolved);
        let unknown = Estimate { median: 2.0, interval: None };
        assert_eq!(Verdict::new(unknown, 0.01), Verdict::Unresolved);
        let wide = Estimate { median: 1.0, interval: Some((0.97, 1.02)) };
        assert_eq!(Verdict::new(wide, 0.05), Verdict::Equal(0.05));
    }
}
