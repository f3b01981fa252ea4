//! A technique in a race, and one run of it.

use super::Task;
use crate::engine::{Engine, RunnerProcess};
use fib::kernels::{self, in_text};
use fib::{
    Control, Descriptor, Error, FibBackend, Form, Kernel, Options, ResidueMethod, Settings,
    StreamError, compute, residues, stream, text,
};
use fib_engine::Digest;
use fib_engine::protocol::{
    BuildRequest, Built, LoadRequest, Loaded, Measured, Request, RunRequest,
};
use fib_report::Status;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{Builder, scope};
use std::time::{Duration, Instant};

/// An engine may take this many times the time of a run for a reply, because reading the indices and
/// computing the digest are not part of that time.
const PATIENCE: u32 = 5;

/// The shortest wait for a reply of an engine.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);

/// The most indices in a request to an engine.
const MOST_LISTED: u64 = 5_000_000;

/// A backend with a kernel.
pub(super) struct Entrant<'a> {
    /// The name of the backend, with its engine if that is not ours.
    name: String,
    pub(super) kernel: &'static str,
    pub(super) workers: usize,
    runner: Runner<'a>,
}

enum Runner<'a> {
    /// Our own backend; it is built before its first run.
    Ours(Descriptor, Option<Box<dyn FibBackend>>),
    /// The baseline of another engine; its process is started before its first run.
    Engine(&'a Engine, Option<RunnerProcess>),
}

/// One run.
pub(super) struct Run {
    /// The time of the run; more than the limit if it was stopped.
    pub(super) wall: Duration,
    pub(super) status: Status,
    pub(super) message: Option<String>,
}

impl<'a> Entrant<'a> {
    pub(super) fn ours(descriptor: Descriptor, workers: usize, kernel: &'static str) -> Self {
        let (name, runner) = (descriptor.name.into(), Runner::Ours(descriptor, None));
        Entrant { name, kernel, workers, runner }
    }

    pub(super) fn of_engine(engine: &'a Engine, kernel: &'static str) -> Self {
        let name = engine.label(&engine.capabilities.baseline);
        Entrant { name, kernel, workers: 1, runner: Runner::Engine(engine, None) }
    }

    /// The label in records.
    pub(super) fn label(&self) -> String {
        format!("{}@{}", self.name, self.kernel)
    }

    /// The largest size that is tried. The request to an engine lists every index.
    pub(super) fn most(&self, task: Task) -> u64 {
        match (&self.runner, task) {
            (Runner::Engine(..), Task::Numbers | Task::Residues) => MOST_LISTED,
            _ => task.most(),
        }
    }

    /// Whether other backends with the same kernel will reach about as much.
    pub(super) fn is_parallel(&self) -> bool {
        self.workers > 1
    }

    /// Computes `size`, and stops after `limit` where that is possible. The results are checked if `checks`.
    pub(super) fn run(&mut self, task: Task, size: u64, limit: Duration, checks: bool) -> Run {
        let kernel = self.kernel;
        let outcome = match &mut self.runner {
            Runner::Ours(descriptor, backend) => {
                let settings = NonZeroUsize::new(self.workers).map(Settings::workers);
                match ready(descriptor, backend, settings.unwrap_or_default()) {
                    Ok(backend) => run_ours(backend, kernel, task, size, limit, checks),
                    Err(error) => Err((Status::Omitted, error.to_string())),
                }
            }
            Runner::Engine(engine, process) => {
                let run = run_engine(engine, process, kernel, task, size, limit);
                if run.as_ref().map_or(true, |wall| *wall > limit) {
                    *process = None; // it may have been ended
                }
                run
            }
        };
        match outcome {
            Ok(wall) => Run { wall, status: Status::Ok, message: None },
            Err((status, message)) => Run { wall: Duration::ZERO, status, message: Some(message) },
        }
    }
}

/// The time, or why there is none.
type Outcome = Result<Duration, (Status, String)>;

/// Builds the backend, unless that has been done.
fn ready<'b>(
    descriptor: &Descriptor,
    backend: &'b mut Option<Box<dyn FibBackend>>,
    settings: Settings,
) -> Result<&'b dyn FibBackend, Error> {
    let built = match backend.take() {
        Some(built) => built,
        None => {
            let built = descriptor.build(settings)?;
            let warm_up = vec![10; settings.workers.get()];
            compute(&*built, &kernels::iterative(), &warm_up, &Options::default())?;
            built
        }
    };
    Ok(&**backend.insert(built))
}

fn run_ours(
    backend: &dyn FibBackend,
    kernel: &str,
    task: Task,
    size: u64,
    limit: Duration,
    checks: bool,
) -> Outcome {
    let missing = || (Status::Omitted, format!("there is no kernel {kernel}"));
    let kernel = chosen(kernel, task).ok_or_else(missing)?;
    let options = Options::default();
    let start = Instant::now();
    let outcome = stopped_after(limit, &options.control, || match task {
        Task::Numbers | Task::Residues => streamed(backend, &kernel, size, &options),
        Task::OneNumber | Task::OneText => computed(backend, &kernel, size, &options),
    });
    let wall = start.elapsed();
    match outcome {
        Ok(results) if checks && !results.are_right(task) => {
            Err((Status::Wrong, "a result is wrong".into()))
        }
        Ok(_) => Ok(wall),
        Err(Error::Cancelled) => Ok(wall.max(limit + Duration::from_nanos(1))),
        Err(error @ (Error::Limit { .. } | Error::Allocation { .. })) => {
            Err((Status::Refused, format!("size {size}: {error}")))
        }
        Err(error) => Err((Status::Crash, error.to_string())),
    }
}

