//! The kernel that walks from index to index.

use super::doubling;
use super::limbs;
use crate::kernel::{Kernel, Order, Run, Slot};
use crate::size;

/// Computes ascending indices: it seeks the first index by doubling, then walks with one addition
/// for each step. If the two numbers before a slot lie in the arena, their sum is written directly
/// after them.
///
/// For F(0) to F(n) this is one pass over the output, about as fast as memory allows. It is the
/// fastest kernel for a range.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stepping;

impl Kernel for Stepping {
    fn name(&self) -> &'static str {
        "stepping"
    }

    fn order(&self) -> Order {
        Order::Ascending
    }

    fn scratch_bytes(&self, n: u64) -> u128 {
        doubling::scratch_bytes(n)
    }

    fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
        match previous {
            Some(m) if walking_pays(m, n) => walk_cost(m, n),
            _ => doubling::cost(n),
        }
    }

    fn fill(&self, run: &mut Run<'_>) {
        let Some(first) = run.next_slot() else { return };
        let mut walk = Walk::default();
        walk.seek(first);
        while let Some(slot) = run.next_slot() {
            if slot.n == walk.n.wrapping_add(1) {
                walk.step(slot);
            } else if walking_pays(walk.n, slot.n) {
                walk.stride(slot);
            } else {
                walk.seek(slot);
            }
        }
    }
}

/// Predicted nanoseconds of the additions from F(m) to F(n), fitted like the cost of `doubling`.
fn walk_cost(m: u64, n: u64) -> f64 {
    (n - m) as f64 * (6.0 + 0.25 * size::limbs(n) as f64)
}

fn walking_pays(m: u64, n: u64) -> bool {
    m < n && walk_cost(m, n) < doubling::cost(n)
}

/// The position of the walk: F(n) is the last slot written. F(n-1) is either the slot before that
/// slot, or it is kept in `lower`.
#[derive(Default)]
struct Walk {
    n: u64,
    /// The number of limbs of F(n).
    len: usize,
    /// The number of limbs of F(n-1), if F(n-1) is in the arena.
    lower_in_arena: Option<usize>,
    lower: Vec<u64>,
    upper: Vec<u64>,
}

impl Walk {
    /// Moves to any index.
    fn seek(&mut self, slot: Slot<'_>) {
        let (lower, number) = doubling::pair(slot.n);
        doubling::store(&number, slot.out);
        self.lower.clear();
        self.lower.extend(lower.iter_u64_digits());
        self.arrive(slot, None);
    }

    /// Moves to the next index.
    fn step(&mut self, slot: Slot<'_>) {
        let (lower, upper) = self.pair(slot.before);
        limbs::sum(slot.out, upper, lower);
        let len = self.len;
        self.arrive(slot, Some(len));
    }

    /// Moves on by several indices. All additions but the last happen in `lower` and `upper`.
    fn stride(&mut self, slot: Slot<'_>) {
        let room = slot.out.len();
        let mut lower = std::mem::take(&mut self.lower);
        let mut upper = std::mem::take(&mut self.upper);
        let (arena_lower, arena_upper) = self.pair(slot.before);
        if self.lower_in_arena.is_some() {
            lower.clear();
            lower.extend_from_slice(arena_lower);
        }
        upper.clear();
        upper.extend_from_slice(arena_upper);
        lower.reserve(room.saturating_sub(lower.len()));
        upper.reserve(room.saturating_sub(upper.len()));
        for _ in self.n + 1..slot.n {
            advance(&mut lower, &mut upper);
        }
        limbs::sum(slot.out, &upper, &lower);
        (self.lower, self.upper) = (upper, lower);
        self.arrive(slot, None);
    }

    /// F(n-1) and F(n).
    fn pair<'s>(&'s self, before: &'s [u64]) -> (&'s [u64], &'s [u64]) {
        let (rest, upper) = before.split_at(before.len() - self.len);
        let lower = self.lower_in_arena.map_or(&self.lower[..], |len| &rest[rest.len() - len..]);
        (lower, upper)
    }

    fn arrive(&mut self, slot: Slot<'_>, lower_in_arena: Option<usize>) {
        (self.n, self.len, self.lower_in_arena) = (slot.n, slot.out.len(), lower_in_arena);
    }
}

/// Moves from (F(k-1), F(k)) to (F(k), F(k+1)).
fn advance(lower: &mut Vec<u64>, upper: &mut Vec<u64>) {
    lower.resize(upper.len().max(lower.len()), 0);
    if limbs::add(lower, upper) {
        lower.push(1);
    }
    std::mem::swap(lower, upper);
}
