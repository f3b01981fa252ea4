//! No worker outlives its pool's process, however that ends.
//!
//! A worker that waits for a request sees the socket close. One that computes, or is stopped, is
//! killed by the kernel on Linux; elsewhere a thread looks once a second whether it is an orphan.

use rustix::process::{Pid, getppid};
use std::io;

fn is_child_of(parent: u32) -> bool {
    getppid().map(Pid::as_raw_pid).and_then(|pid| u32::try_from(pid).ok()) == Some(parent)
}

fn orphaned() -> io::Error {
    io::Error::other("this is a worker of a process pool, which is gone or never was")
}

/// Ties the life of this process to that of its parent.
///
/// # Errors
/// If the parent is gone already.
#[cfg(target_os = "linux")]
pub(crate) fn die_with(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // It fires when the *thread* that started this process ends, so a pool starts its workers from
    // one that lives as long as itself.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before.
    if is_child_of(parent) { Ok(()) } else { Err(orphaned()) }
}

/// Ties the life of this process to that of its parent.
///
/// # Errors
/// If the parent is gone already, or the system refuses a thread.
#[cfg(not(target_os = "linux"))]
pub(crate) fn die_with(parent: u32) -> io::Result<()> {
    use std::time::Duration;
    let watch = move || {
        while is_child_of(parent) {
            std::thread::sleep(Duration::from_secs(1));
        }
        std::process::exit(0);
    };
    std::thread::Builder::new().spawn(watch)?;
    if is_child_of(parent) { Ok(()) } else { Err(orphaned()) }
}
