//! Checks that a program follows the engine protocol.

use super::client::{Fault, RunnerProcess};
use super::{Engine, distinct_bytes, doubt};
use fib::{Modulus, ResidueMethod, kernels};
use fib_engine::Digest;
use fib_engine::protocol::{
    BuildRequest, Built, Capabilities, LoadRequest, Loaded, Measured, Request, RunRequest,
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

    /// Everything that the backend can compute: its kernels, those of residues with two moduli.
    fn work(&self) -> Result<Vec<Work>, String> {
        let Capabilities { backends, kernels, .. } = &self.engine.capabilities;
        let own = backends.iter().find(|backend| backend.name == self.backend);
        let own = kernels.iter().filter(|kernel| own.is_some_and(|own| own.has_kernel(kernel)));
        let of_kernel = |kernel: &String| {
            let moduli = match ResidueMethod::by_name(kernel) {
                None => vec![None],
                Some(_) => vec![Some(Modulus::WORD), Modulus::new(1_000_000_007)],
            };
            let work = |modulus| Work { kernel: kernel.clone(), modulus };
            moduli.into_iter().map(work).collect::<Vec<_>>()
        };
        let all: Vec<_> =
            own.filter(|kernel| *kernel != kernels::empty().name()).flat_map(of_kernel).collect();
        if all.is_empty() { Err("it has no kernel".into()) } else { Ok(all) }
    }

    /// Starts a process, and returns it with the first work that the backend can do.
    fn start_with_work(&self) -> Result<(RunnerProcess, Work), String> {
        let work = self.work()?.swap_remove(0);
        Ok((self.start().map_err(text)?, work))
    }
}

/// A kernel, and its modulus if it computes residues.
struct Work {
    kernel: String,
    modulus: Option<Modulus>,
}

impl Work {
    /// The indices that the kernel can compute in a short time. A tree takes 1.6 times as long for each further
    /// index.
    fn within_reach(&self, indices: &[u64]) -> Vec<u64> {
        const TREES: u64 = 24;
        let kernel = kernels::by_name(&self.kernel).filter(|_| self.modulus.is_none());
        match kernel.and_then(|kernel| kernel.largest_index()) {
            Some(_) => indices.iter().map(|n| n % TREES).collect(),
            None => indices.to_vec(),
        }
    }

    fn load(&self, runner: &mut RunnerProcess, indices: &[u64]) -> Result<(), String> {
        let modulus = self.modulus.map(Modulus::decimal);
        let indices = self.within_reach(indices);
        let load = LoadRequest { kernel: self.kernel.clone(), indices: indices.clone(), modulus };
        let loaded: Loaded = runner.ask(&Request::Load(load), LIMIT).map_err(text)?;
        match loaded.items == indices.len() {
            true => Ok(()),
            false => Err(format!("it loaded {} of {} indices", loaded.items, indices.len())),
        }
    }

    /// Runs the batch, and checks that the digest is right and the time is possible.
    fn run(
        &self,
        runner: &mut RunnerProcess,
        indices: &[u64],
        run: RunRequest,
    ) -> Result<Measured, String> {
        let indices = &self.within_reach(indices);
        let start = Instant::now();
        let measured: Measured = runner.ask(&Request::Run(run), LIMIT).map_err(text)?;
        let observed = start.elapsed();
        let (expected, bytes) = match self.modulus {
            None => (Digest::expected(indices), distinct_bytes(indices)),
            Some(modulus) => (Digest::expected_residues(indices, modulus), 0),
        };
        if measured.digest != expected.to_string() {
            return Err(format!("the digest is {} instead of {expected}", measured.digest));
        }
        match doubt(&measured, run, observed, bytes) {
            Some(doubt) => Err(doubt),
            None => Ok(measured),
        }
    }
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kernel)?;
        self.modulus.map_or(Ok(()), |modulus| write!(f, " modulo {modulus}"))
    }
}

const ONE_RUN: RunRequest = RunRequest { repeats: 1, cold: false, timeline: false };

fn boundaries(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let mut runner = cell.start().map_err(text)?;
    for work in cell.work()? {
        let mut indices = BOUNDARIES.to_vec();
        if work.modulus.is_some() {
            indices.extend([1 << 40, u64::MAX]);
        }
        work.load(&mut runner, &indices)?;
        for _ in 0..3 {
            work.run(&mut runner, &indices, ONE_RUN)
                .map_err(|problem| format!("{work}: {problem}"))?;
        }
    }
    Ok(())
}

fn many_and_none(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let (mut runner, work) = cell.start_with_work()?;
    let many: Vec<u64> = (0..2000).map(|i| i * 7 % 100).collect();
    for indices in [&many[..], &[], &[93]] {
        work.load(&mut runner, indices)?;
        work.run(&mut runner, indices, ONE_RUN)?;
    }
    Ok(())
}

/// Times are compared this many times, until they are as they must be.
const TRIES: usize = 10;

/// Forty runs must take more than five times as long as one run. This finds a runner that times
/// only one run.
fn repeats(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let (mut runner, work) = cell.start_with_work()?;
    let indices = [500; 50];
    work.load(&mut runner, &indices)?;
    let mut shortest = |repeats, so_far: u64| -> Result<u64, String> {
        let run = RunRequest { repeats, ..ONE_RUN };
        let walls = (0..15).map(|_| Ok(work.run(&mut runner, &indices, run)?.wall_ns));
        walls
            .collect::<Result<Vec<u64>, String>>()
            .map(|walls| walls.into_iter().fold(so_far, u64::min))
    };
    // On a busy machine a run of a pool may take a thousand times as long as it should, again and again.
    let (mut one, mut forty) = (u64::MAX, u64::MAX);
    for _ in 0..TRIES {
        (one, forty) = (shortest(1, one)?, shortest(40, forty)?);
        if forty > one.saturating_mul(5) {
            return Ok(());
        }
    }
    Err(format!("40 runs take {forty} ns, and one run takes {one} ns"))
}

fn cold(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let (mut runner, work) = cell.start_with_work()?;
    work.load(&mut runner, &BOUNDARIES)?;
    work.run(&mut runner, &BOUNDARIES, RunRequest { cold: true, ..ONE_RUN })?;
    work.run(&mut runner, &BOUNDARIES, ONE_RUN).map(drop)
}

fn nonsense(cell: &mut CheckedBackend<'_>) -> Result<(), String> {
    let (mut runner, work) = cell.start_with_work()?;
    let build = BuildRequest {
        backend: "no such backend".into(),
        workers: 1,
        chunking: fib::Chunking::default().to_string(),
        pin: false,
    };
    refused(runner.ask::<Built>(&Request::Build(build), LIMIT), "an unknown backend")?;
    let load = |kernel: &str, modulus: Option<&str>| {
        let (kernel, modulus) = (kernel.to_owned(), modulus.map(str::to_owned));
        Request::Load(LoadRequest { kernel, indices: vec![1], modulus })
    };
    let unknown = load("no such kernel", None);
    refused(runner.ask::<Loaded>(&unknown, LIMIT), "an unknown kernel")?;
    if let Some(work) = cell.work()?.iter().find(|work| work.modulus.is_some()) {
        let zero = load(&work.kernel, Some("0"));
        refused(runner.ask::<Loaded>(&zero, LIMIT), "the modulus 0")?;
    }
    let mut runner = cell.start().map_err(text)?;
    refused(runner.ask::<Measured>(&Request::Run(ONE_RUN), LIMIT), "a run before a load")?;
    work.load(&mut runner, &[93])?;
    work.run(&mut runner, &[93], ONE_RUN).map(drop)
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
