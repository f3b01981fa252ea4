//! Checks that a program follows the engine protocol.

use super::Engine;
use super::client::{Fault, RunnerProcess};
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

/// Indices at which engines go wrong: the first indices, the ends of 64-bit words, a repeat, no order.
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

/// Checks everything that [`measure`](crate::measure) asks of an engine, on each of its backends. Each
/// finding is also passed to `report` at once.
pub fn check(command: &[OsString], report: &mut dyn FnMut(&Finding)) -> Vec<Finding> {
    let mut findings = vec![];
    let mut found = |what: String, outcome: Result<(), String>| {
        let finding = Finding { what, problem: outcome.err() };
        report(&finding);
        findings.push(finding);
    };
    let engine = Engine::ask(command.to_vec());
    found("says hello".into(), engine.as_ref().map(drop).map_err(ToString::to_string));
    let Ok(engine) = engine else { return findings };
    found("describes itself".into(), describes_itself(&engine));
    for backend in &engine.capabilities.backends {
        for workers in [1, 2].into_iter().filter(|w| backend.max_workers.is_none_or(|m| *w <= m)) {
            let mut cell = CheckedBackend { engine: &engine, backend: &backend.name, workers };
            for (what, holds) in PROPERTIES {
                let what = format!("{} with {workers}: {what}", backend.name);
                found(what, holds(&mut cell));
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
    ("the boundaries are right, run after run", boundaries),
    ("a batch of many small numbers, and an empty batch", many_and_none),
    ("repeats take longer than one", repeats),
    ("a cold start", cold),
    ("requests that make no sense are refused, and it goes on", nonsense),
    ("it ends when its input does", end),
];

fn describes_itself(engine: &Engine) -> Result<(), String> {
    let own = &engine.capabilities;
    let bad_name = |name: &str| {
        name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/')
    };
    if bad_name(&own.engine) {
        return Err(format!("\"{}\" is no name", own.engine));
    }
    if let Some(bad) = own.backends.iter().find(|backend| bad_name(&backend.name)) {
        return Err(format!("\"{}\" is no name", bad.name));
    }
    let baseline = own.backends.iter().any(|backend| backend.name == own.baseline);
    baseline.then_some(()).ok_or_else(|| format!("it has no backend {}", own.baseline))?;
    let kernel = own.kernels.first().map(drop);
    kernel.ok_or_else(|| "it has no kernel".into())
}

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
            false => Err(format!("it took {} of {} indices", loaded.items, indices.len())),
        }
    }
}

const ONE: RunRequest = RunRequest { repeats: 1, cold: false, timeline: false };

/// Runs the batch, and checks that the reply can be true.
fn run(runner: &mut RunnerProcess, indices: &[u64], run: RunRequest) -> Result<Measured, String> {
    let start = Instant::now();
    let measured: Measured = runner.ask(&Request::Run(run), LIMIT).map_err(text)?;
    let observed = start.elapsed().as_nanos();
    let expected = Digest::expected(indices).to_string();
    if measured.digest != expected {
        return Err(format!("the digest is {} instead of {expected}", measured.digest));
    }
    if measured.wall_ns == 0 || u128::from(measured.wall_ns) > observed {
        return Err(format!(
            "it reports {} ns, but its reply took {observed} ns",
            measured.wall_ns
        ));
    }
    Ok(measured)
}

fn boundaries(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    for kernel in cell.kernels() {
        cell.load(&mut runner, kernel, &BOUNDARIES)?;
        for _ in 0..3 {
            run(&mut runner, &BOUNDARIES, ONE).map_err(|problem| format!("{kernel}: {problem}"))?;
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
        run(&mut runner, indices, ONE)?;
    }
    Ok(())
}

/// Forty runs take more than five: this finds a runner that times only one of them.
fn repeats(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    let indices = [500; 50];
    cell.load(&mut runner, kernel, &indices)?;
    let mut shortest = |repeats| {
        let walls = (0..5).map(|_| run(&mut runner, &indices, RunRequest { repeats, ..ONE }));
        walls.map(|wall| Ok(wall?.wall_ns)).collect::<Result<Vec<u64>, String>>()
    };
    let (one, forty) = (shortest(1)?, shortest(40)?);
    let (one, forty) = (one.iter().min().copied(), forty.iter().min().copied());
    match forty > one.map(|one| one.saturating_mul(5)) {
        true => Ok(()),
        false => Err(format!("40 runs take {forty:?} ns, one run takes {one:?} ns")),
    }
}

fn cold(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    cell.load(&mut runner, kernel, &BOUNDARIES)?;
    run(&mut runner, &BOUNDARIES, RunRequest { cold: true, ..ONE })?;
    run(&mut runner, &BOUNDARIES, ONE).map(drop)
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
    refused(runner.ask::<Measured>(&Request::Run(ONE), LIMIT), "a run before a load")?;
    cell.load(&mut runner, kernel, &[93])?;
    run(&mut runner, &[93], ONE).map(drop)
}

fn refused<T>(answer: Result<T, Fault>, what: &str) -> Result<(), String> {
    match answer {
        Ok(_) => Err(format!("{what} is accepted")),
        Err(fault) if fault.status == Status::Refused => Ok(()),
        Err(fault) => Err(format!("{what}: {fault}")),
    }
}

fn end(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    match runner.end(END) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("it ends with {status}")),
        None => Err(format!("it is still there after {} s", END.as_secs())),
    }
}

fn text(fault: Fault) -> String {
    fault.to_string()
}
