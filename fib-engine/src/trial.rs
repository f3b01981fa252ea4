//! The one way to time a batch. Runners and the calibration both take their samples here.
//!
//! A sample is the run of a batch that is already laid out, in a warm arena: cut, schedule,
//! compute, join. Four steps come before the clock starts:
//!
//! 1. A short batch runs once on its backend, because other processes had the CPUs before, and a
//!    sample is warm only if its backend ran the batch just before it.
//! 2. Everything rests for a moment, so that the sample starts on CPUs that the last program has
//!    left.
//! 3. Before a short batch the baseline runs for a moment, because a CPU that has rested starts
//!    slowly.
//! 4. The arena is overwritten, which keeps it warm and makes a missing result visible.

use crate::digest::Digest;
use crate::protocol::{PauseSpan, TimelineSpan};
use fib_core::{
    ChunkRecord, ChunkSpan, Control, Error, FibBackend, Kernel, Layout, MemoryLimit, Options,
    Sequential, Table, compute, execute,
};
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A batch of at least this length needs no warm-up, because its start hardly affects its time.
const LONG: Duration = Duration::from_millis(1);

/// The rest before a sample. Without it, the system often puts two new or woken threads on one CPU
/// for milliseconds. Backends that start their threads for each batch then reach only two thirds of
/// their speedup on short batches. After a rest of 2 ms the speedup is lower again, because the
/// processor has gone to sleep.
const REST: Duration = Duration::from_micros(200);

/// How long the baseline runs before a short batch.
const WARM_UP: Duration = Duration::from_micros(50);

/// A batch that is laid out, in an arena that has been written once, ready to be timed.
pub struct Trial {
    table: Table,
    /// The time of one sequential run.
    sequential: Duration,
}

/// One sample.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The wall time of all runs of the sample together.
    pub wall: Duration,
    /// The chunks of the last run, if a timeline was asked for. Times count from the start of that run. A
    /// chunk that was sent to worker processes in several parts is missing.
    pub timeline: Vec<TimelineSpan>,
    /// The slots of each chunk of the timeline.
    pub slots: Vec<Range<usize>>,
    /// When workers waited inside these chunks for a lock.
    pub pauses: Vec<PauseSpan>,
}

impl Trial {
    /// Lays out `indices` for `kernel` and computes them once.
    ///
    /// # Errors
    /// The errors of the layout and of a sequential run.
    pub fn new(
        kernel: Arc<dyn Kernel>,
        indices: &[u64],
        limit: MemoryLimit,
    ) -> Result<Self, Error> {
        Trial::of_layout(Layout::new(kernel, indices, limit)?, &Control::default())
    }

    /// Like [`new`](Self::new), but `control` cancels the sequential run. The layout is the caller's.
    ///
    /// # Errors
    /// The errors of a sequential run, [`Error::Cancelled`] among them.
    pub fn of_layout(layout: Layout, control: &Control) -> Result<Self, Error> {
        let mut table = Table::new(layout)?;
        let options = Options { control: control.clone(), ..Options::default() };
        let run = || execute(&Sequential, &mut table, &options).map(drop);
        let sequential = time(1, run)?;
        Ok(Trial { table, sequential })
    }

    /// The layout of the batch.
    pub fn layout(&self) -> &Layout {
        self.table.layout()
    }

    /// Prepares a sample and takes it: the time of `repeats` runs on `backend`.
    ///
    /// # Errors
    /// The errors of [`execute`].
    pub fn sample(
        &mut self,
        backend: &dyn FibBackend,
        options: &Options,
        repeats: u32,
    ) -> Result<Timing, Error> {
        self.prepare(Some(backend), options)?;
        self.run(backend, options, repeats)
    }

    /// Everything before the clock starts. Without a backend, the first step is left out.
    pub(crate) fn prepare(
        &mut self,
        backend: Option<&dyn FibBackend>,
        options: &Options,
    ) -> Result<(), Error> {
        let short = self.sequential < LONG;
        if let Some(backend) = backend.filter(|_| short) {
            execute(backend, &mut self.table, options)?;
        }
        thread::sleep(REST);
        let start = Instant::now();
        while short && start.elapsed() < WARM_UP {
            let control = options.control.clone();
            execute(&Sequential, &mut self.table, &Options { control, ..Options::default() })?;
        }
        self.overwrite();
        Ok(())
    }

    /// Overwrites the results, so that a missing result is noticed.
    pub(crate) fn overwrite(&mut self) {
        self.table.overwrite(0x5555_5555_5555_5555);
    }

    /// The timed region: `repeats` runs, with nothing else around them.
    pub(crate) fn run(
        &mut self,
        backend: &dyn FibBackend,
        options: &Options,
        repeats: u32,
    ) -> Result<Timing, Error> {
        let mut records = vec![];
        let mut start = None;
        let table = &mut self.table;
        let wall = time(repeats, || {
            // This clock starts within the measured time, so that no chunk ends after it.
            start = options.timeline.then(Instant::now);
            execute(backend, table, options).map(|run| records = run)
        })?;
        let start = start.unwrap_or_else(Instant::now); // without a timeline no record has a time
        Ok(timing(wall, records, start))
    }

