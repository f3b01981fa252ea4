//! SIGINT, SIGTERM and the end of the time. The first signal stops the work, and the results so far
//! are printed within two seconds. The second signal ends the program at once. A program that was
//! started with a signal ignored keeps ignoring it.
//!
//! Only commands that compute or measure watch for signals. A signal ends any other command at
//! once.

use crate::diagnostics::{self, say};
use crate::unfinished::remove_unfinished;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Stopping and printing may take this long after the signal.
const GRACE: Duration = Duration::from_millis(1500);

/// How often the watching thread looks.
const TICK: Duration = Duration::from_millis(50);

/// The exit code of a program whose time is over, as of the program `timeout`.
const TIMED_OUT: usize = 124;

/// The signal that came, or [`TIMED_OUT`], or 0.
static EVENT: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Watches for signals and for the end of `time`. The first of these events calls `stop`. If the
/// program has not ended after the grace time, it ends with an error message: the event and `late_error`.
///
/// # Errors
/// If the system refuses the signal handlers.
pub(crate) fn watch(
    late_error: &'static str,
    time: Option<Duration>,
    stop: impl Fn() + Send + 'static,
) -> io::Result<()> {
    let end = time.and_then(|time| Instant::now().checked_add(time));
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM].into_iter().filter(|&signal| !is_ignored(signal)) {
        // The order matters: the first signal sets the flag, and a signal that finds it set ends
        // the program.
        flag::register_conditional_shutdown(signal, code(signal as usize), Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
        flag::register_usize(signal, Arc::clone(&EVENT), signal as usize)?;
    }
    let wait = move || {
        while exit_code().is_none() {
            let left = end.map_or(TICK, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                let _ = EVENT.compare_exchange(0, TIMED_OUT, Relaxed, Relaxed);
            }
            thread::sleep(left.min(TICK));
        }
        stop();
        thread::sleep(GRACE);
        remove_unfinished();
        diagnostics::clear();
        say(&format!("error: {} {late_error}", event()));
        exit(code(EVENT.load(Relaxed)));
    };
    // Without this thread the second signal still ends the program.
    if let Err(error) = thread::Builder::new().name("interrupt".into()).spawn(wait) {
        log::warn!("the first signal may not stop the work, but the second one will: {error}");
    }
    Ok(())
}

/// Writing beyond the limit of the file size (`ulimit -f`) becomes a write error, and does not
/// end the program.
pub(crate) fn outlive_size_limits() {
    #[cfg(unix)]
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default()); // refused: the program ends
}

/// Whether this program was started with `signal` ignored. Only Linux tells.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    status.is_ok_and(|status| status.sigign & (1 << (signal - 1)) != 0)
}

#[cfg(not(target_os = "linux"))]
fn is_ignored(_signal: i32) -> bool {
    false
}

/// The exit code of a program that this event ended.
fn code(event: usize) -> i32 {
    if event == TIMED_OUT { TIMED_OUT as i32 } else { 128 + event as i32 }
}

/// The exit code of the program, if an event came.
pub(crate) fn exit_code() -> Option<u8> {
    let event = EVENT.load(Relaxed);
    (event != 0).then(|| code(event) as u8)
}

/// What stopped the work, for people.
pub(crate) fn event() -> &'static str {
    if EVENT.load(Relaxed) == TIMED_OUT { "timed out" } else { "interrupted" }
}

/// An error that stops a loop, if an event came.
pub(crate) fn check() -> io::Result<()> {
    exit_code().map_or(Ok(()), |_| Err(io::ErrorKind::Interrupted.into()))
}
