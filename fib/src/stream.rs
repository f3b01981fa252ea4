//! A batch of any length in bounded memory.
//!
//! The indices are computed in windows. Three stages overlap: one thread reads indices, one thread
//! computes a window on the backend, and the calling thread hands the results of the previous window
//! to the sink. A window takes whatever has been read when the backend becomes free. So the first
//! results of a slow input come at once, and a fast input fills large windows.

use crate::windows::{MOST_BYTES, Windows};
use fib_core::{
    Control, Error, FibBackend, Kernel, Layout, Options, Table, execute, inside_a_chunk,
};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::{self, Builder};
use std::time::Instant;

/// How many indices may wait between the reader and the next window.
const INDICES_AHEAD: usize = 1 << 14;

/// A stream ends after more failed indices than this.
const MOST_FAILURES: usize = 1000;

/// Takes the results of a [`stream`], in the order of the indices.
///
/// A closure `|n, limbs| { .. }` that returns a `Result` is a sink.
pub trait Sink {
    /// Why the sink takes no more results.
    type Error;

    /// Takes F(`n`) in the form of the kernel: in binary as little-endian limbs without leading zero limbs,
    /// or as [`text`](fib_core::text).
    ///
    /// # Errors
    /// An error ends the stream.
    fn take(&mut self, n: u64, limbs: &[u64]) -> Result<(), Self::Error>;

    /// Called in the place of [`take`](Self::take) for an index that failed. The error at the end of the
    /// stream says why.
    fn skip(&mut self, _n: u64) {}

    /// Called before the stream waits for results. A sink that has a buffer writes it out here.
    ///
    /// # Errors
    /// An error ends the stream.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl<E, F: FnMut(u64, &[u64]) -> Result<(), E>> Sink for F {
    type Error = E;

    fn take(&mut self, n: u64, limbs: &[u64]) -> Result<(), E> {
        self(n, limbs)
    }
}

/// Why a stream ended before its last index.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// The sink returned this error.
    #[error("{0}")]
    Sink(E),
    /// Not every index could be computed. If single indices failed, the sink has taken all other results.
    /// Otherwise it has taken the results before the first index that is missing.
    #[error(transparent)]
    Compute(#[from] Error),
}

/// Computes F(n) for every n of `indices`, and hands the results to `sink` in that order.
///
/// Memory is bounded by `options.memory`, not by the length of the batch: the results that are
/// being computed and those that wait for the sink stay below this limit together. One number that
/// needs more than the limit is refused.
///
/// `indices` is read on a thread of its own, and may take its time. The stream cannot end while
/// `indices` is waiting: an iterator that may wait for long should look at `options.control`, and
/// return `None` once this is cancelled. `sink` runs on the calling thread. If the system refuses
/// threads, the stages take turns on the calling thread.
///
/// ```
/// use fib::{Options, Sequential, kernels, stream};
///
/// let mut bits = 0;
/// let indices = (0..1_000_000).map(|i| i % 90);
/// stream(&Sequential, &kernels::stepping(), indices, &Options::default(), |_n, limbs: &[u64]| {
///     bits += limbs.iter().map(|limb| limb.count_ones()).sum::<u32>();
///     Ok::<_, std::convert::Infallible>(())
/// })?;
/// # assert_eq!(bits, 15_210_975);
/// # Ok::<(), fib::StreamError<std::convert::Infallible>>(())
/// ```
///
/// # Errors
/// [`StreamError::Sink`] with the error of the sink. [`StreamError::Compute`] with the errors of
/// [`execute`] and [`Layout::new`]. Single failed indices do not end the stream, unless they are
/// more than 1000. If another error ends it later, the failed indices before are logged.
///
/// # Panics
/// A panic of `indices` or `sink` passes on to the caller, after the workers have stopped. Whenever
/// a stream ends early, it cancels `options.control`.
pub fn stream<S: Sink>(
    backend: &dyn FibBackend,
    kernel: &Arc<dyn Kernel>,
    indices: impl IntoIterator<Item = u64, IntoIter: Send>,
    options: &Options,
    mut sink: S,
) -> Result<(), StreamError<S::Error>> {
    let mut indices = indices.into_iter().fuse();
    let sequential = fib_core::Sequential;
    // The threads below do not know that the caller runs inside a chunk.
    let backend = if inside_a_chunk() { &sequential } else { backend };
    let options = Options { memory: options.memory.fixed(), ..options.clone() };
    let batch = Batch { backend, kernel, options: &options };
    let cancel = CancelOnDrop(&options.control);
    overlapped(batch, &mut indices, &mut sink)
        .unwrap_or_else(|| in_turns(batch, indices, &mut sink))?;
    std::mem::forget(cancel);
    Ok(())
}

