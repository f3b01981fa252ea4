//! The command line, in one definition: parsing, help, completions and man pages come from it.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use fib::{Chunking, Descriptor, MemoryLimit, Supervision, kernels};
use fib_bench::{SCENARIOS, Scenario};
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// Many exact Fibonacci numbers at once, and what each way of computing them in parallel gives and
/// costs on this machine
#[derive(Debug, Parser)]
#[command(name = "fib", version, max_term_width = 100, subcommand_required = true)]
pub(crate) struct Cli {
    /// Print no warnings and no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print one Fibonacci number
    Calc(CalcArgs),
    /// Print many Fibonacci numbers, in the order they are asked for
    #[command(after_help = BATCH_HELP)]
    Batch(BatchArgs),
    /// Measure every backend on every scenario: the speedup matrix of this machine
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArgs),
    /// Change one thing step by step: how small tasks may be, how large batches must be, how many
    /// workers help
    #[command(after_help = SWEEP_HELP)]
    Sweep(SweepArgs),
    /// Print the tables again that records were taken for
    Analyse(AnalyseArgs),
    /// Tell what this machine is, how noisy it is now, and how small a difference it can tell
    Doctor,
    /// Work with engines: programs in any language that run batches for `compare`
    Engine {
        #[command(subcommand)]
        command: EngineCommand,
    },
    /// Run batches for another program: the engine protocol on standard input and output
    #[command(after_help = RUNNER_HELP)]
    Runner,
    /// List what there is to choose from
    List {
        /// Only these
        what: Option<What>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man {
        /// The page of this command instead
        command: Option<String>,
    },
}

const BATCH_HELP: &str = "\
A SPEC is one of
  N      the number F(N)
  A..B   F(A) to F(B-1)
  A..=B  F(A) to F(B)
  KxN    K copies of F(N)
  -      specs from standard input, as from a file

A file holds specs between blanks or on lines of their own; # begins a comment.

Examples
  fib batch 10 20 30
  fib batch 0..=100 5x1000 --format jsonl
  seq 0 100 | fib batch -";

const SWEEP_HELP: &str = "\
granularity  128 tasks a batch, ever smaller: METG(50%), METG(75%) and METG(90%), the smallest mean
             time of a task at which half, three quarters, nine tenths of the workers' time is used
break-even   how many items of F(1000), and how large sixteen items, until it is not slower than
             sequentially; bisected
scaling      a batch on 1, 2, 4 ... workers, and one that grows with them: Karp-Flatt, Amdahl,
             Gustafson, USL

Examples
  fib sweep granularity
  fib sweep break-even --backend rayon,process --time 20";

const RUNNER_HELP: &str = "\
A request and a reply, one JSON object a line; docs/engines.md tells it all.

Example
  echo '{\"op\":\"hello\",\"protocol\":1}' | fib runner";

const CHECK_HELP: &str = "\
Every backend must build, answer rightly at the boundaries, with repeats and from cold, refuse what
it does not know, and end when its input does.

Examples
  fib engine check python
  fib engine check ./my-engine --fast";

const COMPARE_HELP: &str = "\
The baseline is the backend `sequential` with the same kernel. The ceiling is what this hardware
gives, in the same rounds, to copies of the baseline that share nothing.

Examples
  fib compare
  fib compare --scenario few-big --time 60
  fib compare --backend rayon,threads-queue --workers 1,2 --format markdown
  fib compare --backend threads-static,rayon --against rayon --width 2
  fib compare --engine python --scenario 1000xF1000,skewed";

/// How to compute.
#[derive(Args, Debug)]
pub(crate) struct How {
    /// Where to compute [default: the first compiled in of rayon, crossbeam, threads-queue,
    /// sequential; for one number, sequential]
    #[arg(short, long, value_name = "BACKEND", value_parser = backend_parser())]
    pub(crate) backend: Option<&'static Descriptor>,
    /// How many workers, from 1 to 1024 [default: the CPUs this process may use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// How the batch is cut: per-worker:K, balanced:K or items:N
    #[arg(short, long, value_name = "CHUNKING", default_value_t)]
    pub(crate) chunking: Chunking,
    /// Refuse what needs more memory than this, as in 500M or 8G [default: half of what is
    /// available]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) max_memory: Option<MemoryLimit>,
    #[command(flatten)]
    pub(crate) supervision: SupervisionArgs,
}

/// What to do about workers that can be lost.
#[derive(Args, Debug)]
#[command(next_help_heading = "Worker processes")]
pub(crate) struct SupervisionArgs {
    /// Replace each worker after this many chunks
    #[arg(long, value_name = "N")]
    tasks_per_worker: Option<NonZeroU32>,
    /// Kill and replace a worker that owes an answer and has not used the CPU for this long
    /// [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    stall_limit: Option<Duration>,
    /// Kill and replace a worker that has not answered for this long, however busy [default: numbers
    /// may take as long as they need]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    answer_limit: Option<Duration>,
    /// Give up after more than this many lost workers in a row [default: 24]
    #[arg(long, value_name = "N")]
    respawn_limit: Option<u32>,
}

