//! How long kernels and backends take on this machine. Measuring that takes less than two seconds.

use fib::kernels::{self, KERNELS};
use fib::{
    Chunking, Descriptor, Error, FibBackend, Kernel, Layout, MemoryLimit, Options, Order, REGISTRY,
    Scheduling, Sequential, Settings,
};
use fib_engine::Trial;
use fib_simulate::{
    ChunkCost, Costs, Factors, Inflation, KernelFactors, Overheads, RunTrace, Schedule, Simulation,
    makespan, median, travelling_bytes, worker_traces,
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// The indices at which the predicted cost of a kernel is compared with its time.
const SIZES: [u64; 8] = [10, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];

/// The batches for this comparison take about this long.
const KERNEL_BATCH: Duration = Duration::from_micros(50);

/// An index that is predicted to take longer than this is left out of the comparison.
const LONGEST_INDEX: Duration = Duration::from_millis(4);

/// The median of this many runs counts.
const KERNEL_RUNS: usize = 5;
const BACKEND_RUNS: usize = 25;

/// This many of the fastest pools are compared more closely.
const FINALISTS: usize = 3;

/// Each of them is built this many times, because two pools of the same backend may differ for as
/// long as they live.
const BUILDS: usize = 12;
const RUNS_PER_BUILD: usize = 8;

/// A few hundred microseconds of equal work.
const WORK: [u64; 128] = [1000; 128];

/// The most time for the runs of all backends, and then for the closer comparison.
const BACKEND_TIME: Duration = Duration::from_millis(1100);
const FINAL_TIME: Duration = Duration::from_millis(400);

/// Another program is assumed to have run if the median time of parallel work is more than this
/// many times its shortest time.
const DISTURBED: f64 = 1.15;

/// How long kernels and backends take on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The number of CPUs that the process could use.
    pub(crate) cores: usize,
    pub(crate) kernels: BTreeMap<String, KernelFactors>,
    pub(crate) backends: BTreeMap<String, Overheads>,
    /// The time that a batch on all cores took beyond its share of the work, for the fastest pools.
    pub(crate) losses_ns: BTreeMap<String, f64>,
    /// How many times as long work takes while all cores are busy.
    pub(crate) inflation: f64,
    /// Whether another program ran during the calibration.
    pub(crate) disturbed: bool,
}

impl Calibration {
    /// Measures this machine now. Backends that cannot be built are left out.
    ///
    /// # Errors
    /// If not even the calling thread can compute.
    pub fn measure() -> Result<Self, Error> {
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let mut kernels = BTreeMap::new();
        for entry in KERNELS {
            let kernel = (entry.get)();
            let fresh = factors(&kernel, false)?;
            let following = factors(&kernel, kernel.order() == Order::Ascending)?;
            kernels.insert(entry.name.into(), KernelFactors { fresh, following });
        }
        let mut calibration = Calibration { cores: cores.get(), kernels, ..Calibration::empty() };
        calibration.measure_backends(cores)?;
        Ok(calibration)
    }

    fn empty() -> Self {
        let (kernels, backends, losses_ns) = Default::default();
        Calibration { cores: 1, kernels, backends, losses_ns, inflation: 1.0, disturbed: false }
    }

    fn measure_backends(&mut self, cores: NonZeroUsize) -> Result<(), Error> {
        let mut counts = vec![NonZeroUsize::MIN, cores];
        counts.dedup();
        let pools = REGISTRY.iter().flat_map(|entry| counts.iter().map(move |&w| (entry, w)));
        let mut pools: Vec<CalibratedPool> =
            pools.filter_map(|(entry, w)| CalibratedPool::new(entry, w)).collect();
        let begin = Instant::now();
        let mut work = trial(kernels::iterative(), &WORK)?;
        let mut bytes = trial(kernels::stepping(), &(3000..4000).collect::<Vec<_>>())?;
        for round in 0..BACKEND_RUNS {
            if round > 2 && begin.elapsed() > BACKEND_TIME {
                break;
            }
            for pool in &mut pools {
                pool.run(&mut work, &mut bytes);
            }
        }
        self.estimate_inflation(&pools, cores);
        for entry in REGISTRY {
            let backend_pools: Vec<&CalibratedPool> =
                pools.iter().filter(|p| p.entry.name == entry.name).collect();
            let runs = backend_pools.iter().flat_map(|pool| &pool.runs);
            let Some(mut overheads) = Overheads::fit(runs) else { continue };
            if let Some(largest) = backend_pools.last() {
                overheads.byte_ns = self.byte_ns(largest, bytes.layout(), &overheads);
            }
            self.backends.insert(entry.name.into(), overheads);
        }
        pools.retain(|pool| pool.workers == cores && pool.entry.scheduling == Scheduling::Dynamic);
        self.measure_losses(pools)
    }

