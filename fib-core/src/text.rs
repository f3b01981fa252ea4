//! Numbers as decimal text in slots, eight characters in each limb.
//!
//! The bytes of the limbs, as they lie in memory, are the text: the first digit first. Leading zeros
//! fill up the slot, and [`characters`] leaves them out. So a slot of text is written as it is,
//! and every backend can compute text without knowing it: the kernel decides what a slot holds.
//!
//! Text is added eight digits at a time, so a range of numbers is printed without any division.

use crate::number::LIMB_DIGITS;
use crate::size;

/// The number of characters of a limb.
const LIMB_CHARACTERS: usize = 8;

/// Eight times the character 0.
pub(crate) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The text in a slot: the bytes of `limbs` without leading zeros. The number 0 has one character.
///
/// ```
/// use fib_core::{Options, Sequential, compute, kernels, text};
///
/// let kernel = kernels::in_text(&kernels::doubling());
/// let table = compute(&Sequential, &kernel, &[0, 100], &Options::default())?;
/// assert_eq!(table.limbs(0).map(text::characters), Some(&b"0"[..]));
/// assert_eq!(table.limbs(1).map(text::characters), Some(&b"354224848179261915075"[..]));
/// # Ok::<(), fib_core::Error>(())
/// ```
pub fn characters(limbs: &[u64]) -> &[u8] {
    let whole = limbs.iter().position(|&limb| limb != ZEROS).unwrap_or(limbs.len());
    let first = limbs.get(whole).map_or(0, |&limb| (u64::from_be(limb) ^ ZEROS).leading_zeros());
    let bytes: &[u8] = bytemuck::cast_slice(limbs);
    let leading = whole * LIMB_CHARACTERS + first as usize / 8;
    &bytes[leading.min(bytes.len().saturating_sub(1))..]
}

/// The number of limbs of F(n) as text.
pub(crate) fn limbs(n: u64) -> usize {
    let limbs = size::digits(n).div_ceil(LIMB_CHARACTERS as u64);
    usize::try_from(limbs).unwrap_or(usize::MAX)
}

/// The number of limbs that hold this many characters.
pub(crate) fn limbs_for(characters: usize) -> usize {
    characters.div_ceil(LIMB_CHARACTERS)
}

/// Writes `digits`, with leading zeros.
///
/// # Panics
/// If the digits do not fit.
pub(crate) fn store_characters(digits: &[u8], out: &mut [u64]) {
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
    let (leading, rest) = bytes.split_at_mut(bytes.len() - digits.len());
    leading.fill(b'0');
    rest.copy_from_slice(digits);
}

/// Writes a number in base 10^15. The limbs of `out` hold the digits of F(n), and `number` has no digits
/// beyond them.
pub(crate) fn store(number: &[u64], out: &mut [u64]) {
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
    let digits = bytes.len().min(number.len() * LIMB_DIGITS);
    let (leading, digits) = bytes.split_at_mut(bytes.len() - digits);
    leading.fill(b'0');
    let (first, places) = digits.as_rchunks_mut();
    for (place, &limb) in places.iter_mut().rev().zip(number) {
        *place = limb_digits(limb);
    }
    if let Some(&limb) = number.get(places.len()) {
        first.copy_from_slice(&limb_digits(limb)[LIMB_DIGITS - first.len()..]);
    }
}

/// Reads a number into base 10^15. `number` has room for it.
pub(crate) fn load(text: &[u64], number: &mut [u64]) {
    let (first, places) = bytemuck::cast_slice::<u64, u8>(text).as_rchunks();
    let mut top = [b'0'; LIMB_DIGITS];
    top[LIMB_DIGITS - first.len()..].copy_from_slice(first);
    let limbs = places.iter().rev().chain([&top]).map(limb_value);
    number
        .iter_mut()
        .zip(limbs.chain(std::iter::repeat(0)))
        .for_each(|(limb, value)| *limb = value);
}

/// The fifteen digits of a limb in base 10^15.
#[inline]
fn limb_digits(limb: u64) -> [u8; LIMB_DIGITS] {
    const HALF: u64 = 100_000_000;
    let mut digits = [b'0'; LIMB_DIGITS];
    digits[..7].copy_from_slice(&eight_digits(limb / HALF)[1..]);
    digits[7..].copy_from_slice(&eight_digits(limb % HALF));
    digits
}

/// The digits of a number below 10^8. Halves the number three times: into two numbers of four digits,
/// four of two digits and eight of one, side by side in one register.
#[inline]
fn eight_digits(value: u64) -> [u8; 8] {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f; // divided by 100
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f; // divided by 10
    let ones = tens | ((twos - 10 * tens) << 8);
    (ones | ZEROS).to_le_bytes()
}

/// The value of fifteen digits.
#[inline]
fn limb_value(digits: &[u8; LIMB_DIGITS]) -> u64 {
    let mut top = [b'0'; 8];
    top[1..].copy_from_slice(&digits[..7]);
    eight_value(&top) * 100_000_000 + digits.last_chunk().map_or(0, eight_value)
}

