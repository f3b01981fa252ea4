//! The facts about this machine, how noisy it is now, and how small a difference it can measure.

use crate::surroundings::quota_cpus;
use fib_report::{Ceiling, Estimate, Matrix, Row};
use std::fs::read_to_string;
use std::time::{Duration, Instant};

/// A fact about this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What the fact is about.
    pub name: &'static str,
    /// The fact, in words.
    pub text: String,
}

fn fact(name: &'static str, text: impl Into<String>) -> Fact {
    Fact { name, text: text.into() }
}

/// The facts that need no measuring. `matrix` is any measurement on this machine.
pub fn facts(matrix: &Matrix) -> Vec<Fact> {
    let machine = &matrix.header.machine;
    let (logical, usable) = (machine.logical_cpus, matrix.header.cores);
    let allowed = match usable {
        _ if usable < logical => "affinity or a quota excludes the others",
        _ => "all of them",
    };
    let load = machine.load_1min;
    vec![
        fact("processor", format!("{}, {}", machine.cpu, machine.arch)),
        fact("system", format!("{}, kernel {}", machine.os, machine.kernel)),
        fact("CPUs", format!("{logical}; this process may use {usable}: {allowed}")),
        fact("SMT", smt()),
        fact("affinity", allowed_cpus().unwrap_or_else(|| "unknown".into())),
        fact("quota", quota_cpus().map_or("none".into(), quota_in_words)),
        fact("governor", governor()),
        fact("clock", clock()),
        fact("load", load.map_or("unknown".into(), |load| load_in_words(load, usable))),
    ]
}

/// The noise on this machine, from a comparison of the baseline with itself.
pub fn noise(row: &Row) -> Vec<Fact> {
    let half_width = |estimate: &Estimate| {
        estimate.half_width().map_or("unknown".into(), |half| format!("{:.1}%", half * 100.0))
    };
    let floor = row.noise.as_ref().map_or("unknown".into(), |noise| {
        let off = (noise.median - 1.0) * 100.0;
        format!(
            "{off:+.1}% ± {} between two runs of the baseline, {} rounds",
            half_width(noise),
            row.rounds
        )
    });
    let mut facts = vec![fact("noise", floor)];
    for Ceiling { copies, speedup, .. } in &row.ceilings {
        let text = format!(
            "{copies} CPUs at once do the work of {:.2} CPUs (± {})",
            speedup.median,
            half_width(speedup)
        );
        facts.push(fact("ceiling", text));
    }
    facts
}

/// The differences that the verdict names, smallest first.
const DIFFERENCES: [f64; 3] = [0.02, 0.05, 0.20];

/// The smallest of 2 %, 5 % and 20 % that can be measured here within seconds, as a share; `None`
/// if none of them can.
pub fn resolution(row: &Row) -> Option<f64> {
    let (low, high) = row.noise?.interval?;
    let floor = (1.0 / low).max(high) - 1.0;
    // Parallel runs are as uncertain as the ceiling.
    let ceilings = row.ceilings.iter().filter_map(|ceiling| ceiling.speedup.half_width());
    let floor = ceilings.fold(floor, f64::max);
    DIFFERENCES.into_iter().find(|difference| floor <= *difference)
}

/// The [`resolution`] as a sentence.
pub fn verdict(row: &Row) -> String {
    match resolution(row) {
        Some(part) if part == DIFFERENCES[0] => {
            "differences of 2% can be measured within seconds".into()
        }
        Some(part) => format!(
            "differences of {:.0}% can be measured within seconds, smaller ones cannot;\n\
             more time (--time) and fewer other programs help",
            part * 100.0
        ),
        None => {
            "differences below 20% cannot be measured right now; close other programs and try again"
                .into()
        }
    }
}

fn smt() -> String {
    let siblings = read_to_string("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list");
    match siblings.as_deref().map(str::trim) {
        Ok(alone) if !alone.contains([',', '-']) => {
            "off: the system reports no two CPUs that share a core".into()
        }
        Ok(shared) => {
            format!("on: CPUs {shared} share a core, so together they do less than the work of two")
        }
        Err(_) => "unknown".into(),
    }
}

