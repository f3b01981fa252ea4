//! Measures backends and a kernel whose behaviour is known. The runners are this test program.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

mod probes;

use fib::Modulus;
use fib::kernels;
use fib_bench::engine::Engine;
use fib_bench::{NamedBatch, Plan, Scenario, measure, verify};
use fib_engine::{Offer, serve_stdio};
use fib_report::{BaselineCell, Header, Losses, Matrix, Record, Role, Sample, Status, Study};
use probes::{ABORTING, FORGETFUL, HONEST, LYING, MOODY, SLEEPING, TALKING, UNBUILT};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The argument that makes this program a runner.
const RUNNER: &str = "runner-of-the-tests";

#[ctor::ctor(unsafe)]
fn init() {
    if std::env::args().nth(1).is_some_and(|argument| argument == RUNNER) {
        let backends = [
            &fib::SEQUENTIAL,
            &HONEST,
            &LYING,
            &FORGETFUL,
            &UNBUILT,
            &ABORTING,
            &SLEEPING,
            &TALKING,
        ];
        let stepping = kernels::KERNELS.iter().find(|entry| entry.name == "stepping").unwrap();
        let offer = Offer { name: "tests", backends: &backends, kernels: &[MOODY, *stepping] };
        std::process::exit(i32::from(serve_stdio(offer).is_err()));
    }
}

fn runner() -> Vec<OsString> {
    vec![std::env::current_exe().unwrap().into(), RUNNER.into()]
}

fn plan() -> Plan {
    let batches = vec![Scenario::by_name("10xF100").unwrap().batch(), small()];
    Plan {
        backends: vec![HONEST, LYING, FORGETFUL, UNBUILT],
        workers: vec![NonZeroUsize::MIN, NonZeroUsize::MIN.saturating_add(1)],
        kernels: vec![MOODY.name],
        chunkings: vec!["items:2".parse().unwrap()],
        budget: Duration::from_millis(200),
        ..Plan::new(Study::Compare, batches, runner())
    }
}

fn analyse(header: Header, samples: &[Sample]) -> Matrix {
    fib_report::analyse(header, samples).matrix
}

/// Numbers of at most 64 bits, because the kernel of these tests computes no longer ones.
fn small() -> NamedBatch {
    let (name, summary) = ("small".into(), String::new());
    NamedBatch { name, summary, indices: (0..90).collect(), modulus: None, workers: None }
}

fn run(plan: &Plan) -> (Header, Vec<Sample>) {
    let (mut header, mut samples) = (None, vec![]);
    let mut sink = |record| {
        match record {
            Record::Header(head) => {
                assert!(header.is_none() && samples.is_empty(), "the header comes first, once");
                header = Some(*head);
            }
            Record::Sample(sample) => samples.push(*sample),
            Record::Resumed(_) => {}
        }
        Ok(())
    };
    measure(plan, &mut |_| {}, &mut sink).unwrap();
    (header.unwrap(), samples)
}

#[test]
fn every_round_has_every_participant_once_and_faults_are_values() {
    let plan = Plan { batches: vec![small()], ..plan() };
    let (header, samples) = run(&plan);
    let rounds = samples.iter().map(|sample| sample.round).max().unwrap() + 1;
    assert!(rounds >= 8, "{rounds} rounds give no interval");
    let started = samples.iter().filter(|s| s.role == Role::StartUp && s.backend == "honest");
    let started: BTreeSet<_> = started.map(|s| (s.workers, s.run)).collect();
    let runs = samples.iter().map(|sample| sample.run).max().unwrap() + 1;
    assert!(runs >= 8, "{runs} runs");
    assert_eq!(started, [1, 2].into_iter().flat_map(|w| (0..runs).map(move |r| (w, r))).collect());
    for round in 0..rounds {
        let rare = [Role::Whole, Role::StartUp, Role::Cold];
        let regular = samples.iter().filter(|s| s.round == round && !rare.contains(&s.role));
        let keys: Vec<_> =
            regular.map(|s| (format!("{:?}", s.role), &s.backend, s.workers)).collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        // The baseline, the control, the fastest kernel, 8 cells, and a ceiling for each worker
        // count for which this machine has CPUs.
        let cpus = std::thread::available_parallelism().unwrap().get().min(2);
        assert_eq!((keys.len(), distinct.len()), (3 + cpus + 8, 3 + cpus + 8), "round {round}");
    }
    let matrix = analyse(header, &samples);
    assert!(matrix.rows[0].cells[0].of_ceiling.is_some(), "the copies are the ceiling");
    let statuses: Vec<_> =
        matrix.rows[0].cells.iter().map(|cell| (cell.backend.as_str(), cell.status)).collect();
    let expected = [
        ("honest", Status::Ok),
        ("lying", Status::Wrong),
        ("forgetful", Status::Refused),
        ("unbuilt", Status::Refused),
    ];
    assert_eq!(statuses, [expected, expected].concat());
    let reason = matrix.rows[0].cells[3].message.as_deref();
    assert_eq!(reason, Some("unbuilt: out of threads"));
}

