//! Whether what an engine reports about a run is possible at all. A report within these bounds may
//! still be untrue; a report beyond them would make every number of a comparison meaningless.

use fib::size;
use fib_engine::protocol::{Measured, RunRequest};
use std::collections::HashSet;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

/// No memory can be written faster than this.
const MOST_BYTES_PER_NS: u64 = 1000;

/// Clocks of CPU time tick, and a control group may use more CPUs for a moment than its quota says.
const CPU_TIME_SLACK: (u32, Duration) = (2, Duration::from_millis(100));

/// The CPUs that engines may use. Asking the system takes longer than all other checks.
static CPUS: LazyLock<u32> = LazyLock::new(|| {
    available_parallelism().ok().and_then(|cpus| cpus.get().try_into().ok()).unwrap_or(1)
});

/// What is impossible in the report of a run: `observed` is the time from the request to the reply,
/// and `bytes` is the size of the distinct results of the batch. `None` if everything is possible.
pub(crate) fn doubt(
    measured: &Measured,
    run: RunRequest,
    observed: Duration,
    bytes: u64,
) -> Option<String> {
    let wall = Duration::from_nanos(measured.wall_ns);
    let least = u64::from(run.repeats).saturating_mul((bytes / MOST_BYTES_PER_NS).max(1));
    if wall > observed {
        return Some(format!("it reports a time of {wall:?}, but its reply took {observed:?}"));
    }
    if measured.wall_ns < least {
        return Some(format!("it reports {wall:?}, too short a time for {bytes} bytes of results"));
    }
    let (factor, slack) = CPU_TIME_SLACK;
    let most = observed.saturating_mul(CPUS.saturating_mul(factor)).saturating_add(slack);
    let cpu_time = Duration::from_nanos(measured.usage.map_or(0, |usage| usage.cpu_ns));
    if cpu_time > most {
        return Some(format!("it reports {cpu_time:?} of CPU time, too much for {observed:?}"));
    }
    let observed_ns = observed.as_nanos();
    let spans = measured.timeline.iter().flatten();
    let odd = spans.filter(|span| {
        let ends = [span.end_ns, span.paused_ns];
        span.start_ns > span.end_ns || ends.iter().any(|&ns| u128::from(ns) > observed_ns)
    });
    let mut pauses = measured.pauses.iter().flatten();
    let odd_pause =
        pauses.any(|pause| pause.start_ns > pause.end_ns || u128::from(pause.end_ns) > observed_ns);
    (odd.count() > 0 || odd_pause).then(|| "its timeline has chunks outside of the run".into())
}

/// The size of the results of a batch if each of them is computed once.
pub(crate) fn distinct_bytes(indices: &[u64]) -> u64 {
    let distinct: HashSet<u64> = indices.iter().copied().collect();
    distinct.into_iter().map(|n| 8 * size::limbs(n) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib_engine::protocol::{TimelineSpan, Usage};

    #[test]
    fn reports_beyond_what_is_possible_are_doubted() {
        let run = RunRequest { repeats: 10, cold: false, timeline: true };
        let observed = Duration::from_millis(1);
        let span = TimelineSpan { worker: 0, start_ns: 0, end_ns: 900_000, paused_ns: 0 };
        let usage = Usage { cpu_ns: 1_000_000, ..Usage::default() };
        let honest = Measured {
            wall_ns: 900_000,
            usage: Some(usage),
            timeline: Some(vec![span]),
            ..Measured::default()
        };
        let doubted = |measured: Measured| doubt(&measured, run, observed, 100_000).is_some();
        assert!(!doubted(honest.clone()));
        assert!(!doubted(Measured { wall_ns: 1000, ..honest.clone() }));
        for wall_ns in [0, 1, 999, 1_000_001, u64::MAX] {
            assert!(doubted(Measured { wall_ns, ..honest.clone() }), "{wall_ns}");
        }
        let usage = Usage { cpu_ns: u64::MAX, ..usage };
        assert!(doubted(Measured { usage: Some(usage), ..honest.clone() }));
        for (start_ns, end_ns, paused_ns) in [(2, 1, 0), (0, u64::MAX, 0), (0, 1, 2_000_000)] {
            let timeline = Some(vec![TimelineSpan { worker: 0, start_ns, end_ns, paused_ns }]);
            assert!(doubted(Measured { timeline, ..honest.clone() }));
        }
    }
}
