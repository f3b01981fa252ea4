//! `calc`, `batch` and `advise`: what to compute, and how.

use super::values::{
    arithmetic_parser, backend_parser, parse_memory, parse_seconds, parse_workers, residue_parser,
};
use clap::{Args, ValueEnum};
use fib::kernels::KernelEntry;
use fib::{Chunking, Descriptor, MemoryLimit, Modulus, ResidueMethod};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const ADVISE_HELP: &str = "\
A SPEC is the same as for `fib batch`. The first call measures in less than two seconds what \
kernels and backends take on this machine, and keeps that calibration in the user's cache folder. \
The backend `auto` decides by the same calibration.

Examples
  fib advise 0..=5000
  fib advise 1000x1000 --check";

pub(super) const BATCH_HELP: &str = "\
A SPEC is one of
  N         F(N), also written FN
  A..B      F(A) to F(B-1)
  A..=B     F(A) to F(B)
  KxN       K copies of F(N), also written KxFN
  SCENARIO  a batch of `fib list scenarios`
  -         specs from standard input

A file holds specs, separated by blanks or line ends; # begins a comment.

Examples
  fib batch 10 20 30
  fib batch 0..=100 5x1000 --format jsonl
  seq 0 100 | fib batch -
  fib batch 0..1000000 --out numbers.tsv --resume";

pub(super) const MOD_HELP: &str = "\
A SPEC is the same as for `fib batch`. The environment variable FIB_SIMD (portable, avx2, avx512 or avx512ifma) \
limits the vector instructions of the kernel `lanes`.

Examples
  fib mod 1000000007 1000000000000
  fib mod 2^64 0..=100
  fib mod 97 1000x123456789 --format jsonl";

/// Where and how to compute.
#[derive(Args, Debug)]
pub(crate) struct ComputeArgs {
    /// Backend, see `fib list backends` [default: sequential for one number, otherwise the first of
    /// rayon, crossbeam, threads-pool, sequential that is compiled in]
    #[arg(short, long, value_name = "BACKEND", value_parser = backend_parser(), hide_possible_values = true)]
    pub(crate) backend: Option<&'static Descriptor>,
    /// Number of workers, from 1 to 1024 [default: the number of CPUs that this process may use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// How to cut the batch: per-worker:K, balanced:K or items:N
    #[arg(short, long, value_name = "CHUNKING", default_value_t)]
    pub(crate) chunking: Chunking,
    /// Keep the memory of results and of computing them below this, such as 500M or 8G, and refuse a
    /// number that needs more [default: half of the available memory]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) max_memory: Option<MemoryLimit>,
    /// Refuse indices above this
    #[arg(long, value_name = "N")]
    pub(crate) max_index: Option<u64>,
    /// Stop after this many seconds, with exit code 124
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Write to this file, which appears when it is complete [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) worker_limits: WorkerLimitArgs,
}

/// Limits of worker processes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Worker processes")]
pub(crate) struct WorkerLimitArgs {
    /// Replace a worker after this many chunks
    #[arg(long, value_name = "N")]
    tasks_per_worker: Option<NonZeroU32>,
    /// Kill and replace a worker that owes a reply and has not used the CPU for this long [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    stall_limit: Option<Duration>,
    /// Kill and replace a worker that has not replied for this long, however busy it is [default: no
    /// limit]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    reply_limit: Option<Duration>,
    /// Give up after losing more than this many workers in a row [default: 24]
    #[arg(long, value_name = "N")]
    respawn_limit: Option<u32>,
}

impl WorkerLimitArgs {
    /// Sets these limits for all pools of worker processes.
    pub(crate) fn apply(&self) {
        fib::set_worker_limits(
            self.tasks_per_worker,
            self.stall_limit,
            self.reply_limit,
            self.respawn_limit,
        );
    }
}

#[derive(Args, Debug)]
pub(crate) struct CalcArgs {
    /// The index
    #[arg(value_name = "N", allow_negative_numbers = true)]
    pub(crate) n: String,
    /// Kernel, see `fib list kernels`
    #[arg(short, long, default_value = "doubling", value_parser = arithmetic_parser(), hide_possible_values = true)]
    pub(crate) kernel: &'static KernelEntry,
    /// Format of the number: dec, hex, or brief (its size, and its first and last ten digits). `brief`
    /// does not compute the whole number, so it ignores --kernel, --backend and --max-memory
    #[arg(short, long, value_enum, default_value_t = CalcFormat::Dec, hide_possible_values = true)]
    pub(crate) format: CalcFormat,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CalcFormat {
    /// Decimal digits
    Dec,
    /// Hexadecimal digits after 0x
    Hex,
    /// Number of digits and bits, and the first and last ten digits
    Brief,
}

/// The numbers to compute.
#[derive(Args, Debug)]
pub(crate) struct SpecArgs {
    /// Numbers to compute
    #[arg(value_name = "SPEC", allow_negative_numbers = true, required_unless_present = "file")]
    pub(crate) specs: Vec<String>,
    /// Read more specs from a file
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct BatchArgs {
    /// Kernel, see `fib list kernels`
    #[arg(short, long, default_value = "stepping", value_parser = arithmetic_parser(), hide_possible_values = true)]
    pub(crate) kernel: &'static KernelEntry,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ModArgs {
    /// The modulus: 1 to 2^63, or 2^64
    #[arg(value_name = "M", allow_negative_numbers = true)]
    pub(crate) modulus: Modulus,
    /// Kernel: `lanes` computes many indices side by side, in vector registers where M allows it;
    /// `scalar` computes one after another
    #[arg(short, long, default_value = "lanes", value_parser = residue_parser(), hide_possible_values = true)]
    pub(crate) kernel: ResidueMethod,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
}

/// Many numbers, and where they go.
#[derive(Args, Debug)]
pub(crate) struct ManyArgs {
    #[command(flatten)]
    pub(crate) specs: SpecArgs,
    /// Keep a journal beside FILE, and continue where an interrupted run with the same input stopped
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Format of a line: tsv (n, a tab, the number), jsonl, or hex (as tsv, in hexadecimal)
    #[arg(short, long, value_enum, default_value_t = BatchFormat::Tsv, hide_possible_values = true)]
    pub(crate) format: BatchFormat,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
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

impl BatchFormat {
    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            BatchFormat::Tsv => "tsv",
            BatchFormat::Jsonl => "jsonl",
            BatchFormat::Hex => "hex",
        }
    }

    /// Whether numbers are written in decimal digits.
    pub(crate) fn is_decimal(self) -> bool {
        match self {
            BatchFormat::Tsv | BatchFormat::Jsonl => true,
            BatchFormat::Hex => false,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct AdviseArgs {
    #[command(flatten)]
    pub(crate) specs: SpecArgs,
    /// Consider only this kernel
    #[arg(short, long, value_parser = arithmetic_parser(), hide_possible_values = true)]
    pub(crate) kernel: Option<&'static KernelEntry>,
    /// Largest number of workers to consider [default: the number of CPUs that this process may use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Refuse a batch that needs more memory than this, such as 500M or 8G [default: half of the
    /// available memory]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) max_memory: Option<MemoryLimit>,
    /// Also run the candidates, for about five seconds, recommend by the measured times, and print the
    /// error of each prediction
    #[arg(long)]
    pub(crate) check: bool,
    /// Calibrate this machine again, and replace the calibration in the cache folder
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Format of the advice: table or json
    #[arg(short, long, value_enum, default_value_t = AdviseFormat::Table, hide_possible_values = true)]
    pub(crate) format: AdviseFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AdviseFormat {
    /// Plain text
    Table,
    /// JSON Lines: one line per candidate
    Json,
}