#[test]
fn a_wrong_baseline_leaves_no_speedup() {
    // F(100) does not fit the 64 bits of this kernel.
    let plan = Plan { batches: vec![Scenario::by_name("10xF100").unwrap().batch()], ..plan() };
    let (header, samples) = run(&plan);
    let row = &analyse(header, &samples).rows[0];
    assert_eq!(row.baseline.status, Status::Wrong);
    assert!(row.cells.iter().all(|cell| cell.speedup.is_none()));
    assert_eq!(row.best.as_ref().unwrap().status, Status::Ok);
}

#[test]
fn residues_are_measured_with_both_kernels_and_a_ceiling_of_each() {
    let batch = NamedBatch { modulus: Modulus::new(97), ..small() };
    let kernels = vec!["scalar", "lanes"];
    let backends = vec![HONEST];
    let plan = Plan { batches: vec![batch], kernels, backends, ..plan() };
    let (header, samples) = run(&plan);
    assert_eq!(header.scenarios[0].modulus.as_deref(), Some("97"));
    let row = &analyse(header, &samples).rows[0];
    let cells: Vec<_> = row.cells.iter().map(|c| (&*c.backend, &*c.kernel, c.workers)).collect();
    let expected = [
        ("sequential@lanes", "lanes", 1),
        ("honest@scalar", "scalar", 1),
        ("honest@lanes", "lanes", 1),
        ("honest@scalar", "scalar", 2),
        ("honest@lanes", "lanes", 2),
    ];
    assert_eq!(cells, expected);
    assert!(row.cells.iter().all(|cell| cell.status == Status::Ok), "{:?}", row.cells);
    assert!(row.best.is_none());
    let ceilings: BTreeSet<_> = row.ceilings.iter().map(|c| (&*c.kernel, c.copies)).collect();
    let cpus = std::thread::available_parallelism().unwrap().get().min(2);
    assert!(["lanes", "scalar"].into_iter().all(|kernel| ceilings.contains(&(kernel, cpus))));
}

