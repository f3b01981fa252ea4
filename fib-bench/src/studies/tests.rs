//! Studies of programs that follow a law: what they were generated from is found again.

use super::*;
use crate::analysis::analyse;
use crate::analysis::tests::{header, sample};
use crate::record::{Header, Lane, Role, Sample, ScenarioHead, Study};
use fib::{REGISTRY, Scheduling};

const ROUNDS: usize = 20;

/// A batch, how long it takes sequentially, and how long a cell takes with how many workers, in
/// microseconds.
type Timed = (Batch, f64, Vec<(usize, f64)>);

/// Twenty rounds of these batches.
fn matrix(study: Study, workers: &[usize], batches: &[Timed]) -> Matrix {
    let head = |batch: &Batch| ScenarioHead {
        name: batch.name.clone(),
        summary: batch.summary.clone(),
        items: Some(batch.indices.len()),
        index: batch.indices.first().copied(),
        workers: None,
        indices: None,
        best_shares: false,
        cells_share: false,
    };
    let scenarios = batches.iter().map(|(batch, ..)| head(batch)).collect();
    let cores = workers.iter().copied().max().unwrap();
    let header = Header { study, scenarios, cores, ..header(&["cell"], workers) };
    let mut samples: Vec<Sample> = vec![];
    for (batch, alone, cells) in batches {
        for round in 0..ROUNDS {
            let drift = 1.0 + (round % 4) as f64;
            let mut take = |role, label, workers, us: f64| {
                let scenario = batch.name.clone();
                let taken = sample(role, label, workers, round, us * drift);
                samples.push(Sample { scenario, ..taken });
            };
            take(Role::Baseline, "sequential", 1, *alone);
            take(Role::Control, "sequential", 1, *alone);
            cells.iter().for_each(|&(workers, us)| take(Role::Cell, "cell", workers, us));
        }
    }
    analyse(header, &samples)
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 0.02 * expected.abs().max(0.1)
}

#[test]
fn the_metg_of_a_constant_overhead_a_task_is_found() {
    // Each task takes n ns x 100, and each worker 500 us a task more: E = g / (g + 500 us).
    let batches = granularity().into_iter().map(|batch| {
        let task = batch.indices[0] as f64 * 0.1; // us
        let alone = task * TASKS as f64;
        let two = (task + 500.0) * TASKS as f64 / 2.0;
        (batch, alone, vec![(2, two)])
    });
    let matrix = matrix(Study::Granularity, &[2], &batches.collect::<Vec<_>>());
    let [curve] = &curves(&matrix)[..] else { panic!("one curve") };
    // At E = 50 % a task takes 500 us of work, and as much again: a granularity of 1 ms, times the
    // median drift of 2.5. The curve between points is a line, so this is near, not exact.
    let Bracket::At { value, low, high } = curve.metg(0.5) else { panic!("no crossing") };
    assert!((value / 2.5e6 - 1.0).abs() < 0.1, "{value}");
    assert!(low.is_some_and(|low| low <= value) && high.is_some_and(|high| value <= high));
    assert!(matches!(curve.metg(0.95), Bracket::Above(_)));
}

#[test]
fn the_break_even_of_a_constant_overhead_a_batch_is_found() {
    // An item takes 1 us on F(1000), and in proportion for others; a batch 60 us more on two
    // workers: worth it from 120 us of work on.
    let batches = break_even().into_iter().map(|batch| {
        let alone: f64 = batch.indices.iter().map(|&n| n as f64 / 1000.0).sum();
        (batch, alone, vec![(2, alone / 2.0 + 60.0)])
    });
    let matrix = matrix(Study::BreakEven, &[2], &batches.collect::<Vec<_>>());
    let [curve] = &curves(&matrix)[..] else { panic!("one curve") };
    let Bracket::At { value, .. } = curve.break_even_batch() else { panic!("no crossing") };
    assert!(close(value, 120.0), "{value}");
    let Bracket::At { value, .. } = curve.break_even_item() else { panic!("no crossing") };
    assert!(close(value, 7500.0), "{value}");
}

