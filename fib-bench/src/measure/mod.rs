//! Takes samples: asks runners for times, round by round.
//!
//! Each batch has rounds until its share of the time is spent or every interval is narrow enough.
//! The timed region is in the runner: the run of a batch that is already laid out, in a warm arena.
//! Asking, preparing, verifying and recording happen outside of it.

mod participant;
mod rounds;
mod width;

use crate::machine;
use crate::plan::{CellSpec, Plan};
use fib::kernels::stepping;
use fib_engine::WHOLE;
use fib_report::{Record, Role, Sample};
pub(crate) use participant::{Participant, PreparedBatch};
use rounds::BatchRounds;
use std::io;
use std::time::{Duration, Instant};

/// A run has this many rounds, if there is time for several runs.
const USUAL_ROUNDS: u32 = 5;
/// A run has at least this many rounds.
const FEWEST_ROUNDS: u32 = 2;
/// All runs together have at least this many rounds: fewer give no interval. (A single run of more
/// than 20 cells needs more.)
const ENOUGH_ROUNDS: u32 = 12;
/// With this many runs, more runs are not worth shorter runs.
const ENOUGH_RUNS: u32 = 10;
const FEWEST_RUNS: u32 = 8;
const MOST_RUNS: u32 = 60;

/// The numbers of the first run and of the first round: 0, or those that come after an earlier record.
#[derive(Clone, Copy, Debug, Default)]
pub struct First {
    pub run: usize,
    pub round: usize,
}

/// The progress of a measurement.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What is being measured.
    pub text: String,
    /// The share of the time budget that is spent, from 0 to 1.
    pub spent: f64,
}

/// Measures `plan` and passes every record to `sink`, the header first.
///
/// # Errors
/// The errors of `sink`. A cell that fails is a value in the records.
pub fn measure(
    plan: &Plan,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    sink(Record::Header(Box::new(machine::header(plan))))?;
    let mut sink = |sample| sink(Record::Sample(Box::new(sample)));
    measure_rounds(plan, First::default(), on_progress, &mut sink)
}

/// Like [`measure`], without the header. Runs and rounds are numbered from `first`.
///
/// # Errors
/// The errors of `sink`.
pub fn measure_rounds(
    plan: &Plan,
    first: First,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    take_runs(plan, first, &warn_if_longer, on_progress, sink)
}

/// Warns if a measurement will take much longer than its budget.
pub(crate) fn warn_if_longer(expected: Duration, budget: Duration) {
    if expected > budget.mul_f64(1.2) {
        let (expected, budget) = (expected.as_secs_f64(), budget.as_secs_f64());
        log::warn!(
            "this measurement will take about {expected:.0} s instead of {budget:.1} s (--time), \
             because fewer runs or rounds would give no reliable intervals"
        );
    }
}

