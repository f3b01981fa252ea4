//! The analysis of literal samples whose results can be computed by hand.

use super::*;
use crate::analyse::{Analysis, analyse};
use crate::record::{
    BackendHead, BaselineCell, EngineHead, MARGIN, Machine, SCHEMA_VERSION, Study,
};
use crate::sample::{SampleUsage, Surroundings};
use fib_core::{Chunking, Scheduling};
use std::collections::BTreeMap;

pub(crate) fn header(backends: &[&str], workers: &[usize]) -> Header {
    Header {
        schema_version: SCHEMA_VERSION,
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
        host: None,
        label: None,
        cores: 2,
        compiler: "rustc".into(),
        flags: "none".into(),
        crates: BTreeMap::new(),
        seed: 1,
        kernel: "iterative".into(),
        kernels: BTreeMap::new(),
        pin: false,
        budget_s: 1.0,
        margin: MARGIN,
        backends: backends.iter().map(|label| head(label)).collect(),
        workers: workers.to_vec(),
        scenarios: vec![ScenarioHead {
            name: "batch".into(),
            summary: "a batch".into(),
            items: 1000,
            modulus: None,
            index: None,
            workers: None,
            indices: None,
            best_shares: true,
            cells_share: false,
        }],
        comparisons: backends.len() * workers.len(),
        study: Study::Compare,
        baseline: BaselineCell::default(),
        engines: vec![],
        width: None,
        explain: false,
        limit_s: None,
    }
}

pub(crate) fn head(label: &str) -> BackendHead {
    let (label, name) = (label.to_owned(), label.to_owned());
    let (scheduling, chunking) = (Scheduling::Dynamic, Chunking::default());
    BackendHead { label, name, scheduling, chunking, forks_in_turn: false }
}

pub(crate) fn sample(role: Role, backend: &str, workers: usize, round: usize, us: f64) -> Sample {
    Sample {
        scenario: "batch".into(),
        round,
        repeats: 2,
        ..Sample::new(role, backend, workers, (us * 2000.0) as u64)
    }
}

/// Twenty rounds with these cells, on a machine whose speed drifts by a factor of three. The
/// baseline takes 1000 us, and two copies of it together take 1250 us (a ceiling of 1.6).
pub(crate) fn rounds(cells: &[(&str, usize, f64)]) -> Vec<Sample> {
    let one_round = |round: usize| {
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
            .map(|(role, workers, us)| (role, role_label(role), workers, us * drift))
            .map(|(role, label, workers, us)| sample(role, label, workers, round, us));
        let cells = cells
            .iter()
            .map(move |&(name, workers, us)| sample(Role::Cell, name, workers, round, us * drift));
        controls.into_iter().chain(cells).collect::<Vec<_>>()
    };
    (0..20).flat_map(one_round).collect()
}

/// The label of this role in records.
fn role_label(role: Role) -> &'static str {
    match role {
        Role::Ceiling => "copies",
        Role::Whole => "whole",
        _ => "sequential",
    }
}

fn close(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 0.006 // half of the jitter of the control
}

#[test]
fn drift_cancels_and_quantities_follow_their_formulas() {
    let cells = [("fast", 2, 640.0), ("slow", 2, 2000.0), ("same", 2, 1003.0)];
    let Analysis { matrix, .. } = analyse(header(&["fast", "slow", "same"], &[2]), &rounds(&cells));
    let row = &matrix.rows[0];
    assert_eq!(row.rounds, 20);
    let [fast, slow, same] = &row.cells[..] else { panic!("three cells: {:?}", row.cells) };
    assert!(close(fast.speedup.unwrap().median, 1000.0 / 640.0));
    assert!(close(fast.of_ceiling.unwrap().median, 1000.0 / 640.0 / 1.6));
    // 640 us minus the ideal 625 us, times a median drift of 2.
    let overhead = fast.overhead_ns.unwrap();
    assert!((overhead.median / 30_000.0 - 1.0).abs() < 0.25, "{overhead:?}");
    assert!(close(fast.wall_ns.unwrap(), 1_280_000.0));
    assert_eq!(fast.verdict, Some(Verdict::Faster));
    assert_eq!(slow.verdict, Some(Verdict::Slower));
    assert_eq!((same.verdict, same.equal_within), (Some(Verdict::Equal(0.01)), Some(0.01)));
    assert!(fast.leads && !slow.leads && !same.leads);
    assert!(close(row.ceiling(2).unwrap().median, 1.6));
    assert!(close(row.whole_ns.unwrap(), 2_200_000.0));
    let best = row.best.as_ref().unwrap();
    assert!(close(best.speedup.unwrap().median, 100.0));
    assert!(best.shared && !fast.shared);
    let (low, high) = row.noise.unwrap().interval.unwrap();
    assert!((0.985..1.0).contains(&low) && (1.0..1.015).contains(&high), "{low} {high}");
}

