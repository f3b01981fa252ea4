//! The timeline of one run, a line for each worker: `cargo run --release -p fib --example 06-timeline`.
//!
//! A digit is a chunk of that worker, a dot is a worker that waits. With two chunks for each worker, the
//! static schedule leaves a worker idle at the end, because the numbers at the end of a range cost more.

use fib::{
    ChunkSpan, Layout, MemoryLimit, Options, REGISTRY, Scheduling, Settings, Table, execute,
};
use std::io::{Write, stdout};
use std::time::Instant;

const COLUMNS: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: Vec<u64> = (0..3000).collect();
    let options =
        Options { timeline: true, chunking: "per-worker:2".parse()?, ..Options::default() };
    let shown = [Scheduling::Static, Scheduling::Dynamic, Scheduling::Exclusive];
    let entries =
        shown.into_iter().filter_map(|kind| REGISTRY.iter().find(|e| e.scheduling == kind));
    for entry in entries {
        let backend = entry.build(Settings::default())?;
        let kernel = fib::kernels::iterative();
        let mut table = Table::new(Layout::new(kernel, &wanted, MemoryLimit::default())?)?;
        let start = Instant::now();
        let records = execute(&*backend, &mut table, &options)?;
        let wall = start.elapsed();
        let spans: Vec<ChunkSpan> = records.iter().filter_map(|record| record.span).collect();
        writeln!(stdout(), "{} ({:.2} ms)", entry.name, wall.as_secs_f64() * 1e3)?;
        for worker in 0..backend.workers().get() {
            let mut line = vec![b'.'; COLUMNS];
            for (chunk, span) in spans.iter().enumerate().filter(|(_, s)| s.worker == worker) {
                let column = |time: Instant| {
                    let share = (time - start).as_secs_f64() / wall.as_secs_f64();
                    ((share * COLUMNS as f64) as usize).min(COLUMNS - 1)
                };
                line[column(span.start)..=column(span.end)].fill(b'0' + (chunk % 10) as u8);
            }
            writeln!(stdout(), "  worker {worker}  {}", String::from_utf8_lossy(&line))?;
        }
    }
    Ok(())
}
