//! One worker process as the pool sees it: its socket, what it owes, and how it ended.

use crate::batch::Part;
use crate::frame::{self, Expected, FrameError, Inbox};
use crate::message::{Answer, Request, answer_bytes};
use crate::process::{Ended, cpu_ticks};
use crate::segment::Incoming;
use crate::spawn::{Spawner, Started};
use crate::wire::Outbox;
use rustix::io::ioctl_fionbio;
use std::collections::VecDeque;
use std::io::{self, BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Shared segments are at least this long, and longer ones than `KEEP` are given back after a batch.
const LEAST_LIMBS: usize = 8 << 10;
const KEEP_LIMBS: usize = 8 << 20;

/// What a pipe for answers holds: more than the usual 64 KiB, so that long results cross in fewer
/// turns. More is hardly faster (`cargo bench -p fib-bench --bench transport`), and what all pipes of
/// a user may hold is limited.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 256 << 10;

/// Short answers are read several at a time; the limbs of long ones go where they belong directly.
const READ_AHEAD: usize = 32 << 10;

/// How long a worker that hung up may take to end by itself, so that it can be said how.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A request that was not answered yet.
pub(crate) struct Owed {
    id: u64,
    /// What is to be computed; nothing for the hello.
    pub(crate) part: Option<Part>,
    /// The place of the shared segment that takes the limbs.
    pub(crate) segment: Option<usize>,
}

pub(crate) struct Worker {
    child: Child,
    requests: UnixStream,
    answers: BufReader<PipeReader>,
    inbox: Inbox,
    outbox: Outbox,
    /// In the order they were sent, which is the order of the answers.
    pub(crate) owed: VecDeque<Owed>,
    next_id: u64,
    segments: [Option<Incoming>; 2],
    /// How many tasks it was given.
    pub(crate) tasks: u32,
    /// The CPU it was last seen on.
    pub(crate) cpu: Option<usize>,
    /// When the first of what it owes became its turn.
    pub(crate) since: Instant,
    /// When it was last seen alive: an answer, or CPU time used.
    pub(crate) seen: Instant,
    ticks: Option<u64>,
}

impl Worker {
    /// Starts a worker and says hello.
    ///
    /// # Errors
    /// If the system refuses the process or a descriptor.
    pub(crate) fn start(
        spawner: &Spawner,
        number: usize,
        pin: bool,
        bell: OwnedFd,
    ) -> io::Result<Self> {
        let (answers, theirs) = io::pipe()?;
        ioctl_fionbio(&answers, true)?;
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&answers, PIPE_BYTES); // a refusal only costs time
        let Started { child, socket } = spawner.start()?;
        let now = Instant::now();
        let mut worker = Worker {
            child,
            requests: socket,
            answers: BufReader::with_capacity(READ_AHEAD, answers),
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            owed: VecDeque::new(),
            next_id: 1,
            segments: [None, None],
            tasks: 0,
            since: now,
            seen: now,
            ticks: None,
            cpu: None,
        };
        let id = worker.send(&Request::Hello { worker: number, pin }, vec![bell, theirs.into()]);
        worker.owed.push_back(Owed { id, part: None, segment: None });
        Ok(worker)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Puts a request into the outbox and returns its number.
    fn send(&mut self, request: &Request<'_>, with: Vec<OwnedFd>) -> u64 {
        let id = self.next_id;
        self.outbox.push(frame::encode(id, request, &[]), with);
        self.next_id += 1;
        id
    }

    /// Asks for a part to be computed, into the segment of this place if one is given.
    pub(crate) fn compute(
        &mut self,
        part: Part,
        kernel: &str,
        indices: &[u64],
        segment: Option<usize>,
    ) {
        let request = Request::Compute {
            kernel: kernel.into(),
            indices: indices.into(),
            attempt: part.attempt,
            segment: segment.map(|place| place as u8),
        };
        let id = self.send(&request, vec![]);
        if self.owed.is_empty() {
            self.since = Instant::now();
            self.seen = self.since;
        }
        self.tasks += 1;
        self.owed.push_back(Owed { id, part: Some(part), segment });
    }

    /// The place of a shared segment for this many limbs that no request uses; made anew where it
    /// is too small.
    ///
    /// # Errors
    /// If the system refuses it.
    pub(crate) fn segment_for(&mut self, limbs: usize) -> io::Result<usize> {
        let place = usize::from(self.owed.iter().any(|owed| owed.segment == Some(0)));
        if self.segments[place].as_ref().is_none_or(|segment| segment.limbs() < limbs) {
            let (segment, file) = Incoming::create(limbs.max(LEAST_LIMBS))?;
            let bytes = segment.bytes();
            self.send(&Request::Attach { segment: place as u8, bytes }, vec![file]);
            self.segments[place] = Some(segment);
        }
        Ok(place)
    }

    /// Gives back what only a large batch needed.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn trim(&mut self) -> Result<(), FrameError> {
        for place in 0..self.segments.len() {
            if self.segments[place].take_if(|segment| segment.limbs() > KEEP_LIMBS).is_some() {
                self.send(&Request::Detach { segment: place as u8 }, vec![]);
            }
        }
        self.flush()
    }

    /// Where requests go, to be watched while there is [more to send](Self::has_more_to_send).
    pub(crate) fn requests(&self) -> &UnixStream {
        &self.requests
    }

    /// Where answers come from.
    pub(crate) fn answers(&self) -> &PipeReader {
        self.answers.get_ref()
    }

    /// Sends as much as the socket takes now.
    pub(crate) fn flush(&mut self) -> Result<(), FrameError> {
        Ok(self.outbox.flush(&self.requests)?)
    }

    /// Whether something waits for the socket to take it.
    pub(crate) fn has_more_to_send(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether it owes nothing, and nothing unasked was read.
    pub(crate) fn is_silent(&self) -> bool {
        self.owed.is_empty() && self.answers.buffer().is_empty()
    }

    /// Whether part of an answer was received.
    pub(crate) fn is_inside_an_answer(&self) -> bool {
        self.inbox.is_inside_a_frame()
    }

    /// Reads on with the answer that comes next, whose limbs go to `out`, unless they come through a
    /// segment: then they are copied from there.
    pub(crate) fn receive(&mut self, out: &mut [u64]) -> Result<Option<Answer>, FrameError> {
        // Unasked, nothing may come but the end.
        let Some(Owed { id, part, segment }) = self.owed.front() else {
            let none = Expected { id: None, control: 0 };
            return match self.inbox.receive(&mut self.answers, none, &mut []) {
                Ok(false) => Ok(None),
                Ok(true) => Err(FrameError::Magic),
                Err(error) => Err(error),
            };
        };
        let indices = part.as_ref().map_or(1, |part| part.positions.len());
        let expected = Expected { id: Some(*id), control: answer_bytes(indices) };
        let room = if segment.is_some() { &mut [] } else { &mut *out };
        if !self.inbox.receive(&mut self.answers, expected, room)? {
            return Ok(None);
        }
        let answer = self.inbox.message()?;
        if let Answer::Done { cpu, .. } = answer {
            self.cpu = cpu;
        }
        let complete = match answer {
            Answer::Done { .. } => segment.is_some() || self.inbox.has_limbs() || out.is_empty(),
            _ => true,
        };
        if !complete {
            return Err(FrameError::Message);
        }
        if let (Some(place), Answer::Done { .. }) = (segment, &answer)
            && let Some(segment) = &self.segments[*place]
        {
            segment.copy_to(out);
        }
        self.since = Instant::now();
        self.seen = self.since;
        Ok(Some(answer))
    }

    /// Notes whether it has used CPU time since the last look.
    pub(crate) fn look(&mut self, now: Instant) {
        let ticks = cpu_ticks(self.pid());
        if ticks.is_none() || ticks != self.ticks {
            (self.ticks, self.seen) = (ticks, now);
        }
    }

    /// Kills it, unless it may end by itself and does so at once; tells how it ended and what it
    /// still owes.
    pub(crate) fn bury(mut self, may_have_ended: bool) -> (Ended, VecDeque<Owed>) {
        let patience = Instant::now() + if may_have_ended { LAST_WORDS } else { Duration::ZERO };
        let ended = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Ended::ByItself(status),
                Ok(None) if Instant::now() < patience => sleep(Duration::from_micros(200)),
                _ => {
                    self.kill();
                    break Ended::Killed;
                }
            }
        };
        (ended, self.owed)
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill(); // fails only if it has ended already
        let _ = self.child.wait();
    }

    /// Hangs up, after which it ends by itself.
    pub(crate) fn dismiss(self) -> Child {
        self.child
    }
}
