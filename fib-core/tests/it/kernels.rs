//! Checks the kernels against oracles that share no code with them: residues from a 128-bit ladder,
//! identities between several numbers, and last digits that repeat with a Pisano period. These
//! oracles reach sizes that additions cannot check.

use fib_core::kernels;
use fib_core::{Kernel, Options, Sequential, compute, size};
use num_bigint::BigUint;
use proptest::prelude::*;
use std::sync::Arc;

/// Primes just below 2^61.
const PRIMES: [u64; 3] = [(1 << 61) - 1, (1 << 61) - 31, (1 << 61) - 45];

/// F(n) mod p by the matrix ladder, in 128-bit arithmetic.
fn residue(n: u64, p: u64) -> u64 {
    let p = u128::from(p);
    let (mut a, mut b) = (0u128, 1u128); // F(k), F(k + 1)
    for bit in (0..64).rev() {
        let c = a * ((2 * b + p - a) % p) % p;
        let d = (a * a + b * b) % p;
        (a, b) = if n >> bit & 1 == 1 { (d, (c + d) % p) } else { (c, d) };
    }
    a as u64
}

fn arithmetic() -> impl Iterator<Item = Arc<dyn Kernel>> {
    kernels::unlimited().map(|entry| (entry.get)())
}

fn numbers(kernel: &Arc<dyn Kernel>, wanted: &[u64]) -> Vec<BigUint> {
    table(kernel, wanted).iter().map(|(_, f)| f).collect()
}

fn assert_is_fibonacci(n: u64, f: &BigUint, kernel: &str) {
    assert_eq!(f.bits(), size::bits(n), "{kernel} F({n})");
    for p in PRIMES {
        assert_eq!(f % p, BigUint::from(residue(n, p)), "{kernel} F({n}) mod {p}");
    }
}

#[test]
fn the_ladder_knows_small_numbers() {
    let by_addition = fib_conformance::fibonacci_upto(90);
    for (n, f) in by_addition.iter().enumerate() {
        assert_eq!(BigUint::from(residue(n as u64, PRIMES[0])), f % PRIMES[0]);
    }
}

/// The indices 0 to 3, the ends of the table, of 64 bits and of 128 bits, powers of two, and bit
/// lengths of 0, 1 and 63 modulo 64.
#[test]
fn boundaries() {
    let mut wanted = vec![0, 1, 2, 3, 92, 93, 94, 185, 186, 187, 1_000_003];
    wanted.extend((2..17).flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1]));
    wanted.extend((4..20_000).filter(|&n| matches!(size::bits(n) % 64, 0 | 1 | 63)).step_by(5));
    for kernel in arithmetic() {
        let slow = kernel.name() == "iterative";
        let wanted: Vec<u64> = wanted.iter().copied().filter(|&n| !slow || n < 100_000).collect();
        for (f, &n) in numbers(&kernel, &wanted).iter().zip(&wanted) {
            assert_is_fibonacci(n, f, kernel.name());
        }
    }
}

