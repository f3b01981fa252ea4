//! `fib compare`: the speedup matrix.

use crate::args::{CompareArgs, CompareFormat};
use crate::commands::engine;
use crate::diagnostics::say;
use crate::failure::{BadCells, BadInput, NotWritten};
use crate::output::to_stdout;
use fib_bench::record::{Record, Reference, Status};
use fib_bench::{
    Matrix, Plan, Progress, SCENARIOS, Scenario, analyse, is_debug_build, measure, report, verify,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

pub(crate) fn run(args: &CompareArgs, quiet: bool) -> anyhow::Result<()> {
    let plan = plan(args)?;
    if args.pin && cfg!(not(target_os = "linux")) {
        log::warn!("workers cannot be pinned on this system");
    }
    if args.verify {
        return run_verify(&plan);
    }
    if is_debug_build() {
        log::warn!("built without --release: these times say nothing");
    }
    let mut file = args.record.as_deref().map(RecordFile::create).transpose()?;
    let progress = (!quiet && io::stderr().is_terminal()).then(progress_bar);
    let matrix = measured(&plan, progress.as_ref(), file.as_mut())?;
    let text = match args.format {
        CompareFormat::Table => report::table(&matrix),
        CompareFormat::Markdown => report::markdown(&matrix),
        CompareFormat::Csv => report::csv(&matrix),
        CompareFormat::Json => report::json(&matrix),
    };
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    let cells =
        matrix.rows.iter().flat_map(|row| row.cells.iter().chain([&row.reference, &row.best]));
    outcome(cells.map(|cell| cell.status))
}

/// What the arguments ask for.
fn plan(args: &CompareArgs) -> anyhow::Result<Plan> {
    let everything = SCENARIOS.iter().filter(|scenario| args.full || !scenario.full_only);
    let chosen = args.scenario.iter().copied();
    let scenarios: Vec<_> =
        if args.scenario.is_empty() { everything.collect() } else { chosen.collect() };
    let all = fib::REGISTRY.iter().collect();
    let mut backends = if args.backend.is_empty() { all } else { args.backend.clone() };
    backends.retain(|entry| entry.name != fib::SEQUENTIAL.name); // it is there as the baseline
    let engines = args.engine.iter().filter_map(|text| engine::chosen(text).transpose());
    let workers = workers(args);
    let plan = Plan {
        batches: scenarios.into_iter().map(Scenario::batch).collect(),
        runner: engine::own_runner()?,
        backends: backends.into_iter().map(|entry| entry.name.into()).collect(),
        engines: engines.collect::<anyhow::Result<_>>()?,
        against: args
            .against
            .as_deref()
            .map_or_else(Reference::default, |cell| against(cell, &workers)),
        workers,
        kernel: *args.kernel,
        chunking: args.chunking,
        pin: args.pin,
        explain: args.explain,
        seed: args.seed,
        budget: args.time.unwrap_or(Duration::from_secs(if args.full { 150 } else { 27 })),
        width: args.width,
        cell_limit: args.cell_timeout,
        command: command_line(),
    };
    match plan.has_reference() {
        true => Ok(plan),
        false => {
            let Reference { backend, workers } = &plan.against;
            let problem = format!("--against: {backend} with {workers} workers is not compared");
            Err(BadInput(problem).into())
        }
    }
}

/// A label, and its workers if the last part is their number; otherwise the largest count.
fn against(cell: &str, workers: &[NonZeroUsize]) -> Reference {
    let number = cell.rsplit_once('/').and_then(|(label, w)| Some((label, w.parse().ok()?)));
    let most = if cell == fib::SEQUENTIAL.name { None } else { workers.last() };
    let (backend, workers) = number.unwrap_or((cell, most.map_or(1, |most| most.get())));
    Reference { backend: backend.into(), workers }
}

/// The counts asked for; otherwise all CPUs, and with `--full` the powers of two below as well.
fn workers(args: &CompareArgs) -> Vec<NonZeroUsize> {
    let all = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut workers = args.workers.clone();
    if workers.is_empty() && args.full {
        let powers =
            (0..).map_while(|shift| NonZeroUsize::MIN.checked_mul(NonZeroUsize::new(1 << shift)?));
        workers.extend(powers.take_while(|&power| power < all));
    }
    if args.workers.is_empty() {
        workers.push(all);
    }
    workers.sort_unstable();
    workers.dedup();
    workers
}

/// The command line as one would repeat it; arguments cannot be mistaken for folders here.
fn command_line() -> String {
    let arguments = std::env::args().skip(1);
    ["fib".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

fn measured(
    plan: &Plan,
    progress: Option<&ProgressBar>,
    mut file: Option<&mut RecordFile>,
) -> anyhow::Result<Matrix> {
    let (mut header, mut samples) = (None, vec![]);
    let mut show = |now: &Progress<'_>| {
        if let Some(bar) = progress {
            bar.set_position((now.spent * 1000.0) as u64);
            bar.set_message(format!("{}, {} rounds", now.scenario, now.rounds));
        }
    };
    let mut keep = |record: Record| {
        if let Some(file) = &mut file {
            file.append(&record)?;
        }
        match record {
            Record::Header(head) => header = Some(*head),
            Record::Sample(sample) => samples.push(*sample),
        }
        Ok(())
    };
    measure(plan, &mut show, &mut keep).map_err(|source| {
        let what = file.map_or(String::new(), |file| file.name.clone());
        NotWritten { what, source }
    })?;
    if let Some(bar) = progress {
        bar.finish_and_clear();
    }
    let header = header.ok_or_else(|| anyhow::anyhow!("internal error: no header was recorded"))?;
    Ok(analyse(header, &samples))
}

/// A new file of records: one line each, whole or not at all.
struct RecordFile {
    name: String,
    file: File,
}

impl RecordFile {
    fn create(path: &Path) -> Result<Self, NotWritten> {
        let name = path.display().to_string();
        match File::create_new(path) {
            Ok(file) => Ok(RecordFile { name, file }),
            Err(source) => Err(NotWritten { what: name, source }),
        }
    }

    fn append(&mut self, record: &Record) -> io::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(1000);
    let template = "{bar:40} {percent:>3} %  {msg}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

fn run_verify(plan: &Plan) -> anyhow::Result<()> {
    let checks = verify(plan);
    for check in checks.iter().filter(|check| check.status != Status::Ok) {
        let message = check.message.as_deref().unwrap_or("no result");
        say(&format!("{}: {message}", check.cell));
    }
    let right = checks.iter().filter(|check| check.status == Status::Ok).count();
    to_stdout(|out| writeln!(out, "{right} of {} cells right", checks.len()))?;
    outcome(checks.into_iter().map(|check| check.status))
}

/// Wrong results weigh more than missing ones.
fn outcome(statuses: impl Iterator<Item = Status>) -> anyhow::Result<()> {
    let (mut wrong, mut failed) = (0, 0);
    for status in statuses {
        match status {
            Status::Ok | Status::Omitted => {}
            Status::Wrong => wrong += 1,
            _ => failed += 1,
        }
    }
    match (wrong, failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(BadCells::Failed(failed).into()),
        (wrong, _) => Err(BadCells::Wrong(wrong).into()),
    }
}
