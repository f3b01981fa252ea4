//! The life of a worker process: it handles the hello, then one request after another, until the
//! pool closes the socket.

#[cfg(feature = "fault-injection")]
use crate::fault::FaultInjector;
use crate::frame::{self, Expectation, FrameError, HEAD, Inbox};
use crate::message::{KernelName, MOST_REQUEST_BYTES, SentForm, WorkReply, WorkRequest, shorten};
use crate::segment::WorkerSegment;
use crate::wire::{WorkerSocket, send_all};
use crate::{Hooks, clock, orphan};
use fib_core::{ChunkRecord, Kernel, Modulus, ResidueMethod, Task, affinity, kernels, residues};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, stdin};
use std::fs::File;
use std::io::{self, BufReader, PipeWriter};
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::sync::Arc;

/// The exit code of a worker that has no pool, or that does not understand what it receives.
pub(crate) const FAILURE_CODE: i32 = 70;

/// A scratch buffer with more limbs than this is not kept for the next request.
const KEEP_LIMBS: usize = 8 << 20;

/// Serves the pool that started this process as a worker. Ends the process when the pool closes the
/// socket.
pub(crate) fn serve(parent: u32, hooks: Hooks) -> ! {
    let socket = orphan::end_with_parent(parent).and_then(|()| take_socket());
    let served = socket.map_err(FrameError::from).and_then(|socket| handle_all(socket, hooks));
    let code = served.map_or_else(report_error, |()| 0);
    std::process::exit(code)
}

/// Prints the error to standard error, because a worker has no logger. Nobody else would read it.
#[allow(clippy::explicit_write)] // `eprintln!` panics if standard error is closed
fn report_error(error: FrameError) -> i32 {
    use io::Write;
    let _ = writeln!(io::stderr(), "worker {}: {error}", std::process::id());
    FAILURE_CODE
}

/// Moves the socket from standard input to a descriptor of its own. After that, a kernel or an
/// initializer that reads standard input finds it empty.
fn take_socket() -> io::Result<UnixStream> {
    let socket = UnixStream::from(fcntl_dupfd_cloexec(stdin(), 3)?);
    dup2_stdin(File::open("/dev/null")?)?;
    socket.peer_addr()?; // fails if standard input was no connected socket
    Ok(socket)
}

