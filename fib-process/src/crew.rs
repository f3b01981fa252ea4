//! The workers of a pool, and the one loop that talks to all of them.
//!
//! A batch is: send until every worker has one request and another behind it, wait until any of
//! them answers, go on. A worker that is lost leaves its place empty for a moment (see `back_off`);
//! what it was given goes back to the batch.

use crate::batch::{Batch, Part, Took};
use crate::clock;
use crate::frame::FrameError;
use crate::message::Answer;
use crate::policy::Policy;
use crate::spawn::{Spawner, Started};
use crate::statistics::Board;
use crate::worker::{Worker, wait_for};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One request under way and one behind it: no worker waits for the pool between two.
const DEPTH: usize = 2;

/// How often the pool looks at clocks and at cancellation while nothing is answered.
const TICK: Duration = Duration::from_millis(20);

/// What a worker is given to answer before a cancelled batch does without it.
const CANCEL_GRACE: Duration = Duration::from_millis(100);

/// A worker has this long to say that it is ready, and all of a crew a little more for each.
const HELLO_LIMIT: Duration = Duration::from_millis(900);
const HELLO_EACH: Duration = Duration::from_millis(10);

/// How long workers may take to end by themselves when the pool is dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// Where a worker is or is to be.
enum Place {
    Up(Box<Worker>),
    /// To be filled from then on, when there is work.
    Empty(Instant),
}

/// Why a batch, or the start of a pool, was given up: one line.
pub(crate) struct GivenUp(pub(crate) String);

/// Why a worker is given up.
#[derive(Debug, thiserror::Error)]
enum Loss {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Silent(&'static str),
}

impl Loss {
    /// Whether it may end, or have ended, by itself.
    fn may_have_ended(&self) -> bool {
        use FrameError::{Closed, Io, Truncated};
        matches!(self, Loss::Frame(Closed | Truncated | Io(_)))
    }
}

pub(crate) struct Crew {
    places: Vec<Place>,
    spawner: Spawner,
    /// Rung by workers that are about to wait.
    bell: PipeReader,
    /// The end that each worker gets a copy of.
    rope: PipeWriter,
    policy: Policy,
    board: Arc<Board>,
    /// Dismissed workers that may not have ended yet.
    leaving: Vec<Child>,
    /// Workers lost since the last task was finished.
    lost_in_a_row: u32,
    /// The smallest shared segment that the system refused, in limbs.
    refused_limbs: usize,
}

impl Crew {
    /// Starts the workers and waits until all are ready. Fewer, with a warning, where the system
    /// refuses that many.
    pub(crate) fn start(
        policy: Policy,
        spawner: Spawner,
        board: Arc<Board>,
    ) -> Result<Self, GivenUp> {
        let (places, leaving) = (vec![], vec![]);
        let (lost_in_a_row, refused_limbs) = (0, usize::MAX);
        let (bell, rope) = io::pipe().map_err(|error| GivenUp(error.to_string()))?;
        let mut crew = Crew {
            places,
            spawner,
            bell,
            rope,
            policy,
            board,
            leaving,
            lost_in_a_row,
            refused_limbs,
        };
        let wanted = crew.policy.workers.get();
        for number in 0..wanted {
            match crew.spawn(number) {
                Ok(worker) => crew.places.push(Place::Up(worker)),
                Err(error) if number == 0 => {
                    return Err(GivenUp(format!("no worker can be started: {error}")));
                }
                Err(error) => {
                    let name = crew.policy.name;
                    log::warn!("{name}: the system granted {number} of {wanted} workers: {error}");
                    break;
                }
            }
        }
        crew.greet().map_err(|why| {
            GivenUp(format!("{why}; does `main` of its program begin with `fib_process::init()`?"))
        })?;
        Ok(crew)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn spawn(&self, number: usize) -> io::Result<Box<Worker>> {
        let rope = self.rope.try_clone()?.into();
        let started: Started = self.spawner.start()?;
        let worker = Worker::new(started, number, self.policy.pin, rope);
        let worker = worker.map_err(io::Error::other)?;
        self.board.born(number, worker.pid());
        Ok(Box::new(worker))
    }

    /// Waits for all hellos; the first worker that is lost ends it.
    fn greet(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + HELLO_LIMIT + HELLO_EACH * self.places.len() as u32;
        loop {
            let busy: Vec<usize> = self.busy().collect();
            if busy.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("a worker was not ready in time".into());
            }
            for number in busy {
                self.worker(number).map_or(Ok(()), |worker| {
                    let mut step = || {
                        worker.flush()?;
                        worker.receive(&mut [])
                    };
                    match step() {
                        Ok(None) => Ok(()),
                        Ok(Some(Answer::Ready)) => {
                            worker.owed.pop_front();
                            Ok(())
                        }
                        Ok(Some(Answer::Unfit(reason))) => {
                            Err(format!("its initializer failed: {reason}"))
                        }
                        Ok(Some(_)) => Err("a worker sent something unasked".into()),
                        Err(error) => {
                            Err(format!("a worker was lost before it was ready: {error}"))
                        }
                    }
                })?;
            }
            self.wait(TICK);
        }
    }