/// Like [`measure_rounds`], but calls `on_expectation` before the first round, with the expected
/// time and the time budget.
pub(crate) fn take_runs(
    plan: &Plan,
    first: First,
    on_expectation: &dyn Fn(Duration, Duration),
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let begin = Instant::now();
    let mut participants = participants(plan);
    start(&mut participants, first.run, sink)?;
    let started = begin.elapsed();
    let share = plan.budget / u32::try_from(plan.batches.len().max(1)).unwrap_or(u32::MAX);
    let prepare = |batch| BatchRounds::prepare(plan, batch, first, &mut participants, share);
    let mut all: Vec<BatchRounds<'_>> = plan.batches.iter().map(prepare).collect();
    if let Some(batch_rounds) = all.first() {
        batch_rounds.load(&mut participants);
        batch_rounds.look_at_idle_runners(&mut participants, sink)?;
    }
    let prepared = begin.elapsed();
    let cost_of_rounds: Duration = all.iter().map(|batch_rounds| batch_rounds.round_cost).sum();
    let cost_of_loads: Duration = all.iter().map(|batch_rounds| batch_rounds.load_cost).sum();
    // Every backend runs each batch once before its rounds.
    let overhead = started + cost_of_loads + cost_of_rounds / 2;
    let runs = plan.runs.unwrap_or_else(|| number_of_runs(plan, overhead, cost_of_rounds));
    let fewest = fewest_rounds(runs);
    on_expectation(prepared + (overhead + cost_of_rounds * fewest) * runs, plan.budget);
    let mut unfinished: Vec<usize> = (0..all.len()).collect();
    for run in 0..runs {
        if run >= ENOUGH_RUNS {
            unfinished.retain(|&batch: &usize| !all[batch].is_narrow());
        }
        if unfinished.is_empty() {
            break;
        }
        if run > 0 {
            start(&mut participants, first.run + run as usize, sink)?;
        }
        let end = begin + prepared + plan.budget.saturating_sub(prepared) * (run + 1) / runs;
        let mut cost_left = cost_of_rounds;
        for &batch in &unfinished {
            let batch_rounds = &mut all[batch];
            let left = end.saturating_duration_since(Instant::now());
            let share = batch_rounds.round_cost.as_secs_f64() / cost_left.as_secs_f64().max(1e-9);
            cost_left = cost_left.saturating_sub(batch_rounds.round_cost);
            let spent = begin.elapsed().as_secs_f64() / plan.budget.as_secs_f64();
            let text = format!("{}, run {} of {runs}", batch_rounds.batch.name, run + 1);
            on_progress(&Progress { text, spent: spent.min(1.0) });
            let time = left.mul_f64(share.min(1.0));
            batch_rounds.run(run as usize, fewest, time, &mut participants, sink)?;
        }
    }
    Ok(())
}

/// Starts a new runner for every participant.
fn start(
    participants: &mut [Participant],
    run: usize,
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    for participant in participants {
        let built = participant.start();
        if let Some(built) = built.filter(|_| participant.role == Role::Cell) {
            let CellSpec { label, workers, .. } = &participant.spec;
            let pool_start = Sample::new(Role::StartUp, label, workers.get(), built.wall_ns);
            sink(Sample { run, ..pool_start })?;
        }
    }
    Ok(())
}

/// The fewest rounds of each of this many runs.
fn fewest_rounds(runs: u32) -> u32 {
    ENOUGH_ROUNDS.div_ceil(runs).max(FEWEST_ROUNDS)
}

/// As many runs as give each run some five rounds. If those are few, there are more runs with fewer rounds,
/// because runs differ from each other by more than rounds do. `overhead` is the time of a run before its
/// rounds.
///
/// With a target width the measurement may end after any run, so its runs stay short.
fn number_of_runs(plan: &Plan, overhead: Duration, cost_of_rounds: Duration) -> u32 {
    let fitting = |rounds: u32| {
        let run = overhead + cost_of_rounds * rounds;
        (plan.budget.as_secs_f64() / run.as_secs_f64().max(1e-9)) as u32
    };
    let runs = fitting(USUAL_ROUNDS).max(fitting(FEWEST_ROUNDS).min(ENOUGH_RUNS));
    let most = if plan.width.is_some() { u32::MAX } else { MOST_RUNS };
    runs.clamp(FEWEST_RUNS, most)
}

/// All participants of the rounds.
fn participants(plan: &Plan) -> Vec<Participant> {
    let baseline = plan.baseline_spec().unwrap_or_else(|| plan.sequential());
    let mut participants = vec![
        (Role::Baseline, baseline.clone()),
        (Role::Control, baseline),
        (Role::Whole, plan.named(WHOLE, plan.kernels[0])),
    ];
    // Residues have no algorithm that walks from index to index.
    if plan.batches.iter().any(|batch| batch.modulus.is_none()) {
        let fastest = CellSpec { kernel: stepping().name().into(), ..plan.sequential() };
        participants.push((Role::Best, fastest));
    }
    let extra_role = plan.study.definition().extra_role;
    participants.extend(extra_role.map(|role| (role, plan.sequential())));
    participants.extend(plan.copies_specs().into_iter().map(|copies| (Role::Ceiling, copies)));
    participants.extend(plan.cells().into_iter().map(|cell| (Role::Cell, cell)));
    participants.into_iter().map(|(role, spec)| Participant::new(plan, role, spec)).collect()
}
