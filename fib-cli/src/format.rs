//! Formats of a number.

use fib::BigUint;

/// A number as hexadecimal digits after 0x.
pub(crate) fn hex(number: &BigUint) -> String {
    format!("{number:#x}")
}

/// The size of a number, and its first and last digits.
pub(crate) fn brief(number: &BigUint) -> String {
    let digits = number.to_string();
    let ends = match digits.len() {
        ..=20 => digits.clone(),
        len => format!("{}...{}", &digits[..10], &digits[len - 10..]),
    };
    format!("{} digits, {} bits: {ends}", digits.len(), number.bits())
}
