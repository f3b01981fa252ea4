//! What this machine makes of kernels and backends: measured in well under two seconds.

use fib::kernels::{self, KERNELS};
use fib::{
    Chunking, Descriptor, Error, FibBackend, Kernel, Layout, MemoryLimit, Options, Order, REGISTRY,
    Scheduling, Sequential, Settings,
};
use fib_engine::Trial;
use fib_simulate::{
    ChunkCost, Costs, Factors, KernelFactors, Overheads, RunTrace, makespan, median, worker_traces,
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
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

/// So many pools are compared for the best, with so many runs, each pool built anew after some: two
/// of the same kind may differ for as long as they live.
const FINALISTS: usize = 3;
const LIVES: usize = 12;
const RUNS_A_LIFE: usize = 8;

/// Some hundreds of microseconds of equal work.
const WORK: [u64; 128] = [1000; 128];

/// When each of these ends, however few runs there were.
const BACKEND_TIME: Duration = Duration::from_millis(1100);
const FINAL_TIME: Duration = Duration::from_millis(400);

/// Something else ran if work in company takes this much more, usually, than at the least.
const DISTURBED: f64 = 1.15;

/// What this machine makes of kernels and backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// CPUs that could be used.
    pub(crate) cores: usize,
    kernels: BTreeMap<String, KernelFactors>,
    backends: BTreeMap<String, Overheads>,
    /// What a batch on all cores took beyond its share of the work, on the best few backends.
    losses_ns: BTreeMap<String, f64>,
    /// How much longer the same work takes while every core works.
    inflation: f64,
    /// Whether something else ran meanwhile, so that this is worth less than another one.
    pub(crate) disturbed: bool,
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
            let fresh = factors(&kernel, false)?;
            let following = factors(&kernel, kernel.order() == Order::Ascending)?;
            kernels.insert(entry.name.into(), KernelFactors { fresh, following });
        }
        let mut this = Calibration { cores: cores.get(), kernels, ..Calibration::of_nothing() };
        this.measure_backends(cores)?;
        Ok(this)
    }

    fn of_nothing() -> Self {
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
        self.judge(&pools, cores);
        for entry in REGISTRY {
            let own: Vec<&CalibratedPool> =
                pools.iter().filter(|p| p.entry.name == entry.name).collect();
            let runs: Vec<RunTrace> = own.iter().flat_map(|p| p.runs.iter().cloned()).collect();
            let Some(mut overheads) = Overheads::fit(&runs) else { continue };
            if let Some(largest) = own.last() {
                overheads.byte_ns = self.byte_ns(largest, bytes.layout(), &overheads);
            }
            self.backends.insert(entry.name.into(), overheads);
        }
        pools.retain(|pool| pool.workers == cores && pool.entry.scheduling == Scheduling::Dynamic);
        self.measure_losses(pools)
    }

    /// How much slower work is in company, and whether it was so in company of others. At the least,
    /// work takes what it takes; what takes longer was disturbed.
    fn judge(&mut self, pools: &[CalibratedPool], cores: NonZeroUsize) {
        let least = |pool: &CalibratedPool| pool.busy_ns().into_iter().min_by(f64::total_cmp);
        let alone = pools.iter().find(|pool| pool.entry.scheduling == Scheduling::Serial);
        let parallel = pools.iter().filter(|pool| pool.workers == cores && pool.is_parallel());
        let together = parallel.clone().filter_map(least).min_by(f64::total_cmp);
        let inflation = together.zip(alone.and_then(least)).map(|(all, one)| all / one);
        self.inflation = inflation.unwrap_or(1.0).max(1.0);
        let usual = parallel.filter_map(|pool| median(pool.busy_ns())).min_by(f64::total_cmp);
        self.disturbed =
            usual.zip(together).is_some_and(|(usual, least)| usual > DISTURBED * least);
    }

    /// What the best few lose of a batch on all cores, beside each other and the calling thread: they
    /// are nearly equal, and choosing among them is worth a closer look.
    fn measure_losses(&mut self, mut pools: Vec<CalibratedPool>) -> Result<(), Error> {
        let wall =
            |pool: &CalibratedPool| median(pool.runs.iter().map(|run| run.wall_ns).collect());
        pools.sort_by(|a, b| wall(a).partial_cmp(&wall(b)).unwrap_or(Ordering::Equal));
        pools.truncate(FINALISTS);
        let share = self.share(self.cores);
        let mut losses: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let begin = Instant::now();
        for life in 0..LIVES {
            if life > 0 && begin.elapsed() > FINAL_TIME {
                break;
            }
            let mut work = trial(kernels::iterative(), &WORK)?;
            for pool in &mut pools {
                pool.backend = pool.entry.build(Settings::workers(pool.workers))?;
            }
            for _ in 0..RUNS_A_LIFE {
                let alone = wall_ns(&mut work, &Sequential)?;
                for pool in &pools {
                    let wall = wall_ns(&mut work, &*pool.backend)?;
                    losses.entry(pool.entry.name).or_default().push(wall - alone * share);
                }
            }
        }
        let losses = losses.into_iter().map(|(name, mut all)| {
            all.sort_by(f64::total_cmp);
            (name.into(), all[all.len() / 4]) // disturbances make a run longer, never shorter
        });
        self.losses_ns = losses.collect();
        Ok(())
    }

    /// What a run from which many bytes must be brought back takes beyond what is known already.
    fn byte_ns(&self, pool: &CalibratedPool, layout: &Layout, overheads: &Overheads) -> f64 {
        let costs = Costs::predicted(layout, &self.factors(layout.kernel().name()));
        let chunks = costs.chunks(Chunking::default(), pool.workers);
        let bytes: f64 = chunks.iter().map(|chunk| chunk.bytes).sum();
        let known = self.makespan(pool.entry.scheduling, &chunks, pool.workers, overheads);
        let wall = median(pool.with_bytes.clone()).unwrap_or(known);
        (wall - known).max(0.0) / bytes
    }

    /// How long a run of these chunks will take with so many workers.
    pub(crate) fn makespan(
        &self,
        scheduling: Scheduling,
        chunks: &[ChunkCost],
        workers: NonZeroUsize,
        overheads: &Overheads,
    ) -> f64 {
        makespan(scheduling, chunks, workers.get(), overheads, |p| self.inflation(p))
    }

    /// What is left of the sequential time on so many workers, at best.
    pub(crate) fn share(&self, workers: usize) -> f64 {
        self.inflation(workers) / workers.min(self.cores) as f64
    }

    /// What a batch in the default chunks takes beyond its share of the work: as measured, on all
    /// cores, where only the best few were; by simulation with other workers.
    pub(crate) fn loss_ns(&self, entry: &Descriptor, workers: NonZeroUsize) -> Option<f64> {
        /// Of no matter what length.
        const BATCH_NS: f64 = 200_000.0;
        if workers.get() == self.cores && !self.losses_ns.is_empty() {
            return self.losses_ns.get(entry.name).copied();
        }
        let overheads = self.backends.get(entry.name)?;
        let chunks = Chunking::default().most(usize::MAX, workers);
        // More workers than cores share them.
        let shared = workers.get() as f64 / workers.get().min(self.cores) as f64;
        let chunk = ChunkCost { ns: BATCH_NS / chunks as f64 * shared, bytes: 0.0 };
        let time = self.makespan(entry.scheduling, &vec![chunk; chunks], workers, overheads);
        Some(time - BATCH_NS * self.share(workers.get()))
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
        Calibration { cores, backends, ..Calibration::of_nothing() }
    }

    /// What is known of a kernel; of an unknown one, that its predictions are nanoseconds.
    pub(crate) fn factors(&self, kernel: &str) -> KernelFactors {
        self.kernels.get(kernel).cloned().unwrap_or_default()
    }

    /// Whether something else ran meanwhile; such a one is taken again after an hour.
    pub fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// What a backend takes besides the work; `None` if it could not be built.
    pub fn overheads(&self, backend: &str) -> Option<&Overheads> {
        self.backends.get(backend)
    }
}

