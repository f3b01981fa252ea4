//! The program `fib`. Everything is in the library, so a program that adds backends is as short as
//! this.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: fib_cli::LastResort = fib_cli::LastResort;

fn main() -> ExitCode {
    fib_cli::main_with(&[])
}
