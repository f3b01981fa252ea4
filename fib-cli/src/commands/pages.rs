//! `fib completions` and `fib man`: both come from the definition of the command line.

use crate::args::Cli;
use crate::failure::BadInput;
use crate::input::quoted;
use crate::output::to_stdout;
use clap::CommandFactory;
use clap_mangen::Man;

pub(crate) fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "fib", &mut script);
    to_stdout(|out| out.write_all(&script))
}

/// The page of the program, or of one of its commands.
pub(crate) fn man(command: Option<&str>) -> anyhow::Result<()> {
    let mut program = Cli::command();
    program.build();
    let page = match command {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| BadInput(format!("there is no command {}", quoted(name))))?
            .display_name(format!("fib {name}")),
    };
    to_stdout(|out| Man::new(page).render(out))
}