/// Some results of a run: enough to check it, and few enough to cost no time.
struct Results {
    /// Indices, and the digest of the result of each.
    sampled: Vec<(u64, Digest)>,
    /// Whether no result is missing.
    all_there: bool,
}

impl Results {
    fn are_right(&self, task: Task) -> bool {
        self.all_there && self.sampled.iter().all(|(n, digest)| *digest == expected(&[*n], task))
    }
}

/// One of this many results is checked, and so is the last.
const SAMPLED: u64 = 1000;

/// F(0) to F(size - 1), in bounded memory and in order, as `fib batch` computes them.
fn streamed(
    backend: &dyn FibBackend,
    kernel: &Arc<dyn Kernel>,
    size: u64,
    options: &Options,
) -> Result<Results, Error> {
    let (mut sampled, mut next) = (vec![], 0);
    let mut all_there = true;
    let sink = |n: u64, limbs: &[u64]| {
        all_there &= n == next;
        next += 1;
        if n % SAMPLED == SAMPLED - 1 || n + 1 == size {
            sampled.push((n, Digest::of([limbs])));
        }
        Ok::<(), Infallible>(())
    };
    match stream(backend, kernel, 0..size, options, sink) {
        Ok(()) => Ok(Results { sampled, all_there: all_there && next == size }),
        Err(StreamError::Compute(error)) => Err(error),
        Err(StreamError::Sink(never)) => match never {},
    }
}

/// F(size).
fn computed(
    backend: &dyn FibBackend,
    kernel: &Arc<dyn Kernel>,
    size: u64,
    options: &Options,
) -> Result<Results, Error> {
    let table = compute(backend, kernel, &[size], options)?;
    let digest = table.limbs(0).map(|limbs| match kernel.form() {
        Form::Binary | Form::Residue(_) => Digest::of([limbs]),
        Form::Text => Digest::of_text([text::characters(limbs)]),
    });
    let all_there = digest.is_some();
    let sampled = digest.map(|digest| (size, digest)).into_iter().collect();
    Ok(Results { sampled, all_there })
}

fn chosen(name: &str, task: Task) -> Option<Arc<dyn Kernel>> {
    match task {
        Task::Residues => Some(residues(task.modulus()?, ResidueMethod::by_name(name)?)),
        Task::OneText => kernels::by_name(name).map(|kernel| in_text(&kernel)),
        Task::Numbers | Task::OneNumber => kernels::by_name(name),
    }
}

/// Runs `work`, and cancels it through `control` if it has not ended after `limit`. If the system refuses the
/// thread that waits, the work is not cancelled.
fn stopped_after<T>(limit: Duration, control: &Control, work: impl FnOnce() -> T) -> T {
    scope(|scope| {
        let (done, is_done) = channel::<()>();
        let _ = Builder::new().spawn_scoped(scope, move || {
            if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                control.cancel();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn expected(indices: &[u64], task: Task) -> Digest {
    match task.modulus() {
        Some(modulus) => Digest::expected_residues(indices, modulus),
        None => Digest::expected(indices),
    }
}

/// Runs the baseline of an engine. A run that takes too long is ended, and has the time until then.
fn run_engine(
    engine: &Engine,
    process: &mut Option<RunnerProcess>,
    kernel: &str,
    task: Task,
    size: u64,
    limit: Duration,
) -> Outcome {
    let wait = (limit * PATIENCE).max(SHORTEST_WAIT);
    let fault = |fault: crate::engine::Fault| (fault.status, fault.message);
    let runner = match process {
        Some(runner) => runner,
        None => {
            let mut runner = RunnerProcess::start(&engine.command).map_err(fault)?.0;
            let build = BuildRequest {
                backend: engine.capabilities.baseline.clone(),
                workers: 1,
                chunking: fib::Chunking::default().to_string(),
                pin: false,
            };
            runner.ask::<Built>(&Request::Build(build), SHORTEST_WAIT).map_err(fault)?;
            process.insert(runner)
        }
    };
    let indices = task.indices(size);
    let (expected, modulus) = (expected(&indices, task), task.modulus().map(|m| m.decimal()));
    let load = LoadRequest { kernel: kernel.into(), indices, modulus };
    runner.ask::<Loaded>(&Request::Load(load), wait).map_err(fault)?;
    let run = RunRequest { repeats: 1, cold: false, timeline: false };
    let asked = Instant::now();
    let measured: Measured = match runner.ask(&Request::Run(run), wait) {
        // A run that takes too long is not a failure: the size was too large.
        Err(slow) if slow.status == Status::Hang && size > 1 => return Ok(asked.elapsed()),
        reply => reply.map_err(fault)?,
    };
    let wall = Duration::from_nanos(measured.wall_ns);
    if measured.digest != expected.to_string() {
        return Err((Status::Wrong, "the result is wrong".into()));
    }
    match wall <= asked.elapsed() {
        true => Ok(wall),
        false => Err((Status::Crash, "it reports a longer time than its reply took".into())),
    }
}
