//! The base of the digits of a number.

/// The base of the digits of a number. A digit is a `u64`, and the lowest digit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// 2^64: the digits are the 64-bit limbs of the number.
    Binary,
    /// 10^19: each digit is 19 decimal digits, so a number is printed without any conversion.
    Decimal,
}

/// 10^19, the largest power of ten below 2^64.
pub(crate) const DECIMAL: u64 = 10_000_000_000_000_000_000;

/// The base as a type, for inner loops.
pub(crate) trait Radix: Copy {
    /// `value` modulo the base, and `value` divided by the base, rounded down. The value is between -2^120 and
    /// 2^120.
    fn split(value: i128) -> (u64, i128);

    /// `value` times the base, which must be below 2^127.
    fn shift(value: i128) -> i128;
}

/// 2^64.
#[derive(Clone, Copy)]
pub(crate) struct BinaryRadix;

impl Radix for BinaryRadix {
    #[inline(always)]
    fn split(value: i128) -> (u64, i128) {
        (value as u64, value >> 64)
    }

    #[inline(always)]
    fn shift(value: i128) -> i128 {
        value << 64
    }
}

/// 10^19.
#[derive(Clone, Copy)]
pub(crate) struct DecimalRadix;

impl Radix for DecimalRadix {
    #[inline(always)]
    fn split(value: i128) -> (u64, i128) {
        // A multiple of the base makes the value positive. 2^60 * 10^19 is between 2^123 and 2^124.
        const OFFSET: u64 = 1 << 60;
        let (quotient, rest) = divide((value + OFFSET as i128 * DECIMAL as i128) as u128);
        (rest, quotient as i128 - OFFSET as i128)
    }

    #[inline(always)]
    fn shift(value: i128) -> i128 {
        value * DECIMAL as i128
    }
}

/// The quotient and the rest of a division by 10^19, for a number below 2^127.
///
/// Möller and Granlund, Improved division by invariant integers, IEEE Transactions on Computers 60, 2011,
/// algorithm 4: the divisor has its highest bit set, and the high half of the number is below it.
#[inline(always)]
fn divide(number: u128) -> (u64, u64) {
    const RECIPROCAL: u64 = (u128::MAX / DECIMAL as u128 - (1 << 64)) as u64;
    let (high, low) = ((number >> 64) as u64, number as u64);
    let estimate = RECIPROCAL as u128 * high as u128 + number;
    let (mut quotient, fraction) = (((estimate >> 64) as u64).wrapping_add(1), estimate as u64);
    let mut rest = low.wrapping_sub(quotient.wrapping_mul(DECIMAL));
    debug_assert!(high < DECIMAL);
    if rest > fraction {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(DECIMAL);
    }
    if rest >= DECIMAL {
        quotient = quotient.wrapping_add(1);
        rest -= DECIMAL;
    }
    (quotient, rest)
}

/// Adds `carry` to a number, and returns what does not fit it: a multiple of the base to the power of its length.
pub(crate) fn add_carry<R: Radix>(digits: &mut [u64], mut carry: i128) -> i128 {
    for digit in digits {
        if carry == 0 {
            break;
        }
        (*digit, carry) = R::split(i128::from(*digit) + carry);
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: i128) {
        let (digit, carry) = BinaryRadix::split(value);
        assert_eq!(BinaryRadix::shift(carry) + i128::from(digit), value);
        let (digit, carry) = DecimalRadix::split(value);
        assert!(digit < DECIMAL, "{value}");
        assert_eq!(DecimalRadix::shift(carry) + i128::from(digit), value);
    }

    #[test]
    fn splitting_at_the_edges() {
        let base = i128::from(DECIMAL);
        for quotient in [0, 1, 2, 1 << 32, (1 << 56) - 1, -1, -2, -(1 << 56)] {
            for rest in [-1, 0, 1, base / 2, base - 1] {
                check(quotient * base + rest);
            }
        }
        check((1 << 120) - 1);
        check(-(1 << 120) + 1);
    }

    #[test]
    fn a_carry_ripples() {
        let mut digits = [DECIMAL - 1; 3];
        assert_eq!(add_carry::<DecimalRadix>(&mut digits, 1), 1);
        assert_eq!(digits, [0; 3]);
        assert_eq!(add_carry::<BinaryRadix>(&mut digits, -1), -1);
        assert_eq!(digits, [u64::MAX; 3]);
        assert_eq!(add_carry::<BinaryRadix>(&mut [], 7), 7);
    }

    proptest! {
        #[test]
        fn splitting_is_exact(value in any::<i128>(), shift in 8..128u32) {
            check(value >> shift);
        }
    }
}
