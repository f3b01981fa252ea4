//! A proof that residues stay small: lanes whose values are not residues but upper bounds of residues, as multiples of
//! p. Every operation checks what it expects of its operands, and returns the bound of its result. The passes are the
//! same code that computes with residues, and bounds do not depend on the numbers, so a pass that runs with the
//! bounds of its input is right for any input.

use super::{Block, Lanes};
use crate::columns::WriteBounds;
use crate::lift::LiftBounds;
use crate::load::{Load, LoadSplit};
use crate::prime::{PRIMES, Prime};
use crate::quadratic::{Combine, Quadratic};
use crate::roots::Direction;
use crate::transform::{MergeRows, Restore, SplitRows, Transform};
use std::fmt::Debug;
use std::marker::PhantomData;

/// The rules of a representation. All bounds are multiples of p.
pub(crate) trait Rules: Copy + Debug {
    const CONSTANT: f64;
    const DIGITS: f64;
    const REDUCED: f64;
    /// Of an integer of [`Lanes::digit`].
    const DIGIT: f64;
    /// What is stored between the passes of a transform, and between those of its reverse.
    const SPLIT: f64;
    const MERGED: f64;
    fn check(value: f64) -> f64;
    fn subtract(a: f64, b: f64) -> f64;
    fn multiply(a: f64, b: f64) -> f64;
    fn combine(values: [f64; 3], coefficients: [i8; 3]) -> f64;
}

const TWO_53: f64 = (1_u64 << 53) as f64;

/// It is 2^50 less 51 2^30, and the bounds need this difference.
const LARGEST_PRIME: f64 = ((1_u64 << 50) - (51 << 30) + 1) as f64;

/// [`Balanced`](super::doubles::Balanced).
#[derive(Clone, Copy, Debug)]
struct DoubleRules;

impl Rules for DoubleRules {
    /// Constants are balanced, and so are the entries of tables, up to a unit.
    const CONSTANT: f64 = 0.5 + UNITS;
    const DIGITS: f64 = 2.2;
    const REDUCED: f64 = 0.5 + UNITS;
    const DIGIT: f64 = 0.5 + UNITS;
    const SPLIT: f64 = 3.0;
    const MERGED: f64 = 2.0;

    /// The largest residue is 2^53.
    fn check(value: f64) -> f64 {
        assert!(value <= TWO_53 / LARGEST_PRIME, "{value} p is no exact double");
        value
    }

    fn subtract(a: f64, b: f64) -> f64 {
        Self::check(a + b)
    }

    fn multiply(a: f64, b: f64) -> f64 {
        Self::check(0.5 + 3.0 * a * b * LARGEST_PRIME / TWO_53)
    }

    fn combine(values: [f64; 3], coefficients: [i8; 3]) -> f64 {
        let terms = values.iter().zip(coefficients).map(|(v, c)| v * f64::from(c.unsigned_abs()));
        Self::check(terms.sum());
        Self::REDUCED
    }
}

/// Two units are 2 / p, and p is above 2^49.
const UNITS: f64 = 4.0 / (1_u64 << 50) as f64;

/// [`Words`](super::words::Words).
#[derive(Clone, Copy, Debug)]
struct WordRules;

impl Rules for WordRules {
    const CONSTANT: f64 = 2.0;
    const DIGITS: f64 = 2.2;
    const REDUCED: f64 = 2.2;
    const DIGIT: f64 = 1.0;
    const SPLIT: f64 = 100.0;
    const MERGED: f64 = 4.4;

    fn check(value: f64) -> f64 {
        assert!(value < 16_384.0, "{value} p does not fit 64 bits");
        value
    }

    fn subtract(a: f64, b: f64) -> f64 {
        assert!(b <= super::words::MOST_SUBTRAHEND as f64, "{b} p is subtracted");
        Self::check(a + super::words::MOST_SUBTRAHEND as f64)
    }

    fn multiply(a: f64, b: f64) -> f64 {
        assert!(a * b < 16_384.0, "{a} p times {b} p is 2^64 p");
        2.0
    }

