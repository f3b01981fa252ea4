//! Taking samples: the part that asks runners for times.
//!
//! Batch after batch, rounds of all its contenders until its share of the time is spent or every
//! interval is narrow enough. Everything but the run of an already laid-out batch in a warm arena
//! happens outside the timed region, which is in the runner: asking, preparing, verifying, recording.

mod bench;
mod contender;
mod lanes;
mod width;

use crate::engine::{COPIES, WHOLE};
use crate::machine;
use crate::plan::{Entrant, Plan};
use crate::record::{Record, Role, Sample, Status, Study};
use crate::stats::fewest_rounds;
use bench::Bench;
pub(crate) use contender::{Contender, Task};
use std::io;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};
use width::Widths;

/// Rounds beyond the fewest, so that a sample or two may be dropped.
const SPARE: usize = 2;

/// How far a measurement is; told between rounds.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The batch that is being measured.
    pub scenario: &'a str,
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
    on_progress: &mut dyn FnMut(&Progress<'_>),
    sink: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    sink(Record::Header(Box::new(machine::header(plan))))?;
    measure_rounds(plan, 0, on_progress, &mut |sample| sink(Record::Sample(Box::new(sample))))
}

/// As [`measure`], for a header that is written already; rounds are counted from `first_round`.
///
/// # Errors
/// As those of [`measure`].
pub fn measure_rounds(
    plan: &Plan,
    first_round: usize,
    on_progress: &mut dyn FnMut(&Progress<'_>),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let begin = Instant::now();
    let mut contenders = contenders(plan);
    for contender in &mut contenders {
        for (round, built) in contender.start().into_iter().enumerate() {
            if contender.role == Role::Cell {
                sink(start_up(&contender.entrant, first_round + round, built.wall_ns))?;
            }
        }
    }
    let share = plan.budget / u32::try_from(plan.batches.len().max(1)).unwrap_or(u32::MAX);
    let prepare = |batch| Bench::prepare(plan, batch, &mut contenders, share);
    let mut benches: Vec<Bench<'_>> = plan.batches.iter().map(prepare).collect();
    let mut cost_left: Duration = benches.iter().map(|bench| bench.round_cost).sum();
    for bench in &mut benches {
        let left = plan.budget.saturating_sub(begin.elapsed());
        let share = bench.round_cost.as_secs_f64() / cost_left.as_secs_f64().max(1e-9);
        cost_left = cost_left.saturating_sub(bench.round_cost);
        let end = Instant::now() + left.mul_f64(share.min(1.0));
        let fewest = fewest_rounds(plan.comparisons()) + SPARE;
        let mut widths = Widths::new(plan);
        let mut rounds = 0;
        bench.enter(&mut contenders);
        while rounds < fewest || (Instant::now() < end && !widths.are_narrow()) {
            let round = first_round + rounds;
            bench.round(round, &mut contenders, &mut |sample: Sample| {
                widths.push(&sample);
                sink(sample)
            })?;
            rounds += 1;
            let spent = begin.elapsed().as_secs_f64() / plan.budget.as_secs_f64();
            let scenario = &bench.batch.name;
            on_progress(&Progress { scenario, rounds, spent: spent.min(1.0) });
        }
    }
    Ok(())
}

/// Everything that takes turns, each with a runner of its own.
fn contenders(plan: &Plan) -> Vec<Contender> {
    let reference = plan.reference().unwrap_or_else(|| plan.sequential());
    let named = |backend: &str| Entrant { backend: backend.into(), ..plan.sequential() };
    let mut all = vec![
        (Role::Baseline, reference.clone()),
        (Role::Control, reference),
        (Role::Whole, named(WHOLE)),
        (Role::Best, plan.sequential()),
    ];
    if plan.study == Study::Model {
        all.push((Role::Pieces, plan.sequential()));
    }
    // No more copies than this process has CPUs.
    let cpus = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut copies: Vec<_> = plan.workers.iter().map(|&workers| workers.min(cpus)).collect();
    copies.dedup();
    all.extend(
        copies.into_iter().map(|workers| (Role::Ceiling, Entrant { workers, ..named(COPIES) })),
    );
    all.extend(plan.cells().into_iter().map(|cell| (Role::Cell, cell)));
    all.into_iter().map(|(role, entrant)| Contender::new(plan, role, entrant)).collect()
}

fn start_up(entrant: &Entrant, round: usize, wall_ns: u64) -> Sample {
    Sample {
        scenario: String::new(),
        role: Role::StartUp,
        backend: entrant.label.clone(),
        workers: entrant.workers.get(),
        round,
        repeats: 1,
        wall_ns,
        status: Status::Ok,
        message: None,
        usage: None,
        surroundings: None,
        lanes: None,
        pieces_ns: None,
    }
}
