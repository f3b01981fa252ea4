//! Progress and cancellation: `cargo run --release -p fib --example 07-cancel-and-progress`.
//!
//! Another thread watches the computation and cancels it after 10,000 numbers. The results that were
//! computed until then are kept.

use fib::{
    Control, Error, Layout, MemoryLimit, Options, Settings, Table, default_backend, execute,
    kernels,
};
use std::io::{Write, stdout};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = default_backend().build(Settings::default())?;
    let wanted = vec![5000; 1_000_000];
    // 600 MB if it ran to the end; the system provides a page of the arena when a worker writes to it.
    let limit = MemoryLimit::Bytes(1 << 30);
    let mut table = Table::new(Layout::new(kernels::iterative(), &wanted, limit)?)?;
    let control = Control::default();
    let options = Options { control: control.clone(), ..Options::default() };
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while control.done() < 10_000 {
                thread::sleep(Duration::from_millis(1));
            }
            control.cancel();
        });
        execute(&*backend, &mut table, &options)
    });
    let kept = (0..wanted.len()).filter(|&i| table.limbs(i).is_some()).count();
    match outcome {
        Err(Error::Cancelled) => writeln!(stdout(), "cancelled, with {kept} numbers computed")?,
        outcome => writeln!(stdout(), "not cancelled: {:?}", outcome.map(|records| records.len()))?,
    }
    Ok(())
}
