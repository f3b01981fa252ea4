//! The program `fib`. Everything is in the library, so that a program with its own backends is as short.

use std::process::ExitCode;

fn main() -> ExitCode {
    fib_cli::main_with(&[])
}
