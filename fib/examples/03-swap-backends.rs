//! The same program on every backend: `cargo run -p fib --example 03-swap-backends`.
//!
//! Features choose the backends that are compiled in, for example
//! `cargo run -p fib --no-default-features --features rayon --example 03-swap-backends`.

use fib::{Error, Options, REGISTRY, Settings, compute, kernels};
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fib::init(); // a program that uses process pools begins with this
    let wanted: Vec<u64> = (0..200).map(|i| i * 37 % 1009).collect();
    let limbs = |entry: &fib::Descriptor| -> Result<Vec<u64>, Error> {
        let backend = entry.build(Settings::default())?;
        let table = compute(&*backend, &kernels::iterative(), &wanted, &Options::default())?;
        Ok(table.arena().to_vec())
    };
    let expected = limbs(&fib::SEQUENTIAL)?;
    for entry in REGISTRY {
        let same = if limbs(entry)? == expected { "the same numbers" } else { "OTHER NUMBERS" };
        writeln!(stdout(), "{:17} {same}: {}", entry.name, entry.summary)?;
    }
    Ok(())
}
