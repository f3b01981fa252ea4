//! `fib compare`: the speedup matrix.

use crate::args::CompareArgs;
use crate::commands::analyse::print;
use crate::commands::engine;
use crate::commands::recording::measured;
use crate::diagnostics::say;
use crate::failure::{BadCells, BadInput};
use crate::output::to_stdout;
use fib::Descriptor;
use fib_bench::record::{Reference, Status, Study};
use fib_bench::{Plan, SCENARIOS, Scenario, measure_rounds, verify};
use std::num::NonZeroUsize;
use std::time::Duration;

pub(crate) fn run(args: &CompareArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = plan(args)?;
    if args.pin && cfg!(not(target_os = "linux")) {
        log::warn!("workers cannot be pinned on this system");
    }
    if args.verify {
        return run_verify(&plan);
    }
    let (header, samples) = measured(&plan, &args.records, quiet, measure_rounds)?;
    let matrix = print(header, &samples, args.format)?;
    let cells =
        matrix.rows.iter().flat_map(|row| row.cells.iter().chain([&row.reference, &row.best]));
    outcome(cells.map(|cell| cell.status))
}

/// What the arguments ask for.
fn plan(args: &CompareArgs) -> anyhow::Result<Plan> {
    let everything = SCENARIOS.iter().filter(|scenario| args.full || !scenario.full_only);
    let chosen = args.scenario.iter().copied();
    let scenarios: Vec<_> =
        if args.scenario.is_empty() { everything.collect() } else { chosen.collect() };
    let engines = args.engine.iter().filter_map(|text| engine::chosen(text).transpose());
    let workers = workers(&args.workers, args.full);
    let plan = Plan {
        study: Study::Compare,
        batches: scenarios.into_iter().map(Scenario::batch).collect(),
        runner: engine::own_runner()?,
        backends: backends(&args.backend),
        engines: engines.collect::<anyhow::Result<_>>()?,
        against: args
            .against
            .as_deref()
            .map_or_else(Reference::default, |cell| against(cell, &workers)),
        workers,
        kernel: *args.kernel,
        chunking: args.chunking,
        pin: args.pin,
        explain: args.explain,
        seed: args.seed,
        budget: args.time.unwrap_or(Duration::from_secs(if args.full { 150 } else { 27 })),
        width: args.width,
        cell_limit: args.cell_timeout,
        command: command_line(),
    };
    match plan.has_reference() {
        true => Ok(plan),
        false => {
            let Reference { backend, workers } = &plan.against;
            let problem = format!("--against: {backend} with {workers} workers is not compared");
            Err(BadInput(problem).into())
        }
    }
}

/// The names of those asked for; otherwise of all.
pub(crate) fn backends(asked: &[&'static Descriptor]) -> Vec<String> {
    let all = fib::REGISTRY.iter().collect();
    let mut backends = if asked.is_empty() { all } else { asked.to_vec() };
    backends.retain(|entry| entry.name != fib::SEQUENTIAL.name); // it is there as the baseline
    backends.into_iter().map(|entry| entry.name.into()).collect()
}

/// A label, and its workers if the last part is their number; otherwise the largest count.
fn against(cell: &str, workers: &[NonZeroUsize]) -> Reference {
    let number = cell.rsplit_once('/').and_then(|(label, w)| Some((label, w.parse().ok()?)));
    let most = if cell == fib::SEQUENTIAL.name { None } else { workers.last() };
    let (backend, workers) = number.unwrap_or((cell, most.map_or(1, |most| most.get())));
    Reference { backend: backend.into(), workers }
}

/// The counts asked for; otherwise all CPUs, and the powers of two below as well if that is wanted.
pub(crate) fn workers(asked: &[NonZeroUsize], powers_below: bool) -> Vec<NonZeroUsize> {
    let all = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut workers = asked.to_vec();
    if asked.is_empty() && powers_below {
        let powers =
            (0..).map_while(|shift| NonZeroUsize::MIN.checked_mul(NonZeroUsize::new(1 << shift)?));
        workers.extend(powers.take_while(|&power| power < all));
    }
    if asked.is_empty() {
        workers.push(all);
    }
    workers.sort_unstable();
    workers.dedup();
    workers
}

/// The command line as one would repeat it; arguments cannot be mistaken for folders here.
pub(crate) fn command_line() -> String {
    let arguments = std::env::args().skip(1);
    ["fib".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

fn run_verify(plan: &Plan) -> anyhow::Result<()> {
    let checks = verify(plan);
    for check in checks.iter().filter(|check| check.status != Status::Ok) {
        let message = check.message.as_deref().unwrap_or("no result");
        say(&format!("{}: {message}", check.cell));
    }
    let right = checks.iter().filter(|check| check.status == Status::Ok).count();
    to_stdout(|out| writeln!(out, "{right} of {} cells right", checks.len()))?;
    outcome(checks.into_iter().map(|check| check.status))
}

/// Wrong results weigh more than missing ones.
fn outcome(statuses: impl Iterator<Item = Status>) -> anyhow::Result<()> {
    let (mut wrong, mut failed) = (0, 0);
    for status in statuses {
        match status {
            Status::Ok | Status::Omitted => {}
            Status::Wrong => wrong += 1,
            _ => failed += 1,
        }
    }
    match (wrong, failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(BadCells::Failed(failed).into()),
        (wrong, _) => Err(BadCells::Wrong(wrong).into()),
    }
}
