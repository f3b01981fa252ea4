//! The order of a round. Everything that is compared is timed once in each round, side by side.
//!
//! The speed of an ordinary machine drifts by more than the differences we measure, so all participants
//! take turns. A participant may also disturb the next one, for example if its threads still spin. The
//! orders therefore follow random Williams squares (E. J. Williams, Australian Journal of Scientific
//! Research A 2, 1949): over a square, each participant has each position equally often, and each other
//! participant before it equally often.

use crate::rng::SplitMix64;

/// The orders of the rounds, one after another without end.
#[derive(Debug)]
pub struct RoundOrders {
    rng: SplitMix64,
    participants: usize,
    /// The orders of this square that are left.
    left: Vec<Vec<usize>>,
}

impl RoundOrders {
    /// The orders of `participants` that this seed draws.
    pub fn new(participants: usize, seed: u64) -> Self {
        RoundOrders { rng: SplitMix64(seed), participants, left: vec![] }
    }

    /// The order of the next round: every participant once.
    pub fn next_order(&mut self) -> Vec<usize> {
        if self.left.is_empty() {
            let mut names: Vec<usize> = (0..self.participants).collect();
            self.rng.shuffle(&mut names);
            let rows = williams(self.participants).into_iter();
            self.left = rows.map(|row| row.into_iter().map(|i| names[i]).collect()).collect();
            self.rng.shuffle(&mut self.left);
        }
        self.left.pop().unwrap_or_default()
    }
}

/// A Williams square of n rows, or of 2n rows if n is odd, because a single square cannot be balanced then.
fn williams(n: usize) -> Vec<Vec<usize>> {
    // 0, 1, n-1, 2, n-2, ...: all differences of neighbours modulo n are different.
    let zigzag = |i: usize| if i % 2 == 1 { i.div_ceil(2) } else { (n - i / 2) % n };
    let row = |shift: usize| (0..n).map(|i| (zigzag(i) + shift) % n).collect::<Vec<_>>();
    let rows = (0..n).map(row);
    let mirrored =
        (0..n).filter(|_| n % 2 == 1).map(|shift| row(shift).into_iter().rev().collect());
    rows.chain(mirrored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Counts how often each participant has each position, and each pair is next to each other.
    #[test]
    fn positions_and_predecessors_are_balanced() {
        for n in [1, 2, 3, 5, 8, 13, 14] {
            let mut orders = RoundOrders::new(n, 42);
            let mut positions: BTreeMap<(usize, usize), usize> = BTreeMap::new();
            let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
            for _ in 0..2 * n {
                let order = orders.next_order();
                for (position, &participant) in order.iter().enumerate() {
                    *positions.entry((position, participant)).or_default() += 1;
                }
                for pair in order.windows(2) {
                    *pairs.entry((pair[0], pair[1])).or_default() += 1;
                }
            }
            assert_eq!(positions.len(), n * n);
            assert!(positions.values().all(|&times| times == 2), "{positions:?}");
            assert_eq!(pairs.len(), n * (n - 1), "n = {n}");
            assert!(pairs.values().all(|&times| times == 2), "n = {n}: {pairs:?}");
        }
    }

    #[test]
    fn each_square_is_drawn_anew() {
        let mut orders = RoundOrders::new(6, 1);
        let squares = [(); 4].map(|()| [(); 6].map(|()| orders.next_order()));
        assert!(squares.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn the_same_seed_draws_the_same_orders() {
        let draw = |seed| {
            let mut rounds = RoundOrders::new(7, seed);
            (0..20).map(|_| rounds.next_order()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(RoundOrders::new(0, 1).next_order().is_empty());
    }
}
