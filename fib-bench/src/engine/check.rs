//! Checks that a program follows the engine protocol.

use super::client::{Fault, RunnerProcess};
use super::{Engine, distinct_bytes, doubt};
use fib_engine::Digest;
use fib_engine::protocol::{
    BuildRequest, Built, LoadRequest, Loaded, Measured, Request, RunRequest,
};
use fib_report::Status;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// The most time for a reply; every batch of the check is small.
const LIMIT: Duration = Duration::from_secs(20);

/// The most time that an engine may take to end after its input has ended.
const END: Duration = Duration::from_secs(2);

/// Indices at which engines go wrong: the first indices, the ends of 64-bit words, repeats, and
/// indices out of order.
const BOUNDARIES: [u64; 20] =
    [0, 1, 2, 3, 92, 93, 94, 185, 186, 187, 63, 64, 65, 93, 1000, 999, 10, 10, 4096, 0];

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What an engine must do.
    pub what: String,
    /// What the engine does instead; `None` if it does what it must.
    pub problem: Option<String>,
}

/// Checks everything that [`measure`](crate::measure) asks of an engine, on each of its backends.
/// Each finding is also passed to `report` at once.
pub fn check(command: &[OsString], report: &mut dyn FnMut(&Finding)) -> Vec<Finding> {
    let mut findings = vec![];
    let mut found = |property: String, outcome: Result<(), String>| {
        let finding = Finding { what: property, problem: outcome.err() };
        report(&finding);
        findings.push(finding);
    };
    let engine = Engine::greet(command.to_vec());
    found("says hello".into(), engine.as_ref().map(drop).map_err(ToString::to_string));
    let Ok(engine) = engine else { return findings };
    let described = engine.check_names();
    let is_described = described.is_ok();
    found("describes itself".into(), described);
    if !is_described {
        return findings; // its names cannot stand in this list either
    }
    for backend in &engine.capabilities.backends {
        for workers in [1, 2].into_iter().filter(|w| backend.max_workers.is_none_or(|m| *w <= m)) {
            let mut cell = CheckedBackend { engine: &engine, backend: &backend.name, workers };
            for (property, check) in PROPERTIES {
                let property = format!("{} with {workers}: {property}", backend.name);
                let start = Instant::now();
                let outcome = check(&mut cell);
                let hangs = outcome.is_err() && start.elapsed() >= LIMIT;
                found(property, outcome);
                if hangs {
                    return findings; // and each further check would take as long
                }
            }
        }
    }
    findings
}

/// A backend of the engine. Each check starts a new process.
struct CheckedBackend<'a> {
    engine: &'a Engine,
    backend: &'a str,
    workers: usize,
}

type EngineProperty = fn(&mut CheckedBackend<'_>) -> Result<(), String>;

const PROPERTIES: [(&str, EngineProperty); 6] = [
    ("numbers at 64-bit boundaries are right, run after run", boundaries),
    ("many small numbers and an empty batch are right", many_and_none),
    ("forty runs take more than five times as long as one run", repeats),
    ("a cold run is right", cold),
    ("invalid requests are refused, and the engine goes on", nonsense),
    ("the engine ends when its input ends", end),
];

impl CheckedBackend<'_> {
    fn start(&self) -> Result<RunnerProcess, Fault> {
        let (mut runner, _) = RunnerProcess::start(&self.engine.command)?;
        let build = BuildRequest {
            backend: self.backend.into(),
            workers: self.workers,
            chunking: fib::Chunking::default().to_string(),
            pin: false,
        };
        runner.ask::<Built>(&Request::Build(build), LIMIT)?;
        Ok(runner)
    }

    /// The kernels of the engine that compute numbers.
    fn kernels(&self) -> impl Iterator<Item = &String> {
        self.engine.capabilities.kernels.iter().filter(|name| *name != fib::kernels::empty().name())
    }

    fn load(
        &self,
        runner: &mut RunnerProcess,
        kernel: &str,
        indices: &[u64],
    ) -> Result<(), String> {
        let load = LoadRequest { kernel: kernel.into(), indices: indices.to_vec() };
        let loaded: Loaded = runner.ask(&Request::Load(load), LIMIT).map_err(text)?;
        match loaded.items == indices.len() {
            true => Ok(()),
            false => Err(format!("it loaded {} of {} indices", loaded.items, indices.len())),
        }
    }
}

