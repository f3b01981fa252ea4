//! `report`: what to show, and where.

use clap::Args;
use std::path::PathBuf;

pub(super) const REPORT_HELP: &str = "\
Several records of one machine share a page: the matrix, sweeps, a model and a race each have their own \
charts. The page is one file that fetches nothing. It has a light and a dark theme, and it can be printed.

Examples
  fib report matrix.jsonl -o report.html
  fib report matrix.jsonl granularity.jsonl model.jsonl -o report.html
  fib report matrix.jsonl --svg charts";

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// Files that --record wrote
    #[arg(value_name = "RECORDS", required = true)]
    pub(crate) records: Vec<PathBuf>,
    /// File of the page [default: standard output, unless that is a terminal]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Folder for the charts, each as NAME.svg with its numbers as NAME.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
}
