//! What this machine makes of kernels and backends: measured in well under two seconds.

use crate::clock::Subject;
use crate::costs::{Costs, Piece};
use crate::overheads::{Observed, Overheads, median};
use crate::simulation::makespan;
use fib::kernels::{self, KERNELS};
use fib::{
    Chunking, Descriptor, Error, FibBackend, Kernel, Layout, MemoryLimit, Options, Order, REGISTRY,
    Scheduling, Sequential, Settings,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// Indices at which a kernel's prediction is compared with its time.
const SIZES: [u64; 8] = [10, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];

/// Batches for it last about this long, and none longer than `LONGEST`.
const ENOUGH: Duration = Duration::from_micros(50);
const LONGEST: Duration = Duration::from_millis(4);

/// Runs of which the median counts.
const KERNEL_RUNS: usize = 5;
const BACKEND_RUNS: usize = 25;

/// When the runs of backends end, however few there were.
const BACKEND_TIME: Duration = Duration::from_millis(1200);

/// Measured over predicted cost, at a few indices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Factors(Vec<(u64, f64)>);

/// What a kernel's predictions are worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Worth {
    /// Of an index by itself.
    pub(crate) alone: Factors,
    /// Of an index after the one before it, where a kernel makes use of that.
    pub(crate) after: Factors,
}

impl Factors {
    /// The same everywhere.
    pub(crate) fn constant(factor: f64) -> Self {
        Factors(vec![(1, factor)])
    }

    /// By interpolation in the logarithm of the index; that of the nearest beyond the ends.
    pub(crate) fn at(&self, n: u64) -> f64 {
        let next = self.0.partition_point(|&(size, _)| size <= n);
        match (next.checked_sub(1).map(|last| self.0[last]), self.0.get(next)) {
            (Some((a, low)), Some(&(b, high))) => {
                let part = (n as f64 / a as f64).ln() / (b as f64 / a as f64).ln();
                low + (high - low) * part
            }
            (Some((_, only)), None) | (None, Some(&(_, only))) => only,
            (None, None) => 1.0,
        }
    }
}

/// What this machine makes of kernels and backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// CPUs that could be used.
    pub(crate) cores: usize,
    kernels: BTreeMap<String, Worth>,
    backends: BTreeMap<String, Overheads>,
    /// How much longer the same work takes while every core works.
    inflation: f64,
}

impl Calibration {
    /// Measures this machine, now. What cannot be built is left out.
    ///
    /// # Errors
    /// If not even the calling thread can compute.
    pub fn measure() -> Result<Self, Error> {
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let mut kernels = BTreeMap::new();
        for entry in KERNELS {
            let kernel = (entry.get)();
            let alone = factors(&kernel, false)?;
            let after = factors(&kernel, kernel.order() == Order::Ascending)?;
            kernels.insert(entry.name.into(), Worth { alone, after });
        }
        let mut this =
            Calibration { cores: cores.get(), kernels, backends: BTreeMap::new(), inflation: 1.0 };
        this.measure_backends(cores)?;
        Ok(this)
    }

    fn measure_backends(&mut self, cores: NonZeroUsize) -> Result<(), Error> {
        let mut counts = vec![NonZeroUsize::MIN, cores];
        counts.dedup();
        let pools = REGISTRY.iter().flat_map(|entry| counts.iter().map(move |&w| (entry, w)));
        let mut pools: Vec<Pool> = pools.filter_map(|(entry, w)| Pool::new(entry, w)).collect();
        let begin = Instant::now();
        let mut work = subject(kernels::iterative(), &[1000; 128])?;
        let mut bytes = subject(kernels::stepping(), &(3000..4000).collect::<Vec<_>>())?;
        for round in 0..BACKEND_RUNS {
            if round > 2 && begin.elapsed() > BACKEND_TIME {
                break;
            }
            for pool in &mut pools {
                pool.run(&mut work, &mut bytes);
            }
        }
        let busy = |pool: &Pool| median(pool.runs.iter().map(Observed::busy).collect());
        let alone = pools.iter().find(|p| p.entry.scheduling == Scheduling::Serial).and_then(busy);
        let together = pools.iter().filter(|p| p.workers == cores && p.is_parallel());
        let together = together.filter_map(busy).min_by(f64::total_cmp);
        self.inflation = together.zip(alone).map_or(1.0, |(all, one)| (all / one).max(1.0));
        for entry in REGISTRY {
            let own: Vec<&Pool> = pools.iter().filter(|p| p.entry.name == entry.name).collect();
            let runs: Vec<Observed> = own.iter().flat_map(|p| p.runs.iter().cloned()).collect();
            let Some(mut overheads) = Overheads::fit(&runs) else { continue };
            if let Some(largest) = own.last() {
                overheads.byte_ns = self.byte_ns(largest, bytes.layout(), &overheads);
            }
            self.backends.insert(entry.name.into(), overheads);
        }
        Ok(())
    }

    /// What a run with many bytes takes beyond what is known already.
    fn byte_ns(&self, pool: &Pool, layout: &Layout, overheads: &Overheads) -> f64 {
        let costs = Costs::predicted(layout, self);
        let chunks = costs.chunks(Chunking::default(), pool.workers);
        let known = self.play(pool.entry.scheduling, chunks, pool.workers, overheads);
        let wall = median(pool.with_bytes.clone()).unwrap_or(known);
        (wall - known).max(0.0) / (8 * layout.limbs()) as f64
    }