const ONE_RUN: RunRequest = RunRequest { repeats: 1, cold: false, timeline: false };

/// Runs the batch, and checks that the digest is right and the time is possible.
fn run(runner: &mut RunnerProcess, indices: &[u64], run: RunRequest) -> Result<Measured, String> {
    let start = Instant::now();
    let measured: Measured = runner.ask(&Request::Run(run), LIMIT).map_err(text)?;
    let observed = start.elapsed();
    let expected = Digest::expected(indices).to_string();
    if measured.digest != expected {
        return Err(format!("the digest is {} instead of {expected}", measured.digest));
    }
    match doubt(&measured, run, observed, distinct_bytes(indices)) {
        Some(doubt) => Err(doubt),
        None => Ok(measured),
    }
}

fn boundaries(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    for kernel in cell.kernels() {
        cell.load(&mut runner, kernel, &BOUNDARIES)?;
        for _ in 0..3 {
            run(&mut runner, &BOUNDARIES, ONE_RUN)
                .map_err(|problem| format!("{kernel}: {problem}"))?;
        }
    }
    Ok(())
}

fn many_and_none(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let many: Vec<u64> = (0..2000).map(|i| i * 7 % 100).collect();
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    for indices in [&many[..], &[], &[93]] {
        cell.load(&mut runner, kernel, indices)?;
        run(&mut runner, indices, ONE_RUN)?;
    }
    Ok(())
}

/// Forty runs must take more than five times as long as one run. This finds a runner that times
/// only one run.
fn repeats(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    let indices = [500; 50];
    cell.load(&mut runner, kernel, &indices)?;
    let mut shortest = |repeats| {
        let walls = (0..15).map(|_| run(&mut runner, &indices, RunRequest { repeats, ..ONE_RUN }));
        walls.map(|wall| Ok(wall?.wall_ns)).collect::<Result<Vec<u64>, String>>()
    };
    let (one, forty) = (shortest(1)?, shortest(40)?);
    let (one, forty) = (one.iter().min().copied(), forty.iter().min().copied());
    match forty > one.map(|one| one.saturating_mul(5)) {
        true => Ok(()),
        false => Err(format!(
            "40 runs take {} ns, and one run takes {} ns",
            forty.unwrap_or(0),
            one.unwrap_or(0)
        )),
    }
}

fn cold(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    cell.load(&mut runner, kernel, &BOUNDARIES)?;
    run(&mut runner, &BOUNDARIES, RunRequest { cold: true, ..ONE_RUN })?;
    run(&mut runner, &BOUNDARIES, ONE_RUN).map(drop)
}

fn nonsense(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    let build = BuildRequest {
        backend: "no such backend".into(),
        workers: 1,
        chunking: fib::Chunking::default().to_string(),
        pin: false,
    };
    refused(runner.ask::<Built>(&Request::Build(build), LIMIT), "an unknown backend")?;
    let load = LoadRequest { kernel: "no such kernel".into(), indices: vec![1] };
    refused(runner.ask::<Loaded>(&Request::Load(load), LIMIT), "an unknown kernel")?;
    let mut runner = cell.start().map_err(text)?;
    refused(runner.ask::<Measured>(&Request::Run(ONE_RUN), LIMIT), "a run before a load")?;
    cell.load(&mut runner, kernel, &[93])?;
    run(&mut runner, &[93], ONE_RUN).map(drop)
}

fn refused<T>(reply: Result<T, Fault>, request: &str) -> Result<(), String> {
    match reply {
        Ok(_) => Err(format!("{request} is accepted")),
        Err(fault) if fault.status == Status::Refused => Ok(()),
        Err(fault) => Err(format!("{request}: {fault}")),
    }
}

fn end(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    match runner.end(END) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("it ends with {status}")),
        None => Err(format!("it has not ended {} s after its input", END.as_secs())),
    }
}

fn text(fault: Fault) -> String {
    fault.to_string()
}
