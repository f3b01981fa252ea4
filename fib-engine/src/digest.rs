//! The digest of a list of results: a number that any language can compute from its own integers.
//!
//! With the prime P = 2^61 - 1, a list of results x_1 .. x_k has the digest d_k, where d_0 = 0 and
//! d_i = (1000003 d_(i-1) + x_i) mod P. Two lists that differ have the same digest with a
//! probability of about k / P.

use fib_core::Modulus;

/// 2^61 - 1, a Mersenne prime.
const P: u64 = (1 << 61) - 1;

/// The digest so far is multiplied by this, so that the order of the results matters.
const FACTOR: u64 = 1_000_003;

/// A digest of a list of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// The digest of these results, each given as little-endian limbs.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a [u64]>) -> Self {
        results.into_iter().fold(Digest::default(), |digest, limbs| digest.push(residue(limbs)))
    }

    /// The digest of results in decimal digits.
    pub fn of_text<'a>(results: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let value = |digits: &[u8]| digits.iter().fold(0, |v, d| 10 * v + u64::from(d & 0xf));
        let residue = |digits: &[u8]| {
            // Eighteen digits fit below P.
            let (first, rest) = digits.as_rchunks::<18>();
            rest.iter().fold(value(first), |high, digits| {
                add(multiply(high, 1_000_000_000_000_000_000), value(digits))
            })
        };
        results.into_iter().fold(Digest::default(), |digest, digits| digest.push(residue(digits)))
    }

    /// The digest of the Fibonacci numbers of these indices. It is computed with residues only, so
    /// it needs no Fibonacci number and no kernel.
    pub fn expected(indices: &[u64]) -> Self {
        let mut walk = ResidueWalk::new(P.into());
        indices.iter().fold(Digest::default(), |digest, &n| digest.push(walk.go_to(n)))
    }

    /// The digest of the Fibonacci numbers of these indices modulo `modulus`, which shares no code with
    /// the kernels.
    pub fn expected_residues(indices: &[u64], modulus: Modulus) -> Self {
        let mut walk = ResidueWalk::new(modulus.get().map_or(1 << 64, u128::from));
        let residues = indices.iter().map(|&n| residue(&[walk.go_to(n)]));
        residues.fold(Digest::default(), Digest::push)
    }

    fn push(self, residue: u64) -> Self {
        Digest(add(multiply(self.0, FACTOR), residue))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A number modulo P, where 2^64 equals 8.
fn residue(limbs: &[u64]) -> u64 {
    limbs.iter().rev().fold(0, |high, &limb| reduce((u128::from(high) << 3) + u128::from(limb)))
}

/// Walks from index to index modulo m, for m up to 2^64.
struct ResidueWalk {
    modulus: u128,
    n: u64,
    /// F(n) and F(n+1) mod m.
    pair: (u128, u128),
}

impl ResidueWalk {
    fn new(modulus: u128) -> Self {
        ResidueWalk { modulus, n: 0, pair: (0, 1 % modulus) }
    }

    /// F(n) mod m: by one addition after F(n-1), otherwise by doubling.
    fn go_to(&mut self, n: u64) -> u64 {
        let (a, b) = self.pair;
        if n.checked_sub(1) == Some(self.n) {
            let sum = a + b;
            self.pair = (b, if sum >= self.modulus { sum - self.modulus } else { sum });
        } else if n != self.n {
            self.pair = self.doubled(n);
        }
        self.n = n;
        self.pair.0 as u64 // below m, which is at most 2^64
    }

    /// F(n) and F(n+1): F(2k) = F(k) (2 F(k+1) - F(k)), F(2k+1) = F(k)^2 + F(k+1)^2.
    fn doubled(&self, n: u64) -> (u128, u128) {
        let m = self.modulus;
        let (mut a, mut b) = (0, 1 % m);
        for bit in (0..64 - n.leading_zeros()).rev() {
            let (even, odd) = (a * ((2 * b + m - a) % m) % m, (a * a % m + b * b % m) % m);
            (a, b) = match n >> bit & 1 {
                0 => (even, odd),
                _ => (odd, (even + odd) % m),
            };
        }
        (a, b)
    }
}

fn add(a: u64, b: u64) -> u64 {
    let sum = a + b; // both at most P
    if sum >= P { sum - P } else { sum }
}

fn multiply(a: u64, b: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b))
}

