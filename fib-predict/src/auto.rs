//! The backend `auto`: it decides for each batch whether to run it in parallel.

use crate::cache::calibration;
use crate::calibration::Calibration;
use fib::kernels::KERNELS;
use fib::{
    Chunking, Descriptor, Error, FibBackend, Forking, Job, Layout, Order, REGISTRY, SEQUENTIAL,
    Scheduling, Sequential, Settings,
};
use fib_simulate::{Factors, Overheads, travelling_bytes};
use std::num::NonZeroUsize;

/// Runs each batch on the pool with the smallest predicted overhead, or on the calling thread if
/// that is predicted to be faster. The first build on a machine calibrates the machine.
///
/// This backend is not in [`REGISTRY`], because it schedules nothing itself.
pub const AUTO: Descriptor = Descriptor {
    name: "auto",
    summary: "runs each batch on the calling thread or on the pool that is predicted to be fastest",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential, // a single number stays on the calling thread
    build: |settings| Ok(Box::new(Auto::new(settings)?)),
};

/// A batch that takes less than this on one thread never runs in parallel. So the decision on a
/// short batch is one comparison.
const SHORTEST_NS: f64 = 50_000.0;

/// The chunking of a long batch. It is finer than the default, so that workers end together even if
/// the costs are not quite as predicted.
pub(crate) const FINE: Chunking = Chunking::Balanced(NonZeroUsize::new(32).unwrap());

/// [`FINE`] is used if a default chunk takes more than this many times as long as it takes to hand
/// out the additional chunks.
const CHUNK_OVER_HANDING: f64 = 10.0;

/// See [`AUTO`].
pub struct Auto {
    /// One or two pools: the pool with the smallest overhead on short results, and the pool with
    /// the smallest overhead on long results.
    pools: Vec<CandidatePool>,
    /// The share of the sequential time that a parallel run takes at best.
    share: f64,
    /// For each kernel, how many nanoseconds a unit of its predicted cost takes.
    units: Vec<(&'static str, Units)>,
}

struct CandidatePool {
    backend: Box<dyn FibBackend>,
    overheads: Overheads,
    /// The time that a batch with the default chunking takes beyond its share of the work.
    overhead_ns: f64,
}

impl Auto {
    /// Calibrates this machine if it is not calibrated yet, and builds one or two pools.
    ///
    /// # Errors
    /// If the machine cannot be calibrated, or a pool cannot be built.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let (calibration, _) = calibration()?;
        Auto::calibrated(calibration, settings)
    }

    fn calibrated(calibration: &Calibration, settings: Settings) -> Result<Self, Error> {
        let share = calibration.share(settings.workers.get());
        let build = |entry: &Descriptor| {
            Ok::<CandidatePool, Error>(CandidatePool {
                backend: entry.build(settings)?,
                overheads: calibration.overheads(entry.name).copied().unwrap_or(Overheads::NONE),
                overhead_ns: calibration.loss_ns(entry, settings.workers).unwrap_or(0.0).max(0.0),
            })
        };
        let entries = [0.0, MANY_BYTES]
            .map(|bytes| pool_with_least_loss(calibration, settings.workers, bytes));
        let second = entries.iter().skip(1).filter(|entry| entry.name != entries[0].name);
        let pools = entries.iter().take(1).chain(second).map(|entry| build(entry));
        let units =
            KERNELS.iter().map(|e| (e.name, Units::new(&calibration.factors(e.name).following)));
        Ok(Auto { pools: pools.collect::<Result<_, _>>()?, share, units: units.collect() })
    }

    /// The pool for a batch and the chunking to use; `None` if the calling thread is predicted to
    /// be as fast as any pool.
    pub fn choose(
        &self,
        layout: &Layout,
        chunking: Chunking,
    ) -> Option<(&dyn FibBackend, Chunking)> {
        let unit = self.unit(layout);
        let sequential_ns = layout.costs().last().copied().unwrap_or(0.0) * unit;
        if layout.slots() < 2 || sequential_ns < SHORTEST_NS {
            return None;
        }
        let overheads = self
            .pools
            .iter()
            .map(|pool| (pool, pool.overhead(layout, chunking, unit * self.share)));
        let (pool, overhead) = overheads.min_by(|a, b| a.1.total_cmp(&b.1))?;
        // No schedule is shorter than its longest slot.
        let parallel_ns = (sequential_ns * self.share).max(longest(layout.costs()) * unit);
        let chunking = pool.chunking(layout, chunking, sequential_ns);
        (parallel_ns + overhead < sequential_ns).then_some((&*pool.backend, chunking))
    }

