//! Streams: order, memory, errors, and what happens when a stage stops.

use fib::{
    Chunking, Control, Error, FibBackend, Job, MemoryLimit, Options, Settings, StreamError,
    kernels, stream,
};
use fib_conformance::fibonacci_upto;
use num_bigint::BigUint;
use proptest::prelude::*;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// F(n) by additions alone.
fn by_addition(n: u64) -> BigUint {
    fibonacci_upto(n).pop().unwrap()
}

fn collected(
    backend: &dyn FibBackend,
    kernel: &Arc<dyn fib::Kernel>,
    indices: impl IntoIterator<Item = u64, IntoIter: Send>,
    options: &Options,
) -> Result<Vec<(u64, BigUint)>, StreamError<Infallible>> {
    let mut results = vec![];
    stream(backend, kernel, indices, options, |n, limbs: &[u64]| {
        results.push((n, fib::from_limbs(limbs)));
        Ok(())
    })?;
    Ok(results)
}

#[test]
fn results_come_in_the_order_of_the_indices_on_every_backend() {
    let indices: Vec<u64> = (0..3000).map(|i| i * 7919 % 311).collect();
    let numbers = fibonacci_upto(310);
    for entry in fib::REGISTRY {
        for workers in [1, 3] {
            let backend =
                entry.build(Settings::workers(NonZeroUsize::new(workers).unwrap())).unwrap();
            for kernel in [kernels::stepping(), kernels::doubling()] {
                let results =
                    collected(&*backend, &kernel, indices.clone(), &Options::default()).unwrap();
                assert_eq!(results.len(), indices.len(), "{}", entry.name);
                for (&n, (index, number)) in indices.iter().zip(&results) {
                    assert_eq!((n, &numbers[n as usize]), (*index, number), "{}", entry.name);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the indices fall into windows, the results are the same.
    #[test]
    fn any_indices_in_any_memory(
        indices in prop::collection::vec(0u64..2000, 0..300),
        limit in 2700u64..40_000, // F(1999) alone needs 2672
    ) {
        let options = Options { memory: MemoryLimit::Bytes(limit), ..Options::default() };
        let backend = fib::default_backend().build(Settings::default()).unwrap();
        let results =
            collected(&*backend, &kernels::stepping(), indices.clone(), &options).unwrap();
        prop_assert_eq!(results.iter().map(|(n, _)| *n).collect::<Vec<_>>(), indices);
        for (n, number) in results.iter().step_by(37) {
            prop_assert_eq!(number, &by_addition(*n));
        }
    }
}

/// The sink holds the stream up until it was called; then the indices go on. So the first result
/// must come while the indices are still being read.
#[test]
fn results_come_while_indices_are_still_read() {
    let (to_indices, permission) = channel();
    let mut given = 0;
    let indices = std::iter::from_fn(move || {
        if given > 0 {
            permission.recv_timeout(Duration::from_secs(20)).ok()?;
        }
        given += 1;
        (given <= 50).then_some(given)
    });
    let mut results = vec![];
    let backend = fib::default_backend().build(Settings::default()).unwrap();
    stream(&*backend, &kernels::stepping(), indices, &Options::default(), |n, _: &[u64]| {
        results.push(n);
        to_indices.send(()).map_err(drop)
    })
    .unwrap();
    assert_eq!(results, (1..=50).collect::<Vec<_>>());
}

#[test]
fn a_number_beyond_the_limit_is_refused_after_those_before_it() {
    let options = Options { memory: MemoryLimit::Bytes(10_000), ..Options::default() };
    let mut taken = vec![];
    let indices = [90, 91, 1_000_000, 92];
    let refused =
        stream(&fib::Sequential, &kernels::doubling(), indices, &options, |n, _: &[u64]| {
            taken.push(n);
            Ok::<_, Infallible>(())
        });
    assert!(matches!(refused, Err(StreamError::Compute(Error::Limit { .. }))));
    assert_eq!(taken, [90, 91]);
}

#[test]
fn an_error_of_the_sink_ends_an_endless_stream_and_cancels_it() {
    let backend = fib::default_backend().build(Settings::default()).unwrap();
    let control = Control::default();
    let options = Options { control: control.clone(), ..Options::default() };
    let mut left = 1000;
    let ended =
        stream(&*backend, &kernels::stepping(), std::iter::repeat(90), &options, |_, _: &[u64]| {
            left -= 1;
            if left == 0 { Err("enough") } else { Ok(()) }
        });
    assert!(matches!(ended, Err(StreamError::Sink("enough"))));
    assert!(control.is_cancelled());
}

/// Two numbers of this size do not fit the memory, so the second waits until the sink has taken the
/// first; but the sink stops.
#[test]
fn a_sink_that_stops_ends_a_stream_that_waits_for_memory() {
    for _ in 0..50 {
        let options = Options { memory: MemoryLimit::Bytes(42_000), ..Options::default() };
        let indices = std::iter::repeat(40_000); // 3472 bytes, and eleven times as much to compute it
        let ended =
            stream(&fib::Sequential, &kernels::doubling(), indices, &options, |_, _: &[u64]| {
                thread::sleep(Duration::from_millis(1));
                Err("enough")
            });
        assert!(matches!(ended, Err(StreamError::Sink("enough"))), "{ended:?}");
    }
}

#[test]
fn panics_of_sink_and_indices_reach_the_caller_and_the_backend_works_again() {
    let backend = fib::default_backend().build(Settings::default()).unwrap();
    let kernel = kernels::stepping();
    let endless = || std::iter::repeat(90);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        stream(
            &*backend,
            &kernel,
            endless(),
            &Options::default(),
            |_, _: &[u64]| -> Result<(), Infallible> { panic!("the sink") },
        )
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the sink"));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let indices = (0..100).inspect(|&n| assert!(n < 50, "the indices"));
        collected(&*backend, &kernel, indices, &Options::default()).map(drop)
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the indices"));
    let results = collected(&*backend, &kernel, 0..100, &Options::default()).unwrap();
    assert_eq!(results[99].1, by_addition(99));
}

#[test]
fn cancelling_ends_a_stream() {
    let control = Control::default();
    let options = Options { control: control.clone(), ..Options::default() };
    let backend = fib::default_backend().build(Settings::default()).unwrap();
    let mut taken = 0;
    let ended =
        stream(&*backend, &kernels::stepping(), std::iter::repeat(90), &options, |_, _: &[u64]| {
            taken += 1;
            if taken == 10 {
                control.cancel();
            }
            Ok::<_, Infallible>(())
        });
    assert!(matches!(ended, Err(StreamError::Compute(Error::Cancelled))));
}

/// A sink may use the backend that the stream runs on, and streams may run at the same time.
#[test]
fn streams_run_side_by_side_and_inside_each_other() {
    for entry in fib::REGISTRY {
        let backend = entry.build(Settings::workers(NonZeroUsize::new(2).unwrap())).unwrap();
        let kernel = kernels::stepping();
        let outer = Mutex::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    stream(&*backend, &kernel, 0..20, &Options::default(), |n, _: &[u64]| {
                        let inner = collected(&*backend, &kernel, [n, n + 1], &Options::default());
                        assert_eq!(inner.unwrap()[1].1, by_addition(n + 1));
                        *outer.lock().unwrap() += 1;
                        Ok::<_, Infallible>(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(outer.into_inner().unwrap(), 60, "{}", entry.name);
    }
}

/// A kernel that cannot compute some indices.
struct Picky;

impl fib::Kernel for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn limbs(&self, _n: u64) -> usize {
        1
    }
    fn fill(&self, run: &mut fib::Run<'_>) {
        while let Some(slot) = run.next_slot() {
            assert!(slot.n % 10 != 7, "no number ends in 7");
            slot.out.fill(slot.n);
        }
    }
}

#[test]
fn failed_indices_are_named_in_the_end_and_all_others_delivered() {
    let kernel: Arc<dyn fib::Kernel> = Arc::new(Picky);
    let mut taken = vec![];
    let mut run = |indices: std::ops::Range<u64>| {
        taken.clear();
        stream(&fib::Sequential, &kernel, indices, &Options::default(), |n, limbs: &[u64]| {
            taken.push((n, limbs[0]));
            Ok::<_, Infallible>(())
        })
        .map_err(|error| match error {
            StreamError::Compute(Error::Failed(failures)) => {
                (taken.len(), failures.iter().map(|failure| failure.index).collect::<Vec<_>>())
            }
            other => panic!("{other}"),
        })
        .unwrap_err()
    };
    let (delivered, failed) = run(0..100);
    assert_eq!(delivered, 90);
    assert_eq!(failed, [7, 17, 27, 37, 47, 57, 67, 77, 87, 97]);
    let (delivered, failed) = run(0..u64::MAX);
    assert!(failed.len() > 1000 && delivered < 1_000_000, "too many failures end the stream");
}

/// A backend that gives up in the middle of a batch, after it has run every second chunk.
struct GivesUp;

impl FibBackend for GivesUp {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        job.into_chunks().into_iter().step_by(2).for_each(|chunk| chunk.run(0));
        Err(Error::Backend { backend: "gives-up", reason: "enough".into() })
    }
}

#[test]
fn no_result_follows_a_missing_one() {
    let items = |number| Chunking::Items(NonZeroUsize::new(number).unwrap());
    let options = Options { chunking: items(3), ..Options::default() };
    let mut taken = vec![];
    let ended = stream(&GivesUp, &kernels::iterative(), 0..12, &options, |n, _: &[u64]| {
        taken.push(n);
        Ok::<_, Infallible>(())
    });
    assert!(matches!(ended, Err(StreamError::Compute(Error::Backend { .. }))));
    assert!(
        (1..=3).contains(&taken.len()) && taken.iter().eq(&[0, 1, 2][..taken.len()]),
        "{taken:?}"
    );
}
