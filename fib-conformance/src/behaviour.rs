//! Properties beyond right results: scheduling, progress, cancellation, panics, nesting.

use super::oracle::{assert_right, assert_right_at};
use super::probes::{Counting, Dawdling, Nesting, Panicking};
use super::{build, settings, with_each_worker_count};
use fib_core::{
    ChunkRecord, ChunkSpan, Descriptor, Error, FibBackend, Kernel, Layout, MemoryLimit, Options,
    Sequential, Settings, Table, compute, execute, kernels,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

fn laid_out(kernel: Arc<dyn Kernel>, wanted: &[u64]) -> Table {
    let layout = Layout::new(kernel, wanted, MemoryLimit::default()).expect("within the limit");
    Table::new(layout).expect("there is memory")
}

fn chunked(chunking: &str) -> Options {
    Options { chunking: chunking.parse().expect("a chunking"), ..Options::default() }
}

pub(crate) fn each_index_once(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let wanted: Vec<u64> = (0..500).rev().collect();
        let counting = Arc::new(Counting::new());
        let kernel: Arc<dyn Kernel> = counting.clone();
        let table = compute(backend, &kernel, &wanted, &chunked("items:3")).expect("it succeeds");
        assert_right(&table, &wanted, "counted");
        let mut computed = counting.computed();
        computed.sort_unstable();
        assert!(computed.into_iter().eq(0..500));
    });
}

pub(crate) fn no_more_than_workers(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        // Long enough that kernels overlap if the backend lets them.
        let mut table = laid_out(Arc::new(Dawdling), &[0; 200]);
        let options = Options { timeline: true, ..chunked("items:1") };
        let spans = spans(&execute(backend, &mut table, &options).expect("it succeeds"));
        let going = |at| spans.iter().filter(|span| span.start <= at && at < span.end).count();
        let most = spans.iter().map(|span| going(span.start)).max();
        let workers = backend.workers().get();
        assert!(most <= Some(workers), "{most:?} kernels at once, {workers} workers");
    });
}

fn spans(records: &[ChunkRecord]) -> Vec<ChunkSpan> {
    records.iter().map(|record| record.span.expect("the timeline was asked for")).collect()
}

pub(crate) fn timeline(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let wanted: Vec<u64> = (0..300).collect();
        let mut table = laid_out(kernels::iterative(), &wanted);
        let options = Options { timeline: true, ..chunked("items:10") };
        let before = std::time::Instant::now();
        let records = execute(backend, &mut table, &options).expect("it succeeds");
        let mut spans = spans(&records);
        assert_eq!(spans.len(), 30);
        for (record, span) in records.iter().zip(&spans) {
            assert!(span.worker < backend.workers().get(), "{span:?}");
            assert!(before <= span.start && span.start + span.paused <= span.end, "{span:?}");
            let pauses = &record.pauses;
            let sum: std::time::Duration = pauses.iter().map(|pause| pause.end - pause.start).sum();
            assert_eq!(sum, span.paused, "the pauses of a chunk");
            let ends = pauses.iter().flat_map(|pause| [pause.start, pause.end]);
            assert!(ends.clone().all(|time| span.start <= time && time <= span.end), "{record:?}");
        }
        spans.sort_by_key(|span| (span.worker, span.start));
        let overlap = |w: &&[ChunkSpan]| w[0].worker == w[1].worker && w[0].end > w[1].start;
        assert_eq!(spans.windows(2).find(overlap), None);
    });
}

pub(crate) fn progress(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let options = Options::default();
        compute(backend, &kernels::iterative(), &[700; 123], &options).expect("it succeeds");
        assert_eq!(options.control.done(), 123);
    });
}

pub(crate) fn cancel_before(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let options = Options::default();
        options.control.cancel();
        let mut table = laid_out(kernels::iterative(), &[1, 2, 3]);
        let cancelled = execute(backend, &mut table, &options);
        assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
        assert!((0..3).all(|i| table.limbs(i).is_none()));
        assert_eq!(options.control.done(), 0);
    });
}

