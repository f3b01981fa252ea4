//! `compare`, `sweep`, `model`, `analyse` and `engine`: what to measure, and how to print it.

use super::values::{
    any_scenario_parser, backend_parser, kernel_parser, parse_label, parse_percent, parse_seconds,
    parse_width, parse_workers, scenario_parser,
};
use clap::{Args, Subcommand, ValueEnum, value_parser};
use fib::kernels::{KERNELS, KernelEntry};
use fib::{Chunking, Descriptor};
use fib_bench::Scenario;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const COMPARE_HELP: &str = "\
The baseline is the backend `sequential` with the same kernel. The ceiling is the speedup that \
copies of the baseline reach on this hardware when they share nothing. `fib list` lists backends, \
kernels and scenarios.

Examples
  fib compare
  fib compare --scenario few-big --time 60
  fib compare --report report.html
  fib compare --backend rayon,threads-queue --workers 1,2 --format markdown
  fib compare --scenario 10000xF100 --chunking items:1,items:64,balanced:8
  fib compare --backend threads-static,rayon --against rayon --width 2
  fib compare --engine python --scenario 1000xF1000,skewed
  fib compare --residues --backend rayon,threads-pool --engine python";

pub(super) const SWEEP_HELP: &str = "\
granularity  the smallest task at which workers are 50 / 75 / 90% efficient
             (METG), with 128 tasks in each batch
break-even   the smallest k in k times F(1000), and the smallest n in sixteen
             times F(n), at which a backend is not slower than one thread
scaling      a batch with 1, 2, 4 ... workers, and a batch that grows with the
             workers: Karp-Flatt, Amdahl, Gustafson, USL
chunking     the same batch in chunks of 1, 16 and 256 items, and in 1 and 8
             chunks for each worker
forks        what a fork costs, and from which cutoff on it pays: F(27) as a tree,
             on the backends that run the halves of a fork at once

Examples
  fib sweep granularity
  fib sweep break-even --backend rayon,process --time 20";

pub(super) const MODEL_HELP: &str = "\
The command measures how long the work takes and how much time each backend adds, with up to as \
many workers as there are CPUs. It then simulates each schedule for up to 1024 workers.

Examples
  fib model
  fib model 0..=5000 --backend rayon,threads-static";

pub(super) const RACE_HELP: &str = "\
Every backend takes part in `from-scratch`. One backend takes part in `one-walk` and in `residues`. \
`largest` and `largest-text` use one thread. Python's loop takes part in `from-scratch`, `residues` and \
`largest`, if python3 is installed. Each run is a whole call, allocation included; many numbers are streamed, \
as by `fib batch`. The techniques run one after another, so a race shows orders of magnitude; `fib compare` \
shows differences.

Examples
  fib race
  fib race --seconds 0.2 --backend rayon";

pub(super) const RUNNER_HELP: &str = "\
Each request and each reply is one JSON object on one line. docs/engines.md describes the \
protocol.

Example
  echo '{\"op\":\"hello\",\"protocol\":1}' | fib runner";

const CHECK_HELP: &str = "\
Every backend of the engine must build, compute the right numbers (at 64-bit boundaries, with \
repeats, from cold), refuse what it does not know, and end when its input ends.

Examples
  fib engine check python
  fib engine check ./my-engine --fast";

/// What all commands that measure share.
#[derive(Args, Debug)]
#[command(next_help_heading = "Measuring")]
pub(crate) struct MeasureArgs {
    /// Backends to measure beside the baseline [default: all]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = backend_parser(), hide_possible_values = true)]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// Worker counts [default: the number of CPUs that this process may use; `compare --full`,
    /// `model` and `sweep scaling` also measure the powers of two below it]
    #[arg(short, long, value_name = "COUNTS", value_delimiter = ',', value_parser = parse_workers)]
    pub(crate) workers: Vec<NonZeroUsize>,
    /// Kernel to compute with [default: iterative]
    #[arg(short, long, value_parser = kernel_parser(), hide_possible_values = true)]
    kernel: Option<&'static KernelEntry>,
    /// Bind each worker to one CPU, if the pool outlives a batch (Linux)
    #[arg(long)]
    pub(crate) pin: bool,
    /// Total time budget; exceeded only if a confidence interval needs more rounds [default: 27 for
    /// compare, 150 with --full, 45 for sweeps, 30 for model]
    #[arg(short, long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) time: Option<Duration>,
    /// Runs that share the time; each has new processes [default: as many as the time allows]
    #[arg(long, value_name = "K", value_parser = value_parser!(u32).range(1..=1000))]
    pub(crate) runs: Option<u32>,
    /// A backend is equal to the baseline if it is shown to be within this much of it
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = parse_percent)]
    pub(crate) margin: f64,
    /// Random seed for the orders of the rounds [default: drawn anew]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Longest wait for one reply of a runner; a cell that takes longer is a HANG
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = parse_seconds)]
    pub(crate) cell_timeout: Duration,
    /// Write every sample to a new file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Add rounds to a record of the same machine and settings
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub(crate) resume: Option<PathBuf>,
    /// Text for the report and the record, such as 'room 12, seat 7'
    #[arg(long, value_name = "TEXT", value_parser = parse_label)]
    pub(crate) label: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl MeasureArgs {
    /// The kernel that was chosen, or the textbook loop.
    pub(crate) fn kernel(&self) -> &'static KernelEntry {
        self.kernel.unwrap_or(&KERNELS[0])
    }

    /// Whether the user chose a kernel.
    pub(crate) fn names_kernel(&self) -> bool {
        self.kernel.is_some()
    }
}

