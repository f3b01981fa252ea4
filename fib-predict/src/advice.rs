//! Which backend, how many workers, which chunks and which kernel for a batch.

use crate::auto::FINE;
use crate::calibration::Calibration;
use fib::kernels::KernelEntry;
use fib::{
    Chunking, Descriptor, Error, FibBackend, Layout, MemoryLimit, Options, REGISTRY, SEQUENTIAL,
    Scheduling, Settings,
};
use fib_engine::Trial;
use fib_simulate::{Costs, median};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// A way to compute a batch.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Where.
    pub backend: &'static Descriptor,
    /// What with.
    pub kernel: KernelEntry,
    /// How many workers.
    pub workers: NonZeroUsize,
    /// How it is cut.
    pub chunking: Chunking,
    /// How long that will take.
    pub predicted_ns: f64,
}

impl Candidate {
    /// Whether it needs no more than the calling thread.
    pub fn is_sequential(&self) -> bool {
        self.backend.scheduling == Scheduling::Serial
    }
}

/// What there is to choose from for a batch, the fastest first.
#[derive(Clone, Debug)]
pub struct Advice {
    /// Each backend at its best with the best kernel, and each other kernel at its best.
    pub candidates: Vec<Candidate>,
    /// The best of those that need only the calling thread.
    pub alone: Candidate,
    /// What to take: `alone`, unless another saves more than a tenth of its time.
    pub best: Candidate,
}

/// A pool that saves less than this is not worth having, and may not save it: predictions are off by
/// that much.
const WORTH_IT: f64 = 0.1;

/// Predicts every way to compute F(n) for every n of `indices`, with any of `kernels` on up to
/// `workers` workers and no more than there are cores.
///
/// # Errors
/// [`Error::Limit`] and [`Error::Allocation`] if the batch needs more memory than `limit`.
pub fn advise(
    indices: &[u64],
    kernels: &[KernelEntry],
    workers: NonZeroUsize,
    limit: MemoryLimit,
    calibration: &Calibration,
) -> Result<Advice, Error> {
    let (mut all, mut refused) = (vec![], None);
    // More workers than cores share them, which a schedule does not know.
    let cores = NonZeroUsize::new(calibration.cores).unwrap_or(NonZeroUsize::MIN);
    let workers = workers.min(cores);
    for kernel in kernels {
        let layout = match Layout::new((kernel.get)(), indices, limit) {
            Ok(layout) => layout,
            Err(error) => {
                refused = Some(error); // another one may share what is asked for again
                continue;
            }
        };
        let costs = Costs::predicted(&layout, &calibration.factors(kernel.name));
        for backend in REGISTRY {
            let ways = ways(backend, workers, layout.slots()).into_iter();
            let candidates = ways.filter_map(|(workers, chunking)| {
                let overheads = calibration.overheads(backend.name)?;
                let chunks = costs.chunks(chunking, workers);
                let predicted_ns =
                    calibration.makespan(backend.scheduling, &chunks, workers, overheads);
                Some(Candidate { backend, kernel: *kernel, workers, chunking, predicted_ns })
            });
            all.extend(candidates.min_by(|a, b| weighed(a).total_cmp(&weighed(b))));
        }
    }
    all.sort_by(|a, b| a.predicted_ns.total_cmp(&b.predicted_ns));
    let alone = all.iter().find(|candidate| candidate.is_sequential()).copied();
    let (Some(&fastest), Some(alone)) = (all.first(), alone) else {
        let reason = "it is not calibrated".into();
        return Err(refused.unwrap_or(Error::Backend { backend: SEQUENTIAL.name, reason }));
    };
    let saves = fastest.predicted_ns < (1.0 - WORTH_IT) * alone.predicted_ns;
    let best = if saves { steady(&all, fastest) } else { alone };
    let mut seen = vec![];
    all.retain(|candidate| {
        let first_of_kernel = !seen.contains(&candidate.kernel.name);
        seen.push(candidate.kernel.name);
        first_of_kernel || candidate.kernel.name == best.kernel.name
    });
    Ok(Advice { candidates: all, alone, best })
}

/// Of those that are as good as the fastest, one that shares out while it runs: it withstands a
/// neighbour, and a prediction that was wrong.
fn steady(all: &[Candidate], fastest: Candidate) -> Candidate {
    let mut equal = all.iter().filter(|candidate| {
        candidate.kernel.name == fastest.kernel.name
            && candidate.predicted_ns * (1.0 - WORTH_IT) < fastest.predicted_ns
    });
    let steady = equal.find(|candidate| candidate.backend.scheduling == Scheduling::Dynamic);
    steady.copied().unwrap_or(fastest)
}

/// With few chunks a schedule has less to correct itself with, so they must promise more than
/// predictions are off by; and to hand out each index by itself is for those who know why.
fn weighed(candidate: &Candidate) -> f64 {
    let fine = [Chunking::default(), FINE].contains(&candidate.chunking);
    candidate.predicted_ns * if fine { 1.0 - WORTH_IT } else { 1.0 }
}

/// Above this many, to hand out each index by itself is not even thought of: it takes long to play.
const FEW: usize = 10_000;

