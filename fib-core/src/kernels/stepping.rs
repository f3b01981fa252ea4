//! The kernel that walks from index to index.

use super::doubling;
use super::notation::{InBinary, InText, Notation};
use crate::kernel::{Form, Kernel, Order, Run, Slot};
use crate::number::{Base, Seeker, advance, jump};
use crate::size;
use std::marker::PhantomData;
use std::sync::Arc;

/// Computes ascending indices: it seeks the first index by doubling, then walks. If the two numbers
/// before a slot lie in the arena, their sum is written directly after them. Over a gap it adds, jumps
/// by the addition formula, or seeks again, whichever is predicted to be faster.
///
/// For F(0) to F(n) this is one pass over the output. In binary, long numbers are written about as fast
/// as memcpy copies them. It is the fastest kernel for a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stepping<N>(PhantomData<N>);

/// The kernel whose numbers are in base 2^64.
pub(super) const STEPPING: Stepping<InBinary> = Stepping(PhantomData);

impl<N: Notation> Kernel for Stepping<N> {
    fn name(&self) -> &'static str {
        "stepping"
    }

    fn order(&self) -> Order {
        Order::Ascending
    }

    fn form(&self) -> Form {
        N::FORM
    }

    fn text_kernel(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(Stepping::<InText>(PhantomData)))
    }

    fn limbs(&self, n: u64) -> usize {
        N::limbs(n)
    }

    /// A seek keeps the pair of the last step, and the walk keeps a copy of it: three numbers of the length
    /// of F(n) more than `doubling`, which needs only the pair at n/2 before its last product.
    fn scratch_bytes(&self, n: u64) -> u128 {
        doubling::scratch_bytes::<N>(n) + 3 * 8 * N::Base::limbs(n) as u128
    }

    fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
        match previous {
            Some(m) if walking_pays::<N>(m, n) => walk_cost::<N>(m, n),
            _ => seek_cost::<N>(n),
        }
    }

    fn fill(&self, run: &mut Run<'_>) {
        let Some(first) = run.next_slot() else { return };
        let mut walk = Walk::<N>::default();
        if walk.seek(first).is_none() {
            return run.give_back();
        }
        while let Some(slot) = run.next_slot() {
            if slot.n == walk.n.wrapping_add(1) {
                walk.step(slot);
            } else if walking_pays::<N>(walk.n, slot.n) {
                walk.stride(slot);
            } else if walk.seek(slot).is_none() {
                return run.give_back();
            }
            if walk.lower_in_arena == Some(walk.len) && walk.len > 0 {
                walk.step_all(run.next_level_slots(walk.n, walk.len));
            }
        }
    }
}

/// Up to this distance, additions are faster than a jump, by `cargo run --release -p fib-bench --example
/// kernels costs`.
const LONGEST_ADVANCE: u64 = 7;

/// Predicted nanoseconds from F(m) to F(n), fitted like the cost of `doubling`.
fn walk_cost<N: Notation>(m: u64, n: u64) -> f64 {
    let (distance, limbs) = (n - m, size::limbs(n) as f64);
    let costs = N::costs();
    let store = 20.0 + costs.store * limbs;
    match distance {
        1 => 3.5 + costs.sum * limbs,
        ..=LONGEST_ADVANCE => store + distance as f64 * (7.0 + costs.advance * limbs),
        _ => store + distance.div_ceil(N::Base::LONGEST_JUMP) as f64 * (20.0 + costs.jump * limbs),
    }
}

/// Predicted nanoseconds of a seek. It computes F(n-1) too, and the walk keeps a copy of both.
fn seek_cost<N: Notation>(n: u64) -> f64 {
    1.5 * doubling::cost::<N>(n)
}

fn walking_pays<N: Notation>(m: u64, n: u64) -> bool {
    m < n && (n - m == 1 || walk_cost::<N>(m, n) < seek_cost::<N>(n))
}

/// The position of the walk: F(n) is the last slot written.
struct Walk<N: Notation> {
    n: u64,
    /// The number of limbs of the slot of F(n).
    len: usize,
    /// The number of limbs of the slot of F(n-1), if that is the slot before. Otherwise `lower` and
    /// `upper` hold F(n-1) and F(n), with the same length.
    lower_in_arena: Option<usize>,
    lower: Vec<u64>,
    upper: Vec<u64>,
    seeker: Seeker<N::Base>,
}

impl<N: Notation> Default for Walk<N> {
    fn default() -> Self {
        let (lower, upper) = (vec![], vec![]);
        Walk { n: 0, len: 0, lower_in_arena: None, lower, upper, seeker: Seeker::default() }
    }
}

impl<N: Notation> Walk<N> {
    /// Moves to any index. `None` if the computation was cancelled.
    fn seek(&mut self, slot: Slot<'_>) -> Option<()> {
        let (lower, upper) = match slot.n {
            0 => (&[1][..], &[0][..]),
            n => self.seeker.pair(n, slot.control)?,
        };
        self.lower.clear();
        self.lower.extend_from_slice(lower);
        self.upper.clear();
        self.upper.extend_from_slice(upper);
        self.arrive(slot);
        Some(())
    }

    /// Moves to the next index.
    fn step(&mut self, slot: Slot<'_>) {
        let Some(lower_len) = self.lower_in_arena else {
            advance::<N::Base>(&mut self.lower, &mut self.upper);
            let lower_len = self.len;
            self.arrive(slot);
            self.lower_in_arena = Some(lower_len);
            return;
        };
        let (lower, upper) = last_two(slot.before, lower_len, self.len);
        N::sum(slot.out, upper, lower);
        self.lower_in_arena = Some(self.len);
        (self.n, self.len) = (slot.n, slot.out.len());
    }

    /// Moves to each of the next indices. `slots` begins with the slots of F(n-1) and F(n), and all slots
    /// have the same length.
    fn step_all(&mut self, slots: &mut [u64]) {
        let steps = slots.len() / self.len - 2;
        if steps > 0 {
            N::walk(slots, self.len);
        }
        self.n += steps as u64;
    }

    /// Moves on by several indices.
    fn stride(&mut self, slot: Slot<'_>) {
        if let Some(lower_len) = self.lower_in_arena {
            let (lower, upper) = last_two(slot.before, lower_len, self.len);
            let limbs = N::Base::limbs(self.n);
            for (number, slot) in [(&mut self.lower, lower), (&mut self.upper, upper)] {
                number.resize(limbs, 0);
                N::load(slot, number);
            }
        }
        let (lower, upper) = (&mut self.lower, &mut self.upper);
        let mut distance = slot.n - self.n;
        while distance > LONGEST_ADVANCE {
            let jumped = distance.min(N::Base::LONGEST_JUMP);
            jump::<N::Base>(lower, upper, jumped);
            distance -= jumped;
        }
        for _ in 0..distance {
            advance::<N::Base>(lower, upper);
        }
        self.arrive(slot);
    }

    /// Writes F(n) to its slot from `upper`.
    fn arrive(&mut self, slot: Slot<'_>) {
        N::store(&self.upper, slot.out);
        (self.n, self.len, self.lower_in_arena) = (slot.n, slot.out.len(), None);
    }
}

/// The last two slots of `before`, which have these lengths.
fn last_two(before: &[u64], first: usize, second: usize) -> (&[u64], &[u64]) {
    let (rest, second) = before.split_at(before.len() - second);
    (&rest[rest.len() - first..], second)
}