#[test]
fn samples_survive_a_record_file() {
    let (header, samples) = run(&Plan { batches: vec![small()], ..plan() });
    let records: Vec<Record> = [Record::Header(Box::new(header))]
        .into_iter()
        .chain(samples.into_iter().map(|sample| Record::Sample(Box::new(sample))))
        .collect();
    for record in &records {
        let line = serde_json::to_string(record).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(&serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}

#[test]
fn a_sink_that_fails_ends_the_run() {
    let mut taken = 0;
    let mut sink = |_| {
        taken += 1;
        if taken == 5 { Err(io::Error::other("full")) } else { Ok(()) }
    };
    let start = Instant::now();
    let plan = Plan { budget: Duration::from_secs(600), ..plan() };
    let error = measure(&plan, &mut |_| {}, &mut sink).unwrap_err();
    assert_eq!((error.to_string().as_str(), taken), ("full", 5));
    assert!(start.elapsed() < plan.budget, "it does not go on measuring");
}

#[test]
fn verify_checks_every_cell_without_a_clock() {
    let checks = verify(&Plan { batches: vec![small()], ..plan() });
    let named: Vec<_> = checks.iter().map(|check| (check.cell.as_str(), check.status)).collect();
    assert_eq!(
        named[..5],
        [
            ("small/sequential/1", Status::Ok),
            ("small/honest/1", Status::Ok),
            ("small/lying/1", Status::Wrong),
            ("small/forgetful/1", Status::Refused),
            ("small/unbuilt/1", Status::Refused),
        ]
    );
    assert_eq!(named.len(), 9);
}

#[test]
fn a_crash_a_hang_and_nonsense_are_the_value_of_their_cell() {
    let plan = Plan {
        backends: vec![ABORTING, HONEST, SLEEPING, TALKING],
        workers: vec![NonZeroUsize::MIN],
        cell_limit: Duration::from_secs(1),
        ..plan()
    };
    let (header, samples) = run(&plan);
    let rows = analyse(header, &samples).rows;
    let small = rows.iter().find(|row| row.scenario.name == "small").unwrap();
    let outcome = |label: &str| {
        let cell = small.cells.iter().find(|cell| cell.backend == label).unwrap();
        (cell.status, cell.message.clone().unwrap_or_default())
    };
    assert_eq!(outcome("aborting"), (Status::Crash, "it was killed by signal 6".into()));
    assert_eq!(outcome("sleeping"), (Status::Hang, "no reply within 1 s".into()));
    let nonsense = "it sent an invalid reply: I am a backend and say so";
    assert_eq!(outcome("talking"), (Status::Crash, nonsense.into()));
    assert_eq!(outcome("honest").0, Status::Ok);
    assert!(small.cells.iter().any(|cell| cell.speedup.is_some()));
}

#[test]
fn a_backend_named_twice_is_measured_twice_against_itself() {
    let baseline = BaselineCell { label: "honest".into(), workers: 1 };
    let backends = vec![HONEST, HONEST];
    let workers = vec![NonZeroUsize::MIN];
    let plan = Plan { baseline, backends, workers, batches: vec![small()], ..plan() };
    assert!(plan.has_baseline());
    let (header, samples) = run(&plan);
    let row = &analyse(header, &samples).rows[0];
    let labels: Vec<_> = row.cells.iter().map(|cell| cell.backend.as_str()).collect();
    assert_eq!((row.baseline.backend.as_str(), labels), ("honest", vec!["sequential", "honest#2"]));
    assert!(row.cells.iter().all(|cell| cell.status == Status::Ok && cell.speedup.is_some()));
    let missing = BaselineCell { label: "missing".into(), workers: 1 };
    assert!(!Plan { baseline: missing, ..plan }.has_baseline());
}

#[test]
fn a_width_that_is_reached_ends_the_rounds() {
    let backends = vec![HONEST];
    let plan = Plan { backends, batches: vec![small()], width: Some(1000.0), ..plan() };
    let plan = Plan { budget: Duration::from_secs(3600), ..plan };
    let (header, samples) = run(&plan);
    assert_eq!(header.width, Some(1000.0));
    assert!(samples.iter().any(|sample| sample.role == Role::Cell));
}

#[test]
fn another_engine_takes_part_where_its_time_allows() {
    let engine = Engine::ask(runner()).unwrap();
    let mut capabilities = engine.capabilities;
    capabilities.engine = "other".into();
    capabilities.backends.retain(|backend| ["sequential", "honest"].contains(&&*backend.name));
    let mut engines = vec![Engine { capabilities, ..engine }];
    let long = NamedBatch { name: "long".into(), indices: vec![92; 200_000], ..small() };
    let batches = vec![small(), long];
    let budget = Duration::from_millis(50);
    let backends = vec![HONEST];
    let plan = Plan { batches, engines: engines.clone(), backends, budget, ..plan() };
    let (header, samples) = run(&plan);
    assert_eq!(header.engines[0].baseline, "other/sequential");
    let rows = analyse(header, &samples).rows;
    let statuses = |row: usize| {
        let engine_cells = rows[row].cells.iter().filter(|cell| cell.engine.is_some());
        engine_cells
            .map(|cell| (cell.backend.clone(), format!("{:?}", cell.status)))
            .collect::<BTreeSet<_>>()
    };
    let both_backends = |status: Status| {
        ["other/honest", "other/sequential"]
            .map(|label| (label.to_owned(), format!("{status:?}")))
            .into()
    };
    assert_eq!(
        (statuses(0), statuses(1)),
        (both_backends(Status::Ok), both_backends(Status::Omitted))
    );
    engines[0].command = vec!["/no/such/engine".into()];
    assert_eq!(Engine::ask(engines.remove(0).command).unwrap_err().status, Status::Crash);
}

#[test]
fn a_timeline_gives_a_trace_for_each_worker() {
    let plan = Plan { explain: true, backends: vec![HONEST], ..plan() };
    let (header, samples) = run(&Plan { batches: vec![small()], ..plan });
    let traced: Vec<_> = samples.iter().filter(|s| s.role == Role::Traced).collect();
    assert!(traced.len() >= 4);
    for sample in traced {
        let traces = sample.traces.as_ref().unwrap();
        assert_eq!(traces.len(), sample.workers);
        assert_eq!(traces.iter().map(|trace| trace.chunks).sum::<usize>(), 45); // items:2 of 90
        assert!(traces.iter().all(|trace| trace.last_ns <= sample.wall_ns));
    }
    // All chunks of the first traced run of each of up to five runs are kept.
    let runs = samples.iter().map(|sample| sample.run + 1).max().unwrap();
    for workers in header.workers.clone() {
        let kept = samples.iter().filter(|s| s.workers == workers && s.role == Role::Traced);
        let kept = kept.filter_map(|sample| sample.chunks.as_ref());
        assert!(kept.clone().all(|chunks| chunks.len() == 45));
        assert_eq!(kept.count(), runs.min(5));
    }
    for cell in &analyse(header, &samples).rows[0].cells {
        let losses = cell.losses.as_ref().unwrap();
        let sum: f64 = losses.parts().iter().map(|(_, part)| part).sum();
        assert!((sum + losses.useful_ns - losses.total_ns()).abs() < 1000.0);
        // The drawing shows the run that is split.
        let timeline = cell.timeline.as_ref().unwrap();
        let parts = timeline.parts().unwrap();
        let lost = |losses: &Losses| (losses.wall_ns, losses.first_chunk_ns, losses.tail_ns);
        assert_eq!(lost(&parts), lost(losses));
    }
}

/// Some scenarios are drawn in every comparison. A run with too many chunks leaves only their number.
#[test]
fn runs_that_are_hard_to_distribute_are_kept_without_being_asked_for() {
    let mut drawn = small();
    drawn.name = "skewed".into();
    let chunkings = vec!["items:1".parse().unwrap()];
    let backends = vec![HONEST];
    let batches = vec![small(), drawn];
    let (_, samples) = run(&Plan { chunkings, backends, batches, ..plan() });
    let traced: Vec<_> = samples.iter().filter(|s| s.role == Role::Traced).collect();
    assert!(!traced.is_empty() && traced.len() <= 10);
    assert!(
        traced.iter().all(|s| s.scenario == "skewed" && s.chunks.as_ref().unwrap().len() == 90)
    );

    let many = NamedBatch { name: "skewed".into(), indices: vec![10; 5000], ..small() };
    let (chunkings, backends) = (vec!["items:1".parse().unwrap()], vec![HONEST]);
    let (_, samples) = run(&Plan { chunkings, backends, batches: vec![many], ..plan() });
    let traced: Vec<_> = samples.iter().filter(|s| s.role == Role::Traced).collect();
    assert!(!traced.is_empty());
    assert!(traced.iter().all(|s| (s.left_out_chunks, &s.chunks) == (Some(5000), &None)));
}

#[test]
fn every_chunking_is_a_cell_of_its_own() {
    let chunkings = vec!["items:1".parse().unwrap(), "per-worker:1".parse().unwrap()];
    let workers = vec![NonZeroUsize::MIN];
    let batches = vec![small()];
    let plan =
        Plan { chunkings, workers, batches, backends: vec![HONEST], explain: true, ..plan() };
    let (header, samples) = run(&plan);
    let row = &analyse(header, &samples).rows[0];
    let cells: Vec<_> = row.cells.iter().map(|c| (&*c.backend, c.chunking.as_deref())).collect();
    let expected =
        [("honest@items:1", Some("items:1")), ("honest@per-worker:1", Some("per-worker:1"))];
    assert_eq!(cells, expected);
    let chunks =
        row.cells.iter().map(|cell| cell.traced.values().next().unwrap().workers[0].chunks);
    assert_eq!(chunks.collect::<Vec<_>>(), [90, 1]);
}
