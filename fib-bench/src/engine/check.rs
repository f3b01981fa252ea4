//! Whether a program is an engine that can be believed.

use super::Engine;
use super::client::{Fault, Runner};
use super::digest::Digest;
use super::protocol::{Build, Built, Load, Loaded, Measured, Request, Run};
use crate::record::Status;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// How long an answer may take here, where everything is small.
const LIMIT: Duration = Duration::from_secs(20);

/// How long an engine may take to end when its input does.
const END: Duration = Duration::from_secs(2);

/// Indices at which things go wrong: the first ones, the ends of words of 64 bits, a repeat, and no
/// order.
const BOUNDARIES: [u64; 20] =
    [0, 1, 2, 3, 92, 93, 94, 185, 186, 187, 63, 64, 65, 93, 1000, 999, 10, 10, 4096, 0];

/// Something that an engine must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// Why it does not, if it does not.
    pub problem: Option<String>,
}

/// Tries everything that [`measure`](crate::measure) asks of an engine, on each of its backends.
/// Each finding is also given to `tell` as soon as it is there.
pub fn check(command: &[OsString], tell: &mut dyn FnMut(&Finding)) -> Vec<Finding> {
    let mut findings = vec![];
    let mut found = |what: String, outcome: Result<(), String>| {
        let finding = Finding { what, problem: outcome.err() };
        tell(&finding);
        findings.push(finding);
    };
    let engine = Engine::ask(command.to_vec());
    found("says hello".into(), engine.as_ref().map(drop).map_err(ToString::to_string));
    let Ok(engine) = engine else { return findings };
    found("describes itself".into(), describes_itself(&engine));
    for backend in &engine.capabilities.backends {
        for workers in [1, 2].into_iter().filter(|w| backend.max_workers.is_none_or(|m| *w <= m)) {
            let mut cell = Cell { engine: &engine, backend: &backend.name, workers };
            for (what, trial) in TRIALS {
                let what = format!("{} with {workers}: {what}", backend.name);
                found(what, trial(&mut cell));
            }
        }
    }
    findings
}

/// A backend on trial, each time in a new process.
struct Cell<'a> {
    engine: &'a Engine,
    backend: &'a str,
    workers: usize,
}

type Trial = fn(&mut Cell<'_>) -> Result<(), String>;

const TRIALS: [(&str, Trial); 6] = [
    ("the boundaries are right, again and again", boundaries),
    ("many small ones and none at all", many_and_none),
    ("repeats take longer than one", repeats),
    ("a cold start", cold),
    ("what makes no sense is refused, and it goes on", nonsense),
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

impl Cell<'_> {
    fn start(&self) -> Result<Runner, Fault> {
        let (mut runner, _) = Runner::start(&self.engine.command)?;
        let build = Build {
            backend: self.backend.into(),
            workers: self.workers,
            chunking: fib::Chunking::default().to_string(),
            pin: false,
        };
        runner.ask::<Built>(&Request::Build(build), LIMIT)?;
        Ok(runner)
    }

    /// Every kernel of the engine that computes numbers.
    fn kernels(&self) -> impl Iterator<Item = &String> {
        self.engine.capabilities.kernels.iter().filter(|name| *name != fib::kernels::empty().name())
    }

    fn load(&self, runner: &mut Runner, kernel: &str, indices: &[u64]) -> Result<(), String> {
        let load = Load { kernel: kernel.into(), indices: indices.to_vec() };
        let loaded: Loaded = runner.ask(&Request::Load(load), LIMIT).map_err(text)?;
        match loaded.items == indices.len() {
            true => Ok(()),
            false => Err(format!("it took {} of {} indices", loaded.items, indices.len())),
        }
    }
}

const ONE: Run = Run { repeats: 1, cold: false, timeline: false };

/// Runs the batch, and looks whether the answer can be true.
fn run(runner: &mut Runner, indices: &[u64], run: Run) -> Result<Measured, String> {
    let begin = Instant::now();
    let measured: Measured = runner.ask(&Request::Run(run), LIMIT).map_err(text)?;
    let observed = begin.elapsed().as_nanos();
    let expected = Digest::expected(indices).to_string();
    if measured.digest != expected {
        return Err(format!("the digest is {} in place of {expected}", measured.digest));
    }
    if measured.wall_ns == 0 || u128::from(measured.wall_ns) > observed {
        return Err(format!("it says {} ns, we saw {observed} ns", measured.wall_ns));
    }
    Ok(measured)
}

fn boundaries(cell: &mut Cell<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    for kernel in cell.kernels() {
        cell.load(&mut runner, kernel, &BOUNDARIES)?;
        for _ in 0..3 {
            run(&mut runner, &BOUNDARIES, ONE).map_err(|problem| format!("{kernel}: {problem}"))?;
        }
    }
    Ok(())
}

fn many_and_none(cell: &mut Cell<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let many: Vec<u64> = (0..2000).map(|i| i * 7 % 100).collect();
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    for indices in [&many[..], &[], &[93]] {
        cell.load(&mut runner, kernel, indices)?;
        run(&mut runner, indices, ONE)?;
    }
    Ok(())
}

/// Twenty of them take more than five: a runner that times one of them is found.
fn repeats(cell: &mut Cell<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    let indices = [500; 50];
    cell.load(&mut runner, kernel, &indices)?;
    let mut shortest = |repeats| {
        let walls = (0..5).map(|_| run(&mut runner, &indices, Run { repeats, ..ONE }));
        walls.map(|wall| Ok(wall?.wall_ns)).collect::<Result<Vec<u64>, String>>()
    };
    let (one, forty) = (shortest(1)?, shortest(40)?);
    let (one, forty) = (one.iter().min().copied(), forty.iter().min().copied());
    match forty > one.map(|one| one.saturating_mul(5)) {
        true => Ok(()),
        false => Err(format!("40 batches take {forty:?} ns, one takes {one:?} ns")),
    }
}

fn cold(cell: &mut Cell<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    cell.load(&mut runner, kernel, &BOUNDARIES)?;
    run(&mut runner, &BOUNDARIES, Run { cold: true, ..ONE })?;
    run(&mut runner, &BOUNDARIES, ONE).map(drop)
}

fn nonsense(cell: &mut Cell<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    let kernel = cell.kernels().next().ok_or("it has no kernel")?;
    let build = Build {
        backend: "no such backend".into(),
        workers: 1,
        chunking: fib::Chunking::default().to_string(),
        pin: false,
    };
    refused(runner.ask::<Built>(&Request::Build(build), LIMIT), "an unknown backend")?;
    let load = Load { kernel: "no such kernel".into(), indices: vec![1] };
    refused(runner.ask::<Loaded>(&Request::Load(load), LIMIT), "an unknown kernel")?;
    let mut runner = cell.start().map_err(text)?;
    refused(runner.ask::<Measured>(&Request::Run(ONE), LIMIT), "a run without a batch")?;
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

fn end(cell: &mut Cell<'_>) -> Result<(), String> {
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
