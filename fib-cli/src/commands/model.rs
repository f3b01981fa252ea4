//! `fib model`: a batch as it would be on many more workers.

use super::analyse::print;
use super::batch::wanted;
use super::compare::{backends, command_line, workers};
use super::engine::own_runner;
use super::recording::measured;
use crate::args::{ModelArgs, Specs};
use crate::failure::BadInput;
use fib::MemoryLimit;
use fib_bench::record::{Reference, Study};
use fib_bench::{Batch, Plan, Scenario, measure_rounds};
use std::time::Duration;

/// Equal work, work that grows along the batch, heavy-tailed work, and few large tasks.
const SCENARIOS: [&str; 4] = ["1000xF1000", "range-2000", "skewed", "few-big"];

pub(crate) fn run(args: &ModelArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = Plan {
        study: Study::Model,
        batches: batches(args)?,
        runner: own_runner()?,
        backends: backends(&args.backend),
        engines: vec![],
        against: Reference::default(),
        workers: workers(&[], true),
        kernel: *args.kernel,
        chunking: args.chunking,
        pin: false,
        explain: true,
        seed: args.seed,
        budget: args.time,
        width: None,
        cell_limit: Duration::from_secs(20),
        command: command_line(),
    };
    let (header, samples) = measured(&plan, &args.records, quiet, measure_rounds)?;
    print(header, &samples, args.format).map(drop)
}

fn batches(args: &ModelArgs) -> anyhow::Result<Vec<Batch>> {
    if args.specs.is_empty() {
        let default = || SCENARIOS.into_iter().filter_map(Scenario::by_name).collect();
        let chosen = if args.scenario.is_empty() { default() } else { args.scenario.clone() };
        return Ok(chosen.into_iter().map(Scenario::batch).collect());
    }
    let what = Specs { specs: args.specs.clone(), file: None };
    let indices = wanted(&what, MemoryLimit::default(), (args.kernel.get)().order())?;
    if indices.is_empty() {
        return Err(BadInput("there is nothing to compute in an empty batch".into()).into());
    }
    let name = args.specs.join(" ");
    let summary = format!("{} numbers", indices.len());
    Ok(vec![Batch { name, summary, indices, workers: None }])
}