/// How to print a report.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the report: table, markdown, csv or json
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Table, hide_possible_values = true)]
    pub(crate) format: ReportFormat,
    /// When to colour verdicts: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto, hide_possible_values = true)]
    pub(crate) color: ColorChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// Scenarios to measure [default: all of exact numbers except one-100, one-1000 and range-5000; with
    /// --kernel recursive, the trees]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = any_scenario_parser(), hide_possible_values = true)]
    pub(crate) scenario: Vec<&'static Scenario>,
    /// Measure the scenarios of residues (mod-...) instead of exact numbers: one index after another and
    /// in vector lanes, on one core and on all workers
    #[arg(long, conflicts_with_all = ["scenario", "kernel"])]
    pub(crate) residues: bool,
    /// Measure every scenario with 1, 2, 4 ... workers
    #[arg(long)]
    pub(crate) full: bool,
    /// How to cut batches: per-worker:K, balanced:K or items:N; several values are measured side by
    /// side [default: balanced:8]
    #[arg(short, long, value_name = "CHUNKINGS", value_delimiter = ',')]
    pub(crate) chunking: Vec<Chunking>,
    /// Measure this engine too: `python`, or a command such as './my-engine --fast'; may be repeated
    #[arg(short, long, value_name = "ENGINE")]
    pub(crate) engine: Vec<String>,
    /// Compare with this cell instead of `sequential`: a backend, or a backend and its workers such as
    /// rayon/2. A backend that is named twice is measured twice, the second time as rayon#2
    #[arg(long, value_name = "CELL")]
    pub(crate) against: Option<String>,
    /// Stop a scenario when all intervals are within ± this percentage, which is at least 1.4
    #[arg(long, value_name = "PERCENT", value_parser = parse_width)]
    pub(crate) width: Option<f64>,
    /// Also show where worker time went
    #[arg(long)]
    pub(crate) explain: bool,
    /// Also write the report as an HTML page with charts, as `fib report` does
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Run every cell once and check its results; time nothing
    #[arg(long, conflicts_with_all = ["time", "record", "resume", "label", "format", "report"])]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
}

#[derive(Args, Debug)]
pub(crate) struct SweepArgs {
    /// The parameter to vary: granularity, break-even, scaling, chunking or forks
    #[arg(value_enum, hide_possible_values = true)]
    pub(crate) sweep: Sweep,
    /// With `forks`: measure this engine too; may be repeated
    #[arg(short, long, value_name = "ENGINE")]
    pub(crate) engine: Vec<String>,
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sweep {
    /// Task size
    Granularity,
    /// Batch size
    BreakEven,
    /// Number of workers
    Scaling,
    /// Size of chunks
    Chunking,
    /// Size of the parts that a tree of forks is divided into
    Forks,
}

#[derive(Args, Debug)]
pub(crate) struct ModelArgs {
    /// A batch as for `fib batch`, instead of scenarios
    #[arg(value_name = "SPEC", allow_negative_numbers = true, conflicts_with = "scenario")]
    pub(crate) specs: Vec<String>,
    /// Scenarios to predict [default: 1000xF1000,range-2000,skewed,few-big]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = scenario_parser(), hide_possible_values = true)]
    pub(crate) scenario: Vec<&'static Scenario>,
    /// How to cut batches: per-worker:K, balanced:K or items:N
    #[arg(short, long, value_name = "CHUNKING", default_value_t)]
    pub(crate) chunking: Chunking,
    #[command(flatten)]
    pub(crate) measure: MeasureArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RaceArgs {
    /// Time that a run may take
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
    /// Backends that take part [default: all]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = backend_parser(), hide_possible_values = true)]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// Number of workers [default: the number of CPUs that this process may use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Write every run to a new file, as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Text for the report and the record, such as 'room 12, seat 7'
    #[arg(long, value_name = "TEXT", value_parser = parse_label)]
    pub(crate) label: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct AnalyseArgs {
    /// A file that --record wrote
    #[arg(value_name = "RECORDS")]
    pub(crate) records: PathBuf,
    /// A later record of the same batches: print which cells are faster or slower in it than in the first
    /// record
    #[arg(value_name = "NEWER")]
    pub(crate) newer: Option<PathBuf>,
    /// Draw runs of the record in place of the report: what each worker did when. `compare --explain`
    /// records such runs of every scenario, and `compare` those of range-5000 and skewed
    #[arg(long, conflicts_with = "newer")]
    pub(crate) timelines: bool,
    /// Draw with ASCII characters only
    #[arg(long, requires = "timelines")]
    pub(crate) ascii: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Check that an engine follows the protocol
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
pub(crate) enum ReportFormat {
    /// Plain text that fits the terminal
    Table,
    /// Markdown
    Markdown,
    /// One line per cell
    Csv,
    /// JSON Lines: one line per cell, scenario and finding
    Json,
}
