//! `fib batch` and `fib mod`: many numbers, in the order of the request, while the request is still being
//! read.

use crate::args::{BatchArgs, BatchFormat, ManyArgs, ModArgs};
use crate::compute::interrupted;
use crate::failure::{BadInput, NotWritten};
use crate::format::hex;
use crate::interrupt;
use crate::journal::Journal;
use crate::output::Records;
use crate::progress::{Position, ProgressLine};
use crate::spec::Spec;
use crate::target::Target;
use fib::kernels::in_text;
use fib::{Form, Kernel, Sink, StreamError, from_limbs, residues, text};
use std::io::{self, Write};
use std::iter::once;
use std::sync::Arc;
use std::sync::mpsc::channel;

pub(crate) fn run(args: &BatchArgs, quiet: bool) -> anyhow::Result<()> {
    let mut kernel = (args.kernel.get)();
    if args.many.format.is_decimal() {
        kernel = in_text(&kernel);
    }
    compute_many(&args.many, &kernel, args.many.format.name(), quiet)
}

pub(crate) fn run_mod(args: &ModArgs, quiet: bool) -> anyhow::Result<()> {
    let kernel = residues(args.modulus, args.kernel);
    let content = format!("{} modulo {}", args.many.format.name(), args.modulus);
    compute_many(&args.many, &kernel, &content, quiet)
}

/// Computes and writes the numbers. `content` says what is written, for the journal.
fn compute_many(
    args: &ManyArgs,
    kernel: &Arc<dyn Kernel>,
    content: &str,
    quiet: bool,
) -> anyhow::Result<()> {
    let memory = args.compute.memory();
    let limits = args.compute.limits(&**kernel, memory);
    let control = args.compute.watch()?;
    let count = args.specs.check(&limits)?;
    let (target, mut journal) = open_output(args, content)?;
    let mut records = Records::new(target);

    let (to_problems, problems) = channel();
    let good = |spec: Result<Spec, BadInput>| {
        let checked = spec.map_err(anyhow::Error::from).and_then(|spec| {
            limits.check(spec)?;
            Ok(spec)
        });
        checked.map_err(|problem| to_problems.send(problem)).ok()
    };
    let mut indices = args.specs.specs(&control)?.map_while(good).flat_map(Spec::indices);
    let skipped = journal.as_mut().map(|journal| journal.skip_earlier(&mut indices));
    let earlier = match skipped.unwrap_or(Ok(0)) {
        Ok(earlier) => earlier,
        Err(_) if interrupt::exit_code().is_some() => {
            interrupted(journal.map_or(0, |journal| journal.earlier()), count, true);
            return Ok(());
        }
        Err(changed) => return Err(problems.try_recv().unwrap_or(changed.into())),
    };
    let position = Position { earlier, count, written: Arc::clone(records.written_bytes()) };
    let hidden = args.compute.hides_progress(quiet);
    let progress = ProgressLine::of_computation(hidden, &control, position);
    let mut outcome = Ok(());
    // No worker starts before there is work.
    if let Some(first) = indices.next() {
        let backend = args.compute.build(count.map(|count| count.saturating_sub(earlier)))?;
        let options = args.compute.options(memory, control);
        let (records, journal) = (&mut records, journal.as_mut());
        let line = LineFormat { form: kernel.form(), format: args.format };
        let lines = Lines { records, journal, line };
        let stream = fib::stream(&*backend, kernel, once(first).chain(indices), &options, lines);
        outcome = computed(stream)?;
    }
    drop(progress);
    if let Some(journal) = &mut journal {
        journal.checkpoint(&records)?;
    }
    if interrupt::exit_code().is_some() {
        interrupted(earlier + records.written(), count, journal.is_some());
        return Ok(());
    }
    if let Ok(problem) = problems.try_recv() {
        outcome?; // this came first
        return Err(problem);
    }
    finish(records, journal, outcome)
}

