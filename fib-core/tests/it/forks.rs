//! What a kernel that forks may rely on, on a backend that runs each second half on a thread of its own.

use fib_core::{
    Error, FibBackend, Fork, Forks, Job, Kernel, Layout, MemoryLimit, Options, Run, Sequential,
    Table, compute, execute, inside_a_chunk, kernels,
};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ThreadId};

/// Starts a thread for each second half, or forgets the second half.
struct Threads {
    caller: ThreadId,
    forgets: bool,
}

impl Fork for Threads {
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        thread::scope(|scope| {
            let second = (!self.forgets).then(|| scope.spawn(b));
            a();
            if let Some(Err(panic)) = second.map(|thread| thread.join()) {
                resume_unwind(panic);
            }
        });
    }
    fn worker(&self) -> usize {
        (thread::current().id() != self.caller).into()
    }
    fn workers(&self) -> usize {
        2
    }
}

struct Forking {
    forgets: bool,
}

impl FibBackend for Forking {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::new(2).unwrap()
    }
    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let fork = Threads { caller: thread::current().id(), forgets: self.forgets };
        job.into_chunks().into_iter().for_each(|chunk| chunk.run_with_forks(0, &fork));
        Ok(())
    }
}

/// A kernel that calls a function for each slot.
struct Calling<F>(F);

impl<F: Fn(u64, Forks<'_>) -> u64 + Send + Sync> Kernel for Calling<F> {
    fn name(&self) -> &'static str {
        "calling"
    }
    fn forks(&self) -> bool {
        true
    }
    fn limbs(&self, _n: u64) -> usize {
        1
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        let forks = run.forks();
        while let Some(slot) = run.next_slot() {
            slot.out.fill((self.0)(slot.n, forks));
        }
    }
}

fn calling(f: impl Fn(u64, Forks<'_>) -> u64 + Send + Sync + 'static) -> Arc<dyn Kernel> {
    Arc::new(Calling(f))
}

fn table(kernel: &Arc<dyn Kernel>, indices: &[u64]) -> Table {
    Table::new(Layout::new(Arc::clone(kernel), indices, MemoryLimit::default()).unwrap()).unwrap()
}

const ALL: Forking = Forking { forgets: false };

#[test]
fn halves_on_another_thread_are_part_of_the_chunk_and_of_its_timeline() {
    let kernel = calling(|n, forks| {
        let (a, (b, is_inside)) = forks.join(|| n, || (10 * n, inside_a_chunk()));
        assert!(is_inside && inside_a_chunk() && forks.workers() == 2);
        a + b
    });
    let mut table = table(&kernel, &[3, 4]);
    let options = Options { timeline: true, ..Options::default() };
    let records = execute(&ALL, &mut table, &options).unwrap();
    assert_eq!([0, 1].map(|i| table.limbs(i).unwrap()[0]), [33, 44]);
    let stretches: Vec<_> = records.iter().flat_map(|record| &record.stretches).collect();
    assert_eq!(stretches.iter().filter(|stretch| stretch.worker == 1).count(), 2);
    for record in &records {
        let whole = record.span.unwrap();
        assert!(record.spans().all(|s| whole.start <= s.start && s.end <= whole.end));
    }
    assert!(!inside_a_chunk());
}

#[test]
fn a_timeline_without_a_stolen_half_has_one_span_for_each_chunk() {
    let mut table = table(&kernels::recursive(), &[18, 19]);
    let options = Options { timeline: true, ..Options::default() };
    for record in execute(&Sequential, &mut table, &options).unwrap() {
        assert!(record.stretches.is_empty());
        assert_eq!(record.spans().collect::<Vec<_>>(), [record.span.unwrap()]);
    }
}

#[test]
fn a_backend_that_forgets_a_half_is_found() {
    let kernel = calling(|_, forks| forks.join(|| 1, || 2).0);
    let outcome =
        execute(&Forking { forgets: true }, &mut table(&kernel, &[5]), &Options::default());
    let Err(Error::Failed(failures)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failures[0].to_string(), "F(5) failed: the backend ran only one half of a fork");
}

#[test]
fn a_cancelled_computation_ends_at_its_next_fork() {
    for backend in [&ALL as &dyn FibBackend, &Sequential] {
        let options = Options { chunking: "items:4".parse().unwrap(), ..Options::default() };
        let control = options.control.clone();
        let kernel = calling(move |n, forks| {
            let halves = || {
                if n == 7 {
                    control.cancel();
                }
                forks.join(|| n, || n); // does not return in the second index
                assert_eq!(n, 6, "a fork after the cancellation");
            };
            forks.join(halves, || ());
            n
        });
        let mut table = table(&kernel, &[6, 7, 8]);
        let outcome = execute(backend, &mut table, &options);
        assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
        let found = [0, 1, 2].map(|i| table.limbs(i).map(|limbs| limbs[0]));
        assert_eq!((found, options.control.done()), ([Some(6), None, None], 1));
    }
}

#[test]
fn a_tree_that_would_never_end_is_refused() {
    let kernel = kernels::recursive();
    for (kernel, index) in [(kernels::in_text(&kernel), 61), (kernel, u64::MAX)] {
        let refused =
            compute(&Sequential, &kernel, &[5, index], &Options::default()).err().unwrap();
        let text =
            format!("the kernel recursive computes no index above 60, and F({index}) is asked for");
        assert_eq!(refused.to_string(), text);
    }
}
