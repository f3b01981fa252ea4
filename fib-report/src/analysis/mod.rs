//! From samples to the matrix of cells.
//!
//! The statistic of a cell is the median over rounds of ln(baseline / cell), where the baseline of a round is
//! the geometric mean of A and A'. Drift that both sides of a round share cancels.

mod carry_over;
mod distribution;
mod losses;
mod rounds;
mod scenario;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;

pub use carry_over::CarryOver;
pub use distribution::Distribution;
pub use losses::{Loss, Losses};
pub use verdict::{TOO_NOISY, Verdict};

use crate::record::{Header, ScenarioHead};
use crate::sample::{Role, Round, Sample, Status};
use crate::stats::{Estimate, by_run, quantile, with_nulls};
use crate::timeline::Timeline;
use fib_simulate::{RunTrace, median};
use scenario::Scenario;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The cells of every scenario.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Where and how the samples were taken.
    pub header: Header,
    /// One row for each scenario, in the order of the header.
    pub rows: Vec<Row>,
    /// Backends of other engines that used CPUs when they had nothing to do, and how many CPUs.
    pub restless: Vec<(String, f64)>,
}

/// What was measured on one scenario.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Row {
    #[serde(serialize_with = "name_only")]
    #[schemars(with = "String")]
    pub scenario: ScenarioHead,
    /// The number of rounds of all runs.
    pub rounds: usize,
    /// The number of runs.
    pub runs: usize,
    /// Baseline against control: the baseline differs from itself by this ratio.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub noise: Option<Estimate>,
    /// Nanoseconds of a sequential call with layout and allocation.
    pub whole_ns: Option<f64>,
    /// The ceiling of each kernel for each number of copies.
    pub ceilings: Vec<Ceiling>,
    /// The number of rounds that were dropped because the machine was disturbed.
    pub dropped: usize,
    /// Whether most rounds were disturbed, so that none was dropped.
    pub disturbed: bool,
    /// The participants that slow the sample that follows their own, or speed it up.
    pub carry_overs: Vec<CarryOver>,
    /// The baseline, as a cell with speedup 1.
    #[serde(skip)]
    pub baseline: Cell,
    /// The fastest kernel, on one core; `None` if it is the kernel of the cells, or if there is none.
    #[serde(skip)]
    pub best: Option<Cell>,
    /// Every backend at every worker count, in the order of the header; other engines come last.
    #[serde(skip)]
    pub cells: Vec<Cell>,
    /// Nanoseconds of each piece of the batch in each round that counts, for studies that time pieces.
    #[serde(skip)]
    pub pieces_ns: BTreeMap<Round, Vec<u64>>,
}

/// The speedup that copies of `sequential` reach over one of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ceiling {
    pub kernel: String,
    pub copies: usize,
    #[serde(flatten)]
    pub speedup: Estimate,
    /// The ceiling in each round that counts.
    #[serde(skip)]
    pub by_round: BTreeMap<Round, f64>,
}

fn name_only<S: Serializer>(scenario: &ScenarioHead, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&scenario.name)
}

/// What was measured for one backend at one worker count and one chunking on one scenario. Times
/// are in nanoseconds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cell {
    /// The name of the scenario.
    pub scenario: String,
    pub kernel: String,
    /// The label of the backend.
    pub backend: String,
    pub workers: usize,
    /// How the batch was cut; `None` for engines other than our own.
    pub chunking: Option<String>,
    /// The engine, if the backend belongs to another engine than ours.
    pub engine: Option<String>,
    /// Whether the cell counts.
    pub status: Status,
    /// Why it does not count.
    pub message: Option<String>,
    /// The number of rounds that the speedup comes from.
    pub rounds: usize,
    /// Median time of a batch; for the baseline, of the geometric means of A and A'.
    pub wall_ns: Option<f64>,
    /// Time of the baseline over time of the cell.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub speedup: Option<Estimate>,
    /// How the speedups of the rounds are distributed.
    pub distribution: Distribution,
    /// Speedup over the ceiling of the same rounds.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub of_ceiling: Option<Estimate>,
    /// Time of the cell minus the time at the ceiling: the price of being parallel.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub overhead_ns: Option<Estimate>,
    /// From nothing until every worker has answered once.
    pub pool_start_ns: Option<f64>,
    /// Speedup of the first batch, with the start of the pool in its time.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub cold_speedup: Option<Estimate>,
    /// Speedup over the baseline of the cell's own engine.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub own_speedup: Option<Estimate>,
    /// Speedup of the first batch over the baseline of the cell's own engine.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub own_cold_speedup: Option<Estimate>,
    /// The experimentally determined serial fraction of Karp and Flatt, over `sequential` with the same
    /// kernel.
    #[serde(serialize_with = "with_nulls")]
    #[schemars(with = "Estimate")]
    pub karp_flatt: Option<Estimate>,
    /// CPU time over wall time: how many CPUs were busy.
    pub cpus: Option<f64>,
    /// The most memory that the runner used, worker processes included.
    pub peak_rss_bytes: Option<u64>,
    /// Where the time of all workers went.
    #[serde(serialize_with = "losses::with_nulls")]
    #[schemars(with = "Losses")]
    pub losses: Option<Losses>,
    /// The run that `losses` splits, if the record has its chunks.
    #[serde(skip)]
    pub timeline: Option<Timeline>,
    /// The number of chunks of a run, if these were too many for the record.
    #[serde(skip)]
    pub left_out_chunks: Option<usize>,
    /// Whether the kernel computed repeats once, so that its work is not the work of the other
    /// cells.
    pub shared: bool,
    /// Whether the cell is the fastest of ours, or not shown to be slower than the fastest.
    pub leads: bool,
    /// The margin of the verdict `equal`, as a share.
    pub equal_within: Option<f64>,
    /// How the cell compares with the baseline.
    pub verdict: Option<Verdict>,
    /// Speedup over `sequential` with the same kernel, in each round that counts.
    #[serde(skip)]
    pub by_round: BTreeMap<Round, f64>,
    /// Speedup over the baseline in each round that counts.
    #[serde(skip)]
    pub speedups: BTreeMap<Round, f64>,
    /// Nanoseconds of a batch in each round that counts.
    #[serde(skip)]
    pub times: BTreeMap<Round, f64>,
    /// The runs with a timeline, in each round that counts.
    #[serde(skip)]
    pub traced: BTreeMap<Round, RunTrace>,
}

