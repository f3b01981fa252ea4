//! What else happens on the machine while samples are taken, and the CPU quota of this process. The
//! system counts what happens; the difference of two readings belongs to the sample between them.
//! Only Linux has these counters and this quota.

use fib_report::Surroundings;
use std::time::Instant;

/// The CPU quota of this process as a number of CPUs, if there is one.
pub(crate) fn quota_cpus() -> Option<f64> {
    system::quota_cpus()
}

/// The counters at one moment.
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
            steal_ns: system::steal_ns().unwrap_or(0),
            throttled_ns: system::throttled_ns().unwrap_or(0),
            cpu_pressure_ns: system::cpu_pressure_ns(),
            load_1min: system::load_1min(),
        }
    }

    /// What happened between `earlier` and this snapshot.
    pub(crate) fn since(&self, earlier: &Snapshot) -> Surroundings {
        let pressure = self.cpu_pressure_ns.zip(earlier.cpu_pressure_ns);
        Surroundings {
            span_ns: (self.taken - earlier.taken).as_nanos() as u64, // less than five centuries
            steal_ns: self.steal_ns.saturating_sub(earlier.steal_ns),
            throttled_ns: self.throttled_ns.saturating_sub(earlier.throttled_ns),
            cpu_pressure_ns: pressure.map(|(now, then)| now.saturating_sub(then)),
            load_1min: self.load_1min,
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use procfs::process::Process;
    use procfs::{CpuPressure, Current, CurrentSI, KernelStats, LoadAverage};
    use std::fs::read_to_string;
    use std::path::{Path, PathBuf};

    /// The steal time of all CPUs together. The system counts it in ticks of usually 10 ms.
    pub(super) fn steal_ns() -> Option<u64> {
        let ticks = KernelStats::current().ok()?.total.steal?;
        Some(ticks * (1_000_000_000 / procfs::ticks_per_second().max(1)))
    }

    /// How long the CPU quota has stopped the control group of this process. With control groups of
    /// version 1 it is the time of the root group.
    pub(super) fn throttled_ns() -> Option<u64> {
        let version_2 = control_group().and_then(|group| {
            let stat = read_to_string(group.join("cpu.stat")).ok()?;
            field(&stat, "throttled_usec").map(|us| us * 1000)
        });
        let version_1 =
            || field(&read_to_string("/sys/fs/cgroup/cpu/cpu.stat").ok()?, "throttled_time");
        version_2.or_else(version_1)
    }

    /// The folder of the control group of this process (version 2).
    fn control_group() -> Option<PathBuf> {
        let groups = Process::myself().and_then(|process| process.cgroups()).ok()?;
        let unified = groups.into_iter().find(|group| group.hierarchy == 0)?;
        Some(PathBuf::from(format!("/sys/fs/cgroup{}", unified.pathname)))
    }

    /// The CPU quota of this process as a number of CPUs: the smallest of its control group and of
    /// the groups around it. With version 1 it is the quota of the root group.
    pub(super) fn quota_cpus() -> Option<f64> {
        let version_2 = |group: &Path| {
            let max = read_to_string(group.join("cpu.max")).ok()?;
            let (quota, period) = max.trim().split_once(' ')?;
            Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
        };
        let number = |file: &str| -> Option<f64> {
            read_to_string(format!("/sys/fs/cgroup/cpu/{file}")).ok()?.trim().parse().ok()
        };
        let version_1 = || {
            let quota = number("cpu.cfs_quota_us").filter(|quota| *quota > 0.0)?;
            Some(quota / number("cpu.cfs_period_us")?)
        };
        let smallest =
            |group: PathBuf| group.ancestors().filter_map(version_2).min_by(f64::total_cmp);
        control_group().and_then(smallest).or_else(version_1)
    }

    fn field(text: &str, name: &str) -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    }

    pub(super) fn cpu_pressure_ns() -> Option<u64> {
        Some(CpuPressure::current().ok()?.some.total * 1000)
    }

    pub(super) fn load_1min() -> Option<f64> {
        let load = f64::from(LoadAverage::current().ok()?.one);
        Some((load * 100.0).round() / 100.0)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_field_is_found_by_its_whole_name() {
            let group = "usage_usec 5\nnr_throttled 2\nthrottled_usec 77\n";
            assert_eq!(field(group, "throttled_usec"), Some(77));
            assert_eq!(field(group, "throttled"), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn steal_ns() -> Option<u64> {
        None
    }
    pub(super) fn throttled_ns() -> Option<u64> {
        None
    }
    pub(super) fn quota_cpus() -> Option<f64> {
        None
    }
    pub(super) fn cpu_pressure_ns() -> Option<u64> {
        None
    }
    pub(super) fn load_1min() -> Option<f64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surroundings_are_the_difference_of_two_snapshots() {
        let earlier = Snapshot::take();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let between = Snapshot::take().since(&earlier);
        assert!(between.span_ns >= 2_000_000);
        assert!(between.steal_ns < 60_000_000_000);
    }
}
