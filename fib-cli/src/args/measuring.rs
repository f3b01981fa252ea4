//! `compare`, `sweep`, `analyse` and `engine`: what to measure.

use super::values::{
    backend_parser, kernel_parser, parse_percent, parse_seconds, parse_workers, registered_parser,
    scenario_parser,
};
use clap::{Args, Subcommand, ValueEnum};
use fib::{Chunking, Descriptor, kernels};
use fib_bench::Scenario;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const COMPARE_HELP: &str = "\
The baseline is the backend `sequential` with the same kernel. The ceiling is what this hardware
gives, in the same rounds, to copies of the baseline that share nothing.

Examples
  fib compare
  fib compare --scenario few-big --time 60
  fib compare --backend rayon,threads-queue --workers 1,2 --format markdown
  fib compare --backend threads-static,rayon --against rayon --width 2
  fib compare --engine python --scenario 1000xF1000,skewed";

pub(super) const SWEEP_HELP: &str = "\
granularity  128 tasks a batch, ever smaller: METG(50%), METG(75%) and METG(90%), the smallest mean
             time of a task at which half, three quarters, nine tenths of the workers' time is used
break-even   how many items of F(1000), and how large sixteen items, until it is not slower than
             sequentially; bisected
scaling      a batch on 1, 2, 4 ... workers, and one that grows with them: Karp-Flatt, Amdahl,
             Gustafson, USL

Examples
  fib sweep granularity
  fib sweep break-even --backend rayon,process --time 20";

pub(super) const MODEL_HELP: &str = "\
Measures what the work takes, and what each backend takes besides, with up to as many workers as
there are cores; then plays each schedule through for up to 1024 workers.

Examples
  fib model
  fib model 0..=5000 --backend rayon,threads-static --chunking per-worker:1";

pub(super) const RUNNER_HELP: &str = "\
A request and a reply, one JSON object a line; docs/engines.md tells it all.

Example
  echo '{\"op\":\"hello\",\"protocol\":1}' | fib runner";

const CHECK_HELP: &str = "\
Every backend must build, answer rightly at the boundaries, with repeats and from cold, refuse what
it does not know, and end when its input does.

Examples
  fib engine check python
  fib engine check ./my-engine --fast";

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// Every scenario, worker counts 1, 2, 4 and so on, and the one-worker tax
    #[arg(long)]
    pub(crate) full: bool,
    /// Only these scenarios
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = scenario_parser())]
    pub(crate) scenario: Vec<&'static Scenario>,
    /// Only these backends beside the baseline
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = backend_parser())]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// These worker counts [default: the CPUs this process may use]
    #[arg(short, long, value_name = "COUNTS", value_delimiter = ',', value_parser = parse_workers)]
    pub(crate) workers: Vec<NonZeroUsize>,
    /// Bind persistent workers to a CPU each (Linux)
    #[arg(long)]
    pub(crate) pin: bool,
    /// What to compute with
    #[arg(short, long, default_value = "iterative", value_parser = kernel_parser())]
    pub(crate) kernel: &'static kernels::Entry,
    /// How batches are cut: per-worker:K, balanced:K or items:N
    #[arg(short, long, value_name = "CHUNKING", default_value_t)]
    pub(crate) chunking: Chunking,
    /// Time for everything, as far as the fewest rounds that give an interval allow [default: 27, or
    /// 150 with --full]
    #[arg(short, long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) time: Option<Duration>,
    /// Draws the order of the rounds
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also this engine: `python`, or a command as in './my-engine --fast'; may be repeated
    #[arg(short, long, value_name = "ENGINE")]
    pub(crate) engine: Vec<String>,
    /// Compare with this cell in place of `sequential`: a backend, or a backend and its workers as in
    /// rayon/2. A backend named twice is measured twice, the second time as rayon#2
    #[arg(long, value_name = "CELL")]
    pub(crate) against: Option<String>,
    /// End the rounds of a scenario once every interval reaches no further than this from its median
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub(crate) width: Option<f64>,
    /// Also show where the time of all workers went
    #[arg(long)]
    pub(crate) explain: bool,
    /// A cell that does not answer for this long is a HANG
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = parse_seconds)]
    pub(crate) cell_timeout: Duration,
    /// Run every cell once, check its results, time nothing
    #[arg(long, conflicts_with_all = ["time", "record", "resume", "format"])]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    /// How to print the matrix
    #[arg(short, long, value_enum, default_value_t = CompareFormat::Table)]
    pub(crate) format: CompareFormat,
}

