//! Properties of fork-join: halves run at once where the backend says so, and everything that holds for chunks
//! holds inside halves too.

use super::oracle::assert_right;
use super::with_each_worker_count;
use fib_core::kernels::{self, CUTOFFS, in_text};
use fib_core::{
    ChunkSpan, Descriptor, Error, FibBackend, Forking, Forks, Kernel, Layout, MemoryLimit, Options,
    Run, Sequential, Slot, Table, compute, execute,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// A kernel that fills each slot with F(n), up to F(90), after it has forked.
trait Forker: Send + Sync {
    fn name(&self) -> &'static str;
    fn fork(&self, n: u64, forks: Forks<'_>);
}

struct ForkProbe<F>(Arc<F>);

impl<F: Forker> Kernel for ForkProbe<F> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn forks(&self) -> bool {
        true
    }
    fn largest_index(&self) -> Option<u64> {
        Some(90)
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1000.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        let forks = run.forks();
        while let Some(Slot { n, out, .. }) = run.next_slot() {
            self.0.fork(n, forks);
            out.fill((0..n).fold((0u64, 1u64), |(a, b), _| (b, a + b)).0);
        }
    }
}

fn table_of<F: Forker + 'static>(forker: &Arc<F>, wanted: &[u64]) -> Table {
    let kernel = Arc::new(ForkProbe(Arc::clone(forker)));
    let layout = Layout::new(kernel, wanted, MemoryLimit::default()).expect("within the limit");
    Table::new(layout).expect("there is memory")
}

fn each_index_alone() -> Options {
    Options { chunking: "items:1".parse().expect("a chunking"), ..Options::default() }
}

/// Takes some time.
fn dawdle() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(50) {
        thread::yield_now();
    }
}

/// Calls `leaf` at the 2^`depth` leaves of a tree of forks.
fn tree(depth: u32, forks: Forks<'_>, leaf: &(impl Fn() + Sync)) {
    match depth {
        0 => leaf(),
        _ => {
            let half = || tree(depth - 1, forks, leaf);
            forks.join(half, half);
        }
    }
}

pub(crate) fn values(descriptor: &Descriptor) {
    let batches = [(0..25).collect(), (0..25).rev().collect(), vec![20; 9], vec![26], vec![]];
    with_each_worker_count(descriptor, |backend| {
        let special = CUTOFFS.iter().map(|(_, entry)| (entry.get)());
        for kernel in special.chain([kernels::recursive()]) {
            for kernel in [in_text(&kernel), kernel] {
                for wanted in &batches {
                    let table = compute(backend, &kernel, wanted, &each_index_alone());
                    assert_right(&table.expect("it succeeds"), wanted, kernel.name());
                }
            }
        }
    });
}

/// The halves of a fork meet, which they can only do at once; or they run in turn on one thread.
struct Meeting {
    /// How many workers the backend must offer.
    workers: usize,
    has_arrived: AtomicBool,
}

impl Forker for Meeting {
    fn name(&self) -> &'static str {
        "meeting"
    }
    fn fork(&self, _n: u64, forks: Forks<'_>) {
        assert_eq!(forks.workers(), self.workers, "workers of the forks");
        let start = Instant::now();
        let (first, second) = forks.join(
            || {
                while self.workers > 1 && !self.has_arrived.load(SeqCst) {
                    assert!(
                        start.elapsed() < Duration::from_secs(60),
                        "nobody took the other half"
                    );
                    thread::yield_now();
                }
                (thread::current().id(), self.has_arrived.load(SeqCst))
            },
            || {
                self.has_arrived.store(true, SeqCst);
                thread::current().id()
            },
        );
        let is_parallel = self.workers > 1;
        assert_eq!(first.1, is_parallel, "the second half ran before the first had ended");
        assert_eq!(first.0 != second, is_parallel, "the halves ran on two threads");
    }
}

pub(crate) fn at_once(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let workers = match descriptor.forking {
            Forking::Parallel => backend.workers().get(),
            Forking::Sequential => 1,
        };
        let meeting = Arc::new(Meeting { workers, has_arrived: AtomicBool::new(false) });
        let mut table = table_of(&meeting, &[40]);
        execute(backend, &mut table, &Options::default()).expect("the halves do what they should");
        assert_right(&table, &[40], "after a fork");
    });
}

/// Counts how many leaves are computed at once, and in all.
#[derive(Default)]
struct Crowd {
    depth: u32,
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Forker for Crowd {
    fn name(&self) -> &'static str {
        "crowd"
    }
    fn fork(&self, _n: u64, forks: Forks<'_>) {
        tree(self.depth, forks, &|| {
            self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
            dawdle();
            self.all.fetch_add(1, SeqCst);
            self.now.fetch_sub(1, SeqCst);
        });
    }
}

