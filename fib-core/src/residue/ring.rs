//! Arithmetic modulo m, written so that a compiler can put it into vector lanes: no branches, and no
//! operation that vectors lack where one can do without it.

/// The numbers modulo m, in a representation of its own.
pub(super) trait Ring: Copy + Send + Sync {
    /// The representation of a number.
    fn enter(self, value: u64) -> u64;

    /// The number of a representation, below m.
    fn leave(self, value: u64) -> u64;

    /// m, of at most 2^63. Not used for 2^64.
    fn modulus(self) -> u64;

    /// a + b.
    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.modulus() { sum - self.modulus() } else { sum }
    }

    /// a - b.
    #[inline(always)]
    fn subtract(self, a: u64, b: u64) -> u64 {
        let difference = a.wrapping_sub(b);
        if a < b { difference.wrapping_add(self.modulus()) } else { difference }
    }

    fn square(self, a: u64) -> u64;

    /// The same, in the way that is faster in vector lanes.
    #[inline(always)]
    fn square_in_lane(self, a: u64) -> u64 {
        self.square(a)
    }
}

/// Modulo 2^64: what 64-bit registers do by themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word;

impl Ring for Word {
    #[inline(always)]
    fn enter(self, value: u64) -> u64 {
        value
    }

    #[inline(always)]
    fn leave(self, value: u64) -> u64 {
        value
    }

    #[inline(always)]
    fn modulus(self) -> u64 {
        0 // 2^64 does not fit, and registers wrap by themselves
    }

    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }

    #[inline(always)]
    fn subtract(self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b)
    }

    #[inline(always)]
    fn square(self, a: u64) -> u64 {
        a.wrapping_mul(a)
    }

    /// By products of 32 bits by 32 bits. AVX2 has no product of 64 bits, and this takes fewer operations
    /// than the general one that a compiler puts in its place.
    #[inline(always)]
    fn square_in_lane(self, a: u64) -> u64 {
        let (low, high) = (a & LOW, a >> 32);
        (low * low).wrapping_add((low * high) << 33)
    }
}

/// Modulo an odd m below 2^32: x is represented by x 2^32 mod m, so that a product is reduced by two more
/// products and no division (Montgomery, Modular multiplication without trial division, Mathematics of
/// Computation 44, 1985). All products are of 32 bits by 32 bits, which every vector instruction set has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery32 {
    modulus: u64,
    /// The inverse of m modulo 2^32.
    inverse: u64,
    /// 2^64 mod m.
    square_of_radix: u64,
}

impl Montgomery32 {
    pub(super) fn new(modulus: u64) -> Self {
        let square_of_radix = ((1u128 << 64) % u128::from(modulus)) as u64;
        let inverse = inverse(modulus) & u64::from(u32::MAX);
        Montgomery32 { modulus, inverse, square_of_radix }
    }

    /// t / 2^32 mod m, for t below m 2^32.
    #[inline(always)]
    fn reduce(self, t: u64) -> u64 {
        let quotient = (t & LOW).wrapping_mul(self.inverse) & LOW;
        self.subtract(t >> 32, (quotient * self.modulus) >> 32)
    }
}

/// The lower half of a limb.
const LOW: u64 = u32::MAX as u64;

impl Ring for Montgomery32 {
    #[inline(always)]
    fn enter(self, value: u64) -> u64 {
        self.reduce(value % self.modulus * self.square_of_radix)
    }

    #[inline(always)]
    fn leave(self, value: u64) -> u64 {
        self.reduce(value)
    }

    #[inline(always)]
    fn modulus(self) -> u64 {
        self.modulus
    }

    #[inline(always)]
    fn square(self, a: u64) -> u64 {
        self.reduce((a & LOW) * (a & LOW))
    }
}

/// Modulo an odd m below 2^63, by Montgomery's method with products of 128 bits. Vectors have no such
/// products, but several chains side by side still keep the multiplier busy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery64 {
    modulus: u64,
    /// The inverse of m modulo 2^64.
    inverse: u64,
    /// 2^128 mod m.
    square_of_radix: u64,
}

impl Montgomery64 {
    pub(super) fn new(modulus: u64) -> Self {
        let radix = (1u128 << 64) % u128::from(modulus);
        let square_of_radix = (radix * radix % u128::from(modulus)) as u64;
        Montgomery64 { modulus, inverse: inverse(modulus), square_of_radix }
    }

    /// t / 2^64 mod m, for t below m 2^64.
    #[inline(always)]
    fn reduce(self, t: u128) -> u64 {
        let quotient = (t as u64).wrapping_mul(self.inverse);
        let multiple = u128::from(quotient) * u128::from(self.modulus);
        self.subtract((t >> 64) as u64, (multiple >> 64) as u64)
    }
}

impl Ring for Montgomery64 {
    #[inline(always)]
    fn enter(self, value: u64) -> u64 {
        self.reduce(u128::from(value % self.modulus) * u128::from(self.square_of_radix))
    }

    #[inline(always)]
    fn leave(self, value: u64) -> u64 {
        self.reduce(value.into())
    }

    #[inline(always)]
    fn modulus(self) -> u64 {
        self.modulus
    }

    #[inline(always)]
    fn square(self, a: u64) -> u64 {
        self.reduce(u128::from(a) * u128::from(a))
    }
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the number of right
/// bits, and the number itself is right in three.
fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

/// Modulo any m up to 2^63, by division.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remainder {
    modulus: u64,
}

impl Remainder {
    pub(super) fn new(modulus: u64) -> Self {
        Remainder { modulus }
    }
}

impl Ring for Remainder {
    #[inline(always)]
    fn enter(self, value: u64) -> u64 {
        value % self.modulus
    }

    #[inline(always)]
    fn leave(self, value: u64) -> u64 {
        value
    }

    #[inline(always)]
    fn modulus(self) -> u64 {
        self.modulus
    }

    #[inline(always)]
    fn square(self, a: u64) -> u64 {
        match u32::try_from(a) {
            Ok(small) => u64::from(small) * u64::from(small) % self.modulus,
            Err(_) => (u128::from(a) * u128::from(a) % u128::from(self.modulus)) as u64,
        }
    }
}