#[test]
fn cells_keep_the_order_of_the_plan_whatever_the_order_of_the_rounds() {
    let cells = [("b", 2, 700.0), ("a", 2, 600.0), ("b", 1, 1000.0), ("a", 1, 1000.0)];
    let Analysis { matrix, .. } = analyse(header(&["a", "b"], &[1, 2]), &rounds(&cells));
    let names: Vec<_> =
        matrix.rows[0].cells.iter().map(|cell| (cell.backend.as_str(), cell.workers)).collect();
    assert_eq!(names, [("a", 1), ("b", 1), ("a", 2), ("b", 2)]);
}

#[test]
fn one_wrong_round_voids_a_cell_and_no_other() {
    let mut samples = rounds(&[("liar", 2, 1.0), ("honest", 2, 640.0)]);
    let liar = samples.iter_mut().filter(|s| s.backend == "liar").nth(7).unwrap();
    (liar.status, liar.message) = (Status::Wrong, Some("the result is wrong".into()));
    let Analysis { matrix, .. } = analyse(header(&["liar", "honest"], &[2]), &samples);
    let [liar, honest] = &matrix.rows[0].cells[..] else { panic!("two cells") };
    assert_eq!((liar.status, liar.rounds), (Status::Wrong, 0));
    assert!(liar.speedup.is_none() && liar.wall_ns.is_none() && liar.verdict.is_none());
    assert_eq!((honest.status, honest.rounds), (Status::Ok, 20));
}

#[test]
fn few_rounds_prove_nothing() {
    let samples: Vec<Sample> =
        rounds(&[("fast", 2, 500.0)]).into_iter().filter(|s| s.round < 5).collect();
    let Analysis { matrix, .. } = analyse(header(&["fast"], &[2]), &samples);
    let fast = &matrix.rows[0].cells[0];
    assert!(close(fast.speedup.unwrap().median, 2.0));
    assert_eq!((fast.speedup.unwrap().interval, fast.verdict), (None, Some(Verdict::Unresolved)));
}

#[test]
fn no_samples_give_an_empty_row() {
    let Analysis { matrix, .. } = analyse(header(&["fast"], &[2]), &[]);
    let row = &matrix.rows[0];
    assert!(row.cells.is_empty() && row.noise.is_none() && row.baseline.wall_ns.is_none());
}

#[test]
fn rounds_are_dropped_for_what_the_machine_did_and_not_for_their_time() {
    let mut samples = rounds(&[("fast", 2, 640.0)]);
    let quiet = Surroundings { span_ns: 10_000_000, ..Surroundings::default() };
    for sample in &mut samples {
        sample.surroundings = Some(quiet);
    }
    // A slow sample in a quiet moment counts. Rounds of 60 ms with much steal or throttling do not.
    let mut cells: Vec<&mut Sample> = samples.iter_mut().filter(|s| s.role == Role::Cell).collect();
    cells[0].wall_ns *= 1000;
    cells[1].surroundings = Some(Surroundings { steal_ns: 10_000_000, ..quiet });
    cells[2].surroundings = Some(Surroundings { throttled_ns: 1_300_000, ..quiet });
    // The limit of steal is for both CPUs together, so this is below it.
    cells[3].surroundings = Some(Surroundings { steal_ns: 1_300_000, ..quiet });
    let row = &analyse(header(&["fast"], &[2]), &samples).matrix.rows[0];
    assert_eq!((row.dropped, row.cells[0].rounds, row.disturbed), (2, 18, false));
    // On a machine that is always disturbed, nothing else is left to count.
    for sample in &mut samples {
        sample.surroundings = Some(Surroundings { steal_ns: 10_000_000, ..quiet });
    }
    let row = &analyse(header(&["fast"], &[2]), &samples).matrix.rows[0];
    assert_eq!((row.dropped, row.cells[0].rounds, row.disturbed), (0, 20, true));
}

