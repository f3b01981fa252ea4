//! `fib list`: backends, kernels and scenarios.

use crate::args::{ColorChoice, ListedKind};
use crate::backends;
use crate::output::{page, to_stdout};
use fib::kernels::KERNELS;
use fib::{Descriptor, Forking};
use fib_bench::{RESIDUE_SCENARIOS, SCENARIOS, TREE_SCENARIOS};
use std::io::{self, IsTerminal, Write};

type Lines = Vec<(&'static str, String)>;

const BACKENDS: &str = "Backends: where and when batches run; (forks): can divide one number";

pub(crate) fn run(kind: Option<ListedKind>) -> anyhow::Result<()> {
    let backends = || backends::all().map(|entry| (entry.name, with_forks(entry))).collect();
    let kernels = || KERNELS.iter().map(|entry| (entry.name, entry.summary.into())).collect();
    let scenarios = || {
        let all = SCENARIOS.iter().chain(TREE_SCENARIOS).chain(RESIDUE_SCENARIOS);
        all.map(|entry| (entry.name, entry.summary.into())).collect()
    };
    let sections: Vec<(&str, Lines)> = match kind {
        Some(ListedKind::Backends) => vec![("", backends())],
        Some(ListedKind::Kernels) => vec![("", kernels())],
        Some(ListedKind::Scenarios) => vec![("", scenarios())],
        None => vec![
            (BACKENDS, backends()),
            ("Kernels: how numbers are computed", kernels()),
            ("Scenarios: batches that `fib compare` measures", scenarios()),
        ],
    };
    to_stdout(|out| {
        for (i, (title, lines)) in sections.iter().enumerate() {
            write_section(out, i > 0, title, lines)?;
        }
        Ok(())
    })
}

/// The summary of a backend, with a mark if it runs the halves of a fork at once.
fn with_forks(entry: &Descriptor) -> String {
    match entry.forking {
        Forking::Parallel => format!("{} (forks)", entry.summary),
        Forking::Sequential => entry.summary.into(),
    }
}

fn write_section(
    out: &mut dyn Write,
    blank_line: bool,
    title: &str,
    lines: &Lines,
) -> io::Result<()> {
    if blank_line {
        writeln!(out)?;
    }
    if !title.is_empty() {
        writeln!(out, "{title}")?;
    }
    let indent = if title.is_empty() { "" } else { "  " };
    for (name, summary) in lines {
        let line = format!("{indent}{name:<17} {summary}");
        // What is read by a program stays one line.
        if io::stdout().is_terminal() {
            let below = " ".repeat(indent.len() + 18);
            let options = textwrap::Options::new(page(ColorChoice::Never).width);
            writeln!(out, "{}", textwrap::fill(&line, options.subsequent_indent(&below)))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
