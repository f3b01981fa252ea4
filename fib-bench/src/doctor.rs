//! What this machine is and how noisy it is now: whether a difference can be told here.

use crate::analysis::{Matrix, Row};
use crate::stats::Estimate;
use std::fs::read_to_string;
use std::time::{Duration, Instant};

/// Something about this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub name: &'static str,
    /// What is so.
    pub text: String,
}

fn fact(name: &'static str, text: impl Into<String>) -> Fact {
    Fact { name, text: text.into() }
}

/// What is known without measuring, `matrix` being any comparison that was taken here.
pub fn facts(matrix: &Matrix) -> Vec<Fact> {
    let machine = &matrix.header.machine;
    let (logical, usable) = (machine.logical_cpus, matrix.header.cores);
    let allowed = match usable {
        _ if usable < logical => "affinity or a quota keeps this process from the others",
        _ => "all of them",
    };
    let load = machine.load_1min;
    vec![
        fact("processor", format!("{}, {}", machine.cpu, machine.arch)),
        fact("system", format!("{}, kernel {}", machine.os, machine.kernel)),
        fact("CPUs", format!("{logical}, of which {usable} may be used: {allowed}")),
        fact("SMT", smt()),
        fact("affinity", allowed_cpus().unwrap_or_else(|| "unknown".into())),
        fact("quota", quota().unwrap_or_else(|| "none".into())),
        fact("governor", governor()),
        fact("clock", clock()),
        fact("load", load.map_or("unknown".into(), |load| load_in_words(load, usable))),
    ]
}

/// What a comparison of the baseline with itself says of the noise here.
pub fn noise(row: &Row) -> Vec<Fact> {
    let reach = |estimate: &Estimate| {
        estimate.reach().map_or("?".into(), |reach| format!("{:.1}%", reach * 100.0))
    };
    let floor = row.noise.as_ref().map_or("unknown".into(), |noise| {
        let off = (noise.median - 1.0) * 100.0;
        format!(
            "{off:+.1}% ± {} between the baseline and itself, {} rounds",
            reach(noise),
            row.rounds
        )
    });
    let mut facts = vec![fact("noise floor", floor)];
    for (copies, ceiling) in &row.ceilings {
        let text =
            format!("{copies} CPUs at once give {:.2} of one ± {}", ceiling.median, reach(ceiling));
        facts.push(fact("ceiling", text));
    }
    facts
}

/// The differences that are asked about, smallest first.
const DIFFERENCES: [f64; 3] = [0.01, 0.05, 0.20];

/// The smallest of 1 %, 5 % and 20 % that can be told here within seconds, as a part; `None` if
/// none.
pub fn resolution(row: &Row) -> Option<f64> {
    let (low, high) = row.noise?.interval?;
    let floor = (1.0 / low).max(high) - 1.0;
    // Parallel work is as uncertain as what the CPUs give together.
    let ceilings = row.ceilings.values().filter_map(Estimate::reach);
    let floor = ceilings.fold(floor, f64::max);
    DIFFERENCES.into_iter().find(|difference| floor <= *difference)
}

/// The same in words.
pub fn verdict(row: &Row) -> String {
    match resolution(row) {
        Some(part) if part == DIFFERENCES[0] => {
            "this machine can tell a difference of 1 % within seconds".into()
        }
        Some(part) => format!(
            "this machine can tell a difference of {:.0} % within seconds, and no smaller one;\n\
             more time (--time) or less company helps",
            part * 100.0
        ),
        None => {
            "this machine cannot tell a difference of 20 % now: something else is running on it, \
                 or on its host"
                .into()
        }
    }
}

fn smt() -> String {
    let siblings = read_to_string("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list");
    match siblings.as_deref().map(str::trim) {
        Ok(alone) if !alone.contains([',', '-']) => {
            "off: no CPU shares a core, as far as is told".into()
        }
        Ok(shared) => format!("on: CPUs {shared} share a core, and two of them are less than two"),
        Err(_) => "unknown".into(),
    }
}

