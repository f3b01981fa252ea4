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
use fib_report::{Record, Role, Sample, Status, fewest_rounds};
pub(crate) use participant::{Participant, PreparedBatch};
use rounds::BatchRounds;
use std::io;
use std::time::{Duration, Instant};
use width::Widths;

/// Rounds beyond the fewest, in case a sample or two are dropped.
const SPARE: usize = 2;

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
    measure_rounds(plan, 0, on_progress, &mut |sample| sink(Record::Sample(Box::new(sample))))
}

/// Like [`measure`], without the header. Rounds are numbered from `first_round`.
///
/// # Errors
/// The errors of `sink`.
pub fn measure_rounds(
    plan: &Plan,
    first_round: usize,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    take_rounds(plan, first_round, &warn_if_longer, on_progress, sink)
}

/// Warns if a measurement will take much longer than its budget.
pub(crate) fn warn_if_longer(expected: Duration, budget: Duration) {
    if expected > budget.mul_f64(1.2) {
        let (expected, budget) = (expected.as_secs_f64(), budget.as_secs_f64());
        log::warn!(
            "this measurement will take about {expected:.0} s instead of {budget:.1} s (--time), \
             because fewer rounds would give no intervals"
        );
    }
}

/// Like [`measure_rounds`], but calls `on_expectation` before the first round, with the expected
/// time and the time budget.
pub(crate) fn take_rounds(
    plan: &Plan,
    first_round: usize,
    on_expectation: &dyn Fn(Duration, Duration),
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let begin = Instant::now();
    let mut participants = participants(plan);
    for participant in &mut participants {
        for (round, built) in participant.start().into_iter().enumerate() {
            if participant.role == Role::Cell {
                sink(pool_start(&participant.spec, first_round + round, built.wall_ns))?;
            }
        }
    }
    let share = plan.budget / u32::try_from(plan.batches.len().max(1)).unwrap_or(u32::MAX);
    let prepare = |batch| BatchRounds::prepare(plan, batch, &mut participants, share);
    let mut all: Vec<BatchRounds<'_>> = plan.batches.iter().map(prepare).collect();
    let mut cost_left: Duration = all.iter().map(|batch_rounds| batch_rounds.round_cost).sum();
    let fewest = fewest_rounds(plan.comparisons()) + SPARE;
    on_expectation(begin.elapsed() + cost_left * fewest as u32, plan.budget);
    for batch_rounds in &mut all {
        let left = plan.budget.saturating_sub(begin.elapsed());
        let share = batch_rounds.round_cost.as_secs_f64() / cost_left.as_secs_f64().max(1e-9);
        cost_left = cost_left.saturating_sub(batch_rounds.round_cost);
        let end = Instant::now() + left.mul_f64(share.min(1.0));
        let mut widths = Widths::new(plan);
        let mut rounds = 0;
        batch_rounds.load(&mut participants);
        while rounds < fewest || (Instant::now() < end && !widths.are_narrow()) {
            let round = first_round + rounds;
            batch_rounds.round(round, &mut participants, &mut |sample: Sample| {
                widths.push(&sample);
                sink(sample)
            })?;
            rounds += 1;
            let spent = begin.elapsed().as_secs_f64() / plan.budget.as_secs_f64();
            let text = format!("{}, {rounds} rounds", batch_rounds.batch.name);
            on_progress(&Progress { text, spent: spent.min(1.0) });
        }
    }
    Ok(())
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

fn pool_start(spec: &CellSpec, round: usize, wall_ns: u64) -> Sample {
    Sample {
        scenario: String::new(),
        role: Role::StartUp,
        backend: spec.label.clone(),
        workers: spec.workers.get(),
        round,
        repeats: 1,
        size: None,
        wall_ns,
        status: Status::Ok,
        message: None,
        usage: None,
        surroundings: None,
        traces: None,
        pieces_ns: None,
    }
}