    /// Estimates the slowdown when all cores are busy, and whether another program disturbed the
    /// runs. The fastest run is taken as undisturbed.
    fn estimate_inflation(&mut self, pools: &[CalibratedPool], cores: NonZeroUsize) {
        let fastest = |pool: &CalibratedPool| pool.busy_ns().into_iter().min_by(f64::total_cmp);
        let sequential = pools.iter().find(|pool| pool.entry.scheduling == Scheduling::Serial);
        let parallel = pools.iter().filter(|pool| pool.workers == cores && pool.is_parallel());
        let least = parallel.clone().filter_map(fastest).min_by(f64::total_cmp);
        let alone = sequential.and_then(fastest);
        self.inflation = least.zip(alone).map_or(1.0, |(least, alone)| least / alone).max(1.0);
        let typical = parallel.filter_map(|pool| median(pool.busy_ns())).min_by(f64::total_cmp);
        self.disturbed =
            typical.zip(least).is_some_and(|(typical, least)| typical > DISTURBED * least);
    }

    /// Measures what the fastest pools lose on a batch on all cores. They take turns with each
    /// other and with the calling thread, because they are nearly equal and the choice among them
    /// needs a closer comparison.
    fn measure_losses(&mut self, mut pools: Vec<CalibratedPool>) -> Result<(), Error> {
        let wall =
            |pool: &CalibratedPool| median(pool.runs.iter().map(|run| run.wall_ns).collect());
        pools.sort_by(|a, b| wall(a).partial_cmp(&wall(b)).unwrap_or(Ordering::Equal));
        pools.truncate(FINALISTS);
        let share = self.share(self.cores);
        let mut losses: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let begin = Instant::now();
        for build in 0..BUILDS {
            if build > 0 && begin.elapsed() > FINAL_TIME {
                break;
            }
            let mut work = trial(kernels::iterative(), &WORK)?;
            pools.retain_mut(|pool| {
                let backend = pool.entry.build(Settings::workers(pool.workers));
                backend.map(|backend| pool.backend = backend).is_ok()
            });
            for _ in 0..RUNS_PER_BUILD {
                let sequential = wall_ns(&mut work, &Sequential)?;
                for pool in &pools {
                    if let Ok(wall) = wall_ns(&mut work, &*pool.backend) {
                        losses.entry(pool.entry.name).or_default().push(wall - sequential * share);
                    }
                }
            }
        }
        let losses = losses.into_iter().map(|(name, mut all)| {
            all.sort_by(f64::total_cmp);
            // The first quartile, because disturbances make a run longer and never shorter.
            (name.into(), all[all.len() / 4])
        });
        self.losses_ns = losses.collect();
        Ok(())
    }

    /// The time to bring back a byte of results, in nanoseconds: what a run with many bytes takes
    /// beyond its predicted time, divided by its bytes.
    fn byte_ns(&self, pool: &CalibratedPool, layout: &Layout, overheads: &Overheads) -> f64 {
        let costs = Costs::predicted(layout, &self.factors(layout.kernel().name()));
        let scheduling = pool.entry.scheduling;
        let schedule = Schedule::new(layout, scheduling, Chunking::default(), pool.workers);
        let simulation = Simulation { costs, inflation: self.inflation() };
        let predicted = simulation.wall_ns(&schedule, overheads);
        let wall = median(pool.many_bytes_ns.clone()).unwrap_or(predicted);
        (wall - predicted).max(0.0) / travelling_bytes(layout.limbs(), layout.slots())
    }

    /// How many times as long work takes while several workers compute. Workers share the cores.
    pub(crate) fn inflation(&self) -> Inflation {
        let cores = NonZeroUsize::new(self.cores).unwrap_or(NonZeroUsize::MIN);
        Inflation::measured([(self.cores, self.inflation)]).with_cpus(cores)
    }

    /// The share of the sequential time that a run takes at best if this many workers compute.
    pub(crate) fn share(&self, computing_workers: usize) -> f64 {
        self.inflation().least_share(computing_workers)
    }

    /// The overhead of a batch with the default chunking: the time beyond its share of the work.
    /// For all cores, the overhead was measured, and only the fastest pools have one. For fewer or
    /// more workers, the overhead is simulated.
    pub(crate) fn loss_ns(&self, entry: &Descriptor, workers: NonZeroUsize) -> Option<f64> {
        /// The length of the simulated batch, which does not affect the loss.
        const BATCH_NS: f64 = 200_000.0;
        if workers.get() == self.cores && !self.losses_ns.is_empty() {
            return self.losses_ns.get(entry.name).copied();
        }
        let overheads = self.backends.get(entry.name)?;
        let chunks = Chunking::default().most(usize::MAX, workers);
        let chunk = ChunkCost { ns: BATCH_NS / chunks as f64, bytes: 0.0 };
        let (chunks, workers) = (vec![chunk; chunks], workers.get());
        let time = makespan(entry.scheduling, &chunks, workers, overheads, &self.inflation());
        Some(time - BATCH_NS * self.share(entry.scheduling.computing_workers(workers)))
    }

