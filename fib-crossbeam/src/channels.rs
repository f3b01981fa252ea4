//! Persistent workers: owned work in, owned results back.

use crossbeam::channel::{Receiver, Sender, bounded};
use fib_core::{
    Descriptor, Error, FibBackend, Job, Pending, Reply, Scheduling, Settings, Task, affinity,
    warn_of_fewer_threads,
};
use std::num::NonZeroUsize;
use std::thread::{Builder, JoinHandle};

/// Registry entry of [`Channels`].
pub const CHANNELS: Descriptor = Descriptor {
    name: "crossbeam",
    summary: "persistent workers: owned chunks in, owned results back, over bounded channels",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Channels::new(settings)?)),
};

/// At most this many chunks of a batch are on their way at once. Any usual batch is queued whole,
/// so that no worker waits for the caller to be scheduled.
const WINDOW: usize = 1024;

/// A chunk's work on its way to a worker. `ticket` says which half stayed behind.
struct Request {
    ticket: usize,
    task: Task,
    reply: Sender<(usize, Reply)>,
}

/// Worker threads that outlive the batches, fed through one channel.
#[derive(Debug)]
pub struct Channels {
    requests: Option<Sender<Request>>,
    threads: Vec<JoinHandle<()>>,
    workers: NonZeroUsize,
}

impl Channels {
    /// Starts the workers; fewer, with a warning, where the system refuses that many.
    ///
    /// # Errors
    /// [`Error::Backend`] if not even one thread can be had.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let (sender, receiver) = bounded(WINDOW);
        let start = |worker| {
            let requests = receiver.clone();
            let name = format!("crossbeam-{worker}");
            Builder::new().name(name).spawn(move || serve(worker, settings.pin, &requests))
        };
        let wanted = settings.workers;
        let threads: Vec<_> = (0..wanted.get()).map_while(|worker| start(worker).ok()).collect();
        let workers = NonZeroUsize::new(threads.len()).ok_or_else(|| Error::Backend {
            backend: CHANNELS.name,
            reason: "the system granted no thread".into(),
        })?;
        warn_of_fewer_threads(CHANNELS.name, threads.len(), wanted);
        Ok(Channels { requests: Some(sender), threads, workers })
    }
}

/// A worker's whole life.
fn serve(worker: usize, pin: bool, requests: &Receiver<Request>) {
    affinity::pin_if(pin, worker);
    for Request { ticket, task, reply } in requests {
        let answer = task.run(worker);
        // Refused only if the caller is gone, and with it whoever wanted the answer.
        let _ = reply.send((ticket, answer));
    }
}

impl FibBackend for Channels {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let gone =
            || Error::Backend { backend: CHANNELS.name, reason: "the workers are gone".into() };
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        let mut chunks = job.into_chunks().into_iter();
        let window = chunks.len().min(WINDOW);
        let (reply, replies) = bounded(window); // room for all that is under way: no worker waits
        let mut pending: Vec<Option<Pending<'_>>> = Vec::with_capacity(chunks.len());
        let mut under_way = 0;
        loop {
            for chunk in chunks.by_ref().take(window - under_way) {
                let (task, half) = chunk.detach();
                let request = Request { ticket: pending.len(), task, reply: reply.clone() };
                requests.send(request).map_err(|_| gone())?;
                pending.push(Some(half));
                under_way += 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            let (ticket, answer) = replies.recv().map_err(|_| gone())?;
            if let Some(half) = pending[ticket].take() {
                half.finish(answer);
            }
            under_way -= 1;
        }
    }
}

impl Drop for Channels {
    /// Hangs up, which ends the workers, and waits for them.
    fn drop(&mut self) {
        self.requests = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a kernel's panic is caught in the task; nothing is left to report
        }
    }
}
