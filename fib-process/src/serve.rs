//! The life of a worker process: hello, then request after request until the pool hangs up.

#[cfg(feature = "fault-injection")]
use crate::fault::Faults;
use crate::frame::{self, Expected, FrameError, HEAD, Inbox};
use crate::message::{Answer, REQUEST_BYTES, Request, cut};
use crate::segment::Outgoing;
use crate::wire::{Receiving, send_all};
use crate::{Hooks, clock, orphan};
use fib_core::{Kernel, Record, Task, affinity, kernels};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, stdin};
use std::fs::File;
use std::io::{self, BufReader, PipeWriter};
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::sync::Arc;

/// Exit code of a worker that does not understand what reaches it.
const CONFUSED: i32 = 70;

/// A scratch buffer above this many limbs is not kept for the next request.
const KEEP_LIMBS: usize = 8 << 20;

/// Serves the pool that started this process as a worker.
pub(crate) fn serve(parent: u32, hooks: Hooks) -> ! {
    let socket = orphan::die_with(parent).and_then(|()| take_socket());
    let served = socket.map_err(FrameError::from).and_then(|socket| run(socket, hooks));
    let code = served.map_or_else(complain, |()| 0);
    std::process::exit(code)
}

/// Nobody else reads what a worker has to say, and a worker has no logger of its own.
#[allow(clippy::explicit_write)] // `eprintln!` panics on a closed stderr
fn complain(error: FrameError) -> i32 {
    use io::Write;
    let _ = writeln!(io::stderr(), "worker {}: {error}", std::process::id());
    CONFUSED
}

/// The socket that came as standard input, on a descriptor of its own: whoever reads standard
/// input here, a kernel or an initializer, finds it empty.
fn take_socket() -> io::Result<UnixStream> {
    let socket = UnixStream::from(fcntl_dupfd_cloexec(stdin(), 3)?);
    dup2_stdin(File::open("/dev/null")?)?;
    socket.peer_addr()?; // fails on anything that is no connected socket
    Ok(socket)
}