/// D4: a fault counts even if its round does not, and a wrong first batch voids the backend.
#[test]
fn no_fault_is_lost() {
    let void = |change: &dyn Fn(&mut Sample)| {
        let mut samples = rounds(&[("liar", 2, 640.0)]);
        let cold = samples.iter().filter(|s| s.backend == "liar").cloned();
        let cold: Vec<Sample> = cold.map(|s| Sample { role: Role::Cold, ..s }).collect();
        let traced = cold.iter().cloned().map(|s| Sample { role: Role::Traced, ..s });
        samples.extend(traced.collect::<Vec<_>>());
        samples.extend(cold);
        for sample in &mut samples {
            sample.usage = Some(SampleUsage { cpu_ns: 1, ..SampleUsage::default() });
            if sample.backend == "liar" && sample.round == 7 {
                change(sample);
            }
        }
        analyse(header(&["liar"], &[2]), &samples).matrix.rows[0].cells[0].clone()
    };
    let good = void(&|_| {});
    assert!(good.status == Status::Ok && good.cpus.is_some() && good.cold_speedup.is_some());
    let steal = Surroundings { span_ns: 1, steal_ns: 1, ..Surroundings::default() };
    for role in [Role::Cell, Role::Cold, Role::Traced] {
        let cell = void(&|sample| {
            if sample.role == role {
                (sample.status, sample.surroundings) = (Status::Wrong, Some(steal));
            }
        });
        assert_eq!((cell.status, cell.rounds), (Status::Wrong, 0), "{role:?}");
        assert!(cell.wall_ns.is_none() && cell.speedup.is_none() && cell.cpus.is_none());
        assert!(cell.cold_speedup.is_none() && cell.verdict.is_none() && cell.losses.is_none());
    }
}

/// D6 and D7: the baseline is the geometric mean of A and A', and its speedup over itself is 1.
#[test]
fn the_baseline_of_a_round_is_the_mean_of_both() {
    let mut samples = rounds(&[("same", 1, 1000.0)]);
    for sample in samples.iter_mut().filter(|sample| sample.role == Role::Control) {
        sample.wall_ns = sample.wall_ns * 121 / 100;
    }
    let row = &analyse(header(&["same"], &[1]), &samples).matrix.rows[0];
    assert!(close(row.baseline.wall_ns.unwrap(), 2_200_000.0));
    assert_eq!(row.baseline.speedup.unwrap().interval, Some((1.0, 1.0)));
    assert!(close(row.cells[0].speedup.unwrap().median, 1.1));
    assert!(row.noise_floor_failed());
}

/// The copies need 1000 us and 1500 us: together they do 1/1000 + 1/1500 batches in a microsecond.
#[test]
fn the_ceiling_adds_the_rates_of_the_copies() {
    let mut samples = rounds(&[("fast", 2, 640.0)]);
    for sample in samples.iter_mut().filter(|sample| sample.role == Role::Ceiling) {
        let ns = sample.wall_ns as f64 / 1250.0;
        sample.copies_ns = Some(vec![(ns * 1000.0) as u64, (ns * 1500.0) as u64]);
    }
    let row = &analyse(header(&["fast"], &[2]), &samples).matrix.rows[0];
    assert!(close(row.ceiling(2).unwrap().median, 1.0 + 1.0 / 1.5));
    assert!(close(row.cells[0].of_ceiling.unwrap().median, 1.5625 / (5.0 / 3.0)));
}

/// D12 and D9: rounds are those of the interval, and the first batch is compared in its own rounds.
#[test]
fn rounds_are_those_that_have_a_ratio() {
    let samples = rounds(&[("fast", 2, 640.0)]);
    let gone = |s: &Sample| s.role == Role::Control && s.round < 3;
    let left: Vec<Sample> = samples.into_iter().filter(|s| !gone(s)).collect();
    let row = &analyse(header(&["fast"], &[2]), &left).matrix.rows[0];
    assert_eq!((row.rounds, row.cells[0].rounds), (20, 17));
}

/// `second` is 1 % slower than `first` in every round, and both swing by 10 % together.
#[test]
fn leaders_are_compared_in_the_same_rounds() {
    let mut samples = rounds(&[("first", 2, 640.0), ("second", 2, 646.4), ("tied", 2, 640.0)]);
    for sample in samples.iter_mut().filter(|sample| sample.role == Role::Cell) {
        let swing = 100 + 10 * (sample.round as u64 % 2);
        sample.wall_ns = sample.wall_ns * swing / 100;
        if sample.backend == "tied" {
            sample.wall_ns = sample.wall_ns * (997 + 3 * (sample.round as u64 % 3)) / 1000;
        }
    }
    let row = &analyse(header(&["first", "second", "tied"], &[2]), &samples).matrix.rows[0];
    let [first, second, tied] = &row.cells[..] else { panic!("three cells") };
    let (low, _) = first.speedup.unwrap().interval.unwrap();
    let (_, high) = second.speedup.unwrap().interval.unwrap();
    assert!(high > low, "the intervals overlap");
    assert!(first.leads && !second.leads && tied.leads);
}

