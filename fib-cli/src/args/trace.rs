//! `trace`: what to run, and where.

use super::compute::{SpecArgs, WorkerLimitArgs};
use super::values::{
    backend_parser, kernel_parser, parse_memory, parse_seconds, parse_workers, scenario_parser,
};
use clap::Args;
use fib::kernels::KernelEntry;
use fib::{Chunking, Descriptor, MemoryLimit};
use fib_bench::Scenario;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const TRACE_HELP: &str = "\
A SPEC is the same as for `fib batch`. After a warm-up, every backend runs the batch up to nine times, and \
the run with the median time is drawn. All drawings have the same time axis.

The trace events of --out can be opened with https://ui.perfetto.dev, which has a process for each backend \
and a thread for each worker.

Examples
  fib trace range-5000 --backend threads-static,rayon
  fib trace range-5000 --chunking per-worker:1,balanced:8
  fib trace 1000x1000 --backend gil --out trace.json";

#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// Numbers to compute
    #[arg(value_name = "SPEC", allow_negative_numbers = true, required_unless_present_any = ["file", "scenario"])]
    specs: Vec<String>,
    /// Read more specs from a file
    #[arg(long = "in", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Run the batch of this scenario, see `fib list scenarios`
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["specs", "file"], value_parser = scenario_parser(), hide_possible_values = true)]
    scenario: Option<&'static Scenario>,
    /// Backends, one drawing for each [default: sequential for one number, otherwise the first of rayon,
    /// crossbeam, threads-pool, sequential that is compiled in]
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', value_parser = backend_parser(), hide_possible_values = true)]
    pub(crate) backend: Vec<&'static Descriptor>,
    /// Number of workers, from 1 to 1024 [default: the number of CPUs that this process may use]
    #[arg(short, long, value_name = "W", value_parser = parse_workers)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Kernel, see `fib list kernels`
    #[arg(short, long, default_value = "iterative", value_parser = kernel_parser(), hide_possible_values = true)]
    pub(crate) kernel: &'static KernelEntry,
    /// How to cut the batch: per-worker:K, balanced:K or items:N; several values are drawn one below the
    /// other
    #[arg(
        short,
        long,
        value_name = "CHUNKINGS",
        value_delimiter = ',',
        default_value = "balanced:8"
    )]
    pub(crate) chunking: Vec<Chunking>,
    /// Refuse a batch that needs more memory than this, such as 500M or 8G [default: half of the
    /// available memory]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub(crate) max_memory: Option<MemoryLimit>,
    /// Refuse indices above this
    #[arg(long, value_name = "N")]
    pub(crate) max_index: Option<u64>,
    /// Stop after this many seconds, with exit code 124
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Also write the runs to this file, as Chrome trace events in JSON. The file appears when it is
    /// complete
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub(crate) ascii: bool,
    #[command(flatten)]
    pub(crate) worker_limits: WorkerLimitArgs,
}

impl TraceArgs {
    /// The numbers to compute.
    pub(crate) fn request(&self) -> SpecArgs {
        let scenario = self.scenario.map(|scenario| scenario.name.to_owned());
        let specs = self.specs.iter().cloned().chain(scenario).collect();
        SpecArgs { specs, file: self.file.clone() }
    }

    /// The numbers in the words of the user.
    pub(crate) fn batch_name(&self) -> String {
        let SpecArgs { mut specs, file } = self.request();
        specs.extend(file.map(|path| path.display().to_string()));
        specs.join(" ")
    }
}
