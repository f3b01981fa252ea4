//! The loop that runs a batch: it sends requests, waits, and takes replies.

use super::losses::LossCause;
use super::{Crew, GiveUpReason, Seat, TICK};
use crate::clock;
use crate::frame::FrameError;
use crate::ledger::{ChunkPart, Ledger, PartTiming};
use crate::message::WorkReply;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read;
use std::time::{Duration, Instant};

/// Each worker has one request under way and one request behind it, so that it never waits for the
/// pool between two requests.
const QUEUE_DEPTH: usize = 2;

/// How long workers may take to reply after a batch was cancelled. After this time they are killed.
const CANCEL_GRACE: Duration = Duration::from_millis(100);

impl Crew {
    /// Runs a batch to its end.
    pub(crate) fn run(&mut self, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        self.kill_computing_workers(); // the batch before may have panicked and left some
        (self.lost_in_a_row, self.refused_limbs) = (0, usize::MAX);
        // This finds the workers that have ended since the last batch, before they get a request.
        let outcome =
            self.listen(Duration::ZERO, ledger).and_then(|()| self.run_until_done(ledger));
        self.kill_computing_workers(); // there are none, unless the batch was given up
        self.drop_large_segments();
        self.dismissed.reap();
        outcome
    }

    fn run_until_done(&mut self, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        let mut cancel_deadline: Option<Instant> = None;
        while !ledger.is_done() {
            if ledger.is_cancelled() {
                ledger.cancel_waiting();
                if ledger.is_done() {
                    break;
                }
                let deadline =
                    *cancel_deadline.get_or_insert_with(|| Instant::now() + CANCEL_GRACE);
                if Instant::now() > deadline {
                    self.cancel_busy_workers(ledger);
                    continue;
                }
            }
            self.retire_workers();
            self.fill_seats(ledger)?;
            self.feed(ledger)?;
            self.listen(TICK, ledger)?;
            self.check_silent_workers(ledger)?;
        }
        Ok(())
    }

    /// Gives every worker one request, then a second request behind it.
    fn feed(&mut self, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        let task_limit = self.policy.supervision.tasks_per_worker;
        for depth in 1..=QUEUE_DEPTH {
            for number in 0..self.seats.len() {
                let Some(worker) = self.worker(number) else { continue };
                let tasks = worker.open_requests.iter().filter(|open| open.part.is_some()).count();
                if tasks >= depth || task_limit.is_some_and(|limit| worker.tasks >= limit.get()) {
                    continue;
                }
                let Some(part) = ledger.next_part() else { break };
                self.assign(number, part, ledger);
            }
        }
        self.flush(ledger)
    }

    /// Sends the bytes in all outboxes. The pool wakes a worker that waits on the pool's own CPU
    /// last: such a worker takes the CPU at once, and the other workers would have to wait, like
    /// the pool, until it is done.
    fn flush(&mut self, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        let own_cpu = clock::current_cpu();
        for last in [false, true] {
            for number in 0..self.seats.len() {
                let Some(worker) = self.worker(number) else { continue };
                let shares_cpu = own_cpu.is_some() && worker.cpu == own_cpu;
                if worker.has_unsent_bytes()
                    && shares_cpu == last
                    && let Err(error) = worker.flush()
                {
                    // The worker may have replied before it ended. In most cases reading its
                    // replies also finds its end.
                    self.receive_replies(number, ledger)?;
                    self.lose(number, error.into(), ledger)?;
                }
            }
        }
        Ok(())
    }

    /// Puts a request for this part into the outbox of a worker.
    fn assign(&mut self, number: usize, part: ChunkPart, ledger: &mut Ledger<'_>) {
        let (shared, refused) = (self.policy.shared, self.refused_limbs);
        let Seat::Taken(worker) = &mut self.seats[number] else { return ledger.put_back(&part) };
        let kernel = ledger.kernel(&part);
        let (indices, slots) = ledger.contents(&part);
        let limbs = slots.len();
        let mut segment = None;
        if shared && limbs > 0 && limbs < refused {
            match worker.free_segment(limbs) {
                Ok(number) => segment = Some(number),
                Err(error) => {
                    if !std::mem::replace(&mut self.warned_of_segments, true) {
                        let name = self.policy.name;
                        log::warn!(
                            "{name}: the system refused shared memory ({error}); \
                             results go through pipes"
                        );
                    }
                    self.refused_limbs = limbs;
                }
            }
        }
        worker.compute(part, kernel, indices, segment);
    }

    /// Waits, then takes the replies that have arrived.
    fn listen(&mut self, patience: Duration, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        for number in self.wait(patience, ledger.has_waiting_chunks()) {
            self.receive_replies(number, ledger)?;
        }
        Ok(())
    }