    fn worker(&mut self, number: usize) -> Option<&mut Worker> {
        match &mut self.places[number] {
            Place::Up(worker) => Some(worker),
            Place::Empty(_) => None,
        }
    }

    /// The workers that owe an answer.
    fn busy(&self) -> impl Iterator<Item = usize> {
        let owes = |place: &Place| matches!(place, Place::Up(worker) if !worker.owed.is_empty());
        self.places.iter().enumerate().filter(move |(_, place)| owes(place)).map(|(i, _)| i)
    }

    /// Runs a batch to its end.
    pub(crate) fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        self.abandon(); // whoever a batch that panicked left busy
        self.lost_in_a_row = 0;
        // Whoever ended since the last batch is noticed before it is given anything.
        let mut outcome = self.listen(Duration::ZERO, batch);
        if outcome.is_ok() {
            outcome = self.work(batch);
        }
        self.abandon(); // nobody is busy, unless the batch was given up or cancelled
        self.tidy();
        outcome
    }

    fn work(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let mut until: Option<Instant> = None;
        while !batch.is_done() {
            if batch.is_cancelled() {
                batch.cancel_waiting();
                let until = *until.get_or_insert_with(|| Instant::now() + CANCEL_GRACE);
                if Instant::now() > until {
                    self.abandon_parts(batch);
                    continue;
                }
            }
            self.fill_places(batch)?;
            self.feed(batch)?;
            self.listen(TICK, batch)?;
            self.judge(batch)?;
        }
        Ok(())
    }

    /// Empties a place.
    fn vacate(&mut self, number: usize, until: Instant) -> Option<Worker> {
        match std::mem::replace(&mut self.places[number], Place::Empty(until)) {
            Place::Up(worker) => Some(*worker),
            Place::Empty(_) => None,
        }
    }

    /// Starts workers in empty places whose time has come.
    fn fill_places(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let now = Instant::now();
        for number in 0..self.places.len() {
            let due = matches!(self.places[number], Place::Empty(at) if at <= now);
            if !due || !batch.is_waiting() {
                continue;
            }
            match self.spawn(number) {
                Ok(worker) => self.places[number] = Place::Up(worker),
                Err(error) => {
                    log::warn!("{}: no worker can be started: {error}", self.policy.name);
                    self.one_more_lost(number, &format!("cannot be started: {error}"))?;
                }
            }
        }
        Ok(())
    }

