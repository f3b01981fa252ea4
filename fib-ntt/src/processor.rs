//! Runs passes with the vector instructions of the processor.
//!
//! # Unsafe code
//!
//! A function that is compiled for AVX2 or AVX-512 may be called only on a processor that has these instructions.
//! A [`Processor`] exists only for a level that the processor has, so its method is the only place that calls such
//! functions.
#![allow(unsafe_code)]

use crate::lanes::{Representation, Work, words::Words};
#[cfg(target_arch = "x86_64")]
use crate::lanes::{avx2::Avx2, avx512::Avx512, doubles::Balanced};
use crate::level::Level;

/// Proof that this processor has the instructions of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processor(Level);

impl Processor {
    /// With this level, or with the highest level of the processor if that is lower.
    pub(crate) fn new(level: Level) -> Self {
        Processor(level.min(Level::highest()))
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }

    pub(crate) fn representation(self) -> Representation {
        match self.0 {
            Level::Portable => Representation::Words,
            Level::Avx2 | Level::Avx512 => Representation::Balanced,
        }
    }

    /// Runs a pass, compiled for the instructions of the level.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Level::Portable => work.run::<Words>(),
            // SAFETY: `new` has found AVX2 and FMA.
            Level::Avx2 => unsafe { run_avx2(work) },
            // SAFETY: `new` has found AVX-512 F and DQ.
            Level::Avx512 => unsafe { run_avx512(work) },
        }
    }

    /// Runs a pass.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        work.run::<Words>()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<W: Work>(work: W) -> W::Output {
    work.run::<Balanced<Avx2>>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
fn run_avx512<W: Work>(work: W) -> W::Output {
    work.run::<Balanced<Avx512>>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Block, Lanes};
    use crate::prime::{PRIMES, Prime};

    #[test]
    fn a_processor_never_has_more_than_was_found() {
        for level in Level::ALL {
            assert!(Processor::new(level).level() <= Level::highest());
            assert!(Processor::new(level).level() <= level);
        }
    }

    /// Computes with eight numbers in all ways, and returns the canonical results.
    struct Everything<'a> {
        prime: &'a Prime,
        representation: Representation,
        x: Block,
        y: Block,
    }

    impl Work for Everything<'_> {
        type Output = Vec<[i64; 8]>;

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let field = L::field(self.prime);
            let [x, y] = [self.x, self.y].map(|digits| L::from_digits(field, &digits));
            let scale = L::factor(field, self.representation.scale(self.prime, 5));
            let constant = self.representation.constant(self.prime, self.prime.p - 3);
            let zero = L::factor(field, self.representation.constant(self.prime, 0));
            let product = x.times(field, scale).multiply(field, y.reduce(field));
            let mut results = vec![
                x,
                x.reduce(field),
                x.add(y),
                x.subtract(field, y),
                product,
                x.times(field, L::factor(field, constant)),
                x.multiply(field, L::splat(constant)),
                x.times(field, zero),
                L::combine(field, [product, product, product], [-5, 2, 1]),
            ];
            results.extend(L::transpose([x, y, x, x, y, y, x, product]));
            let mut block = [0; 8];
            product.store(&mut block);
            results.push(L::load(&block));
            results.into_iter().map(|lanes| lanes.digit(field).integers()).collect()
        }
    }

    /// The same by 128-bit arithmetic.
    fn expected(prime: &Prime, x: Block, y: Block) -> Vec<[i64; 8]> {
        let p = i128::from(prime.p);
        let lanes = |function: &dyn Fn(i128, i128) -> i128| {
            let lane = |i: usize| function(i128::from(x[i]) % p, i128::from(y[i]) % p);
            std::array::from_fn(|i| lane(i).rem_euclid(p) as i64)
        };
        let product = lanes(&|x, y| x * y % p * 5);
        let x_lanes = lanes(&|x, _| x);
        let y_lanes = lanes(&|_, y| y);
        let mut all = vec![
            x_lanes,
            x_lanes,
            lanes(&|x, y| x + y),
            lanes(&|x, y| x - y),
            product,
            lanes(&|x, _| -3 * x),
            lanes(&|x, _| -3 * x),
            [0; 8],
            lanes(&|x, y| x * y % p * -10),
        ];
        let rows = [x_lanes, y_lanes, x_lanes, x_lanes, y_lanes, y_lanes, x_lanes, product];
        all.extend((0..8).map(|i| rows.map(|row| row[i])));
        all.push(product);
        all
    }

    #[test]
    fn all_levels_compute_the_same() {
        let edges = |prime: &Prime| {
            let p = prime.p;
            [0, 1, p - 1, p, p / 2, p / 2 + 1, (1 << 50) - 1, 1 << 50, u64::MAX, u64::MAX - p]
        };
        for prime in &PRIMES {
            let edges = edges(prime);
            for shift in 0..edges.len() {
                let x: Block = std::array::from_fn(|i| edges[i]);
                let y: Block = std::array::from_fn(|i| edges[(i + shift) % edges.len()]);
                let expected = expected(prime, x, y);
                for level in Level::ALL {
                    let processor = Processor::new(level);
                    let representation = processor.representation();
                    let found = processor.run(Everything { prime, representation, x, y });
                    let canonical = |value: i64| value.rem_euclid(prime.p as i64);
                    let found: Vec<_> = found.into_iter().map(|row| row.map(canonical)).collect();
                    assert_eq!(found, expected, "{level}, modulo {}", prime.p);
                }
            }
        }
    }
}
