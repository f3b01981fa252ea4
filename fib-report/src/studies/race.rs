//! Races: how much each technique computes in a given time.

use crate::analysis::Matrix;
use crate::sample::{Role, Sample, Status};
use schemars::JsonSchema;
use serde::Serialize;

/// What one technique reached in one contest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RaceResult {
    /// The name of the contest.
    pub contest: String,
    /// The label of the backend.
    pub backend: String,
    pub kernel: String,
    pub workers: usize,
    /// The size of the last runs: a number of indices, or an index. `None` if none of these runs ended in time.
    pub size: Option<u64>,
    /// The runs with this size that finished in time.
    pub successes: usize,
    /// All runs with this size.
    pub runs: usize,
    /// The longest of the runs that finished in time, in nanoseconds.
    pub wall_ns: Option<u64>,
    /// Whether the results were right and the technique took part.
    pub status: Status,
    /// Why it is not, or why no larger size was tried.
    pub message: Option<String>,
}

/// The results of each contest, in the order of the samples.
pub(super) fn results(matrix: &Matrix, samples: &[Sample]) -> Vec<RaceResult> {
    let mut groups: Vec<Vec<&Sample>> = vec![];
    let is_of_race = |sample: &&Sample| matches!(sample.role, Role::Probe | Role::Confirmation);
    for sample in samples.iter().filter(is_of_race) {
        let key = |sample: &Sample| (sample.scenario.clone(), sample.backend.clone());
        match groups.iter_mut().find(|group| key(group[0]) == key(sample)) {
            Some(group) => group.push(sample),
            None => groups.push(vec![sample]),
        }
    }
    groups.into_iter().map(|group| result(matrix, &group)).collect()
}

fn result(matrix: &Matrix, group: &[&Sample]) -> RaceResult {
    let header = &matrix.header;
    let limit_ns = header.limit_s.unwrap_or(0.0) * 1e9;
    let first = group[0]; // a group is never empty
    let fault = group.iter().find(|sample| is_fault(sample.status));
    let is_in_time = |sample: &&&Sample| {
        sample.status == Status::Ok && sample.wall_ns > 0 && sample.wall_ns as f64 <= limit_ns
    };
    // The runs at the size that was tried last are those that confirm it.
    let confirmations = group.iter().filter(|sample| sample.role == Role::Confirmation);
    let size = confirmations.clone().next_back().and_then(|sample| sample.size);
    let runs: Vec<_> = confirmations.filter(|sample| sample.size == size).collect();
    let in_time: Vec<_> = runs.iter().copied().filter(is_in_time).collect();
    let refusal = group.iter().find(|sample| sample.status == Status::Refused);
    let reason = fault.or(refusal).and_then(|sample| sample.message.clone());
    RaceResult {
        contest: first.scenario.clone(),
        backend: first.backend.clone(),
        kernel: header.kernel_of(&first.backend).into(),
        workers: first.workers,
        size: size.filter(|_| fault.is_none() && !in_time.is_empty()),
        successes: in_time.len(),
        runs: runs.len(),
        wall_ns: in_time.iter().map(|sample| sample.wall_ns).max(),
        status: fault.map_or(Status::Ok, |sample| sample.status),
        message: reason,
    }
}

/// Whether a sample voids its technique. A run that was refused for want of memory only ends the search.
fn is_fault(status: Status) -> bool {
    match status {
        Status::Ok | Status::Refused => false,
        Status::Wrong | Status::Crash | Status::Hang | Status::Omitted => true,
    }
}
