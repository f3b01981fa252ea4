//! `fib advise` and `fib model` predict with one simulation: the same inputs give the same time.

use fib::{Layout, MemoryLimit, REGISTRY, Scheduling, kernels};
use fib_bench::{NamedBatch, Plan};
use fib_predict::{Calibration, Candidate, advise};
use fib_report::{BackendHead, Findings, Header, PIECES, Role, Sample, Study, analyse};
use serde_json::{Value, json};
use std::num::NonZeroUsize;

const SEQUENTIAL_NS: f64 = 4_000_000.0;

/// What work takes longer while two workers compute.
const INFLATION: f64 = 1.25;

const INDICES: [u64; 400] = [1000; 400];

fn layout() -> Layout {
    Layout::new(kernels::iterative(), &INDICES, MemoryLimit::default()).unwrap()
}

/// A machine with two cores, as `fib advise` keeps it.
fn calibration() -> Calibration {
    let factor = SEQUENTIAL_NS / layout().costs().last().unwrap();
    let factors = json!([[1000, factor]]);
    let overheads = |start: u64, step: u64, hand: u64, join: u64| {
        json!({"start_ns": start, "step_ns": step, "hand_ns": hand, "byte_ns": 0,
               "join_ns": join, "join_step_ns": 0})
    };
    let backends = REGISTRY.iter().map(|entry| match entry.scheduling {
        Scheduling::Serial => (entry.name.to_owned(), overheads(0, 0, 0, 0)),
        _ => (entry.name.to_owned(), overheads(START_NS, STEP_NS, HAND_NS, JOIN_NS)),
    });
    let calibration = json!({
        "cores": 2,
        "kernels": {"iterative": {"fresh": factors, "following": factors}},
        "backends": Value::Object(backends.collect()),
        "losses_ns": {},
        "inflation": INFLATION,
        "disturbed": false,
    });
    serde_json::from_value(calibration).unwrap()
}

const START_NS: u64 = 30_000;
const STEP_NS: u64 = 7000;
const HAND_NS: u64 = 500;
const JOIN_NS: u64 = 4000;

/// What `fib model` predicts on that machine, for the backend, the worker count and the chunking of
/// an advice.
fn modelled_ns(advised: &Candidate) -> f64 {
    let backend = advised.backend.name;
    let take = |role, label: &str, workers, ns: f64| {
        let sample = Sample::new(role, label, workers, ns as u64);
        Sample { scenario: "batch".into(), ..sample }
    };
    let pieces = take(Role::Pieces, "sequential", 1, SEQUENTIAL_NS);
    let mut samples = vec![
        take(Role::Baseline, "sequential", 1, SEQUENTIAL_NS),
        take(Role::Control, "sequential", 1, SEQUENTIAL_NS),
        take(Role::Ceiling, "copies", 2, SEQUENTIAL_NS * INFLATION),
        Sample { pieces_ns: Some(pieces_ns()), ..pieces },
    ];
    for workers in [1, 2] {
        let (wall_ns, traces) = timeline(workers);
        let traced = take(Role::Traced, backend, workers, wall_ns);
        let traces = serde_json::from_value(traces).unwrap();
        samples.push(Sample { traces, ..traced });
        samples.push(take(Role::Cell, backend, workers, wall_ns));
    }
    let analysis = analyse(header(advised), &samples);
    let models = match analysis.findings {
        Findings::Model { models, .. } => models,
        _ => vec![], // which has no first model
    };
    let prediction = &models[0].predictions[0];
    let position = models[0].workers.iter().position(|&n| n == advised.workers.get()).unwrap();
    SEQUENTIAL_NS / prediction.speedups[position]
}

fn header(advised: &Candidate) -> Header {
    let batch = NamedBatch {
        name: "batch".into(),
        summary: String::new(),
        indices: INDICES.into(),
        modulus: None,
        workers: None,
    };
    let plan = Plan::new(Study::Model, vec![batch], vec![]);
    let head = BackendHead {
        label: advised.backend.name.into(),
        name: advised.backend.name.into(),
        scheduling: advised.backend.scheduling,
        chunking: advised.chunking,
        forks_in_turn: false,
    };
    Header { cores: 2, workers: vec![1, 2], backends: vec![head], ..fib_bench::header(&plan) }
}

/// The length of each piece: its share of the numbers, which are all equal.
fn pieces_ns() -> Vec<u64> {
    let ends = PIECES.cut(&layout(), NonZeroUsize::MIN);
    let starts = [0].into_iter().chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| (end - start) as u64 * 10_000).collect()
}

/// The wall time and the traces of a run with these overheads, in which each worker has four chunks.
fn timeline(workers: usize) -> (f64, Value) {
    let workers = workers as u64;
    let chunk = 1_000_000 / workers;
    let busy = 4 * chunk;
    let first = |worker: u64| START_NS + STEP_NS * worker;
    let last = |worker: u64| first(worker) + busy + 3 * HAND_NS;
    let traces = (0..workers).map(|worker| {
        json!({"chunks": 4, "first_ns": first(worker), "last_ns": last(worker), "busy_ns": busy,
               "paused_ns": 0})
    });
    ((last(workers - 1) + JOIN_NS) as f64, traces.collect())
}

/// Static, dynamic and exclusive backends alike.
#[test]
fn advice_and_model_give_the_same_time_for_the_same_inputs() {
    let (two, limit) = (NonZeroUsize::new(2).unwrap(), MemoryLimit::default());
    let kernel = *kernels::arithmetic().find(|entry| entry.name == "iterative").unwrap();
    let advice = advise(&INDICES, &[kernel], two, limit, &calibration()).unwrap();
    let pools = advice.candidates.iter().filter(|candidate| !candidate.is_sequential());
    let mut scheduling = vec![];
    for advised in pools {
        let (modelled, name) = (modelled_ns(advised), advised.backend.name);
        let difference = modelled / advised.time_ns - 1.0;
        assert!(difference.abs() < 1e-9, "{name}: {modelled} ns, {} ns", advised.time_ns);
        scheduling.push(advised.backend.scheduling);
    }
    for kind in [Scheduling::Static, Scheduling::Dynamic, Scheduling::Exclusive] {
        assert!(scheduling.contains(&kind), "{kind:?}: {scheduling:?}");
    }
}