fn handle_all(socket: UnixStream, hooks: Hooks) -> Result<(), FrameError> {
    let mut worker = WorkerLoop {
        source: BufReader::new(WorkerSocket::new(socket)),
        reply_pipe: None,
        short_reply_bytes: 0,
        hooks,
        scratch: vec![],
        segments: [None, None],
        #[cfg(feature = "fault-injection")]
        fault_injector: FaultInjector::from_environment(),
    };
    let mut inbox = Inbox::default();
    let expectation = Expectation { id: None, control_limit: MOST_REQUEST_BYTES };
    loop {
        match inbox.receive(&mut worker.source, expectation, &mut []) {
            Ok(true) => worker.handle(inbox.id(), inbox.message()?)?,
            Ok(false) => {} // never happens: this socket blocks
            Err(FrameError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The state of a worker process between requests.
struct WorkerLoop {
    source: BufReader<WorkerSocket>,
    /// The worker's end of the pipe for replies. The hello brings it.
    reply_pipe: Option<PipeWriter>,
    /// Two replies of this many bytes fit into the pipe together, even if nobody reads.
    short_reply_bytes: usize,
    hooks: Hooks,
    /// Holds the results that go through the pipe.
    scratch: Vec<u64>,
    segments: [Option<WorkerSegment>; 2],
    #[cfg(feature = "fault-injection")]
    fault_injector: FaultInjector,
}

impl WorkerLoop {
    fn handle(&mut self, id: u64, request: WorkRequest<'_>) -> Result<(), FrameError> {
        match request {
            WorkRequest::Hello { worker, pin } => self.hello(id, worker, pin),
            WorkRequest::Compute { kernel, indices, attempt, segment } => {
                match self.task(&kernel, indices.into(), attempt) {
                    Some(task) => self.compute(id, task, segment),
                    None => self.refuse(id, unknown_kernel(&kernel.name)),
                }
            }
            WorkRequest::Attach { segment, bytes } => {
                let file = self.source.get_mut().take_descriptor().ok_or(FrameError::Message)?;
                *self.segment_mut(segment)? = Some(WorkerSegment::attach(file, bytes)?);
                Ok(())
            }
            WorkRequest::Detach { segment } => {
                *self.segment_mut(segment)? = None;
                Ok(())
            }
        }
    }

    fn segment_mut(&mut self, number: u8) -> Result<&mut Option<WorkerSegment>, FrameError> {
        self.segments.get_mut(usize::from(number)).ok_or(FrameError::Message)
    }

    fn hello(&mut self, id: u64, worker: usize, pin: bool) -> Result<(), FrameError> {
        let source = self.source.get_mut();
        let bell = source.take_descriptor().ok_or(FrameError::Message)?;
        source.set_bell(bell);
        self.reply_pipe = source.take_descriptor().map(PipeWriter::from);
        self.short_reply_bytes = self.reply_pipe.as_ref().map_or(0, |pipe| capacity(pipe) / 2);
        affinity::pin_if(pin, worker);
        let reply = match catch_unwind(self.hooks.initializer) {
            Ok(Ok(())) => WorkReply::Ready,
            Ok(Err(reason)) => WorkReply::Unfit(shorten(reason)),
            Err(_) => WorkReply::Unfit("it panicked".into()),
        };
        self.reply(id, &reply)
    }

    /// The work of a request; `None` if this process does not know the kernel.
    #[cfg_attr(not(feature = "fault-injection"), expect(unused_variables))]
    fn task(&mut self, kernel: &KernelName, indices: Vec<u64>, attempt: u32) -> Option<Task> {
        let KernelName { name, form } = kernel;
        let exact = || (self.hooks.kernel)(name).or_else(|| kernels::by_name(name));
        let kernel: Arc<dyn Kernel> = match *form {
            SentForm::Binary => exact()?,
            SentForm::Text => kernels::in_text(&exact()?),
            SentForm::Residue(modulus) => {
                let modulus = if modulus == 0 { Modulus::WORD } else { Modulus::new(modulus)? };
                residues(modulus, ResidueMethod::by_name(name)?)
            }
        };
        #[cfg(feature = "fault-injection")]
        let kernel = {
            self.fault_injector.choose_reply_fault(&indices, attempt);
            self.fault_injector.wrap_kernel(kernel, attempt)
        };
        Some(Task::new(kernel, indices))
    }

    fn compute(&mut self, id: u64, task: Task, segment: Option<u8>) -> Result<(), FrameError> {
        let limbs = task.limbs();
        if let Some(number) = segment {
            let segment = self.segment_mut(number)?.as_mut().ok_or(FrameError::Message)?;
            let reply = run_timed(|| task.run_into(segment.slots(limbs), 0));
            return self.reply(id, &reply);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        if scratch.try_reserve(limbs.saturating_sub(scratch.len())).is_err() {
            return self.refuse(id, refused_memory(limbs));
        }
        scratch.resize(limbs.max(scratch.len()), 0);
        let reply = run_timed(|| task.run_into(&mut scratch[..limbs], 0));
        self.reply_with_limbs(id, &reply, &mut scratch[..limbs])?;
        if scratch.len() <= KEEP_LIMBS {
            self.scratch = scratch;
        }
        Ok(())
    }

    fn refuse(&mut self, id: u64, reason: String) -> Result<(), FrameError> {
        self.reply(id, &WorkReply::Refused(shorten(reason)))
    }

    fn reply(&mut self, id: u64, reply: &WorkReply) -> Result<(), FrameError> {
        self.reply_with_limbs(id, reply, &mut [])
    }

    fn reply_with_limbs(
        &mut self,
        id: u64,
        reply: &WorkReply,
        limbs: &mut [u64],
    ) -> Result<(), FrameError> {
        frame::make_little_endian(limbs);
        let frame = frame::encode(id, reply, limbs);
        let pipe = self.reply_pipe.as_mut().ok_or(FrameError::Message)?;
        let limbs: &[u8] = bytemuck::cast_slice(limbs);
        #[cfg(feature = "fault-injection")]
        let Some(frame) = self.fault_injector.spoil_reply(frame, limbs, pipe)? else {
            return Ok(());
        };
        if frame.len() + limbs.len() <= self.short_reply_bytes {
            return Ok(send_all(pipe, &frame, limbs)?);
        }
        // The pool must read while the worker writes. The head tells the pool that more follows.
        let (head, rest) = frame.split_at(HEAD);
        send_all(pipe, head, &[])?;
        self.source.get_mut().ring_bell();
        Ok(send_all(pipe, rest, limbs)?)
    }
}

fn unknown_kernel(name: &str) -> String {
    format!("the workers know no kernel named `{name}`; pass the kernel to `init_with`")
}

fn refused_memory(limbs: usize) -> String {
    format!("the system refused {} bytes to the worker", 8 * limbs as u128)
}

/// The capacity of a pipe in bytes.
fn capacity(pipe: &PipeWriter) -> usize {
    #[cfg(target_os = "linux")]
    return rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(4096);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pipe;
        4096
    }
}

/// Runs a task and makes a reply of its timestamps and failures.
fn run_timed(run: impl FnOnce() -> ChunkRecord) -> WorkReply {
    let start_ns = clock::now_ns();
    let record = run();
    let end_ns = clock::now_ns();
    let failures = record.failures.into_iter().map(|f| (f.slot, shorten(f.message))).collect();
    WorkReply::Done { failures, start_ns, end_ns, cpu: clock::current_cpu() }
}
