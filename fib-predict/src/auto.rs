//! A backend that decides, batch by batch, whether to be parallel.

use crate::cache::calibration;
use crate::calibration::Calibration;
use fib::kernels::KERNELS;
use fib::{
    Chunking, Descriptor, Error, FibBackend, Job, Layout, Order, REGISTRY, SEQUENTIAL, Scheduling,
    Sequential, Settings,
};
use fib_simulate::{Factors, Overheads, travelling_bytes};
use std::num::NonZeroUsize;

/// A backend that runs each batch on the pool that loses least on this machine, or on the calling
/// thread where that is predicted to be faster. Its first build on a machine calibrates it.
///
/// It is none of [`REGISTRY`]: it has no way of its own to run anything.
pub const AUTO: Descriptor = Descriptor {
    name: "auto",
    summary: "for each batch the calling thread or the best pool, as this machine's calibration says",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Auto::new(settings)?)),
};

/// A batch that takes less than this is never worth it, so that the decision is one comparison.
const SHORTEST_NS: f64 = 50_000.0;

/// The grain of a long batch: costs that were not quite as predicted still come out even.
pub(crate) const FINE: Chunking = Chunking::Balanced(NonZeroUsize::new(32).unwrap());

/// It may cost this part of a usual chunk.
const CHEAP: f64 = 10.0;

/// See [`AUTO`].
pub struct Auto {
    /// One or two: who loses least, and who loses least where results are long.
    pools: Vec<CandidatePool>,
    /// How much of the sequential time is left, at best.
    share: f64,
    units: Vec<(&'static str, Units)>,
}

struct CandidatePool {
    backend: Box<dyn FibBackend>,
    overheads: Overheads,
    /// What a batch in the default chunks takes beyond its share of the work.
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
        let best = [0.0, MANY_BYTES].map(|bytes| best_pool(calibration, settings.workers, bytes));
        let more = best.iter().skip(1).filter(|entry| entry.name != best[0].name);
        let pools = best.iter().take(1).chain(more).map(|entry| build(entry));
        let units =
            KERNELS.iter().map(|e| (e.name, Units::of(&calibration.factors(e.name).following)));
        Ok(Auto { pools: pools.collect::<Result<_, _>>()?, share, units: units.collect() })
    }

    /// The pool for a batch and the chunking to use; `None` if the calling thread is predicted to be as
    /// fast as any pool.
    pub fn choose(
        &self,
        layout: &Layout,
        chunking: Chunking,
    ) -> Option<(&dyn FibBackend, Chunking)> {
        let unit = self.unit(layout);
        let alone = layout.costs().last().copied().unwrap_or(0.0) * unit;
        if layout.slots() < 2 || alone < SHORTEST_NS {
            return None;
        }
        let overheads = self
            .pools
            .iter()
            .map(|pool| (pool, pool.overhead(layout, chunking, unit * self.share)));
        let (pool, overhead) = overheads.min_by(|a, b| a.1.total_cmp(&b.1))?;
        // No schedule is shorter than its longest slot.
        let left = (alone * self.share).max(longest(layout.costs()) * unit);
        let chunking = pool.grain(layout, chunking, alone);
        (left + overhead < alone).then_some((&*pool.backend, chunking))
    }

    /// Nanoseconds a unit of the kernel's prediction; of a kernel that is not known, one.
    fn unit(&self, layout: &Layout) -> f64 {
        let name = layout.kernel().name();
        let units = self.units.iter().find(|(known, _)| *known == name);
        units.map_or(1.0, |(_, units)| units.at(layout.limbs() / layout.slots().max(1)))
    }
}

impl CandidatePool {
    /// A finer grain than the usual one where that costs little: the last chunk to end is late by a
    /// part of a chunk. What a caller chose stays, and so does a kernel that must find where each
    /// chunk begins.
    fn grain(&self, layout: &Layout, chunking: Chunking, alone: f64) -> Chunking {
        if chunking != Chunking::default() || layout.kernel().order() == Order::Ascending {
            return chunking;
        }
        let of = |chunking: Chunking| chunking.most(layout.slots(), self.backend.workers());
        let (few, many) = (of(chunking), of(FINE));
        let costs = (many - few) as f64 * self.overheads.hand_ns;
        let chunk = alone / few as f64;
        if costs * CHEAP < chunk { FINE } else { chunking }
    }

