//! The rounds of one batch: all participants take turns.

mod prepare;

use super::First;
use super::participant::{Participant, PreparedBatch};
use super::width::Widths;
use crate::engine::Fault;
use crate::order::RoundOrders;
use crate::plan::{CellSpec, Plan};
use crate::rng::mixed;
use crate::scenario::NamedBatch;
use crate::surroundings::Snapshot;
use fib_engine::protocol::{Measured, PauseSpan, RunRequest, TimelineSpan};
use fib_report::{
    BaselineCell, MOST_CHUNKS, Role, Sample, SampleUsage, Status, Study, chunk_problem,
};
use fib_simulate::{ChunkTrace, PauseTrace, worker_traces};
use std::io;
use std::time::{Duration, Instant};

/// The whole call, the first batch and the pieces are measured only in one of this many rounds.
const SOMETIMES: usize = 4;

/// The record keeps all chunks of one run of each backend in this many of the first runs of a comparison. A
/// chart shows the run with the median speedup of these.
const RUNS_WITH_CHUNKS: usize = 5;

/// Batches whose runs are drawn even without `--explain`: they are hard to distribute. A default comparison has
/// `skewed`. In `records/2026-11-26-amd-epyc-2/matrix.jsonl` the median samples of its nine backends take 107 ms
/// together (`span_ns`), so five runs of each take 0.5 s of the 27 s.
const DRAWN: [&str; 2] = ["range-5000", "skewed"];

/// The kind of a turn.
#[derive(Clone, Copy)]
enum Turn {
    /// One run, whose time does not count.
    Trial,
    Warm,
    Cold,
    Traced,
}

/// A participant that is measured on this batch. In the functions below, `p` is a position in
/// `seats`, and not a number of workers.
struct Seat {
    /// The number of the participant.
    participant: usize,
    /// The number of runs in a sample.
    repeats: u32,
    /// Why the participant takes no turns, if its engine is too slow for this batch.
    omitted: Option<Fault>,
}

/// A batch with the participants that are measured on it.
pub(super) struct BatchRounds<'a> {
    plan: &'a Plan,
    pub(super) batch: &'a NamedBatch,
    seats: Vec<Seat>,
    prepared: PreparedBatch<'a>,
    orders: RoundOrders,
    /// The numbers of the first run and round of this measurement.
    first: First,
    /// How many rounds were taken.
    rounds: usize,
    widths: Widths,
    /// How long the trial round took.
    pub(super) round_cost: Duration,
    /// How long it took to load the batch into all runners.
    pub(super) load_cost: Duration,
}

impl<'a> BatchRounds<'a> {
    /// Chooses the number of runs in a sample of each participant, and tries a round. Backends of other
    /// engines that cannot finish the fewest rounds in `share` are left out.
    pub(super) fn prepare(
        plan: &'a Plan,
        batch: &'a NamedBatch,
        first: First,
        participants: &mut [Participant],
        share: Duration,
    ) -> Self {
        let present = (0..participants.len()).filter(|&i| takes_part(&participants[i], batch));
        let seat = |participant| Seat { participant, repeats: 1, omitted: None };
        let seats: Vec<Seat> = present.map(seat).collect();
        let mut rounds = BatchRounds {
            plan,
            batch,
            prepared: PreparedBatch::new(batch),
            // Every scenario has draws of its own, and so has a measurement that adds to a record.
            orders: RoundOrders::new(seats.len(), mixed(plan.seed, &batch.name, first.run)),
            first,
            rounds: 0,
            widths: Widths::new(plan),
            seats,
            round_cost: Duration::ZERO,
            load_cost: Duration::ZERO,
        };
        let start = Instant::now();
        rounds.load(participants);
        rounds.load_cost = start.elapsed();
        rounds.omit_slow_backends(participants, share);
        rounds.calibrate(participants);
        rounds
    }

    /// Whether the interval of every cell is as narrow as the plan wants.
    pub(super) fn is_narrow(&self) -> bool {
        self.widths.are_narrow(self.plan)
    }

    /// Loads this batch into every participant.
    pub(super) fn load(&self, participants: &mut [Participant]) {
        for seat in self.seats.iter().filter(|seat| seat.omitted.is_none()) {
            let participant = &mut participants[seat.participant];
            participant.load(&self.prepared); // a fault is reported in every round
        }
    }

