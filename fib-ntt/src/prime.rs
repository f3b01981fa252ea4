//! The primes, and arithmetic modulo a prime one number at a time, for constants.
//!
//! A prime is a little below 2^50, so that residues fit doubles with room for sums, and it is one more than a
//! multiple of 2^30, so that there are roots of unity for 2^30 points.

/// The transforms have at most 2^30 points.
pub(crate) const ROOT_ORDER_LOG: u32 = 30;

/// The levels of nodes that have roots.
const LEVELS: usize = ROOT_ORDER_LOG as usize - 1;

/// An odd prime p, just below 2^50.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prime {
    pub(crate) p: u64,
    /// The roots of the nodes 1, 2, 4 and so on.
    roots: [u64; LEVELS],
    /// Their reciprocals.
    inverse_roots: [u64; LEVELS],
}

/// The largest primes below 2^50 of the form c 2^30 + 1, each with a number whose powers are 2^30 different numbers,
/// the last of which is 1.
pub(crate) static PRIMES: [Prime; 4] = [
    Prime::new(1_125_845_146_009_601, 913_406_944_171_650),
    Prime::new(1_125_844_072_267_777, 732_240_669_130_505),
    Prime::new(1_125_825_818_656_769, 1_077_967_920_818_606),
    Prime::new(1_125_818_302_464_001, 973_816_599_430_137),
];

impl Prime {
    const fn new(p: u64, root: u64) -> Self {
        let mut prime = Prime { p, roots: [root; LEVELS], inverse_roots: [root; LEVELS] };
        prime.inverse_roots[LEVELS - 1] = prime.inverse(root);
        let mut level = LEVELS - 1;
        while level > 0 {
            let (root, inverse) = (prime.roots[level], prime.inverse_roots[level]);
            level -= 1;
            prime.roots[level] = prime.product(root, root);
            prime.inverse_roots[level] = prime.product(inverse, inverse);
        }
        prime
    }

    pub(crate) const fn product(&self, a: u64, b: u64) -> u64 {
        (a as u128 * b as u128 % self.p as u128) as u64
    }

    pub(crate) const fn power(&self, mut base: u64, mut exponent: u64) -> u64 {
        let mut power = 1;
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = self.product(power, base);
            }
            base = self.product(base, base);
            exponent /= 2;
        }
        power
    }

    /// 1 / `value`, for a value that is not a multiple of p, by Fermat's little theorem.
    pub(crate) const fn inverse(&self, value: u64) -> u64 {
        self.power(value % self.p, self.p - 2)
    }

    pub(crate) const fn negated(&self, value: u64) -> u64 {
        if value == 0 { 0 } else { self.p - value }
    }

    /// The root of a node (see [`transform`](crate::transform)): the square root of its modulus.
    ///
    /// The root of node 2^s is a root of unity of order 2^(s+2), and the square of the root of node 2^(s+1). The root
    /// of any node is the product of the roots of the powers of two that make up its number.
    pub(crate) fn node_root(&self, node: usize) -> u64 {
        self.product_at(node, &self.roots)
    }

    /// 1 / [`node_root`](Self::node_root)
    pub(crate) fn inverse_node_root(&self, node: usize) -> u64 {
        self.product_at(node, &self.inverse_roots)
    }

    fn product_at(&self, bits: usize, factors: &[u64]) -> u64 {
        let chosen = factors.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
        chosen.fold(1, |product, (_, factor)| self.product(product, *factor))
    }

    /// What x^len is at a node: its modulus is x^len minus this.
    pub(crate) fn node_value(&self, node: usize) -> u64 {
        self.with_sign(node, self.node_root(node / 2))
    }

    /// 1 / [`node_value`](Self::node_value)
    pub(crate) fn inverse_node_value(&self, node: usize) -> u64 {
        self.with_sign(node, self.inverse_node_root(node / 2))
    }

    fn with_sign(&self, node: usize, root: u64) -> u64 {
        if node.is_multiple_of(2) { root } else { self.negated(root) }
    }

    /// 1 / `power`, for a power of two of at most 2^30: times the power, this is 1 + (power - 1) p.
    pub(crate) fn inverse_of_power_of_two(&self, power: usize) -> u64 {
        self.p - (self.p - 1) / power as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_have_inverses() {
        for bits in 0..=ROOT_ORDER_LOG {
            for prime in &PRIMES {
                let inverse = prime.inverse_of_power_of_two(1 << bits);
                assert_eq!(prime.product(inverse, 1 << bits), 1);
            }
        }
    }

    /// Trial division up to the square root takes a while, so the witnesses of Miller and Rabin that are enough
    /// below 2^64 do it (Sorenson and Webster, Strong pseudoprimes to twelve prime bases, 2017).
    fn is_prime(prime: &Prime) -> bool {
        let p = prime.p;
        let twos = (p - 1).trailing_zeros();
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().all(|witness| {
            let first = prime.power(witness, (p - 1) >> twos);
            let mut squares = std::iter::successors(Some(first), |x| Some(prime.product(*x, *x)));
            first == 1 || squares.by_ref().take(twos as usize).any(|x| x == p - 1)
        })
    }

    #[test]
    fn the_primes_are_what_the_bounds_need() {
        for prime in &PRIMES {
            assert!(is_prime(prime));
            assert!(prime.p < 1 << 50 && (1 << 50) - prime.p < 83 << 30, "{}", prime.p);
            assert_eq!(prime.p % (1 << ROOT_ORDER_LOG), 1);
            // A root of order 2^30.
            assert_eq!(prime.power(prime.roots[LEVELS - 1], 1 << (LEVELS)), prime.p - 1);
        }
        let mut all = PRIMES.map(|prime| prime.p);
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_root_of_a_node_is_the_square_root_of_its_value() {
        for prime in &PRIMES {
            for node in (0..100).chain([(1 << 29) - 1]) {
                let root = prime.node_root(node);
                assert_eq!(prime.product(root, root), prime.node_value(node), "node {node}");
                assert_eq!(prime.inverse_node_root(node), prime.inverse(root));
                let value = prime.node_value(node);
                assert_eq!(prime.inverse_node_value(node), prime.inverse(value));
            }
        }
    }
}