pub(crate) fn no_more_than_workers(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let workers = backend.workers().get();
        let crowd = Arc::new(Crowd { depth: 5, ..Crowd::default() });
        let wanted: Vec<u64> = (0..7).collect();
        let mut table = table_of(&crowd, &wanted);
        let options = Options { timeline: true, ..each_index_alone() };
        let before = Instant::now();
        let records = execute(backend, &mut table, &options).expect("it succeeds");
        assert!(crowd.most.load(SeqCst) <= workers, "leaves at once");
        let leaves = crowd.all.load(SeqCst);
        assert!(leaves == 7 << 5 || leaves == 0, "{leaves} leaves"); // 0: in other processes
        let mut spans: Vec<ChunkSpan> = records.iter().flat_map(|record| record.spans()).collect();
        for span in &spans {
            assert!(span.worker < workers && span.start <= span.end, "{span:?}");
            assert!(before <= span.start, "{span:?}");
        }
        let going = |at| spans.iter().filter(|span| span.start <= at && at < span.end).count();
        let most = spans.iter().map(|span| going(span.start)).max();
        assert!(most <= Some(workers), "{most:?} stretches at once, {workers} workers");
        spans.sort_by_key(|span| (span.worker, span.start));
        let overlap = |w: &&[ChunkSpan]| w[0].worker == w[1].worker && w[0].end > w[1].start;
        assert_eq!(spans.windows(2).find(overlap), None);
    });
}

/// Panics in the first half, in the second half, in both, or in none.
#[derive(Default)]
struct Panicking(AtomicUsize);

impl Forker for Panicking {
    fn name(&self) -> &'static str {
        "panicking-halves"
    }
    fn fork(&self, n: u64, forks: Forks<'_>) {
        let half = |panics: bool| {
            self.0.fetch_add(1, SeqCst);
            let caught = catch_unwind(AssertUnwindSafe(|| tree(2, forks, &dawdle)));
            self.0.fetch_sub(1, SeqCst);
            caught.unwrap_or_else(|panic| resume_unwind(panic));
            if panics {
                resume_unwind(Box::new(format!("boom at {n}"))); // a panic that prints nothing
            }
        };
        let halves = || forks.join(|| half(n & 1 > 0), || half(n & 2 > 0));
        let caught = catch_unwind(AssertUnwindSafe(halves));
        // Other indices may be computed at once, but with one index no half may be left.
        assert!(n < 64 || self.0.load(SeqCst) == 0, "a half goes on after the panic");
        caught.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

pub(crate) fn panics(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let panicking = Arc::new(Panicking::default());
        let alone = (65..=67).map(|n| vec![n]);
        for wanted in alone.chain([(0..40).collect()]) {
            let mut table = table_of(&panicking, &wanted);
            let outcome = execute(backend, &mut table, &each_index_alone());
            let Err(Error::Failed(failures)) = outcome else { panic!("{outcome:?}") };
            for (i, &n) in wanted.iter().enumerate() {
                let failure = failures.iter().find(|failure| failure.index == n);
                let message = failure.map(|failure| failure.message.clone());
                assert_eq!(message, (n % 4 != 0).then(|| format!("boom at {n}")));
                assert_eq!(table.limbs(i).is_none(), n % 4 != 0, "F({n})");
            }
        }
        let again = compute(backend, &kernels::recursive(), &[20; 8], &Options::default());
        assert_right(&again.expect("the backend works again"), &[20; 8], "after a panic");
    });
}

pub(crate) fn cancelled(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let crowd = Arc::new(Crowd { depth: 12, ..Crowd::default() });
        let mut table = table_of(&crowd, &[50]);
        let options = Options::default();
        let is_over = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                while crowd.all.load(SeqCst) == 0 && !is_over.load(SeqCst) {
                    thread::yield_now();
                }
                options.control.cancel();
            });
            let outcome = execute(backend, &mut table, &options);
            is_over.store(true, SeqCst);
            outcome
        });
        let leaves = crowd.all.load(SeqCst);
        if leaves == 0 {
            return; // it was computed in another process, which forks nothing
        }
        assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
        assert!(leaves < 1 << 12, "all {leaves} leaves were computed");
        assert_eq!((table.limbs(0), options.control.done()), (None, 0));
        assert_eq!(crowd.now.load(SeqCst), 0, "a half goes on after the cancellation");
    });
}

/// Computes another batch in each half.
struct Nesting(Arc<dyn FibBackend>);

impl Forker for Nesting {
    fn name(&self) -> &'static str {
        "nesting-halves"
    }
    fn fork(&self, _n: u64, forks: Forks<'_>) {
        tree(3, forks, &|| {
            assert!(fib_core::inside_a_chunk());
            let inner = compute(&*self.0, &kernels::recursive(), &[17, 18], &Options::default());
            assert_eq!(inner.expect("the inner batch succeeds").limbs(1), Some(&[2584][..]));
        });
    }
}

pub(crate) fn nested(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let workers = backend.workers().get();
        let inner: Arc<dyn FibBackend> = Arc::from(super::build(descriptor, workers));
        let wanted: Vec<u64> = (30..38).collect();
        let mut table = table_of(&Arc::new(Nesting(inner)), &wanted);
        execute(backend, &mut table, &each_index_alone()).expect("it succeeds");
        assert_right(&table, &wanted, "nested in halves");
        assert!(!fib_core::inside_a_chunk());
    });
}

/// The kernel of these properties with this name.
pub(crate) fn kernel(name: &str) -> Option<Arc<dyn Kernel>> {
    fn probe(forker: impl Forker + 'static) -> Arc<dyn Kernel> {
        Arc::new(ForkProbe(Arc::new(forker)))
    }
    Some(match name {
        "meeting" => probe(Meeting { workers: 1, has_arrived: AtomicBool::new(false) }),
        "crowd" => probe(Crowd { depth: 5, ..Crowd::default() }),
        "panicking-halves" => probe(Panicking::default()),
        "nesting-halves" => probe(Nesting(Arc::new(Sequential))),
        _ => return None,
    })
}
