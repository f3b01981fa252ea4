//! A race: how many Fibonacci numbers, and how large a number, each technique computes in a given time.
//!
//! Every run is a real run of the whole call, allocation included: a stream of numbers, or one number. The techniques run one after another
//! and not in rounds, so a race shows orders of magnitude; `compare` measures differences.

mod aim;
mod entrant;

use crate::measure::{First, Progress};
use crate::plan::Plan;
use crate::scenario::NamedBatch;
use aim::Aim;
use entrant::{Entrant, Run};
use fib::{Descriptor, Modulus, SEQUENTIAL, default_backend};
use fib_report::{Role, Sample, Status};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// What the techniques compete in.
struct Contest {
    name: &'static str,
    /// What the size of the contest means.
    summary: &'static str,
    task: Task,
    /// The kernels that run on the calling thread alone.
    alone: &'static [&'static str],
    /// The kernel that runs on workers.
    parallel: Option<&'static str>,
    /// Whether all backends take part, or only one: the default backend of the library, or else the first.
    all_backends: bool,
    /// The kernel of other engines, on their baseline.
    other_engines: Option<&'static str>,
    /// The first size that is tried.
    first: u64,
    /// The time grows with about this power of the size.
    exponent: f64,
}

/// What is computed, for a size n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// F(0) to F(n - 1).
    Numbers,
    /// F(0) to F(n - 1), modulo 2^64.
    Residues,
    /// F(n).
    OneNumber,
    /// F(n) in decimal digits.
    OneText,
}

impl Task {
    fn indices(self, size: u64) -> Vec<u64> {
        match self {
            Task::Numbers | Task::Residues => (0..size).collect(),
            Task::OneNumber | Task::OneText => vec![size],
        }
    }

    fn modulus(self) -> Option<Modulus> {
        (self == Task::Residues).then_some(Modulus::WORD)
    }

    /// The largest size that is tried. No machine gets there in seconds.
    fn most(self) -> u64 {
        match self {
            Task::Numbers | Task::Residues => 1 << 36,
            Task::OneNumber | Task::OneText => 1 << 40,
        }
    }
}

const CONTESTS: [Contest; 5] = [
    Contest {
        name: "from-scratch",
        summary: "how many of F(0), F(1), F(2) ..., each computed by itself",
        task: Task::Numbers,
        alone: &["iterative", "doubling"],
        parallel: Some("doubling"),
        all_backends: true,
        other_engines: Some("iterative"),
        first: 100,
        exponent: 2.6,
    },
    Contest {
        name: "one-walk",
        summary: "how many of F(0), F(1), F(2) ..., each from the two before it",
        task: Task::Numbers,
        alone: &["stepping"],
        parallel: Some("stepping"),
        all_backends: false,
        other_engines: None, // the Python engine would keep gigabytes of numbers
        first: 1000,
        exponent: 2.0,
    },
    Contest {
        name: "residues",
        summary: "how many of F(0), F(1), F(2) ... modulo 2^64, each computed by itself",
        task: Task::Residues,
        alone: &["scalar", "lanes"],
        parallel: Some("lanes"),
        all_backends: false,
        other_engines: Some("scalar"),
        first: 10_000,
        exponent: 1.05,
    },
    Contest {
        name: "largest",
        summary: "the largest n for F(n), in binary",
        task: Task::OneNumber,
        alone: &["iterative", "doubling"],
        parallel: None,
        all_backends: false,
        other_engines: Some("iterative"),
        first: 1000,
        exponent: 1.8,
    },
    Contest {
        name: "largest-text",
        summary: "the largest n for F(n), in decimal digits",
        task: Task::OneText,
        alone: &["iterative", "doubling"],
        parallel: None,
        all_backends: false,
        other_engines: None,
        first: 1000,
        exponent: 1.8,
    },
];

/// The contests as batches without indices, for the header of a record.
pub fn contests() -> Vec<NamedBatch> {
    let batch = |contest: &Contest| NamedBatch {
        name: contest.name.into(),
        summary: contest.summary.into(),
        indices: vec![],
        modulus: contest.task.modulus(),
        workers: None,
    };
    CONTESTS.iter().map(batch).collect()
}

/// The kernel of each label of a race.
pub(crate) fn kernels(plan: &Plan) -> BTreeMap<String, String> {
    let entrants = CONTESTS.iter().flat_map(|contest| entrants(plan, contest));
    entrants.map(|entrant| (entrant.label(), entrant.kernel.to_owned())).collect()
}