impl From<&SupervisionArgs> for Supervision {
    fn from(args: &SupervisionArgs) -> Self {
        let default = Supervision::default();
        Supervision {
            tasks_per_worker: args.tasks_per_worker,
            stall_limit: args.stall_limit.unwrap_or(default.stall_limit),
            answer_limit: args.answer_limit,
            respawn_limit: args.respawn_limit.unwrap_or(default.respawn_limit),
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct CalcArgs {
    /// The index
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) n: String,
    /// What to compute with
    #[arg(short, long, default_value = "doubling", value_parser = arithmetic_parser())]
    pub(crate) kernel: &'static kernels::Entry,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = CalcFormat::Dec)]
    pub(crate) format: CalcFormat,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CalcFormat {
    /// Decimal digits
    Dec,
    /// Hexadecimal digits after 0x
    Hex,
    /// How many digits and bits, and the first and last ten digits
    Brief,
}

#[derive(Args, Debug)]
pub(crate) struct BatchArgs {
    /// What to compute
    #[arg(value_name = "SPEC", allow_negative_numbers = true, required_unless_present = "file")]
    pub(crate) specs: Vec<String>,
    /// Specs from a file, after those of the command line
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What to compute with
    #[arg(short, long, default_value = "stepping", value_parser = arithmetic_parser())]
    pub(crate) kernel: &'static kernels::Entry,
    /// How to print a number
    #[arg(short, long, value_enum, default_value_t = BatchFormat::Tsv)]
    pub(crate) format: BatchFormat,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BatchFormat {
    /// n, a tab, F(n) in decimal
    Tsv,
    /// {"n":N,"fib":"DIGITS"}
    Jsonl,
    /// n, a tab, F(n) in hexadecimal after 0x
    Hex,
}

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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum What {
    /// Where and when work runs
    Backends,
    /// What is computed
    Kernels,
    /// The batches that `compare` measures
    Scenarios,
}

/// A parser for names of `entries`, which are listed in help and completions with their sentence.
fn named<T: Copy + Send + Sync + 'static>(
    entries: impl IntoIterator<Item = (&'static str, &'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let entries: Vec<_> = entries.into_iter().collect();
    let values = entries.iter().map(|(name, summary, _)| PossibleValue::new(*name).help(*summary));
    PossibleValuesParser::new(values.collect::<Vec<_>>()).try_map(move |chosen| {
        let entry = entries.iter().find(|(name, ..)| *name == chosen);
        entry.map(|&(.., value)| value).ok_or("there is no such name")
    })
}

fn backend_parser() -> impl TypedValueParser<Value = &'static Descriptor> {
    named(fib::REGISTRY.iter().map(|entry| (entry.name, entry.summary, entry)))
}

fn scenario_parser() -> impl TypedValueParser<Value = &'static Scenario> {
    named(SCENARIOS.iter().map(|entry| (entry.name, entry.summary, entry)))
}

fn kernel_parser() -> impl TypedValueParser<Value = &'static kernels::Entry> {
    named(kernels::KERNELS.iter().map(|entry| (entry.name, entry.summary, entry)))
}

/// Every kernel that gives numbers.
fn arithmetic_parser() -> impl TypedValueParser<Value = &'static kernels::Entry> {
    let arithmetic = kernels::KERNELS.iter().filter(|entry| entry.name != "empty");
    named(arithmetic.map(|entry| (entry.name, entry.summary, entry)))
}

fn parse_workers(text: &str) -> Result<NonZeroUsize, String> {
    let workers = text.parse().ok().filter(|workers: &NonZeroUsize| workers.get() <= 1024);
    workers.ok_or_else(|| "expected a number from 1 to 1024".into())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds from 0.1 to 86400".into())
}

/// A percentage, as a part of one.
fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.trim_end_matches('%').parse().ok();
    let percent = percent.filter(|percent: &f64| (0.1..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected a number from 0.1 to 100".into())
}

/// A number of bytes, or with one of K, M, G, T of 1024, 1024^2 and so on.
fn parse_memory(text: &str) -> Result<MemoryLimit, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err("expected bytes, or a number with K, M, G or T".into()),
    };
    let number = digits.parse::<u64>().map_err(|_| "expected a whole number, as in 500M")?;
    let bytes = number.checked_mul(1 << shift).ok_or("that is more than there are bytes")?;
    Ok(MemoryLimit::Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn supervision_defaults_are_those_of_the_library() {
        let cli = Cli::parse_from(["fib", "batch", "1"]);
        let Command::Batch(BatchArgs { how, .. }) = cli.command else { panic!("another command") };
        assert_eq!(Supervision::from(&how.supervision), Supervision::default());
        // The help says so in figures.
        let Supervision { stall_limit, respawn_limit, .. } = Supervision::default();
        assert_eq!((stall_limit.as_secs(), respawn_limit), (10, 24));
    }

    #[test]
    fn memory_sizes() {
        let bytes = |text| match parse_memory(text) {
            Ok(MemoryLimit::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        assert_eq!(
            ["0", "12", "3k", "500M", "2GiB", "1T"].map(bytes),
            [Some(0), Some(12), Some(3 << 10), Some(500 << 20), Some(2 << 30), Some(1 << 40)]
        );
        assert!(
            ["", "M", "-1", "1.5G", "1e9", "99999999999T", "8P"]
                .into_iter()
                .all(|t| bytes(t).is_none())
        );
    }

    #[test]
    fn worker_counts_and_seconds() {
        assert!(["1", "1024"].into_iter().all(|text| parse_workers(text).is_ok()));
        assert!(
            ["0", "1025", "-1", "two", ""].into_iter().all(|text| parse_workers(text).is_err())
        );
        assert!(["0.5", "120"].into_iter().all(|text| parse_seconds(text).is_ok()));
        assert!(
            ["0", "-1", "nan", "inf", "1e9"].into_iter().all(|text| parse_seconds(text).is_err())
        );
    }
}
