//! Helpers that the tests of the pool share.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // each test file uses only some of them

use fib_core::{Error, Kernel, Layout, MemoryLimit, Options, Table, execute, kernels};
use fib_process::{Builder, FibBackend};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

/// Both ways to send results: without and with shared memory.
pub const TRANSPORTS: [bool; 2] = [false, true];

pub fn builder(shared: bool) -> Builder {
    Builder::new(NonZero::new(2).unwrap()).shared_memory(shared)
}

pub fn options(chunking: &str) -> Options {
    Options { chunking: chunking.parse().unwrap(), ..Options::default() }
}

pub fn new_table(kernel: Arc<dyn Kernel>, wanted: &[u64]) -> Table {
    Table::new(Layout::new(kernel, wanted, MemoryLimit::default()).unwrap()).unwrap()
}

/// Computes F(0) to F(299) in chunks of ten. Returns the indices that failed, with their messages,
/// and checks the results of all other indices.
pub fn failed_indices(pool: &dyn FibBackend) -> Result<Vec<(u64, String)>, Error> {
    let wanted: Vec<u64> = (0..300).collect();
    let mut table = new_table(kernels::iterative(), &wanted);
    table.overwrite(0x5555_5555_5555_5555);
    let failures = match execute(pool, &mut table, &options("items:10")) {
        Ok(_) => vec![],
        Err(Error::Failed(failures)) => failures,
        Err(error) => return Err(error),
    };
    let expected = fib_conformance::fibonacci_upto(300);
    for (i, n) in wanted.iter().enumerate() {
        match failures.iter().any(|failure| failure.index == *n) {
            true => assert_eq!(table.limbs(i), None),
            false => assert_eq!(table.to_biguint(i).as_ref(), Some(&expected[i]), "F({n})"),
        }
    }
    Ok(failures.into_iter().map(|failure| (failure.index, failure.message)).collect())
}

static WARNINGS: Mutex<Vec<String>> = Mutex::new(vec![]);

/// A logger that keeps all warnings.
struct WarningCollector;

impl log::Log for WarningCollector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.lock().unwrap().push(record.args().to_string());
    }
    fn flush(&self) {}
}

/// Makes the tests keep all warnings from now on.
pub fn keep_warnings() {
    let _ = log::set_logger(&WarningCollector); // another test may have set it already
    log::set_max_level(log::LevelFilter::Warn);
}

/// The warnings about the process with this process id.
pub fn warnings_about(pid: u32) -> Vec<String> {
    let all = WARNINGS.lock().unwrap();
    all.iter().filter(|text| text.contains(&format!("(pid {pid})"))).cloned().collect()
}

/// All warnings that contain this text.
pub fn warnings_with(text: &str) -> Vec<String> {
    WARNINGS.lock().unwrap().iter().filter(|warning| warning.contains(text)).cloned().collect()
}
