//! Interrupted by a signal: what was measured so far is analysed and printed, within two seconds.
//!
//! Only commands that measure ask for it; any other ends at once, as programs do.

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

/// After the signal, a sample may end and the tables be printed for so long.
const GRACE: Duration = Duration::from_millis(1500);

/// The signal that came, or 0.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// From now on the first SIGINT or SIGTERM is noticed, and the second ends the program at once.
///
/// # Errors
/// If the system refuses.
pub(crate) fn watch() -> io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first one sets what makes the second one end it.
        flag::register_conditional_shutdown(signal, code(signal as usize), Arc::clone(&again))?;
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, Arc::clone(&SIGNAL), signal as usize)?;
    }
    thread::Builder::new().name("interrupt".into()).spawn(end_in_time).map(drop)
}

/// The exit code of a program that a signal ended.
fn code(signal: usize) -> i32 {
    128 + signal as i32
}

/// The exit code, if a signal came.
pub(crate) fn exit_code() -> Option<u8> {
    let signal = SIGNAL.load(Relaxed);
    (signal != 0).then(|| code(signal) as u8)
}

/// An error that ends measuring, if a signal came.
pub(crate) fn check() -> io::Result<()> {
    exit_code().map_or(Ok(()), |_| Err(io::ErrorKind::Interrupted.into()))
}

/// A runner may be at one sample for longer than anybody waits.
fn end_in_time() {
    while exit_code().is_none() {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(GRACE);
    say("error: interrupted within a sample; what was recorded before it is kept");
    exit(code(SIGNAL.load(Relaxed)));
}
