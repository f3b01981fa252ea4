//! Streams: every result arrives in order, the results in flight stay within the limit, and whatever
//! ends a stream early ends all of its stages.
//!
//! The interleaving also chooses the indices, the limit, the backend, and which threads the system refuses.
//! A deadlock fails a model by itself.

use crate::probe::{FAILING, LARGEST, Probe, pause};
use fib::{
    Control, Error, FibBackend, Kernel, MemoryLimit, Options, SEQUENTIAL, Settings, Sink,
    StreamError, number_bytes, stream,
};
use fib_shuttle::chance::{number, one_in};
use fib_shuttle::check;
use fib_shuttle::thread::{current, spawn, yield_now};
use fib_threads::{GIL, QUEUE, STATIC};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// An index that no limit of a model has room for.
const TOO_LARGE: u64 = 1_000_000;

/// What a stream needs besides its indices.
struct Case {
    kernel: Arc<Probe>,
    backend: Box<dyn FibBackend>,
    options: Options,
    limit: u64,
    sink: Taker,
}

impl Case {
    fn new() -> Self {
        let kernel = Arc::new(Probe::default());
        let entry = [SEQUENTIAL, STATIC, QUEUE, GIL][number(0..=3)];
        let backend = entry.build(Settings::workers(NonZeroUsize::new(2).unwrap())).unwrap();
        let smallest = number_bytes(&*kernel, LARGEST) as usize;
        let limit = number(smallest..=5 * smallest) as u64;
        let options = Options { memory: MemoryLimit::Bytes(limit), ..Options::default() };
        let sink =
            Taker { kernel: Arc::clone(&kernel), taken: vec![], left: None, last: Call::None };
        Case { kernel, backend, options, limit, sink }
    }

    fn control(&self) -> Control {
        self.options.control.clone()
    }

    /// Runs the stream and checks what holds however it ends.
    fn stream(
        &mut self,
        indices: impl Iterator<Item = u64> + Send,
    ) -> Result<(), StreamError<&'static str>> {
        let kernel: Arc<dyn Kernel> = self.kernel.clone();
        let outcome = stream(&*self.backend, &kernel, indices, &self.options, &mut self.sink);
        assert!(self.kernel.most_bytes.load(SeqCst) <= self.limit, "memory");
        assert_eq!(self.options.control.is_cancelled(), outcome.is_err(), "cancelled early");
        outcome
    }
}

/// What the sink was asked to do last.
#[derive(Debug, PartialEq)]
enum Call {
    None,
    Take,
    Flush,
    Failed,
}

/// A sink that fails at its call number `left`.
struct Taker {
    kernel: Arc<Probe>,
    taken: Vec<u64>,
    left: Option<usize>,
    last: Call,
}

impl Taker {
    fn call(&mut self, call: Call) -> Result<(), &'static str> {
        assert_ne!(self.last, Call::Failed, "called after an error");
        pause();
        self.left = self.left.map(|left| left.saturating_sub(1));
        let fails = self.left == Some(0);
        self.last = if fails { Call::Failed } else { call };
        if fails { Err("enough") } else { Ok(()) }
    }
}

impl Sink for &mut Taker {
    type Error = &'static str;

    fn take(&mut self, n: u64, limbs: &[u64]) -> Result<(), &'static str> {
        assert_eq!(limbs, vec![n; n as usize]);
        self.call(Call::Take)?;
        self.taken.push(n);
        self.kernel.free(n);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), &'static str> {
        self.call(Call::Flush)
    }
}

/// From `least` to `most` indices that a `Probe` computes.
fn some_indices(least: usize, most: usize) -> Vec<u64> {
    (0..number(least..=most)).map(|_| number(1..=6) as u64).collect()
}

/// Gives these indices, and lets other threads run between them.
fn slowly(indices: impl Iterator<Item = u64> + Send) -> impl Iterator<Item = u64> + Send {
    indices.inspect(|_| pause())
}