/// The CPUs that this process may run on.
fn allowed_cpus() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        let status = procfs::process::Process::myself().ok()?.status().ok()?;
        let range = |(first, last): (u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        let ranges: Vec<String> = status.cpus_allowed_list?.into_iter().map(range).collect();
        Some(format!("CPUs {}", ranges.join(",")))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

fn governor() -> String {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    match read_to_string(path).as_deref().map(str::trim) {
        Ok("performance") => "performance".into(),
        Ok(other) => format!("{other}: the clock rate may change with the load"),
        Err(_) => "unknown, as in most virtual machines".into(),
    }
}

/// The smallest step of the clock, and the time to read it.
fn clock() -> String {
    const READS: u32 = 10_000;
    let start = Instant::now();
    let mut last = start;
    let mut step = Duration::MAX;
    for _ in 0..READS {
        let now = Instant::now();
        if now > last {
            step = step.min(now - last);
        }
        last = now;
    }
    let cost = (last - start) / READS;
    format!("steps of {} ns; reading it takes {} ns", step.as_nanos(), cost.as_nanos())
}

fn quota_in_words(cpus: f64) -> String {
    format!("the CPU time of {cpus:.2} CPUs")
}

fn load_in_words(load: f64, cores: usize) -> String {
    let busy = match load / cores as f64 {
        part if part < 0.1 => "idle",
        part if part < 0.5 => "another program is running",
        _ => "busy: wait, or expect wide intervals",
    };
    format!("{load:.2} over the last minute, {busy}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fib_report::{Header, Study, analyse};
    use std::collections::BTreeMap;

    /// An empty measurement of this machine.
    fn matrix() -> Matrix {
        let batches = crate::Scenario::by_name("10xF100").map(|scenario| scenario.batch());
        let plan = crate::Plan::new(Study::Compare, batches.into_iter().collect(), vec![]);
        let header = Header { cores: 2, ..crate::header(&plan) };
        analyse(header, &[]).matrix
    }

    fn row(interval: (f64, f64), ceiling: (f64, f64)) -> Row {
        let mut row = matrix().rows[0].clone();
        row.noise = Some(Estimate { median: 1.0, interval: Some(interval) });
        let speedup = Estimate { median: 2.0, interval: Some(ceiling) };
        row.ceilings = vec![Ceiling {
            kernel: "iterative".into(),
            copies: 2,
            speedup,
            by_round: BTreeMap::new(),
        }];
        row
    }

    #[test]
    fn the_verdict_follows_the_wider_of_noise_and_ceiling() {
        assert_eq!(resolution(&row((0.995, 1.004), (1.99, 2.01))), Some(0.02));
        assert_eq!(resolution(&row((0.96, 1.004), (1.99, 2.01))), Some(0.05));
        assert_eq!(resolution(&row((0.995, 1.004), (1.7, 2.01))), Some(0.20));
        assert_eq!(resolution(&row((0.5, 1.004), (1.99, 2.01))), None);
        let unknown = Row { noise: None, ..row((0.9, 1.1), (1.9, 2.1)) };
        assert_eq!(resolution(&unknown), None);
    }

    #[test]
    fn every_fact_has_words() {
        let mut matrix = matrix();
        matrix.header.machine.logical_cpus = 2;
        let facts = facts(&matrix);
        assert!(facts.iter().all(|fact| !fact.text.is_empty()));
        assert_eq!(facts[2].text, "2; this process may use 2: all of them");
        let noise = noise(&row((0.99, 1.01), (2.0, 2.0)));
        assert_eq!(noise[0].text, "+0.0% ± 1.0% between two runs of the baseline, 0 rounds");
        assert_eq!(noise[1].text, "2 CPUs at once do the work of 2.00 CPUs (± 0.0%)");
    }

    #[test]
    fn load_has_a_name() {
        assert!(load_in_words(0.05, 2).contains("idle"));
        assert!(load_in_words(0.5, 2).contains("another"));
        assert!(load_in_words(3.0, 2).contains("busy"));
    }
}
