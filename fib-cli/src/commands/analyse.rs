//! `fib analyse`: the report of a record.

use crate::args::{AnalyseArgs, OutputArgs, ReportFormat};
use crate::output::{page, to_stdout};
use crate::recording::read;
use fib_report::{Analysis, Header, Page, Sample};

pub(crate) fn run(args: &AnalyseArgs) -> anyhow::Result<()> {
    let recording = read(&args.records)?;
    print(recording.header, &recording.samples, &args.output).map(drop)
}

/// Analyses samples and prints the report.
pub(crate) fn print(
    header: Header,
    samples: &[Sample],
    args: &OutputArgs,
) -> anyhow::Result<Analysis> {
    let analysis = fib_report::analyse(header, samples);
    let page = page(args.color);
    let text = match args.format {
        ReportFormat::Table => fib_report::text(&analysis, page),
        ReportFormat::Markdown => {
            fib_report::text(&analysis, Page { markdown: true, ..Page::default() })
        }
        ReportFormat::Csv => fib_report::csv(&analysis),
        ReportFormat::Json => fib_report::json(&analysis),
    };
    to_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(analysis)
}