/// What stays the same for all windows of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) backend: &'a dyn FibBackend,
    pub(crate) kernel: &'a Arc<dyn Kernel>,
    pub(crate) options: &'a Options,
}

/// Runs the three stages at the same time. `None` if the system refuses the threads.
fn overlapped<S: Sink>(
    batch: Batch<'_>,
    indices: &mut (impl Iterator<Item = u64> + Send),
    sink: &mut S,
) -> Option<Result<(), StreamError<S::Error>>> {
    thread::scope(|scope| {
        let (to_windows, read) = sync_channel(INDICES_AHEAD);
        let (to_sink, tables) = sync_channel(1);
        let (give_back, used) = channel();
        let compute = move || {
            let next = |wait: bool| if wait { read.recv().ok() } else { read.try_recv().ok() };
            batch.compute_all(Windows::new(batch, next), &to_sink, &used)
        };
        let compute = Builder::new().name("fib-stream".into()).spawn_scoped(scope, compute).ok()?;
        let read = move || for_each_while(indices, |n| to_windows.send(n).is_ok());
        // Without a reader the other thread finds no indices and ends.
        let reader = Builder::new().name("fib-read".into()).spawn_scoped(scope, read).ok()?;

        let control = &batch.options.control;
        let delivered = deliver(tables, give_back, sink, control);
        let computed = compute.join();
        if !matches!(computed, Ok(Ok(()))) {
            control.cancel(); // so that indices which look at it do not keep their reader waiting
        }
        reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        let computed = computed.unwrap_or_else(|panic| resume_unwind(panic));
        Some(delivered.map_err(StreamError::Sink).and_then(|()| Ok(computed?)))
    })
}

fn for_each_while(items: impl Iterator<Item = u64>, mut send: impl FnMut(u64) -> bool) {
    for item in items {
        if !send(item) {
            break;
        }
    }
}

/// Cancels the computation when a stage returns an error or panics.
struct CancelOnDrop<'a>(&'a Control);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Hands every table to the sink, and then gives it back. The channels end with this function, so that
/// the computing thread does not wait for a sink that has stopped.
fn deliver<S: Sink>(
    tables: Receiver<ComputedWindow>,
    give_back: Sender<Table>,
    sink: &mut S,
    control: &Control,
) -> Result<(), S::Error> {
    let cancel = CancelOnDrop(control);
    loop {
        let window = match tables.try_recv() {
            Ok(window) => window,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                sink.flush()?;
                let Ok(window) = tables.recv() else { break };
                window
            }
        };
        window.hand_over(sink)?;
        let _ = give_back.send(window.table); // nobody takes it any more after the last window
    }
    sink.flush()?;
    std::mem::forget(cancel);
    Ok(())
}

/// A window after its computation.
struct ComputedWindow {
    table: Table,
    /// How many indices, from the first one, may be handed over.
    count: usize,
}

impl ComputedWindow {
    /// All indices, if each of them was computed or has failed. If the computation stopped early, the
    /// indices before the first one that is missing.
    fn new(table: Table, outcome: &Result<(), Error>) -> Self {
        let is_missing = |&i: &usize| table.limbs(i).is_none();
        let count = match outcome {
            Ok(()) | Err(Error::Failed(_)) => table.len(),
            Err(_) => (0..table.len()).find(is_missing).unwrap_or(table.len()),
        };
        ComputedWindow { table, count }
    }

    fn hand_over<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        for i in 0..self.count {
            match self.table.limbs(i) {
                Some(limbs) => sink.take(self.table.index(i), limbs)?,
                None => sink.skip(self.table.index(i)),
            }
        }
        Ok(())
    }
}

