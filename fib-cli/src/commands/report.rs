//! `fib report`: records as one HTML page, and their charts as files.

use crate::args::ReportArgs;
use crate::failure::{BadUsage, NotWritten};
use crate::output::to_target;
use crate::recording::read;
use crate::target::Target;
use fib_page::{ChartFile, chart_files, html};
use fib_report::{Analysis, analyse};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<()> {
    let wants_page = args.out.is_some() || args.svg.is_none();
    if wants_page && args.out.is_none() && io::stdout().is_terminal() {
        let problem = "error: a page is not for a terminal; name its file, as in -o report.html";
        return Err(BadUsage(problem.into()).into());
    }
    let analyses: Vec<Analysis> =
        args.records.iter().map(|path| analysed(path)).collect::<Result<_, _>>()?;
    warn_of_several_machines(&analyses);
    if let Some(folder) = &args.svg {
        write_charts(&chart_files(&analyses), folder)?;
    }
    match wants_page {
        true => write_page(&analyses, Target::open(args.out.as_deref())?),
        false => Ok(()),
    }
}

fn analysed(path: &Path) -> anyhow::Result<Analysis> {
    let recording = read(path)?;
    Ok(analyse(recording.header, &recording.samples))
}

/// Writes the page of these analyses.
pub(crate) fn write_page(analyses: &[Analysis], target: Target) -> anyhow::Result<()> {
    let page = html(analyses);
    to_target(target, |out| out.write_all(page.as_bytes()))
}

/// A reader takes everything on a page for one machine.
fn warn_of_several_machines(analyses: &[Analysis]) {
    let machines = analyses.iter().map(|analysis| {
        let header = &analysis.matrix.header;
        (&header.machine.cpu, header.cores)
    });
    let hosts = analyses.iter().filter_map(|analysis| analysis.matrix.header.host.as_ref());
    if machines.collect::<BTreeSet<_>>().len() > 1 || hosts.collect::<BTreeSet<_>>().len() > 1 {
        log::warn!("these records are of several machines, so their times cannot be compared");
    }
}

fn write_charts(charts: &[ChartFile], folder: &Path) -> anyhow::Result<()> {
    let name = folder.display().to_string();
    fs::create_dir_all(folder).map_err(|source| NotWritten { target: name, source })?;
    for ChartFile { name, svg, csv } in charts {
        for (extension, text) in [("svg", svg), ("csv", csv)] {
            let path = folder.join(format!("{name}.{extension}"));
            to_target(Target::open(Some(&path))?, |out| out.write_all(text.as_bytes()))?;
        }
    }
    Ok(())
}
