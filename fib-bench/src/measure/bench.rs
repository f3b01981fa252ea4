//! One batch with everything that takes turns on it.

use super::contender::{Contender, Task};
use super::lanes::lanes;
use crate::engine::Fault;
use crate::engine::protocol::{Measured, Run, Span};
use crate::interleave::{Rounds, repeats};
use crate::plan::{Entrant, Plan};
use crate::record::{Reference, Role, Sample, Status, Usage};
use crate::scenario::Batch;
use crate::stats::fewest_rounds;
use crate::surroundings::Snapshot;
use std::io;
use std::time::{Duration, Instant};

/// A sample lasts at least this long: the clock and the call of it are well below a per cent.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(50);

/// So do the copies of the ceiling: behind their common start, short ones gave anything from 0.87
/// to 2.04 on two CPUs.
const SHORTEST_CEILING: Duration = Duration::from_millis(5);

/// What is for orientation, not for comparison, takes a turn in one round of this many.
const SOMETIMES: usize = 4;

/// In one round of this many, one contender gets a new runner, each in its turn. Two runners of the
/// same program may differ for as long as they live, by where their memory lies: with runners that
/// lived as long as the comparison, `scripts/aa-check` found a backend different from itself in 2 of
/// 20 runs, once by 7 %.
const RENEW_EVERY: usize = 2;

/// What a turn is for.
#[derive(Clone, Copy)]
enum Turn {
    Warm,
    Cold,
    Traced,
}

/// A contender that takes part.
struct Place {
    /// Its number.
    contender: usize,
    /// Batches a sample.
    repeats: u32,
    /// Why it takes no turns, if a batch takes it too long.
    omitted: Option<Fault>,
}

/// A batch on the contenders of a plan.
pub(super) struct Bench<'a> {
    plan: &'a Plan,
    pub(super) batch: &'a Batch,
    places: Vec<Place>,
    /// With the plan's kernel.
    cells: Task,
    /// With the best sequential algorithm.
    best: Task,
    rounds: Rounds,
    /// How long a round took when it was tried.
    pub(super) round_cost: Duration,
}

impl<'a> Bench<'a> {
    /// Chooses how many batches a sample of each contender takes, and tries a round. What would not
    /// be through with the fewest rounds in `share` is left out.
    pub(super) fn prepare(
        plan: &'a Plan,
        batch: &'a Batch,
        contenders: &mut [Contender],
        share: Duration,
    ) -> Self {
        let here = (0..contenders.len()).filter(|&i| takes_part(&contenders[i], batch));
        let place = |contender| Place { contender, repeats: 1, omitted: None };
        let places: Vec<Place> = here.map(place).collect();
        let mut bench = Bench {
            plan,
            batch,
            cells: Task::of_cells(plan, batch),
            best: Task::of_best(batch),
            rounds: Rounds::new(places.len(), plan.seed),
            places,
            round_cost: Duration::ZERO,
        };
        bench.enter(contenders);
        bench.leave_out(contenders, share);
        bench.calibrate(contenders);
        bench
    }

    /// Gives every contender this batch.
    pub(super) fn enter(&self, contenders: &mut [Contender]) {
        for place in self.places.iter().filter(|place| place.omitted.is_none()) {
            let contender = &mut contenders[place.contender];
            contender.enter(self.task(contender)); // its fault is what it has to say in every round
        }
    }

    /// Other engines may take a thousand times as long: one run of the baseline of each tells.
    fn leave_out(&mut self, contenders: &mut [Contender], share: Duration) {
        for (i, engine) in self.plan.engines.iter().enumerate() {
            let of_it = |place: &Place| contenders[place.contender].entrant.engine == Some(i);
            let theirs: Vec<usize> =
                (0..self.places.len()).filter(|&p| of_it(&self.places[p])).collect();
            let baseline = &engine.capabilities.baseline;
            let is_baseline =
                |&p: &usize| contenders[self.places[p].contender].entrant.backend == *baseline;
            let Some(first) = theirs.iter().copied().find(is_baseline) else { continue };
            let Ok(batch) = self.turn(first, contenders, Turn::Warm) else { continue };
            let batch = Duration::from_nanos(batch.wall_ns);
            let rounds = fewest_rounds(self.plan.comparisons());
            let turns = (rounds * theirs.len()).try_into().unwrap_or(u32::MAX);
            if batch.saturating_mul(turns) > share {
                let message = format!("left out: one batch takes {:.2} s", batch.as_secs_f64());
                let fault = Fault::new(Status::Omitted, message);
                theirs.iter().for_each(|&p| self.places[p].omitted = Some(fault.clone()));
            }
        }
    }

    fn calibrate(&mut self, contenders: &mut [Contender]) {
        let baseline = self.repeats(0, contenders, SHORTEST_SAMPLE);
        let copies = self.repeats(0, contenders, SHORTEST_CEILING);
        for p in 0..self.places.len() {
            self.places[p].repeats = match contenders[self.places[p].contender].role {
                Role::Baseline | Role::Control => baseline,
                Role::Ceiling => copies,
                _ => self.repeats(p, contenders, SHORTEST_SAMPLE),
            };
        }
        let start = Instant::now();
        for p in 0..self.places.len() {
            let _ = self.turn(p, contenders, Turn::Warm); // faults are told in the rounds
        }
        self.round_cost = start.elapsed();
    }

