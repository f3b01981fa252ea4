//! `fib batch`: many numbers, in the order of the request, while the request is still being read.

use crate::args::{BatchArgs, BatchFormat};
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
use fib::{Sink, StreamError, from_limbs, text};
use std::io::{self, Write};
use std::iter::once;
use std::sync::Arc;
use std::sync::mpsc::channel;

pub(crate) fn run(args: &BatchArgs, quiet: bool) -> anyhow::Result<()> {
    let (mut kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    if args.format.is_decimal() {
        kernel = in_text(&kernel);
    }
    let limits = args.compute.limits(&*kernel, memory);
    let control = args.compute.watch()?;
    let count = args.specs.check(&limits)?;
    let (target, mut journal) = open_output(args)?;
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
    let earlier = match &mut journal {
        None => 0,
        Some(journal) => match journal.skip_earlier(&mut indices) {
            Ok(earlier) => earlier,
            Err(_) if interrupt::exit_code().is_some() => {
                interrupted(journal.earlier(), count, true);
                return Ok(());
            }
            Err(changed) => return Err(problems.try_recv().unwrap_or(changed.into())),
        },
    };
    let written = Arc::clone(records.written_bytes());
    let position = Position { earlier, count, written };
    let progress =
        ProgressLine::of_computation(args.compute.hides_progress(quiet), &control, position);
    let mut outcome = Ok(());
    // No worker starts before there is work.
    if let Some(first) = indices.next() {
        let backend = args.compute.build(count.map(|count| count.saturating_sub(earlier)))?;
        let options = args.compute.options(memory, control);
        let (records, journal) = (&mut records, journal.as_mut());
        let lines = Lines { records, journal, format: args.format };
        let stream = fib::stream(&*backend, &kernel, once(first).chain(indices), &options, lines);
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
    // The numbers that could be computed are results, even if others failed.
    if matches!(outcome, Ok(()) | Err(fib::Error::Failed(_))) {
        records.finish()?;
        journal.into_iter().for_each(Journal::remove);
    }
    Ok(outcome?)
}

/// The output, with its journal if there is one.
fn open_output(args: &BatchArgs) -> anyhow::Result<(Target, Option<Journal>)> {
    match &args.compute.out {
        Some(path) if args.resume => {
            let (journal, target) = Journal::open(path, args.format.name())?;
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
    format: BatchFormat,
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
        let format = self.format;
        if let Some(journal) = &mut self.journal {
            journal.count(n);
        }
        let pushed = self.records.push(|line| write_line(line, format, n, limbs));
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

fn write_line(line: &mut Vec<u8>, format: BatchFormat, n: u64, limbs: &[u64]) -> io::Result<()> {
    match format {
        BatchFormat::Tsv => {
            write!(line, "{n}\t")?;
            line.extend_from_slice(text::characters(limbs));
        }
        BatchFormat::Jsonl => {
            write!(line, r#"{{"n":{n},"fib":""#)?;
            line.extend_from_slice(text::characters(limbs));
            line.extend_from_slice(br#""}"#);
        }
        BatchFormat::Hex => write!(line, "{n}\t{}", hex(&from_limbs(limbs)))?,
    }
    line.push(b'\n');
    Ok(())
}