    /// What this batch takes beyond its share of the work; `unit` is a worker's share of that of the
    /// kernel's prediction.
    fn overhead(&self, layout: &Layout, chunking: Chunking, unit: f64) -> f64 {
        let of = |chunking: Chunking| chunking.most(layout.slots(), self.backend.workers());
        let (chunks, usual) = (of(chunking), of(Chunking::default()));
        let more = chunks.saturating_sub(usual) as f64 * self.overheads.hand_ns;
        let bytes = travelling_bytes(layout.limbs(), layout.slots()) * self.overheads.byte_ns;
        // A kernel that walks must find where each chunk begins.
        let seeks = match (layout.kernel().order(), layout.indices().last()) {
            (Order::Ascending, Some(&last)) => {
                layout.kernel().cost(last, None) * unit * chunks as f64
            }
            _ => 0.0,
        };
        self.overhead_ns + more + bytes + seeks
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

/// What is copied to and fro for a batch with long results.
const MANY_BYTES: f64 = 1_000_000.0;

/// What differs by less is noise, and the earlier one of the registry is taken.
const EQUAL: f64 = 1.1;

/// The pool that loses least. Those whose workers own their chunks from the start have nothing
/// against a batch whose costs are not as predicted.
fn best_pool(calibration: &Calibration, workers: NonZeroUsize, bytes: f64) -> &'static Descriptor {
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

/// The cost of the longest slot if it is more than half of all; otherwise of some slot. Such a one
/// lies across the middle of the running sums, where `sums[i]` is up to and including slot i.
fn longest(sums: &[f64]) -> f64 {
    let half = sums.last().copied().unwrap_or(0.0) / 2.0;
    let middle = sums.partition_point(|&sum| sum < half);
    let before = middle.checked_sub(1).map_or(0.0, |before| sums[before]);
    sums.get(middle).map_or(0.0, |sum| sum - before)
}

/// [`Factors`] by the number of bits of the mean number of limbs: to be looked up, not computed.
struct Units([f64; 65]);

impl Units {
    fn of(factors: &Factors) -> Self {
        let mut units = [1.0; 65];
        for (bits, unit) in units.iter_mut().enumerate() {
            let limbs = 0.75 * 2f64.powi(bits as i32); // the middle of those with so many bits
            *unit = factors.get((limbs * 64.0 / 0.694) as u64);
        }
        Units(units)
    }

    fn at(&self, limbs: usize) -> f64 {
        self.0[(usize::BITS - limbs.leading_zeros()) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::{Kernel, MemoryLimit, kernels};
    use std::sync::Arc;

    /// Two cores on which every pool takes 20 us to be parallel.
    fn auto(workers: usize) -> Auto {
        let pool = Overheads { start_ns: 15_000.0, join_ns: 5000.0, ..Overheads::NONE };
        let calibration = Calibration::of(2, REGISTRY.iter().map(|entry| (entry.name, pool)));
        let workers = NonZeroUsize::new(workers).unwrap();
        Auto::calibrated(&calibration, Settings::workers(workers)).unwrap()
    }

    fn is_worth_it(auto: &Auto, kernel: Arc<dyn Kernel>, indices: &[u64], chunking: &str) -> bool {
        let layout = Layout::new(kernel, indices, MemoryLimit::default()).unwrap();
        auto.choose(&layout, chunking.parse().unwrap()).is_some()
    }

    #[test]
    fn batches_are_parallel_where_that_pays() {
        let auto = auto(2);
        let decide = |n: u64, count: usize| {
            is_worth_it(&auto, kernels::iterative(), &vec![n; count], "balanced:8")
        };
        assert!(!decide(1000, 10), "25 us");
        assert!(decide(1000, 100), "250 us");
        assert!(decide(20_000, 16));
        assert!(!decide(1_000_000, 1), "one number is one chain of additions");
        assert!(!is_worth_it(&auto, kernels::iterative(), &[], "balanced:8"));
    }

    #[test]
    fn one_long_number_among_short_ones_is_not_shared_out() {
        let mut indices = vec![1; 50];
        indices[20] = 9000; // about 100 us
        let two = auto(2);
        assert!(!is_worth_it(&two, kernels::iterative(), &indices, "balanced:8"));
        indices[30] = 9000;
        assert!(is_worth_it(&two, kernels::iterative(), &indices, "balanced:8"));
    }

    #[test]
    fn one_worker_is_never_better_than_the_calling_thread() {
        assert!(!is_worth_it(&auto(1), kernels::iterative(), &[20_000; 16], "balanced:8"));
    }

    #[test]
    fn long_batches_are_cut_finer_unless_told_otherwise() {
        let pool = Overheads { hand_ns: 300.0, ..Overheads::NONE };
        let calibration = Calibration::of(2, REGISTRY.iter().map(|entry| (entry.name, pool)));
        let two = Settings::workers(NonZeroUsize::new(2).unwrap());
        let auto = Auto::calibrated(&calibration, two).unwrap();
        let cut = |kernel, indices: &[u64], chunking: &str| {
            let layout = Layout::new(kernel, indices, MemoryLimit::default()).unwrap();
            auto.choose(&layout, chunking.parse().unwrap()).unwrap().1.to_string()
        };
        // A chunk of 16 takes 1.5 ms, and 48 more of them 14 us.
        assert_eq!(cut(kernels::iterative(), &[5000; 600], "balanced:8"), "balanced:32");
        assert_eq!(cut(kernels::iterative(), &[5000; 600], "per-worker:1"), "per-worker:1");
        assert_eq!(cut(kernels::iterative(), &[1000; 100], "balanced:8"), "balanced:8");
        let range: Vec<u64> = (0..100_000).collect();
        assert_eq!(cut(kernels::stepping(), &range, "balanced:8"), "balanced:8");
    }

    #[test]
    fn tiny_chunks_cost_what_they_cost() {
        let pool = Overheads { hand_ns: 300.0, ..Overheads::NONE };
        let calibration = Calibration::of(2, REGISTRY.iter().map(|entry| (entry.name, pool)));
        let two = NonZeroUsize::new(2).unwrap();
        let auto = Auto::calibrated(&calibration, Settings::workers(two)).unwrap();
        let decide = |chunking| is_worth_it(&auto, kernels::iterative(), &[100; 10_000], chunking);
        assert!(decide("balanced:8") && decide("items:100"));
        assert!(!decide("items:1"), "3 ms to hand them out, 260 us to compute them");
    }
}
