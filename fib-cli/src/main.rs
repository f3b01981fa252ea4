//! The program `fib`: parses, runs one command, and turns what happened into an exit code.
//!
//! `unsafe` appears once, in `stdout`: the attribute that runs a check before `main`.
#![deny(unsafe_code)]

mod args;
mod commands;
mod diagnostics;
mod failure;
mod format;
mod input;
mod interrupt;
mod output;
mod spec;
mod stdout;

use args::{Cli, Command, EngineCommand};
use clap::Parser;
use std::panic::catch_unwind;
use std::process::ExitCode;

fn main() -> ExitCode {
    diagnostics::silence_panics();
    fib::init();
    let outcome = catch_unwind(|| {
        let cli = match Cli::try_parse() {
            Ok(cli) => cli,
            Err(error) if error.use_stderr() => error.exit(),
            // Help and version are output as any other.
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
        Command::Calc(args) => commands::calc::run(args),
        Command::Batch(args) => commands::batch::run(args),
        Command::Advise(args) => commands::advise::run(args, cli.quiet),
        Command::Compare(args) => commands::compare::run(args, cli.quiet),
        Command::Doctor => commands::doctor::run(cli.quiet),
        Command::Sweep(args) => commands::sweep::run(args, cli.quiet),
        Command::Model(args) => commands::model::run(args, cli.quiet),
        Command::Analyse(args) => commands::analyse::run(args),
        Command::Engine { command: EngineCommand::Check { command } } => {
            commands::engine::check(command)
        }
        Command::Runner { command } => commands::engine::runner(command),
        Command::List { what } => commands::list::run(*what),
        Command::Completions { shell } => commands::pages::completions(*shell),
        Command::Man { command } => commands::pages::man(command.as_deref()),
    }
}
