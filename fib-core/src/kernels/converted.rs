//! Text from any kernel: the numbers are computed in binary and converted.

use crate::kernel::{Form, Kernel, Order, Run};
use crate::table::from_limbs;
use crate::text;
use std::sync::Arc;

/// Writes the numbers of another kernel as text. Each number is computed alone, so a kernel that walks
/// from number to number must seek each of them.
pub(super) struct Converted(pub(super) Arc<dyn Kernel>);

impl Kernel for Converted {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn form(&self) -> Form {
        Form::Text
    }

    fn forks(&self) -> bool {
        self.0.forks()
    }

    fn largest_index(&self) -> Option<u64> {
        self.0.largest_index()
    }

    fn order(&self) -> Order {
        self.0.order()
    }

    /// Room for any number with the limbs of the other kernel: log10(2^64) is below 19.27.
    fn limbs(&self, n: u64) -> usize {
        let digits = (self.0.limbs(n) as u128 * 1927).div_ceil(100).max(1);
        text::limbs_for(usize::try_from(digits).unwrap_or(usize::MAX))
    }

    /// The number itself, and the memory of `BigUint::to_string`: at its peak about 13 times the number,
    /// measured with F(10000000).
    fn scratch_bytes(&self, n: u64) -> u128 {
        self.0.scratch_bytes(n) + 14 * 8 * self.0.limbs(n) as u128
    }

    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        self.0.cost(n, None)
    }

    fn fill(&self, run: &mut Run<'_>) {
        let mut number = Vec::new();
        while let Some(slot) = run.next_slot() {
            number.resize(self.0.limbs(slot.n), 0);
            if slot.compute_with(&*self.0, &mut number).is_none() {
                return run.give_back();
            }
            text::store_characters(from_limbs(&number).to_string().as_bytes(), slot.out);
        }
    }
}
