//! Ends a worker when the process of its pool ends, no matter how that process ends.
//!
//! A worker that waits for a request sees that the socket is closed. A worker that computes, or
//! that is stopped, does not see it. On Linux the system kills such a worker. On other systems a
//! thread of the worker checks once a second whether the parent is still there.

use rustix::process::{Pid, getppid};
use std::io;

fn is_child_of(parent: u32) -> bool {
    getppid().map(Pid::as_raw_pid).and_then(|pid| u32::try_from(pid).ok()) == Some(parent)
}

fn orphan_error() -> io::Error {
    io::Error::other("this is a worker of a process pool, but its pool has ended or never existed")
}

/// Makes this process end when its parent ends.
///
/// # Errors
/// If the parent has ended already.
#[cfg(target_os = "linux")]
pub(crate) fn end_with_parent(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // The signal comes when the *thread* that started this process ends. That is why a pool starts
    // all its workers from one thread, which lives as long as the pool.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the call above.
    if is_child_of(parent) { Ok(()) } else { Err(orphan_error()) }
}

/// Makes this process end when its parent ends.
///
/// # Errors
/// If the parent has ended already, or the system refuses a thread.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_with_parent(parent: u32) -> io::Result<()> {
    use std::time::Duration;
    let watch = move || {
        while is_child_of(parent) {
            std::thread::sleep(Duration::from_secs(1));
        }
        std::process::exit(0);
    };
    std::thread::Builder::new().spawn(watch)?;
    if is_child_of(parent) { Ok(()) } else { Err(orphan_error()) }
}
