//! `fib model`: predicts a batch for many more workers.

use super::analyse::print;
use crate::args::{ModelArgs, SpecArgs};
use crate::failure::BadInput;
use crate::measuring::{plan, workers};
use crate::recording::measured;
use fib::MemoryLimit;
use fib_bench::{NamedBatch, Plan, Scenario, measure_rounds};
use fib_predict::AUTO;
use fib_report::Study;

/// Equal work, work that grows along the batch, heavy-tailed work, and few large numbers.
const SCENARIOS: [&str; 4] = ["1000xF1000", "range-2000", "skewed", "few-big"];

pub(crate) fn run(args: &ModelArgs, quiet: bool) -> anyhow::Result<()> {
    if args.measure.backend.iter().any(|backend| backend.name == AUTO.name) {
        let problem = format!("--backend: {} has no schedule of its own to simulate", AUTO.name);
        return Err(BadInput(problem).into());
    }
    let plan = Plan {
        workers: workers(&args.measure.workers, true),
        chunkings: vec![args.chunking],
        explain: true,
        ..plan(Study::Model, batches(args)?, &args.measure, 30)?
    };
    let (header, samples) = measured(&plan, &args.measure, quiet, measure_rounds)?;
    print(header, &samples, &args.measure.output).map(drop)
}

fn batches(args: &ModelArgs) -> anyhow::Result<Vec<NamedBatch>> {
    if args.specs.is_empty() {
        let default = || SCENARIOS.into_iter().filter_map(Scenario::by_name).collect();
        let chosen = if args.scenario.is_empty() { default() } else { args.scenario.clone() };
        return Ok(chosen.into_iter().map(Scenario::batch).collect());
    }
    let specs = SpecArgs { specs: args.specs.clone(), file: None };
    let kernel = (args.measure.kernel().get)();
    let indices = specs.wanted(MemoryLimit::default(), kernel.order())?;
    if indices.is_empty() {
        return Err(BadInput("an empty batch has nothing to predict".into()).into());
    }
    let (name, summary) = (args.specs.join(" "), format!("{} numbers", indices.len()));
    Ok(vec![NamedBatch { name, summary, indices, modulus: None, workers: None }])
}
