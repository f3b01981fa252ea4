//! Filling places: at the start, after a loss, and when a worker has had its tasks.

use super::losses::Loss;
use super::{Crew, GivenUp, HELLO_LIMIT, Place, TICK};
use crate::batch::Batch;
use crate::message::Answer;
use crate::policy::Policy;
use crate::process::Leaving;
use crate::spawn::Spawner;
use crate::statistics::Board;
use crate::worker::Worker;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Many workers that start at once may take this much longer each.
const HELLO_EACH: Duration = Duration::from_millis(10);

impl Crew {
    /// Starts the workers and waits until all are ready. Fewer, with a warning, where the system
    /// refuses that many.
    pub(crate) fn start(
        policy: Policy,
        spawner: Spawner,
        board: Arc<Board>,
    ) -> Result<Self, GivenUp> {
        let (bell, rope) = io::pipe().map_err(|error| GivenUp(error.to_string()))?;
        let mut crew = Crew {
            places: vec![],
            spawner,
            bell,
            rope,
            policy,
            board,
            leaving: Leaving::default(),
            lost_in_a_row: 0,
            refused_limbs: usize::MAX,
            warned_of_segments: false,
        };
        crew.hire_all()?;
        crew.greet_all()?;
        Ok(crew)
    }

    fn hire_all(&mut self) -> Result<(), GivenUp> {
        let (name, wanted) = (self.policy.name, self.policy.workers.get());
        for number in 0..wanted {
            match self.hire(number) {
                Ok(worker) => self.places.push(Place::Up(worker)),
                Err(error) if number == 0 => {
                    return Err(GivenUp(format!("no worker can be started: {error}")));
                }
                Err(error) => {
                    log::warn!("{name}: the system granted {number} of {wanted} workers: {error}");
                    break;
                }
            }
        }
        Ok(())
    }

    fn hire(&self, number: usize) -> io::Result<Box<Worker>> {
        let rope = self.rope.try_clone()?.into();
        let worker = Worker::start(&self.spawner, number, self.policy.pin, rope)?;
        self.board.born(number, worker.pid());
        Ok(Box::new(worker))
    }

    /// Waits for all hellos; the first worker that is lost ends it.
    fn greet_all(&mut self) -> Result<(), GivenUp> {
        let deadline = Instant::now() + HELLO_LIMIT + HELLO_EACH * self.places.len() as u32;
        loop {
            for number in self.busy() {
                self.greet(number)?;
            }
            if self.busy().is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(not_ready("a worker was not ready in time"));
            }
            self.wait(TICK, false);
        }
    }

    fn greet(&mut self, number: usize) -> Result<(), GivenUp> {
        let Some(worker) = self.worker(number) else { return Ok(()) };
        match worker.flush().and_then(|()| worker.receive(&mut [])) {
            Ok(None) => {}
            Ok(Some(Answer::Ready)) => drop(worker.owed.pop_front()),
            Ok(Some(Answer::Unfit(reason))) => {
                return Err(GivenUp(format!("a worker's initializer failed: {reason}")));
            }
            Ok(Some(_)) => return Err(not_ready("a worker sent something unasked")),
            Err(error) => {
                let loss = Loss::from(error);
                let worker = self.vacate(number);
                let ended = worker.map(|worker| worker.bury(loss.may_have_ended()).0.to_string());
                let ended = ended.unwrap_or_default();
                return Err(not_ready(&format!("a worker {ended} before it was ready ({loss})")));
            }
        }
        Ok(())
    }

    /// Starts workers in empty places whose time has come.
    pub(super) fn fill_places(&mut self, batch: &mut Batch<'_>) -> Result<(), GivenUp> {
        let now = Instant::now();
        for number in 0..self.places.len() {
            let due = matches!(self.places[number], Place::Empty(at) if at <= now);
            if !due || !batch.is_waiting() {
                continue;
            }
            match self.hire(number) {
                Ok(worker) => self.places[number] = Place::Up(worker),
                Err(error) => self.lose_before_start(number, &error)?,
            }
        }
        Ok(())
    }

    /// Dismisses workers that have had their tasks, as soon as they owe nothing.
    pub(super) fn retire(&mut self) {
        let Some(most) = self.policy.supervision.tasks_per_worker else { return };
        for number in 0..self.places.len() {
            let Some(worker) = self.worker(number) else { continue };
            if worker.tasks >= most.get() && worker.owed.is_empty() {
                let worker = self.vacate(number);
                worker.into_iter().for_each(|worker| self.leaving.add(worker.dismiss()));
            }
        }
        self.leaving.reap();
    }
}

fn not_ready(why: &str) -> GivenUp {
    GivenUp(format!("{why}; `main` of a worker's program begins with `fib_process::init()`"))
}