/// Completes the output. The numbers that could be computed are results, even if others failed.
fn finish(
    records: Records,
    journal: Option<Journal>,
    outcome: Result<(), fib::Error>,
) -> anyhow::Result<()> {
    if matches!(outcome, Ok(()) | Err(fib::Error::Failed(_))) {
        records.finish()?;
        journal.into_iter().for_each(Journal::remove);
    }
    Ok(outcome?)
}

/// The output, with its journal if there is one.
fn open_output(args: &ManyArgs, content: &str) -> anyhow::Result<(Target, Option<Journal>)> {
    match &args.compute.out {
        Some(path) if args.resume => {
            let (journal, target) = Journal::open(path, content)?;
            Ok((target, Some(journal)))
        }
        path => Ok((Target::open(path.as_deref())?, None)),
    }
}

/// What became of the computation, unless the output could not be written.
fn computed(outcome: Result<(), StreamError<Stop>>) -> Result<Result<(), fib::Error>, NotWritten> {
    match outcome {
        Err(StreamError::Sink(Stop::NotWritten(error))) => Err(error),
        Err(StreamError::Sink(Stop::Interrupted)) => Ok(Err(fib::Error::Cancelled)),
        Err(StreamError::Compute(error)) => Ok(Err(error)),
        Ok(()) => Ok(Ok(())),
    }
}

/// Why no more lines are written.
enum Stop {
    NotWritten(NotWritten),
    /// By a signal, or because the time is over.
    Interrupted,
}

/// Writes each result on a line.
struct Lines<'a> {
    records: &'a mut Records,
    journal: Option<&'a mut Journal>,
    line: LineFormat,
}

impl Lines<'_> {
    fn keep_up(&mut self) -> Result<(), NotWritten> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.keep_up(self.records))
    }
}

impl Sink for Lines<'_> {
    type Error = Stop;

    fn take(&mut self, n: u64, limbs: &[u64]) -> Result<(), Stop> {
        if interrupt::exit_code().is_some() {
            self.flush()?;
            return Err(Stop::Interrupted);
        }
        let format = self.line;
        if let Some(journal) = &mut self.journal {
            journal.count(n);
        }
        let pushed = self.records.push(|line| format.write(line, n, limbs));
        pushed.and_then(|()| self.keep_up()).map_err(Stop::NotWritten)
    }

    fn skip(&mut self, _n: u64) {
        if let Some(journal) = &mut self.journal {
            journal.note_gap();
        }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.records.flush().and_then(|()| self.keep_up()).map_err(Stop::NotWritten)
    }
}

/// How a result becomes a line.
#[derive(Clone, Copy)]
struct LineFormat {
    form: Form,
    format: BatchFormat,
}

impl LineFormat {
    /// Appends the line of a result to `line`.
    fn write(self, line: &mut Vec<u8>, n: u64, limbs: &[u64]) -> io::Result<()> {
        match self.format {
            BatchFormat::Tsv => {
                write!(line, "{n}\t")?;
                self.write_decimal(line, limbs)?;
            }
            BatchFormat::Jsonl => {
                let name = if self.form == Form::Text { "fib" } else { "residue" };
                write!(line, r#"{{"n":{n},"{name}":""#)?;
                self.write_decimal(line, limbs)?;
                line.extend_from_slice(br#""}"#);
            }
            BatchFormat::Hex => write!(line, "{n}\t{}", hex(&from_limbs(limbs)))?,
        }
        line.push(b'\n');
        Ok(())
    }

    fn write_decimal(self, line: &mut Vec<u8>, limbs: &[u64]) -> io::Result<()> {
        match (self.form, limbs) {
            (Form::Text, text) => line.extend_from_slice(text::characters(text)),
            (_, [limb]) => write!(line, "{limb}")?,
            (_, limbs) => write!(line, "{}", from_limbs(limbs))?,
        }
        Ok(())
    }
}
