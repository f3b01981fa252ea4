//! One number: `cargo run -p fib --example 01-one-number`.

use fib::{Options, Sequential, compute, kernels};
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One number is one chain of operations, so the calling thread is as fast as any pool. `doubling`
    // is the kernel for a single index.
    let table = compute(&Sequential, &kernels::doubling(), &[1000], &Options::default())?;
    for (n, f) in table.iter() {
        writeln!(stdout(), "F({n}) = {f}")?;
    }
    Ok(())
}
