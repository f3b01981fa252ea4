//! The exact size of F(n), known before any work.
//!
//! F(n) = round(phi^n / sqrt 5), so its bit length is floor(n log2 phi - log2 sqrt 5) + 1 for n of
//! 4 and more. In `f64` this formula gives a wrong length for 33 indices below 10^9, of which the
//! first is 303,021,408. With a fraction of 64 bits it is still wrong for one index of 64 bits. So it is
//! computed in fixed point, with 192 bits of log phi and a fraction of 128 bits.

/// log phi and log sqrt 5 to one base, in fixed point.
struct Logarithms {
    /// The fraction of log phi, 64 bits in each limb, the highest limb first.
    phi: [u64; 3],
    /// log sqrt 5 with a 64-bit fraction, and the next 64 bits of the fraction.
    sqrt5: (u128, u64),
}

const BASE_2: Logarithms = Logarithms {
    phi: [0xb1b9_d68a_8e53_425d, 0xe48f_c742_6f0c_4428, 0x20d6_3c23_e0c5_6cb0],
    sqrt5: (0x0001_2934_f097_9a37_15fc, 0x9257_edfe_9b5f_b699),
};

const BASE_10: Logarithms = Logarithms {
    phi: [0x3580_36c8_2451_b7f3, 0x65d3_db23_8455_99f5, 0x887a_5e47_e9bd_d71c],
    sqrt5: (0x5977_d95e_c10c_0219, 0xdc1d_a994_fd20_dba1),
};

/// The number of bits of F(n), without leading zeros: 0 for F(0) = 0.
pub fn bits(n: u64) -> u64 {
    match n {
        0 => 0,
        1 | 2 => 1,
        3 => 2, // phi^3 / sqrt 5 = 1.89 is rounded up across a power of two
        _ => BASE_2.whole_part(n) + 1,
    }
}

/// The number of decimal digits of F(n), as it is written: 1 for F(0) = 0.
pub fn digits(n: u64) -> u64 {
    match n {
        0..=6 => 1, // F(6) = 8
        _ => BASE_10.whole_part(n) + 1,
    }
}

impl Logarithms {
    /// floor(n log phi - log sqrt 5), for n of 4 and more in base 2 and of 7 and more in base 10, where this is not negative.
    fn whole_part(&self, n: u64) -> u64 {
        let product = |limb: u64| u128::from(n) * u128::from(limb);
        let middle = product(self.phi[1]) + (product(self.phi[2]) >> 64);
        let high = product(self.phi[0]) + (middle >> 64);
        let borrow = u128::from((middle as u64) < self.sqrt5.1);
        ((high - self.sqrt5.0 - borrow) >> 64) as u64
    }
}

/// The number of 64-bit limbs of F(n), without leading zeros: 0 for F(0) = 0.
pub fn limbs(n: u64) -> usize {
    // Only a 32-bit target can overflow; a slot of usize::MAX limbs is refused by every limit.
    usize::try_from(bits(n).div_ceil(64)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn sizes_agree_with_addition() {
        let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
        let (mut power, mut count) = (BigUint::from(10u32), 1);
        for n in 0..20_000 {
            assert_eq!(bits(n), a.bits(), "bits of F({n})");
            if a >= power {
                (power, count) = (power * 10u32, count + 1);
            }
            assert_eq!(digits(n), count, "digits of F({n})");
            (a, b) = (b.clone(), a + b);
        }
    }

    /// The first index for which `f64` is wrong is 303,021,408: its log2 F(n) is within 2^-27 of an
    /// integer.
    #[test]
    fn sizes_agree_with_long_arithmetic() {
        let n = 303_021_408;
        let phi = 5f64.sqrt().midpoint(1.0);
        let in_f64 = (n as f64 * phi.log2() - 5f64.sqrt().log2()).floor() as u64 + 1;
        assert_ne!(bits(n), in_f64);
        // The logarithms of the last two are within 2^-64 of an integer.
        let near = [2_408_300_925_696_033_696, 8_625_812_162_537_945_092];
        let sizes =
            [4, 93, 94, 186, 187, n - 1, n, n + 1, 1 << 40, (1 << 40) + 1, u64::MAX - 1, u64::MAX];
        for n in sizes.into_iter().chain(near) {
            assert_eq!(bits(n), length_by_powering(n, 2), "bits of F({n})");
            assert_eq!(digits(n), length_by_powering(n, 10), "digits of F({n})");
        }
    }

    /// The length of phi^n / sqrt 5 in this radix, by binary powering in fixed point.
    fn length_by_powering(n: u64, radix: u32) -> u64 {
        const POINT: u32 = 300; // digits of the fraction
        let length = |number: &BigUint| number.to_radix_le(radix).len() as u32;
        let unit = BigUint::from(radix).pow(POINT);
        let sqrt5 = (BigUint::from(5u32) * &unit * &unit).sqrt();
        let phi = (&sqrt5 + &unit) >> 1u32;
        let (mut mantissa, mut exponent) = (unit.clone(), 0u128);
        for i in (0..64 - n.leading_zeros()).rev() {
            mantissa = &mantissa * &mantissa / &unit;
            exponent *= 2;
            if n >> i & 1 == 1 {
                mantissa = mantissa * &phi / &unit;
            }
            let excess = length(&mantissa) - (POINT + 1);
            mantissa /= BigUint::from(radix).pow(excess);
            exponent += u128::from(excess);
        }
        let quotient = mantissa * unit / sqrt5;
        (u128::from(length(&quotient)) + exponent - u128::from(POINT)) as u64
    }
}