/// The techniques of a contest: other engines, what runs on the calling thread, and the backends.
fn entrants<'a>(plan: &'a Plan, contest: &Contest) -> Vec<Entrant<'a>> {
    let mut entrants = vec![];
    for engine in &plan.engines {
        let kernel = contest.other_engines.filter(|kernel| engine.baseline_has(kernel));
        entrants.extend(kernel.map(|kernel| Entrant::of_engine(engine, kernel)));
    }
    let workers = plan.workers.last().copied().unwrap_or(std::num::NonZeroUsize::MIN);
    entrants.extend(contest.alone.iter().map(|kernel| Entrant::ours(SEQUENTIAL, 1, kernel)));
    let default = plan.backends.iter().find(|entry| entry.name == default_backend().name);
    let one = default.or(plan.backends.first());
    let backends = match contest.all_backends {
        true => plan.backends.iter().collect(),
        false => one.into_iter().collect::<Vec<_>>(),
    };
    if let Some(kernel) = contest.parallel {
        let ours = |entry: &Descriptor| Entrant::ours(*entry, workers.get(), kernel);
        entrants.extend(backends.into_iter().map(ours));
    }
    entrants
}

/// Runs every contest of `plan`, whose `limit` is the time of a run. Runs are numbered from `first.round`.
///
/// # Errors
/// The errors of `sink`. A technique that fails is a value in the samples.
pub fn race(
    plan: &Plan,
    first: First,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let limit = plan.limit.unwrap_or(Duration::from_secs(1));
    let total: usize = CONTESTS.iter().map(|contest| entrants(plan, contest).len()).sum();
    let (mut done, mut round) = (0, first.round);
    for contest in &CONTESTS {
        let mut hint: Option<u64> = None;
        for mut entrant in entrants(plan, contest) {
            let label = entrant.label();
            let text = format!("{}: {label}", contest.name);
            on_progress(&Progress { text, spent: done as f64 / total as f64 });
            let mut found = None;
            // All backends of a contest find sizes of the same order.
            let smallest = hint.map_or(contest.first, |size| size / 2);
            let aim = Aim::new(limit, smallest, entrant.most(contest.task), contest.exponent);
            let mut attempt = |size: u64, confirms: bool| {
                let run = entrant.run(contest.task, size, limit, confirms);
                let outcome = (run.status == Status::Ok && run.wall <= limit).then_some(run.wall);
                found = outcome.map(|_| size).or(found);
                let ends = ends_the_search(run.status);
                sink(sample(contest, &entrant, size, round, confirms, run)).map_err(Some)?;
                round += 1;
                if ends { Err(None) } else { Ok(outcome) }
            };
            // An error without a cause only means that the entrant has failed.
            if let Err(Some(error)) = aim.search(&mut attempt) {
                return Err(error);
            }
            hint = found.filter(|_| entrant.is_parallel());
            done += 1;
        }
    }
    Ok(())
}

/// Whether there is no point in another run.
fn ends_the_search(status: Status) -> bool {
    match status {
        Status::Ok | Status::Refused => false,
        Status::Wrong | Status::Crash | Status::Hang | Status::Omitted => true,
    }
}

fn sample(
    contest: &Contest,
    entrant: &Entrant<'_>,
    size: u64,
    round: usize,
    confirms: bool,
    run: Run,
) -> Sample {
    let role = if confirms { Role::Confirmation } else { Role::Probe };
    let wall_ns = u64::try_from(run.wall.as_nanos()).unwrap_or(u64::MAX);
    Sample {
        scenario: contest.name.into(),
        round,
        size: Some(size),
        status: run.status,
        message: run.message,
        ..Sample::new(role, &entrant.label(), entrant.workers, wall_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib::ResidueMethod;

    #[test]
    fn every_kernel_of_a_contest_exists() {
        for contest in &CONTESTS {
            let kernels = contest.alone.iter().chain(&contest.parallel);
            for kernel in kernels.chain(&contest.other_engines) {
                match contest.task {
                    Task::Residues => assert!(ResidueMethod::by_name(kernel).is_some()),
                    _ => assert!(fib::kernels::by_name(kernel).is_some(), "{kernel}"),
                }
            }
        }
    }
}
