//! `fib batch`: many numbers, in the order they are asked for.

use super::compute;
use crate::args::{BatchArgs, BatchFormat, Specs};
use crate::failure::BadInput;
use crate::format::hex;
use crate::input::{quoted, read_file, read_stdin};
use crate::output::to_stdout;
use crate::spec::Wanted;
use fib::{MemoryLimit, Order, Table};
use std::io::{self, Write};

pub(crate) fn run(args: &BatchArgs) -> anyhow::Result<()> {
    let kernel = (args.kernel.get)();
    let indices = wanted(&args.what, args.how.memory(), kernel.order())?;
    let (table, outcome) = compute(&args.how, kernel, &indices)?;
    to_stdout(|out| write_all(&table, args.format, out))?;
    Ok(outcome?) // what could be computed is out; now for what could not
}

/// The indices that are meant, as long as there is memory for a kernel of this order.
pub(super) fn wanted(what: &Specs, memory: MemoryLimit, order: Order) -> anyhow::Result<Vec<u64>> {
    let mut wanted = Wanted::new(memory, order == Order::Ascending);
    for (i, text) in what.specs.iter().enumerate() {
        if text == "-" {
            read_stdin(&mut wanted)?;
            continue;
        }
        let problem = |error| BadInput(format!("spec {}: {}: {error}", i + 1, quoted(text)));
        wanted.push(text.parse().map_err(problem)?)?;
    }
    if let Some(path) = &what.file {
        read_file(path, &mut wanted)?;
    }
    Ok(wanted.indices)
}

fn write_all(table: &Table, format: BatchFormat, out: &mut dyn Write) -> io::Result<()> {
    for (n, number) in table.iter() {
        match format {
            BatchFormat::Tsv => writeln!(out, "{n}\t{number}")?,
            BatchFormat::Jsonl => writeln!(out, r#"{{"n":{n},"fib":"{number}"}}"#)?,
            BatchFormat::Hex => writeln!(out, "{n}\t{}", hex(&number))?,
        }
    }
    Ok(())
}
