//! The workers of a pool, and the one loop that talks to all of them.
//!
//! `hire` fills places, `work` is the loop, `losses` is about workers that are lost. A batch is:
//! send until every worker has one request and another behind it, wait until one of them is out of
//! work, take all answers there are, go on. A worker that is lost leaves its place empty for a
//! moment; what it was given goes back to the batch.

mod hire;
mod losses;
mod work;

use crate::policy::Policy;
use crate::process::Leaving;
use crate::spawn::Spawner;
use crate::statistics::Board;
use crate::worker::Worker;
use std::io::{PipeReader, PipeWriter};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the pool looks at clocks and at cancellation while nothing happens.
const TICK: Duration = Duration::from_millis(20);

/// How long a worker may take to say that it is ready.
const HELLO_LIMIT: Duration = Duration::from_millis(900);

/// Where a worker is or is to be.
enum Place {
    Up(Box<Worker>),
    /// To be filled from then on, when there is work.
    Empty(Instant),
}

/// Why a batch, or the start of a pool, was given up: one line.
pub(crate) struct GivenUp(pub(crate) String);

pub(crate) struct Crew {
    places: Vec<Place>,
    spawner: Spawner,
    /// Rung by workers that are out of work.
    bell: PipeReader,
    /// The end that each worker gets a copy of.
    rope: PipeWriter,
    policy: Policy,
    board: Arc<Board>,
    /// Dismissed workers that may not have ended yet.
    leaving: Leaving,
    /// Busy workers lost since the last task was finished.
    lost_in_a_row: u32,
    /// The smallest shared segment that the system refused during this batch, in limbs.
    refused_limbs: usize,
    warned_of_segments: bool,
}

impl Crew {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn worker(&mut self, number: usize) -> Option<&mut Worker> {
        match &mut self.places[number] {
            Place::Up(worker) => Some(worker),
            Place::Empty(_) => None,
        }
    }

    /// The workers that owe an answer.
    fn busy(&self) -> Vec<usize> {
        let owes = |place: &Place| matches!(place, Place::Up(worker) if !worker.owed.is_empty());
        let busy = self.places.iter().enumerate().filter(|(_, place)| owes(place));
        busy.map(|(number, _)| number).collect()
    }

    /// Empties a place, which may be filled again at once. One that is empty stays as it is.
    fn vacate(&mut self, number: usize) -> Option<Worker> {
        let place = &mut self.places[number];
        if matches!(place, Place::Empty(_)) {
            return None;
        }
        match std::mem::replace(place, Place::Empty(Instant::now())) {
            Place::Up(worker) => Some(*worker),
            Place::Empty(_) => None,
        }
    }
}

impl Drop for Crew {
    /// Hangs up on everybody and waits for them.
    fn drop(&mut self) {
        for number in 0..self.places.len() {
            if let Some(mut worker) = self.vacate(number) {
                if !worker.owed.is_empty() {
                    worker.kill();
                }
                self.leaving.add(worker.dismiss());
            }
        }
        self.leaving.wait();
    }
}
