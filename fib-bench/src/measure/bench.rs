//! One scenario with everything that takes turns on it.

use super::contender::{Arena, Contender, Fault, Pools, Work};
use super::copies::Copies;
use crate::expected::expected_arena;
use crate::interleave::{Rounds, repeats};
use crate::plan::Plan;
use crate::record::{Role, Sample, Status};
use crate::scenario::Scenario;
use fib::{Error, Kernel, Layout, MemoryLimit, Options, Sequential, Table, kernels};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A sample lasts at least this long: the clock and the call of it are well below a per cent.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(50);

/// So do the copies of the ceiling: behind their common start, short ones gave anything from 0.87
/// to 2.04 on two CPUs.
const SHORTEST_CEILING: Duration = Duration::from_millis(5);

/// Rest before every sample, so that each contender begins on CPUs that whoever came before has left.
/// Without it the system often put two new or woken threads on one CPU for milliseconds: in
/// `compare --scenario 100xF1000` the backends then reached 0.5 to 0.8 of the ceiling, from run to
/// run; with it 0.7 to 0.85. A rest of 2 ms let the processor fall asleep and gave less again.
const REST: Duration = Duration::from_micros(200);

/// The whole call is for orientation, not for comparison: it takes a turn in one round of this many.
const WHOLE_EVERY: usize = 4;

pub(super) struct Bench<'a> {
    scenario: &'static Scenario,
    contenders: Vec<Contender<'a>>,
    /// Of the plan's kernel.
    cells: Result<Arena, Fault>,
    /// Of the best sequential algorithm.
    best: Result<Arena, Fault>,
    options: Options,
    rounds: Rounds,
    /// How long a round took when it was tried.
    pub(super) round_cost: Duration,
}

impl<'a> Bench<'a> {
    pub(super) fn prepare(plan: &Plan, scenario: &'static Scenario, pools: &'a Pools) -> Self {
        let indices = (scenario.indices)();
        let options = Options { chunking: plan.chunking, ..Options::default() };
        let cells = arena((plan.kernel.get)(), &indices).map_err(Fault::failed);
        let best = arena(kernels::stepping(), &indices).map_err(Fault::failed);
        let one = |role, work| Contender::new(role, fib::SEQUENTIAL.name, 1, work);
        let mut contenders = vec![
            one(Role::Baseline, Work::Execute(&Sequential)),
            one(Role::Control, Work::Execute(&Sequential)),
            one(Role::Whole, Work::Compute),
            one(Role::Best, Work::Execute(&Sequential)),
        ];
        if let Ok(arena) = &cells {
            contenders.extend(ceilings(plan, arena, &options));
        }
        contenders.extend(pools.iter());
        let rounds = Rounds::new(contenders.len(), plan.seed);
        let round_cost = Duration::ZERO;
        let mut bench = Bench { scenario, contenders, cells, best, options, rounds, round_cost };
        bench.calibrate();
        bench
    }

    pub(super) fn name(&self) -> &'static str {
        self.scenario.name
    }

    /// Chooses how many batches a sample of each contender takes, then tries a round.
    fn calibrate(&mut self) {
        let baseline = self.repeats(0, SHORTEST_SAMPLE);
        let copies = self.repeats(0, SHORTEST_CEILING);
        for i in 0..self.contenders.len() {
            self.contenders[i].repeats = match self.contenders[i].role {
                Role::Baseline | Role::Control => baseline,
                Role::Ceiling => copies,
                _ => self.repeats(i, SHORTEST_SAMPLE),
            };
        }
        let start = Instant::now();
        (0..self.contenders.len()).for_each(|i| drop(self.turn(i)));
        self.round_cost = start.elapsed();
    }

    /// How many batches of contender `i`, whose samples are of one batch yet, take `at_least`.
    fn repeats(&mut self, i: usize, at_least: Duration) -> u32 {
        repeats(at_least, || self.turn(i)).unwrap_or(1)
    }

    /// Gives contender `i` its turn. Once it went wrong it has no more.
    fn turn(&mut self, i: usize) -> Result<Duration, Fault> {
        let contender = &mut self.contenders[i];
        if let Some(fault) = &contender.fault {
            return Err(fault.clone());
        }
        thread::sleep(REST);
        let arena = match contender.role {
            Role::Best => self.best.as_mut(),
            _ => self.cells.as_mut(),
        };
        let result = arena
            .map_err(|fault| fault.clone())
            .and_then(|arena| contender.sample(arena, &self.options));
        contender.fault = result.as_ref().err().cloned();
        result
    }

    /// One round: every contender once, in the order of the Latin square. A contender that went
    /// wrong says so in every round, at no cost.
    pub(super) fn round(
        &mut self,
        round: usize,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        for i in self.rounds.next_order() {
            if self.contenders[i].role == Role::Whole && !round.is_multiple_of(WHOLE_EVERY) {
                continue;
            }
            let result = self.turn(i);
            let Contender { role, backend, workers, repeats, .. } = self.contenders[i];
            let (wall, fault) = match result {
                Ok(wall) => (wall, None),
                Err(fault) => (Duration::ZERO, Some(fault)),
            };
            sink(Sample {
                scenario: self.scenario.name.into(),
                role,
                backend: backend.into(),
                workers,
                round,
                repeats,
                wall_ns: wall.as_nanos() as u64,
                status: fault.as_ref().map_or(Status::Ok, |fault| fault.status),
                message: fault.map(|fault| fault.message),
            })?;
        }
        Ok(())
    }
}

/// Room for the results of `kernel`, and what they must be.
fn arena(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Result<Arena, Error> {
    let layout = Layout::new(kernel, indices, MemoryLimit::default())?;
    let expected = expected_arena(&layout);
    Arena::new(Table::new(layout)?, expected)
}

/// The ceiling at each worker count; no more copies than this process has CPUs.
fn ceilings<'a>(plan: &Plan, arena: &Arena, options: &Options) -> Vec<Contender<'a>> {
    let cpus = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut copies: Vec<usize> = plan.workers.iter().map(|p| p.get().min(cpus)).collect();
    copies.dedup();
    let ceiling = |copies| {
        let work = match Copies::new(copies, arena.table.layout(), &arena.expected, options) {
            Ok(copies) => Work::Copies(copies),
            Err(fault) => Work::Impossible(fault.message),
        };
        Contender::new(Role::Ceiling, fib::SEQUENTIAL.name, copies, work)
    };
    copies.into_iter().map(ceiling).collect()
}
