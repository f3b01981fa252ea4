//! Our own runner: every backend of a registry, over the protocol.

use super::batch::Batch;
use super::copies::Copies;
use super::digest::Digest;
use super::protocol::{
    Backend, Build, Built, Capabilities, Load, Loaded, Measured, PROTOCOL, Reply, Request, Run,
    Span,
};
use super::usage::Meter;
use super::{COPIES, WHOLE};
use fib::{Chunking, Descriptor, FibBackend, Options, Record, Settings, compute, kernels};
use serde::Serialize;
use std::io::{self, BufRead, Write};
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

/// Rest before every sample, so that it begins on CPUs that whatever ran last has left. Without it the
/// system often puts two new or woken threads on one CPU for milliseconds: short batches on threads
/// that are started for each then reach two thirds of the speedup. After a rest of 2 ms the processor
/// has fallen asleep, and gives less again.
const REST: Duration = Duration::from_micros(200);

/// What a runner has to offer.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its backends; the first is its baseline.
    pub backends: &'a [Descriptor],
    /// Its kernels.
    pub kernels: &'a [kernels::Entry],
}

/// Answers requests from `input` until it ends.
///
/// # Errors
/// If a reply cannot be written or `input` cannot be read. A request that makes no sense, or that
/// asks for what there is not, is answered with why.
pub fn serve(offer: Offer<'_>, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut runner = Runner { offer, subject: None, batch: None };
    for line in input.lines() {
        let reply = match serde_json::from_str(&line?) {
            Ok(request) => runner.answer(&request),
            Err(error) => refusal(&format!("cannot understand the request: {error}")),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

/// What is measured.
struct Subject {
    what: What,
    build: Build,
    options: Options,
    meter: Meter,
}

enum What {
    Backend(Descriptor, Option<Box<dyn FibBackend>>),
    Whole,
    /// There are none before there is a batch.
    Copies(NonZeroUsize, Option<Copies>),
}

struct Runner<'a> {
    offer: Offer<'a>,
    subject: Option<Subject>,
    batch: Option<Batch>,
}

impl Runner<'_> {
    fn answer(&mut self, request: &Request) -> String {
        match request {
            Request::Hello { protocol } => reply(self.hello(*protocol)),
            Request::Build(build) => reply(self.build(build)),
            Request::Load(load) => reply(self.load(load)),
            Request::Run(run) => reply(self.run(*run)),
        }
    }

    fn hello(&self, protocol: u32) -> Result<Capabilities, String> {
        if protocol != PROTOCOL {
            return Err(format!("this engine speaks protocol {PROTOCOL}, not {protocol}"));
        }
        let backend = |entry: &Descriptor| Backend {
            name: entry.name.into(),
            summary: entry.summary.into(),
            max_workers: None,
        };
        Ok(Capabilities {
            protocol,
            engine: self.offer.name.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            baseline: self.offer.backends.first().map_or("", |entry| entry.name).into(),
            backends: self.offer.backends.iter().map(backend).collect(),
            kernels: self.offer.kernels.iter().map(|entry| entry.name.into()).collect(),
            timeline: true,
        })
    }

    fn build(&mut self, build: &Build) -> Result<Built, String> {
        self.subject = None;
        let workers = NonZeroUsize::new(build.workers).ok_or("there must be a worker")?;
        let chunking: Chunking = build.chunking.parse().map_err(text)?;
        let options = Options { chunking, ..Options::default() };
        let start = Instant::now();
        let what = match build.backend.as_str() {
            WHOLE => What::Whole,
            COPIES => What::Copies(workers, None),
            name => {
                let found = self.offer.backends.iter().find(|entry| entry.name == name);
                let descriptor = found.ok_or_else(|| format!("there is no backend {name}"))?;
                let backend = ready(descriptor, settings(build, workers))?;
                What::Backend(*descriptor, Some(backend))
            }
        };
        let wall = start.elapsed();
        let (build, meter) = (build.clone(), Meter::new());
        self.subject = Some(Subject { what, build, options, meter });
        self.connect()?;
        Ok(Built { wall_ns: nanoseconds(wall) })
    }

    fn load(&mut self, load: &Load) -> Result<Loaded, String> {
        self.batch = None;
        let found = self.offer.kernels.iter().find(|entry| entry.name == load.kernel);
        let kernel = found.ok_or_else(|| format!("there is no kernel {}", load.kernel))?;
        self.batch = Some(Batch::new((kernel.get)(), &load.indices).map_err(text)?);
        self.connect()?;
        Ok(Loaded { items: load.indices.len() })
    }

    /// Gives copies their batch, once there are both.
    fn connect(&mut self) -> Result<(), String> {
        if let (Some(Subject { what: What::Copies(number, copies), options, .. }), Some(batch)) =
            (&mut self.subject, &self.batch)
        {
            *copies = Some(Copies::new(number.get(), batch.layout(), options)?);
        }
        Ok(())
    }

    fn run(&mut self, run: Run) -> Result<Measured, String> {
        let subject = self.subject.as_mut().ok_or("nothing was built")?;
        let batch = self.batch.as_mut().ok_or("nothing was loaded")?;
        if run.repeats == 0 || (run.repeats > 1 && (run.cold || run.timeline)) {
            return Err(format!("{} repeats make no sense here", run.repeats));
        }
        if let What::Backend(_, Some(backend)) = &subject.what {
            batch.rehearse(&**backend, &subject.options).map_err(text)?;
        }
        thread::sleep(REST);
        batch.prepare().map_err(text)?;
        if run.cold { subject.run_cold(batch) } else { subject.run_warm(batch, run) }
    }
}

impl Subject {
    fn run_warm(&mut self, batch: &mut Batch, run: Run) -> Result<Measured, String> {
        let options = Options { timeline: run.timeline, ..self.options.clone() };
        let before = self.meter.read();
        let begin = Instant::now();
        let (wall, digest, records) = match &mut self.what {
            What::Backend(_, Some(backend)) => {
                let (wall, records) = batch.run(&**backend, &options, run.repeats).map_err(text)?;
                (wall, None, records)
            }
            What::Whole => {
                let (wall, digest) = batch.compute(&options, run.repeats).map_err(text)?;
                (wall, Some(digest), vec![])
            }
            What::Copies(_, Some(copies)) => {
                let (wall, digest) = copies.run(run.repeats)?;
                (wall, Some(digest), vec![])
            }
            What::Backend(_, None) | What::Copies(_, None) => return Err("it is gone".into()),
        };
        let after = self.meter.read();
        let usage = after.zip(before).map(|(after, before)| after - before);
        Ok(Measured {
            wall_ns: nanoseconds(wall),
            digest: digest.unwrap_or_else(|| batch.digest()).to_string(),
            cpu_ns: usage.map(|usage| usage.cpu_ns),
            voluntary_switches: usage.map(|usage| usage.voluntary_switches),
            involuntary_switches: usage.map(|usage| usage.involuntary_switches),
            peak_rss_bytes: usage.map(|usage| usage.peak_rss_bytes),
            timeline: run.timeline.then(|| spans(&records, begin)),
        })
    }

    /// From nothing to the results of a first batch, on a backend that is kept then.
    fn run_cold(&mut self, batch: &mut Batch) -> Result<Measured, String> {
        let What::Backend(descriptor, backend) = &mut self.what else {
            return Err("only a backend can be cold".into());
        };
        let workers = NonZeroUsize::new(self.build.workers).ok_or("there must be a worker")?;
        let settings = settings(&self.build, workers);
        drop(backend.take());
        let start = Instant::now();
        let built = descriptor.build(settings).map_err(text)?;
        batch.run(&*built, &self.options, 1).map_err(text)?;
        let wall = start.elapsed();
        *backend = Some(built);
        self.meter = Meter::new();
        let digest: Digest = batch.digest();
        Ok(Measured {
            wall_ns: nanoseconds(wall),
            digest: digest.to_string(),
            ..Measured::default()
        })
    }
}

fn settings(build: &Build, workers: NonZeroUsize) -> Settings {
    Settings { pin: build.pin, ..Settings::workers(workers) }
}

/// A backend of which every worker has answered once.
fn ready(descriptor: &Descriptor, settings: Settings) -> Result<Box<dyn FibBackend>, String> {
    let backend = descriptor.build(settings).map_err(text)?;
    let options = Options { chunking: Chunking::Items(NonZeroUsize::MIN), ..Options::default() };
    let indices = vec![10; backend.workers().get()];
    compute(&*backend, &kernels::iterative(), &indices, &options).map_err(text)?;
    Ok(backend)
}

fn spans(records: &[Record], begin: Instant) -> Vec<Span> {
    let since = |time: Instant| nanoseconds(time.saturating_duration_since(begin));
    let spans = records.iter().filter_map(|record| record.span);
    let span = |span: fib::Span| Span {
        worker: span.worker,
        start_ns: since(span.start),
        end_ns: since(span.end),
        paused_ns: nanoseconds(span.paused),
    };
    spans.map(span).collect()
}

/// A time of over five centuries is not measured here.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn reply<T: Serialize>(answer: Result<T, String>) -> String {
    match answer.map(|done| serde_json::to_string(&Reply::Done(done))) {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => refusal(&error.to_string()),
        Err(error) => refusal(&error),
    }
}

/// One line, whatever is in the message.
fn refusal(error: &str) -> String {
    serde_json::json!({ "error": error }).to_string()
}
