//! `fib sweep`: vary one parameter.

use super::analyse::print;
use crate::args::{Sweep, SweepArgs};
use crate::measuring::{plan, workers};
use crate::recording::measured;
use fib::Chunking;
use fib_bench::{Plan, Scenario, measure_rounds, search, sweeps};
use fib_report::Study;
use std::num::NonZeroUsize;

pub(crate) fn run(args: &SweepArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = planned(args)?;
    let measure = match args.sweep {
        Sweep::BreakEven => search,
        Sweep::Granularity | Sweep::Scaling | Sweep::Chunking => measure_rounds,
    };
    let (header, samples) = measured(&plan, &args.measure, quiet, measure)?;
    print(header, &samples, &args.measure.output).map(drop)
}

fn planned(args: &SweepArgs) -> anyhow::Result<Plan> {
    let measure = &args.measure;
    let scaling = workers(&measure.workers, true);
    let one_item = vec![Chunking::Items(NonZeroUsize::MIN)];
    let default = vec![Chunking::default()];
    let (study, batches, chunkings) = match args.sweep {
        // Each task is a chunk.
        Sweep::Granularity => (Study::Granularity, sweeps::granularity(), one_item),
        Sweep::BreakEven => (Study::BreakEven, sweeps::break_even(), default),
        Sweep::Scaling => (Study::Scaling, sweeps::scaling(&scaling), default),
        Sweep::Chunking => {
            let scenarios = sweeps::CHUNKING_SCENARIOS.into_iter().filter_map(Scenario::by_name);
            (Study::Chunking, scenarios.map(Scenario::batch).collect(), sweeps::chunkings())
        }
    };
    let plan = plan(study, batches, measure, 45)?;
    let workers = if study == Study::Scaling { scaling } else { plan.workers };
    Ok(Plan { workers, chunkings, ..plan })
}
