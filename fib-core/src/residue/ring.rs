//! Arithmetic modulo m, written so that a compiler can put it into vector lanes: no branches, and no
//! operation that vectors lack where one can do without it.

/// The numbers modulo m, in a representation of its own.
pub(super) trait Ring: Copy + Send + Sync {
    /// The representation of a number.
    fn enter(self, value: u64) -> u64;

    /// The number of a representation, below m.
    fn leave(self, value: u64) -> u64;

    /// a b + c d, where all four are below m. If all are representations, so is the result. If a and c are plain
    /// numbers and b and d are representations, the result is a plain number.
    fn products(self, a: u64, b: u64, c: u64, d: u64) -> u64;
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
    fn products(self, a: u64, b: u64, c: u64, d: u64) -> u64 {
        a.wrapping_mul(b).wrapping_add(c.wrapping_mul(d))
    }
}

/// Modulo an odd m below 2^31: x is represented by x 2^32 mod m, so that a product is reduced by two more
/// products and no division (Montgomery, Modular multiplication without trial division, Mathematics of
/// Computation 44, 1985). All products are of 32 bits by 32 bits, which every vector instruction set has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery32 {
    pub(super) modulus: u32,
    /// -1/m modulo 2^32.
    pub(super) inverse: u32,
    /// 2^64 mod m.
    square_of_radix: u64,
}

impl Montgomery32 {
    /// The moduli are below this.
    pub(super) const END: u64 = 1 << 31;

    pub(super) fn new(modulus: u64) -> Self {
        assert!(modulus < Self::END && modulus % 2 == 1);
        let square_of_radix = ((1u128 << 64) % u128::from(modulus)) as u64;
        let inverse = inverse(modulus).wrapping_neg() as u32;
        Montgomery32 { modulus: modulus as u32, inverse, square_of_radix }
    }

    /// t / 2^32 mod m, for t up to 2 m^2.
    ///
    /// q m is -t modulo 2^32, so the division has no remainder. The quotient is at most
    /// (2 m^2 + 2^32 m) / 2^32, which is below 2 m, and the sum before it is below 2^64.
    #[inline(always)]
    fn reduce(self, t: u64) -> u64 {
        let q = (t as u32).wrapping_mul(self.inverse);
        let quotient = (t + u64::from(q) * u64::from(self.modulus)) >> 32;
        quotient.min(quotient.wrapping_sub(self.modulus.into()))
    }
}

impl Ring for Montgomery32 {
    fn enter(self, value: u64) -> u64 {
        self.reduce(value % u64::from(self.modulus) * self.square_of_radix)
    }

    fn leave(self, value: u64) -> u64 {
        self.reduce(value)
    }

    #[inline(always)]
    fn products(self, a: u64, b: u64, c: u64, d: u64) -> u64 {
        let product = |x: u64, y: u64| u64::from(x as u32) * u64::from(y as u32);
        self.reduce(product(a, b) + product(c, d))
    }
}

/// Modulo an odd m below 2^51, with the radix 2^52, for the processors that multiply 52 bits by 52 bits in
/// vectors. Here it is in scalar arithmetic, for the tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery52 {
    pub(super) modulus: u64,
    /// -1/m modulo 2^52.
    pub(super) inverse: u64,
    /// 2^104 mod m.
    square_of_radix: u64,
}

impl Montgomery52 {
    /// The moduli are below this.
    pub(super) const END: u64 = 1 << 51;

    pub(super) fn new(modulus: u64) -> Self {
        assert!(modulus < Self::END && modulus % 2 == 1);
        let square_of_radix = ((1u128 << 104) % u128::from(modulus)) as u64;
        let inverse = inverse(modulus).wrapping_neg() % (1 << 52);
        Montgomery52 { modulus, inverse, square_of_radix }
    }

    /// t / 2^52 mod m, for t up to 2 m^2; see [`Montgomery32::reduce`].
    fn reduce(self, t: u128) -> u64 {
        let q = (t as u64).wrapping_mul(self.inverse) % (1 << 52);
        let quotient = ((t + u128::from(q) * u128::from(self.modulus)) >> 52) as u64;
        quotient.min(quotient.wrapping_sub(self.modulus))
    }
}

impl Ring for Montgomery52 {
    fn enter(self, value: u64) -> u64 {
        self.reduce(u128::from(value % self.modulus) * u128::from(self.square_of_radix))
    }

    fn leave(self, value: u64) -> u64 {
        self.reduce(value.into())
    }

    fn products(self, a: u64, b: u64, c: u64, d: u64) -> u64 {
        self.reduce(u128::from(a) * u128::from(b) + u128::from(c) * u128::from(d))
    }
}

/// Modulo an odd m below 2^63, by Montgomery's method with products of 128 bits, which vectors do not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery64 {
    modulus: u64,
    /// 1/m modulo 2^64.
    inverse: u64,
    /// 2^128 mod m.
    square_of_radix: u64,
}

impl Montgomery64 {
    pub(super) fn new(modulus: u64) -> Self {
        assert!(modulus < 1 << 63 && modulus % 2 == 1);
        let radix = (1u128 << 64) % u128::from(modulus);
        let square_of_radix = (radix * radix % u128::from(modulus)) as u64;
        Montgomery64 { modulus, inverse: inverse(modulus), square_of_radix }
    }

    /// t / 2^64 mod m, for t below 2^64 m. This holds for a sum of two products, since m is below 2^63.
    #[inline(always)]
    fn reduce(self, t: u128) -> u64 {
        let q = (t as u64).wrapping_mul(self.inverse);
        let multiple = u128::from(q) * u128::from(self.modulus);
        let (quotient, is_negative) = ((t >> 64) as u64).overflowing_sub((multiple >> 64) as u64);
        if is_negative { quotient.wrapping_add(self.modulus) } else { quotient }
    }
}

impl Ring for Montgomery64 {
    fn enter(self, value: u64) -> u64 {
        self.reduce(u128::from(value % self.modulus) * u128::from(self.square_of_radix))
    }

    fn leave(self, value: u64) -> u64 {
        self.reduce(value.into())
    }

    #[inline(always)]
    fn products(self, a: u64, b: u64, c: u64, d: u64) -> u64 {
        self.reduce(u128::from(a) * u128::from(b) + u128::from(c) * u128::from(d))
    }
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the number of right
/// bits, and the number itself is right in three.
pub(super) fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}