    /// Gives a participant a turn.
    fn turn(
        &self,
        p: usize,
        participants: &mut [Participant],
        turn: Turn,
    ) -> Result<Measured, Fault> {
        let seat = &self.seats[p];
        if let Some(fault) = &seat.omitted {
            return Err(fault.clone());
        }
        let participant = &mut participants[seat.participant];
        let run = match turn {
            Turn::Trial => RunRequest { repeats: 1, cold: false, timeline: false },
            Turn::Warm => RunRequest { repeats: seat.repeats, cold: false, timeline: false },
            Turn::Cold => RunRequest { repeats: 1, cold: true, timeline: false },
            Turn::Traced => RunRequest { repeats: 1, cold: false, timeline: true },
        };
        participant.run(run, &self.prepared)
    }

    /// The rounds of run number `run`: as many as fit `time`, but at least `fewest`. The runner of each backend
    /// first runs the batch once, untimed; the others computed it when they loaded it.
    pub(super) fn run(
        &mut self,
        run: usize,
        fewest: u32,
        time: Duration,
        participants: &mut [Participant],
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        let end = Instant::now() + time;
        self.load(participants);
        for p in 0..self.seats.len() {
            if self.is_pool(participants[self.seats[p].participant].role) {
                let _ = self.turn(p, participants, Turn::Trial); // a fault is reported in the rounds
            }
        }
        let is_comparison = self.plan.study == Study::Compare;
        let mut rounds = 0;
        while rounds < fewest || Instant::now() + self.round_cost / 2 < end {
            let keeps_chunks = is_comparison && rounds == 0 && run < RUNS_WITH_CHUNKS;
            self.round(run, keeps_chunks, participants, sink)?;
            rounds += 1;
        }
        Ok(())
    }

    /// One round: every participant takes its turn, in the next order. A participant that has failed
    /// reports its fault in every round, which costs nothing.
    fn round(
        &mut self,
        run: usize,
        keeps_chunks: bool,
        participants: &mut [Participant],
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut last_snapshot = Snapshot::take();
        for p in self.orders.next_order() {
            for (turn, role) in self.turns(&participants[self.seats[p].participant], keeps_chunks) {
                let result = self.turn(p, participants, turn);
                let snapshot = Snapshot::take();
                let seat = &self.seats[p];
                let spec = &participants[seat.participant].spec;
                let repeats = if matches!(turn, Turn::Warm) { seat.repeats } else { 1 };
                let measured = result.as_ref().ok();
                let wall_ns = measured.map_or(0, |measured| measured.wall_ns);
                let fault = result.as_ref().err();
                let timeline = measured.and_then(|m| m.timeline.as_deref());
                let pieces = timeline.filter(|_| role == Role::Pieces);
                let chunks = timeline.filter(|_| role == Role::Traced && keeps_chunks);
                let chunks = chunks.map_or(KeptChunks::default(), |timeline| {
                    let pauses = measured.and_then(|measured| measured.pauses.as_deref());
                    KeptChunks::new(
                        timeline,
                        pauses.unwrap_or_default(),
                        spec.workers.get(),
                        wall_ns,
                    )
                });
                let sample = Sample {
                    scenario: self.batch.name.clone(),
                    run: self.first.run + run,
                    round: self.first.round + self.rounds,
                    repeats,
                    copies_ns: measured.and_then(|measured| measured.copies_ns.clone()),
                    status: fault.map_or(Status::Ok, |fault| fault.status),
                    message: fault.map(|fault| fault.message.clone()),
                    usage: measured.and_then(|measured| measured.usage).map(usage),
                    surroundings: Some(snapshot.since(&last_snapshot)),
                    traces: timeline.and_then(|timeline| {
                        let chunks = timeline.iter();
                        let chunks = chunks.map(|s| (s.worker, s.start_ns, s.end_ns, s.paused_ns));
                        worker_traces(chunks, spec.workers.get())
                    }),
                    chunks: chunks.chunks,
                    pauses: chunks.pauses,
                    left_out_chunks: chunks.left_out,
                    pieces_ns: pieces.map(|spans| spans.iter().map(length_ns).collect()),
                    ..Sample::new(role, &spec.label, spec.workers.get(), wall_ns)
                };
                self.widths.push(&sample);
                sink(sample)?;
                last_snapshot = snapshot;
            }
        }
        self.rounds += 1;
        Ok(())
    }

