//! Fills the seats of a crew: when the pool starts, after a worker was lost, and when a worker has
//! reached its task limit.

use super::losses::LossCause;
use super::{Crew, GiveUpReason, HELLO_LIMIT, Seat, TICK};
use crate::ledger::Ledger;
use crate::message::WorkReply;
use crate::policy::Policy;
use crate::process::DismissedWorkers;
use crate::spawn::Spawner;
use crate::statistics::Board;
use crate::worker::WorkerHandle;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When many workers start at once, the pool waits this much longer for each of them.
const HELLO_EXTRA: Duration = Duration::from_millis(10);

/// A pool whose new workers are lost more often than this before it is ready cannot be built.
const MOST_LOST_STARTS: u32 = 3;

impl Crew {
    /// Starts the workers and waits until all of them are ready. If the system refuses some of the
    /// workers, the crew is smaller, and there is a warning.
    pub(crate) fn start(
        policy: Policy,
        spawner: Spawner,
        board: Arc<Board>,
    ) -> Result<Self, GiveUpReason> {
        let (bell, bell_writer) = io::pipe().map_err(|error| GiveUpReason(error.to_string()))?;
        let mut crew = Crew {
            seats: vec![],
            spawner,
            bell,
            bell_writer,
            policy,
            board,
            dismissed: DismissedWorkers::default(),
            lost_in_a_row: 0,
            refused_limbs: usize::MAX,
            warned_of_segments: false,
        };
        crew.hire_all()?;
        crew.greet_all()?;
        Ok(crew)
    }

    fn hire_all(&mut self) -> Result<(), GiveUpReason> {
        let (name, wanted) = (self.policy.name, self.policy.workers.get());
        for number in 0..wanted {
            match self.hire(number) {
                Ok(worker) => self.seats.push(Seat::Taken(worker)),
                Err(error) if number == 0 => {
                    return Err(GiveUpReason(format!("no worker can be started: {error}")));
                }
                Err(error) => {
                    log::warn!("{name}: the system granted {number} of {wanted} workers: {error}");
                    break;
                }
            }
        }
        Ok(())
    }

    fn hire(&self, number: usize) -> io::Result<Box<WorkerHandle>> {
        let bell = self.bell_writer.try_clone()?.into();
        let worker = WorkerHandle::start(&self.spawner, number, self.policy.pin, bell)?;
        self.board.record_start(number, worker.pid());
        Ok(Box::new(worker))
    }

    /// Waits until every worker has replied to the hello. A worker that is lost before is replaced, as
    /// later. Too many such losses mean that the program cannot serve as a worker.
    fn greet_all(&mut self) -> Result<(), GiveUpReason> {
        let mut losses = 0;
        loop {
            for number in self.busy_workers() {
                let Some(loss) = self.greet(number)? else { continue };
                losses += 1;
                if losses > MOST_LOST_STARTS {
                    return Err(loss.into_reason());
                }
                log::warn!("{}: {}, and is replaced", self.policy.name, loss.text);
                self.board.record_loss(number);
                let replaced = self.hire(number).map_err(|error| {
                    GiveUpReason(format!("{}; no other can be started: {error}", loss.text))
                })?;
                self.seats[number] = Seat::Taken(replaced);
            }
            if self.busy_workers().is_empty() {
                return Ok(());
            }
            self.wait(TICK, false);
        }
    }

    /// Takes the reply of a new worker, if it has come. Returns how the worker was lost, if it was.
    fn greet(&mut self, number: usize) -> Result<Option<LostStart>, GiveUpReason> {
        let limit = HELLO_LIMIT + HELLO_EXTRA * self.seats.len() as u32;
        let Some(worker) = self.worker(number) else { return Ok(None) };
        let cause = match worker.flush().and_then(|()| worker.receive(&mut [])) {
            Ok(None) if worker.waiting_since.elapsed() <= limit => return Ok(None),
            Ok(None) => LossCause::Late(limit),
            Ok(Some(WorkReply::Ready)) => {
                worker.open_requests.pop_front();
                return Ok(None);
            }
            Ok(Some(WorkReply::Unfit(reason))) => {
                return Err(GiveUpReason(format!("a worker's initializer failed: {reason}")));
            }
            Ok(Some(_)) => return Err(GiveUpReason("a worker sent an unexpected message".into())),
            Err(error) => LossCause::from(error),
        };
        let is_late = matches!(cause, LossCause::Late(_));
        let Some(worker) = self.vacate(number) else { return Ok(None) };
        let (end, _) = worker.reap_or_kill(cause.may_have_ended());
        if is_late {
            let text = "a worker was not ready in time".into();
            return Ok(Some(LostStart { text, is_unexplained: true }));
        }
        let is_unexplained = end.is_unexplained();
        Ok(Some(LostStart {
            text: format!("a worker {end} before it was ready ({cause})"),
            is_unexplained,
        }))
    }

    /// Starts workers in the empty seats that may be filled now.
    pub(super) fn fill_seats(&mut self, ledger: &mut Ledger<'_>) -> Result<(), GiveUpReason> {
        let now = Instant::now();
        for number in 0..self.seats.len() {
            let due = matches!(self.seats[number], Seat::Empty(start) if start <= now);
            if !due || !ledger.has_waiting_chunks() {
                continue;
            }
            match self.hire(number) {
                Ok(worker) => self.seats[number] = Seat::Taken(worker),
                Err(error) => self.record_failed_start(number, &error)?,
            }
        }
        Ok(())
    }

    /// Dismisses the workers that have reached their task limit and have no open requests.
    pub(super) fn retire_workers(&mut self) {
        let Some(task_limit) = self.policy.supervision.tasks_per_worker else { return };
        for number in 0..self.seats.len() {
            let Some(worker) = self.worker(number) else { continue };
            if worker.tasks >= task_limit.get() && worker.open_requests.is_empty() {
                let worker = self.vacate(number);
                worker.into_iter().for_each(|worker| self.dismissed.add(worker.dismiss()));
            }
        }
        self.dismissed.reap();
    }
}

/// How a worker was lost before it was ready.
struct LostStart {
    text: String,
    /// Whether no other process was to blame, as far as the system tells.
    is_unexplained: bool,
}

impl LostStart {
    fn into_reason(self) -> GiveUpReason {
        let advice = "; the `main` of a worker program must begin with `fib_process::init()`";
        GiveUpReason(self.text + if self.is_unexplained { advice } else { "" })
    }
}
