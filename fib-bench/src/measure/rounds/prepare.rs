//! What happens before the rounds: slow backends are left out, the number of repeats is chosen, and backends of
//! other engines are looked at while they rest.

use super::{BatchRounds, Turn};
use crate::engine::Fault;
use crate::measure::participant::Participant;
use crate::measure::{FEWEST_RUNS, fewest_rounds};
use crate::plan::CellSpec;
use fib_engine::protocol::Measured;
use fib_engine::repeats;
use fib_report::{Role, Sample, SampleUsage, Status};
use std::io;
use std::time::{Duration, Instant};

/// A sample lasts at least this long, so reading the clock takes well below one percent of it.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(50);

/// A sample of several runs lasts at most this long, for backends that are much slower than the others.
const LONGEST_SAMPLE: Duration = Duration::from_millis(10);

/// A sample of the ceiling lasts at least this long. Shorter copies gave any ceiling from 0.87 to
/// 2.04 on two CPUs, because the threads do not start at exactly the same time.
const SHORTEST_CEILING: Duration = Duration::from_millis(5);

impl BatchRounds<'_> {
    /// Omits backends of other engines, because they may take a thousand times as long as ours. Of each
    /// engine the baseline and the fastest backends stay, as many as can finish the fewest rounds in
    /// `share`. One run of each decides.
    pub(super) fn omit_slow_backends(&mut self, participants: &mut [Participant], share: Duration) {
        let runs = self.plan.runs.unwrap_or(FEWEST_RUNS);
        let rounds = runs.saturating_mul(fewest_rounds(runs) + 1); // with the trial of each run
        for engine in 0..self.plan.engines.len() {
            let is_theirs =
                |p: &usize| participants[self.seats[*p].participant].spec.engine == Some(engine);
            let is_well = |p: &usize| participants[self.seats[*p].participant].is_well();
            // What has failed already is reported in every round.
            let seats: Vec<usize> =
                (0..self.seats.len()).filter(is_theirs).filter(is_well).collect();
            let mut times = vec![];
            for p in seats {
                let participant = &mut participants[self.seats[p].participant];
                match participant.try_once(share / rounds, &self.prepared) {
                    Ok(time) => times.push((time, p)),
                    Err(fault) if fault.status == Status::Hang => times.push((Duration::MAX, p)),
                    Err(_) => {} // it is reported in every round
                }
            }
            // Without their baseline, the others would have no speedup over it.
            let baseline = &self.plan.engines[engine].capabilities.baseline;
            let is_baseline =
                |p: usize| participants[self.seats[p].participant].spec.backend == *baseline;
            times.sort_by_key(|&(time, p)| (!is_baseline(p), time));
            let mut needed = Duration::ZERO;
            for (time, p) in times {
                let with_this = needed.saturating_add(time.saturating_mul(rounds));
                if with_this <= share {
                    needed = with_this;
                } else {
                    let fault = Fault::new(Status::Omitted, omission(time, rounds, share));
                    self.seats[p].omitted = Some(fault);
                }
            }
        }
    }

    /// Chooses the number of runs in each sample, and measures how long a round takes.
    pub(super) fn calibrate(&mut self, participants: &mut [Participant]) {
        let is_compared = |role| matches!(role, Role::Baseline | Role::Control | Role::Cell);
        let own: Vec<u32> = (0..self.seats.len())
            .map(|p| match participants[self.seats[p].participant].role {
                Role::Ceiling => self.repeats(p, participants, SHORTEST_CEILING),
                _ => self.repeats(p, participants, SHORTEST_SAMPLE),
            })
            .collect();
        let compared = |p: &usize| is_compared(participants[self.seats[*p].participant].role);
        let compared: Vec<usize> = (0..own.len()).filter(compared).collect();
        // The first of several runs takes longer, so what is compared has one number of runs.
        let common = compared.iter().map(|&p| own[p]).max().unwrap_or(1);
        for (seat, &repeats) in self.seats.iter_mut().zip(&own) {
            seat.repeats = repeats;
        }
        for p in compared.into_iter().filter(|&p| common > 1 && own[p] < common) {
            let few = self.turn(p, participants, Turn::Warm).map_or(0, |measured| measured.wall_ns);
            let times = f64::from(common) / f64::from(self.seats[p].repeats);
            if few as f64 * times <= LONGEST_SAMPLE.as_nanos() as f64 {
                self.seats[p].repeats = common;
            }
        }
        let start = Instant::now();
        for p in 0..self.seats.len() {
            let _ = self.turn(p, participants, Turn::Warm); // faults are reported in the rounds
        }
        self.round_cost = start.elapsed();
    }

    /// The number of runs that take at least `shortest`, for a participant whose samples have one
    /// run so far.
    fn repeats(&self, p: usize, participants: &mut [Participant], shortest: Duration) -> u32 {
        let wall = |measured: Measured| Duration::from_nanos(measured.wall_ns);
        repeats(shortest, || self.turn(p, participants, Turn::Warm).map(wall)).unwrap_or(1)
    }

    /// Lets every backend of another engine rest after a batch, and passes on what CPU time it used meanwhile.
    pub(in crate::measure) fn look_at_idle_runners(
        &self,
        participants: &mut [Participant],
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        for seat in self.seats.iter().filter(|seat| seat.omitted.is_none()) {
            let participant = &mut participants[seat.participant];
            if participant.spec.engine.is_none() || !participant.is_well() {
                continue;
            }
            let Some((moment, cpu)) = participant.idle_cpu(&self.prepared) else { continue };
            let CellSpec { label, workers, .. } = &participant.spec;
            let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let usage = SampleUsage { cpu_ns: nanoseconds(cpu), ..SampleUsage::default() };
            sink(Sample {
                run: self.first.run,
                usage: Some(usage),
                ..Sample::new(Role::Idle, label, workers.get(), nanoseconds(moment))
            })?;
        }
        Ok(())
    }
}

/// Why a backend of an engine is left out, and how much time it needs. A run of unknown length was stopped.
fn omission(run: Duration, rounds: u32, share: Duration) -> String {
    let (share_s, limit_s) = (share.as_secs_f64(), (share / rounds).as_secs_f64());
    let takes = match run {
        Duration::MAX => format!("more than {limit_s:.2} s"),
        run => format!("{:.2} s", run.as_secs_f64()),
    };
    format!(
        "left out: one run takes {takes}, and {rounds} rounds of all backends of the engine do not fit the \
         {share_s:.1} s that --time leaves for this scenario"
    )
}
