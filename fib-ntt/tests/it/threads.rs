//! Products on several threads.

use crate::oracle::{BASES, adversaries, assert_form, levels, random};
use fib_ntt::{Base, Join, OneThread, Quadratic, Transforms};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A pool of rayon.
struct Pool(rayon::ThreadPool);

impl Join for Pool {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        self.0.join(a, b);
    }

    fn threads(&self) -> usize {
        self.0.current_num_threads()
    }
}

/// Threads of the standard library, started for each fork.
struct Scoped;

impl Join for Scoped {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        std::thread::scope(|scope| {
            scope.spawn(a);
            b();
        });
    }

    fn threads(&self) -> usize {
        2
    }
}

/// One thread, which takes the second piece first.
#[derive(Default)]
struct Backwards {
    forks: AtomicUsize,
}

impl Join for Backwards {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        self.forks.fetch_add(1, Relaxed);
        b();
        a();
    }

    fn threads(&self) -> usize {
        64
    }
}

const FORMS: [Quadratic; 2] =
    [Quadratic { xx: 2, xy: 2, yy: 1 }, Quadratic { xx: 1, xy: -2, yy: 1 }];

fn compute(
    transforms: &mut Transforms,
    x: &[u64],
    y: &[u64],
    base: Base,
    join: &dyn Join,
) -> Vec<u64> {
    let mut out = vec![3; 2 * (2 * x.len() + 1)];
    let (first, second) = out.split_at_mut(2 * x.len() + 1);
    let forms = &mut [(FORMS[0], first), (FORMS[1], second)];
    transforms.quadratics(forms, x, y, base, join).unwrap();
    out
}

#[test]
fn threads_change_no_result() {
    let pool = Pool(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap());
    let backwards = Backwards::default();
    let joins: [&dyn Join; 4] = [&OneThread, &pool, &Scoped, &backwards];
    let lengths: &[usize] = if cfg!(miri) { &[300] } else { &[300, 6000, 40_000, 52_000] };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            for &len in lengths {
                let (x, y) = (random(len, 1, base), random(len - 5, 2, base));
                let results = joins.map(|join| compute(&mut transforms, &x, &y, base, join));
                let (first, second) = results[0].split_at(2 * len + 1);
                assert_form(FORMS[0], &x, &y, first, base);
                assert_form(FORMS[1], &x, &y, second, base);
                for result in &results[1..] {
                    assert!(*result == results[0], "{level}, {len} digits");
                }
            }
        }
    }
    assert!(cfg!(miri) || backwards.forks.load(Relaxed) > 1000, "work is split");
}

/// A carry that runs through all ranges of digits that are computed side by side.
#[test]
#[cfg_attr(miri, ignore = "it would take hours")]
fn carries_cross_the_ranges() {
    let backwards = Backwards::default();
    for base in BASES {
        let len = 50_000;
        for x in adversaries(len, base) {
            // (x - 1)^2 has digits that are all zeros or all the largest for several of these.
            let mut one = vec![0; len];
            one[0] = 1;
            let mut transforms = Transforms::new();
            let split = compute(&mut transforms, &x, &one, base, &backwards);
            assert!(split == compute(&mut transforms, &x, &one, base, &OneThread));
            assert_form(FORMS[1], &x, &one, &split[2 * len + 1..], base);
        }
    }
}

#[test]
fn one_thread_is_never_asked_to_fork() {
    struct Alone;
    impl Join for Alone {
        fn join(&self, _: &mut (dyn FnMut() + Send), _: &mut (dyn FnMut() + Send)) {
            panic!("one thread cannot fork");
        }

        fn threads(&self) -> usize {
            1
        }
    }
    let a = random(if cfg!(miri) { 40 } else { 20_000 }, 3, Base::Binary);
    fib_ntt::square(&a, &Alone).unwrap();
}