    /// The nanoseconds that a unit of predicted cost takes; 1 for a kernel without a calibration.
    fn unit(&self, layout: &Layout) -> f64 {
        let name = layout.kernel().name();
        let units = self.units.iter().find(|(known, _)| *known == name);
        units.map_or(1.0, |(_, units)| units.get(layout.limbs() / layout.slots().max(1)))
    }
}

impl CandidatePool {
    /// The chunking to use: finer than the default if that costs little, because a run ends late by
    /// up to one chunk. A chunking that the caller chose stays as it is. So does the default for a
    /// kernel that walks, because such a kernel must seek the start of each chunk.
    fn chunking(&self, layout: &Layout, chunking: Chunking, sequential_ns: f64) -> Chunking {
        if chunking != Chunking::default() || layout.kernel().order() == Order::Ascending {
            return chunking;
        }
        let (default, fine) = (self.chunks(layout, chunking), self.chunks(layout, FINE));
        let handing_ns = self.overheads.hand_all(fine - default, 0.0);
        let chunk_ns = sequential_ns / default as f64;
        if handing_ns * CHUNK_OVER_HANDING < chunk_ns { FINE } else { chunking }
    }

    /// The time that this batch takes beyond its share of the work. `unit` is what a unit of
    /// predicted cost adds to the time of a parallel run, in nanoseconds.
    fn overhead(&self, layout: &Layout, chunking: Chunking, unit: f64) -> f64 {
        let chunks = self.chunks(layout, chunking);
        let additional = chunks.saturating_sub(self.chunks(layout, Chunking::default()));
        let bytes = travelling_bytes(layout.limbs(), layout.slots());
        let handing_ns = self.overheads.hand_all(additional, bytes);
        // A kernel that walks must seek the start of each chunk.
        let seeks_ns = match (layout.kernel().order(), layout.indices().last()) {
            (Order::Ascending, Some(&last)) => {
                layout.kernel().cost(last, None) * unit * chunks as f64
            }
            _ => 0.0,
        };
        self.overhead_ns + handing_ns + seeks_ns
    }

    /// The largest number of chunks that this batch is cut into.
    fn chunks(&self, layout: &Layout, chunking: Chunking) -> usize {
        chunking.most(layout.slots(), self.backend.workers())
    }
}

impl FibBackend for Auto {
    fn workers(&self) -> NonZeroUsize {
        self.pools.first().map_or(NonZeroUsize::MIN, |pool| pool.backend.workers())
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        match self.choose(job.layout(), job.chunking()) {
            Some((pool, chunking)) => pool.run(job.cut_for(pool.workers(), chunking)),
            None => Sequential.run(job),
        }
    }
}

/// The bytes that are copied for a batch with long results.
const MANY_BYTES: f64 = 1_000_000.0;

/// Losses that differ by no more than this factor count as equal. Of equal pools, the first one in
/// the registry is used.
const EQUAL: f64 = 1.1;

/// The pool that loses the least time on a batch that copies this many bytes. Static schedules are
/// excluded: they cannot correct a wrong cost prediction.
fn pool_with_least_loss(
    calibration: &Calibration,
    workers: NonZeroUsize,
    bytes: f64,
) -> &'static Descriptor {
    let pools = REGISTRY.iter().filter(|entry| entry.scheduling == Scheduling::Dynamic);
    let losses: Vec<_> = pools
        .filter_map(|entry| {
            let overheads = calibration.overheads(entry.name)?;
            Some((entry, calibration.loss_ns(entry, workers)? + bytes * overheads.byte_ns))
        })
        .collect();
    let least = losses.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
    losses
        .into_iter()
        .find(|(_, loss)| *loss <= least.max(0.0) * EQUAL)
        .map_or(&SEQUENTIAL, |(e, _)| e)
}

/// The cost of the longest slot, if that is more than half of the whole cost; otherwise the cost of
/// some slot. A slot with more than half of the cost lies across the middle of the running sums.
/// `sums[i]` includes the cost of slot i.
fn longest(sums: &[f64]) -> f64 {
    let half = sums.last().copied().unwrap_or(0.0) / 2.0;
    let middle = sums.partition_point(|&sum| sum < half);
    let sum_before = middle.checked_sub(1).map_or(0.0, |previous| sums[previous]);
    sums.get(middle).map_or(0.0, |sum| sum - sum_before)
}

