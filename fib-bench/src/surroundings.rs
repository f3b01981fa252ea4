//! What else happens on the machine while samples are taken, in counters that only grow.

use crate::record::Surroundings;
use std::fs::read_to_string;
use std::time::Instant;

/// The counters at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    taken: Instant,
    steal_ns: u64,
    throttled_ns: u64,
    cpu_pressure_ns: Option<u64>,
    load_1min: Option<f64>,
}

impl Snapshot {
    pub(crate) fn take() -> Self {
        Snapshot {
            taken: Instant::now(),
            steal_ns: steal_ns().unwrap_or(0),
            throttled_ns: throttled_ns().unwrap_or(0),
            cpu_pressure_ns: cpu_pressure_ns(),
            load_1min: load_1min(),
        }
    }

    /// What happened from `before` until this was taken.
    pub(crate) fn since(&self, before: &Snapshot) -> Surroundings {
        let pressure = self.cpu_pressure_ns.zip(before.cpu_pressure_ns);
        Surroundings {
            span_ns: (self.taken - before.taken).as_nanos() as u64, // not five centuries
            steal_ns: self.steal_ns.saturating_sub(before.steal_ns),
            throttled_ns: self.throttled_ns.saturating_sub(before.throttled_ns),
            cpu_pressure_ns: pressure.map(|(now, then)| now.saturating_sub(then)),
            load_1min: self.load_1min,
        }
    }
}

/// The eighth number of the first line of `/proc/stat`, in ticks of 10 ms, of all CPUs together.
fn steal_ns() -> Option<u64> {
    steal_in(&read_to_string("/proc/stat").ok()?)
}

fn steal_in(stat: &str) -> Option<u64> {
    let ticks: u64 = stat.lines().next()?.split_ascii_whitespace().nth(8)?.parse().ok()?;
    Some(ticks * 10_000_000)
}

/// Of the control group of this process, version 2, or of the whole machine's with version 1.
fn throttled_ns() -> Option<u64> {
    let groups = read_to_string("/proc/self/cgroup").ok()?;
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let second = unified.and_then(|path| {
        let path = format!("/sys/fs/cgroup{}/cpu.stat", path.trim_end_matches('/'));
        field(&read_to_string(path).ok()?, "throttled_usec").map(|us| us * 1000)
    });
    let first = || field(&read_to_string("/sys/fs/cgroup/cpu/cpu.stat").ok()?, "throttled_time");
    second.or_else(first)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

fn cpu_pressure_ns() -> Option<u64> {
    pressure_in(&read_to_string("/proc/pressure/cpu").ok()?)
}

fn pressure_in(text: &str) -> Option<u64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let total = some.split(' ').find_map(|word| word.strip_prefix("total="))?;
    Some(total.parse::<u64>().ok()? * 1000)
}

fn load_1min() -> Option<f64> {
    read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_what_linux_writes() {
        let stat = "cpu  1101957 16601 162629 3337036 8441 0 947 405 0 0\ncpu0 1 2 3\n";
        assert_eq!(steal_in(stat), Some(4_050_000_000));
        assert_eq!(steal_in("cpu 1 2\n"), None);
        let pressure = "some avg10=2.78 avg60=6.02 avg300=4.23 total=1010857484\nfull total=0\n";
        assert_eq!(pressure_in(pressure), Some(1_010_857_484_000));
        let group = "usage_usec 5\nnr_throttled 2\nthrottled_usec 77\n";
        assert_eq!(field(group, "throttled_usec"), Some(77));
        assert_eq!(field(group, "throttled"), None);
    }

    #[test]
    fn what_happened_is_a_difference() {
        let before = Snapshot::take();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let between = Snapshot::take().since(&before);
        assert!(between.span_ns >= 2_000_000);
        assert!(between.steal_ns < 60_000_000_000);
    }
}
