//! Makes a plan from the arguments that all measuring commands share.

use crate::args::MeasureArgs;
use crate::backends;
use fib::this_executable;
use fib_bench::{NamedBatch, Plan};
use fib_report::Study;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// The plan that the arguments ask for; `default_s` is the time budget of the command in seconds.
pub(crate) fn plan(
    study: Study,
    batches: Vec<NamedBatch>,
    args: &MeasureArgs,
    default_s: u64,
) -> anyhow::Result<Plan> {
    if args.pin && cfg!(not(target_os = "linux")) {
        log::warn!("--pin has no effect: this system cannot bind workers to CPUs");
    }
    Ok(Plan {
        backends: backends::measured(&args.backend),
        workers: workers(&args.workers, false),
        kernels: vec![args.kernel().name],
        pin: args.pin,
        seed: args.seed.unwrap_or_else(drawn_seed),
        runs: args.runs,
        label: args.label.clone(),
        margin: args.margin,
        budget: args.time.unwrap_or(std::time::Duration::from_secs(default_s)),
        cell_limit: args.cell_timeout,
        ..Plan::new(study, batches, own_runner()?)
    })
}

/// A seed that is another one each time. It is short, because people copy it.
fn drawn_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// The command that starts this program as a runner.
pub(crate) fn own_runner() -> anyhow::Result<Vec<OsString>> {
    Ok(vec![this_executable()?.into(), "runner".into()])
}

/// The chosen worker counts, ascending. If none is chosen: the number of CPUs, and with
/// `powers_below` also the powers of two below that number.
pub(crate) fn workers(chosen: &[NonZeroUsize], powers_below: bool) -> Vec<NonZeroUsize> {
    let all = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut workers = chosen.to_vec();
    if chosen.is_empty() && powers_below {
        let powers =
            (0..).map_while(|shift| NonZeroUsize::MIN.checked_mul(NonZeroUsize::new(1 << shift)?));
        workers.extend(powers.take_while(|&power| power < all));
    }
    if chosen.is_empty() {
        workers.push(all);
    }
    workers.sort_unstable();
    workers.dedup();
    workers
}
