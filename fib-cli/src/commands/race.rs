//! `fib race`: how much each technique computes in a given time.

use super::analyse::print;
use super::engine;
use crate::args::RaceArgs;
use crate::backends;
use crate::failure::BadCells;
use crate::measuring::{own_runner, workers};
use crate::recording::measured_anew;
use fib_bench::engine::python::PYTHON;
use fib_bench::{Plan, race};
use fib_report::{Findings, Status, Study};
use std::collections::HashSet;

pub(crate) fn run(args: &RaceArgs, quiet: bool) -> anyhow::Result<()> {
    let chosen: Vec<_> = args.workers.into_iter().collect();
    let mut backends = args.backend.clone();
    let mut seen = HashSet::new();
    backends.retain(|entry| seen.insert(entry.name));
    let plan = Plan {
        backends: backends::measured(&backends),
        engines: engine::chosen(PYTHON)?.into_iter().collect(),
        workers: workers(&chosen, false),
        limit: Some(args.seconds),
        label: args.label.clone(),
        ..Plan::new(Study::Race, race::contests(), own_runner()?)
    };
    let (header, samples) = measured_anew(&plan, args.record.as_deref(), quiet, race::race)?;
    let Findings::Race(results) = print(header, &samples, &args.output)?.findings else {
        return Ok(());
    };
    let count = |wanted| results.iter().filter(|result| result.status == wanted).count();
    match (count(Status::Wrong), count(Status::Crash) + count(Status::Hang)) {
        (0, 0) => Ok(()),
        (0, failed) => Err(BadCells::Failed(failed).into()),
        (wrong, _) => Err(BadCells::Wrong(wrong).into()),
    }
}
