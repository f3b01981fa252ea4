//! The order of a round. Everything that is compared is timed once in each round, side by side.
//!
//! The speed of an ordinary machine drifts by more than the differences we measure. So all
//! participants take turns, in an order that follows a random cyclic Latin square: in n rounds of n
//! participants, each participant has each position once, and no order is favoured.

use crate::rng::SplitMix64;

/// The orders of the rounds, one after another without end.
#[derive(Debug)]
pub struct RoundOrders {
    rng: SplitMix64,
    /// A row of the square: the participant in each position.
    order: Vec<usize>,
    /// How far each round of the square rotates the row.
    shifts: Vec<usize>,
    round: usize,
}

impl RoundOrders {
    /// The orders of `participants` that this seed draws.
    pub fn new(participants: usize, seed: u64) -> Self {
        let (order, shifts) = ((0..participants).collect(), (0..participants).collect());
        RoundOrders { rng: SplitMix64(seed), order, shifts, round: 0 }
    }

    /// The order of the next round: every participant once.
    pub fn next_order(&mut self) -> Vec<usize> {
        let participants = self.order.len();
        if participants == 0 {
            return vec![];
        }
        if self.round.is_multiple_of(participants) {
            self.rng.shuffle(&mut self.order);
            self.rng.shuffle(&mut self.shifts);
        }
        let mut order = self.order.clone();
        order.rotate_left(self.shifts[self.round % participants]);
        self.round += 1;
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_participant_has_every_position_once_in_a_square() {
        let mut rounds = RoundOrders::new(5, 42);
        let mut squares = vec![];
        for _ in 0..4 {
            let square: Vec<_> = (0..5).map(|_| rounds.next_order()).collect();
            for position in 0..5 {
                let mut column: Vec<_> = square.iter().map(|order| order[position]).collect();
                column.sort_unstable();
                assert_eq!(column, [0, 1, 2, 3, 4]);
            }
            squares.push(square);
        }
        assert!(squares.windows(2).any(|pair| pair[0] != pair[1]), "each square is drawn anew");
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