/// A backend and its runs.
struct CalibratedPool {
    entry: &'static Descriptor,
    workers: NonZeroUsize,
    backend: Box<dyn FibBackend>,
    runs: Vec<RunTrace>,
    with_bytes: Vec<f64>,
}

impl CalibratedPool {
    /// The calling thread needs no second count of workers.
    fn new(entry: &'static Descriptor, workers: NonZeroUsize) -> Option<Self> {
        let backend = entry.build(Settings::workers(workers)).ok()?;
        let right = backend.workers() == workers;
        right.then_some(CalibratedPool {
            entry,
            workers,
            backend,
            runs: vec![],
            with_bytes: vec![],
        })
    }

    fn is_parallel(&self) -> bool {
        matches!(self.entry.scheduling, Scheduling::Static | Scheduling::Dynamic)
    }

    /// What all chunks take together, in each run.
    fn busy_ns(&self) -> Vec<f64> {
        self.runs.iter().map(RunTrace::computing_ns).collect()
    }

    /// A run that goes wrong tells nothing.
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
        self.with_bytes.extend(wall_ns(bytes, &*self.backend).ok());
    }
}

fn trial(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Result<Trial, Error> {
    Trial::new(kernel, indices, MemoryLimit::default())
}

/// The wall time of one sample of one run.
fn wall_ns(trial: &mut Trial, backend: &dyn FibBackend) -> Result<f64, Error> {
    Ok(trial.sample(backend, &Options::default(), 1)?.wall.as_nanos() as f64)
}

/// At each of [`SIZES`], with indices by themselves or one after the other.
fn factors(kernel: &Arc<dyn Kernel>, consecutive: bool) -> Result<Factors, Error> {
    let nothing = sequential_ns(&mut trial(Arc::clone(kernel), &[])?)?;
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
        let mut trial = trial(Arc::clone(kernel), &indices)?;
        let measured = sequential_ns(&mut trial)? - nothing;
        let predicted = trial.layout().costs().last().copied().unwrap_or(f64::NAN);
        factors.push((n, (measured / predicted).clamp(0.1, 10.0)));
    }
    Ok(Factors(factors.into_iter().filter(|(_, factor)| factor.is_finite()).collect()))
}

/// The median of a few runs.
fn sequential_ns(trial: &mut Trial) -> Result<f64, Error> {
    let run = |_| wall_ns(trial, &Sequential);
    let times: Result<Vec<f64>, Error> = (0..KERNEL_RUNS).map(run).collect();
    Ok(median(times?).unwrap_or(0.0))
}
