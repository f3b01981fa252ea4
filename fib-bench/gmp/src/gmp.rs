//! The few functions of GMP that are needed here (gmp.h of GMP 6), without a crate of bindings: such crates
//! need a newer GMP than Debian 12 has, or build their own.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::mem::MaybeUninit;

/// `mpz_t`.
#[repr(C)]
struct Mpz {
    allocated: c_int,
    size: c_int,
    limbs: *mut c_void,
}

// SAFETY: these are the declarations of gmp.h.
#[link(name = "gmp")]
unsafe extern "C" {
    fn __gmpz_init(number: *mut Mpz);
    fn __gmpz_clear(number: *mut Mpz);
    fn __gmpz_fib_ui(number: *mut Mpz, n: c_ulong);
    fn __gmpz_sizeinbase(number: *const Mpz, base: c_int) -> usize;
    fn __gmpz_get_str(digits: *mut c_char, base: c_int, number: *const Mpz) -> *mut c_char;
}

/// A number of GMP.
pub(crate) struct Integer {
    number: Mpz,
    /// The digits, and the zero byte that GMP writes after them.
    digits: Vec<u8>,
}

impl Integer {
    /// Zero.
    pub(crate) fn new() -> Self {
        let mut number = MaybeUninit::uninit();
        // SAFETY: `mpz_init` writes a valid number to the place that it is given.
        let number = unsafe {
            __gmpz_init(number.as_mut_ptr());
            number.assume_init()
        };
        Integer { number, digits: vec![] }
    }

    /// F(n).
    pub(crate) fn set_to_fibonacci(&mut self, n: u64) {
        // SAFETY: the number is valid.
        unsafe { __gmpz_fib_ui(&mut self.number, n as c_ulong) }
    }

    /// The decimal digits, in memory that is used again.
    pub(crate) fn digits(&mut self) -> &[u8] {
        // SAFETY: the number is valid. The digits need at most two bytes more than `mpz_sizeinbase`, for a
        // sign and a zero byte.
        unsafe {
            let bytes = __gmpz_sizeinbase(&self.number, 10) + 2;
            self.digits.resize(bytes.max(self.digits.len()), 0);
            __gmpz_get_str(self.digits.as_mut_ptr().cast(), 10, &self.number);
        }
        &self.digits
    }
}

impl Drop for Integer {
    fn drop(&mut self) {
        // SAFETY: the number is valid, and nobody uses it afterwards.
        unsafe { __gmpz_clear(&mut self.number) }
    }
}
