//! `fib sweep`: vary one parameter.

use super::analyse::print;
use super::engine;
use crate::args::{Sweep, SweepArgs};
use crate::backends;
use crate::failure::BadInput;
use crate::measuring::{plan, workers};
use crate::recording::measured;
use fib::{Chunking, Forking};
use fib_bench::{Plan, Scenario, measure_rounds, search, sweeps};
use fib_report::Study;
use std::num::NonZeroUsize;

pub(crate) fn run(args: &SweepArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = planned(args)?;
    let measure = match args.sweep {
        Sweep::BreakEven => search,
        Sweep::Granularity | Sweep::Scaling | Sweep::Chunking | Sweep::Forks => measure_rounds,
    };
    let (header, samples) = measured(&plan, &args.measure, quiet, measure)?;
    print(header, &samples, &args.measure.output).map(drop)
}

fn planned(args: &SweepArgs) -> anyhow::Result<Plan> {
    let measure = &args.measure;
    let scaling = workers(&measure.workers, true);
    let one_item = vec![Chunking::Items(NonZeroUsize::MIN)];
    let default = vec![Chunking::default()];
    if !matches!(args.sweep, Sweep::Forks) && !args.engine.is_empty() {
        return Err(
            BadInput("--engine: only `fib sweep forks` measures other engines".into()).into()
        );
    }
    let (study, batches, chunkings) = match args.sweep {
        // Each task is a chunk.
        Sweep::Granularity => (Study::Granularity, sweeps::granularity(), one_item),
        Sweep::BreakEven => (Study::BreakEven, sweeps::break_even(), default),
        Sweep::Scaling => (Study::Scaling, sweeps::scaling(&scaling), default),
        Sweep::Chunking => {
            let scenarios = sweeps::CHUNKING_SCENARIOS.into_iter().filter_map(Scenario::by_name);
            (Study::Chunking, scenarios.map(Scenario::batch).collect(), sweeps::chunkings())
        }
        Sweep::Forks => {
            let scenario = Scenario::by_name(sweeps::FORKS_SCENARIO).map(Scenario::batch);
            (Study::Forks, scenario.into_iter().collect(), default)
        }
    };
    let plan = plan(study, batches, measure, 45)?;
    match study {
        Study::Scaling => Ok(Plan { workers: scaling, chunkings, ..plan }),
        Study::Forks => forks(args, plan),
        _ => Ok(Plan { chunkings, ..plan }),
    }
}

/// The backends that run the halves of a fork at once, with one worker and with all, at each cutoff.
fn forks(args: &SweepArgs, plan: Plan) -> anyhow::Result<Plan> {
    if args.measure.names_kernel() {
        return Err(BadInput("--kernel: this sweep has kernels of its own".into()).into());
    }
    let mut backends = plan.backends;
    backends.retain(|entry| entry.forking == Forking::Parallel);
    if backends.is_empty() {
        let all = backends::schedulers().filter(|entry| entry.forking == Forking::Parallel);
        let names: Vec<_> = all.map(|entry| entry.name).collect();
        let problem = format!("--backend: only these backends fork: {}", names.join(", "));
        return Err(BadInput(problem).into());
    }
    let mut workers = plan.workers;
    if args.measure.workers.is_empty() {
        workers.insert(0, NonZeroUsize::MIN);
        workers.dedup();
    }
    let engines = args.engine.iter().filter_map(|text| engine::chosen(text).transpose());
    let engines = engines.collect::<anyhow::Result<_>>()?;
    Ok(Plan { backends, workers, engines, kernels: sweeps::fork_kernels(), ..plan })
}
