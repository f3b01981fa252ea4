//! F(n) modulo m: numbers that stay small, so that the arithmetic fits vector lanes.
//!
//! n is cut into digits, and F(n) is combined from Fibonacci numbers that are looked up for each digit
//! (`tables.rs`). One F(n) is a chain
//! of steps that wait for each other. The kernel `scalar` computes one index after another. The kernel `lanes`
//! computes many side by side in vector registers (`x86.rs`), where each lane has a chain of its own.
//!
//! `ring.rs` has the arithmetic modulo m, `factors.rs` splits a modulus into factors that are easier, and
//! `dispatch.rs` chooses the vector instructions when the program runs.

mod dispatch;
mod factors;
mod ring;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::kernel::{Form, Kernel, Run};
use crate::simd::SimdLevel;
use factors::Factors;
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
                "many indices side by side, in vector registers where M allows it"
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
    let level = match method {
        ResidueMethod::Scalar => SimdLevel::Portable,
        ResidueMethod::Lanes => SimdLevel::in_use(),
    };
    Arc::new(Residues { modulus, method, factors: Factors::new(modulus, level) })
}

struct Residues {
    modulus: Modulus,
    method: ResidueMethod,
    factors: Factors,
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

    /// A look-up, and two sums of products for each further byte of n.
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        1.0 + 4.0 * f64::from(n.max(1).ilog2() / 8)
    }

    fn fill(&self, run: &mut Run<'_>) {
        while let Some((indices, out)) = run.next_single_limbs() {
            self.factors.fill(indices, out);
        }
    }
}
