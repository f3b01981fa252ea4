//! Rounds in which every contender is timed once: what is compared is measured side by side.
//!
//! Speed drifts on every ordinary machine, by more than what is to be told apart. So contenders
//! take turns, in an order that follows a random cyclic Latin square: over any n rounds of n
//! contenders, each one stands in each position once, and no order is favoured.

use crate::rng::SplitMix64;
use std::time::{Duration, Instant};

/// Orders of rounds, without end.
#[derive(Debug)]
pub struct Rounds {
    rng: SplitMix64,
    /// Row of the square, as the contender in each position.
    order: Vec<usize>,
    /// How far each round of the square is turned.
    shifts: Vec<usize>,
    round: usize,
}

impl Rounds {
    /// Orders of `contenders` that this seed draws.
    pub fn new(contenders: usize, seed: u64) -> Self {
        let (order, shifts) = ((0..contenders).collect(), (0..contenders).collect());
        Rounds { rng: SplitMix64(seed), order, shifts, round: 0 }
    }

    /// The order of the next round: every contender once.
    pub fn next_order(&mut self) -> Vec<usize> {
        let contenders = self.order.len();
        if contenders == 0 {
            return vec![];
        }
        if self.round.is_multiple_of(contenders) {
            self.rng.shuffle(&mut self.order);
            self.rng.shuffle(&mut self.shifts);
        }
        let mut order = self.order.clone();
        order.rotate_left(self.shifts[self.round % contenders]);
        self.round += 1;
        order
    }
}

/// How many runs make a sample of `at_least` this length, judged by the fastest of three samples of
/// one run.
pub fn repeats<E>(
    at_least: Duration,
    mut sample_of_one: impl FnMut() -> Result<Duration, E>,
) -> Result<u32, E> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        fastest = fastest.min(sample_of_one()?);
    }
    let repeats = at_least.as_nanos().div_ceil(fastest.as_nanos().max(1));
    Ok(repeats.clamp(1, 100_000) as u32)
}

/// How long `repeats` runs of `work` take together. This is the timed region: nothing else is in it.
pub fn time<E>(repeats: u32, mut work: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    for _ in 0..repeats {
        work()?;
    }
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_stands_everywhere_once_a_square() {
        let mut rounds = Rounds::new(5, 42);
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
    fn repeats_fill_the_sample_and_count_only_what_is_timed() {
        let mut walls = [900, 300, 400].map(Duration::from_nanos).into_iter();
        let sample = || {
            std::thread::sleep(Duration::from_millis(1)); // preparing is not part of the sample
            walls.next().ok_or(())
        };
        assert_eq!(repeats(Duration::from_micros(3), sample), Ok(10));
        assert_eq!(
            repeats(Duration::from_micros(1), || Ok::<_, ()>(Duration::from_secs(1))),
            Ok(1)
        );
    }

    #[test]
    fn the_same_seed_draws_the_same_orders() {
        let draw = |seed| {
            let mut rounds = Rounds::new(7, seed);
            (0..20).map(|_| rounds.next_order()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(Rounds::new(0, 1).next_order().is_empty());
    }
}
