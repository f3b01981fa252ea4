//! Advice: which backend, how many workers, which chunking and which kernel to use for a batch.

use crate::auto::FINE;
use crate::calibration::Calibration;
use fib::kernels::KernelEntry;
use fib::{
    Chunking, Descriptor, Error, FibBackend, Layout, MemoryLimit, Options, REGISTRY, SEQUENTIAL,
    Scheduling, Settings,
};
use fib_engine::Trial;
use fib_simulate::{Costs, Schedule, Simulation, median};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// A way to compute a batch, with the time that this takes.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub backend: &'static Descriptor,
    pub kernel: KernelEntry,
    pub workers: NonZeroUsize,
    pub chunking: Chunking,
    /// The time of one warm batch that is already laid out, in nanoseconds: predicted, except in
    /// [`Advice::measured`].
    pub time_ns: f64,
}

impl Candidate {
    /// Whether the calling thread computes alone.
    pub fn is_sequential(&self) -> bool {
        self.backend.scheduling == Scheduling::Serial
    }
}

/// A recommendation for a batch, and the candidates that it was chosen from.
#[derive(Clone, Debug)]
pub struct Advice {
    /// One candidate for each backend, with the recommended kernel and the fastest settings that
    /// were found, and one candidate for each other kernel, on its fastest backend. The fastest
    /// candidate comes first.
    pub candidates: Vec<Candidate>,
    /// The fastest candidate that needs only the calling thread.
    pub alone: Candidate,
    /// The recommendation: `alone`, unless another candidate saves more than a tenth of its time.
    pub best: Candidate,
}

/// A pool that saves less than this share of the time is not recommended. It may save nothing,
/// because predictions are off by as much.
const LEAST_SAVING: f64 = 0.1;

/// Predicts the time to compute F(n) for every n in `indices`, with each of `kernels`, on each
/// backend, with up to `workers` workers but no more workers than cores.
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
    // More workers than cores would share the cores, and gain nothing.
    let cores = NonZeroUsize::new(calibration.cores).unwrap_or(NonZeroUsize::MIN);
    let workers = workers.min(cores);
    for kernel in kernels {
        let layout = match Layout::new((kernel.get)(), indices, limit) {
            Ok(layout) => layout,
            Err(error) => {
                refused = Some(error); // another kernel may compute repeats once, and fit
                continue;
            }
        };
        let costs = Costs::predicted(&layout, &calibration.factors(kernel.name));
        let simulation = Simulation { costs, inflation: calibration.inflation() };
        for backend in REGISTRY {
            let settings = settings_to_try(backend, workers, layout.slots()).into_iter();
            let candidates = settings.filter_map(|(workers, chunking)| {
                let overheads = calibration.overheads(backend.name)?;
                let schedule = Schedule::new(&layout, backend.scheduling, chunking, workers);
                let time_ns = simulation.wall_ns(&schedule, overheads);
                Some(Candidate { backend, kernel: *kernel, workers, chunking, time_ns })
            });
            all.extend(candidates.min_by(|a, b| ranking_ns(a).total_cmp(&ranking_ns(b))));
        }
    }
    let Some(mut advice) = Advice::choose(all) else {
        let reason = "the calibration of this machine has no times for it".into();
        return Err(refused.unwrap_or(Error::Backend { backend: SEQUENTIAL.name, reason }));
    };
    let mut seen = vec![];
    advice.candidates.retain(|candidate| {
        let first_of_kernel = !seen.contains(&candidate.kernel.name);
        seen.push(candidate.kernel.name);
        first_of_kernel || candidate.kernel.name == advice.best.kernel.name
    });
    Ok(advice)
}

impl Advice {
    /// Chooses by the times of the candidates. `None` if none of them is sequential.
    fn choose(mut candidates: Vec<Candidate>) -> Option<Self> {
        candidates.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
        let fastest = *candidates.first()?;
        let alone = *candidates.iter().find(|candidate| candidate.is_sequential())?;
        let saves = fastest.time_ns < (1.0 - LEAST_SAVING) * alone.time_ns;
        let best = if saves { steady(&candidates, fastest) } else { alone };
        Some(Advice { candidates, alone, best })
    }

