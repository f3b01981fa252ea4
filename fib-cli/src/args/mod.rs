//! The command line, in one definition: parsing, help, completions and man pages come from it.

mod compute;
mod measuring;
mod values;

pub(crate) use values::arithmetic;

use clap::{Parser, Subcommand, ValueEnum};
use compute::{ADVISE_HELP, BATCH_HELP};
pub(crate) use compute::{
    AdviseArgs, AdviseFormat, BatchArgs, BatchFormat, CalcArgs, CalcFormat, How, Specs,
};
pub(crate) use measuring::{
    AnalyseArgs, CompareArgs, CompareFormat, EngineCommand, ModelArgs, RecordArgs, Sweep, SweepArgs,
};
use measuring::{COMPARE_HELP, MODEL_HELP, RUNNER_HELP, SWEEP_HELP};
use std::ffi::OsString;

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
    /// Tell where and how a batch is best computed on this machine, before it is
    #[command(after_help = ADVISE_HELP)]
    Advise(AdviseArgs),
    /// Measure every backend on every scenario: the speedup matrix of this machine
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArgs),
    /// Change one thing step by step: how small tasks may be, how large batches must be, how many
    /// workers help
    #[command(after_help = SWEEP_HELP)]
    Sweep(SweepArgs),
    /// Predict the speedup of a batch on up to 1024 workers, from what can be measured here
    #[command(after_help = MODEL_HELP)]
    Model(ModelArgs),
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
    Runner {
        /// Become this engine instead; on Linux it ends with whoever started this
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum What {
    /// Where and when work runs
    Backends,
    /// What is computed
    Kernels,
    /// The batches that `compare` measures
    Scenarios,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use fib::Supervision;

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
}
