//! The loop: give, wait, listen.

use super::losses::Loss;
use super::{Crew, GivenUp, Place, TICK};
use crate::batch::{Batch, Part, Took};
use crate::clock;
use crate::frame::FrameError;
use crate::message::Answer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read;
use std::time::{Duration, Instant};

/// One request under way and one behind it: no worker waits for the pool between two.
const DEPTH: usize = 2;

/// What workers are given to answer before a cancelled batch does without them.
const CANCEL_GRACE: Duration = Duration::from_millis(100);

impl Crew {
    /// Runs a batch to its end.
    pub(crate) fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        self.abandon(); // whoever a batch that panicked left busy
        (self.lost_in_a_row, self.refused_limbs) = (0, usize::MAX);
        // Whoever ended since the last batch is noticed before it is given anything.
        let outcome = self.listen(Duration::ZERO, batch).and_then(|()| self.work(batch));
        self.abandon(); // nobody is busy, unless the batch was given up
        self.trim();
        self.leaving.reap();
        outcome
    }

    fn work(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let mut until: Option<Instant> = None;
        while !batch.is_done() {
            if batch.is_cancelled() {
                batch.cancel_waiting();
                if batch.is_done() {
                    break;
                }
                let until = *until.get_or_insert_with(|| Instant::now() + CANCEL_GRACE);
                if Instant::now() > until {
                    self.abandon_parts(batch);
                    continue;
                }
            }
            self.retire();
            self.fill_places(batch)?;
            self.feed(batch)?;
            self.listen(TICK, batch)?;
            self.judge(batch)?;
        }
        Ok(())
    }

    /// Gives every worker one request, then a second behind it.
    fn feed(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let most = self.policy.supervision.tasks_per_worker;
        for depth in 1..=DEPTH {
            for number in 0..self.places.len() {
                let Some(worker) = self.worker(number) else { continue };
                let tasks = worker.owed.iter().filter(|owed| owed.part.is_some()).count();
                if tasks >= depth || most.is_some_and(|most| worker.tasks >= most.get()) {
                    continue;
                }
                let Some(part) = batch.next() else { break };
                self.give(number, part, batch);
            }
        }
        self.flush(batch)
    }

    /// Sends what was put into the outboxes. A worker that waits on this very CPU is woken last: it
    /// takes the CPU as soon as it is, and the others would wait with the pool until it is done.
    fn flush(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let here = clock::cpu();
        for last in [false, true] {
            for number in 0..self.places.len() {
                let Some(worker) = self.worker(number) else { continue };
                let is_here = here.is_some() && worker.cpu == here;
                if worker.has_more_to_send()
                    && is_here == last
                    && let Err(error) = worker.flush()
                {
                    // It may have answered before it ended; mostly this also finds the end.
                    self.hear(number, batch)?;
                    self.lose(number, error.into(), batch)?;
                }
            }
        }
        Ok(())
    }

    fn give(&mut self, number: usize, part: Part, batch: &mut Batch<'_>) {
        let (shared, refused) = (self.policy.shared, self.refused_limbs);
        let Place::Up(worker) = &mut self.places[number] else { return batch.put_back(&part) };
        let (kernel, indices, slots) = batch.contents(&part);
        let limbs = slots.len();
        let mut segment = None;
        if shared && limbs > 0 && limbs < refused {
            match worker.segment_for(limbs) {
                Ok(place) => segment = Some(place),
                Err(error) => {
                    if !std::mem::replace(&mut self.warned_of_segments, true) {
                        let name = self.policy.name;
                        log::warn!("{name}: no shared memory ({error}): results go through pipes");
                    }
                    self.refused_limbs = limbs;
                }
            }
        }
        worker.compute(part, kernel, indices, segment);
    }

    /// Waits, then takes what workers have to say.
    fn listen(&mut self, patience: Duration, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        for number in self.wait(patience, batch.is_waiting()) {
            self.hear(number, batch)?;
        }
        Ok(())
    }

    /// Waits for the bell, for who hangs up, for the rest of what has begun to be sent or received,
    /// for the end of `patience` or, when `hiring`, for the time of an empty place. Returns whom to
    /// listen to: everybody who owes an answer, since that is not waited for, and who hung up.
    pub(super) fn wait(&mut self, patience: Duration, hiring: bool) -> Vec<usize> {
        let now = Instant::now();
        let mut patience = patience;
        let (mut numbers, mut descriptors) = (vec![], vec![PollFd::new(&self.bell, PollFlags::IN)]);
        for (number, place) in self.places.iter().enumerate() {
            match place {
                Place::Up(worker) => {
                    let mut flags = PollFlags::HUP;
                    let silent = worker.owed.is_empty(); // whatever comes, it is not asked for
                    flags.set(PollFlags::IN, silent || worker.is_inside_an_answer());
                    numbers.push((number, !worker.owed.is_empty()));
                    descriptors.push(PollFd::new(worker.answers(), flags));
                    if worker.has_more_to_send() {
                        numbers.push((number, false));
                        descriptors.push(PollFd::new(worker.requests(), PollFlags::OUT));
                    }
                }
                Place::Empty(at) if hiring => {
                    patience = patience.min(at.saturating_duration_since(now));
                }
                Place::Empty(_) => {}
            }
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: patience.as_nanos() as _ };
        // Interrupted, or out of memory for a moment: the next turn asks again.
        let _ = poll(&mut descriptors, Some(&timeout));
        let rung = !descriptors[0].revents().is_empty();
        let hung_up = |d: &PollFd<'_>| !d.revents().difference(PollFlags::OUT).is_empty();
        let heard =
            numbers.iter().zip(&descriptors[1..]).filter(|((_, owes), d)| *owes || hung_up(d));
        let heard = heard.map(|((number, _), _)| *number).collect();
        if rung {
            let _ = self.bell.read(&mut [0; 1024]); // it has something to read, so it does not block
        }
        heard
    }

    /// Takes the answers that a worker has sent so far.
    fn hear(&mut self, number: usize, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        loop {
            let Some(worker) = self.worker(number) else { return Ok(()) };
            let part = worker.owed.front().and_then(|owed| owed.part.as_ref());
            let out = part.map_or(&mut [][..], |part| batch.contents(part).2);
            match worker.receive(out) {
                Ok(None) => return Ok(()),
                Ok(Some(answer)) => {
                    if let Err(loss) = self.take(number, answer, batch) {
                        return self.lose(number, loss, batch);
                    }
                    if self.worker(number).is_none_or(|worker| worker.is_silent()) {
                        return Ok(()); // nothing else can have come
                    }
                }
                Err(error) => return self.lose(number, error.into(), batch),
            }
        }
    }

    /// Takes an answer; one that does not fit leaves what is owed, to be blamed.
    fn take(&mut self, number: usize, answer: Answer, batch: &mut Batch<'_>) -> Result<(), Loss> {
        let Place::Up(worker) = &mut self.places[number] else { return Ok(()) };
        match (worker.owed.front().map(|owed| &owed.part), answer) {
            (Some(None), Answer::Ready) => {}
            (Some(None), Answer::Unfit(reason)) => return Err(Loss::Unfit(reason)),
            (Some(Some(part)), Answer::Done { failures, start_ns, end_ns, .. }) => {
                let busy = Duration::from_nanos(end_ns.saturating_sub(start_ns));
                self.board.answered(number, busy);
                batch.done(part, failures, Took { worker: number, start_ns, end_ns });
                self.lost_in_a_row = 0;
            }
            (Some(Some(part)), Answer::Refused(reason)) => batch.refused(part, &reason),
            _ => return Err(FrameError::Message.into()),
        }
        worker.owed.pop_front();
        Ok(())
    }

    /// Gives back the memory that only a large batch needed.
    fn trim(&mut self) {
        for number in 0..self.places.len() {
            if let Some(worker) = self.worker(number) {
                let _ = worker.trim(); // fails if it has ended, which the next batch finds out
            }
        }
    }
}
