//! Batches on `sequential` and on the hand-written backends: every index is computed once, by no more
//! threads at a time than allowed, and a cancellation ends the batch.
//!
//! The interleaving also chooses the size of the batch, how it is cut, how many workers there are, and which
//! threads the system refuses. A deadlock fails a model by itself.

use crate::probe::{Probe, pause};
use fib_core::{
    ChunkRecord, Descriptor, Error, FibBackend, Layout, MemoryLimit, Options, SEQUENTIAL,
    Scheduling, Settings, Table, execute,
};
use fib_shuttle::chance::number;
use fib_shuttle::check;
use fib_shuttle::thread::spawn;
use fib_threads::{GIL, POOL, QUEUE, STATIC};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A batch that can run once.
struct Case {
    kernel: Arc<Probe>,
    backend: Box<dyn FibBackend>,
    /// How many indices may be computed at a time.
    most_computing: usize,
    options: Options,
    table: Table,
}

impl Case {
    fn new(entry: &Descriptor) -> Self {
        let kernel = Arc::new(Probe::default());
        let indices: Vec<u64> = (0..number(0..=6) as u64).map(|i| i % 3 + 1).collect();
        let layout = Layout::new(kernel.clone(), &indices, MemoryLimit::Bytes(1 << 20)).unwrap();
        let workers = NonZeroUsize::new(number(1..=3)).unwrap();
        let chunking = format!("items:{}", number(1..=4)).parse().unwrap();
        let backend = entry.build(Settings::workers(workers)).unwrap();
        let is_exclusive = entry.scheduling == Scheduling::Exclusive;
        Case {
            kernel,
            most_computing: if is_exclusive { 1 } else { backend.workers().get() },
            backend,
            options: Options { chunking, timeline: true, ..Options::default() },
            table: Table::new(layout).unwrap(),
        }
    }

    fn execute(&mut self) -> Result<Vec<ChunkRecord>, Error> {
        execute(&*self.backend, &mut self.table, &self.options)
    }

    /// Checks what holds after every batch, and returns how many indices were computed.
    fn check_results(&self) -> usize {
        let Case { kernel, table, options, .. } = self;
        let results = (0..table.len()).filter_map(|i| Some((table.index(i), table.limbs(i)?)));
        let results: Vec<_> = results.collect();
        for (n, limbs) in &results {
            assert!(limbs.iter().all(|limb| limb == n), "computed once: {n}, {limbs:?}");
        }
        assert_eq!(kernel.filled.load(SeqCst), results.len());
        assert_eq!(options.control.done(), results.len(), "progress");
        assert!(kernel.most_computing.load(SeqCst) <= self.most_computing, "threads at a time");
        results.len()
    }
}

/// No index is lost and none is computed twice.
fn every_index_is_computed_once(entry: &'static Descriptor) {
    check(&format!("{}: every index once", entry.name), move || {
        let mut case = Case::new(entry);
        let records = case.execute().unwrap();
        assert_eq!(case.check_results(), case.table.len());
        let workers = case.backend.workers().get();
        assert!(records.iter().all(|record| record.span.unwrap().worker < workers));
    });
}

/// After a cancellation each worker computes at most the index that it has already been given. What was
/// computed stays, and an observer sees progress that never goes back.
fn a_cancellation_ends_the_batch(entry: &'static Descriptor) {
    check(&format!("{}: cancellation", entry.name), move || {
        let mut case = Case::new(entry);
        let (control, kernel) = (case.options.control.clone(), Arc::clone(&case.kernel));
        let canceller = spawn(move || {
            (0..number(0..=10)).for_each(|_| pause());
            control.cancel();
            kernel.cancelled.store(true, SeqCst);
        });
        let (control, len) = (case.options.control.clone(), case.table.len());
        let observer = spawn(move || {
            let seen = [(); 3].map(|()| control.done());
            assert!(seen.is_sorted() && seen[2] <= len, "{seen:?}");
        });
        let outcome = case.execute();
        let computed = case.check_results();
        match outcome {
            Ok(_) => assert_eq!(computed, len),
            Err(Error::Cancelled) => assert!(computed < len),
            Err(other) => panic!("{other}"),
        }
        assert!(case.kernel.late.load(SeqCst) <= case.backend.workers().get(), "stops");
        canceller.join().unwrap();
        observer.join().unwrap();
    });
}

#[test]
fn sequential_ends_when_cancelled() {
    a_cancellation_ends_the_batch(&SEQUENTIAL);
}

#[test]
fn static_computes_once() {
    every_index_is_computed_once(&STATIC);
}

#[test]
fn static_ends_when_cancelled() {
    a_cancellation_ends_the_batch(&STATIC);
}

#[test]
fn queue_computes_once() {
    every_index_is_computed_once(&QUEUE);
}

#[test]
fn queue_ends_when_cancelled() {
    a_cancellation_ends_the_batch(&QUEUE);
}

#[test]
fn pool_computes_once() {
    every_index_is_computed_once(&POOL);
}

#[test]
fn pool_ends_when_cancelled() {
    a_cancellation_ends_the_batch(&POOL);
}

#[test]
fn gil_computes_once() {
    every_index_is_computed_once(&GIL);
}

#[test]
fn gil_ends_when_cancelled() {
    a_cancellation_ends_the_batch(&GIL);
}

/// In some interleavings a thread hands the lock over within its chunk and gets it back. Nothing else gives
/// a thread a second turn, because there are as many chunks as workers.
#[test]
fn gil_is_handed_over_and_comes_back() {
    let back = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&back);
    check("gil: hand-over", move || {
        let kernel = Arc::new(Probe::default());
        let layout = Layout::new(kernel.clone(), &[1; 8], MemoryLimit::Bytes(1 << 20)).unwrap();
        let mut table = Table::new(layout).unwrap();
        let backend = GIL.build(Settings::workers(NonZeroUsize::new(2).unwrap())).unwrap();
        let options = Options { chunking: "per-worker:1".parse().unwrap(), ..Options::default() };
        execute(&*backend, &mut table, &options).unwrap();
        count.fetch_add((kernel.turns.lock().unwrap().len() > 2).into(), SeqCst);
    });
    assert!(back.load(SeqCst) > 0, "the lock was never handed over");
}
