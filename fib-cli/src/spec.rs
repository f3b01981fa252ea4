//! The grammar of a SPEC: `N`, `A..B`, `A..=B`, `KxN` or the name of a scenario. `FN` is `N`.

use fib::{Error, Kernel, MemoryLimit, check_index, number_bytes, size, table_bytes};
use fib_bench::Scenario;
use std::str::FromStr;

/// Some indices, not yet expanded, because a short text may mean more indices than fit the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spec {
    /// `count` consecutive indices from `first` up.
    Range { first: u64, count: u128 },
    /// The same index `count` times.
    Copies { count: u64, n: u64 },
    /// The batch of a scenario.
    Scenario(&'static Scenario),
}

/// Why a text is not a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpecError {
    #[error("an index cannot be negative")]
    Negative,
    #[error("this is larger than 18446744073709551615, the largest index")]
    TooLarge,
    #[error("the range runs backwards")]
    Reversed,
    #[error("the number of copies must be at least 1; indices must be decimal")]
    NoCopies,
    #[error("expected N, A..B, A..=B or KxN in decimal digits, or a scenario name")]
    Malformed,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if text.as_bytes().iter().all(u8::is_ascii_digit) {
            return Ok(Spec::Range { first: index(text)?, count: 1 });
        }
        if let Some(scenario) = Scenario::by_name(text) {
            return Ok(Spec::Scenario(scenario));
        }
        if let Some((first, last)) = text.split_once("..=") {
            let (first, last) = (index(first)?, index(last)?);
            return if first > last {
                Err(SpecError::Reversed)
            } else {
                range(first, u128::from(last) + 1)
            };
        }
        if let Some((first, end)) = text.split_once("..") {
            return range(index(first)?, index(end)?.into());
        }
        if let Some((count, n)) = text.split_once('x') {
            let (count, n) = (index(count)?, index(n)?);
            return if count == 0 {
                Err(SpecError::NoCopies)
            } else {
                Ok(Spec::Copies { count, n })
            };
        }
        Ok(Spec::Range { first: index(text)?, count: 1 })
    }
}

fn range(first: u64, end: u128) -> Result<Spec, SpecError> {
    let count = end.checked_sub(first.into()).ok_or(SpecError::Reversed)?;
    Ok(Spec::Range { first, count })
}

/// An index in decimal digits, also written FN, and nothing else.
pub(crate) fn index(text: &str) -> Result<u64, SpecError> {
    let text = text.strip_prefix('F').unwrap_or(text);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all_digits(text) {
        return text.parse().map_err(|_| SpecError::TooLarge);
    }
    match text.strip_prefix('-') {
        Some(rest) if all_digits(rest) => Err(SpecError::Negative),
        _ => Err(SpecError::Malformed),
    }
}

impl Spec {
    /// The number of indices.
    pub(crate) fn count(self) -> u128 {
        match self {
            Spec::Range { count, .. } => count,
            Spec::Copies { count, .. } => count.into(),
            Spec::Scenario(scenario) => (scenario.indices)().len() as u128,
        }
    }

    /// The indices, in order.
    pub(crate) fn indices(self) -> Indices {
        match self {
            Spec::Range { first, count } => Indices::Steps { next: first, step: 1, left: count },
            Spec::Copies { count, n } => Indices::Steps { next: n, step: 0, left: count.into() },
            Spec::Scenario(scenario) => Indices::List((scenario.indices)().into_iter()),
        }
    }

    fn largest(self) -> Option<u64> {
        match self {
            Spec::Range { count: 0, .. } => None,
            // A range ends within u64.
            Spec::Range { first, count } => Some((u128::from(first) + count - 1) as u64),
            Spec::Copies { n, .. } => Some(n),
            Spec::Scenario(scenario) => (scenario.indices)().into_iter().max(),
        }
    }

    /// A lower bound for the bytes of the results, computed in constant time. Bit lengths grow
    /// linearly apart from rounding, so a range takes its length times the mean of the bit lengths
    /// at its ends.
    fn least_bytes(self, repeats_are_shared: bool) -> u128 {
        match self {
            Spec::Range { count: 0, .. } => 0,
            Spec::Range { first, count } => {
                let last = (u128::from(first) + count - 1) as u64; // a range ends within u64
                let ends = u128::from(size::bits(first)) + u128::from(size::bits(last));
                count.saturating_mul(ends.saturating_sub(4)) / 16
            }
            Spec::Copies { n, .. } if repeats_are_shared => u128::from(size::bits(n)) / 8,
            Spec::Copies { count, n } => u128::from(count).saturating_mul(size::bits(n).into()) / 8,
            Spec::Scenario(_) => 0, // small
        }
    }
}

/// The indices of one spec.
pub(crate) enum Indices {
    /// `left` indices that are `step` apart.
    Steps {
        next: u64,
        step: u64,
        left: u128,
    },
    List(std::vec::IntoIter<u64>),
}

impl Iterator for Indices {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match self {
            Indices::Steps { left: 0, .. } => None,
            Indices::Steps { next, step, left } => {
                *left -= 1;
                let n = *next;
                *next = n.wrapping_add(*step); // the step after the last index is not used
                Some(n)
            }
            Indices::List(list) => list.next(),
        }
    }
}

/// An index above `--max-index`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("F({n}) is above the limit of F({limit})")]
pub(crate) struct IndexLimit {
    n: u64,
    limit: u64,
}

/// What a single number may need.
pub(crate) struct NumberLimits<'a> {
    pub(crate) kernel: &'a dyn Kernel,
    pub(crate) memory: MemoryLimit,
    pub(crate) max_index: Option<u64>,
}