    /// The time of `repeats` sequential calls, each with layout and allocation, and the digest of
    /// the last call.
    pub(crate) fn whole_call(
        &self,
        options: &Options,
        repeats: u32,
    ) -> Result<(Duration, Digest), Error> {
        let wanted: Vec<u64> = (0..self.table.len()).map(|i| self.table.index(i)).collect();
        let mut last = None;
        let run = || {
            last = Some(compute(&Sequential, self.layout().kernel(), &wanted, options)?);
            Ok::<(), Error>(())
        };
        let wall = time(repeats, run)?;
        Ok((wall, last.as_ref().map_or_else(Digest::default, digest)))
    }

    pub(crate) fn digest(&self) -> Digest {
        digest(&self.table)
    }
}

/// The time that `repeats` runs of `work` take together. This is the timed region, and it contains
/// nothing else.
///
/// # Errors
/// The first error of `work`.
pub fn time<E>(repeats: u32, mut work: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    for _ in 0..repeats {
        work()?;
    }
    Ok(start.elapsed())
}

/// The number of runs that make a sample of at least `shortest`, judged by the fastest of three
/// samples of one run each; from 1 to 100,000.
///
/// # Errors
/// The first error of `sample_of_one`.
pub fn repeats<E>(
    shortest: Duration,
    mut sample_of_one: impl FnMut() -> Result<Duration, E>,
) -> Result<u32, E> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        fastest = fastest.min(sample_of_one()?);
    }
    let repeats = shortest.as_nanos().div_ceil(fastest.as_nanos().max(1));
    Ok(repeats.clamp(1, 100_000) as u32)
}

/// The digest of the results. A missing result makes the list shorter and so changes the digest.
fn digest(table: &Table) -> Digest {
    Digest::of((0..table.len()).filter_map(|i| table.limbs(i)))
}

/// The timing of a run with these records, whose times count from `start`.
fn timing(wall: Duration, records: Vec<ChunkRecord>, start: Instant) -> Timing {
    let mut timing = Timing { wall, timeline: vec![], slots: vec![], pauses: vec![] };
    let since = |time: Instant| nanoseconds(time.saturating_duration_since(start));
    for record in records {
        for ChunkSpan { worker, start, end, paused } in record.spans() {
            let (start_ns, end_ns, paused_ns) = (since(start), since(end), nanoseconds(paused));
            timing.slots.push(record.slots.clone());
            timing.timeline.push(TimelineSpan { worker, start_ns, end_ns, paused_ns });
        }
        let Some(ChunkSpan { worker, .. }) = record.span else { continue };
        let pause = |times: Range<Instant>| {
            let (start_ns, end_ns) = (since(times.start), since(times.end));
            PauseSpan { worker, start_ns, end_ns }
        };
        timing.pauses.extend(record.pauses.into_iter().map(pause));
    }
    timing
}

/// A time in nanoseconds. A `u64` holds more than five centuries.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_fill_the_sample_and_count_only_the_timed_part() {
        let mut walls = [900, 300, 400].map(Duration::from_nanos).into_iter();
        let sample = || {
            thread::sleep(Duration::from_millis(1)); // preparing is not part of the sample
            walls.next().ok_or(())
        };
        assert_eq!(repeats(Duration::from_micros(3), sample), Ok(10));
        let second = || Ok::<_, ()>(Duration::from_secs(1));
        assert_eq!(repeats(Duration::from_micros(1), second), Ok(1));
    }

    #[test]
    fn a_sample_has_its_timeline_and_the_right_results() {
        let kernel = fib_core::kernels::iterative();
        let mut trial = Trial::new(kernel, &[90; 40], MemoryLimit::default()).unwrap();
        let chunking = "items:10".parse().unwrap();
        let options = Options { timeline: true, chunking, ..Options::default() };
        let timing = trial.sample(&Sequential, &options, 3).unwrap();
        assert_eq!(timing.timeline.len(), 4);
        assert!(timing.timeline.iter().all(|span| span.start_ns <= span.end_ns));
        assert_eq!(timing.slots, [0..10, 10..20, 20..30, 30..40]);
        assert_eq!(trial.digest(), Digest::expected(&[90; 40]));
        trial.overwrite();
        assert_ne!(trial.digest(), Digest::expected(&[90; 40]));
    }

    /// The chunks of a run lie within its time, and those of a worker one after another.
    #[test]
    fn chunks_lie_within_the_run() {
        let mut trial =
            Trial::new(fib_core::kernels::empty(), &[90; 40], MemoryLimit::default()).unwrap();
        let chunking = "items:1".parse().unwrap();
        let options = Options { timeline: true, chunking, ..Options::default() };
        for _ in 0..200 {
            let timing = trial.sample(&Sequential, &options, 1).unwrap();
            let wall = nanoseconds(timing.wall);
            assert!(timing.timeline.is_sorted_by(|a, b| a.end_ns <= b.start_ns));
            assert!(timing.timeline.iter().all(|span| span.end_ns <= wall), "{timing:?}");
        }
    }

    #[test]
    fn a_cancelled_trial_computes_nothing() {
        let control = Control::default();
        control.cancel();
        let layout = Layout::new(fib_core::kernels::iterative(), &[90; 40], MemoryLimit::default());
        let outcome = Trial::of_layout(layout.unwrap(), &control);
        assert!(matches!(outcome, Err(Error::Cancelled)));
    }
}
