//! The two forms of a slot, for kernels that write both.

use crate::kernel::Form;
use crate::number::{self, Base, Binary, Decimal};
use crate::simd::SimdLevel;
use crate::{text, walk};

/// How a kernel computes numbers and writes them to slots. Kernels compute in [`Base`](Self::Base), and
/// the slots of consecutive numbers can be added as they are.
pub(super) trait Notation: Copy + Send + Sync + 'static {
    /// The base in which numbers are computed.
    type Base: Base;

    /// What a slot holds.
    const FORM: Form;

    /// Fitted to `cargo run --release -p fib-bench --example kernels costs`.
    const COSTS: NotationCosts;

    /// The same on a processor with AVX-512 IFMA.
    const IFMA_COSTS: NotationCosts;

    /// What numbers cost on this processor.
    fn costs() -> NotationCosts {
        match SimdLevel::in_use() {
            SimdLevel::Avx512Ifma => Self::IFMA_COSTS,
            _ => Self::COSTS,
        }
    }

    /// The memory that computing F(n) takes besides its slot, as a multiple of the length of F(n) in the base.
    const SCRATCH: u8;

    /// The number of limbs of the slot of F(n).
    fn limbs(n: u64) -> usize;

    /// Writes a number to its slot.
    fn store(number: &[u64], out: &mut [u64]);

    /// Writes a number below 2^128 to its slot.
    fn store_small(value: u128, out: &mut [u64]);

    /// Reads the number in a slot. `number` has room for it.
    fn load(slot: &[u64], number: &mut [u64]);

    /// Writes the sum of two slots to a slot.
    fn sum(out: &mut [u64], a: &[u64], b: &[u64]);

    /// Fills `slots`, which begins with two slots: each of the others is the sum of the two before it. All have
    /// `len` limbs.
    fn walk(slots: &mut [u64], len: usize);
}

/// What numbers cost in one notation, in nanoseconds. The costs by limb count the limbs that the number has
/// in base 2^64.
#[derive(Clone, Copy)]
pub(super) struct NotationCosts {
    /// The sum of two slots, by limb.
    pub(super) sum: f64,
    /// An addition in the base, by limb.
    pub(super) advance: f64,
    /// A jump over up to 90 indices, by limb.
    pub(super) jump: f64,
    /// Writing a number to its slot, by limb.
    pub(super) store: f64,
    /// The additions of the textbook loop up to F(n), divided by n^2.
    pub(super) additions: f64,
    /// A step of doubling of small numbers.
    pub(super) doubling_step: f64,
    /// The products up to F(n), divided by n to the power of `products_power`.
    pub(super) products: f64,
    /// See `products`.
    pub(super) products_power: f64,
}

/// Numbers in base 2^64, which are their own slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct InBinary;

impl Notation for InBinary {
    type Base = Binary;

    const FORM: Form = Form::Binary;

    const COSTS: NotationCosts = NotationCosts {
        sum: 0.25,
        advance: 0.14,
        jump: 1.4,
        store: 0.05,
        additions: 0.00115,
        doubling_step: 20.0,
        products: 0.00097,
        products_power: 1.6,
    };

    const IFMA_COSTS: NotationCosts = NotationCosts {
        sum: 0.15,
        doubling_step: 14.0,
        products: 0.0085,
        products_power: 1.26,
        ..Self::COSTS
    };

    /// At most 11: two numbers of half the length, their squares, and the scratch memory of a product by
    /// transforms, or the products of num-bigint.
    const SCRATCH: u8 = 11;

    fn limbs(n: u64) -> usize {
        Binary::limbs(n)
    }

    fn store(number: &[u64], out: &mut [u64]) {
        out.copy_from_slice(&number[..out.len()]);
    }

    #[inline]
    fn store_small(value: u128, out: &mut [u64]) {
        for (limb, part) in out.iter_mut().zip([value as u64, (value >> 64) as u64]) {
            *limb = part;
        }
    }

    fn load(slot: &[u64], number: &mut [u64]) {
        let (low, high) = number.split_at_mut(slot.len());
        low.copy_from_slice(slot);
        high.fill(0);
    }

    #[inline]
    fn sum(out: &mut [u64], a: &[u64], b: &[u64]) {
        number::sum::<Binary>(out, a, b);
    }

    fn walk(slots: &mut [u64], len: usize) {
        walk::binary(SimdLevel::in_use(), slots, len);
    }
}

/// Numbers in base 10^15, written as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct InText;

impl Notation for InText {
    type Base = Decimal;

    const FORM: Form = Form::Text;

    const COSTS: NotationCosts = NotationCosts {
        sum: 1.2,
        advance: 1.3,
        jump: 9.0,
        store: 5.0,
        additions: 0.0058,
        doubling_step: 50.0,
        products: 0.0032,
        products_power: 1.55,
    };

    const IFMA_COSTS: NotationCosts =
        NotationCosts { sum: 1.0, products: 0.032, products_power: 1.2, ..Self::COSTS };

    /// At most 11: two numbers of half the length, their squares, and the scratch memory of a product by
    /// transforms.
    const SCRATCH: u8 = 11;

    fn limbs(n: u64) -> usize {
        text::limbs(n)
    }

    fn store(number: &[u64], out: &mut [u64]) {
        text::store(number, out);
    }

    fn store_small(value: u128, out: &mut [u64]) {
        let mut number = [0; 3];
        Decimal::store(value, &mut number);
        text::store(&number, out);
    }

    fn load(slot: &[u64], number: &mut [u64]) {
        text::load(slot, number);
    }

    fn sum(out: &mut [u64], a: &[u64], b: &[u64]) {
        text::sum(out, a, b);
    }

    fn walk(slots: &mut [u64], len: usize) {
        walk::text(SimdLevel::in_use(), slots, len);
    }
}
