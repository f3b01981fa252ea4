//! What the system says a process has used, its worker processes included.

use std::ops::Sub;

/// Counters of a process and of the processes it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    pub(super) voluntary_switches: u64,
    pub(super) involuntary_switches: u64,
    pub(super) peak_rss_bytes: u64,
}

impl Sub for Usage {
    type Output = Usage;

    /// What was used in between; a peak is not a difference.
    fn sub(self, before: Usage) -> Usage {
        let involuntary = self.involuntary_switches.saturating_sub(before.involuntary_switches);
        Usage {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            voluntary_switches: self.voluntary_switches.saturating_sub(before.voluntary_switches),
            involuntary_switches: involuntary,
            peak_rss_bytes: self.peak_rss_bytes,
        }
    }
}

impl Usage {
    fn add(&mut self, other: Usage) {
        self.cpu_ns += other.cpu_ns;
        self.voluntary_switches += other.voluntary_switches;
        self.involuntary_switches += other.involuntary_switches;
        self.peak_rss_bytes += other.peak_rss_bytes;
    }
}

/// Where the counters come from.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Processes to add, those that this one started.
    workers: Vec<u32>,
}

impl Meter {
    /// A meter of this process and of every one that it and they have started by now.
    pub(super) fn new() -> Self {
        Meter { workers: descendants(std::process::id()) }
    }

    /// The counters now; `None` where the system has none.
    pub(super) fn read(&self) -> Option<Usage> {
        let mut usage = own()?;
        self.workers.iter().filter_map(|&pid| of(pid)).for_each(|other| usage.add(other));
        Some(usage)
    }
}

#[cfg(unix)]
fn own() -> Option<Usage> {
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
fn own() -> Option<Usage> {
    None
}

/// All processes below `root`.
#[cfg(target_os = "linux")]
fn descendants(root: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == process).map(|(pid, _)| pid));
        next += 1;
    }
    found.split_off(1)
}

/// The fourth field of `stat`; the second is a name in brackets, which may hold blanks.
#[cfg(target_os = "linux")]
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The counters of another process: time on a CPU by the scheduler's own count, in nanoseconds.
#[cfg(target_os = "linux")]
fn of(pid: u32) -> Option<Usage> {
    use std::fs::{read_dir, read_to_string};
    let mut usage = Usage::default();
    for thread in read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let on_cpu = read_to_string(thread.path().join("schedstat")).ok();
        let status = read_to_string(thread.path().join("status")).unwrap_or_default();
        let field = |name| {
            let line = status.lines().find_map(|line: &str| line.strip_prefix(name));
            line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<u64>().ok())
        };
        let cpu_ns = on_cpu.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
        usage.add(Usage {
            cpu_ns,
            voluntary_switches: field("voluntary_ctxt_switches:").unwrap_or(0),
            involuntary_switches: field("nonvoluntary_ctxt_switches:").unwrap_or(0),
            peak_rss_bytes: 0,
        });
        usage.peak_rss_bytes = field("VmHWM:").unwrap_or(0) * 1024; // the same for all its threads
    }
    Some(usage)
}

#[cfg(not(target_os = "linux"))]
fn descendants(_root: u32) -> Vec<u32> {
    vec![]
}

#[cfg(not(target_os = "linux"))]
fn of(_pid: u32) -> Option<Usage> {
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
        // A child that works until its input says so, and says when it began.
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
        assert!(meter.workers.contains(&child.id()));
        let before = (own().unwrap(), meter.read().unwrap());
        stdout.read_exact(&mut byte).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(20) {}
        let (alone, all) = (own().unwrap() - before.0, meter.read().unwrap() - before.1);
        assert!(alone.cpu_ns > 5_000_000, "{alone:?}"); // half of it, if we share the CPU
        assert!(all.cpu_ns > alone.cpu_ns, "{all:?}");
        assert!(all.peak_rss_bytes > alone.peak_rss_bytes && alone.peak_rss_bytes > 100_000);
        stdin.write_all(b"\n").unwrap();
        child.wait().unwrap();
    }
}