/// The value of eight digits, the reverse of [`eight_digits`].
#[inline]
fn eight_value(digits: &[u8; 8]) -> u64 {
    let ones = u64::from_le_bytes(*digits) & 0x0f0f_0f0f_0f0f_0f0f;
    let twos = (ones.wrapping_mul((10 << 8) | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos.wrapping_mul((100 << 16) | 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul((10_000 << 32) | 1) >> 32
}

/// `out = a + b`. `out` is as long as the longer of the two texts, or one limb longer.
pub(crate) fn sum(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (long_high, long_low) = long.split_at(long.len() - short.len());
    let (out_high, out_low) = out.split_at_mut(out.len() - short.len());
    let mut carry = sum_equal(out_low, long_low, short);
    let high = long_high.iter().rev().copied().chain(std::iter::repeat(ZEROS));
    for (out, a) in out_high.iter_mut().rev().zip(high) {
        (*out, carry) = add_limbs(a, ZEROS, carry);
    }
}

/// `out = a + b`, all three of the same length. Returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub(crate) fn sum_equal(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    assert!(a.len() == out.len() && b.len() == out.len(), "texts of different lengths");
    // The last limb is the lowest. Within a block the carry stays in a processor flag.
    let (out, out_blocks) = out.as_rchunks_mut::<8>();
    let (a, a_blocks) = a.as_rchunks::<8>();
    let (b, b_blocks) = b.as_rchunks::<8>();
    let mut carry = false;
    for ((out, a), b) in out_blocks.iter_mut().zip(a_blocks).zip(b_blocks).rev() {
        for i in (0..out.len()).rev() {
            (out[i], carry) = add_limbs(a[i], b[i], carry);
        }
    }
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b).rev() {
        (*out, carry) = add_limbs(a, b, carry);
    }
    carry
}

/// The sum of two limbs of text, and the carry out.
///
/// With 0x96 added to each byte, two characters add up to 0xf6 plus the sum of their digits. So a byte
/// carries into the next byte exactly if the digits carry. A byte that did not carry keeps 0xf in its
/// upper half, and is 6 too large in its lower half.
#[inline(always)]
pub(crate) fn add_limbs(a: u64, b: u64, carry: bool) -> (u64, bool) {
    const OFFSET: u64 = 0x9696_9696_9696_9696;
    let (sum, carry) = (u64::from_be(a) + OFFSET).carrying_add(u64::from_be(b), carry);
    let excess = (sum >> 4) & 0x0606_0606_0606_0606;
    let digits = (sum & 0x0f0f_0f0f_0f0f_0f0f) - excess;
    ((digits | ZEROS).to_be(), carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::from_limbs;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    /// Text in a slot, often with nines and zeros, so that carries run far.
    fn slot() -> impl Strategy<Value = Vec<u64>> {
        let digit = prop_oneof![3 => Just(b'9'), 3 => Just(b'0'), 2 => b'0'..=b'9'];
        prop::collection::vec(digit, 1..700).prop_map(|digits| {
            let mut slot = vec![0; limbs_for(digits.len())];
            store_characters(&digits, &mut slot);
            slot
        })
    }

    fn value(slot: &[u64]) -> BigUint {
        BigUint::parse_bytes(characters(slot), 10).unwrap()
    }

    proptest! {
        #[test]
        fn sums_agree_with_num_bigint(a in slot(), b in slot()) {
            let mut out = vec![0; a.len().max(b.len()) + 1];
            sum(&mut out, &a, &b);
            prop_assert_eq!(value(&out), value(&a) + value(&b));
        }

        #[test]
        fn limbs_are_stored_and_loaded(slot in slot(), extra in 0usize..3) {
            let digits = slot.len() * LIMB_CHARACTERS;
            let mut number = vec![7; digits.div_ceil(LIMB_DIGITS) + extra];
            load(&slot, &mut number);
            let base = BigUint::from(10u32).pow(LIMB_DIGITS as u32);
            let sum = number.iter().rev().fold(BigUint::ZERO, |sum, &limb| sum * &base + limb);
            prop_assert_eq!(sum, value(&slot));
            let mut again = vec![7; slot.len()];
            store(&number, &mut again);
            prop_assert_eq!(again, slot);
        }

        #[test]
        fn limbs_have_fifteen_digits(limb in 0..10u64.pow(15)) {
            let expected = format!("{limb:015}");
            prop_assert_eq!(&limb_digits(limb)[..], expected.as_bytes());
            prop_assert_eq!(limb_value(&limb_digits(limb)), limb);
        }
    }

    #[test]
    fn leading_zeros_are_left_out() {
        let store = |digits: &[u8], limbs: usize| {
            let mut slot = vec![0; limbs];
            store_characters(digits, &mut slot);
            String::from_utf8(characters(&slot).to_vec()).unwrap()
        };
        assert_eq!(store(b"0", 1), "0");
        assert_eq!(store(b"0", 3), "0");
        assert_eq!(store(b"10", 1), "10");
        assert_eq!(store(b"12345678", 1), "12345678");
        assert_eq!(store(b"12345678", 4), "12345678");
        assert_eq!(store(b"123456789", 2), "123456789");
        assert_eq!(characters(&[]), b"");
        assert_eq!(value(&[ZEROS, ZEROS]), from_limbs(&[]));
    }

    #[test]
    fn eight_digits_agree_with_formatting() {
        for value in (0..100_000_000).step_by(997).chain([9, 99, 9_999, 10_000, 99_999_999]) {
            assert_eq!(&eight_digits(value)[..], format!("{value:08}").as_bytes());
            assert_eq!(eight_value(&eight_digits(value)), value);
        }
    }
}
