//! Forks beyond the suite: chains longer than a queue, halves that take long, and threads of the kernel's own.

use fib_core::{
    Descriptor, Forks, Kernel, Layout, MemoryLimit, Options, Run, Settings, Table, execute,
};
use fib_threads::{POOL, QUEUE, STATIC};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A kernel that writes what a function returns for each index.
struct Calling(fn(u64, Forks<'_>) -> u64);

impl Kernel for Calling {
    fn name(&self) -> &'static str {
        "calling"
    }
    fn forks(&self) -> bool {
        true
    }
    fn limbs(&self, _n: u64) -> usize {
        1
    }
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        n as f64
    }
    fn fill(&self, run: &mut Run<'_>) {
        let forks = run.forks();
        while let Some(slot) = run.next_slot() {
            slot.out.fill((self.0)(slot.n, forks));
        }
    }
}

/// Checks that every backend, with 1 to 4 workers, computes for each index what it should.
fn holds(function: fn(u64, Forks<'_>) -> u64, indices: &[u64], expected: fn(u64) -> u64) {
    for entry in [&STATIC, &QUEUE, &POOL] as [&Descriptor; 3] {
        for workers in (1..=4).map(|count| NonZeroUsize::new(count).unwrap()) {
            let backend = entry.build(Settings::workers(workers)).unwrap();
            let kernel = Arc::new(Calling(function));
            let layout = Layout::new(kernel, indices, MemoryLimit::default()).unwrap();
            let mut table = Table::new(layout).unwrap();
            let options = Options { chunking: "items:1".parse().unwrap(), ..Options::default() };
            execute(&*backend, &mut table, &options).unwrap();
            for (i, &n) in indices.iter().enumerate() {
                assert_eq!(table.limbs(i).unwrap()[0], expected(n), "{} {n}", entry.name);
            }
        }
    }
}

/// n, as a chain in which each first half forks again.
fn chain(n: u64, forks: Forks<'_>) -> u64 {
    if n == 0 {
        return 0;
    }
    let (a, b) = forks.join(
        || chain(n - 1, forks),
        || {
            thread::yield_now();
            1
        },
    );
    a + b
}

/// A queue holds 64 halves.
#[test]
fn chains_longer_than_a_queue() {
    holds(chain, &[1, 63, 64, 65, 66, 300, 300, 300], |n| n);
}

/// Takes so long that the owner of the half sleeps meanwhile.
#[test]
fn halves_that_take_long_are_waited_for() {
    let slow = |n, forks: Forks<'_>| {
        let (a, b) = forks.join(
            || n,
            || {
                thread::sleep(Duration::from_millis(20));
                n
            },
        );
        a + b
    };
    holds(slow, &[1, 2, 3], |n| 2 * n);
}

/// A kernel may use its forks on threads of its own. These threads are no workers, so they compute both halves.
#[test]
fn threads_of_the_kernel_compute_both_halves() {
    let elsewhere = |n, forks: Forks<'_>| {
        let both = || {
            let id = || thread::current().id();
            let (a, b) = forks.join(|| (id(), n), || (id(), chain(n, forks)));
            assert_eq!(a.0, b.0);
            a.1 + b.1
        };
        thread::scope(|scope| scope.spawn(both).join().unwrap())
    };
    holds(elsewhere, &[5, 6], |n| 2 * n);
}
