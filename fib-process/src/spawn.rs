//! Starts worker processes, all of them from one thread.
//!
//! A worker is killed when the thread that started it ends (see `orphan`), so this thread lives as
//! long as the pool. The socket is the standard input of the worker: the standard library arranges
//! no other descriptors, and can therefore start the worker without a copy of the page tables of
//! this process.

use fib_core::this_executable;
use rustix::process::{Pid, Signal, getppid, kill_process};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// The last argument but one of every worker. The last argument is the process that started it.
const WORKER_ARGUMENT: &str = "fib-process-worker";

/// An environment variable that also names the process that started the worker. A process is a worker
/// only with both, because a user may give a program the same arguments. Some programs do not look at
/// their arguments: without the variable, such a worker would start workers of its own, and these would
/// start more.
pub(crate) const PARENT_VARIABLE: &str = "FIB_PROCESS_WORKER_OF";

/// The process that started this process as a worker, according to the arguments.
pub(crate) fn parent_of_this_worker() -> Option<u32> {
    let mut arguments = std::env::args_os().rev();
    let parent = arguments.next()?;
    let is_worker =
        std::env::var_os(PARENT_VARIABLE)? == parent && arguments.next()? == WORKER_ARGUMENT;
    is_worker.then(|| parent.to_str()?.parse().ok())?
}

/// Whether this process was started as a worker, according to the environment. A process that a worker
/// starts is not a worker.
pub(crate) fn is_worker() -> bool {
    let parent = getppid().map(|parent| parent.as_raw_pid().to_string());
    parent.is_some_and(|parent| std::env::var(PARENT_VARIABLE).is_ok_and(|set| set == parent))
}

/// How long the pool waits for a start before it kills children that hang, and how often it does so.
const START_LIMIT: Duration = Duration::from_secs(1);
const START_ATTEMPTS: u32 = 60;

/// A worker that has just started, and the pool's end of the socket.
pub(crate) struct StartedWorker {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
}

type SpawnResult = io::Result<Child>;

/// An order to start one worker: the worker's end of the socket, and where the result is sent.
type SpawnOrder = (OwnedFd, Sender<SpawnResult>);

/// The thread that starts workers.
pub(crate) struct Spawner {
    orders: Option<Sender<SpawnOrder>>,
    thread: Option<JoinHandle<()>>,
    /// The number of the thread, once it runs.
    tid: Arc<AtomicI32>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses the thread.
    pub(crate) fn new(command: Command) -> io::Result<Self> {
        let (orders, receiver) = channel();
        let tid = Arc::new(AtomicI32::new(0));
        let own_tid = Arc::clone(&tid);
        let work = move || {
            own_tid.store(current_thread(), Relaxed);
            carry_out(command, &receiver);
        };
        let thread = Builder::new().name("fib-process".into()).spawn(work)?;
        Ok(Spawner { orders: Some(orders), thread: Some(thread), tid })
    }

    /// Starts a worker.
    ///
    /// # Errors
    /// If the system refuses the process or a descriptor.
    pub(crate) fn start(&self) -> io::Result<StartedWorker> {
        let gone = || io::Error::other("the thread that starts workers has ended");
        let (socket, worker_end) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let (sender, receiver) = channel();
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send((worker_end.into(), sender)).map_err(|_| gone())?;
        for _ in 0..START_ATTEMPTS {
            match receiver.recv_timeout(START_LIMIT) {
                Ok(started) => return Ok(StartedWorker { child: started?, socket }),
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                Err(RecvTimeoutError::Timeout) => kill_unstarted(self.tid.load(Relaxed)),
            }
        }
        Err(io::Error::other("a process was started but has not become a worker"))
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // the thread cannot panic
        }
    }
}

#[cfg(target_os = "linux")]
fn current_thread() -> i32 {
    rustix::thread::gettid().as_raw_pid()
}

#[cfg(not(target_os = "linux"))]
fn current_thread() -> i32 {
    0
}

/// Kills the children of the thread `tid` that were stopped before they became workers. While such a child
/// is stopped, the thread waits for it and can do nothing. Without /proc the thread keeps waiting.
fn kill_unstarted(tid: i32) {
    let list = format!("/proc/self/task/{tid}/children");
    let children = std::fs::read_to_string(list).unwrap_or_default();
    for child in children.split_ascii_whitespace() {
        // Until it becomes a worker, a child has the arguments of this process.
        let arguments = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let mut arguments = arguments.split(|&byte| byte == 0);
        if arguments.any(|argument| argument == WORKER_ARGUMENT.as_bytes()) || !is_stopped(child) {
            continue;
        }
        if let Some(pid) = child.parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL); // it may have become a worker and ended
        }
    }
}

fn is_stopped(child: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['T', 't']))
}

/// Carries out orders until the pool drops its sender.
fn carry_out(mut command: Command, orders: &Receiver<SpawnOrder>) {
    for (socket, sender) in orders {
        let started = command.stdin(Stdio::from(socket)).spawn();
        // Otherwise the command would keep the worker's end of the socket open, and the pool would
        // not notice when the worker closes it.
        command.stdin(Stdio::null());
        let _ = sender.send(started); // the thread that gave the order waits for the result
    }
}

/// The command that starts a worker: `program`, or this executable if there is none.
///
/// # Errors
/// If the path of this executable cannot be found (never on Linux).
pub(crate) fn command(
    program: Option<Command>,
    environment: Vec<(OsString, Option<OsString>)>,
) -> io::Result<Command> {
    let mut command = match program {
        Some(program) => program,
        None => Command::new(this_executable()?),
    };
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let this = std::process::id().to_string();
    command.arg(WORKER_ARGUMENT).arg(&this).env(PARENT_VARIABLE, &this);
    // The output of a worker is not a result of this program, so it goes to standard error. Ctrl-C
    // must reach this process only, so workers have a process group of their own.
    command.stdout(own_stderr()).process_group(0);
    Ok(command)
}

fn own_stderr() -> Stdio {
    rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).map_or(Stdio::null(), Stdio::from)
}
