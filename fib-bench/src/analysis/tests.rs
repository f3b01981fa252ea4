//! The analysis on literal samples: what comes out is known by hand.

use super::*;
use crate::record::Machine;
use std::collections::BTreeMap;

pub(crate) fn header(backends: &[&str], workers: &[usize]) -> Header {
    Header {
        schema_version: 1,
        version: "0.1.0".into(),
        command: "fib compare".into(),
        started_unix_s: 0,
        machine: Machine {
            cpu: "Test CPU".into(),
            logical_cpus: 2,
            os: "Test OS".into(),
            kernel: "1.0".into(),
            arch: "x86_64".into(),
            load_1min: Some(0.0),
        },
        cores: 2,
        compiler: "rustc".into(),
        flags: "none".into(),
        crates: BTreeMap::new(),
        seed: 1,
        kernel: "iterative".into(),
        chunking: "balanced:8".into(),
        pin: false,
        budget_s: 1.0,
        confidence: 0.99,
        backends: backends.iter().map(|&name| name.into()).collect(),
        workers: workers.to_vec(),
        scenarios: vec![ScenarioHead {
            name: "batch".into(),
            summary: "a batch".into(),
            best_shares: true,
            cells_share: false,
        }],
        comparisons: backends.len() * workers.len(),
    }
}

pub(crate) fn sample(role: Role, backend: &str, workers: usize, round: usize, us: f64) -> Sample {
    Sample {
        scenario: "batch".into(),
        role,
        backend: backend.into(),
        workers,
        round,
        repeats: 2,
        wall_ns: (us * 2000.0) as u64,
        status: Status::Ok,
        message: None,
    }
}

/// Twenty rounds on a machine whose speed drifts by a factor of three, with a baseline of 1000 us,
/// two copies of which take 1250 us together (a ceiling of 1.6), and these cells.
pub(crate) fn rounds(cells: &[(&str, usize, f64)]) -> Vec<Sample> {
    let of_round = |round: usize| {
        let drift = 1.0 + 2.0 * (round % 5) as f64 / 4.0;
        let jitter = 1.0 + 0.01 * ((round % 3) as f64 - 1.0); // -1, 0, +1 %
        let controls = [
            (Role::Baseline, 1, 1000.0),
            (Role::Control, 1, 1000.0 * jitter),
            (Role::Whole, 1, 1100.0),
            (Role::Best, 1, 10.0),
            (Role::Ceiling, 2, 1250.0),
        ];
        let controls = controls
            .map(|(role, workers, us)| sample(role, "sequential", workers, round, us * drift));
        let cells = cells
            .iter()
            .map(move |&(name, workers, us)| sample(Role::Cell, name, workers, round, us * drift));
        controls.into_iter().chain(cells).collect::<Vec<_>>()
    };
    (0..20).flat_map(of_round).collect()
}

fn close(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 0.006 // half of the jitter of the control
}

#[test]
fn drift_cancels_and_quantities_follow_their_formulas() {
    let cells = [("fast", 2, 640.0), ("slow", 2, 2000.0), ("same", 2, 1003.0)];
    let matrix = analyse(header(&["fast", "slow", "same"], &[2]), &rounds(&cells));
    let row = &matrix.rows[0];
    assert_eq!(row.rounds, 20);
    let [fast, slow, same] = &row.cells[..] else { panic!("three cells: {:?}", row.cells) };
    assert!(close(fast.speedup.unwrap().median, 1000.0 / 640.0));
    assert!(close(fast.of_ceiling.unwrap().median, 1000.0 / 640.0 / 1.6));
    // 640 us less the ideal 625 us, times a median drift of 2.
    assert!((fast.overhead_ns.unwrap() / 30_000.0 - 1.0).abs() < 0.25, "{:?}", fast.overhead_ns);
    assert!(close(fast.wall_ns.unwrap(), 1_280_000.0));
    assert_eq!(fast.verdict, Some(Verdict::Faster));
    assert_eq!(slow.verdict, Some(Verdict::Slower));
    assert_eq!(same.verdict, Some(Verdict::Tie));
    assert!(close(row.ceilings[&2].median, 1.6));
    assert!(close(row.whole_ns.unwrap(), 2_200_000.0));
    assert!(close(row.best.speedup.unwrap().median, 100.0));
    assert!(row.best.shared && !fast.shared);
    let (low, high) = row.noise.unwrap().interval.unwrap();
    assert!((0.985..1.0).contains(&low) && (1.0..1.015).contains(&high), "{low} {high}");
}

#[test]
fn cells_keep_the_order_of_the_plan_whatever_the_order_of_the_rounds() {
    let cells = [("b", 2, 700.0), ("a", 2, 600.0), ("b", 1, 1000.0), ("a", 1, 1000.0)];
    let matrix = analyse(header(&["a", "b"], &[1, 2]), &rounds(&cells));
    let names: Vec<_> =
        matrix.rows[0].cells.iter().map(|cell| (cell.backend.as_str(), cell.workers)).collect();
    assert_eq!(names, [("a", 1), ("b", 1), ("a", 2), ("b", 2)]);
}

#[test]
fn one_wrong_round_voids_a_cell_and_no_other() {
    let mut samples = rounds(&[("liar", 2, 1.0), ("honest", 2, 640.0)]);
    let liar = samples.iter_mut().filter(|s| s.backend == "liar").nth(7).unwrap();
    (liar.status, liar.message) = (Status::Wrong, Some("the result is wrong".into()));
    let matrix = analyse(header(&["liar", "honest"], &[2]), &samples);
    let [liar, honest] = &matrix.rows[0].cells[..] else { panic!("two cells") };
    assert_eq!((liar.status, liar.rounds), (Status::Wrong, 0));
    assert!(liar.speedup.is_none() && liar.wall_ns.is_none() && liar.verdict.is_none());
    assert_eq!((honest.status, honest.rounds), (Status::Ok, 20));
}

#[test]
fn few_rounds_prove_nothing() {
    let samples: Vec<Sample> =
        rounds(&[("fast", 2, 500.0)]).into_iter().filter(|s| s.round < 5).collect();
    let matrix = analyse(header(&["fast"], &[2]), &samples);
    let fast = &matrix.rows[0].cells[0];
    assert!(close(fast.speedup.unwrap().median, 2.0));
    assert_eq!((fast.speedup.unwrap().interval, fast.verdict), (None, Some(Verdict::Tie)));
}

#[test]
fn no_samples_are_no_panic() {
    let matrix = analyse(header(&["fast"], &[2]), &[]);
    let row = &matrix.rows[0];
    assert!(row.cells.is_empty() && row.noise.is_none() && row.sequential.wall_ns.is_none());
}
