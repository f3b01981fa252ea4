//! Every cell once, checked, without a clock.

use crate::expected::expected_arena;
use crate::plan::Plan;
use crate::record::Status;
use crate::scenario::Scenario;
use fib::{Descriptor, Error, Layout, MemoryLimit, Options, SEQUENTIAL, Settings, Table, execute};
use std::num::NonZeroUsize;

/// What became of a cell.
#[derive(Clone, Debug)]
pub struct Check {
    /// `scenario/backend/workers`.
    pub cell: String,
    /// Whether it was right.
    pub status: Status,
    /// Why not, if it was not.
    pub message: Option<String>,
}

/// Runs every cell of `plan` once, the baseline included, and compares each result with additions
/// that share no code with the kernels.
pub fn verify(plan: &Plan) -> Vec<Check> {
    let baseline = [(SEQUENTIAL, NonZeroUsize::MIN)];
    let each = |&workers| plan.backends.iter().map(move |backend| (*backend, workers));
    let cells: Vec<_> = baseline.into_iter().chain(plan.workers.iter().flat_map(each)).collect();
    let check = |scenario: &Scenario, (backend, workers): &(Descriptor, NonZeroUsize)| {
        let (status, message) = match run(plan, scenario, backend, *workers) {
            Ok(true) => (Status::Ok, None),
            Ok(false) => (Status::Wrong, Some("the result is wrong".into())),
            Err(error) => (Status::Failed, Some(error.to_string())),
        };
        Check { cell: format!("{}/{}/{workers}", scenario.name, backend.name), status, message }
    };
    plan.scenarios.iter().flat_map(|s| cells.iter().map(move |cell| check(s, cell))).collect()
}

fn run(
    plan: &Plan,
    scenario: &Scenario,
    backend: &Descriptor,
    workers: NonZeroUsize,
) -> Result<bool, Error> {
    let kernel = (plan.kernel.get)();
    let layout = Layout::new(kernel, &(scenario.indices)(), MemoryLimit::default())?;
    let expected = expected_arena(&layout);
    let mut table = Table::new(layout)?;
    table.overwrite(0x5555_5555_5555_5555);
    let backend = backend.build(Settings { pin: plan.pin, ..Settings::workers(workers) })?;
    let options = Options { chunking: plan.chunking, ..Options::default() };
    execute(&*backend, &mut table, &options)?;
    Ok(table.arena() == expected)
}
