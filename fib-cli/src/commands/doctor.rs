//! `fib doctor`: what this machine is and how noisy it is now.

use super::compare::{command_line, workers};
use super::engine::own_runner;
use crate::args::RecordArgs;
use crate::commands::recording::measured;
use crate::output::to_stdout;
use fib_bench::record::{Reference, Study};
use fib_bench::{Plan, Scenario, analyse, doctor};
use std::time::Duration;

/// A few milliseconds: long enough for the clock, short enough for hundreds of rounds.
const SCENARIO: &str = "1000xF1000";

pub(crate) fn run(quiet: bool) -> anyhow::Result<()> {
    let plan = Plan {
        study: Study::Compare,
        batches: Scenario::by_name(SCENARIO).map(Scenario::batch).into_iter().collect(),
        runner: own_runner()?,
        backends: vec![],
        engines: vec![],
        against: Reference::default(),
        workers: workers(&[], false),
        kernel: fib::kernels::KERNELS[0],
        chunking: fib::Chunking::default(),
        pin: false,
        explain: false,
        seed: 1,
        budget: Duration::from_secs(2),
        width: None,
        cell_limit: Duration::from_secs(20),
        command: command_line(),
    };
    let records = RecordArgs { record: None, resume: None };
    let (header, samples) = measured(&plan, &records, quiet, fib_bench::measure_rounds)?;
    let matrix = analyse(header, &samples);
    let mut facts = doctor::facts(&matrix);
    facts.extend(matrix.rows.first().map(doctor::noise).unwrap_or_default());
    to_stdout(|out| {
        for fact in &facts {
            writeln!(out, "{:12} {}", fact.name, fact.text)?;
        }
        let verdict = matrix.rows.first().map(doctor::verdict).unwrap_or_default();
        writeln!(out, "\n{verdict}")
    })
}
