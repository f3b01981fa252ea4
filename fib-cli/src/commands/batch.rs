//! `fib batch`: many numbers, in the order of the request.

use crate::args::{BatchArgs, BatchFormat, SpecArgs};
use crate::compute::{compute, conclude};
use crate::failure::BadInput;
use crate::format::hex;
use crate::input::{quoted, read_file, read_stdin};
use crate::interrupt;
use crate::output::to_stdout;
use crate::spec::Wanted;
use fib::{MemoryLimit, Order, Table};
use std::io::{self, Write};

pub(crate) fn run(args: &BatchArgs) -> anyhow::Result<()> {
    let (kernel, memory) = ((args.kernel.get)(), args.compute.memory());
    let indices = wanted(&args.specs, memory, kernel.order())?;
    let (table, outcome) = compute(&args.compute, kernel, &indices, memory)?;
    let mut written = 0;
    to_stdout(|out| write_all(&table, args.format, out, &mut written))?;
    conclude(outcome, written, indices.len()) // the numbers that could be computed are written
}

/// The indices that the specs name, as long as a kernel of this order can compute them in `memory`.
pub(crate) fn wanted(
    args: &SpecArgs,
    memory: MemoryLimit,
    order: Order,
) -> anyhow::Result<Vec<u64>> {
    let mut wanted = Wanted::new(memory, order == Order::Ascending);
    for (i, text) in args.specs.iter().enumerate() {
        if text == "-" {
            read_stdin(&mut wanted)?;
            continue;
        }
        let problem = |error| BadInput(format!("spec {}: {}: {error}", i + 1, quoted(text)));
        wanted.push(text.parse().map_err(problem)?)?;
    }
    if let Some(path) = &args.file {
        read_file(path, &mut wanted)?;
    }
    Ok(wanted.indices)
}

/// Writes each result on a line. After a signal it ends with the current line.
fn write_all(
    table: &Table,
    format: BatchFormat,
    out: &mut dyn Write,
    written: &mut usize,
) -> io::Result<()> {
    for (n, number) in table.iter() {
        match format {
            BatchFormat::Tsv => writeln!(out, "{n}\t{number}")?,
            BatchFormat::Jsonl => writeln!(out, r#"{{"n":{n},"fib":"{number}"}}"#)?,
            BatchFormat::Hex => writeln!(out, "{n}\t{}", hex(&number))?,
        }
        *written += 1;
        if interrupt::check().is_err() {
            break;
        }
    }
    Ok(())
}
