//! A batch: many numbers at once, on all CPUs. `cargo run -p fib --example 02-a-batch`.

use fib::{Options, Settings, compute, default_backend, kernels};
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A pool of workers, one for each CPU that this process may use.
    let backend = default_backend().build(Settings::default())?;
    // `stepping` walks up a range with one addition for each number.
    let wanted: Vec<u64> = (0..=10_000).collect();
    let table = compute(&*backend, &kernels::stepping(), &wanted, &Options::default())?;
    for (n, f) in table.iter().step_by(2500) {
        writeln!(stdout(), "F({n}) has {} bits", f.bits())?;
    }
    Ok(())
}