fn run(socket: UnixStream, hooks: Hooks) -> Result<(), FrameError> {
    let mut worker = Worker {
        source: BufReader::new(Receiving::new(socket)),
        answers: None,
        short_answer: 0,
        hooks,
        scratch: vec![],
        segments: [None, None],
        #[cfg(feature = "fault-injection")]
        faults: Faults::from_environment(),
    };
    let mut inbox = Inbox::default();
    let expected = Expected { id: None, control: REQUEST_BYTES };
    loop {
        match inbox.receive(&mut worker.source, expected, &mut []) {
            Ok(true) => worker.handle(inbox.id(), inbox.message()?)?,
            Ok(false) => {} // only a socket that does not block gives up early
            Err(FrameError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

struct Worker {
    source: BufReader<Receiving>,
    /// Where answers go, from the hello on.
    answers: Option<PipeWriter>,
    /// Two answers of this many bytes fit the pipe together, without anybody reading.
    short_answer: usize,
    hooks: Hooks,
    /// Results on their way through the socket.
    scratch: Vec<u64>,
    segments: [Option<Outgoing>; 2],
    #[cfg(feature = "fault-injection")]
    faults: Faults,
}

impl Worker {
    fn handle(&mut self, id: u64, request: Request<'_>) -> Result<(), FrameError> {
        match request {
            Request::Hello { worker, pin } => self.hello(id, worker, pin),
            Request::Compute { kernel, indices, attempt, segment } => {
                match self.task(&kernel, indices.into(), attempt) {
                    Some(task) => self.compute(id, task, segment),
                    None => self.refuse(id, format!("its workers know no kernel `{kernel}`")),
                }
            }
            Request::Attach { segment, bytes } => {
                let file = self.source.get_mut().descriptor().ok_or(FrameError::Message)?;
                *self.place(segment)? = Some(Outgoing::attach(file, bytes)?);
                Ok(())
            }
            Request::Detach { segment } => {
                *self.place(segment)? = None;
                Ok(())
            }
        }
    }

    fn place(&mut self, segment: u8) -> Result<&mut Option<Outgoing>, FrameError> {
        self.segments.get_mut(usize::from(segment)).ok_or(FrameError::Message)
    }

    fn hello(&mut self, id: u64, worker: usize, pin: bool) -> Result<(), FrameError> {
        let source = self.source.get_mut();
        let bell = source.descriptor().ok_or(FrameError::Message)?;
        source.hang_up_bell(bell);
        self.answers = source.descriptor().map(PipeWriter::from);
        self.short_answer = self.answers.as_ref().map_or(0, |pipe| capacity(pipe) / 2);
        affinity::pin_if(pin, worker);
        let answer = match catch_unwind(self.hooks.initializer) {
            Ok(Ok(())) => Answer::Ready,
            Ok(Err(reason)) => Answer::Unfit(cut(reason)),
            Err(_) => Answer::Unfit("it panicked".into()),
        };
        self.answer(id, &answer)
    }

    /// What is to be done, if the kernel is known here.
    #[cfg_attr(not(feature = "fault-injection"), expect(unused_variables))]
    fn task(&mut self, name: &str, indices: Vec<u64>, attempt: u32) -> Option<Task> {
        let found = (self.hooks.kernel)(name).or_else(|| kernels::by_name(name));
        let kernel: Arc<dyn Kernel> = found?;
        #[cfg(feature = "fault-injection")]
        let kernel = {
            self.faults.in_answer(&indices, attempt);
            self.faults.in_kernel(kernel, attempt)
        };
        Some(Task::new(kernel, indices))
    }

    fn compute(&mut self, id: u64, task: Task, segment: Option<u8>) -> Result<(), FrameError> {
        let limbs = task.limbs();
        if let Some(segment) = segment {
            let segment = self.place(segment)?.as_mut().ok_or(FrameError::Message)?;
            let answer = timed(|| task.run_into(segment.slots(limbs), 0));
            return self.answer(id, &answer);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        if scratch.try_reserve(limbs.saturating_sub(scratch.len())).is_err() {
            return self.refuse(id, format!("its worker was refused {} bytes", 8 * limbs as u128));
        }
        scratch.resize(limbs.max(scratch.len()), 0);
        let answer = timed(|| task.run_into(&mut scratch[..limbs], 0));
        self.answer_with(id, &answer, &mut scratch[..limbs])?;
        if scratch.len() <= KEEP_LIMBS {
            self.scratch = scratch;
        }
        Ok(())
    }

    fn refuse(&mut self, id: u64, reason: String) -> Result<(), FrameError> {
        self.answer(id, &Answer::Refused(cut(reason)))
    }

    fn answer(&mut self, id: u64, answer: &Answer) -> Result<(), FrameError> {
        self.answer_with(id, answer, &mut [])
    }

    fn answer_with(
        &mut self,
        id: u64,
        answer: &Answer,
        limbs: &mut [u64],
    ) -> Result<(), FrameError> {
        frame::to_wire(limbs);
        let frame = frame::encode(id, answer, limbs);
        let answers = self.answers.as_mut().ok_or(FrameError::Message)?;
        let limbs: &[u8] = bytemuck::cast_slice(limbs);
        #[cfg(feature = "fault-injection")]
        let Some(frame) = self.faults.spoil(frame, limbs, answers)? else { return Ok(()) };
        if frame.len() + limbs.len() <= self.short_answer {
            return Ok(send_all(answers, &frame, limbs)?);
        }
        // From the head the pool sees that there is more, and stays to read it.
        let (head, rest) = frame.split_at(HEAD);
        send_all(answers, head, &[])?;
        self.source.get_mut().ring();
        Ok(send_all(answers, rest, limbs)?)
    }
}

/// What a pipe holds.
fn capacity(pipe: &PipeWriter) -> usize {
    #[cfg(target_os = "linux")]
    return rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(4096);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pipe;
        4096
    }
}

/// Runs a task and tells how it went.
fn timed(run: impl FnOnce() -> Record) -> Answer {
    let start_ns = clock::now_ns();
    let record = run();
    let end_ns = clock::now_ns();
    let failures = record.failures.into_iter().map(|f| (f.slot, cut(f.message))).collect();
    Answer::Done { failures, start_ns, end_ns, cpu: clock::cpu() }
}