    /// How many batches take `at_least`, of a contender whose samples are of one batch yet.
    fn repeats(&self, p: usize, contenders: &mut [Contender], at_least: Duration) -> u32 {
        let wall = |measured: Measured| Duration::from_nanos(measured.wall_ns);
        repeats(at_least, || self.turn(p, contenders, Turn::Warm).map(wall)).unwrap_or(1)
    }

    /// Gives a contender its turn.
    fn turn(&self, p: usize, contenders: &mut [Contender], turn: Turn) -> Result<Measured, Fault> {
        let place = &self.places[p];
        if let Some(fault) = &place.omitted {
            return Err(fault.clone());
        }
        let contender = &mut contenders[place.contender];
        let run = match turn {
            Turn::Warm => Run { repeats: place.repeats, cold: false, timeline: false },
            Turn::Cold => Run { repeats: 1, cold: true, timeline: false },
            Turn::Traced => Run { repeats: 1, cold: false, timeline: true },
        };
        contender.run(run, self.task(contender))
    }

    /// Gives a contender a new runner that has run the batch once.
    fn renew(&self, p: usize, contenders: &mut [Contender]) {
        let contender = &mut contenders[self.places[p].contender];
        if self.places[p].omitted.is_none() && contender.is_well() {
            contender.stop();
            contender.enter(self.task(contender));
            let _ = self.turn(p, contenders, Turn::Warm); // a fault is told in the round
        }
    }

    fn task(&self, contender: &Contender) -> &Task {
        if contender.role == Role::Best { &self.best } else { &self.cells }
    }

    /// One round: every contender once, in the order of the Latin square. A contender that went
    /// wrong says so in every round, at no cost.
    pub(super) fn round(
        &mut self,
        round: usize,
        contenders: &mut [Contender],
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        if round.is_multiple_of(RENEW_EVERY) && !self.places.is_empty() {
            self.renew(round / RENEW_EVERY % self.places.len(), contenders);
        }
        let mut before = Snapshot::take();
        for p in self.rounds.next_order() {
            for (turn, role) in self.turns(&contenders[self.places[p].contender], round) {
                let result = self.turn(p, contenders, turn);
                let after = Snapshot::take();
                let place = &self.places[p];
                let entrant = &contenders[place.contender].entrant;
                let repeats = if matches!(turn, Turn::Warm) { place.repeats } else { 1 };
                let measured = result.as_ref().ok();
                let fault = result.as_ref().err();
                let timeline = measured.and_then(|m| m.timeline.as_deref());
                let pieces = timeline.filter(|_| role == Role::Pieces);
                sink(Sample {
                    scenario: self.batch.name.clone(),
                    role,
                    backend: entrant.label.clone(),
                    workers: entrant.workers.get(),
                    round,
                    repeats,
                    wall_ns: measured.map_or(0, |measured| measured.wall_ns),
                    status: fault.map_or(Status::Ok, |fault| fault.status),
                    message: fault.map(|fault| fault.message.clone()),
                    usage: measured.and_then(usage),
                    surroundings: Some(after.since(&before)),
                    lanes: timeline.and_then(|timeline| lanes(timeline, entrant.workers)),
                    pieces_ns: pieces.map(|spans| spans.iter().map(length).collect()),
                })?;
                before = after;
            }
        }
        Ok(())
    }

    /// What a contender does in this round.
    fn turns(&self, contender: &Contender, round: usize) -> Vec<(Turn, Role)> {
        let sometimes = |offset| round % SOMETIMES == offset;
        if contender.role == Role::Pieces {
            return if sometimes(0) { vec![(Turn::Traced, Role::Pieces)] } else { vec![] };
        }
        let mut turns = vec![];
        if contender.role != Role::Whole || sometimes(0) {
            turns.push((Turn::Warm, contender.role));
        }
        // The baseline, too, if it is a pool: what is compared must be treated alike.
        let is_pool = match contender.role {
            Role::Cell => true,
            Role::Baseline | Role::Control => self.plan.against != Reference::default(),
            _ => false,
        };
        if is_pool && sometimes(1) {
            turns.push((Turn::Cold, Role::Cold));
        }
        let traced = contender.role == Role::Cell && self.plan.traces(&contender.entrant);
        if traced && !sometimes(1) {
            turns.push((Turn::Traced, Role::Traced));
        }
        turns
    }
}

/// Whether a contender is measured on this batch.
fn takes_part(contender: &Contender, batch: &Batch) -> bool {
    let Entrant { workers, engine, .. } = &contender.entrant;
    let sequential = engine.is_none() && contender.entrant.backend == fib::SEQUENTIAL.name;
    match contender.role {
        Role::Cell | Role::Ceiling if !sequential || contender.role == Role::Ceiling => {
            batch.workers.is_none_or(|only| only == *workers)
        }
        _ => true,
    }
}

fn length(span: &Span) -> u64 {
    span.end_ns.saturating_sub(span.start_ns)
}

fn usage(measured: &Measured) -> Option<Usage> {
    Some(Usage {
        cpu_ns: measured.cpu_ns?,
        voluntary_switches: measured.voluntary_switches.unwrap_or(0),
        involuntary_switches: measured.involuntary_switches.unwrap_or(0),
        peak_rss_bytes: measured.peak_rss_bytes.unwrap_or(0),
    })
}
