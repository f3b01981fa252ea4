//! From samples to the matrix: a pure function, so the same records give the same tables.
//!
//! The statistic of a cell is the median over rounds of ln(baseline / cell), where the baseline of a
//! round is the geometric mean of its two runs. Drift that both sides of a round share cancels.

use crate::record::{Header, Role, Sample, ScenarioHead, Status};
use crate::stats::{Estimate, median};
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
    /// The baseline, as a cell of speedup 1.
    pub sequential: Cell,
    /// Nanoseconds from call to result, sequentially: layout and allocation included.
    pub whole_ns: Option<f64>,
    /// The ceiling for each number of copies.
    pub ceilings: BTreeMap<usize, Estimate>,
    /// The best sequential algorithm.
    pub best: Cell,
    /// Every backend at every worker count, in the order of the plan.
    pub cells: Vec<Cell>,
}

/// What a backend came to on a scenario.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its name.
    pub backend: String,
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

#[cfg(test)]
#[path = "analysis_tests.rs"]
pub(crate) mod tests;

type Key<'a> = (Role, &'a str, usize);
type Series = BTreeMap<usize, f64>;

/// The samples of one scenario, in rounds.
struct Rounds<'a> {
    header: &'a Header,
    scenario: &'a ScenarioHead,
    /// Every contender in order of appearance in the record, with its samples.
    contenders: Vec<(Key<'a>, Vec<&'a Sample>)>,
    baseline: Series,
    rounds: usize,
}

impl<'a> Rounds<'a> {
    fn new(
        header: &'a Header,
        scenario: &'a ScenarioHead,
        samples: impl Iterator<Item = &'a Sample>,
    ) -> Self {
        let mut contenders: Vec<(Key<'a>, Vec<&'a Sample>)> = vec![];
        let mut rounds = 0;
        for sample in samples {
            rounds = rounds.max(sample.round + 1);
            let key = (sample.role, sample.backend.as_str(), sample.workers);
            match contenders.iter_mut().find(|(other, _)| *other == key) {
                Some((_, samples)) => samples.push(sample),
                None => contenders.push((key, vec![sample])),
            }
        }
        let baseline = Series::new();
        let mut this = Rounds { header, scenario, contenders, baseline, rounds };
        this.baseline = this.both(Role::Baseline, Role::Control, |a, b| (a * b).sqrt());
        this
    }

    /// Samples of the one contender with this role.
    fn of(&self, role: Role) -> &[&'a Sample] {
        let found = self.contenders.iter().find(|((other, ..), _)| *other == role);
        found.map_or(&[], |(_, samples)| samples)
    }

    fn both(&self, a: Role, b: Role, f: impl Fn(f64, f64) -> f64) -> Series {
        join(&series(self.of(a)), &series(self.of(b)), f)
    }

    fn row(&self) -> Row {
        let noise = Estimate::new(
            self.both(Role::Baseline, Role::Control, |a, b| (a / b).ln()).into_values().collect(),
            1,
        );
        let noise = noise.map(Estimate::exp);
        let sequential = self.sequential(noise);
        let best = Cell {
            shared: self.scenario.best_shares,
            kernel: "stepping".into(),
            ..self.cell(self.of(Role::Best), None, noise)
        };
        Row {
            scenario: self.scenario.clone(),
            rounds: self.rounds,
            noise,
            sequential,
            whole_ns: median(series(self.of(Role::Whole)).into_values().collect()),
            ceilings: self.ceilings().into_iter().filter_map(estimate_ceiling).collect(),
            best,
            cells: self.cells(noise),
        }
    }

    /// The baseline as a cell: speedup 1, as uncertain as the noise.
    fn sequential(&self, noise: Option<Estimate>) -> Cell {
        let speedup = noise.map(|noise| Estimate { median: 1.0, ..noise });
        Cell { speedup, ..self.cell(self.of(Role::Baseline), None, noise) }
    }

    fn cells(&self, noise: Option<Estimate>) -> Vec<Cell> {
        let ceilings = self.ceilings();
        let mut cells: Vec<Cell> = self
            .contenders
            .iter()
            .filter(|((role, ..), _)| *role == Role::Cell)
            .map(|((.., workers), samples)| {
                let copies = (*workers).min(self.header.cores);
                self.cell(samples, ceilings.get(&copies), noise)
            })
            .collect();
        let order = |name: &str| self.header.backends.iter().position(|backend| backend == name);
        cells.sort_by_key(|cell| (cell.workers, order(&cell.backend)));
        cells
    }

    /// ceiling(p) = p T_s / T_copies in each round.
    fn ceilings(&self) -> BTreeMap<usize, Series> {
        let of_role = self.contenders.iter().filter(|((role, ..), _)| *role == Role::Ceiling);
        of_role
            .map(|((.., copies), samples)| {
                let ceiling = |base, time| *copies as f64 * base / time;
                (*copies, join(&self.baseline, &series(samples), ceiling))
            })
            .collect()
    }

    fn cell(&self, samples: &[&Sample], ceiling: Option<&Series>, noise: Option<Estimate>) -> Cell {
        let bad = samples.iter().find(|sample| sample.status != Status::Ok);
        let times = if bad.is_some() { Series::new() } else { series(samples) };
        let estimate = |ratios: Series| {
            let logs = ratios.into_values().map(f64::ln).collect();
            Estimate::new(logs, self.header.comparisons).map(Estimate::exp)
        };
        let ratios = join(&self.baseline, &times, |base, time| base / time);
        let of_ceiling = ceiling.and_then(|c| estimate(join(&ratios, c, |s, c| s / c)));
        let overhead = ceiling.map(|c| {
            let ideal = join(&self.baseline, c, |base, c| base / c);
            join(&times, &ideal, |time, ideal| time - ideal)
        });
        let speedup = estimate(ratios);
        Cell {
            backend: samples.first().map_or(String::new(), |sample| sample.backend.clone()),
            kernel: self.header.kernel.clone(),
            workers: samples.first().map_or(1, |sample| sample.workers),
            shared: self.scenario.cells_share,
            status: bad.map_or(Status::Ok, |sample| sample.status),
            message: bad.and_then(|sample| sample.message.clone()),
            rounds: times.len(),
            wall_ns: median(times.into_values().collect()),
            speedup,
            of_ceiling,
            overhead_ns: overhead.and_then(|o| median(o.into_values().collect())),
            start_up_ns: None,
            verdict: speedup.map(|speedup| Verdict::new(speedup, noise)),
        }
    }
}

fn estimate_ceiling((copies, series): (usize, Series)) -> Option<(usize, Estimate)> {
    let logs = series.into_values().map(f64::ln).collect();
    Some((copies, Estimate::new(logs, 1)?.exp()))
}

/// Nanoseconds a batch in each round that counts.
fn series(samples: &[&Sample]) -> Series {
    let ok = samples.iter().filter(|sample| sample.status == Status::Ok && sample.wall_ns > 0);
    ok.map(|sample| (sample.round, sample.batch_ns())).collect()
}

/// What both have, round by round.
fn join(a: &Series, b: &Series, f: impl Fn(f64, f64) -> f64) -> Series {
    a.iter().filter_map(|(round, &a)| Some((*round, f(a, *b.get(round)?)))).collect()
}