/// The [`Factors`] of a kernel as a table, so that a decision looks a factor up and computes
/// nothing. The key is the bit length of the mean number of limbs of a slot.
struct Units([f64; 65]);

impl Units {
    fn new(factors: &Factors) -> Self {
        let mut units = [1.0; 65];
        for (bits, unit) in units.iter_mut().enumerate() {
            let limbs = 0.75 * 2f64.powi(bits as i32); // the middle of the numbers of this length
            *unit = factors.get((limbs * 64.0 / 0.694) as u64); // F(n) has about 0.694 n bits
        }
        Units(units)
    }

    fn get(&self, limbs: usize) -> f64 {
        self.0[(usize::BITS - limbs.leading_zeros()) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::{Kernel, MemoryLimit, kernels};
    use std::sync::Arc;

    /// `auto` on two cores, where every pool has these overheads.
    fn auto(workers: usize, pool: Overheads) -> Auto {
        let pools = REGISTRY.iter().map(|entry| (entry.name, pool));
        let calibration = Calibration::with_overheads(2, pools);
        let workers = NonZeroUsize::new(workers).unwrap();
        Auto::calibrated(&calibration, Settings::workers(workers)).unwrap()
    }

    /// A pool that takes 20 us to start and to end a run.
    const SLOW_START: Overheads =
        Overheads { start_ns: 15_000.0, join_ns: 5000.0, ..Overheads::NONE };

    /// A pool that takes 300 ns to hand out a chunk.
    const SLOW_HANDING: Overheads = Overheads { hand_ns: 300.0, ..Overheads::NONE };

    fn is_parallel(auto: &Auto, kernel: Arc<dyn Kernel>, indices: &[u64], chunking: &str) -> bool {
        let layout = Layout::new(kernel, indices, MemoryLimit::default()).unwrap();
        auto.choose(&layout, chunking.parse().unwrap()).is_some()
    }

    #[test]
    fn batches_are_parallel_where_that_pays() {
        let auto = auto(2, SLOW_START);
        let decide = |n: u64, count: usize| {
            is_parallel(&auto, kernels::iterative(), &vec![n; count], "balanced:8")
        };
        assert!(!decide(1000, 10), "25 us");
        assert!(decide(1000, 100), "250 us");
        assert!(decide(20_000, 16));
        assert!(!decide(1_000_000, 1), "one number is one chain of additions");
        assert!(!is_parallel(&auto, kernels::iterative(), &[], "balanced:8"));
    }

    #[test]
    fn one_long_number_among_short_ones_is_not_run_in_parallel() {
        let mut indices = vec![1; 50];
        indices[20] = 9000; // about 100 us
        let auto = auto(2, SLOW_START);
        assert!(!is_parallel(&auto, kernels::iterative(), &indices, "balanced:8"));
        indices[30] = 9000;
        assert!(is_parallel(&auto, kernels::iterative(), &indices, "balanced:8"));
    }

    #[test]
    fn one_worker_is_never_better_than_the_calling_thread() {
        let auto = auto(1, SLOW_START);
        assert!(!is_parallel(&auto, kernels::iterative(), &[20_000; 16], "balanced:8"));
    }

    #[test]
    fn long_batches_are_cut_finer_unless_told_otherwise() {
        let auto = auto(2, SLOW_HANDING);
        let cut = |kernel, indices: &[u64], chunking: &str| {
            let layout = Layout::new(kernel, indices, MemoryLimit::default()).unwrap();
            auto.choose(&layout, chunking.parse().unwrap()).unwrap().1.to_string()
        };
        // One of 16 chunks takes 1.5 ms. To hand out 48 more chunks takes 14 us.
        assert_eq!(cut(kernels::iterative(), &[5000; 600], "balanced:8"), "balanced:32");
        assert_eq!(cut(kernels::iterative(), &[5000; 600], "per-worker:1"), "per-worker:1");
        assert_eq!(cut(kernels::iterative(), &[1000; 100], "balanced:8"), "balanced:8");
        let range: Vec<u64> = (0..100_000).collect();
        assert_eq!(cut(kernels::stepping(), &range, "balanced:8"), "balanced:8");
    }

    #[test]
    fn handing_out_tiny_chunks_is_part_of_the_prediction() {
        let auto = auto(2, SLOW_HANDING);
        let decide = |chunking| is_parallel(&auto, kernels::iterative(), &[100; 10_000], chunking);
        assert!(decide("balanced:8") && decide("items:100"));
        assert!(!decide("items:1"), "3 ms to hand them out, 260 us to compute them");
    }
}
