//! Measuring, with backends and a kernel whose behaviour is known.
#![allow(clippy::unwrap_used)] // in helpers of tests a panic is a finding

use fib::{Descriptor, Error, FibBackend, Job, Kernel, Run, Sequential, kernels};
use fib_bench::record::{Header, Record, Role, Sample, Status};
use fib_bench::{Plan, Scenario, analyse, measure, verify};
use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{Builder, current, scope};
use std::time::{Duration, Instant};

/// `iterative`, but wrong by one on a thread named "liar".
struct Moody;

impl Kernel for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }
    fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
        kernels::Iterative.cost(n, previous)
    }
    fn fill(&self, run: &mut Run<'_>) {
        let lie = u64::from(current().name() == Some("liar"));
        while let Some(slot) = run.next_slot() {
            let (mut a, mut b) = (lie, 1u64);
            (0..slot.n).for_each(|_| (a, b) = (b, b.wrapping_add(a)));
            slot.out.iter_mut().for_each(|limb| *limb = a);
        }
    }
}

macro_rules! backend {
    ($name:ident, |$job:ident| $run:expr) => {
        struct $name;
        impl FibBackend for $name {
            fn workers(&self) -> NonZeroUsize {
                NonZeroUsize::MIN
            }
            fn run(&self, $job: Job<'_>) -> Result<(), Error> {
                $run
            }
        }
    };
}

backend!(Lying, |job| scope(|s| {
    let run = || Sequential.run(job);
    Builder::new().name("liar".into()).spawn_scoped(s, run).unwrap().join().unwrap()
}));
backend!(Forgetful, |job| {
    job.into_chunks().into_iter().skip(1).for_each(|chunk| chunk.run(0));
    Ok(())
});

const HONEST: Descriptor =
    Descriptor { name: "honest", summary: "", build: |_| Ok(Box::new(Sequential)) };
const LYING: Descriptor = Descriptor { name: "lying", summary: "", build: |_| Ok(Box::new(Lying)) };
const FORGETFUL: Descriptor =
    Descriptor { name: "forgetful", summary: "", build: |_| Ok(Box::new(Forgetful)) };
const UNBUILT: Descriptor = Descriptor {
    name: "unbuilt",
    summary: "",
    build: |_| Err(Error::Backend { backend: "unbuilt", reason: "out of threads".into() }),
};

fn plan() -> Plan {
    let get = || -> Arc<dyn Kernel> { Arc::new(Moody) };
    Plan {
        scenarios: vec![Scenario::by_name("10xF100").unwrap(), &SMALL],
        backends: vec![HONEST, LYING, FORGETFUL, UNBUILT],
        workers: vec![NonZeroUsize::MIN, NonZeroUsize::MIN.saturating_add(1)],
        kernel: kernels::Entry { name: "moody", summary: "", get },
        chunking: "items:2".parse().unwrap(),
        pin: false,
        seed: 1,
        budget: Duration::from_millis(200),
        command: "test".into(),
    }
}

/// Within 64 bits, which is all that the kernel here can do.
static SMALL: Scenario =
    Scenario { name: "small", summary: "", full_only: false, indices: || (0..90).collect() };

fn run(plan: &Plan) -> (Header, Vec<Sample>) {
    let (mut header, mut samples) = (None, vec![]);
    let mut sink = |record| {
        match record {
            Record::Header(head) => {
                assert!(header.is_none() && samples.is_empty(), "the header comes first, once");
                header = Some(*head);
            }
            Record::Sample(sample) => samples.push(sample),
        }
        Ok(())
    };
    measure(plan, &mut |_| {}, &mut sink).unwrap();
    (header.unwrap(), samples)
}

#[test]
fn every_round_has_every_contender_once_and_faults_are_values() {
    let plan = Plan { scenarios: vec![&SMALL], ..plan() };
    let (header, samples) = run(&plan);
    let rounds = samples.iter().map(|sample| sample.round).max().unwrap() + 1;
    assert!(rounds >= 8, "{rounds} rounds give no interval");
    let started = samples.iter().filter(|s| s.role == Role::StartUp && s.backend == "honest");
    let started: BTreeSet<_> = started.map(|s| (s.workers, s.round)).collect();
    assert_eq!(started, [1, 2].into_iter().flat_map(|w| (0..5).map(move |r| (w, r))).collect());
    for round in 0..rounds {
        let apart = [Role::Whole, Role::StartUp];
        let of_round = samples.iter().filter(|s| s.round == round && !apart.contains(&s.role));
        let keys: Vec<_> =
            of_round.map(|s| (format!("{:?}", s.role), &s.backend, s.workers)).collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        // baseline, control, best, a ceiling at each worker count this machine has CPUs for, cells
        let cpus = std::thread::available_parallelism().unwrap().get().min(2);
        assert_eq!((keys.len(), distinct.len()), (3 + cpus + 8, 3 + cpus + 8), "round {round}");
    }
    let matrix = analyse(header, &samples);
    let statuses: Vec<_> =
        matrix.rows[0].cells.iter().map(|cell| (cell.backend.as_str(), cell.status)).collect();
    let expected = [
        ("honest", Status::Ok),
        ("lying", Status::Wrong),
        ("forgetful", Status::Failed),
        ("unbuilt", Status::Failed),
    ];
    assert_eq!(statuses, [expected, expected].concat());
    let reason = matrix.rows[0].cells[3].message.as_deref();
    assert_eq!(reason, Some("unbuilt: out of threads"));
}

#[test]
fn a_wrong_baseline_leaves_no_speedup() {
    // F(100) does not fit the 64 bits of this kernel.
    let plan = Plan { scenarios: vec![Scenario::by_name("10xF100").unwrap()], ..plan() };
    let (header, samples) = run(&plan);
    let row = &analyse(header, &samples).rows[0];
    assert_eq!(row.sequential.status, Status::Wrong);
    assert!(row.cells.iter().all(|cell| cell.speedup.is_none()));
    assert_eq!(row.best.status, Status::Ok);
}

#[test]
fn samples_survive_a_record_file() {
    let (header, samples) = run(&Plan { scenarios: vec![&SMALL], ..plan() });
    let records: Vec<Record> = [Record::Header(Box::new(header))]
        .into_iter()
        .chain(samples.into_iter().map(Record::Sample))
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
    let checks = verify(&Plan { scenarios: vec![&SMALL], ..plan() });
    let named: Vec<_> = checks.iter().map(|check| (check.cell.as_str(), check.status)).collect();
    assert_eq!(
        named[..5],
        [
            ("small/sequential/1", Status::Ok),
            ("small/honest/1", Status::Ok),
            ("small/lying/1", Status::Wrong),
            ("small/forgetful/1", Status::Failed),
            ("small/unbuilt/1", Status::Failed),
        ]
    );
    assert_eq!(named.len(), 9);
}
