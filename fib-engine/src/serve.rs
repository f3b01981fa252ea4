//! Our own runner: it serves the backends of a registry over the engine protocol.

use crate::copies::Copies;
use crate::meter::{Meter, difference};
use crate::protocol::{
    BuildRequest, Built, Capabilities, LoadRequest, Loaded, Measured, OfferedBackend, PROTOCOL,
    Reply, Request, RunRequest,
};
use crate::trial::{Trial, nanoseconds};
use crate::{COPIES, WHOLE};
use fib_core::kernels::{self, KernelEntry};
use fib_core::{
    Chunking, Descriptor, FibBackend, Kernel, MOST_WORKERS, MemoryLimit, Options, ResidueMethod,
    Scheduling, Settings, compute, residues,
};
use serde::Serialize;
use std::io::{self, BufRead, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

/// What a runner offers.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub name: &'a str,
    /// The backends. The first backend is the baseline of the engine.
    pub backends: &'a [&'a Descriptor],
    pub kernels: &'a [KernelEntry],
}

/// The longest request, in bytes: a batch of more than ten million indices. The rest of a longer line
/// is taken for another request.
const LONGEST_REQUEST: u64 = 1 << 28;

/// Replies to requests from `input` until `input` ends.
///
/// # Errors
/// If `input` cannot be read or a reply cannot be written. A request that makes no sense, or that
/// asks for something the runner does not have, is answered with a refusal.
pub fn serve(offer: Offer<'_>, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut runner = RunnerState { offer, prepared: None, trial: None };
    let mut line = vec![];
    while input.by_ref().take(LONGEST_REQUEST).read_until(b'\n', &mut line)? > 0 {
        let reply = match serde_json::from_slice(&line) {
            Ok(request) => runner.reply(&request),
            Err(error) => refusal(&format!("cannot understand the request: {error}")),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

struct RunnerState<'a> {
    offer: Offer<'a>,
    prepared: Option<Prepared>,
    trial: Option<Trial>,
}

/// What the last build request has built.
struct Prepared {
    target: Target,
    settings: Settings,
    options: Options,
    meter: Meter,
}

/// What a run measures.
enum Target {
    /// `None` while a cold run builds the backend anew.
    Backend(Descriptor, Option<Box<dyn FibBackend>>),
    /// Sequential calls, with layout and allocation.
    WholeCall,
    /// This many copies of the baseline; `None` until a batch is loaded.
    Copies(usize, Option<Copies>),
}

impl RunnerState<'_> {
    fn reply(&mut self, request: &Request) -> String {
        match request {
            Request::Hello { protocol } => line(self.hello(*protocol)),
            Request::Build(build) => line(self.build(build)),
            Request::Load(load) => line(self.load(load)),
            Request::Run(run) => line(self.run(*run)),
        }
    }

    fn hello(&self, protocol: u32) -> Result<Capabilities, String> {
        if protocol != PROTOCOL {
            return Err(format!("this engine speaks protocol {PROTOCOL}, not {protocol}"));
        }
        let backend = |entry: &&Descriptor| OfferedBackend {
            name: entry.name.into(),
            summary: entry.summary.into(),
            max_workers: (entry.scheduling == Scheduling::Serial).then_some(1),
            kernels: None,
        };
        let exact = self.offer.kernels.iter().map(|entry| entry.name);
        let residues = ResidueMethod::ALL.iter().map(|method| method.name());
        Ok(Capabilities {
            protocol,
            engine: self.offer.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            baseline: self.offer.backends.first().map_or("", |entry| entry.name).into(),
            backends: self.offer.backends.iter().map(backend).collect(),
            kernels: exact.chain(residues).map(str::to_owned).collect(),
            left_out: vec![],
            timeline: true,
        })
    }

    fn build(&mut self, build: &BuildRequest) -> Result<Built, String> {
        self.prepared = None;
        let workers =
            NonZeroUsize::new(build.workers).ok_or("a backend needs at least 1 worker")?;
        if workers > MOST_WORKERS {
            return Err(format!("{workers} workers are too many; the limit is {MOST_WORKERS}"));
        }
        let chunking: Chunking = build.chunking.parse().map_err(text)?;
        let options = Options { chunking, ..Options::default() };
        let settings = Settings { pin: build.pin, ..Settings::workers(workers) };
        let start = Instant::now();
        let target = match build.backend.as_str() {
            WHOLE => Target::WholeCall,
            COPIES => Target::Copies(build.workers, None),
            name => {
                let found = self.offer.backends.iter().find(|entry| entry.name == name);
                let descriptor = **found.ok_or_else(|| format!("there is no backend {name}"))?;
                Target::Backend(descriptor, Some(ready(&descriptor, settings)?))
            }
        };
        let wall_ns = nanoseconds(start.elapsed());
        self.prepared = Some(Prepared { target, settings, options, meter: Meter::new() });
        self.start_copies()?;
        Ok(Built { wall_ns })
    }

    fn load(&mut self, load: &LoadRequest) -> Result<Loaded, String> {
        self.trial = None;
        let kernel = self.kernel(load)?;
        let trial = Trial::new(kernel, &load.indices, MemoryLimit::default());
        self.trial = Some(trial.map_err(text)?);
        self.start_copies()?;
        Ok(Loaded { items: load.indices.len() })
    }

    /// The kernel of a batch: a kernel of residues if there is a modulus.
    fn kernel(&self, load: &LoadRequest) -> Result<Arc<dyn Kernel>, String> {
        let missing = || format!("there is no kernel {}", load.kernel);
        match &load.modulus {
            None => {
                let found = self.offer.kernels.iter().find(|entry| entry.name == load.kernel);
                found.map(|entry| (entry.get)()).ok_or_else(missing)
            }
            Some(modulus) => {
                let method = ResidueMethod::by_name(&load.kernel).ok_or_else(missing)?;
                Ok(residues(modulus.parse().map_err(text)?, method))
            }
        }
    }

    /// Starts the copies as soon as both their number and their batch are known.
    fn start_copies(&mut self) -> Result<(), String> {
        if let (
            Some(Prepared { target: Target::Copies(number, copies), options, .. }),
            Some(trial),
        ) = (&mut self.prepared, &self.trial)
        {
            *copies = Some(Copies::new(*number, trial.layout(), options)?);
        }
        Ok(())
    }

    fn run(&mut self, run: RunRequest) -> Result<Measured, String> {
        let prepared = self.prepared.as_mut().ok_or("no backend was built")?;
        let trial = self.trial.as_mut().ok_or("no batch was loaded")?;
        if run.repeats == 0 || (run.repeats > 1 && (run.cold || run.timeline)) {
            return Err(format!(
                "repeats is {}, but must be at least 1, and 1 for a cold run or a timeline",
                run.repeats
            ));
        }
        let backend = match &prepared.target {
            Target::Backend(_, Some(backend)) => Some(&**backend),
            _ => None,
        };
        trial.prepare(backend, &prepared.options).map_err(text)?;
        if run.cold { prepared.run_cold(trial) } else { prepared.run_warm(trial, run) }
    }
}

impl Prepared {
    fn run_warm(&mut self, trial: &mut Trial, run: RunRequest) -> Result<Measured, String> {
        let options = Options { timeline: run.timeline, ..self.options.clone() };
        let usage_before = self.meter.read();
        let (mut timeline, mut pauses, mut copies_ns) = (vec![], vec![], None);
        let (wall, digest) = match &mut self.target {
            Target::Backend(_, Some(backend)) => {
                let timing = trial.run(&**backend, &options, run.repeats).map_err(text)?;
                (timeline, pauses) = (timing.timeline, timing.pauses);
                (timing.wall, None)
            }
            Target::WholeCall => {
                let (wall, digest) = trial.whole_call(&options, run.repeats).map_err(text)?;
                (wall, Some(digest))
            }
            Target::Copies(_, Some(copies)) => {
                let (times, digest) = copies.run(run.repeats)?;
                copies_ns = Some(times.each.into_iter().map(nanoseconds).collect());
                (times.wall, Some(digest))
            }
            Target::Backend(_, None) | Target::Copies(_, None) => {
                return Err("there is no backend any more, because building it failed".into());
            }
        };
        let usage_after = self.meter.read();
        Ok(Measured {
            wall_ns: nanoseconds(wall),
            copies_ns,
            digest: digest.unwrap_or_else(|| trial.digest()).to_string(),
            usage: usage_after.zip(usage_before).map(|(later, earlier)| difference(later, earlier)),
            timeline: run.timeline.then_some(timeline),
            pauses: Some(pauses).filter(|pauses| !pauses.is_empty()),
        })
    }

    /// Builds the backend anew and runs the batch once, within the measured time. The new backend
    /// is kept.
    fn run_cold(&mut self, trial: &mut Trial) -> Result<Measured, String> {
        let Target::Backend(descriptor, backend) = &mut self.target else {
            return Err("only a backend can have a cold run".into());
        };
        drop(backend.take());
        let start = Instant::now();
        let built = descriptor.build(self.settings).map_err(text)?;
        trial.run(&*built, &self.options, 1).map_err(text)?;
        let wall_ns = nanoseconds(start.elapsed());
        *backend = Some(built);
        self.meter = Meter::new();
        let digest = trial.digest().to_string();
        Ok(Measured { wall_ns, digest, ..Measured::default() })
    }
}

/// Builds a backend and lets every worker compute once.
fn ready(descriptor: &Descriptor, settings: Settings) -> Result<Box<dyn FibBackend>, String> {
    let backend = descriptor.build(settings).map_err(text)?;
    let options = Options { chunking: Chunking::Items(NonZeroUsize::MIN), ..Options::default() };
    let indices = vec![10; backend.workers().get()];
    compute(&*backend, &kernels::iterative(), &indices, &options).map_err(text)?;
    Ok(backend)
}

pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}

fn line<T: Serialize>(outcome: Result<T, String>) -> String {
    match outcome.map(|done| serde_json::to_string(&Reply::Done(done))) {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => refusal(&error.to_string()),
        Err(error) => refusal(&error),
    }
}

/// A refusal is one line, even if the message has line breaks.
fn refusal(error: &str) -> String {
    serde_json::json!({ "error": error }).to_string()
}