#[test]
fn the_laws_of_scaling_are_found_where_there_are_workers_enough() {
    let counts: Vec<usize> = (1..=8).collect();
    let workers: Vec<NonZeroUsize> = counts.iter().filter_map(|&p| NonZeroUsize::new(p)).collect();
    let law = Usl { unit: 1.0, contention: 0.1, coherency: 0.005 };
    let batches = scaling(&workers).into_iter().map(|batch| {
        let alone = batch.indices.len() as f64;
        let cells = match batch.workers {
            // Strong: the USL. Weak: a tenth is serial.
            None => counts.iter().map(|&p| (p, alone / law.throughput(p as f64))).collect(),
            Some(p) => vec![(p.get(), alone / (p.get() as f64 - 0.1 * (p.get() as f64 - 1.0)))],
        };
        (batch, alone, cells)
    });
    let matrix = matrix(Study::Scaling, &counts, &batches.collect::<Vec<_>>());
    let [scaling] = &scalings(&matrix)[..] else { panic!("one backend") };
    assert_eq!(scaling.strong.len(), 8);
    assert!(close(scaling.gustafson.unwrap().median, 0.1), "{:?}", scaling.gustafson);
    let [contention, coherency, peak] = scaling.usl.unwrap().map(Option::unwrap);
    assert!(close(contention.median, 0.1), "{contention:?}");
    assert!((coherency.median - 0.005).abs() < 0.0005, "{coherency:?}");
    assert!(close(peak.median, (0.9f64 / 0.005).sqrt()), "{peak:?}");
    assert!((0.1..0.2).contains(&scaling.amdahl.unwrap().median), "{:?}", scaling.amdahl);
}

#[test]
fn two_worker_counts_are_refused_by_the_laws_that_need_more() {
    let batches = [(scaling(&[])[0].clone(), 1000.0, vec![(1, 1010.0), (2, 520.0)])];
    let matrix = matrix(Study::Scaling, &[1, 2], &batches);
    let [scaling] = &scalings(&matrix)[..] else { panic!("one backend") };
    let few = |needed| Refusal::FewWorkerCounts { there: 2, needed };
    assert_eq!(scaling.amdahl, Err(few(3)));
    assert_eq!(scaling.usl.as_ref().err(), Some(&few(6)));
    assert!(scaling.strong[1].2.is_some()); // Karp-Flatt does with two
}

/// 32 equal numbers in four chunks a worker; `slower` is how much longer a run takes than what is
/// known of it says.
fn modelled(slower: f64) -> Matrix {
    let indices = vec![1000; 32];
    let head = ScenarioHead {
        name: "equal".into(),
        summary: String::new(),
        items: Some(32),
        index: Some(1000),
        workers: None,
        indices: Some(indices),
        best_shares: true,
        cells_share: false,
    };
    let backend = REGISTRY.iter().find(|entry| entry.scheduling == Scheduling::Static).unwrap();
    let backend = backend.name;
    let header = Header {
        study: Study::Model,
        scenarios: vec![head],
        chunking: "per-worker:4".into(),
        cores: 2,
        ..header(&[backend], &[1, 2])
    };
    let mut samples = vec![];
    for round in 0..ROUNDS {
        let mut take = |role, label: &str, workers, us: f64| {
            let sample = sample(role, label, workers, round, us);
            let (scenario, wall_ns) = ("equal".into(), (us * 1e3) as u64);
            samples.push(Sample { scenario, wall_ns, repeats: 1, ..sample });
            samples.len() - 1
        };
        take(Role::Baseline, "sequential", 1, 3200.0);
        take(Role::Control, "sequential", 1, 3200.0);
        take(Role::Ceiling, crate::engine::COPIES, 1, 3200.0);
        take(Role::Ceiling, crate::engine::COPIES, 2, 3200.0); // two CPUs give two
        let pieces = take(Role::Pieces, "sequential", 1, 3300.0);
        let runs = [1, 2].map(|workers| {
            let (wall, lanes) = run(workers);
            take(Role::Cell, backend, workers, wall * slower);
            (take(Role::Traced, backend, workers, wall), lanes)
        });
        samples[pieces].pieces_ns = Some(vec![103_000; 32]); // looking at the clock costs 3 %
        runs.into_iter().for_each(|(i, lanes)| samples[i].lanes = Some(lanes));
    }
    analyse(header, &samples)
}