impl NumberLimits<'_> {
    /// Checks the largest number of `spec`.
    ///
    /// # Errors
    /// [`IndexLimit`], [`Error::Index`] and [`Error::Limit`].
    pub(crate) fn check(&self, spec: Spec) -> anyhow::Result<()> {
        let Some(n) = spec.largest() else { return Ok(()) };
        if let Some(limit) = self.max_index.filter(|&limit| n > limit) {
            return Err(IndexLimit { n, limit }.into());
        }
        check_index(self.kernel, n)?;
        let bytes = number_bytes(self.kernel, n);
        Ok(self.memory.check(bytes).map_err(|limit| Error::Limit { bytes, limit })?)
    }
}

/// The indices of many specs. A spec is expanded only if its numbers can be computed within the
/// limit.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) indices: Vec<u64>,
    limit: MemoryLimit,
    repeats_are_shared: bool,
}

impl Wanted {
    pub(crate) fn new(limit: MemoryLimit, repeats_are_shared: bool) -> Self {
        Wanted { indices: vec![], limit, repeats_are_shared }
    }

    /// Appends the indices of `spec`.
    ///
    /// # Errors
    /// [`Error::Limit`] if the numbers cannot be computed within the limit, [`Error::Allocation`]
    /// if the system refuses the memory for the list. In both cases nothing is appended.
    pub(crate) fn push(&mut self, spec: Spec) -> Result<(), Error> {
        let count = self.indices.len() as u128 + spec.count();
        let bytes = table_bytes(count).saturating_add(spec.least_bytes(self.repeats_are_shared));
        self.limit.check(bytes).map_err(|limit| Error::Limit { bytes, limit })?;
        let room = self.indices.try_reserve(spec.count() as usize);
        room.map_err(|_| Error::Allocation { bytes })?;
        self.indices.extend(spec.indices());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expand(text: &str) -> Vec<u64> {
        let mut wanted = Wanted::new(MemoryLimit::default(), false);
        wanted.push(text.parse().unwrap()).unwrap();
        wanted.indices
    }

    #[test]
    fn the_grammar() {
        assert_eq!(expand("7"), [7]);
        assert_eq!(expand("007"), [7]);
        assert_eq!(expand("F7"), [7]);
        assert_eq!(expand("3..6"), [3, 4, 5]);
        assert_eq!(expand("3..=6"), [3, 4, 5, 6]);
        assert_eq!(expand("3..3"), [0; 0]);
        assert_eq!(expand("3x9"), [9, 9, 9]);
        let top = u64::MAX;
        let last: Spec = format!("{top}..={top}").parse().unwrap();
        assert_eq!(last.count(), 1);
        let all: Spec = format!("0..={top}").parse().unwrap();
        assert_eq!(all.count(), 1 << 64);
        assert_eq!(expand("3xF9"), [9, 9, 9]);
        assert_eq!(expand("100xF1000"), [1000; 100]);
        assert_eq!(expand("range-1000"), (0..1000).collect::<Vec<u64>>());
        assert_eq!(expand("few-big"), [20_000; 16]);
    }

    #[test]
    fn every_error_has_its_kind() {
        let error = |text: &str| text.parse::<Spec>().unwrap_err();
        assert_eq!(error("-5"), SpecError::Negative);
        assert_eq!(error("-5..3"), SpecError::Negative);
        assert_eq!(error("18446744073709551616"), SpecError::TooLarge);
        assert_eq!(error("9..3"), SpecError::Reversed);
        assert_eq!(error("9..=7"), SpecError::Reversed);
        assert_eq!(error("9..=8"), SpecError::Reversed);
        assert_eq!(error("0x10"), SpecError::NoCopies);
        for text in [
            "", "1e6", "+3", "1_000", "３", "5..", "..5", "1..2..3", "x5", "5x", "2X3", "1.5", "a",
            "F", "FF3", "f3", "-", "--5", "5\0",
        ] {
            assert_eq!(error(text), SpecError::Malformed, "{text}");
        }
    }

    #[test]
    fn a_spec_that_cannot_fit_is_refused_before_it_is_expanded() {
        for text in
            ["0..=18446744073709551615", "18446744073709551615x5", "0..300000000", "10000000x1000"]
        {
            let mut wanted = Wanted::new(MemoryLimit::Bytes(1 << 30), false);
            let refused = wanted.push(text.parse().unwrap());
            assert!(matches!(refused, Err(Error::Limit { .. })), "{text}");
            assert!(wanted.indices.is_empty());
        }
        let mut wanted = Wanted::new(MemoryLimit::Bytes(1 << 30), true);
        assert!(wanted.push("1000000x1000".parse().unwrap()).is_ok(), "repeats share a slot");
        let copies: Spec = "2x1000000000".parse().unwrap();
        let bytes = u128::from(size::bits(1_000_000_000)) / 8;
        assert_eq!([true, false].map(|shared| copies.least_bytes(shared)), [bytes, 2 * bytes]);
    }

    proptest! {
        /// The bound is not above the exact size, and only a little below it.
        #[test]
        fn the_bound_is_a_bound(first in 0u64..100_000, count in 1u64..300) {
            let spec = Spec::Range { first, count: count.into() };
            let exact: u64 = (first..first + count).map(|n| 8 * size::limbs(n) as u64).sum();
            let least = spec.least_bytes(false);
            prop_assert!(least <= exact.into());
            prop_assert!(least + 10 * u128::from(count) >= exact.into());
        }

        #[test]
        fn any_text_is_a_spec_or_an_error(text in "\\PC{0,12}") {
            let _ = text.parse::<Spec>();
        }
    }
}
