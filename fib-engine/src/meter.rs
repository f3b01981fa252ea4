//! The CPU time, context switches and memory of a process and its worker processes, as the system
//! counts them.

use crate::protocol::Usage;

/// Reads the counters of this process and of the processes that it has started.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The process ids of all descendants.
    descendants: Vec<i32>,
}

impl Meter {
    /// A meter of this process and all its descendants at this moment.
    pub(crate) fn new() -> Self {
        Meter { descendants: descendants() }
    }

    /// The counters now; `None` if the system has no such counters.
    pub(crate) fn read(&self) -> Option<Usage> {
        let mut usage = usage_of_this_process()?;
        let usages = self.descendants.iter().filter_map(|&pid| usage_of(pid));
        usages.for_each(|descendant| add(&mut usage, descendant));
        Some(usage)
    }
}

/// The usage between two readings. The peak is that of the later reading, because peaks cannot be
/// subtracted.
pub(crate) fn difference(later: Usage, earlier: Usage) -> Usage {
    let involuntary = later.involuntary_switches.saturating_sub(earlier.involuntary_switches);
    Usage {
        cpu_ns: later.cpu_ns.saturating_sub(earlier.cpu_ns),
        voluntary_switches: later.voluntary_switches.saturating_sub(earlier.voluntary_switches),
        involuntary_switches: involuntary,
        peak_rss_bytes: later.peak_rss_bytes,
    }
}

fn add(sum: &mut Usage, other: Usage) {
    sum.cpu_ns += other.cpu_ns;
    sum.voluntary_switches += other.voluntary_switches;
    sum.involuntary_switches += other.involuntary_switches;
    sum.peak_rss_bytes += other.peak_rss_bytes;
}

#[cfg(unix)]
fn usage_of_this_process() -> Option<Usage> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let unsigned = |count| u64::try_from(count).unwrap_or(0);
    // Linux counts kibibytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Some(Usage {
        cpu_ns: unsigned(cpu) * 1000,
        voluntary_switches: unsigned(usage.voluntary_context_switches()),
        involuntary_switches: unsigned(usage.involuntary_context_switches()),
        peak_rss_bytes: unsigned(usage.max_rss()) * unit,
    })
}

#[cfg(not(unix))]
fn usage_of_this_process() -> Option<Usage> {
    None
}

/// All processes that this process has started, directly or not.
#[cfg(target_os = "linux")]
fn descendants() -> Vec<i32> {
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    let stats = processes.filter_map(|process| process.stat().ok());
    let parents: Vec<(i32, i32)> = stats.map(|stat| (stat.pid, stat.ppid)).collect();
    let mut found = vec![i32::try_from(std::process::id()).unwrap_or(0)];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|(_, ppid)| *ppid == parent);
        found.extend(children.map(|(pid, _)| pid));
        next += 1;
    }
    found.split_off(1)
}

/// The counters of another process. Its CPU time is what the scheduler counts, in nanoseconds.
#[cfg(target_os = "linux")]
fn usage_of(pid: i32) -> Option<Usage> {
    let mut usage = Usage::default();
    for thread in procfs::process::Process::new(pid).ok()?.tasks().ok()?.flatten() {
        let status = thread.status().ok();
        let status = status.as_ref();
        add(
            &mut usage,
            Usage {
                cpu_ns: thread.schedstat().map_or(0, |stat| stat.sum_exec_runtime),
                voluntary_switches: status.and_then(|s| s.voluntary_ctxt_switches).unwrap_or(0),
                involuntary_switches: status
                    .and_then(|s| s.nonvoluntary_ctxt_switches)
                    .unwrap_or(0),
                peak_rss_bytes: 0,
            },
        );
        // The peak is the same for all threads of a process.
        usage.peak_rss_bytes = status.and_then(|s| s.vmhwm).unwrap_or(0) * 1024;
    }
    Some(usage)
}

#[cfg(not(target_os = "linux"))]
fn descendants() -> Vec<i32> {
    vec![]
}

#[cfg(not(target_os = "linux"))]
fn usage_of(_pid: i32) -> Option<Usage> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn work_of_this_process_and_of_a_child_is_counted() {
        // A child that prints a line, works, prints another line, and ends when its input ends.
        let mut child = Command::new("sh")
            .args(["-c", "echo; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        let meter = Meter::new();
        assert!(meter.descendants.contains(&(child.id() as i32)));
        let earlier = (usage_of_this_process().unwrap(), meter.read().unwrap());
        stdout.read_exact(&mut byte).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(20) {}
        let own = difference(usage_of_this_process().unwrap(), earlier.0);
        let all = difference(meter.read().unwrap(), earlier.1);
        // Well below 20 ms, because another process may share the CPU.
        assert!(own.cpu_ns > 5_000_000, "{own:?}");
        assert!(all.cpu_ns > own.cpu_ns, "{all:?}");
        assert!(all.peak_rss_bytes > own.peak_rss_bytes && own.peak_rss_bytes > 100_000);
        stdin.write_all(b"\n").unwrap();
        child.wait().unwrap();
    }
}