impl Cell {
    /// The median speedup of each run.
    pub fn run_medians(&self) -> Vec<f64> {
        let runs = by_run(self.speedups.iter().map(|(&round, &speedup)| (round, speedup)));
        runs.iter().filter_map(|run| quantile(run, 0.5)).collect()
    }
}

impl Row {
    /// The largest difference between the baseline and itself: the end of the noise interval that
    /// is farther from 1, as a share. `None` without an interval.
    pub fn noise_floor(&self) -> Option<f64> {
        let (low, high) = self.noise?.interval?;
        Some((1.0 / low).max(high) - 1.0)
    }

    /// Whether the interval of A against A' excludes 1, so that the baseline differs from itself by more than
    /// chance.
    pub fn noise_floor_failed(&self) -> bool {
        let interval = self.noise.and_then(|noise| noise.interval);
        interval.is_some_and(|(low, high)| low > 1.0 || high < 1.0)
    }

    /// All cells: the baseline, the backends, the fastest kernel.
    pub fn all_cells(&self) -> impl Iterator<Item = &Cell> {
        [&self.baseline].into_iter().chain(&self.cells).chain(&self.best)
    }

    /// The ceiling of a cell with this many workers and the kernel of the baseline.
    pub fn ceiling(&self, workers: usize) -> Option<Estimate> {
        let of_baseline = |ceiling: &&Ceiling| ceiling.kernel == self.baseline.kernel;
        let mut ceilings = self.ceilings.iter().filter(of_baseline);
        ceilings.find(|ceiling| ceiling.copies == workers).map(|ceiling| ceiling.speedup)
    }
}

impl Matrix {
    /// Computes the matrix from the samples of a measurement.
    pub(crate) fn new(header: Header, samples: &[Sample]) -> Self {
        let row = |scenario: &ScenarioHead| {
            let scenario_samples = samples.iter().filter(|sample| sample.scenario == scenario.name);
            let mut row = Scenario::new(&header, scenario, scenario_samples).row();
            for cell in &mut row.cells {
                cell.pool_start_ns = pool_start_ns(samples, cell);
            }
            row
        };
        let rows = header.scenarios.iter().map(row).collect();
        Matrix { restless: restless(samples), header, rows }
    }

    /// The largest noise floor of all scenarios.
    pub fn noise_floor(&self) -> Option<f64> {
        self.rows.iter().filter_map(Row::noise_floor).reduce(f64::max)
    }
}

/// A backend that uses more CPUs than this while it rests does not sleep.
const RESTLESS: f64 = 0.1;

fn restless(samples: &[Sample]) -> Vec<(String, f64)> {
    let moments = samples.iter().filter(|sample| sample.role == Role::Idle && sample.wall_ns > 0);
    let cpus = |sample: &Sample| Some(sample.usage?.cpu_ns as f64 / sample.wall_ns as f64);
    let mut most: BTreeMap<String, f64> = BTreeMap::new();
    for sample in moments {
        let own = most.entry(sample.backend.clone()).or_default();
        *own = own.max(cpus(sample).unwrap_or(0.0));
    }
    most.into_iter().filter(|(_, cpus)| *cpus > RESTLESS).collect()
}

/// The median pool start of a cell's backend.
fn pool_start_ns(samples: &[Sample], cell: &Cell) -> Option<f64> {
    let pool_starts = samples.iter().filter(|sample| {
        sample.role == Role::StartUp
            && (&sample.backend, sample.workers) == (&cell.backend, cell.workers)
    });
    median(pool_starts.map(Sample::batch_ns).collect())
}
