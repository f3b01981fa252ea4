//! `fib doctor`: the facts about this machine, and how noisy it is now.

use crate::measuring::own_runner;
use crate::output::to_stdout;
use crate::recording::measured_anew;
use fib_bench::{Plan, Scenario, doctor, measure_rounds};
use fib_report::{Study, analyse};
use std::time::Duration;

/// This batch takes a few milliseconds: long enough for the clock, short enough for hundreds of
/// rounds.
const SCENARIO: &str = "1000xF1000";

pub(crate) fn run(quiet: bool) -> anyhow::Result<()> {
    let batch = Scenario::by_name(SCENARIO).map(Scenario::batch);
    let plan = Plan {
        budget: Duration::from_secs(2),
        runs: Some(1),
        ..Plan::new(Study::Compare, batch.into_iter().collect(), own_runner()?)
    };
    let (header, samples) = measured_anew(&plan, None, quiet, measure_rounds)?;
    let matrix = analyse(header, &samples).matrix;
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