fn allowed_cpus() -> Option<String> {
    let status = read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(format!("CPUs {}", list.trim()))
}

/// Of the control group, version 2 or 1.
fn quota() -> Option<String> {
    let of = |used: f64, period: f64| format!("{:.2} CPUs' worth of time", used / period);
    if let Ok(max) = read_to_string("/sys/fs/cgroup/cpu.max") {
        let (used, period) = max.trim().split_once(' ')?;
        return Some(of(used.parse().ok()?, period.parse().ok()?));
    }
    let number = |file: &str| -> Option<f64> {
        read_to_string(format!("/sys/fs/cgroup/cpu/{file}")).ok()?.trim().parse().ok()
    };
    let used = number("cpu.cfs_quota_us").filter(|used| *used > 0.0)?;
    Some(of(used, number("cpu.cfs_period_us")?))
}

fn governor() -> String {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    match read_to_string(path).as_deref().map(str::trim) {
        Ok("performance") => "performance".into(),
        Ok(other) => format!("{other}: the clock rate may follow the load"),
        Err(_) => "not told, as in most virtual machines".into(),
    }
}

/// The smallest step of the clock, and what it costs to look at it.
fn clock() -> String {
    const LOOKS: u32 = 10_000;
    let begin = Instant::now();
    let mut last = begin;
    let mut step = Duration::MAX;
    for _ in 0..LOOKS {
        let now = Instant::now();
        if now > last {
            step = step.min(now - last);
        }
        last = now;
    }
    let cost = (last - begin) / LOOKS;
    format!("steps of {} ns, {} ns a look", step.as_nanos(), cost.as_nanos())
}

fn load_in_words(load: f64, cores: usize) -> String {
    let busy = match load / cores as f64 {
        part if part < 0.1 => "idle",
        part if part < 0.5 => "something is running",
        _ => "busy: wait, or expect wide intervals",
    };
    format!("{load:.2} over the last minute, {busy}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::analyse;
    use crate::analysis::tests::{header, rounds};

    fn row(interval: (f64, f64), ceiling: (f64, f64)) -> Row {
        let matrix = analyse(header(&[], &[2]), &rounds(&[]));
        let mut row = matrix.rows[0].clone();
        row.noise = Some(Estimate { median: 1.0, interval: Some(interval) });
        let ceiling = Estimate { median: 2.0, interval: Some(ceiling) };
        row.ceilings = [(2, ceiling)].into();
        row
    }

    #[test]
    fn the_verdict_follows_the_wider_of_noise_and_ceiling() {
        assert_eq!(resolution(&row((0.995, 1.004), (1.99, 2.01))), Some(0.01));
        assert_eq!(resolution(&row((0.96, 1.004), (1.99, 2.01))), Some(0.05));
        assert_eq!(resolution(&row((0.995, 1.004), (1.7, 2.01))), Some(0.20));
        assert_eq!(resolution(&row((0.5, 1.004), (1.99, 2.01))), None);
        let unknown = Row { noise: None, ..row((0.9, 1.1), (1.9, 2.1)) };
        assert_eq!(resolution(&unknown), None);
    }

    #[test]
    fn everything_is_told_somehow() {
        let matrix = analyse(header(&[], &[2]), &rounds(&[]));
        let facts = facts(&matrix);
        assert!(facts.iter().all(|fact| !fact.text.is_empty()));
        assert_eq!(facts[2].text, "2, of which 2 may be used: all of them");
        let noise = noise(&matrix.rows[0]);
        assert_eq!(noise[0].text, "+0.0% ± 1.0% between the baseline and itself, 20 rounds");
        assert_eq!(noise[1].text, "2 CPUs at once give 1.60 of one ± 0.0%");
    }

    #[test]
    fn load_has_a_name() {
        assert!(load_in_words(0.05, 2).contains("idle"));
        assert!(load_in_words(0.5, 2).contains("something"));
        assert!(load_in_words(3.0, 2).contains("busy"));
    }
}