/// Waits until the stream is cancelled, and gives no index. On the thread of the caller it does not wait,
/// because nobody could cancel the stream then.
fn until_cancelled(control: Control) -> impl Iterator<Item = u64> + Send {
    let caller = current().id();
    std::iter::from_fn(move || {
        while current().id() != caller && !control.is_cancelled() {
            yield_now();
        }
        None
    })
}

/// Indices without an end. They do not look at the cancellation, but they let every thread go on: under
/// PCT the thread that cancels would never have its turn otherwise.
fn endless() -> impl Iterator<Item = u64> + Send {
    [3, 1, 6, 2].into_iter().cycle().inspect(|_| yield_now())
}

#[test]
fn every_result_arrives_in_order() {
    check("stream: every result", || {
        let mut case = Case::new();
        let indices = some_indices(0, 6);
        case.stream(slowly(indices.iter().copied())).unwrap();
        assert_eq!(case.sink.taken, indices);
        assert_ne!(case.sink.last, Call::Take, "flushed");
        assert_eq!(case.options.control.done(), indices.len());
    });
}

#[test]
fn an_error_of_the_sink_ends_endless_indices() {
    check("stream: sink error, endless indices", || {
        let mut case = Case::new();
        case.sink.left = Some(number(1..=6));
        let ended = case.stream(endless());
        assert!(matches!(ended, Err(StreamError::Sink("enough"))));
        assert!([3, 1, 6, 2, 3, 1].starts_with(&case.sink.taken));
    });
}

/// The sink fails at the flush after the last result, at the latest.
#[test]
fn an_error_of_the_sink_ends_indices_that_wait() {
    check("stream: sink error, waiting indices", || {
        let mut case = Case::new();
        let indices = some_indices(1, 5);
        case.sink.left = Some(number(1..=indices.len() + 1));
        let waiting = until_cancelled(case.control());
        let ended = case.stream(slowly(indices.iter().copied()).chain(waiting));
        assert!(matches!(ended, Err(StreamError::Sink("enough"))));
        assert!(indices.starts_with(&case.sink.taken));
    });
}

#[test]
fn a_cancellation_ends_endless_indices() {
    check("stream: cancellation, endless indices", || {
        let mut case = Case::new();
        let (control, kernel) = (case.control(), Arc::clone(&case.kernel));
        let canceller = spawn(move || {
            (0..number(0..=40)).for_each(|_| pause());
            control.cancel();
            kernel.cancelled.store(true, SeqCst);
        });
        let ended = case.stream(endless());
        assert!(matches!(ended, Err(StreamError::Compute(Error::Cancelled))));
        assert!(case.kernel.late.load(SeqCst) <= case.backend.workers().get(), "stops");
        canceller.join().unwrap();
    });
}

#[test]
fn a_number_that_is_too_large_ends_the_stream_after_those_before() {
    check("stream: too large a number", || {
        let mut case = Case::new();
        let indices = some_indices(0, 4);
        let with_large = slowly(indices.clone().into_iter().chain([TOO_LARGE]));
        let ended = if one_in(2) {
            case.stream(with_large.chain(endless()))
        } else {
            let waiting = until_cancelled(case.control());
            case.stream(with_large.chain(waiting))
        };
        assert!(matches!(ended, Err(StreamError::Compute(Error::Limit { .. }))));
        assert_eq!(case.sink.taken, indices);
    });
}

#[test]
fn indices_that_fail_do_not_end_the_stream() {
    check("stream: failed indices", || {
        let mut case = Case::new();
        let mut indices = some_indices(0, 4);
        indices.insert(number(0..=indices.len()), FAILING);
        let ended = case.stream(slowly(indices.iter().copied()));
        let Err(StreamError::Compute(Error::Failed(failures))) = ended else { panic!() };
        assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [FAILING]);
        indices.retain(|&n| n != FAILING);
        assert_eq!(case.sink.taken, indices);
    });
}
