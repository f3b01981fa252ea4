//! Numbers as text.

use num_bigint::BigUint;

/// Hexadecimal digits after 0x.
pub(crate) fn hex(number: &BigUint) -> String {
    format!("{number:#x}")
}

/// How large a number is, and both its ends.
pub(crate) fn brief(number: &BigUint) -> String {
    let digits = number.to_string();
    let ends = match digits.len() {
        ..=20 => digits.clone(),
        len => format!("{}...{}", &digits[..10], &digits[len - 10..]),
    };
    format!("{} digits, {} bits: {ends}", digits.len(), number.bits())
}