    fn combine(values: [f64; 3], _: [i8; 3]) -> f64 {
        assert!(values.into_iter().all(|value| value <= 2.0), "{values:?} are no products");
        Self::REDUCED
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<R>([f64; 8], PhantomData<R>);

impl<R: Rules> Bounds<R> {
    fn each(self, other: Self, rule: impl Fn(f64, f64) -> f64) -> Self {
        Bounds(std::array::from_fn(|i| R::check(rule(self.0[i], other.0[i]))), PhantomData)
    }

    fn all(bound: f64) -> Self {
        Bounds([bound; 8], PhantomData)
    }
}

impl<R: Rules> Lanes for Bounds<R> {
    type Field = ();
    type Factor = Self;

    fn field(_: &Prime) {}

    fn load(block: &Block) -> Self {
        Bounds(block.map(f64::from_bits), PhantomData)
    }

    fn store(self, block: &mut Block) {
        *block = self.0.map(f64::to_bits);
    }

    fn splat(residue: u64) -> Self {
        Self::all(f64::from_bits(residue))
    }

    fn from_digits((): (), _: &Block) -> Self {
        Self::all(R::DIGITS)
    }

    fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    fn subtract(self, (): (), other: Self) -> Self {
        self.each(other, R::subtract)
    }

    fn factor((): (), constant: u64) -> Self {
        Self::splat(constant)
    }

    fn times(self, (): (), factor: Self) -> Self {
        self.each(factor, R::multiply)
    }

    fn multiply(self, (): (), other: Self) -> Self {
        self.each(other, R::multiply)
    }

    fn reduce(self, (): ()) -> Self {
        self.each(self, |a, _| R::check(a).min(R::REDUCED))
    }

    fn combine((): (), [a, b, c]: [Self; 3], coefficients: [i8; 3]) -> Self {
        let lane = |i: usize| R::combine([a.0[i], b.0[i], c.0[i]], coefficients);
        Bounds(std::array::from_fn(lane), PhantomData)
    }

    fn digit(self, (): ()) -> Self {
        self.each(self, |a, _| R::check(a).min(R::DIGIT))
    }

    fn integers(self) -> [i64; 8] {
        assert!(self.0.iter().all(|&bound| bound <= R::DIGIT), "{:?} are no integers", self.0);
        [0; 8]
    }

    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        std::array::from_fn(|i| Bounds(std::array::from_fn(|lane| rows[lane].0[i]), PhantomData))
    }
}

fn blocks<R: Rules>(len: usize, bound: f64) -> Vec<Block> {
    let mut block = [0; 8];
    Bounds::<R>::all(bound).store(&mut block);
    vec![block; len]
}

fn check_below<R: Rules>(blocks: &[Block], bound: f64) {
    for block in blocks {
        let found = Bounds::<R>::load(block).0;
        assert!(found.iter().all(|&found| found <= bound), "{found:?} where {bound} is expected");
    }
}

fn rows(blocks: &mut [Block]) -> [&mut [Block]; 4] {
    let [a, b, c, d] = blocks else { panic!("four blocks") };
    [a, b, c, d].map(std::slice::from_mut)
}

/// Runs all passes in the order of a computation, each with the bounds that the others may leave behind.
fn check_all_passes<R: Rules>() {
    use super::Work;
    let prime = &PRIMES[0];
    let roots = &Direction::constant(1 << 12, R::CONSTANT.to_bits());
    let constant = R::CONSTANT.to_bits();

    // Digits, into blocks that are loaded for the first time, and added to others.
    let mut loaded = blocks::<R>(4, 0.0);
    let digits = [u64::MAX; 27];
    for factor in [None, Some(constant), Some(constant)] {
        Load { prime, blocks: &mut loaded, digits: &digits, factor }.run::<Bounds<R>>();
    }
    check_below::<R>(&loaded, R::SPLIT);

    for digits in [[&[1; 8][..], &[1; 8], &[], &[]], [&[1; 8], &[1; 8], &[1; 7], &[1; 3]]] {
        let mut split = blocks::<R>(4, 0.0);
        LoadSplit { prime, roots, rows: rows(&mut split), digits }.run::<Bounds<R>>();
        check_below::<R>(&split, R::SPLIT);
    }
    for len in [8, 16, 32, 64, 128] {
        let mut split = blocks::<R>(len, R::SPLIT);
        Transform { prime, roots, blocks: &mut split, node: 0 }.run::<Bounds<R>>();
        check_below::<R>(&split, R::SPLIT);
        let mut merged = blocks::<R>(len, R::REDUCED);
        Restore { prime, roots, blocks: &mut merged, node: 0 }.run::<Bounds<R>>();
        check_below::<R>(&merged, R::MERGED);
    }
    let mut split = blocks::<R>(4, R::SPLIT);
    SplitRows { prime, roots, rows: rows(&mut split), node: 1 }.run::<Bounds<R>>();
    check_below::<R>(&split, R::SPLIT);
    let mut merged = blocks::<R>(4, R::MERGED);
    MergeRows { prime, roots, rows: rows(&mut merged), node: 1 }.run::<Bounds<R>>();
    check_below::<R>(&merged, R::MERGED);

    let [mut x, mut y] = [blocks::<R>(3, R::SPLIT), blocks::<R>(3, R::SPLIT)];
    let forms = [Quadratic { xx: -8, xy: 0, yy: 0 }, Quadratic { xx: 2, xy: 3, yy: -3 }];
    let arrays = &mut [&mut x[..], &mut y[..]];
    Combine { prime, scale: constant, arrays, has_y: true, forms: &forms }.run::<Bounds<R>>();
    check_below::<R>(&x, R::REDUCED);
    check_below::<R>(&y, R::REDUCED);

    let mut lifted = blocks::<R>(15, R::MERGED);
    for _ in 0..2 {
        LiftBounds { constant, blocks: &mut lifted }.run::<Bounds<R>>();
        check_below::<R>(&lifted, R::MERGED);
    }
    for primes in [3, 4] {
        let residues = blocks::<R>(2, R::MERGED);
        WriteBounds { constant, residue: R::DIGIT.to_bits(), primes, residues: &residues }
            .run::<Bounds<R>>();
    }
}

#[test]
fn doubles_stay_exact() {
    check_all_passes::<DoubleRules>();
}

#[test]
fn words_never_overflow() {
    check_all_passes::<WordRules>();
}

#[test]
fn the_largest_prime_is_the_first() {
    assert!(PRIMES.iter().all(|prime| prime.p as f64 <= LARGEST_PRIME));
}

/// The rules notice a pass that forgets to reduce.
#[test]
#[should_panic = "no exact double"]
fn sums_of_sums_are_noticed() {
    let x = Bounds::<DoubleRules>::all(3.0);
    let _ = x.add(x).add(x);
}
