//! The command line, in one definition: parsing, help, completions and man pages come from it.

mod compute;
mod measuring;
mod report;
mod trace;
mod values;

use clap::{Parser, Subcommand, ValueEnum};
use compute::{ADVISE_HELP, BATCH_HELP, MOD_HELP};
pub(crate) use compute::{
    AdviseArgs, AdviseFormat, BatchArgs, BatchFormat, CalcArgs, CalcFormat, ComputeArgs, ManyArgs,
    ModArgs, SpecArgs,
};
pub(crate) use measuring::{
    AnalyseArgs, ColorChoice, CompareArgs, EngineCommand, MeasureArgs, ModelArgs, OutputArgs,
    RaceArgs, ReportFormat, Sweep, SweepArgs,
};
use measuring::{COMPARE_HELP, MODEL_HELP, RACE_HELP, RUNNER_HELP, SWEEP_HELP};
use report::REPORT_HELP;
pub(crate) use report::ReportArgs;
use std::ffi::OsString;
use trace::TRACE_HELP;
pub(crate) use trace::TraceArgs;

/// Compute many exact Fibonacci numbers at once, and compare parallel backends on this machine
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
    /// Print many Fibonacci numbers, in the order of the request
    #[command(after_help = BATCH_HELP)]
    Batch(BatchArgs),
    /// Print many Fibonacci numbers modulo M, for indices of any size
    #[command(after_help = MOD_HELP)]
    Mod(ModArgs),
    /// Run a batch, and draw what each worker of each backend did when
    #[command(after_help = TRACE_HELP)]
    Trace(TraceArgs),
    /// Recommend a backend, worker count and chunking for a batch, without running it
    #[command(after_help = ADVISE_HELP)]
    Advise(AdviseArgs),
    /// Measure every backend on nine scenarios, and print the speedup matrix of this machine
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArgs),
    /// Vary one parameter: task size, batch size, worker count, chunking or forks
    #[command(after_help = SWEEP_HELP)]
    Sweep(SweepArgs),
    /// Predict the speedup of a batch for up to 1024 workers, from measurements on this machine
    #[command(after_help = MODEL_HELP)]
    Model(ModelArgs),
    /// Search for the longest batch and the largest number that each technique computes in a given time
    #[command(after_help = RACE_HELP)]
    Race(RaceArgs),
    /// Print the report of a record again
    Analyse(AnalyseArgs),
    /// Show records as one HTML page with charts
    #[command(after_help = REPORT_HELP)]
    Report(ReportArgs),
    /// Describe this machine, how noisy it is now, and how small a difference it can measure
    Doctor,
    /// Check engines: programs in any language that run batches for `compare`
    Engine {
        #[command(subcommand)]
        command: EngineCommand,
    },
    /// Run batches for another program, over the engine protocol on standard input and output
    #[command(after_help = RUNNER_HELP)]
    Runner {
        /// Run this engine instead of our own; on Linux it ends when its parent ends
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// List backends, kernels and scenarios
    List {
        /// What to list: backends, kernels or scenarios [default: everything]
        #[arg(hide_possible_values = true)]
        what: Option<ListedKind>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man {
        /// The command to print the page of [default: the program]
        command: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ListedKind {
    /// Where and when batches run
    Backends,
    /// How numbers are computed
    Kernels,
    /// Batches that `compare` measures
    Scenarios,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
