//! Every cell once, checked, without a clock.

use crate::engine::protocol::Run;
use crate::measure::{Contender, Task};
use crate::plan::Plan;
use crate::record::{Role, Status};
use crate::scenario::Batch;

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

/// Runs every cell of `plan` once, what it is compared with included, and compares the digest of
/// its results with that of residues, which share no code with the kernels.
pub fn verify(plan: &Plan) -> Vec<Check> {
    let entrants = plan.reference().into_iter().chain(plan.cells());
    let mut cells: Vec<_> = entrants.map(|cell| Contender::new(plan, Role::Cell, cell)).collect();
    let each = |batch| cells.iter_mut().map(|cell| check(plan, batch, cell)).collect::<Vec<_>>();
    plan.batches.iter().flat_map(each).collect()
}

fn check(plan: &Plan, batch: &Batch, cell: &mut Contender) -> Check {
    let task = Task::of_cells(plan, batch);
    cell.enter(&task);
    let fault = cell.run(Run { repeats: 1, cold: false, timeline: false }, &task).err();
    let (label, workers) = (&cell.entrant.label, cell.entrant.workers);
    Check {
        cell: format!("{}/{label}/{workers}", batch.name),
        status: fault.as_ref().map_or(Status::Ok, |fault| fault.status),
        message: fault.map(|fault| fault.message),
    }
}
