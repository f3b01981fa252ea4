//! Taking samples: the one part that looks at a clock.
//!
//! Scenario after scenario, rounds of all its contenders until its share of the time is spent.
//! Everything but the run of an already laid-out batch in a warm arena happens outside the timed
//! region: preparing, overwriting, verifying, recording.

mod bench;
mod contender;
mod copies;

use crate::machine;
use crate::plan::Plan;
use crate::record::{Record, Sample};
use crate::stats::fewest_rounds;
use bench::Bench;
use contender::Pools;
use std::io;
use std::time::{Duration, Instant};

/// How far a measurement is; told between rounds.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The scenario that is being measured.
    pub scenario: &'static str,
    /// Its rounds so far.
    pub rounds: usize,
    /// Part of the time budget that is spent, from 0 to 1.
    pub spent: f64,
}

/// Measures `plan`. Every record goes to `sink` as it is taken, the header first.
///
/// # Errors
/// Those of `sink`. What goes wrong in a cell is the cell's value.
pub fn measure(
    plan: &Plan,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    let begin = Instant::now();
    sink(Record::Header(Box::new(machine::header(plan))))?;
    let pools = Pools::build(plan, &mut |sample| sink(Record::Sample(sample)))?;
    let prepare = |&scenario| Bench::prepare(plan, scenario, &pools);
    let mut benches: Vec<Bench<'_>> = plan.scenarios.iter().map(prepare).collect();
    let mut cost_left: Duration = benches.iter().map(|bench| bench.round_cost).sum();
    for bench in &mut benches {
        let left = plan.budget.saturating_sub(begin.elapsed());
        let share = bench.round_cost.as_secs_f64() / cost_left.as_secs_f64().max(1e-9);
        cost_left = cost_left.saturating_sub(bench.round_cost);
        let end = Instant::now() + left.mul_f64(share.min(1.0));
        let fewest = fewest_rounds(plan.comparisons());
        let mut rounds = 0;
        while rounds < fewest || Instant::now() < end {
            bench.round(rounds, &mut |sample: Sample| sink(Record::Sample(sample)))?;
            rounds += 1;
            let spent = begin.elapsed().as_secs_f64() / plan.budget.as_secs_f64();
            on_progress(&Progress { scenario: bench.name(), rounds, spent: spent.min(1.0) });
        }
    }
    Ok(())
}
