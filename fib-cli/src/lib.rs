//! The program `fib` as a library, for programs that add their own backends.
//!
//! A backend from another crate joins every command, the speedup matrix included, without a fork of
//! this repository. The whole program is:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     fib_cli::main_with(&[my_crate::MY_BACKEND])
//! }
//! ```
//!
//! `fib/examples/04-your-own-backend.rs` is such a program, complete.
//!
//! `unsafe` appears in two modules: `stdout` has an attribute that runs a check before `main`, and
//! `last_resort` is an allocator.
#![deny(unsafe_code)]

mod advice;
mod args;
mod backends;
mod commands;
mod compute;
mod diagnostics;
mod failure;
mod format;
mod input;
mod interrupt;
mod journal;
mod last_resort;
mod measuring;
mod output;
mod progress;
mod recording;
mod request;
mod spec;
mod stdout;
mod target;
mod trace_events;
mod unfinished;

#[doc(hidden)]
pub use input::read_specs;
pub use last_resort::LastResort;

use args::{Cli, Command, EngineCommand};
use clap::Parser;
use fib::Descriptor;
use std::panic::catch_unwind;
use std::process::ExitCode;

/// The `main` of the program `fib`, with these backends in addition to those of the registry.
///
/// Call it first in `main`, and return its exit code.
pub fn main_with(backends: &'static [Descriptor]) -> ExitCode {
    diagnostics::silence_panics();
    fib::init();
    interrupt::outlive_size_limits();
    last_resort::speak();
    backends::add(backends);
    let outcome = catch_unwind(|| {
        let cli = match Cli::try_parse() {
            Ok(cli) => cli,
            Err(error) if error.use_stderr() => {
                return Err(failure::BadUsage(error.render().to_string()).into());
            }
            // Help and version go to standard output, like results.
            Err(help) => return output::to_stdout(|out| write!(out, "{}", help.render())),
        };
        diagnostics::install_logger(cli.quiet);
        run(&cli)
    });
    match outcome {
        Ok(Ok(())) => interrupt::exit_code().map_or(ExitCode::SUCCESS, ExitCode::from),
        Ok(Err(error)) => failure::report(&error),
        Err(panic) => failure::report(&failure::internal(&*panic)),
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Calc(args) => commands::calc::run(args, cli.quiet),
        Command::Batch(args) => commands::batch::run(args, cli.quiet),
        Command::Mod(args) => commands::batch::run_mod(args, cli.quiet),
        Command::Trace(args) => commands::trace::run(args, cli.quiet),
        Command::Advise(args) => commands::advise::run(args, cli.quiet),
        Command::Compare(args) => commands::compare::run(args, cli.quiet),
        Command::Doctor => commands::doctor::run(cli.quiet),
        Command::Sweep(args) => commands::sweep::run(args, cli.quiet),
        Command::Model(args) => commands::model::run(args, cli.quiet),
        Command::Race(args) => commands::race::run(args, cli.quiet),
        Command::Analyse(args) => commands::analyse::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Engine { command: EngineCommand::Check { command } } => {
            commands::engine::check(command)
        }
        Command::Runner { command } => commands::engine::runner(command),
        Command::List { what } => commands::list::run(*what),
        Command::Completions { shell } => commands::pages::completions(*shell),
        Command::Man { command } => commands::pages::man(command.as_deref()),
    }
}