/// Where samples go.
#[derive(Args, Debug)]
pub(crate) struct RecordArgs {
    /// Write every sample to a new file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Add rounds to a record of the same machine and settings
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub(crate) resume: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SweepArgs {
    /// What is changed
    #[arg(value_enum)]
    pub(crate) sweep: Sweep,
    /// Only these backends beside the baseline
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = backend_parser())]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// These worker counts [default: the CPUs this process may use; for scaling also the powers of
    /// two below]
    #[arg(short, long, value_name = "COUNTS", value_delimiter = ',', value_parser = parse_workers)]
    pub(crate) workers: Vec<NonZeroUsize>,
    /// Bind persistent workers to a CPU each (Linux)
    #[arg(long)]
    pub(crate) pin: bool,
    /// Time for everything, as far as the fewest rounds that give an interval allow
    #[arg(short, long, value_name = "SECONDS", default_value = "45", value_parser = parse_seconds)]
    pub(crate) time: Duration,
    /// Draws the order of the rounds
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    /// How to print it; csv and json are the cells it is read from
    #[arg(short, long, value_enum, default_value_t = CompareFormat::Table)]
    pub(crate) format: CompareFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sweep {
    /// How small tasks may be
    Granularity,
    /// How large a batch must be
    BreakEven,
    /// How many workers help
    Scaling,
}

#[derive(Args, Debug)]
pub(crate) struct ModelArgs {
    /// A batch of your own, as `fib batch` takes it, in place of scenarios
    #[arg(value_name = "SPEC", allow_negative_numbers = true, conflicts_with = "scenario")]
    pub(crate) specs: Vec<String>,
    /// Only these scenarios [default: 1000xF1000,range-2000,skewed,few-big]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = scenario_parser())]
    pub(crate) scenario: Vec<&'static Scenario>,
    /// Only these backends
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = registered_parser())]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// What to compute with
    #[arg(short, long, default_value = "iterative", value_parser = kernel_parser())]
    pub(crate) kernel: &'static kernels::Entry,
    /// How batches are cut: per-worker:K, balanced:K or items:N
    #[arg(short, long, value_name = "CHUNKING", default_value_t)]
    pub(crate) chunking: Chunking,
    /// Time for everything, as far as the fewest rounds that give an interval allow
    #[arg(short, long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds)]
    pub(crate) time: Duration,
    /// Draws the order of the rounds
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    /// How to print it; csv is the cells it is checked against
    #[arg(short, long, value_enum, default_value_t = CompareFormat::Table)]
    pub(crate) format: CompareFormat,
}

#[derive(Args, Debug)]
pub(crate) struct AnalyseArgs {
    /// What --record wrote
    #[arg(value_name = "RECORDS")]
    pub(crate) records: PathBuf,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = CompareFormat::Table)]
    pub(crate) format: CompareFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Find out whether a program is an engine that can be believed
    #[command(after_help = CHECK_HELP)]
    Check {
        /// `python`, or a program and its arguments
        #[arg(
            value_name = "COMMAND",
            required = true,
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        command: Vec<OsString>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For a terminal
    Table,
    /// For a README
    Markdown,
    /// A line a cell, for spreadsheets
    Csv,
    /// A line a cell, for programs
    Json,
}