    /// The advice that follows from measured times. `None` if no sequential candidate was measured.
    pub fn measured(measured: &[Measurement]) -> Option<Self> {
        let timed = |measurement: &Measurement| {
            let time_ns = *measurement.measured_ns.as_ref().ok()?;
            Some(Candidate { time_ns, ..measurement.candidate })
        };
        Advice::choose(measured.iter().filter_map(timed).collect())
    }
}

/// The fastest dynamic schedule, if it is about as fast as the fastest candidate. A dynamic
/// schedule withstands other programs and wrong predictions.
fn steady(all: &[Candidate], fastest: Candidate) -> Candidate {
    let mut equal = all.iter().filter(|candidate| {
        candidate.kernel.name == fastest.kernel.name
            && candidate.time_ns * (1.0 - LEAST_SAVING) < fastest.time_ns
    });
    let steady = equal.find(|candidate| candidate.backend.scheduling == Scheduling::Dynamic);
    steady.copied().unwrap_or(fastest)
}

/// The time by which the settings of a backend are ranked. A usual chunking gets a bonus as large
/// as the error of predictions. Other chunkings must be faster by more than that: with few chunks a
/// schedule cannot correct a wrong prediction, and one chunk for each index is an extreme that a
/// user should choose on purpose.
fn ranking_ns(candidate: &Candidate) -> f64 {
    let is_usual = [Chunking::default(), FINE].contains(&candidate.chunking);
    candidate.time_ns * if is_usual { 1.0 - LEAST_SAVING } else { 1.0 }
}

/// With more slots than this, one chunk for each index is not tried, because simulating so many
/// chunks takes long.
const MOST_SINGLE_ITEMS: usize = 10_000;

/// The worker counts and chunkings to try.
fn settings_to_try(
    backend: &Descriptor,
    most: NonZeroUsize,
    slots: usize,
) -> Vec<(NonZeroUsize, Chunking)> {
    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    if backend.scheduling == Scheduling::Serial {
        return vec![(ONE, Chunking::PerWorker(ONE))];
    }
    let powers = (1..usize::BITS).filter_map(|shift| NonZeroUsize::new(1 << shift));
    let mut workers: Vec<_> = powers.take_while(|&power| power < most).collect();
    workers.push(most);
    let mut chunkings = vec![Chunking::default(), FINE, Chunking::Balanced(ONE)];
    chunkings.extend((slots <= MOST_SINGLE_ITEMS).then_some(Chunking::Items(ONE)));
    workers.into_iter().flat_map(|w| chunkings.iter().map(move |&c| (w, c))).collect()
}

/// The measured time of a candidate.
#[derive(Clone, Debug)]
pub struct Measurement {
    pub candidate: Candidate,
    /// The median in nanoseconds, or the reason why there is none.
    pub measured_ns: Result<f64, String>,
    /// The number of runs.
    pub runs: usize,
}