pub(crate) fn cancel_midway(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let wanted: Vec<u64> = (0..3000).collect();
        let options = chunked("items:5");
        let mut table = laid_out(Arc::new(Dawdling), &wanted);
        let over = AtomicBool::new(false);
        let cancelled = thread::scope(|scope| {
            scope.spawn(|| {
                while options.control.done() == 0 && !over.load(Relaxed) {
                    thread::yield_now();
                }
                options.control.cancel();
            });
            let cancelled = execute(backend, &mut table, &options);
            over.store(true, Relaxed);
            cancelled
        });
        assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
        let computed: Vec<usize> = (0..3000).filter(|&i| table.limbs(i).is_some()).collect();
        assert!((1..3000).contains(&computed.len()), "{computed:?}");
        assert_eq!(options.control.done(), computed.len());
        computed
            .into_iter()
            .for_each(|i| assert_right_at(&table, i, i as u64, "before the cancel"));
    });
}

pub(crate) fn panic_then_again(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let wanted: Vec<u64> = (0..300).collect();
        let mut table = laid_out(Arc::new(Panicking), &wanted);
        let Err(Error::Failed(failures)) = execute(backend, &mut table, &Options::default()) else {
            panic!("four panics passed unnoticed");
        };
        let named: Vec<u64> = failures.iter().map(|failure| failure.index).collect();
        assert_eq!(named, Panicking::AT);
        assert_eq!(failures[1].message, "boom at 77");
        for (i, &n) in wanted.iter().enumerate() {
            match named.contains(&n) {
                true => assert_eq!(table.limbs(i), None),
                false => assert_right_at(&table, i, n, "beside a panic"),
            }
        }
        let again = compute(backend, &kernels::iterative(), &wanted, &Options::default());
        assert_right(&again.expect("the backend works again"), &wanted, "after a panic");
    });
}

pub(crate) fn concurrent_callers(descriptor: &Descriptor) {
    let backend = build(descriptor, 2);
    thread::scope(|scope| {
        for caller in 0..4u64 {
            let backend = &*backend;
            scope.spawn(move || {
                let wanted: Vec<u64> = (0..200).map(|i| (i * 11 + caller) % 900).collect();
                for _ in 0..5 {
                    let table =
                        compute(backend, &kernels::iterative(), &wanted, &chunked("items:9"));
                    assert_right(&table.expect("it succeeds"), &wanted, "beside other callers");
                }
            });
        }
    });
}

pub(crate) fn assert_nested(outer: &dyn FibBackend, inner: Arc<dyn FibBackend>) {
    let wanted: Vec<u64> = (100..164).collect();
    let kernel: Arc<dyn Kernel> = Arc::new(Nesting(inner));
    let table = compute(outer, &kernel, &wanted, &Options::default()).expect("it succeeds");
    assert_right(&table, &wanted, "nested");
}

pub(crate) fn nested_in_itself(descriptor: &Descriptor) {
    with_each_worker_count(descriptor, |backend| {
        let inner: Arc<dyn FibBackend> = Arc::from(build(descriptor, backend.workers().get()));
        assert_nested(&*inner.clone(), inner);
    });
}

pub(crate) fn nested_in_another(descriptor: &Descriptor) {
    let backend: Arc<dyn FibBackend> = Arc::from(build(descriptor, 2));
    assert_nested(&Sequential, Arc::clone(&backend));
    assert_nested(&*backend, Arc::new(Sequential));
}

pub(crate) fn pinned(descriptor: &Descriptor) {
    let settings = Settings { pin: true, ..settings(3) };
    let backend = descriptor.build(settings).expect("the backend can be built");
    let wanted: Vec<u64> = (0..300).collect();
    let table = compute(&*backend, &kernels::iterative(), &wanted, &Options::default());
    assert_right(&table.expect("it succeeds"), &wanted, "pinned");
}
