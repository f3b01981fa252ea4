//! Sharing by communicating: workers of a pool receive owned tasks and send owned results back.
//!
//! ```text
//! caller -- send: TaskRequest { ticket, task, reply } --> workers
//! caller <-- receive: (ticket, TaskReply) --------------- workers
//! ```
//!
//! The workers outlive the batch, so they cannot borrow its chunks. Each chunk is split instead: the
//! task travels to a worker, the pending half stays with the caller and copies the results in. The
//! price of ownership is that copy; the gain is that no thread is started for a batch.

use crossbeam::channel::{Receiver, Sender, bounded};
use fib_core::{
    Chunk, Descriptor, Error, FibBackend, Forking, Job, Pending, Scheduling, Settings, Task,
    TaskReply, affinity, affordable_threads, warn_of_fewer_threads,
};
use std::num::NonZeroUsize;
use std::thread::{Builder, JoinHandle};

/// The most chunks of a batch that are in flight at once. A batch of usual size is queued completely,
/// so no worker waits until the system schedules the caller.
const WINDOW: usize = 1024;

/// A task on its way to a worker. `ticket` is the position of its pending half.
struct TaskRequest {
    ticket: usize,
    task: Task,
    reply: Sender<(usize, TaskReply)>,
}

/// A pool of threads that are fed through one channel.
#[derive(Debug)]
pub struct Channels {
    requests: Option<Sender<TaskRequest>>,
    threads: Vec<JoinHandle<()>>,
    workers: NonZeroUsize,
}

impl FibBackend for Channels {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let mut chunks = job.into_chunks().into_iter();
        let total = chunks.len();
        let (reply, replies) = bounded(total.min(WINDOW)); // room for every reply: no worker waits
        let mut pending: Vec<Option<Pending<'_>>> = Vec::with_capacity(total);
        for chunk in chunks.by_ref().take(WINDOW) {
            self.send(chunk, &reply, &mut pending)?;
        }
        for _ in 0..total {
            receive(&replies, &mut pending)?;
            if let Some(chunk) = chunks.next() {
                self.send(chunk, &reply, &mut pending)?;
            }
        }
        Ok(())
    }
}

impl Channels {
    /// Sends the task of a chunk to the workers and keeps the pending half.
    fn send<'a>(
        &self,
        chunk: Chunk<'a>,
        reply: &Sender<(usize, TaskReply)>,
        pending: &mut Vec<Option<Pending<'a>>>,
    ) -> Result<(), Error> {
        let (task, half) = chunk.detach();
        let request = TaskRequest { ticket: pending.len(), task, reply: reply.clone() };
        let requests = self.requests.as_ref().ok_or_else(workers_are_gone)?;
        requests.send(request).map_err(|_| workers_are_gone())?;
        pending.push(Some(half));
        Ok(())
    }

    /// Starts the workers. If the system refuses some of them, the pool has fewer, with a warning.
    ///
    /// # Errors
    /// [`Error::Backend`] if the system grants not a single thread.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let (sender, receiver) = bounded(WINDOW);
        let start = |worker| {
            let requests = receiver.clone();
            let name = format!("crossbeam-{worker}");
            Builder::new().name(name).spawn(move || serve(worker, settings.pin, &requests))
        };
        let wanted = affordable_threads(CHANNELS.name, settings.workers).get();
        let threads: Vec<_> = (0..wanted).map_while(|worker| start(worker).ok()).collect();
        let workers = NonZeroUsize::new(threads.len()).ok_or_else(|| Error::Backend {
            backend: CHANNELS.name,
            reason: "the system granted no thread".into(),
        })?;
        warn_of_fewer_threads(CHANNELS.name, threads.len(), wanted);
        Ok(Channels { requests: Some(sender), threads, workers })
    }
}

/// Waits for one reply and gives the results to their pending half.
fn receive(
    replies: &Receiver<(usize, TaskReply)>,
    pending: &mut [Option<Pending<'_>>],
) -> Result<(), Error> {
    let (ticket, results) = replies.recv().map_err(|_| workers_are_gone())?;
    if let Some(half) = pending[ticket].take() {
        half.finish(results);
    }
    Ok(())
}

/// The whole life of a worker.
fn serve(worker: usize, pin: bool, requests: &Receiver<TaskRequest>) {
    affinity::pin_if(pin, worker);
    for TaskRequest { ticket, task, reply } in requests {
        let results = task.run(worker);
        let _ = reply.send((ticket, results)); // fails only if the caller has given up
    }
}

fn workers_are_gone() -> Error {
    Error::Backend { backend: CHANNELS.name, reason: "the workers are gone".into() }
}

impl Drop for Channels {
    /// Closes the channel, which ends the workers, and waits for them.
    fn drop(&mut self) {
        self.requests = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // the panic of a kernel is caught in its task
        }
    }
}

/// The registry entry of [`Channels`].
pub const CHANNELS: Descriptor = Descriptor {
    name: "crossbeam",
    summary: "a pool of threads: owned chunks in, owned results back, over bounded channels",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential,
    build: |settings| Ok(Box::new(Channels::new(settings)?)),
};
