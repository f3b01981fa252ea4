//! Residues modulo a prime, eight at a time.
//!
//! The primes are below 2^50, so four times a prime is below 2^52. Residues are not reduced further than
//! needed: unless a function says otherwise, a residue is below 4p, and one "below 2p" or "below p" is so much
//! the better.

use super::columns::Block;
use bytemuck::cast;
use std::arch::x86_64::*;

/// The low 52 bits.
pub(super) const LOW_BITS: i64 = (1 << 52) - 1;

/// The largest order of the roots of unity is 2^34.
const LEVELS: usize = 34;

/// A prime p with a root of unity of the order 2^34.
pub(super) struct Prime {
    pub(super) p: u64,
    /// Element i has the order 2^i.
    roots: [Constant; LEVELS + 1],
    /// The roots of the first nodes. See [`Roots`].
    first_roots: [Constant; 8],
    minus_one: Constant,
    /// 2^52.
    pub(super) shift: Constant,
}

/// For products of less than 2^21 * 2^128: the product of the primes is above 2^149.99. Each is about 2^50 and
/// is a multiple of 2^34, plus one.
pub(super) static PRIMES: [Prime; 3] =
    [Prime::new(P[0], 11), Prime::new(P[1], 3), Prime::new(P[2], 3)];

pub(super) const P: [u64; 3] =
    [1_125_625_028_935_681, 1_125_487_589_982_209, 1_125_281_431_552_001];

impl Prime {
    const fn new(p: u64, non_residue: u64) -> Self {
        let mut roots = [Constant::new(1, p); LEVELS + 1];
        let mut root = power(non_residue, (p - 1) >> LEVELS, p);
        let mut level = LEVELS;
        while level > 0 {
            roots[level] = Constant::new(root, p);
            root = product(root, root, p);
            level -= 1;
        }
        let mut first_roots = [Constant::new(1, p); 8];
        let mut i = 1;
        while i < first_roots.len() {
            let level = i.ilog2();
            let root = roots[level as usize + 2].value;
            first_roots[i] =
                Constant::new(product(first_roots[i - (1 << level)].value, root, p), p);
            i += 1;
        }
        let (minus_one, shift) = (Constant::new(p - 1, p), Constant::new((1 << 52) % p, p));
        Prime { p, roots, first_roots, minus_one, shift }
    }
}

/// a * b modulo p.
pub(super) const fn product(a: u64, b: u64, p: u64) -> u64 {
    (a as u128 * b as u128 % p as u128) as u64
}

const fn power(base: u64, exponent: u64, p: u64) -> u64 {
    let mut power = 1;
    let mut bit = u64::BITS;
    while bit > 0 {
        bit -= 1;
        power = product(power, power, p);
        if exponent >> bit & 1 == 1 {
            power = product(power, base, p);
        }
    }
    power
}

/// 1 / a modulo p.
pub(super) const fn inverse(a: u64, p: u64) -> u64 {
    power(a, p - 2, p)
}

/// A residue below p by which others are multiplied.
#[derive(Clone, Copy)]
pub(super) struct Constant {
    pub(super) value: u64,
    /// floor(value * 2^52 / p).
    quotient: u64,
}

impl Constant {
    pub(super) const fn new(value: u64, p: u64) -> Self {
        Constant { value, quotient: (((value as u128) << 52) / p as u128) as u64 }
    }
}

/// A [`Constant`] in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    value: __m512i,
    quotient: __m512i,
}

impl Factor {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(constant: Constant) -> Self {
        Factor {
            value: _mm512_set1_epi64(constant.value.cast_signed()),
            quotient: _mm512_set1_epi64(constant.quotient.cast_signed()),
        }
    }
}

/// The arithmetic modulo a prime.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) p: __m512i,
    pub(super) two_p: __m512i,
}

impl Field {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(prime: &Prime) -> Self {
        let p = prime.p.cast_signed();
        Field { p: _mm512_set1_epi64(p), two_p: _mm512_set1_epi64(2 * p) }
    }