    /// How long a run of these chunks will take with so many workers.
    pub(crate) fn play(
        &self,
        scheduling: Scheduling,
        mut chunks: Vec<Piece>,
        workers: NonZeroUsize,
        overheads: &Overheads,
    ) -> f64 {
        let inflation = self.inflation(workers.get());
        chunks.iter_mut().for_each(|chunk| chunk.ns *= inflation);
        makespan(scheduling, &chunks, workers.get(), overheads)
    }

    /// How much longer work takes while so many workers work.
    pub(crate) fn inflation(&self, workers: usize) -> f64 {
        let others = |all: usize| all.min(self.cores).saturating_sub(1) as f64;
        1.0 + (self.inflation - 1.0) * others(workers) / others(self.cores).max(1.0)
    }

    /// One that says so, for tests.
    #[cfg(test)]
    pub(crate) fn of(
        cores: usize,
        backends: impl Iterator<Item = (&'static str, Overheads)>,
    ) -> Self {
        let backends = backends.map(|(name, overheads)| (name.into(), overheads)).collect();
        Calibration { cores, kernels: BTreeMap::new(), backends, inflation: 1.0 }
    }

    /// What is known of a kernel; of an unknown one, that its predictions are nanoseconds.
    pub(crate) fn worth(&self, kernel: &str) -> Worth {
        self.kernels.get(kernel).cloned().unwrap_or_default()
    }

    /// What a backend takes besides the work; `None` if it could not be built.
    pub fn overheads(&self, backend: &str) -> Option<&Overheads> {
        self.backends.get(backend)
    }
}

impl Observed {
    /// What all chunks took together.
    fn busy(&self) -> f64 {
        self.lanes.iter().map(|lane| lane.busy_ns as f64 - lane.paused_ns as f64).sum()
    }
}

/// A backend and its runs.
struct Pool {
    entry: &'static Descriptor,
    workers: NonZeroUsize,
    backend: Box<dyn FibBackend>,
    runs: Vec<Observed>,
    with_bytes: Vec<f64>,
}

impl Pool {
    /// The calling thread needs no second count of workers.
    fn new(entry: &'static Descriptor, workers: NonZeroUsize) -> Option<Self> {
        let backend = entry.build(Settings::workers(workers)).ok()?;
        let right = backend.workers() == workers;
        right.then_some(Pool { entry, workers, backend, runs: vec![], with_bytes: vec![] })
    }

    fn is_parallel(&self) -> bool {
        matches!(self.entry.scheduling, Scheduling::Static | Scheduling::Dynamic)
    }

    /// A run that goes wrong tells nothing.
    fn run(&mut self, work: &mut Subject, bytes: &mut Subject) {
        let options = Options { timeline: true, ..Options::default() };
        self.runs.extend(work.run(&*self.backend, &options));
        let run = bytes.run(&*self.backend, &Options::default());
        self.with_bytes.extend(run.map(|run| run.wall_ns));
    }
}

fn subject(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Result<Subject, Error> {
    Subject::new(Layout::new(kernel, indices, MemoryLimit::default())?)
}

/// At each of [`SIZES`], with indices by themselves or one after the other.
fn factors(kernel: &Arc<dyn Kernel>, consecutive: bool) -> Result<Factors, Error> {
    let nothing = sequential_ns(&mut subject(Arc::clone(kernel), &[])?)?;
    let mut factors = vec![];
    for n in SIZES {
        let each = kernel.cost(n, consecutive.then(|| n - 1)).max(1.0);
        if each > LONGEST.as_nanos() as f64 {
            break;
        }
        let count = (ENOUGH.as_nanos() as f64 / each).clamp(1.0, 4096.0) as u64;
        let indices: Vec<u64> = match kernel.order() {
            Order::AsGiven => vec![n; count as usize],
            Order::Ascending if consecutive => (n..n + count).collect(),
            Order::Ascending => vec![n],
        };
        let mut subject = subject(Arc::clone(kernel), &indices)?;
        let measured = sequential_ns(&mut subject)? - nothing;
        let predicted = subject.layout().costs().last().copied().unwrap_or(f64::NAN);
        factors.push((n, (measured / predicted).clamp(0.1, 10.0)));
    }
    Ok(Factors(factors.into_iter().filter(|(_, factor)| factor.is_finite()).collect()))
}

/// The median of a few runs.
fn sequential_ns(subject: &mut Subject) -> Result<f64, Error> {
    let run = |_| Ok(subject.run(&Sequential, &Options::default())?.wall_ns);
    let times: Result<Vec<f64>, Error> = (0..KERNEL_RUNS).map(run).collect();
    Ok(median(times?).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_interpolated_by_size() {
        let factors = Factors(vec![(10, 2.0), (1000, 1.0)]);
        assert_eq!([0, 10, 100, 1000, 9999].map(|n| factors.at(n)), [2.0, 2.0, 1.5, 1.0, 1.0]);
        assert_eq!(Factors::default().at(7), 1.0);
    }
}
