//! The first and the last digits of F(n), without the digits between.

use num_bigint::BigUint;

/// Either end has this many digits.
const DIGITS: usize = 10;

/// The first ten and the last ten digits of F(n), for n of 60 and more. F(60) has 13 digits. The ends
/// overlap if F(n) has fewer than twenty digits.
///
/// This takes microseconds for any index.
///
/// ```
/// let (first, last) = fib_core::ends(1000);
/// assert_eq!((first.as_str(), last.as_str()), ("4346655768", "6849228875"));
/// ```
///
/// # Panics
/// If `n` is below 60.
pub fn ends(n: u64) -> (String, String) {
    assert!(n >= 60, "F({n}) has too few digits");
    let mut precision = 4 * DIGITS;
    loop {
        let [mut first, above] = [0u32, 1].map(|up| leading_digits(n, precision, up));
        if first[..DIGITS] == above[..DIGITS] {
            first.truncate(DIGITS);
            return (first, format!("{:0DIGITS$}", last_digits(n)));
        }
        precision *= 2;
    }
}

/// About `precision` leading digits of a number near F(n). If `up` is 0, this number is at most F(n); if
/// `up` is 1, it is at least F(n).
///
/// Doubling with rounded numbers: F(2k-1) = F(k-1)^2 + F(k)^2, F(2k) = F(k) (F(k) + 2 F(k-1)), and
/// F(2k+1) is their sum. All terms are positive, so the result is on the same side as the rounding.
fn leading_digits(n: u64, precision: usize, up: u32) -> String {
    let (mut lower, mut upper) = (BigUint::from(1u32), BigUint::ZERO); // F(-1), F(0)
    for bit in (0..64 - n.leading_zeros()).rev() {
        let below = &lower * &lower + &upper * &upper;
        let middle = &upper * (&upper + 2u32 * &lower);
        (lower, upper) = if n >> bit & 1 == 1 {
            let above = &below + &middle;
            (middle, above)
        } else {
            (below, middle)
        };
        let excess = upper.to_string().len().saturating_sub(precision);
        if excess > 0 {
            let unit = BigUint::from(10u32).pow(excess as u32);
            lower = lower / &unit + up;
            upper = upper / &unit + up;
        }
    }
    upper.to_string()
}

/// F(n) modulo 10^10.
fn last_digits(n: u64) -> u64 {
    const MODULUS: u128 = 10_000_000_000;
    let (mut lower, mut upper) = (1u128, 0u128); // F(-1), F(0)
    for bit in (0..64 - n.leading_zeros()).rev() {
        let below = (lower * lower + upper * upper) % MODULUS;
        let middle = upper * (upper + 2 * lower) % MODULUS;
        (lower, upper) =
            if n >> bit & 1 == 1 { (middle, (below + middle) % MODULUS) } else { (below, middle) };
    }
    upper as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::pair;

    #[test]
    fn the_ends_agree_with_the_whole_number() {
        for n in (60..3000).chain([99_999, 100_000, 1_000_003]) {
            let digits = pair(n).1.to_string();
            let (first, last) = ends(n);
            assert_eq!(first, digits[..DIGITS], "F({n})");
            assert_eq!(last, digits[digits.len() - DIGITS..], "F({n})");
        }
    }

    /// The last digits repeat with the Pisano period of 10^10, and the first digits follow from
    /// n log10 phi, here in `f64`.
    #[test]
    fn huge_indices() {
        let period = 15_000_000_000;
        for n in [1u64 << 33, 1 << 40, 1 << 45] {
            assert_eq!(ends(n).1, ends(n + period).1, "F({n})");
            let log = n as f64 * 5f64.sqrt().midpoint(1.0).log10() - 5f64.sqrt().log10();
            let first: f64 = ends(n).0.parse().unwrap();
            let expected = 10f64.powf(log.fract() + 9.0);
            let error = n as f64 * 1e-16; // of the logarithm, in f64
            assert!((first / expected - 1.0).abs() < 10.0 * error, "F({n}): {first} {expected}");
        }
        let (first, last) = ends(u64::MAX);
        assert_eq!((first.len(), last.len()), (10, 10));
    }
}
