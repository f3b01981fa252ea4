//! `calc` and `batch`: how to compute.

use super::values::{
    arithmetic_parser, backend_parser, parse_memory, parse_seconds, parse_workers,
};
use clap::{Args, ValueEnum};
use fib::{Chunking, Descriptor, MemoryLimit, Supervision, kernels};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const ADVISE_HELP: &str = "\
A SPEC is what `fib batch` takes. What a machine makes of each kernel and backend is measured once,
in less than two seconds, and kept in the user's cache folder; `--backend auto` decides by the same.

Examples
  fib advise 0..=5000
  fib advise 1000x1000 --check";

pub(super) const BATCH_HELP: &str = "\
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

/// Which numbers.
#[derive(Args, Debug)]
pub(crate) struct Specs {
    /// What to compute
    #[arg(value_name = "SPEC", allow_negative_numbers = true, required_unless_present = "file")]
    pub(crate) specs: Vec<String>,
    /// Specs from a file, after those of the command line
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct BatchArgs {
    #[command(flatten)]
    pub(crate) what: Specs,
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
pub(crate) struct AdviseArgs {
    #[command(flatten)]
    pub(crate) what: Specs,
    /// With this kernel and no other
    #[arg(short, long, value_parser = arithmetic_parser())]
    pub(crate) kernel: Option<&'static kernels::Entry>,
    /// The most workers to think of, if there are as many CPUs [default: all that this process may
    /// use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Refuse what needs more memory than this, as in 500M or 8G [default: half of what is
    /// available]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) max_memory: Option<MemoryLimit>,
    /// Also run the candidates, for about five seconds, and tell how wrong each prediction is
    #[arg(long)]
    pub(crate) check: bool,
    /// Measure this machine anew, in place of what the user's cache folder knows of it
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = AdviseFormat::Table)]
    pub(crate) format: AdviseFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AdviseFormat {
    /// For a terminal
    Table,
    /// A line a candidate, for programs
    Json,
}