/// Workers arrive after 110 us and 50 us more each; a chunk of the next costs 10 us; joined after
/// 20 us. The time of a run in microseconds, and its lanes.
fn run(workers: usize) -> (f64, Vec<Lane>) {
    let chunk = 3_200_000 / 4 / workers as u64;
    let lane = |worker| {
        let mut lane = Lane::default();
        let mut now = 110_000 + 50_000 * worker as u64;
        for _ in 0..4 {
            lane.add(now, now + chunk, 0);
            now += chunk + 10_000;
        }
        lane
    };
    let lanes: Vec<Lane> = (0..workers).map(lane).collect();
    let last = lanes.iter().map(|lane| lane.last_ns).max().unwrap();
    ((last + 20_000) as f64 / 1e3, lanes)
}

#[test]
fn a_model_gives_what_its_overheads_come_to() {
    let matrix = modelled(1.0);
    let [model] = &models(&matrix)[..] else { panic!("one batch") };
    assert!(close(model.longest, 1.0 / 32.0), "{}", model.longest);
    assert_eq!(model.bound.map(f64::round)[4..7], [16.0, 32.0, 32.0]);
    let [prediction] = &model.predictions[..] else { panic!("one backend") };
    // The simulation hands out the first chunk as well.
    let time = |p: f64| 110.0 + 50.0 * (p - 1.0) + 4.0 * 10.0 + 3200.0 / p + 20.0;
    let expected = [1.0, 2.0, 4.0, 8.0].map(|p| 3200.0 / time(p));
    assert!(prediction.speedups.iter().zip(expected).all(|(s, e)| close(*s, e)), "{prediction:?}");
    assert_eq!(prediction.checks.len(), 2);
    assert!(prediction.worst().unwrap().error().abs() < 0.01, "{prediction:?}");
    let e = prediction.serial.unwrap();
    assert!(close(e, laws::karp_flatt(prediction.checks[1].measured, 2).unwrap()), "{e}");
    let amdahl = prediction.amdahl().unwrap();
    assert!(close(amdahl[1], prediction.checks[1].measured) && amdahl[10] < 1.0 / e);
}

#[test]
fn a_prediction_that_is_wrong_is_seen_to_be() {
    let matrix = modelled(1.5);
    let error = models(&matrix)[0].predictions[0].worst().unwrap().error();
    assert!(close(error, 0.5), "{error}");
}

#[test]
fn without_pieces_nothing_is_predicted() {
    let mut matrix = modelled(1.0);
    matrix.rows[0].pieces_ns = None;
    assert_eq!(models(&matrix).len(), 0);
}

#[test]
fn a_batch_is_predicted_from_the_others() {
    let mut matrix = modelled(1.0);
    let mut other = matrix.rows[0].clone();
    other.scenario.name = "other".into();
    let runs = other.cells.iter_mut().flat_map(|cell| &mut cell.observed);
    runs.for_each(|run| run.wall_ns += 1e6); // joining takes a millisecond longer
    matrix.rows.push(other);
    let models = models(&matrix);
    let error = |i: usize| models[i].predictions[0].worst().unwrap().error();
    assert!(error(0) < -0.2, "{}", error(0));
    assert!(error(1).abs() < 0.01, "{}", error(1));
}
