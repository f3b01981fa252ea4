//! Workers that are lost: noticing it, blaming, pausing, giving up.

use super::{Crew, GivenUp, HELLO_LIMIT, Place};
use crate::batch::Batch;
use crate::frame::FrameError;
use crate::worker::Worker;
use std::io;
use std::time::{Duration, Instant};

/// Why a worker is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Loss {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Silent(&'static str),
    #[error("its initializer failed: {0}")]
    Unfit(String),
}

impl Loss {
    /// Whether it may end, or have ended, by itself.
    pub(super) fn may_have_ended(&self) -> bool {
        use FrameError::{Closed, Io, Truncated};
        matches!(self, Loss::Frame(Closed | Truncated | Io(_)))
    }
}

impl Crew {
    /// Looks after workers that have been silent for long.
    pub(super) fn judge(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let now = Instant::now();
        let limits = self.policy.supervision;
        for number in self.busy() {
            let Some(worker) = self.worker(number) else { continue };
            let silent = now.saturating_duration_since(worker.since);
            let hello = worker.owed.front().is_some_and(|owed| owed.part.is_none());
            let limit = if hello { Some(HELLO_LIMIT) } else { limits.answer_limit };
            if limit.is_some_and(|limit| silent > limit) {
                self.lose(number, Loss::Silent("it did not answer in time"), batch)?;
                continue;
            }
            if silent > limits.stall_limit / 4 {
                worker.look(now);
            }
            if now.saturating_duration_since(worker.seen) > limits.stall_limit {
                self.lose(number, Loss::Silent("it stalled"), batch)?;
            }
        }
        Ok(())
    }

    /// A worker is lost: says so, blames what it was computing, takes the rest back.
    pub(super) fn lose(
        &mut self,
        number: usize,
        why: Loss,
        batch: &mut Batch<'_>,
    ) -> Result<(), GivenUp> {
        let Some(worker) = self.vacate(number) else { return Ok(()) };
        let pid = worker.pid();
        let (ended, owed) = worker.bury(why.may_have_ended());
        let how = format!("{ended} ({why})");
        self.board.died(number);
        let mut owed = owed.into_iter().map(|owed| owed.part);
        let first = owed.next(); // the one that is to blame, if it is a part
        owed.flatten().for_each(|part| batch.put_back(&part));
        let what = match &first {
            Some(Some(part)) => batch.describe(part),
            Some(None) => "before it was ready".into(),
            None => "with nothing to do".into(),
        };
        log::warn!("{}: worker {number} (pid {pid}) {how} {what}", self.policy.name);
        match first {
            Some(Some(part)) => batch.lost(&part, &how),
            Some(None) => {}
            None => return Ok(()), // it says nothing about the work
        }
        self.one_more_lost(number, &how)
    }

    /// A place cannot be filled.
    pub(super) fn lose_before_start(
        &mut self,
        number: usize,
        error: &io::Error,
    ) -> Result<(), GivenUp> {
        log::warn!("{}: worker {number} cannot be started: {error}", self.policy.name);
        self.one_more_lost(number, &format!("cannot be started: {error}"))
    }

    /// Counts a loss and says when the place is to be filled again.
    fn one_more_lost(&mut self, number: usize, how: &str) -> Result<(), GivenUp> {
        self.lost_in_a_row += 1;
        let lost = self.lost_in_a_row;
        self.places[number] = Place::Empty(Instant::now() + back_off(lost));
        if lost > self.policy.supervision.respawn_limit {
            return Err(GivenUp(format!("{lost} workers were lost in a row; the last {how}")));
        }
        Ok(())
    }

    /// Kills who is still busy with a cancelled batch; their chunks count as not begun.
    pub(super) fn abandon_parts(&mut self, batch: &mut Batch<'_>) {
        for number in self.busy() {
            if let Some(worker) = self.worker(number) {
                let owed = std::mem::take(&mut worker.owed);
                owed.iter().filter_map(|owed| owed.part.as_ref()).for_each(|p| batch.put_back(p));
                worker.kill();
                self.vacate(number);
            }
        }
        batch.cancel_waiting();
    }

    /// Kills who is busy with what nobody waits for.
    pub(super) fn abandon(&mut self) {
        for number in self.busy() {
            let computes = |worker: &mut Worker| worker.owed.iter().any(|owed| owed.part.is_some());
            if self.worker(number).is_some_and(computes)
                && let Some(mut worker) = self.vacate(number)
            {
                worker.kill();
            }
        }
    }
}

/// The pause before the place of a lost worker is filled again: none at first, so that an accident
/// costs nothing, then longer and longer, so that a defect is no storm.
fn back_off(lost_in_a_row: u32) -> Duration {
    match lost_in_a_row {
        0..=3 => Duration::ZERO,
        more => Duration::from_millis(10 << (more - 4).min(5)).min(Duration::from_millis(250)),
    }
}
