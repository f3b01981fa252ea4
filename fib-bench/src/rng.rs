//! Pseudo-random numbers that any language can repeat from their formula.

pub(crate) use fib_report::SplitMix64;

/// A seed for one purpose: another name or another number gives another seed.
pub(crate) fn mixed(seed: u64, name: &str, number: usize) -> u64 {
    let parts = name.bytes().map(u64::from).chain([number as u64]);
    parts.fold(seed, |mixed, part| SplitMix64(mixed ^ part).next_number())
}
