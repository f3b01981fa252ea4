//! The crew: the workers of a pool, and the one loop that talks to all of them.
//!
//! Each worker has a seat. The module `hire` fills seats, `work` is the loop, and `losses` handles
//! lost workers. The loop runs a batch in turns:
//!
//! 1. It sends requests until every worker has one request and another request behind it.
//! 2. It sleeps until one of the workers has run out of work.
//! 3. It takes all replies that have arrived.
//!
//! When a worker is lost, its seat is empty for a moment, and its open requests go back to the
//! ledger of the batch.

mod hire;
mod losses;
mod work;

use crate::policy::Policy;
use crate::process::DismissedWorkers;
use crate::spawn::Spawner;
use crate::statistics::Board;
use crate::worker::WorkerHandle;
use std::io::{PipeReader, PipeWriter};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the pool checks clocks and cancellation while nothing happens.
const TICK: Duration = Duration::from_millis(20);

/// How long a worker may take to reply that it is ready.
const HELLO_LIMIT: Duration = Duration::from_millis(900);

/// A place for one worker process.
enum Seat {
    Taken(Box<WorkerHandle>),
    /// The seat may be filled from this moment on, as soon as a chunk waits.
    Empty(Instant),
}

/// Why the pool gave up a batch or its own start, in one line.
pub(crate) struct GiveUpReason(pub(crate) String);

/// The workers of a pool.
pub(crate) struct Crew {
    seats: Vec<Seat>,
    spawner: Spawner,
    /// The pool's end of the bell. A worker that has run out of work writes a byte to the bell.
    bell: PipeReader,
    /// The workers' end of the bell. Every worker gets a copy.
    bell_writer: PipeWriter,
    policy: Policy,
    board: Arc<Board>,
    /// Dismissed workers that may not have ended yet.
    dismissed: DismissedWorkers,
    /// The number of busy workers that were lost since the last result arrived.
    lost_in_a_row: u32,
    /// The smallest shared segment that the system refused during this batch, in limbs.
    refused_limbs: usize,
    warned_of_segments: bool,
}

impl Crew {
    pub(crate) fn len(&self) -> usize {
        self.seats.len()
    }

    fn worker(&mut self, number: usize) -> Option<&mut WorkerHandle> {
        match &mut self.seats[number] {
            Seat::Taken(worker) => Some(worker),
            Seat::Empty(_) => None,
        }
    }

    /// The numbers of the workers with open requests.
    fn busy_workers(&self) -> Vec<usize> {
        let is_busy =
            |seat: &Seat| matches!(seat, Seat::Taken(worker) if !worker.open_requests.is_empty());
        let busy = self.seats.iter().enumerate().filter(|(_, seat)| is_busy(seat));
        busy.map(|(number, _)| number).collect()
    }

    /// Empties a seat, which may be filled again at once. A seat that is already empty keeps its
    /// moment.
    fn vacate(&mut self, number: usize) -> Option<WorkerHandle> {
        let seat = &mut self.seats[number];
        if matches!(seat, Seat::Empty(_)) {
            return None;
        }
        match std::mem::replace(seat, Seat::Empty(Instant::now())) {
            Seat::Taken(worker) => Some(*worker),
            Seat::Empty(_) => None,
        }
    }
}

impl Drop for Crew {
    /// Dismisses all workers and waits until they have ended. Busy workers are killed.
    fn drop(&mut self) {
        for number in 0..self.seats.len() {
            if let Some(mut worker) = self.vacate(number) {
                if !worker.open_requests.is_empty() {
                    worker.kill();
                }
                self.dismissed.add(worker.dismiss());
            }
        }
        self.dismissed.wait();
    }
}
