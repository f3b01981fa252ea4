//! The scenarios: batches with a name, and the question that each of them asks.

use crate::rng::SplitMix64;
use fib::Modulus;
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
    /// The modulus, if residues are computed instead of numbers.
    pub modulus: Option<Modulus>,
    /// The indices, in the caller's order.
    pub indices: fn() -> Vec<u64>,
}

const fn numbers(name: &'static str, summary: &'static str, indices: fn() -> Vec<u64>) -> Scenario {
    Scenario { name, summary, full_only: false, modulus: None, indices }
}

const fn full_only(scenario: Scenario) -> Scenario {
    Scenario { full_only: true, ..scenario }
}

/// Every scenario of exact numbers: single numbers, equal numbers, ranges, and batches that are hard to
/// distribute.
pub const SCENARIOS: &[Scenario] = &[
    full_only(numbers("one-100", "F(100) alone: nanoseconds of work, nothing to divide", || {
        vec![100]
    })),
    full_only(numbers("one-1000", "F(1000) alone: one number is one chain of additions", || {
        vec![1000]
    })),
    numbers("one-10000", "F(10000) alone: more work does not help while it is one number", || {
        vec![10_000]
    }),
    numbers("10xF100", "ten times F(100): too little work to run in parallel", || vec![100; 10]),
    numbers(
        "100xF1000",
        "a hundred times F(1000): about where parallel runs start to be faster",
        || vec![1000; 100],
    ),
    numbers("1000xF1000", "a thousand times F(1000): milliseconds of equal work", || {
        vec![1000; 1000]
    }),
    numbers(
        "10000xF100",
        "ten thousand times F(100): tiny numbers, so the overhead of each chunk shows",
        || vec![100; 10_000],
    ),
    numbers("range-1000", "F(0) to F(999): the cost of an index grows along the batch", || {
        (0..1000).collect()
    }),
    numbers("range-2000", "F(0) to F(1999): like range-1000, with more work to share", || {
        (0..2000).collect()
    }),
    full_only(numbers(
        "range-5000",
        "F(0) to F(4999): like range-1000, and long enough to judge the last percent",
        || (0..5000).collect(),
    )),
    numbers(
        "skewed",
        "1,000 heavy-tailed indices up to 20,000: a few of them are most of the work",
        skewed,
    ),
    numbers("few-big", "sixteen times F(20000): few numbers, each of them large", || {
        vec![20_000; 16]
    }),
];

/// Every scenario of residues. They show what vector lanes bring on one core, what workers bring, and what
/// both bring together.
pub const RESIDUE_SCENARIOS: &[Scenario] = &[
    Scenario {
        modulus: Some(Modulus::WORD),
        ..numbers(
            "mod-10000xF100",
            "ten thousand times F(100) modulo 2^64: microseconds of work",
            || vec![100; 10_000],
        )
    },
    Scenario {
        modulus: Some(Modulus::WORD),
        ..numbers(
            "mod-1000000xF1000",
            "a million times F(1000) modulo 2^64: milliseconds of equal work",
            || vec![1000; 1_000_000],
        )
    },
    Scenario {
        modulus: Modulus::new(1_000_000_007),
        ..numbers(
            "mod-prime",
            "a million numbers from F(123456789) modulo 1000000007: longer chains",
            || (123_456_789..124_456_789).collect(),
        )
    },
];

/// Every scenario of trees, which the kernel `recursive` computes. They show what forks bring where chunks
/// cannot divide the work.
pub const TREE_SCENARIOS: &[Scenario] = &[
    numbers("tree-27", "F(27) alone, as a tree: a fraction of a millisecond to divide", || {
        vec![27]
    }),
    numbers(
        "tree-32",
        "F(32) alone, as a tree: milliseconds of work that only forks divide",
        || vec![32],
    ),
    numbers("trees-30", "F(0) to F(30), each as a tree: the last two are most of the work", || {
        (0..=30).collect()
    }),
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
    /// The modulus, if residues are computed instead of numbers.
    pub modulus: Option<Modulus>,
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
            modulus: self.modulus,
            workers: None,
        }
    }

    /// The scenario of exact numbers with this name.
    pub fn by_name(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().chain(TREE_SCENARIOS).find(|scenario| scenario.name == name)
    }

    /// Whether this is one of [`TREE_SCENARIOS`].
    pub fn is_tree(&self) -> bool {
        TREE_SCENARIOS.iter().any(|scenario| scenario.name == self.name)
    }
}

/// 1,000 draws from a Pareto distribution of shape 1, limited to 20,000. Only integers are used, so
/// every machine draws the same numbers: draw i is min(20000, 450 * 2^32 / (u + 1)), where u is the
/// upper half of output i of SplitMix64 from seed 1000. The factor 450 makes about 20 ms of work
/// for `iterative`.
fn skewed() -> Vec<u64> {
    let mut rng = SplitMix64(1000);
    (0..1000).map(|_| ((450 << 32) / ((rng.next_number() >> 32) + 1)).min(20_000)).collect()
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
        let all = || SCENARIOS.iter().chain(TREE_SCENARIOS);
        for scenario in all() {
            assert_eq!(all().filter(|s| s.name == scenario.name).count(), 1);
            assert_eq!(Scenario::by_name(scenario.name).map(|s| s.summary), Some(scenario.summary));
        }
        for scenario in RESIDUE_SCENARIOS {
            assert!(scenario.name.starts_with("mod-") && scenario.modulus.is_some());
            assert!(Scenario::by_name(scenario.name).is_none());
        }
    }
}
