//! `fib trace`: what each worker did when, for the median run of each backend.

use crate::args::{ColorChoice, TraceArgs};
use crate::compute::watch;
use crate::diagnostics::say;
use crate::failure::BadInput;
use crate::interrupt;
use crate::output::{page, to_stdout, to_target};
use crate::progress::ProgressLine;
use crate::spec::NumberLimits;
use crate::target::Target;
use crate::trace_events::{TracedRun, write_events};
use fib::{Control, Descriptor, Error, FibBackend, Kernel, Layout, Options, Settings};
use fib_bench::is_debug_build;
use fib_engine::protocol::{PauseSpan, TimelineSpan};
use fib_engine::{Timing, Trial};
use fib_report::{ChunkTrace, Page, PauseTrace, Timeline, draw_timelines};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Every backend runs the batch at most this many times, after a warm-up. The number is odd, so that one run
/// has the median time.
const MOST_RUNS: u32 = 9;

/// With this time for all runs, more runs are not worth the wait.
const TIME: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &TraceArgs, quiet: bool) -> anyhow::Result<()> {
    let control = watch(args.timeout)?;
    let outcome = trace(args, quiet, &control);
    if outcome.is_err() && interrupt::exit_code().is_some() {
        say(&format!(
            "{} before all runs were done, so there is nothing to draw",
            interrupt::event()
        ));
        return Ok(());
    }
    outcome
}

fn trace(args: &TraceArgs, quiet: bool, control: &Control) -> anyhow::Result<()> {
    let kernel = (args.kernel.get)();
    let layout = layout(args, &kernel, control)?;
    let target = args.out.as_deref().map(|path| Target::open(Some(path))).transpose()?;
    if is_debug_build() {
        log::warn!("this is a debug build (no --release), so its times mean nothing");
    }
    args.worker_limits.apply();
    let mut contenders = contenders(args, layout.slots(), control)?;
    let mut trial = Trial::of_layout(layout, control)?;
    let runs = take_runs(&mut contenders, &mut trial, quiet)?;
    let traced: Vec<TracedRun> = contenders.into_iter().filter_map(Contender::median).collect();
    if let Some(target) = target {
        to_target(target, |out| write_events(&traced, trial.layout(), out))?;
        if args.out.as_deref() == Some(Path::new("/dev/stdout")) {
            return Ok(());
        }
    }
    let timelines: Vec<Timeline> = traced.into_iter().map(|run| run.timeline).collect();
    let page = Page { ascii: args.ascii, ..page(ColorChoice::Never) };
    let text = draw_timelines(&title(args, trial.layout(), runs), &timelines, page);
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// The batch, laid out, after its specs were checked.
fn layout(args: &TraceArgs, kernel: &Arc<dyn Kernel>, control: &Control) -> anyhow::Result<Layout> {
    let memory = args.max_memory.unwrap_or_default().fixed();
    let limits = NumberLimits { kernel: &**kernel, memory, max_index: args.max_index };
    let request = args.request();
    request.check(&limits)?;
    let indices = request.all(&limits, control)?;
    if indices.is_empty() {
        return Err(BadInput("an empty batch has nothing to run".into()).into());
    }
    Ok(Layout::new(Arc::clone(kernel), &indices, memory)?)
}

/// What was run, in words.
fn title(args: &TraceArgs, layout: &Layout, runs: u32) -> String {
    let numbers = match layout.slots() {
        1 => "1 number".into(),
        count => format!("{count} numbers"),
    };
    let chunking = match &args.chunking[..] {
        [only] => format!(", chunking {only}"),
        _ => String::new(),
    };
    let runs = match runs {
        1 => "Each drawing is one run, after a warm-up.".into(),
        _ => {
            format!("Each drawing is the run with the median time of {runs} runs, after a warm-up.")
        }
    };
    let (name, kernel) = (args.batch_name(), args.kernel.name);
    format!("{name}: {numbers}, kernel {kernel}{chunking}\n{runs}")
}

/// A backend with a chunking, and its runs so far.
struct Contender {
    label: String,
    backend: Box<dyn FibBackend>,
    options: Options,
    runs: Vec<Timing>,
}

/// Every chosen backend with every chosen chunking.
fn contenders(args: &TraceArgs, slots: usize, control: &Control) -> Result<Vec<Contender>, Error> {
    let default = if slots == 1 { &fib::SEQUENTIAL } else { fib::default_backend() };
    let chosen = if args.backend.is_empty() { vec![default] } else { args.backend.clone() };
    let settings = args.workers.map_or_else(Settings::default, Settings::workers);
    let mut contenders = vec![];
    for backend in chosen {
        let backend: &Descriptor = backend;
        for &chunking in &args.chunking {
            let label = match args.chunking.len() {
                1 => backend.name.into(),
                _ => format!("{}@{chunking}", backend.name),
            };
            let (timeline, control) = (true, control.clone());
            let options = Options { chunking, timeline, control, ..Options::default() };
            let backend = backend.build(settings)?;
            contenders.push(Contender { label, backend, options, runs: vec![] });
        }
    }
    Ok(contenders)
}

/// Runs the batch on every backend in turn, and returns the number of runs of each that count: an odd number.
fn take_runs(contenders: &mut [Contender], trial: &mut Trial, quiet: bool) -> Result<u32, Error> {
    let progress = ProgressLine::of_measurement(quiet);
    let mut round = Duration::ZERO;
    for contender in &mut *contenders {
        round += trial.sample(&*contender.backend, &contender.options, 1)?.wall;
    }
    let fitting = (TIME.as_secs_f64() / round.as_secs_f64().max(1e-9)) as u32;
    let runs = (fitting.clamp(1, MOST_RUNS) - 1) / 2 * 2 + 1;
    for run in 0..runs {
        for contender in &mut *contenders {
            if let Some(line) = &progress {
                let text = format!("{}, run {} of {runs}", contender.label, run + 1);
                line.set(u64::from(run * 1000 / runs), text);
            }
            let timing = trial.sample(&*contender.backend, &contender.options, 1)?;
            contender.runs.push(timing);
        }
    }
    Ok(runs)
}

impl Contender {
    /// The run with the median time.
    fn median(mut self) -> Option<TracedRun> {
        self.runs.sort_by_key(|timing| timing.wall);
        let middle = self.runs.len() / 2;
        let Timing { wall, timeline, slots, pauses } = self.runs.into_iter().nth(middle)?;
        let chunk = |span: &TimelineSpan| ChunkTrace {
            worker: span.worker,
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            paused_ns: span.paused_ns,
        };
        let pause = |pause: &PauseSpan| PauseTrace {
            worker: pause.worker,
            start_ns: pause.start_ns,
            end_ns: pause.end_ns,
        };
        let timeline = Timeline {
            backend: self.label,
            workers: self.backend.workers().get(),
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
            chunks: timeline.iter().map(chunk).collect(),
            pauses: pauses.iter().map(pause).collect(),
        };
        Some(TracedRun { timeline, slots })
    }
}