/// The last six decimals repeat with the Pisano period of 10^6.
#[test]
fn decimal_tails_repeat() {
    let (period, tail) = (1_500_000, BigUint::from(1_000_000u32));
    for kernel in [kernels::doubling(), kernels::stepping()] {
        for n in [0, 1, 12_345] {
            let pair = numbers(&kernel, &[n, n + period]);
            assert_eq!(&pair[0] % &tail, &pair[1] % &tail, "{} {n}", kernel.name());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn residues_and_lengths(n in 0u64..200_000) {
        for kernel in [kernels::doubling(), kernels::stepping()] {
            assert_is_fibonacci(n, &numbers(&kernel, &[n])[0], kernel.name());
        }
    }

    /// With x = F(n) and y = F(n+1), y^2 - xy - x^2 = (-1)^n. This would not notice n + 2 in place
    /// of n, but the lengths would.
    #[test]
    fn cassini(n in 0u64..30_000) {
        for kernel in arithmetic() {
            let [x, y] = numbers(&kernel, &[n, n + 1]).try_into().unwrap();
            let (left, right) = (&y * &y, &x * &y + &x * &x);
            let even = n % 2 == 0;
            let (left, right) = if even { (left, right + 1u32) } else { (left + 1u32, right) };
            prop_assert_eq!(left, right);
        }
    }

    /// F(0) + ... + F(n) = F(n+2) - 1.
    #[test]
    fn sums(n in 0u64..3000) {
        for kernel in arithmetic() {
            let wanted: Vec<u64> = (0..=n + 2).collect();
            let all = numbers(&kernel, &wanted);
            let sum: BigUint = all[..=n as usize].iter().sum();
            prop_assert_eq!(sum + 1u32, all[n as usize + 2].clone());
        }
    }

    /// gcd(F(m), F(n)) = F(gcd(m, n)).
    #[test]
    fn greatest_common_divisors(m in 1u64..4000, n in 1u64..4000) {
        let gcd = |mut a: BigUint, mut b: BigUint| {
            while b != BigUint::ZERO { (a, b) = (b.clone(), a % b); }
            a
        };
        let g: u64 = gcd(m.into(), n.into()).try_into().unwrap();
        for kernel in arithmetic() {
            let found = numbers(&kernel, &[m, n, g]);
            prop_assert_eq!(gcd(found[0].clone(), found[1].clone()), found[2].clone());
        }
    }

    /// Gaps of all widths, so that `stepping` steps, strides and seeks in one run.
    #[test]
    fn stepping_over_gaps(
        start in 0u64..500,
        gaps in prop::collection::vec((0u32..12, 1u64..4), 1..80),
    ) {
        let mut n = start;
        let mut wanted = vec![n];
        for (bits, factor) in gaps {
            n += if bits < 5 { 1 } else { (1 << bits) * factor };
            wanted.push(n);
        }
        let text = table(&kernels::in_text(&kernels::stepping()), &wanted);
        for (i, f) in numbers(&kernels::stepping(), &wanted).iter().enumerate() {
            assert_is_fibonacci(wanted[i], f, "stepping");
            prop_assert_eq!(text.text(i).unwrap(), f.to_string());
        }
    }
}

/// Text, numbers and num-bigint agree for every kernel, at the sizes where a limb begins.
#[test]
fn text_agrees_with_numbers() {
    let is_boundary = |n: &u64| matches!(size::digits(*n) % 8, 0 | 1) || size::digits(*n) % 19 < 2;
    let mut wanted: Vec<u64> = (0..300).chain((300..2000).filter(is_boundary)).collect();
    wanted.extend([2000, 2001, 2002, 2010, 2100, 2500, 9000, 9001, 20_000]);
    for kernel in arithmetic().chain([no_text()]) {
        let text = kernels::in_text(&kernel);
        let (text, numbers) = (table(&text, &wanted), numbers(&kernel, &wanted));
        for (i, (n, number)) in wanted.iter().zip(numbers).enumerate() {
            assert_eq!(text.text(i).unwrap(), number.to_string(), "{} F({n})", kernel.name());
            assert_eq!(text.to_biguint(i), Some(number));
        }
    }
}

/// A kernel that has no form of its own for text.
fn no_text() -> Arc<dyn Kernel> {
    struct NoText(Arc<dyn Kernel>);
    impl Kernel for NoText {
        fn name(&self) -> &'static str {
            "no-text"
        }
        fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
            self.0.cost(n, previous)
        }
        fn fill(&self, run: &mut fib_core::Run<'_>) {
            self.0.fill(run);
        }
    }
    Arc::new(NoText(kernels::doubling()))
}

fn table(kernel: &Arc<dyn Kernel>, wanted: &[u64]) -> fib_core::Table {
    let options = Options { chunking: "balanced:1".parse().unwrap(), ..Options::default() };
    compute(&Sequential, kernel, wanted, &options).unwrap()
}

/// A range that is cut at any place has the same text as the numbers one by one.
#[test]
fn text_of_ranges_that_are_cut_anywhere() {
    for start in (0..120).chain([1000, 5000]) {
        let wanted: Vec<u64> = (start..start + 40).collect();
        let kernel = kernels::in_text(&kernels::stepping());
        let options = Options { chunking: "items:7".parse().unwrap(), ..Options::default() };
        let table = compute(&Sequential, &kernel, &wanted, &options).unwrap();
        for (i, &n) in wanted.iter().enumerate() {
            assert_eq!(table.text(i).unwrap(), kernels::pair(n).1.to_string(), "F({n})");
        }
    }
}