    /// A calibration for tests, with these overheads and nothing else.
    #[cfg(test)]
    pub(crate) fn with_overheads(
        cores: usize,
        backends: impl Iterator<Item = (&'static str, Overheads)>,
    ) -> Self {
        let backends = backends.map(|(name, overheads)| (name.into(), overheads)).collect();
        Calibration { cores, backends, ..Calibration::empty() }
    }

    /// The factors of a kernel. For a kernel without a calibration every factor is 1.
    pub(crate) fn factors(&self, kernel: &str) -> KernelFactors {
        self.kernels.get(kernel).cloned().unwrap_or_default()
    }

    /// Whether another program ran during the calibration. Such a calibration is measured again
    /// after an hour.
    pub fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// The overheads of a backend; `None` if the backend could not be built.
    pub fn overheads(&self, backend: &str) -> Option<&Overheads> {
        self.backends.get(backend)
    }
}

/// A backend with its runs.
struct CalibratedPool {
    entry: &'static Descriptor,
    workers: NonZeroUsize,
    backend: Box<dyn FibBackend>,
    runs: Vec<RunTrace>,
    /// Wall times of the batch with many bytes.
    many_bytes_ns: Vec<f64>,
}

impl CalibratedPool {
    /// `None` if the backend cannot be built or cannot have this many workers: `sequential` has
    /// one.
    fn new(entry: &'static Descriptor, workers: NonZeroUsize) -> Option<Self> {
        let backend = entry.build(Settings::workers(workers)).ok()?;
        (backend.workers() == workers).then(|| CalibratedPool {
            entry,
            workers,
            backend,
            runs: vec![],
            many_bytes_ns: vec![],
        })
    }

    fn is_parallel(&self) -> bool {
        self.entry.scheduling.computing_workers(2) > 1
    }

    /// The time that all chunks take together, for each run.
    fn busy_ns(&self) -> Vec<f64> {
        self.runs.iter().map(RunTrace::computing_ns).collect()
    }

    /// Takes a sample of each batch. A sample that fails is left out.
    fn run(&mut self, work: &mut Trial, bytes: &mut Trial) {
        let options = Options { timeline: true, ..Options::default() };
        if let Ok(timing) = work.sample(&*self.backend, &options, 1) {
            let chunks = timing.timeline.iter();
            let chunks =
                chunks.map(|span| (span.worker, span.start_ns, span.end_ns, span.paused_ns));
            let workers = worker_traces(chunks, self.workers.get());
            let wall_ns = timing.wall.as_nanos() as f64;
            self.runs.extend(workers.map(|workers| RunTrace { wall_ns, workers }));
        }
        self.many_bytes_ns.extend(wall_ns(bytes, &*self.backend).ok());
    }
}

fn trial(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Result<Trial, Error> {
    Trial::new(kernel, indices, MemoryLimit::default())
}

/// The wall time of a sample of one run, in nanoseconds.
fn wall_ns(trial: &mut Trial, backend: &dyn FibBackend) -> Result<f64, Error> {
    Ok(trial.sample(backend, &Options::default(), 1)?.wall.as_nanos() as f64)
}

/// The factors of a kernel at each of [`SIZES`], with indices that are computed from scratch or
/// with consecutive indices.
fn factors(kernel: &Arc<dyn Kernel>, consecutive: bool) -> Result<Factors, Error> {
    let empty_ns = sequential_ns(&mut trial(Arc::clone(kernel), &[])?)?;
    let mut factors = vec![];
    for n in SIZES {
        let cost = kernel.cost(n, consecutive.then(|| n - 1)).max(1.0);
        if cost > LONGEST_INDEX.as_nanos() as f64 {
            break;
        }
        let count = (KERNEL_BATCH.as_nanos() as f64 / cost).clamp(1.0, 4096.0) as u64;
        let indices: Vec<u64> = match kernel.order() {
            Order::AsGiven => vec![n; count as usize],
            Order::Ascending if consecutive => (n..n + count).collect(),
            Order::Ascending => vec![n],
        };
        let mut trial = trial(Arc::clone(kernel), &indices)?;
        let measured = sequential_ns(&mut trial)? - empty_ns;
        let predicted = trial.layout().costs().last().copied().unwrap_or(f64::NAN);
        factors.push((n, (measured / predicted).clamp(0.1, 10.0)));
    }
    Ok(Factors(factors.into_iter().filter(|(_, factor)| factor.is_finite()).collect()))
}

/// The median time of a few sequential runs, in nanoseconds.
fn sequential_ns(trial: &mut Trial) -> Result<f64, Error> {
    let run = |_| wall_ns(trial, &Sequential);
    let times: Result<Vec<f64>, Error> = (0..KERNEL_RUNS).map(run).collect();
    Ok(median(times?).unwrap_or(0.0))
}