/// Reads, computes and hands over one window after the other on the calling thread. Without a thread
/// that reads, a window waits until it is full.
fn in_turns<S: Sink>(
    batch: Batch<'_>,
    mut indices: impl Iterator<Item = u64>,
    sink: &mut S,
) -> Result<(), StreamError<S::Error>> {
    let mut failures = Failures::default();
    let mut windows = Windows::new(batch, |_wait| indices.next());
    let mut used = None;
    while let Some(window) = windows.next_window() {
        let layout = batch.lay_out(&window)?;
        let start = Instant::now();
        let (computed, outcome) = batch.compute(layout, used)?;
        windows.adapt(start.elapsed());
        computed.hand_over(sink).and_then(|()| sink.flush()).map_err(StreamError::Sink)?;
        used = Some(computed.table).filter(is_worth_keeping);
        failures.add(outcome)?;
    }
    Ok(failures.into_result()?)
}

impl Batch<'_> {
    fn lay_out(&self, window: &[u64]) -> Result<Layout, Error> {
        Layout::new(Arc::clone(self.kernel), window, self.options.memory)
    }

    /// Computes a window, in the memory of a table that is no longer used if there is one.
    fn compute(
        &self,
        layout: Layout,
        used: Option<Table>,
    ) -> Result<(ComputedWindow, Result<(), Error>), Error> {
        let mut table = match used {
            None => Table::new(layout)?,
            Some(mut table) => {
                table.lay_out(layout)?;
                table
            }
        };
        let outcome = execute(self.backend, &mut table, self.options).map(drop);
        Ok((ComputedWindow::new(table, &outcome), outcome))
    }

    /// Computes every window and sends its table to the sink, as long as the sink takes tables.
    fn compute_all(
        self,
        mut windows: Windows<'_, impl FnMut(bool) -> Option<u64>>,
        to_sink: &SyncSender<ComputedWindow>,
        given_back: &Receiver<Table>,
    ) -> Result<(), Error> {
        let mut failures = Failures::default();
        let (mut in_flight, mut used) = (0, None);
        while let Some(window) = windows.next_window() {
            let layout = self.lay_out(&window)?;
            let bytes = layout.bytes();
            let busy = layout.slots().min(self.backend.workers().get()) as u128;
            let limit = windows.limit.saturating_sub(busy * layout.scratch_bytes());
            let mut take_back = |table: Table| {
                in_flight -= table.bytes();
                used = Some(table).filter(is_worth_keeping);
            };
            given_back.try_iter().for_each(&mut take_back);
            while in_flight > 0 && in_flight + bytes > limit {
                let Ok(table) = given_back.recv() else { return failures.into_result() };
                in_flight -= table.bytes();
            }
            let fits = |table: &Table| in_flight + table.bytes() + bytes <= limit;
            let spare = used.take().filter(fits);
            let start = Instant::now();
            let (computed, outcome) = self.compute(layout, spare)?;
            windows.adapt(start.elapsed());
            in_flight += computed.table.bytes();
            if to_sink.send(computed).is_err() {
                break; // the sink has returned an error
            }
            failures.add(outcome)?;
        }
        failures.into_result()
    }
}

/// Whether a later window may use the memory of this table. The memory of a few huge numbers is given back
/// to the system.
fn is_worth_keeping(table: &Table) -> bool {
    table.bytes() <= 2 * MOST_BYTES
}

/// The failed indices of all windows so far.
#[derive(Default)]
struct Failures(Vec<fib_core::Failure>);

impl Failures {
    /// Keeps the failures of a window.
    ///
    /// # Errors
    /// Any other error, and too many failures.
    fn add(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        match outcome {
            Ok(()) => return Ok(()),
            Err(Error::Failed(failures)) => self.0.extend(failures),
            Err(error) => {
                self.0.iter().for_each(|failure| log::warn!("{failure}"));
                return Err(error);
            }
        }
        if self.0.len() > MOST_FAILURES { std::mem::take(self).into_result() } else { Ok(()) }
    }

    fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Failed(self.0)) }
    }
}