    /// Waits until one of these events:
    ///
    /// - the bell rings;
    /// - a worker closes its connection, or an idle worker sends bytes, which is an error;
    /// - the rest of a half-received reply arrives, or there is room for the rest of a half-sent
    ///   request;
    /// - `patience` ends;
    /// - an empty seat may be filled, if the pool is `hiring`.
    ///
    /// Returns the numbers of the workers to receive from. These are all workers with open
    /// requests, because no event announces a reply that has arrived completely, and all idle
    /// workers that closed their connection or sent bytes.
    pub(super) fn wait(&mut self, patience: Duration, hiring: bool) -> Vec<usize> {
        let now = Instant::now();
        let mut patience = patience;
        let (mut watched, mut descriptors) = (vec![], vec![PollFd::new(&self.bell, PollFlags::IN)]);
        for (number, seat) in self.seats.iter().enumerate() {
            match seat {
                Seat::Taken(worker) => {
                    let mut flags = PollFlags::HUP;
                    let busy = !worker.open_requests.is_empty();
                    flags.set(PollFlags::IN, !busy || worker.is_inside_a_reply());
                    watched.push((number, busy));
                    descriptors.push(PollFd::new(worker.reply_pipe(), flags));
                    if worker.has_unsent_bytes() {
                        watched.push((number, false));
                        descriptors.push(PollFd::new(worker.request_socket(), PollFlags::OUT));
                    }
                }
                Seat::Empty(start) if hiring => {
                    patience = patience.min(start.saturating_duration_since(now));
                }
                Seat::Empty(_) => {}
            }
        }
        let (tv_sec, tv_nsec) = (patience.as_secs() as _, patience.subsec_nanos().into());
        let timeout = Timespec { tv_sec, tv_nsec };
        // If a signal interrupted the call, or memory was short for a moment, the next turn of the
        // loop waits again.
        let _ = poll(&mut descriptors, Some(&timeout));
        let rung = !descriptors[0].revents().is_empty();
        let is_readable = |fd: &PollFd<'_>| !fd.revents().difference(PollFlags::OUT).is_empty();
        let ready = watched
            .iter()
            .zip(&descriptors[1..])
            .filter(|((_, busy), fd)| *busy || is_readable(fd));
        let ready = ready.map(|((number, _), _)| *number).collect();
        if rung {
            let _ = self.bell.read(&mut [0; 1024]); // does not block: there is something to read
        }
        ready
    }

    /// Takes the replies that a worker has sent so far.
    fn receive_replies(
        &mut self,
        number: usize,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), GiveUpReason> {
        loop {
            let Some(worker) = self.worker(number) else { return Ok(()) };
            let part = worker.open_requests.front().and_then(|request| request.part.as_ref());
            let out = part.map_or(&mut [][..], |part| ledger.contents(part).1);
            match worker.receive(out) {
                Ok(None) => return Ok(()),
                Ok(Some(reply)) => {
                    if let Err(cause) = self.accept_reply(number, reply, ledger) {
                        return self.lose(number, cause, ledger);
                    }
                    if self.worker(number).is_none_or(|worker| worker.is_drained()) {
                        return Ok(()); // no other reply can have arrived
                    }
                }
                Err(error) => return self.lose(number, error.into(), ledger),
            }
        }
    }

    /// Records a reply and closes its request. After a reply that does not fit the request, the
    /// request stays open, so that it is blamed for the loss of the worker.
    fn accept_reply(
        &mut self,
        number: usize,
        reply: WorkReply,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), LossCause> {
        let Seat::Taken(worker) = &mut self.seats[number] else { return Ok(()) };
        match (worker.open_requests.front().map(|request| &request.part), reply) {
            (Some(None), WorkReply::Ready) => {}
            (Some(None), WorkReply::Unfit(reason)) => return Err(LossCause::Unfit(reason)),
            (Some(Some(part)), WorkReply::Done { failures, start_ns, end_ns, .. }) => {
                let busy = Duration::from_nanos(end_ns.saturating_sub(start_ns));
                self.board.record_reply(number, busy);
                let timing = PartTiming { worker: number, start_ns, end_ns };
                ledger.record_result(part, failures, timing);
                self.lost_in_a_row = 0;
            }
            (Some(Some(part)), WorkReply::Refused(reason)) => {
                ledger.record_refusal(part, &reason);
            }
            _ => return Err(FrameError::Message.into()),
        }
        worker.open_requests.pop_front();
        Ok(())
    }

    /// Gives back the shared segments that only a large batch needed.
    fn drop_large_segments(&mut self) {
        for number in 0..self.seats.len() {
            if let Some(worker) = self.worker(number) {
                // This fails if the worker has ended, which the next batch finds out.
                let _ = worker.drop_large_segments();
            }
        }
    }
}