#[test]
fn runs_widen_the_interval_of_rounds_that_agree_within_them() {
    let mut samples = rounds(&[("fast", 2, 640.0)]);
    let narrow = analyse(header(&["fast"], &[2]), &samples).matrix.rows[0].cells[0].clone();
    for sample in &mut samples {
        sample.run = sample.round / 2;
        if sample.role == Role::Cell {
            sample.wall_ns = sample.wall_ns * (100 + sample.run as u64 % 3) / 100;
        }
    }
    let row = &analyse(header(&["fast"], &[2]), &samples).matrix.rows[0];
    assert_eq!(row.runs, 10);
    let cell = &row.cells[0];
    assert!(cell.speedup.unwrap().half_width() > narrow.speedup.unwrap().half_width());
    assert!(cell.distribution.between_runs.unwrap() > 0.005, "{:?}", cell.distribution);
    assert!(cell.distribution.within_runs.unwrap() < 0.007, "{:?}", cell.distribution);
}

#[test]
fn another_cell_may_be_the_baseline() {
    // `quick` is the baseline, and `sequential` is a cell. The ceiling still comes from copies.
    let mut samples = rounds(&[("sequential", 1, 1000.0), ("quick#2", 2, 500.0)]);
    for sample in samples.iter_mut().filter(|s| matches!(s.role, Role::Baseline | Role::Control)) {
        (sample.backend, sample.workers) = ("quick".into(), 2);
        sample.wall_ns /= 2;
    }
    let baseline = BaselineCell { label: "quick".into(), workers: 2 };
    let header = Header { baseline, ..header(&["quick", "quick#2"], &[2]) };
    let row = &analyse(header, &samples).matrix.rows[0];
    assert_eq!((row.baseline.backend.as_str(), row.baseline.workers), ("quick", 2));
    let [sequential, again] = &row.cells[..] else { panic!("two cells: {:?}", row.cells) };
    assert!(close(sequential.speedup.unwrap().median, 0.5));
    assert_eq!(sequential.verdict, Some(Verdict::Slower));
    assert!(close(again.speedup.unwrap().median, 1.0));
    assert_eq!(again.verdict, Some(Verdict::Equal(0.01)));
    assert!(close(row.ceiling(2).unwrap().median, 1.6));
    assert!(close(again.of_ceiling.unwrap().median, 2.0 / 1.6));
    // S = 2 on two workers: no serial part.
    assert!(again.karp_flatt.unwrap().median.abs() < 0.01);
}

#[test]
fn another_engine_is_judged_by_its_own_baseline_too() {
    let mut samples =
        rounds(&[("ours", 2, 500.0), ("snake/loop", 1, 20_000.0), ("snake/pool", 2, 12_500.0)]);
    let cold: Vec<Sample> = samples.iter().filter(|s| s.backend == "snake/pool").cloned().collect();
    samples.extend(cold.into_iter().map(|s| Sample {
        role: Role::Cold,
        wall_ns: s.wall_ns * 2,
        ..s
    }));
    let engine = EngineHead {
        name: "snake".into(),
        version: "3".into(),
        baseline: "snake/loop".into(),
        backends: vec!["snake/loop".into(), "snake/pool".into()],
        left_out: vec![],
    };
    let header = Header { engines: vec![engine], ..header(&["ours"], &[2]) };
    let row = &analyse(header, &samples).matrix.rows[0];
    let [ours, looped, pool] = &row.cells[..] else { panic!("three cells: {:?}", row.cells) };
    assert!(ours.own_speedup.is_none() && ours.engine.is_none());
    assert!(close(looped.own_speedup.unwrap().median, 1.0));
    assert!(close(pool.own_speedup.unwrap().median, 1.6));
    assert!(close(pool.speedup.unwrap().median, 0.08));
    assert!(close(pool.cold_speedup.unwrap().median, 0.04));
    assert!(pool.of_ceiling.is_none() && pool.karp_flatt.is_none() && pool.overhead_ns.is_none());
}
