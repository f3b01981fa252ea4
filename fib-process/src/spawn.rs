//! Starting worker processes, all from one thread.
//!
//! A worker is killed when the thread that started it ends (see `orphan`), so that thread has to
//! live as long as the pool. The socket is the worker's standard input: with no descriptors to
//! arrange, the standard library can start it without copying this process's page tables.

use rustix::process::getppid;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

/// The last argument but one of a worker; the last is the process that started it.
const MARKER: &str = "fib-process-worker";

/// The same again for a worker whose program does not look at its arguments, and would start
/// workers of its own, and they theirs.
const VARIABLE: &str = "FIB_PROCESS_WORKER_OF";

/// The process that started this one as a worker, as its arguments say.
pub(crate) fn parent_of_this_worker() -> Option<u32> {
    let mut arguments = std::env::args_os().rev();
    let parent = arguments.next()?.to_str()?.parse().ok()?;
    (arguments.next()? == MARKER).then_some(parent)
}

/// Whether this process was started as a worker; what a worker starts in turn is none.
pub(crate) fn is_worker() -> bool {
    let parent = getppid().map(|parent| parent.as_raw_pid().to_string());
    parent.is_some_and(|parent| std::env::var(VARIABLE).is_ok_and(|set| set == parent))
}

/// A worker just started, and the pool's end of its socket.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
}

type Answer = io::Result<Child>;

/// The thread that starts workers.
pub(crate) struct Spawner {
    orders: Option<Sender<(OwnedFd, Sender<Answer>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Spawner {
    /// # Errors
    /// If the system refuses the thread.
    pub(crate) fn new(command: Command) -> io::Result<Self> {
        let (orders, ordered) = channel();
        let work = move || obey(command, &ordered);
        let thread = Builder::new().name("fib-process".into()).spawn(work)?;
        Ok(Spawner { orders: Some(orders), thread: Some(thread) })
    }

    /// # Errors
    /// If the system refuses the process or a descriptor.
    pub(crate) fn start(&self) -> io::Result<Started> {
        let gone = || io::Error::other("the thread that starts workers is gone");
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let (answer, answers) = channel();
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send((theirs.into(), answer)).map_err(|_| gone())?;
        let child = answers.recv().map_err(|_| gone())??;
        Ok(Started { child, socket })
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it cannot panic
        }
    }
}

fn obey(mut command: Command, orders: &Receiver<(OwnedFd, Sender<Answer>)>) {
    for (socket, answer) in orders {
        let started = command.stdin(Stdio::from(socket)).spawn();
        // The command would keep the worker's end open, and hide that the worker hung up.
        command.stdin(Stdio::null());
        let _ = answer.send(started); // whoever ordered waits for it
    }
}

/// The command that starts a worker: this executable, or `program`.
///
/// # Errors
/// If this executable cannot be found (not on Linux).
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
    command.arg(MARKER).arg(&this).env(VARIABLE, &this);
    // What a worker prints is not a result of this program; Ctrl-C is for this process to handle.
    command.stdout(own_stderr()).process_group(0);
    Ok(command)
}

/// Also right after the file was replaced or removed.
#[cfg(target_os = "linux")]
fn this_executable() -> io::Result<std::path::PathBuf> {
    Ok("/proc/self/exe".into())
}

#[cfg(not(target_os = "linux"))]
fn this_executable() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

fn own_stderr() -> Stdio {
    rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).map_or(Stdio::null(), Stdio::from)
}
