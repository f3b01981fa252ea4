//! From samples to the matrix: a pure function, so the same records give the same tables.
//!
//! The statistic of a cell is the median over rounds of ln(baseline / cell), where the baseline is in
//! turn one or the other of its two runs. Drift that both sides of a round share cancels.

mod losses;
mod rounds;
#[cfg(test)]
pub(crate) mod tests;

pub use losses::{Loss, Losses};

use crate::record::{Header, Role, Sample, ScenarioHead, Status};
use crate::stats::{Estimate, median};
use fib_predict::Observed;
use rounds::Rounds;
use std::collections::BTreeMap;

/// What a whole comparison came to.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Where and how it was measured.
    pub header: Header,
    /// One row a scenario, in the order of the header.
    pub rows: Vec<Row>,
}

/// What a scenario came to.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name and sentence.
    pub scenario: ScenarioHead,
    /// Rounds that were measured.
    pub rounds: usize,
    /// Baseline against itself: differences inside its interval are noise.
    pub noise: Option<Estimate>,
    /// What everything is compared with, as a cell of speedup 1.
    pub reference: Cell,
    /// Nanoseconds from call to result, sequentially: layout and allocation included.
    pub whole_ns: Option<f64>,
    /// The ceiling for each number of copies.
    pub ceilings: BTreeMap<usize, Estimate>,
    /// The best sequential algorithm.
    pub best: Cell,
    /// Every backend at every worker count, in the order of the plan, those of other engines last.
    pub cells: Vec<Cell>,
    /// Nanoseconds of each piece of the batch, one after the other; in records of a model.
    pub pieces_ns: Option<Vec<f64>>,
    /// Samples that were dropped because of what the machine did meanwhile.
    pub dropped: usize,
}

/// What a backend came to on a scenario.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its label.
    pub backend: String,
    /// The engine it belongs to, if it is another than ours.
    pub engine: Option<String>,
    /// The kernel.
    pub kernel: String,
    /// Its workers.
    pub workers: usize,
    /// Whether repeats were computed once, so that its time is not that of the same work.
    pub shared: bool,
    /// Whether it counts.
    pub status: Status,
    /// Why not, if it does not.
    pub message: Option<String>,
    /// Rounds that count.
    pub rounds: usize,
    /// Median nanoseconds a batch.
    pub wall_ns: Option<f64>,
    /// Baseline time over its time.
    pub speedup: Option<Estimate>,
    /// The same for building it and its first batch.
    pub cold: Option<Estimate>,
    /// Time of its own engine's baseline over its time.
    pub own_speedup: Option<Estimate>,
    /// The experimentally determined serial fraction of Karp and Flatt, over `sequential`.
    pub karp_flatt: Option<Estimate>,
    /// CPU time over wall time: how many CPUs were busy.
    pub cpus: Option<f64>,
    /// Speedup over `sequential` in each round that counts.
    pub by_round: BTreeMap<usize, f64>,
    /// Its runs with a timeline.
    pub observed: Vec<Observed>,
    /// Where the time of all its workers went.
    pub losses: Option<Losses>,
    /// Speedup over the ceiling of the same rounds.
    pub of_ceiling: Option<Estimate>,
    /// Its time less the baseline's over the ceiling: what this batch paid to be parallel.
    pub overhead_ns: Option<f64>,
    /// Nanoseconds from nothing to a first answer of every worker, all workers together.
    pub start_up_ns: Option<f64>,
    /// Whether it differs from the baseline by more than noise.
    pub verdict: Option<Verdict>,
}

/// A cell against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Faster by more than the baseline differs from itself.
    Faster,
    /// Slower by more than that.
    Slower,
    /// The intervals overlap: a result too.
    Tie,
}

impl Verdict {
    /// As text.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::Tie => "tie",
        }
    }

    fn new(speedup: Estimate, noise: Option<Estimate>) -> Verdict {
        let noise = noise.and_then(|noise| noise.interval);
        match (speedup.interval, noise) {
            (Some((low, _)), Some((_, highest))) if low > highest => Verdict::Faster,
            (Some((_, high)), Some((lowest, _))) if high < lowest => Verdict::Slower,
            _ => Verdict::Tie,
        }
    }
}

/// Analyses what [`measure`](crate::measure) recorded.
pub fn analyse(header: Header, samples: &[Sample]) -> Matrix {
    let row = |scenario: &ScenarioHead| {
        let of_it = samples.iter().filter(|sample| sample.scenario == scenario.name);
        let mut row = Rounds::new(&header, scenario, of_it).row();
        for cell in &mut row.cells {
            cell.start_up_ns = start_up(samples, cell);
        }
        row
    };
    let rows = header.scenarios.iter().map(row).collect();
    Matrix { header, rows }
}

/// The median start-up of a cell's backend.
fn start_up(samples: &[Sample], cell: &Cell) -> Option<f64> {
    let of_it = samples.iter().filter(|sample| {
        sample.role == Role::StartUp
            && (&sample.backend, sample.workers) == (&cell.backend, cell.workers)
    });
    median(of_it.map(Sample::batch_ns).collect())
}
