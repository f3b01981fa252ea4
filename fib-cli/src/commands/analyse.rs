//! `fib analyse`: every table again, from records alone.

use super::recording::read;
use crate::args::{AnalyseArgs, CompareFormat};
use crate::output::to_stdout;
use fib_bench::record::{Header, Sample};
use fib_bench::{Matrix, analyse, report};

pub(crate) fn run(args: &AnalyseArgs) -> anyhow::Result<()> {
    let recording = read(&args.records)?;
    print(recording.header, &recording.samples, args.format).map(drop)
}

/// Prints what samples come to, as what they were taken for.
pub(crate) fn print(
    header: Header,
    samples: &[Sample],
    format: CompareFormat,
) -> anyhow::Result<Matrix> {
    let matrix = analyse(header, samples);
    let text = match format {
        CompareFormat::Table => report::table(&matrix),
        CompareFormat::Markdown => report::markdown(&matrix),
        CompareFormat::Csv => report::csv(&matrix),
        CompareFormat::Json => report::json(&matrix),
    };
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(matrix)
}
