//! A pool of threads, from the standard library alone: a queue behind a mutex, and a condition variable on
//! which idle workers sleep.
//!
//! The threads outlive the batch, so no thread is started for a batch. Therefore they cannot borrow its
//! chunks: a task travels to a worker, and the pending half of the chunk stays with the caller and
//! copies the results in. The caller is itself a worker. It takes tasks from the same queue, and runs
//! them straight into their slots, without a copy. So a pool of two workers wakes only one thread, and
//! the caller computes from the first moment on.
//!
//! A condition variable and `thread::park` end in the same system call, and with the condition variable
//! no list of sleeping threads is needed.
//!
//! After its own last task the caller looks for the last replies a while before it sleeps, because a
//! sleep and a wake take longer than what is left of most chunks. Without these looks the speedup over
//! `rayon` is 0.90x [0.90, 0.91], with them it is 1.02x [1.02, 1.02] (`fib compare --scenario 10000xF100
//! --backend threads-pool,rayon --against rayon --pin`). Idle workers sleep at once. Looks of theirs
//! shorten only batches that follow each other within microseconds.

use crate::team::lock;
use fib_core::{
    Descriptor, Error, FibBackend, Job, Pending, Scheduling, Settings, Task, TaskReply, affinity,
    affordable_threads, warn_of_fewer_threads,
};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, yield_now};

/// Persistent threads and the calling thread, which take tasks from one queue.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    pin: bool,
}

impl FibBackend for Pool {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(self.threads.len())
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let (reply, replies) = channel();
        let halves = job.into_chunks().into_iter().map(|chunk| chunk.detach());
        let (tasks, pending): (Vec<_>, Vec<_>) = halves.unzip();
        let mut pending: Vec<Option<Pending<'_>>> = pending.into_iter().map(Some).collect();
        let batch = self.shared.add(tasks, &reply);
        // If the caller shared a CPU with a bound worker, one of them would wait for the other.
        let bound = self.pin.then(|| affinity::pin_for_now(CALLER));
        drop(reply); // what is left are the senders of the tasks, so the loop below ends after the last
        while let Some(QueuedTask { ticket, task, .. }) = self.shared.take_from(batch) {
            if let Some(half) = pending[ticket].take() {
                half.run(task, CALLER);
            }
            replies.try_iter().for_each(|reply| finish(&mut pending, reply)); // frees their memory
        }
        drop(bound); // while the last chunks of the workers still run
        while let Some(reply) = next(&replies) {
            finish(&mut pending, reply);
        }
        Ok(())
    }
}

/// Gives results to their pending half.
fn finish(pending: &mut [Option<Pending<'_>>], (ticket, results): (usize, TaskReply)) {
    if let Some(half) = pending[ticket].take() {
        half.finish(results);
    }
}

/// How often the caller looks for a reply before it sleeps. This takes about as long as a sleep and a
/// wake do (some 30 us), so it never costs much more than the better of the two.
const LOOKS: usize = 100;

/// The next reply; `None` after the last one.
fn next(replies: &Receiver<(usize, TaskReply)>) -> Option<(usize, TaskReply)> {
    for _ in 0..LOOKS {
        match replies.try_recv() {
            Err(TryRecvError::Empty) => yield_now(),
            found => return found.ok(),
        }
    }
    replies.recv().ok()
}

/// The number of the calling thread as a worker.
const CALLER: usize = 0;

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<TaskQueue>,
    /// Notified when tasks are added, and when the pool closes.
    changed: Condvar,
}

#[derive(Default)]
struct TaskQueue {
    tasks: VecDeque<QueuedTask>,
    /// The number of batches so far.
    batches: u64,
    is_closed: bool,
}

/// A task that waits for a worker. `ticket` is the position of its pending half.
struct QueuedTask {
    batch: u64,
    ticket: usize,
    task: Task,
    reply: Sender<(usize, TaskReply)>,
}

impl Shared {
    /// Adds the tasks of a batch, wakes the workers, and returns the number of the batch.
    fn add(&self, tasks: Vec<Task>, reply: &Sender<(usize, TaskReply)>) -> u64 {
        let mut queue = lock(&self.queue);
        queue.batches += 1;
        let batch = queue.batches;
        let queued = |(ticket, task)| QueuedTask { batch, ticket, task, reply: reply.clone() };
        let needs_workers = tasks.len() > 1; // the caller runs a single task itself
        queue.tasks.extend(tasks.into_iter().enumerate().map(queued));
        drop(queue);
        if needs_workers {
            self.changed.notify_all();
        }
        batch
    }

    /// The next task of this batch. A caller that took the tasks of other callers would keep its own
    /// results waiting.
    fn take_from(&self, batch: u64) -> Option<QueuedTask> {
        let tasks = &mut lock(&self.queue).tasks;
        let position = tasks.iter().position(|task| task.batch == batch)?;
        tasks.remove(position)
    }

    /// Waits for a task of any batch; `None` if the pool closes.
    fn take(&self) -> Option<QueuedTask> {
        let is_idle = |queue: &mut TaskQueue| queue.tasks.is_empty() && !queue.is_closed;
        let queue = self.changed.wait_while(lock(&self.queue), is_idle);
        queue.unwrap_or_else(PoisonError::into_inner).tasks.pop_front()
    }
}

impl Pool {
    /// Starts the threads. If the system refuses some of them, the pool has fewer, with a warning.
    pub fn new(settings: Settings) -> Self {
        let shared = Arc::<Shared>::default();
        let start = |worker| {
            let shared = Arc::clone(&shared);
            let name = format!("threads-pool-{worker}");
            Builder::new().name(name).spawn(move || serve(worker, settings.pin, &shared))
        };
        let workers = affordable_threads(POOL.name, settings.workers).get();
        let threads: Vec<_> = (1..workers).map_while(|worker| start(worker).ok()).collect();
        warn_of_fewer_threads(POOL.name, threads.len() + 1, workers);
        Pool { shared, threads, pin: settings.pin }
    }
}

/// The whole life of a thread.
fn serve(worker: usize, pin: bool, shared: &Shared) {
    affinity::pin_if(pin, worker);
    while let Some(QueuedTask { ticket, task, reply, .. }) = shared.take() {
        let _ = reply.send((ticket, task.run(worker))); // fails only if the caller has given up
    }
}

impl Drop for Pool {
    /// Ends the threads, and waits for them.
    fn drop(&mut self) {
        lock(&self.shared.queue).is_closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // the panic of a kernel is caught in its task
        }
    }
}

impl std::fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskQueue").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

/// The registry entry of [`Pool`].
pub const POOL: Descriptor = Descriptor {
    name: "threads-pool",
    summary: "a pool of threads from the standard library alone; the calling thread is a worker",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Pool::new(settings))),
};