    /// Whether this role is a backend: a cell, or a baseline that is one and must be treated alike.
    fn is_pool(&self, role: Role) -> bool {
        match role {
            Role::Cell => true,
            Role::Baseline | Role::Control => self.plan.baseline != BaselineCell::default(),
            _ => false,
        }
    }

    /// The turns of a participant in this round.
    fn turns(&self, participant: &Participant, keeps_chunks: bool) -> Vec<(Turn, Role)> {
        let sometimes = |offset| self.rounds % SOMETIMES == offset;
        if participant.role == Role::Pieces {
            return if sometimes(0) { vec![(Turn::Traced, Role::Pieces)] } else { vec![] };
        }
        let mut turns = vec![];
        if participant.role != Role::Whole || sometimes(0) {
            turns.push((Turn::Warm, participant.role));
        }
        if self.is_pool(participant.role) && sometimes(1) {
            turns.push((Turn::Cold, Role::Cold));
        }
        let can = participant.role == Role::Cell && self.plan.can_trace(&participant.spec);
        let is_drawn = self.plan.explain || DRAWN.contains(&self.batch.name.as_str());
        if can && (self.plan.explain && !sometimes(1) || is_drawn && keeps_chunks) {
            turns.push((Turn::Traced, Role::Traced));
        }
        turns
    }
}

/// Whether a participant is measured on this batch.
fn takes_part(participant: &Participant, batch: &NamedBatch) -> bool {
    let CellSpec { workers, engine, .. } = &participant.spec;
    let sequential = engine.is_none() && participant.spec.backend == fib::SEQUENTIAL.name;
    match participant.role {
        Role::Cell | Role::Ceiling if !sequential || participant.role == Role::Ceiling => {
            batch.workers.is_none_or(|only| only == *workers)
        }
        _ => true,
    }
}

/// The chunks of a run as the record keeps them.
#[derive(Default)]
struct KeptChunks {
    chunks: Option<Vec<ChunkTrace>>,
    /// When workers waited for a lock, if they did.
    pauses: Option<Vec<PauseTrace>>,
    /// The number of chunks, if they are too many.
    left_out: Option<usize>,
}

impl KeptChunks {
    /// Chunks that cannot be those of this run are not kept, because nobody could read the record.
    fn new(timeline: &[TimelineSpan], pauses: &[PauseSpan], workers: usize, wall_ns: u64) -> Self {
        if timeline.len() > MOST_CHUNKS {
            return KeptChunks { left_out: Some(timeline.len()), ..KeptChunks::default() };
        }
        let chunk = |span: &TimelineSpan| ChunkTrace {
            worker: span.worker,
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            paused_ns: span.paused_ns,
        };
        let chunks: Vec<_> = timeline.iter().map(chunk).collect();
        let pause = |pause: &PauseSpan| PauseTrace {
            worker: pause.worker,
            start_ns: pause.start_ns,
            end_ns: pause.end_ns,
        };
        let pauses: Vec<_> = pauses.iter().map(pause).collect();
        if chunk_problem(&chunks, &[], workers, wall_ns).is_some() {
            return KeptChunks::default();
        }
        let is_possible = chunk_problem(&chunks, &pauses, workers, wall_ns).is_none();
        let pauses = Some(pauses).filter(|pauses| is_possible && !pauses.is_empty());
        KeptChunks { chunks: Some(chunks), pauses, left_out: None }
    }
}

fn length_ns(span: &TimelineSpan) -> u64 {
    span.end_ns.saturating_sub(span.start_ns)
}

fn usage(usage: fib_engine::protocol::Usage) -> SampleUsage {
    SampleUsage {
        cpu_ns: usage.cpu_ns,
        voluntary_switches: usage.voluntary_switches,
        involuntary_switches: usage.involuntary_switches,
        peak_rss_bytes: usage.peak_rss_bytes,
    }
}