    /// `x * factor`, below 2p, for any x below 2^52.
    ///
    /// By Shoup's method: x * quotient / 2^52 is at most x * value / p, and less by less than x / 2^52 < 1. So
    /// rounded down, it is less by less than 2.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn multiply(self, x: __m512i, factor: Factor) -> __m512i {
        let zero = _mm512_setzero_si512();
        let quotient = _mm512_madd52hi_epu64(zero, x, factor.quotient);
        let product = _mm512_madd52lo_epu64(zero, x, factor.value);
        let multiple = _mm512_madd52lo_epu64(zero, quotient, self.p);
        let difference = _mm512_sub_epi64(product, multiple);
        _mm512_and_si512(difference, _mm512_set1_epi64(LOW_BITS))
    }

    /// `x + y`, not reduced.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn add(self, x: __m512i, y: __m512i) -> __m512i {
        _mm512_add_epi64(x, y)
    }

    /// `x - y`, not reduced, for x and y below 2p.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn subtract(self, x: __m512i, y: __m512i) -> __m512i {
        _mm512_add_epi64(x, _mm512_sub_epi64(self.two_p, y))
    }

    /// `x` below 2p.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn reduce(self, x: __m512i) -> __m512i {
        _mm512_min_epu64(x, _mm512_sub_epi64(x, self.two_p)) // a negative difference is a large number
    }

    /// `x` below p.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn reduce_fully(self, x: __m512i) -> __m512i {
        let x = self.reduce(x);
        _mm512_min_epu64(x, _mm512_sub_epi64(x, self.p))
    }
}

/// The roots of the nodes of a transform. Node 0 has the root 1, and the children of a node with the root r are
/// node 2k, whose root is a square root of r, and node 2k + 1, whose root is a square root of -r. So node 2^j + i
/// has the root of node i, for i below 2^j, times a root of unity of the order 2^(j+2).
pub(super) struct Roots<'a> {
    prime: &'a Prime,
    values: &'a [u64],
    quotients: &'a [u64],
}

impl<'a> Roots<'a> {
    /// The number of blocks of a table for this many nodes.
    pub(super) const fn blocks(nodes: usize) -> usize {
        2 * nodes.div_ceil(8)
    }

    /// Computes the roots of a power of two of nodes, at least 8.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn compute(prime: &'a Prime, table: &'a mut [Block]) -> Self {
        let (values, quotients) = table.split_at_mut(table.len() / 2);
        let field = Field::new(prime);
        values[0] = prime.first_roots.map(|root| root.value);
        quotients[0] = prime.first_roots.map(|root| root.quotient);
        let (mut len, mut level) = (1, 3 + 2);
        while len < values.len() {
            let root = Factor::new(prime.roots[level]);
            for i in 0..len {
                let value = field.reduce_fully(field.multiply(cast(values[i]), root));
                values[len + i] = cast(value);
                quotients[len + i] = cast(shifted_quotients(value, prime.p));
            }
            (len, level) = (2 * len, level + 1);
        }
        Roots { prime, values: values.as_flattened(), quotients: quotients.as_flattened() }
    }

    /// The root of a node.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn root(&self, node: usize) -> Factor {
        Factor::new(Constant { value: self.values[node], quotient: self.quotients[node] })
    }

    /// Minus one, divided by the root of a node. It is the root of the node that has the opposite place among
    /// those with as many binary digits: the two angles add up to half a turn.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn negated_inverse(&self, node: usize) -> Factor {
        match node.checked_ilog2() {
            Some(level) => self.root((3 << level) - 1 - node),
            None => Factor::new(self.prime.minus_one),
        }
    }
}

/// floor(value * 2^52 / p), for values below p.
///
/// The estimate in floating point is too small by less than 2^52 * (2^-50 + 2^-51) + 1 = 7, and never too large,
/// since the factor is too small by more than the four roundings can add.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn shifted_quotients(values: __m512i, p: u64) -> __m512i {
    let factor = (1u64 << 52) as f64 / p as f64 * (1.0 - 1.0 / (1u64 << 50) as f64);
    let products = _mm512_mul_pd(_mm512_cvtepu64_pd(values), _mm512_set1_pd(factor));
    let mut quotients = _mm512_cvttpd_epu64(products);
    let multiples = _mm512_mullo_epi64(quotients, _mm512_set1_epi64(p.cast_signed()));
    let mut rests = _mm512_sub_epi64(_mm512_slli_epi64::<52>(values), multiples);
    for step in [4, 2, 1] {
        let multiple = _mm512_set1_epi64(step * p.cast_signed());
        let is_enough = _mm512_cmpge_epu64_mask(rests, multiple);
        rests = _mm512_mask_sub_epi64(rests, is_enough, rests, multiple);
        quotients = _mm512_mask_add_epi64(quotients, is_enough, quotients, _mm512_set1_epi64(step));
    }
    quotients
}
