//! `fib list`: what there is to choose from.

use crate::args::What;
use crate::output::to_stdout;
use fib::kernels::KERNELS;
use fib_bench::SCENARIOS;
use std::io::{self, Write};

type Lines = Vec<(&'static str, &'static str)>;

pub(crate) fn run(what: Option<What>) -> anyhow::Result<()> {
    let backends = || fib_predict::choices().map(|entry| (entry.name, entry.summary)).collect();
    let kernels = || KERNELS.iter().map(|entry| (entry.name, entry.summary)).collect();
    let scenarios = || SCENARIOS.iter().map(|entry| (entry.name, entry.summary)).collect();
    let sections: Vec<(&str, Lines)> = match what {
        Some(What::Backends) => vec![("", backends())],
        Some(What::Kernels) => vec![("", kernels())],
        Some(What::Scenarios) => vec![("", scenarios())],
        None => vec![
            ("Backends: where and when work runs", backends()),
            ("Kernels: what is computed", kernels()),
            ("Scenarios: the batches that `fib compare` measures", scenarios()),
        ],
    };
    to_stdout(|out| {
        for (i, (title, lines)) in sections.iter().enumerate() {
            write_section(out, i > 0, title, lines)?;
        }
        Ok(())
    })
}

fn write_section(out: &mut dyn Write, apart: bool, title: &str, lines: &Lines) -> io::Result<()> {
    if apart {
        writeln!(out)?;
    }
    if !title.is_empty() {
        writeln!(out, "{title}")?;
    }
    let indent = if title.is_empty() { "" } else { "  " };
    lines.iter().try_for_each(|(name, summary)| writeln!(out, "{indent}{name:<17} {summary}"))
}
