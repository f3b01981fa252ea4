//! One worker process as the pool sees it: its connection, its open requests, and how it ended.

use crate::frame::{self, Expectation, FrameError, Inbox};
use crate::ledger::ChunkPart;
use crate::message::{KernelName, WorkReply, WorkRequest, most_reply_bytes};
use crate::process::{WorkerEnd, cpu_ticks};
use crate::segment::PoolSegment;
use crate::spawn::{Spawner, StartedWorker};
use crate::wire::Outbox;
use rustix::io::ioctl_fionbio;
use std::collections::VecDeque;
use std::io::{self, BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A shared segment has at least this many limbs.
const LEAST_LIMBS: usize = 8 << 10;

/// A shared segment with more limbs than this is given back after a batch.
const KEEP_LIMBS: usize = 8 << 20;

/// The capacity of a reply pipe. It is larger than the usual 64 KiB, so that long results take
/// fewer turns. An even larger pipe is hardly faster, as the benchmark
/// `cargo bench -p fib-bench --bench transport` shows, and the system limits the capacity of all
/// pipes of a user together.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 256 << 10;

/// The size of the buffer for replies, in bytes. Several short replies are read at once. The limbs
/// of a long reply are read directly into their slots.
const READ_AHEAD: usize = 32 << 10;

/// How long a worker that has closed its end may take to end by itself. The pool waits for this, so
/// that it can say how the worker ended.
const EXIT_GRACE: Duration = Duration::from_millis(50);

/// A request that the worker has not replied to yet.
pub(crate) struct OpenRequest {
    id: u64,
    /// The part to compute; `None` for the hello.
    pub(crate) part: Option<ChunkPart>,
    /// The number of the shared segment that takes the limbs.
    pub(crate) segment: Option<usize>,
}

/// The pool's handle of one worker process.
pub(crate) struct WorkerHandle {
    child: Child,
    request_socket: UnixStream,
    reply_pipe: BufReader<PipeReader>,
    inbox: Inbox,
    outbox: Outbox,
    /// In the order in which they were sent, which is the order of the replies.
    pub(crate) open_requests: VecDeque<OpenRequest>,
    next_id: u64,
    segments: [Option<PoolSegment>; 2],
    /// The number of parts that this worker was given.
    pub(crate) tasks: u32,
    /// The CPU that the worker used last, as far as the pool knows.
    pub(crate) cpu: Option<usize>,
    /// When the pool began to wait for the reply to the first open request.
    pub(crate) waiting_since: Instant,
    /// When the pool last knew that the worker was alive: it replied, or it had used CPU time.
    pub(crate) last_alive: Instant,
    /// The CPU time of the worker when the pool last checked it.
    ticks: Option<u64>,
}

impl WorkerHandle {
    /// Starts a worker and queues the hello.
    ///
    /// # Errors
    /// If the system refuses the process or a descriptor.
    pub(crate) fn start(
        spawner: &Spawner,
        number: usize,
        pin: bool,
        bell: OwnedFd,
    ) -> io::Result<Self> {
        let (reply_pipe, worker_end) = io::pipe()?;
        ioctl_fionbio(&reply_pipe, true)?;
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&reply_pipe, PIPE_BYTES); // refused: only slower
        let StartedWorker { child, socket } = spawner.start()?;
        let now = Instant::now();
        let mut worker = WorkerHandle {
            child,
            request_socket: socket,
            reply_pipe: BufReader::with_capacity(READ_AHEAD, reply_pipe),
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            open_requests: VecDeque::new(),
            next_id: 1,
            segments: [None, None],
            tasks: 0,
            waiting_since: now,
            last_alive: now,
            ticks: None,
            cpu: None,
        };
        let hello = WorkRequest::Hello { worker: number, pin };
        let id = worker.send(&hello, vec![bell, worker_end.into()]);
        worker.open_requests.push_back(OpenRequest { id, part: None, segment: None });
        Ok(worker)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Puts a request into the outbox and returns the number of the request.
    fn send(&mut self, request: &WorkRequest<'_>, descriptors: Vec<OwnedFd>) -> u64 {
        let id = self.next_id;
        self.outbox.push(frame::encode(id, request, &[]), descriptors);
        self.next_id += 1;
        id
    }

    /// Asks the worker to compute a part. If a segment is given, the worker writes the limbs there.
    pub(crate) fn compute(
        &mut self,
        part: ChunkPart,
        kernel: KernelName<'_>,
        indices: &[u64],
        segment: Option<usize>,
    ) {
        let request = WorkRequest::Compute {
            kernel,
            indices: indices.into(),
            attempt: part.attempt,
            segment: segment.map(|number| number as u8),
        };
        let id = self.send(&request, vec![]);
        if self.open_requests.is_empty() {
            self.waiting_since = Instant::now();
            self.last_alive = self.waiting_since;
        }
        self.tasks += 1;
        self.open_requests.push_back(OpenRequest { id, part: Some(part), segment });
    }

    /// Returns the number of a shared segment that no open request uses and that holds at least
    /// this many limbs. Replaces a segment that is too small.
    ///
    /// # Errors
    /// If the system refuses the memory.
    pub(crate) fn free_segment(&mut self, limbs: usize) -> io::Result<usize> {
        let first_in_use = self.open_requests.iter().any(|request| request.segment == Some(0));
        let number = usize::from(first_in_use);
        if self.segments[number].as_ref().is_none_or(|segment| segment.limbs() < limbs) {
            let (segment, file) = PoolSegment::create(limbs.max(LEAST_LIMBS))?;
            let bytes = segment.bytes();
            self.send(&WorkRequest::Attach { segment: number as u8, bytes }, vec![file]);
            self.segments[number] = Some(segment);
        }
        Ok(number)
    }

    /// Gives back the segments that only a large batch needed.
    ///
    /// # Errors
    /// If the worker has ended.
    pub(crate) fn drop_large_segments(&mut self) -> Result<(), FrameError> {
        for number in 0..self.segments.len() {
            if self.segments[number].take_if(|segment| segment.limbs() > KEEP_LIMBS).is_some() {
                self.send(&WorkRequest::Detach { segment: number as u8 }, vec![]);
            }
        }
        self.flush()
    }

    /// The pool's end of the socket for requests. The pool watches it while the worker has [unsent
    /// bytes](Self::has_unsent_bytes).
    pub(crate) fn request_socket(&self) -> &UnixStream {
        &self.request_socket
    }

    /// The pool's end of the pipe for replies.
    pub(crate) fn reply_pipe(&self) -> &PipeReader {
        self.reply_pipe.get_ref()
    }

    /// Sends as much as the socket takes now.
    pub(crate) fn flush(&mut self) -> Result<(), FrameError> {
        Ok(self.outbox.flush(&self.request_socket)?)
    }

    /// Whether some bytes still wait for the socket to take them.
    pub(crate) fn has_unsent_bytes(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether the worker has replied to every request and nothing else was read.
    pub(crate) fn is_drained(&self) -> bool {
        self.open_requests.is_empty() && self.reply_pipe.buffer().is_empty()
    }

    /// Whether part of a reply has arrived, but not all of it.
    pub(crate) fn is_inside_a_reply(&self) -> bool {
        self.inbox.is_inside_a_frame()
    }

    /// Reads more of the reply that is due, and returns the reply when it is complete. Its limbs go
    /// to `out`. If the limbs come through a segment, they are copied from there.
    pub(crate) fn receive(&mut self, out: &mut [u64]) -> Result<Option<WorkReply>, FrameError> {
        // Without an open request, nothing may arrive except the end of the connection.
        let Some(OpenRequest { id, part, segment }) = self.open_requests.front() else {
            let nothing = Expectation { id: None, control_limit: 0 };
            return match self.inbox.receive(&mut self.reply_pipe, nothing, &mut []) {
                Ok(false) => Ok(None),
                Ok(true) => Err(FrameError::Magic),
                Err(error) => Err(error),
            };
        };
        let indices = part.as_ref().map_or(1, |part| part.positions.len());
        let expectation = Expectation { id: Some(*id), control_limit: most_reply_bytes(indices) };
        let room = if segment.is_some() { &mut [] } else { &mut *out };
        if !self.inbox.receive(&mut self.reply_pipe, expectation, room)? {
            return Ok(None);
        }
        let reply = self.inbox.message()?;
        if let WorkReply::Done { cpu, .. } = reply {
            self.cpu = cpu;
        }
        let complete = match reply {
            WorkReply::Done { .. } => segment.is_some() || self.inbox.has_limbs() || out.is_empty(),
            _ => true,
        };
        if !complete {
            return Err(FrameError::Message);
        }
        if let (Some(number), WorkReply::Done { .. }) = (segment, &reply)
            && let Some(segment) = &self.segments[*number]
        {
            segment.copy_to(out);
        }
        self.waiting_since = Instant::now();
        self.last_alive = self.waiting_since;
        Ok(Some(reply))
    }

    /// Checks whether the worker has used CPU time since the last check.
    pub(crate) fn check_cpu_time(&mut self, now: Instant) {
        let ticks = cpu_ticks(self.pid());
        if ticks.is_none() || ticks != self.ticks {
            (self.ticks, self.last_alive) = (ticks, now);
        }
    }

    /// Makes sure that the worker has ended. A worker that `may_have_ended` gets a moment to end by
    /// itself; any other worker, and a worker that does not end in time, is killed. Returns how the
    /// worker ended, and its open requests.
    pub(crate) fn reap_or_kill(
        mut self,
        may_have_ended: bool,
    ) -> (WorkerEnd, VecDeque<OpenRequest>) {
        let grace = if may_have_ended { EXIT_GRACE } else { Duration::ZERO };
        let deadline = Instant::now() + grace;
        let end = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break WorkerEnd::Exited(status),
                Ok(None) if Instant::now() < deadline => sleep(Duration::from_micros(200)),
                _ => {
                    self.kill();
                    break WorkerEnd::Killed;
                }
            }
        };
        (end, self.open_requests)
    }

    /// Kills the worker and waits until it has ended.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill(); // fails only if the worker has ended already
        let _ = self.child.wait();
    }

    /// Closes the connection. The worker then ends by itself.
    pub(crate) fn dismiss(self) -> Child {
        self.child
    }
}
