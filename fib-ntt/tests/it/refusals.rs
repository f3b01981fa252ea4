//! What is refused, and how the refusal reads.

use fib_ntt::{
    Base, LONGEST, OneThread, ProductError, Quadratic, Transforms, multiply_into, square,
};

fn quadratic(form: Quadratic, out: &mut [u64], x: &[u64], y: &[u64]) -> Result<(), ProductError> {
    Transforms::new().quadratics(&mut [(form, out)], x, y, Base::Binary, &OneThread)
}

#[test]
fn an_output_that_is_too_short() {
    // Three limbs are enough for a small product of two numbers of two limbs, and not for a large one.
    let mut out = [9; 3];
    multiply_into(&mut out, &[1, 1], &[1, 1], &OneThread).unwrap();
    assert_eq!(out, [1, 2, 1]);
    let refused = multiply_into(&mut out, &[1, u64::MAX], &[1, u64::MAX], &OneThread);
    let expected = ProductError::OutputTooShort { limbs: 3, needed: 4 };
    assert_eq!(refused, Err(expected));
    assert_eq!(expected.to_string(), "the output has 3 limbs, and the result needs at least 4");
    // Two limbs are never enough, and the output stays as it was.
    let mut out = [9; 2];
    let refused = multiply_into(&mut out, &[1, 1], &[1, 1], &OneThread);
    assert_eq!(refused, Err(ProductError::OutputTooShort { limbs: 2, needed: 3 }));
    assert_eq!(out, [9; 2]);
}

#[test]
fn negative_values() {
    let form = Quadratic { xx: 1, xy: -1, yy: 0 };
    let mut out = [0; 5];
    for (x, y) in [(&[1, 1][..], &[2, 1][..]), (&[1], &[0, 0, 1]), (&[5], &[6])] {
        let refused = quadratic(form, &mut out, x, y).unwrap_err();
        assert_eq!(refused, ProductError::Negative);
        assert!(refused.to_string().contains("negative"));
    }
    quadratic(form, &mut out, &[2, 1], &[1, 1]).unwrap();
    assert_eq!(out, [2, 1, 0, 0, 0]);
}

#[test]
fn large_coefficients() {
    let form = Quadratic { xx: 100, xy: 0, yy: 0 };
    let refused = quadratic(form, &mut [0; 2], &[1], &[1]).unwrap_err();
    assert_eq!(refused, ProductError::Coefficients { weight: 100 });
    assert!(refused.to_string().contains("add up to 100, and the limit is 8"));
}

/// The memory of these zeros is never touched: a number is measured from its highest limb.
#[test]
#[cfg_attr(miri, ignore = "Miri would write all zeros")]
#[cfg(target_pointer_width = "64")]
fn products_that_are_too_long() {
    let mut long = vec![0; LONGEST / 2 + 1];
    long[LONGEST / 2] = 1;
    let refused = square(&long, &OneThread).unwrap_err();
    assert_eq!(refused, ProductError::TooLong { limbs: LONGEST + 2 });
    let refused = Transforms::new().multiply(&mut [], &long, &long, Base::Binary, &OneThread);
    assert!(matches!(refused, Err(ProductError::OutputTooShort { limbs: 0, .. })));
}
