//! `fib sweep`: one thing is changed step by step.

use super::analyse::print;
use super::compare::{backends, command_line, workers};
use super::engine::own_runner;
use super::recording::measured;
use crate::args::{Sweep, SweepArgs};
use fib::Chunking;
use fib_bench::record::{Reference, Study};
use fib_bench::{Plan, measure_rounds, studies};
use std::num::NonZeroUsize;
use std::time::Duration;

pub(crate) fn run(args: &SweepArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = plan(args)?;
    let measure = match args.sweep {
        Sweep::BreakEven => studies::search,
        Sweep::Granularity | Sweep::Scaling => measure_rounds,
    };
    let (header, samples) = measured(&plan, &args.records, quiet, measure)?;
    print(header, &samples, args.format).map(drop)
}

fn plan(args: &SweepArgs) -> anyhow::Result<Plan> {
    let workers = workers(&args.workers, matches!(args.sweep, Sweep::Scaling));
    let (study, batches, chunking) = match args.sweep {
        // A task is a chunk.
        Sweep::Granularity => {
            (Study::Granularity, studies::granularity(), Chunking::Items(NonZeroUsize::MIN))
        }
        Sweep::BreakEven => (Study::BreakEven, studies::break_even(), Chunking::default()),
        Sweep::Scaling => (Study::Scaling, studies::scaling(&workers), Chunking::default()),
    };
    Ok(Plan {
        study,
        batches,
        runner: own_runner()?,
        backends: backends(&args.backend),
        engines: vec![],
        against: Reference::default(),
        workers,
        kernel: fib::kernels::KERNELS[0],
        chunking,
        pin: args.pin,
        explain: false,
        seed: args.seed,
        budget: args.time,
        width: None,
        cell_limit: Duration::from_secs(20),
        command: command_line(),
    })
}
