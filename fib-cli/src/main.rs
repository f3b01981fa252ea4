//! The program `fib`. Everything is in the library, so a program that adds backends is as short as
//! this.

use std::process::ExitCode;

fn main() -> ExitCode {
    fib_cli::main_with(&[])
}