/// Worker counts and chunkings that are worth a thought.
fn ways(backend: &Descriptor, most: NonZeroUsize, slots: usize) -> Vec<(NonZeroUsize, Chunking)> {
    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    if backend.scheduling == Scheduling::Serial {
        return vec![(ONE, Chunking::PerWorker(ONE))];
    }
    let powers = (1..usize::BITS).filter_map(|shift| NonZeroUsize::new(1 << shift));
    let mut workers: Vec<_> = powers.take_while(|&power| power < most).collect();
    workers.push(most);
    let mut chunkings = vec![Chunking::default(), FINE, Chunking::Balanced(ONE)];
    chunkings.extend((slots <= FEW).then_some(Chunking::Items(ONE)));
    workers.into_iter().flat_map(|w| chunkings.iter().map(move |&c| (w, c))).collect()
}

/// What a candidate really took.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Which.
    pub candidate: Candidate,
    /// The median, in nanoseconds; or why there is none.
    pub measured_ns: Result<f64, String>,
    /// How often it ran.
    pub runs: usize,
}

/// Measures candidates in turn, round by round, until `budget` is spent; each at least once, but those
/// that are predicted to spend it alone.
///
/// # Errors
/// Those of laying the batch out.
pub fn check(
    candidates: &[Candidate],
    indices: &[u64],
    limit: MemoryLimit,
    budget: Duration,
) -> Result<Vec<Measurement>, Error> {
    const MOST: usize = 31;
    let takes_part = |candidate: &&Candidate| candidate.predicted_ns < budget.as_nanos() as f64;
    let mut trials: BTreeMap<&str, Trial> = BTreeMap::new();
    for Candidate { kernel, .. } in candidates.iter().filter(takes_part) {
        if !trials.contains_key(kernel.name) {
            trials.insert(kernel.name, Trial::new((kernel.get)(), indices, limit)?);
        }
    }
    let mut entrants: Vec<CheckedCandidate> =
        candidates.iter().filter(takes_part).map(CheckedCandidate::new).collect();
    let begin = Instant::now();
    for round in 0..MOST {
        if round > 0 && begin.elapsed().mul_f64((round + 1) as f64 / round as f64) > budget {
            break;
        }
        for entrant in &mut entrants {
            if let Some(trial) = trials.get_mut(entrant.candidate.kernel.name) {
                entrant.run(trial);
            }
        }
    }
    Ok(entrants.into_iter().map(CheckedCandidate::measurement).collect())
}

struct CheckedCandidate {
    candidate: Candidate,
    backend: Result<Box<dyn FibBackend>, Error>,
    times: Vec<f64>,
}

impl CheckedCandidate {
    fn new(candidate: &Candidate) -> Self {
        let backend = candidate.backend.build(Settings::workers(candidate.workers));
        CheckedCandidate { candidate: *candidate, backend, times: vec![] }
    }

    fn run(&mut self, trial: &mut Trial) {
        let options = Options { chunking: self.candidate.chunking, ..Options::default() };
        let Ok(backend) = &self.backend else { return };
        match trial.sample(&**backend, &options, 1) {
            Ok(timing) => self.times.push(timing.wall.as_nanos() as f64),
            Err(error) => self.backend = Err(error),
        }
    }

    fn measurement(self) -> Measurement {
        let CheckedCandidate { candidate, backend, times } = self;
        let runs = times.len();
        let measured_ns = match backend {
            Err(error) => Err(error.to_string()),
            Ok(_) => median(times).ok_or_else(|| "it did not run".into()),
        };
        Measurement { candidate, measured_ns, runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::kernels::KERNELS;
    use fib_simulate::Overheads;

    fn advice(indices: &[u64]) -> Advice {
        let pool = |slow: f64| Overheads { start_ns: slow, join_ns: 1000.0, ..Overheads::NONE };
        let backends = REGISTRY.iter().enumerate().map(|(i, entry)| match entry.scheduling {
            Scheduling::Serial => (entry.name, Overheads::NONE),
            _ => (entry.name, pool(10_000.0 * (10 - i) as f64)),
        });
        let calibration = Calibration::of(2, backends);
        let two = NonZeroUsize::new(2).unwrap();
        let kernels: Vec<KernelEntry> =
            KERNELS.iter().filter(|e| e.name != "empty").copied().collect();
        advise(indices, &kernels, two, MemoryLimit::default(), &calibration).unwrap()
    }

    #[test]
    fn small_batches_stay_where_they_are() {
        let small = advice(&[100; 10]);
        assert!(small.best.is_sequential() && small.candidates[0].is_sequential());
        assert!(advice(&[]).best.is_sequential());
        // One number, however large, with the kernel that is fastest for it.
        let one = advice(&[1_000_000]);
        assert_eq!((one.best.is_sequential(), one.best.kernel.name), (true, "doubling"));
    }

    #[test]
    fn large_batches_are_shared_out_by_who_takes_least() {
        let spread: Vec<u64> = (0..200).map(|i| i * 1_000).collect();
        let large = advice(&spread);
        assert_eq!(large.best.backend.scheduling, Scheduling::Dynamic);
        assert_eq!(large.best.workers.get(), 2);
        assert!(large.best.predicted_ns < 0.6 * large.alone.predicted_ns);
        // Each backend once with the best kernel, and each other kernel once.
        assert_eq!(large.candidates.len(), REGISTRY.len() + 2);
        assert!(large.candidates.is_sorted_by(|a, b| a.predicted_ns <= b.predicted_ns));
    }

    #[test]
    fn a_range_is_walked_in_few_chunks() {
        let range: Vec<u64> = (100_000..104_000).collect(); // each chunk must first be found
        let walked = advice(&range);
        assert_eq!(walked.best.kernel.name, "stepping");
        assert_eq!(walked.best.chunking, Chunking::Balanced(NonZeroUsize::MIN));
    }
}
