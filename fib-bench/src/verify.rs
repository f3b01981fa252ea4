//! Runs every cell once and checks its results, without a clock.

use crate::measure::{Participant, PreparedBatch};
use crate::plan::Plan;
use crate::scenario::NamedBatch;
use fib_engine::protocol::RunRequest;
use fib_report::{Role, Status};

/// The outcome of one cell.
#[derive(Clone, Debug)]
pub struct CellCheck {
    /// `scenario/backend/workers`.
    pub cell: String,
    /// Whether the results were right.
    pub status: Status,
    /// What went wrong.
    pub message: Option<String>,
}

/// Runs every cell of `plan` once, the baseline included. The digest of the results is compared
/// with a digest of residues, which share no code with the kernels.
pub fn verify(plan: &Plan) -> Vec<CellCheck> {
    let specs = plan.baseline_spec().into_iter().chain(plan.cells());
    let mut cells: Vec<_> = specs.map(|cell| Participant::new(plan, Role::Cell, cell)).collect();
    let checks = |batch| cells.iter_mut().map(|cell| check(batch, cell)).collect::<Vec<_>>();
    plan.batches.iter().flat_map(checks).collect()
}

fn check(batch: &NamedBatch, cell: &mut Participant) -> CellCheck {
    let prepared = PreparedBatch::new(batch);
    cell.load(&prepared);
    let fault = cell.run(RunRequest { repeats: 1, cold: false, timeline: false }, &prepared).err();
    let (label, workers) = (&cell.spec.label, cell.spec.workers);
    CellCheck {
        cell: format!("{}/{label}/{workers}", batch.name),
        status: fault.as_ref().map_or(Status::Ok, |fault| fault.status),
        message: fault.map(|fault| fault.message),
    }
}
