//! The one place that looks at a clock: a run of a batch, with what each worker did.

use crate::overheads::{Lane, Observed};
use fib::{Error, FibBackend, Layout, Options, Record, Sequential, Table, execute};
use std::thread;
use std::time::{Duration, Instant};

/// Rest before a run, so that it begins on CPUs that the run before has left.
const REST: Duration = Duration::from_micros(200);

/// And then work, untimed: a CPU that has rested begins slowly.
const WARM_UP: Duration = Duration::from_micros(50);

/// A batch laid out, in an arena that has been written once.
pub(crate) struct Subject {
    table: Table,
    alone: Duration,
}

impl Subject {
    pub(crate) fn new(layout: Layout) -> Result<Self, Error> {
        let mut table = Table::new(layout)?;
        let begin = Instant::now();
        execute(&Sequential, &mut table, &Options::default())?;
        Ok(Subject { table, alone: begin.elapsed() })
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.table.layout()
    }

    /// Runs it twice, the second time timed: what is meant is a batch after a batch. A long one
    /// needs no such help.
    pub(crate) fn run(
        &mut self,
        backend: &dyn FibBackend,
        options: &Options,
    ) -> Result<Observed, Error> {
        if self.alone < 20 * REST {
            execute(backend, &mut self.table, options)?;
            thread::sleep(REST);
            let begin = Instant::now();
            while begin.elapsed() < WARM_UP {
                execute(&Sequential, &mut self.table, &Options::default())?;
            }
        }
        let begin = Instant::now();
        let records = execute(backend, &mut self.table, options)?;
        let wall_ns = begin.elapsed().as_nanos() as f64;
        Ok(Observed { wall_ns, lanes: lanes(&records, begin, backend.workers().get()) })
    }
}

fn lanes(records: &[Record], begin: Instant, workers: usize) -> Vec<Lane> {
    let mut lanes = vec![Lane::default(); workers];
    let since = |time: Instant| time.saturating_duration_since(begin).as_nanos() as u64;
    for span in records.iter().filter_map(|record| record.span) {
        if let Some(lane) = lanes.get_mut(span.worker) {
            lane.add(since(span.start), since(span.end), span.paused.as_nanos() as u64);
        }
    }
    lanes
}
