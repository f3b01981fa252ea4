//! The scenarios: batches with a name, and the question that each of them asks.

use crate::rng::SplitMix64;
use std::num::NonZeroUsize;

/// A batch with a name that users can choose.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The name by which users choose the scenario.
    pub name: &'static str,
    /// What the scenario shows, in one sentence.
    pub summary: &'static str,
    /// Whether `fib compare` measures it only with `--full`.
    pub full_only: bool,
    /// The indices, in the caller's order.
    pub indices: fn() -> Vec<u64>,
}

/// Every scenario: single numbers, equal numbers, ranges, and batches that are hard to distribute.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "one-100",
        summary: "F(100) alone: nanoseconds of work, nothing to divide",
        full_only: true,
        indices: || vec![100],
    },
    Scenario {
        name: "one-1000",
        summary: "F(1000) alone: one number is one chain of additions",
        full_only: true,
        indices: || vec![1000],
    },
    Scenario {
        name: "one-10000",
        summary: "F(10000) alone: more work does not help while it is one number",
        full_only: false,
        indices: || vec![10_000],
    },
    Scenario {
        name: "10xF100",
        summary: "ten times F(100): too little work to run in parallel",
        full_only: false,
        indices: || vec![100; 10],
    },
    Scenario {
        name: "100xF1000",
        summary: "a hundred times F(1000): about where parallel runs start to be faster",
        full_only: false,
        indices: || vec![1000; 100],
    },
    Scenario {
        name: "1000xF1000",
        summary: "a thousand times F(1000): milliseconds of equal work",
        full_only: false,
        indices: || vec![1000; 1000],
    },
    Scenario {
        name: "10000xF100",
        summary: "ten thousand times F(100): tiny numbers, so the overhead of each chunk shows",
        full_only: false,
        indices: || vec![100; 10_000],
    },
    Scenario {
        name: "range-1000",
        summary: "F(0) to F(999): the cost of an index grows along the batch",
        full_only: false,
        indices: || (0..1000).collect(),
    },
    Scenario {
        name: "range-2000",
        summary: "F(0) to F(1999): like range-1000, with more work to share",
        full_only: false,
        indices: || (0..2000).collect(),
    },
    Scenario {
        name: "range-5000",
        summary: "F(0) to F(4999): like range-1000, and long enough to judge the last percent",
        full_only: true,
        indices: || (0..5000).collect(),
    },
    Scenario {
        name: "skewed",
        summary: "1,000 heavy-tailed indices up to 20,000: a few of them are most of the work",
        full_only: false,
        indices: skewed,
    },
    Scenario {
        name: "few-big",
        summary: "sixteen times F(20000): few numbers, each of them large",
        full_only: false,
        indices: || vec![20_000; 16],
    },
];

/// A batch with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBatch {
    /// The name in records and reports.
    pub name: String,
    /// What the scenario shows, in one sentence.
    pub summary: String,
    /// The indices, in the caller's order.
    pub indices: Vec<u64>,
    /// The only worker count at which the batch is measured, if there is only one.
    pub workers: Option<NonZeroUsize>,
}

impl Scenario {
    /// The batch of this scenario.
    pub fn batch(&self) -> NamedBatch {
        NamedBatch {
            name: self.name.into(),
            summary: self.summary.into(),
            indices: (self.indices)(),
            workers: None,
        }
    }

    /// The scenario with this name.
    pub fn by_name(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

/// 1,000 draws from a Pareto distribution of shape 1, limited to 20,000. Only integers are used, so
/// every machine draws the same numbers: draw i is min(20000, 450 * 2^32 / (u + 1)), where u is the
/// upper half of output i of SplitMix64 from seed 1000. The factor 450 makes about 20 ms of work
/// for `iterative`.
fn skewed() -> Vec<u64> {
    let mut rng = SplitMix64(1000);
    (0..1000).map(|_| ((450 << 32) / ((rng.next() >> 32) + 1)).min(20_000)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a of the little-endian bytes.
    fn checksum(indices: &[u64]) -> u64 {
        let bytes = indices.iter().flat_map(|n| n.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    #[test]
    fn skewed_is_pinned() {
        let indices = skewed();
        assert_eq!(indices.len(), 1000);
        assert_eq!((indices[0], indices[1], indices[999]), (1916, 552, 466));
        // From an independent implementation of the formula, in Python.
        assert_eq!(checksum(&indices), 0xdab2_2c5b_1839_9278);
        // Heavy-tailed: a tenth of the indices is most of the work, which grows with the square.
        let mut squares: Vec<u64> = indices.iter().map(|n| n * n).collect();
        squares.sort_unstable();
        let top: u64 = squares[900..].iter().sum();
        assert!(top * 10 > squares.iter().sum::<u64>() * 8);
    }

    #[test]
    fn names_are_distinct_and_found() {
        for scenario in SCENARIOS {
            assert_eq!(SCENARIOS.iter().filter(|s| s.name == scenario.name).count(), 1);
            assert_eq!(Scenario::by_name(scenario.name).map(|s| s.summary), Some(scenario.summary));
        }
    }
}
