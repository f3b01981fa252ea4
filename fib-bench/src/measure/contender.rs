//! What takes turns in a round: a backend at work on an arena, or one of the controls.

use super::copies::Copies;
use crate::interleave::time;
use crate::plan::Plan;
use crate::record::{Role, Sample, Status};
use fib::{
    Chunking, Descriptor, Error, FibBackend, Options, Sequential, Settings, Table, compute,
    execute, kernels,
};
use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Every backend of a plan at every worker count, built once; or why it could not be.
pub(super) struct Pools(Vec<Pool>);

struct Pool {
    name: &'static str,
    workers: usize,
    built: Result<Box<dyn FibBackend>, Error>,
}

impl Pools {
    /// Builds every pool, a few times for the sake of its start-up; the last one is kept.
    pub(super) fn build(
        plan: &Plan,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut pools = vec![];
        for &workers in &plan.workers {
            let settings = Settings { pin: plan.pin, ..Settings::workers(workers) };
            for backend in &plan.backends {
                pools.push(Pool {
                    name: backend.name,
                    workers: workers.get(),
                    built: start_up(backend, settings, sink)?,
                });
            }
        }
        Ok(Pools(pools))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Contender<'_>> {
        self.0.iter().map(|Pool { name, workers, built }| {
            let work = match built {
                Ok(backend) => Work::Execute(&**backend),
                Err(error) => Work::Impossible(error.to_string()),
            };
            Contender::new(Role::Cell, name, *workers, work)
        })
    }
}

/// A start-up is measured this often, unless that takes longer than `START_UP_TIME`.
const START_UPS: usize = 5;
const START_UP_TIME: Duration = Duration::from_millis(100);

/// Builds a backend and lets every worker answer once, again and again.
fn start_up(
    backend: &Descriptor,
    settings: Settings,
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<Result<Box<dyn FibBackend>, Error>> {
    let begin = Instant::now();
    let mut round = 0;
    loop {
        let start = Instant::now();
        let built = backend.build(settings);
        let answered = built.as_ref().map_err(Clone::clone).and_then(|b| first_answers(&**b));
        let wall = start.elapsed();
        if answered.is_ok() {
            sink(Sample {
                scenario: String::new(),
                role: Role::StartUp,
                backend: backend.name.into(),
                workers: settings.workers.get(),
                round,
                repeats: 1,
                wall_ns: wall.as_nanos() as u64,
                status: Status::Ok,
                message: None,
            })?;
        }
        round += 1;
        if answered.is_err() || round == START_UPS || begin.elapsed() > START_UP_TIME {
            return Ok(built);
        }
    }
}

/// One small number for every worker.
fn first_answers(backend: &dyn FibBackend) -> Result<(), Error> {
    let options = Options { chunking: Chunking::Items(NonZeroUsize::MIN), ..Options::default() };
    compute(backend, &kernels::iterative(), &vec![10; backend.workers().get()], &options).map(drop)
}

/// The results of a kernel, which all its contenders share, and what they must be.
pub(super) struct Arena {
    pub(super) table: Table,
    pub(super) expected: Vec<u64>,
    /// How long the batch takes sequentially.
    batch: Duration,
}

/// A batch of at least this length is not warmed up for: it is long enough to forget its start.
const LONG: Duration = Duration::from_millis(1);

/// How long warming up takes otherwise.
const WARM_UP: Duration = Duration::from_micros(50);

impl Arena {
    /// An arena that has been written once.
    pub(super) fn new(mut table: Table, expected: Vec<u64>) -> Result<Self, Error> {
        let run = || execute(&Sequential, &mut table, &Options::default()).map(drop);
        let batch = time(1, run)?;
        Ok(Arena { table, expected, batch })
    }

    /// Runs short batches sequentially, untimed: a CPU that has rested begins slowly, with caches
    /// that have forgotten the code.
    fn warm_up(&mut self, options: &Options) -> Result<(), Error> {
        let start = Instant::now();
        while self.batch < LONG && start.elapsed() < WARM_UP {
            execute(&Sequential, &mut self.table, options)?;
        }
        Ok(())
    }

    /// Overwrites the results, so that one that is left out shows; this also keeps the arena warm.
    pub(super) fn clear(&mut self) {
        self.table.overwrite(0x5555_5555_5555_5555);
    }

    pub(super) fn verify(&self) -> Result<(), Fault> {
        verify(&self.table, &self.expected)
    }
}

fn verify(table: &Table, expected: &[u64]) -> Result<(), Fault> {
    if table.arena() == expected { Ok(()) } else { Err(Fault::wrong()) }
}

/// Why a sample does not count.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: Status,
    pub(super) message: String,
}

impl Fault {
    fn wrong() -> Self {
        Fault { status: Status::Wrong, message: "the result is wrong".into() }
    }

    pub(super) fn failed(reason: impl ToString) -> Self {
        Fault { status: Status::Failed, message: reason.to_string() }
    }
}

/// What a contender does when it is its turn.
pub(super) enum Work<'a> {
    /// Runs the laid-out batch.
    Execute(&'a dyn FibBackend),
    /// Computes sequentially from the indices on: layout and allocation included.
    Compute,
    /// Runs independent sequential copies at once.
    Copies(Copies),
    /// It could not be built.
    Impossible(String),
}

pub(super) struct Contender<'a> {
    pub(super) role: Role,
    pub(super) backend: &'static str,
    pub(super) workers: usize,
    pub(super) work: Work<'a>,
    /// Batches a sample.
    pub(super) repeats: u32,
    /// Set once it went wrong; it takes no more turns.
    pub(super) fault: Option<Fault>,
}

impl<'a> Contender<'a> {
    pub(super) fn new(role: Role, backend: &'static str, workers: usize, work: Work<'a>) -> Self {
        Contender { role, backend, workers, work, repeats: 1, fault: None }
    }

    /// The time of `repeats` batches, verified.
    pub(super) fn sample(
        &mut self,
        arena: &mut Arena,
        options: &Options,
    ) -> Result<Duration, Fault> {
        arena.warm_up(options).map_err(Fault::failed)?;
        arena.clear();
        match &mut self.work {
            Work::Execute(backend) => {
                let run = || execute(*backend, &mut arena.table, options).map(drop);
                let wall = time(self.repeats, run).map_err(Fault::failed)?;
                arena.verify()?;
                Ok(wall)
            }
            Work::Compute => {
                let layout = arena.table.layout();
                let wanted: Vec<u64> = (0..layout.len()).map(|i| arena.table.index(i)).collect();
                let mut last = None;
                let run = || {
                    last = Some(compute(&Sequential, layout.kernel(), &wanted, options)?);
                    Ok::<(), Error>(())
                };
                let wall = time(self.repeats, run).map_err(Fault::failed)?;
                last.map_or(Ok(()), |table| verify(&table, &arena.expected))?;
                Ok(wall)
            }
            Work::Copies(copies) => copies.run(self.repeats),
            Work::Impossible(reason) => Err(Fault::failed(reason)),
        }
    }
}