/// Reduces any number below 2^122 modulo P, where 2^61 equals 1.
fn reduce(x: u128) -> u64 {
    let folded = (x as u64 & P) + (x >> 61) as u64;
    if folded >= P { folded - P } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    /// The definition, word for word, with numbers that are computed by plain additions.
    fn by_definition(indices: &[u64]) -> u64 {
        let number = |n: u64| {
            let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
            for _ in 0..n {
                a += &b;
                std::mem::swap(&mut a, &mut b);
            }
            a
        };
        let digest = indices.iter().fold(BigUint::ZERO, |d, &n| (d * FACTOR + number(n)) % P);
        u64::try_from(digest).unwrap()
    }

    #[test]
    fn residues_of_numbers_and_of_indices_agree_with_the_definition() {
        let indices = [0, 1, 2, 3, 61, 62, 92, 93, 94, 93, 185, 186, 187, 1000, 1000, 5000, 0];
        let numbers: Vec<Vec<u64>> = indices
            .iter()
            .map(|&n| {
                let table = fib_core::compute(
                    &fib_core::Sequential,
                    &fib_core::kernels::doubling(),
                    &[n],
                    &fib_core::Options::default(),
                );
                table.unwrap().limbs(0).unwrap().to_vec()
            })
            .collect();
        let expected = Digest::expected(&indices);
        assert_eq!(expected.0, by_definition(&indices));
        let text: Vec<String> =
            numbers.iter().map(|limbs| fib_core::from_limbs(limbs).to_string()).collect();
        assert_eq!(Digest::of_text(text.iter().map(String::as_bytes)), expected);
        assert_eq!(Digest::of(numbers.iter().map(Vec::as_slice)), expected);
    }

    #[test]
    fn extremes_are_reduced() {
        for limbs in [vec![u64::MAX; 3], vec![P], vec![P - 1, 7], vec![0, u64::MAX], vec![]] {
            let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
            let exact = BigUint::from_bytes_le(&bytes) % P;
            assert_eq!(BigUint::from(residue(&limbs)), exact, "{limbs:?}");
        }
    }

    /// F(n) mod 10 repeats after 60 numbers.
    #[test]
    fn residues_are_those_of_the_numbers() {
        let indices = [0, 1, 2, 3, 62, 63, 92, 93, 93, 94, 60, 120, 600_000];
        let decimal = Digest::expected_residues(&indices, Modulus::new(10).unwrap());
        let last_digits = [0u64, 1, 1, 2, 1, 2, 9, 8, 8, 7, 0, 0, 0].map(|digit| [digit]);
        assert_eq!(decimal, Digest::of(last_digits.iter().map(|limbs| &limbs[..])));
        let fits = [0, 1, 2, 92, 93];
        let words = Digest::expected_residues(&fits, Modulus::WORD);
        assert_eq!(words, Digest::expected(&fits));
        // The digest takes numbers modulo P, so taking them modulo P before changes nothing.
        let large = [94, 1000, 1 << 40, u64::MAX, 0, u64::MAX - 1];
        let modulo_p = Digest::expected_residues(&large, Modulus::new(P).unwrap());
        assert_eq!(modulo_p, Digest::expected(&large));
    }

    #[test]
    fn order_length_and_values_count() {
        let digests = [&[][..], &[1, 5], &[5, 1], &[1, 5, 1], &[3, 5], &[5]].map(Digest::expected);
        for (i, digest) in digests.iter().enumerate() {
            assert!(digests[..i].iter().all(|other| other != digest), "{i}");
        }
    }
}
