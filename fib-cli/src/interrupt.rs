//! SIGINT and SIGTERM. The first signal stops the work, and the results so far are printed within
//! two seconds. The second signal ends the program at once.
//!
//! Only commands that compute or measure watch for signals. A signal ends any other command at
//! once.

use crate::diagnostics::say;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// Stopping and printing may take this long after the signal.
const GRACE: Duration = Duration::from_millis(1500);

/// The signal that came, or 0.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Watches for signals. The first signal calls `stop`. If the program has not ended after the grace
/// time, it ends with the error message `late_error`.
///
/// # Errors
/// If the system refuses the signal handlers or the thread.
pub(crate) fn watch(late_error: &'static str, stop: impl Fn() + Send + 'static) -> io::Result<()> {
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the first signal sets the flag, and a signal that finds it set ends
        // the program.
        flag::register_conditional_shutdown(signal, code(signal as usize), Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
        flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)?;
    }
    let wait = move || {
        while exit_code().is_none() {
            thread::sleep(Duration::from_millis(50));
        }
        stop();
        thread::sleep(GRACE);
        say(&format!("error: {late_error}"));
        exit(code(SIGNAL.load(Relaxed)));
    };
    // Without this thread the second signal still ends the program.
    if let Err(error) = thread::Builder::new().name("interrupt".into()).spawn(wait) {
        log::warn!("the first signal may not stop the work, but the second one will: {error}");
    }
    Ok(())
}

/// The exit code of a program that a signal ended.
fn code(signal: usize) -> i32 {
    128 + signal as i32
}

/// The exit code of the program, if a signal came.
pub(crate) fn exit_code() -> Option<u8> {
    let signal = SIGNAL.load(Relaxed);
    (signal != 0).then(|| code(signal) as u8)
}

/// An error that stops a loop, if a signal came.
pub(crate) fn check() -> io::Result<()> {
    exit_code().map_or(Ok(()), |_| Err(io::ErrorKind::Interrupted.into()))
}
