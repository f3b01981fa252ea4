//! Formats of a number.

use fib::kernels::pair;
use fib::{BigUint, ends, size};

/// A number as hexadecimal digits after 0x.
pub(crate) fn hex(number: &BigUint) -> String {
    format!("{number:#x}")
}

/// The size of F(n), and its first and last digits, without the digits between.
pub(crate) fn brief(n: u64) -> String {
    let (digits, bits) = (size::digits(n), size::bits(n));
    let ends = if digits <= 20 {
        pair(n).1.to_string()
    } else {
        let (first, last) = ends(n);
        format!("{first}...{last}")
    };
    format!("{digits} digits, {bits} bits: {ends}")
}
