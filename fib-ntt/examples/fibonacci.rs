//! How long F(n) takes by repeated doubling: on one thread, on two threads, and with num-bigint.
//!
//! ```sh
//! cargo run --release -p fib-ntt --example fibonacci             # n = 10^5 to 10^8
//! cargo run --release -p fib-ntt --example fibonacci -- 1000000  # another n
//! FIB_NTT=avx2 cargo run --release -p fib-ntt --example fibonacci
//! ```
//!
//! All contestants take turns in each round, and the ratios are of the same round. The median is printed, with the
//! middle half of the rounds.
#![expect(clippy::expect_used, reason = "an example shows what it is about")]
#![expect(clippy::print_stdout, reason = "this is a program")]

use fib_ntt::{Base, Join, Level, OneThread, Quadratic, Transforms};
use num_bigint::BigUint;
use std::hint::black_box;
use std::time::Instant;

/// The pool of rayon in which the work runs.
struct Pool(usize);

impl Join for Pool {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        rayon::join(a, b);
    }

    fn threads(&self) -> usize {
        self.0
    }
}

/// F(2k) and F(2k+1) as quadratic forms of F(k) and F(k-1), and F(2k-1).
const EVEN: Quadratic = Quadratic { xx: 1, xy: 2, yy: 0 };
const ODD: Quadratic = Quadratic { xx: 2, xy: 2, yy: 1 };
const ODD_BELOW: Quadratic = Quadratic { xx: 1, xy: 0, yy: 1 };

/// F(n) for n of 1 and more, in base 2^64.
fn fibonacci(n: u64, transforms: &mut Transforms, join: &dyn Join) -> Vec<u64> {
    // F(n) has 0.6942 n bits. A step may write two limbs more than it needs.
    let longest = n as usize / 92 + 4;
    let [mut f, mut doubled] = [vec![0; longest], vec![0; longest]];
    let [mut below, mut doubled_below] = [vec![0; longest / 2 + 4], vec![0; longest / 2 + 4]];
    f[0] = 1; // F(1), and `below` is F(0)
    let mut limbs = 1;
    for bit in (0..n.ilog2()).rev() {
        let is_odd = n >> bit & 1 == 1;
        let (form, form_below) = if is_odd { (ODD, EVEN) } else { (EVEN, ODD_BELOW) };
        let out_limbs = 2 * limbs + usize::from(is_odd);
        let mut forms = vec![(form, &mut doubled[..out_limbs])];
        if bit > 0 {
            forms.push((form_below, &mut doubled_below[..out_limbs]));
        }
        let (x, y) = (&f[..limbs], &below[..limbs]);
        transforms.quadratics(&mut forms, x, y, Base::Binary, join).expect("it fits");
        let used = doubled[..out_limbs].iter().rposition(|&limb| limb > 0);
        limbs = used.map_or(0, |last| last + 1);
        std::mem::swap(&mut f, &mut doubled);
        std::mem::swap(&mut below, &mut doubled_below);
    }
    f.truncate(limbs);
    f
}

/// The same with num-bigint.
fn with_num_bigint(n: u64) -> BigUint {
    let (mut f, mut below) = (BigUint::from(1_u32), BigUint::ZERO);
    for bit in (0..n.ilog2()).rev() {
        let even = &f * (&f + (&below << 1));
        if bit == 0 && n.is_multiple_of(2) {
            return even;
        }
        let odd_below = &f * &f + &below * &below;
        (f, below) = if n >> bit & 1 == 1 { (&even + odd_below, even) } else { (even, odd_below) };
    }
    f
}

fn milliseconds(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

/// The median, and the middle half.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// A contestant: its name, and how it computes the number.
type Side<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// num-bigint takes minutes for longer numbers.
const LONGEST_FOR_NUM_BIGINT: u64 = 10_000_000;

fn compare(n: u64, pool: &rayon::ThreadPool) {
    let (mut one, mut two) = (Transforms::new(), Transforms::new());
    let mut sides: Vec<Side<'_>> = vec![
        ("one thread", Box::new(|| drop(black_box(fibonacci(n, &mut one, &OneThread))))),
        ("two threads", {
            let mut run = || drop(black_box(fibonacci(n, &mut two, &Pool(2))));
            let two_threads = move || pool.install(&mut run);
            Box::new(two_threads)
        }),
    ];
    if n <= LONGEST_FOR_NUM_BIGINT {
        sides.push(("num-bigint", Box::new(|| drop(black_box(with_num_bigint(n))))));
    }
    let rounds = (200_000_000 / n).clamp(5, 41);
    let mut times = vec![vec![]; sides.len()];
    for round in 0..=rounds {
        for ((_, side), times) in sides.iter_mut().zip(&mut times) {
            let time = milliseconds(side);
            if round > 0 {
                times.push(time); // the first round warms up
            }
        }
    }
    println!("F({n}), {rounds} rounds");
    for ((name, _), own) in sides.iter().zip(&times) {
        let [_, time, _] = quartiles(own.clone());
        let ratios = times[0].iter().zip(own).map(|(first, own)| first / own).collect();
        let [low, ratio, high] = quartiles(ratios);
        println!("  {name:11} {time:10.3} ms   {ratio:6.3}x  {low:.3} to {high:.3}");
    }
}

fn main() {
    let wanted: Vec<u64> = std::env::args().skip(1).map(|n| n.parse().expect("an index")).collect();
    let indices = if wanted.is_empty() { (5..=8).map(|e| 10_u64.pow(e)).collect() } else { wanted };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    println!("level {}; the ratios are speeds relative to one thread", Level::in_use());
    for n in indices {
        compare(n.max(1), &pool);
    }
}
