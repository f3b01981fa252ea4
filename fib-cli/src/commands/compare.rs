//! `fib compare`: the speedup matrix.

use super::analyse::print;
use super::engine;
use super::report::write_page;
use crate::args::CompareArgs;
use crate::diagnostics::say;
use crate::failure::{BadCells, BadInput};
use crate::measuring::{plan, workers};
use crate::output::to_stdout;
use crate::recording::measured;
use crate::target::Target;
use fib::{ResidueMethod, check_index, kernels};
use fib_bench::{
    Plan, RESIDUE_SCENARIOS, SCENARIOS, Scenario, TREE_SCENARIOS, measure_rounds, verify,
};
use fib_report::{BaselineCell, Status, Study};
use std::num::NonZeroUsize;
use std::slice;

pub(crate) fn run(args: &CompareArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = planned(args)?;
    if args.verify {
        return run_verify(&plan);
    }
    // A page that could not be written should not be noticed after the measurement.
    let page = args.report.as_deref().map(|path| Target::open(Some(path))).transpose()?;
    let (header, samples) = measured(&plan, &args.measure, quiet, measure_rounds)?;
    let analysis = print(header, &samples, &args.measure.output)?;
    if let Some(target) = page {
        write_page(slice::from_ref(&analysis), target)?;
    }
    let matrix = analysis.matrix;
    outcome(matrix.rows.iter().flat_map(|row| row.all_cells()).map(|cell| cell.status))
}

fn planned(args: &CompareArgs) -> anyhow::Result<Plan> {
    let scenarios = scenarios(args);
    let of_residues = scenarios.iter().filter(|scenario| scenario.modulus.is_some()).count();
    if (1..scenarios.len()).contains(&of_residues) {
        let problem = "--scenario: exact numbers and residues (mod-...) cannot be compared with each \
                       other; measure them in two commands";
        return Err(BadInput(problem.into()).into());
    }
    if of_residues > 0 && args.measure.names_kernel() {
        let problem = "--kernel: residues are always measured with the kernels scalar and lanes";
        return Err(BadInput(problem.into()).into());
    }
    let of_trees = scenarios.iter().filter(|scenario| scenario.is_tree()).count();
    if (1..scenarios.len()).contains(&of_trees) && !args.measure.names_kernel() {
        let problem = "--scenario: trees (tree-...) are measured with the kernel recursive, and other scenarios \
                       are not; measure them in two commands, or choose a --kernel for both";
        return Err(BadInput(problem.into()).into());
    }
    let batches = scenarios.into_iter().map(Scenario::batch).collect();
    let engines = args.engine.iter().filter_map(|text| engine::chosen(text).transpose());
    let default_s = if args.full { 150 } else { 27 };
    let mut plan = plan(Study::Compare, batches, &args.measure, default_s)?;
    plan.workers = workers(&args.measure.workers, args.full);
    if of_residues > 0 {
        plan.kernels = ResidueMethod::ALL.iter().map(|method| method.name()).collect();
    }
    if of_trees > 0 && !args.measure.names_kernel() {
        plan.kernels = vec![kernels::recursive().name()];
    }
    check_indices(&plan)?;
    plan.engines = engines.collect::<anyhow::Result<_>>()?;
    if !args.chunking.is_empty() {
        plan.chunkings = args.chunking.clone();
    }
    if let Some(cell) = &args.against {
        plan.baseline = baseline(cell, &plan.workers);
    }
    (plan.width, plan.explain) = (args.width, args.explain);
    match plan.has_baseline() {
        true => Ok(plan),
        false => {
            let BaselineCell { label, workers } = &plan.baseline;
            let measured: Vec<String> = plan.heads().into_iter().map(|head| head.label).collect();
            let problem = format!(
                "--against: {label} with {workers} workers is not measured; the comparison has {}",
                measured.join(", ")
            );
            Err(BadInput(problem).into())
        }
    }
}

/// Checks that every kernel computes the largest index.
fn check_indices(plan: &Plan) -> Result<(), fib::Error> {
    let largest = plan.batches.iter().flat_map(|batch| &batch.indices).copied().max();
    let kernels = plan.kernels.iter().filter_map(|name| kernels::by_name(name));
    kernels.into_iter().try_for_each(|kernel| check_index(&*kernel, largest.unwrap_or(0)))
}

/// The scenarios to measure.
fn scenarios(args: &CompareArgs) -> Vec<&'static Scenario> {
    if args.residues {
        return RESIDUE_SCENARIOS.iter().collect();
    }
    if args.scenario.is_empty() && args.measure.kernel().name == kernels::recursive().name() {
        return TREE_SCENARIOS.iter().collect();
    }
    let default = SCENARIOS.iter().filter(|scenario| args.full || !scenario.full_only);
    if args.scenario.is_empty() { default.collect() } else { args.scenario.clone() }
}

/// The cell that `--against` names: a label, with the workers after a slash or else the largest
/// worker count.
fn baseline(cell: &str, workers: &[NonZeroUsize]) -> BaselineCell {
    let number = cell.rsplit_once('/').and_then(|(label, w)| Some((label, w.parse().ok()?)));
    let is_sequential = cell.split('@').next() == Some(fib::SEQUENTIAL.name);
    let most_workers = if is_sequential { None } else { workers.last() };
    let (label, workers) = number.unwrap_or((cell, most_workers.map_or(1, |count| count.get())));
    BaselineCell { label: label.into(), workers }
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

/// A wrong result decides the exit code before a missing result does.
fn outcome(statuses: impl Iterator<Item = Status>) -> anyhow::Result<()> {
    let (mut wrong, mut failed) = (0, 0);
    for status in statuses {
        match status {
            Status::Ok | Status::Omitted => {}
            Status::Wrong => wrong += 1,
            Status::Crash | Status::Hang | Status::Refused => failed += 1,
        }
    }
    match (wrong, failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(BadCells::Failed(failed).into()),
        (wrong, _) => Err(BadCells::Wrong(wrong).into()),
    }
}
