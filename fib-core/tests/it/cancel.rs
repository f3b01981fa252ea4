//! A large number ends in the middle when its computation is cancelled.

use fib_core::{Error, FibBackend, Job, Kernel, Layout, MemoryLimit, Options, Table};
use fib_core::{execute, kernels};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// Cancels the computation after it has handed out this many slots.
struct CancelsAfter(usize, Options);

impl FibBackend for CancelsAfter {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let mut handed_out = 0;
        for chunk in job.into_chunks() {
            // A checkpoint comes after the kernel asked for a slot and before it gets the slot.
            chunk.run_with_checkpoint(0, &mut || {
                handed_out += 1;
                if handed_out == self.0 {
                    self.1.control.cancel();
                }
                Duration::ZERO
            });
        }
        Ok(())
    }
}

fn cancelled_after(slots: usize, kernel: &Arc<dyn Kernel>, indices: &[u64]) -> (Table, usize) {
    let options = Options::default();
    let layout = Layout::new(Arc::clone(kernel), indices, MemoryLimit::default()).unwrap();
    let mut table = Table::new(layout).unwrap();
    let backend = CancelsAfter(slots, options.clone());
    let outcome = execute(&backend, &mut table, &options);
    assert!(matches!(outcome, Err(Error::Cancelled)), "{}: {outcome:?}", kernel.name());
    (table, options.control.done())
}

/// The kernels that double, in both forms, and a kernel whose numbers are converted.
fn all_kernels() -> Vec<Arc<dyn Kernel>> {
    struct Foreign(Arc<dyn Kernel>);
    impl Kernel for Foreign {
        fn name(&self) -> &'static str {
            "foreign"
        }
        fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
            self.0.cost(n, previous)
        }
        fn fill(&self, run: &mut fib_core::Run<'_>) {
            self.0.fill(run);
        }
    }
    let foreign: Arc<dyn Kernel> = Arc::new(Foreign(kernels::doubling()));
    let all = [kernels::doubling(), kernels::stepping(), foreign];
    all.into_iter().flat_map(|kernel| [kernels::in_text(&kernel), kernel]).collect()
}

#[test]
fn a_large_number_ends_in_the_middle() {
    for kernel in all_kernels() {
        let (table, done) = cancelled_after(1, &kernel, &[1_000_000]);
        assert!(table.limbs(0).is_none(), "{}", kernel.name());
        assert_eq!(done, 0, "{}", kernel.name());
    }
}

#[test]
fn the_numbers_before_it_stay() {
    for kernel in all_kernels() {
        let indices = [50, 60_000, 1_000_000, 2_000_000];
        let (table, done) = cancelled_after(3, &kernel, &indices);
        let there = [0, 1, 2, 3].map(|i| table.limbs(i).is_some());
        assert_eq!(there, [true, true, false, false], "{}", kernel.name());
        assert_eq!(done, 2, "{}", kernel.name());
    }
}