    /// Gives every worker one request, then a second behind it.
    fn feed(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        for depth in 1..=DEPTH {
            for number in 0..self.places.len() {
                let most = self.policy.supervision.tasks_per_worker;
                let Some(worker) = self.worker(number) else { continue };
                if most.is_some_and(|most| worker.tasks >= most.get()) {
                    self.retire(number);
                    continue;
                }
                if worker.owed.iter().filter(|owed| owed.part.is_some()).count() >= depth {
                    continue;
                }
                let Some(part) = batch.next() else { continue };
                if let Err(error) = self.send(number, part, batch) {
                    self.lose(number, error.into(), batch)?;
                }
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
                    self.lose(number, error.into(), batch)?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, number: usize, part: Part, batch: &mut Batch<'_>) -> Result<(), FrameError> {
        let (shared, refused) = (self.policy.shared, self.refused_limbs);
        let Place::Up(worker) = &mut self.places[number] else { return Ok(()) };
        let (kernel, indices, slots) = batch.contents(&part);
        let limbs = slots.len();
        let mut segment = None;
        if shared && limbs > 0 && limbs < refused {
            match worker.segment_for(limbs) {
                Ok(place) => segment = Some(place),
                Err(error) => {
                    if refused == usize::MAX {
                        let name = self.policy.name;
                        log::warn!("{name}: no shared memory ({error}): results go through pipes");
                    }
                    self.refused_limbs = limbs;
                }
            }
        }
        worker.compute(part, kernel, indices, segment)
    }

    /// A worker that had its tasks makes room for another as soon as it owes nothing.
    fn retire(&mut self, number: usize) {
        if self.worker(number).is_some_and(|worker| worker.owed.is_empty()) {
            let worker = self.vacate(number, Instant::now());
            self.leaving.extend(worker.map(Worker::dismiss));
        }
    }

    /// Waits, then takes what workers have to say.
    fn listen(&mut self, patience: Duration, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        for number in self.wait(patience) {
            self.hear(number, batch)?;
        }
        Ok(())
    }

    /// Waits for the bell, for who hangs up, for the rest of what has begun to be sent or received,
    /// or for the end of `patience`. Returns whom to listen to: everybody who owes an answer, since
    /// the sockets are not watched, and who hung up.
    fn wait(&mut self, patience: Duration) -> Vec<usize> {
        let now = Instant::now();
        let mut patience = patience;
        let (mut numbers, mut descriptors) = (vec![], vec![PollFd::new(&self.bell, PollFlags::IN)]);
        for (number, place) in self.places.iter().enumerate() {
            match place {
                Place::Up(worker) => {
                    let mut flags = PollFlags::empty(); // that it hung up is reported unasked
                    flags.set(PollFlags::IN, worker.is_inside_an_answer());
                    numbers.push((number, !worker.owed.is_empty()));
                    descriptors.push(PollFd::new(worker.answers(), flags));
                    if worker.has_more_to_send() {
                        numbers.push((number, false));
                        descriptors.push(PollFd::new(worker.requests(), PollFlags::OUT));
                    }
                }
                Place::Empty(at) if *at > now => patience = patience.min(*at - now),
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
                    let Some(owed) = worker.owed.pop_front() else { return Ok(()) };
                    let idle = worker.owed.is_empty();
                    if let Err(error) = self.take(number, owed.part, answer, batch) {
                        return self.lose(number, error.into(), batch);
                    }
                    if idle {
                        return Ok(());
                    }
                }
                Err(error) => return self.lose(number, error.into(), batch),
            }
        }
    }

    fn take(
        &mut self,
        number: usize,
        part: Option<Part>,
        answer: Answer,
        batch: &mut Batch<'_>,
    ) -> Result<(), FrameError> {
        match (part, answer) {
            (None, Answer::Ready) => {}
            (Some(part), Answer::Done { failures, start_ns, end_ns, .. }) => {
                let busy = Duration::from_nanos(end_ns.saturating_sub(start_ns));
                self.board.answered(number, busy);
                batch.done(&part, failures, Took { worker: number, start_ns, end_ns });
                self.lost_in_a_row = 0;
            }
            (Some(part), Answer::Refused(reason)) => batch.refused(&part, &reason),
            (part, _) => {
                part.iter().for_each(|part| batch.put_back(part));
                return Err(FrameError::Message);
            }
        }
        Ok(())
    }

    /// Looks after workers that have been silent for long.
    fn judge(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let now = Instant::now();
        let limits = self.policy.supervision;
        for number in self.busy().collect::<Vec<_>>() {
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
    fn lose(&mut self, number: usize, why: Loss, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let Some(worker) = self.vacate(number, Instant::now()) else { return Ok(()) };
        let pid = worker.pid();
        let (ended, owed) = worker.bury(why.may_have_ended());
        let how = format!("{ended} ({why})");
        self.board.died(number);
        let mut parts: VecDeque<_> = owed.into_iter().map(|owed| owed.part).collect();
        let blamed = parts.pop_front().flatten();
        parts.iter().flatten().rev().for_each(|part| batch.put_back(part));
        let what = match &blamed {
            Some(part) => batch.describe(part),
            None => "with nothing to do".into(),
        };
        log::warn!("{}: worker {number} (pid {pid}) {how} {what}", self.policy.name);
        if let Some(part) = &blamed {
            batch.lost(part, &how);
        }
        self.one_more_lost(number, &how)
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
    fn abandon_parts(&mut self, batch: &mut Batch<'_>) {
        for number in self.busy().collect::<Vec<_>>() {
            if let Some(worker) = self.worker(number) {
                let owed = std::mem::take(&mut worker.owed);
                owed.iter().filter_map(|owed| owed.part.as_ref()).for_each(|p| batch.put_back(p));
                worker.kill();
                self.vacate(number, Instant::now());
            }
        }
        batch.cancel_waiting();
    }

    /// Kills who is busy with nothing that anybody waits for.
    fn abandon(&mut self) {
        for number in self.busy().collect::<Vec<_>>() {
            let hello = |w: &mut Worker| w.owed.iter().all(|owed| owed.part.is_none());
            if self.worker(number).is_some_and(|worker| !hello(worker)) {
                let worker = self.vacate(number, Instant::now());
                worker.into_iter().for_each(|mut worker| worker.kill());
            }
        }
    }

    /// Reaps who has left and gives back what only a large batch needed.
    fn tidy(&mut self) {
        self.leaving.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        for number in 0..self.places.len() {
            if self.worker(number).is_some_and(|worker| worker.trim().is_err()) {
                // It has ended; the next batch finds out.
            }
        }
    }
}

impl Drop for Crew {
    /// Hangs up on everybody and waits for them.
    fn drop(&mut self) {
        for number in 0..self.places.len() {
            if let Some(mut worker) = self.vacate(number, Instant::now()) {
                if !worker.owed.is_empty() {
                    worker.kill();
                }
                self.leaving.push(worker.dismiss());
            }
        }
        wait_for(&mut self.leaving, FAREWELL);
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
