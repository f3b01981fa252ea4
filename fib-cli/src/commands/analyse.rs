//! `fib analyse`: the report of a record.

use crate::args::{AnalyseArgs, OutputArgs, ReportFormat};
use crate::failure::BadInput;
use crate::output::{page, to_stdout};
use crate::recording::read;
use fib_report::{
    Analysis, Difference, Header, Page, Recording, Sample, analyse, difference_csv,
    difference_json, difference_text, timelines, timelines_json, visible,
};
use std::path::Path;

pub(crate) fn run(args: &AnalyseArgs) -> anyhow::Result<()> {
    let recording = read(&args.records)?;
    if let Some(newer) = &args.newer {
        return print_difference(recording, newer, args);
    }
    if args.timelines {
        return print_timelines(recording, args);
    }
    print(recording.header, &recording.samples, &args.output).map(drop)
}

/// Prints what has become faster or slower since the record `old`.
fn print_difference(old: Recording, newer: &Path, args: &AnalyseArgs) -> anyhow::Result<()> {
    let new = read(newer)?;
    let names = (args.records.display(), newer.display());
    if old.may_be_of_another_host(&new.header) {
        log::warn!("it is not known whether {} and {} are of the same machine", names.0, names.1);
    } else if old.header.host != new.header.host {
        log::warn!("{} and {} are of different machines", names.0, names.1);
    }
    let described = |header: &Header| {
        let label = header.label.as_ref().map_or(String::new(), |label| format!(", {label}"));
        let Header { version, compiler, machine, cores, .. } = header;
        format!("fib {version}, {compiler}, {}, {cores} CPUs{label}", machine.cpu)
    };
    let heading = format!(
        "old: {}: {}\nnew: {}: {}",
        visible(&names.0.to_string()),
        described(&old.header),
        visible(&names.1.to_string()),
        described(&new.header)
    );
    let analysed = |recording: Recording| analyse(recording.header, &recording.samples);
    let difference = Difference::new(&analysed(old), &analysed(new))
        .map_err(|refusal| BadInput(format!("{} and {}: {refusal}", names.0, names.1)))?;
    let page = page(args.output.color);
    let text = match args.output.format {
        ReportFormat::Table => difference_text(&heading, &difference, page),
        ReportFormat::Markdown => {
            difference_text(&heading, &difference, Page { markdown: true, ..page })
        }
        ReportFormat::Json => difference_json(&difference),
        ReportFormat::Csv => difference_csv(&difference),
    };
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Draws the runs whose chunks the record has.
fn print_timelines(recording: Recording, args: &AnalyseArgs) -> anyhow::Result<()> {
    let analysis = analyse(recording.header, &recording.samples);
    let drawn = Page { ascii: args.ascii, ..page(args.output.color) };
    let text = match args.output.format {
        ReportFormat::Table => timelines(&analysis, drawn),
        ReportFormat::Markdown => timelines(&analysis, Page { markdown: true, ..drawn }),
        ReportFormat::Json => timelines_json(&analysis),
        ReportFormat::Csv => {
            let problem =
                "--timelines: there is no CSV of timelines; --format json has every chunk";
            return Err(BadInput(problem.into()).into());
        }
    };
    if text.is_empty() {
        let problem =
            "the record has no timelines; `fib compare --explain --record FILE` records them";
        return Err(BadInput(format!("{}: {problem}", args.records.display())).into());
    }
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Analyses samples and prints the report.
pub(crate) fn print(
    header: Header,
    samples: &[Sample],
    args: &OutputArgs,
) -> anyhow::Result<Analysis> {
    let analysis = analyse(header, samples);
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
