//! Quadratic forms of two numbers.

use crate::oracle::{BASES, adversaries, assert_form, levels, random};
use fib_ntt::{Base, OneThread, Quadratic, Transforms};

const FORMS: [Quadratic; 6] = [
    Quadratic { xx: 1, xy: 2, yy: 0 },
    Quadratic { xx: 1, xy: 0, yy: 1 },
    Quadratic { xx: 2, xy: 2, yy: 1 },
    Quadratic { xx: 1, xy: -2, yy: 1 },
    Quadratic { xx: 4, xy: -4, yy: 0 },
    Quadratic { xx: 0, xy: 0, yy: 8 },
];

/// The values of the forms, where x is at least y.
fn check(transforms: &mut Transforms, forms: &[Quadratic], x: &[u64], y: &[u64], base: Base) {
    let mut outs = vec![vec![u64::MAX; 2 * x.len().max(y.len()) + 1]; forms.len()];
    let mut jobs: Vec<_> =
        forms.iter().copied().zip(outs.iter_mut().map(Vec::as_mut_slice)).collect();
    transforms.quadratics(&mut jobs, x, y, base, &OneThread).unwrap();
    for (form, out) in forms.iter().zip(&outs) {
        assert_form(*form, x, y, out, base);
        // The square of a difference is not negative: the highest digit shows it.
        assert_eq!(out.last().copied().filter(|&digit| digit > 8), None);
    }
}

/// A number that is at least as large as all others with this many digits.
fn largest(len: usize, base: Base) -> Vec<u64> {
    adversaries(len, base).swap_remove(0)
}

#[test]
fn forms_of_adversarial_numbers() {
    let lengths: &[usize] = if cfg!(miri) { &[40] } else { &[1, 40, 1000, 9000] };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            for &len in lengths {
                let x = largest(len, base);
                for y in adversaries(len, base) {
                    check(&mut transforms, &FORMS, &x, &y, base);
                }
            }
        }
    }
}

/// One form to six, of numbers of different lengths.
#[test]
fn any_number_of_forms() {
    let len = if cfg!(miri) { 50 } else { 700 };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            let (x, y) = (largest(len, base), random(len / 3, 1, base));
            for count in 0..=FORMS.len() {
                check(&mut transforms, &FORMS[..count], &x, &y, base);
                check(&mut transforms, &FORMS[FORMS.len() - count..], &x, &[], base);
            }
        }
    }
}

/// The largest columns of a form with both signs.
#[test]
#[cfg_attr(miri, ignore = "it would take hours")]
fn negative_columns_of_three_and_of_four_primes() {
    let form = Quadratic { xx: 4, xy: -4, yy: 0 };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            for len in [(1 << 19) - 200, (1 << 19) + 200] {
                // Most columns of 4 x (x - y) are negative, but its highest is not.
                let (mut x, y) = (random(len, 2, base), largest(len - 1, base));
                x[len - 1] = 1;
                check(&mut transforms, &[form], &x, &y, base);
            }
        }
    }
}

/// A Fibonacci number by doubling, in both bases, as the documentation promises.
#[test]
fn doubling_computes_fibonacci_numbers() {
    let n: u32 = if cfg!(miri) { 500 } else { 30_000 };
    for base in BASES {
        let mut transforms = Transforms::new();
        let (mut f, mut g) = (vec![1_u64], vec![0_u64]); // F(1) and F(0)
        for bit in (0..n.ilog2()).rev() {
            let first = if n >> bit & 1 == 1 { FORMS[2] } else { FORMS[0] };
            let second = if n >> bit & 1 == 1 { FORMS[0] } else { FORMS[1] };
            let [mut upper, mut lower] = [vec![0; 2 * f.len() + 1], vec![0; 2 * f.len() + 1]];
            let forms = &mut [(first, &mut upper[..]), (second, &mut lower[..])];
            transforms.quadratics(forms, &f, &g, base, &OneThread).unwrap();
            (f, g) = (upper, lower);
            while f.last() == Some(&0) {
                f.pop();
                g.pop();
            }
        }
        assert_eq!(f, by_addition(n, base));
    }
}

/// F(n).
fn by_addition(n: u32, base: Base) -> Vec<u64> {
    let base = crate::oracle::base(base);
    let (mut low, mut high) = (vec![0_u64], vec![1_u64]);
    for _ in 0..n {
        let mut carry = 0;
        for (low, high) in low.iter_mut().zip(&mut high) {
            let sum = u128::from(*low) + u128::from(*high) + carry;
            *low = *high;
            (*high, carry) = ((sum % base) as u64, sum / base);
        }
        if carry > 0 {
            high.push(carry as u64);
            low.push(0);
        }
    }
    while low.last() == Some(&0) {
        low.pop();
    }
    low
}
