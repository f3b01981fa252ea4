//! `fib batch`: many numbers, in the order of the request, while the request is still being read.

use crate::args::{BatchArgs, BatchFormat};
use crate::compute::interrupted;
use crate::failure::{BadInput, NotWritten};
use crate::format::hex;
use crate::interrupt;
use crate::output::{Records, Target};
use crate::progress::ProgressLine;
use crate::spec::Spec;
use fib::{Sink, StreamError, from_limbs};
use std::io::{self, Write};
use std::iter::once;
use std::sync::mpsc::channel;

pub(crate) fn run(args: &BatchArgs, quiet: bool) -> anyhow::Result<()> {
    let (kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    let limits = args.compute.limits(&*kernel, memory);
    let control = args.compute.watch()?;
    let to_stdout = args.compute.out.is_none();
    let count = args.specs.check(&limits)?;
    let mut records = Records::new(Target::open(args.compute.out.as_deref())?);

    let bytes = records.written_bytes();
    let progress = ProgressLine::of_computation(quiet, to_stdout, &control, bytes, count);

    let (to_problems, problems) = channel();
    let good = |spec: Result<Spec, BadInput>| {
        let checked = spec.map_err(anyhow::Error::from).and_then(|spec| {
            limits.check(spec)?;
            Ok(spec)
        });
        checked.map_err(|problem| to_problems.send(problem)).ok()
    };
    let mut indices = args.specs.specs(&control)?.map_while(good).flat_map(Spec::indices);
    let mut outcome = Ok(());
    // No worker starts before there is work.
    if let Some(first) = indices.next() {
        let backend = args.compute.build(count)?;
        let options = args.compute.options(memory, control);
        let lines = Lines { records: &mut records, format: args.format };
        let indices = once(first).chain(indices);
        outcome = match fib::stream(&*backend, &kernel, indices, &options, lines) {
            Err(StreamError::Sink(Stop::NotWritten(error))) => return Err(error.into()),
            Err(StreamError::Sink(Stop::Interrupted)) => Err(fib::Error::Cancelled),
            Err(StreamError::Compute(error)) => Err(error),
            Ok(()) => Ok(()),
        };
    }
    drop(progress);
    if interrupt::exit_code().is_some() {
        interrupted(records.written(), count);
        return Ok(());
    }
    if let Ok(problem) = problems.try_recv() {
        outcome?; // this came first
        return Err(problem);
    }
    // The numbers that could be computed are results, even if others failed.
    if matches!(outcome, Ok(()) | Err(fib::Error::Failed(_))) {
        records.finish()?;
    }
    Ok(outcome?)
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
    format: BatchFormat,
}

impl Sink for Lines<'_> {
    type Error = Stop;

    fn take(&mut self, n: u64, limbs: &[u64]) -> Result<(), Stop> {
        if interrupt::exit_code().is_some() {
            self.flush()?;
            return Err(Stop::Interrupted);
        }
        let format = self.format;
        self.records.push(|line| write_line(line, format, n, limbs)).map_err(Stop::NotWritten)
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.records.flush().map_err(Stop::NotWritten)
    }
}

fn write_line(line: &mut Vec<u8>, format: BatchFormat, n: u64, limbs: &[u64]) -> io::Result<()> {
    match format {
        BatchFormat::Tsv => {
            write!(line, "{n}\t")?;
            write_decimal(line, limbs)?;
        }
        BatchFormat::Jsonl => {
            write!(line, r#"{{"n":{n},"fib":""#)?;
            write_decimal(line, limbs)?;
            line.extend_from_slice(br#""}"#);
        }
        BatchFormat::Hex => write!(line, "{n}\t{}", hex(&from_limbs(limbs)))?,
    }
    line.push(b'\n');
    Ok(())
}

/// Writes a number in decimal. A number of one limb needs no memory of its own.
fn write_decimal(line: &mut Vec<u8>, limbs: &[u64]) -> io::Result<()> {
    match limbs {
        [] => write!(line, "0"),
        [limb] => write!(line, "{limb}"),
        limbs => write!(line, "{}", from_limbs(limbs)),
    }
}
