//! The cost of sending work to a worker and results back:
//! `cargo bench -p fib-bench --bench transport`.
//!
//! - **bytes**: sixteen results of 4 MB from a kernel that only fills its slots, compared with a
//!   `memcpy` of as many bytes in the same rounds. The rate is the time of memcpy over the time of
//!   the backend.
//! - **round trip**: one chunk without arithmetic, from the call to its return.
//! - **pool start**: the time from nothing until every worker has answered once.
//!
//! Its argument is a filter: a part of the name of a backend. The options of criterion have no
//! effect here.

use fib::{
    Chunking, Descriptor, Error, FibBackend, Kernel, Layout, MemoryLimit, Options, Run, Settings,
    Table, compute, execute, kernels,
};
use fib_bench::order::RoundOrders;
use fib_engine::time;
use fib_report::Estimate;
use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Writes its slots and computes nothing.
struct Filling;

const RESULT_LIMBS: usize = (4 << 20) / 8;
const RESULTS: usize = 16;
const ROUNDS: usize = 60;

impl Kernel for Filling {
    fn name(&self) -> &'static str {
        "filling"
    }
    fn limbs(&self, _n: u64) -> usize {
        RESULT_LIMBS
    }
    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }
    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            slot.out.fill(slot.n);
        }
    }
}

fn filling() -> Arc<dyn Kernel> {
    Arc::new(Filling)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    fib::init_with(|name| (name == Filling.name()).then(filling));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list" || argument == "--test") {
        return Ok(());
    }
    let filter = arguments.first().filter(|argument| !argument.starts_with('-'));
    let chosen = |entry: &&Descriptor| filter.is_none_or(|part| entry.name.contains(part.as_str()));
    let chosen: Vec<&Descriptor> = fib::REGISTRY.iter().filter(chosen).collect();
    let (bytes, trips, pool_starts) =
        (bytes(&chosen)?, round_trips(&chosen)?, pool_starts(&chosen)?);
    let workers = Settings::default().workers;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{workers} workers, medians with 99% intervals\n\n{:17}{:>29}{:>29}{:>29}",
        "backend", "bytes / memcpy", "round trip (us)", "pool start (us)"
    )?;
    for (i, entry) in chosen.iter().enumerate() {
        let name = entry.name;
        let (bytes, trip, pool_start) =
            (column(bytes[i]), column(trips[i]), column(pool_starts[i]));
        writeln!(out, "{name:17}{bytes}{trip}{pool_start}")?;
    }
    Ok(())
}

fn column(estimate: Option<Estimate>) -> String {
    let Some(Estimate { median, interval: Some((low, high)) }) = estimate else {
        return format!("{:>29}", "-");
    };
    format!("{:>29}", format!("{median:.2} [{low:.2}, {high:.2}]"))
}

type Estimates = Result<Vec<Option<Estimate>>, Error>;

fn pools(chosen: &[&Descriptor]) -> Result<Vec<Box<dyn FibBackend>>, Error> {
    chosen.iter().map(|entry| entry.build(Settings::default())).collect()
}

fn one_by_one() -> Options {
    Options { chunking: Chunking::Items(NonZeroUsize::MIN), ..Options::default() }
}

/// The time of memcpy over the time of each backend, round by round.
fn bytes(chosen: &[&Descriptor]) -> Estimates {
    let indices: Vec<u64> = (1..=RESULTS as u64).collect();
    let mut table = Table::new(Layout::new(filling(), &indices, MemoryLimit::default())?)?;
    let source = vec![1u64; table.arena().len()];
    let mut target = vec![0u64; source.len()];
    let mut copy = || {
        target.copy_from_slice(black_box(&source));
        black_box(&mut target);
        Ok::<(), Error>(())
    };
    let pools = pools(chosen)?;
    let mut ratios = vec![vec![]; pools.len()];
    let mut order = RoundOrders::new(pools.len() + 1, 1);
    for round in 0..ROUNDS {
        let mut walls = vec![Duration::ZERO; pools.len() + 1];
        for i in order.next_order() {
            walls[i] = match pools.get(i) {
                Some(pool) => time(1, || execute(&**pool, &mut table, &one_by_one()).map(drop))?,
                None => time(1, &mut copy)?,
            };
        }
        // The first round is left out, because it allocates.
        let memcpy = walls[pools.len()].as_secs_f64();
        let rates = walls.iter().map(|wall| memcpy / wall.as_secs_f64());
        ratios.iter_mut().zip(rates).skip_while(|_| round == 0).for_each(|(all, r)| all.push(r));
    }
    Ok(ratios.into_iter().map(|ratios| Estimate::of_runs(&[ratios], 1)).collect())
}

/// The microseconds that each backend takes for one empty chunk.
fn round_trips(chosen: &[&Descriptor]) -> Estimates {
    let pools = pools(chosen)?;
    let mut table = Table::new(Layout::new(kernels::empty(), &[0], MemoryLimit::default())?)?;
    let mut trips = vec![vec![]; pools.len()];
    let mut order = RoundOrders::new(pools.len(), 1);
    for _ in 0..500 {
        for i in order.next_order() {
            sleep(Duration::from_micros(200)); // the worker sleeps too
            let wall = time(1, || execute(&*pools[i], &mut table, &one_by_one()).map(drop))?;
            trips[i].push(microseconds(wall));
        }
    }
    Ok(trips.into_iter().map(|trips| Estimate::of_runs(&[trips], 1)).collect())
}

/// The microseconds from nothing until every worker of a backend has answered once.
fn pool_starts(chosen: &[&Descriptor]) -> Estimates {
    let mut times = vec![vec![]; chosen.len()];
    let mut order = RoundOrders::new(chosen.len(), 1);
    for _ in 0..30 {
        for i in order.next_order() {
            let start = Instant::now();
            let pool = chosen[i].build(Settings::default())?;
            let wanted = vec![10; pool.workers().get()];
            compute(&*pool, &kernels::iterative(), &wanted, &one_by_one())?;
            times[i].push(microseconds(start.elapsed()));
        }
    }
    Ok(times.into_iter().map(|times| Estimate::of_runs(&[times], 1)).collect())
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
