//! Handles lost workers: finds them, blames the request that they worked on, waits before it fills
//! their seats again, and gives up a batch that loses too many workers.

use super::{Crew, GiveUpReason, HELLO_LIMIT, Seat};
use crate::frame::FrameError;
use crate::ledger::Ledger;
use crate::worker::WorkerHandle;
use std::io;
use std::time::{Duration, Instant};

/// Why the pool gives up a worker.
#[derive(Debug, thiserror::Error)]
pub(super) enum LossCause {
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The worker did not reply within this time.
    #[error("no reply within {0:?}")]
    Late(Duration),
    /// The worker did not use the CPU for this long.
    #[error("no CPU time used for {0:?}")]
    Stalled(Duration),
    #[error("initializer failed: {0}")]
    Unfit(String),
}

impl LossCause {
    /// Whether the worker may have ended by itself, or may be about to.
    pub(super) fn may_have_ended(&self) -> bool {
        use FrameError::{Closed, Io, Truncated};
        matches!(self, LossCause::Frame(Closed | Truncated | Io(_)))
    }
}

impl Crew {
    /// Gives up the workers that have not replied, or have not used the CPU, for too long.
    pub(super) fn check_silent_workers(
        &mut self,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), GiveUpReason> {
        let now = Instant::now();
        let limits = self.policy.supervision;
        for number in self.busy_workers() {
            let Some(worker) = self.worker(number) else { continue };
            let silence = now.saturating_duration_since(worker.waiting_since);
            let hello = worker.open_requests.front().is_some_and(|request| request.part.is_none());
            let limit = if hello { Some(HELLO_LIMIT) } else { limits.reply_limit };
            if let Some(limit) = limit
                && silence > limit
            {
                self.lose(number, LossCause::Late(limit), ledger)?;
                continue;
            }
            if silence > limits.stall_limit / 4 {
                worker.check_cpu_time(now);
            }
            if now.saturating_duration_since(worker.last_alive) > limits.stall_limit {
                self.lose(number, LossCause::Stalled(limits.stall_limit), ledger)?;
            }
        }
        Ok(())
    }

    /// Gives up a worker: warns, blames the first open request, and puts the other open requests
    /// back.
    pub(super) fn lose(
        &mut self,
        number: usize,
        cause: LossCause,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), GiveUpReason> {
        let Some(worker) = self.vacate(number) else { return Ok(()) };
        let pid = worker.pid();
        let (end, open_requests) = worker.reap_or_kill(cause.may_have_ended());
        let ending = format!("{end} ({cause})");
        self.board.record_loss(number);
        let mut parts = open_requests.into_iter().map(|request| request.part);
        let first = parts.next(); // the request to blame: a part or the hello
        parts.flatten().for_each(|part| ledger.put_back(&part));
        let work = match &first {
            Some(Some(part)) => ledger.describe(part),
            Some(None) => "before it was ready".into(),
            None => "while idle".into(),
        };
        log::warn!("{}: worker {number} (pid {pid}) {ending} {work}", self.policy.name);
        match first {
            Some(Some(part)) => ledger.record_loss(&part, &ending),
            Some(None) => {}
            None => return Ok(()), // the loss of an idle worker says nothing about the batch
        }
        self.count_loss(number, &ending)
    }

    /// The system refused to start a worker: warns, and counts as the loss of a worker.
    pub(super) fn record_failed_start(
        &mut self,
        number: usize,
        error: &io::Error,
    ) -> Result<(), GiveUpReason> {
        log::warn!("{}: worker {number} could not be started: {error}", self.policy.name);
        self.count_loss(number, &format!("could not be started: {error}"))
    }

    /// Counts a loss, and decides when the seat may be filled again.
    fn count_loss(&mut self, number: usize, ending: &str) -> Result<(), GiveUpReason> {
        self.lost_in_a_row += 1;
        let lost = self.lost_in_a_row;
        self.seats[number] = Seat::Empty(Instant::now() + refill_pause(lost));
        let limit = self.policy.supervision.respawn_limit;
        if lost > limit {
            return Err(GiveUpReason(format!(
                "{lost} workers were lost in a row (the respawn limit is {limit}); \
                 the last {ending}"
            )));
        }
        Ok(())
    }

    /// Kills the workers that are still busy with a cancelled batch. Their chunks count as not
    /// begun.
    pub(super) fn cancel_busy_workers(&mut self, ledger: &mut Ledger<'_>) {
        for number in self.busy_workers() {
            if let Some(worker) = self.worker(number) {
                let open_requests = std::mem::take(&mut worker.open_requests);
                let parts = open_requests.iter().filter_map(|request| request.part.as_ref());
                parts.for_each(|part| ledger.put_back(part));
                worker.kill();
                self.vacate(number);
            }
        }
        ledger.cancel_waiting();
    }

    /// Kills the workers that compute for a batch that is over.
    pub(super) fn kill_computing_workers(&mut self) {
        for number in self.busy_workers() {
            let is_computing = |worker: &mut WorkerHandle| {
                worker.open_requests.iter().any(|request| request.part.is_some())
            };
            if self.worker(number).is_some_and(is_computing)
                && let Some(mut worker) = self.vacate(number)
            {
                worker.kill();
            }
        }
    }
}

/// The pause before the seat of a lost worker may be filled again. The first losses have no pause,
/// so that an accident costs no time. Then the pauses grow, so that a defect does not start one
/// process after another as fast as it can.
fn refill_pause(lost_in_a_row: u32) -> Duration {
    match lost_in_a_row {
        0..=3 => Duration::ZERO,
        more => Duration::from_millis(10 << (more - 4).min(5)).min(Duration::from_millis(250)),
    }
}