/// Measures candidates in turn, round by round, until `budget` is spent. Each candidate runs at
/// least once. A candidate that is predicted to spend the whole budget in one run is left out.
///
/// # Errors
/// The errors of laying out the batch.
pub fn check(
    candidates: &[Candidate],
    indices: &[u64],
    limit: MemoryLimit,
    budget: Duration,
) -> Result<Vec<Measurement>, Error> {
    const MOST_ROUNDS: usize = 31;
    let takes_part = |candidate: &&Candidate| candidate.time_ns < budget.as_nanos() as f64;
    let mut trials: BTreeMap<&str, Trial> = BTreeMap::new();
    for Candidate { kernel, .. } in candidates.iter().filter(takes_part) {
        if !trials.contains_key(kernel.name) {
            trials.insert(kernel.name, Trial::new((kernel.get)(), indices, limit)?);
        }
    }
    let mut checked: Vec<CheckedCandidate> =
        candidates.iter().filter(takes_part).map(CheckedCandidate::new).collect();
    let begin = Instant::now();
    for round in 0..MOST_ROUNDS {
        if round > 0 && begin.elapsed().mul_f64((round + 1) as f64 / round as f64) > budget {
            break;
        }
        for checked in &mut checked {
            if let Some(trial) = trials.get_mut(checked.candidate.kernel.name) {
                checked.run(trial);
            }
        }
    }
    Ok(checked.into_iter().map(CheckedCandidate::measurement).collect())
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
            Ok(_) => median(times).ok_or_else(|| "it never ran".into()),
        };
        Measurement { candidate, measured_ns, runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::kernels::{stepping, unlimited};
    use fib_simulate::Overheads;

    fn advice(indices: &[u64]) -> Advice {
        let pool = |start_ns: f64| Overheads { start_ns, join_ns: 1000.0, ..Overheads::NONE };
        let backends = REGISTRY.iter().enumerate().map(|(i, entry)| match entry.scheduling {
            Scheduling::Serial => (entry.name, Overheads::NONE),
            _ => (entry.name, pool(10_000.0 * (10 - i) as f64)),
        });
        let calibration = Calibration::with_overheads(2, backends);
        let two = NonZeroUsize::new(2).unwrap();
        let kernels: Vec<KernelEntry> = unlimited().copied().collect();
        advise(indices, &kernels, two, MemoryLimit::default(), &calibration).unwrap()
    }

    #[test]
    fn measured_times_decide_against_a_wrong_prediction() {
        let predicted = advice(&(0..200).map(|i| i * 1_000).collect::<Vec<_>>());
        assert!(!predicted.best.is_sequential());
        let measured = |time: fn(&Candidate) -> f64| {
            let measurement = |&candidate: &Candidate| Measurement {
                candidate,
                measured_ns: Ok(time(&candidate)),
                runs: 9,
            };
            let all: Vec<_> = predicted.candidates.iter().map(measurement).collect();
            Advice::measured(&all).unwrap()
        };
        let alone = measured(|candidate| if candidate.is_sequential() { 95.0 } else { 100.0 });
        assert!(alone.best.is_sequential());
        let pool = measured(|candidate| if candidate.is_sequential() { 150.0 } else { 100.0 });
        assert!(!pool.best.is_sequential());
        assert!(Advice::measured(&[]).is_none());
    }

    #[test]
    fn small_batches_stay_on_the_calling_thread() {
        let small = advice(&[100; 10]);
        assert!(small.best.is_sequential() && small.candidates[0].is_sequential());
        assert!(advice(&[]).best.is_sequential());
        // One number is never run in parallel, but its kernel is chosen.
        let single = advice(&[1_000_000]);
        assert_eq!((single.best.is_sequential(), single.best.kernel.name), (true, "doubling"));
    }

    #[test]
    fn large_batches_run_on_the_pool_with_the_least_overhead() {
        let spread: Vec<u64> = (0..200).map(|i| i * 1_000).collect();
        let large = advice(&spread);
        assert_eq!(large.best.backend.scheduling, Scheduling::Dynamic);
        assert_eq!(large.best.workers.get(), 2);
        assert!(large.best.time_ns < 0.6 * large.alone.time_ns);
        // Each backend once with the best kernel, and each other kernel once.
        assert_eq!(large.candidates.len(), REGISTRY.len() + 2);
        assert!(large.candidates.is_sorted_by(|a, b| a.time_ns <= b.time_ns));
    }

    #[test]
    fn a_range_is_walked_in_few_chunks() {
        let range: Vec<u64> = (100_000..104_000).collect(); // each chunk must seek its first index
        let walked = advice(&range);
        assert_eq!(walked.best.kernel.name, "stepping");
        let layout = Layout::new(stepping(), &range, MemoryLimit::default()).unwrap();
        let chunks = walked.best.chunking.cut(&layout, walked.best.workers).len();
        assert!((2..=8).contains(&chunks), "{} makes {chunks}", walked.best.chunking);
    }
}
