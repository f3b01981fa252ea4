//! F(n) modulo m: numbers that stay small, so that the arithmetic fits vector lanes.
//!
//! Fast doubling takes one step for each bit of n, and each step needs the step before. So one F(n) keeps a
//! processor waiting most of the time. The kernel `lanes` computes several F(n) side by side: their chains
//! are independent, and the compiler puts them into the lanes of vector registers. The kernel `scalar` is
//! the same arithmetic, one index after another.
//!
//! `ring.rs` has the arithmetic modulo m, `chain.rs` the doubling, and `dispatch.rs` chooses the vector
//! instructions when the program runs.

mod chain;
mod dispatch;
mod ring;
#[cfg(test)]
mod tests;

pub use dispatch::SimdLevel;

use crate::kernel::{Form, Kernel, Run};
use chain::Start;
use ring::{Montgomery32, Montgomery64, Remainder, Word};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A modulus: 1 to 2^63, or 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Modulus(u64);

/// The text is not a modulus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a modulus from 1 to 2^63 in decimal digits, or 2^64")]
pub struct ParseModulusError;

impl Modulus {
    /// 2^64.
    pub const WORD: Modulus = Modulus(0);

    /// This modulus; `None` for 0 and for more than 2^63.
    pub const fn new(modulus: u64) -> Option<Self> {
        match modulus {
            1..=0x8000_0000_0000_0000 => Some(Modulus(modulus)),
            _ => None,
        }
    }

    /// The modulus in decimal digits.
    pub fn decimal(self) -> String {
        self.get().map_or(1 << 64, u128::from).to_string()
    }

    /// The modulus; `None` for 2^64.
    pub fn get(self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }
}

impl fmt::Display for Modulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(modulus) => write!(f, "{modulus}"),
            None => f.write_str("2^64"),
        }
    }
}

impl FromStr for Modulus {
    type Err = ParseModulusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            "2^64" | "18446744073709551616" => Ok(Modulus::WORD),
            "2^63" => Ok(Modulus(1 << 63)),
            _ if is_decimal => text.parse().ok().and_then(Modulus::new).ok_or(ParseModulusError),
            _ => Err(ParseModulusError),
        }
    }
}

/// How many indices a kernel of residues computes side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidueMethod {
    /// One index after another.
    Scalar,
    /// Several indices side by side, in the lanes of vectors where the modulus allows it.
    Lanes,
}

impl ResidueMethod {
    /// Every method, the simpler one first.
    pub const ALL: [ResidueMethod; 2] = [ResidueMethod::Scalar, ResidueMethod::Lanes];

    /// The method with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        ResidueMethod::ALL.into_iter().find(|method| method.name() == name)
    }

    /// What the method does, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            ResidueMethod::Scalar => "one index after another",
            ResidueMethod::Lanes => {
                "sixteen indices side by side, in vector registers where M allows it"
            }
        }
    }

    /// The name by which users choose the method. It is the name of the kernel.
    pub fn name(self) -> &'static str {
        match self {
            ResidueMethod::Scalar => "scalar",
            ResidueMethod::Lanes => "lanes",
        }
    }
}

/// The kernel that computes F(n) modulo `modulus`. Each slot has one limb, which holds the residue.
///
/// ```
/// use fib_core::{Modulus, Options, ResidueMethod, Sequential, compute, residues};
///
/// let kernel = residues("1000000007".parse()?, ResidueMethod::Lanes);
/// let table = compute(&Sequential, &kernel, &[10, 1_000_000_000_000], &Options::default())?;
/// assert_eq!((table.limbs(0), table.limbs(1)), (Some(&[55][..]), Some(&[730695249][..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn residues(modulus: Modulus, method: ResidueMethod) -> Arc<dyn Kernel> {
    let level = SimdLevel::in_use();
    Arc::new(Residues { modulus, method, level, chains: Chains::new(modulus) })
}

/// The arithmetic that is fastest for a modulus, with the start of its chains.
enum Chains {
    Word(Start<Word>),
    Small(Start<Montgomery32>),
    Odd(Start<Montgomery64>),
    Any(Start<Remainder>),
}

impl Chains {
    fn new(modulus: Modulus) -> Self {
        match modulus.get() {
            None => Chains::Word(Start::new(Word)),
            Some(m) if m % 2 == 0 || m == 1 => Chains::Any(Start::new(Remainder::new(m))),
            Some(m) if m < 1 << 32 => Chains::Small(Start::new(Montgomery32::new(m))),
            Some(m) => Chains::Odd(Start::new(Montgomery64::new(m))),
        }
    }

    fn fill(&self, level: SimdLevel, indices: &[u64], out: &mut [u64]) {
        match self {
            Chains::Word(start) => dispatch::fill(level, start, indices, out),
            Chains::Small(start) => dispatch::fill(level, start, indices, out),
            Chains::Odd(start) => dispatch::fill(level, start, indices, out),
            Chains::Any(start) => dispatch::fill(level, start, indices, out),
        }
    }

    fn one(&self, n: u64) -> u64 {
        match self {
            Chains::Word(start) => start.one(n),
            Chains::Small(start) => start.one(n),
            Chains::Odd(start) => start.one(n),
            Chains::Any(start) => start.one(n),
        }
    }
}

struct Residues {
    modulus: Modulus,
    method: ResidueMethod,
    level: SimdLevel,
    chains: Chains,
}

impl Kernel for Residues {
    fn name(&self) -> &'static str {
        self.method.name()
    }

    fn form(&self) -> Form {
        Form::Residue(self.modulus)
    }

    fn limbs(&self, _n: u64) -> usize {
        1
    }

    /// A step for each bit beyond the table of starts.
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        f64::from(4 + (64 - n.leading_zeros()).saturating_sub(chain::TABLE_BITS))
    }

    fn fill(&self, run: &mut Run<'_>) {
        match self.method {
            ResidueMethod::Scalar => {
                while let Some(slot) = run.next_slot() {
                    slot.out[0] = self.chains.one(slot.n);
                }
            }
            ResidueMethod::Lanes => {
                while let Some((indices, out)) = run.next_single_limbs() {
                    self.chains.fill(self.level, indices, out);
                }
            }
        }
    }
}
