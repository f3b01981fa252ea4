//! Choices that belong to an interleaving: if it is repeated, the choices are the same.

use shuttle::rand::{Rng, thread_rng};
use std::ops::RangeInclusive;

/// True in one of `n` cases.
pub fn one_in(n: u32) -> bool {
    thread_rng().gen_ratio(1, n)
}

/// One number of the range.
pub fn number(range: RangeInclusive<usize>) -> usize {
    thread_rng().gen_range(range)
}
